import { judgePrivileges, type RolePolicies, type RolePrivileges } from '../credentials/privileges.js'
import { type Trust, trustsIdentityPool } from '../credentials/trust-policy.js'
import { isRolecastError, quote } from '../errors.js'

export type { RolePrivileges } from '../credentials/privileges.js'

/** What IAM says of one role. */
export interface RoleCheck {
  /** As the group or the identity pool has it. */
  readonly roleArn: string
  /** `unknown`: it was not looked at, or could not be; `why` says the reason. `missing`: no role has this ARN. */
  readonly status: 'exists' | 'missing' | 'unknown'
  /**
   * One sentence. Always there when the status is `unknown`. Otherwise there if it explains something: what IAM has in place
   * of a missing role, or why the trust of a role could not be judged.
   */
  readonly why?: string | undefined
  /** Whether it trusts the identity pool. Absent where no identity pool was given, or it could not be judged. */
  readonly trust?: Trust | undefined
  /** Absent where they were not asked for, or the role does not exist or could not be read. */
  readonly privileges?: RolePrivileges | undefined
}

/** What was read of a role. */
export interface RoleDocuments {
  /** As IAM has it. */
  readonly arn: string
  /** A document as an object, as JSON, or percent-encoded as IAM's GetRole gives it; undefined: it was not read. */
  readonly trustPolicy: unknown
  /** Absent where they were not asked for. */
  readonly policies?: RolePolicies | undefined
}

/** What came of looking for a role by its name: `failed` is a sentence, where it could not be looked for. */
export type RoleFound =
  | { readonly role: RoleDocuments | undefined; readonly failed?: undefined }
  | { readonly role: undefined; readonly failed: string }

/** Where roles are looked for. */
export interface RolePlace {
  /** In words, such as "these credentials are". */
  readonly words: string
  /** Whose roles these are; undefined: it is not known, so that a role which is not found is not known to be missing. */
  readonly account: string | undefined
  readonly partition: string | undefined
  /** Why a role that is not there may exist all the same; undefined: it does not exist then. */
  readonly incomplete?: string | undefined
}

export interface RoleArn {
  readonly partition: string
  readonly account: string
  /** Without the path. */
  readonly name: string
}

/**
 * The parts of the ARN of an IAM role; undefined for what is none. Cognito accepts any text that looks like an ARN.
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
 * What can be said of a role without looking for it: that it is none, or that it is elsewhere. Undefined: look for it by its
 * name.
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
 * Says of a role that was looked for by its name whether it exists, and judges what was read of it.
 *
 * A role that was found may be another one: names are unique in an account whatever their path and case, and in an ARN both
 * count.
 *
 * @param identityPoolId undefined: its trust is not judged
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
      why: 'It is not in the account of these credentials, and which account that is could not be found out.',
    }
  }

  const { arn, trustPolicy, policies } = found.role
  if (arn !== roleArn) return checkOther(roleArn, arn, place)
  const trust = identityPoolId === undefined ? {} : judgeTrust(trustPolicy, identityPoolId)
  const privileges = policies === undefined ? {} : { privileges: judgePrivileges(policies, parseRoleArn(roleArn)!) }
  return { roleArn, status: 'exists', ...trust, ...privileges }
}

/** The role of that name has another ARN. */
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
    return { why: `Whether it trusts the identity pool cannot be judged: ${error.message}.` }
  }
}
