import { CognitoJwtVerifier } from 'aws-jwt-verify'
import { createRoleAuthorizer, toContext } from 'rolecast/authorizer'
import { createRoleResolver } from 'rolecast/cognito'

const { USER_POOL_ID: userPoolId, CLIENT_ID: clientId, ADMIN_ROLE_ARN, EDITOR_ROLE_ARN } = process.env

/** What each role may call. A role that is not here may call nothing. */
const ROLES = new Set([ADMIN_ROLE_ARN, EDITOR_ROLE_ARN])

// Exported for the test, which gives it the keys of the fake user pool.
export const verifier = CognitoJwtVerifier.create({ userPoolId, clientId, tokenUse: 'id' })
const resolver = createRoleResolver({ userPoolId })
await resolver.warm()

export const handler = createRoleAuthorizer({
  kind: 'rest-token',
  verifier,
  resolver,
  groupsOf: 'token', // a user who is removed from a group keeps it until the token expires
  onStale: 'deny',
  resource: 'stage', // API Gateway caches the policy: one for a single method would deny the next route
  onFailure: 'throw', // a cached Deny would lock the user out after an outage
  allow: ({ resolution }) => ROLES.has(resolution.preferredRole) && { allow: true, context: toContext(resolution) },
  onDecision: ({ allowed, reason, principalId }) => console.log(JSON.stringify({ allowed, reason, principalId })),
})
