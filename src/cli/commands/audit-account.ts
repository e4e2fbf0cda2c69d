import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rm } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import type { Command } from 'commander'
import {
  type AccountSource,
  type AccountSummary,
  createAccountSummary,
  type NotRead,
} from '../../audit/account-summary.js'
import type { AuditConcern } from '../../audit/concerns.js'
import type { RoleCheck } from '../../audit/role-check.js'
import { REGION_PATTERN } from '../../aws-ids.js'
import { chooseSemantics, type SemanticsChoice } from '../../claims/choose-semantics.js'
import { checkEndpoint } from '../../cognito/api/connection-options.js'
import { checkRoleToAssume } from '../../cognito/api/assumed-role.js'
import { defaultRegion } from '../../cognito/api/client-config.js'
import { type AccountFolder, openAccountFolder } from '../../cognito/memberships/account-folder.js'
import {
  type AccountEvent,
  type AccountPlace,
  checkRegion,
  findAccounts,
  listIdentityPools,
  listUserPools,
  notReadOf,
} from '../../cognito/memberships/audit-account.js'
import { checkReading, estimateReading } from '../../cognito/memberships/audit-pool.js'
import type { ReadEvent, ReadProgress } from '../../cognito/memberships/read-pool.js'
import { isRolecastError, listNames, quote, RolecastError } from '../../errors.js'
import { accountJson, accountLine } from '../../report/account-json.js'
import { accountPage } from '../../report/account-page.js'
import { counted } from '../../report/figure.js'
import { accountText, notReadText } from '../../report/account-text.js'
import { SEVERITIES, type Severity } from '../../severity.js'
import { printable } from '../../text.js'
import { type AccountRoleChecks, PLACES_AT_ONCE, type Walk, walkAccounts, type WalkEvent } from '../account-walk.js'
import { inCommandLineWords } from '../command-line-words.js'
import { concurrently } from '../concurrently.js'
import { estimateText } from '../estimate-text.js'
import { checkFindings, failOnOption, findingOption } from '../finding-option.js'
import { checkOutput, type Output, type OutputTarget, withOutput } from '../output.js'
import { inGroup } from '../option-group.js'
import { addOutputOptions, hasColor, type OutputOptions } from '../output-option.js'
import { cutShortText } from '../pool-reading.js'
import { createProgress } from '../progress.js'
import { addReadingOptions, attributesOption, readingOf, type ReadingOptions } from '../reading-options.js'
import { addRoleCheckOptions, openRoleChecks, type RoleChecks } from '../role-checks.js'
import { addSemanticsOptions, readSemantics, type SemanticsCommandOptions } from '../semantics-option.js'
import { temporaryError, willRemove } from '../temporary.js'
import { type ExitCode, note, print, say, type Terminal } from '../terminal.js'

const FORMATS = ['text', 'json', 'ndjson', 'html'] as const

interface AuditAccountOptions extends ReadingOptions, SemanticsCommandOptions, OutputOptions<(typeof FORMATS)[number]> {
  readonly region: readonly string[]
  readonly profile?: readonly string[]
  readonly roleArn?: readonly string[]
  readonly externalId?: string
  readonly endpointUrl?: string
  readonly finding?: readonly AuditConcern[]
  readonly failOn?: Severity
  readonly checkRoles?: boolean
  readonly privileges?: boolean
  readonly rolesFile?: string
}

/** The options as they are given. */
type GivenOptions = Omit<AuditAccountOptions, 'region'> & Partial<Pick<AuditAccountOptions, 'region'>>

const list = (text: string, before: readonly string[] = []) => [...before, text]

export function addAuditAccountCommand(audit: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  const command = audit
    .command('account')
    .description('predict what every user of every user pool gets, in whole accounts and Regions')
  inGroup(command, 'AWS', () =>
    command
      .option(
        '--region <region>',
        'an AWS Region to look at; repeatable; default: the Region of the AWS configuration',
        list,
      )
      .option('--profile <name>', 'profile of the AWS configuration; repeatable, one for each account', list)
      .option(
        '--role-arn <arn>',
        'look at the account of this role instead; the role is assumed with the credentials of --profile or the environment; repeatable',
        list,
      )
      .option('--external-id <id>', 'the external id that the trust policies of the roles ask for')
      .option('--endpoint-url <url>', 'another address of the AWS services, for example an emulator'),
  )
  addSemanticsOptions(addRoleCheckOptions(addReadingOptions(command, 'folder', attributesOption())))
  addOutputOptions(command, FORMATS, {
    about:
      'text, json or html: a summary of every pool; ndjson: for each pool what `audit pool` writes, and a last line about the accounts',
  })
  inGroup(command, 'Output', () => command.addOption(findingOption('ndjson')).addOption(failOnOption()))
  command
    .addHelpText(
      'after',
      `
Examples:
  $ rolecast audit account --region eu-west-1 --region us-east-1 --dry-run
  $ rolecast audit account --region eu-west-1 --profile a --profile b --checkpoint audit.folder --format html --output audit.html
  $ rolecast audit account --region eu-west-1 --role-arn arn:aws:iam::111122223333:role/Audit --format ndjson --output audit.ndjson

It needs cognito-idp:ListUserPools, cognito-identity:ListIdentityPools, DescribeIdentityPool and GetIdentityPoolRoles, and on each user
pool what \`rolecast audit pool\` needs. What cannot be read is reported, and does not stop the rest. This command does not write CSV,
SARIF or OCSF; \`rolecast audit pool\` does, for each pool.

Exit codes: 0 everything was read, 1 there is a finding of --fail-on or worse, 2 something was not read.`,
    )
    .action(async (given: GivenOptions) => {
      const options = { ...given, region: given.region ?? (await configuredRegion(given, terminal)) }
      finish(await auditAccount(options, terminal, audit.parent?.version() ?? ''))
    })
}

async function auditAccount(given: AuditAccountOptions, terminal: Terminal, toolVersion: string): Promise<ExitCode> {
  const options = checked(given)
  const { format, output: path, checkpoint } = options
  const checkRoles = await roleChecksFor(options, terminal.stdin)
  const semantics = await readSemantics(options, terminal.stdin)
  const signal = terminal.interrupted()
  const kind = format === 'text' ? 'text' : 'data'
  const inputs = [options.rolesFile, options.calibration]
  const target: OutputTarget = { path, terminal, kind, hasUsers: true, inputs }
  await checkOutput(target)
  const progress = createProgress(terminal)
  try {
    if (options.dryRun) return await dryRun(options, terminal, signal, progress.say)
    const folder = await openFolder(options, semantics)
    let complete = false
    try {
      const found = await findAccounts({
        ...accountOptions(options),
        signal,
        onEvent: event => progress.say(accountEventText(event)),
      })
      for (const { account, sources } of found.accounts)
        if (sources.length > 1)
          progress.say(
            `rolecast: account ${account} is reached in ${sources.length} ways; it is read once, with the first\n`,
          )
      const events = createEvents(progress)
      const walk = await walkAccounts({
        places: found.places,
        folder: folder.folder,
        lines: format === 'ndjson',
        checkpoints: checkpoint !== undefined,
        concerns: new Set(options.finding),
        semantics,
        read: readingOf(options),
        onRead: events.onRead,
        checkRoles: checkRoles(found.places),
        toolVersion,
        signal,
        onEvent: events.onWalk,
      })
      const summary = createAccountSummary({
        ...chooseSemantics(semantics),
        accounts: found.accounts,
        regions: walk.regions,
        pools: walk.pools,
        notRead: [...found.notRead, ...walk.notRead].map(inWords),
      })
      await withOutput(target, output => report(summary, walk, options, output, terminal, toolVersion))
      complete = summary.notRead.length === 0
      for (const { userPoolId, audits } of summary.pools) {
        const { users, reading } = audits[0]!.summary
        const { estimatedUsers } = reading ?? {}
        progress.warn(cutShortText({ users, estimatedUsers }, ` of ${printable(userPoolId)}`))
      }
      for (const one of summary.notRead) await say(terminal, `rolecast: not read: ${notReadText(one)}\n`)
      if (!complete && checkpoint !== undefined)
        await note(
          terminal,
          `rolecast: what was read is saved in ${quote(checkpoint)}; the same command reads only what is missing\n`,
        )
      return exitCodeOf(summary, options.failOn)
    } finally {
      await (complete ? folder.remove() : folder.close())
    }
  } catch (error) {
    throw wasInterrupted(error, signal) ? interruption(options) : error
  } finally {
    progress.stop()
  }
}

function exitCodeOf({ notRead, findings }: AccountSummary, failOn: Severity | undefined): ExitCode {
  if (notRead.length > 0) return 2
  if (failOn === undefined) return 0
  return SEVERITIES.slice(SEVERITIES.indexOf(failOn)).some(severity => findings[severity] > 0) ? 1 : 0
}

const inWords = (notRead: NotRead): NotRead => ({ ...notRead, message: inCommandLineWords(notRead.message) })

async function report(
  summary: AccountSummary,
  walk: Walk,
  options: AuditAccountOptions,
  output: Output,
  terminal: Terminal,
  toolVersion: string,
): Promise<void> {
  switch (options.format) {
    case 'text':
      return output.write(accountText(summary, { color: hasColor(terminal, options), toolVersion }))
    case 'json':
      return output.write(accountJson(summary, { toolVersion }))
    case 'html':
      return output.write(accountPage(summary, { toolVersion }))
    case 'ndjson':
      for (const pool of summary.pools) for await (const chunk of walk.linesOf(pool)) await output.write(chunk)
      return output.write(accountLine(summary, { toolVersion }))
  }
}

// ------------------------------------------------------------------ Options

/** The Region of the environment or the profile: the audit then covers one Region, and says so. */
async function configuredRegion(
  { profile = [], roleArn = [] }: GivenOptions,
  terminal: Terminal,
): Promise<readonly [string]> {
  const profiles = roleArn.length > 0 ? profile.slice(0, 1) : profile
  const found = new Set<string>()
  try {
    for (const name of profiles.length > 0 ? profiles : [undefined]) found.add(await defaultRegion({ profile: name }))
  } catch (cause) {
    if (isRolecastError(cause)) throw cause
    throw new RolecastError('no-region', 'no AWS Region is configured; give --region for each Region to look at', {
      cause,
    })
  }
  const [region, ...others] = found
  if (others.length > 0)
    refuse(`the profiles have several Regions, ${listNames([...found])}; give --region for each Region to look at`)
  // Also with --quiet: it says that something is not looked at.
  await say(
    terminal,
    `rolecast: only Region ${printable(region!)} of the AWS configuration is looked at; give --region for each other one\n`,
  )
  return [region!]
}

/** Each Region, profile and role once. */
function checked(options: AuditAccountOptions): AuditAccountOptions {
  const { region, profile = [], roleArn = [], externalId, endpointUrl, format, checkpoint, dryRun } = options
  const finding = distinct(options.finding ?? [])
  for (const name of region)
    if (!REGION_PATTERN.test(name)) refuse(`${quote(name)} is not a Region; give --region one such as eu-west-1`, name)
  if (roleArn.length > 0 && profile.length > 1)
    refuse(
      'roles can be assumed with the credentials of one profile only; give one --profile, or run the command once for each',
    )
  if (externalId !== undefined && roleArn.length === 0)
    refuse('--external-id is for roles that are assumed; give --role-arn ARN too')
  for (const role of roleArn) checkRoleToAssume({ roleArn: role, externalId })
  if (finding.length > 0 && format !== 'ndjson') refuse('--finding chooses users; give --format ndjson too')
  // Identity pools are always looked for.
  checkFindings(finding, { ...options, hasIdentityPool: true })
  if (dryRun && checkpoint !== undefined) refuse('--dry-run saves nothing; leave out --checkpoint')
  if (dryRun && options.output !== undefined) refuse('--dry-run prints an estimate to stdout; leave out --output')
  checkEndpoint({ endpoint: endpointUrl }, '--endpoint-url')
  return { ...options, finding, region: distinct(region), profile: distinct(profile), roleArn: distinct(roleArn) }
}

function distinct<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values)]
}

function sourcesOf({ profile = [], roleArn = [] }: AuditAccountOptions): readonly AccountSource[] {
  if (roleArn.length > 0) return roleArn.map(role => ({ roleArn: role }))
  return profile.length > 0 ? profile.map(name => ({ profile: name })) : [{}]
}

function accountOptions(options: AuditAccountOptions) {
  const { region, endpointUrl, externalId, roleArn = [], profile = [] } = options
  const { requestsPerSecond, rates } = readingOf(options)
  return {
    sources: sourcesOf(options),
    regions: region,
    endpoint: endpointUrl,
    externalId,
    baseProfile: roleArn.length > 0 ? profile[0] : undefined,
    requestsPerSecond,
    rates,
  }
}

const DAY = 86_400_000

interface OpenFolder {
  readonly folder: AccountFolder
  remove(): Promise<void>
  close(): Promise<void>
}

/** The folder of `--checkpoint`, or a temporary one. */
async function openFolder(options: AuditAccountOptions, semantics: SemanticsChoice): Promise<OpenFolder> {
  const { checkpoint, maxCheckpointAge = DAY, takeOver, format } = options
  const { sources, regions, endpoint, baseProfile } = accountOptions(options)
  const read = {
    sources,
    regions,
    endpoint: endpoint ?? null,
    baseProfile: baseProfile ?? null,
    strategy: options.strategy ?? 'the faster one',
    attributes: options.attributes ?? [],
    ...chooseSemantics(semantics),
    lines: format === 'ndjson',
    findings: options.finding ?? [],
    roles: [options.checkRoles ?? false, options.privileges ?? false, options.rolesFile ?? null],
  }
  const settings = { read, now: Date.now, maxAge: maxCheckpointAge, takeOver }
  if (checkpoint !== undefined) {
    const folder = await openAccountFolder(checkpoint, settings)
    return { folder, remove: folder.remove, close: folder.close }
  }
  const path = join(tmpdir(), `rolecast-${randomUUID()}`)
  const forget = willRemove(path)
  const folder = await openAccountFolder(path, settings).catch(cause => {
    throw temporaryError(isRolecastError(cause) ? cause.cause : cause)
  })
  const remove = async () => {
    await folder.close()
    await rm(path, { recursive: true, force: true })
    forget()
  }
  return { folder, remove, close: remove }
}

/** Each role is checked once per account and identity pool, however many user pools use it. */
async function roleChecksFor(
  options: AuditAccountOptions,
  stdin: Readable,
): Promise<(places: readonly AccountPlace[]) => AccountRoleChecks | undefined> {
  const { checkRoles, privileges, rolesFile } = options
  const wanted = {
    ...(checkRoles !== undefined && { checkRoles }),
    ...(privileges !== undefined && { privileges }),
    ...(rolesFile !== undefined && { rolesFile }),
  }
  const checks = await openRoleChecks(wanted, stdin)
  if (checks === undefined) return () => undefined
  return places => {
    const ofAccount = new Map<string, Promise<RoleChecks>>()
    if (rolesFile === undefined)
      for (const { account, region, access } of places)
        if (!ofAccount.has(account))
          ofAccount.set(account, openChecks({ ...wanted, region, ...credentialsOf(access) }, stdin))
    const kept = new Map<string, RoleCheck>()
    return async (account, roleArns, identityPoolId, signal) => {
      const found: RoleCheck[] = []
      const missing = new Map<string, string[]>()
      const keyOf = (roleArn: string) => JSON.stringify([identityPoolId ?? null, roleArn])
      for (const roleArn of new Set(roleArns)) {
        const known = kept.get(keyOf(roleArn))
        if (known !== undefined) found.push(known)
        else {
          const owner = roleArn.split(':')[4] ?? ''
          const asked = ofAccount.has(owner) ? owner : account
          missing.set(asked, [...(missing.get(asked) ?? []), roleArn])
        }
      }
      for (const [asked, arns] of missing) {
        const check = (await ofAccount.get(asked)) ?? checks
        for (const one of await check(arns, identityPoolId, signal)) {
          kept.set(keyOf(one.roleArn), one)
          found.push(one)
        }
      }
      return found
    }
  }
}

async function openChecks(...options: Parameters<typeof openRoleChecks>): Promise<RoleChecks> {
  return (await openRoleChecks(...options))!
}

function credentialsOf({ profile, credentials }: AccountPlace['access']) {
  return { ...(profile !== undefined && { profile }), ...(credentials !== undefined && { credentials }) }
}

// ------------------------------------------------------------------ Dry run

/** What reading costs. It lists the pools and reads no user. */
async function dryRun(
  options: AuditAccountOptions,
  terminal: Terminal,
  signal: AbortSignal,
  tell: (line: string) => void,
): Promise<ExitCode> {
  const found = await findAccounts({
    ...accountOptions(options),
    signal,
    onEvent: event => tell(accountEventText(event)),
  })
  const notRead: NotRead[] = [...found.notRead]
  const places = await concurrently(
    PLACES_AT_ONCE,
    found.places,
    place => estimatePlace(place, options, signal, notRead),
    () => {},
  )
  const known = places.flatMap(({ seconds }) => seconds ?? [])
  for (const { text } of places) await print(terminal, text)
  const [pools, calls] = [sum(places.map(({ pools }) => pools)), sum(places.map(({ calls }) => calls))]
  const time = minutes(timeOf(known))
  await print(
    terminal,
    `In all: ${pools} user pools, ${calls.toLocaleString('en-GB')} calls, ${time}, with ${PLACES_AT_ONCE} Regions at once\n`,
  )
  for (const one of notRead) await say(terminal, `rolecast: not read: ${notReadText(inWords(one))}\n`)
  return notRead.length > 0 ? 2 : 0
}

async function estimatePlace(
  place: AccountPlace,
  options: AuditAccountOptions,
  signal: AbortSignal,
  notRead: NotRead[],
) {
  const { account, region, api, limits } = place
  const nothing = { text: '', pools: 0, calls: 0, seconds: undefined }
  let userPools: Awaited<ReturnType<typeof listUserPools>>
  try {
    userPools = await listUserPools(place, signal)
  } catch (error) {
    notRead.push(notReadOf(error, { what: 'region', account, region }))
    return nothing
  }
  try {
    const identityPools = await listIdentityPools(place, signal)
    notRead.push(...identityPools.notRead)
  } catch (error) {
    notRead.push(notReadOf(error, { what: 'identity-pools', account, region }))
  }
  const title = `Account ${account}, Region ${region}: ${userPools.length === 0 ? 'no user pools' : `${userPools.length} user pools`}\n`
  let [text, calls, seconds] = [title, 0, 0]
  for (const { userPoolId, name = '' } of userPools) {
    try {
      checkRegion(userPoolId, place)
      const { endpoint } = place.access
      const read = {
        ...readingOf(options),
        userPoolId,
        region,
        endpoint,
        client: await api.userPoolClient(),
        limits,
        signal,
      }
      const estimate = await estimateReading(read)
      await checkReading(read)
      const cost = estimate[estimate.strategy === 'per-group' ? 'perGroup' : 'perUser']
      text += `\n${printable(userPoolId)} ${printable(name)}\n${estimateText(estimate)}`
      calls += cost.totalCalls
      seconds += cost.seconds
    } catch (error) {
      notRead.push(notReadOf(error, { what: 'user-pool', account, region, userPoolId }))
    }
  }
  return { text: `${text}\n`, pools: userPools.length, calls, seconds }
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

/** Seconds until all are done, if this many run at the same time, in their order. */
function timeOf(seconds: readonly number[]): number {
  const busy = Array.from({ length: PLACES_AT_ONCE }, () => 0)
  for (const one of seconds) {
    const first = busy.indexOf(Math.min(...busy))
    busy[first]! += one
  }
  return Math.max(...busy)
}

function minutes(seconds: number): string {
  return seconds < 60 ? 'under a minute' : `about ${Math.ceil(seconds / 60).toLocaleString('en-GB')} minutes`
}

// ------------------------------------------------------------------ Progress

function accountEventText(event: AccountEvent): string {
  if (event.type === 'retry')
    return `rolecast: trying again: ${inCommandLineWords(event.error.message)} [${event.error.code}]\n`
  const { account, region, quota, perSecond, isThrottled } = event
  const name = quota === 'ListUsers' ? 'ListUsers with ListUsersInGroup' : quota
  const rate = `${Number(perSecond.toPrecision(2))} calls a second`
  const where = `of account ${account}, Region ${region}`
  return isThrottled
    ? `rolecast: ${name} ${where} is throttled, and slows down to ${rate}\n`
    : `rolecast: ${name} ${where} is back at ${rate}\n`
}

/** One state for all pools: those that are being read, and those that are finished. */
function createEvents(progress: ReturnType<typeof createProgress>) {
  let [listed, done] = [0, 0]
  const states = new Map<string, ReadProgress>()
  const total = (of: keyof ReadProgress) => sum([...states.values()].map(state => state[of]))
  return {
    onRead(userPoolId: string, event: ReadEvent): void {
      if (event.type === 'progress') {
        states.set(userPoolId, event.progress)
        progress.update({ pages: total('pages'), left: total('left'), users: total('users') })
      } else if (event.type === 'retry')
        progress.say(`rolecast: trying again: ${inCommandLineWords(event.error.message)} [${event.error.code}]\n`)
    },
    onWalk(event: WalkEvent): void {
      if (event.type === 'listed') {
        listed = event.userPools
        progress.say(`rolecast: ${counted(listed, 'user pool')} in ${counted(event.places, 'Region')}\n`)
      } else if (event.type === 'pool') {
        const { place, userPoolId, users } = event
        progress.say(
          `rolecast: ${++done} of ${listed}: ${printable(userPoolId)} of account ${place.account} is read, ${counted(users, 'user')}\n`,
        )
      } else progress.say(`rolecast: continuing without ${notReadText(inWords(event.notRead))}\n`)
    },
  }
}

function wasInterrupted(error: unknown, { aborted, reason }: AbortSignal): boolean {
  if (isRolecastError(error)) return error.code === 'aborted'
  return aborted && error === reason
}

function interruption({ checkpoint, dryRun: isDry }: AuditAccountOptions): RolecastError {
  const next =
    checkpoint !== undefined
      ? `what was read is saved in ${quote(checkpoint)}, and the same command resumes from it`
      : isDry
        ? 'run the command again'
        : 'nothing is saved; a command with --checkpoint FOLDER resumes after an interruption'
  return new RolecastError('aborted', `interrupted; ${next}`)
}

function refuse(what: string, value?: string): never {
  throw new RolecastError('invalid-argument', what, { value })
}
