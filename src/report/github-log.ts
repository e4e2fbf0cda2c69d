/**
 * Text for people, in which a GitHub Actions runner finds no command: a zero-width space goes into a `::` that begins a
 * line and into every `##[`. The runner looks for the first after white space that it trims, and for the second
 * anywhere in a line.
 *
 * Not for what programs read: it changes the text.
 *
 * @see https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
 */
export function withoutCommands(text: string): string {
  return text.replace(COMMAND, '$&\u200b')
}

/** The same for formats that can escape a character, which leaves the meaning of the text unchanged. */
export function escapeCommands(text: string, escape: (character: string) => string): string {
  return text.replace(COMMAND, start => `${start.slice(0, -1)}${escape(start.at(-1)!)}`)
}

/** The start of a command. Characters that .NET ignores in a comparison are skipped, as the runner does. */
const COMMAND = /^[\t\v\f\u0085\p{Zs}\p{Default_Ignorable_Code_Point}]*:(?=:)|##(?=\[)/gmu

/** The start of a line that may still become a command. */
const UNDECIDED = /^[\t\v\f\u0085\p{Zs}\p{Default_Ignorable_Code_Point}]*:?$/u

const MAX_UNDECIDED = 1_000

/** Where `^` begins a line. */
const LINE_ENDS = ['\n', '\r', '\u2028', '\u2029']

/** Watches a text that comes in pieces: tells for each piece whether the start of a command ends in it. */
export function createCommandWatch(): (piece: string) => boolean {
  let rest = ''
  return piece => {
    const text = rest + piece
    const last = text.slice(Math.max(...LINE_ENDS.map(end => text.lastIndexOf(end))) + 1)
    // If the line begins with something else, only a `##` at its end can still become a command.
    rest = last.length < MAX_UNDECIDED && UNDECIDED.test(last) ? last : `x${last.slice(-2)}`
    return text.search(COMMAND) >= 0
  }
}
