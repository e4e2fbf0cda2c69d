/**
 * Installs the hook of this repository with pre-commit, as its users do, and runs it on a project with a finding:
 * `node test/ci/try-repo.mjs`. It needs `pre-commit` and the npm registry, says what CPU time it took, and exits with 1 if the
 * hook does not report the finding.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const work = mkdtempSync(join(tmpdir(), 'rolecast-try-repo-'))
const env = { ...process.env, PRE_COMMIT_HOME: join(work, 'pre-commit') }

const GROUP = 'AWS::Cognito::UserPoolGroup'
const TIE = `Resources:
  Pool: { Type: AWS::Cognito::UserPool }
  Admins:
    Type: ${GROUP}
    Properties: { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: 'arn:aws:iam::111122223333:role/A' }
  Editors:
    Type: ${GROUP}
    Properties: { UserPoolId: !Ref Pool, GroupName: editors, Precedence: 1, RoleArn: 'arn:aws:iam::111122223333:role/B' }
`

function git(folder, ...args) {
  return execFileSync(
    'git',
    ['-C', folder, '-c', 'user.name=rolecast', '-c', 'user.email=rolecast@example.com', ...args],
    {
      encoding: 'utf8',
      env,
    },
  )
}

/** A repository of the files as they are here, committed or not, and without those that are ignored. */
function copyRepository(target) {
  const files = git(root, 'ls-files', '-z', '--cached', '--others', '--exclude-standard').split('\0')
  const deleted = new Set(git(root, 'ls-files', '-z', '--deleted').split('\0'))
  for (const file of files.filter(name => name !== '' && !deleted.has(name))) {
    mkdirSync(dirname(join(target, file)), { recursive: true })
    cpSync(join(root, file), join(target, file))
  }
  commit(target)
}

function commit(folder) {
  git(folder, 'init', '--quiet')
  git(folder, 'add', '--all')
  git(folder, 'commit', '--quiet', '--message', 'as it is')
}

try {
  const repository = join(work, 'repository')
  copyRepository(repository)

  const project = join(work, 'project')
  mkdirSync(project)
  writeFileSync(join(project, 'auth.yaml'), TIE)
  commit(project)

  const tried = spawnSync(
    'bash',
    [
      '-c',
      'TIMEFORMAT="CPU: %U s user, %S s system"; time pre-commit try-repo "$1" rolecast-validate --all-files',
      '-',
      repository,
    ],
    { cwd: project, env, encoding: 'utf8' },
  )
  // A hook that does not start fails as well, so the exit code and the finding have to be there.
  if (!/exit code: 1\n[^]*COG101 tie-different-roles/.test(tried.stdout))
    throw new Error(`the hook did not report the finding:\n${tried.stdout}${tried.stderr}`)
  console.log('pre-commit try-repo: builds and installs the hook, which reports the finding')
  console.log(tried.stderr.trim().split('\n').at(-1))
} finally {
  rmSync(work, { recursive: true, force: true })
}
