import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { judgePrivileges, type RolePolicies, type RolePrivileges } from '../../src/credentials/privileges.js'
import { isAllowed, type PlainRequest, type PlainStatement, type World } from '../models/permissions-model.js'

const owner = { partition: 'aws', account: '111122223333' }
const ADMINISTRATOR = { name: 'AdministratorAccess', arn: 'arn:aws:iam::aws:policy/AdministratorAccess' }
const everything: PlainStatement = { Effect: 'Allow', Action: '*', Resource: '*' }
const documentOf = (...statements: readonly unknown[]) => ({ Version: '2012-10-17', Statement: statements })
const inline = (...statements: readonly unknown[]): RolePolicies => ({
  attached: [],
  inline: [{ name: 'own', document: documentOf(...statements) }],
})
const judge = (policies: Partial<RolePolicies>) => judgePrivileges({ attached: [], inline: [], ...policies }, owner)

describe('in each partition', () => {
  const allowed = (...resources: readonly string[]) =>
    inline({ Effect: 'Allow', Action: '*', Resource: ['*:iam:*', '*:s3:*', ...resources] })
  const judgeIn = (partition: string, policies: RolePolicies) =>
    judgePrivileges(policies, { partition, account: owner.account }).administrator

  test.each([
    ['aws', 'us-east-1'],
    ['aws-cn', 'cn-north-1'],
    ['aws-us-gov', 'us-gov-west-1'],
    ['aws-iso', 'us-iso-east-1'],
    ['aws-iso-b', 'us-isob-east-1'],
    ['aws-iso-e', 'eu-isoe-west-1'],
    ['aws-iso-f', 'us-isof-south-1'],
    ['aws-eusc', 'eusc-de-east-1'],
  ])(
    '%s: everything in its Regions may be everything, and in the Regions of another it is not',
    (partition, region) => {
      expect(judgeIn(partition, allowed(`*:${region}:*`))).toBeUndefined()
      expect(judgeIn(partition, allowed('*:eu-north-9:*'))).toBe(false)
    },
  )

  test('of a partition with unknown Regions, what is allowed in some Region may be everything', () => {
    expect(judgeIn('aws-new', allowed('*:new-east-1:*'))).toBeUndefined()
    expect(judgeIn('aws-new', inline({ ...everything, Resource: '*:s3:*' }))).toBe(false)
    expect(judgeIn('aws-new', inline(everything))).toBe(true)
  })
})

describe('a role that may do everything', () => {
  test.each<[string, Partial<RolePolicies>]>([
    ['AdministratorAccess is attached', { attached: [ADMINISTRATOR] }],
    [
      'it is that of China',
      { attached: [{ ...ADMINISTRATOR, arn: 'arn:aws-cn:iam::aws:policy/AdministratorAccess' }] },
    ],
    ['a statement allows * on *', inline(everything)],
    ['*:*', inline({ ...everything, Action: '*:*' })],
    ['among other names', inline({ ...everything, Action: ['s3:Get*', '*'], Resource: ['arn:aws:s3:::a', '*'] })],
    [
      'in an attached policy',
      { attached: [{ name: 'p', arn: 'arn:aws:iam::1:policy/p', document: documentOf(everything) }] },
    ],
    ['as one statement without a list', { inline: [{ name: 'own', document: { Statement: everything } }] }],
    ['as JSON', { inline: [{ name: 'own', document: JSON.stringify(documentOf(everything)) }] }],
    [
      'percent-encoded',
      { inline: [{ name: 'own', document: encodeURIComponent(JSON.stringify(documentOf(everything))) }] },
    ],
    ['with an empty condition', inline({ ...everything, Condition: {} })],
  ])('%s: it is an administrator', (_what, policies) => {
    expect(judge(policies)).toMatchObject({ administrator: true, notRead: [] })
  })
})

describe('a role that may not do everything', () => {
  test.each<[string, Partial<RolePolicies>]>([
    ['it has no policy', {}],
    ['one service', inline({ ...everything, Action: 's3:*' })],
    ['all of IAM', inline({ ...everything, Action: 'iam:*' })],
    ['one resource', inline({ ...everything, Resource: 'arn:aws:s3:::bucket/*' })],
    ['NotAction on one resource', inline({ Effect: 'Allow', NotAction: 'iam:*', Resource: 'arn:aws:s3:::bucket/*' })],
    [
      'one service, except for some resources',
      inline({ Effect: 'Allow', Action: 's3:*', NotResource: 'arn:aws:s3:::b' }),
    ],
    ['it only denies', inline({ ...everything, Effect: 'Deny' })],
    ['one service, with a condition', inline({ ...everything, Action: 's3:*', Condition: { Bool: { a: 'true' } } })],
    [
      'within a boundary',
      { ...inline({ ...everything, Action: 's3:*' }), permissionsBoundary: 'arn:aws:iam::aws:policy/B' },
    ],
  ])('%s: it is rejected', (_what, policies) => {
    expect(judge(policies)).toMatchObject({ administrator: false, notRead: [] })
  })
})

describe('what is not evaluated is reported, and is neither yes nor no', () => {
  const WHOLE =
    'A policy allows every action on every resource, but other statements or a permissions boundary may take some of that away.'
  const may = (what: string) =>
    `The policy \`own\` may allow everything by a statement with ${what}, which is not evaluated.`

  test.each<[string, Partial<RolePolicies>, readonly string[]]>([
    [
      'a condition',
      inline({ ...everything, Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'true' } } }),
      [may('`Condition`')],
    ],
    [
      'NotAction',
      inline({ Effect: 'Allow', NotAction: ['iam:*', 'organizations:*'], Resource: '*' }),
      [may('`NotAction`')],
    ],
    ['NotResource', inline({ Effect: 'Allow', Action: '*', NotResource: 'arn:aws:s3:::b' }), [may('`NotResource`')]],
    ['a variable', inline({ ...everything, Resource: '${aws:PrincipalTag/x}' }), [may('a policy variable')]],
    [
      'a principal',
      inline({ ...everything, Principal: '*' }),
      [may('an element that a policy of a role does not have')],
    ],
    [
      'all letters',
      inline({ ...everything, Action: [...'abcdefghijklmnopqrstuvwxyz'].map(letter => `${letter}*`) }),
      ['No statement alone allows every action on every resource, and whether they do so together is not evaluated.'],
    ],
    [
      'all ARNs',
      inline({ ...everything, Resource: 'arn:*' }),
      ['No statement alone allows every action on every resource, and whether they do so together is not evaluated.'],
    ],
    [
      'a Deny',
      {
        attached: [ADMINISTRATOR],
        inline: [{ name: 'own', document: documentOf({ ...everything, Effect: 'Deny', Action: 's3:DeleteBucket' }) }],
      },
      [WHOLE, 'The policy `own` denies something; how much that takes away is not evaluated.'],
    ],
    [
      'a boundary',
      { attached: [ADMINISTRATOR], permissionsBoundary: 'arn:aws:iam::aws:policy/B' },
      [
        WHOLE,
        'The permissions boundary `arn:aws:iam::aws:policy/B` limits the role; how much it takes away is not evaluated.',
      ],
    ],
    [
      'a policy that was not read',
      { inline: [{ name: 'own', why: 'GetRolePolicy of role `A` was not allowed' }] },
      ['The policy `own` was not read: GetRolePolicy of role `A` was not allowed.'],
    ],
    [
      'the same, next to AdministratorAccess: it may have a Deny',
      { attached: [ADMINISTRATOR], inline: [{ name: 'own', why: 'x' }] },
      [WHOLE, 'The policy `own` was not read: x.'],
    ],
    [
      'a list that was not read',
      { notRead: ['ListRolePolicies was not allowed.'] },
      ['ListRolePolicies was not allowed.'],
    ],
    [
      'a policy named AdministratorAccess of somebody else',
      { attached: [{ ...ADMINISTRATOR, arn: 'arn:aws:iam::111122223333:policy/AdministratorAccess' }] },
      ['The policy `AdministratorAccess` was not read: it is not known.'],
    ],
    [
      'a document that is none',
      { inline: [{ name: 'own', document: '<html>' }] },
      [
        'The policy `own` cannot be evaluated: the document is not JSON; give the document itself, or as IAM returns it.',
      ],
    ],
    [
      'a key twice',
      {
        inline: [
          { name: 'own', document: '{"Statement":[{"Effect":"Allow","Action":"s3:*","Action":"*","Resource":"*"}]}' },
        ],
      },
      ['The policy `own` cannot be evaluated: it has a key twice; write each key once.'],
    ],
    [
      'an effect that is none',
      inline({ ...everything, Effect: 'allow' }),
      ['The policy `own` cannot be evaluated: statement 0 has the effect `allow`; use `Allow` or `Deny`.'],
    ],
    [
      'a statement without a resource',
      inline({ Effect: 'Allow', Action: '*' }),
      [
        'The policy `own` cannot be evaluated: statement 0 needs either `Resource` or `NotResource`; give the document as IAM returns it.',
      ],
    ],
  ])('%s', (_what, policies, notRead) => {
    const { administrator, notRead: said } = judge(policies)
    expect({ administrator, notRead: said }).toEqual({ administrator: undefined, notRead })
  })
})

test('names are listed, sorted', () => {
  const { attached, inline: own } = judge({
    attached: ['b', 'a'].map(name => ({ name, arn: `arn:aws:iam::1:policy/${name}`, document: documentOf() })),
    inline: ['d', 'c'].map(name => ({ name, document: documentOf() })),
  })
  expect([attached, own]).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ])
})

describe('a second evaluator, of requests of which everything is known', () => {
  const actions = [
    '*',
    '*:*',
    '**',
    '?*',
    'iam:*',
    'IAM:create*',
    's3:*',
    's*',
    'a?c:*',
    '*:Create*',
    '[a-z]:*',
    '${v}',
    'zz:Z',
  ]
  const resources = [
    '*',
    '**',
    '?*',
    'arn:*',
    '*:*',
    'arn:aws:s3:::*',
    'arn:aws:iam::111122223333:*',
    'ARN:AWS:*',
    '${aws:v}',
    'a',
  ]
  const some = (names: readonly string[]) =>
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...names) },
      fc.subarray([...names], { minLength: 1, maxLength: 4 }),
    )
  const statement: fc.Arbitrary<PlainStatement> = fc
    .tuple(
      fc.constantFrom('Allow' as const, 'Allow' as const, 'Allow' as const, 'Deny' as const),
      fc.constantFrom('Action', 'Action', 'Action', 'NotAction'),
      some(actions),
      fc.constantFrom('Resource', 'Resource', 'Resource', 'NotResource'),
      some(resources),
      fc.constantFrom({}, {}, {}, { Condition: { Bool: { a: 'true' } } }),
    )
    .map(([Effect, action, names, resource, arns, condition]) => ({
      Effect,
      [action]: names,
      [resource]: arns,
      ...condition,
    }))
  const role = fc.record({
    statements: fc.array(statement, { maxLength: 4 }),
    boundary: fc.option(fc.array(statement, { maxLength: 2 }), { nil: undefined, freq: 5 }),
  })

  const requests: readonly PlainRequest[] = [
    ...[
      'iam:CreateUser',
      's3:PutObject',
      's3:GetObject',
      'kms:Decrypt',
      'abc:Do',
      'zz:Z',
      'ec2:TerminateInstances',
    ].flatMap(action =>
      [
        'arn:aws:iam::111122223333:user/rolecast',
        'arn:aws:s3:::rolecast/rolecast',
        'arn:aws:kms:us-east-1:111122223333:key/rolecast',
        'arn:aws:zz:::a',
      ].map(resource => ({ action, resource })),
    ),
    ...['iam:ListUsers', 'ec2:DescribeInstances', 'zz:Z'].map(action => ({ action, resource: '*' })),
  ]
  const worlds = (['', '*', 'a'] as const).flatMap(variable =>
    [true, false].flatMap(Allow => [true, false].map((Deny): World => ({ met: { Allow, Deny }, variable }))),
  )

  type Role = typeof role extends fc.Arbitrary<infer T> ? T : never
  type Judge = (role: Role) => RolePrivileges['administrator']
  const judged: Judge = ({ statements, boundary }) =>
    judge({
      ...inline(...statements),
      permissionsBoundary: boundary === undefined ? undefined : 'arn:aws:iam::1:policy/b',
    }).administrator

  /** Yes: everything is allowed in every world. No: in every world something is not. */
  const agrees = (judgeRole: Judge) => (given: Role) => {
    const answer = judgeRole(given)
    const all = (world: World) => requests.every(request => isAllowed(given.statements, given.boundary, request, world))
    if (answer === true) return worlds.every(all)
    return answer === undefined || !worlds.some(all)
  }

  test('a certain result holds, whatever the conditions and variables are', () => {
    fc.assert(fc.property(role, agrees(judged)), { numRuns: 3_000 })
  })

  test('and it is certain: among plain statements one that allows all is found, and one service is not enough', () => {
    const answers = fc.sample(role, { numRuns: 2_000, seed: 1 }).map(judged)
    for (const answer of [true, false, undefined])
      expect(answers.filter(one => one === answer).length).toBeGreaterThan(10)
  })

  const without = (key: keyof PlainStatement) => (given: Role) =>
    judged({
      ...given,
      statements: given.statements.map(
        one => Object.fromEntries(Object.entries(one).filter(([name]) => name !== key)) as never,
      ),
    })
  const renamed = (from: 'NotAction' | 'NotResource', to: 'Action' | 'Resource') => (given: Role) =>
    judged({
      ...given,
      statements: given.statements.map(({ [from]: names, ...one }) =>
        names === undefined ? one : { ...one, [to]: names },
      ),
    })

  test.each<[string, Judge]>([
    ['conditions are left out', without('Condition')],
    [
      'denials are left out',
      given => judged({ ...given, statements: given.statements.filter(one => one.Effect === 'Allow') }),
    ],
    ['the boundary is left out', given => judged({ ...given, boundary: undefined })],
    ['NotAction is read as Action', renamed('NotAction', 'Action')],
    ['NotResource is read as Resource', renamed('NotResource', 'Resource')],
    ['what is open is a no', given => judged(given) ?? false],
    ['what is open is a yes', given => judged(given) ?? true],
  ])('control: it is noticed if %s', (_what, planted) => {
    const { failed } = fc.check(fc.property(role, agrees(planted)), { numRuns: 20_000 })
    expect(failed).toBe(true)
  })
})
