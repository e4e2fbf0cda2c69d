import type { RolecastError } from '../errors.js'
import type { Infrastructure } from '../rules/infrastructure.js'

/** A file and what it says. The path has slashes, and is absolute, or relative to the current folder. */
export interface SourceFile {
  /** The file's path. */
  readonly path: string
  /** Its contents. */
  readonly text: string
}

/**
 * The text of another file within reach, such as one that a `serverless.yml` includes. Undefined: it does not exist, or
 * is out of reach.
 */
export type OpenFile = (path: string) => string | undefined

/** The result of all files of one kind. */
export interface Reading {
  /** What the files say. */
  readonly infrastructures: readonly Infrastructure[]
  /** Files that cannot be read, with the reason: the others are read nonetheless. */
  readonly failures: readonly ReadingFailure[]
  /** Files that others include: they have been looked at, even if they are of no format themselves. */
  readonly included: readonly string[]
}

/** A file that cannot be read, or several that belong together. */
export interface ReadingFailure {
  /** The files. */
  readonly paths: readonly string[]
  /** Why they cannot be read. */
  readonly error: RolecastError
}
