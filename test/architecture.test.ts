import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { copyPackage } from './build-package.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = promisify(execFile)

/** Path below src, and the text. */
type Sources = ReadonlyMap<string, string>

async function readSources(): Promise<Sources> {
  const paths = (await readdir(join(root, 'src'), { recursive: true })).filter(path => path.endsWith('.ts'))
  return new Map(
    await Promise.all(
      paths.map(async path => [path.replaceAll('\\', '/'), await readFile(join(root, 'src', path), 'utf8')] as const),
    ),
  )
}

interface Import {
  readonly target: string
  readonly typeOnly: boolean
  readonly dynamic: boolean
}

function importsOf(text: string): readonly Import[] {
  const code = text.replace(/^\s*(\/\*\*|\*|\/\/).*$/gm, '')
  const fixed = [...code.matchAll(/^(?:import|export)\b(\s+type\b)?[^'"]*?from\s*['"]([^'"]+)['"]/gm)].map(match => ({
    target: match[2]!,
    typeOnly: match[1] !== undefined,
    dynamic: false,
  }))
  const bare = [...code.matchAll(/^import\s*['"]([^'"]+)['"]/gm)].map(match => ({
    target: match[1]!,
    typeOnly: false,
    dynamic: false,
  }))
  const dynamic = [...code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g)].map(match => ({
    target: match[1]!,
    typeOnly: false,
    dynamic: true,
  }))
  return [...fixed, ...bare, ...dynamic]
}

const SDK = /^@aws-sdk\//
/** What no core file may touch: the world. */
const WORLD: readonly string[] = [
  'process',
  'Date',
  'performance',
  'console',
  'fetch',
  'setTimeout',
  'setInterval',
  'globalThis',
  'Math.random',
  'require',
]

/** The identifiers in the code, and `a.b` where an identifier is read from another. Not what texts and comments say. */
function namesIn(text: string): ReadonlySet<string> {
  const names = new Set<string>()
  const visit = (node: ts.Node) => {
    if (ts.isIdentifier(node)) names.add(node.text)
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression))
      names.add(`${node.expression.text}.${node.name.text}`)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('source.ts', text, ts.ScriptTarget.Latest))
  return names
}

/** The pure rooms, each with those it may import besides itself and the ground. */
const CORE: Readonly<Record<string, readonly string[]>> = {
  claims: [],
  credentials: ['claims'],
  pool: ['claims'],
  audit: ['claims', 'credentials', 'pool'],
  rules: ['claims', 'credentials', 'pool', 'audit'],
}
const READ_PROCESS: ReadonlySet<string> = new Set([
  'cli/bin.ts',
  // Where a container gets its credentials from: the SDK reads it from the environment too.
  'cognito/api/container-credentials.ts',
  // The credentials and the endpoint that the SDK reads there.
  'cognito/api/aws-environment.ts',
  // Where the AWS configuration files are: the SDK reads it too.
  'cognito/api/aws-profile.ts',
  // Which variable it is that names an endpoint: the SDK reads it.
  'calibrate/endpoint-setting.ts',
  // A lock names the process that holds it.
  'cognito/memberships/lock-holder.ts',
])
/** The edges that validate what `template` reads. */
const VALIDATE_TEMPLATES: ReadonlySet<string> = new Set(['cdk', 'handlers'])
/** The files directly under `src`, but for `index.ts`: what every room stands on. */
const GROUND = '.'
const isGround = (path: string) => dirname(path) === '.' && path !== 'index.ts'
const roomOf = (path: string) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : GROUND)

/** The house rules of docs/decisions/0001-the-house.md that a file breaks. */
function violations(sources: Sources): readonly string[] {
  const found: string[] = []
  for (const [path, text] of sources) {
    const room = roomOf(path)
    const isCore = room === GROUND || room in CORE
    const complain = (what: string) => found.push(`${path} ${what}`)
    for (const { target, typeOnly, dynamic } of importsOf(text)) {
      if (target.startsWith('.')) {
        const other = roomOf(posix.normalize(posix.join(dirname(path), target)))
        if (path === 'group.ts' || path === 'text.ts') complain(`imports ${target}: it imports nothing`)
        else if (isGround(path) && other !== GROUND) complain(`imports ${target}: the ground imports the ground only`)
        else if (path === 'index.ts' && other !== GROUND && !(other in CORE))
          complain(`imports ${target}: the core's entry exports the core only`)
        else if (room in CORE && ![GROUND, room, ...CORE[room]!].includes(other))
          complain(`imports ${target}: ${room} stands on ${['the ground', ...CORE[room]!].join(', ')}`)
        else if (room === 'calibrate' && posix.join(dirname(path), target).startsWith('cognito/api/')) continue
        else if (VALIDATE_TEMPLATES.has(room) && other === 'template') continue
        else if (!isCore && room !== 'cli' && other !== GROUND && other !== room && !(other in CORE))
          complain(`imports ${target}: edges do not import each other`)
      } else {
        if (isCore) complain(`imports ${target}: the core has no dependency`)
        else if (SDK.test(target) && !['cognito', 'calibrate', 'cli'].includes(room))
          complain(`imports ${target}: the SDK belongs to cognito`)
        else if (SDK.test(target) && !typeOnly && !dynamic)
          complain(`imports ${target} at start: the SDK is loaded by the first call`)
        else if (target === 'lru-cache' && room !== 'cognito')
          complain(`imports ${target}: the cache belongs to cognito`)
      }
    }
    // `report` has escapes of its own: what it prints is not cut.
    if (path !== 'errors.ts' && room !== 'report' && /\\`\$\{[^}`]*\}\\`/.test(text))
      complain('puts backticks around a value itself: `quote` escapes and cuts it')
    const used = namesIn(text)
    const touched = isCore ? WORLD.find(name => used.has(name)) : undefined
    if (touched !== undefined) complain(`touches ${touched}: the core is pure`)
    const usesProcess = used.has('process') || importsOf(text).some(({ target }) => /^(node:)?process$/.test(target))
    if (usesProcess && !READ_PROCESS.has(path)) complain('touches process: only the bin file does')
  }
  return found
}

describe('who may import whom', () => {
  test('the sources keep the house rules', async () => {
    const sources = await readSources()
    expect(sources.size).toBeGreaterThan(10)
    expect(violations(sources)).toEqual([])
  })

  test('every room is a core room or an edge that the decision record names', async () => {
    const rooms = new Set([...(await readSources()).keys()].map(roomOf).filter(room => room !== GROUND))
    const record = await readFile(join(root, 'docs/decisions/0001-the-house.md'), 'utf8')
    const named = [...record.matchAll(/^ {2}(\w+)\/ /gm)].map(([, room]) => room!)
    expect([...rooms].toSorted()).toEqual(named.toSorted())
  })

  test.each([
    ['group.ts', `import { RolecastError } from './errors.js'`, 'it imports nothing'],
    ['quotas.ts', `import type { Resolution } from './claims/resolve.js'`, 'the ground imports the ground only'],
    ['index.ts', `export { createGroupSource } from './cognito/index.js'`, "the core's entry exports the core only"],
    ['claims/resolve.ts', `import { createGroupSource } from '../cognito/index.js'`, 'claims stands on the ground'],
    ['claims/resolve.ts', `import { compilePool } from '../pool/compile-pool.js'`, 'claims stands on the ground'],
    [
      'credentials/select-role.ts',
      `import { compilePool } from '../pool/compile-pool.js'`,
      'credentials stands on the ground, claims',
    ],
    ['pool/compile-pool.ts', `import { createImpact } from '../audit/impact.js'`, 'pool stands on the ground, claims'],
    [
      'credentials/trust-policy.ts',
      `import { createAuditSummary } from '../audit/summary.js'`,
      'credentials stands on the ground, claims',
    ],
    [
      'audit/impact.ts',
      `import type { Finding } from '../rules/finding.js'`,
      'audit stands on the ground, claims, credentials, pool',
    ],
    [
      'rules/validate.ts',
      `import { textTable } from '../report/text-table.js'`,
      'rules stands on the ground, claims, credentials, pool, audit',
    ],
    ['claims/resolve.ts', `import { LRUCache } from 'lru-cache'`, 'the core has no dependency'],
    ['claims/resolve.ts', `const now = Date.now()`, 'the core is pure'],
    [
      'cognito/groups/group-source.ts',
      `import { predictionText } from '../../report/prediction-text.js'`,
      'edges do not import each other',
    ],
    ['cdk/plugin.ts', `import { createGroupSource } from '../cognito/index.js'`, 'edges do not import each other'],
    [
      'calibrate/calibrate.ts',
      `import { createGroupSource } from '../cognito/groups/group-source.js'`,
      'edges do not import each other',
    ],
    [
      'cognito/api/user-pool-api.ts',
      `import { GetGroupCommand } from '@aws-sdk/client-cognito-identity-provider'`,
      'the SDK is loaded by the first call',
    ],
    [
      'report/prediction.ts',
      `import type { GroupType } from '@aws-sdk/client-cognito-identity-provider'`,
      'the SDK belongs to cognito',
    ],
    [
      'report/prediction.ts',
      `const sdk = await import('@aws-sdk/client-cognito-identity-provider')`,
      'the SDK belongs to cognito',
    ],
    ['report/prediction.ts', `import { LRUCache } from 'lru-cache'`, 'the cache belongs to cognito'],
    ['cli/commands/predict.ts', `process.exit(1)`, 'only the bin file does'],
    ['cognito/index.ts', `import { env } from 'node:process'`, 'only the bin file does'],
    ['pool/columns.ts', 'throw new Error(`no group \\`${name}\\``)', '`quote` escapes and cuts it'],
  ])('control: planted in %s, `%s` is found', (path, planted, why) => {
    expect(violations(new Map([[path, planted]]))).toEqual([expect.stringMatching(new RegExp(`${why}$`))])
  })

  test.each([
    ['rules/validate.ts', `import { resolveRoles } from '../claims/resolve.js'`],
    ['cognito/memberships/audit-pool.ts', `import { describeChange } from '../../audit/summary.js'`],
    ['cli/commands/predict.ts', `import { predictionText } from '../../report/prediction-text.js'`],
    ['cognito/groups/group-source.ts', `import { LRUCache } from 'lru-cache'`],
    ['cognito/api/user-pool-api.ts', `const sdk = await import('@aws-sdk/client-cognito-identity-provider')`],
  ])('control: in %s, `%s` is allowed', (path, planted) => {
    expect(violations(new Map([[path, planted]]))).toEqual([])
  })
})

describe('the built package, where no node_modules exists', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rolecast-dist-'))
    await copyPackage(folder, async () => {})
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const load = (entry: string) =>
    run(
      process.execPath,
      ['--input-type=module', '-e', `console.log(Object.keys(await import(${JSON.stringify(entry)})).join())`],
      { cwd: folder },
    )

  test('the core loads and resolves', async () => {
    const { stdout } = await load('./dist/index.js')
    expect(stdout.trim().split(',')).toContain('resolveRoles')
  })

  test('the authorizer loads', async () => {
    const { stdout } = await load('./dist/authorizer/index.js')
    expect(stdout.trim().split(',')).toContain('createRoleAuthorizer')
  })

  test('the resolver loads: what it needs is inlined, and the SDK comes with the first call', async () => {
    const { stdout } = await load('./dist/cognito/index.js')
    expect(stdout.trim().split(',')).toContain('createRoleResolver')
  })

  test('the reader of templates loads: what it needs is inlined, but for the parser of HCL', async () => {
    const { stdout } = await load('./dist/template/index.js')
    expect(stdout.trim().split(',')).toContain('validateTemplate')
  })

  test('the command line runs: what it needs is inlined, but for the SDK, the parser of HCL and the widths of characters', async () => {
    const { stdout } = await run(process.execPath, ['dist/cli/bin.js', 'explain', 'COG101'], { cwd: folder })
    expect(stdout).toContain('COG101')
  })

  test('control: a library planted in the core stops it from loading', async () => {
    await writeFile(
      join(folder, 'dist', 'planted.js'),
      `import 'lru-cache'\n${await readFile(join(folder, 'dist', 'index.js'), 'utf8')}`,
    )
    await expect(load('./dist/planted.js')).rejects.toThrow(/ERR_MODULE_NOT_FOUND/)
  })
})

describe('what importing loads', () => {
  const hook = `import { writeSync } from 'node:fs'; export async function load(url, context, next) { writeSync(1, url + '\\n'); return next(url, context) }`
  const register = `import { register } from 'node:module'; register('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(hook))})`

  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rolecast-dist-'))
    await copyPackage(folder)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function loadedBy(code: string): Promise<readonly string[]> {
    const args = ['--import', `data:text/javascript,${encodeURIComponent(register)}`, '--input-type=module', '-e', code]
    const { stdout } = await run(process.execPath, args, { cwd: folder })
    return stdout.trim().split('\n')
  }

  test.each([
    ['rolecast', '/dist/index.js'],
    ['rolecast/authorizer', '/dist/authorizer/index.js'],
  ])('`%s` loads its own files only', async (entry, file) => {
    const loaded = await loadedBy(`import '${entry}'`)
    expect(loaded.some(url => url.endsWith(file))).toBe(true)
    expect(loaded.filter(url => url.startsWith('node:') || url.includes('/node_modules/'))).toEqual([])
  })

  test('`rolecast/cognito` loads the SDK with the first call and not before', async () => {
    const ofSdk = (urls: readonly string[]) => urls.filter(url => url.includes('/@aws-sdk/'))
    const made = `import { createGroupSource } from 'rolecast/cognito'; const source = createGroupSource({ userPoolId: 'eu-west-1_a', client: { send: async () => ({ Group: { GroupName: 'a' } }) } });`
    expect(ofSdk(await loadedBy(made))).toEqual([])
    expect(ofSdk(await loadedBy(`${made} await source('a')`)), 'control: the first call loads it').not.toEqual([])
  })

  test('a light client loads nothing of the SDK, and its own files with the first call', async () => {
    const nowhere = `{ endpoint: 'http://127.0.0.1:9', maxAttempts: 1, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } }`
    const made = `import { createLightClient } from 'rolecast/cognito'; const client = createLightClient(${nowhere});`
    const call = `await client.getGroup({ UserPoolId: 'eu-west-1_a', GroupName: 'a' }).catch(() => {})`
    const ofSigner = (urls: readonly string[]) => urls.filter(url => url.includes('/light-request-'))
    expect(ofSigner(await loadedBy(made))).toEqual([])
    const loaded = await loadedBy(`${made} ${call}`)
    expect(ofSigner(loaded), 'control: the first call loads the signer').toHaveLength(1)
    expect(loaded.filter(url => url.includes('/node_modules/'))).toEqual([])
  })
})
