import picocolors from 'picocolors'
import { type AuditFinding, type AuditSummary } from '../audit/summary.js'
import { jsonText } from './json-text.js'
import { figure, first, indented, MAX_SHOWN, table } from './text-table.js'
import { type GroupStanding, STANDINGS, standings } from '../audit/standing.js'
import { CONCERNS } from '../audit/concerns.js'
import { describeChange, type PoolChange } from '../audit/pool-change.js'
import { printable } from '../text.js'
import type { Paint, TextOptions } from './text-style.js'

/**
 * An audit as text for people: the figures, how the users' outcomes are spread, the users of each role, the groups as a
 * ladder in precedence order, what needs a person, and what changed meanwhile. Not for programs: its form may change.
 */
export function auditText(summary: AuditSummary, { color }: TextOptions): string {
  const paint = picocolors.createColors(color)
  const title = summary.userPoolId === undefined ? 'Audit' : `Audit of user pool ${printable(summary.userPoolId)}`
  const blocks = [
    [paint.bold(title), ...figureLines(summary)],
    [paint.bold('Outcomes'), ...outcomeLines(summary, paint)],
    [paint.bold('Users by the role they get'), ...roleLines(summary, paint)],
    [paint.bold('Groups, highest rank first'), ...ladder(summary, paint)],
    ...summary.findings.map(finding => findingLines(finding, paint)),
  ]
  if (summary.changes.length > 0) blocks.push(changeLines(summary.changes, paint))
  return blocks.map(lines => `${lines.join('\n')}\n`).join('\n')
}

/**
 * An audit as JSON, for programs: the summary with its keys as `AuditSummary` has them, and in that order. `userPoolId`, and
 * a group's `precedence` and `roleArn`, are absent where there is none. A finding's lists may have only the first names;
 * its `count` is of all.
 */
export function auditJson(summary: AuditSummary): string {
  return `${jsonText(summary)}\n`
}

function figureLines({ users, memberships, groups, roles, semantics }: AuditSummary): readonly string[] {
  const rows = [
    ['users', figure(users)],
    ['memberships', figure(memberships)],
    ['groups', figure(groups.length)],
    ['roles', figure(roles.length)],
    ['semantics', semantics],
  ]
  return table(rows).map(indented)
}

function outcomeLines({ outcomes }: AuditSummary, paint: Paint): readonly string[] {
  const rows = [
    ['resolved', figure(outcomes.resolved), paint.dim('one preferred role')],
    ['none', figure(outcomes.none), paint.dim('no preferred role')],
    ['ambiguous', figure(outcomes.ambiguous), paint.dim('a tie on different roles, so no preferred role')],
    ['undetermined', figure(outcomes.undetermined), paint.dim('AWS does not document whether there is one')],
  ]
  return table(rows, [1]).map(indented)
}

const BAR = 20

function roleLines({ roles }: AuditSummary, paint: Paint): readonly string[] {
  if (roles.length === 0) return ['  (none)']
  const most = Math.max(...roles.map(role => role.users))
  const rows = roles.map(({ roleArn, users }) => {
    const bar = users === 0 ? '' : paint.green('█'.repeat(Math.ceil((users / most) * BAR)))
    return [printable(roleArn), figure(users), bar]
  })
  return table(rows, [1]).map(indented)
}

const MARKS: Readonly<Record<GroupStanding, string>> = { conflict: '!', shared: '=', contender: '?', unranked: '-' }
const STANDING_ORDER = Object.keys(STANDINGS) as readonly GroupStanding[]

function ladder({ groups, semantics }: AuditSummary, paint: Paint): readonly string[] {
  if (groups.length === 0) return ['  (none)']
  const colors: Readonly<Record<GroupStanding, (text: string) => string>> = {
    conflict: paint.red,
    shared: paint.green,
    contender: paint.yellow,
    unranked: paint.dim,
  }
  const special = standings(groups, semantics)
  const rows = table(
    groups.map(({ groupName, precedence, roleArn, users }) => [
      precedence == null ? 'none' : String(precedence),
      printable(groupName),
      figure(users),
      roleArn ? printable(roleArn) : '(no role)',
    ]),
    [0, 2],
  )
  const marked = (standing: GroupStanding, line: string) => colors[standing](`${MARKS[standing]} ${line}`)
  return [
    ...rows.map((row, index) => {
      const standing = special[index]
      return standing === undefined ? indented(row) : marked(standing, row)
    }),
    ...STANDING_ORDER.filter(standing => special.includes(standing)).map(standing =>
      marked(standing, STANDINGS[standing]),
    ),
  ]
}

function findingLines({ concern, count, users, groups, roles }: AuditFinding, paint: Paint): string[] {
  const { title, meaning, next } = CONCERNS[concern]
  const names = [...users, ...groups, ...roles].slice(0, MAX_SHOWN).map(printable)
  return [paint.yellow(`${title} (${figure(count)})`), indented(meaning), indented(next), ...first(names, count)]
}

function changeLines(changes: readonly PoolChange[], paint: Paint): string[] {
  const sentences = changes.slice(0, MAX_SHOWN).map(describeChange)
  return [
    paint.yellow(`Changed while the pool was read (${figure(changes.length)})`),
    ...first(sentences, changes.length),
  ]
}
