import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import type { AuditReading } from '../../src/audit/audit-reading.js'
import { createConcerns } from '../../src/audit/concerns.js'
import type { PoolChange } from '../../src/audit/pool-change.js'
import type { RoleCheck } from '../../src/audit/role-check.js'
import { type AuditSummary, createAuditSummary, type UserAudit } from '../../src/audit/summary.js'
import type { Semantics } from '../../src/claims/decide.js'
import { resolveRoles } from '../../src/claims/resolve.js'
import type { Group } from '../../src/group.js'
import { createAuditPage } from '../../src/report/audit-page.js'
import { executablePath } from './chromium.js'

// ------------------------------------------------------------------ Pages

export const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

export const GROUPS: readonly Group[] = [
  { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
  { groupName: 'security', precedence: 5, roleArn: role('Security') },
  { groupName: 'on-call', precedence: 5, roleArn: role('Operator') },
  { groupName: 'editors', precedence: 10, roleArn: role('Editor') },
  { groupName: 'authors', precedence: 10, roleArn: role('Editor') },
  { groupName: 'trial', precedence: 20 },
  { groupName: 'customers', precedence: 20, roleArn: role('Customer') },
  { groupName: 'contractors', roleArn: role('Contractor') },
  { groupName: 'newsletter' },
]

/** Usernames with the groups they are in. */
export type Members = Readonly<Record<string, readonly string[]>>

export const MEMBERS: Members = {
  Zoe: ['admins', 'customers'],
  amir: ['security', 'on-call', 'customers'],
  Bela: ['editors', 'authors'],
  chloe: ['customers', 'trial'],
  Dana: ['contractors', 'newsletter'],
  emil: [],
  Farah: ['customers', 'ghosts'],
  gus: ['newsletter', 'customers', 'admins', 'editors'],
}

export function usersOf(members: Members, groups: readonly Group[], semantics: Semantics): readonly UserAudit[] {
  const known = new Map(groups.map(group => [group.groupName, group]))
  return Object.entries(members).map(([username, names]) => ({
    username,
    resolution: {
      ...resolveRoles(
        names.flatMap(name => known.get(name) ?? []),
        { semantics },
      ),
      unknownGroups: names.filter(name => !known.has(name)),
    },
  }))
}

export interface AuditOptions {
  readonly groups?: readonly Group[]
  readonly userPoolId?: string
  readonly semantics?: Semantics
  readonly changes?: readonly PoolChange[]
  readonly listed?: number
  readonly reading?: AuditReading
  readonly identityPool?: { readonly identityPoolId: string; readonly mapping: 'Token' | 'Rules' | 'none' }
  readonly roleChecks?: readonly RoleCheck[]
}

export function audited(
  users: readonly UserAudit[],
  options: AuditOptions = {},
): { readonly html: string; readonly summary: AuditSummary } {
  const { groups = GROUPS, userPoolId = 'eu-west-1_Example', semantics = 'observed', changes = [], listed } = options
  const { reading = { source: 'cognito', userPoolId }, identityPool, roleChecks } = options
  const counter = createAuditSummary({ groups, semantics, reading, identityPool, roleChecks, listed })
  const concernsOf = createConcerns({ groups, userPoolId, hasIdentityPool: identityPool !== undefined, roleChecks })
  const page = createAuditPage({ toolVersion: '1.2.3' })
  const rows = users.map(user => {
    counter.add(user)
    return page.row(user, concernsOf(user))
  })
  for (const change of changes) counter.change(change)
  const summary = counter.summary()
  return { html: page.head(summary) + rows.join('') + page.tail(summary), summary }
}

export function pageOf(members: Members = MEMBERS, options: AuditOptions = {}): string {
  return audited(usersOf(members, options.groups ?? GROUPS, options.semantics ?? 'observed'), options).html
}

// ------------------------------------------------------------------ Chromium

let browser: Browser
let folder = ''
let files = 0

/** Has a browser for the tests of the suite that this is called in. */
export function useBrowser(): void {
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath! })
    folder = await mkdtemp(join(tmpdir(), 'rolecast-page-'))
  })
  afterAll(async () => {
    await browser.close()
    await rm(folder, { recursive: true })
  })
}

export interface Opened {
  readonly page: Page
  /** What the console said, and what was asked for besides the page itself. */
  readonly complaints: readonly string[]
}

/** Opens a page from a file, and closes it after the work. */
export async function inBrowser(
  html: string,
  work: (opened: Opened) => Promise<void>,
  options: BrowserContextOptions = {},
): Promise<void> {
  const file = join(folder, `${++files}.html`)
  await writeFile(file, html)
  const context = await browser.newContext(options)
  try {
    const page = await context.newPage()
    const url = pathToFileURL(file).href
    const complaints: string[] = []
    page.on('console', message => void complaints.push(message.text()))
    page.on('pageerror', error => void complaints.push(error.message))
    page.on('request', request => void (request.url() === url || complaints.push(request.url())))
    await page.goto(url, { waitUntil: 'load' })
    await work({ page, complaints })
  } finally {
    await context.close()
  }
}

export const names = (page: Page) => page.locator('#users-body tr.row th bdi').allInnerTexts()
export const status = (page: Page) => page.getByRole('status').innerText()
