import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import {
  admission,
  type CognitoEndpoint,
  type CognitoEndpointOptions,
  type Quota,
  startCognitoEndpoint,
} from './cognito-endpoint.js'

/** An account in a Region. `disabled`: the account has not enabled the Region. */
export type SimulatedRegion = RegionOptions | 'disabled'

export interface RegionOptions {
  /** In the order of ListUserPools. */
  readonly userPools?: readonly (CognitoEndpointOptions & { readonly name?: string })[]
  /** What DescribeIdentityPool and GetIdentityPoolRoles answer, by identity pool id. */
  readonly identityPools?: Readonly<Record<string, SimulatedIdentityPool>>
  /** Of the account in the Region: of all pools together. */
  readonly quota?: Quota
}

export interface SimulatedIdentityPool {
  readonly name?: string
  /** The app clients of user pools, by the name of the provider. */
  readonly providers: readonly { readonly ProviderName: string; readonly ClientId: string }[]
  /** `Roles` and `RoleMappings`. */
  readonly roles?: object
}

export interface AccountEndpointOptions {
  /** Regions by account. */
  readonly accounts: Readonly<Record<string, Readonly<Record<string, SimulatedRegion>>>>
  /** Accounts by access key. */
  readonly keys: Readonly<Record<string, string>>
  /** By the ARN of the role: who may assume it, and with which external id. */
  readonly roles?: Readonly<Record<string, { readonly from: string; readonly externalId?: string }>>
  /** Items of a page of ListUserPools and ListIdentityPools. Default 60. */
  readonly pageSize?: number
  /** Milliseconds before each answer. Default 0. */
  readonly latency?: number
  /** Seconds for which assumed credentials are good. Default an hour. */
  readonly sessionSeconds?: number
  /** Answers what is asked of user pools where none are simulated: an emulator, for example. */
  readonly otherwise?: string
}

export interface AccountEndpoint extends AsyncDisposable {
  readonly url: string
  /** The endpoint of each pool, for its faults and its users. */
  readonly pools: ReadonlyMap<string, CognitoEndpoint>
  /** Each request that came in. */
  readonly requests: AccountRequest[]
  /** From now on, matching requests fail with this. Returns its undo. */
  fail(error: AccountFault): () => void
}

export interface AccountFault {
  readonly operation: string
  readonly account?: string
  readonly region?: string
  readonly identityPoolId?: string
  readonly error: string
  readonly message?: string
  /** How many matching requests meet it. Default: all. */
  readonly times?: number
}

export interface AccountRequest {
  readonly operation: string
  readonly account: string | undefined
  readonly region: string
  readonly userPoolId?: string
  readonly identityPoolId?: string
  readonly throttled?: true
  readonly at: number
}

type Json = Record<string, unknown>

/**
 * User pools, identity pools and STS of several accounts and Regions behind one address. The access key of a request says
 * the account, and its credential scope the Region, as with AWS.
 */
export async function startAccountEndpoint(options: AccountEndpointOptions): Promise<AccountEndpoint> {
  const { pageSize = 60, latency = 0 } = options
  const pools = new Map<string, CognitoEndpoint>()
  const admissions = new Map<string, ReturnType<typeof admission>>()
  for (const [account, regions] of Object.entries(options.accounts)) {
    for (const [region, settings] of Object.entries(regions)) {
      if (settings === 'disabled') continue
      admissions.set(`${account} ${region}`, admission(settings.quota))
      for (const pool of settings.userPools ?? []) pools.set(pool.userPoolId, await startCognitoEndpoint(pool))
    }
  }
  const keys = new Map(Object.entries(options.keys))
  const requests: AccountRequest[] = []
  const faults: (AccountFault & { left: number })[] = []
  let sessions = 0

  function sts(input: URLSearchParams, account: string): Reply {
    const action = input.get('Action')
    if (action === 'GetCallerIdentity')
      return xml(
        action,
        `<Arn>arn:aws:iam::${account}:user/auditor</Arn><UserId>AIDAEXAMPLE</UserId><Account>${account}</Account>`,
      )
    const roleArn = input.get('RoleArn') ?? ''
    const role = options.roles?.[roleArn]
    if (
      action !== 'AssumeRole' ||
      role === undefined ||
      role.from !== account ||
      role.externalId !== (input.get('ExternalId') ?? undefined)
    )
      return xmlError(
        'AccessDenied',
        `User: arn:aws:iam::${account}:user/auditor is not authorized to perform: sts:AssumeRole`,
      )
    const key = `ASIASESSION${++sessions}`
    keys.set(key, roleArn.split(':')[4]!)
    const expiration = new Date(Date.now() + (options.sessionSeconds ?? 3_600) * 1_000).toISOString()
    return xml(
      action,
      `<AssumedRoleUser><AssumedRoleId>ARO:x</AssumedRoleId><Arn>${roleArn}</Arn></AssumedRoleUser><Credentials>` +
        `<AccessKeyId>${key}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>` +
        `<Expiration>${expiration}</Expiration></Credentials>`,
    )
  }

  async function answer(req: IncomingMessage, body: string, res: ServerResponse): Promise<Reply | undefined> {
    const [, key = '', region = '', service = ''] =
      /Credential=([^/]+)\/\d+\/([^/]+)\/([^/]+)\//.exec(String(req.headers.authorization)) ?? []
    const account = keys.get(key)
    const form = service === 'sts' ? new URLSearchParams(body) : undefined
    const [, target = ''] = /\.(\w+)$/.exec(String(req.headers['x-amz-target'])) ?? []
    const operation = form?.get('Action') ?? target
    const input = (form === undefined ? JSON.parse(body || '{}') : {}) as Json
    const admitted = admissions.get(`${account} ${region}`)?.(operation, performance.now()) ?? true
    requests.push({
      operation,
      account,
      region,
      ...(typeof input.UserPoolId === 'string' && { userPoolId: input.UserPoolId }),
      ...(typeof input.IdentityPoolId === 'string' && { identityPoolId: input.IdentityPoolId }),
      ...(!admitted && { throttled: true as const }),
      at: performance.now(),
    })
    if (latency > 0) await wait(latency)
    const fault = faults.find(
      one =>
        one.left > 0 &&
        one.operation === operation &&
        (one.account ?? account) === account &&
        (one.region ?? region) === region &&
        (one.identityPoolId ?? input.IdentityPoolId) === input.IdentityPoolId,
    )
    const fails = form === undefined ? jsonError : xmlError
    if (fault !== undefined) {
      fault.left--
      return fails(fault.error, fault.message ?? '')
    }
    const found = account === undefined ? undefined : options.accounts[account]?.[region]
    if (account === undefined || found === 'disabled')
      return form === undefined
        ? jsonError('UnrecognizedClientException', 'The security token included in the request is invalid.')
        : xmlError('InvalidClientTokenId', 'The security token included in the request is invalid.')
    if (!admitted) return jsonError('TooManyRequestsException', 'Rate exceeded')
    if (form !== undefined) return sts(form, account)
    const settings = found ?? {}
    if (operation === 'ListUserPools' && settings.userPools === undefined && options.otherwise !== undefined)
      return forward(options.otherwise, req, body, res)
    if (operation === 'ListUserPools')
      return page(
        'UserPools',
        (settings.userPools ?? []).map(({ userPoolId, name = `pool ${userPoolId}` }) => ({
          Id: userPoolId,
          Name: name,
        })),
        input,
      )
    if (operation === 'ListIdentityPools')
      return page(
        'IdentityPools',
        Object.entries(settings.identityPools ?? {}).map(([id, { name = 'identities' }]) => ({
          IdentityPoolId: id,
          IdentityPoolName: name,
        })),
        input,
      )
    if (operation === 'DescribeIdentityPool' || operation === 'GetIdentityPoolRoles') {
      const id = String(input.IdentityPoolId)
      const pool = settings.identityPools?.[id]
      if (pool === undefined) return jsonError('ResourceNotFoundException', `IdentityPool '${id}' not found.`)
      return operation === 'DescribeIdentityPool'
        ? json({
            IdentityPoolId: id,
            IdentityPoolName: pool.name ?? 'identities',
            AllowUnauthenticatedIdentities: false,
            CognitoIdentityProviders: pool.providers,
          })
        : json({ IdentityPoolId: id, ...pool.roles })
    }
    const isOwn = settings.userPools?.some(({ userPoolId }) => userPoolId === input.UserPoolId) === true
    const url = isOwn ? pools.get(String(input.UserPoolId))!.url : options.otherwise
    if (url === undefined) return jsonError('ResourceNotFoundException', 'User pool does not exist.')
    return forward(url, req, body, res)
  }

  /** The first item of a page is its token. */
  function page(name: string, items: readonly Json[], { MaxResults: most, NextToken: token }: Json): Reply {
    const start = token === undefined ? 0 : Number(token)
    const end = start + Math.min(Number(most), pageSize)
    return json({ [name]: items.slice(start, end), ...(end < items.length && { NextToken: String(end) }) })
  }

  const server = createServer(async (req, res) => {
    const reply = await answer(req, await text(req), res)
    if (reply !== undefined) res.writeHead(reply.status, { 'content-type': reply.type }).end(reply.body)
  })
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pools,
    requests,
    fail(fault) {
      const entry = { ...fault, left: fault.times ?? Infinity }
      faults.push(entry)
      return () => void (entry.left = 0)
    },
    async [Symbol.asyncDispose]() {
      await new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
      for (const pool of pools.values()) await pool.close()
    },
  }
}

interface Reply {
  readonly status: number
  readonly body: string
  readonly type: string
}

/** What the endpoint of a pool answers; a connection that it breaks is broken here, too. */
async function forward(
  url: string,
  req: IncomingMessage,
  body: string,
  res: ServerResponse,
): Promise<Reply | undefined> {
  const headers = {
    'content-type': String(req.headers['content-type']),
    'x-amz-target': String(req.headers['x-amz-target']),
  }
  const left = new AbortController()
  res.once('close', () => left.abort())
  try {
    const answered = await fetch(url, { method: 'POST', headers, body, signal: left.signal })
    return {
      status: answered.status,
      body: await answered.text(),
      type: answered.headers.get('content-type') ?? AWS_JSON,
    }
  } catch {
    res.destroy()
    return undefined
  }
}

const AWS_JSON = 'application/x-amz-json-1.1'
const json = (value: Json, status = 200): Reply => ({ status, body: JSON.stringify(value), type: AWS_JSON })
const jsonError = (name: string, message: string): Reply => json({ __type: name, message }, 400)
const xml = (action: string, result: string): Reply => ({
  status: 200,
  type: 'text/xml',
  body: `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result>${result}</${action}Result></${action}Response>`,
})
const xmlError = (code: string, message: string): Reply => ({
  status: 403,
  type: 'text/xml',
  body: `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
})
