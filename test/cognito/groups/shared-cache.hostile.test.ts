import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createGroupSource, createRoleResolver, type SharedCacheOptions } from '../../../src/cognito/index.js'
import { fakePool } from '../../models/source-model.js'

const pass = (ms: number) => new Promise<void>(resolve => void setTimeout(resolve, ms))
const fail = (): never => {
  throw new Error('the store is broken')
}

const unhandled: unknown[] = []
const listen = (reason: unknown) => void unhandled.push(reason)
let others: NodeJS.UnhandledRejectionListener[] = []
beforeEach(() => {
  unhandled.length = 0
  others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', listen)
})
afterEach(() => {
  process.off('unhandledRejection', listen)
  for (const other of others) process.on('unhandledRejection', other)
})

/** What a function of a store may do instead of giving a promise of the right thing. */
const WAYS: Readonly<Record<string, () => unknown>> = {
  'throws at once': fail,
  rejects: async () => fail(),
  'rejects after the timeout': async () => pass(60).then(fail),
  'resolves after the timeout': async () => pass(60),
  'never settles': () => new Promise(() => {}),
  'gives no promise': () => undefined,
  'gives something else': () => ({ value: 7 }),
  // oxlint-disable-next-line unicorn/no-thenable
  'gives a promise that throws': () => ({ then: fail }),
  // oxlint-disable-next-line unicorn/no-thenable
  'gives a promise that cannot be read': () => Object.defineProperty({}, 'then', { get: fail }),
}
const OPERATIONS = ['get', 'set', 'delete', 'acquire'] as const

describe('a store that misbehaves changes no result, and ends no process', () => {
  test.each(OPERATIONS.flatMap(operation => Object.keys(WAYS).map(way => [operation, way] as const)))(
    '`%s` %s',
    async (operation, way) => {
      const kept = new Map<string, string>()
      const good = {
        get: async (key: string) => kept.get(key),
        set: async (key: string, value: string) => void kept.set(key, value),
        delete: async (key: string) => kept.delete(key),
        acquire: async (key: string, owner: string) => !kept.has(key) && kept.set(key, owner) === kept,
      }
      const { acquire, ...store } = { ...good, [operation]: WAYS[way] } as typeof good
      const pool = fakePool()
      pool.groups.set('admins', { precedence: 0, roleArn: 'Admin' })
      const source = createGroupSource({
        userPoolId: 'eu-west-1_Ab12Cd34e',
        client: pool,
        sharedCache: { store, acquire, timeout: 20, leaseTtl: 40 } satisfies SharedCacheOptions,
        onEvent: async () => fail(),
      })
      const { groups, unknownGroups } = await source.lookup(['admins', 'ghost'])
      expect({ groups, unknownGroups }).toEqual({
        groups: [{ groupName: 'admins', precedence: 0, roleArn: 'Admin' }],
        unknownGroups: ['ghost'],
      })
      await source.invalidate('admins')
      expect(await source('admins')).toMatchObject({ roleArn: 'Admin' })
      await pass(100)
      expect(unhandled).toEqual([])
    },
  )

  test('control: an unhandled rejection is noticed', async () => {
    void Promise.reject(new Error('control'))
    await pass(1)
    expect(unhandled).toHaveLength(1)
  })
})

test('in types too: undefined is not a secret, a namespace or a pool', () => {
  const lost = undefined as string | undefined
  const refused = (make: () => unknown) => expect(make).toThrow(expect.objectContaining({ code: 'invalid-option' }))
  const userPoolId = 'eu-west-1_Ab12Cd34e'
  const store = new Map() as never
  // @ts-expect-error: it may be undefined
  refused(() => createGroupSource({ userPoolId, sharedCache: { store, secret: lost } }))
  // @ts-expect-error: it may be undefined
  refused(() => createGroupSource({ userPoolId, sharedCache: { store, namespace: lost } }))
  // @ts-expect-error: it may be undefined
  refused(() => createRoleResolver({ source: () => undefined, userPoolId: lost }))
  // @ts-expect-error: it is missing
  refused(() => createRoleResolver({ source: () => undefined }))
})
