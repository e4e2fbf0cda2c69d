import { describe, expect, test } from 'vitest'
import { validateInfrastructure } from '../../src/rules/validate.js'
import { readTemplate, type TemplateFormat } from '../../src/template/index.js'

/** What is found in a whole file: the rules by id, and the sentence that names the cause. */
async function findings(text: string, format: TemplateFormat = 'cloudformation') {
  const found = validateInfrastructure(await readTemplate(text, { format, path: 'file' }))
  return found.filter(({ severity }) => severity !== 'note').map(({ ruleId, message }) => `${ruleId} ${message}`)
}

const POOL = `
  Pool: { Type: AWS::Cognito::UserPool }
  Client: { Type: AWS::Cognito::UserPoolClient, Properties: { UserPoolId: !Ref Pool } }
  Identities: { Type: AWS::Cognito::IdentityPool, Properties: { AllowUnauthenticatedIdentities: true } }`

const trust = (statement: string) => `
  Role:
    Type: AWS::IAM::Role
    Properties: { AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: [${statement}] } }`

const GOOD = `{ Effect: Allow, Principal: { Federated: cognito-identity.amazonaws.com }, Action: sts:AssumeRoleWithWebIdentity,
      Condition: { StringEquals: { cognito-identity.amazonaws.com:aud: !Ref Identities }, ForAnyValue:StringLike: { cognito-identity.amazonaws.com:amr: authenticated } } }`

const attachment = (rest: string) => `
  Attachment:
    Type: AWS::Cognito::IdentityPoolRoleAttachment
    Properties:
      IdentityPoolId: !Ref Identities
      ${rest}`

const signedIn = attachment('Roles: { authenticated: !GetAtt Role.Arn }')

describe('a template as people write it', () => {
  test('control: with nothing wrong, nothing is found', async () => {
    expect(await findings(`Resources:${POOL}${trust(GOOD)}${signedIn}`)).toEqual([])
  })

  test.each<[string, string, string[]]>([
    [
      'the role of signed-in users trusts a Lambda function',
      `${trust('{ Effect: Allow, Principal: { Service: lambda.amazonaws.com }, Action: sts:AssumeRole }')}${signedIn}`,
      ['COG120 The role of signed-in users'],
    ],
    [
      'the action is that of another kind of caller',
      `${trust(GOOD.replace('sts:AssumeRoleWithWebIdentity', 'sts:AssumeRole'))}${signedIn}`,
      ['COG120 The role of signed-in users'],
    ],
    [
      'a condition key is misspelt',
      `${trust(GOOD.replace('amazonaws.com:amr', 'amazon.com:amr'))}${signedIn}`,
      ['COG125 The role of signed-in users'],
    ],
    [
      'guests and users have one role',
      `${trust(GOOD.replace('amr: authenticated', 'amr: [authenticated, unauthenticated]'))}${attachment('Roles: { authenticated: !GetAtt Role.Arn, unauthenticated: !GetAtt Role.Arn }')}`,
      ['COG126 Guests have the same role'],
    ],
    [
      'a group has the name of a role for its ARN',
      `${trust(GOOD)}${signedIn}
  Group: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: !Ref Pool, GroupName: a, Precedence: 1, RoleArn: !Ref Role } }`,
      ['COG130 Groups have roles', 'COG153 The role of `a` is the name of the role `Role`'],
    ],
    [
      'the mappings stand under a name that the type does not have',
      `${trust(GOOD)}${attachment('Roles: { authenticated: !GetAtt Role.Arn }\n      RoleMapping: {}')}`,
      ['COG141 `Attachment` has the property `RoleMapping`'],
    ],
    [
      'nothing but a Deny, of a pool in an example',
      `${trust(GOOD.replace('Effect: Allow', 'Effect: Deny').replace('!Ref Identities', "'us-east-1:12345678-dead-beef-cafe-123456790ab'"))}
  Group: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: !Ref Pool, GroupName: a, Precedence: 1, RoleArn: !GetAtt Role.Arn } }`,
      ['COG122 The role of `a` names the audience', 'COG123 The role of `a` cannot be assumed by anybody'],
    ],
    [
      "the provider is the pool's name, without the client",
      `${trust(GOOD)}${attachment(`Roles: { authenticated: !GetAtt Role.Arn }
      RoleMappings: { m: { IdentityProvider: !GetAtt Pool.ProviderName, Type: Token, AmbiguousRoleResolution: Deny } }`)}`,
      ['COG136 The role mapping is for'],
    ],
  ])('%s', async (_, resources, beginnings) => {
    const found = await findings(`Resources:${POOL}${resources}`)
    expect(found.map((one, index) => one.slice(0, beginnings[index]?.length ?? 40)).toSorted()).toEqual(beginnings)
  })

  test.each(['endpoint', 'arn'])('a Terraform mapping for the `%s` of a pool has no client', async attribute => {
    const text = `
resource "aws_cognito_user_pool" "p" { name = "p" }
resource "aws_cognito_identity_pool" "i" { identity_pool_name = "i" }
resource "aws_cognito_identity_pool_roles_attachment" "a" {
  identity_pool_id = aws_cognito_identity_pool.i.id
  roles            = { authenticated = "arn:aws:iam::111122223333:role/Auth" }
  role_mapping {
    identity_provider         = aws_cognito_user_pool.p.${attribute}
    ambiguous_role_resolution = "AuthenticatedRole"
    type                      = "Token"
  }
}
resource "aws_iam_role" "r" {
  name               = "r"
  assume_role_policy = "{}"
}
resource "aws_cognito_user_group" "g" {
  name         = "g"
  user_pool_id = aws_cognito_user_pool.p.id
  precedence   = 1
  role_arn     = aws_iam_role.r.name
}
`
    const found = await findings(text, 'terraform-source')
    expect(found.map(one => one.slice(0, 7))).toEqual(['COG136 ', 'COG153 '])
  })
})
