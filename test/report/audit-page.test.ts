import * as fc from 'fast-check'
import type { Locator, Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { CONCERNS } from '../../src/audit/concerns.js'
import type { PoolChange } from '../../src/audit/pool-change.js'
import { resolveRoles } from '../../src/claims/resolve.js'
import { AUDIT_PAGE_SCRIPT } from '../../src/report/audit-page-script.js'
import { AUDIT_PAGE_STYLE } from '../../src/report/audit-page-style.js'
import { printable } from '../../src/text.js'
import {
  audited,
  GROUPS,
  inBrowser,
  MEMBERS,
  type Members,
  names,
  pageOf,
  role,
  status,
  useBrowser,
  usersOf,
} from './audit-page-browser.js'
import { executablePath } from './chromium.js'

/** The text of a data block. */
function blockOf(html: string, id: string): string {
  return new RegExp(`<script type="[^"]+" id="${id}">([^]*?)</script>`).exec(html)![1]!
}

type Row = readonly [username: string, how: number, role: number, groups: readonly (number | string)[]]

function rowsOf(html: string): readonly Row[] {
  const lines = blockOf(html, 'audit-users')
    .split('\n')
    .filter(line => line !== '')
  return lines.map(line => JSON.parse(line) as Row)
}

describe('the page as text', () => {
  test('its tables grow with the pool, and not with the users who differ', () => {
    const sets = Array.from({ length: 200 }, (_, index) =>
      GROUPS.filter((_group, bit) => ((index >> (bit % 8)) & 1) === 1),
    )
    const membersOf = (number: number): Members =>
      Object.fromEntries(
        Array.from({ length: number }, (_, index) => [
          `user-${index}`,
          [...sets[index % 200]!.map(group => group.groupName), `ghost-${index}`],
        ]),
      )
    const tablesOf = (number: number) => blockOf(pageOf(membersOf(number)), 'audit-tables')
    expect(rowsOf(pageOf(membersOf(1000)))).toHaveLength(1000)
    expect(tablesOf(1000)).toBe(tablesOf(200))
  })

  test('no name leaves its data, and each comes out as it is shown', () => {
    const unit = fc.oneof(
      fc.constantFrom(...'<>&\'"`\\/!-\u2028\u2029\u202e\u0000\n', '<script>', '</script', '<!--'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    )
    const names = fc.string({ unit, minLength: 1 })
    fc.assert(
      fc.property(names, username => {
        const groups = [{ groupName: username, precedence: 1 }]
        const resolution = { ...resolveRoles(groups), unknownGroups: [`${username}?`] }
        const details = { sub: username, status: username, attributes: { [username]: username } }
        const html = audited([{ username, resolution, ...details }], { groups }).html
        const [shown, , , own, , , , , ...others] = JSON.parse(blockOf(html, 'audit-users'))
        expect(shown).toBe(printable(username).replace(/[\u2068\u2069]/g, ''))
        expect(own).toEqual([0, `${shown}?`])
        expect(others).toEqual([shown, shown, [[shown, shown]]])
        expect(JSON.parse(blockOf(html, 'audit-tables')).groups[0].name).toBe(shown)
        expect(blockOf(html, 'audit-users') + blockOf(html, 'audit-tables')).not.toMatch(/[<>&\u2028\u2029]/)
      }),
    )
  })

  test('one pool gives one page', () => {
    expect(pageOf()).toBe(pageOf())
  })

  test('nothing in the script or the style ends its element', () => {
    expect(AUDIT_PAGE_SCRIPT).not.toMatch(/<\/script|<!--/i)
    expect(AUDIT_PAGE_STYLE).not.toMatch(/<\/style|url\(|@import/i)
  })

  test('the script makes no markup from text', () => {
    expect(AUDIT_PAGE_SCRIPT).not.toMatch(
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|Function\(|\.style\b/,
    )
  })
})

if (executablePath === undefined) {
  const isCI = process.env['CI'] !== undefined
  test.skipIf(!isCI)('skipped: no chromium', () => {
    throw new Error('no chromium; in CI it must be there: apt-get install chromium, or set CHROMIUM to its path')
  })
}

describe.skipIf(executablePath === undefined)('the page in Chromium', () => {
  useBrowser()

  const flag = (page: Page) => page.evaluate('window.hacked')

  describe('opening it', () => {
    test('no error and no request', () =>
      inBrowser(pageOf(), async ({ page, complaints }) => {
        await page.fill('#search', 'a')
        await page.locator('.toggle').first().click()
        expect(complaints).toEqual([])
      }))

    test('control: a request and an error are seen', () =>
      inBrowser(
        '<!doctype html><img src="missing.png"><script>throw new Error("planted")</script>',
        async ({ complaints }) => {
          expect(complaints).toEqual(expect.arrayContaining([expect.stringContaining('missing.png'), 'planted']))
        },
      ))

    test('the figures are those of the summary', () =>
      inBrowser(pageOf(), async ({ page }) => {
        expect(await page.title()).toBe('Role audit of eu-west-1_Example · rolecast')
        expect(await page.locator('.figures div').allInnerTexts()).toEqual([
          'Users\n8',
          'Groups\n9',
          'Memberships\n16',
          'Roles\n6',
        ])
        expect(await page.locator('.outcome-list dd:nth-of-type(1)').allInnerTexts()).toEqual([
          '4 users (50.0%)',
          '1 user (12.5%)',
          '1 user (12.5%)',
          '2 users (25.0%)',
        ])
      }))

    test('the ladder has each group with its members, and marks what is special about it', () =>
      inBrowser(pageOf(), async ({ page }) => {
        const rows = await page.locator('.ladder tbody tr').all()
        const texts = await Promise.all(rows.map(row => row.locator('th, td').allInnerTexts()))
        expect(texts).toEqual([
          ['0', 'admins', role('Admin'), '', '2'],
          ['5', 'on-call', role('Operator'), 'Tie, roles differ', '1'],
          ['5', 'security', role('Security'), 'Tie, roles differ', '1'],
          ['10', 'authors', role('Editor'), 'Tie, same role', '1'],
          ['10', 'editors', role('Editor'), 'Tie, same role', '2'],
          ['20', 'customers', role('Customer'), '', '5'],
          ['20', 'trial', 'no role', 'No role, may block', '1'],
          ['none', 'contractors', role('Contractor'), 'Never preferred', '1'],
          ['none', 'newsletter', 'no role', '', '2'],
        ])
      }))

    test('each role has its users in numbers and as a bar', () =>
      inBrowser(pageOf(), async ({ page }) => {
        const rows = await page.locator('.roles tbody tr').all()
        const texts = await Promise.all(rows.map(row => row.locator('th, td:not(.share)').allInnerTexts()))
        expect(texts).toEqual([
          [role('Admin'), '2', '25.0%'],
          [role('Customer'), '1', '12.5%'],
          [role('Editor'), '1', '12.5%'],
          [role('Contractor'), '0', '0%'],
          [role('Operator'), '0', '0%'],
          [role('Security'), '0', '0%'],
          ['No preferred role, or not known', '4', '50.0%'],
        ])
        const bars = '[...document.querySelectorAll(".roles rect")].map(bar => bar.getBoundingClientRect().width)'
        const widths = (await page.evaluate(bars)) as number[]
        expect(widths[1]! / widths[0]!).toBeCloseTo(0.5, 2)
        expect(widths[3]).toBe(0)
      }))

    test('the findings say what they mean and what to do, and list the first names', () => {
      const members = Object.fromEntries(
        Array.from({ length: 40 }, (_, index) => [`tied-${index}`, ['security', 'on-call']]),
      )
      return inBrowser(pageOf(members, { listed: 15 }), async ({ page }) => {
        const finding = page.locator('.finding').first()
        const { title, meaning, next } = CONCERNS['conflicting-tie']
        for (const words of [title, meaning, next]) await finding.getByText(words).waitFor()
        expect(await finding.locator('h3').innerText()).toMatch(
          /^error\s*Users with a tie on different roles\s*40 users$/,
        )
        expect(await finding.locator('li:visible').allInnerTexts()).toEqual(
          Array.from({ length: 10 }, (_, index) => `tied-${index}`),
        )
        await finding.getByText('and 30 more', { exact: true }).click()
        expect(await finding.locator('li:visible').count()).toBe(15)
        expect(await finding.getByText('not listed').innerText()).toBe('and 25 more that are not listed here')
      })
    })

    test('what changed while reading is told, and that nothing did', async () => {
      const changes: PoolChange[] = [
        { change: 'user-vanished', username: 'a<b' },
        { change: 'group-changed', groupName: 'admins' },
      ]
      await inBrowser(pageOf(MEMBERS, { changes }), async ({ page }) => {
        const items = await page.locator('.changes li').allInnerTexts()
        expect(items).toHaveLength(2)
        expect(items[0]).toContain('`a<b`')
      })
      await inBrowser(pageOf(), async ({ page }) => {
        expect(await page.getByText('No changes detected').count()).toBe(1)
      })
    })

    test('a pool of nothing has a page', () =>
      inBrowser(pageOf({}, { groups: [] }), async ({ page, complaints }) => {
        expect(await status(page)).toBe('No user matches')
        expect(complaints).toEqual([])
      }))

    test('without JavaScript everything but the users’ table is there, and the page says so', () =>
      inBrowser(
        pageOf(),
        async ({ page }) => {
          expect(await page.locator('noscript p').isVisible()).toBe(true)
          expect(await page.locator('#users-app').isVisible()).toBe(false)
          expect(await page.locator('.ladder tbody tr').count()).toBe(9)
          expect(await page.locator('.finding').count()).toBeGreaterThan(2)
        },
        { javaScriptEnabled: false },
      ))
  })

  describe('the users', () => {
    test('searching finds part of a name, a group, a role or an outcome, in any case', () => {
      const searches: readonly (readonly [string, readonly string[]])[] = [
        ['zo', ['Zoe']],
        ['ZOE', ['Zoe']],
        ['newsletter', ['Dana', 'gus']],
        ['ghosts', ['Farah']],
        ['role/admin', ['Zoe', 'gus']],
        // A role of theirs that is not preferred.
        ['role/contractor', ['Dana']],
        ['undetermined', ['chloe']],
        ['  emil ', ['emil']],
        ['nobody has this', []],
        ['', Object.keys(MEMBERS)],
      ]
      return inBrowser(pageOf(), async ({ page }) => {
        for (const [wanted, expected] of searches) {
          await page.getByLabel('Search users').fill(wanted)
          expect(await names(page), wanted).toEqual(expected)
          const number = expected.length
          expect(await status(page), wanted).toBe(
            number === 0 ? 'No user matches' : `${number} of 8 users match; rows 1–${number} are shown`,
          )
          expect(await page.locator('#users-table').getAttribute('aria-rowcount'), wanted).toBe(String(number + 1))
        }
      })
    })

    test('a name is found in either form of its accents', () =>
      inBrowser(pageOf({ 'jose\u0301': [], jose: [] }), async ({ page }) => {
        await page.fill('#search', 'JOS\u00c9')
        expect(await names(page)).toEqual(['jose\u0301'])
      }))

    test('the outcome filters, together with the search', () =>
      inBrowser(pageOf(), async ({ page }) => {
        expect(await page.locator('#filter-outcome option').allInnerTexts()).toEqual([
          'All (8)',
          'Resolved (4)',
          'Ambiguous (1)',
          'Undetermined (1)',
          'None (2)',
        ])
        await page.getByLabel('Outcome', { exact: true }).selectOption('resolved')
        expect(await names(page)).toEqual(['Zoe', 'Bela', 'Farah', 'gus'])
        await page.fill('#search', 'admins')
        expect(await names(page)).toEqual(['Zoe', 'gus'])
        await page.selectOption('#filter-outcome', '')
        await page.fill('#search', '')
        expect(await names(page)).toEqual(Object.keys(MEMBERS))
      }))

    test.each([
      ['User', 'amir Bela chloe Dana emil Farah gus Zoe', 'Zoe gus Farah emil Dana chloe Bela amir'],
      ['Outcome', 'Zoe Bela Farah gus amir chloe Dana emil', 'Dana emil chloe amir Zoe Bela Farah gus'],
      ['Preferred role', 'Zoe gus Farah Bela chloe amir Dana emil', 'amir Dana emil chloe Bela Farah Zoe gus'],
      ['Groups', 'emil Zoe Bela chloe Dana Farah amir gus', 'gus amir Zoe Bela chloe Dana Farah emil'],
    ])('sorting by %s, up and down; what is equal keeps its order', (column, up, down) =>
      inBrowser(pageOf(), async ({ page }) => {
        const headers = page.locator('#users-head th')
        const sortOf = async (header: Locator) =>
          `${await header.innerText()} ${await header.getAttribute('aria-sort')}`
        const sorts = async () => Promise.all((await headers.all()).map(sortOf))
        const columns = ['User', 'Outcome', 'Preferred role', 'Groups']
        const expected = (direction: string) => columns.map(name => `${name} ${name === column ? direction : 'none'}`)
        const button = page.locator('#users-head').getByRole('button', { name: column })
        expect(await sorts()).toEqual(expected('none'))
        await button.click()
        expect((await names(page)).join(' ')).toBe(up)
        expect(await sorts()).toEqual(expected('ascending'))
        await button.press('Enter')
        expect((await names(page)).join(' ')).toBe(down)
        expect(await sorts()).toEqual(expected('descending'))
      }),
    )

    test('a search keeps the order that was chosen', () =>
      inBrowser(pageOf(), async ({ page }) => {
        await page.getByRole('button', { name: 'User' }).click()
        await page.fill('#search', 'customers')
        expect(await names(page)).toEqual(['amir', 'chloe', 'Farah', 'gus', 'Zoe'])
      }))

    test('a row opens its explanation by mouse, on its button and next to it, and closes again', () =>
      inBrowser(pageOf(), async ({ page }) => {
        const toggle = page.getByRole('button', { name: 'Explain amir' })
        const explanation = page.locator(`#${await toggle.getAttribute('aria-controls')}`)
        expect(await explanation.isVisible()).toBe(false)
        await toggle.click()
        expect(await toggle.getAttribute('aria-expanded')).toBe('true')
        const text = await explanation.innerText()
        expect(text).toContain('`security` and `on-call` tie for the first rank among the groups with a role')
        expect(text).toContain('conflicting-roles: observed in real tokens whose groups are known')
        const lines = await explanation.locator('li:not(:has(a))').allInnerTexts()
        expect(lines.map(line => line.split(/\s+/).join(' '))).toEqual([
          `precedence 5 security ${role('Security')} decides`,
          `precedence 5 on-call ${role('Operator')} decides`,
          `precedence 20 customers ${role('Customer')}`,
          role('Security'),
          role('Operator'),
          role('Customer'),
        ])
        await page.getByRole('row', { name: 'amir' }).locator('td').nth(2).click()
        expect(await explanation.isVisible()).toBe(false)
        expect(await toggle.getAttribute('aria-expanded')).toBe('false')
      }))

    test('a row opens by keyboard', () =>
      inBrowser(pageOf(), async ({ page }) => {
        await page.focus('#filter-status')
        for (let tabs = 0; tabs < 5; tabs++) await page.keyboard.press('Tab')
        await page.keyboard.press('Enter')
        expect(await page.getByRole('button', { name: 'Explain Zoe' }).getAttribute('aria-expanded')).toBe('true')
        expect(await page.locator('td.why:visible').innerText()).toContain(
          '`admins` ranks first among the groups with a role',
        )
        expect(await page.evaluate('getComputedStyle(document.activeElement).outlineWidth')).toBe('2px')
        await page.keyboard.press('Space')
        expect(await page.locator('td.why:visible').count()).toBe(0)
      }))

    test('selecting a name does not open its row', () =>
      inBrowser(pageOf(), async ({ page }) => {
        await page.evaluate('getSelection().selectAllChildren(document.querySelector("#users-body bdi"))')
        await page.locator('#users-body td.role').first().dispatchEvent('click')
        expect(await page.locator('#users-body .open').count()).toBe(0)
      }))

    test('an undetermined role is never shown as the role of the user', () =>
      inBrowser(pageOf(), async ({ page }) => {
        const cells = page.getByRole('row', { name: 'chloe' }).locator('td')
        expect(await cells.allInnerTexts()).toEqual(['Undetermined', `${role('Customer')}, or none`, '2'])
      }))

    test('a group that the pool does not have is marked', () =>
      inBrowser(pageOf(), async ({ page }) => {
        await page.getByRole('button', { name: 'Explain Farah' }).click()
        expect(await page.locator('td.why:visible li', { hasText: 'ghosts' }).innerText()).toMatch(
          /ghosts\s+not in the pool/,
        )
      }))
  })

  describe('100,000 users', () => {
    const NUMBER = 100_000
    const kinds = [['admins'], ['security', 'on-call'], ['customers'], ['customers', 'trial'], []]
    const shared = kinds.map(kind => usersOf({ any: kind }, GROUPS, 'observed')[0]!.resolution)
    /** Every name once, in no order. */
    const usernames = Array.from(
      { length: NUMBER },
      (_, index) => `user-${String((index * 7919) % NUMBER).padStart(6, '0')}`,
    )
    const sorted = usernames.toSorted()

    test('are searched and sorted and turned, with a few hundred rows in the document', () => {
      const { html } = audited(
        usernames.map((username, index) => ({ username, resolution: shared[index % shared.length]! })),
      )
      return inBrowser(html, async ({ page, complaints }) => {
        const inDocument = () => page.locator('tr').count()
        const first = async () => (await names(page)).slice(0, 2)
        expect(await status(page)).toBe('100,000 of 100,000 users match; rows 1–100 are shown')
        expect(await names(page)).toEqual(usernames.slice(0, 100))
        await page.fill('#search', '01234')
        expect(await names(page)).toEqual(usernames.filter(name => name.includes('01234')))
        await page.fill('#search', 'on-call')
        expect(await status(page)).toBe('20,000 of 100,000 users match; rows 1–100 are shown')
        expect(await inDocument()).toBeLessThan(300)
        await page.fill('#search', '')

        const byName = page.locator('#users-head').getByRole('button', { name: 'User' })
        await byName.click()
        expect(await first()).toEqual(sorted.slice(0, 2))
        await page.getByRole('button', { name: 'Next' }).click()
        expect(await first()).toEqual(sorted.slice(100, 102))
        expect(await status(page)).toBe('100,000 of 100,000 users match; rows 101–200 are shown')
        expect(await page.locator('#users-body tr.row').first().getAttribute('aria-rowindex')).toBe('102')
        await page.getByRole('button', { name: 'Previous' }).click()
        await page.getByRole('button', { name: 'Previous' }).click({ force: true })
        expect(await first()).toEqual(sorted.slice(0, 2))
        await byName.click()
        expect(await first()).toEqual(sorted.slice(-2).toReversed())
        expect(await inDocument()).toBeLessThan(300)
        expect(complaints).toEqual([])
      })
    })

    test('a small share is not rounded to nothing, nor a large one to all', () => {
      const { html } = audited(
        usernames.map((username, index) => ({ username, resolution: shared[index === 0 ? 1 : 0]! })),
      )
      expect(html).toContain('<dd>1 user (&lt;0.1%)</dd>')
      expect(html).toContain('<dd>99,999 users (&gt;99.9%)</dd>')
    })
  })

  describe('hostile names', () => {
    const RUN = 'window.hacked=1'
    /** What Cognito accepts as a group's name is more than this; a username is nearly anything. */
    const PAYLOADS = [
      `<script>${RUN}</script>`,
      `</script><script>${RUN}</script>`,
      `"><img src=x onerror=${RUN}>`,
      `'><svg/onload=${RUN}>`,
      `<!--<script>`,
      `-->${'x'}`,
      `]]><script>${RUN}</script>`,
      `&lt;b&gt;&quot;`,
      `" onfocus="${RUN}" autofocus="`,
      '__proto__',
      'a,b',
      '🙂👩🏽',
    ]
    const groups = PAYLOADS.map((groupName, index) => ({ groupName, precedence: 3, roleArn: role(index + groupName) }))
    const groupsOf = (name: string, index: number) => [name, PAYLOADS[(index + 1) % PAYLOADS.length]!, `ghost-${name}`]
    const members = Object.fromEntries(PAYLOADS.map((name, index) => [name, groupsOf(name, index)]))
    const changes = PAYLOADS.map((username): PoolChange => ({ change: 'user-vanished', username }))
    const hostile = () => pageOf(members, { groups, changes, userPoolId: PAYLOADS[0]! })

    const withoutPolicy = (html: string) => html.replace(/<meta http-equiv[^>]*>/, '')

    test.each([
      ['with the policy', (html: string) => html],
      ['and without it', withoutPolicy],
    ])('show as text, and nothing runs, %s', (_, change) =>
      inBrowser(change(hostile()), async ({ page, complaints }) => {
        expect(await names(page)).toEqual(PAYLOADS)
        expect(await page.locator('.ladder tbody th').allInnerTexts()).toEqual(PAYLOADS.toSorted())
        for (const toggle of await page.locator('.toggle').all()) await toggle.click()
        for (const details of await page.locator('summary').all()) await details.click()
        await page.fill('#search', PAYLOADS[0]!)
        expect(await page.locator('#users-body tr.row').count()).toBeGreaterThanOrEqual(2)
        expect(await page.locator('img, body svg[onload], [onfocus], [onerror]').count()).toBe(0)
        expect(await flag(page)).toBeUndefined()
        expect(complaints).toEqual([])
      }),
    )

    test.each(PAYLOADS.filter(name => name.includes(RUN)))(
      'control: where %s is put into a page as it is, it can run',
      payload =>
        inBrowser(`<!doctype html><input value="${payload}"><p>${payload}</p>`, async ({ page }) => {
          await page.waitForFunction('window.hacked === 1')
        }),
    )

    const planted = () =>
      hostile().replace('</main>', `<script>${RUN}</script><img src="data:," onerror="${RUN}"></main>`)

    test('the policy stops what escaping would have missed', () =>
      inBrowser(planted(), async ({ page, complaints }) => {
        expect(await flag(page)).toBeUndefined()
        expect(complaints.join()).toMatch(/Content Security Policy/)
      }))

    test('control: without the policy it runs', () =>
      inBrowser(withoutPolicy(planted()), async ({ page }) => {
        expect(await flag(page)).toBe(1)
      }))

    test('invisible characters show as code points, and right-to-left text does not affect its surroundings', () => {
      const users = { 'ali\u202egnp.exe': ['admins'], 'zero\u200bwidth': [], عمر: ['admins'], 'a\u0000b\nc': [] }
      return inBrowser(pageOf(users), async ({ page }) => {
        expect(await names(page)).toEqual(['ali\\u{202e}gnp.exe', 'zero\\u{200b}width', 'عمر', 'a\\u{0}b\\u{a}c'])
        expect(await page.locator('body').innerText()).not.toMatch(/[\u202a-\u202e\u200b]/)
        const directions = '[...document.querySelectorAll("th, td")].map(cell => getComputedStyle(cell).direction)'
        expect(new Set((await page.evaluate(directions)) as string[])).toEqual(new Set(['ltr']))
        expect(await page.evaluate('getComputedStyle(document.querySelector("#users-body bdi")).unicodeBidi')).toBe(
          'isolate',
        )
      })
    })
  })

  describe('for every reader', () => {
    const LONG: Members = {
      ...MEMBERS,
      ['x'.repeat(128)]: ['admins'],
      'someone.with.a.long.name@example.com': ['g'.repeat(128)],
    }
    const groups = [...GROUPS, { groupName: 'g'.repeat(128), precedence: 7, roleArn: role('r'.repeat(64)) }]
    const openAll = async (page: Page) => {
      for (const toggle of await page.locator('.toggle').all()) await toggle.click()
    }
    const overflow = (page: Page) =>
      page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')

    test.each([360, 704, 720, 1200])('at %i px the page does not scroll sideways', width =>
      inBrowser(
        pageOf(LONG, { groups }),
        async ({ page }) => {
          await openAll(page)
          expect(await overflow(page)).toBe(0)
        },
        { viewport: { width, height: 740 } },
      ),
    )

    test('control: what is too wide is noticed', () =>
      inBrowser(
        pageOf()
          .replace('</main>', `<pre>${'x'.repeat(200)}</pre></main>`)
          .replace('anywhere', 'normal'),
        async ({ page }) => {
          expect(await overflow(page)).toBeGreaterThan(0)
        },
        { viewport: { width: 360, height: 740 } },
      ))

    /** The texts whose contrast with what is behind them is too low, by WCAG 2.2. */
    const FAINT = `(() => {
      const numbers = color => color.match(/[\\d.]+/g).map(Number)
      const luminance = ([r, g, b]) => {
        const linear = value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
        const [red, green, blue] = [r, g, b].map(value => linear(value / 255))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue
      }
      const ground = element => {
        for (let at = element; at !== null; at = at.parentElement) {
          const color = numbers(getComputedStyle(at).backgroundColor)
          if (color[3] !== 0) return color
        }
        return [255, 255, 255]
      }
      const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
      const faint = []
      let seen = 0
      while (texts.nextNode()) {
        const element = texts.currentNode.parentElement
        if (texts.currentNode.data.trim() === '' || !element.checkVisibility() || element.closest('script') !== null) continue
        seen++
        const [light, dark] = [luminance(numbers(getComputedStyle(element).color)), luminance(ground(element))].sort((a, b) => b - a)
        const ratio = (light + 0.05) / (dark + 0.05)
        if (ratio < 4.5) faint.push(ratio.toFixed(2) + ' ' + texts.currentNode.data)
      }
      return { seen, faint }
    })()`

    test.each(['light', 'dark'] as const)('every text has enough contrast, %s', colorScheme =>
      inBrowser(
        pageOf(MEMBERS, { changes: [{ change: 'user-vanished', username: 'a' }] }),
        async ({ page }) => {
          await openAll(page)
          const { seen, faint } = (await page.evaluate(FAINT)) as { seen: number; faint: string[] }
          expect(faint).toEqual([])
          expect(seen).toBeGreaterThan(150)
          const ground = colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(15, 20, 26)'
          expect(await page.evaluate('getComputedStyle(document.documentElement).backgroundColor')).toBe(ground)
        },
        { colorScheme },
      ),
    )

    test('control: a faint text is found', () =>
      inBrowser('<!doctype html><body style="background: #fff"><p style="color: #999">faint</p>', async ({ page }) => {
        expect(await page.evaluate(FAINT)).toEqual({ seen: 1, faint: ['2.85 faint'] })
      }))

    test.each([360, 1200])(
      'at %i px assistive technology is told landmarks, headings, tables and what the buttons do',
      width =>
        inBrowser(
          pageOf(),
          async ({ page }) => {
            await page.getByRole('button', { name: 'Explain Zoe' }).click()
            const tree = await page.locator('body').ariaSnapshot()
            const expected = [
              '- banner:',
              '- navigation "Sections":',
              '- main:',
              '- contentinfo:',
              '- search:',
              '- heading "Roles of user pool eu-west-1_Example" [level=1]',
              '- heading "Findings" [level=2]',
              '- region "Groups by precedence":',
              '- region "Users":',
              '- table "9 groups; the lowest number ranks highest":',
              '- columnheader "Members"',
              '- rowheader "on-call"',
              '- cell "Tie, same role"',
              '- searchbox "Search users, groups, roles and outcomes"',
              '- combobox "Outcome"',
              '- status: 8 of 8 users match',
              '- table "Users and the role they get; open a row to see why":',
              '- columnheader "User"',
              '- button "User"',
              '- rowheader "Zoe"',
              '- button "Explain Zoe" [expanded]',
              '- button "Explain amir"',
              '- group "Pages of users":',
            ]
            for (const line of expected) expect(tree).toContain(line)
          },
          { viewport: { width, height: 740 } },
        ),
    )

    test('a long ladder scrolls by itself, and can by keyboard', () => {
      const many = Array.from({ length: 300 }, (_, index) => ({ groupName: `group-${index}`, precedence: index }))
      return inBrowser(pageOf({ someone: ['group-1'] }, { groups: many }), async ({ page }) => {
        const region = page.getByRole('region', { name: '300 groups' })
        expect((await region.boundingBox())!.height).toBeLessThan(700)
        expect(await region.getAttribute('tabindex')).toBe('0')
        expect(await region.locator('tbody tr').count()).toBe(300)
      })
    })
  })
})
