import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRolecastError } from '../../src/errors.js'
import { readServerless } from '../../src/template/cloudformation/serverless.js'
import { errorOf } from '../failure-of.js'

function fixture(name: string): string {
  return readFileSync(new URL(`../fixtures/templates/serverless/${name}`, import.meta.url), 'utf8')
}

describe('resources.Resources', () => {
  const { format, pools, groups, suppressions, unresolved } = readServerless(
    fixture('serverless.yml'),
    'serverless.yml',
  )

  test('has its groups; what has a variable that nothing defines is unknown, and a role with one a reference by its text', () => {
    expect([format, pools]).toEqual(['serverless', [{ id: 'Pool', name: 'Pool' }]])
    expect(groups).toMatchObject([
      {
        id: 'Admins',
        pool: 'Pool',
        groupName: {
          is: 'known',
          value: 'dev-admins',
          assumes: ['opt:stage'],
          location: { line: 16, column: 20, endColumn: 47 },
        },
        precedence: { is: 'unknown', why: '`${self:custom.ranks.admins}` is resolved at deployment' },
        role: { is: 'known', value: { kind: 'reference', id: '${self:custom.roles.admins}' } },
        location: { path: 'serverless.yml', line: 13, column: 5, endLine: 19, construct: 'Admins' },
      },
      {
        id: 'Users',
        pool: 'Pool',
        groupName: { is: 'known', value: 'users' },
        precedence: { is: 'known', value: 2 },
        role: {
          is: 'known',
          value: { kind: 'reference', id: 'arn:aws:iam::${AWS::AccountId}:role/shop-users' },
        },
      },
    ])
    expect(unresolved).toEqual([])
  })

  test('control: without its variables all is known', () => {
    const text = fixture('serverless.yml')
      .replaceAll(/\$\{self:custom\.ranks\.admins\}/g, '1')
      .replaceAll(/\$\{self:[\w.]+\}/g, 'x')
    expect(readServerless(text, 'serverless.yml').groups[0]).toMatchObject({
      groupName: { value: 'x-admins' },
      precedence: { value: 1 },
    })
  })

  test('has suppressions', () => {
    expect(suppressions).toMatchObject([
      { rules: ['COG103'], reason: 'roles are not used', target: 'Admins', location: { line: 12 } },
    ])
  })
})

describe('resources as a list', () => {
  const { groups, unresolved, notFollowed } = readServerless(fixture('parts.yml'), 'parts.yml')

  test('are one template, in which the later part wins', () => {
    expect(
      groups.map(({ id, precedence, location }) => [id, precedence.is === 'known' && precedence.value, location.line]),
    ).toEqual([
      ['A', 1, 6],
      ['B', 9, 9],
    ])
  })

  test('what other files have is reported as not read', () => {
    expect(unresolved).toEqual([])
    expect(notFollowed.map(({ what, why, location }) => [location.line, what, why])).toEqual([
      [3, 'Include `${file(resources/pool.yml)}`', 'it does not exist, or is out of reach'],
      [10, 'Include `${file(resources/c.yml)}`', 'it does not exist, or is out of reach'],
      [13, 'Include `${file(resources/groups.yml):Resources}`', 'it does not exist, or is out of reach'],
    ])
  })

  test('extensions of what Serverless Framework makes are reported where they mention Cognito', () => {
    const text = fixture('parts.yml').replace('Path: /x/', 'Policies: [cognito-identity.amazonaws.com]')
    expect(readServerless(text, 'parts.yml').unresolved.map(({ why, location }) => [location.line, why])).toEqual([
      [12, '`extensions` of generated resources are not read'],
    ])
  })

  test('parts that have one resource are merged', () => {
    const text = `service: shop
resources:
  - Resources: { A: { Type: AWS::Cognito::UserPoolGroup, Properties: { GroupName: a, UserPoolId: p, Precedence: 1 } } }
  - Resources: { A: { Properties: { Precedence: 2 } } }
`
    expect(readServerless(text, 's.yml').groups).toMatchObject([
      { groupName: { value: 'a' }, precedence: { value: 2 }, location: { line: 4 } },
    ])
  })
})

test('without resources there are not groups', () => {
  for (const resources of ['', 'resources:\n', 'resources: {}\n', 'resources: []\n']) {
    expect(readServerless(`service: shop\n${resources}`, 'serverless.yml')).toMatchObject({
      groups: [],
      unresolved: [],
      misspelt: [],
    })
  }
})

test.each<[string, string, string]>([
  ['no service', 'Resources: {}', '`s.yml:1:1` cannot be used: it has no `service`; name a serverless.yml'],
  [
    'resources that are none',
    'service: a\nresources:\n  Resources: 4',
    '`s.yml:3:14` cannot be used: `Resources` is not a mapping; ',
  ],
  ['broken YAML', 'service: "a', '`s.yml:1:12` cannot be used: missing closing "quote; correct the YAML or JSON there'],
])('%s is rejected with its location', (_, text, message) => {
  const error = errorOf(() => readServerless(text, 's.yml'))
  expect([error.code, error.message.slice(0, message.length)]).toEqual(['invalid-input', message])
})

test('a damaged file gives groups, or an error with its location, and nothing else', () => {
  const cut = fc.tuple(
    fc.constantFrom(fixture('serverless.yml'), fixture('parts.yml')),
    fc.nat(),
    fc.nat(20),
    fc.constantFrom('', '${', '- ', ': ', '!Sub ', '{'),
  )
  fc.assert(
    fc.property(cut, ([text, at, length, put]) => {
      const start = at % text.length
      try {
        readServerless(text.slice(0, start) + put + text.slice(start + length), 's.yml')
      } catch (error) {
        if (!isRolecastError(error)) throw error
        expect(error).toMatchObject({
          code: 'invalid-input',
          message: expect.stringMatching(/^`s\.yml:\d+:\d+` cannot be used: /),
        })
      }
    }),
  )
})
