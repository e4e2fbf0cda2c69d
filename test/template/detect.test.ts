import { readFile } from 'node:fs/promises'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRolecastError } from '../../src/errors.js'
import {
  detectFormat,
  mergeInfrastructures,
  readTemplate,
  TEMPLATE_FORMATS,
  type TemplateFormat,
  validateTemplate,
} from '../../src/template/index.js'
import { validateAll } from '../../src/rules/validate.js'
import { failureOf } from '../failure-of.js'

const FIXTURES = 'test/fixtures/templates'
const read = (path: string) => readFile(`${FIXTURES}/${path}`, 'utf8')

describe('a format is told by the content', () => {
  const files: [string, TemplateFormat][] = [
    ['amplify/amplify_outputs.json', 'amplify'],
    ['amplify/user-pool-group-precedence.json', 'amplify'],
    ['amplify/template.json', 'cloudformation'],
    ['cdk/Auth.template.json', 'cloudformation'],
    ['cloudformation/attachments.yaml', 'cloudformation'],
    ['cloudformation/merged.yaml', 'cloudformation'],
    ['cloudformation/suppressed.yaml', 'cloudformation'],
    ['cloudformation/unresolved.yaml', 'cloudformation'],
    ['pulumi/preview.json', 'pulumi-preview'],
    ['pulumi/Pulumi.yaml', 'pulumi-yaml'],
    ['pulumi/stack.json', 'pulumi-stack'],
    ['sam/template.yaml', 'cloudformation'],
    ['serverless/parts.yml', 'serverless'],
    ['serverless/serverless.yml', 'serverless'],
    ['terraform/main.tf', 'terraform-source'],
    ['terraform/plan.json', 'terraform-plan'],
    ['terraform/state.json', 'terraform-plan'],
  ]
  test.each(files)('%s is %s, even from stdin', async (path, format) => {
    expect(detectFormat(await read(path))).toBe(format)
  })

  const texts: [string, string, TemplateFormat | undefined][] = [
    ['a template in braces', '{ Resources: { A: { Type: AWS::Cognito::UserPool } } }', 'cloudformation'],
    ['a template with quoted keys', '"Resources":\n  "A":\n    "Type": "AWS::Cognito::UserPool"\n', 'cloudformation'],
    [
      'a template behind a comment and a mark',
      '# Auth\n---\nResources:\n  A: { Type: AWS::IAM::Role }\n',
      'cloudformation',
    ],
    ['a template that is indented', '  Resources:\n    A:\n      Type: AWS::IAM::Role\n', 'cloudformation'],
    ['a template with Windows line ends', 'Resources:\r\n  A:\r\n    Type: AWS::IAM::Role\r\n', 'cloudformation'],
    ['a template of nothing', 'AWSTemplateFormatVersion: 2010-09-09\nResources: {}\n', 'cloudformation'],
    ['a serverless.json', '{"service":"shop","provider":{"name":"aws"}}', 'serverless'],
    [
      'a raw state, which its reader rejects',
      '{"version":4,"terraform_version":"1.9.0","lineage":"x","resources":[]}',
      'terraform-plan',
    ],
    ['events of Terraform, which its reader rejects', '{"@level":"info"}\n{"@level":"info"}\n', 'terraform-plan'],
    ['events of Pulumi, which its reader rejects', '{"sequence":0}\n{"sequence":1}\n', 'pulumi-preview'],
    ['a preview of nothing', '{"changeSummary":{"same":3}}', 'pulumi-preview'],
    ['a Pulumi program in JSON', '{"resources":{"g":{"type":"aws:cognito:UserGroup"}}}', 'pulumi-yaml'],
    [
      'a Pulumi program with quotes',
      'resources:\n  "g":\n    "type": "aws:cognito/userGroup:UserGroup"\n',
      'pulumi-yaml',
    ],
    [
      'a Pulumi program in braces',
      'resources:\n  g: { type: "aws:cognito:UserGroup", properties: {} }\n',
      'pulumi-yaml',
    ],
    ['a Pulumi project without resources', 'name: shop\nruntime: nodejs\n', undefined],
    ['a stack that was never updated', '{"version":3,"deployment":{"manifest":{}}}', 'pulumi-stack'],
    ['another deployment', '{"version":3,"deployment":{"name":"x"}}', undefined],
    ['groups of a user pool', '{"Groups":[{"GroupName":"a","UserPoolId":"eu-west-1_a"}]}', 'user-pool'],
    ['the same in YAML', 'Groups:\n- GroupName: a\n  UserPoolId: eu-west-1_a\n', 'user-pool'],
    ['a snapshot', '{"version":1,"userPoolId":"eu-west-1_a","takenAt":1,"Groups":[]}', 'user-pool'],
    ['groups of IAM', '{"Groups":[{"GroupName":"a","GroupId":"AGPA","Arn":"arn:aws:iam::1:group/a"}]}', undefined],
    ['a program that calls `defineAuth`', "import { defineAuth } from '@aws-amplify/backend'\n", 'amplify'],
    ['a compose file', 'services:\n  web:\n    image: nginx\n', undefined],
    ['another file with `Resources`', 'Resources:\n  - a\n  - b\n', undefined],
    ['a package.json', '{"name":"x","version":"1.0.0"}', undefined],
    ['a workflow with steps', '{"steps":[{"uses":"actions/checkout"}]}', undefined],
    ['a list', '[1,2]', undefined],
    ['an empty list', '[]', undefined],
    ['a nested `Resources`', 'a:\n  Resources:\n    A: { Type: AWS::IAM::Role }\n', undefined],
    ['nothing', '', undefined],
    ['what is no JSON', '{"a":', undefined],
    ['own keys only', '{"__proto__":{"format_version":"1.2","values":{}}}', undefined],
  ]
  test.each(texts)('%s', (_, text, format) => {
    expect(detectFormat(text)).toBe(format)
  })

  test('a text in a program is a part of it, and a pattern is not a template', () => {
    const template = 'Resources:\n  A: { Type: AWS::IAM::Role }\n'
    for (const path of ['a.test.ts', 'seed.py', 'deploy.sh']) expect(detectFormat(template, path)).toBeUndefined()
    expect(detectFormat(`${template}  B: {{ b }}\n`, 'a.yaml.j2')).toBeUndefined()
    expect(detectFormat(template, 'a.yaml.j2'), 'control').toBe('cloudformation')
    expect(detectFormat(template, 'a.yaml'), 'control').toBe('cloudformation')
  })

  test('and for HCL by the end of the path', () => {
    expect(detectFormat('locals {}\n', 'a/main.tf')).toBe('terraform-source')
    expect(detectFormat('{"locals":{}}', 'a/main.tf.json')).toBe('terraform-source')
    expect(detectFormat('locals {}\n', 'a/main.txt')).toBeUndefined()
  })

  test('any text has a format or none, and reading it gives data or a rolecast error', async () => {
    const seeds = await Promise.all(
      files.filter(([path]) => !path.startsWith('terraform/')).map(([path]) => read(path)),
    )
    const cut = fc
      .tuple(fc.constantFrom(...seeds), fc.nat(4000), fc.nat(40), fc.string({ maxLength: 5 }))
      .map(([text, at, length, put]) => text.slice(0, at % text.length) + put + text.slice((at % text.length) + length))
    await fc.assert(
      fc.asyncProperty(cut, async text => {
        const format = detectFormat(text)
        expect([undefined, ...TEMPLATE_FORMATS]).toContain(format)
        try {
          const { paths } = await readTemplate(text, { path: 'x' })
          expect(paths).toEqual(['x'])
        } catch (error) {
          expect(isRolecastError(error) && error.code).toBe('invalid-input')
        }
      }),
      { numRuns: 60 },
    )
  })
})

describe('readTemplate', () => {
  test('takes the format that is given', async () => {
    expect((await readTemplate('Resources: {}', { format: 'cloudformation' })).format).toBe('cloudformation')
    expect(await failureOf(() => readTemplate('Resources: {}'))).toMatchObject({ code: 'invalid-input' })
    expect(await failureOf(() => readTemplate('{}', { format: 'terraform-plan' }))).toMatchObject({
      code: 'invalid-input',
    })
  })

  test('rejects a format that does not exist', async () => {
    expect(await failureOf(() => readTemplate('{}', { format: '__proto__' as TemplateFormat }))).toMatchObject({
      code: 'invalid-option',
      message: `unknown format \`__proto__\`; use one of ${TEMPLATE_FORMATS.join(', ')}`,
    })
  })
})

const tie = (comment = '') => `Resources:
  Pool: { Type: AWS::Cognito::UserPool }
  AdminRole: { Type: AWS::IAM::Role }
  EditorRole: { Type: AWS::IAM::Role }
  ${comment}
  Admins:
    Type: AWS::Cognito::UserPoolGroup
    Properties: { GroupName: admins, UserPoolId: !Ref Pool, Precedence: 1, RoleArn: !GetAtt AdminRole.Arn }
  Editors:
    Type: AWS::Cognito::UserPoolGroup
    Properties: { GroupName: editors, UserPoolId: !Ref Pool, Precedence: 1, RoleArn: !GetAtt EditorRole.Arn }
`

describe('validateTemplate', () => {
  test('finds a tie with its location', async () => {
    const [finding] = await validateTemplate(tie(), { path: 'auth.yaml', only: ['COG101'] })
    expect(finding).toMatchObject({
      ruleId: 'COG101',
      severity: 'error',
      groups: ['admins', 'editors'],
      location: { path: 'auth.yaml', line: 6, column: 3 },
    })
  })

  test('marks it where a comment says that it is intended, until the day it expires', async () => {
    const text = tie('# rolecast:ignore COG101 exp=2027-01-01 nobody is in both')
    const at = (now: string) => validateTemplate(text, { only: ['COG101', 'COG192'], now: Date.parse(now) })
    expect((await at('2026-12-31T23:59:59Z')).map(({ ruleId, suppressed }) => [ruleId, suppressed?.reason])).toEqual([
      ['COG101', 'nobody is in both'],
    ])
    expect((await at('2027-01-01T00:00:00Z')).map(({ ruleId, suppressed }) => [ruleId, suppressed])).toEqual([
      ['COG192', undefined],
      ['COG101', undefined],
    ])
  })
})

describe('files that belong together', () => {
  const stack = (resources: string, path: string) =>
    readTemplate(`Resources:\n${resources}`, { path, format: 'cloudformation' })
  const group = (name: string, pool: string, role = `!ImportValue ${name}-role`) =>
    `  ${name}: { Type: AWS::Cognito::UserPoolGroup, Properties: { GroupName: ${name}, UserPoolId: ${pool}, Precedence: 1, RoleArn: ${role} } }\n`
  const attachment = (id: string, pool: string) =>
    `  ${id}: { Type: AWS::Cognito::IdentityPoolRoleAttachment, Properties: { IdentityPoolId: ${pool}, Roles: { authenticated: 'arn:aws:iam::111122223333:role/a' } } }\n`
  const IDENTITY_POOL = 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6'

  const rulesOf = (infrastructures: Parameters<typeof mergeInfrastructures>[0]) => [
    ...new Set(
      validateAll(mergeInfrastructures(infrastructures), { today: '2026-11-23', ignore: ['COG190'] }).map(
        ({ ruleId }) => ruleId,
      ),
    ),
  ]

  test('two stacks with groups of one imported pool, in one folder: a tie across them', async () => {
    const [a, b] = [
      await stack(group('a', '!ImportValue pool'), 'x/a.yaml'),
      await stack(group('b', '!ImportValue pool'), 'x/b.yaml'),
    ]
    expect(mergeInfrastructures([a, b])).toHaveLength(1)
    expect(rulesOf([a, b])).toEqual(['COG101'])
    expect(rulesOf([a]), 'control').toEqual([])
  })

  test.each([
    ['another folder', 'y/b.yaml', group('b', '!ImportValue pool')],
    ['another export', 'x/b.yaml', group('b', '!ImportValue other')],
    ['a pool of its own', 'x/b.yaml', group('b', '!Ref Pool')],
    ['a copy', 'x/b.yaml', group('a', '!ImportValue pool')],
  ])('control: not with %s', async (_, path, resources) => {
    const infrastructures = [await stack(group('a', '!ImportValue pool'), 'x/a.yaml'), await stack(resources, path)]
    expect(mergeInfrastructures(infrastructures)).toEqual(infrastructures)
  })

  test('two attachments of one identity pool by its id, in any folders', async () => {
    const [a, b] = [
      await stack(attachment('A', IDENTITY_POOL), 'x/a.yaml'),
      await stack(attachment('B', IDENTITY_POOL), 'y/b.yaml'),
    ]
    expect(rulesOf([a, b])).toEqual(['COG137'])
    const copy = await stack(attachment('A', IDENTITY_POOL), 'y/b.yaml')
    expect(rulesOf([a, copy]), 'control: a copy').toEqual([])
  })

  test('ids that both files have stay two things, and a comment is for its own file', async () => {
    const role = '  Role: { Type: AWS::IAM::Role }\n'
    const text = (name: string, comment = '') =>
      `Resources:\n${role}${comment}${group(name, '!ImportValue pool', '!GetAtt Role.Arn')}`
    const a = await readTemplate(text('a', '  # rolecast:ignore COG101 intended\n'), { path: 'a.yaml' })
    const b = await readTemplate(text('b'), { path: 'b.yaml' })
    const [merged] = mergeInfrastructures([a, b])
    expect(merged!.roles.map(({ id }) => id)).toEqual(['a.yaml: Role', 'b.yaml: Role'])
    expect(merged!.groups.map(({ id, pool, role: of }) => [id, pool, of.is === 'known' && of.value.id])).toEqual([
      ['a', '${Fn::ImportValue("pool")}', 'a.yaml: Role'],
      ['b', '${Fn::ImportValue("pool")}', 'b.yaml: Role'],
    ])
    expect(
      validateAll([merged!], { today: '2026-11-23', only: ['COG101'] }).map(({ suppressed }) => suppressed?.reason),
    ).toEqual(['intended'])
  })

  test("Amplify's list of groups with the template below its folder", async () => {
    const template = await readTemplate(await read('amplify/template.json'), {
      path: 'amplify/backend/auth/userPoolGroups/template.json',
    })
    const list = (text: string) =>
      readTemplate(text, { path: 'amplify/backend/auth/userPoolGroups/user-pool-group-precedence.json' })
    const agrees = await list(await read('amplify/user-pool-group-precedence.json'))
    expect(rulesOf([template, agrees])).not.toContain('COG140')
    const differs = await list('[{"groupName":"admins","precedence":7}]')
    expect(rulesOf([differs, template])).toContain('COG140')
    expect(rulesOf([differs]), 'control: alone it says nothing').toEqual([])
    expect(
      mergeInfrastructures([
        differs,
        template,
        { ...template, paths: ['amplify/backend/auth/userPoolGroups/other.json'] },
      ]),
      'control: which of two templates is not guessed',
    ).toHaveLength(3)
  })
})
