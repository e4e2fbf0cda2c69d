import { resolveRoles } from '../claims/resolve.js'
import {
  IDENTITY_GROUPS,
  IDENTITY_POOL_CASES,
  IDENTITY_USERS,
  type IdentityPoolCase,
  identityGroups,
  type UserName,
} from './identity-pool-cases.js'
import { MAX_MARKERS, MAX_SETTINGS_WAIT } from './identity-pool-probes.js'
import { asks, MAX_ROLE_WAIT, PAUSE } from './waits.js'
import { PLACEHOLDERS, predictSelection } from './identity-pool-result.js'
import { type Count, type PlannedStep, step, users } from './planned-step.js'

const USERS = Object.keys(IDENTITY_USERS) as readonly UserName[]

/** What `--identity-pool` does. */
export function identityPoolSteps(): readonly PlannedStep[] {
  const memberships = Object.values(IDENTITY_USERS).reduce((sum, groups) => sum + groups.length, 0)
  return [
    step('an identity pool, its roles and users', [
      ['CreateIdentityPool', 1],
      ['CreateRole', 3],
      ['CreateGroup', IDENTITY_GROUPS.length],
      ...users(USERS.length),
      ['AdminAddUserToGroup', memberships],
      ['AdminInitiateAuth', USERS.length],
      ['GetId', USERS.length],
    ]),
    step('which role the identity pool gives', casesCounts()),
  ]
}

/** The deletions at its end. */
export const IDENTITY_POOL_DELETION: readonly Count[] = [
  ['DescribeIdentityPool', 2],
  ['DeleteIdentityPool', 1],
  ['GetRole', 6],
  ['DeleteRole', 3],
]

export const IDENTITY_POOL_CREATES =
  '1 identity pool without guests, for the app client, and 3 roles without permissions that only its users can assume; 6 more groups and 6 more users in the user pool'

/** Users who sign in. */
export const IDENTITY_POOL_USERS = USERS.length

/** Seconds in which nothing is sent, between two probes with the same settings. */
export function identityPoolPauses(): number {
  return (IDENTITY_POOL_CASES.reduce((sum, one) => sum + questionsOf(one).length, 0) * PAUSE) / 1_000
}

function casesCounts(): readonly Count[] {
  const cases = IDENTITY_POOL_CASES.length
  const settings = 2 * cases
  const questions = IDENTITY_POOL_CASES.map(questionsOf)
  const asked = cases + questions.reduce((sum, some) => sum + 2 * some.length, 0)
  const given = cases + questions.reduce((sum, some) => sum + 2 * some.filter(isGiven => isGiven).length, 0)
  const mostAsked = cases * (MAX_MARKERS * 2 + 1) * asks(MAX_ROLE_WAIT)
  return [
    ['SetIdentityPoolRoles', settings, settings * MAX_MARKERS],
    ['GetIdentityPoolRoles', settings, settings * MAX_MARKERS * asks(MAX_SETTINGS_WAIT)],
    ['GetCredentialsForIdentity', asked, mostAsked],
    ['GetCallerIdentity', given, mostAsked],
  ]
}

/**
 * What is asked with the settings of a case, each twice: whether a role is given. Where it is undetermined, the first
 * reading counts.
 */
function questionsOf(one: IdentityPoolCase): readonly boolean[] {
  const names: readonly string[] = IDENTITY_USERS[one.user]
  const groups = identityGroups(PLACEHOLDERS).filter(({ groupName }) => names.includes(groupName))
  const claims = { ...resolveRoles(groups).claims }
  const isGiven = (asked: IdentityPoolCase) => {
    const { outcome, candidates = [] } = predictSelection(asked, claims, PLACEHOLDERS)
    return (candidates[0]?.outcome ?? outcome) === 'role'
  }
  const { customRole, ...plain } = one
  return customRole === undefined ? [isGiven(one)] : [isGiven(plain), isGiven(one)]
}
