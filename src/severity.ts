/**
 * How much a finding matters. `error`: a user gets another role than intended, or none, or the deployment fails. `warning`: likely
 * so, or AWS does not document it. `note`: worth knowing, or a value that cannot be determined.
 */
export type Severity = 'error' | 'warning' | 'note'

/** From the least to the most. */
export const SEVERITIES: readonly Severity[] = ['note', 'warning', 'error']
