import { createHash, randomUUID } from 'node:crypto'
import { cp, mkdir, readdir, readFile, rename, rm, stat, symlink, utimes } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'
import builds from '../tsup.config.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const cache = join(root, 'node_modules/.cache/rolecast-package')

/**
 * Copies the package, built from the sources as they are, to a folder: its JavaScript, its package.json and its
 * dependencies. A clone needs no build before its tests, and no test reads `dist`, which a build may be replacing.
 *
 * @param addModules makes `node_modules`; default: all that this project has
 */
export async function copyPackage(target: string, addModules = linkModules): Promise<void> {
  const dist = await builtPackage()
  await mkdir(target, { recursive: true })
  await cp(dist, join(target, 'dist'), { recursive: true })
  await cp(join(root, 'package.json'), join(target, 'package.json'))
  await addModules(join(target, 'node_modules'))
}

function linkModules(modules: string): Promise<void> {
  return symlink(join(root, 'node_modules'), modules)
}

/**
 * The built JavaScript, in a folder named after the contents of the sources. It is moved there when it is complete and
 * never changes after that, so test runs at the same time cannot see half of it; at worst, each of them builds it.
 */
async function builtPackage(): Promise<string> {
  const folder = join(cache, await sourcesHash())
  if (await isThere(folder)) {
    await utimes(folder, new Date(), new Date())
    return folder
  }
  const draft = join(cache, `${randomUUID()}.tmp`)
  try {
    for (const options of builds) {
      const outDir = join(draft, relative('dist', options.outDir ?? 'dist'))
      await build({ ...options, dts: false, sourcemap: false, config: false, outDir })
    }
    await removeOld()
    await rename(draft, folder).catch(async error => {
      if (!(await isThere(folder))) throw error
    })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return folder
}

async function sourcesHash(): Promise<string> {
  const hash = createHash('sha256')
  const paths = await readdir(join(root, 'src'), { recursive: true })
  for (const path of [
    'package.json',
    'tsup.config.ts',
    // What is inlined.
    'package-lock.json',
    ...paths.filter(one => one.endsWith('.ts')).map(one => join('src', one)),
  ].toSorted())
    hash.update(`${path}\0`).update(await readFile(join(root, path)))
  return hash.digest('hex').slice(0, 32)
}

/** Removes what no run of the last hour has used. */
async function removeOld(): Promise<void> {
  const anHourAgo = Date.now() - 60 * 60 * 1000
  for (const name of await readdir(cache)) {
    const path = join(cache, name)
    const { mtimeMs = Infinity } = await stat(path).catch(() => ({}) as { mtimeMs?: number })
    if (mtimeMs < anHourAgo) await rm(path, { recursive: true, force: true })
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
