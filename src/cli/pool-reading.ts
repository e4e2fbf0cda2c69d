import { type Command, Option } from 'commander'
import { checkReading, estimateReading, openPool, type ReadOptions } from '../cognito/memberships/audit-pool.js'
import { durationText } from '../cognito/memberships/duration.js'
import type { ReadEvent } from '../cognito/memberships/read-pool.js'
import { RolecastError, quote } from '../errors.js'
import type { Group, UserGroups } from '../group.js'
import { addConnectionOptions, type ConnectionOptions, connectionOf } from './connection-options.js'
import { estimateText } from './estimate-text.js'
import { readMemberships } from './memberships-file.js'
import { readPoolFile } from './pool-file.js'
import { inCommandLineWords } from './command-line-words.js'
import { createProgress } from './progress.js'
import { type Terminal, write } from './terminal.js'
import { describeChange, type PoolChange } from '../audit/pool-change.js'

/** The options of commands that read all users of a pool, from Cognito or from files. */
export interface PoolReadingOptions extends ConnectionOptions {
  readonly userPoolId?: string
  readonly poolFile?: string
  readonly memberships?: string
  readonly strategy?: 'per-group' | 'per-user'
  readonly membershipsPerUser?: number
  readonly requestsPerSecond?: readonly Rate[]
  readonly checkpoint?: string
  /** Milliseconds. */
  readonly maxCheckpointAge?: number
  readonly dryRun?: boolean
}

interface Rate {
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
    .option('--dry-run', 'print what reading the pool costs, check that nothing it needs is missing, and stop')
}

const UNIT = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

function toDuration(text: string): number {
  const [, number, unit] = /^(\d{1,6}(?:\.\d{1,3})?)([mhd])$/.exec(text) ?? []
  if (number !== undefined && unit !== undefined) return Number(number) * UNIT[unit as keyof typeof UNIT]
  throw new RolecastError('invalid-argument', `${quote(text)} is not a duration; give one like 90m, 12h or 2d`, {
    value: text,
  })
}

function toNumber(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value)) return value
  throw new RolecastError('invalid-argument', `${quote(text)} is not a number; give one like 3`, { value: text })
}

function toRate(text: string): Rate {
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
  /** Absent where nothing says it. */
  readonly userPoolId: string | undefined
  readonly changes: readonly PoolChange[]
  /** As many at once as come together. */
  readonly batches: AsyncIterable<readonly UserGroups[]>
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
  const pool = await openPoolUsers(options, terminal, checks)
  if (pool === undefined) return undefined
  try {
    const result = await use(pool)
    await pool.done()
    return result
  } finally {
    await pool.close()
  }
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
    const batches = untilInterrupted(readMemberships(memberships, terminal.stdin), terminal.interrupted())
    return {
      groups: [...file.groups.values()],
      userPoolId: file.userPoolId ?? userPoolId,
      changes: [],
      batches,
      done,
      close: done,
    }
  }
  if (memberships !== undefined) refuse('--memberships has the users, but not the groups; give --pool-file FILE too')
  if (userPoolId === undefined)
    refuse('no pool to read; give --user-pool-id ID, or --pool-file FILE with --memberships FILE')
  return openLivePool({ ...options, userPoolId }, terminal, checks)
}

async function done(): Promise<void> {}

async function openLivePool(
  options: PoolReadingOptions & { readonly userPoolId: string },
  terminal: Terminal,
  { checkPlace, checkGroups }: FirstChecks,
): Promise<OpenPoolUsers | undefined> {
  await checkPlace()
  const { userPoolId, strategy, membershipsPerUser, checkpoint, maxCheckpointAge } = options
  const rate = (api: Rate['api']) => options.requestsPerSecond?.findLast(one => one.api === api)?.perSecond
  const signal = terminal.interrupted()
  const progress = createProgress(terminal.stderr)
  const read: ReadOptions = {
    userPoolId,
    ...connectionOf(options),
    strategy,
    membershipsPerUser,
    checkpoint,
    maxCheckpointAge,
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
      userPoolId,
      changes: reading.changes,
      batches: untilInterrupted(inBatches(reading.users()), signal),
      ...opened,
    }
  } finally {
    progress.stop()
  }
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
    case 'read': {
      const { users, estimatedUsers } = event
      // Cognito's estimate may be off, but not by half.
      const isFew = estimatedUsers !== undefined && estimatedUsers >= 100 && users < estimatedUsers / 2
      return isFew
        ? `rolecast: only ${users} users were listed, and Cognito's estimate is ${estimatedUsers}; check that nothing between here and Cognito cuts its lists short\n`
        : ''
    }
  }
}

async function* untilInterrupted<T>(batches: AsyncIterable<T> | Iterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  for await (const batch of batches) {
    if (signal.aborted) throw new RolecastError('aborted', 'interrupted; nothing was written to a file')
    yield batch
  }
}

const BATCH = 5_000

function* inBatches(users: Iterable<UserGroups>): Generator<readonly UserGroups[]> {
  let batch: UserGroups[] = []
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
