import { resolveRoles } from '../claims/resolve.js'
import { checkEndpoint } from '../cognito/api/connection-options.js'
import { isOfAws } from './clients.js'
import {
  IDENTITY_POOL_CREATES,
  IDENTITY_POOL_DELETION,
  IDENTITY_POOL_USERS,
  identityPoolPauses,
  identityPoolSteps,
} from './identity-pool-plan.js'
import { factsOf, type Operation, permissionsOf, RATES } from './operations.js'
import { type PlannedCall, type PlannedStep, step, users } from './planned-step.js'
import { PRE_TOKEN_DELETION, preTokenCosts, preTokenCreates, preTokenSteps } from './pre-token-plan.js'
import { CHANGES, MAX_DELAY, MAX_SIGN_INS, ORDER_SIGN_INS, REFRESH_PAUSE } from './user-pool-probes.js'
import {
  GROUP_NAMES,
  type GroupName,
  groupOf,
  MANY,
  ORDER_MEMBERS,
  PLACEHOLDER_ACCOUNT,
  ROWS,
  togglesBetween,
} from './user-pool-rows.js'

/** What a run would look at: the same options as those of `calibrate`. */
export interface PlanOptions {
  /**
   * Also a user in 100 groups, as many as a user can be in.
   *
   * @default false
   */
  readonly many?: boolean | undefined
  /**
   * Also which role an identity pool gives.
   *
   * @default false
   */
  readonly identityPool?: boolean | undefined
  /**
   * Also what Cognito makes of the responses of a pre token generation trigger.
   *
   * @default false
   */
  readonly preToken?: boolean | undefined
  /**
   * Another address of all services, such as an emulator's.
   *
   * @default AWS's own addresses
   */
  readonly endpoint?: string | undefined
}

/** What a run does. Computed without a call, a file or a clock. */
export interface CalibrationPlan {
  /** The parts of the run, in their order. */
  readonly steps: readonly PlannedStep[]
  /** All calls, one entry for each operation, by service and name. */
  readonly calls: readonly Required<PlannedCall>[]
  /** The permissions that the caller needs. */
  readonly permissions: readonly Permission[]
  /** What is created, and deleted at the end. */
  readonly creates: readonly string[]
  /** What it costs, in sentences. */
  readonly costs: readonly string[]
  /** About how long it takes. */
  readonly seconds: number
}

/** A permission, as an IAM policy has it. */
export interface Permission {
  /** The action, for example `cognito-idp:CreateUserPool`. */
  readonly action: string
  /** The ARN that the action is allowed on. */
  readonly resource: string
}

/** Users who sign in, each a monthly active user. */
const USERS = { rows: 1, order: 2, delays: 1 } as const

/**
 * What `calibrate` would do with these options. It makes no call.
 *
 * @throws RolecastError `invalid-option` for an endpoint that is not a URL
 * @example
 * import { planCalibration } from 'rolecast/calibrate'
 *
 * const { permissions, costs, seconds } = planCalibration({ identityPool: true })
 * for (const { action, resource } of permissions) console.log(action, resource)
 */
export function planCalibration(options: PlanOptions = {}): CalibrationPlan {
  checkEndpoint(options)
  const steps = stepsOf(options)
  const calls = summed(steps)
  return {
    steps,
    calls,
    permissions: permissionsFor(calls, options),
    creates: createsOf(options),
    costs: costsOf(options),
    seconds: secondsOf(calls) + (options.identityPool ? identityPoolPauses() : 0),
  }
}

function stepsOf({ many, identityPool, preToken, endpoint }: PlanOptions): readonly PlannedStep[] {
  return [
    // To find the account, in which the made-up roles are too.
    ...(isOfAws(endpoint) ? [step('whose credentials these are', [['GetCallerIdentity', 1]])] : []),
    step('a user pool and its app client', [
      ['CreateUserPool', 1],
      ['CreateUserPoolClient', 1],
    ]),
    rowsStep(),
    orderStep(),
    delaysStep(),
    ...(many ? [manyStep()] : []),
    ...(identityPool ? identityPoolSteps() : []),
    ...(preToken ? preTokenSteps() : []),
    step('deletion, read back', [
      ...(preToken ? PRE_TOKEN_DELETION : []),
      ...(identityPool ? IDENTITY_POOL_DELETION : []),
      ['DescribeUserPool', 2],
      ['DeleteUserPool', 1],
    ]),
  ]
}

function rowsStep(): PlannedStep {
  const place = { partition: 'aws', account: PLACEHOLDER_ACCOUNT }
  let joins = 0
  let leaves = 0
  let signIns = 0
  let before: readonly GroupName[] = []
  for (const { members } of ROWS) {
    const toggles = togglesBetween(new Set(before), members)
    const joining = toggles.filter(toggle => toggle.joins).length
    joins += joining
    leaves += toggles.length - joining
    before = members
    // A result that is not predicted has to come twice.
    const { outcome } = resolveRoles(members.map(name => groupOf(name, place)))
    signIns += outcome === 'undetermined' ? 2 : 1
  }
  return step('a token for each case', [
    ['CreateGroup', GROUP_NAMES.length],
    ...users(USERS.rows),
    ['AdminAddUserToGroup', joins],
    ['AdminRemoveUserFromGroup', leaves],
    ['AdminInitiateAuth', signIns, ROWS.length * MAX_SIGN_INS],
  ])
}

function orderStep(): PlannedStep {
  const signIns = ORDER_SIGN_INS + 1
  return step('the order of the claims', [
    ...users(USERS.order),
    ['AdminAddUserToGroup', USERS.order * ORDER_MEMBERS.length],
    ['AdminInitiateAuth', signIns, signIns * MAX_SIGN_INS],
    ['AdminListGroupsForUser', 1],
  ])
}

function delaysStep(): PlannedStep {
  const refreshes = Math.ceil((MAX_DELAY * 1_000) / REFRESH_PAUSE) + 1
  return step('how long a change takes', [
    ['CreateGroup', 2],
    ...users(USERS.delays),
    ['AdminAddUserToGroup', 2],
    ['UpdateGroup', 1],
    ['AdminRemoveUserFromGroup', 1],
    ['DeleteGroup', 1],
    ['AdminInitiateAuth', 1 + CHANGES.length, MAX_SIGN_INS + CHANGES.length * refreshes],
  ])
}

function manyStep(): PlannedStep {
  return step(`a user in ${MANY} groups`, [
    ['CreateGroup', MANY],
    ...users(1),
    ['AdminAddUserToGroup', MANY],
    ['AdminInitiateAuth', 1, MAX_SIGN_INS],
  ])
}

function summed(steps: readonly PlannedStep[]): readonly Required<PlannedCall>[] {
  const sums = new Map<Operation, Required<PlannedCall>>()
  for (const { operation, count, atMost = count } of steps.flatMap(({ calls }) => calls)) {
    const sum = sums.get(operation) ?? { operation, count: 0, atMost: 0 }
    sums.set(operation, { operation, count: sum.count + count, atMost: sum.atMost + atMost })
  }
  return [...sums.values()]
}

/** Listings are called only if a run ended during a creation: the resource is then found by its name. */
function onlyAfterInterruption({ identityPool }: PlanOptions): readonly Operation[] {
  return ['ListUserPools', ...(identityPool ? (['ListIdentityPools'] as const) : [])]
}

function permissionsFor(calls: readonly PlannedCall[], options: PlanOptions): readonly Permission[] {
  const actions = new Set(
    [...calls.map(({ operation }) => operation), ...onlyAfterInterruption(options)].flatMap(operation =>
      permissionsOf(operation),
    ),
  )
  return [...actions].map(action => ({ action, resource: resourceOf(action) }))
}

function resourceOf(action: string): string {
  const [service = ''] = action.split(':')
  return RESOURCE_OF[action] ?? RESOURCE_OF_SERVICE[service] ?? 'the user pool'
}

/** The resources of permissions that cannot be limited to the scratch pool, which does not exist yet. */
const RESOURCE_OF: Readonly<Record<string, string>> = {
  'cognito-idp:CreateUserPool': '*',
  'cognito-idp:ListUserPools': '*',
  'cognito-idp:TagResource': '*',
  'cognito-identity:CreateIdentityPool': '*',
  'cognito-identity:ListIdentityPools': '*',
  'cognito-identity:TagResource': '*',
}

const RESOURCE_OF_SERVICE: Readonly<Record<string, string>> = {
  'cognito-identity': 'the identity pool',
  iam: 'arn:aws:iam::ACCOUNT:role/rolecast-calibrate-*',
  lambda: 'arn:aws:lambda:REGION:ACCOUNT:function:rolecast-calibrate-*',
}

function createsOf({ many, identityPool, preToken }: PlanOptions): readonly string[] {
  const { rows, order, delays } = USERS
  const count = rows + order + delays + (many ? 1 : 0)
  const groups = GROUP_NAMES.length + 2 + (many ? MANY : 0)
  return [
    `1 user pool of the Lite tier, named rolecast-calibrate-… and tagged rolecast:calibrate, with 1 app client, ${groups} groups and ${count} users`,
    ...(identityPool ? [IDENTITY_POOL_CREATES] : []),
    ...(preToken ? preTokenCreates() : []),
  ]
}

function costsOf({ many, identityPool, preToken }: PlanOptions): readonly string[] {
  const { rows, order, delays } = USERS
  const count = rows + order + delays + (many ? 1 : 0) + (identityPool ? IDENTITY_POOL_USERS : 0)
  return [
    `${count} users sign in, which makes ${count} monthly active users of the Lite tier: free within the free tier of the account, and less than 0.10 US dollars in total beyond it`,
    ...(identityPool ? ['the identity pool, the roles and the calls of STS: free'] : []),
    ...(preToken ? preTokenCosts() : []),
  ]
}

/** About 0.15 seconds a call, and more where a rate is lower than that. */
function secondsOf(calls: readonly PlannedCall[]): number {
  const byQuota = new Map<keyof typeof RATES, number>()
  for (const { operation, count } of calls) {
    const { quota } = factsOf(operation)
    byQuota.set(quota, (byQuota.get(quota) ?? 0) + count)
  }
  let seconds = 0
  for (const [quota, count] of byQuota) seconds += count * Math.max(LATENCY, 1 / RATES[quota])
  return Math.ceil(seconds)
}

const LATENCY = 0.15
