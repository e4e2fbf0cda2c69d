// An HTTP API's Lambda authorizer, format 2.0 with simple responses. Run it: node docs/examples/authorizer-http.mjs
import { createRoleAuthorizer } from 'rolecast/authorizer'
import { createRoleResolver } from 'rolecast/cognito'

// In a Lambda function: createRoleResolver({ userPoolId: process.env.USER_POOL_ID }), and then `await resolver.warm()`
const role = name => `arn:aws:iam::111122223333:role/${name}`
const groups = new Map([
  ['editors', { groupName: 'editors', precedence: 1, roleArn: role('Editor') }],
  ['readers', { groupName: 'readers', precedence: 2, roleArn: role('Reader') }],
])
const userPoolId = 'eu-west-1_Ab12Cd34e'
const resolver = createRoleResolver({ source: name => groups.get(name), userPoolId })

// In a Lambda function: CognitoJwtVerifier.create({ userPoolId, clientId, tokenUse: 'access' }) of aws-jwt-verify
const iss = `https://cognito-idp.eu-west-1.amazonaws.com/${userPoolId}`
const verifier = async token => ({ sub: token, iss, token_use: 'access', 'cognito:groups': ['editors', 'readers'] })

// In a Lambda function: AdminListGroupsForUser, so that a removed member is out of the group at once
const members = new Map([
  ['jane', ['editors', 'readers']],
  ['joe', ['readers']],
])

export const handler = createRoleAuthorizer({
  kind: 'http-2',
  resolver,
  verifier,
  groupsOf: ({ sub }) => members.get(sub) ?? [],
  // Joe's token says more than is true. It is good enough here, because `allow` goes by the role he has now.
  onStale: 'allow',
  allow: ({ resolution }) =>
    resolution.preferredRole === role('Editor') && { allow: true, context: { role: resolution.preferredRole } },
})

for (const token of ['jane', 'joe']) {
  const response = await handler({
    version: '2.0',
    type: 'REQUEST',
    routeArn: 'arn:aws:execute-api:eu-west-1:123456789012:abcdef123/prod/PUT/pets',
    routeKey: 'PUT /pets',
    rawPath: '/pets',
    identitySource: [`Bearer ${token}`],
    headers: { authorization: `Bearer ${token}` },
    requestContext: {},
  })
  console.log(JSON.stringify(response))
}
