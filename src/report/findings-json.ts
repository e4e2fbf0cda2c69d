import type { Finding } from '../rules/finding.js'
import { escapedJson } from './json-escape.js'

/**
 * Findings as JSON, for programs: an array, each with the keys of `Finding`. What is suppressed is there too, with
 * `suppressed`. `key` stays the same when lines move.
 */
export function findingsJson(findings: readonly Finding[]): string {
  return `${jsonText(findings)}\n`
}

/** JSON in which nothing moves the cursor of a terminal. */
export function jsonText(value: unknown): string {
  return escapedJson(value, /[\u007f-\u009f\u2028\u2029]/g, 2)
}
