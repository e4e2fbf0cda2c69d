import type { Readable } from 'node:stream'
import type { Command } from 'commander'
import {
  checkPlace,
  checkRole,
  parseRoleArn,
  type RoleCheck,
  type RoleFound,
  type RolePlace,
} from '../audit/role-check.js'
import { identityPoolRegion, REGION_PATTERN } from '../aws-ids.js'
import type { CredentialsProvider } from '../cognito/api/account-access.js'
import { createIamApi, type IamApi } from '../cognito/api/iam-api.js'
import { type ErrorCode, isRolecastError, RolecastError } from '../errors.js'
import { compareText } from '../text.js'
import { inCommandLineWords } from './command-line-words.js'
import { inputOption } from './input-file.js'
import { inGroup } from './option-group.js'
import { readRolesFile, type RolesFile } from './roles-file.js'

/** The options of commands that check roles, and the options for the source. */
export interface RoleCheckOptions {
  readonly checkRoles?: boolean
  readonly privileges?: boolean
  readonly rolesFile?: string
  readonly poolFile?: string
  readonly userPoolId?: string
  readonly region?: string
  readonly profile?: string
  /** The credentials of an assumed role. */
  readonly credentials?: CredentialsProvider | undefined
}

/**
 * Checks each role once. If something about a role cannot be found out, its check says so, and the other checks
 * continue.
 *
 * @param identityPoolId undefined: whether the roles trust it is not checked
 * @returns sorted by ARN
 * @throws RolecastError `aborted` as a rejection
 */
export type RoleChecks = (
  roleArns: Iterable<string>,
  identityPoolId: string | undefined,
  signal: AbortSignal,
) => Promise<readonly RoleCheck[]>

export function addRoleCheckOptions(command: Command): Command {
  return inGroup(command, 'Roles', () =>
    command
      .option(
        '--check-roles',
        'ask IAM whether each role exists, and with an identity pool whether the role trusts it; needs iam:GetRole',
      )
      .option(
        '--privileges',
        'with --check-roles: also which policies each role has, and whether they allow everything; needs iam:ListAttachedRolePolicies, ListRolePolicies, GetRolePolicy, GetPolicy and GetPolicyVersion',
      )
      .addOption(
        inputOption(
          '--roles-file <file>',
          'the same, from what `aws iam get-account-authorization-details` printed; no network',
        ).conflicts(['checkRoles']),
      ),
  )
}

/**
 * Checks the options, and reads the roles file if there is one; undefined if no role is to be checked.
 *
 * @throws RolecastError as a rejection
 */
export async function openRoleChecks(options: RoleCheckOptions, stdin: Readable): Promise<RoleChecks | undefined> {
  const { checkRoles = false, privileges = false, rolesFile, poolFile } = options
  if (rolesFile !== undefined) return checksFromFile(await readRolesFile(rolesFile, stdin))
  if (!checkRoles) {
    if (privileges) refuse('--privileges needs roles to check; give --check-roles or --roles-file FILE too')
    return undefined
  }
  if (poolFile !== undefined)
    refuse(
      '--pool-file and --check-roles cannot be combined, because --pool-file means no network; give --roles-file FILE',
    )
  return checksFromIam(options)
}

function refuse(what: string): never {
  throw new RolecastError('invalid-argument', what)
}

function checksFromFile(file: RolesFile): RoleChecks {
  return async (roleArns, identityPoolId) =>
    distinct(roleArns).map(roleArn => {
      const role = parseRoleArn(roleArn) ?? { partition: '', account: '', name: '' }
      return checkRole(roleArn, { role: file.find(role) }, file.place(role), identityPoolId)
    })
}

function checksFromIam(options: RoleCheckOptions): RoleChecks {
  const { region, profile, credentials, userPoolId, privileges: withPolicies = false } = options
  const kept = new Map<string | undefined, Source>()
  const sourceIn = (where: string | undefined): Source => {
    const source = kept.get(where) ?? {
      iam: createIamApi({ region: where, profile, credentials }),
      found: new Map<string, RoleFound>(),
    }
    kept.set(where, source)
    return source
  }
  return async (roleArns, identityPoolId, signal) => {
    const roles = distinct(roleArns)
    if (roles.length === 0) return []
    const source = sourceIn(region ?? regionOf(userPoolId) ?? regionOf(identityPoolId))
    const place = source.place ?? (await placeOf(source.iam, signal))
    if ('failed' in place) return roles.map(roleArn => ({ roleArn, status: 'unknown', why: place.failed }))
    source.place = place
    const find = finder(source, { withPolicies, signal })
    return concurrently(CONCURRENCY, roles, async roleArn => {
      const known = checkPlace(roleArn, place)
      return known ?? checkRole(roleArn, await find(parseRoleArn(roleArn)!.name), place, identityPoolId)
    })
  }
}

interface Source {
  readonly iam: IamApi
  place?: RolePlace
  /** The results for the names that were looked up, without failures. */
  readonly found: Map<string, RoleFound>
}

/** IAM's quotas are not documented, and an account has other callers. */
const CONCURRENCY = 4

/** After this many failures in a row IAM counts as unreachable, and the other roles are skipped. */
const MAX_SILENT = 5

const SILENT: ReadonlySet<ErrorCode> = new Set(['unreachable', 'timeout', 'tls-failed', 'no-credentials', 'no-region'])

function distinct(roleArns: Iterable<string>): readonly string[] {
  return [...new Set(roleArns)].toSorted(compareText)
}

function regionOf(id: string | undefined): string | undefined {
  const region = identityPoolRegion(id) ?? id?.slice(0, id.lastIndexOf('_'))
  return region !== undefined && REGION_PATTERN.test(region) ? region : undefined
}

async function placeOf(iam: IamApi, signal: AbortSignal): Promise<RolePlace | { readonly failed: string }> {
  try {
    return { words: 'these credentials are', ...(await iam.account(signal)) }
  } catch (error) {
    return { failed: sentenceOf(error) }
  }
}

/** Looks up roles by name, until IAM cannot be reached. */
function finder(
  { iam, found }: Source,
  options: Parameters<IamApi['readRole']>[1],
): (name: string) => Promise<RoleFound> {
  let silent = 0
  let last = ''
  return async name => {
    const known = found.get(name)
    if (known !== undefined) return known
    if (silent >= MAX_SILENT)
      return { role: undefined, failed: `It was not looked at, because ${MAX_SILENT} others in a row failed: ${last}` }
    try {
      const role = await iam.readRole(name, options)
      silent = 0
      found.set(name, { role })
      return { role }
    } catch (error) {
      const failed = sentenceOf(error)
      silent = isRolecastError(error) && SILENT.has(error.code) ? silent + 1 : 0
      last = failed
      return { role: undefined, failed }
    }
  }
}

/** The message of a failure. Rethrows errors that end the command. */
function sentenceOf(error: unknown): string {
  if (!isRolecastError(error) || error.code === 'aborted') throw error
  return `${inCommandLineWords(error.message)}.`
}

/** The results, in the order of the items. */
async function concurrently<T, R>(
  workers: number,
  items: readonly T[],
  make: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const made: R[] = []
  let next = 0
  await Promise.all(
    Array.from({ length: Math.min(workers, items.length) }, async () => {
      while (next < items.length) {
        const at = next++
        made[at] = await make(items[at]!)
      }
    }),
  )
  return made
}
