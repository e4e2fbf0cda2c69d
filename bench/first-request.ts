import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { startCognitoEndpoint } from '../test/cognito/cognito-endpoint.js'
import { leastCpu, type WholeProcess } from './measure.js'
import { poolOf } from './pools.js'

const userPoolId = 'eu-west-1_Bench'
const pool = poolOf(50)
const names = pool.map(group => group.groupName)

/** Without the rest of `rolecast/cognito`, whose import is measured apart. */
const LIGHT_CLIENT = fileURLToPath(new URL('../src/cognito/api/light-client.ts', import.meta.url))

const KEYS = { AWS_ACCESS_KEY_ID: 'AKIDBENCH', AWS_SECRET_ACCESS_KEY: 'bench', AWS_SESSION_TOKEN: 'bench-token' }
/** Keys that only the SDK's chain of providers finds. */
const PROFILE = '[default]\naws_access_key_id = AKIDBENCH\naws_secret_access_key = bench\n'

/** A program, and what its environment has besides the endpoint. */
interface Program {
  readonly name: string
  readonly code: string
  readonly env?: Readonly<Record<string, string>>
  readonly isSdkBundled?: boolean
}

/** How much CPU does a process need until it has its first group? By question. */
export async function benchFirstRequest(
  library = fileURLToPath(new URL('../dist/cognito/index.js', import.meta.url)),
): Promise<Readonly<Record<string, readonly WholeProcess[]>>> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecast-bench-'))
  await using endpoint = await startCognitoEndpoint({ userPoolId, groups: pool })
  try {
    await symlink(fileURLToPath(new URL('../node_modules', import.meta.url)), join(folder, 'node_modules'))
    await writeFile(join(folder, 'credentials'), PROFILE)
    const results: Record<string, readonly WholeProcess[]> = {}
    for (const [question, programs] of Object.entries(questions(library, folder)))
      results[question] = await measured(programs, folder, endpoint.url)
    return results
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function questions(library: string, folder: string): Readonly<Record<string, readonly Program[]>> {
  const chain = { AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'), AWS_CONFIG_FILE: join(folder, 'config') }
  const input = JSON.stringify({ GroupName: names[0], UserPoolId: userPoolId })
  const imported = `import { createLightClient, createRoleResolver } from ${JSON.stringify(library)}`
  const light = `${imported}
await createLightClient().getGroup(${input})`
  const sdk = `import { CognitoIdentityProviderClient, GetGroupCommand } from '@aws-sdk/client-cognito-identity-provider'
await new CognitoIdentityProviderClient({}).send(new GetGroupCommand(${input}))`
  const resolving = (count: number, client: string) => `${imported}
const resolver = createRoleResolver({ userPoolId: ${JSON.stringify(userPoolId)}${client} })
await resolver.resolve(${JSON.stringify(names.slice(0, count))})`
  const byHand: Program = { name: 'signed by hand', code: signedByHand(input), env: KEYS }
  return {
    'the first GetGroup of a process': [
      byHand,
      { name: 'createLightClient', code: light, env: KEYS },
      {
        name: 'createLightClient alone',
        code: light.replace(library, LIGHT_CLIENT).replace(', createRoleResolver', ''),
        env: KEYS,
      },
      { name: "the SDK's client", code: sdk, env: KEYS },
      { name: "the SDK's client, bundled", code: sdk, env: KEYS, isSdkBundled: true },
      { name: 'createLightClient, SDK chain', code: light, env: chain },
      { name: "the SDK's client, its chain", code: sdk, env: chain },
      { name: 'no request: an empty file', code: '' },
    ],
    'the first resolution of a process, pool of 50 groups': [
      byHand,
      ...[1, 10, 40].flatMap((count): readonly Program[] => [
        { name: `${count} groups, light client`, code: resolving(count, ', client: createLightClient()'), env: KEYS },
        { name: `${count} groups, SDK's client`, code: resolving(count, ''), env: KEYS },
      ]),
      {
        name: 'no request: only imported',
        code: `${imported}\nglobalThis.kept = [createLightClient, createRoleResolver]`,
      },
    ],
  }
}

async function measured(programs: readonly Program[], folder: string, url: string): Promise<readonly WholeProcess[]> {
  const files = await Promise.all(programs.map((program, index) => bundled(folder, index, program)))
  const common = {
    PATH: process.env['PATH'],
    AWS_REGION: 'eu-west-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ENDPOINT_URL: url,
  }
  return leastCpu(
    programs.map(({ name, env }, index) => ({
      name,
      args: ['--no-warnings', files[index]!],
      env: { ...common, ...env },
    })),
  )
}

/** Bundles a program as for a function, in one file. The SDK stays outside, as where Lambda provides it. */
async function bundled(folder: string, index: number, { code, isSdkBundled = false }: Program): Promise<string> {
  const file = join(folder, `program-${index}.mjs`)
  await build({
    stdin: { contents: code, resolveDir: import.meta.dirname },
    outfile: file,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    mainFields: ['module', 'main'],
    external: isSdkBundled ? [] : ['@aws-sdk/*'],
    banner: {
      js: `import { createRequire } from 'node:module'; const require = createRequire(${JSON.stringify(import.meta.url)})`,
    },
    logLevel: 'error',
  })
  return file
}

/** The least that a request takes: Signature Version 4 with Node's own modules. */
const signedByHand = (input: string) => `import { createHash, createHmac } from 'node:crypto'
import { request } from 'node:http'

const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token, AWS_REGION: region } = process.env
const url = new URL(process.env.AWS_ENDPOINT_URL)
const body = JSON.stringify(${input})
const sha256 = data => createHash('sha256').update(data).digest('hex')
const hmac = (key, data) => createHmac('sha256', key).update(data).digest()
const time = new Date().toISOString().replace(/[:-]|\\.\\d+/g, '')
const headers = {
  'content-type': 'application/x-amz-json-1.1',
  host: url.host,
  'x-amz-date': time,
  'x-amz-security-token': token,
  'x-amz-target': 'AWSCognitoIdentityProviderService.GetGroup',
}
const signed = Object.keys(headers).join(';')
const lines = Object.entries(headers).map(([name, value]) => name + ':' + value + '\\n').join('')
const canonical = ['POST', '/', '', lines, signed, sha256(body)].join('\\n')
const scope = [time.slice(0, 8), region, 'cognito-idp', 'aws4_request']
const key = scope.reduce(hmac, 'AWS4' + secret)
const signature = hmac(key, ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(canonical)].join('\\n')).toString('hex')
const authorization = 'AWS4-HMAC-SHA256 Credential=' + id + '/' + scope.join('/') + ', SignedHeaders=' + signed + ', Signature=' + signature
const answer = await new Promise((resolve, reject) => {
  const sent = request(url, { method: 'POST', headers: { ...headers, authorization } }, async response => {
    let said = ''
    for await (const chunk of response) said += chunk
    resolve(JSON.parse(said))
  })
  sent.on('error', reject).end(body)
})
if (answer.Group.GroupName === undefined) throw new Error('no group')`
