import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { GroupDefinition, Infrastructure, RoleReference, Value } from '../../src/rules/infrastructure.js'
import { validateAll } from '../../src/rules/validate.js'
import { createHclParser } from '../../src/template/terraform/hcl-parser.js'
import { readTerraformTree } from '../../src/template/terraform/module-tree.js'
import { readTerraformModule } from '../../src/template/terraform/source.js'

/** On a busy machine the default limit is too short for a test. */
const parse = createHclParser({ timeLimit: 60_000 })

/** Files by their paths. */
type Files = Readonly<Record<string, string>>

const toFiles = (files: Files) => Object.entries(files).map(([path, text]) => ({ path, text }))
const readTree = (files: Files, varFiles: Files = {}) =>
  readTerraformTree(toFiles(files), { parse, varFiles: toFiles(varFiles) })
/** The only infrastructure that has something. */
async function read(files: Files, varFiles: Files = {}): Promise<Infrastructure> {
  const { infrastructures, failures } = await readTree(files, varFiles)
  expect(failures).toEqual([])
  const some = infrastructures.filter(({ pools, unresolved, notFollowed }) =>
    [pools, unresolved, notFollowed].some(list => list.length > 0),
  )
  expect(some).toHaveLength(1)
  return some[0]!
}

function brief(value: Value<unknown>): string {
  if (value.is === 'one-of') return value.values.map(brief).join(' or ')
  if (value.is !== 'known') return value.is === 'unknown' ? '?' : value.is
  const role = value.value as RoleReference
  return typeof role === 'object' && 'kind' in role ? `${role.kind} ${role.id}` : JSON.stringify(value.value)
}
const row = ({ id, pool, groupName, precedence, role }: GroupDefinition) =>
  [id, pool, brief(groupName), brief(precedence), brief(role)] as const
const rows = ({ groups }: Infrastructure) => groups.map(row)
const ranks = ({ groups }: Infrastructure) =>
  Object.fromEntries(groups.map(group => [brief(group.groupName).replaceAll('"', ''), brief(group.precedence)]))
const found = (infrastructure: Infrastructure) =>
  validateAll([infrastructure], { today: '2026-11-29' }).map(({ ruleId, severity }) => `${ruleId} ${severity}`)
const whys = ({ unresolved }: Infrastructure) => unresolved.map(({ why }) => why)
const notFollowed = (infrastructure: Infrastructure) =>
  infrastructure.notFollowed.map(({ what, why }) => `${what}: ${why}`)

const POOL = 'resource "aws_cognito_user_pool" "p" {\n  name = "p"\n}\n'
const group = (name: string, precedence: number | string, more = '') => `resource "aws_cognito_user_group" "${name}" {
  name         = "${name}"
  user_pool_id = aws_cognito_user_pool.p.id
  precedence   = ${precedence}
  role_arn     = "arn:aws:iam::111122223333:role/${name}"
  ${more}
}
`
const EACH = `resource "aws_cognito_user_group" "g" {
  for_each     = var.ranks
  name         = each.key
  precedence   = each.value
  user_pool_id = aws_cognito_user_pool.p.id
  role_arn     = "arn:aws:iam::111122223333:role/\${each.key}"
}
`
const G = 'aws_cognito_user_group'

describe('a module that is called by a local path', () => {
  test('has the groups of its arguments, at the address of the call and at the place in its file', async () => {
    const infrastructure = await read({
      'main.tf': 'module "auth" {\n  source = "./modules/auth"\n  ranks  = { admins = 1, editors = 1 }\n}\n',
      'modules/auth/main.tf': `variable "ranks" { type = map(number) }\n${POOL}${EACH}`,
    })
    expect(rows(infrastructure)).toEqual(
      ['admins', 'editors'].map(name => [
        `module.auth.${G}.g["${name}"]`,
        'module.auth.aws_cognito_user_pool.p',
        `"${name}"`,
        '1',
        `arn arn:aws:iam::111122223333:role/${name}`,
      ]),
    )
    expect(infrastructure.groups[0]!.location).toMatchObject({
      path: 'modules/auth/main.tf',
      line: 5,
      construct: `module.auth.${G}.g["admins"]`,
    })
    expect(infrastructure.paths).toEqual(['main.tf', 'modules/auth/main.tf'])
    expect(found(infrastructure)).toEqual(['COG101 error'])
  })

  const TWO_LEVELS: Files = {
    'live/main.tf': `module "pool" { source = "../modules/pool" }
module "role" {
  source   = "../modules/role"
  for_each = toset(["admin", "editor"])
  name     = each.key
}
module "groups" {
  source = "../modules/groups"
  pool   = module.pool.id
  groups = { for k, v in { admin = 1, editor = 2 } : k => { precedence = v, role_arn = module.role[k].arn } }
}
`,
    'modules/pool/main.tf': `${POOL}output "id" { value = aws_cognito_user_pool.p.id }\n`,
    'modules/role/main.tf': `variable "name" {}
resource "aws_iam_role" "r" {
  name               = var.name
  assume_role_policy = jsonencode({ Statement = [] })
}
output "arn" { value = aws_iam_role.r.arn }
`,
    'modules/groups/main.tf': `variable "pool" { type = string }
variable "groups" { type = map(object({ precedence = number, role_arn = optional(string) })) }
module "one" {
  source   = "../group"
  for_each = var.groups
  pool     = var.pool
  name     = each.key
  group    = each.value
}
`,
    'modules/group/main.tf': `variable "pool" {}
variable "name" {}
variable "group" {}
# rolecast:ignore COG104 intended
resource "aws_cognito_user_group" "g" {
  name         = var.name
  user_pool_id = var.pool
  precedence   = var.group.precedence
  role_arn     = var.group.role_arn
}
`,
  }

  test('gives roles and pools to others through its outputs, two levels down', async () => {
    const infrastructure = await read(TWO_LEVELS)
    expect(rows(infrastructure)).toEqual(
      ['admin', 'editor'].map((name, index) => [
        `module.groups.module.one["${name}"].${G}.g`,
        'module.pool.aws_cognito_user_pool.p',
        `"${name}"`,
        String(index + 1),
        `resource module.role["${name}"].aws_iam_role.r`,
      ]),
    )
    expect(infrastructure.roles.map(({ id }) => id)).toEqual(
      ['admin', 'editor'].map(name => `module.role["${name}"].aws_iam_role.r`),
    )
  })

  test('keeps a comment for each instance that it is about', async () => {
    const { suppressions } = await read(TWO_LEVELS)
    expect(suppressions.map(({ rules, target }) => [rules, target])).toEqual(
      ['admin', 'editor'].map(name => [['COG104'], `module.groups.module.one["${name}"].${G}.g`]),
    )
  })

  test('a comment on a call is about all that it makes', async () => {
    const { suppressions } = await read({
      'main.tf': '# rolecast:ignore COG101 intended\nmodule "a" { source = "./a" }\n',
      'a/main.tf': `${POOL}${group('x', 1)}${group('y', 1)}`,
    })
    expect(suppressions.map(({ target }) => target)).toEqual([
      `module.a.${G}.x`,
      `module.a.${G}.y`,
      'module.a.aws_cognito_user_pool.p',
    ])
  })

  test('is read for each of its callers, and not alone', async () => {
    const files = {
      'dev/main.tf': 'module "a" {\n source = "../a"\n rank = 1\n}\n',
      'prod/main.tf': 'module "a" {\n source = "../a"\n rank = 2\n}\n',
      'a/main.tf': `variable "rank" {}\n${POOL}${group('x', 'var.rank')}`,
    }
    const { infrastructures } = await readTree(files)
    expect(infrastructures.map(ranks)).toEqual([{ x: '1' }, { x: '2' }])
    const alone = await readTree({ 'a/main.tf': files['a/main.tf'] })
    expect(alone.infrastructures.map(ranks), 'control: alone').toEqual([{ x: '?' }])
  })

  test.each([
    ['variable files of its own', { 'a/terraform.tfvars': 'rank = 3\n' }],
    ['a backend', { 'a/backend.tf': 'terraform {\n  backend "s3" {}\n}\n' }],
  ])('is read alone too if it has %s', async (_, more) => {
    const { infrastructures } = await readTree({
      'main.tf': 'module "a" {\n source = "./a"\n rank = 1\n}\n',
      'a/main.tf': `variable "rank" {}\n${POOL}${group('x', 'var.rank')}`,
      ...more,
    })
    expect(infrastructures).toHaveLength(2)
  })

  test('what a comment calls is a root nonetheless', async () => {
    const { infrastructures } = await readTree({
      'main.tf': '# module "a" {\n#  source = "./a"\n# }\n',
      'a/main.tf': `${POOL}${group('x', 1)}`,
    })
    expect(infrastructures.map(ranks)).toContainEqual({ x: '1' })
  })

  test('an argument that is not given is its default for sure, and null is the default of what cannot be null', async () => {
    const infrastructure = await read({
      'main.tf': 'module "a" {\n source = "./a"\n b = null\n c = null\n}\n',
      'a/main.tf': `variable "a" { default = 1 }
variable "b" {
  default  = 2
  nullable = false
}
variable "c" { default = 3 }
${POOL}${group('x', 'var.a')}${group('y', 'var.b')}${group('z', 'var.c')}`,
    })
    expect(ranks(infrastructure)).toEqual({ x: '1', y: '2', z: 'absent' })
    expect(whys(infrastructure)).toEqual([])
  })

  test('where it is not known how many there are, one stands for all', async () => {
    const infrastructure = await read({
      'main.tf': 'variable "tenants" {}\nmodule "t" {\n source = "./t"\n for_each = var.tenants\n}\n',
      't/main.tf': `${POOL}${group('x', 1)}${group('y', 1)}`,
    })
    expect(whys(infrastructure)).toEqual([
      'how many `module.t` there are is not known: variable `tenants` has no default',
    ])
    expect(found(infrastructure)).toEqual(['COG190 note', 'COG101 error'])
  })

  test('objects go through arguments as what they are', async () => {
    const infrastructure = await read({
      'main.tf': `${POOL}resource "aws_iam_role" "r" {
  for_each           = toset(["x", "y"])
  assume_role_policy = "{}"
}
module "a" {
  source = "./a"
  pool   = aws_cognito_user_pool.p
  roles  = aws_iam_role.r
  arns   = values(aws_iam_role.r)[*].arn
}
`,
      'a/main.tf': `variable "pool" {}
variable "roles" {}
variable "arns" {}
resource "aws_cognito_user_group" "g" {
  for_each     = var.roles
  name         = each.key
  user_pool_id = var.pool.id
  role_arn     = each.value.arn
}
resource "aws_cognito_user_group" "first" {
  name         = "first in \${var.pool.name}"
  user_pool_id = var.pool.id
  role_arn     = var.arns[0]
}
`,
    })
    expect(rows(infrastructure).map(([, pool, name, , role]) => [pool, name, role])).toEqual([
      ['aws_cognito_user_pool.p', '"first in p"', 'resource aws_iam_role.r["x"]'],
      ['aws_cognito_user_pool.p', '"x"', 'resource aws_iam_role.r["x"]'],
      ['aws_cognito_user_pool.p', '"y"', 'resource aws_iam_role.r["y"]'],
    ])
  })

  test('a table of groups gives the same through a module as without one', async () => {
    const table = fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), fc.nat(50), { maxKeys: 5 })
    const literal = (map: Readonly<Record<string, number>>) => JSON.stringify(map).replaceAll(':', '=')
    await fc.assert(
      fc.asyncProperty(table, async map => {
        const [through] = (
          await readTree({
            'main.tf': `module "a" {\n  source = "./a"\n  ranks  = ${literal(map)}\n}\n`,
            'a/main.tf': `variable "ranks" { type = map(number) }\n${POOL}${EACH}`,
          })
        ).infrastructures
        const direct = await readTerraformModule(
          [
            {
              path: 'main.tf',
              text: `locals {\n  ranks = ${literal(map)}\n}\n${POOL}${EACH.replace('var.', 'local.')}`,
            },
          ],
          { parse },
        )
        expect(ranks(through!)).toEqual(ranks(direct))
        expect(found(through!)).toEqual(found(direct))
      }),
      { numRuns: 20 },
    )
  })
})

describe('what is not followed', () => {
  const call = (source: string, more = '') => ({
    'main.tf': `${POOL}module "m" {\n  source = "${source}"\n  ${more}\n}\n`,
  })

  test.each([
    ['lgallard/cognito-user-pool/aws', ''],
    ['app.terraform.io/x/auth/aws', ''],
    ['git::https://example.com/identity.git?ref=v1', ''],
    ['git::https://example.com/x.git//modules/authentication', ''],
    ['git::https://example.com/x.git', 'user_groups = [{ name = "a" }]'],
    ['git::https://example.com/x.git', 'groups = { admin = { precedence = 1 } }'],
    ['git::https://example.com/x.git', 'user_pool_id = aws_cognito_user_pool.p.id'],
    ['git::https://example.com/x.git', '}\noutput "o" {\n  value = module.m.user_pool_id'],
    ['${var.source}', ''],
  ])('a module of %s with `%s` may hold groups', async (source, more) => {
    const infrastructure = await read(call(source, more))
    expect(infrastructure.notFollowed).toMatchObject([
      { what: 'Module `module.m`', next: expect.stringContaining('terraform show -json'), location: { line: 4 } },
    ])
  })

  test.each([
    ['terraform-aws-modules/vpc/aws', ''],
    ['terraform-aws-modules/eks/aws//modules/aws-auth', ''],
    ['terraform-aws-modules/eks-pod-identity/aws', ''],
    ['terraform-aws-modules/lambda/aws', 'environment_variables = { USER_POOL_ID = aws_cognito_user_pool.p.id }'],
    ['terraform-aws-modules/rds/aws', 'vpc_security_group_ids = []\n groups = ["a"]'],
    ['git::https://example.com/github-oidc-auth.git', ''],
  ])('control: a module of %s with `%s` is not reported', async (source, more) => {
    expect(notFollowed(await read(call(source, more)))).toEqual([])
  })

  test('a module for signing in is reported though no file says a word of Cognito', async () => {
    const auth = await read({ 'main.tf': 'module "m" {\n  source = "app.terraform.io/x/auth/aws"\n}\n' })
    expect(notFollowed(auth)).toEqual([
      'Module `module.m`: its source `app.terraform.io/x/auth/aws` is not among the files',
    ])
    const { infrastructures } = await readTree({
      'main.tf': 'module "m" {\n  source = "terraform-aws-modules/vpc/aws"\n}\n',
    })
    expect(infrastructures.flatMap(notFollowed), 'control').toEqual([])
  })

  test('local modules that are not among the files are named together, and what mentions Cognito apart', async () => {
    const infrastructure = await read({
      'live/main.tf': `${POOL}module "a" { source = "../a" }\nmodule "b" { source = "../b" }\nmodule "c" { source = "../cognito" }\n`,
    })
    expect(notFollowed(infrastructure)).toEqual([
      'Module `module.c`: its folder `cognito` is not among the files',
      'Each of the modules `module.a` and `module.b`: its folder is not among the files',
    ])
  })

  test.each([
    [
      'resource "null_resource" "n" {\n provisioner "local-exec" { command = "aws cognito-idp create-group --group-name x" }\n}',
      'it runs a program that may create groups',
    ],
    [
      'resource "terraform_data" "n" {\n provisioner "local-exec" { command = "./scripts/create-groups.sh" }\n}',
      'it runs a program that may create groups',
    ],
    [
      'resource "aws_cloudformation_stack" "n" {\n template_body = file("cognito.yaml")\n}',
      'it is a CloudFormation stack, whose template may have groups',
    ],
    ['resource "aws_cognito_user_pool_group" "n" {}', 'its type `aws_cognito_user_pool_group` is not known'],
    [
      'resource "aws_lambda_invocation" "n" {\n function_name = "seed-cognito-groups"\n}',
      'it runs a function that may create groups',
    ],
  ])('`%s` is reported', async (text, why) => {
    expect(notFollowed(await read({ 'main.tf': `${POOL}${text}\n` }))).toEqual([
      expect.stringMatching(new RegExp(`^Resource \`[\\w.]+\`: ${why}$`)),
    ])
  })

  test.each([
    'resource "null_resource" "n" {\n provisioner "local-exec" { command = "echo VITE_USER_POOL_ID=1 > .env && npm run build" }\n}',
    'resource "aws_cloudformation_stack" "n" {\n template_body = file("vpc.yaml")\n}',
    'resource "aws_cloudformation_stack" "cognito" {\n template_body = "{\\"Resources\\":{\\"P\\":{\\"Type\\":\\"AWS::Cognito::UserPool\\"}}}"\n}',
    'resource "aws_cognito_user_pool_client" "n" {}',
    'data "aws_cognito_user_groups" "n" {}',
    'moved {\n from = aws_cognito_user_group.a\n to = aws_cognito_user_group.b\n}',
    'removed {\n from = aws_cognito_user_group.a\n}',
  ])('control: `%s` is not', async text => {
    expect(notFollowed(await read({ 'main.tf': `${POOL}${text}\n` }))).toEqual([])
  })

  test('a group that is imported and that no file has is reported', async () => {
    const block = `import {\n  to = ${G}.x\n  id = "pool/x"\n}\n`
    expect(notFollowed(await read({ 'main.tf': `${POOL}${block}` }))).toEqual([
      `Resource \`${G}.x\`: it is imported, but none of the files has it`,
    ])
    expect(notFollowed(await read({ 'main.tf': `${POOL}${block}${group('x', 1)}` })), 'control').toEqual([])
  })

  test('a module that calls itself is not followed forever, and is reported', async () => {
    const infrastructure = await read({
      'a/main.tf': `${POOL}module "b" { source = "../b" }\n`,
      'b/main.tf': 'module "a" { source = "../a" }\n',
    })
    expect(infrastructure.pools).toHaveLength(1)
    expect(notFollowed(infrastructure)).toEqual(['Module `module.b.module.a`: it calls itself'])
  })

  const chain = (length: number): Files =>
    Object.fromEntries(
      Array.from({ length }, (_, index) => [
        `m${index}/main.tf`,
        index === length - 1 ? POOL : `module "x" { source = "../m${index + 1}" }\n`,
      ]),
    )

  test('nested modules are followed to a depth, and deeper ones are reported', async () => {
    expect((await read(chain(30))).pools, 'control').toHaveLength(1)
    const { infrastructures } = await readTree(chain(1000))
    expect(infrastructures.flatMap(notFollowed)).toEqual([
      expect.stringContaining('there are more than 40 modules around it'),
    ])
    expect(
      infrastructures.flatMap(({ pools }) => pools),
      'the last is read by itself',
    ).toHaveLength(1)
  })

  test('modules that each call the next one twice are bounded, and said', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 31 }, (_, index) => [
        `m${index}/main.tf`,
        index === 30 ? POOL : ['x', 'y'].map(name => `module "${name}" { source = "../m${index + 1}" }\n`).join(''),
      ]),
    )
    const infrastructure = await read(files)
    expect(infrastructure.pools.length).toBeLessThan(1000)
    expect(notFollowed(infrastructure)).toEqual([expect.stringContaining('with it there are more than 1000 modules')])
  })

  test('names that JavaScript knows are names as any other', async () => {
    const infrastructure = await read({
      'main.tf': 'module "__proto__" {\n source = "./m"\n constructor = 2\n}\n',
      'm/main.tf': `variable "constructor" {}\n${POOL}${group('__proto__', 'var.constructor')}${group('toString', 'var.toString')}`,
    })
    expect(rows(infrastructure).map(([id, , name, precedence]) => [id, name, precedence])).toEqual([
      [`module.__proto__.${G}.__proto__`, '"__proto__"', '2'],
      [`module.__proto__.${G}.toString`, '"toString"', '?'],
    ])
  })

  test('a folder from which no word of Cognito can be reached is not parsed, unless it seems broken', async () => {
    const texts: string[] = []
    const counting: typeof parse = (text, source) => (texts.push(source.path), parse(text, source))
    const files = {
      'a/main.tf': `module "b" { source = "../b" }\n`,
      'b/main.tf': POOL,
      'c/main.tf': 'module "d" { source = "../d" }\n',
      'd/main.tf': 'resource "aws_iam_role" "r" {\n  name = "x-${var.a}"\n}\n',
      'e/main.tf': 'resource "aws_iam_role" "r" {\n',
    }
    const { failures } = await readTerraformTree(toFiles(files), { parse: counting })
    expect([texts, failures.map(({ paths }) => paths)]).toEqual([
      ['a/main.tf', 'b/main.tf', 'e/main.tf'],
      [['e/main.tf']],
    ])
  })

  test('a file that cannot be read is a failure, and the others of its folder are read', async () => {
    const { infrastructures, failures } = await readTree({
      'main.tf': `${POOL}${group('x', 1)}`,
      'broken.tf': '# cognito\nresource "x" {\n',
      'terraform.tfvars': 'a = [\n',
    })
    expect(failures.map(({ paths, error }) => [paths, error.code])).toEqual([
      [['broken.tf'], 'invalid-input'],
      [['terraform.tfvars'], 'invalid-input'],
    ])
    expect(infrastructures.map(ranks)).toEqual([{ x: '1' }])
  })
})

describe('the values of variables', () => {
  const MAIN = `variable "ranks" {\n  type    = map(number)\n  default = { a = 1, b = 1 }\n}\n${POOL}${EACH}`

  test('those that are given count, the default does not', async () => {
    const infrastructure = await read({ 'main.tf': MAIN, 'terraform.tfvars': 'ranks = { a = 1, b = 2 }\n' })
    expect(ranks(infrastructure)).toEqual({ a: '1', b: '2' })
    expect(found(infrastructure)).toEqual([])
  })

  test('a value that ties is found, whatever the default is', async () => {
    const main = MAIN.replace('b = 1', 'b = 2')
    expect(found(await read({ 'main.tf': main, 'x.auto.tfvars': 'ranks = { a = 7, b = 7 }\n' }))).toEqual([
      'COG101 error',
    ])
  })

  test('a tie in a default is possible, and which variable decides is reported once', async () => {
    const infrastructure = await read({ 'main.tf': MAIN })
    expect(found(infrastructure)).toEqual(['COG190 note', 'COG101 warning'])
    expect(whys(infrastructure)).toEqual([
      `variable \`ranks\` may have another value than its default, which \`${G}.g\` uses`,
    ])
  })

  test.each(['{}', '[]', 'null'])('an empty default, `%s`, leaves open how many there are', async empty => {
    const infrastructure = await read({
      'main.tf': `variable "ranks" { default = ${empty} }\n${POOL}${EACH.replace('var.ranks', 'coalesce(var.ranks, {})')}`,
    })
    expect(infrastructure.groups).toEqual([])
    expect(whys(infrastructure)).toEqual([
      `how many \`${G}.g\` there are is not known: variable \`ranks\` may have another value than its default, with which there are none`,
    ])
  })

  test('a `count` on a variable is one possibility too', async () => {
    const infrastructure = await read({
      'main.tf': `variable "n" { default = 0 }\nvariable "on" { default = false }\n${POOL}${group('x', 1, 'count = var.n')}${group('y', 1, 'count = var.on ? 1 : 0')}`,
    })
    expect(infrastructure.groups.map(({ id, condition }) => [id, condition])).toEqual([[`${G}.y[0]`, 'var.on ? 1 : 0']])
    expect(whys(infrastructure)).toEqual([expect.stringContaining(`how many \`${G}.x\` there are is not known`)])
  })

  test('a rank that a default gives is one of two possibilities', async () => {
    const infrastructure = await read({
      'main.tf': `variable "a" { default = 1 }\n${POOL}${group('x', 'var.a')}${group('y', 1)}`,
    })
    expect(ranks(infrastructure)).toEqual({ x: '1 or ?', y: '1' })
    expect(found(infrastructure)).toContain('COG101 warning')
  })

  test('a file that gives a value and is not read is named', async () => {
    const infrastructure = await read({ 'main.tf': MAIN, 'env/prod.tfvars': 'ranks = { a = 1, b = 2 }\n' })
    expect(whys(infrastructure)).toEqual([
      expect.stringContaining('`env/prod.tfvars`, which has a value for it, is not given as a variable file'),
    ])
    const none = await read({ 'main.tf': MAIN, 'env/prod.tfvars': 'rank = 1\n' })
    expect(whys(none), 'control').toEqual([expect.not.stringContaining('tfvars')])
  })

  test('Terraform’s order: the last file that gives a value wins', async () => {
    const give = (rank: number) => `ranks = { a = ${rank} }\n`
    const own: Files = {
      'terraform.tfvars': give(1),
      'terraform.tfvars.json': '{ "ranks": { "a": 2 } }',
      'a.auto.tfvars.json': '{ "ranks": { "a": 3 } }',
      'b.auto.tfvars': give(4),
    }
    const given = Object.entries(own)
    for (const length of given.keys()) {
      const some = Object.fromEntries(given.slice(0, length + 1).toReversed())
      expect(ranks(await read({ ...some, 'main.tf': MAIN }))).toEqual({ a: String(length + 1) })
    }
    const all = { ...own, 'main.tf': MAIN }
    expect(ranks(await read(all, { 'x.tfvars': give(5), 'y.tfvars': give(6) }))).toEqual({ a: '6' })
  })

  test('a called module gets none of them', async () => {
    const infrastructure = await read(
      {
        'main.tf': 'module "m" { source = "./m" }\n',
        'm/main.tf': MAIN,
        'terraform.tfvars': 'ranks = { a = 9 }\n',
      },
      { 'x.tfvars': 'ranks = { a = 8 }\n' },
    )
    expect(ranks(infrastructure)).toEqual({ a: '1', b: '1' })
  })

  test('the files of variables that are read are included', async () => {
    const { included } = await readTree({ 'main.tf': MAIN, 'terraform.tfvars': '', 'prod.tfvars': '' })
    expect(included).toEqual(['terraform.tfvars'])
  })

  const OPTIONAL = `variable "groups" {
  type = map(object({
    precedence = optional(number, 5) # the usual one
    role_arn   = optional(string)
    labels     = optional(object({ suffix = optional(string, "x") }), {})
    list       = optional(list(object({ n = optional(number, 7) })), [{}])
  }))
}
${POOL}resource "aws_cognito_user_group" "g" {
  for_each     = var.groups
  name         = "\${each.key}-\${each.value.labels.suffix}-\${each.value.list[0].n}"
  precedence   = each.value.precedence
  role_arn     = each.value.role_arn
  user_pool_id = aws_cognito_user_pool.p.id
}
`

  test('what an optional attribute lacks is its default, at any depth', async () => {
    const infrastructure = await read({
      'main.tf': OPTIONAL,
      'terraform.tfvars':
        'groups = { a = {}, b = { precedence = null, labels = {} }, c = { precedence = "3", list = [{ n = 1 }] } }\n',
    })
    expect(ranks(infrastructure)).toEqual({ 'a-x-7': '5', 'b-x-7': '5', 'c-x-1': '3' })
    expect(infrastructure.groups.map(({ role }) => role.is)).toEqual(['absent', 'absent', 'absent'])
  })

  test('a value is converted to the type of its variable', async () => {
    const infrastructure = await read({
      'main.tf': `variable "names" { type = set(string) }\nvariable "rank" { type = number }\n${POOL}resource "aws_cognito_user_group" "g" {
  for_each     = var.names
  name         = each.value
  precedence   = var.rank
  user_pool_id = aws_cognito_user_pool.p.id
}
`,
      'terraform.tfvars': 'names = ["b", "a", "b"]\nrank = "4"\n',
    })
    expect(rows(infrastructure).map(([, , name, rank]) => [name, rank])).toEqual([
      ['"a"', '4'],
      ['"b"', '4'],
    ])
  })

  test('values that are nested without end are not known, and end', async () => {
    const infrastructure = await read({
      'main.tf': `variable "x" {}\n${POOL}${group('a', 'jsonencode(var.x)')}`,
      'terraform.tfvars.json': `{"x":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
    })
    expect(ranks(infrastructure)).toEqual({ a: '?' })
  })
})

describe('files that stand in for others', () => {
  test('an override replaces attributes of a block, and ties are found with it', async () => {
    const files = {
      'main.tf': `${POOL}${group('x', 1)}${group('y', 2)}`,
      'y_override.tf': `resource "${G}" "y" {\n  precedence = 1\n}\n`,
    }
    const infrastructure = await read(files)
    expect(rows(infrastructure).map(([, , name, rank, role]) => [name, rank, role])).toEqual(
      ['x', 'y'].map(name => [`"${name}"`, '1', `arn arn:aws:iam::111122223333:role/${name}`]),
    )
    expect(infrastructure.groups[1]!.precedence.location).toMatchObject({ path: 'y_override.tf', line: 2 })
    expect(infrastructure.groups[1]!.role.location).toMatchObject({ path: 'main.tf', line: 15 })
    expect(found(infrastructure)).toEqual(['COG101 error'])
    expect(found(await read({ 'main.tf': files['main.tf'] })), 'control').toEqual([])
  })

  test('blocks of a type are replaced together, the dynamic ones too', async () => {
    const attachment = (blocks: string) =>
      `resource "aws_cognito_identity_pool_roles_attachment" "a" {\n  identity_pool_id = "i"\n${blocks}}\n`
    const block = (type: string) => `  role_mapping {\n    type = "${type}"\n    identity_provider = "p"\n  }\n`
    const dynamic =
      '  dynamic "role_mapping" {\n    for_each = ["Rules", "Token"]\n    content {\n      type = role_mapping.value\n    }\n  }\n'
    const types = async (main: string, override: string) => {
      const { attachments } = await read({
        'main.tf': POOL + attachment(main),
        'override.tf': attachment(override),
      })
      const { mappings } = attachments[0]!
      return mappings.is === 'known' ? mappings.value.map(({ type }) => brief(type)) : mappings.is
    }
    expect(await types(block('Rules') + block('Rules'), block('Token'))).toEqual(['"Token"'])
    expect(await types(block('Rules'), dynamic)).toEqual(['"Rules"', '"Token"'])
    expect(await types(dynamic, block('Token'))).toEqual(['"Token"'])
    expect(await types(block('Rules'), ''), 'control').toEqual(['"Rules"'])
  })

  test('variables, locals and calls are overridden as well', async () => {
    const infrastructure = await read({
      'main.tf': `locals {\n  a = 1\n  b = 2\n}\nmodule "m" {\n  source = "./m"\n  x = local.a\n  y = local.b\n}\n`,
      'override.tf.json': '{ "locals": { "b": 1 }, "module": { "m": { "x": 5 } } }',
      'm/main.tf': `variable "x" {}\nvariable "y" {}\n${POOL}${group('x', 'var.x')}${group('y', 'var.y')}`,
    })
    expect(ranks(infrastructure)).toEqual({ x: '5', y: '1' })
  })

  test('a `.tofu` file stands in for the `.tf` file of its name, which is reported as not read', async () => {
    const infrastructure = await read({
      'main.tf': `${POOL}${group('x', 1)}`,
      'main.tofu': `${POOL}${group('x', 2)}`,
      'more.tf': group('y', 3),
    })
    expect(ranks(infrastructure)).toEqual({ x: '2', y: '3' })
    expect(whys(infrastructure)).toEqual([expect.stringContaining('`main.tf` is not read')])
  })
})
