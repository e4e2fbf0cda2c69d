import type { Command } from 'commander'
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
import { inputName } from './input-file.js'
import { readMemberships } from './memberships-file.js'
import { membershipsOption } from './memberships-option.js'
import { inGroup } from './option-group.js'
import { poolFileOption, readPoolFile } from './pool-file.js'
import { inCommandLineWords } from './command-line-words.js'
import { createProgress } from './progress.js'
import { addReadingOptions, readingOf, type ReadingOptions } from './reading-options.js'
import { say, type Terminal, write } from './terminal.js'
import { type AuditReading, isCutShort } from '../audit/audit-reading.js'
import { describeChange, type PoolChange } from '../audit/pool-change.js'
import type { PoolUser } from '../audit/pool-user.js'
import { userPoolRegion } from '../aws-ids.js'

/** The options of commands that read all users of a pool, from Cognito or from files. */
export interface PoolReadingOptions extends ConnectionOptions, ReadingOptions {
  readonly userPoolId?: string
  readonly poolFile?: string
  readonly memberships?: string
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
  inGroup(command, 'Pool', () =>
    command
      .option('--user-pool-id <id>', 'read the groups and all memberships of this user pool')
      .addOption(poolFileOption('no network').conflicts(ONLINE))
      .addOption(membershipsOption('with --pool-file: ')),
  )
  return addReadingOptions(addConnectionOptions(command), 'file')
}

/** All users of a pool, from whatever source. */
export interface PoolUsers {
  readonly groups: readonly Group[]
  readonly reading: AuditReading
  readonly changes: readonly PoolChange[]
  /** In the batches in which they arrive. */
  readonly batches: AsyncIterable<readonly PoolUser[]>
}

interface OpenPoolUsers extends PoolUsers {
  /** The output is written: removes the checkpoint. */
  done(): Promise<void>
  close(): Promise<void>
}

/** Checks before the users of a live pool are read, which may take hours. Each throws to stop. */
interface FirstChecks {
  /** Whether the output can be written. */
  readonly checkPlace: () => Promise<void>
  readonly checkGroups?: (groups: readonly Group[]) => void
}

/** Opens all users of a pool while they are used; undefined after a dry run. */
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
        '--pool-file has the groups, but not their members; give --memberships FILE too, or --user-pool-id ID alone',
      )
    const file = await readPoolFile(poolFile, terminal.stdin)
    if (userPoolId !== undefined && file.userPoolId !== undefined && userPoolId !== file.userPoolId) {
      refuse(
        `the pool file ${inputName(poolFile)} belongs to user pool ${quote(file.userPoolId)}, not ${quote(userPoolId)}; leave out --user-pool-id`,
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
    const needed = 'needs a checkpoint; give --checkpoint FILE too'
    if (options.takeOver === true) refuse(`--take-over ${needed}`)
    if (options.maxCheckpointAge !== undefined) refuse(`--max-checkpoint-age ${needed}`)
  }
  return openLivePool({ ...options, userPoolId }, terminal, checks)
}

/** It is not known when files were read from the pool. */
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
  const { userPoolId, checkpoint } = options
  const signal = terminal.interrupted()
  const progress = createProgress(terminal)
  const read: ReadOptions = {
    userPoolId,
    ...connectionOf(options),
    ...readingOf(options),
    checkpoint,
    signal,
    onEvent(event) {
      if (event.type === 'progress') progress.update(event.progress)
      else if (event.type === 'read') progress.warn(cutShortText(event))
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
      await say(terminal, `rolecast: while it was read: ${describeChange(change)}\n`)
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

/** An event as lines for people. */
function eventText(
  event: Exclude<ReadEvent, { readonly type: 'progress' | 'read' }>,
  checkpoint: string | undefined,
): string {
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
  }
}

/** A line if the listed users cannot be all users, and nothing otherwise. */
export function cutShortText(
  { users, estimatedUsers }: { readonly users: number; readonly estimatedUsers?: number | undefined },
  ofPool = '',
): string {
  const listed = users === 1 ? `1 user${ofPool} was` : `${users} users${ofPool} were`
  return isCutShort(users, estimatedUsers)
    ? `rolecast: only ${listed} listed, but Cognito's estimate is ${estimatedUsers}; check that nothing between rolecast and Cognito cuts its lists short\n`
    : ''
}

/** Rejects with the reason of the signal, also while it waits for a batch that may never come. */
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
    // Not awaited: it would wait for the batch in progress.
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
