/** Texts one after another, in chunks: growing by a copy would need twice the memory. */
export interface Texts {
  push(bytes: Buffer, start: number, end: number): void
  equals(index: number, bytes: Buffer, start: number, end: number): boolean
  text(index: number): string
}

const TEXT_CHUNK = 2 ** 20

export function createTexts(): Texts {
  const chunks: Buffer[] = []
  // The chunk's index times its size, plus the offset in it: beyond 32 bits from 4 GiB on. A longer text has its own chunk.
  const starts = createColumn(Float64Array)
  const lengths = createColumn(Uint32Array)
  let chunk = Buffer.alloc(0)
  let used = 0
  const chunkOf = (start: number) => chunks[Math.floor(start / TEXT_CHUNK)]!

  return {
    push(bytes, start, end) {
      const length = end - start
      // A text never ends a chunk that it did not begin: even an empty one starts before the end of its chunk.
      if (length >= chunk.length - used) {
        chunk = Buffer.alloc(Math.max(TEXT_CHUNK, length))
        chunks.push(chunk)
        used = 0
      }
      starts.push((chunks.length - 1) * TEXT_CHUNK + used)
      lengths.push(length)
      for (let at = start; at < end; at++) chunk[used++] = bytes[at]!
    },
    equals(index, bytes, start, end) {
      if (lengths.get(index) !== end - start) return false
      const place = starts.get(index)
      const from = place % TEXT_CHUNK
      return chunkOf(place).compare(bytes, start, end, from, from + end - start) === 0
    },
    text(index) {
      const start = starts.get(index)
      const from = start % TEXT_CHUNK
      return chunkOf(start).toString('utf8', from, from + lengths.get(index))
    },
  }
}

/** A growing list of numbers, in chunks for the same reason. */
export interface Column {
  readonly length: number
  push(value: number): void
  get(index: number): number
}

const COLUMN_CHUNK_BITS = 14
const COLUMN_CHUNK = 2 ** COLUMN_CHUNK_BITS

export function createColumn(Chunk: Uint16ArrayConstructor | Uint32ArrayConstructor | Float64ArrayConstructor): Column {
  const chunks: (Uint16Array | Uint32Array | Float64Array)[] = []
  let last = new Chunk(0)
  let used = COLUMN_CHUNK
  return {
    get length() {
      return (chunks.length - 1) * COLUMN_CHUNK + used
    },
    push(value) {
      if (used === COLUMN_CHUNK) {
        chunks.push((last = new Chunk(COLUMN_CHUNK)))
        used = 0
      }
      last[used++] = value
    },
    get: index => chunks[index >>> COLUMN_CHUNK_BITS]![index % COLUMN_CHUNK]!,
  }
}

/** A number for each index, 0 until it is set. Chunks in which nothing is set take no memory. */
export interface SparseColumn {
  set(index: number, value: number): void
  get(index: number): number
}

export function createSparseColumn(Chunk: Uint8ArrayConstructor | Uint32ArrayConstructor): SparseColumn {
  const chunks: (Uint8Array | Uint32Array | undefined)[] = []
  return {
    set(index, value) {
      const chunk = (chunks[index >>> COLUMN_CHUNK_BITS] ??= new Chunk(COLUMN_CHUNK))
      chunk[index % COLUMN_CHUNK] = value
    },
    get: index => chunks[index >>> COLUMN_CHUNK_BITS]?.[index % COLUMN_CHUNK] ?? 0,
  }
}
