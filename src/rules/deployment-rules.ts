import { listed, lowered, quoted } from './draft.js'
import type { Finding } from './finding.js'
import { type Group, isGroupName, type UserGroups } from '../group.js'
import { createImpact } from '../audit/impact.js'
import type { Infrastructure, Location } from './infrastructure.js'
import { type GroupView, judgePrecedence, possibilities, viewPools } from './pool-view.js'
import type { FindingRule } from './catalogue.js'

const GROUP = 'https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_GroupType.html'
const UPDATE_GROUP = 'https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UpdateGroup.html'

/** What is found where a template is compared with the pool that it is for. */
export const DEPLOYMENT_RULES = [
  {
    id: 'COG170',
    slug: 'group-out-of-band',
    title: 'The pool has a group that the template does not know',
    severity: 'warning',
    context: 'A note where the names of some groups of the template are not known.',
    enabled: true,
    what: 'The group was made by hand or by another stack. It takes part in every tie and every ranking, and no rule has seen it.',
    why: 'What the template says about ranks is then not the whole.',
    fix: 'Import the group into the template, or delete it.',
    example: {
      language: 'json',
      text: '{ "GroupName": "interns", "Precedence": 1, "RoleArn": "arn:aws:iam::111122223333:role/Intern" }',
    },
    see: GROUP,
  },
  {
    id: 'COG171',
    slug: 'precedence-will-change',
    title: 'The deployment changes the precedence of a group',
    severity: 'warning',
    context: 'A note where the file leaves open which precedence the group will have.',
    enabled: true,
    what: 'The template has another number than the pool. From the next token on, members may have another role.',
    why: 'Somebody changed it by hand, and the deployment takes that back; or the change is meant, and reaches users at once.',
    fix: 'See whom it reaches with `--memberships`, and deploy only if that is meant.',
    example: { language: 'yaml', text: 'Precedence: 2 # and the pool has 1' },
    see: UPDATE_GROUP,
  },
  {
    id: 'COG172',
    slug: 'precedence-will-be-removed',
    title: 'The template has no precedence where the pool has one',
    severity: 'warning',
    context: 'An error with Terraform, which then sends 0.',
    enabled: true,
    what: 'Cognito cannot clear a precedence: what happens hangs on the tool. Terraform sends 0, and the group ranks first; another tool may leave the number as it is, or make the group anew.',
    why: 'The template says that the group has no rank, and the pool goes on with one, or with the highest.',
    fix: 'Give the group in the template the number that it has, or make the group anew.',
    example: { language: 'yaml', text: 'GroupName: guests # without a Precedence, and the pool has 50' },
    see: UPDATE_GROUP,
  },
  {
    id: 'COG173',
    slug: 'group-missing',
    title: 'The pool does not have a group of the template',
    severity: 'note',
    enabled: true,
    what: 'The deployment makes it.',
    why: 'It is a new group, or one that somebody has deleted or renamed by hand; then its members are gone.',
    fix: 'Check that it is meant to be new.',
    example: { language: 'yaml', text: 'GroupName: auditors # and the pool has no such group' },
    see: GROUP,
  },
  {
    id: 'COG174',
    slug: 'role-will-change',
    title: 'The deployment changes the role of a group',
    severity: 'warning',
    context: 'A note where the file leaves open which role the group will have.',
    enabled: true,
    what: "The template and the pool differ in the group's role, or in whether it has one. Of a role that the file makes itself, only the latter can be told.",
    why: "Members may have another role from the next token on. A role cannot be cleared by Cognito's console or CLI.",
    fix: 'See whom it reaches with `--memberships`, and deploy only if that is meant.',
    example: { language: 'yaml', text: 'RoleArn: arn:aws:iam::111122223333:role/Editor # and the pool has role/Admin' },
    see: UPDATE_GROUP,
  },
  {
    id: 'COG175',
    slug: 'membership-unknown-group',
    title: 'The memberships name a group that is nowhere',
    severity: 'note',
    enabled: true,
    what: 'Neither the pool nor the template has the group, so nobody gets anything by it.',
    why: 'The file of the memberships is older than the pool, or of another one.',
    fix: 'Export the memberships again.',
    example: { language: 'json', text: '{ "username": "alice", "groups": ["no-such-group"] }' },
    see: GROUP,
  },
] as const satisfies readonly FindingRule[]

type DeploymentRuleId = (typeof DEPLOYMENT_RULES)[number]['id']

export interface LiveGroups {
  readonly userPoolId?: string | undefined
  readonly groups: readonly Group[]
}

export interface DeploymentComparison {
  /** Counts a user of the pool, so that findings say whom they reach. */
  add(user: UserGroups): void
  findings(): readonly Finding[]
}

/**
 * Compares a pool of a template with the pool as it is, by group names: what a deployment would change, and what it does
 * not know. What the template cannot tell is not compared, and a role that it makes has no ARN yet that could be.
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
  const allNamed = (view?.groups ?? []).every(({ isNamed }) => isNamed) && infrastructure.undecidable.length === 0
  const whole: Location = { path: infrastructure.paths[0] ?? '-' }

  const drafts: Draft[] = planned.flatMap(group => {
    const now = liveByName.get(group.name)
    return now === undefined ? [missing(group)] : [...judgeRank(group, now), ...judgeRole(group, now)]
  })
  const isFederated = (name: string) => live.userPoolId !== undefined && name.startsWith(`${live.userPoolId}_`)
  for (const { groupName, precedence, roleArn } of live.groups) {
    if (named.has(groupName) || isFederated(groupName)) continue
    const rank = precedence == null ? 'no precedence' : `precedence ${precedence}`
    const has = `${rank} and ${roleArn ? `the role ${quoted(roleArn)}` : 'no role'}`
    const lacks = allNamed
      ? 'does not define it'
      : 'defines none of this name, unless it is one whose name is not known'
    drafts.push({
      ruleId: 'COG170',
      severity: allNamed ? 'warning' : 'note',
      groupName,
      resources: [],
      location: whole,
      message: `The pool has the group ${quoted(groupName)} (${has}), and the template ${lacks}.`,
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
        if (reached.first.length < MOST) reached.first.push(user.username)
      }
    },
    findings: () => [
      ...drafts.map(draft => toFinding(draft, pool, users === 0 ? '' : reachText(reach.get(draft.groupName)!))),
      ...[...unknown].map(([groupName, count]) =>
        toFinding(
          {
            ruleId: 'COG175',
            severity: 'note',
            groupName,
            resources: [],
            location: whole,
            message: `${count} ${count === 1 ? 'user is' : 'users are'} in the group ${quoted(groupName)}, which neither the pool nor the template has.`,
          },
          pool,
          '',
        ),
      ),
    ],
  }
}

const MOST = 5

interface Draft extends Pick<Finding, 'severity' | 'message' | 'location' | 'resources'> {
  readonly ruleId: DeploymentRuleId
  readonly groupName: string
}

function toFinding({ ruleId, groupName, message, ...rest }: Draft, pool: string, reach: string): Finding {
  const { slug, fix } = DEPLOYMENT_RULES.find(({ id }) => id === ruleId)!
  const key = JSON.stringify([ruleId, pool, groupName])
  return { ruleId, slug, ...rest, message: `${message}${reach}`, fix, pool, groups: [groupName], related: [], key }
}

function reachText({
  members,
  hit,
  first,
}: {
  readonly members: number
  readonly hit: number
  readonly first: readonly string[]
}): string {
  if (members === 0) return ' It has no members.'
  if (hit === 0) return ` None of its ${members} members gets another answer by this deployment.`
  const more = hit > first.length ? ` and ${hit - first.length} more` : ''
  const get = hit === 1 ? 'gets' : 'get'
  return ` By this deployment ${hit} of its ${members} members ${get} another answer: ${first.map(quoted).join(', ')}${more}.`
}

function draftOf(group: GroupView, ruleId: DeploymentRuleId, certain: boolean, message: string, at?: Location): Draft {
  const { id, location } = group.definition
  const { severity } = DEPLOYMENT_RULES.find(({ id }) => id === ruleId)!
  return {
    ruleId,
    severity: certain ? severity : lowered(severity),
    groupName: group.name,
    resources: [id],
    location: at ?? location,
    message,
  }
}

function missing(group: GroupView): Draft {
  return draftOf(group, 'COG173', true, `The pool has no group ${quoted(group.name)}: the deployment makes it.`)
}

/** The ranks that the template may give, null for none; undefined where nobody knows all of them. */
function ranksOf({ definition: { precedence } }: GroupView): readonly (number | null)[] | undefined {
  const { values, complete } = possibilities(precedence)
  const levels = values.map(raw => judgePrecedence(raw).level)
  return complete && !levels.includes(undefined) ? [...new Set(levels as (number | null)[])] : undefined
}

function judgeRank(group: GroupView, { precedence }: Group): readonly Draft[] {
  const ranks = ranksOf(group)
  const now = precedence ?? null
  if (ranks === undefined || (ranks.length === 1 && ranks[0] === now)) return []
  const certain = ranks.length === 1
  const { location } = group.definition.precedence
  if (now !== null && ranks.every(rank => rank === null)) {
    const sendsZero = group.definition.provider === 'terraform'
    const then = sendsZero
      ? 'Terraform sends 0 when it takes the number away, and the group ranks first'
      : 'Cognito cannot clear a precedence, so the group keeps it, or is made anew'
    const message = `${quoted(group.name)} has precedence ${now} in the pool and none in the template: ${then}.`
    const draft = draftOf(group, 'COG172', true, message, location)
    return [sendsZero ? { ...draft, severity: 'error' } : draft]
  }
  const to = listed(ranks, rank => (rank === null ? 'none' : String(rank)), 'or')
  const changes = certain ? 'changes' : 'may change'
  return [
    draftOf(
      group,
      'COG171',
      certain,
      `The precedence of ${quoted(group.name)} ${changes} from ${now ?? 'none'} to ${to}.`,
      location,
    ),
  ]
}

function judgeRole(group: GroupView, { roleArn }: Group): readonly Draft[] {
  const { values, complete } = possibilities(group.definition.role)
  if (!complete) return []
  // A role that the file makes, or that it only refers to, may be the one that the group has.
  const differing = values.filter(role =>
    role === undefined || role.id === '' ? roleArn : !roleArn || (role.kind === 'arn' && role.id !== roleArn),
  )
  if (differing.length === 0) return []
  const certain = differing.length === values.length
  const to = listed(values, role => (role === undefined || role.id === '' ? 'none' : quoted(role.id)), 'or')
  const changes = certain ? 'changes' : 'may change'
  const message = `The role of ${quoted(group.name)} ${changes} from ${roleArn ? quoted(roleArn) : 'none'} to ${to}.`
  return [draftOf(group, 'COG174', certain, message, group.definition.role.location)]
}

/** The group as it is after the deployment, as far as that can be told: what cannot stays as it is. */
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
