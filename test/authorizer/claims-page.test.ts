import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { createContext, runInContext } from 'node:vm'
import type { APIGatewayProxyEvent, APIGatewayProxyEventV2WithJWTAuthorizer, AppSyncIdentityCognito } from 'aws-lambda'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  type IncomingClaims,
  parseGroupsClaim,
  parseRoleClaims,
  type Transport,
  TRANSPORTS,
} from '../../src/authorizer/claims.js'
import { takeSnapshot } from '../../src/cognito/index.js'
import { isRolecastError } from '../../src/errors.js'
import { isGroupName } from '../../src/group.js'
import { compareClaims, resolveRoles } from '../../src/index.js'
import { fakePool } from '../models/source-model.js'

const PAGE = readFileSync(new URL('../../docs/claims.md', import.meta.url), 'utf8')

/** The expressions above a comment `// => value` whose value is another, or that fail. */
function wrongExamples(text: string): readonly string[] {
  const world = createContext({ parseGroupsClaim, parseRoleClaims, compareClaims, resolveRoles })
  return [...text.matchAll(/^```js\n([\s\S]*?)^```$/gm)].flatMap(([, block]) => {
    const examples = [...block!.matchAll(/((?:(?!\/\/ =>).*\n)+?)(\/\/ => .*\n(?:\/\/ .*\n)*)/g)]
    if (examples.length === 0) return [block!]
    return examples
      .filter(([, code, value]) => {
        try {
          const expected: unknown = runInContext(`(${value!.replace(/^\/\/ (?:=> )?/gm, '')})`, world)
          return !isDeepStrictEqual(structuredClone(runInContext(code!, world)), structuredClone(expected))
        } catch {
          return true
        }
      })
      .map(([, code]) => code!)
  })
}

/** The cells of a table, by the header of the column, of the section with this heading. */
function tableOf(text: string, heading: string): readonly (readonly string[])[] {
  const section = text.split(`\n## ${heading}\n`)[1]!.split('\n## ', 1)[0]!
  return section
    .split('\n')
    .filter(line => line.startsWith('| ') && !line.startsWith('| ---'))
    .map(line =>
      line
        .slice(2, -2)
        .split(' | ')
        .map(cell => cell.trim()),
    )
}

/** What the parser makes of a list in a form, in the table's words: ambiguous is what known groups make readable. */
function outcome(transport: Transport, form: unknown): string {
  const separator = transport === 'http' ? ' ' : ','
  const pieces =
    typeof form === 'string' ? form.replace(transport === 'http' ? /^\[|\]$/g : /^$/, '').split(separator) : []
  const knownGroups = new Set(pieces.filter(isGroupName))
  if (isRead(transport, form))
    return Array.isArray(form) ? 'its elements' : `\`${parseGroupsClaim(form, { transport }).join()}\``
  return isRead(transport, form, knownGroups) ? 'ambiguous' : 'rejected'
}

function isRead(transport: Transport, form: unknown, knownGroups?: ReadonlySet<string>): boolean {
  try {
    return parseGroupsClaim(form, { transport, knownGroups }).length > 0
  } catch (error) {
    if (isRolecastError(error)) return false
    throw error
  }
}

const transportsIn = (cell: string) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name as Transport)

/** The cells of the table of forms that say something else than the parser does. */
function wrongForms(text: string): readonly string[] {
  const [header, ...rows] = tableOf(text, 'What is rejected')
  const forms = header!.slice(1).map(cell => (cell === 'an array' ? ['a', 'b'] : cell.replaceAll('`', '')))
  return rows.flatMap(([by, ...cells]) =>
    transportsIn(by!).flatMap(transport =>
      cells.flatMap((cell, index) =>
        outcome(transport, forms[index]) === cell ? [] : [`${transport} ${header![index + 1]}: ${cell}`],
      ),
    ),
  )
}

describe('docs/claims.md', () => {
  test('gives for every example the value it has', () => {
    expect(wrongExamples(PAGE)).toEqual([])
    expect(PAGE.match(/^\/\/ => /gm)!.length).toBeGreaterThan(7)
  })

  test.each([
    ['a wrong value', "```js\nparseGroupsClaim('a', { transport: 'rest' })\n// => ['b']\n```\n"],
    ['a failure', "```js\nparseGroupsClaim('a,b', { transport: 'rest' })\n// => ['a', 'b']\n```\n"],
    ['an example without a value', "```js\nparseGroupsClaim('a', { transport: 'rest' })\n```\n"],
  ])('control: %s is noticed', (_, planted) => {
    expect(wrongExamples(planted)).toHaveLength(1)
  })

  test('has a row for every transport', () => {
    const named = tableOf(PAGE, 'Read the claims of each transport')
      .slice(1)
      .flatMap(([cell]) => transportsIn(cell!))
    expect([...new Set(named)].toSorted()).toEqual(TRANSPORTS.toSorted())
  })

  test('says of every form what the parser makes of it', () => {
    expect(wrongForms(PAGE)).toEqual([])
    const rows = tableOf(PAGE, 'What is rejected').slice(1)
    expect(rows.flatMap(([by]) => transportsIn(by!)).toSorted()).toEqual(TRANSPORTS.toSorted())
  })

  test.each([
    ['| `rest` | ambiguous |', '| `rest` | `a` |', 'rest'],
    ['| `http` | `a` |', '| `http` | rejected |', 'http'],
    ['| rejected | its elements |', '| `a,b` | its elements |', 'jwt'],
  ])('control: a wrong cell is noticed: %s', (right, wrong, transport) => {
    expect(PAGE).toContain(right)
    expect(wrongForms(PAGE.replace(right, wrong))[0]).toContain(transport)
  })

  test('names an existing transport for each local server, or says why there is none', () => {
    const rows = tableOf(PAGE, 'Use a local development server').slice(1)
    expect(rows.length).toBeGreaterThan(7)
    for (const [server, , cell] of rows) {
      const named = transportsIn(cell!).filter(name => !TRANSPORTS.includes(name))
      expect(named, server).toEqual([])
    }
  })
})

describe('the known groups', () => {
  const named = (names: readonly string[]) => new Set(names)

  test('a group that is missing is rejected: no user gains one', () => {
    expect(() =>
      parseGroupsClaim('admins,new', { transport: 'rest', knownGroups: named(['admins', 'users']) }),
    ).toThrow('update them')
  })

  test('but a missing name with a comma, whose pieces are there, is read as those', () => {
    const read = (...names: readonly string[]) =>
      parseGroupsClaim('a,b', { transport: 'rest', knownGroups: named(names) })
    expect(read('a', 'b')).toEqual(['a', 'b'])
    expect(read('a,b')).toEqual(['a,b'])
    // With all of them it is not decided.
    expect(() => read('a', 'b', 'a,b')).toThrow('in several ways')
  })

  test('a snapshot has them all, those of identity providers included', async () => {
    const pool = fakePool()
    for (const name of ['admins', 'eu,users', 'eu-west-1_Ab12Cd34e_Google'])
      pool.groups.set(name, { precedence: null, roleArn: null })
    const snapshot = await takeSnapshot({ userPoolId: 'eu-west-1_Ab12Cd34e', client: pool })
    const knownGroups = new Set(snapshot.Groups.map(({ GroupName }) => GroupName))
    expect(parseGroupsClaim('eu,users,eu-west-1_Ab12Cd34e_Google', { transport: 'rest', knownGroups })).toEqual([
      'eu,users',
      'eu-west-1_Ab12Cd34e_Google',
    ])
  })
})

test('the claims of the events of @types/aws-lambda fit without a cast', () => {
  type OfRest = NonNullable<APIGatewayProxyEvent['requestContext']['authorizer']>['claims']
  expectTypeOf<OfRest>().toExtend<IncomingClaims>()
  expectTypeOf<
    APIGatewayProxyEventV2WithJWTAuthorizer['requestContext']['authorizer']['jwt']['claims']
  >().toExtend<IncomingClaims>()
  expectTypeOf<AppSyncIdentityCognito['claims']>().toExtend<IncomingClaims>()
  expectTypeOf<AppSyncIdentityCognito['groups']>().toExtend<Parameters<typeof parseGroupsClaim>[0]>()
  // Control: what is no claims does not.
  expectTypeOf<string>().not.toExtend<IncomingClaims>()
})
