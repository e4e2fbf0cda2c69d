import { type ErrorCode, quote, RolecastError } from '../errors.js'

/** In place of a role's id: no role. */
export const NO_ROLE = -1

/** A pool by columns: the values of group `id` are at index `id`. */
export interface Columns {
  readonly names: readonly string[]
  readonly roles: readonly string[]
  /** `UNRANKED` for a role without a precedence, and `Infinity` for a group that has neither: it decides nothing. */
  readonly levels: Float64Array
  /** The id of the group's role, or `NO_ROLE`. */
  readonly roleOf: Int32Array
}

export type IdColumn = Uint16Array | Uint32Array

/** A column of `length` ids, each below `things`. */
export function idColumn(things: number, length: number): IdColumn {
  return things <= 2 ** 16 ? new Uint16Array(length) : new Uint32Array(length)
}

export function unknownId(id: unknown, groups: number): RolecastError {
  return rejection(
    `${quote(id)} is not a group id of this pool, which has ${groups} groups; get one with \`groupId(name)\``,
    id,
  )
}

export function rejection(message: string, value: unknown, code: ErrorCode = 'invalid-input'): RolecastError {
  return new RolecastError(code, message, { value })
}
