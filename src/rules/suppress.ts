import type { Finding } from './finding.js'
import type { Infrastructure, Suppression } from './infrastructure.js'
import { groupBy } from './pool-view.js'
import type { FindingRule } from './catalogue.js'

const RBAC = 'https://docs.aws.amazon.com/cognito/latest/developerguide/role-based-access-control.html'

/** What is found in suppressions themselves. None of it can be suppressed; `ignore` turns it off. */
export const SUPPRESSION_RULES = [
  {
    id: 'COG191',
    slug: 'suppression-malformed',
    title: 'A suppression that suppresses nothing, for it is not complete',
    severity: 'warning',
    enabled: true,
    what: 'A suppression names rules that exist, gives a reason, and has a day such as 2027-01-01 if it expires.',
    why: 'What is not complete does not count: whoever wrote it believes that a finding is dealt with, and it is not.',
    fix: 'Write `rolecast:ignore COG101 exp=2027-01-01 reason`, or take it away.',
    example: { language: 'yaml', text: '# rolecast:ignore COG101' },
    see: RBAC,
  },
  {
    id: 'COG192',
    slug: 'suppression-expired',
    title: 'A suppression has expired',
    severity: 'warning',
    enabled: true,
    what: 'From the day in `exp=` on, a suppression no longer counts, and what it was for is found again.',
    why: 'Somebody meant to look at it again by then.',
    fix: 'Look at it again: mend what it is about, or give it a later day.',
    example: { language: 'yaml', text: '# rolecast:ignore COG101 exp=2020-01-01 until the groups are merged' },
    see: RBAC,
  },
  {
    id: 'COG193',
    slug: 'suppression-unused',
    title: 'A suppression that nothing needs',
    severity: 'note',
    enabled: true,
    what: 'Nothing of what it names was found where it stands.',
    why: 'It would hide the next one.',
    fix: 'Take it away.',
    example: { language: 'yaml', text: '# rolecast:ignore COG101 mended long ago' },
    see: RBAC,
  },
] as const satisfies readonly FindingRule[]

/** Says of some findings that they are meant so. */
export interface Exemption extends Pick<Suppression, 'rules' | 'reason' | 'expires' | 'location'> {
  /** Whether a finding stands where it counts; which rules it is for is asked apart. */
  readonly covers: (finding: Finding) => boolean
  /** The only findings it can cover. Default: all. */
  readonly among?: readonly Finding[] | undefined
}

/**
 * The suppressions of an infrastructure, for the findings in it: of a resource for what is about it, of a file for what
 * stands in it.
 *
 * @param findings those of this infrastructure: another one may have the same ids
 */
export function exemptionsOf(
  { suppressions }: Pick<Infrastructure, 'suppressions'>,
  findings: readonly Finding[],
): readonly Exemption[] {
  const byPath = groupBy(findings, ({ location }) => location.path)
  const byResource = groupBy(
    findings.flatMap(finding => finding.resources.map(id => ({ id, finding }))),
    ({ id }) => id,
  )
  const about = (target: string | undefined, path: string) =>
    target === undefined ? (byPath.get(path) ?? []) : (byResource.get(target) ?? []).map(({ finding }) => finding)
  // Of one comment a reader may make a suppression for each instance of a loop.
  const written = new Map<string, { first: Suppression; targets: Set<string | undefined> }>()
  for (const suppression of suppressions) {
    const { path, line, column } = suppression.location
    const place = JSON.stringify([path, line, column, suppression.rules])
    const same = written.get(place)
    if (same === undefined) written.set(place, { first: suppression, targets: new Set([suppression.target]) })
    else same.targets.add(suppression.target)
  }
  return [...written.values()].map(({ first: { rules, reason, expires, location }, targets }) => ({
    rules,
    reason,
    expires,
    location,
    among: [...new Set([...targets].flatMap(target => about(target, location.path)))],
    covers: () => true,
  }))
}

export interface SuppressOptions {
  /** `2026-11-23`. */
  readonly today: string
  /** Which rules there are, by id. */
  readonly isRule: (id: string) => boolean
  /** Which of them were run: a suppression of one that was not is not unused. */
  readonly runs: (id: string) => boolean
}

/**
 * Marks the findings that somebody said are meant so, and adds what is wrong with the suppressions: malformed ones
 * (COG191), expired ones (COG192), and those that nothing needs (COG193).
 *
 * Pure: nothing is taken out, for what is suppressed is to stay visible.
 */
export function suppressFindings(
  findings: readonly Finding[],
  exemptions: readonly Exemption[],
  options: SuppressOptions,
): readonly Finding[] {
  const { today, isRule, runs } = options
  const found: Finding[] = []
  const active: Exemption[] = []
  for (const exemption of exemptions) {
    const fault = faultOf(exemption, isRule)
    if (fault !== undefined)
      found.push(findingOf('COG191', exemption, `The suppression ${fault}, so it suppresses nothing.`))
    else if (exemption.expires !== undefined && exemption.expires <= today) {
      const message = `The suppression of ${named(exemption)} expired on ${exemption.expires}: ${exemption.reason}`
      found.push(findingOf('COG192', exemption, message))
    } else active.push(exemption)
  }

  const byRule = groupBy(findings, ({ ruleId: id }) => id)
  const used = new Set<Exemption>()
  /** The first that covers a finding says why it is meant so. */
  const reasons = new Map<Finding, Exemption>()
  for (const exemption of active) {
    const ids = new Set(exemption.rules.map(ruleId))
    const candidates =
      exemption.among?.filter(finding => ids.has(finding.ruleId)) ?? [...ids].flatMap(id => byRule.get(id) ?? [])
    for (const finding of candidates) {
      if (!exemption.covers(finding)) continue
      used.add(exemption)
      if (!reasons.has(finding)) reasons.set(finding, exemption)
    }
  }
  const marked = findings.map(finding => {
    const exemption = reasons.get(finding)
    return exemption === undefined
      ? finding
      : { ...finding, suppressed: { reason: exemption.reason, location: exemption.location } }
  })
  for (const exemption of active) {
    if (used.has(exemption) || !exemption.rules.every(id => runs(ruleId(id)))) continue
    found.push(
      findingOf('COG193', exemption, `Nothing of ${named(exemption)} is found here, so nothing needs the suppression.`),
    )
  }
  return [...marked, ...found.filter(finding => runs(finding.ruleId))]
}

function ruleId(written: string): string {
  return written.toUpperCase()
}

function named({ rules }: Exemption): string {
  return rules.map(ruleId).join(', ')
}

function faultOf({ rules, reason, expires }: Exemption, isRule: SuppressOptions['isRule']): string | undefined {
  if (rules.length === 0) return 'names no rule'
  const unknown = rules.find(id => !isRule(ruleId(id)))
  if (unknown !== undefined) return `names \`${unknown}\`, which is no rule`
  if (expires !== undefined && !isDay(expires)) return `expires on \`${expires}\`, which is no day such as 2027-01-01`
  return reason.trim() === '' ? 'gives no reason' : undefined
}

/** Whether this is a day of the calendar, as `2027-01-31`: such texts sort as the days do. */
export function isDay(text: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)?.map(Number) ?? []
  if (year === undefined || month === undefined || day === undefined || month < 1 || month > 12 || day < 1) return false
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  return day <= (month === 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31)
}

function findingOf(id: (typeof SUPPRESSION_RULES)[number]['id'], exemption: Exemption, message: string): Finding {
  const { slug, severity, fix } = SUPPRESSION_RULES.find(rule => rule.id === id)!
  const { rules, reason, location } = exemption
  return {
    ruleId: id,
    slug,
    severity,
    message,
    fix,
    pool: '',
    groups: [],
    resources: [],
    location,
    related: [],
    key: JSON.stringify([id, '', rules.join(','), reason]),
  }
}
