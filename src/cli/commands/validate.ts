import { existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { findRule, RULES, unknownRule } from '../../rules/catalogue.js'
import type { DeploymentComparison } from '../../rules/compare-with-pool.js'
import { RolecastError, quote } from '../../errors.js'
import type { Finding } from '../../rules/finding.js'
import { type Group, isGroupName } from '../../group.js'
import type { Infrastructure, Value } from '../../rules/infrastructure.js'
import { fromPool } from '../../rules/live-pool.js'
import { type GroupView, viewPools } from '../../rules/pool-view.js'
import { rulesOff, validateAll } from '../../rules/validate.js'
import { possibilities } from '../../rules/value.js'
import { suggestRenumbering } from '../../audit/renumber.js'
import {
  exitCodeOf,
  FAIL_ON,
  type FailOn,
  failuresOf,
  type FindingsReport,
  reasonOf,
  relocate,
  type SkippedFile,
} from '../../report/findings-report.js'
import { coverageOf } from '../../rules/coverage.js'
import { findingsText } from '../../report/findings-text.js'
import { type MissingSuggestion, type RenumberingSuggestion, renumberingText } from '../../report/renumbering-text.js'
import { TEMPLATE_FORMATS, type TemplateFormat } from '../../template/formats.js'
import { applyBaseline, baselineText } from '../baseline.js'
import { choosePool } from '../choose-pool.js'
import { readConfig } from '../config.js'
import { addConnectionOptions, type ConnectionOptions, connectionOf } from '../connection-options.js'
import { isNamedBy } from '../find-files.js'
import { FORMATS } from '../finding-formats.js'
import { inputArgument, inputOption } from '../input-file.js'
import { membershipsOption } from '../memberships-option.js'
import { inGroup } from '../option-group.js'
import { addOutputOptions, checkIsNoFormat, hasColor, type OutputOptions, toWritten } from '../output-option.js'
import { writeOutput } from '../output.js'
import { readPoolFile } from '../pool-file.js'
import { readTemplates, type TemplateFiles, varFileOption } from '../template-files.js'
import { type ExitCode, say, type Terminal } from '../terminal.js'
import { closest } from '../../text.js'

type Format = (typeof FORMATS)[number]

const ABOUT_FORMATS =
  'github: annotations in GitHub Actions; gitlab: a code quality report; sarif and junit: for scanners and test reports'

/** A report of the same run, in addition to the one of `--format`. */
interface ExtraReport {
  readonly format: Format
  readonly path: string
}

interface ValidateCommandOptions extends ConnectionOptions, OutputOptions<Format> {
  readonly formatIn?: TemplateFormat
  readonly report?: readonly ExtraReport[]
  readonly failOn?: FailOn
  readonly only?: readonly string[]
  readonly ignore?: readonly string[]
  readonly enable?: readonly string[]
  readonly config?: string | boolean
  readonly varFile?: readonly string[]
  readonly exclude?: readonly string[]
  readonly allowSkipped?: boolean
  readonly strict?: boolean
  readonly repositoryRoot?: string
  readonly baseline?: string
  readonly writeBaseline?: string
  readonly fixSuggestion?: boolean
  readonly userPoolId?: string
  readonly identityPoolId?: string
  readonly againstUserPoolId?: string
  readonly againstPoolFile?: string
  readonly againstPool?: string
  readonly memberships?: string
}

export function addValidateCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  const command = program
    .command('validate')
    .description('find what is wrong with groups and roles in templates, in a plan, or in a live user pool')
    .addArgument(inputArgument('[path...]', 'templates, plans, or folders of them'))
  inGroup(command, 'Files to read', () =>
    command
      .addOption(
        new Option('--format-in <format>', 'format of the files; default: detected from their content').choices(
          TEMPLATE_FORMATS,
        ),
      )
      .addOption(varFileOption())
      .option('--exclude <path>', 'leave out this file or folder when a folder is searched; repeatable', toList)
      .addOption(inputOption('--config <file>', 'config file; default: rolecast.config.json, if it exists'))
      .option('--no-config', 'read no config file'),
  )
  inGroup(command, 'Rules and findings', () =>
    command
      .option('--only <rules>', 'run only these rules, such as COG101,COG102; repeatable', toRules)
      .option('--ignore <rules>', 'do not run these rules; repeatable', toRules)
      .option('--enable <rules>', 'also run these rules, which are off by default; repeatable', toRules)
      .addOption(inputOption('--baseline <file>', 'the findings in this file are known, and do not fail the run'))
      .addOption(
        new Option('--write-baseline <file>', 'write all findings to a baseline')
          .argParser(toWritten)
          .conflicts('baseline'),
      )
      .option('--fix-suggestion', 'also suggest precedences without ties, as a patch to read; nothing is edited'),
  )
  inGroup(command, 'A user pool', () =>
    command
      .option('--user-pool-id <id>', 'validate the groups of this live user pool')
      .option('--identity-pool-id <id>', 'with --user-pool-id: the identity pool that it is used with')
      .option('--against-user-pool-id <id>', 'compare the template with this user pool: what a deployment would change')
      .addOption(
        inputOption(
          '--against-pool-file <file>',
          'the same, from what `aws cognito-idp list-groups` or `rolecast snapshot` printed; no network',
        ).conflicts('againstUserPoolId'),
      )
      .option(
        '--against-pool <name>',
        'which pool of the template to compare, by its name in findings; default: the only one with groups',
      )
      .addOption(membershipsOption()),
  )
  addConnectionOptions(command)
  addOutputOptions(command, FORMATS, { about: ABOUT_FORMATS })
  inGroup(command, 'Output', () =>
    command
      .option(
        '--report <format=file>',
        'also write the findings of this run to a file, in any format, such as sarif=rolecast.sarif; repeatable',
        toReports,
      )
      .option(
        '--repository-root <folder>',
        'in all formats but text, write paths relative to this folder; default: the current folder',
      )
      .addOption(
        new Option(
          '--fail-on <severity>',
          'exit with 1 if there is a finding of this severity or a worse one; default: error',
        ).choices(FAIL_ON),
      )
      .addOption(
        new Option(
          '--strict',
          'also fail for what was not read or not followed, and for values that are unknown',
        ).conflicts('allowSkipped'),
      )
      .option('--allow-skipped', 'do not fail for files in folders that cannot be read; the report names them'),
  )
  command
    .addHelpText(
      'after',
      `
Examples:
  $ rolecast validate .
  $ terraform show -json plan.out | rolecast validate -
  $ rolecast validate cdk.out --format sarif --output rolecast.sarif
  $ rolecast validate template.yaml --against-pool-file pool.json --memberships users.ndjson
  $ rolecast validate --user-pool-id eu-west-1_Ab12Cd34e

--verbose also lists the files without Cognito resources. \`rolecast explain COG101\` explains a rule. To suppress a finding, write a comment
\`# rolecast:ignore COG101 exp=2027-01-01 reason\` above the resource.

Exit codes: 0 no finding of the severity of --fail-on (default: error) or above, 1 a finding of that severity or above (with --strict,
also if something was not looked at, or is not known), 2 it could not run, or a file could not be read.`,
    )
    .action((paths: readonly string[], options: ValidateCommandOptions) =>
      validate(paths, options, { ...terminal, version: program.version() ?? '' }, finish),
    )
}

function toRules(text: string, rules: readonly string[] = []): readonly string[] {
  return [
    ...rules,
    ...text.split(',').map(name => {
      const rule = findRule(name.trim())
      if (rule === undefined) refuse(unknownRule(name))
      return rule.id
    }),
  ]
}

function toReports(text: string, before: readonly ExtraReport[] = []): readonly ExtraReport[] {
  const [name = '', ...rest] = text.split('=')
  const format = FORMATS.find(one => one === name)
  const path = rest.join('=')
  if (format === undefined || path === '' || path === '-') {
    const near = format === undefined && path !== '' ? closest(name, FORMATS) : undefined
    const next = near === undefined ? `with one of ${FORMATS.join(', ')}` : `did you mean ${near}?`
    refuse(
      `--report ${quote(text)} is not a format and a file; write one such as --report sarif=rolecast.sarif, ${next}`,
    )
  }
  checkIsNoFormat(path, FORMATS, {
    instead: one => `write that report with --report ${one}=FILE`,
    file: `--report ${format}=./${path}`,
  })
  if (before.some(one => resolve(one.path) === resolve(path)))
    refuse(`--report would write two reports to ${quote(path)}; give each report a different file`)
  return [...before, { format, path }]
}

function toList(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}

interface ValidateTerminal extends Terminal {
  readonly version: string
}

async function validate(
  paths: readonly string[],
  options: ValidateCommandOptions,
  terminal: ValidateTerminal,
  finish: (code: ExitCode) => void,
): Promise<void> {
  checkOptions(paths, options)
  const config = await readConfig(options.config, terminal.stdin)
  const {
    only = config.only,
    ignore = config.ignore,
    enable = config.enable,
    failOn = config.failOn ?? 'error',
    varFile: varFiles = config.varFiles,
    strict = options.allowSkipped === true ? false : (config.strict ?? false),
    allowSkipped = options.strict === true ? false : (config.allowSkipped ?? false),
  } = options
  const files = await readTemplates(paths, {
    format: options.formatIn,
    exclude: [...config.exclude, ...(options.exclude ?? [])],
    varFiles,
    stdin: terminal.stdin,
  })
  const live = await readLivePool(options, terminal)
  const comparison = await openComparison(files.infrastructures, options, terminal)
  const found = validateAll([...files.infrastructures, ...live], {
    only,
    ignore,
    enable,
    severities: config.severities,
    today: new Date().toISOString().slice(0, 10),
    suppressions: config.suppressions,
    others: infrastructure => (comparison?.infrastructure === infrastructure ? comparison.findings() : []),
  })
  const baseline = options.baseline ?? config.baseline
  if (options.writeBaseline !== undefined)
    await writeOutput(
      {
        path: options.writeBaseline,
        option: '--write-baseline',
        terminal,
        kind: 'data',
        hasUsers: false,
        inputs: files.read,
      },
      baselineText(found, options.writeBaseline),
    )
  const known = options.writeBaseline ?? baseline
  const report: FindingsReport = {
    findings: known === undefined ? found : await applyBaseline(found, known, terminal.stdin),
    read: [...files.read, ...live.flatMap(infrastructure => infrastructure.paths)],
    coverage: coverageOf([...files.infrastructures, ...live]),
    skipped: files.skipped,
    notRead: files.notRead,
    unrelated: files.unrelated.filter(({ isNamed }) => terminal.verbose || isNamed === true),
    rulesOff: rulesOff(
      { only, ignore, enable },
      {
        only: options.only === undefined ? config.file! : '--only',
        ignore: options.ignore === undefined ? config.file! : '--ignore',
      },
    ),
    failOn,
    strict,
    allowSkipped,
  }
  const suggestion = options.fixSuggestion
    ? renumberingText(suggestionsFor([...files.infrastructures, ...live]), { color: hasColor(terminal, options) })
    : ''
  // The result stays the same if the reader of stdout goes away.
  finish(exitCodeOf(report))
  const failures = failuresOf(report)
  // Nothing was looked at, so the report says only why.
  const isReported =
    options.format !== 'text' || failures.length === 0 || report.read.length > 0 || report.notRead.length > 0
  // People do not read a report for programs. A report for people has the reasons.
  const isShown = options.format === 'text' && options.output === undefined && isReported
  const lines = isShown && failures.length > 0 ? [incompleteText(failures, report)] : failures.map(skippedText)
  for (const line of lines) await say(terminal, `rolecast: ${line} [invalid-input]\n`)
  const inputs = [...files.read, known, options.againstPoolFile]
  for (const { format, path } of options.report ?? [])
    await writeOutput(
      { path, option: '--report', terminal, kind: 'data', hasUsers: false, inputs: [...inputs, options.output] },
      await reportText(report, files, { ...options, format, output: path }, terminal),
    )
  if (!isReported) return
  const kind = options.format === 'text' ? 'text' : options.format === 'github' ? 'commands' : 'data'
  await writeOutput(
    { path: options.output, terminal, kind, hasUsers: false, inputs },
    `${await reportText(report, files, options, terminal)}${suggestion}`,
  )
}

function checkOptions(paths: readonly string[], options: ValidateCommandOptions): void {
  const { userPoolId, identityPoolId, againstPool, memberships, format, fixSuggestion } = options
  const isCompared = options.againstUserPoolId !== undefined || options.againstPoolFile !== undefined
  if (isCompared && paths.length === 0) {
    refuse('--against-user-pool-id and --against-pool-file compare a template with a pool; give the template too')
  }
  if (paths.length === 0 && userPoolId === undefined)
    refuse('nothing to validate; give a template or a folder, or --user-pool-id ID')
  if (identityPoolId !== undefined && userPoolId === undefined)
    refuse('--identity-pool-id needs a live user pool; give --user-pool-id ID too')
  if (againstPool !== undefined && !isCompared) {
    refuse(
      '--against-pool names the pool of the template to compare; give --against-pool-file FILE or --against-user-pool-id ID too',
    )
  }
  if (memberships !== undefined && !isCompared && userPoolId === undefined) {
    refuse(
      '--memberships needs a pool; give --against-pool-file FILE, --against-user-pool-id ID or --user-pool-id ID too',
    )
  }
  if (isCompared && userPoolId !== undefined) {
    refuse('--user-pool-id validates a pool, and --against-… compares one with a template; do one after the other')
  }
  if (fixSuggestion && format !== 'text')
    refuse(`--fix-suggestion needs --format text, not ${format}; leave one of them out`)
}

function refuse(what: string): never {
  throw new RolecastError('invalid-argument', what)
}

async function reportText(
  given: FindingsReport,
  { sources }: TemplateFiles,
  { format, output, repositoryRoot }: ValidateCommandOptions,
  { color, columns, version }: ValidateTerminal,
): Promise<string> {
  if (format === 'text') {
    const isTerminal = output === undefined
    return findingsText(given, { sources, color: color && isTerminal, columns: isTerminal ? columns : undefined })
  }
  const report = repositoryRoot === undefined ? given : relocate(given, belowRoot(repositoryRoot))
  switch (format) {
    case 'json':
      return (await import('../../report/findings-json.js')).findingsJson(report)
    case 'sarif':
      return (await import('../../report/findings-sarif.js')).findingsSarif(report, { rules: RULES, version })
    case 'github':
      return (await import('../../report/findings-github.js')).findingsGithub(report)
    case 'gitlab':
      return (await import('../../report/findings-gitlab.js')).findingsGitlab(report)
    case 'junit':
      return (await import('../../report/findings-junit.js')).findingsJunit(report)
    case 'markdown':
      return (await import('../../report/findings-markdown.js')).findingsMarkdown(report)
  }
}

/** A path relative to the root of the repository, which is this folder. Other names, such as a user pool ID, stay. */
function belowRoot(root: string): (path: string) => string {
  if (!existsSync(root)) refuse(`--repository-root ${quote(root)} does not exist; give a folder that does`)
  return path => (path !== '-' && existsSync(path) ? relative(root, path).replaceAll('\\', '/') : path)
}

function skippedText(file: SkippedFile): string {
  return `skipped ${reasonOf(file)}`
}

function incompleteText(failures: readonly SkippedFile[], { notRead }: FindingsReport): string {
  const them = failures.length === 1 ? 'it' : 'them'
  const named = failures.filter(({ isNamed }) => isNamed)
  // A folder of programs has nothing to fix.
  const isOfPrograms = named.some(({ path }) => notRead.some(one => isNamedBy(one.path, path)))
  const next = isOfPrograms
    ? `instead of ${them}, validate what the report names`
    : named.length > 0
      ? `fix ${them}, or leave ${them} out`
      : `fix or exclude ${them}, or give --allow-skipped`
  return `incomplete: ${failures.length} skipped; ${next}`
}

async function readLivePool(options: ValidateCommandOptions, terminal: Terminal): Promise<readonly Infrastructure[]> {
  const { userPoolId, identityPoolId, memberships } = options
  if (userPoolId === undefined) return []
  const groups = await readGroups(userPoolId, options, terminal)
  const { getIdentityPoolRoles } = await import('../../cognito/api/identity-pool-api.js')
  const identityPools =
    identityPoolId === undefined ? [] : [await getIdentityPoolRoles({ identityPoolId, ...connectionOf(options) })]
  const inGroups: { readonly username: string; readonly groupName: string }[] = []
  if (memberships !== undefined) {
    const { readMemberships } = await import('../memberships-file.js')
    for await (const users of readMemberships(memberships, terminal.stdin)) {
      inGroups.push(
        ...users.flatMap(({ username, groups: names }) => names.map(groupName => ({ username, groupName }))),
      )
    }
  }
  return [fromPool({ userPoolId, groups, identityPools, memberships: inGroups })]
}

async function readGroups(
  userPoolId: string,
  options: ValidateCommandOptions,
  terminal: Terminal,
): Promise<readonly Group[]> {
  const { takeSnapshot } = await import('../../cognito/groups/snapshot.js')
  const { Groups } = await takeSnapshot({ userPoolId, ...connectionOf(options), signal: terminal.interrupted() })
  return Groups.map(({ GroupName, Precedence, RoleArn }) => ({
    groupName: GroupName,
    precedence: Precedence,
    roleArn: RoleArn,
  }))
}

interface Comparison {
  readonly infrastructure: Infrastructure
  readonly findings: () => readonly Finding[]
}

/** Undefined if nothing is to be compared. */
async function openComparison(
  infrastructures: readonly Infrastructure[],
  options: ValidateCommandOptions,
  terminal: Terminal,
): Promise<Comparison | undefined> {
  const { againstUserPoolId, againstPoolFile, memberships } = options
  if (againstUserPoolId === undefined && againstPoolFile === undefined) return undefined
  const live =
    againstPoolFile === undefined
      ? { userPoolId: againstUserPoolId, groups: await readGroups(againstUserPoolId!, options, terminal) }
      : await readPoolFile(againstPoolFile, terminal.stdin).then(({ groups, userPoolId }) => ({
          groups: [...groups.values()],
          userPoolId,
        }))
  const { infrastructure, pool } = choosePool(infrastructures, {
    userPoolId: live.userPoolId,
    named: options.againstPool,
    option: '--against-pool',
  })
  const { compareWithPool } = await import('../../rules/compare-with-pool.js')
  const comparison: DeploymentComparison = compareWithPool(infrastructure, pool.id, live)
  if (memberships !== undefined) {
    const { readMemberships } = await import('../memberships-file.js')
    for await (const users of readMemberships(memberships, terminal.stdin)) users.forEach(comparison.add)
  }
  return { infrastructure, findings: comparison.findings }
}

/** For every pool in which groups share a number; or why there is none, where groups may share one. */
function suggestionsFor(
  infrastructures: readonly Infrastructure[],
): readonly (RenumberingSuggestion | MissingSuggestion)[] {
  return infrastructures.flatMap(infrastructure =>
    viewPools(infrastructure).flatMap<RenumberingSuggestion | MissingSuggestion>(({ name: pool, groups }) => {
      const numbers = groups.flatMap(({ ranks }) => ranks[0] ?? [])
      const isTied = new Set(numbers).size < numbers.length
      const mayTie = isTied || (groups.length > 1 && groups.some(group => !hasOneRank(group)))
      if (!mayTie) return []
      const reasons = groups.flatMap(group => obstacleOf(group) ?? [])
      if (reasons.length > 0) return [{ pool, reasons }]
      const byName = new Map(groups.map(group => [group.name, group]))
      const renumbered = suggestRenumbering(
        groups.map(({ name, ranks, roles }) => ({ groupName: name, precedence: ranks[0], roleArn: roles[0]?.id })),
      )
      return [
        {
          pool,
          changes: renumbered.map(change => {
            const { precedence, location } = byName.get(change.groupName)!.definition
            return { ...change, location: precedence.location ?? location }
          }),
        },
      ]
    }),
  )
}

function hasOneRank({ hasKnownRank, ranks }: GroupView): boolean {
  return hasKnownRank && ranks.length === 1
}

/** Why a group cannot be renumbered, and where; undefined if it can. */
function obstacleOf(group: GroupView): MissingSuggestion['reasons'][number] | undefined {
  const { name, isNamed, isRepeated, hasKnownRank, hasKnownRole, roles, definition } = group
  const { groupName, precedence, role, location } = definition
  const at = (value: Value<unknown>, text: string) => ({ text, location: value.location ?? location })
  if (!isNamed) return at(groupName, `the name of ${quote(name)} is unknown`)
  if (!isGroupName(name)) return at(groupName, `${quote(name)} is not a name that Cognito accepts`)
  if (isRepeated) return at(groupName, `several groups have the name ${quote(name)}`)
  if (!possibilities(precedence).complete) return at(precedence, `the precedence of ${quote(name)} is unknown`)
  if (!hasKnownRank) return at(precedence, `the precedence of ${quote(name)} is not one that Cognito accepts`)
  if (!hasOneRank(group)) return at(precedence, `the precedence of ${quote(name)} can be one of several values`)
  if (!hasKnownRole) return at(role, `the role of ${quote(name)} is unknown`)
  return roles.length === 1 ? undefined : at(role, `the role of ${quote(name)} can be one of several values`)
}
