import { isFederatedGroup } from '../aws-ids.js'
import { createImpact } from '../audit/impact.js'
import { listItems, quote } from '../errors.js'
import { type Group, isGroupName, type UserGroups } from '../group.js'
import {
  groupMissing,
  groupOutOfBand,
  membershipUnknownGroup,
  precedenceWillBeRemoved,
  precedenceWillChange,
  roleWillChange,
} from './deployment-rules.js'
import type { Finding } from './finding.js'
import type { Infrastructure, Location } from './infrastructure.js'
import { type GroupView, viewPools } from './pool-view.js'
import { checkPrecedence } from './precedence.js'
import { type Draft, lowered, type Rule, toFinding } from './rule.js'
import { possibilities } from './value.js'

export interface LiveGroups {
  readonly userPoolId?: string | undefined
  readonly groups: readonly Group[]
}

export interface DeploymentComparison {
  /** Counts one user of the pool. Findings then name the users that they affect. */
  add(user: UserGroups): void
  findings(): readonly Finding[]
}

/**
 * Compares a pool of a template with the pool as it is, by group names: what a deployment would change, and what the
 * template does not define. Unknown values are not compared, and neither is a role that the template defines: it has no
 * ARN yet.
 *
 * @param poolId the `id` of a `PoolDefinition`
 */
export function compareWithPool(
  infrastructure: Infrastructure,
  poolId: string,
  live: LiveGroups,
): DeploymentComparison {
  const view = viewPools(infrastructure).find(({ id }) => id === poolId)
  const pool = view?.name ?? poolId
  const planned = (view?.groups ?? []).filter(
    ({ name, isNamed, isRepeated }) => isNamed && !isRepeated && isGroupName(name),
  )
  const liveByName = new Map(live.groups.map(group => [group.groupName, group]))
  const named = new Set((view?.groups ?? []).map(({ name }) => name))
  const allNamed = (view?.groups ?? []).every(({ isNamed }) => isNamed) && infrastructure.unresolved.length === 0
  const whole: Location = { path: infrastructure.paths[0] ?? '-' }

  const drafts: GroupDraft[] = planned.flatMap(group => {
    const now = liveByName.get(group.name)
    return now === undefined ? [missing(group)] : [...checkRank(group, now), ...checkRole(group, now)]
  })
  const isFederated = (name: string) => live.userPoolId !== undefined && isFederatedGroup(name, live.userPoolId)
  for (const { groupName, precedence, roleArn } of live.groups) {
    if (named.has(groupName) || isFederated(groupName)) continue
    const rank = precedence == null ? 'no precedence' : `precedence ${precedence}`
    const role = roleArn ? `the role ${quote(roleArn)}` : 'no role'
    const cause = `The pool has the group ${quote(groupName)} (${rank} and ${role})`
    drafts.push({
      rule: groupOutOfBand,
      severity: allNamed ? 'warning' : 'note',
      groupName,
      resources: [],
      location: whole,
      message: allNamed
        ? `${cause}, and the template does not define it.`
        : `${cause}, and the template does not define it, unless it is one of those whose names are unknown.`,
    })
  }

  const after = [
    ...live.groups.map(group =>
      plannedGroup(
        planned.find(({ name }) => name === group.groupName),
        group,
      ),
    ),
    ...planned.filter(({ name }) => !liveByName.has(name)).map(group => plannedGroup(group, { groupName: group.name })),
  ]
  const impactOn = createImpact(live.groups, after)
  const reach = new Map(drafts.map(({ groupName }) => [groupName, { members: 0, hit: 0, first: [] as string[] }]))
  const unknown = new Map<string, number>()
  let users = 0
  return {
    add(user) {
      users++
      const isHit = impactOn(user).change !== 'same'
      for (const name of new Set(user.groups)) {
        if (!liveByName.has(name) && !named.has(name)) unknown.set(name, (unknown.get(name) ?? 0) + 1)
        const reached = reach.get(name)
        if (reached === undefined) continue
        reached.members++
        if (!isHit) continue
        reached.hit++
        if (reached.first.length < MAX_USERS_NAMED) reached.first.push(user.username)
      }
    },
    findings: () => [
      ...drafts.map(({ groupName, message, ...rest }) => {
        const reached = users === 0 ? [] : [reachText(reach.get(groupName)!)]
        return toFinding({ ...rest, pool, groups: [groupName], message: [message, ...reached].join(' ') })
      }),
      ...[...unknown].map(([groupName, count]) =>
        toFinding({
          rule: membershipUnknownGroup,
          pool,
          groups: [groupName],
          resources: [],
          location: whole,
          message: `The memberships name the group ${quote(groupName)} (users in it: ${count}), which neither the pool nor the template has.`,
        }),
      ),
    ],
  }
}

const MAX_USERS_NAMED = 5

/** A draft about one group. The affected users are added once the users are counted. */
interface GroupDraft extends Omit<Draft, 'pool' | 'groups'> {
  readonly groupName: string
}

interface Reach {
  readonly members: number
  /** The users whose role changes. */
  readonly hit: number
  readonly first: readonly string[]
}

function reachText({ members, hit, first }: Reach): string {
  if (members === 0) return 'It has no members.'
  if (hit === 0)
    return members === 1
      ? 'This deployment does not change the role of its one member.'
      : `This deployment changes the role of none of its ${members} members.`
  const more = hit > first.length ? ` and ${hit - first.length} more` : ''
  const whom = members === 1 ? 'its one member' : `${hit} of its ${members} members`
  return `This deployment changes the role of ${whom}: ${first.map(quote).join(', ')}${more}.`
}

function draftOf(group: GroupView, rule: Rule, certain: boolean, message: string, at?: Location): GroupDraft {
  const { id, location } = group.definition
  return {
    rule,
    severity: certain ? rule.severity : lowered(rule.severity),
    groupName: group.name,
    resources: [id],
    location: at ?? location,
    message,
  }
}

function missing(group: GroupView): GroupDraft {
  return draftOf(group, groupMissing, true, `The pool has no group ${quote(group.name)}. The deployment creates it.`)
}

/** The ranks that the template may give, null for none; undefined where some are unknown. */
function ranksOf({ definition: { precedence } }: GroupView): readonly (number | null)[] | undefined {
  const { values, complete } = possibilities(precedence)
  const ranks = values.map(raw => checkPrecedence(raw).rank)
  return complete && !ranks.includes(undefined) ? [...new Set(ranks as (number | null)[])] : undefined
}

function checkRank(group: GroupView, { precedence }: Group): readonly GroupDraft[] {
  const ranks = ranksOf(group)
  const now = precedence ?? null
  if (ranks === undefined || (ranks.length === 1 && ranks[0] === now)) return []
  const certain = ranks.length === 1
  const { location } = group.definition.precedence
  if (now !== null && ranks.every(rank => rank === null)) {
    const sendsZero = group.definition.provider === 'terraform'
    const cause = `${quote(group.name)} has precedence ${now} in the pool and none in the template.`
    const effect = sendsZero
      ? 'Terraform sends 0 when the number is removed, and the group ranks first.'
      : 'Cognito cannot clear a precedence, so the group keeps it unless the tool recreates the group.'
    const draft = draftOf(group, precedenceWillBeRemoved, true, `${cause} ${effect}`, location)
    return [sendsZero ? { ...draft, severity: 'error' } : draft]
  }
  const to = listItems(ranks, rank => (rank === null ? 'none' : String(rank)), 'or')
  const what = `The precedence of ${quote(group.name)}`
  const message = certain
    ? `${what} changes from ${now ?? 'none'} to ${to}.`
    : `${what} may change from ${now ?? 'none'} to ${to}.`
  return [draftOf(group, precedenceWillChange, certain, message, location)]
}

function checkRole(group: GroupView, { roleArn }: Group): readonly GroupDraft[] {
  const { values, complete } = possibilities(group.definition.role)
  if (!complete) return []
  // A role that the file makes, or that it only refers to, may be the one that the group has.
  const differing = values.filter(role =>
    role === undefined || role.id === '' ? roleArn : !roleArn || (role.kind === 'arn' && role.id !== roleArn),
  )
  if (differing.length === 0) return []
  const certain = differing.length === values.length
  const from = roleArn ? quote(roleArn) : 'none'
  const to = listItems(values, role => (role === undefined || role.id === '' ? 'none' : quote(role.id)), 'or')
  const what = `The role of ${quote(group.name)}`
  const message = certain ? `${what} changes from ${from} to ${to}.` : `${what} may change from ${from} to ${to}.`
  return [draftOf(group, roleWillChange, certain, message, group.definition.role.location)]
}

/** The group as it is after the deployment, as far as that is known: unknown values stay as they are. */
function plannedGroup(group: GroupView | undefined, now: Group): Group {
  if (group === undefined) return now
  const ranks = ranksOf(group)
  const rank = ranks?.length === 1 ? ranks[0] : now.precedence
  const isRemoved = rank === null && now.precedence != null && group.definition.provider === 'terraform'
  const { values, complete } = possibilities(group.definition.role)
  const [role] = values
  const isCertain = complete && values.length === 1
  const roleArn = !isCertain
    ? now.roleArn
    : role === undefined
      ? null
      : role.kind === 'arn'
        ? role.id
        : now.roleArn || role.id
  return { groupName: now.groupName, precedence: isRemoved ? 0 : rank, roleArn }
}
