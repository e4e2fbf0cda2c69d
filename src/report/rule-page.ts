import type { FindingRule } from '../rules/catalogue.js'

/** A rule as plain text, for a terminal. */
export function ruleText(rule: FindingRule): string {
  const { id, slug, title, severity, enabled, context, what, why, fix, example, see } = rule
  return [
    `${id} ${slug} (${severity}${enabled ? '' : ', off by default'})`,
    `${title}.`,
    '',
    what,
    ...(context === undefined ? [] : ['', `Severity: ${withoutLinks(context)}`]),
    '',
    `Why it matters: ${withoutLinks(why)}`,
    '',
    `What to do: ${fix}`,
    '',
    'For example:',
    ...example.text.split('\n').map(line => `  ${line}`),
    '',
    `See ${see}`,
  ].join('\n')
}

/** A rule as a section of a page in Markdown. */
export function ruleMarkdown({
  id,
  slug,
  title,
  severity,
  enabled,
  context,
  what,
  why,
  fix,
  example,
  see,
}: FindingRule): string {
  return [
    `### ${id}`,
    `**${title}** · \`${slug}\` · ${severity}${enabled ? '' : ', off by default'}`,
    what,
    ...(context === undefined ? [] : [`*Severity:* ${withoutLinks(context)}`]),
    `*Why it matters:* ${withoutLinks(why)}`,
    `*What to do:* ${fix}`,
    `\`\`\`${example.language}\n${example.text}\n\`\`\``,
    `See <${see}>.`,
  ].join('\n\n')
}

/** Links to other rules lead somewhere on the page of all rules only. */
function withoutLinks(text: string): string {
  return text.replace(/\[([^\]]+)\]\(#[^)]+\)/g, '$1')
}
