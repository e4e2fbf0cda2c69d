import { fitSemantics } from '../claims/calibration.js'
import { isRolecastError, quote, RolecastError } from '../errors.js'
import { connect, type ConnectOptions } from './connect.js'
import { probeIdentityPool } from './identity-pool-probes.js'
import { TRIGGER_POOLS } from './pre-token-cases.js'
import { probePreToken } from './pre-token-probes.js'
import { createLedger, newRunId } from './ledger.js'
import { loadLambda } from './load-lambda.js'
import { factsOf, type Service } from './operations.js'
import { planCalibration } from './plan.js'
import { deleteAll, endLedger, type LeftBehind } from './resources.js'
import type { CalibrationOutcome, CalibrationResult } from './result.js'
import { createScratchPool } from './scratch-pool.js'
import type { Run } from './session.js'
import { probeDelays, probeMany, probeOrder, probeRows, type UserPoolProbe } from './user-pool-probes.js'
import type { RolePlace } from './user-pool-rows.js'

/** The options of `calibrate`: what to probe, and how to reach AWS. */
export interface CalibrateOptions extends ConnectOptions {
  /**
   * The file that lists what has to be deleted; each resource is added before it is created. The file must not exist
   * yet, and is removed when everything is gone.
   *
   * @default `rolecast-calibrate-ID.ledger` in the working directory
   */
  readonly ledger?: string | undefined
  /**
   * Also a user in 100 groups, as many as a user can be in.
   *
   * @default false
   */
  readonly many?: boolean | undefined
  /**
   * Also which role an identity pool gives: an identity pool and three roles without permissions.
   *
   * @default false
   */
  readonly identityPool?: boolean | undefined
  /**
   * Also what Cognito makes of the responses of a pre token generation trigger: functions, a role, and a pool of each tier.
   *
   * @default false
   */
  readonly preToken?: boolean | undefined
}

/**
 * Finds out on a scratch user pool what Cognito puts into tokens: creates the pool with groups, users and one app
 * client, signs in, compares each token with what rolecast predicts, and deletes the pool. Nothing that is not in its
 * ledger is touched.
 *
 * It takes about the `seconds` of `planCalibration()`, and needs the permissions of `planCalibration().permissions`.
 * Not for a pool that you have. The signatures of the tokens are not checked: unless an endpoint without TLS is given,
 * they come over TLS. Resolves also where something could not be deleted: look at `leftBehind`.
 *
 * @throws RolecastError as a rejection: no user pool could be made, or `aborted`. What was created is deleted before
 * @example
 * import { calibrate } from 'rolecast/calibrate'
 *
 * const { result, leftBehind } = await calibrate({ region: 'eu-west-1' })
 * if (leftBehind.length === 0) console.log(JSON.stringify(result))
 */
export async function calibrate(options: CalibrateOptions = {}): Promise<CalibrationOutcome> {
  // Before anything is created, because it may not be installed.
  if (options.preToken) await loadLambda()
  const runId = newRunId()
  const { session, place, header } = await connect(options, runId, servicesOf(options))
  const path = options.ledger ?? `rolecast-calibrate-${runId}.ledger`
  const ledger = await createLedger(path, header)
  session.tell({ event: 'ledger', path })
  const probed = await probeAll({ ...session, ledger }, place, options).then(
    result => ({ result }),
    (error: unknown) => ({ error }),
  )
  const ending = { ...session.undisturbed(), ledger }
  const leftBehind = await deleteAll(ending)
  await endLedger(ending, leftBehind)
  if ('error' in probed) throw withLeftBehind(probed.error, leftBehind, path)
  return { result: probed.result, leftBehind, ledger: path }
}

function servicesOf(options: CalibrateOptions): ReadonlySet<Service> {
  return new Set(planCalibration(options).calls.map(({ operation }) => factsOf(operation).service))
}

function withLeftBehind(error: unknown, leftBehind: readonly LeftBehind[], path: string): unknown {
  if (!isRolecastError(error) || leftBehind.length === 0) return error
  const { code, message, retryable } = error
  const what = leftBehind.map(({ title, name }) => `${title} ${quote(name)}`).join(', ')
  return new RolecastError(
    code,
    `${message}. In addition, some of what was created may still exist (${what}); clean up with the ledger ${quote(path)}`,
    { retryable, cause: error },
  )
}

/** In milliseconds. */
const DAY = 86_400_000

async function probeAll(run: Run, place: RolePlace, options: CalibrateOptions): Promise<CalibrationResult> {
  let issuedAt = run.now()
  run.tell({ event: 'step', what: 'a user pool and its app client' })
  const pool = await createScratchPool(run, { tier: 'LITE' })
  const probe: UserPoolProbe = {
    session: run,
    pool,
    place,
    onToken: ({ iat }) => {
      // By Cognito's clock, if the token has a time and the two clocks differ by less than a day.
      const [ours, theirs] = [run.now(), typeof iat === 'number' ? iat * 1_000 : Infinity]
      issuedAt = Math.abs(ours - theirs) < DAY ? theirs : ours
    },
  }
  const found = await probeRows(probe)
  const many = options.many ? await probeMany(probe) : undefined
  const order = await probeOrder(probe)
  const delays = await probeDelays(probe)
  const date = new Date(issuedAt).toISOString()
  const identityPool = options.identityPool ? await probeIdentityPool(run, pool) : undefined
  const preToken = options.preToken ? await probePreToken(run, place) : undefined
  run.throwIfInterrupted()

  const tokens = [...found.tokens, ...(many?.tokens ?? [])]
  const { semantics, readings } = fitSemantics(tokens)
  const isReadable = !found.hasMalformed && many?.hasMalformed !== true
  return {
    calibration: 1,
    date,
    userPoolId: pool.userPoolId,
    ...(run.endpoint !== undefined && { endpoint: run.endpoint }),
    region: run.region,
    tier: pool.tier,
    ...(isReadable && semantics !== undefined && { semantics }),
    readings,
    rows: [...found.rows, ...(many?.rows ?? [])],
    order,
    delays,
    ...(identityPool !== undefined && { identityPool }),
    ...(preToken !== undefined && { preToken }),
    notSeen: notSeen(options, { endpoint: run.endpoint, identityPool, preToken }),
    // Without the malformed ones, the other tokens could fit a wrong reading.
    tokens: isReadable ? tokens : [],
  }
}

type Probed = Pick<CalibrationResult, 'endpoint' | 'identityPool' | 'preToken'>

function notSeen({ many }: CalibrateOptions, probed: { [Key in keyof Probed]: Probed[Key] | undefined }) {
  const { endpoint, identityPool, preToken } = probed
  return [
    'One pool of one tier was looked at, in one Region and at one time. Cognito may behave differently elsewhere or later.',
    'All users signed in with AdminInitiateAuth. Other ways to sign in, such as managed login, were not looked at.',
    'Users of an identity provider, whose group Cognito creates (Case 17), were not looked at.',
    `The signatures of the tokens were not checked: they came ${transportOf(endpoint)}.`,
    ...(many ? [] : ['No user was in many groups.']),
    ...unanswered('No identity pool was probed for the role that it gives', identityPool),
    ...(preToken === undefined || preToken.every(isUnanswered)
      ? unanswered('No pre token generation trigger was looked at', preToken)
      : TRIGGER_POOLS.flatMap(({ version }) =>
          unanswered(
            `No pre token generation trigger ${version} was looked at`,
            preToken.filter(one => one.version === version),
          ),
        )),
  ]
}

function transportOf(endpoint: string | undefined): string {
  if (endpoint === undefined) return 'over TLS as responses to signed requests'
  if (new URL(endpoint).protocol === 'https:') return 'over TLS from the endpoint that was given'
  return 'over HTTP without TLS, from the endpoint that was given'
}

interface Answered {
  readonly real: { readonly outcome: string } | { readonly why: string }
}

function isUnanswered({ real }: Answered): boolean {
  return 'why' in real
}

/** A sentence if no case has a result, with the reason of the first one if they were probed. */
function unanswered(sentence: string, cases: readonly Answered[] | undefined): readonly string[] {
  if (cases === undefined) return [`${sentence}.`]
  const [first] = cases
  if (first === undefined || !cases.every(isUnanswered) || !('why' in first.real)) return []
  return [`${sentence}: ${first.real.why}`]
}
