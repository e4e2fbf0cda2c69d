import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRolecastError } from '../../src/errors.js'
import type { Infrastructure } from '../../src/rules/infrastructure.js'
import { validateAll } from '../../src/rules/validate.js'
import { readAmplifyBackend } from '../../src/template/amplify/backend.js'
import { isAmplifyBackend } from '../../src/template/amplify/detect.js'
import { AMPLIFY_POOL } from '../../src/template/amplify/facts.js'
import { failureOf } from '../failure-of.js'

const PATH = 'amplify/auth/resource.ts'
const read = (text: string, path = PATH) => readAmplifyBackend(text, path)

/** What `defineAuth` gets, in a file that begins with these lines. */
const withOptions = (options: string, ...lines: string[]) =>
  read(
    [`import { defineAuth } from '@aws-amplify/backend'`, ...lines, `export const auth = defineAuth(${options})`].join(
      '\n',
    ),
  )
const withGroups = (groups: string, ...lines: string[]) =>
  withOptions(`{ loginWith: { email: true }, groups: ${groups} }`, ...lines)

function ranked({ groups }: Infrastructure): readonly unknown[] {
  return groups.map(({ groupName, precedence }) => [
    groupName.is === 'known' ? groupName.value : groupName.is,
    precedence.is === 'known' ? precedence.value : precedence.is,
  ])
}
const AB = [
  ['A', 0],
  ['B', 1],
]

describe('defineAuth', () => {
  test('makes groups that rank as they are listed, each with a role of its own', async () => {
    const infrastructure = await withGroups(`['USERS', 'ADMINS']`)
    expect(infrastructure).toMatchObject({ format: 'amplify', paths: [PATH], unresolved: [], notFollowed: [] })
    expect(infrastructure.pools).toEqual([{ id: AMPLIFY_POOL, name: AMPLIFY_POOL }])
    expect(ranked(infrastructure)).toEqual([
      ['USERS', 0],
      ['ADMINS', 1],
    ])
    const roles = infrastructure.groups.map(({ role }) => role.is === 'known' && role.value)
    expect(roles).toEqual(infrastructure.roles.map(({ id }) => ({ kind: 'resource', id })))
    expect(new Set(infrastructure.roles.map(({ id }) => id)).size).toBe(2)
    expect(infrastructure.groups[1]!.location).toEqual({
      path: PATH,
      line: 2,
      column: 80,
      endLine: 2,
      endColumn: 88,
      construct: 'ADMINS',
    })
  })

  test('makes an identity pool that takes the role from the token', async () => {
    const { attachments } = await withGroups(`['A']`)
    expect(attachments).toMatchObject([
      {
        mappings: {
          value: [
            { pool: AMPLIFY_POOL, type: { value: 'Token' }, ambiguousRoleResolution: { value: 'AuthenticatedRole' } },
          ],
        },
        roles: { value: [{ key: 'unauthenticated' }, { key: 'authenticated' }] },
      },
    ])
  })

  test('is right as Amplify makes it: no rule finds anything', async () => {
    expect(validateAll([await withGroups(`['A', 'B', 'C']`)], { today: '2026-11-29' })).toEqual([])
    const twice = validateAll([await withGroups(`['A', 'A']`)], { today: '2026-11-29' })
    expect(
      twice.map(({ ruleId }) => ruleId),
      'control',
    ).toContain('COG154')
  })

  test('without groups has a pool and none', async () => {
    for (const options of ['{}', '{ groups: undefined }', '{ groups: [] }']) {
      const { pools, groups, unresolved } = await withOptions(options)
      expect([pools.length, groups, unresolved]).toEqual([1, [], []])
    }
  })

  test('is found under another name, in a function, as a property, and twice', async () => {
    const renamed = `import { defineAuth as define } from '@aws-amplify/backend'\nexport default define({ groups: ['A'] })`
    expect(ranked(await read(renamed))).toEqual([['A', 0]])
    expect(ranked(await read(`export const make = () => backend.defineAuth({ groups: ['A'] })`))).toEqual([['A', 0]])
    const two = await read(
      `export const auth = isProduction ? defineAuth({ groups: ['A'] }) : defineAuth({ groups: ['A'] })`,
    )
    expect(two.pools.map(({ id }) => id)).toEqual(['amplify', 'amplify#2'])
    expect(validateAll([two], { today: '2026-11-29' })).toEqual([])
    expect((await read(`export const define = 1`)).pools, 'control').toEqual([])
  })
})

describe('a list of groups is known', () => {
  test.each<[string, string, ...string[]]>([
    ['as a literal', `['A', "B"]`],
    ['with `as const`', `['A', 'B'] as const`],
    ['with `satisfies`', `['A', 'B'] satisfies string[]`],
    ['in parentheses, with `!`', `(['A', 'B'])!`],
    ['with templates that have no holes', '[`A`, `B`]'],
    ['with holes of constants', '[`${a}`, `${"B"}`]', `const a = 'A'`],
    ['as a constant', 'groups', `export const groups = ['A', 'B'] as const`],
    ['as constants of constants', 'all', `const all = list`, `const list = [a, 'B']`, `const a = 'A'`],
    ['as a variable that nothing changes', 'groups', `let groups = ['A', 'B']`],
    ['with a spread', `[...some, 'B']`, `const some = ['A']`],
    ['with members of an object', `[GROUPS.a, GROUPS['b']]`, `const GROUPS = { a: 'A', b: 'B' } as const`],
    ['with members of a list', `[GROUPS[0], GROUPS[1]]`, `const GROUPS = ['A', 'B', 'C']`],
    ['with members of an enum', `[Groups.A, Groups.B]`, `enum Groups { A = 'A', B = 'B' }`],
    ['as the values of an enum', 'Object.values(Groups)', `export enum Groups { First = 'A', Second = 'B' }`],
    ['as the keys of an object', 'Object.keys(groups)', `const groups = { A: 1, B: 2 }`],
    ['frozen', 'Object.freeze(["A", "B"])'],
    ['joined of texts', `[prefix + 'A', 'B']`, `const prefix = ''`],
    [
      'beside a type of its name',
      'groups',
      `const groups = ['A', 'B'] as const`,
      `type Groups = (typeof groups)[number]`,
    ],
    [
      'beside a parameter of its type',
      'Object.values(Groups)',
      `enum Groups { A = 'A', B = 'B' }`,
      `const f = (g: Groups) => g`,
    ],
  ])('%s: `%s`', async (_, groups, ...lines) => {
    const infrastructure = await withGroups(groups, ...lines)
    expect([ranked(infrastructure), infrastructure.unresolved]).toEqual([AB, []])
  })

  test.each<[string, string, ...string[]]>([
    ['in a constant', 'options', `const options = { groups: ['A', 'B'] }`],
    ['short', '{ groups }', `const groups = ['A', 'B']`],
    ['with a key in quotes', `{ 'groups': ['A', 'B'] }`],
    ['with a key that is a constant', `{ [key]: ['A', 'B'] }`, `const key = 'groups'`],
    ['spread', '{ ...common, loginWith: {} }', `const common = { groups: ['A', 'B'] }`],
    ['behind what is not known', `{ ...imported, groups: ['A', 'B'] }`, `import { imported } from './common'`],
    ['of which the later one wins', `{ groups: ['X'], ...{ groups: ['A', 'B'] } }`],
  ])('with options %s: `%s`', async (_, options, ...lines) => {
    const infrastructure = await withOptions(options, ...lines)
    expect([ranked(infrastructure), infrastructure.unresolved]).toEqual([AB, []])
  })
})

describe('what is computed is not known, and said with its location', () => {
  const computed: readonly [string, string, string, ...string[]][] = [
    ['an import', 'GROUPS', '`GROUPS` is imported from `../groups`', `import { GROUPS } from '../groups'`],
    ['a spread import', `['A', ...MORE]`, '`MORE` is imported from `../groups`', `import MORE from '../groups'`],
    ['a call', 'makeGroups()', 'it is computed when the program runs'],
    ['the environment', `process.env.GROUPS!.split(',')`, 'it is computed when the program runs'],
    ['a condition', `isProduction ? ['A'] : ['B']`, 'it is computed when the program runs'],
    ['a map', `['a'].map(name => name.toUpperCase())`, 'it is computed when the program runs'],
    ['what is pushed to', 'groups', '`groups` is not a constant', `const groups = ['A']`, `groups.push('B')`],
    ['what is assigned to', 'groups', '`groups` is not a constant', `let groups = ['A']`, `groups = ['B']`],
    [
      'what is changed inside',
      'Object.values(GROUPS)',
      '`GROUPS` is not a constant',
      `const GROUPS = { a: 'A' }`,
      `GROUPS.a = 'B'`,
    ],
    [
      'what Object.assign changes',
      'Object.values(G)',
      '`G` is not a constant',
      `const G = { a: 'A' }`,
      `Object.assign(G, more)`,
    ],
    [
      'a name of two things',
      'groups',
      '`groups` is not',
      `const groups = ['A']`,
      `const f = (groups: string[]) => groups`,
    ],
    ['a circle', 'a', '`a` refers to itself', `const a = b`, `const b = a`],
    ['a circle of spreads', 'a', '`a` refers to itself', `const a = [...b]`, `const b = [...a]`],
    ['numbers of an enum', 'Object.values(Groups)', 'it is computed', `enum Groups { A, B }`],
    ['keys that are numbers', 'Object.keys(g)', 'it is computed', `const g = { b: 1, 1: 2 }`],
    ['a text', `'A'`, '`groups` is not a list'],
  ]
  test.each(computed)('%s: `%s`', async (_, groups, why, ...lines) => {
    const { groups: found, unresolved } = await withGroups(groups, ...lines)
    expect(found).toEqual([])
    expect(unresolved).toMatchObject([
      {
        why: expect.stringContaining(`The groups of \`defineAuth\` are not known: ${why}`),
        pool: AMPLIFY_POOL,
        location: { path: PATH, line: expect.any(Number) },
      },
    ])
  })

  test('options that are, and none', async () => {
    for (const options of [
      'options',
      '{ ...imported }',
      '{ [name]: [] }',
      '',
      'makeOptions()',
      '{ get groups() { return [] } }',
    ])
      expect((await withOptions(options)).unresolved, options).toHaveLength(1)
    expect((await withOptions('{ loginWith: { email: true } }')).unresolved, 'control').toEqual([])
  })

  test('one name in a list leaves the others known', async () => {
    const infrastructure = await withGroups(`['A', process.env.SECOND, 3]`)
    expect(ranked(infrastructure)).toEqual([
      ['A', 0],
      ['unknown', 1],
      ['unknown', 2],
    ])
    expect(validateAll([infrastructure], { today: '2026-11-29' }).map(({ ruleId }) => ruleId)).toEqual([
      'COG190',
      'COG190',
    ])
  })
})

describe('what changes groups with the CDK is not followed, and said', () => {
  const backend = (line: string) =>
    read(
      `import { defineBackend } from '@aws-amplify/backend'\nconst backend = defineBackend({ auth })\n${line}\n`,
      'amplify/backend.ts',
    )

  test.each([
    [`backend.auth.resources.groups['ADMINS'].cfnUserGroup.precedence = 2`, '`cfnUserGroup`'],
    [
      `backend.auth.resources.cfnResources.cfnIdentityPoolRoleAttachment.roleMappings = {}`,
      '`cfnIdentityPoolRoleAttachment` and `roleMappings`',
    ],
    [`new CfnUserPoolGroup(stack, 'g', { userPoolId })`, '`CfnUserPoolGroup`'],
    [`new CfnResource(stack, 'g', { type: 'AWS::Cognito::UserPoolGroup' })`, '`AWS::Cognito::UserPoolGroup`'],
    [`role.assumeRolePolicy?.addStatements(statement)`, '`assumeRolePolicy`'],
  ])('%s', async (line, names) => {
    const { notFollowed, pools } = await backend(line)
    expect(pools).toEqual([])
    expect(notFollowed).toMatchObject([
      { what: `What \`amplify/backend.ts\` does with ${names}`, location: { path: 'amplify/backend.ts', line: 3 } },
    ])
    expect(notFollowed[0]!.next).toContain('.amplify/artifacts/cdk.out')
  })

  test.each([
    [`backend.auth.resources.groups['ADMINS'].role.addToPrincipalPolicy(statement)`],
    [`// delete backend.auth.resources.cfnResources.cfnIdentityPoolRoleAttachment.roleMappings`],
    [`import { CfnUserPoolGroup } from 'aws-cdk-lib/aws-cognito'`],
    [`backend.auth.resources.cfnResources.cfnUserPool.usernameAttributes = []`],
  ])('control: %s', async line => {
    expect((await backend(line)).notFollowed).toEqual([])
  })

  test('a pool that is made elsewhere', async () => {
    const { notFollowed } = await read(
      `export const auth = referenceAuth({ userPoolId: 'eu-west-1_a', groups: { ADMINS: 'arn' } })`,
    )
    const next = 'Validate the live pool: `rolecast validate --user-pool-id eu-west-1_a`'
    expect(notFollowed).toMatchObject([{ what: 'The user pool of `referenceAuth`', next, location: { line: 1 } }])
    const [unknown] = (await read(`referenceAuth({ userPoolId: process.env.POOL })`)).notFollowed
    expect(unknown!.next).toContain('--user-pool-id ID`')
  })

  const override = (body: string) =>
    read(
      `import { AmplifyUserPoolGroupStackTemplate } from '@aws-amplify/cli-extensibility-helper'\nexport function override(resources: AmplifyUserPoolGroupStackTemplate) {\n${body}\n}\n`,
      'amplify/backend/auth/userPoolGroups/override.ts',
    )
  test("Gen 1's override of groups, unless it is empty or gives other policies only", async () => {
    const [found] = (await override(`resources.userPoolGroup['admins'].precedence = 3`)).notFollowed
    expect(found).toMatchObject({ location: { line: 3 }, next: expect.stringContaining('`amplify build`') })
    const role = `resources.userPoolGroupRole['admins'].addOverride('Properties`
    expect((await override(`${role}.AssumeRolePolicyDocument', {})`)).notFollowed).toHaveLength(1)
    expect((await override(`${role}.Policies', [])`)).notFollowed).toEqual([])
    expect((await override('')).notFollowed).toEqual([])
  })
})

describe('comments suppress', () => {
  const rulesOf = async (text: string) =>
    validateAll([await read(text)], { today: '2026-11-29' }).map(({ ruleId, suppressed }) => [
      ruleId,
      suppressed?.reason,
    ])

  test('the group on their line or the next, or the file', async () => {
    const twice = (above: string, behind: string) =>
      `${above}\nexport const auth = defineAuth({ groups: [\n'A', ${behind}\n'A'] })`
    const all = await rulesOf(twice('', ''))
    expect(all).toContainEqual(['COG154', undefined])
    expect(await rulesOf(twice('', '// rolecast:ignore COG154 known'))).toContainEqual(['COG154', 'known'])
    expect(await rulesOf(twice('// rolecast:ignore COG154 known', ''))).toContainEqual(['COG154', 'known'])
    expect(await rulesOf(twice('', '// COG154 known')), 'control').toContainEqual(['COG154', undefined])
  })
})

describe('a program is of an Amplify backend', () => {
  const auth = `import { defineAuth } from '@aws-amplify/backend'`
  test.each<[string, string, boolean]>([
    ['amplify/auth/resource.ts', auth, true],
    ['packages/web/amplify/auth/resource.mjs', `defineAuth({})`, true],
    ['-', auth, true],
    ['amplify/backend.ts', `import { defineBackend } from '@aws-amplify/backend'`, false],
    ['amplify/functions/add/handler.ts', `import { CognitoIdentityProviderClient } from '@aws-sdk/client'`, false],
    ['src/auth.ts', `export function defineAuth() {}`, false],
    ['README.md', auth, false],
    ['amplify/auth/resource.test.ts', auth, false],
    ['amplify/backend/auth/userPoolGroups/override.ts', 'export function override() {}', true],
  ])('%s with `%s`: %s', (path, text, expected) => {
    expect(isAmplifyBackend(text, path)).toBe(expected)
  })
})

const BACKEND = `import { defineAuth, secret } from '@aws-amplify/backend'
import { postConfirmation } from './post-confirmation/resource'

export enum Group {
  Admins = 'ADMINS',
  Editors = 'EDITORS',
}

const readers = ['READERS'] as const

/** @see https://docs.amplify.aws/react/build-a-backend/auth/ */
export const auth = defineAuth({
  loginWith: {
    email: { verificationEmailSubject: \`Welcome to \${'shop'}\` },
    externalProviders: { google: { clientId: secret('GOOGLE_ID'), clientSecret: secret('GOOGLE_SECRET') } },
  },
  groups: [Group.Admins, Group.Editors, ...readers] satisfies string[],
  triggers: { postConfirmation },
  access: allow => [allow.resource(postConfirmation).to(['addUserToGroup'])],
})
`

describe('whatever the text', () => {
  test.each([
    ['a syntax error', `defineAuth({ groups: [ })`, `\`${PATH}:1:24\` cannot be read: unexpected token; `],
    ['too long', ' '.repeat(1_000_001), `\`${PATH}\` cannot be read: it is longer than 1000000 characters`],
    ['too deep', '['.repeat(100_000), 'not enough stack space'],
    ['too many tokens', `x = ${'f<'.repeat(4_000)}1${'>(1)'.repeat(4_000)}`, 'cannot be read'],
  ])('%s is rejected', async (_, text, message) => {
    const error = await failureOf(() => read(text))
    expect(error).toMatchObject({ code: 'invalid-input', message: expect.stringContaining(message) })
  })

  test.each([
    ['lists', (a: string, b: string) => `const ${a} = [...${b}, ...${b}]`],
    ['objects', (a: string, b: string) => `const ${a} = { ...${b}, ...${b} }`],
    ['texts', (a: string, b: string) => `const ${a} = ${b} + ${b}`],
  ])('%s that double are not written out', async (_, line) => {
    const lines = Array.from({ length: 40 }, (__, index) => line(`v${index}`, `v${index + 1}`))
    for (const last of [`['A']`, `{ a: 'A' }`, `'A'`]) {
      const text = `${lines.join('\n')}\nconst v40 = ${last}\n`
      expect((await read(`${text}export const auth = defineAuth({ groups: v0 })`)).groups).toEqual([])
      expect((await read(`${text}export const auth = defineAuth(v0)`)).groups).toEqual([])
    }
  })

  test('JSX is read where it can be', async () => {
    const jsx = `defineAuth({ groups: ['A'] }); const x = <div a="b">text</div>`
    expect(ranked(await read(jsx, 'amplify/auth/resource.tsx'))).toEqual([['A', 0]])
    expect(await failureOf(() => read(jsx))).toMatchObject({ code: 'invalid-input' })
  })

  test('a damaged file is read, or rejected with its location, and nothing else', async () => {
    expect(ranked(await read(BACKEND))).toEqual([
      ['ADMINS', 0],
      ['EDITORS', 1],
      ['READERS', 2],
    ])
    const cut = fc
      .tuple(fc.nat(), fc.nat(9), fc.constantFrom('', '{', '[', '`', '<', '(', '...', '"', '/*', 'const '))
      .map(
        ([at, length, put]) =>
          BACKEND.slice(0, at % BACKEND.length) + put + BACKEND.slice((at % BACKEND.length) + length),
      )
    await fc.assert(
      fc.asyncProperty(cut, async damaged => {
        try {
          expect(await read(damaged)).toHaveProperty('groups')
        } catch (error) {
          if (!isRolecastError(error)) throw error
          expect(error).toMatchObject({
            code: 'invalid-input',
            message: expect.stringMatching(/^`[^`]*` cannot be read: /),
          })
        }
      }),
    )
  })
})
