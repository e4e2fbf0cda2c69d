// The guard of the examples: two tokens and no AWS. In a server: CognitoJwtVerifier and createRoleResolver({ userPoolId }).
import { realpathSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { createRoleGuard } from 'rolecast/authorizer'
import { createRoleResolver } from 'rolecast/cognito'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const iss = `https://cognito-idp.eu-west-1.amazonaws.com/${userPoolId}`
const admin = 'arn:aws:iam::111122223333:role/Admin'
const groups = new Map([['admins', { groupName: 'admins', precedence: 1, roleArn: admin }]])
const tokens = new Map([
  ['janes.token.x', { sub: 'jane', iss, token_use: 'access', 'cognito:groups': ['admins'], email: 'jane@example.com' }],
  ['joes.token.x', { sub: 'joe', iss, token_use: 'access', email: 'joe@example.com' }],
])

/** With hooks, for example those of `hooks-powertools.mjs`. */
export const demoGuard = hooks =>
  createRoleGuard({
    resolver: createRoleResolver({ source: name => groups.get(name), userPoolId }),
    verifier: async token => {
      if (!tokens.has(token)) throw new Error('not a token of ours')
      return tokens.get(token)
    },
    groupsOf: 'token',
    onStale: 'deny',
    allow: ({ resolution }) => resolution.preferredRole === admin,
    ...hooks,
  })

/** The Authorization headers to try: allowed, no token, not a token of ours, and a user without a role. */
export const AUTHORIZATIONS = ['Bearer janes.token.x', undefined, 'Bearer forged', 'Bearer joes.token.x']

/** Whether this file is the one that was run, and not one that it imports. */
export const isMain = url => {
  const [, file] = process.argv
  return file !== undefined && url === pathToFileURL(realpathSync(file)).href
}

/** Prints what a server on this machine responds. */
export async function tryEach(url) {
  for (const authorization of AUTHORIZATIONS) {
    const response = await fetch(url, authorization === undefined ? {} : { headers: { authorization } })
    await print(response)
  }
}

export async function print(response) {
  const headers = { challenge: response.headers.get('WWW-Authenticate') ?? undefined }
  console.log(JSON.stringify({ status: response.status, ...headers, ...(response.ok && (await response.json())) }))
}
