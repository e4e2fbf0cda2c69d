import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { type CalibrationResult, verdictOf } from '../../src/calibrate/index.js'
import { judgeRow, type RowResult } from '../../src/calibrate/result.js'
import { groupOf, PLACEHOLDER_ACCOUNT, roleArn, ROWS } from '../../src/calibrate/user-pool-rows.js'
import { type CalibrationToken, type CarriedRoleClaims, fitSemantics } from '../../src/claims/calibration.js'
import type { RoleClaims } from '../../src/claims/resolve.js'
import type { Group } from '../../src/group.js'
import {
  MODEL_READINGS,
  modelFit,
  type ModelReading,
  modelTokens,
  type ModelTokens,
  modelVerdict,
} from '../models/calibration-model.js'
import { leftIn, removeFolders, runAgainst, startService } from './service.js'

afterAll(removeFolders)

const PLACE = { partition: 'aws', account: PLACEHOLDER_ACCOUNT }
const STRANGER = `arn:aws:iam::${PLACEHOLDER_ACCOUNT}:role/rolecast-calibrate-nobody`
const ALPHA = roleArn('alpha', PLACE)

const USERS = ROWS.map(({ id, row, members }) => ({ id, row, groups: members.map(name => groupOf(name, PLACE)) }))

type Change = (tokens: ModelTokens) => ModelTokens

const ofId =
  (change: (claims: CarriedRoleClaims) => Partial<CarriedRoleClaims>): Change =>
  ({ idToken, accessToken }) => ({ idToken: { ...idToken, ...change(idToken) }, accessToken })

const ofAccess =
  (change: (claims: CarriedRoleClaims) => Partial<CarriedRoleClaims>): Change =>
  ({ idToken, accessToken }) => ({ idToken, accessToken: { ...accessToken, ...change(accessToken) } })

/** What a service may do to the tokens of a user without any change of their groups. Some change nothing. */
const CHANGES: Readonly<Record<string, Change>> = {
  'a strange preferred role': ofId(() => ({ 'cognito:preferred_role': STRANGER })),
  'a preferred role': ofId(() => ({ 'cognito:preferred_role': ALPHA })),
  'no preferred role': ofId(() => ({ 'cognito:preferred_role': null })),
  'the last role preferred': ofId(({ 'cognito:roles': roles }) => ({
    'cognito:preferred_role': roles?.at(-1) ?? null,
  })),
  'no roles': ofId(() => ({ 'cognito:roles': null })),
  'one role less': ofId(({ 'cognito:roles': roles }) => ({
    'cognito:roles': roles === null || roles.length < 2 ? null : roles.slice(1),
  })),
  'one role more': ofId(({ 'cognito:roles': roles }) => ({ 'cognito:roles': [...(roles ?? []), STRANGER] })),
  'a role twice': ofId(({ 'cognito:roles': roles }) => ({ 'cognito:roles': roles && [...roles, roles[0]!] })),
  'another letter case': ofId(({ 'cognito:roles': roles }) => ({
    'cognito:roles': roles && roles.map(role => role.toLowerCase()),
  })),
  'another order': ofId(({ 'cognito:roles': roles, 'cognito:groups': groups }) => ({
    'cognito:roles': roles && roles.toReversed(),
    'cognito:groups': groups && groups.toReversed(),
  })),
  'a role in the access token': ofAccess(() => ({ 'cognito:roles': [ALPHA] })),
  'a preferred role in the access token': ofAccess(() => ({ 'cognito:preferred_role': ALPHA })),
}

/** Only where nobody signs in: a token with other groups is taken for an old one. */
const OTHER_GROUPS: Readonly<Record<string, Change>> = {
  'no groups': ofId(() => ({ 'cognito:groups': null })),
  'an empty list': ofId(() => ({ 'cognito:groups': [] })),
  'an empty list of roles': ofId(() => ({ 'cognito:roles': [] })),
  'a group twice': ofId(({ 'cognito:groups': groups }) => ({ 'cognito:groups': groups && [...groups, groups[0]!] })),
  'one group less in the access token': ofAccess(({ 'cognito:groups': groups }) => ({
    'cognito:groups': groups === null || groups.length < 2 ? null : groups.slice(1),
  })),
}

/** What the service does for a user: as the reading of the truth, as another one, or something else. */
type Answer = { readonly reading: ModelReading } | { readonly change: Change } | undefined

interface Truth {
  readonly reading: ModelReading
  /** By row; undefined: as the reading. */
  readonly answers: readonly Answer[]
}

/** Of each user on its own: `others` of them in ten are by another reading, and as many are changed. */
function truths(changes: readonly Change[]): fc.Arbitrary<Truth> {
  const answers = (others: number, changed: number) =>
    fc.array(
      fc.oneof(
        { weight: 10 - others - changed, arbitrary: fc.constant<Answer>(undefined) },
        { weight: others, arbitrary: fc.constantFrom(...MODEL_READINGS).map((reading): Answer => ({ reading })) },
        { weight: changed, arbitrary: fc.constantFrom(...changes).map((change): Answer => ({ change })) },
      ),
      { minLength: USERS.length, maxLength: USERS.length },
    )
  return fc.record({
    reading: fc.constantFrom(...MODEL_READINGS),
    answers: fc.oneof(
      answers(0, 0),
      answers(1, 0),
      answers(0, 1),
      // As often the truth's own answer as another one.
      answers(3, 2),
    ),
  })
}

function played({ reading, answers }: Truth, index: number): CalibrationToken {
  const user = USERS[index]!
  const answer = answers[index]
  if (answer === undefined) return { ...user, ...modelTokens(user.groups, reading) }
  if ('reading' in answer) return { ...user, ...modelTokens(user.groups, answer.reading) }
  return { ...user, ...answer.change(modelTokens(user.groups, reading)) }
}

type Fit = typeof fitSemantics

/** The result has what the model says of these tokens: the one reading that they show, or each with what contradicts it. */
function checkFit(tokens: readonly CalibrationToken[], { semantics, readings }: ReturnType<Fit>): void {
  const expected = modelFit(tokens)
  expect(semantics).toBe(expected.semantics)
  expect(Object.fromEntries(readings.map(one => [one.semantics, one.contradictedBy]))).toEqual(expected.contradictedBy)
}

function checkRows(tokens: readonly CalibrationToken[], rows: readonly RowResult[]): void {
  expect(rows.map(({ id, verdict, reading }) => ({ id, verdict, ...(reading !== undefined && { reading }) }))).toEqual(
    tokens.map(token => ({ id: token.id, ...modelVerdict(token) })),
  )
}

describe('for random truths the result names exactly the reading that was played, or what contradicts each', () => {
  const all = truths([...Object.values(CHANGES), ...Object.values(OTHER_GROUPS)])
  const everyRow = fc.constant(USERS.map((_, index) => index))
  const rows = fc.oneof(everyRow, fc.shuffledSubarray(USERS.map((_, index) => index)))

  /** Counts how often each semantics is the result. */
  function property(fit: Fit, counts = new Map<string, number>()) {
    return fc.property(all, rows, (truth, read) => {
      const tokens = read.map(index => played(truth, index))
      const found = fit(tokens)
      checkFit(tokens, found)
      // Not by the model alone: every row by one reading is that reading.
      if (read.length === USERS.length && truth.answers.every(answer => answer === undefined))
        expect(found.semantics).toBe(truth.reading)
      checkRows(
        tokens,
        tokens.map((token, index) => judgeRow(ROWS[read[index]!]!, { outcome: 'read', token })),
      )
      const name = found.semantics ?? 'none'
      counts.set(name, (counts.get(name) ?? 0) + 1)
    })
  }

  test('without a service', { timeout: 300_000 }, () => {
    const counts = new Map<string, number>()
    fc.assert(property(fitSemantics, counts), { numRuns: 2_000 })
    // Control: all results come, and often.
    for (const name of ['roles-compete', 'tied-groups-agree', 'documented', 'observed', 'none'])
      expect(counts.get(name) ?? 0, name).toBeGreaterThan(20)
  })

  const idOnly: Fit = tokens =>
    fitSemantics(tokens.map(token => ({ ...token, accessToken: modelTokens(token.groups, 'documented').accessToken })))
  const first: Fit = tokens => fitSemantics(tokens.slice(0, -1))
  const unordered: Fit = tokens =>
    fitSemantics(
      tokens.map(({ idToken, ...token }) => {
        const roles = idToken['cognito:roles']
        return { ...token, idToken: { ...idToken, 'cognito:roles': roles && [...new Set(roles)] } }
      }),
    )
  const hopeful: Fit = tokens => ({ semantics: 'observed', ...fitSemantics(tokens) })
  const generous: Fit = tokens => {
    const { readings } = fitSemantics(tokens)
    const semantics = readings.find(({ contradictedBy }) => contradictedBy.length === 0)?.semantics
    return { ...(semantics !== undefined && { semantics }), readings }
  }

  test.each<readonly [string, Fit]>([
    ['looks at ID tokens only', idOnly],
    ['leaves out a token', first],
    ['does not see that a role comes twice', unordered],
    ['names a semantics where none fits', hopeful],
    ['names the first of several that fit', generous],
  ])('control: a result that %s is found out', { timeout: 120_000 }, (_, fit) => {
    expect(() => fc.assert(property(fit), { numRuns: 2_000, endOnFailure: true })).toThrow(/Property failed/)
  })

  const keyOf = (names: readonly string[]) => names.toSorted().join()
  const INDEX = new Map(ROWS.map(({ members }, index) => [keyOf(members), index]))

  /** The claims of a token that a service issues by the truth. What is no row is by the reading. */
  function claimsBy(truth: Truth, token: keyof ModelTokens) {
    return (groups: readonly Group[]): RoleClaims => {
      const index = INDEX.get(keyOf(groups.map(({ groupName }) => groupName)))
      const given = groups.map(({ groupName, precedence = null, roleArn: role = null }) => {
        return { groupName, precedence, roleArn: role }
      })
      const claims = (index === undefined ? modelTokens(given, truth.reading) : played(truth, index))[token]
      return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== null)) as RoleClaims
    }
  }

  /** What a run finds of a service that plays the truth. */
  async function resultOf(truth: Truth): Promise<CalibrationResult> {
    await using service = await startService({
      claims: claimsBy(truth, 'idToken'),
      accessTokenClaims: claimsBy(truth, 'accessToken'),
    })
    const run = await runAgainst(service)
    if ('error' in run) throw run.error
    expect(leftIn(service)).toEqual([])
    return run.outcome.result
  }

  const tokensOf = (truth: Truth) => USERS.map((_, index) => played(truth, index))

  test('with a service that plays the truth', { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(truths(Object.values(CHANGES)), async truth => {
        const result = await resultOf(truth)
        const tokens = tokensOf(truth)
        checkFit(tokens, result)
        checkRows(tokens, result.rows)
        const fitsNone = Object.values(modelFit(tokens).contradictedBy).every(ids => ids.length > 0)
        const isContradicted = fitsNone || tokens.some(token => modelVerdict(token).verdict === 'contradicts')
        expect(verdictOf(result)).toBe(isContradicted ? 'contradicted' : 'agrees')
      }),
      { numRuns: 12 },
    )
  })

  test('control: a service that plays another truth in one row is found out', async () => {
    const truth: Truth = { reading: 'documented', answers: USERS.map(() => undefined) }
    const answers = USERS.map(({ id }): Answer => (id === 'null' ? { reading: 'roles-compete' } : undefined))
    const result = await resultOf({ ...truth, answers })
    expect(() => checkFit(tokensOf(truth), result)).toThrow()
    expect(() => checkRows(tokensOf(truth), result.rows)).toThrow()
    checkFit(tokensOf({ ...truth, answers }), result)
  })
})
