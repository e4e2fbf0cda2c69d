import { onAbort } from '../abort.js'
import type { AuditedPool, ListedRegion, NotRead, PoolAudit } from '../audit/account-summary.js'
import { type AuditConcern, createConcerns } from '../audit/concerns.js'
import type { RoleCheck } from '../audit/role-check.js'
import { createAuditSummary, type UserAudit } from '../audit/summary.js'
import { keptWhileFrozen } from '../record.js'
import { chooseSemantics, type SemanticsChoice } from '../claims/choose-semantics.js'
import type { ListedUserPool } from '../cognito/api/account-api.js'
import type { AccountFolder, Part, PartStamp } from '../cognito/memberships/account-folder.js'
import {
  type AccountRecord,
  type IdentityPoolsRecord,
  parseAccountRecord,
  type PoolRecord,
  toRecord,
  type UserPoolsRecord,
} from '../cognito/memberships/account-journal.js'
import {
  type AccountPlace,
  checkRegion,
  type IdentityRoute,
  type LinkedIdentityPool,
  listIdentityPools,
  listUserPools,
  notReadOf,
  routesOf,
} from '../cognito/memberships/audit-account.js'
import { openPool, type ReadOptions } from '../cognito/memberships/audit-pool.js'
import type { PoolReading, ReadEvent } from '../cognito/memberships/read-pool.js'
import { compilePool } from '../pool/compile-pool.js'
import { limitsOfPool } from '../report/account-limits.js'
import { createAuditLines } from '../report/audit-lines.js'
import { concurrently } from './concurrently.js'

/** Checks roles with the credentials of an account. */
export type AccountRoleChecks = (
  account: string,
  roleArns: Iterable<string>,
  identityPoolId: string | undefined,
  signal: AbortSignal,
) => Promise<readonly RoleCheck[]>

export interface WalkOptions {
  readonly places: readonly AccountPlace[]
  readonly folder: AccountFolder
  /** Whether the lines of the users are stored in the folder. */
  readonly lines: boolean
  /** Whether the folder has a checkpoint of each pool that is being read: only a later audit uses it. */
  readonly checkpoints: boolean
  /** Writes only the lines with one of these findings. Empty: all lines. */
  readonly concerns: ReadonlySet<AuditConcern>
  readonly semantics: SemanticsChoice
  readonly read: Pick<
    ReadOptions,
    'strategy' | 'membershipsPerUser' | 'attributes' | 'rates' | 'requestsPerSecond' | 'maxCheckpointAge' | 'takeOver'
  >
  readonly onRead: (userPoolId: string, event: ReadEvent) => void
  readonly checkRoles: AccountRoleChecks | undefined
  readonly toolVersion: string
  readonly signal: AbortSignal
  readonly onEvent: (event: WalkEvent) => void
}

export type WalkEvent =
  | { readonly type: 'listed'; readonly userPools: number; readonly places: number }
  | { readonly type: 'pool'; readonly place: AccountPlace; readonly userPoolId: string; readonly users: number }
  | { readonly type: 'not-read'; readonly notRead: NotRead }

export interface Walk {
  readonly regions: readonly ListedRegion[]
  readonly pools: readonly AuditedPool[]
  readonly notRead: readonly NotRead[]
  /** The lines of a pool. */
  linesOf(pool: AuditedPool): AsyncIterable<string>
}

/** Accounts and Regions whose pools are read at the same time. Their quotas are separate. */
export const PLACES_AT_ONCE = 4

/** The pools of an account in a Region. */
interface Listing {
  readonly place: AccountPlace
  readonly userPools: UserPoolsRecord
  /** Undefined if they could not be listed. */
  readonly identityPools: { readonly count: number; readonly linked: readonly LinkedIdentityPool[] } | undefined
}

/**
 * Reads every user pool of the accounts and Regions, one after the other in each. A failure is in `notRead`, and does
 * not stop the rest.
 *
 * @throws RolecastError as a rejection: `aborted`, and where the folder cannot be used
 */
export async function walkAccounts(options: WalkOptions): Promise<Walk> {
  const stop = new AbortController()
  const ignoreOuter = onAbort(options.signal, () => stop.abort(options.signal.reason))
  try {
    return await walk({ ...options, signal: stop.signal }, error => stop.abort(error))
  } finally {
    ignoreOuter()
  }
}

async function walk(options: WalkOptions, stop: (error: unknown) => void): Promise<Walk> {
  const { places, folder, signal, onEvent } = options
  const journal = await readJournal(folder)
  const notRead: NotRead[] = []
  const fail = (what: NotRead) => {
    notRead.push(what)
    onEvent({ type: 'not-read', notRead: what })
  }
  const listed = await concurrently(PLACES_AT_ONCE, places, place => list(place, options, journal, fail), stop)
  const listings = listed.filter(listing => listing !== undefined)
  const linked = listings.flatMap(({ identityPools }) => identityPools?.linked ?? [])
  const count = listings.reduce((sum, { userPools }) => sum + userPools.userPools.length, 0)
  onEvent({ type: 'listed', userPools: count, places: listings.length })

  const parts = new Map<string, PartStamp | null>()
  const pools = await concurrently(
    PLACES_AT_ONCE,
    listings,
    async ({ place, userPools }) => {
      const found: AuditedPool[] = []
      for (const pool of userPools.userPools) {
        signal.throwIfAborted()
        const record = await readOnce(pool, place, linked, options, journal, fail)
        if (record === undefined) continue
        const { userPoolId, name } = pool
        const { account, region } = place
        const audited = { account, region, userPoolId, ...(name !== undefined && { name }), audits: record.audits }
        parts.set(keyOf(audited), record.part)
        found.push(audited)
      }
      return found
    },
    stop,
  )
  return {
    regions: listings.map(toRegion),
    pools: pools.flat(),
    notRead: inOrder(notRead, places),
    linesOf: pool => folder.readPart(pool, parts.get(keyOf(pool))!),
  }
}

function toRegion({ place, userPools, identityPools }: Listing): ListedRegion {
  const { account, region } = place
  return {
    account,
    region,
    listedAt: userPools.at,
    userPools: userPools.userPools.length,
    ...(identityPools !== undefined && { identityPools: identityPools.count }),
  }
}

/** Sorted: failures come in any order, because Regions are read at the same time. */
function inOrder(notRead: readonly NotRead[], places: readonly AccountPlace[]): readonly NotRead[] {
  const indexOf = ({ account, region }: NotRead) =>
    places.findIndex(place => place.account === account && place.region === region)
  return notRead.toSorted((a, b) => indexOf(a) - indexOf(b))
}

interface Journal {
  readonly userPools: ReadonlyMap<string, UserPoolsRecord>
  readonly identityPools: ReadonlyMap<string, IdentityPoolsRecord>
  readonly pools: ReadonlyMap<string, PoolRecord>
}

const keyOf = ({ account, region, userPoolId = '' }: { account: string; region: string; userPoolId?: string }) =>
  `${account} ${region} ${userPoolId}`

async function readJournal(folder: AccountFolder): Promise<Journal> {
  const userPools = new Map<string, UserPoolsRecord>()
  const identityPools = new Map<string, IdentityPoolsRecord>()
  const pools = new Map<string, PoolRecord>()
  for await (const value of folder.records()) {
    const record = parseAccountRecord(value)
    if (record.kind === 'user-pools') userPools.set(keyOf(record), record)
    else if (record.kind === 'identity-pools') identityPools.set(keyOf(record), record)
    else pools.set(keyOf(record), record)
  }
  return { userPools, identityPools, pools }
}

/** Undefined if the user pools could not be listed. */
async function list(
  place: AccountPlace,
  { folder, signal }: WalkOptions,
  journal: Journal,
  fail: (what: NotRead) => void,
): Promise<Listing | undefined> {
  const { account, region } = place
  const add = (record: AccountRecord) => folder.append(toRecord(record))
  let userPools = journal.userPools.get(keyOf(place))
  if (userPools === undefined) {
    const at = new Date().toISOString()
    let found: readonly ListedUserPool[]
    try {
      found = await listUserPools(place, signal)
    } catch (error) {
      fail(notReadOf(error, { what: 'region', account, region }))
      return undefined
    }
    userPools = { kind: 'user-pools', account, region, at, userPools: found }
    await add(userPools)
  }
  const known = journal.identityPools.get(keyOf(place))
  if (known !== undefined) return { place, userPools, identityPools: known }
  let found: Awaited<ReturnType<typeof listIdentityPools>>
  try {
    found = await listIdentityPools(place, signal)
  } catch (error) {
    fail(notReadOf(error, { what: 'identity-pools', account, region }))
    return { place, userPools, identityPools: undefined }
  }
  found.notRead.forEach(fail)
  const { count, linked } = found
  if (found.notRead.length === 0) await add({ kind: 'identity-pools', account, region, count, linked })
  return { place, userPools, identityPools: { count, linked } }
}

/** Reads a pool, unless the journal has it. Undefined if it could not be read. */
async function readOnce(
  { userPoolId }: ListedUserPool,
  place: AccountPlace,
  linked: readonly LinkedIdentityPool[],
  options: WalkOptions,
  journal: Journal,
  fail: (what: NotRead) => void,
): Promise<PoolRecord | undefined> {
  const { folder, signal, onEvent } = options
  const { account, region } = place
  const pool = { account, region, userPoolId }
  const routes = routesOf(userPoolId, linked)
  const routeKeys = routes.map(({ key }) => key).join('\n')
  const known = journal.pools.get(keyOf(pool))
  if (known?.routes === routeKeys) return known

  let opened: Awaited<ReturnType<typeof openPool>>
  try {
    checkRegion(userPoolId, place)
    const client = await place.api.userPoolClient()
    const { endpoint } = place.access
    const { limits } = place
    const checkpoint = options.checkpoints ? folder.checkpointOf(pool) : undefined
    opened = await openPool({
      ...options.read,
      userPoolId,
      region,
      endpoint,
      client,
      limits,
      checkpoint,
      signal,
      onEvent: event => options.onRead(userPoolId, event),
    })
  } catch (error) {
    fail(notReadOf(error, { what: 'user-pool', ...pool }))
    return undefined
  }
  try {
    const { audits, part } = await auditPool(opened.reading, pool, routes, options)
    const record: PoolRecord = { kind: 'pool', ...pool, routes: routeKeys, audits, part }
    await folder.append(record)
    await opened.done()
    onEvent({ type: 'pool', place, userPoolId, users: audits[0]!.summary.users })
    // In the form in which the journal returns it.
    return JSON.parse(JSON.stringify(record)) as PoolRecord
  } finally {
    await opened.close()
  }
}

async function auditPool(
  reading: PoolReading,
  pool: { readonly account: string; readonly region: string; readonly userPoolId: string },
  routes: readonly IdentityRoute[],
  options: WalkOptions,
): Promise<{ readonly audits: readonly PoolAudit[]; readonly part: PartStamp | null }> {
  const part = options.lines ? await options.folder.startPart(pool) : undefined
  try {
    const resolve = resolverOf(reading, options.semantics)
    const audits: PoolAudit[] = []
    for (const route of routes.length === 0 ? [undefined] : routes)
      audits.push(await auditRoute(reading, pool, route, resolve, part, options))
    return { audits, part: (await part?.finish()) ?? null }
  } finally {
    await part?.discard()
  }
}

function resolverOf({ groups }: PoolReading, semantics: SemanticsChoice) {
  const compiled = compilePool(groups, semantics)
  // Only lists that repeat are frozen.
  return keptWhileFrozen((names: readonly string[]) => {
    const resolution = compiled.resolve(names)
    return Object.isFrozen(names) ? Object.freeze(resolution) : resolution
  })
}

const BATCH = 5_000

async function auditRoute(
  reading: PoolReading,
  pool: { readonly account: string; readonly region: string; readonly userPoolId: string },
  route: IdentityRoute | undefined,
  resolve: ReturnType<typeof resolverOf>,
  part: Part | undefined,
  { semantics, checkRoles, toolVersion, concerns, signal }: WalkOptions,
): Promise<PoolAudit> {
  const { groups, about, changes } = reading
  // Describing a pool may be denied; the account is known anyway.
  const { account, region, userPoolId } = pool
  const read = { ...about, account, region }
  const identityPool = route && { identityPoolId: route.identityPoolId, mapping: route.mapping }
  const ofGroups = groups.flatMap(({ roleArn }) => roleArn || [])
  const roleChecks = await checkRoles?.(
    account,
    [...ofGroups, ...(route?.roleArns ?? [])],
    route?.identityPoolId,
    signal,
  )
  const counter = createAuditSummary({ groups, ...semantics, reading: read, identityPool, roleChecks })
  for (const change of changes) counter.change(change)
  const concernsOf = createConcerns({ groups, userPoolId, hasIdentityPool: route !== undefined, roleChecks })
  const head = {
    toolVersion,
    reading: read,
    ...chooseSemantics(semantics),
    groups,
    identityPool: route && { ...identityPool!, clientIds: route.clientIds },
    roleChecks,
    onlyUsersOf: concerns.size === 0 ? undefined : [...concerns],
  }
  const lines = createAuditLines({ format: 'ndjson', head })
  await part?.write(lines.head())
  let text = ''
  let waiting = 0
  for (const { groups: names, ...user } of reading.users()) {
    const resolution = resolve(names)
    const audit: UserAudit = {
      ...user,
      resolution,
      ...(route !== undefined && { selection: route.select(resolution) }),
    }
    counter.add(audit)
    const found = part === undefined ? [] : concernsOf(audit)
    if (part !== undefined && (concerns.size === 0 || found.some(concern => concerns.has(concern))))
      text += lines.line(audit, found)
    if (++waiting < BATCH) continue
    signal.throwIfAborted()
    await part?.write(text)
    text = ''
    waiting = 0
  }
  const summary = counter.summary()
  await part?.write(text + lines.tail(summary, limitsOfPool(summary)))
  return { ...(route !== undefined && { clientIds: route.clientIds }), summary }
}
