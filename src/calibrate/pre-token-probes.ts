import * as z from 'zod/mini'
import { someText } from '../cognito/api/responses.js'
import { RolecastError } from '../errors.js'
import { exceptionName } from './call-failure.js'
import { createRole, orNoAnswer } from './identity-pool-probes.js'
import type { NoAnswer } from './identity-pool-result.js'
import {
  isAsked,
  isMarked,
  PRE_TOKEN_CASES,
  type PreTokenCase,
  TRIGGER_POOLS,
  type TriggerPool,
  triggerGroup,
  triggerResponses,
  type TriggerRoles,
} from './pre-token-cases.js'
import { HANDLER, preTokenSource, zipFunction } from './pre-token-function.js'
import {
  carriesMark,
  judgeTokens,
  type Payloads,
  type PreTokenResult,
  type RealTokens,
  withoutTokens,
} from './pre-token-result.js'
import { anything, createResource } from './resources.js'
import {
  createScratchGroup,
  createScratchPool,
  createScratchUser,
  payloadOf,
  type ScratchPool,
  type ScratchUser,
  setMembership,
  signIn,
} from './scratch-pool.js'
import type { Run } from './session.js'
import { roleArn, type RolePlace } from './user-pool-rows.js'
import { MAX_ROLE_WAIT, PAUSE } from './waits.js'

/** Milliseconds in which the function has to be ready, and in which a pool has to call it. */
export const MAX_FUNCTION_WAIT = 60_000

/** How often a sign-in is tried before a failure, or a token without its mark, counts as the result. */
export const ATTEMPTS = 3

/**
 * Probes how Cognito applies the responses of a pre token generation trigger, with one function, whose response depends
 * on the username, and a user pool for each version of the trigger's event.
 *
 * A marked token says that the function ran for it. A pool in which no token is marked is not settled.
 *
 * @param place where the made-up roles of the responses are
 * @throws RolecastError as a rejection: `aborted`, or nothing may be created any more. Other failures are in the result of their case
 */
export async function probePreToken(run: Run, place: RolePlace): Promise<readonly PreTokenResult[]> {
  const roles = { alpha: roleArn('alpha', place), beta: roleArn('beta', place), gamma: roleArn('gamma', place) }
  const created = await orNoAnswer(run, () => createFunction(run, roles))
  const results: PreTokenResult[] = []
  for (const version of TRIGGER_POOLS) results.push(...(await probeVersion(run, { ...version, created, roles })))
  return results
}

interface VersionProbe extends TriggerPool {
  readonly created: string | NoAnswer
  readonly roles: TriggerRoles
}

async function probeVersion(run: Run, probe: VersionProbe): Promise<readonly PreTokenResult[]> {
  const { version, roles } = probe
  const cases = PRE_TOKEN_CASES.filter(one => isAsked(one, version))
  const ready = await orNoAnswer(run, () => createTriggerPool(run, probe, cases))
  if ('why' in ready) return cases.map(one => withoutTokens(one, version, ready, roles))
  const results: PreTokenResult[] = []
  for (const one of cases) {
    run.tell({ event: 'step', what: `pre token generation ${version}: ${one.returns}` })
    const found = await orNoAnswer(run, () => signInFor(run, ready, one))
    results.push(
      'outcome' in found ? withoutTokens(one, version, found, roles) : judgeTokens(one, version, found, roles),
    )
  }
  return results
}

interface ReadyPool {
  readonly pool: ScratchPool
  readonly users: ReadonlyMap<string, ScratchUser>
}

async function createTriggerPool(
  run: Run,
  { version, tier, created, roles }: VersionProbe,
  cases: readonly PreTokenCase[],
): Promise<ReadyPool | NoAnswer> {
  if (typeof created !== 'string') return created
  run.tell({ event: 'step', what: `creating a user pool with a pre token generation trigger ${version}` })
  const LambdaConfig = { PreTokenGenerationConfig: { LambdaVersion: version, LambdaArn: created } }
  const suffix = `pre-token-${version[1]}`
  const pool = await createScratchPool(run, { tier, suffix, settings: { LambdaConfig } })
  await allowCognito(run, created, pool, suffix)
  await createScratchGroup(run, pool, triggerGroup(roles))
  const users = new Map<string, ScratchUser>()
  for (const { id } of cases) {
    const user = await createScratchUser(run, pool, id)
    await setMembership(run, pool, user, triggerGroup(roles).groupName, true)
    users.set(id, user)
  }
  const ready = { pool, users }
  return (await isCalled(run, ready, cases)) ? ready : NOT_CALLED
}

const NOT_CALLED: NoAnswer = {
  outcome: 'not-settled',
  why: `no token showed within ${MAX_FUNCTION_WAIT / 1_000} s that the pool calls the function`,
}

/** Waits until the pool calls the function. */
async function isCalled(run: Run, ready: ReadyPool, cases: readonly PreTokenCase[]): Promise<boolean> {
  const marked = cases.find(isMarked)
  const end = run.now() + MAX_FUNCTION_WAIT
  for (;;) {
    const found = await signInOnce(run, ready, marked!)
    if (!('outcome' in found) && carriesMark(found, marked!)) return true
    if (run.now() >= end) return false
    await run.sleep(PAUSE)
  }
}

type Found = Payloads | Exclude<RealTokens, { readonly outcome: 'tokens' }>

async function signInFor(run: Run, ready: ReadyPool, one: PreTokenCase): Promise<Found> {
  for (let attempt = 1; ; attempt++) {
    const found = await signInOnce(run, ready, one)
    const isClear = !('outcome' in found) && (!isMarked(one) || carriesMark(found, one))
    if (isClear || attempt === ATTEMPTS) return isClear || 'outcome' in found ? found : NOT_MARKED
    await run.sleep(PAUSE)
  }
}

const NOT_MARKED: NoAnswer = {
  outcome: 'not-settled',
  why: 'the token does not have the claim that the function adds, so Cognito ignored the response or did not call the function',
}

/** Exceptions of a sign-in whose trigger failed, or whose response Cognito does not accept. */
const REJECTIONS: ReadonlySet<string> = new Set([
  'InvalidLambdaResponseException',
  'UnexpectedLambdaException',
  'UserLambdaValidationException',
])

async function signInOnce(run: Run, { pool, users }: ReadyPool, { id }: PreTokenCase): Promise<Found> {
  try {
    const { idToken, accessToken } = await signIn(run, pool, users.get(id)!)
    return { idToken: payloadOf(idToken), accessToken: payloadOf(accessToken) }
  } catch (error) {
    const name = exceptionName(error)
    if (REJECTIONS.has(name)) return { outcome: 'rejected', error: name }
    throw error
  }
}

const functionResponse = z.object({ FunctionName: someText, FunctionArn: someText })
const getFunctionResponse = z.object({ Configuration: z.object({ State: z.nullish(z.string()) }) })

/** The ARN of the function, which is ready. */
async function createFunction(run: Run, roles: TriggerRoles): Promise<string | NoAnswer> {
  run.tell({ event: 'step', what: 'creating a function, and a role without permissions for it' })
  const trust = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  }
  const role = await createRole(run, { suffix: 'lambda', trust: JSON.stringify(trust), about: 'Role of the function' })
  let arn = ''
  const id = await createResource(run, 'function', async ({ name, tags }) => {
    const input = {
      FunctionName: name,
      Description: 'Created by rolecast calibrate, which deletes it.',
      Runtime: 'nodejs22.x',
      Role: role,
      Handler: HANDLER,
      Code: { ZipFile: zipFunction(preTokenSource(triggerResponses(roles))) },
      Timeout: 5,
      MemorySize: 128,
      Tags: tags,
    }
    const { FunctionName, FunctionArn } = await onceRoleIsSeen(run, () =>
      run.call('CreateFunction', input, functionResponse),
    )
    arn = FunctionArn
    return FunctionName
  })
  const end = run.now() + MAX_FUNCTION_WAIT
  for (;;) {
    const { Configuration } = await run.call('GetFunction', { FunctionName: id }, getFunctionResponse)
    if (Configuration.State === 'Active') return arn
    if (run.now() >= end || Configuration.State === 'Failed') return NOT_READY
    await run.sleep(PAUSE)
  }
}

const NOT_READY: NoAnswer = {
  outcome: 'not-run',
  why: `the function did not become active within ${MAX_FUNCTION_WAIT / 1_000} s`,
}

/** Lambda rejects a role that it does not see yet, as it does one that it may not assume. */
async function onceRoleIsSeen<T>(run: Run, create: () => Promise<T>): Promise<T> {
  const end = run.now() + MAX_ROLE_WAIT
  for (;;) {
    try {
      return await create()
    } catch (error) {
      if (exceptionName(error) !== 'InvalidParameterValueException' || run.now() >= end) throw error
      await run.sleep(PAUSE)
    }
  }
}

async function allowCognito(run: Run, functionArn: string, { arn }: ScratchPool, suffix: string): Promise<void> {
  if (arn === null)
    throw new RolecastError(
      'malformed-response',
      'CreateUserPool returned no ARN, and without it every pool could call the function; check that the endpoint is AWS',
    )
  const input = {
    FunctionName: functionArn,
    StatementId: `rolecast-calibrate-${suffix}`,
    Action: 'lambda:InvokeFunction',
    Principal: 'cognito-idp.amazonaws.com',
    SourceArn: arn,
  }
  try {
    await run.call('AddPermission', input, anything)
  } catch (error) {
    // An earlier request did this, and its response was lost.
    if (exceptionName(error) !== 'ResourceConflictException') throw error
  }
}
