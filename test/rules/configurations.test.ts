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
      ['COG122 The role of `a` names the audience', 'COG123 The role of `a` cannot be assumed by anyone:'],
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

  test.each<[string, string, string[]]>([
    [
      'a group is in a pool by its ARN',
      `
  Group: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: !GetAtt Pool.Arn, GroupName: a } }`,
      ['COG156 The `UserPoolId` of `Group` is the ARN of the user pool `Pool`'],
    ],
    [
      'a group is in an identity pool, and another one in a client',
      `
  Group: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: !Ref Identities, GroupName: a } }
  Other: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: !Ref Client, GroupName: b } }`,
      [
        'COG156 The `UserPoolId` of `Group` is the ID of the identity pool `Identities`',
        'COG156 The `UserPoolId` of `Other` is the ID of the app client `Client`',
      ],
    ],
    [
      'the attachment is of a user pool',
      attachment('Roles: { authenticated: arn:aws:iam::111122223333:role/Auth }').replace(
        '!Ref Identities',
        '!Ref Pool',
      ),
      ['COG156 The `IdentityPoolId` of `Attachment` is the ID of the user pool `Pool`'],
    ],
    [
      'literal ids are of the other kind, an ARN, a word',
      ['us-east-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6', 'arn:aws:cognito-idp:eu-west-1:1:userpool/eu-west-1_A', 'shop']
        .map(
          (id, index) => `
  G${index}: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: '${id}', GroupName: g${index} } }`,
        )
        .join(''),
      [
        'COG156 The `UserPoolId` of `G0` is `us-east-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6`, the ID of an identity pool',
        'COG156 The `UserPoolId` of `G1` is `arn:aws:cognito-idp:eu-west-1:1:userpool/eu-west-1_A`, an ARN',
        'COG156 The `UserPoolId` of `G2` is `shop`, which has another form',
      ],
    ],
    [
      'control: ids as they should be, or not known',
      [
        '!Ref Pool',
        '!GetAtt Pool.UserPoolId',
        'eu-west-1_Ab12Cd34e',
        'local_4gDFJkqs',
        "'{{resolve:ssm:/pool}}'",
        '!ImportValue p',
      ]
        .map(
          (id, index) => `
  G${index}: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: ${id}, GroupName: g${index} } }`,
        )
        .join(''),
      [],
    ],
    [
      'properties of an identity pool and of a group are misspelt',
      `
  Two: { Type: AWS::Cognito::IdentityPool, Properties: { AllowUnauthenticatedIdentity: true, CognitoIdentityProviders: [{ ClientID: a, ProviderNames: b }] } }
  Group: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: !Ref Pool, GroupName: a, Precedance: 1 } }`,
      [
        'COG141 `Group` has the property `Precedance`, which its type does not have; did you mean `Precedence`',
        'COG141 `Two` has the property `AllowUnauthenticatedIdentity`',
        'COG141 `Two` has the property `ClientID`',
        'COG141 `Two` has the property `ProviderNames`',
      ],
    ],
    [
      'a role trusts a user pool',
      `${trust(GOOD.replace('!Ref Identities', '!Ref Pool'))}${signedIn}`,
      [
        'COG122 The role of signed-in users (`Roles.authenticated`) names the ID of the user pool `Pool` as the audience',
      ],
    ],
  ])('%s', async (_, resources, beginnings) => {
    const found = (await findings(`Resources:${POOL}${resources}`)).toSorted()
    expect(found.map((one, index) => one.slice(0, beginnings[index]?.length ?? 40))).toEqual(beginnings)
  })

  describe('that maps a client to roles', () => {
    const NAME = '!GetAtt Pool.ProviderName'
    const given = (accepted: string, mapped: string) => `Parameters: { Some: { Type: String } }
Resources:
  Pool: { Type: AWS::Cognito::UserPool }
  Web: { Type: AWS::Cognito::UserPoolClient, Properties: { UserPoolId: !Ref Pool } }
  Mobile: { Type: AWS::Cognito::UserPoolClient, Properties: { UserPoolId: !Ref Pool } }
  Identities: { Type: AWS::Cognito::IdentityPool, Properties: { AllowUnauthenticatedIdentities: false, CognitoIdentityProviders: [${accepted}] } }
  Attachment:
    Type: AWS::Cognito::IdentityPoolRoleAttachment
    Properties:
      IdentityPoolId: !Ref Identities
      Roles: { authenticated: arn:aws:iam::111122223333:role/Auth }
      RoleMappings: { m: { IdentityProvider: ${mapped}, Type: Token, AmbiguousRoleResolution: Deny } }`
    const accepts = (client: string, name = NAME) => `{ ClientId: ${client}, ProviderName: ${name} }`

    test.each<[string, string, string, string[]]>([
      ['that is accepted', accepts('!Ref Web'), "!Sub '${Pool.ProviderName}:${Web}'", []],
      [
        'that is accepted, written in another way',
        accepts('!Ref Web'),
        "!Join ['', [cognito-idp., !Ref AWS::Region, ., !Ref AWS::URLSuffix, /, !Ref Pool, ':', !Ref Web]]",
        [],
      ],
      ['of a parameter that is accepted', accepts('!Ref Some'), "!Sub '${Pool.ProviderName}:${Some}'", []],
      [
        'that is not accepted',
        accepts('!Ref Mobile'),
        "!Sub '${Pool.ProviderName}:${Web}'",
        ['COG142 A role mapping is for the client `Web`'],
      ],
      [
        'and the identity pool accepts none',
        '',
        "!Sub '${Pool.ProviderName}:${Web}'",
        ['COG142 A role mapping is for the client `Web`'],
      ],
      [
        'and the identity pool has the pool by its id',
        accepts('!Ref Web', '!Ref Pool'),
        "!Sub '${Pool.ProviderName}:${Web}'",
        ['COG136 The identity pool `${Identities}` accepts tokens of `${Pool}`'],
      ],
      [
        'without the host',
        accepts('!Ref Web'),
        "!Sub '${Pool}:${Web}'",
        ['COG136 The role mapping is for `${Pool}:${Web}`'],
      ],
    ])('%s', async (_, accepted, mapped, beginnings) => {
      const found = await findings(given(accepted, mapped))
      expect(found.map((one, index) => one.slice(0, beginnings[index]?.length ?? 40))).toEqual(beginnings)
    })
  })

  describe('in Terraform', () => {
    const module = (rest: string, providers = '') => `
resource "aws_cognito_user_pool" "p" { name = "shop" }
resource "aws_cognito_user_pool_client" "web" {
  name         = "web"
  user_pool_id = aws_cognito_user_pool.p.id
}
resource "aws_cognito_identity_pool" "i" {
  identity_pool_name = "identities"
  ${providers}
}
${rest}`
    const inPool = (id: string) => `
resource "aws_cognito_user_group" "g" {
  name         = "g"
  user_pool_id = ${id}
}`

    test.each([
      ['aws_cognito_user_pool.p.arn', 'the ARN of the user pool `aws_cognito_user_pool.p`'],
      ['aws_cognito_user_pool.p.name', 'the name of the user pool `aws_cognito_user_pool.p`'],
      ['aws_cognito_user_pool.p.endpoint', 'the attribute `endpoint` of the user pool `aws_cognito_user_pool.p`'],
      ['aws_cognito_identity_pool.i.id', 'the ID of the identity pool `aws_cognito_identity_pool.i`'],
      ['aws_cognito_user_pool_client.web.id', 'the ID of the app client `aws_cognito_user_pool_client.web`'],
    ])('%s is not the ID of a user pool', async (id, what) => {
      expect(await findings(module(inPool(id)), 'terraform-source')).toEqual([
        `COG156 The \`user_pool_id\` of \`aws_cognito_user_group.g\` is ${what}, but the ID of a user pool is needed.`,
      ])
    })

    test('control: the id of a user pool is one, and of what is not known nothing is reported', async () => {
      for (const id of ['aws_cognito_user_pool.p.id', '"eu-west-1_Ab12Cd34e"', 'data.aws_cognito_user_pool.x.id'])
        expect(await findings(module(inPool(id)), 'terraform-source')).toEqual([])
    })

    test('attributes of blocks are misspelt', async () => {
      const found = await findings(
        module(
          `
resource "aws_cognito_identity_pool_roles_attachment" "a" {
  identity_pool_id = aws_cognito_identity_pool.i.id
  roles            = { authenticated = "arn:aws:iam::111122223333:role/Auth" }
  role_mappings {}
  role_mapping {
    identity_provider        = "accounts.google.com"
    ambigous_role_resolution = "Deny"
    type                     = "Rules"
    mapping_rule {
      claim     = "x"
      matchtype = "Equals"
      value     = "y"
      role_arn  = "arn:aws:iam::111122223333:role/A"
    }
  }
}`,
          'cognito_identity_providers {\n    client  = "a"\n    provider_names = "b"\n  }\n  cognito_identity_provider {}',
        ),
        'terraform-source',
      )
      const nearest = found.flatMap(one => /^COG141 .* did you mean `([^`]*)`/.exec(one)?.[1] ?? [])
      expect(nearest.toSorted()).toEqual([
        'ambiguous_role_resolution',
        'cognito_identity_providers',
        'match_type',
        'provider_name',
        'role_mapping',
      ])
    })
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
