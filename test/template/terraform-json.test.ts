import { describe, expect, test } from 'vitest'
import { readTerraformModule } from '../../src/template/terraform/source.js'
import { outlineJson } from '../../src/template/terraform/json-outline.js'

const MODULE = `{
  "resource": {
    "aws_cognito_user_group": {
      "a": {
        "name": "a",
        "user_pool_id": "eu-west-1_Ab12Cd34e",
        "precedence": 1
      }
    },
    "aws_cognito_identity_pool_roles_attachment": [{
      "x": [{
        "identity_pool_id": "eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6",
        "role_mapping": [
          { "identity_provider": "a", "type": "Token" },
          { "identity_provider": "b",
            "type": "Rules" }
        ]
      }]
    }]
  }
}
`
const lineOf = (text: string) => MODULE.slice(0, MODULE.indexOf(text)).split('\n').length

describe("Terraform's JSON", () => {
  test('has the lines of resources, attributes and blocks', async () => {
    const { groups, attachments } = await readTerraformModule([{ path: 'main.tf.json', text: MODULE }])
    expect(groups[0]!.location).toMatchObject({ path: 'main.tf.json', line: lineOf('"a": {'), column: 7, endLine: 8 })
    expect(groups[0]!.precedence.location?.line).toBe(lineOf('"precedence"'))
    const mappings = attachments[0]!.mappings
    expect(mappings.is === 'known' && mappings.value.map(({ location }) => location.line)).toEqual([
      lineOf('{ "identity_provider": "a"'),
      lineOf('{ "identity_provider": "b"'),
    ])
    expect(mappings.is === 'known' && mappings.value[1]!.type.location?.line).toBe(lineOf('"type": "Rules"'))
  })

  test.each([
    ['{}'],
    ['[]'],
    ['{"resource": 1}'],
    ['{"resource": {"a": [1, {"b": "x"}]}}'],
    ['{"a": {"a": 1, "a": 2}}'],
  ])('of another shape has an outline too: %s', text => {
    expect(outlineJson(text, 'x.tf.json')).toMatchObject({ blocks: expect.any(Array), comments: [] })
  })
})
