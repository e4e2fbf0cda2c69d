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
  /** The claim that the rule reads. */
  readonly Claim: string | undefined
  /** How the claim is compared with `Value`. */
  readonly MatchType: MatchType | undefined
  /** The text to compare with. */
  readonly Value: string | undefined
  /** The role of users whose token matches. */
  readonly RoleARN: string | undefined
}

/**
 * How an identity pool chooses the role of a user of one provider, as GetIdentityPoolRoles gives it. Fields may be
 * undefined because the SDK's types allow it; `selectRole` rejects a mapping that lacks what it needs.
 *
 * @see https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_RoleMapping.html
 */
export interface RoleMapping {
  /** `Token`: the role claims of the token choose the role. `Rules`: rules on claims choose it. */
  readonly Type: 'Token' | 'Rules' | undefined
  /** AWS calls it required with either type. Where it is missing and needed, the outcome is undetermined. */
  readonly AmbiguousRoleResolution?: 'AuthenticatedRole' | 'Deny' | undefined
  /** The rules, for the type `Rules`. */
  readonly RulesConfiguration?:
    | { /** The first rule that matches decides. */ readonly Rules: readonly MappingRule[] | undefined }
    | undefined
}

/** The two roles of an identity pool, `Roles` in GetIdentityPoolRoles. A missing, undefined or empty one is not set. */
export interface IdentityPoolRoles {
  /** The ARN of the role for signed-in users. */
  readonly authenticated?: string | undefined
  /** The ARN of the role for guests; `selectRole` never returns it. */
  readonly unauthenticated?: string | undefined
}

/**
 * The mapping of a user pool's app client, or undefined when it has none. Each app client has a mapping of its own.
 *
 * Not for `RoleMappings` in a CloudFormation template, whose keys may be any name.
 *
 * @param roleMappings `RoleMappings` as GetIdentityPoolRoles gives it
 * @throws RolecastError as `providerKey`, and `invalid-option` for mappings that are not an object
 * @example
 * import { findRoleMapping, providerKey } from 'rolecast'
 *
 * const userPoolId = 'eu-west-1_Ab12Cd34e'
 * const clientId = '1example23456789'
 * const roleMappings = { [providerKey(userPoolId, clientId)]: { Type: 'Token' } } as const
 * console.log(findRoleMapping(roleMappings, userPoolId, clientId)?.Type) // Token
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
    throw invalidOption(`unknown role mapping type ${quote(type)}; use \`Token\` or \`Rules\``, mapping)
  }
  const fallback = ownValue(record, 'AmbiguousRoleResolution')
  if (fallback !== undefined && fallback !== 'AuthenticatedRole' && fallback !== 'Deny') {
    throw invalidOption(
      `unknown \`AmbiguousRoleResolution\` ${quote(fallback)}; use \`AuthenticatedRole\` or \`Deny\``,
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
      `unknown match type ${quote(matchType)} in mapping rule ${index}; use one of ${MATCH_TYPES.join(', ')}`,
      rule,
    )
  }
  const text = (field: 'Claim' | 'Value' | 'RoleARN') => {
    const value = ownValue(record, field)
    if (typeof value === 'string' && value !== '') return value
    throw invalidOption(
      `mapping rule ${index} needs a ${quote(field)} that is a non-empty string; give the mapping as the API returns it`,
      rule,
    )
  }
  return { claim: text('Claim'), matchType: matchType as MatchType, value: text('Value'), roleArn: text('RoleARN') }
}
