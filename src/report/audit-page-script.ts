/**
 * The script of the audit page: it searches, filters, sorts, explains and prints the users, which the page has as data.
 * A hundred rows are in the document at a time. It makes text nodes and elements, and never markup from text. It keeps
 * the name and some numbers of each user in memory; the rest is read from the data when a row is opened.
 */
export const AUDIT_PAGE_SCRIPT = String.raw`'use strict'
const ROWS_A_PAGE = 100
/** More rows than this crash a browser, or a printer. The page says how many it prints. */
const MAX_PRINTED = 10000

const byId = id => document.getElementById(id)
const count = number => number.toLocaleString('en-GB')
const fold = text => text.normalize().toLowerCase()

function take(id) {
  const block = byId(id)
  block.remove()
  return block.textContent
}

// ------------------------------------------------------------------ Data

const NONE = -1
const [DISABLED, ENABLED, UNKNOWN] = [0, 1, 2]

const tables = JSON.parse(take('audit-tables'))
const { outcomes, groups, roles, hows, selections, concerns } = tables
const lines = take('audit-users')
const hasCredentials = tables.identityPool !== null

const names = []
/** The text that is searched: the name, and if known, the sub and the attributes. */
const texts = []
/** Where the line of each user starts. */
const offsets = []
const howIds = []
const roleIds = []
const findingBits = []
const states = []
const selectionIds = []
const selectionRoles = []
/** The possible roles of the users whose credentials are not known. */
const candidateRoles = new Map()
const groupIds = []
/** Where a user's groups start; they end where the next user's start. */
const starts = [0]
/** Groups that the pool does not have, by name. */
const unknownGroups = new Map()

function groupId(group) {
  if (typeof group === 'number') return group
  let id = unknownGroups.get(group)
  if (id === undefined) {
    id = groups.push({ name: group, precedence: null, role: NONE, isUnknown: true }) - 1
    unknownGroups.set(group, id)
  }
  return id
}

for (let from = 0; from < lines.length;) {
  let to = lines.indexOf('\n', from)
  if (to === -1) to = lines.length
  if (to > from) {
    const [name, how, role, own, , bits, state, selection, , sub, attributes] = JSON.parse(lines.slice(from, to))
    const user = names.push(name) - 1
    const folded = fold(sub || attributes ? [name, sub || '', ...(attributes || []).map(pair => pair[1])].join('\n') : name)
    texts.push(folded === name ? name : folded)
    offsets.push(from)
    howIds.push(how)
    roleIds.push(role)
    findingBits.push(bits)
    states.push(state)
    if (selection) {
      selectionIds.push(selection[0])
      selectionRoles.push(selection[1])
      if (selection[3].length > 0) candidateRoles.set(user, selection[3].map(one => one[1]))
    }
    for (const group of own) groupIds.push(groupId(group))
    starts.push(groupIds.length)
  }
  from = to + 1
}

/** Everything that the page says about a user. */
function rowOf(user) {
  const end = lines.indexOf('\n', offsets[user])
  const [, , , , decides, , , selection, status, sub, attributes] = JSON.parse(lines.slice(offsets[user], end === -1 ? undefined : end))
  return { decides: decides.map(index => groupIds[starts[user] + index]), selection, status, sub, attributes: attributes || [] }
}

const arnOf = role => role.arn.join('')
const roleTexts = roles.map(role => fold(arnOf(role)))
const roleText = id => id === NONE ? '' : roleTexts[id]
const groupTexts = groups.map(group => fold(group.name) + '\n' + roleText(group.role))
const outcomeNames = Object.keys(outcomes)
const outcomeOf = user => hows[howIds[user]][0]
const isUndetermined = user => outcomeOf(user) === 'undetermined'
const credentialsOf = user => selections[selectionIds[user]][0]
const groupCount = user => starts[user + 1] - starts[user]

// ------------------------------------------------------------------ Filters

/** Options by key: a user has one of them. */
function keyed(options, keyOf) {
  const counts = new Uint32Array(options.length)
  for (let user = 0; user < names.length; user++) counts[keyOf(user)]++
  return options.map((option, key) => ({ ...option, count: counts[key], matches: user => keyOf(user) === key }))
}

/** A role by its name, or by its ARN if another role has the same name. */
function roleOptions(mayGet) {
  const shared = new Set()
  const seen = new Set()
  for (const { arn: [, name] } of roles) (seen.has(name) ? shared : seen).add(name)
  return roles.map((role, id) => ({
    value: arnOf(role),
    label: shared.has(role.arn[1]) || role.arn[1] === '' ? arnOf(role) : role.arn[1],
    mayMatch: user => mayGet(user, id),
  }))
}

/** Sorted for people; options other than roles come last. */
const sorted = options => options.slice(0, roles.length).sort((a, b) => compareTexts(a.value, b.value)).concat(options.slice(roles.length))

function findingOptions() {
  const counts = new Uint32Array(concerns.length)
  let any = 0
  let none = 0
  for (let user = 0; user < names.length; user++) {
    const bits = findingBits[user]
    if (bits !== 0) any++
    else if (states[user] !== DISABLED) none++
    for (let bit = 0; bit < concerns.length; bit++) if (bits & 1 << bit) counts[bit]++
  }
  return [
    { value: 'any', label: 'Any finding', count: any, matches: user => findingBits[user] !== 0 },
    ...concerns.map(({ name, title }, bit) => ({
      value: name, label: title, count: counts[bit], matches: user => (findingBits[user] & 1 << bit) !== 0,
    })).filter(option => option.count > 0),
    { value: 'none', label: 'No finding', count: none, matches: user => findingBits[user] === 0 && states[user] !== DISABLED },
  ]
}

function roleKey(user) {
  const outcome = outcomeOf(user)
  return outcome === 'resolved' ? roleIds[user] : roles.length + (outcome === 'undetermined' ? 1 : 0)
}

function credentialsKey(user) {
  const outcome = credentialsOf(user)
  return outcome === 'role' ? selectionRoles[user] : roles.length + (outcome === 'undetermined' ? 1 : 0)
}

const compareTexts = (a, b) => a < b ? -1 : a > b ? 1 : 0

const filters = [
  { id: 'finding', options: findingOptions() },
  {
    id: 'outcome',
    options: keyed(outcomeNames.map(value => ({ value, label: outcomes[value].label })), user => outcomeNames.indexOf(outcomeOf(user))),
  },
  {
    id: 'role',
    options: sorted(keyed([
      ...roleOptions((user, role) => isUndetermined(user) && roleIds[user] === role),
      { value: 'none', label: 'None' },
      { value: 'undetermined', label: 'Not known' },
    ], roleKey)),
  },
  ...hasCredentials ? [{
    id: 'credentials',
    options: sorted(keyed([
      ...roleOptions((user, role) => candidateRoles.has(user) && candidateRoles.get(user).includes(role)),
      { value: 'denied', label: 'Denied' },
      { value: 'undetermined', label: 'Not known' },
    ], credentialsKey)),
  }] : [],
  {
    id: 'status',
    options: keyed([
      { value: 'disabled', label: 'Disabled' }, { value: 'enabled', label: 'Enabled' }, { value: 'unknown', label: 'Not known' },
    ], user => states[user]),
  },
]

const selectOf = filter => byId('filter-' + filter.id)

for (const filter of filters) {
  const option = (value, text) => make('option', { value }, text)
  selectOf(filter).append(
    option('', 'All (' + count(names.length) + ')'),
    ...filter.options.map(({ value, label, count: number }) => option(value, label + ' (' + count(number) + ')')))
}

// ------------------------------------------------------------------ Which users, in which order

/** A role that is preferred, then one that may be, then none. */
const compareRoles = (a, b) =>
  (roleIds[a] === NONE) - (roleIds[b] === NONE)
  || isUndetermined(a) - isUndetermined(b)
  || compareTexts(roleText(roleIds[a]), roleText(roleIds[b]))
const credentialsRank = user => ['role', 'undetermined', 'denied'].indexOf(credentialsOf(user))

const COMPARE = {
  user: (a, b) => compareTexts(texts[a], texts[b]),
  outcome: (a, b) => outcomeNames.indexOf(outcomeOf(a)) - outcomeNames.indexOf(outcomeOf(b)),
  role: compareRoles,
  credentials: (a, b) =>
    credentialsRank(a) - credentialsRank(b) || compareTexts(roleText(selectionRoles[a]), roleText(selectionRoles[b])),
  groups: (a, b) => groupCount(a) - groupCount(b),
}

const asRead = Uint32Array.from(names.keys())
let order = asRead
let matches = asRead
/** How many users may have the role of the filter: it is not known whether they do. */
let maybe = 0
let disabled = 0
let page = 0

function sortBy(column, direction) {
  const compare = COMPARE[column]
  order = asRead.slice().sort(direction === 'ascending' ? (a, b) => compare(a, b) || a - b : (a, b) => compare(b, a) || a - b)
}

const wantedText = () => fold(byId('search').value.trim())

function isFound(wanted) {
  if (wanted === '') return () => true
  const isHow = hows.map(([outcome]) => fold(outcomes[outcome].label).includes(wanted))
  const isRole = roleTexts.map(text => text.includes(wanted))
  const isGroup = groupTexts.map(text => text.includes(wanted))
  return user => {
    if (isHow[howIds[user]] || isRole[roleIds[user]] || isRole[selectionRoles[user]] || texts[user].includes(wanted)) return true
    for (let index = starts[user]; index < starts[user + 1]; index++) if (isGroup[groupIds[index]]) return true
    return false
  }
}

/** What a filter is set to; nothing matches an option that the page does not have. */
function activeOptions() {
  return filters.flatMap(filter => {
    const { value } = selectOf(filter)
    return value === '' ? [] : [filter.options.find(option => option.value === value) || { matches: () => false }]
  })
}

function match() {
  const active = activeOptions()
  const found = isFound(wantedText())
  maybe = 0
  disabled = 0
  matches = order.filter(user => {
    let isMaybe = false
    for (const option of active) {
      if (option.matches(user)) continue
      if (option.mayMatch === undefined || !option.mayMatch(user)) return false
      isMaybe = true
    }
    if (!found(user)) return false
    if (isMaybe) maybe++
    else if (states[user] === DISABLED) disabled++
    return !isMaybe
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
const arn = ({ arn: [path, name] }) => make('bdi', { class: 'arn' }, make('span', {}, path), make('wbr', {}), name)
const badge = (tone, text) => make('span', { class: 'badge ' + tone }, text)
const muted = text => make('span', { class: 'muted' }, text)

function roleCell(user) {
  const role = roleIds[user]
  if (role === NONE) return [muted('none')]
  return isUndetermined(user) ? [arn(roles[role]), muted(', or none')] : [arn(roles[role])]
}

function credentialsCell(user) {
  const outcome = credentialsOf(user)
  if (outcome === 'role') {
    const isPreferred = outcomeOf(user) === 'resolved' && selectionRoles[user] === roleIds[user]
    return [isPreferred ? muted('the preferred role') : arn(roles[selectionRoles[user]])]
  }
  return [outcome === 'denied' ? badge('plain', 'Denied') : badge('doubt', 'Not known')]
}

function groupNames(user) {
  const ids = groupIds.slice(starts[user], starts[user + 1])
  return ids.flatMap((id, index) => index === 0 ? [isolated(groups[id].name)] : [', ', isolated(groups[id].name)])
}

const opened = new Set()

function userCell(user, ...first) {
  const cell = make('th', { 'class': 'user', 'scope': 'row', 'role': 'rowheader', 'aria-label': names[user] }, ...first, isolated(names[user]))
  if (states[user] === DISABLED) cell.append(' ', badge('plain', 'disabled'))
  return cell
}

function cellsOf(user) {
  const { label, tone } = outcomes[outcomeOf(user)]
  const cells = [
    make('td', { class: 'outcome', role: 'cell' }, badge(tone, label)),
    make('td', { class: 'role', role: 'cell' }, ...roleCell(user)),
  ]
  if (hasCredentials) cells.push(make('td', { class: 'credentials', role: 'cell' }, ...credentialsCell(user)))
  return cells
}

const columns = hasCredentials ? 5 : 4

function rows(user, index) {
  const number = groupCount(user)
  const why = 'why-' + user
  const toggle = make('button', {
    'type': 'button', 'class': 'toggle', 'aria-expanded': 'false', 'aria-controls': why, 'aria-label': 'Explain ' + names[user],
  })
  const row = make('tr', { 'class': 'row', 'role': 'row', 'aria-rowindex': index + 2 },
    userCell(user, toggle),
    ...cellsOf(user),
    make('td', { 'class': 'groups number', 'role': 'cell', 'data-unit': number === 1 ? 'group' : 'groups' }, count(number)))
  const cell = make('td', { class: 'why', role: 'cell', colspan: columns, id: why })
  const detail = make('tr', { class: 'detail', role: 'row', hidden: '' }, cell)
  row.explain = () => {
    const isOpen = detail.hidden
    if (isOpen && cell.childNodes.length === 0) cell.append(...explanation(user))
    detail.hidden = !isOpen
    row.classList.toggle('open', isOpen)
    toggle.setAttribute('aria-expanded', isOpen)
    if (isOpen) opened.add(user)
    else opened.delete(user)
  }
  if (opened.has(user)) row.explain()
  return [row, detail]
}

// ------------------------------------------------------------------ Why

const MAX_LISTED = 5

function listed(items) {
  const shown = items.slice(0, MAX_LISTED)
  if (items.length > MAX_LISTED) shown.push(items.length - MAX_LISTED + ' more')
  return shown.length < 2 ? shown.join() : shown.slice(0, -1).join(', ') + ' and ' + shown.at(-1)
}

const quoted = (thing, text) => thing.quoted === undefined ? '\x60' + text + '\x60' : thing.quoted

function reasonOf(user, decides) {
  const [outcome, rule, evidence] = hows[howIds[user]]
  const role = roles[roleIds[user]]
  const reason = tables.reasons[outcome + ' ' + rule] || tables.reasons[rule]
  const besides = tables.besides[outcome + ' ' + evidence] || tables.besides[evidence]
  const text = besides === undefined ? reason : reason + ' ' + besides
  return text.replace(/\{(?:groups|role)\}/g, part => part === '{groups}'
    ? listed(decides.map(id => quoted(groups[id], groups[id].name)))
    : quoted(role, arnOf(role)))
}

/** The rule, with a link to its explanation on the page. */
function ruleLink(rule, section) {
  const code = make('code', {}, rule)
  return section === undefined ? code : make('a', { href: '#' + section }, code)
}

function explanation(user) {
  const { decides, selection, status, sub, attributes } = rowOf(user)
  const [, rule, evidence] = hows[howIds[user]]
  const ids = groupIds.slice(starts[user], starts[user + 1])
  const ranked = ids.sort((a, b) => (groups[a].precedence ?? Infinity) - (groups[b].precedence ?? Infinity) || 0)
  const tokenRoles = [...new Set(ranked.map(id => groups[id].role))].filter(role => role !== NONE)
  return [
    make('p', { class: 'reason' }, reasonOf(user, decides)),
    make('p', { class: 'muted' }, ruleLink(rule, tables.ruleSections[rule]), ': ' + tables.evidence[evidence]),
    ...selection ? credentialsParts(selection) : [],
    ...findingParts(user),
    make('h3', {}, 'Groups, highest rank first'),
    ids.length === 0 ? muted('none') : make('ul', {}, ...ranked.map(id => groupItem(groups[id], decides.includes(id)))),
    make('h3', {}, 'Roles in the ID token (cognito:roles)'),
    tokenRoles.length === 0 ? muted('none') : make('ul', {}, ...tokenRoles.map(role => make('li', {}, arn(roles[role])))),
    ...detailParts(user, status, sub, attributes),
  ]
}

/** If one of these rules decides, there are several readings. */
const DOUBTS = ['undetermined-preferred-role', 'uncertain-rule', 'ambiguous-unset']

function credentialsParts([how, role, ruleIndex, others]) {
  const [outcome, rule, evidence] = selections[how]
  const { says = '', section } = tables.selectionRules[rule] || {}
  const sentences = [says]
  if (ruleIndex !== NONE) sentences.push('It is rule ' + ruleIndex + ' of the mapping, counted from 0.')
  if (outcome === 'undetermined') sentences.push('Do not grant access based on it.')
  else if (evidence === 'inferred' && DOUBTS.includes(rule)) sentences.push('Here all readings give the same result.')
  const candidate = ([one, itsRole]) => make('li', {},
    itsRole === NONE ? badge('plain', 'Denied') : arn(roles[itsRole]),
    make('span', { class: 'muted' }, 'by ', ruleLink(selections[one][1], (tables.selectionRules[selections[one][1]] || {}).section)))
  return [
    make('h3', {}, 'Credentials from identity pool ', isolated(tables.identityPool)),
    make('p', {}, outcome === 'role' ? arn(roles[role]) : outcome === 'denied' ? badge('plain', 'Denied') : badge('doubt', 'Not known: one of these')),
    ...others.length === 0 ? [] : [make('ul', {}, ...others.map(candidate))],
    make('p', {}, sentences.join(' ')),
    make('p', { class: 'muted' }, ruleLink(rule, section), ': ' + tables.selectionEvidence[evidence]),
  ]
}

function findingParts(user) {
  const own = concerns.filter((_, bit) => (findingBits[user] & 1 << bit) !== 0)
  if (own.length === 0) return []
  const item = ({ severity, title, section }) => make('li', {},
    badge({ error: 'bad', warning: 'doubt', note: 'plain' }[severity], severity),
    section === null ? title : make('a', { href: '#' + section }, title))
  return [make('h3', {}, 'Findings'), make('ul', {}, ...own.map(item))]
}

function detailParts(user, status, sub, attributes) {
  const details = [
    ...states[user] === UNKNOWN ? [] : [['Sign-in', states[user] === ENABLED ? 'enabled' : 'disabled']],
    ...status ? [['Status', status]] : [],
    ...sub ? [['sub', sub]] : [],
    ...attributes,
  ]
  if (details.length === 0) return []
  return [make('h3', {}, 'User'), make('dl', {}, ...details.flatMap(([name, value]) => [
    make('dt', {}, isolated(name)), make('dd', {}, isolated(value)),
  ]))]
}

function groupItem({ name, precedence, role, isUnknown }, isDecisive) {
  const item = make('li', {},
    make('span', { class: 'rank' }, make('span', { class: 'unseen' }, 'precedence '), precedence === null ? 'none' : String(precedence)),
    isolated(name))
  if (isUnknown) item.append(badge('doubt', 'not in the pool'))
  else item.append(role === NONE ? muted('no role') : arn(roles[role]))
  if (isDecisive) item.append(badge('plain', 'decides'))
  return item
}

// ------------------------------------------------------------------ Showing

function matchText(rest) {
  const some = disabled === 0 ? '' : ', ' + count(disabled) + ' of them disabled'
  const more = maybe === 0 ? '' : '. ' + count(maybe) + ' more may get this role: it is not known whether they do'
  return (matches.length === 0 ? 'No user matches' : count(matches.length) + ' of ' + count(names.length) + ' users match' + some + rest) + more
}

function show() {
  const first = page * ROWS_A_PAGE
  const shown = [...matches.subarray(first, first + ROWS_A_PAGE)]
  const range = shown.length === 0 ? '' : count(first + 1) + '–' + count(first + shown.length)
  byId('users-body').replaceChildren(...shown.flatMap((user, index) => rows(user, first + index)))
  byId('users-table').setAttribute('aria-rowcount', matches.length + 1)
  byId('matches').textContent = matchText('; rows ' + range + ' are shown')
  byId('range').textContent = shown.length === 0 ? '' : range + ' of ' + count(matches.length)
  byId('previous').setAttribute('aria-disabled', page === 0)
  byId('next').setAttribute('aria-disabled', first + ROWS_A_PAGE >= matches.length)
  byId('clear').hidden = fragment() === ''
}

// ------------------------------------------------------------------ Printing

/** The filters in words. */
function filterText() {
  const parts = filters.flatMap(filter => {
    const select = selectOf(filter)
    return select.value === '' ? [] : [select.labels[0].textContent + ': ' + select.selectedOptions[0].textContent]
  })
  const { value } = byId('search')
  if (value.trim() !== '') parts.push('search: ' + value.trim())
  return parts.length === 0 ? '' : ' Filtered by ' + parts.join('; ') + '.'
}

/** A row with the names of the groups. */
function printedRows(user) {
  const row = make('tr', { class: 'row', role: 'row' }, userCell(user), ...cellsOf(user),
    make('td', { class: 'groups', role: 'cell' }, ...groupNames(user)))
  if (!opened.has(user)) return [row]
  return [row, make('tr', { class: 'detail', role: 'row' }, make('td', { class: 'why', role: 'cell', colspan: columns }, ...explanation(user)))]
}

function preparePrint() {
  const printed = matches.subarray(0, MAX_PRINTED)
  const rest = matches.length - printed.length
  byId('printed').textContent = matchText('') + (rest === 0 ? '. All of them are printed.' : '. The first '
    + count(printed.length) + ' of them are printed, and ' + count(rest) + ' are not: filter the users and print again.') + filterText()
  const body = new DocumentFragment()
  for (const user of printed) body.append(...printedRows(user))
  byId('users-body').replaceChildren(body)
  for (const details of document.querySelectorAll('details[data-print]:not([open])')) {
    details.open = true
    details.dataset.print = 'opened'
  }
}

function endPrint() {
  for (const details of document.querySelectorAll('details[data-print=opened]')) {
    details.open = false
    details.dataset.print = ''
  }
  show()
}

// ------------------------------------------------------------------ The address

/** The filters, as the address has them. */
function fragment() {
  const parameters = new URLSearchParams()
  for (const filter of filters) if (selectOf(filter).value !== '') parameters.set(filter.id, selectOf(filter).value)
  const text = byId('search').value.trim()
  if (text !== '') parameters.set('search', text)
  return parameters.toString()
}

const START = '#users?'

/** Sets the filters from an address. A value that this page does not have becomes an option that matches nobody. */
function follow(address) {
  if (!address.startsWith(START)) return
  const parameters = new URLSearchParams(address.slice(START.length))
  for (const filter of filters) {
    const value = parameters.get(filter.id) || ''
    const select = selectOf(filter)
    if (value !== '' && !filter.options.some(option => option.value === value) && ![...select.options].some(option => option.value === value))
      select.append(make('option', { value }, value + ' (not on this page)'))
    select.value = value
  }
  byId('search').value = parameters.get('search') || ''
  match()
  show()
  const heading = byId('users')
  heading.tabIndex = -1
  heading.focus({ preventScroll: true })
  heading.scrollIntoView({ block: 'start' })
}

function remember() {
  const text = fragment()
  try {
    history.replaceState(null, '', text === '' ? '#users' : START + text)
  } catch {
    // If a page may not change its address, or not so often, the filters work without it.
  }
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
  remember()
}

for (const filter of filters) selectOf(filter).addEventListener('change', search)
byId('search').addEventListener('input', search)
byId('clear').addEventListener('click', () => {
  for (const filter of filters) selectOf(filter).value = ''
  byId('search').value = ''
  search()
  byId('search').focus()
})
byId('previous').addEventListener('click', () => turn(-1))
byId('next').addEventListener('click', () => turn(1))
byId('users-head').addEventListener('click', ({ target }) => {
  const button = target.closest('button')
  if (button === null) return
  const header = button.parentElement
  const direction = header.getAttribute('aria-sort') === 'ascending' ? 'descending' : 'ascending'
  for (const other of header.parentElement.children) other.setAttribute('aria-sort', other === header ? direction : 'none')
  sortBy(button.dataset.sort, direction)
  match()
  show()
})
byId('users-body').addEventListener('click', ({ target }) => {
  // A click that ends a selection is for copying a name.
  if (getSelection().isCollapsed || target.closest('button') !== null) target.closest('tr.row')?.explain?.()
})
for (const element of document.querySelectorAll('[data-users]')) {
  const link = make('a', { href: START + element.dataset.users }, ...element.childNodes)
  link.addEventListener('click', () => {
    if (location.hash === link.hash) follow(link.hash)
  })
  element.replaceChildren(link)
}
addEventListener('hashchange', () => follow(location.hash))
addEventListener('beforeprint', preparePrint)
addEventListener('afterprint', endPrint)

match()
show()
byId('users-app').hidden = false
follow(location.hash)
`
