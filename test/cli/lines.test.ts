import { PassThrough, Readable } from 'node:stream'
import * as fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { lineBatches, linesOf, MAX_LINE } from '../../src/cli/lines.js'
import { failureOf } from '../failure-of.js'

afterEach(() => vi.restoreAllMocks())

/** The lines as text. */
async function read(pieces: Iterable<Buffer>): Promise<readonly string[]> {
  const lines: string[] = []
  for await (const line of linesOf(Readable.from(pieces))) lines.push(line.toString('utf8'))
  return lines
}

/** What `linesOf` was: it puts all it has together again with each piece. */
async function* quadratic(input: Readable): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of input) {
    rest = Buffer.concat([rest, chunk])
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      yield rest.subarray(0, end)
      rest = rest.subarray(end + 1)
    }
  }
  yield rest
}

const pieces = fc.array(
  fc
    .array(fc.constantFrom('\n', '\r', 'a', 'é', '🙂', '\ufeff', '{}'), { maxLength: 6 })
    .map(parts => Buffer.from(parts.join(''))),
  { maxLength: 8 },
)

test('the lines are what they were, whatever the pieces', async () => {
  await fc.assert(
    fc.asyncProperty(pieces, async some => {
      const expected: string[] = []
      for await (const line of quadratic(Readable.from(some))) expected.push(line.toString('utf8'))
      expect(await read(some)).toEqual(expected)
      const batches: string[] = []
      for await (const { bytes, first } of lineBatches(Readable.from(some))) {
        expect(first).toBe(batches.length + 1)
        batches.push(...bytes.toString('utf8').split('\n'))
      }
      expect(batches).toEqual(expected)
    }),
  )
})

describe('a long line', () => {
  /** The bytes that are copied to read one line of so many pieces. */
  async function copied(lines: (input: Readable) => AsyncIterable<Buffer>, count: number): Promise<number> {
    let bytes = 0
    const { concat } = Buffer
    vi.spyOn(Buffer, 'concat').mockImplementation((list, length) => {
      const joined = concat(list as Uint8Array[], length)
      bytes += joined.length
      return joined
    })
    let found = 0
    for await (const line of lines(Readable.from(Array.from({ length: count }, () => Buffer.alloc(1_000, 'x')))))
      found += line.length
    vi.restoreAllMocks()
    expect(found).toBe(count * 1_000)
    return bytes
  }

  test('is copied once, however long it is', async () => {
    expect(await copied(linesOf, 4_000)).toBeLessThan(2 * 4_000 * 1_000)
    expect((await copied(quadratic, 800)) / (await copied(quadratic, 200)), 'control: what it was').toBeGreaterThan(10)
  })

  test('of more than 16 MB is rejected before it fills the memory, with its number', async () => {
    let sent = 0
    function* endless() {
      yield Buffer.from('["admins"]\n\n')
      for (;;) {
        sent += 1_000_000
        yield Buffer.alloc(1_000_000, 'x')
      }
    }
    const message = 'line 3 of the input is longer than 16 MB; write one JSON value per line'
    expect(await failureOf(() => read(endless()))).toMatchObject({ code: 'invalid-input', message })
    expect(sent).toBeLessThan(MAX_LINE + 2_000_000)
    const almost = Buffer.alloc(MAX_LINE / 4, 'x')
    const end = Buffer.from('x\nshort')
    expect(await read([almost, almost, almost, almost])).toHaveLength(1)
    expect((await failureOf(() => read([almost, almost, almost, almost, end]))).message).toMatch(/^line 1 of/)
  })
})

test('a line is given as soon as it is there', async () => {
  const input = new PassThrough()
  const lines = linesOf(input)
  input.write('a\nb')
  expect(String((await lines.next()).value)).toBe('a')
  input.write('c\n')
  expect(String((await lines.next()).value)).toBe('bc')
  await lines.return(undefined)
})
