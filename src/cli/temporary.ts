import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { RolecastError, quote } from '../errors.js'

const temporary = new Set<string>()
let watch = () => {}

/** Called before the first temporary file is made: from then on the process has to call `removeTemporary`. */
export function beforeTemporary(listener: () => void): void {
  watch = listener
}

/**
 * Names a temporary file or folder before it is made, so that it is removed if a signal ends the process.
 *
 * @returns a function to call once the file has been removed, or has been moved to its final path
 */
export function willRemove(path: string): () => void {
  watch()
  temporary.add(path)
  return () => void temporary.delete(path)
}

/** Removes all temporary files synchronously: for a process that ends before its commands do. */
export function removeTemporary(): void {
  for (const path of temporary) {
    try {
      rmSync(path, { force: true, recursive: true })
    } catch {
      // The process ends; there is nobody left to tell.
    }
  }
}

/** The error for a temporary file or folder that cannot be used. */
export function temporaryError(cause: unknown): RolecastError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'error'
  return new RolecastError(
    'invalid-argument',
    `the temporary folder ${quote(tmpdir())} cannot be used (${code}); set TMPDIR to a folder with free space that you can write to`,
    { value: tmpdir(), cause },
  )
}
