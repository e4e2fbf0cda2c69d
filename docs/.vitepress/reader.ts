import { join } from 'node:path'
import { build } from 'tsup'
import type { UserConfig } from 'vitepress'
import { BROWSER_BUILD } from '../../tsup.config.js'

/** VitePress has a Vite of its own, which is not the one of the tests. */
type Plugin = NonNullable<NonNullable<UserConfig['vite']>['plugins']>[number]

/**
 * Builds `rolecast/template` for browsers from the sources, as the package has it, for the playground. Its chunks are loaded when
 * somebody pastes a text.
 */
export function templateReader(folder: string): Plugin {
  const entry = join(folder, 'template/browser.js')
  return {
    name: 'rolecast-template',
    async config() {
      await build({ ...BROWSER_BUILD, config: false, dts: false, outDir: folder })
      return { resolve: { alias: { 'rolecast/template': entry } } }
    },
  }
}
