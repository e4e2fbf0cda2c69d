/** Stdout that could not be written. */
export class WriteError extends Error {
  override readonly name = 'WriteError'
  readonly code: string | undefined

  constructor(override readonly cause: NodeJS.ErrnoException) {
    super(cause.message)
    this.code = cause.code
  }
}

/** The codes of a disk that is full, or of a quota or a limit of a file's size that is reached. */
export const NO_SPACE: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
