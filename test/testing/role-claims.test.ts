import * as fc from 'fast-check'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Semantics, SEMANTICS } from '../../src/claims/decide.js'
import type { Group } from '../../src/group.js'
import type { FakeCognito } from '../../src/testing/index.js'
import { type FakeService, startFakeService } from '../../src/testing/fake-service.js'
import { abstractPools, concrete, dictionaries } from '../arbitraries.js'
import { modelResolve } from '../models/resolve-model.js'
import vectors from '../vectors/claims.json' with { type: 'json' }
import {
  clientOf,
  createFake,
  createGroups,
  createPool,
  createUser,
  refresh,
  refusalOf,
  role,
  roleClaims,
  sharedKeys,
  signIn,
} from './sdk-client.js'

type Vector = (typeof vectors)[number]

/** The claims that a vector has in this reading, absent where it says null or nothing. */
function claimsOf({ expected, documentedProfile }: Vector, semantics: Semantics): Record<string, unknown> {
  const preferred = {
    observed: expected.preferredRole,
    'roles-compete': expected.preferredRole ?? expected.candidateRole,
    'tied-groups-agree': expected.preferredRole,
    documented: documentedProfile,
  }[semantics]
  return {
    ...(expected.groups.length > 0 && { 'cognito:groups': expected.groups.toSorted() }),
    ...(expected.roles.length > 0 && { 'cognito:roles': expected.roles.toSorted() }),
    ...(preferred !== null && { 'cognito:preferred_role': preferred }),
  }
}

const services = new Map<Semantics, FakeService>()
beforeAll(async () => {
  for (const semantics of SEMANTICS)
    services.set(semantics, await startFakeService({ semantics, createKeys: sharedKeys }))
})
afterAll(async () => {
  for (const service of services.values()) await service.close()
})

/** Creates the groups and a user by the API, signs in, and gives what the service answers. */
async function played(groups: readonly Group[], semantics: Semantics) {
  const client = clientOf(services.get(semantics)!)
  const pool = await createPool(client)
  await createGroups(pool, groups)
  await createUser(
    pool,
    'alice',
    groups.map(({ groupName }) => groupName),
  )
  return signIn(pool, 'alice').finally(() => client.destroy())
}

describe('the vectors of docs/semantics.md, each played through a sign-in', () => {
  const cases = vectors.flatMap(vector => SEMANTICS.map(semantics => ({ ...vector, vector, semantics })))

  test.each(cases.filter(({ expected, semantics }) => semantics !== 'observed' || expected.candidateRole === null))(
    '$id, $semantics',
    async ({ vector, groups, semantics }) => {
      const { id, access } = await played(groups, semantics)
      expect(roleClaims(id)).toStrictEqual(claimsOf(vector, semantics))
      const { 'cognito:groups': names } = claimsOf(vector, semantics)
      expect(roleClaims(access)).toStrictEqual(names === undefined ? {} : { 'cognito:groups': names })
    },
  )

  const captured = vectors.flatMap(vector => ('tokens' in vector ? [vector as Vector & { tokens: Tokens }] : []))
  interface Tokens {
    readonly id: object
    readonly access: object
  }

  test.each(captured)('$id: both tokens are those of the capture', async ({ groups, tokens }) => {
    const { id, access } = await played(groups, 'observed')
    expect(roleClaims(id)).toStrictEqual(roleClaims(tokens.id))
    expect(roleClaims(access)).toStrictEqual(roleClaims(tokens.access))
  })

  test('if AWS does not document the claims, `observed` signs no user in and names the options', async () => {
    const open = vectors.find(({ expected }) => expected.candidateRole !== null)
    const refusal = await refusalOf(played(open!.groups, 'observed'))
    expect(refusal).toMatch(/^UndeterminedRoleException: /)
    for (const { groupName } of open!.groups) expect(refusal).toContain(`\`${groupName}\``)
    for (const option of ['roles-compete', 'tied-groups-agree', 'calibration']) expect(refusal).toContain(option)
  })

  test('control: other claims are noticed', async () => {
    const vector = vectors.find(({ id }) => id === 'row-11')
    const { id } = await played(vector!.groups, 'observed')
    expect(roleClaims(id)).not.toStrictEqual({
      ...claimsOf(vector!, 'observed'),
      'cognito:preferred_role': role('Alpha'),
    })
  })
})

/** What the signed tokens of a user in these groups say. */
async function signedClaims(fake: FakeCognito, groups: readonly Group[]) {
  for (const group of groups) fake.putGroup(group)
  fake.addUser({ username: 'alice', groups: groups.map(({ groupName }) => groupName) })
  try {
    const { idToken, accessToken } = await fake.tokensOf('alice')
    return { id: decodeJwt(idToken), access: decodeJwt(accessToken) }
  } finally {
    fake.deleteUser('alice')
    for (const { groupName } of groups) fake.deleteGroup(groupName)
  }
}

describe('any groups', () => {
  test.each(SEMANTICS.filter(semantics => semantics !== 'observed'))(
    'with %s, the signed claims are those of a model that shares no code with the library',
    async semantics => {
      await using fake = await createFake({ semantics })
      await fc.assert(
        fc.asyncProperty(abstractPools, dictionaries, async (abstract, dictionary) => {
          const groups = concrete(abstract, dictionary)
          const { id, access } = await signedClaims(fake, groups)
          const { claims } = modelResolve(groups, semantics)
          expect(roleClaims(id)).toStrictEqual(roleClaims(claims))
          const { 'cognito:groups': names } = claims
          expect(roleClaims(access)).toStrictEqual(roleClaims(names === undefined ? {} : { 'cognito:groups': names }))
        }),
      )
    },
  )

  test('by default, a token is issued exactly where the model is sure, and has its claims', async () => {
    await using fake = await createFake()
    await fc.assert(
      fc.asyncProperty(abstractPools, dictionaries, async (abstract, dictionary) => {
        const groups = concrete(abstract, dictionary)
        const model = modelResolve(groups)
        const signed = signedClaims(fake, groups)
        if (model.outcome === 'undetermined') await expect(signed).rejects.toMatchObject({ code: 'request-rejected' })
        else expect(roleClaims((await signed).id)).toStrictEqual(roleClaims(model.claims))
      }),
    )
  })

  test('control: with another semantics, some groups get other claims than those of the model', async () => {
    await using fake = await createFake({ semantics: 'documented' })
    const groups = [{ groupName: 'a', roleArn: role('Alpha') }]
    const { id } = await signedClaims(fake, groups)
    expect(roleClaims(id)).not.toStrictEqual(roleClaims(modelResolve(groups, 'roles-compete').claims))
  })
})

describe('the order of the lists', () => {
  const groups = ['a', 'b', 'c', 'd', 'e', 'f'].map((groupName, index) => ({
    groupName,
    precedence: index,
    roleArn: role(`Role${groupName}`),
  }))

  test('is the same in every token and for every user, and neither that of joining nor the alphabet', async () => {
    const names = groups.map(({ groupName }) => groupName)
    await using fake = await createFake({
      groups,
      users: [
        { username: 'alice', groups: names },
        { username: 'bob', groups: names.toReversed() },
      ],
    })
    const claims = await Promise.all(
      ['alice', 'alice', 'bob'].map(async username => decodeJwt((await fake.tokensOf(username)).idToken)),
    )
    const [first, ...others] = claims.map(claim => [claim['cognito:groups'], claim['cognito:roles']])
    for (const other of others) expect(other).toStrictEqual(first)
    const [order, roles] = first as [string[], string[]]
    expect(order.toSorted()).toStrictEqual(names)
    expect(order).not.toStrictEqual(names)
    expect(order).not.toStrictEqual(names.toReversed())
    expect(roles).not.toStrictEqual(groups.map(({ roleArn }) => roleArn))
    expect(fake.users.map(user => user.groups)).toStrictEqual([order, order])
  })
})

describe('a truth of the caller', () => {
  test('`claims` replaces what the groups get, and the access token has its groups alone', async () => {
    await using fake = await createFake({
      users: [{ username: 'alice' }],
      claims: () => ({ 'cognito:groups': ['x'], 'cognito:roles': ['one', 'one'], 'cognito:preferred_role': 'two' }),
    })
    const { idToken, accessToken } = await fake.tokensOf('alice')
    expect(decodeJwt(idToken)).toMatchObject({ 'cognito:roles': ['one', 'one'], 'cognito:preferred_role': 'two' })
    expect(roleClaims(decodeJwt(accessToken))).toStrictEqual({ 'cognito:groups': ['x'] })
  })

  test('the service can play claims of the access token as well', async () => {
    const service = await startFakeService({
      createKeys: sharedKeys,
      accessTokenClaims: () => ({ 'cognito:roles': ['one'] }),
    })
    const client = clientOf(service)
    const pool = await createPool(client)
    await createUser(pool, 'alice')
    const signedIn = await signIn(pool, 'alice')
    expect(roleClaims(signedIn.access)).toStrictEqual({ 'cognito:roles': ['one'] })
    expect(roleClaims((await refresh(pool, signedIn)).access)).toStrictEqual({ 'cognito:roles': ['one'] })
    client.destroy()
    await service.close()
  })
})
