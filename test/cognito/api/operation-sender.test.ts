import type { CognitoIdentityProvider, CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider'
import { describe, expect, expectTypeOf, test, vi } from 'vitest'
import type { AuditClient, CognitoClient, CognitoOperations } from '../../../src/cognito/api/connection-options.js'
import { createLightClient, type LightClient } from '../../../src/cognito/api/light-client.js'
import { createUserPoolApi } from '../../../src/cognito/api/user-pool-api.js'
import { createGroupSource, type GroupSourceOptions } from '../../../src/cognito/groups/group-source.js'
import { createRoleResolver, type RoleResolverOptions } from '../../../src/cognito/groups/role-resolver.js'
import { errorOf, failureOf } from '../../failure-of.js'

const sdk = vi.hoisted(() => ({ loads: 0 }))
vi.mock('@aws-sdk/client-cognito-identity-provider', async original => {
  sdk.loads++
  return original()
})

const userPoolId = 'eu-west-1_Ab12Cd34e'
const NEVER = new AbortController().signal
const groupOf = (name: string) => ({ GroupName: name, Precedence: 1 })
const named = (name: string, message: string) => Object.assign(new Error(message), { name })
/** As many as make a source read a page. */
const MANY = Array.from({ length: 10 }, (_, index) => `g${index}`)

const getGroup: NonNullable<CognitoOperations['getGroup']> = async ({ GroupName }) => ({ Group: groupOf(GroupName) })
const apiOf = (client: CognitoClient | CognitoOperations) =>
  createUserPoolApi({ userPoolId, client, clock: Date.now, onCall: () => {}, requestsPerSecond: Infinity })

describe('a client with operations of its own', () => {
  test('is called with the input of the API and a signal, and the SDK is not loaded', async () => {
    const calls: unknown[] = []
    const client: CognitoOperations = {
      async getGroup(input, options) {
        calls.push(['getGroup', input, options])
        return { Group: groupOf('admins') }
      },
      async listGroups(input, options) {
        calls.push(['listGroups', input, options])
        return { Groups: [], NextToken: 'next' }
      },
      async adminListGroupsForUser(input, options) {
        calls.push(['adminListGroupsForUser', input, options])
        return { Groups: [] }
      },
    }
    const api = apiOf(client)
    expect(await api.getGroup('admins', NEVER)).toMatchObject({ group: { groupName: 'admins', precedence: 1 } })
    expect(await api.listGroups('token', NEVER)).toMatchObject({ groups: [], nextToken: 'next' })
    expect(await api.adminListGroupsForUser('ann', undefined, NEVER)).toMatchObject({ groups: [] })
    const to = { abortSignal: expect.any(AbortSignal) as unknown }
    expect(calls).toEqual([
      ['getGroup', { UserPoolId: userPoolId, GroupName: 'admins' }, to],
      ['listGroups', { UserPoolId: userPoolId, Limit: 60, NextToken: 'token' }, to],
      ['adminListGroupsForUser', { UserPoolId: userPoolId, Limit: 60, Username: 'ann' }, to],
    ])
    expect(sdk.loads, 'this is the first test of the file').toBe(0)
  })

  test('control: one with only `send` gets a command of the SDK', async () => {
    const commands: unknown[] = []
    const send = async (command: { readonly input: unknown }) => {
      commands.push([command.constructor.name, command.input])
      return { Group: groupOf('admins') }
    }
    await apiOf({ send }).getGroup('admins', NEVER)
    expect(commands).toEqual([['GetGroupCommand', { UserPoolId: userPoolId, GroupName: 'admins' }]])
    expect(sdk.loads).toBe(1)
  })

  test('uses `send` only for what it has no operation for', async () => {
    const sent: string[] = []
    const send = async (command: { readonly input: unknown }) => {
      sent.push(command.constructor.name)
      return { Groups: [] }
    }
    const api = apiOf({ getGroup, send })
    await api.getGroup('admins', NEVER)
    expect(sent).toEqual([])
    await api.listGroups(undefined, NEVER)
    expect(sent).toEqual(['ListGroupsCommand'])
  })

  test('is called as the object that it is', async () => {
    class Own {
      readonly #name = 'admins'
      async getGroup() {
        return { Group: groupOf(this.#name) }
      }
    }
    expect(await apiOf(new Own()).getGroup('admins', NEVER)).toMatchObject({ group: { groupName: 'admins' } })
  })

  test('says that a group does not exist as the SDK does, and fails otherwise', async () => {
    const source = createGroupSource({
      userPoolId,
      client: {
        async getGroup({ GroupName }) {
          throw GroupName === 'ghost'
            ? named('ResourceNotFoundException', 'Group not found.')
            : named('AccessDeniedException', 'no')
        },
      },
    })
    expect(await source('ghost')).toBeUndefined()
    expect(await failureOf(async () => source('admins'))).toMatchObject({ code: 'not-authorized' })
  })

  test('that ignores its signal still ends with it, and with the timeout', async () => {
    const source = createGroupSource({ userPoolId, timeout: 20, client: { getGroup: () => new Promise(() => {}) } })
    expect(await failureOf(async () => source('admins'))).toMatchObject({ code: 'timeout' })
  })

  test('that throws, or that returns no promise, fails as a rejection', async () => {
    const throwing = {
      getGroup(): Promise<unknown> {
        throw new TypeError('no')
      },
    }
    expect(await failureOf(() => apiOf(throwing).getGroup('a', NEVER))).toMatchObject({ code: 'unexpected' })
    const sync = { getGroup: () => ({ Group: groupOf('a') }) } as never
    expect(await apiOf(sync).getGroup('a', NEVER)).toMatchObject({ group: { groupName: 'a' } })
  })
})

describe('an operation that a client lacks', () => {
  test('is a failure that says what to give, and no TypeError', async () => {
    const api = apiOf({ getGroup })
    for (const [method, call] of [
      ['listGroups', () => api.listGroups(undefined, NEVER)],
      ['adminListGroupsForUser', () => api.adminListGroupsForUser('ann', undefined, NEVER)],
      ['listUsers', () => api.listUsers(undefined, NEVER)],
      ['describeUserPool', () => api.describeUserPool(NEVER)],
    ] as const) {
      const error = await failureOf(call)
      expect(error).toMatchObject({ code: 'invalid-option', retryable: false, value: method })
      expect(error.message).toMatch(new RegExp(`^the \`client\` has no \`${method}\`, which \\w+ needs; give one that`))
    }
  })

  test('does not keep a source from its groups: without listGroups it asks for each', async () => {
    const asked: string[] = []
    const resolver = createRoleResolver({
      userPoolId,
      requestsPerSecond: 1_000,
      client: {
        getGroup(input, options) {
          asked.push(input.GroupName)
          return getGroup(input, options)
        },
      },
    })
    expect(await resolver.warm()).toMatchObject({ groups: 0, error: { code: 'invalid-option' } })
    await resolver.resolve(MANY)
    expect(asked).toEqual(MANY)
  })

  test.each([[{}], [null], ['light'], [7], [true], [[]], [{ send: 'x' }], [{ GetGroup: () => {} }]])(
    'a client without any operation, %j, is rejected before any call',
    client => {
      const error = errorOf(() => createGroupSource({ userPoolId, client: client as never }))
      // An object may be credentials.
      const value = Object(client) === client ? undefined : client
      expect(error).toMatchObject({ code: 'invalid-option', value })
      expect(error.message).toMatch(
        /^`client` is .+; give a `CognitoIdentityProviderClient` or `createLightClient\(\)`/,
      )
    },
  )
})

describe('types', () => {
  test('the clients of the SDK, the light one and mocks are clients', () => {
    expectTypeOf<CognitoIdentityProviderClient>().toExtend<CognitoClient>()
    expectTypeOf<CognitoIdentityProviderClient>().toExtend<AuditClient>()
    expectTypeOf<CognitoIdentityProvider>().toExtend<AuditClient>()
    expectTypeOf<CognitoIdentityProvider>().toExtend<Required<CognitoOperations>>()
    expectTypeOf<LightClient>().toExtend<Required<CognitoOperations>>()
    for (const client of [createLightClient(), { send: async () => ({}) }, { getGroup }] as const) {
      expectTypeOf({ userPoolId, client }).toExtend<GroupSourceOptions>()
      expectTypeOf({ userPoolId, client }).toExtend<RoleResolverOptions>()
    }
    expectTypeOf<{ client: { getGrop(): Promise<unknown> } }>().not.toExtend<Pick<GroupSourceOptions, 'client'>>()
  })
})
