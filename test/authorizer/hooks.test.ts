import { inspect } from 'node:util'
import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics } from '@aws-lambda-powertools/metrics'
import { Tracer } from '@aws-lambda-powertools/tracer'
import { captureLambdaHandler } from '@aws-lambda-powertools/tracer/middleware'
import middy from '@middy/core'
import { context, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  createRoleAuthorizer,
  createRoleGuard,
  type Decision,
  type Denied,
  type RoleGuard,
} from '../../src/authorizer/index.js'
import { createRoleResolver } from '../../src/cognito/index.js'
import { linesOf, outputOfExample } from './run-example.js'

// The sources, not the build.
vi.mock('rolecast/authorizer', async () => import('../../src/authorizer/index.js'))
vi.mock('rolecast/cognito', async () => import('../../src/cognito/index.js'))

interface Hooks {
  readonly onDecision: (decision: Decision) => unknown
  readonly onError: (error: unknown, decision: Denied) => unknown
}

const example = async <T>(name: string): Promise<T> =>
  import(new URL(`../../docs/examples/${name}.mjs`, import.meta.url).href) as Promise<T>

const POOL = 'eu-west-1_Ab12Cd34e'
const TOKEN = 'header4711.payload4711.signature4711'
/** What must be nowhere in a log, a metric or a trace. */
const SECRET = /4711|jane@|Doe/

/** A guard that comes to each kind of decision: by what the token begins with. */
function options(hooks: Partial<Hooks>) {
  const table = new Map([
    ['admins', { groupName: 'admins', precedence: 1, roleArn: 'arn:aws:iam::111122223333:role/A' }],
  ])
  return {
    resolver: createRoleResolver({
      source: async name => {
        if (name === 'down') throw new Error('down')
        return table.get(name)
      },
      userPoolId: POOL,
    }),
    verifier: (token: string) => {
      const [group] = token.split('-')
      if (group === 'forged') throw new Error(`${token} is no token`)
      const personal = { email: 'jane@example.com', name: 'Jane Doe' }
      return { sub: 'jane', iss: `https://example.com/${POOL}`, 'cognito:groups': [group], ...personal }
    },
    groupsOf: 'token',
    onStale: 'allow',
    allow: () => true,
    ...hooks,
  } as const
}
const TOKENS = [`admins-${TOKEN}`, undefined, `forged-${TOKEN}`, `down-${TOKEN}`]
const REASONS = ['allowed', 'missing-token', 'unverified', 'resolver-failed']

const decideAll = async (guard: RoleGuard<unknown>) => {
  const reasons: string[] = []
  for (const token of TOKENS) reasons.push((await guard(token)).reason)
  return reasons
}

describe('the hooks for Powertools', () => {
  const written: string[] = []
  beforeAll(() => {
    // Powertools writes with the console that can be seen here, and traces as in a Lambda function.
    vi.stubEnv('POWERTOOLS_DEV', 'true')
    vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false')
    vi.stubEnv('AWS_EXECUTION_ENV', 'AWS_Lambda_nodejs20.x')
    vi.stubEnv('AWS_XRAY_CONTEXT_MISSING', 'IGNORE_ERROR')
    for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const)
      vi.spyOn(console, method).mockImplementation((...values: unknown[]) => void written.push(values.join(' ')))
  })
  afterEach(() => void written.splice(0))
  afterAll(() => {
    vi.unstubAllEnvs()
    vi.restoreAllMocks()
  })

  const tools = () => ({
    logger: new Logger({ serviceName: 'test' }),
    metrics: new Metrics({ namespace: 'test', serviceName: 'test' }),
    tracer: new Tracer({ captureHTTPsRequests: false }),
  })
  /** Runs in a subsegment, as Lambda's runtime and the tracer's middleware make one, and gives what it was told. */
  async function inSegment(tracer: Tracer, run: () => Promise<unknown>): Promise<readonly unknown[]> {
    const told: unknown[] = []
    const segment = {
      addAnnotation: (...annotation: unknown[]) => told.push(annotation),
      addError: (error: unknown) => told.push(['error', error]),
      addMetadata: (...metadata: unknown[]) => told.push(['metadata', metadata]),
      addNewSubsegment: () => segment,
      close: () => {},
    }
    await tracer.provider.getNamespace().runPromise(async () => {
      tracer.setSegment(segment as unknown as Parameters<Tracer['setSegment']>[0])
      await run()
    })
    return told
  }
  const load = async () =>
    (await example<{ powertoolsHooks: (tools: object) => Hooks }>('hooks-powertools')).powertoolsHooks

  it('write a line, a metric and an annotation for each decision, without the token or a personal claim', async () => {
    const powertoolsHooks = await load()
    const { tracer, ...others } = tools()
    const guard = createRoleGuard(options(powertoolsHooks({ tracer, ...others })))
    const told = await inSegment(tracer, async () => expect(await decideAll(guard)).toEqual(REASONS))
    expect(told).toEqual(REASONS.map(reason => ['decision', reason]))
    const lines = written.map(line => JSON.parse(line) as Readonly<Record<string, unknown>>)
    expect(lines.filter(line => line['message'] === 'decision')).toMatchObject([
      { level: 'INFO', reason: 'allowed', status: 200, rule: 'lowest-precedence', principalId: 'jane' },
      { level: 'WARN', reason: 'missing-token', status: 401 },
      { level: 'WARN', reason: 'unverified', status: 401, error: 'Error' },
      { level: 'ERROR', reason: 'resolver-failed', status: 503 },
    ])
    expect(lines.filter(line => 'Decision' in line)).toMatchObject(
      REASONS.map(reason => ({ reason, Decision: 1, _aws: { CloudWatchMetrics: [{ Namespace: 'test' }] } })),
    )
    expect(lines.filter(line => line['message'] === 'decision failed')).toMatchObject([
      { reason: 'unverified', error: { message: expect.stringContaining('[token]') as string } },
      { reason: 'resolver-failed', error: { message: 'down' } },
    ])
    expect(written.join('\n')).not.toMatch(SECRET)
  })

  it('control: a hook that logs the claims or the error itself is noticed', async () => {
    const { logger } = tools()
    const onDecision = (decision: Decision) => logger.info('decision', { decision })
    await createRoleGuard(options({ onDecision }))(TOKENS[0])
    expect(written.join('\n')).toMatch(SECRET)
    written.splice(0)
    try {
      options({}).verifier(TOKENS[2]!)
    } catch (error) {
      logger.error('no', error as Error)
    }
    expect(written.join('\n')).toMatch(SECRET)
  })

  it('do not lock any user out if one of the tools fails', async () => {
    const powertoolsHooks = await load()
    const failing = () => {
      throw new Error('no metrics')
    }
    const hooks = powertoolsHooks({ ...tools(), metrics: { singleMetric: failing } })
    expect(await createRoleGuard(options(hooks))(TOKENS[0])).toMatchObject({ allowed: true })
    expect(written.join('\n')).toContain('a decision was not recorded')
    const control = await createRoleGuard(options({ onDecision: failing }))(TOKENS[0])
    expect(control, 'control').toMatchObject({ allowed: false, reason: 'hook-failed', status: 503 })
  })

  it('leave API Gateway its `Unauthorized`, with middy and the middleware of the tracer around', async () => {
    const powertoolsHooks = await load()
    const { logger, metrics, tracer } = tools()
    const authorizer = createRoleAuthorizer({
      ...options(powertoolsHooks({ logger, metrics, tracer })),
      kind: 'rest-token',
      resource: 'stage',
      onFailure: 'throw',
    })
    const handler = middy(authorizer).use(captureLambdaHandler(tracer, { captureResponse: false }))
    const methodArn = 'arn:aws:execute-api:eu-west-1:123456789012:ymy8tbxw7b/prod/GET/pets'
    const ask = async (authorizationToken: string) =>
      (handler as unknown as typeof authorizer)({ type: 'TOKEN', authorizationToken, methodArn }, {})
    const told = await inSegment(tracer, async () => {
      expect(await ask(TOKENS[0]!)).toMatchObject({ policyDocument: { Statement: [{ Effect: 'Allow' }] } })
      await expect(ask(TOKENS[2]!)).rejects.toThrow(/^Unauthorized$/)
    })
    expect(told).toContainEqual(['decision', 'unverified'])
    expect(told).toContainEqual(['error', expect.objectContaining({ message: 'Unauthorized' })])
    expect(inspect([written, told], { depth: 9 })).not.toMatch(SECRET)
  })
})

describe('the example with Powertools', () => {
  it('runs', async () => {
    const { stdout, stderr } = await outputOfExample('hooks-powertools.mjs')
    expect(linesOf(`${stdout.trim()}\n${stderr}`)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ message: 'decision', reason: 'allowed' }),
        expect.objectContaining({ message: 'decision', reason: 'no-role', status: 403 }),
        expect.objectContaining({ Decision: 1, reason: 'unverified' }),
      ]),
    )
    expect(`${stdout}${stderr}`).not.toMatch(/token\.x|forged|@example/)
  })
})

describe('the hooks for OpenTelemetry', () => {
  const exporter = new InMemorySpanExporter()
  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
  })
  afterEach(() => exporter.reset())
  afterAll(() => {
    trace.disable()
    context.disable()
  })

  const load = async () =>
    example<{ spanHooks: Hooks; traced: (guard: unknown) => RoleGuard<unknown> }>('hooks-opentelemetry')

  it('make a span for each decision, without the token or a personal claim', async () => {
    const { spanHooks, traced } = await load()
    expect(await decideAll(traced(createRoleGuard(options(spanHooks))))).toEqual(REASONS)
    const spans = exporter.getFinishedSpans()
    expect(spans.map(({ name, attributes }) => [name, attributes['rolecast.reason']])).toEqual(
      REASONS.map(reason => ['authorize', reason]),
    )
    expect(spans[0]!.attributes).toMatchObject({ 'rolecast.status': 200, 'rolecast.rule': 'lowest-precedence' })
    expect(spans.map(({ status }) => status.code)).toEqual([0, 0, 0, SpanStatusCode.ERROR])
    expect(spans[2]!.events[0]!.attributes!['exception.message']).toContain('[token]')
    const shown = inspect(
      spans.map(({ name, attributes, events, status }) => ({ name, attributes, events, status })),
      { depth: 9 },
    )
    expect(shown).not.toMatch(SECRET)
  })

  it('end the span of a guard that rejects', async () => {
    const { traced } = await load()
    await expect(traced(() => Promise.reject(new Error('no')))(TOKEN)).rejects.toThrow('no')
    expect(exporter.getFinishedSpans()).toHaveLength(1)
  })

  it('do nothing where nothing traces', async () => {
    const { spanHooks } = await load()
    expect(await decideAll(createRoleGuard(options(spanHooks)))).toEqual(REASONS)
    expect(exporter.getFinishedSpans()).toEqual([])
  })

  it('are an example that runs', async () => {
    const { stdout } = await outputOfExample('hooks-opentelemetry.mjs')
    expect(linesOf(stdout)).toMatchObject(
      ['allowed', 'missing-token', 'unverified', 'no-role'].map(reason => ({
        attributes: { 'rolecast.reason': reason },
      })),
    )
    expect(stdout).not.toMatch(/token\.x|forged|@example/)
  })
})
