import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { copyPackage } from '../build-package.js'
import type { Ended } from './command.js'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface ProcessSettings {
  /** Stdin, which then ends. */
  readonly input?: string | Uint8Array
  /** Besides PATH and a HOME without files, all of the environment. */
  readonly env?: Readonly<Record<string, string>>
  /** A line of shell, in which the command with its arguments is "$@". */
  readonly shell?: string
}

/** The built command, for what only a process of its own shows: exit codes, pipes, a terminal, the environment. */
export interface InstalledCommand {
  readonly bin: string
  /** Where it runs. */
  readonly home: string
  start(args: readonly string[], settings?: Pick<ProcessSettings, 'env' | 'shell'>): ChildProcessWithoutNullStreams
  /** Runs to the end, whatever the end is. */
  run(args: readonly string[], settings?: ProcessSettings): Promise<Ended>
}

/**
 * Copies the built package to a new folder in this one.
 *
 * @param addModules makes `node_modules`; default: all that this project has
 */
export async function installCommand(
  folder: string,
  addModules?: (modules: string) => Promise<void>,
): Promise<InstalledCommand> {
  const target = await mkdtemp(join(folder, 'package-'))
  await copyPackage(target, addModules)
  const bin = join(target, 'dist/cli/bin.js')
  const home = join(target, 'home')
  await mkdir(join(home, '.aws'), { recursive: true })

  function start(args: readonly string[], { env, shell }: ProcessSettings = {}): ChildProcessWithoutNullStreams {
    const words = [process.execPath, bin, ...args]
    const [file, ...rest] = shell === undefined ? words : ['sh', '-c', shell, 'sh', ...words]
    const child = spawn(file!, rest, {
      cwd: home,
      env: { PATH: process.env['PATH'], HOME: home, AWS_EC2_METADATA_DISABLED: 'true', ...env },
    })
    // A command that ends early does not read to the end.
    child.stdin.on('error', () => {})
    return child
  }

  return {
    bin,
    home,
    start,
    async run(args, settings = {}) {
      const child = start(args, settings)
      child.stdin.end(settings.input ?? '')
      const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
      return { code, stdout, stderr }
    },
  }
}
