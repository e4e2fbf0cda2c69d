import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFakeCognito, type FakeCognito } from '../../src/testing/index.js'
import { runExample } from '../authorizer/run-example.js'
import { fencesOf, runFences } from '../run-page.js'

const events = fileURLToPath(new URL('../../docs/examples/events/', import.meta.url))

describe('docs/handlers.md', () => {
  let cognito: FakeCognito
  beforeAll(async () => {
    cognito = await createFakeCognito({
      userPoolId: 'eu-west-1_Ab12Cd34e',
      groups: [{ groupName: 'admins', precedence: 1, roleArn: 'arn:aws:iam::111122223333:role/Admin' }],
    })
  })
  afterAll(() => cognito.close())

  test('every example runs: the handlers with events, and the apps are synthesised', async () => {
    const codes = await fencesOf('handlers.md', 'js')
    expect(codes).toHaveLength(4)
    const [hook, hookApp, rule, ruleApp] = codes as [string, string, string, string]
    const read = (name: string) => readFileSync(`${events}${name}`, 'utf8')
    const print = (value: string) => `console.log(JSON.stringify({ value: ${value} }))`
    const template = 'app.synth().stacks[0].template'
    const run = await runFences(
      [
        `${hook}\n${print(`await handler(${read('hook-resource.json')})`)}`,
        `${hookApp}\n${print(`Object.values(${template}.Resources).find(({ Type }) => Type === 'AWS::CloudFormation::LambdaHook').Properties`)}`,
        `${rule}\n${print(`await handler(${read('config-scheduled.json')})`)}\n${print('globalThis.sent')}`,
        `${ruleApp}\n${print(`JSON.stringify(${template}).includes('AWSConfigRulesExecutionRole')`)}`,
      ],
      {
        after: '',
        files: ['dist/hook/hook.mjs', 'dist/config-rule/config-rule.mjs'],
        modules: {
          '@aws-sdk/client-config-service': `
            export class PutEvaluationsCommand { constructor(input) { this.input = input } }
            export class ConfigServiceClient { async send({ input }) { globalThis.sent = input; return {} } }`,
        },
        env: {
          AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER: cognito.url,
          AWS_ACCESS_KEY_ID: 'a',
          AWS_SECRET_ACCESS_KEY: 'b',
          CDK_VALIDATION: 'false',
        },
      },
    )
    const evaluations = [{ ComplianceResourceId: 'eu-west-1_Ab12Cd34e', ComplianceType: 'COMPLIANT' }]
    expect(run).toMatchObject([
      { value: { hookStatus: 'FAILED', errorCode: 'NonCompliant' } },
      { value: { TargetOperations: ['STACK', 'CHANGE_SET'], FailureMode: 'WARN' } },
      { value: evaluations },
      { value: { Evaluations: evaluations, TestMode: false } },
      { value: true },
    ])
  })

  test('the response on the page is what the example prints', async () => {
    const [shown] = await fencesOf('handlers.md', 'json')
    const expected = JSON.parse(shown!) as { message: string }
    const [first, ...others] = (await runExample('hook.mjs')) as readonly { message: string; hookStatus: string }[]
    expect(first).toEqual({ ...expected, message: expect.stringContaining(expected.message.replace('…', '')) })
    expect(others.map(({ hookStatus }) => hookStatus)).toEqual(['FAILED', 'FAILED'])
  })

  test('the example of the rule finds the tie in every event', async () => {
    const evaluations = await runExample('config-rule.mjs')
    expect(evaluations).toHaveLength(3)
    for (const evaluation of evaluations) expect(evaluation).toMatchObject({ ComplianceType: 'NON_COMPLIANT' })
  })
})
