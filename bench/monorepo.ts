import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PATTERNS } from '../src/cli/template-files.js'
import { leastCpu, type Measured } from './measure.js'

const ROUNDS = 5
const root = fileURLToPath(new URL('..', import.meta.url))
const BIN = join(root, 'dist/cli/bin.js')

/** The obvious program for the same files: find them, and read each. */
const BASELINE = `
import { readFile } from 'node:fs/promises'
import { glob } from 'tinyglobby'
const files = await glob(${JSON.stringify(PATTERNS)}, { cwd: process.argv[1], dot: true, absolute: true, ignore: ['**/node_modules/**'] })
let length = 0
for (const file of files) length += (await readFile(file, 'utf8')).length
console.log(files.length, length)
`

/** How much CPU does \`rolecast validate\` take in a monorepo of 20,000 files, against finding and reading the same files? */
export async function benchMonorepo(): Promise<Readonly<Record<string, readonly Measured[]>>> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecast-monorepo-'))
  try {
    await writeMonorepo(folder)
    const baseline = ['--input-type=module', '--eval', BASELINE, folder]
    const candidates = [
      { name: 'find and read', args: baseline },
      { name: 'rolecast validate', args: [BIN, 'validate', folder, '--no-config', '--fail-on', 'never'] },
    ]
    const measured = await leastCpu(candidates, { rounds: ROUNDS, cwd: root })
    const rows = measured.map(({ name, milliseconds, ratio }) => ({ name, nanoseconds: milliseconds * 1e6, ratio }))
    return { 'a monorepo of 20,000 files, CPU of whole processes': rows }
  } finally {
    await rm(folder, { recursive: true })
  }
}

const filler = (lines: number, line: (index: number) => string) =>
  Array.from({ length: lines }, (_, i) => line(i)).join('\n')

/** Of each kind so many, with a text of a usual length. */
const KINDS: readonly (readonly [count: number, path: (index: number) => string, text: (index: number) => string])[] = [
  [
    12_000,
    index => `packages/p${index % 300}/src/module${index}.ts`,
    index => filler(60, line => `export const value${line} = compute(${index}, 'some text', { option: ${line} })`),
  ],
  [
    3_000,
    index => `packages/p${index % 300}/config${index}.json`,
    index =>
      JSON.stringify(Object.fromEntries(Array.from({ length: 40 }, (_, key) => [`key${key}`, `value ${index}`]))),
  ],
  [
    3_000,
    index => `deploy/app${index % 200}/manifest${index}.yaml`,
    () => `apiVersion: apps/v1\nkind: Deployment\nspec:\n${filler(60, line => `  setting${line}: some value`)}\n`,
  ],
  [
    1_500,
    index => `terraform/stack${index % 300}/file${index}.tf`,
    index =>
      filler(
        8,
        line =>
          `resource "aws_s3_bucket" "bucket_${index}_${line}" {\n  bucket = "bucket-${index}-${line}"\n  tags = { team = var.team }\n}`,
      ),
  ],
  [
    480,
    index => `stacks/stack${index}.yaml`,
    () =>
      `AWSTemplateFormatVersion: '2010-09-09'\nResources:\n${filler(20, line => `  Queue${line}: { Type: AWS::SQS::Queue }`)}\n`,
  ],
  [
    20,
    index => `stacks/auth${index}.yaml`,
    index =>
      `Resources:\n  Pool: { Type: AWS::Cognito::UserPool }\n${filler(5, line => `  Group${line}: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: !Ref Pool, GroupName: g${line}, Precedence: ${line}, RoleArn: 'arn:aws:iam::111122223333:role/r${index}' } }`)}\n`,
  ],
]

async function writeMonorepo(folder: string): Promise<void> {
  for (const [count, pathOf, textOf] of KINDS) {
    for (let index = 0; index < count; index++) {
      const path = join(folder, pathOf(index))
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, textOf(index))
    }
  }
}
