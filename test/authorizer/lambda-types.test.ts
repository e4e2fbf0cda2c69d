import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CognitoJwtVerifier } from 'aws-jwt-verify'
import type {
  APIGatewayAuthorizerHandler,
  APIGatewayRequestAuthorizerEvent,
  APIGatewayRequestAuthorizerEventV2,
  APIGatewayRequestAuthorizerHandler,
  APIGatewayRequestAuthorizerWithContextHandler,
  APIGatewayRequestIAMAuthorizerHandlerV2,
  APIGatewayRequestSimpleAuthorizerHandlerV2,
  APIGatewayRequestSimpleAuthorizerHandlerV2WithContext,
  APIGatewayAuthorizerResult,
  APIGatewaySimpleAuthorizerResult,
  APIGatewayTokenAuthorizerEvent,
  APIGatewayTokenAuthorizerHandler,
  APIGatewayTokenAuthorizerWithContextHandler,
  AppSyncAuthorizerEvent,
  AppSyncAuthorizerHandler,
  AppSyncAuthorizerResult,
  Context,
} from 'aws-lambda'
import ts from 'typescript'
import { describe, expect, expectTypeOf, it } from 'vitest'
import {
  createRoleAuthorizer,
  type EventOf,
  type RoleAuthorizer,
  type RoleAuthorizerOptions,
  toContext,
} from '../../src/authorizer/index.js'
import { createRoleResolver } from '../../src/cognito/index.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const userPoolId = 'eu-west-1_Ab12Cd34e'
/** Nothing here runs: what is tested is that it compiles. */
const compiles = (_code: () => unknown) => {}

const options = () =>
  ({
    resolver: createRoleResolver({ source: () => undefined, userPoolId }),
    verifier: CognitoJwtVerifier.create({ userPoolId, clientId: 'x', tokenUse: 'id' }),
    groupsOf: 'token',
    onStale: 'deny',
  }) as const
const policy = { resource: 'stage', onFailure: 'throw' } as const

describe('the handler of a kind is one of @types/aws-lambda', () => {
  it('with the type on the left', () => {
    compiles((): APIGatewayTokenAuthorizerHandler =>
      createRoleAuthorizer({
        ...options(),
        ...policy,
        kind: 'rest-token',
        allow: ({ resolution }) => ({ allow: true, context: toContext(resolution) }),
      }),
    )
    compiles((): APIGatewayRequestAuthorizerHandler =>
      createRoleAuthorizer({
        ...options(),
        ...policy,
        kind: 'rest-request',
        allow: ({ event }) => event.path === '/pets',
      }),
    )
    compiles((): APIGatewayRequestAuthorizerHandler =>
      createRoleAuthorizer({
        ...options(),
        ...policy,
        kind: 'websocket',
        findToken: event => event.queryStringParameters?.['token'],
        allow: () => true,
      }),
    )
    compiles((): APIGatewayRequestAuthorizerHandler =>
      createRoleAuthorizer({ ...options(), ...policy, kind: 'http-1', allow: () => true }),
    )
    compiles((): APIGatewayRequestSimpleAuthorizerHandlerV2 =>
      createRoleAuthorizer({
        ...options(),
        kind: 'http-2',
        allow: ({ resolution, event }) => ({
          allow: event.routeKey === 'GET /pets',
          context: { role: resolution.preferredRole },
        }),
      }),
    )
    compiles((): APIGatewayRequestIAMAuthorizerHandlerV2 =>
      createRoleAuthorizer({ ...options(), ...policy, kind: 'http-2-iam', allow: () => true }),
    )
    compiles((): AppSyncAuthorizerHandler =>
      createRoleAuthorizer({ ...options(), kind: 'appsync', allow: () => ({ allow: true, deniedFields: ['A.b'] }) }),
    )
    compiles((): AppSyncAuthorizerHandler<{ role: string }> =>
      createRoleAuthorizer({
        ...options(),
        kind: 'appsync',
        allow: ({ resolution }) => ({ allow: true, context: { role: resolution.preferredRole }, ttlOverride: 60 }),
      }),
    )
  })

  it('without it', () => {
    expectTypeOf<RoleAuthorizer<'rest-token'>>().toExtend<APIGatewayTokenAuthorizerHandler>()
    expectTypeOf<RoleAuthorizer<'rest-request'>>().toExtend<APIGatewayRequestAuthorizerHandler>()
    expectTypeOf<RoleAuthorizer<'websocket'>>().toExtend<APIGatewayRequestAuthorizerHandler>()
    expectTypeOf<RoleAuthorizer<'http-1'>>().toExtend<APIGatewayRequestAuthorizerHandler>()
    expectTypeOf<RoleAuthorizer<'http-2'>>().toExtend<APIGatewayRequestSimpleAuthorizerHandlerV2>()
    expectTypeOf<RoleAuthorizer<'http-2-iam'>>().toExtend<APIGatewayRequestIAMAuthorizerHandlerV2>()
    expectTypeOf<RoleAuthorizer<'appsync'>>().toExtend<AppSyncAuthorizerHandler>()
    expectTypeOf<RoleAuthorizer<'appsync'>>().toExtend<AppSyncAuthorizerHandler<Record<string, string>>>()
  })

  it('but not of another kind', () => {
    expectTypeOf<RoleAuthorizer<'rest-token'>>().not.toExtend<APIGatewayRequestAuthorizerHandler>()
    expectTypeOf<RoleAuthorizer<'rest-token'>>().not.toExtend<APIGatewayAuthorizerHandler>()
    expectTypeOf<RoleAuthorizer<'http-2'>>().not.toExtend<APIGatewayRequestIAMAuthorizerHandlerV2>()
    expectTypeOf<RoleAuthorizer<'http-2-iam'>>().not.toExtend<APIGatewayRequestSimpleAuthorizerHandlerV2>()
    expectTypeOf<RoleAuthorizer<'appsync'>>().not.toExtend<APIGatewayRequestSimpleAuthorizerHandlerV2>()
  })

  it('nor one that always has a context: a denial has none', () => {
    type Role = { role: string }
    expectTypeOf<RoleAuthorizer<'rest-token'>>().not.toExtend<APIGatewayTokenAuthorizerWithContextHandler<Role>>()
    expectTypeOf<RoleAuthorizer<'rest-request'>>().not.toExtend<APIGatewayRequestAuthorizerWithContextHandler<Role>>()
    expectTypeOf<RoleAuthorizer<'http-2'>>().not.toExtend<APIGatewayRequestSimpleAuthorizerHandlerV2WithContext<Role>>()
  })
})

describe('the events and results of @types/aws-lambda', () => {
  it('fit a handler that is called by hand', () => {
    compiles(
      () =>
        (
          token: RoleAuthorizer<'rest-token'>,
          request: RoleAuthorizer<'rest-request'>,
          appsync: RoleAuthorizer<'appsync'>,
        ) => {
          const rest = async (event: APIGatewayTokenAuthorizerEvent, context: Context) => token(event, context)
          expectTypeOf(rest).returns.resolves.toExtend<APIGatewayAuthorizerResult>()
          const both = async (event: APIGatewayRequestAuthorizerEvent): Promise<APIGatewayAuthorizerResult> =>
            request(event)
          const fields = async (event: AppSyncAuthorizerEvent, context: Context): Promise<AppSyncAuthorizerResult> =>
            appsync(event, context)
          return [rest, both, fields]
        },
    )
    compiles(
      () =>
        async (
          simple: RoleAuthorizer<'http-2'>,
          event: APIGatewayRequestAuthorizerEventV2,
        ): Promise<APIGatewaySimpleAuthorizerResult> =>
          simple(event),
    )
    expectTypeOf<APIGatewayTokenAuthorizerEvent>().toExtend<EventOf<'rest-token'>>()
    expectTypeOf<APIGatewayRequestAuthorizerEvent>().toExtend<
      EventOf<'rest-request'> & EventOf<'http-1'> & EventOf<'websocket'>
    >()
    expectTypeOf<APIGatewayRequestAuthorizerEventV2>().toExtend<EventOf<'http-2'> & EventOf<'http-2-iam'>>()
    expectTypeOf<AppSyncAuthorizerEvent>().toExtend<EventOf<'appsync'>>()
    expectTypeOf<APIGatewayTokenAuthorizerEvent>().not.toExtend<EventOf<'rest-request'>>()
  })

  it('fit the options too', () => {
    type Options = RoleAuthorizerOptions<{ sub: string }, true, 'appsync'>
    compiles(
      (): Options['allow'] =>
        ({ event }) =>
          event.requestContext.operationName === 'MyQuery',
    )
  })
})

/** What the compiler says of each text, with everything strict, and rolecast read from its source. */
function errorsIn(texts: ReadonlyMap<string, string>): readonly string[] {
  const files = new Map([...texts].map(([name, text]) => [join(root, name), text]))
  const compilerOptions: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: true,
    noEmit: true,
    experimentalDecorators: true,
    types: ['node', 'aws-lambda'],
    paths: {
      rolecast: [join(root, 'src/index.ts')],
      'rolecast/*': [join(root, 'src/*/index.ts')],
    },
  }
  const host = ts.createCompilerHost(compilerOptions)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = path => files.has(path) || fileExists(path)
  host.readFile = path => files.get(path) ?? readFile(path)
  host.getSourceFile = (path, version, ...rest) => {
    const text = files.get(path)
    return text === undefined
      ? getSourceFile(path, version, ...rest)
      : ts.createSourceFile(path, text, version, true, ts.ScriptKind.TS)
  }
  const program = ts.createProgram([...files.keys()], compilerOptions, host)
  return [...files.keys()]
    .map(path => program.getSourceFile(path)!)
    .flatMap(file => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)])
    .map(
      ({ file, messageText }) => `${basename(file!.fileName)}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
    )
}

/** The fenced blocks of a page that import anything, which are whole modules. */
function modulesOf(page: string, language: 'js' | 'ts'): readonly string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm')
  return [...readFileSync(join(root, page), 'utf8').matchAll(fence)]
    .map(([, code]) => code!)
    .filter(code => code.startsWith('import '))
}

describe('what is to be copied', () => {
  const readme = modulesOf('README.md', 'ts')
  const authorizer = readme.find(code => code.includes('createRoleAuthorizer'))!
  // An environment variable may be missing, and a user of TypeScript says that it is not.
  const guide = modulesOf('docs/authorizer.md', 'js')[0]!.replaceAll(/process\.env\.\w+/g, '$&!')
  const numbered = (codes: readonly string[]) => new Map(codes.map((code, index) => [`copied-${index}.mts`, code]))

  it('compiles as it stands: the examples of the README, the first one of the guide, and the guard of NestJS', () => {
    const nest = modulesOf('docs/adapters.md', 'ts')
    expect(readme.length).toBeGreaterThanOrEqual(3)
    expect(guide).toContain("kind: 'rest-token'")
    expect(nest[0]).toContain('@Injectable()')
    expect(errorsIn(numbered([...readme, guide, ...nest]))).toEqual([])
  })

  it('control: it is noticed when the example of the README is wrong', () => {
    const lacksChoice = authorizer.replace(/^ +onStale: .*\n/m, '')
    const hasOtherHandler = authorizer.replaceAll('TokenAuthorizerHandler', 'RequestAuthorizerHandler')
    const lacksImport = authorizer.replace(/^import .*aws-jwt-verify.*\n/m, '')
    const errors = errorsIn(numbered([lacksChoice, hasOtherHandler, lacksImport, authorizer]))
    expect(errors.join('\n')).toMatch(
      /^copied-0[^]*onStale[^]*copied-1[^]*RequestAuthorizerHandler[^]*copied-2[^]*JwtVerifier/,
    )
    expect(errors.filter(error => error.startsWith('copied-3'))).toEqual([])
  })
})
