import { existsSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import type { MarkdownOptions } from 'vitepress'
import { exampleLink, exampleSource } from './examples.js'
import { githubSlug } from './slug.js'

type MarkdownIt = Parameters<NonNullable<MarkdownOptions['config']>>[0]
type Token = ReturnType<MarkdownIt['parse']>[number]

const ROOT = join(import.meta.dirname, '../..')

/** Files of the top folder that are pages of the site. */
const PROJECT_PAGES: ReadonlyMap<string, string> = new Map([
  ['CHANGELOG.md', 'project/changelog.md'],
  ['CONTRIBUTING.md', 'project/contributing.md'],
  ['README.md', 'project/readme.md'],
  ['SECURITY.md', 'project/security.md'],
])
const SOURCES: ReadonlyMap<string, string> = new Map([...PROJECT_PAGES].map(([source, page]) => [page, source]))

/** Folders whose files are not part of the site. A link to one becomes its path, as code. */
const NOT_ON_THE_SITE = ['bench/', 'src/', 'test/', '.ci/', 'docs/emulators.ts']

/** Where the Markdown of a page comes from, as a path in the repository: its relative links start there. */
function sourceOf(page: string): string {
  const example = exampleSource(page)
  if (example !== undefined) return `docs/examples/${example}`
  return SOURCES.get(page) ?? `docs/${page}`
}

type Target = { readonly href: string } | { readonly path: string }

/**
 * Where a link of a page goes on the site. A link to a file that the site does not have is its path.
 *
 * @throws Error if the link goes to no file at all
 */
export function resolveLink(href: string, page: string): Target {
  if (/^([a-z][a-z0-9+.-]*:|\/\/|#)/i.test(href)) return { href }
  const [, link, hash] = /^([^#]*)(#.*)?$/.exec(href) as unknown as [string, string, string | undefined]
  const path = link.startsWith('/')
    ? posix.join('docs', link)
    : posix.join(posix.dirname(sourceOf(page)), decodeURI(link))
  const anchor = hash ?? ''
  const projectPage = PROJECT_PAGES.get(path)
  if (projectPage !== undefined) return { href: `/${projectPage}${anchor}` }
  if (NOT_ON_THE_SITE.some(folder => path.startsWith(folder)) && existsSync(join(ROOT, path))) return { path }
  if (path === 'docs/examples' || path.startsWith('docs/examples/')) {
    const example = exampleLink(path.slice('docs/examples'.length))
    if (example !== undefined) return { href: example.includes('#') ? example : `${example}${anchor}` }
  }
  if (path.startsWith('docs/schemas/') && existsSync(join(ROOT, path))) return { href: path.slice('docs'.length) }
  // VitePress itself looks whether the page exists.
  if (path.startsWith('docs/') && (/\.(md|html)$/.test(path) || !/\.\w+$/.test(path)))
    return { href: `${path.slice('docs'.length)}${anchor}` }
  throw new Error(`docs/${page}: the link to \`${href}\` goes to nothing that the site has`)
}

interface Environment {
  readonly relativePath: string
}

/** Rewrites the links of a page for the site. */
function siteLinks(md: MarkdownIt): void {
  md.core.ruler.push('site_links', state => {
    const { relativePath } = state.env as Environment
    for (const { children } of state.tokens) if (children) rewriteLinks(children, relativePath)
  })
}

function rewriteLinks(tokens: Token[], page: string): void {
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index]!
    const href = token.type === 'link_open' ? token.attrGet('href') : null
    // The permalink of a heading.
    if (href === null || token.attrGet('class') === 'header-anchor') continue
    const target = resolveLink(href, page)
    if ('href' in target) {
      token.attrSet('href', target.href)
      continue
    }
    const end = tokens.findIndex((other, at) => at > index && other.type === 'link_close')
    const text = tokens.slice(index + 1, end)
    tokens.splice(index, end - index + 1, ...unlinked(text, target.path, token))
  }
}

/** The text of a link to a file that the site does not have, with the path of the file as code. */
function unlinked(text: readonly Token[], path: string, { constructor }: Token): Token[] {
  const make = (type: string, tag: string, content: string): Token => {
    const token = new (constructor as new (type: string, tag: string, nesting: number) => Token)(type, tag, 0)
    token.content = content
    return token
  }
  const code = Object.assign(make('code_inline', 'code', path), { markup: '`' })
  const words = text.map(({ content }) => content).join('')
  return path.endsWith(words) ? [code] : [...text, make('text', '', ' ('), code, make('text', '', ')')]
}

/**
 * TypeDoc counts anchors that it does not write: a method `Users.stats` makes `#usersstats-1` of links to the type `UsersStats`.
 * Such a link goes to the anchor without the number, if the page has that one alone.
 */
function uncountedAnchors(md: MarkdownIt): void {
  md.core.ruler.push('uncounted_anchors', state => {
    // A title of the front matter is Markdown without a page.
    if (!(state.env as Partial<Environment>).relativePath?.startsWith('api/')) return
    const headings = new Set(
      state.tokens.map(token => (token.type === 'heading_open' ? token.attrGet('id') : undefined)),
    )
    for (const token of state.tokens.flatMap(({ children }) => children ?? [])) {
      const [, name, anchor] = /^#((.+)-\d+)$/.exec(token.attrGet('href') ?? '') ?? []
      if (name !== undefined && !headings.has(name) && headings.has(anchor!)) token.attrSet('href', `#${anchor}`)
    }
  })
}

/** TypeDoc begins a long union with a bar, as one begins in code. In text it is a stray character. */
function leadingBars(md: MarkdownIt): void {
  md.core.ruler.push('leading_bars', state => {
    if (!(state.env as Partial<Environment>).relativePath?.startsWith('api/')) return
    for (const { children } of state.tokens) {
      const first = children?.[0]
      if (first?.type === 'text') first.content = first.content.replace(/^\s*\|\s/, '')
    }
  })
}

/** Tables scroll in a box of their own; `scroll-boxes.ts` makes it reachable by keyboard while it scrolls. */
function tableBoxes(md: MarkdownIt): void {
  md.renderer.rules['table_open'] = () => '<div class="scroll-box" role="group" aria-label="Table"><table>\n'
  md.renderer.rules['table_close'] = () => '</table></div>\n'
}

const PICTURE = /<picture>([^]*?)<\/picture>/g

/**
 * A `<picture>` follows the system's colours. On the site the reader can choose others, so a picture becomes two images, and
 * the style shows one of them.
 *
 * @throws Error if it lacks one of the two, or if there is no such file
 */
export function themedPictures(html: string, page: string): string {
  return html.replace(PICTURE, (picture, inside: string) => {
    const dark = /<source[^>]*prefers-color-scheme:\s*dark[^>]*>/.exec(inside)?.[0]
    const darkPath = dark && attributeOf(dark, 'srcset')
    const image = /<img[^>]*>/.exec(inside)?.[0]
    const lightPath = image && attributeOf(image, 'src')
    if (!darkPath || !lightPath)
      throw new Error(`docs/${page}: a picture needs a source for dark colours and an image: ${picture}`)
    const alt = attributeOf(image, 'alt') ?? ''
    const shown = (theme: 'light' | 'dark', path: string) => {
      const file = fileOf(path, page)
      return `<img class="picture-${theme}" alt="${alt}" src="${relativeTo(page, file)}"${sizeOf(file)}>`
    }
    return `<span class="picture">${shown('light', lightPath)}${shown('dark', darkPath)}</span>`
  })
}

/** An image of a page, as a path in the repository. */
function fileOf(path: string, page: string): string {
  const file = posix.join(posix.dirname(sourceOf(page)), path)
  if (!existsSync(join(ROOT, file))) throw new Error(`docs/${page}: there is no image \`${path}\``)
  return file
}

/** The path as the bundler takes it. */
function relativeTo(page: string, file: string): string {
  const relative = posix.relative(posix.dirname(`docs/${page}`), file)
  return relative.startsWith('.') ? relative : `./${relative}`
}

/** The size that an SVG says it has, so that the text below does not move when it is loaded. */
function sizeOf(file: string): string {
  const svg = file.endsWith('.svg') ? /<svg[^>]*>/.exec(readFileSync(join(ROOT, file), 'utf8'))?.[0] : undefined
  const width = svg && attributeOf(svg, 'width')
  const height = svg && attributeOf(svg, 'height')
  return width && height ? ` width="${width}" height="${height}"` : ''
}

const attributeOf = (tag: string, name: string) => new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1]

function pictures(md: MarkdownIt): void {
  md.core.ruler.push('themed_pictures', state => {
    const { relativePath } = state.env as Environment
    for (const token of state.tokens) {
      if (token.type === 'html_block') token.content = themedPictures(token.content, relativePath)
      if (token.children === null) continue
      token.children = joinPictures(token.children, relativePath)
      for (const child of token.children)
        if (child.type === 'image') child.attrSet('src', assetUrl(child.attrGet('src')!, relativePath))
    }
  })
}

/** In a line of text, each tag of a picture is a token of its own. */
function joinPictures(tokens: readonly Token[], page: string): Token[] {
  const joined: Token[] = []
  let picture: Token | undefined
  for (const token of tokens) {
    if (token.type === 'html_inline' && token.content === '<picture>') picture = token
    else if (picture === undefined) joined.push(token)
    else {
      picture.content += token.content
      if (token.content !== '</picture>') continue
      joined.push(Object.assign(picture, { content: themedPictures(picture.content, page) }))
      picture = undefined
    }
  }
  if (picture !== undefined) throw new Error(`docs/${page}: a picture without its end: ${picture.content}`)
  return joined
}

/** A header cell without text names nothing, so it becomes a plain cell. */
function emptyHeaders(md: MarkdownIt): void {
  md.core.ruler.push('empty_headers', ({ tokens }) => {
    for (const [index, token] of tokens.entries()) {
      if (token.type !== 'th_open' || tokens[index + 1]?.content !== '') continue
      token.tag = 'td'
      tokens[index + 2]!.tag = 'td'
    }
  })
}

function assetUrl(source: string, page: string): string {
  return /^([a-z]+:|\/)/i.test(source) ? source : relativeTo(page, fileOf(source, page))
}

/** Cedar's policy language, which the highlighter does not have. */
const CEDAR = {
  name: 'cedar',
  scopeName: 'source.cedar',
  repository: {},
  patterns: [
    { name: 'comment.line', match: '//.*$' },
    { name: 'string.quoted.double', match: '"([^"\\\\]|\\\\.)*"' },
    { name: 'keyword.control', match: '\\b(permit|forbid|when|unless|if|then|else|in|is|has|like)\\b' },
    { name: 'constant.language', match: '\\b(true|false)\\b' },
    { name: 'variable.language', match: '\\b(principal|action|resource|context)\\b' },
  ],
}

export const markdown: MarkdownOptions = {
  anchor: { slugify: githubSlug },
  // The pages are written for GitHub, which has neither.
  attrs: { disable: true },
  theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
  languages: [CEDAR],
  config(md) {
    md.disable('emoji', true)
    md.use(siteLinks).use(uncountedAnchors).use(leadingBars).use(tableBoxes).use(pictures).use(emptyHeaders)
  },
}
