import type { Command, Option } from 'commander'
import { RolecastError } from '../errors.js'

/**
 * Rejects an option that is given twice, unless it collects its values: otherwise the first value, such as a file to
 * look at, would be silently ignored.
 */
export function refuseRepeated(program: Command): void {
  for (const command of [program, ...commandsOf(program)]) {
    for (const option of command.options) {
      let isGiven = false
      command.on(`option:${option.name()}`, (text: string) => {
        // Repeating a flag changes nothing.
        const hasValue = option.required || option.optional
        if (isGiven && hasValue && !isCollected(option, text, command.opts()[option.attributeName()]))
          throw new RolecastError('invalid-argument', `${option.long} is given twice; give it once`)
        isGiven = true
      })
    }
  }
}

/** Whether the value has more than the last argument. A list alone does not show it: one argument may be a list. */
function isCollected({ variadic, parseArg }: Option, text: string, value: unknown): boolean {
  if (variadic) return true
  const last: unknown = parseArg?.(text, undefined)
  return Array.isArray(value) && Array.isArray(last) && value.length > last.length
}

function commandsOf(command: Command): readonly Command[] {
  return command.commands.flatMap(one => [one, ...commandsOf(one)])
}
