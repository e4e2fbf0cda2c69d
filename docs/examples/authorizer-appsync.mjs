// AppSync's AWS_LAMBDA authorizer. Run it: node docs/examples/authorizer-appsync.mjs
import { createRoleAuthorizer, toContext } from 'rolecast/authorizer'
import { createRoleResolver } from 'rolecast/cognito'

// In a Lambda function: createRoleResolver({ userPoolId: process.env.USER_POOL_ID }), and then `await resolver.warm()`
const role = name => `arn:aws:iam::111122223333:role/${name}`
const groups = new Map([
  ['editors', { groupName: 'editors', precedence: 1, roleArn: role('Editor') }],
  ['readers', { groupName: 'readers', precedence: 2, roleArn: role('Reader') }],
])
const userPoolId = 'eu-west-1_Ab12Cd34e'
const resolver = createRoleResolver({ source: name => groups.get(name), userPoolId })

// In a Lambda function: CognitoJwtVerifier.create({ userPoolId, clientId, tokenUse: 'id' }) of aws-jwt-verify
const claims = {
  iss: `https://cognito-idp.eu-west-1.amazonaws.com/${userPoolId}`,
  'cognito:groups': ['readers'],
  'cognito:roles': [role('Reader')],
  'cognito:preferred_role': role('Reader'),
}
const verifier = async token => (token === 'janes.token.x' ? { sub: 'jane', token_use: 'id', ...claims } : null)

export const handler = createRoleAuthorizer({
  kind: 'appsync',
  resolver,
  verifier,
  groupsOf: 'token',
  onStale: 'deny',
  allow: ({ resolution }) => ({
    allow: resolution.roles.includes(role('Reader')),
    context: toContext(resolution),
    deniedFields: resolution.preferredRole === role('Editor') ? [] : ['Mutation.createEvent'],
    ttlOverride: 60,
  }),
})

for (const authorizationToken of ['janes.token.x', 'forged']) {
  const requestContext = {
    apiId: 'example123',
    accountId: '111122223333',
    requestId: 'f4081827',
    queryString: 'query MyQuery {...}',
  }
  console.log(JSON.stringify(await handler({ authorizationToken, requestContext })))
}
