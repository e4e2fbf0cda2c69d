import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import manifest from '../../package.json' with { type: 'json' }
import { copyPackage } from '../build-package.js'

const run = promisify(execFile)
const modules = fileURLToPath(new URL('../../node_modules', import.meta.url))

export interface Registry {
  /** For `npm_config_registry`. */
  readonly url: string
  /** The packed tarball. */
  readonly tarball: string
  /** Which paths were asked for. */
  readonly requests: readonly string[]
  close(): Promise<void>
}

/**
 * An npm registry on loopback that has this package, packed, and no other. The package has no dependencies in it: Node finds
 * them in a folder further up, where `linkModules` puts those of this project. `.ci/run` installs the real ones.
 */
export async function startRegistry(folder: string): Promise<Registry> {
  const source = join(folder, 'package')
  await copyPackage(source, async () => {})
  const published = { ...manifest, dependencies: {}, devDependencies: {}, scripts: {} }
  await writeFile(join(source, 'package.json'), JSON.stringify(published))
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], {
    cwd: source,
  })
  const tarball = join(folder, stdout.trim())
  const bytes = await readFile(tarball)
  const requests: string[] = []
  const server = createServer(({ url }, response) => {
    requests.push(url!)
    if (url === '/rolecast') return response.end(JSON.stringify(packument()))
    if (url === '/rolecast.tgz') return response.end(bytes)
    response.statusCode = 404
    return response.end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const packument = () => {
    const { name, version } = manifest
    const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`
    const dist = { tarball: `${url}rolecast.tgz`, integrity }
    return { name, 'dist-tags': { latest: version }, versions: { [version]: { ...published, dist } } }
  }
  return {
    url,
    tarball,
    requests,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** What is installed anywhere in this folder finds the dependencies. */
export async function linkModules(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await symlink(modules, join(folder, 'node_modules'))
}
