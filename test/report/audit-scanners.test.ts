import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CONCERN_NAMES, type AuditConcern } from '../../src/audit/concerns.js'
import type { AuditSummary } from '../../src/audit/summary.js'
import type { RoleCheck } from '../../src/audit/role-check.js'
import { auditOcsf, checkOcsfTime, OCSF_VERSION } from '../../src/report/audit-ocsf.js'
import { auditSarif } from '../../src/report/audit-sarif.js'
import { groupNames, pools, semantics } from '../arbitraries.js'
import { type Audited, CHANGES, GROUPS, READING, role, summaryOf, USERS, WHOLE } from './audit-summaries.js'

const fixture = (path: string) => JSON.parse(readFileSync(new URL(`../fixtures/${path}`, import.meta.url), 'utf8'))
const OPTIONS = { toolVersion: '1.2.3' }

const sarifAjv = new Ajv({ strict: false })
addFormats.default(sarifAjv)
// Of draft 4, of which it uses nothing that later drafts read otherwise.
const { $schema: _draft, id: _id, ...sarifSchema } = fixture('sarif-schema-2.1.0.json')
const isSarif = sarifAjv.compile(sarifSchema)
// The patterns of OCSF are not written for the `u` flag.
const isFinding = new Ajv2020({ strict: false, unicodeRegExp: false }).compile(
  fixture(`ocsf/compliance-finding-${OCSF_VERSION}.schema.json`),
)

const sarifOf = (summary: AuditSummary) => JSON.parse(auditSarif(summary, OPTIONS))
const resultsOf = (summary: AuditSummary) => sarifOf(summary).runs[0].results
const recordsOf = (summary: AuditSummary) =>
  auditOcsf(summary, OPTIONS)
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))

const audits: fc.Arbitrary<Audited> = fc.tuple(pools, semantics).chain(([groups, semantics]) => {
  const names = fc.constantFrom(...groups.map(group => group.groupName), 'ghost')
  const users = fc.array(fc.record({ username: groupNames, groups: fc.array(names, { maxLength: 4 }) }), {
    maxLength: 4,
  })
  return fc.record({
    groups: fc.constant(groups),
    semantics: fc.constant(semantics),
    users,
    changes: fc.constantFrom([], CHANGES),
    mapping: fc.constantFrom(undefined, WHOLE.mapping),
    roleChecks: fc.constantFrom(undefined, [], WHOLE.roleChecks),
    reading: fc.constantFrom(READING, { source: 'cognito' as const, endedAt: READING.endedAt }),
  })
})

test('no result names a user', () => {
  const text = auditSarif(summaryOf(WHOLE), OPTIONS) + auditOcsf(summaryOf(WHOLE), OPTIONS)
  for (const { username } of USERS) expect(text).not.toMatch(new RegExp(`"${username}"|\\b${username}\\b`))
  expect(text).not.toContain('secret-user')
})

describe('SARIF', () => {
  test('of any audit is valid', () => {
    fc.assert(
      fc.property(audits, audited => {
        isSarif(sarifOf(summaryOf(audited)))
        expect(isSarif.errors).toBeNull()
      }),
      { numRuns: 100 },
    )
  })

  test('control: the schema rejects a misspelt key, and a level that there is not', () => {
    const change = (edit: (result: Record<string, unknown>) => void) => {
      const sarif = sarifOf(summaryOf(WHOLE))
      edit(sarif.runs[0].results[0])
      return isSarif(sarif)
    }
    expect(change(() => {})).toBe(true)
    expect(change(result => (result['lvel'] = 'error'))).toBe(false)
    expect(change(result => (result['level'] = 'fatal'))).toBe(false)
  })

  test('has a result for each role and group, and one for each finding about users', () => {
    const summary = summaryOf(WHOLE)
    const expected = summary.findings.flatMap(({ concern, groups, roles }) => {
      const names: readonly (string | undefined)[] = [...groups, ...roles]
      return (names.length > 0 ? names : [undefined]).map(name => [concern, name])
    })
    const found = resultsOf(summary).map((result: any) => {
      const { fullyQualifiedName } = result.locations[0].logicalLocations[0]
      return [result.ruleId, fullyQualifiedName === 'eu-west-1_Example' ? undefined : fullyQualifiedName]
    })
    expect(found).toEqual(expected)
    expect(found).toContainEqual(['missing-role', role('Guest')])
    expect(found).toContainEqual(['conflicting-tie', undefined])
  })

  test('says of each role and group that the number is of the whole finding', () => {
    const summary = summaryOf(WHOLE)
    const messages = resultsOf(summary).map((result: any) => result.message.text)
    const expected = summary.findings.flatMap(({ affectedUsers, groups, roles }) =>
      [...groups, ...roles].flatMap(name =>
        affectedUsers === 0
          ? []
          : `${name}. The finding concerns ${affectedUsers} user${affectedUsers === 1 ? '' : 's'} in all.`,
      ),
    )
    expect(expected.length).toBeGreaterThan(1)
    expect(messages.filter((text: string) => text.includes('in all'))).toEqual(
      expected.map(text => expect.stringContaining(text)),
    )
  })

  test('has a rule for each finding, where the result says it is', () => {
    const { results, tool } = sarifOf(summaryOf(WHOLE)).runs[0]
    expect(tool.driver.rules.map(({ id }: { id: string }) => id)).toEqual(CONCERN_NAMES)
    for (const { ruleId, ruleIndex } of results) expect(tool.driver.rules[ruleIndex].id).toBe(ruleId)
  })

  test('says when the pool was read, what changed, and what was not looked at', () => {
    const [run] = sarifOf(summaryOf({ ...WHOLE, mapping: undefined })).runs
    expect(run.invocations[0]).toMatchObject({
      startTimeUtc: READING.startedAt,
      endTimeUtc: READING.endedAt,
      toolExecutionNotifications: expect.arrayContaining([
        { level: 'note', message: { text: expect.stringContaining('No identity pool was asked about') } },
        { level: 'warning', message: { text: 'While the pool was read: user-vanished (1).' } },
      ]),
    })
    expect(run.properties).toMatchObject({
      reading: READING,
      semantics: 'observed',
      users: 7,
      disabled: 1,
      evidence: { observed: 5 },
      changes: { 'user-vanished': 1, 'group-changed': 1 },
    })
  })

  test('the fingerprint is that of the subject, whatever else changes', () => {
    const prints = (audited: Audited) =>
      new Map<string, string>(
        resultsOf(summaryOf(audited)).map((result: any) => [
          `${result.ruleId} ${result.locations[0].logicalLocations[0].fullyQualifiedName}`,
          result.partialFingerprints['rolecast-audit/v1'],
        ]),
      )
    const before = prints(WHOLE)
    const after = prints({ ...WHOLE, users: USERS.slice(1), changes: [] })
    expect(new Set(before.values()).size).toBe(before.size)
    for (const [key, print] of after) if (before.has(key)) expect(print).toBe(before.get(key))
    const elsewhere = prints({ ...WHOLE, reading: { ...READING, userPoolId: 'eu-west-1_Other' } })
    expect([...elsewhere.values()].filter(print => [...before.values()].includes(print))).toEqual([])
  })
})

describe('OCSF', () => {
  test('every record of any audit is a Compliance Finding of the version it says', () => {
    fc.assert(
      fc.property(audits, audited => {
        for (const record of recordsOf(summaryOf(audited))) {
          isFinding(record)
          expect(isFinding.errors).toBeNull()
          expect(record.metadata.version).toBe(OCSF_VERSION)
        }
      }),
      { numRuns: 100 },
    )
  })

  test.each<[string, (record: any) => void]>([
    ['a required attribute that is missing', record => delete record.time],
    ['a required attribute of an object that is missing', record => delete record.finding_info.uid],
    ['a resource without a name and an id', record => (record.resources = [{ type: 'AwsIamRole' }])],
    ['a number that is not in the list', record => (record.severity_id = 7)],
    ['a number of another class', record => (record.class_uid = 2004)],
    ['a misspelt attribute', record => (record.mesage = 'x')],
    ['a time in words', record => (record.time = READING.endedAt)],
    ['a time that is none', record => (record.time_dt = 'yesterday')],
  ])('control: the schema rejects %s', (_what, edit) => {
    const [record] = recordsOf(summaryOf(WHOLE))
    expect(isFinding(record)).toBe(true)
    edit(record)
    expect(isFinding(record)).toBe(false)
  })

  const statusOf = (summary: AuditSummary, concern: AuditConcern) =>
    recordsOf(summary)
      .filter(record => record.metadata.event_code === concern)
      .map(record => record.compliance.status)

  test('reports a pass for what was looked for and not found, and no result for what was not looked for or is not known', () => {
    const bare = summaryOf({ reading: READING })
    expect(statusOf(bare, 'too-many-groups')).toEqual(['Pass'])
    expect(statusOf(bare, 'missing-role')).toEqual(['Warning'])
    expect(statusOf(bare, 'no-credentials')).toEqual(['Warning'])
    expect(statusOf(bare, 'undetermined')).toEqual(['Warning'])
    expect(statusOf(bare, 'conflicting-tie')).toEqual(['Fail'])
    const whole = summaryOf(WHOLE)
    expect(statusOf(whole, 'missing-role')).toEqual(['Fail'])
    expect(statusOf(whole, 'unchecked-role')).toEqual(['Warning', 'Warning'])
    expect(statusOf(whole, 'unjudged-privileges')).toEqual(['Warning'])
    const unasked = summaryOf({ ...WHOLE, roleChecks: [] })
    expect(statusOf(unasked, 'administrator-role')).toEqual(['Warning'])
  })

  const [admin, , , hr] = WHOLE.roleChecks!
  const trusting = admin!.trust!
  const known: readonly RoleCheck[] = GROUPS.flatMap(({ roleArn }) =>
    roleArn ? [{ ...admin!, roleArn, privileges: { ...admin!.privileges!, administrator: false } }] : [],
  )
  const privileges = { ...admin!.privileges!, administrator: undefined }
  const one = (change: Partial<RoleCheck>) => [{ ...known[0]!, ...change }, ...known.slice(1)]
  const OF_ROLES = [
    'missing-role',
    'untrusted-role',
    'administrator-role',
    'role-open-to-others',
    'unjudged-privileges',
  ] as const

  test.each<[string, readonly RoleCheck[], readonly AuditConcern[], number]>([
    ['a role that could not be read', [{ ...hr!, roleArn: known[0]!.roleArn }, ...known.slice(1)], OF_ROLES, 1],
    ['roles that are not among the checks', known.slice(2), OF_ROLES, 2],
    ['a role whose trust was not judged', one({ trust: undefined }), ['untrusted-role', 'role-open-to-others'], 1],
    ['a role whose trust is not known', one({ trust: { ...trusting, trusted: undefined } }), ['untrusted-role'], 1],
    ['a role that guests may assume', one({ trust: { ...trusting, guests: undefined } }), ['role-open-to-others'], 1],
    ['a role whose policies are not judged', one({ privileges }), ['administrator-role'], 1],
    [
      'a role whose policies were not read',
      one({ privileges: undefined }),
      ['administrator-role', 'unjudged-privileges'],
      1,
    ],
    ['control: no role', known, [], 0],
  ])('has no result of what is not known for %s', (_what, roleChecks, open, count) => {
    const records = recordsOf(summaryOf({ ...WHOLE, roleChecks }))
    const absent = (concern: AuditConcern) => records.find(record => record.metadata.event_code === concern)
    for (const concern of OF_ROLES.filter(name => absent(name).resources[0].type !== 'AwsIamRole')) {
      const isOpen = open.includes(concern)
      expect(absent(concern)).toMatchObject({
        status: isOpen ? 'New' : 'Resolved',
        message: expect.stringMatching(
          isOpen ? new RegExp(`: not known for ${count} role${count === 1 ? '' : 's'}\\.$`) : /: none\.$/,
        ),
        compliance: { status: isOpen ? 'Warning' : 'Pass' },
      })
    }
  })

  test('does not say that all users get credentials where that is not known of some', () => {
    const { credentials, ...summary } = summaryOf(WHOLE)
    const messageOf = (undetermined: number) =>
      recordsOf({
        ...summary,
        credentials: { ...credentials!, outcomes: { role: 6, denied: 0, undetermined } },
        findings: [],
      }).find(record => record.metadata.event_code === 'no-credentials')
    expect(messageOf(3)).toMatchObject({
      status: 'New',
      message: 'Users who get no credentials: not known for 3 users.',
    })
    expect(messageOf(0)).toMatchObject({ status: 'Resolved', message: 'Users who get no credentials: none.' })
  })

  test('has every finding, found or not', () => {
    const events = recordsOf(summaryOf({ reading: READING })).map(record => record.metadata.event_code)
    expect([...new Set(events)].toSorted()).toEqual(CONCERN_NAMES.toSorted())
  })

  test('has the time at which the pool was read, in milliseconds', () => {
    expect(recordsOf(summaryOf(WHOLE))[0]).toMatchObject({
      time: Date.parse('2026-11-28T10:04:30.250Z'),
      time_dt: '2026-11-28T10:04:30.250Z',
      cloud: { provider: 'AWS', region: 'eu-west-1', account: { uid: '111122223333' } },
      resources: [{ uid: 'arn:aws:cognito-idp:eu-west-1:111122223333:userpool/eu-west-1_Example' }],
    })
  })

  test.each([
    ['cn-north-1', 'aws-cn'],
    ['us-gov-west-1', 'aws-us-gov'],
    ['eu-west-1', 'aws'],
  ])('a pool in %s is of the partition %s', (region, partition) => {
    const [record] = recordsOf(summaryOf({ reading: { ...READING, region } }))
    expect(record.cloud.cloud_partition).toBe(partition)
    expect(record.resources[0].uid).toMatch(new RegExp(`^arn:${partition}:`))
  })

  test('files that do not say when they were read have none', () => {
    expect(() => checkOcsfTime({ source: 'files' })).toThrow('give --read-at TIME')
    expect(() => auditOcsf(summaryOf(), OPTIONS)).toThrow('give --read-at TIME')
    expect(() => checkOcsfTime({ source: 'files', endedAt: 'soon' })).toThrow('`soon` is not a time')
  })
})
