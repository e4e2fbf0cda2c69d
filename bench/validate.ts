import { parseDocument } from 'yaml'
import { readTemplate, validateTemplate } from '../dist/template/index.js'
import { type Measured, median, sink } from './measure.js'

const GROUPS = 10_000
const ROUNDS = 7

/** As people write it; `of` gives the reference to a role's ARN and to the pool. */
function templateOf(of: { readonly role: (index: number) => string; readonly pool: string }): string {
  const groups = Array.from({ length: GROUPS }, (_, index) => [
    `  Group${index}:`,
    '    Type: AWS::Cognito::UserPoolGroup',
    '    Properties:',
    `      GroupName: team-${index}`,
    `      UserPoolId: ${of.pool}`,
    `      Precedence: ${index % 5000}`,
    `      RoleArn: ${of.role(index % 100)}`,
    '',
  ].join('\n'))
  return `AWSTemplateFormatVersion: '2010-09-09'\nResources:\n  Pool:\n    Type: AWS::Cognito::UserPool\n${groups.join('')}`
}

/** How long do findings in a template of 10,000 groups take, from its text on, against a parse of the YAML and nothing else? */
export async function benchValidate(): Promise<Readonly<Record<string, readonly Measured[]>>> {
  const short = { role: (index: number) => `!GetAtt Role${index}.Arn`, pool: '!Ref Pool' }
  const long = { role: (index: number) => `{ 'Fn::GetAtt': [Role${index}, Arn] }`, pool: '{ Ref: Pool }' }
  return {
    '10,000 groups in YAML, with short forms': await interleaved(templateOf(short)),
    '10,000 groups in YAML, with long forms': await interleaved(templateOf(long)),
  }
}

/** One run is long enough for a sample, which `compare` is not made for. */
async function interleaved(text: string): Promise<readonly Measured[]> {
  const candidates: readonly (readonly [string, () => unknown])[] = [
    ['parseDocument', () => parseDocument(text, { logLevel: 'silent' })],
    ['text to groups', () => readTemplate(text, { format: 'cloudformation' })],
    ['text to findings', () => validateTemplate(text, { now: 0 })],
  ]
  const samples: number[][] = candidates.map(() => [])
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [index, [, run]] of candidates.entries()) {
      const start = process.hrtime.bigint()
      sink.value = await run()
      if (round > 0) samples[index]!.push(Number(process.hrtime.bigint() - start))
    }
  }
  return candidates.map(([name], index) => ({
    name,
    nanoseconds: median(samples[index]!),
    ratio: median(samples[index]!.map((value, round) => value / samples[0]![round]!)),
  }))
}
