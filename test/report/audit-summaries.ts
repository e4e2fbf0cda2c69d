import type { AuditReading } from '../../src/audit/audit-reading.js'
import type { PoolChange } from '../../src/audit/pool-change.js'
import type { RoleCheck } from '../../src/audit/role-check.js'
import {
  type AuditSummary,
  type AuditSummaryOptions,
  createAuditSummary,
  type IdentityPoolMapping,
  type UserAudit,
} from '../../src/audit/summary.js'
import type { CheckedCalibration } from '../../src/claims/calibration.js'
import type { SemanticsChoice } from '../../src/claims/choose-semantics.js'
import type { Semantics } from '../../src/claims/decide.js'
import type { RoleMapping } from '../../src/credentials/role-mapping.js'
import { selectRoleFor } from '../../src/credentials/select-role.js'
import type { Group } from '../../src/group.js'
import { compilePool } from '../../src/pool/compile-pool.js'

export const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

export const GROUPS: readonly Group[] = [
  { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
  { groupName: 'finance', precedence: 5, roleArn: role('Finance') },
  { groupName: 'hr', precedence: 5, roleArn: role('Hr') },
  { groupName: 'vip', precedence: 5 },
  { groupName: 'interns', precedence: null, roleArn: role('Intern') },
  { groupName: 'eu-west-1_Example_Google', precedence: 9, roleArn: role('Guest') },
  { groupName: 'staff' },
]

export const USERS: readonly Member[] = [
  { username: 'anna', groups: ['admins', 'staff'], sub: 'sub-anna', enabled: true, status: 'CONFIRMED' },
  { username: 'bert', groups: ['finance', 'hr'], enabled: true, attributes: { email: 'bert@example.com' } },
  { username: 'carl', groups: ['vip', 'hr'] },
  { username: 'dora', groups: ['interns'], enabled: true },
  { username: 'emil', groups: ['ghost'], enabled: true },
  { username: 'fay', groups: ['eu-west-1_Example_Google'], enabled: true },
  { username: 'gus', groups: ['admins'], enabled: false },
]

export const READING: AuditReading = {
  source: 'cognito',
  userPoolId: 'eu-west-1_Example',
  poolName: 'staff pool',
  account: '111122223333',
  region: 'eu-west-1',
  startedAt: '2026-11-28T10:00:00.000Z',
  endedAt: '2026-11-28T10:04:30.250Z',
  strategy: 'per-group',
  attributes: ['email'],
}

export const IDENTITY_POOL_ID = 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6'

const TRUST = { reason: 'allowed', anyPool: false, guests: false, placeholders: [] } as const
const POLICIES = { attached: ['AdministratorAccess'], inline: ['inline'], notRead: [] }
export const ROLE_CHECKS: readonly RoleCheck[] = [
  {
    roleArn: role('Admin'),
    status: 'exists',
    trust: { trusted: true, statementIndex: 0, ...TRUST },
    privileges: { ...POLICIES, administrator: true },
  },
  {
    roleArn: role('Finance'),
    status: 'exists',
    trust: { trusted: false, ...TRUST, reason: 'no-allow' },
    privileges: { ...POLICIES, administrator: undefined, notRead: ['The policy `inline` was not read.'] },
  },
  { roleArn: role('Guest'), status: 'missing' },
  { roleArn: role('Hr'), status: 'unknown', why: 'It was not looked at.' },
  {
    roleArn: role('Intern'),
    status: 'exists',
    trust: { trusted: undefined, statementIndex: 0, ...TRUST, reason: 'uncertain-condition', anyPool: undefined },
    privileges: { attached: [], inline: [], administrator: false, notRead: [] },
  },
]

export const CHANGES: readonly PoolChange[] = [
  { change: 'user-vanished', username: 'secret-user' },
  { change: 'group-changed', groupName: 'vip' },
]

export type Member = Omit<UserAudit, 'resolution' | 'selection'> & { readonly groups: readonly string[] }

export interface Audited extends Partial<Omit<AuditSummaryOptions, 'identityPool' | keyof SemanticsChoice>> {
  readonly users?: readonly Member[]
  readonly changes?: readonly PoolChange[]
  /** The role mapping of an identity pool; absent: none was asked about. */
  readonly mapping?: RoleMapping | undefined
  readonly semantics?: Semantics | undefined
  readonly calibration?: CheckedCalibration | undefined
}

export const TOKEN: RoleMapping = { Type: 'Token', AmbiguousRoleResolution: 'Deny' }

/** An audit of users, with all that it can have. */
export function auditedUsers({ groups = GROUPS, users = USERS, mapping, ...options }: Audited) {
  const pool = compilePool(groups, choiceOf(options))
  return users.map(({ groups: names, ...user }): UserAudit => {
    const resolution = pool.resolve(names)
    if (mapping === undefined) return { ...user, resolution }
    return { ...user, resolution, selection: selectRoleFor(resolution, mapping, { roles: {} }) }
  })
}

function choiceOf({
  semantics = 'observed',
  calibration,
}: Pick<Audited, 'semantics' | 'calibration'>): SemanticsChoice {
  return calibration === undefined ? { semantics } : { calibration }
}

export function summaryOf(audited: Audited = {}): AuditSummary {
  const { groups = GROUPS, users: _users, changes = [], mapping, semantics, calibration, ...options } = audited
  const identityPool = mapping && { identityPoolId: IDENTITY_POOL_ID, mapping: mapping.Type as IdentityPoolMapping }
  const counter = createAuditSummary({ groups, ...choiceOf({ semantics, calibration }), ...options, identityPool })
  for (const user of auditedUsers(audited)) counter.add(user)
  for (const change of changes) counter.change(change)
  return counter.summary()
}

/** With everything that an audit can have. */
export const WHOLE = { reading: READING, mapping: TOKEN, roleChecks: ROLE_CHECKS, changes: CHANGES } as const
