// An HTTP API's Lambda authorizer, format 2.0 with simple responses. Run it: node docs/examples/authorizer-http.mjs
import { createRoleAuthorizer } from 'rolecast/authorizer'
import { createRoleResolver, groupsFromCognito } from 'rolecast/cognito'

const role = name => `arn:aws:iam::111122223333:role/${name}`
const editors = { GroupName: 'editors', Precedence: 1, RoleArn: role('Editor') }
const readers = { GroupName: 'readers', Precedence: 2, RoleArn: role('Reader') }
const members = { jane: [editors, readers], joe: [readers] }
const userPoolId = 'eu-west-1_Ab12Cd34e'

// In a Lambda function: groupsFromCognito({ userPoolId }), and then `await groupsOf.warm()`
const client = { adminListGroupsForUser: async ({ Username }) => ({ Groups: members[Username] }) }
const groupsOf = groupsFromCognito({ userPoolId, client })

// It calls nothing: the groups come with their roles.
const resolver = createRoleResolver({ userPoolId })

// In a Lambda function: CognitoJwtVerifier.create({ userPoolId, clientId, tokenUse: 'access' }) of aws-jwt-verify
const iss = `https://cognito-idp.eu-west-1.amazonaws.com/${userPoolId}`
const verifier = async token => ({
  sub: `sub of ${token}`,
  username: token,
  iss,
  token_use: 'access',
  'cognito:groups': ['editors', 'readers'],
})

export const handler = createRoleAuthorizer({
  kind: 'http-2',
  resolver,
  verifier,
  groupsOf,
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
