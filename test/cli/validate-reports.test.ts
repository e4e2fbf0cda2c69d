import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BROKEN, makeProject, TIE } from '../ci/project.js'
import { rolecast } from './command.js'

let folder: string
let project: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-reports-'))
  project = await makeProject(join(folder, 'project'), { 'auth.json': TIE, 'broken.yaml': BROKEN })
})
afterAll(() => rm(folder, { recursive: true }))

const validate = (...args: readonly string[]) => rolecast(['validate', '--no-config', ...args])
const at = (name: string) => join(folder, name)
const FORMATS = ['text', 'json', 'sarif', 'github', 'gitlab', 'junit', 'markdown']

describe('--report FORMAT=FILE', () => {
  test.each(FORMATS)('%s: the file has what --format writes, and the run is the same', async format => {
    const template = join(project, 'auth.json')
    const shown = await validate(template, '--format', format)
    const also = await validate(template, '--format', 'json', '--report', `${format}=${at('a report=1')}`)
    expect(await readFile(at('a report=1'), 'utf8')).toBe(shown.stdout)
    expect(also).toEqual({ ...(await validate(template, '--format', 'json')), code: 1 })
  })

  test('writes all that are asked for, each with paths from --repository-root', async () => {
    const reports = FORMATS.flatMap(format => ['--report', `${format}=${at(`all.${format}`)}`])
    expect((await validate(project, '--repository-root', folder, ...reports)).code).toBe(2)
    for (const format of FORMATS.filter(one => one !== 'text')) {
      const text = await readFile(at(`all.${format}`), 'utf8')
      expect([format, text.includes('project/auth.json'), text.includes(join(project, 'auth.json'))]).toEqual([
        format,
        true,
        false,
      ])
      // None of them leaves out what could not be read.
      expect([format, /project\/broken.yaml/.test(text)]).toEqual([format, true])
    }
  })

  test.each([
    ['sarif', 'is not a format and a file'],
    ['sarif=', 'is not a format and a file'],
    ['sarif=-', 'is not a format and a file'],
    ['xml=a.xml', 'is not a format and a file'],
    ['=a', 'is not a format and a file'],
  ])('rejects %s', async (value, why) => {
    const { code, stderr } = await validate(project, '--report', value)
    expect([code, stderr]).toEqual([2, expect.stringContaining(`--report \`${value}\` ${why}; write one such as`)])
  })

  test('names all formats, or the one that was probably meant', async () => {
    const { stderr } = await validate(project, '--report', 'xml=a.xml')
    expect(stderr).toContain(`with one of ${FORMATS.join(', ')} [`)
    expect((await validate(project, '--report', 'gitlb=x')).stderr).toContain('did you mean gitlab? [')
  })

  test('asks about a file with the name of a format, and takes it with ./ before it', async () => {
    const { code, stderr } = await validate(project, '--report', 'gitlab=json')
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining(
        '`json` is the name of a format; write that report with --report json=FILE, or write to a file of that name with --report gitlab=./json [',
      ),
    })
    expect(existsSync('json')).toBe(false)
    await validate(project, '--report', `gitlab=${at('json')}`)
    expect(existsSync(at('json')), 'control').toBe(true)
  })

  test('--write-baseline - is rejected, and --output - is stdout', async () => {
    const { code, stderr } = await validate(project, '--write-baseline', '-')
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('stdout already has the output') })
    const dash = await validate(project, '--output', '-', '--format', 'json')
    expect(dash).toEqual(await validate(project, '--format', 'json'))
    expect(existsSync('-')).toBe(false)
  })

  test('rejects two reports for one file, whatever its name', async () => {
    const two = ['--report', `sarif=${at('two')}`, '--report', `json=${folder}/./two`]
    const { code, stderr } = await validate(project, ...two)
    expect([code, stderr]).toEqual([2, expect.stringContaining('give each report a different file')])
    const same = await validate(project, '--output', at('two'), '--report', `sarif=${folder}/./two`)
    expect([same.code, same.stderr]).toEqual([
      2,
      expect.stringContaining('is a file that this command reads or saves to; give --report another file ['),
    ])
    expect(existsSync(at('two'))).toBe(false)
  })

  test('never writes to a file that is read', async () => {
    const template = join(project, 'auth.json')
    const { code, stderr } = await validate(template, '--report', `sarif=${template}`)
    expect([code, stderr]).toEqual([2, expect.stringContaining('is a file that this command reads or saves to')])
    expect(await readFile(template, 'utf8')).toBe(TIE)
  })

  test('writes nothing if it could not run, and leaves an older report as it is', async () => {
    await writeFile(at('old.sarif'), 'old')
    const { code } = await validate(project, '--baseline', at('nowhere'), '--report', `sarif=${at('old.sarif')}`)
    expect([code, await readFile(at('old.sarif'), 'utf8')]).toEqual([2, 'old'])
  })
})
