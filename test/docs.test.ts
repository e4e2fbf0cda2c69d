import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual, promisify } from 'node:util'
import { createContext, runInContext } from 'node:vm'
import { beforeAll, describe, expect, test } from 'vitest'
import { explain } from '../src/claims/explain.js'
import type { Group } from '../src/group.js'
import { type Resolution, type ResolveOptions, resolveRoles } from '../src/claims/resolve.js'
import vectors from './vectors/claims.json' with { type: 'json' }
import { type Rule, type Semantics, SEMANTICS } from '../src/claims/decide.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = promisify(execFile)
const read = (path: string) => readFileSync(join(root, path), 'utf8')

const PAGE = 'docs/semantics.md'
const page = read(PAGE)
const pages = [
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .map(path => posix.join('docs', path.replaceAll('\\', '/')))
    // What a build of the site leaves, at any moment.
    .filter(path => !/^docs\/(api|\.vitepress)\//.test(path)),
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
].filter(path => path.endsWith('.md') && existsSync(join(root, path)))

/** tsc sees to it that none is missing. */
const RULES = Object.keys({
  'no-groups': true,
  'no-roles': true,
  'no-precedence': true,
  'lowest-precedence': true,
  'shared-role': true,
  'conflicting-roles': true,
  'roleless-contender': true,
} satisfies Record<Rule, true>) as Rule[]

const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm
const withoutFences = (text: string) => text.replace(FENCE, '')

/** The anchors that GitHub gives the headings of a page. */
function anchorsOf(text: string): ReadonlySet<string> {
  const anchors = new Set<string>()
  for (const [, heading] of withoutFences(text).matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
      .replaceAll(' ', '-')
    let anchor = slug
    for (let copy = 1; anchors.has(anchor); copy++) anchor = `${slug}-${copy}`
    anchors.add(anchor)
  }
  return anchors
}

/** The text below each heading of the second level, fences included. */
function sectionsOf(text: string): ReadonlyMap<string, string> {
  return new Map(
    text
      .split(/^## /m)
      .slice(1)
      .map(section => [section.split('\n', 1)[0]!, section.slice(section.indexOf('\n') + 1)]),
  )
}

/** The rules whose explanation points to a heading that is not in the text. */
function rulesWithoutSection(text: string): readonly Rule[] {
  const anchors = anchorsOf(text)
  return RULES.filter(rule => {
    const [path, anchor] = explain({ ...resolveRoles([]), rule }).docs.split('#')
    return path !== PAGE || anchor !== rule || !anchors.has(anchor) || !sectionsOf(text).has(rule)
  })
}

interface Named {
  readonly file: string
  readonly name: string
}

/**
 * `` `test/claims/resolve.test.ts`: `…`, `…` `` names tests, in a list or in a table; one to the vectors names vectors. They are
 * no links, because the package has no tests.
 */
function namedIn(text: string): readonly Named[] {
  return [...text.matchAll(/`(test\/[\w./-]+)`: ((?:`(?!test\/)[^`\n]+`[,; ]*)+)/g)].flatMap(([, file, names]) =>
    [...names!.matchAll(/`([^`]+)`/g)].map(([, name]) => ({ file: file!, name: name! })),
  )
}

/** `listed` has a line `file > suite > test` for every test. */
function namedButMissing(text: string, listed: readonly string[]): readonly string[] {
  const exists = ({ file, name }: Named) =>
    file.endsWith('.json')
      ? vectors.some(vector => vector.id === name)
      : listed.some(line => line.startsWith(`${file} > `) && line.endsWith(` > ${name}`))
  return namedIn(text)
    .filter(named => !exists(named))
    .map(({ file, name }) => `${file}: ${name}`)
}

interface Example {
  readonly code: string
  readonly value: string | null
}

/** The expressions of a block, each with the value in the comment below it. */
function examplesOf(block: string): readonly Example[] {
  const parts = block.matchAll(/((?:(?!\/\/ =>).*\n)+?)(\/\/ => .*\n(?:\/\/ .*\n)*)|((?:.*\n)*\S.*\n)/g)
  return [...parts].map(([, code, value, rest]) =>
    code === undefined ? { code: rest!, value: null } : { code, value: value!.replace(/^\/\/ (?:=> )?/gm, '') },
  )
}

/** Runs the `js` blocks of a text, each in a world with nothing but `resolveRoles`; says which value is not what it says. */
function wrongExamples(text: string, resolved: Resolution[] = []): readonly string[] {
  const record = (groups: Iterable<Group>, options?: ResolveOptions) => {
    const resolution = resolveRoles(groups, options)
    resolved.push(resolution)
    return resolution
  }
  return [...text.matchAll(FENCE)]
    .filter(([, language]) => language === 'js')
    .flatMap(([, , block]) => {
      const world = createContext({ resolveRoles: record })
      return examplesOf(block!)
        .filter(({ code, value }) => {
          if (value === null) return true
          try {
            const actual: unknown = structuredClone(runInContext(code, world))
            const expected: unknown = structuredClone(runInContext(`(${value})`, world))
            return !isDeepStrictEqual(actual, expected)
          } catch {
            return true
          }
        })
        .map(({ code }) => code.trim())
    })
}

/** The rules whose section does not begin with an example of just this rule. */
function rulesWithoutExample(text: string): readonly Rule[] {
  return RULES.filter(rule => {
    const resolved: Resolution[] = []
    const wrong = wrongExamples(sectionsOf(text).get(rule) ?? '', resolved)
    return wrong.length > 0 || resolved[0]?.rule !== rule
  })
}

/** The cells of the rows that begin with `| Case`, and of the header above each table of them. */
function caseRows(text: string): readonly (readonly string[])[] {
  return text
    .split('\n')
    .filter(line => line.startsWith('| Case'))
    .map(line =>
      line
        .slice(1, -1)
        .split('|')
        .map(cell => cell.trim()),
    )
}

const isHeader = (row: readonly string[]) => row[0] === 'Case'
const arn = (role: string) => `arn:aws:iam::111122223333:role/${role}`
const short = (roleArn = '') => roleArn.replace(arn(''), '')

/** `admins 0 Alpha`, in backticks, is a group with its precedence and role. */
function groupsIn(cell: string): readonly Group[] {
  return [...cell.matchAll(/`(\S+) (\S+) (\S+)`/g)].map(([, groupName, precedence, role]) => ({
    groupName: groupName!,
    precedence: precedence === 'none' ? null : Number(precedence),
    roleArn: role === 'none' ? null : arn(role!),
  }))
}

function preferredCell({ claims, candidateRole }: Resolution): string {
  if (candidateRole !== undefined) return `undetermined: ${short(candidateRole)} or absent`
  return short(claims['cognito:preferred_role']) || 'absent'
}

function caseCells(groups: readonly Group[]): readonly string[] {
  const resolution = resolveRoles(groups)
  const { claims, rule, evidence } = resolution
  return [
    claims['cognito:groups'] === undefined ? 'absent' : 'all',
    claims['cognito:roles']?.map(short).toSorted().join(', ') ?? 'absent',
    preferredCell(resolution),
    `[${rule}](#${rule})`,
    evidence,
  ]
}

function casesOf(text: string): ReadonlyMap<string, readonly Group[]> {
  return new Map(
    caseRows(text)
      .filter(row => row.length === 7 && !isHeader(row))
      .map(([id, groups]) => [id!, groupsIn(groups!)]),
  )
}

/** The cases whose row does not say what the library says, and the numbers that have none. */
function wrongCases(text: string): readonly string[] {
  const cases = casesOf(text)
  const missing = Array.from({ length: 17 }, (_, index) => `Case ${index + 1}`).filter(id => !cases.has(id))
  const wrong = caseRows(text)
    .filter(row => row.length === 7 && !isHeader(row))
    .filter(([id, , ...cells]) => !isDeepStrictEqual(cells, caseCells(cases.get(id!)!)))
  return [...missing, ...wrong.map(([id]) => id!)]
}

/** The cases in which the semantics differ and the second table does not say so, or says it wrongly. */
function wrongSemantics(text: string): readonly string[] {
  const [header = [], ...rows] = caseRows(text).filter(row => row.length === 1 + SEMANTICS.length)
  const columns = header.slice(1).map(cell => cell.replaceAll('`', '') as Semantics)
  const said = new Map(rows.map(([id, ...cells]) => [id!, cells]))
  return [...casesOf(text)]
    .filter(([id, groups]) => {
      const cells = columns.map(semantics => preferredCell(resolveRoles(groups, { semantics })))
      const differ = new Set(cells).size > 1
      return differ ? !isDeepStrictEqual(said.get(id), cells) : said.has(id)
    })
    .map(([id]) => id)
}

/** Link definitions that Markdown reads as prose: pasted into a sentence, below one, or with prose behind them. */
function misplacedDefinitions(text: string): readonly string[] {
  const lines = withoutFences(text)
    .replace(/`[^`\n]*`/g, '`code`')
    .split('\n')
  const isDefinition = (line = '') => /^\[[^\]]+\]: \S+$/.test(line) && !/^\[[^\]]+\]: ["'(]/.test(line)
  // A definition cannot interrupt a paragraph.
  const beginsParagraph = (index: number): boolean =>
    index < 0 || lines[index]!.trim() === '' || (isDefinition(lines[index]) && beginsParagraph(index - 1))
  // `[text][label]: more` is a link and a colon, unless an address comes next.
  const looksMisplaced = (line: string) => /(?:^|[^\]])\[(?!…\])[^\][]+\]:|\]:\s*(?:<|https?:)/.test(line)
  return lines.filter((line, index) => looksMisplaced(line) && !(isDefinition(line) && beginsParagraph(index - 1)))
}

/** The links that lead nowhere: to a file that is not there, to a heading it does not have, or to no definition. */
function brokenLinks(path: string, text: string): readonly string[] {
  const prose = withoutFences(text).replace(/`[^`\n]*`/g, '')
  const definitions = new Map(
    [...prose.matchAll(/^\[([^\]]+)\]: (\S+)$/gm)].map(([, label, target]) => [label!.toLowerCase(), target!]),
  )
  const labels = [...prose.matchAll(/\]\[([^\]]+)\]/g)].map(([, label]) => label!)
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!)
  const leadsNowhere = (target: string) => {
    if (/^[a-z]+:/i.test(target)) return false
    const [file = '', anchor] = target.split('#')
    const to = file === '' ? path : posix.join(dirname(path), file)
    if (to !== path && !existsSync(join(root, to))) return true
    return anchor !== undefined && !anchorsOf(to === path ? text : read(to)).has(anchor)
  }
  return [
    ...labels.filter(label => !definitions.has(label.toLowerCase())),
    ...[...definitions.values(), ...targets].filter(leadsNowhere),
  ]
}

/**
 * The files of the repository, or of the page's own folder, that a text names in code and that are not there. `NAME` in
 * capitals stands for any name.
 */
function missingFiles(text: string, folder = '.'): readonly string[] {
  return [...withoutFences(text).matchAll(/`((?:test|src|bench)\/[\w./-]+\.(?:ts|mjs|json))`/g)]
    .map(([, path]) => path!)
    .filter(path => !/\bNAME\b/.test(path))
    .filter(path => !existsSync(join(root, path)) && !existsSync(join(root, folder, path)))
}

/** The ids in the table of tokens. */
function listedTokens(text: string): readonly string[] {
  return [
    ...sectionsOf(text)
      .get('The tokens')!
      .matchAll(/^\| `([^`]+)` \|/gm),
  ].map(([, id]) => id!)
}

function unknownVectors(text: string): readonly string[] {
  const known = new Set(vectors.map(({ id }) => id))
  return [...text.matchAll(/`((?:row|capture)-[^`]+)`/g)].map(([, id]) => id!).filter(id => !known.has(id))
}

/** `file > suite > test` for every test in the files that the pages name. */
let listed: readonly string[] = []

beforeAll(async () => {
  const named = pages.flatMap(path => namedIn(read(path)))
  const files = [...new Set(named.map(({ file }) => file))].filter(file => file.endsWith('.test.ts'))
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const { stdout } = await run(process.execPath, [vitest, 'list', '--no-isolate', ...files], {
    cwd: root,
    maxBuffer: 2 ** 26,
  })
  listed = stdout.split('\n')
}, 120_000)

describe('the page of rules', () => {
  test('has a section for every rule that a resolution names', () => {
    expect(rulesWithoutSection(page)).toEqual([])
  })

  test.each(RULES)('control: it is noticed when the section %s has another name', rule => {
    expect(rulesWithoutSection(page.replace(`\n## ${rule}\n`, `\n## ${rule}s\n`))).toEqual([rule])
  })

  test('names tests and vectors that exist, and some for every rule', () => {
    expect(namedButMissing(page, listed)).toEqual([])
    for (const rule of RULES) {
      const files = namedIn(sectionsOf(page).get(rule)!).map(({ file }) => file)
      expect(files).toEqual(expect.arrayContaining(['test/claims/resolve.test.ts', 'test/vectors/claims.json']))
    }
  })

  test.each([
    [
      'a test',
      '- `test/claims/resolve.test.ts`: `row 1: no groups, no claim`',
      'test/claims/resolve.test.ts: row 1: no groups, no claim',
    ],
    [
      'the end of a test',
      '- `test/claims/resolve.test.ts`: `no groups, no claims`',
      'test/claims/resolve.test.ts: no groups, no claims',
    ],
    [
      'a test of another file',
      '- `test/claims/exhaustive.test.ts`: `row 1: no groups, no claims`',
      'test/claims/exhaustive.test.ts: row 1: no groups, no claims',
    ],
    ['a vector', '- `test/vectors/claims.json`: `row-1`, `row-99`', 'test/vectors/claims.json: row-99'],
  ])('control: it is noticed when %s does not exist', (_, line, missing) => {
    expect(namedButMissing(`${page}\n${line}\n`, listed)).toEqual([missing])
  })

  test('gives for every example the value it has, and an example for every rule', () => {
    expect(wrongExamples(page)).toEqual([])
    expect(rulesWithoutExample(page)).toEqual([])
  })

  const example = (...lines: readonly string[]) => `\`\`\`js\n${lines.join('\n')}\n\`\`\`\n`

  test.each([
    ['another value', example('resolveRoles([]).rule', "// => 'no-roles'")],
    [
      'a key too few',
      example('const { outcome, rule } = resolveRoles([])', ';({ outcome, rule })', "// => { outcome: 'none' }"),
    ],
    ['an undefined key too many', example('resolveRoles([]).claims', "// => { 'cognito:groups': undefined }")],
    [
      'a wrong second value',
      example('resolveRoles([]).outcome', "// => 'none'", 'resolveRoles([]).rule', "// => 'none'"),
    ],
    ['a wrong last line', example('resolveRoles([]).groups', '// => [', "//   'a',", '// ]')],
    ['no value', example('resolveRoles([]).rule')],
    ['no value in the end', example('resolveRoles([]).rule', "// => 'no-groups'", 'resolveRoles([]).claims')],
    ['a value that cannot be read', example('resolveRoles([]).rule', '// => no groups')],
    ['an error', example('resolveRoles(groups).rule', "// => 'no-groups'")],
  ])('control: it is noticed when an example has %s', (_, planted) => {
    expect(wrongExamples(planted)).toHaveLength(1)
  })

  test('control: an example of its own form passes', () => {
    expect(
      wrongExamples(
        example('const none = resolveRoles([])', 'none.rule', "// => 'no-groups'", 'none.claims', '// => {', '// }'),
      ),
    ).toEqual([])
  })

  test.each(RULES)('control: it is noticed when %s is shown with the example of another rule', rule => {
    const other = rule === 'no-groups' ? "[{ groupName: 'a' }]" : '[]'
    expect(
      rulesWithoutExample(
        page.replace(/```js\n/g, (fence, offset: number) =>
          page.slice(0, offset).lastIndexOf('\n## ') === page.indexOf(`\n## ${rule}\n`)
            ? `${fence}resolveRoles(${other})\n`
            : fence,
        ),
      ),
    ).toEqual([rule])
  })

  test('has a row for every case, and each row says what the library says', () => {
    expect(wrongCases(page)).toEqual([])
    expect(wrongSemantics(page)).toEqual([])
  })

  const row = (id: string) => page.split('\n').find(line => line.startsWith(`| ${id} |`))!

  test.each([
    ['the groups', 'Case 4', '`admins 0 Alpha`', '`admins none Alpha`'],
    ['a role', 'Case 7', 'Alpha, Beta |', 'Alpha |'],
    ['the preferred role', 'Case 9', '| Alpha |', '| Beta |'],
    ['the rule', 'Case 11', '[conflicting-roles](#conflicting-roles)', '[shared-role](#shared-role)'],
    ['the evidence', 'Case 12', 'inferred', 'observed'],
    ['the number', 'Case 17', '| Case 17 |', '| Case 18 |'],
  ])('control: it is noticed when %s of a case is wrong', (_, id, right, wrong) => {
    expect(row(id)).toContain(right)
    expect(wrongCases(page.replace(row(id), row(id).replace(right, wrong)))).toContain(id)
  })

  test('control: it is noticed when the table of the semantics has a wrong cell, a row too few or a row too many', () => {
    const [first, second] = page.split('\n').filter(line => line.startsWith('| Case 3 |'))
    expect(first).not.toBe(second)
    expect(wrongSemantics(page.replace(second!, second!.replace('Alpha', 'absent')))).toEqual(['Case 3'])
    expect(wrongSemantics(page.replace(`${second}\n`, ''))).toEqual(['Case 3'])
    expect(wrongSemantics(page.replace(second!, `${second}\n| Case 4 | Alpha | Alpha | Alpha | Alpha |`))).toEqual([
      'Case 4',
    ])
  })

  /** A captured token comes with its claims; the older ones say where they were published. */
  const isToken = (vector: (typeof vectors)[number]) =>
    'tokens' in vector || /^(?:public|AWS SpaceFinder sample)\b/.test(vector.source)

  test('lists all tokens, and no other vector', () => {
    const tokens = vectors.filter(isToken)
    expect(listedTokens(page)).toEqual(expect.arrayContaining(tokens.map(({ id }) => id)))
    expect(listedTokens(page)).toHaveLength(tokens.length)
    expect(tokens.every(({ evidence }) => evidence === 'observed')).toBe(true)
    expect(tokens.filter(vector => 'tokens' in vector)).toHaveLength(13)
    expect(tokens).toHaveLength(21)
    expect(page.match(/\b[\w-]+ tokens with known groups\b/g)).toEqual([
      '21 tokens with known groups',
      '21 tokens with known groups',
    ])
  })

  test('control: a token that is not in the table is missed', () => {
    expect(listedTokens(page.replace(/^\| `row-6` \|.*\n/m, ''))).toEqual(
      listedTokens(page).filter(id => id !== 'row-6'),
    )
    expect(listedTokens(page)).toContain('row-6')
  })

  test('names no vector that does not exist', () => {
    expect(unknownVectors(page)).toEqual([])
  })

  test('control: it is noticed when the page names a vector that does not exist', () => {
    expect(unknownVectors(`${page}\n\`capture-login-nobody\` and \`row-99\`, \`row-9\`.\n`)).toEqual([
      'capture-login-nobody',
      'row-99',
    ])
  })
})

describe('links', () => {
  test.each(pages)('%s has none that leads nowhere', path => {
    expect(brokenLinks(path, read(path))).toEqual([])
  })

  test('there are pages, the page of rules among them', () => {
    expect(pages).toContain(PAGE)
  })

  test.each([
    ['a file that is not there', '[x](missing.md)', ['missing.md']],
    ['a folder above that has no such file', '[x](../test/missing.test.ts)', ['../test/missing.test.ts']],
    ['a heading that is not there', '# Here\n[x](#there)', ['#there']],
    ['a heading of another page that is not there', '[x](caching.md#there)', ['caching.md#there']],
    ['a heading that only code has', '```sh\n# there\n```\n[x](#there)', ['#there']],
    ['a second heading of a name that comes once', '# Here\n[x](#here-1)', ['#here-1']],
    ['no definition', '[x][there]', ['there']],
    ['a definition that leads nowhere', '[x][y]\n\n[y]: missing.md', ['missing.md']],
  ])('control: a link to %s is noticed', (_, text, broken) => {
    expect(brokenLinks(PAGE, text)).toEqual(broken)
  })

  test.each([
    ['the web', '[x](https://example.com/#there)'],
    ['another page', '[x](caching.md)'],
    ['a heading of another page', '[x](caching.md#the-groups-creategroupsource)'],
    ['a file above', '[x](../test/models/resolve-model.ts)'],
    ['a heading here', '## What `isThis`, and why?\n[x](#what-isthis-and-why)'],
    ['the second heading of its name', '# Here\n# Here\n[x](#here-1)'],
    ['a definition', '[x][y]\n\n[y]: caching.md'],
  ])('control: a link to %s is not', (_, text) => {
    expect(brokenLinks(PAGE, text)).toEqual([])
  })

  test.each(pages)('%s names no file in code that is not there', path => {
    expect(missingFiles(read(path), dirname(path))).toEqual([])
  })

  test('control: a file that is not there is noticed', () => {
    expect(missingFiles('`test/missing.test.ts`, `test/docs.test.ts`, `src/errors.ts`')).toEqual([
      'test/missing.test.ts',
    ])
  })

  test.each(pages)('%s has no definition inside of prose', path => {
    expect(misplacedDefinitions(read(path))).toEqual([])
  })

  test.each([
    ['an address behind a link', "AWS's [page][other]: https://example.com/", 1],
    ['prose behind the label', 'One.\n\n[page]: "your trust policies must grant', 1],
    ['one quoted word behind the label', '[page]: "must"', 1],
    ['prose behind the address', '[page]: https://example.com/ says so', 1],
    ['the middle of a line', 'See [page]: https://example.com/', 1],
    ['an indented line', '- one\n\n  [page]: https://example.com/', 1],
    ['the line below a sentence', 'One.\n[page]: https://example.com/\n[other]: https://example.com/', 2],
    [
      'two places, as it once was in docs/identity-pool.md',
      '- AWS\'s [GovCloud page][practices]: https://example.com/practices.html\n[govcloud]: "your trust policies must grant\n  `more`"',
      2,
    ],
  ])('control: a definition in %s is noticed', (_, text, count) => {
    expect(misplacedDefinitions(text)).toHaveLength(count)
  })

  test.each([
    ['definitions at the foot', 'One.\n\n[page]: https://example.com/\n[other]: caching.md#there\n'],
    ['a link and a colon', 'AWS\'s [page][other]: "your trust policies"'],
    ['a list of links with colons', '- [model.ts](../test/model.ts): `a test`'],
    ['an omission and a colon', 'as follows: […]: one'],
    ['definitions in code', '`[page]: https://example.com/` and\n\n```js\nconst x = { [page]: 1 }\n```\n'],
  ])('control: %s are fine', (_, text) => {
    expect(misplacedDefinitions(text)).toEqual([])
  })

  test('control: a link in code is none', () => {
    expect(brokenLinks(PAGE, '`[x](missing.md)`\n```md\n[x](missing.md)\n```\n')).toEqual([])
  })
})

describe('the tests that pages name', () => {
  test.each(pages.filter(path => namedIn(read(path)).length > 0))('%s: each of them exists', path => {
    expect(namedButMissing(read(path), listed)).toEqual([])
  })

  /** The rows of the threats that no test holds. */
  function rowsWithoutTest(text: string): readonly string[] {
    const rows = sectionsOf(text)
      .get('What holds')!
      .split('\n')
      .filter(line => line.startsWith('| '))
    return rows.filter(row => !/^\| (?:Way|---) \|/.test(row) && namedIn(row).length === 0)
  }

  test('SECURITY.md names one for every threat that it says is held', () => {
    expect(rowsWithoutTest(read('SECURITY.md'))).toEqual([])
  })

  test('control: a row without a test is noticed, and so is a test that does not exist', () => {
    const row = '| A new way | it is denied | nothing yet |'
    const named = '| A new way | it is denied | `test/authorizer/claims.test.ts`: `no such test` |'
    const withRow = (text: string) => read('SECURITY.md').replace('\n## What holds\n', `\n## What holds\n\n${text}\n`)
    expect(rowsWithoutTest(withRow(row))).toEqual([row])
    expect(rowsWithoutTest(withRow(named))).toEqual([])
    expect(namedButMissing(withRow(named), listed)).toEqual(['test/authorizer/claims.test.ts: no such test'])
  })
})

describe('docs/schemas.md', () => {
  const codes = [...read('docs/schemas.md').matchAll(FENCE)].flatMap(([, language, code]) =>
    language === 'js' ? [code!] : [],
  )
  /** Whether a value fits the schema that an example compiles, which it calls by this name. */
  async function validity(code: string, name: string, value: unknown): Promise<unknown> {
    const after = `console.log(JSON.stringify(${name}(${JSON.stringify(value)})))`
    const { stdout } = await run(
      process.execPath,
      ['--no-warnings', '--input-type=module', '-e', `${code}\n${after}`],
      { cwd: root },
    )
    return JSON.parse(stdout)
  }

  test('its examples compile schemas that reject what does not fit', async () => {
    expect(codes).toHaveLength(2)
    const [audit, config] = codes as [string, string]
    expect(await validity(audit, 'isAudit', {})).toBe(false)
    expect(await validity(config, 'isConfig', { failOn: 'warning' })).toBe(true)
    expect(await validity(config, 'isConfig', { failOn: 'sometimes' })).toBe(false)
  })

  test('control: without the formats, the schema of the config does not compile', async () => {
    const code = codes[1]!.replace('addFormats.default(ajv)\n', '')
    await expect(validity(code, 'isConfig', {})).rejects.toThrow('unknown format "date"')
  })
})

describe('decision records', () => {
  const records = pages.filter(path => path.startsWith('docs/decisions/') && !path.endsWith('/index.md'))

  /** What a record leaves out of what a reader looks for: what it is worth today, why it was made, and instead of what. */
  function missingParts(text: string): readonly string[] {
    const headings = [...sectionsOf(text).keys()]
    const parts = {
      status: /^Status: \S/m.test(text),
      why: headings.some(heading => /^(?:Context|Why)\b/.test(heading)),
      alternatives: headings.includes('Alternatives'),
    }
    return Object.entries(parts).flatMap(([part, isThere]) => (isThere ? [] : [part]))
  }

  test.each(records)('%s has a status, a reason and alternatives', path => {
    expect(missingParts(read(path))).toEqual([])
  })

  test('are numbered from 0001 on, without a gap and without a number twice', () => {
    const numbers = records.map(path => path.slice('docs/decisions/'.length).split('-', 1)[0]).toSorted()
    expect(numbers).toEqual(numbers.map((_, index) => String(index + 1).padStart(4, '0')))
  })

  test.each([
    ['status', /^Status: /m, 'State: '],
    ['why', /^## Context$/m, '## Prelude'],
    ['alternatives', /^## Alternatives$/m, '## Others'],
  ])('control: a record without its %s is noticed', (part, heading, other) => {
    const record = read('docs/decisions/0004-own-rate-limiter.md')
    expect(missingParts(record.replace(heading, other))).toEqual([part])
  })
})

describe('the words', () => {
  /** A user, a caller or a reader is "they", and better still "you". */
  const gendered = (text: string) => withoutFences(text).match(/\b(?:he|him|his)\b/gi) ?? []

  test.each(pages)('%s calls nobody he', path => {
    expect(gendered(read(path))).toEqual([])
  })

  test('control: a page that does is noticed', () => {
    expect(gendered('Add him from a list, or know that he is missing: this is the hint.')).toEqual(['him', 'he'])
  })
})
