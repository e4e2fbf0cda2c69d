import type { AccountSummary } from '../audit/account-summary.js'
import type { AuditSummary } from '../audit/summary.js'
import { printable } from '../text.js'
import { limitsOf } from './audit-limits.js'
import { figure } from './figure.js'

/**
 * What an audit of accounts did not look at, or cannot see: a sentence each, so that nothing that was not looked at
 * counts as clean.
 */
export function accountLimits({ pools, notRead, regions }: AccountSummary): readonly string[] {
  const limits = [
    'Regions and accounts that were not asked for were not looked at, nor were user pools that were created after the user pools were listed.',
    'Identity pools of other accounts and Regions can accept these user pools; only those of the Regions that are listed here were looked at.',
  ]
  if (notRead.length > 0)
    limits.unshift(
      `${figure(notRead.length)} of the accounts, Regions and pools that were asked for could not be read. Nothing in them is in any count or finding.`,
    )
  const withoutIdentityPools = regions.filter(({ identityPools }) => identityPools === undefined).length
  if (withoutIdentityPools > 0)
    limits.push("Where identity pools could not be listed, it is not known which role's credentials users get.")
  const ofPools = new Map<string, string[]>()
  for (const { userPoolId, audits } of pools) {
    const ofPool = new Set(audits.flatMap(({ summary }) => limitsOfPool(summary)))
    for (const limit of ofPool) ofPools.set(limit, [...(ofPools.get(limit) ?? []), userPoolId])
  }
  const labelled = [...ofPools].map(([limit, ids]) =>
    ids.length === pools.length ? limit : `${poolsText(ids, pools.length)}: ${limit}`,
  )
  return [...limits, ...labelled]
}

/** The ids if they are few, else their number. */
function poolsText(ids: readonly string[], all: number): string {
  if (ids.length > 3) return `${figure(ids.length)} of ${figure(all)} user pools`
  return `User pool${ids.length === 1 ? '' : 's'} ${ids.map(printable).join(', ')}`
}

/** Identity pools were looked for here, so it would be wrong to say that none was asked about. */
export function limitsOfPool(summary: AuditSummary): readonly string[] {
  const limits = limitsOf(summary)
  if (summary.credentials !== undefined) return limits
  return [
    'No identity pool that was looked at accepts the user pool: the roles are those that tokens prefer, not those whose credentials users get.',
    ...limits.filter(limit => !limit.startsWith('No identity pool was asked about')),
  ]
}
