import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAuditSummary } from '../../src/audit/summary.js'
import { resolveRoles } from '../../src/claims/resolve.js'
import { readMemberships } from '../../src/cli/memberships-file.js'
import type { UserGroups } from '../../src/group.js'
import { createAuditLines } from '../../src/report/audit-lines.js'
import { groupNames } from '../arbitraries.js'
import { failureOf } from '../failure-of.js'

let folder: string
let files = 0
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'rolecast-memberships-'))))
afterAll(() => rm(folder, { recursive: true }))

async function all(batches: AsyncIterable<readonly UserGroups[]>): Promise<readonly UserGroups[]> {
  const users: UserGroups[] = []
  for await (const batch of batches) users.push(...batch)
  return users
}
/** As a stream that brings so many bytes at once. */
function streamed(content: Buffer | string, piece = 7): Promise<readonly UserGroups[]> {
  const bytes = Buffer.from(content)
  const pieces = Array.from({ length: Math.ceil(bytes.length / piece) }, (_, index) =>
    bytes.subarray(index * piece, (index + 1) * piece),
  )
  return all(readMemberships('-', Readable.from(pieces)))
}
async function filed(content: Buffer | string): Promise<readonly UserGroups[]> {
  const path = join(folder, String(files++))
  await writeFile(path, content)
  return all(readMemberships(path, Readable.from([])))
}

const alice = { username: 'alice', groups: ['a', 'b'] }
const bob = { username: 'bob', groups: [] }
const [ALICE, BOB] = [alice, bob].map(user => JSON.stringify(user)) as [string, string]

describe('what is read', () => {
  test.each<[string, Buffer | string]>([
    ['a line a user', `${ALICE}\n${BOB}\n`],
    ['no line feed at the end', `${ALICE}\n${BOB}`],
    ['CR LF', `${ALICE}\r\n${BOB}\r\n`],
    ['a byte order mark', `\ufeff${ALICE}\n${BOB}\n`],
    ['UTF-16, as PowerShell writes it', Buffer.from(`\ufeff${ALICE}\r\n${BOB}\r\n`, 'utf16le')],
    ['UTF-16 of the other order', Buffer.from(`\ufeff${ALICE}\n${BOB}`, 'utf16le').swap16()],
    ['blank lines', `\n \t\n${ALICE}\n\r\n\n${BOB}\n\n`],
    ['space around', `  ${ALICE}  \n\t${BOB}\r\n`],
    ['other keys', `${ALICE.replace('{', '{"email":"a@example.com","__proto__":{"x":1},')}\n${BOB}\n`],
  ])('%s', async (_what, content) => {
    for (const users of [await filed(content), await streamed(content), await streamed(content, 1)]) {
      expect(users.map(({ username, groups }) => ({ username, groups }))).toEqual([alice, bob])
    }
  })

  test.each(['', '\n', '\ufeff', '\r\n\r\n'])('nobody: %j', async content => {
    expect(await filed(content)).toEqual([])
    expect(await streamed(content)).toEqual([])
    expect(await streamed(Buffer.from(`\ufeff${content}`, 'utf16le'), 1)).toEqual([])
  })

  test('names of any kind in UTF-16, whatever the pieces they come in', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 }), { maxLength: 6 }),
        fc.integer({ min: 1, max: 9 }),
        async (names, piece) => {
          const users = names.map(username => ({ username, groups: [username, 'ü🙂'] }))
          const bytes = Buffer.from(`\ufeff${users.map(user => JSON.stringify(user)).join('\r\n')}`, 'utf16le')
          expect(await streamed(bytes, piece)).toEqual(users)
        },
      ),
    )
  })

  test('names of any kind, whatever the pieces they come in', async () => {
    const names = fc.oneof(
      groupNames,
      fc.constantFrom('__proto__', 'constructor', '\u2028', '\u202Eevil', '\0', ' ', '🙂', '{"username":"x"}', '\n'),
    )
    const users = fc.uniqueArray(fc.record({ username: names, groups: fc.array(names, { maxLength: 4 }) }), {
      selector: user => user.username,
      maxLength: 8,
    })
    await fc.assert(
      fc.asyncProperty(users, fc.integer({ min: 1, max: 50 }), async (some, piece) => {
        expect(await streamed(some.map(user => `${JSON.stringify(user)}\n`).join(''), piece)).toEqual(some)
      }),
    )
  })

  test('two names that only look the same are two users', async () => {
    expect(
      await filed(
        ['é', 'e\u0301', 'ALICE', 'alice', 'alice ']
          .map(username => JSON.stringify({ username, groups: [] }))
          .join('\n'),
      ),
    ).toHaveLength(5)
  })

  test('a file that is longer than a piece', async () => {
    const users = Array.from({ length: 60_000 }, (_, u) => ({
      username: `user-${u}`,
      groups: [`g${u % 7}`, `h${u % 5}`],
    }))
    expect(await filed(users.map(user => JSON.stringify(user)).join('\n'))).toEqual(users)
  })

  test('stdin as text', async () => {
    expect(await all(readMemberships('-', Readable.from([ALICE, `\n${BOB}`])))).toEqual([alice, bob])
  })
})

test.each([
  ['half a character at the end', Buffer.from(`\ufeff${ALICE}`, 'utf16le').subarray(0, -1)],
  ['half a pair', Buffer.from('\ufeff{"username":"\ud800","groups":[]}\n', 'utf16le')],
])('UTF-16 that is cut is rejected: %s', async (_what, bytes) => {
  for (const piece of [1, 2, 1_000])
    expect(await failureOf(() => streamed(bytes, piece))).toMatchObject({
      code: 'invalid-input',
      message: 'the input is not valid UTF-16; write it in UTF-8',
    })
})

describe('what a line says of a user besides the groups', () => {
  const details = {
    sub: 'f1',
    enabled: false,
    status: 'CONFIRMED',
    attributes: { email: 'a@example.com', ['__proto__']: 'x' },
  }

  test('is read where it is there', async () => {
    const line = JSON.stringify({ ...alice, ...details, outcome: 'none', roles: 7 })
    expect(await filed(`${line}\n${BOB}`)).toStrictEqual([{ ...alice, ...details }, bob])
    expect(await filed(JSON.stringify({ ...alice, enabled: true }))).toStrictEqual([{ ...alice, enabled: true }])
  })

  test.each<[keyof typeof details | 'unknownGroups', unknown]>([
    ['sub', 1],
    ['sub', null],
    ['enabled', 'false'],
    ['enabled', 0],
    ['status', ['CONFIRMED']],
    ['attributes', ['email']],
    ['attributes', { email: 1 }],
    ['attributes', null],
    ['attributes', 'email'],
    ['unknownGroups', 'ghost'],
    ['unknownGroups', [1]],
  ])('is rejected where `%s` is %j', async (key, value) => {
    const error = await failureOf(() => filed(`${BOB}\n${JSON.stringify({ ...alice, [key]: value })}`))
    expect(error).toMatchObject({ code: 'invalid-input', message: expect.stringContaining(`\`${key}\``) })
    expect(error.message).toMatch(/^line 2 of the memberships /)
  })

  test('groups that an audit did not find in its pool are groups', async () => {
    expect(await filed(JSON.stringify({ ...alice, unknownGroups: ['ghost'] }))).toEqual([
      { ...alice, groups: ['a', 'b', 'ghost'] },
    ])
  })
})

describe('a key that is nearly spelt as ours', () => {
  test.each([
    ['Enabled', false, 'enabled'],
    ['ENABLED', false, 'enabled'],
    ['Sub', '1', 'sub'],
    ['UserStatus', 'CONFIRMED', 'status'],
    ['Status', 'CONFIRMED', 'status'],
    ['Attributes', [], 'attributes'],
    ['unknowngroups', ['x'], 'unknownGroups'],
  ])('%s is rejected where ours is not there', async (key, value, meant) => {
    await expect(filed(JSON.stringify({ ...alice, [key]: value }))).rejects.toThrow(
      `line 1 of the memberships has the key \`${key}\`, which is ignored; did you mean \`${meant}\`?`,
    )
  })

  test.each([
    ['Username', { Username: 'alice', groups: [] }, 'username'],
    ['Groups', { username: 'alice', Groups: [] }, 'groups'],
  ])('%s too', async (key, line, meant) => {
    await expect(filed(JSON.stringify(line))).rejects.toThrow(
      `has the key \`${key}\`, which is ignored; did you mean \`${meant}\`?`,
    )
  })

  test('control: next to ours it is not looked at, as any other key', async () => {
    const line = { ...alice, Enabled: true, enabled: false, Groups: ['x'], Department: 'y', UserCreateDate: 1 }
    expect(await filed(JSON.stringify(line))).toEqual([{ ...alice, enabled: false }])
  })
})

describe('the NDJSON of an audit', () => {
  const head = (more: object = {}) => JSON.stringify({ audit: { version: 1, ...more } })
  const tail = (users: unknown) => JSON.stringify({ summary: { users } })

  test('is read without its first and its last line', async () => {
    for (const text of [
      `${head()}\n${ALICE}\n${BOB}\n${tail(2)}\n`,
      `\ufeff\n${head()}\r\n${ALICE}\n\n${BOB}\n${tail(2)}\n\n`,
    ])
      for (const users of [await filed(text), await streamed(text), await streamed(text, 1)])
        expect(users).toEqual([alice, bob])
    expect(await filed(`${head()}\n${tail(0)}\n`)).toEqual([])
  })

  test('as it is written', async () => {
    const lines = createAuditLines({ format: 'ndjson', head: { toolVersion: '1', semantics: 'observed', groups: [] } })
    const counter = createAuditSummary({ groups: [], semantics: 'observed' })
    const users = [{ ...alice, sub: 'f1', enabled: false, status: 'x', attributes: { email: 'é' } }, bob]
    const written = users.map(({ groups, ...user }) => {
      const audit = { ...user, resolution: { ...resolveRoles([]), unknownGroups: groups } }
      return lines.line(audit, counter.add(audit))
    })
    expect(await filed(lines.head() + written.join('') + lines.tail(counter.summary()))).toStrictEqual(users)
  })

  test.each<[string, readonly string[], string]>([
    ['cut off', [head(), ALICE, BOB], 'the memberships are an audit without its last line'],
    ['cut off before its first user', [head()], 'the memberships are an audit without its last line'],
    [
      'without its first line',
      [ALICE, BOB, tail(2)],
      'line 3 of the memberships is the end of an audit whose first line is missing',
    ],
    [
      'without a user',
      [head(), ALICE, tail(2)],
      'line 3 of the memberships is the end of an audit of `2` users, of which the file has 1',
    ],
    [
      'with a user more',
      [head(), ALICE, BOB, tail(1)],
      'line 4 of the memberships is the end of an audit of `1` users, of which the file has 2',
    ],
    [
      'that does not say of how many users',
      [head(), ALICE, tail(undefined)],
      'line 3 of the memberships is the end of an audit of `undefined`',
    ],
    [
      'behind which something stands',
      [head(), ALICE, tail(1), BOB],
      'line 4 of the memberships comes after the end of an audit',
    ],
    [
      'two of them',
      [head(), ALICE, tail(1), head(), BOB, tail(1)],
      'line 4 of the memberships begins an audit after other lines',
    ],
    [
      'two of them, the first cut off',
      [head(), ALICE, head(), BOB, tail(1)],
      'line 3 of the memberships begins an audit',
    ],
    ['behind a user', [BOB, head(), ALICE, tail(1)], 'line 2 of the memberships begins an audit after other lines'],
    [
      'of only some users',
      [head({ onlyUsersOf: ['no-role'] }), ALICE, tail(1)],
      'line 1 of the memberships belongs to an audit that wrote only the users of some',
    ],
    [
      'of a later version',
      [head({ version: 2 }), ALICE, tail(1)],
      'line 1 of the memberships belongs to an audit of version `2`',
    ],
    [
      'with two summaries',
      [head(), ALICE, tail(1), tail(1)],
      'line 4 of the memberships is the end of an audit whose first line is missing',
    ],
  ])('%s is rejected: a user who is missing would pass for one without findings', async (_what, lines, message) => {
    for (const read of [filed, streamed]) {
      const error = await failureOf(() => read(lines.join('\n')))
      expect(error).toMatchObject({ code: 'invalid-input', message: expect.stringContaining(message) })
    }
  })

  test('of another pool than the groups is rejected', async () => {
    const text = [head({ reading: { source: 'cognito', userPoolId: 'eu-west-1_Other' } }), ALICE, tail(1)].join('\n')
    const read = async (userPoolId?: string) => {
      const users: UserGroups[] = []
      for await (const batch of readMemberships('-', Readable.from([text]), userPoolId)) users.push(...batch)
      return users
    }
    expect(await failureOf(() => read('eu-west-1_Ab12Cd34e'))).toMatchObject({
      code: 'invalid-input',
      message: expect.stringContaining(
        'belongs to an audit of user pool `eu-west-1_Other`, but the groups belong to `eu-west-1_Ab12Cd34e`',
      ),
    })
    for (const same of ['eu-west-1_Other', undefined])
      expect(await read(same), 'control: the same, or not known').toEqual([alice])
  })

  test('a user may have a key that is called `audit`', async () => {
    expect(await filed(JSON.stringify({ ...alice, audit: {}, summary: {} }))).toEqual([alice])
  })
})

describe('what is rejected, with the number of its line', () => {
  test.each<[string, Buffer | string, number | undefined, string]>([
    ['no JSON', `${ALICE}\nbob\n${BOB}`, 2, 'is not JSON'],
    ['half a line', `${ALICE}\n\n${BOB.slice(0, -3)}`, 3, 'is not JSON'],
    ['two users in a line', `${ALICE}${BOB}\n`, 1, 'is not JSON'],
    ['an array of users', `[${ALICE}]`, 1, 'has no `username`'],
    ['null', `${ALICE}\nnull\n`, 2, 'has no `username`'],
    ['a number', '5', 1, 'has no `username`'],
    ['no name', `${ALICE}\r\n{"groups":[]}\r\n`, 2, 'has no `username`'],
    ['an empty name', '{"username":"","groups":[]}', 1, 'has no `username`'],
    ['a name that is no text', '{"username":7,"groups":[]}', 1, 'has no `username`'],
    ['no groups', '\n\n{"username":"a"}', 3, 'has no list of names as `groups`'],
    ['groups in one text', '{"username":"a","groups":"a,b"}', 1, 'has no list of names as `groups`'],
    ['a group that is no text', '{"username":"a","groups":["b",null]}', 1, 'has no list of names as `groups`'],
    ['groups that are inherited', '{"username":"a","__proto__":{"groups":[]}}', 1, 'has no list of names as `groups`'],
    ['a user twice', `${ALICE}\n${BOB}\n\n{"username":"alice","groups":["c"]}`, 4, 'has the user `alice` again'],
    [
      'a user twice, written in two ways',
      '{"username":"a","groups":[]}\n{"username":"\\u0061","groups":[]}',
      2,
      'has the user `a` again',
    ],
    ['half a character', '{"username":"\\ud800","groups":[]}', 1, 'is not valid Unicode'],
    ['UTF-16 without a byte order mark', Buffer.from(`${ALICE}\n`, 'utf16le'), 1, 'UTF-16'],
    [
      'Latin-1',
      Buffer.concat([
        Buffer.from(`${ALICE}\n`),
        Buffer.from('{"username":"Zoë","groups":[]}\n', 'latin1'),
        Buffer.from(BOB),
      ]),
      2,
      'is not UTF-8',
    ],
    ['a character that is cut off', Buffer.from(`${ALICE}\n{"username":"é`).subarray(0, -1), 2, 'is not UTF-8'],
  ])('%s', async (_what, content, line, words) => {
    for (const read of [
      filed,
      (bytes: Buffer | string) => streamed(bytes),
      (bytes: Buffer | string) => streamed(bytes, 1),
    ]) {
      const error = await failureOf(() => read(content))
      expect(error).toMatchObject({ code: 'invalid-input', message: expect.stringContaining(words) })
      expect(error.message).toMatch(new RegExp(`^line ${line} of the memberships `))
    }
  })

  test('a line far into a file', async () => {
    const lines = Array.from({ length: 50_000 }, (_, u) =>
      JSON.stringify({ username: `user-${u}`, groups: ['some-group', 'another-group'] }),
    )
    for (const bad of [0, 30_000, 49_999]) {
      expect((await failureOf(() => filed(lines.with(bad, '{').join('\n')))).message).toMatch(
        new RegExp(`^line ${bad + 1} of`),
      )
      expect((await failureOf(() => filed(lines.with(bad, lines[bad === 0 ? 1 : 0]!).join('\n')))).message).toMatch(
        new RegExp(`^line ${bad === 0 ? 2 : bad + 1} of`),
      )
    }
  })

  test('a file that is not there, or is a folder', async () => {
    for (const path of [join(folder, 'none'), folder]) {
      expect(await failureOf(() => all(readMemberships(path, Readable.from([]))))).toMatchObject({
        code: 'invalid-input',
        message: expect.stringMatching(/ENOENT|EISDIR/),
      })
    }
  })

  test('a stream that breaks is not a stream that ends', async () => {
    async function* breaking() {
      yield `${ALICE}\n`
      throw new Error('connection reset')
    }
    expect(await failureOf(() => all(readMemberships('-', Readable.from(breaking()))))).toMatchObject({
      code: 'invalid-input',
      message: expect.stringContaining('connection reset'),
    })
  })
})
