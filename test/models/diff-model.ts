import type { Group } from '../../src/group.js'
import type { Semantics } from '../../src/claims/decide.js'
import { modelResolve } from './resolve-model.js'

/** What changes for users, said plainly and in no hurry. It shares no code with `src/`. */

export interface ModelUser {
  readonly username: string
  readonly sub?: string | undefined
  readonly groups: readonly string[]
}

export interface ModelPool {
  readonly groups: readonly Group[]
  readonly users: readonly ModelUser[]
}

export interface ModelChange {
  readonly username: string
  readonly presence: 'both' | 'new' | 'gone'
  readonly change: string
}

function answerOf(pool: ModelPool, user: ModelUser | undefined, semantics: Semantics) {
  const found = pool.groups.filter(group => user?.groups.includes(group.groupName) === true)
  const { outcome, roles, preferredRole = null, candidateRole = null } = modelResolve(found, semantics)
  return { outcome, roles: roles.toSorted(), preferredRole, candidateRole }
}

/** The kind of a change, by the words of the documentation. */
export function modelChangeOf(was: ReturnType<typeof answerOf>, is: ReturnType<typeof answerOf>): string {
  const isDoubtful = was.outcome === 'undetermined' || is.outcome === 'undetermined'
  const isSameDoubt = was.outcome === is.outcome && was.candidateRole === is.candidateRole
  if (isDoubtful && !isSameDoubt) return 'undetermined'
  if (was.preferredRole === null && is.preferredRole !== null) return 'gained'
  if (was.preferredRole !== null && is.preferredRole === null) return 'lost'
  if (was.preferredRole !== is.preferredRole) return 'changed'
  return was.roles.join(' ') === is.roles.join(' ') ? 'same' : 'allowed-roles'
}

/** Every pair of users is looked at: those with one name, and not two different subs, are one user. */
export function modelDiff(before: ModelPool, after: ModelPool, semantics: Semantics): readonly ModelChange[] {
  const isOne = (a: ModelUser, b: ModelUser) =>
    a.username === b.username && (a.sub === undefined || b.sub === undefined || a.sub === b.sub)
  const changeOf = (was: ModelUser | undefined, is: ModelUser | undefined) =>
    modelChangeOf(answerOf(before, was, semantics), answerOf(after, is, semantics))
  const found: ModelChange[] = []
  for (const is of after.users) {
    const was = before.users.find(one => isOne(one, is))
    found.push({ username: is.username, presence: was === undefined ? 'new' : 'both', change: changeOf(was, is) })
  }
  for (const was of before.users)
    if (!after.users.some(is => isOne(was, is)))
      found.push({ username: was.username, presence: 'gone', change: changeOf(was, undefined) })
  return found
}

/** The users in both who are in other groups, in the order of the later ones. */
export function modelRegrouped(before: ModelPool, after: ModelPool): readonly string[] {
  const isOne = (a: ModelUser, b: ModelUser) =>
    a.username === b.username && (a.sub === undefined || b.sub === undefined || a.sub === b.sub)
  const found: string[] = []
  for (const is of after.users)
    for (const was of before.users) {
      const areSame = was.groups.every(name => is.groups.includes(name)) && was.groups.length === is.groups.length
      if (isOne(was, is) && !areSame) found.push(is.username)
    }
  return found
}

export type ModelStep =
  | { readonly add: string; readonly precedence: number | null; readonly roleArn: string | null }
  | { readonly set: string; readonly precedence: number | null; readonly roleArn: string | null }
  | { readonly remove: string }
  | { readonly join: string; readonly user: string }
  | { readonly leave: string; readonly user: string }

/** The pool after some steps, one after the other: new groups are empty. */
export function modelSteps(pool: ModelPool, steps: readonly ModelStep[]): ModelPool {
  let groups = pool.groups.map(group => ({ ...group }))
  let users = pool.users.map(user => ({ ...user, groups: [...user.groups] }))
  for (const step of steps) {
    if ('add' in step) {
      groups = [...groups, { groupName: step.add, precedence: step.precedence, roleArn: step.roleArn }]
      users = users.map(user => ({ ...user, groups: user.groups.filter(name => name !== step.add) }))
    } else if ('set' in step) {
      groups = groups.map(group =>
        group.groupName === step.set ? { ...group, precedence: step.precedence, roleArn: step.roleArn } : group,
      )
    } else if ('remove' in step) groups = groups.filter(({ groupName }) => groupName !== step.remove)
    else
      users = users.map(user => {
        if (user.username !== step.user) return user
        const others = user.groups.filter(name => name !== ('join' in step ? step.join : step.leave))
        return { ...user, groups: 'join' in step ? [...others, step.join] : others }
      })
  }
  return { groups, users }
}
