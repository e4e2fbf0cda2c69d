import { readFile } from 'node:fs/promises'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RoleCheck } from '../../src/audit/role-check.js'
import { createAuditSummary, type UserAudit } from '../../src/audit/summary.js'
import { readCalibration } from '../../src/claims/calibration.js'
import { SEMANTICS, type Semantics } from '../../src/claims/decide.js'
import { explain } from '../../src/claims/explain.js'
import { selectRoleFor } from '../../src/credentials/select-role.js'
import type { RoleMapping } from '../../src/credentials/role-mapping.js'
import { trustsIdentityPool } from '../../src/credentials/trust-policy.js'
import type { Group } from '../../src/group.js'
import { compilePool } from '../../src/pool/compile-pool.js'
import { OVERRIDE_TEXTS } from '../../src/claims/override-texts.js'
import { RULE_TEXTS, type RuleText } from '../../src/claims/rule-texts.js'
import { SELECTION_TEXTS } from '../../src/credentials/selection-texts.js'
import { createAuditPage } from '../../src/report/audit-page.js'
import { calibrationOf, ROWS } from '../calibrations.js'
import { examplePage } from './audit-page-example.js'
import { audited, GROUPS, inBrowser, MEMBERS, names, pageOf, role, useBrowser, usersOf } from './audit-page-browser.js'
import { executablePath } from './chromium.js'

describe('the rules that the page and `rolecast explain` carry', () => {
  const plain = (text: string) => text.replace(/[`*>]/g, '').replace(/’/g, "'").replace(/\s+/g, ' ')
  const page = async (name: string) => plain(await readFile(new URL(`../../docs/${name}`, import.meta.url), 'utf8'))
  const quotes = (texts: Readonly<Record<string, RuleText>>) =>
    Object.values(texts).flatMap(({ quote }) => (quote === undefined ? [] : [plain(quote)]))

  test.each([
    ['semantics.md', RULE_TEXTS],
    ['identity-pool.md', SELECTION_TEXTS],
    ['pre-token.md', OVERRIDE_TEXTS],
  ])('quote AWS as %s does, and each rule has a section there', async (name, texts) => {
    const text = await page(name)
    expect(quotes(texts).length).toBeGreaterThan(4)
    for (const quote of quotes(texts)) expect(text).toContain(quote)
    for (const rule of Object.keys(texts)) expect(text).toContain(`## ${rule} `)
  })

  test('control: a sentence that AWS does not have is noticed', async () => {
    expect(await page('semantics.md')).not.toContain(plain('The group with the highest precedence value wins.'))
  })
})

describe.skipIf(executablePath === undefined)('explanations in Chromium', () => {
  useBrowser()

  const groupName = fc.oneof(
    fc.constantFrom('{role}', '{groups}', '$&', '`', 'عمر', 'a\u202eb', 'x'.repeat(260), '__proto__', '</script>'),
    fc.string({ minLength: 1, maxLength: 6 }),
  )
  const roleArn = fc.oneof(
    fc.constantFrom(role('A'), role('B'), role('x'.repeat(300)), role('{groups}'), 'عمر', undefined),
    fc.string({ minLength: 1, maxLength: 6 }),
  )
  const precedence = fc.constantFrom(0, 1, 2, undefined)
  const group = fc.record({ groupName, precedence, roleArn })
  const pool = fc.uniqueArray(group, { selector: one => one.groupName, minLength: 1, maxLength: 12 })
  const audit = fc.record({
    pool,
    semantics: fc.constantFrom(...SEMANTICS),
    sets: fc.array(fc.array(fc.nat(11), { maxLength: 9 }), { minLength: 1, maxLength: 40 }),
  })

  function pageOfCase(groups: readonly Group[], semantics: Semantics, sets: readonly (readonly number[])[]) {
    const compiled = compilePool(groups, { semantics })
    const resolutions = sets.map(set => compiled.resolve(set.map(index => groups[index % groups.length]!.groupName)))
    const users = resolutions.map((resolution, index) => ({ username: `user-${index}`, resolution }))
    return { resolutions, html: audited(users, { groups, semantics }).html }
  }

  test('each is what `explain` says, for any groups', async () => {
    await fc.assert(
      fc.asyncProperty(audit, ({ pool: groups, semantics, sets }) => {
        const { html, resolutions } = pageOfCase(groups, semantics, sets)
        return inBrowser(html, async ({ page }) => {
          const shown = await page.evaluate(
            'names.map((_, user) => [reasonOf(user, rowOf(user).decides), tables.evidence[hows[howIds[user]][2]]])',
          )
          expect(shown).toEqual(resolutions.map(explain).map(({ reason, evidence }) => [reason, evidence]))
        })
      }),
      { numRuns: 10 },
    )
  })

  test.each(['roles-compete', 'tied-groups-agree'] as const)('what a calibration settles names it (%s)', truth => {
    const calibration = readCalibration(calibrationOf(truth))
    const groups: readonly Group[] = ROWS['one-role-twice-and-none']
    const resolution = compilePool(groups, { calibration }).resolve(groups.map(({ groupName }) => groupName))
    expect(resolution.evidence).toBe('calibrated')
    const counter = createAuditSummary({ groups, calibration })
    const page = createAuditPage({ toolVersion: '1.2.3' })
    const user = { username: 'anna', resolution }
    const row = page.row(user, counter.add(user))
    const summary = counter.summary()
    return inBrowser(page.head(summary) + row + page.tail(summary), async ({ page: shown }) => {
      const { reason, evidence } = explain(resolution)
      expect(await shown.evaluate('[reasonOf(0, rowOf(0).decides), tables.evidence[hows[howIds[0]][2]]]')).toEqual([
        reason,
        evidence,
      ])
    })
  })

  test('control: a sentence of the page that is not that of `explain` is noticed', () => {
    const { html, resolutions } = pageOfCase(GROUPS, 'observed', [[0]])
    return inBrowser(html.replace('ranks first', 'ranks last'), async ({ page }) => {
      expect(await page.evaluate('reasonOf(0, rowOf(0).decides)')).not.toBe(explain(resolutions[0]!).reason)
    })
  })

  test('every rule occurs, and is explained as `explain` does', () => {
    const groups = [
      ...GROUPS,
      ...Array.from({ length: 7 }, (_, index) => ({
        groupName: `tied-${index}`,
        precedence: 1,
        roleArn: role(`R${index}`),
      })),
    ]
    const members = { ...MEMBERS, many: groups.slice(-7).map(one => one.groupName), plain: ['newsletter'] }
    const users = usersOf(members, groups, 'observed')
    expect(new Set(users.map(({ resolution }) => resolution.rule)).size).toBe(7)
    return inBrowser(audited(users, { groups }).html, async ({ page }) => {
      for (const toggle of await page.locator('.toggle').all()) await toggle.click()
      expect(await page.locator('.reason').allInnerTexts()).toEqual(users.map(user => explain(user.resolution).reason))
    })
  })

  test('each links to its rule, which stands in the page', () =>
    inBrowser(examplePage(), async ({ page, complaints }) => {
      await page.evaluate('document.querySelectorAll(".toggle").forEach(toggle => toggle.click())')
      const targets = await page.locator('td.why a').evaluateAll(links => links.map(link => link.getAttribute('href')!))
      const distinct = [...new Set(targets)]
      expect(distinct.filter(target => target.startsWith('#rule-')).length).toBeGreaterThan(4)
      expect(distinct.filter(target => target.startsWith('#credentials-')).length).toBeGreaterThan(2)
      for (const target of distinct) expect(await page.locator(target).count(), target).toBe(1)
      await page.fill('#search', 'ambiguous')
      await page.locator('.toggle').first().click()
      await page.locator('td.why a', { hasText: 'conflicting-roles' }).first().click()
      const { says, page: source } = RULE_TEXTS['conflicting-roles']
      const section = page.locator('#rule-conflicting-roles')
      for (const words of [says, source!]) expect(await section.innerText()).toContain(words)
      expect(await section.evaluate(one => one === one.ownerDocument.activeElement)).toBe(true)
      expect(complaints).toEqual([])
    }))

  test('credentials are explained: the role or why there is none, and of what is not known every reading', () => {
    const rules: RoleMapping = {
      Type: 'Rules',
      AmbiguousRoleResolution: 'Deny',
      RulesConfiguration: {
        Rules: [
          { Claim: 'cognito:groups', MatchType: 'Contains', Value: 'admins', RoleARN: role('ByRule') },
          { Claim: 'custom:dept', MatchType: 'Equals', Value: 'Sales', RoleARN: role('Sales') },
        ],
      },
    }
    const users: readonly UserAudit[] = usersOf({ ada: ['admins'], ben: ['editors'] }, GROUPS, 'observed').map(
      user => ({
        ...user,
        selection: selectRoleFor(user.resolution, rules, { roles: {} }),
      }),
    )
    const identityPool = { identityPoolId: 'eu-west-1:pool', mapping: 'Rules' } as const
    return inBrowser(audited(users, { identityPool }).html, async ({ page }) => {
      for (const toggle of await page.locator('.toggle').all()) await toggle.click()
      const [ada, ben] = (await page.locator('td.why').allInnerTexts()).map(text => text.replace(/\s+/g, ' '))
      expect(ada).toContain(`${role('ByRule')} The first rule of the mapping that matches`)
      expect(ada).toContain('It is rule 0 of the mapping, counted from 0.')
      expect(ben).toContain(`Not known: one of these ${role('Sales')} by mapping-rule Denied by ambiguous-denied`)
      expect(ben).toContain('It is rule 1 of the mapping, counted from 0. Do not grant access based on it.')
      const cells = await page.locator('td.credentials').allInnerTexts()
      expect(cells).toEqual([role('ByRule'), 'Not known'])
      await page.selectOption('#filter-credentials', role('Sales'))
      expect(await names(page)).toEqual([])
      expect(await page.getByRole('status').innerText()).toMatch(/1 more may get this role/)
    })
  })

  test('a user’s details are told as far as they are known', () => {
    const [first, second] = usersOf({ ada: ['admins'], ben: [] }, GROUPS, 'observed')
    const details = { sub: '1-2-3', status: 'CONFIRMED', enabled: true, attributes: { email: 'ada@example.com' } }
    return inBrowser(audited([{ ...first!, ...details }, second!]).html, async ({ page }) => {
      for (const toggle of await page.locator('.toggle').all()) await toggle.click()
      expect(await page.locator('td.why dl').allInnerTexts()).toEqual([
        'Sign-in\nenabled\nStatus\nCONFIRMED\nsub\n1-2-3\nemail\nada@example.com',
      ])
    })
  })
})

describe.skipIf(executablePath === undefined)('what a manager needs', () => {
  useBrowser()

  const fits = (locator: string, height: number) =>
    `(() => { const { top, bottom } = document.querySelector(${JSON.stringify(locator)}).getBoundingClientRect(); return top >= 0 && bottom <= ${height} })()`

  test.each([
    ['1280x800', { width: 1280, height: 800 }, '.glance > div:first-child'],
    ['390x844', { width: 390, height: 844 }, '.glance li:first-child'],
  ])('stands on the first screen at %s', (_, viewport, findings) =>
    inBrowser(
      examplePage(),
      async ({ page }) => {
        for (const part of ['h1', '.facts', '.sentence', '.changed', '.tally', findings])
          expect(await page.evaluate(fits(part, viewport.height)), part).toBe(true)
        expect((await page.locator('.facts').innerText()).replace(/\s+/g, ' ')).toBe(
          'User pool eu-west-1_Ab12Cd34e Account 111122223333 Region eu-west-1 Read 2026-11-28 08:00:03 to 08:02:41 UTC Strategy per-group Semantics observed Identity pool eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6 Tool rolecast 0.1.0',
        )
        expect((await page.locator('.tally').innerText()).replace(/\s+/g, ' ')).toBe(
          'Errors 5 52 users Warnings 5 81 users Notes 2 32 users',
        )
      },
      { viewport },
    ),
  )

  test('control: on a screen of half the height it would not', () =>
    inBrowser(examplePage(), async ({ page }) => {
      expect(await page.evaluate(fits('.glance > div:first-child', 400))).toBe(false)
    }))

  test('the findings come worst first, with their users in plain words', () =>
    inBrowser(examplePage(), async ({ page }) => {
      const rows = await page.locator('.glance li:has(.badge)').allInnerTexts()
      const severities = rows.map(row => row.split(/\s/)[0])
      expect(severities).toEqual([...Array(5).fill('error'), ...Array(5).fill('warning'), ...Array(2).fill('note')])
      expect(rows[2]!.replace(/\s+/g, ' ')).toBe('error Roles that do not exist 1 role, 9 users')
    }))

  test('what was not looked at is reported: from files, without an identity pool and without role checks', () =>
    inBrowser(pageOf(MEMBERS, { reading: { source: 'files' } }), async ({ page }) => {
      expect((await page.locator('.facts').innerText()).replace(/\s+/g, ' ')).toBe(
        'User pool not known Account not known Region not known Read not known: files do not say when they were read Strategy from files Semantics observed Identity pool not asked about Tool rolecast 1.2.3',
      )
      expect(await page.locator('.limits li').allInnerTexts()).toEqual([
        'No identity pool was asked about: the roles are those that tokens prefer, not those whose credentials users get.',
        'Whether the roles exist, whom they trust and what they can do was not checked.',
        'For 8 users it is not known whether they are disabled; they are counted as if they were not.',
        'It is not known when the files were read from the pool, or what changed in between.',
        'What a pre token generation trigger changes in a token cannot be seen from groups.',
      ])
      expect(await page.locator('table.checks, table.credentials').count()).toBe(0)
    }))

  test('each role check says what IAM has, and what was not checked', () => {
    const policy = { Version: '2012-10-17', Statement: [] }
    const pool = 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6'
    const checks: readonly RoleCheck[] = [
      { roleArn: role('A'), status: 'exists' },
      { roleArn: role('B'), status: 'missing', why: 'IAM has `role/b` <in another path>.' },
      { roleArn: role('C'), status: 'unknown', why: 'It is in another account.' },
      {
        roleArn: role('D'),
        status: 'exists',
        trust: trustsIdentityPool(policy, pool),
        privileges: {
          attached: ['Read'],
          inline: ['more'],
          administrator: undefined,
          notRead: ['A policy was not read.'],
        },
      },
    ]
    return inBrowser(pageOf(MEMBERS, { roleChecks: checks }), async ({ page }) => {
      const rows = await page.locator('.checks tbody tr').all()
      const cells = await Promise.all(rows.map(row => row.locator('td').allInnerTexts()))
      expect(cells.map(row => row.map(text => text.replace(/\s+/g, ' ')))).toEqual([
        ['exists', 'not checked', 'not checked'],
        ['does not exist IAM has `role/b` <in another path>.', '–', '–'],
        ['not known It is in another account.', '–', '–'],
        ['exists', 'no no statement allows anything', 'not known Read, more (inline) A policy was not read.'],
      ])
    })
  })
})
