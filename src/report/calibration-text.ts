import picocolors from 'picocolors'
import type { CarriedRoleClaims } from '../claims/calibration.js'
import type { Outcome, Semantics } from '../claims/decide.js'
import type { Evidence } from '../claims/evidence.js'
import { printable } from '../text.js'
import type { Paint, TextOptions } from './text-style.js'
import { indented, table } from './text-table.js'
import { figure } from './figure.js'

type Verdict = 'agrees' | 'settles' | 'contradicts' | 'not-settled' | 'none'

interface TokenPair {
  readonly idToken: CarriedRoleClaims
  readonly accessToken: CarriedRoleClaims
}

/** A user whose tokens were looked at. */
interface ReportedRow {
  readonly id: string
  readonly row: string
  readonly about: string
  readonly predicted: TokenPair & {
    readonly outcome: Outcome
    readonly evidence: Evidence
    readonly candidateRole?: string
  }
  readonly real?: TokenPair
  readonly verdict: Exclude<Verdict, 'none'>
  readonly reading?: Semantics
  /** All readings that agree with it. */
  readonly readings?: readonly Semantics[]
  readonly why?: string
}

interface NotMeasured {
  readonly outcome: 'not-measured'
  readonly why: string
}

interface ReportedOrder {
  readonly outcome: 'read'
  readonly isListed: boolean
  readonly isStable: boolean
  readonly isSameForReverse: boolean
}

interface ReportedDelay {
  readonly about: string
  readonly delay: { readonly outcome: 'shown' | 'not-within'; readonly seconds: number } | NotMeasured
}

/** A case of an identity pool, or of a trigger, whose results are already in words. */
export interface ReportedCase {
  readonly about: string
  readonly predicted: string
  readonly real: string
  readonly verdict: Verdict
  /** Why nothing was read. */
  readonly why?: string
}

/** What a calibration found, as `rolecast calibrate` has it. */
export interface CalibrationReport {
  readonly date: string
  readonly region: string
  readonly tier: string | null
  readonly endpoint?: string
  readonly semantics?: Semantics
  readonly readings: readonly { readonly semantics: Semantics; readonly contradictedBy: readonly string[] }[]
  readonly rows: readonly ReportedRow[]
  readonly order: ReportedOrder | NotMeasured
  readonly delays: readonly ReportedDelay[]
  readonly notSeen: readonly string[]
}

/**
 * A calibration as text for people: a line for each case with what was predicted and what the token had, which reading
 * fits, the order and the delays, and what was not looked at.
 *
 * @param cases tables of more cases, each below its title
 */
export function calibrationText(
  report: CalibrationReport,
  { color }: TextOptions,
  cases: readonly { readonly title: string; readonly cases: readonly ReportedCase[] }[] = [],
): string {
  const paint = picocolors.createColors(color)
  const blocks = [
    [titleOf(report)],
    [paint.bold('Cases: the preferred role'), ...rowLines(report.rows, paint)],
    ...differences(report, paint),
    [paint.bold('Which reading fits'), ...fitLines(report, paint)],
    [paint.bold('Order of the claims, which AWS does not document'), ...orderLines(report.order)],
    [paint.bold('From a change to the first refreshed token that shows it'), ...delayLines(report.delays)],
    ...cases.map(({ title, cases: some }) => [paint.bold(title), ...caseLines(some, paint)]),
    [paint.bold('Not looked at'), ...report.notSeen.map(sentence => `  ${sentence}`)],
  ]
  return blocks.map(lines => `${lines.join('\n')}\n`).join('\n')
}

function titleOf({ date, region, tier, endpoint }: CalibrationReport): string {
  const where = endpoint === undefined ? `region ${printable(region)}` : `the endpoint ${printable(endpoint)}`
  const of = tier === null ? 'a tier that the service does not report' : `the ${printable(tier)} tier`
  return `A scratch pool of ${of}, ${where}, ${date}`
}

function rowLines(rows: readonly ReportedRow[], paint: Paint): readonly string[] {
  const head = ['Case', "The user's groups", 'Predicted', 'Real', 'Agree']
  const lines = table([head, ...rows.map(rowCells)]).map(indented)
  return [paint.dim(lines[0]!), ...rows.map((row, index) => painted(row.verdict, lines[index + 1]!, paint))]
}

function painted(verdict: Verdict, line: string, paint: Paint): string {
  if (verdict === 'contradicts') return paint.red(line)
  return verdict === 'agrees' ? line : verdict === 'settles' ? paint.green(line) : paint.yellow(line)
}

function rowCells(row: ReportedRow): readonly string[] {
  const { predicted, real } = row
  return [
    row.row,
    row.about,
    predictedText(predicted),
    real === undefined ? (row.verdict === 'not-settled' ? NOT_READ : 'not readable') : preferredText(real),
    agreeText(row),
  ]
}

/** Not read, which is not the same as "no preferred role". */
const NOT_READ = '–'

function predictedText({ outcome, candidateRole, ...tokens }: ReportedRow['predicted']): string {
  if (outcome === 'undetermined') return `undetermined: ${roleText(candidateRole)} or none`
  return preferredText(tokens)
}

function preferredText({ idToken }: TokenPair): string {
  const role = idToken['cognito:preferred_role']
  return role === null ? 'none' : roleText(role)
}

function agreeText({ verdict, readings = [], predicted }: ReportedRow): string {
  if (verdict === 'agrees') return 'yes'
  const so = readings.join(' and ')
  if (verdict === 'settles') return `settled: ${readings.length > 1 ? 'as ' : ''}${so}`
  if (verdict === 'not-settled') return 'NOT SETTLED'
  return `NO (prediction: ${predicted.evidence}${so === '' ? '' : `; it is so in ${so}`})`
}

/** The roles are invented, and only their names differ. */
function roleText(arn = ''): string {
  return printable(arn.slice(arn.lastIndexOf('/') + 1).replace(/^rolecast-calibrate-/, ''))
}

/** The cases that contradict and those that are not settled, in detail. */
function differences({ rows, readings }: CalibrationReport, paint: Paint): readonly (readonly string[])[] {
  const contradicting = rows.filter(({ verdict }) => verdict === 'contradicts')
  const settling = fitsNone(readings) ? rows.filter(({ verdict }) => verdict === 'settles') : []
  const open = rows.filter(({ verdict }) => verdict === 'not-settled')
  return [
    ...(contradicting.length === 0
      ? []
      : [[paint.red('Not as predicted'), ...contradicting.flatMap(row => [`  ${titleOfRow(row)}`, ...claimsOf(row)])]]),
    ...(new Set(settling.map(({ reading }) => reading)).size < 2
      ? []
      : [
          [
            paint.red('Contradict one another, so none of them settles its case'),
            ...settling.map(row => `  ${titleOfRow(row)} (${printable(row.id)}): ${row.reading ?? ''}`),
          ],
        ]),
    ...(open.length === 0
      ? []
      : [
          [
            paint.yellow('Not settled, so neither agreeing nor contradicting'),
            ...byReason(open).map(([why, rows]) => `  ${titleOfRows(rows)}: ${printable(why)}`),
          ],
        ]),
  ]
}

function fitsNone(readings: CalibrationReport['readings']): boolean {
  return readings.every(({ contradictedBy }) => contradictedBy.length > 0)
}

/** Groups the cases by reason, in the order in which the reasons first appear. */
function byReason<T extends { readonly why?: string }>(
  some: readonly T[],
): readonly (readonly [why: string, those: readonly T[]])[] {
  const reasons = new Set(some.map(({ why = '' }) => why))
  return [...reasons].map(reason => [reason, some.filter(({ why = '' }) => why === reason)])
}

function titleOfRows(rows: readonly ReportedRow[]): string {
  return rows.length === 1 ? titleOfRow(rows[0]!) : `${rows.length} cases (${rows.map(({ row }) => row).join(', ')})`
}

function titleOfRow({ row, about }: ReportedRow): string {
  return `Case ${row}, ${about}`
}

const TOKENS = [
  ['ID token', 'idToken'],
  ['access token', 'accessToken'],
] as const
const CLAIMS = ['cognito:groups', 'cognito:roles', 'cognito:preferred_role'] as const

function claimsOf({ predicted, real, why }: ReportedRow): readonly string[] {
  if (real === undefined) return [`    ${printable(why ?? '')}`]
  const lines: string[] = []
  for (const [title, token] of TOKENS) {
    for (const claim of CLAIMS) {
      const [expected, found] = [predicted[token][claim], real[token][claim]]
      if (isSame(expected, found)) continue
      lines.push(`    ${title}, ${claim}: ${valueText(found)}; predicted: ${valueText(expected)}`)
    }
  }
  return lines
}

function isSame(a: string | readonly string[] | null, b: string | readonly string[] | null): boolean {
  if (a === null || b === null || typeof a === 'string' || typeof b === 'string') return a === b
  return a.length === b.length && a.every(one => b.includes(one)) && b.every(one => a.includes(one))
}

function valueText(value: string | readonly string[] | null): string {
  if (value === null) return 'absent'
  if (typeof value === 'string') return roleText(value)
  return value.length === 0 ? '[]' : value.map(roleText).join(', ')
}

function fitLines({ semantics, readings, endpoint, rows }: CalibrationReport, paint: Paint): readonly string[] {
  const unread = rows.filter(({ verdict }) => verdict === 'not-settled').length
  const limit = unread === 0 ? '' : `, of what was read: ${unread} of ${rows.length} cases are not settled`
  if (semantics !== undefined && endpoint !== undefined)
    return [
      `  ${paint.bold(semantics)} is what the endpoint follows${limit}. It says nothing about Cognito, and --calibration does not accept it.`,
    ]
  if (semantics !== undefined)
    return [
      `  ${paint.bold(semantics)} is what Cognito follows${limit}.`,
      `  Keep the JSON of this run (--json --output FILE), and give it to other commands as --calibration FILE.`,
    ]
  const isOpen = !fitsNone(readings) && unread > 0
  const rest = isOpen ? ' More cases have to be settled first.' : ''
  return [
    `  ${paint.red('None.')}${rest}`,
    ...readings.map(reading => `  ${reading.semantics}: ${contradictionText(reading.contradictedBy)}`),
  ]
}

function contradictionText(ids: readonly string[]): string {
  return ids.length === 0 ? 'nothing that was read contradicts it' : `contradicted by ${ids.map(printable).join(', ')}`
}

function orderLines(order: CalibrationReport['order']): readonly string[] {
  if (order.outcome === 'not-measured') return [`  Not measured: ${printable(order.why)}`]
  const { isListed, isStable, isSameForReverse } = order
  return [
    `  cognito:groups has ${isListed ? 'the order' : 'a different order than that'} of AdminListGroupsForUser.`,
    `  Three sign-ins in turn have ${isStable ? 'one order' : 'different orders'}.`,
    `  A user who joined the same groups in reverse has ${isSameForReverse ? 'the same order' : 'a different order'}.`,
  ]
}

function delayLines(delays: readonly ReportedDelay[]): readonly string[] {
  const reasons = new Set(delays.map(({ delay }) => (delay.outcome === 'not-measured' ? delay.why : undefined)))
  const [why] = reasons
  if (reasons.size === 1 && why !== undefined) return [`  Not measured: ${printable(why)}`]
  return table(delays.map(({ about, delay }) => [about, delayText(delay)])).map(indented)
}

function delayText(delay: ReportedDelay['delay']): string {
  if (delay.outcome === 'not-measured') return `not measured: ${printable(delay.why)}`
  if (delay.outcome === 'not-within') return `not within ${figure(delay.seconds)} s`
  return `${delay.seconds.toFixed(1)} s`
}

function caseLines(cases: readonly ReportedCase[], paint: Paint): readonly string[] {
  const rows = cases.map(({ about, predicted, real, verdict }) => [
    printable(about),
    printable(predicted),
    printable(real),
    CASE_VERDICTS[verdict],
  ])
  const lines = table([['Case', 'Predicted', 'Real', 'Agree'], ...rows]).map(indented)
  const open = cases.filter(({ why }) => why !== undefined)
  return [
    paint.dim(lines[0]!),
    ...cases.map(({ verdict }, index) => painted(verdict, lines[index + 1]!, paint)),
    ...(open.length === 0 ? [] : ['', `  ${paint.yellow('Not settled')}`]),
    ...byReason(open).map(([why, those]) => `  ${titleOfCases(those, cases.length)}: ${printable(why)}`),
  ]
}

function titleOfCases(cases: readonly ReportedCase[], total: number): string {
  if (cases.length === total && total > 1) return `All ${total} cases`
  return cases.map(({ about }) => printable(about)).join('; ')
}

const CASE_VERDICTS: Readonly<Record<Verdict, string>> = {
  agrees: 'yes',
  settles: 'settled',
  contradicts: 'NO',
  'not-settled': 'NOT SETTLED',
  none: 'NOT SETTLED',
}

/** What a run does, as `planCalibration` has it. */
export interface PlanReport {
  readonly steps: readonly { readonly what: string; readonly calls: readonly PlannedCallReport[] }[]
  readonly calls: readonly Required<PlannedCallReport>[]
  readonly permissions: readonly { readonly action: string; readonly resource: string }[]
  readonly creates: readonly string[]
  readonly costs: readonly string[]
  readonly seconds: number
}

interface PlannedCallReport {
  readonly operation: string
  readonly count: number
  readonly atMost?: number
}

/** A plan as text for people. Nothing in it is from outside. */
export function planText({ calls, permissions, creates, costs, seconds }: PlanReport, { color }: TextOptions): string {
  const paint = picocolors.createColors(color)
  const total = calls.reduce((sum, { count }) => sum + count, 0)
  const atMost = calls.reduce((sum, call) => sum + call.atMost, 0)
  const blocks = [
    [paint.bold('Creates, and deletes in the end'), ...creates.map(indented)],
    [
      paint.bold(`Calls: ${countText(total, atMost)}, in about ${figure(seconds)} seconds`),
      ...table(
        calls.map(call => [call.operation, countText(call.count, call.atMost)]),
        [1],
      ).map(indented),
      '  The higher numbers are for changes that take long to show, and for claims that are not as predicted. A call that is',
      '  throttled, or whose response is lost, is sent again and counts once more.',
    ],
    [paint.bold('Permissions'), ...table(permissions.map(({ action, resource }) => [action, resource])).map(indented)],
    [paint.bold('Costs'), ...costs.map(indented)],
  ]
  return blocks.map(lines => `${lines.join('\n')}\n`).join('\n')
}

function countText(count: number, most: number): string {
  return most > count ? `${figure(count)} to ${figure(most)}` : figure(count)
}
