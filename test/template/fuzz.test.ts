import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { isRolecastError } from '../../src/errors.js'
import type { Infrastructure } from '../../src/rules/infrastructure.js'
import { outlineHcl } from '../../src/template/terraform/hcl-blocks.js'
import { evaluateTemplate } from '../../src/template/terraform/hcl-expression.js'
import type { Scope } from '../../src/template/terraform/hcl-values.js'
import { unknown } from '../../src/template/terraform/term.js'
import { trustsIdentityPool } from '../../src/credentials/trust-policy.js'
import { createHclParser } from '../../src/template/terraform/hcl-parser.js'
import { readTemplate, TEMPLATE_FORMATS, type TemplateFormat } from '../../src/template/index.js'
import { readTerraformSource } from '../../src/template/terraform/source.js'
import { validateInfrastructure } from '../../src/rules/validate.js'
import { type Cost, processorTime } from './template-reader.js'

const folder = new URL('../fixtures/templates/', import.meta.url)

interface Fixture {
  readonly path: string
  readonly text: string
  readonly format: TemplateFormat
}

const FORMATS: readonly (readonly [folder: string, file: RegExp, format: TemplateFormat])[] = [
  ['amplify', /template/, 'cloudformation'],
  ['amplify', /outputs|precedence/, 'amplify'],
  ['cdk', /./, 'cloudformation'],
  ['cloudformation', /./, 'cloudformation'],
  ['sam', /./, 'cloudformation'],
  ['serverless', /./, 'serverless'],
  ['pulumi', /./, 'pulumi-preview'],
  ['terraform', /json$/, 'terraform-plan'],
  ['terraform', /tf$/, 'terraform-source'],
]
const fixtures = FORMATS.flatMap(([name, file, format]) =>
  readdirSync(new URL(`${name}/`, folder))
    .filter(one => file.test(one))
    .map((one): Fixture => ({
      path: `${name}/${one}`,
      text: readFileSync(new URL(`${name}/${one}`, folder), 'utf8'),
      format,
    })),
)
const quick = fixtures.filter(({ format }) => format !== 'terraform-source')
const hcl = fixtures.filter(({ format }) => format === 'terraform-source')

/** On a busy machine the default limit is too short for a test. */
const parse = createHclParser({ timeLimit: 60_000 })

type Read = (text: string, fixture: Pick<Fixture, 'path' | 'format'>) => Promise<Infrastructure>

const read: Read = (text, { path, format }) =>
  format === 'terraform-source' ? readTerraformSource(text, path, { parse }) : readTemplate(text, { path, format })

/** Whether it was read; whatever it is, it is findings or an error that says what to do, and where it can, the place. */
async function outcomeOf(
  text: string,
  fixture: Pick<Fixture, 'path' | 'format'>,
  reader = read,
): Promise<'read' | 'rejected'> {
  try {
    const infrastructure = await reader(text, fixture)
    for (const { message, key, location } of validateInfrastructure(infrastructure)) {
      expect([typeof message, typeof key, location.path]).toEqual(['string', 'string', fixture.path])
    }
    return 'read'
  } catch (error) {
    if (!isRolecastError(error)) throw error
    expect(error).toMatchObject({ code: 'invalid-input', value: fixture.path })
    expect(error.message).toMatch(/`[^`]+` (is not in a known format|cannot be (used|read))[^]*; .+/)
    if (['cloudformation', 'serverless', 'amplify'].includes(fixture.format))
      expect(error.message).toContain(`\`${fixture.path}:`)
    return 'rejected'
  }
}

const DAMAGE = [
  '',
  '{',
  '}',
  '[',
  ']',
  '(',
  ')',
  ':',
  ',',
  '"',
  "'",
  '\n',
  '  ',
  '#',
  '|',
  '>',
  '- ',
  '&a ',
  '*a',
  '<<: ',
  '!Ref ',
  '!If ',
  '${',
  '%{',
  '<<EOT\n',
  '=',
  '?',
  '\\',
  '\0',
  '\ufeff',
  '\u2028',
  '\ud800',
  '__proto__',
  'constructor',
  'null',
  'true',
  '-1',
  '1e999',
  '[[[[[[',
  '"a":',
  '{"a":',
  'for_each = ',
  'count = 1e9\n',
  'Fn::',
]

const edits = fc.array(
  fc.tuple(fc.nat(), fc.oneof(fc.constant(0), fc.nat({ max: 12 }), fc.nat({ max: 400 })), fc.constantFrom(...DAMAGE)),
  { minLength: 1, maxLength: 4 },
)

function damage(text: string, changes: readonly (readonly [number, number, string])[]): string {
  return changes.reduce((edited, [at, length, put]) => {
    const start = at % (edited.length + 1)
    return edited.slice(0, start) + put + edited.slice(start + length)
  }, text)
}

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map(some => Buffer.from(some).toString('latin1')),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc
    .array(
      fc.constantFrom(
        ...DAMAGE,
        'Resources:',
        '\nA:\n',
        '  Type: AWS::Cognito::UserPoolGroup\n',
        '{"format_version":"1.0","values":',
        '{"steps":[',
        'resource "aws_iam_role" "r" {',
      ),
    )
    .map(some => some.join('')),
)

describe('whatever the text, there are findings or a typed error', () => {
  test('of random bytes and characters, in every format and where the format is to be told', async () => {
    const formats = fc.constantFrom(undefined, ...TEMPLATE_FORMATS.filter(format => format !== 'terraform-source'))
    await fc.assert(
      fc.asyncProperty(bytes, formats, async (text, format) => {
        const path = 'some file'
        const reader: Read = some => readTemplate(some, { path, format })
        if (format !== undefined || !/resource "/.test(text))
          await outcomeOf(text, { path, format: format ?? 'terraform-plan' }, reader)
      }),
      { numRuns: 1000 },
    )
  })

  const law =
    (some: readonly Fixture[]) => (change: fc.Arbitrary<(text: string) => string>, numRuns: number) => async () => {
      const count = { read: 0, rejected: 0 }
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...some), change, async (fixture, changed) => {
          count[await outcomeOf(changed(fixture.text), fixture)]++
        }),
        { numRuns },
      )
      expect(Math.min(count.read, count.rejected), 'control: both happen').toBeGreaterThan(numRuns / 100)
    }
  const damaged = edits.map(changes => (text: string) => damage(text, changes))
  const cut = fc.tuple(fc.nat(), fc.boolean()).map(
    ([at, fromStart]) =>
      (text: string) =>
        fromStart ? text.slice(at % text.length) : text.slice(0, at % text.length),
  )
  const doubled = fc.tuple(fc.nat(), fc.nat({ max: 300 }), fc.nat()).map(
    ([from, length, to]) =>
      (text: string) =>
        damage(text, [[to, 0, text.slice(from % text.length, (from % text.length) + length)]]),
  )

  test('of damaged files', law(quick)(damaged, 400))
  test('of files that are cut off', law(quick)(cut, 300))
  test('of files in which a piece is repeated', law(quick)(doubled, 300))
  test('of damaged Terraform source', law(hcl)(fc.oneof(damaged, cut, doubled), 80))

  /** Lists, objects, numbers, texts and null wherever another kind of value belongs. */
  test('of JSON with other values in it', async () => {
    const json = quick.filter(({ path }) => path.endsWith('.json'))
    const put = (value: unknown, at: { left: number }, by: unknown): unknown => {
      if (at.left-- === 0) return by
      if (Array.isArray(value)) return value.map(item => put(item, at, by))
      if (typeof value !== 'object' || value === null) return value
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, put(item, at, by)]))
    }
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...json),
        fc.nat({ max: 400 }),
        fc.jsonValue({ maxDepth: 2 }),
        async (fixture, at, by) => {
          const value: unknown = JSON.parse(fixture.text.replaceAll(/,(\s*[}\]])/g, '$1'))
          await outcomeOf(JSON.stringify(put(value, { left: at }, by)), fixture)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('control: an error of another kind is noticed', async () => {
    const [fixture] = fixtures as [Fixture]
    await expect(outcomeOf('', fixture, () => Promise.reject(new TypeError('x')))).rejects.toThrow(TypeError)
    expect(await outcomeOf(fixture.text, fixture)).toBe('read')
  })
})

interface Shape {
  readonly path: string
  readonly format?: TemplateFormat
  readonly text: () => string
  /** What comes of it: findings, or an error that says this. */
  readonly gives: 'findings' | RegExp
}

function many(count: number, of: (index: number) => string, between = ''): string {
  return Array.from({ length: count }, (_, index) => of(index)).join(between)
}

const MB = 1_000_000
const TEMPLATE = "AWSTemplateFormatVersion: '2010-09-09'\n"
const ROLE = 'arn:aws:iam::111122223333:role/r'
const groupYaml = (index: number) =>
  `  G${index}:\n    Type: AWS::Cognito::UserPoolGroup\n    Properties:\n      UserPoolId: !Ref Pool\n      GroupName: g${index}\n      Precedence: ${index % 5000}\n      RoleArn: !GetAtt R${index}.Arn\n`
const groupJson = (index: number) =>
  `"G${index}":{"Type":"AWS::Cognito::UserPoolGroup","Properties":{"UserPoolId":{"Ref":"Pool"},"GroupName":"g${index}","Precedence":1,"RoleArn":"${ROLE}${index}"}}`
const groupHcl = (index: number, more = '') =>
  `resource "aws_cognito_user_group" "g${index}" {\n  name = "g${index}"\n  user_pool_id = "p"\n${more}}\n`

/** As long as Terraform and Pulumi write a resource. */
function planned(index: number): string {
  const head = `"address":"aws_cognito_user_group.g${index}","mode":"managed","type":"aws_cognito_user_group","name":"g${index}"`
  return `{${head},"values":{"description":"${'x'.repeat(700)}","name":"g${index}","precedence":${index + 1},"role_arn":"${ROLE}${index}","user_pool_id":"eu-west-1_a"}}`
}

function previewed(index: number): string {
  const urn = `urn:pulumi:dev::shop::aws:cognito/userGroup:UserGroup::g${index}`
  const inputs = `{"name":"g${index}","precedence":${index + 1},"description":"${'x'.repeat(600)}","userPoolId":"eu-west-1_a"}`
  return `{"op":"create","urn":"${urn}","newState":{"urn":"${urn}","type":"aws:cognito/userGroup:UserGroup","inputs":${inputs},"propertyDependencies":{}}}`
}

/** Every group may have one of 64 ranks and one of 64 roles. */
function undecided(count: number): string {
  const rows = many(64, index => `r${index}: { rank: ${index}, role: "${ROLE}${index}" }`, ', ')
  const looked = (key: string) => `!FindInMap [M, !Ref AWS::Region, ${key}]`
  const group = (index: number) =>
    `  G${index}: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: p, GroupName: g${index}, Precedence: ${looked('rank')}, RoleArn: ${looked('role')} } }\n`
  return `${TEMPLATE}Mappings: { M: { ${rows} } }\nResources:\n${many(count, group)}`
}

/** What is large or deep, or multiplies. */
const SHAPES: readonly (readonly [string, Shape])[] = [
  [
    'CloudFormation YAML of 50 MB',
    {
      path: 't.yaml',
      format: 'cloudformation',
      text: () => `${TEMPLATE}Resources:\n${many((50 * MB) / 180, groupYaml)}`,
      gives: /more than \d+; check/,
    },
  ],
  [
    'CloudFormation JSON of 20,000 groups',
    { path: 't.json', text: () => `{"Resources":{${many(20_000, groupJson, ',')}}}`, gives: 'findings' },
  ],
  ['1500 groups of 64 possible ranks and roles', { path: 't.yaml', text: () => undecided(1500), gives: 'findings' }],
  [
    'a mapping that is merged everywhere',
    {
      path: 't.yaml',
      text: () =>
        `${TEMPLATE}X: &x\n${many(1000, index => `  k${index}: v\n`)}Resources:\n${many(20_000, index => `  R${index}: { <<: *x }\n`)}`,
      gives: /with its aliases written out/,
    },
  ],
  [
    'names that double forty times',
    {
      path: 't.yaml',
      text: () =>
        `${TEMPLATE}Resources:\n${many(40, index => `  G${index}: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: p, GroupName: !Sub 'x\${G${index + 1}}\${G${index + 1}}' } }\n`)}`,
      gives: 'findings',
    },
  ],
  [
    'a plan of 50 MB',
    {
      path: 'plan.json',
      format: 'terraform-plan',
      text: () =>
        `{"format_version":"1.2","planned_values":{"root_module":{"resources":[${many(50_000, planned, ',')}]}}}`,
      gives: 'findings',
    },
  ],
  [
    'a plan of a million brackets',
    {
      path: 'plan.json',
      text: () => `{"format_version":"1.2","planned_values":${'['.repeat(MB)}${']'.repeat(MB)}}`,
      gives: 'findings',
    },
  ],
  [
    'a preview of 50 MB',
    {
      path: 'preview.json',
      format: 'pulumi-preview',
      text: () => `{"steps":[${many(53_000, previewed, ',')}],"changeSummary":{}}`,
      gives: 'findings',
    },
  ],
  [
    'Terraform source of 50 MB',
    { path: 'main.tf', text: () => many((50 * MB) / 90, index => groupHcl(index)), gives: /longer than 500000/ },
  ],
  [
    'Terraform source of 100,000 brackets',
    {
      path: 'main.tf',
      text: () => `${groupHcl(0)}locals {\n  x = ${'['.repeat(100_000)}${']'.repeat(100_000)}\n}`,
      gives: /its parser failed/,
    },
  ],
  [
    'Terraform source of 60,000 comments and 1000 blocks that multiply',
    {
      path: 'main.tf',
      text: () =>
        `${many(30_000, () => '#\n')}${many(1000, index => groupHcl(index, '  count = 9999\n'))}${many(30_000, () => '#\n')}`,
      gives: 'findings',
    },
  ],
  [
    'Terraform source of loops in loops',
    {
      path: 'main.tf',
      text: () =>
        `locals {\n${many(30, index => `  l${index} = [for a in local.l${index + 1} : [for b in local.l${index + 1} : b]]\n`)}  l30 = [1, 2, 3]\n}\n${groupHcl(0, '  for_each = local.l0\n')}`,
      gives: 'findings',
    },
  ],
]

/** Twice what the dearest of them takes. */
const MAX_UNITS = 40
const MAX_MEGABYTES = 500
const run = promisify(execFile)
const reader = fileURLToPath(new URL('template-reader.ts', import.meta.url))

describe('what is large is read, or rejected, within bounds of work and memory', () => {
  const directory = mkdtempSync(join(tmpdir(), 'rolecast-'))
  afterAll(() => rmSync(directory, { recursive: true }))

  async function costOf({ path, format, text }: Shape): Promise<Cost> {
    const file = join(directory, path)
    writeFileSync(file, text())
    const { stdout } = await run(process.execPath, [
      '--import',
      'tsx',
      reader,
      file,
      path,
      ...(format === undefined ? [] : [format]),
    ])
    return JSON.parse(stdout) as Cost
  }

  function excess({ units, megabytes }: Pick<Cost, 'units' | 'megabytes'>): readonly string[] {
    return [
      ...(units > MAX_UNITS ? [`${units} units of work`] : []),
      ...(megabytes > MAX_MEGABYTES ? [`${megabytes} MB`] : []),
    ]
  }

  test.each(SHAPES)('%s', async (_, shape) => {
    const cost = await costOf(shape)
    if (shape.gives === 'findings') expect(cost.gave).toBeTypeOf('number')
    else expect(cost.gave).toMatch(shape.gives)
    expect(excess(cost)).toEqual([])
  })

  test('control: too much work, and too much memory, are noticed', () => {
    expect(excess({ units: 41, megabytes: 10 })).toEqual(['41 units of work'])
    expect(excess({ units: 1, megabytes: 501 })).toEqual(['501 MB'])
  })
})

describe('four times as much takes four times the work, and not sixteen times', () => {
  type Work = (text: string) => unknown

  /**
   * The least processor time of three rounds each: what else the machine does only adds to it. Short work is repeated
   * until it takes 20 ms, so that one collection of garbage in the longer work does not look like growth.
   */
  async function growth(work: Work, textOf: (size: number) => string, size: number): Promise<number> {
    const prepare = async (text: string) => {
      let once = await processorTime(() => work(text))
      // The first run of short work is mostly compiling.
      if (once < ENOUGH) once = await processorTime(() => work(text))
      return { text, times: Math.max(1, Math.min(50, Math.ceil(ENOUGH / once))), least: Infinity }
    }
    const small = await prepare(textOf(size))
    const large = await prepare(textOf(4 * size))
    // A busy machine disturbs some rounds, and more of them only bring the least closer to what the work takes.
    for (let round = 0; round < 3 || (round < 12 && large.least / small.least >= LIMIT); round++) {
      for (const run of [small, large]) {
        const spent = await processorTime(async () => {
          for (let time = 0; time < run.times; time++) await work(run.text)
        })
        run.least = Math.min(run.least, spent / run.times)
      }
    }
    return large.least / small.least
  }

  const LIMIT = 8
  const ENOUGH = 0.02
  const scope = (): Scope => ({
    bindings: new Map(),
    lookUp: () => ({ term: unknown('it is not known'), taken: 0 }),
    budget: { left: 100_000, nesting: 0 },
  })
  const IDENTITY_POOL = 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6'
  const trustPolicyOf = (size: number) =>
    `{"Statement":[${many(size, index => `{"Sid":"s${index}","Effect":"Allow","Principal":{"Federated":"cognito-identity.amazonaws.com"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"cognito-identity.amazonaws.com:aud":"x${index}"}}}`, ',')}]}`
  const resources = (count: number, of: (index: number) => string) => `"resources":[${many(count, of, ',')}]`

  test.each<[string, number, Pick<Fixture, 'path' | 'format'>, (size: number) => string]>([
    [
      'CloudFormation YAML',
      150,
      { path: 't.yaml', format: 'cloudformation' },
      size => `${TEMPLATE}Resources:\n${many(size, groupYaml)}`,
    ],
    [
      'CloudFormation JSON',
      150,
      { path: 't.json', format: 'cloudformation' },
      size => `{"Resources":{${many(size, groupJson, ',')}}}`,
    ],
    ['values that a region decides', 50, { path: 't.yaml', format: 'cloudformation' }, undecided],
    [
      'a plan',
      1500,
      { path: 'plan.json', format: 'terraform-plan' },
      size => `{"format_version":"1.2","planned_values":{"root_module":{${resources(size, planned)}}}}`,
    ],
    [
      'a preview',
      1500,
      { path: 'preview.json', format: 'pulumi-preview' },
      size => `{"steps":[${many(size, previewed, ',')}],"changeSummary":{}}`,
    ],
    [
      'Terraform source',
      100,
      { path: 'main.tf', format: 'terraform-source' },
      size => many(size, index => groupHcl(index)),
    ],
    [
      'a plan in which a value has many references',
      4_000,
      { path: 'plan.json', format: 'terraform-plan' },
      size => {
        const references = many(size, index => `"aws_iam_role.r${index}.arn"`, ',')
        const configured = `{"type":"aws_cognito_user_group","name":"g0","expressions":{"role_arn":{"references":[${references}]}}}`
        const change = `{"address":"aws_cognito_user_group.g0","change":{"actions":["create"],"after_unknown":{"role_arn":true}}}`
        return `{"format_version":"1.2","planned_values":{"root_module":{${resources(1, planned)}}},"resource_changes":[${change}],"configuration":{"root_module":{"resources":[${configured}]}}}`
      },
    ],
    [
      'a plan in which one module is called many times',
      1_000,
      { path: 'plan.json', format: 'terraform-plan' },
      size => {
        const instances = many(size, index => `{"address":"module.m[${index}]","resources":[]}`, ',')
        const inModule = many(size, index => `{"type":"x","name":"n${index}"}`, ',')
        return `{"format_version":"1.2","planned_values":{"root_module":{"child_modules":[${instances}]}},"configuration":{"root_module":{"module_calls":{"m":{"module":{"resources":[${inModule}]}}}}}}`
      },
    ],
    [
      'placeholders that are not closed',
      20_000,
      { path: 't.yaml', format: 'cloudformation' },
      size =>
        `${TEMPLATE}Resources:\n  A: { Type: AWS::Cognito::IdentityPoolRoleAttachment, Properties: { IdentityPoolId: p, RoleMappings: { M: { Type: Token, IdentityProvider: 'cognito-idp${'${'.repeat(size)}' } } } }`,
    ],
    [
      'comments that suppress',
      300,
      { path: 't.yaml', format: 'cloudformation' },
      size =>
        `${TEMPLATE}Resources:\n${many(size, index => `  # rolecast:ignore COG101 r${index}\n${groupYaml(index)}`)}`,
    ],
    [
      'anchors',
      300,
      { path: 't.yaml', format: 'cloudformation' },
      size =>
        `${TEMPLATE}Resources:\n${many(size, index => `  G${index}: &a${index} { Type: AWS::Cognito::UserPoolGroup }\n`)}${many(size, index => `  H${index}: *a${index}\n`)}`,
    ],
  ])('%s', async (_, size, fixture, textOf) => {
    const work: Work = async text => validateInfrastructure(await read(text, fixture))
    expect(await growth(work, textOf, size)).toBeLessThan(LIMIT)
  })

  test.each<[string, number, Work, (size: number) => string]>([
    ['words where the outline of HCL looks for blocks', 30_000, outlineHcl, size => 'word '.repeat(size)],
    ['strings there that are not closed', 30_000, outlineHcl, size => 'a "'.repeat(size)],
    ['heredocs there that are not closed', 30_000, outlineHcl, size => many(size, index => `x = <<E${index}\n`)],
    [
      'the text of an expression',
      2_000_000,
      text => evaluateTemplate(text, scope()),
      size => `\${x}${'a'.repeat(size)}`,
    ],
    [
      'operators of an expression',
      5_000,
      text => evaluateTemplate(text, scope()),
      size => `\${${'1 + '.repeat(size)}1}`,
    ],
    [
      'comments in an expression',
      1_000_000,
      text => evaluateTemplate(text, scope()),
      size => `\${${'/*'.repeat(size)}`,
    ],
    ['statements of a trust policy', 500, text => trustsIdentityPool(text, IDENTITY_POOL), trustPolicyOf],
  ])('%s', async (_, size, work, textOf) => {
    expect(await growth(work, textOf, size)).toBeLessThan(LIMIT)
  })

  test('control: a reader that compares every line with every other is noticed', async () => {
    const quadratic: Work = text => {
      const lines = text.split('\n')
      return lines.map(line => lines.filter(other => other === line).length)
    }
    expect(await growth(quadratic, size => many(size, groupYaml), 200)).toBeGreaterThan(LIMIT)
  })
})
