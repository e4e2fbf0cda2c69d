/**
 * Writes `docs/audit-page.png`, the first screen of the example's page: `npm run docs:screenshot`. It needs Chromium, and the fonts
 * of the machine show, so it is no part of `npm run docs:generate`.
 */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'
import { examplePage } from './audit-page-example.js'
import { executablePath } from './chromium.js'

const MAX_BYTES = 200_000
const PICTURE = fileURLToPath(new URL('../../docs/audit-page.png', import.meta.url))

if (executablePath === undefined) throw new Error('no chromium; install it, or set CHROMIUM to its path')
const folder = await mkdtemp(join(tmpdir(), 'rolecast-screenshot-'))
const browser = await chromium.launch({ executablePath })
try {
  const file = join(folder, 'audit.html')
  await writeFile(file, examplePage())
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' })
  await page.goto(pathToFileURL(file).href)
  await page.screenshot({ path: PICTURE })
  const { size } = await stat(PICTURE)
  if (size > MAX_BYTES) throw new Error(`the picture has ${size} bytes; at most ${MAX_BYTES} go into the package`)
} finally {
  await browser.close()
  await rm(folder, { recursive: true })
}
