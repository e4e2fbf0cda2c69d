import { type AddCommand, calledCommands, type Commands } from '../called-commands.js'

const COMMANDS: Commands = new Map([
  ['user', async () => (await import('./audit-user.js')).addAuditUserCommand],
  ['pool', async () => (await import('./audit-pool.js')).addAuditPoolCommand],
  ['account', async () => (await import('./audit-account.js')).addAuditAccountCommand],
  ['diff', async () => (await import('./audit-diff.js')).addAuditDiffCommand],
])

export async function auditCommand(args: readonly string[]): Promise<AddCommand> {
  const called = await calledCommands(COMMANDS, args)
  return (program, terminal, finish) => {
    const audit = program
      .command('audit')
      .description(
        'report which role users get: named users, every user of a pool, or of whole accounts; and what changed between two audits',
      )
    for (const add of called) add(audit, terminal, finish)
  }
}
