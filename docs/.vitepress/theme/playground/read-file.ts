import { faulty, type Result } from './fault.js'

/** More than the reader takes, whatever the characters are: 5,000,000 of four bytes each. */
const MAX_BYTES = 20_000_000

/** Reads a file as the command line does: text in UTF-8, or in UTF-16 with a byte order mark, and nothing else. */
export async function readTextFile(file: Blob): Promise<Result<string>> {
  if (file.size > MAX_BYTES) return faulty('The file is larger than 20 MB; check that it is a template.')
  let bytes: Uint8Array
  try {
    bytes = new Uint8Array(await file.arrayBuffer())
  } catch {
    return faulty('The browser cannot read the file; choose it again.')
  }
  try {
    return { is: 'result', result: new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes) }
  } catch {
    return faulty('The file is not UTF-8; write it in UTF-8, and choose it again.')
  }
}

function encodingOf([first, second]: Uint8Array): string {
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  return first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8'
}
