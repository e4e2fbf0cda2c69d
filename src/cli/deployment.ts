import { Readable } from 'node:stream'
import * as z from 'zod/mini'
import type { GroupChange, MembershipChange } from '../audit/impact.js'
import { isFederatedGroup } from '../aws-ids.js'
import { readAs } from '../cognito/api/schema.js'
import { listItems, quote, RolecastError } from '../errors.js'
import { type Group, isGroupName } from '../group.js'
import type { Infrastructure, RoleReference, Value } from '../rules/infrastructure.js'
import { type GroupView, viewPools } from '../rules/pool-view.js'
import { checkPrecedence } from '../rules/precedence.js'
import { assumptionsOf, possibilities } from '../rules/value.js'
import { choosePool } from './choose-pool.js'
import { inputName, readInput, STDIN } from './input-file.js'
import { decodeText } from './json-file.js'
import { readTemplates } from './template-files.js'

/** Infrastructure code that is to be deployed. */
export interface Deployment {
  readonly infrastructures: readonly Infrastructure[]
  /** What a Terraform plan deletes. Readers of templates do not return it. */
  readonly deletions: readonly Deletion[]
  /** The files that were read. */
  readonly paths: readonly string[]
  /** What was not read: a sentence each. */
  readonly notRead: readonly string[]
}

/** A resource that a plan deletes; a group that it replaces is recreated without its members. */
interface Deletion {
  readonly kind: 'pool' | 'group' | 'membership'
  readonly address: string | undefined
  readonly userPoolId: string | undefined
  readonly groupName: string | undefined
  readonly username: string | undefined
  readonly isReplaced: boolean
}

/** What a deployment does to the groups of one pool. */
export interface DeploymentChanges {
  readonly changes: readonly (GroupChange & { readonly note?: string | undefined })[]
  readonly memberships: readonly MembershipChange[]
  /** Groups whose state after the deployment is not known. */
  readonly unknownAfter: readonly string[]
  /** Users for whom it is not known whether they are in a group. */
  readonly unknownMembers: readonly Omit<MembershipChange, 'change'>[]
  /** A sentence for each thing that is not known. */
  readonly undetermined: readonly string[]
  /** Groups of the pool that stay because the template does not name them. */
  readonly kept: readonly string[]
  /** A sentence for each other pool of the template. */
  readonly notLookedAt: readonly string[]
}

export interface DeploymentOptions {
  readonly userPoolId: string | undefined
  /** The pool of the template, by its name in the template. */
  readonly poolName: string | undefined
  /** ARNs, by the reference that the template uses for the role. */
  readonly roles: ReadonlyMap<string, string>
  /** Whether groups that the template does not name are removed. */
  readonly removesOthers: boolean
}

interface ReadDeploymentOptions extends Partial<Pick<DeploymentOptions, 'roles'>> {
  readonly varFiles: readonly string[]
  readonly stdin: Readable
}

/**
 * @throws RolecastError `invalid-input` for a file that cannot be read: its groups would be missing; `invalid-argument` for a role
 *   that no template has, and for variables if no Terraform is read
 */
export async function readDeployment(
  paths: readonly string[],
  { varFiles, roles = new Map(), stdin }: ReadDeploymentOptions,
): Promise<Deployment> {
  // The file is read twice. If it cannot be read, `readTemplates` reports that.
  const piped = paths.includes(STDIN) ? await readInput(STDIN, stdin).catch(() => undefined) : undefined
  const stdinAgain = () => (piped === undefined ? stdin : Readable.from([piped]))
  const { infrastructures, read, skipped, notRead, unrelated, sources } = await readTemplates(paths, {
    exclude: [],
    varFiles,
    stdin: stdinAgain(),
  })
  const [failed] = skipped
  if (failed !== undefined) {
    throw new RolecastError(
      'invalid-input',
      `the template ${inputName(failed.path)} cannot be used: ${failed.why.replace(FORMAT_OPTION, '')}; correct it, because its changes to groups would be missing`,
      { value: failed.path },
    )
  }
  checkIsUsed(infrastructures, varFiles, roles)
  return {
    infrastructures,
    deletions: [
      ...infrastructures
        .filter(({ format }) => format === 'terraform-plan')
        .flatMap(({ paths: plans }) => plans.flatMap(path => deletionsIn(path, sources.get(path) ?? '{}'))),
      ...(await deletionsInOthers(
        unrelated.map(({ path }) => path),
        path => readInput(path, stdinAgain()),
      )),
    ],
    paths: read,
    notRead: [...notRead, ...unrelated.filter(({ path }) => path === '-')].map(
      ({ path, why }) => `${quote(path)} was not read: ${why}.`,
    ),
  }
}

/** Advice about an option that only `validate` has. */
const FORMAT_OPTION = '; give --format-in if it is a template'

/** An option without effect is a mistake, such as a misspelt name. */
function checkIsUsed(
  infrastructures: readonly Infrastructure[],
  [varFile]: readonly string[],
  roles: ReadonlyMap<string, string>,
): void {
  if (varFile !== undefined && !infrastructures.some(({ format }) => format === 'terraform-source')) {
    throw new RolecastError(
      'invalid-argument',
      `no Terraform that uses the variables in ${quote(varFile)} was read; leave out --var-file, or give --template the folder with the *.tf files`,
      { value: varFile },
    )
  }
  const known = new Set(
    infrastructures.flatMap(one => [
      ...one.roles.map(({ id }) => id),
      ...one.groups.flatMap(({ role }) => possibilities(role).values.flatMap(reference => reference?.id ?? [])),
    ]),
  )
  const unknown = [...roles.keys()].find(id => !known.has(id))
  if (unknown === undefined) return
  const names = [...known].filter(id => id !== '' && !id.startsWith('arn:'))
  throw new RolecastError(
    'invalid-argument',
    `--role names ${quote(unknown)}, a role that the template neither makes nor refers to; ${names.length === 0 ? 'leave it out' : `give one of ${listItems(names, quote, 'or')}`}`,
    { value: unknown },
  )
}

const typeShape = z.looseObject({ type: z.string() })

const changeShape = z.looseObject({
  address: z.optional(z.unknown()),
  change: z.looseObject({ actions: z.array(z.string()), before: z.unknown() }),
})

const beforeShape = z.looseObject({
  id: z.optional(z.unknown()),
  name: z.optional(z.unknown()),
  group_name: z.optional(z.unknown()),
  user_pool_id: z.optional(z.unknown()),
  username: z.optional(z.unknown()),
})

const KINDS: Readonly<Partial<Record<string, Deletion['kind']>>> = {
  aws_cognito_user_pool: 'pool',
  awscc_cognito_user_pool: 'pool',
  aws_cognito_user_group: 'group',
  awscc_cognito_user_pool_group: 'group',
  aws_cognito_user_in_group: 'membership',
  awscc_cognito_user_pool_user_to_group_attachment: 'membership',
}

/** @throws RolecastError `invalid-input` for a change that cannot be read: it may be a deletion */
function deletionsIn(path: string, text: string): readonly Deletion[] {
  const { resource_changes: entries } = JSON.parse(text)
  const unreadable = (what: string) =>
    new RolecastError(
      'invalid-input',
      `the plan ${quote(path)} cannot be used: ${what}, so its deletions would be missing; make it with \`terraform show -json\``,
      { value: path },
    )
  if (!Array.isArray(entries ?? [])) throw unreadable('its `resource_changes` is not a list')
  return (entries ?? []).flatMap((entry: unknown, index: number) => {
    const { success, data: deletion } = deletionOf(entry)
    if (!success) throw unreadable(`entry ${index + 1} of its \`resource_changes\` cannot be read`)
    return deletion ?? []
  })
}

/** The deletions in files without groups: they may be all that a plan says about Cognito. */
async function deletionsInOthers(
  paths: readonly string[],
  read: (path: string) => Promise<Buffer>,
): Promise<readonly Deletion[]> {
  const deletions: Deletion[] = []
  for (const path of paths) {
    const text = await planIn(path, read)
    if (text !== undefined) deletions.push(...deletionsIn(path, text))
  }
  return deletions
}

/** The text of a plan; undefined for any other file, whose failure was already reported. */
async function planIn(path: string, read: (path: string) => Promise<Buffer>): Promise<string | undefined> {
  try {
    const text = decodeText(await read(path))
    return isTerraformPlan(JSON.parse(text)) ? text : undefined
  } catch {
    return undefined
  }
}

/** Whether JSON is a Terraform plan, not a list of changes. */
export function isTerraformPlan(content: unknown): boolean {
  return typeof content === 'object' && content !== null && Object.hasOwn(content, 'format_version')
}

/** The deletion in a change of a plan, if it is one. */
function deletionOf(entry: unknown): { readonly success: boolean; readonly data?: Deletion } {
  const typed = readAs(typeShape, entry)
  if (!typed.success) return { success: false }
  const { type } = typed.data
  const kind = Object.hasOwn(KINDS, type) ? KINDS[type] : undefined
  if (kind === undefined) return { success: true }
  const changed = readAs(changeShape, entry)
  if (!changed.success) return { success: false }
  const { address, change } = changed.data
  if (!change.actions.includes('delete')) return { success: true }
  const before = readAs(beforeShape, change.before)
  if (!before.success) return { success: false }
  const { id, name, group_name: groupName = name, user_pool_id: userPoolId, username } = before.data
  if (kind === 'group' && typeof groupName !== 'string') return { success: false }
  return {
    success: true,
    data: {
      kind,
      address: textOf(address),
      userPoolId: textOf(userPoolId) ?? (kind === 'pool' ? textOf(id) : undefined),
      groupName: textOf(groupName),
      username: textOf(username),
      isReplaced: change.actions.includes('create'),
    },
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/**
 * What a deployment does to a pool as it is. What cannot be determined from the files never counts as unchanged: the
 * groups concerned are in `unknownAfter`, and a sentence says why.
 *
 * @throws RolecastError `invalid-argument`: it is not clear which pool of the template is meant, or a plan destroys the pool
 */
export function changesOf(
  { infrastructures, deletions, notRead }: Deployment,
  live: readonly Group[],
  { userPoolId, poolName, roles, removesOthers }: DeploymentOptions,
): DeploymentChanges {
  if (userPoolId !== undefined) checkPoolStays(deletions, userPoolId)
  const {
    infrastructure,
    pool,
    others: otherPools,
  } = choosePool(infrastructures, {
    userPoolId,
    named: poolName,
    option: '--template-pool',
  })
  const view = viewPools(infrastructure).find(({ id }) => id === pool.id)!
  const now = new Map(live.map(group => [group.groupName, group]))
  const undetermined = [...notRead]
  const unknownAfter = new Set<string>()
  const changes: DeploymentChanges['changes'][number][] = []

  const id = pool.userPoolId ?? userPoolId
  checkPoolStays(deletions, id)
  const own = deletions.filter(one => id === undefined || one.userPoolId === undefined || one.userPoolId === id)
  const deleted = new Map(own.filter(({ kind }) => kind === 'group').map(one => [one.groupName, one]))
  const planned = new Set(view.groups.filter(({ isNamed }) => isNamed).map(({ name }) => name))
  for (const [groupName, { isReplaced }] of deleted) {
    if (groupName === undefined || !now.has(groupName)) continue
    const isPlanned = planned.has(groupName)
    if (isReplaced || !isPlanned) changes.push({ groupName, remove: true })
    if (isReplaced === isPlanned) continue
    unknownAfter.add(groupName)
    undetermined.push(
      isReplaced
        ? `The plan replaces the group ${quote(groupName)} with one that may have a different name.`
        : `The plan deletes the group ${quote(groupName)}, but also has another one of this name: it is not known whether the group exists in the end.`,
    )
  }

  for (const group of view.groups) {
    const planning = planGroup(group, now, deleted.get(group.name)?.isReplaced === true, roles)
    changes.push(...planning.changes)
    if (planning.why === undefined) continue
    undetermined.push(planning.why)
    if (group.isNamed) unknownAfter.add(group.name)
  }

  const others = live.map(({ groupName }) => groupName).filter(name => !planned.has(name) && !deleted.has(name))
  const isOwn = (name: string) => !isFederatedGroup(name, id)
  const why = whyOthersAreUnknown(infrastructure, pool.id, view.groups)
  if (why !== undefined) {
    undetermined.push(...why)
    for (const name of others.filter(isOwn)) unknownAfter.add(name)
  } else if (removesOthers) changes.push(...others.filter(isOwn).map(groupName => ({ groupName, remove: true })))

  const names = new Set([...now.keys(), ...planned])
  const memberships = membershipsOf(infrastructure, pool.id, names)
  undetermined.push(...memberships.undetermined)
  const left = own.flatMap(({ kind, username, groupName }): readonly MembershipChange[] => {
    if (kind !== 'membership') return []
    if (username !== undefined && groupName !== undefined) return [{ username, groupName, change: 'remove' }]
    undetermined.push('The plan deletes a membership whose user or group is not known.')
    return []
  })
  return {
    changes,
    // A resource that a plan replaces exists in the end.
    memberships: [...left, ...memberships.changes],
    unknownAfter: [...unknownAfter],
    unknownMembers: memberships.unknownMembers,
    undetermined,
    kept: why === undefined && !removesOthers ? others : others.filter(name => !isOwn(name)),
    notLookedAt: otherPools.map(
      other => `The pool ${other} of the template was not looked at: this is about its pool ${quote(pool.name)}.`,
    ),
  }
}

/** @throws RolecastError `invalid-argument`: a plan destroys the pool, or one that may be the same pool */
function checkPoolStays(deletions: readonly Deletion[], userPoolId: string | undefined): void {
  const ofPool = (one: Deletion) =>
    userPoolId === undefined || one.userPoolId === undefined || one.userPoolId === userPoolId
  const deletion = deletions.find(one => one.kind === 'pool' && ofPool(one))
  if (deletion === undefined) return
  const name = deletion.userPoolId ?? deletion.address
  const isSure = userPoolId !== undefined && deletion.userPoolId !== undefined
  throw new RolecastError(
    'invalid-argument',
    `the plan ${deletion.isReplaced ? 'replaces' : 'destroys'} the user pool ${quote(name)}: its users and groups are gone afterwards, so there is nothing to compare${isSure ? '' : '; if the groups belong to another pool, give its ID with --user-pool-id'}`,
    { value: name },
  )
}

interface GroupPlanning {
  readonly changes: DeploymentChanges['changes']
  /** Why the group's state after the deployment is not known. */
  readonly why?: string | undefined
}

function planGroup(
  group: GroupView,
  live: ReadonlyMap<string, Group>,
  isReplaced: boolean,
  roles: ReadonlyMap<string, string>,
): GroupPlanning {
  const { name, isNamed, isRepeated, definition } = group
  const now = isReplaced ? undefined : live.get(name)
  if (!isNamed)
    return {
      changes: [],
      why: `The name of the group ${quote(definition.id)} is not known${causeOf(definition.groupName)}.`,
    }
  if (!isGroupName(name)) return { changes: [], why: `${quote(name)} cannot be the name of a group.` }
  const rank = rankAfter(group, now)
  const role = roleAfter(group, now, roles)
  const problems = [
    ...(isRepeated ? ['the template defines it more than once'] : []),
    ...(definition.condition === undefined
      ? []
      : [`it exists only if the condition ${quote(definition.condition)} is true`]),
    ...(now !== undefined && definition.created === true ? ['the plan creates it, but the pool already has it'] : []),
    ...[rank, role].flatMap(one => ('why' in one ? [one.why] : [])),
  ]
  const values = {
    ...('value' in rank && { precedence: rank.value }),
    ...('value' in role && { roleArn: role.value }),
  }
  const change = {
    groupName: name,
    ...(now === undefined && { add: true }),
    ...differing(values, now),
    ...('note' in rank && { note: rank.note }),
  }
  const isChanged = Object.keys(change).length > 1
  return {
    changes: isChanged && !isRepeated ? [change] : [],
    ...(problems.length > 0 && {
      why: `It is not known what the group ${quote(name)} becomes: ${problems.join('; ')}.`,
    }),
  }
}

/** The values that differ from the group as it is now. */
function differing(values: Omit<GroupChange, 'groupName'>, now: Group | undefined): Omit<GroupChange, 'groupName'> {
  const { precedence, roleArn } = values
  return {
    ...(precedence !== undefined && precedence !== (now?.precedence ?? null) && { precedence }),
    ...(roleArn !== undefined && roleArn !== (now?.roleArn || null) && { roleArn }),
  }
}

type After<T> = { readonly value: T | null; readonly note?: string } | { readonly why: string }

function rankAfter(
  { definition: { precedence, provider, created } }: GroupView,
  now: Group | undefined,
): After<number> {
  const { values, complete } = possibilities(precedence)
  const doubt = doubtOf('precedence', precedence, complete)
  if (doubt !== undefined) return { why: doubt }
  const ranks = [...new Set(values.map(raw => checkPrecedence(raw).rank))]
  const [rank] = ranks
  const had = now?.precedence ?? null
  if (ranks.length > 1) return { why: `its precedence is one of ${listItems(ranks, rankText, 'or')}` }
  if (rank === undefined) return { why: `Cognito does not accept its precedence ${quote(values[0])}` }
  if (rank === had && now !== undefined) return { value: rank }
  if (rank === null && had !== null)
    return provider === 'terraform'
      ? { value: 0 }
      : {
          why: `the template has no precedence; Cognito cannot clear ${had}, so the group keeps it, or is recreated without its members`,
        }
  if (rank === 0 && provider === 'terraform') {
    if (now === undefined)
      return { value: null, note: 'without a precedence: Terraform does not send 0 for a group that it creates' }
    if (created !== false) return { why: 'Terraform does not always send a precedence of 0' }
  }
  return { value: rank }
}

function rankText(rank: number | null | undefined): string {
  return rank === undefined ? 'an unknown value' : rank === null ? 'none' : String(rank)
}

function roleAfter(
  { definition: { role } }: GroupView,
  now: Group | undefined,
  roles: ReadonlyMap<string, string>,
): After<string> {
  const { values, complete } = possibilities(role)
  const doubt = doubtOf('role', role, complete)
  if (doubt !== undefined) return { why: doubt }
  const arns = values.map(reference => arnOf(reference, roles))
  const unknown = values.find((_, index) => arns[index] === undefined)
  if (unknown !== undefined)
    return {
      why: `the ARN of its role ${quote(unknown.id)} is not in the template; give --role ${quote(`${unknown.id}=ARN`)}`,
    }
  const distinctArns = [...new Set(arns)]
  if (distinctArns.length > 1) return { why: 'its role is one of several' }
  const arn = distinctArns[0] ?? null
  if (arn === null && now?.roleArn)
    return {
      why: 'the template has no role; Cognito cannot clear one, so the group keeps it, or is recreated without its members',
    }
  return { value: arn }
}

/** Null for none, undefined for unknown. */
function arnOf(reference: RoleReference | undefined, roles: ReadonlyMap<string, string>): string | null | undefined {
  if (reference === undefined || reference.id === '') return null
  return reference.kind === 'arn' ? reference.id : roles.get(reference.id)
}

function doubtOf(what: string, value: Value<unknown>, complete: boolean): string | undefined {
  if (!complete) return `its ${what} is not known${causeOf(value)}`
  const assumed = assumptionsOf([value])
  return assumed.length === 0
    ? undefined
    : `its ${what} is the default of ${listItems(assumed, quote)}, which a deployment may set`
}

function causeOf(value: Value<unknown>): string {
  const leaves = value.is === 'one-of' ? value.values : [value]
  const unknown = leaves.find(leaf => leaf.is === 'unknown')
  return unknown?.is === 'unknown' ? ` (${unknown.why})` : ''
}

/** Why the template may have a group although it does not seem to name it. */
function whyOthersAreUnknown(
  { unresolved, notFollowed }: Infrastructure,
  poolId: string,
  groups: readonly GroupView[],
): readonly string[] | undefined {
  const reasons = [
    ...unresolved.filter(({ pool }) => pool === undefined || pool === poolId).map(({ why }) => `${why}.`),
    ...notFollowed.map(({ what, why }) => `${what} was not read, because ${why}.`),
  ]
  return reasons.length > 0 || groups.some(({ isNamed }) => !isNamed) ? reasons : undefined
}

type Memberships = Pick<DeploymentChanges, 'unknownMembers' | 'undetermined'> & {
  readonly changes: readonly MembershipChange[]
}

function membershipsOf({ memberships }: Infrastructure, poolId: string, names: ReadonlySet<string>): Memberships {
  const changes: MembershipChange[] = []
  const unknownMembers: Omit<MembershipChange, 'change'>[] = []
  const undetermined: string[] = []
  for (const { pool, username, unknownUsername, groupName, condition } of memberships) {
    if (pool !== poolId) continue
    const user: Value<string> = unknownUsername === undefined ? username : { is: 'unknown', why: unknownUsername }
    if (user.is !== 'known' || groupName.is !== 'known' || !names.has(groupName.value)) {
      const [userText, groupText] = [user, groupName].map(value =>
        value.is === 'known' ? quote(value.value) : `not known${causeOf(value)}`,
      )
      undetermined.push(
        `The template has a membership that is not fully known (user: ${userText}, group: ${groupText}).`,
      )
      continue
    }
    const membership = { username: user.value, groupName: groupName.value }
    const doubts = [
      condition === undefined ? undefined : `the membership exists only if the condition ${quote(condition)} is true`,
      doubtOf('user', user, true),
      doubtOf('group', groupName, true),
    ].filter(doubt => doubt !== undefined)
    if (doubts.length === 0) {
      changes.push({ ...membership, change: 'add' })
      continue
    }
    unknownMembers.push(membership)
    undetermined.push(
      `It is not known whether the user ${quote(membership.username)} will be in the group ${quote(membership.groupName)}: ${doubts.join('; ')}.`,
    )
  }
  return { changes, unknownMembers, undetermined }
}
