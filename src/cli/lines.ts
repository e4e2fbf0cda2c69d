import type { Readable } from 'node:stream'
import { RolecastError } from '../errors.js'

/**
 * The lines of a stream. Not `node:readline`: that reads bytes that are not UTF-8 as another name, and a stream that fails
 * as one that ends.
 */
export async function* linesOf(input: Readable): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of readable(input)) {
    rest = Buffer.concat([rest, chunk])
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      yield rest.subarray(0, end)
      rest = rest.subarray(end + 1)
    }
  }
  yield rest
}

async function* readable(input: Readable): AsyncGenerator<Buffer> {
  const chunks: AsyncIterator<Buffer | string> = input[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await chunks.next().catch(cause => {
        throw new RolecastError(
          'invalid-input',
          `the input cannot be read (${(cause as Error).message}); give lines of JSON`,
          { cause },
        )
      })
      if (next.done) return
      yield Buffer.from(next.value)
    }
  } finally {
    // The writer may go on after a bad line.
    await chunks.return?.()
  }
}

/** Some lines of a stream, as bytes. */
export interface LineBatch {
  /** Lines with the line feeds between them, but not after the last one. */
  readonly bytes: Buffer
  /** The number of the first line, counted from 1. */
  readonly first: number
}

/**
 * The lines of a stream, as many at once as arrive together: for streams of millions of lines, where one step of an
 * iteration for each would take longer than the work on it.
 */
export async function* lineBatches(input: Readable): AsyncGenerator<LineBatch> {
  const waiting: Buffer[] = []
  let first = 1
  for await (const chunk of readable(input)) {
    const end = chunk.lastIndexOf(LINE_FEED)
    if (end < 0) {
      waiting.push(chunk)
      continue
    }
    const whole = chunk.subarray(0, end)
    const bytes = waiting.length === 0 ? whole : Buffer.concat([...waiting.splice(0), whole])
    yield { bytes, first }
    first += 1 + count(bytes, LINE_FEED)
    waiting.push(chunk.subarray(end + 1))
  }
  yield { bytes: Buffer.concat(waiting), first }
}

const LINE_FEED = 0x0a

function count(bytes: Buffer, byte: number): number {
  let found = 0
  for (let at = bytes.indexOf(byte); at >= 0; at = bytes.indexOf(byte, at + 1)) found++
  return found
}
