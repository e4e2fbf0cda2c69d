import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { RolecastError, quote } from '../../errors.js'

/** What the parser says of one text: the JSON it makes, or its error in words. */
export interface HclResult {
  readonly value?: unknown
  readonly error?: string
}

export interface HclListener {
  readonly onResult: (result: HclResult) => void
  /** The thread has ended, or will never say anything. It has to be stopped. */
  readonly onFailure: (cause: unknown) => void
}

/** A thread that runs the parser, one text at a time. */
export interface HclThread {
  /** Parses a text, and calls the listener once. */
  parse(text: string, listener: HclListener): void
  /** Ends it, whatever it is doing. A listener is not called any more. */
  stop(): void
}

const PACKAGE = '@cdktn/hcl2json'

// CommonJS, as code that is evaluated has to be: a file of its own would have to be found next to every bundle.
const WORKER = `
const { parentPort, workerData } = require('node:worker_threads')
const { parse } = require(workerData)
parentPort.on('message', text => parse('text', text).then(
  value => parentPort.postMessage({ value }),
  error => parentPort.postMessage({ error: String(error && error.message) }),
))
`

/**
 * Starts a thread of Node.js. While it has no text, it does not keep the process alive.
 *
 * In a browser `hcl-thread.browser.ts` takes the place of this file; there it is a promise, and loading counts for no time limit.
 *
 * @param locate where the package is; throws if it is nowhere
 * @throws RolecastError `missing-package` if a broken installation lacks it
 */
export function startHclThread(locate: () => string = locatePackage): HclThread | Promise<HclThread> {
  // Its output is the Go runtime's, when it breaks. A larger stack only lets it use more memory before.
  const limits = { stdout: true, stderr: true, resourceLimits: { stackSizeMb: 1 } }
  const worker = new Worker(WORKER, { eval: true, workerData: find(locate), ...limits })
  worker.unref()
  let detach: (() => void) | undefined
  return {
    parse(text, { onResult, onFailure }) {
      detach = () => void worker.off('error', onError).off('exit', onError).off('message', onMessage).unref()
      const onError = (cause: unknown) => {
        detach?.()
        onFailure(cause)
      }
      const onMessage = (result: HclResult) => {
        detach?.()
        onResult(result)
      }
      worker.on('error', onError).on('exit', onError).on('message', onMessage).ref()
      worker.postMessage(text, [])
    },
    stop() {
      detach?.()
      void worker.terminate()
    },
  }
}

function locatePackage(): string {
  return createRequire(import.meta.url).resolve(PACKAGE)
}

function find(locate: () => string): string {
  try {
    return locate()
  } catch (cause) {
    const message = `the package ${quote(PACKAGE)}, which reads Terraform's HCL, is missing from the installation; install rolecast again`
    throw new RolecastError('missing-package', message, { value: PACKAGE, cause })
  }
}
