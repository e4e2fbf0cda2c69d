import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')

/** What npm packs, but for what a build makes. */
let files: readonly string[]
beforeAll(async () => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    maxBuffer: 2 ** 26,
  })
  // npm 12 has an object in place of the list.
  const [packed] = Object.values(JSON.parse(stdout) as Record<string, { readonly files: readonly { path: string }[] }>)
  files = packed!.files.map(({ path }) => path).filter(path => !path.startsWith('dist/'))
}, 60_000)

/** The relative links of a page, by the file or folder of the package that they lead to. */
function linksOf(path: string, text: string): readonly string[] {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '')
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$|(?:src|href)="([^"]+)"/gm)]
  return targets
    .map(([, link, definition, attribute]) => (link ?? definition ?? attribute)!.split('#')[0]!)
    .filter(target => target !== '' && !/^[a-z]+:/i.test(target))
    .map(target => posix.join(dirname(path), target))
}

/** The links of a page that lead to nothing in the package. */
function brokenLinks(path: string, text: string): readonly string[] {
  return linksOf(path, text).filter(
    target => !files.includes(target) && !files.some(file => file.startsWith(`${target.replace(/\/$/, '')}/`)),
  )
}

const pages = () => files.filter(path => path.endsWith('.md'))

describe('the files of the package', () => {
  test('every link in a page of it leads to a file of it', () => {
    const broken = pages().flatMap(path => brokenLinks(path, read(path)).map(target => `${path}: ${target}`))
    expect(broken).toEqual([])
    expect(pages().flatMap(path => linksOf(path, read(path))).length).toBeGreaterThan(100)
  })

  test.each([
    ['a test', '[x](../test/docs.test.ts)', 'test/docs.test.ts'],
    ['a page that is not packed', '[x](../CONTRIBUTING.md#commits)', 'CONTRIBUTING.md'],
    ['a source in a definition', '[x][y]\n\n[y]: ../src/errors.ts', 'src/errors.ts'],
    ['an image', '<img src="missing.png">', 'docs/missing.png'],
  ])('control: a link to %s is noticed', (_, text, target) => {
    expect(brokenLinks('docs/semantics.md', text)).toEqual([target])
  })

  test.each([
    ['a page', '[x](caching.md#there)'],
    ['a folder', '[x](examples/)'],
    ['the web', '[x](https://example.com/)'],
    ['a file, in code', '`[x](../src/errors.ts)`'],
  ])('control: a link to %s is not', (_, text) => {
    expect(brokenLinks('docs/semantics.md', text)).toEqual([])
  })

  test('are documents, schemas, example projects and the manifest, and no source or test', () => {
    expect(files).toEqual(
      expect.arrayContaining(['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'docs/schemas/audit.schema.json']),
    )
    expect(files.filter(path => !/^(?:docs\/|[A-Z]+(?:\.md)?$|package\.json$)/.test(path))).toEqual([])
    const others = files.filter(path => !/^docs\/examples\/[^/]+\//.test(path))
    expect(others.filter(path => /\.(?:ts|map)$/.test(path))).toEqual([])
  })

  test('docs/schemas.md lists every schema, and no other', () => {
    const listed = [...read('docs/schemas.md').matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name!)
    const schemas = files.filter(path => path.endsWith('.schema.json')).map(path => posix.basename(path))
    expect(listed.toSorted()).toEqual(schemas.toSorted())
  })

  test('docs/bundling.md says what each dependency is for, and names no other', () => {
    const [, section = ''] = read('docs/bundling.md').split('## What an installation weighs\n')
    const named = [...section.split('\n## ')[0]!.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name!)
    expect(named.toSorted()).toEqual(Object.keys(manifest.dependencies).toSorted())
  })

  test('a schema of the documentation is exported under `rolecast/schemas/`', () => {
    const schemas = files.filter(path => path.endsWith('.schema.json'))
    const exported = (path: string) =>
      path.startsWith(manifest.exports['./schemas/*'].slice(2, -1)) ||
      Object.entries(manifest.exports).some(([name, to]) => name.startsWith('./schemas/') && to === `./${path}`)
    expect(schemas.filter(path => !exported(path))).toEqual([])
    expect(schemas.length).toBeGreaterThan(10)
  })
})
