import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod/mini'
import { quote, RolecastError } from '../../errors.js'
import type { Group } from '../../group.js'
import { failure } from '../api/api-error.js'
import { MAX_TIMER, numberOption } from '../api/connection-options.js'
import { precedence, someText } from '../api/responses.js'
import { readAs } from '../api/schema.js'
import { checkNames, type OptionNames } from '../api/option-names.js'
import type { GroupResponse } from '../api/user-pool-api.js'
import { type Acquire, createLeases, type Lease } from './lease.js'
import { createStoreAccess, LATE, type SharedStore } from './store-access.js'

/** The options of a cache level that several processes share. */
export interface SharedCacheOptions {
  /** Where the entries are. */
  readonly store: SharedStore
  /**
   * Takes a lease if there is none, in one step: true for exactly one caller, until `ttl` milliseconds have passed or the
   * store deletes this very key. With Redis, `SET key owner PX ttl NX`.
   *
   * Without it the lease is written and, after `leaseSettle`, read back. That lets a second process through if its write
   * takes longer.
   *
   * @default none
   */
  readonly acquire?: Acquire | undefined
  /**
   * Milliseconds after which the lease of a process that has died is free. A process that is alive prolongs its lease.
   *
   * @default the timeout of a call to Cognito, plus 1_000
   */
  readonly leaseTtl?: number | undefined
  /**
   * Milliseconds between writing a lease and reading it back. Not used with `acquire`.
   *
   * @default 100
   */
  readonly leaseSettle?: number | undefined
  /**
   * Milliseconds for one access to the store. If one takes longer, the lookup continues without the store.
   *
   * @default 250
   */
  readonly timeout?: number | undefined
  /**
   * Signs the entries. Without it, anyone who can write to the store can give users roles. Rejected if it is present and
   * undefined or empty: a setting that got lost would turn the signatures off.
   *
   * @default none: entries are not signed
   */
  readonly secret?: string
  /**
   * The prefix of the keys. Rejected if it is present and undefined or empty: two fleets would share their entries.
   *
   * @default 'rolecast'
   */
  readonly namespace?: string
}

const SHARED_OPTIONS: OptionNames<SharedCacheOptions> = {
  store: true,
  acquire: true,
  leaseTtl: true,
  leaseSettle: true,
  timeout: true,
  secret: true,
  namespace: true,
}

/** Called for each access to the shared store that matters to statistics. */
export interface SharedCacheHooks {
  readonly onHit: (groupName: string) => void
  /** The store failed or took too long. */
  readonly onFailure: (groupName: string, cause: unknown) => void
}

/** What the shared cache needs of the process's own. */
export interface SharedCacheContext extends SharedCacheHooks {
  readonly userPoolId: string
  /** Milliseconds for one call to Cognito. */
  readonly callTimeout: number
  /** Milliseconds for which a response is fresh. */
  readonly lifetime: (response: GroupResponse) => number
}

interface SharedLookup {
  readonly isUsable: (response: GroupResponse) => boolean
  readonly fetch: () => Promise<GroupResponse>
  readonly signal: AbortSignal
  /** Maximum milliseconds to wait for other processes, if there is an expired group to serve instead. */
  readonly patience?: number | undefined
}

export interface SharedCache {
  /**
   * The store's entry if it is usable, else the result of `fetch`, which one process at a time calls for all.
   *
   * @throws RolecastError as a rejection: what `fetch` throws, `aborted`, and `timeout` after `patience`
   */
  get(groupName: string, lookup: SharedLookup): Promise<GroupResponse>
  /** Never rejects. */
  delete(groupName: string): Promise<void>
}

/** Increased whenever the meaning of an entry changes. Entries of another version are misses. */
const VERSION = 1

const entryShape = z.object({
  version: z.literal(VERSION),
  userPoolId: z.string(),
  groupName: z.string(),
  fetchedAt: z.number(),
  group: z.nullable(z.object({ precedence: z.nullable(precedence), roleArn: z.nullable(someText) })),
})

/** Milliseconds between two reads while another process has the lease: at first, and at most. */
const FIRST_PAUSE = 25
const MAX_PAUSE = 250

/** After this many times `leaseTtl` a lease that is never free counts as a fault of the store. */
const LEASES_TO_WAIT = 10

/**
 * A second level behind the cache of one process, so that a group that one process of a fleet has read is not read by the
 * others.
 *
 * An entry is used only if it is of this version, pool and group, and signed if a `secret` is given. If the store is
 * down or slow, the process asks Cognito itself. See "A fleet" in the documentation of rolecast.
 *
 * @throws RolecastError `invalid-option`
 */
export function createSharedCache(context: SharedCacheContext, options: SharedCacheOptions): SharedCache {
  checkNames(options, SHARED_OPTIONS, 'the options of `sharedCache`')
  const { userPoolId, callTimeout, lifetime, onHit, onFailure } = context
  const { store, acquire, secret, namespace = 'rolecast' } = options
  const timeout = numberOption(options, 'timeout', { default: 250, min: 1, max: MAX_TIMER })
  const leaseTtl = Math.ceil(
    numberOption(options, 'leaseTtl', { default: Math.min(callTimeout + 1_000, MAX_TIMER), min: 1, max: MAX_TIMER }),
  )
  const leaseSettle = numberOption(options, 'leaseSettle', {
    default: Math.min(100, leaseTtl / 2),
    min: 0,
    max: leaseTtl,
  })
  const access = createStoreAccess(store, timeout, onFailure)
  checkText(options, 'secret', 'give a secret that the whole fleet shares, or leave the option out to go without')
  checkText(options, 'namespace', 'give a prefix for the keys, or leave the option out')
  if (acquire !== undefined && typeof acquire !== 'function')
    throw new RolecastError('invalid-option', `\`acquire\` is ${quote(acquire)}; give a function`, { value: acquire })

  const keyOf = (kind: 'group' | 'lease', groupName: string) =>
    `${namespace}:${VERSION}:${kind}:${userPoolId}:${keyPart(groupName)}`

  const leases = createLeases(access, {
    ttl: leaseTtl,
    settle: leaseSettle,
    acquire,
    keyOf: groupName => keyOf('lease', groupName),
  })

  /** The entry if it can be used. Anything else in its place is a miss, and will be overwritten. */
  async function read(groupName: string): Promise<GroupResponse | typeof LATE | undefined> {
    const text = await access.attempt(groupName, () => store.get(keyOf('group', groupName)))
    return text === LATE ? LATE : parseEntry(text, userPoolId, groupName, secret)
  }

  async function publish(groupName: string, response: GroupResponse): Promise<boolean> {
    const entry = formatEntry(response, userPoolId, groupName, secret)
    const ttl = Math.min(Math.max(1, Math.ceil(lifetime(response))), MAX_TIMER)
    return (await access.attempt(groupName, () => access.write(keyOf('group', groupName), entry, ttl))) === true
  }

  async function fetchForAll(
    groupName: string,
    lease: Lease,
    { isUsable, fetch }: SharedLookup,
  ): Promise<GroupResponse> {
    let isStoreUp = true
    try {
      const response = await fetch()
      // Not if the group was invalidated meanwhile.
      if (isUsable(response)) isStoreUp = await publish(groupName, response)
      return response
    } finally {
      const released = lease.release()
      // A store that just failed is not waited for again.
      if (isStoreUp) await released
    }
  }

  return {
    async get(groupName, lookup) {
      const { isUsable, fetch, signal, patience = leaseTtl * LEASES_TO_WAIT * (1 + Math.random()) } = lookup
      const began = performance.now()
      for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, MAX_PAUSE)) {
        const early = await read(groupName)
        if (early === LATE) return fetch()
        if (early !== undefined && isUsable(early)) return hit(early)

        const lease = await leases.take(groupName)
        if (lease === 'no store') return fetch()
        if (lease !== 'taken') {
          // Another process may have written the entry between our read and our lease.
          const late = await read(groupName)
          if (late === undefined || late === LATE || !isUsable(late)) return fetchForAll(groupName, lease, lookup)
          await lease.release()
          return hit(late)
        }
        if (performance.now() - began >= patience)
          return lookup.patience === undefined ? fetchForAll(groupName, leases.stuck(groupName), lookup) : giveUp()
        // At random, so that the processes do not read all at the same time.
        await sleep(pause * (0.5 + Math.random()), undefined, { signal }).catch(() => {
          throw failure('aborted', { operation: 'GetGroup', userPoolId, groupName }, { cause: signal.reason })
        })
      }

      function hit(response: GroupResponse): GroupResponse {
        onHit(groupName)
        return response
      }
      function giveUp(): never {
        throw failure(
          'timeout',
          { operation: 'GetGroup', userPoolId, groupName },
          { note: `another process had the lease for ${Math.round(patience)} ms` },
        )
      }
    },
    async delete(groupName) {
      await access.attempt(groupName, () => store.delete(keyOf('group', groupName)))
    },
  }
}

/** An option that is present must be a non-empty string: undefined would be a lost setting. The value is never shown. */
function checkText(options: SharedCacheOptions, name: 'secret' | 'namespace', next: string): void {
  if (!(name in options)) return
  const value: unknown = options[name]
  if (typeof value === 'string' && value !== '') return
  const what = value === '' ? 'empty' : value === undefined ? 'undefined' : `not a string but a ${typeof value}`
  throw new RolecastError('invalid-option', `${quote(name)} is ${what}; ${next}`)
}

/** The group's name in a key: itself, unless Memcached would reject it. */
function keyPart(groupName: string): string {
  return /^(?!#)[!-~]+$/.test(groupName) ? groupName : `#${createHash('sha256').update(groupName).digest('hex')}`
}

function formatEntry(
  { group, fetchedAt }: GroupResponse,
  userPoolId: string,
  groupName: string,
  secret: string | undefined,
): string {
  const body = JSON.stringify({
    version: VERSION,
    userPoolId,
    groupName,
    fetchedAt,
    group: group === undefined ? null : { precedence: group.precedence ?? null, roleArn: group.roleArn ?? null },
  })
  return secret === undefined ? body : `${sign(body, secret)}${body}`
}

/** Undefined for anything but an entry of this version, pool and group. */
function parseEntry(
  text: unknown,
  userPoolId: string,
  groupName: string,
  secret: string | undefined,
): GroupResponse | undefined {
  if (typeof text !== 'string') return undefined
  const body = secret === undefined ? text : verified(text, secret)
  if (body === undefined) return undefined
  let content: unknown
  try {
    content = JSON.parse(body)
  } catch {
    return undefined
  }
  const parsed = readAs(entryShape, content)
  if (!parsed.success) return undefined
  const entry = parsed.data
  if (entry.userPoolId !== userPoolId || entry.groupName !== groupName) return undefined
  const group: Group | undefined = entry.group === null ? undefined : Object.freeze({ groupName, ...entry.group })
  return { group, fetchedAt: entry.fetchedAt, order: 0 }
}

const SIGNATURE_LENGTH = 64

function sign(body: string, secret: string): string {
  return createHmac('sha256', secret).update(body).digest('hex')
}

function verified(text: string, secret: string): string | undefined {
  const body = text.slice(SIGNATURE_LENGTH)
  const given = Buffer.from(text.slice(0, SIGNATURE_LENGTH))
  const right = Buffer.from(sign(body, secret))
  return given.length === right.length && timingSafeEqual(given, right) ? body : undefined
}
