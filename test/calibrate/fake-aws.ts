import { randomUUID } from 'node:crypto'
import { unzipSync } from 'fflate'
import { jwtVerify } from 'jose'
import {
  type Fault,
  type FakeService,
  type FakeServiceOptions,
  type OtherRequest,
  type Reply,
  startFakeService,
} from '../../src/testing/fake-service.js'
import { createPoolKeys, type PoolKeys } from '../../src/testing/keys.js'
import type { PreTokenHandler } from '../../src/testing/pre-token-trigger.js'

/** AWS's own example account, which the fake of the user pools has too. */
export const ACCOUNT = '111122223333'

type Json = Readonly<Record<string, unknown>>

/** What is true of GetCredentialsForIdentity here, where AWS's pages and tokens leave it open, and where they do not. */
export interface IdentityTruth {
  /** A token with one role and no preferred role, under a mapping of type Token. */
  readonly single: 'role' | 'fallback'
  /** Whether `Contains` finds its value inside an element. */
  readonly looksInside: boolean
  /** `Equals`, `StartsWith` and `NotEqual` on an array: on any element, on a sole element only, or never. */
  readonly arrays: 'any' | 'sole' | 'never'
  /** A custom role with rules, which the token carries, and one that it does not. */
  readonly rulesCustomIn: 'denied' | 'role'
  readonly rulesCustomOut: 'denied' | 'by-rules' | 'role'
  readonly noMappingCustom: 'ignored' | 'denied' | 'role-if-carried'
  /** A mapping without `AmbiguousRoleResolution`. */
  readonly unset: 'rejected' | 'Deny' | 'AuthenticatedRole'
  /** A custom role under Token that the token does not carry. */
  readonly customOut: 'denied' | 'fallback'
}

/** What docs/identity-pool.md says, with one choice for each thing that it leaves open. */
export const DOCUMENTED_IDENTITY: IdentityTruth = {
  single: 'role',
  looksInside: false,
  arrays: 'never',
  rulesCustomIn: 'denied',
  rulesCustomOut: 'denied',
  noMappingCustom: 'ignored',
  unset: 'rejected',
  customOut: 'denied',
}

/** The other choice for each thing that it leaves open. */
export const OPPOSITE_IDENTITY: IdentityTruth = {
  ...DOCUMENTED_IDENTITY,
  looksInside: true,
  arrays: 'any',
  rulesCustomOut: 'role',
  noMappingCustom: 'role-if-carried',
  unset: 'Deny',
}

export interface FakeAwsOptions extends Omit<FakeServiceOptions, 'otherwise' | 'intercept' | 'createKeys'> {
  readonly clock: () => number
  readonly truth?: Partial<IdentityTruth> | undefined
  /** Milliseconds until a new role can be assumed, and until IAM shows it. */
  readonly roleDelay?: number | undefined
  readonly roleShownAfter?: number | undefined
  /** Milliseconds until GetCredentialsForIdentity goes by new settings. */
  readonly settingsDelay?: number | undefined
  /** Milliseconds until GetIdentityPoolRoles gives them back. */
  readonly readDelay?: number | undefined
  /** Milliseconds until a new function is active. */
  readonly functionDelay?: number | undefined
  /** Whether pools call their triggers. */
  readonly callsTriggers?: boolean | undefined
  /** Called before each call of any service, with its number from 0. */
  readonly fault?: ((operation: string, index: number, input: Json) => Fault | undefined) | undefined
}

export interface FakeAws extends AsyncDisposable {
  readonly url: string
  readonly userPools: FakeService
  /** Every call that came in, of all services. */
  readonly calls: string[]
  /** Calls with their inputs, of all services but the user pools'. */
  readonly inputs: { readonly operation: string; readonly input: Json }[]
  /** Everything that exists, as `kind name`. */
  left(): readonly string[]
  /** Makes a role that no run made. */
  addRole(name: string, tags?: Readonly<Record<string, string>>): void
  /** The access keys and tokens that were handed out. */
  readonly secrets: string[]
}

interface Role {
  readonly name: string
  readonly arn: string
  readonly trust: Json
  readonly tags: Readonly<Record<string, string>>
  readonly createdAt: number
}

interface IdentityPool {
  readonly id: string
  readonly name: string
  readonly tags: Readonly<Record<string, string>>
  readonly providers: readonly { readonly ProviderName: string; readonly ClientId: string }[]
  readonly identities: Map<string, string>
  /** The newest last. */
  readonly settings: { readonly at: number; readonly roles: Json; readonly mappings: Json }[]
}

interface LambdaFunction {
  readonly name: string
  readonly arn: string
  readonly tags: Json
  readonly createdAt: number
  /** The ARNs that may call it. */
  readonly sources: string[]
}

class AwsError extends Error {
  constructor(
    override readonly name: string,
    message = '',
    readonly status = 400,
  ) {
    super(message)
  }
}

let sharedKeys: Promise<PoolKeys> | undefined

/** User pools, identity pools, IAM, STS and Lambda behind one address. */
export async function startFakeAws(options: FakeAwsOptions): Promise<FakeAws> {
  const { clock, roleDelay = 0, roleShownAfter = 0, settingsDelay = 0, readDelay = 0, functionDelay = 0 } = options
  const truth = { ...DOCUMENTED_IDENTITY, ...options.truth }
  const roles = new Map<string, Role>()
  const pools = new Map<string, IdentityPool>()
  const functions = new Map<string, LambdaFunction>()
  const keys = new Map<string, string>()
  const calls: string[] = []
  const inputs: FakeAws['inputs'] = []
  const secrets: string[] = []
  const region = options.region ?? 'eu-west-1'

  const meet = (operation: string, input: Json): Fault | undefined => {
    calls.push(operation)
    return options.fault?.(operation, calls.length - 1, input)
  }

  const service: FakeService = await startFakeService({
    ...options,
    region,
    createKeys: () => (sharedKeys ??= createPoolKeys()),
    intercept: meet,
    otherwise: request => otherwise(request),
  })

  async function otherwise(request: OtherRequest): Promise<Reply | undefined> {
    const call = readCall(request)
    if (call === undefined) return undefined
    const { operation, input, wire } = call
    const fault = meet(operation, input)
    inputs.push({ operation, input })
    if (fault === 'drop') throw new Error('dropped')
    if (fault === 'hang') return new Promise(() => {})
    if (typeof fault === 'object')
      return 'body' in fault
        ? { status: fault.status ?? 200, body: fault.body }
        : failed(wire, new AwsError(fault.error, fault.message, fault.status))
    try {
      const output = await perform(operation, input, request)
      if (fault === 'lose-response') throw new Error('lost')
      return answered(wire, operation, output)
    } catch (error) {
      if (error instanceof AwsError) return failed(wire, error)
      throw error
    }
  }

  const roleNamed = (name: string): Role => {
    const role = roles.get(name)
    if (role === undefined || clock() < role.createdAt + roleShownAfter)
      throw new AwsError('NoSuchEntity', `The role with name ${name} cannot be found.`, 404)
    return role
  }
  const poolOf = (id: unknown): IdentityPool => {
    const pool = pools.get(String(id))
    if (pool === undefined) throw new AwsError('ResourceNotFoundException', `IdentityPool '${String(id)}' not found.`)
    return pool
  }
  const functionOf = (name: unknown): LambdaFunction => {
    const found = [...functions.values()].find(one => one.name === name || one.arn === name)
    if (found === undefined) throw new AwsError('ResourceNotFoundException', `Function not found: ${String(name)}`, 404)
    return found
  }
  const isAssumable = (arn: unknown, principal: readonly [string, string], condition?: readonly [string, string]) => {
    const role = [...roles.values()].find(one => one.arn === arn)
    if (role === undefined || clock() < role.createdAt + roleDelay) return false
    return (role.trust['Statement'] as readonly Json[]).some(statement => {
      const audiences = (statement['Condition'] as Json | undefined)?.['StringEquals'] as Json | undefined
      return (
        (statement['Principal'] as Json)[principal[0]] === principal[1] &&
        (condition === undefined || audiences?.[condition[0]] === condition[1])
      )
    })
  }

  async function perform(operation: string, input: Json, request: OtherRequest): Promise<Json> {
    switch (operation) {
      case 'CreateIdentityPool': {
        const id = `${region}:${randomUUID()}`
        pools.set(id, {
          id,
          name: String(input['IdentityPoolName']),
          tags: input['IdentityPoolTags'] as Record<string, string>,
          providers: input['CognitoIdentityProviders'] as IdentityPool['providers'],
          identities: new Map(),
          settings: [],
        })
        return { IdentityPoolId: id, IdentityPoolName: input['IdentityPoolName'] }
      }
      case 'DescribeIdentityPool': {
        const { id, name, tags, providers } = poolOf(input['IdentityPoolId'])
        return {
          IdentityPoolId: id,
          IdentityPoolName: name,
          IdentityPoolTags: tags,
          CognitoIdentityProviders: providers,
          AllowUnauthenticatedIdentities: false,
        }
      }
      case 'ListIdentityPools':
        return {
          IdentityPools: [...pools.values()].map(({ id, name }) => ({ IdentityPoolId: id, IdentityPoolName: name })),
        }
      case 'DeleteIdentityPool':
        pools.delete(poolOf(input['IdentityPoolId']).id)
        return {}
      case 'SetIdentityPoolRoles': {
        const pool = poolOf(input['IdentityPoolId'])
        const mappings = (input['RoleMappings'] ?? {}) as Record<string, Json>
        const isUnset = Object.values(mappings).some(one => one['AmbiguousRoleResolution'] === undefined)
        if (isUnset && truth.unset === 'rejected')
          throw new AwsError('InvalidParameterException', 'AmbiguousRoleResolution is required for Token and Rules.')
        pool.settings.push({ at: clock(), roles: input['Roles'] as Json, mappings })
        return {}
      }
      case 'GetIdentityPoolRoles': {
        const pool = poolOf(input['IdentityPoolId'])
        const shown = settingsOf(pool, readDelay)
        return { IdentityPoolId: pool.id, Roles: shown.roles, RoleMappings: shown.mappings }
      }
      case 'GetId': {
        const pool = poolOf(input['IdentityPoolId'])
        const claims = await signedIn(pool, input['Logins'])
        const known = [...pool.identities].find(([, sub]) => sub === claims['sub'])?.[0]
        const id = known ?? `${region}:${randomUUID()}`
        pool.identities.set(id, String(claims['sub']))
        return { IdentityId: id }
      }
      case 'GetCredentialsForIdentity': {
        const pool = [...pools.values()].find(one => one.identities.has(String(input['IdentityId'])))
        if (pool === undefined) throw new AwsError('ResourceNotFoundException', 'Identity not found.')
        const claims = await signedIn(pool, input['Logins'])
        const arn = selectedRole(pool, claims, input['CustomRoleArn'])
        const aud = ['cognito-identity.amazonaws.com:aud', pool.id] as const
        if (arn === undefined || !isAssumable(arn, ['Federated', 'cognito-identity.amazonaws.com'], aud))
          throw new AwsError('InvalidIdentityPoolConfigurationException', 'Invalid identity pool configuration.')
        const AccessKeyId = `ASIA${keys.size + 1}FAKE`
        keys.set(AccessKeyId, String(arn))
        const credentials = { AccessKeyId, SecretKey: randomUUID(), SessionToken: `session-${randomUUID()}` }
        secrets.push(...Object.values(credentials))
        return { IdentityId: input['IdentityId'], Credentials: { ...credentials, Expiration: clock() / 1_000 + 3_600 } }
      }
      case 'GetCallerIdentity': {
        const [, key = ''] = /Credential=([^/]+)\//.exec(String(request.headers.authorization)) ?? []
        const arn = keys.get(key)
        const Arn =
          arn === undefined
            ? `arn:aws:iam::${ACCOUNT}:user/tester`
            : `arn:aws:sts::${ACCOUNT}:assumed-role/${arn.slice(arn.lastIndexOf('/') + 1)}/CognitoIdentityCredentials`
        return { Arn, UserId: 'AIDAEXAMPLE', Account: ACCOUNT }
      }
      case 'CreateRole': {
        const name = String(input['RoleName'])
        if (roles.has(name)) throw new AwsError('EntityAlreadyExists', `Role with name ${name} already exists.`, 409)
        return { Role: shownRole(addRole(name, input['Tags'] as never, String(input['AssumeRolePolicyDocument']))) }
      }
      case 'GetRole':
        return { Role: shownRole(roleNamed(String(input['RoleName']))) }
      case 'DeleteRole':
        roles.delete(roleNamed(String(input['RoleName'])).name)
        return {}
      case 'CreateFunction': {
        const name = String(input['FunctionName'])
        const { ZipFile } = input['Code'] as { readonly ZipFile: string }
        if (!isAssumable(input['Role'], ['Service', 'lambda.amazonaws.com']))
          throw new AwsError(
            'InvalidParameterValueException',
            'The role defined for the function cannot be assumed by Lambda.',
          )
        const arn = `arn:aws:lambda:${region}:${ACCOUNT}:function:${name}`
        const created = { name, arn, tags: input['Tags'] as Json, createdAt: clock(), sources: [] as string[] }
        functions.set(name, created)
        const handler = await loadHandler(Buffer.from(ZipFile, 'base64'), String(input['Handler']))
        service.functions.set(arn, event => {
          const pool = service.state.pools.get(event.userPoolId)!
          if (!created.sources.includes(pool.arn)) throw new Error('AccessDeniedException')
          return options.callsTriggers === false ? event : handler(event)
        })
        return { FunctionName: name, FunctionArn: arn, State: 'Pending' }
      }
      case 'GetFunction': {
        const { name, arn, tags, createdAt } = functionOf(input['FunctionName'])
        const State = clock() < createdAt + functionDelay ? 'Pending' : 'Active'
        return { Configuration: { FunctionName: name, FunctionArn: arn, State }, Tags: tags }
      }
      case 'AddPermission': {
        const { sources } = functionOf(input['FunctionName'])
        const source = String(input['SourceArn'])
        if (sources.includes(source)) throw new AwsError('ResourceConflictException', 'The statement exists.', 409)
        sources.push(source)
        return { Statement: '{}' }
      }
      case 'DeleteFunction': {
        const { name, arn } = functionOf(input['FunctionName'])
        functions.delete(name)
        service.functions.delete(arn)
        return {}
      }
      default:
        throw new AwsError('UnknownOperationException', operation)
    }
  }

  function addRole(name: string, tags: Readonly<Record<string, string>> = {}, trust = '{"Statement":[]}'): Role {
    const arn = `arn:aws:iam::${ACCOUNT}:role/${name}`
    const role = { name, arn, trust: JSON.parse(trust) as Json, tags, createdAt: clock() }
    roles.set(name, role)
    return role
  }

  function shownRole({ name, arn, trust, tags }: Role): Json {
    return {
      Path: '/',
      RoleName: name,
      RoleId: 'AROAEXAMPLE',
      Arn: arn,
      CreateDate: new Date(clock()).toISOString(),
      AssumeRolePolicyDocument: encodeURIComponent(JSON.stringify(trust)),
      Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    }
  }

  function settingsOf(
    { settings }: IdentityPool,
    delay: number,
  ): Pick<IdentityPool['settings'][number], 'roles' | 'mappings'> {
    return settings.findLast(({ at }) => at + delay <= clock()) ?? { roles: {}, mappings: {} }
  }

  async function signedIn(pool: IdentityPool, logins: unknown): Promise<Json> {
    const [[provider, token] = ['', '']] = Object.entries(logins as Readonly<Record<string, string>>)
    const issuer = pool.providers.find(one => one.ProviderName === provider)
    const userPool = service.state.pools.get(provider.slice(provider.lastIndexOf('/') + 1))
    if (issuer === undefined || userPool === undefined)
      throw new AwsError('NotAuthorizedException', 'Token is not from a supported provider of this identity pool.')
    try {
      const { id } = await userPool.keys()
      const { payload } = await jwtVerify(token, id.publicKey, {
        audience: issuer.ClientId,
        currentDate: new Date(clock()),
      })
      if (payload['token_use'] !== 'id') throw new Error('not an ID token')
      return payload
    } catch {
      throw new AwsError('NotAuthorizedException', 'Invalid login token.')
    }
  }

  /** Undefined: the authenticated role, and there is none. */
  function selectedRole(pool: IdentityPool, claims: Json, custom: unknown): unknown {
    const { roles: defaults, mappings } = settingsOf(pool, settingsDelay)
    const [provider] = pool.providers
    const mapping = mappings[`${provider!.ProviderName}:${provider!.ClientId}`] as Json | undefined
    const authenticated = defaults['authenticated']
    const carried = (claims['cognito:roles'] ?? []) as readonly unknown[]
    const isCarried = carried.includes(custom)
    if (mapping === undefined) {
      if (custom === undefined || truth.noMappingCustom === 'ignored') return authenticated
      return isCarried && truth.noMappingCustom === 'role-if-carried' ? custom : deny()
    }
    const fallback = () => {
      const resolution = mapping['AmbiguousRoleResolution'] ?? truth.unset
      return resolution === 'AuthenticatedRole' ? authenticated : deny()
    }
    if (mapping['Type'] === 'Token') {
      if (custom !== undefined) return isCarried ? custom : truth.customOut === 'denied' ? deny() : fallback()
      const preferred = claims['cognito:preferred_role']
      if (preferred !== undefined) return preferred
      return carried.length === 1 && truth.single === 'role' ? carried[0] : fallback()
    }
    const rules = (mapping['RulesConfiguration'] as Json)['Rules'] as readonly Json[]
    const found = rules.find(rule => matches(rule, claims[String(rule['Claim'])]))
    const byRules = () => found?.['RoleARN'] ?? fallback()
    if (custom === undefined) return byRules()
    const choice = isCarried ? truth.rulesCustomIn : truth.rulesCustomOut
    if (choice === 'denied') throw new AwsError('InvalidParameterException', 'Invalid custom role.')
    const isOffered = rules.some(rule => rule['RoleARN'] === custom && matches(rule, claims[String(rule['Claim'])]))
    return choice === 'role' && isOffered ? custom : byRules()
  }

  function matches({ MatchType, Value }: Json, claim: unknown): boolean {
    if (claim === undefined) return false
    const value = String(Value)
    const compare = (text: string) => {
      if (MatchType === 'Equals') return text === value
      if (MatchType === 'NotEqual') return text !== value
      return MatchType === 'StartsWith' ? text.startsWith(value) : text.includes(value)
    }
    if (!Array.isArray(claim)) return compare(String(claim))
    const elements = claim as readonly string[]
    if (MatchType === 'Contains') return truth.looksInside ? elements.some(compare) : elements.includes(value)
    if (truth.arrays === 'never' || (truth.arrays === 'sole' && elements.length > 1)) return false
    return MatchType === 'NotEqual' ? elements.every(compare) : elements.some(compare)
  }

  return {
    url: service.url,
    userPools: service,
    calls,
    inputs,
    secrets,
    addRole: (name, tags) => void addRole(name, tags),
    left: () => [
      ...service.left().userPools.map(id => `user-pool ${id}`),
      ...[...pools.keys()].map(id => `identity-pool ${id}`),
      ...[...roles.keys()].map(name => `role ${name}`),
      ...[...functions.keys()].map(name => `function ${name}`),
    ],
    [Symbol.asyncDispose]: () => service.close(),
  }
}

function deny(): never {
  throw new AwsError('NotAuthorizedException', 'The ambiguous role mapping rules for: provider denied this request.')
}

/** The function as Lambda loads it: unzipped and imported. */
export async function loadHandler(zip: Uint8Array, handler: string): Promise<PreTokenHandler> {
  const [file = '', name = ''] = handler.split('.')
  const source = unzipSync(zip)[`${file}.mjs`]
  const loaded = (await import(
    /* @vite-ignore */ `data:text/javascript;base64,${Buffer.from(source!).toString('base64')}`
  )) as Record<string, PreTokenHandler>
  return loaded[name]!
}

type Wire = 'json' | 'query' | 'rest'

interface Call {
  readonly operation: string
  readonly input: Json
  readonly wire: Wire
}

const FUNCTIONS = '/2015-03-31/functions'

function readCall({ method, path, headers, body }: OtherRequest): Call | undefined {
  const [, target] = /^AWSCognitoIdentityService\.(\w+)$/.exec(String(headers['x-amz-target'])) ?? []
  if (target !== undefined) return { operation: target, input: JSON.parse(body) as Json, wire: 'json' }
  if (path.startsWith(FUNCTIONS)) {
    const [name = '', part] = path
      .slice(FUNCTIONS.length + 1)
      .split('?')[0]!
      .split('/')
    const operation = part === 'policy' ? 'AddPermission' : `${REST[method]}Function`
    const given = body === '' ? {} : (JSON.parse(body) as Json)
    return {
      operation,
      input: { ...(name !== '' && { FunctionName: decodeURIComponent(name) }), ...given },
      wire: 'rest',
    }
  }
  const form = new URLSearchParams(body)
  const action = form.get('Action')
  return method === 'POST' && action !== null ? { operation: action, input: fromForm(form), wire: 'query' } : undefined
}

const REST: Readonly<Record<string, string>> = { POST: 'Create', GET: 'Get', DELETE: 'Delete' }

function fromForm(form: URLSearchParams): Json {
  const tags: Record<string, string> = {}
  for (const [name, value] of form) {
    const [, index] = /^Tags\.member\.(\d+)\.Key$/.exec(name) ?? []
    if (index !== undefined) tags[value] = form.get(`Tags.member.${index}.Value`) ?? ''
  }
  return { ...Object.fromEntries(form), Tags: tags }
}

function answered(wire: Wire, operation: string, output: Json): Reply {
  if (wire === 'query') {
    const body = `<${operation}Response><${operation}Result>${xml(output)}</${operation}Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></${operation}Response>`
    return { status: 200, body, headers: { 'content-type': 'text/xml' } }
  }
  const type = wire === 'json' ? 'application/x-amz-json-1.1' : 'application/json'
  return { status: 200, body: JSON.stringify(output), headers: { 'content-type': type } }
}

function failed(wire: Wire, { name, message, status }: AwsError): Reply {
  if (wire === 'query') {
    const body = `<ErrorResponse><Error><Type>Sender</Type><Code>${name}</Code><Message>${message}</Message></Error><RequestId>r</RequestId></ErrorResponse>`
    return { status, body, headers: { 'content-type': 'text/xml' } }
  }
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-errortype': name }
  return { status, body: JSON.stringify({ __type: name, message }), headers }
}

function xml(value: unknown): string {
  if (Array.isArray(value)) return value.map(one => `<member>${xml(one)}</member>`).join('')
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.entries(value)
    .map(([name, part]) => `<${name}>${xml(part)}</${name}>`)
    .join('')
}
