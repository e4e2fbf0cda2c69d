import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { isThere, removeOld } from '../build-cache.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const cache = join(root, 'node_modules/.cache/rolecast-site')
const run = promisify(execFile)

/** What the site is made of. */
const SOURCES = [
  'docs',
  'src',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'README.md',
  'SECURITY.md',
  'LICENSE',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsup.config.ts',
  'typedoc.json',
]

/** What pages name and do not show. The build looks whether it is there. */
const NAMED = ['.ci', 'bench', 'node_modules', 'test']

/** What a build leaves in `docs`. */
const BUILT = /^docs\/(api|\.vitepress\/(dist|cache|\.temp))(\/|$)/

/**
 * The site, built with `npm run docs` in a copy of the sources: a folder that never changes. Tests that run at the same time
 * wait for the one that builds, and the next run takes what is there if no source has changed.
 */
export async function builtSite(): Promise<string> {
  const folder = join(cache, await sourcesHash())
  await mkdir(cache, { recursive: true })
  const unlock = await lock(`${folder}.lock`)
  try {
    if (await isThere(folder)) {
      await utimes(folder, new Date(), new Date())
      return folder
    }
    const copy = await mkdtemp(join(tmpdir(), 'rolecast-site-'))
    try {
      await copySources(copy)
      await run('npm', ['run', 'docs'], { cwd: copy, maxBuffer: 1 << 26 })
      await removeOld(cache)
      const draft = join(cache, `${randomUUID()}.tmp`)
      await cp(join(copy, 'docs/.vitepress/dist'), draft, { recursive: true })
      await rename(draft, folder)
    } finally {
      await rm(copy, { recursive: true, force: true })
    }
    return folder
  } finally {
    await unlock()
  }
}

async function copySources(target: string): Promise<void> {
  for (const source of await sources()) await cp(join(root, source), join(target, source))
  for (const folder of NAMED) await symlink(join(root, folder), join(target, folder))
}

async function sources(): Promise<readonly string[]> {
  const paths: string[] = []
  for (const source of SOURCES) {
    const found = await stat(join(root, source)).catch(() => undefined)
    if (found === undefined) continue
    if (found.isFile()) paths.push(source)
    else
      for (const entry of await readdir(join(root, source), { recursive: true, withFileTypes: true }))
        if (entry.isFile()) paths.push(join(entry.parentPath.slice(root.length), entry.name))
  }
  return paths
    .map(path => path.replaceAll('\\', '/'))
    .filter(path => !BUILT.test(path) && !path.includes('/node_modules/'))
}

async function sourcesHash(): Promise<string> {
  const hash = createHash('sha256')
  for (const path of (await sources()).toSorted()) hash.update(`${path}\0`).update(await readFile(join(root, path)))
  return hash.digest('hex').slice(0, 32)
}

/** Waits until this process alone has the folder. One that was left by a process that died is taken over after ten minutes. */
async function lock(path: string): Promise<() => Promise<void>> {
  for (;;) {
    try {
      await mkdir(path)
      return () => rm(path, { recursive: true, force: true })
    } catch {
      const { mtimeMs = Date.now() } = await stat(path).catch(() => ({}) as { mtimeMs?: number })
      if (Date.now() - mtimeMs > 10 * 60 * 1000) await rm(path, { recursive: true, force: true })
      await sleep(200)
    }
  }
}
