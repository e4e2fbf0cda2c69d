import { readdirSync, readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRolecastError } from '../../src/errors.js'
import type { GroupDefinition, Infrastructure, Location, Value } from '../../src/rules/infrastructure.js'
import { readCloudFormation } from '../../src/template/cloudformation/resources.js'
import { parseIgnoreComment } from '../../src/template/ignore-comment.js'
import { MAX_CHARACTERS, MAX_DEPTH, MAX_LEXEMES, readYamlDocument } from '../../src/template/yaml-document.js'
import { validateInfrastructure } from '../../src/rules/validate.js'
import { errorOf } from '../failure-of.js'

const folder = new URL('../fixtures/templates/', import.meta.url)

function fixture(path: string): string {
  return readFileSync(new URL(path, folder), 'utf8')
}

function read(path: string): Infrastructure {
  return readCloudFormation(fixture(path), path)
}

function groupsOf(infrastructure: Infrastructure): ReadonlyMap<string, GroupDefinition> {
  return new Map(infrastructure.groups.map(group => [group.id, group]))
}

/** The value without its places. */
function bare(value: Value<unknown> | undefined): unknown {
  if (value?.is === 'known') return value.value
  if (value?.is === 'one-of') return value.values.map(bare)
  return value?.is === 'unknown' ? `? ${value.why}` : value?.is
}

/** The text that a location names. */
function textAt(text: string, { line, column, endLine, endColumn }: Location): string {
  const lines = text.split('\n').slice(line! - 1, endLine)
  lines[lines.length - 1] = lines.at(-1)!.slice(0, endColumn! - 1)
  return [lines[0]!.slice(column! - 1), ...lines.slice(1)].join('\n')
}

/** A template of one group with these properties. */
function precedenceOf(precedence: string, more = ''): unknown {
  const { groups } = readCloudFormation(
    `${more}\nResources:\n  G:\n    Type: AWS::Cognito::UserPoolGroup\n    Properties:\n      UserPoolId: !Ref Pool\n      Precedence: ${precedence}\n`,
    't.yaml',
  )
  return bare(groups[0]!.precedence)
}

describe('a template with every short form', () => {
  const path = 'cloudformation/pools.yaml'
  const text = fixture(path)
  const infrastructure = read(path)
  const groups = groupsOf(infrastructure)

  test('has its groups, those that are commented out or never made left out', () => {
    expect([...groups.keys()]).toEqual(['Admins', 'Users', 'Auditors', 'Unnamed', 'Shared', 'Imported', 'Literal'])
    expect(text, 'control: they stand in the text').toMatch(/#\s+Retired:[^]*Ghosts:/)
  })

  test.each<[string, string, unknown, unknown, unknown]>([
    ['Admins', 'Pool', 'test-admins', 1, { kind: 'resource', id: 'AdminRole' }],
    ['Users', 'Pool', 'test-users', [1, 3], { kind: 'resource', id: 'UserRole' }],
    ['Auditors', 'Pool', 'auditors', [2, 'absent'], { kind: 'reference', id: '${AuditorRoleArn}' }],
    [
      'Unnamed',
      'SecondPool',
      '? CloudFormation generates a value that is not set',
      [4, 5],
      { kind: 'reference', id: 'arn:aws:iam::${AWS::AccountId}:role/unnamed' },
    ],
    [
      'Shared',
      '${SharedPool}',
      '__proto__',
      '? parameter `OtherRank` has no default',
      { kind: 'reference', id: '${RoleParameter}' },
    ],
    [
      'Imported',
      '${Fn::ImportValue("test-pool")}',
      'b',
      "? the tag `!Foo` is not one of CloudFormation's",
      { kind: 'reference', id: '${Fn::ImportValue("admin-role")}' },
    ],
    [
      'Literal',
      'eu-west-1_Ab12Cd34E',
      '42',
      '? `010` is one number in YAML 1.1 and another, or none, in YAML 1.2',
      { kind: 'arn', id: 'arn:aws:iam::111122223333:role/literal' },
    ],
  ])('reads %s', (id, pool, groupName, precedence, role) => {
    const group = groups.get(id)!
    expect([group.pool, bare(group.groupName), bare(group.precedence), bare(group.role)]).toEqual([
      pool,
      groupName,
      precedence,
      role,
    ])
  })

  test('has the pools that it makes and those that it names', () => {
    expect(infrastructure.pools).toEqual([
      { id: 'Pool', name: 'Pool' },
      { id: 'SecondPool', name: 'SecondPool' },
      { id: '${SharedPool}', name: '${SharedPool}', elsewhere: true },
      { id: '${Fn::ImportValue("test-pool")}', name: '${Fn::ImportValue("test-pool")}', elsewhere: true },
      { id: 'eu-west-1_Ab12Cd34E', name: 'eu-west-1_Ab12Cd34E', userPoolId: 'eu-west-1_Ab12Cd34E', elsewhere: true },
    ])
  })

  test('says under which condition a group exists, unless it always holds', () => {
    expect(
      infrastructure.groups.flatMap(({ id, condition }) => (condition === undefined ? [] : [[id, condition]])),
    ).toEqual([['Users', 'IsLive']])
  })

  test('names locations exactly', () => {
    const admins = groups.get('Admins')!
    expect(textAt(text, admins.groupName.location!)).toBe("!Sub '${Stage}-admins'")
    expect(textAt(text, admins.precedence.location!)).toBe('!FindInMap [Ranks, !Ref Stage, admins]')
    expect(textAt(text, admins.role.location!)).toBe('!GetAtt AdminRole.Arn')
    expect(textAt(text, admins.location)).toMatch(/^Admins:\n.*UserPoolGroup\n[^]*AdminRole\.Arn$/)
    expect(admins.location).toMatchObject({ path, line: 41, column: 3, construct: 'Admins' })
    const precedence = groups.get('Users')!.precedence
    expect(precedence.is === 'one-of' && precedence.values.map(value => textAt(text, value.location!))).toEqual([
      "'1'",
      '!Ref Rank',
    ])
    expect(textAt(text, groups.get('Imported')!.precedence.location!)).toBe('!Foo 1')
  })

  test('resolves trust policies, and marks what only the deployment knows', () => {
    const trust = (kind: string) => ({
      Effect: 'Allow',
      Principal: { Federated: kind },
      Action: 'sts:AssumeRoleWithWebIdentity',
    })
    const aud = {
      'cognito-identity.amazonaws.com:aud': {
        'rolecast:unknown': '`IdentityPool` is known only at deployment',
        'rolecast:pool': '${IdentityPool}',
      },
    }
    const amr = { 'ForAnyValue:StringLike': { 'cognito-identity.amazonaws.com:amr': 'authenticated' } }
    const service = trust('cognito-identity.amazonaws.com')
    expect(infrastructure.roles.map(role => [role.id, bare(role.trustPolicy)])).toEqual([
      ['AdminRole', { Version: '2012-10-17', Statement: [{ ...service, Condition: { StringEquals: aud, ...amr } }] }],
      ['UserRole', { Version: '2012-10-17', Statement: [{ ...service, Condition: { StringEquals: aud } }] }],
    ])
  })

  test('has who is in which group, a reference to a group being its name', () => {
    expect(
      infrastructure.memberships.map(({ pool, username, groupName }) => [pool, bare(username), bare(groupName)]),
    ).toEqual([
      ['Pool', 'ann', 'test-admins'],
      ['Pool', '${AWS::StackName}', 'auditors'],
    ])
    expect(infrastructure.memberships.map(({ unknownUsername }) => unknownUsername)).toEqual([
      undefined,
      expect.stringContaining('AWS::StackName'),
    ])
  })

  test('has the condition of a membership, unless it always holds', () => {
    const member = (condition: string) =>
      `Condition: ${condition}, Properties: { UserPoolId: p, GroupName: a, Username: u }`
    const text = `
Parameters: { Make: { Type: String } }
Conditions: { Open: !Equals [!Ref Make, 'yes'], Always: !Equals [a, a], Never: !Equals [a, b] }
Resources:
${['Open', 'Always', 'Never'].map(name => `  ${name}: { Type: AWS::Cognito::UserPoolUserToGroupAttachment, ${member(name)} }`).join('\n')}`
    expect(readCloudFormation(text, 't.yaml').memberships.map(({ condition }) => condition)).toEqual([
      'Open',
      undefined,
    ])
  })

  test('has nothing unresolved', () => {
    expect(infrastructure.unresolved).toEqual([])
  })
})

describe('role attachments', () => {
  const infrastructure = read('cloudformation/attachments.yaml')
  const [byMap, byText, byCustomResource, bareOne] = infrastructure.attachments

  test('two of one identity pool name it alike', () => {
    expect(infrastructure.attachments.map(attachment => bare(attachment.identityPool))).toEqual([
      '${IdentityPool}',
      '${IdentityPool}',
      '${Fn::ImportValue("identity-pool")}',
      '${IdentityPool}',
    ])
  })

  test('have their roles, whatever the keys are', () => {
    expect(byMap!.roles.is === 'known' && byMap!.roles.value.map(({ key, role }) => [key, bare(role)])).toEqual([
      ['authenticated', { kind: 'resource', id: 'AuthenticatedRole' }],
      ['guest', { kind: 'arn', id: 'arn:aws:iam::111122223333:role/guest' }],
    ])
    expect(byText!.roles.is === 'known' && byText!.roles.value.map(({ key, role }) => [key, bare(role)])).toEqual([
      ['authenticated', { kind: 'arn', id: 'arn:aws:iam::111122223333:role/member' }],
    ])
  })

  test('have their mappings, with the pool that the provider names or that the client is of', () => {
    const mappings = byMap!.mappings.is === 'known' ? byMap!.mappings.value : []
    expect(
      mappings.map(({ key, pool, type, ambiguousRoleResolution }) => [
        key,
        pool,
        bare(type),
        bare(ambiguousRoleResolution),
      ]),
    ).toEqual([
      ['app', 'Pool', 'Token', 'Deny'],
      ['cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34E:abc', 'eu-west-1_Ab12Cd34E', 'Rules', 'absent'],
      ['by-name', 'Pool', 'Token', 'AuthenticatedRole'],
      ['by-client', 'Pool', 'Token', 'absent'],
      ['of-nobody', undefined, 'Token', 'absent'],
    ])
    expect(bare(mappings[0]!.identityProvider)).toBe('cognito-idp.${AWS::Region}.amazonaws.com/${Pool}:${Client}')
    expect(bare(mappings[1]!.identityProvider)).toBe('cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34E:abc')
    const rules = mappings[1]!.rules.is === 'known' ? mappings[1]!.rules.value : []
    expect(
      rules.map(({ claim, matchType, value, role, location }) => [
        bare(claim),
        bare(matchType),
        bare(value),
        bare(role),
        location.line,
      ]),
    ).toEqual([
      ['custom:department', 'Equals', 'admins', { kind: 'resource', id: 'AuthenticatedRole' }, 26],
      ['cognito:groups', 'Contains', 'admin', { kind: 'arn', id: 'arn:aws:iam::111122223333:role/admin' }, 27],
    ])
  })

  test('a string of JSON with symbols in it is read as well', () => {
    expect(
      byText!.mappings.is === 'known' && byText!.mappings.value.map(({ key, pool, type }) => [key, pool, bare(type)]),
    ).toEqual([['cognito-idp.${AWS::Region}.amazonaws.com/${Pool}:${Client}', 'Pool', 'Token']])
  })

  test.each<[string, string, string[]]>([
    ['a Sub with the client', "!Sub 'cognito-idp.${AWS::Region}.amazonaws.com/${Pool}:${Client}'", []],
    [
      'a Sub without it',
      "!Sub 'cognito-idp.${AWS::Region}.amazonaws.com/${Pool}'",
      ['cognito-idp.${AWS::Region}.amazonaws.com/${Pool}'],
    ],
    [
      'a Join with the client',
      "!Join ['', [cognito-idp., !Ref AWS::Region, .amazonaws.com/, !Ref Pool, ':', !GetAtt Client.ClientId]]",
      [],
    ],
    [
      'a Join without it',
      "!Join ['', [cognito-idp., !Ref AWS::Region, .amazonaws.com/, !Ref Pool]]",
      ['cognito-idp.${AWS::Region}.amazonaws.com/${Pool}'],
    ],
    ["the pool's name with the client", "!Sub '${Pool.ProviderName}:${Client}'", []],
    ["the pool's name alone", '!GetAtt Pool.ProviderName', ['cognito-idp.${AWS::Region}.amazonaws.com/${Pool}']],
    [
      'one that may be the other',
      "!If [C, !GetAtt Pool.ProviderName, !Sub '${Pool.ProviderName}:${Client}']",
      ['cognito-idp.${AWS::Region}.amazonaws.com/${Pool}'],
    ],
    [
      'a parameter, which may have the client in it',
      "!Sub 'cognito-idp.${AWS::Region}.amazonaws.com/${PoolAndClient}'",
      [],
    ],
    ["another partition's name", "!Sub 'cognito-idp.${AWS::Region}.${AWS::URLSuffix}/${Pool}:${Client}'", []],
  ])('a provider is a text with what the deployment fills in: %s', (_, provider, wrong) => {
    const text = `Parameters: { PoolAndClient: { Type: String } }
Resources:
  Pool: { Type: AWS::Cognito::UserPool }
  Client: { Type: AWS::Cognito::UserPoolClient, Properties: { UserPoolId: !Ref Pool } }
  Attachment:
    Type: AWS::Cognito::IdentityPoolRoleAttachment
    Properties: { IdentityPoolId: i, Roles: { authenticated: arn:aws:iam::111122223333:role/a }, RoleMappings: { app: { Type: Token, AmbiguousRoleResolution: Deny, IdentityProvider: ${provider} } } }
`
    const findings = validateInfrastructure(readCloudFormation(text, 't.yaml'), { only: ['COG136'] })
    expect(findings.map(({ message }) => /`(cognito-idp[^`]*)`/.exec(message)?.[1])).toEqual(wrong)
  })

  test('what a custom resource gives is unknown, what is not set is absent, what a condition decides is one of two', () => {
    expect(bare(byCustomResource!.roles)).toBe('? `Custom.Roles` is known only at deployment')
    expect(
      byCustomResource!.mappings.is === 'one-of' && byCustomResource!.mappings.values.map(value => value.is),
    ).toEqual(['known', 'absent'])
    expect([bareOne!.roles.is, bareOne!.mappings.is]).toEqual(['absent', 'absent'])
  })
})

describe('the family', () => {
  test('SAM: its transform is not a macro, and its own resources make no groups', () => {
    const { groups, unresolved } = read('sam/template.yaml')
    expect(groups.map(group => [group.id, bare(group.precedence), bare(group.role)])).toEqual([
      ['Admins', 0, { kind: 'reference', id: '${HelloRole.Arn}' }],
    ])
    expect(unresolved).toEqual([])
  })

  test('the CDK: the construct path is the place', () => {
    const { groups, roles } = read('cdk/Auth.template.json')
    expect([groups[0]!.location.construct, roles[0]!.location.construct]).toEqual([
      'Auth/Admins',
      'Auth/AdminRole/Resource',
    ])
    expect(groups[0]).toMatchObject({
      pool: 'Pool3C4F1B2A',
      precedence: { value: 1 },
      role: { value: { kind: 'resource', id: 'AdminRole38563C57' } },
    })
  })

  test('a nested stack: pool and role are what its parameters stand for', () => {
    expect(read('cdk/AuthGroups.nested.template.json').groups[0]).toMatchObject({
      pool: '${referencetoAuthPool3C4F1B2ARef}',
      role: { value: { kind: 'reference', id: '${referencetoAuthUserRole1A2B3C4DArn}' } },
    })
    expect(read('cloudformation/nested-parent.yaml').groups[0]).toMatchObject({
      pool: '${Auth.Outputs.PoolId}',
      role: { value: { kind: 'reference', id: '${Auth.Outputs.AdminRoleArn}' } },
    })
  })

  test('anchors and merge keys: what stands nearer wins, and an alias has the location of its anchor', () => {
    const { groups } = read('cloudformation/merged.yaml')
    expect(
      groups.map(group => [bare(group.groupName), bare(group.precedence), group.precedence.location!.line]),
    ).toEqual([
      ['a', 5, 3],
      ['b', 6, 14],
      ['c', 7, 18],
      ['d', 7, 18],
    ])
    expect(new Set(groups.map(group => group.pool)).size).toBe(1)
  })

  test('a role that two names stand for by an alias is two roles, each judged once', () => {
    const group = (name: string, role: string) =>
      `  ${name}: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: p, GroupName: ${name}, Precedence: 1, RoleArn: !GetAtt ${role}.Arn } }\n`
    const text = `Resources:\n  A: &role { Type: AWS::IAM::Role, Properties: { AssumeRolePolicyDocument: { Statement: [] } } }\n  B: *role\n`
    const findings = (...groups: string[]) =>
      validateInfrastructure(readCloudFormation(text + groups.join(''), 't.yaml')).map(
        ({ ruleId, resources, groups }) => [ruleId, ...groups, resources.join()],
      )
    expect(findings(group('x', 'A'), group('y', 'B'))).toEqual([
      ['COG120', 'x', 'A,x'],
      ['COG120', 'y', 'B,y'],
      ['COG101', 'x', 'y', 'x,y'],
      ['COG190', ''],
    ])
    expect(findings(group('x', 'A'), group('y', 'A'))).toEqual([
      ['COG120', 'x', 'y', 'A,x,y'],
      ['COG190', ''],
    ])
  })

  test('macros, Fn::Transform and includes are reported, and what they may set is not taken as absent; a loop makes its groups', () => {
    const { groups, unresolved, notFollowed } = read('cloudformation/unresolved.yaml')
    expect(unresolved.map(({ why, location }) => [why, location.line])).toEqual([
      ['`Fn::Transform` creates resources at deployment', 11],
      ['the user pool of `AdminsGroup` is not known: it has no `UserPoolId`', 6],
      ['the user pool of `UsersGroup` is not known: it has no `UserPoolId`', 6],
      ['the user pool of `Included` is not known: `Fn::Transform` is evaluated at deployment', 12],
      ['the user pool of `Odd` is not known: it has no `UserPoolId`', 17],
      ['the transform `House::Macro` may change what the template creates', 1],
    ])
    expect(notFollowed.map(({ what, why, location }) => [what, why, location.line])).toEqual([
      ['Include `s3://bucket/more.yaml`', 'it is at an address, not in a file', 1],
    ])
    const [included, odd] = groups.slice(2)
    expect([bare(included!.groupName), bare(included!.precedence)]).toEqual([
      'included',
      '? `Fn::Transform` is evaluated at deployment',
    ])
    expect([bare(odd!.groupName), bare(odd!.precedence), bare(odd!.role)]).toEqual([
      '? it is not a string',
      [1, { high: 'yes' }],
      '? it is not a string',
    ])
    expect(included!.pool).not.toBe(odd!.pool)
  })
})

describe('intrinsic functions', () => {
  const C =
    'Conditions: { C: !Equals [!Ref P, x], D: !Or [!Condition D, !Equals [a, a]], E: !And [!Condition C, !Not [!Condition D]] }'
  const M = 'Mappings: { M: { a: { k: 1 }, b: { k: 2 }, c: { k: 2 } } }'

  test.each<[string, unknown, string?]>([
    ['5', 5],
    ['"5"', 5],
    ['" 5"', ' 5'],
    ['-1', -1],
    ['1.5', 1.5],
    ['5.0', 5],
    ['1e3', 1000],
    ['0x10', '? `0x10` is one number in YAML 1.1 and another, or none, in YAML 1.2'],
    ['1_000', '? `1_000` is one number in YAML 1.1 and another, or none, in YAML 1.2'],
    ['+5', '? `+5` is one number in YAML 1.1 and another, or none, in YAML 1.2'],
    ['5 apples', '5 apples'],
    ['true', true],
    ['first', 'first'],
    ['', 'absent'],
    ['null', 'absent'],
    ['!!int "7"', 7],
    ['!!str 7', 7],
    ['! 7', 7],
    ['!Ref AWS::NoValue', 'absent'],
    ['!Ref AWS::Region', '? `AWS::Region` is known only at deployment'],
    ['!Ref Nobody', '? `Nobody` is neither a parameter nor a resource of this file'],
    ['!Ref P', 4, 'Parameters: { P: { Type: Number, Default: 4 } }'],
    [
      '!Ref P',
      '? parameter `P` is read from Parameter Store',
      'Parameters: { P: { Type: "AWS::SSM::Parameter::Value<String>", Default: /rank } }',
    ],
    ['!Ref P', '? parameter `P` has no usable default', 'Parameters: { P: { Type: String, Default: P } }'],
    ['!Select [1, !Ref P]', 5, 'Parameters: { P: { Type: CommaDelimitedList, Default: "4, 5" } }'],
    ['!Select [2, [1]]', '? `Fn::Select` finds no item `2`'],
    ['!Sub "1${P}"', 12, 'Parameters: { P: { Type: Number, Default: 2 } }'],
    ['!Sub ["${A}${B}", { A: 1, B: !Sub "${A}" }]', '? `A` is neither a parameter nor a resource of this file'],
    ['!Sub ["${A}${B}", { A: 1, B: 2 }]', 12],
    ['!Sub "${!A}"', '${A}'],
    ['!Sub { a: b }', '? its text is evaluated at deployment'],
    ['!Join ["", [1, !Ref AWS::NoValue, 0]]', 10],
    ['!Join ["", !GetAZs ""]', '? `Fn::GetAZs` is evaluated at deployment'],
    ['!Join ["", [1, !If [C, 2, 3]]]', [12, 13], C],
    ['!If [C, 1, 1]', 1, C],
    ['!If [C, 1, !If [C, 2, 3]]', [1, 3], C],
    ['!If [D, 1, 2]', 1, C],
    ['!If [E, 1, 2]', 2, C],
    ['!If [Unheard, 1, 2]', [1, 2]],
    ['!If [C, 1]', '? `Fn::If` needs a condition and two values', C],
    ['!FindInMap [M, a, k]', 1, M],
    ['!FindInMap [M, !Ref AWS::Region, k]', [1, 2], M],
    ['!FindInMap [M, !If [C, a, b], k]', [1, 2], `${M}\n${C}`],
    ['!FindInMap [M, z, k]', '? mapping `M` has no such key', M],
    ['!FindInMap [Z, a, k]', '? there is no mapping `Z` in this file', M],
    ['!ImportValue rank', '? an import comes from another stack'],
    ['!Cidr [a, 1, 2]', '? `Fn::Cidr` is evaluated at deployment'],
    ['{ Fn::Sub: "3" }', 3],
    ['{ "Fn::Unheard": 3 }', '? `Fn::Unheard` is not a known function'],
    ['"{{resolve:ssm:/rank}}"', '? `{{resolve:ssm:/rank}}` is resolved at deployment'],
    ['"${self:custom.rank}"', '? `${self:custom.rank}` is resolved at deployment'],
    ['!Sub "${opt:stage}-${AWS::Region}"', '? `${opt:stage}-${AWS::Region}` is resolved at deployment'],
    ['"${aws:username}"', '${aws:username}'],
    ['!Ref G', '? `G` is known only at deployment'],
    [`!Join ["", [${Array(7).fill('!If [C, 1, 2]').join()}]]`, '? it has more than 64 possible values', C],
  ])('%s', (written, expected, more = '') => {
    expect(precedenceOf(written, more)).toEqual(expected)
  })

  test('equal expressions have equal names, different ones different names', () => {
    const pool = (expression: string) => {
      const body = `Resources: { G: { Type: 'AWS::Cognito::UserPoolGroup', Properties: { UserPoolId: ${expression} } } }`
      return readCloudFormation(`${C}\nParameters: { P: { Type: String } }\n${body}`, 't.yaml').groups[0]!.pool
    }
    expect(pool('!Select [0, !Split ["|", !Ref P]]')).toBe(
      pool('{ Fn::Select: ["0", { Fn::Split: ["|", { Ref: P }] }] }'),
    )
    expect(pool('!If [C, !Ref P, a]')).toBe(pool('!If [C, !Ref P, a]'))
    const names = [
      '!Ref P',
      'P',
      '!If [C, !Ref P, a]',
      '!If [C, !Ref P, b]',
      '!If [D2, !Ref P, a]',
      '!ImportValue P',
      '!Select [0, !Ref P]',
      '!Select [1, !Ref P]',
    ].map(pool)
    expect(new Set(names).size).toBe(names.length)
  })

  test('the number of possible values of all expressions together is bounded', () => {
    const map = `Mappings: { M: { ${Array.from({ length: 64 }, (_, index) => `r${index}: { k: ${index} }`).join(', ')} } }`
    const group = (index: number) =>
      `  G${index}: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: p, GroupName: g${index}, Precedence: !FindInMap [M, !Ref AWS::Region, k] } }\n`
    const { groups } = readCloudFormation(
      `${map}\nResources:\n${Array.from({ length: 1600 }, (_, index) => group(index)).join('')}`,
      't.yaml',
    )
    expect(bare(groups[0]!.precedence)).toHaveLength(64)
    expect(bare(groups.at(-1)!.precedence)).toBe('? the file has too many possible values')
  })

  test.each<[string, string, unknown]>([
    ['as it is', '{"Statement":"${Pool}-x"}', { Statement: { 'rolecast:unknown': expect.any(String) } }],
    ['a private character', '{"Statement":"${Pool}-\ue000x"}', '? it has a private character'],
    ['one that is escaped', '{"Statement":"${Pool}-\\ue0000\\ue001"}', '? it has a private character'],
    ['one that stands for no symbol', '{"Statement":"\\uE0007\\uE001"}', '? it has a private character'],
    ['a key that stands twice', '{"Statement":[{"Effect":"Deny","Effect":"Allow"}]}', '? its JSON has a key twice'],
  ])('JSON in a string, with %s, is never read as another document', (_, policy, expected) => {
    const resources = { R: { Type: 'AWS::IAM::Role', Properties: { AssumeRolePolicyDocument: { 'Fn::Sub': policy } } } }
    const { roles } = readCloudFormation(JSON.stringify({ Resources: resources }), 't.json')
    expect(bare(roles[0]!.trustPolicy)).toEqual(expected)
  })

  test('a provider with a NUL in it is of no pool', () => {
    const poolOf = (provider: string) => {
      const RoleMappings = { M: { Type: 'Token', IdentityProvider: { 'Fn::Sub': provider } } }
      const resources = {
        Pool: { Type: 'AWS::Cognito::UserPool' },
        A: { Type: 'AWS::Cognito::IdentityPoolRoleAttachment', Properties: { RoleMappings } },
      }
      const { attachments } = readCloudFormation(JSON.stringify({ Resources: resources }), 't.json')
      return (bare(attachments[0]!.mappings) as { pool?: string }[])[0]!.pool
    }
    expect(poolOf('cognito-idp.eu-west-1.amazonaws.com/${Pool}:c'), 'control').toBe('Pool')
    expect(poolOf('cognito-idp.eu-west-1.amazonaws.com/${Pool}\0:c')).toBe(undefined)
    expect(poolOf('cognito-idp.eu-west-1.amazonaws.com/\0${Pool}1\0:c')).toBe(undefined)
  })

  test('references in a circle end', () => {
    const group = (id: string, name: string) =>
      `  ${id}: { Type: 'AWS::Cognito::UserPoolGroup', Properties: { UserPoolId: p, GroupName: ${name} } }\n`
    const { groups } = readCloudFormation(
      `Resources:\n${group('A', '!Ref B')}${group('B', '!Sub "x${A}"')}${group('C', 'c')}${group('D', '!Ref C')}`,
      't.yaml',
    )
    expect(groups.map(({ groupName }) => bare(groupName))).toEqual([
      '? `B` refers to itself',
      '? `B` refers to itself',
      'c',
      'c',
    ])
  })
})

describe('suppressions', () => {
  test('a comment is about what it is in, after or above, and at the top about the file', () => {
    const { suppressions } = read('cloudformation/suppressed.yaml')
    expect(
      suppressions.map(({ rules, reason, expires, target, location }) => [
        location.line,
        rules.join(),
        expires,
        target,
        reason,
      ]),
    ).toEqual([
      [1, 'COG106', '2027-01-01', undefined, 'the pool is being renumbered'],
      [9, 'COG101,COG102', undefined, 'A', 'nobody is in both'],
      [15, 'COG104', undefined, 'A', 'on the line'],
      [16, 'COG110', undefined, 'A', 'at the end of the block'],
      [17, 'COG111', undefined, 'B', ''],
      [24, '', '2027-02-03', 'B', 'no rule'],
      [25, 'COG120', undefined, '(no resource)', 'behind the last one'],
      [27, 'COG121', undefined, '(no resource)', 'about nothing'],
      [5, 'COG103', undefined, undefined, 'roles are for tagging only'],
      [22, 'COG101,COG102', '2027-01-01', 'B', 'they share a role in live'],
      [23, '', undefined, 'B', ''],
    ])
  })

  test('control: without the comments and the Metadata there is none', () => {
    expect(
      readCloudFormation(fixture('cloudformation/suppressed.yaml').replaceAll('rolecast', 'other'), 't.yaml')
        .suppressions,
    ).toEqual([])
  })

  test.each<[string, unknown]>([
    ['# rolecast:ignore COG101 why', { rules: ['COG101'], reason: 'why', expires: undefined }],
    [
      '#rolecast:ignore COG101, COG102 exp=2027-01-01 why, and why',
      { rules: ['COG101', 'COG102'], reason: 'why, and why', expires: '2027-01-01' },
    ],
    ['# rolecast:ignore', { rules: [], reason: '', expires: undefined }],
    ['# rolecast:ignore exp= why', { rules: [], reason: 'why', expires: '' }],
    ['# rolecast:ignored COG101', undefined],
    ['# COG101', undefined],
  ])('%s', (comment, expected) => {
    expect(parseIgnoreComment(comment)).toEqual(expected)
  })
})

describe('what cannot be read is rejected with its location', () => {
  const deep = (depth: number) => `Resources: ${'{a: '.repeat(depth)}1${'}'.repeat(depth)}`
  const wide = (levels: number) =>
    `a0: &a0 [${'x,'.repeat(9)}]\n${Array.from({ length: levels }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i} ,`.repeat(9)}]\n`).join('')}Resources: {}`

  test.each<[string, string, string]>([
    ['nothing', '', 't.yaml:1:1` cannot be used: it is empty; check that it is the right file'],
    ['no template', 'a: 1', 't.yaml:1:1` cannot be used: it has no `Resources`; name a CloudFormation template'],
    ['a list', '[1]', 't.yaml:1:1` cannot be used: it has no `Resources`'],
    ['resources that are none', 'Resources: [1]', 't.yaml:1:12` cannot be used: `Resources` is not a mapping'],
    ['a resource that is none', 'Resources:\n  A: 1', 't.yaml:2:6` cannot be used: resource `A` is not a mapping'],
    ['broken YAML', 'Resources:\n  A: b: c', 't.yaml:2:6` cannot be used: nested mappings are not allowed'],
    ['broken JSON', '{"Resources": {"A": {}', 't.yaml:1:23` cannot be used: flow map'],
    ['a key that is no string', 'Resources:\n  [a]: b', 't.yaml:2:3` cannot be used: a key is not a string'],
    ['two documents', 'Resources: {}\n---\nResources: {}', 't.yaml:2:1` cannot be used: a second document begins here'],
    ['an alias of nothing', 'Resources: *a', 't.yaml:1:12` cannot be used: there is no anchor `a` before this alias'],
    [
      'an alias inside of itself',
      'Resources: &a { b: *a }',
      't.yaml:1:20` cannot be used: the alias `a` is inside its own anchor',
    ],
    [
      'a merge of no mapping',
      'Resources: { <<: 4 }',
      't.yaml:1:18` cannot be used: a merge key `<<` has something other than mappings',
    ],
    ['too deep', deep(MAX_DEPTH + 1), `it is nested more than ${MAX_DEPTH} deep`],
    [
      'too deep through aliases',
      `x: &x ${deep(150).slice(11)}\nResources: { a: ${'{a: '.repeat(60)}*x ${'}'.repeat(60)} }`,
      `with its aliases written out it is nested more than ${MAX_DEPTH} deep`,
    ],
    ['an alias bomb', wide(9), 'with its aliases written out it has more than'],
    [
      'too much',
      `Resources: "${'x'.repeat(MAX_CHARACTERS)}"`,
      `more than ${MAX_CHARACTERS}; check that it is a template`,
    ],
    [
      'too many marks',
      `Resources: [${',a'.repeat(MAX_LEXEMES / 2)}]`,
      `it has more than ${MAX_LEXEMES} keys, values and marks`,
    ],
    ['many errors', ']'.repeat(100_000), 't.yaml:1:1` cannot be used: unexpected flow-seq-end token'],
    ['many directives', '%a\n'.repeat(100_000), 'it has too many directives'],
  ])('%s', (_, text, message) => {
    const error = errorOf(() => readCloudFormation(text, 't.yaml'))
    expect(error.code).toBe('invalid-input')
    expect(error.message).toContain(message)
    expect(error.message).toMatch(/^`t\.yaml:\d+:\d+` cannot be used: .+; .+/)
  })

  test('control: what stays within the limits is read', () => {
    for (const text of [
      deep(100),
      wide(5),
      'Resources: {}\n---\n',
      '%YAML 1.2\n---\nResources: {}',
      '\ufeff{"Resources": {},}',
    ]) {
      expect(readCloudFormation(text, 't.yaml').groups).toEqual([])
    }
  })

  test('of a key that is repeated the last one counts, which is reported where it may hide a group', () => {
    const group = (name: string) =>
      `  ${name}: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: p, GroupName: a, Precedence: 1 } }\n`
    const role = '  R: { Type: AWS::IAM::Role, Tags: [], Tags: [] }\n'
    const queue = '  Q: { Type: AWS::SQS::Queue }\n'
    const unresolvedOf = (text: string) =>
      readCloudFormation(`Resources:\n${text}`, 't.yaml').unresolved.map(({ why, location }) => [why, location.line])
    const twice = readCloudFormation(`Resources:\n${group('G')}${group('G').replace('1', '2')}`, 't.yaml')
    expect(twice.groups.map(({ precedence }) => bare(precedence))).toEqual([2])
    expect(unresolvedOf(group('G') + group('G'))).toEqual([['the key `G` is repeated, and the last one counts', 3]])
    const withRole = group('G').replace('Precedence', 'RoleArn: !GetAtt R.Arn, Precedence')
    expect(unresolvedOf(withRole + role)).toEqual([['the key `Tags` is repeated, and the last one counts', 3]])
    expect(unresolvedOf(group('G') + role + queue + queue), 'control').toEqual([])
    expect(unresolvedOf(group('G').replace('Precedence: 1', 'Precedence: 1, Precedence: 2'))).toHaveLength(1)
  })

  test('a template of another kind has no groups', () => {
    expect(read('cloudformation/pools.yaml').groups).not.toEqual([])
    expect(readCloudFormation('Resources: { Queue: { Type: AWS::SQS::Queue } }', 't.yaml')).toMatchObject({
      groups: [],
      pools: [],
      unresolved: [],
      misspelt: [],
    })
  })
})

describe('laws', () => {
  const files = ['cloudformation', 'sam', 'cdk'].flatMap(name =>
    readdirSync(new URL(`${name}/`, folder)).map(file => fixture(`${name}/${file}`)),
  )
  const damage = fc.constantFrom(
    '',
    '{',
    '}',
    '[',
    ']',
    ':',
    '\n',
    '  ',
    '!Ref ',
    '!If ',
    '&a ',
    '*a',
    '<<: ',
    '"',
    "'",
    '#',
    '|',
    '- ',
    ',',
    '\0',
    '__proto__',
    '${',
    'Fn::',
  )

  test('a damaged template gives groups, or an error with its location, and nothing else', () => {
    const damaged = fc
      .tuple(
        fc.constantFrom(...files),
        fc.array(fc.tuple(fc.nat(), fc.nat(12), damage), { minLength: 1, maxLength: 4 }),
      )
      .map(([text, edits]) =>
        edits.reduce((edited, [at, length, put]) => {
          const start = at % (edited.length + 1)
          return edited.slice(0, start) + put + edited.slice(start + length)
        }, text),
      )
    let [readable, rejected] = [0, 0]
    fc.assert(
      fc.property(damaged, text => {
        try {
          const { groups } = readCloudFormation(text, 't.yaml')
          for (const { location } of groups) expect(textAt(text, location)).not.toBe('')
          readable++
        } catch (error) {
          if (!isRolecastError(error)) throw error
          expect(error).toMatchObject({
            code: 'invalid-input',
            message: expect.stringMatching(/^`t\.yaml:\d+:\d+` cannot be used: [^]+; .+/),
          })
          rejected++
        }
      }),
      { numRuns: 150 },
    )
    expect(Math.min(readable, rejected), 'control: both happen').toBeGreaterThan(5)
  })

  test('any name is read unchanged, and its location contains it', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }).filter(name => !/\$\{|\{\{|#\{/.test(name)),
        name => {
          const text = JSON.stringify(
            {
              Resources: {
                G: { Type: 'AWS::Cognito::UserPoolGroup', Properties: { UserPoolId: 'p', GroupName: name } },
              },
            },
            null,
            1,
          )
          const { groupName } = readCloudFormation(text, 't.json').groups[0]!
          expect(bare(groupName)).toBe(name)
          expect(JSON.parse(textAt(text, groupName.location!))).toBe(name)
        },
      ),
    )
  })

  test('JSON is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), record => {
        const plain = (node: ReturnType<typeof readYamlDocument>['root']): unknown =>
          node.kind === 'scalar'
            ? node.value
            : node.kind === 'list'
              ? node.items.map(plain)
              : node.kind === 'map'
                ? Object.fromEntries([...node.entries].map(([key, entry]) => [key, plain(entry.value)]))
                : undefined
        expect(plain(readYamlDocument(JSON.stringify(record), 't.json').root)).toEqual(
          JSON.parse(JSON.stringify(record)),
        )
      }),
    )
  })
})
