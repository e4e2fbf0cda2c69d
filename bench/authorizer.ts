import { generateKeyPairSync, sign } from 'node:crypto'
import { CognitoJwtVerifier } from 'aws-jwt-verify'
import { parseGroupsClaim } from '../dist/authorizer/index.js'
import { createRoleResolver } from '../dist/cognito/index.js'
import { resolveRoles } from '../dist/index.js'
import { compare, type Measured } from './measure.js'
import { nextOf, poolOf, randomUsers } from './pools.js'

const userPoolId = 'eu-west-1_Bench'
const clientId = '1example23456789'

/** How much of verifying a token resolving its ten groups may cost; `npm run bench -- --guard` fails above it. */
export const MAX_SHARE = 0.08

/** What does the role cost a request, in addition to verifying its token, once the groups are cached? */
export async function benchAuthorizer(): Promise<Readonly<Record<string, readonly Measured[]>>> {
  const pool = poolOf(500)
  const Groups = pool.map(({ groupName, precedence, roleArn }) => ({
    GroupName: groupName,
    Precedence: precedence,
    RoleArn: roleArn,
  }))
  const resolver = createRoleResolver({
    snapshot: { version: 1, userPoolId, takenAt: Date.now(), Groups },
    maxAge: 24 * 60 * 60 * 1000,
  })
  const byName = new Map(pool.map(group => [group.groupName, group]))
  const { verifier, tokenOf } = issuer()
  const results: Record<string, readonly Measured[]> = {}
  for (const groups of [10, 100]) {
    // Enough users that hardly any set of groups comes twice.
    const next = nextOf(randomUsers(pool, groups).slice(0, 500).map(tokenOf))
    const groupSets = nextOf(randomUsers(pool, groups).map(names => names.map(name => byName.get(name)!)))
    const payloads = nextOf(randomUsers(pool, groups).map(names => ({ 'cognito:groups': names })))
    results[`an access token with ${groups} groups`] = await compare([
      {
        name: 'aws-jwt-verify: verify',
        async run(times) {
          let last
          for (let index = 0; index < times; index++) last = await verifier.verify(next())
          return last
        },
      },
      {
        name: 'resolveRoles',
        run(times) {
          let last
          for (let index = 0; index < times; index++) last = resolveRoles(groupSets())
          return last
        },
      },
      {
        name: 'claims, cached lookup, resolve',
        async run(times) {
          let last
          for (let index = 0; index < times; index++) {
            const names = parseGroupsClaim(payloads()['cognito:groups'], { transport: 'jwt' })
            last = await resolver.resolve(names)
          }
          return last
        },
      },
    ])
  }
  return results
}

/** A verifier of aws-jwt-verify with its keys cached, and tokens of a pool that only this process knows. */
function issuer() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const verifier = CognitoJwtVerifier.create({ userPoolId, clientId, tokenUse: 'access' })
  const { kty, n, e } = publicKey.export({ format: 'jwk' })
  verifier.cacheJwks({ keys: [{ kid: 'bench', alg: 'RS256', use: 'sig', kty: kty!, n: n!, e: e! }] })
  const now = Math.floor(Date.now() / 1000)
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const tokenOf = (groups: readonly string[]) => {
    const payload = {
      sub: '5f2c1a7e-0000-4000-8000-000000000000',
      'cognito:groups': groups,
      iss: `https://cognito-idp.eu-west-1.amazonaws.com/${userPoolId}`,
      client_id: clientId,
      token_use: 'access',
      scope: 'aws.cognito.signin.user.admin',
      auth_time: now,
      iat: now,
      exp: now + 86_400,
      jti: 'aaaaaaaa-bbbb-cccc-dddd-example',
      username: 'user',
    }
    const signed = `${encode({ alg: 'RS256', kid: 'bench' })}.${encode(payload)}`
    return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`
  }
  return { verifier, tokenOf }
}
