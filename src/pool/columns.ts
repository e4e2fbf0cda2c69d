import { type ErrorCode, quote, RolecastError } from '../errors.js'

/** In place of a role's id: there is none. */
export const NO_ROLE = -1

/** A pool by columns: what belongs to group `id` stands at `id`. */
export interface Columns {
  readonly names: readonly string[]
  readonly roles: readonly string[]
  /** `UNRANKED` for a role without a precedence, and `Infinity` for a group that has neither: it decides nothing. */
  readonly levels: Float64Array
  /** The id of the group's role, or `NO_ROLE`. */
  readonly roleOf: Int32Array
}

export type IdColumn = Uint16Array | Uint32Array

/** Room for so many ids of so many things. */
export function idColumn(things: number, length: number): IdColumn {
  return things <= 2 ** 16 ? new Uint16Array(length) : new Uint32Array(length)
}

export function unknownId(id: unknown, groups: number): RolecastError {
  return rejection(`${quote(id)} is no id of one of the ${groups} groups; ask \`groupId\` for that of a name`, id)
}

export function rejection(message: string, value: unknown, code: ErrorCode = 'invalid-input'): RolecastError {
  return new RolecastError(code, message, { value })
}
