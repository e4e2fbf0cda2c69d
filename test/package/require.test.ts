import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { copyPackage } from '../build-package.js'

const run = promisify(execFile)
const ENTRIES = [
  'rolecast',
  'rolecast/authorizer',
  'rolecast/calibrate',
  'rolecast/cdk',
  'rolecast/cognito',
  'rolecast/handlers',
  'rolecast/template',
  'rolecast/testing',
]
const NODES = [process.execPath, ...(process.env['TEST_NODES']?.split(':').filter(node => node !== '') ?? [])]

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-require-'))
  await mkdir(join(folder, 'node_modules'))
  await copyPackage(join(folder, 'node_modules/rolecast'))
}, 120_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

/** What a CommonJS program prints, where ES modules cannot be required. */
async function runCommonJs(node: string, code: string): Promise<string> {
  const flags = ['--no-experimental-require-module', '--input-type=commonjs']
  const { stdout } = await run(node, [...flags, '-e', code], { cwd: folder })
  return stdout.trim()
}

/** The calls of `import()` in JavaScript. Not what comments and texts say. */
function dynamicImportsIn(text: string): number {
  let count = 0
  const visit = (node: ts.Node) => {
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) count++
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('file.cjs', text, ts.ScriptTarget.Latest))
  return count
}

describe.each(NODES)('by require, with %s', node => {
  test.each(ENTRIES)('`%s` exports what it exports to import', async entry => {
    const both = `import('${entry}').then(module => console.log(JSON.stringify([Object.keys(require('${entry}')), Object.keys(module)])))`
    const [required, imported] = JSON.parse(await runCommonJs(node, both)) as [string[], string[]]
    expect(required.filter(name => name !== '__esModule').toSorted()).toEqual(imported.toSorted())
    expect(required.length).toBeGreaterThan(0)
  })

  test('a resolver reads groups: the SDK is required by the first call', async () => {
    const program = `
      const { createRoleResolver } = require('rolecast/cognito')
      const client = { send: async ({ input }) => ({ Group: { GroupName: input.GroupName, Precedence: 1, RoleArn: 'arn:aws:iam::111122223333:role/Admin' } }) }
      const resolver = createRoleResolver({ userPoolId: 'eu-west-1_Ab12Cd34e', poolSize: 10_000, client })
      resolver.resolve(['admins']).then(({ preferredRole }) => console.log(preferredRole))`
    expect(await runCommonJs(node, program)).toBe('arn:aws:iam::111122223333:role/Admin')
  })

  test('a template is read, with the parsers of HCL and of TypeScript', async () => {
    const program = `
      const { readTemplate } = require('rolecast/template')
      const names = async (text, options) => (await readTemplate(text, options)).groups.map(({ groupName }) => groupName.value)
      const hcl = 'resource "aws_cognito_user_group" "g" {\\n  name = "admins"\\n  user_pool_id = "eu-west-1_a"\\n}\\n'
      const program = "import { defineAuth } from '@aws-amplify/backend'\\nexport const auth = defineAuth({ loginWith: { email: true }, groups: ['EDITORS'] })\\n"
      Promise.all([
        names(hcl, { format: 'terraform-source', path: 'main.tf' }),
        names(program, { path: 'amplify/auth/resource.ts' }),
      ]).then(found => console.log(found.flat().join()))`
    expect(await runCommonJs(node, program)).toBe('admins,EDITORS')
  })

  test('a fake Cognito signs tokens', async () => {
    const program = `
      const { createFakeCognito } = require('rolecast/testing')
      createFakeCognito({ users: [{ username: 'alice' }] }).then(async fake => {
        const { idToken } = await fake.tokensOf('alice')
        await fake.close()
        console.log(JSON.parse(Buffer.from(idToken.split('.')[1], 'base64url'))['cognito:username'])
      })`
    expect(await runCommonJs(node, program)).toBe('alice')
  })

  test('an error of one copy is known to the other', async () => {
    const program = `
      const required = require('rolecast')
      import('rolecast').then(imported => {
        const thrownBy = ({ resolveRoles }) => { try { resolveRoles([{ groupName: 1 }]) } catch (error) { return error } }
        const errors = [required, imported].map(thrownBy)
        console.log(JSON.stringify({
          known: [required, imported].map(({ isRolecastError }) => errors.map(isRolecastError)),
          instances: errors.map(error => error instanceof required.RolecastError),
          constructors: errors.map(error => error.constructor === required.RolecastError),
        }))
      })`
    expect(JSON.parse(await runCommonJs(node, program))).toEqual({
      known: [
        [true, true],
        [true, true],
      ],
      instances: [true, true],
      // The control: these are two copies.
      constructors: [true, false],
    })
  })

  test('control: an ES module is not required here', async () => {
    await expect(runCommonJs(node, `require('./node_modules/rolecast/dist/index.js')`)).rejects.toThrow(
      'ERR_REQUIRE_ESM',
    )
  })
})

describe('Jest has no import() in CommonJS', () => {
  test('no file for require has one', async () => {
    const dist = join(folder, 'node_modules/rolecast/dist')
    const files = (await readdir(dist, { recursive: true })).filter(path => path.endsWith('.cjs'))
    expect(files.length).toBeGreaterThan(ENTRIES.length)
    for (const file of files) expect(dynamicImportsIn(await readFile(join(dist, file), 'utf8')), file).toBe(0)
  })

  test('control: the files for import have some', async () => {
    const text = await readFile(join(folder, 'node_modules/rolecast/dist/cognito/index.js'), 'utf8')
    expect(dynamicImportsIn(text)).toBeGreaterThan(0)
  })
})

/** What a page gets in place of the files for Node.js. */
const BROWSER_BUILDS: Readonly<Record<string, { readonly browser: string }>> = {
  './template': { browser: './dist/template/browser.js' },
}

test('each entry is in `exports` for both, with types of its own, and in `typesVersions`', () => {
  const { exports, typesVersions } = manifest
  const places = Object.entries(exports).filter(([, place]) => typeof place === 'object')
  expect(places.map(([name]) => name.replace('.', 'rolecast'))).toEqual(ENTRIES)
  for (const [name, place] of places) {
    const path = `./dist/${name === '.' ? '' : `${name.slice(2)}/`}index`
    expect(place).toEqual({
      import: { types: `${path}.d.ts`, ...BROWSER_BUILDS[name], default: `${path}.js` },
      require: { types: `${path}.d.cts`, default: `${path}.cjs` },
    })
    if (name !== '.') expect(Object.entries(typesVersions['*'])).toContainEqual([name.slice(2), [`${path}.d.cts`]])
  }
})
