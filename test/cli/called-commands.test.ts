import { expect, test } from 'vitest'
import { calledCommands } from '../../src/cli/called-commands.js'

/** The names that were loaded for these arguments, and the arguments that the loader was given. */
async function loadedFor(...args: readonly string[]): Promise<readonly (readonly string[])[]> {
  const loaded: (readonly string[])[] = []
  const load = (name: string) => async (rest: readonly string[]) => {
    loaded.push([name, ...rest])
    return () => {}
  }
  await calledCommands(new Map(['audit', 'impact'].map(name => [name, load(name)])), args)
  return loaded
}

test('only the command that is called is loaded, with what follows its name', async () => {
  expect(await loadedFor('audit', 'pool', '--format', 'csv')).toEqual([['audit', 'pool', '--format', 'csv']])
  expect(await loadedFor('--verbose', 'impact')).toEqual([['impact']])
})

test.each([[[]], [['--help']], [['help', 'audit']], [['audti']], [['constructor']]])(
  'all are loaded where none is called: %j',
  async args => {
    expect(await loadedFor(...args)).toEqual([['audit'], ['impact']])
  },
)
