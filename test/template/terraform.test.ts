import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRolecastError } from '../../src/errors.js'
import type { GroupDefinition, Infrastructure, RoleReference, Value } from '../../src/rules/infrastructure.js'
import { createHclParser, type HclParser, MAX_HCL_LENGTH } from '../../src/template/terraform/hcl-parser.js'
import { MAX_JSON_LENGTH } from '../../src/template/json-text.js'
import { readTerraformPlan } from '../../src/template/terraform/plan.js'
import { readTerraformModule, readTerraformSource } from '../../src/template/terraform/source.js'
import { errorOf, failureOf } from '../failure-of.js'

const fixture = (name: string) =>
  readFileSync(new URL(`../fixtures/templates/terraform/${name}`, import.meta.url), 'utf8')
/** On a busy machine the default limit is too short for a test. */
const parse = createHclParser({ timeLimit: 60_000 })
const read = (text: string, path = 'main.tf') => readTerraformSource(text, path, { parse })

/** A value in one word: what is known as JSON, a role as `kind id`, an unknown one as `?`. */
function brief(value: Value<unknown>): string {
  if (value.is === 'one-of') return value.values.map(brief).join(' or ')
  if (value.is !== 'known') return value.is === 'unknown' ? '?' : value.is
  const role = value.value as RoleReference
  return typeof role === 'object' && 'kind' in role ? `${role.kind} ${role.id}` : JSON.stringify(value.value)
}
const rows = ({ groups }: Infrastructure) =>
  groups.map(group => [group.id, group.pool, brief(group.groupName), brief(group.precedence), brief(group.role)])
function groupOf({ groups }: Infrastructure, id: string): GroupDefinition {
  return groups.find(group => group.id === id)!
}
const whyOf = (value: Value<unknown>) => (value.is === 'unknown' ? value.why : undefined)

const GROUP = 'aws_cognito_user_group'
const POOL = 'aws_cognito_user_pool.main'

describe('a plan', () => {
  const plan = readTerraformPlan(fixture('plan.json'), 'plan.json')

  test('gives every group that will be there, with what is known of it', () => {
    expect(rows(plan)).toEqual([
      [`${GROUP}.admin`, POOL, '"admin"', '0', 'resource aws_iam_role.admin'],
      [`${GROUP}.existing`, POOL, '"existing"', 'absent', 'resource aws_iam_role.existing'],
      [`${GROUP}.outside`, POOL, '"outside"', '7', 'arn arn:aws:iam::111122223333:role/outside'],
      [`${GROUP}.replaced`, POOL, '"replaced-now"', 'absent', 'absent'],
      [`${GROUP}.each["reader"]`, POOL, '"reader"', '20', '?'],
      [`${GROUP}.each["writer"]`, POOL, '"writer"', '10', '?'],
      [`${GROUP}.counted[0]`, POOL, '"group-0"', '1', 'absent'],
      [`${GROUP}.from_module`, POOL, '"from-module"', '30', 'resource module.east.aws_iam_role.staff'],
      [`${GROUP}.either`, POOL, '"either"', '31', '?'],
      [`module.east.${GROUP}.staff`, `module.east.${POOL}`, '"staff"', '5', 'resource module.east.aws_iam_role.staff'],
      [`module.east.${GROUP}.given`, `module.east.${POOL}`, '"given"', '?', 'resource aws_iam_role.admin'],
      [`module.east.module.inner["a.b"].${GROUP}.deep`, `module.east.${POOL}`, '"deep"', '9', '?'],
      [`module.west.${GROUP}.staff`, `module.west.${POOL}`, '"staff"', '5', 'resource module.west.aws_iam_role.staff'],
      [`module.west.${GROUP}.given`, `module.west.${POOL}`, '"given"', '?', 'reference var.west_role'],
    ])
    expect(plan.format).toBe('terraform-plan')
    expect(plan.groups.every(({ provider }) => provider === 'terraform')).toBe(true)
    expect(plan.pools).toEqual([
      { id: POOL, name: POOL, userPoolId: 'eu-west-1_AbCdEf123' },
      { id: `module.east.${POOL}`, name: `module.east.${POOL}`, userPoolId: undefined },
      { id: `module.west.${POOL}`, name: `module.west.${POOL}`, userPoolId: undefined },
    ])
  })

  test('has the address as its location and no line', () => {
    expect(groupOf(plan, `${GROUP}.counted[0]`).location).toEqual({
      path: 'plan.json',
      construct: `${GROUP}.counted[0]`,
    })
  })

  test('says what is made, and what an update takes away', () => {
    expect(plan.groups.filter(({ created }) => created).map(({ id }) => id)).not.toContain(`${GROUP}.existing`)
    expect(groupOf(plan, `${GROUP}.admin`).created).toBe(true)
    expect(groupOf(plan, `${GROUP}.existing`)).toMatchObject({
      created: false,
      before: { precedence: { is: 'known', value: 5 } },
    })
  })

  test('a replacement is recreated, and what stays the same in an update was not otherwise before', () => {
    expect(groupOf(plan, `${GROUP}.replaced`)).toMatchObject({ created: true })
    expect(groupOf(plan, `${GROUP}.replaced`).before).toBeUndefined()
    expect(groupOf(plan, `${GROUP}.outside`).before).toBeUndefined()
  })

  test('never guesses which of several, or which of a `for_each`', () => {
    expect(whyOf(groupOf(plan, `${GROUP}.either`).role)).toContain('`aws_iam_role.admin`, `aws_iam_role.existing`')
    expect(whyOf(groupOf(plan, `${GROUP}.each["reader"]`).role)).toContain('`each.key`')
  })

  test('gives roles with the trust policies that are known', () => {
    expect(plan.roles.map(({ id, trustPolicy }) => [id, trustPolicy.is])).toEqual([
      ['aws_iam_role.admin', 'known'],
      ['aws_iam_role.existing', 'known'],
      ['module.east.aws_iam_role.staff', 'unknown'],
      ['module.west.aws_iam_role.staff', 'unknown'],
    ])
    expect(plan.roles[0]!.trustPolicy).toMatchObject({
      value: { Statement: [{ Action: 'sts:AssumeRoleWithWebIdentity' }] },
    })
  })

  test('gives both attachments of one identity pool, with mappings and rules in order', () => {
    const [first, second] = plan.attachments
    expect(plan.attachments.map(({ identityPool }) => brief(identityPool))).toEqual([
      '"aws_cognito_identity_pool.main"',
      '"aws_cognito_identity_pool.main"',
    ])
    expect(first!.roles).toMatchObject({
      value: [{ key: 'authenticated', role: { value: { kind: 'resource', id: 'aws_iam_role.admin' } } }],
    })
    expect(second!.roles).toMatchObject({
      value: [{ key: 'authenticated', role: { value: { kind: 'resource', id: 'aws_iam_role.existing' } } }],
    })
    expect(first!.mappings).toMatchObject({
      value: [
        {
          identityProvider: { is: 'unknown' },
          pool: POOL,
          type: { value: 'Rules' },
          ambiguousRoleResolution: { value: 'Deny' },
          rules: {
            value: [
              {
                claim: { value: 'cognito:groups' },
                value: { value: 'admin' },
                role: { value: { id: 'aws_iam_role.admin' } },
              },
              {
                matchType: { value: 'Contains' },
                value: { value: 'existing' },
                role: { value: { id: 'aws_iam_role.existing' } },
              },
            ],
          },
        },
      ],
    })
    expect(second!.mappings.is).toBe('absent')
  })

  test('gives memberships', () => {
    expect(plan.memberships).toMatchObject([{ pool: POOL, username: { value: 'ann' }, groupName: { value: 'admin' } }])
  })

  test('a provider that is known names its pool by the user pool id', () => {
    const document = JSON.parse(fixture('plan.json'))
    const attachment = document.planned_values.root_module.resources.find((one: { name: string; type: string }) =>
      one.type.endsWith('_roles_attachment'),
    )
    attachment.values.role_mapping[0].identity_provider =
      'cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123:client'
    document.resource_changes = []
    const { mappings } = readTerraformPlan(JSON.stringify(document), 'p').attachments[0]!
    expect(mappings).toMatchObject({
      value: [{ key: 'cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123:client', pool: POOL }],
    })
  })

  test('a state is one with everything known', () => {
    const state = readTerraformPlan(fixture('state.json'), 'state.json')
    expect(state.format).toBe('terraform-state')
    expect(rows(state)).toEqual([
      [`${GROUP}.admin`, POOL, '"admin"', '1', 'resource aws_iam_role.admin'],
      [`${GROUP}.user`, 'eu-west-1_Elsewhere', '"user"', '2', 'absent'],
    ])
    expect(state.groups[0]).not.toHaveProperty('created')
  })

  test('a destroyed plan and an empty state have nothing', () => {
    expect(readTerraformPlan('{"format_version":"1.2","planned_values":{}}', 'p').groups).toEqual([])
    expect(readTerraformPlan('{"format_version":"1.0","terraform_version":"1.9.5"}', 'p').groups).toEqual([])
  })

  test.each([
    [{ errored: true }, 'could not finish'],
    [{ complete: false }, 'is partial'],
    [{ errored: false, complete: true }, undefined],
  ])('a plan with %j', (flags, why) => {
    const { unresolved } = readTerraformPlan(
      JSON.stringify({ format_version: '1.2', planned_values: {}, ...flags }),
      'p',
    )
    expect(unresolved).toEqual(
      why === undefined ? [] : [{ why: expect.stringContaining(why), location: { path: 'p' } }],
    )
  })

  test('groups whose pool is unknown are each in a separate pool, and that is reported', () => {
    const resource = (name: string) => ({
      address: `${GROUP}.${name}`,
      mode: 'managed',
      type: GROUP,
      name,
      values: { name },
    })
    const text = JSON.stringify({
      format_version: '1.0',
      planned_values: { root_module: { resources: [resource('a'), resource('b')] } },
      resource_changes: ['a', 'b'].map(name => ({
        address: `${GROUP}.${name}`,
        change: { actions: ['create'], after_unknown: { user_pool_id: true } },
      })),
    })
    const { groups, unresolved } = readTerraformPlan(text, 'p')
    expect(new Set(groups.map(({ pool }) => pool)).size).toBe(2)
    expect(unresolved.map(({ why }) => why)).toEqual(
      ['a', 'b'].map(name => expect.stringContaining(`\`${GROUP}.${name}\``)),
    )
  })

  test('a trust policy with a key that is repeated is not known', () => {
    const policyOf = (assume_role_policy: string) => {
      const role = { address: 'aws_iam_role.a', type: 'aws_iam_role', name: 'a', values: { assume_role_policy } }
      const planned_values = { root_module: { resources: [role] } }
      return readTerraformPlan(JSON.stringify({ format_version: '1.0', planned_values }), 'p').roles[0]!.trustPolicy
    }
    expect(policyOf('{"Statement":[{"Effect":"Allow"}]}'), 'control').toMatchObject({ is: 'known' })
    expect(policyOf('{"Statement":[{"Effect":"Deny","Effect":"Allow"}]}')).toMatchObject({
      is: 'unknown',
      why: 'it has a key twice',
    })
  })

  test('names that JavaScript knows are names as any other', () => {
    const text = `{"format_version":"1.0","planned_values":{"root_module":{"resources":[{"address":"${GROUP}.__proto__","type":"${GROUP}","name":"__proto__",
      "values":{"name":"__proto__","precedence":1,"user_pool_id":"constructor","__proto__":{"role_arn":"arn:x"}}}]}},
      "configuration":{"root_module":{"resources":[],"module_calls":{}}}}`
    expect(rows(readTerraformPlan(text, 'p'))).toEqual([
      [`${GROUP}.__proto__`, 'constructor', '"__proto__"', '1', 'absent'],
    ])
  })

  /** What is no text, and would say another name, or throw, if it were made one. */
  const NO_TEXT: readonly unknown[] = [{ toString: {} }, { valueOf: 1 }, { length: 3 }, ['x'], 7, true, null]

  test.each(NO_TEXT)('a `name` or `type` that is %j names nothing', noText => {
    const resource = (name: unknown, type: unknown = GROUP) => ({
      address: `${GROUP}.x`,
      type,
      name,
      values: { name: 'x' },
      expressions: { role_arn: { references: ['aws_iam_role.a.arn', 'aws_iam_role.a'] } },
    })
    const role = { address: 'aws_iam_role.a', type: 'aws_iam_role', name: 'a', values: { name: 'a' } }
    const whole = (planned: object, configured: object) =>
      JSON.stringify({
        format_version: '1.0',
        planned_values: { root_module: { resources: [planned, role] } },
        resource_changes: [
          { address: `${GROUP}.x`, change: { actions: ['create'], after_unknown: { role_arn: true } } },
        ],
        configuration: { root_module: { resources: [configured] } },
      })
    const roleIn = (planned: object, configured: object) =>
      readTerraformPlan(whole(planned, configured), 'p').groups.map(group => brief(group.role))
    expect(roleIn(resource('x'), resource('x')), 'control: with names the role is found').toEqual([
      'resource aws_iam_role.a',
    ])
    expect(roleIn(resource(noText), resource('x'))).toEqual(['?'])
    expect(roleIn(resource('x'), resource(noText))).toEqual(['?'])
    expect(roleIn(resource('x'), resource('x', noText))).toEqual(['?'])
    expect(roleIn(resource(noText), resource(noText)), 'the same on both sides is no name either').toEqual(['?'])
    expect(roleIn(resource('x', noText), resource('x'))).toEqual([])
  })

  test.each([
    ['{"format_version":"2.0"}', 'its `format_version` `2.0` is not 1.x'],
    ['{"format_version":{}}', 'its `format_version` is not 1.x'],
    ['{"format_version":"1.0","provider_schemas":{}}', 'it has neither `planned_values` nor `values`'],
    ['{"version":4,"lineage":"x","resources":[]}', 'it is a raw state file; make it with `terraform show -json`'],
    ['{"@level":"info"}', 'it is a stream of events'],
    ['{"@level":"info"}\n{"@level":"info"}', 'it is a stream of events'],
    ['{}', 'it has no `format_version`'],
    ['[]', 'it is not a JSON object'],
    ['', '`plan.json:1:1` cannot be read: it is not JSON'],
    ['{\n "a": [1, 2', '`plan.json:2:12` cannot be read: it is not JSON'],
    [
      'Terraform will perform the following actions',
      'make it with `terraform plan -out=FILE` and `terraform show -json FILE`',
    ],
  ])('%j is rejected: %s', (text, message) => {
    const error = errorOf(() => readTerraformPlan(text, 'plan.json'))
    expect(error.code).toBe('invalid-input')
    expect(error.message).toContain(message)
  })

  test('what is too long or nested too deeply is rejected', () => {
    expect(errorOf(() => readTerraformPlan(' '.repeat(MAX_JSON_LENGTH + 1), 'p')).message).toContain('longer than')
    const modules = (depth: number) =>
      '{"child_modules":[{"address":"module.a",'
        .repeat(depth)
        .replaceAll('{"child', '"child')
        .concat('"x":1', '}]'.repeat(depth))
    const nested = (depth: number) => `{"format_version":"1.0","planned_values":{"root_module":{${modules(depth)}}}}`
    expect(readTerraformPlan(nested(90), 'p').groups, 'control: less deep is read').toEqual([])
    expect(errorOf(() => readTerraformPlan(nested(5000), 'p')).message).toContain('nested deeper than')
  })
})

describe('source', async () => {
  const source = await read(fixture('main.tf'))

  test('gives every group, with what can be worked out', () => {
    expect(rows(source).toSorted()).toEqual(
      [
        [`${GROUP}.admin`, POOL, '"admin"', '0', 'resource aws_iam_role.admin'],
        [`${GROUP}.computed["AUDITOR"]`, POOL, '"AUDITOR"', '6', 'resource aws_iam_role.each["AUDITOR"]'],
        [`${GROUP}.computed["CLERK"]`, POOL, '"CLERK"', '7', 'resource aws_iam_role.each["CLERK"]'],
        [`${GROUP}.counted[0]`, POOL, '"counted-0"', '1', 'absent'],
        [`${GROUP}.counted[1]`, POOL, '"counted-1"', '11', 'absent'],
        [`${GROUP}.inline["reader"]`, POOL, '"reader"', '20', 'absent'],
        [`${GROUP}.inline["the writer"]`, POOL, '"the writer"', '10', 'resource aws_iam_role.admin'],
        [`${GROUP}.maybe[0]`, 'data.aws_cognito_user_pools.other.ids[0]', '"maybe"', 'absent', 'absent'],
        [`${GROUP}.set["1"]`, POOL, '"set-1"', '"1"', 'absent'],
        [`${GROUP}.set["2"]`, POOL, '"set-2"', '"2"', 'absent'],
        [`${GROUP}.unquoted`, POOL, '"unquoted-5"', '?', 'reference var.unset_role'],
      ].toSorted(),
    )
    expect(source.groups.every(({ provider, created }) => provider === 'terraform' && created === undefined)).toBe(true)
  })

  test('has lines and columns of blocks and attributes', () => {
    const admin = groupOf(source, `${GROUP}.admin`)
    expect(admin.location).toEqual({
      path: 'main.tf',
      line: 18,
      column: 1,
      endLine: 23,
      endColumn: 2,
      construct: `${GROUP}.admin`,
    })
    expect(admin.precedence.location).toMatchObject({ line: 21, column: 3, endLine: 21, endColumn: 19 })
    expect(admin.role.location).toMatchObject({ line: 22, column: 3 })
    expect(groupOf(source, `${GROUP}.unquoted`).location).toMatchObject({ line: 34 })
    expect(source.roles.find(({ id }) => id === 'aws_iam_role.admin')!.trustPolicy.location).toMatchObject({
      line: 87,
      endLine: 97,
    })
  })

  test('a group that is there or not has a condition', () => {
    expect(groupOf(source, `${GROUP}.maybe[0]`).condition).toBe('var.unset ? 1 : 0')
    expect(groupOf(source, `${GROUP}.counted[0]`)).not.toHaveProperty('condition')
  })

  test('says what it could not tell', () => {
    expect(source.unresolved.map(({ why, location }) => [why.split(' is ')[0], location.line])).toEqual([
      [`how many \`${GROUP}.open\` there are`, 79],
      [`variable \`rank\` may have another value than its default, which \`${GROUP}.computed\` uses`, 49],
    ])
    expect(source.notFollowed.map(({ what, location }) => [what, location.line])).toEqual([
      ['Module `module.cognito_pool`', 175],
      ['Module `module.network`', 179],
    ])
  })

  test('reads trust policies from heredocs, `jsonencode` and policy documents, with what is unknown in its place', () => {
    const policies = new Map(source.roles.map(({ id, trustPolicy }) => [id, trustPolicy]))
    const hole = { 'rolecast:unknown': '`aws_cognito_identity_pool.main` is known only after apply' }
    expect(policies.get('aws_iam_role.admin')).toMatchObject({
      is: 'known',
      value: { Statement: [{ Condition: { StringEquals: { 'cognito-identity.amazonaws.com:aud': hole } } }] },
    })
    expect(policies.get('aws_iam_role.each["clerk"]')).toMatchObject({
      value: {
        Statement: [
          {
            Effect: 'Allow',
            Action: ['sts:AssumeRoleWithWebIdentity'],
            Principal: { Federated: ['cognito-identity.amazonaws.com'] },
            Condition: { StringEquals: { 'cognito-identity.amazonaws.com:aud': [hole] } },
          },
        ],
      },
    })
    expect(policies.get('aws_iam_role.encoded')).toMatchObject({
      value: { Statement: [{ Effect: 'Deny', Action: ['sts:*'], Principal: '*' }] },
    })
  })

  test('reads attachments, with the lines of their rules', () => {
    const [main, second] = source.attachments
    expect(main!.mappings).toMatchObject({
      value: [
        {
          pool: POOL,
          location: { line: 132 },
          ambiguousRoleResolution: { value: 'AuthenticatedRole' },
          rules: {
            value: [
              { location: { line: 137 }, role: { value: { id: 'aws_iam_role.admin' } } },
              { location: { line: 143 }, value: { value: 'true' } },
            ],
          },
        },
      ],
    })
    expect(main!.roles).toMatchObject({
      value: [{ key: 'authenticated', role: { value: { id: 'aws_iam_role.encoded' } } }],
    })
    expect(whyOf(second!.mappings)).toContain('dynamic')
  })

  test('reads memberships through the names of groups', () => {
    expect(source.memberships).toMatchObject([
      { pool: POOL, username: { value: 'ann' }, groupName: { value: 'admin' } },
    ])
  })

  test('comments say what is intended: of the file, of the block below, of the block around', () => {
    expect(
      source.suppressions.map(({ rules, reason, expires, target, location }) => [
        rules,
        reason,
        expires,
        target,
        location.line,
      ]),
    ).toEqual([
      [['COG106'], 'the groups are ranked by hand', undefined, undefined, 1],
      [['COG101', 'COG110'], 'agreed with the owners', '2027-01-01', `${GROUP}.admin`, 17],
      [['COG190'], 'given at run time', undefined, `${GROUP}.unquoted`, 38],
      [['COG101'], 'this is about nothing', undefined, '', 173],
    ])
  })

  test('a comment on a `for_each` is about each instance', async () => {
    const { suppressions } = await read(
      `variable "x" {}\n# rolecast:ignore COG101 y\n# more\nresource "${GROUP}" "a" {\n for_each = toset(["p", "q"])\n name = each.key\n}`,
    )
    expect(suppressions.map(({ target }) => target)).toEqual([`${GROUP}.a["p"]`, `${GROUP}.a["q"]`])
  })

  test('what looks like a block or a comment in a string or a heredoc is none', async () => {
    const text = `locals {\n a = "# rolecast:ignore COG101 x \${"}"} // \\" {"\n b = <<EOF\n# rolecast:ignore COG101 x\nresource "${GROUP}" "g" {\nEOF\n}\nresource "${GROUP}" "g" {\n name = "g"\n}`
    const { groups, suppressions } = await read(text)
    expect(suppressions).toEqual([])
    expect(groups.map(({ location }) => location.line)).toEqual([8])
  })

  test('files of a module are read together', async () => {
    const files = [
      {
        path: 'groups.tf',
        text: `resource "${GROUP}" "a" {\n name = "a"\n precedence = var.rank\n user_pool_id = var.pool\n}`,
      },
      { path: 'variables.tf', text: 'variable "rank" {\n default = 3\n}' },
      {
        path: 'more.tf.json',
        text: `{"resource":{"${GROUP}":{"b":{"name":"b","precedence":"\${var.rank}","user_pool_id":"\${var.pool}","role_arn":"\${aws_iam_role.b.arn}"}}}}`,
      },
    ]
    const module = await readTerraformModule(files, { parse })
    expect(rows(module)).toEqual([
      [`${GROUP}.a`, 'var.pool', '"a"', '3 or ?', 'absent'],
      [`${GROUP}.b`, 'var.pool', '"b"', '3 or ?', 'resource aws_iam_role.b'],
    ])
    expect(module.groups.map(({ location }) => location)).toMatchObject([
      { path: 'groups.tf', line: 1 },
      { path: 'more.tf.json', construct: `${GROUP}.b` },
    ])
    expect(rows(await read(files[0]!.text))[0]![3], 'control: alone it is not known').toBe('?')
  })

  test.each([
    ['var.a', 'variable `a` has no default'],
    ['local.missing', 'local `missing` is in none of the files'],
    ['local.circle', '`local.circle` refers to itself'],
    ['format("%x", 1)', '`format(…)` is not evaluated'],
    ['file("rank")', '`file(…)` is not evaluated'],
    ['max(var.a, 1)', 'variable `a` has no default'],
    ['true ? var.a : 1', 'variable `a` has no default'],
    ['[for x in [1] : x]', 'it does not have the required type'],
    ['aws_iam_role.r[*].arn', 'it is not known which instance of `aws_iam_role.r` it is'],
    ['module.m.rank', '`module.m` is in none of the files'],
  ])('a precedence of `%s` is unknown: %s', async (expression, why) => {
    const { groups } = await read(
      `variable "a" {}\nlocals {\n circle = local.circle\n}\nresource "${GROUP}" "a" {\n name = "a"\n precedence = ${expression}\n}`,
    )
    expect(whyOf(groups[0]!.precedence)).toBe(why)
  })

  test.each([
    ['-1', -1],
    ['1.5', 1.5],
    ['"each.key"', 'each.key'],
    ['(2 + 3) * 2 - 1', 9],
    ['"a" == "a" && !false || false ? 1 : 2', 1],
    ['lookup({ a = 1 }, "b", 4)', 4],
    ['merge({ a = 1 }, { a = 2 })["a"]', 2],
    ['tonumber("7")', 7],
    ['{ for k, v in { a = 1, b = 2 } : v => k if v > 1 }[2]', 'b'],
    ['[10, 20][1]', 20],
    ['"$${x} \\u00e9 \\"q\\""', '${x} é "q"'],
    ['<<-E\n  5\n E', '5\n'],
  ])('a precedence of `%s` is %j', async (expression, value) => {
    const { groups } = await read(`resource "${GROUP}" "a" {\n name = "a"\n precedence = ${expression}\n}`)
    expect(groups[0]!.precedence).toMatchObject({ is: 'known', value })
  })

  test('instances are as many as they are, up to what a module may have', async () => {
    const block = (name: string, more: string) =>
      `resource "${GROUP}" "${name}" {\n name = "g"\n user_pool_id = "p"\n ${more}\n}\n`
    const { groups, unresolved } = await read(
      block('a', 'count = 12000') +
        block('b', 'count = 9000') +
        block('c', '') +
        block('d', 'count = 7999') +
        block('e', ''),
    )
    expect(groups).toHaveLength(20_000)
    const tooMany = 'is not known: with it there are more than 20000 resources'
    expect(unresolved.map(({ why }) => why)).toEqual(
      ['b', 'e'].map(name => `how many \`${GROUP}.${name}\` there are ${tooMany}`),
    )
  })

  test('a module whose source is not a string may hold anything', async () => {
    const called = async (source: unknown) => {
      const text = JSON.stringify({ module: { m: { source } }, resource: { aws_iam_role: {} } })
      return (await read(text, 'main.tf.json')).notFollowed.map(({ what, why }) => `${what}: ${why}`)
    }
    expect(await called('ns/network/aws'), 'control: a text that says something else').toEqual([])
    const why = 'Module `module.m`: its source is an expression, and it is not known which module it is'
    for (const source of [{ toString: {} }, ['./network'], 7]) expect(await called(source)).toEqual([why])
  })

  test('a text that is not of Cognito or IAM is not parsed', async () => {
    const never = () => Promise.reject(new Error('it was parsed'))
    expect((await readTerraformSource('resource "aws_s3_bucket" "a" {', 'a.tf', { parse: never })).groups).toEqual([])
    await expect(
      readTerraformSource('resource "aws_iam_role" "a" {', 'a.tf', { parse: never }),
      'control',
    ).rejects.toThrow('it was parsed')
  })

  test.each([
    [fixture('hcl1.tf'), '`main.tf:5:3` cannot be read: invalid argument name'],
    [`resource "${GROUP}" "a" {`, '`main.tf:1:39` cannot be read: unclosed configuration block'],
    [`# ${GROUP}\n\u0000`, '`main.tf:2:1` cannot be read: invalid character'],
    [GROUP + ' '.repeat(MAX_HCL_LENGTH), 'longer than'],
  ])('%.60j is rejected', async (text, message) => {
    const error = await failureOf(() => read(text))
    expect(error.code).toBe('invalid-input')
    expect(error.message).toContain(message)
    expect(error.message).toContain('Terraform 0.11')
  })
})

describe('the parser of HCL', () => {
  const context = { path: 'main.tf', kind: 'Terraform file', next: 'correct it' }

  test('a package that a broken installation lacks is named, with what to do', async () => {
    const { resolve } = createRequire(import.meta.url)
    const missing = await failureOf(() => createHclParser({ locate: () => resolve('@cdktn/none') })('a = 1', context))
    expect(missing.code).toBe('missing-package')
    expect(missing.message).toContain('`@cdktn/hcl2json`')
    expect(missing.message).toContain('install rolecast again')
    const found = createHclParser({ locate: () => resolve('@cdktn/hcl2json'), timeLimit: 60_000 })
    expect(await found('a = 1', context), 'control: where it is installed').toEqual({ a: 1 })
  })

  const hclFixtures = readdirSync(new URL('../fixtures/templates/', import.meta.url), {
    recursive: true,
    encoding: 'utf8',
  })
    .map(path => path.replaceAll('\\', '/'))
    .filter(path => /\.(?:tf|tofu|tfvars)$/.test(path))

  test('the package in use gives what its predecessor gave, for every fixture', async () => {
    const { resolve } = createRequire(import.meta.url)
    const predecessor = createHclParser({ locate: () => resolve('@cdktf/hcl2json'), timeLimit: 60_000 })
    const give = (one: HclParser, text: string) => one(text, context).catch((error: Error) => error.message)
    expect(hclFixtures).toContain('terraform/main.tf')
    for (const path of hclFixtures) {
      const text = readFileSync(new URL(`../fixtures/templates/${path}`, import.meta.url), 'utf8')
      expect(await give(parse, text), path).toEqual(await give(predecessor, text))
    }
    expect(await give(parse, 'a = 1'), 'control: another text').not.toEqual(await give(predecessor, 'a = 2'))
  })

  test('one that takes too long is stopped, and the next text is read by a new one', async () => {
    const impatient = createHclParser({ timeLimit: 1 })
    expect((await failureOf(() => impatient('a = 1', context))).message).toContain('it takes longer than 1 ms')
    expect(await parse('a = 1', context), 'control: with time enough').toEqual({ a: 1 })
  })

  test('what breaks it does not break the next text', async () => {
    const error = await failureOf(() => parse(`a = ${'['.repeat(20_000)}${']'.repeat(20_000)}`, context))
    expect(error.message).toContain('its parser failed')
    expect(await parse('a = 1', context)).toEqual({ a: 1 })
  })

  test('texts that are given at the same time each get their own result', async () => {
    expect(await Promise.all([1, 2, 3].map(number => parse(`a = ${number}`, context)))).toEqual([
      { a: 1 },
      { a: 2 },
      { a: 3 },
    ])
  })
})

describe('whatever the text', () => {
  /** A fixture that lost its end, or a piece, or had a piece put in. */
  const mutated = (text: string) =>
    fc
      .tuple(
        fc.nat(text.length),
        fc.nat(40),
        fc.oneof(
          fc.string({ maxLength: 8 }),
          fc.constantFrom('"', '${', '}', '{', '[', '\n', '<<E\n', '/*', '__proto__', 'null'),
        ),
      )
      .map(([at, length, piece]) => text.slice(0, at) + piece + text.slice(at + length))
  const check = async (work: () => unknown) => {
    try {
      expect(await work()).toHaveProperty('groups')
    } catch (error) {
      if (!isRolecastError(error)) throw error
    }
  }

  test('a plan is read or rejected', async () => {
    const plan = JSON.stringify(JSON.parse(fixture('plan.json')))
    await fc.assert(
      fc.asyncProperty(mutated(plan), text => check(() => readTerraformPlan(text, 'p'))),
      { numRuns: 100 },
    )
  })

  test('a plan in which any value is of any type is read or rejected', async () => {
    const replaced = fc.tuple(fc.nat(2000), fc.jsonValue()).map(([index, value]) => {
      let count = 0
      return JSON.stringify(JSON.parse(fixture('plan.json'), (_, old) => (count++ === index ? value : old)))
    })
    await fc.assert(
      fc.asyncProperty(replaced, text => check(() => readTerraformPlan(text, 'p'))),
      { numRuns: 100 },
    )
  })

  test('source is read or rejected', async () => {
    await fc.assert(
      fc.asyncProperty(mutated(fixture('main.tf')), text => check(() => read(text))),
      { numRuns: 60 },
    )
  }, 120_000)

  test.each([
    [
      'locals that double',
      `${Array.from({ length: 60 }, (_, index) => ` x${index} = "\${local.x${index + 1}}\${local.x${index + 1}}"\n`).join('')} x60 = "a"\n`,
    ],
    [
      'references that double',
      `${Array.from({ length: 45 }, (_, index) => ` x${index} = local.x${index + 1} + local.x${index + 1}\n`).join('')} x45 = var.none\n`,
    ],
    [
      'loops in loops',
      ` l = [${'1,'.repeat(500)}1]\n x0 = [for a in local.l : [for b in local.l : [for c in local.l : c]]]\n`,
    ],
    ['a long sum', ` x0 = 1${' + local.x1'.repeat(5000)}\n x1 = var.none\n`],
    [
      'a long chain',
      `${Array.from({ length: 2000 }, (_, index) => ` x${index} = local.x${index + 1}\n`).join('')} x2000 = 1\n`,
    ],
  ])('%s end', async (_, locals) => {
    const { groups } = await read(`resource "${GROUP}" "a" {\n name = jsonencode(local.x0)\n}\nlocals {\n${locals}}`)
    expect(groups[0]!.groupName.is).toBe('unknown')
  })
})
