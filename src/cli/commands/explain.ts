import type { Command } from 'commander'
import { quote, RolecastError } from '../../errors.js'
import { jsonText } from '../../report/json-text.js'
import { findTopics, nearestTopic, type Topic, TOPICS, topicsJson, topicsText } from '../../report/topics.js'
import { writeOutput } from '../output.js'
import { addOutputOptions, type OutputOptions } from '../output-option.js'
import type { ExitCode, Terminal } from '../terminal.js'

type ExplainCommandOptions = OutputOptions<'text' | 'json'>

export function addExplainCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  const command = program
    .command('explain')
    .description('print what a name in an output means, why, and what to do; without a name, list them all')
    .argument('[name]', 'a rule such as COG101 or conflicting-roles, a finding of an audit, or an error code')
  addOutputOptions(command, ['text', 'json'])
    .addHelpText(
      'after',
      `
Examples:
  $ rolecast explain COG101             a finding of rolecast validate
  $ rolecast explain conflicting-roles  a rule that rolecast predict names
  $ rolecast explain no-credentials     what a message has in brackets

It needs no network.

Exit codes: 0 it ran, 2 unknown name.`,
    )
    .action(async (name: string | undefined, { format, output }: ExplainCommandOptions) => {
      const topics = name === undefined ? TOPICS : topicsOf(name)
      const columns = output === undefined ? terminal.columns : undefined
      const text = name === undefined ? topicsText(columns) : topics.map(({ page }) => `${page(columns)}\n`).join('\n')
      const target = { path: output, terminal, kind: format === 'json' ? 'data' : 'text', hasUsers: false } as const
      await writeOutput(target, format === 'json' ? `${jsonText(topicsJson(topics))}\n` : text)
      finish(0)
    })
}

function topicsOf(name: string): readonly Topic[] {
  const topics = findTopics(name)
  if (topics.length > 0) return topics
  const near = nearestTopic(name)
  const next = near === undefined ? 'run `rolecast explain` to list them' : `did you mean ${quote(near)}?`
  const what = `${quote(name)} is neither a rule nor an error code; ${next}`
  throw new RolecastError('invalid-argument', what, { value: name })
}
