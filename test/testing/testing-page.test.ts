import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as sdk from '@aws-sdk/client-cognito-identity-provider'
import * as jwtVerifier from 'aws-jwt-verify'
import * as jose from 'jose'
import { describe, expect, onTestFinished, test } from 'vitest'
import * as authorizer from '../../src/authorizer/index.js'
import * as cognito from '../../src/cognito/index.js'
import { OPERATION_NAMES } from '../../src/testing/fake-service.js'
import * as testing from '../../src/testing/index.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/testing.md'), 'utf8')

const PACKAGES: Readonly<Record<string, object>> = {
  '@aws-sdk/client-cognito-identity-provider': sdk,
  'aws-jwt-verify': jwtVerifier,
  jose,
  'rolecast/authorizer': authorizer,
  'rolecast/cognito': cognito,
  'rolecast/testing': testing,
}

const AsyncFunction = (async () => {}).constructor as new (
  ...parts: string[]
) => (packages: object, check: (actual: unknown, expected: unknown) => void) => Promise<void>

/** Runs an example. Each line above a `// => value` has to have that value. */
async function run(example: string): Promise<number> {
  restoreEnvironment()
  const code = example
    .replaceAll(/^import (\{.*\}) from '(.*)'$/gm, 'const $1 = packages["$2"]')
    .replaceAll(/^(.+)\n\/\/ => (.+)$/gm, (_, expression, value) => `check(${expression}, ${value})`)
  let checks = 0
  await new AsyncFunction('packages', 'check', code)(PACKAGES, (actual, expected) => {
    checks++
    expect(actual).toStrictEqual(expected)
  })
  return checks
}

/** Takes back what a test sets, at its end. */
function restoreEnvironment(): void {
  const before = { ...process.env }
  onTestFinished(() => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
    Object.assign(process.env, before)
  })
}

const fences = page
  .split(/^## /m)
  .slice(1)
  .flatMap(section =>
    [...section.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, code], index) => ({
      title: `${section.split('\n', 1)[0]!} ${index + 1}`,
      code: code!,
    })),
  )

const isProgram = ({ code }: { readonly code: string }) => code.startsWith('// fake.mjs\n')
const examples = fences.filter(fence => !isProgram(fence))

describe('docs/testing.md', () => {
  test.each(examples)('the example of "$title" is right', async ({ code }) => {
    expect(await run(code)).toBeGreaterThan(0)
  })

  test('control: a wrong value, and a package that is not there, are noticed', async () => {
    const [first] = examples
    await expect(run(first!.code.replace('// => undefined', '// => null'))).rejects.toThrow()
    await expect(run(first!.code.replace("from 'jose'", "from 'nowhere'"))).rejects.toThrow()
  })

  test.each([
    ['the endpoint alone', ({ url }: testing.FakeCognito) => ({ endpoint: url }), 'no-credentials'],
    ['the options of a client', ({ clientConfig }: testing.FakeCognito) => clientConfig, 'invalid-option'],
  ])('says what a resolver does with %s', async (_, optionsOf, code) => {
    restoreEnvironment()
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
    const nowhere = join(root, 'node_modules/.cache/no-such-file')
    Object.assign(process.env, {
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: nowhere,
      AWS_SHARED_CREDENTIALS_FILE: nowhere,
    })
    await using fake = await testing.createFakeCognito()
    const resolve = async () =>
      cognito.createRoleResolver({ userPoolId: fake.userPoolId, ...optionsOf(fake) }).resolve(['admins'])
    await expect(resolve()).rejects.toMatchObject({ code })
    expect(page).toContain(`\`${code}\``)
  })

  test('the fake for the command line runs, and the command reads it with these credentials only', async () => {
    const program = fences.find(isProgram)
    const [, pairs, args] = /^export (.+)\nnpx rolecast (.+)$/m.exec(page)!
    const credentials = Object.fromEntries(pairs!.split(' ').map(pair => pair.split('=') as [string, string]))

    await mkdir(join(root, 'node_modules/.cache'), { recursive: true })
    const folder = await mkdtemp(join(root, 'node_modules/.cache/testing-page-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const file = join(folder, 'fake.mjs')
    const source = new URL('../../src/testing/index.ts', import.meta.url).href
    await writeFile(file, program!.code.replace("'rolecast/testing'", `'${source}'`))
    const tsx = ['--import', import.meta.resolve('tsx')]
    const fake = spawn(process.execPath, [...tsx, file], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(async () => {
      const ended = once(fake, 'exit')
      fake.kill()
      await ended
    })
    const [url] = (await once(createInterface({ input: fake.stdout }), 'line')) as [string]

    const audit = (env: Readonly<Record<string, string>>) =>
      promisify(execFile)(
        process.execPath,
        [...tsx, join(root, 'src/cli/bin.ts'), ...args!.replace('http://127.0.0.1:PORT', url).split(' ')],
        { cwd: folder, env: { PATH: process.env['PATH'], HOME: folder, AWS_EC2_METADATA_DISABLED: 'true', ...env } },
      )
    expect((await audit(credentials)).stdout).toContain('role/Admin')
    await expect(audit({})).rejects.toMatchObject({ stderr: expect.stringContaining('credentials') })
  })

  test('lists the operations that the fake has, and no others', () => {
    const section = page.slice(page.indexOf('## What it has'), page.indexOf('## What it rejects'))
    const rows = section.split('\n').filter(line => line.startsWith('| ') && !line.startsWith('| |'))
    const listed = rows.flatMap(row => row.match(/\b[A-Z][A-Za-z]+[A-Z][A-Za-z]+\b/g) ?? [])
    expect(listed.toSorted()).toStrictEqual(OPERATION_NAMES.toSorted())
  })
})
