import { quote, RolecastError } from '../errors.js'
import { compareText } from '../text.js'
import { findRule, RULES, TEMPLATE_RULES, unknownRule } from './catalogue.js'
import { type Finding } from './finding.js'
import { SEVERITIES, type Severity } from '../severity.js'
import { useOf } from './identity-pool-use.js'
import type { Infrastructure, Location } from './infrastructure.js'
import { viewPools } from './pool-view.js'
import { type CheckedPool, type Draft, toFinding } from './rule.js'
import { asWritten, suppressFindings, suppressionsOf } from './suppress.js'
import type { ScopedSuppression } from './suppression-rules.js'
import { findAffectedUsers, tiesOf } from './ties.js'
import { checkTrust } from './trust-rules.js'
import { groupBy } from '../record.js'

/** Which rules run, by id. A rule in `ignore` does not run, whatever the others say. */
export interface ValidateOptions {
  /**
   * These and no others, even if they are off by default.
   *
   * @default none: all rules that are on by default
   */
  readonly only?: readonly string[] | undefined
  /**
   * Rules that do not run.
   *
   * @default []
   */
  readonly ignore?: readonly string[] | undefined
  /**
   * Rules that are off by default.
   *
   * @default []
   */
  readonly enable?: readonly string[] | undefined
  /**
   * The severity of all that a rule finds, whatever the context says.
   *
   * @default none: each rule's own
   */
  readonly severities?: Readonly<Record<string, Severity>> | undefined
}

/**
 * Finds what is wrong with the groups and roles of a template, of a plan, or of a live pool (`fromPool`).
 *
 * A finding that is true only in some of the possibilities that a file leaves open is one severity lower and says "may"
 * or "if". A value that cannot be determined at all is reported as COG190, never guessed. Pure and total; the order of
 * resources changes nothing.
 *
 * Not for suppressions: a finding that a comment suppresses is found too. `validateAll` marks it.
 *
 * @returns by location, then by rule
 * @throws RolecastError `invalid-option`: an unknown rule or severity, or no rule that runs
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/role-based-access-control.html
 */
export function validateInfrastructure(
  infrastructure: Infrastructure,
  options: ValidateOptions = {},
): readonly Finding[] {
  return findAll(infrastructure, readRuleOptions(options))
}

export interface ValidateAllOptions extends ValidateOptions {
  /** The day, such as `2026-11-23`: from `exp=` on, a suppression no longer counts. */
  readonly today: string
  /** In addition to the suppressions in the files. */
  readonly suppressions?: readonly ScopedSuppression[] | undefined
  /** Finds more in an infrastructure, such as what a deployment would change. */
  readonly others?: ((infrastructure: Infrastructure) => readonly Finding[]) | undefined
}

/**
 * All findings in the infrastructures: from the rules of `validateInfrastructure`, from `others`, and about the
 * suppressions. A suppressed finding stays, marked. Sorted by location.
 *
 * @throws RolecastError `invalid-option`: an unknown rule or severity
 */
export function validateAll(
  infrastructures: readonly Infrastructure[],
  { today, suppressions = [], others = () => [], ...options }: ValidateAllOptions,
): readonly Finding[] {
  const choice = readRuleOptions(options)
  const parts = infrastructures.map(infrastructure => {
    const findings = [...findAll(infrastructure, choice), ...choose(others(infrastructure), choice)]
    return { findings, suppressions: suppressionsOf(infrastructure, findings) }
  })
  const all = suppressFindings(
    parts.flatMap(part => part.findings),
    [...asWritten(parts.flatMap(part => part.suppressions)), ...suppressions],
    { today, isRule: id => IDS.has(id), runs: choice.runs },
  )
  return withoutRepeats(choose(all, choice).toSorted(byLocation))
}

/**
 * The lines of a module that is called twice, or from two roots, appear several times in the infrastructure. A fault in
 * a line is one thing to correct, so it is reported once. Findings without a line, as in a plan, are distinguished by
 * their construct.
 */
function withoutRepeats(findings: readonly Finding[]): readonly Finding[] {
  const seen = new Set<string>()
  return findings.filter(({ ruleId, severity, message, location, suppressed }) => {
    const { construct: _, ...place } = location
    const where = location.line === undefined ? location : place
    const identity = JSON.stringify([ruleId, severity, message, where, suppressed !== undefined])
    return !seen.has(identity) && seen.add(identity)
  })
}

const IDS: ReadonlySet<string> = new Set(RULES.map(({ id }) => id))

interface RuleChoice {
  readonly runs: (id: string) => boolean
  /** By rule id. They override the rules' own severities. */
  readonly severities: ReadonlyMap<string, Severity>
}

function readRuleOptions({ only, ignore = [], enable = [], severities = {} }: ValidateOptions): RuleChoice {
  for (const id of [...(only ?? []), ...ignore, ...enable, ...Object.keys(severities)]) {
    if (!IDS.has(id)) throw new RolecastError('invalid-option', unknownRule(id), { value: id })
  }
  const fixed = new Map(Object.entries(severities))
  for (const severity of fixed.values()) {
    if (SEVERITIES.includes(severity)) continue
    throw new RolecastError(
      'invalid-option',
      `unknown severity ${quote(severity)}; use one of ${SEVERITIES.join(', ')}`,
      { value: severity },
    )
  }
  const runs = (id: string) =>
    !ignore.includes(id) && (only?.includes(id) ?? (findRule(id)!.enabled || enable.includes(id)))
  if (!RULES.some(({ id }) => runs(id))) {
    const next = only === undefined ? 'ignore fewer rules' : 'choose rules that are not ignored as well'
    throw new RolecastError('invalid-option', `no rule is left to run, so every file would look clean; ${next}`, {
      value: only ?? ignore,
    })
  }
  return { runs, severities: fixed }
}

/** A rule that would run, had it not been switched off. */
export interface RuleOff {
  readonly ruleId: string
  /** What switched it off: an option, or the name of a config file. */
  readonly by: string
}

/** The rules that `only` and `ignore` keep from running. */
export function rulesOff(
  { only, ignore = [], enable = [] }: ValidateOptions,
  by: { readonly only: string; readonly ignore: string },
): readonly RuleOff[] {
  return RULES.filter(({ id, enabled }) => enabled || enable.includes(id)).flatMap(({ id }) => {
    if (ignore.includes(id)) return [{ ruleId: id, by: by.ignore }]
    return only?.includes(id) === false ? [{ ruleId: id, by: by.only }] : []
  })
}

function choose(findings: readonly Finding[], { runs, severities }: RuleChoice): readonly Finding[] {
  return findings
    .filter(({ ruleId }) => runs(ruleId))
    .map(finding => ({ ...finding, severity: severities.get(finding.ruleId) ?? finding.severity }))
}

function findAll(infrastructure: Infrastructure, choice: RuleChoice): readonly Finding[] {
  const sorted = {
    ...infrastructure,
    attachments: infrastructure.attachments.toSorted((a, b) => compareLocations(a.location, b.location)),
  }
  const pools = poolsOf(sorted)
  const drafts: readonly Draft[] = [
    ...TEMPLATE_RULES.filter(({ id }) => choice.runs(id)).flatMap(rule => {
      const ofPools = pools.flatMap(pool => rule.check?.(pool) ?? [])
      const ofAll = rule.checkAll?.(sorted, pools) ?? []
      return [...ofPools, ...ofAll].map(draft => ({ ...draft, rule }))
    }),
    ...checkTrust(sorted, pools),
  ]
  return withKeys(choose(drafts.map(toFinding), choice))
}

function poolsOf(infrastructure: Infrastructure): readonly CheckedPool[] {
  const membershipsOf = groupBy(infrastructure.memberships, ({ pool }) => pool)
  const declaredOf = groupBy(infrastructure.declaredPrecedences, ({ pool }) => pool)
  return viewPools(infrastructure).map(view => {
    const ties = tiesOf(view)
    const memberships = membershipsOf.get(view.id) ?? []
    return {
      ...view,
      ties,
      affectedUsers: findAffectedUsers(view, ties, memberships),
      memberships,
      declaredPrecedences: declaredOf.get(view.id) ?? [],
      use: useOf(view),
    }
  })
}

/** Sorted, and with unique keys: if two differ in location only, the second gets `#2`. */
function withKeys(findings: readonly Finding[]): readonly Finding[] {
  const byContent = findings.toSorted(
    (a, b) =>
      compareText(a.key, b.key) ||
      compareText(a.message, b.message) ||
      compareText(a.severity, b.severity) ||
      compareLocations(a.location, b.location),
  )
  const seen = new Map<string, number>()
  return byContent
    .map(finding => {
      const count = (seen.get(finding.key) ?? 0) + 1
      seen.set(finding.key, count)
      return count === 1 ? finding : { ...finding, key: `${finding.key}#${count}` }
    })
    .toSorted(byLocation)
}

/** By file, line and column, then by construct and key. */
export function byLocation(a: Finding, b: Finding): number {
  return compareLocations(a.location, b.location) || compareText(a.key, b.key)
}

function compareLocations(a: Location, b: Location): number {
  return (
    compareText(a.path, b.path) ||
    (a.line ?? 0) - (b.line ?? 0) ||
    (a.column ?? 0) - (b.column ?? 0) ||
    compareText(a.construct ?? '', b.construct ?? '')
  )
}
