import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { RolecastError, quote } from '../../errors.js'
import { type TextSource, unreadable } from '../json-text.js'

/** HCL as JSON, the way `@cdktn/hcl2json` gives it: blocks as lists, expressions as `${…}`. */
export type HclParser = (text: string, source: TextSource) => Promise<unknown>

/** In UTF-16 code units. The parser needs some 200 bytes a character; a real file has a tenth of this. */
export const MAX_HCL_LENGTH = 500_000

const PACKAGE = '@cdktn/hcl2json'

export interface HclParserOptions {
  /** Where the package is; throws if it is nowhere. Default: where Node finds it from here, as a dependency of this package. */
  readonly locate?: (() => string) | undefined
  /** In milliseconds, loading included: of the clock, so that it has to be long enough for a busy machine. Default 30,000. */
  readonly timeLimit?: number | undefined
}

// CommonJS, as code that is evaluated has to be: a file of its own would have to be found next to every bundle.
const WORKER = `
const { parentPort, workerData } = require('node:worker_threads')
const { parse } = require(workerData)
parentPort.on('message', text => parse('text', text).then(
  value => parentPort.postMessage({ value }),
  error => parentPort.postMessage({ error: String(error && error.message) }),
))
`

/** What is wrong with the text, and where it begins: `parse config: [text:9,3-4: Invalid argument name; …]`. */
const SYNTAX_ERROR = /\[text:(\d+),(\d+)-[^:]*: ([^\]]*)/

/**
 * Makes a parser of HCL. It runs `@cdktn/hcl2json`, a Go program that cannot be interrupted and does not recover from
 * what overflows its stack, in a thread of its own: what takes too long, or breaks it, costs that thread and is an error.
 * The thread starts with the first text and does not keep the process alive.
 *
 * @throws RolecastError, as rejections: `missing-package` if a broken installation lacks it, `invalid-input` for what is no HCL
 */
export function createHclParser({ locate = locatePackage, timeLimit = 30_000 }: HclParserOptions = {}): HclParser {
  let thread: Worker | undefined
  let last: Promise<unknown> = Promise.resolve()

  const start = () => {
    // Its output is the Go runtime's, when it breaks. A larger stack only lets it use more memory before.
    const limits = { stdout: true, stderr: true, resourceLimits: { stackSizeMb: 1 } }
    const worker = new Worker(WORKER, { eval: true, workerData: find(locate), ...limits })
    worker.unref()
    return worker
  }

  const ask = (text: string, source: TextSource) =>
    new Promise<unknown>((resolve, reject) => {
      const worker = (thread ??= start())
      const settle = (settled: () => void, isBroken: boolean) => {
        clearTimeout(timer)
        worker.off('error', onFailure).off('exit', onFailure).off('message', onMessage).unref()
        if (isBroken) {
          thread = undefined
          void worker.terminate()
        }
        settled()
      }
      const fail = (what: string, cause?: unknown) =>
        settle(() => reject(unreadable(source, what, undefined, cause)), true)
      const onFailure = (cause: unknown) => fail('its parser failed', cause)
      const onMessage = ({ value, error }: { readonly value?: unknown; readonly error?: string }) => {
        if (error === undefined) return settle(() => resolve(value), false)
        const syntax = SYNTAX_ERROR.exec(error)
        if (syntax === null) return fail('its parser failed', new Error(error))
        const at = { line: Number(syntax[1]), column: Number(syntax[2]) }
        return settle(() => reject(unreadable(source, lowerFirst(syntax[3]!), at)), false)
      }
      const timer = setTimeout(() => fail(`it takes longer than ${timeLimit} ms to parse`), timeLimit)
      worker.on('error', onFailure).on('exit', onFailure).on('message', onMessage).ref()
      worker.postMessage(text, [])
    })

  return (text, source) => {
    if (text.length > MAX_HCL_LENGTH)
      return Promise.reject(unreadable(source, `it is longer than ${MAX_HCL_LENGTH} characters`))
    const result = last.then(() => ask(text, source))
    // One text at a time: the thread does not say which text a result is of.
    last = result.catch(() => {})
    return result
  }
}

/** One for all calls. */
export const sharedParser = createHclParser()

function lowerFirst(text: string): string {
  const sentence = text.split('. ')[0]!.replace(/\.$/, '')
  return `${sentence.slice(0, 1).toLowerCase()}${sentence.slice(1).replaceAll(';', ':')}`
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
