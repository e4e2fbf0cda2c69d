import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { InvalidFile } from '../../src/cli/json-file.js'
import { isPlainPool, readPoolFile } from '../../src/cli/pool-file.js'
import { readPool } from '../../src/cli/pool-file-shape.js'
import { modificationOf, toGroup } from '../../src/cognito/api/group-type.js'
import { RolecastError } from '../../src/errors.js'

const NO_STDIN = Readable.from([])
const roleArn = 'arn:aws:iam::111122223333:role/Admin'

/** As the AWS CLI prints it, unset fields left out. */
const LISTED = `{
    "Groups": [
        {
            "GroupName": "admins",
            "UserPoolId": "eu-west-1_Ab12Cd34e",
            "Description": "May do \\"everything\\"",
            "RoleArn": "${roleArn}",
            "Precedence": 0,
            "LastModifiedDate": "2026-03-02T10:11:12.345000+01:00",
            "CreationDate": "2026-03-02T10:11:12.345000+01:00"
        },
        {
            "GroupName": "café-管理者-🙂",
            "UserPoolId": "eu-west-1_Ab12Cd34e",
            "LastModifiedDate": "2026-03-02T10:11:12.345000+01:00",
            "CreationDate": "2026-03-02T10:11:12.345000+01:00"
        }
    ]
}
`
const READ = [
  { groupName: 'admins', precedence: 0, roleArn },
  { groupName: 'café-管理者-🙂', precedence: null, roleArn: null },
]

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-pool-file-'))
})
afterAll(() => rm(folder, { recursive: true }))

let files = 0
async function fileOf(content: string | Uint8Array): Promise<string> {
  const path = join(folder, `${files++}.json`)
  await writeFile(path, content)
  return path
}

async function read(content: string | Uint8Array) {
  return [...(await readPoolFile(await fileOf(content), NO_STDIN)).groups.values()]
}

async function failureOf(path: string): Promise<RolecastError> {
  const error: unknown = await readPoolFile(path, NO_STDIN).catch(cause => cause)
  expect(error).toBeInstanceOf(RolecastError)
  expect(error).toMatchObject({ code: 'invalid-input', retryable: false, value: path })
  return error as RolecastError
}

async function refusalOf(content: string | Uint8Array): Promise<string> {
  const { message } = await failureOf(await fileOf(content))
  expect(message).toContain('make it with `aws cognito-idp list-groups')
  return message
}

const poolOf = (...groups: readonly unknown[]) => JSON.stringify({ Groups: groups })
const withPrecedence = (precedence: string) =>
  `{"Groups":[{"GroupName":"a"},{"GroupName":"b","Precedence":${precedence}}]}`

describe('what the AWS CLI prints', () => {
  test('groups are read with their precedence and role, and all else is left out', async () => {
    expect(await read(LISTED)).toStrictEqual(READ)
  })

  test('the groups are found by their names', async () => {
    const { groups: pool } = await readPoolFile(await fileOf(LISTED), NO_STDIN)
    expect([...pool.keys()]).toEqual(['admins', 'café-管理者-🙂'])
    expect(pool.get('admins')).toEqual(READ[0])
    expect(pool.get('Admins')).toBeUndefined()
  })

  test('a pool without groups is a pool', async () => {
    expect(await read('{"Groups": []}')).toEqual([])
  })

  test('null and an empty role count as unset, and zero does not', async () => {
    expect(
      await read(
        poolOf(
          { GroupName: 'a', Precedence: null, RoleArn: null },
          { GroupName: 'b', RoleArn: '' },
          { GroupName: 'c', Precedence: 0 },
        ),
      ),
    ).toStrictEqual([
      { groupName: 'a', precedence: null, roleArn: null },
      { groupName: 'b', precedence: null, roleArn: null },
      { groupName: 'c', precedence: 0, roleArn: null },
    ])
  })

  test('ten thousand groups, as many as a pool can have, are read', async () => {
    const { groups: pool } = await readPoolFile(
      await fileOf(
        poolOf(...Array.from({ length: 10_000 }, (_, index) => ({ GroupName: `g${index}`, Precedence: index }))),
      ),
      NO_STDIN,
    )
    expect(pool.size).toBe(10_000)
    expect(pool.get('g9999')).toEqual({ groupName: 'g9999', precedence: 9999, roleArn: null })
  })
})

describe('encodings', () => {
  const utf16 = Buffer.from(`\uFEFF${LISTED}`, 'utf16le')

  test.each<[string, Uint8Array]>([
    ['UTF-8', Buffer.from(LISTED)],
    ['UTF-8 with a byte order mark', Buffer.from(`\uFEFF${LISTED}`)],
    ['UTF-16LE with a byte order mark, as PowerShell writes it,', utf16],
    ['UTF-16BE with a byte order mark', Buffer.from(utf16).swap16()],
    ['UTF-8 with Windows line ends', Buffer.from(LISTED.replaceAll('\n', '\r\n'))],
  ])('%s is read', async (_encoding, bytes) => {
    expect(await read(bytes)).toStrictEqual(READ)
  })

  test.each<[string, Uint8Array]>([
    ['Latin-1', Buffer.from(LISTED.replaceAll(/[^\0-\xFF]/gu, ''), 'latin1')],
    ['UTF-16 without a byte order mark', utf16.subarray(2)],
    ['UTF-16 that ends within a character', utf16.subarray(0, -1)],
    [
      'UTF-16 with half of a surrogate pair',
      Buffer.concat([
        Buffer.from('\uFEFF{"Groups":[{"GroupName":"', 'utf16le'),
        Buffer.from([0x00, 0xd8]),
        Buffer.from('"}]}', 'utf16le'),
      ]),
    ],
    ['UTF-8 cut off within a character', Buffer.from('{"Groups":[{"GroupName":"é').subarray(0, -1)],
    [
      'an overlong encoding',
      Buffer.concat([Buffer.from('{"Groups":[{"GroupName":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}]}')]),
    ],
  ])('%s is rejected, not read as other names', async (_encoding, bytes) => {
    expect(await refusalOf(bytes)).toContain('it is not JSON')
  })
})

describe('files that are not the whole pool', () => {
  test('some pages are rejected, and the message says how to get all', async () => {
    const message = await refusalOf(JSON.stringify({ Groups: [{ GroupName: 'a' }], NextToken: 'eyJ' }))
    expect(message).toMatch(/NextToken.*--max-items/)
  })

  test('a null NextToken is none', async () => {
    expect(await read('{"Groups":[{"GroupName":"a"}],"NextToken":null}')).toHaveLength(1)
  })

  test.each(['""', '7', '{}', 'false'])('a NextToken of %s is rejected', async token => {
    expect(await refusalOf(`{"Groups":[],"NextToken":${token}}`)).toContain('NextToken')
  })

  test('a name that comes twice is rejected and named', async () => {
    const message = await refusalOf(
      poolOf({ GroupName: 'admins', Precedence: 1 }, { GroupName: 'b' }, { GroupName: 'admins', Precedence: 0 }),
    )
    expect(message).toContain('the group `admins` twice')
  })

  test('names that differ in case, or in composition alone, are different names', async () => {
    const names = ['admins', 'Admins', 'caf\u00E9', 'cafe\u0301']
    expect((await read(poolOf(...names.map(GroupName => ({ GroupName }))))).map(group => group.groupName)).toEqual(
      names,
    )
  })
})

describe('files of another content', () => {
  test.each([
    ['nothing', ''],
    ['white space', ' \n'],
    ['cut-off JSON', LISTED.slice(0, 200)],
    ['the YAML of `--output yaml`', 'Groups:\n- GroupName: admins\n  Precedence: 0\n'],
    ['the text of `--output text`', 'GROUPS\t2026-03-02T10:11:12\tadmins\t0\n'],
    ['two listings one after the other', LISTED + LISTED],
    ['JSON with a comment', `// the pool\n${LISTED}`],
    ['JSON with a comma too many', '{"Groups":[{"GroupName":"a"},]}'],
  ])('%s is rejected as no JSON', async (_what, content) => {
    expect(await refusalOf(content)).toContain('it is not JSON')
  })

  test.each([
    ['null', 'null', 'invalid input'],
    ['a string', '"Groups"', 'invalid input'],
    ['a number', '7', 'invalid input'],
    ['only the array', '[{"GroupName":"a"}]', 'invalid input'],
    ['an object without Groups', '{}', 'Groups'],
    ['groups in lower case', '{"groups":[]}', 'Groups'],
    ['null groups', '{"Groups":null}', 'Groups'],
    ['groups by name', '{"Groups":{"a":{"GroupName":"a"}}}', 'Groups'],
    ['the answer of get-group', '{"Group":{"GroupName":"a"}}', 'Groups'],
    ['names in place of groups', '{"Groups":["a"]}', 'Groups.0'],
    ['a group that is null', '{"Groups":[{"GroupName":"a"},null]}', 'Groups.1'],
    ['a group without a name', '{"Groups":[{"Precedence":1}]}', 'Groups.0.GroupName'],
    ['an empty name', '{"Groups":[{"GroupName":""}]}', 'Groups.0.GroupName'],
    ['a name that is a number', '{"Groups":[{"GroupName":7}]}', 'Groups.0.GroupName'],
    ['a role that is a number', '{"Groups":[{"GroupName":"a","RoleArn":7}]}', 'Groups.0.RoleArn'],
    ['a name only in the prototype', '{"Groups":[{"__proto__":{"GroupName":"a"}}]}', 'Groups.0.GroupName'],
    ['groups only in the prototype', '{"__proto__":{"Groups":[]}}', 'Groups'],
  ])('%s is rejected, and the message says where', async (_what, content, where) => {
    expect(await refusalOf(content)).toContain(`cannot be used: ${where}: `)
  })

  test.each(['"7"', '1.5', '-1', String(2 ** 31), '1e999', 'true', '[]', '""'])(
    'a precedence of %s is rejected',
    async precedence => {
      expect(await refusalOf(withPrecedence(precedence))).toMatch(
        /: group 2 \(`b`\) has the precedence .+, and Cognito takes an integer from 0 to 2147483647, or none; make/,
      )
    },
  )

  test.each([
    ['0', 0],
    ['-0', 0],
    ['7.0', 7],
    [String(2 ** 31 - 1), 2 ** 31 - 1],
    ['null', null],
  ])('a precedence of %s is taken', async (precedence, value) => {
    const [, group] = await read(withPrecedence(precedence))
    expect(group?.precedence === value).toBe(true)
  })
})

describe('groups that Cognito does not have', () => {
  const roleArn = 'arn:aws:iam::111122223333:role/Admin'

  test.each([
    ['precedence', 'Precedence'],
    ['Precedense', 'Precedence'],
    ['PRECEDENCE', 'Precedence'],
    ['RoleARN', 'RoleArn'],
    ['roleArn', 'RoleArn'],
    ['role_arn', 'RoleArn'],
    ['groupName', 'GroupName'],
    ['GroupNam', 'GroupName'],
  ])('the key %s is rejected, because without %s the group has another role', async (key, nearest) => {
    expect(await refusalOf(poolOf({ GroupName: 'a' }, { GroupName: 'b', [key]: 1 }))).toContain(
      `: group 2 (\`b\`) has an unknown key \`${key}\` (did you mean \`${nearest}\`?); make`,
    )
  })

  test('a key is rejected where the name of the group is the one that is misspelt', async () => {
    expect(await refusalOf(poolOf({ groupName: 'a' }))).toContain(
      ': group 1 has an unknown key `groupName` (did you mean `GroupName`?)',
    )
  })

  test('control: other keys are left out, because AWS may add some', async () => {
    const more = { Description: 'd', CreationDate: 1, LastModifiedDate: 2, UserPoolId: 'p', Type: 'x', GroupArn: 'arn' }
    const [group] = await read(poolOf({ GroupName: 'a', Precedence: 1, RoleArn: roleArn, ...more, Descripton: 'd' }))
    expect(group).toEqual({ groupName: 'a', precedence: 1, roleArn })
  })

  test.each([
    ' ',
    'not-an-arn',
    'arn:aws:iam::1',
    'arn:aws:iam::111122223333:role/A dmin',
    'arn:aws:iam::ACCOUNT:role/Admin',
    `${roleArn}\n`,
    `${roleArn}${'x'.repeat(2_048)}`,
  ])('the role %j is rejected', async role => {
    expect(await refusalOf(poolOf({ GroupName: 'a', Precedence: 1, RoleArn: role }))).toMatch(
      /: group 1 \(`a`\) has the role `.*`.*, and Cognito takes the ARN of a role, or none; make/s,
    )
  })

  test.each([
    'arn:aws-us-gov:iam::111122223333:role/path/to/Admin',
    'arn:aws:sts:eu-west-1:111122223333:assumed-role/a/b:c:d',
    `arn:aws:iam::111122223333:role/${'x'.repeat(2_017)}`,
  ])('the role %.60j is one that the API takes', async role => {
    const [group] = await read(poolOf({ GroupName: 'a', RoleArn: role }))
    expect(group?.roleArn).toBe(role)
  })
})

describe('names that are traps in JavaScript', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']

  test('they are names like any other', async () => {
    const { groups: pool } = await readPoolFile(
      await fileOf(poolOf(...names.map((GroupName, Precedence) => ({ GroupName, Precedence })))),
      NO_STDIN,
    )
    expect([...pool.keys()]).toEqual(names)
    expect(pool.get('__proto__')).toEqual({ groupName: '__proto__', precedence: 0, roleArn: null })
  })

  test('a pool without them does not have them', async () => {
    const { groups: pool } = await readPoolFile(await fileOf(LISTED), NO_STDIN)
    expect(names.filter(name => pool.has(name) || pool.get(name) !== undefined)).toEqual([])
  })

  test('a `__proto__` key gives a group nothing', async () => {
    const [group] = await read('{"Groups":[{"GroupName":"a","__proto__":{"Precedence":0,"RoleArn":"r"}}]}')
    expect(group).toStrictEqual({ groupName: 'a', precedence: null, roleArn: null })
    expect(Object.getPrototypeOf(group)).toBe(Object.prototype)
  })
})

describe('paths', () => {
  test('a file that is not there', async () => {
    const { message, cause } = await failureOf(join(folder, 'nowhere.json'))
    expect(message).toMatch(/nowhere\.json` cannot be used: it cannot be read \(ENOENT\)/)
    expect(cause).toMatchObject({ code: 'ENOENT' })
  })

  test('a folder', async () => {
    const path = join(folder, 'folder')
    await mkdir(path)
    expect((await failureOf(path)).message).toContain('(EISDIR)')
  })

  test('an empty path, and one that no file system takes', async () => {
    expect((await failureOf('')).message).toContain('(ENOENT)')
    expect((await failureOf('a\0b')).message).toContain('it cannot be read')
    expect((await failureOf('x'.repeat(5000))).message).toContain('(ENAMETOOLONG)')
  })
})

describe('a pool as it is usually printed, which is read without the shape', () => {
  const letters = fc.string({ unit: fc.constantFrom(...'aZ09-_!~ é'), maxLength: 3 })
  const anything = fc.constantFrom<unknown>(undefined, null, true, -1, 0, 1.5, 2 ** 31, NaN, '', 'a', [], {})
  const group = fc.record(
    {
      GroupName: fc.oneof({ weight: 4, arbitrary: letters }, anything),
      Precedence: fc.oneof(fc.constantFrom(0, 5, 2_147_483_647, null), anything),
      RoleArn: fc.oneof(fc.constantFrom(roleArn, null), anything),
      UserPoolId: fc.oneof(fc.constantFrom('eu-west-1_Ab12Cd34e', null), anything),
      LastModifiedDate: anything,
    },
    { requiredKeys: [] },
  )
  const pool = fc.record(
    {
      Groups: fc.oneof({ weight: 9, arbitrary: fc.array(group, { maxLength: 2 }) }, anything),
      NextToken: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(undefined, null) }, anything),
      userPoolId: fc.oneof(fc.constant('eu-west-1_Ab12Cd34e'), anything),
      takenAt: fc.oneof(fc.constant(0), anything),
    },
    { requiredKeys: [] },
  )
  const never = (what: string) => new Error(what)

  test('is what the shape reads, with the same in it', () => {
    let plain = 0
    fc.assert(
      fc.property(fc.oneof(pool, anything), content => {
        if (!isPlainPool(content)) return
        plain++
        const read = readPool(content, never as unknown as InvalidFile)
        expect(read.Groups.map(toGroup)).toEqual(content.Groups.map(toGroup))
        expect(read.Groups.map(modificationOf)).toEqual(content.Groups.map(modificationOf))
        expect(read.Groups.map(one => one.UserPoolId)).toEqual(content.Groups.map(one => one.UserPoolId))
        expect([read.NextToken, read.userPoolId, read.takenAt]).toEqual([
          content.NextToken,
          content.userPoolId,
          content.takenAt,
        ])
      }),
      { numRuns: 2_000 },
    )
    expect(plain).toBeGreaterThan(100)
  })

  test.each<[string, unknown]>([
    ['a name that is none', { Groups: [{ GroupName: 7 }] }],
    ['a name that is empty', { Groups: [{ GroupName: '' }] }],
    ['a precedence that is none', { Groups: [{ GroupName: 'a', Precedence: -1 }] }],
    ['more pages', { Groups: [], NextToken: 'x' }],
  ])('control: %s is left to the shape', (_what, content) => {
    expect(isPlainPool(content)).toBe(false)
  })

  test('what the AWS CLI prints is read so', () => {
    expect(isPlainPool(JSON.parse(LISTED))).toBe(true)
  })
})
