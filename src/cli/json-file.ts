import type { Readable } from 'node:stream'
import { RolecastError } from '../errors.js'
import { inputName, readInput, STDIN } from './input-file.js'

/** Makes the error for a file that cannot be used. */
export type InvalidFile = (what: string, cause?: unknown) => RolecastError

/** Says which file cannot be used, and which command makes it. */
export function invalidFile(kind: string, path: string, command: string): InvalidFile {
  const to = path === STDIN ? '' : ' > FILE'
  return (what, cause) =>
    new RolecastError(
      'invalid-input',
      `the ${kind} ${inputName(path)} cannot be used: ${what}; make it with \`${command}${to}\``,
      { value: path, cause },
    )
}

/** The JSON in a file or on stdin: UTF-8, or UTF-16 with a byte order mark, which is what PowerShell writes. */
export async function readJsonFile(path: string, stdin: Readable, invalid: InvalidFile): Promise<unknown> {
  const bytes = await readInput(path, stdin).catch((cause: NodeJS.ErrnoException) => {
    throw invalid(`it cannot be read (${cause.code ?? 'error'})`, cause)
  })
  return parseJson(bytes, invalid)
}

export function parseJson(bytes: Buffer, invalid: InvalidFile): unknown {
  try {
    return JSON.parse(decodeText(bytes))
  } catch (cause) {
    throw invalid(`it is not JSON (${(cause as Error).message})`, cause)
  }
}

/** Text in UTF-8, or in UTF-16 with a byte order mark. Throws for any other bytes. */
export function decodeText(bytes: Buffer): string {
  return new TextDecoder(utf16Of(bytes) ?? 'utf-8', { fatal: true }).decode(bytes)
}

/** The kind of UTF-16, by the byte order mark. */
export function utf16Of(bytes: Buffer): 'utf-16le' | 'utf-16be' | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  return undefined
}
