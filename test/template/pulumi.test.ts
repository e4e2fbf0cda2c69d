import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRolecastError } from '../../src/errors.js'
import type { RoleReference, Value } from '../../src/rules/infrastructure.js'
import { readPulumiPreview } from '../../src/template/terraform/pulumi.js'
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

  test('has the URN as its place and no line', () => {
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
    [`{"steps":[{"op":"create","newState":{"type":"${GROUP}"}}]}`, 'a step in it has no `urn`'],
    ['{"steps":[', '`p.json:1:11` cannot be read: it is not JSON'],
  ])('%j is rejected: %s', (rejected, message) => {
    const error = errorOf(() => readPulumiPreview(rejected, 'p.json'))
    expect(error.code).toBe('invalid-input')
    expect(error.message).toContain(message)
    expect(error.message).toContain('pulumi preview --json')
  })
})

describe('whatever the text', () => {
  const check = (changed: string) => {
    try {
      expect(readPulumiPreview(changed, 'p')).toHaveProperty('groups')
    } catch (error) {
      if (!isRolecastError(error)) throw error
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
    const replaced = fc.tuple(fc.nat(500), fc.jsonValue()).map(([index, value]) => {
      let count = 0
      return JSON.stringify(JSON.parse(text, (_, old) => (count++ === index ? value : old)))
    })
    fc.assert(fc.property(replaced, check), { numRuns: 300 })
  })
})
