import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { copyPackage } from '../build-package.js'

const run = promisify(execFile)
const modules = fileURLToPath(new URL('../../node_modules', import.meta.url))

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-cdk-package-'))
  await mkdir(join(folder, 'app/node_modules'), { recursive: true })
  await copyPackage(join(folder, 'app/node_modules/rolecast'))
  for (const name of ['aws-cdk-lib', 'constructs'])
    await symlink(join(modules, name), join(folder, 'app/node_modules', name))
  await copyPackage(join(folder, 'alone'), async target => {
    await mkdir(target)
    await symlink(join(modules, 'yaml'), join(target, 'yaml'))
  })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const APP = `
  const app = new App({ outdir: 'out', analyticsReporting: false, builtinCloudFormationValidation: false })
  const plugin = new RolecastPlugin()
  Validations.of(app).addPlugins(plugin)
  const stack = new Stack(app, 'Auth')
  const userPool = new cognito.UserPool(stack, 'Pool')
  for (const name of ['A', 'B']) {
    const role = new iam.Role(stack, name + 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') })
    userPool.addGroup(name, { precedence: 1, role })
  }
  console.log(plugin.version)
  app.synth()
`

/** What the program prints, which fails. */
async function failing(name: string, text: string): Promise<{ stdout: string; stderr: string }> {
  await writeFile(join(folder, 'app', name), text)
  const args = name.endsWith('.cjs') ? ['--no-experimental-require-module', name] : [name]
  const result = run(process.execPath, args, { cwd: join(folder, 'app') })
  return result.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: { stdout: string; stderr: string }) => error,
  )
}

describe('the package', () => {
  test.each([
    [
      'app.cjs',
      `const { App, Stack, Validations, aws_cognito: cognito, aws_iam: iam } = require('aws-cdk-lib')
       const { RolecastPlugin } = require('rolecast/cdk')${APP}`,
    ],
    [
      'app.mjs',
      `import { App, Stack, Validations, aws_cognito as cognito, aws_iam as iam } from 'aws-cdk-lib'
       import { RolecastPlugin } from 'rolecast/cdk'${APP}`,
    ],
  ])('fails the synthesis of an app that uses it: %s', async (name, text) => {
    const { stdout, stderr } = await failing(name, text)
    expect(stderr).toContain("Acknowledge with 'rolecast::COG101'")
    expect(stdout.trim(), 'for the statistics of the CDK').toBe(manifest.version)
  })

  test.each(['cdk', 'handlers'])('loads `rolecast/%s` where there is no aws-cdk-lib', async room => {
    const program = `console.log(Object.keys(await import('./dist/${room}/index.js')).join())`
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], {
      cwd: join(folder, 'alone'),
    })
    expect(stdout).toMatch(/RolecastPlugin|createConfigRuleHandler,createHookHandler/)
  })
})
