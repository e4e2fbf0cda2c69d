/**
 * Installs the packed tarball as people do, and uses what is installed: `node test/package/installed.mjs rolecast-0.1.0.tgz`. It
 * says what it does, and exits with 1 if anything failed.
 *
 * The commands run in a folder without `node_modules`, with an empty home, without credentials of AWS, and in a process that may
 * reach nothing but loopback.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'

const tarball = resolve(process.argv[2])
const root = join(import.meta.dirname, '../..')
const templates = join(root, 'test/fixtures/templates')
const limit = JSON.parse(readFileSync(join(import.meta.dirname, 'installed-size.json'), 'utf8'))
/** What each dependency is for, as the table of the page says. */
const page = readFileSync(join(root, 'docs/bundling.md'), 'utf8')
  .split('## What an installation weighs\n')[1]
  .split('\n## ')[0]
const purposes = new Map([...page.matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)].map(([, name, purpose]) => [name, purpose]))
/** Everything is in folders with a space in their name. */
const work = mkdtempSync(join(tmpdir(), 'rolecast installed '))
const folder = (...names) => {
  const path = join(work, ...names)
  mkdirSync(path, { recursive: true })
  return path
}

const ADMIN = 'arn:aws:iam::111122223333:role/Admin'
const POOL = { Groups: [{ GroupName: 'admins', Precedence: 0, RoleArn: ADMIN }] }
const NODES = [process.execPath, ...(process.env.TEST_NODES ?? '').split(':').filter(node => node !== '')]

const home = folder('home')
const guard = join(work, 'loopback only.cjs')
writeFileSync(
  guard,
  `const net = require('node:net')
const { connect } = net.Socket.prototype
net.Socket.prototype.connect = function (...parameters) {
  const [options] = parameters.flat()
  const { host = 'localhost', path } = typeof options === 'object' && options !== null ? options : { host: parameters[1] }
  if (path === undefined && !['localhost', '127.0.0.1', '::1'].includes(host)) {
    process.stderr.write('reached for ' + host + '\\n')
    process.exit(99)
  }
  return Reflect.apply(connect, this, parameters)
}
`,
)
/** What a process has and nothing else: no credentials, no home, an option of Node with a path that has spaces. */
const environment = {
  PATH: [dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter),
  HOME: home,
  // Else the SDK asks for the role of an instance, outside loopback.
  AWS_EC2_METADATA_DISABLED: 'true',
  NODE_OPTIONS: `--throw-deprecation --require ${JSON.stringify(guard)}`,
}

function run(command, parameters, options = {}) {
  const { stdout, stderr, status } = spawnSync(command, parameters, {
    cwd: empty,
    env: environment,
    encoding: 'utf8',
    input: '',
    ...options,
  })
  return { stdout: stdout ?? '', stderr: stderr ?? '', status }
}

/** What is wrong with a run: its exit code, or a text that is not there. */
function faults({ status, stdout, stderr }, { code = 0, says = [], warns = [] }) {
  return [
    ...(status === code ? [] : [`it exits with ${status}, not with ${code}`]),
    ...says.filter(text => !matches(stdout, text)).map(text => `stdout does not have ${text}`),
    ...warns.filter(text => !matches(stderr, text)).map(text => `stderr does not have ${text}`),
  ]
}

const matches = (text, wanted) => (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text))

const failures = []

function fail(what, output = '') {
  failures.push(what)
  console.error(`FAILED: ${what}\n${output}`)
}

function check(what, result, expected) {
  const wrong = faults(result, expected)
  if (wrong.length === 0) console.log(`${what}: as expected`)
  else fail(`${what}: ${wrong.join('; ')}`, `${result.stdout}${result.stderr}`.slice(0, 2000))
}

/** A control: something that has to be noticed. */
function checkNoticed(what, noticed) {
  if (noticed) console.log(`control: ${what} is noticed`)
  else fail(`${what} is not noticed`)
}

function install(...parameters) {
  execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', ...parameters], { stdio: 'inherit' })
}

/** The packages below a `node_modules`, each with its bytes, those in packages' own `node_modules` too. */
function packagesIn(modules) {
  const names = readdirSync(modules).flatMap(name =>
    name.startsWith('.')
      ? []
      : name.startsWith('@')
        ? readdirSync(join(modules, name)).map(one => `${name}/${one}`)
        : name,
  )
  return names.flatMap(name => {
    const path = join(modules, name)
    const own = readdirSync(path).includes('node_modules') ? packagesIn(join(path, 'node_modules')) : []
    return [{ name, bytes: bytesIn(path) - own.reduce((sum, { bytes }) => sum + bytes, 0) }, ...own]
  })
}

function bytesIn(path) {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
}

/** What an installation has too much of. */
function excess({ packages, megabytes }, most) {
  return [
    ...(packages > most.packages ? [`${packages} packages, and the limit is ${most.packages}`] : []),
    ...(megabytes > most.megabytes ? [`${megabytes.toFixed(1)} MB, and the limit is ${most.megabytes}`] : []),
  ]
}

function checkSize(installed, { dependencies }) {
  const packages = packagesIn(installed)
  const bytes = packages.reduce((sum, one) => sum + one.bytes, 0)
  const size = { packages: packages.length, megabytes: bytes / 1e6 }
  const bytesOf = new Map(packages.map(one => [one.name, one.bytes]))
  const direct = ['rolecast', ...Object.keys(dependencies)].toSorted((a, b) => bytesOf.get(b) - bytesOf.get(a))
  console.log(`Installed: ${size.packages} packages, ${size.megabytes.toFixed(1)} MB of files`)
  for (const name of direct) {
    const why = name === 'rolecast' ? 'the package itself' : purposes.get(name)
    console.log(`  ${(bytesOf.get(name) / 1e6).toFixed(2).padStart(6)} MB  ${name}: ${why ?? 'NOT JUSTIFIED'}`)
  }
  const brought = packages.filter(({ name }) => !direct.includes(name)).reduce((sum, one) => sum + one.bytes, 0)
  console.log(`  ${(brought / 1e6).toFixed(2).padStart(6)} MB  what these bring`)

  const wrong = excess(size, limit)
  for (const name of Object.keys(dependencies))
    if (!purposes.has(name)) wrong.push(`docs/bundling.md does not say what ${name} is for`)
  for (const name of purposes.keys())
    if (!(name in dependencies)) wrong.push(`docs/bundling.md names ${name}, which is not a dependency`)
  if (wrong.length > 0) fail(`${wrong.join('; ')}; see test/package/installed-size.json`)
  checkNoticed('a package too many', excess(size, { packages: size.packages - 1, megabytes: 1000 }).length === 1)
  checkNoticed('a megabyte too many', excess(size, { packages: 1000, megabytes: size.megabytes - 1 }).length === 1)
}

const empty = folder('a project')
cpSync(join(templates, 'terraform/main.tf'), join(folder('a project', 'terraform'), 'main.tf'))
cpSync(
  join(templates, 'cloudformation/attachments.yaml'),
  join(folder('a project', 'cloudformation'), 'attachments.yaml'),
)
writeFileSync(join(empty, 'pool.json'), JSON.stringify(POOL))
writeFileSync(join(empty, 'users.jsonl'), '{"username":"alice","groups":["admins"]}\n{"username":"bob","groups":[]}\n')

const forecast = ['predict', '--pool-file', 'pool.json', '--group', 'admins']
/** Every command that needs neither AWS nor a network: parameters, and what comes of them. */
const COMMANDS = [
  [['--version'], { says: [/^\d+\.\d+\.\d+/] }],
  [['--help'], { says: ['predict', 'audit', 'impact', 'validate', 'explain', 'sql', 'completion', 'demo'] }],
  [['help', 'audit', 'pool'], { says: ['--memberships'] }],
  [['validate', 'terraform', '--fail-on', 'never'], { says: ['COG152', 'main.tf:43:3'] }],
  [['validate', 'terraform'], { code: 1, says: ['COG152'] }],
  [['validate', 'cloudformation', '--format', 'sarif', '--fail-on', 'never'], { says: ['"version": "2.1.0"', 'COG1'] }],
  [['validate', 'cloudformation'], { code: 1, says: ['attachments.yaml'] }],
  [['validate', 'missing.yaml'], { code: 2, warns: ['missing.yaml'] }],
  [forecast, { says: [ADMIN, 'lowest-precedence'] }],
  [[...forecast, '--json'], { says: [`"preferredRole": "${ADMIN}"`] }],
  [
    ['predict', '--pool-file', 'pool.json', '--group', 'nobody', '--require-role'],
    { code: 1, says: ['Not in the user pool'] },
  ],
  [['audit', 'pool', '--pool-file', 'pool.json', '--memberships', 'users.jsonl'], { says: ['2 users', ADMIN] }],
  [
    [
      'audit',
      'pool',
      '--pool-file',
      'pool.json',
      '--memberships',
      'users.jsonl',
      '--format',
      'html',
      '--output',
      'a b.html',
    ],
    { reads: ['a b.html', '<!doctype html>'] },
  ],
  [['explain', 'COG101'], { says: ['COG101 tie-different-roles', 'precedence'] }],
  [['explain', 'no-precedence'], { says: ['no-precedence'] }],
  [['explain', 'throttled'], { says: ['throttled'] }],
  [['explain', 'COG999'], { code: 2, warns: ['COG999'] }],
  [['calibrate', '--dry-run', '--many', '--identity-pool'], { says: ['CreateUserPool', 'rolecast-calibrate-'] }],
  [['sql', '--semantics', 'observed'], { says: [/\bselect\b/i, 'memberships'] }],
  [['completion', 'bash'], { says: ['rolecast', 'complete'] }],
  [['completion', 'zsh'], { says: ['rolecast', 'compdef'] }],
  [['completion', 'fish'], { says: ['complete -c rolecast'] }],
  [['explain', 'throttled', '--json'], { says: ['"error-code"'] }],
  [['demo'], { says: ['As predicted.', 'User pool'] }],
  [['snapshot', '--user-pool-id', 'eu-west-1_Ab12Cd34e', '--region', 'eu-west-1'], { code: 2, warns: ['credentials'] }],
]

function useCommands(command, before, what) {
  for (const [parameters, expected] of COMMANDS) {
    const result = run(command, [...before, ...parameters])
    check(`${what} ${parameters.join(' ')}`, result, expected)
    const [file, text] = expected.reads ?? []
    if (file !== undefined && !readFileSync(join(empty, file), 'utf8').includes(text))
      throw new Error(`${file} is wrong`)
  }
}

function useGlobally() {
  const prefix = join(work, 'global prefix')
  install('--global', '--prefix', prefix, tarball)
  const modules = join(prefix, 'lib/node_modules')
  checkSize(modules, JSON.parse(readFileSync(join(modules, 'rolecast/package.json'), 'utf8')))

  const command = join(prefix, 'bin/rolecast')
  useCommands(command, [], 'rolecast')
  const { status, stderr } = run(process.execPath, ['-e', "require('node:net').connect(443, '192.0.2.1')"])
  checkNoticed('a call to the network', status === 99 && stderr === 'reached for 192.0.2.1\n')
  checkNoticed('another exit code', faults(run(command, ['--help']), { code: 1 }).length === 1)
  checkNoticed(
    'a text that is not there',
    faults(run(command, ['--help']), { says: ['nothing of the sort'] }).length === 1,
  )
  // The same file, with the other Nodes that people have.
  for (const node of NODES.slice(1)) {
    const version = run(node, ['--version']).stdout.trim()
    useCommands(node, [join(modules, 'rolecast/dist/cli/bin.js')], `${version} bin.js`)
  }
}

function useFromNpx() {
  const { npm_config_cache: cache = join(process.env.HOME, '.npm') } = process.env
  const result = run('npx', ['--yes', '--package', tarball, 'rolecast', ...forecast], {
    env: { ...environment, npm_config_cache: cache, NODE_OPTIONS: '' },
  })
  check('npx --package TARBALL rolecast', result, { says: [ADMIN] })
}

/** Every entry by `import` and by `require`, where nothing else is installed: the optional peers are not. */
function useInProject() {
  const project = folder('a library user')
  writeFileSync(join(project, 'package.json'), '{ "private": true }')
  install('--prefix', project, tarball)
  const { exports, peerDependencies } = JSON.parse(
    readFileSync(join(project, 'node_modules/rolecast/package.json'), 'utf8'),
  )
  const entries = Object.keys(exports)
    .filter(name => typeof exports[name] === 'object')
    .map(name => name.replace('.', 'rolecast'))
  const installed = readdirSync(join(project, 'node_modules'))
  const peers = Object.keys(peerDependencies).filter(name => installed.includes(name))
  if (peers.length > 0) fail(`${peers} came with the package, so this shows nothing about optional peers`)

  const found = module =>
    `console.log(JSON.stringify(Object.keys(${module}).filter(name => !/^(__esModule|module.exports|default)$/.test(name)).sort()))`
  const options = { cwd: project, env: { ...environment, NODE_OPTIONS: '--throw-deprecation' } }
  for (const node of NODES) {
    const version = run(node, ['--version']).stdout.trim()
    for (const entry of entries) {
      const imported = run(node, ['--input-type=module', '-e', found(`await import('${entry}')`)], options)
      const required = run(
        node,
        ['--no-experimental-require-module', '--input-type=commonjs', '-e', found(`require('${entry}')`)],
        options,
      )
      check(`${version} import ${entry}`, imported, { says: [/^\["/] })
      check(`${version} require ${entry}`, required, { says: [imported.stdout] })
    }
    const read =
      "const { readTemplate } = await import('rolecast/template'); await readTemplate('Resources: {}', { format: 'cloudformation' })"
    check(`${version} reads a template`, run(node, ['--input-type=module', '-e', read], options), {})
    const schema = "await import('rolecast/schemas/audit.schema.json', { with: { type: 'json' } })"
    check(`${version} imports a schema`, run(node, ['--input-type=module', '-e', schema], options), {})
  }
  for (const path of [
    'rolecast/schemas/audit.schema.json',
    'rolecast/schemas/rolecast.config.schema.json',
    'rolecast/package.json',
  ])
    check(`the file ${path}`, run(process.execPath, ['-e', `console.log(typeof require('${path}'))`], options), {
      says: ['object'],
    })
  const wrong = run(process.execPath, ['--input-type=module', '-e', "await import('rolecast/nothing')"], options)
  checkNoticed(
    'an entry that is not there',
    wrong.status === 1 && wrong.stderr.includes('ERR_PACKAGE_PATH_NOT_EXPORTED'),
  )
}

try {
  useGlobally()
  useFromNpx()
  useInProject()
} finally {
  rmSync(work, { recursive: true, force: true })
}
if (failures.length > 0) {
  console.error(`${failures.length} failed:\n  ${failures.join('\n  ')}`)
  process.exitCode = 1
}
