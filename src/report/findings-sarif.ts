import { createHash } from 'node:crypto'
import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Finding, sentencesOf } from '../rules/finding.js'
import type { Location } from '../rules/infrastructure.js'
import type { Rule } from '../rules/rule.js'
import {
  failuresOf,
  type FindingsReport,
  isComplete,
  lineOf,
  notReadTexts,
  type SkippedFile,
} from './findings-report.js'
import { jsonText } from './json-text.js'
import { ruleMarkdown, ruleText } from './rule-page.js'

export interface SarifOptions {
  /** Every rule that can report a finding. */
  readonly rules: readonly Rule[]
  /** Of rolecast. */
  readonly version: string
}

/**
 * Findings as SARIF 2.1.0: with the other group of a tie as a related location, suppressions with their reasons, and
 * fingerprints that moved lines do not change.
 *
 * @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 * @see https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
 */
export function findingsSarif(report: FindingsReport, { rules, version }: SarifOptions): string {
  const { findings, skipped, unrelated, coverage, rulesOff = [] } = report
  const indexes = new Map(rules.map(({ id }, index) => [id, index]))
  return `${jsonText({
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'rolecast',
            semanticVersion: version,
            informationUri: 'https://www.npmjs.com/package/rolecast',
            rules: rules.map(toRule),
          },
        },
        columnKind: 'utf16CodeUnits',
        invocations: [
          {
            ruleConfigurationOverrides: rulesOff.map(({ ruleId, by }) => ({
              descriptor: { id: ruleId, index: indexes.get(ruleId) },
              configuration: { enabled: false },
              properties: { by },
            })),
            executionSuccessful: failuresOf(report).length === 0,
            toolExecutionNotifications: [
              ...skipped.map(toSkipped(report)),
              ...notReadTexts(report).map(({ path, text }) => toNotification('note', path, text)),
              ...unrelated.map(({ path, why }) => toNotification('none', path, `nothing to check: ${why}`)),
            ],
          },
        ],
        results: findings.map(finding => toResult(finding, indexes.get(finding.ruleId))),
        properties: { complete: isComplete(report), coverage },
      },
    ],
  })}\n`
}

function toRule(rule: Rule) {
  const { id, slug, title, severity, enabled, see } = rule
  return {
    id,
    name: slug,
    shortDescription: { text: title },
    fullDescription: { text: `${rule.what} ${rule.why}` },
    help: { text: ruleText(rule), markdown: ruleMarkdown(rule) },
    helpUri: see,
    defaultConfiguration: { enabled, level: severity },
    properties: { tags: ['cognito', 'iam', 'security'] },
  }
}

function toResult(finding: Finding, ruleIndex: number | undefined) {
  const { ruleId, severity, impact, fix, pool, groups, location, related, key, suppressed } = finding
  const fingerprint = createHash('sha256').update(key).digest('hex').slice(0, 32)
  return {
    ruleId,
    ...(ruleIndex !== undefined && { ruleIndex }),
    level: severity,
    message: { text: sentencesOf(finding) },
    locations: [toLocation(location)],
    relatedLocations: related.map((one, id) => ({ id, message: { text: one.message }, ...toLocation(one.location) })),
    // GitHub uses the second, and computes it from the line's text if it is missing.
    partialFingerprints: { 'rolecast/v1': fingerprint, primaryLocationLineHash: `${fingerprint}:1` },
    suppressions:
      suppressed === undefined
        ? []
        : [
            {
              // A suppression with a line is a comment or Metadata. One from a config file or a baseline has no line.
              kind: suppressed.location.line === undefined ? 'external' : 'inSource',
              status: 'accepted',
              justification: suppressed.reason,
              location: toLocation(suppressed.location),
            },
          ],
    properties: { pool, groups, ...(impact !== undefined && { impact }), fix },
  }
}

function toSkipped(report: FindingsReport) {
  const failures = new Set(failuresOf(report))
  return (file: SkippedFile) =>
    toNotification(failures.has(file) ? 'error' : 'warning', file.path, `could not be read: ${file.why}`, lineOf(file))
}

function toNotification(level: 'error' | 'warning' | 'note' | 'none', path: string, text: string, line?: number) {
  return { level, message: { text }, locations: [toLocation({ path, line })] }
}

function toLocation({ path, line, column, endLine, endColumn, construct }: Location) {
  const region =
    line === undefined
      ? undefined
      : {
          startLine: line,
          ...(column !== undefined && { startColumn: column }),
          ...(endLine !== undefined && { endLine }),
          ...(endColumn !== undefined && { endColumn }),
        }
  return {
    physicalLocation: { artifactLocation: { uri: toUri(path) }, ...(region !== undefined && { region }) },
    ...(construct !== undefined && { logicalLocations: [{ fullyQualifiedName: construct }] }),
  }
}

/** A relative reference, which code scanning needs to find the file; a file URL for a file outside the folder. */
function toUri(path: string): string {
  if (isAbsolute(path)) return pathToFileURL(path).href
  // Half a surrogate pair cannot be encoded.
  return path
    .split(/[\\/]/)
    .map(part => encodeURIComponent(part.replace(/\p{Cs}/gu, '\ufffd')))
    .join('/')
}
