import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { onAbort } from '../../abort.js'

export interface LightResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Undefined if it was longer than `MAX_RESPONSE`. */
  readonly body: string | undefined
}

export interface LightRequest {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Bytes of a response. A page of 60 groups whose every text has its maximum length has 0.9 of them. */
export const MAX_RESPONSE = 2 ** 20

/** Creates a function that posts a request. Connections are reused. Redirects are not followed, and no proxy is used. */
export function createConnections(): (
  request: LightRequest,
  signal: AbortSignal | undefined,
) => Promise<LightResponse> {
  const connections = new Map<boolean, Promise<(request: LightRequest) => ClientRequest>>()
  const connectionOf = (isPlain: boolean) => {
    const known = connections.get(isPlain)
    if (known !== undefined) return known
    const connection = loadHttp(isPlain).then(({ Agent, request }) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 50 })
      return ({ url, headers }: LightRequest) => request(url, { method: 'POST', headers, agent })
    })
    connections.set(isPlain, connection)
    return connection
  }
  return async (request, signal) => {
    const connect = await connectionOf(request.url.protocol === 'http:')
    signal?.throwIfAborted()
    return exchange(connect(request), request.body, signal)
  }
}

function exchange(request: ClientRequest, body: string, signal: AbortSignal | undefined): Promise<LightResponse> {
  return new Promise((resolve, reject) => {
    const leave = onAbort(signal, () => {
      reject(signal?.reason)
      request.destroy()
    })
    let isAnswered = false
    request.on('response', response => {
      isAnswered = true
      void read(response).then(resolve, reject)
    })
    request.on('error', reject)
    request.on('close', () => {
      leave()
      // Node closes a connection that switches protocols without an error.
      if (!isAnswered) reject(Object.assign(new Error('the connection ended'), { code: 'ECONNRESET' }))
    })
    request.end(body)
  })
}

async function read(response: IncomingMessage): Promise<LightResponse> {
  const { statusCode: status = 0, headers } = response
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length
    // Leaving the loop ends the connection.
    if (length > MAX_RESPONSE) return { status, headers, body: undefined }
    chunks.push(chunk)
  }
  return { status, headers, body: Buffer.concat(chunks).toString() }
}

type Http = Pick<typeof import('node:http'), 'Agent' | 'request'>

/** Only what the address needs: TLS is the larger part. */
function loadHttp(isPlain: boolean): Promise<Http> {
  return isPlain ? import('node:http') : (import('node:https') as Promise<Http>)
}
