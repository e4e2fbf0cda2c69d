import { describe, expect, test } from 'vitest'
import { readCloudFormation } from '../../src/template/cloudformation/resources.js'
import { readTemplate } from '../../src/template/index.js'

const names = (found: { readonly misspelt: readonly { readonly property: string; readonly nearest: string }[] }) =>
  found.misspelt.map(({ property, nearest }) => `${property} -> ${nearest}`)

describe('a property that a type does not have', () => {
  test('is told with the one that was probably meant, in CloudFormation', () => {
    const text = `
Resources:
  Group: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolID: p, GroupName: a, RoleARN: r, Precedense: 1 } }
  Member: { Type: AWS::Cognito::UserPoolUserToGroupAttachment, Properties: { UserPoolId: p, UserName: u, GroupName: a } }
  Attachment:
    Type: AWS::Cognito::IdentityPoolRoleAttachment
    Properties:
      IdentityPoolId: i
      Role: {}
      RoleMappings:
        m: { Type: Rules, AmbigousRoleResolution: Deny, RulesConfiguration: { Rules: [{ Claim: c, RoleArn: r }] } }
`
    const found = readCloudFormation(text, 't.yaml')
    expect(names(found).toSorted()).toEqual(
      [
        'UserPoolID -> UserPoolId',
        'RoleARN -> RoleArn',
        'Precedense -> Precedence',
        'Role -> Roles',
        'AmbigousRoleResolution -> AmbiguousRoleResolution',
        'RoleArn -> RoleARN',
        'UserName -> Username',
      ].toSorted(),
    )
    expect(found.misspelt.find(({ property }) => property === 'RoleARN')).toMatchObject({
      resource: 'Group',
      location: { path: 't.yaml', line: 3, column: 90 },
    })
  })

  test('is told in a Terraform plan', async () => {
    const plan = {
      format_version: '1.2',
      planned_values: {
        root_module: {
          resources: [
            {
              address: 'aws_cognito_user_group.a',
              mode: 'managed',
              type: 'aws_cognito_user_group',
              name: 'a',
              values: { name: 'a', user_pool_id: 'eu-west-1_Ab12Cd34e', role: null, roles_arn: 'x' },
            },
          ],
        },
      },
    }
    expect(names(await readTemplate(JSON.stringify(plan), { format: 'terraform-plan' }))).toEqual([
      'roles_arn -> role_arn',
    ])
  })

  test('is not told where nothing is near: a newer version of the type may have it', () => {
    const text = `Resources: { G: { Type: AWS::Cognito::UserPoolGroup, Properties: { GroupName: a, Tags: [], Quota: 1 } } }`
    expect(names(readCloudFormation(text, 't.yaml'))).toEqual([])
  })
})
