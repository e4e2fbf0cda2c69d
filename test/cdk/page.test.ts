import { describe, expect, test } from 'vitest'
import { outputOfExample } from '../authorizer/run-example.js'
import { fencesOf, runFences } from '../run-page.js'

describe('docs/cdk.md', () => {
  test('every example is an app that can be synthesised', async () => {
    const codes = await fencesOf('cdk.md', 'js')
    expect(codes).toHaveLength(4)
    const after = 'app.synth()\nconsole.log(JSON.stringify({ stacks: app.node.children.map(({ node }) => node.id) }))'
    const run = await runFences([...codes, "import { App } from 'aws-cdk-lib'\nconst app = new App()"], { after })
    expect(run).toEqual([
      { stacks: ['Tree'] },
      { stacks: ['Auth', 'Tree'] },
      { stacks: ['Tree'] },
      { stacks: ['Auth', 'Tree'] },
      { stacks: ['Tree'] },
    ])
  })

  test('control: one that finds a tie does not pass', async () => {
    const [first] = await fencesOf('cdk.md', 'js')
    const groups = `
      import { aws_cognito as cognito, aws_iam as iam, Stack } from 'aws-cdk-lib'
      const stack = new Stack(app, 'Auth')
      const userPool = new cognito.UserPool(stack, 'Pool')
      for (const name of ['A', 'B']) {
        const role = new iam.Role(stack, name + 'Role', { assumedBy: new iam.AccountRootPrincipal() })
        userPool.addGroup(name, { precedence: 1, role })
      }`
    await expect(runFences([first! + groups], { after: 'app.synth()' })).rejects.toThrow(
      /have precedence 1 and different roles/,
    )
  })

  test('the report on the page is what the example prints', async () => {
    const [shown] = await fencesOf('cdk.md', 'text')
    const { stderr } = (await outputOfExample('cdk-app.mjs').catch((error: unknown) => error)) as { stderr: string }
    expect(stderr).toContain(shown!.trimEnd())
    expect(stderr.match(/Acknowledge with/g)).toHaveLength(2)
    expect(stderr).toMatch(/docs\/examples\/cdk-app\.mjs:22:\d+\nERROR/)
  })
})
