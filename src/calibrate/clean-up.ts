import { quote, RolecastError } from '../errors.js'
import { connect, type ConnectOptions } from './connect.js'
import { type Ledger, openLedger } from './ledger.js'
import { deleteAll, type LeftBehind } from './resources.js'

export interface CleanUpOutcome {
  /** What could not be deleted, each with why. Empty: everything in the ledger was read back as gone, and so is the ledger. */
  readonly leftBehind: readonly LeftBehind[]
  readonly ledger: string
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
  let leftBehind: readonly LeftBehind[]
  try {
    const { region, runId } = opened
    checkPlace(opened, options)
    const { session, header } = await connect({ ...options, region }, runId)
    if (header.account !== opened.account)
      throw new RolecastError(
        'invalid-input',
        `the ledger ${quote(ledger)} is of another AWS account than the credentials, so what it names could not be seen; use credentials of the account that the run was in`,
        { value: ledger },
      )
    leftBehind = await deleteAll({ ...session, ledger: opened })
  } catch (error) {
    await opened.close()
    throw error
  }
  if (leftBehind.length > 0) await opened.close()
  else await opened.remove()
  return { leftBehind, ledger }
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
