import type { Command } from 'commander'
import { RolecastError } from '../../errors.js'
import { ruleText } from '../../report/rule-page.js'
import { table } from '../../report/text-table.js'
import { findRule, RULES, unknownRule } from '../../rules/catalogue.js'
import { type ExitCode, print, type Terminal } from '../terminal.js'

export function addExplainCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  program
    .command('explain')
    .description('print what a rule of `rolecast validate` finds, why, and what to do; without a rule, list them all')
    .argument('[rule]', 'its ID or its name, such as COG101 or tie-different-roles')
    .addHelpText('after', '\nExample:\n  $ rolecast explain COG101\n\nExit codes: 0 it ran, 2 unknown rule.')
    .action(async (name: string | undefined) => {
      await print(terminal, name === undefined ? listText() : `${pageOf(name)}\n`)
      finish(0)
    })
}

function pageOf(name: string): string {
  const rule = findRule(name)
  if (rule === undefined) throw new RolecastError('invalid-argument', unknownRule(name), { value: name })
  return ruleText(rule)
}

function listText(): string {
  const rows = RULES.map(({ id, severity, enabled, title }) => [id, `${severity}${enabled ? '' : ' (off)'}`, title])
  return table(rows)
    .map(line => `${line}\n`)
    .join('')
}
