import { scryptSync } from 'node:crypto'
import * as z from 'zod/mini'
import { REGION_PATTERN } from '../aws-ids.js'
import { isAbortSignal } from '../abort.js'
import { checkEndpoint, MAX_TIMER, numberOption } from '../cognito/api/connection-options.js'
import { oneLine } from '../cognito/api/api-error.js'
import { defaultRegion } from '../cognito/api/client-config.js'
import { isRolecastError, quote, RolecastError } from '../errors.js'
import { invalidOption } from '../record.js'
import { maskAccounts } from './call-failure.js'
import { checkAddress, isOfAws } from './clients.js'
import type { LedgerHeader } from './ledger.js'
import type { Service } from './operations.js'
import { type AwsCredentials, type CalibrateEvent, type Clock, createSession, type Session } from './session.js'
import { PLACEHOLDER_ACCOUNT, type RolePlace } from './user-pool-rows.js'

/** How a run, or its clean-up, reaches AWS. */
export interface ConnectOptions {
  /**
   * The AWS Region.
   *
   * @default AWS_REGION, else AWS_DEFAULT_REGION, else the region of the profile
   */
  readonly region?: string | undefined
  /**
   * A profile of the AWS configuration files. Ignored with `credentials`.
   *
   * @default as the SDK finds it
   */
  readonly profile?: string | undefined
  /**
   * Credentials, or a function that loads them.
   *
   * @default as the SDK finds them
   */
  readonly credentials?: AwsCredentials | undefined
  /**
   * Another address of all services, such as an emulator's. Its results are not evidence of what Cognito does.
   *
   * @default AWS's own addresses
   */
  readonly endpoint?: string | undefined
  /**
   * Milliseconds for one call.
   *
   * @default 15_000
   */
  readonly timeout?: number | undefined
  /**
   * Stops the probes. Everything that was created is still deleted.
   *
   * @default none
   */
  readonly signal?: AbortSignal | undefined
  /**
   * Called for each step, and for what is created and deleted. Must not throw.
   *
   * @default none
   */
  readonly onEvent?: ((event: CalibrateEvent) => void) | undefined
  /**
   * Another clock, for tests.
   *
   * @default the clock of this machine
   */
  readonly clock?: Clock | undefined
}

export interface Connection {
  readonly session: Session
  readonly place: RolePlace
  readonly header: LedgerHeader
}

const callerIdentityResponse = z.object({
  Account: z.string().check(z.regex(/^\d{12}$/)),
  Arn: z.string().check(z.regex(/^arn:[a-z-]+:/)),
})

/**
 * Finds out the Region and the caller. Creates nothing.
 *
 * @param services those that will be called
 * @throws RolecastError as a rejection
 */
export async function connect(
  options: ConnectOptions,
  runId: string,
  services: Iterable<Service>,
): Promise<Connection> {
  const { endpoint, signal = new AbortController().signal, onEvent } = options
  checkEndpoint(options)
  const timeout = numberOption(options, 'timeout', { default: 15_000, min: 1, max: MAX_TIMER })
  if (!isAbortSignal(signal)) throw invalidOption(`\`signal\` is ${quote(signal)}; give an AbortSignal`, signal)
  const region = options.region ?? (await regionOf(options))
  checkRegion(region, endpoint)
  await checkAddresses({ ...options, region }, services)
  const session = createSession({ ...options, region, runId, signal, timeout, tell: event => onEvent?.(event) })
  const header = { runId, region, ...(endpoint !== undefined && { endpoint }) }
  if (!isOfAws(endpoint)) return { session, place: { partition: 'aws', account: PLACEHOLDER_ACCOUNT }, header }
  const { Account: account, Arn } = await session.call('GetCallerIdentity', {}, callerIdentityResponse)
  const place = { partition: Arn.split(':')[1]!, account }
  return { session, place, header: { ...header, account: fingerprint(account, runId) } }
}

/** Before the first call, because later something would have been created already. */
async function checkAddresses(options: ConnectOptions & { readonly region: string }, services: Iterable<Service>) {
  if (!isOfAws(options.endpoint)) return
  for (const service of services) {
    try {
      await checkAddress(service, options)
    } catch (cause) {
      // A missing package only ends the parts that need it.
      if (isRolecastError(cause) && cause.code === 'missing-package') continue
      if (isRolecastError(cause)) throw cause
      const said = maskAccounts(oneLine(cause instanceof Error ? cause.message : ''))
      throw new RolecastError(
        'invalid-option',
        `the endpoint of ${service} cannot be read from the AWS configuration (${said}); check the profile`,
        { cause },
      )
    }
  }
}

/** Equal for equal accounts; finding the account from it would take years. */
function fingerprint(account: string, runId: string): string {
  return scryptSync(account, runId, 16).toString('hex')
}

async function regionOf({ profile, credentials }: ConnectOptions): Promise<string> {
  try {
    return await defaultRegion(credentials === undefined ? { profile } : {})
  } catch (cause) {
    if (isRolecastError(cause)) throw cause
    throw new RolecastError('no-region', 'no AWS region was found; give `region`', { cause })
  }
}

/** An emulator accepts any word. */
function checkRegion(region: unknown, endpoint: string | undefined): asserts region is string {
  const pattern = isOfAws(endpoint) ? REGION_PATTERN : /^[\w-]{1,40}$/
  if (typeof region === 'string' && pattern.test(region)) return
  throw invalidOption(`\`region\` is ${quote(region)}; give a region of AWS such as \`eu-west-1\``, region)
}
