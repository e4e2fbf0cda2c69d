import picocolors from 'picocolors'
import type { AuditReading } from '../audit/audit-reading.js'
import { describeChange, type PoolChange } from '../audit/pool-change.js'
import type { GroupChange, ImpactSummary, MembershipChange, RoleOutcome, Transition } from '../audit/impact.js'
import type { Renumbered } from '../audit/renumber.js'
import { timesOf } from './audit-limits.js'
import { counted, figure } from './figure.js'
import { calibrationLimits, semanticsText } from './semantics-text.js'
import { jsonLine, jsonText } from './json-text.js'
import { first, indented, MAX_SHOWN, table } from './text-table.js'
import type { RoleChange } from '../audit/compare-roles.js'
import { escapeHidden, printable } from '../text.js'
import type { CalibrationSource } from '../claims/choose-semantics.js'
import type { Semantics } from '../claims/decide.js'
import type { Paint, TextOptions } from './text-style.js'

/** What is known about an impact before its first user. */
export interface ImpactHead {
  /** Of rolecast. */
  readonly toolVersion: string
  readonly reading: AuditReading
  readonly semantics: Semantics
  /** Absent if no calibration chose the semantics. */
  readonly calibration?: CalibrationSource | undefined
  /** What changed while the pool was read. */
  readonly poolChanges: readonly PoolChange[]
  /** A sentence for each thing that is not looked at, in addition to what is never looked at. */
  readonly notLookedAt: readonly string[]
}

/** A change of a group, with a note about it. */
export type NotedChange = GroupChange & { readonly note?: string | undefined }

/** What a change of a pool's groups does to its users, and how its ties could be removed. */
export interface ImpactReport extends ImpactHead {
  /** The changes that were tried; absent if only the suggestion was asked for. */
  readonly trial?:
    | {
        readonly changes: readonly NotedChange[]
        /** Absent where there are none. */
        readonly memberships?: readonly (MembershipChange & { readonly hasEffect: boolean })[] | undefined
        readonly impact: ImpactSummary
        /** A sentence for each thing that is not known; absent where there is none. */
        readonly undetermined?: readonly string[] | undefined
        /** Groups of the pool that stay, because the template does not define them; absent where there are none. */
        readonly kept?: readonly string[] | undefined
      }
    | undefined
  /** Absent where no two groups have one precedence. */
  readonly suggestion?: { readonly precedences: readonly Renumbered[]; readonly impact: ImpactSummary } | undefined
}

/** An impact as text for people. Not for programs: its form may change. */
export function impactText(report: ImpactReport, { color }: TextOptions): string {
  const { reading, toolVersion, poolChanges, trial, suggestion } = report
  const paint = picocolors.createColors(color)
  const { userPoolId } = reading
  const title = paint.bold(userPoolId === undefined ? 'Impact' : `Impact on user pool ${printable(userPoolId)}`)
  const head = table([
    ['read', timesOf({ reading })],
    ['semantics', semanticsText(report)],
    ['tool', `rolecast ${printable(toolVersion)}`],
  ])
  const blocks: (readonly string[])[] = [
    [title, ...head.map(indented)],
    [paint.bold('Not looked at'), ...limitsOf(report).map(escapeHidden).map(indented)],
  ]
  if (poolChanges.length > 0)
    blocks.push([
      paint.yellow(`Changed while the pool was read (${figure(poolChanges.length)})`),
      ...first(poolChanges.slice(0, MAX_SHOWN).map(describeChange), poolChanges.length),
    ])
  if (trial !== undefined) {
    const lines = [...trial.changes.map(changeLine), ...(trial.memberships ?? []).map(memberLine)]
    blocks.push([paint.bold('Tried'), ...(lines.length === 0 ? ['no group changes'] : lines).map(indented)])
    if (trial.undetermined !== undefined)
      blocks.push([paint.yellow('Not known'), ...trial.undetermined.map(escapeHidden).map(indented)])
    if (trial.kept !== undefined)
      blocks.push([
        'Groups that the template does not define, and that stay',
        ...first(trial.kept.slice(0, MAX_SHOWN).map(printable), trial.kept.length),
      ])
    blocks.push([paint.bold('Users'), ...countLines(trial.impact), ...disabledLines(trial.impact)])
    blocks.push(...trial.impact.transitions.map(transition => transitionLines(transition, paint)))
  }
  blocks.push(
    ...(suggestion === undefined
      ? [[paint.bold('Renumbering'), '  no two groups have the same precedence: nothing to suggest']]
      : suggestionBlocks(suggestion, paint)),
  )
  return blocks.map(lines => `${lines.join('\n')}\n`).join('\n')
}

/**
 * An impact as JSON, for programs: `version` of this form, the tool, what was read and when, what changed meanwhile
 * (`changes`), and the `trial` and `suggestion` of `ImpactReport`. The lists of users have only the first of them, and
 * `count` is of all.
 */
export function impactJson(report: ImpactReport): string {
  const { trial, suggestion } = report
  return `${jsonText({ ...headOf(report), trial, suggestion })}\n`
}

/** The first line of an impact as NDJSON: what is tried, on which reading. */
export function impactHead(
  head: ImpactHead,
  { changes, undetermined }: { readonly changes: readonly NotedChange[]; readonly undetermined: readonly string[] },
): string {
  return `${jsonLine({ impact: { ...headOf(head), trial: { changes, undetermined } } })}\n`
}

/** The last line: a file without it is incomplete. Only here is the list of what is not known complete. */
export function impactTail({
  impact,
  memberships,
  undetermined = [],
  kept,
}: NonNullable<ImpactReport['trial']>): string {
  const { transitions: _, ...counts } = impact
  return `${jsonLine({ summary: { ...counts, memberships, undetermined, kept } })}\n`
}

function headOf(head: ImpactHead) {
  const { toolVersion, reading, semantics, calibration, poolChanges } = head
  const tool = { name: 'rolecast', version: toolVersion }
  return { version: 1, tool, reading, semantics, calibration, changes: poolChanges, notLookedAt: limitsOf(head) }
}

/** What an impact does not look at, or cannot see: a sentence each. */
function limitsOf({ reading, calibration, notLookedAt }: ImpactHead): readonly string[] {
  return [
    ...notLookedAt,
    ...calibrationLimits({ calibration }),
    "This is about the role that tokens prefer (cognito:preferred_role), and not about which role's credentials an identity pool gives.",
    ...(reading.startedAt === undefined || reading.endedAt === undefined
      ? ['It is not known when the groups and users were read from the pool, or what changed in between.']
      : []),
  ]
}

function disabledLines({ disabled, disabledChanged }: ImpactSummary): readonly string[] {
  if (disabled === 0) return []
  return [
    `not in these figures: ${counted(disabled, 'disabled user')}; for ${figure(disabledChanged)} of them something changes once they are enabled`,
  ].map(indented)
}

function memberLine({ username, groupName, change, hasEffect }: MembershipChange & { hasEffect: boolean }): string {
  const [user, group] = [printable(username), printable(groupName)]
  const text = change === 'add' ? `${user} joins ${group}` : `${user} leaves ${group}`
  return hasEffect ? text : `${text} (no effect)`
}

function changeLine({ groupName, precedence, roleArn, remove, add, note }: NotedChange): string {
  const name = printable(groupName)
  if (remove) return `${name} is removed`
  const parts = [
    add && 'new group',
    precedence !== undefined && `precedence ${precedence ?? 'none'}`,
    roleArn !== undefined && `role ${roleArn === null ? 'none' : printable(roleArn)}`,
  ]
  return `${name}: ${parts.filter(Boolean).join(', ')}${note === undefined ? '' : ` (${note})`}`
}

const MEANINGS: Readonly<Record<RoleChange, string>> = {
  gained: 'get a preferred role and had none',
  lost: 'had a preferred role and get none',
  changed: 'get a different preferred role',
  undetermined: 'may gain, lose or change it: the preferred role is undetermined before or after',
  'allowed-roles': 'neither gain, lose nor change it; what an app may ask for (cognito:roles) changes',
  same: 'keep the same roles',
}

const ORDER = Object.keys(MEANINGS) as readonly RoleChange[]

function countLines({ changes }: ImpactSummary): readonly string[] {
  return table(
    ORDER.map(change => [change, figure(changes[change]), MEANINGS[change]]),
    [1],
  ).map(indented)
}

function transitionLines({ change, before, after, count, users }: Transition, paint: Paint): readonly string[] {
  const color = change === 'allowed-roles' ? paint.dim : paint.yellow
  return [
    color(`${change} (${figure(count)})  ${outcomeText(before)} -> ${outcomeText(after)}`),
    ...first(users.slice(0, MAX_SHOWN).map(printable), count),
  ]
}

function outcomeText({ outcome, roleArn }: RoleOutcome): string {
  if (outcome === 'resolved') return printable(roleArn!)
  if (outcome !== 'undetermined') return outcome === 'none' ? 'none' : `none (${outcome})`
  return roleArn === undefined ? 'undetermined' : `undetermined (${printable(roleArn)}, or none)`
}

function suggestionBlocks(
  { precedences, impact }: NonNullable<ImpactReport['suggestion']>,
  paint: Paint,
): readonly (readonly string[])[] {
  const rows = table(
    precedences.map(({ groupName, before, after }) => [String(before), '->', String(after), printable(groupName)]),
    [0, 2],
  ).map(indented)
  const enabled = impact.users - impact.disabled
  const moved = enabled - impact.changes.same
  const verdict =
    moved === 0
      ? "No user's role changes."
      : `The role of ${figure(moved)} of ${figure(enabled)} users changes: they are in a tie today, and numbers without ties always give them a preferred role.`
  return [
    [
      paint.bold("A separate suggestion, not included above: today's groups, renumbered so that there are no ties"),
      ...rows,
      ...[verdict, ...disabledLines(impact)].map(line => indented(line.trimStart())),
    ],
    ...impact.transitions.map(transition => transitionLines(transition, paint).map(indented)),
  ]
}
