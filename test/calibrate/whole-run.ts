import type { Clock } from '../../src/calibrate/index.js'
import { resourceName } from '../../src/calibrate/ledger.js'
import { type FakeAws, type FakeAwsOptions, startFakeAws } from './fake-aws.js'
import { DOCUMENTED_TRIGGER, playTrigger } from './fake-trigger.js'

/** Everything that a run can probe, but for the user in 100 groups. */
export const WHOLE = { identityPool: true, preToken: true } as const

/** A fake of all services whose clock goes on with each call, and when somebody sleeps. */
export interface TimedAws extends FakeAws {
  readonly region: string
  readonly clock: Clock
}

const START = Date.parse('2026-11-29T12:00:00Z')

/** Milliseconds that a call takes, by the clock. */
const CALL = 20

export async function startTimedAws(options: Omit<FakeAwsOptions, 'clock'> = {}): Promise<TimedAws> {
  let now = START
  const region = 'eu-west-1'
  const aws = await startFakeAws({
    semantics: 'tied-groups-agree',
    applyTrigger: playTrigger(DOCUMENTED_TRIGGER),
    // As IAM does: what was just created is not shown yet, and cannot be assumed.
    roleShownAfter: 1_000,
    roleDelay: 3_000,
    ...options,
    region,
    clock: () => now,
    fault(...call) {
      now += CALL
      return options.fault?.(...call)
    },
  })
  const clock: Clock = {
    now: () => now,
    async sleep(ms, signal) {
      signal.throwIfAborted()
      now += ms
    },
  }
  return Object.assign(aws, { region, clock })
}

/** What a call is about, by a name that is the same in every run: `CreateRole alpha`. */
export function createNaming(
  aws: () => FakeAws,
): (operation: string, input: Readonly<Record<string, unknown>>) => string {
  const pools = new Map<string, string>()
  const suffixOf = (name: unknown) => String(name).slice(resourceName('0'.repeat(16)).length + 1)
  return (operation, input) => {
    for (const { id, name } of aws().userPools.state.pools.values()) pools.set(id, suffixOf(name))
    const { UserPoolId, PoolName, RoleName, FunctionName } = input
    const name =
      UserPoolId === undefined
        ? suffixOf(PoolName ?? RoleName ?? String(FunctionName).replace(/^arn:.*:/, ''))
        : (pools.get(String(UserPoolId)) ?? 'unknown')
    return `${operation} ${name}`.trim()
  }
}

/** The kinds of what is left. */
export function kindsOf(left: readonly string[]): readonly string[] {
  return left.map(one => one.split(' ', 1)[0]!)
}
