import { describe, expect, test } from 'vitest'
import { createUserPoolLimits, type UserPoolLimits } from '../../../src/cognito/api/user-pool-call.js'
import { createAuditSummary } from '../../../src/audit/summary.js'
import { parseAccountRecord } from '../../../src/cognito/memberships/account-journal.js'
import { type LinkedIdentityPool, routesOf } from '../../../src/cognito/memberships/audit-account.js'
import { openPool } from '../../../src/cognito/memberships/audit-pool.js'
import { useVirtualTime } from '../../virtual-time.js'

const LATENCY = 40
const QUOTAS: Readonly<Record<string, number>> = { ListUsers: 30, AdminListGroupsForUser: 50, ListGroups: 20 }

type Input = Readonly<Record<string, unknown>>

/** The pools of an account in a Region, on the clock of the test: the quotas are of all of them together. */
function simulateAccount(usersOfPool: number) {
  const usernames = Array.from({ length: usersOfPool }, (_, u) => `user-${u}`)
  const answers: Readonly<Record<string, (input: Input) => object>> = {
    DescribeUserPool: ({ UserPoolId: Id }) => ({ UserPool: { Id, EstimatedNumberOfUsers: usersOfPool } }),
    ListGroups: () => ({ Groups: [{ GroupName: 'a' }, { GroupName: 'b' }] }),
    ListUsers({ PaginationToken: token, Limit: limit }) {
      const start = Number(token ?? 0)
      const end = start + Number(limit ?? 60)
      return {
        Users: usernames.slice(start, end).map(Username => ({ Username })),
        ...(end < usersOfPool && { PaginationToken: String(end) }),
      }
    },
    ListUsersInGroup: ({ GroupName }) => ({
      Users: GroupName === 'a' ? usernames.slice(0, 30).map(Username => ({ Username })) : [],
    }),
    AdminListGroupsForUser: ({ Username }) => ({
      Groups: Number((Username as string).slice(5)) < 30 ? [{ GroupName: 'a' }] : [],
    }),
  }
  const admitted = new Map<string, number[]>()
  const calls = { all: 0, throttled: 0 }
  const send = async (command: { readonly input: object }) => {
    const operation = command.constructor.name.replace(/Command$/, '')
    calls.all++
    await new Promise(resolve => setTimeout(resolve, LATENCY / 2))
    const now = performance.now()
    const quota = operation === 'ListUsersInGroup' ? 'ListUsers' : operation
    const times = (admitted.get(quota) ?? []).filter(time => time > now - 1_000)
    const passes = times.length < (QUOTAS[quota] ?? Infinity)
    admitted.set(quota, passes ? [...times, now] : times)
    await new Promise(resolve => setTimeout(resolve, LATENCY / 2))
    if (passes) return answers[operation]!(command.input as Input)
    calls.throttled++
    throw Object.assign(new Error('Rate exceeded'), { name: 'TooManyRequestsException' })
  }
  return { client: { send }, calls }
}

/** All at once: the hardest that pools can make it for what they share. */
async function readPools(
  { client }: ReturnType<typeof simulateAccount>,
  strategy: 'per-group' | 'per-user',
  limitsOf: () => UserPoolLimits,
): Promise<readonly number[]> {
  const userPoolIds = ['eu-west-1_A', 'eu-west-1_B', 'eu-west-1_C', 'eu-west-1_D']
  return Promise.all(
    userPoolIds.map(async userPoolId => {
      const opened = await openPool({ userPoolId, client, strategy, limits: limitsOf() })
      await opened.close()
      return [...opened.reading.users()].length
    }),
  )
}

describe('the quotas of an account in a Region', () => {
  useVirtualTime()

  test.each(['per-group', 'per-user'] as const)(
    'are observed by its pools together, %s: no call is throttled',
    { timeout: 60_000 },
    async strategy => {
      const account = simulateAccount(75)
      const limits = createUserPoolLimits({})
      expect(await readPools(account, strategy, () => limits)).toEqual([75, 75, 75, 75])
      expect(account.calls.throttled).toBe(0)
    },
  )

  test('control: pools with limits of their own are throttled', { timeout: 60_000 }, async () => {
    const account = simulateAccount(75)
    expect(await readPools(account, 'per-user', () => createUserPoolLimits({ onRate() {} }))).toEqual([75, 75, 75, 75])
    expect(account.calls.throttled / account.calls.all).toBeGreaterThan(0.02)
  })
})

describe('the ways in which identity pools choose the role of the users of a pool', () => {
  const POOL = 'eu-west-1_Ab12Cd34e'
  const NAME = `cognito-idp.eu-west-1.amazonaws.com/${POOL}`
  const [FIRST, SECOND] = ['1', '2'].map(n => `eu-west-1:0000000${n}-94a5-4f3e-8c53-0d1c9a4be2f6`) as [string, string]
  const roles = { authenticated: 'arn:aws:iam::111122223333:role/Authenticated' }
  const token = { Type: 'Token', AmbiguousRoleResolution: 'Deny' } as const
  const rules = {
    Type: 'Rules',
    RulesConfiguration: {
      Rules: [{ Claim: 'email', MatchType: 'Equals', Value: 'a', RoleARN: 'arn:aws:iam::111122223333:role/Rule' }],
    },
  } as const
  const identityPool = (
    identityPoolId: string,
    clients: readonly string[],
    mappings: LinkedIdentityPool['settings']['roleMappings'] = {},
    providerName = NAME,
  ): LinkedIdentityPool => ({
    identityPoolId,
    providers: clients.map(clientId => ({ providerName, clientId })),
    settings: { identityPoolId, roles, roleMappings: mappings },
  })

  test('are one for each mapping, and one for all clients without any', () => {
    const mappings = { [`${NAME}:web`]: token, [`${NAME}:tv`]: { ...token }, [`${NAME}:app`]: rules }
    const found = routesOf(POOL, [identityPool(FIRST, ['web', 'app', 'desk', 'tv', 'cli'], mappings)])
    expect(found.map(({ clientIds, mapping, roleArns }) => ({ clientIds, mapping, roleArns }))).toEqual([
      {
        clientIds: ['app'],
        mapping: 'Rules',
        roleArns: [roles.authenticated, 'arn:aws:iam::111122223333:role/Rule'],
      },
      { clientIds: ['cli', 'desk'], mapping: 'none', roleArns: [roles.authenticated] },
      { clientIds: ['tv', 'web'], mapping: 'Token', roleArns: [roles.authenticated] },
    ])
  })

  test('are in one order, whatever the order of the lists', () => {
    const pools = [identityPool(SECOND, ['b', 'a']), identityPool(FIRST, ['z'])]
    const keys = (given: readonly LinkedIdentityPool[]) => routesOf(POOL, given).map(({ key }) => key)
    expect(keys(pools)).toEqual(keys(pools.toReversed()))
    expect(routesOf(POOL, pools).map(({ identityPoolId }) => identityPoolId)).toEqual([FIRST, SECOND])
  })

  test.each([
    ['another user pool', 'cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other'],
    ['a pool whose id begins so', `${NAME}x`],
    ['another kind of provider', `accounts.example.com/${POOL}`],
    ['the pool in a longer path', `cognito-idp.eu-west-1.amazonaws.com/x/${POOL}`],
  ])('do not exist for an identity pool that accepts %s', (_what, providerName) => {
    expect(routesOf(POOL, [identityPool(FIRST, ['web'], {}, providerName)])).toEqual([])
  })

  test('do not include the mapping of a client that the identity pool does not accept', () => {
    expect(routesOf(POOL, [identityPool(FIRST, [], { [`${NAME}:web`]: token })])).toEqual([])
  })

  test('have another key as soon as a mapping or a role is another', () => {
    const key = (mappings: object, ofRoles = roles) => {
      const pool = identityPool(FIRST, ['web'], mappings as never)
      return routesOf(POOL, [{ ...pool, settings: { ...pool.settings, roles: ofRoles } }])[0]!.key
    }
    const keys = [
      key({}),
      key({ [`${NAME}:web`]: token }),
      key({ [`${NAME}:web`]: rules }),
      key({}, { authenticated: 'arn:aws:iam::111122223333:role/Other' }),
    ]
    expect(new Set(keys).size).toBe(4)
    expect(key({})).toBe(keys[0])
  })
})

describe('a record of a finished pool', () => {
  const summary = createAuditSummary({ groups: [], semantics: 'observed' }).summary()
  const record = (audits: readonly unknown[]) => ({
    kind: 'pool',
    account: '111122223333',
    region: 'eu-west-1',
    userPoolId: 'eu-west-1_A',
    routes: '',
    audits,
    part: null,
  })

  test.each([
    ['none', []],
    ['one without a summary', [{}]],
    ['one that is null', [null]],
    [
      'a summary with an estimate of users that is no number',
      [{ summary: { ...summary, reading: { source: 'cognito', estimatedUsers: 'many' } } }],
    ],
  ])('is rejected if its audits are %s', (_what, audits) => {
    expect(() => parseAccountRecord(record(audits))).toThrow(
      expect.objectContaining({ code: 'invalid-input', message: expect.stringContaining('audits') }),
    )
  })

  test('control: with one it is read', () => {
    expect(parseAccountRecord(record([{ summary }]))).toEqual(record([{ summary }]))
  })
})
