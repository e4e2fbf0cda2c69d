import { UUID_PATTERN } from '../../aws-ids.js'
import type { Mutable } from '../../record.js'
import type { ListedDetails } from '../api/user-pool-api.js'
import { createSparseColumn, createTexts } from './byte-columns.js'

/** What is known of users by id, in bytes instead of objects: with a UUID as `sub` and without attributes, 21 bytes each. */
export interface DetailsTable {
  /** In the place of what was known before. */
  set(userId: number, username: string, details: ListedDetails): void
  /** Undefined if nothing was set. */
  get(userId: number, username: string): ListedDetails | undefined
}

/** A byte for each user: whether something was set, whether the user is enabled, and where the `sub` is. */
const IS_SET = 1
const DISABLED = 2
const ENABLED = 4
const SUB_IS_USERNAME = 8
const SUB_IS_UUID = 16
const SUB_IS_TEXT = 32

/** Makes an empty table. The text of a value that is set again stays in memory. */
export function createDetailsTable(): DetailsTable {
  const flags = createSparseColumn(Uint8Array)
  // Numbers plus one, so that 0 is none.
  const statusOf = createSparseColumn(Uint32Array)
  const subTextOf = createSparseColumn(Uint32Array)
  const valuesOf = createSparseColumn(Uint32Array)
  const uuidWords = Array.from({ length: 4 }, () => createSparseColumn(Uint32Array))
  const statuses: string[] = []
  const statusNumbers = new Map<string, number>()
  const texts = createTexts()
  let textCount = 0
  let encoded = Buffer.alloc(512)

  function statusNumber(status: string): number {
    let number = statusNumbers.get(status)
    if (number === undefined) statusNumbers.set(status, (number = statuses.push(status)))
    return number
  }

  function addText(text: string): number {
    const most = text.length * 3
    if (encoded.length < most) encoded = Buffer.alloc(most)
    texts.push(encoded, 0, encoded.write(text))
    return ++textCount
  }

  /** Keeps a `sub`, and returns the flag that says where. */
  function keepSub(userId: number, username: string, sub: string | undefined): number {
    if (sub === undefined) return 0
    if (sub === username) return SUB_IS_USERNAME
    if (!UUID_PATTERN.test(sub)) {
      subTextOf.set(userId, addText(sub))
      return SUB_IS_TEXT
    }
    const digits = sub.replaceAll('-', '')
    uuidWords.forEach((words, index) => words.set(userId, Number.parseInt(digits.slice(8 * index, 8 * index + 8), 16)))
    return SUB_IS_UUID
  }

  function subOf(userId: number, username: string, flag: number): string | undefined {
    if (flag & SUB_IS_USERNAME) return username
    if (flag & SUB_IS_TEXT) return texts.text(subTextOf.get(userId) - 1)
    if (!(flag & SUB_IS_UUID)) return undefined
    const [a, b, c, d] = uuidWords.map(words => words.get(userId).toString(16).padStart(8, '0')) as [
      string,
      string,
      string,
      string,
    ]
    return `${a}-${b.slice(0, 4)}-${b.slice(4)}-${c.slice(0, 4)}-${c.slice(4)}${d}`
  }

  return {
    set(userId, username, { sub, enabled, status, values }) {
      const can = enabled === undefined ? 0 : enabled ? ENABLED : DISABLED
      flags.set(userId, IS_SET | can | keepSub(userId, username, sub))
      statusOf.set(userId, status === undefined ? 0 : statusNumber(status))
      if (values !== undefined) valuesOf.set(userId, addText(JSON.stringify(values)))
      else if (valuesOf.get(userId) !== 0) valuesOf.set(userId, 0)
    },
    get(userId, username) {
      const flag = flags.get(userId)
      if (flag === 0) return undefined
      const details: Mutable<ListedDetails> = {}
      const sub = subOf(userId, username, flag)
      if (sub !== undefined) details.sub = sub
      if (flag & (ENABLED | DISABLED)) details.enabled = (flag & ENABLED) !== 0
      const status = statusOf.get(userId)
      if (status !== 0) details.status = statuses[status - 1]!
      const values = valuesOf.get(userId)
      if (values !== 0) details.values = JSON.parse(texts.text(values - 1))
      return details
    },
  }
}
