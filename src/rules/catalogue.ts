import { quote } from '../errors.js'
import { closest } from '../text.js'
import { AMPLIFY_RULES } from './amplify-rules.js'
import { DEPLOYMENT_RULES } from './deployment-rules.js'
import { GROUP_RULES } from './group-rules.js'
import { IDENTITY_POOL_RULES } from './identity-pool-rules.js'
import { MAPPING_RULES } from './mapping-rules.js'
import { notFollowed } from './not-followed-rule.js'
import { PRECEDENCE_RULES } from './precedence-rules.js'
import type { Rule } from './rule.js'
import { SUPPRESSION_RULES } from './suppression-rules.js'
import { TERRAFORM_RULES } from './terraform-rules.js'
import { TIE_RULES } from './tie-rules.js'
import { TRUST_RULES } from './trust-rules.js'
import { unresolvedValue } from './unresolved-rule.js'

const TEMPLATE = [
  ...TIE_RULES,
  ...PRECEDENCE_RULES,
  ...TERRAFORM_RULES,
  ...TRUST_RULES,
  ...MAPPING_RULES,
  ...IDENTITY_POOL_RULES,
  ...AMPLIFY_RULES,
  ...GROUP_RULES,
  unresolvedValue,
  notFollowed,
] as const

export type TemplateRuleId = (typeof TEMPLATE)[number]['id']

/** What `validateInfrastructure` finds in a template, a plan or a live pool, by id. */
export const TEMPLATE_RULES: readonly Rule<TemplateRuleId>[] = byId(TEMPLATE)

/** Every rule, by id: also what a comparison with a live pool finds, and what is wrong with suppressions. */
export const RULES: readonly Rule[] = byId([...TEMPLATE, ...DEPLOYMENT_RULES, ...SUPPRESSION_RULES])

const BY_NAME: ReadonlyMap<string, Rule> = new Map(
  RULES.flatMap(rule => [
    [rule.id, rule],
    [rule.slug.toUpperCase(), rule],
  ]),
)

/** The rule with this id or slug, in any letter case. Undefined if there is none. */
export function findRule(name: string): Rule | undefined {
  return BY_NAME.get(name.toUpperCase())
}

/** The message for a rule that does not exist. */
export function unknownRule(name: string): string {
  // All IDs look alike, so a suggestion would be a guess.
  const near = /^cog\d/i.test(name)
    ? undefined
    : closest(
        name,
        RULES.map(({ slug }) => slug),
      )
  const next = near === undefined ? 'run `rolecast explain` to list the rules' : `did you mean ${quote(near)}?`
  return `unknown rule ${quote(name)}; ${next}`
}

function byId<R extends Rule>(rules: readonly R[]): readonly R[] {
  return rules.toSorted((a, b) => (a.id < b.id ? -1 : 1))
}
