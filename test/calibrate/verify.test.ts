import { createHmac } from 'node:crypto'
import * as fc from 'fast-check'
import { generateKeyPair, exportJWK } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { verifyToken, type VerifyTokenOptions } from '../../src/calibrate/verify.js'
import type { DatedGroup, TokenVerdict } from '../../src/claims/judge-token.js'
import type { Semantics } from '../../src/claims/decide.js'
import type { Group } from '../../src/group.js'
import { failureOf } from '../failure-of.js'
import { modelResolve } from '../models/resolve-model.js'
import {
  accessToken,
  clientOf,
  createSigner,
  idToken,
  ISSUED_AT,
  ISSUER,
  role,
  type Signer,
  startKeyServer,
  unsigned,
  userPoolId,
} from './tokens.js'

let signer: Signer
let other: Signer
beforeAll(async () => {
  signer = await createSigner()
  other = await createSigner()
})

const BEFORE = (ISSUED_AT - 60) * 1_000
const group = (
  groupName: string,
  precedence: number | null,
  name?: string,
  modifiedAt: number | undefined = BEFORE,
) => ({
  groupName,
  precedence,
  roleArn: name === undefined ? null : role(name),
  modifiedAt,
})
const POOL: readonly DatedGroup[] = [
  group('admins', 0, 'Admin'),
  group('editors', 5, 'Editor'),
  group('vip', 5),
  group('staff', null, 'Staff'),
  group('plain', null),
]

const keysOf = (...signers: readonly Signer[]) => ({ keys: signers.map(({ jwk }) => jwk) })
const offline = (options: Partial<VerifyTokenOptions> = {}): VerifyTokenOptions => ({
  userPoolId,
  groups: POOL,
  keys: keysOf(signer),
  clock: () => ISSUED_AT * 1_000,
  ...(('groups' in options ? options.groups : POOL) !== undefined && { groupsReadAt: (ISSUED_AT + 60) * 1_000 }),
  ...options,
})
const carrying = (groups: readonly string[], roles: readonly string[], preferred?: string) => ({
  ...(groups.length > 0 && { 'cognito:groups': groups }),
  ...(roles.length > 0 && { 'cognito:roles': roles.map(role) }),
  ...(preferred !== undefined && { 'cognito:preferred_role': role(preferred) }),
})
const verified = async (claims: object, options: Partial<VerifyTokenOptions> = {}) =>
  verifyToken(await signer.sign(claims), offline(options))

describe('an ID token is judged by the forecast for the groups that it names', () => {
  test.each<[string, object, TokenVerdict]>([
    ['without groups', {}, 'match'],
    ['a number', carrying(['admins'], ['Admin'], 'Admin'), 'match'],
    ['in another order', carrying(['editors', 'admins'], ['Editor', 'Admin'], 'Admin'), 'match'],
    ['no precedence, and no preferred role', carrying(['staff'], ['Staff']), 'match'],
    ['no role', carrying(['plain', 'vip'], []), 'match'],
    ['another preferred role', carrying(['admins', 'editors'], ['Admin', 'Editor'], 'Editor'), 'mismatch'],
    ['a preferred role where none is forecast', carrying(['staff'], ['Staff'], 'Staff'), 'mismatch'],
    ['no preferred role where one is forecast', carrying(['admins'], ['Admin']), 'mismatch'],
    ['a role too many', carrying(['admins'], ['Admin', 'Editor'], 'Admin'), 'mismatch'],
    ['a role too few', carrying(['admins', 'editors'], ['Admin'], 'Admin'), 'mismatch'],
    [
      'a role and no role on the winning number: the role',
      carrying(['editors', 'vip'], ['Editor'], 'Editor'),
      'settles',
    ],
    ['a role and no role on the winning number: none', carrying(['editors', 'vip'], ['Editor']), 'settles'],
    ['a third role there', carrying(['editors', 'vip', 'staff'], ['Editor', 'Staff'], 'Staff'), 'mismatch'],
  ])('%s', async (_, claims, verdict) => {
    expect((await verified(idToken(claims))).verdict).toBe(verdict)
  })

  test('the differences are named', async () => {
    const claims = carrying(['admins', 'editors'], ['Admin', 'Staff'], 'Staff')
    expect((await verified(idToken(claims))).roles).toEqual({
      status: 'different',
      missing: [role('Editor')],
      unexpected: [role('Staff')],
      preferredRole: 'changed',
      carriedPreferredRole: role('Staff'),
    })
  })

  test('a mismatch names the reading that fits', async () => {
    expect(await verified(idToken(carrying(['staff'], ['Staff'], 'Staff')))).toMatchObject({
      verdict: 'mismatch',
      fits: ['documented'],
    })
    expect(await verified(idToken(carrying(['staff'], ['Admin'])))).toMatchObject({ verdict: 'mismatch', fits: [] })
  })

  test.each<[object, Semantics]>([
    [carrying(['editors', 'vip'], ['Editor'], 'Editor'), 'roles-compete'],
    [carrying(['editors', 'vip'], ['Editor']), 'tied-groups-agree'],
  ])('%j settles Case 13 as %s, and matches with that option only', async (claims, semantics) => {
    const found = await verified(idToken(claims))
    expect(found.settles).toEqual({ row: '13', semantics })
    expect(await verified(idToken(claims), { semantics })).toMatchObject({ verdict: 'match', semantics })
    const wrong = semantics === 'roles-compete' ? 'tied-groups-agree' : 'roles-compete'
    expect(await verified(idToken(claims), { semantics: wrong })).toMatchObject({ verdict: 'mismatch' })
  })

  const groups = fc.uniqueArray(
    fc.record({
      groupName: fc.constantFrom('a', 'b', 'c', 'd', '__proto__', 'toString', 'a,b'),
      precedence: fc.constantFrom(null, 0, 1),
      roleArn: fc.constantFrom(null, role('A'), role('B')),
    }),
    { selector: ({ groupName }) => groupName, maxLength: 5 },
  )
  const readings = fc.constantFrom<Semantics>('roles-compete', 'tied-groups-agree', 'documented')
  const dated = (pool: readonly Group[]) => pool.map(one => ({ ...one, modifiedAt: BEFORE }))

  test('a token of a reading matches it, in whatever order, and under `observed` settles exactly what that leaves open', async () => {
    const law = fc.asyncProperty(groups, readings, async (pool, semantics) => {
      const { claims } = modelResolve(pool, semantics)
      const shuffled = {
        ...claims,
        ...(claims['cognito:roles'] && { 'cognito:roles': claims['cognito:roles'].toReversed() }),
      }
      const options = { groups: dated(pool), semantics }
      expect((await verified(idToken(shuffled), options)).verdict).toBe('match')
      if (semantics === 'documented') return
      const { outcome } = modelResolve(pool)
      const found = await verified(idToken(claims), { groups: dated(pool) })
      expect(found.verdict).toBe(outcome === 'undetermined' ? 'settles' : 'match')
      expect(found.settles?.semantics).toBe(outcome === 'undetermined' ? semantics : undefined)
    })
    await fc.assert(law, { numRuns: 100 })
  })

  test('a token with any other role claims than the model has is never clean', async () => {
    const lists = fc.uniqueArray(fc.constantFrom(role('A'), role('B'), role('C')))
    const preferred = fc.constantFrom(undefined, role('A'), role('B'), role('C'))
    const law = fc.asyncProperty(groups, readings, lists, preferred, async (pool, semantics, roles, preferredRole) => {
      const { claims } = modelResolve(pool, semantics)
      const carried = {
        'cognito:groups': claims['cognito:groups'],
        'cognito:roles': roles.length === 0 ? undefined : roles,
        'cognito:preferred_role': preferredRole,
      }
      const sorted = (list: readonly string[] = []) => list.toSorted().join(' ')
      const isSame =
        sorted(roles) === sorted(claims['cognito:roles']) && preferredRole === claims['cognito:preferred_role']
      const { verdict } = await verified(idToken(carried), { groups: dated(pool), semantics })
      expect(verdict).toBe(isSame ? 'match' : 'mismatch')
    })
    await fc.assert(law, { numRuns: 100 })
  })
})

describe('what could have changed since makes a token inconclusive', () => {
  const wrong = carrying(['admins'], ['Editor'], 'Editor')
  const right = carrying(['admins'], ['Admin'], 'Admin')
  const changedAt = (seconds: number) => [group('admins', 0, 'Admin', (ISSUED_AT + seconds) * 1_000)]

  test.each([
    [60, 'inconclusive'],
    [0.5, 'inconclusive'],
    [0, 'inconclusive'],
    [-0.9, 'inconclusive'],
    [-1, 'mismatch'],
    [-60, 'mismatch'],
  ])('a group that changed %s seconds after the token was issued: %s', async (seconds, verdict) => {
    const found = await verified(idToken(wrong), { groups: changedAt(seconds) })
    expect(found.verdict).toBe(verdict)
    expect(found.doubts).toEqual(verdict === 'mismatch' ? [] : [{ doubt: 'group-changed', groups: ['admins'] }])
  })

  test("also if the token looks right, because it shows nothing of the group's present state", async () => {
    expect(await verified(idToken(right), { groups: changedAt(60) })).toMatchObject({ verdict: 'inconclusive' })
    expect(await verified(idToken(right), { groups: changedAt(-60) })).toMatchObject({ verdict: 'match' })
  })

  test('not where the group that changed is none of the token', async () => {
    const groups = [...POOL, group('late', 0, 'Late', (ISSUED_AT + 60) * 1_000)]
    expect(await verified(idToken(right), { groups })).toMatchObject({ verdict: 'match', doubts: [] })
  })

  test('a group that is gone', async () => {
    const claims = carrying(['admins', 'deleted', '__proto__'], ['Admin', 'Gone'], 'Gone')
    expect(await verified(idToken(claims))).toMatchObject({
      verdict: 'inconclusive',
      doubts: [{ doubt: 'group-gone', groups: ['deleted', '__proto__'] }],
      triggerSigns: [],
    })
  })

  test('where the last change is not known, it says so, and nothing is settled', async () => {
    const undated = POOL.map(one => ({ ...one, modifiedAt: undefined }))
    const notLookedAt = expect.arrayContaining([expect.stringMatching(/changed after it was issued: .*`admins`/)])
    expect(await verified(idToken(right), { groups: undated })).toMatchObject({ verdict: 'match', notLookedAt })
    expect(await verified(idToken(wrong), { groups: undated })).toMatchObject({ verdict: 'mismatch', notLookedAt })
    expect(await verified(idToken(carrying(['editors', 'vip'], ['Editor'])), { groups: undated })).toMatchObject({
      verdict: 'inconclusive',
      doubts: [{ doubt: 'changes-unknown', groups: ['editors', 'vip'] }],
    })
    const dated = await verified(idToken(right))
    expect(dated.notLookedAt.join()).not.toContain('changed after it was issued')
  })

  test.each<[string, Partial<VerifyTokenOptions>, TokenVerdict]>([
    ['groups that were read before the token was issued', { groupsReadAt: BEFORE + 1_000 }, 'inconclusive'],
    ['in the second in which it was issued', { groupsReadAt: ISSUED_AT * 1_000 + 999 }, 'inconclusive'],
    ['at a time that is not known', { groupsReadAt: undefined }, 'inconclusive'],
    ['after it', { groupsReadAt: (ISSUED_AT + 1) * 1_000 }, 'settles'],
  ])('%s: %j is %s, because a change after that may be in the token', async (_, options, verdict) => {
    const found = await verified(idToken(carrying(['editors', 'vip'], ['Editor'])), options)
    const isAfter = verdict === 'settles'
    expect(found).toMatchObject({
      verdict,
      isReadAfterToken: isAfter,
      doubts: isAfter ? [] : [{ doubt: 'changes-unknown', groups: ['editors', 'vip'] }],
    })
    expect('settles' in found).toBe(isAfter)
    // A mismatch is one of these groups, and says that they may be older.
    const mismatch = await verified(idToken(wrong), options)
    expect(mismatch).toMatchObject({ verdict: 'mismatch', isReadAfterToken: isAfter })
    expect(mismatch.notLookedAt.some(one => one.includes('nothing shows that the groups were read later'))).toBe(
      !isAfter,
    )
  })

  test('the time at which groups were read is checked', async () => {
    for (const options of [{ groupsReadAt: Number.NaN }, { groups: undefined, groupsReadAt: BEFORE }])
      expect(await failureOf(() => verified(idToken(right), options))).toMatchObject({ code: 'invalid-option' })
  })

  test('without its signature a token settles nothing', async () => {
    const token = unsigned(idToken(carrying(['editors', 'vip'], ['Editor'])))
    expect(await verifyToken(token, offline({ keys: undefined, insecure: true }))).toMatchObject({
      verdict: 'inconclusive',
      doubts: [{ doubt: 'signature-unchecked' }],
      signature: { isChecked: false },
      notLookedAt: expect.arrayContaining([expect.stringContaining('The signature was not checked')]),
    })
  })
})

describe('signs of a trigger', () => {
  test.each<[string, object, string, readonly string[]]>([
    ['roles without groups', { 'cognito:roles': [role('Admin')] }, 'roles-without-groups', [role('Admin')]],
    ['a preferred role without groups', { 'cognito:preferred_role': role('A') }, 'roles-without-groups', [role('A')]],
    [
      'a preferred role outside the roles',
      carrying(['admins'], ['Admin'], 'Editor'),
      'preferred-outside-roles',
      [role('Editor')],
    ],
    [
      'a role of no group of the pool',
      carrying(['admins'], ['Admin', 'Root'], 'Admin'),
      'foreign-role',
      [role('Root')],
    ],
    ['no roles where the groups have some', carrying(['admins'], []), 'roles-suppressed', [role('Admin')]],
    ['an empty list', { 'cognito:groups': [] }, 'empty-claim', ['cognito:groups']],
    ['an empty preferred role', { 'cognito:preferred_role': '' }, 'empty-claim', ['cognito:preferred_role']],
    ['a role twice', carrying(['admins'], ['Admin', 'Admin'], 'Admin'), 'repeated-entry', [role('Admin')]],
    ['a group that cannot exist', { 'cognito:groups': ['a b'] }, 'impossible-group', ['a b']],
  ])('%s', async (_, claims, sign, values) => {
    const found = await verified(idToken(claims))
    expect(found.verdict).toBe('mismatch')
    expect(found.triggerSigns).toContainEqual({ sign, values })
  })

  test('a role in an access token', async () => {
    const { client } = clientOf([{ GroupName: 'admins', RoleArn: role('Admin') }], ['admins'])
    const options = { groups: undefined, client }
    expect(await verified(accessToken(carrying(['admins'], ['Admin'])), options)).toMatchObject({
      verdict: 'mismatch',
      triggerSigns: [{ sign: 'roles-in-access-token', values: [role('Admin')] }],
    })
  })

  test('a difference that a changed group explains is not a sign', async () => {
    const groups = [group('admins', 0, 'New', (ISSUED_AT + 60) * 1_000)]
    expect(await verified(idToken(carrying(['admins'], ['Old'], 'Old')), { groups })).toMatchObject({
      verdict: 'inconclusive',
      triggerSigns: [],
    })
  })

  test('control: a token of Cognito alone has none', async () => {
    for (const claims of [{}, carrying(['admins', 'vip', 'staff'], ['Admin', 'Staff'], 'Admin')])
      expect((await verified(idToken(claims))).triggerSigns).toEqual([])
  })
})

describe('the groups of the user now', () => {
  const LISTED = [
    { GroupName: 'admins', Precedence: 0, RoleArn: role('Admin'), LastModifiedDate: new Date(BEFORE) },
    { GroupName: 'editors', Precedence: 5, RoleArn: role('Editor'), LastModifiedDate: new Date(BEFORE) },
    { GroupName: 'vip', Precedence: 5, LastModifiedDate: new Date(BEFORE) },
  ]
  const live = async (claims: object, memberships: readonly string[] | undefined, listed = LISTED) => {
    const { client, calls } = clientOf(listed, memberships)
    return { ...(await verified(claims, { groups: undefined, client })), calls }
  }

  test('are read with one call where they explain the token', async () => {
    expect(await live(idToken(carrying(['admins', 'vip'], ['Admin'], 'Admin')), ['admins', 'vip'])).toMatchObject({
      verdict: 'match',
      memberships: { status: 'same', missing: [], unexpected: [] },
      calls: ['AdminListGroupsForUser secret-alice'],
    })
  })

  test('settle a case as well', async () => {
    const found = await live(idToken(carrying(['editors', 'vip'], ['Editor'])), ['editors', 'vip'])
    expect(found.settles).toEqual({ row: '13', semantics: 'tied-groups-agree' })
    // Nothing says which server a client talks to.
    expect(found.notLookedAt.join()).toContain('the given client was trusted to call it')
  })

  test('that differ make a match, or what would settle a case, inconclusive', async () => {
    const doubts = [{ doubt: 'memberships-differ', groups: [] }]
    expect(await live(idToken(carrying(['admins'], ['Admin'], 'Admin')), ['admins', 'vip'])).toMatchObject({
      verdict: 'inconclusive',
      memberships: { status: 'different', missing: ['vip'], unexpected: [] },
      roles: { status: 'same' },
      doubts,
      calls: ['AdminListGroupsForUser secret-alice'],
    })
    expect(await live(idToken(carrying(['editors', 'vip'], ['Editor'])), ['editors'])).toMatchObject({
      verdict: 'inconclusive',
      memberships: { missing: [], unexpected: ['vip'] },
      doubts,
      calls: ['AdminListGroupsForUser secret-alice', 'ListGroups'],
    })
  })

  test('that differ do not excuse roles that the groups of the token do not have', async () => {
    expect(await live(idToken(carrying(['admins'], ['Editor'], 'Editor')), ['editors'])).toMatchObject({
      verdict: 'mismatch',
      roles: { unexpected: [role('Editor')] },
    })
  })

  test('that the token does not name at all are a sign of a trigger', async () => {
    expect(await live(idToken(), ['admins'])).toMatchObject({
      verdict: 'inconclusive',
      triggerSigns: [{ sign: 'groups-suppressed', values: ['admins'] }],
    })
  })

  test('of a user who is gone are not compared, and that is reported', async () => {
    expect(await live(idToken(carrying(['admins'], ['Admin'], 'Admin')), undefined)).toMatchObject({
      verdict: 'match',
      memberships: { status: 'not-compared' },
      notLookedAt: expect.arrayContaining([expect.stringContaining('no longer has the user')]),
    })
  })

  test('are all that an access token is judged by', async () => {
    expect(await live(accessToken(carrying(['admins'], [])), ['admins'])).toMatchObject({
      verdict: 'match',
      roles: { status: 'not-carried' },
      fits: [],
      notLookedAt: expect.arrayContaining([expect.stringContaining('an access token has none')]),
    })
    expect(await live(accessToken(carrying(['admins'], [])), [])).toMatchObject({ verdict: 'inconclusive' })
    expect(await verified(accessToken(carrying(['admins'], [])))).toMatchObject({
      verdict: 'inconclusive',
      doubts: [{ doubt: 'nothing-compared' }],
    })
  })

  test('a change of a group does not matter to an access token, which has its name only', async () => {
    const listed = [{ ...LISTED[0]!, LastModifiedDate: new Date((ISSUED_AT + 60) * 1_000) }]
    expect(await live(accessToken(carrying(['admins'], [])), ['admins'], listed)).toMatchObject({ verdict: 'match' })
  })

  test('that cannot be read fail the whole, without naming the user', async () => {
    const denied = Object.assign(new Error('not allowed'), {
      name: 'AccessDeniedException',
      $metadata: { httpStatusCode: 400 },
    })
    const client = { adminListGroupsForUser: () => Promise.reject(denied) }
    const error = await failureOf(() => verified(idToken(), { groups: undefined, client }))
    expect(error.code).toBe('not-authorized')
    expect(error.message).toContain('AdminListGroupsForUser')
    expect(error.message).not.toContain('secret')
  })
})

describe('a token that is not the one of a user of this pool is an error', () => {
  const rejection = async (claims: object | string, options: Partial<VerifyTokenOptions> = {}, header = {}) =>
    failureOf(async () => verifyToken(await signer.sign(claims, header), offline(options)))

  test.each([
    [`https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other`, /issued by user pool `eu-west-1_Other` and not by/],
    [
      `https://cognito-idp.us-east-1.amazonaws.com/${userPoolId}`,
      /, which is not where Cognito has that pool; if that/,
    ],
    [
      `https://cognito-idp.eu-west-1.amazonaws.com.evil.example/${userPoolId}`,
      /, which is not where Cognito has that pool; if that/,
    ],
    [`http://cognito-idp.eu-west-1.amazonaws.com/${userPoolId}`, /, which is not where Cognito has that pool; if that/],
    [`${ISSUER}/`, /something other than user pool/],
    [`https://evil.example/x@${userPoolId}`, /something other than user pool/],
    ['secret', /something other than user pool/],
  ])('issued by %s', async (iss, message) => {
    const error = await rejection(idToken({}, { iss }))
    expect(error.code).toBe('wrong-user-pool')
    expect(error.message).toMatch(message)
    expect(error.message).not.toContain('secret')
  })

  test('where it ends as the issuer does, it says where it is, cut and escaped', async () => {
    const at = async (host: string) => (await rejection(idToken({}, { iss: `${host}/${userPoolId}` }))).message
    expect(await at('https://cognito-idp.us-east-1.amazonaws.com')).toContain(
      'at `https://cognito-idp.us-east-1.amazonaws.com`, which is not where Cognito has that pool; if that is an emulator, give its address as `endpoint`',
    )
    expect(await at('https://evil\u001b[2J.example')).toContain('at `https://evil\\u{1b}[2J.example`, which ')
    expect(await at(`https://${'x'.repeat(5_000)}.example`)).toMatch(
      /at `https:\/\/x{192}…` \(5,?0\d\d characters\), which /,
    )
  })

  test('control: both issuers of the pool are taken', async () => {
    for (const iss of [ISSUER, ISSUER.replace('https://', 'https://issuer-')])
      expect(await verified(idToken({}, { iss }))).toMatchObject({ verdict: 'match' })
    const id = 'cn-north-1_Ab12Cd34e'
    const iss = `https://cognito-idp.cn-north-1.amazonaws.com.cn/${id}`
    expect(await verified(idToken({}, { iss }), { userPoolId: id })).toMatchObject({ verdict: 'match' })
  })

  test('another app client', async () => {
    const clientId = '1h57kf5cpq17m0eml12EXAMPLE'
    expect(await rejection(idToken(), { clientId: 'other' })).toMatchObject({ code: 'invalid-claim' })
    expect(await rejection(accessToken(), { clientId: 'other' })).toMatchObject({ code: 'invalid-claim' })
    expect(await verified(idToken(), { clientId })).toMatchObject({ verdict: 'match' })
    expect(await verified(accessToken(), { clientId })).toMatchObject({ verdict: 'inconclusive' })
  })

  test.each<[string, () => Promise<string> | string, string]>([
    ['signed by another key of that id', () => other.sign(idToken()), 'invalid-signature'],
    ['signed by a key that the pool does not have', () => other.sign(idToken(), { kid: 'key-2' }), 'invalid-signature'],
    ['with a changed payload', async () => changedPayload(await signer.sign(idToken())), 'invalid-signature'],
    [
      'with another algorithm of the same key',
      () => unsigned(idToken(), { alg: 'PS256', kid: 'key-1' }),
      'invalid-signature',
    ],
    ['unsigned, of algorithm none', () => unsigned(idToken(), { alg: 'none', kid: 'key-1' }), 'invalid-signature'],
    ['signed with the public key as a secret', hmacWithPublicKey, 'invalid-signature'],
    ['that names no key', () => unsigned(idToken(), { alg: 'RS256' }), 'invalid-token'],
    ['that brings its key', () => other.sign(idToken(), { jwk: other.jwk }), 'invalid-token'],
    ['that says where its key is', () => other.sign(idToken(), { jku: 'http://127.0.0.1/' }), 'invalid-token'],
    [
      'with an unencoded payload',
      () => other.sign(idToken(), { b64: false, crit: ['b64'] }).catch(() => 'x.y.z'),
      'invalid-token',
    ],
  ])('%s', async (_, make, code) => {
    const token = await make()
    const error = await failureOf(() => verifyToken(token, offline()))
    expect(error.code).toBe(code)
    expect(error.cause).toBeUndefined()
  })

  function changedPayload(token: string): string {
    const [header, , signature] = token.split('.')
    return [header, unsigned(idToken(carrying(['admins'], ['Admin'], 'Admin'))).split('.')[1], signature].join('.')
  }

  function hmacWithPublicKey(): string {
    const [header, payload] = unsigned(idToken(), { alg: 'HS256', kid: 'key-1' }).split('.')
    const secret = Buffer.from(JSON.stringify(signer.jwk))
    return `${header}.${payload}.${createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url')}`
  }

  test('control: what is signed by a key of the pool is taken, among other keys', async () => {
    const third = await createSigner('key-3')
    expect(await verified(idToken(), { keys: keysOf(third, signer) })).toMatchObject({ verdict: 'match' })
  })

  test('with keys that were given, the messages are about them, and else about the address', async () => {
    const unknown = await signer.sign(idToken(), { kid: 'key-2' })
    const messageOf = async (token: string, options: VerifyTokenOptions) =>
      (await failureOf(() => verifyToken(token, options))).message
    expect(await messageOf(unknown, offline())).toContain('none of the keys that were given has the ID that the token')
    expect(await messageOf(await other.sign(idToken()), offline())).toMatch(
      /of the keys that were given, the one that the token names did not sign it; .*, and the current keys of that pool$/,
    )
    expect(await messageOf(unknown, offline({ keys: {} }))).toContain('the keys that were given cannot be used')
    await using server = await startKeyServer(response => response.end(JSON.stringify(keysOf(signer))))
    expect(await messageOf(unknown, offline({ keys: undefined, endpoint: server.url }))).toMatch(
      /none of the keys at `http:\S+` has the ID that the token names; give a token that the user pool issued$/,
    )
  })

  test.each<[string, unknown]>([
    ['nothing', null],
    ['a text', 'keys'],
    ['an object', {}],
    ['keys that are no list', { keys: {} }],
    ['a list of texts', { keys: ['a'] }],
    ['a key without a modulus', { keys: [{ kty: 'RSA', kid: 'key-1', e: 'AQAB' }] }],
    ['a modulus that is a number', { keys: [{ kty: 'RSA', kid: 'key-1', e: 'AQAB', n: 1 }] }],
  ])('keys that are %s are an error of the keys', async (_, keys) => {
    expect(await rejection(idToken(), { keys })).toMatchObject({ code: 'invalid-input' })
  })

  test('two keys of one id, a private key and a weak one are errors of the keys', async () => {
    expect(await rejection(idToken(), { keys: keysOf(signer, other) })).toMatchObject({ code: 'invalid-input' })
    const { privateKey } = await generateKeyPair('RS256', { extractable: true })
    const own = { ...(await exportJWK(privateKey)), kid: 'key-1' }
    expect(await rejection(idToken(), { keys: { keys: [own] } })).toMatchObject({ code: 'invalid-input' })
    const weak = { kty: 'RSA', kid: 'key-1', e: 'AQAB', n: Buffer.alloc(128, 255).toString('base64url') }
    expect(await rejection(idToken(), { keys: { keys: [weak] } })).toMatchObject({ code: 'invalid-input' })
  })

  test.each<[string, object | string]>([
    ['a list', '[]'],
    ['no JSON', '{'],
    ['a bare word', 'x'],
    ['a refresh token', {}],
    ['no use', idToken({}, { token_use: undefined })],
    ['another use', idToken({}, { token_use: 'refresh' })],
    ['a use that is a list', idToken({}, { token_use: ['id'] })],
    ['no issuer', idToken({}, { iss: undefined })],
    ['an issuer that is a list', idToken({}, { iss: [ISSUER] })],
    ['no time', idToken({}, { iat: undefined })],
    ['a time as text', idToken({}, { iat: '1' })],
    ['a time that is no date', idToken({}, { exp: 1e300 })],
    ['a time before all', idToken({}, { iat: -1 })],
    ['no user', idToken({}, { 'cognito:username': undefined })],
    ['no user, as of a machine', accessToken({}, { username: undefined })],
    ['a username that is too long', idToken({}, { 'cognito:username': 'x'.repeat(129) })],
    ['a text in place of groups', idToken({ 'cognito:groups': 'admins' })],
    ['an object in place of groups', idToken({ 'cognito:groups': { length: 1, 0: 'admins' } })],
    ['a number among the roles', idToken({ 'cognito:roles': [role('Admin'), 1] })],
    ['null in place of groups', idToken({ 'cognito:groups': null })],
    ['a list in place of a preferred role', idToken({ 'cognito:preferred_role': [role('Admin')] })],
    [
      'a claim twice',
      JSON.stringify(idToken()).replace('{', '{"cognito:groups":["admins"],"cognito:groups":["staff"],'),
    ],
    ['a claim twice, once escaped', JSON.stringify(idToken()).replace('{', '{"iss":"x","\\u0069ss":"y",')],
  ])('%s in it', async (_, claims) => {
    const error = await rejection(claims)
    expect(error).toMatchObject({ code: 'invalid-token' })
    expect(JSON.stringify(error)).not.toMatch(/admins|Admin|secret/)
  })

  test('control: a key that comes twice further down, and names in a string, are accepted', async () => {
    const text = JSON.stringify(idToken()).replace('{', '{"address":{"a":1,"a":2},"note":"\\"iss\\":\\"iss\\":{[",')
    expect(await verified(JSON.parse(text))).toMatchObject({ verdict: 'match' })
    expect(await verifyToken(await signer.sign(text), offline())).toMatchObject({ verdict: 'match' })
  })

  test.each(['', 'a', 'a.b', 'a.b.c', 'a.b.c.d.e', '..', 'eyJhbGciOiJSUzI1NiJ9.e30.', '\u0000', 'Bearer eyJ.e.x'])(
    '%j is not a token',
    async token => {
      expect(await failureOf(() => verifyToken(token, offline()))).toMatchObject({ code: 'invalid-token' })
    },
  )

  test('what is not UTF-8 is not a token', async () => {
    const [header, , signature] = unsigned('').split('.')
    const bytes = Buffer.from(JSON.stringify(idToken({}, { email: 'secret-é' })), 'latin1').toString('base64url')
    const insecure = offline({ keys: undefined, insecure: true })
    expect(await failureOf(() => verifyToken(`${header}.${bytes}.${signature}`, insecure))).toMatchObject({
      code: 'invalid-token',
    })
    expect(await verifyToken(unsigned(idToken({}, { email: 'secret-é' })), insecure)).toMatchObject({
      verdict: 'match',
    })
  })

  test('a value that is not a string, or is too long, is not a token', async () => {
    for (const token of [undefined, null, 1, {}, 'a'.repeat(2 ** 20 + 1)])
      expect(await failureOf(() => verifyToken(token as string, offline()))).toMatchObject({ code: 'invalid-token' })
  })
})

describe('a token of unusual size or content is judged all the same', () => {
  test('10,000 groups', async () => {
    const names = Array.from({ length: 10_000 }, (_, index) => `g${index}`)
    const groups = names.map((name, index) => group(name, index, `R${index % 50}`))
    const roles = [...new Set(groups.map(({ roleArn }) => roleArn))]
    const claims = { 'cognito:groups': names, 'cognito:roles': roles, 'cognito:preferred_role': role('R0') }
    expect(await verified(idToken(claims), { groups })).toMatchObject({ verdict: 'match' })
  })

  test('claims that are nested without an end', async () => {
    const nested = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const token = await signer.sign(JSON.stringify(idToken()).replace('{', `{"deep":${nested},`))
    expect(await verifyToken(token, offline())).toMatchObject({ verdict: 'match' })
  })

  test('keys of a prototype', async () => {
    const text = JSON.stringify(idToken()).replace('{', '{"__proto__":{"cognito:roles":["x"]},"constructor":1,')
    expect(await verifyToken(await signer.sign(text), offline())).toMatchObject({ verdict: 'match' })
    const groups = [group('__proto__', 0, 'Proto'), group('toString', null)]
    const claims = carrying(['toString', '__proto__'], ['Proto'], 'Proto')
    expect(await verified(idToken(claims), { groups })).toMatchObject({ verdict: 'match' })
  })

  test('an expired one is reported as such, and judged', async () => {
    const clock = () => (ISSUED_AT + 3_600) * 1_000
    expect(await verified(idToken(carrying(['admins'], ['Admin'], 'Admin')), { clock })).toMatchObject({
      verdict: 'match',
      token: { isExpired: true, issuedAt: '2026-11-29T12:00:00.000Z', expiresAt: '2026-11-29T13:00:00.000Z' },
    })
    expect(await verified(idToken())).toMatchObject({ token: { isExpired: false } })
  })
})

describe('no part of the token is shown', () => {
  test('but names of groups and ARNs of roles', async () => {
    const found = await verified(idToken(carrying(['admins'], ['Admin'], 'Admin')))
    expect(JSON.stringify(found)).not.toMatch(/secret|7f0c1ab2|eyJ/)
    expect(Object.keys(found).toSorted()).toEqual([
      'doubts',
      'fits',
      'forecast',
      'groups',
      'isReadAfterToken',
      'memberships',
      'notLookedAt',
      'roles',
      'semantics',
      'signature',
      'token',
      'triggerSigns',
      'undated',
      'userPoolId',
      'verdict',
    ])
  })
})

describe('the keys of the pool', () => {
  const endpointOf = (url: string, more: Partial<VerifyTokenOptions> = {}) =>
    offline({ keys: undefined, endpoint: url, ...more })

  test("are read from the endpoint, and the report says that it is not Cognito's", async () => {
    await using server = await startKeyServer(response => response.end(JSON.stringify(keysOf(signer))))
    for (const endpoint of [server.url, `${server.url}/`]) {
      const token = await signer.sign(idToken({}, { iss: `${server.url}/${userPoolId}` }))
      expect(await verifyToken(token, endpointOf(endpoint))).toMatchObject({
        verdict: 'match',
        endpoint,
        signature: { isChecked: true, keys: `${server.url}/${userPoolId}/.well-known/jwks.json` },
      })
    }
    // An emulator may play Cognito in its tokens too.
    expect(await verifyToken(await signer.sign(idToken()), endpointOf(server.url))).toMatchObject({ verdict: 'match' })
    expect(new Set(server.paths)).toEqual(new Set([`/${userPoolId}/.well-known/jwks.json`]))
  })

  test("below a domain of AWS, a host that is not a service's own is another endpoint, and reported", async () => {
    const endpoint = 'https://abc.execute-api.us-east-1.amazonaws.com'
    expect(await verified(idToken(), { endpoint })).toMatchObject({ verdict: 'match', endpoint })
  })

  test('of an address of AWS are those of the issuer, and what they show is of Cognito', async () => {
    const endpoint = 'https://cognito-idp-fips.us-east-1.amazonaws.com'
    const found = await verified(idToken(), { endpoint })
    expect(found).toMatchObject({ verdict: 'match' })
    expect('endpoint' in found).toBe(false)
    const error = await failureOf(() => verified(idToken({}, { iss: `${endpoint}/${userPoolId}` }), { endpoint }))
    expect(error.code).toBe('wrong-user-pool')
  })

  test('are not read for a token of another pool', async () => {
    await using server = await startKeyServer(response => response.end(JSON.stringify(keysOf(signer))))
    const token = await signer.sign(idToken({}, { iss: 'http://127.0.0.1:1/other' }))
    expect(await failureOf(() => verifyToken(token, endpointOf(server.url)))).toMatchObject({ code: 'wrong-user-pool' })
    expect(server.paths).toEqual([])
  })

  test.each<[string, Parameters<typeof startKeyServer>[0], string]>([
    ['a redirection', response => response.writeHead(302, { location: '/elsewhere' }).end(), 'malformed-response'],
    ['not there', response => response.writeHead(404).end('{}'), 'pool-not-found'],
    ['throttled', response => response.writeHead(429).end(), 'throttled'],
    ['a failure of the server', response => response.writeHead(503).end('<html>'), 'service-error'],
    ['HTML', response => response.end('<!DOCTYPE html>secret'), 'malformed-response'],
    ['too long', response => response.end(`"${'x'.repeat(2 ** 20)}"`), 'malformed-response'],
    ['a connection that breaks', response => response.destroy(), 'unreachable'],
    ['a body that breaks off', breakOff, 'unreachable'],
    ['a list', response => response.end('[]'), 'invalid-input'],
  ])('that are %s are an error', async (_, answer, code) => {
    await using server = await startKeyServer(answer)
    const token = await signer.sign(idToken())
    const error = await failureOf(() => verifyToken(token, endpointOf(server.url)))
    expect(error.code).toBe(code)
    expect(error.message).not.toContain('secret')
    expect(server.paths).toHaveLength(1)
  })

  function breakOff(response: Parameters<Parameters<typeof startKeyServer>[0]>[0]): void {
    response.writeHead(200, { 'content-length': '100' }).write('{')
    setTimeout(() => response.destroy(), 20)
  }

  test.each<[string, Parameters<typeof startKeyServer>[0]]>([
    ['never come', () => {}],
    ['stop in the middle', response => void response.writeHead(200).write('{"keys":')],
  ])('that %s are an error after the timeout, and immediately when aborted', async (_, answer) => {
    const token = await signer.sign(idToken())
    await using slow = await startKeyServer(answer)
    expect(await failureOf(() => verifyToken(token, endpointOf(slow.url, { timeout: 50 })))).toMatchObject({
      code: 'timeout',
      retryable: true,
    })
    await using server = await startKeyServer(answer)
    const leaving = new AbortController()
    const options = endpointOf(server.url, { signal: leaving.signal, timeout: 600_000 })
    const left = failureOf(() => verifyToken(token, options))
    while (server.paths.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
    leaving.abort()
    expect(await left).toMatchObject({ code: 'aborted' })
  })

  test('are not read over http from another machine', async () => {
    const token = await signer.sign(idToken())
    for (const endpoint of ['http://cognito.example', 'http://192.168.1.1', 'http://127.0.0.1.evil.example'])
      expect(await failureOf(() => verifyToken(token, endpointOf(endpoint)))).toMatchObject({ code: 'invalid-option' })
  })

  test('of a pool whose id has no Region, or one that is not public, need an endpoint', async () => {
    const token = await signer.sign(idToken())
    for (const id of ['local_1a2b3c', 'us-iso-east-1_Ab12Cd34e'])
      expect(await failureOf(() => verifyToken(token, offline({ userPoolId: id })))).toMatchObject({
        code: 'invalid-option',
      })
    const iss = 'http://localhost:9229/local_1a2b3c'
    const options = { userPoolId: 'local_1a2b3c', endpoint: 'http://localhost:9229' }
    expect(await verified(idToken({}, { iss }), options)).toMatchObject({ verdict: 'match' })
  })
})

describe('options that cannot be used are rejected before the token is looked at', () => {
  test.each<[string, Partial<VerifyTokenOptions>, string]>([
    ['a user pool id', { userPoolId: '../x' }, 'invalid-user-pool-id'],
    ['an endpoint', { endpoint: 'ftp://x' }, 'invalid-option'],
    ['semantics', { semantics: 'x' as Semantics }, 'invalid-option'],
    ['keys and no check', { insecure: true }, 'invalid-option'],
    ['a group', { groups: [{ groupName: '' }] }, 'invalid-group'],
    ['a precedence', { groups: [{ groupName: 'a', precedence: -1 }] }, 'invalid-precedence'],
    ['a time', { groups: [{ groupName: 'a', modifiedAt: NaN }] }, 'invalid-option'],
    ['a time as text', { groups: [{ groupName: 'a', modifiedAt: '2026' as never }] }, 'invalid-option'],
  ])('%s', async (_, options, code) => {
    expect(await failureOf(() => verifyToken('secret', offline(options)))).toMatchObject({ code })
  })
})
