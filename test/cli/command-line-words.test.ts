import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { inCommandLineWords, OPTIONS, WORDS } from '../../src/cli/command-line-words.js'
import { type CallContext, failure } from '../../src/cognito/api/api-error.js'
import type { ErrorCode } from '../../src/errors.js'
import { ERROR_TEXTS } from '../../src/error-texts.js'
import { inProcess } from './command.js'
import { userPoolId } from './pool.js'

const root = fileURLToPath(new URL('../../src', import.meta.url))

interface Text {
  readonly file: string
  readonly text: string
}

/** What the source says: its texts, the names of its options, and the names of its options that are numbers. */
function readSource(files: readonly (readonly [file: string, source: string])[]) {
  const texts: Text[] = []
  const names = new Set<string>()
  const numbers = new Set<string>()
  for (const [file, source] of files) {
    const visit = (node: ts.Node): void => {
      if (isOptionType(node, file))
        for (const { name } of node.members) if (name !== undefined && ts.isIdentifier(name)) names.add(name.text)
      if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) texts.push({ file, text: node.text })
      if (ts.isTemplateExpression(node))
        texts.push({
          file,
          text: node.head.text + node.templateSpans.map(({ literal }) => `\`…\`${literal.text}`).join(''),
        })
      if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
        const { text: called } = node.expression
        const [, name] = node.arguments
        if (/^(number|duration)Option$/.test(called) && name !== undefined && ts.isStringLiteral(name))
          numbers.add(name.text)
      }
      ts.forEachChild(node, visit)
    }
    visit(ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true))
  }
  return { texts, names, numbers }
}

/** An interface that callers of the library fill in. */
function isOptionType(node: ts.Node, file: string): node is ts.InterfaceDeclaration {
  return (
    ts.isInterfaceDeclaration(node) &&
    /(?:Options|Rates|Request)$/.test(node.name.text) &&
    !/^(?:cli|report|template)\//.test(file)
  )
}

const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .map(file => file.replaceAll('\\', '/'))
  .filter(file => file.endsWith('.ts') && file !== 'cli/command-line-words.ts')
  .map(file => [file, readFileSync(join(root, file), 'utf8')] as const)
const source = readSource(files)

/** Whether a text names what only the library has: an option in backticks, or a call. */
function namesLibrary(text: string, names = source.names): boolean {
  return (
    [...text.matchAll(/`([A-Za-z]\w*)(?:: [^`]*)?`/g)].some(([, name]) => names.has(name!)) || /\bprefetch\b/.test(text)
  )
}

/** Folders that no command imports, so nothing of them is said on the command line. */
const WITHOUT_COMMAND = ['authorizer', 'cdk', 'handlers']

/** Texts that name what an option of the library is called too, and why nobody reads an option of the library in them. */
const REASONS: readonly (readonly [file: string, part: string, why: string])[] = [
  ['error-texts.ts', '', 'the part for the library; the part for the command line is tested in explain.test.ts'],
  ['audit/diff.ts', 'because an audit does not have their `sub`', 'the attribute of a user'],
  ['audit/summary.ts', '`listed` is `…`', 'the audits of the commands do not give it'],
  ['calibrate/connect.ts', '`signal` is `…`', 'a command gives the signal of its interrupt'],
  ['calibrate/verify.ts', '`keys` and `insecure` cannot', 'the command refuses --jwks and --insecure together'],
  ['calibrate/verify.ts', '`groupsReadAt` is', 'the command takes it from the time of its file'],
  ['claims/cedar-entities.ts', '`sub` is `…`', 'no command makes Cedar entities'],
  ['claims/choose-semantics.ts', '`semantics` and `calibration` are both given', 'the command refuses both'],
  ['claims/choose-semantics.ts', '`calibration` is `…`', 'the command gives what it read'],
  ['claims/choose-semantics.ts', '`semantics` is `…`', '--semantics has choices'],
  ['claims/compare-claims.ts', '`now` is `…`', 'a command gives the clock'],
  ['cli/audit-file.ts', '', 'keys of a line of an audit'],
  ['cli/memberships-file.ts', '', 'keys of a line of memberships'],
  ['cli/pool-reading.ts', '`sub`', 'the attribute of a user'],
  ['credentials/select-role.ts', '`otherClaims`', 'the command gives none'],
  ['credentials/select-role.ts', 'leave `customRoleArn` out', 'the command checks --custom-role-arn before'],
  ['credentials/select-role.ts', '`roles`', 'the command gives those of a pool that it has read'],
  ['credentials/trust-policy.ts', '`users` is `…`', 'no command has it'],
  ['pool/roles-sql.ts', '', 'the command has choices for the dialect, and no other of these'],
  ['template/formats.ts', '`groups` of `defineAuth`', 'a property of Amplify'],
  ['template/formats.ts', 'a `resource` block', 'a block of Terraform'],
  ['template/amplify/', '`groups` is not a list', 'a property of Amplify'],
  ['testing/', '', 'options of the fake, which the demo gives'],
  ['cognito/api/api-error.ts', '`requestsPerSecond`', 'a part of "or lower …", which the table has'],
  ['cognito/api/light-client.ts', '', 'no command uses the light client'],
  ['cognito/api/light-request.ts', '', 'no command uses the light client'],
  ['cognito/api/operation-sender.ts', '`client`', 'a command gives no client, or one of the SDK'],
  ['cognito/groups/invalidation.ts', '', 'no command invalidates'],
  ['cognito/groups/role-resolver.ts', '', 'the commands give the user pool, and no source'],
  ['cognito/groups/shared-cache.ts', '', 'no command has a shared cache'],
  ['cognito/groups/store-access.ts', '', 'no command has a shared cache'],
  ['cognito/groups/user-groups.ts', '`usernameOf`', 'no command asks for the groups of a token'],
  ['cognito/memberships/audit-pool.ts', '`attributes` is `…`; give an array', 'the command gives an array'],
]

const isExcused = ({ file, text }: Text, [of, part]: (typeof REASONS)[number]) =>
  (of.endsWith('/') ? file.startsWith(of) : file === of) && text.includes(part)

/** Numbers that no option of a command sets. */
const OWN_NUMBERS = [
  'timeout',
  'concurrency',
  'maxAttempts',
  'leaseTtl',
  'leaseSettle',
  'ttl',
  'max',
  'negativeTtl',
  'staleWhileRevalidate',
  'staleIfError',
  'poolSize',
  'maxAge',
]

/** What still names what only the library has, in the words of the command line. */
function unexplained(texts: readonly Text[], names = source.names): readonly string[] {
  return texts
    .filter(({ file }) => !WITHOUT_COMMAND.some(folder => file.startsWith(`${folder}/`)))
    .filter(({ text }) => namesLibrary(inCommandLineWords(text), names))
    .filter(one => !REASONS.some(reason => isExcused(one, reason)))
    .map(({ file, text }) => `${file}: ${text}`)
}

describe('no message on the command line names an option of the library', () => {
  test('whatever text of the source it is made of', () => {
    expect(unexplained(source.texts)).toEqual([])
    expect(source.names.size).toBeGreaterThan(80)
    expect(source.texts.filter(({ text }) => namesLibrary(text)).length).toBeGreaterThan(60)
  })

  test('control: a new text that names one is found, and so is a new option', () => {
    const planted = readSource([
      [
        'cognito/planted.ts',
        'export interface PlantedOptions { readonly seats?: number }; throw new Error(`too few; give \\`seats\\` or \\`region\\``)',
      ],
    ])
    expect(unexplained(planted.texts)).toEqual(['cognito/planted.ts: too few; give `seats` or `region`'])
    expect(unexplained(planted.texts, planted.names)).toEqual(['cognito/planted.ts: too few; give `seats` or `region`'])
    expect(unexplained([{ file: 'cognito/planted.ts', text: 'give `region`' }])).toEqual([])
  })

  test('each reason is still needed', () => {
    const open = source.texts.filter(({ text }) => namesLibrary(inCommandLineWords(text)))
    const stale = REASONS.filter(reason => !open.some(one => isExcused(one, reason)))
    expect(stale.map(([file, part]) => `${file}: ${part}`)).toEqual([])
    const commands = files.filter(([file]) => file.startsWith('cli/')).map(([, text]) => text)
    for (const folder of WITHOUT_COMMAND)
      expect(commands.filter(text => new RegExp(`from '(?:\\.\\./)+${folder}/`).test(text))).toEqual([])
    expect(commands.filter(text => /createLightClient|createInvalidator|sharedCache/.test(text))).toEqual([])
  })

  test('each word of the table is still said', () => {
    for (const [library] of WORDS)
      expect({
        library,
        said: source.texts.some(({ text }) => text.includes(library)) || COMPOSED.has(library),
      }).toEqual({ library, said: true })
  })

  test('a number that a command sets is named as its option, and the others no command sets', async () => {
    const named = [...source.numbers].filter(name => !Object.hasOwn(OPTIONS, name))
    expect(named.toSorted()).toEqual(OWN_NUMBERS.toSorted())
    const audit = ['audit', 'pool', '--user-pool-id', userPoolId]
    expect((await inProcess([...audit, '--memberships-per-user', '-1'])).stderr).toBe(
      'rolecast: --memberships-per-user is `-1`; give a number of at least 0 [invalid-option]\n',
    )
    expect((await inProcess([...audit, '--requests-per-second', 'ListUsers=0.0001'])).stderr).toBe(
      'rolecast: --requests-per-second ListUsers is `0.0001`; give a number of at least 0.001 [invalid-option]\n',
    )
    expect(
      (await inProcess(['predict', '--user-pool-id', userPoolId, '--group', 'a', '--endpoint-url', 'x'])).stderr,
    ).toMatch(/^rolecast: --endpoint-url is `x`; give a URL/)
  })

  test('a value is left as it was given, also one with the name of an option', () => {
    for (const message of [
      '`region` is not a Region; give one',
      'group `endpoint` is `x`',
      '`constructor` is `x`; give y',
    ])
      expect(inCommandLineWords(message)).toBe(message)
  })
})

test('no text of the command line or of a report points at a page of the documentation', () => {
  const pointing = (texts: readonly Text[]) =>
    texts.filter(({ file, text }) => /^(?:cli|report)\//.test(file) && /\bdocs\/[\w-]+\.md\b/.test(text))
  expect(pointing(source.texts)).toEqual([])
  expect(pointing([{ file: 'report/planted.ts', text: 'see docs/semantics.md#no-roles' }]), 'control').toHaveLength(1)
})

/** Made of parts: the next step of a throttled call names what to lower. */
const COMPOSED = new Set(['try again later, or lower `requestsPerSecond`'])

describe('of a call that failed', () => {
  const CODES = Object.keys(ERROR_TEXTS) as ErrorCode[]
  const CONTEXTS: readonly CallContext[] = [
    { operation: 'GetGroup', userPoolId, groupName: 'admins' },
    { operation: 'ListGroups', userPoolId },
    { operation: 'ListUsers', userPoolId },
    { operation: 'ListUsersInGroup', userPoolId, groupName: 'admins' },
    { operation: 'AdminListGroupsForUser', userPoolId, username: 'alice' },
    { operation: 'DescribeUserPool', userPoolId },
    { operation: 'GetIdentityPoolRoles', identityPoolId: 'eu-west-1:7f0c1ab2' },
    { operation: 'ListUserPools', region: 'eu-west-1' },
    { operation: 'GetRole', iam: { role: 'Admin' } },
  ]
  const messages = CONTEXTS.flatMap(context => CODES.map(code => failure(code, context).message))
  /** A name of the library's: an option in backticks, a call, a signal. */
  const LIBRARY = /`[a-z]+([A-Z][a-z]+)*`|\w\(\)|signal|prefetch/
  const advice = (message: string) => message.slice(message.indexOf('; '))

  test('no advice names what only the library has, whatever the operation and the code', () => {
    expect(messages.map(inCommandLineWords).filter(message => LIBRARY.test(advice(message)))).toEqual([])
  })

  test('control: in the words of the library some does', () => {
    expect(messages.filter(message => LIBRARY.test(advice(message))).length).toBeGreaterThan(10)
  })
})
