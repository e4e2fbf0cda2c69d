import { exitCodeOf, type FindingsReport, isComplete, type SkippedFile } from './findings-report.js'
import { jsonText } from './json-text.js'

/**
 * A report as JSON, for programs: `findings`, each with the keys of `Finding`, suppressed ones included; what was read,
 * and in `coverage` how much there was to look at; the rules that were switched off; what was not looked at. `complete`
 * is false if anything was not. `key` stays the same when lines move.
 */
export function findingsJson(report: FindingsReport): string {
  const { findings, read, coverage, rulesOff = [], skipped, notRead, unrelated } = report
  return `${jsonText({
    findings,
    complete: isComplete(report),
    exitCode: exitCodeOf(report),
    coverage,
    rulesOff,
    read,
    skipped: withoutNamed(skipped),
    notRead,
    unrelated: withoutNamed(unrelated),
  })}\n`
}

/** The caller already knows which files were named. */
function withoutNamed(files: readonly SkippedFile[]): readonly Pick<SkippedFile, 'path' | 'why'>[] {
  return files.map(({ path, why }) => ({ path, why }))
}
