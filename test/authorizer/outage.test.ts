import { beforeAll, describe, expect, test } from 'vitest'
import { createRoleGuard } from '../../src/authorizer/index.js'
import { createRoleResolver } from '../../src/cognito/index.js'
import { useVirtualTime } from '../virtual-time.js'

// The source loads it with its first call, which the clock of a test does not wait for.
beforeAll(() => import('@aws-sdk/client-cognito-identity-provider'))
useVirtualTime()

const userPoolId = 'eu-west-1_Ab12Cd34e'
const ADMIN = 'arn:aws:iam::111122223333:role/Admin'
const HOUR = 3_600_000

/** A guard of a resolver, both with their own defaults but for what is given. */
function guarded(more: { readonly staleIfError?: number; readonly maxStaleAge?: number } = {}) {
  let hangs = false
  const client = {
    send: () =>
      hangs
        ? new Promise<never>(() => {})
        : Promise.resolve({ Group: { GroupName: 'admins', Precedence: 1, RoleArn: ADMIN } }),
  }
  const { staleIfError, maxStaleAge } = more
  const resolver = createRoleResolver({ userPoolId, client, ...(staleIfError !== undefined && { staleIfError }) })
  const guard = createRoleGuard({
    resolver,
    verifier: () => ({
      sub: 'alice',
      iss: `https://cognito-idp.eu-west-1.amazonaws.com/${userPoolId}`,
      token_use: 'access',
      iat: Math.floor(Date.now() / 1_000),
      'cognito:groups': ['admins'],
    }),
    groupsOf: 'token',
    onStale: 'deny',
    allow: () => true,
    ...(maxStaleAge !== undefined && { maxStaleAge }),
  })
  return {
    ask: () => guard('token'),
    hang: () => {
      hangs = true
    },
    pass: (ms: number) => new Promise(resolve => setTimeout(resolve, ms)),
  }
}

describe('a Cognito that never responds', () => {
  test('leaves an old group to be served before the guard gives up, with the defaults of both', async () => {
    const { ask, hang, pass } = guarded({ staleIfError: HOUR, maxStaleAge: HOUR })
    expect(await ask()).toMatchObject({ allowed: true })
    hang()
    await pass(61_000)
    expect(await ask()).toMatchObject({ allowed: true, resolution: { stale: true, preferredRole: ADMIN } })
  })

  test('control: without `staleIfError` it denies', async () => {
    const { ask, hang, pass } = guarded()
    expect(await ask()).toMatchObject({ allowed: true })
    hang()
    await pass(61_000)
    expect(await ask()).toMatchObject({ allowed: false, status: 503 })
  })
})
