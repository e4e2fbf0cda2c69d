import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface SeenRequest {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** How a request is answered: the number of the request is 1 for the first. */
export type Script = (response: ServerResponse, number: number) => void

/** An HTTP server on loopback that answers as the test says, also what no Cognito would. */
export interface ScriptedServer extends AsyncDisposable {
  readonly url: string
  script: Script
  /** Set `length = 0` to start afresh. */
  readonly requests: SeenRequest[]
  /** Connections that were made. */
  connections(): number
}

export async function startScriptedServer(script: Script = respond(200, {})): Promise<ScriptedServer> {
  const requests: SeenRequest[] = []
  let connections = 0
  const server = createServer(async (request, response) => {
    const { method, url: path, headers } = request
    const body = await text(request).catch(() => undefined)
    if (body === undefined) return
    requests.push({ method, path, headers, body })
    scripted.script(response, requests.length)
  }).on('connection', () => connections++)
  server.keepAliveTimeout = 0
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const scripted = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    script,
    requests,
    connections: () => connections,
    [Symbol.asyncDispose]: () =>
      new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return scripted
}

/** JSON, or a text as it is. */
export function respond(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Script {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  return response =>
    void response
      .writeHead(status, { 'content-type': 'application/x-amz-json-1.1', 'content-length': bytes.length, ...headers })
      .end(bytes)
}

export function exception(
  name: string,
  message = 'it says why',
  status = 400,
  headers?: Readonly<Record<string, string>>,
): Script {
  return respond(status, { __type: name, message }, headers)
}

/** The first scripts in turn, and the last for every request after them. */
export function inTurn(...scripts: readonly Script[]): Script {
  return (response, number) => scripts[Math.min(number, scripts.length) - 1]!(response, number)
}
