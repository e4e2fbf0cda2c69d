import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as sdk from '@aws-sdk/client-cognito-identity-provider'
import * as jwtVerifier from 'aws-jwt-verify'
import * as jose from 'jose'
import { describe, expect, test } from 'vitest'
import { OPERATION_NAMES } from '../../src/testing/fake-service.js'
import * as testing from '../../src/testing/index.js'

const page = readFileSync(fileURLToPath(new URL('../../docs/testing.md', import.meta.url)), 'utf8')

const PACKAGES: Readonly<Record<string, object>> = {
  '@aws-sdk/client-cognito-identity-provider': sdk,
  'aws-jwt-verify': jwtVerifier,
  jose,
  'rolecast/testing': testing,
}

const AsyncFunction = (async () => {}).constructor as new (
  ...parts: string[]
) => (packages: object, check: (actual: unknown, expected: unknown) => void) => Promise<void>

/** Runs an example. Each line above a `// => value` has to have that value. */
async function run(example: string): Promise<number> {
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

const examples = page
  .split(/^## /m)
  .slice(1)
  .flatMap(section =>
    [...section.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, code], index) => ({
      title: `${section.split('\n', 1)[0]!} ${index + 1}`,
      code: code!,
    })),
  )

describe('docs/testing.md', () => {
  test.each(examples)('the example of "$title" is right', async ({ code }) => {
    expect(await run(code)).toBeGreaterThan(0)
  })

  test('control: a wrong value, and a package that is not there, are noticed', async () => {
    const [first] = examples
    await expect(run(first!.code.replace('// => undefined', '// => null'))).rejects.toThrow()
    await expect(run(first!.code.replace("from 'jose'", "from 'nowhere'"))).rejects.toThrow()
  })

  test('lists the operations that the fake has, and no others', () => {
    const section = page.slice(page.indexOf('## What it has'), page.indexOf('## What it refuses'))
    const rows = section.split('\n').filter(line => line.startsWith('| ') && !line.startsWith('| |'))
    const listed = rows.flatMap(row => row.match(/\b[A-Z][A-Za-z]+[A-Z][A-Za-z]+\b/g) ?? [])
    expect(listed.toSorted()).toStrictEqual(OPERATION_NAMES.toSorted())
  })
})
