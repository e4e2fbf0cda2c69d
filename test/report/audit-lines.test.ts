import { stringify } from 'csv-stringify/sync'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { UserAudit } from '../../src/audit/summary.js'
import type { Group } from '../../src/group.js'
import { csvHeader, csvLine, ndjsonLine } from '../../src/report/audit-lines.js'
import { resolveRoles } from '../../src/claims/resolve.js'
import { groupNames, pools, semantics } from '../arbitraries.js'

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`
const user = (username: string, groups: readonly Group[] = [], unknownGroups: readonly string[] = []): UserAudit => ({
  username,
  resolution: { ...resolveRoles(groups), unknownGroups },
})

const admins = { groupName: 'admins', precedence: 0, roleArn: role('Admin') }
const finance = { groupName: 'finance', precedence: 5, roleArn: role('Finance') }
const hr = { groupName: 'hr', precedence: 5, roleArn: role('Hr') }
const vip = { groupName: 'vip', precedence: 5 }
const staff = { groupName: 'staff' }

const examples: readonly [string, UserAudit, string, string][] = [
  [
    'resolved',
    user('anna', [admins, staff]),
    `{"username":"anna","groups":["admins","staff"],"roles":["${role('Admin')}"],"outcome":"resolved","rule":"lowest-precedence","preferredRole":"${role('Admin')}"}`,
    `anna,admins staff,${role('Admin')},resolved,lowest-precedence,${role('Admin')},,`,
  ],
  [
    'ambiguous',
    user('bert@example.com', [finance, hr]),
    `{"username":"bert@example.com","groups":["finance","hr"],"roles":["${role('Finance')}","${role('Hr')}"],"outcome":"ambiguous","rule":"conflicting-roles"}`,
    `bert@example.com,finance hr,${role('Finance')} ${role('Hr')},ambiguous,conflicting-roles,,,`,
  ],
  [
    'undetermined',
    user('carl', [vip, hr]),
    `{"username":"carl","groups":["vip","hr"],"roles":["${role('Hr')}"],"outcome":"undetermined","rule":"roleless-contender","candidateRole":"${role('Hr')}"}`,
    `carl,vip hr,${role('Hr')},undetermined,roleless-contender,,${role('Hr')},`,
  ],
  [
    'in no group',
    user('dora'),
    '{"username":"dora","groups":[],"roles":[],"outcome":"none","rule":"no-groups"}',
    'dora,,,none,no-groups,,,',
  ],
  [
    'in groups that the pool does not have',
    user('emil', [staff], ['ghost', 'a,b']),
    '{"username":"emil","groups":["staff"],"roles":[],"outcome":"none","rule":"no-roles","unknownGroups":["ghost","a,b"]}',
    'emil,staff,,none,no-roles,,,"ghost a,b"',
  ],
]

const hostileNames = [
  '',
  '__proto__',
  'a,b',
  '"',
  '""',
  '\\',
  'a"b',
  'a\\"b',
  'line\nfeed',
  'carriage\rreturn',
  'a\r\nb',
  'tab\there',
  '\0',
  '\x1B[31m',
  'a\u0085b',
  'a\u2028b',
  'a\u2029b',
  '\u202Eevil',
  '\uD800',
  '\uDC00x',
  '</script>',
  '<!--',
  '=1+1',
  '+1',
  '-1',
  '@SUM(A1)',
  '\t=1',
  '\r=1',
  '＝1',
  '＋1',
  '－1',
  '＠1',
  '\u00a0=1',
  '\u2028=1',
  '\ufeff@1',
  '\n+1',
  '  -1',
  '\u200b\u3000＝1',
  '\0=1',
  '﹦1',
  '\u2212 1',
  'a;=1',
  '=a;b',
  '_',
  '-',
  '.',
  '1',
  '管理者',
  'é',
]
const names = fc.oneof(groupNames, fc.constantFrom(...hostileNames), fc.string({ unit: 'binary', maxLength: 8 }))
const users: fc.Arbitrary<UserAudit> = fc
  .record({
    username: names,
    groups: pools,
    semantics,
    unknownGroups: fc.array(names, { maxLength: 3 }),
    frozen: fc.boolean(),
  })
  .map(({ username, groups, semantics, unknownGroups, frozen }) => {
    const resolution = { ...resolveRoles(groups, { semantics }), unknownGroups }
    return { username, resolution: frozen ? Object.freeze(resolution) : resolution }
  })

type Line = (user: UserAudit) => string

/** A law, and its control: the same property must fail for a line that is wrong in just this. */
function law(
  sentence: string,
  line: Line,
  wrong: (line: string, user: UserAudit) => string,
  property: (line: Line) => fc.IProperty<[UserAudit]>,
): void {
  test(sentence, () => {
    fc.assert(property(line), { numRuns: 1000 })
  })
  test(`control: ${sentence}`, () => {
    expect(
      fc.check(
        property(user => wrong(line(user), user)),
        { seed: 1, numRuns: 2000, endOnFailure: true },
      ).failed,
    ).toBe(true)
  })
}

/** What was kept of a frozen resolution must be read as well as what was just made. */
const twice =
  (line: Line) =>
  (user: UserAudit): readonly string[] => [line(user), line(user)]

describe('NDJSON', () => {
  test.each(examples)('a user who is %s', (_what, user, line) => {
    expect(ndjsonLine(user)).toBe(`${line}\n`)
  })

  law(
    'a line is the user as JSON, with the keys in their order',
    ndjsonLine,
    line => line.replace('"rule"', '"Rule"'),
    line =>
      fc.property(users, user => {
        const { groups, roles, outcome, rule, preferredRole, candidateRole, unknownGroups } = user.resolution
        const expected = {
          username: user.username,
          groups,
          roles,
          outcome,
          rule,
          ...(preferredRole !== undefined && { preferredRole }),
          ...(candidateRole !== undefined && { candidateRole }),
          ...(unknownGroups.length > 0 && { unknownGroups }),
        }
        for (const made of twice(line)(user)) {
          const read = JSON.parse(made)
          expect(read).toStrictEqual(expected)
          expect(Object.keys(read)).toEqual(Object.keys(expected))
        }
      }),
  )

  law(
    'a line ends once, whatever a reader takes for an end',
    ndjsonLine,
    (_line, { username }) => `${JSON.stringify({ username })}\n`,
    line =>
      fc.property(users, user => {
        for (const made of twice(line)(user)) expect(made.match(/[\n\r\v\f\u0085\u2028\u2029]/g)).toEqual(['\n'])
      }),
  )

  law(
    'a line is well-formed Unicode',
    ndjsonLine,
    (line, { username }) => `${line}${username}`,
    line =>
      fc.property(users, user => {
        for (const made of twice(line)(user)) expect(made).not.toMatch(/\p{Cs}/u)
      }),
  )

  test.each(['a\u2028b', 'a\u2029b', 'a\u0085b'])('%j is escaped wherever it comes', name => {
    const line = ndjsonLine(user(name, [{ groupName: name, precedence: 1, roleArn: name }], [name]))
    expect(line).not.toContain(name)
    expect(JSON.parse(line)).toMatchObject({
      username: name,
      groups: [name],
      roles: [name],
      preferredRole: name,
      unknownGroups: [name],
    })
  })

  test('what a resolution says is read again unless it is frozen', () => {
    const changing = user('a', [admins])
    ndjsonLine(changing)
    csvLine(changing)
    Object.assign(changing.resolution, { outcome: 'none' })
    expect(JSON.parse(ndjsonLine(changing)).outcome).toBe('none')
    expect(parseCsv(csvLine(changing))[0]![3]).toBe('none')
  })
})

/** RFC 4180, character by character. */
function parseCsv(text: string): readonly (readonly string[])[] {
  const records: string[][] = []
  let at = 0
  while (at < text.length) {
    const fields: string[] = []
    for (;;) {
      let field = ''
      if (text[at] === '"') {
        for (at++; text[at] !== '"' || text[at + 1] === '"'; at++) {
          if (at >= text.length) throw new Error('a quote is open')
          if (text[at] === '"') at++
          field += text[at]
        }
        at++
      } else {
        for (; at < text.length && text[at] !== ',' && text[at] !== '\r'; at++) {
          if (text[at] === '"' || text[at] === '\n') throw new Error('a field needs quotes')
          field += text[at]
        }
      }
      fields.push(field)
      if (text[at] !== ',') break
      at++
    }
    if (text.slice(at, at + 2) !== '\r\n') throw new Error(`no end of the record at ${at}`)
    at += 2
    records.push(fields)
  }
  return records
}

/** What a spreadsheet would run, and what is done about it. Some drop blanks before they look, and read other forms as the same. */
function isFormula(field: string): boolean {
  const shown = field.normalize('NFKC').replace(/^(?:[\s\u2800]|\p{C}|\p{Z}|\p{Default_Ignorable_Code_Point})+/u, '')
  return /^[\t\r\n]/.test(field) || '=+-@\u2212'.includes(shown.charAt(0) || 'x')
}
const disarmed = (field: string) => (isFormula(field) ? `'${field}` : field)

describe('CSV', () => {
  const fieldNames = [
    'username',
    'groups',
    'roles',
    'outcome',
    'rule',
    'preferredRole',
    'candidateRole',
    'unknownGroups',
  ]

  test('the header names the fields', () => {
    expect(csvHeader).toBe(`${fieldNames.join(',')}\r\n`)
  })

  test.each(examples)('a user who is %s', (_what, user, _line, record) => {
    expect(csvLine(user)).toBe(`${record}\r\n`)
  })

  law(
    'a file of a header and a line is read again as they were, but for formulas',
    csvLine,
    (line, { username }) => line.replace(username, username.trim()),
    line =>
      fc.property(users, user => {
        const { groups, roles, outcome, rule, preferredRole = '', candidateRole = '', unknownGroups } = user.resolution
        const fields = [
          user.username,
          groups.join(' '),
          roles.join(' '),
          outcome,
          rule,
          preferredRole,
          candidateRole,
          unknownGroups.join(' '),
        ]
        for (const made of twice(line)(user))
          expect(parseCsv(csvHeader + made)).toEqual([fieldNames, fields.map(disarmed)])
      }),
  )

  law(
    'a line is what the CSV library makes of the whole record',
    csvLine,
    (line, { username }) => line.replace(`"${username}"`, username),
    line =>
      fc.property(users, user => {
        const { groups, roles, outcome, rule, preferredRole, candidateRole, unknownGroups } = user.resolution
        const record = [
          user.username,
          groups.join(' '),
          roles.join(' '),
          outcome,
          rule,
          preferredRole,
          candidateRole,
          unknownGroups.join(' '),
        ]
        expect(line(user)).toBe(
          `${stringify([record.map(field => field && disarmed(field))], { eof: false, quoted_match: /[;\t]/ })}\r\n`,
        )
      }),
  )

  law(
    'no field begins as a formula does',
    csvLine,
    (line, { username }) => line.replace(`'${username}`, username),
    line =>
      fc.property(users, user => {
        for (const field of parseCsv(line(user)).flat()) expect(isFormula(field)).toBe(false)
      }),
  )

  test.each([
    ['=HYPERLINK("https://example.com","x")', '"\'=HYPERLINK(""https://example.com"",""x"")"'],
    ['-anna', "'-anna"],
    ['@anna', "'@anna"],
    ['+4917', "'+4917"],
    ['＝1', "'＝1"],
    ['\u00a0=1', "'\u00a0=1"],
    ['\u2028=1', "'\u2028=1"],
    ['\ufeff=1', "'\ufeff=1"],
    [' \u00a0\u200b\u3000@SUM(A1)', "' \u00a0\u200b\u3000@SUM(A1)"],
    ['\n=1', '"\'\n=1"'],
    ['﹣1', "'﹣1"],
    ['−1', "'−1"],
    ['⩵1', "'⩵1"],
    ['\u00a0anna', '\u00a0anna'],
    ['an-na+x@example.com', 'an-na+x@example.com'],
    ['', ''],
    ['a;=1+1', '"a;=1+1"'],
    ['a\t=1+1', '"a\t=1+1"'],
    ['a,b', '"a,b"'],
    ['a"b', '"a""b"'],
    ['a\nb', '"a\nb"'],
  ])('the user %j is the field %s', (username, field) => {
    expect(csvLine(user(username))).toBe(`${field},,,none,no-groups,,,\r\n`)
  })

  test('where the semicolon separates, what a user puts after one is not a field of its own', () => {
    const firstOf = (line: string) => (line.startsWith('"') ? /^"(?:[^"]|"")*"/ : /^[^;]*/).exec(line)![0]
    expect(firstOf(csvLine(user('a;=1+1')))).toBe('"a;=1+1"')
    expect(firstOf('a;=1+1,,\r\n'), 'control: without quotes it is').toBe('a')
  })
})
