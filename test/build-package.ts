import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'tsup'
import manifest from '../package.json' with { type: 'json' }

const root = fileURLToPath(new URL('..', import.meta.url))

/** Some suites run the built package. Before all suites, builds its JavaScript where it is missing or older than a source. */
export default async function buildPackage(): Promise<void> {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).map(path => join('src', path))
  const newest = Math.max(...[...sources, 'package.json'].map(modified))
  const oldest = Math.min(...Object.keys(manifest.tsup.entry).map(entry => modified(`dist/${entry}.js`)))
  if (oldest > newest) return
  await build({ ...manifest.tsup, format: ['esm'], target: 'node20', dts: false, clean: false, config: false })
}

function modified(path: string): number {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0
}
