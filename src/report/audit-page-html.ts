import { createHash } from 'node:crypto'
import { htmlEscape } from 'escape-goat'
import { printable } from '../text.js'
import { escapeCommands } from './github-log.js'
import { escapedJson } from './json-text.js'
import { figure } from './figure.js'

// ------------------------------------------------------------------ Text from outside

/** Data inside a script element: whatever could end it, or is a line end to some parsers, is written as an escape. */
export function embed(value: unknown): string {
  return escapedJson(value, /[<>&\u2028\u2029]|#(?=#\[)/g)
}

/**
 * A name as its element shows it. `<bdi>` isolates it, so the isolating characters need not be in what a reader copies.
 */
export function visible(name: string): string {
  return printable(name).replace(/[\u2068\u2069]/g, '')
}

/** Text as HTML in which GitHub Actions finds no command either, when it is printed in a workflow. */
export function html(text: string): string {
  return escapeCommands(htmlEscape(text), character => `&#${character.charCodeAt(0)};`)
}

export function isolated(name: string): string {
  return `<bdi>${html(visible(name))}</bdi>`
}

/** The part that many ARNs have in common, and the part that distinguishes them. */
export function arnParts(arn: string): readonly [string, string] {
  const text = visible(arn)
  const name = text.lastIndexOf('/') + 1
  return [text.slice(0, name), text.slice(name)]
}

export function isolatedArn(arn: string): string {
  const [path, name] = arnParts(arn)
  return `<bdi class="arn"><span>${html(path)}</span><wbr>${html(name)}</bdi>`
}

// ------------------------------------------------------------------ The start of a page

/**
 * A page up to its body. Its policy forbids every request, and every style and script but these.
 *
 * @param title as HTML
 */
export function headHtml({ title, style, script }: PageHead): string {
  const policy = [
    `default-src 'none'`,
    `style-src '${hashOf(style)}'`,
    ...(script === undefined ? [] : [`script-src '${hashOf(script)}'`]),
    'img-src data:',
    `base-uri 'none'`,
    `form-action 'none'`,
  ].join('; ')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · rolecast</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>`
}

interface PageHead {
  readonly title: string
  readonly style: string
  readonly script?: string | undefined
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

// ------------------------------------------------------------------ Figures

/** Rounded, but not to 0% or 100% unless it is exactly that. */
export function share(part: number, whole: number): string {
  if (part === 0 || part === whole) return part === 0 ? '0%' : '100%'
  const percent = (100 * part) / whole
  if (percent < 0.1) return '<0.1%'
  return percent > 99.9 ? '>99.9%' : `${percent.toFixed(1)}%`
}

export function widthOf(part: number, whole: number): string {
  return whole === 0 ? '0' : `${((100 * part) / whole).toFixed(2)}%`
}

// ------------------------------------------------------------------ Parts

export type Tone = 'good' | 'bad' | 'doubt' | 'plain'

export interface Section {
  readonly id: string
  /** In the list of sections, in short. */
  readonly label: string
  readonly heading: string
  readonly body: string
}

export function sectionHtml({ id, heading, body }: Section): string {
  return `<section aria-labelledby="${id}">\n<h2 id="${id}">${heading}</h2>\n${body}\n</section>`
}

export function badge(tone: Tone, label: string): string {
  return `<span class="badge ${tone}">${label}</span>`
}

/** Content that the script makes a link to the users of a filter. Without the script it stays plain text. */
export function usersLink(content: string, filter: Readonly<Record<string, string>>): string {
  const query = Object.entries(filter)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&')
  return `<span data-users="${html(query)}">${content}</span>`
}

export interface Table {
  readonly name: 'ladder' | 'roles' | 'credentials' | 'checks'
  readonly caption: string
  readonly columns: readonly string[]
  readonly rows: readonly string[]
}

const TALL = 30

/**
 * A long table scrolls by itself, so that the rest of the page stays in reach. CSS may lay it out as blocks: the roles
 * keep it a table.
 */
export function tableHtml({ name, caption, columns, rows }: Table): string {
  const headers = columns.map(column => `<th role="columnheader" scope="col">${column}</th>`)
  const table = `<table role="table" class="${name}"><caption>${caption}</caption>
<thead role="rowgroup"><tr role="row">${headers.join('')}</tr></thead>
<tbody role="rowgroup">
${rows.join('\n')}
</tbody></table>`
  return rows.length > TALL
    ? `<div class="tall" role="region" tabindex="0" aria-label="${caption}">${table}</div>`
    : table
}

const FIRST_NAMES = 10

/** Shows the first of them, the other known ones behind a button, and the number of the rest. */
export function listHtml(items: readonly string[], count: number, printed: 'whole' | 'first'): string {
  const first = `<ul>${listItems(items.slice(0, FIRST_NAMES))}</ul>`
  const others = items.slice(FIRST_NAMES)
  const unlisted = count - items.length
  const more = unlisted > 0 ? `<p class="muted">and ${figure(unlisted)} more that are not listed here</p>` : ''
  if (others.length === 0) return first + more
  const whole = printed === 'whole' ? ' data-print' : ''
  return `${first}<details${whole}><summary>and ${figure(count - FIRST_NAMES)} more</summary><ul>${listItems(others)}</ul>${more}</details>`
}

function listItems(items: readonly string[]): string {
  return items.map(item => `<li>${item}</li>`).join('')
}
