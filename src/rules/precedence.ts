import { isPrecedence } from '../group.js'

/** How Cognito reads a precedence that a file has: the rank, null for none; or the fault. */
export type CheckedPrecedence =
  | { readonly rank: number | null; readonly isText: boolean; readonly fault?: never }
  | { readonly rank?: never; readonly isText?: never; readonly fault: 'out-of-range' | 'not-integer' }

/** A string with an integer counts as the integer: CloudFormation and Terraform convert it. */
export function checkPrecedence(raw: unknown): CheckedPrecedence {
  if (raw === undefined || raw === null) return { rank: null, isText: false }
  const isText = typeof raw === 'string' && /^-?\d+$/.test(raw)
  const number = isText ? Number(raw) : raw
  if (isPrecedence(number)) return { rank: number, isText }
  return { fault: Number.isInteger(number) ? 'out-of-range' : 'not-integer' }
}
