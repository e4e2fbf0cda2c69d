import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Diagram, DIAGRAMS, diagramFiles, drawDiagram, FONT_SIZE, THEMES, WIDTH } from '../docs/diagrams.js'
import { executablePath } from './report/chromium.js'

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8')
const names = DIAGRAMS.map(({ name }) => name)

/** The files that are not what the script draws. */
function outdated(drawn: readonly (readonly [string, string])[], read: (path: string) => string): readonly string[] {
  return drawn.filter(([path, svg]) => read(`docs/${path}`) !== svg).map(([path]) => path)
}

/** Everything but the colors. */
const withoutStyle = (svg: string) => svg.replace(/<style>[^]*?<\/style>/, '')

describe('the committed diagrams', () => {
  test('are what the script draws, and no others', () => {
    expect(outdated(diagramFiles(), read)).toEqual([])
    const files = readdirSync(fileURLToPath(new URL('../docs/diagrams', import.meta.url)))
    expect(files.map(file => `diagrams/${file}`).toSorted()).toEqual(
      diagramFiles()
        .map(([path]) => path)
        .toSorted(),
    )
  })

  test('control: a diagram with another word is noticed, in both colors', () => {
    const [first, ...others] = DIAGRAMS as [Diagram, ...Diagram[]]
    expect(outdated(diagramFiles([{ ...first, title: 'Another title' }, ...others]), read)).toEqual([
      `diagrams/${first.name}-light.svg`,
      `diagrams/${first.name}-dark.svg`,
    ])
  })

  test.each(names)('%s has the same text in the same place in light and in dark', name => {
    const light = withoutStyle(read(`docs/diagrams/${name}-light.svg`))
    expect(withoutStyle(read(`docs/diagrams/${name}-dark.svg`))).toBe(light)
    expect(light.match(/<text /g)!.length).toBeGreaterThan(10)
  })

  test.each(names)('%s is an image with a title and a description, and loads nothing', name => {
    const svg = read(`docs/diagrams/${name}-light.svg`)
    expect(svg).toContain(`role="img" aria-labelledby="${name}-title ${name}-description"`)
    expect(svg).toMatch(new RegExp(`<title id="${name}-title">[^<]{10,}</title>`))
    expect(svg).toMatch(new RegExp(`<desc id="${name}-description">[^<]{200,}</desc>`))
    expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(
      /https?:|@import|@font-face|<script|<image| on\w+=|href/,
    )
  })
})

describe('the numbers of the diagrams', () => {
  const textOf = (name: string) =>
    withoutStyle(read(`docs/diagrams/${name}-light.svg`))
      .replace(/<\/text>/g, ' ')
      .replace(/<[^>]*>/g, '')
      .replace(/\s+/g, ' ')

  /** The default of an option in seconds, as the page of caching has it. */
  function documented(option: string): number {
    const row = read('docs/caching.md')
      .split('\n')
      .find(line => line.startsWith(`| \`${option}\` |`))!
    return Number(/\| ([\d ]+) ms \|/.exec(row)![1]!.replaceAll(' ', '')) / 1000
  }

  test('are those of docs/caching.md', () => {
    for (const option of ['ttl', 'negativeTtl']) expect(textOf('cache')).toContain(`${option} ${documented(option)} s`)
    expect(textOf('authorizer')).toContain(`ttl ${documented('ttl')} s`)
    expect(textOf('cache')).toMatch(/staleWhileRevalidate \(off\).*staleIfError \(off\)/)
  })

  test('control: another number is not there', () => {
    expect(textOf('cache')).not.toContain(`negativeTtl ${documented('ttl')} s`)
  })
})

/** WCAG's contrast ratio of two colors. */
function contrast(one: string, other: string): number {
  const luminance = (color: string) => {
    const [red, green, blue] = [1, 3, 5].map(at => {
      const part = Number.parseInt(color.slice(at, at + 2), 16) / 255
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!
  }
  const [light, dark] = [luminance(one), luminance(other)].toSorted((a, b) => b - a)
  return (light! + 0.05) / (dark! + 0.05)
}

type Theme = (typeof THEMES)[keyof typeof THEMES]

/** The pairs of colors that are too close: 4.5 for text, 3 for a line that means something (WCAG 2.2, AA). */
function tooClose({ ground, text, note, line, owners }: Theme): readonly string[] {
  const pairs: readonly (readonly [name: string, one: string, other: string, least: number])[] = [
    ['text on the ground', text, ground, 4.5],
    ['note on the ground', note, ground, 4.5],
    ['line on the ground', line, ground, 3],
    ...Object.entries(owners).flatMap(([owner, { fill, border }]) => [
      [`text on ${owner}`, text, fill, 4.5] as const,
      [`border of ${owner} inside`, border, fill, 3] as const,
      [`border of ${owner} outside`, border, ground, 3] as const,
    ]),
  ]
  return pairs.filter(([, one, other, least]) => contrast(one, other) < least).map(([name]) => name)
}

describe('the colors of the diagrams', () => {
  test.each(Object.entries(THEMES))('have enough contrast: %s', (_, theme) => {
    expect(tooClose(theme)).toEqual([])
  })

  test('control: gray on white is noticed, and the ratio is that of WCAG', () => {
    expect(tooClose({ ...THEMES.light, note: '#999999' as never })).toEqual(['note on the ground'])
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21)
    expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2)
  })
})

describe('the pages with diagrams', () => {
  /** The page that has a diagram, and the path from there. */
  const PLACES: Readonly<Record<string, readonly [page: string, folder: string]>> = {
    chain: ['README.md', './docs/diagrams'],
    authorizer: ['docs/authorizer.md', './diagrams'],
    cache: ['docs/caching.md', './diagrams'],
    audit: ['docs/audit.md', './diagrams'],
  }

  /** The words that stand in for a diagram, if a page shows it in light and in dark. */
  function alternative(page: string, folder: string, name: string): string | undefined {
    const source = `<source media="\\(prefers-color-scheme: dark\\)" srcset="${folder}/${name}-dark.svg">`
    return new RegExp(`<picture>${source}<img alt="([^"]*)" src="${folder}/${name}-light.svg"></picture>`).exec(
      page,
    )?.[1]
  }

  test.each(names)('%s is on its page, with a sentence for those who do not see it', name => {
    const [page, folder] = PLACES[name]!
    expect(alternative(read(page), folder, name)).toMatch(/^[A-Z].{80,}\.$/)
  })

  test('control: a page that shows the light one only, or another one, is noticed', () => {
    const page = read('README.md')
    expect(alternative(page.replace('chain-dark', 'chain-light'), './docs/diagrams', 'chain')).toBeUndefined()
    expect(alternative(page, './docs/diagrams', 'cache')).toBeUndefined()
  })
})

/**
 * Runs in the page, and finds the texts that leave their box or the picture, or that meet another text. The smallest rectangle around
 * the place where a text begins is its box; the ground is around all of them.
 */
const MISPLACED = `() => {
  const within = (inner, outer, margin) =>
    inner.left >= outer.left + margin && inner.right <= outer.right - margin && inner.top >= outer.top && inner.bottom <= outer.bottom
  const meet = (one, other) =>
    one.left < other.right && other.left < one.right && one.top + 4 < other.bottom && other.top + 4 < one.bottom
  const rects = [...document.querySelectorAll('rect')].map(rect => rect.getBoundingClientRect())
  const texts = [...document.querySelectorAll('text')]
    .map(element => ({ words: element.textContent, box: element.getBoundingClientRect() }))
  return texts.filter(({ box }, index) => {
    const [around] = rects
      .filter(rect => box.left >= rect.left && box.left < rect.right && box.top >= rect.top && box.top < rect.bottom)
      .sort((a, b) => a.width * a.height - b.width * b.height)
    if (around === undefined || !within(box, around, 4)) return true
    return texts.some((other, place) => place !== index && meet(box, other.box))
  }).map(({ words }) => words)
}`

describe.skipIf(executablePath === undefined && !process.env['CI'])('in Chromium', () => {
  let browser: Browser
  beforeAll(async () => {
    if (executablePath === undefined) throw new Error('no chromium; install it, or set CHROMIUM to its path')
    browser = await chromium.launch({ executablePath })
  })
  afterAll(() => browser?.close())

  async function misplaced(svg: string): Promise<readonly string[]> {
    const page = await browser.newPage()
    try {
      await page.setContent(`<body style="margin:0">${svg}</body>`)
      return await page.evaluate<readonly string[]>(`(${MISPLACED})()`)
    } finally {
      await page.close()
    }
  }

  test.each(DIAGRAMS)('every text of $name fits into its box', async diagram => {
    expect(await misplaced(drawDiagram(diagram, THEMES.light))).toEqual([])
  })

  test('control: a longer line, and a line on another one, are noticed', async () => {
    const svg = drawDiagram(DIAGRAMS[0]!, THEMES.light)
    const longer = svg.replace('Access token', 'Access token of the user of the user pool')
    const moved = svg.replace(/(<text class="caption" x="\d+" y=")(\d+)/, (_, start, y) => `${start}${Number(y) + 10}`)
    expect(await misplaced(longer)).toEqual(['Access token of the user of the user pool'])
    expect((await misplaced(moved)).length).toBeGreaterThan(1)
  })

  test('is readable on a phone: text has at least 10 of its pixels', async () => {
    const page = await browser.newPage({ viewport: { width: 360, height: 740 } })
    try {
      const svg = drawDiagram(DIAGRAMS[0]!, THEMES.light)
      const source = `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`
      await page.setContent(`<body style="margin:0 16px"><img style="max-width:100%" src="${source}"></body>`)
      const shown = await page.evaluate<number>(`(async () => {
        const image = document.querySelector('img')
        await image.decode()
        return image.getBoundingClientRect().width
      })()`)
      expect(shown).toBeLessThanOrEqual(328)
      expect((shown / WIDTH) * FONT_SIZE).toBeGreaterThanOrEqual(10)
    } finally {
      await page.close()
    }
  })
})
