import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import manifest from '../../../package.json' with { type: 'json' }
import { createClients } from '../../../src/calibrate/clients.js'
import { createAccountApi } from '../../../src/cognito/api/account-api.js'
import { assumedRole, getCaller } from '../../../src/cognito/api/assumed-role.js'
import { profileNames } from '../../../src/cognito/api/aws-profile.js'
import { clientConfigOf, defaultRegion } from '../../../src/cognito/api/client-config.js'
import { createIamApi } from '../../../src/cognito/api/iam-api.js'
import { getIdentityPoolRoles } from '../../../src/cognito/api/identity-pool-api.js'
import { createLightClient } from '../../../src/cognito/api/light-client.js'
import { createUserPoolLimits } from '../../../src/cognito/api/user-pool-call.js'
import { createGroupSource } from '../../../src/cognito/groups/group-source.js'
import { VERSION } from '../../../src/version.js'
import { stubAws } from '../../cli/command.js'
import { failureOf } from '../../failure-of.js'
import { respond, type ScriptedServer, startScriptedServer } from './scripted-server.js'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const identityPoolId = 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6'
const signal = new AbortController().signal
const KEYS = { AWS_ACCESS_KEY_ID: 'AKIAENVIRONMENT', AWS_SECRET_ACCESS_KEY: 'secret' }

let server: ScriptedServer
let folder: string
beforeAll(async () => {
  server = await startScriptedServer(respond(400, { __type: 'InvalidParameterException', message: 'no' }))
  folder = mkdtempSync(join(tmpdir(), 'rolecast-config-'))
  writeFileSync(
    join(folder, 'config'),
    [
      '[profile work]\nregion = ap-southeast-2',
      '[profile "in-quotes"] # of the command line\nregion = ap-southeast-2',
      '[plain]\nregion = ap-southeast-2',
      '[profile "with space"]\nregion = ap-southeast-2',
      '[profile empty]',
      '[sso-session corporate]\nsso_region = ap-southeast-2',
      '[default]\nregion = sa-east-1\n',
    ].join('\n'),
  )
  writeFileSync(
    join(folder, 'credentials'),
    [
      '[work]\naws_access_key_id = AKIAWORK\naws_secret_access_key = secret',
      '[only-here]\nregion = eu-west-1',
      '[profile prefixed]\naws_access_key_id = AKIAPREFIXED\naws_secret_access_key = secret\n',
    ].join('\n'),
  )
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})
const files = () => ({
  AWS_CONFIG_FILE: join(folder, 'config'),
  AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
})
beforeEach(() => {
  server.requests.length = 0
  stubAws({ ...KEYS, ...files(), AWS_ENDPOINT_URL: server.url })
})
afterEach(() => {
  vi.unstubAllEnvs()
})

const access = () => ({ region: 'eu-west-1', endpoint: server.url })
const CALLS: Readonly<Record<string, (more: { profile?: string }) => Promise<unknown>>> = {
  'groups of a user pool': async more => createGroupSource({ userPoolId, endpoint: server.url, ...more })('admins'),
  'an identity pool': more => getIdentityPoolRoles({ identityPoolId, endpoint: server.url, ...more }),
  'an account': more =>
    createAccountApi({ ...access(), ...more, limits: createUserPoolLimits({}), retryDelay: 1 }).listUserPools(signal),
  'the identity pools of an account': more =>
    createAccountApi({ ...access(), ...more, limits: createUserPoolLimits({}), retryDelay: 1 }).listIdentityPools(
      signal,
    ),
  'who calls': more => getCaller({ ...access(), ...more }, signal),
  'a role that is assumed': more =>
    assumedRole(
      { roleArn: 'arn:aws:iam::111122223333:role/A', sessionName: 'rolecast' },
      { ...access(), ...more },
      { signal },
    )(),
  'roles of IAM': more => createIamApi({ region: 'us-east-1', ...more }).readRole('A', { withPolicies: false, signal }),
  'a calibration': more =>
    createClients({ region: 'eu-west-1', endpoint: server.url, ...more }).send(
      'DescribeUserPool',
      { UserPoolId: userPoolId },
      { abortSignal: signal },
    ),
  'the light client': more =>
    createLightClient({ endpoint: server.url, ...more }).getGroup({ UserPoolId: userPoolId, GroupName: 'a' }),
}

describe('the user agent, which CloudTrail records', () => {
  test.each(Object.entries(CALLS))('names rolecast and its version: %s', async (_what, call) => {
    await call({}).catch(() => undefined)
    expect(server.requests.length).toBeGreaterThan(0)
    for (const { headers } of server.requests)
      expect(headers['user-agent']?.split(' ')).toContain(`rolecast/${manifest.version}`)
  })

  test('of a client that the caller gives is as the caller made it', async () => {
    const { CognitoIdentityProviderClient } = await import('@aws-sdk/client-cognito-identity-provider')
    const client = new CognitoIdentityProviderClient({ region: 'eu-west-1', endpoint: server.url, maxAttempts: 1 })
    await failureOf(() => createGroupSource({ userPoolId, client })('admins'))
    expect(server.requests[0]!.headers['user-agent']).toMatch(/aws-sdk-js/)
    expect(server.requests[0]!.headers['user-agent']).not.toContain('rolecast')
  })

  test('has the version of package.json', () => {
    expect(VERSION).toBe(manifest.version)
  })
})

describe('a profile', () => {
  const named = (profile: string, next: string) => ({
    code: 'no-credentials',
    value: profile,
    retryable: false,
    message: `the AWS profile \`${profile}\` is in neither \`${join(folder, 'config')}\` nor \`${join(folder, 'credentials')}\`; ${next}`,
  })

  test.each(Object.entries(CALLS))('that does not exist is named, and nothing is sent: %s', async (_what, call) => {
    // The SDK would ask the metadata service of the machine for other credentials.
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined)
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', undefined)
    vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', server.url)
    expect(await failureOf(() => call({ profile: 'production' }))).toMatchObject(
      named('production', 'check the name, or list the profiles with `aws configure list-profiles`'),
    )
    expect(server.requests).toEqual([])
  })

  test('control: one that exists is used', async () => {
    await CALLS['who calls']!({ profile: 'work' }).catch(() => undefined)
    expect(server.requests[0]!.headers.authorization).toContain('AKIAWORK')
  })

  test('that is misspelt is asked about', async () => {
    expect(await failureOf(() => clientConfigOf({ profile: 'worc' }))).toMatchObject(
      named('worc', 'did you mean `work`? `aws configure list-profiles` lists them'),
    )
  })

  test.each(['work', 'in-quotes', 'only-here', 'default'])('that a file has is none of it: %s', async profile => {
    expect(await clientConfigOf({ profile })).toMatchObject({ profile })
  })

  test.each(['plain', 'with space', 'empty', 'prefixed'])(
    'that is written in a form that the SDK skips is rejected, with the right form: %s',
    async profile => {
      expect(await failureOf(() => clientConfigOf({ profile }))).toMatchObject({
        code: 'no-credentials',
        message: expect.stringMatching(
          /^the AWS profile .* in a form that the AWS SDK reads; write `\[profile NAME\]` in the first .* without a space/,
        ),
      })
      // Control: with what the SDK itself reads of these files, it has nothing of this profile.
      const { loadSharedConfigFiles } = await import('@smithy/core/config')
      const { configFile, credentialsFile } = await loadSharedConfigFiles({ ignoreCache: true })
      expect([configFile[profile], credentialsFile[profile]]).toEqual([undefined, undefined])
    },
  )

  test('a session of IAM Identity Center is missing', async () => {
    for (const profile of ['corporate', 'sso-session.corporate'])
      expect(await failureOf(() => clientConfigOf({ profile }))).toMatchObject({ code: 'no-credentials' })
    expect((await profileNames()).toSorted()).toEqual(
      ['default', 'in-quotes', 'only-here', 'profile.prefixed', 'work'].toSorted(),
    )
  })

  test.each(['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE'])(
    'is rejected if the file in %s cannot be read',
    async variable => {
      vi.stubEnv(variable, folder)
      for (const profile of ['production', 'work', 'default'])
        expect(await failureOf(() => clientConfigOf({ profile }))).toMatchObject({
          code: 'no-credentials',
          message: `the AWS profile \`${profile}\` cannot be looked up, because \`${folder}\` cannot be read (EISDIR); make the file readable, or let AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name others`,
        })
      expect(await clientConfigOf({}), 'control: without a profile the files do not count').toBeDefined()
    },
  )

  test.each(Object.entries(CALLS))(
    'of AWS_PROFILE that does not exist is rejected like a given one, and nothing is sent: %s',
    async (_what, call) => {
      // The keys in the environment are those of the machine: the SDK passes over the profile, and goes on to the next.
      stubAws({ ...files(), AWS_ENDPOINT_URL: server.url, AWS_PROFILE: 'production', AWS_REGION: 'eu-west-1' })
      vi.stubEnv('AWS_EC2_METADATA_DISABLED', undefined)
      vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', server.url)
      const { code, message } = await failureOf(() => call({}))
      expect(code).toBe('no-credentials')
      expect(message).toMatch(/^the AWS profile `production`, which AWS_PROFILE names, is in neither /)
      expect(server.requests).toEqual([])
    },
  )

  test('of AWS_PROFILE does not count where credentials are given, or another profile', async () => {
    vi.stubEnv('AWS_PROFILE', 'production')
    const credentials = { accessKeyId: 'AKIAGIVEN', secretAccessKey: 'secret' }
    expect(await clientConfigOf({ credentials })).toMatchObject({ credentials })
    expect(await clientConfigOf({ profile: 'work' })).toMatchObject({ profile: 'work' })
    vi.stubEnv('AWS_PROFILE', 'only-here')
    expect(await clientConfigOf({}), 'control: it exists').toBeDefined()
  })

  test('of AWS_PROFILE that a client of the caller passes over is named when no credentials are found', async () => {
    const { CognitoIdentityProviderClient } = await import('@aws-sdk/client-cognito-identity-provider')
    const said = async (profile: string) => {
      stubAws({ ...files(), AWS_PROFILE: profile })
      const client = new CognitoIdentityProviderClient({ region: 'eu-west-1', endpoint: server.url, maxAttempts: 1 })
      return failureOf(() => createGroupSource({ userPoolId, client })('admins'))
    }
    const { code, message } = await said('production')
    expect(code).toBe('no-credentials')
    expect(message).toContain('the AWS profile `production`, which AWS_PROFILE names, is in neither')
    expect((await said('only-here')).message, 'control').not.toContain('is in neither')
  })
})

describe('the region', () => {
  test('is the first that is given: the option, AWS_REGION, AWS_DEFAULT_REGION, the profile', async () => {
    expect(await defaultRegion({ profile: 'work' })).toBe('ap-southeast-2')
    expect(await defaultRegion({})).toBe('sa-east-1')
    vi.stubEnv('AWS_DEFAULT_REGION', 'us-west-1')
    expect(await defaultRegion({ profile: 'work' })).toBe('us-west-1')
    vi.stubEnv('AWS_REGION', 'us-west-2')
    expect(await defaultRegion({ profile: 'work' })).toBe('us-west-2')
    expect(await clientConfigOf({ region: 'eu-west-1', profile: 'work' })).toMatchObject({ region: 'eu-west-1' })
  })

  const signedFor = () => /\/(\w+-\w+-\d)\//.exec(server.requests[0]!.headers.authorization!)?.[1]

  test('of a user pool id and of an identity pool id goes before that of the environment', async () => {
    vi.stubEnv('AWS_REGION', 'us-west-2')
    for (const what of ['groups of a user pool', 'an identity pool', 'the light client']) {
      server.requests.length = 0
      await CALLS[what]!({}).catch(() => undefined)
      expect({ what, region: signedFor() }).toEqual({ what, region: 'eu-west-1' })
    }
  })

  test.each([
    ['AWS_REGION', { AWS_REGION: 'us-west-2' }, undefined, 'us-west-2'],
    ['AWS_DEFAULT_REGION', { AWS_DEFAULT_REGION: 'us-west-1' }, undefined, 'us-west-1'],
    ['the profile', {}, 'work', 'ap-southeast-2'],
    ['the default profile', {}, undefined, 'sa-east-1'],
  ])('of the id of an emulator without one is that of %s', async (_what, env, profile, region) => {
    stubAws({ ...KEYS, ...files(), ...env })
    const options = { userPoolId: 'nounderscore', endpoint: server.url, ...(profile !== undefined && { profile }) }
    await failureOf(() => createGroupSource(options)('admins'))
    expect(signedFor()).toBe(region)
  })
})
