import type { Finding } from '../rules/finding.js'
import { jsonText } from './json-text.js'

/**
 * Findings as JSON, for programs: an array, each with the keys of `Finding`. What is suppressed is there too, with
 * `suppressed`. `key` stays the same when lines move.
 */
export function findingsJson(findings: readonly Finding[]): string {
  return `${jsonText(findings)}\n`
}
