import { quote, RolecastError } from '../errors.js'
import { connect, type ConnectOptions } from './connect.js'
import { type Ledger, openLedger, type ResourceKind } from './ledger.js'
import type { Service } from './operations.js'
import { deleteAll, endLedger, type LeftBehind } from './resources.js'
import type { Run } from './session.js'

/** What a clean-up did. */
export interface CleanUpOutcome {
  /** What could not be deleted, with the reason. Empty: every resource in the ledger was confirmed to be gone. */
  readonly leftBehind: readonly LeftBehind[]
  /** The path of the ledger. */
  readonly ledger: string
  /** False if something is left, if the file could not be removed, or if it was moved or replaced. */
  readonly isLedgerRemoved: boolean
}

/**
 * Deletes what a run of `calibrate` left behind: what its ledger names, and nothing else. Each resource is looked at
 * first, and is not touched unless it has the name and the tag of the run.
 *
 * It needs credentials of the account that the run used, and its Region. Do not use it during the run, which would then fail.
 *
 * @param ledger path of the file
 * @throws RolecastError as a rejection; `invalid-input` for a file that is not a ledger, or for one from an account, a Region or
 * an endpoint other than the options say
 * @example
 * import { cleanUp } from 'rolecast/calibrate'
 *
 * const { leftBehind } = await cleanUp('rolecast-calibrate-4f3e8c53.ledger', { region: 'eu-west-1' })
 * for (const { title, error } of leftBehind) console.error(title, error.message)
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
        `the ledger ${quote(ledger)} is from another AWS account than the credentials, so its resources cannot be seen; use credentials of the account that the run used`,
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

/** The endpoint is never taken from the file, because requests carry a session token and a file can be changed. */
function checkPlace({ path, region, endpoint }: Ledger, options: ConnectOptions): void {
  if (options.region !== undefined && options.region !== region)
    throw otherPlace(path, 'region', region, options.region)
  if (options.endpoint === endpoint) return
  if (options.endpoint !== undefined) throw otherPlace(path, 'endpoint', endpoint ?? 'that of AWS', options.endpoint)
  throw new RolecastError(
    'invalid-input',
    `the ledger ${quote(path)} is from the endpoint ${quote(endpoint)}; give it as \`endpoint\` if you trust it`,
    { value: endpoint },
  )
}

function otherPlace(path: string, what: 'region' | 'endpoint', own: string, given: string): RolecastError {
  return new RolecastError(
    'invalid-input',
    `the ledger ${quote(path)} is from the ${what} ${quote(own)}, not ${quote(given)}; leave ${quote(what)} out, or give the one in the ledger`,
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
