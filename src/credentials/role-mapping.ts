import { quote } from '../errors.js'
import { checkRecord, invalidOption, ownValue } from '../record.js'
import { providerKey } from './provider-key.js'

/** How a rule compares a claim with its value. */
export type MatchType = 'Equals' | 'Contains' | 'StartsWith' | 'NotEqual'

/**
 * A rule of a role mapping, as the API gives it.
 *
 * @see https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_MappingRule.html
 */
export interface MappingRule {
  readonly Claim: string | undefined
  readonly MatchType: MatchType | undefined
  readonly Value: string | undefined
  readonly RoleARN: string | undefined
}

/**
 * How an identity pool chooses the role of a user of one provider, as GetIdentityPoolRoles gives it. The fields that may
 * be undefined are the SDK's; `selectRole` refuses a mapping that lacks what it needs.
 *
 * @see https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_RoleMapping.html
 */
export interface RoleMapping {
  readonly Type: 'Token' | 'Rules' | undefined
  /** AWS calls it required with either type. Where it is missing and needed, the outcome is undetermined. */
  readonly AmbiguousRoleResolution?: 'AuthenticatedRole' | 'Deny' | undefined
  readonly RulesConfiguration?: { readonly Rules: readonly MappingRule[] | undefined } | undefined
}

/** The two roles of an identity pool, `Roles` in GetIdentityPoolRoles. A missing, undefined or empty one is not set. */
export interface IdentityPoolRoles {
  readonly authenticated?: string | undefined
  /** For guests: `selectRole` never gives it. */
  readonly unauthenticated?: string | undefined
}

/**
 * The mapping of a user pool's app client, or undefined when it has none. Each app client has a mapping of its own.
 *
 * Not for `RoleMappings` in a CloudFormation template, whose keys may be any name.
 *
 * @param roleMappings `RoleMappings` as GetIdentityPoolRoles gives it
 * @throws RolecastError as `providerKey`, and `invalid-option` for mappings that are no object
 */
export function findRoleMapping(
  roleMappings: Readonly<Record<string, RoleMapping>> | undefined,
  userPoolId: string,
  clientId: string,
): RoleMapping | undefined {
  const key = providerKey(userPoolId, clientId)
  if (roleMappings === undefined) return undefined
  return ownValue(checkRecord(roleMappings, '`RoleMappings`', AS_RETURNED), key) as RoleMapping | undefined
}

/** What to do about a record of another shape. */
export const AS_RETURNED = 'give it as the API returns it'

export interface CheckedRule {
  readonly claim: string
  readonly matchType: MatchType
  readonly value: string
  readonly roleArn: string
}

export interface CheckedMapping {
  /** Undefined: choose the role from the token. */
  readonly rules: readonly CheckedRule[] | undefined
  readonly fallback: 'AuthenticatedRole' | 'Deny' | undefined
}

const MATCH_TYPES: readonly unknown[] = ['Equals', 'Contains', 'StartsWith', 'NotEqual'] satisfies MatchType[]

export function checkMapping(mapping: unknown): CheckedMapping | undefined {
  if (mapping === undefined) return undefined
  const record = checkRecord(mapping, 'the role mapping', AS_RETURNED)
  const type = ownValue(record, 'Type')
  if (type !== 'Token' && type !== 'Rules') {
    throw invalidOption(`${quote(type)} is no type of a role mapping; use \`Token\` or \`Rules\``, mapping)
  }
  const fallback = ownValue(record, 'AmbiguousRoleResolution')
  if (fallback !== undefined && fallback !== 'AuthenticatedRole' && fallback !== 'Deny') {
    throw invalidOption(
      `${quote(fallback)} is no \`AmbiguousRoleResolution\`; use \`AuthenticatedRole\` or \`Deny\``,
      mapping,
    )
  }
  if (type === 'Token') return { rules: undefined, fallback }
  const rules = ownValue(
    checkRecord(
      ownValue(record, 'RulesConfiguration'),
      '`RulesConfiguration`, which the type `Rules` needs,',
      AS_RETURNED,
    ),
    'Rules',
  )
  if (!Array.isArray(rules))
    throw invalidOption('a role mapping of type `Rules` has no `Rules`; give them as an array', mapping)
  return { rules: rules.map(checkRule), fallback }
}

function checkRule(rule: unknown, index: number): CheckedRule {
  const record = checkRecord(rule, `mapping rule ${index}`, AS_RETURNED)
  const matchType = ownValue(record, 'MatchType')
  if (!MATCH_TYPES.includes(matchType)) {
    throw invalidOption(
      `${quote(matchType)} is no match type (mapping rule ${index}); use one of ${MATCH_TYPES.join(', ')}`,
      rule,
    )
  }
  const text = (field: 'Claim' | 'Value' | 'RoleARN') => {
    const value = ownValue(record, field)
    if (typeof value === 'string' && value !== '') return value
    throw invalidOption(`mapping rule ${index} needs a ${quote(field)} that is a non-empty string`, rule)
  }
  return { claim: text('Claim'), matchType: matchType as MatchType, value: text('Value'), roleArn: text('RoleARN') }
}
