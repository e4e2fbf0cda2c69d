import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'

export interface SimulatedRole {
  /** Default: without a path, in the endpoint's account. */
  readonly arn?: string
  readonly trustPolicy: unknown
  readonly boundary?: string
  /** Attached policies: their documents, by ARN, or null where IAM has none. */
  readonly attached?: Readonly<Record<string, unknown>>
  /** Inline policies: their documents, by name. */
  readonly inline?: Readonly<Record<string, unknown>>
}

export interface IamEndpoint extends AsyncDisposable {
  readonly url: string
  /** By name, in any case. Change it at any time. */
  readonly roles: Map<string, SimulatedRole>
  /** Each HTTP request that came in, the SDK's retries included. */
  readonly requests: { readonly action: string; readonly subject: string; readonly authorization: string }[]
  /** The highest number of requests that were there at once. */
  atOnce(): number
  /** From now on, requests for which it says a fault meet it. */
  fail(fault: (action: string, subject: string) => IamFault | undefined): void
  close(): Promise<void>
}

export type IamFault =
  | { readonly error: string; readonly message?: string; readonly status?: number }
  | { readonly body: string; readonly status?: number }
  /** No answer, ever; or a connection that breaks before one. */
  | 'hang'
  | 'drop'

export const IAM_ACCOUNT = '111122223333'

/** IAM's and STS's wire format (the query protocol, with XML) over HTTP on a free local port. */
export async function startIamEndpoint({
  pageSize = 100,
  account = IAM_ACCOUNT,
  latency = 0,
} = {}): Promise<IamEndpoint> {
  const roles = new Map<string, SimulatedRole>()
  const requests: IamEndpoint['requests'] = []
  let faultOf: (action: string, subject: string) => IamFault | undefined = () => undefined
  let [present, most] = [0, 0]

  const arnOf = (name: string, { arn }: SimulatedRole) => arn ?? `arn:aws:iam::${account}:role/${name}`
  const named = (name: string) =>
    [...roles].find(([known]) => known.toLowerCase() === name.toLowerCase()) ?? missing(`The role with name ${name}`)
  const policy = (arn: string) => {
    const document = [...roles.values()].map(({ attached = {} }) => attached[arn]).find(one => one !== undefined)
    return document ?? missing(`Policy ${arn}`)
  }
  const paged = (items: readonly string[], marker: string | null) => {
    const from = Number(marker ?? 0)
    const more = from + pageSize < items.length
    const next = more ? `<Marker>${from + pageSize}</Marker>` : ''
    return { page: items.slice(from, from + pageSize).join(''), end: `<IsTruncated>${more}</IsTruncated>${next}` }
  }

  function answer(action: string, input: URLSearchParams): string {
    const given = (name: string) => input.get(name) ?? ''
    switch (action) {
      case 'GetCallerIdentity':
        return `<Arn>arn:aws:iam::${account}:user/auditor</Arn><UserId>AIDAEXAMPLE</UserId><Account>${account}</Account>`
      case 'GetRole': {
        const [name, role] = named(given('RoleName'))
        const boundary =
          role.boundary === undefined
            ? ''
            : `<PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType><PermissionsBoundaryArn>${role.boundary}</PermissionsBoundaryArn></PermissionsBoundary>`
        return `<Role><Path>/</Path><RoleName>${name}</RoleName><RoleId>AROAEXAMPLE</RoleId><Arn>${arnOf(name, role)}</Arn><CreateDate>2026-01-02T03:04:05Z</CreateDate><AssumeRolePolicyDocument>${encoded(role.trustPolicy)}</AssumeRolePolicyDocument>${boundary}</Role>`
      }
      case 'ListAttachedRolePolicies': {
        const [, { attached = {} }] = named(given('RoleName'))
        const items = Object.keys(attached).map(
          arn => `<member><PolicyName>${nameOf(arn)}</PolicyName><PolicyArn>${arn}</PolicyArn></member>`,
        )
        const { page, end } = paged(items, input.get('Marker'))
        return `<AttachedPolicies>${page}</AttachedPolicies>${end}`
      }
      case 'ListRolePolicies': {
        const [, { inline = {} }] = named(given('RoleName'))
        const { page, end } = paged(
          Object.keys(inline).map(name => `<member>${name}</member>`),
          input.get('Marker'),
        )
        return `<PolicyNames>${page}</PolicyNames>${end}`
      }
      case 'GetRolePolicy': {
        const [name, { inline = {} }] = named(given('RoleName'))
        const document = inline[given('PolicyName')] ?? missing(`The role policy with name ${given('PolicyName')}`)
        return `<RoleName>${name}</RoleName><PolicyName>${given('PolicyName')}</PolicyName><PolicyDocument>${encoded(document)}</PolicyDocument>`
      }
      case 'GetPolicy': {
        const arn = given('PolicyArn')
        policy(arn)
        return `<Policy><PolicyName>${nameOf(arn)}</PolicyName><Arn>${arn}</Arn><DefaultVersionId>v3</DefaultVersionId></Policy>`
      }
      case 'GetPolicyVersion': {
        const document = encoded(policy(given('PolicyArn')))
        return `<PolicyVersion><Document>${document}</Document><VersionId>${given('VersionId')}</VersionId><IsDefaultVersion>true</IsDefaultVersion></PolicyVersion>`
      }
      default:
        throw new ApiError('InvalidAction', action, 400)
    }
  }

  const server = createServer(async (req, res) => {
    most = Math.max(most, ++present)
    res.once('close', () => present--)
    const input = new URLSearchParams(await text(req).catch(() => ''))
    const [action, subject] = [input.get('Action') ?? '', input.get('RoleName') ?? input.get('PolicyArn') ?? '']
    requests.push({ action, subject, authorization: String(req.headers.authorization) })
    if (latency > 0) await wait(latency)
    const send = (status: number, body: string) => res.writeHead(status, { 'content-type': 'text/xml' }).end(body)
    const sendError = ({ code, message, status }: ApiError) =>
      send(
        status,
        `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
      )
    const fault = faultOf(action, subject)
    if (fault === 'hang') return
    if (fault === 'drop') return void res.destroy()
    if (fault !== undefined && 'body' in fault) return send(fault.status ?? 200, fault.body)
    if (fault !== undefined) return sendError(new ApiError(fault.error, fault.message ?? '', fault.status ?? 400))
    try {
      const result = answer(action, input)
      return send(
        200,
        `<${action}Response><${action}Result>${result}</${action}Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></${action}Response>`,
      )
    } catch (error) {
      return sendError(error instanceof ApiError ? error : new ApiError('ServiceFailure', String(error), 500))
    }
  })
  // No race between the SDK's next request and the end of an idle connection.
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))

  const close = () =>
    new Promise<void>(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    roles,
    requests,
    atOnce: () => most,
    fail: next => void (faultOf = next),
    close,
    [Symbol.asyncDispose]: close,
  }
}

class ApiError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status: number,
  ) {
    super(message)
  }
}

function missing(what: string): never {
  throw new ApiError('NoSuchEntity', `${what} cannot be found.`, 404)
}

/** As IAM does it, RFC 3986. A text stands for itself. */
function encoded(document: unknown): string {
  return encodeURIComponent(typeof document === 'string' ? document : JSON.stringify(document))
}

function nameOf(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1)
}

/** The environment in which the SDK's clients of IAM and STS come here, with credentials. Clients of other services do not. */
export function iamEnvironment({ url }: Pick<IamEndpoint, 'url'>): Readonly<Record<string, string>> {
  return { AWS_ENDPOINT_URL_IAM: url, AWS_ENDPOINT_URL_STS: url }
}
