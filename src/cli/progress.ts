import type { Writable } from 'node:stream'
import { Presets, SingleBar } from 'cli-progress'
import { durationText } from '../cognito/memberships/duration.js'
import type { ReadProgress } from '../cognito/memberships/read-pool.js'

/** Shows how far the reading of a pool is, between lines that say something else. */
interface Progress {
  update(progress: ReadProgress): void
  /** Writes a line, which ends with a line feed. */
  say(line: string): void
  stop(): void
}

/** A bar on a terminal; elsewhere a line a minute, whether or not a page has come meanwhile. */
export function createProgress(stream: Writable): Progress {
  return (stream as Partial<NodeJS.WriteStream>).isTTY === true ? createBar(stream) : createLines(stream)
}

const MINUTE = 60_000

function createLines(stream: Writable): Progress {
  let first: { readonly at: number; readonly pages: number } | undefined
  let last: ReadProgress | undefined
  // It keeps no process alive that has nothing else to wait for.
  const timer = setInterval(() => void stream.write(`rolecast: ${stateText(first, last)}\n`), MINUTE).unref()
  return {
    update(progress) {
      first ??= { at: performance.now(), pages: progress.pages }
      last = progress
    },
    say: line => void stream.write(line),
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

/** Back to the start of the line, which is erased: the bar is drawn again below. */
const ERASE_LINE = '\r\u001B[K'

function createBar(stream: Writable): Progress {
  const bar = new SingleBar(
    {
      stream: stream as NodeJS.WriteStream,
      format: '{bar} {value}/{total} calls | {users} users | {rate} calls/s | {eta_formatted} left',
      etaBuffer: 200,
      hideCursor: true,
      clearOnComplete: true,
    },
    Presets.shades_classic,
  )
  let began: { readonly at: number; readonly pages: number } | undefined
  return {
    update({ pages, left, users }) {
      const now = performance.now()
      if (began === undefined) {
        began = { at: now, pages }
        bar.start(pages + left, pages, { users, rate: '0' })
      }
      const seconds = (now - began.at) / 1000
      bar.setTotal(pages + left)
      bar.update(pages, { users, rate: seconds > 0 ? ((pages - began.pages) / seconds).toFixed(1) : '0' })
    },
    say: line => void stream.write(began === undefined ? line : `${ERASE_LINE}${line}`),
    stop() {
      if (began !== undefined) bar.stop()
    },
  }
}
