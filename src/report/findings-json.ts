import type { Finding } from '../rules/finding.js'

/**
 * Findings as JSON, for programs: an array, each with the keys of `Finding`. What is suppressed is there too, with
 * `suppressed`. `key` stays the same when lines move.
 */
export function findingsJson(findings: readonly Finding[]): string {
  return `${jsonText(findings)}\n`
}

/** JSON in which nothing moves the cursor of a terminal. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replace(/[\u007f-\u009f\u2028\u2029]/g, escaped)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
