import { parseDocument } from 'yaml'
import { readTemplate, validateTemplate } from '../dist/template/index.js'
import { compareOnce, type Measured } from './measure.js'

const GROUPS = 10_000
const ROUNDS = 7

/** As people write it; `of` gives the reference to a role's ARN and to the pool. */
function templateOf(of: { readonly role: (index: number) => string; readonly pool: string }): string {
  const groups = Array.from({ length: GROUPS }, (_, index) =>
    [
      `  Group${index}:`,
      '    Type: AWS::Cognito::UserPoolGroup',
      '    Properties:',
      `      GroupName: team-${index}`,
      `      UserPoolId: ${of.pool}`,
      `      Precedence: ${index % 5000}`,
      `      RoleArn: ${of.role(index % 100)}`,
      '',
    ].join('\n'),
  )
  return `AWSTemplateFormatVersion: '2010-09-09'\nResources:\n  Pool:\n    Type: AWS::Cognito::UserPool\n${groups.join('')}`
}

/** How long do findings in a template of 10,000 groups take, from its text on, against a parse of the YAML and nothing else? */
export async function benchValidate(): Promise<Readonly<Record<string, readonly Measured[]>>> {
  const short = { role: (index: number) => `!GetAtt Role${index}.Arn`, pool: '!Ref Pool' }
  const long = { role: (index: number) => `{ 'Fn::GetAtt': [Role${index}, Arn] }`, pool: '{ Ref: Pool }' }
  return {
    '10,000 groups in YAML, with short forms': await compareReadings(templateOf(short)),
    '10,000 groups in YAML, with long forms': await compareReadings(templateOf(long)),
  }
}

function compareReadings(text: string): Promise<readonly Measured[]> {
  return compareOnce(
    [
      { name: 'parseDocument', run: () => parseDocument(text, { logLevel: 'silent' }) },
      { name: 'text to groups', run: () => readTemplate(text, { format: 'cloudformation' }) },
      { name: 'text to findings', run: () => validateTemplate(text, { now: 0 }) },
    ],
    ROUNDS,
  )
}
