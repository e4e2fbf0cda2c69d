import { quote, RolecastError } from '../errors.js'
import { connect, type ConnectOptions } from './connect.js'
import { type Ledger, openLedger, type ResourceKind } from './ledger.js'
import type { Service } from './operations.js'
import { deleteAll, endLedger, type LeftBehind } from './resources.js'
import type { Run } from './session.js'

export interface CleanUpOutcome {
  /** What could not be deleted, each with why. Empty: everything in the ledger was read back as gone. */
  readonly leftBehind: readonly LeftBehind[]
  readonly ledger: string
  /** False where something is left; where the file could not be removed; and where it was moved, or another one is in its place. */
  readonly isLedgerRemoved: boolean
}

/**
 * Deletes what a run of `calibrate` left behind: what its ledger names, and nothing else. Each resource is looked at first, and
 * is not touched unless it has the name and the tag of the run.
 *
 * It needs the credentials of the account and the Region that the run had. Not while the run goes on: the run then fails.
 *
 * @param ledger path of the file
 * @throws RolecastError as a rejection; `invalid-input` for what is no ledger, or one of another account, Region or endpoint
 * than the options say
 */
export async function cleanUp(ledger: string, options: ConnectOptions = {}): Promise<CleanUpOutcome> {
  const opened = await openLedger(ledger)
  let run: Run
  let leftBehind: readonly LeftBehind[]
  try {
    const { region, runId } = opened
    checkPlace(opened, options)
    const { session, header } = await connect({ ...options, region }, runId, servicesOf(opened))
    if (header.account !== opened.account)
      throw new RolecastError(
        'invalid-input',
        `the ledger ${quote(ledger)} is of another AWS account than the credentials, so what it names could not be seen; use credentials of the account that the run was in`,
        { value: ledger },
      )
    run = { ...session, ledger: opened }
    leftBehind = await deleteAll(run)
  } catch (error) {
    await opened.close()
    throw error
  }
  return { leftBehind, ledger, isLedgerRemoved: await endLedger(run, leftBehind) }
}

/** The endpoint is not taken from the file: requests carry a session token, and a file can be changed. */
function checkPlace({ path, region, endpoint }: Ledger, options: ConnectOptions): void {
  if (options.region !== undefined && options.region !== region)
    throw otherPlace(path, 'region', region, options.region)
  if (options.endpoint === endpoint) return
  if (options.endpoint !== undefined) throw otherPlace(path, 'endpoint', endpoint ?? 'that of AWS', options.endpoint)
  throw new RolecastError(
    'invalid-input',
    `the ledger ${quote(path)} is of the endpoint ${quote(endpoint)}; give it as \`endpoint\` if you trust it`,
    { value: endpoint },
  )
}

function otherPlace(path: string, what: 'region' | 'endpoint', own: string, given: string): RolecastError {
  return new RolecastError(
    'invalid-input',
    `the ledger ${quote(path)} is of the ${what} ${quote(own)}, not ${quote(given)}; leave ${quote(what)} out, or give that of the ledger`,
    { value: given },
  )
}

function servicesOf(ledger: Ledger): ReadonlySet<Service> {
  return new Set(['sts', ...ledger.left().map(({ kind }) => SERVICES[kind])])
}

const SERVICES: Readonly<Record<ResourceKind, Service>> = {
  'user-pool': 'cognito-idp',
  'identity-pool': 'cognito-identity',
  role: 'iam',
  function: 'lambda',
}
