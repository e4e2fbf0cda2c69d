import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { CognitoIdentityClient, type CognitoIdentityClientConfig } from '@aws-sdk/client-cognito-identity'

export interface IdentityPoolEndpoint extends AsyncDisposable {
  readonly url: string
  /** What GetIdentityPoolRoles answers, by identity pool id. Change it at any time. */
  readonly pools: Map<string, object>
  /** Each HTTP request that came in, the SDK's retries included. */
  readonly requests: { readonly operation: string; readonly identityPoolId: unknown; readonly authorization: string }[]
  /** From now on, requests meet this fault. Undefined: no fault. */
  fail(fault: IdentityPoolFault | undefined): void
  close(): Promise<void>
}

export type IdentityPoolFault =
  | { readonly error: string; readonly message?: string; readonly status?: number }
  | { readonly body: string; readonly status?: number; readonly type?: string }
  /** No answer, ever; or a connection that breaks before one. */
  | 'hang'
  | 'drop'

const AWS_JSON = 'application/x-amz-json-1.1'

/** Identity pools' wire format (AWS JSON 1.1) over HTTP on a free local port: GetIdentityPoolRoles alone. */
export async function startIdentityPoolEndpoint(
  pools: Readonly<Record<string, object>> = {},
): Promise<IdentityPoolEndpoint> {
  const answers = new Map(Object.entries(pools))
  const requests: IdentityPoolEndpoint['requests'] = []
  let fault: IdentityPoolFault | undefined

  const server = createServer(async (req, res) => {
    const [, operation = ''] = /^AWSCognitoIdentityService\.(\w+)$/.exec(String(req.headers['x-amz-target'])) ?? []
    const { IdentityPoolId: identityPoolId } = await text(req)
      .then(JSON.parse)
      .catch(() => ({}))
    requests.push({ operation, identityPoolId, authorization: String(req.headers.authorization) })
    const send = (status: number, body: string, type = AWS_JSON) =>
      res.writeHead(status, { 'content-type': type }).end(body)
    const sendError = (name: string, message: string, status = 400) =>
      send(status, JSON.stringify({ __type: name, message }))
    if (fault === 'hang') return
    if (fault === 'drop') return void res.destroy()
    if (fault !== undefined)
      return 'body' in fault
        ? send(fault.status ?? 200, fault.body, fault.type)
        : sendError(fault.error, fault.message ?? '', fault.status)
    if (operation !== 'GetIdentityPoolRoles' || req.method !== 'POST' || req.headers['content-type'] !== AWS_JSON)
      return sendError('UnknownOperationException', '')
    const pool = answers.get(identityPoolId)
    return pool === undefined
      ? sendError('ResourceNotFoundException', `IdentityPool '${identityPoolId}' not found.`)
      : send(200, JSON.stringify(pool))
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
    pools: answers,
    requests,
    fail: next => void (fault = next),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A real SDK client of the endpoint, without retries. */
export function identityClient(
  { url }: Pick<IdentityPoolEndpoint, 'url'>,
  config: CognitoIdentityClientConfig = {},
): CognitoIdentityClient {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  return new CognitoIdentityClient({ endpoint: url, region: 'eu-west-1', credentials, maxAttempts: 1, ...config })
}
