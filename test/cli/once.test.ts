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
    .option('--dry-run')
    .action(() => {})
  refuseRepeated(program)
  program.parse(['audit', 'pool', ...args], { from: 'user' })
  return leaf.opts()
}

describe('an option that is given twice', () => {
  test('is refused: the first value would be ignored', async () => {
    expect(await failureOf(async () => parse('--memberships', 'a', '--memberships', 'b'))).toMatchObject({
      code: 'invalid-argument',
      message: '--memberships is given twice; give it once',
    })
    expect(parse('--memberships', 'a'), 'control').toEqual({ memberships: 'a' })
  })

  test('is fine where it collects its values, or says the same', () => {
    expect(parse('--username', 'a', '--username', 'b', '--dry-run', '--dry-run')).toEqual({
      username: ['a', 'b'],
      dryRun: true,
    })
  })
})
