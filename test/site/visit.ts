import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, BrowserContext, Page } from 'playwright-core'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export const DESKTOP = { width: 1280, height: 800 }
export const PHONE = { width: 375, height: 740 }

/** No name is looked up and no other host is reached, whatever a page asks for. */
export const LOOPBACK_ONLY = ['--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1']

/** What a page has, and what is wrong with it. */
export interface Visit {
  readonly path: string
  readonly ids: readonly string[]
  /** The values of `href`, as absolute URLs. */
  readonly links: readonly string[]
  /** Messages of the console but logs, errors of scripts, and requests that failed. */
  readonly complaints: readonly string[]
  /** Requests to anything but the server of the site. */
  readonly foreign: readonly string[]
  /** The elements that make the page wider than a phone. */
  readonly overflowing: readonly string[]
  /** Of axe, each with the colours and the width at which it was found. */
  readonly violations: readonly string[]
}

/** Opens a page with the default colours on a desktop, then with dark colours on a phone, and looks at both. */
export async function visit(context: BrowserContext, origin: string, path: string): Promise<Visit> {
  const page = await context.newPage()
  const complaints: string[] = []
  const foreign: string[] = []
  page.on('console', message => {
    if (message.type() !== 'log') complaints.push(`${message.type()}: ${message.text()}`)
  })
  page.on('pageerror', error => complaints.push(error.message))
  page.on('requestfailed', request => complaints.push(`${request.url()}: ${request.failure()?.errorText}`))
  page.on('response', response => {
    if (response.status() >= 400 && new URL(response.url()).pathname !== `/${path}`)
      complaints.push(`${response.url()}: ${response.status()}`)
  })
  page.on('request', request => {
    if (!/^(data|blob):/.test(request.url()) && new URL(request.url()).origin !== origin) foreign.push(request.url())
  })
  try {
    await open(page, `${origin}/${path}`)
    const { ids, links } = await page.evaluate<Pick<Visit, 'ids' | 'links'>>(`({
      ids: [...document.querySelectorAll('[id]')].map(one => one.id),
      links: [...document.querySelectorAll('[href]')].map(one => one.href.baseVal ?? one.href),
    })`)
    const light = await violationsOf(page, 'light, desktop')
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.setViewportSize(PHONE)
    await page.waitForSelector('html.dark')
    const overflowing = await overflowOf(page)
    const dark = await violationsOf(page, 'dark, phone')
    return { path, ids, links, complaints, foreign, overflowing, violations: [...light, ...dark] }
  } finally {
    await page.close()
  }
}

/** Goes to a page, and waits until Vue has taken it over and the network is quiet. */
export async function open(page: Page, url: string): Promise<void> {
  await page.goto(url, { waitUntil: 'load' })
  await until(page, `document.querySelector('#app')?.__vue_app__ !== undefined`)
  // It is loaded by itself, after the page.
  if (url.endsWith('/playground.html')) await page.waitForSelector('main .playground')
}

/** Waits until an expression is true. Playwright's own wait evaluates text in the page, which its policy forbids. */
export async function until(page: Page, expression: string): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (await page.evaluate<boolean>(expression)) return
    await page.waitForTimeout(50)
  }
  throw new Error(`it does not become true: ${expression}`)
}

async function overflowOf(page: Page): Promise<readonly string[]> {
  return page.evaluate<readonly string[]>(`(() => {
    const width = document.documentElement.clientWidth
    if (document.documentElement.scrollWidth <= width) return []
    const wide = [...document.body.querySelectorAll('*')].filter(one => one.getBoundingClientRect().right > width + 1)
    return ['the page scrolls sideways', ...wide.map(one => one.outerHTML.slice(0, 120)).slice(0, 5)]
  })()`)
}

/** What axe finds in the page as it is. */
export async function violationsOf(page: Page, where: string): Promise<readonly string[]> {
  if (!(await page.evaluate(`'axe' in globalThis`))) await page.evaluate(AXE)
  const found = await page.evaluate<readonly string[]>(`axe
    .run({ resultTypes: ['violations'] })
    .then(({ violations }) => violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, any }) => id + ': ' + html.slice(0, 200) + ' ' + (any[0]?.message ?? ''))))`)
  return found.map(one => `${where}: ${one}`)
}

/** Visits all pages, two at a time. */
export async function visitAll(browser: Browser, origin: string, paths: readonly string[]): Promise<readonly Visit[]> {
  const visits: Visit[] = []
  const left = paths.values()
  const work = async () => {
    const context = await browser.newContext({ viewport: DESKTOP, colorScheme: 'light', reducedMotion: 'reduce' })
    for (const path of left) visits.push(await visit(context, origin, path))
    await context.close()
  }
  await Promise.all([work(), work()])
  return visits
}

/** The links of pages to pages, files and anchors that the site does not have. Links to other hosts are not looked at. */
export function deadLinks(
  visits: readonly Visit[],
  origin: string,
  isFile: (path: string) => boolean,
): readonly string[] {
  const idsOf = new Map(visits.map(({ path, ids }) => [path, new Set(ids)]))
  return visits.flatMap(({ path, links }) =>
    [...new Set(links)]
      .map(link => new URL(link))
      .filter(url => url.origin === origin)
      .filter(({ pathname, hash }) => {
        const target = decodeURIComponent(pathname)
          .slice(1)
          .replace(/(^|\/)$/, '$1index.html')
        const ids = idsOf.get(target)
        if (ids === undefined) return !isFile(target)
        return hash !== '' && !ids.has(decodeURIComponent(hash.slice(1)))
      })
      .map(({ pathname, hash }) => `${path} links to ${pathname}${hash}`),
  )
}
