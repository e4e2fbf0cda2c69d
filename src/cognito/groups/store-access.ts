import { quote, RolecastError } from '../../errors.js'

/** A Keyv, or anything with its `get`, `set` and `delete`: Redis, Valkey, DynamoDB, Memcached through Keyv's adapters. */
export interface SharedStore {
  /** The value of a key; undefined if there is none. */
  get(key: string): Promise<unknown>
  /** `ttl` in whole milliseconds. As in Keyv, `false` means that the value was not stored. */
  set(key: string, value: string, ttl: number): Promise<unknown>
  /** Deletes a key. */
  delete(key: string): Promise<unknown>
}

/** The access failed. `onFailure` was called already. */
export const FAILED = Symbol('failed')
/** The access took longer than the timeout. `onFailure` was called already. */
export const LATE = Symbol('late')

/** A store behind a timeout, whose failures are reported and never thrown. */
export interface StoreAccess {
  readonly store: SharedStore
  /** Runs one access, or several that share one timeout. */
  attempt<T>(groupName: string, access: () => T | Promise<T>): Promise<T | typeof FAILED | typeof LATE>
  /** Writes a value. Not behind the timeout: for use inside of `attempt`. */
  write(key: string, value: string, ttl: number): Promise<true>
  /** Reports a failure that only the caller can see. */
  readonly onFailure: (groupName: string, cause: unknown) => void
}

/** @throws RolecastError `invalid-option` for anything but a store */
export function createStoreAccess(
  store: SharedStore,
  timeout: number,
  onFailure: (groupName: string, cause: unknown) => void,
): StoreAccess {
  checkStore(store)
  return {
    store,
    onFailure,
    async attempt(groupName, access) {
      let timer: NodeJS.Timeout | undefined
      try {
        const late = new Promise<typeof LATE>(resolve => {
          // A result that came while the process was busy is not late: it gets its turn before the immediate.
          timer = setTimeout(() => setImmediate(resolve, LATE), timeout)
        })
        const result = await Promise.race([access(), late])
        if (result === LATE) onFailure(groupName, new Error(`it took longer than ${timeout} ms`))
        return result
      } catch (cause) {
        onFailure(groupName, cause)
        return FAILED
      } finally {
        clearTimeout(timer)
      }
    },
    async write(key, value, ttl) {
      // Keyv reports a failure in this way, unless it is set to throw.
      if ((await store.set(key, value, ttl)) === false) throw new Error('it did not store the value')
      return true
    },
  }
}

function checkStore(store: unknown): void {
  const isStore =
    typeof store === 'object' &&
    store !== null &&
    ['get', 'set', 'delete'].every(name => typeof (store as Record<string, unknown>)[name] === 'function')
  if (!isStore)
    throw new RolecastError(
      'invalid-option',
      `\`store\` is ${quote(store)}; give a Keyv, or an object with its get, set and delete`,
      { value: store },
    )
}
