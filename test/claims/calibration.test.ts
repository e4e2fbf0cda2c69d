import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Calibration,
  type CalibrationToken,
  type CarriedRoleClaims,
  type CheckedCalibration,
  fitSemantics,
  readCalibration,
} from '../../src/claims/calibration.js'
import type { Semantics } from '../../src/claims/decide.js'
import { explain } from '../../src/claims/explain.js'
import { type Resolution, resolveRoles } from '../../src/claims/resolve.js'
import type { Group } from '../../src/group.js'
import { compilePool } from '../../src/pool/compile-pool.js'
import { pools } from '../arbitraries.js'
import {
  A,
  B,
  calibrationOf,
  carried,
  DATE,
  group,
  issued,
  type Row,
  ROWS,
  type Truth,
  TRUTHS,
  USER_POOL_ID,
} from '../calibrations.js'
import { errorOf } from '../failure-of.js'
import { modelResolve } from '../models/resolve-model.js'

const UNPROBED = ['numbered', 'no-precedence', 'tie-on-two-roles'] as const
const TIE = ROWS['role-and-none']

describe('which semantics the tokens show', () => {
  test.each(TRUTHS)('a user pool that follows %s', truth => {
    const { tokens } = calibrationOf(truth)
    const { semantics, readings } = fitSemantics(tokens)
    expect(semantics).toBe(truth)
    expect(readings.map(reading => reading.semantics)).toEqual(TRUTHS)
    for (const { semantics: reading, contradictedBy } of readings)
      expect([reading, contradictedBy.length === 0]).toEqual([reading, reading === truth])
  })

  test('the tokens that contradict a reading are named', () => {
    expect(fitSemantics(calibrationOf('roles-compete').tokens).readings).toEqual([
      { semantics: 'roles-compete', contradictedBy: [] },
      { semantics: 'tied-groups-agree', contradictedBy: ['role-and-none', 'one-role-twice-and-none'] },
      { semantics: 'documented', contradictedBy: ['no-precedence'] },
    ])
  })

  test('without a tie between a role and none it is `observed`', () => {
    for (const truth of ['roles-compete', 'tied-groups-agree'] as const)
      expect(fitSemantics(calibrationOf(truth, UNPROBED).tokens).semantics).toBe('observed')
  })

  test.each<[string, readonly CalibrationToken[]]>([
    ['no token', []],
    ['tokens of groups with numbers only', calibrationOf('roles-compete', ['numbered', 'role-and-none']).tokens],
    [
      'tokens that no reading fits',
      [issued('a', ROWS['no-precedence'], 'documented'), issued('b', TIE, 'tied-groups-agree')],
    ],
  ])('%s show none', (_what, tokens) => {
    expect(Object.hasOwn(fitSemantics(tokens), 'semantics')).toBe(false)
  })

  const token = issued('a', [group('a', 1, A), group('b', 2, B)], 'roles-compete')
  const { idToken, accessToken } = token
  const changes: readonly (readonly [string, Partial<CalibrationToken>, boolean])[] = [
    ['another order', { idToken: { ...idToken, 'cognito:groups': ['b', 'a'], 'cognito:roles': [B, A] } }, true],
    ['a role twice', { idToken: { ...idToken, 'cognito:roles': [A, A, B] } }, false],
    ['a role in place of another', { idToken: { ...idToken, 'cognito:roles': [A, A] } }, false],
    ['a role too few', { idToken: { ...idToken, 'cognito:roles': [A] } }, false],
    ['a group in another letter case', { idToken: { ...idToken, 'cognito:groups': ['A', 'b'] } }, false],
    ['another preferred role', { idToken: { ...idToken, 'cognito:preferred_role': B } }, false],
    ['an access token without groups', { accessToken: { ...accessToken, 'cognito:groups': null } }, false],
    ['an access token with a role', { accessToken: { ...accessToken, 'cognito:roles': [A, B] } }, false],
    [
      'no groups, and an empty list of them',
      { groups: [], idToken: carried({ 'cognito:groups': [] }), accessToken: carried({}) },
      false,
    ],
    ['no groups, and none of the claims', { groups: [], idToken: carried({}), accessToken: carried({}) }, true],
  ]
  test.each(changes)('%s', (_what, change, fits) => {
    const contradicted = fitSemantics([{ ...token, ...change }]).readings.map(one => one.contradictedBy)
    expect(contradicted).toEqual(TRUTHS.map(() => (fits ? [] : ['a'])))
  })
})

describe('a result', () => {
  const read = (truth: Truth, rows?: readonly Row[]) => readCalibration(calibrationOf(truth, rows))

  test('that the calibration gives says so, and names it', () => {
    const calibration = { date: DATE, userPoolId: USER_POOL_ID }
    const settled = resolveRoles(TIE, { calibration: read('roles-compete') })
    expect(settled).toStrictEqual({
      ...resolveRoles(TIE, { semantics: 'roles-compete' }),
      evidence: 'calibrated',
      calibration,
    })
    expect(explain(settled).evidence).toBe('calibrated on 2026-11-29 against user pool us-east-1_Ab12Cd34e')
    expect(resolveRoles(TIE, { calibration: read('tied-groups-agree') })).toStrictEqual({
      ...resolveRoles(TIE, { semantics: 'tied-groups-agree' }),
      evidence: 'calibrated',
      calibration,
    })
    expect(resolveRoles(ROWS['no-precedence'], { calibration: read('documented') })).toMatchObject({
      preferredRole: A,
      evidence: 'calibrated',
      calibration,
    })
  })

  test('that only a reading or a calibration gives says so in its reason, and links to the case', () => {
    expect(explain(resolveRoles(TIE, { semantics: 'roles-compete' }))).toMatchObject({
      reason:
        '`a` ranks first among the groups with a role, so its role is preferred. A group without a role has the same precedence, and only the chosen reading ignores it.',
      docs: 'docs/semantics.md#roleless-contender',
    })
    expect(explain(resolveRoles(TIE, { calibration: read('roles-compete') }))).toMatchObject({
      reason:
        '`a` ranks first among the groups with a role, so its role is preferred. Only the calibration shows this: without it, the result would be a different one.',
      docs: 'docs/semantics.md#use-a-calibration',
    })
  })

  test('that is known without it keeps its evidence', () => {
    for (const row of UNPROBED)
      expect(resolveRoles(ROWS[row], { calibration: read('roles-compete') })).toStrictEqual(resolveRoles(ROWS[row]))
    expect(resolveRoles(ROWS.numbered, { calibration: read('documented') }).evidence).toBe('observed')
  })

  test('stays undetermined where the calibration did not ask', () => {
    expect(resolveRoles(TIE, { calibration: read('roles-compete', UNPROBED) })).toStrictEqual(resolveRoles(TIE))
  })

  test('in words, of a group without a role that takes part in the tie', () => {
    expect(explain(resolveRoles(TIE, { semantics: 'tied-groups-agree' })).reason).toBe(
      '`a` and `b` tie at the lowest precedence that a group with a role has, and not all of them have a role. In this reading, having no role counts as having a different role: Cognito sets no preferred role.',
    )
  })
})

describe('a calibration that is not used', () => {
  const checked = readCalibration(calibrationOf('roles-compete'))

  test.each<[string, unknown, string]>([
    ['was not checked', calibrationOf('roles-compete'), 'an object'],
    ['is a copy of a checked one', { ...checked }, 'an object'],
    ['is a copy with another pool', { ...checked, userPoolId: 'eu-west-1_X' }, 'an object'],
    ['went through JSON', JSON.parse(JSON.stringify(checked)), 'an object'],
    ['was cloned', structuredClone(checked), 'an object'],
    ['inherits from a checked one', Object.create(checked), 'an object'],
    ['is a path', 'calibration.json', '`calibration.json`'],
    ['is null', null, '`null`'],
  ])('one that %s', (_what, calibration, shown) => {
    const error = errorOf(() => resolveRoles([], { calibration: calibration as CheckedCalibration }))
    expect(error.code).toBe('invalid-option')
    expect(error.message).toBe(`\`calibration\` is ${shown}; give what \`readCalibration\` returns`)
  })

  test('together with semantics', () => {
    for (const run of [resolveRoles, compilePool])
      expect(errorOf(() => run([], { semantics: 'observed', calibration: checked }))).toMatchObject({
        code: 'invalid-option',
        message: '`semantics` and `calibration` are both given; give one',
      })
    expect(resolveRoles([], { semantics: undefined, calibration: checked }).outcome).toBe('none')
  })

  test('a checked one can be checked again, cannot be changed, and has nothing that was not checked', () => {
    expect(readCalibration(checked)).toStrictEqual(checked)
    expect(checked.semantics).toBe('roles-compete')
    const everything = [
      checked,
      checked.tokens,
      checked.tokens[2],
      checked.tokens[2]!.groups[0],
      checked.tokens[2]!.idToken['cognito:roles'],
    ]
    expect(everything.map(one => Object.isFrozen(one))).toEqual(everything.map(() => true))
    const more = { ...calibrationOf('roles-compete'), semantics: 'documented', account: '111122223333' }
    expect(readCalibration(more)).toStrictEqual(checked)
  })
})

describe('what cannot be a calibration', () => {
  const good = calibrationOf('roles-compete')
  const withToken = (change: object) => ({
    ...good,
    tokens: [{ ...good.tokens[0], ...change }, ...good.tokens.slice(1)],
  })
  const { idToken } = good.tokens[0]!
  const ARN_TOO_LONG = `arn:aws:iam::111122223333:role/${'x'.repeat(2048)}`

  const NEXT = 'give what `rolecast calibrate --json` printed'
  test.each<[unknown, string]>([
    [undefined, `the calibration is \`undefined\`, not an object; ${NEXT}`],
    [[good], `the calibration is an array, not an object; ${NEXT}`],
    [{}, `\`calibration\` of the calibration is \`undefined\`, not the number 1, the version of the format; ${NEXT}`],
    [
      { ...good, calibration: 2 },
      `\`calibration\` of the calibration is \`2\`, not the number 1, the version of the format; ${NEXT}`,
    ],
    [
      { ...good, date: '2026-11-29' },
      `\`date\` of the calibration is \`2026-11-29\`, not a time in ISO 8601 and UTC, such as 2026-11-29T12:00:00Z; ${NEXT}`,
    ],
    [
      { ...good, date: '2026-02-30T00:00:00Z' },
      `\`date\` of the calibration is \`2026-02-30T00:00:00Z\`, not a time in ISO 8601 and UTC, such as 2026-11-29T12:00:00Z; ${NEXT}`,
    ],
    [
      { ...good, userPoolId: 'local_x' },
      `\`userPoolId\` of the calibration is \`local_x\`, not the id of a user pool; ${NEXT}`,
    ],
    [
      { ...good, userPoolId: `us-east-1_${'x'.repeat(60)}` },
      `\`userPoolId\` of the calibration is \`us-east-1_${'x'.repeat(60)}\`, not a string of at most 55 characters; ${NEXT}`,
    ],
    [{ ...good, endpoint: null }, `\`endpoint\` of the calibration is \`null\`, not the URL of an endpoint; ${NEXT}`],
    [
      { ...good, tokens: {} },
      `\`tokens\` of the calibration is an object, not an array of at most 5000 entries; ${NEXT}`,
    ],
    [
      { ...good, tokens: Array.from({ length: 5001 }, () => good.tokens[0]) },
      `\`tokens\` of the calibration is an array, not an array of at most 5000 entries; ${NEXT}`,
    ],
    [{ ...good, tokens: [null] }, `\`tokens[0]\` of the calibration is \`null\`, not an object; ${NEXT}`],
    [
      { ...good, tokens: [good.tokens[0], good.tokens[0]] },
      `\`tokens[1].id\` of the calibration is \`numbered\`, not an id that no other token has; ${NEXT}`,
    ],
    [
      withToken({ id: '' }),
      `\`tokens[0].id\` of the calibration is \`\`, not a string of at most 128 characters; ${NEXT}`,
    ],
    [
      withToken({ row: 11 }),
      `\`tokens[0].row\` of the calibration is \`11\`, not a string of at most 128 characters; ${NEXT}`,
    ],
    [
      withToken({ note: 'x'.repeat(2001) }),
      `\`tokens[0].note\` of the calibration is \`${'x'.repeat(200)}…\` (2001 characters), not a string of at most 2000 characters; ${NEXT}`,
    ],
    [
      withToken({ groups: Array.from({ length: 101 }, () => null) }),
      `\`tokens[0].groups\` of the calibration is an array, not an array of at most 100 entries; ${NEXT}`,
    ],
    [
      withToken({ groups: [group('a b', 1, A)] }),
      `\`tokens[0].groups[0].groupName\` of the calibration is \`a b\`, not the name of a group; ${NEXT}`,
    ],
    [
      withToken({ groups: [group('a', 1, A), group('a', 2, A)] }),
      `\`tokens[0].groups\` of the calibration is \`a\`, not each group once; ${NEXT}`,
    ],
    [
      withToken({ groups: [{ groupName: 'a', roleArn: null }] }),
      `\`tokens[0].groups[0].precedence\` of the calibration is \`undefined\`, not an integer from 0 to 2147483647, or null; ${NEXT}`,
    ],
    [
      withToken({ groups: [group('a', -1, A)] }),
      `\`tokens[0].groups[0].precedence\` of the calibration is \`-1\`, not an integer from 0 to 2147483647, or null; ${NEXT}`,
    ],
    [
      withToken({ groups: [group('a', 1, '')] }),
      `\`tokens[0].groups[0].roleArn\` of the calibration is \`\`, not the ARN of a role, or null; ${NEXT}`,
    ],
    [
      withToken({ groups: [group('a', 1, ARN_TOO_LONG)] }),
      `\`tokens[0].groups[0].roleArn\` of the calibration is \`${ARN_TOO_LONG.slice(0, 200)}…\` (2079 characters), not the ARN of a role, or null; ${NEXT}`,
    ],
    [
      withToken({ idToken: undefined }),
      `\`tokens[0].idToken\` of the calibration is \`undefined\`, not an object; ${NEXT}`,
    ],
    [
      withToken({ idToken: { ...idToken, 'cognito:roles': A } }),
      `\`tokens[0].idToken["cognito:roles"]\` of the calibration is \`${A}\`, not an array of at most 100 strings, or null; ${NEXT}`,
    ],
    [
      withToken({ idToken: { 'cognito:roles': null, 'cognito:preferred_role': null } }),
      `\`tokens[0].idToken["cognito:groups"]\` of the calibration is \`undefined\`, not an array of at most 100 strings, or null; ${NEXT}`,
    ],
    [
      withToken({ accessToken: { ...idToken, 'cognito:groups': ['a', 7] } }),
      `\`tokens[0].accessToken["cognito:groups"][1]\` of the calibration is \`7\`, not a string of at most 2048 characters; ${NEXT}`,
    ],
    [
      withToken({ idToken: { ...idToken, 'cognito:preferred_role': [A] } }),
      `\`tokens[0].idToken["cognito:preferred_role"]\` of the calibration is an array, not the ARN of a role, or null; ${NEXT}`,
    ],
  ])('%#: the path, the value and what to do', (value, message) => {
    expect(errorOf(() => readCalibration(value))).toMatchObject({ code: 'invalid-calibration', message })
  })

  test('every time that there is, and no other', () => {
    const times = fc.oneof(
      fc
        .date({ min: new Date('1600-01-01T00:00:00Z'), max: new Date('2400-01-01T00:00:00Z'), noInvalidDate: true })
        .map(one => one.toISOString()),
      fc
        .tuple(
          fc.constantFrom(1900, 2000, 2024, 2026),
          fc.nat({ max: 13 }),
          fc.nat({ max: 32 }),
          fc.constantFrom(0, 23, 24, 59, 60),
        )
        .map(([year, month, day, rest]) => {
          const [mm, dd, xx] = [month, day, rest].map(part => `${part}`.padStart(2, '0'))
          return `${year}-${mm}-${dd}T${xx}:00:${xx}Z`
        }),
    )
    fc.assert(
      fc.property(times, date => {
        const time = Date.parse(date)
        const isOne = !Number.isNaN(time) && new Date(time).toISOString().slice(0, 19) === date.slice(0, 19)
        const read = () => readCalibration({ ...good, date }).date
        if (isOne) expect(read()).toBe(date)
        else expect(errorOf(read).code).toBe('invalid-calibration')
      }),
      { numRuns: 500 },
    )
  })

  test('inherited keys do not count', () => {
    expect(errorOf(() => readCalibration(Object.create(good))).code).toBe('invalid-calibration')
  })

  test.each([
    'http://localhost:9229',
    'https://cognito-idp.us-east-1.amazonaws.com.example.com',
    'https://x/cognito-idp.us-east-1.amazonaws.com',
    'http://cognito-idp.us-east-1.amazonaws.com',
    'https://user@cognito-idp.us-east-1.amazonaws.com',
    'https://cognito-idp.eu-west-1.amazonaws.com',
    '',
  ])('tokens of %j show nothing about Cognito', endpoint => {
    expect(errorOf(() => readCalibration({ ...good, endpoint }))).toMatchObject({
      code: 'invalid-calibration',
      message: `the calibration was made against \`${endpoint}\`, which is not an endpoint of AWS, so its tokens do not show what Cognito does; make one without an endpoint URL`,
    })
  })

  test.each([
    'https://cognito-idp.us-east-1.amazonaws.com',
    'https://cognito-idp.us-east-1.amazonaws.com/',
    'https://cognito-idp-fips.us-east-1.amazonaws.com',
    'https://cognito-idp.us-east-1.api.aws',
    'https://vpce-0123-abc.cognito-idp.us-east-1.vpce.amazonaws.com',
  ])('%s is an endpoint of AWS', endpoint => {
    expect(readCalibration({ ...good, endpoint })).toMatchObject({ endpoint, semantics: 'roles-compete' })
  })

  test('tokens that no reading fits are named', () => {
    const tokens = [
      issued('null-is-preferred', ROWS['no-precedence'], 'documented'),
      issued('tie-agrees', TIE, 'tied-groups-agree'),
    ]
    expect(errorOf(() => readCalibration({ ...good, tokens }))).toMatchObject({
      code: 'invalid-calibration',
      message:
        "no reading of Cognito's rules fits the calibration: `null-is-preferred` and `tie-agrees` contradict roles-compete, `null-is-preferred` contradicts tied-groups-agree, `tie-agrees` contradicts documented; leave the calibration out, and report what it shows",
    })
  })

  test.each<[string, readonly Row[]]>([
    ['none', []],
    ['those that all readings fit', ['numbered', 'tie-on-two-roles']],
    ['those that two readings fit', ['numbered', 'role-and-none']],
  ])('tokens that do not say which reading fits: %s', (_what, rows) => {
    expect(errorOf(() => readCalibration(calibrationOf('roles-compete', rows)))).toMatchObject({
      code: 'invalid-calibration',
      message:
        'the tokens of the calibration do not show whether Cognito prefers the role of a group without a precedence (Cases 3, 6 and 8); calibrate again with all of the default probes',
    })
  })
})

describe('laws', () => {
  /** Users of one pool that follows a reading; the probes that tell the readings apart are often among them. */
  const calibrations = fc
    .record({
      truth: fc.constantFrom(...TRUTHS),
      rows: fc.subarray(Object.keys(ROWS) as Row[]),
      others: fc.array(pools, { maxLength: 8 }),
    })
    .map(({ truth, rows, others }) => {
      const { tokens, ...head } = calibrationOf(truth, rows)
      return {
        truth,
        calibration: { ...head, tokens: [...tokens, ...others.map((one, index) => issued(`${index}`, one, truth))] },
      }
    })

  const modelFit = ({ tokens }: Calibration): readonly Truth[] =>
    TRUTHS.filter(truth => tokens.every(token => same(token, issued(token.id, token.groups, truth))))

  /** One that a user of the library can pass, or undefined. */
  function accepted(calibration: unknown): CheckedCalibration | undefined {
    try {
      return readCalibration(calibration)
    } catch {
      return undefined
    }
  }

  type Resolver = (groups: readonly Group[], calibration: CheckedCalibration) => Resolution
  const resolve: Resolver = (groups, calibration) => resolveRoles(groups, { calibration })

  function law(
    sentence: string,
    wrong: Resolver,
    holds: (resolve: Resolver, calibration: CheckedCalibration, pool: readonly Group[], truth: Truth) => void,
  ): void {
    const property = (subject: Resolver) =>
      fc.property(calibrations, pools, ({ calibration, truth }, pool) => {
        const checked = accepted(calibration)
        fc.pre(checked !== undefined)
        holds(subject, checked, pool, truth)
      })
    test(sentence, () => {
      fc.assert(property(resolve), { numRuns: 300 })
    })
    test(`control: ${sentence}`, () => {
      expect(fc.check(property(wrong), { seed: 1, numRuns: 2000, endOnFailure: true }).failed).toBe(true)
    })
  }
  const as =
    (semantics: Semantics): Resolver =>
    groups =>
      resolveRoles(groups, { semantics })

  law('every token of a calibration is forecast exactly as it was', as('roles-compete'), (resolver, calibration) => {
    for (const token of calibration.tokens) {
      const { claims, outcome } = resolver(token.groups, calibration)
      // A token shows what is preferred, so the calibration does too.
      expect(outcome).not.toBe('undetermined')
      expect(same({ ...token, idToken: carried(claims) }, token)).toBe(true)
    }
  })

  law(
    'the result is that of the reading that the pool follows, or undetermined',
    as('documented'),
    (resolver, calibration, pool, truth) => {
      const answer = resolver(pool, calibration)
      const expected = modelResolve(pool, truth)
      if (answer.outcome === 'undetermined') {
        expect(calibration.semantics).toBe('observed')
        expect(answer).toStrictEqual(modelResolve(pool))
      } else expect(answer.claims).toStrictEqual(expected.claims)
    },
  )

  law(
    'no role is granted that the calibrated reading would not give',
    as('roles-compete'),
    (resolver, calibration, pool) => {
      const { preferredRole } = resolver(pool, calibration)
      if (preferredRole !== undefined)
        for (const truth of modelFit(calibration)) expect(modelResolve(pool, truth).preferredRole).toBe(preferredRole)
    },
  )

  law(
    'the evidence is `calibrated` exactly where the default gives another result, and all else is as by default',
    (groups, calibration) => ({ ...resolve(groups, calibration), evidence: 'calibrated' }),
    (resolver, calibration, pool) => {
      const answer = resolver(pool, calibration)
      const byDefault = modelResolve(pool)
      const isOther = answer.outcome !== byDefault.outcome || answer.preferredRole !== byDefault.preferredRole
      expect(answer.evidence).toBe(isOther ? 'calibrated' : byDefault.evidence)
      expect(answer.calibration).toEqual(isOther ? { date: DATE, userPoolId: USER_POOL_ID } : undefined)
      expect(Object.hasOwn(answer, 'calibration')).toBe(isOther)
      if (calibration.semantics !== 'documented' && !isOther) expect(answer).toStrictEqual(byDefault)
    },
  )

  law('a compiled pool gives the same result', as('observed'), (resolver, calibration, pool) => {
    const compiled = compilePool(pool, { calibration })
    const names = pool.map(({ groupName }) => groupName)
    const { unknownGroups, ...answer } = compiled.resolve(names)
    expect(unknownGroups).toEqual([])
    expect(resolver(pool, calibration)).toStrictEqual(answer)
    const ids = names.map((_, id) => id)
    const { preferredRoleIds } = compiled.resolveMany({
      offsets: Uint32Array.of(0, ids.length),
      groupIds: Uint16Array.from(ids),
    })
    expect(compiled.roles[preferredRoleIds[0]!]).toBe(answer.preferredRole ?? answer.candidateRole)
  })

  test('what is accepted, and as which semantics, is what the model says of the tokens', () => {
    fc.assert(
      fc.property(calibrations, ({ calibration, truth }) => {
        const fits = modelFit(calibration)
        expect(fits).toContain(truth)
        const semantics = fits.length === 1 ? fits[0] : fits.includes('documented') ? undefined : 'observed'
        expect(fitSemantics(calibration.tokens).semantics).toBe(semantics)
        expect(accepted(calibration)?.semantics).toBe(semantics)
      }),
      { numRuns: 500 },
    )
  })

  test('a calibration with one changed claim is rejected, or shows another reading', () => {
    let refused = 0
    fc.assert(
      fc.property(calibrations, fc.nat(), fc.boolean(), ({ calibration }, index, isAccess) => {
        fc.pre(calibration.tokens.length > 0 && accepted(calibration) !== undefined)
        const at = index % calibration.tokens.length
        const { idToken, accessToken, ...token } = calibration.tokens[at]!
        const other = (claims: CarriedRoleClaims) => ({
          ...claims,
          'cognito:preferred_role':
            claims['cognito:preferred_role'] === null ? (claims['cognito:roles']?.[0] ?? A) : null,
        })
        const changed = isAccess
          ? { ...token, idToken, accessToken: other(accessToken) }
          : { ...token, idToken: other(idToken), accessToken }
        const changedCalibration = { ...calibration, tokens: calibration.tokens.with(at, changed) }
        const fits = modelFit(changedCalibration)
        const checked = accepted(changedCalibration)
        if (fits.length === 0) refused++
        const shown =
          fits.length === 1 ? fits[0] : fits.length === 2 && !fits.includes('documented') ? 'observed' : undefined
        expect(checked?.semantics).toBe(shown)
      }),
      { numRuns: 500 },
    )
    expect(refused).toBeGreaterThan(0)
  })
})

/** Lists without their order. */
function same(one: CalibrationToken, other: CalibrationToken): boolean {
  const text = ({ idToken, accessToken }: CalibrationToken) =>
    JSON.stringify(
      [idToken, accessToken].map(claims =>
        Object.values(claims).map(value => (Array.isArray(value) ? value.toSorted() : value)),
      ),
    )
  return text(one) === text(other)
}
