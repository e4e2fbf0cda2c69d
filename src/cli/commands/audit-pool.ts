import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Command } from 'commander'
import type { AuditConcern } from '../../audit/concerns.js'
import type { PoolUser } from '../../audit/pool-user.js'
import {
  type AuditCounter,
  type AuditSummary,
  createAuditSummary,
  type IdentityPoolAbout,
  type UserAudit,
} from '../../audit/summary.js'
import { chooseSemantics, type SemanticsChoice } from '../../claims/choose-semantics.js'
import { quote, RolecastError } from '../../errors.js'
import { compilePool } from '../../pool/compile-pool.js'
import { MAX_GROUPS_PER_POOL } from '../../quotas.js'
import { keptWhileFrozen } from '../../record.js'
import { auditCsvMetadata, isMetadataOf, leftOutText } from '../../report/audit-csv-metadata.js'
import { createAuditLines } from '../../report/audit-lines.js'
import { auditOcsf, checkOcsfTime } from '../../report/audit-ocsf.js'
import { createAuditPage } from '../../report/audit-page.js'
import { auditSarif } from '../../report/audit-sarif.js'
import { auditJson, auditText } from '../../report/audit-text.js'
import { SEVERITIES, type Severity } from '../../severity.js'
import { compareText } from '../../text.js'
import { checkFindings, failOnOption, findingOption } from '../finding-option.js'
import {
  addIdentityPoolOptions,
  checkIdentityPoolOptions,
  type IdentityPool,
  type IdentityPoolOptions,
  openIdentityPool,
} from '../identity-pool.js'
import { checkOutput, type Output, type OutputTarget, withOutput } from '../output.js'
import { inGroup } from '../option-group.js'
import { addOutputOptions, hasColor, type OutputOptions } from '../output-option.js'
import { addPoolReadingOptions, type PoolReadingOptions, type PoolUsers, usePoolUsers } from '../pool-reading.js'
import { attributesOption } from '../reading-options.js'
import { addRoleCheckOptions, openRoleChecks, type RoleCheckOptions, type RoleChecks } from '../role-checks.js'
import { addSemanticsOptions, readSemantics, type SemanticsCommandOptions } from '../semantics-option.js'
import { checkSpool, spool } from '../spool.js'
import { type ExitCode, note, say, type Terminal } from '../terminal.js'

const FORMATS = ['text', 'json', 'ndjson', 'csv', 'html', 'sarif', 'ocsf'] as const

/** The formats with a line for each user. */
const LINE_FORMATS: ReadonlySet<string> = new Set(['ndjson', 'csv'])

interface AuditPoolCommandOptions
  extends
    PoolReadingOptions,
    IdentityPoolOptions,
    RoleCheckOptions,
    SemanticsCommandOptions,
    OutputOptions<(typeof FORMATS)[number]> {
  readonly finding?: readonly AuditConcern[]
  readonly failOn?: Severity
  readonly readAt?: string
}

export function addAuditPoolCommand(audit: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  const command = addPoolReadingOptions(audit.command('pool')).description(
    'predict what every user of a pool gets, and list what needs attention',
  )
  inGroup(command, 'Pool', () =>
    command
      .addOption(attributesOption())
      .option(
        '--read-at <time>',
        'with --pool-file: when the files were read from the pool, such as 2026-11-29T10:00:00Z',
        toTime,
      ),
  )
  addSemanticsOptions(addRoleCheckOptions(addIdentityPoolOptions(command, { hasCustomRole: false })))
  addOutputOptions(command, FORMATS, {
    about:
      'text or json: a summary; ndjson or csv: a line for each user; html: one page with both; sarif or ocsf: the findings for scanners, without usernames',
  })
  inGroup(command, 'Output', () => command.addOption(findingOption('ndjson or csv')).addOption(failOnOption()))
  command
    .addHelpText(
      'after',
      `
Examples:
  $ rolecast audit pool --user-pool-id eu-west-1_Ab12Cd34e --dry-run
  $ rolecast audit pool --user-pool-id eu-west-1_Ab12Cd34e --checkpoint audit.checkpoint --format html --output audit.html
  $ rolecast audit pool --user-pool-id eu-west-1_Ab12Cd34e --identity-pool-id eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6 \\
      --check-roles --privileges --fail-on error
  $ rolecast audit pool --pool-file pool.json --memberships users.ndjson --format ndjson --finding undetermined

It needs cognito-idp:ListGroups, ListUsers, ListUsersInGroup, AdminListGroupsForUser and DescribeUserPool on the user pool; with
--identity-pool-id also cognito-identity:GetIdentityPoolRoles. The output has the name of each user, with groups, roles, sub and
status, and the attributes that you ask for with --attributes.

Exit codes: 0 it ran, 1 there is a finding of --fail-on or worse, 2 it could not run.`,
    )
    .action(async (options: AuditPoolCommandOptions) => {
      // If the reader of stdout goes away, the check has no result.
      if (options.failOn !== undefined) finish(2)
      const failed = await auditPool(options, terminal, audit.parent?.version() ?? '')
      finish(failed ? 1 : 0)
    })
}

function toTime(text: string): string {
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/.test(text) && !Number.isNaN(Date.parse(text)))
    return notAhead(text)
  refuse(`${quote(text)} is not a time in UTC; give one such as 2026-11-29T10:00:00Z`, text)
}

/** Clocks are assumed to be off by at most this. */
const DAY = 86_400_000

function notAhead(text: string): string {
  const time = Date.parse(text)
  if (time > Date.now() + DAY)
    refuse(`${quote(text)} is in the future; give the time at which the files were read from the pool`, text)
  return new Date(time).toISOString()
}

/** Rejects combinations of options that can only give a wrong or an empty result. */
function checkOptions({ format, finding = [], readAt, poolFile, ...options }: AuditPoolCommandOptions): void {
  if (readAt !== undefined && poolFile === undefined)
    refuse(
      '--read-at is for --pool-file; leave it out, because the time at which a live user pool is read is known',
      readAt,
    )
  if (format === 'ocsf' && poolFile !== undefined) checkOcsfTime({ source: 'files', startedAt: readAt })
  if (finding.length > 0 && !LINE_FORMATS.has(format))
    refuse('--finding lists users, which --format ndjson and csv do; give one of these formats', format)
  const hasIdentityPool = options.identityPoolId !== undefined || options.identityPoolFile !== undefined
  checkFindings(finding, { ...options, hasIdentityPool })
}

function refuse(what: string, value: string): never {
  throw new RolecastError('invalid-argument', what, { value })
}

/** Whether there is a finding that fails the run. */
async function auditPool(options: AuditPoolCommandOptions, terminal: Terminal, toolVersion: string): Promise<boolean> {
  checkOptions(options)
  checkIdentityPoolOptions(options)
  const checkRoles = await openRoleChecks(options, terminal.stdin)
  const { format, failOn, poolFile, output: path } = options
  const semantics = await readSemantics(options, terminal.stdin)
  const inputs = [
    options.checkpoint,
    poolFile,
    options.memberships,
    options.identityPoolFile,
    options.rolesFile,
    options.calibration,
  ]
  const kind = format === 'text' ? 'text' : 'data'
  const target: OutputTarget = { path, terminal, kind, hasUsers: true, inputs }
  const metadata = format === 'csv' ? await metadataTarget(target) : undefined
  let identityPool: IdentityPool | undefined
  const leftOut = new Set<string>()
  const summary = await usePoolUsers(
    options,
    terminal,
    async pool => {
      if (poolFile !== undefined)
        identityPool = await openIdentityPool(options, pool.reading.userPoolId, terminal.stdin)
      const audit = await openAudit(options, pool, {
        semantics,
        identityPool,
        checkRoles,
        signal: terminal.interrupted(),
      })
      const work = { ...audit, options, toolVersion, color: hasColor(terminal, options), leftOut }
      if (metadata === undefined) return withOutput(target, output => report(work, output))
      return withOutput(metadata, async beside => {
        const made = await withOutput(target, output => report(work, output))
        await beside.write(
          auditCsvMetadata(made, {
            file: basename(path!),
            toolVersion,
            onlyUsersOf: options.finding,
            leftOut: [...leftOut].toSorted(compareText),
          }),
        )
        return made
      })
    },
    {
      // A command that takes hours must not fail only at its end.
      async checkPlace() {
        await checkOutput(target)
        if (metadata !== undefined) await checkOutput(metadata)
        if (format === 'html') await checkSpool()
        identityPool = await openIdentityPool(options, undefined, terminal.stdin)
      },
    },
  )
  if (summary === undefined) return false
  if (format === 'csv' && metadata === undefined)
    await note(
      terminal,
      path === undefined
        ? 'rolecast: CSV cannot say when the pool was read; with --output FILE, FILE-metadata.json is written too and says it\n'
        : 'rolecast: CSV cannot say when the pool was read; if --output is a regular file, FILE-metadata.json is written too and says it\n',
    )
  if (leftOut.size > 0) await say(terminal, `rolecast: ${leftOutText([...leftOut].toSorted(compareText))}\n`)
  return (
    failOn !== undefined &&
    summary.findings.some(({ severity }) => SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(failOn))
  )
}

/** The path of the metadata of a CSV file; undefined for stdout, a device or a pipe. */
async function metadataTarget(target: OutputTarget): Promise<OutputTarget | undefined> {
  if (target.path === undefined) return undefined
  const old = await stat(target.path).catch(() => undefined)
  if (old !== undefined && !old.isFile()) return undefined
  const path = `${target.path}-metadata.json`
  const metadata = { ...target, path }
  await checkOutput(metadata)
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text !== undefined && !isMetadataOf(basename(target.path), text))
    refuse(
      `${quote(path)} exists and is not the metadata of this CSV file, which would replace it; move it, or give --output another name`,
      path,
    )
  return metadata
}

interface Means {
  readonly semantics: SemanticsChoice
  readonly identityPool: IdentityPool | undefined
  readonly checkRoles: RoleChecks | undefined
  readonly signal: AbortSignal
}

/** Everything that is known before the first user. */
async function openAudit(
  { format, readAt }: AuditPoolCommandOptions,
  pool: PoolUsers,
  { semantics, identityPool, checkRoles, signal }: Means,
) {
  const { groups, changes } = pool
  const reading = readAt === undefined ? pool.reading : { ...pool.reading, startedAt: readAt, endedAt: readAt }
  const roleArns = [...groups.flatMap(({ roleArn }) => roleArn || []), ...(identityPool?.roleArns ?? [])]
  const roleChecks = await checkRoles?.(roleArns, identityPool?.identityPoolId, signal)
  const about = identityPool && aboutOf(identityPool)
  // A scanner gets a result for each group and role, and none for users.
  const listed = format === 'sarif' || format === 'ocsf' ? MAX_GROUPS_PER_POOL : undefined
  const counter = createAuditSummary({ groups, ...semantics, reading, identityPool: about, roleChecks, listed })
  for (const change of changes) counter.change(change)
  const head = { reading, ...chooseSemantics(semantics), groups, identityPool: about, roleChecks }
  return { head, counter, audits: auditsOf(pool, semantics, identityPool) }
}

function aboutOf({ identityPoolId, mapping, clientId, mappedClients }: IdentityPool): IdentityPoolAbout {
  return { identityPoolId, mapping, ...(clientId !== undefined && { clientId }), mappedClients }
}

interface Work extends Awaited<ReturnType<typeof openAudit>> {
  readonly options: AuditPoolCommandOptions
  readonly toolVersion: string
  readonly color: boolean
  /** Filled with the attributes of users that a CSV has no column for. */
  readonly leftOut: Set<string>
}

async function report(work: Work, output: Output): Promise<AuditSummary> {
  const { format } = work.options
  if (format === 'ndjson' || format === 'csv') return writeLines(work, format, output)
  if (format === 'html') return writePage(work, output)
  const { audits, counter, toolVersion, color } = work
  for await (const users of audits) users.forEach(counter.add)
  const summary = counter.summary()
  const write = { text: auditText, json: auditJson, sarif: auditSarif, ocsf: auditOcsf }[format]
  await output.write(write(summary, { toolVersion, color }))
  return summary
}

async function writeLines(
  { audits, counter, head, toolVersion, options, leftOut }: Work,
  format: 'ndjson' | 'csv',
  output: Output,
): Promise<AuditSummary> {
  const onlyUsersOf = options.finding
  const lines = createAuditLines({ format, head: { ...head, toolVersion, onlyUsersOf } })
  const columns = new Set(head.reading.attributes)
  const line = (user: UserAudit, findings: readonly AuditConcern[]) => {
    if (format === 'csv' && user.attributes !== undefined)
      for (const name of Object.keys(user.attributes)) if (!columns.has(name)) leftOut.add(name)
    return lines.line(user, findings)
  }
  const lineOf = lineWriter(line, counter, onlyUsersOf)
  await output.write(lines.head())
  for await (const text of inChunks(audits, lineOf)) await output.write(text)
  const summary = counter.summary()
  await output.write(lines.tail(summary))
  return summary
}

/** In bytes. For less, the call itself costs more than the data. */
const CHUNK = 2 ** 18

/**
 * In characters. A longer string costs more to concatenate than to encode in pieces; a shorter one costs more to
 * encode.
 */
const PIECE = 2 ** 11

/** The lines of the users in UTF-8, as many as are worth one write. The buffer is reused for the next lines. */
async function* inChunks(
  audits: AsyncIterable<readonly UserAudit[]>,
  lineOf: (user: UserAudit) => string,
): AsyncGenerator<Buffer> {
  let chunk = Buffer.allocUnsafe(CHUNK)
  let used = 0
  let text = ''
  for await (const users of audits) {
    for (const user of users) {
      text += lineOf(user)
      if (text.length < PIECE) continue
      const most = 3 * text.length
      if (used + most > chunk.length) {
        yield chunk.subarray(0, used)
        used = 0
        if (most > chunk.length) chunk = Buffer.allocUnsafe(most)
      }
      used += chunk.write(text, used)
      text = ''
    }
  }
  yield chunk.subarray(0, used)
  yield Buffer.from(text)
}

function lineWriter(
  line: (user: UserAudit, findings: readonly AuditConcern[]) => string,
  { add }: AuditCounter,
  onlyUsersOf: readonly AuditConcern[] | undefined,
): (user: UserAudit) => string {
  if (onlyUsersOf === undefined) return user => line(user, add(user))
  return user => {
    const findings = add(user)
    return findings.some(concern => onlyUsersOf.includes(concern)) ? line(user, findings) : ''
  }
}

/** The top of the page sums up the rows below it, so the rows wait in a file. */
async function writePage({ audits, counter, toolVersion }: Work, output: Output): Promise<AuditSummary> {
  const page = createAuditPage({ toolVersion })
  await using rows = await spool()
  for await (const text of inChunks(audits, user => page.row(user, counter.add(user)))) await rows.write(text)
  const summary = counter.summary()
  await output.write(page.head(summary))
  for await (const chunk of rows.read()) await output.write(chunk)
  await output.write(page.tail(summary))
  return summary
}

async function* auditsOf(
  { groups, batches }: PoolUsers,
  semantics: SemanticsChoice,
  identityPool: IdentityPool | undefined,
): AsyncGenerator<readonly UserAudit[]> {
  const pool = compilePool(groups, semantics)
  // Only lists that repeat are frozen.
  const resolve = keptWhileFrozen((names: readonly string[]) => {
    const resolution = pool.resolve(names)
    return Object.isFrozen(names) ? Object.freeze(resolution) : resolution
  })
  // Key by key: for a million users, a spread would take as long as reading them.
  const auditOf = ({ username, groups: names, sub, enabled, status, attributes }: PoolUser): UserAudit => {
    const resolution = resolve(names)
    const selection = identityPool?.select(resolution)
    return { username, sub, enabled, status, attributes, resolution, selection }
  }
  for await (const users of batches) yield users.map(auditOf)
}
