import { createHash } from 'node:crypto'
import { type AuditConcern, CONCERN_NAMES, CONCERNS, NEEDS, roleConcerns } from '../audit/concerns.js'
import type { PoolChange } from '../audit/pool-change.js'
import type { RoleCheck } from '../audit/role-check.js'
import type { AuditFinding, AuditSummary } from '../audit/summary.js'
import { counted } from './figure.js'

/**
 * The subject of one result of a scanner: a role, a group, or the pool if the finding is about users. No user is named.
 */
export interface AuditSubject {
  readonly kind: 'pool' | 'group' | 'role'
  /** Absent for the pool. */
  readonly name?: string | undefined
  readonly finding: AuditFinding
  /** In one line: what it is and how many users it is about. */
  readonly message: string
  /** The same for the same finding in the same pool in every audit. */
  readonly fingerprint: string
}

/** The findings by subject, in their order. */
export function subjectsOf(summary: AuditSummary): readonly AuditSubject[] {
  return summary.findings.flatMap((finding): readonly AuditSubject[] => {
    const { concern, count, affectedUsers, groups, roles } = finding
    const { title } = CONCERNS[concern]
    const names = [...groups.map(name => ['group', name] as const), ...roles.map(name => ['role', name] as const)]
    const left = count - names.length
    const of = names.length > 0 || groups.length + roles.length > 0
    const pool: AuditSubject = {
      kind: 'pool',
      finding,
      message: of ? `${title}: ${left} more that are not listed.` : `${title}: ${counted(count, 'user')}.`,
      fingerprint: fingerprintOf(summary, concern),
    }
    if (!of) return [pool]
    const users = affectedUsers === 0 ? '' : ` The finding concerns ${counted(affectedUsers, 'user')} in all.`
    const subjects = names.map(([kind, name]) => ({
      kind,
      name,
      finding,
      message: `${title}: ${name}.${users}`,
      fingerprint: fingerprintOf(summary, concern, name),
    }))
    return left > 0 ? [...subjects, pool] : subjects
  })
}

/** Stays the same from one audit of a pool to the next. */
export function fingerprintOf({ reading }: AuditSummary, concern: AuditConcern, name = ''): string {
  const key = JSON.stringify([reading?.account ?? '', reading?.userPoolId ?? '', concern, name])
  return createHash('sha256').update(key).digest('hex').slice(0, 32)
}

/** A kind of finding of which an audit has none. */
export interface AbsentFinding {
  readonly concern: AuditConcern
  /** Why there may still be some, such as `not looked for`; undefined: there are certainly none. */
  readonly open: string | undefined
}

/** The kinds of findings of which an audit has none, and whether that is certain. */
export function absentFindings(summary: AuditSummary): readonly AbsentFinding[] {
  const { findings, credentials, roleChecks } = summary
  const found = new Set(findings.map(({ concern }) => concern))
  const has = {
    'identity-pool': credentials !== undefined,
    'role-checks': roleChecks !== undefined,
    privileges: roleChecks?.some(({ privileges }) => privileges !== undefined) ?? false,
  }
  return CONCERN_NAMES.filter(concern => !found.has(concern)).map(concern => ({
    concern,
    open: (NEEDS[concern] ?? []).every(need => has[need]) ? notKnown(summary, concern) : 'not looked for',
  }))
}

function notKnown(summary: AuditSummary, concern: AuditConcern): string | undefined {
  const isOpen = OPEN_ROLES[concern]
  const [count, noun] =
    concern === 'no-credentials'
      ? [summary.credentials?.outcomes.undetermined ?? 0, 'user']
      : [isOpen === undefined ? 0 : openRoles(summary, isOpen), 'role']
  return count === 0 ? undefined : `not known for ${counted(count, noun)}`
}

/** The existing roles for which it is not known whether the finding applies to them. */
const OPEN_ROLES: Readonly<Partial<Record<AuditConcern, (check: RoleCheck) => boolean>>> = {
  'missing-role': () => false,
  'untrusted-role': ({ trust }) => trust?.trusted === undefined,
  'administrator-role': ({ privileges }) => privileges?.administrator === undefined,
  'role-open-to-others': ({ trust }) => trust?.anyPool === undefined || trust.guests === undefined,
  'unjudged-privileges': ({ privileges }) => privileges === undefined,
}

function openRoles({ findings, credentials, roleChecks = [] }: AuditSummary, isOpen: (check: RoleCheck) => boolean) {
  const isUnchecked = (check: RoleCheck) => roleConcerns(check, credentials !== undefined).includes('unchecked-role')
  const unchecked = findings.find(({ concern }) => concern === 'unchecked-role')?.count ?? 0
  // Roles without a check appear in the finding only.
  const left = Math.max(0, unchecked - roleChecks.filter(isUnchecked).length)
  return (
    left + roleChecks.filter(check => check.status === 'unknown' || (check.status === 'exists' && isOpen(check))).length
  )
}

/** How many changes of each kind were noticed. A change itself may name a user. */
export function changeCounts(changes: readonly PoolChange[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { change } of changes) counts[change] = (counts[change] ?? 0) + 1
  return counts
}
