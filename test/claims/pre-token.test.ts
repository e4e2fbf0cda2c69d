import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { createContext, runInContext } from 'node:vm'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as rolecast from '../../src/index.js'
import { isRolecastError, quote, type RolecastError } from '../../src/errors.js'
import type { Group } from '../../src/group.js'
import {
  applyGroupOverride,
  type ClaimChanges,
  type GroupOverrideDetails,
  groupConfigurations,
  type OverrideRule,
  type PreTokenEvent,
  type PreTokenResponse,
  type TokenForecast,
} from '../../src/claims/pre-token.js'
import { accessTokenClaims, type Resolution, resolveRoles, type RoleClaims } from '../../src/claims/resolve.js'
import { rolesCompete, tiedLevelAgrees } from '../models/resolve-model.js'
import { groupNames, pools, semantics } from '../arbitraries.js'
import { modelForecast, type Version } from '../models/pre-token-model.js'

const A = 'arn:aws:iam::111122223333:role/Alpha'
const B = 'arn:aws:iam::111122223333:role/Beta'
const C = 'arn:aws:iam::111122223333:role/Gamma'

const group = (groupName: string, precedence?: number | null, roleArn?: string | null): Group => ({
  groupName,
  precedence,
  roleArn,
})

const UNDETERMINED = [group('vip', 2), group('b', 2, B)]
const RESOLUTIONS: Readonly<Record<string, Resolution>> = {
  'no groups': resolveRoles([]),
  'no roles': resolveRoles([group('a')]),
  'no precedence': resolveRoles([group('a', null, A)]),
  resolved: resolveRoles([group('a', 1, A), group('b', 2, B)]),
  ambiguous: resolveRoles([group('a', 1, A), group('b', 1, B)]),
  undetermined: resolveRoles(UNDETERMINED),
  'roles compete': resolveRoles(UNDETERMINED, { semantics: 'roles-compete' }),
}
const resolved = RESOLUTIONS['resolved']!
const undetermined = RESOLUTIONS['undetermined']!

interface Answer {
  readonly groupOverrideDetails?: GroupOverrideDetails | null | undefined
  readonly id?: ClaimChanges
  readonly access?: ClaimChanges
}

/** An answer in the shape of a version. Version 1 has no place for changes to the access token. */
function shaped(version: Version, { id, access, ...details }: Answer): PreTokenResponse {
  return version === '1'
    ? { claimsOverrideDetails: { ...id, ...details } }
    : {
        claimsAndScopeOverrideDetails: {
          ...(id && { idTokenGeneration: id }),
          ...(access && { accessTokenGeneration: access }),
          ...details,
        },
      }
}

const eventOf = (version: Version, answer: Answer): PreTokenEvent => ({ version, response: shaped(version, answer) })
const VERSIONS = ['1', '2', '3'] as const
const CLAIMS = ['cognito:groups', 'cognito:roles', 'cognito:preferred_role'] as const
type Cell = readonly [outcome: string, rule: OverrideRule, evidence: string, value?: unknown]

function cellsOf({
  idToken,
  accessToken,
  reasons,
}: TokenForecast): Readonly<Record<'groups' | 'roles' | 'preferred' | 'access', Cell>> {
  const cell = (
    claims: RoleClaims,
    { outcome, rule, evidence, candidate }: TokenForecast['reasons']['idToken']['cognito:roles'],
    claim: keyof RoleClaims,
  ): Cell => {
    const value = claims[claim] ?? candidate
    return value === undefined ? [outcome, rule, evidence] : [outcome, rule, evidence, value]
  }
  return {
    groups: cell(idToken, reasons.idToken['cognito:groups'], 'cognito:groups'),
    roles: cell(idToken, reasons.idToken['cognito:roles'], 'cognito:roles'),
    preferred: cell(idToken, reasons.idToken['cognito:preferred_role'], 'cognito:preferred_role'),
    access: cell(accessToken, reasons.accessToken['cognito:groups'], 'cognito:groups'),
  }
}

const flagsOf = ({ undocumented }: TokenForecast) =>
  undocumented.map(({ token, claim, rule }) => `${token} ${claim} ${rule}`)

describe('the request', () => {
  test('a group configuration has the groups, the roles and the preferred role', () => {
    expect(groupConfigurations(resolved)).toStrictEqual([
      { groupsToOverride: ['a', 'b'], iamRolesToOverride: [A, B], preferredRole: A },
    ])
  })

  test('without groups it has empty lists and null, never a missing key', () => {
    expect(groupConfigurations(resolveRoles([]))).toStrictEqual([
      { groupsToOverride: [], iamRolesToOverride: [], preferredRole: null },
    ])
  })

  test('no preferred role is null', () => {
    expect(groupConfigurations(RESOLUTIONS['ambiguous']!)).toStrictEqual([
      { groupsToOverride: ['a', 'b'], iamRolesToOverride: [A, B], preferredRole: null },
    ])
  })

  test('an undetermined preferred role gives both configurations, first the one without a preferred role', () => {
    expect(groupConfigurations(undetermined)).toStrictEqual([
      { groupsToOverride: ['vip', 'b'], iamRolesToOverride: [B], preferredRole: null },
      { groupsToOverride: ['vip', 'b'], iamRolesToOverride: [B], preferredRole: B },
    ])
  })

  test('a handler that changes its configuration changes neither the resolution nor the other configuration', () => {
    const resolution = resolveRoles(UNDETERMINED)
    const [first, second] = groupConfigurations(resolution)
    first.groupsToOverride.push('admins')
    first.iamRolesToOverride.push(A)
    expect(resolution).toStrictEqual(undetermined)
    expect(second).toStrictEqual(groupConfigurations(undetermined)[1])
  })
})

describe.each(VERSIONS)('examples, row by row, version %s', version => {
  const given = (answer: Answer, resolution = resolved) => applyGroupOverride(resolution, eventOf(version, answer))
  const full = { groupsToOverride: ['x', 'y'], iamRolesToOverride: [B, C], preferredRole: C }

  test('groupOverrideDetails replaces the groups in both tokens and the roles in the ID token', () => {
    expect(given({ groupOverrideDetails: full })).toStrictEqual({
      idToken: { 'cognito:groups': ['x', 'y'], 'cognito:roles': [B, C], 'cognito:preferred_role': C },
      accessToken: { 'cognito:groups': ['x', 'y'] },
      reasons: {
        idToken: {
          'cognito:groups': { outcome: 'present', rule: 'replaced', evidence: 'documented' },
          'cognito:roles': { outcome: 'present', rule: 'replaced', evidence: 'documented' },
          'cognito:preferred_role': { outcome: 'present', rule: 'replaced', evidence: 'documented' },
        },
        accessToken: { 'cognito:groups': { outcome: 'present', rule: 'replaced', evidence: 'documented' } },
      },
      undocumented: [],
    })
  })

  test.each([
    ['{}', {}],
    ['null', null],
    ['only undefined', { groupsToOverride: undefined }],
  ])(
    'groupOverrideDetails %s suppresses the groups in both tokens, and the roles with them',
    (_, groupOverrideDetails) => {
      const forecast = given({ groupOverrideDetails })
      expect(cellsOf(forecast)).toStrictEqual({
        groups: ['absent', 'empty-details', 'documented'],
        roles: ['absent', 'empty-details', 'inferred'],
        preferred: ['absent', 'empty-details', 'inferred'],
        access: ['absent', 'empty-details', 'documented'],
      })
      expect(forecast).toMatchObject({ idToken: {}, accessToken: {}, undocumented: [] })
    },
  )

  test('groupOverrideDetails with nothing but nulls is as good as empty, which is inferred', () => {
    const nulls = { groupsToOverride: null, iamRolesToOverride: null, preferredRole: null }
    for (const groupOverrideDetails of [nulls, { preferredRole: '' }, { groups: ['a'] } as GroupOverrideDetails]) {
      const absent = ['absent', 'empty-details', 'inferred']
      expect(cellsOf(given({ groupOverrideDetails }))).toStrictEqual({
        groups: absent,
        roles: absent,
        preferred: absent,
        access: absent,
      })
    }
  })

  test('the key omitted leaves all as it is', () => {
    for (const answer of [{}, { groupOverrideDetails: undefined }]) {
      expect(cellsOf(given(answer))).toStrictEqual({
        groups: ['present', 'unchanged', 'inferred', ['a', 'b']],
        roles: ['present', 'unchanged', 'inferred', [A, B]],
        preferred: ['present', 'unchanged', 'inferred', A],
        access: ['present', 'unchanged', 'inferred', ['a', 'b']],
      })
    }
  })

  test.each([
    null,
    undefined,
    {},
    { version },
    { version, response: null },
    { version, response: {} },
    { version, response: { claimsOverrideDetails: null } },
    { version, response: { claimsAndScopeOverrideDetails: null } },
    { version, response: { claimsAndScopeOverrideDetails: [] } },
    { version, response: { claimsOverrideDetails: {} } },
    { version, response: { claimsAndScopeOverrideDetails: {} } },
    { claimsOverrideDetails: null },
    { request: {}, response: {} } as PreTokenEvent,
    { version, response: { claimsAndScopeOverrideDetails: [], claimsOverrideDetails: null } },
  ])('no details at all leave all as it is, case %#', response => {
    expect(applyGroupOverride(resolved, response)).toStrictEqual(given({}))
  })

  test('an empty groupsToOverride takes the groups away and leaves the roles as given', () => {
    expect(cellsOf(given({ groupOverrideDetails: { ...full, groupsToOverride: [] } }))).toStrictEqual({
      groups: ['absent', 'replaced', 'inferred'],
      roles: ['present', 'replaced', 'inferred', [B, C]],
      preferred: ['present', 'replaced', 'inferred', C],
      access: ['absent', 'replaced', 'inferred'],
    })
  })

  test.each([undefined, null, ''])('roles given and preferredRole %o: none is preferred', preferredRole => {
    const forecast = given({ groupOverrideDetails: { ...full, preferredRole } })
    expect(cellsOf(forecast)).toStrictEqual({
      groups: ['present', 'replaced', 'documented', ['x', 'y']],
      roles: ['present', 'replaced', 'documented', [B, C]],
      preferred: ['absent', 'left-out', 'inferred'],
      access: ['present', 'replaced', 'documented', ['x', 'y']],
    })
    expect(flagsOf(forecast)).toEqual([])
  })

  test('a preferredRole outside iamRolesToOverride is emitted as given', () => {
    expect(cellsOf(given({ groupOverrideDetails: { ...full, preferredRole: A } })).preferred).toStrictEqual([
      'present',
      'replaced',
      'documented',
      A,
    ])
  })

  test.each([undefined, null])(
    'only groupsToOverride, the others %o: no role, and both are flagged as undocumented',
    left => {
      const forecast = given({
        groupOverrideDetails: { groupsToOverride: ['x'], iamRolesToOverride: left, preferredRole: left },
      })
      expect(cellsOf(forecast)).toStrictEqual({
        groups: ['present', 'replaced', 'documented', ['x']],
        roles: ['absent', 'left-out', 'unknown'],
        preferred: ['absent', 'left-out', 'unknown'],
        access: ['present', 'replaced', 'documented', ['x']],
      })
      expect(flagsOf(forecast)).toEqual(['id cognito:roles left-out', 'id cognito:preferred_role left-out'])
    },
  )

  test('only roles: no groups in either token, which is undocumented', () => {
    const forecast = given({ groupOverrideDetails: { iamRolesToOverride: [B] } })
    expect(cellsOf(forecast)).toStrictEqual({
      groups: ['absent', 'left-out', 'unknown'],
      roles: ['present', 'replaced', 'inferred', [B]],
      preferred: ['absent', 'left-out', 'inferred'],
      access: ['absent', 'left-out', 'unknown'],
    })
    expect(flagsOf(forecast)).toEqual(['id cognito:groups left-out', 'access cognito:groups left-out'])
  })

  test('only a preferredRole: it is emitted, and that is inferred', () => {
    expect(cellsOf(given({ groupOverrideDetails: { preferredRole: C } })).preferred).toStrictEqual([
      'present',
      'replaced',
      'inferred',
      C,
    ])
    expect(cellsOf(given({ groupOverrideDetails: { ...full, iamRolesToOverride: [] } })).preferred).toStrictEqual([
      'present',
      'replaced',
      'inferred',
      C,
    ])
  })

  test('suppressing cognito:groups in the ID token suppresses all three there, whatever the details set', () => {
    for (const groupOverrideDetails of [undefined, full]) {
      const { groups, roles, preferred } = cellsOf(
        given({ groupOverrideDetails, id: { claimsToSuppress: ['email', 'cognito:groups'] } }),
      )
      expect([groups, roles, preferred]).toStrictEqual(CLAIMS.map(() => ['absent', 'suppressed', 'documented']))
    }
  })

  test('suppressing cognito:groups in the ID token leaves the access token alone', () => {
    expect(given({ id: { claimsToSuppress: ['cognito:groups'] } }).accessToken).toStrictEqual({
      'cognito:groups': ['a', 'b'],
    })
    expect(
      given({ groupOverrideDetails: full, id: { claimsToSuppress: ['cognito:groups'] } }).accessToken,
    ).toStrictEqual({ 'cognito:groups': ['x', 'y'] })
  })

  test('suppressing a role claim by its own name is undocumented, and the claim undetermined', () => {
    const forecast = given({ id: { claimsToSuppress: ['cognito:roles', 'cognito:preferred_role'] } })
    expect(cellsOf(forecast)).toMatchObject({
      roles: ['undetermined', 'suppressed-by-name', 'unknown', [A, B]],
      preferred: ['undetermined', 'suppressed-by-name', 'unknown', A],
    })
    expect(forecast.idToken).toStrictEqual({ 'cognito:groups': ['a', 'b'] })
    expect(flagsOf(forecast)).toEqual([
      'id cognito:roles suppressed-by-name',
      'id cognito:preferred_role suppressed-by-name',
    ])
  })

  test('suppressing one role claim by its own name leaves the other', () => {
    expect(given({ id: { claimsToSuppress: ['cognito:roles'] } }).idToken).toStrictEqual({
      'cognito:groups': ['a', 'b'],
      'cognito:preferred_role': A,
    })
  })

  test('suppressing a role claim that is not there changes nothing', () => {
    const id = { claimsToSuppress: ['cognito:preferred_role'] }
    for (const resolution of [RESOLUTIONS['ambiguous']!, undetermined])
      expect(given({ id }, resolution)).toStrictEqual(given({}, resolution))
  })

  test('adding a role claim through claimsToAddOrOverride is undocumented, and its value is never made up', () => {
    const claimsToAddOrOverride = { 'cognito:groups': 'x', 'cognito:preferred_role': C, tenant: 't' }
    const forecast = given({ id: { claimsToAddOrOverride } }, RESOLUTIONS['ambiguous'])
    expect(cellsOf(forecast)).toMatchObject({
      groups: ['undetermined', 'added', 'unknown', ['a', 'b']],
      roles: ['present', 'unchanged', 'inferred', [A, B]],
      access: ['present', 'unchanged', 'inferred', ['a', 'b']],
    })
    expect(forecast.reasons.idToken['cognito:preferred_role']).toStrictEqual({
      outcome: 'undetermined',
      rule: 'added',
      evidence: 'unknown',
    })
    expect(flagsOf(forecast)).toEqual(['id cognito:groups added', 'id cognito:preferred_role added'])
    expect(JSON.stringify(forecast)).not.toContain(C)
  })

  test('a claim that is both suppressed and added is suppressed', () => {
    const both = {
      claimsToSuppress: ['cognito:groups'],
      claimsToAddOrOverride: { 'cognito:groups': 'x', 'cognito:roles': null },
    }
    expect(given({ id: both })).toMatchObject({ idToken: {}, undocumented: [] })
  })

  test('other claims have no effect here, __proto__ among them', () => {
    const changes = JSON.parse(
      '{"claimsToAddOrOverride":{"__proto__":{"cognito:groups":"x"},"cognito:username":"y"},"claimsToSuppress":["__proto__","COGNITO:GROUPS"]}',
    ) as ClaimChanges
    expect(given({ id: changes, access: changes })).toStrictEqual(given({}))
    expect(given({ id: { claimsToAddOrOverride: null, claimsToSuppress: null } })).toStrictEqual(given({}))
    expect(given({ id: { claimsToAddOrOverride: { 'cognito:groups': undefined } } })).toStrictEqual(given({}))
  })

  test('an undetermined preferred role stays so until something replaces it', () => {
    const open = given({}, undetermined)
    expect(cellsOf(open).preferred).toStrictEqual(['undetermined', 'unchanged', 'unknown', B])
    expect(open.idToken).toStrictEqual({ 'cognito:groups': ['vip', 'b'], 'cognito:roles': [B] })
    expect(flagsOf(open)).toEqual(['id cognito:preferred_role unchanged'])
    expect(cellsOf(given({ groupOverrideDetails: full }, undetermined)).preferred).toStrictEqual([
      'present',
      'replaced',
      'documented',
      C,
    ])
    expect(cellsOf(given({ groupOverrideDetails: null }, undetermined)).preferred).toStrictEqual([
      'absent',
      'empty-details',
      'inferred',
    ])
    expect(cellsOf(given({ id: { claimsToSuppress: ['cognito:groups'] } }, undetermined)).preferred).toStrictEqual([
      'absent',
      'suppressed',
      'documented',
    ])
  })

  test('a reading chosen by the caller is not better known after the trigger', () => {
    expect(cellsOf(given({}, RESOLUTIONS['roles compete'])).preferred).toStrictEqual([
      'present',
      'unchanged',
      'unknown',
      B,
    ])
  })

  test('a name or role that comes twice counts once, and any name is a name', () => {
    const names = ['x', '__proto__', 'x', 'a,b', 'constructor', '__proto__']
    expect(
      given({ groupOverrideDetails: { groupsToOverride: names, iamRolesToOverride: [C, A, C], preferredRole: C } })
        .idToken,
    ).toStrictEqual({
      'cognito:groups': ['x', '__proto__', 'a,b', 'constructor'],
      'cognito:roles': [C, A],
      'cognito:preferred_role': C,
    })
  })
})

describe('the notes', () => {
  const noteOn = (resolution: Resolution, answer: Answer) =>
    applyGroupOverride(resolution, eventOf('2', answer)).undocumented[0]!.note

  test.each<[OverrideRule, string, string]>([
    [
      'unchanged',
      noteOn(undetermined, {}),
      "The user's groups do not determine whether there is a cognito:preferred_role, and the trigger does not replace it.",
    ],
    [
      'left-out',
      noteOn(resolved, { groupOverrideDetails: { groupsToOverride: ['x'] } }),
      'groupOverrideDetails has no iamRolesToOverride. AWS documents that it replaces the whole object, but not what a missing part does: ' +
        'the forecast treats cognito:roles as absent.',
    ],
    [
      'suppressed-by-name',
      noteOn(resolved, { id: { claimsToSuppress: ['cognito:roles'] } }),
      'claimsToSuppress names cognito:roles. AWS says to name cognito:groups instead, and does not document what this does: do not grant access based on it.',
    ],
    [
      'added',
      noteOn(resolved, { id: { claimsToAddOrOverride: { 'cognito:groups': 'x' } } }),
      'claimsToAddOrOverride names cognito:groups. AWS says to use groupOverrideDetails instead, and does not document what this does: do not grant access based on it.',
    ],
    [
      'added',
      noteOn(resolved, { access: { claimsToAddOrOverride: { 'cognito:roles': A } } }),
      'claimsToAddOrOverride of the access token names cognito:roles, which Cognito itself never puts there. AWS does not document what happens to it.',
    ],
  ])('%s, case %#', (_, note, expected) => {
    expect(note).toBe(expected)
  })
})

describe('versions', () => {
  const suppress: Answer = { groupOverrideDetails: { groupsToOverride: ['x'] } }

  test.each(['2', '3'] as const)('version %s changes the access token apart from the ID token', version => {
    const access = applyGroupOverride(resolved, eventOf(version, { access: { claimsToSuppress: ['cognito:groups'] } }))
    expect(access.accessToken).toStrictEqual({})
    expect(access.idToken).toStrictEqual(resolved.claims)
    expect(access.reasons.accessToken['cognito:groups']).toStrictEqual({
      outcome: 'absent',
      rule: 'suppressed',
      evidence: 'documented',
    })
  })

  test.each(['2', '3'] as const)(
    'version %s: what adding the claims to the access token does is undocumented',
    version => {
      const claimsToAddOrOverride = { 'cognito:groups': ['x'], 'cognito:roles': [A], 'cognito:preferred_role': A }
      const forecast = applyGroupOverride(resolved, eventOf(version, { access: { claimsToAddOrOverride } }))
      expect(forecast.accessToken).toStrictEqual({})
      expect(flagsOf(forecast)).toEqual([
        'access cognito:groups added',
        'access cognito:roles added',
        'access cognito:preferred_role added',
      ])
      const suppressed = eventOf(version, {
        access: { claimsToAddOrOverride, claimsToSuppress: ['cognito:groups', 'cognito:preferred_role'] },
      })
      expect(flagsOf(applyGroupOverride(resolved, suppressed))).toEqual(['access cognito:roles added'])
    },
  )

  test.each(VERSIONS)('a bare response of version %s is known by its key', version => {
    const answer = { ...suppress, id: { claimsToSuppress: ['cognito:roles'] } }
    expect(applyGroupOverride(resolved, shaped(version, answer))).toStrictEqual(
      applyGroupOverride(resolved, eventOf(version, answer)),
    )
  })

  test.each(['0', 'V1_0', undefined, 2 as unknown as string])(
    'a version that AWS does not send (%o) says nothing, and the key decides',
    version => {
      for (const own of VERSIONS) {
        expect(applyGroupOverride(resolved, { version, response: shaped(own, suppress) })).toStrictEqual(
          applyGroupOverride(resolved, eventOf(own, suppress)),
        )
      }
    },
  )

  test("of two shapes in one response, the one of the event's version counts", () => {
    const response = {
      ...shaped('1', { groupOverrideDetails: { groupsToOverride: ['one'] } }),
      ...shaped('2', { groupOverrideDetails: { groupsToOverride: ['two'] } }),
    }
    expect(applyGroupOverride(resolved, { version: '1', response }).accessToken).toStrictEqual({
      'cognito:groups': ['one'],
    })
    expect(applyGroupOverride(resolved, { version: '2', response }).accessToken).toStrictEqual({
      'cognito:groups': ['two'],
    })
    expect(applyGroupOverride(resolved, { version: '3', response }).accessToken).toStrictEqual({
      'cognito:groups': ['two'],
    })
  })
})

const MISPLACED = 'is not where Cognito looks for it'

describe('invalid responses', () => {
  const details = (groupOverrideDetails: unknown) => ({ claimsOverrideDetails: { groupOverrideDetails } })
  const bad = { toString: () => 'never called' }
  const rows: readonly (readonly [name: string, response: unknown, message: string, value: unknown])[] = [
    ['a text', '{}', 'the response is `{}`, not an object; give what the handler returned, parsed', '{}'],
    ['an array', [], 'the response is an array, not an object; give what the handler returned, parsed', []],
    [
      'a number for the response of an event',
      { version: '1', response: 7 },
      '`response` is `7`, not an object; let the handler return the event',
      7,
    ],
    [
      'a text for the details of version 1',
      { claimsOverrideDetails: 'x' },
      '`claimsOverrideDetails` is `x`, not an object; give an object, or leave it out',
      'x',
    ],
    [
      'a list for the details of version 2',
      { claimsAndScopeOverrideDetails: ['x'] },
      '`claimsAndScopeOverrideDetails` is an array, not an object; give an object, or leave it out',
      ['x'],
    ],
    [
      'an empty list for groupOverrideDetails',
      details([]),
      '`groupOverrideDetails` is an array, not an object; copy `request.groupConfiguration` into it to keep the groups',
      [],
    ],
    [
      'one group that is no list',
      details({ groupsToOverride: 'a' }),
      '`groupsToOverride` is `a`; give an array of strings',
      'a',
    ],
    [
      'a map of groups, as an SDK once sent',
      details({ groupsToOverride: bad }),
      '`groupsToOverride` is an object; give an array of strings',
      bad,
    ],
    [
      'a group that is no text',
      details({ groupsToOverride: ['a', null] }),
      '`groupsToOverride` has `null` in it; give an array of strings',
      null,
    ],
    [
      'a hole among the groups',
      // oxlint-disable-next-line no-sparse-arrays
      details({ groupsToOverride: ['a', , 'b'] }),
      '`groupsToOverride` has `undefined` in it; give an array of strings',
      undefined,
    ],
    [
      'one role that is no list',
      details({ iamRolesToOverride: A }),
      `\`iamRolesToOverride\` is \`${A}\`; give an array of strings`,
      A,
    ],
    [
      'a role that is no text',
      details({ iamRolesToOverride: [7] }),
      '`iamRolesToOverride` has `7` in it; give an array of strings',
      7,
    ],
    [
      'an empty role',
      details({ iamRolesToOverride: [A, ''] }),
      '`iamRolesToOverride` has an empty string; give role ARNs, or an empty array for none',
      [A, ''],
    ],
    [
      'a list of preferred roles',
      details({ preferredRole: [A] }),
      '`preferredRole` is an array; give one role ARN as a string, or null for none',
      [A],
    ],
    [
      'false for a preferred role',
      details({ preferredRole: false }),
      '`preferredRole` is `false`; give one role ARN as a string, or null for none',
      false,
    ],
    [
      'claimsToSuppress that is no list',
      { claimsOverrideDetails: { claimsToSuppress: 'email' } },
      '`claimsToSuppress` is `email`; give an array of strings',
      'email',
    ],
    [
      'claimsToSuppress of no texts',
      { claimsAndScopeOverrideDetails: { accessTokenGeneration: { claimsToSuppress: [{}] } } },
      '`claimsToSuppress` has an object in it; give an array of strings',
      {},
    ],
    [
      'claimsToAddOrOverride that is a list',
      { claimsOverrideDetails: { claimsToAddOrOverride: ['x'] } },
      '`claimsToAddOrOverride` is an array, not an object; give an object of claims, or leave it out',
      ['x'],
    ],
    [
      'a text for the changes of a token',
      { claimsAndScopeOverrideDetails: { idTokenGeneration: 'x' } },
      '`idTokenGeneration` is `x`, not an object; give an object, or leave it out',
      'x',
    ],
    [
      'a group configuration for a response',
      { groupsToOverride: ['a'] },
      `\`groupsToOverride\` ${MISPLACED}; put it into groupOverrideDetails`,
      ['a'],
    ],
    [
      'groupOverrideDetails beside its container',
      { claimsOverrideDetails: {}, groupOverrideDetails: {} },
      `\`groupOverrideDetails\` ${MISPLACED}; put it into claimsOverrideDetails or claimsAndScopeOverrideDetails`,
      {},
    ],
    [
      'the details beside the response',
      { response: {}, claimsOverrideDetails: {} },
      `\`claimsOverrideDetails\` ${MISPLACED}; put it into \`response\``,
      {},
    ],
    [
      'the details of version 2 beside the version',
      { version: '2', claimsAndScopeOverrideDetails: {} },
      `\`claimsAndScopeOverrideDetails\` ${MISPLACED}; put it into \`response\``,
      {},
    ],
    [
      'the details beside the request',
      { request: {}, claimsOverrideDetails: {} },
      `\`claimsOverrideDetails\` ${MISPLACED}; put it into \`response\``,
      {},
    ],
    [
      'changes per token in version 1',
      { claimsOverrideDetails: { idTokenGeneration: {} } },
      `\`idTokenGeneration\` ${MISPLACED}; put it into claimsAndScopeOverrideDetails`,
      {},
    ],
    [
      'changes of no token in version 2',
      { claimsAndScopeOverrideDetails: { claimsToSuppress: [] } },
      `\`claimsToSuppress\` ${MISPLACED}; put it into claimsOverrideDetails or, in versions 2 and 3, idTokenGeneration or accessTokenGeneration`,
      [],
    ],
    [
      'groups in the changes of a token',
      { claimsAndScopeOverrideDetails: { idTokenGeneration: { groupOverrideDetails: {} } } },
      `\`groupOverrideDetails\` ${MISPLACED}; put it into claimsOverrideDetails or claimsAndScopeOverrideDetails`,
      {},
    ],
    [
      'claims in the group details',
      details({ claimsToSuppress: ['x'] }),
      `\`claimsToSuppress\` ${MISPLACED}; put it into claimsOverrideDetails or, in versions 2 and 3, idTokenGeneration or accessTokenGeneration`,
      ['x'],
    ],
    [
      'version 1 in an event of version 2',
      { version: '2', response: { claimsOverrideDetails: { claimsToSuppress: [] } } },
      "the response has `claimsOverrideDetails`, which is of another version than the event; return claimsAndScopeOverrideDetails, or set the trigger's version",
      { claimsToSuppress: [] },
    ],
    [
      'version 2 in an event of version 1',
      { version: '1', response: { claimsAndScopeOverrideDetails: { groupOverrideDetails: null } } },
      "the response has `claimsAndScopeOverrideDetails`, which is of another version than the event; return claimsOverrideDetails, or set the trigger's version",
      { groupOverrideDetails: null },
    ],
    [
      'two shapes and no version',
      { claimsOverrideDetails: {}, claimsAndScopeOverrideDetails: {} },
      'the response has claimsOverrideDetails and claimsAndScopeOverrideDetails; give the whole event, whose `version` says which of them counts',
      { claimsOverrideDetails: {}, claimsAndScopeOverrideDetails: {} },
    ],
  ]

  function failureOf(response: unknown): RolecastError {
    try {
      applyGroupOverride(resolved, response as PreTokenResponse)
    } catch (error) {
      if (isRolecastError(error)) return error
      throw error
    }
    throw new Error('no error')
  }

  test.each(rows)('%s', (_, response, message, value) => {
    const error = failureOf(response)
    expect(error).toMatchObject({
      code: 'malformed-response',
      retryable: false,
      message: `pre token generation: ${message}`,
    })
    expect(error.value).toStrictEqual(value)
  })

  test.each(['', ' ', 'a b', 'a\n', '\u00a0', 'x'.repeat(129)])('a group cannot have the name %j', name => {
    const error = failureOf(details({ groupsToOverride: ['a', name] }))
    expect(error).toMatchObject({ code: 'invalid-group-name', groupName: name, value: name })
    expect(error.message).toBe(
      `pre token generation: \`groupsToOverride\` has ${quote(name)}; give names of 1 to 128 characters without white space`,
    )
  })

  test('control: misplaced nulls are ignored, because typed languages send them', () => {
    expect(
      applyGroupOverride(resolved, {
        claimsOverrideDetails: { idTokenGeneration: null },
        groupOverrideDetails: null,
      } as PreTokenResponse),
    ).toStrictEqual(applyGroupOverride(resolved, null))
  })
})

type Forecaster = (resolution: Resolution, version: Version, answer: Answer) => TokenForecast
const real: Forecaster = (resolution, version, answer) => applyGroupOverride(resolution, eventOf(version, answer))
const wrongInput =
  (change: (answer: Answer, version: Version) => Answer): Forecaster =>
  (resolution, version, answer) =>
    real(resolution, version, change(answer, version))
const wrongOutput =
  (change: (forecast: TokenForecast, resolution: Resolution, answer: Answer) => Partial<TokenForecast>): Forecaster =>
  (resolution, version, answer) => {
    const forecast = real(resolution, version, answer)
    return { ...forecast, ...change(forecast, resolution, answer) }
  }

/** A law, and its control: the same property must fail for a subject that is wrong in just this. */
function law<Subject, Drawn>(
  sentence: string,
  subject: Subject,
  wrong: Subject,
  property: (subject: Subject) => fc.IProperty<Drawn>,
): void {
  test(sentence, () => {
    fc.assert(property(subject), { numRuns: 500 })
  })
  test(`control: ${sentence}`, () => {
    expect(fc.check(property(wrong), { seed: 1, numRuns: 3000, endOnFailure: true }).failed).toBe(true)
  })
}

const maybe = <T>(some: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 4, arbitrary: some as fc.Arbitrary<T | null | undefined> }, fc.constantFrom(null, undefined))
const roles = fc.constantFrom(A, B, C)
const fullDetails = fc.record(
  {
    groupsToOverride: maybe(fc.array(groupNames, { maxLength: 5 })),
    iamRolesToOverride: maybe(fc.array(roles, { maxLength: 5 })),
    preferredRole: maybe(fc.oneof(roles, fc.constant(''))),
  },
  { requiredKeys: [] },
)
const someDetails: fc.Arbitrary<GroupOverrideDetails | null> = fc.option(fullDetails, { freq: 6 })
const claimNames = fc.constantFrom(...CLAIMS, 'email')
const changes: fc.Arbitrary<ClaimChanges> = fc.record(
  {
    claimsToAddOrOverride: maybe(fc.dictionary(claimNames, fc.jsonValue({ maxDepth: 0 }), { maxKeys: 2 })),
    claimsToSuppress: maybe(fc.array(claimNames, { maxLength: 2 })),
  },
  { requiredKeys: [] },
)
const answers: fc.Arbitrary<Answer> = fc.record(
  { groupOverrideDetails: fc.option(someDetails, { nil: undefined, freq: 4 }), id: changes, access: changes },
  { requiredKeys: [] },
)
const versions = fc.constantFrom(...VERSIONS)
const resolutions = fc.tuple(pools, semantics).map(([pool, semantics]) => resolveRoles(pool, { semantics }))

const tokensOf = ({ idToken, accessToken }: TokenForecast) => ({ idToken, accessToken })
const names = ({ claimsToAddOrOverride, claimsToSuppress }: ClaimChanges = {}) => [
  ...Object.keys(claimsToAddOrOverride ?? {}),
  ...(claimsToSuppress ?? []),
]

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) deepFreeze(part)
    Object.freeze(value)
  }
  return value
}

describe('laws', () => {
  law(
    'a trigger that returns nothing changes no claim of either token',
    real,
    wrongInput(() => ({ groupOverrideDetails: null })),
    forecast =>
      fc.property(resolutions, versions, (resolution, version) => {
        expect(tokensOf(forecast(resolution, version, {}))).toStrictEqual({
          idToken: resolution.claims,
          accessToken: accessTokenClaims(resolution),
        })
      }),
  )

  law(
    'a handler that copies the group configuration back changes no claim of either token',
    real,
    wrongOutput((forecast, { roles }) =>
      roles.length === 0 ? { idToken: { ...forecast.idToken, 'cognito:roles': [] } } : {},
    ),
    forecast =>
      fc.property(resolutions, versions, (resolution, version) => {
        for (const groupOverrideDetails of groupConfigurations(resolution)) {
          const { idToken, accessToken } = forecast(resolution, version, { groupOverrideDetails })
          const { preferredRole } = groupOverrideDetails
          expect(idToken).toStrictEqual({
            ...resolution.claims,
            ...(preferredRole !== null && { 'cognito:preferred_role': preferredRole }),
          })
          expect(accessToken).toStrictEqual(accessTokenClaims(resolution))
        }
      }),
  )

  law(
    'the configurations are those of the two readings: one where they agree, and two where they do not',
    groupConfigurations,
    resolution => [groupConfigurations(resolution)[0]],
    configurations =>
      fc.property(pools, pool => {
        const [alike] = groupConfigurations(resolveRoles(pool, { semantics: 'roles-compete' }))
        const readings = [tiedLevelAgrees(pool), rolesCompete(pool)].map(preferredRole => ({ ...alike, preferredRole }))
        const distinct = isDeepStrictEqual(readings[0], readings[1]) ? readings.slice(0, 1) : readings
        expect(configurations(resolveRoles(pool))).toStrictEqual(distinct)
      }),
  )

  law(
    'given details decide alone: what the groups gave before does not matter',
    real,
    wrongOutput(({ idToken }, { claims }) => ({ idToken: { ...claims, ...idToken } })),
    forecast =>
      fc.property(
        resolutions,
        resolutions,
        versions,
        answers,
        someDetails,
        (one, other, version, answer, groupOverrideDetails) => {
          expect(forecast(one, version, { ...answer, groupOverrideDetails })).toStrictEqual(
            forecast(other, version, { ...answer, groupOverrideDetails }),
          )
        },
      ),
  )

  law(
    'the access token never carries a role',
    real,
    wrongOutput(({ idToken, accessToken }) => ({ accessToken: { ...idToken, ...accessToken } })),
    forecast =>
      fc.property(resolutions, versions, answers, (resolution, version, answer) => {
        expect(['', 'cognito:groups']).toContain(Object.keys(forecast(resolution, version, answer).accessToken).join())
      }),
  )

  law(
    'both tokens carry the same groups unless a change names them',
    real,
    wrongOutput((_, resolution) => ({ accessToken: accessTokenClaims(resolution) })),
    forecast =>
      fc.property(resolutions, versions, answers, (resolution, version, answer) => {
        fc.pre(!names(answer.id).includes('cognito:groups') && !names(answer.access).includes('cognito:groups'))
        const { idToken, accessToken, reasons } = forecast(resolution, version, answer)
        expect(accessToken['cognito:groups']).toStrictEqual(idToken['cognito:groups'])
        expect(reasons.accessToken['cognito:groups']).toStrictEqual(reasons.idToken['cognito:groups'])
      }),
  )

  law(
    'group overrides are the only changes to the access token that version 1 can make',
    real,
    wrongOutput((_, __, { id }) => (id?.claimsToSuppress?.includes('cognito:groups') ? { accessToken: {} } : {})),
    forecast =>
      fc.property(resolutions, answers, (resolution, answer) => {
        expect(forecast(resolution, '1', answer).accessToken).toStrictEqual(
          forecast(resolution, '1', { groupOverrideDetails: answer.groupOverrideDetails }).accessToken,
        )
      }),
  )

  law(
    'the changes to one token do not touch the other',
    real,
    wrongInput(answer => ({ ...answer, ...(answer.id && { access: answer.id }) })),
    forecast =>
      fc.property(resolutions, fc.constantFrom('2', '3'), answers, changes, (resolution, version, answer, id) => {
        const before = forecast(resolution, version, answer)
        const after = forecast(resolution, version, { ...answer, id })
        expect(after.accessToken).toStrictEqual(before.accessToken)
        expect(after.reasons.accessToken).toStrictEqual(before.reasons.accessToken)
      }),
  )

  law(
    'suppressing cognito:groups in the ID token removes all three claims there',
    real,
    wrongInput((answer, version) => (version === '3' ? { ...answer, id: {} } : answer)),
    forecast =>
      fc.property(resolutions, versions, answers, fc.array(claimNames), (resolution, version, answer, others) => {
        const id = { ...answer.id, claimsToSuppress: [...others, 'cognito:groups'] }
        expect(forecast(resolution, version, { ...answer, id }).idToken).toStrictEqual({})
      }),
  )

  law(
    'versions 2 and 3 are one',
    real,
    wrongInput((answer, version) => (version === '3' ? { ...answer, access: {} } : answer)),
    forecast =>
      fc.property(resolutions, answers, (resolution, answer) => {
        expect(forecast(resolution, '3', answer)).toStrictEqual(forecast(resolution, '2', answer))
      }),
  )

  law(
    'a claim is in its token exactly when its reason says so, and an undetermined one never',
    real,
    wrongOutput(({ idToken, reasons }) => {
      const { candidate } = reasons.idToken['cognito:preferred_role']
      return typeof candidate === 'string' ? { idToken: { ...idToken, 'cognito:preferred_role': candidate } } : {}
    }),
    forecast =>
      fc.property(resolutions, versions, answers, (resolution, version, answer) => {
        const { idToken, accessToken, reasons } = forecast(resolution, version, answer)
        const present = (some: Partial<TokenForecast['reasons']['idToken']>) =>
          CLAIMS.filter(claim => some[claim]?.outcome === 'present')
        expect(Object.keys(idToken)).toStrictEqual(present(reasons.idToken))
        expect(Object.keys(accessToken)).toStrictEqual(present(reasons.accessToken))
        for (const { outcome, evidence, candidate } of [
          ...Object.values(reasons.idToken),
          reasons.accessToken['cognito:groups'],
        ]) {
          if (outcome === 'undetermined') expect(evidence).toBe('unknown')
          else expect(candidate).toBeUndefined()
        }
      }),
  )

  law(
    'a claim that is there has a value: never null, never empty, no element twice',
    real,
    wrongOutput(({ idToken }, _, { groupOverrideDetails }) =>
      groupOverrideDetails?.iamRolesToOverride && idToken['cognito:roles']
        ? { idToken: { ...idToken, 'cognito:roles': groupOverrideDetails.iamRolesToOverride } }
        : {},
    ),
    forecast =>
      fc.property(resolutions, versions, answers, (resolution, version, answer) => {
        const { idToken, accessToken } = forecast(resolution, version, answer)
        for (const value of [...Object.values(idToken), ...Object.values(accessToken)] as (
          | string
          | readonly string[]
        )[]) {
          expect(value.length).toBeGreaterThan(0)
          if (typeof value !== 'string') expect(new Set(value).size).toBe(value.length)
        }
      }),
  )

  law(
    'whatever is unknown is flagged, with a note that names the claim',
    real,
    wrongOutput(({ undocumented }) => ({ undocumented: undocumented.slice(1) })),
    forecast =>
      fc.property(resolutions, versions, answers, (resolution, version, answer) => {
        const { reasons, undocumented } = forecast(resolution, version, answer)
        const unknown = CLAIMS.filter(claim => reasons.idToken[claim].evidence === 'unknown')
        expect(undocumented.filter(({ token }) => token === 'id').map(({ claim }) => claim)).toStrictEqual(unknown)
        for (const { claim, note } of undocumented) {
          expect(note).toContain(claim)
          expect(note).toMatch(/\.$/)
        }
      }),
  )

  law(
    'an undetermined preferred role is not settled by what does not replace it',
    real,
    wrongOutput(({ idToken }, { candidateRole }, { groupOverrideDetails }) =>
      groupOverrideDetails === undefined && candidateRole !== undefined
        ? { idToken: { ...idToken, 'cognito:preferred_role': candidateRole } }
        : {},
    ),
    forecast =>
      fc.property(pools, versions, answers, (pool, version, { id = {}, access = {} }) => {
        const answer = { id, access }
        const resolution = resolveRoles(pool)
        fc.pre(resolution.outcome === 'undetermined' && !id.claimsToSuppress?.includes('cognito:groups'))
        const { idToken, reasons } = forecast(resolution, version, answer)
        expect(idToken).not.toHaveProperty(['cognito:preferred_role'])
        expect(reasons.idToken['cognito:preferred_role']).toMatchObject({
          outcome: 'undetermined',
          candidate: resolution.candidateRole,
        })
      }),
  )

  law(
    'the order of the lists does not matter',
    real,
    wrongInput(answer => ({
      ...answer,
      groupOverrideDetails: {
        ...answer.groupOverrideDetails,
        groupsToOverride: answer.groupOverrideDetails?.groupsToOverride?.slice(0, 2),
      },
    })),
    forecast =>
      fc.property(
        resolutions,
        versions,
        fc
          .uniqueArray(groupNames, { minLength: 1, maxLength: 6 })
          .chain(list =>
            fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length })),
          ),
        (resolution, version, [list, shuffled]) => {
          const groupsOf = (groupsToOverride: readonly string[]) => {
            const { idToken } = forecast(resolution, version, {
              groupOverrideDetails: { groupsToOverride, iamRolesToOverride: [A] },
            })
            return new Set(idToken['cognito:groups'])
          }
          expect(groupsOf(shuffled)).toStrictEqual(groupsOf(list))
        },
      ),
  )

  law(
    'a response means what its JSON means',
    real,
    wrongInput(answer =>
      'groupOverrideDetails' in answer
        ? { ...answer, groupOverrideDetails: answer.groupOverrideDetails ?? null }
        : answer,
    ),
    forecast =>
      fc.property(resolutions, versions, answers, (resolution, version, answer) => {
        expect(forecast(resolution, version, answer)).toStrictEqual(
          forecast(resolution, version, JSON.parse(JSON.stringify(answer)) as Answer),
        )
      }),
  )

  law(
    'a bare response of one shape gives the same result as its event',
    (response: PreTokenResponse) => response as PreTokenEvent | PreTokenResponse,
    response => ({ ...response, claimsAndScopeOverrideDetails: null }),
    bare =>
      fc.property(resolutions, versions, answers, (resolution, version, answer) => {
        expect(applyGroupOverride(resolution, bare(shaped(version, answer)))).toStrictEqual(
          real(resolution, version, answer),
        )
      }),
  )

  law(
    'the same input has the same result, and stays as it was',
    real,
    (resolution, version, answer) => {
      ;(answer.groupOverrideDetails?.groupsToOverride as string[] | null | undefined)?.push('x')
      return real(resolution, version, answer)
    },
    forecast =>
      fc.property(resolutions, versions, answers, (resolution, version, answer) => {
        const expected = forecast(resolution, version, structuredClone(answer))
        expect(
          forecast(deepFreeze(structuredClone(resolution)), version, deepFreeze(structuredClone(answer))),
        ).toStrictEqual(expected)
      }),
  )

  law(
    "every result is the model's",
    real,
    wrongOutput(({ idToken, reasons }) =>
      reasons.idToken['cognito:roles'].evidence === 'unknown' ? { idToken: { ...idToken, 'cognito:roles': [A] } } : {},
    ),
    forecast =>
      fc.property(resolutions, versions, answers, (resolution, version, answer) => {
        expect(projected(forecast(resolution, version, answer))).toStrictEqual(
          modelForecast(resolution, version, shaped(version, answer)),
        )
      }),
  )
})

function projected(forecast: TokenForecast) {
  return { ...forecast, undocumented: flagsOf(forecast) }
}

const subsets: readonly (readonly (keyof RoleClaims)[])[] = [0, 1, 2, 3, 4, 5, 6, 7].map(bits =>
  CLAIMS.filter((_, index) => bits & (1 << index)),
)
const UNSET = Symbol('unset')
const keyed = (key: string, value: unknown) => (value === UNSET ? {} : { [key]: value })

const everyDetails: readonly object[] = [
  {},
  { groupOverrideDetails: undefined },
  { groupOverrideDetails: null },
  ...[UNSET, null, [], ['x'], ['y', 'x', 'y']].flatMap(groups =>
    [UNSET, null, [], [C], [C, B, C]].flatMap(some =>
      [UNSET, null, '', C, A].map(preferred => ({
        groupOverrideDetails: {
          ...keyed('groupsToOverride', groups),
          ...keyed('iamRolesToOverride', some),
          ...keyed('preferredRole', preferred),
        },
      })),
    ),
  ),
]

const suppressing = subsets.map((claimsToSuppress): ClaimChanges => ({ claimsToSuppress }))
const adding = subsets.flatMap(added =>
  [[], ['cognito:groups'], ['cognito:roles']].map((claimsToSuppress): ClaimChanges => ({
    claimsToSuppress,
    claimsToAddOrOverride: Object.fromEntries(added.map(claim => [claim, 'x'])),
  })),
)

const fewDetails: readonly object[] = [
  {},
  { groupOverrideDetails: null },
  { groupOverrideDetails: { groupsToOverride: ['x'] } },
  { groupOverrideDetails: { groupsToOverride: ['x'], iamRolesToOverride: [C], preferredRole: A } },
]

/** Every details with every pair of suppressions; a few with every pair of additions, alone and beside a suppression. */
function* everyAnswer(version: Version): Generator<Answer> {
  for (const [list, some] of [
    [everyDetails, suppressing],
    [fewDetails, adding],
  ] as const) {
    for (const details of list) {
      yield details
      for (const id of some) {
        yield { ...details, id }
        if (version === '1') continue
        yield { ...details, access: id }
        for (const access of some) yield { ...details, id, access }
      }
    }
  }
}

/** The number of cases, and the first in which the forecast is not the model's. */
function compare(forecast: Forecaster): { cases: number; first?: unknown } {
  let cases = 0
  for (const [name, resolution] of Object.entries(RESOLUTIONS)) {
    for (const version of VERSIONS) {
      for (const answer of everyAnswer(version)) {
        cases++
        const actual = projected(forecast(resolution, version, answer))
        const expected = modelForecast(resolution, version, shaped(version, answer))
        if (!isDeepStrictEqual(actual, expected)) return { cases, first: { name, version, answer, actual, expected } }
      }
    }
  }
  return { cases }
}

describe('every response of a small scope, for every outcome and version', () => {
  test("is the model's", () => {
    expect(compare(real)).toEqual({ cases: 7 * (128 * (9 + 2 * 81) + 4 * (25 + 2 * 625)) })
  })

  const wrong: readonly (readonly [sentence: string, subject: Forecaster])[] = [
    [
      'takes null for omitted',
      wrongInput(({ groupOverrideDetails, ...rest }) =>
        groupOverrideDetails === null ? rest : { ...rest, groupOverrideDetails },
      ),
    ],
    [
      'takes omitted for null',
      wrongInput(({ groupOverrideDetails = null, ...rest }) => ({ ...rest, groupOverrideDetails })),
    ],
    [
      'takes an empty object for omitted',
      wrongInput(({ groupOverrideDetails, ...rest }) =>
        groupOverrideDetails && Object.keys(groupOverrideDetails).length === 0
          ? rest
          : { ...rest, groupOverrideDetails },
      ),
    ],
    [
      'takes an empty list for left out',
      wrongInput(answer => ({
        ...answer,
        ...(answer.groupOverrideDetails && {
          groupOverrideDetails: {
            ...answer.groupOverrideDetails,
            groupsToOverride: answer.groupOverrideDetails.groupsToOverride?.length
              ? answer.groupOverrideDetails.groupsToOverride
              : undefined,
          },
        }),
      })),
    ],
    [
      'keeps an old role that the details leave out',
      wrongOutput(({ idToken }, { claims }) => ({ idToken: { ...claims, ...idToken } })),
    ],
    [
      'keeps the old groups in the access token',
      wrongOutput((_, resolution) => ({ accessToken: accessTokenClaims(resolution) })),
    ],
    [
      'refuses a preferred role outside the list',
      wrongOutput(({ idToken: { 'cognito:preferred_role': role, ...idToken } }) =>
        role === undefined || idToken['cognito:roles']?.includes(role) ? {} : { idToken },
      ),
    ],
    [
      'suppresses the groups alone',
      (resolution, version, answer) => {
        const plain = real(resolution, version, { ...answer, id: {} })
        const { 'cognito:groups': _, ...idToken } = plain.idToken
        return answer.id?.claimsToSuppress?.join() === 'cognito:groups'
          ? { ...real(resolution, version, answer), idToken }
          : real(resolution, version, answer)
      },
    ],
    [
      'suppresses in both tokens what the ID token suppresses',
      wrongOutput((_, __, { id }) => (id?.claimsToSuppress?.includes('cognito:groups') ? { accessToken: {} } : {})),
    ],
    ['ignores the changes to the access token', wrongInput(answer => ({ ...answer, access: {} }))],
    [
      'grants the candidate',
      wrongOutput(({ idToken }, { candidateRole }, { groupOverrideDetails }) =>
        candidateRole !== undefined && groupOverrideDetails === undefined
          ? { idToken: { ...idToken, 'cognito:preferred_role': candidateRole } }
          : {},
      ),
    ],
    [
      'adds what claimsToAddOrOverride names',
      wrongOutput(({ idToken }, _, { id }) => ({ idToken: { ...idToken, ...id?.claimsToAddOrOverride } })),
    ],
    ['flags nothing', wrongOutput(() => ({ undocumented: [] }))],
  ]

  test.each(wrong)('control: a forecast that %s is caught', (_, subject) => {
    expect(compare(subject).first).toBeDefined()
  })
})

const PAGE = readFileSync(new URL('../../docs/pre-token.md', import.meta.url), 'utf8')

/** tsc sees to it that none is missing. */
const RULES = Object.keys({
  unchanged: true,
  replaced: true,
  'left-out': true,
  'empty-details': true,
  suppressed: true,
  'suppressed-by-name': true,
  added: true,
} satisfies Record<OverrideRule, true>)

/** The expressions above a comment `// => value` whose value is another. */
function wrongExamples(text: string): readonly string[] {
  const world = createContext({ packages: { rolecast } })
  return [...text.matchAll(/^```js\n([\s\S]*?)^```$/gm)].flatMap(([, block]) =>
    [...block!.matchAll(/((?:(?!\/\/ =>).*\n)+?)(\/\/ => .*\n(?:\/\/ .*\n)*)/g)]
      .filter(([, code, value]) => {
        const expected: unknown = runInContext(`(${value!.replace(/^\/\/ (?:=> )?/gm, '')})`, world)
        // An import of the first block counts in the others too, as the page says.
        const script = code!.replace(/^import (\{.*\}) from '(.*)'$/gm, 'const $1 = packages["$2"]')
        return !isDeepStrictEqual(structuredClone(runInContext(script, world)), structuredClone(expected))
      })
      .map(([, code]) => code!),
  )
}

describe('docs/pre-token.md', () => {
  test('has a section for every rule', () => {
    expect(RULES.filter(rule => !PAGE.includes(`\n### ${rule}\n`))).toEqual([])
  })

  test('gives for every example the value it has', () => {
    expect(wrongExamples(PAGE)).toEqual([])
    expect(PAGE.match(/^\/\/ => /gm)!.length).toBeGreaterThan(4)
  })

  test('control: a wrong value is noticed', () => {
    expect(
      wrongExamples(
        "```js\nimport { applyGroupOverride, resolveRoles } from 'rolecast'\n\napplyGroupOverride(resolveRoles([]), null).idToken\n// => { 'cognito:groups': [] }\n```\n",
      ),
    ).toHaveLength(1)
  })

  test('control: an example without the import fails', () => {
    expect(() => wrongExamples(PAGE.replace(/^import .*\n/m, ''))).toThrow('is not defined')
  })
})
