import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checked } from './command.js'
import { type InstalledCommand, installCommand, root } from './process.js'

let folder: string
let command: InstalledCommand
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-demo-'))
  command = await installCommand(folder)
})
afterAll(() => rm(folder, { recursive: true }))

describe.concurrent('demo', () => {
  const RULES = ['lowest-precedence', 'no-precedence', 'shared-role', 'conflicting-roles', 'roleless-contender']

  test('shows each rule that takes a decision, counts its calls, and leaves nothing behind', async () => {
    const TMPDIR = await mkdtemp(join(folder, 'tmp-'))
    const { code, stdout } = checked(await command.run(['demo'], { env: { TMPDIR } }))
    expect(code).toBe(0)
    expect(stdout).toContain('on a fake Cognito at http://127.0.0.1:')
    expect([...stdout.matchAll(/^ (\d)\. /gm)].map(match => match[1])).toEqual(['1', '2', '3', '4', '5', '6', '7', '8'])
    expect(RULES.filter(rule => !stdout.includes(`  ${rule}: `))).toEqual([])
    expect(stdout.match(/^Sign-in of user-\d$/gm)).toHaveLength(8)
    expect(stdout.match(/^ {2}As predicted\.$/gm)).toHaveLength(7)
    expect(stdout.match(/^ {2}No token\. /gm)).toHaveLength(1)
    expect(stdout).toContain('rolecast calibrate')
    for (const mark of ['>', '-', '!', '?']) expect(stdout).toMatch(new RegExp(`^\\${mark} +(\\d+|none)  `, 'm'))

    const [, lookups, cached, read, calls, names] =
      /(\d+) lookups of a group: (\d+) from the cache, (\d+) by (\d+) calls to Cognito; one call .*\n {2}(\d+) names are cached/
        .exec(stdout)!
        .map(Number)
    expect(cached! + read!).toBe(lookups)
    // A page of groups is one call for many names.
    expect(calls).toBeGreaterThan(0)
    expect(calls).toBeLessThanOrEqual(read!)
    expect(read).toBeLessThanOrEqual(names!)
    expect(stdout).toMatch(/^Marks of the groups that decide: > its role is preferred; /m)
    expect(stdout.match(/^ {2}deleted-yesterday$/gm)).toHaveLength(1)

    expect(await readdir(TMPDIR)).toEqual([])
    expect(await readdir(command.home)).toEqual(['.aws'])
  })

  test('leaves nothing behind when its reader goes away', async () => {
    const TMPDIR = await mkdtemp(join(folder, 'tmp-'))
    const { stdout, stderr } = await command.run(['demo'], {
      env: { TMPDIR },
      shell: '{ "$@"; echo "exit $?" >&2; } | head -n 1',
    })
    expect(stdout).toMatch(/^User pool /)
    expect(stderr).toBe('exit 0\n')
    expect(await readdir(TMPDIR)).toEqual([])
  })

  test('needs no development dependency', async () => {
    const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>
    }
    const lean = await installCommand(folder, async modules => {
      for (const name of Object.keys(dependencies)) {
        await mkdir(dirname(join(modules, name)), { recursive: true })
        await symlink(join(root, 'node_modules', name), join(modules, name))
      }
    })
    const { code, stdout } = checked(await lean.run(['demo']))
    expect(code).toBe(0)
    expect(stdout.match(/^ {2}As predicted\.$/gm)).toHaveLength(7)
  })
})
