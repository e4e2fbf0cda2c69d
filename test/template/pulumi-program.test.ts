import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRolecastError } from '../../src/errors.js'
import type { Infrastructure } from '../../src/rules/infrastructure.js'
import { validateAll } from '../../src/rules/validate.js'
import { readPulumiProgram } from '../../src/template/pulumi/program.js'

const text = readFileSync(new URL('../fixtures/templates/pulumi/Pulumi.yaml', import.meta.url), 'utf8')
const program = readPulumiProgram(text, 'Pulumi.yaml')

/** A group of the classic provider with these properties, among other parts of a program. */
function groupWith(properties: Readonly<Record<string, unknown>>, parts: Readonly<Record<string, unknown>> = {}) {
  const { resources = {}, ...others } = parts as { readonly resources?: object }
  const group = { type: 'aws:cognito:UserGroup', properties: { name: 'a', userPoolId: '${pool.id}', ...properties } }
  const all = { resources: { pool: { type: 'aws:cognito:UserPool' }, ...resources, group }, ...others }
  return readPulumiProgram(JSON.stringify(all), 'Main.yaml').groups.at(-1)!
}

function rulesIn(infrastructure: Infrastructure) {
  return validateAll([infrastructure], { today: '2026-11-29' }).map(({ ruleId, suppressed }) =>
    suppressed === undefined ? ruleId : `(${ruleId})`,
  )
}

describe('a program', () => {
  test('gives its groups, with short types and long ones', () => {
    expect(program).toMatchObject({ format: 'pulumi-yaml', paths: ['Pulumi.yaml'] })
    expect(program.pools.map(({ id }) => id)).toEqual(['pool'])
    expect(program.groups).toMatchObject([
      {
        id: 'admins',
        pool: 'pool',
        groupName: { value: 'admins' },
        precedence: { value: 1 },
        role: { value: { kind: 'resource', id: 'adminRole' } },
        provider: 'terraform',
        location: { path: 'Pulumi.yaml', line: 38, construct: 'admins' },
      },
      { id: 'editors', precedence: { is: 'known', value: 1, assumes: ['editorRank'] } },
      { id: 'readers', groupName: { value: 'admins-and-${more}' }, precedence: { is: 'unknown' } },
    ])
  })

  test('gives trust policies that `fn::toJSON` writes, and what the identity pool does', () => {
    expect(program.roles).toMatchObject([
      {
        id: 'adminRole',
        trustPolicy: {
          value: {
            Statement: [
              {
                Principal: { Federated: 'cognito-identity.amazonaws.com' },
                Condition: {
                  StringEquals: { 'cognito-identity.amazonaws.com:aud': { 'rolecast:unknown': expect.any(String) } },
                },
              },
            ],
          },
        },
      },
      { id: 'editorRole' },
    ])
    expect(program.attachments).toMatchObject([
      {
        identityPool: { value: 'identities' },
        roles: { value: [{ key: 'authenticated', role: { value: { id: 'editorRole' } } }] },
        mappings: { value: [{ pool: 'pool', type: { value: 'Token' }, ambiguousRoleResolution: { value: 'Deny' } }] },
      },
    ])
    expect(program.identityPools).toMatchObject([{ id: 'identities', providers: { value: [{ pool: 'pool' }] } }])
  })

  test('is checked: a tie, which a comment suppresses, and a value that is not known', () => {
    expect(rulesIn(program)).toEqual(expect.arrayContaining(['(COG101)', 'COG190']))
    expect(rulesIn(readPulumiProgram(text.replace(/# rolecast.*/, ''), 'x')), 'control').toContain('COG101')
  })

  test('ranks as Terraform does with the classic provider only', () => {
    const native = text.replace('type: aws:cognito:UserGroup', 'type: aws-native:cognito:UserPoolGroup')
    const [first] = readPulumiProgram(native.replace('{ name: admins', '{ groupName: admins'), 'x').groups
    expect(first).toMatchObject({ id: 'admins', groupName: { value: 'admins' } })
    expect(first).not.toHaveProperty('provider')
  })

  test('gives the mappings of `aws-native`, which are by their provider', () => {
    const { attachments } = readPulumiProgram(
      JSON.stringify({
        resources: {
          pool: { type: 'aws-native:cognito:UserPool' },
          attachment: {
            type: 'aws-native:cognito:IdentityPoolRoleAttachment',
            properties: {
              identityPoolId: 'x',
              roleMappings: {
                'cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34E:Client': {
                  type: 'Rules',
                  rulesConfiguration: { rules: [{ claim: 'c', matchType: 'Equals', value: 'v', roleArn: 'arn' }] },
                },
              },
            },
          },
        },
      }),
      'x',
    )
    expect(attachments).toMatchObject([
      {
        mappings: {
          value: [
            {
              identityProvider: { value: 'cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34E:Client' },
              rules: { value: [{ claim: { value: 'c' }, role: { value: { id: 'arn' } } }] },
            },
          ],
        },
      },
    ])
  })
})

describe('a value is known', () => {
  test.each<[string, unknown, Readonly<Record<string, unknown>>]>([
    ['as it stands there', 5, {}],
    ['by a variable', '${rank}', { variables: { rank: 5 } }],
    ['in a variable', '${ranks.first[0]["x"]}', { variables: { ranks: { first: [{ x: 5 }] } } }],
    ['by a variable of a variable', '${a}', { variables: { a: '${b}', b: 5 } }],
    [
      'by the input of another resource',
      '${other.precedence}',
      {
        resources: { other: { type: 'aws:cognito:UserGroup', properties: { userPoolId: 'p', precedence: 5 } } },
      },
    ],
    ['by `fn::secret`', { 'fn::secret': 5 }, {}],
    ['by the default of a setting', '${rank}', { config: { rank: { type: 'integer', default: 5 } } }],
    ['by a setting of the project', '${rank}', { config: { rank: { value: 5 } } }],
    ['by the older name of settings', '${rank}', { configuration: { rank: { default: 5 } } }],
  ])('%s: %j', (_, precedence, parts) => {
    expect(groupWith({ precedence }, parts).precedence).toMatchObject({ is: 'known', value: 5 })
  })

  test.each<[unknown, string]>([
    ['${pulumi.stack}-admins', 'symbolic'],
    ['a-$${b}', 'a-${b}'],
    ['${a', '${a'],
    [{ 'fn::join': ['-', ['a', 'b']] }, 'a-b'],
    [{ 'Fn::ToJSON': { a: 1 } }, '{"a":1}'],
  ])('in a text: %j', (name, expected) => {
    const { groupName } = groupWith({ name })
    expect(groupName.is === 'known' ? groupName.value : 'symbolic').toBe(expected)
  })

  test.each<[string, unknown, string, Readonly<Record<string, unknown>>]>([
    [
      'a setting without a default',
      '${rank}',
      'the setting `rank` has no default',
      { config: { rank: { type: 'integer' } } },
    ],
    ['what a function gives', { 'fn::invoke': { function: 'aws:ssm:getParameter' } }, 'result of `fn::invoke`', {}],
    ['an output', '${pool.rank}', 'when `pool` is created', {}],
    ['a name of nothing', '${nothing}', '`${nothing}`', {}],
    ['what is not in a list', '${list[3]}', 'there is no `3` in it', { variables: { list: [] } }],
    ['a circle', '${a}', 'refers to itself', { variables: { a: '${b}', b: '${a}' } }],
    ['what is no expression', '${a b}', 'is not understood', {}],
    ['own keys only', '${map.constructor}', 'there is no', { variables: { map: {} } }],
  ])('but not %s: %j', (_, precedence, why, parts) => {
    expect(groupWith({ precedence }, parts).precedence).toMatchObject({
      is: 'unknown',
      why: expect.stringContaining(why),
    })
  })

  test('a group without a name gets one from Pulumi', () => {
    expect(groupWith({ name: undefined }).groupName).toMatchObject({ is: 'unknown', why: 'Pulumi generates one' })
  })

  test('a user pool that is read from AWS has its id', () => {
    const existing = { type: 'aws:cognito:UserPool', get: { id: 'eu-west-1_Ab12Cd34E' } }
    const { pool } = groupWith({ userPoolId: '${existing.id}' }, { resources: { existing } })
    expect(pool).toBe('existing')
    const other = { type: 'aws:cognito:UserGroup', get: { id: 'x' } }
    expect(readPulumiProgram(JSON.stringify({ resources: { other } }), 'x').groups, 'a group is not made').toEqual([])
  })
})

describe('what may define groups and is not looked into is reported', () => {
  const resourcesOf = (type: string, properties: object = {}) =>
    readPulumiProgram(JSON.stringify({ resources: { one: { type, properties } } }), 'x').notFollowed
  test.each<[string, object]>([
    ['aws:cloudformation:Stack', {}],
    ['aws:cognito:SomethingNew', {}],
    ['acme:index:CognitoGroups', {}],
    ['command:local:Command', { create: 'aws cognito-idp create-group' }],
    ['acme:index:Auth', { userPool: true }],
  ])('%s', (type, properties) => {
    expect(resourcesOf(type, properties)).toMatchObject([
      { what: 'The resource `one`', location: { construct: 'one' } },
    ])
  })

  test.each<[string, object]>([
    ['aws:s3:Bucket', {}],
    ['aws:cognito:UserPoolDomain', {}],
    ['aws:cognito/identityProvider:IdentityProvider', {}],
    ['command:local:Command', { create: 'make' }],
    ['pulumi:providers:aws', {}],
    ['aws:lambda:Permission', { principal: 'cognito-idp.amazonaws.com' }],
  ])('control: %s', (type, properties) => {
    expect(resourcesOf(type, properties)).toEqual([])
  })

  test('a component that others use', () => {
    const components = { auth: { resources: { g: { type: 'aws:cognito:UserGroup' } } }, other: { resources: {} } }
    expect(readPulumiProgram(JSON.stringify({ components }), 'x').notFollowed).toMatchObject([
      { what: 'The component `auth`' },
    ])
  })
})

describe('whatever the text', () => {
  test('variables that double are not written out', () => {
    const double = (make: (next: string) => unknown, last: unknown) => ({
      variables: Object.fromEntries(
        Array.from({ length: 40 }, (_, index) => [`v${index}`, index === 39 ? last : make(`\${v${index + 1}}`)]),
      ),
    })
    const assumeRolePolicy = '${v0}'
    for (const parts of [
      double(next => [next, next], 1),
      double(next => `${next}${next}`, 'a'),
      double(next => ({ a: next, b: next }), 1),
    ]) {
      const resources = {
        role: { type: 'aws:iam:Role', properties: { assumeRolePolicy: { 'fn::toJSON': assumeRolePolicy } } },
      }
      expect(readPulumiProgram(JSON.stringify({ ...parts, resources }), 'x').roles).toMatchObject([
        { trustPolicy: { is: 'unknown' } },
      ])
      expect(groupWith({ precedence: '${v0}' }, parts).precedence.is).toBe('unknown')
    }
  })

  test('it is read or rejected', () => {
    const cut = fc
      .tuple(fc.nat(), fc.nat(9), fc.constantFrom('', '{', '[', '*a', '${', '}', 'fn::toJSON: ', '&a ', '"'))
      .map(([at, length, put]) => text.slice(0, at % text.length) + put + text.slice((at % text.length) + length))
    fc.assert(
      fc.property(cut, damaged => {
        try {
          expect(readPulumiProgram(damaged, 'x')).toHaveProperty('groups')
        } catch (error) {
          if (!isRolecastError(error)) throw error
          expect(error.code).toBe('invalid-input')
        }
      }),
      { numRuns: 300 },
    )
  })
})
