import { dirname, relative } from 'node:path'
import type { Readable } from 'node:stream'
import type { Finding } from '../rules/finding.js'
import { jsonText } from '../report/json-text.js'
import { inputName } from './input-file.js'
import type { Baseline } from './config-shape.js'
import { type InvalidFile, readJsonFile } from './json-file.js'
import { RolecastError } from '../errors.js'

/** Records the open findings, so that the next run reports only new ones. */
export function baselineText(findings: readonly Finding[], path: string): string {
  const known = findings.filter(({ suppressed }) => suppressed === undefined).map(finding => entryOf(finding, path))
  return `${jsonText({ version: 1, findings: known } satisfies Baseline)}\n`
}

/**
 * Marks the findings that a baseline has as suppressed.
 *
 * @throws RolecastError `invalid-input`
 */
export async function applyBaseline(
  findings: readonly Finding[],
  path: string,
  stdin: Readable,
): Promise<readonly Finding[]> {
  const invalid: InvalidFile = (what, cause) =>
    new RolecastError(
      'invalid-input',
      `the baseline ${inputName(path)} cannot be used: ${what}; make it with \`rolecast validate PATH --write-baseline FILE\``,
      { value: path, cause },
    )
  const content = await readJsonFile(path, stdin, invalid)
  const { baselineShape } = await import('./config-shape.js')
  const { firstIssue, readAs } = await import('../cognito/api/schema.js')
  const parsed = readAs(baselineShape, content)
  if (!parsed.success) throw invalid(firstIssue(parsed.error, content, baselineShape).note, parsed.error)
  const known = new Set(parsed.data.findings.map(nameOf))
  return findings.map(finding =>
    finding.suppressed === undefined && known.has(nameOf(entryOf(finding, path)))
      ? { ...finding, suppressed: { reason: 'in the baseline', location: { path } } }
      : finding,
  )
}

interface Entry {
  readonly path: string
  readonly key: string
}

function entryOf({ location, key }: Finding, baseline: string): Entry {
  return { path: relative(dirname(baseline), location.path).replaceAll('\\', '/'), key }
}

function nameOf({ path, key }: Entry): string {
  return JSON.stringify([path, key])
}
