import { once } from 'node:events'
import { inspect } from 'node:util'
import { Worker } from 'node:worker_threads'

/** Ends a process in which one input takes for ever, and says which. */
export interface Watchdog {
  enter(name: string, input: unknown): void
  leave(): void
  close(): Promise<number>
}

const TEXT_BYTES = 100_000

// A thread of its own: the thread that hangs runs nothing else.
const WATCH = `
const { parentPort, workerData } = require('node:worker_threads')
const { writeSync } = require('node:fs')
const { entered, isInside, length, text, seconds } = workerData
let [seen, waited] = [-1, 0]
setInterval(() => {
  const now = Atomics.load(entered, 0)
  waited = now === seen && Atomics.load(isInside, 0) === 1 ? waited + 1 : 0
  seen = now
  if (waited < seconds) return
  const input = Buffer.from(text.slice(0, Atomics.load(length, 0))).toString()
  writeSync(2, 'no end after ' + seconds + ' seconds: ' + input + '\\n')
  process.kill(process.pid, 'SIGKILL')
}, 1000)
parentPort.postMessage('ready')
`

/** @param seconds for which one input may take, at most */
export async function createWatchdog(seconds = 60): Promise<Watchdog> {
  const entered = new Int32Array(new SharedArrayBuffer(4))
  const isInside = new Int32Array(new SharedArrayBuffer(4))
  const length = new Int32Array(new SharedArrayBuffer(4))
  const text = new Uint8Array(new SharedArrayBuffer(TEXT_BYTES))
  const workerData = { entered, isInside, length, text, seconds }
  const worker = new Worker(WATCH, { eval: true, execArgv: [], workerData })
  // It cannot start once this thread hangs.
  await once(worker, 'message')
  worker.unref()
  const encoder = new TextEncoder()
  return {
    enter(name, input) {
      const shown = typeof input === 'string' ? JSON.stringify(input) : inspect(input, { depth: 20 })
      const bytes = encoder.encode(`${name}: ${shown}`).subarray(0, TEXT_BYTES)
      text.set(bytes)
      Atomics.store(length, 0, bytes.length)
      Atomics.add(entered, 0, 1)
      Atomics.store(isInside, 0, 1)
    },
    leave() {
      Atomics.store(isInside, 0, 0)
    },
    close: () => worker.terminate(),
  }
}
