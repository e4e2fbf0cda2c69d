import { type Command, Option } from 'commander'
import { createAuditSummary, keptWhileFrozen, type UserAudit } from '../../audit/summary.js'
import { auditUser } from '../../cognito/memberships/audit-pool.js'
import { compilePool } from '../../pool/compile-pool.js'
import { csvHeader, csvLine, ndjsonLine } from '../../report/audit-lines.js'
import { createAuditPage } from '../../report/audit-page.js'
import { auditJson, auditText } from '../../report/audit-text.js'
import { jsonText } from '../../report/json-text.js'
import { predictionText } from '../../report/prediction-text.js'
import { addConnectionOptions, connectionOf } from '../connection-options.js'
import {
  checkIdentityPoolOptions,
  credentialsJson,
  type IdentityPoolOptions,
  openIdentityPool,
} from '../identity-pool.js'
import { checkOutput, type Output, type OutputTarget, withOutput } from '../output.js'
import { addPoolReadingOptions, type PoolReadingOptions, type PoolUsers, usePoolUsers } from '../pool-reading.js'
import { semanticsOption } from '../semantics-option.js'
import { checkSpool, spool } from '../spool.js'
import { type ExitCode, print, type Terminal, write } from '../terminal.js'
import { printable } from '../../text.js'
import type { Semantics } from '../../claims/decide.js'

const FORMATS = ['text', 'json', 'ndjson', 'csv', 'html'] as const

interface AuditPoolCommandOptions extends PoolReadingOptions {
  readonly semantics: Semantics
  readonly format: (typeof FORMATS)[number]
  readonly output?: string
}

interface AuditUserCommandOptions extends IdentityPoolOptions {
  readonly userPoolId: string
  readonly username: readonly string[]
  readonly semantics: Semantics
  readonly json?: boolean
}

export function addAuditCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  const audit = program
    .command('audit')
    .description('report which role users get: named users, or every user of a pool')

  addConnectionOptions(
    audit
      .command('user')
      .description(
        'predict the role claims of users from the groups they are in now, and the role whose credentials an identity pool gives',
      )
      .requiredOption('--user-pool-id <id>', 'the user pool')
      .requiredOption(
        '--username <name>',
        'a user, by name and not by an alias; repeatable',
        (name: string, names: readonly string[] = []) => [...names, name],
      ),
  )
    .option(
      '--identity-pool-id <id>',
      'also predict the credentials that this identity pool gives; its region is that of the id',
    )
    .addOption(
      new Option(
        '--identity-pool-file <file>',
        'the same, from what `aws cognito-identity get-identity-pool-roles` printed',
      ).conflicts(['identityPoolId']),
    )
    .option('--client-id <id>', 'the app client of the user; default: the only one with a role mapping')
    .option('--custom-role-arn <arn>', 'the role that the app asks the identity pool for (CustomRoleArn)')
    .addOption(semanticsOption())
    .option('--json', 'print a JSON array, an object for each user')
    .addHelpText(
      'after',
      `
Examples:
  $ rolecast audit user --user-pool-id eu-west-1_Ab12Cd34e --username alice
  $ rolecast audit user --user-pool-id eu-west-1_Ab12Cd34e --username alice --username bob --json

It needs cognito-idp:AdminListGroupsForUser on the user pool.

Exit codes: 0 it ran, 2 it could not run.`,
    )
    .action(async (options: AuditUserCommandOptions) => {
      await auditUsers(options, terminal)
      finish(0)
    })

  addPoolReadingOptions(audit.command('pool'))
    .description('predict what every user of a pool gets, and list what needs attention')
    .addOption(semanticsOption())
    .addOption(
      new Option('--format <format>', 'text or json: a summary; ndjson or csv: a line a user; html: one page with both')
        .choices(FORMATS)
        .default('text'),
    )
    .option('--output <file>', 'write to this file atomically; default: stdout')
    .addHelpText(
      'after',
      `
Examples:
  $ rolecast audit pool --user-pool-id eu-west-1_Ab12Cd34e --dry-run
  $ rolecast audit pool --user-pool-id eu-west-1_Ab12Cd34e --checkpoint audit.checkpoint --format html --output audit.html
  $ rolecast audit pool --pool-file pool.json --memberships users.ndjson --format ndjson

It needs cognito-idp:ListGroups, ListUsers, ListUsersInGroup, AdminListGroupsForUser and DescribeUserPool on the user pool. What
it writes names users, groups and roles, and nothing else of a user.

Exit codes: 0 it ran, 2 it could not run.`,
    )
    .action(async (options: AuditPoolCommandOptions) => {
      await auditPool(options, terminal)
      finish(0)
    })
}

async function auditUsers(options: AuditUserCommandOptions, terminal: Terminal): Promise<void> {
  checkIdentityPoolOptions(options)
  const { userPoolId, username: usernames, semantics } = options
  const predictCredentials = await openIdentityPool(options, undefined)
  const signal = terminal.interrupted()
  const results: unknown[] = []
  for (const username of usernames) {
    const { groups, resolution } = await auditUser({
      userPoolId,
      username,
      ...connectionOf(options),
      semantics,
      signal,
    })
    const credentials = predictCredentials?.(resolution)
    if (options.json) {
      results.push({ username, ...resolution, ...(credentials !== undefined && credentialsJson(credentials)) })
      continue
    }
    const heading = usernames.length === 1 ? '' : `${printable(username)}\n\n`
    await print(
      terminal,
      `${heading}${predictionText({ resolution, groups, unknownGroups: [], credentials }, terminal)}${usernames.length === 1 ? '' : '\n'}`,
    )
  }
  if (options.json) await write(terminal.stdout, `${jsonText(results)}\n`)
}

async function auditPool(options: AuditPoolCommandOptions, terminal: Terminal): Promise<void> {
  const kind = options.format === 'text' ? 'text' : 'data'
  const inputs = [options.checkpoint, options.poolFile, options.memberships]
  const target: OutputTarget = { path: options.output, terminal, kind, hasUsers: true, inputs }
  await usePoolUsers(options, terminal, pool => withOutput(target, output => report(options, pool, output, terminal)), {
    async checkPlace() {
      await checkOutput(target)
      if (options.format === 'html') await checkSpool()
    },
  })
}

async function report(
  { format, semantics }: AuditPoolCommandOptions,
  pool: PoolUsers,
  output: Output,
  { color }: Terminal,
): Promise<void> {
  const { groups, userPoolId, changes } = pool
  const audits = auditsOf(pool, semantics)
  if (format === 'ndjson' || format === 'csv') {
    const line = format === 'ndjson' ? ndjsonLine : csvLine
    if (format === 'csv') await output.write(csvHeader)
    for await (const users of audits) await output.write(users.map(line).join(''))
    return
  }

  const counter = createAuditSummary({ groups, semantics, userPoolId })
  for (const change of changes) counter.change(change)
  if (format !== 'html') {
    for await (const users of audits) users.forEach(counter.add)
    return output.write(format === 'json' ? auditJson(counter.summary()) : auditText(counter.summary(), { color }))
  }
  // The top of the page sums up what comes below it, so the rows wait in a file.
  const page = createAuditPage()
  await using rows = await spool()
  for await (const users of audits) {
    users.forEach(counter.add)
    await rows.write(users.map(page.row).join(''))
  }
  const summary = counter.summary()
  await output.write(page.head(summary))
  for await (const chunk of rows.read()) await output.write(chunk)
  await output.write(page.tail(summary))
}

async function* auditsOf({ groups, batches }: PoolUsers, semantics: Semantics): AsyncGenerator<readonly UserAudit[]> {
  const pool = compilePool(groups, { semantics })
  // Lists that are frozen are those that come again.
  const resolve = keptWhileFrozen((names: readonly string[]) => {
    const resolution = pool.resolve(names)
    return Object.isFrozen(names) ? Object.freeze(resolution) : resolution
  })
  for await (const users of batches)
    yield users.map(({ username, groups: names }) => ({ username, resolution: resolve(names) }))
}
