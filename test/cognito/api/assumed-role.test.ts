import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { assumedRole, checkRoleToAssume, getCaller } from '../../../src/cognito/api/assumed-role.js'
import { type AccountEndpoint, startAccountEndpoint } from '../account-endpoint.js'
import { failureOf } from '../../failure-of.js'
import { CREDENTIALS, SECRET, stubAws } from '../../cli/command.js'

const [HUB, MEMBER] = ['111122223333', '444455556666']
const roleArn = `arn:aws:iam::${MEMBER}:role/Audit`
const region = 'eu-west-1'
const never = new AbortController().signal

beforeEach(() => stubAws(CREDENTIALS))
afterEach(() => void vi.unstubAllEnvs())

let endpoint: AccountEndpoint
beforeEach(async () => {
  endpoint = await startAccountEndpoint({
    accounts: { [HUB]: { [region]: {} }, [MEMBER]: { [region]: {} } },
    keys: { [CREDENTIALS.AWS_ACCESS_KEY_ID]: HUB },
    roles: { [roleArn]: { from: HUB } },
    sessionSeconds: 900,
  })
})
afterEach(() => endpoint[Symbol.asyncDispose]())

const access = () => ({ region, endpoint: endpoint.url })
const assumptions = () => endpoint.requests.filter(({ operation }) => operation === 'AssumeRole').length

describe('credentials of a role', () => {
  test('are of its account', async () => {
    const credentials = assumedRole({ roleArn, sessionName: 'test' }, access(), { signal: never })
    expect(await getCaller({ ...access(), credentials }, never)).toMatchObject({ account: MEMBER })
    expect(await getCaller(access(), never)).toMatchObject({ account: HUB })
  })

  test('are shared by all who ask, and renewed before they expire', async () => {
    let now = Date.now()
    const credentials = assumedRole({ roleArn, sessionName: 'test' }, access(), { signal: never, now: () => now })
    const all = await Promise.all([credentials(), credentials(), credentials()])
    expect(new Set(all.map(({ accessKeyId }) => accessKeyId)).size).toBe(1)
    expect(assumptions()).toBe(1)
    now += 500_000
    expect((await credentials()).accessKeyId).toBe(all[0]!.accessKeyId)
    now += 100_000
    const [next, same] = await Promise.all([credentials(), credentials()])
    expect(next).toBe(same)
    expect(next!.accessKeyId).not.toBe(all[0]!.accessKeyId)
    expect(assumptions()).toBe(2)
  })

  test('that cannot be had fail with the reason, and are asked for again the next time', async () => {
    const credentials = assumedRole({ roleArn, sessionName: 'test' }, access(), { signal: never })
    const mend = endpoint.fail({ operation: 'AssumeRole', error: 'AccessDenied', message: 'not authorized' })
    const error = await failureOf(credentials)
    expect(error).toMatchObject({ code: 'no-credentials', message: expect.stringContaining(`\`${roleArn}\``) })
    expect(JSON.stringify(error) + String(error.stack)).not.toContain(SECRET)
    mend()
    expect(await credentials()).toMatchObject({ secretAccessKey: 'secret' })
  })
})

describe('a role to assume', () => {
  test.each([roleArn, `arn:aws-us-gov:iam::${MEMBER}:role/path/Audit`])('%s is one', arn => {
    checkRoleToAssume({ roleArn: arn, externalId: 'a:b/c-1' })
  })

  test.each(['', 'Audit', `arn:aws:iam::${MEMBER}:user/Audit`, `arn:aws:iam::*:role/Audit`, `${roleArn}\n`])(
    '%j is none',
    async arn => {
      expect(await failureOf(async () => checkRoleToAssume({ roleArn: arn }))).toMatchObject({ code: 'invalid-option' })
    },
  )

  test.each(['', 'x', 'a b', 'x'.repeat(1_225)])('the external id %j is not told in the message', async externalId => {
    const error = await failureOf(async () => checkRoleToAssume({ roleArn, externalId }))
    expect(error.code).toBe('invalid-option')
    if (externalId.length > 1) expect(error.message).not.toContain(externalId)
  })
})
