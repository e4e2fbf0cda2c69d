const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const

/** A time in words, in the two largest units that it has: `1 day 3 hours`. What is less than that is dropped. */
export function durationText(ms: number): string {
  let rest = ms
  const parts = UNITS.flatMap(([unit, length]) => {
    const count = Math.floor(rest / length)
    rest -= count * length
    return count === 0 ? [] : [`${count.toLocaleString('en-GB')} ${unit}${count === 1 ? '' : 's'}`]
  })
  return parts.length === 0 ? 'less than a second' : parts.slice(0, 2).join(' ')
}
