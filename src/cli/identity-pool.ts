import type { Readable } from 'node:stream'
import type { Command } from 'commander'
import type { IdentityPoolSettings } from '../cognito/api/identity-pool-api.js'
import { listItems, RolecastError, quote } from '../errors.js'
import { type RoleSelection, selectRoleFor } from '../credentials/select-role.js'
import type { IdentityPoolRoles, RoleMapping } from '../credentials/role-mapping.js'
import type { Resolution } from '../claims/resolve.js'
import { type ConnectionOptions, connectionOf } from './connection-options.js'
import { inputName, inputOption } from './input-file.js'
import { invalidFile, readJsonFile } from './json-file.js'
import { inGroup } from './option-group.js'
import { keptWhileFrozen } from '../record.js'
import type { CredentialsPrediction } from '../report/credentials-text.js'

/** The options of a command that are about an identity pool. */
export interface IdentityPoolOptions extends ConnectionOptions {
  readonly userPoolId?: string
  readonly poolFile?: string
  readonly identityPoolId?: string
  readonly identityPoolFile?: string
  readonly clientId?: string
  readonly customRoleArn?: string
}

export interface Credentials extends CredentialsPrediction {
  /** The key of the mapping in `RoleMappings`. */
  readonly mappingKey: string | undefined
}

/** An identity pool, as signed-in users of one app client see it. */
export interface IdentityPool {
  readonly identityPoolId: string
  /** How it chooses the role; `none`: the app client has no role mapping, so all users get the authenticated role. */
  readonly mapping: 'Token' | 'Rules' | 'none'
  /** The app client that was named. */
  readonly clientId: string | undefined
  /** The app clients of the user pool that have a role mapping. */
  readonly mappedClients: readonly string[]
  /**
   * The authenticated role and the roles of the mapping's rules, each once. Without the role of guests and those of
   * groups.
   */
  readonly roleArns: readonly string[]
  /** The role that it selects for a resolution, with details. */
  readonly predict: (resolution: Resolution) => Credentials
  /** The same without the details that explain it to a person. Cached for a frozen resolution, and frozen. */
  readonly select: (resolution: Resolution) => RoleSelection
}

export interface CredentialsJson {
  readonly selection: RoleSelection
  /** The mapping's key is absent if the app client has no mapping. */
  readonly identityPool: { readonly identityPoolId: string; readonly mappingKey?: string }
}

/** What is printed as JSON. */
export function credentialsJson({ selection, identityPoolId, mappingKey }: Credentials): CredentialsJson {
  return { selection, identityPool: { identityPoolId, ...(mappingKey !== undefined && { mappingKey }) } }
}

/**
 * The options about an identity pool, which `predict`, `audit user` and `audit pool` share.
 *
 * @param hasCustomRole whether the command is about one user, for whom the app may ask for a role
 */
export function addIdentityPoolOptions(command: Command, { hasCustomRole }: { hasCustomRole: boolean }): Command {
  return inGroup(command, 'Identity pool', () => {
    command
      .option(
        '--identity-pool-id <id>',
        'also predict the credentials that this identity pool gives; its Region is the one in its id',
      )
      .addOption(
        inputOption(
          '--identity-pool-file <file>',
          'the same, from what `aws cognito-identity get-identity-pool-roles` printed; no network',
        ).conflicts(['identityPoolId']),
      )
      .option('--client-id <id>', 'the app client that users sign in with; default: the only one with a role mapping')
    if (hasCustomRole)
      command.option('--custom-role-arn <arn>', 'the role that the app asks the identity pool for (CustomRoleArn)')
  })
}

export function checkIdentityPoolOptions({
  poolFile,
  identityPoolId,
  identityPoolFile,
  clientId,
  customRoleArn,
}: IdentityPoolOptions): void {
  if (poolFile !== undefined && identityPoolId !== undefined) {
    refuse(
      '--pool-file and --identity-pool-id cannot be combined, because --pool-file means no network; give --identity-pool-file FILE',
      identityPoolId,
    )
  }
  if (identityPoolId === undefined && identityPoolFile === undefined) {
    const needed = 'needs an identity pool; give --identity-pool-id ID or --identity-pool-file FILE too'
    if (clientId !== undefined) refuse(`--client-id ${needed}`, clientId)
    if (customRoleArn !== undefined) refuse(`--custom-role-arn ${needed}`, customRoleArn)
  }
  if (clientId !== undefined && !/^[\w+]{1,128}$/.test(clientId)) {
    refuse(
      `${quote(clientId)} is not an app client ID; give --client-id with the ID of the app client in the user pool`,
      clientId,
    )
  }
  if (customRoleArn !== undefined && !customRoleArn.startsWith('arn:')) {
    refuse(
      `${quote(customRoleArn)} is not an ARN; give --custom-role-arn with the whole ARN, such as arn:aws:iam::111122223333:role/Admin`,
      customRoleArn,
    )
  }
}

/** The role mapping is the same for all users, so it is looked for once. */
export async function openIdentityPool(
  options: IdentityPoolOptions,
  userPoolIdOfFile: string | undefined,
  stdin: Readable,
): Promise<IdentityPool | undefined> {
  const { identityPoolId, identityPoolFile, customRoleArn } = options
  // Not the region: an identity pool id has its own.
  const { profile, endpoint } = connectionOf(options)
  if (identityPoolId === undefined && identityPoolFile === undefined) return undefined
  const userPoolId = findUserPoolId(options, userPoolIdOfFile)
  const { getIdentityPoolRoles, mappingsByClient } = await import('../cognito/api/identity-pool-api.js')
  const settings =
    identityPoolFile === undefined
      ? await getIdentityPoolRoles({ identityPoolId: identityPoolId!, profile, endpoint })
      : await readIdentityPoolFile(identityPoolFile, stdin)
  const byClient = mappingsByClient(settings.roleMappings, userPoolId)
  const mappedClients = [...byClient.keys()]
  if (options.clientId === undefined && mappedClients.length > 1) {
    throw new RolecastError(
      'invalid-argument',
      `identity pool ${quote(settings.identityPoolId)} has role mappings for several app clients of user pool ${quote(userPoolId)}; ` +
        `give --client-id with the one that the user signs in with: ${listItems(mappedClients, quote, 'or')}`,
    )
  }
  const clientId = options.clientId ?? mappedClients[0]
  const found = clientId === undefined ? undefined : byClient.get(clientId)
  const mapping = found?.mapping
  const select = (resolution: Resolution) =>
    selectRoleFor(resolution, mapping, { customRoleArn, roles: settings.roles })
  return {
    identityPoolId: settings.identityPoolId,
    mapping: mapping?.Type ?? 'none',
    clientId: options.clientId,
    mappedClients,
    roleArns: handedOutRoles(settings.roles, mapping),
    select: keptWhileFrozen((resolution: Resolution) => Object.freeze(select(resolution))),
    predict: resolution => ({
      selection: select(resolution),
      identityPoolId: settings.identityPoolId,
      userPoolId,
      mapping,
      mappingKey: found?.key,
      clientId,
      onlyMapping: options.clientId === undefined && found !== undefined,
      mappedClients,
      customRoleArn,
    }),
  }
}

function handedOutRoles({ authenticated }: IdentityPoolRoles, mapping: RoleMapping | undefined): readonly string[] {
  const rules = mapping?.Type === 'Rules' ? (mapping.RulesConfiguration?.Rules ?? []) : []
  const roles = [authenticated, ...rules.map(({ RoleARN }) => RoleARN)]
  return [...new Set(roles.flatMap(roleArn => roleArn || []))]
}

/** The user pool whose mappings apply: the one named, or the one that the pool file names. */
function findUserPoolId({ userPoolId, poolFile }: IdentityPoolOptions, ofFile: string | undefined): string {
  if (userPoolId !== undefined && !/^[\w-]{1,55}$/.test(userPoolId)) {
    throw new RolecastError(
      'invalid-user-pool-id',
      `${quote(userPoolId)} is not a user pool ID; give one such as \`eu-west-1_Ab12Cd34e\``,
      { value: userPoolId },
    )
  }
  if (ofFile !== undefined && userPoolId !== undefined && ofFile !== userPoolId) {
    refuse(
      `the pool file ${inputName(poolFile!)} belongs to user pool ${quote(ofFile)}, not ${quote(userPoolId)}; leave out --user-pool-id`,
      userPoolId,
    )
  }
  return (
    userPoolId ??
    ofFile ??
    refuse(
      `the pool file ${inputName(poolFile!)} does not say which user pool it is of; give --user-pool-id ID too`,
      poolFile!,
    )
  )
}

async function readIdentityPoolFile(path: string, stdin: Readable): Promise<IdentityPoolSettings> {
  const invalid = invalidFile(
    'identity pool file',
    path,
    'aws cognito-identity get-identity-pool-roles --identity-pool-id ID',
  )
  const content = await readJsonFile(path, stdin, invalid)
  const { identityPoolRolesResponse } = await import('../cognito/api/identity-pool-api.js')
  const { firstIssue, readAs } = await import('../cognito/api/schema.js')
  const parsed = readAs(identityPoolRolesResponse, content)
  if (parsed.success) return parsed.data
  throw invalid(firstIssue(parsed.error, content).note, parsed.error)
}

function refuse(what: string, value: string): never {
  throw new RolecastError('invalid-argument', what, { value })
}
