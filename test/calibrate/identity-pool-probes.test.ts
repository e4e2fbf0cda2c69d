import { describe, expect, it, test } from 'vitest'
import {
  IDENTITY_POOL_CASES,
  IDENTITY_USERS,
  identityGroups,
  ROLE_NAMES,
} from '../../src/calibrate/identity-pool-cases.js'
import { probeIdentityPool, trustPolicyIn } from '../../src/calibrate/identity-pool-probes.js'
import {
  type IdentityPoolResult,
  PLACEHOLDERS,
  possibleRoles,
  predictSelection,
} from '../../src/calibrate/identity-pool-result.js'
import { resolveRoles } from '../../src/claims/resolve.js'
import { trustsIdentityPool } from '../../src/credentials/trust-policy.js'
import { failureOf } from '../failure-of.js'
import { ACCOUNT, DOCUMENTED_IDENTITY, type FakeAwsOptions, OPPOSITE_IDENTITY } from './fake-aws.js'
import { startFakeRun } from './fake-run.js'

type Results = ReadonlyMap<string, IdentityPoolResult>

async function probe(options: Omit<FakeAwsOptions, 'clock'> = {}): Promise<Results> {
  await using fake = await startFakeRun(options)
  const results = await probeIdentityPool(fake.run, await fake.createPool())
  expect(await fake.cleanUp()).toEqual([])
  expect(fake.aws.left()).toEqual([])
  expect(results.map(({ id }) => id)).toEqual(IDENTITY_POOL_CASES.map(({ id }) => id))
  return new Map(results.map(result => [result.id, result]))
}

const idsOf = (results: Results, verdict: IdentityPoolResult['verdict']) =>
  [...results.values()].filter(result => result.verdict === verdict).map(({ id }) => id)

/** What was found of a case, in one text. */
function found(results: Results, id: string): string {
  const { verdict, real, reading } = results.get(id)!
  const what = 'role' in real ? real.role : 'error' in real ? `${real.outcome} ${real.error}` : real.outcome
  return `${verdict}: ${what}${reading === undefined ? '' : ` by ${reading.rule}`}`
}

function whyOf(results: Results, id: string): string | undefined {
  const { real } = results.get(id)!
  return 'why' in real ? real.why : undefined
}

const OPEN = [
  'no-mapping-custom-in',
  'no-mapping-custom-out',
  'rules-custom-out',
  'rules-custom-elsewhere',
  'contains-inside',
  'equals-only',
  'equals-one-of-two',
  'starts-with',
  'not-equal-other',
  'not-equal-same',
  'unset-token',
  'unset-rules',
]

describe('a pool that does what is documented', () => {
  it('agrees in what is known, and settles what is not', async () => {
    const results = await probe({ truth: DOCUMENTED_IDENTITY })
    expect(idsOf(results, 'settles')).toEqual(OPEN)
    expect(idsOf(results, 'contradicts')).toEqual([])
    expect(idsOf(results, 'none')).toEqual([])
    expect(OPEN.map(id => `${id} ${found(results, id)}`)).toEqual([
      'no-mapping-custom-in settles: Gamma by no-mapping',
      'no-mapping-custom-out settles: Gamma by no-mapping',
      'rules-custom-out settles: denied InvalidParameterException by custom-role-not-allowed',
      'rules-custom-elsewhere settles: denied InvalidParameterException by custom-role-not-allowed',
      'contains-inside settles: Gamma by ambiguous-authenticated',
      'equals-only settles: Gamma by ambiguous-authenticated',
      'equals-one-of-two settles: Gamma by ambiguous-authenticated',
      'starts-with settles: Gamma by ambiguous-authenticated',
      'not-equal-other settles: Gamma by ambiguous-authenticated',
      'not-equal-same settles: Gamma by ambiguous-authenticated',
      'unset-token settles: configuration-rejected InvalidParameterException',
      'unset-rules settles: configuration-rejected InvalidParameterException',
    ])
    expect(found(results, 'single-deny')).toBe('agrees: Alpha')
    expect(found(results, 'double-deny')).toBe('agrees: denied NotAuthorizedException')
    expect(found(results, 'no-authenticated-role')).toBe('agrees: denied InvalidIdentityPoolConfigurationException')
    expect(results.get('custom-in')!.token).toEqual({
      'cognito:groups': expect.arrayContaining(['alpha-first', 'beta-second']),
      'cognito:roles': expect.arrayContaining([PLACEHOLDERS.Alpha, PLACEHOLDERS.Beta]),
      'cognito:preferred_role': PLACEHOLDERS.Alpha,
    })
  })
})

describe('a pool that does the opposite', () => {
  it('of what is not known settles it the other way', async () => {
    const results = await probe({ truth: OPPOSITE_IDENTITY })
    expect(idsOf(results, 'settles')).toEqual(OPEN)
    expect(idsOf(results, 'contradicts')).toEqual([])
    expect(OPEN.map(id => `${id} ${found(results, id)}`)).toEqual([
      'no-mapping-custom-in settles: Alpha by custom-role',
      'no-mapping-custom-out settles: denied NotAuthorizedException by custom-role-not-allowed',
      'rules-custom-out settles: Beta by custom-role',
      'rules-custom-elsewhere settles: Beta by mapping-rule',
      'contains-inside settles: Beta by mapping-rule',
      'equals-only settles: Beta by mapping-rule',
      'equals-one-of-two settles: Beta by mapping-rule',
      'starts-with settles: Beta by mapping-rule',
      'not-equal-other settles: Beta by mapping-rule',
      'not-equal-same settles: Gamma by ambiguous-authenticated',
      'unset-token settles: denied NotAuthorizedException by ambiguous-denied',
      'unset-rules settles: denied NotAuthorizedException by ambiguous-denied',
    ])
  })

  it('of what is documented contradicts it, case by case', async () => {
    const results = await probe({ truth: { single: 'fallback', rulesCustomIn: 'role', customOut: 'fallback' } })
    expect(idsOf(results, 'contradicts').map(id => `${id} ${found(results, id)}`)).toEqual([
      'single-deny contradicts: denied NotAuthorizedException',
      'single-authenticated contradicts: Gamma',
      'custom-out contradicts: Gamma',
      'custom-authenticated contradicts: Gamma',
      'rules-custom-in contradicts: Alpha',
    ])
  })
})

describe('what takes time', () => {
  it('settings that are returned early and take effect late change no result', async () => {
    const [late, prompt] = [await probe({ settingsDelay: 9_000, readDelay: 5_000 }), await probe()]
    expect([...late.values()].map(one => [one.id, one.real])).toEqual(
      [...prompt.values()].map(one => [one.id, one.real]),
    )
  })

  it('settings that never reach them settle nothing', async () => {
    const results = await probe({ settingsDelay: 600_000 })
    expect(idsOf(results, 'none')).toEqual(IDENTITY_POOL_CASES.map(({ id }) => id))
    expect(whyOf(results, 'no-mapping-custom-in')).toBe(
      'not probed, because the settings of an earlier case may still take effect',
    )
  })

  it('settings that take effect after the limit do not count as the result of a later case', async () => {
    const results = await probe({ settingsDelay: 45_000 })
    expect(idsOf(results, 'contradicts')).toEqual([])
    expect(idsOf(results, 'none').length).toBeGreaterThan(0)
  })

  it('a role that cannot be assumed for 40 seconds is waited for', async () => {
    const results = await probe({ roleDelay: 40_000, roleShownAfter: 3_000 })
    expect(idsOf(results, 'none')).toEqual([])
    expect(idsOf(results, 'contradicts')).toEqual([])
  })

  it('roles that cannot be assumed at all make no denials', async () => {
    const results = await probe({ roleDelay: 86_400_000 })
    expect(idsOf(results, 'none')).toEqual(IDENTITY_POOL_CASES.map(({ id }) => id))
    expect(whyOf(results, 'no-mapping')).toBe(
      'InvalidIdentityPoolConfigurationException for 60 s, which is longer than IAM takes to make a new role assumable',
    )
  })
})

describe('what cannot be asked', () => {
  it('an endpoint without identity pools is reported in every case, and nothing agrees', async () => {
    const results = await probe({
      fault: operation => (operation === 'CreateIdentityPool' ? { error: 'UnknownOperationException' } : undefined),
    })
    expect(new Set([...results.values()].map(({ real, verdict }) => `${real.outcome} ${verdict}`))).toEqual(
      new Set(['not-supported none']),
    )
  })

  it('one call that fails leaves one case open', async () => {
    let failed = false
    const results = await probe({
      fault: operation => {
        if (operation !== 'SetIdentityPoolRoles' || failed) return undefined
        failed = true
        return { error: 'AccessDeniedException', message: `${ACCOUNT} may not` }
      },
    })
    expect(idsOf(results, 'none')).toEqual(['no-mapping'])
    expect(JSON.stringify(results.get('no-mapping'))).not.toContain(ACCOUNT)
  })
})

describe('settings that are rejected', () => {
  const REJECTED = { error: 'InvalidParameterException', message: 'No' }
  const isRules = (input: Readonly<Record<string, unknown>>) =>
    JSON.stringify(input['RoleMappings']).includes('Contains')

  it('once are set again, and change no result', async () => {
    let isAgain = false
    const results = await probe({
      fault(operation) {
        if (operation !== 'SetIdentityPoolRoles') return undefined
        isAgain = !isAgain
        return isAgain ? REJECTED : undefined
      },
    })
    const undisturbed = await probe()
    expect([...results.values()].map(one => [one.id, one.real])).toEqual(
      [...undisturbed.values()].map(one => [one.id, one.real]),
    )
  })

  it('twice are settings that no pool can have', async () => {
    const results = await probe({
      fault: (operation, _, input) => (operation === 'SetIdentityPoolRoles' && isRules(input) ? REJECTED : undefined),
    })
    expect(results.get('contains-inside')!.real).toEqual({
      outcome: 'configuration-rejected',
      error: 'InvalidParameterException',
    })
    expect(results.get('preferred')!.verdict).toBe('agrees')
  })
})

describe('no secret is shown', () => {
  it('neither credentials, nor tokens, nor the account', async () => {
    await using fake = await startFakeRun()
    const results = await probeIdentityPool(fake.run, await fake.createPool())
    const said = JSON.stringify([results, fake.events, fake.run.ledger.left()])
    expect(fake.aws.secrets.length).toBeGreaterThan(100)
    expect(fake.aws.secrets.filter(secret => said.includes(secret))).toEqual([])
    expect(said).not.toMatch(/eyJ/)
    expect(said).not.toContain(ACCOUNT)
    // Control: they are there to be seen.
    expect(JSON.stringify(fake.aws.inputs)).toMatch(/eyJ/)
    await fake.cleanUp()
  })
})

describe('the cases', () => {
  const groups = identityGroups(PLACEHOLDERS)
  const claimsOf = (user: keyof typeof IDENTITY_USERS) => ({
    ...resolveRoles(groups.filter(({ groupName }) => (IDENTITY_USERS[user] as readonly string[]).includes(groupName)))
      .claims,
  })

  test.each(IDENTITY_POOL_CASES)('$id leaves a role to mark the settings before', one => {
    const { customRole: _, ...plain } = one
    const roles = new Set(
      [one, plain].flatMap(some => [...possibleRoles(predictSelection(some, claimsOf(one.user), PLACEHOLDERS))]),
    )
    expect(ROLE_NAMES.filter(name => !roles.has(name))).not.toEqual([])
  })

  it('have different ids', () => {
    expect(new Set(IDENTITY_POOL_CASES.map(({ id }) => id)).size).toBe(IDENTITY_POOL_CASES.length)
  })
})

describe('the trust policy', () => {
  test.each(['eu-west-1', 'us-gov-west-1', 'us-gov-east-1'])('lets signed-in users of the pool in, in %s', region => {
    const id = `${region}:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6`
    const trust = trustsIdentityPool(trustPolicyIn(region, id), id)
    expect(trust).toMatchObject({ trusted: true, anyPool: false, guests: false })
  })

  it('is not made up where its names are not public', async () => {
    const error = await failureOf(async () => trustPolicyIn('us-iso-east-1', 'x'))
    expect(error).toMatchObject({ code: 'invalid-option' })
  })
})
