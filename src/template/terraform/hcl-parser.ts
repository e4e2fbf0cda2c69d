import { type TextSource, unreadable } from '../json-text.js'
import { type HclResult, type HclThread, startHclThread } from './hcl-thread.js'

/** HCL as JSON, the way `@cdktn/hcl2json` gives it: blocks as lists, expressions as `${…}`. */
export type HclParser = (text: string, source: TextSource) => Promise<unknown>

/** In UTF-16 code units. The parser needs some 200 bytes a character; a real file has a tenth of this. */
export const MAX_HCL_LENGTH = 500_000

export interface HclParserOptions {
  /**
   * Where the package is; throws if it is nowhere. Default: where Node finds it from here, as a dependency of this
   * package.
   */
  readonly locate?: (() => string) | undefined
  /**
   * In milliseconds, loading included: of the clock, so that it has to be long enough for a busy machine. Default
   * 30,000.
   */
  readonly timeLimit?: number | undefined
}

/** What is wrong with the text, and where it begins: `parse config: [text:9,3-4: Invalid argument name; …]`. */
const SYNTAX_ERROR = /\[text:(\d+),(\d+)-[^:]*: ([^\]]*)/

/**
 * Makes a parser of HCL. It runs `@cdktn/hcl2json`, a Go program that cannot be interrupted and does not recover from
 * what overflows its stack, in a thread of its own: what takes too long, or breaks it, costs that thread and is an
 * error. The thread starts with the first text and does not keep the process alive.
 *
 * @throws RolecastError, as rejections: `missing-package` if a broken installation lacks it, `invalid-input` for anything other than HCL
 */
export function createHclParser({ locate, timeLimit = 30_000 }: HclParserOptions = {}): HclParser {
  let thread: HclThread | undefined
  let last: Promise<unknown> = Promise.resolve()

  const ask = async (text: string, source: TextSource) => {
    const running = (thread ??= await startHclThread(locate))
    return new Promise<unknown>((resolve, reject) => {
      const fail = (what: string, cause?: unknown) => {
        clearTimeout(timer)
        thread = undefined
        running.stop()
        reject(unreadable(source, what, undefined, cause))
      }
      const onFailure = (cause: unknown) => fail('its parser failed', cause)
      const onResult = ({ value, error }: HclResult) => {
        const syntax = error === undefined ? undefined : SYNTAX_ERROR.exec(error)
        if (syntax === null) return fail('its parser failed', new Error(error))
        clearTimeout(timer)
        if (syntax === undefined) return resolve(value)
        const at = { line: Number(syntax[1]), column: Number(syntax[2]) }
        reject(unreadable(source, lowerFirst(syntax[3]!), at))
      }
      const timer = setTimeout(() => fail(`it takes longer than ${timeLimit} ms to parse`), timeLimit)
      running.parse(text, { onResult, onFailure })
    })
  }

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
