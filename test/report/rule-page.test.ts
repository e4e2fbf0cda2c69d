import { expect, test } from 'vitest'
import { ruleMarkdown, rulesMarkdown, ruleText } from '../../src/report/rule-page.js'
import { findRule } from '../../src/rules/catalogue.js'
import { defineRule, hcl, yaml } from '../../src/rules/rule.js'

const rule = defineRule({
  id: 'COG900',
  slug: 'some-rule',
  title: 'Something is wrong',
  severity: 'warning',
  context: 'An error with COG101.',
  enabled: false,
  what: 'It happens.',
  why: 'It matters.',
  fix: 'Change it.',
  avoid: yaml(`
    a:
      b: 1

    c: 2
  `),
  prefer: hcl(`
    a = 1
  `),
  see: 'https://example.com/page',
})

test('a rule as text', () => {
  expect(ruleText(rule)).toBe(
    [
      'COG900 some-rule (warning, off by default)',
      'Something is wrong.',
      '',
      'It happens.',
      '',
      'Severity: An error with COG101.',
      '',
      'Why it matters: It matters.',
      '',
      'What to do: Change it.',
      '',
      'Avoid:',
      '  a:',
      '    b: 1',
      '',
      '  c: 2',
      '',
      'Prefer:',
      '  a = 1',
      '',
      'See https://example.com/page',
    ].join('\n'),
  )
})

test('a rule whose uncertain findings have a lower severity says so, and a page does not repeat the sentence', () => {
  const lowering = { ...rule, severity: 'error', enabled: true, lowersUncertain: true } as const
  expect(ruleText(lowering)).toContain('COG900 some-rule (error, or warning if not certain)\n')
  expect(ruleText(lowering)).toContain(
    '\nSeverity: A warning where a finding holds only for some of the possible values. An error with COG101.\n',
  )
  expect(ruleText({ ...lowering, enabled: false })).toContain('(error, or warning if not certain, off by default)\n')
  expect(ruleText({ ...rule, enabled: true }), 'control').toContain('COG900 some-rule (warning)\n')
  const page = rulesMarkdown('The rules', [lowering], id => id)
  expect(page).toContain('| COG900 | Something is wrong | error, or warning if not certain |\n')
  expect(page).not.toContain('some of the possible values')
})

test('a rule as Markdown, with the rules that it names as links only where there is something to link to', () => {
  expect(ruleMarkdown(rule)).toContain('*Severity:* An error with COG101.\n')
  expect(ruleMarkdown(rule, id => `[${id}](#x)`)).toContain('*Severity:* An error with [COG101](#x).\n')
  expect(ruleMarkdown(rule)).toContain('Avoid:\n\n```yaml\na:\n  b: 1\n\nc: 2\n```\n\nPrefer:\n\n```hcl\na = 1\n```\n')
})

test('several rules as a part of a page: a table, and the section of each', () => {
  const page = rulesMarkdown('The rules', [rule, findRule('COG101')!], id => `[${id}](#${id.toLowerCase()})`)
  expect(page).toMatch(/^## The rules\n\n\| Rule \| \| Severity \|\n\|---\|---\|---\|\n/)
  expect(page).toContain('| [COG900](#cog900) | Something is wrong | warning, off by default |\n| [COG101](#cog101) | ')
  expect(page.match(/^### COG\d+$/gm)).toEqual(['### COG900', '### COG101'])
})
