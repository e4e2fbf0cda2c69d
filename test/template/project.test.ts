import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Infrastructure } from '../../src/rules/infrastructure.js'
import { validateAll, validateInfrastructure } from '../../src/rules/validate.js'
import type { TemplateFormat } from '../../src/template/index.js'
import { type ProjectFile, readProject } from '../../src/template/project.js'
import type { Reading } from '../../src/template/reading.js'

const file = (path: string, text: string, format: TemplateFormat): ProjectFile => ({ path, text, format })

const GROUP = (name: string, pool: string) =>
  `{ Type: AWS::Cognito::UserPoolGroup, Properties: { GroupName: ${name}, UserPoolId: ${pool}, Precedence: 1, RoleArn: 'arn:aws:iam::111122223333:role/${name}' } }`
const POOL = 'Pool: { Type: AWS::Cognito::UserPool }'
const stack = (path: string, ...resources: readonly string[]) =>
  file(path, `Resources:\n${resources.map(one => `  ${one}\n`).join('')}`, 'cloudformation')
const exporting = (one: ProjectFile, name: string) => ({
  ...one,
  text: `${one.text}Outputs:\n  Id: { Value: !Ref Pool, Export: { Name: ${name} } }\n`,
})
const hclGroup = (name: string) => `resource "aws_cognito_user_group" "${name}" {
  name         = "${name}"
  user_pool_id = "eu-west-1_Ab12Cd34e"
  precedence   = 1
  role_arn     = "arn:aws:iam::111122223333:role/${name}"
}
`

/** One project with something of every format, each of which would be read alone as well. */
const PROJECT: readonly ProjectFile[] = [
  stack('stacks/pool.yaml', POOL, `Admins: ${GROUP('admins', '!Ref Pool')}`),
  stack('stacks/other.yaml', POOL, `Editors: ${GROUP('editors', '!Ref Pool')}`),
  file(
    'app/serverless.yml',
    `service: s\nprovider: { name: aws }\nresources:\n  Resources:\n    ${POOL}\n`,
    'serverless',
  ),
  file('infra/main.tf', hclGroup('a'), 'terraform-source'),
  file('infra/more.tf', hclGroup('b'), 'terraform-source'),
  file('tools/main.tf', hclGroup('c'), 'terraform-source'),
  file(
    'amplify_outputs.json',
    '{"auth":{"user_pool_id":"eu-west-1_Zz12Cd34e","groups":[{"A":{"precedence":0}}]}}',
    'amplify',
  ),
]

const read = (files: readonly ProjectFile[], more: ReadonlyMap<string, string> = new Map()): Promise<Reading> =>
  readProject(files, { open: path => more.get(path) })
const findingsOf = ({ infrastructures }: Reading) =>
  infrastructures.flatMap(infrastructure => validateInfrastructure(infrastructure))
const withPath = ({ infrastructures }: Reading, path: string): readonly Infrastructure[] =>
  infrastructures.filter(({ paths }) => paths.includes(path))

describe('a project', () => {
  test('is read with every format in it', async () => {
    const reading = await read(PROJECT)
    expect(reading.failures).toEqual([])
    expect(new Set(reading.infrastructures.flatMap(({ paths }) => paths))).toEqual(
      new Set(PROJECT.map(({ path }) => path)),
    )
    expect(findingsOf(reading).map(({ ruleId, groups }) => [ruleId, groups])).toContainEqual(['COG101', ['a', 'b']])
  })

  test('has its stacks joined by what they export, in whichever order they come', async () => {
    const files = [
      exporting(stack('pool.yaml', POOL, `Admins: ${GROUP('admins', '!Ref Pool')}`), 'the-pool'),
      stack('groups.yaml', `Editors: ${GROUP('editors', '!ImportValue the-pool')}`),
    ]
    for (const order of [files, files.toReversed()])
      expect(findingsOf(await read(order)).map(({ ruleId, groups }) => [ruleId, groups])).toEqual([
        ['COG101', ['admins', 'editors']],
      ])
  })

  test('has no files of variables but the ones that Terraform reads, and those that are given', async () => {
    const variable = `variable "rank" { type = number }\n${hclGroup('a')}${hclGroup('b').replace('= 1', '= var.rank')}`
    const files = [file('main.tf', variable, 'terraform-source')]
    const ids = async (varFiles: readonly { path: string; text: string }[]) =>
      findingsOf(await readProject(files, { open: () => undefined, varFiles })).flatMap(({ ruleId, message }) =>
        message.includes('defines the user pool') ? [] : ruleId,
      )
    expect(await ids([])).toEqual(['COG190'])
    expect(await ids([{ path: 'a.tfvars', text: 'rank = 1' }])).toEqual(['COG101'])
    expect(
      await ids([
        { path: 'a.tfvars', text: 'rank = 1' },
        { path: 'b.tfvars', text: 'rank = 2' },
      ]),
    ).toEqual([])
  })

  test('has one finding for a line of a module, however often the module is called', async () => {
    const files = [
      file(
        'm/main.tf',
        `resource "aws_cognito_user_pool" "p" {}\n${hclGroup('a')}${hclGroup('b')}`.replaceAll(
          '"eu-west-1_Ab12Cd34e"',
          'aws_cognito_user_pool.p.id',
        ),
        'terraform-source',
      ),
      ...['one', 'two'].map(root =>
        file(
          `${root}/main.tf`,
          'module "x" {\n  source = "../m"\n}\nmodule "y" {\n  source = "../m"\n}\n',
          'terraform-source',
        ),
      ),
    ]
    const { infrastructures } = await read(files)
    expect(infrastructures.flatMap(({ groups }) => groups)).toHaveLength(8)
    expect(validateAll(infrastructures, { today: '2026-01-01' }).map(({ ruleId }) => ruleId)).toEqual(['COG101'])
  })

  const DAMAGE = ['{', '"', '\n  - x: [', '${', '\0', '!Ref', '\n:', '<<EOT']
  test('loses no file: each is read or a failure, whatever is damaged, and the others are read as before', async () => {
    const before = await read(PROJECT)
    await fc.assert(
      fc.asyncProperty(
        fc.nat(PROJECT.length - 1),
        fc.constantFrom(...DAMAGE),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (index, damage, at) => {
          const damaged = PROJECT.map((one, position) => {
            const cut = Math.floor(one.text.length * at)
            return position === index ? { ...one, text: one.text.slice(0, cut) + damage + one.text.slice(cut) } : one
          })
          const reading = await read(damaged)
          const { path } = PROJECT[index]!
          const failed = new Set(reading.failures.flatMap(({ paths }) => paths))
          const isRead = new Set(reading.infrastructures.flatMap(({ paths }) => paths))
          for (const one of PROJECT) expect(failed.has(one.path) || isRead.has(one.path)).toBe(true)
          for (const { error } of reading.failures) expect(error.code).toBe('invalid-input')
          // A module is all its files.
          const touched = new Set(path.startsWith('infra/') ? ['infra/main.tf', 'infra/more.tf'] : [path])
          for (const one of PROJECT.filter(other => !touched.has(other.path)))
            expect(withPath(reading, one.path)).toEqual(withPath(before, one.path))
        },
      ),
      { numRuns: 60 },
    )
  })

  test('of modules, stacks and includes that call each other in any way is read within bounds', async () => {
    const names = ['a', 'b', 'c', 'd']
    const name = fc.constantFrom(...names, '.', '..', 'none', '__proto__')
    const module = (folder: string) =>
      fc
        .array(name, { maxLength: 4 })
        .map(called =>
          file(
            `m/${folder}/main.tf`,
            `${hclGroup(folder)}${called.map((to, index) => `module "call${index}" {\n  source = "../${to}"\n  count = 2\n}\n`).join('')}`,
            'terraform-source',
          ),
        )
    const nested = (own: string) =>
      fc
        .array(name, { maxLength: 4 })
        .map(called =>
          stack(
            `s/${own}.yaml`,
            POOL,
            ...called.map(
              (to, index) =>
                `Nested${index}: { Type: AWS::CloudFormation::Stack, Properties: { TemplateURL: ./${to}.yaml } }`,
            ),
          ),
        )
    const including = fc.array(name, { minLength: 1, maxLength: 4 }).map(included => ({
      main: file(
        'i/serverless.yml',
        `service: s\nresources:\n${included.map(one => `  - \${file(${one}.yml)}\n`).join('')}`,
        'serverless',
      ),
      parts: new Map(
        names.map((one, index) => [`i/${one}.yml`, `Resources: \${file(${included[index % included.length]}.yml)}\n`]),
      ),
    }))
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(...names.map(module)),
        fc.tuple(...names.map(nested)),
        including,
        async (modules, stacks, { main, parts }) => {
          const reading = await read([...modules, ...stacks, main], parts)
          for (const { severity } of findingsOf(reading)) expect(['error', 'warning', 'note']).toContain(severity)
          const isRead = new Set([
            ...reading.infrastructures.flatMap(({ paths }) => paths),
            ...reading.failures.flatMap(({ paths }) => paths),
          ])
          for (const { path } of [...modules, ...stacks, main]) expect([...isRead]).toContain(path)
        },
      ),
      { numRuns: 40 },
    )
  }, 120_000)
})
