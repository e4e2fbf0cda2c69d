/** Stdout that could not be written. */
export class WriteError extends Error {
  override readonly name = 'WriteError'
  readonly code: string | undefined

  constructor(override readonly cause: NodeJS.ErrnoException) {
    super(cause.message)
    this.code = cause.code
  }
}
