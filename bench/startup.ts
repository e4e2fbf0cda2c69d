import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { leastCpu, type WholeProcess } from './measure.js'

const BIN = fileURLToPath(new URL('../dist/cli/bin.js', import.meta.url))

/**
 * What a command may take, as a multiple of a process that does nothing. `npm run bench -- --guard` fails above it. It is a
 * little more than docs/benchmarks.md says, so that a busy machine does not break it.
 */
export const MAX_STARTUP: Readonly<Record<string, number>> = {
  '--help': 2.1,
  'predict --pool-file': 2.4,
  'validate, a small template': 3.6,
}

const POOL = {
  Groups: [
    { GroupName: 'admins', Precedence: 0, RoleArn: 'arn:aws:iam::111122223333:role/Admin' },
    { GroupName: 'staff', Precedence: 5, RoleArn: 'arn:aws:iam::111122223333:role/Staff' },
  ],
}

const TEMPLATE = `Resources:
  Pool:
    Type: AWS::Cognito::UserPool
  Admins:
    Type: AWS::Cognito::UserPoolGroup
    Properties:
      UserPoolId: !Ref Pool
      GroupName: admins
      Precedence: 0
      RoleArn: arn:aws:iam::111122223333:role/Admin
  Staff:
    Type: AWS::Cognito::UserPoolGroup
    Properties:
      UserPoolId: !Ref Pool
      GroupName: staff
      Precedence: 0
      RoleArn: arn:aws:iam::111122223333:role/Staff
`

/** How much CPU does a command take from its start to its end? Whole processes, compared with one that does nothing. */
export async function benchStartup(bin = BIN): Promise<readonly WholeProcess[]> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecast-startup-'))
  try {
    await writeFile(join(folder, 'pool.json'), JSON.stringify(POOL))
    await writeFile(join(folder, 'template.yaml'), TEMPLATE)
    const predict = ['predict', '--pool-file', 'pool.json', '--group', 'admins']
    const validate = ['validate', 'template.yaml', '--fail-on', 'never']
    return await leastCpu(
      [
        { name: 'node -e 0', args: ['-e', '0'] },
        { name: '--help', args: [bin, '--help'] },
        { name: 'predict --pool-file', args: [bin, ...predict] },
        { name: 'validate, a small template', args: [bin, ...validate] },
      ],
      { rounds: 21, cwd: folder },
    )
  } finally {
    await rm(folder, { recursive: true })
  }
}
