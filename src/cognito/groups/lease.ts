import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { FAILED, LATE, type StoreAccess } from './store-access.js'

/** Writes a lease if there is none, in one step; see `SharedCacheOptions`. */
export type Acquire = (key: string, owner: string, ttl: number) => Promise<boolean>

/** The right to fetch one group for the whole fleet. It is prolonged until it is released. */
export interface Lease {
  /** Ends the lease if this process still holds it. Never rejects. */
  release(): Promise<void>
}

export interface Leases {
  /** The lease; or `taken`, if another process has it; or `no store`, if the store failed or was late. Never rejects. */
  take(groupName: string): Promise<Lease | 'taken' | 'no store'>
  /** A lease that outlived every holder, because the store does not drop expired entries. */
  stuck(groupName: string): Lease
}

export interface LeaseOptions {
  /** Milliseconds after which a lease that is not prolonged is free. */
  readonly ttl: number
  /** Milliseconds between writing a lease and reading it back. Not used with `acquire`. */
  readonly settle: number
  readonly acquire?: Acquire | undefined
  readonly keyOf: (groupName: string) => string
}

/**
 * Leases in a shared store, so that one process at a time fetches a group.
 *
 * With `acquire`, one process has a lease. Without it a lease is read, written and, after `settle`, read back, which lets a
 * second process through if its write takes longer than that. With either, a lease can expire unnoticed while a process is
 * frozen: then there is one call more, and never a wrong result.
 */
export function createLeases(access: StoreAccess, { ttl, settle, acquire, keyOf }: LeaseOptions): Leases {
  const { store, attempt, write, onFailure } = access

  /** True: it is ours. False: another's. FAILED or LATE: unknown. */
  async function takeKey(groupName: string, key: string, owner: string) {
    return acquire === undefined ? writeAndReadBack(groupName, key, owner) : acquireKey(groupName, key, owner, acquire)
  }

  async function writeAndReadBack(
    groupName: string,
    key: string,
    owner: string,
  ): Promise<boolean | typeof FAILED | typeof LATE> {
    const holder = await attempt(groupName, () => store.get(key))
    if (holder === LATE) return LATE
    if (holder !== FAILED && holder !== undefined && holder !== null) return false
    const written = await attempt(groupName, () => write(key, owner, ttl))
    if (written !== true) return written
    await sleep(settle)
    const settled = await attempt(groupName, () => store.get(key))
    if (settled !== undefined && settled !== null)
      return settled === FAILED || settled === LATE ? settled : settled === owner
    onFailure(groupName, new Error('it lost a lease that had just been written'))
    return FAILED
  }

  async function acquireKey(
    groupName: string,
    key: string,
    owner: string,
    acquireOnce: Acquire,
  ): Promise<boolean | typeof FAILED | typeof LATE> {
    const since = Date.now()
    let acquiring: Promise<boolean> | undefined
    const taken = await attempt(groupName, () => (acquiring = acquireOnce(key, owner, ttl)))
    if (taken !== LATE) return taken === FAILED ? FAILED : taken === true
    // It may still succeed, and then other processes must not wait for us.
    Promise.resolve(acquiring)
      .then(late => (late === true ? giveBack(key, owner, since) : undefined))
      .catch(() => {})
    return LATE
  }

  /**
   * Whether a lease is still ours: it has not expired (after a freeze it may be another's) and, if it was written without
   * `acquire`, the store still has our value. It can expire right after this check.
   */
  async function isOurs(key: string, owner: string, since: number): Promise<boolean> {
    if (!isUnexpired(ttl, since)) return false
    return acquire !== undefined || ((await store.get(key)) === owner && isUnexpired(ttl, since))
  }

  async function giveBack(key: string, owner: string, since: number): Promise<void> {
    if (await isOurs(key, owner, since)) await store.delete(key)
  }

  function hold(groupName: string, key: string, owner: string, taken: number): Lease {
    let since = taken
    let prolonging: Promise<unknown> = Promise.resolve()
    async function prolong(): Promise<void> {
      const now = Date.now()
      const prolonged = await attempt(
        groupName,
        async () => (await isOurs(key, owner, since)) && write(key, owner, ttl),
      )
      if (prolonged === true) since = now
    }
    const timer = setInterval(() => {
      prolonging = prolong()
    }, ttl / 3)
    return {
      async release() {
        clearInterval(timer)
        await prolonging
        await attempt(groupName, () => giveBack(key, owner, since))
      },
    }
  }

  return {
    async take(groupName) {
      const key = keyOf(groupName)
      const owner = randomUUID()
      const since = Date.now()
      const taken = await takeKey(groupName, key, owner)
      if (taken === true) return hold(groupName, key, owner, since)
      if (taken === false) return 'taken'
      // The value may have been written nevertheless.
      if (acquire === undefined) giveBack(key, owner, since).catch(() => {})
      return 'no store'
    },
    stuck(groupName) {
      return { release: async () => void (await attempt(groupName, () => store.delete(keyOf(groupName)))) }
    },
  }
}

/** Whether less than `ttl` milliseconds have passed. By the wall clock, which advances while a process is frozen. */
function isUnexpired(ttl: number, since: number): boolean {
  const age = Date.now() - since
  return age >= 0 && age < ttl
}
