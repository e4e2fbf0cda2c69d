import { CONCERN_NAMES, CONCERNS } from '../audit/concerns.js'
import type { Rule as TokenRule, Semantics } from '../claims/decide.js'
import { OVERRIDE_TEXTS } from '../claims/override-texts.js'
import { CLAIMS } from '../claims/pre-token-response.js'
import { resolveRoles } from '../claims/resolve.js'
import { RULE_TEXTS, type RuleText, SEMANTICS_TEXTS, type TokenRuleText } from '../claims/rule-texts.js'
import { SELECTION_TEXTS } from '../credentials/selection-texts.js'
import { ERROR_TEXTS, type ErrorText } from '../error-texts.js'
import type { Group } from '../group.js'
import { RULES } from '../rules/catalogue.js'
import type { Rule } from '../rules/rule.js'
import { closest, compareText } from '../text.js'
import { type Columns, wrapText } from './fit-width.js'
import { OUTPUT_NAMES, type OutputNameText } from './output-names.js'
import { ruleText, severityContext } from './rule-page.js'
import { table } from './text-table.js'

/** The kinds of names that `rolecast explain` has a page for. */
export type TopicKind =
  | 'finding'
  | 'token-rule'
  | 'trigger-rule'
  | 'credentials-rule'
  | 'semantics'
  | 'audit-finding'
  | 'output-name'
  | 'error-code'

/** A name that an output of rolecast shows, with its explanation. */
export interface Topic {
  readonly kind: TopicKind
  readonly name: string
  /** The ID of a rule of `rolecast validate`: `COG101`. */
  readonly id?: string
  /** Its severity, for the list. */
  readonly label?: string
  /** One line. */
  readonly title: string
  /** The page, as lines that fit. */
  readonly page: (columns: Columns) => string
  /** The parts of the page, for programs. */
  readonly parts: Readonly<Record<string, unknown>>
}

const HEADINGS: Readonly<Record<TopicKind, string>> = {
  finding: 'Findings of rolecast validate',
  'token-rule': 'Rules of the ID token: which role claims Cognito sets',
  'trigger-rule': 'Rules of a pre token generation trigger: what it does to a claim',
  'credentials-rule': "Rules of the identity pool: which role's credentials a user gets",
  semantics: 'Readings of the rules, for --semantics',
  'audit-finding': 'Findings of rolecast audit',
  'output-name': 'Other names in outputs',
  'error-code': 'Error codes, which end a message in brackets',
}

/** All of them, kind by kind. */
export const TOPICS: readonly Topic[] = [
  ...RULES.map(findingTopic),
  ...entries(RULE_TEXTS).map(([name, text]) => tokenTopic(name, text)),
  ...entries(OVERRIDE_TEXTS).map(([name, text]) => ruleTopic('trigger-rule', name, text)),
  ...entries(SELECTION_TEXTS).map(([name, text]) => ruleTopic('credentials-rule', name, text)),
  ...entries(SEMANTICS_TEXTS).map(([name, text]) => semanticsTopic(name, text)),
  ...CONCERN_NAMES.map(concernTopic),
  ...OUTPUT_NAMES.map(([name, text]) => outputNameTopic(name, text)),
  ...entries(ERROR_TEXTS).map(([code, text]) => errorTopic(code, text)),
]

/** The topics with this name or ID, in any letter case; several if a name has several meanings. */
export function findTopics(name: string): readonly Topic[] {
  // CDK names a rule with the plugin that has it.
  const wanted = name.toLowerCase().replace(/^rolecast::/, '')
  return TOPICS.filter(topic => topic.name === wanted || topic.id?.toLowerCase() === wanted)
}

/** The name that was probably intended. Not for IDs, which all look alike. */
export function nearestTopic(name: string): string | undefined {
  if (/^cog\d/i.test(name)) return undefined
  return closest(
    name,
    TOPICS.map(topic => topic.name),
  )
}

/** A line for each, below the heading of its kind. */
export function topicsText(columns: Columns): string {
  return entries(HEADINGS)
    .map(([kind, heading]) => {
      const rows = TOPICS.filter(topic => topic.kind === kind).map(({ id, name, label, title }) => [
        id ?? name,
        ...(label === undefined ? [] : [label]),
        title,
      ])
      const lines = table(rows).flatMap((line, index) => {
        const start = line.length - rows[index]!.at(-1)!.length
        return wrapText(line.slice(start), columns, {
          start: `  ${line.slice(0, start)}`,
          hanging: ' '.repeat(start + 2),
        })
      })
      return `${[heading, ...lines].join('\n')}\n`
    })
    .join('\n')
}

/** For programs. */
export function topicsJson(topics: readonly Topic[]): object {
  return {
    topics: topics.map(({ kind, name, id, title, parts }) => ({
      kind,
      name,
      ...(id !== undefined && { id }),
      title,
      ...parts,
    })),
  }
}

function findingTopic(rule: Rule): Topic {
  const { id, slug, title, severity, enabled, what, why, fix, avoid, prefer, see } = rule
  const context = severityContext(rule)
  return {
    kind: 'finding',
    name: slug,
    id,
    label: `${severity}${enabled ? '' : ' (off)'}`,
    title,
    page: columns => wrapped(ruleText(rule).split('\n'), columns),
    parts: { severity, enabled, what, ...(context !== undefined && { context }), why, fix, avoid, prefer, see },
  }
}

function tokenTopic(name: TokenRule, text: TokenRuleText): Topic {
  const { fix, example } = text
  const { claims } = resolveRoles(example)
  return {
    ...ruleTopic('token-rule', name, text),
    page: columns =>
      wrapped(
        [...ruleLines('token-rule', name, text), ...(fix === undefined ? [] : ['', `What to do: ${fix}`]), ''].concat(
          exampleLines(example),
        ),
        columns,
      ),
    parts: { ...text, example: { groups: example, claims } },
  }
}

/** Groups, and the claims that Cognito makes of them. */
function exampleLines(groups: readonly Group[]): readonly string[] {
  const { claims, outcome, candidateRole } = resolveRoles(groups)
  const rows = groups.map(({ groupName, precedence, roleArn }) => [
    groupName,
    precedence === undefined ? 'no precedence' : `precedence ${precedence}`,
    roleArn ?? 'no role',
  ])
  const values = CLAIMS.map(claim => {
    const value = claims[claim]
    if (value !== undefined) return [claim, typeof value === 'string' ? value : value.join(', ')]
    const isOpen = claim === 'cognito:preferred_role' && outcome === 'undetermined'
    return [claim, isOpen ? `not known: ${candidateRole} or not set` : 'not set']
  })
  return [
    groups.length === 0 ? 'Example: a user in no group' : 'Example: a user in these groups',
    ...table(rows).map(line => `  ${line}`),
    'gets an ID token with',
    ...table(values).map(line => `  ${line}`),
  ]
}

function ruleTopic(kind: 'token-rule' | 'trigger-rule' | 'credentials-rule', name: string, text: RuleText): Topic {
  return {
    kind,
    name,
    title: firstSentence(text.says),
    page: columns => wrapped(ruleLines(kind, name, text), columns),
    parts: { ...text },
  }
}

function semanticsTopic(name: Semantics, text: RuleText & { readonly when: string }): Topic {
  return {
    kind: 'semantics',
    name,
    title: firstSentence(text.says),
    page: columns => wrapped([...ruleLines('semantics', name, text), '', `When to choose it: ${text.when}`], columns),
    parts: { ...text },
  }
}

const SINGULAR: Readonly<Record<TopicKind, string>> = {
  finding: 'a finding of rolecast validate',
  'token-rule': 'a rule of the ID token',
  'trigger-rule': 'a rule of a pre token generation trigger',
  'credentials-rule': 'a rule of the identity pool',
  semantics: 'a reading of the rules',
  'audit-finding': 'a finding of rolecast audit',
  'output-name': 'a name in outputs',
  'error-code': 'an error code',
}

function headLine(kind: TopicKind, name: string): string {
  return `${name} (${SINGULAR[kind]})`
}

function ruleLines(kind: TopicKind, name: string, { says, quote, page, known }: RuleText): readonly string[] {
  const source = page === undefined ? [] : ['', ...(quote === undefined ? [] : [`AWS says: "${quote}"`]), `See ${page}`]
  return [headLine(kind, name), says, ...source, '', `How it is known: ${known}`]
}

function concernTopic(name: (typeof CONCERN_NAMES)[number]): Topic {
  const { severity, title, meaning, next } = CONCERNS[name]
  return {
    kind: 'audit-finding',
    name,
    label: severity,
    title,
    page: columns =>
      wrapped(
        [`${headLine('audit-finding', name)}, ${severity}`, `${title}.`, '', meaning, '', `What to do: ${next}`],
        columns,
      ),
    parts: { severity, meaning, next },
  }
}

function outputNameTopic(name: string, text: OutputNameText): Topic {
  const { where, says, next } = text
  return {
    kind: 'output-name',
    name,
    title: firstSentence(says),
    page: columns =>
      wrapped([`${name} (${where})`, says, ...(next === undefined ? [] : ['', `What to do: ${next}`])], columns),
    parts: { ...text },
  }
}

function errorTopic(code: string, { means, cause, next }: ErrorText): Topic {
  const { library, commandLine } = next
  return {
    kind: 'error-code',
    name: code,
    title: means,
    page: columns =>
      wrapped(
        [
          headLine('error-code', code),
          means,
          '',
          `The usual cause: ${cause}`,
          '',
          ...(commandLine === undefined
            ? ['Only the library fails with it.']
            : [`What to do on the command line: ${commandLine}`]),
          '',
          `What to do in code: ${library}`,
        ],
        columns,
      ),
    parts: { cause, next },
  }
}

/** The page of an error code's section in the documentation, all codes in alphabetical order. */
export function errorsMarkdown(): string {
  return entries(ERROR_TEXTS)
    .toSorted(([a], [b]) => compareText(a, b))
    .map(
      ([
        code,
        {
          means,
          cause,
          next: { library, commandLine },
        },
      ]) =>
        [
          `### ${code}`,
          means,
          `*The usual cause:* ${cause}`,
          ...(commandLine === undefined ? [] : [`*On the command line:* ${commandLine}`]),
          `*In code:* ${library}`,
        ].join('\n\n'),
    )
    .join('\n\n')
}

/** Breaks each line into lines that fit, with its own indentation. Examples of files are never broken. */
function wrapped(lines: readonly string[], columns: Columns): string {
  return lines
    .flatMap(line => {
      if (line.startsWith(' ')) return [line]
      return wrapText(line, columns)
    })
    .join('\n')
}

function firstSentence(text: string): string {
  return /^.*?\.(?= |$)/s.exec(text)?.[0] ?? text
}

function entries<K extends string, V>(record: Readonly<Record<K, V>>): readonly (readonly [K, V])[] {
  return Object.entries(record) as [K, V][]
}
