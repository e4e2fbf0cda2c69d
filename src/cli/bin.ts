#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { main } from './main.js'

// Which Node the SDK will need one day is not this command's to say.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'

// The command that writes is told, and cleans up before it ends.
process.stdout.on('error', () => {})

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}
const color = process.stdout.isTTY === true && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb'

/** The second interrupt ends the process. */
function interrupted(): AbortSignal {
  const interrupt = new AbortController()
  process.once('SIGINT', () => interrupt.abort(new Error('interrupted')))
  return interrupt.signal
}

const { stdin, stdout, stderr } = process
process.exitCode = await main(process.argv.slice(2), { stdin, stdout, stderr, color, interrupted }, version)
