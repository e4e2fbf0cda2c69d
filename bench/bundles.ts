import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { type BuildOptions, build } from 'esbuild'
import { startCognitoEndpoint } from '../test/cognito/cognito-endpoint.js'
import { leastCpu, type WholeProcess } from './measure.js'

export interface Bundle extends WholeProcess {
  readonly minified: number
  readonly gzip: number
}

const userPoolId = 'eu-west-1_Bench'
const admin = 'arn:aws:iam::111122223333:role/Admin'
const arn = 'arn:aws:execute-api:eu-west-1:111122223333:abcdef123/prod/GET/pets'
const dist = fileURLToPath(new URL('../dist/', import.meta.url))

const BANNER = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" }
const OUTSIDE: BuildOptions = { format: 'cjs', external: ['@aws-sdk/*', '@smithy/*'] }
const CJS: BuildOptions = { format: 'cjs' }
const ESM: BuildOptions = { format: 'esm', mainFields: ['module', 'main'], banner: BANNER }

/** What a function does without rolecast: reads the group, takes its role, and returns a policy. */
const BY_HAND = `import { CognitoIdentityProviderClient, GetGroupCommand } from '@aws-sdk/client-cognito-identity-provider'
const client = new CognitoIdentityProviderClient({})
export async function handler({ methodArn }) {
  const groups = ['admins']
  const found = await Promise.all(
    groups.map(GroupName => client.send(new GetGroupCommand({ UserPoolId: ${JSON.stringify(userPoolId)}, GroupName }))),
  )
  const best = found.map(({ Group }) => Group).sort((a, b) => (a.Precedence ?? Infinity) - (b.Precedence ?? Infinity))[0]
  const Effect = best?.RoleArn === ${JSON.stringify(admin)} ? 'Allow' : 'Deny'
  const Statement = [{ Action: 'execute-api:Invoke', Effect, Resource: methodArn }]
  return { principalId: 'jane', policyDocument: { Version: '2012-10-17', Statement } }
}`

const byRolecast = (
  client: string,
) => `import { createRoleAuthorizer } from ${JSON.stringify(join(dist, 'authorizer/index.js'))}
import * as cognito from ${JSON.stringify(join(dist, 'cognito/index.js'))}
export const handler = createRoleAuthorizer({
  kind: 'rest-token',
  verifier: async () => ({
    sub: 'jane',
    iss: 'https://cognito-idp.eu-west-1.amazonaws.com/${userPoolId}',
    token_use: 'access',
    'cognito:groups': ['admins'],
  }),
  resolver: cognito.createRoleResolver({ userPoolId: ${JSON.stringify(userPoolId)}, poolSize: 10_000${client} }),
  groupsOf: 'token',
  onStale: 'deny',
  resource: 'stage',
  onFailure: 'throw',
  allow: ({ resolution }) => resolution.preferredRole === ${JSON.stringify(admin)},
})`

/** The SDK's client with operations as methods, imported as any package: rolecast then loads nothing itself. */
const withClient = `import { CognitoIdentityProvider } from '@aws-sdk/client-cognito-identity-provider'
${byRolecast(', client: new CognitoIdentityProvider({})')}`

const call = `
handler({ type: 'TOKEN', authorizationToken: 'Bearer x', methodArn: ${JSON.stringify(arn)} }).then(({ policyDocument }) =>
  process.exit(policyDocument.Statement[0].Effect === 'Allow' ? 0 : 1),
)`

/** How large is an authorizer, and how much CPU does its process need for the first response? Without verifying the token. */
export async function benchBundles(): Promise<readonly Bundle[]> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecast-bundles-'))
  await using endpoint = await startCognitoEndpoint({
    userPoolId,
    groups: [{ groupName: 'admins', precedence: 1, roleArn: admin }],
  })
  try {
    await symlink(fileURLToPath(new URL('../node_modules', import.meta.url)), join(folder, 'node_modules'))
    const programs: readonly (readonly [name: string, code: string, options: BuildOptions])[] = [
      ['by hand, SDK outside', BY_HAND, OUTSIDE],
      ['rolecast, SDK outside', byRolecast(''), OUTSIDE],
      ['the same, its client given', withClient, OUTSIDE],
      ['by hand, SDK inside, CommonJS', BY_HAND, CJS],
      ['rolecast, SDK inside, CommonJS', byRolecast(''), CJS],
      ['by hand, SDK inside, ESM', BY_HAND, ESM],
      ['rolecast, SDK inside, ESM', byRolecast(''), ESM],
      [
        'rolecast, light client, ESM',
        byRolecast(', client: cognito.createLightClient()'),
        { ...ESM, external: ['@aws-sdk/*'] },
      ],
    ]
    const bundles = await Promise.all(
      programs.map(async ([name, code, options], index) => {
        const file = join(folder, `program-${index}.${options.format === 'esm' ? 'mjs' : 'cjs'}`)
        await build({
          stdin: { contents: code + call, resolveDir: import.meta.dirname },
          outfile: file,
          bundle: true,
          minify: true,
          platform: 'node',
          target: 'node20',
          logLevel: 'error',
          ...options,
        })
        const bytes = await readFile(file)
        return { name, file, minified: bytes.length, gzip: gzipSync(bytes).length }
      }),
    )
    const env = {
      PATH: process.env['PATH'],
      AWS_REGION: 'eu-west-1',
      AWS_ENDPOINT_URL: endpoint.url,
      AWS_ACCESS_KEY_ID: 'AKIDBENCH',
      AWS_SECRET_ACCESS_KEY: 'bench',
    }
    const measured = await leastCpu(bundles.map(({ name, file }) => ({ name, args: [file], env })))
    return measured.map((one, index) => ({ ...one, minified: bundles[index]!.minified, gzip: bundles[index]!.gzip }))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
