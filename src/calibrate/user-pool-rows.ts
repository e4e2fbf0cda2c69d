import type { CalibrationGroup } from '../claims/calibration.js'
import type { Evidence } from '../claims/evidence.js'

/** The partition and account of made-up role ARNs: the caller's, because Cognito may reject a role of another account. */
export interface RolePlace {
  readonly partition: string
  readonly account: string
}

/** The account in everything that is printed or stored. */
export const PLACEHOLDER_ACCOUNT = '000000000000'

/** No roles with these names exist. `ALPHA` differs from `alpha` only in letter case. */
type RoleName = 'alpha' | 'beta' | 'gamma' | 'ALPHA'

interface GroupDefinition {
  readonly precedence: number | null
  readonly role: RoleName | null
}

/** The groups of the scratch pool, made once. Each row is a user who is in some of them. */
const GROUPS = {
  'ten-alpha': { precedence: 10, role: 'alpha' },
  'ten-alpha-too': { precedence: 10, role: 'alpha' },
  'ten-beta': { precedence: 10, role: 'beta' },
  'ten-other-case': { precedence: 10, role: 'ALPHA' },
  'ten-none': { precedence: 10, role: null },
  'twenty-gamma': { precedence: 20, role: 'gamma' },
  'zero-none': { precedence: 0, role: null },
  'zero-beta': { precedence: 0, role: 'beta' },
  'null-alpha': { precedence: null, role: 'alpha' },
  'null-alpha-too': { precedence: null, role: 'alpha' },
  'null-beta': { precedence: null, role: 'beta' },
  'null-none': { precedence: null, role: null },
} as const satisfies Readonly<Record<string, GroupDefinition>>

export type GroupName = keyof typeof GROUPS

/** A user whose token is looked at. */
export interface Row {
  readonly id: string
  /** The case of docs/semantics.md that the groups make. */
  readonly row: string
  readonly about: string
  readonly members: readonly GroupName[]
  /** Present if tokens and AWS's text show less about it than about the other users of its case. */
  readonly evidence?: Evidence
}

/** Ordered so that few memberships change from one row to the next. */
export const ROWS: readonly Row[] = [
  { id: 'no-group', row: '1', about: 'no group', members: [] },
  { id: 'no-role', row: '2', about: 'groups without a role', members: ['ten-none', 'null-none'] },
  { id: 'null', row: '3', about: 'one role, no precedence', members: ['null-alpha'] },
  {
    id: 'null-one-role',
    row: '6',
    about: 'several groups without a precedence, one role',
    members: ['null-alpha', 'null-none'],
  },
  {
    id: 'null-same-role',
    row: '8',
    about: 'two groups without a precedence, one role',
    members: ['null-alpha', 'null-alpha-too'],
  },
  {
    id: 'null-two-roles',
    row: '7',
    about: 'two groups without a precedence, two roles',
    members: ['null-alpha', 'null-beta'],
  },
  {
    id: 'number-against-null',
    row: '9',
    about: 'a precedence against none',
    members: ['ten-alpha', 'null-beta'],
  },
  { id: 'control', row: '5', about: 'the control: one role, one precedence', members: ['ten-alpha'] },
  { id: 'two-numbers', row: '9', about: 'two precedences', members: ['ten-alpha', 'twenty-gamma'] },
  {
    id: 'tie-on-one-role',
    row: '10',
    about: 'a tie on one role',
    members: ['ten-alpha', 'ten-alpha-too', 'twenty-gamma'],
  },
  {
    id: 'tie-on-two-roles',
    row: '11',
    about: 'a tie on two roles',
    members: ['ten-alpha', 'ten-beta', 'twenty-gamma'],
  },
  {
    id: 'three-way-mixed',
    row: '12',
    about: 'a tie of three on two roles',
    members: ['ten-alpha', 'ten-alpha-too', 'ten-beta'],
  },
  {
    id: 'three-way-with-roleless',
    row: '12c',
    about: 'a tie of two roles and a group without a role',
    members: ['ten-alpha', 'ten-beta', 'ten-none'],
  },
  {
    id: 'roleless-contender',
    row: '13',
    about: 'a group with a role and one without, tied at the winning precedence',
    members: ['ten-alpha', 'ten-none'],
  },
  {
    id: 'roleless-contender-next',
    row: '13',
    about: 'the same, with another role at the next precedence',
    members: ['ten-alpha', 'ten-none', 'twenty-gamma'],
  },
  {
    id: 'roleless-contender-two',
    row: '13',
    about: 'two groups with one role and one without a role, tied at the winning precedence',
    members: ['ten-alpha', 'ten-alpha-too', 'ten-none'],
  },
  {
    id: 'letter-case',
    row: '11',
    about: 'a tie on two ARNs that differ in letter case',
    members: ['ten-alpha', 'ten-other-case'],
    evidence: 'inferred',
  },
  {
    id: 'roleless-below',
    row: '14',
    about: 'a group without a role at a lower precedence',
    members: ['zero-none', 'ten-alpha', 'twenty-gamma'],
  },
  {
    id: 'roleless-null-roles',
    row: '15',
    about: 'a precedence without a role, a role without a precedence',
    members: ['zero-none', 'null-alpha'],
  },
  { id: 'zero', row: '4', about: 'precedence 0', members: ['zero-beta'] },
  { id: 'zero-wins', row: '9', about: 'precedence 0 against 10', members: ['zero-beta', 'ten-alpha'] },
]

/** The groups that a user joins to test the order of claims: not sorted by name, precedence or creation. */
export const ORDER_MEMBERS: readonly GroupName[] = ['ten-alpha', 'null-beta', 'twenty-gamma', 'zero-beta', 'ten-none']

/** A group in the pool, with the ARN that Cognito is sent. */
export function groupOf(name: GroupName, place: RolePlace): CalibrationGroup {
  const { precedence, role } = GROUPS[name]
  return { groupName: name, precedence, roleArn: role === null ? null : roleArn(role, place) }
}

export const GROUP_NAMES = Object.keys(GROUPS) as readonly GroupName[]

export function roleArn(role: RoleName, { partition, account }: RolePlace): string {
  return `arn:${partition}:iam::${account}:role/rolecast-calibrate-${role}`
}

/** As many groups as a user can be in. */
export const MANY = 100

/** The groups of `many`, of which the first wins. */
export function manyGroups(place: RolePlace): readonly CalibrationGroup[] {
  const roles = ['alpha', 'beta', 'gamma'] as const
  return Array.from({ length: MANY }, (_, index) => ({
    groupName: `many-${String(index + 1).padStart(3, '0')}`,
    precedence: 1_000 + index,
    roleArn: roleArn(roles[index % roles.length]!, place),
  }))
}

/** What changes from one row to the next. */
export interface Toggle {
  readonly group: GroupName
  readonly joins: boolean
}

/** Leaving comes first, because a user who is briefly in too many groups could get a token that fits no row. */
export function togglesBetween(before: ReadonlySet<GroupName>, after: readonly GroupName[]): readonly Toggle[] {
  const leaves = [...before].filter(group => !after.includes(group))
  const joins = after.filter(group => !before.has(group))
  return [...leaves.map(group => ({ group, joins: false })), ...joins.map(group => ({ group, joins: true }))]
}
