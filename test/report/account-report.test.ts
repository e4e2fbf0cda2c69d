import { describe, expect, test } from 'vitest'
import {
  type AccountSummary,
  type AuditedPool,
  countFindings,
  createAccountSummary,
} from '../../src/audit/account-summary.js'
import { createAuditSummary } from '../../src/audit/summary.js'
import { compilePool } from '../../src/pool/compile-pool.js'
import { accountJson, accountLine } from '../../src/report/account-json.js'
import { accountPage } from '../../src/report/account-page.js'
import { accountText } from '../../src/report/account-text.js'

const ACCOUNT = '111122223333'
const HOSTILE = '"><img src=x onerror=alert(1)></script>\u202e\u001b[31m##[error]\n::error::x'
const toolVersion = '1.2.3'

function pool(name: string | undefined, usernames: readonly string[]): AuditedPool {
  const groups = [
    { groupName: 'a', precedence: 1, roleArn: 'arn:aws:iam::111122223333:role/A' },
    { groupName: 'b', precedence: 1, roleArn: 'arn:aws:iam::111122223333:role/B' },
  ]
  const reading = {
    source: 'cognito',
    userPoolId: 'eu-west-1_Pool',
    account: ACCOUNT,
    region: 'eu-west-1',
    startedAt: '2026-11-01T10:00:00.000Z',
    endedAt: '2026-11-01T11:00:00.000Z',
    strategy: 'per-user',
  } as const
  const counter = createAuditSummary({ groups, semantics: 'observed', reading })
  const compiled = compilePool(groups, { semantics: 'observed' })
  for (const username of usernames) counter.add({ username, enabled: true, resolution: compiled.resolve(['a', 'b']) })
  const summary = counter.summary()
  return { account: ACCOUNT, region: 'eu-west-1', userPoolId: 'eu-west-1_Pool', name, audits: [{ summary }] }
}

const summaryOf = (pools: readonly AuditedPool[], more: Partial<AccountSummary> = {}): AccountSummary =>
  createAccountSummary({
    semantics: 'observed',
    accounts: [{ account: ACCOUNT, sources: [{ profile: HOSTILE }] }],
    regions: [
      {
        account: ACCOUNT,
        region: 'eu-west-1',
        listedAt: '2026-11-01T09:59:00.000Z',
        userPools: pools.length,
        identityPools: 0,
      },
    ],
    pools,
    notRead: [],
    ...more,
  })

describe('names from outside', () => {
  const hostile = summaryOf([pool(HOSTILE, [HOSTILE])], {
    notRead: [{ what: 'user-pool', account: ACCOUNT, userPoolId: HOSTILE, code: 'not-authorized', message: HOSTILE }],
  })

  test('are text in the page, and nothing in it runs or is fetched', () => {
    const page = accountPage(hostile, { toolVersion })
    expect(page).not.toContain('<img')
    expect(page).not.toContain('<script')
    expect(page).not.toMatch(/\u202e|(?!\n)\p{Cc}/u)
    expect(page).not.toMatch(/##\[|^::/m)
    expect(page).toContain(`default-src 'none'`)
    expect(page).not.toContain('script-src')
    expect(page).not.toMatch(/(?:src|href)="(?!#|data:,)/)
  })

  test('move no cursor and begin no line in the text', () => {
    const text = accountText(hostile, { color: false, toolVersion })
    expect(text).not.toMatch(/\u202e|(?!\n)\p{Cc}/u)
    expect(text).not.toMatch(/^::/m)
  })

  test('are escaped in JSON, which says the same', () => {
    expect(JSON.parse(accountJson(hostile, { toolVersion })).pools[0].name).toBe(HOSTILE)
    const line = accountLine(hostile, { toolVersion })
    expect(line.trimEnd()).not.toMatch(/\n|##\[/)
    expect(JSON.parse(line).account.pools[0].name).toBe(HOSTILE)
  })
})

describe('what was not read', () => {
  const missing = summaryOf([pool('shop', ['ann'])], {
    notRead: [
      { what: 'account', source: { profile: 'p' }, code: 'no-credentials', message: 'it failed' },
      { what: 'region', account: ACCOUNT, region: 'us-east-1', code: 'not-authorized', message: 'it failed' },
      { what: 'user-pool', account: ACCOUNT, userPoolId: 'eu-west-1_Gone', code: 'pool-not-found', message: 'gone' },
      { what: 'identity-pools', account: ACCOUNT, region: 'eu-west-1', code: 'timeout', message: 'late' },
      { what: 'identity-pool', account: ACCOUNT, identityPoolId: 'eu-west-1:0', code: 'timeout', message: 'late' },
    ],
  })

  test.each([
    ['text', () => accountText(missing, { color: false, toolVersion })],
    ['page', () => accountPage(missing, { toolVersion })],
  ])('comes first in the %s, each with its code', (_format, print) => {
    const text = print()
    for (const { code } of missing.notRead) expect(text).toContain(`[${code}]`)
    expect(text).toMatch(/5 of the accounts, Regions and pools that were asked for could not be read/)
    expect(text.search(/Not read/)).toBeLessThan(text.search(/Accounts and Regions<\/h2>|\nAccounts and Regions\n/))
  })

  test('control: nothing is reported about it where all was read', () => {
    const whole = summaryOf([pool('shop', ['ann'])])
    expect(accountText(whole, { color: false, toolVersion })).not.toMatch(/Not read|could not be read/)
    expect(accountPage(whole, { toolVersion })).not.toMatch(/Not read|could not be read/)
  })
})

test('the counts are of all pools, and a finding that several ways of one pool share counts once', () => {
  const one = pool('shop', ['ann', 'bob'])
  const twice = { ...one, audits: [one.audits[0]!, one.audits[0]!] }
  const { error, warning, note } = countFindings(one)
  expect(error).toBeGreaterThan(0)
  expect(countFindings(twice)).toEqual({ error, warning, note })
  const summary = summaryOf([one, twice])
  expect(summary).toMatchObject({
    users: 4,
    userPools: { listed: 2, read: 2 },
    findings: { error: 2 * error, warning: 2 * warning, note: 2 * note },
  })
})

test('the text counts as that of one pool does', () => {
  const text = accountText(summaryOf([pool('shop', [])]), { color: false, toolVersion })
  expect(text).toMatch(/\n {2}note: Roles that no user gets \(2\)\n {4}arn:/)
  expect(text).not.toMatch(/, 0 users|of whom 0|All its users|All of them/)
  const ofMany = accountText(
    summaryOf([
      pool(
        'shop',
        Array.from({ length: 12 }, (_, u) => `u${u}`),
      ),
    ]),
    {
      color: false,
      toolVersion,
    },
  )
  expect(ofMany).toMatch(/\n {2}error: Users with a tie on different roles \(12\)\n/)
  expect(ofMany).toContain('and 2 more\n  All of them: --finding conflicting-tie --format ndjson\n')
})

test('an audit of nothing says that it is of nothing', () => {
  const nothing = summaryOf([], { accounts: [], regions: [] })
  expect(accountText(nothing, { color: false, toolVersion })).toMatch(/read +nothing\n/)
  expect(accountPage(nothing, { toolVersion })).toContain('No user pool was read.')
})

test('a pool that no identity pool accepts is not said to have none asked about', () => {
  const { notLookedAt } = JSON.parse(accountJson(summaryOf([pool('shop', ['ann'])]), { toolVersion }))
  expect(notLookedAt).toContain(
    'No identity pool that was looked at accepts the user pool: the roles are those that tokens prefer, not those whose credentials users get.',
  )
  expect(notLookedAt.join()).not.toContain('No identity pool was asked about')
})
