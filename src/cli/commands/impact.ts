import { Readable } from 'node:stream'
import type { Command } from 'commander'
import * as z from 'zod/mini'
import { listItems, quote, RolecastError } from '../../errors.js'
import type { Group, UserGroups } from '../../group.js'
import {
  changeGroups,
  checkMemberships,
  type ChangeOptions,
  createImpact,
  createImpactSummary,
  emptiedGroups,
  type GroupChange,
  type MembershipChange,
  missingMember,
  type UserImpact,
} from '../../audit/impact.js'
import { suggestRenumbering } from '../../audit/renumber.js'
import {
  type ImpactHead,
  impactHead,
  impactJson,
  type ImpactReport,
  impactTail,
  impactText,
  type NotedChange,
} from '../../report/impact-text.js'
import { jsonLine } from '../../report/json-text.js'
import type { Resolution } from '../../claims/resolve.js'
import { changesOf, type DeploymentChanges, isTerraformPlan, readDeployment } from '../deployment.js'
import { inputName, inputOption, readInput, STDIN } from '../input-file.js'
import { type InvalidFile, parseJson } from '../json-file.js'
import { inGroup } from '../option-group.js'
import { checkOutput, type Output, type OutputTarget, withOutput } from '../output.js'
import { addOutputOptions, hasColor, type OutputOptions } from '../output-option.js'
import { addPoolReadingOptions, type PoolReadingOptions, type PoolUsers, usePoolUsers } from '../pool-reading.js'
import { addSemanticsOptions, readSemantics, type SemanticsCommandOptions } from '../semantics-option.js'
import { varFileOption } from '../template-files.js'
import type { ExitCode, Terminal } from '../terminal.js'
import { firstIssue, readAs } from '../../cognito/api/schema.js'
import { chooseSemantics, type SemanticsChoice } from '../../claims/choose-semantics.js'

const FORMATS = ['text', 'json', 'ndjson'] as const

interface ImpactCommandOptions
  extends PoolReadingOptions, SemanticsCommandOptions, OutputOptions<(typeof FORMATS)[number]> {
  readonly set?: readonly GroupChange[]
  readonly addGroup?: readonly GroupChange[]
  readonly addMember?: readonly string[]
  readonly removeMember?: readonly string[]
  readonly plan?: string
  readonly template?: readonly string[]
  readonly templatePool?: string
  readonly removeOthers?: boolean
  readonly role?: readonly (readonly [string, string])[]
  readonly varFile?: readonly string[]
  readonly failOnChange?: boolean
}

export function addImpactCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  const command = addPoolReadingOptions(program.command('impact')).description(
    'predict what a change of groups or memberships does to every user, and suggest precedences without ties; changes nothing',
  )
  inGroup(command, 'Changes to try', () =>
    command
      .option(
        '--set <change>',
        "a change to try: 'GROUP.precedence=5' or 'GROUP.roleArn=arn:aws:iam::…', `none` removes the value; repeatable",
        (text: string, changes: readonly GroupChange[] = []) => [...changes, toChange(text)],
      )
      .option(
        '--add-group <name>',
        'a group that the pool does not have; give it a precedence and a role with --set; repeatable',
        (groupName: string, groups: readonly GroupChange[] = []) => [...groups, { groupName, add: true }],
      )
      .option('--add-member <user=group>', 'put a user into a group; repeatable', toList)
      .option('--remove-member <user=group>', 'take a user out of a group; repeatable', toList)
      .addOption(
        inputOption(
          '--plan <file>',
          'the same as a JSON array, such as [{"groupName":"admins","precedence":5,"roleArn":null}]; `remove` or `add` a group, `addMember` or `removeMember` a user; or a Terraform plan from `terraform show -json`',
        ),
      )
      .addOption(
        inputOption(
          '--template <path>',
          'compare with the groups of a template, a plan, or a folder of them, as `validate` reads them; repeatable',
        ).argParser(toList),
      )
      .option('--template-pool <name>', 'which pool of the template; default: the only one with groups')
      .option('--remove-others', 'the deployment removes the groups that the template does not define')
      .option(
        '--role <id=arn>',
        'with --template: the ARN of a role that the template makes or refers to, such as AdminRole=arn:aws:iam::…; repeatable',
        (text: string, roles: readonly (readonly [string, string])[] = []) => [...roles, toRole(text)],
      )
      .addOption(varFileOption()),
  )
  addSemanticsOptions(command)
  addOutputOptions(command, FORMATS, {
    about: 'ndjson: a line with the changes that are tried, one for each user whose role changes, and a summary',
  })
  inGroup(command, 'Output', () => command.option('--fail-on-change', "exit with 1 if any user's role changes"))
  command
    .addHelpText(
      'after',
      `
Examples:
  $ rolecast impact --user-pool-id eu-west-1_Ab12Cd34e --set 'admins.precedence=5'
  $ rolecast impact --pool-file pool.json --memberships users.ndjson --plan plan.json --fail-on-change
  $ rolecast impact --user-pool-id eu-west-1_Ab12Cd34e --add-group auditors --set 'auditors.precedence=3' --add-member alice=auditors
  $ rolecast impact --user-pool-id eu-west-1_Ab12Cd34e --template template.yaml --role AdminRole=arn:aws:iam::111122223333:role/Admin
  $ rolecast impact --user-pool-id eu-west-1_Ab12Cd34e     (suggests precedences without ties, if there are any)

Neither the Cognito console nor the AWS CLI can clear a precedence or a role once it is set: delete the group and recreate it. If the
template does not determine the values of a group, as with parameters, the roles of its members are undetermined; the report says
why. Disabled users are counted separately, and do not fail the check.

Exit codes: 0 it ran, 1 a user's role changes, or it is not known whether (with --fail-on-change), 2 it could not run.`,
    )
    .action((options: ImpactCommandOptions) =>
      impact(options, { ...terminal, version: program.version() ?? '' }, finish),
    )
}

interface VersionedTerminal extends Terminal {
  readonly version: string
}

async function impact(
  options: ImpactCommandOptions,
  terminal: VersionedTerminal,
  finish: (code: ExitCode) => void,
): Promise<void> {
  const wanted = await readWanted(options, terminal)
  if (!wanted.isAny && (options.failOnChange || options.format === 'ndjson')) {
    throw new RolecastError('invalid-argument', "no change to try; give --set 'GROUP.precedence=5' or --plan FILE")
  }
  // If the reader of stdout goes away, the check has no result.
  if (options.failOnChange) finish(2)
  const kind = options.format === 'text' ? 'text' : 'data'
  const semantics = await readSemantics(options, terminal.stdin)
  const { checkpoint, poolFile, memberships, plan, calibration } = options
  const files = [checkpoint, poolFile, memberships, plan, calibration, ...wanted.paths]
  const target: OutputTarget = { path: options.output, terminal, kind, hasUsers: true, inputs: files }
  const changed = await usePoolUsers(
    options,
    terminal,
    pool =>
      withOutput(target, output => {
        const { userPoolId } = pool.reading
        return report({ ...options, semantics }, wanted.planFor(pool.groups, userPoolId), pool, output, {
          ...terminal,
          color: hasColor(terminal, options),
        })
      }),
    {
      checkPlace: () => checkOutput(target),
      checkGroups: groups => void wanted.planFor(groups, options.userPoolId),
    },
  )
  finish(options.failOnChange && changed ? 1 : 0)
}

/** The changes to try. */
interface Wanted {
  readonly isAny: boolean
  /** The files that were read for them. */
  readonly paths: readonly string[]
  /** @throws RolecastError for what the pool cannot have */
  planFor(groups: readonly Group[], userPoolId: string | undefined): Plan
}

async function readWanted(options: ImpactCommandOptions, { stdin }: Terminal): Promise<Wanted> {
  const plan = options.plan === undefined ? undefined : await openPlan(options.plan, stdin)
  const templates = [...(options.template ?? []), ...(plan?.isTerraform === true ? [plan.path] : [])]
  checkTemplateOptions(options, templates)
  const listed = plan === undefined || plan.isTerraform ? NO_PLAN : readPlan(plan)
  const given = {
    changes: [...listed.changes, ...(options.addGroup ?? []), ...(options.set ?? [])],
    members: [...listed.members, ...toMembers(options.addMember, 'add'), ...toMembers(options.removeMember, 'remove')],
  }
  const roles = new Map(options.role)
  const deployment =
    templates.length === 0
      ? undefined
      : await readDeployment(templates, { varFiles: options.varFile ?? [], roles, stdin: plan?.stdin ?? stdin })
  return {
    isAny: given.changes.length > 0 || given.members.length > 0 || deployment !== undefined,
    paths: deployment?.paths ?? [],
    planFor(groups, userPoolId) {
      const deployed =
        deployment === undefined
          ? NOTHING_DEPLOYED
          : changesOf(deployment, groups, {
              userPoolId,
              poolName: options.templatePool,
              roles,
              removesOthers: options.removeOthers === true,
            })
      const changes = [...deployed.changes, ...withNotes(groups, given.changes)]
      const after = changeGroups(groups, changes)
      const known = { before: groups, after }
      const members = given.members.map(member => toMembership(member, known))
      return { ...deployed, changes, after, memberships: [...deployed.memberships, ...members], given: members }
    },
  }
}

/** A note on a change that clears a value which Cognito cannot clear. A group that is recreated starts without it. */
function withNotes(groups: readonly Group[], changes: readonly GroupChange[]): readonly NotedChange[] {
  const now = new Map(groups.map(group => [group.groupName, group]))
  return changes.map(change => {
    const { groupName, precedence, roleArn, remove, add } = change
    if (remove === true || add === true) now.delete(groupName)
    const { precedence: rank, roleArn: role }: Partial<Group> = now.get(groupName) ?? {}
    const cleared = [precedence === null && rank != null && 'precedence', roleArn === null && role && 'role'].filter(
      Boolean,
    )
    return cleared.length === 0
      ? change
      : { ...change, note: `Cognito cannot clear a ${cleared.join(' or a ')}: delete the group and recreate it` }
  })
}

function checkTemplateOptions(options: ImpactCommandOptions, templates: readonly string[]): void {
  if (templates.length > 0) return
  const given = [
    options.templatePool !== undefined && '--template-pool',
    options.removeOthers === true && '--remove-others',
    options.role !== undefined && '--role',
    options.varFile !== undefined && '--var-file',
  ].find(option => option !== false)
  if (given !== undefined) refuse(`${given} needs a template; give --template FILE too`)
}

function refuse(what: string): never {
  throw new RolecastError('invalid-argument', what)
}

const NOTHING_DEPLOYED: DeploymentChanges = {
  changes: [],
  memberships: [],
  unknownAfter: [],
  unknownMembers: [],
  undetermined: [],
  kept: [],
  notLookedAt: [],
}

/** The changes that are tried on a pool. */
interface Plan extends DeploymentChanges {
  readonly after: readonly Group[]
  /** The memberships that were given by name: their users have to exist. */
  readonly given: readonly MembershipChange[]
}

/** Writes the report, and returns whether the role of any user changes, or may. */
async function report(
  { format, semantics }: Pick<ImpactCommandOptions, 'format'> & { readonly semantics: SemanticsChoice },
  plan: Plan,
  pool: PoolUsers,
  output: Output,
  { color, version }: VersionedTerminal,
): Promise<boolean> {
  const { groups, reading, batches } = pool
  const { changes, memberships, unknownAfter, undetermined, kept, notLookedAt } = plan
  const isTried = [changes, memberships, unknownAfter, undetermined, kept].some(list => list.length > 0)
  const precedences = format !== 'ndjson' && hasTie(groups) ? suggestRenumbering(groups) : []
  const trial = isTried ? tryChanges(groups, plan, semantics) : undefined
  const renumbered = precedences.map(({ groupName, after }) => ({ groupName, precedence: after }))
  const suggestion =
    precedences.length === 0 ? undefined : tryChanges(groups, { after: changeGroups(groups, renumbered) }, semantics)
  const members = trackMembers(plan, groups)
  const head: ImpactHead = {
    toolVersion: version,
    reading,
    ...chooseSemantics(semantics),
    poolChanges: pool.changes,
    notLookedAt,
  }
  if (format === 'ndjson') await output.write(impactHead(head, { changes, undetermined }))
  for await (const users of batches) {
    users.forEach(members.see)
    const impacts = trial?.add(users) ?? []
    if (format === 'ndjson')
      await output.write(
        impacts
          .filter(({ change }) => change !== 'same')
          .map(impactLine)
          .join(''),
      )
    suggestion?.add(users)
  }
  members.check(plan.given)
  const unsure = [...undetermined, ...members.unseen(), ...members.ofNewGroups()]
  const impact = trial?.summary()
  const whole: ImpactReport = {
    ...head,
    ...(impact !== undefined && {
      trial: {
        changes,
        ...(memberships.length > 0 && { memberships: members.effects() }),
        impact,
        ...(unsure.length > 0 && { undetermined: unsure }),
        ...(kept.length > 0 && { kept }),
      },
    }),
    ...(suggestion !== undefined && { suggestion: { precedences, impact: suggestion.summary() } }),
  }
  if (format === 'ndjson') await output.write(impactTail(whole.trial!))
  else await output.write(format === 'json' ? impactJson(whole) : impactText(whole, { color }))
  return impact !== undefined && (impact.changes.same !== impact.users - impact.disabled || unsure.length > 0)
}

/**
 * Looks among the users of the pool for the users of memberships, whether they are in the groups, and for users that
 * name a new group.
 */
function trackMembers({ changes, memberships, after }: Plan, groups: readonly Group[]) {
  const had = new Set(groups.map(({ groupName }) => groupName))
  const has = new Set(after.map(({ groupName }) => groupName))
  const emptied = new Set(emptiedGroups(changes))
  const named = new Map([...emptied].filter(name => !had.has(name)).map(name => [name, 0]))
  const wanted = new Map<string, ReadonlySet<string> | undefined>(
    memberships.map(({ username }) => [username, undefined]),
  )
  const names = () => [...wanted].filter(([, groups]) => groups === undefined).map(([username]) => username)
  return {
    see({ username, groups: own }: UserGroups): void {
      if (wanted.has(username)) wanted.set(username, new Set(own))
      if (named.size === 0) return
      for (const name of new Set(own)) if (named.has(name)) named.set(name, named.get(name)! + 1)
    },
    ofNewGroups: () =>
      [...named].flatMap(([name, count]) =>
        count === 0
          ? []
          : `The pool does not have the group ${quote(name)}, but users name it already (${count}). They are not counted as its members.`,
      ),
    /** @throws RolecastError `invalid-argument` for a user that was named and does not exist */
    check(given: readonly MembershipChange[]): void {
      const missing = new Set(names())
      const one = given.find(({ username }) => missing.has(username))
      if (one === undefined) return
      throw missingMember(one)
    },
    unseen: () =>
      names().map(
        username =>
          `The template has a membership of the user ${quote(username)}, which the pool does not have: the role of a user that the deployment creates is not counted.`,
      ),
    effects: () =>
      memberships.map(one => {
        const { username, groupName, change } = one
        const own = wanted.get(username)
        const isMember = own?.has(groupName) === true && !emptied.has(groupName)
        const isIn = change === 'remove' || has.has(groupName)
        return { ...one, hasEffect: own !== undefined && isIn && isMember !== (change === 'add') }
      }),
  }
}

interface Tried extends Pick<ChangeOptions, 'memberships' | 'unknownAfter' | 'unknownMembers'> {
  readonly after: readonly Group[]
  readonly changes?: readonly GroupChange[]
}

/** Counts what changes do to users. */
function tryChanges(
  groups: readonly Group[],
  { after, changes = [], memberships, unknownAfter, unknownMembers }: Tried,
  semantics: SemanticsChoice,
) {
  const { add, summary } = createImpactSummary()
  const options = { ...semantics, memberships, unknownAfter, unknownMembers, emptied: emptiedGroups(changes) }
  const impactOn = createImpact(groups, after, options)
  return {
    summary,
    add(users: readonly UserGroups[]): readonly UserImpact[] {
      const impacts = users.map(impactOn)
      impacts.forEach(add)
      return impacts
    },
  }
}

function impactLine(user: UserImpact): string {
  const { username, enabled, change, before, after, rolesAdded, rolesRemoved, unknownAfter } = user
  return `${jsonLine({ username, enabled, change, before: inShort(before), after: inShort(after), rolesAdded, rolesRemoved, unknownAfter })}\n`
}

function inShort({ outcome, rule, preferredRole, candidateRole }: Resolution) {
  return { outcome, rule, preferredRole, candidateRole }
}

function hasTie(groups: readonly Group[]): boolean {
  const numbers = groups.flatMap(({ precedence }) => precedence ?? [])
  return new Set(numbers).size < numbers.length
}

function toChange(text: string): GroupChange {
  const [, groupName, field, value] = /^(.+)\.(precedence|roleArn)=(.*)$/su.exec(text) ?? []
  if (groupName === undefined || value === undefined || value === '') {
    throw new RolecastError(
      'invalid-argument',
      `${quote(text)} is not a change; give --set 'GROUP.precedence=5' or --set 'GROUP.roleArn=arn:aws:iam::…', or \`none\``,
      {
        value: text,
      },
    )
  }
  if (field === 'roleArn') {
    if (value !== 'none' && !value.startsWith('arn:')) {
      throw new RolecastError(
        'invalid-argument',
        `${quote(value)} is not an ARN; give the whole ARN, such as arn:aws:iam::111122223333:role/Admin, or \`none\``,
        { value },
      )
    }
    return { groupName, roleArn: value === 'none' ? null : value }
  }
  if (value === 'none') return { groupName, precedence: null }
  if (/^\d+$/.test(value)) return { groupName, precedence: Number(value) }
  throw new RolecastError(
    'invalid-argument',
    `${quote(value)} is not a precedence; give an integer from 0, or \`none\``,
    {
      groupName,
      value,
    },
  )
}

function toList(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}

function toRole(text: string): readonly [string, string] {
  const [, id, arn] = /^(.+?)=(arn:.*)$/su.exec(text) ?? []
  if (id !== undefined && arn !== undefined) return [id, arn]
  throw new RolecastError(
    'invalid-argument',
    `${quote(text)} does not give a role its ARN; give --role AdminRole=arn:aws:iam::111122223333:role/Admin`,
    { value: text },
  )
}

/** A membership as it was given. In `USER=GROUP`, the names of the groups decide where the user name ends. */
type GivenMember =
  | { readonly change: 'add' | 'remove'; readonly text: string }
  | { readonly change: 'add' | 'remove'; readonly username: string; readonly groupName: string }

function toMembers(texts: readonly string[] = [], change: 'add' | 'remove'): readonly GivenMember[] {
  return texts.map(text => ({ change, text }))
}

interface KnownGroups {
  readonly before: readonly Group[]
  readonly after: readonly Group[]
}

function toMembership(member: GivenMember, { before, after }: KnownGroups): MembershipChange {
  const { change } = member
  const names = new Set((change === 'add' ? after : before).map(({ groupName }) => groupName))
  const option = `--${change}-member`
  if ('username' in member) {
    const { username, groupName } = member
    checkMemberships([{ username, groupName, change }], before, after)
    return { username, groupName, change }
  }
  const { text } = member
  const ends = [...text.matchAll(/=/g)].map(({ index }) => index)
  const readings = ends
    .map(end => ({ username: text.slice(0, end), groupName: text.slice(end + 1), change }))
    .filter(({ username, groupName }) => username !== '' && names.has(groupName))
  const [only, other] = readings
  if (only !== undefined && other === undefined) return only
  if (only !== undefined) {
    throw new RolecastError(
      'invalid-argument',
      `${option} ${quote(text)} may name the group ${listItems(readings, ({ groupName }) => quote(groupName), 'or')}; write it in a --plan FILE, such as [{"addMember":"alice","groupName":"admins"}]`,
      { value: text },
    )
  }
  const end = ends.at(-1)
  if (end === undefined || end === 0 || end === text.length - 1)
    throw new RolecastError('invalid-argument', `${quote(text)} is not a membership; give ${option} USER=GROUP`, {
      value: text,
    })
  const last = { username: text.slice(0, end), groupName: text.slice(end + 1), change }
  checkMemberships([last], before, after)
  return last
}

const someText = z.string().check(z.minLength(1))
const changeShape = z.strictObject({
  groupName: someText,
  precedence: z.optional(z.nullable(z.number())),
  roleArn: z.optional(z.nullable(someText)),
  remove: z.optional(z.boolean()),
  add: z.optional(z.boolean()),
})
const addMemberShape = z.strictObject({ groupName: someText, addMember: someText })
const removeMemberShape = z.strictObject({ groupName: someText, removeMember: someText })

/** The shape of an entry of a plan, chosen by its keys, so that the error can say what is wrong. */
function shapeOf(entry: unknown) {
  const has = (key: string) => typeof entry === 'object' && entry !== null && Object.hasOwn(entry, key)
  return has('addMember') ? addMemberShape : has('removeMember') ? removeMemberShape : changeShape
}

type PlanEntry = z.infer<typeof changeShape | typeof addMemberShape | typeof removeMemberShape>

interface GivenPlan {
  readonly changes: readonly GroupChange[]
  readonly members: readonly GivenMember[]
}

const NO_PLAN: GivenPlan = { changes: [], members: [] }

interface PlanFile {
  readonly path: string
  /** Whether it is a Terraform plan in JSON, not a list of changes. */
  readonly isTerraform: boolean
  readonly content: unknown
  readonly invalid: InvalidFile
  /** A Terraform plan is read again, as a template. */
  readonly stdin: Readable | undefined
}

async function openPlan(path: string, stdin: Readable): Promise<PlanFile> {
  const invalid: InvalidFile = (what, cause) =>
    new RolecastError(
      'invalid-input',
      `the plan ${inputName(path)} cannot be used: ${what}; write an array such as [{"groupName":"admins","precedence":5}]`,
      { value: path, cause },
    )
  const bytes = await readInput(path, stdin).catch((cause: NodeJS.ErrnoException) => {
    throw invalid(`it cannot be read (${cause.code ?? 'error'})`, cause)
  })
  const content = parseJson(bytes, invalid)
  return {
    path,
    isTerraform: isTerraformPlan(content),
    content,
    invalid,
    stdin: path === STDIN ? Readable.from([bytes]) : undefined,
  }
}

function readPlan({ content, invalid }: PlanFile): GivenPlan {
  if (!Array.isArray(content))
    throw invalid('it is neither an array nor a Terraform plan, which has a `format_version`')
  const changes: GroupChange[] = []
  const members: GivenMember[] = []
  for (const [index, entry] of content.entries()) {
    const shape = shapeOf(entry)
    const parsed = readAs<PlanEntry>(shape, entry)
    if (!parsed.success)
      throw invalid(`its entry ${index + 1} has ${firstIssue(parsed.error, entry, shape).note}`, parsed.error)
    const { groupName, ...change } = parsed.data
    if ('addMember' in change) members.push({ change: 'add', username: change.addMember, groupName })
    else if ('removeMember' in change) members.push({ change: 'remove', username: change.removeMember, groupName })
    else changes.push({ groupName, ...change })
  }
  return { changes, members }
}
