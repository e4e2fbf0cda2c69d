import { createHash } from 'node:crypto'
import { type Finding, sentencesOf } from '../rules/finding.js'
import type { Severity } from '../severity.js'
import { escapeHidden, upperFirst } from '../text.js'
import { failuresOf, type FindingsReport, lineOf, notReadTexts } from './findings-report.js'
import { jsonText } from './json-text.js'

/** GitLab has `info`, `minor`, `major`, `critical` and `blocker`. */
const SEVERITY = { error: 'critical', warning: 'major', note: 'info' } as const satisfies Record<Severity, string>

/** The check name of what was not looked at. No rule has this name. */
const NOT_READ = 'not-read'

interface Issue {
  readonly check: string
  readonly text: string
  readonly severity: (typeof SEVERITY)[Severity]
  readonly path: string
  readonly line?: number | undefined
  /** Together with the path, this identifies the issue in another run. */
  readonly key: string
}

/**
 * Findings as the Code Quality report of GitLab: a list of issues, of which a merge request shows those that it adds
 * and those that it fixes. What was not read is an issue too, because the format has no other place for it.
 *
 * Not for suppressed findings, which are left out: GitLab cannot mark an issue as accepted. An issue whose line is
 * unknown is on line 1, because the format requires one. Moved lines do not change a fingerprint.
 *
 * @see https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
 */
export function findingsGitlab(report: FindingsReport): string {
  const failures = new Set(failuresOf(report))
  const issues: readonly Issue[] = [
    ...report.findings.filter(({ suppressed }) => suppressed === undefined).map(issueOf),
    ...report.skipped.map(file => ({
      check: NOT_READ,
      text: `The file could not be read: ${file.why}`,
      severity: SEVERITY[failures.has(file) ? 'error' : 'warning'],
      path: file.path,
      line: lineOf(file),
      key: NOT_READ,
    })),
    ...notReadTexts(report).map(({ path, text }) => ({
      check: NOT_READ,
      text: upperFirst(text),
      severity: SEVERITY[report.strict ? 'error' : 'note'],
      path,
      key: NOT_READ,
    })),
  ]
  const seen = new Map<string, number>()
  return `${jsonText(
    issues.map(({ check, text, severity, path, line = 1, key }) => {
      const identity = JSON.stringify([path, key])
      const copy = seen.get(identity) ?? 0
      seen.set(identity, copy + 1)
      return {
        description: escapeHidden(text),
        check_name: check,
        fingerprint: createHash('sha256')
          .update(JSON.stringify([path, key, copy]))
          .digest('hex'),
        severity,
        location: { path, lines: { begin: line } },
      }
    }),
  )}\n`
}

function issueOf(finding: Finding): Issue {
  const { ruleId, slug, severity, location, key } = finding
  const { path, line } = location
  return { check: `${ruleId} ${slug}`, text: sentencesOf(finding), severity: SEVERITY[severity], path, line, key }
}
