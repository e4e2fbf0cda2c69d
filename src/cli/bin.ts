#!/usr/bin/env node
import { createReadStream, readFileSync, writeSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { RolecastError } from '../errors.js'
import { withoutCommands } from '../report/github-log.js'
import { failureText } from './failure-text.js'
import { programFlags } from './program-flags.js'
import { beforeTemporary, removeTemporary } from './temporary.js'
import { statOf, takesColor, wholeStream } from './terminal.js'

// Only what `main` returns counts as a result. If anything else ends the process, the command could not run.
process.exitCode = 2
let isOver = false

// Silence the SDK's warning about future Node versions.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'

function end(code: number, why = ''): never {
  isOver = true
  removeTemporary()
  try {
    writeSync(2, why)
  } catch {
    // The exit code says it.
  }
  process.exit(code)
}

const isGithubLog = Boolean(process.env['GITHUB_ACTIONS'])

function fail(error: unknown): never {
  const { verbose, hasJsonErrors: json } = programFlags(process.argv.slice(2))
  const text = failureText(error, { verbose, json })
  end(2, isGithubLog ? withoutCommands(text) : text)
}

// Unhandled rejections come here too.
process.on('uncaughtException', fail)
process.on('exit', code => {
  if (!isOver && code === 2) fail(new Error('nothing is left to wait for'))
})

/** How long an interrupted command may take to stop, in milliseconds, unless it asks for more. */
let grace = 3_000

const interrupt = new AbortController()
let listens = false
let signalled: number | undefined

/** What the command would leave behind. */
let leftover = (): string | undefined => undefined

/** Reports the interrupt of a command that does not report it itself. */
function endInterrupted(code: number): never {
  const line = leftover()
  if (line === undefined) {
    const { hasJsonErrors: json } = programFlags(process.argv.slice(2))
    end(code, failureText(new RolecastError('aborted', 'interrupted; run the command again'), { verbose: false, json }))
  }
  const text = `rolecast: interrupted [aborted]\n${line}`
  end(2, isGithubLog ? withoutCommands(text) : text)
}

let watches = false

/**
 * The first signal lets a command stop if it can; the second ends the process immediately. Installed only once there is
 * something to stop or to remove: until then the system ends the process, even when it is too busy to notice a signal.
 */
function watchSignals(): void {
  if (watches) return
  watches = true
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      const code = 128 + constants.signals[signal]
      if (!listens || signalled !== undefined) endInterrupted(code)
      signalled = code
      interrupt.abort(new Error('interrupted'))
      setTimeout(() => endInterrupted(code), grace).unref()
    })
  }
}
beforeTemporary(watchSignals)

function interrupted(ms = 0, given = leftover): AbortSignal {
  grace = Math.max(grace, ms)
  leftover = given
  listens = true
  watchSignals()
  return interrupt.signal
}

/** Node reads a folder as an input without content. */
function readableStdin() {
  return statOf(0).isDirectory() ? createReadStream('', { fd: 0, autoClose: false }) : process.stdin
}

async function run(): Promise<number> {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
    version: string
  }
  const { stream: stdout, flushed } = wholeStream(process.stdout)
  const { stream: stderr } = wholeStream(process.stderr)
  const { main } = await import('./main.js')
  const color = takesColor(process.stdout, process.env)
  const { columns } = process.stdout
  const terminal = { stdin: readableStdin(), stdout, stderr, flushed, color, columns, isGithubLog, interrupted }
  const code = await main(process.argv.slice(2), terminal, version)
  return code === 2 && leftover() === undefined ? (signalled ?? code) : code
}

async function start(): Promise<void> {
  try {
    process.exitCode = await run()
    // Otherwise it may wait for something that never comes.
    if (signalled !== undefined) end(process.exitCode)
    isOver = true
  } catch (error) {
    fail(error)
  }
}
void start()
