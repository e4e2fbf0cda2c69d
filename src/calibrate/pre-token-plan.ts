import { isAsked, PRE_TOKEN_CASES, TRIGGER_POOLS, type TriggerPool } from './pre-token-cases.js'
import { ATTEMPTS, MAX_FUNCTION_WAIT } from './pre-token-probes.js'
import { asks, MAX_ROLE_WAIT } from './waits.js'
import { type Count, type PlannedStep, step, users } from './planned-step.js'

/** What `--pre-token` does. */
export function preTokenSteps(): readonly PlannedStep[] {
  return [
    step('a function and its role', [
      ['CreateRole', 1],
      ['CreateFunction', 1, asks(MAX_ROLE_WAIT)],
      ['GetFunction', 1, asks(MAX_FUNCTION_WAIT)],
    ]),
    ...TRIGGER_POOLS.map(poolStep),
  ]
}

/** The deletions at its end. */
export const PRE_TOKEN_DELETION: readonly Count[] = [
  ['DescribeUserPool', 2 * TRIGGER_POOLS.length],
  ['DeleteUserPool', TRIGGER_POOLS.length],
  ['GetFunction', 2],
  ['DeleteFunction', 1],
  ['GetRole', 2],
  ['DeleteRole', 1],
]

/** Users who sign in to a pool. */
export function usersOf({ version }: Pick<TriggerPool, 'version'>): number {
  return PRE_TOKEN_CASES.filter(one => isAsked(one, version)).length
}

export function preTokenCreates(): readonly string[] {
  return [
    '1 Lambda function, and 1 role without permissions for it',
    ...TRIGGER_POOLS.map(
      pool =>
        `1 user pool of the ${pool.tier === 'LITE' ? 'Lite' : 'Essentials'} tier whose pre token generation trigger ${pool.version} is the function, with 1 app client, 1 group and ${usersOf(pool)} users`,
    ),
  ]
}

/** In sentences. */
export function preTokenCosts(): readonly string[] {
  return [
    `for the trigger, ${usersIn('LITE')} more monthly active users of the Lite tier and ${usersIn('ESSENTIALS')} of the Essentials tier: free within the free tiers of the account, and less than 1 US dollar in total beyond them`,
    'a few hundred invocations of a Lambda function with 128 MB: less than 0.01 US dollars',
  ]
}

function usersIn(tier: TriggerPool['tier']): number {
  return TRIGGER_POOLS.filter(pool => pool.tier === tier).reduce((all, pool) => all + usersOf(pool), 0)
}

function poolStep(pool: TriggerPool): PlannedStep {
  const count = usersOf(pool)
  return step(`tokens with the trigger ${pool.version}`, [
    ['CreateUserPool', 1],
    ['CreateUserPoolClient', 1],
    ['AddPermission', 1],
    ['CreateGroup', 1],
    ...users(count),
    ['AdminAddUserToGroup', count],
    // The first one shows that the pool calls the function.
    ['AdminInitiateAuth', 1 + count, asks(MAX_FUNCTION_WAIT) + count * ATTEMPTS],
  ])
}
