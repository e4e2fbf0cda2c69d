import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { type CalibrationResult, planCalibration, verdictOf } from '../../src/calibrate/index.js'
import { ROWS } from '../../src/calibrate/user-pool-rows.js'
import type { Semantics } from '../../src/claims/decide.js'
import { readCalibration } from '../../src/claims/calibration.js'
import { resolveRoles, type RoleClaims } from '../../src/claims/resolve.js'
import type { Group } from '../../src/group.js'
import { startEmulator } from '../cognito/cognito-local.js'
import { leftIn, removeFolders, runAgainst, startService, type TimedService } from './service.js'

afterAll(removeFolders)

async function resultOf(service: TimedService, options = {}): Promise<CalibrationResult> {
  const run = await runAgainst(service, options)
  if ('error' in run) throw run.error
  expect(run.outcome.leftBehind).toEqual([])
  return run.outcome.result
}

const verdicts = ({ rows }: CalibrationResult) =>
  Object.fromEntries(
    rows
      .filter(({ verdict }) => verdict !== 'agrees')
      .map(({ id, verdict, reading }) => [id, `${verdict} ${reading ?? ''}`.trim()]),
  )

const CONTENDERS = ['roleless-contender', 'roleless-contender-next', 'roleless-contender-two']
const settled = (semantics: Semantics) => Object.fromEntries(CONTENDERS.map(id => [id, `settles ${semantics}`]))

/** As `roles-compete`, but the higher number wins: AWS's text until 2018. */
function higherWins(groups: readonly Group[]): RoleClaims {
  return resolveRoles(
    groups.map(group => (group.precedence == null ? group : { ...group, precedence: 100 - group.precedence })),
    {
      semantics: 'roles-compete',
    },
  ).claims
}

describe('each guise of the service is told', () => {
  test('one that plays `roles-compete` settles Case 13, and all else is as predicted', async () => {
    await using service = await startService({ semantics: 'roles-compete' })
    const result = await resultOf(service)
    expect(result.semantics).toBe('roles-compete')
    expect(verdicts(result)).toEqual(settled('roles-compete'))
    expect(verdictOf(result)).toBe('agrees')
    expect(result.rows).toHaveLength(ROWS.length)
    expect(result.tokens.map(({ id }) => id)).toEqual(ROWS.map(({ id }) => id))
  })

  test('one that plays `tied-groups-agree` settles Case 13 the other way', async () => {
    await using service = await startService({ semantics: 'tied-groups-agree' })
    const result = await resultOf(service)
    expect(result.semantics).toBe('tied-groups-agree')
    expect(verdicts(result)).toEqual(settled('tied-groups-agree'))
    expect(verdictOf(result)).toBe('agrees')
  })

  test('one that plays `documented` contradicts what tokens show of groups without a precedence', async () => {
    await using service = await startService({ semantics: 'documented' })
    const result = await resultOf(service)
    expect(result.semantics).toBe('documented')
    expect(verdicts(result)).toEqual({
      ...settled('roles-compete'),
      null: 'contradicts documented',
      'null-one-role': 'contradicts documented',
      'null-same-role': 'contradicts documented',
      'roleless-null-roles': 'contradicts documented',
    })
    expect(verdictOf(result)).toBe('contradicted')
  })

  test('one in which the higher number wins fits no reading, and the cases that contradict are named', async () => {
    await using service = await startService({ claims: higherWins })
    const result = await resultOf(service)
    expect(result.semantics).toBeUndefined()
    expect(Object.keys(verdicts(result))).toEqual(expect.arrayContaining(['two-numbers', 'zero-wins']))
    expect(verdicts(result)['two-numbers']).toBe('contradicts')
    for (const { contradictedBy } of result.readings) expect(contradictedBy).toContain('two-numbers')
    expect(verdictOf(result)).toBe('contradicted')
  })

  test('one that compares ARNs without letter case contradicts the row that is about it, and no reading fits', async () => {
    const lower = (groups: readonly Group[]) =>
      groups.map(group => ({ ...group, roleArn: group.roleArn?.replace('-ALPHA', '-alpha') ?? null }))
    await using service = await startService({
      claims: groups => resolveRoles(lower(groups), { semantics: 'roles-compete' }).claims,
    })
    const result = await resultOf(service)
    expect(verdicts(result)).toEqual({ ...settled('roles-compete'), 'letter-case': 'contradicts' })
    expect(result.rows.find(({ id }) => id === 'letter-case')!.predicted.evidence).toBe('inferred')
    expect(result.semantics).toBeUndefined()
  })

  test('one that follows another reading in one row of Case 13 fits none', async () => {
    await using service = await startService({
      claims: groups => {
        const semantics = groups.length === 3 ? 'tied-groups-agree' : 'roles-compete'
        return resolveRoles(groups, { semantics }).claims
      },
    })
    const result = await resultOf(service)
    expect(verdicts(result)).toEqual({
      'roleless-contender': 'settles roles-compete',
      'roleless-contender-next': 'settles tied-groups-agree',
      'roleless-contender-two': 'settles tied-groups-agree',
    })
    expect(result.semantics).toBeUndefined()
  })

  test('one whose access token has roles contradicts every case with a role', async () => {
    const claims = (groups: readonly Group[]) => resolveRoles(groups, { semantics: 'roles-compete' }).claims
    await using service = await startService({ claims, accessTokenClaims: claims })
    const result = await resultOf(service)
    expect(verdicts(result)['control']).toBe('contradicts')
    expect(verdicts(result)['no-role']).toBeUndefined()
    expect(result.semantics).toBeUndefined()
  })

  test.each<readonly [string, (claims: RoleClaims) => object]>([
    ['one text for the roles', claims => ({ ...claims, 'cognito:roles': claims['cognito:roles']?.join(',') })],
    [
      'a list for the preferred role',
      claims => ({ ...claims, 'cognito:preferred_role': [claims['cognito:preferred_role']] }),
    ],
  ])('one with %s fits no reading', async (_, change) => {
    await using service = await startService({
      claims: groups => {
        const { claims } = resolveRoles(groups, { semantics: 'roles-compete' })
        return (claims['cognito:preferred_role'] === undefined ? claims : change(claims)) as RoleClaims
      },
    })
    const result = await resultOf(service)
    expect(verdicts(result)['control']).toBe('contradicts')
    expect(result.rows.find(({ id }) => id === 'control')!.why).toMatch(/^`cognito:/)
    expect(result.semantics).toBeUndefined()
    const { endpoint: _endpoint, ...real } = result
    expect(() => readCalibration(structuredClone(real))).toThrow(
      expect.objectContaining({ code: 'invalid-calibration' }),
    )
  })
})

/** A reading, and the cases in which the service does something else instead. */
interface Truth {
  readonly semantics: Exclude<Semantics, 'observed'>
  readonly perturbed: readonly string[]
}

const truths: fc.Arbitrary<Truth> = fc.record({
  semantics: fc.constantFrom<Truth['semantics']>('roles-compete', 'tied-groups-agree', 'documented'),
  perturbed: fc.oneof(
    fc.constant([]),
    fc.subarray(
      ROWS.filter(({ members }) => members.length > 0).map(({ id }) => id),
      { maxLength: 3 },
    ),
  ),
})

const keyOf = (names: readonly string[]) => names.toSorted().join()
const ROW_OF = new Map(ROWS.map(({ id, members }) => [keyOf(members), id]))

/** A role that no reading prefers, whatever the groups are. */
const STRANGER = 'arn:aws:iam::000000000000:role/rolecast-calibrate-nobody'

function play({ semantics, perturbed }: Truth) {
  return (groups: readonly Group[]): RoleClaims => {
    const { claims } = resolveRoles(groups, { semantics })
    const row = ROW_OF.get(keyOf(groups.map(({ groupName }) => groupName)))
    return row !== undefined && perturbed.includes(row) ? { ...claims, 'cognito:preferred_role': STRANGER } : claims
  }
}

test(
  'the result names exactly the semantics that was played, and none where a case was changed',
  { timeout: 300_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(truths, async truth => {
        await using service = await startService({ claims: play(truth) })
        const result = await resultOf(service)
        expect(result.semantics).toBe(truth.perturbed.length === 0 ? truth.semantics : undefined)
        const strange = result.rows.filter(({ verdict, reading }) => verdict === 'contradicts' && reading === undefined)
        expect(strange.map(({ id }) => id).toSorted()).toEqual(truth.perturbed.toSorted())
        for (const { contradictedBy } of result.readings)
          expect(contradictedBy).toEqual(expect.arrayContaining([...truth.perturbed]))
        expect(leftIn(service)).toEqual([])
      }),
      { numRuns: 12 },
    )
  },
)

describe('a token that is older than the memberships', () => {
  test('does not count as a result: the user signs in until the token has them', async () => {
    let seen: readonly Group[] = []
    let late = 0
    await using service = await startService({
      // Each second token has the groups of the one before.
      claims: groups => {
        const shown = late++ % 2 === 0 ? seen : groups
        seen = groups
        return resolveRoles(shown, { semantics: 'tied-groups-agree' }).claims
      },
    })
    const result = await resultOf(service)
    expect(result.rows.filter(({ verdict }) => verdict === 'contradicts')).toEqual([])
  })

  test('for ever: the cases are not settled, which is not agreeing', async () => {
    await using service = await startService({ claims: () => ({ 'cognito:groups': ['another'] }) })
    const result = await resultOf(service)
    expect(new Set(result.rows.map(({ verdict }) => verdict))).toEqual(new Set(['not-settled']))
    expect(result.tokens).toEqual([])
    expect(result.semantics).toBeUndefined()
    expect(verdictOf(result)).toBe('incomplete')
    expect(result.order.outcome).toBe('not-measured')
    expect(result.delays.map(({ delay }) => delay.outcome)).toEqual(Array(4).fill('not-measured'))
  })

  test('with the right groups and old roles: what is not predicted has to come twice', async () => {
    let count = 0
    await using service = await startService({
      // Once in a while, no role at all.
      claims: groups => {
        const { claims } = resolveRoles(groups, { semantics: 'roles-compete' })
        return count++ % 3 === 1 ? { 'cognito:groups': groups.map(({ groupName }) => groupName) } : claims
      },
    })
    const { rows } = await resultOf(service)
    expect(rows.filter(({ verdict }) => verdict === 'contradicts')).toEqual([])
  })
})

describe('order', () => {
  const reversed = (groups: readonly Group[]) => {
    const { claims } = resolveRoles(groups, { semantics: 'roles-compete' })
    const names = claims['cognito:groups']?.toReversed()
    return { ...claims, ...(names !== undefined && { 'cognito:groups': names }) }
  }

  test('of AdminListGroupsForUser', async () => {
    await using service = await startService({ semantics: 'roles-compete' })
    const { order } = await resultOf(service)
    expect(order).toMatchObject({ outcome: 'read', isListed: true, isStable: true, isSameForReverse: true })
  })

  test('another one, which contradicts nothing', async () => {
    await using service = await startService({ claims: reversed })
    const result = await resultOf(service)
    expect(result.order).toMatchObject({ isListed: false, isStable: true })
    expect(verdictOf(result)).toBe('agrees')
  })

  test('that changes from token to token', async () => {
    let count = 0
    await using service = await startService({
      claims: groups => (count++ % 2 ? reversed(groups) : resolveRoles(groups, { semantics: 'roles-compete' }).claims),
    })
    const { order, rows } = await resultOf(service)
    expect(order).toMatchObject({ isStable: false })
    expect(rows.filter(({ verdict }) => verdict === 'contradicts')).toEqual([])
  })
})

describe('delays', () => {
  /** Tokens that have the groups of some time ago. */
  async function lagging(ms: number) {
    const history: { at: number; names: string; groups: readonly Group[] }[] = []
    const service: TimedService = await startService({
      claims: groups => {
        const now = service.clock.now()
        const text = JSON.stringify(groups)
        if (history.at(-1)?.names !== text) history.push({ at: now, names: text, groups })
        const shown = history.findLast(({ at }) => at <= now - ms) ?? history[0]!
        return resolveRoles(shown.groups, { semantics: 'roles-compete' }).claims
      },
    })
    return service
  }

  test('are the seconds until a refreshed token shows a change', async () => {
    await using service = await lagging(2_000)
    const { delays, rows } = await resultOf(service)
    for (const { delay } of delays) expect(delay).toMatchObject({ outcome: 'shown', seconds: 2 })
    expect(rows.filter(({ verdict }) => verdict === 'contradicts')).toEqual([])
  })

  test('end after 30 seconds, and what depends on a change that was not shown is not measured', async () => {
    await using service = await startService({
      claims: groups => {
        const stays = groups.filter(({ groupName }) => groupName !== 'delay-joins')
        return resolveRoles(stays, { semantics: 'roles-compete' }).claims
      },
    })
    const { delays } = await resultOf(service)
    expect(delays.map(({ change, delay }) => [change, delay.outcome])).toEqual([
      ['AdminAddUserToGroup', 'not-within'],
      ['UpdateGroup', 'not-measured'],
      ['AdminRemoveUserFromGroup', 'not-measured'],
      ['DeleteGroup', 'shown'],
    ])
  })
})

describe('the plan', () => {
  test.each([[{}], [{ many: true }]])('with %j is what a run calls, call for call', async options => {
    await using service = await startService({ semantics: 'roles-compete' })
    await resultOf(service, options)
    const called: Record<string, number> = {}
    for (const { operation } of service.requests) called[operation] = (called[operation] ?? 0) + 1
    const { calls } = planCalibration({ ...options, endpoint: service.url })
    expect(called).toEqual(Object.fromEntries(calls.map(({ operation, count }) => [operation, count])))
  })

  test('is the most that a run calls where nothing ever shows', async () => {
    await using service = await startService({ claims: () => ({ 'cognito:groups': ['another'] }) })
    await resultOf(service)
    const { calls } = planCalibration({ endpoint: service.url })
    for (const { operation, atMost } of calls)
      expect(service.requests.filter(one => one.operation === operation).length).toBeLessThanOrEqual(atMost)
  })

  test('counts a user in 100 groups', () => {
    const count = (options: object, operation: string) =>
      planCalibration(options).calls.find(call => call.operation === operation)!.count
    expect(count({ many: true }, 'CreateGroup') - count({}, 'CreateGroup')).toBe(100)
    expect(planCalibration({ many: true }).seconds).toBeGreaterThan(planCalibration().seconds + 20)
  })
})

describe('cognito-local', () => {
  test(
    'computes no role claim: the control says so, nothing is settled, and all is deleted',
    { timeout: 120_000 },
    async () => {
      const emulator = await startEmulator({ hasEmailUsernames: false })
      try {
        await using service = await startService()
        const run = await runAgainst(service, { endpoint: emulator.url, identityPool: true })
        if ('error' in run) throw run.error
        const { result, leftBehind } = run.outcome
        expect(leftBehind).toEqual([])
        expect(run.files).toEqual([])
        expect(verdicts(result)['control']).toBe('contradicts')
        expect(verdicts(result)['no-role']).toBeUndefined()
        expect(result.semantics).toBeUndefined()
        expect(verdictOf(result)).toBe('contradicted')
        // The token has no role in which a change could be seen.
        expect(result.delays.find(({ change }) => change === 'UpdateGroup')!.delay.outcome).toBe('not-measured')
        // What it lacks does not count as agreeing.
        expect(new Set(result.identityPool!.map(({ verdict }) => verdict))).toEqual(new Set(['none']))
        expect(service.requests).toEqual([])
      } finally {
        await emulator.close()
      }
    },
  )
})

test('a user in 100 groups has all of them in the token', async () => {
  await using service = await startService({ semantics: 'roles-compete' })
  const result = await resultOf(service, { many: true })
  const token = result.tokens.find(({ id }) => id === 'many-groups')!
  expect(token.idToken['cognito:groups']).toHaveLength(100)
  expect(result.rows.at(-1)).toMatchObject({ id: 'many-groups', verdict: 'agrees' })
})

test('the rates stay below the quotas of one pool, whatever the latency', async () => {
  await using service = await startService({ semantics: 'roles-compete' })
  await resultOf(service, { many: true })
  const times = service.requests.filter(({ operation }) => operation === 'CreateGroup').map(({ at }) => at)
  const inSecond = times.map((at, index) => times.slice(index).filter(other => other - at < 1_000).length)
  expect(Math.max(...inSecond)).toBeLessThanOrEqual(5)
  expect(service.slept()).toBeGreaterThan(20_000)
})

describe('what a run hands over', () => {
  test('is a calibration that `readCalibration` takes, once it is of Cognito itself', async () => {
    await using service = await startService({ semantics: 'tied-groups-agree' })
    const result = await resultOf(service, { many: true })
    expect(() => readCalibration(structuredClone(result))).toThrow(/not an endpoint of AWS/)
    const { endpoint: _, ...real } = result
    expect(readCalibration(structuredClone(real)).semantics).toBe('tied-groups-agree')
  })

  test('has no token, no password and no account', async () => {
    await using service = await startService({ semantics: 'roles-compete' })
    const run = await runAgainst(service)
    const said = JSON.stringify([run.events, 'outcome' in run && run.outcome])
    expect(said).not.toMatch(/eyJ[\w-]+\./)
    expect(said).not.toContain('aA1!')
    expect(said.match(/(?<!\d)\d{12}(?!\d)/g)!.every(one => one === '000000000000')).toBe(true)
  })

  test('says what it did not look at', async () => {
    await using service = await startService({ semantics: 'roles-compete' })
    const { notSeen } = await resultOf(service)
    expect(notSeen.join(' ')).toMatch(/Case 17.*many groups.*identity pool.*trigger/)
  })
})
