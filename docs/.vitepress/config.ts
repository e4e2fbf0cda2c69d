import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig, type DefaultTheme } from 'vitepress'
import { withContentSecurityPolicy } from './content-security.js'
import { exampleItems } from './examples.js'
import { markdown } from './markdown.js'
import { templateReader } from './reader.js'
import { githubSlug } from './slug.js'

const DOCS = join(import.meta.dirname, '..')
const API = join(DOCS, 'api')

const page = (text: string, link: string): DefaultTheme.SidebarItem => ({ text, link })

const TASKS: DefaultTheme.SidebarItem[] = [
  page('Start here', '/project/readme'),
  page('Deny or allow in an authorizer', '/authorizer'),
  page('Use it in a web framework', '/adapters'),
  page('Use claims a gateway verified', '/claims'),
  page('Cache groups', '/caching'),
  page('Share a cache in a fleet', '/fleet'),
  page('Audit a user pool', '/audit'),
  page('Read a pool in bulk', '/bulk'),
  page('Read a very large pool', '/scale'),
  page('Put the roles into SQL', '/sql'),
  page('Validate templates', '/validate'),
  page('Check in CI and before a commit', '/ci'),
  page('Check a CDK app', '/cdk'),
  page('Run it as Lambda functions', '/handlers'),
  page('Use Verified Permissions', '/verified-permissions'),
  page('Test with a fake Cognito', '/testing'),
  page('Bundle it', '/bundling'),
  page('Example code', '/code/'),
]

const REFERENCE: DefaultTheme.SidebarItem[] = [
  page('API', '/api/'),
  page('Command line', '/command-line'),
  page('Findings', '/findings'),
  page('What validate reads', '/what-it-reads'),
  page('Error codes', '/errors'),
  page('JSON Schemas', '/schemas'),
  page('Benchmarks', '/benchmarks'),
]

const SEMANTICS: DefaultTheme.SidebarItem[] = [
  page('What Cognito puts in the token', '/semantics'),
  page('From the token to the role', '/identity-pool'),
  page('The pre token generation trigger', '/pre-token'),
  page('Calibrate: measure your account', '/calibrate'),
  page('Verify a real token', '/verify'),
  page('What emulators do', '/emulators'),
]

const PROJECT: DefaultTheme.SidebarItem[] = [
  page('Changes', '/project/changelog'),
  page('Decisions', '/decisions/'),
  page('Security', '/project/security'),
  page('Contributing', '/project/contributing'),
  page('Compared with other tools', '/compared'),
  page('Licences of inlined packages', '/third-party-licenses'),
]

/** The records of decisions, by number, with the titles they have. */
function decisions(): DefaultTheme.SidebarItem[] {
  return readdirSync(join(DOCS, 'decisions'))
    .filter(file => file.endsWith('.md') && file !== 'index.md')
    .toSorted()
    .map(file => page(titleOf(join(DOCS, 'decisions', file)), `/decisions/${file.replace(/\.md$/, '')}`))
}

/** The entry points of the package with what each exports, from the pages that TypeDoc wrote. */
function api(): DefaultTheme.SidebarItem[] {
  if (!existsSync(API)) throw new Error('there is no `docs/api`; run `npm run docs:api` first')
  return (
    readdirSync(API)
      .filter(file => file.endsWith('.md') && file !== 'modules.md')
      // `rolecast` itself is first.
      .toSorted((a, b) => Number(b === 'index.md') - Number(a === 'index.md') || a.localeCompare(b, 'en'))
      .map(file => {
        const link = `/api/${file.replace(/(index)?\.md$/, '')}`
        return { text: titleOf(join(API, file)), link, collapsed: true, items: membersOf(join(API, file), link) }
      })
  )
}

/** The functions and classes of an entry point. Its types are on the page, and the search finds them. */
function membersOf(path: string, link: string): DefaultTheme.SidebarItem[] {
  const sections = readFileSync(path, 'utf8').split(/^## /m)
  return sections
    .filter(section => /^(Classes|Functions)\n/.test(section))
    .flatMap(section => [...section.matchAll(/^### (.+)$/gm)])
    .map(([, heading]) => page(plain(heading!), `${link}#${githubSlug(plain(heading!))}`))
}

const titleOf = (path: string) => plain(/^# (.+)$/m.exec(readFileSync(path, 'utf8'))![1]!)
const plain = (heading: string) => heading.replace(/[`\\]/g, '')

const ALL_PAGES = page('← All pages', '/')

/** Folders with many pages have a sidebar of their own: in one for all, their pages would be far below the first screen. */
const SIDEBAR: DefaultTheme.SidebarMulti = {
  '/api/': [ALL_PAGES, { text: 'API', items: api() }],
  '/decisions/': [ALL_PAGES, { text: 'Decisions', link: '/decisions/', items: decisions() }],
  '/code/': [ALL_PAGES, { text: 'Example code', link: '/code/', items: exampleItems() }],
  '/': [
    { text: 'Tasks', items: TASKS },
    { text: 'Playground', link: '/playground' },
    { text: 'Semantics', items: SEMANTICS },
    { text: 'Reference', items: REFERENCE },
    { text: 'Project', items: PROJECT },
  ],
}

/**
 * Only values: a function here would be sent to the browser as text, which the policy of the pages does not run. `fuzzy` is
 * per letter and rounded: up to five letters it is none, so that "tie" does not find "the", and one from six on.
 */
const SEARCH_OPTIONS = { fuzzy: 0.09, combineWith: 'AND', boost: { title: 3, text: 1, titles: 1 } } as const

const NAV: DefaultTheme.NavItem[] = [
  {
    text: 'Tasks',
    link: '/project/readme',
    activeMatch: '^/(project/readme|authorizer|adapters|audit|validate|ci|cdk)',
  },
  {
    text: 'Semantics',
    link: '/semantics',
    activeMatch: '^/(semantics|identity-pool|pre-token|calibrate|verify|emulators)',
  },
  { text: 'Reference', link: '/command-line', activeMatch: '^/(command-line|findings|errors|schemas|what-it-reads)' },
  { text: 'API', link: '/api/', activeMatch: '^/api/' },
  { text: 'Decisions', link: '/decisions/', activeMatch: '^/decisions/' },
  { text: 'Playground', link: '/playground' },
]

export default defineConfig({
  title: 'rolecast',
  description: 'Forecasts the IAM role that Amazon Cognito gives a user, and says why.',
  lang: 'en',
  // The code of the examples has pages of its own: `code/[example].md`. The sidebar of the API lists its entry points.
  srcExclude: ['examples/**', 'api/modules.md'],
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: '/icon.svg' }]],
  vite: { publicDir: '.vitepress/public', plugins: [templateReader(join(DOCS, '.vitepress/cache/reader'))] },
  markdown,
  themeConfig: {
    nav: NAV,
    sidebar: SIDEBAR,
    outline: { level: [2, 3] },
    search: { provider: 'local', options: { detailedView: false, miniSearch: { searchOptions: SEARCH_OPTIONS } } },
    docFooter: { prev: false, next: false },
    skipToContentLabel: 'Skip to content',
  },
  transformHtml: html => withContentSecurityPolicy(html),
  buildEnd({ outDir }) {
    cpSync(join(DOCS, 'schemas'), join(outDir, 'schemas'), { recursive: true })
  },
})
