import type { Command } from 'commander'
import type { SemanticsChoice } from '../../claims/choose-semantics.js'
import { type AuditedUser, auditUser } from '../../cognito/memberships/audit-pool.js'
import { type ErrorCode, isRolecastError, type RolecastError } from '../../errors.js'
import { jsonText } from '../../report/json-text.js'
import { MARKS_LEGEND, predictionText } from '../../report/prediction-text.js'
import { printable } from '../../text.js'
import { inCommandLineWords } from '../command-line-words.js'
import { addConnectionOptions, connectionOf } from '../connection-options.js'
import {
  addIdentityPoolOptions,
  checkIdentityPoolOptions,
  credentialsJson,
  type IdentityPool,
  type IdentityPoolOptions,
  openIdentityPool,
} from '../identity-pool.js'
import { failureText } from '../failure-text.js'
import { checkOutput, type OutputTarget, withOutput } from '../output.js'
import { addOutputOptions, hasColor, type OutputOptions } from '../output-option.js'
import { addSemanticsOptions, readSemantics, type SemanticsCommandOptions } from '../semantics-option.js'
import { type ExitCode, say, type Terminal } from '../terminal.js'

const FORMATS = ['text', 'json'] as const

interface AuditUserCommandOptions
  extends IdentityPoolOptions, SemanticsCommandOptions, OutputOptions<(typeof FORMATS)[number]> {
  readonly userPoolId: string
  readonly username: readonly string[]
}

export function addAuditUserCommand(audit: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  const command = addConnectionOptions(
    audit
      .command('user')
      .description(
        'predict the role claims of users from the groups they are in now, and the role whose credentials an identity pool gives',
      )
      .requiredOption('--user-pool-id <id>', 'the user pool')
      .requiredOption(
        '--username <name>',
        'a user, by username, sub, or an alias that the pool has, such as the email address; repeatable',
        (name: string, names: readonly string[] = []) => [...names, name],
      ),
  )
  addSemanticsOptions(addIdentityPoolOptions(command, { hasCustomRole: true }))
  addOutputOptions(command, FORMATS, { about: 'json: an array with an object for each user' })
    .addHelpText(
      'after',
      `
Examples:
  $ rolecast audit user --user-pool-id eu-west-1_Ab12Cd34e --username alice
  $ rolecast audit user --user-pool-id eu-west-1_Ab12Cd34e --username alice --username bob --json

It needs cognito-idp:AdminListGroupsForUser on the user pool. A user that the pool does not have is reported, and the others are
still written.

${MARKS_LEGEND}

Exit codes: 0 it ran, 2 it could not run, or a user was not read.`,
    )
    .action(async (options: AuditUserCommandOptions) => {
      finish(await auditUsers(options, terminal))
    })
}

async function auditUsers(options: AuditUserCommandOptions, terminal: Terminal): Promise<ExitCode> {
  checkIdentityPoolOptions(options)
  const { output: path } = options
  const isJson = options.format === 'json'
  const semantics = await readSemantics(options, terminal.stdin)
  const inputs = [options.identityPoolFile, options.calibration]
  const target: OutputTarget = { path, terminal, kind: isJson ? 'data' : 'text', hasUsers: true, inputs }
  await checkOutput(target)
  const identityPool = await openIdentityPool(options, undefined, terminal.stdin)
  const report = (isJson ? jsonReport : textReport)(options, identityPool, terminal)
  let stopped: unknown
  let isMissing = false
  await withOutput(target, async output => {
    for await (const result of resultsOf(options, semantics, terminal.interrupted())) {
      if (result.outcome === 'missing') {
        isMissing = true
        await say(terminal, failureText(result.error, { verbose: false, json: terminal.hasJsonErrors }))
      }
      if (result.outcome === 'failed') stopped = result.error
      await output.write(report.user(result))
    }
    await output.write(report.end())
  })
  // The results that were read before are already written.
  if (stopped !== undefined) throw stopped
  return isMissing ? 2 : 0
}

/** The result for one named user. */
type Result =
  | { readonly username: string; readonly outcome: 'read'; readonly user: AuditedUser }
  /** The failure of this user alone, or the failure that ended the command, for this user and each user after it. */
  | { readonly username: string; readonly outcome: 'missing' | 'failed' | 'not-asked'; readonly error: RolecastError }

/** What another user does not share. */
const OF_ONE_USER: ReadonlySet<ErrorCode> = new Set(['user-not-found', 'request-rejected'])

/**
 * Asks for one user after the other, and continues after a missing one. Any other failure ends it: if nothing was read
 * before, with a rejection.
 */
async function* resultsOf(
  options: AuditUserCommandOptions,
  semantics: SemanticsChoice,
  signal: AbortSignal,
): AsyncGenerator<Result> {
  const { userPoolId } = options
  let stopped: RolecastError | undefined
  let isFirst = true
  for (const username of options.username) {
    if (stopped !== undefined) {
      yield { username, outcome: 'not-asked', error: stopped }
      continue
    }
    let result: Result
    try {
      const user = await auditUser({ userPoolId, username, ...connectionOf(options), ...semantics, signal })
      result = { username, outcome: 'read', user }
    } catch (error) {
      if (!isRolecastError(error)) throw error
      const isOfUser = OF_ONE_USER.has(error.code)
      if (error.code === 'aborted' || (isFirst && !isOfUser)) throw error
      if (!isOfUser) stopped = error
      result = { username, outcome: isOfUser ? 'missing' : 'failed', error }
    }
    isFirst = false
    yield result
  }
}

interface Report {
  user(result: Result): string
  end(): string
}

type NewReport = (
  options: AuditUserCommandOptions,
  identityPool: IdentityPool | undefined,
  terminal: Terminal,
) => Report

/** A section for each user, with the name above it if there are several. */
const textReport: NewReport = ({ username: usernames, output }, identityPool, terminal) => {
  const color = hasColor(terminal, { output })
  const sectionOf = (result: Result) => {
    if (result.outcome !== 'read') return `${printable(whyNotRead(result))}\n`
    const { groups, resolution } = result.user
    const credentials = identityPool?.predict(resolution)
    return predictionText({ resolution, groups, unknownGroups: [], credentials }, { color })
  }
  const isOne = usernames.length === 1
  return {
    user(result) {
      if (!isOne) return `${printable(result.username)}\n\n${sectionOf(result)}\n`
      // On a terminal, stderr already says it.
      return result.outcome === 'read' || output !== undefined ? sectionOf(result) : ''
    },
    end: () => '',
  }
}

const jsonReport: NewReport = (_options, identityPool) => {
  const results: unknown[] = []
  return {
    user(result) {
      const { username } = result
      if (result.outcome !== 'read') {
        results.push({ username, error: { code: result.error.code, message: whyNotRead(result) } })
        return ''
      }
      const { resolution } = result.user
      const credentials = identityPool?.predict(resolution)
      results.push({ username, ...resolution, ...(credentials !== undefined && credentialsJson(credentials)) })
      return ''
    },
    end: () => `${jsonText(results)}\n`,
  }
}

function whyNotRead({ outcome, error }: Exclude<Result, { readonly outcome: 'read' }>): string {
  const message = inCommandLineWords(error.message)
  return outcome === 'not-asked' ? `not asked, after a failure: ${message}` : message
}
