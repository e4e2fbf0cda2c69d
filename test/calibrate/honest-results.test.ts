import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { awsHost } from '../../src/aws-hosts.js'
import { keptOf, callFailure } from '../../src/calibrate/call-failure.js'
import { createClients } from '../../src/calibrate/clients.js'
import { IDENTITY_POOL_CASES } from '../../src/calibrate/identity-pool-cases.js'
import { judgeSelection, type PredictedSelection } from '../../src/calibrate/identity-pool-result.js'
import { PRE_TOKEN_CASES } from '../../src/calibrate/pre-token-cases.js'
import { judgeTokens } from '../../src/calibrate/pre-token-result.js'
import { verdictOf } from '../../src/calibrate/result.js'
import { readCalibration } from '../../src/claims/calibration.js'
import { resolveRoles } from '../../src/claims/resolve.js'
import { calibrationCases } from '../../src/cli/calibration-cases.js'
import { calibrationText } from '../../src/report/calibration-text.js'
import { RolecastError } from '../../src/errors.js'
import { CREDENTIALS, removeFolders, runAgainst, startService } from './service.js'

afterAll(removeFolders)
afterEach(() => void vi.unstubAllEnvs())

describe('an endpoint is of AWS only on a host of the service itself', () => {
  test.each([
    ['cognito-idp.eu-west-1.amazonaws.com', 'cognito-idp'],
    ['cognito-idp-fips.us-east-1.amazonaws.com', 'cognito-idp'],
    ['cognito-idp.us-gov-west-1.api.aws', 'cognito-idp'],
    ['vpce-0a1b-c2d3.cognito-idp.eu-west-1.vpce.amazonaws.com', 'cognito-idp'],
    ['cognito-identity.cn-north-1.amazonaws.com.cn', 'cognito-identity'],
    ['iam.amazonaws.com', 'iam'],
    ['iam.us-gov.amazonaws.com', 'iam'],
    ['iam.global.api.aws', 'iam'],
    ['sts.amazonaws.com', 'sts'],
    ['sts.eusc-de-east-1.amazonaws.eu', 'sts'],
    ['lambda.eu-west-1.api.aws', 'lambda'],
  ])('%s is of %s', (host, service) => {
    expect(awsHost(host)?.service).toBe(service)
  })

  test.each([
    'abc.execute-api.eu-west-1.amazonaws.com',
    'cognito-idp.execute-api.eu-west-1.amazonaws.com',
    'sts.execute-api.amazonaws.com',
    'cognito-idp-1.eu-west-1.elb.amazonaws.com',
    'cognito-idp.s3.amazonaws.com',
    'iam.elb.amazonaws.com',
    'x.cognito-idp.eu-west-1.amazonaws.com',
    'cognito-idp.eu-west-1.amazonaws.com.example.com',
    'cognito-idp.eu-west-1.vpce.amazonaws.com',
    'amazonaws.com',
    'localhost',
    '',
  ])('%j is not', host => {
    expect(awsHost(host)).toBeUndefined()
  })

  test('the SDK finds no other default host, in any partition', async () => {
    const { CognitoIdentityProviderClient } = await import('@aws-sdk/client-cognito-identity-provider')
    const { IAMClient } = await import('@aws-sdk/client-iam')
    const regions = ['us-east-1', 'cn-north-1', 'us-gov-west-1', 'us-iso-east-1', 'us-isob-east-1', 'eusc-de-east-1']
    for (const region of regions) {
      for (const useFips of [false, true]) {
        const parameters = { Region: region, UseFIPS: useFips, UseDualStack: false }
        const pools = new CognitoIdentityProviderClient({ region }).config.endpointProvider(parameters)
        expect(awsHost(pools.url.hostname)).toEqual({ service: 'cognito-idp', region })
        const iam = new IAMClient({ region }).config.endpointProvider(parameters)
        expect(awsHost(iam.url.hostname)?.service).toBe('iam')
      }
    }
  })

  test("an endpoint that is not AWS's and that the environment names is rejected before anything is sent", async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', 'https://abc.execute-api.eu-west-1.amazonaws.com')
    const clients = createClients({
      region: 'eu-west-1',
      profile: undefined,
      credentials: CREDENTIALS,
      endpoint: undefined,
    })
    const sent = clients.send('CreateUserPool', { PoolName: 'x' }, { abortSignal: new AbortController().signal })
    await expect(sent).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining('https://abc.execute-api.eu-west-1.amazonaws.com'),
    })
  })
})

test('rows of Case 13 that contradict one another are contradicted, and named', async () => {
  await using service = await startService({
    claims: groups => {
      const atTen = groups.filter(({ precedence, roleArn }) => precedence === 10 && roleArn)
      return resolveRoles(groups, { semantics: atTen.length > 1 ? 'roles-compete' : 'tied-groups-agree' }).claims
    },
  })
  const run = await runAgainst(service)
  if (!('outcome' in run)) throw run.error
  const { result } = run.outcome
  expect(new Set(result.rows.map(({ verdict }) => verdict))).toEqual(new Set(['agrees', 'settles']))
  expect(verdictOf(result)).toBe('contradicted')
  const { endpoint: _, ...kept } = result
  expect(() => readCalibration(JSON.parse(JSON.stringify(kept)))).toThrow(/no reading/)
  const text = calibrationText(result, { color: false })
  expect(text).toMatch(/Contradict one another.*\n.*\(roleless-contender\): tied-groups-agree\n/)
  expect(text).toContain('(roleless-contender-two): roles-compete\n')
})

describe('what a trigger leaves is settled only by a reading', () => {
  const role = (name: string) => `arn:aws:iam::123456789012:role/rolecast-calibrate-${name}`
  const roles = { alpha: role('alpha'), beta: role('beta'), gamma: role('gamma') }
  const first = { 'cognito:groups': ['rolecast-first'], 'cognito:roles': [roles.alpha] }
  const judge = (id: string, idToken: object, accessToken: object) =>
    judgeTokens(
      PRE_TOKEN_CASES.find(one => one.id === id)!,
      'V2_0',
      { idToken: { rolecast_case: id, ...idToken }, accessToken: { ...accessToken } },
      roles,
    )

  test.each<[string, string, unknown, string | undefined]>([
    ['the value that is added', 'add-preferred', roles.gamma, 'takes-value'],
    ['as without the trigger', 'add-preferred', roles.alpha, 'unchanged'],
    ['absent', 'add-preferred', undefined, 'absent'],
    ['a role that nothing sent', 'add-preferred', role('nobody'), undefined],
    ['another kind', 'add-preferred', { a: 1 }, undefined],
  ])('%s', (_, id, preferred, reading) => {
    const groups = { 'cognito:groups': ['rolecast-first'] }
    const found = judge(
      id,
      { ...first, ...(preferred !== undefined && { 'cognito:preferred_role': preferred }) },
      groups,
    )
    const claim = found.claims.find(one => one.token === 'id' && one.claim === 'cognito:preferred_role')!
    expect(claim.verdict).toBe(reading === undefined ? 'contradicts' : 'settles')
    expect(claim.reading).toBe(reading)
    expect(found.verdict).toBe(reading === undefined ? 'contradicts' : 'settles')
  })

  test('unexpected roles contradict a forecast without evidence', () => {
    const found = judge(
      'groups-only',
      { 'cognito:groups': ['rolecast-other'], 'cognito:roles': [role('nobody')] },
      { 'cognito:groups': ['rolecast-other'] },
    )
    expect(found.claims.find(one => one.claim === 'cognito:roles' && one.token === 'id')!.verdict).toBe('contradicts')
  })

  test('and so does an unexpected role in an access token', () => {
    const idToken = { ...first, 'cognito:preferred_role': roles.alpha }
    const access = { 'cognito:groups': ['rolecast-first'], 'cognito:preferred_role': role('nobody') }
    expect(judge('add-access-role', idToken, access).verdict).toBe('contradicts')
  })
})

describe("the caller's identity is in nothing that is stored", () => {
  const WHO = 'arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0a1b/alice@example.com'
  const denial = (operation: string) =>
    `User: ${WHO} is not authorized to perform: cognito-idp:${operation} on resource: arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_x because no identity-based policy allows it`

  test('a result and the events have the operation and the code, and no principal', async () => {
    await using service = await startService({
      semantics: 'roles-compete',
      intercept: operation =>
        operation === 'AdminListGroupsForUser' || operation === 'UpdateGroup'
          ? { error: 'AccessDeniedException', message: denial(operation) }
          : undefined,
    })
    const run = await runAgainst(service)
    if (!('outcome' in run)) throw run.error
    const { order, delays } = run.outcome.result
    const allowed = (operation: string) => ({
      outcome: 'not-measured',
      why: expect.stringMatching(new RegExp(`^${operation} was not allowed.* \\[not-authorized\\]$`)),
    })
    expect(order).toEqual(allowed('AdminListGroupsForUser'))
    expect(delays.map(({ delay }) => delay)).toContainEqual(allowed('UpdateGroup'))
    expect(JSON.stringify(run.outcome)).not.toMatch(/alice|AWSReservedSSO|123456789012/)
    const told = run.events.flatMap(event => (event.event === 'failed' ? [event.error.message] : []))
    expect(told.join('\n')).toContain('is not authorized to perform: cognito-idp:UpdateGroup')
    expect(told.join('\n')).not.toMatch(/alice|AWSReservedSSO|123456789012/)
  })

  test.each([
    [denial('X'), 'User: arn:aws:sts::************:assumed-role/… is not authorized to perform'],
    ['User: arn:aws:iam::123456789012:user/team/alice is not', 'User: arn:aws:iam::************:user/… is not'],
    ['by AROAEXAMPLEEXAMPLE12:alice@example.com now', 'by … now'],
    ['on arn:aws:iam::123456789012:role/rolecast-calibrate-alpha', 'role/rolecast-calibrate-alpha'],
  ])('of %j the message has %j', (message, kept) => {
    const cause = Object.assign(new Error(message), { name: 'AccessDeniedException' })
    const error = callFailure('CreateGroup', cause, { endpoint: undefined })
    expect(error.message).toContain(kept)
    const all = `${error.message} ${error.stack} ${(error.cause as Error).message} ${(error.cause as Error).stack}`
    expect(all).not.toMatch(/alice|123456789012/)
    // Of AWS's text, nothing is kept.
    expect(keptOf(error)).toBe(
      'CreateGroup was not allowed; allow `cognito-idp:CreateGroup` and `iam:PassRole`, and check that the credentials are current [not-authorized]',
    )
  })

  test('a failure that is not of a call keeps its words, masked', () => {
    expect(keptOf(new RolecastError('malformed-response', `no token of ${WHO}`))).toBe(
      'no token of arn:aws:sts::************:assumed-role/…',
    )
  })

  test('nor is the account of a claim of another kind', async () => {
    await using service = await startService({
      claims: groups => ({
        'cognito:groups': groups.map(({ groupName }) => groupName),
        'cognito:roles': 'arn:aws:iam::123456789012:role/x' as unknown as string[],
      }),
    })
    const run = await runAgainst(service)
    if (!('outcome' in run)) throw run.error
    expect(run.outcome.result.rows.some(({ why }) => why?.includes('role/x'))).toBe(true)
    expect(JSON.stringify(run.outcome.result)).not.toContain('123456789012')
  })
})

describe('a configuration that SetIdentityPoolRoles rejects', () => {
  const one = IDENTITY_POOL_CASES[0]!
  const token = { 'cognito:groups': null, 'cognito:roles': null, 'cognito:preferred_role': null }
  const rejected = { outcome: 'configuration-rejected', error: 'InvalidParameterException' } as const
  const certain: PredictedSelection = {
    outcome: 'role',
    role: 'Alpha',
    rule: 'no-mapping',
    evidence: 'documented',
  }
  const open: PredictedSelection = {
    outcome: 'undetermined',
    candidates: [
      { outcome: 'role', role: 'Alpha', rule: 'no-mapping' },
      { outcome: 'denied', rule: 'no-mapping' },
    ],
    rule: 'no-mapping',
    evidence: 'unknown',
  }

  test('shows nothing of a certain prediction: neither agreeing nor contradicting', () => {
    const found = judgeSelection(one, { predicted: certain, token }, rejected)
    expect(found.verdict).toBe('none')
    const result = { rows: [], readings: [{ semantics: 'observed', contradictedBy: [] }], identityPool: [found] }
    expect(verdictOf(result as unknown as Parameters<typeof verdictOf>[0])).toBe('incomplete')
    const [table] = calibrationCases({ identityPool: [found] })
    expect(table!.cases[0]!.real).toBe(
      'configuration-rejected (InvalidParameterException): nothing that was predicted was seen',
    )
  })

  test('settles an undetermined one, and a result contradicts a certain one', () => {
    expect(judgeSelection(one, { predicted: open, token }, rejected).verdict).toBe('settles')
    expect(judgeSelection(one, { predicted: certain, token }, { outcome: 'role', role: 'Beta' }).verdict).toBe(
      'contradicts',
    )
  })
})
