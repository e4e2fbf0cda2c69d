import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type ResponseContext,
  type AppSyncInput,
  checkRoleSwitch,
  type IamPolicyInput,
  listSwitchableRoles,
  toAppSyncResponse,
  toContext,
  toIamPolicyResponse,
  toSimpleResponse,
} from '../../src/authorizer/index.js'
import { MAX_RESPONSE_BYTES, MAX_APPSYNC_RESPONSE_BYTES } from '../../src/authorizer/responses.js'
import { resolveRoles } from '../../src/claims/resolve.js'
import { pools } from '../arbitraries.js'
import { errorOf } from '../failure-of.js'

const ARN = 'arn:aws:execute-api:eu-west-1:123456789012:abcdef123/test/GET/request'
const A = 'arn:aws:iam::111122223333:role/Alpha'
const B = 'arn:aws:iam::111122223333:role/Beta'

const bytesOf = (answer: unknown) => Buffer.byteLength(JSON.stringify(answer))
const FORMS = [
  [
    'an IAM policy',
    (context: ResponseContext, maxBytes?: number) =>
      toIamPolicyResponse({ principalId: 'jane', effect: 'Allow', resource: ARN, context, maxBytes }),
  ],
  [
    'a simple response',
    (context: ResponseContext, maxBytes?: number) => toSimpleResponse({ isAuthorized: true, context, maxBytes }),
  ],
  [
    "AppSync's",
    (resolverContext: ResponseContext, maxBytes?: number) =>
      toAppSyncResponse({ isAuthorized: true, resolverContext, maxBytes }),
  ],
] as const

describe('documented forms', () => {
  // https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
  test('an IAM policy', () => {
    expect(
      toIamPolicyResponse({
        principalId: 'yyyyyyyy',
        effect: 'Deny',
        resource: ARN,
        context: { stringKey: 'value', numberKey: 1, booleanKey: true },
        usageIdentifierKey: 'key',
      }),
    ).toStrictEqual({
      principalId: 'yyyyyyyy',
      policyDocument: {
        Version: '2012-10-17',
        Statement: [{ Action: 'execute-api:Invoke', Effect: 'Deny', Resource: ARN }],
      },
      context: { stringKey: 'value', numberKey: 1, booleanKey: true },
      usageIdentifierKey: 'key',
    })
    expect(toIamPolicyResponse({ principalId: 'user', effect: 'Allow', resource: [ARN, `${ARN}/x`] })).toStrictEqual({
      principalId: 'user',
      policyDocument: {
        Version: '2012-10-17',
        Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: [ARN, `${ARN}/x`] }],
      },
    })
  })

  // https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
  test('a simple response', () => {
    expect(toSimpleResponse({ isAuthorized: true, context: { exampleKey: 'exampleValue' } })).toStrictEqual({
      isAuthorized: true,
      context: { exampleKey: 'exampleValue' },
    })
    expect(toSimpleResponse({ isAuthorized: false })).toStrictEqual({ isAuthorized: false })
  })

  // https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html
  test("AppSync's, whose context has strings", () => {
    const field = 'arn:aws:appsync:us-east-1:111122223333:apis/GraphQLApiId/types/TypeName/fields/FieldName'
    expect(
      toAppSyncResponse({
        isAuthorized: true,
        resolverContext: { banana: 'very yellow', n: 1, b: false },
        deniedFields: ['Mutation.createEvent', field],
        ttlOverride: 10,
      }),
    ).toStrictEqual({
      isAuthorized: true,
      resolverContext: { banana: 'very yellow', n: '1', b: 'false' },
      deniedFields: ['Mutation.createEvent', field],
      ttlOverride: 10,
    })
    expect(toAppSyncResponse({ isAuthorized: false })).toStrictEqual({ isAuthorized: false })
  })

  test("the caller's arrays are copied", () => {
    const resource = [ARN]
    const deniedFields = ['A.b']
    const policy = toIamPolicyResponse({ principalId: 'jane', effect: 'Allow', resource })
    const answer = toAppSyncResponse({ isAuthorized: true, deniedFields })
    resource.push('*')
    deniedFields.pop()
    expect(policy.policyDocument.Statement[0]!.Resource).toEqual([ARN])
    expect(answer.deniedFields).toEqual(['A.b'])
  })
})

describe('the context', () => {
  const values = fc.oneof(
    fc.string(),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter(value => !Object.is(value, -0)),
  )
  const keys = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString', 'context', ''))

  test.each(FORMS)('%s: strings, finite numbers and booleans arrive, under any key', (_, make) => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(keys, values), { selector: ([key]) => key }), entries => {
        const answer = make(Object.fromEntries(entries), Infinity) as { context?: object; resolverContext?: object }
        const arrived = Object.entries(JSON.parse(JSON.stringify(answer.context ?? answer.resolverContext)) as object)
        const sent = entries.map(([key, value]) => [key, 'context' in answer ? value : String(value)])
        expect(new Map(arrived)).toEqual(new Map(sent as [string, unknown][]))
        expect(Object.getPrototypeOf(answer.context ?? answer.resolverContext)).toBe(Object.prototype)
      }),
    )
  })

  test.each(FORMS)('%s: anything else is rejected', (_, make) => {
    const others = fc
      .anything({
        withBigInt: true,
        withDate: true,
        withMap: true,
        withSet: true,
        withSparseArray: true,
        withNullPrototype: true,
      })
      .filter(value => typeof value !== 'string' && typeof value !== 'boolean' && !Number.isFinite(value))
    fc.assert(
      fc.property(keys, others, (key, value) => {
        const error = errorOf(() =>
          make(
            Object.fromEntries([
              ['fine', 1],
              [key === 'fine' ? 'x' : key, value],
            ]) as ResponseContext,
            Infinity,
          ),
        )
        expect(error.code).toBe('invalid-option')
      }),
    )
  })

  test.each([NaN, Infinity, -Infinity, null, undefined, [], {}, ['a'], 1n, Symbol('s'), () => 'x', new Date(0)])(
    'a value %s is rejected, and not shown',
    value => {
      for (const [, make] of FORMS) {
        const error = errorOf(() => make({ role: value as unknown as string }))
        expect(error.message).toBe(
          "a response's `context.role` takes strings, finite numbers and booleans; write a list as JSON",
        )
        expect(error).not.toHaveProperty('value')
      }
    },
  )

  test.each([[null], [['a']], ['text'], [7]])('%j is rejected as a context', context => {
    for (const [, make] of FORMS)
      expect(errorOf(() => make(context as unknown as ResponseContext)).code).toBe('invalid-option')
  })

  test('a property of a class, a getter or a symbol is not dropped: it is rejected', () => {
    class Scoped {
      readonly role = 'x'
      get scope() {
        return 'read-only'
      }
    }
    const others: [string, object][] = [
      ['an instance of a class', new Scoped()],
      ['what inherits', Object.create({ scope: 'read-only' })],
      ['a getter', Object.defineProperty({}, 'scope', { get: () => 'read-only', enumerable: true })],
      ['a property that is not enumerable', Object.defineProperty({}, 'scope', { value: 'read-only' })],
      ['a symbol', { [Symbol('scope')]: 'read-only' }],
      ['a Map', new Map([['scope', 'read-only']])],
    ]
    for (const [name, context] of others) {
      for (const [, make] of FORMS) {
        expect(
          errorOf(() => make(context as ResponseContext)),
          name,
        ).toMatchObject({
          code: 'invalid-option',
          message:
            "a response's `context` is a plain object, and takes strings, finite numbers and booleans; write a list as JSON",
        })
      }
    }
    const plain = Object.assign(Object.create(null), { scope: 'read-only' }) as ResponseContext
    expect(toSimpleResponse({ isAuthorized: true, context: plain }), 'control').toStrictEqual({
      isAuthorized: true,
      context: { scope: 'read-only' },
    })
  })

  test('each value is read once: what is checked is what is handed on', () => {
    /** Says the one thing when it is looked at, and the other from then on. */
    const changing = <T extends object>(target: T, first: unknown, then: unknown) => {
      let reads = 0
      const next = () => (reads++ === 0 ? first : then)
      return new Proxy(target, {
        get: (object, key) => (key === 'length' || typeof key === 'symbol' ? Reflect.get(object, key) : next()),
        getOwnPropertyDescriptor: (object, key) => ({
          ...Reflect.getOwnPropertyDescriptor(object, key)!,
          value: next(),
        }),
      }) as never
    }
    expect(
      toAppSyncResponse({ isAuthorized: true, deniedFields: changing(['A.b'], 'A.b', 'nothing') }).deniedFields,
    ).toEqual(['A.b'])
    expect(
      toIamPolicyResponse({ principalId: 'x', effect: 'Allow', resource: changing([ARN], ARN, '*') }).policyDocument
        .Statement[0]!.Resource,
    ).toEqual([ARN])
    expect(toSimpleResponse({ isAuthorized: true, context: changing({ a: 1 }, 1, []) }).context).toEqual({ a: 1 })
  })

  test('an array that hides its elements from a loop loses none', () => {
    const hiding = <T>(list: T[]) => Object.assign(list, { [Symbol.iterator]: () => [].values() })
    expect(toAppSyncResponse({ isAuthorized: true, deniedFields: hiding(['A.b']) }).deniedFields).toEqual(['A.b'])
  })
})

describe('the size', () => {
  test.each(FORMS)('%s: exactly `maxBytes` fit, in UTF-8', (_, make) => {
    const context = { a: 'ü🙂"\u0000' }
    const bytes = bytesOf(make(context))
    expect(bytesOf(make(context, bytes))).toBe(bytes)
    expect(errorOf(() => make(context, bytes - 1)).message).toBe(
      `a response's \`maxBytes\` is ${bytes - 1}, but the response has ${bytes} bytes; pass less context`,
    )
    expect(errorOf(() => make(context, NaN)).code).toBe('invalid-option')
  })

  test.each(FORMS)('%s: the default is the documented bound, or a cautious one', (form, make) => {
    const bound = form === "AppSync's" ? MAX_APPSYNC_RESPONSE_BYTES : MAX_RESPONSE_BYTES
    const overhead = bytesOf(make({ a: '' }))
    expect(bytesOf(make({ a: 'x'.repeat(bound - overhead) }))).toBe(bound)
    expect(() => make({ a: 'x'.repeat(bound - overhead + 1) })).toThrow('pass less context')
  })
})

describe('rejected', () => {
  const policy: IamPolicyInput = { principalId: 'jane', effect: 'Allow', resource: ARN }
  const rows: [string, object][] = [
    ['effect', { effect: 'allow' }],
    ['effect', { effect: undefined }],
    ['effect', { effect: true }],
    ['principalId', { principalId: '' }],
    ['principalId', { principalId: undefined }],
    ['principalId', { principalId: 7 }],
    ['resource', { resource: '' }],
    ['resource', { resource: [] }],
    ['resource', { resource: undefined }],
    ['resource', { resource: [ARN, ''] }],
    ['resource', { resource: [ARN, null] }],
    ['resource', { resource: Array(1) }],
    ['resource', { resource: [[[ARN]]] }],
    ['resource', { resource: 'x'.repeat(513) }],
    ['resource', { resource: { 0: ARN, length: 1 } }],
    ['usageIdentifierKey', { usageIdentifierKey: '' }],
    ['usageIdentifierKey', { usageIdentifierKey: { key: 'x' } }],
  ]
  test.each(rows)('a policy whose %s is wrong: %j', (name, wrong) => {
    const error = errorOf(() => toIamPolicyResponse({ ...policy, ...wrong }))
    expect(error).toMatchObject({ code: 'invalid-option', retryable: false })
    expect(error.message).toContain(`a response's \`${name}\``)
  })

  test('a resource of 512 characters is not', () => {
    expect(
      toIamPolicyResponse({ ...policy, resource: 'x'.repeat(512) }).policyDocument.Statement[0]!.Resource,
    ).toHaveLength(512)
  })

  test.each(['false', 'true', 1, 0, null, undefined, {}])('%j is neither authorized nor not', isAuthorized => {
    expect(errorOf(() => toSimpleResponse({ isAuthorized: isAuthorized as boolean })).message).toContain(
      '`isAuthorized`',
    )
    expect(errorOf(() => toAppSyncResponse({ isAuthorized: isAuthorized as boolean })).message).toContain(
      '`isAuthorized`',
    )
  })

  test.each<[string, Partial<AppSyncInput> | object]>([
    ['ttlOverride', { ttlOverride: -1 }],
    ['ttlOverride', { ttlOverride: 3601 }],
    ['ttlOverride', { ttlOverride: 1.5 }],
    ['ttlOverride', { ttlOverride: NaN }],
    ['ttlOverride', { ttlOverride: '10' }],
    ['ttlOverride', { ttlOverride: null }],
    ['deniedFields', { deniedFields: 'A.b' }],
    ['deniedFields', { deniedFields: ['createEvent'] }],
    ['deniedFields', { deniedFields: ['A.b', 'A.b '] }],
    ['deniedFields', { deniedFields: ['A/b'] }],
    ['deniedFields', { deniedFields: [null] }],
    ['deniedFields', { deniedFields: Array(1) }],
    ['deniedFields', { deniedFields: [`${ARN}`] }],
    ['deniedFields', { deniedFields: null }],
    ['deniedFields', { deniedFields: undefined }],
  ])("AppSync's %s: %j", (name, wrong) => {
    expect(errorOf(() => toAppSyncResponse({ isAuthorized: true, ...wrong })).message).toContain(
      `a response's \`${name}\``,
    )
  })

  test('the ends of the time to live are not', () => {
    expect(toAppSyncResponse({ isAuthorized: true, ttlOverride: 0 }).ttlOverride).toBe(0)
    expect(toAppSyncResponse({ isAuthorized: true, ttlOverride: 3600 }).ttlOverride).toBe(3600)
  })
})

describe('a resolution as context', () => {
  test('has the role, if there is one, and the lists as JSON', () => {
    expect(
      toContext(
        resolveRoles([
          { groupName: 'a,b', precedence: 1, roleArn: A },
          { groupName: 'c', precedence: 2, roleArn: B },
        ]),
      ),
    ).toStrictEqual({
      role: A,
      outcome: 'resolved',
      rule: 'lowest-precedence',
      groups: '["a,b","c"]',
      roles: JSON.stringify([A, B]),
    })
    expect(toContext(resolveRoles([]))).toStrictEqual({ outcome: 'none', rule: 'no-groups', groups: '[]', roles: '[]' })
  })

  test('fits every form, whatever the groups', () => {
    fc.assert(
      fc.property(pools, groups => {
        const resolution = resolveRoles(groups)
        for (const [, make] of FORMS) make(toContext(resolution), Infinity)
        expect(toContext(resolution)).not.toHaveProperty('candidateRole')
        expect('role' in toContext(resolution)).toBe(resolution.outcome === 'resolved')
      }),
    )
  })
})

describe('switching roles', () => {
  const resolution = resolveRoles([
    { groupName: 'a', precedence: 1, roleArn: A },
    { groupName: 'b', roleArn: B },
  ])

  test('a user may take the roles of all the groups, and no other', () => {
    expect(listSwitchableRoles(resolution)).toEqual([A, B])
    expect(checkRoleSwitch(resolution, B)).toStrictEqual({ outcome: 'allowed', role: B })
    for (const other of [
      `${A}x`,
      A.slice(0, -1),
      A.toLowerCase(),
      ` ${A}`,
      `${A},${B}`,
      'Alpha',
      '__proto__',
      'length',
      '0',
    ]) {
      expect(checkRoleSwitch(resolution, other)).toStrictEqual({ outcome: 'not-allowed', reason: 'not-among-roles' })
    }
  })

  test('a request for no role gets none', () => {
    for (const nothing of [undefined, null, '', 7, [A], { toString: () => A }, Object(A)]) {
      expect(checkRoleSwitch(resolution, nothing)).toStrictEqual({
        outcome: 'not-allowed',
        reason: 'no-role-asked-for',
      })
    }
  })

  test('roles past their time are good for nothing, unless that is allowed', () => {
    expect(checkRoleSwitch({ ...resolution, stale: true }, A)).toStrictEqual({
      outcome: 'not-allowed',
      reason: 'stale',
    })
    expect(checkRoleSwitch({ ...resolution, stale: 0 as unknown as boolean }, A)).toStrictEqual({
      outcome: 'not-allowed',
      reason: 'stale',
    })
    expect(checkRoleSwitch({ ...resolution, stale: true }, A, { allowStale: true })).toStrictEqual({
      outcome: 'allowed',
      role: A,
    })
    expect(checkRoleSwitch({ ...resolution, stale: false }, A)).toStrictEqual({ outcome: 'allowed', role: A })
  })

  test('whether they are past their time is not left open', () => {
    expect(checkRoleSwitch({ ...resolution, stale: undefined as unknown as boolean }, A)).toStrictEqual({
      outcome: 'not-allowed',
      reason: 'stale',
    })
  })

  test('a value that is not a list of roles has none', () => {
    for (const roles of [undefined, null, A, { 0: A, length: 1 }]) {
      expect(checkRoleSwitch({ roles: roles as unknown as string[] }, A)).toStrictEqual({
        outcome: 'not-allowed',
        reason: 'not-among-roles',
      })
    }
  })

  test('allowed is exactly what the resolution lists', () => {
    fc.assert(
      fc.property(pools, fc.constantFrom(A, B, `${A} `), (groups, role) => {
        const resolved = resolveRoles(groups)
        expect(checkRoleSwitch(resolved, role).outcome).toBe(resolved.roles.includes(role) ? 'allowed' : 'not-allowed')
      }),
    )
  })
})
