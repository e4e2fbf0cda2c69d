import { inspect } from 'node:util'
import type { CognitoIdentityProviderClientConfig } from '@aws-sdk/client-cognito-identity-provider'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { UserPoolOperation } from '../../../src/cognito/api/api-error.js'
import type { AuditClient } from '../../../src/cognito/api/connection-options.js'
import {
  createUserPoolApi,
  filterOn,
  listGroupsOfUser,
  type UserPoolApi,
  type UserPoolApiOptions,
} from '../../../src/cognito/api/user-pool-api.js'
import type { UserPoolCallOptions } from '../../../src/cognito/api/user-pool-call.js'
import type { ErrorCode } from '../../../src/errors.js'
import {
  type CognitoEndpoint,
  endpointClient,
  type Fault,
  type Quota,
  startCognitoEndpoint,
  subOf,
} from '../cognito-endpoint.js'
import { failureOf } from '../../failure-of.js'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`
const GROUPS = [
  { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
  { groupName: 'a,b', precedence: 4 },
  { groupName: '__proto__' },
]
const USERNAMES = [
  'ann',
  '__proto__',
  'eve@example.com',
  '=HYPERLINK("x")',
  '<b>',
  'a\u202Eb',
  'two words',
  'x'.repeat(128),
  '管理者',
]
const NEVER = new AbortController().signal

let endpoint: CognitoEndpoint
beforeAll(async () => {
  endpoint = await startCognitoEndpoint({ userPoolId })
})
afterAll(() => endpoint.close())

beforeEach(() => {
  endpoint.groups.clear()
  for (const group of GROUPS) endpoint.groups.set(group.groupName, group)
  endpoint.users.clear()
  for (const username of USERNAMES) endpoint.users.set(username, ['a,b', 'admins', '__proto__'])
  endpoint.requests.length = 0
})
afterEach(() => {
  endpoint.mend()
  vi.unstubAllEnvs()
})

const UNLIMITED = {
  requestsPerSecond: Infinity,
  rates: { ListUsers: Infinity, AdminListGroupsForUser: Infinity, DescribeUserPool: Infinity },
}

function apiOf(
  options: Partial<UserPoolApiOptions> = {},
  config: CognitoIdentityProviderClientConfig = {},
): UserPoolApi {
  const client = endpointClient(endpoint, { maxAttempts: 1, ...config })
  return createUserPoolApi({ userPoolId, client, clock: Date.now, onCall: () => {}, ...UNLIMITED, ...options })
}

/** One call of each operation. */
const CALLS: Readonly<Record<UserPoolOperation, (api: UserPoolApi, signal?: AbortSignal) => Promise<unknown>>> = {
  GetGroup: (api, signal = NEVER) => api.getGroup('admins', signal),
  ListGroups: (api, signal = NEVER) => api.listGroups(undefined, signal),
  ListUsers: (api, signal = NEVER) => api.listUsers(undefined, signal),
  ListUsersInGroup: (api, signal = NEVER) => api.listUsersInGroup('admins', undefined, signal),
  AdminListGroupsForUser: (api, signal = NEVER) => api.adminListGroupsForUser('ann', undefined, signal),
  DescribeUserPool: (api, signal = NEVER) => api.describeUserPool(signal),
}
const OPERATIONS = Object.keys(CALLS) as readonly UserPoolOperation[]

describe('reading users', () => {
  test('the usernames come as they are', async () => {
    expect(await apiOf().listUsers(undefined, NEVER)).toEqual({
      users: USERNAMES.map(username => ({ username, sub: subOf(username), enabled: true, status: 'CONFIRMED' })),
      nextToken: undefined,
    })
    expect(await apiOf().listUsersInGroup('a,b', undefined, NEVER)).toEqual({
      usernames: USERNAMES,
      nextToken: undefined,
    })
  })

  test('60 a page, and the token of a page leads to the next', async () => {
    const many = Array.from({ length: 130 }, (_, index) => `u${index}`)
    endpoint.users.clear()
    for (const username of many) endpoint.users.set(username, ['admins'])
    const api = apiOf()
    const listUsers = async (token: string | undefined) => {
      const { users, nextToken } = await api.listUsers(token, NEVER)
      return { usernames: users.map(user => user.username), nextToken }
    }
    const listMembers = async (token: string | undefined) => (await api.listUsersInGroup('admins', token, NEVER))!
    for (const list of [listUsers, listMembers]) {
      const pages: (readonly string[])[] = []
      let token: string | undefined
      do {
        const page = await list(token)
        pages.push(page.usernames)
        token = page.nextToken
      } while (token !== undefined)
      expect(pages.map(page => page.length)).toEqual([60, 60, 10])
      expect(pages.flat()).toEqual(many)
    }
  })

  test('no personal data is asked for, and none of what comes anyway is passed on', async () => {
    const inputs: unknown[] = []
    const user = { Username: 'ann', Attributes: [{ Name: 'email', Value: 'ann@example.com' }] }
    const client: AuditClient = {
      async send(command: { input: unknown }) {
        inputs.push(command.input)
        return { Users: [user] }
      },
    }
    const page = await apiOf({ client }).listUsers('next', NEVER)
    expect(inputs).toEqual([{ UserPoolId: userPoolId, Limit: 60, AttributesToGet: ['sub'], PaginationToken: 'next' }])
    expect(page).toEqual({ users: [{ username: 'ann' }], nextToken: undefined })
  })

  describe('the details of a user', () => {
    const apiOfUsers = (Users: readonly unknown[], attributes?: readonly string[], inputs: unknown[] = []) =>
      apiOf({
        attributes,
        client: { send: async (command: { input: unknown }) => (inputs.push(command.input), { Users }) },
      })
    const attribute = (Name: string, Value?: string | null) => ({ Name, Value })

    test('are the sub, the status, and the attributes that are asked for, in that order', async () => {
      const inputs: unknown[] = []
      const user = {
        Username: 'ann',
        Attributes: [
          attribute('name', 'Ann'),
          attribute('custom:team', ''),
          attribute('sub', '7'),
          attribute('email', 'x'),
        ],
        Enabled: false,
        UserStatus: 'RESET_REQUIRED',
      }
      const { users } = await apiOfUsers([user], ['email', 'phone_number', 'custom:team'], inputs).listUsers(
        undefined,
        NEVER,
      )
      expect(inputs).toMatchObject([{ AttributesToGet: ['sub', 'email', 'phone_number', 'custom:team'] }])
      expect(users).toEqual([
        { username: 'ann', sub: '7', enabled: false, status: 'RESET_REQUIRED', values: ['x', null, ''] },
      ])
    })

    test.each<[string, object]>([
      ['all of them', {}],
      ['with null', { Attributes: null, Enabled: null, UserStatus: null }],
      ['with nothing in them', { Attributes: [], UserStatus: '' }],
      ['with an attribute without a value', { Attributes: [{ Name: 'sub' }, { Name: 'email', Value: null }] }],
    ])('may be left out, as emulators do: %s', async (_what, user) => {
      const { users } = await apiOfUsers([{ Username: 'ann', ...user }]).listUsers(undefined, NEVER)
      expect(users).toEqual([{ username: 'ann' }])
    })

    test.each<[string, object, string]>([
      ['a status that is a number', { UserStatus: 1 }, 'UserStatus'],
      ['an enabled that is a text', { Enabled: 'false' }, 'Enabled'],
      ['a sub that is a number', { Attributes: [{ Name: 'sub', Value: 7 }] }, 'Value'],
      ['attributes that are an object', { Attributes: { sub: '7' } }, 'Attributes'],
      ['half a character in a value', { Attributes: [attribute('email', '\ud800')] }, 'lone surrogate'],
      ['half a character in the status', { UserStatus: 'A\udc00' }, 'lone surrogate'],
      ['two values of one attribute', { Attributes: [attribute('sub', '7'), attribute('sub', '8')] }, 'twice'],
    ])('with %s are a malformed response', async (_what, user, note) => {
      const api = apiOfUsers([{ Username: 'ann', ...user }], ['email'])
      expect(await failureOf(() => api.listUsers(undefined, NEVER))).toMatchObject({
        code: 'malformed-response',
        message: expect.stringContaining(note),
      })
    })

    test('of an attribute that the pool does not have are a rejected request, which says what to check', async () => {
      expect(await failureOf(() => apiOf({ attributes: ['custom:rank'] }).listUsers(undefined, NEVER))).toMatchObject({
        code: 'request-rejected',
        message: expect.stringContaining('the names of the attributes'),
      })
    })
  })

  test.each(['ann', '"', 'a"b', '\\', '\\"', '" or username ^= "', '__proto__'])(
    'a filter on %j finds this user and no other',
    async username => {
      endpoint.users.clear()
      for (const one of ['ann', 'anna', 'ANN', 'a', username, `${username}x`]) endpoint.users.set(one, [])
      const found = await apiOf().listUsers(undefined, NEVER, 0, filterOn('username', '=', username))
      expect(found.users.map(user => user.username)).toEqual([username])
      const begin = await apiOf().listUsers(undefined, NEVER, 0, filterOn('username', '^=', username))
      expect(begin.users.map(user => user.username)).toEqual(
        [...endpoint.users.keys()].filter(name => name.startsWith(username)),
      )
    },
  )

  test('control: without escapes, a name with a quotation mark is no filter', async () => {
    const found = () => apiOf().listUsers(undefined, NEVER, 0, 'username = """')
    expect(await failureOf(found)).toMatchObject({ code: 'request-rejected' })
  })

  test('the groups of a user come with precedence and role, from as many pages as there are', async () => {
    const { groups = [] } = (await apiOf().adminListGroupsForUser('__proto__', undefined, NEVER))!
    expect(groups.toSorted((a, b) => (a.groupName < b.groupName ? -1 : 1))).toEqual([
      { groupName: '__proto__', precedence: null, roleArn: null },
      { groupName: 'a,b', precedence: 4, roleArn: null },
      { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
    ])
    const many = Array.from({ length: 70 }, (_, index) => `g${index}`)
    for (const groupName of many) endpoint.groups.set(groupName, { groupName })
    endpoint.users.set('ann', many)
    const first = await apiOf().adminListGroupsForUser('ann', undefined, NEVER)
    const second = await apiOf().adminListGroupsForUser('ann', first!.nextToken, NEVER)
    expect(second!.nextToken).toBeUndefined()
    expect([...first!.groups, ...second!.groups].map(group => group.groupName).toSorted()).toEqual(many.toSorted())
  })

  test('the pool tells its size, its name, its account and its region, or does not', async () => {
    expect(await apiOf().describeUserPool(NEVER)).toEqual({
      estimatedUsers: USERNAMES.length,
      name: 'simulated',
      account: '111122223333',
      region: 'eu-west-1',
    })
    const none = { estimatedUsers: undefined, name: undefined, account: undefined, region: undefined }
    for (const pool of [{}, { Name: '', Arn: null }, { Arn: 'arn:aws:cognito-idp:local:local:userpool/local_1' }]) {
      endpoint.fail({ body: JSON.stringify({ UserPool: pool }) }, { times: 1 })
      expect(await apiOf().describeUserPool(NEVER)).toEqual(none)
    }
    endpoint.fail({ body: '{"UserPool":{"Arn":"arn:aws-us-gov:cognito-idp:us-gov-west-1:000000000012:userpool/x"}}' })
    expect(await apiOf().describeUserPool(NEVER)).toMatchObject({ account: '000000000012', region: 'us-gov-west-1' })
  })

  test('a group or a user that is gone is a result, not a failure', async () => {
    expect(await apiOf().listUsersInGroup('ghost', undefined, NEVER)).toBeUndefined()
    expect(await apiOf().adminListGroupsForUser('ghost', undefined, NEVER)).toBeUndefined()
  })

  test('a server that fails says nothing about what exists', async () => {
    endpoint.fail(
      { error: 'ResourceNotFoundException', message: 'Group not found.', status: 500 },
      { operation: 'GetGroup' },
    )
    endpoint.fail(
      { error: 'UserNotFoundException', message: 'User does not exist.', status: 503 },
      { operation: 'AdminListGroupsForUser' },
    )
    const api = apiOf()
    for (const call of [() => api.getGroup('admins', NEVER), () => api.adminListGroupsForUser('ann', undefined, NEVER)])
      expect(await failureOf(call)).toMatchObject({ code: 'service-error', retryable: true })
  })

  const answering = (send: () => Promise<unknown>) =>
    createUserPoolApi({
      userPoolId,
      clock: Date.now,
      onCall: () => {},
      client: { send },
      rates: { AdminListGroupsForUser: Infinity },
    })
  const OTHER = 'eu-west-1_Other1234'

  test.each<[string, object, (api: UserPoolApi) => Promise<unknown>]>([
    ['GetGroup', { Group: { GroupName: 'a', UserPoolId: OTHER } }, api => api.getGroup('a', NEVER)],
    ['ListGroups', { Groups: [{ GroupName: 'a', UserPoolId: OTHER }] }, api => api.listGroups(undefined, NEVER)],
    [
      'AdminListGroupsForUser',
      { Groups: [{ GroupName: 'a', UserPoolId: OTHER }] },
      api => api.adminListGroupsForUser('ann', undefined, NEVER),
    ],
  ])('a group of another pool is a malformed response: %s', async (_, response, call) => {
    expect(await failureOf(() => call(answering(async () => response)))).toMatchObject({
      code: 'malformed-response',
      value: OTHER,
    })
  })

  test('a group that comes twice on a page with different contents is a malformed response', async () => {
    const first = { GroupName: 'admins', Precedence: 1, RoleArn: role('Admin') }
    const readPage = (second: object) =>
      answering(async () => ({ Groups: [first, second] })).listGroups(undefined, NEVER)
    expect(await failureOf(() => readPage({ ...first, Precedence: 2 }))).toMatchObject({ code: 'malformed-response' })
    expect(await failureOf(() => readPage({ ...first, RoleArn: role('Other') }))).toMatchObject({ value: 'admins' })
    expect((await readPage(first)).groups, 'control: the same twice').toHaveLength(2)
  })

  test('a user in more groups than a pool can have is a malformed response, however many pages come', async () => {
    let page = 0
    const api = answering(async () => ({
      Groups: Array.from({ length: 60 }, (_, index) => ({ GroupName: `g${page}-${index}` })),
      NextToken: `${page++}`,
    }))
    expect(await failureOf(() => listGroupsOfUser(api, 'ann', NEVER))).toMatchObject({ code: 'malformed-response' })
  })

  test.each(OPERATIONS)('a pool that is gone is not a group or a user that is gone: %s', async operation => {
    const api = apiOf({ userPoolId: 'eu-west-1_Other' })
    expect(await failureOf(() => CALLS[operation](api))).toMatchObject({ code: 'pool-not-found', retryable: false })
  })

  const withoutUser = OPERATIONS.filter(operation => operation !== 'AdminListGroupsForUser')
  test.each(withoutUser)('no user is looked up by %s, so none is missing', async operation => {
    endpoint.fail({ error: 'UserNotFoundException', message: 'User does not exist.' })
    expect(await failureOf(() => CALLS[operation](apiOf()))).toMatchObject({ code: 'request-rejected' })
  })

  test('each call is told, with its operation and its group', async () => {
    const told: unknown[][] = []
    const api = apiOf({ onCall: (...call) => void told.push(call) })
    for (const operation of OPERATIONS) await CALLS[operation](api)
    expect(told).toEqual([
      ['GetGroup', 'admins'],
      ['ListGroups', undefined],
      ['ListUsers', undefined],
      ['ListUsersInGroup', 'admins'],
      ['AdminListGroupsForUser', undefined],
      ['DescribeUserPool', undefined],
    ])
  })
})

describe('failures', () => {
  const faults: readonly [Fault, ErrorCode, retryable: boolean][] = [
    ['throttle', 'throttled', true],
    ['internal', 'service-error', true],
    ['access-denied', 'not-authorized', false],
    ['expired-token', 'not-authorized', false],
    ['drop', 'unreachable', true],
    ['html-200', 'malformed-response', false],
    ['html-502', 'malformed-response', true],
    ['malformed-json', 'malformed-response', false],
    ['empty-200', 'malformed-response', false],
    ['no-group', 'malformed-response', false],
    [{ error: 'InvalidParameterException' }, 'request-rejected', false],
    [{ error: 'OperationNotEnabledException' }, 'request-rejected', false],
  ]
  describe.each(OPERATIONS)('%s', operation => {
    test.each(faults)('after %j it is %s, in the name of the operation', async (fault, code, retryable) => {
      endpoint.fail(fault)
      const error = await failureOf(() => CALLS[operation](apiOf()))
      expect(error).toMatchObject({ code, retryable })
      expect(error.message).toMatch(
        new RegExp(`^${operation} (on|for (group|user) \`\\w+\` of) user pool \`${userPoolId}\` .+; .+`),
      )
    })

    test('where it is not allowed, its own permission is named', async () => {
      endpoint.fail('access-denied')
      const { message } = await failureOf(() => CALLS[operation](apiOf()))
      expect(message).toContain(`; allow cognito-idp:${operation} `)
    })

    test('it ends after its time', async () => {
      endpoint.fail('hang')
      expect(await failureOf(() => CALLS[operation](apiOf({ timeout: 30 })))).toMatchObject({
        code: 'timeout',
        retryable: true,
      })
    })

    test("it ends with the caller's signal, while it waits and while it runs", async () => {
      endpoint.fail('hang')
      const api = apiOf({ concurrency: 1 })
      const caller = new AbortController()
      const reason = new Error('enough')
      const both = [
        failureOf(() => CALLS[operation](api, caller.signal)),
        failureOf(() => CALLS[operation](api, caller.signal)),
      ]
      await vi.waitFor(() => expect(endpoint.requests).toHaveLength(1), { timeout: 4_000 })
      caller.abort(reason)
      for (const error of await Promise.all(both)) {
        expect(error).toMatchObject({ code: 'aborted', retryable: false })
        expect(error.cause).toBe(reason)
      }
      expect(endpoint.requests).toHaveLength(1)
    })

    test('no credential is left in a failure, however deep one looks', async () => {
      const credentials = {
        accessKeyId: 'AKIDLOCAL',
        secretAccessKey: 'local-secret',
        sessionToken: 'local-session-token',
      }
      endpoint.fail('access-denied')
      const error = await failureOf(() => CALLS[operation](apiOf({}, { credentials })))
      expect(inspect(error, { depth: Infinity, showHidden: true })).not.toMatch(
        /AKIDLOCAL|local-secret|local-session-token/,
      )
    })
  })

  const malformed: readonly [UserPoolOperation, body: string, note: string][] = [
    ['ListUsers', '{"Users":[{}]}', 'Users.0.Username: '],
    ['ListUsers', '{"Users":[{"Username":""}]}', 'Users.0.Username: '],
    ['ListUsers', '{"Users":[{"Username":7}]}', 'Users.0.Username: '],
    ['ListUsers', '{"Users":[],"PaginationToken":""}', 'PaginationToken: '],
    ['ListUsersInGroup', '{"Users":[{"Username":"a"},{"Name":"b"}]}', 'Users.1.Username: '],
    ['ListUsersInGroup', '{"Users":[],"NextToken":""}', 'NextToken: '],
    ['AdminListGroupsForUser', '{"Groups":[{"GroupName":"a","Precedence":"7"}]}', 'Groups.0.Precedence: '],
    ['AdminListGroupsForUser', '{"Groups":[{"Precedence":7}]}', 'Groups.0.GroupName: '],
    ['DescribeUserPool', '{"UserPool":{"EstimatedNumberOfUsers":-1}}', 'UserPool.EstimatedNumberOfUsers: '],
    ['DescribeUserPool', '{"UserPool":{"EstimatedNumberOfUsers":1.5}}', 'UserPool.EstimatedNumberOfUsers: '],
    [
      'DescribeUserPool',
      '{"UserPool":{"Id":"eu-west-1_Other","EstimatedNumberOfUsers":1}}',
      'it is about another user pool',
    ],
  ]
  test.each(malformed)(
    '%s: %s is a malformed response, and nothing is made up in its place',
    async (operation, body, note) => {
      endpoint.fail({ body })
      const error = await failureOf(() => CALLS[operation](apiOf()))
      expect(error.code).toBe('malformed-response')
      expect(error.message).toContain(`(${note}`)
    },
  )

  test('an expired token says to start again', async () => {
    for (let index = 0; index < 60; index++) endpoint.users.set(`u${index}`, [])
    const { nextToken } = await apiOf().listUsers(undefined, NEVER)
    endpoint.expireTokens()
    const error = await failureOf(() => apiOf().listUsers(nextToken, NEVER))
    expect(error).toMatchObject({ code: 'request-rejected', retryable: false })
    expect(error.message).toBe(
      `ListUsers on user pool \`${userPoolId}\` was rejected as invalid (Invalid pagination token given.); ` +
        'check the user pool ID and the names of the attributes, or start again with the first page: pagination tokens expire',
    )
  })

  test('a username of control characters and endless length does not break the message', async () => {
    endpoint.fail('access-denied')
    const { message } = await failureOf(() =>
      apiOf().adminListGroupsForUser(`a\n\u001b[31m\u202e${'x'.repeat(5_000)}`, undefined, NEVER),
    )
    expect(message).toMatch(
      /^AdminListGroupsForUser for user `a\\u\{a\}\\u\{1b\}\[31m\\u\{202e\}x{10,}…` \(5008 characters\) of user pool/,
    )
    expect(message.length).toBeLessThan(1_000)
  })
})

describe('quotas', () => {
  /** Runs calls at the default rates against an endpoint with these quotas, and says which operations were throttled. */
  async function throttledBy(quota: Quota) {
    const users = Array.from({ length: 110 }, (_, index) => ({ username: `u${index}`, groups: ['admins'] }))
    await using strict = await startCognitoEndpoint({ userPoolId, groups: GROUPS, users, quota, latency: 50 })
    const client = endpointClient(strict, { maxAttempts: 1 })
    const api = createUserPoolApi({ userPoolId, client, clock: Date.now, onCall: () => {} })
    const calls = [
      ...users.map(({ username }) => api.adminListGroupsForUser(username, undefined, NEVER)),
      ...users
        .slice(0, 35)
        .flatMap(() => [api.listUsers(undefined, NEVER), api.listUsersInGroup('admins', undefined, NEVER)]),
      ...Array.from({ length: 4 }, () => [api.getGroup('admins', NEVER), api.listGroups(undefined, NEVER)]).flat(),
      api.describeUserPool(NEVER),
    ]
    await Promise.allSettled(calls)
    client.destroy()
    expect(strict.requests).toHaveLength(calls.length)
    return new Set(strict.requests.filter(request => request.throttled).map(request => request.operation))
  }

  test('at the default rates Cognito is never made to throttle', async () => {
    expect(await throttledBy({ ListGroups: 5, ListUsers: 30, AdminListGroupsForUser: 50 })).toEqual(new Set())
  })

  test('control: with quotas of less it is, each on its own', async () => {
    expect(await throttledBy({ ListUsers: 3 })).toEqual(new Set(['ListUsers', 'ListUsersInGroup']))
    expect(await throttledBy({ AdminListGroupsForUser: 5 })).toEqual(new Set(['AdminListGroupsForUser']))
  })

  test('a quota that is used up holds no other', async () => {
    const api = apiOf({
      requestsPerSecond: 0.001,
      rates: { ListUsers: 0.001, AdminListGroupsForUser: 0.001, DescribeUserPool: 0.001 },
    })
    for (const operation of ['ListGroups', 'ListUsers', 'AdminListGroupsForUser', 'DescribeUserPool'] as const)
      await CALLS[operation](api)
    const caller = new AbortController()
    const waiting = (['GetGroup', 'ListUsersInGroup'] as const).map(operation =>
      failureOf(() => CALLS[operation](api, caller.signal)),
    )
    await new Promise(resolve => {
      setTimeout(resolve, 50)
    })
    caller.abort()
    for (const error of await Promise.all(waiting)) expect(error.code).toBe('aborted')
    expect(endpoint.requests).toHaveLength(4)
  })

  test('of the listings that wait for one quota, the one with the highest priority is next', async () => {
    const api = apiOf({ rates: { ListUsers: Infinity }, concurrency: 1 })
    await Promise.all([
      api.listUsers(undefined, NEVER),
      api.listUsersInGroup('a,b', undefined, NEVER),
      api.listUsersInGroup('admins', undefined, NEVER, 1),
      api.listUsers(undefined, NEVER, 2),
    ])
    expect(endpoint.requests.map(request => request.groupName ?? request.operation)).toEqual([
      'ListUsers',
      'ListUsers',
      'admins',
      'a,b',
    ])
  })

  test.each([
    [{ rates: { ListUsers: 0 } }, '`ListUsers` is `0`'],
    [{ rates: { AdminListGroupsForUser: NaN } }, '`AdminListGroupsForUser` is `NaN`'],
    [{ rates: { DescribeUserPool: -1 } }, '`DescribeUserPool` is `-1`'],
    [{ requestsPerSecond: 0 }, '`requestsPerSecond` is `0`'],
    [{ concurrency: 0 }, '`concurrency` is `0`'],
  ])('%j is rejected', async (options, said) => {
    const error = await failureOf(() => apiOf(options))
    expect(error.code).toBe('invalid-option')
    expect(error.message).toContain(said)
  })
})

describe('the client that is made', () => {
  beforeEach(() => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'local')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local')
  })
  const made = (options: Partial<UserPoolCallOptions> = {}) =>
    apiOf({ client: undefined, endpoint: endpoint.url, ...options })

  test('tries once where it is told to, so that each request keeps to the rate', async () => {
    endpoint.fail('internal', { times: 1 })
    expect(await failureOf(() => made({ maxAttempts: 1 }).listUsers(undefined, NEVER))).toMatchObject({
      code: 'service-error',
    })
    expect(endpoint.requests).toHaveLength(1)
  })

  test('control: else it tries again by itself', async () => {
    endpoint.fail('internal', { times: 1 })
    await made().listUsers(undefined, NEVER)
    expect(endpoint.requests).toHaveLength(2)
  })
})
