/**
 * How much a finding matters. `error`: a user gets another role than intended, or none, or the deployment fails. `warning`: likely
 * so, or AWS does not document it. `note`: worth knowing, or a value that cannot be determined.
 */
export type Severity = 'error' | 'warning' | 'note'

/** From the least to the most. */
export const SEVERITIES: readonly Severity[] = ['note', 'warning', 'error']

/** From which severity on findings fail a run. */
export type FailOn = Severity | 'never'

/** Whether a finding of this severity fails. */
export function failsOn(severity: Severity, failOn: FailOn): boolean {
  return failOn !== 'never' && SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(failOn)
}
