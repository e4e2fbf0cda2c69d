import { describe, expect, test } from 'vitest'
import type { ReadStrategy } from '../../../src/cognito/memberships/estimate.js'
import { readPool, type ReadProgress } from '../../../src/cognito/memberships/read-pool.js'
import { subOf } from '../cognito-endpoint.js'
import { virtualPool, type VirtualPool } from './virtual-pool.js'

const userPoolId = 'eu-west-1_Ab12Cd34e'

interface Reading {
  readonly strategy: ReadStrategy
  readonly pool: VirtualPool
  readonly membershipsPerUser?: number
  readonly estimatedUsers?: number
}

/** What the progress says after each page, and how many pages were really left then. */
async function progressOf({ strategy, pool, membershipsPerUser = 3, estimatedUsers }: Reading) {
  const { api } = virtualPool({
    userPoolId,
    pool,
    latency: 0,
    rates: { ListUsers: Infinity, AdminListGroupsForUser: Infinity },
    ...(estimatedUsers !== undefined && { estimatedUsers }),
  })
  const said: ReadProgress[] = []
  await readPool({
    api,
    rates: { ListGroups: 5, ListUsers: 30, AdminListGroupsForUser: 50 },
    strategy,
    membershipsPerUser,
    attributes: [],
    now: Date.now,
    signal: new AbortController().signal,
    onEvent: event => void (event.type === 'progress' && said.push(event.progress)),
    retryDelay: 1,
  })
  const total = said.at(-1)!.pages
  return said.map(({ pages, left }) => ({ pages, left, really: total - pages }))
}

/** Of users in so many groups each. */
function poolWith(users: number, groups: number, perUser: number): VirtualPool {
  const groupNames = Array.from({ length: groups }, (_, g) => `group-${g}`)
  return {
    groups: groupNames,
    users: Array.from({ length: users }, (_, u) => ({
      username: `user-${u}`,
      sub: subOf(`user-${u}`),
      groups: Array.from(
        { length: u % 10 < (perUser * 10) % 10 ? Math.ceil(perUser) : Math.floor(perUser) },
        (_, g) => groupNames[(u + g * 7) % groups]!,
      ),
    })),
  }
}

const READINGS: readonly (readonly [string, Reading])[] = [
  ['as assumed', { strategy: 'per-group', pool: poolWith(6_000, 20, 3) }],
  ['a tenth of the memberships', { strategy: 'per-group', pool: poolWith(12_000, 60, 0.3) }],
  ['ten times the memberships', { strategy: 'per-group', pool: poolWith(3_000, 40, 30) }],
  ['no membership', { strategy: 'per-group', pool: poolWith(6_000, 20, 0) }],
  ['no group', { strategy: 'per-group', pool: { groups: [], users: poolWith(3_000, 1, 0).users } }],
  [
    'a tenth of the users',
    { strategy: 'per-group', pool: poolWith(3_600, 20, 1), estimatedUsers: 36_000, membershipsPerUser: 1 },
  ],
  [
    'ten times the users',
    { strategy: 'per-group', pool: poolWith(12_000, 20, 1), estimatedUsers: 1_200, membershipsPerUser: 1 },
  ],
  ['each user: as estimated', { strategy: 'per-user', pool: poolWith(900, 20, 3) }],
  ['each user: a tenth of the users', { strategy: 'per-user', pool: poolWith(600, 20, 1), estimatedUsers: 6_000 }],
  ['each user: ten times the users', { strategy: 'per-user', pool: poolWith(3_000, 20, 1), estimatedUsers: 300 }],
]

describe('the pages left', () => {
  test.each(READINGS)('%s: never below one before the end, and none at the end', async (_what, reading) => {
    const said = await progressOf(reading)
    for (const { pages, left, really } of said) {
      expect(Number.isSafeInteger(left), `after ${pages}`).toBe(true)
      if (really > 0) expect(left, `after ${pages}`).toBeGreaterThan(0)
    }
    expect(said.at(-1)!.left).toBe(0)
  })

  test.each(READINGS.filter(([, { estimatedUsers }]) => estimatedUsers === undefined))(
    '%s: after half of the pages they are right within a factor of four',
    async (_what, reading) => expectRight(await progressOf(reading), 1, 4),
  )
  /** Where there are fewer users than Cognito estimates, only lists that end say so, and all parts end together. */
  const isSurprise = ({ strategy, pool, estimatedUsers = 0 }: Reading) =>
    strategy === 'per-group' && estimatedUsers > pool.users.length
  test.each(READINGS.filter(([, reading]) => reading.estimatedUsers !== undefined && !isSurprise(reading)))(
    '%s: after most of the pages they are right within a factor of three',
    async (_what, reading) => expectRight(await progressOf(reading), 1 / 10, 3),
  )

  test('control: what was assumed is wrong by more than that', async () => {
    const said = await progressOf(READINGS[1]![1])
    const assumed = said[0]!.pages + said[0]!.left
    expect(() =>
      expectRight(
        said.map(one => ({ ...one, left: Math.max(1, assumed - one.pages) })),
        1,
        4,
      ),
    ).toThrow()
  })

  /** While no more is left than this share of what was read, but still so much that a share means something. */
  function expectRight(said: Awaited<ReturnType<typeof progressOf>>, share: number, factor: number): void {
    const late = said.filter(({ pages, really }) => really >= pages / 20 && really <= share * pages)
    for (const { pages, left, really } of late) {
      expect(left / really, `${left} after ${pages}, really ${really}`).toBeLessThan(factor)
      expect(left / really, `${left} after ${pages}, really ${really}`).toBeGreaterThan(1 / factor)
    }
  }
})
