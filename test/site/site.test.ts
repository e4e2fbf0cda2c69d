import { existsSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { executablePath } from '../report/chromium.js'
import { builtSite } from './build-site.js'
import { serveSite } from './serve-site.js'
import {
  deadLinks,
  DESKTOP,
  LOOPBACK_ONLY,
  open,
  PHONE,
  until,
  type Visit,
  violationsOf,
  visit,
  visitAll,
} from './visit.js'

if (executablePath === undefined && process.env['CI']) throw new Error('there is no chromium; install it')

/** Pages of each kind. */
const OF_EACH_KIND = [
  'index.html',
  'semantics.html',
  'audit.html',
  'api/cdk.html',
  'playground.html',
  'code/ci.html',
  '404.html',
]

/** What the search finds first, as a path and an anchor. */
const FIRST_FOUND: Readonly<Record<string, string>> = {
  COG101: '/findings.html#cog101',
  'pool-not-found': '/errors.html#pool-not-found',
  'conflicting-roles': '/semantics.html#conflicting-roles',
  'preferred role tie': '/semantics.html#shared-role',
  createRoleResolver: '/api/cognito.html#createroleresolver',
  ttl: '/caching.html#choose-a-ttl',
  'deny revoked roles': '/authorizer.html#deny-revoked-roles-in-a-rest-api',
  'suppress finding': '/validate.html#suppress-a-finding',
  // A slip of the pen.
  precedense: '/semantics.html#no-precedence',
}

/** The control: no page has it. */
const NOWHERE = 'xylophone'

const ADDED: Record<string, string> = {}

let folder: string
let site: Awaited<ReturnType<typeof serveSite>>
let browser: Browser
let paths: readonly string[]

describe.skipIf(executablePath === undefined)('the site', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    folder = await builtSite()
    paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map(path => path.replaceAll('\\', '/'))
      .filter(path => path.endsWith('.html'))
    site = await serveSite(folder, ADDED)
    browser = await chromium.launch({ executablePath: executablePath!, args: LOOPBACK_ONLY })
  }, 600_000)

  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })

  describe('every page', () => {
    let visits: readonly Visit[]

    beforeAll(async () => {
      visits = await visitAll(browser, site.origin, paths)
    }, 600_000)

    const found = (kind: 'complaints' | 'foreign' | 'overflowing' | 'violations') =>
      visits.flatMap(one => one[kind].map(fault => `${one.path}: ${fault}`))

    test('loads without an error, a warning or a failed request', () => {
      expect(visits.length).toBeGreaterThan(60)
      expect(found('complaints')).toEqual([])
    })

    test('asks no other host for anything', () => {
      expect(found('foreign')).toEqual([])
    })

    test('links to pages, files and anchors that the site has; links to other hosts are not looked at', () => {
      expect(deadLinks(visits, site.origin, path => existsSync(join(folder, path)))).toEqual([])
    })

    test('has no violation that axe finds, light on a desktop and dark on a phone', () => {
      expect(found('violations')).toEqual([])
    })

    test('does not scroll sideways on a phone', () => {
      expect(found('overflowing')).toEqual([])
    })

    test('can be reached from the first page, in two steps at most', () => {
      const linked = (path: string) =>
        visits
          .find(visited => visited.path === path)!
          .links.map(link => new URL(link))
          .filter(url => url.origin === site.origin)
          .map(url =>
            decodeURIComponent(url.pathname)
              .slice(1)
              .replace(/(^|\/)$/, '$1index.html'),
          )
          .filter(target => paths.includes(target))
      const reached = new Set(linked('index.html').flatMap(path => [path, ...linked(path)]))
      expect(paths.filter(path => path !== '404.html' && !reached.has(path))).toEqual([])
    })

    test('has an anchor once', () => {
      const repeated = visits.flatMap(({ path, ids }) =>
        ids.filter((id, index) => ids.indexOf(id) !== index).map(id => `${path}: ${id}`),
      )
      expect(repeated).toEqual([])
    })
  })

  test('control: a page with one fault of each kind has them all found', async () => {
    const page = await readFile(join(folder, 'third-party-licenses.html'), 'utf8')
    const faults = [
      '<a href="/semantics.html#no-such-anchor">dead</a> <a href="/no-such-page.html">dead</a>',
      '<p style="color: #999; background: #fff">too faint</p>',
      '<div style="width: 2000px">too wide</div>',
      '<img alt="" src="https://elsewhere.example/pixel.png">',
      '<script>globalThis.ran = true</script>',
    ]
    ADDED['planted.html'] = page.replace(
      /<div id="app">[^]*?<script/,
      () => `<div id="app"></div>${faults.join('')}<script`,
    )
    const context = await browser.newContext({ viewport: DESKTOP, colorScheme: 'light' })
    try {
      const { path, ...planted } = await visit(context, site.origin, 'planted.html')
      const semantics = await visit(context, site.origin, 'semantics.html')
      const dead = deadLinks([{ path, ...planted }, semantics], site.origin, file => existsSync(join(folder, file)))
      expect(dead).toEqual([
        'planted.html links to /semantics.html#no-such-anchor',
        'planted.html links to /no-such-page.html',
      ])
      expect(planted.violations.join('\n')).toContain('color-contrast')
      expect(planted.overflowing.join('\n')).toContain('too wide')
      expect(planted.foreign).toEqual(['https://elsewhere.example/pixel.png'])
      expect(planted.complaints.join('\n')).toMatch(/Content Security Policy/)
    } finally {
      await context.close()
    }
  })

  // The other two of each kind; of all pages, both were looked at above.
  test.each(
    OF_EACH_KIND.flatMap(path => [
      { path, colorScheme: 'dark', viewport: DESKTOP } as const,
      { path, colorScheme: 'light', viewport: PHONE } as const,
    ]),
  )('$path, $colorScheme, $viewport.width wide, has no violation that axe finds', async ({ path, ...options }) => {
    await inPage(options, path, async page => {
      expect(await violationsOf(page, options.colorScheme)).toEqual([])
    })
  })

  test.each([
    { colorScheme: 'light', viewport: DESKTOP },
    { colorScheme: 'dark', viewport: DESKTOP },
    { colorScheme: 'light', viewport: PHONE },
    { colorScheme: 'dark', viewport: PHONE },
  ] as const)('the open search, $colorScheme, $viewport.width wide, has no violation that axe finds', async options => {
    await inPage(options, 'index.html', async page => {
      await page.getByRole('button', { name: 'Search', exact: true }).click()
      await page.waitForSelector('.VPLocalSearchBox input:focus')
      await page.keyboard.type('precedence')
      await page.waitForSelector('.VPLocalSearchBox [role=option]')
      expect(await violationsOf(page, 'search')).toEqual([])
    })
  })

  test('the search finds the best page first, and for a short word no other one', async () => {
    await inPage({}, 'index.html', async page => {
      await page.getByRole('button', { name: 'Search', exact: true }).click()
      const found: Record<string, string | undefined> = {}
      for (const query of [...Object.keys(FIRST_FOUND), NOWHERE]) found[query] = (await search(page, query)).first
      expect(found).toEqual({ ...FIRST_FOUND, [NOWHERE]: undefined })
      const { marked } = await search(page, 'no preferred role tie')
      expect(marked).toContain('role')
      expect(marked).not.toContain('the')
    })
  })

  test.each([
    { path: 'api/cognito.html', back: 1 },
    { path: 'decisions/0008-own-completion.html', back: 1 },
    { path: 'code/ci.html', back: 1 },
    // The last of the sidebar for all pages.
    { path: 'third-party-licenses.html', back: 0 },
  ])('$path has its entry of the sidebar in view, and $back link back to all pages', async ({ path, back }) => {
    await inPage({}, path, async page => {
      const { y, height } = (await page.locator('.VPSidebarItem.is-active > .item').last().boundingBox())!
      expect(y).toBeGreaterThan(0)
      expect(y + height).toBeLessThanOrEqual(DESKTOP.height)
      expect(await page.locator('.VPSidebar').getByRole('link', { name: 'All pages' }).count()).toBe(back)
      expect(await page.evaluate('scrollY')).toBe(0)
    })
  })

  test('a page of the API has its functions by name, and no bar before a type', async () => {
    const html = await readFile(join(folder, 'api/cognito.html'), 'utf8')
    const [functions] = html.slice(html.indexOf('<h2 id="functions"')).split(/<h2 (?!id="functions")/) as [string]
    const names = [...functions.matchAll(/<h3 id="[^"]+" tabindex="-1">(\w+)\(\)/g)].map(([, name]) => name!)
    expect(names).toContain('createRoleResolver')
    expect(names).toEqual(names.toSorted((a, b) => a.localeCompare(b, 'en')))
    expect(html).toContain('SourcedRoleResolverOptions')
    expect(html).not.toMatch(/<p>\s*\|/)
  })

  describe('with the keyboard only', () => {
    test('the skip link comes first and leads to the content', async () => {
      await inPage({}, 'semantics.html', async page => {
        await page.keyboard.press('Tab')
        expect(await focused(page)).toBe('Skip to content')
        expect(await page.locator(':focus').boundingBox()).toMatchObject({ x: expect.any(Number) })
        await page.keyboard.press('Enter')
        await page.keyboard.press('Tab')
        expect(await page.evaluate(`document.activeElement.closest('#VPContent') !== null`)).toBe(true)
      })
    })

    test('Tab goes to the search, which finds a page and opens it', async () => {
      await inPage({}, 'index.html', async page => {
        await tabTo(page, 'Search')
        await page.keyboard.press('Enter')
        await page.waitForSelector('.VPLocalSearchBox input:focus')
        await page.keyboard.type('roleless-contender')
        await page.waitForSelector('.VPLocalSearchBox [role=option][aria-selected=true]')
        expect(await page.getByRole('dialog', { name: 'Search' }).getByRole('combobox').count()).toBe(1)
        await page.keyboard.press('ArrowDown')
        await page.waitForSelector('#localsearch-item-1[aria-selected=true]')
        await page.keyboard.press('ArrowUp')
        await page.waitForSelector('#localsearch-item-0[aria-selected=true]')
        await page.keyboard.press('Enter')
        await page.waitForURL(/#/)
        // The address changes first, and then the page.
        await until(page, `document.querySelector('main h1')?.textContent.includes('Which IAM role') === false`)
        expect(await page.locator('main').textContent()).toContain('roleless-contender')
      })
    })

    test('Escape closes the search', async () => {
      await inPage({}, 'index.html', async page => {
        await page.keyboard.press('/')
        await page.waitForSelector('.VPLocalSearchBox input:focus')
        await page.keyboard.press('Escape')
        await page.waitForSelector('.VPLocalSearchBox', { state: 'detached' })
      })
    })

    test('the switch of the colours is reached, changes them, and changes the pictures', async () => {
      await inPage({}, 'index.html', async page => {
        const shown = () => page.locator('main img:visible').getAttribute('src')
        expect(await shown()).toContain('chain-light')
        await tabTo(page, 'Switch to dark theme')
        await page.keyboard.press('Enter')
        await page.waitForSelector('html.dark')
        expect(await shown()).toContain('chain-dark')
        await page.reload()
        await page.waitForSelector('html.dark')
        await tabTo(page, 'Switch to light theme')
        await page.keyboard.press('Space')
        await page.waitForSelector('html:not(.dark)')
      })
    })

    test('on a phone, Tab reaches the menu, which opens and leads to a page', async () => {
      await inPage({ viewport: PHONE }, 'semantics.html', async page => {
        await tabTo(page, 'Menu')
        await page.keyboard.press('Enter')
        await page.waitForSelector('.VPSidebar.open')
        expect(await violationsOf(page, 'menu')).toEqual([])
        await tabTo(page, 'Audit a user pool')
        await page.keyboard.press('Enter')
        await page.waitForURL(/\/audit\.html/)
      })
    })

    test('on a phone, Tab reaches a table that is wider than the page, and arrows scroll it', async () => {
      await inPage({ viewport: PHONE }, 'semantics.html', async page => {
        await page.locator('#the-cases a').focus()
        while (!(await page.evaluate(`document.activeElement.matches('.scroll-box')`))) await page.keyboard.press('Tab')
        await page.keyboard.press('ArrowRight')
        await until(page, `document.activeElement.scrollLeft > 0`)
      })
    })

    test('a table says that it scrolls sideways where it does, and only there', async () => {
      const hints = (page: Page) =>
        page.evaluate<readonly boolean[]>(`[...document.querySelectorAll('.scroll-box')]
          .map(box => getComputedStyle(box, '::before').content.includes('Scroll sideways'))`)
      const scrolls = (page: Page) =>
        page.evaluate(`[...document.querySelectorAll('.scroll-box')].map(box => box.scrollWidth > box.clientWidth)`)
      await inPage({ viewport: PHONE }, 'semantics.html', async page => {
        expect(await hints(page)).toContain(true)
        expect(await hints(page)).toEqual(await scrolls(page))
      })
      await inPage({ viewport: DESKTOP }, 'index.html', async page => {
        expect(await hints(page)).toEqual([false])
      })
    })

    test('where everything fits, no table and no code block is a stop', async () => {
      await inPage({ viewport: DESKTOP }, 'project/security.html', async page => {
        expect(
          await page.evaluate(`[...document.querySelectorAll('.scroll-box, .vp-doc pre')]
            .filter(box => (box.scrollWidth > box.clientWidth) !== (box.tabIndex === 0)).length`),
        ).toBe(0)
      })
    })
  })

  test('a page that does not exist says so, with the status 404', async () => {
    const response = await fetch(`${site.origin}/no/such/page.html`)
    expect(response.status).toBe(404)
    await inPage({}, '404.html', async page => {
      expect(await page.locator('main h1').textContent()).toBe('Page not found')
    })
  })

  test('no script runs that the site did not write', async () => {
    for (const path of paths) {
      const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(
        await readFile(join(folder, path), 'utf8'),
      )!
      expect(policy).toMatch(/default-src 'none'; script-src 'self' 'wasm-unsafe-eval'( 'sha256-[\w+/=]+')+; /)
    }
  })
})

async function inPage(
  options: { readonly viewport?: typeof DESKTOP; readonly colorScheme?: 'light' | 'dark' },
  path: string,
  work: (page: Page) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({
    viewport: DESKTOP,
    colorScheme: 'light',
    reducedMotion: 'reduce',
    ...options,
  })
  try {
    const page = await context.newPage()
    await open(page, `${site.origin}/${path}`)
    await work(page)
  } finally {
    await context.close()
  }
}

/** What the open search finds for a query: the link that is first, and the words that it marks. */
async function search(
  page: Page,
  query: string,
): Promise<{ readonly first: string | undefined; readonly marked: readonly string[] }> {
  const input = page.locator('.VPLocalSearchBox input')
  // Else the results of the query before would be taken for those of this one.
  await input.fill('')
  await until(page, `document.querySelector('.VPLocalSearchBox .result, .VPLocalSearchBox .no-results') === null`)
  await input.fill(query)
  await until(page, `document.querySelector('.VPLocalSearchBox .result mark, .VPLocalSearchBox .no-results') !== null`)
  return page.evaluate(`({
    first: document.querySelector('.VPLocalSearchBox .result')?.getAttribute('href') ?? undefined,
    marked: [...document.querySelectorAll('.VPLocalSearchBox .result mark')].map(one => one.textContent.toLowerCase()),
  })`)
}

/** The name of what has the focus. */
async function focused(page: Page): Promise<string> {
  return page.evaluate<string>(`(() => {
    const { ariaLabel, title, textContent } = document.activeElement
    return (ariaLabel || title || textContent).trim()
  })()`)
}

/** Presses Tab until what has this name has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let stop = 0; stop < 100; stop++) {
    await page.keyboard.press('Tab')
    if ((await focused(page)) === name) return
  }
  throw new Error(`Tab does not reach \`${name}\` in 100 stops`)
}
