import { type AuditConcern, CONCERNS } from '../audit/concerns.js'
import type { AuditSummary } from '../audit/summary.js'
import { quote, RolecastError } from '../errors.js'
import type { Severity } from '../severity.js'
import { limitsOf } from './audit-limits.js'
import {
  type AbsentFinding,
  absentFindings,
  type AuditSubject,
  changeCounts,
  fingerprintOf,
  subjectsOf,
} from './audit-subjects.js'
import { wayToUsers } from './audit-text.js'
import { jsonLine } from './json-text.js'

/** The version of the schema that the records follow. */
export const OCSF_VERSION = '1.6.0'

/**
 * The findings of an audit as OCSF 1.6.0, a line of JSON each, of the class Compliance Finding (2003): one for each
 * role and group, one for each finding about users, with their number and without their names. A kind of finding that
 * was looked for and not found is a record that passes. One that was not looked for, or is not known for all of them,
 * is a record without a result, so that it does not count as a pass.
 *
 * @throws RolecastError `invalid-argument`: it is not known when the pool was read, and a record needs a time
 * @see https://schema.ocsf.io/1.6.0/classes/compliance_finding
 * @see https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-ocsf.html
 */
export function auditOcsf(summary: AuditSummary, { toolVersion }: { readonly toolVersion: string }): string {
  const base = baseOf(summary, toolVersion)
  const found = subjectsOf(summary).map(subject => foundRecord(summary, base, subject))
  const absent = absentFindings(summary).map(finding => absentRecord(summary, base, finding))
  return [...found, ...absent].map(record => `${jsonLine(record)}\n`).join('')
}

/** When the pool was read, as a record needs it: the end. */
export function checkOcsfTime({ endedAt, startedAt }: NonNullable<AuditSummary['reading']>): string {
  const time = endedAt ?? startedAt
  if (time === undefined)
    throw new RolecastError(
      'invalid-argument',
      'OCSF needs the time at which the pool was read, which files do not have; give --read-at TIME, such as 2026-11-29T10:00:00Z',
    )
  if (Number.isNaN(Date.parse(time)))
    throw new RolecastError('invalid-argument', `${quote(time)} is not a time; give one such as 2026-11-29T10:00:00Z`, {
      value: time,
    })
  return time
}

function baseOf(summary: AuditSummary, toolVersion: string) {
  const {
    reading = { source: 'files' },
    semantics,
    calibration,
    users,
    disabled,
    enabledUnknown,
    outcomes,
    evidence,
  } = summary
  const { startedAt, endedAt, account, region } = reading
  const time = checkOcsfTime(reading)
  return {
    activity_id: 1,
    activity_name: 'Create',
    category_uid: 2,
    category_name: 'Findings',
    class_uid: 2003,
    class_name: 'Compliance Finding',
    type_uid: 200_301,
    type_name: 'Compliance Finding: Create',
    time: Date.parse(time),
    time_dt: time,
    timezone_offset: 0,
    ...(startedAt !== undefined && { start_time: Date.parse(startedAt), start_time_dt: startedAt }),
    ...(endedAt !== undefined && { end_time: Date.parse(endedAt), end_time_dt: endedAt }),
    cloud: {
      provider: 'AWS',
      ...(region !== undefined && { region, cloud_partition: partitionOf(region) }),
      ...(account !== undefined && { account: { uid: account, type_id: 10, type: 'AWS Account' } }),
    },
    unmapped: {
      reading,
      semantics,
      ...(calibration !== undefined && { calibration }),
      users,
      disabled,
      enabled_unknown: enabledUnknown,
      outcomes,
      evidence,
      changes: changeCounts(summary.changes),
      not_looked_at: limitsOf(summary),
    },
    product: { name: 'rolecast', vendor_name: 'rolecast', version: toolVersion },
  }
}

type Base = ReturnType<typeof baseOf>

const SEVERITY = {
  error: { severity_id: 4, severity: 'High' },
  warning: { severity_id: 3, severity: 'Medium' },
  note: { severity_id: 1, severity: 'Informational' },
} as const satisfies Record<Severity, object>

const STATUS = {
  pass: { status_id: 1, status: 'Pass' },
  noResult: { status_id: 2, status: 'Warning' },
  fail: { status_id: 3, status: 'Fail' },
} as const

/** An unknown result is left out, rather than reported as a failure. */
const WITHOUT_RESULT: ReadonlySet<AuditConcern> = new Set([
  'undetermined',
  'undetermined-credentials',
  'unchecked-role',
  'unjudged-privileges',
])

function foundRecord(summary: AuditSummary, { unmapped, product, ...base }: Base, subject: AuditSubject) {
  const { finding, message, fingerprint } = subject
  const { concern, severity, count, affectedUsers } = finding
  return {
    ...base,
    ...SEVERITY[severity],
    status_id: 1,
    status: 'New',
    message,
    metadata: metadataOf(product, concern),
    finding_info: findingInfo(base, concern, fingerprint),
    compliance: {
      control: concern,
      ...(WITHOUT_RESULT.has(concern) ? STATUS.noResult : STATUS.fail),
      status_detail: message,
    },
    remediation: { desc: CONCERNS[concern].next },
    resources: [resourceOf(summary, subject)],
    unmapped: {
      ...unmapped,
      count,
      affected_users: affectedUsers,
      ...(affectedUsers > 0 && { all_users: wayToUsers(concern) }),
    },
  }
}

function absentRecord(summary: AuditSummary, { unmapped, product, ...base }: Base, { concern, open }: AbsentFinding) {
  const { title, next } = CONCERNS[concern]
  const isNone = open === undefined
  const message = `${title}: ${open ?? 'none'}.`
  return {
    ...base,
    ...SEVERITY.note,
    status_id: isNone ? 4 : 1,
    status: isNone ? 'Resolved' : 'New',
    message,
    metadata: metadataOf(product, concern),
    finding_info: findingInfo(base, concern, fingerprintOf(summary, concern)),
    compliance: { control: concern, ...(isNone ? STATUS.pass : STATUS.noResult), status_detail: message },
    remediation: { desc: next },
    resources: [resourceOf(summary, { kind: 'pool' })],
    unmapped,
  }
}

function metadataOf(product: Base['product'], concern: AuditConcern) {
  return { version: OCSF_VERSION, product, profiles: ['cloud', 'datetime'], event_code: concern }
}

function findingInfo({ time, time_dt }: Pick<Base, 'time' | 'time_dt'>, concern: AuditConcern, uid: string) {
  const { title, meaning } = CONCERNS[concern]
  return {
    uid,
    title,
    desc: meaning,
    types: ['Software and Configuration Checks'],
    last_seen_time: time,
    last_seen_time_dt: time_dt,
  }
}

function resourceOf({ reading }: AuditSummary, { kind, name }: Pick<AuditSubject, 'kind' | 'name'>) {
  const { userPoolId, account, region } = reading ?? {}
  const place = region === undefined ? {} : { region, cloud_partition: partitionOf(region) }
  if (kind === 'role') return { type: 'AwsIamRole', uid: name }
  const pool =
    userPoolId !== undefined && account !== undefined && region !== undefined
      ? `arn:${partitionOf(region)}:cognito-idp:${region}:${account}:userpool/${userPoolId}`
      : userPoolId
  if (kind === 'group')
    return {
      type: 'AwsCognitoUserPoolGroup',
      name,
      ...(pool !== undefined && { uid: `${pool}/group/${name}` }),
      ...place,
    }
  return {
    type: 'AwsCognitoUserPool',
    name: reading?.poolName ?? userPoolId ?? 'user pool',
    ...(pool !== undefined && { uid: pool }),
    ...place,
  }
}

function partitionOf(region: string): string {
  return region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
}
