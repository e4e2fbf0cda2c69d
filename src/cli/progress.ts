import type { Writable } from 'node:stream'
import { durationText } from '../cognito/memberships/duration.js'
import type { ReadProgress } from '../cognito/memberships/read-pool.js'
import type { Terminal } from './terminal.js'

/** Shows the progress of reading a pool, between other lines. */
interface Progress {
  update(progress: ReadProgress): void
  /** Writes a line, which ends with a line feed. `--quiet` leaves it out. */
  say(line: string): void
  /** The same for what was not looked at: it is always written. */
  warn(line: string): void
  stop(): void
}

/**
 * A bar on a terminal; elsewhere a line per minute, whether or not a page has arrived since. With `--quiet` only
 * warnings.
 */
export function createProgress({ stderr: stream, quiet }: Pick<Terminal, 'stderr' | 'quiet'>): Progress {
  if (quiet) return { update: () => {}, say: () => {}, warn: line => void stream.write(line), stop: () => {} }
  return (stream as Partial<NodeJS.WriteStream>).isTTY === true ? createBar(stream) : createLines(stream)
}

const MINUTE = 60_000

function createLines(stream: Writable): Progress {
  let first: { readonly at: number; readonly pages: number } | undefined
  let last: ReadProgress | undefined
  // The timer does not keep the process alive.
  const timer = setInterval(() => void stream.write(`rolecast: ${stateText(first, last)}\n`), MINUTE).unref()
  return {
    update(progress) {
      first ??= { at: performance.now(), pages: progress.pages }
      last = progress
    },
    say: line => void stream.write(line),
    warn: line => void stream.write(line),
    stop: () => clearInterval(timer),
  }
}

function stateText(
  first: { readonly at: number; readonly pages: number } | undefined,
  last: ReadProgress | undefined,
): string {
  if (first === undefined || last === undefined) return 'still waiting for the first pages'
  const minutes = (performance.now() - first.at) / MINUTE
  const rate = minutes > 0 ? (last.pages - first.pages) / minutes : 0
  const time = rate > 0 && last.left > 0 ? ` (${durationText(Math.ceil(last.left / rate) * MINUTE)})` : ''
  return `${count(last.pages)} pages read, about ${count(last.left)} left${time}; ${count(last.users)} users; ${count(Math.round(rate))} pages a minute`
}

function count(value: number): string {
  return value.toLocaleString('en-GB')
}

/** Goes to the start of the line and erases it: the progress line is then written again below. */
const ERASE_LINE = '\r\u001B[K'

/** In milliseconds. */
const REDRAWN = 100

/** One line that is rewritten, and erased in the end. */
function createBar(stream: Writable): Progress {
  let first: { readonly at: number; readonly pages: number } | undefined
  let drawnAt = -Infinity
  const say = (line: string) => void stream.write(first === undefined ? line : `${ERASE_LINE}${line}`)
  return {
    update(progress) {
      const now = performance.now()
      first ??= { at: now, pages: progress.pages }
      if (now - drawnAt < REDRAWN) return
      drawnAt = now
      // A line that wraps could not be erased.
      const { columns = 80 } = stream as Partial<NodeJS.WriteStream>
      stream.write(`${ERASE_LINE}${barText(first, progress, now).slice(0, columns - 1)}`)
    },
    say,
    warn: say,
    stop: () => say(''),
  }
}

function barText(
  first: { readonly at: number; readonly pages: number },
  { pages, left, users }: ReadProgress,
  now: number,
): string {
  const rate = now > first.at ? ((pages - first.pages) * 1_000) / (now - first.at) : 0
  const time = rate > 0 && left > 0 ? ` | ${durationText(Math.ceil((left / rate) * 1_000))} left` : ''
  return `${count(pages)}/${count(pages + left)} calls | ${count(users)} users | ${rate.toFixed(1)} calls/s${time}`
}
