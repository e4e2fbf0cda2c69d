import type { Command } from 'commander'

/** Adds options that the help lists below one heading. Options of several commands have the same one. */
export function inGroup(command: Command, heading: string, add: (command: Command) => void): Command {
  const before = command.optionsGroup()
  command.optionsGroup(`${heading}:`)
  add(command)
  return command.optionsGroup(before)
}
