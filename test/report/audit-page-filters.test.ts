import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import type { RoleCheck } from '../../src/audit/role-check.js'
import type { UserAudit } from '../../src/audit/summary.js'
import { selectRoleFor } from '../../src/credentials/select-role.js'
import {
  audited,
  GROUPS,
  inBrowser,
  MEMBERS,
  names,
  pageOf,
  role,
  status,
  useBrowser,
  usersOf,
} from './audit-page-browser.js'
import { executablePath } from './chromium.js'

const identityPool = { identityPoolId: 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6', mapping: 'Token' } as const
const mapping = { Type: 'Token', AmbiguousRoleResolution: 'Deny' } as const
const roles = { authenticated: role('Authenticated') }

/** The users of the example with credentials: some disabled, some of whom it is not known. */
const USERS: readonly UserAudit[] = usersOf(MEMBERS, GROUPS, 'observed').map(user => ({
  ...user,
  ...(user.username !== 'Farah' && { enabled: user.username !== 'gus' }),
  sub: `sub-of-${user.username}`,
  attributes: { email: `${user.username}@example.com` },
  selection: selectRoleFor(user.resolution, mapping, { roles }),
}))
const CHECKS: readonly RoleCheck[] = GROUPS.flatMap(({ roleArn }) => (roleArn ? [roleArn] : [])).map(roleArn => ({
  roleArn,
  status: roleArn.endsWith('Editor') ? 'missing' : 'exists',
}))
const page = () => audited(USERS, { identityPool, roleChecks: CHECKS }).html

/** Chooses an option by its words, whatever number is behind them. */
async function choose(opened: Page, filter: string, words: string): Promise<void> {
  const label = (await optionsOf(opened, filter)).find(text => text.replace(/ \(\d+\)$/, '') === words)!
  await opened.selectOption(`#filter-${filter}`, { label })
}
const optionsOf = (opened: Page, filter: string) => opened.locator(`#filter-${filter} option`).allInnerTexts()
const fragmentOf = (opened: Page) => opened.evaluate('decodeURIComponent(location.hash)')

describe.skipIf(executablePath === undefined)('the filters', () => {
  useBrowser()

  test('offer every finding, outcome, role and status with its users', () =>
    inBrowser(page(), async ({ page: opened }) => {
      expect(await optionsOf(opened, 'finding')).toEqual([
        'All (8)',
        'Any finding (7)',
        'Users with a tie on different roles (1)',
        'Users whose preferred role is not known (1)',
        'Roles that do not exist (1)',
        'Roles that could not be fully checked (5)',
        'Users who get no credentials (2)',
        'Users whose only roles are on groups without a precedence (1)',
        'Users with groups that the pool does not have (1)',
        'Users without any role (1)',
        'No finding (0)',
      ])
      expect(await optionsOf(opened, 'role')).toEqual([
        'All (8)',
        'Admin (2)',
        'Contractor (0)',
        'Customer (1)',
        'Editor (1)',
        'Operator (0)',
        'Security (0)',
        'None (3)',
        'Not known (1)',
      ])
      expect(await optionsOf(opened, 'credentials')).toEqual([
        'All (8)',
        'Admin (2)',
        'Contractor (1)',
        'Customer (2)',
        'Editor (1)',
        'Operator (0)',
        'Security (0)',
        'Denied (2)',
        'Not known (0)',
      ])
      expect(await optionsOf(opened, 'status')).toEqual(['All (8)', 'Disabled (1)', 'Enabled (6)', 'Not known (1)'])
    }))

  test('combine with one another and with the search', () =>
    inBrowser(page(), async ({ page: opened }) => {
      await choose(opened, 'credentials', 'Customer')
      await expect.poll(() => names(opened)).toEqual(['chloe', 'Farah'])
      await choose(opened, 'outcome', 'Resolved')
      await expect.poll(() => names(opened)).toEqual(['Farah'])
      await choose(opened, 'finding', 'Users with groups that the pool does not have')
      await expect.poll(() => names(opened)).toEqual(['Farah'])
      await choose(opened, 'status', 'Enabled')
      await expect.poll(() => names(opened)).toEqual([])
      await opened.getByRole('button', { name: 'Clear filters' }).click()
      await expect.poll(() => names(opened)).toEqual(Object.keys(MEMBERS))
      await choose(opened, 'role', 'Admin')
      await opened.fill('#search', 'zoe@example')
      await expect.poll(() => names(opened)).toEqual(['Zoe'])
      await opened.fill('#search', 'sub-of-gus')
      await expect.poll(() => names(opened)).toEqual(['gus'])
    }))

  test('a disabled user is marked, counted apart, and in no finding and not among those without one', () =>
    inBrowser(page(), async ({ page: opened }) => {
      expect(await status(opened)).toBe('8 of 8 users match, 1 of them disabled; rows 1–8 are shown')
      await choose(opened, 'status', 'Disabled')
      expect(await opened.getByRole('row', { name: 'gus' }).getByText('disabled').count()).toBe(1)
      await choose(opened, 'finding', 'No finding')
      await expect.poll(() => names(opened)).toEqual([])
      await choose(opened, 'finding', 'Any finding')
      await expect.poll(() => names(opened)).toEqual([])
    }))

  test('of a role also show users who may have it, without counting them as users who have it', () =>
    inBrowser(page(), async ({ page: opened }) => {
      await choose(opened, 'role', 'Customer')
      await expect.poll(() => names(opened)).toEqual(['Farah'])
      expect(await status(opened)).toContain('. 1 more may get this role: it is not known whether they do')
      await choose(opened, 'outcome', 'Resolved')
      expect(await status(opened)).not.toContain('may get')
    }))

  test('two roles of the same name are distinguished by their ARNs', () => {
    const twice = [
      { groupName: 'a', precedence: 1, roleArn: role('team-a/Reader') },
      { groupName: 'b', precedence: 2, roleArn: role('team-b/Reader') },
    ]
    return inBrowser(pageOf({ one: ['a'], two: ['b'] }, { groups: twice }), async ({ page: opened }) => {
      expect((await optionsOf(opened, 'role')).slice(1, 3)).toEqual([
        `${role('team-a/Reader')} (1)`,
        `${role('team-b/Reader')} (1)`,
      ])
    })
  })

  test('are in the address, and an address sets them', () =>
    inBrowser(page(), async ({ page: opened, complaints }) => {
      await choose(opened, 'role', 'Admin')
      await choose(opened, 'status', 'Enabled')
      await opened.fill('#search', ' zo&e=#')
      const address = await fragmentOf(opened)
      expect(address).toBe(`#users?role=${role('Admin')}&status=enabled&search=zo&e=#`)
      const link = (await opened.evaluate('location.href')) as string
      await opened.evaluate('location.hash = "#rules"')
      expect(await opened.inputValue('#search')).toBe(' zo&e=#')
      await opened.goto('about:blank')
      await opened.goto(link)
      expect(await opened.inputValue('#filter-role')).toBe(role('Admin'))
      expect(await opened.inputValue('#filter-status')).toBe('enabled')
      expect(await opened.inputValue('#search')).toBe('zo&e=#')
      await opened.evaluate('location.hash = "#users?outcome=ambiguous"')
      await expect.poll(() => opened.locator('#filter-outcome').inputValue()).toBe('ambiguous')
      await expect.poll(() => names(opened)).toEqual(['amir'])
      expect(await opened.inputValue('#filter-role')).toBe('')
      expect(await opened.evaluate('document.activeElement.id')).toBe('users')
      await opened.getByRole('button', { name: 'Clear filters' }).click()
      expect(await fragmentOf(opened)).toBe('#users')
      expect(await opened.getByRole('button', { name: 'Clear filters' }).count()).toBe(0)
      expect(complaints).toEqual([])
    }))

  test('an address that asks for what the page does not have shows nobody, and says so', () =>
    inBrowser(page(), async ({ page: opened }) => {
      await opened.evaluate('location.hash = "#users?finding=<b>gone</b>&role=__proto__"')
      await expect.poll(() => opened.locator('#filter-finding').inputValue()).not.toBe('')
      await expect.poll(() => names(opened)).toEqual([])
      expect((await optionsOf(opened, 'finding')).at(-1)).toBe('<b>gone</b> (not on this page)')
      expect(await opened.locator('b', { hasText: 'gone' }).count()).toBe(0)
    }))

  test('each finding has a way to its users, and each role to those who have it', () =>
    inBrowser(page(), async ({ page: opened }) => {
      const finding = opened.locator('#finding-no-credentials')
      await finding.getByRole('link', { name: 'Show the users' }).click()
      await expect.poll(() => opened.locator('#filter-finding').inputValue()).toBe('no-credentials')
      await expect.poll(() => names(opened)).toEqual(['amir', 'emil'])
      await opened.locator('table.roles').getByRole('row', { name: 'Customer' }).getByRole('link').click()
      await expect.poll(() => opened.locator('#filter-role').inputValue()).not.toBe('')
      await expect.poll(() => names(opened)).toEqual(['Farah'])
      await opened.locator('table.credentials').getByRole('row', { name: 'Customer' }).getByRole('link').click()
      await expect.poll(() => opened.locator('#filter-credentials').inputValue()).not.toBe('')
      await expect.poll(() => names(opened)).toEqual(['chloe', 'Farah'])
      await opened.locator('#glance ~ div').getByRole('link', { name: '1 role, 1 user' }).click()
      await expect.poll(() => opened.locator('#filter-finding').inputValue()).toBe('missing-role')
      await expect.poll(() => names(opened)).toEqual(['Bela'])
    }))

  test('without JavaScript no link leads nowhere', () =>
    inBrowser(
      page(),
      async ({ page: opened }) => {
        expect(await opened.getByText('Show the users').first().isVisible()).toBe(false)
        const hrefs = await opened.locator('a').evaluateAll(links => links.map(link => link.getAttribute('href')!))
        expect(hrefs.length).toBeGreaterThan(10)
        for (const href of hrefs) expect(await opened.locator(href).count(), href).toBe(1)
      },
      { javaScriptEnabled: false },
    ))
})

describe.skipIf(executablePath === undefined)('printing', () => {
  useBrowser()

  const many = (number: number) =>
    Object.fromEntries(
      Array.from({ length: number }, (_, index) => [`user-${index}`, index % 2 === 0 ? ['admins'] : []]),
    )
  const beforePrint = 'dispatchEvent(new Event("beforeprint"))'
  const rowCount = (opened: Page) => opened.locator('#users-body tr.row').count()

  test('prints every user that matches, with the names of the groups, and then shows the page as it was', () =>
    inBrowser(pageOf(many(450)), async ({ page: opened, complaints }) => {
      await opened.evaluate(
        'addEventListener("beforeprint", () => { window.printed = document.querySelectorAll("#users-body tr.row").length })',
      )
      await opened.pdf()
      expect(await opened.evaluate('window.printed')).toBe(450)
      expect(await rowCount(opened)).toBe(100)
      await choose(opened, 'outcome', 'Resolved')
      await opened.emulateMedia({ media: 'print' })
      await opened.evaluate(beforePrint)
      expect(await rowCount(opened)).toBe(225)
      expect(await opened.locator('#printed').innerText()).toBe(
        '225 of 450 users match. All of them are printed. Filtered by Outcome: Resolved (225).',
      )
      expect(await opened.locator('#users-body tr.row').first().locator('td.groups').innerText()).toBe('admins')
      expect(
        await opened
          .locator('nav, .tools, .pager, button')
          .evaluateAll(all => all.filter(one => one.checkVisibility()).length),
      ).toBe(0)
      await opened.emulateMedia({ media: 'screen' })
      await opened.evaluate('dispatchEvent(new Event("afterprint"))')
      expect(await rowCount(opened)).toBe(100)
      expect(complaints).toEqual([])
    }))

  test('of more users than a browser can print, it says how many are left out', () =>
    inBrowser(pageOf(many(10_250)), async ({ page: opened }) => {
      await opened.emulateMedia({ media: 'print' })
      await opened.evaluate(beforePrint)
      expect(await rowCount(opened)).toBe(10_000)
      expect(await opened.locator('#printed').innerText()).toBe(
        '10,250 of 10,250 users match. The first 10,000 of them are printed, and 250 are not: filter the users and print again.',
      )
    }))

  test('a row that is open is printed with its explanation, and lists of roles and changes whole', () => {
    const changes = Array.from({ length: 30 }, (_, index) => ({
      change: 'group-appeared' as const,
      groupName: `new-${index}`,
    }))
    return inBrowser(pageOf(MEMBERS, { changes }), async ({ page: opened }) => {
      await opened.getByRole('button', { name: 'Explain amir' }).click()
      await opened.emulateMedia({ media: 'print', colorScheme: 'dark' })
      await opened.evaluate(beforePrint)
      expect(await opened.locator('td.why').innerText()).toContain('tie for the first rank')
      expect(await opened.locator('.changes li:visible').count()).toBe(30)
      expect(await opened.evaluate('getComputedStyle(document.body).color')).toBe('rgb(27, 32, 39)')
      await opened.evaluate('dispatchEvent(new Event("afterprint"))')
      await opened.emulateMedia({ media: 'screen' })
      expect(await opened.locator('.changes li:visible').count()).toBe(10)
      expect(await opened.getByRole('button', { name: 'Explain amir' }).getAttribute('aria-expanded')).toBe('true')
    })
  })
})
