import { checkSync } from 'recheck'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { AUDIT_PAGE_SCRIPT } from '../src/report/audit-page-script.js'
import { type Pattern, patternsOf, sourceFiles } from './patterns.js'

/**
 * The patterns that may stay though the checker objects to them or cannot judge them, by their text between slashes, each
 * with the reason.
 */
const EXCEPTIONS: ReadonlyMap<string, string> = new Map<string, string>([])

/** In milliseconds, for one pattern: the slowest takes 3 seconds on an idle machine. */
const TIME_LIMIT = 120_000

/** By work and not by time, so that a busy machine finds the same. `safe`, or what is wrong: `exponential`, `2nd degree polynomial`, `unknown: timeout`. */
function judge({ source, flags }: Pick<Pattern, 'source' | 'flags'>): string {
  const found = checkSync(source, flags, { timeout: TIME_LIMIT, attackTimeout: null, incubationTimeout: null })
  if (found.status === 'unknown') return `unknown: ${found.error.kind}`
  return found.status === 'safe' ? 'safe' : found.complexity.summary
}

interface Objection {
  readonly where: string
  readonly pattern: string
  readonly why: string
}

/** What is not safe and no exception, and the exceptions that none needs. */
function check(
  patterns: readonly Pattern[],
  exceptions: ReadonlyMap<string, string>,
): { readonly objections: readonly Objection[]; readonly stale: readonly string[] } {
  const distinct = new Map(patterns.map(pattern => [`/${pattern.source}/${pattern.flags}`, pattern]))
  const found = [...distinct].map(([text, pattern]) => ({ where: pattern.where, pattern: text, why: judge(pattern) }))
  const unsafe = found.filter(({ why }) => why !== 'safe')
  return {
    objections: unsafe.filter(({ pattern }) => !exceptions.has(pattern)),
    stale: [...exceptions.keys()].filter(text => !unsafe.some(({ pattern }) => pattern === text)),
  }
}

// What is measured is the same on every machine: its native programs and its JVM are not needed.
beforeAll(() => {
  vi.stubEnv('RECHECK_BACKEND', 'pure')
  vi.stubEnv('RECHECK_SYNC_BACKEND', 'pure')
})

describe('no pattern takes more than linear time, whatever its input', () => {
  // The script of the page runs in a browser; to the compiler it is a text.
  const files = [...sourceFiles(), ['report/audit-page-script.js', AUDIT_PAGE_SCRIPT] as const]
  const read = files.map(([path, text]) => patternsOf(path, text))
  const patterns = read.flatMap(file => file.patterns)

  test('every pattern of the source is read', () => {
    expect(read.flatMap(({ unread }) => unread)).toEqual([])
    expect(patterns.length).toBeGreaterThan(140)
    for (const path of ['aws-ids.ts', 'rules/mapping-rules.ts', 'template/terraform/hcl-blocks.ts'])
      expect(patterns.some(({ where }) => where.startsWith(`${path}:`))).toBe(true)
    expect(patternsOf('page.js', `${AUDIT_PAGE_SCRIPT}\nconst x = /a/`).patterns.length).toBeGreaterThan(0)
  })

  test('every pattern is safe, or an exception with a reason, and no exception is stale', { timeout: 600_000 }, () => {
    expect(check(patterns, EXCEPTIONS)).toEqual({ objections: [], stale: [] })
    expect([...EXCEPTIONS.values()].filter(reason => !/\w+ \w+ \w+/.test(reason))).toEqual([])
  })
})

describe('controls', () => {
  const planted = (code: string) => patternsOf('planted.ts', code).patterns
  const whyOf = (code: string) => check(planted(code), new Map()).objections.map(({ why }) => why)

  test.each([
    ['an exponential pattern', 'const x = /(a+)+$/', 'exponential'],
    ['the one that took 72 seconds', String.raw`text.replaceAll(/\$\{[^}]*\}/g, '')`, '2nd degree polynomial'],
    ['one that is put together', "const a = '(a+)+'\nconst b = new RegExp(`^${a}$`, 'u')", 'exponential'],
    ['one of raw text', 'RegExp(String.raw`\\s+$`)', '2nd degree polynomial'],
  ])('%s fails', (_, code, why) => {
    expect(whyOf(code)).toEqual([why])
  })

  test('a safe pattern passes', () => {
    expect(whyOf('const x = /^a+$/')).toEqual([])
  })

  test('an exception lets one pattern pass, and is stale without it', () => {
    const exceptions = new Map([['/(a+)+$/', 'a reason of words']])
    expect(check(planted('const x = /(a+)+$/'), exceptions)).toEqual({ objections: [], stale: [] })
    expect(check(planted('const x = /a/'), exceptions)).toEqual({ objections: [], stale: ['/(a+)+$/'] })
  })

  test('a pattern that is not made of constants of its file is reported', () => {
    const unread = (code: string) => patternsOf('planted.ts', code).unread
    expect(unread('new RegExp(given)')).toEqual(['planted.ts:1: new RegExp(given)'])
    expect(unread('new RegExp(`a${given}`)')).toHaveLength(1)
    expect(unread("new RegExp('a', given)")).toHaveLength(1)
    expect(unread("text.match('(a+)+$')")).toHaveLength(1)
  })
})
