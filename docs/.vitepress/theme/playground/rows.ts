import { type GroupRow, MAX_ROWS, NEW_ROW } from './state.js'

/** A row with a key that stays its own while others are added, removed and moved. */
export interface KeyedRow {
  readonly key: number
  readonly row: GroupRow
}

/** @param before what is shown now: a row keeps the key of the one in its place, so that the keyboard stays in its field */
export function withKeys(
  rows: readonly GroupRow[],
  nextKey: () => number,
  before: readonly KeyedRow[] = [],
): readonly KeyedRow[] {
  return rows.map((row, index) => ({ key: before[index]?.key ?? nextKey(), row }))
}

export function addRow(rows: readonly KeyedRow[], key: number): readonly KeyedRow[] {
  return rows.length >= MAX_ROWS ? rows : [...rows, { key, row: NEW_ROW }]
}

export function removeRow(rows: readonly KeyedRow[], key: number): readonly KeyedRow[] {
  return rows.filter(one => one.key !== key)
}

/** Which row the keyboard goes to when one is removed: the next one, else the one before. Undefined: none is left. */
export function rowAfterRemoval(rows: readonly KeyedRow[], key: number): number | undefined {
  const index = rows.findIndex(one => one.key === key)
  return (rows[index + 1] ?? rows[index - 1])?.key
}

/** @param by -1 for up, 1 for down; at the end nothing moves */
export function moveRow(rows: readonly KeyedRow[], key: number, by: -1 | 1): readonly KeyedRow[] {
  const from = rows.findIndex(one => one.key === key)
  const to = from + by
  if (from < 0 || to < 0 || to >= rows.length) return rows
  const moved = [...rows]
  moved.splice(to, 0, ...moved.splice(from, 1))
  return moved
}

export function changeRow(rows: readonly KeyedRow[], key: number, change: Partial<GroupRow>): readonly KeyedRow[] {
  return rows.map(one => (one.key === key ? { key, row: { ...one.row, ...change } } : one))
}

/** Ticks the rows that are named, and no other. */
export function tickOnly(rows: readonly KeyedRow[], names: readonly string[]): readonly KeyedRow[] {
  const wanted = new Set(names)
  return rows.map(({ key, row }) => ({ key, row: { ...row, isMember: wanted.has(row.name) } }))
}
