import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import manifest from '../../package.json' with { type: 'json' }
import actionSchema from '../fixtures/schemas/github-action.json' with { type: 'json' }
import { BROKEN, CLEAN, makeProject, template, TIE } from './project.js'
import { linkModules, type Registry, startRegistry } from './registry.js'
import { runAction, type StepResult } from './runner.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

let folder: string
let registry: Registry
let source: string
let workspace: string
let created = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-action-'))
  registry = await startRegistry(folder)
  await linkModules(join(folder, 'runner temp'))
  await mkdir(join(folder, 'action'))
  for (const name of ['action.yml', 'package.json']) await copyFile(join(root, name), join(folder, 'action', name))
  source = await readFile(join(root, 'action.yml'), 'utf8')
})

afterAll(async () => {
  await registry.close()
  await rm(folder, { recursive: true, force: true })
})

beforeEach(() => {
  workspace = join(folder, `work ${created++}`)
})

/** Checks out these files, and runs the action on them. */
async function validate(
  files: Readonly<Record<string, string>>,
  inputs: Readonly<Record<string, string>> = {},
  action = source,
): Promise<StepResult> {
  await makeProject(workspace, files)
  return runAction(action, inputs, {
    folder,
    workspace,
    actionPath: join(folder, 'action'),
    env: {
      npm_config_registry: registry.url,
      npm_config_cache: join(folder, 'npm-cache'),
      npm_config_fetch_retries: '0',
      npm_config_update_notifier: 'false',
    },
  })
}

interface Sarif {
  readonly runs: readonly [
    {
      readonly invocations: readonly [{ readonly executionSuccessful: boolean }]
      readonly results: readonly {
        readonly ruleId: string
        readonly locations: readonly [
          { readonly physicalLocation: { readonly artifactLocation: { readonly uri: string } } },
        ]
      }[]
    },
  ]
}

async function sarifOf({ outputs }: StepResult) {
  const { runs } = JSON.parse(await readFile(outputs['sarif-file']!, 'utf8')) as Sarif
  return runs[0]
}

const annotationsIn = (log: string) => log.split('\n').filter(line => /^::(?:error|warning|notice) file=/.test(line))

describe('action.yml', () => {
  const isValid = new Ajv({ strict: false, validateFormats: false }).compile(actionSchema)

  test('is valid by the schema of actions', () =>
    expect([isValid(parse(source)), isValid.errors]).toEqual([true, null]))

  test('control: the schema rejects a step without a shell', () =>
    expect(isValid(parse(source.replace('shell: bash', '')))).toBe(false))

  test('says for every input and output what it is', () => {
    const { inputs, outputs } = parse(source) as Record<string, Record<string, { description?: string }>>
    for (const one of [...Object.values(inputs!), ...Object.values(outputs!)]) expect(one.description).toMatch(/\S/)
  })
})

describe('a project', () => {
  test('with a finding fails, with the finding in the annotations, the summary and the SARIF report', async () => {
    const before = registry.requests.length
    const result = await validate({ 'infra/auth.json': TIE })
    expect(result.code, result.log).toBe(1)
    expect(result.outputs).toEqual({
      'exit-code': '1',
      complete: 'true',
      errors: '1',
      warnings: '0',
      notes: '0',
      suppressed: '0',
      'sarif-file': expect.stringMatching(/^\/.*runner temp.*\.sarif$/),
    })
    expect(annotationsIn(result.log)).toEqual([expect.stringMatching(/^::error file=infra\/auth\.json,line=\d+,/)])
    expect(result.summary).toMatch(
      /^## rolecast: 1 error, in 1 source\n\n\*\*1 finding fails the run\.\*\* Exit code 1\./,
    )
    const { invocations, results } = await sarifOf(result)
    expect(invocations[0].executionSuccessful).toBe(true)
    expect(
      results.map(({ ruleId, locations }) => [ruleId, locations[0].physicalLocation.artifactLocation.uri]),
    ).toEqual([['COG101', 'infra/auth.json']])
    // It is the version of the action that was installed.
    expect(registry.requests.slice(before)).toContain('/rolecast')
  })

  test('without a finding passes', async () => {
    const result = await validate({ 'auth.json': CLEAN })
    expect(result.code, result.log).toBe(0)
    expect(result.outputs).toMatchObject({ 'exit-code': '0', complete: 'true', errors: '0' })
    expect(annotationsIn(result.log)).toEqual([])
    expect(result.summary).toContain('**No finding of severity `error` or above.** Exit code 0.')
    expect((await sarifOf(result)).results).toEqual([])
  })

  test('with a file that cannot be read fails with 2, and every report says so', async () => {
    const result = await validate({ 'auth.json': CLEAN, 'broken.yaml': BROKEN })
    expect(result.code, result.log).toBe(2)
    expect(result.outputs).toMatchObject({ 'exit-code': '2', complete: 'false', errors: '0' })
    expect(annotationsIn(result.log)).toEqual([expect.stringContaining('::error file=broken.yaml,')])
    expect(result.summary).toContain('**The run is incomplete: 1 file could not be read.** Exit code 2.')
    expect((await sarifOf(result)).invocations[0].executionSuccessful).toBe(false)
  })

  test('whose path has spaces, and which is in a subfolder, has its paths from the root of the repository', async () => {
    const result = await validate(
      { 'my infra/auth stack.json': TIE, 'my infra/other.json': TIE },
      { 'working-directory': 'my infra', paths: '\nauth stack.json\n', 'sarif-file': 'reports.sarif' },
    )
    expect(result.code, result.log).toBe(1)
    expect(annotationsIn(result.log)).toEqual([expect.stringContaining('file=my infra/auth stack.json,')])
    expect(result.outputs['sarif-file']).toBe(join(workspace, 'my infra/reports.sarif'))
    expect((await sarifOf(result)).results[0]!.locations[0].physicalLocation.artifactLocation.uri).toBe(
      'my%20infra/auth%20stack.json',
    )
  })

  test('takes fail-on, strict, a config file, a baseline and more options, one a line', async () => {
    const files = {
      'infra/auth.json': TIE,
      'infra/seed.sh': 'aws cognito-idp create-group --group-name x --precedence 1\n',
      'my config.json': '{ "enable": ["COG105"] }',
    }
    expect(await validate(files, { 'fail-on': 'never', paths: 'infra' })).toMatchObject({ code: 0 })
    expect(await validate(files, { 'fail-on': 'never', paths: 'infra', strict: 'true' })).toMatchObject({
      code: 1,
      outputs: { complete: 'false', errors: '1' },
    })
    const more = await validate(files, {
      config: 'my config.json',
      args: '--write-baseline=known.json\n--report=junit=junit report.xml\n',
    })
    expect(more).toMatchObject({ code: 0, outputs: { errors: '0', suppressed: '1' } })
    expect(await readFile(join(workspace, 'junit report.xml'), 'utf8')).toContain('<testsuites name="rolecast"')
    expect(await validate(files, { baseline: 'known.json' })).toMatchObject({ code: 0, outputs: { suppressed: '1' } })
  })

  test('without annotations and without a summary still has its exit code and its report', async () => {
    const result = await validate({ 'auth.json': TIE }, { annotations: 'false', summary: 'false' })
    expect(result).toMatchObject({ code: 1, summary: '' })
    expect(annotationsIn(result.log)).toEqual([])
    expect(result.log).toContain('1 error, in 1 source')
    expect((await sarifOf(result)).results).toHaveLength(1)
  })
})

describe('what could not run is never a pass', () => {
  test.each([
    ['a config file that is not there', { config: 'nowhere.json' }, 'rolecast ended with exit code 2'],
    ['an unknown option', { args: '--nothing' }, 'rolecast ended with exit code 2'],
    ['no path', { paths: '' }, 'rolecast ended with exit code 2'],
    ['a version that does not exist', { package: '99.0.0' }, 'npm could not install rolecast'],
    ['the name of another package', { package: 'npm' }, 'npm could not install rolecast'],
    ['a package of a scope', { package: '@acme/rolecast' }, 'The input package is a version or a tag of rolecast'],
    ['a repository', { package: 'acme/rolecast' }, 'The input package is a version or a tag of rolecast'],
    ['a switch that is neither true nor false', { strict: 'yes' }, 'are true or false'],
    ['an output that would be two', { 'sarif-file': 'a\nerrors=0' }, 'The input sarif-file is one line'],
  ])('%s', async (_, inputs, why) => {
    // The report of an earlier run is not taken for one of this run.
    const result = await validate({ 'auth.json': CLEAN, 'old.sarif': '{}' }, { 'sarif-file': 'old.sarif', ...inputs })
    expect(result.code, result.log).toBe(2)
    expect(result.outputs).toEqual({
      'exit-code': '2',
      complete: 'false',
      errors: '',
      warnings: '',
      notes: '',
      suppressed: '',
      'sarif-file': '',
    })
    expect(result.summary).toMatch(/^## rolecast could not run\n\n.*\. Nothing was validated\.\n$/)
    expect(result.summary).toContain(why)
    expect(result.log).toMatch(/^::error title=rolecast could not run::/m)
    if (!('sarif-file' in inputs)) expect(existsSync(join(workspace, 'old.sarif'))).toBe(false)
  })

  test('control: without the check of the reports, a run that ended early would count as one', async () => {
    const careless = source.replace('|| [ ! -f "$folder/findings.json" ]', '')
    expect(careless).not.toBe(source)
    const result = await validate({ 'auth.json': CLEAN }, { args: '--nothing' }, careless)
    expect(result.summary).not.toContain('could not run')
  })
})

describe('what is installed', () => {
  test('is a version, a tag or a tarball that the workflow names', async () => {
    for (const name of [manifest.version, 'latest', `rolecast@${manifest.version}`])
      expect(await validate({ 'auth.json': TIE }, { package: name }), name).toMatchObject({ code: 1 })
    await mkdir(workspace, { recursive: true })
    await copyFile(registry.tarball, join(workspace, 'my package.tgz'))
    const before = registry.requests.length
    const result = await validate({ 'auth.json': TIE }, { package: './my package.tgz' })
    expect([result.code, result.outputs['errors']]).toEqual([1, '1'])
    expect(registry.requests.slice(before)).not.toContain('/rolecast.tgz')
  })

  test('is never a file of the checkout that has the name of a version, and comes from no registry that it names', async () => {
    const version = manifest.version
    const result = await validate({
      'auth.json': CLEAN,
      '.npmrc': 'registry=http://127.0.0.1:9/\n',
      [version]: 'not a tarball',
      [`rolecast@${version}`]: 'not a tarball',
      'package.json': '{ "overrides": { "rolecast": "file:./evil" } }',
    })
    expect([result.code, result.log]).toEqual([0, expect.not.stringContaining('127.0.0.1:9')])
  })
})

const SHELL = '$(touch pwned)`touch pwned`"; touch pwned; \'\n&& touch pwned'
const filesNamed = async (name: string) =>
  (await readdir(workspace, { recursive: true })).filter(path => path.endsWith(name))

describe('untrusted text', () => {
  test.each(['paths', 'fail-on', 'config', 'baseline', 'args', 'package', 'sarif-file', 'strict'])(
    'the input %s is never shell',
    async name => {
      const result = await validate({ 'auth.json': CLEAN }, { [name]: SHELL })
      expect(result.code, result.log).toBe(2)
      expect(await filesNamed('pwned')).toEqual([])
    },
  )

  test('control: it is noticed if an input is shell', async () => {
    const careless = source.replace('"${paths[@]}"', '$(eval "echo $ROLECAST_PATHS")')
    expect(careless).not.toBe(source)
    await validate({ 'auth.json': CLEAN }, { paths: '$(touch pwned)' }, careless)
    expect(await filesNamed('pwned')).toEqual(['pwned'])
  })

  test('control: an expression inside a script is rejected', async () => {
    const careless = source.replace('"${paths[@]}"', '${{ inputs.paths }}')
    await expect(validate({ 'auth.json': CLEAN }, {}, careless)).rejects.toThrow('it would be shell')
  })

  test('the names of files and groups are not commands, outputs, shell or markup', async () => {
    const evil = '<img/src=x>|@octocat![a](http://e.example)`##[error]x::error::y'
    const path = '$(touch pwned) ::error::x.json'
    const result = await validate({ [path]: template({ [evil]: 1, 'a\u202eb': 1, 'x"$(touch-pwned)': 1 }) })
    expect(result.code, result.log).toBe(1)
    expect(await filesNamed('pwned')).toEqual([])
    expect(result.log.split('\n').filter(line => /^\s*::|##\[/.test(line))).toEqual(annotationsIn(result.log))
    expect(annotationsIn(result.log)).toHaveLength(Number(result.outputs['errors']))
    expect(result.summary).not.toMatch(/<img|!\[|\]\(|@octocat|:\/\/|##\[|\u202e/)
    expect(result.summary).toContain('&#60;img/src=x&#62;&#124;&#64;&#8203;octocat')
    expect(existsSync(result.outputs['sarif-file']!)).toBe(true)
  })
})
