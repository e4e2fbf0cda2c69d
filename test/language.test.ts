import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const filesBelow = (folder: string, isWanted: (path: string) => boolean) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map(path => `${folder}/${path.replaceAll('\\', '/')}`)
    .filter(isWanted)
    .toSorted()

/** Words that have to be read twice, and what to write instead. Code is not looked at. */
const WORDS: readonly { readonly instead: string; readonly pattern: RegExp }[] = [
  {
    instead: '"unknown X", or "is not a Y"',
    pattern: /(?<!\bthere )\b(?:is|are|was|were) no (?!more\b|less\b|\w+er\b)[a-z]+/gi,
  },
  { instead: '"depends on"', pattern: /\bhangs? on\b/gi },
  { instead: '"again", or "recreate"', pattern: /\banew\b/gi },
  { instead: '"intended"', pattern: /\bmeant so\b/gi },
  { instead: '"AWS does not document"', pattern: /\bnobody knows\b/gi },
  { instead: 'the one that does it', pattern: /\bwho(?:so)?ever\b/gi },
  { instead: '"because"', pattern: /[,;] for (?:it|they|there|we) [a-z]+/gi },
  { instead: '"with", "next to", "in addition to"', pattern: /\bbeside\b/gi },
  { instead: '"they", or "you"', pattern: /\b(?:he|him|his|she|her|hers)\b/gi },
]

/** Each of these words in a text, with what stands around it. */
function wordsOf(text: string): readonly string[] {
  const prose = text
    .replace(/^```(\w*)\n[\s\S]*?^```$/gm, '')
    .replace(/`[^`\n]*`/g, '`…`')
    .replace(/\s+/g, ' ')
  return WORDS.flatMap(({ pattern, instead }) =>
    [...prose.matchAll(pattern)].map(
      ({ 0: found, index }) =>
        `${prose.slice(Math.max(0, index - 40), index + found.length + 20)}: instead of "${found}" write ${instead}`,
    ),
  )
}

interface Said {
  readonly line: number
  readonly text: string
}

/** The texts of a source that somebody may read: strings of more than a word, and comments. */
function textsOf(path: string, source: string): readonly Said[] {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true)
  const lineOf = (position: number) => file.getLineAndCharacterOfPosition(position).line + 1
  const said: Said[] = []
  const visit = (node: ts.Node): void => {
    const text = stringOf(node)
    if (text?.includes(' ')) said.push({ line: lineOf(node.getStart()), text })
    ts.forEachChild(node, visit)
  }
  visit(file)
  for (const { index, 0: comment } of source.matchAll(/\/\*\*[\s\S]*?\*\/|^\s*\/\/.*$/gm))
    said.push({ line: lineOf(index), text: comment.replace(/^\s*(?:\/\*\*|\*\/|\*|\/\/)/gm, '') })
  return said
}

/** The text of a literal. What is inserted is `…` in backticks. */
function stringOf(node: ts.Node): string | undefined {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text
  if (!ts.isTemplateExpression(node)) return undefined
  return node.head.text + node.templateSpans.map(({ literal }) => `\`…\`${literal.text}`).join('')
}

const PAGES = [
  ...filesBelow(
    'docs',
    path => path.endsWith('.md') && !/^docs\/(?:api|\.vitepress)\/|third-party-licenses/.test(path),
  ),
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
]
const SOURCES = filesBelow('src', path => path.endsWith('.ts'))
/** What the site says: its sources, and the templates of its components. */
const SITE = filesBelow('docs/.vitepress', path => /(?<!\/cache\/.*)\.(?:ts|vue)$/.test(path))

describe('the words', () => {
  test.each(PAGES)('%s has none of the words that have to be read twice', path => {
    expect(wordsOf(read(path))).toEqual([])
  })

  test('no message, finding, help text or comment of the source has one', () => {
    const found = SOURCES.flatMap(path =>
      textsOf(path, read(path)).flatMap(({ line, text }) => wordsOf(text).map(word => `${path}:${line} ${word}`)),
    )
    expect(found).toEqual([])
  })

  test.each(SITE)('%s has none either', path => {
    expect(wordsOf(read(path))).toEqual([])
  })

  test.each([
    '`x` is no rule',
    'which are no groups',
    'it hangs on the order',
    'create it anew',
    'say that it is meant so',
    'nobody knows',
    'whoever asks',
    'it is cached, for it is asked often',
    'the name beside it',
    'add him',
  ])('control: "%s" is noticed in a page, in a message, in a docstring and in a comment', text => {
    expect(wordsOf(text)).toHaveLength(1)
    for (const source of [`f('a ${text}')`, `/** A. ${text} */`, `  // A. ${text}`])
      expect(textsOf('planted.ts', source).flatMap(said => wordsOf(said.text))).toHaveLength(1)
  })

  test.each([
    'there is no rule',
    'it is no longer cached',
    'the response is no older than this',
    '```ts\nit is no x\n```\n',
  ])('control: "%s" is fine', text => {
    expect(wordsOf(text)).toEqual([])
  })
})

/** What makes errors, and at which argument the message is. */
const MAKERS: ReadonlyMap<string, number> = new Map([
  ['RolecastError', 1],
  ['invalidOption', 0],
])

interface Message extends Said {
  readonly path: string
}

/** `MAKERS`, and the functions of the file that give them one of their own parameters as the message. */
function makersIn(file: ts.SourceFile): ReadonlyMap<string, number> {
  const makers = new Map(MAKERS)
  const visit = (node: ts.Node, within?: ts.FunctionDeclaration): void => {
    const message = calledMessage(node, MAKERS)
    if (within?.name !== undefined && message !== undefined && ts.isIdentifier(message)) {
      const index = within.parameters.findIndex(({ name }) => ts.isIdentifier(name) && name.text === message.text)
      if (index !== -1) makers.set(within.name.text, index)
    }
    ts.forEachChild(node, child => visit(child, ts.isFunctionDeclaration(node) ? node : within))
  }
  visit(file)
  return makers
}

/** The message that a call gives to what makes errors. */
function calledMessage(node: ts.Node, makers: ReadonlyMap<string, number>): ts.Expression | undefined {
  if (!(ts.isNewExpression(node) || ts.isCallExpression(node)) || !ts.isIdentifier(node.expression)) return undefined
  return node.arguments?.[makers.get(node.expression.text) ?? -1]
}

/** The messages of the errors that a source makes. Those that are put together of parts elsewhere are not seen. */
function messagesOf(path: string, source: string): readonly Message[] {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true)
  const makers = makersIn(file)
  const constants = new Map<string, string>()
  const messages: Message[] = []
  const textsIn = (node: ts.Expression): readonly string[] => {
    if (ts.isConditionalExpression(node)) return [...textsIn(node.whenTrue), ...textsIn(node.whenFalse)]
    if (ts.isParenthesizedExpression(node)) return textsIn(node.expression)
    const text = ts.isIdentifier(node) ? constants.get(node.text) : stringOf(node)
    return text === undefined ? [] : [text]
  }
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer !== undefined) {
      const text = stringOf(node.initializer)
      if (text !== undefined) constants.set(node.name.text, text)
      else constants.delete(node.name.text)
    }
    const message = calledMessage(node, makers)
    if (message !== undefined)
      for (const text of textsIn(message))
        messages.push({ path, text, line: file.getLineAndCharacterOfPosition(message.getStart()).line + 1 })
    ts.forEachChild(node, visit)
  }
  visit(file)
  return messages
}

/** What is wrong with the form of a message. */
function faultsOf(text: string): readonly string[] {
  return [
    ...(/^(?:[a-z`\d-]|AWS\b|[A-Z][A-Za-z]*[A-Z]|Cognito\b|Terraform\b|Node\b|PostgreSQL\b)/.test(text)
      ? []
      : ['does not begin in lower case']),
    ...(/[.!]$/.test(text) ? ['ends with a full stop'] : []),
    ...(text.includes('; ') || text.endsWith('`…`') ? [] : ['does not say what to do next, after a semicolon']),
  ]
}

describe('the messages of errors', () => {
  const messages = SOURCES.flatMap(path => messagesOf(path, read(path)))

  test('are found', () => {
    expect(messages.length).toBeGreaterThan(150)
  })

  test('begin in lower case, say what to do next after a semicolon, and end without a full stop', () => {
    const wrong = messages.flatMap(({ path, line, text }) => {
      const faults = faultsOf(text)
      return faults.length === 0 ? [] : [`${path}:${line} ${faults.join(', ')}: ${text}`]
    })
    expect(wrong).toEqual([])
  })

  test.each([
    ['Unknown rule; run `rolecast explain`', 'does not begin in lower case'],
    ['unknown rule; run `rolecast explain`.', 'ends with a full stop'],
    ['unknown rule', 'does not say what to do next, after a semicolon'],
  ])('control: "%s" %s', (text, fault) => {
    const sources = [
      `new RolecastError('invalid-option', '${text}')`,
      `const message = '${text}'\nthrow invalidOption(message, 1)`,
      `function invalid(what: string) { return new RolecastError('invalid-event', what) }\ninvalid('${text}')`,
      `new RolecastError('invalid-option', is ? \`a \${x}; b\` : '${text}')`,
    ]
    for (const source of sources)
      expect(messagesOf('planted.ts', source).flatMap(message => faultsOf(message.text))).toEqual([fault])
  })
})
