import type { Finding } from './finding.js'
import type { Infrastructure, Suppression } from './infrastructure.js'
import {
  checkSuppression,
  type ScopedSuppression,
  type SuppressionContext,
  unusedSuppression,
} from './suppression-rules.js'
import { groupBy } from '../record.js'

/**
 * The suppressions of an infrastructure, with the findings that each can cover: a suppression of a resource covers
 * findings about that resource; a suppression of a file covers findings in that file.
 *
 * @param findings those of this infrastructure: another one may have the same ids
 */
export function suppressionsOf(
  { suppressions }: Pick<Infrastructure, 'suppressions'>,
  findings: readonly Finding[],
): readonly ScopedSuppression[] {
  const byPath = groupBy(findings, ({ location }) => location.path)
  const byResource = groupBy(
    findings.flatMap(finding => finding.resources.map(id => ({ id, finding }))),
    ({ id }) => id,
  )
  const about = (target: string | undefined, path: string) =>
    target === undefined ? (byPath.get(path) ?? []) : (byResource.get(target) ?? []).map(({ finding }) => finding)
  // A reader may turn one comment into several suppressions: one for each instance of a loop.
  const written = new Map<string, { first: Suppression; targets: Set<string | undefined> }>()
  for (const suppression of suppressions) {
    const place = placeOf(suppression)
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

function placeOf({ location: { path, line, column }, rules }: Pick<Suppression, 'location' | 'rules'>): string {
  return JSON.stringify([path, line, column, rules])
}

/** Each comment once: infrastructures that share a module or a nested stack all have its comments. */
export function asWritten(suppressions: readonly ScopedSuppression[]): readonly ScopedSuppression[] {
  return [...groupBy(suppressions, placeOf).values()].map(same => ({
    ...same[0]!,
    among: same.flatMap(({ among = [] }) => among),
  }))
}

export interface SuppressOptions extends SuppressionContext {
  /** Which rules ran. A suppression of a rule that did not run is not reported as unused. */
  readonly runs: (id: string) => boolean
}

/**
 * Marks the suppressed findings, and adds a finding for each faulty suppression: malformed ones (COG191), expired ones
 * (COG192) and unused ones (COG193).
 *
 * Pure. No finding is left out: a suppressed one stays visible.
 */
export function suppressFindings(
  findings: readonly Finding[],
  suppressions: readonly ScopedSuppression[],
  options: SuppressOptions,
): readonly Finding[] {
  const { runs } = options
  const found: Finding[] = []
  const active: ScopedSuppression[] = []
  for (const suppression of suppressions) {
    const fault = checkSuppression(suppression, options)
    if (fault === undefined) active.push(suppression)
    else found.push(fault)
  }

  const byRule = groupBy(findings, ({ ruleId: id }) => id)
  const used = new Set<ScopedSuppression>()
  /** The first that covers a finding gives the reason. */
  const reasons = new Map<Finding, ScopedSuppression>()
  for (const suppression of active) {
    const ids = new Set(suppression.rules.map(toId))
    const candidates =
      suppression.among?.filter(finding => ids.has(finding.ruleId)) ?? [...ids].flatMap(id => byRule.get(id) ?? [])
    for (const finding of candidates) {
      if (!suppression.covers(finding)) continue
      used.add(suppression)
      if (!reasons.has(finding)) reasons.set(finding, suppression)
    }
  }
  const marked = findings.map(finding => {
    const suppression = reasons.get(finding)
    return suppression === undefined
      ? finding
      : { ...finding, suppressed: { reason: suppression.reason, location: suppression.location } }
  })
  for (const suppression of active) {
    if (used.has(suppression) || !suppression.rules.every(id => runs(toId(id)))) continue
    found.push(unusedSuppression(suppression))
  }
  return [...marked, ...found.filter(finding => runs(finding.ruleId))]
}

function toId(written: string): string {
  return written.toUpperCase()
}
