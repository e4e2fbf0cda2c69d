import { expect, test } from 'vitest'
import type { Infrastructure } from '../../src/rules/infrastructure.js'
import { validateAll } from '../../src/rules/validate.js'
import { createHclParser } from '../../src/template/terraform/hcl-parser.js'
import { readTerraformTree } from '../../src/template/terraform/module-tree.js'

/** On a busy machine the default limit is too short for a test. */
const parse = createHclParser({ timeLimit: 60_000 })

async function read(text: string): Promise<Infrastructure> {
  const { infrastructures, failures } = await readTerraformTree([{ path: 'main.tf', text }], { parse })
  expect(failures).toEqual([])
  expect(infrastructures).toHaveLength(1)
  return infrastructures[0]!
}
const found = (infrastructure: Infrastructure) =>
  validateAll([infrastructure], { today: '2026-11-29' }).map(({ ruleId, severity }) => `${ruleId} ${severity}`)
const conditions = ({ groups }: Infrastructure) => groups.map(({ id, condition }) => `${id} if ${condition}`)

const POOL = 'resource "aws_cognito_user_pool" "p" {\n  name = "p"\n}\n'
const groups = (forEach: string, precedence = '1') => `resource "aws_cognito_user_group" "g" {
  for_each     = ${forEach}
  name         = each.key
  precedence   = ${precedence}
  role_arn     = "arn:aws:iam::111122223333:role/\${each.key}"
  user_pool_id = aws_cognito_user_pool.p.id
}
`
const variable = (body: string) => `variable "on" {\n  type = bool\n  ${body}\n}\n`
const BOTH = '{ a = 1, b = 1 }'

test.each([
  ['a condition without a value', variable(''), `var.on ? ${BOTH} : {}`],
  ['the empty one first', variable(''), `var.on ? {} : ${BOTH}`],
  ['a default with which there are none', variable('default = false'), `var.on ? ${BOTH} : {}`],
  ['a local', `${variable('')}locals {\n  all = var.on ? ${BOTH} : {}\n}\n`, 'local.all'],
  ['sets', variable(''), 'var.on ? toset(["a", "b"]) : toset([])'],
  ['a set of lists', variable('default = false'), 'toset(var.on ? ["a", "b"] : [])'],
])(
  'groups of a `for_each` that is something or nothing are judged as what may be there: %s',
  async (_, more, forEach) => {
    const infrastructure = await read(`${more}${POOL}${groups(forEach)}`)
    expect(infrastructure.groups.map(({ id }) => id)).toEqual([
      'aws_cognito_user_group.g["a"]',
      'aws_cognito_user_group.g["b"]',
    ])
    expect(new Set(infrastructure.groups.map(({ condition }) => condition)).size).toBe(1)
    expect(found(infrastructure)).toEqual(['COG101 error'])
  },
)

test('control: two collections that both have something are not known', async () => {
  const infrastructure = await read(`${variable('')}${POOL}${groups(`var.on ? ${BOTH} : { c = 1 }`)}`)
  expect(infrastructure.groups).toEqual([])
  expect(found(infrastructure)).toEqual(['COG190 note'])
})

test('control: a condition that is known decides, and what is not chosen is not there', async () => {
  expect((await read(`${POOL}${groups(`false ? ${BOTH} : {}`)}`)).groups).toEqual([])
  expect(conditions(await read(`${POOL}${groups('true ? { a = 1 } : {}')}`))).toEqual([
    'aws_cognito_user_group.g["a"] if undefined',
  ])
})

test('a group that is there in any case, and one of a switch, may tie', async () => {
  const always = `resource "aws_cognito_user_group" "c" {
  name         = "c"
  precedence   = 1
  role_arn     = "arn:aws:iam::111122223333:role/c"
  user_pool_id = aws_cognito_user_pool.p.id
}
`
  const infrastructure = await read(`${variable('')}${POOL}${always}${groups('var.on ? { a = 1 } : {}')}`)
  expect(found(infrastructure)).toEqual(['COG101 warning'])
})

test('what a collection has by a default is a possibility of a possibility, and the default is named', async () => {
  const ranks = 'variable "ranks" {\n  default = { a = 1, b = 1 }\n}\n'
  const infrastructure = await read(`${ranks}${variable('default = false')}${POOL}${groups('var.on ? var.ranks : {}')}`)
  expect(found(infrastructure).toSorted()).toEqual(['COG101 warning', 'COG190 note'])
  expect(infrastructure.unresolved.map(({ why }) => why).join()).toContain('`ranks` may have another value')
})

const MEMBERSHIPS = ['a', 'b']
  .map(
    name => `resource "aws_cognito_user_in_group" "${name}" {
  count        = var.email != "" ? 1 : 0
  user_pool_id = aws_cognito_user_pool.p.id
  group_name   = "${name}"
  username     = var.email
}
`,
  )
  .join('')

test('an empty username, the default of a variable, is not a user in a tie', async () => {
  const infrastructure = await read(`variable "email" {\n  default = ""\n}\n${POOL}${groups(BOTH)}${MEMBERSHIPS}`)
  expect(infrastructure.memberships).toHaveLength(2)
  expect(new Set(found(infrastructure))).toEqual(new Set(['COG101 error', 'COG190 note']))
})

test('a membership that is there or not has its condition', async () => {
  const { memberships } = await read(`variable "email" {\n  default = ""\n}\n${POOL}${groups(BOTH)}${MEMBERSHIPS}`)
  expect(memberships.map(({ condition }) => condition)).toEqual(['var.email != "" ? 1 : 0', 'var.email != "" ? 1 : 0'])
  const certain = await read(`${POOL}${groups(BOTH)}${MEMBERSHIPS.replaceAll(/count .*\n/g, '\n')}`)
  expect(certain.memberships.map(({ condition }) => condition)).toEqual([undefined, undefined])
})

test('control: a username that is not empty is a user in a tie', async () => {
  const infrastructure = await read(
    `variable "email" {\n  default = "x@example.com"\n}\n${POOL}${groups(BOTH)}${MEMBERSHIPS}`,
  )
  expect(found(infrastructure)).toContain('COG161 error')
})
