import type { CalibrationSource } from '../claims/choose-semantics.js'
import type { Semantics } from '../claims/decide.js'
import type { Severity } from '../severity.js'
import type { AuditSummary } from './summary.js'

/** How an account was reached: by a profile, by a role that was assumed, or by the credentials of the environment. */
export interface AccountSource {
  readonly profile?: string | undefined
  readonly roleArn?: string | undefined
}

/** An account in a Region. */
export interface AccountRegion {
  /** Of 12 digits. */
  readonly account: string
  readonly region: string
}

/** An account in a Region whose user pools were listed. */
export interface ListedRegion extends AccountRegion {
  /** ISO 8601, in UTC: a user pool that was created later is not in the audit. */
  readonly listedAt: string
  readonly userPools: number
  /** Absent if they could not be listed. */
  readonly identityPools?: number | undefined
}

/** What every user of a pool gets; if an identity pool accepts the user pool, through that identity pool. */
export interface PoolAudit {
  /** The app clients whose users get these credentials. Absent without an identity pool. */
  readonly clientIds?: readonly string[] | undefined
  readonly summary: AuditSummary
}

export interface AuditedPool extends AccountRegion {
  readonly userPoolId: string
  readonly name?: string | undefined
  /** One, or one for each way in which an identity pool chooses the role of the pool's users. */
  readonly audits: readonly PoolAudit[]
}

/** Something that should have been read and was not. It never counts as free of findings. */
export interface NotRead {
  readonly what: 'account' | 'region' | 'user-pool' | 'identity-pools' | 'identity-pool'
  readonly source?: AccountSource | undefined
  readonly account?: string | undefined
  readonly region?: string | undefined
  readonly userPoolId?: string | undefined
  readonly identityPoolId?: string | undefined
  /** The code of the error. */
  readonly code: string
  readonly message: string
}

/** All user pools of some accounts and Regions. */
export interface AccountSummary {
  readonly semantics: Semantics
  /** The calibration that chose the semantics; absent if none did. */
  readonly calibration?: CalibrationSource | undefined
  /** The accounts that were reached, and all ways to each. Each account is read once, by the first way. */
  readonly accounts: readonly { readonly account: string; readonly sources: readonly AccountSource[] }[]
  readonly regions: readonly ListedRegion[]
  readonly userPools: { readonly listed: number; readonly read: number }
  /** The totals of all pools that were read. */
  readonly users: number
  readonly disabled: number
  /** Findings of all pools that were read; a pool's finding that several of its identity pools share counts once. */
  readonly findings: Readonly<Record<Severity, number>>
  readonly pools: readonly AuditedPool[]
  readonly notRead: readonly NotRead[]
}

/** The findings of a pool, each once: those that do not depend on an identity pool are in all of its audits. */
export function countFindings({ audits }: Pick<AuditedPool, 'audits'>): Readonly<Record<Severity, number>> {
  const found = new Map(
    audits.flatMap(({ summary }) => summary.findings.map(({ concern, severity }) => [concern, severity] as const)),
  )
  const counts: Record<Severity, number> = { error: 0, warning: 0, note: 0 }
  for (const severity of found.values()) counts[severity]++
  return counts
}

/** Sums up the pools. */
export function createAccountSummary({
  semantics,
  calibration,
  accounts,
  regions,
  pools,
  notRead,
}: Pick<AccountSummary, 'semantics' | 'calibration' | 'accounts' | 'regions' | 'pools' | 'notRead'>): AccountSummary {
  const findings: Record<Severity, number> = { error: 0, warning: 0, note: 0 }
  let [users, disabled] = [0, 0]
  for (const pool of pools) {
    const counts = countFindings(pool)
    for (const severity of ['error', 'warning', 'note'] as const) findings[severity] += counts[severity]
    const [first] = pool.audits
    users += first?.summary.users ?? 0
    disabled += first?.summary.disabled ?? 0
  }
  const listed = regions.reduce((sum, { userPools }) => sum + userPools, 0)
  return {
    semantics,
    ...(calibration !== undefined && { calibration }),
    accounts,
    regions,
    userPools: { listed, read: pools.length },
    users,
    disabled,
    findings,
    pools,
    notRead,
  }
}
