import { judgePrivileges, type RolePolicies, type RolePrivileges } from '../credentials/privileges.js'
import { type Trust, trustsIdentityPool } from '../credentials/trust-policy.js'
import { isRolecastError, quote } from '../errors.js'

export type { RolePrivileges } from '../credentials/privileges.js'

/** What IAM says about one role. */
export interface RoleCheck {
  /** The ARN as the group or the identity pool has it. */
  readonly roleArn: string
  /** `unknown`: it was not looked at, or could not be; `why` says the reason. `missing`: no role has this ARN. */
  readonly status: 'exists' | 'missing' | 'unknown'
  /**
   * One sentence. Always present if the status is `unknown`. Otherwise present if it explains something: what IAM has
   * in place of a missing role, or why the trust of a role could not be evaluated.
   */
  readonly why?: string | undefined
  /**
   * Whether it trusts the identity pool. Absent if no identity pool was given, or the policy could not be evaluated.
   */
  readonly trust?: Trust | undefined
  /** Absent if they were not asked for, or the role does not exist or could not be read. */
  readonly privileges?: RolePrivileges | undefined
}

/** What was read about a role. */
export interface RoleDocuments {
  /** The ARN as IAM has it. */
  readonly arn: string
  /** A document as an object, as JSON, or percent-encoded as IAM's GetRole gives it; undefined: it was not read. */
  readonly trustPolicy: unknown
  /** Absent if they were not asked for. */
  readonly policies?: RolePolicies | undefined
}

/** The result of looking up a role by its name: `failed` is a sentence that says why it could not be looked up. */
export type RoleFound =
  | { readonly role: RoleDocuments | undefined; readonly failed?: undefined }
  | { readonly role: undefined; readonly failed: string }

/** Where roles are looked up. */
export interface RolePlace {
  /** In words, such as "these credentials are". */
  readonly words: string
  /** The account of the roles; undefined if unknown: then a role that is not found is not known to be missing. */
  readonly account: string | undefined
  readonly partition: string | undefined
  /** Why a role that was not found may still exist; undefined: it does not exist. */
  readonly incomplete?: string | undefined
}

export interface RoleArn {
  readonly partition: string
  readonly account: string
  /** Without the path. */
  readonly name: string
}

/**
 * The parts of the ARN of an IAM role; undefined for anything else. Cognito accepts any string that looks like an ARN.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
 */
export function parseRoleArn(roleArn: string): RoleArn | undefined {
  const nameAt = roleArn.lastIndexOf('/') + 1
  const [, partition, account] =
    /^arn:(aws[a-z-]*):iam::(\d{12}):role\/(?:[!-~]*\/)?$/.exec(roleArn.slice(0, nameAt)) ?? []
  const name = roleArn.slice(nameAt)
  if (partition === undefined || account === undefined || !/^[\w+=,.@-]{1,64}$/.test(name)) return undefined
  return { partition, account, name }
}

/**
 * What can be said about a role without a lookup: that it is not an IAM role, or that it is elsewhere. Undefined: look
 * it up by its name.
 */
export function checkPlace(roleArn: string, { words, account, partition }: RolePlace): RoleCheck | undefined {
  const parsed = parseRoleArn(roleArn)
  if (parsed === undefined)
    return { roleArn, status: 'missing', why: `${quote(roleArn)} is not the ARN of an IAM role.` }
  const elsewhere = (kind: string, its: string, here: string): RoleCheck => ({
    roleArn,
    status: 'unknown',
    why: `Its ${kind} is ${quote(its)}, and ${words} of ${kind} ${quote(here)}.`,
  })
  if (partition !== undefined && parsed.partition !== partition)
    return elsewhere('partition', parsed.partition, partition)
  if (account !== undefined && parsed.account !== account) return elsewhere('account', parsed.account, account)
  return undefined
}

/**
 * Whether a role that was looked up by its name exists, and the evaluation of what was read.
 *
 * The role that was found may be a different one: names are unique in an account regardless of path and letter case,
 * but in an ARN both count.
 *
 * @param identityPoolId undefined: its trust is not evaluated
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-user.html "When a role name is used in a policy or as
 * part of an ARN, the role name is case sensitive"
 */
export function checkRole(
  roleArn: string,
  found: RoleFound,
  place: RolePlace,
  identityPoolId: string | undefined,
): RoleCheck {
  const elsewhere = checkPlace(roleArn, place)
  if (elsewhere !== undefined) return elsewhere
  if (found.role === undefined) {
    if (found.failed !== undefined) return { roleArn, status: 'unknown', why: found.failed }
    if (place.incomplete !== undefined) return { roleArn, status: 'unknown', why: place.incomplete }
    if (place.account !== undefined) return { roleArn, status: 'missing' }
    return {
      roleArn,
      status: 'unknown',
      why: 'It is not in the account of these credentials, and it could not be determined which account that is.',
    }
  }

  const { arn, trustPolicy, policies } = found.role
  if (arn !== roleArn) return checkOther(roleArn, arn, place)
  const trust = identityPoolId === undefined ? {} : judgeTrust(trustPolicy, identityPoolId)
  const privileges = policies === undefined ? {} : { privileges: judgePrivileges(policies, parseRoleArn(roleArn)!) }
  return { roleArn, status: 'exists', ...trust, ...privileges }
}

/** The role with that name has a different ARN. */
function checkOther(roleArn: string, arn: string, place: RolePlace): RoleCheck {
  const [asked, other] = [parseRoleArn(roleArn)!, parseRoleArn(arn)]
  if (other === undefined) return { roleArn, status: 'unknown', why: `IAM has ${quote(arn)} in its place.` }
  const elsewhere = checkPlace(roleArn, { ...place, ...other })
  if (elsewhere !== undefined) return elsewhere
  const differs = asked.name === other.name ? 'path' : 'name'
  return { roleArn, status: 'missing', why: `IAM has ${quote(arn)}, which differs in its ${differs}.` }
}

function judgeTrust(trustPolicy: unknown, identityPoolId: string): Pick<RoleCheck, 'trust' | 'why'> {
  try {
    return { trust: trustsIdentityPool(trustPolicy as string | object, identityPoolId) }
  } catch (error) {
    if (!isRolecastError(error)) throw error
    return { why: `It cannot be determined whether it trusts the identity pool: ${error.message}.` }
  }
}
