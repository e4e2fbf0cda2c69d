import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Answers, compared } from './compared.js'

/** How long does a process take that imports the core, and does nothing with it, against one that imports nothing? */
export async function benchImports(small: boolean): Promise<Answers> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecast-bench-'))
  try {
    const empty = join(folder, 'empty.mjs')
    await writeFile(empty, '')
    const modules = {
      'an empty module': empty,
      rolecast: fileURLToPath(new URL('../../dist/index.js', import.meta.url)),
      'rolecast/authorizer': fileURLToPath(new URL('../../dist/authorizer/index.js', import.meta.url)),
    }
    const times: Record<string, number[]> = Object.fromEntries(Object.keys(modules).map(name => [name, []]))
    for (let round = 0; round < (small ? 5 : 61); round++) {
      for (const [name, path] of Object.entries(modules)) times[name]!.push(started(path))
    }
    return { 'a process from start to end': compared('ms', times) }
  } finally {
    await rm(folder, { recursive: true })
  }
}

function started(path: string): number {
  const start = process.hrtime.bigint()
  const { status } = spawnSync(process.execPath, [path], { stdio: 'ignore' })
  if (status !== 0) throw new Error(`${path} ended with ${status}`)
  return Number(process.hrtime.bigint() - start) / 1e6
}
