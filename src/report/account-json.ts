import { type AccountSummary, countFindings } from '../audit/account-summary.js'
import { accountLimits } from './account-limits.js'
import { jsonLine, jsonText } from './json-text.js'

interface JsonOptions {
  /** Of rolecast. */
  readonly toolVersion: string
}

const VERSION = 1

/**
 * An audit of accounts as JSON, for programs: the tool, what was read and what was not, and the summary of each user
 * pool.
 */
export function accountJson(summary: AccountSummary, { toolVersion }: JsonOptions): string {
  const { pools, notRead, ...rest } = summary
  return `${jsonText({ ...headOf(toolVersion), ...rest, pools, notRead, notLookedAt: accountLimits(summary) })}\n`
}

/**
 * The last line of the NDJSON, after the lines of the user pools: a file without it is incomplete. It has the counts of
 * each pool; the summary of a pool is at the end of that pool's lines.
 */
export function accountLine(summary: AccountSummary, { toolVersion }: JsonOptions): string {
  const { pools, notRead, ...rest } = summary
  const account = {
    ...headOf(toolVersion),
    ...rest,
    pools: pools.map(pool => {
      const { account: id, region, userPoolId, name, audits } = pool
      const { users, disabled } = audits[0]!.summary
      return {
        account: id,
        region,
        userPoolId,
        name,
        audits: audits.length,
        users,
        disabled,
        findings: countFindings(pool),
      }
    }),
    notRead,
    notLookedAt: accountLimits(summary),
  }
  return `${jsonLine({ account })}\n`
}

function headOf(version: string) {
  return { version: VERSION, tool: { name: 'rolecast', version } }
}
