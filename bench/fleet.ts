import { setTimeout as sleep } from 'node:timers/promises'
import { createRoleResolver } from '../dist/cognito/index.js'
import { poolOf } from './pools.js'

/** How many calls to Cognito it took. */
export interface Counted {
  readonly name: string
  readonly calls: number
  /** Of the first one's calls. */
  readonly ratio: number
}

const PROCESSES = 1_000
const REQUESTS = 10_000
/** Milliseconds of a call to Cognito, and of an access to the store. */
const CALL = 30
const ACCESS = 1

/** How many calls does it take to start cold? Prints and returns them by question. */
export async function benchFleet(): Promise<Readonly<Record<string, readonly Counted[]>>> {
  const results = {
    [`${PROCESSES} processes start cold at the same time, the same 10 groups: calls`]: [
      await counted('own caches', client => startFleet(client)),
      await counted('with a shared cache', client => startFleet(client, memoryStore())),
    ],
    [`${REQUESTS} concurrent requests on a cold cache, the same 10 groups: calls`]: [
      await counted('GetGroup for each', async client => {
        const resolver = createRoleResolver({ source: groupName => client.get(groupName), userPoolId: 'any' })
        await inParallel(REQUESTS, () => resolver.resolve(NAMES))
      }),
      await counted('one resolver', async client => {
        const resolver = createRoleResolver({ ...RATE, client })
        await inParallel(REQUESTS, () => resolver.resolve(NAMES))
      }),
    ],
  }
  const compared = Object.fromEntries(
    Object.entries(results).map(([question, rows]) => [
      question,
      rows.map(row => ({ ...row, ratio: row.calls / rows[0]!.calls })),
    ]),
  )
  for (const [question, rows] of Object.entries(compared)) {
    console.log(`\n${question}`)
    for (const { name, calls, ratio } of rows)
      console.log(`  ${name.padEnd(30)} ${String(calls).padStart(8)}     ${ratio.toFixed(4).padStart(8)}x`)
  }
  return compared
}

const POOL = new Map(poolOf(10).map(group => [group.groupName, group]))
const NAMES = [...POOL.keys()]
const RATE = { userPoolId: 'eu-west-1_Bench', requestsPerSecond: Infinity, concurrency: 1_000 }

type Client = ReturnType<typeof countingClient>

function countingClient() {
  const client = {
    calls: 0,
    async get(groupName: string) {
      client.calls++
      await sleep(CALL)
      return POOL.get(groupName)!
    },
    async send({ input }: { input: object }) {
      const { groupName, precedence, roleArn } = await client.get((input as { GroupName: string }).GroupName)
      return {
        Group: {
          GroupName: groupName,
          ...(precedence != null && { Precedence: precedence }),
          ...(roleArn != null && { RoleArn: roleArn }),
        },
      }
    },
  }
  return client
}

async function counted(
  name: string,
  work: (client: Client) => Promise<unknown>,
): Promise<{ readonly name: string; readonly calls: number }> {
  const client = countingClient()
  await work(client)
  return { name, calls: client.calls }
}

async function startFleet(client: Client, store?: ReturnType<typeof memoryStore>): Promise<void> {
  // Everything is in one process here, and a late timer is not a slow store.
  const sharedCache = store && { store, acquire: store.acquire, timeout: 60_000, leaseTtl: 60_000 }
  await inParallel(PROCESSES, () => createRoleResolver({ ...RATE, max: 100, client, sharedCache }).resolve(NAMES))
}

async function inParallel(times: number, work: () => Promise<unknown>): Promise<void> {
  await Promise.all(Array.from({ length: times }, work))
}

function memoryStore() {
  const entries = new Map<string, string>()
  const after = async <T>(effect: () => T): Promise<T> => {
    await sleep(ACCESS)
    return effect()
  }
  return {
    get: (key: string) => after(() => entries.get(key)),
    set: (key: string, value: string) => after(() => entries.set(key, value)),
    delete: (key: string) => after(() => entries.delete(key)),
    acquire: (key: string, owner: string) => after(() => !entries.has(key) && entries.set(key, owner) !== undefined),
  }
}
