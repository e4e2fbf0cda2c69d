import { listItems, listNames, quote } from '../errors.js'
import type { Severity } from '../severity.js'
import { possiblyUnpreferredImpact, prefersOtherImpact, unpreferredImpact } from './identity-pool-use.js'
import type { Membership } from './infrastructure.js'
import { GROUP_TYPE } from './pages.js'
import type { GroupView } from './pool-view.js'
import { about, type CheckedPool, defineRule, lowered, type RuleDraft, yaml } from './rule.js'
import { hasRole, numbersOf, premise, shadowed, type Tie } from './ties.js'
import { knownOr } from './value.js'

// The ties of a pool are found once, in ties.ts: COG101 and COG102 each report one kind of them, COG161 the users in
// both.

const UNDER_RULES =
  "A note where the pool's only role mapping is `Rules`, because the preferred role is not used there."

const tieDifferentRoles = defineRule({
  id: 'COG101',
  slug: 'tie-different-roles',
  title: 'Groups of equal precedence have different roles',
  severity: 'error',
  context: `${UNDER_RULES} An error in any case where a membership in the file puts a user into the tie (COG161).`,
  lowersUncertain: true,
  enabled: true,
  what: 'A user in two groups that share the lowest precedence number gets no `cognito:preferred_role` if their roles differ, and Cognito does not consult the next precedence.',
  why: 'An identity pool with `Token` then falls back: `Deny` denies credentials, `AuthenticatedRole` gives the default role. In either case the user has neither role.',
  fix: 'Give each group a different precedence, or give all of them the same role.',
  avoid: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Admin }
      Editors:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: editors, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Editor }
  `),
  prefer: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Admin }
      Editors:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: editors, Precedence: 2, RoleArn: arn:aws:iam::111122223333:role/Editor }
  `),
  see: GROUP_TYPE,
  check(pool) {
    return pool.ties
      .filter(({ kind }) => kind === 'different-roles')
      .map(tie => {
        const names = listItems(tie.groups, group => `${quote(group.name)} (${rolesText(group)})`)
        const cause = tie.certain
          ? `${names} have precedence ${tie.precedence} and different roles.`
          : `${names} may have precedence ${tie.precedence} and different roles, if ${premise(tie)}.`
        const effect =
          'For a user in two of them with different roles, Cognito sets no `cognito:preferred_role` and does not consult the next precedence.'
        return {
          ...about(pool, tie.groups),
          severity: tieSeverity(pool, tie, 'error'),
          message: `${cause} ${effect}`,
          impact: tie.certain ? unpreferredImpact(pool.use) : possiblyUnpreferredImpact(pool.use),
        }
      })
  },
})

const tieRoleAndNone = defineRule({
  id: 'COG102',
  slug: 'tie-role-and-none',
  title: 'Of groups of equal precedence, one has a role and another has none',
  severity: 'warning',
  context: `${UNDER_RULES} An error where a membership in the file puts a user into the tie (COG161).`,
  lowersUncertain: true,
  enabled: true,
  what: 'AWS does not document whether a group without a role takes part in a tie: for a user in both groups, Cognito may prefer the role, or no role at all.',
  why: 'Tokens captured in September 2026 show that a group without a role is passed over at a lower number. No observed token shows the case of equal numbers.',
  fix: 'Give the groups with a role numbers that no group without a role has.',
  avoid: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Admin }
      Staff:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: staff, Precedence: 1 }
  `),
  prefer: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Admin }
      Staff:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: staff, Precedence: 2 }
  `),
  see: GROUP_TYPE,
  check(pool) {
    return pool.ties
      .filter(({ kind }) => kind === 'role-and-none')
      .map(tie => {
        const { withRole, withoutRole } = byRole(tie.groups)
        const who = `${listNames(withRole.map(nameOf))} with a role and ${listNames(withoutRole.map(nameOf))} without one`
        const cause = tie.certain
          ? `Groups of precedence ${tie.precedence} tie, ${who}.`
          : `Groups of precedence ${tie.precedence} may tie, ${who}, if ${premise(tie)}.`
        const effect =
          'AWS does not document whether Cognito then sets a preferred role for a user in both kinds of group.'
        return {
          ...about(pool, tie.groups),
          severity: tieSeverity(pool, tie, 'warning'),
          message: `${cause} ${effect}`,
          impact: possiblyUnpreferredImpact(pool.use),
        }
      })
  },
})

function tieSeverity({ use, affectedUsers }: CheckedPool, tie: Tie, base: Severity): Severity {
  if (affectedUsers.has(tie)) return 'error'
  const severity = use.rulesOnly ? 'note' : base
  return tie.certain ? severity : lowered(severity)
}

const rolelessOutranksRole = defineRule({
  id: 'COG104',
  slug: 'roleless-outranks-role',
  title: 'A group without a role ranks before a group with one',
  severity: 'note',
  enabled: true,
  what: 'The group without a role is passed over: a user in both gets the role of the other group as `cognito:preferred_role`.',
  why: 'A token observed in September 2026 prefers the role of precedence 9 although the user is in a group of precedence 0 without a role. This is a surprise only where the group without a role is intended to block.',
  fix: 'Change nothing, unless the group is intended to block; in that case, remove its members from the groups with a role.',
  avoid: yaml(`
    Resources:
      Suspended:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: suspended, Precedence: 1 }
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 2, RoleArn: arn:aws:iam::111122223333:role/Admin }
  `),
  prefer: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 2, RoleArn: arn:aws:iam::111122223333:role/Admin }
      Staff:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: staff, Precedence: 3 }
  `),
  see: GROUP_TYPE,
  check(pool) {
    return shadowed(pool).map((conflict): RuleDraft => {
      const byRank = conflict.groups.toSorted((a, b) => Math.min(...numbersOf(a)) - Math.min(...numbersOf(b)))
      const { withRole, withoutRole } = byRole(byRank)
      const orders = ordersOf(withoutRole, withRole)
      const words = orders.slice(0, MAX_ORDERS).map((order, index) => {
        const { before, behind } = order()
        return index === 0
          ? `${rankedNames(before)}, without a role, before ${rankedNames(behind)}, with a role`
          : `${rankedNames(before)} before ${rankedNames(behind)}`
      })
      if (orders.length > MAX_ORDERS) words.push(`and so on, at ${orders.length} numbers`)
      const cause = conflict.certain
        ? `Precedence puts ${words.join('; ')}.`
        : `Precedence may put ${words.join('; ')}, if ${premise(conflict)}.`
      const who = orders.length > 1 ? 'in two of these groups, one before the other,' : 'in both kinds of group,'
      return {
        ...about(pool, [...withoutRole, ...withRole.filter(group => !withoutRole.includes(group))]),
        message: `${cause} A group without a role blocks nothing: for a user ${who} Cognito prefers the role.`,
        impact: prefersOtherImpact(pool.use, 'the role of the group that has one'),
      }
    })
  },
})

const userInTie = defineRule({
  id: 'COG161',
  slug: 'user-in-tie',
  title: 'A user is in a tie',
  severity: 'error',
  enabled: true,
  what: 'A membership puts a user into two groups of a tie, and no other group of this user that has a role ranks before the tie, so the tie decides for this user. A membership under a condition counts where that condition holds.',
  why: 'COG101 and COG102 are errors for such a tie.',
  fix: 'Resolve the tie, or take the user out of one of the groups.',
  avoid: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Admin }
      Editors:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: editors, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Editor }
      AliceIsAdmin:
        Type: AWS::Cognito::UserPoolUserToGroupAttachment
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, Username: alice }
      AliceIsEditor:
        Type: AWS::Cognito::UserPoolUserToGroupAttachment
        Properties: { UserPoolId: !Ref Pool, GroupName: editors, Username: alice }
  `),
  prefer: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Admin }
      Editors:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: editors, Precedence: 2, RoleArn: arn:aws:iam::111122223333:role/Editor }
      AliceIsAdmin:
        Type: AWS::Cognito::UserPoolUserToGroupAttachment
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, Username: alice }
      AliceIsEditor:
        Type: AWS::Cognito::UserPoolUserToGroupAttachment
        Properties: { UserPoolId: !Ref Pool, GroupName: editors, Username: alice }
  `),
  see: GROUP_TYPE,
  check(pool) {
    return [...pool.affectedUsers].map(([tie, users]) => {
      const [first, ...others] = users.flat()
      const names = listItems(users.map(namedUser).toSorted(), name => name)
      const [effect, impact] =
        tie.kind === 'different-roles'
          ? ['Cognito sets no preferred role.', unpreferredImpact(pool.use)]
          : ['AWS does not document whether Cognito then sets a preferred role.', possiblyUnpreferredImpact(pool.use)]
      return {
        ...about(pool, tie.groups),
        message: `The tie at precedence ${tie.precedence} decides for ${names}. ${effect}`,
        impact,
        location: first!.location,
        related: others.map(relatedMembership),
      }
    })
  },
})

/** The user of the memberships, with the condition that some of them exist under. */
function namedUser(memberships: readonly Membership[]): string {
  const name = quote(knownOr(memberships[0]!.username, ''))
  const condition = memberships.find(one => one.condition !== undefined)?.condition
  return condition === undefined ? name : `${name} (where ${quote(condition)} holds)`
}

function relatedMembership({ groupName, location }: Membership) {
  return { message: `membership in ${quote(knownOr(groupName, ''))}`, location }
}

function nameOf({ name }: GroupView): string {
  return name
}

/** A group that may or may not have a role is on both sides. */
function byRole(groups: readonly GroupView[]) {
  return {
    withRole: groups.filter(group => hasRole(group) !== false),
    withoutRole: groups.filter(group => hasRole(group) !== true),
  }
}

/** At most this many are named. */
const MAX_ORDERS = 3

interface Order {
  readonly before: readonly GroupView[]
  readonly behind: readonly GroupView[]
}

/**
 * Which groups without a role rank before which groups with one. Of groups with equal numbers, none ranks before
 * another.
 */
function ordersOf(withoutRole: readonly GroupView[], withRole: readonly GroupView[]): readonly (() => Order)[] {
  const lastOf = new Map(withRole.map(group => [group, Math.max(...numbersOf(group))]))
  const sorted = withRole.toSorted((a, b) => lastOf.get(a)! - lastOf.get(b)!)
  // The higher the number of a group without a role, the fewer groups are behind it: each set is the end of one list.
  const byStart = new Map<number, GroupView[]>()
  let start = 0
  for (const group of withoutRole) {
    const first = Math.min(...numbersOf(group))
    while (start < sorted.length && lastOf.get(sorted[start]!)! <= first) start++
    const known = byStart.get(start)
    if (known === undefined) byStart.set(start, [group])
    else known.push(group)
  }
  const isOfOthers = ([from, before]: readonly [number, readonly GroupView[]]) =>
    sorted.length - from > (before.length === 1 && sorted[from] === before[0] ? 1 : 0)
  return [...byStart].filter(isOfOthers).map(([from, before]) => () => {
    const behind = sorted.slice(from)
    // A group that may or may not have a role is not behind itself.
    return { before, behind: before.length === 1 ? behind.filter(group => group !== before[0]) : behind }
  })
}

function rankedNames(groups: readonly GroupView[]): string {
  return listItems(groups, group => `${quote(group.name)} (${listItems(numbersOf(group), String, 'or')})`)
}

function rolesText({ roles }: GroupView): string {
  return listItems(roles, role => (role === null ? 'no role' : quote(role.id)), 'or')
}

export const TIE_RULES = [tieDifferentRoles, tieRoleAndNone, rolelessOutranksRole, userInTie] as const
