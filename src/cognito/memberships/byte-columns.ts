/** Texts one after another, in chunks: growing by a copy would need twice the memory. */
export interface Texts {
  push(bytes: Buffer, length: number): void
  equals(index: number, bytes: Buffer, length: number): boolean
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
    push(bytes, length) {
      // A text never ends a chunk that it did not begin: even an empty one starts before the end of its chunk.
      if (length >= chunk.length - used) {
        chunk = Buffer.alloc(Math.max(TEXT_CHUNK, length))
        chunks.push(chunk)
        used = 0
      }
      for (let index = 0; index < length; index++) chunk[used + index] = bytes[index]!
      starts.push((chunks.length - 1) * TEXT_CHUNK + used)
      lengths.push(length)
      used += length
    },
    equals(index, bytes, length) {
      if (lengths.get(index) !== length) return false
      const start = starts.get(index)
      const from = start % TEXT_CHUNK
      return chunkOf(start).compare(bytes, 0, length, from, from + length) === 0
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
  let length = 0
  return {
    get length() {
      return length
    },
    push(value) {
      if (length === chunks.length * COLUMN_CHUNK) chunks.push(new Chunk(COLUMN_CHUNK))
      chunks[length >>> COLUMN_CHUNK_BITS]![length % COLUMN_CHUNK] = value
      length++
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
