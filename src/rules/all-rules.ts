import { DEPLOYMENT_RULES } from './deployment-rules.js'
import { FINDING_RULES, type FindingRule } from './catalogue.js'
import { SUPPRESSION_RULES } from './suppress.js'

/** Every rule that a finding can be of, by id. */
export const ALL_RULES: readonly FindingRule[] = [...FINDING_RULES, ...DEPLOYMENT_RULES, ...SUPPRESSION_RULES].toSorted(
  (a, b) => (a.id < b.id ? -1 : 1),
)

const BY_NAME: ReadonlyMap<string, FindingRule> = new Map(
  ALL_RULES.flatMap(rule => [
    [rule.id, rule],
    [rule.slug.toUpperCase(), rule],
  ]),
)

/** The rule of this id or slug, in any case of letters. Undefined where there is none. */
export function findAnyRule(name: string): FindingRule | undefined {
  return BY_NAME.get(name.toUpperCase())
}
