import type picocolors from 'picocolors'

/** How text for people looks. */
export interface TextOptions {
  readonly color: boolean
}

/** Paints with the colors of a terminal, or leaves text as it is. */
export type Paint = ReturnType<typeof picocolors.createColors>
