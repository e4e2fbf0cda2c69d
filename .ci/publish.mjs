/**
 * Publishes the tarball that was tested: `npm run publish:package -- reports/rolecast-1.0.0.tgz`. It refuses while anything is missing
 * that a release needs, and says all of it at once. With `--dry-run` it lists what is missing and runs npm's own dry run, against
 * no registry. `npm publish` in the working tree runs it with `--check`, which always refuses: that would pack again.
 *
 * `.ci/run` ends with `--tested`, which keeps the tarball in `reports/`, with its hash and the commit. Whether CI passed elsewhere is
 * not looked at.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  options: {
    'dry-run': { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    tested: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})
const [tarball] = positionals

const RECORD = 'reports/tested.json'

const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
const git = (...parameters) => execFileSync('git', parameters, { encoding: 'utf8' }).trim()

const isAddress = value => typeof value === 'string' && /^https:\/\/\S+$/.test(value)

/** What only the owner knows. */
function ownersFaults({ repository, homepage, bugs, author, private: isPrivate }) {
  return [
    !/^git\+https:\/\/\S+\.git$/.test(repository?.url ?? '') &&
      'package.json has no `repository`; set its `type` to `git` and its `url` to `git+https://….git`, which npm compares with the workflow that publishes',
    !isAddress(homepage) && 'package.json has no `homepage`; set it to an https address',
    !isAddress(bugs?.url) && 'package.json has no `bugs`; set its `url` to the address where people report a fault',
    (author ?? '') === '' && 'package.json has no `author`; set it',
    isPrivate === true && 'package.json has `private: true`; remove it',
  ]
}

function versionFaults({ version }) {
  const changelog = readFileSync('CHANGELOG.md', 'utf8')
  const tags = git('tag', '--points-at', 'HEAD').split('\n')
  const heading = new RegExp(`^## \\[?${version.replaceAll('.', '\\.')}\\]? - \\d{4}-\\d\\d-\\d\\d$`, 'm')
  return [
    !heading.test(changelog) && `CHANGELOG.md has no heading for the version; add \`## ${version} - YYYY-MM-DD\``,
    changelog.includes('Nothing has been released yet') &&
      'CHANGELOG.md says that nothing has been released yet; remove the sentence',
    git('status', '--porcelain') !== '' && 'the working tree has changes; commit them, or publish from a clean clone',
    !tags.includes(`v${version}`) && `the commit has no tag of the version; run \`git tag v${version}\``,
  ]
}

const contents = tarball === undefined ? undefined : readIfThere(tarball)
const packed = contents === undefined ? undefined : manifestIn(contents)

function readIfThere(path) {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}

/** Undefined: it is no tarball of a package. */
function manifestIn(input) {
  try {
    const found = JSON.parse(execFileSync('tar', ['-xzOf', '-', 'package/package.json'], { input, stdio: 'pipe' }))
    return typeof found === 'object' && found !== null ? found : undefined
  } catch {
    return undefined
  }
}

function tarballFaults({ name, version }) {
  if (tarball === undefined) return ['no tarball is given; give the one in `reports/`, which `.ci/run` tested']
  if (contents === undefined) return [`${tarball} cannot be read; run \`.ci/run\`, which leaves one in \`reports/\``]
  if (packed === undefined) return [`${tarball} is no tarball of a package; give the one in \`reports/\``]
  if (packed.name !== name || packed.version !== version)
    return [`${tarball} is ${packed.name} ${packed.version}, and package.json is ${name} ${version}; pack again`]
  const tested = JSON.parse(readIfThere(RECORD) ?? '{}')
  return [
    tested.sha512 !== hashOf(contents)
      ? `${tarball} is not what \`.ci/run\` tested here last, by the hash in ${RECORD}; run it`
      : tested.commit !== git('rev-parse', 'HEAD') &&
        `${tarball} was tested with other files than those of the commit; run \`.ci/run\` again`,
  ]
}

function hashOf(bytes) {
  return createHash('sha512').update(bytes).digest('hex')
}

/** What passed everything, for the publishing after it. */
function recordTested() {
  const isCommitted = git('status', '--porcelain') === ''
  mkdirSync('reports', { recursive: true })
  copyFileSync(tarball, `reports/${basename(tarball)}`)
  const record = { sha512: hashOf(readFileSync(tarball)), ...(isCommitted && { commit: git('rev-parse', 'HEAD') }) }
  writeFileSync(RECORD, `${JSON.stringify(record)}\n`)
}

/** npm signs where the package comes from with the ID token of a workflow. */
function provenanceFaults({ ACTIONS_ID_TOKEN_REQUEST_URL, SIGSTORE_ID_TOKEN }) {
  return [
    ACTIONS_ID_TOKEN_REQUEST_URL === undefined &&
      SIGSTORE_ID_TOKEN === undefined &&
      'there is no ID token to sign the provenance with; publish from GitHub Actions with `id-token: write`, or from GitLab CI with `SIGSTORE_ID_TOKEN`',
  ]
}

if (values.tested) {
  recordTested()
  process.exit()
}

const faults = [
  ...ownersFaults(manifest),
  ...versionFaults(manifest),
  ...(values.check ? ['`npm publish` packs again; run `npm run publish:package -- TARBALL`'] : tarballFaults(manifest)),
  ...provenanceFaults(process.env),
].filter(fault => fault !== false)

if (faults.length > 0) {
  const list = `${faults.map(fault => `  ${fault}`).join('\n')}\n`
  const { name, version } = manifest
  if (values['dry-run']) process.stdout.write(`Before ${name} ${version} can be published:\n${list}`)
  else process.stderr.write(`${name} ${version} is not published:\n${list}`)
}

// Without a package, npm would take the argument for the name of one.
if ((!values['dry-run'] && faults.length > 0) || (!values.check && packed === undefined)) process.exitCode = 1
else if (!values.check) {
  // A registry that is not there: npm's dry run needs none, and asks it for versions all the same.
  const nowhere = ['--dry-run', '--ignore-scripts', '--registry', 'http://127.0.0.1:9/', '--fetch-retries', '0']
  const tag = manifest.version.includes('-') ? 'next' : 'latest'
  const { status } = spawnSync(
    'npm',
    ['publish', tarball, '--provenance', '--access', 'public', '--tag', tag, ...(values['dry-run'] ? nowhere : [])],
    { stdio: 'inherit' },
  )
  process.exitCode = status ?? 1
}
