import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Node, parse } from 'acorn'
import { build as bundleWithEsbuild } from 'esbuild'
import { type Browser, chromium, type Page } from 'playwright-core'
import { rollup } from 'rollup'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { isRolecastError } from '../../src/errors.js'
import * as core from '../../src/index.js'
import { RULES } from '../../src/rules/catalogue.js'
import {
  detectFormat,
  type ProjectFile,
  readProject,
  readTemplate,
  validateTemplate,
} from '../../src/template/index.js'
import { copyPackage } from '../build-package.js'
import { executablePath } from '../report/chromium.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const NOW = Date.parse('2026-11-29T00:00:00Z')

// ------------------------------------------------------------------ Texts

interface Case {
  readonly path: string
  readonly text: string
}

const ENDS = { yaml: 'yaml', json: 'json', hcl: 'tf' } as const

const TERRAFORM: Case = { path: 'infra/main.tf', text: '' }
const AMPLIFY: Case = {
  path: 'amplify/auth/resource.ts',
  text: `import { defineAuth } from '@aws-amplify/backend'

const GROUPS = ['admins', 'editors'] as const
export const auth = defineAuth({ loginWith: { email: true }, groups: [...GROUPS] })
`,
}

/** Those of `test/fixtures/templates`, and a program of Amplify. */
async function fixtures(): Promise<readonly Case[]> {
  const folder = join(root, 'test/fixtures/templates')
  const paths = (await readdir(folder, { recursive: true })).filter(path => extname(path) !== '').toSorted()
  const read = paths.map(async path => ({
    path: path.replaceAll('\\', '/'),
    text: await readFile(join(folder, path), 'utf8'),
  }))
  return [...(await Promise.all(read)), AMPLIFY]
}

/** The examples of every rule. */
const EXAMPLES: readonly Case[] = RULES.flatMap(({ id, avoid, prefer }) =>
  [avoid, prefer].map(({ language, text }, index) => ({ path: `${id}-${index}.${ENDS[language]}`, text })),
)

/** What is no whole file any more, and what is none. */
function damaged(cases: readonly Case[]): readonly Case[] {
  return [
    ...cases.flatMap(({ path, text }) => [
      { path, text: text.slice(0, Math.floor(text.length * 0.3)) },
      { path, text: text.slice(0, Math.floor(text.length * 0.7)) },
      { path, text: text.replace(/[}\]]/, '') },
      { path, text: text.replace(/:/, ' ') },
    ]),
    { path: '-', text: '' },
    { path: 'template.yaml', text: 'a: [' },
    { path: 'template.yaml', text: `Resources: ${'['.repeat(300)}` },
    { path: 'template.yaml', text: 'Resources: { A: { Type: AWS::Cognito::UserPoolGroup, Properties: *missing } }' },
    { path: 'template.yaml', text: 'Resources: { A: { Type: AWS::Cognito::UserPoolGroup, Properties: !Unknown x } }' },
    { path: 'plan.json', text: '{ "format_version": "1.2", "planned_values": }' },
    { path: 'plan.json', text: '{ "format_version": "1.2", "planned_values": "\u0000" }' },
    { path: 'main.tf', text: 'resource "aws_cognito_user_group" "a" {\n  name = \n}\n' },
    { path: 'main.tf', text: `# aws_cognito_user_group\na = ${'['.repeat(100_000)}` },
    { path: 'amplify/auth/resource.ts', text: `${AMPLIFY.text}\nconst = 1` },
    { path: 'amplify/auth/resource.tsx', text: `${AMPLIFY.text}\nconst view = <p>{auth}</p>` },
  ]
}

// ------------------------------------------------------------------ What is said of them

/** A template as data and its findings, or the error. */
type Outcome = unknown

/** The same in Node.js and in a page, where a text has it: what Vitest makes of a function is of its own. */
const RUN = `
async ({ url, cases, files, now }) => {
  const { readProject, readTemplate, validateTemplate } = await import(url)
  const outcomes = []
  for (const { path, text } of cases) {
    try {
      outcomes.push({ read: await readTemplate(text, { path }), found: await validateTemplate(text, { path, now }) })
    } catch ({ name, code, message, value, retryable }) {
      outcomes.push({ name, code, message, value, retryable })
    }
  }
  if (files !== undefined) {
    const { failures, ...reading } = await readProject(files)
    outcomes.push({ ...reading, failures: failures.map(({ paths, error: { code, message } }) => ({ paths, code, message })) })
  }
  return JSON.stringify(outcomes)
}`

async function inNode(cases: readonly Case[], files?: readonly ProjectFile[]): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  for (const { path, text } of cases) {
    try {
      outcomes.push({
        read: await readTemplate(text, { path }),
        found: await validateTemplate(text, { path, now: NOW }),
      })
    } catch (error) {
      if (!isRolecastError(error)) throw error
      const { name, code, message, value, retryable } = error
      outcomes.push({ name, code, message, value, retryable })
    }
  }
  if (files !== undefined) {
    const { failures, ...reading } = await readProject(files)
    const failed = failures.map(({ paths, error: { code, message } }) => ({ paths, code, message }))
    outcomes.push({ ...reading, failures: failed })
  }
  return JSON.parse(JSON.stringify(outcomes)) as Outcome[]
}

async function inPage(page: Page, url: string, cases: readonly Case[], files?: readonly ProjectFile[]) {
  const input = JSON.stringify({ url, cases, files, now: NOW })
  return JSON.parse(await page.evaluate<string>(`(${RUN})(${input})`)) as Outcome[]
}

/** The cases of which a page says something else than Node.js. */
function differences(cases: readonly { readonly path: string }[], page: readonly Outcome[], node: readonly Outcome[]) {
  const length = Math.max(page.length, node.length)
  return Array.from({ length }, (_, index) => index)
    .filter(index => JSON.stringify(page[index]) !== JSON.stringify(node[index]))
    .map(index => ({ path: cases[index]?.path ?? 'the project', page: page[index], node: node[index] }))
}

// ------------------------------------------------------------------ Names of Node.js

const OF_NODE: ReadonlySet<string> = new Set([
  'process',
  'Buffer',
  'require',
  '__dirname',
  '__filename',
  'setImmediate',
])

/** What a file asks for that no page has: modules that are not relative, and globals of Node.js. */
function askedOfNode(code: string): readonly string[] {
  const found = new Set<string>()
  const visit = (value: unknown, key: string, parent?: Record<string, unknown>) => {
    if (Array.isArray(value)) return value.forEach(one => visit(one, key, parent))
    if (typeof value !== 'object' || value === null || !('type' in value)) return
    const node = value as Node & Record<string, unknown>
    const source = node['source'] as { readonly value?: unknown } | null | undefined
    if (typeof source?.value === 'string' && !/^[./]/.test(source.value)) found.add(source.value)
    const isName = (key === 'property' || key === 'key') && parent?.['computed'] !== true
    if (node.type === 'Identifier' && !isName && OF_NODE.has(node['name'] as string)) found.add(node['name'] as string)
    for (const [name, child] of Object.entries(node)) visit(child, name, node)
  }
  visit(parse(code, { ecmaVersion: 'latest', sourceType: 'module' }), '')
  return [...found].toSorted()
}

// ------------------------------------------------------------------ Bundles

let folder = ''

type Bundler = (outDir: string) => Promise<void>

const ENTRY = "export * from 'rolecast/template'\n"

const esbuild =
  (splitting: boolean): Bundler =>
  async outdir => {
    await bundleWithEsbuild({
      entryPoints: { app: join(folder, 'app/main.js') },
      outdir,
      bundle: true,
      splitting,
      format: 'esm',
      platform: 'browser',
      minify: true,
      logLevel: 'error',
    })
  }

/** As `vite build` of an app does it; VitePress brings this version. */
async function vite5(outDir: string): Promise<void> {
  const path = join(root, 'node_modules/vitepress/node_modules/vite/dist/node/index.js')
  const { build } = (await import(path)) as typeof import('vite')
  await build({
    root: join(folder, 'app'),
    base: '/vite/',
    configFile: false,
    logLevel: 'error',
    build: {
      outDir,
      chunkSizeWarningLimit: 10_000,
      rollupOptions: {
        input: join(folder, 'app/main.js'),
        preserveEntrySignatures: 'strict',
        output: { entryFileNames: 'app.js' },
      },
    },
  })
}

/** The file that `rolecast/template` is for these conditions. */
function fileOf(conditions: ReadonlySet<string>): string {
  let target: unknown = manifest.exports['./template']
  while (typeof target === 'object' && target !== null)
    target = Object.entries(target).find(([condition]) => conditions.has(condition) || condition === 'default')?.[1]
  return target as string
}

/** Rollup itself resolves no package: its plugin does, with these conditions. */
async function withRollup(dir: string): Promise<void> {
  const file = fileOf(new Set(['import', 'module', 'browser']))
  const bundle = await rollup({
    input: { app: join(folder, 'app/main.js') },
    plugins: [
      {
        name: 'resolve',
        resolveId: id => (id === 'rolecast/template' ? join(folder, 'package', file) : null),
      },
    ],
    onwarn(warning) {
      throw new Error(warning.message)
    },
  })
  await bundle.write({ dir, format: 'es', entryFileNames: '[name].js' })
  await bundle.close()
}

// ------------------------------------------------------------------ The server and the browser

const PAGE = '<!doctype html><html lang="en"><title>A page</title><link rel="icon" href="data:,"></html>'
const CSP: ReadonlyMap<string, string> = new Map([
  ['/no-worker', "script-src 'self' 'unsafe-eval'; worker-src 'self'"],
  ['/no-wasm', "script-src 'self'; worker-src blob:"],
  ['/allowed', "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:; img-src data:"],
])

/** Serves what is in the folder, and a page everywhere else. */
function serve(): Promise<Server> {
  const server = createServer((request, response) => {
    const path = posix.normalize(new URL(request.url!, 'http://localhost').pathname)
    if (extname(path) === '') {
      const policy = CSP.get(path)
      if (policy !== undefined) response.setHeader('content-security-policy', policy)
      response.setHeader('content-type', 'text/html').end(PAGE)
      return
    }
    readFile(join(folder, path)).then(
      content => response.setHeader('content-type', 'text/javascript').end(content),
      () => response.writeHead(404).end(),
    )
  })
  return new Promise(resolve => {
    server.listen(0, '127.0.0.1', () => resolve(server))
  })
}

let browser: Browser
let server: Server
let origin = ''

interface Opened {
  readonly page: Page
  /** What was asked for besides the page: the path of a file of the server, `blob:`, or another address. */
  readonly requested: readonly string[]
  readonly complaints: readonly string[]
}

async function open(path: string, work: (opened: Opened) => Promise<void>): Promise<void> {
  const context = await browser.newContext()
  try {
    const requested: string[] = []
    const complaints: string[] = []
    context.on('request', request => {
      const url = request.url()
      if (url === `${origin}${path}` || url === 'data:,') return
      requested.push(url.startsWith(origin) ? url.slice(origin.length) : url.startsWith('blob:') ? 'blob:' : url)
    })
    context.on('console', message => void complaints.push(message.text()))
    const page = await context.newPage()
    page.on('pageerror', error => void complaints.push(error.message))
    await page.goto(`${origin}${path}`)
    await work({ page, requested, complaints })
  } finally {
    await context.close()
  }
}

const outside = (requested: readonly string[]) => requested.filter(one => one !== 'blob:' && !one.startsWith('/'))

async function texts(paths: readonly string[]): Promise<readonly string[]> {
  return Promise.all(paths.map(path => readFile(join(folder, path), 'utf8')))
}

/** The JavaScript in a folder of the server. */
async function scriptsIn(path: string): Promise<readonly string[]> {
  const names = await readdir(join(folder, path), { recursive: true })
  return names.filter(name => /\.[cm]?js$/.test(name)).map(name => posix.join('/', path, name.replaceAll('\\', '/')))
}

if (executablePath === undefined) {
  const isCI = process.env['CI'] !== undefined
  test.skipIf(!isCI)('skipped: no chromium', () => {
    throw new Error('no chromium; in CI it must be there: apt-get install chromium, or set CHROMIUM to its path')
  })
}

describe.skipIf(executablePath === undefined)('in Chromium', () => {
  let cases: readonly Case[] = []
  let files: readonly ProjectFile[] = []
  let fromNode: readonly Outcome[] = []
  let terraform: Case = TERRAFORM

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rolecast-browser-'))
    await copyPackage(join(folder, 'package'))
    await mkdir(join(folder, 'app/node_modules'), { recursive: true })
    await symlink(join(folder, 'package'), join(folder, 'app/node_modules/rolecast'))
    await writeFile(join(folder, 'app/main.js'), ENTRY)
    await esbuild(true)(join(folder, 'esbuild'))
    await esbuild(false)(join(folder, 'one-file'))
    await vite5(join(folder, 'vite'))
    await withRollup(join(folder, 'rollup'))

    cases = await fixtures()
    terraform = cases.find(({ path }) => path === 'terraform/main.tf')!
    files = cases.flatMap(({ path, text }) => {
      const format = detectFormat(text, path)
      return format === undefined ? [] : [{ path, text, format }]
    })
    fromNode = await inNode(cases, files)
    server = await serve()
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    browser = await chromium.launch({ executablePath: executablePath! })
  })
  afterAll(async () => {
    await browser?.close()
    server?.close()
    await rm(folder, { recursive: true, force: true })
  })

  describe('the core, not bundled', () => {
    const GROUPS = [
      { groupName: 'admins', precedence: 0, roleArn: 'arn:aws:iam::111122223333:role/Admin' },
      { groupName: 'editors', precedence: 5, roleArn: 'arn:aws:iam::111122223333:role/Editor' },
      { groupName: 'newsletter', roleArn: 'arn:aws:iam::111122223333:role/Letters' },
    ]

    test('says the same as in Node.js, and asks for nothing but its own files', async () => {
      await open('/', async ({ page, requested, complaints }) => {
        const page1 = await page.evaluate<string>(
          `import('/package/dist/index.js').then(({ resolveRoles, compilePool, ...others }) => JSON.stringify({
            names: ['resolveRoles', 'compilePool', ...Object.keys(others)].toSorted(),
            roles: ['documented', 'observed'].map(semantics => resolveRoles(${JSON.stringify(GROUPS)}, { semantics })),
          }))`,
        )
        const semantics = ['documented', 'observed'] as const
        const node = {
          names: Object.keys(core).toSorted(),
          roles: semantics.map(one => core.resolveRoles(GROUPS, { semantics: one })),
        }
        expect(JSON.parse(page1)).toEqual(JSON.parse(JSON.stringify(node)))
        expect(requested).toContain('/package/dist/index.js')
        expect(outside(requested)).toEqual([])
        expect(complaints).toEqual([])
        expect((await texts(requested)).flatMap(askedOfNode)).toEqual([])
      })
    })
  })

  describe.each([
    ['not bundled', '/package/dist/template/browser.js', 'package/dist/template/browser'],
    ['bundled by esbuild', '/esbuild/app.js', 'esbuild'],
    ['bundled by Vite 5', '/vite/app.js', 'vite'],
    ['bundled by Rollup', '/rollup/app.js', 'rollup'],
  ])('the reader of templates, %s', (_, url, scripts) => {
    test('gives the same result for every fixture as in Node.js, alone and together', async () => {
      await open('/', async ({ page, requested, complaints }) => {
        expect(differences(cases, await inPage(page, url, cases, files), fromNode)).toEqual([])
        expect(outside(requested)).toEqual([])
        expect(complaints).toEqual([])
      })
    })

    test('loads the parsers of Terraform source and of TypeScript when there is such a string, and not before', async () => {
      await open('/', async ({ page, requested }) => {
        await page.evaluate(`import('${url}')`)
        const first = [...requested]
        const others = cases.filter(one => one !== terraform && one !== AMPLIFY && !one.path.endsWith('.tf'))
        await inPage(page, url, others)
        expect(requested).toEqual(first)
        expect((await texts(first)).filter(text => text.length > 1_000_000 || text.includes('enterScope('))).toEqual([])

        await inPage(page, url, [terraform])
        const forTerraform = requested.slice(first.length)
        expect(forTerraform).toContain('blob:')
        const loaded = await texts(forTerraform.filter(one => one !== 'blob:'))
        expect(loaded.filter(text => text.length > 2_000_000)).toHaveLength(1)

        await inPage(page, url, [AMPLIFY])
        const forAmplify = await texts(requested.slice(first.length + forTerraform.length))
        expect(forAmplify.filter(text => text.includes('enterScope(')).length).toBeGreaterThan(0)
      })
    })

    test('uses nothing of Node.js', async () => {
      const paths = await scriptsIn(scripts)
      expect(paths.length).toBeGreaterThan(3)
      expect((await texts([url, ...paths])).flatMap(askedOfNode)).toEqual([])
    })
  })

  test('what is damaged, and the examples of every rule, are read or rejected as in Node.js', async () => {
    const all = [...damaged(cases), ...EXAMPLES]
    const node = await inNode(all)
    const rejected = node.filter(outcome => (outcome as { readonly code?: string }).code !== undefined)
    expect(rejected.length).toBeGreaterThan(20)
    expect(node.length - rejected.length).toBeGreaterThan(RULES.length)
    await open('/', async ({ page }) => {
      expect(differences(all, await inPage(page, '/esbuild/app.js', all), node)).toEqual([])
    })
  })

  test.each(['/no-worker', '/no-wasm'])('a page whose policy forbids the parser of HCL is told so: %s', async path => {
    await open(path, async ({ page, requested }) => {
      const [outcome] = await inPage(page, '/esbuild/app.js', [terraform])
      expect(outcome).toMatchObject({
        name: 'RolecastError',
        code: 'missing-package',
        message:
          "the page cannot load the parser of Terraform's HCL; serve all files of the bundle, allow `blob:` in `worker-src` and `'wasm-unsafe-eval'` in `script-src`, or give the plan (`terraform show -json`)",
      })
      expect(outside(requested)).toEqual([])
    })
  })

  test('control: a page with the policy that the message names reads it', async () => {
    await open('/allowed', async ({ page, complaints }) => {
      const outcome = await inPage(page, '/esbuild/app.js', [terraform])
      expect(differences([terraform], outcome, [fromNode[cases.indexOf(terraform)]])).toEqual([])
      expect(complaints).toEqual([])
    })
  })

  test('control: in one file, everything is loaded first', async () => {
    await open('/', async ({ page, requested }) => {
      await page.evaluate(`import('/one-file/app.js')`)
      await inPage(page, '/one-file/app.js', [terraform, AMPLIFY])
      expect(requested).toEqual(['/one-file/app.js', 'blob:'])
      expect((await texts(['/one-file/app.js'])).filter(text => text.length > 1_000_000)).toHaveLength(1)
    })
  })

  test('control: another text is another outcome', async () => {
    await open('/', async ({ page }) => {
      const changed = cases.map(one =>
        one === terraform ? { ...one, text: one.text.replace(/precedence\s*= \d+/, 'precedence = 7') } : one,
      )
      const different = differences(cases, await inPage(page, '/esbuild/app.js', changed, files), fromNode)
      expect(different.map(({ path }) => path)).toEqual(['terraform/main.tf'])
    })
  })

  test('control: a page that asks another server is noticed', async () => {
    await open('/', async ({ page, requested }) => {
      await page.evaluate(`fetch('http://127.0.0.1:9/').catch(() => {})`)
      expect(outside(requested)).toEqual(['http://127.0.0.1:9/'])
    })
  })
})

test.each([
  ["import { posix } from 'node:path'", 'node:path'],
  ["export * from 'fs'", 'fs'],
  ["const later = () => import('zod')", 'zod'],
  ['const env = process.env', 'process'],
  ['const bytes = Buffer.from([1])', 'Buffer'],
  ["const { join } = require('path')", 'require'],
])('control: `%s` asks for what no page has', (code, name) => {
  expect(askedOfNode(code)).toEqual([name])
})

test('control: files next to it, and properties of such a name, are what a page has', () => {
  expect(askedOfNode("import a from './a.js'; import('/b.js'); a.process = { Buffer: 1 }; a.require()")).toEqual([])
})

test('the file for pages is for `import` in a page only: CommonJS, as Jest has it, gets the one of Node.js', () => {
  expect(fileOf(new Set(['browser', 'import']))).toBe('./dist/template/browser.js')
  expect(fileOf(new Set(['import', 'node']))).toBe('./dist/template/index.js')
  expect(fileOf(new Set(['browser', 'require']))).toBe('./dist/template/index.cjs')
})
