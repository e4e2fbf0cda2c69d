import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { poolFileIn } from './pool.js'
import { type InstalledCommand, installCommand } from './process.js'

/** Marks of packages and of parts of rolecast that are in the built files: a text of each. */
const MARKS = {
  yaml: 'BLOCK_FOLDED',
  zod: '$ZodObject',
  'lru-cache': 'maxEntrySize',
  tinyglobby: 'expandDirectories',
  rules: 'tie-different-roles',
  'other formats': 'which cannot be read synchronously',
} as const

let folder: string
let command: InstalledCommand
let pool: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-startup-'))
  command = await installCommand(folder)
  pool = await poolFileIn(folder)
  await writeFile(join(folder, 'hook.cjs'), HOOK)
  await writeFile(join(folder, 'template.yaml'), 'Resources: { P: { Type: AWS::Cognito::UserPool } }\n')
})
afterAll(() => rm(folder, { recursive: true }))

/** Writes the path of each file that is loaded to stderr. */
const HOOK = `const { writeSync } = require('node:fs')
const extensions = require('node:module')._extensions
const load = extensions['.js']
extensions['.js'] = (module, path) => (writeSync(2, path + '\\n'), load(module, path))`

interface Loaded {
  /** All that is loaded, of rolecast and of others. */
  readonly files: readonly string[]
  readonly packages: readonly string[]
}

async function loadedBy(args: readonly string[], exits = 0): Promise<Loaded> {
  const { code, stderr } = await command.run(args, { env: { NODE_OPTIONS: `--require=${join(folder, 'hook.cjs')}` } })
  expect(code, stderr).toBe(exits)
  const files = stderr.split('\n').filter(line => line.startsWith('/'))
  const texts = await Promise.all(files.map(file => readFile(file, 'utf8')))
  const inlined = Object.entries(MARKS).flatMap(([name, mark]) =>
    texts.some(text => text.includes(mark)) ? [name] : [],
  )
  const others = files
    .filter(file => file.includes('/node_modules/'))
    .map(file => file.replace(/^.*\/node_modules\//, ''))
  return { files, packages: [...inlined, ...others] }
}

describe('what a command loads', () => {
  test('the help loads no command', async () => {
    const { files, packages } = await loadedBy(['--help'])
    expect(packages).toEqual([])
    expect(files.length).toBeLessThan(30)
  })

  test('a prediction from a pool file loads neither zod, the SDK, a reader of templates nor the rules', async () => {
    const { packages } = await loadedBy(['predict', '--pool-file', pool, '--group', 'admins'])
    expect(packages).toEqual([])
  })

  test('a small template is validated without zod, the SDK, the readers of other formats and what looks through folders', async () => {
    const { packages } = await loadedBy(['validate', join(folder, 'template.yaml')])
    expect(packages).toEqual(['yaml', 'rules'])
  })

  test('control: what is loaded is seen', async () => {
    const { packages } = await loadedBy(['validate', folder])
    expect(packages).toContain('tinyglobby')
    const withFormat = await loadedBy(['validate', pool, '--format-in', 'user-pool', '--fail-on', 'never'])
    expect(withFormat.packages).toContain('other formats')
    const broken = join(folder, 'broken.json')
    await writeFile(broken, '{ "Groups": [{ "GroupName": 7 }] }')
    expect((await loadedBy(['predict', '--pool-file', broken, '--group', 'a'], 2)).packages).toContain('zod')
  })
})
