/**
 * Installs the packed tarball in each project of docs/examples, as a reader does who copies the folder, and runs its tests:
 * `node test/package/examples.mjs rolecast-0.1.0.tgz`. Then it puts a mistake into a copy, which these tests have to notice.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const tarball = resolve(process.argv[2])
const examples = join(import.meta.dirname, '../../docs/examples')
const work = mkdtempSync(join(tmpdir(), 'rolecast-examples-'))

/** A mistake in each project: in a file, one text in place of another. */
const MISTAKES = {
  'http-api-cdk': ['src/authorizer.ts', "routeKey.startsWith('GET ')", "routeKey.includes(' ')"],
  'nightly-audit-github': ['audit.sh', '--fail-on gained', '--fail-on lost'],
  'rest-authorizer-sam': ['src/authorizer.mjs', "onStale: 'deny'", "onStale: 'allow'"],
  'terraform-pre-merge': ['check.sh', '--fail-on warning', '--fail-on never'],
}

function run(command, parameters, cwd) {
  const { AWS_PROFILE: _, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(command, parameters, {
    cwd,
    encoding: 'utf8',
    env: { ...env, AWS_EC2_METADATA_DISABLED: 'true' },
  })
  return { status, output: `${stdout}${stderr}` }
}

function fail(what, { output }) {
  console.error(`${what}\n${output}`)
  process.exitCode = 1
}

try {
  const projects = readdirSync(examples).filter(name => existsSync(join(examples, name, 'package.json')))
  const unknown = [...projects, ...Object.keys(MISTAKES)].filter(name => !(projects.includes(name) && name in MISTAKES))
  if (unknown.length > 0) throw new Error(`no project, or no mistake for it: ${unknown.join(', ')}`)
  for (const name of projects) {
    const project = join(work, name)
    // What git ignores is not part of the example.
    const isOurs = path => !/[\\/](?:node_modules|dist|package-lock\.json|cdk\.out[^\\/]*)$/.test(path)
    cpSync(join(examples, name), project, { recursive: true, filter: isOurs })
    const installed = run('npm', ['install', '--silent', '--no-audit', '--no-fund', tarball], project)
    if (installed.status !== 0) {
      fail(`${name}: cannot be installed`, installed)
      continue
    }
    const tested = run('npm', ['test'], project)
    const [passed] = /(?<=pass )\d+/.exec(tested.output) ?? ['0']
    if (tested.status === 0 && passed !== '0') console.log(`${name}: ${passed} tests passed`)
    else fail(`${name}: its tests fail`, tested)

    const [file, right, wrong] = MISTAKES[name]
    const source = readFileSync(join(project, file), 'utf8')
    if (source.split(right).length !== 2) throw new Error(`${name}: ${file} has to have ${right} once`)
    writeFileSync(join(project, file), source.replace(right, wrong))
    const mistaken = run('npm', ['test'], project)
    if (mistaken.status !== 0 && /\bnot ok\b|✖/.test(mistaken.output))
      console.log(`control: ${wrong} in ${name} is noticed`)
    else fail(`${name}: ${wrong} in ${file} is not noticed`, mistaken)
  }
} finally {
  rmSync(work, { recursive: true, force: true })
}
