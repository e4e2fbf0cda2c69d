import { execFile } from 'node:child_process'
import { createSign, generateKeyPairSync } from 'node:crypto'
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { type BuildOptions, build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { copyPackage } from '../build-package.js'
import { type CognitoEndpoint, startCognitoEndpoint } from '../cognito/cognito-endpoint.js'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

const USER_POOL_ID = 'eu-west-1_Ab12Cd34e'
const CLIENT_ID = '1example23456789'
const ADMIN = 'arn:aws:iam::111122223333:role/Admin'
const METHOD_ARN = 'arn:aws:execute-api:eu-west-1:111122223333:abcdef123/prod/GET/pets'

/** Bundles need what CommonJS code asks for by `require`, as esbuild's documentation says. */
const BANNER = {
  js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
}

interface Way {
  readonly name: string
  readonly options: BuildOptions
  /** Whether the bundle finds the SDK beside it, as in Lambda's runtimes. */
  readonly hasSdk: boolean
}

const WAYS: readonly Way[] = [
  {
    name: "CDK's NodejsFunction by default: CommonJS, the SDK of the runtime",
    options: { target: 'node20', format: 'cjs', external: ['@aws-sdk/*', '@smithy/*'] },
    hasSdk: true,
  },
  {
    name: 'CDK with `bundleAwsSDK`: CommonJS, the SDK inside',
    options: { target: 'node20', format: 'cjs' },
    hasSdk: false,
  },
  {
    name: 'CDK with `OutputFormat.ESM`: the SDK of the runtime',
    options: { target: 'node20', format: 'esm', external: ['@aws-sdk/*', '@smithy/*'] },
    hasSdk: true,
  },
  {
    name: 'CDK with `OutputFormat.ESM`, `bundleAwsSDK` and a banner',
    options: { target: 'node20', format: 'esm', banner: BANNER },
    hasSdk: false,
  },
  {
    name: 'Serverless Framework by default: CommonJS with source maps, the SDK of the runtime',
    options: { format: 'cjs', sourcemap: true, external: ['@aws-sdk/*'] },
    hasSdk: true,
  },
  {
    name: 'Serverless Framework in a package of ES modules',
    options: { format: 'esm', sourcemap: true, external: ['@aws-sdk/*'] },
    hasSdk: true,
  },
  {
    name: "SAM's esbuild by default: minified CommonJS for es2020, the SDK inside",
    options: { target: 'es2020', format: 'cjs', minify: true },
    hasSdk: false,
  },
  {
    name: "SAM's esbuild with `Format: esm`, `MainFields: module,main` and a banner",
    options: { target: 'es2022', format: 'esm', minify: true, mainFields: ['module', 'main'], banner: BANNER },
    hasSdk: false,
  },
  {
    name: 'ES modules with splitting, default main fields and a banner: the SDK in a file of its own',
    options: { target: 'node20', format: 'esm', splitting: true, banner: BANNER },
    hasSdk: false,
  },
]

let folder: string
let endpoint: CognitoEndpoint
let token: string
let environment: NodeJS.ProcessEnv

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'rolecast-bundles-')))
  await copyPackage(join(folder, 'rolecast'))
  endpoint = await startCognitoEndpoint({
    userPoolId: USER_POOL_ID,
    groups: [{ groupName: 'admins', precedence: 1, roleArn: ADMIN }],
  })

  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const now = Math.floor(Date.now() / 1000)
  const signed = [
    { alg: 'RS256', kid: 'key' },
    {
      sub: 'jane',
      iss: `https://cognito-idp.eu-west-1.amazonaws.com/${USER_POOL_ID}`,
      aud: CLIENT_ID,
      token_use: 'id',
      iat: now,
      exp: now + 600,
      'cognito:groups': ['admins'],
      'cognito:roles': [ADMIN],
      'cognito:preferred_role': ADMIN,
    },
  ]
    .map(encode)
    .join('.')
  token = `${signed}.${createSign('sha256').update(signed).sign(privateKey, 'base64url')}`
  environment = {
    PATH: process.env['PATH'],
    USER_POOL_ID,
    CLIENT_ID,
    AWS_ENDPOINT_URL: endpoint.url,
    AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'local',
    TEST_JWKS: JSON.stringify({
      keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'key', alg: 'RS256', use: 'sig' }],
    }),
    TEST_EVENT: JSON.stringify({ type: 'TOKEN', authorizationToken: `Bearer ${token}`, methodArn: METHOD_ARN }),
  }

  // The real verifier, but for the address of the keys, which it does not take.
  const real = join(root, 'node_modules/aws-jwt-verify/dist/esm/index.js')
  await writeFile(
    join(folder, 'verifier.mjs'),
    `import { CognitoJwtVerifier as Real } from ${JSON.stringify(pathToFileURL(real).pathname)}
export const CognitoJwtVerifier = {
  create(options) {
    const verifier = Real.create(options)
    verifier.cacheJwks(JSON.parse(process.env.TEST_JWKS))
    return verifier
  },
}`,
  )
}, 120_000)

afterAll(async () => {
  await endpoint?.close()
  await rm(folder, { recursive: true, force: true })
})

/** The first example of the authorizer's page, which is what people copy; as the page says for CommonJS. */
async function example(format: BuildOptions['format']): Promise<string> {
  const page = await readFile(join(root, 'docs/authorizer.md'), 'utf8')
  const code = /```js\n(.*?)```/s.exec(page)![1]!
  expect(code).toContain('await resolver.warm()')
  return format === 'esm' ? code : code.replace('await resolver.warm()', 'void resolver.warm()')
}

interface Answer {
  readonly policyDocument?: { readonly Statement: readonly { readonly Effect: string }[] }
  readonly failed?: string
}

/** Bundles the example in a folder of its own, and gives what it answers to one event in a process of its own. */
async function bundleAndRun({ options, hasSdk }: Omit<Way, 'name'>, code: string): Promise<Answer> {
  const out = await mkdtemp(join(folder, 'out-'))
  const source = join(out, 'source')
  await mkdir(source)
  await writeFile(join(source, 'handler.mjs'), code)
  const extension = options.format === 'esm' ? 'mjs' : 'cjs'
  await build({
    bundle: true,
    platform: 'node',
    logLevel: 'silent',
    ...options,
    entryPoints: [join(source, 'handler.mjs')],
    outdir: join(out, 'function'),
    outExtension: { '.js': `.${extension}` },
    alias: {
      'aws-jwt-verify': join(folder, 'verifier.mjs'),
      ...Object.fromEntries(
        ['authorizer', 'cognito'].map(entry => [`rolecast/${entry}`, join(folder, `rolecast/dist/${entry}/index.js`)]),
      ),
    },
  })
  // What is left as an import has to come from here, so that nothing is found by accident.
  if (hasSdk) {
    await mkdir(join(out, 'function/node_modules'))
    for (const scope of ['@aws-sdk', '@smithy'])
      await symlink(join(root, 'node_modules', scope), join(out, 'function/node_modules', scope))
  }
  const handler = pathToFileURL(join(out, `function/handler.${extension}`)).href
  const driver = `
    const { handler } = await import(${JSON.stringify(handler)})
    const answer = await handler(JSON.parse(process.env.TEST_EVENT)).catch(error => ({ failed: error.message }))
    console.log(JSON.stringify(answer))
    process.exit()`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', driver], {
    env: { ...environment, TEST_EVENT: environment['TEST_EVENT']! },
    cwd: join(out, 'function'),
  })
  return JSON.parse(stdout.split('\n', 1)[0]!) as Answer
}

describe('the authorizer that people copy gives the same result, however it is bundled', () => {
  test.each(WAYS)('$name', async way => {
    endpoint.requests.length = 0
    const answer = await bundleAndRun(way, await example(way.options.format))
    expect(answer.policyDocument?.Statement).toEqual([expect.objectContaining({ Effect: 'Allow' })])
    expect(endpoint.requests.map(({ operation }) => operation)).toContain('ListGroups')
  })

  test.each<[string, Way]>([
    ['leaves the SDK out, where the SDK is not beside it', { ...WAYS[0]!, hasSdk: false }],
    [
      'of ES modules has the SDK inside and no banner',
      { name: '', options: { target: 'node20', format: 'esm' }, hasSdk: false },
    ],
  ])('control: a bundle that %s says what to do', async (_, way) => {
    const code = (await example(way.options.format)).replace(
      '  allow: (',
      '  onError: error => console.log(JSON.stringify({ failed: `${error.code}: ${error.message}` })),\n  allow: (',
    )
    const { failed } = await bundleAndRun(way, code)
    expect(failed).toMatch(
      /^missing-package: `@aws-sdk\/client-cognito-identity-provider` could not be loaded; .* see docs\/bundling\.md/,
    )
  })
})
