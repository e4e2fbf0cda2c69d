import { type Command, Option } from 'commander'
import * as z from 'zod'
import { RolecastError, quote } from '../../errors.js'
import type { Group, UserGroups } from '../../group.js'
import {
  changeGroups,
  createImpact,
  createImpactSummary,
  type GroupChange,
  type UserImpact,
} from '../../audit/impact.js'
import { suggestRenumbering } from '../../audit/renumber.js'
import { type ImpactReport, impactJson, impactText } from '../../report/impact-text.js'
import { jsonLine } from '../../report/json-text.js'
import type { Resolution } from '../../claims/resolve.js'
import { readJsonFile } from '../json-file.js'
import { checkOutput, type Output, type OutputTarget, withOutput } from '../output.js'
import { addPoolReadingOptions, type PoolReadingOptions, type PoolUsers, usePoolUsers } from '../pool-reading.js'
import { semanticsOption } from '../semantics-option.js'
import type { ExitCode, Terminal } from '../terminal.js'
import { firstIssue, readAs } from '../../cognito/api/schema.js'
import type { Semantics } from '../../claims/decide.js'

const FORMATS = ['text', 'json', 'ndjson'] as const

interface ImpactCommandOptions extends PoolReadingOptions {
  readonly set?: readonly GroupChange[]
  readonly plan?: string
  readonly semantics: Semantics
  readonly format: (typeof FORMATS)[number]
  readonly output?: string
  readonly failOnChange?: boolean
}

export function addImpactCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  addPoolReadingOptions(program.command('impact'))
    .description(
      'predict what a change of groups does to every user, and suggest precedences without ties; changes nothing',
    )
    .option(
      '--set <change>',
      "a change to try: 'GROUP.precedence=5' or 'GROUP.roleArn=arn:aws:iam::…', `none` removes it; repeatable",
      (text: string, changes: readonly GroupChange[] = []) => [...changes, toChange(text)],
    )
    .option(
      '--plan <file>',
      'the same as a JSON array, like [{"groupName":"admins","precedence":5,"roleArn":null}]; {"groupName":"admins","remove":true} removes a group',
    )
    .addOption(semanticsOption())
    .addOption(
      new Option('--format <format>', 'ndjson: a line for each user whose role changes')
        .choices(FORMATS)
        .default('text'),
    )
    .option('--output <file>', 'write to this file atomically; default: stdout')
    .option('--fail-on-change', "exit with 1 if any user's role changes")
    .addHelpText(
      'after',
      `
Examples:
  $ rolecast impact --user-pool-id eu-west-1_Ab12Cd34e --set 'admins.precedence=5'
  $ rolecast impact --pool-file pool.json --memberships users.ndjson --plan plan.json --fail-on-change
  $ rolecast impact --user-pool-id eu-west-1_Ab12Cd34e     (suggests precedences without ties, if there are any)

Neither the console nor the CLI of Cognito can clear a precedence or a role once set: delete the group and recreate it.

Exit codes: 0 it ran, 1 a user's role changes (with --fail-on-change), 2 it could not run.`,
    )
    .action((options: ImpactCommandOptions) => impact(options, terminal, finish))
}

async function impact(
  options: ImpactCommandOptions,
  terminal: Terminal,
  finish: (code: ExitCode) => void,
): Promise<void> {
  const changes = [...(options.plan === undefined ? [] : await readPlan(options.plan)), ...(options.set ?? [])]
  if (changes.length === 0 && (options.failOnChange || options.format === 'ndjson')) {
    throw new RolecastError('invalid-argument', "no change to try; give --set 'GROUP.precedence=5' or --plan FILE")
  }
  // A reader of stdout that goes away leaves the check without its answer.
  if (options.failOnChange) finish(2)
  const kind = options.format === 'text' ? 'text' : 'data'
  const inputs = [options.checkpoint, options.poolFile, options.memberships, options.plan]
  const target: OutputTarget = { path: options.output, terminal, kind, hasUsers: true, inputs }
  const changed = await usePoolUsers(
    options,
    terminal,
    pool => withOutput(target, output => report(options, changes, pool, output, terminal)),
    { checkPlace: () => checkOutput(target), checkGroups: groups => void changeGroups(groups, changes) },
  )
  finish(options.failOnChange && changed ? 1 : 0)
}

/** Writes the report, and returns whether the role of any user changes. */
async function report(
  { format, semantics }: ImpactCommandOptions,
  changes: readonly GroupChange[],
  pool: PoolUsers,
  output: Output,
  { color }: Terminal,
): Promise<boolean> {
  const { groups, userPoolId, batches } = pool
  const precedences = format !== 'ndjson' && hasTie(groups) ? suggestRenumbering(groups) : []
  const trial = tryChanges(groups, changes, semantics)
  const suggestion = tryChanges(
    groups,
    precedences.map(({ groupName, after }) => ({ groupName, precedence: after })),
    semantics,
  )
  for await (const users of batches) {
    const impacts = trial.add(users)
    if (format === 'ndjson')
      await output.write(
        impacts
          .filter(({ change }) => change !== 'same')
          .map(impactLine)
          .join(''),
      )
    suggestion.add(users)
  }
  const impact = trial.summary()
  const whole: ImpactReport = {
    userPoolId,
    semantics,
    ...(changes.length > 0 && { trial: { changes, impact } }),
    ...(precedences.length > 0 && { suggestion: { precedences, impact: suggestion.summary() } }),
  }
  if (format !== 'ndjson') await output.write(format === 'json' ? impactJson(whole) : impactText(whole, { color }))
  return impact.changes.same !== impact.users
}

/** Counts what changes do to users; without any, no user is resolved. */
function tryChanges(groups: readonly Group[], changes: readonly GroupChange[], semantics: Semantics) {
  const { add, summary } = createImpactSummary()
  const impactOn = createImpact(groups, changeGroups(groups, changes), { semantics })
  return {
    summary,
    add(users: readonly UserGroups[]): readonly UserImpact[] {
      const impacts = changes.length === 0 ? [] : users.map(impactOn)
      impacts.forEach(add)
      return impacts
    },
  }
}

function impactLine({ username, change, before, after, rolesAdded, rolesRemoved }: UserImpact): string {
  return `${jsonLine({ username, change, before: inShort(before), after: inShort(after), rolesAdded, rolesRemoved })}\n`
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
        `${quote(value)} is not an ARN; give the whole one, like arn:aws:iam::111122223333:role/Admin, or \`none\``,
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

const planShape = z.array(
  z.strictObject({
    groupName: z.string().min(1),
    precedence: z.number().nullable().optional(),
    roleArn: z.string().min(1).nullable().optional(),
    remove: z.boolean().optional(),
  }),
)

async function readPlan(path: string): Promise<readonly GroupChange[]> {
  const invalid = (what: string, cause?: unknown) =>
    new RolecastError(
      'invalid-input',
      `the plan ${quote(path)} cannot be used: ${what}; write an array like [{"groupName":"admins","precedence":5}]`,
      { value: path, cause },
    )
  const content = await readJsonFile(path, invalid)
  const parsed = readAs(planShape, content)
  if (parsed.success) return parsed.data
  throw invalid(firstIssue(parsed.error, content).note, parsed.error)
}
