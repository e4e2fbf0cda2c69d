/**
 * The script of the audit page: it searches, sorts, filters and opens the users, who stand in the page as data. A hundred
 * rows are in the document at a time. It makes text nodes and elements, and never markup from text.
 */
export const AUDIT_PAGE_SCRIPT = String.raw`'use strict'
const ROWS_A_PAGE = 100

const byId = id => document.getElementById(id)
const count = number => number.toLocaleString('en-GB')
const fold = text => text.normalize().toLowerCase()

function take(id) {
  const block = byId(id)
  block.remove()
  return block.textContent
}

// ------------------------------------------------------------------ Data

const { outcomes, groups, roles, resolutions } = JSON.parse(take('audit-tables'))
const names = []
const resolutionIds = []
const groupIds = []
/** Where a user's groups start; they end where the next user's start. */
const starts = [0]
for (const line of take('audit-users').split('\n')) {
  if (line === '') continue
  const [name, resolution, ids] = JSON.parse(line)
  names.push(name)
  resolutionIds.push(resolution)
  for (const id of ids) groupIds.push(id)
  starts.push(groupIds.length)
}
const foldedNames = names.map(fold)
const roleTexts = roles.map(parts => fold(parts.join('')))
const roleText = id => id === null ? '' : roleTexts[id]
const groupTexts = groups.map(group => fold(group.name) + '\n' + roleText(group.role))
const resolutionTexts = resolutions.map(resolution => fold(outcomes[resolution.outcome].label) + '\n' + roleText(resolution.role))
const outcomeOrder = Object.keys(outcomes)

const groupCount = user => starts[user + 1] - starts[user]
const groupsOf = user => groupIds.slice(starts[user], starts[user + 1])

// ------------------------------------------------------------------ Which users, in which order

const compareTexts = (a, b) => a < b ? -1 : a > b ? 1 : 0
/** A role that is preferred, then one that may be, then none. */
const compareRoles = (a, b) =>
  (a.role === null) - (b.role === null)
  || (a.outcome === 'undetermined') - (b.outcome === 'undetermined')
  || compareTexts(roleText(a.role), roleText(b.role))
const resolutionOf = user => resolutions[resolutionIds[user]]

const COMPARE = {
  user: (a, b) => compareTexts(foldedNames[a], foldedNames[b]),
  outcome: (a, b) => outcomeOrder.indexOf(resolutionOf(a).outcome) - outcomeOrder.indexOf(resolutionOf(b).outcome),
  role: (a, b) => compareRoles(resolutionOf(a), resolutionOf(b)),
  groups: (a, b) => groupCount(a) - groupCount(b),
}

const asRead = names.map((_, user) => user)
let order = asRead
let matches = asRead
let page = 0

function sortBy(column, direction) {
  const compare = COMPARE[column]
  order = asRead.slice().sort(direction === 'ascending' ? compare : (a, b) => compare(b, a))
}

function match() {
  const wanted = fold(byId('search').value.trim())
  const outcome = byId('filter').value
  const isListed = resolutions.map(resolution => outcome === '' || resolution.outcome === outcome)
  const isResolution = resolutionTexts.map(text => text.includes(wanted))
  const isGroup = groupTexts.map(text => text.includes(wanted))
  const inGroup = user => {
    for (let index = starts[user]; index < starts[user + 1]; index++) if (isGroup[groupIds[index]]) return true
    return false
  }
  matches = order.filter(user => {
    const resolution = resolutionIds[user]
    return isListed[resolution] && (isResolution[resolution] || foldedNames[user].includes(wanted) || inGroup(user))
  })
  page = 0
}

// ------------------------------------------------------------------ What is in the document

function make(tag, attributes, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

const isolated = text => make('bdi', {}, text)
const arn = ([path, name]) => make('bdi', { class: 'arn' }, make('span', {}, path), make('wbr', {}), name)
const badge = (tone, text) => make('span', { class: 'badge ' + tone }, text)
const muted = text => make('span', { class: 'muted' }, text)

function roleCell({ outcome, role }) {
  if (role === null) return [muted('none')]
  return outcome === 'undetermined' ? [arn(roles[role]), muted(', or none')] : [arn(roles[role])]
}

function rows(user, index) {
  const resolution = resolutionOf(user)
  const { label, tone } = outcomes[resolution.outcome]
  const number = groupCount(user)
  const why = 'why-' + user
  const toggle = make('button', {
    'type': 'button', 'class': 'toggle', 'aria-expanded': 'false', 'aria-controls': why, 'aria-label': 'Explain ' + names[user],
  })
  const row = make('tr', { 'class': 'row', 'role': 'row', 'aria-rowindex': index + 2 },
    make('th', { 'class': 'user', 'scope': 'row', 'role': 'rowheader', 'aria-label': names[user] }, toggle, isolated(names[user])),
    make('td', { class: 'outcome', role: 'cell' }, badge(tone, label)),
    make('td', { class: 'role', role: 'cell' }, ...roleCell(resolution)),
    make('td', { 'class': 'groups number', 'role': 'cell', 'data-unit': number === 1 ? 'group' : 'groups' }, count(number)))
  const cell = make('td', { class: 'why', role: 'cell', colspan: 4, id: why })
  const detail = make('tr', { class: 'detail', role: 'row', hidden: '' }, cell)
  row.explain = () => {
    const isOpen = detail.hidden
    if (isOpen && cell.childNodes.length === 0) cell.append(...explanation(user, resolution))
    detail.hidden = !isOpen
    row.classList.toggle('open', isOpen)
    toggle.setAttribute('aria-expanded', isOpen)
  }
  return [row, detail]
}

function explanation(user, { reason, rule, evidence, docs, decides }) {
  const ids = groupsOf(user)
  const ranked = ids.slice().sort((a, b) => (groups[a].precedence ?? Infinity) - (groups[b].precedence ?? Infinity) || 0)
  const tokenRoles = [...new Set(ranked.map(id => groups[id].role))].filter(role => role !== null)
  return [
    make('p', {}, reason),
    make('p', { class: 'muted' }, make('code', {}, rule), ': ' + evidence + '; see ', make('code', {}, docs)),
    make('h3', {}, 'Groups, highest rank first'),
    ids.length === 0 ? muted('none') : make('ul', {}, ...ranked.map(id => groupItem(groups[id], decides.includes(id)))),
    make('h3', {}, 'Roles in the ID token (cognito:roles)'),
    tokenRoles.length === 0 ? muted('none') : make('ul', {}, ...tokenRoles.map(role => make('li', {}, arn(roles[role])))),
  ]
}

function groupItem({ name, precedence, role, known }, isDecisive) {
  const item = make('li', {},
    make('span', { class: 'rank' }, make('span', { class: 'unseen' }, 'precedence '), precedence === null ? 'none' : String(precedence)),
    isolated(name))
  if (!known) item.append(badge('doubt', 'not in the pool'))
  else item.append(role === null ? muted('no role') : arn(roles[role]))
  if (isDecisive) item.append(badge('plain', 'decides'))
  return item
}

function show() {
  const first = page * ROWS_A_PAGE
  const shown = matches.slice(first, first + ROWS_A_PAGE)
  const range = shown.length === 0 ? '' : count(first + 1) + '–' + count(first + shown.length)
  byId('users-body').replaceChildren(...shown.flatMap((user, index) => rows(user, first + index)))
  byId('users-table').setAttribute('aria-rowcount', matches.length + 1)
  byId('matches').textContent = shown.length === 0 ? 'No user matches'
    : count(matches.length) + ' of ' + count(names.length) + ' users match; rows ' + range + ' are shown'
  byId('range').textContent = shown.length === 0 ? '' : range + ' of ' + count(matches.length)
  byId('previous').setAttribute('aria-disabled', page === 0)
  byId('next').setAttribute('aria-disabled', first + ROWS_A_PAGE >= matches.length)
}

// ------------------------------------------------------------------ What the reader does

function turn(step) {
  const turned = page + step
  if (turned < 0 || turned * ROWS_A_PAGE >= matches.length) return
  page = turned
  show()
  byId('users-table').scrollIntoView({ block: 'start' })
}

function search() {
  match()
  show()
}

byId('search').addEventListener('input', search)
byId('filter').addEventListener('change', search)
byId('previous').addEventListener('click', () => turn(-1))
byId('next').addEventListener('click', () => turn(1))
byId('users-head').addEventListener('click', ({ target }) => {
  const button = target.closest('button')
  if (button === null) return
  const header = button.parentElement
  const direction = header.getAttribute('aria-sort') === 'ascending' ? 'descending' : 'ascending'
  for (const other of header.parentElement.children) other.setAttribute('aria-sort', other === header ? direction : 'none')
  sortBy(button.dataset.sort, direction)
  search()
})
byId('users-body').addEventListener('click', ({ target }) => {
  // A click that ends a selection is for copying a name.
  if (getSelection().isCollapsed || target.closest('button') !== null) target.closest('tr.row')?.explain()
})

show()
byId('users-app').hidden = false
`
