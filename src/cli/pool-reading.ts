import { type Command, Option } from 'commander'
import {
  attributesOf,
  checkReading,
  estimateReading,
  openPool,
  type ReadOptions,
} from '../cognito/memberships/audit-pool.js'
import { onAbort } from '../abort.js'
import { durationText } from '../cognito/memberships/duration.js'
import type { ReadEvent } from '../cognito/memberships/read-pool.js'
import { isRolecastError, RolecastError, quote } from '../errors.js'
import type { Group } from '../group.js'
import { addConnectionOptions, type ConnectionOptions, connectionOf } from './connection-options.js'
import { estimateText } from './estimate-text.js'
import { readMemberships } from './memberships-file.js'
import { readPoolFile } from './pool-file.js'
import { inCommandLineWords } from './command-line-words.js'
import { createProgress } from './progress.js'
import { type Terminal, write } from './terminal.js'
import { type AuditReading, isCutShort } from '../audit/audit-reading.js'
import { describeChange, type PoolChange } from '../audit/pool-change.js'
import type { PoolUser } from '../audit/pool-user.js'
import { userPoolRegion } from '../aws-ids.js'

/** The options of commands that read all users of a pool, from Cognito or from files. */
export interface PoolReadingOptions extends ConnectionOptions {
  readonly userPoolId?: string
  readonly poolFile?: string
  readonly memberships?: string
  readonly strategy?: 'per-group' | 'per-user'
  readonly membershipsPerUser?: number
  readonly attributes?: readonly string[]
  readonly requestsPerSecond?: readonly Rate[]
  readonly checkpoint?: string
  /** Milliseconds. */
  readonly maxCheckpointAge?: number
  readonly takeOver?: boolean
  readonly dryRun?: boolean
}

export interface Rate {
  readonly api: 'ListGroups' | 'ListUsers' | 'AdminListGroupsForUser'
  readonly perSecond: number
}

const ONLINE = [
  'region',
  'profile',
  'endpointUrl',
  'strategy',
  'membershipsPerUser',
  'requestsPerSecond',
  'checkpoint',
  'maxCheckpointAge',
  'takeOver',
  'dryRun',
]

export function addPoolReadingOptions(command: Command): Command {
  return addConnectionOptions(
    command
      .option('--user-pool-id <id>', 'read the groups and all memberships of this user pool')
      .addOption(
        new Option(
          '--pool-file <file>',
          'read the groups from what `aws cognito-idp list-groups` or `rolecast snapshot` printed; no network',
        ).conflicts(ONLINE),
      )
      .option(
        '--memberships <file>',
        'with --pool-file: users and their groups, a line of JSON each, like {"username":"alice","groups":["a","b"]}; `-` is stdin',
      ),
  )
    .addOption(
      new Option(
        '--strategy <way>',
        'read the users of each group, or the groups of each user; default: the faster one',
      ).choices(['per-group', 'per-user']),
    )
    .option('--memberships-per-user <n>', 'groups of a user on average, for the estimate; default: 3', toNumber)
    .option(
      '--requests-per-second <api=n>',
      "ListGroups=5, ListUsers=30 (with ListUsersInGroup) and AdminListGroupsForUser=50 are the defaults, and Cognito's quotas; repeatable",
      (text: string, rates: readonly Rate[] = []) => [...rates, toRate(text)],
    )
    .option(
      '--checkpoint <file>',
      'save what is read to this file, so that the same command resumes from it after an interruption',
    )
    .option(
      '--max-checkpoint-age <duration>',
      'do not resume from a checkpoint that was begun longer ago, like 90m, 12h or 2d; default: 1d',
      toDuration,
    )
    .option(
      '--take-over',
      'also resume from a checkpoint in use by a process that cannot be seen from here; only if that has ended',
    )
    .option('--dry-run', 'print what reading the pool costs, check that nothing it needs is missing, and stop')
}

/** For commands that say what a pool knows of each user. */
export function attributesOption(): Option {
  return new Option(
    '--attributes <names>',
    'also read these attributes of each user, besides sub, separated by commas, like email,custom:team; with files: those that are columns of a CSV; repeatable',
  ).argParser((text: string, names: readonly string[] = []) => [...names, ...text.split(',').map(name => name.trim())])
}

const UNIT = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

export function toDuration(text: string): number {
  const [, number, unit] = /^(\d{1,6}(?:\.\d{1,3})?)([mhd])$/.exec(text) ?? []
  if (number !== undefined && unit !== undefined) return Number(number) * UNIT[unit as keyof typeof UNIT]
  throw new RolecastError('invalid-argument', `${quote(text)} is not a duration; give one like 90m, 12h or 2d`, {
    value: text,
  })
}

export function toNumber(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value)) return value
  throw new RolecastError('invalid-argument', `${quote(text)} is not a number; give one like 3`, { value: text })
}

export function toRate(text: string): Rate {
  const [, api, number] = /^(ListGroups|ListUsers|AdminListGroupsForUser)=([\d.]+)$/.exec(text) ?? []
  const perSecond = Number(number)
  if (api !== undefined && perSecond > 0) return { api: api as Rate['api'], perSecond }
  throw new RolecastError(
    'invalid-argument',
    `${quote(text)} is not a rate; give --requests-per-second ListUsers=15, ListGroups=… or AdminListGroupsForUser=…`,
    {
      value: text,
    },
  )
}

/** All users of a pool, wherever they come from. */
export interface PoolUsers {
  readonly groups: readonly Group[]
  readonly reading: AuditReading
  readonly changes: readonly PoolChange[]
  /** As many at once as come together. */
  readonly batches: AsyncIterable<readonly PoolUser[]>
}

interface OpenPoolUsers extends PoolUsers {
  /** The output is written: removes the checkpoint. */
  done(): Promise<void>
  close(): Promise<void>
}

/** What is looked at before the users of a live pool are read, which may take hours. Each throws to stop. */
interface FirstChecks {
  /** Whether there will be a place for what the command writes. */
  readonly checkPlace: () => Promise<void>
  readonly checkGroups?: (groups: readonly Group[]) => void
}

/** Opens all users of a pool, for as long as they are used; undefined after a dry run. */
export async function usePoolUsers<T>(
  options: PoolReadingOptions,
  terminal: Terminal,
  use: (pool: PoolUsers) => Promise<T>,
  checks: FirstChecks,
): Promise<T | undefined> {
  try {
    const pool = await openPoolUsers(options, terminal, checks)
    if (pool === undefined) return undefined
    try {
      const result = await use(pool)
      await pool.done()
      return result
    } finally {
      await pool.close()
    }
  } catch (error) {
    throw wasInterrupted(error, terminal) ? interruption(options) : error
  }
}

function wasInterrupted(error: unknown, terminal: Terminal): boolean {
  if (isRolecastError(error)) return error.code === 'aborted'
  const { aborted, reason } = terminal.interrupted()
  return aborted && error === reason
}

function interruption({ userPoolId, poolFile, checkpoint, dryRun }: PoolReadingOptions): RolecastError {
  const isLong = userPoolId !== undefined && poolFile === undefined && dryRun !== true
  const next =
    checkpoint !== undefined && isLong
      ? `what was read is saved in ${quote(checkpoint)}, and the same command resumes from it`
      : isLong
        ? 'nothing is saved; a command with --checkpoint FILE resumes after an interruption'
        : 'run the command again'
  return new RolecastError('aborted', `interrupted; ${next}`)
}

async function openPoolUsers(
  options: PoolReadingOptions,
  terminal: Terminal,
  checks: FirstChecks,
): Promise<OpenPoolUsers | undefined> {
  const { poolFile, memberships, userPoolId } = options
  if (poolFile !== undefined) {
    if (memberships === undefined)
      refuse(
        '--pool-file has the groups, but not who is in them; give --memberships FILE too, or --user-pool-id ID alone',
      )
    const file = await readPoolFile(poolFile)
    if (userPoolId !== undefined && file.userPoolId !== undefined && userPoolId !== file.userPoolId) {
      refuse(
        `the pool file ${quote(poolFile)} is of user pool ${quote(file.userPoolId)} and not of ${quote(userPoolId)}; leave --user-pool-id out`,
      )
    }
    const ofPool = file.userPoolId ?? userPoolId
    const batches = untilInterrupted(readMemberships(memberships, terminal.stdin, ofPool), terminal.interrupted())
    return {
      groups: [...file.groups.values()],
      reading: readingOfFiles(ofPool, attributesOf(options)),
      changes: [],
      batches,
      done,
      close: done,
    }
  }
  if (memberships !== undefined) refuse('--memberships has the users, but not the groups; give --pool-file FILE too')
  if (userPoolId === undefined)
    refuse('no pool to read; give --user-pool-id ID, or --pool-file FILE with --memberships FILE')
  if (options.checkpoint === undefined) {
    const needed = 'is for a reading that resumes; give --checkpoint FILE too'
    if (options.takeOver === true) refuse(`--take-over ${needed}`)
    if (options.maxCheckpointAge !== undefined) refuse(`--max-checkpoint-age ${needed}`)
  }
  return openLivePool({ ...options, userPoolId }, terminal, checks)
}

/** Nothing says when files were read from the pool. */
function readingOfFiles(userPoolId: string | undefined, attributes: readonly string[]): AuditReading {
  const region = userPoolRegion(userPoolId)
  return {
    source: 'files',
    ...(userPoolId !== undefined && { userPoolId }),
    ...(region !== undefined && { region }),
    ...(attributes.length > 0 && { attributes }),
  }
}

async function done(): Promise<void> {}

async function openLivePool(
  options: PoolReadingOptions & { readonly userPoolId: string },
  terminal: Terminal,
  { checkPlace, checkGroups }: FirstChecks,
): Promise<OpenPoolUsers | undefined> {
  await checkPlace()
  const { userPoolId, strategy, membershipsPerUser, attributes, checkpoint, maxCheckpointAge, takeOver } = options
  const rate = (api: Rate['api']) => options.requestsPerSecond?.findLast(one => one.api === api)?.perSecond
  const signal = terminal.interrupted()
  const progress = createProgress(terminal.stderr)
  const read: ReadOptions = {
    userPoolId,
    ...connectionOf(options),
    strategy,
    membershipsPerUser,
    attributes,
    checkpoint,
    maxCheckpointAge,
    takeOver,
    requestsPerSecond: rate('ListGroups'),
    rates: { ListUsers: rate('ListUsers'), AdminListGroupsForUser: rate('AdminListGroupsForUser') },
    signal,
    onEvent(event) {
      if (event.type === 'progress') progress.update(event.progress)
      else progress.say(eventText(event, checkpoint))
    },
  }
  try {
    if (options.dryRun) {
      await write(terminal.stdout, estimateText(await estimateReading(read, checkGroups)))
      await checkReading(read)
      return undefined
    }
    const { reading, ...opened } = await openPool(read, checkGroups)
    for (const change of reading.changes)
      await write(terminal.stderr, `rolecast: while it was read: ${describeChange(change)}\n`)
    return {
      groups: reading.groups,
      reading: reading.about,
      changes: reading.changes,
      batches: untilInterrupted(inBatches(reading.users()), signal),
      ...opened,
    }
  } finally {
    progress.stop()
  }
}

const RELIST: Readonly<Record<Extract<ReadEvent, { readonly type: 'relist' }>['reason'], string>> = {
  rejected: 'ListUsers rejects a filter on `sub`',
  'not-filtered': 'ListUsers does not filter by `sub` as Cognito does',
  'fewer-users': "the users listed by `sub` are fewer than Cognito's estimate, or lack one of the first page",
}

/** What is said of an event: lines for people. */
function eventText(event: Exclude<ReadEvent, { readonly type: 'progress' }>, checkpoint: string | undefined): string {
  switch (event.type) {
    case 'resumed':
      return `rolecast: resuming from ${quote(checkpoint)}: ${event.pages} pages, read from ${event.startedAt} on (${durationText(event.ageInMs)} ago)\n`
    case 'estimate':
      return estimateText(event.estimate)
    case 'retry':
      return `rolecast: trying again: ${inCommandLineWords(event.error.message)} [${event.error.code}]\n`
    case 'rate': {
      const name = event.quota === 'ListUsers' ? 'ListUsers with ListUsersInGroup' : event.quota
      const rate = `${Number(event.perSecond.toPrecision(2))} calls a second`
      return event.isThrottled
        ? `rolecast: ${name} is throttled, and slows down to ${rate}\n`
        : `rolecast: ${name} is back at ${rate}\n`
    }
    case 'relist':
      return `rolecast: ${RELIST[event.reason]}; listing all users in one list, which takes longer\n`
    case 'read':
      return cutShortText(event)
  }
}

/** A line if the users that were listed cannot be all, and nothing otherwise. */
export function cutShortText(
  { users, estimatedUsers }: { readonly users: number; readonly estimatedUsers?: number | undefined },
  ofPool = '',
): string {
  return isCutShort(users, estimatedUsers)
    ? `rolecast: only ${users} users${ofPool} were listed, and Cognito's estimate is ${estimatedUsers}; check that nothing between here and Cognito cuts its lists short\n`
    : ''
}

/** Rejects with the reason of the signal, also while a batch is waited for that may never come. */
async function* untilInterrupted<T>(batches: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = batches[Symbol.asyncIterator]()
  let abort: (() => void) | undefined
  const leave = onAbort(signal, () => abort?.())
  try {
    for (;;) {
      signal.throwIfAborted()
      const next = await new Promise<IteratorResult<T>>((resolve, reject) => {
        abort = () => reject(signal.reason)
        iterator.next().then(resolve, reject)
      })
      signal.throwIfAborted()
      if (next.done) return
      yield next.value
    }
  } finally {
    leave()
    // Not awaited: it waits for the batch that is under way.
    void iterator.return?.().catch(() => {})
  }
}

const BATCH = 5_000

async function* inBatches(users: Iterable<PoolUser>): AsyncGenerator<readonly PoolUser[]> {
  let batch: PoolUser[] = []
  for (const user of users) {
    batch.push(user)
    if (batch.length === BATCH) {
      yield batch
      batch = []
    }
  }
  yield batch
}

function refuse(what: string): never {
  throw new RolecastError('invalid-argument', what)
}
