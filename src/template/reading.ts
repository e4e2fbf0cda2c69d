import type { RolecastError } from '../errors.js'
import type { Infrastructure } from '../rules/infrastructure.js'

/** A file and what it says. The path has slashes, and is relative to where the command runs or absolute. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

/** The text of another file within reach, such as one that a `serverless.yml` includes. Undefined: it is not there, or out of reach. */
export type OpenFile = (path: string) => string | undefined

/** What the files of one kind say together. */
export interface Reading {
  readonly infrastructures: readonly Infrastructure[]
  /** Files that cannot be read, with the reason: the others are read nonetheless. */
  readonly failures: readonly ReadingFailure[]
  /** Files that others include: they have been looked at, even if they are of no format themselves. */
  readonly included: readonly string[]
}

export interface ReadingFailure {
  readonly paths: readonly string[]
  readonly error: RolecastError
}
