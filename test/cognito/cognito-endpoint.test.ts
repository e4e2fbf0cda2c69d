import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  AdminListGroupsForUserCommand,
  type CognitoIdentityProviderClient,
  DescribeUserPoolCommand,
  GetGroupCommand,
  ListGroupsCommand,
  type ListGroupsCommandInput,
  ListUserPoolsCommand,
  ListUsersCommand,
  type ListUsersCommandInput,
  ListUsersInGroupCommand,
  paginateListGroups,
} from '@aws-sdk/client-cognito-identity-provider'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type CognitoEndpoint,
  type CognitoEndpointOptions,
  endpointClient,
  type Fault,
  startCognitoEndpoint,
  subOf,
} from './cognito-endpoint.js'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const roleArn = 'arn:aws:iam::123456789012:role/admin'
const groups = [
  { groupName: 'admins', precedence: 0, roleArn },
  { groupName: 'staff' },
  { groupName: '__proto__', precedence: 3 },
]

let endpoint: CognitoEndpoint
let client: CognitoIdentityProviderClient

async function restart(options: Partial<CognitoEndpointOptions> = {}) {
  client?.destroy()
  await endpoint?.close()
  endpoint = await startCognitoEndpoint({ userPoolId, groups, ...options })
  client = endpointClient(endpoint, { fastRetry: true })
}

beforeEach(() => restart())
afterEach(async () => {
  client.destroy()
  await endpoint.close()
})

const get = (GroupName = 'admins', abortSignal?: AbortSignal) =>
  client.send(new GetGroupCommand({ UserPoolId: userPoolId, GroupName }), { ...(abortSignal && { abortSignal }) })
const list = (input: Partial<ListGroupsCommandInput> = {}) =>
  client.send(new ListGroupsCommand({ UserPoolId: userPoolId, ...input }))
const names = ({ Groups = [] }: Awaited<ReturnType<typeof list>>) => Groups.map(group => group.GroupName)
const manyGroups = Array.from({ length: 130 }, (_, index) => ({ groupName: `g${index}` }))

describe('responses', () => {
  test('a group as Cognito gives it', async () => {
    const { Group, $metadata } = await get()
    expect(Group).toMatchObject({
      GroupName: 'admins',
      UserPoolId: userPoolId,
      Precedence: 0,
      RoleArn: roleArn,
      CreationDate: expect.any(Date),
    })
    expect($metadata).toMatchObject({
      httpStatusCode: 200,
      attempts: 1,
      requestId: expect.stringMatching(/^[\da-f-]{36}$/),
    })
  })

  test('what is not set is a missing key', async () => {
    const { Group } = await get('staff')
    expect(Object.keys(Group ?? {})).toEqual(['GroupName', 'UserPoolId', 'LastModifiedDate', 'CreationDate'])
  })

  test('any name is only a name', async () => {
    expect((await get('__proto__')).Group?.Precedence).toBe(3)
    await expect(get('constructor')).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
  })

  test.each([
    ['group', { GroupName: 'nobody' }, 'Group not found.'],
    ['pool', { UserPoolId: 'eu-west-1_Other' }, 'User pool ID does not exist.'],
  ])('a missing %s', async (_what, input, message) => {
    const command = new GetGroupCommand({ UserPoolId: userPoolId, GroupName: 'admins', ...input })
    const $metadata = expect.objectContaining({ httpStatusCode: 400, attempts: 1 })
    await expect(client.send(command)).rejects.toMatchObject({ name: 'ResourceNotFoundException', message, $metadata })
  })

  test('a name that Cognito could not have, an unknown operation', async () => {
    await expect(get('two words')).rejects.toMatchObject({ name: 'InvalidParameterException' })
    await expect(client.send(new ListUserPoolsCommand({ MaxResults: 1 }))).rejects.toMatchObject({
      name: 'UnknownOperationException',
    })
  })

  test('the pool may change while it runs', async () => {
    endpoint.groups.set('new', { groupName: 'new', precedence: 9 })
    endpoint.groups.delete('admins')
    expect((await get('new')).Group?.Precedence).toBe(9)
    await expect(get('admins')).rejects.toThrow('Group not found.')
  })

  test('requests are logged in order', async () => {
    await get()
    await list({ Limit: 1 }).then(({ NextToken }) => list({ NextToken }))
    const [{ at: first = NaN } = {}, { at: second = NaN } = {}] = endpoint.requests
    expect(endpoint.requests).toMatchObject([
      { operation: 'GetGroup', groupName: 'admins' },
      { operation: 'ListGroups' },
      { operation: 'ListGroups', nextToken: expect.any(String) },
    ])
    expect(second).toBeGreaterThan(first)
  })

  test('a body that is not JSON', async () => {
    const response = await fetch(endpoint.url, { method: 'POST', body: '{' })
    expect([response.status, await response.json()]).toEqual([400, { __type: 'SerializationException', message: '' }])
  })
})

describe('paging', () => {
  beforeEach(() => restart({ groups: manyGroups }))

  test('60 groups a page, each once, in order', async () => {
    const pages = []
    for await (const page of paginateListGroups({ client }, { UserPoolId: userPoolId })) pages.push(names(page))
    expect(pages.map(page => page.length)).toEqual([60, 60, 10])
    expect(pages.flat()).toEqual(manyGroups.map(group => group.groupName))
  })

  test('the last page has no token, nor has an empty pool', async () => {
    expect(await list({ Limit: 60 })).toHaveProperty('NextToken')
    endpoint.groups.clear()
    expect(await list()).toEqual({ Groups: [], $metadata: expect.anything() })
  })

  test('a group that goes between two pages moves no other', async () => {
    const { NextToken } = await list({ Limit: 2 })
    endpoint.groups.delete('g0')
    endpoint.groups.delete('g3')
    expect(names(await list({ NextToken, Limit: 3 }))).toEqual(['g2', 'g4'])
  })

  test('a token is opaque, may be used twice, and is rejected if it is not from here', async () => {
    const { NextToken = '' } = await list({ Limit: 2 })
    expect(NextToken).toMatch(/^[\da-f-]{36}$/)
    expect(names(await list({ NextToken }))).toEqual(names(await list({ NextToken })))
    const tampered = NextToken.replace(/.$/, last => (last === '0' ? '1' : '0'))
    for (const token of [tampered, '2', '__proto__']) {
      await expect(list({ NextToken: token })).rejects.toMatchObject({
        name: 'InvalidParameterException',
        message: 'Invalid pagination token given.',
      })
    }
  })

  test.each([61, -1, 1.5])('limit %d is rejected', async Limit => {
    await expect(list({ Limit })).rejects.toMatchObject({ name: 'InvalidParameterException' })
  })
})

describe('users', () => {
  const users = [
    { username: 'ann', groups: ['staff', 'admins'] },
    { username: '__proto__', groups: ['staff'] },
    { username: 'bob', groups: ['staff', 'gone'] },
    { username: 'eve', groups: [] },
  ]
  const many = Array.from({ length: 130 }, (_, index) => ({ username: `u${index}`, groups: ['staff'] }))
  beforeEach(() => restart({ users }))

  const listUsers = (input: Partial<ListUsersCommandInput> = {}) =>
    client.send(new ListUsersCommand({ UserPoolId: userPoolId, ...input }))
  const members = (GroupName: string, input: { Limit?: number; NextToken?: string | undefined } = {}) =>
    client.send(new ListUsersInGroupCommand({ UserPoolId: userPoolId, GroupName, ...input }))
  const groupsOf = (Username: string, input: { Limit?: number; NextToken?: string | undefined } = {}) =>
    client.send(new AdminListGroupsForUserCommand({ UserPoolId: userPoolId, Username, ...input }))
  const usernames = ({ Users = [] }: { Users?: { Username?: string | undefined }[] | undefined }) =>
    Users.map(user => user.Username)

  test('a user as Cognito gives it, with the attributes asked for', async () => {
    const { Users: [ann] = [] } = await listUsers()
    expect(ann).toMatchObject({
      Username: 'ann',
      Enabled: true,
      UserStatus: 'CONFIRMED',
      UserCreateDate: expect.any(Date),
    })
    expect(ann?.Attributes?.map(attribute => attribute.Name)).toEqual(['sub', 'email'])
    const { Users: [sparse] = [] } = await listUsers({ AttributesToGet: ['sub'] })
    expect(sparse?.Attributes?.map(attribute => attribute.Name)).toEqual(['sub'])
    await expect(listUsers({ AttributesToGet: ['custom:rank'] })).rejects.toMatchObject({
      name: 'InvalidParameterException',
    })
  })

  test('a user as it was told to be, and all attributes in the list of a group', async () => {
    const attributes = { sub: 'other', email: undefined, 'custom:team': '7' }
    endpoint.details.set('ann', { enabled: false, status: 'ARCHIVED', attributes })
    const expected = {
      Enabled: false,
      UserStatus: 'ARCHIVED',
      Attributes: [
        { Name: 'sub', Value: 'other' },
        { Name: 'custom:team', Value: '7' },
      ],
    }
    expect((await listUsers()).Users?.[0]).toMatchObject(expected)
    expect((await members('staff')).Users?.[0]).toMatchObject(expected)
    expect((await listUsers({ AttributesToGet: ['custom:team'] })).Users?.[1]?.Attributes).toEqual([])
  })

  test.each([
    ['username = "ann"', ['ann']],
    ['username ^= "b"', ['bob']],
    ['username = "Ann"', []],
    [`sub = "${subOf('eve')}"`, ['eve']],
    [`sub ^= "${subOf('eve').slice(0, 3)}"`, ['eve']],
  ])('a filter lists the users that match: %s', async (Filter, expected) => {
    expect(usernames(await listUsers({ Filter }))).toEqual(expected)
    expect(endpoint.requests.at(-1)).toMatchObject({ operation: 'ListUsers', filter: Filter })
  })

  test('the parts by the first digit of `sub` are all users, each once', async () => {
    await restart({ users: many })
    const parts = await Promise.all(
      Array.from({ length: 16 }, (_, digit) => listUsers({ Filter: `sub ^= "${digit.toString(16)}"` })),
    )
    expect(parts.flatMap(usernames).toSorted()).toEqual(many.map(user => user.username).toSorted())
  })

  test.each(['ann', 'username = ann', 'username != "ann"', 'email = "x"', 'username = "a"b"', 'username = "a\\"'])(
    'an invalid filter is rejected: %s',
    async Filter => {
      await expect(listUsers({ Filter })).rejects.toMatchObject({ name: 'InvalidParameterException' })
    },
  )

  test('a token is good for its filter only', async () => {
    await restart({ users: many })
    const { PaginationToken } = await listUsers({ Filter: 'username ^= "u"' })
    expect(usernames(await listUsers({ Filter: 'username ^= "u"', PaginationToken }))).toHaveLength(60)
    await expect(listUsers({ PaginationToken })).rejects.toMatchObject({ name: 'InvalidParameterException' })
  })

  test('a user is found by the sub, and by an alias that the pool has', async () => {
    expect(names(await groupsOf(subOf('ann'))).toSorted()).toEqual(['admins', 'staff'])
    await expect(groupsOf('ann@example.com')).rejects.toMatchObject({ name: 'UserNotFoundException' })
    await restart({ users, hasEmailAlias: true })
    expect(names(await groupsOf('ann@example.com')).toSorted()).toEqual(['admins', 'staff'])
  })

  test('users, the members of a group, and the groups of a user are the same memberships', async () => {
    expect(usernames(await listUsers())).toEqual(['ann', '__proto__', 'bob', 'eve'])
    expect(usernames(await members('staff'))).toEqual(['ann', '__proto__', 'bob'])
    expect(usernames(await members('admins'))).toEqual(['ann'])
    expect(names(await groupsOf('ann')).toSorted()).toEqual(['admins', 'staff'])
    expect((await groupsOf('ann')).Groups).toContainEqual(
      expect.objectContaining({ GroupName: 'admins', Precedence: 0, RoleArn: roleArn }),
    )
    expect(names(await groupsOf('__proto__'))).toEqual(['staff'])
    expect(names(await groupsOf('eve'))).toEqual([])
    expect(names(await groupsOf('bob')), 'a group that the pool does not have').toEqual(['staff'])
  })

  test('no such group, no such user, no such pool', async () => {
    await expect(members('nobody')).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Group not found.',
    })
    await expect(groupsOf('constructor')).rejects.toMatchObject({
      name: 'UserNotFoundException',
      message: 'User does not exist.',
    })
    await expect(groupsOf('x'.repeat(129))).rejects.toMatchObject({ name: 'InvalidParameterException' })
    await expect(listUsers({ UserPoolId: 'eu-west-1_Other' })).rejects.toMatchObject({
      message: 'User pool ID does not exist.',
    })
  })

  test('the order of the groups of a user is the same each time, and not always that of the pool', async () => {
    const groupNames = manyGroups.slice(0, 10).map(group => group.groupName)
    await restart({ groups: manyGroups, users: [{ username: 'ann', groups: groupNames }] })
    const order = names(await groupsOf('ann'))
    expect(order.toSorted()).toEqual(groupNames.toSorted())
    expect(order).not.toEqual(groupNames)
    expect(names(await groupsOf('ann'))).toEqual(order)
  })

  test('60 a page, and a token is good for its own listing only', async () => {
    const ann = { username: 'ann', groups: manyGroups.map(group => group.groupName) }
    await restart({ groups: [...groups, ...manyGroups], users: [...many, ann] })
    const first = await listUsers()
    const second = await listUsers({ PaginationToken: first.PaginationToken })
    const third = await listUsers({ PaginationToken: second.PaginationToken })
    expect([first, second, third].map(page => usernames(page).length)).toEqual([60, 60, 11])
    expect(new Set([first, second, third].flatMap(usernames)).size).toBe(131)
    expect(third).not.toHaveProperty('PaginationToken')
    const { NextToken } = await members('staff')
    expect(usernames(await members('staff', { NextToken }))).toHaveLength(60)
    expect(names(await groupsOf('ann', { NextToken: (await groupsOf('ann')).NextToken }))).toHaveLength(60)
    for (const other of [
      members('admins', { NextToken }),
      groupsOf('ann', { NextToken }),
      listUsers({ PaginationToken: NextToken }),
    ]) {
      await expect(other).rejects.toMatchObject({
        name: 'InvalidParameterException',
        message: 'Invalid pagination token given.',
      })
    }
  })

  test('the pool may change between two pages: deleted items are left out, new ones are in the next listing', async () => {
    const firstUsers = await listUsers({ Limit: 1 })
    const firstMembers = await members('staff', { Limit: 1 })
    const firstGroups = await groupsOf('ann', { Limit: 1 })
    endpoint.users.delete('bob')
    endpoint.users.set('new', ['staff'])
    endpoint.users.get('__proto__')!.pop()
    endpoint.users.get('ann')!.length = 0
    expect(usernames(await listUsers({ PaginationToken: firstUsers.PaginationToken }))).toEqual(['__proto__', 'eve'])
    expect(usernames(await members('staff', { NextToken: firstMembers.NextToken }))).toEqual([])
    expect(names(await groupsOf('ann', { NextToken: firstGroups.NextToken }))).toEqual([])
    expect(usernames(await members('staff'))).toEqual(['new'])
  })

  test('tokens may expire, and new ones are given out', async () => {
    const { PaginationToken } = await listUsers({ Limit: 1 })
    endpoint.expireTokens()
    await expect(listUsers({ PaginationToken })).rejects.toMatchObject({ name: 'InvalidParameterException' })
    const again = await listUsers({ Limit: 1 })
    expect(usernames(await listUsers({ PaginationToken: again.PaginationToken }))).toEqual(['__proto__', 'bob', 'eve'])
  })

  test('the size of the pool is how many there are, or what it was told', async () => {
    const size = async () =>
      (await client.send(new DescribeUserPoolCommand({ UserPoolId: userPoolId }))).UserPool?.EstimatedNumberOfUsers
    endpoint.users.delete('eve')
    expect(await size()).toBe(3)
    await restart({ users, estimatedUsers: 1_000 })
    expect(await size()).toBe(1_000)
  })

  test('requests are logged with their username and token, and faults can pick them', async () => {
    endpoint.fail('access-denied', { operation: 'AdminListGroupsForUser', username: 'bob' })
    await groupsOf('ann')
    await expect(groupsOf('bob')).rejects.toMatchObject({ name: 'AccessDeniedException' })
    const { PaginationToken } = await listUsers({ Limit: 1 })
    await listUsers({ PaginationToken })
    expect(endpoint.requests).toMatchObject([
      { operation: 'AdminListGroupsForUser', username: 'ann' },
      { operation: 'AdminListGroupsForUser', username: 'bob' },
      { operation: 'ListUsers' },
      { operation: 'ListUsers', nextToken: PaginationToken },
    ])
  })

  test('endless pages of users, where that operation is given', async () => {
    endpoint.fail('endless-pages', { operation: 'ListUsers' })
    const first = await listUsers({ Limit: 2 })
    const second = await listUsers({ Limit: 2, PaginationToken: first.PaginationToken })
    expect([first.PaginationToken, second.PaginationToken]).toEqual(['endless', 'endless'])
    expect(usernames(second)).toEqual(usernames(first))
    expect(names(await list({ Limit: 1 }))).toEqual(['admins'])
  })

  test('a quota for each API: what shares it is counted together, and the rest is not', async () => {
    await restart({ users, quota: { ListUsers: 2, AdminListGroupsForUser: 1 } })
    const single = endpointClient(endpoint, { maxAttempts: 1 })
    const UserPoolId = userPoolId
    await single.send(new ListUsersCommand({ UserPoolId }))
    await single.send(new ListUsersInGroupCommand({ UserPoolId, GroupName: 'staff' }))
    await expect(single.send(new ListUsersCommand({ UserPoolId }))).rejects.toMatchObject({
      name: 'TooManyRequestsException',
    })
    await single.send(new AdminListGroupsForUserCommand({ UserPoolId, Username: 'ann' }))
    for (let call = 0; call < 5; call++) await single.send(new ListGroupsCommand({ UserPoolId }))
    expect(endpoint.requests.filter(request => request.throttled).map(request => request.operation)).toEqual([
      'ListUsers',
    ])
    single.destroy()
  })

  test('a page of a large pool copies the page and not the pool', async () => {
    await restart({
      users: Array.from({ length: 100_000 }, (_, index) => ({ username: `u${index}`, groups: ['staff'] })),
    })
    const keys = vi.spyOn(endpoint.users, 'keys')
    let PaginationToken: string | undefined
    for (let page = 0; page < 20; page++) ({ PaginationToken } = await listUsers({ PaginationToken }))
    expect(keys).toHaveBeenCalledTimes(1)
  })
})

describe('faults', () => {
  test.each<[fault: Fault, name: string, status: number | string, attempts: number]>([
    ['throttle', 'TooManyRequestsException', 400, 3],
    ['internal', 'InternalErrorException', 500, 3],
    ['unavailable', 'ServiceUnavailableException', 503, 3],
    ['access-denied', 'AccessDeniedException', 400, 1],
    ['not-authorized', 'NotAuthorizedException', 400, 1],
    ['expired-token', 'ExpiredTokenException', 400, 1],
    ['html-502', 'SyntaxError', 502, 3],
    ['html-200', 'SyntaxError', 200, 1],
    ['malformed-json', 'SyntaxError', 200, 1],
    ['drop', 'TimeoutError', 'ECONNRESET', 3],
    [{ error: 'ForbiddenException', status: 403 }, 'ForbiddenException', 403, 1],
    [{ body: '', status: 429 }, 'Unknown', 429, 3],
  ])('%j is %s (%s) in %d attempts', async (fault, ...expected) => {
    endpoint.fail(fault)
    expect(summary(await rejection(get()))).toEqual(expected)
    expect(endpoint.requests).toHaveLength(expected[2])
  })

  test.each<Fault>(['empty-200', 'no-group', 'null-group', { body: 'null' }, { body: '[]' }])(
    '%j is a response without its group',
    async fault => {
      endpoint.fail(fault)
      expect(Object.keys(await get())).toEqual(['$metadata'])
      expect(Object.keys(await list())).toEqual(['$metadata'])
    },
  )

  test.each<Fault>(['hang', 'stall-body'])('%s lasts until the caller gives up', async fault => {
    endpoint.fail(fault)
    const caller = new AbortController()
    const outcome = rejection(get('admins', caller.signal))
    await requestsCame(1)
    expect(await Promise.race([outcome, sleep(30, 'waiting')])).toBe('waiting')
    caller.abort()
    // Once the SDK has the head of a response, an abort resets the connection and fails the rest of the body instead.
    const error: Error & { readonly code?: string } = await outcome
    if (fault === 'hang' || error.code !== 'ECONNRESET') expect(error).toMatchObject({ name: 'AbortError' })
    expect(endpoint.requests).toHaveLength(1)
  })

  test.each(['7', 1.5, -1, 2 ** 31, {}])('the precedence %j passes the SDK unchanged', async precedence => {
    endpoint.fail({ precedence })
    expect((await get()).Group).toMatchObject({ GroupName: 'admins', Precedence: precedence, RoleArn: roleArn })
    expect((await list()).Groups?.map(group => group.Precedence)).toEqual([precedence, precedence, precedence])
  })

  test('another group, one of the pool or not', async () => {
    endpoint.fail({ name: 'admins' }, { groupName: 'staff' })
    endpoint.fail({ name: 'nobody' })
    expect((await get('staff')).Group).toMatchObject({ GroupName: 'admins', RoleArn: roleArn })
    expect((await get('admins')).Group).toMatchObject({ GroupName: 'nobody' })
  })

  test('endless pages: ListGroups alone, the same token and page for ever', async () => {
    endpoint.fail('endless-pages')
    expect(await get()).not.toHaveProperty('NextToken')
    const first = await list({ Limit: 2 })
    const second = await list({ Limit: 2, NextToken: first.NextToken })
    expect([first.NextToken, second.NextToken]).toEqual(['endless', 'endless'])
    expect(names(second)).toEqual(['admins', 'staff'])
  })

  test('delay and latency add up', async () => {
    const waits: number[] = []
    await restart({ latency: 30, sleep: async ms => void waits.push(ms) })
    endpoint.fail({ delay: 20 })
    expect((await get()).Group?.GroupName).toBe('admins')
    expect(waits).toEqual([30, 20])
  })

  test('`times`: the SDK gets past a short outage', async () => {
    endpoint.fail('internal', { times: 2 })
    expect((await get()).$metadata.attempts).toBe(3)
    expect((await get()).$metadata.attempts).toBe(1)
  })

  test('`after`, `operation` and `groupName` pick the requests', async () => {
    endpoint.fail('not-authorized', { operation: 'GetGroup', groupName: 'staff', after: 1, times: 1 })
    const outcomes = await Promise.allSettled([get('admins'), list(), get('staff')])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
    await expect(get('staff')).rejects.toMatchObject({ name: 'NotAuthorizedException' })
    await get('staff')
  })

  test('the first fault counts until it is used up or undone', async () => {
    endpoint.fail('access-denied', { times: 1 })
    const undo = endpoint.fail('not-authorized')
    await expect(get()).rejects.toMatchObject({ name: 'AccessDeniedException' })
    await expect(get()).rejects.toMatchObject({ name: 'NotAuthorizedException' })
    undo()
    undo()
    await get()
  })
})

test('the quota is for any second, and what is throttled does not count', async () => {
  let now = 0
  await restart({ quota: { requestsPerSecond: 2 }, clock: () => now })
  const single = endpointClient(endpoint, { maxAttempts: 1 })
  const ask = () => single.send(new ListGroupsCommand({ UserPoolId: userPoolId }))
  const outcomes = await Promise.allSettled([ask(), ask(), ask()])
  const rejected = outcomes.flatMap(outcome => (outcome.status === 'rejected' ? [outcome.reason.name] : []))
  expect(rejected).toEqual(['TooManyRequestsException'])
  now = 999
  await expect(ask()).rejects.toMatchObject({ name: 'TooManyRequestsException' })
  now = 1000
  await ask()
  single.destroy()
})

test('close ends what hangs, stalls, and has not asked yet; twice is harmless', async () => {
  endpoint.fail('hang', { times: 1 })
  endpoint.fail('stall-body')
  const hanging = [rejection(get('admins')), rejection(get('staff'))]
  const silent = connect(Number(new URL(endpoint.url).port), '127.0.0.1')
  await once(silent, 'connect')
  await requestsCame(2)
  const ended = once(silent, 'close')
  await Promise.all([endpoint.close(), endpoint.close()])
  await ended
  for (const error of await Promise.all(hanging)) expect(error).toMatchObject({ code: 'ECONNREFUSED' })
})

test('await using closes it', async () => {
  let url
  {
    await using own = await startCognitoEndpoint({ userPoolId })
    url = own.url
    expect((await fetch(url)).status).toBe(400)
  }
  await expect(fetch(url)).rejects.toThrow('fetch failed')
})

const requestsCame = (count: number) =>
  vi.waitFor(() => expect(endpoint.requests).toHaveLength(count), { interval: 5, timeout: 4000 })
const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('not rejected'),
    (error: Error) => error,
  )

/** Name, status or code, attempts. */
function summary(error: Error & { code?: string; $metadata?: { httpStatusCode?: number; attempts?: number } }) {
  return [error.name, error.$metadata?.httpStatusCode ?? error.code, error.$metadata?.attempts] as const
}
