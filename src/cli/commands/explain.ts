import type { Command } from 'commander'
import { ALL_RULES, findAnyRule } from '../../rules/all-rules.js'
import { RolecastError } from '../../errors.js'
import { ruleText } from '../../report/rule-page.js'
import { table } from '../../report/text-table.js'
import { type ExitCode, type Terminal, write } from '../terminal.js'

export function addExplainCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  program
    .command('explain')
    .description('say what a rule of `rolecast validate` finds, why, and what to do; without a rule, list them all')
    .argument('[rule]', 'its id or its name, such as COG101 or tie-different-roles')
    .addHelpText('after', '\nExample:\n  $ rolecast explain COG101\n\nExit codes: 0 it ran, 2 there is no such rule.')
    .action(async (name: string | undefined) => {
      await write(terminal.stdout, name === undefined ? listText() : `${ruleText(ruleOf(name))}\n`)
      finish(0)
    })
}

function ruleOf(name: string) {
  const rule = findAnyRule(name)
  if (rule !== undefined) return rule
  throw new RolecastError('invalid-argument', `\`${name}\` is no rule; \`rolecast explain\` lists them`, {
    value: name,
  })
}

function listText(): string {
  const rows = ALL_RULES.map(({ id, severity, enabled, title }) => [id, `${severity}${enabled ? '' : ' (off)'}`, title])
  return table(rows)
    .map(line => `${line}\n`)
    .join('')
}
