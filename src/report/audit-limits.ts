import type { AuditSummary, CredentialsSummary } from '../audit/summary.js'
import { isCutShort } from '../audit/audit-reading.js'
import { listNames, quote } from '../errors.js'
import { calibrationLimits } from './semantics-text.js'
import { counted, figure } from './figure.js'

/**
 * What an audit did not look at, or cannot see: a sentence each, so that nothing that was not looked at counts as
 * clean.
 */
export function limitsOf(summary: AuditSummary): readonly string[] {
  const { users, credentials, roleChecks, enabledUnknown, reading } = summary
  const limits: string[] = []
  if (isCutShort(users, reading?.estimatedUsers))
    limits.push(
      `Only ${counted(users, 'user')} ${users === 1 ? 'was' : 'were'} listed, but Cognito's estimate is ${figure(reading!.estimatedUsers!)}: the others are in no count and no finding. Check that nothing between rolecast and Cognito cuts its lists short.`,
    )
  else if (users === 0) limits.push('No user was read: if the user pool has any, they are in no count and no finding.')
  if (credentials === undefined)
    limits.push(
      'No identity pool was asked about: the roles are those that tokens prefer, not those whose credentials users get.',
    )
  else limits.push(...identityPoolLimits(credentials))
  if (roleChecks === undefined)
    limits.push('Whether the roles exist, whom they trust and what they can do was not checked.')
  else if (credentials === undefined) limits.push('Whether the roles trust an identity pool was not checked.')
  if (roleChecks !== undefined && !roleChecks.some(({ privileges }) => privileges !== undefined))
    limits.push('What the roles can do was not checked.')
  else if (roleChecks !== undefined)
    limits.push(
      "Only the roles' own policies were read: not what service control policies forbid, and not whether a role can give itself more permissions.",
    )
  if (roleChecks !== undefined)
    limits.push('It is not recorded when the roles were read: IAM may have been different when the users were read.')
  if (enabledUnknown > 0)
    limits.push(
      `For ${counted(enabledUnknown, 'user')} it is not known whether they are disabled; they are counted as if they were not.`,
    )
  if (reading?.startedAt === undefined || reading.endedAt === undefined)
    limits.push(
      reading?.source === 'files'
        ? 'It is not known when the files were read from the pool, or what changed in between.'
        : 'It is not known when the groups and users were read.',
    )
  else if (reading.strategy === 'per-group')
    limits.push(
      'The groups were read one after the other: a user who was moved in the meantime can be in both groups or in neither.',
    )
  limits.push(...calibrationLimits(summary))
  limits.push('What a pre token generation trigger changes in a token cannot be seen from groups.')
  return limits
}

/** What the role mappings of an identity pool do not show. */
function identityPoolLimits({ mapping, clientId, mappedClients }: CredentialsSummary): readonly string[] {
  if (mappedClients === undefined) return []
  const limits = [
    'Whether the identity pool accepts this user pool and the app client of its users was not looked at: GetIdentityPoolRoles does not return that.',
  ]
  if (mapping !== 'none') return limits
  const isSo = 'so its users are counted as getting the authenticated role'
  limits.push(
    mappedClients.length === 0
      ? `The identity pool has no role mapping for this user pool, ${isSo}. Check that both ids belong together.`
      : `App client ${quote(clientId)} has no role mapping, ${isSo}. Those of the user pool that have one: ${listNames(mappedClients)}.`,
  )
  return limits
}

/** When it was read, in words. */
export function timesOf({ reading }: Pick<AuditSummary, 'reading'>): string {
  const { startedAt, endedAt } = reading ?? {}
  if (startedAt !== undefined && endedAt !== undefined)
    return reading?.source === 'files' ? `${endedAt}, as given with --read-at` : `${startedAt} to ${endedAt}`
  if (startedAt !== undefined) return `from ${startedAt} on, and no end is recorded`
  if (endedAt !== undefined) return `until ${endedAt}, and no start is recorded`
  return reading?.source === 'files' ? 'from files, which do not say when they were read' : 'not known'
}
