/**
 * Draws `docs/diagrams/NAME-light.svg` and `NAME-dark.svg` from the data below: `npm run docs:diagrams`. The same data gives the same
 * bytes. `npm run docs:check` fails if a committed file is another one.
 */
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { htmlEscape } from 'escape-goat'
import { MAX_GROUPS_PER_POOL, REQUESTS_PER_SECOND } from '../src/quotas.js'

/** Whose it is. Each has a border of its own, so that nothing depends on color alone. */
type Owner = 'aws' | 'rolecast' | 'yours'

const OWNERS: Readonly<Record<Owner, string>> = { aws: 'AWS', rolecast: 'rolecast', yours: 'yours' }

/** A paragraph a string; what is in backticks is code. */
interface Box {
  readonly owner: Owner
  readonly title: string
  readonly text: readonly string[]
}

/** From the row above to the row below. */
interface Arrow {
  readonly caption: string
  /** How many there are, one for each box of a row. @default 1, at the left */
  readonly count?: number
  /** It also comes back. */
  readonly isReturned?: boolean
}

interface Row {
  readonly boxes: readonly [Box, Box?]
  /** A double arrow between the two. */
  readonly areLinked?: boolean
  /** What the first of two takes of the width. @default 0.5 */
  readonly firstShare?: number
}

type Block =
  | Row
  | { readonly arrow: Arrow }
  | { readonly frame: string; readonly owner: Owner; readonly blocks: readonly Block[] }

export interface Diagram {
  readonly name: string
  readonly title: string
  /** The same in words, for those who do not see it. */
  readonly description: string
  readonly blocks: readonly Block[]
}

interface Theme {
  readonly ground: string
  readonly text: string
  readonly note: string
  readonly line: string
  readonly owners: Readonly<Record<Owner, { readonly fill: string; readonly border: string }>>
}

export const THEMES = {
  light: {
    ground: '#ffffff',
    text: '#1f2328',
    note: '#424a53',
    line: '#59636e',
    owners: {
      aws: { fill: '#fff5e5', border: '#a35200' },
      rolecast: { fill: '#e9f7ec', border: '#1a7f37' },
      yours: { fill: '#eaf2fd', border: '#0550ae' },
    },
  },
  dark: {
    ground: '#0d1117',
    text: '#e6edf3',
    note: '#b7bfc8',
    line: '#9198a1',
    owners: {
      aws: { fill: '#2b2111', border: '#e0963c' },
      rolecast: { fill: '#12261a', border: '#3fb950' },
      yours: { fill: '#12233a', border: '#6cb0ff' },
    },
  },
} as const satisfies Readonly<Record<string, Theme>>

export type ThemeName = keyof typeof THEMES

/** The default of an option that is a duration, as its function has it. */
function defaultOf(option: string, file: string): number {
  const source = readFileSync(fileURLToPath(new URL(`../src/${file}`, import.meta.url)), 'utf8')
  const found = new RegExp(`durationOption\\(options, '${option}', ([\\d_]+)\\)`).exec(source)
  if (found === null) throw new Error(`src/${file} has no default of ${option}`)
  return Number(found[1]!.replaceAll('_', ''))
}

const seconds = (milliseconds: number) => (milliseconds === 0 ? 'off' : `${milliseconds / 1000}\u00a0s`)

const SOURCE = 'cognito/groups/group-source.ts'
const TTL = seconds(defaultOf('ttl', SOURCE))
const NEGATIVE_TTL = seconds(defaultOf('negativeTtl', SOURCE))
const REVALIDATE = seconds(defaultOf('staleWhileRevalidate', SOURCE))
const IF_ERROR = seconds(defaultOf('staleIfError', SOURCE))
const MEMBERSHIP_TTL = seconds(defaultOf('ttl', 'cognito/groups/user-groups.ts'))
const MAX_GROUPS = MAX_GROUPS_PER_POOL.toLocaleString('en')
const { GetGroup: GROUP_RATE, ListUsers: LIST_RATE, AdminListGroupsForUser: USER_RATE } = REQUESTS_PER_SECOND

const CHAIN: Diagram = {
  name: 'chain',
  title: 'From groups to credentials',
  description:
    'The groups of a user, with their precedences and roles, give the claims of the ID token: cognito:roles has every role of these ' +
    'groups once, and cognito:preferred_role is the role of the lowest precedence. The access token has cognito:groups and never a ' +
    'role. An identity pool whose role mapping is Token takes the preferred role of the ID token and gives the credentials of that ' +
    'role, if the trust policy of the role allows it.',
  blocks: [
    {
      boxes: [
        {
          owner: 'aws',
          title: 'User pool: the groups of a user',
          text: [
            '`admins`: precedence 0, role Admin',
            '`editors`: precedence 5, role Editor',
            '`staff`: no precedence, no role',
          ],
        },
      ],
    },
    { arrow: { caption: 'Sign-in or refresh: Cognito writes the claims. `resolveRoles` predicts them.' } },
    {
      firstShare: 0.56,
      boxes: [
        {
          owner: 'aws',
          title: 'ID token',
          text: [
            '`cognito:groups`: all names',
            '`cognito:roles`: each role of these groups, once',
            '`cognito:preferred_role`: the role of the lowest number, here Admin. 0 ranks highest.',
            'Absent if different roles tie on that number, or if no group with a role has a number.',
            'Undocumented if one role ties with a group that has none.',
          ],
        },
        {
          owner: 'aws',
          title: 'Access token',
          text: [
            '`cognito:groups`: all names',
            'Never a role: it has neither of the other two claims.',
            'An authorizer that gets it has to look the roles up.',
          ],
        },
      ],
    },
    { arrow: { caption: 'Your app sends the ID token. `selectRole` predicts the choice.' } },
    {
      boxes: [
        {
          owner: 'aws',
          title: 'Identity pool, role mapping `Token`',
          text: [
            'The preferred role. Without one: the only role of `cognito:roles`.',
            'If there are several roles or none, `AmbiguousRoleResolution` decides: the authenticated role, or a denial.',
          ],
        },
      ],
    },
    { arrow: { caption: 'If the trust policy allows it: `trustsIdentityPool`' } },
    { boxes: [{ owner: 'aws', title: 'Credentials of one IAM role', text: [] }] },
  ],
}

const AUTHORIZER: Diagram = {
  name: 'authorizer',
  title: 'Where the role authorizer sits',
  description:
    'A client sends a request with a token to API Gateway or AppSync. If no cached response is left, your Lambda function is called, ' +
    'with the role authorizer in it. It verifies the token with your verifier, finds the groups of the user, reads their roles from a ' +
    'cache of groups that calls Cognito, compares the roles with the claims of the token, and calls your function allow. API Gateway ' +
    'caches the response and calls your API, or denies the request.',
  blocks: [
    { boxes: [{ owner: 'yours', title: 'Client', text: [] }] },
    { arrow: { caption: 'Request with a token', isReturned: true } },
    {
      boxes: [
        {
          owner: 'aws',
          title: 'API Gateway or AppSync',
          text: [
            'Uses a cached response while it has one: 300\u00a0s by default in a REST API. Allowed requests go on to your API.',
          ],
        },
      ],
    },
    { arrow: { caption: 'Nothing cached: the event goes in, Allow or Deny comes back', isReturned: true } },
    {
      frame: 'Your Lambda function: `createRoleAuthorizer`',
      owner: 'rolecast',
      blocks: [
        {
          areLinked: true,
          boxes: [
            { owner: 'yours', title: '1 `verifier`', text: ['Is the token good?'] },
            { owner: 'aws', title: 'Public keys', text: ['of the user pool'] },
          ],
        },
        {
          areLinked: true,
          boxes: [
            { owner: 'yours', title: '2 `groupsOf`', text: ['Which groups is the user in?'] },
            {
              owner: 'rolecast',
              title: 'Token, or Cognito',
              text: ["`'token'`: as old as the token", `\`groupsFromCognito\`: ${MEMBERSHIP_TTL} old at most`],
            },
          ],
        },
        {
          areLinked: true,
          boxes: [
            { owner: 'rolecast', title: '3 `resolver`', text: ['Which role would a new token prefer?'] },
            {
              owner: 'rolecast',
              title: 'Cache of groups',
              text: [`\`ttl\` ${TTL}, then GetGroup of Cognito, ${GROUP_RATE} calls a second`],
            },
          ],
        },
        {
          boxes: [
            { owner: 'yours', title: '4 `onStale`', text: ['Does the token say something else?'] },
            { owner: 'yours', title: '5 `allow`', text: ['May this role do this?'] },
          ],
        },
        {
          boxes: [
            {
              owner: 'rolecast',
              title: 'Response: Allow, Deny, or an error',
              text: [
                'What is missing, wrong, late or thrown never allows.',
                "With `onFailure: 'throw'` an outage is an error, which API Gateway does not cache.",
              ],
            },
          ],
        },
      ],
    },
  ],
}

const CACHE: Diagram = {
  name: 'cache',
  title: 'Cache levels, and how old a role can be',
  description:
    `API Gateway may reuse a response of the authorizer, for 300 seconds by default in a REST API. In the process, a group is fresh for ` +
    `ttl (${TTL}), or for maxAge if it comes from a snapshot, and may be served longer only within staleWhileRevalidate and ` +
    `staleIfError, which are off by default. Behind the process may be a shared cache, whose entries are fresh for the same ttl since their call was sent. ` +
    `Behind it is Cognito, with ${GROUP_RATE} calls a second for each user pool.`,
  blocks: [
    {
      boxes: [
        {
          owner: 'aws',
          title: 'API Gateway: cached responses',
          text: ['REST API: 300\u00a0s by default, 3,600\u00a0s at most, 0 is off. HTTP API: as long as you set.'],
        },
      ],
    },
    { arrow: { caption: 'nothing cached', isReturned: true } },
    {
      frame: `Memory of the process: \`max\` ${MAX_GROUPS} groups`,
      owner: 'rolecast',
      blocks: [
        {
          boxes: [
            {
              owner: 'rolecast',
              title: 'Fresh: served',
              text: [
                `\`ttl\` ${TTL} since its call was sent`,
                `\`negativeTtl\` ${NEGATIVE_TTL} for "no such group"`,
                '`maxAge` since a snapshot was taken; no default',
              ],
            },
            {
              owner: 'rolecast',
              title: 'Stale: opt-in',
              text: [
                `\`staleWhileRevalidate\` (${REVALIDATE}): served, and read again`,
                `\`staleIfError\` (${IF_ERROR}): served if the call fails with a temporary error`,
              ],
            },
          ],
        },
      ],
    },
    { arrow: { caption: 'missing or expired', isReturned: true } },
    {
      boxes: [
        {
          owner: 'yours',
          title: 'Shared cache, if you have one',
          text: [
            'An entry is fresh for `ttl` since its call was sent, by whichever process. It does not make a group look newer.',
          ],
        },
      ],
    },
    { arrow: { caption: 'missing or expired: one process reads it for all', isReturned: true } },
    {
      boxes: [
        {
          owner: 'aws',
          title: 'Cognito: GetGroup, ListGroups',
          text: [
            `${GROUP_RATE} calls a second for a user pool. If a call fails, so does the lookup, unless \`staleIfError\` applies.`,
          ],
        },
      ],
    },
    {
      boxes: [
        {
          owner: 'yours',
          title: 'How old can a role be?',
          text: [
            'At most the time of API Gateway, plus `ttl` (or `maxAge`), plus the larger of the two stale windows, plus the time of the decision itself.',
            'Which groups a user is in is another question: see `groupsOf`.',
          ],
        },
      ],
    },
  ],
}

const AUDIT: Diagram = {
  name: 'audit',
  title: 'How an audit reads a user pool',
  description:
    'An audit lists the groups, estimates two strategies and takes the faster one: per-group lists the users of every group, per-user ' +
    'lists the groups of every user. Every page goes to a checkpoint, from which the same command resumes. At the end the groups are ' +
    'listed again, and changes are reported. Each user is resolved. The findings, the users and what was not looked at ' +
    'are written as text, JSON, NDJSON, CSV, HTML, SARIF or OCSF.',
  blocks: [
    {
      boxes: [
        {
          owner: 'aws',
          title: 'ListGroups',
          text: [`All groups with precedence and role: 60 a call, ${GROUP_RATE} calls a second.`],
        },
      ],
    },
    { arrow: { caption: 'Prints what each strategy costs, and takes the faster one' } },
    {
      firstShare: 0.45,
      boxes: [
        {
          owner: 'aws',
          title: '`per-group`',
          text: [
            'ListUsersInGroup for each group',
            `60 users a call; ${LIST_RATE} calls a second, shared with ListUsers`,
          ],
        },
        {
          owner: 'aws',
          title: '`per-user`',
          text: ['AdminListGroupsForUser for each user', `1 user a call; ${USER_RATE} calls a second`],
        },
      ],
    },
    { arrow: { count: 2, caption: 'with ListUsers, for the users in no group' } },
    {
      boxes: [
        {
          owner: 'rolecast',
          title: 'Checkpoint: `--checkpoint FILE`',
          text: ['Each page is appended as it arrives. After an interruption, the same command resumes here.'],
        },
      ],
    },
    { arrow: { caption: 'ListGroups again: what changed meanwhile is reported' } },
    {
      boxes: [
        { owner: 'rolecast', title: 'Each user', text: ['groups, claims, preferred role, and why'] },
        {
          owner: 'rolecast',
          title: 'If you ask for it',
          text: ["the identity pool's credentials; whether the roles exist and what they may do"],
        },
      ],
    },
    { arrow: { count: 2, caption: 'counted' } },
    {
      boxes: [
        { owner: 'rolecast', title: 'Findings', text: ['errors, warnings and notes, with their users'] },
        { owner: 'rolecast', title: 'Not looked at', text: ['is in every output, and never counts as clean'] },
      ],
    },
    { arrow: { count: 2, caption: 'text, JSON, NDJSON, CSV, HTML, SARIF, OCSF' } },
    { boxes: [{ owner: 'yours', title: 'You, a pipeline, a scanner, a spreadsheet', text: [] }] },
  ],
}

export const DIAGRAMS: readonly Diagram[] = [CHAIN, AUTHORIZER, CACHE, AUDIT]

/** A phone shows the whole width in some 330 pixels, so there is little of it and no small text. */
export const WIDTH = 480
const MARGIN = 12
const GAP = 12
const PADDING = 12
const LINKED_GAP = 34
export const FONT_SIZE = 15
const TITLE_SIZE = 16
const LINE = 20
const ARROW_X = 20

const SANS = "system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', 'DejaVu Sans', sans-serif"
const MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"

interface Span {
  readonly text: string
  readonly isCode: boolean
}

/** Words, each with the space before it. */
function wordsOf(text: string): readonly Span[] {
  return text
    .split('`')
    .flatMap((part, index) => (part.match(/ *[^ ]+| +$/g) ?? []).map(word => ({ text: word, isCode: index % 2 === 1 })))
}

/** What has no space between it: no line breaks there. */
function unbreakable(words: readonly Span[]): readonly (readonly Span[])[] {
  const parts: Span[][] = []
  for (const word of words) {
    if (word.text.startsWith(' ') || parts.length === 0) parts.push([word])
    else parts.at(-1)!.push(word)
  }
  return parts
}

/** A little more than DejaVu Sans takes, which is wider than what most systems have. In parts of the size. */
function widthOf({ text, isCode }: Span, size: number, isBold: boolean): number {
  if (isCode) return text.length * size * 0.61
  const widths = [...text].map(letter => {
    if (/[iIjl.,:;'|! ]/.test(letter)) return 0.34
    if (/[frt()-]/.test(letter)) return 0.42
    if (/[mwMW%@]/.test(letter)) return 0.98
    if (/[A-Z]/.test(letter)) return 0.76
    return 0.64
  })
  return widths.reduce((sum, width) => sum + width, 0) * size * (isBold ? 1.1 : 1)
}

/** The lines of a paragraph that fit a width. */
function wrap(text: string, width: number, size = FONT_SIZE, isBold = false): readonly (readonly Span[])[] {
  const lines: Span[][] = [[]]
  let used = 0
  for (const [first, ...others] of unbreakable(wordsOf(text))) {
    const widthWith = (start: Span) => [start, ...others].reduce((sum, one) => sum + widthOf(one, size, isBold), 0)
    if (used > 0 && used + widthWith(first!) > width) {
      lines.push([])
      used = 0
    }
    const start = used === 0 ? { ...first!, text: first!.text.trimStart() } : first!
    lines.at(-1)!.push(start, ...others)
    used += widthWith(start)
    if (used > width) throw new Error(`\`${first!.text}\` is wider than ${width}`)
  }
  return lines
}

/** Words of one kind that follow each other are one element, so that a reader of the file finds sentences. */
function spansOf(line: readonly Span[]): string {
  const parts: Span[] = []
  for (const word of line) {
    const last = parts.at(-1)
    if (last?.isCode === word.isCode) parts[parts.length - 1] = { ...last, text: last.text + word.text }
    else parts.push(word)
  }
  return parts
    .map(({ text, isCode }) => (isCode ? `<tspan class="code">${htmlEscape(text)}</tspan>` : htmlEscape(text)))
    .join('')
}

interface Drawn {
  readonly svg: readonly string[]
  readonly height: number
}

function textLines(lines: readonly (readonly Span[])[], x: number, top: number, kind: string): readonly string[] {
  return lines.map(
    (line, index) => `<text class="${kind}" x="${x}" y="${top + index * LINE + 15}">${spansOf(line)}</text>`,
  )
}

/** The lines of a box, and how high they make it. */
function boxLines({ title, text }: Box, width: number) {
  const inner = width - 2 * PADDING
  const titles = wrap(title, inner, TITLE_SIZE, true)
  const paragraphs = text.map(paragraph => wrap(paragraph, inner))
  const lines = paragraphs.reduce((sum, paragraph) => sum + paragraph.length, titles.length)
  return { titles, paragraphs, height: lines * LINE + paragraphs.length * 3 + 2 * PADDING - 4 }
}

function drawBox(box: Box, x: number, y: number, width: number, height: number): readonly string[] {
  const { titles, paragraphs } = boxLines(box, width)
  const svg = [rectangle(box.owner, x, y, width, height), ...textLines(titles, x + PADDING, y + PADDING - 4, 'title')]
  let top = y + PADDING - 4 + titles.length * LINE
  for (const paragraph of paragraphs) {
    svg.push(...textLines(paragraph, x + PADDING, top + 3, 'body'))
    top += paragraph.length * LINE + 3
  }
  return svg
}

function rectangle(owner: Owner, x: number, y: number, width: number, height: number): string {
  return `<rect class="${owner}" x="${x}" y="${y}" width="${width}" height="${height}" rx="6"/>`
}

const path = (points: string, ends: string) => `<path class="line" d="${points}"${ends}/>`
const bothWays = (isReturned: boolean) => ` marker-end="url(#head)"${isReturned ? ' marker-start="url(#head)"' : ''}`

function drawArrow({ caption, count = 1, isReturned = false }: Arrow, x: number, y: number, width: number): Drawn {
  const step = (width + GAP) / count
  const lines = wrap(caption, step - GAP - ARROW_X - 16)
  const height = lines.length * LINE + 16
  const arrows = Array.from({ length: count }, (_, index) =>
    path(`M${x + index * step + ARROW_X} ${y + 3}V${y + height - 3}`, bothWays(isReturned)),
  )
  return { svg: [...arrows, ...textLines(lines, x + ARROW_X + 16, y + 8, 'caption')], height }
}

function drawBlock(block: Block, x: number, y: number, width: number): Drawn {
  if ('arrow' in block) return drawArrow(block.arrow, x, y, width)
  if ('frame' in block) {
    const title = wrap(block.frame, width - 2 * PADDING, TITLE_SIZE, true)
    const top = PADDING + title.length * LINE
    const inner = drawBlocks(block.blocks, x + 10, y + top, width - 20)
    const height = top + inner.height + 10
    return {
      svg: [
        `<rect class="frame ${block.owner}-frame" x="${x}" y="${y}" width="${width}" height="${height}" rx="8"/>`,
        ...textLines(title, x + PADDING, y + 6, 'title'),
        ...inner.svg,
      ],
      height,
    }
  }
  return drawRow(block, x, y, width)
}

/** One box, or two next to each other. */
function drawRow(
  { boxes: [first, second], areLinked = false, firstShare = 0.5 }: Row,
  x: number,
  y: number,
  width: number,
): Drawn {
  if (second === undefined) {
    const { height } = boxLines(first, width)
    return { svg: drawBox(first, x, y, width, height), height }
  }
  const gap = areLinked ? LINKED_GAP : GAP
  const left = Math.round((width - gap) * firstShare)
  const right = width - gap - left
  const height = Math.max(boxLines(first, left).height, boxLines(second, right).height)
  const link = path(`M${x + left + 3} ${y + height / 2}H${x + left + gap - 3}`, bothWays(true))
  const boxes = [...drawBox(first, x, y, left, height), ...drawBox(second, x + left + gap, y, right, height)]
  return { svg: areLinked ? [...boxes, link] : boxes, height }
}

function drawBlocks(blocks: readonly Block[], x: number, y: number, width: number): Drawn {
  const svg: string[] = []
  let top = y
  for (const [index, block] of blocks.entries()) {
    const previous = blocks[index - 1]
    if (previous !== undefined && !('arrow' in previous) && !('arrow' in block)) top += 10
    const drawn = drawBlock(block, x, top, width)
    svg.push(...drawn.svg)
    top += drawn.height
  }
  return { svg, height: top - y }
}

function ownersOf(blocks: readonly Block[]): readonly Owner[] {
  return blocks.flatMap(block => {
    if ('frame' in block) return [block.owner, ...ownersOf(block.blocks)]
    return 'boxes' in block ? block.boxes.flatMap(box => box?.owner ?? []) : []
  })
}

/** What the borders mean, where there is more than one. */
function legend(blocks: readonly Block[], y: number): Drawn {
  const used = new Set(ownersOf(blocks))
  const shown = (Object.keys(OWNERS) as Owner[]).filter(owner => used.has(owner))
  if (shown.length < 2) return { svg: [], height: 0 }
  const svg = shown.flatMap((owner, index) => {
    const x = MARGIN + index * 150
    return [rectangle(owner, x, y, 28, 18), `<text class="caption" x="${x + 36}" y="${y + 14}">${OWNERS[owner]}</text>`]
  })
  return { svg, height: 30 }
}

function styleOf({ ground, text, note, line, owners }: Theme): string {
  const borders = { aws: '', rolecast: ' stroke-width: 2.5;', yours: ' stroke-dasharray: 6 3;' }
  return [
    `text { font: ${FONT_SIZE}px ${SANS}; fill: ${text} }`,
    `.title { font-size: ${TITLE_SIZE}px; font-weight: 600 }`,
    `.caption { fill: ${note} }`,
    `.code { font-family: ${MONO}; white-space: pre }`,
    `.ground { fill: ${ground} }`,
    `.line { fill: none; stroke: ${line}; stroke-width: 1.5 }`,
    `.head { fill: ${line} }`,
    'rect { stroke-width: 1.5 }',
    '.frame { fill: none }',
    ...Object.entries(owners).flatMap(([owner, { fill, border }]) => [
      `.${owner} { fill: ${fill}; stroke: ${border};${borders[owner as Owner]} }`,
      `.${owner}-frame { stroke: ${border};${borders[owner as Owner]} }`,
    ]),
  ].join('\n')
}

export function drawDiagram({ name, title, description, blocks }: Diagram, theme: Theme): string {
  const inner = WIDTH - 2 * MARGIN
  const heading = wrap(title, inner, TITLE_SIZE, true)
  const key = legend(blocks, MARGIN + heading.length * LINE + 8)
  const top = MARGIN + heading.length * LINE + 8 + key.height
  const drawn = drawBlocks(blocks, MARGIN, top, inner)
  const height = top + drawn.height + MARGIN
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" ` +
      `aria-labelledby="${name}-title ${name}-description">`,
    `<title id="${name}-title">${htmlEscape(title)}</title>`,
    `<desc id="${name}-description">${htmlEscape(description)}</desc>`,
    `<style>\n${styleOf(theme)}\n</style>`,
    '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse">' +
      '<path class="head" d="M0 0L8 4L0 8Z"/></marker>',
    `<rect class="ground" width="${WIDTH}" height="${height}" rx="8" stroke="none"/>`,
    ...textLines(heading, MARGIN, MARGIN - 4, 'title'),
    ...key.svg,
    ...drawn.svg,
    '</svg>',
    '',
  ].join('\n')
}

/** The files, by their path in `docs`. */
export function diagramFiles(
  diagrams: readonly Diagram[] = DIAGRAMS,
): readonly (readonly [path: string, svg: string])[] {
  return diagrams.flatMap(diagram =>
    (Object.keys(THEMES) as ThemeName[]).map(
      theme => [`diagrams/${diagram.name}-${theme}.svg`, drawDiagram(diagram, THEMES[theme])] as const,
    ),
  )
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await mkdir(new URL('diagrams/', import.meta.url), { recursive: true })
  for (const [file, svg] of diagramFiles()) await writeFile(new URL(file, import.meta.url), svg)
}
