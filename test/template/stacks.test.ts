import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Infrastructure, Value } from '../../src/rules/infrastructure.js'
import { validateInfrastructure } from '../../src/rules/validate.js'
import { readCloudFormation } from '../../src/template/cloudformation/resources.js'
import { readStacks } from '../../src/template/cloudformation/stacks.js'
import { detectFormat } from '../../src/template/detect.js'
import type { Reading } from '../../src/template/reading.js'

type Files = Readonly<Record<string, string>>

/** Files that are of a format are of the scan; the others are in reach. */
function read(files: Files): Reading {
  const all = new Map(Object.entries(files))
  return readStacks(
    [...all].flatMap(([path, text]) => {
      const format = detectFormat(text, path)
      return format === 'cloudformation' || format === 'serverless' ? [{ path, text, format }] : []
    }),
    { open: path => all.get(path) },
  )
}

function only({ infrastructures }: Reading): Infrastructure {
  const withGroups = infrastructures.filter(({ groups }) => groups.length > 0)
  expect(withGroups).toHaveLength(1)
  return withGroups[0]!
}

function found(reading: Reading): readonly string[] {
  return reading.infrastructures
    .flatMap(one => validateInfrastructure(one))
    .map(({ ruleId, severity, groups }) => [ruleId, severity, ...groups].join(' '))
    .toSorted()
}

function messages(reading: Reading, rule: string): readonly string[] {
  return reading.infrastructures
    .flatMap(one => validateInfrastructure(one))
    .filter(({ ruleId }) => ruleId === rule)
    .map(({ message }) => message)
}

function bare(value: Value<unknown> | undefined): unknown {
  if (value?.is === 'known') return value.value
  if (value?.is === 'one-of') return value.values.map(bare)
  return value?.is === 'unknown' ? `? ${value.why}` : value?.is
}

function groupsOf({ groups }: Infrastructure) {
  return groups.map(({ id, pool, precedence, role, location }) => [
    id,
    pool,
    bare(precedence),
    bare(role),
    `${location.path}:${location.line}`,
  ])
}

const group = (name: string, more: string, pool = '!Ref Pool') =>
  `  ${name}: { Type: AWS::Cognito::UserPoolGroup, Properties: { GroupName: ${name.toLowerCase()}, UserPoolId: ${pool}, ${more} } }\n`
const role = (name: string, service = 'lambda.amazonaws.com') =>
  `  ${name}: { Type: AWS::IAM::Role, Properties: { AssumeRolePolicyDocument: { Statement: { Effect: Allow, Principal: { Service: ${service} }, Action: 'sts:AssumeRole' } } } }\n`
const arn = (name: string) => `'arn:aws:iam::111122223333:role/${name}'`
const POOL = '  Pool: { Type: AWS::Cognito::UserPool }\n'
const exported = (name: string, value = '!Ref Pool') =>
  `Outputs: { Out: { Value: ${value}, Export: { Name: ${name} } } }\n`
const exporter = (name: string) =>
  `Resources:\n${POOL}${group('Admins', `Precedence: 1, RoleArn: ${arn('A')}`)}${exported(name)}`
const importer = (name: string, more = '') =>
  `${more}Resources:\n${group('Editors', `Precedence: 1, RoleArn: ${arn('B')}`, name)}`
const TIE = ['COG101 error admins editors']

describe('exports and imports', () => {
  test('a pool that is exported is the pool of the groups that import it', () => {
    const reading = read({ 'pool.yaml': exporter('the-pool'), 'app/groups.yaml': importer('!ImportValue the-pool') })
    expect(groupsOf(only(reading)).map(([id, pool, , , at]) => [id, pool, at])).toEqual([
      ['Admins', 'Pool', 'pool.yaml:3'],
      ['Editors', 'Pool', 'app/groups.yaml:2'],
    ])
    expect(found(reading)).toEqual(TIE)
  })

  test('control: another name is another pool', () => {
    expect(found(read({ 'a.yaml': exporter('the-pool'), 'b.yaml': importer('!ImportValue other-pool') }))).toEqual([
      'COG190 note',
    ])
  })

  test.each<[string, string, string, boolean]>([
    [
      'a Sub with the name of the stack',
      "!Sub '${AWS::StackName}-PoolId'",
      "{ Fn::ImportValue: !Sub '${Auth}-PoolId' }",
      true,
    ],
    ['a name of that form', "!Sub '${AWS::StackName}-PoolId'", '!ImportValue auth-prod-PoolId', true],
    [
      'a Join',
      "!Join ['-', [!Ref AWS::StackName, PoolId]]",
      "{ Fn::ImportValue: !Join ['', [!Ref Auth, -PoolId]] }",
      true,
    ],
    ['the same region in both', "!Sub '${AWS::Region}-pool'", "{ Fn::ImportValue: !Sub '${AWS::Region}-pool' }", true],
    ['a name of another form', "!Sub '${AWS::StackName}-PoolId'", '!ImportValue auth-prod-RoleArn', false],
    ['a name whose beginning differs', "!Sub 'x-${AWS::StackName}-PoolId'", '!ImportValue auth-prod-PoolId', false],
    ['nothing but a parameter', "!Sub '${AWS::StackName}-PoolId'", '{ Fn::ImportValue: !Ref Auth }', false],
    ['an end that says little', "!Sub '${AWS::StackName}-id'", '!ImportValue auth-prod-id', false],
  ])('a name with holes is found where its text tells: %s', (_, name, imported, joins) => {
    const reading = read({
      'a.yaml': exporter(name),
      'b.yaml': importer(imported, 'Parameters: { Auth: { Type: String } }\n'),
    })
    expect(found(reading).includes(TIE[0]!)).toBe(joins)
  })

  test('a role that is imported is judged by its definition', () => {
    const roles = `Resources:\n${role('Bad')}${exported('bad-arn', '!GetAtt Bad.Arn')}`
    const groups = `Resources:\n${POOL}${group('Editors', 'Precedence: 1, RoleArn: !ImportValue bad-arn')}`
    const reading = read({ 'roles.yaml': roles, 'groups.yaml': groups })
    expect(groupsOf(only(reading))[0]![3]).toEqual({ kind: 'resource', id: 'Bad' })
    expect(found(reading)).toEqual(['COG120 error editors'])
    expect(found(read({ 'groups.yaml': groups }))).not.toContain('COG120 error editors')
  })

  test('precedences are imported too', () => {
    const reading = read({
      'ranks.yaml':
        'Resources: { T: { Type: AWS::SNS::Topic } }\nOutputs: { R: { Value: 1, Export: { Name: editor-rank } } }\n',
      'groups.yaml': `Resources:\n${POOL}${group('Admins', `Precedence: 1, RoleArn: ${arn('A')}`)}${group('Editors', `Precedence: !ImportValue editor-rank, RoleArn: ${arn('B')}`)}`,
    })
    expect(found(reading)).toEqual(TIE)
  })

  test('the nearest folder counts', () => {
    const stage = (name: string, precedence: number) => ({
      [`${name}/pool.yaml`]: exporter('the-pool'),
      [`${name}/groups.yaml`]: importer('!ImportValue the-pool').replace('Precedence: 1', `Precedence: ${precedence}`),
    })
    const reading = read({ ...stage('dev', 1), ...stage('prod', 2) })
    expect(reading.infrastructures.map(({ paths }) => paths)).toEqual([
      ['dev/pool.yaml', 'dev/groups.yaml'],
      ['prod/pool.yaml', 'prod/groups.yaml'],
    ])
    expect(found(reading)).toEqual(TIE)
  })

  test('with several equally near files, it is not known which one is used, and that is reported', () => {
    const reading = read({
      'a/pool.yaml': exporter('the-pool'),
      'b/pool.yaml': exporter('the-pool'),
      'groups.yaml': importer('!ImportValue the-pool'),
    })
    expect(found(reading)).toEqual(['COG190 note'])
    expect(messages(reading, 'COG190')).toEqual([
      'The user pool of `Editors` is not known: of several exports of that name, `a/pool.yaml`, `b/pool.yaml` have it, and it is not known which one is used.',
    ])
  })

  test('what has one id in two stacks has the path before it', () => {
    const other = `Resources:\n  Pool: { Type: AWS::Cognito::UserPool }\n${group('Admins', 'Precedence: 5')}${group('Editors', `Precedence: 1, RoleArn: ${arn('B')}`, '!ImportValue the-pool')}`
    const reading = read({ 'a.yaml': exporter('the-pool'), 'b.yaml': other })
    expect(groupsOf(only(reading)).map(([id, pool]) => [id, pool])).toEqual([
      ['a.yaml: Admins', 'a.yaml: Pool'],
      ['b.yaml: Admins', 'b.yaml: Pool'],
      ['Editors', 'a.yaml: Pool'],
    ])
  })

  test('imports in a circle end', () => {
    const stack = (own: string, other: string) =>
      `Resources:\n${group('G', `Precedence: !ImportValue ${other}`)}${exported(own, `!ImportValue ${other}`)}`
    const reading = read({ 'a.yaml': stack('x1', 'x2'), 'b.yaml': stack('x2', 'x1') })
    expect(groupsOf(only(reading)).map(([, , precedence]) => precedence)).toEqual([
      '? an import comes from another stack',
      '? an import comes from another stack',
    ])
  })

  test('a chain of a thousand imports ends', () => {
    const stack = (index: number) =>
      `Resources:\n${group('Cognito', 'Precedence: 1')}${exported(`pool-${index}`, `!ImportValue pool-${index + 1}`)}`
    const files = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`s${index}.yaml`, stack(index)]))
    const last = `Resources:\n${group('First', 'Precedence: 1', '!ImportValue pool-0')}`
    expect(read({ ...files, 'last.yaml': last }).failures).toEqual([])
  })

  test('a file that cannot be read is a failure, whatever it mentions', () => {
    const reading = read({
      'queue.yaml': 'Resources: { Q: { Type: AWS::SQS::Queue } ]',
      'pool.yaml': 'Resources: { P: { Type: AWS::Cognito::UserPool } ]',
      'ok.yaml': exporter('the-pool'),
    })
    expect(reading.failures.map(({ paths }) => paths)).toEqual([['pool.yaml'], ['queue.yaml']])
    expect(reading.infrastructures.map(({ paths }) => paths)).toEqual([['ok.yaml']])
  })
})

describe('what the CDK writes', () => {
  test('an output of a stack by its name', () => {
    const reading = read({
      'cdk.out/Auth.template.json': exporter('unused'),
      'cdk.out/App.template.json': importer('{ Fn::GetStackOutput: { StackName: Auth, OutputName: Out } }'),
    })
    expect(found(reading)).toEqual(TIE)
  })

  test('exports to another region', () => {
    const writer = `  W: { Type: Custom::CrossRegionExportWriter, Properties: { WriterProps: { region: us-east-1, exports: { /cdk/exports/App/Pool: !Ref Pool } } } }\n`
    const reader = `  R: { Type: Custom::CrossRegionExportReader, Properties: { ReaderProps: { imports: { /cdk/exports/App/Pool: '{{resolve:ssm:/cdk/exports/App/Pool}}' } } } }\n`
    const reading = read({
      'cdk.out/Auth.template.json': `Resources:\n${POOL}${group('Admins', `Precedence: 1, RoleArn: ${arn('A')}`)}${writer}`,
      'cdk.out/App.template.json': `Resources:\n${group('Editors', `Precedence: 1, RoleArn: ${arn('B')}`, '!GetAtt [R, /cdk/exports/App/Pool]')}${reader}`,
    })
    expect(found(reading)).toEqual(TIE)
  })

  test.each([
    [
      'a parameter that is read from it',
      'Parameters: { P: { Type: "AWS::SSM::Parameter::Value<String>", Default: /auth/pool } }\n',
      '!Ref P',
    ],
    ['a dynamic reference', '', "'{{resolve:ssm:/auth/pool}}'"],
    ['one with a version', '', "'{{resolve:ssm:/auth/pool:3}}'"],
  ])('Parameter Store, with %s', (_, more, pool) => {
    const parameter = `  S: { Type: AWS::SSM::Parameter, Properties: { Name: /auth/pool, Type: String, Value: !Ref Pool } }\n`
    const reading = read({
      'a.yaml': `Resources:\n${POOL}${group('Admins', `Precedence: 1, RoleArn: ${arn('A')}`)}${parameter}`,
      'b.yaml': importer(pool, more),
    })
    expect(found(reading)).toEqual(TIE)
  })
})

describe('nested stacks', () => {
  const child = `Parameters: { PoolId: { Type: String }, RoleArn: { Type: String }, Rank: { Type: Number, Default: 7 } }\nResources:\n${group('Editors', 'Precedence: !Ref Rank, RoleArn: !Ref RoleArn', '!Ref PoolId')}`
  const nest = (name: string, location: string, more = '') =>
    `  ${name}: { Type: AWS::CloudFormation::Stack, Properties: { TemplateURL: ${location}${more} } }\n`
  const given = ', Parameters: { PoolId: !Ref Pool, RoleArn: !GetAtt Bad.Arn, Rank: 1 }'

  test('parameters go down: pools, roles, ranks', () => {
    const parent = `Resources:\n${POOL}${role('Bad')}${group('Admins', `Precedence: 1, RoleArn: ${arn('A')}`)}${nest('Groups', 'nested/groups.yaml', given)}`
    const reading = read({ 'root.yaml': parent, 'nested/groups.yaml': child })
    expect(groupsOf(only(reading))).toEqual([
      ['Admins', 'Pool', 1, { kind: 'arn', id: 'arn:aws:iam::111122223333:role/A' }, 'root.yaml:4'],
      ['Editors', 'Pool', 1, { kind: 'resource', id: 'Bad' }, 'nested/groups.yaml:3'],
    ])
    expect(found(reading)).toEqual(['COG101 warning admins editors', 'COG120 error editors'])
    expect(reading.infrastructures).toHaveLength(1)
  })

  test('outputs go up', () => {
    const auth = `Resources:\n${POOL}${group('Admins', `Precedence: 1, RoleArn: ${arn('A')}`)}Outputs: { PoolId: { Value: !Ref Pool } }\n`
    const parent = `Resources:\n${nest('Auth', './auth.yaml')}${group('Editors', `Precedence: 1, RoleArn: ${arn('B')}`, '!GetAtt Auth.Outputs.PoolId')}`
    expect(found(read({ 'root.yaml': parent, 'auth.yaml': auth }))).toEqual(TIE)
  })

  test('and from one child to another', () => {
    const auth = `Resources:\n${POOL}${group('Admins', `Precedence: 1, RoleArn: ${arn('A')}`)}Outputs: { PoolId: { Value: !Ref Pool } }\n`
    const parent = `Resources:\n${nest('Auth', './auth.yaml')}${nest('Groups', './groups.yaml', `, Parameters: { PoolId: !GetAtt Auth.Outputs.PoolId, RoleArn: ${arn('B')}, Rank: 1 }`)}`
    expect(found(read({ 'root.yaml': parent, 'auth.yaml': auth, 'groups.yaml': child }))).toEqual(TIE)
  })

  test('SAM names an application by its path', () => {
    const parent = `Transform: AWS::Serverless-2016-10-31\nResources:\n${POOL}${group('Admins', `Precedence: 1, RoleArn: ${arn('A')}`)}  Groups: { Type: AWS::Serverless::Application, Properties: { Location: groups.yaml, Parameters: { PoolId: !Ref Pool, RoleArn: ${arn('B')}, Rank: 1 } } }\n`
    expect(found(read({ 'root.yaml': parent, 'groups.yaml': child }))).toEqual(TIE)
  })

  test('the CDK names the asset', () => {
    const parent = `Resources:\n${POOL}${group('Admins', `Precedence: 1, RoleArn: ${arn('A')}`)}  Groups: { Type: AWS::CloudFormation::Stack, Properties: { TemplateURL: !Sub 'https://s3.\${AWS::URLSuffix}/x.json', Parameters: { PoolId: !Ref Pool, RoleArn: ${arn('B')}, Rank: 1 } }, Metadata: { 'aws:asset:path': Groups.nested.template.json, 'aws:asset:property': TemplateURL } }\n`
    expect(found(read({ 'cdk.out/A.template.json': parent, 'cdk.out/Groups.nested.template.json': child }))).toEqual(
      TIE,
    )
  })

  test('an address that ends like one file of the scan, which takes the parameters, is that file', () => {
    const url = "!Sub 'https://${Bucket}.s3.amazonaws.com/${Prefix}templates/groups.yaml'"
    const parent = (parameters: string) =>
      `Parameters: { Bucket: { Type: String }, Prefix: { Type: String } }\nResources:\n${POOL}${group('Admins', `Precedence: 1, RoleArn: ${arn('A')}`)}${nest('Groups', url, `, Parameters: { ${parameters} }`)}`
    const given = `PoolId: !Ref Pool, RoleArn: ${arn('B')}, Rank: 1`
    expect(found(read({ 'main.yaml': parent(given), 'templates/groups.yaml': child }))).toEqual(TIE)
    expect(found(read({ 'main.yaml': parent(`${given}, Other: 1`), 'templates/groups.yaml': child }))).toContain(
      'COG194 warning',
    )
  })

  describe('an address of which a part is not known', () => {
    const nested = (address: string, more = '') => nest('Groups', address, more)
    const takesAll = `, Parameters: { PoolId: !Ref Pool, RoleArn: ${arn('B')}, Rank: 1 }`
    const admins = group('Admins', `Precedence: 1, RoleArn: ${arn('A')}`)
    const conditions = 'Conditions: { One: !Equals [!Ref AWS::Region, x] }\n'
    const parent = (address: string, more = takesAll) =>
      `${conditions}Resources:\n${POOL}${admins}${nested(address, more)}`
    const nothingFollowed = (files: Files) =>
      read(files).infrastructures.flatMap(({ notFollowed }) => notFollowed.map(({ why }) => why))

    test.each<[string, string, string]>([
      [
        'marks that packaging replaces',
        'https://%%BUCKET%%.s3.amazonaws.com/%%NAME%%/%%VERSION%%/app-groups.yaml',
        'app-groups.yaml',
      ],
      [
        'folders that packaging makes',
        'https://s3.<REGION>.amazonaws.com/<BUCKET>/packaged/app-groups.yaml',
        'deploy/app-groups.yaml',
      ],
      ['another ending', "!Sub 'https://${AWS::Region}.s3.amazonaws.com/x/app-groups.template'", 'app-groups.yaml'],
      [
        'a condition between two',
        "!If [One, 'https://a.s3.amazonaws.com/x/app-groups.yaml', !Sub 'https://${AWS::Region}.s3.amazonaws.com/y/app-groups.yaml']",
        'app-groups.yaml',
      ],
      ['a folder that tells', 'https://s3.amazonaws.com/<BUCKET>/groups/template.yaml', 'groups/template.yaml'],
    ])('%s: it is the only file of that name', (_, address, path) => {
      expect(found(read({ 'main.yaml': parent(address), [path]: child }))).toEqual(TIE)
    })

    test.each<[string, Files, string]>([
      [
        'control: the whole of it is known, and is elsewhere',
        { 'main.yaml': parent('https://s3.amazonaws.com/b/app-groups.yaml'), 'app-groups.yaml': child },
        'its template `https://s3.amazonaws.com/b/app-groups.yaml` is not among the files that are read',
      ],
      [
        'no file has the name',
        { 'main.yaml': parent('https://s3.amazonaws.com/%%B%%/app-groups.yaml'), 'groups.yaml': child },
        'no file that is read has the name of its template, `app-groups.yaml`',
      ],
      [
        'two files have it',
        {
          'main.yaml': parent('https://s3.amazonaws.com/%%B%%/app-groups.yaml'),
          'a/app-groups.yaml': child,
          'b/app-groups.yaml': child,
        },
        'several files have the name of its template: `a/app-groups.yaml` and `b/app-groups.yaml`',
      ],
      [
        'the file does not take what is given',
        {
          'main.yaml': parent('https://s3.amazonaws.com/%%B%%/app-groups.yaml', ', Parameters: { Other: 1 }'),
          'app-groups.yaml': child,
        },
        '`app-groups.yaml` has the name of its template, but not all the parameters that are given',
      ],
      [
        'the file cannot be read',
        {
          'main.yaml': parent('https://s3.amazonaws.com/%%B%%/app-groups.yaml'),
          'app-groups.yaml': 'Resources: { A: { Type: AWS::S3::Bucket }\n',
        },
        '`app-groups.yaml`, which has the name of its template, cannot be read',
      ],
      [
        'a name that says nothing, in a folder that does not fit',
        { 'main.yaml': parent('https://s3.amazonaws.com/%%B%%/groups/template.yaml'), 'other/template.yaml': child },
        'no file that is read has the name of its template, `template.yaml`',
      ],
      [
        'an address of too many folders',
        {
          'main.yaml': parent(`https://s3.amazonaws.com/%%B%%/${'x/'.repeat(30)}app-groups.yaml`),
          'app-groups.yaml': child,
        },
        `its template \`https://s3.amazonaws.com/%%B%%/${'x/'.repeat(30)}app-groups.yaml\` is not among the files that are read`,
      ],
      [
        'a condition between two templates',
        {
          'main.yaml': parent("!If [One, 'https://a/x/app-groups.yaml', 'https://a/x/groups.yaml']"),
          'app-groups.yaml': child,
          'groups.yaml': child,
        },
        'the address of its template is not known: it depends on condition `One`',
      ],
    ])('%s: it is not followed, and that is reported', (_, files, why) => {
      expect(nothingFollowed(files)).toEqual([why])
    })
  })

  test('what SAM packages is read where it comes from', () => {
    const parent = (folder: string) =>
      `Resources:\n${POOL}${group('Admins', `Precedence: 1, RoleArn: ${arn('A')}`)}${nest('Groups', `./${folder}/.aws-sam/packaged.yaml`, `, Parameters: { PoolId: !Ref Pool, RoleArn: ${arn('B')}, Rank: 1 }`)}`
    expect(found(read({ 'main.yaml': parent('groups'), 'groups/template.yaml': child }))).toEqual(TIE)
    expect(found(read({ 'main.yaml': parent('other'), 'groups/template.yaml': child }))).toContain('COG194 warning')
  })

  test('a file says once for each reason which stacks are not followed, those about users first', () => {
    const ids = ['Network', 'Queues', 'Tables', 'Search', 'Alarms', 'Auth', 'Web']
    const missing = ids.map(id => nest(id, `./${id}.yaml`)).join('')
    const text = `Resources:\n${POOL}${missing}${nest('Other', '!Ref Url')}${nest('Cdn', '!Ref Url')}`
    expect(messages(read({ 'root.yaml': text }), 'COG194')).toEqual([
      'Not followed: nested stacks `Auth`, `Network`, `Queues`, `Tables`, `Search` and 2 more, because their templates are not among the files that are read. Groups and role mappings there are not checked.',
      'Not followed: nested stacks `Other` and `Cdn`, because the addresses of their templates are not known: `Url` is neither a parameter nor a resource of this file. Groups and role mappings there are not checked.',
    ])
  })

  test('a parameter that is given to a stack is called as in its parent', () => {
    const parameter = 'Parameters: { Admin: { Type: String } }\n'
    const member = (id: string, name: string) =>
      `  ${id}: { Type: AWS::Cognito::UserPoolUserToGroupAttachment, Properties: { UserPoolId: !Ref Pool, Username: !Ref Admin, GroupName: ${name} } }\n`
    const groups = ['One', 'Two'].map(name => group(name, `Precedence: 1, RoleArn: ${arn(name)}`)).join('')
    const auth = `${parameter}Resources:\n${POOL}${groups}${member('M', 'one')}${member('N', 'two')}`
    const parent = `${parameter}Resources:\n${nest('Auth', 'auth.yaml', ', Parameters: { Admin: !Ref Admin }')}`
    expect(messages(read({ 'root.yaml': parent, 'auth.yaml': auth }), 'COG161')[0]).toContain('`${Admin}`')
    // Its own, of that name, is another one.
    const separate = parent.replace(', Parameters: { Admin: !Ref Admin }', '')
    expect(messages(read({ 'root.yaml': separate, 'auth.yaml': auth }), 'COG161')[0]).toContain('`${auth.yaml: Admin}`')
  })

  test('one template twice is two stacks', () => {
    const parent = `Resources:\n${POOL}${nest('One', 'g.yaml', `, Parameters: { PoolId: !Ref Pool, RoleArn: ${arn('A')}, Rank: 1 }`)}${nest('Two', 'g.yaml', `, Parameters: { PoolId: !Ref Pool, RoleArn: ${arn('B')}, Rank: 2 }`)}`
    expect(groupsOf(only(read({ 'root.yaml': parent, 'g.yaml': child }))).map(([id, , rank]) => [id, rank])).toEqual([
      ['g.yaml: Editors', 1],
      ['g.yaml as Two: Editors', 2],
    ])
  })

  test('what is under the condition of its stack is not there for sure', () => {
    const parent = `Parameters: { P: { Type: String } }\nConditions: { C: !Equals [!Ref P, x] }\nResources:\n${POOL}${group('Admins', `Precedence: 1, RoleArn: ${arn('A')}`)}  Groups: { Type: AWS::CloudFormation::Stack, Condition: C, Properties: { TemplateURL: g.yaml, Parameters: { PoolId: !Ref Pool, RoleArn: ${arn('B')}, Rank: 1 } } }\n`
    const reading = read({ 'root.yaml': parent, 'g.yaml': child })
    expect(only(reading).groups.map(({ condition }) => condition)).toEqual([undefined, 'C'])
    expect(found(reading)).toEqual(['COG101 warning admins editors'])
  })

  test.each([
    [
      'a file that is not there',
      'missing/groups.yaml',
      'its template `missing/groups.yaml` is not among the files that are read',
    ],
    [
      'an address',
      'https://s3.amazonaws.com/b/groups.yaml',
      'its template `https://s3.amazonaws.com/b/groups.yaml` is not among the files that are read',
    ],
    [
      'a parameter',
      '!Ref Url',
      'the address of its template is not known: `Url` is neither a parameter nor a resource of this file',
    ],
    ['itself', 'root.yaml', 'its template `root.yaml` nests itself'],
  ])('%s is not followed, and that is reported', (_, location, why) => {
    const reading = read({ 'root.yaml': `Resources:\n${POOL}${nest('Groups', location)}` })
    expect(reading.infrastructures.flatMap(({ notFollowed }) => notFollowed)).toMatchObject([
      { what: 'Nested stack `Groups`', why, location: { path: 'root.yaml', line: 3 } },
    ])
  })

  test('nothing is reported about it if it does not mention Cognito', () => {
    const text = `Resources:\n${nest('Network', 'https://s3.amazonaws.com/b/vpc.yaml')}`
    expect(read({ 'root.yaml': text }).infrastructures.flatMap(({ notFollowed }) => notFollowed)).toEqual([])
  })

  test('stacks in a circle end, and those that double at each step are bounded', () => {
    const circle = read({
      'a.yaml': `Resources:\n${POOL}${nest('B', 'b.yaml')}`,
      'b.yaml': `Resources:\n${group('G', 'Precedence: 1', 'cognito')}${nest('A', 'a.yaml')}`,
    })
    expect(circle.infrastructures.flatMap(({ notFollowed }) => notFollowed).map(({ what }) => what)).toEqual([
      'Nested stack `A`',
    ])
    const levels = 20
    const filler = `# ${'x'.repeat(5000)} cognito\n`
    const files = Object.fromEntries(
      Array.from({ length: levels }, (_, index) => [
        `s${index}.yaml`,
        `${filler}Resources:\n${nest('L', `s${index + 1}.yaml`)}${nest('R', `s${index + 1}.yaml`)}`,
      ]),
    )
    const reading = read({ ...files, [`s${levels}.yaml`]: `${filler}Resources:\n${POOL}` })
    const whys = new Set(reading.infrastructures.flatMap(({ notFollowed }) => notFollowed).map(({ why }) => why))
    expect([...whys]).toEqual(['there are too many nested stacks'])
  })
})

describe('what a template leaves open', () => {
  const ranks = (parameter: string, a: string, b: string, more = '') =>
    read({
      't.yaml': `Parameters: { Rank: ${parameter} }\n${more}Resources:\n${POOL}${group('Admins', `Precedence: ${a}, RoleArn: ${arn('A')}`)}${group('Editors', `Precedence: ${b}, RoleArn: ${arn('B')}`)}`,
    })

  test('a default is reported as one', () => {
    const reading = ranks('{ Type: Number, Default: 1 }', '!Ref Rank', '1')
    expect(found(reading)).toEqual(TIE)
    expect(messages(reading, 'COG101')[0]).toMatch(
      / Checked with the default of `Rank`; a deployment may give another value\.$/,
    )
    expect(messages(ranks('{ Type: Number }', '1', '1'), 'COG101')[0], 'control').not.toContain('default')
  })

  test('so it is where it is looked up, joined, or selected', () => {
    const mappings = 'Mappings: { M: { x: { k: 1 } } }\n'
    for (const [parameter, value] of [
      ['{ Type: String, Default: x }', '!FindInMap [M, !Ref Rank, k]'],
      ['{ Type: Number, Default: 1 }', "!Sub '${Rank}'"],
      ['{ Type: CommaDelimitedList, Default: "1,2" }', '!Select [0, !Ref Rank]'],
      ['{ Type: String, Default: "1|2" }', "!Select [0, !Split ['|', !Ref Rank]]"],
    ] as const)
      expect(messages(ranks(parameter, value, '1', mappings), 'COG101')[0]).toContain('with the default of `Rank`')
  })

  test('allowed values are the possibilities, whatever the default', () => {
    const reading = ranks('{ Type: Number, Default: 2, AllowedValues: [1, 2] }', '!Ref Rank', '1')
    expect(groupsOf(only(reading))[0]![2]).toEqual([1, 2])
    expect(found(reading)).toEqual(['COG101 warning admins editors'])
    expect(found(ranks('{ Type: Number, AllowedValues: [3, 2] }', '!Ref Rank', '1')), 'control').toEqual([])
    expect(found(ranks('{ Type: Number, AllowedValues: [1] }', '!Ref Rank', '1'))).toEqual(TIE)
  })

  test('in keys too, and two uses of one parameter are chosen alike', () => {
    const mappings = 'Mappings: { M: { dev: { a: 1, b: 2, c: 1 }, prod: { a: 2, b: 1, c: 3 } } }\n'
    const parameter = '{ Type: String, AllowedValues: [dev, prod] }'
    const of = (key: string) => `!FindInMap [M, !Ref Rank, ${key}]`
    expect(found(ranks(parameter, of('a'), of('b'), mappings))).toEqual([])
    expect(found(ranks(parameter, of('a'), of('c'), mappings))).toEqual(['COG101 warning admins editors'])
  })

  test('so are two uses of one condition', () => {
    const conditions = 'Conditions: { C: !Equals [!Ref Rank, x], D: !Equals [!Ref Rank, y] }\n'
    expect(found(ranks('{ Type: String }', '!If [C, 1, 2]', '!If [C, 2, 1]', conditions))).toEqual([])
    expect(found(ranks('{ Type: String }', '!If [C, 1, 2]', '!If [D, 2, 1]', conditions)), 'control').toEqual([
      'COG101 warning admins editors',
      'COG101 warning admins editors',
    ])
  })

  test('a lookup has a default for what is missing', () => {
    const mappings = 'Mappings: { M: { x: { k: 9 } } }\n'
    const lookup = (key: string) => `!FindInMap [M, ${key}, k, { DefaultValue: 1 }]`
    expect(found(ranks('{ Type: String }', lookup('y'), '1', mappings))).toEqual(TIE)
    expect(groupsOf(only(ranks('{ Type: String }', lookup('x'), '1', mappings)))[0]![2]).toBe(9)
    expect(groupsOf(only(ranks('{ Type: String }', lookup('!Ref Rank'), '1', mappings)))[0]![2]).toEqual([9, 1])
  })
})

test('what rests on the default of a parameter says so: precedences, names, trust policies', () => {
  const reading = (more: string) =>
    read({
      't.yaml': `Parameters: { Service: { Type: String, ${more} }, Name: { Type: String, Default: one } }\nResources:\n${POOL}${role('Bad', '!Ref Service')}  One: { Type: AWS::Cognito::UserPoolGroup, Properties: { GroupName: !Ref Name, UserPoolId: !Ref Pool, RoleArn: !GetAtt Bad.Arn, Precedence: 1 } }\n  Two: { Type: AWS::Cognito::UserPoolGroup, Properties: { GroupName: one, UserPoolId: !Ref Pool, Precedence: 2 } }\n`,
    })
  const said = (rule: string, more = 'Default: lambda.amazonaws.com') => messages(reading(more), rule)[0]
  expect(said('COG120')).toContain('Checked with the default of `Service`; a deployment may give another value.')
  expect(said('COG154')).toContain('Checked with the default of `Name`; a deployment may give another value.')
  // Control: one value is no default.
  expect(said('COG120', 'AllowedValues: [lambda.amazonaws.com]')).not.toContain('default')
})

describe('Fn::ForEach', () => {
  const loop = (collection: string, body: string, name = 'Name') =>
    `  'Fn::ForEach::L${name}': [${name}, ${collection}, { ${body} }]\n`
  const body = `'\${Name}Group': { Type: AWS::Cognito::UserPoolGroup, Properties: { GroupName: !Ref Name, UserPoolId: !Ref Pool, Precedence: 1, RoleArn: !Sub 'arn:aws:iam::111122223333:role/\${Name}' } }`
  const tied = ['COG101 error Admins Editors']

  test.each<[string, string, string]>([
    ['a literal list', '[Admins, Editors]', ''],
    [
      'a parameter with a default',
      '!Ref Names',
      'Parameters: { Names: { Type: CommaDelimitedList, Default: "Admins,Editors" } }\n',
    ],
    ['a mapping', '!FindInMap [M, a, b]', 'Mappings: { M: { a: { b: [Admins, Editors] } } }\n'],
    ['a text that is split', "!Split [',', 'Admins,Editors']", ''],
  ])('makes a group for each of %s', (_, collection, more) => {
    const reading = read({
      't.yaml': `Transform: AWS::LanguageExtensions\n${more}Resources:\n${POOL}${loop(collection, body)}`,
    })
    expect(only(reading).groups.map(({ id }) => id)).toEqual(['AdminsGroup', 'EditorsGroup'])
    expect(found(reading)).toEqual(more.startsWith('Parameters') ? [tied[0], 'COG190 note'] : tied)
  })

  test('a default of what it loops over is reported', () => {
    const reading = read({
      't.yaml': `Parameters: { Names: { Type: CommaDelimitedList, Default: "Admins" } }\nResources:\n${POOL}${loop('!Ref Names', body)}`,
    })
    expect(messages(reading, 'COG190')).toEqual([
      '`Fn::ForEach::LName` creates resources for the default of `Names`; a deployment may give another list.',
    ])
  })

  test('loops nest, and make ids without what no id can have', () => {
    const inner = `'Fn::ForEach::I': [Kind, [a.b, c], { '\${Name}&{Kind}': { Type: AWS::Cognito::UserPoolGroup, Properties: { GroupName: !Sub '\${Name}-\${Kind}', UserPoolId: !Ref Pool } } }]`
    const reading = read({ 't.yaml': `Resources:\n${POOL}${loop('[X, Y]', inner)}` })
    expect(only(reading).groups.map(({ id, groupName }) => [id, bare(groupName)])).toEqual([
      ['Xab', 'X-a.b'],
      ['Xc', 'X-c'],
      ['Yab', 'Y-a.b'],
      ['Yc', 'Y-c'],
    ])
  })

  test('what is not known, or too much, is reported', () => {
    const of = (collection: string) => read({ 't.yaml': `Resources:\n${POOL}${loop(collection, body)}` })
    const deep = Array.from({ length: 8 }, (_, index) => index).reduce(
      text => `'Fn::ForEach::D': [N, [${'x,'.repeat(30)}], { ${text} }]`,
      body,
    )
    for (const reading of [
      of('!Ref Unheard'),
      of('[!Ref AWS::Region]'),
      read({ 't.yaml': `Resources:\n${POOL}  ${deep}\n` }),
    ])
      expect(messages(reading, 'COG190').join()).toMatch(/`Fn::ForEach::\w+` creates resources at deployment/)
  })
})

describe('what is not looked into is reported', () => {
  const of = (resource: string) =>
    read({ 't.yaml': `Resources:\n${POOL}  Thing: ${resource}\n` }).infrastructures.flatMap(
      ({ notFollowed }) => notFollowed,
    )

  test.each([
    ['a module', '{ Type: Acme::Cognito::UserPoolGroups::MODULE, Properties: {} }'],
    ['a type of a third party', '{ Type: Acme::Cognito::UserGroup }'],
    ['a type of Cognito that is not known', '{ Type: AWS::Cognito::UserPoolGroupSet }'],
    ['a custom resource of that name', '{ Type: Custom::UserPoolGroup, Properties: { ServiceToken: x } }'],
    ['one that makes groups', `{ Type: Custom::Thing, Properties: { UserPoolId: !Ref Pool, GroupNames: [a, b] } }`],
    [
      'one that maps roles',
      `{ Type: AWS::CloudFormation::CustomResource, Properties: { IdentityPoolId: x, RoleMappings: {} } }`,
    ],
    [
      'a call that makes a group',
      `{ Type: Custom::AWS, Properties: { Create: !Join ['', ['{"service":"CognitoIdentityServiceProvider","action":"createGroup","parameters":{"UserPoolId":"', !Ref Pool, '"}}']] } }`,
    ],
    [
      'a call that adds a user',
      `{ Type: Custom::AWS, Properties: { Create: '{"service":"@aws-sdk/client-cognito-identity-provider","action":"AdminAddUserToGroup"}' } }`,
    ],
    [
      'a call that maps roles',
      `{ Type: Custom::AWS, Properties: { Create: '{"service":"CognitoIdentity","action":"setIdentityPoolRoles"}' } }`,
    ],
    [
      'one whose function does',
      `{ Type: Custom::Thing, Properties: { ServiceToken: !GetAtt F.Arn } }\n  F: { Type: AWS::Lambda::Function, Properties: { Code: { ZipFile: "client('cognito-idp').create_group(GroupName='a')" } } }`,
    ],
  ])('%s', (_, resource) => {
    expect(of(resource)).toMatchObject([{ what: 'Resource `Thing`', location: { line: 3, construct: 'Thing' } }])
  })

  test.each([
    ['a queue', '{ Type: AWS::SQS::Queue, Properties: { MessageGroupId: cognito } }'],
    [
      'a custom resource about a client',
      '{ Type: Custom::DescribeCognitoUserPoolClient, Properties: { UserPoolId: !Ref Pool } }',
    ],
    [
      'a call of the CDK for its client',
      `{ Type: Custom::DescribeCognitoUserPoolClient, Properties: { Create: '{"service":"CognitoIdentityServiceProvider","action":"describeUserPoolClient"}' } }`,
    ],
    [
      'a call about other groups',
      `{ Type: Custom::AWS, Properties: { Create: '{"service":"IAM","action":"createGroup"}' } }`,
    ],
    ['a log group', `{ Type: Custom::LogRetention, Properties: { LogGroupName: /aws/lambda/cognito-trigger } }`],
    ['deleted objects', `{ Type: Custom::S3AutoDeleteObjects, Properties: { BucketName: cognito-user-groups } }`],
    [
      "Amplify's hosted pages",
      '{ Type: Custom::LambdaCallout, Properties: { userPoolId: !Ref Pool, hostedUIDomainName: x } }',
    ],
    ['a bucket deployment', '{ Type: Custom::CDKBucketDeployment, Properties: { SourceBucketNames: [a] } }'],
  ])('control: %s is no such thing', (_, resource) => {
    expect(of(resource)).toEqual([])
  })
})

describe('AWS::Include', () => {
  const include = (location: string) => `{ Name: 'AWS::Include', Parameters: { Location: ${location} } }`
  const more = group('Editors', `Precedence: 1, RoleArn: ${arn('B')}`).replace(/^ {2}/gm, '')

  test('a file is part of the template, in resources and at the top', () => {
    const own = `${POOL}${group('Admins', `Precedence: 1, RoleArn: ${arn('A')}`)}`
    const inside = read({
      't.yaml': `Resources:\n${own}  Fn::Transform: ${include('parts/more.yaml')}\n`,
      'parts/more.yaml': more,
    })
    expect(found(inside)).toEqual(TIE)
    expect(groupsOf(only(inside))[1]![4]).toBe('parts/more.yaml:1')
    expect(inside.included).toEqual(['parts/more.yaml'])
    const rank = 'Parameters: { Rank: { Type: Number, Default: 1 } }\n'
    const above = read({
      't.yaml': `Transform: ${include('./rank.yaml')}\nResources:\n${own}${group('Editors', `Precedence: !Ref Rank, RoleArn: ${arn('B')}`)}`,
      'rank.yaml': rank,
    })
    expect(found(above)).toEqual(TIE)
  })

  test.each([
    ['s3://bucket/more.yaml', 'it is at an address, not in a file'],
    ['missing.yaml', 'it does not exist, or is out of reach'],
    ['self.yaml', 'it includes itself'],
    ['broken.yaml', 'it cannot be read ('],
  ])('%s is not followed, and that is reported', (location, why) => {
    const { infrastructures } = read({
      't.yaml': `Resources:\n${POOL}  Fn::Transform: ${include(location)}\n`,
      'self.yaml': `Fn::Transform: ${include('self.yaml')}\n`,
      'broken.yaml': 'a: ]',
    })
    expect(infrastructures.flatMap(({ notFollowed }) => notFollowed)[0]!.why).toContain(why)
  })
})

describe('what get-template prints', () => {
  const template = {
    Resources: {
      Admins: {
        Type: 'AWS::Cognito::UserPoolGroup',
        Properties: { GroupName: 'admins', UserPoolId: 'eu-west-1_Ab12Cd34E', Precedence: 1 },
      },
    },
  }

  test('is read, with places in an object', () => {
    const text = JSON.stringify({ TemplateBody: template, StagesAvailable: ['Original'] }, null, 1)
    const [admins] = only(read({ 't.json': text })).groups
    expect([bare(admins!.precedence), admins!.location.line]).toEqual([1, 4])
  })

  test('and with the location of the body where that is a string', () => {
    const body = `Resources:\n  Admins:\n    Type: AWS::Cognito::UserPoolGroup\n    Properties: { UserPoolId: eu-west-1_Ab12Cd34E, Precedence: !Ref AWS::Region }\n`
    const text = JSON.stringify({ TemplateBody: body, StagesAvailable: ['Original'] }, null, 1)
    const [admins] = only(read({ 't.json': text })).groups
    expect(admins!.location).toMatchObject({ line: 2, construct: 'Admins' })
  })
})

describe('laws', () => {
  const pieces = [
    `Resources:\n${POOL}${group('Admins', 'Precedence: 1')}${exported('the-pool')}`,
    `Resources:\n${group('Editors', 'Precedence: 1', '!ImportValue the-pool')}  S: { Type: AWS::CloudFormation::Stack, Properties: { TemplateURL: b.yaml, Parameters: { P: !Ref AWS::StackName } } }\n`,
    `Parameters: { P: { Type: String, AllowedValues: [a, b] } }\nResources:\n${group('Users', 'Precedence: !Ref P', '!GetAtt S.Outputs.Out')}  'Fn::ForEach::L': [N, [x, y], { '\${N}': { Type: AWS::IAM::Role } }]\n`,
    'service: s\nprovider: { name: aws }\nresources: ["${file(a.yaml)}", "${self:custom.x, file(b.yaml)}"]\n',
  ]
  const damage = fc.constantFrom(
    '',
    '{',
    '}',
    '[',
    ':',
    '\n',
    '!Ref ',
    '&a ',
    '*a',
    '"',
    '${',
    'Fn::',
    '__proto__',
    '\0',
  )
  const damaged = fc
    .tuple(fc.constantFrom(...pieces), fc.array(fc.tuple(fc.nat(), fc.nat(8), damage), { maxLength: 2 }))
    .map(([text, edits]) =>
      edits.reduce((edited, [at, length, put]) => {
        const start = at % (edited.length + 1)
        return edited.slice(0, start) + put + edited.slice(start + length)
      }, text),
    )
  const scan = fc
    .array(damaged, { minLength: 1, maxLength: 4 })
    .map(texts => Object.fromEntries(texts.map((text, index) => [`${'abcd'[index]}.yaml`, text])))

  test('damaged files give what is known of them, and each is read once, included, or a failure', () => {
    fc.assert(
      fc.property(scan, files => {
        const { infrastructures, failures, included } = read(files)
        for (const one of infrastructures) validateInfrastructure(one)
        const seen = [
          ...infrastructures.flatMap(({ paths }) => paths),
          ...failures.flatMap(({ paths }) => paths),
          ...included,
        ]
        const scanned = Object.entries(files).filter(([path, text]) => detectFormat(text, path) !== undefined)
        for (const [path] of scanned) expect(seen).toContain(path)
      }),
      { numRuns: 150 },
    )
  })

  test('a stack that nothing belongs to is read as it is alone', () => {
    fc.assert(
      fc.property(fc.constantFrom(pieces[0]!, pieces[2]!), text => {
        const [together] = read({
          'a.yaml': text,
          'z.yaml': `Resources:\n${group('Cognito', 'Precedence: 3', 'x')}`,
        }).infrastructures
        expect(together).toEqual(readCloudFormation(text, 'a.yaml'))
      }),
    )
  })
})

describe('what is not followed and says nothing of Cognito', () => {
  const stack = (name: string) =>
    `  ${name}: { Type: AWS::CloudFormation::Stack, Properties: { TemplateURL: https://s3.amazonaws.com/b/${name}.yaml } }\n`
  test.each([
    ['a nested stack', `Resources:\n${stack('Part')}`, 'Nested stack `Part`'],
    ['a module', 'Resources: { A: { Type: Acme::Part::MODULE } }', 'Resource `A`'],
    ['a macro', 'Transform: MyMacro\nResources: { A: { Type: AWS::S3::Bucket } }', 'Transform `MyMacro`'],
    [
      'an include',
      'AWSTemplateFormatVersion: 2010-09-09\nResources: { Fn::Transform: { Name: AWS::Include, Parameters: { Location: s3://b/x.yaml } } }',
      'Include `s3://b/x.yaml`',
    ],
  ])('%s is unseen, and no finding', (_, text, what) => {
    const [infrastructure] = read({ 'root.yaml': text }).infrastructures
    expect(infrastructure?.unseen?.map(one => one.what)).toEqual([what])
    expect(infrastructure?.notFollowed).toEqual([])
  })

  test("a transform of AWS's own is nothing unseen", () => {
    const [infrastructure] = read({
      'root.yaml': 'Transform: AWS::Serverless-2016-10-31\nResources: { A: { Type: AWS::S3::Bucket } }',
    }).infrastructures
    expect(infrastructure?.unseen ?? []).toEqual([])
  })
})
