import { median } from '../measure.js'

/** One way to do the job, compared with the first one of its question. */
export interface Compared {
  readonly name: string
  /** The median over the rounds. */
  readonly value: number
  readonly unit: 'ms' | 'ns' | 'MB'
  /** The median over the rounds of this value divided by the first one's in the same round. */
  readonly ratio: number
}

export type Answers = Readonly<Record<string, readonly Compared[]>>

/** What each round gave, by candidate: the first candidate is what the others are compared with. */
export function compared(
  unit: Compared['unit'],
  candidates: Readonly<Record<string, readonly number[]>>,
): readonly Compared[] {
  const [first] = Object.values(candidates)
  return Object.entries(candidates).map(([name, rounds]) => ({
    name,
    value: median(rounds),
    unit,
    ratio: median(rounds.map((value, round) => value / first![round]!)),
  }))
}
