import * as z from 'zod/mini'
import { someText } from '../cognito/api/responses.js'
import { createPaginationGuard } from '../cognito/api/user-pool-api.js'
import { isRolecastError, quote, RolecastError } from '../errors.js'
import { exceptionName, isNotFound, isNothingCreated } from './call-failure.js'
import { type LedgerResource, type ResourceKind, resourceName, TAG_KEY } from './ledger.js'
import type { Operation } from './operations.js'
import type { Run, Session } from './session.js'

/** The name and tag of a resource, which both have to be those of the run. */
export interface Identity {
  readonly name: string | undefined
  /** The value of the tag `rolecast:calibrate`. */
  readonly tag: string | undefined
}

/** How one kind of resource is found, read and deleted. */
export interface Resource {
  /** The name in messages: "user pool". */
  readonly title: string
  /** The ids of the resources with this name, if the id is not known. */
  find(session: Session, name: string): Promise<readonly string[]>
  /** Undefined: it does not exist. */
  look(session: Session, id: string): Promise<Identity | undefined>
  /** Deletes it. False: AWS says that it does not exist. */
  remove(session: Session, id: string): Promise<boolean>
  /** What `remove` calls. */
  readonly deletion: Operation
  /** Milliseconds after the creation during which AWS may not show or list it yet. */
  readonly hiddenFor: number
}

const describeUserPoolResponse = z.object({
  UserPool: z.object({
    Name: z.nullish(z.string()),
    UserPoolTags: z.nullish(z.record(z.string(), z.string())),
  }),
})
const listUserPoolsResponse = z.object({
  UserPools: z.array(z.object({ Id: someText, Name: z.nullish(z.string()) })),
  NextToken: z.nullish(z.string()),
})
/** For a response from which nothing is read. */
export const anything = z.unknown()

/** Reads all pages of a list. */
async function listAll<Page extends { readonly NextToken?: string | null | undefined }>(
  session: Session,
  operation: 'ListUserPools' | 'ListIdentityPools',
  shape: z.ZodMiniType<Page>,
  idsOf: (page: Page) => readonly string[],
): Promise<readonly string[]> {
  const ids: string[] = []
  const checkToken = createPaginationGuard({ operation, region: session.region })
  let next: string | undefined
  do {
    const page = await session.call(operation, { MaxResults: 60, ...(next && { NextToken: next }) }, shape)
    ids.push(...idsOf(page))
    next = page.NextToken || undefined
    checkToken(next)
  } while (next !== undefined)
  return ids
}

const userPool: Resource = {
  title: 'user pool',
  deletion: 'DeleteUserPool',
  hiddenFor: 30_000,
  find: (session, name) =>
    listAll(session, 'ListUserPools', listUserPoolsResponse, page =>
      page.UserPools.filter(pool => pool.Name === name).map(pool => pool.Id),
    ),
  async look(session, id) {
    const found = await unlessMissing(session.call('DescribeUserPool', { UserPoolId: id }, describeUserPoolResponse))
    if (found === undefined) return undefined
    const { Name, UserPoolTags } = found.UserPool
    return { name: Name ?? undefined, tag: UserPoolTags?.[TAG_KEY] }
  },
  remove: (session, id) => isDone(session.call('DeleteUserPool', { UserPoolId: id }, anything)),
}

const describeIdentityPoolResponse = z.object({
  IdentityPoolName: z.nullish(z.string()),
  IdentityPoolTags: z.nullish(z.record(z.string(), z.string())),
})
const listIdentityPoolsResponse = z.object({
  IdentityPools: z.array(z.object({ IdentityPoolId: someText, IdentityPoolName: z.nullish(z.string()) })),
  NextToken: z.nullish(z.string()),
})

const identityPool: Resource = {
  title: 'identity pool',
  deletion: 'DeleteIdentityPool',
  hiddenFor: 30_000,
  find: (session, name) =>
    listAll(session, 'ListIdentityPools', listIdentityPoolsResponse, page =>
      page.IdentityPools.filter(pool => pool.IdentityPoolName === name).map(pool => pool.IdentityPoolId),
    ),
  async look(session, id) {
    const input = { IdentityPoolId: id }
    const found = await unlessMissing(session.call('DescribeIdentityPool', input, describeIdentityPoolResponse))
    return found && { name: found.IdentityPoolName ?? undefined, tag: found.IdentityPoolTags?.[TAG_KEY] }
  },
  remove: (session, id) => isDone(session.call('DeleteIdentityPool', { IdentityPoolId: id }, anything)),
}

const getRoleResponse = z.object({
  Role: z.object({
    RoleName: z.string(),
    Tags: z.nullish(z.array(z.object({ Key: z.string(), Value: z.string() }))),
  }),
})

/** IAM knows a role by its name, which is also its id here: an ARN has the id of the account. */
const role: Resource = {
  title: 'role',
  deletion: 'DeleteRole',
  hiddenFor: 60_000,
  find: (session, name) => findByName(session, role, name),
  async look(session, id) {
    const found = await unlessMissing(session.call('GetRole', { RoleName: id }, getRoleResponse))
    if (found === undefined) return undefined
    const { RoleName, Tags } = found.Role
    return { name: RoleName, tag: Tags?.find(({ Key }) => Key === TAG_KEY)?.Value }
  },
  remove: (session, id) => isDone(session.call('DeleteRole', { RoleName: id }, anything)),
}

const getFunctionResponse = z.object({
  Configuration: z.object({ FunctionName: z.nullish(z.string()) }),
  Tags: z.nullish(z.record(z.string(), z.string())),
})

/** Known by its name, as a role is. */
const lambdaFunction: Resource = {
  title: 'function',
  deletion: 'DeleteFunction',
  hiddenFor: 30_000,
  find: (session, name) => findByName(session, lambdaFunction, name),
  async look(session, id) {
    const found = await unlessMissing(session.call('GetFunction', { FunctionName: id }, getFunctionResponse))
    return found && { name: found.Configuration.FunctionName ?? undefined, tag: found.Tags?.[TAG_KEY] }
  },
  remove: (session, id) => isDone(session.call('DeleteFunction', { FunctionName: id }, anything)),
}

async function findByName(session: Session, resource: Resource, name: string): Promise<readonly string[]> {
  return (await resource.look(session, name)) === undefined ? [] : [name]
}

/** By kind. */
export const RESOURCES: Readonly<Record<ResourceKind, Resource>> = {
  'user-pool': userPool,
  'identity-pool': identityPool,
  role,
  function: lambdaFunction,
}

/** The result of a call, or undefined if AWS says that its subject does not exist. */
export async function unlessMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

async function isDone(call: Promise<unknown>): Promise<boolean> {
  return (await unlessMissing(call.then(() => true))) ?? false
}

/**
 * Creates a resource, after it was written to the ledger.
 *
 * @param options.suffix distinguishes several of a kind
 * @param create sends the request, with this name and this tag, and resolves to the id
 */
export async function createResource(
  run: Run,
  kind: ResourceKind,
  create: (given: { readonly name: string; readonly tags: Readonly<Record<string, string>> }) => Promise<string>,
  { suffix = '' }: { readonly suffix?: string } = {},
): Promise<string> {
  run.throwIfInterrupted()
  const name = resourceName(run.runId, suffix)
  await run.ledger.creating(kind, name)
  const id = await create({ name, tags: { [TAG_KEY]: run.runId } }).catch(async error => {
    if (isNothingCreated(error)) await run.ledger.gone(kind, name)
    throw error
  })
  await run.ledger.created(kind, name, id)
  run.tell({ event: 'created', kind, name, id })
  run.throwIfInterrupted()
  return id
}

/** Milliseconds between two look-ups of a resource that may not be visible yet: doubled each time, up to the last number. */
const [FIRST_PAUSE, LAST_PAUSE] = [2_000, 16_000]

/** Milliseconds before a deletion is sent again that AWS rejects for the time being. */
const BUSY_PAUSES: readonly number[] = [1_000, 2_000, 4_000, 8_000, 16_000]

/** How often, and after how many milliseconds, a deleted resource is looked up until it is gone. */
const GONE_LOOKS: readonly number[] = [0, 1_000, 2_000, 4_000, 8_000]

/**
 * Deletes a resource in a ledger, if it has the name and the tag of the run, and confirms that it is gone. A resource
 * that AWS does not show is looked up until no delay of AWS can be the reason.
 *
 * @param since a time by which it existed, if it ever did; milliseconds of the session's clock
 * @throws RolecastError as a rejection: it still exists, or it is not known whether it does
 */
export async function deleteResource(
  session: Session,
  { kind, name, id }: LedgerResource,
  since: number = session.now(),
): Promise<void> {
  const resource = RESOURCES[kind]
  const until = since + resource.hiddenFor
  const found = id === undefined ? await lookUntil(session, until, () => idsOf(session, resource, name)) : [id]
  if (found === undefined) session.tell({ event: 'absent', kind, name })
  for (const one of found ?? []) await deleteOne(session, { kind, name, id: one }, until)
}

async function idsOf(session: Session, resource: Resource, name: string): Promise<readonly string[] | undefined> {
  const ids = await resource.find(session, name)
  return ids.length === 0 ? undefined : ids
}

/** What a look-up finds, repeated with growing pauses until the end. Undefined: nothing. */
async function lookUntil<T>(
  session: Session,
  until: number,
  look: () => Promise<T | undefined>,
): Promise<T | undefined> {
  for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LAST_PAUSE)) {
    const rest = until - session.now()
    const found = await look()
    if (found !== undefined || rest <= 0) return found
    await session.sleep(Math.min(pause, Math.ceil(rest)))
  }
}

/** Sends a deletion again that AWS rejects while something else is changed or created. */
async function removeAgain(session: Session, { remove, deletion }: Resource, id: string): Promise<boolean> {
  for (const ms of BUSY_PAUSES) {
    try {
      return await remove(session, id)
    } catch (error) {
      const why = exceptionName(error)
      if (!BUSY.has(why)) throw error
      session.tell({ event: 'retry', operation: deletion, why, ms })
      await session.sleep(ms)
    }
  }
  return remove(session, id)
}

/** Exceptions of deletions that AWS accepts later: a function is pending, or IAM does not know of another deletion yet. */
const BUSY: ReadonlySet<string> = new Set([
  'ResourceConflictException',
  'ConcurrentModificationException',
  'ConcurrentModification',
  'DeleteConflictException',
  'DeleteConflict',
])

interface Found extends LedgerResource {
  readonly id: string
}

async function deleteOne(session: Session, { kind, name, id }: Found, until: number): Promise<void> {
  const resource = RESOURCES[kind]
  for (let isFirst = true; ; isFirst = false) {
    const identity = await lookUntil(session, until, () => resource.look(session, id))
    if (identity === undefined)
      return session.tell(isFirst ? { event: 'absent', kind, name } : { event: 'deleted', kind, name, id })
    checkOwn(session, resource, { name, id }, identity)
    if (isFirst) session.tell({ event: 'deleting', kind, name, id })
    // AWS shows it, but says that it does not exist when it is deleted: a part of AWS does not know it yet.
    if ((await removeAgain(session, resource, id)) || session.now() >= until) break
    await session.sleep(FIRST_PAUSE)
  }
  for (const ms of GONE_LOOKS) {
    if (ms > 0) await session.sleep(ms)
    if ((await resource.look(session, id)) === undefined) return session.tell({ event: 'deleted', kind, name, id })
  }
  throw new RolecastError(
    'service-error',
    `${resource.title} ${quote(id)} was deleted but still exists; look at it in the console, or delete it again`,
    { retryable: true },
  )
}

/** A ledger alone is not enough: it can have been changed, and IDs can be mistaken. */
function checkOwn(
  { runId }: Session,
  { title }: Resource,
  { name, id }: { readonly name: string; readonly id: string },
  identity: Identity,
): void {
  if (identity.name === name && identity.tag === runId) return
  const why =
    identity.tag === runId
      ? `its name is ${quote(identity.name)}, not ${quote(name)}`
      : `it does not have the tag ${quote(TAG_KEY)} with the value ${quote(runId)}`
  throw new RolecastError(
    'invalid-input',
    `${title} ${quote(id)} was not created by this run (${why}), so it is not touched; check the ledger`,
    { value: id },
  )
}

/** Deletes all that is left of a run, the newest first. Returns what could not be deleted, with the reasons. */
export async function deleteAll(run: Run): Promise<readonly LeftBehind[]> {
  const left: LeftBehind[] = []
  // Nothing more is created, so one wait is enough for all.
  const since = run.now()
  for (const resource of run.ledger.left()) {
    try {
      run.throwIfInterrupted()
      await deleteResource(run, resource, since)
      await run.ledger.gone(resource.kind, resource.name)
    } catch (error) {
      if (!isRolecastError(error)) throw error
      left.push({ ...resource, title: RESOURCES[resource.kind].title, error })
      run.tell({ event: 'left', ...resource, error })
    }
  }
  return left
}

/** Removes the ledger if nothing is left. Returns whether it was removed. */
export async function endLedger({ ledger, tell }: Run, leftBehind: readonly LeftBehind[]): Promise<boolean> {
  if (leftBehind.length > 0) {
    await ledger.close()
    return false
  }
  const isRemoved = await ledger.remove()
  if (!isRemoved) tell({ event: 'ledger-stays', path: ledger.path })
  return isRemoved
}

/** What a run created and could not delete, or could not find out about. */
export interface LeftBehind extends LedgerResource {
  /** What it is, in words. */
  readonly title: string
  /** Why it is left. */
  readonly error: RolecastError
}
