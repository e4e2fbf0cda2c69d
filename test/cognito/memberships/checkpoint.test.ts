import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import {
  type FileHandle,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Checkpoint, openCheckpoint } from '../../../src/cognito/memberships/checkpoint.js'
import { type LockHolder, newHolder } from '../../../src/cognito/memberships/lock-holder.js'
import { padding } from './checkpoint-writer.js'
import { failureOf } from '../../failure-of.js'

/** What happens just before a file is opened, for races that must come out one way. */
const race = vi.hoisted(() => ({ beforeOpen: async (_path: unknown): Promise<void> => {} }))
vi.mock('node:fs/promises', async original => {
  const files = await original<typeof import('node:fs/promises')>()
  const open: typeof files.open = async (path, ...rest) => {
    await race.beforeOpen(path)
    return files.open(path, ...rest)
  }
  return { ...files, open }
})

const READ = { userPoolId: 'eu-west-1_a', region: 'eu-west-1', strategy: 'list-groups' }
const now = () => Date.UTC(2026, 0, 2, 3, 4, 5)
const DAY = 86_400_000

let root = ''
let path = ''
let files = 0
beforeAll(async () => void (root = await mkdtemp(join(tmpdir(), 'rolecast-checkpoint-'))))
afterAll(() => rm(root, { recursive: true, force: true }))
afterEach(() => void vi.restoreAllMocks())
beforeEach(async () => {
  const folder = join(root, String(files++))
  await mkdir(folder)
  path = join(folder, 'audit.checkpoint')
})

const opened = (read: Record<string, unknown> = READ) => openCheckpoint(path, { read, now, maxAge: DAY })

async function recordsOf(checkpoint: Checkpoint): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const record of checkpoint.records()) found.push(record)
  return found
}

/** Opens, does this, and closes. */
async function using<T>(work: (checkpoint: Checkpoint) => Promise<T>): Promise<T> {
  const checkpoint = await opened()
  try {
    return await work(checkpoint)
  } finally {
    await checkpoint.close()
  }
}

async function written(...records: object[]): Promise<Buffer> {
  await using(async checkpoint => {
    for (const record of records) await checkpoint.append(record)
  })
  return readFile(path)
}

/** What was rejected, after a look that neither the file nor its folder was touched. */
async function rejected(read?: Record<string, unknown>): Promise<string> {
  const before = await readFile(path)
  const beside = await readdir(dirname(path))
  const error = await failureOf(() => opened(read))
  expect(error.code).toBe('invalid-input')
  expect(error.message).toContain(`\`${path}\``)
  expect((await readFile(path)).equals(before)).toBe(true)
  expect(await readdir(dirname(path))).toEqual(beside)
  return error.message
}

describe('examples', () => {
  test('what was appended is there when the file is opened again, in order', async () => {
    await using(async checkpoint => {
      expect(checkpoint).toMatchObject({ startedAt: '2026-01-02T03:04:05.000Z', age: 0, resumed: false })
      expect(await recordsOf(checkpoint)).toEqual([])
      await checkpoint.append({ page: 1 })
      await checkpoint.append({ page: 2 })
      expect(await recordsOf(checkpoint)).toEqual([{ page: 1 }, { page: 2 }])
    })
    const later = await openCheckpoint(path, { read: READ, now: () => now() + 1e7, maxAge: DAY })
    expect(later).toMatchObject({ startedAt: '2026-01-02T03:04:05.000Z', age: 1e7, resumed: true })
    expect(await recordsOf(later)).toEqual([{ page: 1 }, { page: 2 }])
    await later.append({ page: 3 })
    await later.flush()
    await later.close()
    expect(await using(recordsOf)).toEqual([{ page: 1 }, { page: 2 }, { page: 3 }])
  })

  test('every line is JSON', async () => {
    const text = (await written({ page: 1 }, { users: ['a\nb', '\u2028'] })).toString()
    expect(text.endsWith('\n')).toBe(true)
    expect(
      text
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line)),
    ).toEqual([
      { rolecast: 'checkpoint', version: 3, startedAt: '2026-01-02T03:04:05.000Z', read: READ },
      { hash: expect.stringMatching(/^[\w-]{16}$/), after: expect.stringMatching(/^[\w-]{16}$/), record: { page: 1 } },
      {
        hash: expect.stringMatching(/^[\w-]{16}$/),
        after: expect.stringMatching(/^[\w-]{16}$/),
        record: { users: ['a\nb', '\u2028'] },
      },
    ])
  })

  test('an empty file is a new one', async () => {
    await writeFile(path, '')
    expect(await using(async checkpoint => checkpoint.resumed)).toBe(false)
  })

  test('a checkpoint without a record is one to go on from', async () => {
    await written()
    expect(await using(async checkpoint => checkpoint.resumed)).toBe(true)
  })

  test.skipIf(process.platform === 'win32')(
    'only its owner may read it, and nothing but the file is left behind',
    async () => {
      await written({ page: 1 })
      expect((await stat(path)).mode & 0o777).toBe(0o600)
      expect(await readdir(dirname(path))).toEqual(['audit.checkpoint'])
    },
  )

  test('removed, it is gone; closing it then does nothing, and the next one is new', async () => {
    await written({ page: 1 })
    const checkpoint = await opened()
    await checkpoint.append({ page: 2 })
    await checkpoint.remove()
    await checkpoint.close()
    expect(await readdir(dirname(path))).toEqual([])
    expect(await using(recordsOf)).toEqual([])
  })

  test('closed, it takes nothing more', async () => {
    const checkpoint = await opened()
    await checkpoint.close()
    await checkpoint.close()
    await checkpoint.remove()
    expect((await failureOf(() => checkpoint.append({}))).message).toMatch(/cannot be read or written \(EBADF\)/)
    expect((await failureOf(() => recordsOf(checkpoint))).message).toMatch(/cannot be read or written \(EBADF\)/)
    expect(await readdir(dirname(path))).toEqual(['audit.checkpoint'])
  })

  test('a record that is too long is rejected, and the next one is not', async () => {
    await using(async checkpoint => {
      expect((await failureOf(() => checkpoint.append({ pad: 'x'.repeat(2 ** 24) }))).code).toBe('invalid-input')
      await checkpoint.append({ pad: 'x'.repeat(2 ** 24 - 100) })
      expect(await recordsOf(checkpoint)).toHaveLength(1)
    })
    expect(await using(recordsOf)).toHaveLength(1)
  })
})

describe('laws', () => {
  test('records appended at the same time are in the order of the calls', async () => {
    const records = Array.from({ length: 300 }, (_, n) => ({ n, pad: 'x'.repeat((n * 37) % 1000) }))
    await using(async checkpoint => void (await Promise.all(records.map(record => checkpoint.append(record)))))
    expect(await using(recordsOf)).toEqual(records)
  })

  test('whatever JSON holds comes back, from as many openings as you like', async () => {
    const records = fc.array(fc.record({ value: fc.jsonValue({ stringUnit: 'binary' }) }), { maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(fc.array(records, { maxLength: 4 }), async openings => {
        await rm(path, { force: true })
        for (const records of openings) await written(...records)
        expect(await using(recordsOf)).toEqual(JSON.parse(JSON.stringify(openings.flat())))
      }),
      { numRuns: 60, examples: [[[[{ value: JSON.parse('{"__proto__":{"a":1},"\\u202e,":"\\ud800\\n<b>"}') }]]]] },
    )
  })

  test('lines longer than one read come back whole', async () => {
    const records = [3, 2 ** 20 - 50, 2 ** 20, 2 ** 21 + 1, 5].map(length => ({ pad: 'é'.repeat(length / 2) }))
    await written(...records)
    expect(await using(recordsOf)).toEqual(records)
  })
})

describe('a torn end', () => {
  const first = [
    { page: 1, users: ['a'] },
    { page: 2, users: ['Grüße', '用户'] },
  ]
  const last = { page: 3, users: ['é\u2028', '\u{1f600}', '__proto__'] }

  /** Every way to leave the last line unfinished: where it was cut, and what is there instead. */
  async function expectPrefix(tear: (whole: Buffer, at: number) => Buffer): Promise<void> {
    const whole = await written(...first, last)
    const from = whole.lastIndexOf('\n', whole.length - 2) + 1
    expect(whole.length - from).toBeGreaterThan(60)
    for (let at = from; at < whole.length; at++) {
      await writeFile(path, tear(whole, at))
      await using(async checkpoint => {
        expect(checkpoint.resumed).toBe(true)
        expect(await recordsOf(checkpoint), `torn at byte ${at}`).toEqual(first)
        await checkpoint.append({ page: 'next' })
      })
      expect(await using(recordsOf), `torn at byte ${at}`).toEqual([...first, { page: 'next' }])
    }
  }

  test('cut at every byte of the last record, what is there is the records before, and appending goes on', () =>
    expectPrefix((whole, at) => whole.subarray(0, at)))

  test('with zeros from every byte on, as a power cut leaves them, likewise', () =>
    expectPrefix((whole, at) => Buffer.concat([whole.subarray(0, at), Buffer.alloc(whole.length - at)])))

  test('with one wrong byte in the last line, and its line feed, likewise', () =>
    expectPrefix((whole, at) => {
      const torn = Buffer.from(whole)
      torn[at] = torn[at]! ^ 0x01
      return torn
    }))

  test('control: the whole record is there', async () => {
    await written(...first, last)
    expect(await using(recordsOf)).toEqual([...first, last])
  })

  test('cut in its first line, a file is begun again if it says what it is, and else rejected', async () => {
    const whole = await written()
    const mark = '{"rolecast":"checkpoint",'.length
    for (let length = 0; length < whole.length; length++) {
      await writeFile(path, whole.subarray(0, length))
      if (length > 0 && length < mark) expect(await rejected(), `${length} bytes`).toMatch(/is not a checkpoint/)
      else expect((await written()).equals(whole), `${length} bytes`).toBe(true)
    }
  })
})

describe('a file that is rejected is left as it is', () => {
  const checksum = (content: string | Buffer) => createHash('sha256').update(content).digest('base64url').slice(0, 16)
  /** A line after the one with this checksum, and its own checksum. */
  const lineAfter = (after: string, json: string | Buffer) => {
    const content = Buffer.concat([Buffer.from(`"after":"${after}","record":`), Buffer.from(json), Buffer.from('}')])
    const own = checksum(content)
    return { own, bytes: Buffer.concat([Buffer.from(`{"hash":"${own}",`), content, Buffer.from('\n')]) }
  }
  const linesAfter = (first: string, ...records: readonly (string | Buffer)[]) => {
    let after = checksum(first.trimEnd())
    const lines = records.map(record => {
      const line = lineAfter(after, record)
      after = line.own
      return line.bytes
    })
    return Buffer.concat([Buffer.from(first), ...lines])
  }
  const headerOf = (version: unknown) =>
    `${JSON.stringify({ rolecast: 'checkpoint', version, startedAt: '2026-01-02T03:04:05.000Z', read: READ })}\n`
  const header = headerOf(3)

  test.each([
    ['a text', 'dear diary\n'],
    ['an empty line', '\n'],
    ['a snapshot', '{"version":1,"userPoolId":"eu-west-1_a","Groups":[]}\n'],
    ['JSON that is no object', '["checkpoint"]\n'],
    ['another kind of file of rolecast', '{"rolecast":"snapshot","version":1}\n'],
    ['what it is only by its prototype', '{"__proto__":{"rolecast":"checkpoint","version":1}}\n'],
    ['a header without a date', '{"rolecast":"checkpoint","version":3,"read":{}}\n'],
    ['a header that does not say what is read', headerOf(3).replace(/"read":.*/, '"read":[]}')],
    ['a header with a date that is none', headerOf(3).replace('2026-01-02T03:04:05.000Z', '2026-02-31T03:04:05.000Z')],
    ['a header with a date in another form', headerOf(3).replace('2026-01-02T03:04:05.000Z', 'yesterday')],
    ['a long file that only begins like one', `{"rolecast":"checkpoint",${' '.repeat(1000)}`],
    ['a byte order mark', `\ufeff${header}`],
    ['UTF-16', Buffer.from(header, 'utf16le')],
    ['bytes that are no UTF-8', Buffer.from(header.replace('eu-west-1_a', '\xff'), 'latin1')],
  ])('%s', async (_what, content) => {
    await writeFile(path, content)
    expect(await rejected()).toMatch(/it is not a checkpoint, and was not changed; give the path of another file$/)
  })

  test('a large file without lines, of which no more than some MiB are read', async () => {
    await writeFile(path, '')
    await truncate(path, 2 ** 26)
    expect(await rejected()).toMatch(/it is not a checkpoint/)
  })

  test('control: the same header and a record are taken', async () => {
    await writeFile(path, linesAfter(header, '{"page":1}'))
    expect(await using(recordsOf)).toEqual([{ page: 1 }])
  })

  test.each([[1], [2], [4], [0], ['3'], [null], [undefined], [{ toString: {} }]])('of version %j', async value => {
    await writeFile(path, headerOf(value))
    expect(await rejected()).toMatch(
      /its version is .*, and this rolecast reads only version 3; give the path .* or remove this one/,
    )
  })

  test.each<[string, Record<string, unknown>, RegExp]>([
    [
      'another pool',
      { ...READ, userPoolId: 'eu-west-1_b' },
      /\(`userPoolId` is `"eu-west-1_a"` in the file and `"eu-west-1_b"` now\)/,
    ],
    [
      'an endpoint',
      { ...READ, endpoint: 'http://localhost' },
      /\(`endpoint` is not given in the file and `"http:\/\/localhost"` now\)/,
    ],
    [
      'two things',
      { userPoolId: 'eu-west-1_a', region: null },
      /\(`region` is `"eu-west-1"` in the file and `null` now, `strategy` is .* in the file and not given now\)/,
    ],
    [
      'what a prototype has',
      { ...READ, constructor: { a: [1] } },
      /\(`constructor` is not given in the file and `\{"a":\[1\]\}` now\)/,
    ],
  ])('of something else: %s', async (_what, read, words) => {
    await written({ page: 1 })
    const message = await rejected(read)
    expect(message).toMatch(words)
    expect(message).toMatch(/; give the path of another file, or remove this one to start again$/)
  })

  test('control: the same in another order, and with what JSON leaves out, is the same', async () => {
    await written({ page: 1 })
    const checkpoint = await opened({
      strategy: 'list-groups',
      endpoint: undefined,
      region: 'eu-west-1',
      userPoolId: 'eu-west-1_a',
    })
    expect(await recordsOf(checkpoint)).toEqual([{ page: 1 }])
    await checkpoint.close()
  })

  test('damaged in any byte of a line before the last: the line is named, and cutting the file there helps', async () => {
    const whole = await written({ page: 1 }, { page: 2, users: ['é'] }, { page: 3 })
    const lines = whole.toString().split('\n')
    const start = Buffer.byteLength(`${lines[0]}\n${lines[1]}\n`)
    const end = start + Buffer.byteLength(lines[2]!)
    const advice = `its line 3 is damaged; truncate the file to ${start} bytes to resume from there, or remove it to start again`
    for (let at = start; at < end; at++) {
      const broken = Buffer.from(whole)
      broken[at] = broken[at]! ^ 0x80
      await writeFile(path, broken)
      expect(await rejected()).toContain(advice)
    }
    await truncate(path, start)
    expect(await using(recordsOf)).toEqual([{ page: 1 }])
  })

  test('control: that a line with a valid checksum is not JSON in UTF-8 is only found by reading it', async () => {
    for (const record of ['{page:1}', Buffer.from('{"page":"\xff"}', 'latin1')]) {
      await writeFile(path, linesAfter(header, '{"page":1}', record))
      expect((await failureOf(() => using(recordsOf))).message).toMatch(/its line 3 is damaged/)
    }
  })

  test('a line after the first that never ends', async () => {
    await written({ page: 1 })
    await truncate(path, 2 ** 25)
    expect(await rejected()).toMatch(/its line 3 is damaged/)
  })

  test('a path that is not a file, or in no folder', async () => {
    const file = path
    path = dirname(file)
    expect((await failureOf(opened)).message).toMatch(
      /cannot be read or written \(EISDIR\); check the path and the disk/,
    )
    path = join(file, 'audit.checkpoint')
    expect((await failureOf(opened)).message).toMatch(/cannot be read or written \(ENOENT\)/)
    expect(await readdir(dirname(file))).toEqual([])
  })

  test('a cut made while the file is read is not taken for its end', async () => {
    await written({ page: 1 })
    await using(async checkpoint => {
      await truncate(path, 0)
      expect((await failureOf(() => recordsOf(checkpoint))).message).toMatch(/it was truncated while it was being read/)
    })
  })
})

describe('a line in the wrong place', () => {
  const records = fc.array(fc.record({ page: fc.nat(3), users: fc.array(fc.string(), { maxLength: 3 }) }), {
    minLength: 3,
    maxLength: 8,
  })
  const split = (whole: Buffer) => whole.toString('latin1').match(/[^\n]*\n/g)!
  const join = (lines: readonly string[]) => Buffer.from(lines.join(''), 'latin1')

  /** Every file that has one line less, one line twice, or two lines swapped. A missing end is no such file. */
  function rearranged(lines: readonly string[]): readonly (readonly string[])[] {
    const [header = '', ...rest] = lines
    const places = rest.map((_line, place) => place)
    return [
      ...places.slice(0, -1).map(place => rest.toSpliced(place, 1)),
      ...places.flatMap(place => places.map(to => rest.toSpliced(to + 1, 0, rest[place]!))),
      ...places.flatMap(place =>
        places.filter(other => other > place).map(other => rest.with(place, rest[other]!).with(other, rest[place]!)),
      ),
    ].map(changed => [header, ...changed])
  }

  /** What an earlier rolecast looked at: whether each line is whole. */
  const isEachWhole = (lines: readonly string[]) =>
    lines.slice(1).every(line => {
      const [, own, content] = /^\{"hash":"(.{16})",(.*)\n$/s.exec(line) ?? []
      const sum = createHash('sha256').update(Buffer.from(content!, 'latin1')).digest('base64url')
      return own === sum.slice(0, 16)
    })

  test('every line removed, repeated or swapped is noticed, and cutting the file there helps', async () => {
    let notNoticedByEach = 0
    await fc.assert(
      fc.asyncProperty(records, async records => {
        await rm(path, { force: true })
        const lines = split(await written(...records))
        for (const changed of rearranged(lines)) {
          await writeFile(path, join(changed))
          const message = await rejected()
          expect(message).toMatch(/its line \d+ does not follow the line before it/)
          // Control: by the checksums of single lines all of these files are as good as the first.
          if (isEachWhole(changed)) notNoticedByEach++
          const bytes = Number(/truncate the file to (\d+) bytes/.exec(message)![1])
          await truncate(path, bytes)
          const kept = await using(recordsOf)
          expect(kept).toEqual(records.slice(0, kept.length))
        }
      }),
      { numRuns: 15 },
    )
    expect(notNoticedByEach).toBeGreaterThan(300)
  })

  test('a line of another checkpoint is noticed, and so is another header', async () => {
    const mine = split(await written({ page: 1 }, { page: 2 }, { page: 3 }))
    await rm(path)
    const other = split(await written({ page: 9 }, { page: 2 }, { page: 3 }))
    for (const lines of [mine.with(1, other[1]!), mine.with(2, other[2]!), mine.with(3, other[3]!)]) {
      await writeFile(path, join(lines))
      expect(await rejected()).toMatch(/does not follow the line before it/)
    }
    await writeFile(path, join(mine.with(0, mine[0]!.replace('03:04:05', '03:04:04'))))
    expect(await rejected()).toMatch(/its line 2 does not follow the line before it/)
  })

  test('a missing end is what a kill leaves: what is there is the records before', async () => {
    const lines = split(await written({ page: 1 }, { page: 2 }, { page: 3 }))
    await writeFile(path, join(lines.slice(0, -1)))
    expect(await using(recordsOf)).toEqual([{ page: 1 }, { page: 2 }])
  })

  test('a file that is changed between its opening and its reading is noticed too', async () => {
    const lines = split(await written({ page: 1 }, { page: 2 }, { page: 3 }))
    await using(async checkpoint => {
      await writeFile(path, join([lines[0]!, lines[2]!, lines[1]!, lines[3]!]))
      expect((await failureOf(() => recordsOf(checkpoint))).message).toMatch(/its line 2 does not follow/)
    })
  })
})

describe('the age', () => {
  const openedAt = (time: number, maxAge = DAY) => openCheckpoint(path, { read: READ, now: () => time, maxAge })

  test('is no more than what is accepted, and the file is left as it is otherwise', async () => {
    const before = await written({ page: 1 })
    const young = await openedAt(now() + DAY)
    expect(young).toMatchObject({ age: DAY, resumed: true })
    await young.close()
    const error = await failureOf(() => openedAt(now() + 93 * DAY))
    expect(error).toMatchObject({ code: 'invalid-input', value: path })
    expect(error.message).toContain(
      'its data was read from 2026-01-02T03:04:05.000Z on, 93 days ago, and the limit is 1 day; remove it to start again, or raise `maxCheckpointAge`',
    )
    expect((await readFile(path)).equals(before)).toBe(true)
    expect(await readdir(dirname(path))).toEqual(['audit.checkpoint'])
    // Control: with a higher age the same file is resumed.
    const old = await openedAt(now() + 93 * DAY, Infinity)
    expect(await recordsOf(old)).toEqual([{ page: 1 }])
    await old.close()
  })

  test('of a file from the future is rejected', async () => {
    await written({ page: 1 })
    expect((await failureOf(() => openedAt(now() - 1, Infinity))).message).toContain(
      'its start is in the future (2026-01-02T03:04:05.000Z, and the clock of this machine says 2026-01-02T03:04:04.999Z); set the clock, or remove the file to start again',
    )
  })

  test('counts from the first beginning, however often it is resumed', async () => {
    await written({ page: 1 })
    const half = await openedAt(now() + DAY / 2)
    await half.append({ page: 2 })
    await half.close()
    expect((await failureOf(() => openedAt(now() + DAY + 60_000))).message).toContain('1 day 1 minute ago')
  })
})

describe('the lock', () => {
  const lockOf = async (holder: Partial<LockHolder>) => JSON.stringify({ ...(await newHolder(now())), ...holder })
  /** The number of a process that is gone. */
  const gone = () => Number(execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }))

  async function openTogether(count: number): Promise<Checkpoint> {
    const outcomes = await Promise.allSettled(Array.from({ length: count }, () => opened()))
    const winners = outcomes.flatMap(outcome => (outcome.status === 'fulfilled' ? outcome.value : []))
    const losers = outcomes.flatMap(outcome => (outcome.status === 'rejected' ? outcome.reason : []))
    expect(winners).toHaveLength(1)
    for (const error of losers)
      expect(error).toMatchObject({ code: 'invalid-input', message: expect.stringMatching(/it is in use by/) })
    return winners[0]!
  }

  test('of several processes that open it at the same time one gets it, and the next gets it after that', async () => {
    for (let round = 0; round < 20; round++) await (await openTogether(8)).close()
    expect(await readdir(dirname(path))).toEqual(['audit.checkpoint'])
  })

  test('the error names the process that has it, and what to do', async () => {
    await using(async () => {
      const message = await rejected()
      expect(message).toContain(
        `it is in use by process ${process.pid} on ${hostname()} since 2026-01-02T03:04:05.000Z; wait until it ends or give`,
      )
    })
  })

  test.skipIf(process.platform === 'win32')('a file with two names has one lock', async () => {
    await written({ page: 1 })
    await using(async () => {
      await symlink(path, `${path}.link`)
      await expect(openCheckpoint(`${path}.link`, { read: READ, now, maxAge: DAY })).rejects.toThrow(/it is in use by/)
    })
  })

  test('the lock of a process that is gone is taken over, by exactly one of all that try at the same time', async () => {
    const pid = gone()
    for (let round = 0; round < 20; round++) {
      await writeFile(`${path}.lock`, await lockOf({ pid }))
      const checkpoint = await openTogether(8)
      expect(JSON.parse(await readFile(`${path}.lock`, 'utf8'))).toMatchObject({ pid: process.pid })
      expect(await readdir(dirname(path))).toEqual(['audit.checkpoint', 'audit.checkpoint.lock'])
      await checkpoint.close()
    }
  })

  test('of an earlier process with the number of this one it is taken over: in a container each is number 1', async () => {
    await writeFile(`${path}.lock`, await lockOf({ pid: process.pid, started: '1' }))
    await (await opened()).close()
  })

  test('taking over that was itself broken off is finished by the next', async () => {
    const [pid, id] = [gone(), randomUUID()]
    await writeFile(`${path}.lock`, await lockOf({ pid, id }))
    await writeFile(`${path}.lock.${id}`, await lockOf({ pid }))
    await (await openTogether(4)).close()
    expect(await readdir(dirname(path))).toEqual(['audit.checkpoint'])
  })

  test('a process that is late to take it over leaves it to the faster one', async () => {
    const [pid, id] = [gone(), randomUUID()]
    await written({ page: 1 })
    await writeFile(`${path}.lock`, await lockOf({ pid, id }))
    let quicker: Checkpoint | undefined
    vi.spyOn(race, 'beforeOpen').mockImplementation(async opening => {
      if (opening !== `${path}.lock.${id}`) return
      vi.restoreAllMocks()
      quicker = await opened()
    })
    const late = failureOf(opened)
    expect((await late).message).toMatch(/it is in use by/)
    expect(await readdir(dirname(path))).toEqual(['audit.checkpoint', 'audit.checkpoint.lock'])
    expect(await recordsOf(quicker!)).toEqual([{ page: 1 }])
    await quicker!.close()
    expect(await readdir(dirname(path))).toEqual(['audit.checkpoint'])
  })

  test.each([
    ['of a process that runs', () => lockOf({}), `process ${process.pid} on`],
    [
      'of another machine, of which nothing is known',
      () => lockOf({ pid: gone(), host: 'elsewhere', scope: 'x' }),
      'on elsewhere',
    ],
    ['that is empty: another process is creating it', () => '', 'another process'],
    ['that is none', () => 'mine', 'another process'],
    ['of no process that can be', () => lockOf({ pid: -1 }), 'another process'],
    ['with an id that is a path', () => lockOf({ pid: gone(), id: '../'.repeat(12) }), 'another process'],
  ])('control: one %s is respected', async (_whose, content, who) => {
    await written({ page: 1 })
    await writeFile(`${path}.lock`, await content())
    expect(await rejected()).toContain(who)
  })

  test('control: one that a living process is taking over is respected', async () => {
    const [pid, id] = [gone(), randomUUID()]
    await written({ page: 1 })
    await writeFile(`${path}.lock`, await lockOf({ pid, id }))
    await writeFile(`${path}.lock.${id}`, await lockOf({}))
    expect(await rejected()).toContain(`process ${process.pid} on`)
  })
})

describe('the disk', () => {
  /** What all file handles share. */
  async function prototypeOfHandles(): Promise<FileHandle> {
    const handle = await open(fileURLToPath(import.meta.url))
    await handle.close()
    return Object.getPrototypeOf(handle)
  }

  test('after a failure nothing more is written: it would come after half a line', async () => {
    const handles = await prototypeOfHandles()
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    const checkpoint = await opened()
    await checkpoint.append({ page: 1 })
    vi.spyOn(handles, 'appendFile').mockImplementationOnce(async function (this: FileHandle, line) {
      await this.write((line as Buffer).subarray(0, 40))
      throw full
    })
    const outcomes = [checkpoint.append({ page: 2 }), checkpoint.append({ page: 3 })].map(appending =>
      failureOf(() => appending),
    )
    for (const outcome of [...outcomes, failureOf(() => checkpoint.flush()), failureOf(() => checkpoint.close())]) {
      expect(await outcome).toMatchObject({
        code: 'invalid-input',
        message: expect.stringMatching(/\(ENOSPC\); make room/),
        cause: full,
      })
    }
    expect(await readdir(dirname(path)), 'the lock is gone all the same').toEqual(['audit.checkpoint'])
    expect((await readFile(path)).at(-1)).not.toBe(0x0a)
    expect(await using(recordsOf)).toEqual([{ page: 1 }])
  })

  test('is told to keep what it has for a new file, every 64 records, and at the end', async () => {
    const datasync = vi.spyOn(await prototypeOfHandles(), 'datasync')
    const checkpoint = await opened()
    expect(datasync).toHaveBeenCalledTimes(1)
    for (let n = 1; n <= 200; n++) {
      await checkpoint.append({ n })
      expect(datasync).toHaveBeenCalledTimes(1 + Math.floor(n / 64))
    }
    await checkpoint.close()
    expect(datasync).toHaveBeenCalledTimes(5)
  })
})

describe.skipIf(process.platform === 'win32')('another process', { timeout: 180_000 }, () => {
  const writer = fileURLToPath(new URL('checkpoint-writer.ts', import.meta.url))
  const command = [process.execPath, '--import', 'tsx', writer]

  function start(args: readonly string[]): { child: ChildProcess; lines: AsyncIterableIterator<string> } {
    const child = spawn(args[0]!, args.slice(1), {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TSX_DISABLE_CACHE: '1' },
    })
    return { child, lines: createInterface({ input: child.stdout! })[Symbol.asyncIterator]() }
  }

  const openedAfterwards = () =>
    openCheckpoint(path, { read: { userPoolId: 'eu-west-1_a' }, now: Date.now, maxAge: DAY })

  /** How many records there are, all as they were written. */
  async function countRecords(): Promise<number> {
    const checkpoint = await openedAfterwards()
    let count = 0
    for await (const record of checkpoint.records()) {
      expect(record).toEqual({ n: count, pad: padding(count) })
      count++
    }
    await checkpoint.close()
    return count
  }

  test('killed twenty times, it lost no record that was acknowledged, and has none twice', async () => {
    let known = 0
    for (let round = 0; round < 20; round++) {
      const { child, lines } = start([...command, path])
      expect((await lines.next()).value).toBe(`open ${known}`)
      if (round === 0)
        expect((await failureOf(openedAfterwards)).message).toContain(`it is in use by process ${child.pid} on`)
      let acknowledged = known
      const target = known + 1 + ((round * 7) % 13)
      while (acknowledged < target) acknowledged = Number((await lines.next()).value) + 1
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      for (let line = await lines.next(); !line.done; line = await lines.next()) acknowledged = Number(line.value) + 1
      await ended
      known = await countRecords()
      expect(known).toBeGreaterThanOrEqual(acknowledged)
      expect(known, 'at most the one it was at').toBeLessThanOrEqual(acknowledged + 1)
    }
    expect(known).toBeGreaterThan(100)
  })

  /** Runs the writer where no file may grow beyond so many blocks of 512 bytes: what it says last, and what it wrote. */
  async function runLimited(blocks: number): Promise<{ failed: string; acknowledged: number }> {
    const { child, lines } = start(['/bin/sh', '-c', `ulimit -f ${blocks} && exec "$0" "$@"`, ...command, path, '1000'])
    const ended = once(child, 'exit')
    let acknowledged = 0
    let failed = ''
    for await (const line of lines) {
      if (/^\d+$/.test(line)) acknowledged = Number(line) + 1
      else failed = line
    }
    expect((await ended)[0]).toBe(2)
    return { failed, acknowledged }
  }

  test('with no room for the next record it fails, says so, and resumes from there when there is room', async () => {
    const { failed, acknowledged } = await runLimited(64)
    expect(failed).toMatch(
      /cannot be read or written \(EFBIG\); make room, then run the same again: it resumes from this file$/,
    )
    expect((await stat(path)).size, 'a part of the record is there').toBe(64 * 512)
    expect(await countRecords()).toBe(acknowledged)
    const { lines } = start([...command, path, String(acknowledged + 20)])
    for await (const line of lines) expect(line).not.toMatch(/^failed/)
    expect(await countRecords()).toBe(acknowledged + 20)
  })

  test('with no room at all it fails, and leaves no lock', async () => {
    expect((await runLimited(0)).failed).toMatch(/cannot be read or written \(EFBIG\)/)
    expect(await readdir(dirname(path))).toEqual([])
  })
})
