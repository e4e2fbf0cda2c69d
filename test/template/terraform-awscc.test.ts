import { describe, expect, test } from 'vitest'
import type { Infrastructure } from '../../src/rules/infrastructure.js'
import { validateInfrastructure } from '../../src/rules/validate.js'
import { createHclParser } from '../../src/template/terraform/hcl-parser.js'
import { readTerraformPlan } from '../../src/template/terraform/plan.js'
import { readTerraformSource } from '../../src/template/terraform/source.js'

/** On a busy machine the default limit is too short for a test. */
const parse = createHclParser({ timeLimit: 60_000 })
const read = (text: string) => readTerraformSource(text, 'main.tf', { parse })

const SOURCE = `resource "awscc_cognito_user_pool" "p" {
  user_pool_name = "p"
}
resource "awscc_cognito_identity_pool" "ip" {
  allow_unauthenticated_identities = false
}
resource "awscc_iam_role" "admin" {
  role_name                   = "admin"
  assume_role_policy_document = jsonencode({ Statement = [{ Effect = "Deny" }] })
}
resource "awscc_cognito_user_pool_group" "admins" {
  user_pool_id = awscc_cognito_user_pool.p.user_pool_id
  group_name   = "admins"
  precedence   = 0
  role_arn     = awscc_iam_role.admin.arn
}
resource "awscc_cognito_user_pool_group" "editors" {
  user_pool_id = awscc_cognito_user_pool.p.id
  group_name   = "editors"
  precedence   = 0
  role_arn     = "arn:aws:iam::111122223333:role/Editor"
}
resource "awscc_cognito_user_pool_user_to_group_attachment" "a" {
  user_pool_id = awscc_cognito_user_pool.p.id
  group_name   = awscc_cognito_user_pool_group.admins.group_name
  username     = "ann"
}
resource "awscc_cognito_identity_pool_role_attachment" "a" {
  identity_pool_id = awscc_cognito_identity_pool.ip.identity_pool_id
  roles            = { authenticated = awscc_iam_role.admin.arn }
  role_mappings = {
    "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34e:client" = {
      type                      = "Rules"
      ambiguous_role_resolution = "Deny"
      rules_configuration = {
        rules = [{ claim = "cognito:groups", match_type = "Contains", value = "admins", role_arn = awscc_iam_role.admin.arn }]
      }
    }
    other = { type = "Token", identity_provider = "given" }
  }
}
`

/** What is the same, whether the source or the plan tells it. */
function expectAll({ pools, groups, roles, memberships, attachments }: Infrastructure) {
  expect(pools.map(({ id }) => id)).toEqual(['awscc_cognito_user_pool.p'])
  expect(groups).toMatchObject([
    {
      id: 'awscc_cognito_user_pool_group.admins',
      pool: 'awscc_cognito_user_pool.p',
      groupName: { value: 'admins' },
      precedence: { value: 0 },
      role: { value: { kind: 'resource', id: 'awscc_iam_role.admin' } },
    },
    { pool: 'awscc_cognito_user_pool.p', groupName: { value: 'editors' } },
  ])
  expect(roles).toMatchObject([
    { id: 'awscc_iam_role.admin', trustPolicy: { value: { Statement: [{ Effect: 'Deny' }] } } },
  ])
  expect(memberships).toMatchObject([
    { pool: 'awscc_cognito_user_pool.p', username: { value: 'ann' }, groupName: { value: 'admins' } },
  ])
  expect(attachments).toMatchObject([
    {
      identityPool: { value: 'awscc_cognito_identity_pool.ip' },
      roles: { value: [{ key: 'authenticated', role: { value: { id: 'awscc_iam_role.admin' } } }] },
      mappings: {
        value: [
          {
            identityProvider: { value: 'cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34e:client' },
            type: { value: 'Rules' },
            ambiguousRoleResolution: { value: 'Deny' },
            rules: { value: [{ claim: { value: 'cognito:groups' }, role: { value: { id: 'awscc_iam_role.admin' } } }] },
          },
          { identityProvider: { value: 'given' }, rules: { is: 'absent' } },
        ],
      },
    },
  ])
}

describe('resources of the Cloud Control provider', () => {
  test('are read from source', async () => expectAll(await read(SOURCE)))

  test('send a precedence of 0, as the AWS provider does not', async () => {
    const ids = (infrastructure: Infrastructure) => validateInfrastructure(infrastructure).map(({ ruleId }) => ruleId)
    expect((await read(SOURCE)).groups.every(group => !('provider' in group))).toBe(true)
    expect(ids(await read(SOURCE))).not.toContain('COG110')
    const ofAws = SOURCE.replaceAll('awscc_cognito_user_pool_group', 'aws_cognito_user_group').replaceAll(
      'group_name   = "',
      'name = "',
    )
    expect(ids(await read(ofAws)), 'control').toContain('COG110')
  })

  test('nothing that the provider has is taken for a misspelling', async () => {
    const infrastructure = await read(`${SOURCE}resource "awscc_cognito_identity_pool" "x" {
  identity_pool_tags             = []
  open_id_connect_provider_ar_ns = []
  saml_provider_ar_ns            = []
}
`)
    expect(infrastructure.misspelt).toEqual([])
    const misspelt = await read(SOURCE.replace('precedence ', 'precedense '))
    expect(misspelt.misspelt, 'control').toMatchObject([{ property: 'precedense', nearest: 'precedence' }])
  })

  test('earlier versions of the provider take the roles as JSON', async () => {
    const text = SOURCE.replace(
      '{ authenticated = awscc_iam_role.admin.arn }',
      'jsonencode({ authenticated = "arn:aws:iam::111122223333:role/A" })',
    )
    expect((await read(text)).attachments[0]!.roles).toMatchObject({
      value: [{ key: 'authenticated', role: { value: { kind: 'arn', id: 'arn:aws:iam::111122223333:role/A' } } }],
    })
  })

  test('are read from a plan', () => {
    const arn = 'arn:aws:iam::111122223333:role/admin'
    const provider = 'cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34e:client'
    const rule = { claim: 'cognito:groups', match_type: 'Contains', value: 'admins', role_arn: arn }
    const values: readonly (readonly [string, string, object])[] = [
      ['awscc_cognito_user_pool', 'p', { user_pool_id: 'eu-west-1_Ab12Cd34e', id: 'eu-west-1_Ab12Cd34e', arn: null }],
      ['awscc_cognito_identity_pool', 'ip', { identity_pool_id: 'eu-west-1:ip', id: 'eu-west-1:ip', name: 'x' }],
      [
        'awscc_iam_role',
        'admin',
        { arn, assume_role_policy_document: '{"Statement":[{"Effect":"Deny"}]}', role_id: 'x' },
      ],
      [
        'awscc_cognito_user_pool_group',
        'admins',
        { group_name: 'admins', precedence: 0, role_arn: arn, user_pool_id: 'eu-west-1_Ab12Cd34e' },
      ],
      [
        'awscc_cognito_user_pool_group',
        'editors',
        { group_name: 'editors', precedence: 0, user_pool_id: 'eu-west-1_Ab12Cd34e' },
      ],
      [
        'awscc_cognito_user_pool_user_to_group_attachment',
        'a',
        { group_name: 'admins', username: 'ann', user_pool_id: 'eu-west-1_Ab12Cd34e' },
      ],
      [
        'awscc_cognito_identity_pool_role_attachment',
        'a',
        {
          identity_pool_id: 'eu-west-1:ip',
          roles: { authenticated: arn },
          role_mappings: {
            [provider]: {
              type: 'Rules',
              ambiguous_role_resolution: 'Deny',
              identity_provider: null,
              rules_configuration: { rules: [rule] },
            },
            other: { type: 'Token', identity_provider: 'given', rules_configuration: null },
          },
        },
      ],
    ]
    const resources = values.map(([type, name, own]) => ({
      address: `${type}.${name}`,
      mode: 'managed',
      type,
      name,
      values: own,
    }))
    const plan = { format_version: '1.2', planned_values: { root_module: { resources } } }
    expectAll(readTerraformPlan(JSON.stringify(plan), 'plan.json'))
  })

  test('a role that a plan knows only after apply is the resource that it refers to', () => {
    const plan = {
      format_version: '1.2',
      planned_values: {
        root_module: {
          resources: [
            { address: 'awscc_iam_role.r', mode: 'managed', type: 'awscc_iam_role', name: 'r', values: {} },
            {
              address: 'awscc_cognito_user_pool_group.g',
              mode: 'managed',
              type: 'awscc_cognito_user_pool_group',
              name: 'g',
              values: { group_name: 'g' },
            },
          ],
        },
      },
      resource_changes: [
        {
          address: 'awscc_cognito_user_pool_group.g',
          change: { actions: ['create'], after_unknown: { role_arn: true, user_pool_id: true } },
        },
      ],
      configuration: {
        root_module: {
          resources: [
            {
              type: 'awscc_cognito_user_pool_group',
              name: 'g',
              expressions: {
                role_arn: { references: ['awscc_iam_role.r.arn', 'awscc_iam_role.r'] },
                user_pool_id: { references: ['awscc_cognito_user_pool.p.user_pool_id', 'awscc_cognito_user_pool.p'] },
              },
            },
          ],
        },
      },
    }
    expect(readTerraformPlan(JSON.stringify(plan), 'p').groups).toMatchObject([
      {
        pool: 'awscc_cognito_user_pool.p',
        role: { value: { kind: 'resource', id: 'awscc_iam_role.r' } },
        created: true,
      },
    ])
  })
})
