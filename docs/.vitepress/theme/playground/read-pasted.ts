import type { readTemplate, TemplateFormat } from '../../../../src/template/index.js'
import { quote } from '../../../../src/errors.js'
import {
  coverageText,
  type FindingsReport,
  isComplete,
  notLookedAtLines,
  summaryOf,
} from '../../../../src/report/findings-report.js'
import { figure } from '../../../../src/report/figure.js'
import { linesOf } from '../../../../src/report/code-frame.js'
import { coverageOf } from '../../../../src/rules/coverage.js'
import type { Finding } from '../../../../src/rules/finding.js'
import type { Infrastructure, Location, RoleReference } from '../../../../src/rules/infrastructure.js'
import { type GroupView, viewPools } from '../../../../src/rules/pool-view.js'
import { validateAll } from '../../../../src/rules/validate.js'
import { unseenIn } from '../../../../src/template/unseen.js'
import { escapeHidden, printable } from '../../../../src/text.js'
import { type MarkedLine, markedLines } from './code-frame.js'
import { faultOf, faulty, type Result } from './fault.js'
import { type GroupRow, MAX_LENGTHS, MAX_ROWS, roleArn } from './state.js'

/** What the reader calls a text without a file name. By it, it also tells programs from other texts. */
const PASTED = '-'

/** So many findings and groups are shown; how many there are is said. */
export const MAX_SHOWN = 50

export interface PasteOptions {
  /** Undefined: by the text, and the name of the file. */
  readonly format?: TemplateFormat | undefined
  /** The name of the file that was chosen. */
  readonly fileName?: string | undefined
  /** The day for suppressions that expire, such as `2026-11-29`. */
  readonly today: string
}

/** What a template, a plan or a list of groups says. */
export interface Pasted {
  readonly format: string
  /** Findings and coverage, in a few words each. */
  readonly summary: string
  readonly coverage: string
  /** Whether all of it was looked at, and is known. */
  readonly isComplete: boolean
  /** Whether all of it was looked at, and there is nothing of Cognito in it, so that nothing was checked. */
  readonly isUnrelated: boolean
  /** What was not looked at, and what to do. */
  readonly notLookedAt: readonly string[]
  /** The first `MAX_SHOWN`. */
  readonly findings: readonly FindingView[]
  readonly findingCount: number
  readonly groups: readonly ReadGroup[]
}

export interface FindingView {
  readonly id: string
  readonly slug: string
  /** The place of the site that explains the rule. */
  readonly page: string
  readonly severity: Finding['severity']
  readonly where: string
  readonly message: string
  readonly impact: string | undefined
  readonly fix: string
  readonly frame: readonly MarkedLine[]
  /** Why it is suppressed, where it is. */
  readonly suppressed: string | undefined
}

/** A group as the text has it. */
export interface ReadGroup {
  readonly name: string
  /** What tells its user pool from the others of the text. */
  readonly poolId: string
  readonly pool: string
  readonly precedence: string
  readonly role: string
  /** For the fields of the page. Undefined: something of it is not known. */
  readonly row: GroupRow | undefined
  /** Why there is no row, or what to know about it. Empty: nothing. */
  readonly note: string
}

/**
 * Reads a text as `rolecast validate` does, with the same reader and the same rules.
 *
 * @param read `readTemplate` of the build for browsers
 */
export async function readPasted(
  read: typeof readTemplate,
  text: string,
  { format, fileName = PASTED, today }: PasteOptions,
): Promise<Result<Pasted>> {
  if (text.trim() === '') return faulty('There is no text yet; paste a template, a plan or a list of groups.')
  try {
    return { is: 'result', result: lookAt(await read(text, { format, path: fileName }), text, today) }
  } catch (error) {
    const fault = faultOf(error)
    if (fileName !== PASTED) return { is: 'fault', fault }
    return { is: 'fault', fault: { ...fault, message: aboutTheText(fault.message) } }
  }
}

/** A message about a text without a file name, which the reader calls `-`, in the words of the page. */
function aboutTheText(message: string): string {
  return message
    .replace(/^(the [a-z ]{1,40} )?`-(?::(\d+):(\d+))?`/i, (_, kind = 'the text', line?: string, column?: string) => {
      const what = kind.trim()
      return line === undefined ? what : `${what} (line ${line}, column ${column})`
    })
    .replace('say which with the format', 'choose its format')
}

function lookAt(infrastructure: Infrastructure, text: string, today: string): Pasted {
  const infrastructures = [infrastructure]
  const findings = validateAll(infrastructures, { today })
  const report: FindingsReport = {
    findings,
    read: infrastructure.paths,
    coverage: coverageOf(infrastructures),
    skipped: [],
    notRead: unseenIn(infrastructures),
    unrelated: [],
    failOn: 'never',
    allowSkipped: false,
    strict: false,
  }
  const lines = linesOf(text)
  return {
    format: infrastructure.format,
    summary: summaryOf(report),
    coverage: coverageText(report),
    isComplete: isComplete(report),
    isUnrelated:
      isComplete(report) && findings.length === 0 && Object.values(report.coverage).every(count => count === 0),
    notLookedAt: notLookedAtLines(report).map(line => line.replace(/^([a-z ]{1,20}) -:/, '$1:')),
    findings: findings.slice(0, MAX_SHOWN).map(finding => toView(finding, lines)),
    findingCount: findings.length,
    groups: groupsOf(infrastructure),
  }
}

function toView(finding: Finding, lines: readonly string[]): FindingView {
  const { ruleId, slug, severity, location, message, impact, fix, suppressed } = finding
  return {
    id: ruleId,
    slug,
    page: pageOf(ruleId),
    severity,
    where: placeOf(location),
    message: escapeHidden(message),
    impact: impact === undefined ? undefined : escapeHidden(impact),
    fix: escapeHidden(fix),
    frame: markedLines(lines, location),
    suppressed: suppressed === undefined ? undefined : printable(suppressed.reason),
  }
}

/** The rules of suppressions are on the page of the command. */
function pageOf(ruleId: string): string {
  return `/${/^COG19[1-3]$/.test(ruleId) ? 'validate' : 'findings'}.html#${ruleId.toLowerCase()}`
}

function placeOf({ line, column, construct }: Location): string {
  const place = line === undefined ? [] : [column === undefined ? `line ${line}` : `line ${line}, column ${column}`]
  return [...place, ...(construct === undefined ? [] : [printable(cut(construct))])].join(' · ')
}

const MAX_CONSTRUCT = 200

function cut(text: string): string {
  return text.length > MAX_CONSTRUCT ? `${text.slice(0, MAX_CONSTRUCT)}…` : text
}

// ------------------------------------------------------------------ Groups

function groupsOf(infrastructure: Infrastructure): readonly ReadGroup[] {
  const standIns = createStandIns()
  return viewPools(infrastructure).flatMap(({ id, name, groups }) =>
    groups.map(group => toGroup(group, { poolId: id, pool: name }, standIns)),
  )
}

/** What a group is once it is deployed, as the rules see it: after what Terraform makes of a 0, for example. */
function toGroup(
  group: GroupView,
  pool: Pick<ReadGroup, 'poolId' | 'pool'>,
  standInFor: (id: string) => string,
): ReadGroup {
  const { name, ranks, roles, hasKnownRank, hasKnownRole, definition } = group
  const shown = {
    name,
    ...pool,
    precedence: orUnknown(
      ranks.map(rank => (rank === null ? 'none' : String(rank))),
      hasKnownRank,
    ),
    role: orUnknown(
      roles.map(role => (role === null ? 'none' : role.id)),
      hasKnownRole,
    ),
  }
  const why = whyNoRow(group)
  if (why !== undefined) return { ...shown, row: undefined, note: `not usable here: ${why}` }
  const [rank] = ranks as readonly [number | null]
  const role = roles[0] ?? null
  const notes = [
    ...(role?.kind === 'resource'
      ? [`${quote(role.id)} has no ARN before it is deployed, so a made-up one stands for it`]
      : []),
    ...(definition.condition === undefined ? [] : ['the group exists only under a condition']),
    ...(group.terraform === undefined
      ? []
      : ['Terraform changes its precedence on the way to Cognito, see the findings']),
  ]
  return {
    ...shown,
    row: {
      name,
      precedence: rank === null ? null : String(rank),
      roleArn: role === null ? '' : role.kind === 'resource' ? standInFor(role.id) : role.id,
      isMember: false,
    },
    note: notes.join('; '),
  }
}

function orUnknown(values: readonly string[], isKnown: boolean): string {
  return [...values, ...(isKnown ? [] : ['not known'])].join(' or ')
}

function whyNoRow({
  name,
  isNamed,
  isRepeated,
  ranks,
  roles,
  hasKnownRank,
  hasKnownRole,
}: GroupView): string | undefined {
  if (!isNamed) return 'its name is not known'
  if (isRepeated) return 'another definition has the same name'
  if (!hasKnownRank || ranks.length !== 1) return 'its precedence is not known for sure'
  if (!hasKnownRole || roles.length !== 1 || !isTold(roles[0]!)) return 'its role is not known for sure'
  const isLong = name.length > MAX_LENGTHS.name || (roles[0]?.id.length ?? 0) > MAX_LENGTHS.roleArn
  return isLong ? 'its name or its role is too long' : undefined
}

/** A reference is whatever it stands for, perhaps the role of another group. */
function isTold(role: RoleReference | null): boolean {
  return role === null || role.kind === 'arn' || role.kind === 'resource'
}

/** Gives each role that is not deployed yet an ARN of its own, in AWS's account for documentation. */
function createStandIns(): (id: string) => string {
  const known = new Map<string, string>()
  const taken = new Set<string>()
  return id => {
    const before = known.get(id)
    if (before !== undefined) return before
    const base = id.replace(/[^\w+=,.@-]+/g, '-').slice(0, 60)
    let name = base
    for (let count = 2; taken.has(name); count++) name = `${base}-${count}`
    taken.add(name)
    const arn = roleArn(`not-deployed/${name}`)
    known.set(id, arn)
    return arn
  }
}

/**
 * The groups whose name has the text of the filter in it, whatever its case.
 *
 * @param poolId `''`: of all pools
 */
export function filterGroups(groups: readonly ReadGroup[], filter: string, poolId = ''): readonly ReadGroup[] {
  const wanted = filter.toLowerCase()
  return groups.filter(one => (poolId === '' || one.poolId === poolId) && one.name.toLowerCase().includes(wanted))
}

/** The pools that these groups are of. */
export function poolsOf(groups: readonly ReadGroup[]): readonly { readonly id: string; readonly name: string }[] {
  return [...new Map(groups.map(({ poolId, pool }) => [poolId, { id: poolId, name: pool }])).values()]
}

export interface FilledRows {
  readonly rows: readonly GroupRow[]
  /** What was left out, as sentences. */
  readonly leftOut: readonly string[]
}

/** Rows for the fields of the page. Groups that are ticked there stay ticked. */
export function rowsFrom(groups: readonly ReadGroup[], before: readonly GroupRow[]): FilledRows {
  const ticked = new Set(before.flatMap(({ name, isMember }) => (isMember ? [name] : [])))
  const usable = groups.flatMap(({ row }) => row ?? [])
  const unknown = groups.length - usable.length
  const tooMany = Math.max(0, usable.length - MAX_ROWS)
  return {
    rows: usable.slice(0, MAX_ROWS).map(row => ({ ...row, isMember: ticked.has(row.name) })),
    leftOut: [
      ...(unknown === 0 ? [] : [`${figure(unknown)} left out, because they are not usable here: each says why.`]),
      ...(tooMany === 0
        ? []
        : [`${figure(tooMany)} left out, because a user can be in ${MAX_ROWS} groups at most: filter by name.`]),
    ],
  }
}
