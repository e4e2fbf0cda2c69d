import { describe, expect, test } from 'vitest'
import { readTextFile } from '../../docs/.vitepress/theme/playground/read-file.js'
import {
  filterGroups,
  MAX_SHOWN,
  type Pasted,
  poolsOf,
  readPasted,
  rowsFrom,
} from '../../docs/.vitepress/theme/playground/read-pasted.js'
import { MAX_ROWS, START } from '../../docs/.vitepress/theme/playground/state.js'
import { readTemplate, type TemplateFormat, validateTemplate } from '../../src/template/index.js'

const today = '2026-11-29'
const attempt = (text: string, fileName?: string, format?: TemplateFormat) =>
  readPasted(readTemplate, text, { today, fileName, format })

async function read(text: string, fileName?: string): Promise<Pasted> {
  const made = await attempt(text, fileName)
  if (made.is === 'fault') throw new Error(made.fault.message)
  return made.result
}

const UserPoolId = 'eu-west-1_Ab12Cd34e'
const listed = (count: number) => ({
  Groups: Array.from({ length: count }, (_, index) => ({
    GroupName: `g${index}`,
    UserPoolId,
    Precedence: index,
    RoleArn: `arn:aws:iam::111122223333:role/R${index}`,
  })),
})
const group = (name: string, properties: string) =>
  `  ${name}:\n    Type: AWS::Cognito::UserPoolGroup\n    Properties: { UserPoolId: !Ref Pool, GroupName: ${name}, ${properties} }\n`
const template = (...resources: readonly string[]) => `Resources:\n${resources.join('')}`
const POOL = '  Pool: { Type: AWS::Cognito::UserPool }\n'
const ROLE = `  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: { Statement: [] }
`

describe('a list of groups', () => {
  test('fills the fields with what Cognito has: no precedence stays none, and 0 stays 0', async () => {
    const Groups = [
      { GroupName: 'a', UserPoolId, Precedence: 0, RoleArn: 'arn:aws:iam::111122223333:role/A' },
      { GroupName: 'b', UserPoolId },
    ]
    const { format, groups, isComplete } = await read(JSON.stringify({ Groups }))
    expect([format, isComplete]).toEqual(['user-pool', true])
    expect(rowsFrom(groups, []).rows).toEqual([
      { name: 'a', precedence: '0', roleArn: 'arn:aws:iam::111122223333:role/A', isMember: false },
      { name: 'b', precedence: null, roleArn: '', isMember: false },
    ])
  })

  test('of which only some pages were listed is not complete, and says so', async () => {
    const { isComplete, findings } = await read(JSON.stringify({ ...listed(1), NextToken: 'x' }))
    expect(isComplete).toBe(false)
    expect(findings.map(({ id }) => id)).toContain('COG194')
  })

  test('keeps the ticks of groups that are ticked already', async () => {
    const { groups } = await read(JSON.stringify(listed(3)))
    const before = [{ ...START.groups[0]!, name: 'g1' }]
    expect(rowsFrom(groups, before).rows.map(({ isMember }) => isMember)).toEqual([false, true, false])
  })

  test('of several pools tells which group is of which pool', async () => {
    const other = 'eu-west-1_Zz98Yy76x'
    const Groups = [...listed(2).Groups, { GroupName: 'g0', UserPoolId: other }]
    const { groups } = await read(JSON.stringify({ Groups }))
    expect(poolsOf(groups).map(({ id }) => id)).toEqual([UserPoolId, other])
    expect(filterGroups(groups, '', other)).toMatchObject([{ name: 'g0', pool: other, precedence: 'none' }])
    expect(filterGroups(groups, 'G0', UserPoolId)).toMatchObject([{ name: 'g0', precedence: '0' }])
    expect(filterGroups(groups, '')).toHaveLength(3)
    expect(poolsOf((await read(JSON.stringify(listed(2)))).groups)).toHaveLength(1)
  })

  test('of 10,000 groups fills as many fields as a user can have groups, and says how many are left out', async () => {
    const { groups, coverage } = await read(JSON.stringify(listed(10_000)))
    expect([groups.length, coverage]).toEqual([10_000, expect.stringContaining('10,000 groups')])
    const { rows, leftOut } = rowsFrom(groups, [])
    expect(rows).toHaveLength(MAX_ROWS)
    expect(leftOut).toEqual([expect.stringContaining('9,900 left out')])
    expect(filterGroups(groups, 'G999').map(({ name }) => name)).toHaveLength(11)
  })
})

describe('a template', () => {
  test('has the findings of `validateTemplate`, with the lines of the text', async () => {
    const text = template(
      group('a', 'Precedence: 1, RoleArn: "arn:aws:iam::111122223333:role/A"'),
      group('b', 'Precedence: 1, RoleArn: "arn:aws:iam::111122223333:role/B"'),
    )
    const expected = await validateTemplate(text, { now: Date.parse(today) })
    const { findings, findingCount, format } = await read(text)
    expect(format).toBe('cloudformation')
    expect(findings.map(({ id }) => id)).toEqual(expected.map(({ ruleId }) => ruleId))
    expect([findingCount, findings.map(({ id }) => id)]).toEqual([expected.length, expect.arrayContaining(['COG101'])])
    const { frame, where } = findings.find(({ id }) => id === 'COG101')!
    expect(where).toMatch(/^line \d+, column \d+/)
    expect(frame.map(({ before, marked, after }) => `${before}${marked}${after}`)).toEqual(
      frame.map(({ number }) => text.split('\n')[number - 1]),
    )
    expect(frame.filter(({ marked }) => marked !== '')).toHaveLength(1)
  })

  test('gives a role that is not deployed a stand-in, one for each role, and says so', async () => {
    const { groups } = await read(
      template(
        group('a', 'Precedence: 1, RoleArn: !GetAtt Role.Arn'),
        group('b', 'Precedence: 2, RoleArn: !GetAtt Role.Arn'),
        ROLE,
      ),
    )
    const { rows } = rowsFrom(groups, [])
    expect(rows.map(({ roleArn }) => roleArn)).toEqual(
      Array(2).fill('arn:aws:iam::111122223333:role/not-deployed/Role'),
    )
    expect(groups[0]!.note).toMatch(/`Role` has no ARN before it is deployed/)
  })

  test('leaves out a group of which something is not known, and says why', async () => {
    const text = `Parameters:\n  Rank: { Type: Number }\n${template(
      group('a', 'Precedence: !Ref Rank'),
      group('b', 'Precedence: 1, RoleArn: !ImportValue x'),
      group('c', 'Precedence: 1'),
    )}`
    const { groups } = await read(text)
    expect(groups.map(({ name, precedence, note }) => [name, precedence, note])).toEqual([
      ['a', 'not known', expect.stringContaining('precedence is not known')],
      ['b', '1', expect.stringContaining('role is not known')],
      ['c', '1', ''],
    ])
    expect(rowsFrom(groups, [])).toEqual({
      rows: [{ name: 'c', precedence: '1', roleArn: '', isMember: false }],
      leftOut: [expect.stringContaining('2 left out')],
    })
  })

  test('that nests another is not complete, though nothing is found', async () => {
    const nested =
      '  Nested:\n    Type: AWS::CloudFormation::Stack\n    Properties: { TemplateURL: https://example.com/x.yaml }\n'
    const { isComplete, notLookedAt, findings, coverage } = await read(template(nested, POOL))
    expect(isComplete).toBe(false)
    expect([...notLookedAt, ...findings.map(({ message }) => message)].join(' ')).toContain('Nested')
    expect(coverage).toContain('not everything was looked at')
  })

  test('without anything of Cognito is not clean: nothing was checked', async () => {
    const bucket = '  Bucket: { Type: AWS::S3::Bucket }\n'
    expect(await read(template(bucket))).toMatchObject({ isUnrelated: true, findingCount: 0 })
    expect(await read(template(bucket, POOL))).toMatchObject({ isUnrelated: false, findingCount: 0 })
    const part = '  Part: { Type: "My::Own::Thing::MODULE" }\n'
    expect(await read(template(bucket, part))).toMatchObject({ isUnrelated: false, isComplete: false, findingCount: 0 })
  })

  test('has each finding lead to the page that explains its rule', async () => {
    const tie = [1, 2].map(index =>
      group(`g${index}`, `Precedence: 1, RoleArn: "arn:aws:iam::111122223333:role/R${index}"`),
    )
    const { findings } = await read(`# rolecast:ignore COG102 never used\n${template(...tie, POOL)}`)
    const pages = findings.map(({ id, page }) => [id, page])
    expect(pages).toContainEqual(['COG101', '/findings.html#cog101'])
    expect(pages).toContainEqual(['COG193', '/validate.html#cog193'])
  })

  test('control: the same without the nested stack is complete', async () => {
    expect(await read(template(group('c', 'Precedence: 1'), POOL))).toMatchObject({ isComplete: true, notLookedAt: [] })
  })

  test('with many findings shows the first ones, and says how many there are', async () => {
    const text = template(
      ...Array.from({ length: MAX_SHOWN + 10 }, (_, index) => group(`g${index}`, `Precedence: -${index + 1}`)),
    )
    const { findings, findingCount } = await read(text)
    expect(findings).toHaveLength(MAX_SHOWN)
    expect(findingCount).toBeGreaterThan(MAX_SHOWN)
  })

  test('says why a finding is suppressed', async () => {
    const tie = [1, 2].map(index =>
      group(`g${index}`, `Precedence: 1, RoleArn: "arn:aws:iam::111122223333:role/R${index}"`),
    )
    const { findings } = await read(`# rolecast:ignore COG101 on purpose\n${template(...tie, POOL)}`)
    expect(findings.find(({ id }) => id === 'COG101')).toMatchObject({ suppressed: 'on purpose' })
    expect((await read(template(...tie, POOL))).findings.find(({ id }) => id === 'COG101')!.suppressed).toBeUndefined()
  })
})

describe('Terraform', () => {
  const plan = (precedence: number) =>
    JSON.stringify({
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
              provider_name: 'registry.terraform.io/hashicorp/aws',
              values: { name: 'a', user_pool_id: UserPoolId, precedence, role_arn: 'arn:aws:iam::111122223333:role/A' },
            },
          ],
        },
      },
      resource_changes: [
        {
          address: 'aws_cognito_user_group.a',
          mode: 'managed',
          type: 'aws_cognito_user_group',
          name: 'a',
          provider_name: 'registry.terraform.io/hashicorp/aws',
          change: {
            actions: ['create'],
            before: null,
            after: { name: 'a', user_pool_id: UserPoolId, precedence, role_arn: 'arn:aws:iam::111122223333:role/A' },
            after_unknown: {},
          },
        },
      ],
    })

  test('a precedence of 0, which it does not send, fills the field with none', async () => {
    const { groups } = await read(plan(0))
    expect(groups).toMatchObject([
      { precedence: 'none', row: { precedence: null }, note: expect.stringContaining('Terraform') },
    ])
  })

  test('control: a precedence of 1 fills the field with 1', async () => {
    expect((await read(plan(1))).groups).toMatchObject([{ precedence: '1', row: { precedence: '1' }, note: '' }])
  })

  test('source is read by the name of its file', async () => {
    const source = `resource "aws_cognito_user_group" "a" {\n  name         = "a"\n  user_pool_id = "${UserPoolId}"\n  precedence   = 5\n}\n`
    const { format, groups } = await read(source, 'main.tf')
    expect(format).toBe('terraform-source')
    expect(groups).toMatchObject([{ name: 'a', precedence: '5', role: 'none' }])
  })
})

describe('a file', () => {
  const of = (...bytes: readonly number[]) => readTextFile(new Blob([Uint8Array.from(bytes)]))

  test('in UTF-8 is read, and in UTF-16 with a byte order mark', async () => {
    const text = { is: 'result', result: '\u00e9' }
    expect(await of(0xc3, 0xa9)).toEqual(text)
    expect(await of(0xef, 0xbb, 0xbf, 0xc3, 0xa9)).toEqual(text)
    expect(await of(0xff, 0xfe, 0xe9, 0x00)).toEqual(text)
    expect(await of(0xfe, 0xff, 0x00, 0xe9)).toEqual(text)
  })

  test('in anything else is a fault, because a name in it would be another one', async () => {
    expect(await of(0xe9)).toEqual({ is: 'fault', fault: { message: expect.stringContaining('not UTF-8') } })
    expect(await of(0xff, 0xfe, 0xe9)).toMatchObject({ is: 'fault' })
  })

  test('that is larger than any text the reader takes is not loaded', async () => {
    const made = await readTextFile({ size: 20_000_001 } as Blob)
    expect(made).toEqual({ is: 'fault', fault: { message: expect.stringContaining('20 MB') } })
  })
})

describe('a text that cannot be read', () => {
  test.each([
    ['of no known format', 'hello', 'invalid-input'],
    ['that is damaged', 'Resources: {', 'invalid-input'],
  ])('%s is a fault with a code and the next step', async (_name, text, code) => {
    const made = await attempt(text)
    expect(made).toMatchObject({ is: 'fault', fault: { code } })
  })

  test('is called the text, and a file by its name', async () => {
    const messageOf = async (...given: Parameters<typeof attempt>) => {
      const made = await attempt(...given)
      return made.is === 'fault' ? made.fault.message : undefined
    }
    expect(await messageOf('hello')).toMatch(/^the text is not in a known format; choose its format/)
    expect(await messageOf('hello', 'a.txt')).toMatch(/^`a\.txt` is not in a known format/)
    expect(await messageOf('resource "aws_cognito_user_group" "a" {\n')).toMatch(
      /^the Terraform file \(line 1, column \d+\) cannot be read/,
    )
  })

  test('that is empty is a fault, and nothing is clean', async () => {
    expect(await attempt(' \n')).toEqual({ is: 'fault', fault: { message: expect.stringContaining('no text') } })
  })

  test('that is too long is a fault that names the limit', async () => {
    const text = `Resources:\n${'#'.repeat(5_000_000)}`
    expect(await attempt(text, undefined, 'cloudformation')).toMatchObject({
      is: 'fault',
      fault: { message: expect.stringContaining('5000000') },
    })
  })

  test('with a hidden character in its file name shows it as its code', async () => {
    const made = await attempt('hello', 'a\u202eb')
    expect(made).toMatchObject({ fault: { message: expect.stringContaining('\\u{202e}') } })
    expect(JSON.stringify(made)).not.toContain('\u202e')
  })
})
