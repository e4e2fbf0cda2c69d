import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AuditConcern } from '../../src/audit/concerns.js'
import { createAuditSummary, type UserAudit } from '../../src/audit/summary.js'
import type { RoleSelection } from '../../src/credentials/select-role.js'
import type { Group } from '../../src/group.js'
import { limitsOf } from '../../src/report/audit-limits.js'
import { type AuditHead, createAuditLines, csvColumns } from '../../src/report/audit-lines.js'
import { resolveRoles } from '../../src/claims/resolve.js'
import { groupNames, pools, semantics } from '../arbitraries.js'

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`
const user = (username: string, groups: readonly Group[] = [], unknownGroups: readonly string[] = []): UserAudit => ({
  username,
  resolution: { ...resolveRoles(groups), unknownGroups },
})

const ATTRIBUTES = ['email', '__proto__']
const HEAD: AuditHead = {
  toolVersion: '1.2.3',
  reading: { source: 'cognito', userPoolId: 'eu-west-1_Ab12Cd34e', attributes: ATTRIBUTES },
  semantics: 'observed',
  groups: [],
}
const ndjson = createAuditLines({ format: 'ndjson', head: HEAD })
const csv = createAuditLines({ format: 'csv', head: { ...HEAD, reading: undefined } })
const csvWithAttributes = createAuditLines({ format: 'csv', head: HEAD })
const ndjsonLine = (one: UserAudit, findings: readonly AuditConcern[] = []) => ndjson.line(one, findings)
const csvLine = (one: UserAudit, findings: readonly AuditConcern[] = []) => csv.line(one, findings)

const admins = { groupName: 'admins', precedence: 0, roleArn: role('Admin') }
const finance = { groupName: 'finance', precedence: 5, roleArn: role('Finance') }
const hr = { groupName: 'hr', precedence: 5, roleArn: role('Hr') }
const vip = { groupName: 'vip', precedence: 5 }
const staff = { groupName: 'staff' }

const examples: readonly [string, UserAudit, string, string][] = [
  [
    'resolved',
    user('anna', [admins, staff]),
    `{"username":"anna","groups":["admins","staff"],"roles":["${role('Admin')}"],"outcome":"resolved","rule":"lowest-precedence","evidence":"observed","preferredRole":"${role('Admin')}"}`,
    `anna,,,,admins staff,${role('Admin')},resolved,lowest-precedence,observed,${role('Admin')},,,,,`,
  ],
  [
    'ambiguous',
    user('bert@example.com', [finance, hr]),
    `{"username":"bert@example.com","groups":["finance","hr"],"roles":["${role('Finance')}","${role('Hr')}"],"outcome":"ambiguous","rule":"conflicting-roles","evidence":"observed"}`,
    `bert@example.com,,,,finance hr,${role('Finance')} ${role('Hr')},ambiguous,conflicting-roles,observed,,,,,,`,
  ],
  [
    'undetermined',
    user('carl', [vip, hr]),
    `{"username":"carl","groups":["vip","hr"],"roles":["${role('Hr')}"],"outcome":"undetermined","rule":"roleless-contender","evidence":"unknown","candidateRole":"${role('Hr')}"}`,
    `carl,,,,vip hr,${role('Hr')},undetermined,roleless-contender,unknown,,${role('Hr')},,,,`,
  ],
  [
    'in no group',
    user('dora'),
    '{"username":"dora","groups":[],"roles":[],"outcome":"none","rule":"no-groups","evidence":"observed"}',
    'dora,,,,,,none,no-groups,observed,,,,,,',
  ],
  [
    'in groups that the pool does not have',
    user('emil', [staff], ['ghost', 'a,b']),
    '{"username":"emil","groups":["staff"],"roles":[],"outcome":"none","rule":"no-roles","evidence":"observed","unknownGroups":["ghost","a,b"]}',
    'emil,,,,staff,,none,no-roles,observed,,,"ghost a,b",,,',
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
const selections: fc.Arbitrary<RoleSelection> = fc.oneof(
  names.map(roleArn => ({
    outcome: 'role' as const,
    roleArn,
    rule: 'single-role' as const,
    evidence: 'documented' as const,
  })),
  fc.constant({ outcome: 'denied', rule: 'ambiguous-denied', evidence: 'documented' }),
  names.map(roleArn => ({
    outcome: 'undetermined' as const,
    rule: 'uncertain-rule' as const,
    evidence: 'unknown' as const,
    ruleIndex: 1,
    candidates: [
      { outcome: 'role', roleArn, rule: 'mapping-rule', ruleIndex: 1 } as const,
      { outcome: 'denied', rule: 'ambiguous-denied' } as const,
    ],
  })),
)
const FINDINGS: readonly (readonly AuditConcern[])[] = [[], ['no-role'], ['conflicting-tie', 'no-credentials']]
/** Findings of a user, that the arbitraries need not make. */
const findingsOf = ({ username }: UserAudit) => FINDINGS[username.length % FINDINGS.length]!
const users: fc.Arbitrary<UserAudit> = fc
  .record({
    username: names,
    groups: pools,
    semantics,
    unknownGroups: fc.array(names, { maxLength: 3 }),
    frozen: fc.boolean(),
    details: fc.record(
      {
        sub: names,
        enabled: fc.boolean(),
        status: names,
        attributes: fc.dictionary(fc.oneof(fc.constantFrom(...ATTRIBUTES), names), names, {
          maxKeys: 3,
          noNullPrototype: true,
        }),
      },
      { requiredKeys: [] },
    ),
    selection: fc.option(selections, { nil: undefined }),
  })
  .map(({ username, groups, semantics, unknownGroups, frozen, details, selection }) => {
    const resolution = { ...resolveRoles(groups, { semantics }), unknownGroups }
    const share = <T extends object>(value: T): T => (frozen ? Object.freeze(value) : value)
    const selected = selection && { selection: share(selection) }
    return { username, ...details, resolution: share(resolution), ...selected }
  })

const ndjsonOf = (one: UserAudit) => ndjson.line(one, findingsOf(one))
const csvOf = (one: UserAudit) => csvWithAttributes.line(one, findingsOf(one))

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

/** The keys that it has, in this order. */
function inOrder(record: object, keys: readonly string[]): object {
  return Object.fromEntries(
    keys.filter(key => Object.hasOwn(record, key)).map(key => [key, record[key as keyof typeof record]]),
  )
}

describe('NDJSON', () => {
  const groups = [admins, { ...staff, precedence: null, roleArn: '' }]
  const reading = { source: 'files', userPoolId: 'eu-west-1_Ab12Cd34e' } as const

  test('the first line says what was audited, and by what', () => {
    const identityPool = { identityPoolId: 'eu-west-1:1', mapping: 'Token' } as const
    const roleChecks = [{ roleArn: role('Admin'), status: 'unknown', why: 'a\u2028b' }] as const
    const head = { toolVersion: '1.2.3', reading, semantics: 'observed', groups, identityPool, roleChecks } as const
    expect(createAuditLines({ format: 'ndjson', head }).head()).toBe(
      `{"audit":{"version":1,"tool":{"name":"rolecast","version":"1.2.3"},"reading":{"source":"files","userPoolId":"eu-west-1_Ab12Cd34e"},"semantics":"observed","identityPool":{"identityPoolId":"eu-west-1:1","mapping":"Token"},"groups":[{"groupName":"admins","precedence":0,"roleArn":"${role('Admin')}"},{"groupName":"staff"}],"roleChecks":[{"roleArn":"${role('Admin')}","status":"unknown","why":"a\\u2028b"}]}}\n`,
    )
    expect(
      createAuditLines({ format: 'ndjson', head: { toolVersion: '1', semantics: 'documented', groups: [] } }).head(),
    ).toBe('{"audit":{"version":1,"tool":{"name":"rolecast","version":"1"},"semantics":"documented","groups":[]}}\n')
  })

  test('the last line is the summary, and names no user of a finding', () => {
    const counter = createAuditSummary({ groups, semantics: 'observed', reading })
    counter.add(user('anna\u2028'))
    const line = ndjson.tail(counter.summary())
    expect(line).toMatch(/^[^\n\u2028]*\n$/)
    const { summary } = JSON.parse(line)
    const { findings, ...rest } = JSON.parse(JSON.stringify(counter.summary()))
    expect(summary).toMatchObject({ ...rest, users: 1, reading })
    expect(summary.findings).toEqual(findings.map(({ users: _users, ...finding }: { users: unknown }) => finding))
    expect(summary.findings[0]).toMatchObject({ concern: 'no-role', affectedUsers: 1 })
    expect(summary.notLookedAt).toEqual(limitsOf(counter.summary()))
    expect(JSON.parse(ndjson.tail(counter.summary(), ['x'])).summary.notLookedAt).toEqual(['x'])
    expect(line).not.toContain('anna')
    expect(JSON.stringify(counter.summary()), 'control: the summary names them').toContain('anna')
  })

  test('a user with everything there is to say', () => {
    const one: UserAudit = {
      ...user('anna', [admins]),
      sub: 'f1',
      enabled: true,
      status: 'CONFIRMED',
      attributes: { email: 'anna@example.com' },
      selection: { outcome: 'role', rule: 'preferred-role', roleArn: role('Admin'), evidence: 'observed' },
    }
    const findings = ['administrator-role', 'unchecked-role'] as const
    expect(ndjson.line(one, findings)).toBe(
      `{"username":"anna","sub":"f1","enabled":true,"status":"CONFIRMED","attributes":{"email":"anna@example.com"},"groups":["admins"],"roles":["${role('Admin')}"],"outcome":"resolved","rule":"lowest-precedence","evidence":"observed","preferredRole":"${role('Admin')}","credentials":{"outcome":"role","rule":"preferred-role","roleArn":"${role('Admin')}"},"findings":["administrator-role","unchecked-role"]}\n`,
    )
    expect(csvWithAttributes.line(one, findings)).toBe(
      `anna,f1,true,CONFIRMED,admins,${role('Admin')},resolved,lowest-precedence,observed,${role('Admin')},,,role,${role('Admin')},administrator-role unchecked-role,anna@example.com,\r\n`,
    )
  })

  test.each(examples)('a user who is %s', (_what, user, line) => {
    expect(ndjsonLine(user)).toBe(`${line}\n`)
  })

  law(
    'a line is the user as JSON, with the keys in their order',
    ndjsonOf,
    line => line.replace('"rule"', '"Rule"'),
    line =>
      fc.property(users, user => {
        const { username, resolution, selection, ...details } = user
        const { groups, roles, outcome, rule, evidence, preferredRole, candidateRole, unknownGroups } = resolution
        const findings = findingsOf(user)
        const expected = {
          username,
          ...inOrder(details, ['sub', 'enabled', 'status', 'attributes']),
          groups,
          roles,
          outcome,
          rule,
          evidence,
          ...(preferredRole !== undefined && { preferredRole }),
          ...(candidateRole !== undefined && { candidateRole }),
          ...(unknownGroups.length > 0 && { unknownGroups }),
          ...(selection && { credentials: inOrder(selection, ['outcome', 'rule', 'roleArn', 'candidates']) }),
          ...(findings.length > 0 && { findings }),
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
    ndjsonOf,
    (_line, { username }) => `${JSON.stringify({ username })}\n`,
    line =>
      fc.property(users, user => {
        for (const made of twice(line)(user)) expect(made.match(/[\n\r\v\f\u0085\u2028\u2029]/g)).toEqual(['\n'])
      }),
  )

  law(
    'a line is well-formed Unicode',
    ndjsonOf,
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

  test('a resolution is read again unless it is frozen', () => {
    const changing = user('a', [admins])
    ndjsonLine(changing)
    csvLine(changing)
    Object.assign(changing.resolution, { outcome: 'none' })
    expect(JSON.parse(ndjsonLine(changing)).outcome).toBe('none')
    expect(parseCsv(csvLine(changing))[0]![6]).toBe('none')
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
    'sub',
    'enabled',
    'status',
    'groups',
    'roles',
    'outcome',
    'rule',
    'evidence',
    'preferredRole',
    'candidateRole',
    'unknownGroups',
    'credentials',
    'credentialsRole',
    'findings',
  ]
  const withAttributes = [...fieldNames, 'attribute:email', 'attribute:__proto__']

  test('the first line names the columns', () => {
    expect(csv.head()).toBe(`${fieldNames.join(',')}\r\n`)
    expect(csvWithAttributes.head()).toBe(`${withAttributes.join(',')}\r\n`)
    expect(csvColumns(HEAD)).toEqual(withAttributes)
    expect(csv.tail(createAuditSummary({ groups: [], semantics: 'observed' }).summary())).toBe('')
  })

  function fieldsOf(user: UserAudit): readonly string[] {
    const { username, sub = '', enabled = '', status = '', attributes = {}, resolution, selection } = user
    const { groups, roles, outcome, rule, evidence, preferredRole = '', candidateRole = '', unknownGroups } = resolution
    return [
      username,
      sub,
      `${enabled}`,
      status,
      groups.join(' '),
      roles.join(' '),
      outcome,
      rule,
      evidence,
      preferredRole,
      candidateRole,
      unknownGroups.join(' '),
      selection?.outcome ?? '',
      selection?.roleArn ?? '',
      findingsOf(user).join(' '),
      ...ATTRIBUTES.map(name => (Object.hasOwn(attributes, name) ? attributes[name]! : '')),
    ]
  }

  test.each(examples)('a user who is %s', (_what, user, _line, record) => {
    expect(csvLine(user)).toBe(`${record}\r\n`)
  })

  law(
    'a file of a header and a line is read again as they were, but for formulas',
    csvOf,
    (line, { username }) => line.replace(username, username.trim()),
    line =>
      fc.property(users, user => {
        for (const made of twice(line)(user))
          expect(parseCsv(csvWithAttributes.head() + made)).toEqual([withAttributes, fieldsOf(user).map(disarmed)])
      }),
  )

  law(
    'what must have quotes has them, and nothing else',
    csvOf,
    (line, { username }) => line.replace(`"${username}"`, username),
    line =>
      fc.property(users, user => {
        const quoted = fieldsOf(user)
          .map(disarmed)
          .map(field => (/[",;\t\r\n]/.test(field) ? `"${field.split('"').join('""')}"` : field))
        expect(line(user)).toBe(`${quoted.join(',')}\r\n`)
      }),
  )

  law(
    'no field begins as a formula does',
    csvOf,
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
    expect(csvLine(user(username))).toBe(`${field},,,,,,none,no-groups,observed,,,,,,\r\n`)
  })

  test('where the semicolon separates, what a user puts after one is not a field of its own', () => {
    const firstOf = (line: string) => (line.startsWith('"') ? /^"(?:[^"]|"")*"/ : /^[^;]*/).exec(line)![0]
    expect(firstOf(csvLine(user('a;=1+1')))).toBe('"a;=1+1"')
    expect(firstOf('a;=1+1,,\r\n'), 'control: without quotes it is').toBe('a')
  })
})
