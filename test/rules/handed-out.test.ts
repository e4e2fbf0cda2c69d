import { describe, expect, test } from 'vitest'
import { validateAll } from '../../src/rules/validate.js'
import { mergeInfrastructures, readTemplate, type TemplateFormat, validateTemplate } from '../../src/template/index.js'

const said = async (text: string, format: TemplateFormat = 'cloudformation') =>
  (await validateTemplate(text, { format, now: 0 })).map(({ ruleId, severity, message }) => ({
    found: `${ruleId} ${severity}`,
    message,
  }))
const found = async (text: string, format?: TemplateFormat) => (await said(text, format)).map(one => one.found)

const SERVICE = 'cognito-identity.amazonaws.com'
/** A role of CloudFormation for signed-in users, or for others. */
const role = (id: string, { principal = SERVICE, aud = '!Ref IdentityPool', amr = 'authenticated' } = {}) => `
  ${id}:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement:
          Effect: Allow
          Principal: { Federated: ${principal} }
          Action: sts:AssumeRoleWithWebIdentity
          Condition:
            StringEquals: { '${SERVICE}:aud': ${aud} }
            ForAnyValue:StringLike: { '${SERVICE}:amr': ${amr} }`
const identityPool = (id: string, allowsGuests = 'false') => `
  ${id}:
    Type: AWS::Cognito::IdentityPool
    Properties:
      AllowUnauthenticatedIdentities: ${allowsGuests}
      CognitoIdentityProviders: [{ ProviderName: !GetAtt Pool.ProviderName, ClientId: !Ref Client }]`
const POOL = `
Parameters: { Anything: { Type: String } }
Conditions: { Some: !Equals [!Ref Anything, x] }
Resources:
  Pool: { Type: AWS::Cognito::UserPool }
  Client: { Type: AWS::Cognito::UserPoolClient, Properties: { UserPoolId: !Ref Pool } }`
const group = (arn = '!GetAtt AdminRole.Arn') => `
  Admins:
    Type: AWS::Cognito::UserPoolGroup
    Properties: { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: ${arn} }`
const PROVIDER = "!Sub 'cognito-idp.${AWS::Region}.amazonaws.com/${Pool}:${Client}'"
const attachment = (roles: string, provider: string = PROVIDER, to = '!Ref IdentityPool') => `
  Attachment:
    Type: AWS::Cognito::IdentityPoolRoleAttachment
    Properties:
      IdentityPoolId: ${to}
      Roles: { ${roles} }
      RoleMappings: { app: { IdentityProvider: ${provider}, Type: Token, AmbiguousRoleResolution: Deny } }`

describe('the role of guests', () => {
  const given = (allowsGuests: string | undefined, users: string) =>
    POOL +
    (allowsGuests === undefined ? '' : identityPool('IdentityPool', allowsGuests)) +
    role('AdminRole') +
    role('GuestRole', { amr: 'authenticated' }) +
    group() +
    attachment(`authenticated: !GetAtt ${users}.Arn, unauthenticated: !GetAtt GuestRole.Arn`)

  test('is checked only if the identity pool lets guests in', async () => {
    expect(await found(given('true', 'AdminRole'))).toEqual(['COG120 error'])
    expect(await found(given("'True'", 'AdminRole'))).toEqual(['COG120 error'])
    expect(await found(given('false', 'AdminRole'))).toEqual([])
    const open = ['COG120 warning']
    for (const allows of ['!Ref Anything', '!If [Some, true, false]', undefined])
      expect(await found(given(allows, 'AdminRole'))).toEqual(open)
    const [finding] = await said(given(undefined, 'AdminRole'))
    expect(finding!.message).toContain('This matters if the identity pool lets guests in.')
  })

  test('may be that of signed-in users too, where there are no guests', async () => {
    expect(await found(given('false', 'GuestRole'))).toEqual([])
    expect(await found(given('true', 'GuestRole'))).toEqual(['COG120 error', 'COG126 warning'])
    const messages = (await said(given('!Ref Anything', 'GuestRole'))).map(({ message }) => message)
    expect(messages.join('\n')).toContain('`Roles.authenticated`), if the identity pool lets guests in.')
  })

  const terraform = (allows: string) => `
resource "aws_cognito_identity_pool" "main" {
  identity_pool_name = "main"
  ${allows}
}
resource "aws_iam_role" "guest" {
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }] })
}
resource "aws_cognito_identity_pool_roles_attachment" "main" {
  identity_pool_id = aws_cognito_identity_pool.main.id
  roles            = { unauthenticated = aws_iam_role.guest.arn }
}`

  test('is checked the same way in Terraform, whose provider lets no guests in by default', async () => {
    const allowing = (value: string) => terraform(`allow_unauthenticated_identities = ${value}`)
    expect(await found(allowing('true'), 'terraform-source')).toEqual(['COG120 error'])
    expect(await found(allowing('false'), 'terraform-source')).toEqual([])
    expect(await found(terraform(''), 'terraform-source')).toEqual([])
    expect(await found(allowing('var.guests'), 'terraform-source')).toEqual(['COG120 warning'])
  })
})

describe('a principal that is known in part', () => {
  const given = (principal: string) => POOL + role('AdminRole', { principal }) + group()

  test('is not the service if it has another beginning', async () => {
    const provider = "!Sub 'arn:${AWS::Partition}:iam::${AWS::AccountId}:oidc-provider/x'"
    expect(await found(given(provider))).toEqual(['COG120 error'])
    expect(await found(given("'arn:aws:iam::${AWS::AccountId}:root'"))).toEqual(['COG120 error'])
  })

  test.each(["!Sub 'cognito-${Anything}'", "!Sub '${Anything}:x'", "!Sub 'cognito-identity.${Anything}.com'"])(
    'may be the service: %s',
    async principal => {
      expect(await found(given(principal))).toEqual(['COG190 note'])
    },
  )

  test('changes nothing next to a principal that is the service', async () => {
    const both = given(`[${SERVICE}, !Sub 'arn:aws:iam::\${AWS::AccountId}:oidc-provider/x']`)
    expect((await found(both)).filter(one => one.startsWith('COG120'))).toEqual([])
  })

  test('that is entirely unknown may be any principal', async () => {
    const whole = given(SERVICE).replace(`{ Federated: ${SERVICE} }`, '!If [Some, { AWS: x }, !Ref Anything]')
    expect(await found(whole)).toEqual(['COG190 note'])
  })

  test('is read in Terraform the same', async () => {
    const text = (principal: string) => `
resource "aws_iam_role" "admin" {
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRoleWithWebIdentity", Principal = { Federated = ${principal} },
      Condition = { StringEquals = { "${SERVICE}:aud" = var.pool } } }]
  })
}
resource "aws_cognito_user_group" "admins" {
  name = "admins"
  user_pool_id = aws_cognito_user_pool.main.id
  precedence = 1
  role_arn = aws_iam_role.admin.arn
}
resource "aws_cognito_user_pool" "main" {
  name = "main"
}`
    const account = 'arn:aws:iam::${data.aws_caller_identity.current.account_id}'
    expect(await found(text(`"${account}:oidc-provider/x"`), 'terraform-source')).toEqual(['COG120 error'])
    expect(await found(text('var.principal'), 'terraform-source')).toEqual(['COG190 note'])
  })
})

test('an audience whose beginning does not fit an identity pool ID is not one', async () => {
  const given = (aud: string) => POOL + role('AdminRole', { aud }) + group()
  expect(await found(given("!Sub 'arn:aws:cognito-identity:${AWS::Region}:1:identitypool/x'"))).toEqual([
    'COG122 error',
  ])
  expect(await found(given("!Sub 'eu-west-1:${Anything}'"))).toEqual([])
  expect(await found(given("!Sub '${AWS::Region}:${Anything}'"))).toEqual([])
})

describe('a role that trusts another identity pool of the file', () => {
  const given = (aud: string, more = '') =>
    POOL +
    identityPool('IdentityPool') +
    identityPool('OtherIdentityPool') +
    role('AdminRole', { aud }) +
    group() +
    attachment('authenticated: !GetAtt AdminRole.Arn') +
    more

  test('is found, by the name of the pool', async () => {
    expect(await found(given('!Ref IdentityPool'))).toEqual([])
    expect(await said(given('!Ref OtherIdentityPool'))).toMatchObject([
      { found: 'COG120 error', message: expect.stringContaining('another identity pool (`${OtherIdentityPool}`)') },
    ])
    expect(await found(given('[!Ref OtherIdentityPool, !Ref IdentityPool]'))).toEqual([])
    expect(await found(given('!Ref Anything'))).toEqual([])
  })

  test('is not found where that one may hand it out too', async () => {
    const second = attachment('authenticated: !GetAtt AdminRole.Arn', PROVIDER, '!Ref OtherIdentityPool')
    expect(await found(given('!Ref OtherIdentityPool', second.replace('Attachment:', 'Second:')))).toEqual([])
    const open = given('!Ref OtherIdentityPool').replace(
      'IdentityPoolId: !Ref IdentityPool',
      'IdentityPoolId: !Ref Anything',
    )
    expect((await found(open)).filter(one => one.startsWith('COG120'))).toEqual([])
  })

  test('is found in Terraform', async () => {
    const text = (pool: string) => `
resource "aws_cognito_identity_pool" "main" { identity_pool_name = "main" }
resource "aws_cognito_identity_pool" "other" { identity_pool_name = "other" }
resource "aws_iam_role" "users" {
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRoleWithWebIdentity", Principal = { Federated = "${SERVICE}" },
      Condition = {
        StringEquals = { "${SERVICE}:aud" = aws_cognito_identity_pool.${pool}.id }
        "ForAnyValue:StringLike" = { "${SERVICE}:amr" = "authenticated" }
      } }]
  })
}
resource "aws_cognito_identity_pool_roles_attachment" "main" {
  identity_pool_id = aws_cognito_identity_pool.main.id
  roles            = { authenticated = aws_iam_role.users.arn }
}`
    expect(await found(text('other'), 'terraform-source')).toEqual(['COG120 error'])
    expect(await found(text('main'), 'terraform-source')).toEqual([])
  })
})

describe('a string with placeholders that nothing replaces', () => {
  const written = "'cognito-idp.${AWS::Region}.amazonaws.com/${Pool}:${Client}'"
  const given = ({
    provider = PROVIDER,
    arn = '!GetAtt AdminRole.Arn',
    to = '!Ref IdentityPool',
    aud = '!Ref IdentityPool',
  }) =>
    POOL +
    identityPool('IdentityPool') +
    role('AdminRole', { aud }) +
    group(arn) +
    attachment('authenticated: !GetAtt AdminRole.Arn', provider, to)

  test.each<[string, Parameters<typeof given>[0], string[]]>([
    ['nowhere', {}, []],
    ['a provider', { provider: written }, ['COG136 error']],
    ["a role's ARN", { arn: "'arn:aws:iam::${AWS::AccountId}:role/admin'" }, ['COG153 error']],
    ["an identity pool's ID", { to: "'${IdentityPool}'" }, ['COG156 error']],
    ['an audience', { aud: "'${IdentityPool}'" }, ['COG122 error']],
  ])('is found in %s', async (_, parts, expected) => {
    expect(await found(given(parts))).toEqual(expected)
  })

  test('asks whether `!Sub` is missing', async () => {
    const [finding] = await said(given({ provider: written }))
    expect(finding!.message).toContain('did you forget `!Sub`?')
  })

  test('is not a mistake in a variable of a policy', async () => {
    expect(await found(given({ arn: "'arn:aws:iam::111122223333:role/${aws:username}'" }))).toEqual([])
  })
})

describe('where the ID of an app client is needed', () => {
  const terraform = (client: string, attribute = 'id') => `
resource "aws_cognito_user_pool" "p" { name = "p" }
resource "aws_cognito_user_pool_client" "c" {
  name         = "web"
  user_pool_id = aws_cognito_user_pool.p.id
}
resource "aws_cognito_identity_pool" "main" {
  identity_pool_name = "main"
  cognito_identity_providers {
    provider_name = aws_cognito_user_pool.p.endpoint
    client_id     = ${client}
  }
}
resource "aws_cognito_identity_pool_roles_attachment" "main" {
  identity_pool_id = aws_cognito_identity_pool.main.id
  roles            = { authenticated = "arn:aws:iam::111122223333:role/users" }
  role_mapping {
    identity_provider         = "\${aws_cognito_user_pool.p.endpoint}:\${aws_cognito_user_pool_client.c.${attribute}}"
    type                      = "Token"
    ambiguous_role_resolution = "Deny"
  }
}`
  const ids = async (text: string, format?: TemplateFormat) =>
    (await found(text, format)).filter(one => !one.startsWith('COG190'))

  test('its name is found, in Terraform and in CloudFormation', async () => {
    const client = 'aws_cognito_user_pool_client.c'
    expect(await found(terraform(`${client}.id`), 'terraform-source')).toEqual([])
    expect(await ids(terraform(`${client}.name`), 'terraform-source')).toEqual(['COG156 error'])
    expect(await ids(terraform(`${client}.id`, 'name'), 'terraform-source')).toEqual(['COG156 error'])
    expect(await ids(terraform('aws_cognito_user_pool.p.id'), 'terraform-source')).toEqual(['COG156 error'])
    const stack = POOL + identityPool('IdentityPool')
    expect(await ids(stack)).toEqual([])
    expect(await ids(stack.replace('ClientId: !Ref Client', 'ClientId: !GetAtt Client.Name'))).toEqual(['COG156 error'])
  })
})

test('providers under a misspelt name are found as that, and not as a client that is not accepted', async () => {
  const given = POOL + identityPool('IdentityPool') + attachment('authenticated: arn:aws:iam::111122223333:role/users')
  expect(await found(given)).toEqual([])
  expect(await found(given.replace('CognitoIdentityProviders', 'CognitoIdentityProvider'))).toEqual(['COG141 error'])
  const none = given.replace(/\n *CognitoIdentityProviders.*/, '')
  expect(await found(none)).toEqual(['COG142 error'])
})

describe('a template on its own', () => {
  const nested = `
Resources:
  Auth:
    Type: AWS::CloudFormation::Stack
    Properties: { TemplateURL: ./auth.yaml }`

  test('says which nested stacks are not there, if it mentions Cognito', async () => {
    expect(await found(nested)).toEqual([])
    const speaking = nested.replace('./auth.yaml', './cognito.yaml')
    expect(await said(speaking)).toMatchObject([
      { found: 'COG194 warning', message: expect.stringContaining('nested stack `Auth`') },
    ])
  })
})

describe('templates that are read together', () => {
  const stack = (aud: string) =>
    `Resources:${identityPool('IdentityPool')}${identityPool('OtherIdentityPool')}${role('AdminRole', { aud })}
  Admins:
    Type: AWS::Cognito::UserPoolGroup
    Properties: { UserPoolId: eu-west-1_Ab12Cd34e, GroupName: NAME, Precedence: 1 }
  ${'NAME'}:
    Type: AWS::Cognito::IdentityPoolRoleAttachment
    Properties: { IdentityPoolId: !Ref IdentityPool, Roles: { authenticated: !GetAtt AdminRole.Arn } }`

  test('keep their identity pools apart, those of trust policies too', async () => {
    const given = async (aud: string) => {
      const texts = ['first', 'second'].map(name => stack(aud).replaceAll('NAME', name))
      const read = await Promise.all(texts.map((text, index) => readTemplate(text, { path: `${index}.yaml` })))
      const merged = mergeInfrastructures(read)
      expect(merged).toHaveLength(1)
      return validateAll(merged, { today: '2026-11-29' })
        .filter(({ ruleId }) => ruleId === 'COG120')
        .map(({ location }) => location.path)
    }
    expect(await given('!Ref IdentityPool')).toEqual([])
    expect(await given('!Ref OtherIdentityPool')).toEqual(['0.yaml', '1.yaml'])
  })
})
