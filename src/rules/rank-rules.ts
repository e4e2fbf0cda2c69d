import { ROLE_ARN_PATTERN } from '../aws-ids.js'
import { MAX_GROUPS_PER_POOL, MAX_GROUPS_PER_USER, MAX_ROLE_ARN_LENGTH } from '../quotas.js'
import { about, type Draft, listed, lowered, quoted, quotedName } from './draft.js'
import type { Severity } from './finding.js'
import { isGroupName, MAX_PRECEDENCE } from '../group.js'
import type { DeclaredPrecedence, Membership, RoleReference, Value } from './infrastructure.js'
import {
  groupBy,
  type GroupView,
  judgePrecedence,
  knownOr,
  type PoolView,
  possibilities,
  roleKey,
} from './pool-view.js'
import { resolveRoles } from '../claims/resolve.js'
import { blockOf, type Clash, clashes, hasOneLevel, hasRole, outrankings, type Tie } from './ties.js'

/** What an identity pool makes of the pool's tokens, as far as the file says it for sure. */
interface Use {
  readonly denies: boolean
  readonly fallsBack: boolean
  readonly rulesOnly: boolean
}

function useOf({ mappings }: PoolView): Use {
  const types = mappings.map(({ mapping }) => knownOr(mapping.type, undefined))
  const ofToken = mappings.filter((_, index) => types[index] === 'Token')
  const resolutions = new Set(ofToken.map(({ mapping }) => knownOr(mapping.ambiguousRoleResolution, undefined)))
  return {
    denies: resolutions.has('Deny'),
    fallsBack: resolutions.has('AuthenticatedRole'),
    rulesOnly: types.length > 0 && types.every(type => type === 'Rules'),
  }
}

/** What then happens in the identity pool. Begins with a space, unless it is empty. */
function consequence({ denies, fallsBack, rulesOnly }: Use, verb: 'then' | 'may then'): string {
  const s = verb === 'then' ? 's' : ''
  if (rulesOnly) return ' The identity pool maps this pool by rules, so only what reads the claim itself is affected.'
  if (denies) return ` The identity pool (Token, Deny) ${verb} refuse${s} credentials.`
  if (fallsBack) return ` The identity pool (Token, AuthenticatedRole) ${verb} give${s} the authenticated role.`
  return ''
}

/** What happens to a user whose roles are not preferred. With one role alone AWS documents that the identity pool gives it. */
function unpreferredConsequence({ denies, fallsBack, rulesOnly }: Use): string {
  if (rulesOnly) return consequence({ denies, fallsBack, rulesOnly }, 'then')
  if (denies)
    return ' The identity pool (Token, Deny) gives the role to a user who has no other; to a user with several roles and no preferred one it refuses credentials.'
  if (fallsBack)
    return ' The identity pool (Token, AuthenticatedRole) gives the role to a user who has no other; a user with several roles and no preferred one gets the authenticated role.'
  return ''
}

/** COG101 to COG161 but for the rules on trust and on mappings: what the groups of a pool say, and who is in them. */
export function judgeRanks(pool: PoolView, ties: readonly Tie[], memberships: readonly Membership[]): readonly Draft[] {
  const use = useOf(pool)
  const victims = victimsOf(pool, ties, memberships)
  return [
    ...ties.map(tie => tieDraft(pool, tie, use, victims.has(tie))),
    ...[...victims].map(([tie, users]) => victimsDraft(pool, tie, users)),
    ...outrankings(pool).map(clash => outrankingDraft(pool, clash)),
    ...withoutPrecedence(pool, use),
    ...nullAmongNumbered(pool, use),
    ...privilegedBehindOrdinary(pool),
    ...pool.groups.flatMap(group => [
      ...terraformDrafts(pool, group),
      ...limitDrafts(pool, group),
      ...federatedDrafts(pool, group),
    ]),
    ...repeatedNames(pool),
    ...tooMany(pool, memberships),
  ]
}

function tieDraft(pool: PoolView, tie: Tie, use: Use, hasVictim: boolean): Draft {
  const isConflict = tie.ruleId === 'COG101'
  const base: Severity = use.rulesOnly ? 'note' : isConflict ? 'error' : 'warning'
  const all = tie.groups.length === 2 ? 'both' : 'all'
  const has = tie.certain ? `${all} have` : `may ${tie.groups.length === 2 ? 'both' : 'all'} have`
  const names = listed(tie.groups, group =>
    isConflict ? `${quoted(group.name)} (${rolesText(group)})` : quoted(group.name),
  )
  const [bearers, roleless] = [
    tie.groups.filter(group => hasRole(group) !== false),
    tie.groups.filter(group => hasRole(group) !== true),
  ]
  const what = isConflict
    ? `${names} ${has} precedence ${tie.level} and their roles differ${whereText(tie)}: for a user in two of different roles Cognito sets no \`cognito:preferred_role\`, and does not consult the next precedence.${consequence(use, 'then')}`
    : `${names} ${has} precedence ${tie.level}, ${listed(bearers, quotedName)} with a role and ${listed(roleless, quotedName)} without one${whereText(tie)}: AWS does not document whether Cognito then sets a preferred role for a user in both kinds.${consequence(use, 'may then')}`
  return {
    ...about(pool, tie.groups),
    ruleId: tie.ruleId,
    severity: hasVictim ? 'error' : tie.certain ? base : lowered(base),
    message: what,
  }
}

function rolesText({ roles }: GroupView): string {
  return listed(roles, role => (role === null ? 'no role' : quoted(role.id)), 'or')
}

/** What has to hold for a clash that is not certain. Begins with a comma, unless it is empty. */
function whereText({ groups, certain }: Clash): string {
  if (certain) return ''
  const kinds = new Set(groups.flatMap(({ roles }) => roles.flatMap(role => (role === null ? [] : [role.kind]))))
  const isOpen = groups.some(group => !hasOneLevel(group) || !group.hasKnownRole || group.roles.length > 1)
  const mayBeApart = groups.some(
    group => group.definition.condition !== groups[0]!.definition.condition || group.isRepeated,
  )
  const parts = [
    ...(isOpen ? ['the values that the file leaves open come out so'] : []),
    ...(mayBeApart ? ['the groups exist together'] : []),
    ...(kinds.has('reference') || kinds.size > 1 ? ['what stands for their roles is not one and the same role'] : []),
  ]
  return `, where ${listed(parts, String)}`
}

function outrankingDraft(pool: PoolView, clash: Clash): Draft {
  const byLevel = clash.groups.toSorted((a, b) => Math.min(...numbers(a)) - Math.min(...numbers(b)))
  const bearers = byLevel.filter(group => hasRole(group) !== false)
  const roleless = byLevel.filter(group => hasRole(group) !== true)
  return {
    ...about(pool, [...roleless, ...bearers.filter(group => !roleless.includes(group))]),
    ruleId: 'COG104',
    severity: 'note',
    message: `${rankedNames(roleless)} ${clash.certain ? '' : 'may '}${roleless.length === 1 && clash.certain ? 'has' : 'have'} no role and ${clash.certain && roleless.length === 1 ? 'ranks' : 'rank'} before ${rankedNames(bearers)} with a role${whereText(clash)}: a group without a role stands aside, so a user in both kinds gets the role all the same.`,
  }
}

function rankedNames(groups: readonly GroupView[]): string {
  return listed(groups, group => `${quoted(group.name)} (${listed(numbers(group), String, 'or')})`)
}

function numbers({ levels }: GroupView): readonly number[] {
  return levels.filter(level => level !== null)
}

function bearsRole({ roles }: GroupView): boolean {
  return roles.some(role => role !== null)
}

function isUnranked({ levels, terraform }: GroupView): boolean {
  return levels.includes(null) && terraform?.effect !== 'zero-not-sent'
}

/** COG103. */
function withoutPrecedence(pool: PoolView, use: Use): readonly Draft[] {
  const numbered = pool.groups.filter(group => numbers(group).length > 0)
  const numberedRoles = new Set(numbered.flatMap(group => group.roles.flatMap(role => (role ? [roleKey(role)] : []))))
  return pool.groups
    .filter(group => isUnranked(group) && bearsRole(group))
    .map(group => {
      const certain = hasOneLevel(group) && hasRole(group) === true
      const isOnlyRoute = group.roles.some(role => role !== null && !numberedRoles.has(roleKey(role)))
      const base: Severity = use.rulesOnly ? 'note' : use.denies && isOnlyRoute ? 'error' : 'warning'
      return {
        ...about(pool, [group]),
        ruleId: 'COG103' as const,
        severity: certain ? base : lowered(base),
        message: `${quoted(group.name)} ${certain ? 'has' : 'may have'} a role and no precedence${certain ? '' : ', where the values that the file leaves open come out so'}: observed tokens have such a role in \`cognito:roles\` and never as \`cognito:preferred_role\`, even where it is the user's only one.${unpreferredConsequence(use)}`,
      }
    })
}

/** COG106. */
function nullAmongNumbered(pool: PoolView, use: Use): readonly Draft[] {
  const meant = pool.groups.filter(group => !isFederated(pool, group) && group.terraform?.effect !== 'zero-not-sent')
  const contenders = meant.flatMap(group => {
    const sides = new Set(group.levels.map(level => (level === null ? 'unranked' : 'numbered')))
    return [...sides].map(side => ({ group, side, ...blockOf(group, group.hasKnownLevel && sides.size === 1) }))
  })
  return clashes(contenders).map(clash => {
    const unranked = clash.groups.filter(isUnranked)
    const names = listed(unranked, quotedName)
    const base: Severity = use.rulesOnly || !unranked.some(bearsRole) ? 'note' : 'warning'
    const verb = clash.certain ? (unranked.length === 1 ? 'has' : 'have') : 'may have'
    return {
      ...about(pool, unranked),
      ruleId: 'COG106' as const,
      severity: clash.certain ? base : lowered(base),
      message: `${names} ${verb} no precedence while other groups of the pool have${whereText(clash)}: observed tokens prefer a numbered group before one without, and never the role of a group without a precedence.`,
    }
  })
}

const PRIVILEGED = /(^|[^a-z])(super|sys)?(admins?|administrators?|root|owners?|superusers?)($|[^a-z])/i
const ORDINARY = /(^|[^a-z])(users?|members?|guests?|viewers?|readers?|customers?|everyone|public)($|[^a-z])/i

function rankOf({ levels }: GroupView): number {
  return levels[0] ?? MAX_PRECEDENCE + 1
}

/** COG105: each privileged group, with the first ordinary one before it. */
function privilegedBehindOrdinary(pool: PoolView): readonly Draft[] {
  const ranked = pool.groups.filter(group => hasOneLevel(group) && hasRole(group) === true && !group.isRepeated)
  const ordinary = ranked
    .filter(({ name }) => ORDINARY.test(name) && !PRIVILEGED.test(name))
    .toSorted((a, b) => rankOf(a) - rankOf(b))[0]
  if (ordinary === undefined) return []
  return ranked
    .filter(group => PRIVILEGED.test(group.name) && rankOf(group) > rankOf(ordinary))
    .map(group => ({
      ...about(pool, [group, ordinary]),
      ruleId: 'COG105' as const,
      severity: 'warning' as const,
      message: `${quoted(group.name)} sounds privileged and ranks behind ${quoted(ordinary.name)}: a user in both gets the role of ${quoted(ordinary.name)}, for the lowest number wins.`,
    }))
}

/** COG110, COG111. */
function terraformDrafts(pool: PoolView, group: GroupView): readonly Draft[] {
  const { terraform, definition } = group
  if (terraform === undefined) return []
  const severity: Severity = terraform.certain ? 'error' : 'warning'
  const may = terraform.certain ? '' : ' may'
  const draft = { ...about(pool, [group]), location: definition.precedence.location ?? definition.location, severity }
  if (terraform.effect === 'zero-sent') {
    return [
      {
        ...draft,
        ruleId: 'COG111',
        message: `The precedence of ${quoted(group.name)} is taken away, for which Terraform sends 0: the group${may} rank${may ? '' : 's'} first of all, not last.`,
      },
    ]
  }
  return [
    {
      ...draft,
      ruleId: 'COG110',
      message: terraform.certain
        ? `${quoted(group.name)} has precedence 0, which Terraform does not send when it makes a group: the group has no precedence in Cognito, ranks last and not first, and its role is never preferred.`
        : `${quoted(group.name)} has precedence 0, which Terraform sends when it changes a group and not when it makes one: where it was made with the 0 it may have no precedence in Cognito, and rank last and not first.`,
    },
  ]
}

/** COG150 to COG153. */
function limitDrafts(pool: PoolView, group: GroupView): readonly Draft[] {
  const { definition, name } = group
  const drafts: Draft[] = []
  const report = (ruleId: Draft['ruleId'], value: Value<unknown>, base: Severity, message: string) =>
    drafts.push({
      ...about(pool, [group]),
      location: value.location ?? definition.location,
      ruleId,
      severity: value.is === 'one-of' ? lowered(base) : base,
      message: value.is === 'one-of' ? `${message} It is one of the values that the file leaves open.` : message,
    })

  for (const raw of possibilities(definition.precedence).values) {
    const judged = judgePrecedence(raw)
    if (judged.level === undefined && judged.fault === 'out-of-range') {
      report(
        'COG150',
        definition.precedence,
        'error',
        `The precedence of ${quoted(name)} is ${shown(raw)}; Cognito takes 0 to ${MAX_PRECEDENCE} and refuses it.`,
      )
    } else if (judged.level === undefined) {
      report(
        'COG151',
        definition.precedence,
        'error',
        `The precedence of ${quoted(name)} is ${shown(raw)}; Cognito takes integers only.`,
      )
    } else if (judged.isText && definition.provider !== 'terraform') {
      report(
        'COG151',
        definition.precedence,
        'note',
        `The precedence of ${quoted(name)} is the text ${shown(raw)}; it ranks as the number if the tool converts it.`,
      )
    }
  }
  for (const groupName of possibilities(definition.groupName).values) {
    if (groupName === undefined || isGroupName(groupName)) continue
    report(
      'COG152',
      definition.groupName,
      'error',
      `${shown(groupName)} is no name of a group: Cognito takes 1 to 128 characters without white space, and refuses it.`,
    )
  }
  for (const role of possibilities(definition.role).values) {
    if (!isWrongArn(role)) continue
    report(
      'COG153',
      definition.role,
      'error',
      `The role of ${quoted(name)} is ${shown(role.id)}, which is not the ARN of an IAM role: nobody can get it.`,
    )
  }
  return drafts
}

/** Text that is still to be filled in is not judged. */
function isWrongArn(role: RoleReference | undefined): role is RoleReference {
  if (role === undefined || role.kind !== 'arn' || role.id === '' || role.id.includes('${')) return false
  return !ROLE_ARN_PATTERN.test(role.id) || role.id.length > MAX_ROLE_ARN_LENGTH
}

function shown(value: unknown): string {
  return quoted(typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value)))
}

/** COG154. */
function repeatedNames(pool: PoolView): readonly Draft[] {
  const repeated = groupBy(
    pool.groups.filter(group => group.isRepeated),
    ({ name }) => name,
  )
  return [...repeated].map(([name, groups]) => {
    const conditions = groups.map(({ definition }) => definition.condition)
    const certain = new Set(conditions).size < conditions.length
    return {
      ...about(pool, groups),
      groups: [name],
      ruleId: 'COG154' as const,
      severity: certain ? ('error' as const) : ('warning' as const),
      message: certain
        ? `${groups.length} groups of the pool are called ${quoted(name)}: Cognito refuses the second.`
        : `${groups.length} groups of the pool are called ${quoted(name)}, and Cognito refuses the second, where their conditions let them exist together.`,
    }
  })
}

/** COG155. */
function tooMany(pool: PoolView, memberships: readonly Membership[]): readonly Draft[] {
  const drafts: Draft[] = []
  if (pool.groups.length > MAX_GROUPS_PER_POOL) {
    drafts.push({
      ...about(pool, pool.groups.slice(0, 1)),
      groups: [],
      ruleId: 'COG155',
      severity: 'error',
      message: `The pool has ${pool.groups.length} groups; Cognito allows ${MAX_GROUPS_PER_POOL}, and AWS does not raise that.`,
    })
  }
  for (const [username, theirs] of byUser(memberships)) {
    const count = new Set(theirs.map(({ groupName }) => knownOr(groupName, ''))).size
    if (count <= MAX_GROUPS_PER_USER) continue
    drafts.push({
      pool: pool.name,
      subject: username,
      resources: [],
      location: theirs[0]!.location,
      ruleId: 'COG155',
      severity: 'error',
      message: `${quoted(username)} is in ${count} groups; Cognito allows ${MAX_GROUPS_PER_USER}, and AWS does not raise that.`,
    })
  }
  return drafts
}

/** The memberships of which user and group are known, by user. */
function byUser(memberships: readonly Membership[]): ReadonlyMap<string, readonly Membership[]> {
  const known = memberships.filter(({ username, groupName }) => username.is === 'known' && groupName.is === 'known')
  return groupBy(known, ({ username }) => knownOr(username, ''))
}

function isFederated({ userPoolId }: PoolView, { name, isNamed }: GroupView): boolean {
  return userPoolId !== undefined && isNamed && name.startsWith(`${userPoolId}_`)
}

/** COG160. */
function federatedDrafts(pool: PoolView, group: GroupView): readonly Draft[] {
  if (!isFederated(pool, group) || !bearsRole(group)) return []
  const certain = hasRole(group) === true
  return [
    {
      ...about(pool, [group]),
      ruleId: 'COG160',
      severity: certain ? 'warning' : 'note',
      message: `Cognito puts every user of an identity provider into ${quoted(group.name)}, which ${certain ? 'has' : 'may have'} a role: each of them has it in \`cognito:roles\`.`,
    },
  ]
}

/** The users of whom it is certain that a tie decides, by tie: what `resolveRoles` says of their groups. */
function victimsOf(
  pool: PoolView,
  ties: readonly Tie[],
  memberships: readonly Membership[],
): ReadonlyMap<Tie, readonly (readonly Membership[])[]> {
  const groups = new Map(
    pool.groups.filter(group => group.isNamed && !group.isRepeated).map(group => [group.name, group]),
  )
  const certain = groupBy(
    ties.filter(tie => tie.certain),
    ({ ruleId, level }) => `${ruleId} ${level}`,
  )
  const members = new Map(ties.map(tie => [tie, new Set(tie.groups)]))
  const victims = new Map<Tie, (readonly Membership[])[]>()
  for (const theirs of byUser(memberships).values()) {
    const own = [...new Set(theirs.flatMap(({ groupName }) => groups.get(knownOr(groupName, '')) ?? []))]
    if (!own.every(group => hasOneLevel(group) && group.hasKnownRole && group.roles.length === 1)) continue
    const resolution = resolveRoles(
      own.map(({ levels, roles }, index) => ({
        groupName: String(index),
        precedence: levels[0],
        roleArn: roles[0] ? roleKey(roles[0]) : null,
      })),
    )
    if (resolution.outcome !== 'ambiguous' && resolution.outcome !== 'undetermined') continue
    const determining = resolution.determiningGroups.map(index => own[Number(index)]!)
    const level = Math.max(...determining.flatMap(numbers))
    for (const tie of certain.get(`${resolution.outcome === 'ambiguous' ? 'COG101' : 'COG102'} ${level}`) ?? []) {
      const tied = determining.filter(group => members.get(tie)!.has(group) && group.levels[0] === level)
      if (new Set(tied.map(({ roles }) => (roles[0] ? roleKey(roles[0]) : ''))).size < 2) continue
      const names = new Set(tied.map(({ name }) => name))
      const users = victims.get(tie) ?? []
      users.push(theirs.filter(({ groupName }) => names.has(knownOr(groupName, ''))))
      victims.set(tie, users)
    }
  }
  return victims
}

/** COG161. */
function victimsDraft(pool: PoolView, tie: Tie, users: readonly (readonly Membership[])[]): Draft {
  const names = listed(users.map(([membership]) => knownOr(membership!.username, '')).toSorted(), quoted)
  const [first, ...others] = users.flat()
  const what =
    tie.ruleId === 'COG101'
      ? 'Cognito sets no preferred role.'
      : 'AWS does not document whether Cognito then sets a preferred role.'
  return {
    ...about(pool, tie.groups),
    ruleId: 'COG161',
    severity: 'error',
    message: `${names} ${users.length === 1 ? 'is' : 'are'} in groups that tie (precedence ${tie.level}), and in none with a role that ranks before: ${what}${consequence(useOf(pool), tie.ruleId === 'COG101' ? 'then' : 'may then')}`,
    location: first!.location,
    related: others.map(({ groupName, location }) => ({
      message: `membership in \`${knownOr(groupName, '')}\``,
      location,
    })),
  }
}

/** COG140: the ranks that another file of the project declares for the pool's groups. */
export function judgeDeclared(pool: PoolView, declared: readonly DeclaredPrecedence[]): readonly Draft[] {
  const groups = groupBy(
    pool.groups.filter(({ isNamed }) => isNamed),
    ({ name }) => name,
  )
  const allNamed = pool.groups.every(({ isNamed }) => isNamed)
  return declared.flatMap(({ groupName, precedence, location }): readonly Draft[] => {
    const [group] = groups.get(groupName) ?? []
    const draft = {
      pool: pool.name,
      groups: [groupName],
      location,
      ruleId: 'COG140' as const,
      severity: 'warning' as const,
    }
    if (group === undefined) {
      if (pool.groups.length === 0 || !allNamed) return []
      return [
        {
          ...draft,
          resources: [],
          message: `Amplify's list of groups has ${quoted(groupName)}, and the template does not define it.`,
        },
      ]
    }
    const level = judgePrecedence(precedence).level
    if (!hasOneLevel(group) || group.levels[0] === level) return []
    return [
      {
        ...draft,
        resources: [group.definition.id],
        related: [{ message: `group \`${groupName}\``, location: group.definition.location }],
        message: `Amplify's list of groups gives ${quoted(groupName)} ${rankText(precedence)}, and the template gives it ${rankText(group.levels[0])}.`,
      },
    ]
  })
}

function rankText(precedence: unknown): string {
  return precedence === undefined || precedence === null ? 'no precedence' : `precedence ${shown(precedence)}`
}
