import { type ChildProcess, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect } from 'vitest'
import { copyPackage } from '../build-package.js'
import { type CommandInput, CREDENTIALS, type Ended, failuresAsText, inProcess, SECRET } from './command.js'

/** Runs a command in this process. One that reads a live pool says on stderr what it is about to do, and CSV has carriage returns. */
export async function auditCommand(args: readonly string[], input: CommandInput = {}): Promise<Ended> {
  return presentable(await inProcess(args, input))
}

/** No output has a stack trace or a secret in it, and a failure says what it is: as text, whatever the format of the output is. */
export function presentable(ended: Ended): Ended {
  const { code, stdout } = ended
  const stderr = failuresAsText(ended.stderr)
  expect(stdout + stderr).not.toMatch(/^\s+at .+:\d+:\d+\)?$|node:internal|\.js:\d+/m)
  expect(stdout + stderr).not.toContain(SECRET)
  expect(stderr).not.toMatch(/(?!\n)\p{Cc}/u)
  if (code === 2) expect(stderr).toMatch(/^(rolecast|error): [^\n]+\n/m)
  return { ...ended, stderr }
}

/** The built command in this folder. */
export async function buildCommand(folder: string): Promise<string> {
  await copyPackage(folder)
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
