import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readCalibration } from '../../src/claims/calibration.js'
import { rolesSql, type RolesSqlOptions, SQL_DIALECTS } from '../../src/index.js'
import { calibrationOf } from '../calibrations.js'
import { rolecast } from './command.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-sql-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const printed = async (...args: string[]) => {
  const { code, stdout } = await rolecast(['sql', ...args])
  expect(code).toBe(0)
  return stdout
}

describe('rolecast sql prints what rolesSql writes', () => {
  test.each<readonly [string[], RolesSqlOptions]>([
    [[], {}],
    [['--semantics', 'documented'], { semantics: 'documented' }],
    ...SQL_DIALECTS.map(
      dialect => [['--dialect', dialect], { dialect }] as const satisfies [string[], RolesSqlOptions],
    ),
    [
      ['--groups-table', 'cognito.groups', '--memberships-table', '"a.b"."c""d"', '--users-table', 'all users'],
      { tables: { groups: ['cognito', 'groups'], memberships: ['a.b', 'c"d'], users: 'all users' } },
    ],
    [
      ['--column', 'user_pool_id=pool', '--column', 'role_arn=Role=Arn', '--column', 'name=n'],
      { columns: { userPoolId: 'pool', roleArn: 'Role=Arn', name: 'n' } },
    ],
    [
      ['--column', 'precedence=p', '--column', 'username=u', '--column', 'group_name=g'],
      { columns: { precedence: 'p', username: 'u', groupName: 'g' } },
    ],
  ])('%j', async (args, options) => {
    expect(await printed(...args)).toBe(rolesSql(options))
  })

  test('with the reading of a calibration', async () => {
    const path = join(folder, 'calibration.json')
    await writeFile(path, JSON.stringify(calibrationOf('tied-groups-agree')))
    const sql = await printed('--calibration', path)
    expect(sql).toBe(rolesSql({ calibration: readCalibration(calibrationOf('tied-groups-agree')) }))
    expect(sql).toContain("'calibrated'")
  })

  test('to a file', async () => {
    const path = join(folder, 'roles.sql')
    expect(await printed('--output', path)).toBe('')
    expect(await readFile(path, 'utf8')).toBe(rolesSql())
  })
})

describe('what cannot be used is rejected', () => {
  test.each([
    [
      ['--groups-table', ''],
      '`` is not the name of a table; give one such as groups, cognito.groups or \'"my.schema".groups\'',
    ],
    [['--groups-table', 'a..b'], '`a..b` is not the name of a table'],
    [['--groups-table', 'a"b'], '`a"b` is not the name of a table'],
    [['--users-table', 'a\nb'], '--users-table is `a\\u{a}b`; give a name without control characters'],
    [
      ['--memberships-table', 'rolecast_held'],
      "--memberships-table is `rolecast_held`, and the query's own names begin with `rolecast_`",
    ],
    [['--column', 'arn=a'], '`arn=a` does not rename a column; give NAME=YOURS, with one of user_pool_id, name,'],
    [['--column', 'name='], '`name=` does not rename a column'],
    [['--column', '__proto__=a'], '`__proto__=a` does not rename a column'],
    [['--groups-table', 'a', '--groups-table', 'b'], '--groups-table is given twice; give it once'],
    [['--memberships-table', 'a', '--memberships-table', 'a.b'], '--memberships-table is given twice; give it once'],
    [['--users-table', 'a.b', '--users-table', 'b'], '--users-table is given twice; give it once'],
    [['--column', 'name=a', '--column', 'name=b'], '--column name is given twice; give it once'],
    [['--dialect', 'mysql'], "argument 'mysql' is invalid"],
    [['--semantics', 'observed', '--calibration', 'x'], 'cannot be used with'],
  ])('%j', async (args, message) => {
    const { code, stderr } = await rolecast(['sql', ...args])
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })
})
