import { generateKeyPairSync, sign } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import * as fc from 'fast-check'
import * as authorizer from '../../src/authorizer/index.js'
import { parseLedger } from '../../src/calibrate/ledger.js'
import { verifyToken } from '../../src/calibrate/verify.js'
import { applyBaseline } from '../../src/cli/baseline.js'
import { readConfig } from '../../src/cli/config.js'
import { readMemberships } from '../../src/cli/memberships-file.js'
import { readPoolFile } from '../../src/cli/pool-file.js'
import { openAuditFile } from '../../src/cli/audit-file.js'
import { changesOf, isTerraformPlan, readDeployment } from '../../src/cli/deployment.js'
import { readFinishedCheckpoint } from '../../src/cognito/memberships/finished-checkpoint.js'
import { readRolesFile } from '../../src/cli/roles-file.js'
import { createAccountSummary } from '../../src/audit/account-summary.js'
import { checkRole, parseRoleArn } from '../../src/audit/role-check.js'
import { mappingsByClient } from '../../src/cognito/api/identity-pool-api.js'
import * as responses from '../../src/cognito/api/responses.js'
import { createUserPoolApi } from '../../src/cognito/api/user-pool-api.js'
import { parse } from '../../src/cognito/api/user-pool-call.js'
import * as cognito from '../../src/cognito/index.js'
import { parseSnapshot } from '../../src/cognito/groups/snapshot.js'
import { parseAccountRecord } from '../../src/cognito/memberships/account-journal.js'
import { openCheckpoint } from '../../src/cognito/memberships/checkpoint.js'
import { createDetailsTable } from '../../src/cognito/memberships/user-details.js'
import * as core from '../../src/index.js'
import { accountPage } from '../../src/report/account-page.js'
import { accountText } from '../../src/report/account-text.js'
import { RULES } from '../../src/rules/catalogue.js'
import { validateAll, validateInfrastructure } from '../../src/rules/validate.js'
import * as template from '../../src/template/index.js'
import { createHclParser } from '../../src/template/terraform/hcl-parser.js'
import { readTerraformModule } from '../../src/template/terraform/source.js'
import { parser, type Parser } from './fuzz.js'
import { changed, changedJson, damaged, hostileJson, hostileValue } from './hostile.js'

const fixture = (path: string) => readFileSync(new URL(`../fixtures/${path}`, import.meta.url), 'utf8')
const jsonFixture = (path: string): unknown => JSON.parse(fixture(path).replaceAll(/,(\s*[}\]])/g, '$1'))

const POOL = 'eu-west-1_Ab12Cd34e'
const IDENTITY_POOL = 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6'
const ROLE = 'arn:aws:iam::111122223333:role/Admin'
const OTHER_ROLE = 'arn:aws:iam::111122223333:role/path/User'

const GROUPS = [
  { groupName: 'admins', precedence: 0, roleArn: ROLE },
  { groupName: 'users', precedence: 1, roleArn: OTHER_ROLE },
  { groupName: 'others', precedence: null, roleArn: null },
]
const CLAIMS = {
  sub: 'u',
  iss: `https://cognito-idp.eu-west-1.amazonaws.com/${POOL}`,
  token_use: 'id',
  iat: 1_700_000_000,
  exp: 1_700_003_600,
  'cognito:username': 'alice',
  'cognito:groups': ['admins', 'users'],
  'cognito:roles': [ROLE, OTHER_ROLE],
  'cognito:preferred_role': ROLE,
}
const SUB = '0a1b2c3d-0000-4000-8000-00000000000a'
const SQL_OPTIONS = {
  semantics: 'observed',
  dialect: 'portable',
  tables: { groups: ['cognito', 'groups'], memberships: 'memberships' },
  columns: { roleArn: 'role', userPoolId: 'pool' },
}
const JOINED = { ...CLAIMS, 'cognito:groups': 'admins,users', 'cognito:roles': `${ROLE},${OTHER_ROLE}` }
const BRACKETS = { ...CLAIMS, 'cognito:groups': '[admins users]', 'cognito:roles': `[${ROLE} ${OTHER_ROLE}]` }
const MAPPING = {
  Type: 'Rules',
  AmbiguousRoleResolution: 'Deny',
  RulesConfiguration: {
    Rules: [
      { Claim: 'cognito:groups', MatchType: 'Contains', Value: 'admins', RoleARN: ROLE },
      { Claim: 'paid', MatchType: 'NotEqual', Value: 'true', RoleARN: OTHER_ROLE },
    ],
  },
}
const MAPPINGS = {
  [`cognito-idp.eu-west-1.amazonaws.com/${POOL}:client`]: MAPPING,
  'accounts.google.com': { Type: 'Token', AmbiguousRoleResolution: 'AuthenticatedRole' },
}
const REQUEST = { customRoleArn: ROLE, roles: { authenticated: OTHER_ROLE, unauthenticated: ROLE } }
const TRUST_POLICY = {
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'Users',
      Effect: 'Allow',
      Principal: { Federated: 'cognito-identity.amazonaws.com' },
      Action: ['sts:AssumeRoleWithWebIdentity'],
      Condition: {
        StringEquals: { 'cognito-identity.amazonaws.com:aud': IDENTITY_POOL },
        'ForAnyValue:StringLike': { 'cognito-identity.amazonaws.com:amr': ['authenticated'] },
      },
    },
  ],
}
const POLICY = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: ['*'], Resource: '*', Condition: {} }] }
const ROLES = {
  RoleDetailList: [
    {
      Arn: ROLE,
      AssumeRolePolicyDocument: TRUST_POLICY,
      RolePolicyList: [{ PolicyName: 'own', PolicyDocument: POLICY }],
      AttachedManagedPolicies: [{ PolicyName: 'p', PolicyArn: 'arn:aws:iam::111122223333:policy/p' }],
      PermissionsBoundary: { PermissionsBoundaryArn: 'arn:aws:iam::aws:policy/p' },
    },
    { Arn: OTHER_ROLE, AssumeRolePolicyDocument: encodeURIComponent(JSON.stringify(TRUST_POLICY)) },
  ],
  Policies: [
    {
      Arn: 'arn:aws:iam::111122223333:policy/p',
      DefaultVersionId: 'v1',
      PolicyVersionList: [{ VersionId: 'v1', IsDefaultVersion: true, Document: JSON.stringify(POLICY) }],
    },
  ],
  IsTruncated: false,
}
const SNAPSHOT = {
  version: 1,
  userPoolId: POOL,
  takenAt: 1_700_000_000_000,
  Groups: [
    { GroupName: 'admins', Precedence: 0, RoleArn: ROLE },
    { GroupName: 'users', UserPoolId: POOL },
  ],
}
const override = { groupsToOverride: ['admins'], iamRolesToOverride: [ROLE], preferredRole: ROLE }
const PRE_TOKEN = [
  { claimsOverrideDetails: { groupOverrideDetails: override, claimsToSuppress: ['cognito:groups'] } },
  {
    version: '2',
    triggerSource: 'TokenGeneration_Authentication',
    request: { groupConfiguration: override, userAttributes: { sub: 'u' } },
    response: {
      claimsAndScopeOverrideDetails: {
        idTokenGeneration: { claimsToAddOrOverride: { 'cognito:roles': 'x' }, claimsToSuppress: ['cognito:roles'] },
        accessTokenGeneration: { claimsToAddOrOverride: {}, claimsToSuppress: [], scopesToAdd: ['a'] },
        groupOverrideDetails: override,
      },
    },
  },
]
const INFRASTRUCTURE_PLAN = {
  format_version: '1.2',
  terraform_version: '1.9.0',
  planned_values: {
    root_module: {
      resources: [
        {
          address: 'aws_cognito_user_group.a',
          mode: 'managed',
          type: 'aws_cognito_user_group',
          name: 'a',
          values: { name: 'admins', precedence: 0, role_arn: null, user_pool_id: POOL },
        },
        {
          address: 'aws_iam_role.a',
          mode: 'managed',
          type: 'aws_iam_role',
          name: 'a',
          values: { assume_role_policy: JSON.stringify(TRUST_POLICY) },
        },
      ],
      child_modules: [{ address: 'module.m', resources: [] }],
    },
  },
  resource_changes: [
    { address: 'aws_cognito_user_group.a', change: { actions: ['create'], after_unknown: { role_arn: true } } },
  ],
  configuration: {
    root_module: {
      resources: [
        {
          mode: 'managed',
          type: 'aws_cognito_user_group',
          name: 'a',
          expressions: { role_arn: { references: ['aws_iam_role.a.arn', 'aws_iam_role.a'] } },
        },
      ],
      module_calls: { m: { module: {}, expressions: { x: { references: ['var.y'] } } } },
    },
  },
}
const CLOUDFORMATION = {
  AWSTemplateFormatVersion: '2010-09-09',
  Parameters: { P: { Type: 'Number', Default: 1 } },
  Mappings: { M: { a: { b: 'c' } } },
  Conditions: { C: { 'Fn::Equals': [{ Ref: 'P' }, 1] } },
  Resources: {
    Pool: { Type: 'AWS::Cognito::UserPool' },
    Role: { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: TRUST_POLICY } },
    Group: {
      Type: 'AWS::Cognito::UserPoolGroup',
      Condition: 'C',
      Metadata: { rolecast: { ignore: [{ rules: ['COG101'], reason: 'why', expires: '2027-01-01' }] } },
      Properties: {
        UserPoolId: { Ref: 'Pool' },
        GroupName: { 'Fn::Sub': ['${a}-x', { a: { 'Fn::FindInMap': ['M', 'a', 'b'] } }] },
        Precedence: { 'Fn::If': ['C', 1, { Ref: 'AWS::NoValue' }] },
        RoleArn: { 'Fn::GetAtt': ['Role', 'Arn'] },
      },
    },
    Attachment: {
      Type: 'AWS::Cognito::IdentityPoolRoleAttachment',
      Properties: {
        IdentityPoolId: IDENTITY_POOL,
        Roles: { authenticated: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }]] } },
        RoleMappings: {
          M: { ...MAPPING, IdentityProvider: { 'Fn::Sub': `cognito-idp.eu-west-1.amazonaws.com/\${Pool}:c` } },
        },
      },
    },
    Member: {
      Type: 'AWS::Cognito::UserPoolUserToGroupAttachment',
      Properties: { UserPoolId: { Ref: 'Pool' }, GroupName: { Ref: 'Group' }, Username: 'alice' },
    },
  },
}
const TERRAFORM_JSON = {
  resource: {
    aws_cognito_user_group: { a: { name: 'admins', user_pool_id: POOL, count: 2, role_arn: '${aws_iam_role.a.arn}' } },
    aws_iam_role: { a: { assume_role_policy: '${jsonencode({ Statement = [] })}' } },
  },
  variable: { x: { default: { a: 1 } } },
  locals: { l: '${[for k, v in var.x : k]}' },
  module: { m: { source: './cognito' } },
  data: { aws_iam_policy_document: { d: { statement: [{ actions: ['sts:AssumeRole'], condition: [] }] } } },
}

const AMPLIFY_PROGRAM = `import { defineAuth } from '@aws-amplify/backend'
const names = ['USERS', "ADMINS"] as const
enum More { A = 'a', B = \`b\` }
export const auth = defineAuth({ loginWith: { email: true }, groups: [...names, ...Object.values(More)] satisfies string[] })
`
/** Files that name one another; HCL is in the form that needs no thread. */
const PROJECT: readonly template.ProjectFile[] = [
  {
    path: 'main.tf.json',
    text: '{"module":{"m":{"source":"./m","groups":"${var.groups}"}},"variable":{"groups":{"default":{"a":1,"b":1}}}}',
    format: 'terraform-source',
  },
  {
    path: 'm/main.tf.json',
    text: JSON.stringify({
      variable: { groups: { type: 'map(number)' } },
      resource: {
        aws_cognito_user_group: {
          g: {
            for_each: '${var.groups}',
            name: '${each.key}',
            precedence: '${each.value}',
            user_pool_id: POOL,
            role_arn: `${ROLE}-\${each.key}`,
          },
        },
      },
      output: { o: { value: '${aws_cognito_user_group.g}' } },
    }),
    format: 'terraform-source',
  },
  {
    path: 'parent.yaml',
    text: `Resources:
  Pool: { Type: AWS::Cognito::UserPool }
  Child: { Type: AWS::CloudFormation::Stack, Properties: { TemplateURL: child.yaml, Parameters: { Pool: !Ref Pool } } }
  Group: { Type: AWS::Cognito::UserPoolGroup, Properties: { GroupName: a, UserPoolId: !GetAtt Child.Outputs.Id } }
Outputs: { Id: { Value: !Ref Pool, Export: { Name: pool } } }
`,
    format: 'cloudformation',
  },
  {
    path: 'child.yaml',
    text: `Parameters: { Pool: { Type: String, Default: x, AllowedValues: [x, y] } }
Resources:
  Group: { Type: AWS::Cognito::UserPoolGroup, Properties: { GroupName: b, UserPoolId: !Ref Pool, Precedence: 1 } }
  Fn::ForEach::Names: [Name, [c, d], { 'G\${Name}': { Type: AWS::Cognito::UserPoolGroup, Properties: { GroupName: !Ref Name, UserPoolId: !ImportValue pool } } }]
Outputs: { Id: { Value: !Ref Pool } }
`,
    format: 'cloudformation',
  },
  {
    path: 'serverless.yml',
    text: `service: s
provider: { name: aws, stage: "\${opt:stage, 'dev'}" }
custom: { rank: 1, names: { dev: a }, part: "\${file(child.yaml)}" }
resources:
  - \${file(child.yaml)}
  - Resources:
      G: { Type: AWS::Cognito::UserPoolGroup, Properties: { GroupName: "\${self:custom.names.\${self:provider.stage}}", UserPoolId: !ImportValue pool } }
`,
    format: 'serverless',
  },
]

/** Files of the repository, and how each says its format. */
const FILES: readonly (readonly [template.TemplateFormat, readonly string[]])[] = [
  [
    'cloudformation',
    ['pools', 'attachments', 'merged', 'suppressed', 'unresolved'].map(name => `templates/cloudformation/${name}.yaml`),
  ],
  ['serverless', ['templates/serverless/serverless.yml', 'templates/serverless/parts.yml']],
  ['terraform-plan', ['templates/terraform/plan.json', 'templates/terraform/state.json']],
  ['pulumi-preview', ['templates/pulumi/preview.json']],
  ['pulumi-stack', ['templates/pulumi/stack.json']],
  ['pulumi-yaml', ['templates/pulumi/Pulumi.yaml']],
  ['amplify', ['templates/amplify/amplify_outputs.json', 'templates/amplify/user-pool-group-precedence.json']],
]

/** Reads it, and looks for what is wrong with it. */
async function readAndValidate(text: string, format: template.TemplateFormat | undefined, path = '-'): Promise<void> {
  const infrastructure = await template.readTemplate(text, { format, path })
  validateInfrastructure(infrastructure)
  validateAll(template.mergeInfrastructures([infrastructure, infrastructure]), { today: '2026-01-01' })
}

function templates(): readonly Parser[] {
  return [
    ...FILES.map(([format, paths]) =>
      parser(`${format} texts`, ['readTemplate', 'mergeInfrastructures'], damaged(paths.map(fixture)), text =>
        readAndValidate(text, format),
      ),
    ),
    parser(
      'texts of no named format',
      ['readTemplate', 'detectFormat'],
      damaged(FILES.flatMap(([, all]) => all.map(fixture))),
      text => {
        template.detectFormat(text)
        return /resource "/.test(text) ? undefined : readAndValidate(text, undefined)
      },
    ),
    parser(
      'CloudFormation values',
      ['readTemplate'],
      changedJson([CLOUDFORMATION, jsonFixture('templates/cdk/Auth.template.json')]),
      text => readAndValidate(text, 'cloudformation'),
    ),
    parser('Serverless values', ['readTemplate'], changedJson([{ service: 's', resources: [CLOUDFORMATION] }]), text =>
      readAndValidate(text, 'serverless'),
    ),
    parser(
      'Terraform plan values',
      ['readTemplate'],
      changedJson([INFRASTRUCTURE_PLAN, jsonFixture('templates/terraform/plan.json')]),
      text => readAndValidate(text, 'terraform-plan'),
    ),
    parser('Pulumi values', ['readTemplate'], changedJson([jsonFixture('templates/pulumi/preview.json')]), text =>
      readAndValidate(text, 'pulumi-preview'),
    ),
    parser(
      'Amplify values',
      ['readTemplate'],
      changedJson([jsonFixture('templates/amplify/amplify_outputs.json'), [{ groupName: 'a', precedence: 1 }]]),
      text => readAndValidate(text, 'amplify'),
    ),
    parser('Terraform JSON', ['readTerraformModule', 'readTemplate'], changedJson([TERRAFORM_JSON]), text =>
      readAndValidate(text, 'terraform-source', 'main.tf.json'),
    ),
    parser('HCL', ['readTerraformModule'], damaged([fixture('templates/terraform/main.tf')]), async text => {
      await readTerraformModule([{ path: 'main.tf', text }], { parse: parseHcl })
    }),
    parser('Pulumi stack values', ['readTemplate'], changedJson([jsonFixture('templates/pulumi/stack.json')]), text =>
      readAndValidate(text, 'pulumi-stack'),
    ),
    parser(
      'lists of groups',
      ['readTemplate'],
      changedJson([{ Groups: [{ GroupName: 'a', UserPoolId: POOL, Precedence: 0, RoleArn: ROLE }], NextToken: 'x' }]),
      text => readAndValidate(text, 'user-pool'),
    ),
    parser('programs of Amplify', ['readTemplate'], damaged([AMPLIFY_PROGRAM]), text =>
      readAndValidate(text, 'amplify', 'amplify/auth/resource.ts'),
    ),
    parser(
      'projects',
      ['readProject'],
      fc.record({ index: fc.nat(PROJECT.length - 1), text: damaged(PROJECT.map(({ text }) => text)) }),
      async ({ index, text }) => {
        const files = PROJECT.map((one, position) => (position === index ? { ...one, text } : one))
        const { infrastructures } = await template.readProject(files, {
          open: path => files.find(one => one.path === path)?.text,
          varFiles: [{ path: 'x.tfvars.json', text }],
        })
        validateAll(infrastructures, { today: '2026-01-01' })
      },
    ),
    parser('findings', ['validateTemplate'], changedJson([CLOUDFORMATION]), text =>
      template.validateTemplate(text, { format: 'cloudformation', now: 0 }),
    ),
    parser(
      'templates, read at once',
      ['readTemplateSync', 'validateTemplateSync', 'readProjectSync'],
      changedJson([CLOUDFORMATION, jsonFixture('templates/cdk/Auth.template.json')]),
      text => {
        const format = 'cloudformation'
        template.readTemplateSync(text)
        template.validateTemplateSync(text, { format, now: 0 })
        // Whatever it is, it may be the manifest of the assets too.
        template.readProjectSync([{ path: 'a.template.json', text, format }], { open: () => text })
      },
    ),
  ]
}

/** On a busy machine the default limit is too short for a test. */
const parseHcl = createHclParser({ timeLimit: 60_000 })

/** What is no list at all is the compiler's to find. */
const lists = (samples: readonly unknown[][]) =>
  changed(samples, hostileValue).map(value => (Array.isArray(value) ? (value as unknown[]) : [value]))
const groupsInput = lists([GROUPS, GROUPS.slice(0, 1)])
const resolution = core.resolveRoles(GROUPS)

/** Of a user pool in which a group without a precedence is, or is not, preferred. */
const CALIBRATIONS = [null, ROLE].map(preferred => ({
  calibration: 1,
  date: '2026-11-29T12:00:00.000Z',
  userPoolId: POOL,
  endpoint: 'https://cognito-idp.eu-west-1.amazonaws.com',
  tokens: [
    {
      id: 'no-precedence',
      row: '3',
      groups: [{ groupName: 'admins', precedence: null, roleArn: ROLE }],
      idToken: { 'cognito:groups': ['admins'], 'cognito:roles': [ROLE], 'cognito:preferred_role': preferred },
      accessToken: { 'cognito:groups': ['admins'], 'cognito:roles': null, 'cognito:preferred_role': null },
      note: 'of one user',
    },
  ],
}))

function resolving(): readonly Parser[] {
  return [
    parser('groups', ['resolveRoles', 'suggestRenumbering', 'compilePool', 'explain'], groupsInput, input => {
      const groups = input as readonly core.Group[]
      core.explain(core.resolveRoles(groups))
      core.resolveRoles(groups, { semantics: 'documented' })
      const pool = core.compilePool(groups)
      core.explain(pool.resolve(['admins', '__proto__']))
    }),
    parser('groups to renumber', ['suggestRenumbering'], lists([GROUPS]), input =>
      core.suggestRenumbering(core.compilePool(input as readonly core.Group[]).groups),
    ),
    parser('calibrations', ['readCalibration'], changed(CALIBRATIONS, hostileValue), input => {
      const calibration = core.readCalibration(input)
      core.fitSemantics(calibration.tokens)
      core.explain(core.resolveRoles(GROUPS, { calibration }))
    }),
    parser('options', ['resolveRoles', 'compilePool'], changed([{ semantics: 'observed' }], hostileValue), input => {
      if (typeof input !== 'object' || input === null) return
      core.resolveRoles(GROUPS, input)
      core.compilePool(GROUPS, input)
    }),
    parser('options of SQL', ['rolesSql'], changed([SQL_OPTIONS], hostileValue), input => {
      core.rolesSql(input as core.RolesSqlOptions)
    }),
    parser(
      'options of Cedar',
      ['cedarEntities', 'verifiedPermissionsEntities'],
      changed([{ userPoolId: POOL, sub: SUB, userType: 'App::User', groupType: 'App::Group' }], hostileValue),
      input => {
        if (typeof input !== 'object' || input === null) return
        core.verifiedPermissionsEntities(core.resolveRoles(GROUPS), input as core.CedarOptions)
      },
    ),
    parser('names in a pool', ['compilePool', 'createImpact'], lists([['admins', 'users']]), input => {
      const names = input as readonly string[]
      core.compilePool(GROUPS).resolve(names)
      core.createImpact(GROUPS, GROUPS.slice(1))({ username: 'alice', groups: names })
    }),
    parser(
      'columns of memberships',
      ['compilePool'],
      changed([{ offsets: [0, 1, 3], groupIds: [0, 1, 2] }], hostileValue),
      input => {
        const { offsets, groupIds } = (input ?? {}) as { offsets: never; groupIds: never }
        core.compilePool(GROUPS).resolveMany({ offsets, groupIds })
      },
    ),
    parser(
      'changes of groups',
      ['changeGroups', 'createImpact', 'createImpactSummary', 'createAuditSummary', 'createConcerns', 'emptiedGroups'],
      lists([
        [
          { groupName: 'admins', precedence: 2 },
          { groupName: 'users', roleArn: ROLE },
        ],
      ]),
      input => {
        const after = core.changeGroups(GROUPS, input as readonly core.GroupChange[])
        const summary = core.createImpactSummary()
        const emptied = core.emptiedGroups(input as readonly core.GroupChange[])
        summary.add(core.createImpact(GROUPS, after, { emptied })({ username: 'alice', groups: ['admins'] }))
        summary.summary()
        const counted = core.createAuditSummary({ groups: core.compilePool(after).groups, semantics: 'observed' })
        const alice = { username: 'alice', resolution: core.compilePool(after).resolve(['admins']) }
        counted.add(alice)
        counted.summary()
        core.createConcerns({ groups: after })(alice)
      },
    ),
    parser(
      'users of two audits',
      ['createAuditDiff', 'isDifferent'],
      lists([[{ username: 'alice', sub: 's-1', groups: ['admins'] }]]),
      input => {
        const diff = core.createAuditDiff({ before: { groups: GROUPS }, after: { groups: GROUPS.slice(1) } })
        const users = input as readonly core.DiffUser[]
        for (const user of users) diff.addBefore(user)
        for (const user of users) diff.addAfter(user)
        core.isDifferent(diff.summary(), 'any')
      },
    ),
    parser('names and numbers', ['isGroupName', 'isPrecedence', 'isRolecastError'], hostileValue, input => {
      core.isGroupName(input)
      core.isPrecedence(input)
      core.isRolecastError(input)
    }),
    parser('claims of a token', ['compareClaims'], changed([CLAIMS], hostileValue), input =>
      core.compareClaims(resolution, input as never),
    ),
    parser('what a trigger answered', ['applyGroupOverride'], changed(PRE_TOKEN, hostileValue), input =>
      core.applyGroupOverride(resolution, input as never),
    ),
  ]
}

function credentials(): readonly Parser[] {
  return [
    parser('trust policies', ['trustsIdentityPool'], changed([TRUST_POLICY], hostileValue), input =>
      core.trustsIdentityPool(input as object, IDENTITY_POOL),
    ),
    parser('trust policies as texts', ['trustsIdentityPool'], changedJson([TRUST_POLICY]), input => {
      core.trustsIdentityPool(input, IDENTITY_POOL)
    }),
    parser(
      'ids',
      ['trustsIdentityPool', 'providerKey', 'findRoleMapping'],
      fc.tuple(hostileValue, hostileValue),
      ([id, other]) => {
        const attempts = [
          () => core.trustsIdentityPool(TRUST_POLICY, id as string),
          () => core.providerKey(id as string, other as string),
          () => core.providerKey(POOL, id as string),
          () => core.findRoleMapping(MAPPINGS as never, id as string, other as string),
        ]
        failuresOf(attempts)
      },
    ),
    parser(
      'role mappings',
      ['findRoleMapping', 'selectRole', 'selectRoleFor'],
      changed([MAPPINGS], hostileValue),
      input => {
        const mapping = core.findRoleMapping(input as never, POOL, 'client')
        failuresOf([
          () => core.selectRole(CLAIMS, mapping, REQUEST),
          () => core.selectRoleFor(resolution, mapping, REQUEST),
        ])
        if (typeof input === 'object' && input !== null) mappingsByClient(input as never, POOL)
      },
    ),
    parser('claims for an identity pool', ['selectRole', 'selectRoleFor'], changed([CLAIMS], hostileValue), input =>
      failuresOf([
        () => core.selectRole(input as never, MAPPING as never, REQUEST),
        () => core.selectRoleFor(resolution, MAPPING as never, { ...REQUEST, otherClaims: input as never }),
      ]),
    ),
    parser('requests for credentials', ['selectRole', 'selectRoleFor'], changed([REQUEST], hostileValue), input =>
      failuresOf([
        () => core.selectRole(CLAIMS, MAPPING as never, input as never),
        () => core.selectRoleFor(resolution, MAPPING as never, input as never),
      ]),
    ),
  ]
}

/** Each is tried; what one throws is thrown after the last, and a failure of another kind before one that is expected. */
function failuresOf(attempts: readonly (() => unknown)[]): void {
  const errors: unknown[] = []
  for (const attempt of attempts) {
    try {
      attempt()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors.find(error => !core.isRolecastError(error)) ?? errors[0]
}

const USER = {
  Username: 'alice',
  Attributes: [
    { Name: 'sub', Value: '7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6' },
    { Name: 'email', Value: 'alice@example.com' },
  ],
  Enabled: true,
  UserStatus: 'CONFIRMED',
}
const POOL_TYPE = {
  Id: POOL,
  Name: 'people',
  Arn: `arn:aws:cognito-idp:eu-west-1:111122223333:userpool/${POOL}`,
  EstimatedNumberOfUsers: 3,
}

const SHAPES = [
  [responses.getGroupResponse, { Group: SNAPSHOT.Groups[0], $metadata: {} }],
  [responses.listGroupsResponse, { ...SNAPSHOT, NextToken: 'x' }],
  [responses.listUsersResponse, { Users: [USER], PaginationToken: 'x' }],
  [responses.listUsersInGroupResponse, { Users: [{ Username: 'alice' }], NextToken: 'x' }],
  [responses.describeUserPoolResponse, { UserPool: POOL_TYPE }],
] as const

const LIGHT_OPTIONS = { region: 'eu-west-1', endpoint: 'https://cognito.example.com', maxAttempts: 3, profile: 'x' }
const hostileUserPage = changed([{ Groups: SNAPSHOT.Groups }], hostileJson)

function overTheNetwork(): readonly Parser[] {
  const context = { operation: 'ListGroups', userPoolId: POOL } as const
  return [
    parser(
      'responses about a user pool',
      ['createGroupSource', 'createRoleResolver', 'takeSnapshot', 'auditPool', 'auditUser', 'estimatePool', 'impact'],
      fc.tuple(
        fc.constantFrom(...SHAPES.map(([shape]) => shape)),
        changed(
          SHAPES.map(([, sample]) => sample),
          hostileValue,
        ),
      ),
      ([shape, response]) => {
        const parsed = parse(shape as typeof responses.listGroupsResponse, response, context)
        parsed.Groups?.map(responses.toGroup)
      },
    ),
    parser(
      'what a pool says of itself and of its users',
      [],
      changed([{ Users: [USER], UserPool: POOL_TYPE }], hostileJson),
      async response => {
        const client = { listUsers: async () => response, describeUserPool: async () => response }
        const rates = { ListUsers: Infinity, DescribeUserPool: Infinity }
        const options = { userPoolId: POOL, client: client as never, clock: Date.now, onCall() {}, rates }
        const api = createUserPoolApi({ ...options, attributes: ['email', '__proto__'] })
        await api.describeUserPool(new AbortController().signal)
        for (const user of (await api.listUsers(undefined, new AbortController().signal)).users) {
          const table = createDetailsTable()
          table.set(0, user.username, user)
          table.get(0, user.username)
        }
      },
    ),
    parser(
      'responses about an identity pool',
      ['getIdentityPoolRoles'],
      changed([{ IdentityPoolId: IDENTITY_POOL, Roles: REQUEST.roles, RoleMappings: MAPPINGS }], hostileJson),
      response =>
        cognito.getIdentityPoolRoles({
          identityPoolId: IDENTITY_POOL,
          client: { send: () => Promise.resolve(response) } as never,
        }),
    ),
    parser(
      'groups of a user',
      ['groupsFromCognito'],
      fc.tuple(changed([CLAIMS, { ...CLAIMS, token_use: 'access', username: 'alice' }], hostileValue), hostileUserPage),
      async ([claims, response]) => {
        const client = { adminListGroupsForUser: () => Promise.resolve(response) }
        await cognito.groupsFromCognito({ userPoolId: POOL, client: client as never, timeout: 50 })(claims as never)
      },
    ),
    parser('options of the light client', ['createLightClient'], changed([LIGHT_OPTIONS], hostileValue), options =>
      cognito.createLightClient(options as never),
    ),
    parser('snapshots', ['createGroupSource', 'createRoleResolver'], changed([SNAPSHOT], hostileValue), input => {
      const { groups } = parseSnapshot(input)
      core.compilePool(groups)
    }),
    parser(
      'names of a user',
      ['createRoleResolver', 'createRoleGuard', 'resolveLookup'],
      lists([['admins', 'users']]),
      async names => {
        const table = new Map(GROUPS.map(group => [group.groupName, group]))
        const resolver = cognito.createRoleResolver({ source: name => table.get(name), userPoolId: POOL })
        await resolver.resolve(names as readonly string[])
      },
    ),
    parser(
      'groups of a source',
      ['createRoleResolver', 'resolveLookup'],
      changed(GROUPS, hostileValue),
      async group => {
        const resolver = cognito.createRoleResolver({ source: () => group as never, userPoolId: POOL })
        // A group with a function `then` is a promise to those who await it, and this one never settles.
        const then: unknown = Object.getOwnPropertyDescriptor(Object(group), 'then')?.value
        if (typeof then !== 'function') await resolver.resolve(['admins'])
        cognito.resolveLookup({ groups: [group as never], unknownGroups: [], stale: false, age: 0 })
      },
    ),
  ]
}

const CHANGES = ['eventbridge-update-group', 'sqs-batch', 'cloudtrail-log-file'].map(
  name =>
    JSON.parse(readFileSync(new URL(`../../docs/examples/events/${name}.json`, import.meta.url), 'utf8')) as unknown,
)

function invalidating(): readonly Parser[] {
  const target = { userPoolId: POOL, invalidate: () => {} }
  const targets = { groups: target, users: target }
  const invalidate = (event: unknown) =>
    cognito.applyInvalidation(cognito.invalidationFrom(event, { userPoolId: POOL }), targets)
  return [
    parser('events of changes', ['invalidationFrom', 'applyInvalidation'], changed(CHANGES, hostileValue), invalidate),
    parser('events of changes as texts', ['invalidationFrom'], changedJson(CHANGES), invalidate),
    parser(
      'invalidations',
      ['applyInvalidation'],
      changed([cognito.invalidationFrom(CHANGES[1], { userPoolId: POOL })], hostileValue),
      async invalidation => {
        await cognito.applyInvalidation(invalidation as cognito.Invalidation, targets)
      },
    ),
  ]
}

const LOOKUP = { groups: GROUPS, unknownGroups: ['gone'], stale: false, age: 0 }
const TRANSPORTS = ['jwt', 'rest', 'http', 'appsync', 'alb', 'array'] as const
const EVENTS = ['rest-token', 'rest-request', 'websocket', 'http-1', 'http-2', 'appsync'].map(kind => ({
  kind,
  event: jsonFixture(`authorizer/${kind}.json`),
}))

function authorizing(): readonly Parser[] {
  const table = new Map(GROUPS.map(group => [group.groupName, group]))
  const resolver = cognito.createRoleResolver({ source: name => table.get(name), userPoolId: POOL })
  const verify = (claims: unknown) => ({ verify: () => Promise.resolve(claims) }) as never
  const options = { resolver, onStale: 'allow', allow: () => true, clock: () => 1_700_000_000_000 } as const
  return [
    parser(
      'claims by every transport',
      ['parseRoleClaims', 'parseGroupsClaim'],
      fc.tuple(fc.constantFrom(...TRANSPORTS), changed([CLAIMS, JOINED, BRACKETS], hostileValue)),
      ([transport, claims]) =>
        failuresOf([
          () => authorizer.parseRoleClaims(claims as never, { transport }),
          () => authorizer.parseRoleClaims(claims as never, { transport, knownGroups: ['admins', 'users'] }),
          () => authorizer.parseGroupsClaim(claims, { transport }),
          () => authorizer.parseRoleClaims(CLAIMS, claims as never),
        ]),
    ),
    parser(
      'events of every kind',
      [
        'createRoleAuthorizer',
        'bearerToken',
        'toIamPolicyResponse',
        'toSimpleResponse',
        'toAppSyncResponse',
        'toContext',
      ],
      fc.tuple(
        fc.constantFrom(...EVENTS.map(({ kind }) => kind)),
        changed(
          EVENTS.map(({ event }) => event),
          hostileJson,
        ),
      ),
      async ([kind, event]) => {
        const handle = authorizer.createRoleAuthorizer({
          ...options,
          kind: kind as 'http-2',
          groupsOf: 'token',
          resource: 'method',
          onFailure: 'deny',
          verifier: verify(CLAIMS),
        } as never)
        // What tells API Gateway to respond with 401.
        await handle(event as never).catch((error: Error) => {
          if (error.message !== 'Unauthorized') throw error
        })
      },
    ),
    parser(
      'verified claims of a request',
      ['createRoleGuard', 'createRoleAuthorizer'],
      changed([CLAIMS], hostileJson),
      async claims => {
        const guard = authorizer.createRoleGuard({ ...options, groupsOf: 'token', verifier: verify(claims) } as never)
        await guard({ token: 'x' } as never)
      },
    ),
    parser('groups that a function gives', ['createRoleGuard'], changed([LOOKUP], hostileValue), async found => {
      const guard = authorizer.createRoleGuard({ ...options, groupsOf: () => found, verifier: verify(CLAIMS) } as never)
      // One with a function `then` is a promise that never settles.
      await guard('x', { signal: AbortSignal.timeout(10) })
    }),
    parser('headers', ['bearerToken'], hostileValue, input => authorizer.bearerToken(input)),
    parser('roles to switch to', ['checkRoleSwitch', 'listSwitchableRoles'], hostileValue, input => {
      authorizer.checkRoleSwitch({ ...resolution, stale: false } as never, input as never)
      authorizer.listSwitchableRoles({ ...resolution, stale: false } as never)
    }),
  ]
}

const MEMBERSHIPS = '{"username":"alice","groups":["admins","users"]}\n{"username":"bob","groups":[]}\n'
const CONFIG = {
  failOn: 'error',
  exclude: ['dist'],
  suppressions: [{ rules: [RULES[0]!.id], reason: 'why', expires: '2027-01-01', groups: ['a'] }],
}
const AUDIT = `{"audit":{"version":1,"tool":{"name":"rolecast","version":"0.1.0"},"reading":{"source":"cognito","userPoolId":"${POOL}","startedAt":"2026-11-01T12:00:00.000Z"},"semantics":"observed","groups":[{"groupName":"admins","precedence":0,"roleArn":"${ROLE}"},{"groupName":"users","precedence":1,"roleArn":"${OTHER_ROLE}"}]}}
{"username":"alice","sub":"s-1","enabled":true,"groups":["admins"],"roles":["${ROLE}"],"outcome":"resolved","rule":"lowest-precedence","evidence":"observed","preferredRole":"${ROLE}"}
{"username":"bob","groups":[],"roles":[],"outcome":"none","rule":"no-groups","evidence":"observed"}
{"summary":{"users":2,"findings":[{"concern":"no-role","count":1}],"changes":[]}}
`
const TERRAFORM_PLAN = {
  format_version: '1.2',
  planned_values: {
    root_module: {
      resources: [
        {
          address: 'aws_cognito_user_group.a',
          mode: 'managed',
          type: 'aws_cognito_user_group',
          name: 'a',
          values: { name: 'admins', user_pool_id: POOL, precedence: 1, role_arn: ROLE },
        },
      ],
    },
  },
  resource_changes: [
    {
      address: 'aws_cognito_user_group.b',
      type: 'aws_cognito_user_group',
      change: { actions: ['delete'], before: { name: 'users', user_pool_id: POOL }, after: null },
    },
  ],
}
const BASELINE = { version: 1, findings: [{ path: 'a.yaml', key: 'COG101/x' }] }

const NO_STDIN = Readable.from([])

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** @param folder for files */
function files(folder: string): readonly Parser[] {
  const path = join(folder, 'input')
  const put = (text: string, encoding: BufferEncoding = 'utf8') => {
    writeFileSync(path, Buffer.from(text, encoding))
    return path
  }
  const encoding = fc.constantFrom<BufferEncoding>('utf8', 'utf8', 'utf8', 'latin1', 'utf16le')
  return [
    parser('pool files', ['readPoolFile'], fc.tuple(changedJson([SNAPSHOT]), encoding), ([text, as]) =>
      readPoolFile(put(text, as), NO_STDIN),
    ),
    parser(
      'memberships',
      ['readMemberships'],
      fc.tuple(damaged([MEMBERSHIPS, MEMBERSHIPS.repeat(20)]), encoding, fc.integer({ min: 1, max: 64 })),
      async ([text, as, size]) => {
        const bytes = Buffer.from(text, as)
        const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
          bytes.subarray(index * size, (index + 1) * size),
        )
        for await (const batch of readMemberships('-', Readable.from(pieces))) void batch
      },
    ),
    parser('roles files', ['readRolesFile'], fc.tuple(changedJson([ROLES]), encoding), async ([text, as]) => {
      const file = await readRolesFile(put(text, as), NO_STDIN)
      for (const roleArn of [ROLE, OTHER_ROLE]) {
        const role = parseRoleArn(roleArn)!
        checkRole(roleArn, { role: file.find(role) }, file.place(role), IDENTITY_POOL)
      }
    }),
    parser('configs', ['readConfig'], changedJson([CONFIG]), text => readConfig(put(text), NO_STDIN)),
    parser('baselines', ['applyBaseline'], changedJson([BASELINE]), text => applyBaseline([], put(text), NO_STDIN)),
    parser(
      'audits',
      ['openAuditFile', 'createAuditDiff', 'isDifferent'],
      fc.tuple(damaged([AUDIT]), encoding),
      async ([text, as]) => {
        const file = await openAuditFile(put(text, as), NO_STDIN)
        try {
          const diff = core.createAuditDiff({ before: file.side, after: file.side })
          for await (const users of file.users('observed')) users.forEach(diff.addBefore)
          for (const user of diff.gone()) void user
          core.isDifferent(diff.summary({ before: file.end(), after: file.end() }), 'any')
        } finally {
          await file.close()
        }
      },
    ),
    parser('plans of Terraform', ['isTerraformPlan', 'readDeployment'], changedJson([TERRAFORM_PLAN]), async text => {
      const plan = put(text)
      if (!isTerraformPlan(jsonOrNull(text))) return
      const deployment = await readDeployment([plan], { varFiles: [], stdin: Readable.from([]) })
      changesOf(deployment, GROUPS, { userPoolId: POOL, poolName: undefined, roles: new Map(), removesOthers: true })
    }),
    parser(
      'finished checkpoints',
      ['readCheckpoint', 'readFinishedCheckpoint'],
      damaged([checkpoint(path)]),
      async text => {
        for (const user of (await readFinishedCheckpoint(put(text))).users()) void user
      },
    ),
    parser(
      'records of an audit of accounts',
      ['parseAccountRecord'],
      changed(ACCOUNT_RECORDS, hostileValue),
      record => {
        const parsed = parseAccountRecord(record)
        if (parsed.kind !== 'pool') return
        const { account, region, userPoolId, audits } = parsed
        const found = { accounts: [], regions: [], notRead: [], semantics: 'observed' } as const
        const summary = createAccountSummary({ ...found, pools: [{ account, region, userPoolId, audits }] })
        accountPage(summary, { toolVersion: '' })
        accountText(summary, { color: false, toolVersion: '' })
      },
    ),
    parser('checkpoints', ['openCheckpoint'], damaged([checkpoint(path)]), async text => {
      const opened = await openCheckpoint(put(text), CHECKPOINT_OPTIONS)
      try {
        for await (const one of opened.records()) void one
      } finally {
        await opened.remove()
      }
    }),
  ]
}

const ACCOUNT_PLACE = { account: '111122223333', region: 'eu-west-1' }
const ACCOUNT_RECORDS = [
  {
    kind: 'user-pools',
    ...ACCOUNT_PLACE,
    at: '2026-11-01T12:00:00.000Z',
    userPools: [{ userPoolId: POOL, name: 'a' }],
  },
  {
    kind: 'identity-pools',
    ...ACCOUNT_PLACE,
    count: 1,
    linked: [
      {
        identityPoolId: 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6',
        providers: [{ providerName: 'cognito-idp.eu-west-1.amazonaws.com/eu-west-1_a', clientId: 'web' }],
        settings: { IdentityPoolId: 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6', RoleMappings: {} },
      },
    ],
  },
  {
    kind: 'pool',
    ...ACCOUNT_PLACE,
    userPoolId: POOL,
    routes: '',
    audits: [
      {
        summary: core
          .createAuditSummary({ groups: [{ groupName: 'admins', roleArn: ROLE }], semantics: 'observed' })
          .summary(),
      },
    ],
    part: { bytes: 1, sha256: 'a'.repeat(64) },
  },
  { kind: 'pool', ...ACCOUNT_PLACE, userPoolId: POOL, routes: '', audits: [], part: null },
]

const CHECKPOINT_OPTIONS = { read: { userPoolId: POOL }, now: () => 1_700_000_000_000, maxAge: Infinity } as const

/** As it is written, damaged later. Empty until the first has been written. */
function checkpoint(path: string): string {
  try {
    return readFileSync(`${path}.checkpoint`, 'utf8')
  } catch {
    return ''
  }
}

/** Writes the checkpoint that the parsers damage. */
export async function prepare(folder: string): Promise<void> {
  const opened = await openCheckpoint(join(folder, 'input.checkpoint'), CHECKPOINT_OPTIONS)
  for (let index = 0; index < 5; index++) await opened.append({ page: index, users: ['alice', 'bob'] })
  await opened.flush()
  await opened.close()
}

/** Every parser there is. @param folder for files that they read, where `prepare` ran */
export function allParsers(folder: string): readonly Parser[] {
  return [
    ...templates(),
    ...resolving(),
    ...credentials(),
    ...overTheNetwork(),
    ...invalidating(),
    ...authorizing(),
    ...tokens(),
    ...files(folder),
  ]
}

const ID_TOKEN = { ...CLAIMS, aud: 'client' }
const ACCESS_TOKEN = {
  sub: 'u',
  iss: CLAIMS.iss,
  token_use: 'access',
  client_id: 'client',
  username: 'alice',
  iat: CLAIMS.iat,
  exp: CLAIMS.exp,
  'cognito:groups': ['admins'],
}
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const KEYS = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'key', alg: 'RS256', use: 'sig' }] }
const base64url = (text: string) => Buffer.from(text).toString('base64url')

function tokenOf(payload: string, header = '{"alg":"RS256","kid":"key"}'): string {
  const signed = `${base64url(header)}.${base64url(payload)}`
  return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), privateKey).toString('base64url')}`
}

const LEDGER_NAME = 'rolecast-calibrate-0123456789abcdef'
const LEDGER = [
  { ledger: 1, runId: '0123456789abcdef', region: 'eu-west-1', account: 'f00d' },
  { creating: 'user-pool', name: LEDGER_NAME },
  { created: 'user-pool', name: LEDGER_NAME, id: POOL },
  { creating: 'role', name: `${LEDGER_NAME}-a` },
  { gone: 'user-pool', name: LEDGER_NAME },
]
  .map(line => `${JSON.stringify(line)}\n`)
  .join('')

function tokens(): readonly Parser[] {
  const groups = GROUPS.map(group => ({ ...group, modifiedAt: 1_600_000_000_000 }))
  const options = { userPoolId: POOL, groups, keys: KEYS } as const
  const token = tokenOf(JSON.stringify(ID_TOKEN))
  return [
    parser('ledgers', ['parseLedger'], damaged([LEDGER]), text => parseLedger(text, 'run.ledger')),
    parser('tokens', ['verifyToken'], damaged([token]), text => verifyToken(text, options)),
    parser('what signed tokens say', ['verifyToken'], changedJson([ID_TOKEN, ACCESS_TOKEN]), payload =>
      verifyToken(tokenOf(payload), options),
    ),
    parser('headers of tokens', ['verifyToken'], changedJson([{ alg: 'RS256', kid: 'key', typ: 'JWT' }]), header =>
      verifyToken(tokenOf(JSON.stringify(ID_TOKEN), header), options),
    ),
    parser('keys of a user pool', ['verifyToken'], changed([KEYS], hostileValue), keys =>
      verifyToken(token, { ...options, keys: keys ?? null }),
    ),
    parser('groups with times', ['verifyToken'], lists([groups]), input =>
      verifyToken(token, { ...options, groups: input as typeof groups }),
    ),
  ]
}

/** Exported functions that take nothing from outside, each with the reason. */
export const WITHOUT_INPUT: ReadonlyMap<string, string> = new Map([
  ['accessTokenClaims', 'takes a resolution that this library made'],
  ['compareRoles', 'takes two resolutions that this library made'],
  ['denialHeaders', 'takes a decision that this library made'],
  ['describeChange', 'takes a change that this library found'],
  ['fitSemantics', 'takes tokens that `readCalibration` checked, or `calibrate` made'],
  ['groupConfigurations', 'takes a resolution that this library made'],
  ['RolecastError', 'is a class; its messages are what the law of every parser is about'],
])

/** The readers of the command line's files and arguments, which no entry above exports. */
export const FILE_READERS: readonly string[] = [
  'applyBaseline',
  'isTerraformPlan',
  'openAuditFile',
  'openCheckpoint',
  'parseAccountRecord',
  'parseLedger',
  'readCheckpoint',
  'readConfig',
  'readDeployment',
  'readFinishedCheckpoint',
  'readMemberships',
  'readPoolFile',
  'readRolesFile',
  'verifyToken',
]
