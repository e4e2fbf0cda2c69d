import * as z from 'zod/mini'
import type { PoolAudit } from '../../audit/account-summary.js'
import { type AuditConcern, CONCERN_NAMES } from '../../audit/concerns.js'
import type { AuditSummary } from '../../audit/summary.js'
import { USER_POOL_ID_PATTERN } from '../../aws-ids.js'
import { SEMANTICS } from '../../claims/decide.js'
import { RolecastError } from '../../errors.js'
import { SEVERITIES, type Severity } from '../../severity.js'
import type { ListedUserPool } from '../api/account-api.js'
import { identityPoolRolesResponse } from '../api/identity-pool-api.js'
import { count } from '../api/responses.js'
import { firstIssue, readAs } from '../api/schema.js'
import type { PartStamp } from './account-folder.js'
import type { LinkedIdentityPool } from './audit-account.js'

/** The records that an audit of several pools writes as it proceeds. */
export type AccountRecord = UserPoolsRecord | IdentityPoolsRecord | PoolRecord

interface Where {
  readonly account: string
  readonly region: string
}

/** The user pools of an account in a Region. */
export interface UserPoolsRecord extends Where {
  readonly kind: 'user-pools'
  /** ISO 8601, in UTC: when they were listed. */
  readonly at: string
  readonly userPools: readonly ListedUserPool[]
}

/** The identity pools of an account in a Region, if all of them were read. */
export interface IdentityPoolsRecord extends Where {
  readonly kind: 'identity-pools'
  readonly count: number
  readonly linked: readonly LinkedIdentityPool[]
}

/** A pool that is finished. */
export interface PoolRecord extends Where {
  readonly kind: 'pool'
  readonly userPoolId: string
  /** Of how identity pools choose the role of its users: if that has changed, the pool is read again. */
  readonly routes: string
  readonly audits: readonly PoolAudit[]
  /** Null where no lines were asked for. */
  readonly part: PartStamp | null
}

/**
 * A record of the journal.
 *
 * @throws RolecastError `invalid-input` for anything that an audit of an account does not write
 */
export function parseAccountRecord(value: unknown): AccountRecord {
  const parsed = readAs(accountRecord, value)
  if (!parsed.success) {
    throw new RolecastError(
      'invalid-input',
      `the folder of the checkpoint has a record that cannot be used (${firstIssue(parsed.error, value).note}); remove the folder to start again`,
      { value, cause: parsed.error },
    )
  }
  const record = parsed.data
  // As it was written, so that the output is the same: a schema has its own order of keys.
  return record.kind === 'pool' ? (value as PoolRecord) : record
}

/** As the journal has it. */
export function toRecord(record: AccountRecord): object {
  if (record.kind !== 'identity-pools') return record
  const linked = record.linked.map(({ settings: { identityPoolId, roles, roleMappings }, ...pool }) => ({
    ...pool,
    settings: { IdentityPoolId: identityPoolId, Roles: roles, RoleMappings: roleMappings },
  }))
  return { ...record, linked }
}

const texts = z.array(z.string())
const optionalText = z.optional(z.string())
const where = {
  account: z.string().check(z.regex(/^\d{12}$/)),
  region: z.string().check(z.regex(/^[a-z\d-]{1,40}$/)),
}
const userPoolId = z.string().check(z.regex(/^[\w-]{1,55}$/))
const isoDate = z.string().check(z.refine(text => Number.isFinite(Date.parse(text))))
const counts = (names: readonly string[]) => z.object(Object.fromEntries(names.map(name => [name, count])))

const summary = z.object({
  reading: z.optional(
    z.object({
      source: z.enum(['cognito', 'files']),
      userPoolId: optionalText,
      poolName: optionalText,
      account: optionalText,
      region: optionalText,
      startedAt: optionalText,
      endedAt: optionalText,
      strategy: z.optional(z.enum(['per-group', 'per-user'])),
      attributes: z.optional(texts),
      estimatedUsers: z.optional(count),
    }),
  ),
  semantics: z.enum(SEMANTICS),
  calibration: z.optional(z.object({ date: isoDate, userPoolId: z.string().check(z.regex(USER_POOL_ID_PATTERN)) })),
  users: count,
  disabled: count,
  enabledUnknown: count,
  memberships: count,
  outcomes: counts(['resolved', 'none', 'ambiguous', 'undetermined']),
  evidence: counts(['observed', 'documented', 'inferred', 'calibrated', 'unknown']),
  roles: z.array(z.object({ roleArn: z.string(), users: count, disabledUsers: count })),
  groups: z.array(
    z.object({
      groupName: z.string(),
      precedence: z.optional(count),
      roleArn: optionalText,
      users: count,
      disabledUsers: count,
    }),
  ),
  credentials: z.optional(
    z.object({
      identityPoolId: z.string(),
      mapping: z.enum(['Token', 'Rules', 'none']),
      outcomes: counts(['role', 'denied', 'undetermined']),
      rules: z.record(z.string(), count),
      roles: z.array(z.object({ roleArn: z.string(), users: count })),
    }),
  ),
  roleChecks: z.optional(
    z.array(
      z.object({
        roleArn: z.string(),
        status: z.enum(['exists', 'missing', 'unknown']),
        why: optionalText,
        trust: z.optional(z.looseObject({ trusted: z.optional(z.boolean()), reason: z.string() })),
        privileges: z.optional(
          z.object({
            attached: texts,
            inline: texts,
            administrator: z.optional(z.boolean()),
            notRead: texts,
          }),
        ),
      }),
    ),
  ),
  findings: z.array(
    z.object({
      concern: z.enum(CONCERN_NAMES as readonly [AuditConcern, ...AuditConcern[]]),
      severity: z.enum(SEVERITIES as readonly [Severity, ...Severity[]]),
      count,
      affectedUsers: count,
      users: texts,
      groups: texts,
      roles: texts,
    }),
  ),
  changes: z.array(
    z.union([
      z.object({ change: z.enum(['user-vanished', 'user-appeared']), username: z.string() }),
      z.object({
        change: z.enum(['group-vanished', 'group-appeared', 'group-changed', 'group-replaced', 'group-unlisted']),
        groupName: z.string(),
      }),
    ]),
  ),
}) as unknown as z.ZodMiniType<AuditSummary>

const accountRecord = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('user-pools'),
    ...where,
    at: isoDate,
    userPools: z.array(z.object({ userPoolId, name: optionalText })),
  }),
  z.object({
    kind: z.literal('identity-pools'),
    ...where,
    count,
    linked: z.array(
      z.object({
        identityPoolId: z.string(),
        name: optionalText,
        providers: z.array(z.object({ providerName: z.string(), clientId: z.string() })),
        settings: identityPoolRolesResponse,
      }),
    ),
  }),
  z.object({
    kind: z.literal('pool'),
    ...where,
    userPoolId,
    routes: z.string(),
    audits: z.array(z.object({ clientIds: z.optional(texts), summary })).check(z.minLength(1)),
    part: z.nullable(z.object({ bytes: count, sha256: z.string().check(z.regex(/^[\da-f]{64}$/)) })),
  }),
])
