import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Checkpoint, openCheckpoint } from '../../../src/cognito/memberships/checkpoint.js'
import { type LockHolder, newHolder, stateOf } from '../../../src/cognito/memberships/lock-holder.js'
import { failureOf } from '../../failure-of.js'

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5)
const READ = { userPoolId: 'eu-west-1_a' }
const isLinux = process.platform === 'linux'

let root = ''
let path = ''
let files = 0
beforeAll(async () => void (root = await mkdtemp(join(tmpdir(), 'rolecast-lock-'))))
afterAll(() => rm(root, { recursive: true, force: true }))
beforeEach(() => void (path = join(root, `${files++}.checkpoint`)))

const children: ChildProcess[] = []
afterEach(() => children.splice(0).forEach(child => child.kill('SIGKILL')))
/** The number of a process that runs until the test ends. */
function running(): number {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'])
  children.push(child)
  return child.pid!
}
/** The number of a process that is gone. */
const gone = () => Number(execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }))

const holder = async (over: Partial<LockHolder> = {}): Promise<LockHolder> => ({ ...(await newHolder(NOW)), ...over })
const opened = (takeOver = false) => openCheckpoint(path, { read: READ, now: () => NOW, maxAge: Infinity, takeOver })

async function lockedBy(one: LockHolder | string): Promise<void> {
  await writeFile(`${path}.lock`, typeof one === 'string' ? one : JSON.stringify(one))
}

async function recordsOf(checkpoint: Checkpoint): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const record of checkpoint.records()) found.push(record)
  return found
}

/** The one of these that is opened; the others are told that it is in use. */
async function winnerOf(openings: readonly Promise<Checkpoint>[]): Promise<Checkpoint> {
  const outcomes = await Promise.allSettled(openings)
  const winners = outcomes.flatMap(outcome => (outcome.status === 'fulfilled' ? outcome.value : []))
  const losers = outcomes.flatMap(outcome => (outcome.status === 'rejected' ? outcome.reason : []))
  expect(winners).toHaveLength(1)
  for (const error of losers)
    expect(error).toMatchObject({ code: 'invalid-input', message: expect.stringMatching(/it is in use by/) })
  return winners[0]!
}

describe('whether the holder of a lock runs', () => {
  test('this process does', async () => {
    expect(await stateOf(await holder())).toBe('running')
  })

  test('a process that is gone has ended', async () => {
    expect(await stateOf(await holder({ pid: gone() }))).toBe('ended')
  })

  test('a process whose number another one has now has ended: the other was started at another time', async () => {
    await sleep(50)
    const reused = await holder({ pid: running() })
    expect(await stateOf(reused)).toBe(reused.started === undefined ? 'unknown' : 'ended')
  })

  test.runIf(isLinux)('a process that its parent has not asked about has ended', async () => {
    // The shell becomes a program that knows nothing of the child that it has.
    const parent = spawn('/bin/sh', ['-c', '/bin/sleep 1 & echo $!; exec /bin/sleep 30'])
    children.push(parent)
    const pid = await new Promise<number>(resolve => parent.stdout.once('data', text => resolve(Number(text))))
    const stat = () => readFile(`/proc/${pid}/stat`, 'latin1')
    const started = (await stat()).split(') ')[1]!.split(' ')[19]!
    expect(await stateOf(await holder({ pid, started })), 'control: before it ends').toBe('running')
    while (!(await stat()).includes(') Z ')) await sleep(10)
    expect(await stateOf(await holder({ pid, started }))).toBe('ended')
  })

  test.runIf(isLinux).each([
    ['on another machine', { host: 'elsewhere' }],
    ['on a machine, or of a container, with the same name', {}],
  ])('of one %s nothing is known, whatever its number is', async (_where, over) => {
    const { scope = '' } = await holder()
    const [boot, ...namespaces] = scope.split(' ')
    expect(namespaces).toEqual([expect.stringMatching(/^pid:\[\d+\]$/), expect.stringMatching(/^time:\[\d+\]$|^-$/)])
    for (const other of [
      `${'0'.repeat(36)} ${namespaces.join(' ')}`,
      `${boot} pid:[1] ${namespaces[1]}`,
      `${boot} ${namespaces[0]} time:[1]`,
      undefined,
    ])
      for (const pid of [process.pid, gone(), running()])
        expect(await stateOf(await holder({ ...over, pid, scope: other })), `${other} ${pid}`).toBe('unknown')
  })

  test.runIf(isLinux)('one on a machine that was given another name meanwhile is seen all the same', async () => {
    expect(await stateOf(await holder({ host: 'the name before' }))).toBe('running')
    expect(await stateOf(await holder({ host: 'the name before', pid: gone() }))).toBe('ended')
  })

  test('of one whose start is not in the lock, and whose number some process has, nothing is known', async () => {
    expect(await stateOf(await holder({ started: undefined }))).toBe('unknown')
    expect(await stateOf(await holder({ started: undefined, pid: gone() }))).toBe('ended')
  })

  describe('on other systems', () => {
    async function on(platform: string) {
      vi.resetModules()
      vi.doMock('node:process', async original => ({ ...(await original<object>()), platform }))
      return import('../../../src/cognito/memberships/lock-holder.js')
    }
    afterEach(() => {
      vi.doUnmock('node:process')
      vi.resetModules()
    })

    test.runIf(existsSync('/bin/ps'))('`ps` says when a process was started, to the second', async () => {
      const mac = await on('darwin')
      const own = await mac.newHolder(NOW)
      expect(own).toMatchObject({
        scope: `darwin ${hostname()}`,
        started: expect.stringMatching(/^\w{3} \w{3} \d+ [\d:]{8} \d{4}$/),
      })
      expect(await mac.stateOf(own)).toBe('running')
      expect(await mac.stateOf({ ...own, pid: gone() })).toBe('ended')
      expect(await mac.stateOf({ ...own, started: 'Sun Jan 4 00:00:00 2026' })).toBe('ended')
      expect(await mac.stateOf({ ...own, scope: 'darwin elsewhere' })).toBe('unknown')
    })

    test('on Windows only a process that is gone has ended; one with the same number may be another', async () => {
      const windows = await on('win32')
      const own = await windows.newHolder(NOW)
      expect(own).toMatchObject({ scope: `win32 ${hostname()}`, started: undefined })
      expect(await windows.stateOf(own)).toBe('unknown')
      expect(await windows.stateOf({ ...own, pid: gone() })).toBe('ended')
    })
  })
})

describe('taking a lock over', () => {
  const elsewhere = () => holder({ host: 'build-7', pid: 4711, scope: 'elsewhere' })

  test('of a process that cannot be seen is taken over only with `takeOver`, and the message says so', async () => {
    await lockedBy(await elsewhere())
    const { message } = await failureOf(() => opened())
    expect(message).toBe(
      `the checkpoint \`${path}\` cannot be used: it is in use by process 4711 on build-7 since 2026-01-02T03:04:05.000Z, and it cannot be seen from here whether that process still runs; wait until it ends, give the path of another file, or set \`takeOver\` if it has ended already`,
    )
    await (await opened(true)).close()
    expect(await readdir(root)).not.toContain(`${files - 1}.checkpoint.lock`)
  })

  test('of a process that is seen to run is never taken over', async () => {
    const checkpoint = await opened()
    const { message } = await failureOf(() => opened(true))
    expect(message).toMatch(/it is in use by process \d+ on .*; wait until it ends or give the path of another file$/)
    await checkpoint.append({ page: 1 })
    await checkpoint.close()
  })

  test.runIf(isLinux)('of a number that another process has now needs no word', async () => {
    await sleep(50)
    await lockedBy(await holder({ pid: running() }))
    await (await opened()).close()
  })

  test.each(['', 'mine', '{}', '{"pid":1,"host":"a","id":"x"}'])(
    'of a lock with %j, which a full disk or a kill can leave, needs `takeOver`',
    async text => {
      await lockedBy(text)
      expect((await failureOf(() => opened())).message).toMatch(
        /in use by another process; wait until that ends, give the path of another file, or set `takeOver` if/,
      )
      await (await opened(true)).close()
    },
  )

  test('at the same time succeeds for exactly one, whichever holder there was', async () => {
    for (let round = 0; round < 20; round++) {
      await lockedBy(round % 3 === 0 ? '' : await elsewhere())
      const checkpoint = await winnerOf(Array.from({ length: 8 }, (_, taker) => opened(round % 2 === 0 || taker < 4)))
      expect(JSON.parse(await readFile(`${path}.lock`, 'utf8'))).toMatchObject({ pid: process.pid })
      await checkpoint.append({ round })
      await checkpoint.close()
    }
    expect((await readdir(root)).filter(name => name.startsWith(`${files - 1}.`))).toEqual([`${files - 1}.checkpoint`])
  })

  test('that was itself interrupted elsewhere is finished with `takeOver`', async () => {
    const before = await elsewhere()
    await lockedBy(before)
    await writeFile(`${path}.lock.${before.id}`, JSON.stringify(await elsewhere()))
    expect((await failureOf(() => opened())).message).toContain('process 4711 on build-7')
    await (await winnerOf([opened(true), opened(true), opened(true)])).close()
  })
})

describe('a process whose lock was taken over, though it runs', () => {
  async function takenOver(): Promise<{ readonly first: Checkpoint; readonly second: Checkpoint }> {
    const first = await opened()
    await first.append({ page: 1 })
    // To the other one it looks as if it were elsewhere.
    await lockedBy(await holder({ host: 'other', scope: 'other' }))
    return { first, second: await opened(true) }
  }

  test('writes nothing more, and names the process that took it over', async () => {
    const { first, second } = await takenOver()
    expect((await failureOf(() => first.append({ page: 2 }))).message).toMatch(
      new RegExp(`: process ${process.pid} on .* took over its lock while it was in use; let one command use`),
    )
    await second.append({ page: 'two' })
    expect(await recordsOf(second)).toEqual([{ page: 1 }, { page: 'two' }])
    // What failed once fails again.
    await first.close().catch(() => {})
    await second.append({ page: 'three' })
    await second.close()
    const third = await opened()
    expect(await recordsOf(third)).toHaveLength(3)
    await third.remove()
  })

  test('removes neither the file nor the lock', async () => {
    const { first, second } = await takenOver()
    await first.remove()
    await second.append({ page: 2 })
    expect(await recordsOf(second)).toEqual([{ page: 1 }, { page: 2 }])
    await second.close()
    expect(await readFile(path, 'utf8')).toContain('"page":2')
  })

  test('likewise if the lock was removed', async () => {
    const first = await opened()
    await rm(`${path}.lock`)
    expect((await failureOf(() => first.append({ page: 1 }))).message).toMatch(
      /its lock was removed while it was in use/,
    )
    // What failed once fails again.
    await first.close().catch(() => {})
  })

  test('control: nothing of it happens to one that has its lock', async () => {
    const first = await opened()
    await first.append({ page: 1 })
    expect(await readdir(root)).toContain(`${files - 1}.checkpoint.lock`)
    await first.remove()
    expect((await readdir(root)).filter(name => name.startsWith(`${files - 1}.`))).toEqual([])
  })
})
