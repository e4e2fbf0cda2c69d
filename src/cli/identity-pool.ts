import { identityPoolRolesResponse, mappingsByClient } from '../cognito/api/identity-pool-api.js'
import { getIdentityPoolRoles, type IdentityPoolSettings } from '../cognito/index.js'
import { listItems, RolecastError, quote } from '../errors.js'
import { type RoleSelection, selectRoleFor } from '../credentials/select-role.js'
import type { Resolution } from '../claims/resolve.js'
import { type ConnectionOptions, connectionOf } from './connection-options.js'
import { invalidFile, readJsonFile } from './json-file.js'
import { firstIssue, readAs } from '../cognito/api/schema.js'
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

/** What an identity pool makes of a resolution. */
export type PredictCredentials = (resolution: Resolution) => Credentials

export interface CredentialsJson {
  readonly selection: RoleSelection
  /** The mapping's key is absent where the app client has no mapping. */
  readonly identityPool: { readonly identityPoolId: string; readonly mappingKey?: string }
}

/** What is printed as JSON. */
export function credentialsJson({ selection, identityPoolId, mappingKey }: Credentials): CredentialsJson {
  return { selection, identityPool: { identityPoolId, ...(mappingKey !== undefined && { mappingKey }) } }
}

export function checkIdentityPoolOptions({
  userPoolId,
  poolFile,
  identityPoolId,
  identityPoolFile,
  clientId,
  customRoleArn,
}: IdentityPoolOptions): void {
  if (userPoolId !== undefined && poolFile !== undefined && identityPoolFile === undefined) {
    refuse(
      '--pool-file and --user-pool-id cannot be combined unless --identity-pool-file is given; give one of them',
      poolFile,
    )
  }
  if (identityPoolId === undefined && identityPoolFile === undefined) {
    const needed = 'is for an identity pool; give --identity-pool-id ID or --identity-pool-file FILE too'
    if (clientId !== undefined) refuse(`--client-id ${needed}`, clientId)
    if (customRoleArn !== undefined) refuse(`--custom-role-arn ${needed}`, customRoleArn)
  }
  if (clientId !== undefined && !/^[\w+]{1,128}$/.test(clientId)) {
    refuse(
      `${quote(clientId)} is not an app client id; give --client-id the id of the app client in the user pool`,
      clientId,
    )
  }
  if (customRoleArn !== undefined && !customRoleArn.startsWith('arn:')) {
    refuse(
      `${quote(customRoleArn)} is not an ARN; give --custom-role-arn the whole ARN, like arn:aws:iam::111122223333:role/Admin`,
      customRoleArn,
    )
  }
}

/** The role mapping is the same for all users, so it is looked for once. */
export async function openIdentityPool(
  options: IdentityPoolOptions,
  userPoolIdOfFile: string | undefined,
): Promise<PredictCredentials | undefined> {
  const { identityPoolId, identityPoolFile, customRoleArn } = options
  // Not the region: an identity pool id has its own.
  const { profile, endpoint } = connectionOf(options)
  if (identityPoolId === undefined && identityPoolFile === undefined) return undefined
  const userPoolId = findUserPoolId(options, userPoolIdOfFile)
  const settings =
    identityPoolFile === undefined
      ? await getIdentityPoolRoles({ identityPoolId: identityPoolId!, profile, endpoint })
      : await readIdentityPoolFile(identityPoolFile)
  const byClient = mappingsByClient(settings.roleMappings, userPoolId)
  const mappedClients = [...byClient.keys()]
  if (options.clientId === undefined && mappedClients.length > 1) {
    throw new RolecastError(
      'invalid-argument',
      `identity pool ${quote(settings.identityPoolId)} has a role mapping for each of several app clients of user pool ${quote(userPoolId)}; ` +
        `give --client-id with the one that the user signs in with: ${listItems(mappedClients, quote, 'or')}`,
    )
  }
  const clientId = options.clientId ?? mappedClients[0]
  const found = clientId === undefined ? undefined : byClient.get(clientId)
  return resolution => ({
    selection: selectRoleFor(resolution, found?.mapping, { customRoleArn, roles: settings.roles }),
    identityPoolId: settings.identityPoolId,
    userPoolId,
    mapping: found?.mapping,
    mappingKey: found?.key,
    clientId,
    onlyMapping: options.clientId === undefined && found !== undefined,
    mappedClients,
    customRoleArn,
  })
}

/** The user pool whose mappings count: the one named, or the one that the pool file says it is of. */
function findUserPoolId({ userPoolId, poolFile }: IdentityPoolOptions, ofFile: string | undefined): string {
  if (userPoolId !== undefined && !/^[\w-]{1,55}$/.test(userPoolId)) {
    throw new RolecastError(
      'invalid-user-pool-id',
      `${quote(userPoolId)} is not a user pool id; it looks like \`eu-west-1_Ab12Cd34e\``,
      { value: userPoolId },
    )
  }
  if (ofFile !== undefined && userPoolId !== undefined && ofFile !== userPoolId) {
    refuse(
      `the pool file ${quote(poolFile)} is of user pool ${quote(ofFile)} and not of ${quote(userPoolId)}; leave --user-pool-id out`,
      userPoolId,
    )
  }
  return (
    userPoolId ??
    ofFile ??
    refuse(
      `the pool file ${quote(poolFile)} does not say which user pool it is of; give --user-pool-id ID too`,
      poolFile!,
    )
  )
}

async function readIdentityPoolFile(path: string): Promise<IdentityPoolSettings> {
  const invalid = invalidFile(
    'identity pool file',
    path,
    'aws cognito-identity get-identity-pool-roles --identity-pool-id ID',
  )
  const content = await readJsonFile(path, invalid)
  const parsed = readAs(identityPoolRolesResponse, content)
  if (parsed.success) return parsed.data
  throw invalid(firstIssue(parsed.error, content).note, parsed.error)
}

function refuse(what: string, value: string): never {
  throw new RolecastError('invalid-argument', what, { value })
}
