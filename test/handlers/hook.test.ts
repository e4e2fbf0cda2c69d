import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isS3Host } from '../../src/aws-hosts.js'
import { createHookHandler, type HookEvent, type HookHandlerOptions } from '../../src/handlers/index.js'
import { assumedDefaults } from '../../src/rules/coverage.js'
import { readProjectSync } from '../../src/template/project-sync.js'
import { errorOf } from '../failure-of.js'

const read = (name: string) => readFileSync(new URL(`../../docs/examples/events/${name}`, import.meta.url), 'utf8')
const eventOf = (name: string) => JSON.parse(read(name)) as HookEvent

/** Stands where Amazon S3 is, on loopback. */
let server: Server
let origin = ''
let respond: RequestListener
beforeAll(async () => {
  server = createServer((request, response) => respond(request, response))
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => void server.close())

const asked: string[] = []
const toServer: NonNullable<HookHandlerOptions['fetch']> = (address, init) => {
  asked.push(address)
  return fetch(origin + new URL(address).pathname, init)
}

const handle = (event: unknown, options: HookHandlerOptions = {}) =>
  createHookHandler({ fetch: toServer, ...options })(event as HookEvent)

const serve = (body: string | Uint8Array, status = 200) => {
  respond = (_, response) => response.writeHead(status).end(body)
}

const served = (template: string, options?: HookHandlerOptions, event: unknown = eventOf('hook-stack.json')) => {
  serve(JSON.stringify({ template }))
  return handle(event, options)
}

const group = (id: string, precedence: string) =>
  `  ${id}: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: !Ref Pool, GroupName: ${id}, ${precedence} RoleArn: 'arn:aws:iam::111122223333:role/${id}' } }\n`
const pool = 'Resources:\n  Pool: { Type: AWS::Cognito::UserPool }\n'

describe('a stack or a change set', () => {
  test.each(['hook-stack.json', 'hook-change-set.json'])('%s: a tie stops the deployment', async name => {
    serve(read('hook-payload.json'))
    const event = eventOf(name)
    const response = await handle(event)
    expect(response).toEqual({
      hookStatus: 'FAILED',
      errorCode: 'NonCompliant',
      clientRequestToken: event.clientRequestToken,
      message: expect.stringMatching(
        /^error COG101 tie-different-roles in Admins, Staff: .*\nrolecast looked at user pools: 1, groups: 2, /s,
      ),
    })
    expect(asked.at(-1)).toBe(event.requestData.payload)
  })

  test('without findings it passes, and says what was looked at', async () => {
    const response = await served(pool + group('a', 'Precedence: 1,') + group('b', 'Precedence: 2,'))
    expect(response).toEqual({
      hookStatus: 'SUCCESS',
      clientRequestToken: eventOf('hook-stack.json').clientRequestToken,
      message:
        'rolecast looked at user pools: 1, groups: 2, role attachments: 0, trust policies: 0. Not checked: roles without a trust policy in the templates: 2.',
    })
  })

  test.each(['hello', '[]', '1', 'Resources:\n  A: [', '{"Resources": {'])(
    '%j is not a template, and not a success',
    async template => {
      expect(await served(template)).toMatchObject({ hookStatus: 'FAILED', errorCode: 'InternalFailure' })
    },
  )

  test.each([
    ['Transform: MyMacro\nResources: { A: { Type: AWS::S3::Bucket } }', 'transform `MyMacro`'],
    ['Resources: { A: { Type: Acme::Part::MODULE } }', 'resource `A`'],
    ['Resources: { A: { Type: AWS::CloudFormation::Stack, Properties: { TemplateURL: https://x/y } } }', 'stack `A`'],
  ])('what is not followed is reported: %s', async (template, what) => {
    const { hookStatus, message } = await served(template)
    expect([hookStatus, message]).toEqual(['SUCCESS', expect.stringContaining(`${what} is not followed`)])
  })

  test('what does not fail is in the message of a success: warnings, and what is not known', async () => {
    const template = pool + group('a', '') + group('b', 'Precedence: !Ref Rank,')
    const response = await served(`Parameters: { Rank: { Type: Number } }\n${template}`)
    expect(response.hookStatus).toBe('SUCCESS')
    expect(response.message).toMatch(/\nwarning COG103 .*\nnote COG190 /s)
    const strict = await served(template.replace('!Ref Rank', '3'), { failOn: 'warning' })
    expect(strict).toMatchObject({ hookStatus: 'FAILED', errorCode: 'NonCompliant' })
  })

  test('rules are chosen as in the library, and suppressions in the template count until they expire', async () => {
    const tie = pool + group('a', 'Precedence: 1,') + group('b', 'Precedence: 1,')
    expect((await served(tie, { ignore: ['COG101'] })).hookStatus).toBe('SUCCESS')
    expect((await served(tie, { failOn: 'never' })).hookStatus).toBe('SUCCESS')
    const suppressed = `# rolecast:ignore COG101 exp=2027-01-01 no user is in both\n${tie}`
    const at = async (day: string) => (await served(suppressed, { clock: () => Date.parse(day) })).hookStatus
    expect([await at('2026-12-31'), await at('2027-01-01')]).toEqual(['SUCCESS', 'FAILED'])
  })

  test('suppressed findings are in the message, with rule and reason, and cannot push the others out', async () => {
    const tie = pool + group('a', 'Precedence: 1,') + group('b', 'Precedence: 1,')
    const { hookStatus, message } = await served(`# rolecast:ignore COG101 no user is in both\n${tie}`)
    expect(hookStatus).toBe('SUCCESS')
    expect(message).toMatch(
      /^rolecast looked at .*\nThe template itself suppresses findings: 1\.\nsuppressed COG101 \(a, b\): no user is in both$/,
    )
    expect((await served(tie)).message, 'control').not.toContain('suppress')
    const long = await served(`# rolecast:ignore COG101 ${'x'.repeat(5_000)}\n${tie}${group('c', '')}`)
    expect(long.message).toMatch(/\nsuppressed COG101 \(a, b\): x+…\nwarning COG103 /)
  })

  test('where a default decides, the message names the parameter, also where nothing is found', async () => {
    const groups = pool + group('a', 'Precedence: !Ref First,') + group('b', 'Precedence: 2,')
    const withDefaults = `Parameters: { First: { Type: Number, Default: 1 }, Unused: { Type: Number, Default: 1 } }\n${groups}`
    const { hookStatus, message } = await served(withDefaults)
    expect(hookStatus).toBe('SUCCESS')
    expect(message).toMatch(
      /^rolecast looked at .*\nLooked at with default values, which the deployment may override: parameters `First`\.$/,
    )
    const plain = await served(groups.replace('!Ref First', '1'))
    expect(plain.message, 'control').not.toContain('Defaults')
    const tie = await served(withDefaults.replace('Default: 1', 'Default: 2'))
    expect(tie).toMatchObject({ hookStatus: 'FAILED', message: expect.stringContaining('parameters `First`') })
  })

  test('a default counts wherever a value has it: of roles, of a role attachment, of a membership', async () => {
    const parameters = ['Group', 'Role', 'Default', 'Mapped', 'Claim', 'User']
    const template = `Parameters:
${parameters.map(name => `  ${name}: { Type: String, Default: 'arn:aws:iam::111122223333:role/${name}' }`).join('\n')}
${pool}  Staff: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: !Ref Pool, GroupName: !Ref Group, Precedence: 1, RoleArn: !Ref Role } }
  Member: { Type: AWS::Cognito::UserPoolUserToGroupAttachment, Properties: { UserPoolId: !Ref Pool, GroupName: staff, Username: !Ref User } }
  Attachment:
    Type: AWS::Cognito::IdentityPoolRoleAttachment
    Properties:
      IdentityPoolId: eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6
      Roles: { authenticated: !Ref Default }
      RoleMappings:
        one:
          IdentityProvider: !Sub 'cognito-idp.eu-west-1.amazonaws.com/\${Pool}:client'
          Type: Rules
          AmbiguousRoleResolution: Deny
          RulesConfiguration:
            Rules: [{ Claim: !Ref Claim, MatchType: Equals, Value: x, RoleARN: !Ref Mapped }]
`
    const { infrastructures } = readProjectSync([{ path: 'template', text: template, format: 'cloudformation' }])
    expect(assumedDefaults(infrastructures).toSorted()).toEqual(parameters.toSorted())
    expect((await served(template)).message).toMatch(
      /^Looked at with default values, .*: parameters `\w+`.* and 1 more\.$/m,
    )
  })

  test('a deletion is not checked, and that is reported', async () => {
    const event = { ...eventOf('hook-stack.json'), actionInvocationPoint: 'DELETE_PRE_PROVISION' }
    const before = asked.length
    expect(await handle(event)).toMatchObject({
      hookStatus: 'SUCCESS',
      message: expect.stringContaining('not checked'),
    })
    expect(asked).toHaveLength(before)
  })

  test('a message has at most the characters that AWS shows, and says how many findings are left out', async () => {
    const many = Array.from({ length: 60 }, (_, index) => group(`g${index}`, 'Precedence: -1,')).join('')
    const ofStack = await served(pool + many)
    expect(ofStack.message.length).toBeLessThanOrEqual(4096)
    expect(ofStack.message).toMatch(/\n… and \d+ more$/)
    const ofCloudControl = await served(pool + many, {}, { ...eventOf('hook-stack.json'), stackId: null })
    expect(ofCloudControl.message.length).toBeLessThanOrEqual(1024)
  })
})

describe('what cannot be read is an internal failure, and no success', () => {
  const large = new Uint8Array(20_000_001).fill(32)

  test.each([
    [
      'a template that is none',
      JSON.stringify({ template: 'Resources: [AWS::Cognito::UserPoolGroup' }),
      /^rolecast could not look at it: .*template/,
    ],
    ['no template', JSON.stringify({ previousTemplate: pool }), /has no string `template`/],
    ['no JSON', 'Resources: {}', /is not JSON/],
    ['no UTF-8', new Uint8Array([0x7b, 0xff, 0xfe]), /is not UTF-8/],
    ['more than a template can have', large, /more than 20000000 bytes/],
  ])('%s', async (_, body, message) => {
    serve(body)
    expect(await handle(eventOf('hook-stack.json'))).toMatchObject({
      hookStatus: 'FAILED',
      errorCode: 'InternalFailure',
      message: expect.stringMatching(message),
    })
  })

  test('a rejected, a redirected and a broken download, and one that takes too long; no message has the signature', async () => {
    const event = eventOf('hook-stack.json')
    const cases: readonly (readonly [RequestListener, RegExp, HookHandlerOptions?])[] = [
      [(_, response) => response.writeHead(403).end('<Error/>'), /Amazon S3 responded with 403/],
      [(_, response) => response.writeHead(302, { location: '/other' }).end(), /cannot be downloaded from/],
      [request => request.socket.destroy(), /cannot be downloaded from `s3\.eu-west-1\.amazonaws\.com`/],
      [(_, response) => response.writeHead(200).write('{'), /did not arrive within 50 ms/, { timeout: 50 }],
    ]
    for (const [listener, message, options] of cases) {
      respond = listener
      const response = await handle(event, options)
      expect(response).toMatchObject({ hookStatus: 'FAILED', errorCode: 'InternalFailure' })
      expect(response.message).toMatch(message)
      expect(response.message).not.toMatch(/X-Amz|0123456789abcdef/)
    }
  })

  test.each([
    'http://s3.eu-west-1.amazonaws.com/a',
    'https://s3.eu-west-1.amazonaws.com:8443/a',
    'https://abcdef.execute-api.eu-west-1.amazonaws.com/a',
    'https://s3.execute-api.eu-west-1.amazonaws.com/a',
    'https://example.com/s3.amazonaws.com',
    'https://s3.amazonaws.com.example.com/a',
    'https://s3.eu-west-1.amazonaws.com@example.com/a',
    'https://169.254.169.254/latest/meta-data',
    'file:///etc/passwd',
    'nonsense',
  ])('%s is never asked', async payload => {
    const event = eventOf('hook-stack.json')
    const before = asked.length
    expect(await handle({ ...event, requestData: { ...event.requestData, payload } })).toMatchObject({
      hookStatus: 'FAILED',
      errorCode: 'InternalFailure',
    })
    expect(asked).toHaveLength(before)
  })

  test('control: hosts of Amazon S3 are', () => {
    const hosts = [
      's3.amazonaws.com',
      's3.eu-west-1.amazonaws.com',
      's3-eu-west-1.amazonaws.com',
      'bucket.s3.eu-west-1.amazonaws.com',
      'my.bucket.s3.amazonaws.com',
      'bucket.s3.dualstack.us-gov-west-1.amazonaws.com',
      'bucket.s3-fips.us-east-1.amazonaws.com',
      'bucket.s3.cn-north-1.amazonaws.com.cn',
    ]
    expect(hosts.filter(host => !isS3Host(host))).toEqual([])
  })

  test.each([
    ['nothing', undefined],
    ['another event', { Records: [] }],
    ['a stack without an address', { ...eventOf('hook-stack.json'), requestData: { targetName: 'STACK' } }],
    [
      'a target that is no type of a resource',
      { ...eventOf('hook-resource.json'), requestData: { targetName: 'stack' } },
    ],
    [
      'a resource without properties',
      { ...eventOf('hook-resource.json'), requestData: { targetName: 'AWS::Cognito::UserPoolGroup' } },
    ],
  ])('%s', async (_, event) => {
    expect(await handle(event)).toMatchObject({ hookStatus: 'FAILED', errorCode: 'InternalFailure' })
  })

  test("a fault of rolecast's own is not hidden: the function fails", async () => {
    const fault = () => Promise.resolve({ ok: true, body: [new Uint8Array([32])], status: 200 } as unknown as Response)
    const clock = () => {
      throw new Error('a fault')
    }
    serve(read('hook-payload.json'))
    await expect(handle(eventOf('hook-stack.json'), { clock })).rejects.toThrow('a fault')
    expect(await handle(eventOf('hook-stack.json'), { fetch: fault })).toMatchObject({ errorCode: 'InternalFailure' })
  })
})

describe('a resource', () => {
  test('a single group is checked, and what cannot be seen is reported', async () => {
    const response = await handle(eventOf('hook-resource.json'))
    expect(response).toMatchObject({ hookStatus: 'FAILED', errorCode: 'NonCompliant' })
    expect(response.message).toContain('-1')
    expect(response.message).toContain('it is not compared with other groups of its user pool')
  })

  test('of another type, it is reported as not looked at', async () => {
    const event = eventOf('hook-resource.json')
    const requestData = { ...event.requestData, targetName: 'AWS::S3::Bucket' }
    expect(await handle({ ...event, requestData })).toMatchObject({
      hookStatus: 'SUCCESS',
      message: 'rolecast did not look at it: `AWS::S3::Bucket` alone does not define groups.',
    })
  })
})

test('wrong options fail when the function starts', () => {
  const messages = [
    { only: ['COG999'] },
    { failOn: 'always' as 'never' },
    { timeout: 0 },
    { fetch: 'https://' as unknown as NonNullable<HookHandlerOptions['fetch']> },
    { timeOut: 1 } as HookHandlerOptions,
  ].map(options => {
    const { code, message } = errorOf(() => createHookHandler(options))
    expect(code).toBe('invalid-option')
    return message
  })
  expect(messages).toEqual([
    'unknown rule `COG999`; run `rolecast explain` to list the rules',
    'unknown `failOn` `always`; use one of note, warning, error, never',
    '`timeout` must be a positive number, not `0`; give milliseconds',
    '`fetch` must be a function, not `https://`; leave it out for the global one',
    'unknown key `timeOut` in the options; did you mean `timeout`?',
  ])
})
