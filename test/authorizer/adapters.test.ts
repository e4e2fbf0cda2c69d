import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import middy from '@middy/core'
import { type CanActivate, Controller, Post, Req } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import fastify from 'fastify'
import { Hono } from 'hono'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  createRoleGuard,
  type Decision,
  denialHeaders,
  type Denied,
  type DenyReason,
  type RoleGuard,
} from '../../src/authorizer/index.js'
import { createRoleResolver } from '../../src/cognito/index.js'
import { runExample } from './run-example.js'

// The sources, not the build.
vi.mock('rolecast/authorizer', async () => import('../../src/authorizer/index.js'))
vi.mock('rolecast/cognito', async () => import('../../src/cognito/index.js'))

const root = fileURLToPath(new URL('../..', import.meta.url))
const ROLE = 'arn:aws:iam::111122223333:role/Admin'
const POOL = 'eu-west-1_Ab12Cd34e'

/** A decision that is allowed, as a guard makes it. */
async function allowed(): Promise<Decision> {
  const table = new Map([['admins', { groupName: 'admins', precedence: 1, roleArn: ROLE }]])
  return createRoleGuard({
    resolver: createRoleResolver({ source: name => table.get(name), userPoolId: POOL }),
    verifier: () => ({ sub: 'jane', iss: `https://example.com/${POOL}`, 'cognito:groups': ['admins'] }),
    groupsOf: 'token',
    onStale: 'allow',
    allow: () => true,
  })('token')
}

const denied = (reason: DenyReason, status: Denied['status']): Denied => ({ allowed: false, reason, status })
const DENIALS = [
  denied('missing-token', 401),
  denied('expired', 401),
  denied('unverified', 401),
  denied('stale-token', 403),
  denied('not-allowed', 403),
  denied('invalid-event', 403),
  denied('keys-unavailable', 503),
  denied('resolver-failed', 503),
  denied('timeout', 503),
]

interface Response {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

/** An application with one route behind the adapter. */
interface App {
  /** POST with a body, and with the Authorization header. `signal` is that of a client that leaves. */
  ask(authorization?: string, signal?: AbortSignal): Promise<Response>
  /** The port, where the application has one. */
  readonly port?: number
  close(): Promise<unknown>
}

type Guard = RoleGuard<unknown>
/** `tell` is called with the role by the handler of the route: whatever it is behind must be allowed. */
type Start = (adapter: unknown, tell: (role: unknown) => void) => Promise<App>

const over = (port: number, close: () => Promise<unknown>): App => ({
  port,
  close,
  async ask(authorization, signal) {
    const headers = { 'content-type': 'application/json', ...(authorization !== undefined && { authorization }) }
    const init = { method: 'POST', headers, body: '{"name":"Rex"}', ...(signal && { signal }) }
    const response = await fetch(`http://127.0.0.1:${port}/`, init)
    return { status: response.status, headers: response.headers, body: await response.text() }
  },
})

interface ExpressApp {
  use(middleware: unknown): void
  post(path: string, handler: (request: unknown, response: ExpressResponse) => unknown): void
  listen(port: number, host: string): Server
}
interface ExpressResponse {
  readonly locals: { readonly role?: unknown }
  json(value: unknown): void
}

const startExpress: Start = async (adapter, tell) => {
  const express = createRequire(import.meta.url)('express') as (() => ExpressApp) & { json(): unknown }
  const app = express()
  app.use(adapter)
  app.use(express.json())
  app.post('/', (_request, response) => {
    tell(response.locals.role)
    response.json({ role: response.locals.role })
  })
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return over((server.address() as AddressInfo).port, async () => {
    server.closeAllConnections()
    await new Promise(done => server.close(done))
  })
}

const startFastify =
  (hook: 'onRequest' | 'preHandler'): Start =>
  async (adapter, tell) => {
    const app = fastify({ forceCloseConnections: true })
    app.decorateRequest('role', null)
    app.addHook(hook as 'onRequest', adapter as () => Promise<void>)
    app.post('/', async request => {
      const { role } = request as { readonly role?: unknown }
      tell(role ?? undefined)
      return { role }
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return over((app.server.address() as AddressInfo).port, async () => app.close())
  }

const startNest: Start = async (adapter, tell) => {
  class Pets {
    add(request: { readonly role?: unknown }) {
      tell(request.role)
      return { role: request.role }
    }
  }
  Controller()(Pets)
  Post()(Pets.prototype, 'add', Object.getOwnPropertyDescriptor(Pets.prototype, 'add')!)
  Req()(Pets.prototype, 'add', 0)
  const app = await NestFactory.create({ module: Pets, controllers: [Pets] }, { logger: false })
  app.useGlobalGuards(adapter as CanActivate)
  await app.listen(0, '127.0.0.1')
  const server = app.getHttpServer() as Server
  return over((server.address() as AddressInfo).port, async () => {
    server.closeAllConnections()
    await app.close()
  })
}

const startHono: Start = async (adapter, tell) => {
  const app = new Hono<{ Variables: { role: unknown } }>()
  app.onError((_error, c) => c.text('no', 500))
  app.use(adapter as Parameters<typeof app.use>[1])
  app.post('/', c => {
    tell(c.get('role'))
    return c.json({ role: c.get('role') })
  })
  return {
    close: async () => {},
    async ask(authorization, signal) {
      const headers = authorization === undefined ? {} : { authorization }
      const response = await app.request('/', { method: 'POST', headers, body: '{}', ...(signal && { signal }) })
      return { status: response.status, headers: response.headers, body: await response.text() }
    },
  }
}

interface LambdaResponse {
  readonly statusCode: number
  readonly headers?: Record<string, string>
  readonly body?: string
}

const startMiddy: Start = async (adapter, tell) => {
  const handler = middy<{ headers: object }, LambdaResponse>()
    .use(adapter as middy.MiddlewareObj)
    .handler(async (_event, context) => {
      const { role } = context as { readonly role?: unknown }
      tell(role)
      return { statusCode: 200, body: JSON.stringify({ role }) }
    })
  return {
    close: async () => {},
    async ask(authorization, signal) {
      // A client that leaves is not told to a function; its time is.
      const context = { getRemainingTimeInMillis: () => (signal === undefined ? 60_000 : 510) }
      const headers = { accept: '*/*', ...(authorization !== undefined && { AUTHORIZATION: authorization }) }
      const run = handler as unknown as (event: object, context: object) => Promise<LambdaResponse>
      // What a function throws becomes a 502 of an HTTP API, or a 500.
      const response = await run({ headers }, context).catch((): LambdaResponse => ({ statusCode: 500 }))
      return { status: response.statusCode, headers: new Headers(response.headers), body: response.body ?? '' }
    },
  }
}

const example = async (name: string): Promise<Record<string, (guard: unknown) => unknown>> =>
  import(new URL(`../../docs/examples/adapter-${name}.mjs`, import.meta.url).href)

const FRAMEWORKS: readonly (readonly [string, Start, () => Promise<(guard: unknown) => unknown>, () => unknown])[] = [
  // The last is a control: an adapter that does not ask.
  [
    'express',
    startExpress,
    async () => (await example('express'))['requireRole']!,
    () => (_request: unknown, _response: unknown, next: () => void) => next(),
  ],
  ['fastify', startFastify('onRequest'), async () => (await example('fastify'))['requireRole']!, () => async () => {}],
  ['nestjs', startNest, async () => (await example('nestjs'))['roleGuard']!, () => ({ canActivate: () => true })],
  [
    'hono',
    startHono,
    async () => (await example('hono'))['requireRole']!,
    () => (_c: unknown, next: () => Promise<void>) => next(),
  ],
  ['middy', startMiddy, async () => (await example('middy'))['requireRole']!, () => ({ before: () => {} })],
]

const apps: App[] = []
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close()
})

async function start(start_: Start, adapter: unknown): Promise<{ readonly app: App; readonly handled: unknown[] }> {
  const handled: unknown[] = []
  const app = await start_(adapter, role => handled.push(role))
  apps.push(app)
  return { app, handled }
}

/** What an adapter does wrong with the decisions of a guard. */
async function faultsOf(startApp: Start, adapterOf: (guard: Guard) => unknown): Promise<readonly string[]> {
  const faults: string[] = []
  let next: () => Promise<unknown>
  const { app, handled } = await start(startApp, adapterOf((async () => next()) as Guard))
  for (const denial of DENIALS) {
    next = async () => denial
    const { status, headers } = await app.ask('Bearer x')
    if (status !== denial.status) faults.push(`${denial.reason}: status ${status}`)
    for (const name of ['WWW-Authenticate', 'Retry-After'])
      if (headers.get(name) !== (denialHeaders(denial)[name] ?? null)) faults.push(`${denial.reason}: ${name}`)
    if (handled.splice(0).length > 0) faults.push(`${denial.reason}: handled`)
  }
  const broken: readonly [string, () => Promise<unknown>][] = [
    ['a guard that rejects', () => Promise.reject(new Error('no'))],
    [
      'a guard that throws',
      () => {
        throw new Error('no')
      },
    ],
    ['no decision', async () => undefined],
    ['a grant without a role', async () => ({ allowed: true })],
  ]
  for (const [what, decide] of broken) {
    next = decide
    const { status } = await app.ask('Bearer x')
    if (status < 500) faults.push(`${what}: status ${status}`)
    if (handled.splice(0).length > 0) faults.push(`${what}: handled`)
  }
  next = allowed
  const { status, body } = await app.ask('Bearer x')
  if (status >= 300 || (JSON.parse(body) as { role?: unknown }).role !== ROLE) faults.push(`allowed: status ${status}`)
  if (handled[0] !== ROLE || handled.length !== 1) faults.push('allowed: no role')
  return faults
}

describe.each(FRAMEWORKS)('the adapter of %s', (name, startApp, load, ignoring) => {
  it('responds with the status and the headers of a denial, runs the handler for a grant only, and gives it the role', async () => {
    expect(await faultsOf(startApp, await load())).toEqual([])
  })

  it('control: it is noticed when an adapter ignores the decision', async () => {
    const faults = await faultsOf(startApp, ignoring)
    for (const { reason } of DENIALS) expect(faults).toContain(`${reason}: handled`)
    expect(faults).toContain('a guard that rejects: handled')
    expect(faults).toContain('allowed: no role')
  })

  it('gives the guard the token of the header', async () => {
    const tokens: unknown[] = []
    const guard = async (token: unknown) => {
      tokens.push(token)
      return DENIALS[0]
    }
    const { app } = await start(startApp, (await load())(guard))
    for (const header of ['Bearer a.b.c', 'bearer a.b.c', 'a.b.c', 'Basic a.b.c', 'Bearer a, Bearer b', undefined])
      await app.ask(header)
    expect(tokens).toEqual(['a.b.c', 'a.b.c', 'a.b.c', undefined, undefined, undefined])
  })

  it('aborts the signal of the guard when the client leaves or the time is nearly up', async () => {
    const client = new AbortController()
    let aborted!: (value: boolean) => void
    const isAborted = new Promise<boolean>(resolve => {
      aborted = resolve
    })
    const guard = async (_token: unknown, { signal }: { readonly signal: AbortSignal }) => {
      setImmediate(() => client.abort())
      await new Promise<void>(resolve => {
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
      aborted(signal.aborted)
      return denied('timeout', 503)
    }
    const { app, handled } = await start(startApp, (await load())(guard))
    await app.ask('Bearer x', client.signal).catch(() => {})
    expect(await isAborted).toBe(true)
    expect(handled).toEqual([])
  })

  it('does not abort it before', async () => {
    const signals: AbortSignal[] = []
    const guard = async (_token: unknown, { signal }: { readonly signal: AbortSignal }) => {
      await new Promise(resolve => setTimeout(resolve, 20))
      expect(signal.aborted).toBe(false)
      signals.push(signal)
      return allowed()
    }
    const { app } = await start(startApp, (await load())(guard))
    expect((await app.ask('Bearer x')).status).toBeLessThan(300)
    expect(signals).toHaveLength(1)
  })

  it('is an example that runs', async () => {
    const lines = await runExample(`adapter-${name}.mjs`)
    expect(lines.map(line => Object.values(line as object)[0])).toEqual([200, 401, 401, 403])
    expect(JSON.stringify(lines[0])).toContain(ROLE)
    expect(JSON.stringify(lines.slice(1))).not.toContain(ROLE)
    expect(lines[2]).toMatchObject(
      name === 'middy'
        ? { headers: { 'WWW-Authenticate': 'Bearer realm="api", error="invalid_token"' } }
        : { challenge: 'Bearer realm="api", error="invalid_token"' },
    )
  })
})

describe('the adapter of fastify', () => {
  it('may be a hook that runs when the body is read', async () => {
    const adapter = (await example('fastify'))['requireRole']!
    expect(await faultsOf(startFastify('preHandler'), adapter)).toEqual([])
    const waiting = async (_token: unknown, { signal }: { readonly signal: AbortSignal }) => {
      await new Promise(resolve => setTimeout(resolve, 20))
      return signal.aborted ? denied('timeout', 503) : allowed()
    }
    const { app } = await start(startFastify('preHandler'), adapter(waiting))
    expect((await app.ask('Bearer x')).status).toBe(200)
    const withOwnSignal = async (request: { readonly signal: AbortSignal }, reply: { code(status: number): void }) => {
      const decision = (await waiting(undefined, request)) as Denied
      if (decision.status === 503) reply.code(503)
    }
    const control = await start(startFastify('preHandler'), withOwnSignal)
    expect((await control.app.ask('Bearer x')).status, "control: fastify's own signal").toBe(503)
  })
})

describe('two Authorization headers', () => {
  it.each(FRAMEWORKS.filter(([name]) => ['express', 'fastify', 'nestjs'].includes(name)))(
    'are never two tokens, and never the second, in %s',
    async (_, startApp, load) => {
      const tokens: unknown[] = []
      const guard = async (token: unknown) => {
        tokens.push(token)
        return DENIALS[0]
      }
      const { app } = await start(startApp, (await load())(guard))
      await new Promise<void>(resolve => {
        const socket = connect(app.port!, '127.0.0.1', () =>
          socket.write(
            'POST / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer a\r\nauthorization: Bearer b\r\nconnection: close\r\ncontent-length: 0\r\n\r\n',
          ),
        )
        socket.resume().on('close', () => resolve())
      })
      expect(tokens).toEqual(['a'])
    },
  )
})

describe('docs/adapters.md', () => {
  const page = readFileSync(join(root, 'docs/adapters.md'), 'utf8')
  const examples = readdirSync(join(root, 'docs/examples')).filter(name => /^(?:adapter|hooks)-/.test(name))
  /** What is to be copied: between the imports and what runs the example. */
  const copied = (name: string) => {
    const text = readFileSync(join(root, 'docs/examples', name), 'utf8')
    return /^((?:\/\*\* |export )[^]*)\nif \(isMain/m.exec(text)![1]!.trim()
  }

  it.each(examples)('has the code of %s, and a link to it', name => {
    expect(page).toContain(`\`\`\`js\n${copied(name)}\n\`\`\``)
    expect(page).toContain(`(examples/${name})`)
  })

  it('has one for each framework', () => {
    expect(examples).toHaveLength(FRAMEWORKS.length + 2)
  })

  it('names the versions that are tested', () => {
    const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      readonly devDependencies: Readonly<Record<string, string>>
    }
    const versions = ['express', 'hono', 'fastify', '@nestjs/core', '@middy/core', '@aws-lambda-powertools/logger']
    for (const name of versions) {
      const [, version] = /(\d+\.\d+)/.exec(devDependencies[name]!)!
      expect(page, name).toMatch(new RegExp(`^\\| \\[[^|]+\\| ${version}\\b`, 'm'))
    }
  })
})
