import type { Command } from 'commander'
import { RolecastError } from '../errors.js'

/**
 * Refuses an option that is given twice, unless it collects its values: the first one would be ignored without a word, and with
 * it a file that was to be looked at.
 */
export function refuseRepeated(program: Command): void {
  for (const command of [program, ...commandsOf(program)]) {
    for (const option of command.options) {
      let isGiven = false
      command.on(`option:${option.name()}`, () => {
        // A flag says the same twice.
        if (isGiven && (option.required || option.optional) && !Array.isArray(command.opts()[option.attributeName()]))
          throw new RolecastError('invalid-argument', `${option.long} is given twice; give it once`)
        isGiven = true
      })
    }
  }
}

function commandsOf(command: Command): readonly Command[] {
  return command.commands.flatMap(one => [one, ...commandsOf(one)])
}
