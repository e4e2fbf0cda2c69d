import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { refuseRepeated } from '../../src/cli/once.js'
import { failureOf } from '../failure-of.js'

/** What the options are after parsing, in a command of a command. */
function parse(...args: readonly string[]): Readonly<Record<string, unknown>> {
  const program = new Command('program').option('--verbose')
  const leaf = program
    .command('audit')
    .command('pool')
    .option('--memberships <file>')
    .option('--username <name>', '', (name: string, names: readonly string[] = []) => [...names, name])
    .option('--role <names...>')
    .option('--table <name>', '', (name: string) => name.split('.'))
    .option('--dry-run')
    .action(() => {})
  refuseRepeated(program)
  program.parse(['audit', 'pool', ...args], { from: 'user' })
  return leaf.opts()
}

describe('an option that is given twice', () => {
  test('is rejected: the first value would be ignored', async () => {
    expect(await failureOf(async () => parse('--memberships', 'a', '--memberships', 'b'))).toMatchObject({
      code: 'invalid-argument',
      message: '--memberships is given twice; give it once',
    })
    expect(parse('--memberships', 'a'), 'control').toEqual({ memberships: 'a' })
  })

  test('is rejected where one text stands for a list', async () => {
    for (const [first, second] of [
      ['a', 'b'],
      ['a', 'a.b'],
      ['a.b', 'a'],
    ] as const)
      expect(await failureOf(async () => parse('--table', first, '--table', second))).toMatchObject({
        code: 'invalid-argument',
        message: '--table is given twice; give it once',
      })
    expect(parse('--table', 'a.b'), 'control').toEqual({ table: ['a', 'b'] })
  })

  test('is fine where it collects its values, or says the same', () => {
    const roles = ['--role', 'r', '--role', 's', 't']
    expect(parse('--username', 'a', '--username', 'b', '--dry-run', '--dry-run', ...roles)).toEqual({
      username: ['a', 'b'],
      role: ['r', 's', 't'],
      dryRun: true,
    })
  })
})
