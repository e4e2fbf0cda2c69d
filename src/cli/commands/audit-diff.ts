import type { Command } from 'commander'
import {
  type AuditDiff,
  type AuditDiffBuilder,
  createAuditDiff,
  DIFF_KINDS,
  type DiffKind,
  isDifferent,
  isSameCalibration,
  type UserDiff,
} from '../../audit/diff.js'
import { type SemanticsChoice, chooseSemantics } from '../../claims/choose-semantics.js'
import type { Semantics } from '../../claims/decide.js'
import { describeCalibration } from '../../claims/explain.js'
import { quote, RolecastError } from '../../errors.js'
import { diffPage } from '../../report/diff-page.js'
import { diffHead, diffJson, diffLine, diffTail, diffText, isUserDifferent } from '../../report/diff-text.js'
import { type AuditFile, openAuditFile } from '../audit-file.js'
import { inputArgument } from '../input-file.js'
import { addSemanticsOptions, readSemantics, type SemanticsCommandOptions } from '../semantics-option.js'
import { type Output, type OutputTarget, withOutput } from '../output.js'
import { addOutputOptions, hasColor, type OutputOptions } from '../output-option.js'
import type { ExitCode, Terminal } from '../terminal.js'

const FORMATS = ['text', 'json', 'ndjson', 'html'] as const

interface AuditDiffCommandOptions extends SemanticsCommandOptions, OutputOptions<(typeof FORMATS)[number]> {
  readonly anyPool?: boolean
  readonly failOn?: readonly DiffKind[]
}

export function addAuditDiffCommand(audit: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  const command = audit
    .command('diff')
    .description('compare two audits of a pool: who gained, lost or changed a role, who is new or gone')
    .addArgument(
      inputArgument(
        '<old>',
        'the older audit: what `audit pool --format ndjson` wrote, or the checkpoint of a complete reading; a checkpoint has to be a file, because it is read twice',
      ),
    )
    .addArgument(inputArgument('<new>', 'the newer audit'))
    .option('--any-pool', 'compare audits of different user pools; users are matched by name')
  addSemanticsOptions(command, 'the reading that both audits used')
  addOutputOptions(command, FORMATS, { about: 'ndjson: a line for each user with a difference; html: one page' })
    .option(
      '--fail-on <kind>',
      `exit with 1 if there is a difference of this kind: ${DIFF_KINDS.join(', ')}; \`any\` is any difference at all; repeatable`,
      toKinds,
    )
    .addHelpText(
      'after',
      `
Examples:
  $ rolecast audit diff monday.ndjson friday.ndjson
  $ rolecast audit diff monday.ndjson friday.ndjson --fail-on gained --fail-on changed
  $ rolecast audit diff monday.ndjson friday.ndjson --format html --output week.html

A new user with a role has gained it, and a user who is gone has lost it. For --fail-on, a user with a role who was enabled in between
counts as gained, and one who was disabled as lost. If it is undetermined whether a role is gained, lost or changed, --fail-on counts
it as each of them. The command reads files only, and makes no calls.

Exit codes: 0 it ran, 1 a difference of --fail-on, 2 it could not run.`,
    )
    .action(async (older: string, newer: string, options: AuditDiffCommandOptions) => {
      // If the reader of stdout goes away, the check has no result.
      if (options.failOn !== undefined) finish(2)
      const diff = await auditDiff(older, newer, options, { ...terminal, version: audit.parent?.version() ?? '' })
      const hasFailed = options.failOn?.some(kind => isDifferent(diff, kind)) === true
      finish(hasFailed ? 1 : 0)
    })
}

function toKinds(text: string, kinds: readonly DiffKind[] = []): readonly DiffKind[] {
  const kind = DIFF_KINDS.find(one => one === text)
  if (kind !== undefined) return [...kinds, kind]
  throw new RolecastError(
    'invalid-argument',
    `${quote(text)} is not a kind of difference; give --fail-on with one of ${DIFF_KINDS.join(', ')}`,
    { value: text },
  )
}

interface VersionedTerminal extends Terminal {
  readonly version: string
}

async function auditDiff(
  older: string,
  newer: string,
  options: AuditDiffCommandOptions,
  terminal: VersionedTerminal,
): Promise<AuditDiff> {
  const opened: AuditFile[] = []
  try {
    for (const path of [older, newer]) opened.push(await openAuditFile(path, terminal.stdin))
    const [before, after] = opened as [AuditFile, AuditFile]
    const kind = options.format === 'text' ? 'text' : 'data'
    const inputs = [older, newer, options.calibration]
    const target: OutputTarget = { path: options.output, terminal, kind, hasUsers: true, inputs }
    const isNamed = options.semantics !== undefined || options.calibration !== undefined
    const semantics = isNamed
      ? await readSemantics(options, terminal.stdin)
      : { semantics: commonSemantics(before, after) }
    const diff = createAuditDiff({ before: before.side, after: after.side, ...semantics, anyPool: options.anyPool })
    const style = { ...terminal, color: hasColor(terminal, options) }
    return await withOutput(target, output => report({ before, after, semantics, diff }, options, output, style))
  } finally {
    for (const file of opened) await file.close()
  }
}

function commonSemantics({ side: before }: AuditFile, { side: after }: AuditFile): Semantics {
  const [older, newer] = [before.semantics, after.semantics]
  if (older !== undefined && newer !== undefined && older !== newer) {
    throw new RolecastError(
      'invalid-argument',
      `the first audit was made with --semantics ${older} and the second with ${newer}; give --semantics to resolve the users of both with one reading`,
      { value: newer },
    )
  }
  // A checkpoint does not say which reading was used.
  const areBothRead = older !== undefined && newer !== undefined
  if (areBothRead && !isSameCalibration(before.calibration, after.calibration)) {
    const [one, other] = [before, after].map(({ calibration }) =>
      calibration === undefined ? 'not calibrated' : describeCalibration(calibration),
    )
    throw new RolecastError(
      'invalid-argument',
      `the first audit was ${one}, and the second ${other}; give --semantics or --calibration to resolve the users of both with one reading`,
      { value: newer },
    )
  }
  return older ?? newer ?? 'observed'
}

interface Comparison {
  readonly before: AuditFile
  readonly after: AuditFile
  readonly semantics: SemanticsChoice
  readonly diff: AuditDiffBuilder
}

async function report(
  { before, after, semantics: choice, diff }: Comparison,
  { format }: AuditDiffCommandOptions,
  output: Output,
  { color, version, interrupted }: VersionedTerminal,
): Promise<AuditDiff> {
  const signal = interrupted()
  const check = () => {
    if (signal.aborted) throw new RolecastError('aborted', 'interrupted; nothing was written to a file')
  }
  const write = async (users: readonly UserDiff[]) => {
    if (format === 'ndjson') await output.write(users.filter(isUserDifferent).map(diffLine).join(''))
  }
  const { semantics, calibration } = chooseSemantics(choice)
  if (format === 'ndjson')
    await output.write(diffHead({ semantics, calibration, before: before.side, after: after.side }))
  for await (const users of before.users(semantics)) {
    check()
    users.forEach(diff.addBefore)
  }
  for await (const users of after.users(semantics)) {
    check()
    await write(users.map(diff.addAfter))
  }
  for (const user of diff.gone()) await write([user])
  const summary = diff.summary({ before: before.end(), after: after.end() })
  await output.write(reportText(summary, format, { color, version }))
  return summary
}

function reportText(
  diff: AuditDiff,
  format: AuditDiffCommandOptions['format'],
  { color, version }: Pick<VersionedTerminal, 'color' | 'version'>,
): string {
  switch (format) {
    case 'text':
      return diffText(diff, { color })
    case 'json':
      return diffJson(diff)
    case 'ndjson':
      return diffTail(diff)
    case 'html':
      return diffPage(diff, { toolVersion: version })
  }
}
