import type { CommandEntry, Commands } from './called-commands.js'

const AUDITS: Commands = new Map<string, CommandEntry>([
  [
    'user',
    {
      usage: '[options]',
      summary:
        'predict the role claims of users from the groups they are in now, and the role whose credentials an identity pool gives',
      load: async () => (await import('./commands/audit-user.js')).addAuditUserCommand,
    },
  ],
  [
    'pool',
    {
      usage: '[options]',
      summary: 'predict what every user of a pool gets, and list what needs attention',
      load: async () => (await import('./commands/audit-pool.js')).addAuditPoolCommand,
    },
  ],
  [
    'account',
    {
      usage: '[options]',
      summary: 'predict what every user of every user pool gets, in whole accounts and Regions',
      load: async () => (await import('./commands/audit-account.js')).addAuditAccountCommand,
    },
  ],
  [
    'diff',
    {
      usage: '[options] <old> <new>',
      summary: 'compare two audits of a pool: who gained, lost or changed a role, who is new or gone',
      load: async () => (await import('./commands/audit-diff.js')).addAuditDiffCommand,
    },
  ],
])

/**
 * All commands. Their files are loaded when they are called; a test compares these texts with those of the commands.
 */
export const COMMANDS: Commands = new Map<string, CommandEntry>([
  [
    'predict',
    {
      usage: '[options]',
      summary:
        'predict the role claims of a user in these groups, and the role whose credentials an identity pool gives',
      load: async () => (await import('./commands/predict.js')).addPredictCommand,
    },
  ],
  [
    'audit',
    {
      usage: '[options] [command]',
      summary:
        'report which role users get: named users, every user of a pool, or of whole accounts; and what changed between two audits',
      commands: AUDITS,
    },
  ],
  [
    'impact',
    {
      usage: '[options]',
      summary:
        'predict what a change of groups or memberships does to every user, and suggest precedences without ties; changes nothing',
      load: async () => (await import('./commands/impact.js')).addImpactCommand,
    },
  ],
  [
    'validate',
    {
      usage: '[options] [path...]',
      summary: 'find what is wrong with groups and roles in templates, in a plan, or in a live user pool',
      load: async () => (await import('./commands/validate.js')).addValidateCommand,
    },
  ],
  [
    'explain',
    {
      usage: '[options] [name]',
      summary: 'print what a name in an output means, why, and what to do; without a name, list them all',
      load: async () => (await import('./commands/explain.js')).addExplainCommand,
    },
  ],
  [
    'snapshot',
    {
      usage: '[options]',
      summary:
        'read all groups of a user pool into JSON, for `createRoleResolver({ snapshot, maxAge })` and for predict --pool-file',
      load: async () => (await import('./commands/snapshot.js')).addSnapshotCommand,
    },
  ],
  [
    'sql',
    {
      usage: '[options]',
      summary: 'print the rules as one SQL query over groups and memberships that are in a database',
      load: async () => (await import('./commands/sql.js')).addSqlCommand,
    },
  ],
  [
    'calibrate',
    {
      usage: '[options]',
      summary: 'find out on a scratch user pool what Cognito puts into tokens, and delete the pool',
      load: async () => (await import('./commands/calibrate.js')).addCalibrateCommand,
    },
  ],
  [
    'verify',
    {
      usage: '[options]',
      summary: 'compare one real ID or access token with what is forecast for its groups',
      load: async () => (await import('./commands/verify.js')).addVerifyCommand,
    },
  ],
  [
    'completion',
    {
      usage: '[options] <shell>',
      summary: 'print a script with which a shell completes commands, options, rules and files',
      load: async () => (await import('./commands/completion.js')).addCompletionCommand,
    },
  ],
  [
    'demo',
    {
      usage: '[options]',
      summary: 'predict roles, and sign in to a fake user pool to see them; needs neither AWS nor a network',
      load: async () => (await import('./commands/demo.js')).addDemoCommand,
    },
  ],
])
