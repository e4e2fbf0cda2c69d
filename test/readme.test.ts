import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { COMMANDS } from '../src/cli/command-table.js'
import type { Group } from '../src/group.js'
import { resolveRoles } from '../src/claims/resolve.js'
import { createFakeCognito, type FakeCognito } from '../src/testing/index.js'
import { copyPackage } from './build-package.js'
import vectors from './vectors/claims.json' with { type: 'json' }

const root = fileURLToPath(new URL('..', import.meta.url))
const [readme, compared] = await Promise.all(
  ['README.md', 'docs/compared.md'].map(page => readFile(join(root, page), 'utf8')),
)

interface Fence {
  readonly language: string
  readonly code: string
}

const fencesOf = (text: string): readonly Fence[] =>
  [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language, code]) => ({ language: language!, code: code! }))

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

const template = fencesOf(compared!).find(({ language }) => language === 'yaml')!.code

let folder: string
let cognito: FakeCognito
beforeAll(async () => {
  cognito = await createFakeCognito({
    userPoolId: 'eu-west-1_Ab12Cd34e',
    clientId: '1example23456789',
    issuer: 'aws',
    groups: [
      { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
      { groupName: 'editors', precedence: 5, roleArn: role('Editor') },
    ],
    users: [
      { username: 'alice', groups: ['admins', 'editors'] },
      { username: 'bob', groups: ['editors'] },
    ],
  })
  folder = await mkdtemp(join(tmpdir(), 'rolecast-readme-'))
  const modules = join(folder, 'node_modules')
  await copyPackage(join(modules, 'rolecast'))
  await symlink(join(root, 'node_modules/aws-jwt-verify'), join(modules, 'aws-jwt-verify'))
  await mkdir(join(modules, '.bin'))
  await chmod(join(modules, 'rolecast/dist/cli/bin.js'), 0o755)
  await symlink('../rolecast/dist/cli/bin.js', join(modules, '.bin/rolecast'))
  await writeFile(join(folder, 'auth.yaml'), template)
  // The verifier reads the keys of AWS's issuer from the web. Here it is given those of the fake.
  const preload = `import { CognitoJwtVerifier } from 'aws-jwt-verify'
    const { create } = CognitoJwtVerifier
    CognitoJwtVerifier.create = options => {
      const verifier = create.call(CognitoJwtVerifier, options)
      verifier.cacheJwks(${JSON.stringify(cognito.jwks)})
      return verifier
    }`
  await writeFile(join(folder, 'keys.mjs'), preload)
})
afterAll(async () => {
  await cognito?.close()
  if (folder !== undefined) await rm(folder, { recursive: true })
})

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program in the folder where rolecast is installed. AWS is the fake there, and npm has no network. */
function run(program: string, args: readonly string[]): Promise<Ended> {
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    AWS_ACCESS_KEY_ID: 'fake',
    AWS_SECRET_ACCESS_KEY: 'fake',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER: cognito.url,
    npm_config_offline: 'true',
    npm_config_update_notifier: 'false',
  }
  return new Promise(resolve => {
    execFile(program, args, { cwd: folder, env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    )
  })
}

/** The commands of a block: a line each, unless the line ends with a pipe. */
const commandsOf = (code: string) => code.trim().split(/(?<!\|)\n/)

/** `validate` finds the faults of `auth.yaml`; everything else has nothing to complain about. */
const exitCodeOf = (command: string) => (/\brolecast validate\b/.test(command) ? 1 : 0)

/** What is wrong with a block of commands, and what it printed. */
async function tryCommands(code: string): Promise<{ readonly wrong: readonly string[]; readonly stdout: string }> {
  const wrong: string[] = []
  let printed = ''
  for (const command of commandsOf(code)) {
    if (!/\bnpx rolecast \w/.test(command)) wrong.push(`${command}: runs something else`)
    const { code: exitCode, stdout, stderr } = await run('sh', ['-c', command])
    printed += stdout
    if (exitCode !== exitCodeOf(command)) wrong.push(`${command}: exits with ${exitCode}: ${stderr}`)
  }
  return { wrong, stdout: printed }
}

/** Runs a module in a process of its own, with `after` at its end. A `// => value` is the value of the line above. */
async function tryModule(code: string, after = ''): Promise<Ended & { readonly checks: number }> {
  const withChecks = code.replaceAll(/^(.+?)(?: \/\/ .*)?\n\/\/ => (.+)$/gm, ';__check(() => $1, $2)')
  const checks = withChecks.split(';__check(').length - 1
  const { outputText } = ts.transpileModule(
    `import __assert from 'node:assert'
    const __check = (value: () => unknown, expected: unknown) => __assert.deepStrictEqual(value(), expected)
    ${withChecks}\n${after}`,
    { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } },
  )
  const file = join(folder, `module-${modules++}.mjs`)
  await writeFile(file, outputText)
  return { ...(await run(process.execPath, ['--import', './keys.mjs', file])), checks }
}
let modules = 0

const fences = fencesOf(readme!)
const shells = fences.flatMap(({ language, code }, index) => {
  const next = fences[index + 1]
  if (language !== 'sh') return []
  return [{ code, output: next?.language === 'text' ? next.code : undefined, title: commandsOf(code)[0]! }]
})
const sources = fences.filter(({ language }) => language === 'ts').map(({ code }) => code)

describe('the blocks of README.md', () => {
  test('are commands, what they print, and TypeScript modules, which test/authorizer/lambda-types.test.ts compiles', () => {
    const outputs = fences.filter(({ language }, index) => language === 'text' && fences[index - 1]?.language === 'sh')
    expect(shells.length + outputs.length + sources.length).toBe(fences.length)
    expect(sources.filter(code => !code.startsWith('import '))).toEqual([])
    expect(shells.length).toBeGreaterThanOrEqual(5)
    expect(outputs).toHaveLength(1)
  })

  test.each(shells)('run: $title', async ({ code, output }) => {
    const { wrong, stdout } = await tryCommands(code)
    expect(wrong).toEqual([])
    if (output !== undefined) expect(stdout).toBe(output)
    else if (!code.includes(' --output ')) expect(stdout).not.toBe('')
  })

  test('write the files that they name', async () => {
    await tryCommands(shells.map(({ code }) => code).find(code => code.includes('--output audit.html'))!)
    expect(await readFile(join(folder, 'audit.html'), 'utf8')).toContain('alice')
    await tryCommands(shells.map(({ code }) => code).find(code => code.includes('--output rolecast.sarif'))!)
    expect(JSON.parse(await readFile(join(folder, 'rolecast.sarif'), 'utf8'))).toMatchObject({ version: '2.1.0' })
  })

  test('control: an unknown option, another program and another output are noticed', async () => {
    const [first] = shells
    expect((await tryCommands('npx rolecast predict --pool-flie - --group staff\n')).wrong).toHaveLength(1)
    expect((await tryCommands('echo rolecast\n')).wrong).toHaveLength(1)
    const { wrong, stdout } = await tryCommands(first!.code.replaceAll('staff', 'others'))
    expect(wrong).toEqual([])
    expect(stdout).not.toBe(first!.output)
  })

  test.each(sources.filter(code => !code.includes('handler')).map(code => ({ code, title: code.split('\n', 1)[0]! })))(
    'have the values that they show: $title',
    async ({ code }) => {
      const { checks, ...ended } = await tryModule(code)
      expect(ended).toEqual({ code: 0, stdout: '', stderr: '' })
      expect(checks).toBeGreaterThan(0)
    },
  )

  test('control: another value, and a package that does not exist, are noticed', async () => {
    const [code] = sources
    expect(await tryModule(code!.replace("// => 'observed'", "// => 'documented'"))).toMatchObject({ code: 1 })
    expect(await tryModule(code!.replace("'rolecast'", "'rolecast/nowhere'"))).toMatchObject({ code: 1 })
  })

  test('the authorizer allows an administrator, denies an editor and rejects a token of another pool', async () => {
    const other = await createFakeCognito({ userPoolId: 'eu-west-1_OtherPool', users: [{ username: 'eve' }] })
    const tokens = await Promise.all([cognito.tokensOf('alice'), cognito.tokensOf('bob'), other.tokensOf('eve')])
    await other.close()
    const events = tokens.map(({ idToken }) => ({
      type: 'TOKEN',
      methodArn: 'arn:aws:execute-api:eu-west-1:111122223333:abcdef1234/prod/GET/pets',
      authorizationToken: `Bearer ${idToken}`,
    }))
    const calls = `const responses = await Promise.all(${JSON.stringify(events)}.map(event => handler(event as never, {} as never, () => {})
      .then(({ policyDocument }: any) => policyDocument.Statement[0].Effect, (error: any) => error.message)))
      console.log(JSON.stringify(responses))`
    const code = sources.find(source => source.includes('handler'))!
    const { stdout, stderr } = await tryModule(code, calls)
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual(['Allow', 'Deny', 'Unauthorized'])

    const other2 = await tryModule(code.replace("'arn:aws:iam::111122223333:role/Admin'", "'another'"), calls)
    expect(JSON.parse(other2.stdout), 'control: with another role').toEqual(['Deny', 'Deny', 'Unauthorized'])
  })
})

describe('README.md', () => {
  /** The lines of a section of the second level. */
  const sectionOf = (heading: string) => readme!.split(`## ${heading}\n`)[1]!.split('\n## ')[0]!

  test('is a front page: at most 200 lines, with the commands of a clone', () => {
    expect(readme!.trimEnd().split('\n').length).toBeLessThanOrEqual(200)
    for (const command of ['npm run demo', 'npm test']) expect(readme).toContain(`\`${command}\``)
    expect(manifest.scripts).toMatchObject({ demo: expect.any(String), test: expect.any(String) })
  })

  test('names every command', () => {
    const listed = [
      ...sectionOf('The command line')
        .split(':\n')[0]!
        .matchAll(/`([a-z]+)`/g),
    ].map(([, name]) => name!)
    expect(listed.toSorted()).toEqual([...COMMANDS.keys()].toSorted())
  })

  const A = role('A')
  const B = role('B')
  /** Groups for each row of "What Cognito really does", in its order. */
  const ROWS: readonly (readonly [begins: string, groups: readonly Group[]])[] = [
    ['none has a role', [{ groupName: 'a', precedence: 1 }, { groupName: 'b' }]],
    ['one, precedence 0', [{ groupName: 'a', precedence: 0, roleArn: A }]],
    ['one, **no precedence**', [{ groupName: 'a', roleArn: A }]],
    ['several, none has a precedence', [A, B].map(roleArn => ({ groupName: roleArn, roleArn }))],
    ['one lowest number', [A, B].map((roleArn, precedence) => ({ groupName: roleArn, precedence, roleArn }))],
    ['a tie on the lowest number, one role A', ['a', 'b'].map(groupName => ({ groupName, precedence: 5, roleArn: A }))],
    [
      'a tie on the lowest number, two roles',
      [
        ...[A, B].map(roleArn => ({ groupName: roleArn, precedence: 5, roleArn })),
        { groupName: 'c', precedence: 9, roleArn: A },
      ],
    ],
    [
      'the lowest number has no role',
      [
        { groupName: 'a', precedence: 1 },
        { groupName: 'b', precedence: 2, roleArn: B },
      ],
    ],
    [
      'a tie on the lowest number, one with role A, one without',
      [
        { groupName: 'a', precedence: 5, roleArn: A },
        { groupName: 'b', precedence: 5 },
      ],
    ],
  ]

  /** The rows of the table that do not say what the library says, and those that are missing. */
  function wrongRows(section: string): readonly string[] {
    const rows = section
      .split('\n')
      .filter(line => /^\| [^-]/.test(line) && !line.startsWith("| The user's"))
      .map(line => line.slice(2, -2).split(' | '))
    const wrong = ROWS.filter(([begins, groups], index) => {
      const [first, roles, preferred, known] = rows[index] ?? []
      const { claims, outcome, evidence } = resolveRoles(groups)
      const all = [...new Set(groups.flatMap(({ roleArn }) => roleArn ?? []))]
      const listed = roles === 'all roles' ? all : roles === 'absent' ? undefined : [role(roles!)]
      const result =
        outcome === 'undetermined'
          ? 'undetermined: A or absent'
          : (claims['cognito:preferred_role']?.at(-1) ?? 'absent')
      const isRight =
        first?.startsWith(begins) === true &&
        isDeepStrictEqual(claims['cognito:roles']?.toSorted(), listed?.toSorted()) &&
        preferred!.replaceAll('**', '').startsWith(result) &&
        known === evidence
      return !isRight
    })
    return [...wrong.map(([begins]) => begins), ...(rows.length === ROWS.length + 1 ? [] : ['another number of rows'])]
  }

  test('has the table of what Cognito does, and each row says what the library says', () => {
    expect(wrongRows(sectionOf('What Cognito really does'))).toEqual([])
  })

  test.each([
    ['a role', '| A: **0 is', '| B: **0 is', 'one, precedence 0'],
    ['an absent claim', '| **absent**, though', '| A, though', 'one, **no precedence**'],
    [
      'the evidence',
      'or absent | unknown',
      'or absent | observed',
      'a tie on the lowest number, one with role A, one without',
    ],
  ])('control: it is noticed when %s of the table is wrong', (_, right, wrong, row) => {
    const section = sectionOf('What Cognito really does')
    expect(section).toContain(right)
    expect(wrongRows(section.replace(right, wrong))).toEqual([row])
  })
})

describe('docs/compared.md', () => {
  const captured = vectors.flatMap(vector => ('tokens' in vector ? [vector] : []))

  /** The captured tokens for which a choice among the groups, in the order of the claim, gives another role than the token prefers. */
  function wrongFor(choose: (groups: readonly Group[]) => Group | undefined): readonly string[] {
    return captured
      .filter(({ groups, tokens }) => {
        const claims = tokens!.id as Record<string, unknown>
        const names = (claims['cognito:groups'] ?? []) as readonly string[]
        const ordered = names.map(name => (groups as readonly Group[]).find(({ groupName }) => groupName === name)!)
        return (choose(ordered)?.roleArn ?? undefined) !== claims['cognito:preferred_role']
      })
      .map(({ id }) => id)
  }
  const first = wrongFor(groups => groups[0])
  const loop = wrongFor(
    groups => groups.toSorted((a, b) => (a.precedence ?? Number.MAX_VALUE) - (b.precedence ?? Number.MAX_VALUE))[0],
  )

  test('counts the captured tokens for which the first group, and a loop, are wrong', () => {
    expect([first.length, loop.length, captured.length]).toEqual([5, 5, 13])
    expect([...compared!.matchAll(/^\| `(capture-[\w-]+)` \|/gm)].map(([, id]) => id)).toEqual(first)
    const section = compared!.split('## A loop over precedences\n')[1]!.split('\n## ')[0]!
    expect([...section.matchAll(/`(capture-[\w-]+)`/g)].map(([, id]) => id)).toEqual(loop)
    expect(compared).toContain('is not the preferred role of the token in 5:')
    expect(compared).toContain('than the token prefers in 5 of 13:')
    expect(readme).toContain('wrong for 5 of 13 captured tokens')
    expect(readme).toContain('wrong for 5 of the 13 too')
  })

  test('control: rolecast itself is right for all of them', () => {
    const rolecast = wrongFor(groups => ({ groupName: 'x', roleArn: resolveRoles(groups).preferredRole ?? null }))
    expect(rolecast).toEqual([])
  })

  /** `| COG101 | error |` for each row of the table below the template. */
  const rows = [...compared!.matchAll(/^\| (COG\d+) \| (\w+) \|/gm)].map(([, id, severity]) => `${id} ${severity}`)

  test('lists what rolecast finds in the template', async () => {
    const { code, stdout } = await run('npx', ['rolecast', 'validate', 'auth.yaml', '--json'])
    const { findings } = JSON.parse(stdout) as { findings: readonly { ruleId: string; severity: string }[] }
    expect(code).toBe(1)
    expect(rows).toEqual(findings.map(({ ruleId, severity }) => `${ruleId} ${severity}`))
    expect(rows).toHaveLength(5)
  })

  test('says when it was written, as the README does', () => {
    expect(compared).toContain('on 2026-11-29')
    expect(readme).toContain('As of 2026-11-29')
  })
})
