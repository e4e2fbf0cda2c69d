import type { Readable } from 'node:stream'
import { RolecastError } from '../errors.js'
import { utf16Of } from './json-file.js'

/** The longest line, in bytes of UTF-8, so that an input without line feeds does not fill the memory. */
export const MAX_LINE = 16 * 2 ** 20

/**
 * The lines of a stream. Not `node:readline`: that would turn bytes that are not UTF-8 into another name, and treat a
 * stream that fails as one that ends.
 *
 * @throws RolecastError `invalid-input`: it cannot be read, or a line is longer than 16 MB
 */
export async function* linesOf(input: Readable): AsyncGenerator<Buffer> {
  for await (const { bytes } of lineBatches(input)) {
    let start = 0
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      yield bytes.subarray(start, end)
      start = end + 1
    }
    yield bytes.subarray(start)
  }
}

async function* readable(input: Readable): AsyncGenerator<Buffer> {
  const chunks: AsyncIterator<Buffer | string> = input[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await chunks.next().catch(cause => {
        throw unreadable(cause)
      })
      if (next.done) return
      yield Buffer.isBuffer(next.value) ? next.value : Buffer.from(next.value)
    }
  } finally {
    // The writer may continue after a bad line.
    await chunks.return?.()
  }
}

/** The error for lines that cannot be read. */
export function unreadable(cause: unknown): RolecastError {
  const message = `the input cannot be read (${(cause as Error).message}); give lines of JSON`
  return new RolecastError('invalid-input', message, { cause })
}

/** Some lines of a stream, as bytes. */
export interface LineBatch {
  /** Lines with line feeds between them, but not after the last one. */
  readonly bytes: Buffer
  /** The number of the first line, counted from 1. */
  readonly first: number
}

/**
 * The lines of a stream, in the batches in which they arrive: for streams of millions of lines, where one iteration
 * step per line would take longer than the work on the line.
 */
export async function* lineBatches(input: Readable): AsyncGenerator<LineBatch> {
  // The pieces of a line are joined once, when its end has arrived.
  let waiting: Buffer[] = []
  let length = 0
  let first = 1
  const add = (piece: Buffer, end: number) => {
    length += end
    if (length > MAX_LINE) throw tooLong(first)
    waiting.push(piece)
  }
  for await (const chunk of utf8(readable(input))) {
    const end = chunk.lastIndexOf(LINE_FEED)
    if (end < 0) {
      add(chunk, chunk.length)
      continue
    }
    add(chunk.subarray(0, end), chunk.indexOf(LINE_FEED))
    const bytes = joined(waiting)
    yield { bytes, first }
    first += 1 + count(bytes, LINE_FEED)
    waiting = []
    length = 0
    if (end + 1 < chunk.length) add(chunk.subarray(end + 1), chunk.length - end - 1)
  }
  yield { bytes: joined(waiting), first }
}

function joined(pieces: readonly Buffer[]): Buffer {
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
}

function tooLong(lineNumber: number): RolecastError {
  return new RolecastError(
    'invalid-input',
    `line ${lineNumber} of the input is longer than ${MAX_LINE / 2 ** 20} MB; write one JSON value per line`,
  )
}

/** The same text in UTF-8, if it is UTF-16 with a byte order mark, which is what PowerShell writes. */
async function* utf8(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  // The first bytes, until there are enough to decide.
  let head: Buffer | undefined = Buffer.alloc(0)
  let decode: ReturnType<typeof decoderFrom> | undefined
  for await (const chunk of chunks) {
    let bytes = chunk
    if (head !== undefined) {
      head = bytes = Buffer.concat([head, chunk])
      if (bytes.length < 2) continue
      head = undefined
      const encoding = utf16Of(bytes)
      if (encoding !== undefined) decode = decoderFrom(encoding)
    }
    yield decode === undefined ? bytes : decode(bytes)
  }
  if (head !== undefined) yield head
  if (decode !== undefined) yield decode()
}

/** Decodes bytes as they arrive; called without any, it returns the rest. */
function decoderFrom(encoding: 'utf-16le' | 'utf-16be') {
  const decoder = new TextDecoder(encoding, { fatal: true })
  return (bytes?: Buffer): Buffer => {
    try {
      return Buffer.from(bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true }))
    } catch (cause) {
      throw new RolecastError('invalid-input', 'the input is not valid UTF-16; write it in UTF-8', { cause })
    }
  }
}

const LINE_FEED = 0x0a

function count(bytes: Buffer, byte: number): number {
  let found = 0
  for (let at = bytes.indexOf(byte); at >= 0; at = bytes.indexOf(byte, at + 1)) found++
  return found
}
