import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { leastCpu, type WholeProcess } from './measure.js'

/**
 * What importing `rolecast/cognito` may add to an empty process, of whose processor time it is a part: 0.85 to 1 when nothing else
 * runs, 3 before its packages were inlined. `npm run bench -- --guard` fails above it.
 */
export const MAX_IMPORT = 1.25

const dist = fileURLToPath(new URL('../dist/', import.meta.url))

/** What does importing an entry add to a process? Whole processes that run a file, compared with one that runs an empty file. */
export async function benchImport(): Promise<readonly WholeProcess[]> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecast-import-'))
  try {
    const files = await Promise.all(
      [
        ['an empty file', 'empty.mjs', ''],
        ['import rolecast', 'core.mjs', `import ${JSON.stringify(join(dist, 'index.js'))}`],
        ['import rolecast/authorizer', 'authorizer.mjs', `import ${JSON.stringify(join(dist, 'authorizer/index.js'))}`],
        ['import rolecast/cognito', 'cognito.mjs', `import ${JSON.stringify(join(dist, 'cognito/index.js'))}`],
        ['require rolecast/cognito', 'cognito.cjs', `require(${JSON.stringify(join(dist, 'cognito/index.cjs'))})`],
        [
          'import the SDK',
          'sdk.mjs',
          `import ${JSON.stringify(fileURLToPath(import.meta.resolve('@aws-sdk/client-cognito-identity-provider')))}`,
        ],
      ].map(async ([name, path, code]) => {
        const file = join(folder, path!)
        await writeFile(file, code!)
        return { name: name!, args: [file] }
      }),
    )
    return await leastCpu(files)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
