import { Readable } from 'node:stream'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readMemberships } from '../../src/cli/memberships-file.js'
import { createPlainReader } from '../../src/cli/plain-lines.js'
import { groupNames } from '../arbitraries.js'
import { failureOf } from '../failure-of.js'

interface User {
  readonly username: string
  readonly groups: readonly string[]
}

const names = fc.oneof(
  fc.constantFrom(
    'Aa',
    'BB',
    'AaAa',
    'BBBB',
    'a',
    'b',
    '',
    ' ',
    '"',
    '\\',
    '\\"',
    'é',
    '\u007f',
    '\n',
    '","groups":[]}',
  ),
  groupNames,
  fc.string({ maxLength: 4 }),
)
const plainUsers = fc.record({ username: names, groups: fc.array(names, { maxLength: 4 }) })

/** Lines as programs write them, and lines that are nearly so. */
const lines: fc.Arbitrary<string> = fc
  .tuple(
    plainUsers.map(user => JSON.stringify(user)),
    fc.constantFrom<(line: string) => string>(
      line => line,
      line => line,
      line => ` ${line}`,
      line => `${line} `,
      line => `${line}\r`,
      line => line.replace('":', '": '),
      line => line.replace(',', ', '),
      line => line.slice(0, -1),
      line => line.replace(']}', ',]}'),
      line => line.replace(']}', ']]}'),
      line => line.replace('"]}', ']}'),
      line => line.replace(']}', '],"groups":["other"]}'),
      line => line.replace('{', '{"groups":[1],'),
      line => line.replace('a', '\\u0061'),
      line => line.replace('"username":"', '"username":"\\'),
      line => line.replace('"groups":[', '"groups":["x" '),
      line => line.replace('"groups":[', '"groups":["x",'),
      line => line.replace('"groups":[', '"groups":[null,'),
      line => line.replaceAll('"', "'"),
      line => line.replace('}', ',"sub":"s","enabled":true}'),
      () => '',
      () => ' \t',
      () => '{}',
      () => '[]',
    ),
  )
  .map(([line, change]) => change(line))

type Read = (bytes: Buffer, start: number) => (User & { readonly end: number }) | undefined

function plainRead(): Read {
  const reader = createPlainReader()
  return (bytes, start) => {
    const user = reader.read(bytes, start)
    if (user === undefined) return undefined
    expect(bytes.toString('utf8', reader.nameStart, reader.nameEnd)).toBe(user.username)
    return { ...user, end: reader.end }
  }
}

/** What a line that is read says, JSON.parse says too, and it ends where the line ends. */
const sameAsJson = (open: () => Read) =>
  fc.property(fc.array(lines, { minLength: 1, maxLength: 6 }), some => {
    const read = open()
    const bytes = Buffer.from(some.join('\n'))
    let start = 0
    for (const line of some) {
      const user = read(bytes, start)
      if (user !== undefined) {
        const { end, ...said } = user
        expect(said).toEqual(JSON.parse(line))
        expect(end).toBe(start + line.length)
      }
      start += Buffer.byteLength(line) + 1
    }
  })

describe('a plain line', () => {
  test('says what JSON.parse says of it', () => {
    fc.assert(sameAsJson(plainRead), { numRuns: 5_000 })
  })

  test.each<[string, RegExp]>([
    ['takes escapes for text', /^\{"username":"([^"]+)","groups":(\[.*\])\}$/],
    ['does not look for the end', /^\{"username":"([^"\\]+)","groups":(\[[^\\]*?\])/],
  ])('control: one who %s is noticed', (_what, pattern) => {
    const careless: Read = (bytes, start) => {
      const [line] = bytes.toString('utf8', start).split('\n', 1) as [string]
      const [, username, groups] = pattern.exec(line) ?? []
      if (username === undefined || groups === undefined) return undefined
      return {
        username,
        groups: groups
          .slice(1, -1)
          .split(',')
          .filter(Boolean)
          .map(name => name.slice(1, -1)),
        end: start + line.length,
      }
    }
    expect(
      fc.check(
        sameAsJson(() => careless),
        { seed: 1, numRuns: 5_000 },
      ).failed,
    ).toBe(true)
  })

  test('is what programs write of names in ASCII', () => {
    const read = plainRead()
    for (const user of [
      { username: 'alice', groups: [] },
      { username: 'bob@example.com', groups: ['team-1', 'a,b', "it's", '<b>'] },
      { username: ' ', groups: [''] },
    ]) {
      const line = JSON.stringify(user)
      for (const rest of ['', '\n', '\n{'])
        expect(read(Buffer.from(line + rest), 0)).toEqual({ ...user, end: line.length })
      expect(read(Buffer.from(`\ufeff${line}`), 3)).toEqual({ ...user, end: line.length + 3 })
      for (let length = 0; length < line.length; length++)
        expect(read(Buffer.from(line.slice(0, length)), 0)).toBeUndefined()
    }
  })

  test.each(['{"username":"","groups":[]}', '{"username":"é","groups":[]}', '{"username":"a","groups":["é"]}'])(
    'is not %s',
    line => expect(plainRead()(Buffer.from(line), 0)).toBeUndefined(),
  )

  test('has the same frozen list, of the same strings, as one with the same groups', () => {
    const reader = createPlainReader()
    const [a, b, c] = ['["x","y"]', '["x","y"]', '["y","x"]'].map(
      groups => reader.read(Buffer.from(`{"username":"u","groups":${groups}}`), 0)!.groups,
    )
    expect(a).toBe(b)
    expect(Object.isFrozen(a)).toBe(true)
    expect(c).toEqual(['y', 'x'])
  })

  /** `Aa` and `BB` have one hash, and so have all words of as many of them. */
  const alike = (length: number): readonly string[] =>
    length === 0 ? [''] : alike(length - 1).flatMap(word => [`Aa${word}`, `BB${word}`])
  const line = (name: string) => Buffer.from(JSON.stringify({ username: 'u', groups: [name] }))

  test('has its own names, whatever their hashes', () => {
    const read = plainRead()
    const words = alike(2)
    for (const word of [...words, ...words]) expect(read(line(word), 0)).toMatchObject({ groups: [word] })
  })

  test('with a name whose hash many names have is left to JSON.parse', () => {
    const read = plainRead()
    const [last, ...others] = alike(4) as [string, ...string[]]
    for (const word of others) read(line(word), 0)
    expect(read(line(last), 0)).toBeUndefined()
    expect(plainRead()(line(last), 0), 'control: it is plain by itself').toMatchObject({ groups: [last] })
  })
})

describe('a file, whichever way its lines take', () => {
  async function readFile(text: string, piece: number): Promise<readonly User[]> {
    const bytes = Buffer.from(text)
    const pieces = Array.from({ length: Math.ceil(bytes.length / piece) }, (_, index) =>
      bytes.subarray(index * piece, (index + 1) * piece),
    )
    const users: User[] = []
    for await (const batch of readMemberships('-', Readable.from(pieces)))
      users.push(...batch.map(({ username, groups }) => ({ username, groups })))
    return users
  }

  /** The users, or the number of the first line that is rejected. */
  function model(text: string): readonly User[] | number {
    const users = new Map<string, User>()
    for (const [index, line] of text.split('\n').entries()) {
      if (/^[ \t\r]*$/.test(line)) continue
      try {
        const { username, groups } = JSON.parse(line) as User
        if (typeof username !== 'string' || username === '' || users.has(username)) return index + 1
        if (!Array.isArray(groups) || groups.some(name => typeof name !== 'string')) return index + 1
        users.set(username, { username, groups })
      } catch {
        return index + 1
      }
    }
    return [...users.values()]
  }

  test('says what a reader that knows JSON only says', async () => {
    let rejected = 0
    await fc.assert(
      fc.asyncProperty(fc.array(lines, { maxLength: 6 }), fc.integer({ min: 1, max: 200 }), async (some, piece) => {
        const text = some.join('\n')
        const expected = model(text)
        if (typeof expected !== 'number') {
          expect(await readFile(text, piece)).toEqual(expected)
          return
        }
        rejected++
        expect((await failureOf(() => readFile(text, piece))).message).toMatch(
          new RegExp(`^line ${expected} of the memberships `),
        )
      }),
      { numRuns: 1_000 },
    )
    expect(rejected).toBeGreaterThan(100)
  })

  test.each([
    ['plain, then escaped', ['alice', '\\u0061lice']],
    ['escaped, then plain', ['\\u0061lice', 'alice']],
    ['plain twice', ['alice', 'alice']],
  ])('has no user twice: %s', async (_what, spellings) => {
    const text = spellings.map(name => `{"username":"${name}","groups":[]}`).join('\n')
    expect((await failureOf(() => readFile(text, 1_000))).message).toMatch(
      /^line 2 of the memberships has the user `alice` again/,
    )
  })

  test('may have more names of groups than are known at once', async () => {
    const users = Array.from({ length: 30_000 }, (_, index) => ({
      username: `u${index}`,
      groups: [`group-${index}`, 'g'],
    }))
    expect(await readFile(users.map(user => JSON.stringify(user)).join('\n'), 2 ** 16)).toEqual(users)
  })
})
