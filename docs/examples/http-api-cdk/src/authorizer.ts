import type { APIGatewayRequestSimpleAuthorizerHandlerV2 } from 'aws-lambda'
import { CognitoJwtVerifier } from 'aws-jwt-verify'
import { createRoleAuthorizer } from 'rolecast/authorizer'
import { createRoleResolver, groupsFromCognito } from 'rolecast/cognito'

const userPoolId = process.env['USER_POOL_ID']!
const clientId = process.env['CLIENT_ID']!
const writers = new Set<string | undefined>(JSON.parse(process.env['WRITER_ROLE_ARNS']!))

// Exported for the test, which gives it the keys of the fake user pool.
export const verifier = CognitoJwtVerifier.create({ userPoolId, clientId, tokenUse: 'access' })

// An access token has no role. The groups that Cognito gives for the user now come with their roles.
const groupsOf = groupsFromCognito({ userPoolId })
await groupsOf.warm()

export const handler: APIGatewayRequestSimpleAuthorizerHandlerV2 = createRoleAuthorizer({
  kind: 'http-2',
  verifier,
  resolver: createRoleResolver({ userPoolId }), // it calls nothing: the groups have their roles
  groupsOf,
  onStale: 'allow', // the decision goes by the groups of now, whatever the token says
  allow: ({ resolution, event }) =>
    event.routeKey.startsWith('GET ') ? resolution.preferredRole !== undefined : writers.has(resolution.preferredRole),
  onDecision: ({ allowed, reason, principalId }) => console.log(JSON.stringify({ allowed, reason, principalId })),
})
