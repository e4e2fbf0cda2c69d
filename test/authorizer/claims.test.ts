import { inspect } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  type ClaimsOptions,
  type IncomingClaims,
  parseGroupsClaim,
  parseRoleClaims,
  type Transport,
  TRANSPORTS,
} from '../../src/authorizer/claims.js'
import { compareClaims } from '../../src/claims/compare-claims.js'
import { isRolecastError, quote } from '../../src/errors.js'
import { isGroupName } from '../../src/group.js'
import { resolveRoles, type RoleClaims } from '../../src/claims/resolve.js'
import { groupNames } from '../arbitraries.js'
import { errorOf } from '../failure-of.js'

const A = 'arn:aws:iam::111122223333:role/Alpha'
const B = 'arn:aws:iam::111122223333:role/path/Beta'
const COMMA = 'arn:aws-us-gov:iam::111122223333:role/a,b'

/** How each transport writes a list: joined ones are what the service does to the token's array. */
const SERIALISERS: Readonly<Record<Transport, (values: readonly string[]) => unknown>> = {
  jwt: values => [...values],
  rest: values => values.join(','),
  http: values => `[${values.join(' ')}]`,
  appsync: values => [...values],
  alb: values => [...values],
  array: values => [...values],
}

describe('fixtures, each in its documented form', () => {
  const both = { 'cognito:groups': ['admins', 'users'], 'cognito:roles': [A, B], 'cognito:preferred_role': A }

  // https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html
  const idToken = {
    sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    'cognito:groups': ['admins', 'users'],
    email_verified: true,
    'cognito:preferred_role': A,
    iss: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example',
    'cognito:username': 'jane',
    'cognito:roles': [A, B],
    aud: 'xxxxxxxxxxxxexample',
    token_use: 'id',
    auth_time: 1676312777,
    exp: 1676316377,
    iat: 1676312777,
  }
  // https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
  const accessToken = {
    sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    'cognito:groups': ['admins', 'users'],
    client_id: 'xxxxxxxxxxxxexample',
    token_use: 'access',
    scope: 'openid',
    version: 2,
    iat: 1676312777,
    exp: 1676316377,
    username: 'jane',
  }
  // https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-enable-cognito-user-pool.html: every claim is a string.
  const rest = {
    sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    'cognito:groups': 'admins,users',
    'cognito:roles': `${A},${B}`,
    'cognito:preferred_role': A,
    token_use: 'id',
    email_verified: 'true',
    auth_time: '1676312777',
    exp: 'Mon Feb 13 19:26:17 UTC 2023',
    iat: 'Mon Feb 13 18:26:17 UTC 2023',
  }
  // https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html: format 2.0; the brackets are observed.
  const http = {
    version: '2.0',
    requestContext: {
      authorizer: {
        jwt: {
          claims: {
            'cognito:groups': '[admins users]',
            'cognito:roles': `[${A} ${B}]`,
            'cognito:preferred_role': A,
            token_use: 'id',
            iat: '1676312777',
          },
          scopes: null,
        },
      },
    },
  }
  // https://docs.aws.amazon.com/appsync/latest/devguide/resolver-context-reference-js.html
  const identity = {
    sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    issuer: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example',
    username: 'jane',
    claims: idToken,
    sourceIp: ['192.0.2.1'],
    defaultAuthStrategy: 'ALLOW',
    groups: ['admins', 'users'],
  }
  // https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html: the payload of x-amzn-oidc-data
  const oidcData = {
    sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    email: 'jane@example.com',
    username: 'jane',
    exp: 1676316377,
    iss: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example',
  }

  test.each<[string, IncomingClaims, ClaimsOptions, RoleClaims]>([
    ['an ID token', idToken, { transport: 'jwt' }, both],
    ['an access token', accessToken, { transport: 'jwt' }, { 'cognito:groups': ['admins', 'users'] }],
    [
      'a REST API with a Cognito authorizer',
      rest,
      { transport: 'rest', knownGroups: new Set(['admins', 'users', 'others']) },
      both,
    ],
    [
      'a REST API with a Cognito authorizer, one group',
      { ...rest, 'cognito:groups': 'admins' },
      { transport: 'rest' },
      { ...both, 'cognito:groups': ['admins'] },
    ],
    ['an HTTP API', http.requestContext.authorizer.jwt.claims, { transport: 'http' }, both],
    [
      'an HTTP API, one group and one role',
      { 'cognito:groups': '[admins]', 'cognito:roles': `[${A}]` },
      { transport: 'http' },
      { 'cognito:groups': ['admins'], 'cognito:roles': [A] },
    ],
    ['AppSync', identity.claims, { transport: 'appsync' }, both],
    ['the access token of an ALB', accessToken, { transport: 'alb' }, { 'cognito:groups': ['admins', 'users'] }],
    ['arrays', both, { transport: 'array' }, both],
  ])('%s', (_, claims, options, expected) => {
    expect(parseRoleClaims(claims, options)).toStrictEqual(expected)
    expect(parseGroupsClaim((claims as RoleClaims)['cognito:groups'], options)).toStrictEqual(
      expected['cognito:groups'],
    )
  })

  test("AppSync's identity.groups is an array or null", () => {
    expect(parseGroupsClaim(identity.groups, { transport: 'appsync' })).toEqual(['admins', 'users'])
    expect(parseGroupsClaim(null, { transport: 'appsync' })).toEqual([])
  })

  test('x-amzn-oidc-data has no groups, and is rejected rather than read as a user in no group', () => {
    const error = errorOf(() => parseRoleClaims(oidcData, { transport: 'alb' }))
    expect(error).toMatchObject({ code: 'invalid-claim', retryable: false })
    expect(error.value).toBe(oidcData)
    expect(error.message).toBe(
      "these are not the claims of an access token; an ALB's `x-amzn-oidc-data` has neither groups nor roles: " +
        'verify the token in `x-amzn-oidc-accesstoken` and give its payload',
    )
    expect(
      parseRoleClaims(oidcData, { transport: 'jwt' }),
      'control: without the guard it is a user in no group',
    ).toStrictEqual({})
    expect(errorOf(() => parseRoleClaims(idToken, { transport: 'alb' })).code).toBe('invalid-claim')
  })
})

describe('what is missing, and what is there twice', () => {
  test.each(TRANSPORTS)('%s: missing claims are absent keys', transport => {
    const token = { token_use: 'access', sub: 'x' }
    expect(parseRoleClaims(token, { transport })).toStrictEqual({})
    expect(
      parseRoleClaims(
        { ...token, 'cognito:groups': undefined, 'cognito:roles': undefined, 'cognito:preferred_role': undefined },
        { transport },
      ),
    ).toStrictEqual({})
    expect(parseGroupsClaim(undefined, { transport })).toEqual([])
  })

  test.each(TRANSPORTS)('%s: an empty list is an absent key', transport => {
    const claims = {
      token_use: 'access',
      'cognito:groups': SERIALISERS[transport]([]),
      'cognito:roles': SERIALISERS[transport]([]),
    }
    expect(parseRoleClaims(claims, { transport })).toStrictEqual({})
  })

  test('an empty string is how a mapping template of a REST API writes a missing claim', () => {
    expect(
      parseRoleClaims(
        { 'cognito:groups': '', 'cognito:roles': '', 'cognito:preferred_role': '' },
        { transport: 'rest' },
      ),
    ).toStrictEqual({})
  })

  test.each(TRANSPORTS)('%s: duplicates count once, in the order given', transport => {
    const claims = {
      token_use: 'access',
      'cognito:groups': SERIALISERS[transport](['b', 'a', 'b']),
      'cognito:roles': SERIALISERS[transport]([B, A, B, B]),
    }
    expect(parseRoleClaims(claims, { transport, knownGroups: ['a', 'b'] })).toStrictEqual({
      'cognito:groups': ['b', 'a'],
      'cognito:roles': [B, A],
    })
  })

  test('inherited properties are not claims', () => {
    const inherited = { 'cognito:groups': ['admins'], 'cognito:roles': [A], 'cognito:preferred_role': A }
    expect(parseRoleClaims(Object.assign(Object.create(inherited), { sub: 'x' }), { transport: 'jwt' })).toStrictEqual(
      {},
    )
    expect(errorOf(() => parseRoleClaims(Object.create(inherited), { transport: 'jwt' })).code).toBe('invalid-claim')
    expect(errorOf(() => parseRoleClaims(Object.create({ token_use: 'access' }), { transport: 'alb' })).code).toBe(
      'invalid-claim',
    )
    expect(
      parseRoleClaims(Object.assign(Object.create(null), { 'cognito:groups': ['a'] }), { transport: 'jwt' }),
    ).toEqual({ 'cognito:groups': ['a'] })
  })

  test('what comes in is not changed, and not handed out', () => {
    const claims = Object.freeze({ 'cognito:groups': Object.freeze(['b', 'a']), 'cognito:roles': Object.freeze([A]) })
    const parsed = parseRoleClaims(claims, { transport: 'jwt' })
    expect(parsed).toStrictEqual({ 'cognito:groups': ['b', 'a'], 'cognito:roles': [A] })
    expect(parsed['cognito:groups']).not.toBe(claims['cognito:groups'])
  })
})

describe('commas', () => {
  const rest = (text: string, knownGroups?: Iterable<string>) =>
    parseGroupsClaim(text, { transport: 'rest', knownGroups })

  test('without the known groups a comma is ambiguous, and rejected', () => {
    for (const text of ['a,b', ',', 'a,', ',a']) {
      const error = errorOf(() => rest(text))
      expect(error).toMatchObject({ code: 'ambiguous-claim', value: text, retryable: false })
      expect(error.message).toBe(
        `the claim \`cognito:groups\` is \`${text}\`, which may be one group or several, because a name may contain commas; ` +
          "give the pool's group names as `knownGroups`, or verify the token and read its payload",
      )
    }
  })

  test('a name without a comma is one name, known or not', () => {
    expect(rest('a')).toEqual(['a'])
    expect(rest('a', new Set(['b']))).toEqual(['a'])
    expect(rest('eu-west-1_Example_Google', [])).toEqual(['eu-west-1_Example_Google'])
  })

  test.each<[string, readonly string[], readonly string[]]>([
    ['a,b,c', ['a', 'b', 'c', 'd'], ['a', 'b', 'c']],
    ['a,b,c', ['a,b', 'c', 'b'], ['a,b', 'c']],
    ['a,b,c', ['a', 'b,c', 'b'], ['a', 'b,c']],
    ['a,b,c', ['a,b,c', 'a,b', 'b,c'], ['a,b,c']],
    [',', [',', 'a'], [',']],
    [',,,', [','], [',']],
    ['a,,b', ['a,', 'b', 'a'], ['a,', 'b']],
    ['a,,b', ['a', ',b', 'b'], ['a', ',b']],
    ['__proto__,constructor', ['__proto__', 'constructor'], ['__proto__', 'constructor']],
    [`${'🙂'.repeat(128)},a`, ['a', '🙂'.repeat(128)], ['🙂'.repeat(128), 'a']],
    [`${'🙂'.repeat(127)},,a`, ['a', `${'🙂'.repeat(127)},`], [`${'🙂'.repeat(127)},`, 'a']],
  ])('%j is read as the names that are known', (text, known, expected) => {
    expect(rest(text, known)).toEqual(expected)
    expect(rest(text, new Set(known))).toEqual(expected)
    expect(rest(text, known.values())).toEqual(expected)
  })

  test.each<[string, readonly string[], string]>([
    ['a,b', ['a', 'b', 'a,b'], 'can be read as names of `knownGroups` in several ways; rename a group'],
    ['a,a,a', ['a', 'a,a'], 'can be read as names of `knownGroups` in several ways; rename a group'],
    [',,,,', [',', ',,'], 'can be read as names of `knownGroups` in several ways; rename a group'],
    ['a,b', [], 'cannot be read as names of `knownGroups`; update them'],
    ['a,b', ['a', 'c'], 'cannot be read as names of `knownGroups`; update them'],
    ['a,b', ['a', 'b,', ',b'], 'cannot be read as names of `knownGroups`; update them'],
    ['a,toString', ['a'], 'cannot be read as names of `knownGroups`; update them'],
  ])('%j with %j is rejected', (text, known, problem) => {
    const error = errorOf(() => rest(text, known))
    expect(error).toMatchObject({ code: 'ambiguous-claim', value: text })
    expect(error.message).toBe(
      `the claim \`cognito:groups\` is \`${text}\`, which ${problem}, or verify the token and read its payload`,
    )
  })

  test('as many ways as there are do not take as long to count', () => {
    const many = (size: number) => Array.from({ length: size }, () => 'a').join(',')
    // An exponential count would not come to an end.
    expect(errorOf(() => rest(many(5000), ['a', 'a,a', 'a,a,a'])).message).toContain('in several ways')
    expect(errorOf(() => rest(`${many(5000)},b`, ['a', 'a,a', 'a,a,a'])).message).toContain('cannot be read')
    expect(errorOf(() => rest(','.repeat(5000), [',', ',,'])).message).toContain('in several ways')
    expect(rest(many(5000), new Set(['a', 'b', 'b,a']))).toEqual(['a'])

    class Counting extends Set<string> {
      looks = 0
      override has(name: string): boolean {
        this.looks++
        return super.has(name)
      }
    }
    const looks = (size: number) => {
      const known = new Counting(['a', 'a,a', 'a,a,a'])
      errorOf(() => rest(many(size), known))
      return known.looks
    }
    // A name has at most 256 code units, so 128 of these parts.
    expect(looks(1000)).toBeGreaterThan(1000)
    expect(looks(2000)).toBeLessThanOrEqual(looks(1000) + 1000 * 128)
  })

  test('the known groups are looked at only where there is a comma to be told', () => {
    const unread: Iterable<string> = {
      [Symbol.iterator]: () => {
        throw new Error('read')
      },
    }
    expect(rest('a', unread)).toEqual(['a'])
    for (const transport of TRANSPORTS.filter(transport => transport !== 'rest')) {
      expect(parseGroupsClaim(SERIALISERS[transport](['a,b', 'c']), { transport, knownGroups: unread })).toEqual([
        'a,b',
        'c',
      ])
    }
    expect(() => rest('a,b', unread)).toThrow('read')
  })
})

describe('roles joined by commas', () => {
  const rest = (text: string) => parseRoleClaims({ 'cognito:roles': text }, { transport: 'rest' })['cognito:roles']

  test.each<[readonly string[]]>([
    [[A]],
    [[A, B]],
    [[COMMA]],
    [[COMMA, A, B]],
    [[A, COMMA]],
    [[`${A},arn`, B]],
    [[`${A},`, B]],
    [[`${A},arn`, `${B},arn`]],
    [[`${A},arn,`, COMMA]],
  ])('%j comes back', roles => {
    expect(rest(roles.join(','))).toEqual(roles)
  })

  test.each([
    `${A},b:c`,
    `${A},arn:b:c`,
    `${A},arn:aws:s3:::bucket`,
    `${A},${A}:x`,
    `x,${A}`,
    `,${A}`,
    `${A} ,${B}`,
    `${A}, ${B}`,
    'Alpha',
    'arn:',
    `[${A}]`,
    `[${A} ${B}]`,
    `${A}\n`,
    `${A},arn:aws:iam::role/x`,
  ])('%j is rejected', text => {
    const error = errorOf(() => rest(text))
    expect(error).toMatchObject({ code: 'invalid-claim', value: text })
    expect(error.message).toBe(
      `the claim \`cognito:roles\` is ${quote(text)}, which is not a comma-separated list of role ARNs; ` +
        'verify the token and read its payload instead',
    )
  })
})

type Parser = (value: unknown, options: ClaimsOptions) => readonly string[]

/** What serialises as a transport does comes back as the same set, or not at all. */
function sameOrRefused(
  parse: Parser,
  transport: Transport,
  groups: readonly string[],
  knownGroups?: Iterable<string>,
): 'same' | 'refused' {
  const value = SERIALISERS[transport](groups)
  try {
    expect(parse(value, { transport, knownGroups }).toSorted()).toEqual([...new Set(groups)].toSorted())
    return 'same'
  } catch (error) {
    if (!isRolecastError(error)) throw error
    return 'refused'
  }
}

function law<Drawn>(sentence: string, wrong: Parser, property: (parse: Parser) => fc.IProperty<Drawn>): void {
  test(sentence, () => {
    fc.assert(property(parseGroupsClaim), { numRuns: 500 })
  })
  test(`control: ${sentence}`, () => {
    expect(fc.check(property(wrong), { seed: 1, numRuns: 2000, endOnFailure: true }).failed).toBe(true)
  })
}

const nastyNames = fc.oneof(
  groupNames,
  fc.string({ unit: fc.constantFrom(...'ab,'), minLength: 1, maxLength: 5 }),
  fc.string({ unit: fc.constantFrom(...'a[]"\',`{}\\:'), minLength: 1, maxLength: 6 }),
  fc.constantFrom(
    '[a]',
    '[',
    ']',
    '[]',
    '["a","b"]',
    'a,b',
    ',',
    '__proto__',
    'arn:aws:iam::1:role/x',
    'null',
    ','.repeat(128),
  ),
)
const groupLists = fc.uniqueArray(nastyNames, { maxLength: 6 })
const collidingLists = fc.uniqueArray(
  fc.string({ unit: fc.constantFrom('a', ',', 'a,', 'b'), minLength: 1, maxLength: 5 }),
  { maxLength: 6 },
)
const naiveComma: Parser = value => (typeof value === 'string' ? value.split(',').filter(Boolean) : (value as string[]))

describe('laws', () => {
  test('the names drawn are legal, and some have commas and brackets', () => {
    fc.assert(fc.property(nastyNames, isGroupName))
    const drawn = fc.sample(nastyNames, { seed: 1, numRuns: 500 })
    for (const character of [',', '[', '"']) expect(drawn.some(name => name.includes(character))).toBe(true)
  })

  for (const transport of TRANSPORTS.filter(transport => transport !== 'rest' && transport !== 'http')) {
    law(
      `${transport}: any list of legal names comes back, with the known groups or without`,
      value => String(value).replaceAll(/[[\]]/g, '').split(/[ ,]/),
      parse =>
        fc.property(groupLists, fc.option(groupLists, { nil: undefined }), (groups, known) => {
          expect(sameOrRefused(parse, transport, groups, known)).toBe('same')
        }),
    )
  }

  /** In brackets: a list in JSON, or names joined by commas and spaces. */
  const looksForeign = (groups: readonly string[]) => {
    const text = `[${groups.join(' ')}]`
    const joined = groups.length > 1 && groups.slice(0, -1).every(name => name.endsWith(','))
    return joined || (text.startsWith('["') && text.endsWith('"]') && text.length >= 4)
  }

  law(
    'http: any list of legal names comes back, but for one that looks like another transport and is not known',
    value => String(value).replaceAll(/[[\]]/g, '').split(/[ ,]/),
    parse =>
      fc.property(groupLists, fc.option(groupLists, { nil: undefined }), (groups, others) => {
        expect(sameOrRefused(parse, 'http', groups, [...(others ?? []), ...groups])).toBe('same')
        const known = new Set(others)
        const told = !looksForeign(groups) || groups.every(name => known.has(name))
        expect(sameOrRefused(parse, 'http', groups, others)).toBe(told ? 'same' : 'refused')
      }),
  )

  law('rest: any list comes back as the same set or is rejected, never as another', naiveComma, parse =>
    fc.property(groupLists, groups => {
      const text = groups.join(',')
      const ambiguous = text.includes(',') || /^\[.*\]$/.test(text)
      expect(sameOrRefused(parse, 'rest', groups)).toBe(ambiguous ? 'refused' : 'same')
    }),
  )

  const shortestFirst: Parser = (value, { knownGroups }) => {
    const known = new Set(knownGroups)
    const names: string[] = []
    let rest = String(value)
    while (rest !== '') {
      const ends = [...rest.matchAll(/,|$/g)].map(({ index }) => index)
      const end = ends.find(end => known.has(rest.slice(0, end)))
      if (end === undefined) return [...names, rest]
      names.push(rest.slice(0, end))
      rest = rest.slice(end + 1)
    }
    return names
  }
  law(
    'rest: with the known groups, any list comes back as the same set or is rejected, never as another',
    shortestFirst,
    parse =>
      fc.property(fc.oneof(groupLists, collidingLists), collidingLists, (groups, others) => {
        sameOrRefused(parse, 'rest', groups, new Set([...others, ...groups]))
      }),
  )

  /** Every way to join neighbouring parts: 2^(parts-1) of them. */
  function readings(text: string, known: ReadonlySet<string>): string[][] {
    const [first = '', ...rest] = text.split(',')
    let lists: string[][] = [[first]]
    for (const part of rest)
      lists = lists.flatMap(list => [
        [...list, part],
        [...list.slice(0, -1), `${list.at(-1)!},${part}`],
      ])
    return lists.filter(list => list.every(name => known.has(name)))
  }

  test('rest: a list with a comma is rejected exactly when the known groups can be joined to it in no way or in several', () => {
    const seen = { none: 0, one: 0, several: 0 }
    const names = fc.string({ unit: fc.constantFrom('a', ',', 'b'), minLength: 1, maxLength: 3 })
    const pools = fc
      .tuple(fc.uniqueArray(names, { minLength: 2, maxLength: 4 }), fc.boolean())
      .map(([some, joined]) => (joined ? [...some, `${some[0]},${some[1]}`] : some))
    const cases = pools.chain(known =>
      fc.tuple(
        fc.array(fc.oneof({ arbitrary: fc.constantFrom(...known), weight: 4 }, { arbitrary: names, weight: 1 }), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.constant(known),
      ),
    )
    fc.assert(
      fc.property(cases, ([list, known]) => {
        const text = list.join(',')
        fc.pre(text.includes(',') && text.split(',').length <= 10)
        const expected = readings(text, new Set(known))
        seen[expected.length === 0 ? 'none' : expected.length === 1 ? 'one' : 'several']++
        if (expected.length === 1)
          expect(parseGroupsClaim(text, { transport: 'rest', knownGroups: known })).toEqual([...new Set(expected[0])])
        else {
          const { message } = errorOf(() => parseGroupsClaim(text, { transport: 'rest', knownGroups: known }))
          expect(message).toContain(expected.length === 0 ? 'cannot be read' : 'in several ways')
        }
      }),
      { seed: 1, numRuns: 3000 },
    )
    for (const [outcome, count] of Object.entries(seen)) expect(count, outcome).toBeGreaterThan(100)
  })

  // The characters of https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateGroup.html
  const section = fc
    .array(fc.constantFrom('a', 'Z', '9', '_', '+', '=', '/', ',', '.', '@', '-', ',arn', 'role/', 'iam', 'aws'), {
      minLength: 1,
      maxLength: 5,
    })
    .map(parts => parts.join(''))
  const arns = fc
    .tuple(
      fc.constantFrom('aws', 'aws-cn', 'aws-us-gov'),
      fc.constantFrom('1', '111122223333'),
      fc.array(section, { minLength: 1, maxLength: 3 }),
    )
    .map(([partition, account, sections]) => `arn:${partition}:iam::${account}:role/${sections.join(':')}`)
  const arnLists = fc.uniqueArray(arns, { maxLength: 5 })
  const rolesLaw = (parse: (claims: IncomingClaims, options: ClaimsOptions) => RoleClaims) =>
    fc.property(arnLists, fc.constantFrom(...TRANSPORTS), (roles, transport) => {
      const claims = { token_use: 'access', 'cognito:roles': SERIALISERS[transport](roles) }
      const colons = roles.some(role => role.split(':').length > 6)
      try {
        expect(parse(claims, { transport })).toStrictEqual(roles.length === 0 ? {} : { 'cognito:roles': roles })
      } catch (error) {
        if (!isRolecastError(error)) throw error
        const joined = roles.length > 1 && roles.slice(0, -1).every(role => role.endsWith(','))
        expect(
          [transport, transport === 'rest' ? colons : joined],
          'only what has more colons than a role should, or looks joined by commas, is refused',
        ).toEqual([transport === 'rest' ? 'rest' : 'http', true])
      }
    })

  test('any list of roles comes back in every transport, or is rejected', () => {
    fc.assert(rolesLaw(parseRoleClaims), { numRuns: 2000 })
  })

  test.each<[string, (text: string) => string[]]>([
    ['a comma', text => text.split(',')],
    ['the next ARN with no look at the pieces', text => text.split(/,(?=arn:)/)],
  ])('control: splitting roles at %s is caught', (_, split) => {
    const wrong = (claims: IncomingClaims, options: ClaimsOptions) => {
      const roles = (claims as Record<string, unknown>)['cognito:roles']
      return options.transport === 'rest' && typeof roles === 'string' && roles !== ''
        ? { 'cognito:roles': split(roles) }
        : parseRoleClaims(claims, options)
    }
    expect(fc.check(rolesLaw(wrong), { seed: 1, numRuns: 5000, endOnFailure: true }).failed).toBe(true)
  })

  test('for every input, a result has legal shapes and a rejection is a rolecast error', () => {
    const options = fc.record({
      transport: fc.constantFrom(...TRANSPORTS),
      knownGroups: fc.option(collidingLists, { nil: undefined }),
    })
    const values = fc.oneof(fc.anything(), fc.string(), fc.array(fc.string()), nastyNames)
    const claims = fc.record(
      {
        token_use: fc.constant('access'),
        'cognito:groups': values,
        'cognito:roles': values,
        'cognito:preferred_role': values,
      },
      { requiredKeys: ['token_use'] },
    )
    fc.assert(
      fc.property(fc.oneof(claims, fc.anything()), options, (claims, options) => {
        try {
          for (const [key, value] of Object.entries(parseRoleClaims(claims as IncomingClaims, options))) {
            if (key === 'cognito:preferred_role') expect(value).toBeTypeOf('string')
            else expect(Array.isArray(value) && value.every(one => typeof one === 'string' && one !== '')).toBe(true)
            expect(value).not.toHaveLength(0)
          }
        } catch (error) {
          if (!isRolecastError(error)) throw error
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('what is rejected', () => {
  const wrongLists: [Transport, unknown[]][] = [
    [
      'jwt',
      [
        'a',
        '',
        '[a]',
        null,
        7,
        true,
        {},
        { length: 0 },
        new Set(['a']),
        [7],
        ['a', null],
        [['a']],
        [''],
        ['a', undefined],
        Array(1),
      ],
    ],
    ['appsync', ['a', '', 7, {}, [null]]],
    ['alb', ['a', '', null, 7, {}, [null], 'eyJhbGciOiJSUzI1NiJ9.e30.x']],
    ['array', ['a', '', null, 7, {}, [null]]],
    ['rest', [['a'], [], null, 7, {}, '[a b]', 'a b', 'a\n', '\u0000', 'x'.repeat(129), Object('a')]],
    [
      'http',
      [
        ['a'],
        [],
        null,
        7,
        {},
        '',
        'a',
        'a,b',
        '[a',
        'a]',
        '[',
        ']',
        '[a b',
        '[a  b]',
        '[ ]',
        '[ a]',
        '[a ]',
        '[a\tb]',
        '[a\nb]',
        ' [a]',
        '[a] ',
        `[${'x'.repeat(129)}]`,
      ],
    ],
  ]
  test.each(wrongLists.flatMap(([transport, values]) => values.map(value => [transport, value] as const)))(
    '%s: %j is not a list of groups in that transport',
    (transport, value) => {
      const error = errorOf(() => parseGroupsClaim(value, { transport }))
      expect(error).toMatchObject({ code: 'invalid-claim', retryable: false })
      expect(error.value).toBe(value)
      expect(() => parseRoleClaims({ token_use: 'access', 'cognito:groups': value }, { transport })).toThrow(
        error.message,
      )
    },
  )

  test.each<[Transport, unknown]>([
    ['jwt', A],
    ['jwt', [7]],
    ['rest', [A]],
    ['http', A],
    ['http', `[${A},${B} x]`],
    ['http', '[Alpha]'],
    ['http', `[${A}  ${B}]`],
    ['http', `[${A}\t${B}]`],
    ['appsync', A],
    ['alb', A],
    ['array', A],
  ])('%s: %j is not a list of roles in that transport', (transport, roles) => {
    const error = errorOf(() => parseRoleClaims({ token_use: 'access', 'cognito:roles': roles }, { transport }))
    expect(error).toMatchObject({ code: 'invalid-claim' })
    expect(error.value).toBe(roles)
  })

  test.each(
    TRANSPORTS.flatMap(transport =>
      [7, [A], {}, false, ...(transport === 'rest' ? [] : ['']), ...(transport === 'appsync' ? [] : [null])].map(
        value => [transport, value] as const,
      ),
    ),
  )('%s: %j is not a preferred role', (transport, value) => {
    const error = errorOf(() =>
      parseRoleClaims({ token_use: 'access', 'cognito:preferred_role': value }, { transport }),
    )
    expect(error).toMatchObject({ code: 'invalid-claim' })
    expect(error.message).toMatch(
      /^the claim `cognito:preferred_role` is .+, but the claim is a string in every transport; name the transport that the claims came by$/u,
    )
    expect(error.value).toBe(value)
  })

  test('null means none only in AppSync', () => {
    const nothing = { 'cognito:groups': null, 'cognito:roles': null, 'cognito:preferred_role': null }
    expect(parseRoleClaims(nothing, { transport: 'appsync' })).toStrictEqual({})
    for (const transport of TRANSPORTS.filter(transport => transport !== 'appsync')) {
      expect(errorOf(() => parseRoleClaims({ ...nothing, token_use: 'access' }, { transport })).code).toBe(
        'invalid-claim',
      )
    }
  })

  describe('one level too high', () => {
    const claims = { sub: 'x', token_use: 'access', iss: 'https://example.com/p', 'cognito:groups': ['admins'] }
    class Holder {
      readonly #claims = claims
      get 'cognito:groups'() {
        return this.#claims['cognito:groups']
      }
    }
    const enclosing: [string, object][] = [
      ['{ claims }', { claims }],
      ['{ jwt: { claims } }', { jwt: { claims, scopes: null } }],
      ['an event', { version: '2.0', headers: {}, requestContext: { authorizer: { claims } } }],
      ["AppSync's identity", { sub: 'x', issuer: claims.iss, username: 'x', claims, sourceIp: [], groups: ['admins'] }],
      ['{ payload }', { payload: claims }],
      ['{ payload, protectedHeader } of jose', { payload: claims, protectedHeader: { alg: 'RS256' } }],
      ['a decoded token', { header: { alg: 'RS256' }, payload: claims, signature: 'x' }],
      ['a session of Amplify', { tokens: { idToken: { payload: claims } }, userSub: 'x' }],
      ['a Map', new Map(Object.entries(claims))],
      ['a promise', Promise.resolve(claims)],
      ['a class with nothing of its own', new Holder()],
      ['nothing', {}],
      ['{ sub, payload }', { sub: 'x', payload: claims }],
      ['{ payload, iat }', { payload: {}, iat: 1 }],
      ['{ iss, jwt: { claims } }', { iss: claims.iss, jwt: { claims } }],
      ['a session with a user', { sub: 'x', user: {} }],
      ['a session of tokens', { sub: 'x', iat: 1, tokens: { idToken: { payload: claims } } }],
    ]
    test.each(enclosing)('%s is rejected, and not read as a user in no group', (_, enclosed) => {
      for (const transport of TRANSPORTS) {
        const error = errorOf(() => parseRoleClaims(enclosed as IncomingClaims, { transport }))
        expect(error).toMatchObject({ code: 'invalid-claim', value: enclosed })
        expect(error.message).toContain('give the claims themselves, not the object around them')
      }
    })

    test('control: the claims in it are read, also where they have a claim of such a name', () => {
      for (const more of [{}, { claims: {} }, { payload: { sub: 'x' } }, { jwt: { claims } }])
        expect(parseRoleClaims({ ...claims, ...more }, { transport: 'jwt' })).toEqual({ 'cognito:groups': ['admins'] })
      expect(parseRoleClaims(Object.assign(new Holder(), { sub: 'x' }), { transport: 'jwt' })).toEqual({})
    })
  })

  describe('the form of another transport', () => {
    const text = (claim: 'cognito:groups' | 'cognito:roles' | 'cognito:preferred_role', transport: Transport) => ({
      of: (value: unknown, knownGroups?: readonly string[]) =>
        parseRoleClaims({ token_use: 'access', [claim]: value }, { transport, knownGroups }),
    })
    test.each<[Transport, string, readonly string[]]>([
      ['rest', '[a]', ['[a]']],
      ['rest', '["a"]', ['["a"]']],
      ['rest', '[a,b]', ['[a,b]']],
      ['rest', '["a","b"]', ['["a"', '"b"]']],
      ['http', '["a"]', ['"a"']],
      ['http', '["a","b"]', ['"a","b"']],
      ['http', '["a", "b"]', ['"a",', '"b"']],
      ['http', '[a, b]', ['a,', 'b']],
      ['http', '[a, b, c]', ['a,', 'b,', 'c']],
    ])('%s: %s is rejected, unless there are groups of such names', (transport, value, names) => {
      const groups = text('cognito:groups', transport)
      expect(errorOf(() => groups.of(value))).toMatchObject({ code: 'ambiguous-claim', value })
      expect(errorOf(() => groups.of(value, ['a', 'b', 'c'])).code).toBe('ambiguous-claim')
      expect(groups.of(value, [...names, 'a', 'b'])).toEqual({ 'cognito:groups': names })
    })

    test.each(['[1]', '[null]', '[true]', '[[a]]', '[a,b]', '["a]', '[a"]', '[{}]'])(
      'http: %s is a list of one unusual name',
      value => {
        expect(text('cognito:groups', 'http').of(value)).toEqual({ 'cognito:groups': [value.slice(1, -1)] })
      },
    )

    test.each([`[${A}, ${B}]`, `[${A},${B}]`, `["${A}"]`, `["${A}","${B}"]`])(
      'http: %s is not a list of roles',
      value => {
        expect(errorOf(() => text('cognito:roles', 'http').of(value))).toMatchObject({ code: 'invalid-claim', value })
      },
    )

    test.each([`[${A}]`, `["${A}"]`, `"${A}"`, ` [${A}]`, '{}'])(
      '%s is not a preferred role in any transport',
      value => {
        for (const transport of TRANSPORTS) {
          expect(errorOf(() => text('cognito:preferred_role', transport).of(value))).toMatchObject({
            code: 'invalid-claim',
            value,
          })
        }
      },
    )

    test('what is not noticed: a name in an array is taken as it is', () => {
      for (const name of ['[a b]', 'a,b', '["a"]'])
        expect(text('cognito:groups', 'jwt').of([name])).toEqual({ 'cognito:groups': [name] })
    })
  })

  test.each([[undefined], [null], ['eyJhbGciOiJSUzI1NiJ9.e30.x'], [7], [[]], [[{ 'cognito:groups': ['a'] }]]])(
    '%j are no claims',
    claims => {
      for (const transport of TRANSPORTS) {
        const error = errorOf(() => parseRoleClaims(claims as unknown as IncomingClaims, { transport }))
        // A text is a token, more often than not.
        const isText = typeof claims === 'string'
        expect(error).toMatchObject({ code: 'invalid-claim', ...(!isText && { value: claims }) })
        if (isText) expect(inspect(error)).not.toContain(claims.slice(0, 10) || 'value')
        expect(error.message).toMatch(/^the claims are .+; verify the token, and give its claims as an object$/)
      }
    },
  )

  test.each([[undefined], [null], [''], ['JWT'], ['toString'], [['jwt']], [Symbol('jwt')]])(
    'the transport %s is rejected, even for nothing',
    transport => {
      for (const run of [
        () => parseGroupsClaim(undefined, { transport } as never),
        () => parseRoleClaims({}, { transport } as never),
      ]) {
        expect(errorOf(run)).toMatchObject({ code: 'invalid-option', value: transport })
        expect(errorOf(run).message).toMatch(/^unknown transport .+; use one of jwt, rest, http, appsync, alb, array$/)
      }
    },
  )

  test('the transport is never guessed', () => {
    expect(errorOf(() => parseGroupsClaim(['a'], undefined as never)).code).toBe('invalid-option')
    expect(errorOf(() => parseGroupsClaim(['a'], {} as never)).code).toBe('invalid-option')
  })

  test.each(['a,b', null, 7, {}, () => ['a']])('the known groups %s are rejected', knownGroups => {
    for (const transport of TRANSPORTS) {
      const error = errorOf(() => parseGroupsClaim(undefined, { transport, knownGroups } as never))
      expect(error).toMatchObject({ code: 'invalid-option', value: knownGroups })
      expect(error.message).toMatch(/^`knownGroups` is .+; give a Set of the pool's group names, or leave it out$/)
    }
  })

  test.each<[Transport, unknown, string]>([
    ['jwt', '[a]', 'is `[a]`, but the claim is an array of non-empty strings in a token'],
    ['rest', ['a'], 'is an array, but the claim is a string behind a Cognito authorizer of a REST API: `a,b`'],
    ['http', ['a'], 'is an array, but the claim is a string behind a JWT authorizer of an HTTP API: `[a b]`'],
    ['appsync', 'a', 'is `a`, but the claim is an array of non-empty strings, or null, in AppSync'],
    ['alb', null, 'is `null`, but the claim is an array of non-empty strings in a token'],
    ['array', {}, 'is an object, but the claim is an array of non-empty strings'],
  ])('%s: the message says what the transport would send', (transport, value, problem) => {
    const next = 'name the transport that the claims came by'
    expect(errorOf(() => parseGroupsClaim(value, { transport })).message).toBe(
      `the claim \`cognito:groups\` ${problem}; ${next}`,
    )
    expect(errorOf(() => parseRoleClaims({ token_use: 'access', 'cognito:roles': value }, { transport })).message).toBe(
      `the claim \`cognito:roles\` ${problem}; ${next}`,
    )
  })
})

describe('types', () => {
  // The shapes of awslabs/aws-jwt-verify's src/jwt-model.ts; both role claims are typed as required there, which they are not.
  type Json = null | string | number | boolean | Json[] | JsonObject
  type JsonObject = { [name: string]: Json }
  interface JwtPayloadStandardFields {
    exp?: number
    iss?: string
    aud?: string | string[]
    iat?: number
    scope?: string
  }
  type JwtPayload = JwtPayloadStandardFields & JsonObject
  interface CognitoJwtFields {
    token_use: 'access' | 'id'
    'cognito:groups'?: string[]
    sub: string
    iss: string
    exp: number
    iat: number
    auth_time: number
    jti: string
    origin_jti: string
  }
  type CognitoJwtPayload = CognitoJwtFields & JsonObject
  interface CognitoIdTokenFields extends CognitoJwtFields {
    token_use: 'id'
    aud: string
    'cognito:username': string
    email_verified: boolean
    'cognito:roles': string[]
    'cognito:preferred_role': string
  }
  type CognitoIdTokenPayload = CognitoIdTokenFields & JsonObject
  interface CognitoAccessTokenFields extends CognitoJwtFields {
    token_use: 'access'
    client_id: string
    version: number
    username: string
    scope: string
  }
  type CognitoAccessTokenPayload = CognitoAccessTokenFields & JsonObject
  /** As in jose. */
  interface JWTPayload {
    iss?: string
    sub?: string
    iat?: number
    [claim: string]: unknown
  }
  /** As in @types/aws-lambda. */
  type HttpClaims = { [name: string]: string | number | boolean | string[] }
  interface AppSyncIdentityCognito {
    sub: string
    issuer: string
    username: string
    claims: any
    sourceIp: string[]
    groups: string[] | null
  }

  test("the payloads of aws-jwt-verify and jose, and an event's claims, fit without a cast", () => {
    expectTypeOf<CognitoAccessTokenPayload>().toExtend<IncomingClaims>()
    expectTypeOf<CognitoIdTokenPayload>().toExtend<IncomingClaims>()
    expectTypeOf<CognitoJwtPayload>().toExtend<IncomingClaims>()
    expectTypeOf<JwtPayload>().toExtend<IncomingClaims>()
    expectTypeOf<JsonObject>().toExtend<IncomingClaims>()
    expectTypeOf<JWTPayload>().toExtend<IncomingClaims>()
    expectTypeOf<HttpClaims>().toExtend<IncomingClaims>()
    expectTypeOf<AppSyncIdentityCognito['claims']>().toExtend<IncomingClaims>()
    expectTypeOf<RoleClaims>().toExtend<IncomingClaims>()
    const call = (payload: CognitoAccessTokenPayload | CognitoIdTokenPayload | Readonly<CognitoJwtPayload>) =>
      parseRoleClaims(payload, { transport: 'jwt' })
    expectTypeOf(call).returns.toEqualTypeOf<RoleClaims>()
  })

  test('such a payload, and what is parsed, can be compared without a cast', () => {
    const compare = (payload: CognitoAccessTokenPayload | CognitoIdTokenPayload) => [
      compareClaims(resolveRoles([]), payload),
      compareClaims(resolveRoles([]), {
        ...parseRoleClaims(payload, { transport: 'jwt' }),
        token_use: payload.token_use,
        iat: payload.iat,
      }),
    ]
    expectTypeOf(compare).toBeFunction()
  })

  test("AppSync's identity and a raw token do not fit", () => {
    // @ts-expect-error the claims are in identity.claims
    const ofIdentity = (identity: AppSyncIdentityCognito) => parseRoleClaims(identity, { transport: 'appsync' })
    expectTypeOf<AppSyncIdentityCognito>().not.toExtend<{ readonly [claim: string]: unknown }>()
    // @ts-expect-error a raw token has no claims before it is verified
    const ofToken = (token: string) => parseRoleClaims(token, { transport: 'jwt' })
    // @ts-expect-error the caller names the transport
    const ofNobody = () => parseRoleClaims({}, {})
    expectTypeOf([ofIdentity, ofToken, ofNobody]).toBeArray()
  })

  test('role claims stay optional', () => {
    const parsed = () => parseRoleClaims({}, { transport: 'jwt' })
    expectTypeOf<ReturnType<typeof parsed>['cognito:roles']>().toEqualTypeOf<readonly string[] | undefined>()
    expectTypeOf(parseGroupsClaim).returns.toEqualTypeOf<readonly string[]>()
    expectTypeOf<Transport>().toEqualTypeOf<'jwt' | 'rest' | 'http' | 'appsync' | 'alb' | 'array'>()
  })
})
