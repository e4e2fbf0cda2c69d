/**
 * Installs the packed tarball as people do, and uses it with each TypeScript and each Jest that they have:
 * `node test/package/users.mjs rolecast-0.1.0.tgz`. It says what it does, and exits with 1 at the first failure.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const tarball = resolve(process.argv[2])
const fixtures = join(import.meta.dirname, 'users')
const work = mkdtempSync(join(tmpdir(), 'rolecast-users-'))

/** The first, the last 5, 6 and 7. With what each needs: TypeScript 7 has no `node10`, and 6 asks to be told that it is meant. */
const TYPESCRIPTS = ['5.4', '5.9', '6.0', '7.0']
const RESOLUTIONS = [
  { files: ['use.ts'], options: ['--module', 'commonjs', '--moduleResolution', 'node10'], last: 6 },
  { files: ['use.mts', 'use.cts'], options: ['--module', 'node16', '--moduleResolution', 'node16'] },
  { files: ['use.mts', 'use.cts'], options: ['--module', 'nodenext', '--moduleResolution', 'nodenext'] },
  { files: ['use.ts'], options: ['--module', 'esnext', '--moduleResolution', 'bundler'] },
]
const JESTS = ['29', '30']

function install(folder, ...packages) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', ...packages], {
    cwd: folder,
    stdio: 'inherit',
  })
}

function fail(what, { stdout, stderr }) {
  console.error(`${what} failed:\n${stdout}${stderr}`)
  process.exitCode = 1
  throw new Error(what)
}

function tryTypeScripts() {
  const project = join(work, 'typescript')
  install(project, tarball, '@types/node@20', '@types/aws-lambda', 'aws-jwt-verify')
  for (const name of ['use.ts', 'use.mts', 'use.cts']) cpSync(join(fixtures, 'use.ts'), join(project, name))
  writeFileSync(join(project, 'wrong.ts'), "import { resolveRoles } from 'rolecast'\nresolveRoles('admins').nothing\n")
  for (const version of TYPESCRIPTS) {
    install(join(work, `typescript-${version}`), `typescript@~${version}.0`)
    const tsc = join(work, `typescript-${version}/node_modules/typescript/bin/tsc`)
    const strict = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      'false',
      '--target',
      'es2022',
      '--lib',
      'es2022',
      '--types',
      'node',
    ]
    const compile = (files, options) =>
      spawnSync(process.execPath, [tsc, ...strict, ...options, ...files], { cwd: project, encoding: 'utf8' })
    for (const { files, options, last = Infinity } of RESOLUTIONS) {
      if (Number.parseInt(version) > last) continue
      const silenced = version.startsWith('6') && options.includes('node10') ? ['--ignoreDeprecations', '6.0'] : []
      const what = `TypeScript ${version} with ${options.at(-1)}`
      const compiled = compile(files, [...options, ...silenced])
      if (compiled.status !== 0) fail(what, compiled)
      console.log(`${what}: no error`)
    }
    // The control: the types are there, and are read.
    const wrong = compile(['wrong.ts'], RESOLUTIONS.at(-1).options)
    if (wrong.status === 0 || !/TS2345/.test(wrong.stdout)) fail(`TypeScript ${version} on a wrong file`, wrong)
  }
}

function tryJests() {
  for (const version of JESTS) {
    const project = join(work, `jest-${version}`)
    install(
      project,
      tarball,
      `jest@${version}`,
      'ts-jest@29',
      `@types/jest@${version}`,
      'typescript@5.9',
      '@types/node@20',
    )
    cpSync(join(fixtures, 'jest'), project, { recursive: true })
    const tested = spawnSync('npx', ['--no-install', 'jest', '--ci', '--forceExit'], { cwd: project, encoding: 'utf8' })
    if (tested.status !== 0 || !/Tests: +\d+ passed/.test(tested.stderr)) fail(`Jest ${version}`, tested)
    console.log(`Jest ${version}, CommonJS: ${/Tests: +(.*)/.exec(tested.stderr)[1]}`)
  }
}

try {
  tryTypeScripts()
  tryJests()
} finally {
  rmSync(work, { recursive: true, force: true })
}
