import type * as Iam from '@aws-sdk/client-iam'
import * as z from 'zod/mini'
import type { RoleDocuments } from '../../audit/role-check.js'
import { isAdministratorAccess, type Policy, type RolePolicies } from '../../credentials/privileges.js'
import { isRolecastError } from '../../errors.js'
import { type AccountAccess, callOnce } from './account-access.js'
import { failure, type IamCall } from './api-error.js'
import { getCaller } from './assumed-role.js'
import { clientConfigOf } from './client-config.js'
import { loadSdk } from './load-sdk.js'
import { someText } from './responses.js'
import { createPaginationGuard } from './user-pool-api.js'

export interface IamApiOptions extends Pick<AccountAccess, 'profile' | 'credentials'> {
  /**
   * Any Region of the partition, because IAM is one for all of them.
   *
   * @default the one that the SDK finds in the environment or the profile
   */
  readonly region?: string | undefined
  /**
   * Milliseconds for one call, including the SDK's retries.
   *
   * @default 15_000
   */
  readonly timeout?: number | undefined
}

/** Whose roles IAM has. */
export interface IamAccount {
  readonly partition: string
  /** Undefined if AWS did not return it; the calls may still work. */
  readonly account: string | undefined
}

export interface IamApi {
  /**
   * Whose credentials these are, with a call that needs no permission.
   *
   * @throws RolecastError as a rejection: no call can be made
   */
  account(signal: AbortSignal): Promise<IamAccount>
  /**
   * Undefined: the account has no role of this name.
   *
   * @param withPolicies whether its policies are read too; each policy is read once for all roles. For one that cannot
   * be read, the reason is in its place.
   * @throws RolecastError as a rejection
   */
  readRole(
    name: string,
    options: { readonly withPolicies: boolean; readonly signal: AbortSignal },
  ): Promise<RoleDocuments | undefined>
}

/**
 * The calls of IAM that read roles. The first call loads the SDK; it tries again as the SDK does.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html
 */
export function createIamApi(options: IamApiOptions): IamApi {
  const { region, profile, credentials, timeout = 15_000 } = options
  let client: ReturnType<typeof load> | undefined
  const policies = new Map<string, Promise<Policy>>()

  async function load() {
    const sdk = await loadSdk('@aws-sdk/client-iam', () => import('@aws-sdk/client-iam'))
    return { sdk, iam: new sdk.IAMClient(await clientConfigOf({ region, profile, credentials })) }
  }

  function call<T>(
    context: IamCall,
    shape: z.ZodMiniType<T>,
    send: (iam: Iam.IAMClient, sdk: typeof Iam, options: { abortSignal: AbortSignal }) => Promise<unknown>,
    signal: AbortSignal,
  ): Promise<T> {
    return callOnce(
      context,
      shape,
      async abortSignal => {
        const { iam, sdk } = await (client ??= load())
        return send(iam, sdk, { abortSignal })
      },
      { signal, timeout },
    )
  }

  async function getRole(name: string, signal: AbortSignal) {
    const context: IamCall = { operation: 'GetRole', iam: { role: name } }
    const response = await call(
      context,
      getRoleResponse,
      (iam, sdk, sent) => iam.send(new sdk.GetRoleCommand({ RoleName: name }), sent).catch(nullIfMissing),
      signal,
    )
    // Names are case-insensitive in the API.
    if (response !== null && response.Role.RoleName.toLowerCase() !== name.toLowerCase())
      throw failure('malformed-response', context, { value: response.Role.RoleName, note: 'it is about another role' })
    return response?.Role
  }

  async function listAttached(name: string, signal: AbortSignal) {
    const context: IamCall = { operation: 'ListAttachedRolePolicies', iam: { role: name } }
    const pages = await all(context, marker =>
      call(
        context,
        attachedResponse,
        (iam, sdk, sent) => iam.send(new sdk.ListAttachedRolePoliciesCommand(pageOf(name, marker)), sent),
        signal,
      ),
    )
    return pages.flatMap(page => page.AttachedPolicies)
  }

  async function listInline(name: string, signal: AbortSignal): Promise<readonly string[]> {
    const context: IamCall = { operation: 'ListRolePolicies', iam: { role: name } }
    const pages = await all(context, marker =>
      call(
        context,
        inlineResponse,
        (iam, sdk, sent) => iam.send(new sdk.ListRolePoliciesCommand(pageOf(name, marker)), sent),
        signal,
      ),
    )
    return pages.flatMap(page => page.PolicyNames)
  }

  async function getInline(name: string, policyName: string, signal: AbortSignal): Promise<Policy> {
    const context: IamCall = { operation: 'GetRolePolicy', iam: { role: name } }
    const input = { RoleName: name, PolicyName: policyName }
    const read = await call(
      context,
      rolePolicyResponse,
      (iam, sdk, sent) => iam.send(new sdk.GetRolePolicyCommand(input), sent),
      signal,
    )
    if (read.PolicyName !== policyName)
      throw failure('malformed-response', context, { value: read.PolicyName, note: 'it is about another policy' })
    return { name: policyName, document: read.PolicyDocument }
  }

  async function getManaged(name: string, arn: string, signal: AbortSignal): Promise<Policy> {
    const context: IamCall = { operation: 'GetPolicy', iam: { policy: arn } }
    const { Policy } = await call(
      context,
      policyResponse,
      (iam, sdk, sent) => iam.send(new sdk.GetPolicyCommand({ PolicyArn: arn }), sent),
      signal,
    )
    if (Policy.Arn !== arn)
      throw failure('malformed-response', context, { value: Policy.Arn, note: 'it is about another policy' })
    const ofVersion: IamCall = { operation: 'GetPolicyVersion', iam: { policy: arn } }
    const version = { PolicyArn: arn, VersionId: Policy.DefaultVersionId }
    const { PolicyVersion } = await call(
      ofVersion,
      policyVersionResponse,
      (iam, sdk, sent) => iam.send(new sdk.GetPolicyVersionCommand(version), sent),
      signal,
    )
    if (PolicyVersion.VersionId !== version.VersionId)
      throw failure('malformed-response', ofVersion, {
        value: PolicyVersion.VersionId,
        note: 'it is about another version',
      })
    return { name, document: PolicyVersion.Document }
  }

  /** Of a policy that many roles have, one reading serves them all. */
  function managed(name: string, arn: string, signal: AbortSignal): Promise<Policy> {
    const known = policies.get(arn) ?? orWhy(name, getManaged(name, arn, signal))
    policies.set(arn, known)
    return known
  }

  async function readPolicies(role: RoleShape, signal: AbortSignal): Promise<RolePolicies> {
    const name = role.RoleName
    const notRead: string[] = []
    const listed = <T>(list: Promise<readonly T[]>): Promise<readonly T[]> =>
      list.catch(error => {
        notRead.push(`${reasonOf(error)}.`)
        return []
      })
    const attached = await listed(listAttached(name, signal))
    const inline = await listed(listInline(name, signal))
    return {
      attached: await inTurn(attached, async ({ PolicyName, PolicyArn: arn }) => ({
        ...(isAdministratorAccess({ arn }) ? { name: PolicyName } : await managed(PolicyName, arn, signal)),
        arn,
      })),
      inline: await inTurn(inline, policyName => orWhy(policyName, getInline(name, policyName, signal))),
      permissionsBoundary: role.PermissionsBoundary?.PermissionsBoundaryArn,
      notRead,
    }
  }

  return {
    async account(signal) {
      const { iam } = await (client ??= load())
      // Rejects if there is no Region, which the error of the call then explains.
      const found = await iam.config.region().catch(() => 'us-east-1')
      const partition = partitionOf(found)
      try {
        const { account } = await getCaller({ region: found, profile, credentials, timeout }, signal)
        return { partition, account }
      } catch (error) {
        if (!isRolecastError(error) || !isOfSts(error.code)) throw error
        return { partition, account: undefined }
      }
    },
    async readRole(name, { withPolicies, signal }) {
      const role = await getRole(name, signal)
      if (role === undefined) return undefined
      return {
        arn: role.Arn,
        trustPolicy: role.AssumeRolePolicyDocument,
        ...(withPolicies && { policies: await readPolicies(role, signal) }),
      }
    },
  }
}

/** Whether only STS may have failed, so that IAM is still called. */
function isOfSts(code: string): boolean {
  return ['unreachable', 'timeout', 'throttled', 'service-error', 'malformed-response', 'tls-failed'].includes(code)
}

/** The prefixes of Regions in every partition but `aws`. */
const PARTITIONS: readonly (readonly [prefix: string, partition: string])[] = [
  ['cn-', 'aws-cn'],
  ['us-gov-', 'aws-us-gov'],
  ['us-iso-', 'aws-iso'],
  ['us-isob-', 'aws-iso-b'],
  ['eu-isoe-', 'aws-iso-e'],
  ['us-isof-', 'aws-iso-f'],
  ['eusc-', 'aws-eusc'],
]

function partitionOf(region: string): string {
  return PARTITIONS.find(([prefix]) => region.startsWith(prefix))?.[1] ?? 'aws'
}

function pageOf(name: string, marker: string | undefined) {
  return { RoleName: name, ...(marker !== undefined && { Marker: marker }) }
}

/** Reads all pages of a list. */
async function all<Page extends { readonly IsTruncated: boolean; readonly Marker?: string | undefined }>(
  context: IamCall,
  read: (marker: string | undefined) => Promise<Page>,
): Promise<readonly Page[]> {
  const pages: Page[] = []
  const checkToken = createPaginationGuard(context)
  let marker: string | undefined
  do {
    const page = await read(marker)
    pages.push(page)
    marker = page.IsTruncated ? page.Marker : undefined
    if (page.IsTruncated && marker === undefined)
      throw failure('malformed-response', context, { note: 'it is truncated and has no marker for the rest' })
    checkToken(marker)
  } while (marker !== undefined)
  return pages
}

/** A server error does not show whether something exists. */
function nullIfMissing(cause: unknown): null {
  const { name, $metadata } = cause as { name?: unknown; $metadata?: { httpStatusCode?: number } }
  if (name === 'NoSuchEntityException' && $metadata?.httpStatusCode === 404) return null
  throw cause
}

/** A policy, or why it was not read. */
async function orWhy(name: string, policy: Promise<Policy>): Promise<Policy> {
  try {
    return await policy
  } catch (error) {
    return { name, why: reasonOf(error) }
  }
}

/** Rethrows errors that end everything. */
function reasonOf(error: unknown): string {
  if (!isRolecastError(error) || error.code === 'aborted') throw error
  return error.message
}

async function inTurn<T, R>(items: readonly T[], make: (item: T) => Promise<R>): Promise<readonly R[]> {
  const made: R[] = []
  for (const item of items) made.push(await make(item))
  return made
}

const roleShape = z.object({
  Arn: someText,
  RoleName: someText,
  AssumeRolePolicyDocument: someText,
  PermissionsBoundary: z.optional(z.object({ PermissionsBoundaryArn: someText })),
})
type RoleShape = z.infer<typeof roleShape>

const getRoleResponse = z.nullable(z.object({ Role: roleShape }))

const page = { IsTruncated: z.boolean(), Marker: z.optional(someText) }
const attachedResponse = z.object({
  ...page,
  AttachedPolicies: z.array(z.object({ PolicyName: someText, PolicyArn: someText })),
})
const inlineResponse = z.object({ ...page, PolicyNames: z.array(someText) })

const rolePolicyResponse = z.object({ PolicyName: someText, PolicyDocument: someText })
const policyResponse = z.object({ Policy: z.object({ Arn: someText, DefaultVersionId: someText }) })
const policyVersionResponse = z.object({ PolicyVersion: z.object({ VersionId: someText, Document: someText }) })
