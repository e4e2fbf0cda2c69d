import { quote, quoteNumber } from './errors.js'
import { isPrecedence, MAX_PRECEDENCE } from './group.js'
import { closest } from './text.js'

/** The keys that ListGroups returns for a group, those that decide a role first. */
export const LISTED_KEYS = [
  'GroupName',
  'Precedence',
  'RoleArn',
  'UserPoolId',
  'Description',
  'CreationDate',
  'LastModifiedDate',
] as const

const KNOWN: ReadonlySet<string> = new Set(LISTED_KEYS)

const DECIDING: ReadonlySet<string> = new Set(['GroupName', 'Precedence', 'RoleArn'])

/**
 * What the API accepts as the role of a group, which is wider than the ARN of an IAM role.
 *
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateGroup.html
 */
const ROLE_ARN = /^arn:[\w+=/,.@-]+:[\w+=/,.@-]+:[\w+=/,.@-]*:\d+:[\w+=/,.@-]+(?::[\w+=/,.@-]+){0,2}$/

/**
 * The key that was probably intended, if it decides a role. Undefined for keys that resemble none of these: AWS may add
 * keys.
 */
export function misspeltKey(key: string): string | undefined {
  if (KNOWN.has(key)) return undefined
  const nearest = closest(key, LISTED_KEYS)
  return nearest !== undefined && DECIDING.has(nearest) ? nearest : undefined
}

/**
 * What a group in a file has that no group in Cognito can have. Ignoring it would predict another role. Undefined if
 * there is nothing of the kind; the only type that is checked is that of a precedence.
 */
export function listedGroupFault(group: Readonly<Record<string, unknown>>): string | undefined {
  for (const key in group) {
    if (KNOWN.has(key) || !Object.hasOwn(group, key)) continue
    const nearest = misspeltKey(key)
    if (nearest !== undefined) return `an unknown key ${quote(key)} (did you mean ${quote(nearest)}?)`
  }
  const { Precedence, RoleArn } = group
  if (Precedence != null && !isPrecedence(Precedence))
    return `the precedence ${quoteNumber(Precedence)}, and Cognito takes an integer from 0 to ${MAX_PRECEDENCE}, or none`
  if (typeof RoleArn === 'string' && RoleArn !== '' && !isRoleOfGroup(RoleArn))
    return `the role ${quote(RoleArn)}, and Cognito takes the ARN of a role, or none`
  return undefined
}

/** The first group of a list that has a fault, and the fault. */
export function firstListedFault(groups: unknown): string | undefined {
  if (!Array.isArray(groups)) return undefined
  for (const [index, group] of groups.entries()) {
    if (typeof group !== 'object' || group === null) continue
    const fault = listedGroupFault(group as Readonly<Record<string, unknown>>)
    if (fault === undefined) continue
    const { GroupName } = group as { readonly GroupName?: unknown }
    const name = typeof GroupName === 'string' && GroupName !== '' ? ` (${quote(GroupName)})` : ''
    return `group ${index + 1}${name} has ${fault}`
  }
  return undefined
}

function isRoleOfGroup(text: string): boolean {
  return text.length >= 20 && text.length <= 2_048 && ROLE_ARN.test(text)
}
