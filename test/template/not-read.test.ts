import { describe, expect, test } from 'vitest'
import { PROGRAMS, whyNotRead } from '../../src/template/not-read.js'

const SCRIPTS = /scripts are not run/
const CALLS = /it calls Cognito/

describe('what makes groups and is not read is named, with what makes something readable', () => {
  test.each<[string, string, RegExp, string]>([
    [
      'a CDK stack',
      `import { CfnUserPoolGroup } from 'aws-cdk-lib/aws-cognito'\nnew CfnUserPoolGroup(this, 'A', {})`,
      /CDK program/,
      'lib/auth.ts',
    ],
    [
      'one with the newer construct',
      `import * as cognito from 'aws-cdk-lib/aws-cognito'\npool.addGroup('Admins', {})`,
      /CDK program/,
      'lib/auth.ts',
    ],
    [
      'one in Python',
      `from aws_cdk import aws_cognito as cognito\ncognito.CfnUserPoolGroup(self, "A")`,
      /CDK program/,
      'stack.py',
    ],
    [
      'one in Go',
      `import "github.com/aws/aws-cdk-go/awscdk/v2/awscognito"\nawscognito.NewCfnUserPoolGroup(stack, props)`,
      /CDK program/,
      'main.go',
    ],
    ['one in C#', `using Amazon.CDK.AWS.Cognito;\nnew CfnUserPoolGroup(this, "A", props);`, /CDK program/, 'Stack.cs'],
    ['one in Java', `import software.amazon.awscdk.services.cognito.CfnUserPoolGroup;`, /CDK program/, 'Stack.java'],
    [
      'role mappings',
      `import { IdentityPool } from '@aws-cdk/aws-cognito-identitypool-alpha'\nnew IdentityPool(this, 'I', { roleMappings: [] })`,
      /CDK program/,
      'lib/i.ts',
    ],
    [
      'a Pulumi program',
      `import * as aws from '@pulumi/aws'\nnew aws.cognito.UserGroup('a', {})`,
      /Pulumi program/,
      'index.ts',
    ],
    ['one in Python', `import pulumi_aws as aws\naws.cognito.UserGroup("a")`, /Pulumi program/, '__main__.py'],
    [
      'one in Go',
      `import "github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cognito"\ncognito.NewUserGroup(ctx, "a", nil)`,
      /Pulumi program/,
      'main.go',
    ],
    [
      'CDK for Terraform',
      `import { TerraformStack } from 'cdktf'\nnew CognitoUserGroup(this, 'a', {})`,
      /CDK for Terraform/,
      'main.ts',
    ],
    ['SST', `export default $config({})\nnew sst.aws.CognitoIdentityPool('I', {})`, /program of SST/, 'sst.config.ts'],
    [
      'a Serverless configuration',
      `export default { resources: { Resources: { G: { Type: 'AWS::Cognito::UserPoolGroup' } } } }`,
      /Serverless/,
      'serverless.ts',
    ],
    ['a script', 'aws cognito-idp create-group --group-name a', SCRIPTS, 'scripts/seed.sh'],
    ['one with line breaks', 'aws cognito-idp \\\n  admin-add-user-to-group \\\n --username a', SCRIPTS, 'seed.sh'],
    ['a Makefile', 'seed:\n\taws cognito-idp create-group --group-name a\n', SCRIPTS, 'Makefile'],
    [
      'a workflow',
      'steps:\n  - run: aws cognito-identity set-identity-pool-roles --roles x\n',
      SCRIPTS,
      '.github/workflows/deploy.yml',
    ],
    ['a package script', '{"scripts":{"seed":"aws cognito-idp create-group"}}', SCRIPTS, 'package.json'],
    [
      'calls of the SDK',
      `import { CreateGroupCommand } from '@aws-sdk/client-cognito-identity-provider'`,
      CALLS,
      'src/seed.ts',
    ],
    [
      'calls that set role mappings',
      `import { SetIdentityPoolRolesCommand } from '@aws-sdk/client-cognito-identity'`,
      CALLS,
      'src/handler.ts',
    ],
    [
      'calls that a CDK stack makes when deployed',
      `import { custom_resources } from 'aws-cdk-lib'\nnew AwsCustomResource(this, 'C', { onCreate: { service: 'cognito-idp', action: 'createGroup' } })`,
      /CDK program/,
      'lib/auth.ts',
    ],
    ['calls of boto3', `client = boto3.client('cognito-idp')\nclient.create_group(GroupName='a')`, CALLS, 'seed.py'],
    [
      'calls in Go',
      `import "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"\nc.CreateGroup(ctx, in)`,
      CALLS,
      'main.go',
    ],
    [
      'Terragrunt',
      'terraform {\n  source = "../modules/cognito"\n}\ninputs = { groups = [] }',
      /Terragrunt/,
      'live/terragrunt.hcl',
    ],
    ['Crossplane', 'apiVersion: cognitoidp.aws.upbound.io/v1beta1\nkind: UserGroup\n', /Kubernetes/, 'group.yaml'],
    [
      'a pattern of a template',
      'Type: AWS::Cognito::UserPoolGroup\nName: {{ name }}',
      /generates a CloudFormation/,
      'auth.yaml.j2',
    ],
    [
      'cfndsl',
      'CloudFormation do\n  Cognito_UserPoolGroup(:Admins) do\n',
      /generates a CloudFormation/,
      'auth.cfndsl.rb',
    ],
    [
      'a pattern of Terraform',
      'resource "aws_cognito_user_group" "a" { name = "${name}" }',
      /generates a Terraform/,
      'groups.tf.tpl',
    ],
  ])('%s: `%s`', (_, text, why, path) => {
    const reason = whyNotRead(path, text)
    expect(reason?.why).toMatch(why)
    expect(reason?.next).toMatch(/^validate /)
  })

  test('the command is that of its kind', () => {
    const nextOf = (path: string, text: string) => whyNotRead(path, text)?.next
    expect(nextOf('a.ts', `import 'aws-cdk-lib/aws-cognito'; new CfnUserPoolGroup()`)).toContain('`npx cdk synth`')
    expect(nextOf('a.ts', `import '@pulumi/aws'; new aws.cognito.UserGroup()`)).toContain('`pulumi preview --json`')
    expect(nextOf('a.ts', `import 'cdktf'; new CognitoUserGroup()`)).toContain('`npx cdktf synth`')
    expect(nextOf('a.sh', 'aws cognito-idp create-group')).toContain('`aws cognito-idp list-groups`')
  })
})

const ADD_TO_GROUP = `const params = { GroupName: process.env.GROUP, UserPoolId: event.userPoolId }
await new CognitoIdentityServiceProvider().createGroup(params).promise()
`

test("Amplify's own handler is named, since it makes the group of its variable if there is none of exactly that name", () => {
  const path = 'amplify/backend/function/appPostConfirmation/src/add-to-group.js'
  expect(whyNotRead(path, ADD_TO_GROUP)?.why).toMatch(CALLS)
})

describe('what makes none is not', () => {
  test.each<[string, string, string]>([
    ['a user pool alone', `import { UserPool } from 'aws-cdk-lib/aws-cognito'\nnew UserPool(this, 'P')`, 'lib/auth.ts'],
    ['a client', `import { CognitoUserPool } from 'amazon-cognito-identity-js'\ncreateGroup()`, 'src/login.ts'],
    ['groups of another kind', `client.create_group(GroupName='a')`, 'iam.py'],
    ['groups that are read', `aws cognito-idp list-groups --user-pool-id x`, 'list.sh'],
    [
      'a program that puts users in groups',
      `import { AdminAddUserToGroupCommand } from '@aws-sdk/client-cognito-identity-provider'\nclient.send(new AdminAddUserToGroupCommand(input))`,
      'amplify/functions/add/handler.ts',
    ],
    ['one of boto3', `boto3.client('cognito-idp').admin_add_user_to_group(GroupName='a')`, 'trigger.py'],
    [
      'permissions',
      `import { PolicyStatement } from 'aws-cdk-lib/aws-iam'\nnew PolicyStatement({ actions: ['cognito-idp:CreateGroup', 'cognito-idp:AdminAddUserToGroup', 'cognito-identity:SetIdentityPoolRoles'] })`,
      'amplify/backend.ts',
    ],
    [
      'an action of another service',
      `import { UserPool } from 'aws-cdk-lib/aws-cognito'\nresolver({ fieldName: 'createGroup' })`,
      'lib/api.ts',
    ],
    ['a test', `import { CreateGroupCommand } from '@aws-sdk/client-cognito-identity-provider'`, 'src/seed.test.ts'],
    ['a test of Python', `cognito.create_group()`, 'tests/test_seed.py'],
    ['a mock', `import { CreateGroupCommand } from '@aws-sdk/client-cognito-identity-provider'`, '__mocks__/sdk.ts'],
    ['types', `interface CreateGroupCommandInput extends Cognito {}`, 'sdk.d.ts'],
    ['prose', 'aws cognito-idp create-group', 'README.md'],
    ['data', '{"permissions":["cognito","adminAddUserToGroup"]}', 'parameters.json'],
    ['nothing', '', 'a.ts'],
  ])('%s: `%s`', (_, text, path) => {
    expect(whyNotRead(path, text)).toBeUndefined()
  })
})

test('a program of a tool that writes templates has the folder that it writes', () => {
  const writesOf = (path: string, text: string) => whyNotRead(path, text)?.writes?.folder
  expect(writesOf('a.ts', `import 'aws-cdk-lib/aws-cognito'; new CfnUserPoolGroup()`)).toBe('cdk.out')
  expect(writesOf('a.ts', `import 'cdktf'; new CognitoUserGroup()`)).toBe('cdktf.out')
  expect(writesOf('serverless.ts', `'AWS::Cognito::UserPoolGroup'`)).toBe('.serverless')
  expect(writesOf('a.sh', 'aws cognito-idp create-group'), 'control').toBeUndefined()
})

test('every kind of file that is named is looked for', () => {
  const patterns = PROGRAMS.join()
  for (const end of ['ts', 'py', 'go', 'cs', 'java', 'sh', 'hcl', 'j2', 'tpl', 'Makefile'])
    expect(patterns).toMatch(new RegExp(`[{,]${end}[,}]`))
})
