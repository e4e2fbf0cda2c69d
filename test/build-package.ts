import { createHash, randomUUID } from 'node:crypto'
import { cp, mkdir, readdir, readFile, rename, rm, symlink, utimes } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'
import builds from '../tsup.config.js'
import { isThere, removeOld } from './build-cache.js'

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
    await removeOld(cache)
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
