import { type ChildProcess, spawn } from 'node:child_process'
import { cp, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'
import { expect } from 'vitest'
import { main } from '../../src/cli/main.js'
import { CREDENTIALS, type Ended, SECRET } from './command.js'

export interface CommandInput {
  readonly stdin?: string | Buffer
  readonly interrupted?: AbortSignal
}

/** Runs a command in this process. One that reads a live pool says on stderr what it is about to do, and CSV has carriage returns. */
export async function auditCommand(
  args: readonly string[],
  { stdin = '', interrupted = new AbortController().signal }: CommandInput = {},
): Promise<Ended> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const outputs = Promise.all([text(stdout), text(stderr)])
  const code = await main(
    args,
    { stdin: Readable.from([stdin]), stdout, stderr, color: false, interrupted: () => interrupted },
    '1.2.3',
  )
  stdout.end()
  stderr.end()
  const [out, err] = await outputs
  return presentable({ code, stdout: out, stderr: err })
}

/** No output has a stack trace or a secret in it, and a failure says what it is. */
export function presentable(ended: Ended): Ended {
  const { code, stdout, stderr } = ended
  expect(stdout + stderr).not.toMatch(/^\s+at .+:\d+:\d+\)?$|node:internal|\.js:\d+/m)
  expect(stdout + stderr).not.toContain(SECRET)
  expect(stderr).not.toMatch(/(?!\n)\p{Cc}/u)
  if (code === 2) expect(stderr).toMatch(/^(rolecast|error): [^\n]+\n/m)
  return ended
}

/** Builds the command from the source as it is, into this folder: it starts three times as fast as through tsx. */
export async function buildCommand(folder: string): Promise<string> {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const entry = { 'cli/bin': join(root, 'src/cli/bin.ts') }
  await build({
    config: false,
    entry,
    outDir: join(folder, 'dist'),
    format: 'esm',
    target: 'node20',
    external: ['cognito-local'],
    silent: true,
  })
  await cp(join(root, 'package.json'), join(folder, 'package.json'))
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  await writeFile(join(folder, 'aws-config'), '')
  return join(folder, 'dist/cli/bin.js')
}

/** Starts the built command as a process of its own, with credentials that nobody has. */
export function startCommand(bin: string, args: readonly string[]): ChildProcess {
  const none = join(bin, '../../../aws-config')
  const env = {
    PATH: process.env['PATH'],
    AWS_CONFIG_FILE: none,
    AWS_SHARED_CREDENTIALS_FILE: none,
    AWS_EC2_METADATA_DISABLED: 'true',
    ...CREDENTIALS,
  }
  return spawn(process.execPath, [bin, ...args], { env })
}

export async function endOf(child: ChildProcess): Promise<Ended> {
  const code = new Promise<number | null>(resolve => child.once('close', resolve))
  const [stdout, stderr] = await Promise.all([text(child.stdout!), text(child.stderr!)])
  return presentable({ code: await code, stdout, stderr })
}
