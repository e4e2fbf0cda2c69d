// A REST API's Lambda authorizer. Run it: node docs/examples/authorizer-rest.mjs
import { createRoleAuthorizer, toContext } from 'rolecast/authorizer'
import { createRoleResolver } from 'rolecast/cognito'

// In a Lambda function: createRoleResolver({ userPoolId: process.env.USER_POOL_ID }), and then `await resolver.warm()`
const admin = 'arn:aws:iam::111122223333:role/Admin'
const groups = new Map([['admins', { groupName: 'admins', precedence: 1, roleArn: admin }]])
const userPoolId = 'eu-west-1_Ab12Cd34e'
const resolver = createRoleResolver({ source: name => groups.get(name), userPoolId })

// In a Lambda function: CognitoJwtVerifier.create({ userPoolId, clientId, tokenUse: 'id' }) of aws-jwt-verify
const tokens = new Map([
  [
    'janes.token.x',
    {
      sub: 'jane',
      iss: `https://cognito-idp.eu-west-1.amazonaws.com/${userPoolId}`,
      token_use: 'id',
      'cognito:groups': ['admins'],
      'cognito:roles': [admin],
      'cognito:preferred_role': admin,
    },
  ],
])
const verifier = {
  async verify(token) {
    const claims = tokens.get(token)
    if (claims === undefined) throw new Error('not a token of ours')
    return claims
  },
}

export const handler = createRoleAuthorizer({
  kind: 'rest-token',
  resolver,
  verifier,
  groupsOf: 'token',
  onStale: 'deny',
  resource: 'stage', // API Gateway caches a policy for 300 s: one for a single method would deny the next route
  onFailure: 'throw', // a cached Deny would lock the user out for 300 s after an outage
  allow: ({ resolution }) => resolution.preferredRole === admin && { allow: true, context: toContext(resolution) },
  onDecision: ({ allowed, reason, principalId }) => console.error({ allowed, reason, principalId }),
})

const methodArn = 'arn:aws:execute-api:eu-west-1:123456789012:ymy8tbxw7b/prod/GET/pets'
const response = await handler({ type: 'TOKEN', authorizationToken: 'Bearer janes.token.x', methodArn })
console.log(JSON.stringify(response))
await handler({ type: 'TOKEN', authorizationToken: 'Bearer forged', methodArn }).catch(error =>
  console.log(JSON.stringify(error.message)),
)
