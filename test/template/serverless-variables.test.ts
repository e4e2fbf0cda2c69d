import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Infrastructure, Value } from '../../src/rules/infrastructure.js'
import { validateInfrastructure } from '../../src/rules/validate.js'
import { piecesOf } from '../../src/template/cloudformation/serverless-variables.js'
import { readStacks } from '../../src/template/cloudformation/stacks.js'

type Files = Readonly<Record<string, string>>

function read(yaml: string, files: Files = {}): Infrastructure {
  const all = new Map(Object.entries(files))
  const { infrastructures, failures } = readStacks([{ path: 'app/serverless.yml', text: yaml, format: 'serverless' }], {
    open: path => all.get(path),
  })
  expect(failures).toEqual([])
  expect(infrastructures).toHaveLength(1)
  return infrastructures[0]!
}

function bare(value: Value<unknown> | undefined): unknown {
  if (value?.is === 'known') return value.assumes === undefined ? value.value : [value.value, ...value.assumes]
  if (value?.is === 'one-of') return { oneOf: value.values.map(bare) }
  return value?.is === 'unknown' ? `? ${value.why}` : value?.is
}

/** The precedence of a group that has this one. */
function precedenceOf(written: string, more = '', files: Files = {}): unknown {
  const { groups } = read(
    `service: shop\nprovider: { name: aws, stage: dev }\n${more}\nresources:\n  Resources:\n    G: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: p, GroupName: g, Precedence: ${JSON.stringify(written)} } }\n`,
    files,
  )
  return bare(groups[0]!.precedence)
}

const CUSTOM = `custom:
  rank: 7
  list: [4, 5]
  nested: { a: { b: 3 } }
  name: nested
  stage: \${opt:stage, 'dev'}
  ranks: { dev: { admins: 1 }, prod: { admins: 2 } }
  circle: \${self:custom.other}
  other: \${self:custom.circle}
  included: \${file(config.yml)}
`
const FILES: Files = {
  'app/config.yml': 'top: 8\ndeep: { x: [1, 6] }\nself: ${self:custom.rank}\n',
  'app/config.json': '{ "rank": 9 }',
  'app/config.dev.yml': 'rank: 11\n',
  'app/broken.yml': 'a: ]',
  'app/rank.js': 'module.exports = 1',
}

describe('a variable is replaced by its value, if the files have it', () => {
  test.each<[string, unknown]>([
    ['${self:custom.rank}', 7],
    ['${self:custom.list.1}', 5],
    ['${self:custom.nested.a.b}', 3],
    ['${self:custom.${self:custom.name}.a.b}', 3],
    ['${ self:custom.rank }', 7],
    ['${self:custom.missing, 12}', 12],
    ["${self:custom.missing, '12'}", 12],
    ['${self:custom.missing, self:custom.rank}', 7],
    ['1${self:custom.rank}', 17],
    ['${file(config.yml):top}', 8],
    ['${file(./config.yml):deep.x.1}', 6],
    ['${file(../app/config.yml):top}', 8],
    ['${file(config.json):rank}', 9],
    ['${file(config.yml):self}', 7],
    ['${self:custom.included.top}', 8],
    ['${file(missing.yml):x, 4}', 4],
    ['${file(config.yml):missing, 4}', 4],
  ])('%s', (written, expected) => {
    expect(precedenceOf(written, CUSTOM, FILES)).toEqual(expected)
  })

  test.each<[string, unknown]>([
    ["${opt:rank, '1'}", { oneOf: [[1, 'opt:rank'], "? `${opt:rank, '1'}` is given at deployment"] }],
    ['${env:RANK, 2}', { oneOf: [[2, 'env:RANK'], '? `${env:RANK, 2}` is given at deployment'] }],
    ['1${opt:rank, 2}', [12, 'opt:rank']],
    ['1${opt:rank, self:custom.rank}', [17, 'opt:rank']],
  ])('a default is one possibility, and in a longer text it is reported: %s', (written, expected) => {
    expect(precedenceOf(written, CUSTOM, FILES)).toEqual(expected)
  })

  test.each<[string, unknown]>([
    ["${self:custom.ranks.${opt:stage, 'dev'}.admins}", { oneOf: [1, 2] }],
    ['${self:custom.ranks.${self:custom.stage}.admins}', { oneOf: [1, 2] }],
    ['${self:custom.ranks.${sls:stage}.admins}', { oneOf: [1, 2] }],
    ['${self:custom.ranks.${self:provider.stage}.admins}', { oneOf: [1, 2] }],
    ['${self:custom.ranks.prod.admins}', 2],
  ])('where a default is a key, every key is possible: %s', (written, expected) => {
    expect(precedenceOf(written, CUSTOM, FILES)).toEqual(expected)
  })

  test('a parameter is one of those of the stages', () => {
    const parameters = 'params: { default: { rank: 1 }, prod: { rank: 2 }, other: {} }'
    expect(precedenceOf('${param:rank}', parameters)).toEqual({ oneOf: [1, 2] })
  })

  test('two values by one stage are chosen alike', () => {
    const service = (admins: string, editors: string) => `service: shop
provider: { name: aws, stage: "\${opt:stage, 'dev'}" }
custom: { ranks: { dev: { a: 1, b: 2 }, prod: { a: 2, b: 1 } } }
resources:
  Resources:
    Pool: { Type: AWS::Cognito::UserPool }
    A: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: !Ref Pool, GroupName: a, Precedence: '\${self:custom.ranks.\${sls:stage}.${admins}}', RoleArn: 'arn:aws:iam::111122223333:role/A' } }
    B: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: !Ref Pool, GroupName: b, Precedence: '\${self:custom.ranks.\${sls:stage}.${editors}}', RoleArn: 'arn:aws:iam::111122223333:role/B' } }
`
    const found = (yaml: string) => validateInfrastructure(read(yaml)).map(({ ruleId }) => ruleId)
    expect(found(service('a', 'b'))).toEqual([])
    expect(found(service('a', 'a')), 'control').toContain('COG101')
  })

  test.each<[string, string]>([
    ['${opt:rank}', '`${opt:rank}` is resolved at deployment'],
    ['${self:custom.missing}', '`${self:custom.missing}` is resolved at deployment'],
    ['${self:custom.circle}', '`${self:custom.circle}` is resolved at deployment'],
    ['${file(missing.yml):x}', '`${file(missing.yml):x}` is resolved at deployment'],
    ['${file(rank.js):x}', '`${file(rank.js):x}` is resolved at deployment'],
    ['${file(rank.js):x, 3}', '`${file(rank.js):x, 3}` is resolved at deployment'],
    ['${file(broken.yml):a}', '`${file(broken.yml):a}` is resolved at deployment'],
    ['${ssm:/rank}', '`${ssm:/rank}` is resolved at deployment'],
    ['${cf:other-dev.Rank}', '`${cf:other-dev.Rank}` is resolved at deployment'],
  ])('what nothing tells is unknown: %s', (written, why) => {
    expect(precedenceOf(written, CUSTOM, FILES)).toBe(`? ${why}`)
  })
})

describe('included files', () => {
  const groups = `Admins:
  Type: AWS::Cognito::UserPoolGroup
  # rolecast:ignore COG103 roles are not used
  Properties: { GroupName: admins, UserPoolId: !Ref Pool, Precedence: '\${self:custom.rank}' }
`
  const service = (resources: string) =>
    `service: shop\nprovider: { name: aws }\ncustom: { rank: 3 }\nresources: ${resources}\n`

  test.each([
    ['a resource', '{ Resources: { Admins: "${file(groups.yml):Admins}" } }', {}],
    ['all resources', '{ Resources: "${file(groups.yml)}" }', {}],
    ['a part', '["${file(part.yml)}"]', { 'app/part.yml': 'Resources: ${file(groups.yml)}\n' }],
    ['all there is', '${file(part.yml)}', { 'app/part.yml': 'Resources: ${file(groups.yml)}\n' }],
  ])('have places and suppressions of their own: %s', (what, resources, more) => {
    const infrastructure = read(service(resources), { 'app/groups.yml': groups, ...more })
    expect(infrastructure.groups).toMatchObject([
      {
        id: 'Admins',
        precedence: { value: 3, location: { path: 'app/groups.yml', line: 4 } },
        location: { path: 'app/groups.yml', line: what === 'a resource' ? 2 : 1 },
      },
    ])
    expect(infrastructure.suppressions).toMatchObject([
      { target: 'Admins', location: { path: 'app/groups.yml', line: 3 } },
    ])
    expect(infrastructure.paths).toContain('app/groups.yml')
    expect(infrastructure.notFollowed).toEqual([])
  })

  test.each([
    ['a program', '{ Resources: "${file(cognito.js)}" }', 'it is a program, which is not run'],
    ['what is not there', '["${file(cognito.yml)}"]', 'it does not exist, or is out of reach'],
    ['what is broken', '["${file(cognito-broken.yml)}"]', 'it cannot be read ('],
    ['what a deployment gives', '["${ssm:/cognito}"]', 'its value is known only at deployment'],
  ])('%s is not followed, and that is reported', (_, resources, why) => {
    const { notFollowed } = read(service(resources), { 'app/cognito-broken.yml': 'a: ]' })
    expect(notFollowed).toHaveLength(1)
    expect(notFollowed[0]!.why).toContain(why)
  })

  test('nothing is reported about them if they do not mention Cognito', () => {
    expect(read(service('["${file(tables.yml)}"]')).notFollowed).toEqual([])
  })

  test('files that include one another in a circle end', () => {
    const { notFollowed } = read(service('["${file(cognito.yml)}"]'), { 'app/cognito.yml': '${file(cognito.yml)}\n' })
    expect(notFollowed).toHaveLength(1)
  })
})

describe('a file whose name has a default in it', () => {
  const OF_STAGE = 'custom: { stage: "${opt:stage, \'dev\'}", ranks: "${file(ranks.${self:custom.stage}.yml)}" }\n'
  const files = { 'app/ranks.dev.yml': 'admins: 1\n', 'app/ranks.prod.yml': 'admins: 2\n' }

  test('gives one of the values that are possible', () => {
    const rest = expect.stringMatching(/^\? .* is given at deployment$/)
    expect(precedenceOf('${self:custom.ranks.admins}', OF_STAGE, files)).toEqual({ oneOf: [[1, 'opt:stage'], rest] })
    expect(precedenceOf('${file(ranks.${self:custom.stage}.yml):admins}', OF_STAGE, files)).toEqual({
      oneOf: [[1, 'opt:stage'], rest],
    })
  })

  test('control: a name without one gives its value', () => {
    expect(precedenceOf('${file(ranks.dev.yml):admins}', OF_STAGE, files)).toBe(1)
  })
})

describe('hostile services', () => {
  test('texts that double at each step are bounded', () => {
    const lines = Array.from(
      { length: 60 },
      (_, index) => `  v${index}: "\${self:custom.v${index + 1}}\${self:custom.v${index + 1}}"`,
    )
    const yaml = `service: s\nprovider: { name: aws }\ncustom:\n${lines.join('\n')}\n  v60: x\nresources: { Resources: { G: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: p, GroupName: '\${self:custom.v0}' } } } }\n`
    expect(read(yaml).groups[0]!.groupName.is).toBe('unknown')
  })

  test('so are those of a file that another stage may have', () => {
    const lines = Array.from(
      { length: 40 },
      (_, index) => `v${index}: ["\${self:custom.part.v${index + 1}}", "\${self:custom.part.v${index + 1}}"]`,
    )
    const yaml = `service: s\nprovider: { name: aws, stage: "\${opt:stage, 'dev'}" }\ncustom: { part: "\${file(\${self:provider.stage}.yml)}" }\nresources: { Resources: { G: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: p, GroupName: a, RoleArn: '\${self:custom.part.v0}' } } } }\n`
    expect(read(yaml, { 'app/dev.yml': `${lines.join('\n')}\nv40: x\n` }).groups).toHaveLength(1)
  })

  test('so are nodes that double at each step', () => {
    const lines = Array.from(
      { length: 40 },
      (_, index) => `  v${index}: ["\${self:custom.v${index + 1}}", "\${self:custom.v${index + 1}}"]`,
    )
    const yaml = `service: s\nprovider: { name: aws }\ncustom:\n${lines.join('\n')}\n  v40: x\nresources: { Resources: { G: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: p, GroupName: a, RoleArn: '\${self:custom.v0}' } } } }\n`
    expect(read(yaml).groups).toHaveLength(1)
  })

  test('names of prototypes are names', () => {
    const custom = 'custom: { __proto__: { x: 1 }, a: {} }'
    expect(precedenceOf('${self:custom.__proto__.x}', custom)).toBe(1)
    expect(precedenceOf('${self:custom.a.constructor, 5}', custom)).toBe(5)
  })

  test('pieces put together are the text', () => {
    const text = fc.array(fc.constantFrom('${', '}', 'self:a', '$', '{', 'x', "'", 'AWS::Region', ' ', 'file(a)'), {
      maxLength: 20,
    })
    fc.assert(
      fc.property(text, parts => {
        const whole = parts.join('')
        const pieces = piecesOf(whole)
        expect(
          pieces.map(({ literal, variable }) => (variable === undefined ? literal : `\${${variable}}`)).join(''),
        ).toBe(whole)
      }),
    )
  })

  test('any text of variables gives a value, and ends', () => {
    const part = fc.constantFrom(
      '${',
      '}',
      'self:',
      'custom',
      '.',
      'rank',
      'opt:',
      'file(',
      ')',
      ',',
      "'",
      'config.yml',
      ':',
      'sls:stage',
      'x',
      ' ',
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 25 }), parts => {
        precedenceOf(parts.join(''), CUSTOM, FILES)
      }),
      { numRuns: 300 },
    )
  })
})
