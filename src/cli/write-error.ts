/** Stdout that could not be written. */
export class WriteError extends Error {
  override readonly name = 'WriteError'
  readonly code: string | undefined

  constructor(override readonly cause: NodeJS.ErrnoException) {
    super(cause.message)
    this.code = cause.code
  }
}

/** The codes for a full disk, and for a quota or a file size limit that is reached. */
export const NO_SPACE: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
