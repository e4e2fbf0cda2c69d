import { readFile } from 'node:fs/promises'
import { htmlEscape } from 'escape-goat'
import type { Answers, Compared } from './competitors/compared.js'

const WIDTH = 860
const ROW = 24
/** Where the first question begins, below the title, the notes and the scale. */
const TOP = 84
/** Where the bars' 1x stands, how far right the longest one goes, and how far left a bar below 1x may go. */
const ONE = 330
const LONGEST = 350
const LEFTMOST = 40

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328; stroke: #ffffff; stroke-width: 4px; paint-order: stroke }
  .question { font-weight: 600 }
  .note, .tick { fill: #59636e }
  .tick { font-size: 11px; text-anchor: middle }
  .name { text-anchor: end }
  .ground { fill: #ffffff }
  .grid { stroke: #d1d9e0 }
  .first { fill: #1a7f37 }
  .other { fill: #6e7781 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; stroke: #0d1117 }
    .note, .tick { fill: #9198a1 }
    .ground { fill: #0d1117 }
    .grid { stroke: #30363d }
    .first { fill: #3fb950 }
    .other { fill: #848d97 }
  }`

/** A bar for every candidate, as long as the logarithm of its ratio. The same results give the same bytes. */
function chart(machine: string, answers: Answers): string {
  const ratios = Object.values(answers).flatMap(rows => rows.map(({ ratio }) => ratio))
  const decades = Math.max(1, Math.ceil(Math.log10(Math.max(...ratios))))
  const decade = LONGEST / decades
  const lengthOf = (ratio: number) => Math.max(-LEFTMOST, Math.log10(ratio) * decade)

  const parts: string[] = []
  let y = TOP
  for (const [question, rows] of Object.entries(answers)) {
    parts.push(text(20, y + 26, 'question', grouped(question)))
    y += 36
    for (const [index, row] of rows.entries()) {
      const length = lengthOf(row.ratio)
      const rank = index === 0 ? 'first' : 'other'
      const left = ONE + Math.min(0, length) - 1
      parts.push(
        text(ONE - LEFTMOST - 6, y + 16, 'name', row.name),
        `<rect class="${rank}" x="${round(left)}" y="${y + 4}" width="${round(Math.abs(length) + 2)}" height="${ROW - 8}" rx="2"/>`,
        text(round(ONE + Math.max(0, length) + 8), y + 16, 'note', said(row)),
      )
      y += ROW
    }
  }
  const height = y + 20
  const grid = Array.from({ length: decades + 1 }, (_, power) => {
    const x = round(ONE + power * decade)
    return `<line class="grid" x1="${x}" x2="${x}" y1="${TOP}" y2="${y + 6}"/>${text(x, TOP - 6, 'tick', grouped(`${10 ** power}x`))}`
  })
  const description = Object.entries(answers).map(
    ([question, rows]) => `${grouped(question)}: ${rows.map(row => `${row.name} ${said(row)}`).join(', ')}.`,
  )
  const size = `viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}"`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-labelledby="title description">`,
    '<title id="title">rolecast compared with what people would use instead</title>',
    `<desc id="description">${htmlEscape(description.join(' '))}</desc>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="ground" width="${WIDTH}" height="${height}"/>`,
    text(20, 26, 'question', 'How many times longer than rolecast; for memory, how many times more'),
    text(20, 44, 'note', `Shorter is better, and the scale is logarithmic. ${machine}`),
    text(
      20,
      60,
      'note',
      'A green bar is 1x: rolecast on one thread, or an empty module where whole processes are compared',
    ),
    ...grid,
    ...parts,
    '</svg>',
    '',
  ].join('\n')
}

function said({ value, unit, ratio }: Compared): string {
  return `${round(ratio, ratio < 10 ? 2 : 0)}x (${inUnits(value, unit)})`
}

const NEXT_UNIT: Readonly<Record<string, string>> = { ns: 'µs', µs: 'ms', ms: 's' }

/** In the unit in which it has at most three digits before the point, and with three digits that count. */
function inUnits(value: number, unit: string): string {
  const next = NEXT_UNIT[unit]
  if (next !== undefined && value >= 1_000) return inUnits(value / 1_000, next)
  return `${grouped(String(value < 1_000 ? Number(value.toPrecision(3)) : Math.round(value)))} ${unit}`
}

/** With a comma between the thousands of each number. */
function grouped(words: string): string {
  return words.replace(/\d{4,}/g, digits => Number(digits).toLocaleString('en-US'))
}

function text(x: number, y: number, name: string, content: string): string {
  return `<text class="${name}" x="${x}" y="${y}">${htmlEscape(content)}</text>`
}

function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits))
}

/**
 * What `npm run bench -- --competitors` printed, as the page shows it: the machine, the versions of the competitors, and
 * the rows of each question.
 */
function recordOf(page: string): readonly [machine: string, answers: Answers] {
  const printed = /^## Compared with other tools$.*?^```text\n(.*?)^```$/ms.exec(page)?.[1]
  if (printed === undefined) throw new Error('the page has no record below `## Compared with other tools`')
  const [head, ...questions] = printed.trimEnd().split('\n\n')
  const answers = questions.map(lines => {
    const [question, ...rows] = lines.split('\n')
    return [question!, rows.map(rowOf)] as const
  })
  return [head!.split('\n')[0]!, Object.fromEntries(answers)]
}

function rowOf(line: string): Compared {
  const row = /^ {2}(?<name>.*?) +(?<value>\d+(?:\.\d)?) (?<unit>ms|ns|MB) +(?<ratio>\d+\.\d\d)x$/.exec(line)?.groups
  if (row === undefined) throw new Error(`not a row of a record: ${line}`)
  const { name, value, unit, ratio } = row
  return { name: name!, value: Number(value), unit: unit as Compared['unit'], ratio: Number(ratio) }
}

process.stdout.write(chart(...recordOf(await readFile(process.argv[2]!, 'utf8'))))
