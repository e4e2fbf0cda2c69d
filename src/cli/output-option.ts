import { type Command, Option } from 'commander'
import { listItems, quote, RolecastError } from '../errors.js'
import { inGroup } from './option-group.js'
import type { Terminal } from './terminal.js'

/** The formats of all commands: a file with such a name is probably a mistake. */
const FORMAT_NAMES = [
  'text',
  'json',
  'ndjson',
  'csv',
  'html',
  'sarif',
  'ocsf',
  'github',
  'gitlab',
  'junit',
  'markdown',
  'sql',
] as const

export type FormatName = (typeof FORMAT_NAMES)[number]

/** The options of `addOutputOptions`, as the action of the command gets them. */
export interface OutputOptions<F extends FormatName> {
  /** The format from `--format` or `--json`, or the default. */
  readonly format: F
  /** The file of `--output`; undefined is stdout. */
  readonly output?: string
}

/**
 * `--format`, its short form `--json` if one of the formats is JSON, and `--output`: the same in every command that
 * prints a result. `--json` with another `--format` is rejected before the action runs, and so is the name of a format
 * as a file.
 *
 * @param about describes the formats other than text and JSON
 */
export function addOutputOptions<F extends FormatName>(
  command: Command,
  formats: readonly [F, ...F[]],
  { default: byDefault = formats[0], about }: { readonly default?: F; readonly about?: string } = {},
): Command {
  const format = new Option('--format <format>', about ?? 'the format of the output')
  return inGroup(command, 'Output', () => {
    command.addOption(format.choices(formats).default(byDefault))
    if (formats.some(one => one === 'json')) command.option('--json', 'short for --format json')
    command.option('--output <file>', 'write to this file atomically; `-` is stdout, the default')
  }).hook('preAction', () => chooseFormat(command, formats))
}

/** Whether text output has colour: on stdout as for the terminal, in a file never. */
export function hasColor(
  { color }: Pick<Terminal, 'color'>,
  { output }: { readonly output?: string | undefined },
): boolean {
  return color && output === undefined
}

function chooseFormat(command: Command, formats: readonly FormatName[]): void {
  const { format, json, output } = command.opts<{ format: FormatName; json?: boolean; output?: string }>()
  if (json === true) {
    if (format !== 'json' && command.getOptionValueSource('format') !== 'default')
      refuse(
        `--json is short for --format json and cannot be combined with --format ${format}; leave one of them out`,
        format,
      )
    command.setOptionValue('format', 'json')
  }
  if (output === STDOUT) command.setOptionValue('output', undefined)
  else if (output !== undefined) {
    checkIsNoFormat(output, formats, {
      instead: name => `choose the format with --format ${name}`,
      file: `--output ./${output}`,
    })
  }
}

/** The name of stdout as a file of `--output`. */
const STDOUT = '-'

/**
 * `--output json` would write to a file of that name, which is hardly ever intended.
 *
 * @param instead says how to choose a format of the command
 * @param file says how to name the same file so that it is accepted
 * @throws RolecastError `invalid-argument`
 */
export function checkIsNoFormat(
  path: string,
  formats: readonly FormatName[],
  { instead, file }: { readonly instead: (name: FormatName) => string; readonly file: string },
): void {
  const name = FORMAT_NAMES.find(one => one === path.toLowerCase())
  if (name === undefined) return
  const next = formats.includes(name)
    ? instead(name)
    : `this command has ${listItems(formats, one => `--format ${one}`, 'or')}`
  refuse(`${quote(path)} is the name of a format; ${next}, or write to a file of that name with ${file}`, path)
}

/** Parses the path of an option that writes a file in addition to the output: `-` would be a file of that name. */
export function toWritten(path: string): string {
  if (path === STDOUT)
    refuse('stdout already has the output; give this option the path of a file, or ./- for a file of that name', path)
  return path
}

function refuse(what: string, value: string): never {
  throw new RolecastError('invalid-argument', what, { value })
}
