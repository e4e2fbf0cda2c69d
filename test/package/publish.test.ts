import { execFile } from 'node:child_process'
import { appendFile, chmod, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const run = promisify(execFile)
const script = fileURLToPath(new URL('../../.ci/publish.mjs', import.meta.url))

const MANIFEST = {
  name: 'rolecast',
  version: '1.2.3',
  author: 'Jane Roe',
  homepage: 'https://example.com/rolecast',
  repository: { type: 'git', url: 'git+https://example.com/rolecast.git' },
  bugs: { url: 'https://example.com/rolecast/issues' },
}
const CHANGELOG = '# Changelog\n\n## Unreleased\n\n## 1.2.3 - 2026-12-01\n\n- New.\n'
const WORKFLOW = { ACTIONS_ID_TOKEN_REQUEST_URL: 'https://example.com/token' }

let folder: string
let bin: string
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'rolecast-publish-')))
  bin = join(folder, 'bin')
  await mkdir(bin)
  // In npm's place: says what it was asked for.
  await writeFile(join(bin, 'npm'), `#!/bin/sh\nprintf '%s\\n' "npm $*"\n`)
  await chmod(join(bin, 'npm'), 0o755)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

interface Release {
  readonly manifest: object
  readonly packed: object
  readonly changelog: string
  readonly tag: string
  readonly environment: object
  readonly uncommitted: string
  /** Whether `.ci/run` recorded it before, and what became of it then. */
  readonly tested: 'tested' | 'never' | 'tarball changed' | 'committed later' | 'tested with changes'
}

const COMPLETE: Release = {
  manifest: MANIFEST,
  packed: MANIFEST,
  changelog: CHANGELOG,
  tag: 'v1.2.3',
  environment: WORKFLOW,
  uncommitted: '',
  tested: 'tested',
}

/** Publishes a package from a clone of its own; gives the exit code and what is printed, by npm too. */
async function publish(change: Partial<Release>, parameters: readonly string[] = ['../rolecast-1.2.3.tgz']) {
  const { manifest, packed, changelog, tag, environment, uncommitted, tested } = { ...COMPLETE, ...change }
  const clone = join(await mkdtemp(join(folder, 'release-')), 'clone')
  await mkdir(join(dirname(clone), 'package'))
  await mkdir(clone)
  await writeFile(join(dirname(clone), 'package/package.json'), JSON.stringify(packed))
  await run('tar', ['-czf', 'rolecast-1.2.3.tgz', 'package'], { cwd: dirname(clone) })
  await writeFile(join(clone, 'package.json'), JSON.stringify(manifest))
  await writeFile(join(clone, 'CHANGELOG.md'), changelog)
  const git = (...all: readonly string[]) =>
    run('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.c', ...all], { cwd: clone })
  await writeFile(join(clone, '.gitignore'), 'reports/\n')
  await git('init', '--quiet')
  await git('add', '.')
  await git('commit', '--quiet', '--message', 'release')
  if (tested === 'tested with changes') await writeFile(join(clone, 'new.ts'), '')
  if (tested !== 'never') await run(process.execPath, [script, '--tested', '../rolecast-1.2.3.tgz'], { cwd: clone })
  if (tested === 'tested with changes') await rm(join(clone, 'new.ts'))
  if (tested === 'tarball changed') {
    await appendFile(join(dirname(clone), 'package/package.json'), '\n')
    await run('tar', ['-czf', 'rolecast-1.2.3.tgz', 'package'], { cwd: dirname(clone) })
  }
  if (tested === 'committed later') await git('commit', '--quiet', '--allow-empty', '--message', 'later')
  await git('tag', tag)
  if (uncommitted !== '') await writeFile(join(clone, uncommitted), '')
  const env = { PATH: `${bin}:${process.env['PATH']}`, HOME: folder, ...environment }
  const result = await run(process.execPath, [script, ...parameters], { cwd: clone, env }).catch(
    (error: { code: number; stdout: string; stderr: string }) => error,
  )
  return { code: 'code' in result ? result.code : 0, stdout: result.stdout, stderr: result.stderr }
}

test('what is complete is published: the tarball itself, with its provenance', async () => {
  expect(await publish({})).toEqual({
    code: 0,
    stdout: 'npm publish ../rolecast-1.2.3.tgz --provenance --access public --tag latest\n',
    stderr: '',
  })
})

test('what `.ci/run` tested is in `reports/`', async () => {
  const { code, stdout } = await publish({}, ['reports/rolecast-1.2.3.tgz'])
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^npm publish reports\/rolecast-1\.2\.3\.tgz /),
  })
})

test('a version before a release does not become the latest', async () => {
  const manifest = { ...MANIFEST, version: '2.0.0-rc.1' }
  const changelog = CHANGELOG.replace('1.2.3', '2.0.0-rc.1')
  const { stdout } = await publish({ manifest, packed: manifest, changelog, tag: 'v2.0.0-rc.1' })
  expect(stdout).toMatch(/ --tag next\n$/)
})

describe('it is rejected, and npm is not called', () => {
  test.each<[string, Partial<Release>, string]>([
    ['no repository', { manifest: { ...MANIFEST, repository: undefined } }, 'package.json has no `repository`; '],
    ['no homepage', { manifest: { ...MANIFEST, homepage: undefined } }, 'package.json has no `homepage`; '],
    ['no address for faults', { manifest: { ...MANIFEST, bugs: {} } }, 'package.json has no `bugs`; '],
    ['no author', { manifest: { ...MANIFEST, author: '' } }, 'package.json has no `author`; '],
    ['a private package', { manifest: { ...MANIFEST, private: true } }, 'package.json has `private: true`; '],
    [
      'no heading',
      { changelog: CHANGELOG.replace('1.2.3', '1.2.30') },
      'CHANGELOG.md has no heading for the version; ',
    ],
    ['a heading without a date', { changelog: '## 1.2.3\n' }, 'CHANGELOG.md has no heading for the version; '],
    [
      'an old sentence',
      { changelog: `${CHANGELOG}Nothing has been released yet` },
      'CHANGELOG.md says that nothing has been',
    ],
    ['the tag of another version', { tag: 'v1.2.2' }, 'the commit has no tag of the version; run `git tag v1.2.3`'],
    ['a file that is not committed', { uncommitted: 'new.ts' }, 'the working tree has changes; '],
    [
      'the tarball of another version',
      { packed: { ...MANIFEST, version: '1.2.2' } },
      'is rolecast 1.2.2, and package.json is rolecast 1.2.3; ',
    ],
    ['no ID token', { environment: {} }, 'there is no ID token to sign the provenance with; '],
    ['a tarball that was never tested', { tested: 'never' }, 'rolecast-1.2.3.tgz is not what `.ci/run` tested'],
    [
      'another tarball of this name and version',
      { tested: 'tarball changed' },
      'rolecast-1.2.3.tgz is not what `.ci/run` tested',
    ],
    ['a tarball of an older commit', { tested: 'committed later' }, 'was tested with other files than those of the'],
    ['a tarball with changes', { tested: 'tested with changes' }, 'was tested with other files than those of the'],
  ])('%s', async (_, change, message) => {
    const { code, stdout, stderr } = await publish(change)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr.split('\n').slice(1, -1)).toEqual([expect.stringContaining(message)])
  })

  test.each([
    ['no tarball', [], 'no tarball is given; '],
    ['a tarball that is not there', ['missing.tgz'], 'missing.tgz cannot be read; '],
    ['a folder', ['.'], '. cannot be read; '],
    ['a file that is no tarball', ['package.json'], 'package.json is no tarball of a package; '],
    ['`npm publish`, which packs again', ['--check'], '`npm publish` packs again; '],
  ])('%s', async (_, parameters, message) => {
    const { code, stdout, stderr } = await publish({}, parameters)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr.split('\n').slice(1, -1)).toEqual([expect.stringContaining(message)])
  })
})

test('a dry run lists what is missing, and asks npm for a dry run against no registry', async () => {
  const { code, stdout } = await publish({ manifest: { ...MANIFEST, homepage: undefined }, environment: {} }, [
    '../rolecast-1.2.3.tgz',
    '--dry-run',
  ])
  expect(code).toBe(0)
  expect(stdout).toContain('Before rolecast 1.2.3 can be published:\n  package.json has no `homepage`; ')
  expect(stdout).toMatch(/npm publish \S+ .* --dry-run --ignore-scripts --registry http:\/\/127\.0\.0\.1:9\/ /)
})

test.each([
  ['no tarball', [], 'no tarball is given; '],
  ['a tarball that is not there', ['missing.tgz'], 'missing.tgz cannot be read; '],
  ['a file that is no tarball', ['package.json'], 'package.json is no tarball of a package; '],
])('a dry run of %s says so, and npm is not called', async (_, parameters, message) => {
  const { code, stdout, stderr } = await publish({}, [...parameters, '--dry-run'])
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
  expect(stdout.split('\n').slice(1, -1)).toEqual([expect.stringContaining(message)])
})

test('`npm publish` in the working tree runs the check', async () => {
  const { scripts } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>
  }
  expect(scripts).toMatchObject({
    prepublishOnly: 'node .ci/publish.mjs --check',
    'publish:package': 'node .ci/publish.mjs',
  })
})
