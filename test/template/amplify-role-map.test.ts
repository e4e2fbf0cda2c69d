import { describe, expect, test } from 'vitest'
import { validateAll } from '../../src/rules/validate.js'
import { mergeInfrastructures, readTemplate } from '../../src/template/index.js'

const CODE = [
  'exports.handler = (event, context) => {',
  '  let { identityPoolId, appClientID, userPoolId, region } = event.ResourceProperties;',
  '  let params = { IdentityPoolId: identityPoolId, Roles: {}, RoleMappings: {} };',
  '  params.RoleMappings[`cognito-idp.${region}.amazonaws.com/${userPoolId}:${appClientID}`] = {',
  "    Type: 'Token',",
  "    AmbiguousRoleResolution: 'AuthenticatedRole',",
  '  };',
  '  cognitoidentity.setIdentityPoolRoles(params).promise();',
]

const role = {
  Type: 'AWS::IAM::Role',
  Properties: {
    AssumeRolePolicyDocument: {
      Statement: {
        Effect: 'Allow',
        Principal: { Federated: 'cognito-identity.amazonaws.com' },
        Action: 'sts:AssumeRoleWithWebIdentity',
        Condition: {
          StringEquals: { 'cognito-identity.amazonaws.com:aud': { Ref: 'IdentityPoolId' } },
          'ForAnyValue:StringLike': { 'cognito-identity.amazonaws.com:amr': 'authenticated' },
        },
      },
    },
  },
}
const group = (name: string, Precedence: number) => ({
  Type: 'AWS::Cognito::UserPoolGroup',
  Properties: {
    UserPoolId: { Ref: 'UserPoolId' },
    GroupName: name,
    Precedence,
    RoleArn: { 'Fn::GetAtt': [`${name}Role`, 'Arn'] },
  },
})
const roleMap = {
  Type: 'Custom::LambdaCallout',
  Properties: {
    ServiceToken: { 'Fn::GetAtt': ['RoleMapFunction', 'Arn'] },
    AuthRoleArn: { Ref: 'AuthRoleArn' },
    UnauthRoleArn: { Ref: 'UnauthRoleArn' },
    identityPoolId: { Ref: 'IdentityPoolId' },
    userPoolId: { Ref: 'UserPoolId' },
    appClientID: { Ref: 'AppClientId' },
  },
}

/** What Amplify Gen 1 makes for two groups, whose function has this code. */
function templateOf({ code = { ZipFile: { 'Fn::Join': ['\n', CODE] } } as object, second = 2, others = {} } = {}) {
  const parameters = ['AuthRoleArn', 'UnauthRoleArn', 'IdentityPoolId', 'UserPoolId', 'AppClientId']
  return JSON.stringify({
    Parameters: Object.fromEntries(parameters.map(name => [name, { Type: 'String' }])),
    Resources: {
      A: group('A', 1),
      ARole: role,
      B: group('B', second),
      BRole: role,
      RoleMapFunction: { Type: 'AWS::Lambda::Function', Properties: { Code: code } },
      RoleMapFunctionInput: roleMap,
      ...others,
    },
  })
}

const read = (text: string) => readTemplate(text, { path: 'amplify/backend/auth/userPoolGroups/template.json' })
const findingsIn = async (text: string) => validateAll([await read(text)], { today: '2026-11-29' })
const rulesIn = async (text: string) => (await findingsIn(text)).map(({ ruleId }) => ruleId)

describe("Amplify's role map", () => {
  test('is a role attachment that takes the role from the token', async () => {
    const { attachments, notFollowed } = await read(templateOf())
    expect(attachments).toMatchObject([
      {
        id: 'RoleMapFunctionInput',
        identityPool: { value: '${IdentityPoolId}' },
        roles: {
          value: [
            { key: 'authenticated', role: { value: { kind: 'reference', id: '${AuthRoleArn}' } } },
            { key: 'unauthenticated', role: { value: { kind: 'reference', id: '${UnauthRoleArn}' } } },
          ],
        },
        mappings: {
          value: [
            {
              pool: '${UserPoolId}',
              type: { value: 'Token' },
              ambiguousRoleResolution: { value: 'AuthenticatedRole' },
            },
          ],
        },
      },
    ])
    expect(notFollowed).toEqual([])
    expect(await rulesIn(templateOf()), 'its pool is a parameter').toEqual(['COG190'])
  })

  test('says what a tie of groups leads to', async () => {
    const [tie] = await findingsIn(templateOf({ second: 1 }))
    expect(tie).toMatchObject({ ruleId: 'COG101', severity: 'error' })
    expect(tie!.impact).toContain('(Token, AuthenticatedRole) gives these users the authenticated role')
  })

  test('comes after the attachment of its identity pool, by design', async () => {
    const attachment = {
      Type: 'AWS::Cognito::IdentityPoolRoleAttachment',
      Properties: { IdentityPoolId: { Ref: 'IdentityPoolId' }, Roles: { authenticated: { Ref: 'AuthRoleArn' } } },
    }
    expect(await rulesIn(templateOf({ others: { First: attachment } }))).toEqual(['COG190'])
    const twice = templateOf({ others: { First: attachment, Second: attachment } })
    expect(await rulesIn(twice), 'control').toEqual(['COG190', 'COG137'])
  })

  test('does not keep a copy of its template apart from the one in `build`', async () => {
    const folder = 'amplify/backend/auth/userPoolGroups'
    const paths = [`${folder}/build/userPoolGroups-cloudformation-template.json`, `${folder}/template.json`]
    const parts = await Promise.all(paths.map(path => readTemplate(templateOf(), { path })))
    expect(mergeInfrastructures(parts)).toMatchObject([{ attachments: [{ id: 'RoleMapFunctionInput' }], paths }])
  })
})

describe('a custom resource that may do something else is not followed, and said', () => {
  const changed = (from: string, to: string) => ({ ZipFile: CODE.join('\n').replace(from, to) })

  test.each<[string, object]>([
    ['rules in place of the token', changed(`'Token'`, `'Rules'`)],
    ['users who are denied', changed(`'AuthenticatedRole'`, `'Deny'`)],
    ['what is computed', changed(`'Token'`, 'event.type')],
    ['a second mapping of another type', changed('  };', `  }; const other = { Type: 'Rules' };`)],
    ['code that is elsewhere', { S3Bucket: 'code', S3Key: 'role-map.zip' }],
  ])('%s', async (_, code) => {
    const { attachments } = await read(templateOf({ code }))
    expect(attachments).toEqual([])
    expect(await rulesIn(templateOf({ code }))).toContain('COG194')
  })

  test('a function of another template', async () => {
    const { ServiceToken: _, ...others } = roleMap.Properties
    const elsewhere = { ...roleMap, Properties: { ...others, ServiceToken: { Ref: 'AppClientId' } } }
    expect(await rulesIn(templateOf({ others: { RoleMapFunctionInput: elsewhere } }))).toContain('COG194')
  })
})
