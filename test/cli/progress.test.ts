import { PassThrough, type Writable } from 'node:stream'
import { describe, expect, test, vi } from 'vitest'
import { createProgress } from '../../src/cli/progress.js'
import { useVirtualTime } from '../virtual-time.js'

useVirtualTime()

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const textOf = (stream: PassThrough) => String(stream.read() ?? '')

describe('where stderr is not a terminal', () => {
  test('a line a minute says how far the reading is', async () => {
    const stream = new PassThrough()
    const progress = createProgress({ stderr: stream, quiet: false })
    progress.update({ pages: 10, left: 990, users: 60 })
    await pass(59_000)
    expect(textOf(stream)).toBe('')
    progress.update({ pages: 1_210, left: 3_000, users: 72_600 })
    await pass(1_000)
    expect(textOf(stream)).toBe(
      'rolecast: 1,210 pages read, about 3,000 left (3 minutes); 72,600 users; 1,200 pages a minute\n',
    )
    await pass(10 * 60_000)
    expect(textOf(stream).match(/\n/g)).toHaveLength(10)
    progress.stop()
    await pass(10 * 60_000)
    expect(textOf(stream)).toBe('')
  })

  test('the time that is left follows what is known of the pages by now', async () => {
    const stream = new PassThrough()
    const progress = createProgress({ stderr: stream, quiet: false })
    progress.update({ pages: 0, left: 100_000, users: 0 })
    progress.update({ pages: 1_000, left: 99_000, users: 60_000 })
    await pass(60_000)
    expect(textOf(stream)).toContain('about 99,000 left (1 hour 39 minutes)')
    progress.update({ pages: 2_000, left: 8_000, users: 120_000 })
    await pass(60_000)
    expect(textOf(stream)).toContain('about 8,000 left (8 minutes)')
    progress.update({ pages: 10_000, left: 1, users: 600_000 })
    await pass(60_000)
    expect(textOf(stream)).toContain('about 1 left (1 minute)')
    progress.stop()
  })

  test('also while no page comes at all', async () => {
    const stream = new PassThrough()
    const progress = createProgress({ stderr: stream, quiet: false })
    await pass(3 * 60_000)
    expect(textOf(stream)).toBe('rolecast: still waiting for the first pages\n'.repeat(3))
    progress.stop()
  })

  test('other lines are written as they are', () => {
    const stream = new PassThrough()
    const progress = createProgress({ stderr: stream, quiet: false })
    progress.say('rolecast: trying again\n')
    expect(textOf(stream)).toBe('rolecast: trying again\n')
    progress.stop()
  })
})

describe('on a terminal', () => {
  function terminal(): PassThrough {
    const stream = new PassThrough()
    return Object.assign(stream, {
      isTTY: true,
      columns: 100,
      cursorTo: () => true,
      moveCursor: () => true,
      clearLine: () => true,
    } satisfies Partial<Record<keyof NodeJS.WriteStream, unknown>>) as PassThrough & Writable
  }

  test('one line is written again and again, at most ten times a second, and gone in the end', async () => {
    const stream = terminal()
    const progress = createProgress({ stderr: stream, quiet: false })
    progress.update({ pages: 10, left: 990, users: 60 })
    expect(textOf(stream)).toBe('\r\u001B[K10/1,000 calls | 60 users | 0.0 calls/s')
    await pass(99)
    progress.update({ pages: 11, left: 989, users: 66 })
    expect(textOf(stream)).toBe('')
    await pass(901)
    progress.update({ pages: 30, left: 970, users: 72_600 })
    expect(textOf(stream)).toBe('\r\u001B[K30/1,000 calls | 72,600 users | 20.0 calls/s | 48 seconds left')
    progress.stop()
    expect(textOf(stream)).toBe('\r\u001B[K')
  })

  test('it fits on the terminal: what wraps around could not be erased', () => {
    const stream = Object.assign(terminal(), { columns: 20 })
    createProgress({ stderr: stream, quiet: false }).update({ pages: 10, left: 990, users: 60 })
    expect(textOf(stream)).toBe('\r\u001B[K10/1,000 calls | 60')
  })

  test('a line takes the place of the bar, and no line comes by itself', async () => {
    const stream = terminal()
    const progress = createProgress({ stderr: stream, quiet: false })
    progress.say('before\n')
    expect(textOf(stream)).toBe('before\n')
    progress.update({ pages: 1, left: 9, users: 60 })
    textOf(stream)
    progress.say('between\n')
    expect(textOf(stream)).toBe('\r\u001B[Kbetween\n')
    progress.stop()
    textOf(stream)
    await pass(10 * 60_000)
    expect(textOf(stream)).toBe('')
  })
})
