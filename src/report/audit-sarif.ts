import { CONCERN_NAMES, CONCERNS, type AuditConcern } from '../audit/concerns.js'
import type { AuditSummary } from '../audit/summary.js'
import { limitsOf } from './audit-limits.js'
import { type AuditSubject, changeCounts, subjectsOf } from './audit-subjects.js'
import { wayToUsers } from './audit-text.js'
import { jsonText } from './json-text.js'

/**
 * The findings of an audit as SARIF 2.1.0: a result for each role and group, and one for each finding about users, with
 * their number and without their names. What was not looked at, and that something changed meanwhile, is in the
 * notifications of the invocation.
 *
 * A role is not a file, so its location is a logical one. GitHub code scanning shows no result without a file, so the
 * pool's id takes the place of a file name.
 *
 * @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 * @see https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
 */
export function auditSarif(summary: AuditSummary, { toolVersion }: { readonly toolVersion: string }): string {
  const { reading, semantics, calibration, users, disabled, enabledUnknown, outcomes, evidence } = summary
  const { credentials, changes } = summary
  const { startedAt, endedAt } = reading ?? {}
  return `${jsonText({
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'rolecast',
            semanticVersion: toolVersion,
            informationUri: 'https://www.npmjs.com/package/rolecast',
            rules: CONCERN_NAMES.map(toRule),
          },
        },
        // Code scanning distinguishes the results of several pools by this.
        automationDetails: { id: `rolecast-audit/${encodeURIComponent(reading?.userPoolId ?? 'user-pool')}/` },
        columnKind: 'utf16CodeUnits',
        invocations: [
          {
            executionSuccessful: true,
            ...(startedAt !== undefined && { startTimeUtc: startedAt }),
            ...(endedAt !== undefined && { endTimeUtc: endedAt }),
            toolExecutionNotifications: [
              ...limitsOf(summary).map(text => ({ level: 'note', message: { text } })),
              ...Object.entries(changeCounts(changes)).map(([change, count]) => ({
                level: 'warning',
                message: { text: `While the pool was read: ${change} (${count}).` },
              })),
            ],
          },
        ],
        results: subjectsOf(summary).map(subject => toResult(subject, reading?.userPoolId)),
        properties: {
          ...(reading !== undefined && { reading }),
          semantics,
          ...(calibration !== undefined && { calibration }),
          users,
          disabled,
          enabledUnknown,
          outcomes,
          evidence,
          ...(credentials !== undefined && { credentials }),
          changes: changeCounts(changes),
        },
      },
    ],
  })}\n`
}

function toRule(concern: AuditConcern) {
  const { severity, title, meaning, next } = CONCERNS[concern]
  return {
    id: concern,
    name: concern,
    shortDescription: { text: title },
    fullDescription: { text: meaning },
    help: { text: `${meaning}\n\n${next}`, markdown: `${meaning}\n\n**Next:** ${next}` },
    defaultConfiguration: { level: severity },
    properties: { tags: ['cognito', 'iam', 'security'] },
  }
}

function toResult({ kind, name, finding, message, fingerprint }: AuditSubject, userPoolId: string | undefined) {
  const { concern, severity, count, affectedUsers } = finding
  const uri = `user-pools/${encodeURIComponent(userPoolId ?? 'user-pool')}`
  return {
    ruleId: concern,
    ruleIndex: CONCERN_NAMES.indexOf(concern),
    level: severity,
    message: { text: `${message} ${CONCERNS[concern].next}` },
    locations: [
      {
        physicalLocation: { artifactLocation: { uri }, region: { startLine: 1 } },
        logicalLocations: [{ fullyQualifiedName: name ?? userPoolId ?? 'user pool', kind: KINDS[kind] }],
      },
    ],
    partialFingerprints: { 'rolecast-audit/v1': fingerprint, primaryLocationLineHash: `${fingerprint}:1` },
    properties: { count, affectedUsers, ...(affectedUsers > 0 && { allUsers: wayToUsers(concern) }) },
  }
}

const KINDS = { pool: 'resource', group: 'member', role: 'resource' } as const
