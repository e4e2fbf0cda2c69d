import { isUtf8 } from 'node:buffer'
import type { Readable } from 'node:stream'
import { RolecastError } from '../errors.js'

/**
 * The lines of a stream. Not `node:readline`: that reads bytes that are no UTF-8 as another name, and a stream that fails
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
        throw new RolecastError('invalid-input', `the input cannot be read (${(cause as Error).message}); give lines of JSON`, { cause })
      })
      if (next.done) return
      yield Buffer.from(next.value)
    }
  } finally {
    // Who writes to us may go on after a bad line.
    await chunks.return?.()
  }
}

/** Lines of one piece of a stream, without their line feeds. */
export interface LineBatch {
  readonly lines: readonly string[]
  /** The number of the first one, counted from 1. */
  readonly first: number
}

/**
 * The lines of a stream, as many at once as arrive together: for streams of millions of lines, where one step of an
 * iteration for each would take longer than the work on it.
 *
 * @throws RolecastError `invalid-input` for what is not UTF-8, with the number of the line
 */
export async function* lineBatches(input: Readable): AsyncGenerator<LineBatch> {
  const waiting: Buffer[] = []
  let first = 1
  const decode = (bytes: Buffer): LineBatch => {
    if (!isUtf8(bytes)) throw notUtf8(bytes, first)
    const lines = bytes.toString('utf8').split('\n')
    if (first === 1 && lines[0]!.startsWith('\ufeff')) lines[0] = lines[0]!.slice(1)
    const batch = { lines, first }
    first += lines.length
    return batch
  }
  for await (const chunk of readable(input)) {
    const end = chunk.lastIndexOf(0x0a)
    if (end < 0) {
      waiting.push(chunk)
      continue
    }
    yield decode(Buffer.concat([...waiting.splice(0), chunk.subarray(0, end)]))
    waiting.push(chunk.subarray(end + 1))
  }
  yield decode(Buffer.concat(waiting))
}

function notUtf8(bytes: Buffer, first: number): RolecastError {
  let line = first
  let start = 0
  for (let end = bytes.indexOf(0x0a); end >= 0 && isUtf8(bytes.subarray(start, end)); end = bytes.indexOf(0x0a, start)) {
    line++
    start = end + 1
  }
  return new RolecastError('invalid-input', `line ${line} of the input is not UTF-8; write it in UTF-8`)
}
