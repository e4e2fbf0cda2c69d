import type { Readable } from 'node:stream'
import * as z from 'zod/mini'
import { parseRoleArn, type RoleDocuments, type RolePlace } from '../audit/role-check.js'
import type { Policy, RolePolicies } from '../credentials/privileges.js'
import { quote } from '../errors.js'
import { firstIssue, readAs } from '../cognito/api/schema.js'
import { someText } from '../cognito/api/responses.js'
import { invalidFile, readJsonFile } from './json-file.js'

/** The roles of an account, as a file has them. */
export interface RolesFile {
  /** Returns the lookup for the account and the partition of an ARN. */
  place(role: { readonly account: string; readonly partition: string }): RolePlace
  /** Undefined: the file has no role of this name. */
  find(role: { readonly account: string; readonly name: string }): RoleDocuments | undefined
}

/**
 * Reads what `aws iam get-account-authorization-details` prints.
 *
 * @throws RolecastError `invalid-input` as a rejection: it cannot be read, or is something else
 * @see https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html
 */
export async function readRolesFile(path: string, stdin: Readable): Promise<RolesFile> {
  const invalid = invalidFile('roles file', path, 'aws iam get-account-authorization-details')
  const content = await readJsonFile(path, stdin, invalid)
  const parsed = readAs(authorizationDetails, content)
  if (!parsed.success) throw invalid(firstIssue(parsed.error, content).note, parsed.error)
  const { RoleDetailList: details, Policies: policies } = parsed.data

  const managed = new Map<string, Detail['Policy']>()
  for (const policy of policies ?? []) {
    if (managed.has(policy.Arn)) throw invalid(`it has the policy ${quote(policy.Arn)} twice`)
    managed.set(policy.Arn, policy)
  }
  const roles = new Map<string, RoleDocuments>()
  const owners = new Map<string, string>()
  for (const role of details) {
    const owner = parseRoleArn(role.Arn)
    if (owner === undefined) throw invalid(`it has a role with the ARN ${quote(role.Arn)}`)
    const key = keyOf(owner)
    if (roles.has(key)) throw invalid(`it has the role ${quote(role.Arn)} twice`)
    roles.set(key, {
      arn: role.Arn,
      trustPolicy: role.AssumeRolePolicyDocument,
      policies: policiesOf(role, managed),
    })
    owners.set(owner.account, owner.partition)
  }
  const [first] = owners
  const incomplete = whyIncomplete(parsed.data)
  return {
    place({ account }) {
      const [ofAccount, partition] = owners.has(account) ? [account, owners.get(account)] : (first ?? [])
      return { words: 'the roles file is', account: ofAccount, partition, incomplete }
    },
    find: role => roles.get(keyOf(role)),
  }
}

/** Role names are case-insensitive. */
function keyOf({ account, name }: { readonly account: string; readonly name: string }): string {
  return `${account}/${name.toLowerCase()}`
}

function whyIncomplete({ RoleDetailList: roles, IsTruncated, Marker, NextToken }: Details): string | undefined {
  if (roles.length === 0)
    return 'The roles file has no role at all; make it without --filter, or with Role among its filters.'
  if (IsTruncated !== true && Marker == null && NextToken == null) return undefined
  return 'It is not in the roles file, which is not complete; make it without --no-paginate and --max-items.'
}

function policiesOf(role: Detail['Role'], managed: ReadonlyMap<string, Detail['Policy']>): RolePolicies {
  const { RolePolicyList: inline, AttachedManagedPolicies: attached, PermissionsBoundary: boundary } = role
  return {
    attached: (attached ?? []).map(({ PolicyName, PolicyArn }) => ({
      ...documentOf(PolicyName, managed.get(PolicyArn)),
      arn: PolicyArn,
    })),
    inline: (inline ?? []).map(({ PolicyName, PolicyDocument }) => ({ name: PolicyName, document: PolicyDocument })),
    permissionsBoundary: boundary?.PermissionsBoundaryArn,
    notRead: [
      ...(inline == null ? ['The roles file does not have the inline policies of the role.'] : []),
      ...(attached == null ? ['The roles file does not have the attached policies of the role.'] : []),
    ],
  }
}

function documentOf(name: string, policy: Detail['Policy'] | undefined): Policy {
  if (policy === undefined) return { name, why: 'the roles file does not have it; make it without --filter' }
  const inEffect = (policy.PolicyVersionList ?? []).filter(
    version => version.VersionId === policy.DefaultVersionId && version.IsDefaultVersion !== false,
  )
  return inEffect.length === 1
    ? { name, document: inEffect[0]!.Document }
    : { name, why: 'the roles file does not have its default version' }
}

const roleDetail = z.object({
  Arn: someText,
  AssumeRolePolicyDocument: z.optional(z.unknown()),
  RolePolicyList: z.nullish(z.array(z.object({ PolicyName: someText, PolicyDocument: z.optional(z.unknown()) }))),
  AttachedManagedPolicies: z.nullish(z.array(z.object({ PolicyName: someText, PolicyArn: someText }))),
  PermissionsBoundary: z.nullish(z.object({ PermissionsBoundaryArn: someText })),
})

const managedPolicy = z.object({
  Arn: someText,
  DefaultVersionId: someText,
  PolicyVersionList: z.nullish(
    z.array(
      z.object({ VersionId: someText, IsDefaultVersion: z.nullish(z.boolean()), Document: z.optional(z.unknown()) }),
    ),
  ),
})

interface Detail {
  readonly Role: z.infer<typeof roleDetail>
  readonly Policy: z.infer<typeof managedPolicy>
}

const authorizationDetails = z.object({
  RoleDetailList: z.array(roleDetail),
  Policies: z.nullish(z.array(managedPolicy)),
  IsTruncated: z.nullish(z.boolean()),
  Marker: z.nullish(z.string()),
  NextToken: z.nullish(z.string()),
})
type Details = z.infer<typeof authorizationDetails>
