import { parseGroupsClaim } from '../dist/authorizer/index.js'
import { createRoleResolver } from '../dist/cognito/index.js'
import { compare, type Measured } from './measure.js'
import { poolOf, usersOf } from './pools.js'

/** What does the role cost a request, beside parsing the token's payload, once the pool is warm? */
export async function benchAuthorizer(): Promise<Readonly<Record<string, readonly Measured[]>>> {
  const pool = poolOf(500)
  const Groups = pool.map(({ groupName, precedence, roleArn }) => ({
    GroupName: groupName,
    Precedence: precedence,
    RoleArn: roleArn,
  }))
  const snapshot = { version: 1, userPoolId: 'eu-west-1_Bench', takenAt: Date.now(), Groups }
  const resolver = createRoleResolver({ snapshot, maxAge: Infinity })
  const payloads = usersOf(pool, 10).map((groups, user) =>
    JSON.stringify({
      sub: `5f2c1a7e-0000-4000-8000-${String(user).padStart(12, '0')}`,
      'cognito:groups': groups.map(group => group.groupName),
      iss: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Bench',
      client_id: '1example23456789',
      origin_jti: 'aaaaaaaa-bbbb-cccc-dddd-example',
      event_id: '64f513be-32db-42b0-b78e-b02127b4f463',
      token_use: 'access',
      scope: 'aws.cognito.signin.user.admin',
      auth_time: 1676312777,
      exp: 1676316377,
      iat: 1676312777,
      jti: 'aaaaaaaa-bbbb-cccc-dddd-example',
      username: `user-${user}`,
    }),
  )
  const payloadOf = (index: number) =>
    JSON.parse(payloads[index % payloads.length]!) as Readonly<Record<string, unknown>>

  return {
    'an access token with ten groups, from its payload to the role': await compare([
      {
        name: 'JSON.parse of the payload',
        run: times => {
          let last
          for (let index = 0; index < times; index++) last = payloadOf(index)
          return last
        },
      },
      {
        name: 'JSON.parse, claims, resolve',
        run: times => {
          let last
          for (let index = 0; index < times; index++) {
            last = resolver.resolveCached(parseGroupsClaim(payloadOf(index)['cognito:groups'], { transport: 'jwt' }))
          }
          return last
        },
      },
    ]),
  }
}
