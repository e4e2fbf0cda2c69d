import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Finding, SEVERITIES } from '../../src/rules/finding.js'
import type { Group } from '../../src/group.js'
import type {
  DeclaredPrecedence,
  GroupDefinition,
  Infrastructure,
  Location,
  MappingRuleDefinition,
  Membership,
  RoleAttachment,
  RoleDefinition,
  RoleMappingDefinition,
  RoleReference,
  Undecidable,
  Value,
} from '../../src/rules/infrastructure.js'
import { fromPool } from '../../src/rules/live-pool.js'
import { FINDING_RULES, type FindingRule, findRule, type RuleId } from '../../src/rules/catalogue.js'
import { validateInfrastructure, type ValidateOptions } from '../../src/rules/validate.js'
import { errorOf } from '../failure-of.js'

const at: Location = { path: 'template.yaml', line: 1 }
const known = <T>(value: T): Value<T> => ({ is: 'known', value })
const absent = { is: 'absent' } as const
const unknown = { is: 'unknown', why: 'parameter `Rank` has no default' } as const
const oneOf = <T>(...values: Value<T>[]): Value<T> => ({ is: 'one-of', values })

const resource = (id: string): RoleReference => ({ kind: 'resource', id })
const arn = (name: string): RoleReference => ({ kind: 'arn', id: `arn:aws:iam::111122223333:role/${name}` })
const reference = (id: string): RoleReference => ({ kind: 'reference', id })
const ofAccount = (what: string) => `arn:aws:iam::\${AWS::AccountId}:${what}`
const [A, B] = [resource('AdminRole'), resource('EditorRole')]

type Part = Partial<GroupDefinition>

/** `undefined` or null for no precedence and no role. */
function group(name: string, precedence?: unknown, role?: RoleReference | null, more: Part = {}): GroupDefinition {
  return {
    id: `${name}Group`,
    pool: 'Pool',
    groupName: known(name),
    precedence: precedence == null ? absent : known(precedence),
    role: role == null ? absent : known(role),
    location: at,
    ...more,
  }
}

interface Given {
  readonly groups?: readonly GroupDefinition[]
  readonly userPoolId?: string
  readonly roles?: readonly RoleDefinition[]
  readonly attachments?: readonly RoleAttachment[]
  readonly memberships?: readonly Membership[]
  readonly declaredPrecedences?: readonly DeclaredPrecedence[]
  readonly undecidable?: readonly Undecidable[]
}

function infrastructure({ groups = [], userPoolId, ...rest }: Given): Infrastructure {
  return {
    format: 'cloudformation',
    paths: ['template.yaml'],
    pools: [{ id: 'Pool', name: 'Pool', userPoolId }],
    groups,
    roles: [],
    attachments: [],
    memberships: [],
    declaredPrecedences: [],
    undecidable: [],
    suppressions: [],
    ...rest,
  }
}

const validate = (given: Given, options?: ValidateOptions) => validateInfrastructure(infrastructure(given), options)
/** Rule and severity of all that is found. */
const found = (given: Given, options?: ValidateOptions) =>
  validate(given, options)
    .map(({ ruleId, severity }) => `${ruleId} ${severity}`)
    .toSorted()
const only = (ruleId: RuleId, given: Given) => found(given, { only: [ruleId] })

const PROVIDER = 'cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34e:1h57kf5cpq17m0eml12'

function mapping(type: string, resolution?: string, more: Partial<RoleMappingDefinition> = {}): RoleMappingDefinition {
  return {
    key: 'Mapping',
    identityProvider: known(PROVIDER),
    pool: 'Pool',
    type: known(type),
    ambiguousRoleResolution: resolution === undefined ? absent : known(resolution),
    rules: absent,
    location: at,
    ...more,
  }
}

function attachment(mappings: readonly RoleMappingDefinition[], more: Partial<RoleAttachment> = {}): RoleAttachment {
  return {
    id: 'Attachment',
    identityPool: known('IdentityPool'),
    location: at,
    mappings: known(mappings),
    roles: known([{ key: 'authenticated', role: known(resource('AuthenticatedRole')), location: at }]),
    ...more,
  }
}

const deny = [attachment([mapping('Token', 'Deny')])]
const fallback = [attachment([mapping('Token', 'AuthenticatedRole')])]
const byRules = [attachment([mapping('Rules', 'Deny')])]

function rule(value: string, matchType = 'Contains', claim = 'cognito:groups'): MappingRuleDefinition {
  return { claim: known(claim), matchType: known(matchType), value: known(value), role: known(A), location: at }
}

const member = (username: string, groupName: string): Membership => ({
  pool: 'Pool',
  username: known(username),
  groupName: known(groupName),
  location: at,
})

const SERVICE = 'cognito-identity.amazonaws.com'
const POOL_ID = 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6'
const refToPool = { 'rolecast:unknown': '`IdentityPool` is known only when deployed' }

interface Trust {
  readonly effect?: string
  readonly principal?: unknown
  readonly action?: unknown
  readonly aud?: unknown
  readonly amr?: unknown
}

function trusting({
  effect = 'Allow',
  principal = { Federated: SERVICE },
  action = 'sts:AssumeRoleWithWebIdentity',
  aud = refToPool,
  amr = 'authenticated',
}: Trust) {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: effect,
        Principal: principal,
        Action: action,
        Condition: {
          ...(aud !== null && { StringEquals: { [`${SERVICE}:aud`]: aud } }),
          ...(amr !== null && { 'ForAnyValue:StringLike': { [`${SERVICE}:amr`]: amr } }),
        },
      },
    ],
  }
}

const withTrust = (policy: Trust | Value<unknown>): Given => ({
  groups: [group('admins', 1, A)],
  roles: [{ id: 'AdminRole', trustPolicy: 'is' in policy ? policy : known(trusting(policy)), location: at }],
})

const tie = [group('admins', 1, A), group('editors', 1, B)]
const terraform = { provider: 'terraform' } as const
const before = (precedence: unknown) => ({ precedence: precedence === null ? absent : known(precedence), role: absent })
const many = (count: number, of: (index: number) => GroupDefinition) =>
  Array.from({ length: count }, (_, index) => of(index))

/** For every rule: what it finds, and the nearest neighbour in which it finds nothing. */
const CASES: Readonly<Record<RuleId, readonly [triggers: Given, neighbour: Given]>> = {
  COG101: [{ groups: tie }, { groups: [group('admins', 1, A), group('editors', 1, A)] }],
  COG102: [{ groups: [group('admins', 1, A), group('staff', 1)] }, { groups: [group('admins', 1), group('staff', 1)] }],
  COG103: [{ groups: [group('admins', null, A)] }, { groups: [group('admins', 0, A)] }],
  COG104: [
    { groups: [group('staff', 1), group('admins', 2, A)] },
    { groups: [group('staff', 2), group('admins', 1, A)] },
  ],
  COG105: [
    { groups: [group('admins', 2, A), group('users', 1, B)] },
    { groups: [group('admins', 1, A), group('users', 2, B)] },
  ],
  COG106: [
    { groups: [group('admins', 1, A), group('editors', null, B)] },
    { groups: [group('admins', null, A), group('editors', null, B)] },
  ],
  COG110: [{ groups: [group('admins', 0, A, terraform)] }, { groups: [group('admins', 0, A)] }],
  COG111: [
    { groups: [group('admins', null, A, { ...terraform, created: false, before: before(50) })] },
    { groups: [group('admins', null, A, { ...terraform, created: false, before: before(0) })] },
  ],
  COG120: [
    withTrust({ principal: { Service: 'lambda.amazonaws.com' } }),
    withTrust({ principal: { Federated: ['example.com', SERVICE] } }),
  ],
  COG121: [withTrust({ aud: null }), withTrust({ aud: POOL_ID })],
  COG122: [withTrust({ aud: 'us-east-1:12345678-1234-1234-1234-123456789012' }), withTrust({ aud: POOL_ID })],
  COG123: [withTrust({ effect: 'Deny' }), withTrust({ effect: 'Allow' })],
  COG124: [withTrust({ amr: 'unauthenticated' }), withTrust({ amr: 'authenticated' })],
  COG130: [
    { groups: [group('admins', 1, A)], attachments: [attachment([])] },
    { groups: [group('admins', 1)], attachments: [attachment([])] },
  ],
  COG131: [
    { attachments: [attachment([mapping('Token', 'AuthenticatedRole')], { roles: known([]) })] },
    { attachments: fallback },
  ],
  COG132: [
    { attachments: [attachment([], { roles: known([{ key: 'Authenticated', role: known(A), location: at }]) })] },
    { attachments: [attachment([], { roles: known([{ key: 'unauthenticated', role: known(A), location: at }]) })] },
  ],
  COG133: [
    { groups: tie, attachments: deny },
    { groups: tie, attachments: fallback },
  ],
  COG134: [
    {
      groups: [group('admins')],
      attachments: [attachment([mapping('Rules', 'Deny', { rules: known([rule('Admins')]) })])],
    },
    {
      groups: [group('admins')],
      attachments: [
        attachment([
          mapping('Rules', 'Deny', { rules: known([rule('admins'), rule('Admins', 'Equals', 'custom:group')]) }),
        ]),
      ],
    },
  ],
  COG135: [
    {
      groups: [group('admin'), group('not-admin')],
      attachments: [attachment([mapping('Rules', 'Deny', { rules: known([rule('admin')]) })])],
    },
    {
      groups: [group('admin'), group('not-admin')],
      attachments: [attachment([mapping('Rules', 'Deny', { rules: known([rule('admin', 'Equals')]) })])],
    },
  ],
  COG136: [
    {
      attachments: [
        attachment([
          mapping('Token', 'Deny', {
            identityProvider: known('cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34e'),
          }),
        ]),
      ],
    },
    {
      attachments: [
        attachment([
          mapping('Token', 'Deny', {
            identityProvider: known('cognito-idp.${AWS::Region}.amazonaws.com/${Pool}:${Client}'),
          }),
        ]),
      ],
    },
  ],
  COG137: [
    { attachments: [attachment([]), attachment([], { id: 'Other' })] },
    { attachments: [attachment([]), attachment([], { id: 'Other', identityPool: known('OtherPool') })] },
  ],
  COG140: [
    {
      groups: [group('admins', 1, A)],
      declaredPrecedences: [{ pool: 'Pool', groupName: 'admins', precedence: 2, location: at }],
    },
    {
      groups: [group('admins', 1, A)],
      declaredPrecedences: [{ pool: 'Pool', groupName: 'admins', precedence: 1, location: at }],
    },
  ],
  COG150: [{ groups: [group('admins', 2 ** 31, A)] }, { groups: [group('admins', 2 ** 31 - 1, A)] }],
  COG151: [{ groups: [group('admins', 1.5, A)] }, { groups: [group('admins', 1.0, A)] }],
  COG152: [{ groups: [group('site admins', 1, A)] }, { groups: [group('site,admins', 1, A)] }],
  COG153: [
    { groups: [group('admins', 1, { kind: 'arn', id: 'AdminRole' })] },
    { groups: [group('admins', 1, arn('path/AdminRole'))] },
  ],
  COG154: [
    { groups: [group('admins', 1, A), group('admins', 1, A, { id: 'Second' })] },
    { groups: [group('admins', 1, A), group('Admins', 1, A)] },
  ],
  COG155: [
    { groups: many(10_001, index => group(`g${index}`)) },
    { groups: many(10_000, index => group(`g${index}`)) },
  ],
  COG160: [
    { userPoolId: 'eu-west-1_Ab12Cd34e', groups: [group('eu-west-1_Ab12Cd34e_Google', null, A)] },
    { userPoolId: 'eu-west-1_Ab12Cd34e', groups: [group('eu-west-1_Ab12Cd34e_Google')] },
  ],
  COG161: [
    { groups: tie, memberships: [member('alice', 'admins'), member('alice', 'editors')] },
    { groups: tie, memberships: [member('alice', 'admins'), member('bob', 'editors')] },
  ],
  COG190: [
    { groups: [group('admins', 1, A, { precedence: unknown })] },
    { groups: [group('admins', 1, A, { precedence: oneOf(known(1), known(2)) })] },
  ],
}

describe('every rule', () => {
  test.each(FINDING_RULES)(
    '$id ($slug) finds its case, and nothing in the nearest neighbour',
    ({ id, slug, fix, severity }) => {
      const [triggers, neighbour] = CASES[id]
      const findings = validate(triggers, { only: [id] })
      expect(findings).toHaveLength(1)
      expect(findings[0]).toMatchObject({ ruleId: id, slug, fix, severity })
      expect(found(neighbour, { only: [id] })).toEqual([])
    },
  )

  test('has one to three sentences to say, names what it is about, and a key of its own', () => {
    for (const { id } of FINDING_RULES) {
      for (const { message, key, groups, resources } of validate(CASES[id][0], { only: [id] })) {
        expect(message).toMatch(/^[`A-Z0-9].*\.$/s)
        expect(message.replaceAll(/`[^`]*`/g, '').match(/[.:] |\.$/g)!.length).toBeLessThanOrEqual(4)
        expect(JSON.parse(key)).toEqual(expect.arrayContaining([id, ...groups]))
        expect(groups).toEqual(groups.toSorted())
        expect(resources).toEqual(resources.toSorted())
      }
    }
  })

  test('a pool as it should be has no finding', () => {
    const given: Given = {
      groups: [group('admins', 1, A), group('editors', 2, B), group('staff', 10), group('guests', 20)],
      roles: [A, B].map(({ id }) => ({ id, trustPolicy: known(trusting({})), location: at })),
      attachments: deny,
      memberships: [member('alice', 'admins'), member('alice', 'editors')],
    }
    expect(found(given)).toEqual([])
    expect(validateInfrastructure(fromPool({ userPoolId: 'eu-west-1_Ab12Cd34e', groups: [] }))).toEqual([])
  })
})

describe('ties', () => {
  const roleless = [group('admins', 1, A), group('staff', 1)]

  test.each<[string, Given, string[]]>([
    [
      'an error under Token and Deny, and so is the mapping',
      { groups: tie, attachments: deny },
      ['COG101 error', 'COG133 error'],
    ],
    ['an error under Token and AuthenticatedRole', { groups: tie, attachments: fallback }, ['COG101 error']],
    ['a note where rules alone map the pool', { groups: tie, attachments: byRules }, ['COG101 note', 'COG130 note']],
    [
      'an error where rules map one client and tokens another',
      { groups: tie, attachments: [attachment([mapping('Rules', 'Deny'), mapping('Token', 'AuthenticatedRole')])] },
      ['COG101 error'],
    ],
    [
      'an error where rules map another pool',
      { groups: tie, attachments: [attachment([mapping('Rules', 'Deny', { pool: 'Other' })])] },
      ['COG101 error', 'COG130 warning'],
    ],
    [
      'an error where a user is in it, even under rules',
      { groups: tie, attachments: byRules, memberships: [member('a', 'admins'), member('a', 'editors')] },
      ['COG101 error', 'COG130 note', 'COG161 error'],
    ],
    ['a warning where one of two has no role', { groups: roleless }, ['COG102 warning']],
    [
      'an error where one of two has no role, and a user is in it',
      { groups: roleless, memberships: [member('a', 'admins'), member('a', 'staff')] },
      ['COG102 error', 'COG161 error'],
    ],
    [
      'an error of the mapping where one of two has no role',
      { groups: roleless, attachments: deny },
      ['COG102 warning', 'COG133 error'],
    ],
    [
      'two findings where two roles and a group without one tie',
      { groups: [...tie, group('staff', 1)] },
      ['COG101 error', 'COG102 warning'],
    ],
    ['none between pools', { groups: [tie[0]!, { ...tie[1]!, pool: 'Other' }] }, []],
  ])('a tie is %s', (_, given, expected) => {
    expect(found(given)).toEqual(expected)
  })

  test('a user in a tie is not in it who has a group with a role that ranks before', () => {
    const groups = [...tie, group('owners', 0, resource('OwnerRole'))]
    const memberships = ['admins', 'editors', 'owners'].map(name => member('alice', name))
    expect(found({ groups, memberships })).toEqual(['COG101 error'])
    expect(found({ groups, memberships: memberships.slice(0, 2) })).toEqual(['COG101 error', 'COG161 error'])
  })

  test('two ARNs that differ in one literal part differ whatever fills their holes', () => {
    const literals = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 3 })
    const draw = fc.record({
      first: fc.array(literals, { minLength: 3, maxLength: 3 }),
      second: fc.array(literals, { minLength: 3, maxLength: 3 }),
      fills: fc.tuple(literals, literals),
    })
    const text = ([x, y, z]: readonly string[], [p, q]: readonly [string, string]) => `arn:${x}${p}${y}${q}${z}`
    let certain = 0
    fc.assert(
      fc.property(draw, ({ first, second, fills }) => {
        const [a, b] = [first, second].map(one => reference(text(one, ['${X}', '${Y}'])))
        if (found({ groups: [group('a', 1, a), group('b', 1, b)] })[0] !== 'COG101 error') return
        certain++
        expect(text(first, fills)).not.toBe(text(second, fills))
      }),
      { numRuns: 2000 },
    )
    expect(certain, 'control: some are told').toBeGreaterThan(20)
    expect(text(['a', '', ''], ['a', 'a']), 'control: two literals may differ in equal texts').toBe(
      text(['', '', 'a'], ['a', 'a']),
    )
  })

  test('one finding stands for a level, and says who the users are', () => {
    const groups = [...tie, group('authors', 1, A), group('low', 7, A), group('lower', 7, B)]
    const findings = validate({
      groups,
      memberships: [
        member('zoe', 'admins'),
        member('bob', 'authors'),
        member('zoe', 'editors'),
        member('bob', 'editors'),
      ],
    })
    expect(findings.map(({ ruleId, groups }) => [ruleId, ...groups])).toEqual([
      ['COG101', 'admins', 'authors', 'editors'],
      ['COG101', 'low', 'lower'],
      ['COG161', 'admins', 'authors', 'editors'],
    ])
    expect(findings[2]!.message).toContain('`bob` and `zoe` are in groups that tie (precedence 1)')
    expect(findings[0]!.related.map(({ message }) => message)).toEqual(['group `authors`', 'group `editors`'])
  })

  test.each<[string, GroupDefinition[], string[]]>([
    [
      'a precedence that may be another',
      [group('a', 1, A, { precedence: oneOf(known(1), known(2)) }), group('b', 1, B)],
      ['COG101 warning'],
    ],
    [
      'a precedence that is the same either way',
      [group('a', 1, A, { precedence: oneOf(known(1), known(1)) }), group('b', 1, B)],
      ['COG101 error'],
    ],
    [
      'a role that may be the same',
      [group('a', 1, A, { role: oneOf(known(A), known(B)) }), group('b', 1, B)],
      ['COG101 warning'],
    ],
    [
      'a role that may be none',
      [group('a', 1, A, { role: oneOf(known(A), absent) }), group('b', 1, B)],
      ['COG101 warning', 'COG102 note'],
    ],
    [
      'groups of two conditions',
      [group('a', 1, A, { condition: 'X' }), group('b', 1, B, { condition: 'Y' })],
      ['COG101 warning'],
    ],
    ['one group of a condition', [group('a', 1, A, { condition: 'X' }), group('b', 1, B)], ['COG101 warning']],
    [
      'groups of one condition',
      [group('a', 1, A, { condition: 'X' }), group('b', 1, B, { condition: 'X' })],
      ['COG101 error'],
    ],
    ['two references', [group('a', 1, reference('P')), group('b', 1, reference('Q'))], ['COG101 warning']],
    ['one reference twice', [group('a', 1, reference('P')), group('b', 1, reference('P'))], []],
    [
      'two ARNs with the same hole',
      [group('a', 1, reference(ofAccount('role/a'))), group('b', 1, reference(ofAccount('role/b')))],
      ['COG101 error'],
    ],
    [
      'one ARN with a hole twice',
      [group('a', 1, reference(ofAccount('role/a'))), group('b', 1, reference(ofAccount('role/a')))],
      [],
    ],
    [
      'two ARNs that differ before a hole',
      [group('a', 1, reference('arn:aws:iam::1:role/a-${X}')), group('b', 1, reference('arn:aws:iam::1:role/b-${X}'))],
      ['COG101 error'],
    ],
    [
      'two ARNs that differ on two sides of a hole',
      [group('a', 1, reference('arn:x:a${X}:')), group('b', 1, reference('arn:x:${X}a:'))],
      ['COG101 warning'],
    ],
    [
      'two ARNs with different holes',
      [group('a', 1, reference('arn:x:${X}:a')), group('b', 1, reference('arn:x:${Y}:b'))],
      ['COG101 warning'],
    ],
    [
      'two ARNs whose holes differ inside',
      [group('a', 1, reference('arn:x:${F("0",${X})}')), group('b', 1, reference('arn:x:${F("1",${X})}'))],
      ['COG101 warning'],
    ],
    [
      'ARNs of two files, of which each is for the same',
      [group('a', 1, reference('a.yaml: arn:x:${X}:a')), group('b', 1, reference('b.yaml: arn:x:${X}:a'))],
      ['COG101 warning'],
    ],
    [
      'two names without a hole',
      [group('a', 1, reference('arn:var.a')), group('b', 1, reference('arn:var.b'))],
      ['COG101 warning'],
    ],
    [
      'two of three that differ in one place',
      [
        group('a', 1, reference('arn:x:${X}:a')),
        group('b', 1, reference('arn:x:${X}:b')),
        group('c', 1, reference('arn:y:${X}:c')),
      ],
      ['COG101 error', 'COG101 warning'],
    ],
    ['an ARN and a resource', [group('a', 1, arn('Admin')), group('b', 1, A)], ['COG101 warning']],
    ['two ARNs', [group('a', 1, arn('Admin')), group('b', 1, arn('admin'))], ['COG101 error']],
    ['a role that is not known', [group('a', 1, A, { role: unknown }), group('b', 1, B)], ['COG190 note']],
    ['a precedence that is not known', [group('a', 1, A, { precedence: unknown }), group('b', 1, B)], ['COG190 note']],
    [
      'a precedence one possibility of which is not known',
      [group('a', 1, A, { precedence: oneOf(known(1), unknown) }), group('b', 1, B)],
      ['COG101 warning', 'COG190 note'],
    ],
    ['a precedence that Cognito refuses', [group('a', 1.5, A), group('b', 1.5, B)], ['COG151 error', 'COG151 error']],
    [
      'one of two that has no role in one condition',
      [group('a', 1, A), group('b', 1, null, { condition: 'X' })],
      ['COG102 note'],
    ],
    [
      'one name under two conditions',
      [group('a', 1, A, { condition: 'X' }), group('a', 1, B, { condition: 'Y', id: 'other' })],
      ['COG154 warning'],
    ],
  ])('what is certain is told from what may be: %s', (_, groups, expected) => {
    expect(found({ groups })).toEqual(expected)
  })

  test('what may be says where', () => {
    const message = (...groups: GroupDefinition[]) => validate({ groups })[0]!.message
    expect(message(group('a', 1, A, { condition: 'X' }), group('b', 1, B))).toContain(
      'may both have precedence 1 and their roles differ, where the groups exist together:',
    )
    expect(message(group('a', 1, reference('P')), group('b', 1, B))).toContain(
      ', where what stands for their roles is not one and the same role:',
    )
    expect(message(group('a', 1, A), group('b', 1, B, { precedence: oneOf(known(1), absent) }))).toContain(
      ', where the values that the file leaves open come out so:',
    )
  })

  test('certain and possible clashes of one level are two findings, and the certain one keeps its severity', () => {
    const findings = validate({ groups: [...tie, group('maybe', 1, resource('Third'), { condition: 'X' })] })
    expect(findings.map(({ severity, groups }) => [severity, groups.length]).toSorted()).toEqual([
      ['error', 2],
      ['warning', 3],
    ])
  })
})

describe('what a precedence comes to', () => {
  const inTerraform = (precedence: unknown, more: Part = {}) => group('a', precedence, A, { ...terraform, ...more })

  test.each<[string, GroupDefinition, string[]]>([
    ['a 0 of a new group', inTerraform(0, { created: true }), ['COG110 error']],
    ['a 0 of a group that was at 5: an update sends it', inTerraform(0, { created: false, before: before(5) }), []],
    ['a 0 that was there: nobody knows how it came', inTerraform(0, { created: false }), ['COG110 warning']],
    ['a 0 that may be another number', inTerraform(0, { precedence: oneOf(known(0), known(1)) }), ['COG110 warning']],
    ['a number that is not 0', inTerraform(1), []],
    ['the text of a number', inTerraform('7'), []],
    ['none, in a group that never had one', inTerraform(null, { created: true }), ['COG103 warning']],
    ['none, in a group that had 5', inTerraform(null, { created: false, before: before(5) }), ['COG111 error']],
    ['another, in a group that had 5', inTerraform(6, { created: false, before: before(5) }), []],
    ['none, in CloudFormation, in a group that had 5', group('a', null, A, { before: before(5) }), ['COG103 warning']],
    ['the text of a number, elsewhere', group('a', '7', A), ['COG151 note']],
    ['a text that is no number', inTerraform('first'), ['COG151 error']],
    ['a negative number', inTerraform(-1), ['COG150 error']],
    ['a boolean', inTerraform(true), ['COG151 error']],
    ['an object', inTerraform({ a: 1 }), ['COG151 error']],
    ['an explicit null', group('a', 1, A, { precedence: known(null) }), ['COG103 warning']],
  ])('%s', (_, one, expected) => {
    expect(found({ groups: [one] })).toEqual(expected)
  })

  test('a 0 that Terraform does not send ties with nothing, and one that it sends for a removed number ties with 0', () => {
    expect(only('COG101', { groups: [inTerraform(0), group('b', 0, B)] })).toEqual([])
    expect(
      only('COG101', { groups: [inTerraform(null, { created: false, before: before(5) }), group('b', 0, B)] }),
    ).toEqual(['COG101 error'])
  })

  test('a role without a precedence is an error where it is the only route to the role, under Deny', () => {
    expect(only('COG103', { groups: [group('a', null, A)], attachments: deny })).toEqual(['COG103 error'])
    expect(only('COG103', { groups: [group('a', null, A)], attachments: fallback })).toEqual(['COG103 warning'])
    expect(only('COG103', { groups: [group('a', null, A), group('b', 1, A)], attachments: deny })).toEqual([
      'COG103 warning',
    ])
    expect(only('COG103', { groups: [group('a', null, A)], attachments: byRules })).toEqual(['COG103 note'])
  })

  test('a group without a precedence and without a role is a note among numbered ones, and one of a provider is none', () => {
    const userPoolId = 'eu-west-1_Ab12Cd34e'
    expect(only('COG106', { groups: [group('a', 1, A), group('b')] })).toEqual(['COG106 note'])
    expect(only('COG106', { userPoolId, groups: [group('a', 1, A), group(`${userPoolId}_Google`)] })).toEqual([])
  })

  test('what outranks is told pair by pair: a group without a role behind every role is not in it', () => {
    const [finding] = validate(
      { groups: [group('first', 1), group('a', 2, A), group('b', 3, A), group('last', 4), group('none', null, A)] },
      { only: ['COG104'] },
    )
    expect(finding!.groups).toEqual(['a', 'b', 'first'])
    expect(finding!.message).toContain('`first` (1) has no role and ranks before `a` (2) and `b` (3) with a role:')
    expect(only('COG104', { groups: [group('first', 1), group('a', 2, A, { condition: 'X' })] })).toEqual([
      'COG104 note',
    ])
    expect(
      only('COG104', { groups: [group('first', 1, null, { condition: 'X' }), group('a', 2, A, { condition: 'X' })] }),
    ).toEqual(['COG104 note'])
  })
})

describe('trust', () => {
  const trust = (policy: Trust | Value<unknown>, more: Given = {}) => found({ ...withTrust(policy), ...more })
  const live = (identityPoolId: string) => ({
    attachments: [attachment([mapping('Token', 'AuthenticatedRole')], { identityPool: known(identityPoolId) })],
  })

  test.each<[string, Trust | Value<unknown>, string[]]>([
    ['the reference to the identity pool', {}, []],
    ['a reference among ids', { aud: [refToPool, POOL_ID] }, []],
    ["GovCloud's name", { principal: { Federated: 'cognito-identity-us-gov.amazonaws.com' } }, ['COG190 note']],
    ['another action', { action: 'sts:AssumeRole' }, ['COG120 error']],
    [
      'a principal that is not known',
      { principal: { Federated: { 'rolecast:unknown': 'parameter' } } },
      ['COG190 note'],
    ],
    ['an action that is not known', { action: { 'rolecast:unknown': 'parameter' } }, ['COG190 note']],
    ['an amr that is not known', { amr: { 'rolecast:unknown': 'parameter' } }, ['COG190 note']],
    [
      'an effect that is not known',
      { effect: { 'rolecast:unknown': 'parameter' } as unknown as string },
      ['COG190 note'],
    ],
    ['no amr', { amr: null }, ['COG124 warning']],
    ['both kinds of amr', { amr: ['authenticated', 'unauthenticated'] }, ['COG124 error']],
    ['no condition', { aud: null, amr: null }, ['COG121 error', 'COG124 warning']],
    ['a placeholder', { aud: 'YOUR_IDENTITY_POOL_ID' }, ['COG122 error']],
    ['a Deny for a pool by its id', { effect: 'Deny', aud: POOL_ID }, ['COG123 error']],
    ['a policy that is not known', unknown, ['COG190 note']],
    ['one of two policies', oneOf<unknown>(known(trusting({})), known(trusting({ aud: null }))), ['COG190 note']],
    ['what is no policy', known('{}'), ['COG190 note']],
    ['a policy as text', known(JSON.stringify(trusting({ aud: null }))), ['COG121 error']],
  ])('of %s', (_, policy, expected) => {
    expect(trust(policy)).toEqual(expected)
  })

  test("of every partition's names is trust", () => {
    for (const name of [
      'cognito-identity.amazonaws.com',
      'cognito-identity-us-gov.amazonaws.com',
      'cognito-identity.us-gov-east-1.amazonaws.com',
    ]) {
      const policy = JSON.parse(JSON.stringify(trusting({})).replaceAll(SERVICE, name)) as unknown
      expect(trust(known(policy))).toEqual([])
    }
  })

  test('in another pool than the one that is known is none', () => {
    expect(trust({ aud: POOL_ID }, live(POOL_ID))).toEqual([])
    expect(trust({ aud: POOL_ID }, live(POOL_ID.replace('7f', '8f')))).toEqual(['COG120 error'])
  })

  test('is judged once for a role, whoever has it, and for roles of groups only', () => {
    const { roles } = withTrust({ aud: null })
    const findings = validate({
      groups: [group('a', 1, A), group('b', 2, A), group('c', 3, A, { pool: 'Other' })],
      roles: roles!,
    })
    expect(findings).toMatchObject([{ ruleId: 'COG121', groups: ['a', 'b', 'c'], pool: '' }])
    expect(found({ groups: [group('a', 1, B)], roles: roles! })).toEqual([])
  })
})

describe('role attachments', () => {
  test("a mapping of which the pool is not known may be the pool's Token mapping, and another provider's is not", () => {
    const other = (identityProvider: Value<string>) => {
      const { pool: _, ...unlinked } = mapping('Token', 'Deny', { identityProvider })
      return found({ groups: [group('a', 1, A)], attachments: [attachment([unlinked])] })
    }
    expect(other(known(PROVIDER))).toEqual([])
    expect(other(known('graph.facebook.com'))).toEqual(['COG130 warning'])
    expect(other(unknown)).toEqual(['COG190 note'])
    const linked = attachment([mapping('Token', 'Deny', { identityProvider: unknown })])
    expect(found({ groups: [group('a', 1, A)], attachments: [linked] }), 'a provider whose pool is known').toEqual([])
  })

  test('a provider that names the user pool by its id links the mapping to it', () => {
    const { pool: _, ...unlinked } = mapping('Token', 'Deny')
    expect(only('COG133', { groups: tie, attachments: [attachment([unlinked])] })).toEqual([])
    expect(
      only('COG133', { groups: tie, attachments: [attachment([unlinked])], userPoolId: 'eu-west-1_Ab12Cd34e' }),
    ).toEqual(['COG133 error'])
  })

  test.each([
    ['eu-west-1_Ab12Cd34e:client', 1],
    ['cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34e:a:b', 1],
    ['https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34e:a', 1],
    [PROVIDER, 0],
    ['cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_a:b', 0],
    ['accounts.google.com', 0],
    ['arn:aws:iam::111122223333:saml-provider/cognito-idp', 0],
    ['login.example.app', 0],
  ])('the provider `%s` is wrong %i times', (provider, count) => {
    expect(
      only('COG136', { attachments: [attachment([mapping('Token', 'Deny', { identityProvider: known(provider) })])] }),
    ).toHaveLength(count)
  })

  test('a rule is not called wrong where not all groups are known', () => {
    const attachments = [attachment([mapping('Rules', 'Deny', { rules: known([rule('admins', 'Equals')]) })])]
    expect(only('COG134', { attachments })).toEqual(['COG134 note'])
    expect(
      only('COG134', { attachments, groups: [group('a'), group('b', null, null, { groupName: unknown })] }),
    ).toEqual(['COG134 note'])
    expect(
      only('COG134', { attachments, groups: [group('a')], undecidable: [{ why: 'a loop', location: at }] }),
    ).toEqual(['COG134 note'])
    expect(only('COG134', { attachments, groups: [group('a')] })).toEqual(['COG134 warning'])
  })

  test('every value of it that is not known is noted once, and so is one of several where no rule looks at each', () => {
    expect(found({ attachments: [attachment([], { roles: unknown })] })).toEqual(['COG190 note'])
    expect(found({ attachments: [attachment([], { mappings: unknown })] })).toEqual(['COG190 note'])
    expect(found({ attachments: [attachment([], { mappings: oneOf(known([]), known([])) })] })).toEqual(['COG190 note'])
    expect(found({ attachments: [attachment([mapping('Token', 'Deny', { type: unknown })])] })).toEqual(['COG190 note'])
    expect(
      found({ attachments: [attachment([], { identityPool: unknown })] }),
      'one attachment can be the only one',
    ).toEqual([])
    const twice = [attachment([], { identityPool: unknown }), attachment([], { id: 'Other' })]
    expect(found({ attachments: twice })).toEqual(['COG190 note'])
    expect(
      found({
        groups: tie,
        attachments: [
          attachment([
            mapping('Token', 'Deny', { ambiguousRoleResolution: oneOf(known('Deny'), known('AuthenticatedRole')) }),
          ]),
        ],
      }),
    ).toEqual(['COG101 error', 'COG133 warning'])
  })
})

describe('what nobody can tell', () => {
  test('is noted once for every value', () => {
    const nothing = group('x', null, null, { groupName: unknown, precedence: unknown, role: unknown })
    const findings = validate({
      groups: [nothing],
      undecidable: [{ why: 'the loop over `names` is not known', location: at, pool: 'Pool' }],
    })
    expect(findings.map(({ ruleId, severity, groups }) => [ruleId, severity, ...groups])).toEqual([
      ['COG190', 'note'],
      ['COG190', 'note', 'xGroup'],
      ['COG190', 'note', 'xGroup'],
      ['COG190', 'note', 'xGroup'],
    ])
    expect(findings.map(({ message }) => message)).toContain(
      'The precedence of `xGroup` is not known: parameter `Rank` has no default. Rules that need it say nothing of it.',
    )
    expect(findings.map(({ message }) => message)).toContain('the loop over `names` is not known.')
  })

  test('who is in what is noted where it matters to a tie', () => {
    const memberships = [{ ...member('alice', 'admins'), username: unknown }]
    expect(found({ groups: tie, memberships })).toEqual(['COG101 error', 'COG190 note'])
    expect(found({ groups: tie.slice(1), memberships })).toEqual([])
  })
})

describe('hostile names', () => {
  const names = ['__proto__', 'constructor', 'a,b', '<b>', '"', '`', '\u202Eabc', 'a\u0000b', '#2']

  test('are names like any others', () => {
    const groups = names.flatMap((name, index) => [group(name, index + 1, A), group(`${name}${name}`, index + 1, B)])
    const findings = validate(
      { groups, memberships: names.flatMap(name => [member(name, name), member(name, `${name}${name}`)]) },
      { only: ['COG101', 'COG161'] },
    )
    expect(
      findings
        .filter(({ ruleId }) => ruleId === 'COG101')
        .map(({ groups }) => groups[0])
        .toSorted(),
    ).toEqual(names.toSorted())
    expect(findings.filter(({ ruleId }) => ruleId === 'COG161')).toHaveLength(names.length)
    expect(new Set(findings.map(({ key }) => key)).size).toBe(findings.length)
  })

  test('and so are those of pools and severities', () => {
    expect(
      found({ groups: [group('a', 1, A, { pool: '__proto__' }), group('b', 1, B, { pool: '__proto__' })] }),
    ).toEqual(['COG101 error'])
    expect(
      errorOf(() => validate({}, { severities: JSON.parse('{"__proto__":"note"}') as ValidateOptions['severities'] })),
    ).toMatchObject({ code: 'invalid-option' })
  })
})

describe('options', () => {
  const given: Given = { groups: [...tie, group('x', null, A)] }

  test('name the rules that run', () => {
    expect(found(given)).toEqual(['COG101 error', 'COG103 warning', 'COG106 warning'])
    expect(found(given, { only: ['COG101', 'COG103'], ignore: ['COG103'] })).toEqual(['COG101 error'])
    expect(found(given, { ignore: ['COG101'] })).toEqual(['COG103 warning', 'COG106 warning'])
    expect(found(given, { severities: { COG101: 'note', COG103: 'error' } })).toEqual([
      'COG101 note',
      'COG103 error',
      'COG106 warning',
    ])
  })

  test('turn on a rule that is off by default', () => {
    const [privileged] = CASES.COG105
    expect(found(privileged)).toEqual([])
    expect(found(privileged, { enable: ['COG105'] })).toEqual(['COG105 warning'])
    expect(found(privileged, { enable: ['COG105'], ignore: ['COG105'] })).toEqual([])
  })

  test.each<[ValidateOptions, string]>([
    [{ only: ['COG999'] }, '`COG999` is no rule; use an id from `COG101` to `COG190`'],
    [{ ignore: ['tie'] }, '`tie` is no rule; use an id from `COG101` to `COG190`'],
    [{ enable: [''] }, '`` is no rule; use an id from `COG101` to `COG190`'],
    [{ severities: { cog101: 'error' } }, '`cog101` is no rule; use an id from `COG101` to `COG190`'],
    [{ severities: { COG101: 'fatal' as 'error' } }, '`fatal` is no severity; use one of note, warning, error'],
  ])('%o is refused', (options, message) => {
    expect(errorOf(() => validate({}, options))).toMatchObject({ code: 'invalid-option', message })
  })
})

describe('a live pool', () => {
  const role = (name: string) => arn(name).id
  const groups: Group[] = [
    { groupName: 'a', precedence: 0, roleArn: role('A') },
    { groupName: 'b', precedence: 0, roleArn: role('B') },
    { groupName: 'c', roleArn: '' },
  ]
  const userPoolId = 'eu-west-1_Ab12Cd34e'
  const identityPools = [
    {
      identityPoolId: POOL_ID,
      roles: {},
      roleMappings: { [PROVIDER]: { Type: 'Token', AmbiguousRoleResolution: 'AuthenticatedRole' } as const },
    },
  ]

  test('is judged by the same rules, at the place of its id', () => {
    const findings = validateInfrastructure(
      fromPool({
        userPoolId,
        groups,
        identityPools,
        memberships: [
          { username: 'alice', groupName: 'a' },
          { username: 'alice', groupName: 'b' },
        ],
        trustPolicies: new Map<string, string | object>([
          [role('A'), encodeURIComponent(JSON.stringify(trusting({ aud: POOL_ID })))],
          [role('B'), trusting({ aud: POOL_ID, action: 'sts:AssumeRole' })],
        ]),
      }),
    )
    expect(findings.map(({ ruleId, severity, groups }) => [ruleId, severity, ...groups]).toSorted()).toEqual([
      ['COG101', 'error', 'a', 'b'],
      ['COG106', 'note', 'c'],
      ['COG120', 'error', 'b'],
      ['COG131', 'error'],
      ['COG161', 'error', 'a', 'b'],
    ])
    expect(findings.every(({ location }) => location.path === userPoolId)).toBe(true)
    expect(findings.find(({ ruleId }) => ruleId === 'COG101')!.message).toBe(
      `\`a\` (\`${role('A')}\`) and \`b\` (\`${role('B')}\`) both have precedence 0 and their roles differ: for a user in two of different roles Cognito sets no \`cognito:preferred_role\`, and does not consult the next precedence. The identity pool (Token, AuthenticatedRole) then gives the authenticated role.`,
    )
  })
})

describe('ten thousand groups', () => {
  const count = 10_000
  test.each<[string, (index: number) => GroupDefinition, number]>([
    ['of one precedence', index => group(`g${index}`, 1, resource(`R${index}`)), 1],
    ['of one precedence, every second without a role', index => group(`g${index}`, 1, index % 2 ? A : null), 1],
    ['of their own, every second without a role', index => group(`g${index}`, index, index % 2 ? A : null), 1],
    [
      'under conditions of their own',
      index => group(`g${index}`, 1, resource(`R${index}`), { condition: `C${index}` }),
      1,
    ],
    ['in pairs', index => group(`g${index}`, index >> 1, resource(`R${index}`)), count / 2],
  ])('%s have as many findings as levels, and not as pairs', (_, of, expected) => {
    const findings = validate({ groups: many(count, of) })
    expect(findings).toHaveLength(expected)
    expect(findings.every(({ message }) => message.length < 1000)).toBe(true)
  })
})

const PAGE = 'docs/findings.md'
const page = readFileSync(fileURLToPath(new URL(`../../${PAGE}`, import.meta.url)), 'utf8')
const MARK = '<!-- From here on the page is written from src/rules/catalogue.ts: `vitest -u` writes it anew. -->\n'

function sectionOf({ id, slug, title, severity, context, enabled, what, why, fix, example, see }: FindingRule): string {
  return [
    `### ${id}\n`,
    `**${title}** · \`${slug}\` · ${severity}${enabled ? '' : ', off by default'}\n`,
    `${what}\n`,
    ...(context === undefined ? [] : [`*Severity:* ${context}\n`]),
    `*Why it matters:* ${why}\n`,
    `*What to do:* ${fix}\n`,
    `\`\`\`${example.language}\n${example.text}\n\`\`\`\n`,
    `See <${see}>.\n`,
  ].join('\n')
}

function rulesPage(rules: readonly FindingRule[]): string {
  return (
    [
      '## The rules\n',
      '| Rule | | Severity |',
      '|---|---|---|',
      ...rules.map(
        ({ id, title, severity, enabled }) =>
          `| [${id}](#${id.toLowerCase()}) | ${title} | ${severity}${enabled ? '' : ', off by default'} |`,
      ),
      '',
      ...rules.map(sectionOf),
    ]
      .join('\n')
      .trimEnd() + '\n'
  )
}

describe('the table of rules', () => {
  test('is what the page says', async () => {
    expect(page).toContain(MARK)
    await expect(`${page.split(MARK)[0]}${MARK}\n${rulesPage(FINDING_RULES)}`).toMatchFileSnapshot(`../../${PAGE}`)
  })

  test('control: another word in a rule, or in the page, is noticed', () => {
    expect(page.endsWith(rulesPage(FINDING_RULES))).toBe(true)
    expect(
      page.endsWith(rulesPage(FINDING_RULES.map(one => (one.id === 'COG111' ? { ...one, why: 'No.' } : one)))),
    ).toBe(false)
  })

  test('has stable ids in order, a slug and a title for each, and links that lead to rules', () => {
    const ids = FINDING_RULES.map(({ id }) => id)
    expect(ids).toEqual([...new Set(ids)].toSorted())
    expect(new Set(FINDING_RULES.map(({ slug }) => slug)).size).toBe(ids.length)
    for (const one of FINDING_RULES) {
      expect(one.id).toMatch(/^COG1\d\d$/)
      expect(one.slug).toMatch(/^[a-z]+(-[a-z]+)*$/)
      expect(SEVERITIES).toContain(one.severity)
      for (const text of [one.what, one.why, one.fix]) expect(text).toMatch(/^[A-Z0-9`].*\.$/)
      expect(one.fix.replaceAll(/`[^`]*`/g, '').match(/\.( |$)/g)).toHaveLength(1)
    }
    const links = [...JSON.stringify(FINDING_RULES).matchAll(/\(#(cog\d+)\)/g)].map(([, link]) => link!.toUpperCase())
    for (const link of links) expect(ids).toContain(link)
  })

  test('is found by id, in capitals or not', () => {
    expect(findRule('cog101')).toBe(FINDING_RULES[0])
    expect(findRule('COG1')).toBeUndefined()
    expect(findRule('__proto__')).toBeUndefined()
  })
})

describe('findings are the same', () => {
  test('in order by place, then by rule', () => {
    const place = (line: number, column = 1): Part => ({ location: { ...at, line, column } })
    const findings = validate({
      groups: [group('c', null, A, place(9)), group('b', 1, B, place(3, 5)), group('a', 1, A, place(3, 2))],
    })
    expect(findings.map(({ ruleId, location }) => [ruleId, location.line, location.column])).toEqual([
      ['COG101', 3, 2],
      ['COG103', 9, 1],
      ['COG106', 9, 1],
    ])
  })

  test('with keys that no line, no id and no order changes', () => {
    const keys = (findings: readonly Finding[]) => findings.map(({ key }) => key).toSorted()
    const given = [...tie, group('x', null, A)]
    const moved = given
      .map(one => ({ ...one, id: `New${one.id}`, location: { path: 'template.yaml', line: 99 } }))
      .toReversed()
    expect(keys(validate({ groups: moved }))).toEqual(keys(validate({ groups: given })))
    expect(
      validate({ groups: [group('a', null, A), group('a', null, A, { id: 'second' })] }, { only: ['COG103'] }).map(
        ({ key }) => key,
      ),
    ).toEqual(['["COG103","Pool","a"]', '["COG103","Pool","a"]#2'])
  })
})
