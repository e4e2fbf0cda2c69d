import type { AuditReading } from '../../src/audit/audit-reading.js'
import { createConcerns } from '../../src/audit/concerns.js'
import type { PoolChange } from '../../src/audit/pool-change.js'
import type { RoleCheck } from '../../src/audit/role-check.js'
import { createAuditSummary, type UserAudit } from '../../src/audit/summary.js'
import { selectRoleFor } from '../../src/credentials/select-role.js'
import { trustsIdentityPool } from '../../src/credentials/trust-policy.js'
import type { Group } from '../../src/group.js'
import { compilePool } from '../../src/pool/compile-pool.js'
import { createAuditPage } from '../../src/report/audit-page.js'

/** A pool as it may be: 500 users, most of them in order, and some of every finding. Every name and number is made up. */

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`
const LONG =
  'service-role/customer-platform/production/eu-west-1/CustomerPlatformPartnerPortalReadOnlyAccessForSubsidiaries'
const IDENTITY_POOL = 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6'

const GROUPS: readonly Group[] = [
  { groupName: 'platform-admins', precedence: 0, roleArn: role('PlatformAdmin') },
  { groupName: 'security', precedence: 5, roleArn: role('SecurityAudit') },
  { groupName: 'on-call', precedence: 5, roleArn: role('Operator') },
  { groupName: 'editors', precedence: 10, roleArn: role('Editor') },
  { groupName: 'authors', precedence: 10, roleArn: role('Editor') },
  { groupName: 'partners', precedence: 15, roleArn: role(LONG) },
  { groupName: 'customers', precedence: 20, roleArn: role('Customer') },
  { groupName: 'trial', precedence: 20 },
  { groupName: 'billing', precedence: 30, roleArn: role('Billing') },
  { groupName: 'eu-west-1_Ab12Cd34e_Okta', precedence: 40, roleArn: role('Employee') },
  { groupName: 'contractors', roleArn: role('Contractor') },
  { groupName: 'newsletter' },
]

const KINDS: readonly (readonly [share: number, groups: readonly string[]])[] = [
  [5, ['platform-admins', 'customers']],
  [4, ['security', 'on-call', 'customers']],
  [60, ['editors']],
  [25, ['editors', 'authors', 'newsletter']],
  [22, ['partners', 'customers']],
  [230, ['customers']],
  [60, ['customers', 'newsletter']],
  [7, ['customers', 'trial']],
  [8, ['billing', 'customers']],
  [4, ['billing']],
  [30, ['eu-west-1_Ab12Cd34e_Okta']],
  [9, ['contractors', 'newsletter']],
  [3, ['customers', 'beta-testers']],
  [13, ['newsletter']],
  [20, []],
]

const FIRST = ['amelie', 'bruno', 'chidi', 'dana', 'emil', 'farah', 'goran', 'hana', 'ines', 'jonas', 'keiko', 'lena']
const LAST = ['meyer', 'okafor', 'petrov', 'quispe', 'rossi', 'sato', 'tanaka', 'ulrich', 'virtanen', 'weber', 'yilmaz']

function nameOf(number: number): string {
  if (number === 7) return 'عمر الحداد'
  return `${FIRST[number % FIRST.length]}.${LAST[Math.floor(number / FIRST.length) % LAST.length]}${number >= 132 ? Math.floor(number / 132) + 1 : ''}`
}

/** Numbers from 0 up to the given one, each once and in no visible order. */
const mixed = (number: number, count: number) => (number * 197 + 31) % count

export function exampleUsers(): readonly UserAudit[] {
  const pool = compilePool(GROUPS)
  const sets = KINDS.flatMap(([share, groups]) => Array.from({ length: share }, () => groups))
  return sets.map((_, number) => {
    const resolution = pool.resolve(sets[mixed(number, sets.length)]!)
    const username = nameOf(number)
    const hex = String(number).padStart(4, '0')
    return {
      username,
      sub: `4a5b6c7d-${hex}-4abc-8def-0123456789ab`,
      enabled: number % 41 !== 3,
      status: number % 17 === 5 ? 'FORCE_CHANGE_PASSWORD' : 'CONFIRMED',
      attributes: { email: number === 7 ? 'omar@example.com' : `${username}@example.com` },
      resolution,
      selection: selectRoleFor(
        resolution,
        { Type: 'Token', AmbiguousRoleResolution: 'Deny' },
        { roles: { authenticated: role('Authenticated') } },
      ),
    }
  })
}

function trustPolicy(audience: string): object {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Federated: 'cognito-identity.amazonaws.com' },
        Action: 'sts:AssumeRoleWithWebIdentity',
        Condition: {
          StringEquals: { 'cognito-identity.amazonaws.com:aud': audience },
          'ForAnyValue:StringLike': { 'cognito-identity.amazonaws.com:amr': 'authenticated' },
        },
      },
    ],
  }
}

const trust = (audience = IDENTITY_POOL) => trustsIdentityPool(trustPolicy(audience), IDENTITY_POOL)
const judged = (attached: readonly string[], administrator = false) => ({
  attached,
  inline: [],
  administrator,
  notRead: [],
})

const CHECKS: readonly RoleCheck[] = [
  {
    roleArn: role('PlatformAdmin'),
    status: 'exists',
    trust: trust(),
    privileges: judged(['AdministratorAccess'], true),
  },
  { roleArn: role('SecurityAudit'), status: 'exists', trust: trust(), privileges: judged(['SecurityAudit']) },
  { roleArn: role('Operator'), status: 'exists', trust: trust(), privileges: judged(['OperatorAccess']) },
  { roleArn: role('Editor'), status: 'exists', trust: trust(), privileges: judged(['EditorAccess']) },
  { roleArn: role(LONG), status: 'exists', trust: trust(), privileges: judged(['PartnerPortalRead']) },
  { roleArn: role('Customer'), status: 'exists', trust: trust(), privileges: judged(['CustomerAccess']) },
  {
    roleArn: role('Billing'),
    status: 'exists',
    trust: trust('eu-west-1:0a1b2c3d-94a5-4f3e-8c53-0d1c9a4be2f6'),
    privileges: judged(['Billing']),
  },
  { roleArn: role('Contractor'), status: 'missing' },
  {
    roleArn: role('Employee'),
    status: 'unknown',
    why: 'iam:GetRole on this role was denied; allow it and read again.',
  },
]

const READING: AuditReading = {
  source: 'cognito',
  userPoolId: 'eu-west-1_Ab12Cd34e',
  poolName: 'customers-production',
  account: '111122223333',
  region: 'eu-west-1',
  startedAt: '2026-11-28T08:00:03.120Z',
  endedAt: '2026-11-28T08:02:41.004Z',
  strategy: 'per-group',
  attributes: ['email'],
}

const CHANGES: readonly PoolChange[] = [
  { change: 'user-appeared', username: 'keiko.virtanen9' },
  { change: 'group-changed', groupName: 'partners' },
]

/** The audit of that pool as a page. */
export function examplePage(): string {
  const counter = createAuditSummary({
    groups: GROUPS,
    semantics: 'observed',
    reading: READING,
    identityPool: { identityPoolId: IDENTITY_POOL, mapping: 'Token' },
    roleChecks: CHECKS,
  })
  const concernsOf = createConcerns({
    groups: GROUPS,
    userPoolId: READING.userPoolId,
    hasIdentityPool: true,
    roleChecks: CHECKS,
  })
  const page = createAuditPage({ toolVersion: '0.1.0' })
  const rows = exampleUsers().map(user => {
    counter.add(user)
    return page.row(user, concernsOf(user))
  })
  for (const change of CHANGES) counter.change(change)
  const summary = counter.summary()
  return page.head(summary) + rows.join('') + page.tail(summary)
}
