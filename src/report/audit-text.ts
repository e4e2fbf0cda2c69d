import picocolors from 'picocolors'
import { type AuditFinding, type AuditSummary } from '../audit/summary.js'
import type { RoleCheck } from '../audit/role-check.js'
import type { Evidence } from '../claims/evidence.js'
import type { RoleSelection } from '../credentials/select-role.js'
import type { Severity } from '../severity.js'
import { limitsOf, timesOf } from './audit-limits.js'
import { counted, figure } from './figure.js'
import { jsonText } from './json-text.js'
import { first, indented, MAX_SHOWN, table } from './text-table.js'
import { type GroupStanding, STANDINGS, standings } from '../audit/standing.js'
import { CONCERNS, USER_CONCERNS } from '../audit/concerns.js'
import { describeChange, type PoolChange } from '../audit/pool-change.js'
import { printable } from '../text.js'
import { semanticsText } from './semantics-text.js'
import type { Paint, TextOptions } from './text-style.js'

export interface AuditTextOptions extends TextOptions {
  /** Of rolecast. */
  readonly toolVersion: string
}

/**
 * An audit as text for people: what was read and when, the findings and how to list their users, what was not looked
 * at, and then the figures: outcomes, roles, credentials, role checks, and the groups as a ladder in precedence order.
 * Not for programs: its form may change.
 */
export function auditText(summary: AuditSummary, { color, toolVersion }: AuditTextOptions): string {
  const paint = picocolors.createColors(color)
  const { reading, findings, changes, credentials, roleChecks } = summary
  const userPoolId = reading?.userPoolId
  const title = userPoolId === undefined ? 'Audit' : `Audit of user pool ${printable(userPoolId)}`
  const blocks = [
    [paint.bold(title), ...readingLines(summary, toolVersion), ...figureLines(summary)],
    [paint.bold('Findings'), ...overviewLines(summary, paint)],
    ...findings.map(finding => findingLines(finding, paint)),
    [paint.bold('Not looked at'), ...limitsOf(summary).map(indented)],
    ...(changes.length > 0 ? [changeLines(changes, paint)] : []),
    [paint.bold('Outcomes'), ...outcomeLines(summary, paint)],
    [paint.bold('How the outcomes are known'), ...evidenceLines(summary, paint)],
    [paint.bold('Users by preferred role'), ...roleLines(summary.roles, paint)],
    ...(credentials === undefined ? [] : [[paint.bold('Credentials'), ...credentialsLines(credentials, paint)]]),
    ...(roleChecks === undefined
      ? []
      : [
          [
            paint.bold('Roles in IAM'),
            ...roleChecks.flatMap(check => roleCheckLines(check, credentials !== undefined)),
          ],
        ]),
    [paint.bold('Groups, highest rank first'), ...ladder(summary, paint)],
  ]
  return blocks.map(lines => `${lines.join('\n')}\n`).join('\n')
}

/**
 * An audit as JSON, for programs: `version` of this form, the tool, and the summary with its keys as `AuditSummary` has
 * them. A finding has its title and the next step too, and in `allUsers` the options that list all its users; its lists
 * may have only the first names, its `count` is of all. `docs/schemas/audit.schema.json` describes it.
 */
export function auditJson(summary: AuditSummary, { toolVersion }: Pick<AuditTextOptions, 'toolVersion'>): string {
  const { findings, changes, ...rest } = summary
  return `${jsonText({
    version: 1,
    tool: { name: 'rolecast', version: toolVersion },
    ...rest,
    findings: findings.map(({ concern, severity, ...counts }) => ({
      concern,
      severity,
      title: CONCERNS[concern].title,
      next: CONCERNS[concern].next,
      ...counts,
      ...(counts.affectedUsers > 0 && { allUsers: wayToUsers(concern) }),
    })),
    changes,
    notLookedAt: limitsOf(summary),
  })}\n`
}

/** The options of `rolecast audit pool` that list the users of a finding. */
export function wayToUsers(concern: AuditFinding['concern']): string {
  return `--finding ${concern} --format ndjson`
}

function readingLines(summary: AuditSummary, toolVersion: string): readonly string[] {
  const { reading, credentials, roleChecks } = summary
  const { poolName, account, region, strategy, attributes } = reading ?? {}
  const rows = [
    ['read', timesOf(summary)],
    ...(poolName === undefined ? [] : [['pool name', printable(poolName)]]),
    ...(account === undefined && region === undefined
      ? []
      : [['account', `${printable(account ?? 'not known')}, ${printable(region ?? 'region not known')}`]]),
    ...(strategy === undefined ? [] : [['strategy', strategy]]),
    ...(attributes === undefined || attributes.length === 0
      ? []
      : [['attributes', attributes.map(printable).join(', ')]]),
    ['semantics', semanticsText(summary)],
    [
      'identity pool',
      credentials === undefined
        ? 'not asked about'
        : `${printable(credentials.identityPoolId)}, ${MAPPINGS[credentials.mapping]}`,
    ],
    ['roles in IAM', roleChecks === undefined ? 'not checked' : `${counted(roleChecks.length, 'role')} looked up`],
    ['tool', `rolecast ${printable(toolVersion)}`],
  ]
  return table(rows).map(indented)
}

const MAPPINGS = { Token: 'role mapping of type Token', Rules: 'role mapping of type Rules', none: 'no role mapping' }

function figureLines({ users, disabled, memberships, groups, roles }: AuditSummary): readonly string[] {
  const rows = [
    [
      'users',
      figure(users),
      disabled === 0 ? '' : `${figure(disabled)} of them disabled, counted separately from here on`,
    ],
    ['memberships', figure(memberships), ''],
    ['groups', figure(groups.length), ''],
    ['roles', figure(roles.length), ''],
  ]
  return table(rows).map(indented)
}

const COLORS: Readonly<Record<Severity, 'red' | 'yellow' | 'dim'>> = { error: 'red', warning: 'yellow', note: 'dim' }

/** One line for each finding. */
function overviewLines({ findings }: AuditSummary, paint: Paint): readonly string[] {
  if (findings.length === 0) return ['  (none)']
  const rows = findings.map(({ concern, severity, count, affectedUsers }) => [
    severity,
    CONCERNS[concern].title,
    figure(count),
    USER_CONCERNS[concern] !== undefined ? '' : affectedUsers === 0 ? 'no users' : counted(affectedUsers, 'user'),
  ])
  return table(rows, [2]).map((row, index) => indented(paint[COLORS[findings[index]!.severity]](row)))
}

function evidenceLines({ evidence, calibration }: AuditSummary, paint: Paint): readonly string[] {
  const meanings: Readonly<Record<Evidence, string>> = {
    observed: 'real tokens show it',
    documented: 'AWS documents it',
    inferred: 'it follows from what tokens show and AWS documents',
    calibrated: 'the tokens of a scratch user pool show it',
    unknown: 'neither tokens nor AWS show it',
  }
  const kinds = (Object.keys(meanings) as Evidence[]).filter(kind => kind !== 'calibrated' || calibration !== undefined)
  const rows = kinds.map(kind => [kind, figure(evidence[kind]), paint.dim(meanings[kind])])
  return table(rows, [1]).map(indented)
}

function credentialsLines(
  { outcomes, rules, roles }: NonNullable<AuditSummary['credentials']>,
  paint: Paint,
): readonly string[] {
  const meanings: Readonly<Record<RoleSelection['outcome'], string>> = {
    role: 'the credentials of a role',
    denied: 'none',
    undetermined: 'one of several roles, or none: not known which',
  }
  const rows = (Object.keys(meanings) as RoleSelection['outcome'][]).map(outcome => [
    outcome,
    figure(outcomes[outcome]),
    paint.dim(meanings[outcome]),
  ])
  const byRule = Object.entries(rules).map(([rule, count]) => [`by ${rule}`, figure(count)])
  return [...table(rows, [1]).map(indented), ...table(byRule, [1]).map(indented), ...roleLines(roles, paint)]
}

/** What IAM says about a role, and below it what was not read. */
function roleCheckLines(
  { roleArn, status, why, trust, privileges }: RoleCheck,
  hasIdentityPool: boolean,
): readonly string[] {
  const facts: string[] = [status]
  if (status === 'exists' && hasIdentityPool)
    facts.push(TRUSTS[`${trust?.trusted}`], ...ANY_POOL[`${trust?.anyPool}`], ...GUESTS[`${trust?.guests}`])
  if (privileges !== undefined) {
    facts.push(
      privileges.administrator === true
        ? 'can do everything'
        : privileges.administrator === false
          ? 'cannot do everything'
          : 'not known whether it can do everything',
    )
    const policies = [...privileges.attached, ...privileges.inline]
    facts.push(policies.length === 0 ? 'no policies' : `policies ${policies.map(printable).join(' ')}`)
  }
  return [
    indented(`${printable(roleArn)}: ${facts.join(', ')}`),
    ...(why === undefined ? [] : [`    ${printable(why)}`]),
    ...(privileges?.notRead ?? []).map(sentence => `    ${printable(sentence)}`),
  ]
}

const TRUSTS = {
  true: 'trusts the identity pool',
  false: 'does not trust the identity pool',
  undefined: 'not known whether it trusts the identity pool',
}

const ANY_POOL = {
  true: ['users of any identity pool can assume it'],
  false: [],
  undefined: ['not known whether users of any identity pool can assume it'],
}

const GUESTS = {
  true: ['guests can assume it'],
  false: [],
  undefined: ['not known whether guests can assume it'],
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

type CountedRole = { readonly roleArn: string; readonly users: number; readonly disabledUsers?: number }

function roleLines(roles: readonly CountedRole[], paint: Paint): readonly string[] {
  if (roles.length === 0) return ['  (none)']
  const most = Math.max(...roles.map(role => role.users))
  const rows = roles.map(({ roleArn, users, disabledUsers = 0 }) => {
    const bar = users === 0 ? '' : paint.green('█'.repeat(Math.ceil((users / most) * BAR)))
    return [printable(roleArn), figure(users), bar, disabledNote(disabledUsers)]
  })
  return table(rows, [1]).map(indented)
}

function disabledNote(disabledUsers: number): string {
  return disabledUsers === 0 ? '' : `and ${figure(disabledUsers)} disabled`
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
    groups.map(({ groupName, precedence, roleArn, users, disabledUsers }) => [
      precedence == null ? 'none' : String(precedence),
      printable(groupName),
      figure(users),
      roleArn ? printable(roleArn) : '(no role)',
      disabledNote(disabledUsers),
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

function findingLines(finding: AuditFinding, paint: Paint): string[] {
  const { concern, severity, count } = finding
  const { title, meaning, next } = CONCERNS[concern]
  return [
    paint[COLORS[severity]](`${severity}: ${title} (${figure(count)})`),
    indented(meaning),
    indented(next),
    ...namesOf(finding),
  ]
}

/** The first names of a finding, and how to list all of its users. */
export function namesOf({ concern, count, affectedUsers, users, groups, roles }: AuditFinding): readonly string[] {
  const names = [...users, ...groups, ...roles].slice(0, MAX_SHOWN).map(printable)
  const isOfUsers = USER_CONCERNS[concern] !== undefined
  const way = affectedUsers > 0 && (!isOfUsers || count > names.length)
  return [
    ...first(names, count),
    ...(way ? [indented(`${isOfUsers ? 'All of them' : counted(affectedUsers, 'user')}: ${wayToUsers(concern)}`)] : []),
  ]
}

function changeLines(changes: readonly PoolChange[], paint: Paint): string[] {
  const sentences = changes.slice(0, MAX_SHOWN).map(describeChange)
  return [
    paint.yellow(`Changed while the pool was read (${figure(changes.length)})`),
    ...first(sentences, changes.length),
  ]
}
