import type { Command, Option } from 'commander'
import { RolecastError } from '../errors.js'

/**
 * Refuses an option that is given twice, unless it collects its values: the first one would be ignored without a word, and with
 * it a file that was to be looked at.
 */
export function refuseRepeated(program: Command): void {
  for (const command of [program, ...commandsOf(program)]) {
    for (const option of command.options) {
      let isGiven = false
      command.on(`option:${option.name()}`, (text: string) => {
        // A flag says the same twice.
        const hasValue = option.required || option.optional
        if (isGiven && hasValue && !isCollected(option, text, command.opts()[option.attributeName()]))
          throw new RolecastError('invalid-argument', `${option.long} is given twice; give it once`)
        isGiven = true
      })
    }
  }
}

/** Whether there is more in the value than what was given last. A list alone says nothing: one text may stand for a list. */
function isCollected({ variadic, parseArg }: Option, text: string, value: unknown): boolean {
  if (variadic) return true
  const last: unknown = parseArg?.(text, undefined)
  return Array.isArray(value) && Array.isArray(last) && value.length > last.length
}

function commandsOf(command: Command): readonly Command[] {
  return command.commands.flatMap(one => [one, ...commandsOf(one)])
}
