/** A count for people: `1,000,000`. Without the widths of `text-table.ts`, which a page cannot load. */
export function figure(count: number): string {
  // Most counts are small, and the first number that is formatted loads the locale.
  return Number.isInteger(count) && count >= 0 && count < 1_000 ? String(count) : count.toLocaleString('en-GB')
}

/** A number and a noun, such as `1 user` or `1,200 users`. */
export function counted(count: number, noun: string): string {
  return `${figure(count)} ${noun}${count === 1 ? '' : 's'}`
}
