import { RolecastError } from '../../errors.js'
import type { HclResult, HclThread } from './hcl-thread.js'

/** As much of a Web Worker as is used: the types of this project are Node's, which has none. */
interface WebWorker {
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void, options: Once): void
  addEventListener(type: 'error', listener: (event: { readonly message?: string }) => void, options: Once): void
  postMessage(message: unknown, transfer: readonly []): void
  terminate(): void
}
interface Once {
  readonly once: true
  readonly signal: AbortSignal
}
declare const Worker: new (url: string) => WebWorker

/**
 * What `@cdktn/hcl2json` does in Node.js, in a worker: its Go program is decompressed, started and asked. Go's own loader, which
 * comes before this text, sets `Go`. The program sets its functions on an object that it finds under `global`, as Node.js has it.
 */
const WORKER = `
;{
  // The Go runtime prints here when it breaks, which is an error of the text and no message of the page.
  console.log = console.warn = console.error = () => {}
  const functions = {}
  globalThis.global = { __parse_terraform_config_wasm__: functions }
  let ended
  const start = async program => {
    const bytes = new Response(new Blob([program]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer()
    const go = new Go()
    const { instance } = await WebAssembly.instantiate(await bytes, go.importObject)
    ended = go.run(instance).then(() => Promise.reject(new Error('the Go program has ended')))
    if (functions.parse === undefined) await ended
  }
  const parse = async text => {
    const parsed = new Promise((resolve, reject) =>
      functions.parse('text', text, (error, value) => (error ? reject(new Error(error)) : resolve(value))),
    )
    return JSON.parse(await Promise.race([parsed, ended]))
  }
  const send = promise => promise.then(postMessage, error => postMessage({ error: String(error && error.message) }))
  onmessage = ({ data: { program, text } }) =>
    send(program === undefined ? parse(text).then(value => ({ value })) : start(program).then(() => ({})))
}
`

/**
 * Starts a Web Worker with the parser in it, both of which are loaded now: they are by far the largest part of the reader.
 *
 * @throws RolecastError `missing-package`, as a rejection, if the page cannot load or start it
 */
export async function startHclThread(): Promise<HclThread> {
  const worker = await startWorker()
  return {
    parse(text, { onResult, onFailure }) {
      ask(worker, { text }).then(onResult, onFailure)
    },
    stop() {
      worker.terminate()
    },
  }
}

async function startWorker(): Promise<WebWorker> {
  let worker: WebWorker | undefined
  try {
    const { loader, program } = await import('./hcl-program.browser.js')
    const url = URL.createObjectURL(new Blob([loader, WORKER], { type: 'text/javascript' }))
    worker = new Worker(url)
    const { error } = await ask(worker, { program }).finally(() => URL.revokeObjectURL(url))
    if (error !== undefined) throw new Error(error)
    return worker
  } catch (cause) {
    worker?.terminate()
    const next =
      "serve all files of the bundle, allow `blob:` in `worker-src` and `'wasm-unsafe-eval'` in `script-src`, or give the plan (`terraform show -json`)"
    throw new RolecastError('missing-package', `the page cannot load the parser of Terraform's HCL; ${next}`, { cause })
  }
}

/** What the worker says to one message. It has one at a time. */
function ask(worker: WebWorker, message: unknown): Promise<HclResult> {
  return new Promise((resolve, reject) => {
    const settled = new AbortController()
    const once = { once: true, signal: settled.signal } as const
    const settle = (how: () => void) => {
      settled.abort()
      how()
    }
    worker.addEventListener('message', ({ data }) => settle(() => resolve(data as HclResult)), once)
    const failed = ({ message: cause }: { readonly message?: string }) =>
      settle(() => reject(new Error(cause ?? 'the worker cannot be started')))
    worker.addEventListener('error', failed, once)
    worker.postMessage(message, [])
  })
}
