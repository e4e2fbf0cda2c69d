/** The options of the whole program. */
interface ProgramFlags {
  readonly quiet: boolean
  readonly verbose: boolean
  /** undefined: neither `--color` nor `--no-color` */
  readonly color: boolean | undefined
  readonly hasJsonErrors: boolean
}

/** The values of `--format` for which stdout is JSON. */
const JSON_FORMATS: ReadonlySet<string> = new Set(['json', 'ndjson', 'ocsf', 'sarif', 'gitlab'])

/**
 * The options that every command has, before or after its name. They are read before the command is loaded, so that
 * they also apply to an error in the arguments, and to a command that cannot be loaded.
 */
export function programFlags(args: readonly string[]): ProgramFlags {
  const end = args.indexOf('--')
  const options = end < 0 ? args : args.slice(0, end)
  const color = options.findLast(arg => arg === '--color' || arg === '--no-color')
  const isJson = (arg: string, index: number) =>
    arg === '--json' ||
    (arg.startsWith('--format=') && JSON_FORMATS.has(arg.slice('--format='.length))) ||
    (arg === '--format' && JSON_FORMATS.has(options[index + 1] ?? ''))
  return {
    quiet: options.includes('--quiet'),
    verbose: options.includes('--verbose'),
    color: color === undefined ? undefined : color === '--color',
    hasJsonErrors: options.some(isJson),
  }
}
