#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { main } from './main.js'
import { takesColor } from './terminal.js'

// Silence the SDK's warning about future Node versions.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'

// `write` rejects for the command that writes, so it can clean up before it ends.
process.stdout.on('error', () => {})

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** The second interrupt ends the process. */
function interrupted(): AbortSignal {
  const interrupt = new AbortController()
  process.once('SIGINT', () => interrupt.abort(new Error('interrupted')))
  return interrupt.signal
}

const { stdin, stdout, stderr, env } = process
const color = takesColor(stdout, env)
process.exitCode = await main(process.argv.slice(2), { stdin, stdout, stderr, color, interrupted }, version)
