import { execFile } from 'node:child_process'
import fs from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { compareWithPool } from '../../src/rules/compare-with-pool.js'
import type { Finding } from '../../src/rules/finding.js'
import { type Group, isGroupName } from '../../src/group.js'
import { fromPool } from '../../src/rules/live-pool.js'
import { pools } from '../arbitraries.js'
import { startCognitoEndpoint } from '../cognito/cognito-endpoint.js'
import { rolecast, stubCredentials } from './command.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-validate-'))
})
afterAll(() => rm(folder, { recursive: true }))

let projects = 0
/** A folder with these files. */
async function project(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const root = join(folder, String(projects++))
  await mkdir(root)
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
  }
  return root
}

interface GroupOptions {
  readonly precedence?: number | string | undefined
  readonly role?: string | undefined
  readonly comment?: string | undefined
}

const group = (name: string, { precedence, role = `${name}Role`, comment = '' }: GroupOptions = {}) =>
  `${comment}  ${name}:\n    Type: AWS::Cognito::UserPoolGroup\n    Properties:\n      GroupName: ${name}\n      UserPoolId: !Ref Pool\n` +
  (precedence === undefined ? '' : `      Precedence: ${precedence}\n`) +
  (role === '' ? '' : `      RoleArn: ${role.startsWith('arn:') ? role : `!GetAtt ${role}.Arn`}\n`)
const template = (...groups: readonly string[]) =>
  `Resources:\n  Pool: { Type: AWS::Cognito::UserPool }\n${groups.join('')}`
const CLEAN = template(group('admins', { precedence: 1, role: 'arn:aws:iam::111122223333:role/Admin' }))
const CLEAN_COVERAGE = '1 pool, 1 group, 0 role attachments, 1 role, 0 trust policies checked\n'
const TIE = template(
  group('admins', { precedence: 1, role: 'arn:aws:iam::111122223333:role/Admin' }),
  group('editors', { precedence: 1, role: 'arn:aws:iam::111122223333:role/Editor' }),
)

const validate = (args: readonly string[], input?: string) => rolecast(['validate', '--no-config', ...args], input)
async function found(args: readonly string[], input?: string): Promise<readonly Finding[]> {
  const { stdout, code } = await validate([...args, '--format', 'json'], input)
  expect(code).not.toBe(2)
  return (JSON.parse(stdout) as { readonly findings: readonly Finding[] }).findings
}
const ids = async (args: readonly string[], input?: string) => (await found(args, input)).map(({ ruleId }) => ruleId)

describe('rolecast validate', () => {
  test('finds a tie in a file, with its location, and exits with 1', async () => {
    const root = await project({ 'auth.yaml': TIE })
    const { code, stdout } = await validate([join(root, 'auth.yaml')])
    expect(code).toBe(1)
    expect(stdout).toContain(`${join(root, 'auth.yaml')}:3:3  error  COG101 tie-different-roles  admins\n`)
    expect(stdout).toContain('  > 3 |   admins:\n      |   ^^^^^^^\n')
    expect(stdout).toMatch(
      /\n1 error, in 1 source\n1 pool, 2 groups, 0 role attachments, 2 roles, 0 trust policies checked\n$/,
    )
  })

  test('exits with 0 where nothing is found', async () => {
    const root = await project({ 'auth.yaml': CLEAN })
    expect(await validate([join(root, 'auth.yaml')])).toEqual({
      code: 0,
      stdout: `nothing found, in 1 source\n${CLEAN_COVERAGE}`,
      stderr: '',
    })
  })

  test('reads stdin', async () => {
    expect((await found(['-'], TIE)).map(({ ruleId, location }) => [ruleId, location.path, location.line])).toEqual([
      ['COG101', '-', 3],
    ])
  })

  test.each([
    ['error', 0],
    ['warning', 1],
    ['note', 1],
    ['never', 0],
  ])('a warning with --fail-on %s: %d', async (failOn, code) => {
    const root = await project({
      'auth.yaml': template(group('admins', { role: 'arn:aws:iam::111122223333:role/Admin' })),
    })
    expect((await validate([join(root, 'auth.yaml'), '--fail-on', failOn])).code).toBe(code)
  })

  test('runs the rules that are chosen', async () => {
    const root = await project({ 'auth.yaml': TIE })
    expect(await ids([root, '--only', 'COG104,cog106', '--only', 'null-precedence-role'])).toEqual([])
    expect(await ids([root, '--ignore', 'COG101'])).toEqual([])
    expect(await ids([root, '--only', 'COG101']), 'control').toEqual(['COG101'])
  })

  test.each(['json', 'sarif', 'github', 'junit'])('writes %s to stdout or to a file, the same', async format => {
    const root = await project({ 'auth.yaml': TIE })
    const { stdout, code } = await validate([root, '--format', format])
    expect(code).toBe(1)
    expect(stdout).toContain('COG101')
    const output = join(root, 'report.out')
    expect(await validate([root, '--format', format, '--output', output])).toEqual({ code: 1, stdout: '', stderr: '' })
    expect(await readFile(output, 'utf8')).toBe(stdout)
  })

  test('writes paths below where it runs as relative ones', async () => {
    const [one] = await found([join(process.cwd(), 'test/fixtures/templates/cloudformation/pools.yaml')])
    expect(one!.location.path).toBe('test/fixtures/templates/cloudformation/pools.yaml')
  })
})

describe('a folder', () => {
  test('is read as far as it is known, and what could not be read is reported', async () => {
    const root = await project({
      'stacks/auth.yaml': TIE,
      'stacks/web.yaml': 'Resources:\n  Bucket: { Type: AWS::S3::Bucket }\n',
      'broken.yaml': 'Resources:\n  Pool: { Type: AWS::Cognito::UserPool\n',
      'package.json': '{"dependencies":{"client-cognito":"1"}}',
      'notes.txt': TIE,
      '.serverless/cloudformation-template-update-stack.json': '{"Resources":{"P":{"Type":"AWS::Cognito::UserPool"}}}',
    })
    const { stdout, stderr, code } = await validate([root])
    expect(code, 'a file that could not be read is not counted as clean').toBe(2)
    expect(stdout).toMatch(/\nskipped `\S+\/broken\.yaml:3:1` cannot be used: .+\n\n1 error, in 2 sources\n/)
    expect(stderr).toBe('rolecast: incomplete: 1 skipped; fix or exclude it, or give --allow-skipped [invalid-input]\n')
    expect(stdout).not.toContain('package.json')
    expect((await validate([root, '--allow-skipped'])).code).toBe(1)
    const verbose = await validate([root, '--verbose'])
    expect(verbose.stdout).toMatch(/nothing in \S+\/package\.json: its format is unknown\n/)
    expect(verbose.stdout).toMatch(/nothing in \S+\/web\.yaml: it has no Cognito resources\n/)
  })

  test('is not read where others wrote, or tools made copies', async () => {
    const others = [
      'node_modules/a',
      '.git',
      'x/.terraform',
      'dist',
      '.aws-sam/build',
      'amplify/#current-cloud-backend',
      'cdk.out/asset.1a2b',
    ]
    const root = await project({
      'auth.yaml': CLEAN,
      ...Object.fromEntries(others.map(path => [`${path}/auth.yaml`, TIE])),
    })
    expect(await ids([root])).toEqual([])
    expect(await ids([join(root, 'dist')]), 'control: what is named is read').toEqual(['COG101'])
  })

  test('is read without following links', async () => {
    const root = await project({ 'auth.yaml': CLEAN })
    await symlink(root, join(root, 'again'))
    expect((await validate([root])).stdout).toBe(`nothing found, in 1 source\n${CLEAN_COVERAGE}`)
    const elsewhere = await project({ 'tie.yaml': TIE })
    await symlink(elsewhere, join(root, 'elsewhere'))
    const { code, stdout } = await validate([root])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^not read \S+\/elsewhere: it is a link to a folder elsewhere; name the folder too\n/)
    expect((await validate([root, '--strict'])).code).toBe(1)
  })

  test('has links to files in it read where they stand, and names those that lead elsewhere', async () => {
    const root = await project({ 'auth.yaml': CLEAN, 'shared/roles.tf': '', 'shared/tie.yaml': TIE })
    await symlink(join(root, 'shared/tie.yaml'), join(root, 'linked.yaml'))
    expect((await found([root])).map(({ location }) => location.path)).toEqual([
      join(root, 'linked.yaml'),
      join(root, 'shared/tie.yaml'),
    ])
    const other = await project({ 'auth.yaml': CLEAN })
    await symlink(join(root, 'shared/tie.yaml'), join(other, 'linked.yaml'))
    await symlink(join(root, 'shared/none.yaml'), join(other, 'dead.yaml'))
    const { code, stdout } = await validate([other, '--strict'])
    expect(stdout).toMatch(/^not read \S+\/linked\.yaml: it is a link to a file elsewhere; name the file too\n/)
    expect(code).toBe(1)
  })

  test('gives the same from each folder below it', async () => {
    const include = (path: string) => `\${file(${path})}`
    const root = await project({
      'serverless.yml': `service: s\nresources:\n  - ${include('parts/groups.yml')}\n`,
      'parts/groups.yml': TIE,
      'infra/main.tf': 'module "m" {\n  source = "./m"\n}\n',
      'infra/m/main.tf': [1, 2]
        .map(
          (one): string => `resource "aws_cognito_user_group" "g${one}" {
  name         = "g${one}"
  precedence   = 1
  user_pool_id = "eu-west-1_Ab12Cd34e"
  role_arn     = "arn:aws:iam::111122223333:role/r${one}"
}
`,
        )
        .join(''),
    })
    const idsFrom = async (cwd: string, path: string): Promise<readonly string[]> => {
      const program = join(process.cwd(), 'src/cli/bin.ts')
      const args = [
        '--import',
        import.meta.resolve('tsx'),
        program,
        'validate',
        path,
        '--no-config',
        '--format',
        'json',
      ]
      const { stdout } = await promisify(execFile)(process.execPath, args, { cwd }).catch(
        (error: { readonly stdout: string }) => error,
      )
      return (JSON.parse(stdout) as { readonly findings: readonly Finding[] }).findings.map(
        ({ ruleId, location }) => `${ruleId} ${relative(root, resolve(cwd, location.path))}`,
      )
    }
    const expected = ['COG101 infra/m/main.tf', 'COG190 infra/m/main.tf', 'COG101 parts/groups.yml']
    expect(await idsFrom(root, '.')).toEqual(expected)
    expect(await idsFrom(join(root, 'infra/m'), '../..')).toEqual(expected)
    expect(await idsFrom(join(root, 'parts'), '../serverless.yml')).toEqual(expected.slice(2))
  }, 240_000)

  test('without Cognito resources is not a pass', async () => {
    const root = await project({ 'web.yaml': 'Resources:\n  Bucket: { Type: AWS::S3::Bucket }\n' })
    expect(await validate([root])).toEqual({
      code: 2,
      stdout: '',
      stderr: `rolecast: \`${root}\` has no Cognito resources; give a template, or the folder that has it [invalid-input]\n`,
    })
    const broken = await project({ 'auth.yaml': `${TIE}  x` })
    expect(await validate([broken])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^rolecast: skipped `\S+\/auth\.yaml:\d+:\d+` cannot be used: /),
    })
    expect(await validate([join(root, 'web.yaml')]), 'control: a file that is named is').toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^nothing in \S+\/web\.yaml: it has no Cognito resources\n/),
    })
  })

  test('of Terraform is one module', async () => {
    const root = await project({
      'groups.tf':
        'resource "aws_cognito_user_group" "a" {\n  name = "a"\n  user_pool_id = "eu-west-1_Ab12Cd34e"\n  precedence = 0\n  role_arn = aws_iam_role.a.arn\n}\n',
      'roles.tf': 'resource "aws_iam_role" "a" {\n  assume_role_policy = jsonencode({ Statement = [] })\n}\n',
    })
    expect(await ids([root])).toEqual(['COG190', 'COG110', 'COG120'])
    expect(await ids([join(root, 'groups.tf')]), 'control: a file alone').toEqual(['COG190', 'COG110'])
  })

  test('of several stacks is judged together where they share a pool', async () => {
    const of = (name: string) =>
      template(group(name, { precedence: 1, role: `arn:aws:iam::111122223333:role/${name}` })).replace(
        '!Ref Pool',
        '!ImportValue pool',
      )
    const root = await project({
      'cdk.out/A.template.json': toJson(of('a')),
      'cdk.out/B.template.json': toJson(of('b')),
    })
    expect(await ids([root])).toEqual(['COG101', 'COG190'])
  })

  test('whose pool no file defines is not all there is of that pool', async () => {
    const groups = template(group('a', { precedence: 1 })).replace('!Ref Pool', '!ImportValue pool')
    const definition =
      'Resources:\n  Pool: { Type: AWS::Cognito::UserPool }\nOutputs: { Out: { Value: !Ref Pool, Export: { Name: pool } } }\n'
    const root = await project({ 'groups.yaml': groups })
    const { code, stdout } = await validate([root, '--strict', '--format', 'json'])
    expect([code, (JSON.parse(stdout) as { readonly complete: boolean }).complete]).toEqual([1, false])
    expect(stdout).toContain('No file that was read defines the user pool')
    const whole = await project({ 'groups.yaml': groups, 'pool.yaml': definition })
    expect((await validate([whole, '--strict'])).code, 'control: with the file that defines it').toBe(0)
  })

  /** JSON is YAML, so YAML that stands in a file of JSON is read too. */
  function toJson(text: string): string {
    return text.replace('!ImportValue pool', '{ "Fn::ImportValue": pool }')
  }

  test('of Amplify is judged with its list of groups', async () => {
    const root = await project({})
    await cp('test/fixtures/templates/amplify', join(root, 'userPoolGroups'), { recursive: true })
    expect(await ids([root, '--only', 'COG140'])).toEqual([])
    await writeFile(
      join(root, 'userPoolGroups/user-pool-group-precedence.json'),
      '[{"groupName":"admins","precedence":9},{"groupName":"users","precedence":2}]',
    )
    expect(await ids([root, '--only', 'COG140'])).toEqual(['COG140'])
  })

  const BIG = `{"a":"AWS::Cognito::UserPoolGroup"${' '.repeat(50_000_001)}}`
  test('has what is too large in its report if it mentions groups, and on stderr too', async () => {
    const root = await project({ 'a.yaml': CLEAN, 'big.json': BIG })
    const { code, stdout } = await validate([root])
    expect(code).toBe(2)
    expect(stdout).toMatch(/skipped \S+\/big\.json: it is larger than 50 MB; check that it is a template\n/)
    const json = await validate([root, '--format', 'json'])
    expect(JSON.parse(json.stdout)).toMatchObject({ findings: [], complete: false, exitCode: 2, skipped: [{}] })
    expect(json.stderr).toMatch(/^rolecast: skipped \S+\/big\.json: it is larger than 50 MB; check/)
  })

  test('is not incomplete for what is too large and mentions none', async () => {
    const root = await project({ 'a.yaml': CLEAN, 'big.json': Buffer.alloc(50_000_001, ' ') })
    expect(await validate([root])).toEqual({
      code: 0,
      stdout: `nothing found, in 1 source\n${CLEAN_COVERAGE}`,
      stderr: '',
    })
  })

  test.each([
    ['JSON that is cut', 'a.json', '{"Resources":{"A":{"Type":"AWS::Cognito::UserPoolGroup",', 2],
    ['text that is not UTF-8', 'a.yaml', Buffer.from('Type: AWS::Cognito::UserPoolGroup # \xff', 'latin1'), 2],
    ['a part of a template that nothing includes', 'part.yaml', 'A:\n  Type: AWS::Cognito::UserPoolGroup\n', 0],
  ])('with %s is not clean', async (_, path, content, code) => {
    const root = await project({ 'auth.yaml': CLEAN, [path]: content })
    const run = await validate([root, '--format', 'json'])
    expect(run.code).toBe(code)
    const { complete, skipped, notRead } = JSON.parse(run.stdout) as Record<string, readonly { path: string }[]>
    expect(complete).toBe(false)
    expect([...skipped!, ...notRead!].map(one => one.path)).toEqual([join(root, path)])
    expect((await validate([root, '--strict'])).code).toBe(code === 2 ? 2 : 1)
  })

  test('with programs only is not a pass, and names each kind with its next step', async () => {
    const seed = 'aws cognito-idp create-group --group-name admins --user-pool-id "$POOL"\n'
    const stack = "import { CfnUserPoolGroup } from 'aws-cdk-lib/aws-cognito'\nnew CfnUserPoolGroup(this, 'G', {})\n"
    const root = await project({ 'seed.sh': seed, 'more.sh': seed, 'lib/auth.ts': stack })
    const { code, stdout, stderr } = await validate([root])
    expect(code).toBe(2)
    expect(stdout).toMatch(/^not read \S+\/lib\/auth\.ts: it is a CDK program.*; .*cdk synth/m)
    expect(stdout).toMatch(/^not read \S+\/more\.sh and \S+\/seed\.sh: each calls .*; .*user-pool-id/m)
    expect(stderr).toMatch(
      /^rolecast: incomplete: 1 skipped; instead of it, validate what the report names \[invalid-input\]\n$/,
    )
    const json = await validate([root, '--format', 'json'])
    expect(JSON.parse(json.stdout)).toMatchObject({ complete: false, exitCode: 2, notRead: [{}, {}, {}] })
    await writeFile(join(root, 'auth.yaml'), CLEAN)
    expect((await validate([root])).code, 'beside a template they do not fail the run').toBe(0)
    expect((await validate([root, '--strict'])).code).toBe(1)
  })

  describe('with programs whose templates are read', () => {
    const stack = "import { CfnUserPoolGroup } from 'aws-cdk-lib/aws-cognito'\nnew CfnUserPoolGroup(this, 'G', {})\n"
    const service = "export default { resources: { G: { Type: 'AWS::Cognito::UserPoolGroup' } } }\n"
    const template = JSON.stringify({ Resources: { Pool: { Type: 'AWS::Cognito::UserPool' } } })
    const notRead = async (files: Readonly<Record<string, string>>) => {
      const root = await project({ 'a.yaml': CLEAN, ...files })
      const { stdout } = await validate([root, '--format', 'json'])
      const report = JSON.parse(stdout) as { readonly notRead: readonly object[]; readonly complete: boolean }
      expect(report.complete).toBe(report.notRead.length === 0)
      return report.notRead.map(one => Object.keys(one))
    }
    const NOT_READ = [['path', 'why', 'next']]

    test.each<[string, Readonly<Record<string, string>>]>([
      ['of the CDK', { 'cdk.json': '{}', 'lib/auth.ts': stack, 'cdk.out/A.template.json': template }],
      ['in a folder', { 'infra/cdk.json': '{}', 'infra/a.ts': stack, 'infra/cdk.out/A.template.json': template }],
      ['of a project with no file of its own', { 'lib/auth.ts': stack, 'cdk.out/A.template.json': template }],
      ['of Amplify', { 'lib/auth.ts': stack, '.amplify/artifacts/cdk.out/a.nested.template.json': template }],
      ['of Serverless', { 'a/serverless.ts': service, 'a/.serverless/cloudformation-template.json': template }],
    ])('is complete without them: %s', async (_, files) => {
      expect(await notRead(files)).toEqual([])
    })

    test.each<[string, Readonly<Record<string, string>>]>([
      ['nothing is synthesised', { 'cdk.json': '{}', 'lib/auth.ts': stack }],
      ['another project is', { 'a/lib/auth.ts': stack, 'b/cdk.out/A.template.json': template }],
      ['the project around it is', { 'a/cdk.json': '{}', 'a/b.ts': stack, 'cdk.out/A.template.json': template }],
      ['another tool wrote it', { 'lib/auth.ts': stack, '.serverless/cloudformation-template.json': template }],
      ['what is there has nothing of Cognito', { 'lib/auth.ts': stack, 'cdk.out/A.template.json': '{}' }],
    ])('is not complete where %s', async (_, files) => {
      expect(await notRead(files)).toEqual(NOT_READ)
    })
  })

  test('with patterns that look like templates has them as not read', async () => {
    const root = await project({ 'auth.yaml': CLEAN, 'auth.yaml.j2': TIE, 'split.py': `TEMPLATE = """\n${TIE}"""\n` })
    const { notRead } = JSON.parse((await validate([root, '--format', 'json'])).stdout) as Record<string, unknown[]>
    expect(notRead).toHaveLength(2)
  })

  test('that cannot be listed is reported', async () => {
    const root = await project({ 'auth.yaml': CLEAN, 'closed/tie.yaml': TIE })
    const real = fs.readdir as unknown as (...given: readonly unknown[]) => void
    const closed = (path: unknown, ...rest: readonly unknown[]) => {
      if (!String(path).includes('closed')) return real(path, ...rest)
      const callback = rest.at(-1) as (error: unknown, entries: readonly never[]) => void
      callback(Object.assign(new Error('closed'), { code: 'EACCES' }), [])
    }
    const readdir = vi.spyOn(fs, 'readdir').mockImplementation(closed as never)
    const { code, stdout } = await validate([root]).finally(() => readdir.mockRestore())
    expect([code, stdout]).toEqual([
      2,
      expect.stringMatching(/^skipped \S+\/closed: the folder cannot be listed \(EACCES\)\n/),
    ])
  })
})

describe('files that others include', () => {
  const including = (path: string) => `service: demo
provider: { name: aws }
resources:
  Resources:
    Pool: { Type: AWS::Cognito::UserPool }
    Admins: \${file(${path}):Admins}
`
  const PART = `Admins:
  Type: AWS::Cognito::UserPoolGroup
  Properties: { GroupName: secret-name, UserPoolId: !Ref Pool, RoleArn: 'arn:aws:iam::111122223333:role/A' }
`

  test('are read, and judged where they stand', async () => {
    const root = await project({ 'serverless.yml': including('parts/groups.yml'), 'parts/groups.yml': PART })
    const [one] = await found([root, '--only', 'COG103'])
    expect(one!.location).toMatchObject({ path: join(root, 'parts/groups.yml'), line: 2 })
    const { read, notRead } = JSON.parse((await validate([root, '--format', 'json'])).stdout) as Record<string, unknown>
    expect(read).toEqual([join(root, 'serverless.yml'), join(root, 'parts/groups.yml')])
    expect(notRead).toEqual([])
    expect(await ids([join(root, 'serverless.yml'), '--only', 'COG103']), 'of a file that is named').toEqual(['COG103'])
  })

  test.each([
    ['from elsewhere', '../OTHER/groups.yml'],
    ['through a link that leads out', 'link.yml'],
    ['by an absolute path', '/etc/hostname'],
  ])('%s are not, and the report says so', async (_, path) => {
    const other = await project({ 'groups.yml': PART })
    const name = other.slice(other.lastIndexOf('/') + 1)
    const root = await project({ 'serverless.yml': including(path.replace('OTHER', name)) })
    await symlink(join(other, 'groups.yml'), join(root, 'link.yml'))
    const { stdout } = await validate([join(root, 'serverless.yml'), '--format', 'json'])
    expect(stdout).not.toContain('secret-name')
    expect((JSON.parse(stdout) as { readonly complete: boolean }).complete).toBe(false)
  })
})

describe('what a folder does not say', () => {
  const VARIABLE = `variable "ranks" {
  type = map(number)
}
resource "aws_cognito_user_group" "g" {
  for_each     = var.ranks
  name         = each.key
  precedence   = each.value
  user_pool_id = "eu-west-1_Ab12Cd34e"
  role_arn     = "arn:aws:iam::111122223333:role/\${each.key}"
}
`
  test("comes from Terraform's files of variables, the last of which wins", async () => {
    const root = await project({
      'infra/main.tf': VARIABLE,
      'tie.tfvars': 'ranks = { a = 1, b = 1 }\n',
      'clean.tfvars': 'ranks = { a = 1, b = 2 }\n',
    })
    const given = (...names: readonly string[]) => [
      join(root, 'infra'),
      ...names.flatMap(name => ['--var-file', join(root, name)]),
    ]
    expect(await ids(given())).toEqual(['COG190'])
    expect(await ids(given('tie.tfvars'))).toEqual(['COG101', 'COG190'])
    expect(await ids(given('tie.tfvars', 'clean.tfvars'))).toEqual(['COG190'])
    expect((await validate(given('no.tfvars'))).stderr).toMatch(
      /--var-file `\S+no\.tfvars` cannot be read \(ENOENT\); give a file that exists/,
    )
    await writeFile(join(root, 'broken.tfvars'), 'ranks = ["x')
    const broken = await validate([...given('broken.tfvars'), '--allow-skipped'])
    expect([broken.code, broken.stderr]).toEqual([2, expect.stringMatching(/1 skipped; fix it/)])
    await writeFile(join(root, 'config.json'), '{"varFiles":["tie.tfvars"]}')
    const { stdout } = await rolecast(['validate', join(root, 'infra'), '--config', join(root, 'config.json')])
    expect(stdout).toContain('COG101')
  })

  test('and is not allowed to be unknown, fails the run', async () => {
    const root = await project({ 'main.tf': VARIABLE })
    expect((await validate([root])).code).toBe(0)
    expect((await validate([root, '--strict'])).code).toBe(1)
    await writeFile(join(root, 'config.json'), '{"strict":true}')
    expect((await rolecast(['validate', root, '--config', join(root, 'config.json')])).code).toBe(1)
    expect((await validate([root, '--strict', '--allow-skipped'])).stderr).toMatch(/cannot be used with option/)
  })

  test('of the repository is given for its paths', async () => {
    const root = await project({ 'infra/auth.yaml': TIE })
    const [one] = await found([join(root, 'infra'), '--repository-root', root])
    expect([one!.location.path, one!.related[0]!.location.path]).toEqual(['infra/auth.yaml', 'infra/auth.yaml'])
    const none = await validate([join(root, 'infra'), '--repository-root', join(root, 'none'), '--format', 'json'])
    expect(none.stderr).toMatch(/--repository-root `\S+\/none` does not exist; give a folder that does/)
  })
})

describe('what cannot run', () => {
  const rows: [string, Readonly<Record<string, string | Uint8Array>>, readonly string[], RegExp][] = [
    ['no path', {}, [], /nothing to validate; give a template or a folder, or --user-pool-id ID/],
    ['a path that is not there', {}, ['ROOT/no.yaml'], /cannot be read \(ENOENT\); name a file or folder that exists/],
    [
      'a file of no known format',
      { 'a.yaml': 'a: 1\n' },
      ['ROOT/a.yaml'],
      /its format is unknown; give --format-in if it is a template/,
    ],
    [
      'a file that is malformed',
      { 'a.yaml': 'Resources:\n  A: { Type: AWS::Cognito::UserPool\n' },
      ['ROOT/a.yaml'],
      /a\.yaml:\d+:\d+` cannot be used/,
    ],
    [
      'a file that is no UTF-8',
      { 'a.yaml': new Uint8Array([0xc3, 0x28]) },
      ['ROOT/a.yaml'],
      /it is not UTF-8; write it in UTF-8/,
    ],
    [
      'a format for a folder',
      { 'a.yaml': CLEAN },
      ['ROOT', '--format-in', 'cloudformation'],
      /is a folder, but --format-in is for files/,
    ],
    [
      'a format that it is not',
      { 'a.yaml': CLEAN },
      ['ROOT/a.yaml', '--format-in', 'terraform-plan'],
      /the Terraform plan .* cannot be read: it is not JSON/,
    ],
    [
      'a rule that does not exist',
      { 'a.yaml': CLEAN },
      ['ROOT', '--only', 'COG999'],
      /unknown rule `COG999`; run `rolecast explain` to list the rules/,
    ],
    ['memberships of nothing', { 'a.yaml': CLEAN }, ['ROOT', '--memberships', 'x'], /--memberships needs a pool/],
    [
      'an identity pool of nothing',
      { 'a.yaml': CLEAN },
      ['ROOT', '--identity-pool-id', 'x'],
      /--identity-pool-id needs a live user pool/,
    ],
    [
      'a comparison of nothing',
      {},
      ['--against-pool-file', 'x'],
      /compare a template with a pool; give the template too/,
    ],
    [
      'a pool that nothing is compared with',
      { 'a.yaml': CLEAN },
      ['ROOT', '--against-pool', 'x'],
      /--against-pool names the pool of the template to compare/,
    ],
    [
      'a suggestion for programs',
      { 'a.yaml': CLEAN },
      ['ROOT', '--fix-suggestion', '--format', 'json'],
      /--fix-suggestion needs --format text/,
    ],
    [
      'an output that cannot be written',
      { 'a.yaml': CLEAN },
      ['ROOT', '--output', 'ROOT/no/x'],
      /cannot be written \(ENOENT\)/,
    ],
    [
      'two baselines',
      { 'a.yaml': CLEAN },
      ['ROOT', '--baseline', 'x', '--write-baseline', 'y'],
      /cannot be used with option/,
    ],
    [
      'a baseline that is none',
      { 'a.yaml': CLEAN, 'b.txt': '{}' },
      ['ROOT', '--baseline', 'ROOT/b.txt'],
      /the baseline .* cannot be used: version: /,
    ],
  ]
  test.each(rows)('%s', async (_, files, args, message) => {
    const root = await project(files)
    const { code, stdout, stderr } = await validate(args.map(arg => arg.replace('ROOT', root)))
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
  })
})

describe('text in UTF-16, as PowerShell writes it', () => {
  test('is read', async () => {
    const root = await project({ 'auth.yaml': Buffer.from(`\ufeff${TIE}`, 'utf16le') })
    expect(await ids([root])).toEqual(['COG101'])
  })
})

describe('suppressions', () => {
  const suppressed = (comment: string) =>
    template(
      group('admins', { precedence: 1, role: 'arn:aws:iam::111122223333:role/Admin', comment }),
      group('editors', { precedence: 1, role: 'arn:aws:iam::111122223333:role/Editor' }),
    )

  test('in a comment are marked and fail nothing', async () => {
    const root = await project({ 'auth.yaml': suppressed('  # rolecast:ignore COG101 nobody is in both\n') })
    const { code, stdout } = await validate([root])
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^suppressed \S+auth\.yaml:4:3 {2}COG101 tie-different-roles: nobody is in both \(\S+auth\.yaml:3:3\)\n\n1 suppressed, in 1 source\n1 pool, 2 groups, 0 role attachments, 2 roles, 0 trust policies checked\n$/,
    )
  })

  test.each([
    ['without a reason', '  # rolecast:ignore COG101\n', 'COG191'],
    ['that has expired', '  # rolecast:ignore COG101 exp=2020-01-01 nobody is in both\n', 'COG192'],
    ['of another rule', '  # rolecast:ignore COG104 nobody is in both\n', 'COG193'],
  ])('%s suppress nothing, and are found', async (_, comment, ruleId) => {
    const root = await project({ 'auth.yaml': suppressed(comment) })
    expect((await ids([root])).toSorted()).toEqual(['COG101', ruleId])
    expect((await validate([root])).code).toBe(1)
  })
})

describe('the config file', () => {
  const withConfig = async (config: unknown, files: Readonly<Record<string, string>> = { 'infra/auth.yaml': TIE }) => {
    const root = await project({
      ...files,
      'rolecast.config.json': typeof config === 'string' ? config : JSON.stringify(config),
    })
    return {
      root,
      run: (...args: readonly string[]) =>
        rolecast(['validate', root, '--config', join(root, 'rolecast.config.json'), '--format', 'json', ...args]),
    }
  }
  const json = async (run: Promise<{ readonly stdout: string }>) =>
    (JSON.parse((await run).stdout) as { readonly findings: readonly Finding[] }).findings

  test('sets what fails, and the command line comes before it', async () => {
    const { run } = await withConfig({ failOn: 'never' })
    expect((await run()).code).toBe(0)
    expect((await run('--fail-on', 'error')).code).toBe(1)
  })

  test('chooses rules and severities, and leaves files out', async () => {
    expect(await json((await withConfig({ ignore: ['COG101'] })).run())).toEqual([])
    expect(
      (await json((await withConfig({ severities: { COG101: 'note' } })).run())).map(({ severity }) => severity),
    ).toEqual(['note'])
    const { run } = await withConfig({ exclude: ['infra'] }, { 'infra/auth.yaml': TIE, 'other/auth.yaml': CLEAN })
    expect(await json(run())).toEqual([])
  })

  const reasons = async (more: object) => {
    const { run } = await withConfig({ suppressions: [{ rules: ['COG101'], reason: 'meant so', ...more }] })
    return (await json(run())).map(({ ruleId, suppressed }) => `${ruleId} ${suppressed?.reason}`).toSorted()
  }
  test.each([
    ['everywhere', {}],
    ['in a folder', { paths: ['infra'] }],
    ['in a file', { paths: ['infra/auth.yaml'] }],
    ['for the groups', { groups: ['editors', 'admins', 'others'] }],
    ['for the pool', { pools: ['Pool'] }],
  ])('suppresses %s', async (_, more) => {
    expect(await reasons(more)).toEqual(['COG101 meant so'])
  })

  test.each([
    ['in another folder', { paths: ['inf'] }],
    ['for other groups', { groups: ['admins'] }],
    ['for another pool', { pools: ['__proto__'] }],
  ])('control: not %s', async (_, more) => {
    expect(await reasons(more)).toEqual(['COG101 undefined', 'COG193 undefined'])
  })

  test.each([
    ['{', /the config .* cannot be used: it is not JSON/],
    ['[]', /the config .* cannot be used: invalid input: expected object/],
    [{ failon: 'error' }, /: an unknown key `failon` \(did you mean `failOn`\?\); its schema/],
    [{ only: ['COG999'] }, /only\.0: /],
    [{ severities: { COG999: 'note' } }, /unknown rule `COG999`/],
    [{ severities: { x: 'note' } }, /severities\.x: /],
    [{ suppressions: [{ rules: ['COG101'] }] }, /suppressions\.0\.reason: /],
    [{ suppressions: [{ rules: [], reason: 'x' }] }, /suppressions\.0\.rules: /],
    [{ suppressions: [{ rules: ['COG101'], reason: 'x', expires: '2027-02-30' }] }, /suppressions\.0\.expires: /],
  ])('%j is rejected', async (config, message) => {
    const { code, stderr } = await (await withConfig(config)).run()
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })

  test('that is named has to be there', async () => {
    expect(await rolecast(['validate', '-', '--config', join(folder, 'no.json')], CLEAN)).toMatchObject({ code: 2 })
  })
})

describe('a baseline', () => {
  test('makes an old project start clean, and what is new fails', async () => {
    const root = await project({ 'infra/auth.yaml': TIE })
    const baseline = join(root, 'rolecast.baseline.json')
    expect((await validate([root, '--write-baseline', baseline])).code).toBe(0)
    expect(JSON.parse(await readFile(baseline, 'utf8'))).toEqual({
      version: 1,
      findings: [{ path: 'infra/auth.yaml', key: '["COG101","Pool","admins","editors"]' }],
    })
    const known = await found([root, '--baseline', baseline])
    expect(known.map(({ ruleId, suppressed }) => [ruleId, suppressed?.reason])).toEqual([['COG101', 'in the baseline']])
    expect((await validate([root, '--baseline', baseline])).code).toBe(0)

    await writeFile(join(root, 'infra/auth.yaml'), `# one line more\n${TIE}`)
    expect((await validate([root, '--baseline', baseline])).code, 'lines may move').toBe(0)
    await writeFile(
      join(root, 'infra/auth.yaml'),
      TIE + group('billing', { precedence: 1, role: 'arn:aws:iam::111122223333:role/Billing' }),
    )
    expect((await validate([root, '--baseline', baseline])).code, 'a group more is another tie').toBe(1)
  })

  test('is for the file it was written for', async () => {
    const root = await project({ 'a.yaml': TIE })
    const baseline = join(root, 'known.json')
    await validate([root, '--write-baseline', baseline])
    await writeFile(join(root, 'b.yaml'), TIE)
    expect(
      (await found([root, '--baseline', baseline])).map(({ location, suppressed }) => [
        relative(root, location.path),
        suppressed !== undefined,
      ]),
    ).toEqual([
      ['a.yaml', true],
      ['b.yaml', false],
    ])
  })
})

describe('a suggestion', () => {
  test('gives numbers without ties, and edits nothing', async () => {
    const root = await project({ 'auth.yaml': TIE })
    const path = join(root, 'auth.yaml')
    const { stdout } = await validate([path, '--fix-suggestion'])
    expect(stdout).toMatch(
      new RegExp(
        `\nA renumbering of Pool without ties.*\n@@ ${path}:8:19 {2}admins\n- precedence 1\n\\+ precedence 10\n@@ ${path}:15:19 {2}editors\n- precedence 1\n\\+ precedence 20\n$`,
      ),
    )
    expect(await readFile(path, 'utf8')).toBe(TIE)
  })

  test.each<[string, string, string]>([
    [
      'a precedence that is unknown',
      group('staff', { precedence: '!Ref Prec' }),
      ':22:19  the precedence of `staff` is unknown',
    ],
    [
      'a precedence of several values',
      group('staff', { precedence: '!If [A, 3, 4]' }),
      ':22:19  the precedence of `staff` can be one of several values',
    ],
    [
      'a precedence that Cognito rejects',
      group('staff', { precedence: -1 }),
      ':22:19  the precedence of `staff` is not one that Cognito accepts',
    ],
    [
      'a role that is unknown',
      group('staff', { precedence: 3 }).replace('!GetAtt staffRole.Arn', '!Foo x'),
      ':23:16  the role of `staff` is unknown',
    ],
    [
      'a name that is unknown',
      group('staff', { precedence: 3 }).replace('GroupName: staff', 'GroupName: !Ref Name'),
      ':20:18  the name of `staff` is unknown',
    ],
    [
      'a name that another group has',
      group('staff', { precedence: 3 }).replace('GroupName: staff', 'GroupName: admins'),
      ':20:18  several groups have the name `admins`',
    ],
  ])('says why there is none: %s', async (_, other, reason) => {
    const root = await project({ 'auth.yaml': `${TIE}${other}` })
    const path = join(root, 'auth.yaml')
    const { stdout } = await validate([path, '--fix-suggestion'])
    expect(stdout).toContain('COG101')
    expect(stdout).toContain(
      '\nNo suggestion for Pool; it needs the name, the precedence and the role of every group of the pool\n',
    )
    expect(stdout).toContain(reason)
    expect(stdout).not.toContain('A renumbering')
  })

  test('says why there is none where an unknown precedence may tie, and names five groups at most', async () => {
    const unknown = Array.from({ length: 7 }, (_, index) => group(`g${index}`, { precedence: '!Ref Prec' }))
    const root = await project({ 'auth.yaml': template(...unknown) })
    const { stdout } = await validate([root, '--fix-suggestion'])
    expect(stdout.split('\nNo suggestion for Pool;')[1]!.match(/the precedence of `g\d` is unknown/g)).toHaveLength(5)
    expect(stdout.endsWith('\n  and 2 more\n')).toBe(true)
    const single = await project({ 'auth.yaml': template(unknown[0]!) })
    expect((await validate([single, '--fix-suggestion'])).stdout, 'one group cannot tie').not.toContain('No suggestion')
  })

  test('control: there is none without a tie', async () => {
    const root = await project({ 'auth.yaml': CLEAN })
    expect((await validate([root, '--fix-suggestion'])).stdout).toBe(`nothing found, in 1 source\n${CLEAN_COVERAGE}`)
  })
})

describe('a template against a pool', () => {
  const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`
  interface LiveGroup {
    readonly GroupName: string
    readonly Precedence?: number
    readonly RoleArn?: string
  }
  const pool = (...groups: readonly LiveGroup[]) =>
    JSON.stringify({ userPoolId: 'eu-west-1_Ab12Cd34e', Groups: groups })
  const TWO = template(
    group('admins', { precedence: 1, role: role('Admin') }),
    group('editors', { precedence: 5, role: role('Editor') }),
  )
  const live = {
    admins: { GroupName: 'admins', Precedence: 1, RoleArn: role('Admin') },
    editors: { GroupName: 'editors', Precedence: 5, RoleArn: role('Editor') },
  }
  const against = async (text: string, groups: readonly LiveGroup[], args: readonly string[] = [], users = '') => {
    const root = await project({ 'auth.yaml': text, 'pool.json': pool(...groups), 'users.ndjson': users })
    const more = users === '' ? [] : ['--memberships', join(root, 'users.ndjson')]
    return found([join(root, 'auth.yaml'), '--against-pool-file', join(root, 'pool.json'), ...more, ...args])
  }
  const shape = async (...args: Parameters<typeof against>) =>
    (await against(...args)).map(({ ruleId, severity, groups }) => `${ruleId} ${severity} ${groups.join()}`)

  const rows: [string, string, readonly LiveGroup[], readonly string[]][] = [
    ['that is as the template says', TWO, [live.admins, live.editors], []],
    [
      'with a group more',
      TWO,
      [live.admins, live.editors, { GroupName: '__proto__', Precedence: 0 }],
      ['COG170 warning __proto__'],
    ],
    [
      'with the group of an identity provider',
      TWO,
      [live.admins, live.editors, { GroupName: 'eu-west-1_Ab12Cd34e_Google' }],
      [],
    ],
    ['with a group less', TWO, [live.admins], ['COG173 note editors']],
    ['with another precedence', TWO, [live.admins, { ...live.editors, Precedence: 1 }], ['COG171 warning editors']],
    [
      'with a precedence that the template takes away',
      template(group('admins', { role: '' })),
      [{ GroupName: 'admins', Precedence: 0 }],
      ['COG172 warning admins'],
    ],
    ['with another role', TWO, [{ ...live.admins, RoleArn: role('Root') }, live.editors], ['COG174 warning admins']],
    [
      'with a role that the template takes away',
      template(group('admins', { precedence: 1, role: '' })),
      [live.admins],
      ['COG174 warning admins'],
    ],
    [
      'without a role that the template gives',
      TWO,
      [{ GroupName: 'admins', Precedence: 1 }, live.editors],
      ['COG174 warning admins'],
    ],
    [
      'whose role the template makes',
      `${template(group('admins', { precedence: 1 }))}  adminsRole: { Type: AWS::IAM::Role }\n`,
      [live.admins],
      [],
    ],
  ]
  test.each(rows)('%s', async (_, text, groups, expected) => {
    expect(await shape(text, groups, ['--ignore', 'COG190'])).toEqual(expected)
  })

  test('of Terraform, which sends 0 for a precedence that is taken away', async () => {
    const root = await project({
      'main.tf': 'resource "aws_cognito_user_group" "a" {\n  name = "a"\n  user_pool_id = "eu-west-1_Ab12Cd34e"\n}\n',
      'pool.json': pool({ GroupName: 'a', Precedence: 50 }),
    })
    const [one] = await found([join(root, 'main.tf'), '--against-pool-file', join(root, 'pool.json')])
    expect([one!.ruleId, one!.severity, one!.message]).toEqual([
      'COG172',
      'error',
      '`a` has precedence 50 in the pool and none in the template. Terraform sends 0 when the number is removed, and the group ranks first.',
    ])
  })

  test('says whom it reaches', async () => {
    const users = [
      '{"username":"alice","groups":["admins","editors"]}',
      '{"username":"bob","groups":["editors"]}',
      '{"username":"eve","groups":["ghosts"]}',
    ].join('\n')
    const findings = await against(TWO, [live.admins, { ...live.editors, Precedence: 0 }], [], users)
    expect(findings.map(({ ruleId, message }) => [ruleId, message])).toEqual([
      [
        'COG175',
        'The memberships name the group `ghosts` (users in it: 1), which neither the pool nor the template has.',
      ],
      [
        'COG171',
        'The precedence of `editors` changes from 0 to 5. This deployment changes the role of 1 of its 2 members: `alice`.',
      ],
    ])
  })

  test('can be suppressed like all else', async () => {
    const text = template(
      group('admins', { precedence: 2, role: role('Admin'), comment: '  # rolecast:ignore COG171 announced\n' }),
    )
    expect((await against(text, [live.admins])).map(({ suppressed }) => suppressed?.reason)).toEqual(['announced'])
  })

  test('is compared without what Cognito cannot have', async () => {
    const text = template(
      group('admins', { precedence: 1, role: role('Admin') }),
      group("''", { precedence: 1, role: '' }).replace("  ''", '  Nameless'),
    )
    expect(await shape(text, [live.admins], ['--ignore', 'COG152,COG102'])).toEqual([])
    const root = await project({ 'auth.yaml': text })
    expect(await validate([join(root, 'auth.yaml'), '--fix-suggestion', '--only', 'COG190'])).toMatchObject({ code: 0 })
  })

  const userPoolId = 'eu-west-1_Ab12Cd34e'
  const compare = (before: readonly Group[], now: readonly Group[]) => {
    const comparison = compareWithPool(fromPool({ userPoolId, groups: before }), userPoolId, {
      userPoolId,
      groups: now,
    })
    for (const { groupName } of now) comparison.add({ username: groupName, groups: [groupName, '__proto__'] })
    return comparison.findings().filter(({ ruleId }) => ruleId !== 'COG175')
  }
  const once = (groups: readonly Group[]) => [...new Map(groups.map(one => [one.groupName, one])).values()]

  test('a pool is as it is', () => {
    fc.assert(
      fc.property(pools, groups => {
        expect(compare(once(groups), once(groups).toReversed())).toEqual([])
      }),
    )
  })

  test('control: one that is not is found, once for each group that differs in one thing', () => {
    fc.assert(
      fc.property(
        pools.filter(groups =>
          groups.some(({ groupName }) => isGroupName(groupName) && !groupName.startsWith(userPoolId)),
        ),
        groups => {
          const now = once(groups)
          const one = now.find(({ groupName }) => isGroupName(groupName))
          const changed = { ...one!, precedence: one!.precedence === 77 ? 78 : 77 }
          expect(
            compare(
              now.map(group => (group === one ? changed : group)),
              now,
            ).map(({ ruleId, groups: names }) => [ruleId, names]),
          ).toEqual([['COG171', [one!.groupName]]])
        },
      ),
    )
  })

  test('is not guessed where there are several pools', async () => {
    const second = `${group('others', { precedence: 1, role: role('x') }).replace('Ref Pool', 'Ref Second')}  Second: { Type: AWS::Cognito::UserPool }\n`
    const root = await project({ 'auth.yaml': TWO + second, 'pool.json': pool(live.admins, live.editors) })
    const args = [join(root, 'auth.yaml'), '--against-pool-file', join(root, 'pool.json')]
    const { code, stderr } = await validate(args)
    expect(code).toBe(2)
    expect(stderr).toMatch(
      /the template has several pools with groups; give --against-pool with one of `Pool` \(.*\) or `Second` \(.*\), and fewer/,
    )
    expect(await ids([...args, '--against-pool', 'Pool'])).toEqual([])
    const unknown = await validate([...args, '--against-pool', 'Third'])
    expect(unknown.code).toBe(2)
    expect(unknown.stderr).toMatch(
      /the template has no pool `Third` with groups; give --against-pool with one of `Pool` \(.*\) or `Second` \(.*\)/,
    )
  })
})

describe('a live pool', () => {
  const userPoolId = 'eu-west-1_Ab12Cd34e'
  beforeEach(() => {
    stubCredentials(folder)
  })
  afterEach(() => vi.unstubAllEnvs())

  test('is judged by the same rules, and compared with a template', async () => {
    const groups = [
      { groupName: 'a', precedence: 1, roleArn: 'arn:aws:iam::111122223333:role/A' },
      { groupName: 'b', precedence: 1, roleArn: 'arn:aws:iam::111122223333:role/B' },
    ]
    await using endpoint = await startCognitoEndpoint({ userPoolId, groups })
    const root = await project({ 'users.ndjson': '{"username":"alice","groups":["a","b"]}\n' })
    const online = ['--endpoint-url', endpoint.url]
    expect(
      (await found(['--user-pool-id', userPoolId, ...online])).map(({ ruleId, location }) => [ruleId, location]),
    ).toEqual([['COG101', { path: userPoolId, construct: 'a' }]])
    expect(await ids(['--user-pool-id', userPoolId, '--memberships', join(root, 'users.ndjson'), ...online])).toEqual([
      'COG101',
      'COG161',
    ])
    expect(
      await ids(
        ['-', '--against-user-pool-id', userPoolId, ...online],
        template(group('a', { precedence: 1, role: 'arn:aws:iam::111122223333:role/A' })),
      ),
    ).toEqual(['COG170'])
  })
})

describe('the page', () => {
  test('names options that exist', async () => {
    const page = (await readFile('docs/validate.md', 'utf8')).replace('`pulumi preview --json`', '')
    const help = (await rolecast(['validate', '--help'])).stdout
    const options = new Set([...page.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)].map(([option]) => option))
    for (const option of options) expect(help).toContain(option)
    expect(options.size).toBeGreaterThan(10)
    expect(help, 'control').not.toContain('--no-such-option')
  })
})

describe('what is not followed, and says nothing of Cognito', () => {
  const stack =
    'Resources: { Part: { Type: AWS::CloudFormation::Stack, Properties: { TemplateURL: https://s3.amazonaws.com/b/p.yaml } } }\n'
  test.each([
    ['root.yaml', stack],
    ['main.tf', 'module "part" {\n  source = "acme/part/aws"\n}\n'],
    ['serverless.yml', 'service: x\nprovider: { name: aws }\nresources:\n  - ${file(missing.yml)}\n'],
  ])('%s is read in part, is not complete, and fails with --strict', async (name, text) => {
    const root = await project({ [name]: text })
    for (const path of [root, join(root, name)]) {
      const { code, stdout } = await validate([path, '--format', 'json'])
      const { complete, read, notRead, findings } = JSON.parse(stdout)
      expect([code, complete, findings, read.length]).toEqual([0, false, [], 1])
      expect(notRead).toEqual([
        { path: read[0], why: expect.stringContaining('not followed'), next: expect.any(String) },
      ])
      expect(await validate([path, '--strict'])).toMatchObject({ code: 1 })
      expect((await validate([path])).stdout).toContain('read in part')
      expect((await validate([path, '--strict', '--format', 'github'])).stdout).toContain('::error file=')
    }
  })

  test('a nested stack that is among the files is followed', async () => {
    const root = await project({
      'root.yaml': stack.replace(/https:[^ ]*/, './p.yaml'),
      'p.yaml': 'Resources: { Q: { Type: AWS::SQS::Queue } }\n',
      'c.yaml': CLEAN,
    })
    const { stdout } = await validate([root, '--format', 'json', '--strict'])
    expect(JSON.parse(stdout)).toMatchObject({ complete: true, notRead: [] })
  })
})

describe('what cannot be parsed, and says nothing of Cognito', () => {
  test.each([
    ['a.yaml', 'Resources:\n  A:\n    Type: AWS::S3::Bucket\n    Properties: { X: [\n'],
    ['a.json', '{ "Resources": { "A": { "Type": "AWS::CloudFormation::Stack", "Prop'],
    ['a.tf', 'resource "aws_s3_bucket" "x" {\n'],
  ])('%s is skipped, named or in a folder', async (name, text) => {
    const root = await project({ [name]: text, 'clean.yaml': CLEAN })
    expect(await validate([join(root, name)])).toMatchObject({ code: 2 })
    expect(await validate([root])).toMatchObject({ code: 2 })
  })

  test('other YAML is none of it', async () => {
    const root = await project({ 'clean.yaml': CLEAN, 'k8s.yaml': 'kind: Service\nspec: [\n', 'ci.yml': 'jobs: {\n' })
    expect(await validate([root, '--strict'])).toMatchObject({ code: 0 })
  })
})

describe('rules that are switched off', () => {
  test('no rule at all is an error', async () => {
    const root = await project({ 'a.yaml': CLEAN })
    expect(await validate([root, '--only', 'COG101', '--ignore', 'COG101'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no rule is left to run'),
    })
  })

  test('the report names them and what switched them off, and they do not fail a strict run', async () => {
    const root = await project({ 'a.yaml': CLEAN, 'rules.json': '{"ignore":["COG101"]}' })
    const run = (...args: string[]) =>
      rolecast(['validate', join(root, 'a.yaml'), '--config', join(root, 'rules.json'), ...args])
    expect(await run('--strict')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/rules not run: COG101 \(.*rules\.json/),
    })
    expect(JSON.parse((await run('--format', 'json')).stdout)).toMatchObject({
      complete: true,
      rulesOff: [{ ruleId: 'COG101', by: expect.stringContaining('rules.json') }],
    })
    expect((await run('--format', 'markdown')).stdout).toContain('Rules not run: COG101')
    expect((await run('--format', 'junit')).stdout).toContain('name="rulesOff"')
    expect((await run('--format', 'github')).stdout).toContain('::notice title=')
    const [{ invocations }] = JSON.parse((await run('--format', 'sarif')).stdout).runs
    expect(invocations[0].ruleConfigurationOverrides).toMatchObject([
      { descriptor: { id: 'COG101' }, configuration: { enabled: false } },
    ])
    expect((await run('--format', 'github', '--ignore', 'COG102')).stdout).not.toContain('::notice title=')
  })
})
