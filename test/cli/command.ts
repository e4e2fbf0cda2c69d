import { cp, mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, vi } from 'vitest'
import { main } from '../../src/cli/main.js'

/** What no output may have in it. */
export const SECRET = 'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY'
export const CREDENTIALS = {
  AWS_ACCESS_KEY_ID: 'AKIAENVIRONMENT',
  AWS_SECRET_ACCESS_KEY: SECRET,
  AWS_MAX_ATTEMPTS: '1',
}

/** The environment in which the SDK finds these credentials, and no file of whoever runs the tests. */
export function stubCredentials(folder: string, more: Readonly<Record<string, string>> = {}): void {
  const none = join(folder, 'no-aws-config')
  for (const [name, value] of Object.entries({
    AWS_CONFIG_FILE: none,
    AWS_SHARED_CREDENTIALS_FILE: none,
    ...CREDENTIALS,
    ...more,
  }))
    vi.stubEnv(name, value)
}

/** Copies the built package, so that a build meanwhile takes nothing away. Its command is `dist/cli/bin.js` in the target. */
export async function copyPackage(target: string): Promise<void> {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  await mkdir(target, { recursive: true })
  await cp(join(root, 'dist'), join(target, 'dist'), { recursive: true })
  await cp(join(root, 'package.json'), join(target, 'package.json'))
  await symlink(join(root, 'node_modules'), join(target, 'node_modules'))
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** An answer is all there is to say, and a failure is nothing to read as an answer. */
export function checked(ended: Ended): Ended {
  const { code, stdout, stderr } = ended
  expect(stdout + stderr).not.toMatch(/^\s+at .+[:)]\d*|node:internal|\.js:\d+/m)
  expect(stdout + stderr).not.toContain(SECRET)
  expect(stdout + stderr).not.toMatch(/(?!\n)\p{Cc}/u)
  if (code === 0 || code === 1) expect(stderr).toBe('')
  else expect(stderr).toMatch(/\n$/)
  return ended
}

/** Runs the command line in this process. */
export async function rolecast(args: readonly string[], input = ''): Promise<Ended> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const outputs = Promise.all([text(stdout), text(stderr)])
  const code = await main(
    args,
    { stdin: Readable.from([input]), stdout, stderr, color: false, interrupted: () => new AbortController().signal },
    '1.2.3',
  )
  stdout.end()
  stderr.end()
  const [out, err] = await outputs
  return checked({ code, stdout: out, stderr: err })
}
