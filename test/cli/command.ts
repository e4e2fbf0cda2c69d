import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, vi } from 'vitest'
import { main } from '../../src/cli/main.js'

/** What no output may have in it. */
export const SECRET = 'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY'
export const CREDENTIALS = {
  AWS_ACCESS_KEY_ID: 'AKIAENVIRONMENT',
  AWS_SECRET_ACCESS_KEY: SECRET,
  AWS_MAX_ATTEMPTS: '1',
}

/** Gives the SDK this environment and no other setting of the machine that runs the tests. */
export function stubAws(env: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  const quiet = { AWS_EC2_METADATA_DISABLED: 'true', AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' }
  for (const [name, value] of Object.entries({ ...quiet, ...env })) vi.stubEnv(name, value)
}

/** The environment in which the SDK finds these credentials, and no file. */
export function stubCredentials(folder: string, more: Readonly<Record<string, string>> = {}): void {
  const none = join(folder, 'no-aws-config')
  stubAws({ AWS_CONFIG_FILE: none, AWS_SHARED_CREDENTIALS_FILE: none, ...CREDENTIALS, ...more })
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export const STACK_TRACE = /^\s+at .+[:)]\d*|node:internal|^Node\.js v|\.js:\d+/m
export const ESCAPE = /(?!\n)\p{Cc}/u

/** A result is all there is to say, and a failure prints nothing that could be read as a result. */
export function checked(ended: Ended): Ended {
  const { code, stdout, stderr } = ended
  expect(stdout + stderr).not.toMatch(STACK_TRACE)
  expect(stdout + stderr).not.toContain(SECRET)
  expect(stdout + stderr).not.toMatch(ESCAPE)
  if (code === 0 || code === 1) expect(stderr).toBe('')
  else expect(stderr).toMatch(/\n$/)
  return ended
}

export interface CommandInput {
  readonly stdin?: string | Uint8Array | Readable
  readonly color?: boolean
  /** The width of the terminal; default: stdout is none. */
  readonly columns?: number
  readonly interrupted?: AbortSignal
  /** As in a workflow of GitHub Actions. */
  readonly isGithubLog?: boolean
}

/** Runs the command line in this process. */
export async function inProcess(
  args: readonly string[],
  {
    stdin = '',
    color = false,
    columns,
    interrupted = new AbortController().signal,
    isGithubLog = false,
  }: CommandInput = {},
): Promise<Ended> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const outputs = Promise.all([text(stdout), text(stderr)])
  const input = stdin instanceof Readable ? stdin : Readable.from([stdin])
  const flushed = async () => {}
  const terminal = {
    stdin: input,
    stdout,
    stderr,
    flushed,
    color,
    columns,
    isGithubLog,
    interrupted: () => interrupted,
  }
  const code = await main(args, terminal, VERSION)
  stdout.end()
  stderr.end()
  const [out, err] = await outputs
  return { code, stdout: out, stderr: err }
}

export const VERSION = '1.2.3'

/** Runs the command line in this process, and checks what every command promises. */
export async function rolecast(args: readonly string[], stdin: string | Uint8Array = ''): Promise<Ended> {
  return checked(await inProcess(args, { stdin }))
}

/** What stderr says where stdout is text. That failures are JSON where stdout is JSON is tested in failure.test.ts. */
export function failuresAsText(stderr: string): string {
  return stderr.replaceAll(/^\{"error":.*\}$/gm, line => {
    const { code, message } = (JSON.parse(line) as { error: { code: string; message: string } }).error
    return `rolecast: ${message} [${code}]`
  })
}
