import { type Finding, SEVERITIES, type Severity } from './finding.js'
import type { GroupView, PoolView } from './pool-view.js'
import type { RuleId } from './catalogue.js'

/** A finding before the rule's own texts and the key are added. */
export interface Draft
  extends Pick<Finding, 'message' | 'pool' | 'resources' | 'location'>, Partial<Pick<Finding, 'groups' | 'related'>> {
  readonly ruleId: RuleId
  readonly severity: Severity
  /** What names it in the key where that is no group: the identity pool of an attachment. */
  readonly subject?: string
}

/** One step down: for what holds in some possibilities only. */
export function lowered(severity: Severity): Severity {
  return SEVERITIES[Math.max(0, SEVERITIES.indexOf(severity) - 1)]!
}

/** What a draft about groups has: the first one's location, and the others' as related ones. */
export function about(
  pool: PoolView,
  groups: readonly GroupView[],
): Pick<Draft, 'pool' | 'groups' | 'resources' | 'location' | 'related'> {
  const [first, ...others] = groups
  return {
    pool: pool.name,
    groups: groups.map(({ name }) => name),
    resources: groups.map(({ definition }) => definition.id),
    location: first!.definition.location,
    related: others.map(({ name, definition }) => ({ message: `group \`${name}\``, location: definition.location })),
  }
}

const MOST = 5
const AND = new Intl.ListFormat('en-GB')
const OR = new Intl.ListFormat('en-GB', { type: 'disjunction' })

/** The first five as `show` has them, and how many more there are. */
export function listed<T>(items: readonly T[], show: (item: T) => string, kind: 'and' | 'or' = 'and'): string {
  const shown = items.slice(0, MOST).map(show)
  if (items.length > MOST) shown.push(`${items.length - MOST} more`)
  return (kind === 'and' ? AND : OR).format(shown)
}

export function quotedName({ name }: { readonly name: string }): string {
  return quoted(name)
}

export function quoted(name: string): string {
  return `\`${name}\``
}
