import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { CacheStats } from '../../../src/cognito/index.js'
import type { Group } from '../../../src/group.js'
import { type CognitoEndpoint, startCognitoEndpoint } from '../cognito-endpoint.js'
import { copyPackage } from '../../build-package.js'

const PROCESSES = 20
const userPoolId = 'eu-west-1_Fleet'
const GROUPS: readonly Group[] = Array.from({ length: 50 }, (_, index) => ({
  groupName: index % 10 === 0 ? `team:${index}:ü` : `team-${index}`,
  precedence: index % 7 === 0 ? null : index,
  roleArn: index % 5 === 0 ? null : `arn:aws:iam::111122223333:role/Role${index}`,
}))
const NAMES = GROUPS.map(group => group.groupName)

// ------------------------------------------------------------------ Redis

interface Redis {
  readonly url: string
  kill(): Promise<void>
  restart(): Promise<void>
  /** Speaks to it in inline commands, and gives back the first line of the answer. */
  say(command: string): Promise<string>
  stop(): Promise<void>
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => void server.close(resolve))
  return port
}

async function startRedis(): Promise<Redis> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecast-redis-'))
  const port = await freePort()
  let server: ChildProcess

  async function say(command: string): Promise<string> {
    const socket = connect(port, '127.0.0.1')
    try {
      socket.end(`${command}\r\n`)
      let answer = ''
      for await (const chunk of socket) answer += String(chunk)
      return answer.split('\r\n', 1)[0]!
    } finally {
      socket.destroy()
    }
  }
  async function start(): Promise<void> {
    server = spawn(
      'redis-server',
      ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'],
      { stdio: 'ignore' },
    )
    while ((await say('PING').catch(() => '')) !== '+PONG') {
      if (server.exitCode !== null) throw new Error('redis-server ended at once')
      await sleep(10)
    }
  }
  async function kill(): Promise<void> {
    const exit = once(server, 'exit')
    server.kill('SIGKILL')
    await exit
  }
  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    kill,
    restart: start,
    say,
    async stop() {
      if (server.exitCode === null && server.signalCode === null) await kill()
      await rm(folder, { recursive: true })
    },
  }
}

// ------------------------------------------------------------------ the fleet

interface Job {
  readonly names: readonly string[]
  /** How many names a lookup has. */
  readonly together: number
  readonly poolSize?: number
  readonly redis?: string
  readonly sharedCache?: { readonly atomic: boolean; readonly options: Record<string, unknown> }
}

interface Report {
  readonly groups: readonly Group[]
  readonly stats: CacheStats
  readonly error?: string
}

interface Fleet {
  /** Gives each process the job, and lets them go at once. */
  run(job: Job): Promise<readonly Report[]>
  stop(): Promise<void>
}

/** The next message of a process; fails if it ends instead. */
async function heard(worker: ChildProcess): Promise<unknown> {
  const over = new AbortController()
  const ended = once(worker, 'exit', { signal: over.signal }).then(([code]) => {
    throw new Error(`a process of the fleet ended with ${code}`)
  })
  try {
    return await Promise.race([
      once(worker, 'message', { signal: over.signal }).then(([message]) => message as unknown),
      ended,
    ])
  } finally {
    over.abort()
    ended.catch(() => {})
  }
}

/** `connection`: how the processes reach Cognito. */
async function startFleet(connection: Record<string, unknown>): Promise<Fleet> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecast-fleet-'))
  await copyPackage(folder)
  const script = fileURLToPath(new URL('fleet-worker.mjs', import.meta.url))
  const env = { ...process.env, AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' }
  const workers = Array.from({ length: PROCESSES }, () =>
    fork(script, [pathToFileURL(join(folder, 'dist/cognito/index.js')).href], {
      env,
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    }),
  )
  await Promise.all(workers.map(heard))
  return {
    async run(job) {
      const prepared = workers.map(heard)
      for (const worker of workers) worker.send({ job: { ...job, source: { ...connection, poolSize: job.poolSize } } })
      await Promise.all(prepared)
      const reports = workers.map(worker => heard(worker) as Promise<{ readonly done: Report }>)
      for (const worker of workers) worker.send('go')
      return (await Promise.all(reports)).map(({ done }) => done)
    },
    async stop() {
      const exits = workers.map(worker => (worker.exitCode === null ? once(worker, 'exit') : undefined))
      for (const worker of workers) if (worker.connected) worker.disconnect()
      await Promise.all(exits)
      await rm(folder, { recursive: true })
    },
  }
}

// ------------------------------------------------------------------ what they do together

const hasRedis = spawnSync('redis-server', ['--version']).error === undefined

if (!hasRedis) {
  const isCI = process.env['CI'] !== undefined
  test.skipIf(!isCI)('skipped: no redis-server', () => {
    throw new Error('no redis-server; in CI it must be there: apt-get install redis-server')
  })
}

describe.skipIf(!hasRedis)('20 processes, one Redis server and one user pool of 50 groups', () => {
  let endpoint: CognitoEndpoint
  let redis: Redis
  let fleet: Fleet
  beforeAll(async () => {
    endpoint = await startCognitoEndpoint({ userPoolId, groups: GROUPS, latency: 20 })
    redis = await startRedis()
    fleet = await startFleet({
      userPoolId,
      endpoint: endpoint.url,
      requestsPerSecond: 1_000_000,
      concurrency: 50,
      timeout: 20_000,
    })
  })
  afterAll(async () => {
    await fleet?.stop()
    await redis?.stop()
    await endpoint?.close()
  })
  beforeEach(async () => {
    await redis.say('FLUSHALL')
    endpoint.requests.length = 0
  })

  /** That a starved process on a busy machine is not mistaken for a slow store. */
  const patient = { timeout: 20_000, leaseTtl: 60_000 }
  const callsOf = (groupName: string) => endpoint.requests.filter(request => request.groupName === groupName).length

  function expectWhole(reports: readonly Report[], size = GROUPS.length): void {
    expect(reports.flatMap(report => report.error ?? [])).toEqual([])
    expect(reports).toHaveLength(PROCESSES)
    for (const { groups } of reports) expect(groups).toEqual(GROUPS.slice(0, size))
  }

  test('that start cold at the same time make one call for each group, and all get all groups', async () => {
    const reports = await fleet.run({
      names: NAMES,
      together: 50,
      redis: redis.url,
      sharedCache: { atomic: true, options: patient },
    })
    expectWhole(reports)
    expect(NAMES.map(callsOf)).toEqual(NAMES.map(() => 1))
    expect(endpoint.requests).toHaveLength(50)
    expect(reports.reduce((sum, { stats }) => sum + stats['shared-hit'], 0)).toBe(PROCESSES * 50 - 50)
    expect(reports.reduce((sum, { stats }) => sum + stats['shared-failed'], 0)).toBe(0)
    expect(await redis.say('DBSIZE'), 'no lease is left').toBe(':50')
  })

  test('the same with signed entries and the lease that needs no `acquire`', async () => {
    const options = { ...patient, secret: 'the secret of the fleet', leaseSettle: 1_000 }
    const reports = await fleet.run({
      names: NAMES.slice(0, 10),
      together: 10,
      redis: redis.url,
      sharedCache: { atomic: false, options },
    })
    expectWhole(reports, 10)
    expect(endpoint.requests).toHaveLength(10)
  })

  test('control: without the shared cache, and in a pool too large for a page, they make a call for each group and process', async () => {
    expectWhole(await fleet.run({ names: NAMES, together: 50, poolSize: 10_000 }))
    expect(endpoint.requests).toHaveLength(PROCESSES * 50)
  })

  test('lose nothing when Redis is killed in the middle and comes back empty', async () => {
    const running = fleet.run({
      names: NAMES,
      together: 5,
      redis: redis.url,
      sharedCache: { atomic: true, options: {} },
    })
    let ended = false
    void running.then(() => (ended = true))
    while (endpoint.requests.length < 10) await sleep(5)
    await redis.kill()
    const before = endpoint.requests.length
    await sleep(300)
    await redis.restart()
    expect(ended, 'it was in the middle').toBe(false)
    const reports = await running
    expectWhole(reports)
    expect(before).toBeLessThan(50)
    expect(await redis.say('DBSIZE'), 'and they use it again').not.toBe(':0')
    expect(endpoint.requests.length).toBeGreaterThanOrEqual(50)
    expect(endpoint.requests.length, 'and shared what they could').toBeLessThan(PROCESSES * 50)
    expect(
      reports.some(({ stats }) => stats['shared-failed'] > 0),
      'they noticed',
    ).toBe(true)
  })

  test('go on without it when it stays away', async () => {
    const running = fleet.run({
      names: NAMES.slice(0, 20),
      together: 5,
      redis: redis.url,
      sharedCache: { atomic: true, options: {} },
    })
    while (endpoint.requests.length < 10) await sleep(5)
    await redis.kill()
    expectWhole(await running, 20)
  })
})
