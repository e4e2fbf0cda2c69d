import { type ResolvedValue, TemplateModel } from '@aws/cloudformation-validate'
import { readdirSync, readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { GroupDefinition, RoleReference, Value } from '../../src/rules/infrastructure.js'
import { readCloudFormation } from '../../src/template/cloudformation/resources.js'
import { cloudFormationJson, cloudFormationYaml, drawnPools, styles } from './rendered-pools.js'

/**
 * AWS's own reader of templates, which shares no code with this one, and what it makes of groups. It deploys in its mind: to the
 * account 123456789012 in us-east-1, with the defaults of parameters.
 */
const ACCOUNT = '123456789012'

/** A value in one word: what is known as JSON, a reference as `=> Role.Arn`, several as `a | b`, an unknown one as `?`. */
type Brief = string

interface Row {
  readonly name: Brief
  readonly precedence: Brief
  readonly role: Brief
}

type Rows = ReadonlyMap<string, Row>

function theirRows(text: string, path: string): Rows {
  const model = new TemplateModel({ path, readBytes: () => new TextEncoder().encode(text) })
  try {
    const groups = Object.values(model.resources()).filter(
      ({ resourceType }) => resourceType === 'AWS::Cognito::UserPoolGroup',
    )
    return new Map(
      groups.map(({ logicalId, properties }) => [
        logicalId,
        {
          name: theirText(properties['GroupName']),
          precedence: theirText(properties['Precedence']),
          role: theirText(properties['RoleArn']),
        },
      ]),
    )
  } finally {
    model.free()
  }
}

function theirText(value: ResolvedValue | undefined): Brief {
  if (value === undefined) return 'absent'
  if ('Concrete' in value) return value.Concrete.value === null ? 'absent' : brief(value.Concrete.value)
  if ('Conditional' in value) return several([value.Conditional.if_true, value.Conditional.if_false].map(theirText))
  if ('Enum' in value) return several(value.Enum.variants.map(theirText))
  if (!('Reference' in value)) return '?'
  const { target, kind } = value.Reference
  return `=> ${typeof kind === 'object' && 'GET_ATT' in kind ? `${target}.${kind.GET_ATT.attr}` : target}`
}

function ourRows(text: string, path: string): Rows {
  return new Map(readCloudFormation(text, path).groups.map(group => [group.id, rowOf(group)]))
}

function rowOf({ groupName, precedence, role }: GroupDefinition): Row {
  return { name: ourText(groupName, brief), precedence: ourText(precedence, brief), role: ourText(role, roleText) }
}

function ourText<T>(value: Value<T>, show: (known: T) => Brief): Brief {
  if (value.is === 'known') return show(value.value)
  return value.is === 'one-of'
    ? several(value.values.map(one => ourText(one, show)))
    : value.is === 'absent'
      ? 'absent'
      : '?'
}

function roleText({ kind, id }: RoleReference): Brief {
  if (kind === 'resource') return `=> ${id}.Arn`
  const filled = id.replaceAll('${AWS::AccountId}', ACCOUNT)
  const symbol = /^\$\{([A-Za-z0-9]+\.[\w.]+)\}$/.exec(filled)?.[1]
  return symbol !== undefined ? `=> ${symbol}` : filled.includes('${') ? '?' : brief(filled)
}

/** A number where a text belongs, and the text of a number where one belongs, are what CloudFormation makes of them. */
function brief(value: unknown): Brief {
  return JSON.stringify(typeof value === 'number' ? String(value) : value)
}

function several(values: readonly Brief[]): Brief {
  return [...new Set(values)].toSorted().join(' | ')
}

/** Every value in which the two differ: `Group.field: ours, not theirs`. */
function differences(ours: Rows, theirs: Rows): readonly string[] {
  const ids = [...new Set([...ours.keys(), ...theirs.keys()])].toSorted()
  return ids.flatMap(id => {
    const [our, their] = [ours.get(id), theirs.get(id)]
    if (our === undefined || their === undefined) return [`${id}: ${our === undefined ? 'not ours' : 'not theirs'}`]
    return (['name', 'precedence', 'role'] as const).flatMap(field =>
      our[field] === their[field] ? [] : [`${id}.${field}: ${our[field]}, not ${their[field]}`],
    )
  })
}

const folder = new URL('../fixtures/templates/', import.meta.url)
const fixtures = ['cloudformation', 'sam', 'cdk'].flatMap(name =>
  readdirSync(new URL(`${name}/`, folder)).map(file => `${name}/${file}`),
)
const textOf = (path: string) => readFileSync(new URL(path, folder), 'utf8')

/** What is left, and why. */
const KNOWN: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map([
  [
    'cloudformation/pools.yaml',
    new Map([
      [
        'Auditors.role: ?, not ""',
        'a default of "" stands for what is given at deployment; they take it for the value',
      ],
      ['Ghosts: not ours', 'its condition is false whatever the parameters are; they keep it, with the condition'],
      ['Imported.precedence: ?, not {"Fn::Foo":1}', 'an unknown tag'],
      ['Literal.precedence: ?, not "8"', 'octal in YAML 1.1 and not in 1.2'],
      [
        'Shared.role: ?, not "/roles/support"',
        'the default is the name of an SSM parameter, whose value is not in the template',
      ],
      ['Unnamed.name: ?, not absent', 'CloudFormation makes up a name, so that it has one'],
      ['Unnamed.precedence: "4" | "5", not "5"', 'by region, and theirs is us-east-1'],
      ['Users.role: => UserRole.Arn, not ?', "an ARN with the role's name at its end is that role"],
    ]),
  ],
  [
    'cloudformation/unresolved.yaml',
    new Map([
      ['Included.precedence: ?, not absent', 'a Fn::Transform may set it'],
      ['Included.role: ?, not absent', 'as above'],
      ['Odd.name: ?, not ["odd"]', 'no text'],
      [
        'Odd.precedence: [1,{"high":"yes"}], not [1,{"high":true}]',
        'true in YAML 1.1 and not in 1.2, and an error in either',
      ],
      ['Odd.role: ?, not {"arn":1}', 'no text'],
    ]),
  ],
])

describe("AWS's own reader of templates", () => {
  test.each(fixtures)('reads the groups of %s alike, but for what is listed with its reason', path => {
    const text = textOf(path)
    expect(differences(ourRows(text, path), theirRows(text, path))).toEqual(
      [...(KNOWN.get(path)?.keys() ?? [])].toSorted(),
    )
  })

  test('control: a group that is left out, another rank and another role are noticed', () => {
    const path = 'cdk/Auth.template.json'
    const theirs = theirRows(textOf(path), path)
    const [[id, row]] = [...ourRows(textOf(path), path)] as [[string, Row]]
    expect(differences(new Map(), theirs)).toEqual([`${id}: not ours`])
    expect(differences(new Map([[id, { ...row, precedence: '"2"' }]]), theirs)).toEqual([
      `${id}.precedence: "2", not "1"`,
    ])
    expect(differences(new Map([[id, { ...row, role: '?' }]]), theirs)).toEqual([
      `${id}.role: ?, not => AdminRole38563C57.Arn`,
    ])
  })

  test('control: together they have groups to compare, most of them in full', () => {
    const rows = fixtures.flatMap(path => [...theirRows(textOf(path), path).values()])
    expect(rows.length).toBeGreaterThan(15)
    expect(rows.filter(row => Object.values(row).every(value => value !== '?')).length).toBeGreaterThan(rows.length / 2)
  })

  test.each([
    ['YAML', cloudFormationYaml],
    ['JSON', cloudFormationJson],
  ])('reads generated templates alike, in %s', (_, render) => {
    fc.assert(
      fc.property(drawnPools(fc.nat({ max: 2 ** 31 - 1 })), styles, (drawn, style) => {
        const { text, path } = render(drawn, style)
        const [ours, theirs] = [ourRows(text, path), theirRows(text, path)]
        expect(ours.size).toBe(drawn.groups.length)
        expect(differences(ours, theirs)).toEqual([])
      }),
      { numRuns: 100 },
    )
  })
})
