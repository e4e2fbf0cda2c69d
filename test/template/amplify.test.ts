import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRolecastError } from '../../src/errors.js'
import { AMPLIFY_POOL, LISTED_POOL } from '../../src/template/amplify/facts.js'
import { readAmplifyGroupList } from '../../src/template/amplify/group-list.js'
import { readAmplifyOutputs } from '../../src/template/amplify/outputs.js'
import { readCloudFormation } from '../../src/template/cloudformation/resources.js'
import { errorOf } from '../failure-of.js'

function fixture(name: string): string {
  return readFileSync(new URL(`../fixtures/templates/amplify/${name}`, import.meta.url), 'utf8')
}

describe('Gen 1', () => {
  test('the list of groups has groups of one pool, each with its location and a role that Amplify makes', () => {
    const { format, paths, pools, groups, declaredPrecedences } = readAmplifyGroupList(
      fixture('user-pool-group-precedence.json'),
      'p.json',
    )
    expect([format, paths, pools, declaredPrecedences]).toEqual([
      'amplify',
      ['p.json'],
      [{ id: LISTED_POOL, name: AMPLIFY_POOL }],
      [],
    ])
    expect(groups).toMatchObject([
      {
        groupName: { value: 'admins' },
        precedence: { value: 1 },
        location: { path: 'p.json', line: 2, column: 3, endLine: 5, endColumn: 4, construct: 'admins' },
      },
      { groupName: { value: 'users' }, precedence: { value: 2 }, location: { line: 6, endLine: 9 } },
    ])
    expect(new Set(groups.map(({ role }) => role.is === 'known' && role.value.id)).size).toBe(2)
  })

  test('a precedence is given as it stands there, and a name is a name', () => {
    const { groups } = readAmplifyGroupList(
      '[{"groupName":"__proto__"},{"groupName":"a","precedence":"1"},{"groupName":"b","precedence":[1]},{"groupName":"c","precedence":null}]',
      'p.json',
    )
    expect(
      groups.map(({ groupName, precedence }) => [
        groupName.is === 'known' && groupName.value,
        precedence.is === 'known' ? precedence.value : precedence.is,
      ]),
    ).toEqual([
      ['__proto__', 'absent'],
      ['a', '1'],
      ['b', [1]],
      ['c', 'absent'],
    ])
  })

  test('the template, trailing commas and all, is a CloudFormation template', () => {
    const text = fixture('template.json')
    expect(() => JSON.parse(text), 'control: it is no JSON').toThrow(SyntaxError)
    const { pools, groups, roles, unresolved } = readCloudFormation(text, 'template.json')
    expect(pools).toEqual([{ id: '${authshopUserPoolId}', name: '${authshopUserPoolId}', elsewhere: true }])
    expect(groups).toMatchObject([
      {
        groupName: { value: 'admins' },
        precedence: { value: 1 },
        role: { value: { kind: 'resource', id: 'adminsGroupRole' } },
      },
      { groupName: { value: 'users' }, precedence: { value: 2 }, role: { is: 'absent' } },
    ])
    expect(JSON.stringify(roles[0]!.trustPolicy)).toContain(
      '{"rolecast:unknown":"parameter `authshopIdentityPoolId` has no usable default"}',
    )
    expect(unresolved).toEqual([])
  })
})

describe('Gen 2', () => {
  test('the outputs have groups of one pool, each with a role that Amplify makes', () => {
    const { pools, groups } = readAmplifyOutputs(fixture('amplify_outputs.json'), 'amplify_outputs.json')
    expect(pools).toEqual([
      { id: 'eu-west-1_Ab12Cd34E', name: 'eu-west-1_Ab12Cd34E', userPoolId: 'eu-west-1_Ab12Cd34E' },
    ])
    expect(
      groups.map(({ pool, groupName, precedence, role, location }) => [
        pool,
        groupName.is === 'known' && groupName.value,
        precedence.is === 'known' ? precedence.value : precedence.is,
        role.is === 'known' && role.value.id,
        location.line,
      ]),
    ).toEqual([
      ['eu-west-1_Ab12Cd34E', 'ADMINS', 0, 'eu-west-1_Ab12Cd34E/ADMINS role', 8],
      ['eu-west-1_Ab12Cd34E', 'EDITORS', 1, 'eu-west-1_Ab12Cd34E/EDITORS role', 9],
      ['eu-west-1_Ab12Cd34E', '__proto__', 'absent', 'eu-west-1_Ab12Cd34E/__proto__ role', 10],
    ])
    expect(new Set(groups.map(group => group.id)).size).toBe(3)
  })

  test('a pool without groups has none', () => {
    expect(readAmplifyOutputs('{"auth":{"user_pool_id":"eu-west-1_a"}}', 'o.json').groups).toEqual([])
  })
})

test.each<[string, (text: string, path: string) => unknown, string, string]>([
  [
    'no list',
    readAmplifyGroupList,
    '{}',
    '`a.json:1:1` cannot be used: it is not a list of groups; name the `user-pool-group-precedence.json`',
  ],
  [
    'a group without a name',
    readAmplifyGroupList,
    '[{"groupName": 4}]',
    '`a.json:1:2` cannot be used: a group has no `groupName` that is a string; let Amplify',
  ],
  [
    'no pool',
    readAmplifyOutputs,
    '{"auth": {}}',
    '`a.json:1:10` cannot be used: it has no `user_pool_id` in `auth`; name the `amplify_outputs.json`',
  ],
  [
    'groups that are none',
    readAmplifyOutputs,
    '{"auth":{"user_pool_id":"p","groups":{}}}',
    '`a.json:1:38` cannot be used: `groups` is not a list; ',
  ],
  [
    'a group that is none',
    readAmplifyOutputs,
    '{"auth":{"user_pool_id":"p","groups":["a"]}}',
    '`a.json:1:39` cannot be used: a group is not a mapping of its name; ',
  ],
])('%s is rejected with its location', (_, read, text, message) => {
  const error = errorOf(() => read(text, 'a.json'))
  expect([error.code, error.message.slice(0, message.length)]).toEqual(['invalid-input', message])
})

test('a damaged file is read, or rejected with its location, and nothing else', () => {
  const files = fc.constantFrom(
    [readAmplifyGroupList, fixture('user-pool-group-precedence.json')] as const,
    [readAmplifyOutputs, fixture('amplify_outputs.json')] as const,
  )
  fc.assert(
    fc.property(
      files,
      fc.nat(),
      fc.nat(9),
      fc.constantFrom('', '{', '[', ',', '!Ref ', '*a', '"'),
      ([read, text], at, length, put) => {
        const start = at % text.length
        try {
          read(text.slice(0, start) + put + text.slice(start + length), 'a.json')
        } catch (error) {
          if (!isRolecastError(error)) throw error
          expect(error).toMatchObject({
            code: 'invalid-input',
            message: expect.stringMatching(/^`a\.json:\d+:\d+` cannot be used: /),
          })
        }
      },
    ),
  )
})
