import { lowered, type Rule } from '../rules/rule.js'

/** A rule as plain text, for a terminal. */
export function ruleText(rule: Rule): string {
  const { title, what, why, fix, avoid, prefer, see } = rule
  const context = severityContext(rule)
  return [
    `${rule.id} ${rule.slug} (${severityText(rule)})`,
    `${title}.`,
    what,
    ...(context === undefined ? [] : [`Severity: ${context}`]),
    `Why it matters: ${why}`,
    `What to do: ${fix}`,
    `Avoid:\n${indented(avoid.text)}`,
    `Prefer:\n${indented(prefer.text)}`,
    `See ${see}`,
  ]
    .join('\n\n')
    .replace('\n\n', '\n')
}

/** A rule as a section of a page in Markdown. `link` turns the id of another rule into a link, if there is one. */
export function ruleMarkdown(rule: Rule, link = (id: string) => id): string {
  const { id, slug, title, context, what, why, fix, avoid, prefer, see } = rule
  const linked = (text: string) => text.replace(/\bCOG\d{3}\b/g, link)
  return [
    `### ${id}`,
    `**${title}** · \`${slug}\` · ${severityText(rule)}`,
    linked(what),
    ...(context === undefined ? [] : [`*Severity:* ${linked(context)}`]),
    `*Why it matters:* ${linked(why)}`,
    `*What to do:* ${fix}`,
    'Avoid:',
    `\`\`\`${avoid.language}\n${avoid.text}\n\`\`\``,
    'Prefer:',
    `\`\`\`${prefer.language}\n${prefer.text}\n\`\`\``,
    `See <${see}>.`,
  ].join('\n\n')
}

/** The part of a documentation page that is about these rules: a table, and a section for each. */
export function rulesMarkdown(heading: string, rules: readonly Rule[], link: (id: string) => string): string {
  return [
    `## ${heading}`,
    [
      '| Rule | | Severity |',
      '|---|---|---|',
      ...rules.map(rule => `| ${link(rule.id)} | ${rule.title} | ${severityText(rule)} |`),
    ].join('\n'),
    ...rules.map(rule => ruleMarkdown(rule, link)),
  ].join('\n\n')
}

/** When a finding of the rule has another severity than the rule's. Undefined if it never has. */
export function severityContext({ severity, lowersUncertain, context }: Rule): string | undefined {
  const sentences = [
    ...(lowersUncertain ? [`A ${lowered(severity)} where a finding holds only for some of the possible values.`] : []),
    ...(context === undefined ? [] : [context]),
  ]
  return sentences.length === 0 ? undefined : sentences.join(' ')
}

function severityText({ severity, lowersUncertain, enabled }: Rule): string {
  return [
    severity,
    ...(lowersUncertain ? [`or ${lowered(severity)} if not certain`] : []),
    ...(enabled ? [] : ['off by default']),
  ].join(', ')
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ')
}
