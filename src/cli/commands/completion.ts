import { Argument, type Command, Option } from 'commander'
import { completionsOf } from '../completion.js'
import { COMPLETION_SCRIPTS, FILES, type Shell, SHELLS } from '../completion-scripts.js'
import { type ExitCode, print, type Terminal, write } from '../terminal.js'

export function addCompletionCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  const command = program.command('completion')
  command
    // `words` is for the script itself.
    .configureHelp({
      ...command.configureHelp(),
      visibleArguments: () => command.registeredArguments.filter(argument => argument.name() !== 'words'),
    })
    .description('print a script with which a shell completes commands, options, rules and files')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addArgument(new Argument('[words...]', 'for the script itself: what was typed').default([]).argOptional())
    .addOption(new Option('--complete', 'for the script itself: print the possible words at the cursor').hideHelp())
    .usage('[options] <shell>')
    .addHelpText(
      'after',
      `
Examples:
  $ echo 'source <(rolecast completion bash)' >> ~/.bashrc
  $ echo 'source <(rolecast completion zsh)' >> ~/.zshrc     below the line with compinit
  $ rolecast completion fish > ~/.config/fish/completions/rolecast.fish

Exit codes: 0 it ran, 2 unknown shell.`,
    )
    .action(async (shell: Shell, words: readonly string[], { complete }: { readonly complete?: boolean }) => {
      if (complete !== true) await print(terminal, COMPLETION_SCRIPTS[shell])
      else await write(terminal.stdout, await wordLines(shell, words, program, terminal))
      finish(0)
    })
}

async function wordLines(
  shell: Shell,
  words: readonly string[],
  program: Command,
  terminal: Terminal,
): Promise<string> {
  const typed = shell === 'bash' ? joined(words) : words
  const completions = await completionsOf(typed, program, terminal)
  if (completions === 'files') return `${FILES}\n`
  // Bash inserts the word after the last of these characters.
  const lead = shell === 'bash' ? (/^.*[=:]/s.exec(typed.at(-1) ?? '')?.[0].length ?? 0) : 0
  return completions.map(({ word, about }) => `${word.slice(lead)}\t${about.replace(/\s+/g, ' ')}\n`).join('')
}

/** Bash splits `--format=json` into three words, and an ID with a colon too. */
function joined(words: readonly string[]): readonly string[] {
  const whole: string[] = []
  let isOpen = false
  for (const word of words) {
    const isBreak = word === '=' || word === ':'
    if ((isBreak || isOpen) && whole.length > 0) whole.push(`${whole.pop()}${word}`)
    else whole.push(word)
    isOpen = isBreak
  }
  return whole
}
