import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRolecastError } from '../../src/errors.js'
import type { RoleReference, Value } from '../../src/rules/infrastructure.js'
import { readPulumiPreview, readPulumiStack } from '../../src/template/pulumi/states.js'
import { validateAll } from '../../src/rules/validate.js'
import { errorOf } from '../failure-of.js'

const text = readFileSync(new URL('../fixtures/templates/pulumi/preview.json', import.meta.url), 'utf8')
const preview = readPulumiPreview(text, 'preview.json')

const urn = (type: string, name: string) => `urn:pulumi:dev::shop::${type}::${name}`
const GROUP = 'aws:cognito/userGroup:UserGroup'
const POOL = urn('aws:cognito/userPool:UserPool', 'pool')
const ADMIN = urn('aws:iam/role:Role', 'admin-role')
const KEPT = urn('aws:iam/role:Role', 'kept-role')
const NATIVE = urn('shop:index:Roles$aws-native:iam:Role', 'native-role')

function brief(value: Value<unknown>): unknown {
  if (value.is !== 'known') return value.is
  const role = value.value as RoleReference
  return typeof role === 'object' ? `${role.kind} ${role.id}` : role
}
const groupOf = (name: string) => preview.groups.find(({ id }) => id.endsWith(`::${name}`))!

describe('a preview', () => {
  test('gives every group that will be there, with what is known of it', () => {
    expect(
      preview.groups.map(group => [
        group.id,
        brief(group.groupName),
        brief(group.precedence),
        brief(group.role),
        group.created,
      ]),
    ).toEqual([
      [urn(GROUP, 'admin'), 'admin', 0, `resource ${ADMIN}`, true],
      [urn(GROUP, 'kept'), 'kept', 'absent', `resource ${KEPT}`, false],
      [urn(GROUP, 'secret'), 'secret', 'unknown', 'unknown', true],
      [urn(GROUP, 'two'), 'two', 3, 'unknown', true],
      [urn(GROUP, 'replaced'), 'replaced', 6, 'absent', true],
      [urn('aws-native:cognito:UserPoolGroup', 'native'), 'native', 0, `resource ${NATIVE}`, true],
    ])
    expect(new Set(preview.groups.map(({ pool }) => pool))).toEqual(new Set([POOL]))
    expect(preview.format).toBe('pulumi-preview')
  })

  test('the classic provider ranks as Terraform does, the native one does not', () => {
    expect(groupOf('admin').provider).toBe('terraform')
    expect(groupOf('native')).not.toHaveProperty('provider')
  })

  test('says what an update takes away', () => {
    expect(groupOf('kept').before).toMatchObject({ precedence: { is: 'known', value: 4 } })
    expect(preview.groups.filter(({ before }) => before !== undefined)).toHaveLength(1)
  })

  test('has the URN as its location and no line', () => {
    expect(groupOf('admin').location).toEqual({ path: 'preview.json', construct: urn(GROUP, 'admin') })
  })

  test('says why a value is unknown', () => {
    expect(groupOf('secret').precedence).toMatchObject({ is: 'unknown', why: 'it is a secret' })
    expect(groupOf('secret').role).toMatchObject({ is: 'unknown', why: 'it is a secret' })
    expect(groupOf('two').role).toMatchObject({ why: expect.stringContaining(`\`${ADMIN}\`, \`${KEPT}\``) })
  })

  test('gives roles, with what is unknown of a trust policy in its place', () => {
    expect(preview.roles.map(({ id }) => id)).toEqual([ADMIN, KEPT, NATIVE])
    expect(preview.roles[0]!.trustPolicy).toMatchObject({
      is: 'known',
      value: {
        Statement: [
          {
            Condition: {
              StringEquals: { 'cognito-identity.amazonaws.com:aud': { 'rolecast:unknown': expect.any(String) } },
            },
          },
        ],
      },
    })
    expect(preview.roles[2]!.trustPolicy).toMatchObject({ value: { Version: '2012-10-17', Statement: [] } })
  })

  test('gives attachments, and keys of roles as they are written', () => {
    expect(preview.attachments).toMatchObject([
      {
        identityPool: { value: urn('aws:cognito/identityPool:IdentityPool', 'identities') },
        roles: {
          value: [
            { key: 'authenticated', role: { value: { id: ADMIN } } },
            { key: 'unAuthenticated', role: { value: { id: KEPT } } },
          ],
        },
        mappings: {
          value: [
            {
              identityProvider: { is: 'unknown' },
              pool: POOL,
              type: { value: 'Rules' },
              ambiguousRoleResolution: { value: 'Deny' },
              rules: {
                value: [
                  {
                    claim: { value: 'custom:role' },
                    matchType: { value: 'Equals' },
                    value: { value: 'admin' },
                    role: { is: 'unknown' },
                  },
                ],
              },
            },
          ],
        },
      },
    ])
  })

  test('gives memberships', () => {
    expect(preview.memberships).toMatchObject([
      { pool: POOL, username: { value: 'ann' }, groupName: { value: 'admin' } },
    ])
  })

  test('one without steps has nothing', () => {
    expect(readPulumiPreview('{"changeSummary":{"same":3}}', 'p').groups).toEqual([])
  })

  test.each([
    ['{"sequence":1,"timestamp":2,"preludeEvent":{}}', 'it is a stream of events'],
    ['{"sequence":1}\n{"sequence":2}\n', 'it is a stream of events'],
    ['{"steps":{}}', 'its `steps` are not a list'],
    ['{}', 'it has no `steps`'],
    [`{"steps":[{"op":"create","newState":{"type":"${GROUP}"}}]}`, 'a resource in it has no `urn`'],
    ['{"steps":[', '`p.json:1:11` cannot be read: it is not JSON'],
  ])('%j is rejected: %s', (rejected, message) => {
    const error = errorOf(() => readPulumiPreview(rejected, 'p.json'))
    expect(error.code).toBe('invalid-input')
    expect(error.message).toContain(message)
    expect(error.message).toContain('pulumi preview --json')
  })
})

const exported = readFileSync(new URL('../fixtures/templates/pulumi/stack.json', import.meta.url), 'utf8')

describe('an exported stack', () => {
  const stack = readPulumiStack(exported, 'stack.json')

  test('gives the groups that are there, without what is to be deleted and what is only read', () => {
    expect(stack).toMatchObject({ format: 'pulumi-stack', paths: ['stack.json'], notFollowed: [], unresolved: [] })
    expect(
      stack.groups.map(group => [brief(group.groupName), brief(group.precedence), brief(group.role), group.pool]),
    ).toEqual([
      ['admins', 1, `resource ${ADMIN}`, POOL],
      ['editors', 1, 'arn arn:aws:iam::111122223333:role/editor', POOL],
    ])
    expect(stack.groups[0]).toMatchObject({ provider: 'terraform', created: false })
    expect(stack.pools).toMatchObject([{ id: POOL, userPoolId: 'eu-west-1_Ab12Cd34E' }])
  })

  test('is checked', () => {
    expect(validateAll([stack], { today: '2026-11-29' }).map(({ ruleId }) => ruleId)).toContain('COG101')
  })

  test('without resources has nothing', () => {
    expect(readPulumiStack('{"version":3,"deployment":{"manifest":{}}}', 'p').groups).toEqual([])
  })

  test.each([
    ['{}', 'it has no `deployment`'],
    ['{"deployment":{"resources":{}}}', 'its `resources` are not a list'],
    [`{"deployment":{"resources":[{"type":"${GROUP}"}]}}`, 'a resource in it has no `urn`'],
    ['{"deployment":', '`p.json:1:15` cannot be read: it is not JSON'],
  ])('%j is rejected: %s', (rejected, message) => {
    const error = errorOf(() => readPulumiStack(rejected, 'p.json'))
    expect(error.code).toBe('invalid-input')
    expect(error.message).toContain(message)
    expect(error.message).toContain('pulumi stack export')
  })
})

describe('what may define groups and is not looked into is reported', () => {
  const of = (type: string, inputs: object = {}) =>
    readPulumiStack(
      JSON.stringify({ version: 3, deployment: { resources: [{ urn: urn(type, 'one'), type, inputs }] } }),
      'p',
    ).notFollowed
  test.each<[string, object]>([
    ['aws:cloudformation/stack:Stack', {}],
    ['aws:cognito/groupsOfTomorrow:GroupsOfTomorrow', {}],
    ['command:local:Command', { create: 'aws cognito-idp create-group' }],
    ['pulumi-nodejs:dynamic:Resource', { __provider: 'cognito' }],
  ])('%s', (type, inputs) => {
    expect(of(type, inputs)).toMatchObject([{ what: `The resource \`${urn(type, 'one')}\`` }])
  })
  test.each<[string, object]>([
    ['aws:s3/bucket:Bucket', {}],
    ['aws:cognito/userPoolDomain:UserPoolDomain', {}],
    ['command:local:Command', { create: 'make' }],
    ['pulumi:pulumi:StackReference', { name: 'cognito' }],
  ])('control: %s', (type, inputs) => {
    expect(of(type, inputs)).toEqual([])
  })
})

describe('whatever the text', () => {
  const check = (changed: string) => {
    for (const read of [readPulumiPreview, readPulumiStack]) {
      try {
        expect(read(changed, 'p')).toHaveProperty('groups')
      } catch (error) {
        if (!isRolecastError(error)) throw error
      }
    }
  }

  test('it is read or rejected', () => {
    const short = JSON.stringify(JSON.parse(text))
    const mutated = fc
      .tuple(fc.nat(short.length), fc.nat(40), fc.string({ maxLength: 8 }))
      .map(([at, length, piece]) => short.slice(0, at) + piece + short.slice(at + length))
    fc.assert(fc.property(mutated, check), { numRuns: 300 })
  })

  test('any value may be of any type', () => {
    const whole = fc.constantFrom(text, exported)
    const replaced = fc.tuple(whole, fc.nat(500), fc.jsonValue()).map(([from, index, value]) => {
      let count = 0
      return JSON.stringify(JSON.parse(from, (_, old) => (count++ === index ? value : old)))
    })
    fc.assert(fc.property(replaced, check), { numRuns: 300 })
  })
})
