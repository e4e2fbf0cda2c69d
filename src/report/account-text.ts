import picocolors from 'picocolors'
import {
  type AccountSource,
  type AccountSummary,
  type AuditedPool,
  countFindings,
  type NotRead,
  type PoolAudit,
} from '../audit/account-summary.js'
import { CONCERNS } from '../audit/concerns.js'
import type { AuditFinding } from '../audit/summary.js'
import type { Severity } from '../severity.js'
import { printable } from '../text.js'
import { accountLimits } from './account-limits.js'
import { counted, figure } from './figure.js'
import { semanticsText } from './semantics-text.js'
import type { Paint, TextOptions } from './text-style.js'
import { namesOf } from './audit-text.js'
import { indented, MAX_SHOWN, table } from './text-table.js'

export interface AccountTextOptions extends TextOptions {
  /** Of rolecast. */
  readonly toolVersion: string
}

/**
 * An audit of accounts as text for people: what was not read, the accounts and Regions, a line for each user pool, and
 * the findings of each. Not for programs: its form may change.
 */
export function accountText(summary: AccountSummary, { color, toolVersion }: AccountTextOptions): string {
  const paint = picocolors.createColors(color)
  const { accounts, notRead, pools } = summary
  const blocks = [
    [paint.bold(titleOf(summary)), ...figureLines(summary, toolVersion)],
    ...(notRead.length > 0
      ? [[paint.red(`Not read (${figure(notRead.length)})`), ...notRead.map(one => indented(notReadText(one)))]]
      : []),
    [paint.bold('Accounts and Regions'), ...regionLines(summary), ...accounts.flatMap(reachedTwice)],
    [paint.bold('User pools'), ...poolLines(summary, paint)],
    ...pools
      .flatMap(pool => pool.audits.map(audit => findingsOf(pool, audit, paint)))
      .filter(lines => lines.length > 0),
    [paint.bold('Not looked at'), ...accountLimits(summary).map(indented)],
  ]
  return blocks.map(lines => `${lines.join('\n')}\n`).join('\n')
}

/** What the audit is of, in words. */
export function titleOf({ accounts, regions }: Pick<AccountSummary, 'accounts' | 'regions'>): string {
  const names = new Set(regions.map(({ region }) => region))
  return `Audit of ${counted(accounts.length, 'account')} in ${counted(names.size, 'Region')}`
}

/** When the pools were read: from the first list to the last page. Undefined if none was. */
export function timesOfAccount({ regions, pools }: AccountSummary): string | undefined {
  const began = regions.map(({ listedAt }) => listedAt).toSorted()[0]
  const ended = pools
    .flatMap(({ audits }) => audits[0]?.summary.reading?.endedAt ?? [])
    .toSorted()
    .at(-1)
  return began === undefined ? undefined : `${began} to ${ended ?? began}`
}

function figureLines(summary: AccountSummary, toolVersion: string): readonly string[] {
  const { userPools, users, disabled, findings } = summary
  const rows = [
    ['read', timesOfAccount(summary) ?? 'nothing'],
    ['semantics', semanticsText(summary)],
    ['tool', `rolecast ${printable(toolVersion)}`],
    ['user pools', `${figure(userPools.read)} of ${figure(userPools.listed)} read`],
    ['users', usersText({ users, disabled })],
    ['findings', severityText(findings)],
  ]
  return table(rows).map(indented)
}

/** The users that were read, in words. */
export function usersText({ users, disabled }: Pick<AccountSummary, 'users' | 'disabled'>): string {
  return disabled === 0 ? figure(users) : `${figure(users)}, ${figure(disabled)} of them disabled, counted separately`
}

/** `1 error, 2 warnings, no notes` */
export function severityText(findings: Readonly<Record<Severity, number>>): string {
  return (['error', 'warning', 'note'] as const)
    .map(severity => (findings[severity] === 0 ? `no ${severity}s` : counted(findings[severity], severity)))
    .join(', ')
}

/** How an account was reached, in words. */
export function sourceText({ profile, roleArn }: AccountSource): string {
  if (roleArn !== undefined) return `role ${printable(roleArn)}`
  return profile === undefined ? 'the credentials of the environment' : `profile ${printable(profile)}`
}

function reachedTwice({ account, sources }: AccountSummary['accounts'][number]): readonly string[] {
  if (sources.length < 2) return []
  const [used, ...others] = sources
  return [
    indented(
      `${account} was reached by ${sourceText(used!)}, and also by ${others.map(sourceText).join(', ')}; it was read once, with the first.`,
    ),
  ]
}

/** What was not read, and why. */
export function notReadText({
  what,
  source,
  account,
  region,
  userPoolId,
  identityPoolId,
  code,
  message,
}: NotRead): string {
  const subject = {
    account: `the account of ${sourceText(source ?? {})}`,
    region: `account ${account}, Region ${region}`,
    'user-pool': `user pool ${userPoolId} of account ${account}`,
    'identity-pools': `the identity pools of account ${account}, Region ${region}`,
    'identity-pool': `identity pool ${identityPoolId} of account ${account}`,
  }[what]
  return `${printable(subject)}: ${printable(message)} [${code}]`
}

function regionLines({ regions, accounts }: AccountSummary): readonly string[] {
  if (regions.length === 0) return ['  (none)']
  const sources = new Map(accounts.map(({ account, sources: ways }) => [account, ways[0]]))
  const rows = regions.map(({ account, region, userPools, identityPools }) => [
    account,
    printable(region),
    userPools === 0 ? 'no user pools' : counted(userPools, 'user pool'),
    identityPools === undefined ? 'identity pools not read' : counted(identityPools, 'identity pool'),
    sourceText(sources.get(account) ?? {}),
  ])
  return table(rows).map(indented)
}

function poolLines({ pools }: AccountSummary, paint: Paint): readonly string[] {
  if (pools.length === 0) return ['  (none)']
  const header = ['account', 'user pool', 'name', 'users', 'disabled', 'errors', 'warnings', 'notes', 'identity pools']
  const rows = pools.map(pool => {
    const { account, userPoolId, name, audits } = pool
    const { error, warning, note } = countFindings(pool)
    const { users, disabled } = audits[0]!.summary
    const identityPools = new Set(audits.flatMap(({ summary }) => summary.credentials?.identityPoolId ?? []))
    return [
      account,
      printable(userPoolId),
      name === undefined ? '' : printable(name),
      ...[users, disabled, error, warning, note, identityPools.size].map(figure),
    ]
  })
  const [head, ...lines] = table([header, ...rows], [3, 4, 5, 6, 7, 8])
  return [indented(paint.dim(head!)), ...lines.map(indented)]
}

/** The user pool, and the identity pool through which its users get credentials. */
export function auditTitle(
  { account, region, userPoolId, name }: AuditedPool,
  { summary, clientIds = [] }: PoolAudit,
): string {
  const { credentials } = summary
  const pool = `User pool ${printable(userPoolId)}${name === undefined ? '' : ` (${printable(name)})`} of account ${account}, Region ${printable(region)}`
  if (credentials === undefined) return pool
  const clients = clientIds.slice(0, MAX_SHOWN).map(printable).join(', ')
  return `${pool}, by identity pool ${printable(credentials.identityPoolId)} for ${clientIds.length === 1 ? 'app client' : 'app clients'} ${clients}`
}

function findingsOf(pool: AuditedPool, audit: PoolAudit, paint: Paint): readonly string[] {
  const { findings } = audit.summary
  if (findings.length === 0) return []
  return [paint.bold(auditTitle(pool, audit)), ...findings.flatMap(finding => findingLines(finding, paint))]
}

const COLORS: Readonly<Record<Severity, 'red' | 'yellow' | 'dim'>> = { error: 'red', warning: 'yellow', note: 'dim' }

function findingLines(finding: AuditFinding, paint: Paint): readonly string[] {
  const { concern, severity, count } = finding
  return [
    indented(paint[COLORS[severity]](`${severity}: ${CONCERNS[concern].title} (${figure(count)})`)),
    ...namesOf(finding),
  ]
}
