import { describe, expect, test } from 'vitest'
import type { Value } from '../../src/rules/infrastructure.js'
import { FUNCTIONS } from '../../src/template/terraform/hcl-functions.js'
import { createHclParser } from '../../src/template/terraform/hcl-parser.js'
import { readTerraformSource } from '../../src/template/terraform/source.js'

/** On a busy machine the default limit is too short for a test. */
const parse = createHclParser({ timeLimit: 60_000 })

/** The names of groups that have these expressions, which have to know nothing but `var.none`, `var.table` and `aws_iam_role.r`. */
async function evaluate(expressions: readonly string[]): Promise<readonly Value<string>[]> {
  const groups = expressions.map(
    (expression, index) =>
      `resource "aws_cognito_user_group" "g${String(index).padStart(4, '0')}" {\n  name = ${expression}\n}\n`,
  )
  const head = `variable "none" {}
resource "aws_iam_role" "r" {
  for_each = { a = 1, b = 2 }
  name     = "role-\${each.key}"
}
locals {
  table = { b = { rank = 2 }, a = { rank = 1, role = "r" }, c = {} }
  list  = ["x", "y", "z"]
}
`
  const infrastructure = await readTerraformSource(head + groups.join(''), 'main.tf', { parse })
  return infrastructure.groups.map(({ groupName }) => groupName)
}

/** What each is, as text; a structure as JSON. */
const KNOWN: readonly (readonly [expression: string, value: string])[] = [
  ['concat([1], [2, 3])[2]', '3'],
  ['jsonencode(flatten([[1, [2]], 3]))', '[1,2,3]'],
  ['jsonencode(keys(local.table))', '["a","b","c"]'],
  ['values({ b = 1, a = 2 })[0]', '2'],
  ['jsonencode([for k, v in { b = 1, a = 2 } : k])', '["a","b"]'],
  ['length(local.table)', '3'],
  ['length("four")', '4'],
  ['length(var.none[*]) == 0 ? "a" : "b"', '?'],
  ['coalesce(null, "", "c")', 'c'],
  ['coalesce("${var.none}-x", "c")', '?'],
  ['try(local.table["a"].role, "none")', 'r'],
  ['try(local.table["b"].role, "none")', 'none'],
  ['try(local.table.d.rank, local.table.e.rank, 9)', '9'],
  ['can(local.table.a.role) ? "yes" : "no"', 'yes'],
  ['can(local.table.c.role) ? "yes" : "no"', 'no'],
  ['format("%s-%02d-%v%%", "a", 7, true)', 'a-07-true%'],
  ['format("%d", "7")', '7'],
  ['join("-", local.list)', 'x-y-z'],
  ['split(",", "a,b")[1]', 'b'],
  ['jsonencode(zipmap(["a", "b"], [1, 2]))', '{"a":1,"b":2}'],
  ['element(local.list, 4)', 'y'],
  ['index(local.list, "z")', '2'],
  ['contains(local.list, "y") ? 1 : 2', '1'],
  ['contains(["1"], 1) ? 1 : 2', '1'],
  ['jsonencode(setproduct(["a"], [1, 2]))', '[["a",1],["a",2]]'],
  ['jsonencode(range(3))', '[0,1,2]'],
  ['jsonencode(range(1, 8, 3))', '[1,4,7]'],
  ['replace("a-b-c", "-", "_")', 'a_b_c'],
  ['replace("a1", "/[0-9]/", "_")', '?'],
  ['trimspace("  a ")', 'a'],
  ['trimprefix(trimsuffix("a.b.c", ".c"), "a.")', 'b'],
  ['one([])  == null ? "none" : "some"', 'none'],
  ['one(["a"])', 'a'],
  ['one(["a", "b"])', '?'],
  ['title("hello big_world")', 'Hello Big_world'],
  ['jsonencode(toset(["b", "a", "b"]))', '["a","b"]'],
  ['jsonencode(distinct(["b", "a", "b"]))', '["b","a"]'],
  ['jsonencode(compact(["a", "", null]))', '["a"]'],
  ['jsonencode(sort(["b", "a"]))', '["a","b"]'],
  ['jsonencode(reverse([1, 2]))', '[2,1]'],
  ['jsonencode(slice(local.list, 1, 3))', '["y","z"]'],
  ['jsonencode(merge({ a = 1 }, null, { a = 2 }))', '{"a":2}'],
  ['jsonencode(jsondecode("{\\"a\\": [1, null]}"))', '{"a":[1,null]}'],
  ['max([3, 5]...)', '5'],
  ['sum([1, 2]) + ceil(1.2) + floor(1.8)', '6'],
  ['jsonencode({ for k, v in { a = "x", b = "x" } : v => k... })', '{"x":["a","b"]}'],
  ['jsonencode(values(local.table)[*].rank)', '?'],
  ['jsonencode([{ a = 1 }, { a = 2 }][*].a)', '[1,2]'],
  ['jsonencode([{ a = [1] }, { a = [2] }][*].a[0])', '[1,2]'],
  ['jsonencode([{ a = 5 }].*.a[0])', '5'],
  ['jsonencode(null[*])', '[]'],
  ['aws_iam_role.r["a"].name', 'role-a'],
  ['join(",", [for r in aws_iam_role.r : r.name])', 'role-a,role-b'],
  ['join(",", keys(aws_iam_role.r))', 'a,b'],
  ['aws_iam_role.r["c"].name', '?'],
  ['"%{ if length(local.list) > 2 }many%{ else }few%{ endif }"', 'many'],
  ['"%{ for x in local.list }<${x}>%{ endfor }"', '<x><y><z>'],
  ['"a${true ? "b" : "c"}d"', 'abd'],
  ['local.table != null && local.table.a.rank == 1 ? "t" : "f"', 't'],
  ['var.none == null ? "a" : "b"', '?'],
  ['null == local.list ? "a" : "b"', 'b'],
  ['tostring(5)', '5'],
  ['lookup(local.table.a, "rank", 3)', '1'],
  ['alltrue([true, "true"]) && anytrue([false, true]) ? 1 : 0', '1'],
  ['substr("hello", 1, 3)', 'ell'],
  ['substr("hello", 1, -1)', 'ello'],
  ['jsonencode(setsubtract(["a", "b"], ["a"]))', '["b"]'],
  ['startswith("abc", "ab") && endswith("abc", "bc") ? 1 : 0', '1'],
  ['uuid()', '?'],
  ['timestamp()', '?'],
  ['templatefile("x", {})', '?'],
]

describe('expressions', () => {
  test('each is worked out exactly as Terraform does, or is unknown', async () => {
    const values = await evaluate(KNOWN.map(([expression]) => expression))
    const given = values.map((value, index) => [KNOWN[index]![0], value.is === 'known' ? value.value : '?'])
    expect(given).toEqual(KNOWN)
  })

  test('a call with another number of arguments than Terraform takes is an error', async () => {
    const wrong = ['upper()', 'lower("a", "b")', 'trimprefix("ab")', 'replace("a", "b")', 'lookup({ a = 1 })']
    const more = ['join(",")', 'range()', 'range(1, 2, 3, 4)', 'contains(["a"])', 'setintersection()', 'try()']
    const calls = [...wrong, ...more]
    const values = await evaluate(calls.map(call => `try(${call}, "an error")`))
    expect(values).toMatchObject(calls.map(() => ({ is: 'known', value: 'an error' })))
  })

  test('a call without arguments, or with one of any kind, is known or unknown', async () => {
    const calls = [...FUNCTIONS.keys()].flatMap(name =>
      ['', '"a"', 'null', '["a"]', '{ a = 1 }', 'var.none', '"a", "a"', 'null, null'].map(given => `${name}(${given})`),
    )
    const values = await evaluate(calls)
    expect(values).toHaveLength(calls.length)
  })

  test('what is unknown in an expression makes the whole unknown, with its reason', async () => {
    const uses = [
      'toset([var.none, "a"])',
      'flatten([var.none])',
      'index([var.none, "a"], "a")',
      'keys(var.none)',
      'sort([var.none])',
    ]
    const values = await evaluate(uses.map(use => `jsonencode(${use})`))
    for (const value of values) expect(value).toMatchObject({ is: 'unknown', why: 'variable `none` has no default' })
  })

  test.each([
    ['lists of lists', 'length(flatten([for a in range(1000) : [for b in range(1000) : range(1000)]]))'],
    ['products', 'length(setproduct(range(1000), range(1000), range(1000)))'],
    ['long bodies in loops', `length([for a in range(1000) : [for b in range(1000) : ${'1 + '.repeat(2000)}1]])`],
  ])('%s end', async (_, expression) => {
    expect(await evaluate([expression, '"a"'])).toMatchObject([{ is: 'unknown' }, {}])
  })

  /** In JSON, since the parser of HCL has a limit of its own. */
  const nested = async (locals: Readonly<Record<string, unknown>>, names: readonly string[]) => {
    const groups = names.map((name, index) => [`g${String(index).padStart(4, '0')}`, { name: `\${${name}}` }] as const)
    const text = JSON.stringify({ locals, resource: { aws_cognito_user_group: Object.fromEntries(groups) } })
    const infrastructure = await readTerraformSource(text, 'main.tf.json', { parse })
    return infrastructure.groups.map(({ groupName }) => groupName)
  }
  const lower = (inner: string, times: number) => `${'lower('.repeat(times)}${inner}${')'.repeat(times)}`

  test('expressions that nest too deeply are unknown, alone or through the names of one another', async () => {
    const chain = Array.from(
      { length: 40 },
      (_, index) => [`x${index}`, `\${${lower(`local.x${index + 1}`, 80)}}`] as const,
    )
    const names = [lower('"a"', 90), lower('"a"', 110), 'local.x0', 'local.x38']
    expect(await nested({ ...Object.fromEntries(chain), x40: 'a' }, names)).toMatchObject([
      { is: 'known', value: 'a' },
      { is: 'unknown', why: 'its expression is not understood' },
      { is: 'unknown', why: 'it is nested too deeply' },
      { is: 'known', value: 'a' },
    ])
  })

  test('values that are put into one another again and again are unknown at some depth', async () => {
    const chain = Array.from({ length: 300 }, (_, index) => [`y${index}`, [`\${local.y${index + 1}}`]] as const)
    const names = Array.from({ length: 300 }, (_, index) => `jsonencode(local.y${299 - index})`)
    const found = await nested({ ...Object.fromEntries(chain), y300: 1 }, names)
    expect([found[0], found[1], found[299]]).toMatchObject([
      { is: 'known', value: '[1]' },
      { is: 'known', value: '[[1]]' },
      { is: 'unknown', why: 'it is nested too deeply' },
    ])
  })
})

describe('blocks that are made in a loop', () => {
  const attachment = (blocks: string) =>
    readTerraformSource(
      `variable "none" {}\nresource "aws_cognito_identity_pool_roles_attachment" "a" {\n  identity_pool_id = "i"\n${blocks}}\n`,
      'main.tf',
      { parse },
    ).then(({ attachments }) => attachments[0]!.mappings)

  test('have what their iterator gives', async () => {
    const mappings = await attachment(`  dynamic "role_mapping" {
    for_each = { p = [{ claim = "a", value = "1" }, { claim = "b", value = "2" }] }
    iterator = it
    content {
      identity_provider = it.key
      type              = "Rules"
      dynamic "mapping_rule" {
        for_each = it.value
        content {
          claim = mapping_rule.value.claim
          value = "\${mapping_rule.key}-\${mapping_rule.value.value}"
        }
      }
    }
  }
`)
    expect(mappings).toMatchObject({
      value: [
        {
          key: 'p',
          rules: {
            value: [
              { claim: { value: 'a' }, value: { value: '0-1' } },
              { claim: { value: 'b' }, value: { value: '1-2' } },
            ],
          },
        },
      ],
    })
  })

  test.each([
    ['what they go over is unknown', '  dynamic "role_mapping" {\n    for_each = var.none\n    content {}\n  }\n'],
    [
      'others stand beside them',
      '  dynamic "role_mapping" {\n    for_each = [1]\n    content {}\n  }\n  role_mapping {\n    type = "Token"\n  }\n',
    ],
  ])('are unknown where %s', async (_, blocks) => {
    expect(await attachment(blocks)).toMatchObject({ is: 'unknown', why: expect.stringContaining('dynamic') })
  })
})

test('a policy document of a `for_each` is that of its instance', async () => {
  const { roles } = await readTerraformSource(
    `data "aws_iam_policy_document" "d" {
  for_each = toset(["a", "b"])
  statement {
    actions = ["sts:\${each.key}"]
  }
}
resource "aws_iam_role" "r" {
  for_each           = toset(["a", "b"])
  assume_role_policy = data.aws_iam_policy_document.d[each.key].json
}
`,
    'main.tf',
    { parse },
  )
  expect(roles.map(({ trustPolicy }) => trustPolicy)).toMatchObject(
    ['a', 'b'].map(key => ({ value: { Statement: [{ Action: [`sts:${key}`] }] } })),
  )
})
