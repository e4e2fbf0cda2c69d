import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { impact } from '../../src/cognito/memberships/audit-pool.js'
import type { Group, UserGroups } from '../../src/group.js'
import { auditCommand } from './audit-command.js'
import { stubCredentials } from './command.js'
import { type CognitoEndpoint, endpointClient, startCognitoEndpoint } from '../cognito/cognito-endpoint.js'
import { failureOf } from '../failure-of.js'
import { jsonLines, role, userPoolId } from './pool.js'

const GROUPS: readonly Group[] = [
  { groupName: 'admins', precedence: 1, roleArn: role('Admin') },
  { groupName: 'staff', precedence: 5, roleArn: role('Staff') },
  { groupName: 'a=b', precedence: 7, roleArn: role('Equals') },
]
const USERS: readonly UserGroups[] = [
  { username: 'anna', groups: ['admins', 'staff'] },
  { username: 'bert', groups: ['staff'] },
  { username: 'carl', groups: [] },
  { username: 'x=a', groups: [] },
]

let folder: string
let files = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-impact-deployment-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function newFile(content: unknown, name = 'file.json'): Promise<string> {
  const path = join(folder, `${files++}-${name}`)
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}
async function impactOf(args: readonly string[], groups: readonly Group[] = GROUPS) {
  const pool = await newFile({
    Groups: groups.map(({ groupName, precedence, roleArn }) => ({
      GroupName: groupName,
      Precedence: precedence,
      RoleArn: roleArn,
      UserPoolId: userPoolId,
    })),
  })
  const stdin = USERS.map(user => `${JSON.stringify(user)}\n`).join('')
  return auditCommand(['impact', '--pool-file', pool, '--memberships', '-', ...args], { stdin })
}
/** The lines of users: the first line says what is tried, and the last one is the summary. */
const usersOf = (stdout: string) => jsonLines(stdout).slice(1, -1)
async function changesOf(...args: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const { code, stdout, stderr } = await impactOf([...args, '--format', 'ndjson'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return Object.fromEntries(usersOf(stdout).map(({ username, change }) => [username, change]))
}
const trialOf = async (...args: readonly string[]) => {
  const { code, stdout, stderr } = await impactOf([...args, '--format', 'json'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout).trial
}

describe('new groups', () => {
  test('have no members, so they change nothing by themselves', async () => {
    expect(
      await changesOf('--add-group', 'root', '--set', 'root.precedence=0', '--set', `root.roleArn=${role('R')}`),
    ).toEqual({})
  })
  test('change the roles of those who are put into them', async () => {
    const args = ['--add-group', 'root', '--set', 'root.precedence=0', '--set', `root.roleArn=${role('R')}`]
    expect(await changesOf(...args, '--add-member', 'bert=root', '--add-member', 'carl=root')).toEqual({
      bert: 'changed',
      carl: 'gained',
    })
  })
  test('can be in a plan, which removes one and creates it again without its members', async () => {
    const plan = await newFile([
      { groupName: 'staff', remove: true },
      { groupName: 'staff', add: true, precedence: 5, roleArn: role('Staff') },
      { groupName: 'staff', addMember: 'bert' },
    ])
    expect(await changesOf('--plan', plan)).toEqual({ anna: 'allowed-roles' })
    // The group is emptied before: who joins it again was not a member.
    expect((await trialOf('--plan', plan)).memberships).toMatchObject([{ username: 'bert', hasEffect: true }])
  })
  test.each([
    [['--add-group', 'staff'], 'the pool already has the group `staff`'],
    [['--add-group', 'white space'], '`white space` cannot be the name of a group'],
    [['--set', 'root.precedence=0'], 'the pool has no group `root` to change'],
  ])('%j is rejected', async (args, why) => {
    const { code, stdout, stderr } = await impactOf(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(why)
  })
})

describe('memberships', () => {
  test.each<[readonly string[], Readonly<Record<string, string>>]>([
    [['--add-member', 'bert=admins'], { bert: 'changed' }],
    [['--remove-member', 'anna=admins'], { anna: 'changed' }],
    [['--remove-member', 'bert=staff'], { bert: 'lost' }],
    [['--add-member', 'carl=a=b'], { carl: 'gained' }],
    [['--add-member', 'x=a=staff'], { 'x=a': 'gained' }],
    [['--add-member', 'x=a=a=b'], { 'x=a': 'gained' }],
  ])('%j', async (args, changes) => {
    expect(await changesOf(...args)).toEqual(changes)
  })
  test('that are there already, or not there, are reported to have no effect', async () => {
    const trial = await trialOf(
      '--add-member',
      'anna=admins',
      '--remove-member',
      'bert=admins',
      '--add-member',
      'carl=staff',
    )
    expect(trial.memberships).toEqual([
      { username: 'anna', groupName: 'admins', change: 'add', hasEffect: false },
      { username: 'carl', groupName: 'staff', change: 'add', hasEffect: true },
      { username: 'bert', groupName: 'admins', change: 'remove', hasEffect: false },
    ])
    expect((await impactOf(['--remove-member', 'bert=admins'])).stdout).toContain('bert leaves admins (no effect)')
  })
  test.each([
    [['--add-member', 'nobody=admins'], 'no user `nobody`'],
    [['--remove-member', 'nobody=admins'], 'no user `nobody`'],
    [['--add-member', 'anna=ghost'], 'no group `ghost`'],
    [['--add-member', 'anna'], '`anna` is not a membership; give --add-member USER=GROUP'],
    [['--remove-member', '=admins'], 'no group `admins`|is not a membership'],
  ])('%j is rejected', async (args, why) => {
    const { code, stdout, stderr } = await impactOf(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(new RegExp(why))
  })
  test('that can be read in two ways are rejected, with the way to write them', async () => {
    const groups = [...GROUPS, { groupName: 'b', precedence: 9 }]
    const { code, stderr } = await impactOf(['--add-member', 'x=a=b'], groups)
    expect(code).toBe(2)
    expect(stderr).toContain('may name the group `a=b` or `b`')
    const plan = await newFile([{ groupName: 'b', addMember: 'x=a' }])
    expect((await impactOf(['--plan', plan], groups)).code).toBe(0)
  })
})

const template = (groups: string, more = '') => `
Resources:
  Pool: { Type: AWS::Cognito::UserPool }
${groups}${more}`
const group = (id: string, name: string, properties: string) =>
  `  ${id}: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: !Ref Pool, GroupName: ${name}, ${properties} } }\n`
const admins = group('Admins', 'admins', `Precedence: 1, RoleArn: "${role('Admin')}"`)
const staff = group('Staff', 'staff', `Precedence: 5, RoleArn: "${role('Staff')}"`)

describe('a template', () => {
  const yaml = (text: string) => newFile(text, 'template.yaml')

  test('that says what the pool has changes nothing, and names the groups that it leaves alone', async () => {
    const path = await yaml(template(admins + staff))
    expect(await changesOf('--template', path)).toEqual({})
    const trial = await trialOf('--template', path)
    expect(trial).toMatchObject({ changes: [], kept: ['a=b'] })
    expect(trial).not.toHaveProperty('undetermined')
    expect((await impactOf(['--template', path, '--fail-on-change'])).code).toBe(0)
  })
  test('with another precedence, another role, a new group and a member', async () => {
    const path = await yaml(
      template(
        group('Admins', 'admins', `Precedence: 9, RoleArn: "${role('Admin')}"`) +
          group('Staff', 'staff', `Precedence: 5, RoleArn: "${role('Other')}"`) +
          group('Root', 'root', `Precedence: 0, RoleArn: "${role('Root')}"`),
        '  In: { Type: AWS::Cognito::UserPoolUserToGroupAttachment, Properties: { UserPoolId: !Ref Pool, GroupName: !Ref Root, Username: carl } }\n',
      ),
    )
    const trial = await trialOf('--template', path)
    expect(trial.changes).toEqual([
      { groupName: 'admins', precedence: 9 },
      { groupName: 'root', add: true, precedence: 0, roleArn: role('Root') },
      { groupName: 'staff', roleArn: role('Other') },
    ])
    expect(await changesOf('--template', path)).toEqual({ anna: 'changed', bert: 'changed', carl: 'gained' })
  })
  test.each<[string, string, RegExp]>([
    ['a parameter without a default', 'Precedence: !Ref Rank', /precedence is not known/],
    ['a parameter with a default', 'Precedence: !Ref Default', /default of `Default`, which a deployment may set/],
    [
      'a role that the template makes',
      'Precedence: 5, RoleArn: !GetAtt Role.Arn',
      /ARN of its role `Role` is not in the template; give --role/,
    ],
    ['no precedence where there is one', `RoleArn: "${role('Staff')}"`, /Cognito cannot clear 5/],
    ['no role where there is one', 'Precedence: 5', /Cognito cannot clear one/],
    [
      'a precedence that Cognito does not take',
      `Precedence: -1, RoleArn: "${role('Staff')}"`,
      /does not accept its precedence/,
    ],
  ])('with %s makes the members undetermined', async (_what, properties, why) => {
    const path = await yaml(`
Parameters: { Rank: { Type: Number }, Default: { Type: Number, Default: 5 } }
${template(admins + group('Staff', 'staff', properties), '  Role: { Type: AWS::IAM::Role, Properties: { AssumeRolePolicyDocument: {} } }\n')}`)
    expect(await changesOf('--template', path)).toEqual({ anna: 'undetermined', bert: 'undetermined' })
    const trial = await trialOf('--template', path)
    expect(trial.undetermined.join()).toMatch(why)
    const { code, stdout } = await impactOf(['--template', path, '--fail-on-change'])
    expect(code).toBe(1)
    expect(stdout).toContain('Not known')
    expect(stdout).toMatch(/-> undetermined\n/)
  })
  test('gets the ARN of a role with --role', async () => {
    const path = await yaml(
      template(
        admins + group('Staff', 'staff', 'Precedence: 5, RoleArn: !GetAtt Role.Arn'),
        '  Role: { Type: AWS::IAM::Role, Properties: { AssumeRolePolicyDocument: {} } }\n',
      ),
    )
    expect(await changesOf('--template', path, '--role', `Role=${role('Staff')}`)).toEqual({})
    expect(await changesOf('--template', path, '--role', `Role=${role('Other')}`)).toEqual({
      anna: 'allowed-roles',
      bert: 'changed',
    })
  })
  test('with a group whose name is not known makes the members of all others undetermined', async () => {
    const path = await yaml(`
Parameters: { Name: { Type: String } }
${template(admins + group('Some', '!Ref Name', 'Precedence: 2'))}`)
    expect(await changesOf('--template', path)).toEqual({ anna: 'undetermined', bert: 'undetermined' })
  })
  test('removes the groups that it does not define only with --remove-others', async () => {
    const path = await yaml(template(admins))
    expect(await changesOf('--template', path)).toEqual({})
    expect(await changesOf('--template', path, '--remove-others')).toEqual({ anna: 'allowed-roles', bert: 'lost' })
  })
  test('with a member whom the pool does not have says so', async () => {
    const member =
      '  In: { Type: AWS::Cognito::UserPoolUserToGroupAttachment, Properties: { UserPoolId: !Ref Pool, GroupName: admins, Username: new-user } }\n'
    const trial = await trialOf('--template', await yaml(template(admins + staff, member)))
    expect(trial.undetermined.join()).toContain('`new-user`, which the pool does not have')
  })
  const conditional = (properties: string) => `
Parameters: { Make: { Type: String }, Stage: { Type: String } }
Conditions: { IfMake: !Equals [!Ref Make, 'yes'], Always: !Equals [a, a] }
${template(admins + staff, `  In: { Type: AWS::Cognito::UserPoolUserToGroupAttachment, ${properties} }\n`)}`
  test.each([
    ['bert', 'staff', 'who is a member already'],
    ['carl', 'admins', 'who is none yet'],
  ])('with a membership under a condition makes %s of %s undetermined, %s', async (user, name) => {
    const member = `Properties: { UserPoolId: !Ref Pool, GroupName: ${name}, Username: ${user} }`
    const path = await yaml(conditional(`Condition: IfMake, ${member}`))
    expect(await changesOf('--template', path)).toEqual({ [user]: 'undetermined' })
    const trial = await trialOf('--template', path)
    expect(trial).not.toHaveProperty('memberships')
    expect(trial.undetermined).toEqual([
      `It is not known whether the user \`${user}\` will be in the group \`${name}\`: the membership exists only if the condition \`IfMake\` is true.`,
    ])
    expect((await impactOf(['--template', path, '--fail-on-change'])).code).toBe(1)
  })
  test('with a membership under a condition that always holds has it for sure', async () => {
    const member = 'Condition: Always, Properties: { UserPoolId: !Ref Pool, GroupName: admins, Username: carl }'
    expect(await changesOf('--template', await yaml(conditional(member)))).toEqual({ carl: 'gained' })
  })
  test.each(['!Ref Stage', '!Sub "${Stage}-admin"'])('does not know who %s is', async username => {
    const member = `Properties: { UserPoolId: !Ref Pool, GroupName: admins, Username: ${username} }`
    const path = await yaml(conditional(member))
    const { undetermined, memberships } = await trialOf('--template', path)
    expect(memberships).toBeUndefined()
    expect(undetermined).toEqual([
      'The template has a membership that is not fully known (user: not known (parameter `Stage` has no default), group: `admins`).',
    ])
    expect((await impactOf(['--template', path, '--fail-on-change'])).code).toBe(1)
  })
  test('of Terraform with a membership that a variable decides makes its user undetermined', async () => {
    const source = (count: string) => `
variable "make" { type = bool }
resource "aws_cognito_user_group" "admins" {
  name         = "admins"
  user_pool_id = "${userPoolId}"
  precedence   = 1
  role_arn     = "${role('Admin')}"
}
resource "aws_cognito_user_in_group" "in" {
  ${count}
  user_pool_id = "${userPoolId}"
  group_name   = "admins"
  username     = "carl"
}`
    const path = await newFile(source('count = var.make ? 1 : 0'), 'main.tf')
    expect(await changesOf('--template', path)).toEqual({ carl: 'undetermined' })
    expect((await trialOf('--template', path)).undetermined.join()).toContain('`var.make ? 1 : 0` is true')
    expect(await changesOf('--template', await newFile(source(''), 'main.tf'))).toEqual({ carl: 'gained' })
  })
  test('with two pools needs --template-pool', async () => {
    const other =
      '  Second: { Type: AWS::Cognito::UserPool }\n  X: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: !Ref Second, GroupName: staff, Precedence: 0 } }\n'
    const path = await yaml(template(admins + staff, other))
    const { code, stderr } = await impactOf(['--template', path])
    expect(code).toBe(2)
    expect(stderr).toMatch(/give --template-pool with one of `Pool`.* or `Second`/)
    expect(await changesOf('--template', path, '--template-pool', 'Pool')).toEqual({})
    const { stdout } = await impactOf(['--template', path, '--template-pool', 'Pool', '--format', 'json'])
    expect(JSON.parse(stdout).notLookedAt[0]).toMatch(/^The pool `Second` .* was not looked at/)
  })
  test.each([
    [['--template-pool', 'Pool'], '--template-pool needs a template'],
    [['--remove-others'], '--remove-others needs a template'],
    [['--role', 'a=arn:aws:iam::111122223333:role/A'], '--role needs a template'],
    [['--role', 'a=b'], '`a=b` does not give a role its ARN'],
  ])('%j alone is rejected', async (args, why) => {
    expect(await impactOf(args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(why) })
  })
  test('does not take what has no effect: a role that it does not have, or variables of Terraform', async () => {
    const path = await yaml(template(admins + staff))
    const misspelt = await impactOf(['--template', path, '--role', `Foo=${role('Foo')}`])
    expect(misspelt).toMatchObject({ code: 2, stdout: '' })
    expect(misspelt.stderr).toMatch(/--role names `Foo`, a role that the template neither makes nor refers to/)
    const variables = await impactOf(['--template', path, '--var-file', await newFile('rank = 1\n', 'a.tfvars')])
    expect(variables).toMatchObject({ code: 2, stdout: '' })
    expect(variables.stderr).toMatch(/no Terraform that uses the variables in .* was read; leave out --var-file/)
  })
  test('of an unknown format is rejected without an option that `impact` does not have', async () => {
    const { code, stderr } = await impactOf(['--template', await newFile('hello', 'notes.txt')])
    expect(code).toBe(2)
    expect(stderr).toContain('its format is unknown')
    expect(stderr).not.toContain('--format-in')
  })
  test('that cannot be read is rejected', async () => {
    const { code, stdout, stderr } = await impactOf([
      '--template',
      await yaml('Resources: [AWS::Cognito::UserPoolGroup'),
    ])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^rolecast: the template .* cannot be used: .*\n$/)
  })
})

describe('a live pool', () => {
  let endpoint: CognitoEndpoint
  beforeAll(async () => {
    endpoint = await startCognitoEndpoint({ userPoolId, groups: GROUPS, users: USERS })
  })
  afterEach(() => void vi.unstubAllEnvs())
  afterAll(() => endpoint.close())
  const live = (...args: readonly string[]) => {
    stubCredentials(folder)
    const pool = ['--user-pool-id', userPoolId, '--endpoint-url', endpoint.url, '--region', 'eu-west-1']
    return auditCommand(['impact', ...pool, ...args])
  }

  test('has the same impact as its files', async () => {
    const args = ['--add-group', 'root', '--set', 'root.precedence=0', '--set', `root.roleArn=${role('R')}`]
    const { code, stdout } = await live(...args, '--add-member', 'carl=root', '--format', 'ndjson')
    expect(code).toBe(0)
    expect(usersOf(stdout)).toMatchObject([{ username: 'carl', change: 'gained' }])
  })
  test('rejects a membership in a group that it does not have before it reads the users', async () => {
    const before = endpoint.requests.length
    expect((await live('--add-member', 'anna=ghost')).stderr).toContain('no group `ghost`')
    expect(endpoint.requests.slice(before).map(({ operation }) => operation)).not.toContain('ListUsersInGroup')
  })
  test('keeps the checkpoint where a user is missing, so that nothing is read again', async () => {
    const checkpoint = join(folder, 'live.checkpoint')
    const { code, stdout, stderr } = await live('--add-member', 'nobody=admins', '--checkpoint', checkpoint)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('no user `nobody`')
    const before = endpoint.requests.length
    expect((await live('--add-member', 'carl=admins', '--checkpoint', checkpoint)).code).toBe(0)
    expect(endpoint.requests.length).toBe(before)
  })
  test('and the library', async () => {
    const options = { userPoolId, client: endpointClient(endpoint), changes: [] }
    const changes = async (username: string) => {
      const found: string[] = []
      const memberships = [{ username, groupName: 'admins', change: 'add' as const }]
      for await (const user of impact({ ...options, memberships })) found.push(`${user.username} ${user.change}`)
      return found
    }
    expect(await changes('carl')).toEqual(['anna same', 'bert same', 'carl gained', 'x=a same'])
    expect(await failureOf(() => changes('nobody'))).toMatchObject({ code: 'invalid-argument', value: 'nobody' })
  })
})

describe('a plan of Terraform', () => {
  interface PlannedGroup {
    readonly name: string
    readonly precedence?: number
    readonly role_arn?: string
  }
  const state = ({ name, precedence, role_arn }: PlannedGroup) => ({
    name,
    user_pool_id: userPoolId,
    precedence: precedence ?? null,
    role_arn: role_arn ?? null,
  })
  interface Planned {
    readonly address: string
    readonly before?: PlannedGroup
    readonly after?: PlannedGroup
    readonly actions: readonly string[]
  }
  const plan = (groups: readonly Planned[]) => ({
    format_version: '1.2',
    planned_values: {
      root_module: {
        resources: groups.flatMap(({ address, after }) =>
          after === undefined
            ? []
            : [
                {
                  address,
                  mode: 'managed',
                  type: 'aws_cognito_user_group',
                  name: address.split('.')[1],
                  values: state(after),
                },
              ],
        ),
      },
    },
    resource_changes: groups.map(({ address, before, after, actions }) => ({
      address,
      mode: 'managed',
      type: 'aws_cognito_user_group',
      name: address.split('.')[1],
      change: {
        actions,
        before: before === undefined ? null : state(before),
        after: after === undefined ? null : state(after),
        after_unknown: {},
      },
    })),
  })
  const planFile = (...groups: readonly Planned[]) => newFile(plan(groups), 'plan.json')
  const now: Planned = {
    address: 'aws_cognito_user_group.admins',
    before: { name: 'admins', precedence: 1, role_arn: role('Admin') },
    after: { name: 'admins', precedence: 1, role_arn: role('Admin') },
    actions: ['no-op'],
  }
  const staffBefore = { name: 'staff', precedence: 5, role_arn: role('Staff') }
  const ofStaff = { address: 'aws_cognito_user_group.staff', before: staffBefore }

  test('is recognised by --plan', async () => {
    const path = await planFile(now, { ...ofStaff, after: { ...staffBefore, precedence: 0 }, actions: ['update'] })
    expect(await changesOf('--plan', path)).toEqual({ anna: 'changed' })
    expect((await trialOf('--plan', path)).changes).toEqual([{ groupName: 'staff', precedence: 0 }])
  })
  test('removes what it deletes', async () => {
    expect(await changesOf('--plan', await planFile(now, { ...ofStaff, actions: ['delete'] }))).toEqual({
      anna: 'allowed-roles',
      bert: 'lost',
    })
  })
  test('empties what it replaces', async () => {
    const path = await planFile(now, { ...ofStaff, after: staffBefore, actions: ['delete', 'create'] })
    expect(await changesOf('--plan', path)).toEqual({ anna: 'allowed-roles', bert: 'lost' })
  })
  test.each([
    [
      'replaces under a different name',
      [{ ...ofStaff, after: { ...staffBefore, name: 'crew' }, actions: ['delete', 'create'] }],
      'The plan replaces the group `staff` with one that may have a different name.',
    ],
    [
      'deletes and has at another address',
      [
        { ...ofStaff, actions: ['delete'] },
        { address: 'aws_cognito_user_group.crew', after: staffBefore, actions: ['create'] },
      ],
      'The plan deletes the group `staff`, but also has another one of this name: it is not known whether the group exists in the end.',
    ],
  ] satisfies readonly (readonly [string, readonly Planned[], string])[])(
    'does not guess what becomes of a group that it %s',
    async (_, groups, reason) => {
      const path = await planFile(now, ...groups)
      expect(await changesOf('--plan', path)).toMatchObject({ bert: 'undetermined' })
      const { stdout } = await impactOf(['--plan', path, '--format', 'json'])
      expect(stdout).toContain(JSON.stringify(reason))
    },
  )
  test('that creates a group which the pool has already is undetermined', async () => {
    const path = await planFile(now, { address: ofStaff.address, after: staffBefore, actions: ['create'] })
    expect(await changesOf('--plan', path)).toEqual({ anna: 'undetermined', bert: 'undetermined' })
  })
  test('without a precedence sends 0 where there was one', async () => {
    const path = await planFile(now, {
      ...ofStaff,
      after: { name: 'staff', role_arn: role('Staff') },
      actions: ['update'],
    })
    expect((await trialOf('--plan', path)).changes).toEqual([{ groupName: 'staff', precedence: 0 }])
  })
  const withChange = (change: unknown) => {
    const whole = plan([now])
    return newFile({ ...whole, resource_changes: [...whole.resource_changes, change] }, 'plan.json')
  }
  const poolChange = (type: string, before: object, actions: readonly string[]) => ({
    address: `${type}.pool`,
    mode: 'managed',
    type,
    name: 'pool',
    change: { actions, before },
  })
  test.each([
    ['aws_cognito_user_pool', { id: userPoolId }, ['delete', 'create'], 'replaces'],
    ['aws_cognito_user_pool', { id: userPoolId }, ['create', 'delete'], 'replaces'],
    ['aws_cognito_user_pool', { id: userPoolId }, ['delete'], 'destroys'],
    ['awscc_cognito_user_pool', { id: 'x', user_pool_id: userPoolId }, ['delete'], 'destroys'],
  ])('is rejected where %s %j is to be %j', async (type, before, actions, verb) => {
    const { code, stdout, stderr } = await impactOf(['--plan', await withChange(poolChange(type, before, actions))])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(
      `the plan ${verb} the user pool \`${userPoolId}\`: its users and groups are gone afterwards, so there is nothing to compare`,
    )
  })
  test('may destroy another pool, change this one, and destroy what is not of Cognito', async () => {
    for (const change of [
      poolChange('aws_cognito_user_pool', { id: 'eu-west-1_Other1' }, ['delete']),
      poolChange('aws_cognito_user_pool', { id: userPoolId }, ['update']),
      poolChange('aws_s3_bucket', { id: userPoolId }, ['delete']),
    ])
      expect(await changesOf('--plan', await withChange(change))).toEqual({})
  })
  test('that has nothing of Cognito but the end of the pool counts next to a template', async () => {
    const change = poolChange('aws_cognito_user_pool', { id: userPoolId }, ['delete'])
    const other = await newFile({ format_version: '1.2', planned_values: {}, resource_changes: [change] }, 'end.json')
    const { code, stderr } = await impactOf(['--template', await planFile(now), '--template', other])
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('destroys the user pool') })
  })
  test.each([
    ['no type', { address: 'x', change: { actions: ['delete'], before: {} } }],
    ['no change', { type: 'aws_cognito_user_group' }],
    ['a type alone', 'aws_cognito_user_group'],
    ['no group before', poolChange('aws_cognito_user_group', { user_pool_id: userPoolId }, ['delete'])],
    ['nothing before', { type: 'aws_cognito_user_in_group', change: { actions: ['delete'], before: null } }],
  ])('with a change that has %s is rejected', async (_what, change) => {
    const { code, stdout, stderr } = await impactOf(['--plan', await withChange(change)])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('entry 2 of its `resource_changes` cannot be read, so its deletions would be missing')
  })
  test.each([{ errored: true }, { complete: false }])('with %j is not known to be whole', async flags => {
    const path = await newFile({ ...plan([now]), ...flags }, 'plan.json')
    const { code, stdout } = await impactOf(['--plan', path, '--format', 'json', '--fail-on-change'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout).trial.undetermined.join()).toMatch(Object.keys(flags)[0]!)
    const whole = await newFile({ ...plan([now]), errored: false, complete: true }, 'plan.json')
    expect((await impactOf(['--plan', whole, '--fail-on-change'])).code, 'control').toBe(0)
  })
  test('that creates a group with a precedence of 0 says that Terraform does not send it', async () => {
    const added = { name: 'root', precedence: 0, role_arn: role('R') }
    const path = await planFile(now, { address: 'aws_cognito_user_group.root', after: added, actions: ['create'] })
    const { stdout } = await impactOf(['--plan', path])
    expect(stdout).toMatch(/root: new group, role \S+ \(without a precedence: Terraform does not send 0/)
  })
  test('of another pool is rejected', async () => {
    const text = JSON.stringify(plan([now])).replaceAll(userPoolId, 'eu-west-1_Other1')
    expect(await impactOf(['--plan', await newFile(text, 'plan.json')])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('eu-west-1_Other1'),
    })
  })
})
