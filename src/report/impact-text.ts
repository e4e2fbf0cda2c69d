import picocolors from 'picocolors'
import type { RoleOutcome, GroupChange, ImpactSummary, Transition } from '../audit/impact.js'
import type { Renumbered } from '../audit/renumber.js'
import { jsonText } from './json-text.js'
import { figure, first, indented, MAX_SHOWN, table } from './text-table.js'
import type { RoleChange } from '../audit/compare-roles.js'
import { printable } from '../text.js'
import type { Semantics } from '../claims/decide.js'
import type { Paint, TextOptions } from './text-style.js'

/** What a change of a pool's groups does to its users, and how its ties could be removed. */
export interface ImpactReport {
  readonly userPoolId?: string | undefined
  readonly semantics: Semantics
  /** What was to be tried; absent where only the suggestion was asked for. */
  readonly trial?: { readonly changes: readonly GroupChange[]; readonly impact: ImpactSummary } | undefined
  /** Absent where no two groups have one precedence. */
  readonly suggestion?: { readonly precedences: readonly Renumbered[]; readonly impact: ImpactSummary } | undefined
}

/** An impact as text for people. Not for programs: its form may change. */
export function impactText({ userPoolId, trial, suggestion }: ImpactReport, { color }: TextOptions): string {
  const paint = picocolors.createColors(color)
  const title = paint.bold(userPoolId === undefined ? 'Impact' : `Impact on user pool ${printable(userPoolId)}`)
  const blocks: (readonly string[])[] = []
  if (trial !== undefined) {
    blocks.push([title, ...trial.changes.map(changeLine).map(indented)])
    blocks.push([paint.bold('Users'), ...countLines(trial.impact)])
    blocks.push(...trial.impact.transitions.map(transition => transitionLines(transition, paint)))
  }
  blocks.push(
    ...(suggestion === undefined
      ? [[paint.bold('Renumbering'), '  no two groups have the same precedence: nothing to suggest']]
      : suggestionBlocks(suggestion, paint)),
  )
  return blocks.map(lines => `${lines.join('\n')}\n`).join('\n')
}

/** An impact as JSON, for programs: the keys of `ImpactReport`. The lists of users have only the first of them, and `count` is of all. */
export function impactJson(report: ImpactReport): string {
  return `${jsonText(report)}\n`
}

function changeLine({ groupName, precedence, roleArn, remove }: GroupChange): string {
  const name = printable(groupName)
  if (remove) return `${name} is removed`
  const parts = [
    precedence !== undefined && `precedence ${precedence ?? 'none'}`,
    roleArn !== undefined && `role ${roleArn === null ? 'none' : printable(roleArn)}`,
  ]
  return `${name}: ${parts.filter(Boolean).join(', ')}`
}

const MEANINGS: Readonly<Record<RoleChange, string>> = {
  gained: 'get a preferred role and had none',
  lost: 'had a preferred role and get none',
  changed: 'get another preferred role',
  undetermined: 'may gain, lose or change it: the preferred role is undetermined before or after',
  'allowed-roles': 'keep it; what an app may ask for (cognito:roles) changes',
  same: 'keep what they have',
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
  return outcome === 'undetermined' ? `undetermined (${printable(roleArn!)}, or none)` : `none (${outcome})`
}

function suggestionBlocks(
  { precedences, impact }: NonNullable<ImpactReport['suggestion']>,
  paint: Paint,
): readonly (readonly string[])[] {
  const rows = table(
    precedences.map(({ groupName, before, after }) => [String(before), '->', String(after), printable(groupName)]),
    [0, 2],
  ).map(indented)
  const moved = impact.users - impact.changes.same
  const verdict =
    moved === 0
      ? "No user's role changes."
      : `${figure(moved)} of ${figure(impact.users)} users change: they are in a tie today, and numbers without ties always give them a preferred role.`
  return [
    [paint.bold('A renumbering without ties'), ...rows, indented(verdict)],
    ...impact.transitions.map(transition => transitionLines(transition, paint)),
  ]
}
