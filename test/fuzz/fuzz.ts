import * as fc from 'fast-check'
import { inspect } from 'node:util'
import { isRolecastError } from '../../src/errors.js'
import type { Watchdog } from './watchdog.js'

/** Something that takes input from outside. */
export interface Parser {
  readonly name: string
  /** The functions that it goes through, by their exported names. */
  readonly covers: readonly string[]
  readonly input: fc.Arbitrary<unknown>
  readonly run: (input: never) => unknown
}

/** A parser with the type of its input. */
export function parser<T>(
  name: string,
  covers: readonly string[],
  input: fc.Arbitrary<T>,
  run: (input: T) => unknown,
): Parser {
  return { name, covers, input, run: run as (input: never) => unknown }
}

const MAX_MESSAGE = 10_000
/** What begins a line, moves a cursor, or ends a message. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u

/** What is wrong with how it ended; undefined if it returned, or failed as it should. */
function faultOf(error: unknown): string | undefined {
  if (!isRolecastError(error)) return `it throws ${inspect(error, { depth: 0 }).slice(0, 1_000)}`
  if (error.message.length > MAX_MESSAGE) return `its message has ${error.message.length} characters`
  return CONTROL.test(error.message)
    ? `its message has control characters: ${JSON.stringify(error.message)}`
    : undefined
}

const SHARED = [Object.prototype, Array.prototype, Function.prototype, Map.prototype, String.prototype]

function sharedState(): string {
  return JSON.stringify(SHARED.map(prototype => Reflect.ownKeys(prototype).map(String)))
}

/** In units of processor time. A unit is that of one loop, on this machine. */
const MAX_UNITS = 400

function unit(): number {
  const begin = process.cpuUsage()
  let sum = 0
  for (let index = 0; index < 5_000_000; index++) sum = (sum * 31 + index) | 0
  const { user, system } = process.cpuUsage(begin)
  return Math.max(user + system + (sum & 0), 1_000)
}

export interface FuzzOptions {
  /** So long, and until the last of five inputs. */
  readonly milliseconds: number
  /** Of the five inputs to see again, and no others. */
  readonly seed?: number | undefined
  readonly path?: string | undefined
  readonly watchdog?: Watchdog | undefined
  /** How much work one input may take. */
  readonly maxUnits?: number | undefined
}

/**
 * Runs it on inputs for a time. Whatever the input, it returns, or fails with a RolecastError whose message is short and
 * prints as one line; it takes a bounded amount of work, and leaves what all objects share as it was.
 *
 * @returns how many inputs there were
 * @throws what fast-check says of the first input that breaks the law, shrunk, with the seed and the path
 */
export async function fuzz(
  { name, input, run }: Parser,
  { milliseconds, seed, path, watchdog, maxUnits = MAX_UNITS }: FuzzOptions,
): Promise<number> {
  const before = sharedState()
  const limit = unit() * maxUnits
  let runs = 0
  const property = fc.asyncProperty(input, async value => {
    runs++
    watchdog?.enter(name, value)
    const begin = process.cpuUsage()
    let fault: string | undefined
    try {
      await run(value as never)
    } catch (error) {
      fault = faultOf(error)
    }
    const { user, system } = process.cpuUsage(begin)
    watchdog?.leave()
    if (user + system > limit) fault ??= `it takes ${Math.round((user + system) / 1_000)} ms of processor time`
    if (sharedState() !== before) fault ??= 'it changes what all objects share'
    if (fault !== undefined) throw new Error(`${name}: ${fault}`)
  })
  // Not fast-check's own limit of time: that leaves a run behind that goes on.
  const end = seed === undefined ? Date.now() + milliseconds : 0
  do {
    const replay = seed === undefined ? {} : { seed, ...(path !== undefined && { path, endOnFailure: true }) }
    await fc.assert(property, { numRuns: RUNS, ...replay })
  } while (Date.now() < end)
  return runs
}

const RUNS = 5
