import * as fc from 'fast-check'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readFragment, toFragment } from '../../docs/.vitepress/theme/playground/link.js'
import { type GroupRow, type PlaygroundState, roleArn, START } from '../../docs/.vitepress/theme/playground/state.js'
import { type Resolution, resolveRoles, SEMANTICS } from '../../src/index.js'
import { printable } from '../../src/text.js'
import { groupNames, semantics } from '../arbitraries.js'
import { idToken, ISSUER, unsigned } from '../calibrate/tokens.js'
import { executablePath } from '../report/chromium.js'
import { builtSite } from './build-site.js'
import { serveSite } from './serve-site.js'
import { DESKTOP, LOOPBACK_ONLY, open, PHONE, violationsOf } from './visit.js'

if (executablePath === undefined && process.env['CI']) throw new Error('there is no chromium; install it')

/** What somebody enters: no request may have it. */
const SECRET = 'Secret5entinel'

/** A request for a file of the site: a chunk, a page that VitePress fetches ahead, or the icon, which browsers ask for again. */
const OWN_FILE = /^GET http:\/\/127\.0\.0\.1:\d+\/(assets\/[\w.@/-]+|icon\.svg) $/

const TEMPLATE = `Resources:
  Pool: { Type: AWS::Cognito::UserPool }
  Tied:
    Type: AWS::Cognito::UserPoolGroup
    Properties: { UserPoolId: !Ref Pool, GroupName: ${SECRET}, Precedence: 3, RoleArn: "arn:aws:iam::111122223333:role/One" }
  Other:
    Type: AWS::Cognito::UserPoolGroup
    Properties: { UserPoolId: !Ref Pool, GroupName: other, Precedence: 3, RoleArn: "arn:aws:iam::111122223333:role/Two" }
  Nested:
    Type: AWS::CloudFormation::Stack
    Properties: { TemplateURL: https://example.com/auth.yaml }
`

/** What is shown of a state, read from the page. */
interface Shown {
  readonly outcome: string
  readonly rule: string
  readonly id: Readonly<Record<string, readonly string[]>>
  readonly access: Readonly<Record<string, readonly string[]>>
  readonly deciding: readonly string[]
  readonly readings: Readonly<Record<string, string>>
}

/** Reads what is stored. In the page. */
const READ_STORED = `JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, history.state])`

/** Reads what is shown. In the page. */
const READ_SHOWN = `(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)]
  const claims = token => Object.fromEntries(all('[data-token="' + token + '"] dd').map(one =>
    [one.dataset.claim, all('li', one).map(item => item.textContent)]))
  return {
    outcome: document.querySelector('[aria-labelledby=pg-result] .outcome')?.dataset.outcome ?? '',
    rule: document.querySelector('[aria-labelledby=pg-result] .rule')?.textContent ?? '',
    id: claims('ID token'),
    access: claims('Access token'),
    deciding: all('.ladder li.decides .name').map(one => one.textContent),
    readings: Object.fromEntries(all('[data-reading]').map(one =>
      [one.dataset.reading, one.querySelector('[data-name=Outcome]').firstChild.textContent])),
  }
})()`

const CLAIMS = ['cognito:groups', 'cognito:roles', 'cognito:preferred_role'] as const

/** What should be shown of a resolution. */
function expectedOf(groups: Parameters<typeof resolveRoles>[0], resolution: Resolution): Shown {
  const shown = (claims: Resolution['claims']) =>
    Object.fromEntries(CLAIMS.map(name => [name, [claims[name] ?? []].flat().map(printable)]))
  return {
    outcome: resolution.outcome,
    rule: resolution.rule,
    id: shown(resolution.claims),
    access: { ...shown({}), 'cognito:groups': resolution.groups.map(printable) },
    deciding: resolution.determiningGroups.map(printable).toSorted(),
    readings: Object.fromEntries(SEMANTICS.map(one => [one, resolveRoles(groups, { semantics: one }).outcome])),
  }
}

let browser: Browser
let site: Awaited<ReturnType<typeof serveSite>>

/** Opens the page, and says what was asked for and written after it was loaded. */
async function inPlayground(
  work: (
    page: Page,
    told: { readonly requests: string[]; readonly console: string[]; readonly context: BrowserContext },
  ) => Promise<void>,
  { fragment = '', ...options }: BrowserContextOptions & { readonly fragment?: string } = {},
): Promise<void> {
  const context = await browser.newContext({
    viewport: DESKTOP,
    colorScheme: 'light',
    reducedMotion: 'reduce',
    ...options,
  })
  try {
    const page = await context.newPage()
    const requests: string[] = []
    const written: string[] = []
    page.on('console', message => void written.push(message.text()))
    page.on('pageerror', error => void written.push(error.message))
    await open(page, `${site.origin}/playground.html${fragment}`)
    await page.waitForSelector('.playground')
    page.on(
      'request',
      request => void requests.push(`${request.method()} ${request.url()} ${request.postData() ?? ''}`),
    )
    await work(page, { requests, console: written, context })
  } finally {
    await context.close()
  }
}

const shownIn = async (page: Page): Promise<Shown> => {
  const shown = await page.evaluate<Shown>(READ_SHOWN)
  return { ...shown, deciding: shown.deciding.toSorted() }
}
const stateIn = (page: Page) => readFragment(new URL(page.url()).hash)
const focused = (page: Page) =>
  page.evaluate<string>(`(document.activeElement.closest('fieldset')?.querySelector('legend').textContent ?? '') + ': ' +
    (document.activeElement.labels?.[0]?.textContent ?? document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent).trim()`)
const said = (page: Page) => page.locator('[data-status=said]').textContent()

/** Changes the fragment as somebody does in the address bar, and waits until the page has seen it. */
async function setHash(page: Page, hash: string): Promise<void> {
  await page.evaluate(`new Promise(resolve => {
    if (location.hash === ${JSON.stringify(hash)}) return resolve()
    addEventListener('hashchange', () => setTimeout(resolve), { once: true })
    location.hash = ${JSON.stringify(hash)}
  })`)
}

async function paste(page: Page, text: string): Promise<void> {
  await page.locator('#pg-text').fill(text)
  await page.getByRole('button', { name: 'Read and validate' }).click()
  await page.waitForSelector('.pasted')
}

const withGroups = (groups: readonly GroupRow[]): PlaygroundState => ({ ...START, groups })

describe.skipIf(executablePath === undefined)('the playground', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    site = await serveSite(await builtSite())
    browser = await chromium.launch({ executablePath: executablePath!, args: LOOPBACK_ONLY })
  }, 600_000)

  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })

  test('starts with one group, a role and no precedence: the role is claimed, and not preferred', () =>
    inPlayground(async page => {
      expect(await shownIn(page)).toMatchObject({
        outcome: 'none',
        rule: 'no-precedence',
        id: { 'cognito:groups': ['admins'], 'cognito:roles': [roleArn('Admin')], 'cognito:preferred_role': [] },
        access: { 'cognito:groups': ['admins'], 'cognito:roles': [], 'cognito:preferred_role': [] },
        readings: { observed: 'none', documented: 'resolved' },
      })
      expect(await page.locator('[data-reading=documented] [data-name=Compared]').innerText()).toContain('differs')
    }))

  test('shows of any groups what `resolveRoles` says in Node', () =>
    inPlayground(async page => {
      const rows = fc.uniqueArray(
        fc.record({
          name: groupNames,
          precedence: fc.option(fc.nat(2).map(String), { nil: null }),
          roleArn: fc.constantFrom('', roleArn('A'), roleArn('B')),
          isMember: fc.boolean(),
        }),
        { selector: ({ name }) => name, maxLength: 5 },
      )
      await fc.assert(
        fc.asyncProperty(rows, semantics, async (groups, chosen) => {
          await setHash(page, toFragment({ ...START, groups, semantics: chosen })!)
          const members = groups
            .filter(({ isMember }) => isMember)
            .map(({ name, precedence, roleArn: role }) => ({
              groupName: name,
              precedence: precedence === null ? null : Number(precedence),
              roleArn: role,
            }))
          expect(await shownIn(page)).toEqual(expectedOf(members, resolveRoles(members, { semantics: chosen })))
        }),
        { numRuns: 60 },
      )
    }))

  describe('the groups', () => {
    test('are added, edited, moved and removed with the keyboard only, which is never lost', () =>
      inPlayground(async page => {
        const { keyboard } = page
        await page.getByRole('button', { name: 'Add a group' }).focus()
        await keyboard.press('Enter')
        expect(await focused(page)).toBe('Group 2: Name')
        expect(await said(page)).toBe('Group 2 added.')
        await keyboard.type('editors')
        await keyboard.press('Tab')
        expect(await focused(page)).toBe('Group 2: Precedence')
        await keyboard.type('0')
        await keyboard.press('Tab')
        expect(await focused(page)).toBe('Group 2: No precedence')
        await keyboard.press('Tab')
        await keyboard.type(roleArn('Editor'))
        expect(await shownIn(page)).toMatchObject({ outcome: 'resolved', deciding: ['editors'] })
        await keyboard.press('Tab')
        expect(await focused(page)).toBe('Group 2: Move group 2 up')
        await keyboard.press('Enter')
        expect(await focused(page)).toBe('Group 1: Move group 1 down')
        expect(await shownIn(page)).toMatchObject({ id: { 'cognito:groups': ['editors', 'admins'] } })
        await keyboard.press('Tab')
        expect(await focused(page)).toBe('Group 1: Remove group 1')
        await keyboard.press('Enter')
        expect(await focused(page)).toBe('Group 1: Name')
        expect(await page.locator(':focus').inputValue()).toBe('admins')
        await page.getByRole('button', { name: 'Remove group 1' }).focus()
        await keyboard.press('Enter')
        expect(await focused(page)).toBe(': Add a group')
        expect(await shownIn(page)).toMatchObject({ outcome: 'none', rule: 'no-groups' })
      }))

    test('have no precedence, 0 or an empty field, and these are three things', () =>
      inPlayground(async page => {
        const none = page.getByLabel('No precedence')
        const field = page.getByLabel('Precedence', { exact: true })
        expect([await none.isChecked(), await field.isDisabled(), await field.getAttribute('placeholder')]).toEqual([
          true,
          true,
          'none',
        ])
        await none.uncheck()
        await expect.poll(() => focused(page)).toBe('Group 1: Precedence')
        expect(await page.locator('fieldset .fault').innerText()).toContain('No precedence')
        expect(await field.getAttribute('aria-invalid')).toBe('true')
        expect(await shownIn(page)).toMatchObject({ outcome: '', readings: {} })
        await field.fill('0')
        expect(await shownIn(page)).toMatchObject({ outcome: 'resolved' })
        await none.check()
        expect(await shownIn(page)).toMatchObject({ outcome: 'none', rule: 'no-precedence' })
      }))

    test('that the user leaves change the forecast, and a live region says so', () =>
      inPlayground(async page => {
        const status = page.locator('[data-status=outcome]')
        expect(await status.getAttribute('role')).toBe('status')
        expect(await status.textContent()).not.toMatch(/in no group/)
        await page.getByLabel('The user is in it').uncheck()
        await expect.poll(() => status.textContent()).toMatch(/^None.*in no group/)
      }))

    test('whose name is typed change the forecast with each character, and the live region once', () =>
      inPlayground(async page => {
        await page.evaluate(`globalThis.heard = []`)
        await page.evaluate(`new MutationObserver(() => heard.push(document.querySelector('[data-status=outcome]').textContent))
          .observe(document.querySelector('[data-status=outcome]'), { childList: true, characterData: true, subtree: true })`)
        // As fast as a page can: the timer of the live region is never due before the next character.
        const shown = await page.evaluate<readonly string[]>(`(async () => {
          const field = document.querySelector('fieldset input[type=text]')
          const shown = []
          for (const text of ['a', 'ab', 'abc']) {
            field.value = text
            field.dispatchEvent(new Event('input', { bubbles: true }))
            await new Promise(resolve => setTimeout(resolve))
            shown.push(document.querySelector('[data-claim="cognito:groups"]').textContent)
          }
          return shown
        })()`)
        expect(shown).toEqual(['a', 'ab', 'abc'])
        const heard = () => page.evaluate<readonly string[]>('heard')
        await expect.poll(async () => (await heard()).join()).toContain('`abc`')
        expect((await heard()).join()).not.toContain('`ab`')
      }))

    test('that are removed one after the other are said one after the other', () =>
      inPlayground(
        async page => {
          const remove = page.getByRole('button', { name: 'Remove group 1' })
          await remove.click()
          const first = await said(page)
          await remove.click()
          const second = await said(page)
          expect(second).not.toBe(first)
          expect([first, second?.trim()]).toEqual(['Group 1 removed.', 'Group 1 removed.'])
        },
        { fragment: toFragment(withGroups([...START.groups, { ...START.groups[0]!, name: 'b' }]))! },
      ))

    test('with hostile names are shown as text, with hidden characters visible', () =>
      inPlayground(
        async (page, { console: written }) => {
          const shown = await page.locator('.ladder .name').allTextContents()
          expect(shown).toEqual(['<img/src=x/onerror=console.log(1)>', printable('\u05d0\u05d1'), '__proto__'])
          expect(await page.locator('.playground img').count()).toBe(0)
          expect(await page.locator('fieldset .fault').innerText()).toContain('\\u{202e}')
          expect(written).toEqual([])
        },
        {
          fragment: toFragment(
            withGroups([
              { name: '<img/src=x/onerror=console.log(1)>', precedence: '0', roleArn: '', isMember: true },
              { name: '\u05d0\u05d1', precedence: '1', roleArn: '', isMember: true },
              { name: '__proto__', precedence: null, roleArn: '', isMember: true },
              { name: 'a\u202eb', precedence: null, roleArn: '', isMember: false },
            ]),
          )!,
        },
      ))
  })

  describe('a link', () => {
    const tie: PlaygroundState = {
      groups: [
        { name: 'a', precedence: '1', roleArn: roleArn('A'), isMember: true },
        { name: 'b', precedence: '1', roleArn: roleArn('B'), isMember: true },
      ],
      semantics: 'roles-compete',
      identityPool: { ...START.identityPool, mapping: 'Rules', authenticatedRole: '' },
      trust: { ...START.trust, identityPoolId: 'nonsense' },
    }

    test('is copied, and opens the same state', () =>
      inPlayground(
        async (page, { context }) => {
          await page.getByLabel('Name', { exact: true }).first().fill('renamed')
          await page.getByRole('button', { name: 'Copy a link' }).focus()
          await page.keyboard.press('Enter')
          await expect.poll(() => page.locator('.said').innerText()).toContain('copied')
          const copied = await page.evaluate<string>('navigator.clipboard.readText()')
          expect(copied).toBe(page.url())
          const other = await context.newPage()
          await open(other, copied)
          await other.waitForSelector('.playground')
          const expected = { ...tie, groups: [{ ...tie.groups[0]!, name: 'renamed' }, tie.groups[1]!] }
          expect(stateIn(other)).toEqual({ is: 'state', state: expected })
          expect(await shownIn(other)).toMatchObject({ outcome: 'ambiguous', deciding: ['b', 'renamed'] })
          expect(await other.locator('#pg-semantics').inputValue()).toBe('roles-compete')
          expect(await other.locator('#pg-mapping').inputValue()).toBe('Rules')
          expect(await other.locator('#pg-pool-id').inputValue()).toBe('nonsense')
          expect(await other.locator('[aria-labelledby=pg-trust] .fault code').allInnerTexts()).toContain(
            'invalid-option',
          )
        },
        { fragment: toFragment(tie)!, permissions: ['clipboard-read', 'clipboard-write'] },
      ))

    test('is in the address bar where the browser does not let the page copy it, and that is said', () =>
      inPlayground(async page => {
        await page.evaluate(`navigator.clipboard.writeText = () => Promise.reject(new Error('no'))`)
        await page.getByRole('button', { name: 'Copy a link' }).click()
        await expect.poll(() => page.locator('.said').innerText()).toContain('does not let')
        expect(stateIn(page)).toEqual({ is: 'state', state: START })
        expect(await page.locator('#pg-link-text').inputValue()).toBe(page.url())
      }))

    test('that is damaged shows a message and the first example, and the next good one shows its state', () =>
      inPlayground(
        async page => {
          expect(await page.getByRole('alert').innerText()).toContain('The link cannot be read')
          expect(await shownIn(page)).toMatchObject({ rule: 'no-precedence', id: { 'cognito:groups': ['admins'] } })
          await setHash(page, toFragment(tie)!)
          expect(await page.getByRole('alert').count()).toBe(0)
          expect(await shownIn(page)).toMatchObject({ outcome: 'ambiguous' })
          await setHash(page, '#play=1.!')
          expect(await page.getByRole('alert').innerText()).toContain('The link cannot be read')
          expect(await page.getByLabel('Name', { exact: true }).count()).toBe(1)
        },
        { fragment: toFragment(tie)!.slice(0, -9) },
      ))

    test('back and forward lead to the states before and after an example', () =>
      inPlayground(async page => {
        await page.getByLabel('Name', { exact: true }).fill('mine')
        await page.getByRole('button', { name: 'A tie on two roles' }).click()
        expect(await shownIn(page)).toMatchObject({ outcome: 'ambiguous' })
        await page.goBack()
        await expect.poll(async () => (await shownIn(page)).id['cognito:groups']).toEqual(['mine'])
        await page.goForward()
        await expect.poll(async () => (await shownIn(page)).outcome).toBe('ambiguous')
      }))

    test('that is opened while somebody is in a field leaves the keyboard there', () =>
      inPlayground(async page => {
        const name = page.getByLabel('Name', { exact: true })
        await name.focus()
        await setHash(page, toFragment(withGroups([{ ...START.groups[0]!, name: 'other' }]))!)
        expect(await focused(page)).toBe('Group 1: Name')
        expect(await name.inputValue()).toBe('other')
        await page.keyboard.type('s')
        expect((await shownIn(page)).id['cognito:groups']?.join()).toMatch(/^(others|sother)$/)
      }))

    test('is not in the address when no link can carry the state, and "back" leads to the one before', () =>
      inPlayground(async page => {
        await page.getByLabel('Name', { exact: true }).fill('mine')
        const Groups = Array.from({ length: 100 }, (_, index) => ({
          GroupName: `${'g'.repeat(100)}${index}`,
          UserPoolId: 'eu-west-1_Ab12Cd34e',
        }))
        await paste(page, JSON.stringify({ Groups }))
        await page.getByRole('button', { name: 'Use 100 groups of these' }).click()
        expect(await page.getByLabel('Name', { exact: true }).count()).toBe(100)
        expect(new URL(page.url()).hash).toBe('')
        await page.goBack()
        await expect.poll(async () => (await shownIn(page)).id['cognito:groups']).toEqual(['mine'])
      }))

    test('of a heading leaves the state as it is', () =>
      inPlayground(async page => {
        await page.getByLabel('Name', { exact: true }).fill('mine')
        await page.locator('#what-it-cannot-see a').click()
        await page.waitForURL(/#what-it-cannot-see$/)
        expect((await shownIn(page)).id['cognito:groups']).toEqual(['mine'])
      }))
  })

  test('the identity pool and the trust policy say what the user gets, and why', () =>
    inPlayground(async page => {
      const credentials = page.locator('.credentials')
      expect(await credentials.innerText()).toContain(roleArn('Admin'))
      expect(await credentials.locator('.rule').innerText()).toBe('single-role')
      await page.getByRole('button', { name: 'A tie on two roles' }).click()
      expect(await credentials.innerText()).toContain('Denied')
      await page.locator('#pg-ambiguous').selectOption('')
      expect(await credentials.innerText()).toContain('Undetermined')
      expect(await credentials.getAttribute('data-outcome')).toBe('undetermined')
      const trust = page.locator('.trust')
      expect(await trust.getAttribute('data-reason')).toBe('allowed')
      await page.locator('#pg-pool-id').fill('eu-west-1:0a1b2c3d-94a5-4f3e-8c53-0d1c9a4be2f6')
      expect(await trust.getAttribute('data-reason')).toBe('other-audience')
      expect(await trust.innerText()).toContain('Not trusted')
    }))

  test('the role mappings that were found are those of the text in the field', () =>
    inPlayground(async page => {
      await page.locator('summary').click()
      const field = page.locator('#pg-roles')
      const fill = page.getByRole('button', { name: 'Fill the fields' })
      await field.fill('{"RoleMappings":{"a":{"Type":"Token"},"b":{"Type":"Token"}}}')
      await fill.click()
      expect(await page.locator('.choices button').count()).toBe(2)
      await field.fill('{"RoleMappings":[]}')
      expect(await page.locator('.choices button').count()).toBe(0)
      await fill.click()
      expect(await page.locator('details .fault').innerText()).toContain('RoleMappings')
      expect(await page.locator('#pg-mapping').inputValue()).toBe('Token')
    }))

  describe('a text that is pasted', () => {
    test('has its findings with lines of the text, what was not looked at, and its groups fill the fields', () =>
      inPlayground(async page => {
        await paste(page, TEMPLATE)
        expect(await focused(page)).toBe(': What was found')
        const findings = await page.locator('.findings h4').allInnerTexts()
        expect(findings.join()).toMatch(/error COG101/)
        expect(await page.locator('.findings .frame mark').first().innerText()).not.toBe('')
        expect(await page.locator('.pasted').innerText()).toContain('Not everything was looked at')
        await page.getByRole('button', { name: 'Use 2 groups of these' }).click()
        expect(await said(page)).toContain('2 groups in the fields')
        for (const box of await page.getByLabel('The user is in it').all()) await box.check()
        expect(await shownIn(page)).toMatchObject({ outcome: 'ambiguous', deciding: [SECRET, 'other'] })
      }))

    test('control: the same without the tie has no error', () =>
      inPlayground(async page => {
        await paste(page, TEMPLATE.replace('Precedence: 3', 'Precedence: 4'))
        expect((await page.locator('.findings h4').allInnerTexts()).join()).not.toMatch(/COG101/)
      }))

    test('that is changed has no result any more', () =>
      inPlayground(async page => {
        await paste(page, TEMPLATE)
        await page.locator('#pg-text').press('End')
        expect(await page.locator('.pasted').count()).toBe(1)
        await page.locator('#pg-text').fill(TEMPLATE.replace('Precedence: 3', 'Precedence: 4'))
        expect(await page.locator('.pasted').count()).toBe(0)
        await paste(page, TEMPLATE)
        await page.locator('#pg-format').selectOption('serverless')
        expect(await page.locator('.pasted').count()).toBe(0)
      }))

    test('that is changed while it is read has no result, and that is said', () =>
      inPlayground(async page => {
        await page.locator('#pg-text').fill(TEMPLATE)
        await page.evaluate(`(() => {
          const field = document.querySelector('#pg-text')
          const button = [...document.querySelectorAll('button')].find(one => one.textContent.includes('Read and validate'))
          button.click()
          field.value = 'hello'
          field.dispatchEvent(new Event('input', { bubbles: true }))
        })()`)
        await page.waitForSelector('.pasted')
        expect(await page.locator('.pasted').innerText()).toContain('was changed while it was read')
        expect(await page.locator('.pasted .outcome').count()).toBe(0)
        await paste(page, TEMPLATE)
        expect(await page.locator('.pasted .outcome').count()).toBe(1)
      }))

    test('with groups of several user pools fills the fields with those of one, which is chosen first', () =>
      inPlayground(async page => {
        const Groups = ['eu-west-1_Ab12Cd34e', 'eu-west-1_Zz98Yy76x'].map((UserPoolId, index) => ({
          GroupName: `g${index}`,
          UserPoolId,
          Precedence: index,
        }))
        await paste(page, JSON.stringify({ Groups }))
        const use = page.getByRole('button', { name: /^Use \d groups? of these/ })
        expect(await use.isDisabled()).toBe(true)
        expect(await page.locator('.pasted').innerText()).toContain('of 2 user pools')
        expect(await page.locator('.pasted tbody').innerText()).toMatch(/g0[^]*of eu-west-1_Ab12Cd34e[^]*g1/)
        await page.locator('#pg-user-pool').selectOption('eu-west-1_Zz98Yy76x')
        await use.click()
        expect(await page.getByLabel('Name', { exact: true }).count()).toBe(1)
        expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('g1')
        await page.locator('#pg-user-pool').selectOption('all of them, as if they were one')
        await use.click()
        expect(await page.getByLabel('Name', { exact: true }).count()).toBe(2)
      }))

    test('without Cognito says that nothing was checked', () =>
      inPlayground(async page => {
        await paste(page, 'Resources:\n  Bucket: { Type: AWS::S3::Bucket }\n')
        expect(await page.locator('.pasted').innerText()).toContain('nothing was checked')
      }))

    test('control: with a user pool, that is not said', () =>
      inPlayground(async page => {
        await paste(page, 'Resources:\n  Pool: { Type: AWS::Cognito::UserPool }\n')
        expect(await page.locator('.pasted').innerText()).not.toContain('nothing was checked')
      }))

    test('of a file that is not UTF-8 is not read; in UTF-8 it is', () =>
      inPlayground(async page => {
        const text = TEMPLATE.replace('other', 'caf\u00e9')
        const choose = (encoding: 'latin1' | 'utf8') =>
          page
            .locator('#pg-file')
            .setInputFiles({ name: 'template.yaml', mimeType: 'text/plain', buffer: Buffer.from(text, encoding) })
        await choose('latin1')
        await expect.poll(() => page.locator('.pasted .fault').innerText()).toContain('not UTF-8')
        expect(await page.locator('#pg-text').inputValue()).toBe('')
        await choose('utf8')
        await expect.poll(() => page.locator('#pg-text').inputValue()).toBe(text)
        await page.getByRole('button', { name: 'Read and validate' }).click()
        expect(await page.locator('.pasted tbody').innerText()).toContain('caf\u00e9')
      }))

    test('that cannot be read is an error with its code and what to do', () =>
      inPlayground(async page => {
        await paste(page, 'hello')
        expect(await page.locator('.pasted .fault').innerText()).toMatch(
          /Error: the text is not in a known format; .*\n?invalid-input/,
        )
        expect(await page.locator('.pasted .outcome').count()).toBe(0)
      }))

    test('may be Terraform source or a program of Amplify, whose parsers are loaded then', () =>
      inPlayground(async (page, { requests }) => {
        await paste(
          page,
          'resource "aws_cognito_user_group" "a" {\n  name         = "${"a"}b"\n  user_pool_id = "eu-west-1_Ab12Cd34e"\n  precedence   = 5\n}\n',
        )
        expect(await page.locator('.pasted tbody').innerText()).toMatch(/ab[^]*5/)
        const hcl = requests.length
        expect(requests.join('\n')).toContain('hcl')
        await paste(
          page,
          "import { defineAuth } from '@aws-amplify/backend'\nexport const auth = defineAuth({ loginWith: { email: true }, groups: ['ADMINS', 'EDITORS'] })\n",
        )
        await expect.poll(() => page.locator('.pasted tbody').innerText()).toMatch(/ADMINS[^]*EDITORS/)
        expect(requests.length).toBeGreaterThan(hcl)
        expect(requests.every(request => OWN_FILE.test(request) || request.startsWith('GET blob:'))).toBe(true)
      }))

    test('with 10,000 groups shows the first ones and fills as many fields as a user can have groups, and says so', () =>
      inPlayground(async page => {
        const Groups = Array.from({ length: 10_000 }, (_, index) => ({
          GroupName: `g${index}`,
          UserPoolId: 'eu-west-1_Ab12Cd34e',
          Precedence: index,
        }))
        await paste(page, JSON.stringify({ Groups }))
        expect(await page.locator('.pasted caption').innerText()).toBe('50 of 10,000 groups')
        expect(await page.locator('.pasted tbody tr').count()).toBe(50)
        await page.locator('#pg-filter').fill('g123')
        expect(await page.locator('.pasted caption').innerText()).toBe('11 of 10,000 groups')
        await page.locator('#pg-filter').fill('')
        await page.getByRole('button', { name: /^Use 10,000 groups/ }).click()
        expect(await page.locator('.left-out').innerText()).toContain('9,900 left out')
        expect(await page.getByLabel('Name', { exact: true }).count()).toBe(100)
      }))
  })

  describe('a token', () => {
    const token = unsigned(
      idToken({
        'cognito:groups': ['admins', SECRET],
        'cognito:roles': [roleArn('Admin')],
        'cognito:preferred_role': roleArn('Admin'),
      }),
    )

    test('is decoded, said not to be verified, and compared with the forecast', () =>
      inPlayground(async page => {
        await page.locator('#pg-token-text').fill(token)
        const comparison = page.locator('.comparison')
        expect(await comparison.getAttribute('data-status')).toBe('stale')
        expect(await comparison.innerText()).toContain('not verified')
        expect(await comparison.innerText()).toContain(ISSUER)
        expect(await page.locator('.differences').innerText()).toMatch(
          /not ticked here: Secret5entinel[^]*preferred role, and none is forecast/,
        )
        await page.getByRole('button', { name: 'Tick the groups' }).click()
        expect(await said(page)).toContain('1 group of the token not among')
        await page.getByRole('button', { name: 'Remove the token' }).click()
        expect(await page.locator('#pg-token-text').inputValue()).toBe('')
        expect(await comparison.count()).toBe(0)
        expect(await page.evaluate('document.activeElement.id')).toBe('pg-token-text')
      }))

    test('is in no link, no storage, no console and no request', () =>
      inPlayground(async (page, { requests, console: written }) => {
        await page.locator('#pg-token-text').fill(token)
        await page.waitForSelector('.comparison')
        await page.getByRole('button', { name: 'Copy a link' }).click()
        await page.waitForSelector('#pg-link-text')
        expect(stateIn(page)).toEqual({ is: 'state', state: START })
        const stored = await page.evaluate<string>(READ_STORED)
        for (const piece of [...token.split('.'), SECRET]) {
          if (piece.length < 8) continue
          for (const place of [page.url(), stored, written.join(), requests.join()]) expect(place).not.toContain(piece)
        }
        expect(requests.filter(request => !OWN_FILE.test(request))).toEqual([])
        expect(written).toEqual([])
      }))
  })

  describe('nothing leaves the page', () => {
    test('whatever is entered, there is no request but for its own chunks, and none has what was entered', () =>
      inPlayground(async (page, { requests, console: written }) => {
        await page.getByLabel('Name', { exact: true }).fill(SECRET)
        await page.locator('#pg-policy').fill(`{"Version":"${SECRET}"}`)
        await page.locator('#pg-authenticated').fill(SECRET)
        await page.locator('summary').click()
        await page.locator('#pg-roles').fill(`{"Roles":{"authenticated":"${SECRET}"}}`)
        await page.getByRole('button', { name: 'Fill the fields' }).click()
        await page.locator('#pg-token-text').fill(SECRET)
        await paste(page, TEMPLATE)
        await page.getByRole('button', { name: 'Use 2 groups of these' }).click()
        await page.getByRole('button', { name: 'Zero is the highest rank' }).click()
        await page.getByRole('button', { name: 'Copy a link' }).click()
        expect(requests.length).toBeGreaterThan(0)
        for (const request of requests) {
          expect(request).toMatch(OWN_FILE)
          expect(request).not.toContain(SECRET)
        }
        expect(written).toEqual([])
        expect(await page.evaluate(READ_STORED)).not.toContain(SECRET)
      }))

    test('control: a request, a message and a stored value of something in the page would be seen', () =>
      inPlayground(async (page, { requests, console: written }) => {
        await page.evaluate(`localStorage.setItem('x', '${SECRET}')`)
        expect(await page.evaluate(READ_STORED)).toContain(SECRET)
        await page.evaluate(`console.log('${SECRET}')`)
        expect(written).toEqual([SECRET])
        await page.evaluate(`fetch('/x?${SECRET}').then(response => response.text())`)
        expect(requests.find(request => !OWN_FILE.test(request))).toBe(`GET ${site.origin}/x?${SECRET} `)
      }))

    test('without a network it goes on with all that was loaded', () =>
      inPlayground(async (page, { context }) => {
        await paste(page, TEMPLATE)
        await context.setOffline(true)
        await page.getByRole('button', { name: 'Zero is the highest rank' }).click()
        expect(await shownIn(page)).toMatchObject({ outcome: 'resolved', deciding: ['admins'] })
        await paste(page, TEMPLATE.replace('Precedence: 3', 'Precedence: 4'))
        await expect.poll(async () => (await page.locator('.findings h4').allInnerTexts()).join()).not.toMatch(/COG101/)
      }))

    test('control: without a network, what was not loaded is an error that says so', () =>
      inPlayground(async (page, { context }) => {
        await context.setOffline(true)
        await paste(page, TEMPLATE)
        expect(await page.locator('.pasted .fault').innerText()).toContain('could not be loaded')
        await context.setOffline(false)
        await page.reload()
        await page.waitForSelector('.playground')
        await paste(page, TEMPLATE)
        expect(await page.locator('.findings').count()).toBe(1)
      }))
  })

  test('the list of sections leads the keyboard to each of them, and leaves the state of the address as it is', () =>
    inPlayground(
      async page => {
        const before = page.url()
        const links = page.getByRole('navigation', { name: 'Sections of the playground' }).getByRole('link')
        expect(await links.count()).toBe(await page.locator('.playground h2:not(#pg-examples)').count())
        for (const link of await links.all()) {
          await link.focus()
          await page.keyboard.press('Enter')
          const id = (await link.getAttribute('href'))!.slice(1)
          expect(await page.evaluate(`document.activeElement.id`)).toBe(id)
          expect((await page.locator(`#${id}`).boundingBox())!.y).toBeLessThan(DESKTOP.height)
        }
        expect(page.url()).toBe(before)
      },
      { fragment: toFragment(START)! },
    ))

  test('on a phone, the outcome stays in view while the groups are edited, and does not cover what has the focus', () =>
    inPlayground(
      async page => {
        const bar = page.locator('.verdict')
        const name = page.locator('ol.rows .name input').last()
        await name.focus()
        const below = (await bar.boundingBox())!.y + (await bar.boundingBox())!.height
        expect(below).toBeGreaterThan(0)
        expect((await name.boundingBox())!.y).toBeGreaterThanOrEqual(below)
        expect(await bar.innerText()).toBe('Ambiguous: different roles tie, and none is preferred')
        await page.locator('ol.rows .precedence input[type=text]').last().fill('8')
        expect(await bar.innerText()).toBe('Preferred role: Billing')
        for (let stop = 0; stop < 16; stop++) {
          await page.keyboard.press('Shift+Tab')
          const isBelow = await page.evaluate<boolean>(`(() => {
            const bar = document.querySelector('.verdict').getBoundingClientRect()
            const { top } = document.activeElement.getBoundingClientRect()
            return document.activeElement.closest('.with-verdict') === null || top >= bar.bottom
          })()`)
          expect(isBelow).toBe(true)
        }
      },
      {
        viewport: PHONE,
        fragment: toFragment(
          withGroups([
            { name: 'billing', precedence: '7', roleArn: roleArn('Billing'), isMember: true },
            { name: 'support', precedence: '7', roleArn: roleArn('Support'), isMember: true },
          ]),
        )!,
      },
    ))

  describe.each([
    ['light', DESKTOP],
    ['dark', DESKTOP],
    ['light', PHONE],
    ['dark', PHONE],
  ] as const)('%s, %o', (colorScheme, viewport) => {
    const long = 'x'.repeat(120)
    const state: PlaygroundState = {
      ...withGroups([
        {
          name: long,
          precedence: '2147483647',
          roleArn: `arn:aws:iam::111122223333:role/${long.repeat(3)}`,
          isMember: true,
        },
        { name: 'a', precedence: '', roleArn: '', isMember: false },
        { name: 'vip', precedence: '2147483647', roleArn: '', isMember: true },
      ]),
      identityPool: { ...START.identityPool, mapping: 'Rules' },
    }

    test('with everything open, axe finds nothing, and nothing is wider than the page', () =>
      inPlayground(
        async page => {
          expect(await page.locator('html.dark').count()).toBe(colorScheme === 'dark' ? 1 : 0)
          await page.locator('summary').click()
          await page.locator('#pg-token-text').fill(unsigned(idToken({ 'cognito:groups': [long] })))
          await paste(page, TEMPLATE.replace('GroupName: other', `GroupName: ${long}`))
          await page.getByRole('button', { name: 'Copy a link' }).click()
          await page.waitForSelector('#pg-link-text')
          expect(await violationsOf(page, `${colorScheme}, open`)).toEqual([])
          expect(await widthOf(page)).toBe(viewport.width)
        },
        { colorScheme, viewport, fragment: toFragment(state)! },
      ))
  })

  test('control: a field without a label and a line that does not wrap are found', () =>
    inPlayground(
      async page => {
        await page.evaluate(`document.querySelector('label[for=pg-pool-id]').remove()`)
        await page.evaluate(`document.querySelector('.reason').style.whiteSpace = 'nowrap'`)
        expect((await violationsOf(page, '')).join()).toContain('pg-pool-id')
        expect(await widthOf(page)).toBeGreaterThan(PHONE.width)
      },
      { viewport: PHONE },
    ))
})

const widthOf = (page: Page) => page.evaluate<number>('document.documentElement.scrollWidth')
