import * as z from 'zod/mini'
import { someText } from '../cognito/api/responses.js'
import { providerKey } from '../credentials/provider-key.js'
import type { RoleMapping } from '../credentials/role-mapping.js'
import { isRolecastError, quote, RolecastError } from '../errors.js'
import { exceptionName, keptOf } from './call-failure.js'
import {
  IDENTITY_POOL_CASES,
  IDENTITY_USERS,
  type IdentityPoolCase,
  identityGroups,
  ROLE_NAMES,
  type RoleArns,
  type RoleName,
  toRoleMapping,
  type UserName,
} from './identity-pool-cases.js'
import {
  type IdentityPoolResult,
  judgeSelection,
  type NoAnswer,
  possibleRoles,
  predictSelection,
  type RealSelection,
  tokenOf,
} from './identity-pool-result.js'
import { anything, createResource } from './resources.js'
import type { Run } from './session.js'
import {
  createScratchGroup,
  createScratchUser,
  payloadOf,
  type ScratchPool,
  type ScratchUser,
  setMembership,
  signIn,
} from './scratch-pool.js'
import { MAX_ROLE_WAIT, PAUSE } from './waits.js'

/** Milliseconds within which new settings have to take effect in credentials. */
export const MAX_SETTINGS_WAIT = 30_000

/** How many marker roles are tried, one after the other, if the first one does not change. */
export const MAX_MARKERS = 2

/** An identity pool with its roles and users. */
interface Subject {
  readonly identityPoolId: string
  readonly arns: RoleArns
  /** The key in `Logins`. */
  readonly login: string
  /** The key in `RoleMappings`. */
  readonly provider: string
  readonly user: (name: UserName) => Promise<SignedIn>
  /** The roles that were given at least once, so that IAM's delay is over. */
  readonly assumed: Set<RoleName>
  /** Whether earlier settings took effect late: roles that are given from then on may come from any earlier settings. */
  isLate: boolean
}

interface SignedIn {
  readonly identityId: string
  readonly idToken: string
  readonly claims: Readonly<Record<string, unknown>>
}

/** What SetIdentityPoolRoles sets. */
interface Settings {
  readonly authenticated: RoleName | null
  readonly mapping?: RoleMapping
}

type Rejected = Extract<RealSelection, { readonly outcome: 'configuration-rejected' }>

type Answer = RealSelection | { readonly outcome: 'invalid-configuration' }

/**
 * Probes which role a real identity pool gives, case by case: an identity pool for the app client of the scratch pool,
 * and three roles without permissions. The credentials are used for one call, `sts:GetCallerIdentity`, and then discarded.
 *
 * New settings take effect in GetCredentialsForIdentity some time after GetIdentityPoolRoles returns them. So each case
 * begins with marker settings, whose role no reading of the case gives, and waits for that role. The result counts once
 * a different one comes twice in a row.
 *
 * @throws RolecastError as a rejection: `aborted`, or nothing may be created any more. Other failures are in the result of their case
 */
export async function probeIdentityPool(run: Run, scratch: ScratchPool): Promise<readonly IdentityPoolResult[]> {
  const subject = await orNoAnswer(run, () => createSubject(run, scratch))
  const results: IdentityPoolResult[] = []
  for (const one of IDENTITY_POOL_CASES) results.push(await probeCase(run, subject, one))
  return results
}

async function probeCase(run: Run, subject: Subject | NoAnswer, one: IdentityPoolCase): Promise<IdentityPoolResult> {
  if ('why' in subject) return judgeSelection(one, undefined, subject)
  if (subject.isLate) return judgeSelection(one, undefined, LATE)
  run.tell({ event: 'step', what: `identity pool: ${one.about}` })
  const user = await orNoAnswer(run, () => subject.user(one.user))
  if ('why' in user) return judgeSelection(one, undefined, user)
  const { customRole: _, ...plain } = one
  const predicted = await orNoAnswer(run, async () => ({
    asked: predictSelection(one, user.claims, subject.arns),
    plain: predictSelection(plain, user.claims, subject.arns),
  }))
  if ('why' in predicted) return judgeSelection(one, undefined, predicted)
  const possible = new Set([...possibleRoles(predicted.asked), ...possibleRoles(predicted.plain)])
  const markers = ROLE_NAMES.toSorted((a, b) => Number(possible.has(a)) - Number(possible.has(b)))
  const real = await orNoAnswer(run, () => settle(run, subject, { one, user, markers }))
  return judgeSelection(one, { predicted: predicted.asked, token: tokenOf(user.claims, subject.arns) }, real)
}

interface Question {
  readonly one: IdentityPoolCase
  readonly user: SignedIn
  /** Roles that can mark the earlier settings, the best first. */
  readonly markers: readonly RoleName[]
}

async function settle(run: Run, subject: Subject, { one, user, markers }: Question): Promise<RealSelection | NoAnswer> {
  const { authenticated, customRole } = one
  const settings: Settings = {
    authenticated,
    ...(one.mapping !== undefined && { mapping: toRoleMapping(one.mapping, subject.arns) }),
  }
  for (const marker of markers.slice(0, MAX_MARKERS)) {
    const unmarked = await mark(run, subject, user, marker)
    if (unmarked !== undefined) return late(subject, unmarked)
    const rejected = await set(run, subject, settings)
    if (rejected !== undefined) return rejected
    const ask = (custom?: RoleName) => askOnce(run, subject, user, custom)
    const isMarker = (answer: Answer) => answer.outcome === 'role' && answer.role === marker
    // Without the custom role, so that its effect with the marker settings does not count as the result.
    const arrived = await twice(run, () => ask(), { isStale: isMarker, authenticated })
    if (arrived === 'stale') continue
    if (arrived === CHANGING) return late(subject, arrived)
    if ('why' in arrived || customRole === undefined) return arrived
    const answered = await twice(run, () => ask(customRole), { isStale: () => false, authenticated })
    return answered === 'stale' || answered === CHANGING ? late(subject, CHANGING) : answered
  }
  return late(subject, NOT_SEEN)
}

/** Settings that took effect too late for one case could falsify the next one. */
function late(subject: Subject, why: NoAnswer): NoAnswer {
  subject.isLate = true
  return why
}

const LATE: NoAnswer = {
  outcome: 'not-settled',
  why: 'not probed, because the settings of an earlier case may still take effect',
}

const NOT_SEEN: NoAnswer = {
  outcome: 'not-settled',
  why: `the settings did not take effect in credentials within ${MAX_SETTINGS_WAIT / 1_000} s`,
}

/** Sets settings that give this role to everybody, and waits until the user gets it. */
async function mark(run: Run, subject: Subject, user: SignedIn, marker: RoleName): Promise<NoAnswer | undefined> {
  const rejected = await set(run, subject, { authenticated: marker })
  if (rejected !== undefined) {
    if ('why' in rejected) return rejected
    return { outcome: 'not-settled', why: `SetIdentityPoolRoles failed with ${rejected.error}` }
  }
  const end = run.now() + (subject.assumed.has(marker) ? MAX_SETTINGS_WAIT : MAX_ROLE_WAIT)
  for (;;) {
    const answer = await askOnce(run, subject, user)
    if (answer.outcome === 'role' && answer.role === marker) {
      subject.assumed.add(marker)
      return undefined
    }
    if (run.now() >= end) return answer.outcome === 'invalid-configuration' ? NOT_ASSUMED : NOT_SEEN
    await run.sleep(PAUSE)
  }
}

const NOT_ASSUMED: NoAnswer = {
  outcome: 'not-settled',
  why: `InvalidIdentityPoolConfigurationException for ${MAX_ROLE_WAIT / 1_000} s, which is longer than IAM takes to make a new role assumable`,
}

interface Patience {
  readonly isStale: (answer: Answer) => boolean
  readonly authenticated: RoleName | null
}

/** The first result that comes twice in a row and is not that of the earlier settings. */
async function twice(
  run: Run,
  ask: () => Promise<Answer>,
  { isStale, authenticated }: Patience,
): Promise<RealSelection | NoAnswer | 'stale'> {
  const start = run.now()
  let last: Answer | undefined
  for (;;) {
    const answer = await ask()
    const isAnswered = last !== undefined && isSame(answer, last) && !isStale(answer)
    if (isAnswered && answer.outcome !== 'invalid-configuration') return answer
    // Without an authenticated role AWS documents this exception. It is not IAM's delay, because the role was assumed before.
    if (isAnswered && authenticated === null) return { outcome: 'denied', error: INVALID_CONFIGURATION }
    const isDelayed = answer.outcome === 'invalid-configuration'
    if (run.now() - start >= (isDelayed ? MAX_ROLE_WAIT : MAX_SETTINGS_WAIT)) {
      if (isStale(answer)) return 'stale'
      return isDelayed ? NOT_ASSUMED : CHANGING
    }
    last = answer
    await run.sleep(PAUSE)
  }
}

const CHANGING: NoAnswer = {
  outcome: 'not-settled',
  why: `the results kept changing for ${MAX_SETTINGS_WAIT / 1_000} s`,
}

function isSame(a: Answer, b: Answer): boolean {
  if (a.outcome !== b.outcome) return false
  if (a.outcome === 'role' && b.outcome === 'role') return a.role === b.role
  return !('error' in a && 'error' in b) || a.error === b.error
}

const INVALID_CONFIGURATION = 'InvalidIdentityPoolConfigurationException'

/** Exceptions by which GetCredentialsForIdentity denies. The token is valid: it was accepted with the earlier settings. */
const DENIALS: ReadonlySet<string> = new Set(['NotAuthorizedException', 'InvalidParameterException'])

const credentialsResponse = z.object({
  Credentials: z.object({ AccessKeyId: someText, SecretKey: someText, SessionToken: someText }),
})
const callerResponse = z.object({ Arn: someText })

async function askOnce(run: Run, subject: Subject, user: SignedIn, customRole?: RoleName): Promise<Answer> {
  const input = {
    IdentityId: user.identityId,
    Logins: { [subject.login]: user.idToken },
    ...(customRole !== undefined && { CustomRoleArn: subject.arns[customRole] }),
  }
  let given: z.infer<typeof credentialsResponse>['Credentials']
  try {
    given = (await run.call('GetCredentialsForIdentity', input, credentialsResponse)).Credentials
  } catch (error) {
    const name = exceptionName(error)
    if (name === INVALID_CONFIGURATION) return { outcome: 'invalid-configuration' }
    if (DENIALS.has(name)) return { outcome: 'denied', error: name }
    throw error
  }
  const credentials = {
    accessKeyId: given.AccessKeyId,
    secretAccessKey: given.SecretKey,
    sessionToken: given.SessionToken,
  }
  const { Arn } = await run.call('GetCallerIdentity', {}, callerResponse, { credentials })
  const [, name] = /:assumed-role\/([\w+=,.@-]+)\/[^/]+$/.exec(Arn) ?? []
  const role = ROLE_NAMES.find(one => nameOfRole(subject.arns[one]) === name)
  if (role !== undefined) subject.assumed.add(role)
  return { outcome: 'role', role: role ?? 'other' }
}

function nameOfRole(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1)
}

const rolesResponse = z.object({
  Roles: z.nullish(z.record(z.string(), z.string())),
  RoleMappings: z.nullish(z.record(z.string(), z.unknown())),
})

/** Undefined: they are set, and were confirmed. */
async function set(run: Run, subject: Subject, settings: Settings): Promise<Rejected | NoAnswer | undefined> {
  const { identityPoolId, arns, provider } = subject
  const { authenticated, mapping } = settings
  const input = {
    IdentityPoolId: identityPoolId,
    Roles: authenticated === null ? {} : { authenticated: arns[authenticated] },
    // Always given, because AWS does not document whether leaving it out removes the mappings.
    RoleMappings: mapping === undefined ? {} : { [provider]: mapping },
  }
  let rejections = 0
  for (let attempt = 1; ; attempt++) {
    try {
      await run.call('SetIdentityPoolRoles', input, anything)
      break
    } catch (error) {
      const name = exceptionName(error)
      // Like all results it has to come twice, because one may be due to a role that is not visible yet.
      if (name === 'InvalidParameterException' && ++rejections === 2)
        return { outcome: 'configuration-rejected', error: name }
      if (!PASSING.has(name) || attempt >= 5) throw error
      await run.sleep(PAUSE)
    }
  }
  const end = run.now() + MAX_SETTINGS_WAIT
  for (;;) {
    const read = await run.call('GetIdentityPoolRoles', { IdentityPoolId: identityPoolId }, rolesResponse)
    if (isGivenBack(input, read)) return undefined
    if (run.now() >= end) return NOT_GIVEN_BACK
    await run.sleep(PAUSE)
  }
}

const PASSING: ReadonlySet<string> = new Set(['ConcurrentModificationException', 'InvalidParameterException'])

const NOT_GIVEN_BACK: NoAnswer = {
  outcome: 'not-settled',
  why: 'GetIdentityPoolRoles did not return the settings that were made',
}

/** Whether exactly what was given came back; defaults may have been added for omitted parts. */
function isGivenBack(
  input: { readonly Roles: Readonly<Record<string, string>>; readonly RoleMappings: Readonly<Record<string, unknown>> },
  { Roles, RoleMappings }: z.infer<typeof rolesResponse>,
): boolean {
  return isWhole(Roles ?? {}, input.Roles) && isWhole(RoleMappings ?? {}, input.RoleMappings)
}

function isWhole(read: object, given: object): boolean {
  return Object.keys(read).length === Object.keys(given).length && has(read, given)
}

/** Whether a value has all that another one has. */
function has(value: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return value === wanted
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(wanted).every(([key, part]) => has((value as Readonly<Record<string, unknown>>)[key], part))
}

const createIdentityPoolResponse = z.object({ IdentityPoolId: someText })
const createRoleResponse = z.object({ Role: z.object({ RoleName: someText, Arn: someText }) })
const getIdResponse = z.object({ IdentityId: someText })

async function createSubject(run: Run, scratch: ScratchPool): Promise<Subject> {
  const { userPoolId, clientId } = scratch
  const provider = providerKey(userPoolId, clientId)
  const login = provider.slice(0, provider.lastIndexOf(':'))
  // Before anything is created, because it may be unknown.
  trustPolicyIn(run.region, '')
  run.tell({ event: 'step', what: 'creating an identity pool and three roles without permissions' })
  const identityPoolId = await createResource(run, 'identity-pool', async ({ name, tags }) => {
    const input = {
      IdentityPoolName: name,
      AllowUnauthenticatedIdentities: false,
      CognitoIdentityProviders: [{ ProviderName: login, ClientId: clientId, ServerSideTokenCheck: false }],
      IdentityPoolTags: tags,
    }
    return (await run.call('CreateIdentityPool', input, createIdentityPoolResponse)).IdentityPoolId
  })
  const trust = JSON.stringify(trustPolicyIn(run.region, identityPoolId))
  const arns: Partial<Record<RoleName, string>> = {}
  for (const name of ROLE_NAMES)
    arns[name] = await createRole(run, {
      suffix: name.toLowerCase(),
      trust,
      about: 'Trusted by a scratch identity pool',
    })

  for (const group of identityGroups(arns as RoleArns)) await createScratchGroup(run, scratch, group)
  const accounts = new Map<UserName, ScratchUser>()
  for (const [name, groups] of Object.entries(IDENTITY_USERS)) {
    const account = await createScratchUser(run, scratch, `identity-${name}`)
    for (const group of groups) await setMembership(run, scratch, account, group, true)
    accounts.set(name as UserName, account)
  }
  const users = new Map<UserName, SignedIn>()
  const user = async (name: UserName): Promise<SignedIn> => {
    const known = users.get(name)
    if (known !== undefined) return known
    const { idToken } = await signIn(run, scratch, accounts.get(name)!)
    const input = { IdentityPoolId: identityPoolId, Logins: { [login]: idToken } }
    const { IdentityId } = await run.call('GetId', input, getIdResponse)
    const signedIn = { identityId: IdentityId, idToken, claims: payloadOf(idToken) }
    users.set(name, signedIn)
    return signedIn
  }
  return { identityPoolId, arns: arns as RoleArns, login, provider, user, assumed: new Set(), isLate: false }
}

/**
 * Creates a role without permissions, and gives its ARN.
 *
 * @throws RolecastError as a rejection
 */
export async function createRole(
  run: Run,
  { suffix, trust, about }: { readonly suffix: string; readonly trust: string; readonly about: string },
): Promise<string> {
  let arn = ''
  await createResource(
    run,
    'role',
    async ({ name, tags }) => {
      const input = {
        RoleName: name,
        AssumeRolePolicyDocument: trust,
        Description: `${about}, created by rolecast calibrate, which deletes it. It has no permissions.`,
        MaxSessionDuration: 3_600,
        Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
      }
      const { Role } = await run.call('CreateRole', input, createRoleResponse)
      arn = Role.Arn
      return Role.RoleName
    },
    { suffix },
  )
  return arn
}

interface IdentityService {
  readonly principal: string
  readonly keys: string
}

/**
 * The names that a trust policy uses for identity pools, in the partitions that document them.
 *
 * @throws RolecastError `invalid-option`
 * @see https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-cog.html
 */
function identityService(region: string): IdentityService {
  if (region === 'us-gov-west-1') return sameName('cognito-identity-us-gov.amazonaws.com')
  if (region === 'us-gov-east-1') return sameName('cognito-identity.us-gov-east-1.amazonaws.com')
  if (region.startsWith('cn-'))
    return {
      principal: 'cognito-identity.cn-north-1.amazonaws.com.cn',
      keys: 'cognito-identity.amazonaws.com.cn',
    }
  if (!/^(us-iso|eu-iso|eusc-|us-gov-)/.test(region)) return sameName('cognito-identity.amazonaws.com')
  throw new RolecastError(
    'invalid-option',
    `the names that a trust policy uses for identity pools in ${quote(region)} are unknown; probe identity pools in another Region`,
    { value: region },
  )
}

function sameName(name: string): IdentityService {
  return { principal: name, keys: name }
}

/**
 * For signed-in users of this identity pool only.
 *
 * @throws RolecastError `invalid-option`
 */
export function trustPolicyIn(region: string, identityPoolId: string): object {
  const { principal, keys } = identityService(region)
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Federated: principal },
        Action: 'sts:AssumeRoleWithWebIdentity',
        Condition: {
          StringEquals: { [`${keys}:aud`]: identityPoolId },
          'ForAnyValue:StringLike': { [`${keys}:amr`]: 'authenticated' },
        },
      },
    ],
  }
}

/**
 * The result of a step, or why there is none, which is also emitted. An interrupt ends the run, and so does a missing
 * ledger.
 */
export async function orNoAnswer<T>(run: Pick<Run, 'tell'>, step: () => Promise<T>): Promise<T | NoAnswer> {
  try {
    return await step()
  } catch (error) {
    if (!isRolecastError(error) || error.code === 'aborted' || error.code === 'invalid-input') throw error
    run.tell({ event: 'failed', error })
    return { outcome: error.code === 'not-supported' ? 'not-supported' : 'not-run', why: keptOf(error) }
  }
}
