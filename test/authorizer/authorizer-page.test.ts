import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFakeCognito, type FakeCognito } from '../../src/testing/index.js'
import { fencesOf, runFences } from '../run-page.js'

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

describe('the authorizer of an HTTP API in docs/authorizer.md', () => {
  let cognito: FakeCognito
  beforeAll(async () => {
    cognito = await createFakeCognito({
      issuer: 'aws',
      groups: [
        { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
        { groupName: 'readers', precedence: 1, roleArn: role('Reader') },
      ],
      users: [
        { username: 'admin', groups: ['admins'] },
        { username: 'reader', groups: ['readers'] },
      ],
    })
  })
  afterAll(() => cognito.close())

  async function authorize(code: string): Promise<readonly unknown[]> {
    const tokens = await Promise.all(
      ['admin', 'reader', 'demoted'].map(async username => {
        if (username === 'demoted') cognito.addUser({ username, groups: ['admins'] })
        return (await cognito.tokensOf(username)).accessToken
      }),
    )
    cognito.removeUserFromGroup('demoted', 'admins')
    const after = `
      verifier.cacheJwks(${JSON.stringify(cognito.jwks)})
      for (const token of ${JSON.stringify([...tokens, 'forged'])}) {
        const event = {
          version: '2.0',
          type: 'REQUEST',
          routeArn: 'arn:aws:execute-api:eu-west-1:111122223333:abcdef123/$default/GET/pets',
          identitySource: [token],
          headers: { authorization: token },
          requestContext: {},
        }
        console.log(JSON.stringify(await handler(event)))
      }`
    const env = {
      USER_POOL_ID: cognito.userPoolId,
      CLIENT_ID: cognito.clientId,
      AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER: cognito.url,
      AWS_ACCESS_KEY_ID: 'x',
      AWS_SECRET_ACCESS_KEY: 'x',
    }
    try {
      return await runFences([code], { after, env })
    } finally {
      cognito.deleteUser('demoted')
    }
  }

  test('allows an admin, and denies another role, a user who was removed from the group, and a forged token', async () => {
    const code = (await fencesOf('authorizer.md', 'js')).find(fence => fence.includes("kind: 'http-2'"))
    expect(await authorize(code!)).toEqual([true, false, false, false].map(isAuthorized => ({ isAuthorized })))
    // The resolver calls nothing.
    expect(new Set(cognito.requests.map(({ operation }) => operation))).toEqual(new Set(['AdminListGroupsForUser']))

    // control: by the groups of the token, the removed user is still an admin, and the resolver calls
    expect(await authorize(code!.replace(/^ +groupsOf,$/m, "groupsOf: 'token',"))).toEqual(
      [true, false, true, false].map(isAuthorized => ({ isAuthorized })),
    )
    expect(cognito.requests.map(({ operation }) => operation)).toContain('GetGroup')
  })
})
