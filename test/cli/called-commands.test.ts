import { Command } from 'commander'
import { expect, test } from 'vitest'
import {
  addCalled,
  type AddCommand,
  type CommandEntry,
  type Commands,
  withHelpLast,
} from '../../src/cli/called-commands.js'
import { COMMANDS } from '../../src/cli/command-table.js'
import { rolecast } from './command.js'

/** The commands of a program for these arguments, and which of them were loaded. */
async function addedFor(...args: readonly string[]) {
  const loaded: string[] = []
  const leaf = (name: string): [string, CommandEntry] => {
    const add: AddCommand = parent => void parent.command(name).description(name).argument('<file>')
    const load = async () => {
      loaded.push(name)
      return add
    }
    return [name, { usage: '[options] <file>', summary: name, load }]
  }
  const audits: Commands = new Map([leaf('pool'), leaf('user')])
  const program = new Command()
  const group: [string, CommandEntry] = ['audit', { usage: '[options] [command]', summary: 'audit', commands: audits }]
  const terminal = {} as Parameters<AddCommand>[1]
  await addCalled(program, new Map([group, leaf('impact')]), args, terminal, () => {})
  const namesOf = (command: Command): unknown =>
    command.commands.map(one => (one.commands.length > 0 ? { [one.name()]: namesOf(one) } : one.name()))
  return { loaded, added: namesOf(program) }
}

test('only the command that is called is loaded', async () => {
  expect(await addedFor('audit', 'pool', '--format', 'csv')).toEqual({ loaded: ['pool'], added: [{ audit: ['pool'] }] })
  expect(await addedFor('--verbose', 'impact')).toEqual({ loaded: ['impact'], added: ['impact'] })
})

test.each([[[]], [['--help']], [['help']], [['audti']], [['constructor']]])(
  'none is loaded where none is called, and all are named: %j',
  async args => {
    expect(await addedFor(...args)).toEqual({ loaded: [], added: ['audit', 'impact'] })
  },
)

test('the same for the commands of a command', async () => {
  expect(await addedFor('audit', '--help')).toEqual({ loaded: [], added: [{ audit: ['pool', 'user'] }] })
})

/** Where the list of commands says something else than they do. */
async function mistakesIn(commands: Commands): Promise<readonly string[]> {
  const mistakes: string[] = []
  for (const [name, entry] of commands) {
    if ('commands' in entry) {
      mistakes.push(...(await mistakesIn(entry.commands)))
      continue
    }
    const parent = new Command()
    const terminal = {} as Parameters<AddCommand>[1]
    await addCalled(parent, commands, [name], terminal, () => {})
    const [command] = parent.commands
    if (command === undefined || parent.commands.length !== 1) mistakes.push(`${name}: does not add itself alone`)
    else if (command.name() !== name) mistakes.push(`${name}: is called ${command.name()}`)
    else if (command.usage() !== entry.usage) mistakes.push(`${name}: its usage is ${command.usage()}`)
    else if (command.description() !== entry.summary) mistakes.push(`${name}: ${command.description()}`)
  }
  return mistakes
}

test('the list of commands says what the commands say', async () => {
  expect(await mistakesIn(COMMANDS)).toEqual([])
})

test.each<[string, Partial<CommandEntry>]>([
  ['another description', { summary: 'predict the future' }],
  ['another usage', { usage: '[options] <file>' }],
])('control: %s is found', async (_what, change) => {
  const changed = new Map(COMMANDS)
  changed.set('predict', { ...COMMANDS.get('predict'), ...change } as CommandEntry)
  expect(await mistakesIn(changed)).toEqual([expect.stringMatching(/^predict: /)])
})

test.each<[readonly string[], readonly string[]]>([
  [['help'], ['--help']],
  [
    ['help', 'audit', 'pool'],
    ['audit', 'pool', '--help'],
  ],
  [
    ['--verbose', 'help', 'predict'],
    ['predict', '--help'],
  ],
  [
    ['audit', 'help', 'pool'],
    ['audit', 'pool', '--help'],
  ],
  [
    ['audit', 'help'],
    ['audit', '--help'],
  ],
  [
    ['predict', '--help'],
    ['predict', '--help'],
  ],
  [
    ['explain', 'help'],
    ['explain', 'help'],
  ],
  [
    ['predict', '--group', 'help'],
    ['predict', '--group', 'help'],
  ],
  [['help', 'forecast'], ['forecast']],
  [['forecast', '--help'], ['forecast']],
  [
    ['audit', 'pol', '-h'],
    ['audit', 'pol'],
  ],
])('%j is taken as %j', (args, taken) => {
  expect(withHelpLast(COMMANDS, args)).toEqual(taken)
})

test.each([
  ['help', 'audit', 'pool'],
  ['audit', 'help', 'pool'],
])('%s %s %s prints what audit pool --help prints', async (...args) => {
  expect(await rolecast(args)).toEqual(await rolecast(['audit', 'pool', '--help']))
})

test.each([
  [['predit'], `unknown command 'predit'\n(Did you mean predict?)`],
  [['help', 'predit'], `unknown command 'predit'\n(Did you mean predict?)`],
  [['predit', '--help'], `unknown command 'predit'\n(Did you mean predict?)`],
  [['audit', 'pol'], `unknown command 'pol'\n(Did you mean pool?)`],
])('%j: the command that was probably meant is named', async (args, said) => {
  const { code, stdout, stderr } = await rolecast(args)
  expect(stderr).toContain(said)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
})
