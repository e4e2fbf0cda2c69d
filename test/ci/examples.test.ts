import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Ajv } from 'ajv'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import manifest from '../../package.json' with { type: 'json' }
import workflowSchema from '../fixtures/schemas/github-workflow.json' with { type: 'json' }
import configSchema from '../fixtures/schemas/pre-commit-config.json' with { type: 'json' }
import hooksSchema from '../fixtures/schemas/pre-commit-hooks.json' with { type: 'json' }
import { PATTERNS } from '../../src/cli/template-files.js'
import { detectFormat } from '../../src/template/detect.js'
import { BROKEN, CLEAN, makeProject, TIE } from './project.js'
import { linkModules, type Registry, startRegistry } from './registry.js'
import { evaluate, runAction } from './runner.js'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const examples = join(root, 'docs/examples/ci')
const read = (name: string) => readFile(join(examples, name), 'utf8')

let folder: string
let registry: Registry
/** With a finding, without one, and with a file that cannot be read. */
let projects: Readonly<Record<'tie' | 'clean' | 'broken', string>>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-examples-'))
  registry = await startRegistry(folder)
  projects = {
    tie: await makeProject(join(folder, 'a tie'), { 'auth.json': TIE }),
    clean: await makeProject(join(folder, 'clean'), { 'auth.json': CLEAN }),
    broken: await makeProject(join(folder, 'broken'), { 'auth.json': CLEAN, 'broken.yaml': BROKEN }),
  }
  for (const path of Object.values(projects)) await makeHostile(path)
  for (const name of ['npm-cache', 'runner temp', 'pre-commit', 'tmp']) await linkModules(join(folder, name))
})

/** What a pull request can put into the checkout so that another program runs, or that its report passes for one of this run. */
async function makeHostile(checkout: string): Promise<void> {
  const { version } = manifest
  await makeProject(checkout, {
    '.npmrc': 'registry=http://127.0.0.1:9/\nfetch-retries=0\n',
    'package.json': '{ "overrides": { "rolecast": "file:./evil" } }',
    'node_modules/rolecast/package.json': JSON.stringify({ name: 'rolecast', version, bin: 'evil.sh' }),
    'node_modules/rolecast/evil.sh': '#!/bin/sh\necho evil\n',
    'node_modules/.bin/rolecast': '#!/bin/sh\necho evil\n',
    'gl-code-quality-report.json': 'old',
    'rolecast-junit.xml': 'old',
    'test-results/rolecast.xml': 'old',
  })
  for (const name of ['rolecast/evil.sh', '.bin/rolecast']) await chmod(join(checkout, 'node_modules', name), 0o755)
}

afterAll(async () => {
  await registry.close()
  await rm(folder, { recursive: true, force: true })
})

const npmEnv = () => ({
  npm_config_registry: registry.url,
  npm_config_cache: join(folder, 'npm-cache'),
  npm_config_fetch_retries: '0',
  npm_config_update_notifier: 'false',
})

/** Runs the lines of a job one after the other, as these services do, until one fails. */
async function runScript(lines: readonly string[], cwd: string, { registryUrl = registry.url } = {}) {
  const tmp = join(folder, 'tmp')
  const workspaceTmp = `${tmp}/of a workspace`
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    CI: 'true',
    TMPDIR: tmp,
    WORKSPACE_TMP: workspaceTmp,
    ...npmEnv(),
    npm_config_registry: registryUrl,
  }
  const ended = await run('sh', ['-e', '-c', lines.join('\n')], { cwd, env }).catch((error: unknown) => error)
  const { code = 0, stdout, stderr } = ended as { code?: number; stdout: string; stderr: string }
  return { code, stdout, stderr }
}

const EXIT_CODES = { tie: 1, clean: 0, broken: 2 } as const
const NAMES = ['tie', 'clean', 'broken'] as const

test('the examples and the page name this version', async () => {
  const names = ['github-npm.yml', 'gitlab-ci.yml', 'bitbucket-pipelines.yml', 'Jenkinsfile', '.pre-commit-config.yaml']
  for (const name of names) expect(await read(name), name).toContain(`rolecast@${manifest.version}`)
  const texts = await Promise.all([...names, '../../ci.md'].map(read))
  const versions = texts.flatMap(text => [...text.matchAll(/rolecast@(\d[\w.-]*)/g)].map(([, version]) => version))
  expect(new Set(versions)).toEqual(new Set([manifest.version]))
})

test('the page shows the examples as they are', async () => {
  const page = await readFile(join(root, 'docs/ci.md'), 'utf8')
  for (const name of [
    'github-npm.yml',
    'github.yml',
    'gitlab-ci.yml',
    'bitbucket-pipelines.yml',
    'Jenkinsfile',
    '.pre-commit-config.yaml',
  ])
    expect(page, name).toContain(`\n${(await read(name)).trimEnd()}\n\`\`\``)
})

describe('GitHub', () => {
  interface Step {
    readonly id?: string
    readonly if?: string
    readonly uses: string
    readonly with: Readonly<Record<string, string>>
    readonly run?: string
  }
  interface Workflow {
    readonly jobs: { readonly validate: { readonly steps: readonly Step[] } }
  }

  const WORKFLOWS = ['github-npm.yml', 'github.yml']

  test.each(WORKFLOWS)('the workflow %s is valid by its schema', async file => {
    const isValid = new Ajv({ strict: false, validateFormats: false }).compile(workflowSchema)
    const workflow = parse(await read(file)) as object
    expect([isValid(workflow), isValid.errors]).toEqual([true, null])
    expect(isValid({ ...workflow, jobs: { validate: { steps: [] } } })).toBe(false)
  })

  test.each(WORKFLOWS)('the workflow %s gives away no more than it has to', async file => {
    const { permissions, jobs } = parse(await read(file)) as {
      permissions: object
      jobs: { validate: { permissions: object } }
    }
    expect(permissions).toEqual({ contents: 'read' })
    expect(jobs.validate.permissions).toEqual({ contents: 'read', 'security-events': 'write' })
  })

  /** Runs the scripts of the workflow without the action in a checkout. They end where one fails. */
  async function runScripts(checkout: string, registryUrl = registry.url) {
    const { steps } = (parse(await read('github-npm.yml')) as Workflow).jobs.validate
    const scripts = steps.flatMap(({ id = 'install', run: script }) =>
      script === undefined ? [] : [{ id, shell: 'bash', 'working-directory': '.', env: {}, run: script }],
    )
    expect(scripts.map(({ id }) => id)).toEqual(['install', 'rolecast'])
    // What the runner empties before each job.
    for (const left of ['rolecast', 'rolecast.sarif'])
      await rm(join(folder, 'runner temp', left), { recursive: true, force: true })
    const hasRun = { value: '${{ steps.rolecast.outputs.sarif-file }}' }
    const isUnreachable = registryUrl !== registry.url
    const source = JSON.stringify({
      inputs: {},
      outputs: isUnreachable ? {} : { 'sarif-file': hasRun },
      runs: { using: 'composite', steps: scripts },
    })
    const env = { ...npmEnv(), npm_config_registry: registryUrl }
    const result = await runAction(source, {}, { folder, workspace: checkout, actionPath: folder, env })
    return { ...result, upload: steps.at(-1)! }
  }

  test.each(NAMES)('the steps of the workflow without the action, with a project that is %s', async name => {
    const { code, outputs, log, upload } = await runScripts(projects[name])
    expect(code, log).toBe(EXIT_CODES[name])
    expect(log).not.toContain('evil')
    expect(/^::error .*auth\.json/m.test(log), log).toBe(name === 'tie')
    expect(upload).toEqual({
      if: "${{ !cancelled() && steps.rolecast.outputs.sarif-file != '' }}",
      uses: 'github/codeql-action/upload-sarif@v4',
      with: { sarif_file: '${{ steps.rolecast.outputs.sarif-file }}', category: 'rolecast' },
    })
    const { runs } = JSON.parse(await readFile(outputs['sarif-file']!, 'utf8')) as {
      runs: [{ results: unknown[]; invocations: [{ executionSuccessful: boolean }] }]
    }
    expect(runs[0].results).toHaveLength(name === 'tie' ? 1 : 0)
    expect(runs[0].invocations[0].executionSuccessful).toBe(name !== 'broken')
  })

  test('the workflow without the action has no report to upload if rolecast cannot run, or cannot be installed', async () => {
    const invalid = await makeProject(join(folder, 'invalid'), {
      'auth.json': CLEAN,
      'rolecast.config.json': '{ "x": 1 }',
    })
    expect(await runScripts(invalid)).toMatchObject({ code: 2, outputs: { 'sarif-file': '' } })
    const { code } = await runScripts(projects.clean, 'http://127.0.0.1:9/')
    expect(code).not.toBe(0)
    expect(existsSync(join(folder, 'runner temp/rolecast.sarif'))).toBe(false)
  })

  test.each(NAMES)('the steps of the workflow, with a project that is %s', async name => {
    const { steps } = (parse(await read('github.yml')) as Workflow).jobs.validate
    const actionPath = join(folder, `action-${name}`)
    await mkdir(actionPath)
    for (const file of ['action.yml', 'package.json']) await copyFile(join(root, file), join(actionPath, file))
    const outputs: Record<string, Readonly<Record<string, string>>> = {}
    let code: number | null = 0
    let uploaded: string | undefined
    for (const step of steps) {
      if (step.uses === 'actions/checkout@v5') continue
      if (step.uses === 'OWNER/rolecast@COMMIT') {
        const source = await readFile(join(actionPath, 'action.yml'), 'utf8')
        const result = await runAction(source, step.with, {
          folder,
          workspace: projects[name],
          actionPath,
          env: npmEnv(),
        })
        outputs[step.id!] = result.outputs
        code = result.code
        continue
      }
      expect(step.uses).toBe('github/codeql-action/upload-sarif@v4')
      expect(step.if).toBe("${{ !cancelled() && steps.rolecast.outputs.sarif-file != '' }}")
      if (outputs['rolecast']!['sarif-file'] === '') continue
      uploaded = evaluate(step.with['sarif_file']!, expression => {
        const [, id, output] = /^steps\.(\w+)\.outputs\.([\w-]+)$/.exec(expression)!
        return outputs[id!]![output!]!
      })
    }
    expect(code).toBe(EXIT_CODES[name])
    const { runs } = JSON.parse(await readFile(uploaded!, 'utf8')) as {
      runs: [{ results: unknown[]; invocations: [{ executionSuccessful: boolean }] }]
    }
    expect(runs[0].results).toHaveLength(name === 'tie' ? 1 : 0)
    expect(runs[0].invocations[0].executionSuccessful).toBe(name !== 'broken')
  })
})

interface CodeQualityIssue {
  readonly description: string
  readonly check_name: string
  readonly fingerprint: string
  readonly severity: string
  readonly location: { readonly path: string; readonly lines: { readonly begin: number } }
}

test.each(NAMES)('GitLab: the script of the job, with a project that is %s', async name => {
  const { rolecast } = parse(await read('gitlab-ci.yml')) as {
    rolecast: { script: string[]; artifacts: { when: string; reports: { codequality: string; junit: string } } }
  }
  const ended = await runScript(rolecast.script, projects[name])
  expect(ended.code, ended.stderr).toBe(EXIT_CODES[name])
  const { when, reports } = rolecast.artifacts
  expect(when).toBe('always')
  const issues = JSON.parse(await readFile(join(projects[name], reports.codequality), 'utf8')) as CodeQualityIssue[]
  expect(issues.map(({ check_name, severity, location }) => [check_name, severity, location.path])).toEqual(
    {
      tie: [['COG101 tie-different-roles', 'critical', 'auth.json']],
      clean: [],
      broken: [['not-read', 'critical', 'broken.yaml']],
    }[name],
  )
  expect(await readFile(join(projects[name], reports.junit), 'utf8')).toContain('<testsuites')
})

test.each(NAMES)('Bitbucket: the script of the step, with a project that is %s', async name => {
  const { pipelines } = parse(await read('bitbucket-pipelines.yml')) as {
    pipelines: { 'pull-requests': { '**': [{ step: { script: string[] } }] } }
  }
  const ended = await runScript(pipelines['pull-requests']['**'][0].step.script, projects[name])
  expect(ended.code, ended.stderr).toBe(EXIT_CODES[name])
  const report = await readFile(join(projects[name], 'test-results/rolecast.xml'), 'utf8')
  expect([report.includes('<failure'), report.includes('<error')]).toEqual([name === 'tie', name === 'broken'])
})

test.each(NAMES)('Jenkins: the sh steps of the pipeline, with a project that is %s', async name => {
  const file = await read('Jenkinsfile')
  const lines = [...file.matchAll(/^ +sh '([^'\\]+)'$/gm)].map(([, line]) => line!)
  const [, report] = /^ +junit '([^'\\]+)'$/m.exec(file)!
  expect(lines).toHaveLength(3)
  const ended = await runScript(lines, projects[name])
  expect(ended.code, ended.stderr).toBe(EXIT_CODES[name])
  expect(await readFile(join(projects[name], report!), 'utf8')).toContain('<testsuites')
})

describe('a checkout with another rolecast and old reports', () => {
  const scripts = async () => {
    const gitlab = parse(await read('gitlab-ci.yml')) as { rolecast: { script: string[] } }
    const bitbucket = parse(await read('bitbucket-pipelines.yml')) as {
      pipelines: { 'pull-requests': { '**': [{ step: { script: string[] } }] } }
    }
    const jenkins = [...(await read('Jenkinsfile')).matchAll(/^ +sh '([^'\\]+)'$/gm)].map(([, line]) => line!)
    const page = await readFile(join(root, 'docs/ci.md'), 'utf8')
    const [, any] = /## Any other CI\n\n```sh\n(.*?)```/s.exec(page)!
    return {
      gitlab: gitlab.rolecast.script,
      bitbucket: bitbucket.pipelines['pull-requests']['**'][0].step.script,
      jenkins,
      any: any!.split('\n'),
    }
  }

  test('runs none of it', async () => {
    for (const [name, script] of Object.entries(await scripts())) {
      const { code, stdout } = await runScript(script, projects.tie)
      expect([name, code, stdout]).toEqual([name, 1, expect.stringContaining('COG101')])
      expect(stdout).not.toContain('evil')
    }
  })

  test('control: npx in the checkout runs it', async () => {
    const ended = await runScript([`npx --yes rolecast@${manifest.version} validate .`], projects.tie)
    expect(ended).toMatchObject({ code: 0, stdout: 'evil\n' })
  })

  test('leaves no report where nothing can be installed', async () => {
    const { any: _, ...all } = await scripts()
    for (const [name, script] of Object.entries(all)) {
      const ended = await runScript(script, projects.clean, { registryUrl: 'http://127.0.0.1:9/' })
      expect([name, ended.code]).not.toEqual([name, 0])
    }
    for (const report of ['gl-code-quality-report.json', 'rolecast-junit.xml', 'test-results/rolecast.xml'])
      expect(existsSync(join(projects.clean, report)), report).toBe(false)
  })
})

const hasPreCommit = spawnSync('pre-commit', ['--version']).status === 0
const isCi = process.env['CI'] !== undefined && process.env['CI'] !== ''

describe('pre-commit', () => {
  test.each([
    ['.pre-commit-hooks.yaml', hooksSchema],
    ['docs/examples/ci/.pre-commit-config.yaml', configSchema],
  ])('%s is valid by its schema', async (path, schema) => {
    const schemas = [hooksSchema, configSchema]
    const isValid = new Ajv({ strict: false, validateFormats: false, schemas }).getSchema(schema.$id)!
    const file: unknown = parse(await readFile(join(root, path), 'utf8'))
    expect([isValid(file), isValid.errors]).toEqual([true, null])
    expect(isValid(Array.isArray(file) ? [{ id: 'x' }] : { repos: [{ repo: 'local', hooks: [{ id: 1 }] }] })).toBe(
      false,
    )
  })

  test('the example and the hook of the repository are the same hook', async () => {
    const [hook] = parse(await readFile(join(root, '.pre-commit-hooks.yaml'), 'utf8')) as [Record<string, unknown>]
    const { repos } = parse(await read('.pre-commit-config.yaml')) as { repos: [{ hooks: [Record<string, unknown>] }] }
    const { additional_dependencies: _, ...example } = repos[0].hooks[0]
    const { description: __, ...published } = hook
    expect(example).toEqual(published)
  })

  test.each([
    ['auth.yaml', true],
    ['cdk.out/Stack.template.json', true],
    ['infra/main.tf', true],
    ['main.tf.json', true],
    ['prod.tfvars', true],
    ['main.tofu', true],
    ['amplify/auth/resource.ts', true],
    ['stack.template', true],
    ['packages/x/auth/resource.ts', true],
    ['amplify/auth.mts', true],
    ['seed.py', false],
    ['README.md', false],
  ])('a change of %s starts it: %s', async (path, expected) => {
    const [{ files }] = parse(await readFile(join(root, '.pre-commit-hooks.yaml'), 'utf8')) as [{ files: string }]
    expect(new RegExp(files).test(path)).toBe(expected)
  })

  test('a change of any file that validate reads starts it', async () => {
    const [{ files }] = parse(await readFile(join(root, '.pre-commit-hooks.yaml'), 'utf8')) as [{ files: string }]
    const [data, ...programs] = PATTERNS.map(pattern => /^\*\*\/\*?(.*?)\{(.*)\}$/.exec(pattern)!).map(
      ([, start, names]) => names!.split(',').map(name => `${start}${name}`),
    )
    // The programs that are read are those of Amplify. What the others have is only reported as not looked at.
    const amplify =
      "import { defineAuth } from '@aws-amplify/backend'\nexport const auth = defineAuth({ groups: ['a'] })\n"
    const read = [...data!, ...programs.flat().filter(name => detectFormat(amplify, `x/auth${name}`) === 'amplify')]
    expect(read).toEqual(expect.arrayContaining(['.template', '.tofu', '.ts', '.mts', '.cjs']))
    expect(read).not.toContain('.py')
    expect(read.filter(name => !new RegExp(files).test(`x/auth${name}`))).toEqual([])
  })

  test.each([
    ['as this repository has it', true],
    ['control: without it', false],
  ])('.npmrc makes `npm pack` print the name of the tarball alone, as pre-commit needs it: %s', async (_, has) => {
    const scripts = { prepack: 'echo building' }
    const project = await makeProject(join(folder, `pack-${has}`), {
      'package.json': JSON.stringify({ name: 'x', version: '1.0.0', scripts }),
    })
    if (has) await copyFile(join(root, '.npmrc'), join(project, '.npmrc'))
    const { stdout } = await run('npm', ['pack'], { cwd: project, env: { ...process.env, ...npmEnv() } })
    expect(stdout === 'x-1.0.0.tgz\n').toBe(has)
  })

  // `.ci/run` installs it.
  test.skipIf(!hasPreCommit && !isCi).each(NAMES)(
    'the hook of the example, with a project that is %s; needs pre-commit',
    async name => {
      const project = join(folder, `hook-${name}`)
      await run('cp', ['-r', projects[name], project])
      await rm(join(project, 'test-results'), { recursive: true, force: true })
      await copyFile(join(examples, '.pre-commit-config.yaml'), join(project, '.pre-commit-config.yaml'))
      const env = {
        PATH: process.env['PATH'],
        HOME: folder,
        PRE_COMMIT_HOME: join(folder, 'pre-commit'),
        GIT_CONFIG_NOSYSTEM: '1',
        ...npmEnv(),
      }
      await run('git', ['init', '--quiet'], { cwd: project, env })
      await run('git', ['add', '.'], { cwd: project, env })
      // Not synchronous: the registry is in this process.
      const ended = await run('pre-commit', ['run', 'rolecast-validate'], { cwd: project, env, timeout: 50_000 }).catch(
        (error: unknown) => error,
      )
      const { code = 0, stdout } = ended as { code?: number; stdout: string }
      expect([code, stdout]).toEqual([
        name === 'clean' ? 0 : 1,
        expect.stringContaining(name === 'clean' ? 'Passed' : 'Failed'),
      ])
      if (name !== 'clean') expect(stdout).toContain(`exit code: ${EXIT_CODES[name]}`)
      expect(existsSync(join(folder, 'pre-commit'))).toBe(true)
    },
  )
})
