import { readFileSync } from 'node:fs'
import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CedarOptions, cedarEntities, verifiedPermissionsEntities } from '../../src/claims/cedar-entities.js'
import { SEMANTICS } from '../../src/claims/decide.js'
import { type Resolution, resolveRoles } from '../../src/claims/resolve.js'
import type { Group } from '../../src/group.js'
import { resolveLookup } from '../../src/cognito/groups/resolve-lookup.js'
import { groupNames } from '../arbitraries.js'
import { errorOf } from '../failure-of.js'

const USER_POOL_ID = 'eu-west-1_Ab12Cd34e'
const SUB = 'a1b2c3d4-5678-40ab-8cde-0123456789ab'
const OPTIONS: CedarOptions = {
  userPoolId: USER_POOL_ID,
  sub: SUB,
  userType: 'MyCorp::User',
  groupType: 'MyCorp::UserGroup',
}
const ADMIN = 'arn:aws:iam::111122223333:role/Admin'
const ANALYST = 'arn:aws:iam::111122223333:role/Analyst'

const page = readFileSync(new URL('../../docs/verified-permissions.md', import.meta.url), 'utf8')
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, code]) => code!)
const schema = JSON.parse(blocks('json')[0]!) as cedar.SchemaJson<string>
const policies = blocks('cedar').join('\n')

/** What Cedar decides, and which policies failed. A request, an entity or a policy that does not fit the schema throws. */
function decide(resolution: Resolution, action: string, staticPolicies = policies, options = OPTIONS) {
  const result = cedar.isAuthorized({
    ...(cedarEntities(resolution, options) as { principal: cedar.EntityUid; entities: cedar.Entities } & object),
    action: { type: 'MyCorp::Action', id: action },
    resource: { type: 'MyCorp::Report', id: 'report' },
    context: {},
    policies: { staticPolicies },
    schema,
    validateRequest: true,
  })
  if (result.type === 'failure') throw new Error(result.errors.map(({ message }) => message).join())
  return { decision: result.response.decision, failed: result.response.diagnostics.errors.length }
}

const permits = (resolution: Resolution, action: string, staticPolicies?: string) =>
  decide(resolution, action, staticPolicies).decision === 'allow'

/** Cedar takes any character of a string literal as `\u{…}`. */
const literal = (text: string) =>
  `"${Array.from(text, character => `\\u{${character.codePointAt(0)!.toString(16)}}`).join('')}"`
const preferring = (role: string) =>
  `permit (principal, action, resource) when { principal has preferredRole && principal.preferredRole == ${literal(role)} };`
const membersOf = (groupName: string) =>
  `permit (principal in MyCorp::UserGroup::${literal(`${USER_POOL_ID}|${groupName}`)}, action, resource);`

const roleArns = fc.constantFrom(ADMIN, ANALYST, '"', '\\', '__entity', '') as fc.Arbitrary<string>
const groups: fc.Arbitrary<readonly Group[]> = fc.array(
  fc.record({
    groupName: groupNames,
    precedence: fc.option(fc.integer({ min: 0, max: 2 })),
    roleArn: fc.option(roleArns),
  }),
  { maxLength: 6 },
)
const resolutions = fc
  .tuple(groups, fc.constantFrom(...SEMANTICS))
  .map(([list, semantics]) => resolveRoles(list, { semantics }))

const undetermined = resolveRoles([
  { groupName: 'admins', precedence: 1, roleArn: ADMIN },
  { groupName: 'everyone', precedence: 1 },
])
const admin = resolveRoles([{ groupName: 'admins', precedence: 1, roleArn: ADMIN }])
const analyst = resolveRoles([
  { groupName: 'admins', precedence: 5, roleArn: ADMIN },
  { groupName: 'analysts', precedence: 1, roleArn: ANALYST },
])

describe('with the schema and the policies of the page', () => {
  test('Cedar has nothing to say against the policies', () => {
    const validation = cedar.validate({ schema, policies: { staticPolicies: policies } })
    expect(validation).toMatchObject({ type: 'success', validationErrors: [], validationWarnings: [] })
    expect(blocks('cedar')).toHaveLength(3)
  })

  test('control: a policy that reads `preferredRole` without `has` is rejected, as the page says', () => {
    const careless = `forbid (principal, action, resource) when { principal.preferredRole == "${ADMIN}" };`
    const validation = cedar.validate({ schema, policies: { staticPolicies: careless } })
    expect(validation).toMatchObject({ type: 'success', validationErrors: [{ policyId: 'policy0' }] })
    // And is skipped where it is evaluated all the same, which permits.
    const all = 'permit (principal, action, resource);'
    expect(decide(undetermined, 'view', `${all}\n${careless}`)).toEqual({ decision: 'allow', failed: 1 })
    expect(decide(admin, 'view', `${all}\n${careless}`)).toEqual({ decision: 'deny', failed: 0 })
  })

  test.each<[string, Resolution, boolean, boolean]>([
    ['an analyst may view', analyst, true, false],
    ['an administrator may delete', admin, false, true],
    ['a member of no group may do nothing', resolveRoles([]), false, false],
    [
      'a tie of two roles permits nothing',
      resolveRoles([
        { groupName: 'admins', precedence: 1, roleArn: ADMIN },
        { groupName: 'analysts', precedence: 1, roleArn: ANALYST },
      ]),
      false,
      false,
    ],
    ['an undetermined role permits nothing', undetermined, false, false],
    [
      'an administrator by an assumption may not delete',
      resolveRoles(
        [
          { groupName: 'admins', precedence: 1, roleArn: ADMIN },
          { groupName: 'everyone', precedence: 1 },
        ],
        { semantics: 'roles-compete' },
      ),
      false,
      false,
    ],
    [
      'the role of another group is not enough to delete',
      resolveRoles([{ groupName: 'others', precedence: 1, roleArn: ADMIN }]),
      false,
      false,
    ],
  ])('%s', (_, resolution, view, remove) => {
    expect([decide(resolution, 'view'), decide(resolution, 'delete')]).toEqual([
      { decision: view ? 'allow' : 'deny', failed: 0 },
      { decision: remove ? 'allow' : 'deny', failed: 0 },
    ])
  })

  test('control: the undetermined user would be permitted if the candidate were granted', () => {
    const granted = { ...undetermined, outcome: 'resolved', preferredRole: undetermined.candidateRole! } as const
    expect(permits(granted, 'view', preferring(ADMIN))).toBe(true)
    expect(permits(undetermined, 'view', preferring(ADMIN))).toBe(false)
  })
})

describe('laws', () => {
  const law = (name: string, property: fc.IProperty<[Resolution]> | fc.IProperty<[Resolution, string]>) =>
    test(name, () => fc.assert(property as fc.IProperty<unknown>, { numRuns: 200 }))

  law(
    'every entity fits the schema, and no policy of the page fails on it',
    fc.property(resolutions, resolution => {
      for (const action of ['view', 'delete']) expect(decide(resolution, action).failed).toBe(0)
    }),
  )

  law(
    'a policy that asks for a preferred role permits exactly the users for whom it is resolved',
    fc.property(resolutions, roleArns, (resolution, role) => {
      const { outcome, preferredRole } = resolution
      expect(permits(resolution, 'view', preferring(role))).toBe(outcome === 'resolved' && preferredRole === role)
    }),
  )

  law(
    'unless the outcome is `resolved`, no preferred role is granted, whatever else a resolution carries',
    fc.property(resolutions, roleArns, (resolution, role) => {
      if (resolution.outcome === 'resolved') return
      const forged = { ...resolution, preferredRole: role, candidateRole: role }
      expect(permits(forged, 'view', preferring(role))).toBe(false)
    }),
  )

  law(
    'a policy for a group permits exactly its members, whatever the names',
    fc.property(resolutions, groupNames, (resolution, other) => {
      for (const groupName of [other, ...resolution.groups])
        expect(permits(resolution, 'view', membersOf(groupName))).toBe(resolution.groups.includes(groupName))
    }),
  )

  law(
    'the request to Verified Permissions says what the one to Cedar says',
    fc.property(resolutions, resolution => {
      const { principal, entities } = cedarEntities(resolution, OPTIONS)
      const request = verifiedPermissionsEntities(resolution, OPTIONS)
      const uid = ({ entityType, entityId }: typeof request.principal) => ({ type: entityType, id: entityId })
      const [{ identifier, attributes, parents }] = request.entities.entityList
      const attrs = Object.entries(attributes).map(([name, value]) => [
        name,
        'string' in value ? value.string : value.set.map(({ string }) => string),
      ])
      expect(uid(request.principal)).toEqual(principal)
      expect({ uid: uid(identifier), attrs: Object.fromEntries(attrs), parents: parents.map(uid) }).toEqual(entities[0])
    }),
  )
})

describe('groups that the pool does not have', () => {
  const banned = `forbid (principal in MyCorp::UserGroup::"${USER_POOL_ID}|banned", action, resource);`
  const all = `permit (principal, action, resource);\n${banned}`
  const lookup = { groups: [{ groupName: 'admins', precedence: 1, roleArn: ADMIN }], stale: false, age: 0 }
  const without = resolveLookup({ ...lookup, unknownGroups: ['banned'] })

  test('are rejected: a `forbid` policy for one of them would have no effect', () => {
    for (const entitiesOf of [cedarEntities, verifiedPermissionsEntities])
      expect(errorOf(() => entitiesOf(without, OPTIONS))).toMatchObject({
        code: 'invalid-input',
        value: ['banned'],
        message:
          'the user pool does not have `banned`, and a `forbid` policy for a group that is left out has no effect; deny the request, or give `unknownGroups: []` if groups that do not exist can be ignored',
      })
  })

  test('control: the `forbid` policy applies to a member, and to no user if the group is left out on purpose', () => {
    const member = resolveLookup({ ...lookup, groups: [...lookup.groups, { groupName: 'banned' }], unknownGroups: [] })
    expect(permits(member, 'view', all)).toBe(false)
    expect(permits({ ...without, unknownGroups: [] } as Resolution, 'view', all)).toBe(true)
  })
})

test('the entity of Verified Permissions, whole', () => {
  expect(verifiedPermissionsEntities(analyst, { ...OPTIONS, groupType: undefined! })).toEqual({
    principal: { entityType: 'MyCorp::User', entityId: `${USER_POOL_ID}|${SUB}` },
    entities: {
      entityList: [
        {
          identifier: { entityType: 'MyCorp::User', entityId: `${USER_POOL_ID}|${SUB}` },
          attributes: {
            preferredRole: { string: ANALYST },
            roles: { set: [{ string: ANALYST }, { string: ADMIN }] },
            outcome: { string: 'resolved' },
            rule: { string: 'lowest-precedence' },
            evidence: { string: 'observed' },
          },
          parents: [
            { entityType: 'AWS::CognitoGroup', entityId: `${USER_POOL_ID}|admins` },
            { entityType: 'AWS::CognitoGroup', entityId: `${USER_POOL_ID}|analysts` },
          ],
        },
      ],
    },
  })
})

describe('what cannot be used', () => {
  test.each<[string, Partial<Record<keyof CedarOptions, unknown>>, string, string]>([
    ['a username for a sub', { sub: 'alice' }, 'invalid-option', '`sub` is `alice`, which is not a UUID; '],
    ['no sub', { sub: undefined }, 'invalid-option', '`sub` is `undefined`, which is not a UUID; '],
    ['a sub with more behind it', { sub: `${SUB}\n` }, 'invalid-option', 'which is not a UUID; '],
    ['an ARN for a pool', { userPoolId: `${USER_POOL_ID}|x` }, 'invalid-user-pool-id', 'is not a user pool ID; '],
    ['no type', { userType: undefined }, 'invalid-option', '`userType` is `undefined`, which is not an entity type; '],
    ['a type with a quote', { groupType: 'My"Group' }, 'invalid-option', '`groupType` is `My"Group`, which is not '],
    ['a type too long', { userType: 'x'.repeat(201) }, 'invalid-option', 'which is not an entity type; '],
  ])('%s', (_, wrong, code, message) => {
    const error = errorOf(() => cedarEntities(admin, { ...OPTIONS, ...wrong } as CedarOptions))
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) as string })
  })

  test.each([
    ['half a character', 'a\ud800'],
    ['white space', 'a b'],
    ['more than 128 letters', 'x'.repeat(129)],
  ])('a group name with %s, which Cognito cannot have', (_, groupName) => {
    const resolution = resolveRoles([{ groupName, precedence: 1, roleArn: ADMIN }])
    expect(errorOf(() => cedarEntities(resolution, OPTIONS))).toMatchObject({ code: 'invalid-group-name' })
  })

  test('more groups than Verified Permissions takes as parents; Cedar takes them', () => {
    const many = (length: number) =>
      resolveRoles(Array.from({ length }, (_, index) => ({ groupName: `g${index}`, precedence: 1, roleArn: ADMIN })))
    expect(verifiedPermissionsEntities(many(99), OPTIONS).entities.entityList[0].parents).toHaveLength(99)
    expect(errorOf(() => verifiedPermissionsEntities(many(100), OPTIONS))).toMatchObject({
      code: 'invalid-input',
      message: expect.stringMatching(/^the user is in 100 groups, .* at most 99 parents/) as string,
    })
    expect(permits(many(100), 'view', membersOf('g99'))).toBe(true)
  })
})
