import { isUtf8 } from 'node:buffer'
import type { Readable } from 'node:stream'
import * as z from 'zod/mini'
import type { AuditEnd, AuditSide, DiffUser, UserCredentials } from '../audit/diff.js'
import { type AuditConcern, CONCERN_NAMES } from '../audit/concerns.js'
import { createAuditSummary } from '../audit/summary.js'
import { USER_POOL_ID_PATTERN } from '../aws-ids.js'
import { type Semantics, SEMANTICS } from '../claims/decide.js'
import { firstIssue, readAs } from '../cognito/api/schema.js'
import { quote, RolecastError } from '../errors.js'
import { isGroupName, isPrecedence } from '../group.js'
import { compilePool, type PoolResolution } from '../pool/compile-pool.js'
import { ownValue } from '../record.js'
import { canBeReadOnce, inputName, openInput } from './input-file.js'
import { type LineBatch, lineBatches } from './lines.js'

/** An audit in a file, to be compared with another one. */
export interface AuditFile {
  readonly side: AuditSide
  /** The users, once. The reading is for the findings of a checkpoint. */
  users(semantics: Semantics): AsyncGenerator<readonly DiffUser[], void>
  /** The summary at its end. Only after the last batch. */
  end(): AuditEnd
  close(): Promise<void>
}

/**
 * Opens what `rolecast audit pool --format ndjson` wrote, or a checkpoint of an audit whose reading is complete.
 *
 * Each line of a user is checked: the groups have to give the roles that it has. A file is rejected if it is cut off,
 * has fewer or more users than its summary counts, or was written by another version of the format.
 *
 * @throws RolecastError `invalid-input`, from `users` too
 */
export async function openAuditFile(path: string, stdin: Readable): Promise<AuditFile> {
  const invalid: Invalid = (what, cause) =>
    new RolecastError('invalid-input', `the audit ${inputName(path)} cannot be used: ${what}; ${NEXT}`, {
      value: path,
      cause,
    })
  const file = await openInput(path, stdin, 2 ** 16).catch((cause: NodeJS.ErrnoException) => {
    throw invalid(`it cannot be read (${cause.code ?? 'error'})`, cause)
  })
  try {
    const lines = createLineReader(file, invalid)
    const first = await lines.next()
    if (first === undefined) throw invalid('it is empty')
    if (first.text.startsWith(CHECKPOINT)) {
      if (await canBeReadOnce(path))
        throw new RolecastError(
          'invalid-argument',
          `the audit ${inputName(path)} is a checkpoint, which has to be read more than once; give the checkpoint as a file`,
          { value: path },
        )
      file.destroy()
      return await openCheckpointAudit(path)
    }
    return openLines(readHead(first, invalid), lines, file, invalid)
  } catch (error) {
    file.destroy()
    throw error
  }
}

const CHECKPOINT = '{"rolecast":"checkpoint"'
const NEXT = 'make it with `rolecast audit pool --format ndjson --output FILE`'

type Invalid = (what: string, cause?: unknown) => RolecastError

// ------------------------------------------------------------------ Checkpoints

async function openCheckpointAudit(path: string): Promise<AuditFile> {
  const { readFinishedCheckpoint } = await import('../cognito/memberships/finished-checkpoint.js')
  const { groups, changes, about, users } = await readFinishedCheckpoint(path)
  let findings: AuditEnd['findings'] = {}
  return {
    side: { groups, reading: about },
    // oxlint-disable-next-line require-await
    async *users(semantics) {
      const pool = compilePool(groups, { semantics })
      const counter = createAuditSummary({ groups, semantics, reading: about })
      for (const user of users()) {
        counter.add({ ...user, resolution: pool.resolve(user.groups) })
        yield [user]
      }
      findings = countsOf(counter.summary().findings)
    },
    end: () => ({ findings, changes: changes.length }),
    close: async () => {},
  }
}

function countsOf(
  findings: Iterable<{ readonly concern: AuditConcern; readonly count: number }>,
): AuditEnd['findings'] {
  return Object.fromEntries(Array.from(findings, ({ concern, count }) => [concern, count]))
}

// ------------------------------------------------------------------ NDJSON

const headShape = z.object({
  tool: z.object({ version: z.string() }),
  reading: z.optional(
    z.object({
      source: z.enum(['cognito', 'files']),
      userPoolId: z.optional(z.string()),
      poolName: z.optional(z.string()),
      account: z.optional(z.string()),
      region: z.optional(z.string()),
      startedAt: z.optional(z.iso.datetime()),
      endedAt: z.optional(z.iso.datetime()),
      strategy: z.optional(z.enum(['per-group', 'per-user'])),
      attributes: z.optional(z.array(z.string())),
      estimatedUsers: z.optional(z.int().check(z.minimum(0))),
    }),
  ),
  semantics: z.enum(SEMANTICS as readonly [Semantics, ...Semantics[]]),
  calibration: z.optional(
    z.object({ date: z.iso.datetime(), userPoolId: z.string().check(z.regex(USER_POOL_ID_PATTERN)) }),
  ),
  identityPool: z.optional(z.object({ identityPoolId: z.string(), clientId: z.optional(z.string()) })),
  groups: z.array(
    z.object({
      groupName: z.string().check(z.refine(isGroupName, 'not a group name')),
      precedence: z.optional(z.number().check(z.refine(isPrecedence, 'not a precedence'))),
      roleArn: z.optional(z.string().check(z.minLength(1))),
    }),
  ),
  roleChecks: z.optional(
    z.array(
      z.object({
        roleArn: z.string().check(z.minLength(1)),
        status: z.enum(['exists', 'missing', 'unknown']),
        trust: z.optional(
          z.object({
            trusted: z.optional(z.boolean()),
            anyPool: z.optional(z.boolean()),
            guests: z.optional(z.boolean()),
          }),
        ),
        privileges: z.optional(z.object({ administrator: z.optional(z.boolean()) })),
      }),
    ),
  ),
})

type Head = z.infer<typeof headShape>

/** The version of the lines that this rolecast writes and reads. */
const VERSION = 1

function readHead({ text }: Line, invalid: Invalid): Head {
  const head = objectIn(parse(text), 'audit')
  if (head === undefined) throw invalid('it is neither an audit in NDJSON nor a checkpoint')
  const version = ownValue(head, 'version')
  if (version !== VERSION)
    throw invalid(`it has version ${quote(version)}, but this version of rolecast reads only version ${VERSION}`)
  const parsed = readAs(headShape, head)
  if (!parsed.success) throw invalid(`its first line has ${firstIssue(parsed.error, head).note}`, parsed.error)
  const names = parsed.data.groups.map(({ groupName }) => groupName)
  if (new Set(names).size < names.length) throw invalid('its first line has a group twice')
  const arns = (parsed.data.roleChecks ?? []).map(({ roleArn }) => roleArn)
  if (new Set(arns).size < arns.length) throw invalid('its first line has a role twice')
  return parsed.data
}

const summaryShape = z.object({
  users: z.int().check(z.minimum(0)),
  findings: z.array(z.object({ concern: z.string(), count: z.int().check(z.minimum(0)) })),
  changes: z.array(z.looseObject({})),
})

function openLines(head: Head, lines: LineReader, file: Readable, invalid: Invalid): AuditFile {
  const { tool, reading, semantics, calibration, identityPool, groups, roleChecks } = head
  const readUser = createUserReader(head, invalid)
  let end: AuditEnd | undefined

  async function* read(): AsyncGenerator<readonly DiffUser[], void> {
    let users = 0
    let batch: DiffUser[] = []
    for (let line = await lines.next(); line !== undefined; line = await lines.next()) {
      if (end !== undefined) throw invalid(`its line ${line.number} comes after the summary, which is the last one`)
      if (line.text.startsWith('{"summary":')) {
        end = readEnd(line, users, invalid)
        continue
      }
      users++
      batch.push(readUser(line))
      if (batch.length < BATCH) continue
      yield batch
      batch = []
    }
    if (end === undefined) throw invalid('it is cut off: it has no summary at its end')
    yield batch
  }

  return {
    side: {
      groups,
      semantics,
      ...(calibration !== undefined && { calibration }),
      ...(reading !== undefined && { reading }),
      toolVersion: tool.version,
      ...(identityPool !== undefined && { identityPoolId: identityPool.identityPoolId }),
      ...(identityPool?.clientId !== undefined && { clientId: identityPool.clientId }),
      ...(roleChecks !== undefined && { roleChecks }),
    },
    users: read,
    end: () => end!,
    close: async () => void file.destroy(),
  }
}

const BATCH = 1_000

function readEnd({ text, number }: Line, users: number, invalid: Invalid): AuditEnd {
  const summary = objectIn(parse(text), 'summary')
  if (summary === undefined) throw invalid(`its line ${number} is not JSON`)
  const parsed = readAs(summaryShape, summary)
  if (!parsed.success) throw invalid(`its summary has ${firstIssue(parsed.error, summary).note}`, parsed.error)
  const { users: counted, findings, changes } = parsed.data
  if (counted !== users)
    throw invalid(
      `it has ${users === 1 ? 'a line for 1 user' : `lines for ${users} users`}, but its summary counts ${counted}: lines are missing, or only the users of some findings were written`,
    )
  const known = findings.filter((one): one is typeof one & { readonly concern: AuditConcern } =>
    CONCERN_NAMES.includes(one.concern as AuditConcern),
  )
  if (known.length < findings.length)
    throw invalid(
      `its summary has the finding ${quote(findings.find(one => !known.includes(one as never))?.concern)}, which this version of rolecast does not know`,
    )
  return { findings: countsOf(known), changes: changes.length }
}

/** The groups of the user, if they give the roles that the line has. */
function createUserReader({ groups, semantics, identityPool }: Head, invalid: Invalid): (line: Line) => DiffUser {
  const pool = compilePool(groups, { semantics })
  return ({ text, number }) => {
    const user = parse(text)
    const wrong = (what: string) => invalid(`its line ${number} ${what}`)
    if (user === undefined) throw wrong('is not the JSON of a user')
    const field = (name: string) => ownValue(user, name)
    const [username, sub, enabled] = [field('username'), field('sub'), field('enabled')]
    const [own, unknown] = [field('groups'), field('unknownGroups') ?? []]
    if (!isText(username)) throw wrong('has no `username`')
    if (sub !== undefined && !isText(sub)) throw wrong('has a `sub` that is not a string')
    if (enabled !== undefined && typeof enabled !== 'boolean') throw wrong('has an `enabled` that is not true or false')
    if (!isTexts(own) || !isTexts(unknown)) throw wrong('has no list of names as `groups`')
    const resolution = pool.resolve(own)
    if (resolution.unknownGroups.length > 0)
      throw wrong(`has the group ${quote(resolution.unknownGroups[0])}, which the first line does not have`)
    if (!saysTheSame(user, resolution))
      throw wrong(
        'has roles that its groups do not give: the file was changed, or a version of rolecast with other rules wrote it',
      )
    const credentials = identityPool === undefined ? undefined : toCredentials(field('credentials'))
    if (identityPool !== undefined && credentials === undefined) throw wrong('has no usable `credentials`')
    return {
      username,
      ...(sub !== undefined && { sub }),
      ...(enabled !== undefined && { enabled }),
      groups: unknown.length === 0 ? own : [...own, ...unknown],
      ...(credentials !== undefined && { credentials }),
    }
  }
}

function saysTheSame(user: object, { outcome, roles, preferredRole, candidateRole }: PoolResolution): boolean {
  const given = ownValue(user, 'roles')
  return (
    ownValue(user, 'outcome') === outcome &&
    ownValue(user, 'preferredRole') === preferredRole &&
    ownValue(user, 'candidateRole') === candidateRole &&
    isTexts(given) &&
    given.length === roles.length &&
    roles.every(role => given.includes(role))
  )
}

function toCredentials(value: unknown): UserCredentials | undefined {
  if (!isObject(value)) return undefined
  const [outcome, roleArn, candidates] = ['outcome', 'roleArn', 'candidates'].map(name => ownValue(value, name))
  if (outcome === 'role') return isText(roleArn) ? { outcome, roleArn } : undefined
  if (outcome === 'denied') return { outcome }
  if (outcome !== 'undetermined') return undefined
  if (!Array.isArray(candidates)) return undefined
  const readings = candidates.map(toCredentials)
  const known = readings.filter(one => one !== undefined && one.outcome !== 'undetermined')
  return known.length === readings.length ? { outcome, candidates: known as UserCredentials['candidates'] } : undefined
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.isWellFormed()
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(one => typeof one === 'string')
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parse(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function objectIn(value: object | undefined, key: string): object | undefined {
  const found = value === undefined ? undefined : ownValue(value, key)
  return isObject(found) ? found : undefined
}

// ------------------------------------------------------------------ Lines

interface Line {
  /** From 1. */
  readonly number: number
  readonly text: string
}

interface LineReader {
  /** Undefined after the last line. */
  next(): Promise<Line | undefined>
}

/** Every line has to end with a line feed: if the last one does not, the file is cut off. */
function createLineReader(file: Readable, invalid: Invalid): LineReader {
  const batches = lineBatches(file)
  let rest: LineBatch | undefined
  let lines: readonly string[] = []
  let at = 0
  let number = 0

  /** The next complete lines. */
  async function refill(): Promise<boolean> {
    const { value, done } = await batches.next()
    if (done === true) {
      if (rest !== undefined && rest.bytes.length > 0)
        throw invalid('it is cut off: its last line does not end with a line feed')
      return false
    }
    const whole = rest
    rest = value
    lines = whole === undefined ? [] : textOf(whole, invalid).split('\n')
    at = 0
    return true
  }

  return {
    async next() {
      while (at === lines.length) if (!(await refill())) return undefined
      return { number: ++number, text: lines[at++]! }
    },
  }
}

function textOf({ bytes, first }: LineBatch, invalid: Invalid): string {
  if (!isUtf8(bytes)) throw invalid(`it is not UTF-8 from line ${first} on`)
  const text = bytes.toString('utf8')
  return first === 1 && text.startsWith('\ufeff') ? text.slice(1) : text
}
