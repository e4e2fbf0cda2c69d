import { randomBytes } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { type FileHandle, open, readFile, realpath, rm, stat } from 'node:fs/promises'
import { REGION_PATTERN } from '../aws-ids.js'
import { quote, RolecastError } from '../errors.js'
import { ownValue } from '../record.js'

/** What a run can create outside another resource. Everything else is in a user pool, and is deleted with it. */
export const RESOURCE_KINDS: readonly ResourceKind[] = ['user-pool', 'identity-pool', 'role', 'function']

/** A kind of resource that a run can create outside another resource. */
export type ResourceKind = 'user-pool' | 'identity-pool' | 'role' | 'function'

/** Something that a run has created, or was about to. */
export interface LedgerResource {
  /** What it is. */
  readonly kind: ResourceKind
  /** Unique to the run. */
  readonly name: string
  /** Absent if the run ended between the request and its response; the resource may still exist. */
  readonly id?: string | undefined
}

/** Whose resources a ledger is about. */
export interface LedgerHeader {
  readonly runId: string
  readonly region: string
  /** Where the calls went, if not to AWS. */
  readonly endpoint?: string | undefined
  /**
   * A fingerprint of the account, so that with other credentials, resources that they cannot see do not count as
   * deleted.
   */
  readonly account?: string | undefined
}

/** A file that lists what has to be deleted. Each resource is added before it is created. */
export interface Ledger extends LedgerHeader {
  readonly path: string
  /**
   * On disk when this resolves.
   *
   * @throws RolecastError `invalid-input` as a rejection: the file was moved or removed, or cannot be written. Nothing
   * may be created then
   */
  creating(kind: ResourceKind, name: string): Promise<void>
  /** @throws RolecastError `invalid-input` as a rejection: it cannot be written, but `left` has it */
  created(kind: ResourceKind, name: string, id: string): Promise<void>
  /** Records that it was confirmed to be gone. */
  gone(kind: ResourceKind, name: string): Promise<void>
  /** What was created and is not gone, the newest first. */
  left(): readonly LedgerResource[]
  close(): Promise<void>
  /**
   * Removes the file when nothing is left, even if the path is a link to it. False: it still exists, because it could
   * not be removed, or was moved. Another file in its place is not touched.
   */
  remove(): Promise<boolean>
}

const NAME_PREFIX = 'rolecast-calibrate-'

/** The key of the tag of everything that a run creates; the value is the run's ID. */
export const TAG_KEY = 'rolecast:calibrate'

export function newRunId(): string {
  return randomBytes(8).toString('hex')
}

/**
 * The name of what a run creates. A run that creates several of a kind gives each a suffix of letters, digits and
 * hyphens.
 */
export function resourceName(runId: string, suffix = ''): string {
  return `${NAME_PREFIX}${runId}${suffix === '' ? '' : `-${suffix}`}`
}

/** Whether the run with this ID can have used this name. */
function isNameOf(runId: string, name: unknown): name is string {
  if (typeof name !== 'string' || name.length > 64) return false
  const own = resourceName(runId)
  return name === own || (name.startsWith(`${own}-`) && /^[\w-]+$/.test(name))
}

/**
 * Creates the file of a run, for its owner only.
 *
 * @throws RolecastError `invalid-option`: the file exists, or cannot be written; nothing was created then
 */
export async function createLedger(path: string, header: LedgerHeader): Promise<Ledger> {
  const file = await open(path, 'wx', 0o600).catch(cause => {
    throw cannotWrite(path, cause)
  })
  const append = appendTo(file)
  const ledger = ledgerOf(path, file, { ...header, append, found: [] })
  try {
    const { runId, region, endpoint, account } = header
    await append({ ledger: FORMAT, runId, region, endpoint, account })
  } catch (cause) {
    await ledger.remove()
    throw cannotWrite(path, cause)
  }
  return ledger
}

/**
 * Opens the file of a run that has ended, to delete what it left behind.
 *
 * @throws RolecastError `invalid-input`
 */
export async function openLedger(path: string): Promise<Ledger> {
  const text = await readText(path)
  const { resources, ...header } = parseLedger(text, path)
  const file = await open(path, 'a').catch(cause => {
    throw cannotWrite(path, cause)
  })
  // A run that was killed may have left the beginning of a line.
  const append = appendTo(file, { isCutOff: !text.endsWith('\n') })
  return ledgerOf(path, file, { ...header, append, found: resources })
}

async function readText(path: string): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size > MAX_SIZE) throw unreadable(path, 'it is too large for a ledger')
    return await readFile(path, 'utf8')
  } catch (cause) {
    if (cause instanceof RolecastError) throw cause
    throw unreadable(path, codeOf(cause), cause)
  }
}

interface Content extends LedgerHeader {
  readonly append: Append
  readonly found: readonly LedgerResource[]
}

function ledgerOf(path: string, file: FileHandle, { append, found, ...header }: Content): Ledger {
  const resources = new Map(found.map(resource => [keyOf(resource.kind, resource.name), resource]))
  const write = (line: object) =>
    append(line).catch(cause => {
      throw cannotGoOn(path, `can no longer be written (${codeOf(cause)})`, cause)
    })
  const close = () => file.close().catch(() => {})
  return {
    path,
    ...header,
    async creating(kind, name) {
      await checkInPlace(path, file)
      await write({ creating: kind, name })
      resources.set(keyOf(kind, name), { kind, name })
    },
    async created(kind, name, id) {
      // In memory first: if the disk is full, the run itself can still delete it.
      resources.set(keyOf(kind, name), { kind, name, id })
      await write({ created: kind, name, id })
    },
    async gone(kind, name) {
      resources.delete(keyOf(kind, name))
      // It does not matter if this fails: deleting it again would have no effect.
      await write({ gone: kind, name }).catch(() => {})
    },
    left: () => [...resources.values()].toReversed(),
    close,
    async remove() {
      const own = await file.stat({ bigint: true })
      const there = await statOf(path)
      await close()
      // Another process removed or moved it: it is gone if it has no name left.
      if (there === undefined) return own.nlink === 0n
      if (!isSameFile(own, there)) return false
      return realpath(path)
        .then(real => rm(real))
        .then(
          () => true,
          () => false,
        )
    },
  }
}

function keyOf(kind: ResourceKind, name: string): string {
  return `${kind} ${name}`
}

/** A clean-up of this ledger by another process removes the file: resources created after that would be in no ledger. */
async function checkInPlace(path: string, file: FileHandle): Promise<void> {
  const [own, there] = await Promise.all([file.stat({ bigint: true }), statOf(path)])
  if (there === undefined || !isSameFile(own, there)) throw cannotGoOn(path, 'was moved or removed')
}

/** Undefined: nothing is there. */
async function statOf(path: string): Promise<BigIntStats | undefined> {
  return stat(path, { bigint: true }).catch(() => undefined)
}

function isSameFile(a: BigIntStats, b: BigIntStats): boolean {
  return a.ino === b.ino && a.dev === b.dev
}

type Append = (line: object) => Promise<void>

/** Appends lines. A write that fails may have stored the beginning of one, so the next line begins after a break. */
function appendTo(file: FileHandle, { isCutOff = false } = {}): Append {
  return async line => {
    const text = `${isCutOff ? '\n' : ''}${JSON.stringify(line)}\n`
    isCutOff = true
    await file.appendFile(text)
    isCutOff = false
    await file.sync()
  }
}

const FORMAT = 1

/** A run writes some tens of lines. */
const MAX_SIZE = 1_000_000

/** The content of a ledger: whose resources, and which of them are left, in the order of creation. */
export interface ParsedLedger extends LedgerHeader {
  readonly resources: readonly LedgerResource[]
}

/**
 * Reads the text of a ledger. A line may be incomplete, because a run was killed or its disk was full: then nothing was
 * created for it yet, or the line before names the resource.
 *
 * @throws RolecastError `invalid-input` for anything that a run does not write: a changed ledger deletes nothing
 */
export function parseLedger(text: string, path: string): ParsedLedger {
  const lines = text.split('\n').slice(0, -1)
  const records = lines.filter(line => line !== '').flatMap((line, index) => toRecords(line, index + 1, path))
  const [first, ...rest] = records
  if (first === undefined) throw unreadable(path, 'it is empty')
  const header = toHeader(first, path)
  const resources = new Map<string, LedgerResource>()
  for (const record of rest) apply(record, header.runId, resources, path)
  return { ...header, resources: [...resources.values()] }
}

/** The records in a line: one, or an incomplete one and its successor. Within a record, `{"` is only at its beginning. */
function toRecords(line: string, number: number, path: string): readonly object[] {
  return line.split(/(?=\{")/).flatMap(part => toRecord(part, number, path))
}

/** Text that is not JSON can only be an incomplete record, which counts for nothing. */
function toRecord(text: string, number: number, path: string): readonly object[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    if (text.startsWith('{') && !text.endsWith('}') && number > 1) return []
    throw unreadable(path, `line ${number} is not JSON`)
  }
  if (typeof value === 'object' && value !== null) return [value]
  throw unreadable(path, `line ${number} is not an object`)
}

function toHeader(record: object, path: string): LedgerHeader {
  const text = (key: string) => textOf(record, key)
  if (ownValue(record, 'ledger') !== FORMAT)
    throw unreadable(path, 'its first line is not that of a ledger of this version')
  const runId = text('runId')
  if (runId === undefined || !/^[0-9a-f]{16}$/.test(runId)) throw unreadable(path, 'it has no run ID')
  const region = text('region')
  const endpoint = text('endpoint')
  if (region === undefined || !(endpoint === undefined ? REGION_PATTERN : /^[\w-]{1,40}$/).test(region))
    throw unreadable(path, 'it has no AWS region')
  return { runId, region, endpoint, account: text('account') }
}

function apply(record: object, runId: string, resources: Map<string, LedgerResource>, path: string): void {
  const name = ownValue(record, 'name')
  const [step, kind] = (['creating', 'created', 'gone'] as const)
    .map(one => [one, ownValue(record, one)] as const)
    .find(([, value]) => value !== undefined) ?? [undefined, undefined]
  if (!isKind(kind)) throw unreadable(path, 'a line names something that no run creates')
  if (!isNameOf(runId, name))
    throw unreadable(path, `it names ${quote(name)}, which is not from the run ${quote(runId)}`)
  const key = keyOf(kind, name)
  if (step === 'gone') return void resources.delete(key)
  if (step === 'creating') return void resources.set(key, { kind, name })
  const id = textOf(record, 'id')
  if (id === undefined || id === '' || id.length > 200) throw unreadable(path, `${quote(name)} has no id`)
  resources.set(key, { kind, name, id })
}

function textOf(record: object, key: string): string | undefined {
  const value = ownValue(record, key)
  return typeof value === 'string' ? value : undefined
}

function isKind(value: unknown): value is ResourceKind {
  return RESOURCE_KINDS.includes(value as ResourceKind)
}

function unreadable(path: string, why: string, cause?: unknown): RolecastError {
  return new RolecastError(
    'invalid-input',
    `${quote(path)} cannot be used as a ledger (${why}), so nothing was deleted; give the file that \`rolecast calibrate\` wrote, unchanged`,
    { value: path, ...(cause !== undefined && { cause }) },
  )
}

function cannotWrite(path: string, cause: unknown): RolecastError {
  const code = codeOf(cause)
  const what = code === 'EEXIST' ? 'already exists' : `cannot be written (${code})`
  const next =
    code === 'EEXIST' ? 'clean up what it lists, or name another file' : 'name a file in a folder that you can write to'
  return new RolecastError('invalid-option', `the ledger ${quote(path)} ${what}; ${next}`, { value: path, cause })
}

/** Ends the run, because resources created from now on would be in no ledger. */
function cannotGoOn(path: string, what: string, cause?: unknown): RolecastError {
  return new RolecastError(
    'invalid-input',
    `the ledger ${quote(path)} ${what}, so nothing more is created; run it again with a ledger that stays in place and writable`,
    { value: path, ...(cause !== undefined && { cause }) },
  )
}

function codeOf(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code ?? 'error'
}
