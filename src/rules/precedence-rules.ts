import { listNames, quote } from '../errors.js'
import { MAX_PRECEDENCE, rankOf } from '../group.js'
import type { Severity } from '../severity.js'
import { neverPreferredImpact, NO_ROLES_IMPACT, prefersOtherImpact } from './identity-pool-use.js'
import { ACCESS_CONTROL, CREATE_GROUP, GROUP_TYPE } from './pages.js'
import { type GroupView, isFederated, roleKey } from './pool-view.js'
import { checkPrecedence } from './precedence.js'
import { about, aboutValue, defineRule, lowered, yaml } from './rule.js'
import { cohortOf, conflicts, hasOneRank, hasRole, mayHaveRole, numbersOf, OPEN_VALUES, premise } from './ties.js'
import { possibilities, quoteLiteral } from './value.js'

const nullPrecedenceRole = defineRule({
  id: 'COG103',
  slug: 'null-precedence-role',
  title: 'A group has a role and no precedence',
  severity: 'warning',
  context:
    "An error where an identity pool with `Token` and `Deny` uses the pool and no numbered group has the role. A note where the pool's only role mapping is `Rules`.",
  lowersUncertain: true,
  enabled: true,
  what: 'The role is in `cognito:roles` and never becomes `cognito:preferred_role`, even for a user who has no other role.',
  why: "AWS's page on role-based access control says that a user's only role is preferred. Tokens observed in 2024, 2025 and 2026 contradict it: the role is preferred once the same group has a precedence.",
  fix: 'Give the group a precedence that no other group of the pool has.',
  avoid: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, RoleArn: arn:aws:iam::111122223333:role/Admin }
  `),
  prefer: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Admin }
  `),
  see: ACCESS_CONTROL,
  check(pool) {
    const { use } = pool
    const numbered = pool.groups.filter(group => numbersOf(group).length > 0)
    const numberedRoles = new Set(numbered.flatMap(group => group.roles.flatMap(role => (role ? [roleKey(role)] : []))))
    return pool.groups
      .filter(group => isUnranked(group) && mayHaveRole(group))
      .map(group => {
        const certain = hasOneRank(group) && hasRole(group) === true
        const isOnlyRoute = group.roles.some(role => role !== null && !numberedRoles.has(roleKey(role)))
        const base: Severity = use.rulesOnly ? 'note' : use.denies && isOnlyRoute ? 'error' : 'warning'
        const cause = certain
          ? `${quote(group.name)} has a role and no precedence.`
          : `${quote(group.name)} may have a role and no precedence, if ${OPEN_VALUES}.`
        const effect =
          "Observed tokens list such a role in `cognito:roles` and never set it as `cognito:preferred_role`, even if it is the user's only role."
        return {
          ...about(pool, [group]),
          severity: certain ? base : lowered(base),
          message: `${cause} ${effect}`,
          impact: neverPreferredImpact(use),
        }
      })
  },
})

function isUnranked({ ranks, terraform }: GroupView): boolean {
  return ranks.includes(null) && terraform?.effect !== 'zero-not-sent'
}

const PRIVILEGED = /(^|[^a-z])(super|sys)?(admins?|administrators?|root|owners?|superusers?)($|[^a-z])/i
const ORDINARY = /(^|[^a-z])(users?|members?|guests?|viewers?|readers?|customers?|everyone|public)($|[^a-z])/i

const privilegedNameRanksBelow = defineRule({
  id: 'COG105',
  slug: 'privileged-name-ranks-below',
  title: 'A group with a privileged name ranks behind one with an ordinary name',
  severity: 'warning',
  enabled: false,
  what: 'The lowest number wins: an administrator who is also in the ordinary group gets the ordinary role.',
  why: "It is easy to take the numbers the wrong way round: AWS's own text did until 2018. The rule looks at names only and the order may be intended, so it is off by default.",
  fix: 'Give the privileged group the lower number, unless the order is intended.',
  avoid: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 10, RoleArn: arn:aws:iam::111122223333:role/Admin }
      Users:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: users, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/User }
  `),
  prefer: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Admin }
      Users:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: users, Precedence: 10, RoleArn: arn:aws:iam::111122223333:role/User }
  `),
  see: GROUP_TYPE,
  /** Each privileged group, with the first ordinary one before it. */
  check(pool) {
    const ranked = pool.groups.filter(group => hasOneRank(group) && hasRole(group) === true && !group.isRepeated)
    const ordinary = ranked
      .filter(({ name }) => ORDINARY.test(name) && !PRIVILEGED.test(name))
      .toSorted((a, b) => rankOfView(a) - rankOfView(b))[0]
    if (ordinary === undefined) return []
    return ranked
      .filter(group => PRIVILEGED.test(group.name) && rankOfView(group) > rankOfView(ordinary))
      .map(group => ({
        ...about(pool, [group, ordinary]),
        message: `${quote(group.name)} sounds privileged and ranks behind ${quote(ordinary.name)}. For a user in both, Cognito prefers the role of ${quote(ordinary.name)}, because the lowest number wins.`,
        impact: prefersOtherImpact(pool.use, `the role of ${quote(ordinary.name)}`),
      }))
  },
})

/** Of a group with one known rank. */
function rankOfView({ ranks }: GroupView): number {
  return rankOf({ precedence: ranks[0] })
}

const nullAmongNumbered = defineRule({
  id: 'COG106',
  slug: 'null-among-numbered',
  title: 'A group has no precedence, although other groups of the pool have one',
  severity: 'warning',
  context:
    "A note where none of these groups has a role, or where the pool's only role mapping is `Rules`. The groups that Cognito creates for identity providers never count.",
  lowersUncertain: true,
  enabled: true,
  what: 'A group without a precedence ranks after every numbered one, and its role is never preferred: tokens observed in September 2026 prefer the numbered group.',
  why: 'Where the other groups have a precedence, a group without one is most often an oversight.',
  fix: 'Give the group a precedence too.',
  avoid: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Admin }
      Staff:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: staff }
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
    const intended = pool.groups.filter(
      group => !isFederated(pool, group) && group.terraform?.effect !== 'zero-not-sent',
    )
    const competitors = intended.flatMap(group => {
      const sides = new Set(group.ranks.map(rank => (rank === null ? 'unranked' : 'numbered')))
      return [...sides].map(side => ({ group, side, ...cohortOf(group, group.hasKnownRank && sides.size === 1) }))
    })
    return conflicts(competitors).map(conflict => {
      const unranked = conflict.groups.filter(isUnranked)
      const names = listNames(unranked.map(({ name }) => name))
      const base: Severity = pool.use.rulesOnly || !unranked.some(mayHaveRole) ? 'note' : 'warning'
      const cause = conflict.certain
        ? `Other groups of the pool have a precedence, but there is none for ${names}.`
        : `Other groups of the pool have a precedence, but there may be none for ${names}, if ${premise(conflict)}.`
      return {
        ...about(pool, unranked),
        severity: conflict.certain ? base : lowered(base),
        message: `${cause} Observed tokens prefer a numbered group over one without, and never prefer the role of a group without a precedence.`,
        impact: unranked.some(mayHaveRole) ? neverPreferredImpact(pool.use) : NO_ROLES_IMPACT,
      }
    })
  },
})

const precedenceOutOfRange = defineRule({
  id: 'COG150',
  slug: 'precedence-out-of-range',
  title: 'A precedence is out of range',
  severity: 'error',
  lowersUncertain: true,
  enabled: true,
  what: 'Cognito accepts 0 to 2147483647 and rejects the rest.',
  why: 'The deployment fails.',
  fix: 'Use a number from 0 to 2147483647, or leave it out.',
  avoid: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, Precedence: -1 }
  `),
  prefer: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 0 }
  `),
  see: CREATE_GROUP,
  check(pool) {
    return pool.groups.flatMap(group =>
      possibilities(group.definition.precedence)
        .values.filter(raw => checkPrecedence(raw).fault === 'out-of-range')
        .map(raw =>
          aboutValue(pool, group, group.definition.precedence, {
            severity: 'error',
            message: `The precedence of ${quote(group.name)} is ${quoteLiteral(raw)}; Cognito accepts only 0 to ${MAX_PRECEDENCE}.`,
          }),
        ),
    )
  },
})

const precedenceNotInteger = defineRule({
  id: 'COG151',
  slug: 'precedence-not-integer',
  title: 'A precedence is not an integer',
  severity: 'error',
  context:
    'A note where it is an integer written as a string, which the tools convert. Not reported in Terraform, whose specification says that it converts such a string.',
  lowersUncertain: true,
  enabled: true,
  what: 'Cognito accepts integers only.',
  why: 'The deployment fails, or the tool turns it into another number.',
  fix: 'Write a plain integer.',
  avoid: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1.5 }
  `),
  prefer: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1 }
  `),
  see: CREATE_GROUP,
  check(pool) {
    return pool.groups.flatMap(group =>
      possibilities(group.definition.precedence).values.flatMap(raw => {
        const checked = checkPrecedence(raw)
        const name = quote(group.name)
        if (checked.fault === 'not-integer') {
          const message = `The precedence of ${name} is ${quoteLiteral(raw)}; Cognito accepts integers only.`
          return [aboutValue(pool, group, group.definition.precedence, { severity: 'error', message })]
        }
        if (checked.isText && group.definition.provider !== 'terraform') {
          const message = `The precedence of ${name} is the string ${quoteLiteral(raw)}; it ranks as that number if the tool converts it.`
          return [aboutValue(pool, group, group.definition.precedence, { severity: 'note', message })]
        }
        return []
      }),
    )
  },
})

export const PRECEDENCE_RULES = [
  nullPrecedenceRole,
  privilegedNameRanksBelow,
  nullAmongNumbered,
  precedenceOutOfRange,
  precedenceNotInteger,
] as const
