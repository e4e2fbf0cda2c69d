import type { Operation } from './operations.js'

/** The calls of one operation that a part of a run makes. */
export interface PlannedCall {
  /** The operation that is called. */
  readonly operation: Operation
  /** If each change shows immediately, everything is as predicted, and no call fails. */
  readonly count: number
  /**
   * The maximum, without retries of failed calls.
   *
   * @default `count`
   */
  readonly atMost?: number
}

/** A part of a run. */
export interface PlannedStep {
  /** What it does, in words. */
  readonly what: string
  /** Its calls, one entry for each operation. */
  readonly calls: readonly PlannedCall[]
}

export type Count = readonly [operation: Operation, count: number, atMost?: number]

export function users(count: number): readonly Count[] {
  return [
    ['AdminCreateUser', count],
    ['AdminSetUserPassword', count],
  ]
}

export function step(what: string, counts: readonly Count[]): PlannedStep {
  return {
    what,
    calls: counts.map(([operation, count, atMost]) => ({ operation, count, ...(atMost !== undefined && { atMost }) })),
  }
}
