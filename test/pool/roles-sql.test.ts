import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readCalibration } from '../../src/claims/calibration.js'
import type { SemanticsChoice } from '../../src/claims/choose-semantics.js'
import { SEMANTICS } from '../../src/claims/decide.js'
import {
  compilePool,
  NO_ROLE,
  OUTCOMES,
  rolesSql,
  type RolesSqlOptions,
  SQL_DIALECTS,
  type SqlDialect,
} from '../../src/index.js'
import { groupNames, pools } from '../arbitraries.js'
import { calibrationOf, TRUTHS } from '../calibrations.js'
import type { Group } from '../../src/group.js'
import { errorOf } from '../failure-of.js'
import { poolsOf } from '../small-pools.js'
import {
  difference,
  expectedRows,
  type Layout,
  LAYOUT,
  type PoolTables,
  rowsByUser,
  tablesOf,
} from './roles-sql-model.js'
import { openDuckDb, postgresPrograms, type Row, type SqlDatabase, startPostgres } from './sql-databases.js'

const A = 'arn:aws:iam::111122223333:role/Alpha'
const B = 'arn:aws:iam::111122223333:role/Beta'

const CHOICES: readonly SemanticsChoice[] = [
  ...SEMANTICS.map(semantics => ({ semantics })),
  ...TRUTHS.map(truth => ({ calibration: readCalibration(calibrationOf(truth)) })),
]

const OF_MANY = { userPoolId: 'user_pool_id' }

const kindOf = ({ precedence, roleArn }: Group) => `${precedence ?? '-'} ${roleArn ?? '-'}`

/** Every pool of up to so many groups, in whatever order, each with one user who is in all of them. */
function smallPools(size: number): PoolTables {
  const all = Array.from({ length: size }, (_, index) => [...poolsOf(index + 1)])
    .flat()
    .filter(groups => groups.every((group, index) => index === 0 || kindOf(groups[index - 1]!) <= kindOf(group)))
  return {
    groups: all.flatMap((groups, pool) => groups.map(group => ({ pool: `p${pool}`, group }))),
    memberships: all.flatMap((groups, pool) =>
      groups.map(({ groupName }) => ({ pool: `p${pool}`, username: 'ann', groupName })),
    ),
  }
}

/** What differs in an answer, by reading: nothing, where all is well. */
async function differences(
  database: SqlDatabase,
  tables: PoolTables,
  {
    layout = LAYOUT,
    names = { columns: OF_MANY },
    choices = CHOICES,
    change = sql => sql,
  }: {
    readonly layout?: Layout
    readonly names?: Pick<RolesSqlOptions, 'tables' | 'columns'>
    readonly choices?: readonly SemanticsChoice[]
    readonly change?: (sql: string) => string
  } = {},
): Promise<readonly string[]> {
  const queries = choices.map(choice =>
    change(
      rolesSql({
        ...names,
        ...choice,
        tables: { ...names.tables, users: tables.users === undefined ? undefined : (names.tables?.users ?? 'users') },
      }),
    ),
  )
  const answers = await database.ask(tablesOf(tables, layout), queries)
  return choices.flatMap((choice, index) => {
    try {
      return (
        difference(
          rowsByUser(answers[index]!, layout.userPoolId === undefined ? POOL : null),
          expectedRows(tables, choice),
        ) ?? []
      )
    } catch (error) {
      return String(error)
    }
  })
}

const POOL = 'eu-west-1_Ab12Cd34e'

// ------------------------------------------------------------------ random pools

/** Any text that PostgreSQL can hold. */
const texts = fc.oneof(
  groupNames,
  fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }).map(text => text.replaceAll('\0', '0')),
  fc.constantFrom(
    "o'brien",
    '"',
    '\\',
    '\t',
    '\n',
    '\\.',
    '\\N',
    'NULL',
    '$$',
    '--',
    'ann',
    'Ann',
    'ANN',
    ' ann',
    'ann ',
  ),
)

/** One pool: its groups, users who are in some of them and in groups that are not there, some of them twice. */
const poolTables = (pool: string) =>
  fc
    .record({
      groups: pools,
      users: fc.uniqueArray(fc.record({ username: texts, picks: fc.array(fc.nat({ max: 9 }), { maxLength: 9 }) }), {
        selector: ({ username }) => username,
        maxLength: 4,
      }),
      others: fc.array(texts, { minLength: 3, maxLength: 3 }),
      listed: fc.array(texts, { maxLength: 3 }),
    })
    .map(({ groups, users, others, listed }): PoolTables => ({
      groups: groups.map(group => ({ pool, group })),
      memberships: users.flatMap(({ username, picks }) =>
        picks.map(pick => ({ pool, username, groupName: groups[pick]?.groupName ?? others[pick % 3]! })),
      ),
      users: [...users.map(({ username }) => username), ...listed].map(username => ({ pool, username })),
    }))

const manyPools = (count: number): fc.Arbitrary<PoolTables> =>
  fc.tuple(...Array.from({ length: count }, (_, index) => poolTables(`eu-west-1_${index}`)), fc.boolean()).map(all => {
    const some = all.slice(0, -1) as PoolTables[]
    return {
      groups: some.flatMap(({ groups }) => groups),
      memberships: some.flatMap(({ memberships }) => memberships),
      users: all.at(-1) === true ? some.flatMap(({ users }) => users!) : undefined,
    }
  })

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`

/** Names of tables and columns: PostgreSQL cuts them after 63 bytes, and DuckDB takes `A` for `a` in them. */
const layouts = fc
  .uniqueArray(
    fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }),
      fc.constantFrom('select', 'a"b', "a'b", 'a.b', ';--'),
    ),
    {
      minLength: 9,
      maxLength: 9,
      selector: name => name.toLowerCase(),
    },
  )
  .filter(names => names.every(name => !/\p{Cc}/u.test(name) && Buffer.byteLength(name) < 60 && name.trim() !== ''))
  .map(([groups, memberships, users, userPoolId, name, precedence, roleArn, username, groupName]) => ({
    names: {
      tables: { groups: groups!, memberships: memberships!, users: users! },
      columns: {
        userPoolId: userPoolId!,
        name: name!,
        precedence: precedence!,
        roleArn: roleArn!,
        username: username!,
        groupName: groupName!,
      },
    },
    layout: {
      ...LAYOUT,
      groups: quoted(groups!),
      memberships: quoted(memberships!),
      users: quoted(users!),
      userPoolId: quoted(userPoolId!),
      name: quoted(name!),
      precedence: quoted(precedence!),
      roleArn: quoted(roleArn!),
      username: quoted(username!),
      groupName: quoted(groupName!),
    },
  }))

// ------------------------------------------------------------------ values that cannot be used

/** Everyone is in `fine`, and in one group that the query has to say something about. */
const UNUSABLE: PoolTables = (() => {
  const rows: PoolTables['groups'][number]['group'][] = [
    { groupName: 'fine', precedence: 0, roleArn: A },
    { groupName: 'twice the same', precedence: 5, roleArn: B },
    { groupName: 'twice the same', precedence: 5, roleArn: B },
    { groupName: 'twice', precedence: 5, roleArn: B },
    { groupName: 'twice', precedence: null, roleArn: B },
    { groupName: 'three times', precedence: null, roleArn: null },
    { groupName: 'three times', precedence: null, roleArn: '' },
    { groupName: 'three times', precedence: 1, roleArn: A },
    { groupName: 'negative', precedence: -1, roleArn: A },
    { groupName: 'half', precedence: 1.5, roleArn: A },
    { groupName: 'not a number', precedence: NaN, roleArn: A },
    { groupName: 'infinite', precedence: Infinity, roleArn: A },
    { groupName: 'just too high', precedence: 2 ** 31, roleArn: A },
    { groupName: 'highest', precedence: 2 ** 31 - 1, roleArn: A },
    { groupName: 'lowest', precedence: 0, roleArn: A },
    { groupName: 'empty role', precedence: 0, roleArn: '' },
    { groupName: '', precedence: 3, roleArn: A },
    { groupName: null, precedence: 3, roleArn: A },
  ]
  const names = [...new Set([...rows.map(({ groupName }) => groupName), 'Fine', 'not there', null])]
  return {
    groups: rows.map(group => ({ pool: POOL, group })),
    memberships: [
      ...names.flatMap(groupName => [
        { pool: POOL, username: `in ${groupName}`, groupName },
        { pool: POOL, username: `also in ${groupName}`, groupName },
        { pool: POOL, username: `also in ${groupName}`, groupName: 'fine' },
        { pool: POOL, username: `also in ${groupName}`, groupName },
      ]),
      { pool: POOL, username: null, groupName: 'fine' },
      { pool: POOL, username: '', groupName: 'fine' },
      { pool: POOL, username: 'ann', groupName: null },
      { pool: POOL, username: 'ann', groupName: null },
      { pool: POOL, username: 'ann', groupName: 'not there' },
    ],
  }
})()

/** The same of no pool, and beside another pool that has a group of that name. */
const OF_POOLS: PoolTables = {
  groups: [
    { pool: POOL, group: { groupName: 'admins', precedence: 0, roleArn: A } },
    { pool: 'eu-west-1_Other', group: { groupName: 'admins', precedence: 0, roleArn: B } },
    { pool: null, group: { groupName: 'admins', precedence: 0, roleArn: B } },
  ],
  memberships: [POOL, 'eu-west-1_Other', 'eu-west-1_Third', null].map(pool => ({
    pool,
    username: 'ann',
    groupName: 'admins',
  })),
}

/** Two of each that a collation may take for one. */
const CASES: PoolTables = {
  groups: [
    { pool: 'p', group: { groupName: 'admin', precedence: 0, roleArn: A } },
    { pool: 'p', group: { groupName: 'ADMIN', precedence: 1, roleArn: B } },
    { pool: 'p', group: { groupName: 'tied', precedence: 7, roleArn: A } },
    { pool: 'p', group: { groupName: 'Tied', precedence: 7, roleArn: A.toUpperCase() } },
    { pool: 'P', group: { groupName: 'admin', precedence: 0, roleArn: B } },
  ],
  memberships: [
    { pool: 'p', username: 'ann', groupName: 'admin' },
    { pool: 'p', username: 'Ann', groupName: 'ADMIN' },
    { pool: 'p', username: 'bob', groupName: 'Admin' },
    { pool: 'p', username: 'eve', groupName: 'tied' },
    { pool: 'p', username: 'eve', groupName: 'Tied' },
    { pool: 'P', username: 'ann', groupName: 'admin' },
  ],
}

const databases: Record<string, () => Promise<SqlDatabase>> = { DuckDB: openDuckDb, PostgreSQL: startPostgres }
const isCI = process.env['CI'] !== undefined
const isMissing = postgresPrograms() === undefined

describe.each(Object.keys(databases))('in %s', name => {
  const skipped = name === 'PostgreSQL' && isMissing && !isCI
  const run = skipped ? test.skip : test
  if (skipped) test.skip('PostgreSQL is not installed: apt-get install postgresql', () => {})

  let database: SqlDatabase
  beforeAll(async () => {
    if (!skipped) database = await databases[name]!()
  })
  afterAll(() => database?.stop())

  run('every pool of up to four groups is answered as resolveRoles answers it, in every reading', async () => {
    const tables = smallPools(4)
    expect(new Set(tables.memberships.map(({ pool }) => pool)).size).toBe(16 + 136 + 816 + 3876)
    expect(await differences(database, tables)).toEqual([])
  })

  run('random pools with hostile names are answered as resolveRoles answers them, in every reading', () =>
    fc.assert(
      fc.asyncProperty(manyPools(30), layouts, async (tables, given) => {
        expect(await differences(database, tables, given)).toEqual([])
      }),
      // The first failure says which user it is of.
      { numRuns: 15, endOnFailure: true },
    ),
  )

  run('so is one pool, in tables that do not say which', () =>
    fc.assert(
      fc.asyncProperty(poolTables(POOL), fc.boolean(), async (tables, hasUsers) => {
        const one = hasUsers ? tables : { ...tables, users: undefined }
        const layout = { ...LAYOUT, userPoolId: undefined }
        expect(await differences(database, one, { layout, names: {} })).toEqual([])
      }),
      { numRuns: 15 },
    ),
  )

  run.each([
    ['groups that cannot be used, and rows without a username or a group', UNUSABLE],
    ['rows without a pool, and one name in two pools', OF_POOLS],
    [
      'a users table with the same',
      {
        ...OF_POOLS,
        users: [...OF_POOLS.memberships, { pool: POOL, username: null }, { pool: POOL, username: 'bob' }],
      },
    ],
  ])('%s: what is not known is said', async (_, tables) => {
    expect(await differences(database, tables, { layout: { ...LAYOUT, number: 'double precision' } })).toEqual([])
  })

  run('names are compared by code point, though the columns are compared without regard to case', async () => {
    const layout = { ...LAYOUT, text: `varchar ${database.ignoringCase}` }
    const tables = { ...CASES, users: CASES.memberships }
    expect(await differences(database, tables, { layout })).toEqual([])
    const uncollated = (sql: string) => sql.replaceAll(' collate "C"', '')
    expect(await differences(database, tables, { layout, change: uncollated }), 'control').toHaveLength(CHOICES.length)
  })

  run('a precedence that is a text is a number, or an error', async () => {
    const layout = { ...LAYOUT, number: 'varchar' }
    const tables = tablesOf({ groups: [], memberships: [{ pool: POOL, username: 'ann', groupName: 'a' }] }, layout)
    const withPrecedence = (...precedences: string[]) => [
      { ...tables[0]!, rows: precedences.map((precedence, index) => [POOL, 'abc'[index]!, precedence, `r${index}`]) },
      { ...tables[1]!, rows: [...'abc'].map(group => [POOL, 'ann', group]) },
    ]
    const sql = rolesSql({ columns: OF_MANY })
    const [rows] = await database.ask(withPrecedence('10', '9', '0010'), [sql])
    expect(rows).toMatchObject([{ rule: 'lowest-precedence', preferred_role: 'r1' }])
    await expect(database.ask(withPrecedence('10', 'nine', '10'), [sql])).rejects.toThrow(/nine/)
  })

  run('a query has no row for a user who is in no group, unless a table of users has the user', async () => {
    const tables = { groups: [], memberships: [], users: [{ pool: POOL, username: 'ann' }] }
    const sql = rolesSql({ columns: OF_MANY })
    const withUsers = rolesSql({ columns: OF_MANY, tables: { users: 'users' } })
    const [without, rows] = await database.ask(tablesOf(tables, LAYOUT), [sql, withUsers])
    expect(without).toEqual([])
    expect(rows).toMatchObject([{ username: 'ann', rule: 'no-groups', outcome: 'none', evidence: 'observed' }])
  })
})

describe('control: a mistake in the query is noticed', () => {
  const ALL: PoolTables = (() => {
    const parts: PoolTables[] = [smallPools(3), UNUSABLE, OF_POOLS]
    return {
      groups: parts.flatMap(({ groups }) => groups),
      memberships: parts.flatMap(({ memberships }) => memberships),
      users: [
        { pool: POOL, username: 'in no group' },
        { pool: POOL, username: 'ann' },
      ],
    }
  })()
  const layout = { ...LAYOUT, number: 'double precision' }
  let database: SqlDatabase
  beforeAll(async () => {
    database = await openDuckDb()
  })
  afterAll(() => database.stop())

  const isNoticed = async (
    change: (sql: string) => string,
    { tables = ALL, choices = CHOICES }: { tables?: PoolTables; choices?: readonly SemanticsChoice[] } = {},
  ): Promise<boolean> => {
    try {
      return (await differences(database, tables, { layout, choices, change })).length > 0
    } catch {
      // The database rejects the query.
      return true
    }
  }

  test('without one, nothing is', async () => {
    expect(await isNoticed(sql => sql)).toBe(false)
  })

  const mistakes: readonly (readonly [string, RegExp | string, string, PoolTables?])[] = [
    ['a repeated membership counts twice', 'select distinct', 'select'],
    ['an empty role is a role', /nullif\((.*), ''\)/, '$1'],
    ['no precedence is 0', '2147483648', '0'],
    ['a group without a role competes', 'min(case when role_arn is not null then group_rank end)', 'min(group_rank)'],
    ['a user of unknown groups has no row', 'left join', 'join'],
    ['a user of no group has no row', /union all[^)]*/, ''],
    ['one name in two pools is one group', ' and known.user_pool_id = member.user_pool_id', '', OF_POOLS],
    ['of two rows of a group the lower counts', 'count(*) = 1', 'count(*) >= 1'],
    ['the highest number wins', 'min(case when role_arn is not null', 'max(case when role_arn is not null'],
    ['a candidate is granted', "when outcome = 'resolved'", "when outcome <> 'none'"],
    ['roles that differ are one', '<> max(', '> max('],
    ['a row without a username is a user', 'username is null', 'false'],
    ['an empty username is a user', " or username = ''", ''],
    ['what only a calibration shows is known anyway', 'outcome <> observed_outcome', 'false'],
  ]

  test.each(mistakes.map(([name, right, wrong, tables = ALL]) => ({ name, right, wrong, tables })))(
    '$name',
    async ({ right, wrong, tables }) => {
      const change = (text: string) =>
        text.replaceAll(typeof right === 'string' ? right : new RegExp(right, 'g'), wrong)
      const last = rolesSql({ ...CHOICES.at(-1)!, columns: OF_MANY, tables: { users: 'users' } })
      expect(change(last)).not.toBe(last)
      expect(await isNoticed(change, { tables: { ...tables, users: ALL.users } })).toBe(true)
    },
  )

  const NEIGHBOURS: Readonly<Record<string, string>> = {
    '<=': '<',
    '>=': '>',
    '<': '<=',
    '>': '>=',
    '=': '<>',
    '<>': '=',
  }

  test.each([
    [
      'observed',
      [
        // The row after it says `resolved` too.
        "when tied > 1 then 'resolved'",
        // Where a group without a role has that number, this reading does not come to these rules.
        "when rule = 'shared-role' and tied_without_role > 0 then 'unknown'",
        "when rule = 'lowest-precedence' and tied_without_role > 0 then 'unknown'",
      ],
    ],
    ['roles-compete', ["when tied > 1 then 'resolved'"]],
  ] as const)('%s: each comparison with its neighbour in its place', async (semantics, unseen) => {
    const choice = { semantics }
    const sql = rolesSql({ ...choice, columns: OF_MANY, tables: { users: 'users' } })
    const survivors: string[] = []
    const comparisons = [...sql.matchAll(/(?<= )(?:<=|>=|<>|[<>=])(?= )/g)]
    expect(comparisons.length).toBeGreaterThan(40)
    for (const { index, 0: operator } of comparisons) {
      // Pools do not mix, or the join is as large as all of them times all of them.
      if (sql.slice(index).startsWith('= member.')) continue
      const change = (text: string) =>
        `${text.slice(0, index)}${NEIGHBOURS[operator]}${text.slice(index + operator.length)}`
      if (await isNoticed(change, { choices: [choice] })) continue
      survivors.push(sql.slice(sql.lastIndexOf('\n', index) + 1, sql.indexOf('\n', index)).trim())
    }
    expect(survivors).toEqual(unseen)
  })
})

describe('many users', () => {
  test('have the outcome and the role of resolveMany, and the names that it does not know are counted', async () => {
    const database = await openDuckDb()
    const random = fc.sample(fc.tuple(pools, fc.array(fc.nat({ max: 9 }), { maxLength: 6 })), {
      numRuns: 200,
      seed: 18,
    })
    for (const [groups, picks] of random.filter(([some]) => some.length > 3).slice(0, 20)) {
      const pool = compilePool(groups)
      const names = picks.map(pick => groups[pick]?.groupName ?? `other ${pick}`)
      const ids = names.flatMap(name => pool.groupId(name) ?? [])
      const { outcomes, preferredRoleIds } = pool.resolveMany({
        offsets: Uint32Array.of(0, ids.length),
        groupIds: Uint16Array.from(ids),
      })
      const tables: PoolTables = {
        groups: groups.map(group => ({ pool: POOL, group })),
        memberships: names.map(groupName => ({ pool: POOL, username: 'ann', groupName })),
        users: [{ pool: POOL, username: 'ann' }],
      }
      const [rows] = await database.ask(tablesOf(tables, LAYOUT), [
        rolesSql({ columns: OF_MANY, tables: { users: 'users' } }),
      ])
      const [{ outcome, preferred_role, candidate_role, unknown_groups }] = rows as [Row]
      expect(outcome).toBe(OUTCOMES[outcomes[0]!])
      const role = preferredRoleIds[0] === NO_ROLE ? null : pool.roles[preferredRoleIds[0]!]
      expect(preferred_role ?? candidate_role).toBe(role)
      expect(Number(unknown_groups)).toBe(new Set(names.filter(name => pool.groupId(name) === undefined)).size)
    }
    await database.stop()
  })
})

describe('the dialects', () => {
  const of = (dialect: SqlDialect, options: RolesSqlOptions = {}) => rolesSql({ ...options, dialect })

  /** What is the same in all of them. */
  const common = (sql: string) =>
    sql
      .replace(/; dialect: \w+/, '')
      .replaceAll(/cast\(cast\(cast\((\S+) as string\) as binary\) as string\)/g, 'text($1)')
      .replaceAll(/collate\(cast\((\S+) as (?:varchar|string)\), '(?:utf8)?'\)/g, 'text($1)')
      .replaceAll(/cast\((\S+) as varchar\)(?: collate "C")?/g, 'text($1)')
      .replaceAll(/as (?:double precision|double|float64)\)/g, 'as double)')
      .replaceAll(/["`](\w+)["`]/g, (_, name: string) => `"${name.toLowerCase()}"`)

  test.each(SQL_DIALECTS)('%s differs in quotes, types and the comparison of texts, and in nothing else', dialect => {
    const options: RolesSqlOptions = { columns: OF_MANY, tables: { users: 'users' }, semantics: 'roles-compete' }
    expect(common(of(dialect, options))).toBe(common(of('portable', options)))
    expect(common(of(dialect, options))).not.toContain('varchar')
  })

  test.each([
    ['portable', '"a""b"."c`\\d"'],
    ['athena', '"a""b"."c`\\d"'],
    ['snowflake', '"a""b"."c`\\d"'],
    ['spark', '`a"b`.`c``\\d`'],
    ['bigquery', '`a"b`.`c\\`\\\\d`'],
  ] as const)('%s: a name stays one name', (dialect, quotedName) => {
    expect(of(dialect, { tables: { memberships: ['a"b', 'c`\\d'] } })).toContain(`from ${quotedName}\n`)
  })

  /** Names that a column of a select list gets and another one of the same list reads: whose it is depends on the database. */
  const readTwice = (sql: string) =>
    sql
      .replaceAll(/^--.*$/gm, '')
      .replaceAll(/ as (?:varchar|string|binary|double precision|double|float64)\)/g, ')')
      .split(/\bselect\b/)
      .slice(1)
      .flatMap(block => {
        const items = topLevel(block.split(/\bfrom\b/)[0]!)
        return items.flatMap((item, at) => {
          const [, alias] = / as (\w+)\s*$/.exec(item) ?? []
          const others = items.filter((_, other) => other !== at)
          return alias !== undefined && others.some(other => new RegExp(`\\b${alias}\\b`, 'i').test(other))
            ? [alias]
            : []
        })
      })

  /** What stands between commas that are in no parentheses. */
  const topLevel = (list: string) => {
    let depth = 0
    const items = ['']
    for (const character of list) {
      if (character === '(') depth++
      if (character === ')') depth--
      if (character === ',' && depth === 0) items.push('')
      else items[items.length - 1] += character
    }
    return items
  }

  test.each(SQL_DIALECTS)('%s: no column has a name that another of the same list reads', dialect => {
    const calibration = readCalibration(calibrationOf('documented'))
    for (const options of [{}, { columns: OF_MANY, tables: { users: 'users' } }, { calibration }])
      expect(readTwice(of(dialect, options))).toEqual([])
    const control = 'select min(best) as best, count(case when rank = best then 1 end) as tied from t'
    expect(readTwice(control)).toEqual(['best'])
  })

  test('in Snowflake, our own names are in capitals, because it stores unquoted names so', () => {
    const sql = of('snowflake', { tables: { memberships: 'Members' } })
    expect(sql).toContain('from "GROUPS"')
    expect(sql).toContain('"ROLE_ARN"')
    expect(sql).toContain('from "Members"')
  })

  test('the head says by which reading, and on what it rests', () => {
    expect(of('athena').split('\n', 2)[1]).toBe('-- semantics: observed; dialect: athena')
    const calibration = readCalibration(calibrationOf('documented'))
    expect(rolesSql({ calibration }).split('\n', 2)[1]).toBe(
      '-- semantics: documented, calibrated on 2026-11-29 against user pool us-east-1_Ab12Cd34e; dialect: portable',
    )
  })
})

describe('options that cannot be used', () => {
  test.each<readonly [unknown, string]>([
    [{ dialect: 'mysql' }, '`dialect` is `mysql`; use one of portable, athena, spark, snowflake, bigquery'],
    [{ semantics: 'x' }, '`semantics` is `x`; use one of observed, roles-compete, tied-groups-agree, documented'],
    [{ table: {} }, 'unknown key `table` in the options; did you mean `tables`?'],
    [{ tables: { members: 'a' } }, 'unknown key `members` in `tables`; leave it out'],
    [{ columns: { role: 'a' } }, 'unknown key `role` in `columns`; leave it out'],
    [{ columns: 'a' }, '`columns` must be an object, not `a`; give an object of names'],
    [{ tables: { groups: '' } }, '`tables.groups` is ``; give a name without control characters'],
    [{ tables: { groups: [] } }, "`tables.groups` is an array; give a table's name, or its schema and its name"],
    [{ tables: { users: 7 } }, "`tables.users` is `7`; give a table's name, or its schema and its name"],
    [{ tables: { users: ['a', null] } }, '`tables.users` is `null`; give a name without control characters'],
    [{ columns: { name: 'a\nb' } }, '`columns.name` is `a\\u{a}b`; give a name without control characters'],
    [
      { tables: { memberships: 'Rolecast_groups' } },
      "`tables.memberships` is `Rolecast_groups`, and the query's own names begin with `rolecast_`; name its schema too, or make a view",
    ],
  ])('%j', (options, message) => {
    const error = errorOf(() => rolesSql(options as RolesSqlOptions))
    expect(error).toMatchObject({ code: 'invalid-option', message })
  })

  test('both a reading and a calibration', () => {
    const both = { semantics: 'observed', calibration: readCalibration(calibrationOf('documented')) } as const
    expect(errorOf(() => rolesSql(both)).code).toBe('invalid-option')
  })

  test('a table of one of our names can be used with its schema', () => {
    expect(rolesSql({ tables: { groups: ['main', 'rolecast_groups'] } })).toContain('from "main"."rolecast_groups"')
  })
})
