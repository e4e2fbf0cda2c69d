import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createFakeCognito } from 'rolecast/testing'

const role = name => `arn:aws:iam::111122223333:role/${name}`
const methodArn = 'arn:aws:execute-api:eu-west-1:123456789012:ymy8tbxw7b/prod/GET/pets'

let cognito
/** Imports the function as a cold start does, with an empty cache. */
let coldStart

before(async () => {
  cognito = await createFakeCognito({
    issuer: 'aws', // CognitoJwtVerifier accepts no other
    groups: [
      { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
      { groupName: 'editors', precedence: 10, roleArn: role('Editor') },
      { groupName: 'readers', precedence: 20, roleArn: role('Reader') },
      { groupName: 'billing', precedence: 0, roleArn: role('Billing') },
    ],
    users: [
      { username: 'alice', groups: ['admins', 'readers'] },
      { username: 'bob', groups: ['editors'] },
      { username: 'carol', groups: ['readers'] },
      { username: 'dave', groups: ['admins', 'billing'] },
    ],
  })
  Object.assign(process.env, {
    USER_POOL_ID: cognito.userPoolId,
    CLIENT_ID: cognito.clientId,
    ADMIN_ROLE_ARN: role('Admin'),
    EDITOR_ROLE_ARN: role('Editor'),
    // In a Lambda function these are the runtime's.
    AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER: cognito.url,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  })
  let starts = 0
  coldStart = async () => {
    const { handler, verifier } = await import(`../dist/authorizer.mjs?start=${starts++}`)
    verifier.cacheJwks(cognito.jwks) // in place of those of a real pool
    return token => handler({ type: 'TOKEN', authorizationToken: `Bearer ${token}`, methodArn })
  }
})
after(() => cognito.close())

const tokenOf = async username => (await cognito.tokensOf(username)).idToken
const effectOf = ({ policyDocument }) => policyDocument.Statement[0].Effect

test('a user whose preferred role may call the API is allowed, and the API gets the role', async () => {
  const authorize = await coldStart()
  for (const [username, name] of [
    ['alice', 'Admin'],
    ['bob', 'Editor'],
  ]) {
    const response = await authorize(await tokenOf(username))
    assert.equal(effectOf(response), 'Allow')
    assert.equal(response.context.role, role(name))
  }
})

test('a user with another role is denied, and so is one whose groups tie', async () => {
  const authorize = await coldStart()
  assert.equal(effectOf(await authorize(await tokenOf('carol'))), 'Deny')
  assert.equal(effectOf(await authorize(await tokenOf('dave'))), 'Deny')
})

test('a token whose role is not the one that a new token would have is denied, although both may call the API', async () => {
  const token = await tokenOf('bob')
  cognito.putGroup({ groupName: 'editors', precedence: 10, roleArn: role('Admin') })
  const authorize = await coldStart()
  assert.equal(effectOf(await authorize(token)), 'Deny')
  cognito.putGroup({ groupName: 'editors', precedence: 10, roleArn: role('Editor') })
})

test('a token that Cognito did not sign is not authorized', async () => {
  const authorize = await coldStart()
  const token = await tokenOf('alice')
  await assert.rejects(authorize(`${token.slice(0, -8)}AAAAAAAA`), /^Error: Unauthorized$/)
})

test('nothing is called but the reading of groups', () => {
  const operations = new Set(cognito.requests.map(({ operation }) => operation))
  assert.deepEqual([...operations].toSorted(), ['ListGroups'])
})
