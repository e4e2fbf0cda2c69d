import { type Argument, Command, type Option } from 'commander'
import type { CommandEntry, Commands } from './called-commands.js'
import { COMMANDS } from './command-table.js'
import type { Terminal } from './terminal.js'

/** A possible word at the cursor. */
export interface Candidate {
  readonly word: string
  readonly about: string
}

/** The possible words at the cursor; `files` leaves it to the shell. */
export type Completions = readonly Candidate[] | 'files'

/**
 * The possible words at the end of a command line. Loads only the command that is called, and the names of rules only
 * if one is needed.
 *
 * @param words what was typed after `rolecast`, the word at the cursor last
 * @param program has the options of every command
 */
export async function completionsOf(
  words: readonly string[],
  program: Command,
  terminal: Terminal,
): Promise<Completions> {
  const current = words.at(-1) ?? ''
  const found = await findCommand(words.slice(0, -1), terminal)
  if (found === undefined) return []
  const { command, rest, commands } = found
  const options = [...(command?.options ?? []), ...program.options].filter(({ hidden }) => !hidden)
  const { isLiteral, awaiting, position } = readWords(rest, options)
  if (awaiting !== undefined) return valuesOf(awaiting, current)
  const [, name, value] = /^(--[^=]+)=(.*)$/s.exec(current) ?? []
  const given = name === undefined || isLiteral ? undefined : options.find(({ long }) => long === name)
  if (given !== undefined) return withLead(`${name}=`, await valuesOf(given, value!))
  if (current.startsWith('-') && !isLiteral) return matching(current, [...optionWords(options), HELP])
  if (commands !== undefined) {
    const isFirst = commands === COMMANDS && !words.slice(0, -1).includes('help')
    return matching(current, [...commandWords(commands), ...(isFirst ? [HELP_COMMAND] : [])])
  }
  const args = command?.registeredArguments ?? []
  const argument = args[position] ?? (args.at(-1)?.variadic === true ? args.at(-1) : undefined)
  if (argument !== undefined) return argumentWords(argument, current)
  return current === '' && !isLiteral ? optionWords(options) : []
}

const HELP_COMMAND: Candidate = { word: 'help', about: 'show the help of a command' }

const HELP: Candidate = { word: '--help', about: 'display help for command' }

interface Found {
  /** Undefined: no command is called yet. */
  readonly command?: Command
  /** The words after its name. */
  readonly rest: readonly string[]
  /** The commands that may be called here. */
  readonly commands?: Commands
}

/** Undefined: the command is unknown. */
async function findCommand(before: readonly string[], terminal: Terminal): Promise<Found | undefined> {
  let commands = COMMANDS
  let rest = before
  for (;;) {
    const at = rest.findIndex(word => !word.startsWith('-'))
    if (at < 0) return { rest, commands }
    const name = rest[at]!
    rest = rest.slice(at + 1)
    // `help audit pool`.
    if (name === 'help') continue
    const entry: CommandEntry | undefined = commands.get(name)
    if (entry === undefined) return undefined
    if ('load' in entry) {
      const parent = new Command()
      const add = await entry.load()
      add(parent, terminal, () => {})
      return { command: parent.commands[0]!, rest }
    }
    commands = entry.commands
  }
}

interface ReadWords {
  /** After `--` nothing is an option. */
  readonly isLiteral: boolean
  /** The option whose value is at the cursor. */
  readonly awaiting?: Option
  /** How many arguments are before the cursor. */
  readonly position: number
}

function readWords(words: readonly string[], options: readonly Option[]): ReadWords {
  let awaiting: Option | undefined
  let position = 0
  for (const word of words) {
    if (awaiting !== undefined) awaiting = undefined
    else if (word === '--') {
      // What follows are arguments.
      return { isLiteral: true, position: position + words.length - 1 - words.indexOf('--') }
    } else if (word.startsWith('-')) {
      const option = options.find(({ long, short }) => word === long || word === short)
      if (option !== undefined && (option.required || option.optional)) awaiting = option
    } else position++
  }
  return { isLiteral: false, ...(awaiting !== undefined && { awaiting }), position }
}

async function valuesOf(option: Option, current: string): Promise<Completions> {
  if (option.argChoices !== undefined) return matching(current, option.argChoices.map(bare))
  const [, placeholder = ''] = /[<[]([^>\]]+)/.exec(option.flags) ?? []
  if (FILE_NAMES.has(placeholder)) return 'files'
  switch (option.long) {
    case '--only':
    case '--ignore':
    case '--enable': {
      // Several, separated by commas.
      const lead = current.slice(0, current.lastIndexOf(',') + 1)
      return withLead(lead, matching(current.slice(lead.length), await ruleWords(lead.toLowerCase().split(','))))
    }
    case '--fail-on': {
      const { DIFF_KINDS } = await import('../audit/diff.js')
      return matching(current, DIFF_KINDS.map(bare))
    }
    case '--report': {
      if (current.includes('=')) return 'files'
      const { FORMATS } = await import('./finding-formats.js')
      return matching(
        current,
        FORMATS.map(format => ({ word: `${format}=`, about: 'a report in this format; its file follows' })),
      )
    }
    case '--finding': {
      const { CONCERN_NAMES, CONCERNS } = await import('../audit/concerns.js')
      return matching(
        current,
        CONCERN_NAMES.map(word => ({ word, about: CONCERNS[word].title })),
      )
    }
    case '--profile': {
      const { profileNames } = await import('../cognito/api/aws-profile.js')
      // A name with a space or a special character of the shell would be more than one word.
      const names = (await profileNames()).filter(name => /^[\w.@+/:-]+$/.test(name))
      return matching(current, names.map(bare))
    }
    default:
      return []
  }
}

/** The placeholders of options and arguments that take a file. */
const FILE_NAMES: ReadonlySet<string> = new Set(['file', 'folder', 'path', 'ledger', 'old', 'new'])

/** The names of all rules except those already typed, in lower case. */
async function ruleWords(given: readonly string[]): Promise<readonly Candidate[]> {
  const { RULES } = await import('../rules/catalogue.js')
  return RULES.filter(({ id, slug }) => !given.includes(id.toLowerCase()) && !given.includes(slug)).flatMap(
    ({ id, slug, title }) => [
      { word: id, about: title },
      { word: slug, about: title },
    ],
  )
}

async function argumentWords(argument: Argument, current: string): Promise<Completions> {
  if (argument.argChoices !== undefined) return matching(current, argument.argChoices.map(bare))
  if (FILE_NAMES.has(argument.name())) return 'files'
  if (argument.name() !== 'name') return []
  const { TOPICS } = await import('../report/topics.js')
  return matching(
    current,
    TOPICS.flatMap(({ id, name, title }) => [
      ...(id === undefined ? [] : [{ word: id, about: title }]),
      { word: name, about: title },
    ]),
  )
}

function commandWords(commands: Commands): readonly Candidate[] {
  return [...commands].map(([word, { summary }]) => ({ word, about: summary }))
}

function optionWords(options: readonly Option[]): readonly Candidate[] {
  return options.flatMap(({ long, description }) => (long ? [{ word: long, about: description }] : []))
}

function bare(word: string): Candidate {
  return { word, about: '' }
}

/**
 * The candidates with this beginning, each once. If there are none, letter case is ignored: rule IDs are written in
 * both.
 */
function matching(current: string, candidates: readonly Candidate[]): readonly Candidate[] {
  const once = [...new Map(candidates.map(one => [one.word, one])).values()]
  const exact = once.filter(({ word }) => word.startsWith(current))
  return exact.length > 0 ? exact : once.filter(({ word }) => word.toLowerCase().startsWith(current.toLowerCase()))
}

function withLead(lead: string, completions: Completions): Completions {
  return completions === 'files'
    ? completions
    : completions.map(({ word, about }) => ({ word: `${lead}${word}`, about }))
}
