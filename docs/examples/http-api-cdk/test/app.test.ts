import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { App, Validations } from 'aws-cdk-lib'
import { RolecastPlugin } from 'rolecast/cdk'
import { createFakeCognito, type FakeCognito } from 'rolecast/testing'
import { ApiStack, GROUPS } from '../lib/api-stack.js'

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

// In this folder, so that the bundles find the AWS SDK, which the Lambda runtime has.
const work = mkdtempSync(join(import.meta.dirname, '../cdk.out.test-'))
let cognito: FakeCognito
let authorize: (token: string, routeKey: string) => Promise<boolean>

/** Synthesises the app as bin/app.ts does, and returns the folder. */
function synthesise(precedences: Readonly<Record<keyof typeof GROUPS, number>> = GROUPS) {
  const app = new App({ outdir: mkdtempSync(join(work, 'app-')) })
  Validations.of(app).addPlugins(new RolecastPlugin())
  new ApiStack(app, 'Api', { precedences })
  return app.synth()
}

before(async () => {
  cognito = await createFakeCognito({
    issuer: 'aws', // CognitoJwtVerifier accepts no other
    groups: [
      { groupName: 'admins', precedence: GROUPS.admins, roleArn: role('Admin') },
      { groupName: 'editors', precedence: GROUPS.editors, roleArn: role('Editor') },
      { groupName: 'readers', precedence: GROUPS.readers, roleArn: role('Reader') },
    ],
    users: [
      { username: 'alice', groups: ['editors', 'readers'] },
      { username: 'bob', groups: ['readers'] },
      { username: 'carol' },
    ],
  })
  Object.assign(process.env, {
    USER_POOL_ID: cognito.userPoolId,
    CLIENT_ID: cognito.clientId,
    WRITER_ROLE_ARNS: JSON.stringify([role('Admin'), role('Editor')]),
    // In a Lambda function these are the runtime's.
    AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER: cognito.url,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  })

  // The code that would be deployed: the function's asset, as the synthesis bundled it.
  const assembly = synthesise()
  const resources: Readonly<Record<string, any>> = assembly.getStackByName('Api').template.Resources
  const [code] = Object.values(resources).flatMap(({ Type, Properties }) =>
    Type === 'AWS::Lambda::Function' && 'Environment' in Properties ? [Properties.Code] : [],
  )
  const bundle = join(assembly.directory, `asset.${code.S3Key.replace('.zip', '')}`, 'index.mjs')
  const { handler, verifier } = await import(pathToFileURL(bundle).href)
  verifier.cacheJwks(cognito.jwks) // in place of those of a real pool
  authorize = async (token, routeKey) => {
    const { isAuthorized } = await handler({
      version: '2.0',
      type: 'REQUEST',
      routeArn: 'arn:aws:execute-api:eu-west-1:123456789012:abcdef123/$default/pets',
      routeKey,
      rawPath: '/pets',
      identitySource: [`Bearer ${token}`],
      headers: { authorization: `Bearer ${token}` },
      requestContext: {},
    })
    return isAuthorized
  }
})
after(async () => {
  await cognito.close()
  rmSync(work, { recursive: true, force: true })
})

const tokenOf = async (username: string) => (await cognito.tokensOf(username)).accessToken

test('a role that may write reads and writes, another role only reads, and no role does neither', async () => {
  const may = async (username: string) => {
    const token = await tokenOf(username)
    return [await authorize(token, 'GET /pets'), await authorize(token, 'PUT /pets')]
  }
  assert.deepEqual(await may('alice'), [true, true])
  assert.deepEqual(await may('bob'), [true, false])
  assert.deepEqual(await may('carol'), [false, false])
})

test('a user who was taken out of a group loses the role with the next new decision, with the same token', async () => {
  cognito.addUser({ username: 'dave', groups: ['editors'] })
  const token = await tokenOf('dave')
  cognito.removeUserFromGroup('dave', 'editors')
  assert.equal(await authorize(token, 'PUT /pets'), false)
})

test('a token that Cognito did not sign is denied', async () => {
  const token = await tokenOf('alice')
  assert.equal(await authorize(`${token.slice(0, -8)}AAAAAAAA`, 'GET /pets'), false)
})

test('two groups with one precedence and different roles end the synthesis', () => {
  const { exitCode } = process
  assert.throws(() => synthesise({ ...GROUPS, editors: GROUPS.admins }), /validation/i)
  process.exitCode = exitCode // the CDK sets it to 1
})
