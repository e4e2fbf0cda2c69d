import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, describe, expect, it, test } from 'vitest'
import schema from '../../docs/schemas/calibration.schema.json' with { type: 'json' }
import { calibrate, planCalibration, verdictOf } from '../../src/calibrate/index.js'
import { startFakeAws } from './fake-aws.js'
import { DOCUMENTED_TRIGGER, playTrigger } from './fake-trigger.js'

const validate = new Ajv2020({ allowUnionTypes: true }).compile(schema)

const folder = mkdtempSync(join(tmpdir(), 'rolecast-plan-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The first reading of each thing that is undetermined, by which the plan counts. */
const FIRST_READINGS = { arrays: 'any', rulesCustomOut: 'role', unset: 'AuthenticatedRole' } as const

function counted(calls: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const call of calls) counts[call] = (counts[call] ?? 0) + 1
  return counts
}

describe('the plan of a run with identity pool and trigger', () => {
  it('has the very calls that AWS gets', async () => {
    let now = Date.parse('2026-11-29T12:00:00Z')
    await using aws = await startFakeAws({
      clock: () => now,
      truth: FIRST_READINGS,
      applyTrigger: playTrigger(DOCUMENTED_TRIGGER),
      semantics: 'roles-compete',
    })
    const { result, leftBehind } = await calibrate({
      region: 'eu-west-1',
      endpoint: aws.url,
      credentials: { accessKeyId: 'AKIATESTER', secretAccessKey: 'secret' },
      identityPool: true,
      preToken: true,
      ledger: join(folder, 'ledger'),
      clock: {
        now: () => now,
        sleep: async (ms, signal) => {
          signal.throwIfAborted()
          now += ms
        },
      },
    })
    expect(leftBehind).toEqual([])
    expect(aws.left()).toEqual([])
    expect(verdictOf(result)).toBe('agrees')
    const printed = JSON.parse(JSON.stringify({ ...result, tool: { name: 'rolecast', version: '0.0.0' } })) as object
    expect(validate(printed), JSON.stringify(validate.errors)).toBe(true)
    // Control.
    expect(validate({ ...printed, preToken: [{}] })).toBe(false)
    const { calls } = planCalibration({ identityPool: true, preToken: true, endpoint: aws.url })
    expect(counted(aws.calls)).toEqual(Object.fromEntries(calls.map(({ operation, count }) => [operation, count])))
  })

  test('names the permissions, and not those of calls that need none', () => {
    const { permissions, creates, costs } = planCalibration({ identityPool: true, preToken: true })
    const actions = permissions.map(({ action }) => action)
    expect(new Set(actions).size).toBe(actions.length)
    expect(actions).toEqual(
      expect.arrayContaining([
        'cognito-identity:CreateIdentityPool',
        'cognito-identity:ListIdentityPools',
        'cognito-identity:SetIdentityPoolRoles',
        'iam:CreateRole',
        'iam:PassRole',
        'iam:TagRole',
        'lambda:AddPermission',
        'lambda:CreateFunction',
        'lambda:ListTags',
      ]),
    )
    expect(actions.filter(action => /GetCallerIdentity|GetCredentials|GetId$/.test(action))).toEqual([])
    expect(creates).toHaveLength(6)
    expect(costs).toHaveLength(4)
  })

  test('calls no other services without the options', () => {
    const services = planCalibration().permissions.map(({ action }) => action.split(':')[0])
    expect(new Set(services)).toEqual(new Set(['cognito-idp', 'iam']))
  })
})
