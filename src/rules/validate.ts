import { type Draft, quoted } from './draft.js'
import { quote, RolecastError } from '../errors.js'
import { type Finding, SEVERITIES, type Severity } from './finding.js'
import type { Infrastructure, Location, Value } from './infrastructure.js'
import { judgeAttachments, judgeMappingRules, judgeMappings } from './mapping-rules.js'
import { groupBy, type PoolView, viewPools } from './pool-view.js'
import { judgeDeclared, judgeRanks } from './rank-rules.js'
import { FINDING_RULES, findRule } from './catalogue.js'
import { tiesOf } from './ties.js'
import { judgeTrust } from './trust-rules.js'
import { compareText } from '../text.js'

/** Which rules run, by id. A rule that `ignore` names does not run, whatever the others say. */
export interface ValidateOptions {
  /** These and no others, even if they are off by default. */
  readonly only?: readonly string[] | undefined
  readonly ignore?: readonly string[] | undefined
  /** Rules that are off by default. */
  readonly enable?: readonly string[] | undefined
  /** The severity of all that a rule finds, whatever the context says. */
  readonly severities?: Readonly<Record<string, Severity>> | undefined
}

/**
 * Finds what is wrong with the groups and roles of a template, of a plan, or of a live pool (`fromPool`).
 *
 * What holds only in some of the possibilities that a file leaves open is one severity lower and says "may" or "where";
 * what cannot be told at all is a COG190, never a guess. Pure and total; the order of resources changes nothing.
 *
 * Not for suppressions: what a comment says is meant so is found too, and it is for the caller to mark it.
 *
 * @returns by place, then by rule
 * @throws RolecastError `invalid-option`: a rule or a severity that does not exist
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/role-based-access-control.html
 */
export function validateInfrastructure(
  infrastructure: Infrastructure,
  options: ValidateOptions = {},
): readonly Finding[] {
  const { runs, severityOf } = readOptions(options)
  const sorted = {
    ...infrastructure,
    attachments: infrastructure.attachments.toSorted((a, b) => compareLocations(a.location, b.location)),
  }
  const pools = viewPools(sorted)
  const membershipsOf = groupBy(infrastructure.memberships, ({ pool }) => pool)
  const declaredOf = groupBy(infrastructure.declaredPrecedences, ({ pool }) => pool)
  const drafts = pools.flatMap(pool => {
    const ties = tiesOf(pool)
    return [
      ...judgeRanks(pool, ties, membershipsOf.get(pool.id) ?? []),
      ...judgeDeclared(pool, declaredOf.get(pool.id) ?? []),
      ...judgeMappings(pool, ties, sorted),
    ]
  })
  const all = [
    ...drafts,
    ...judgeTrust(pools, sorted),
    ...judgeAttachments(sorted),
    ...judgeMappingRules(pools, sorted),
    ...undecidable(pools, sorted, new Set(drafts.filter(({ ruleId }) => TIES.has(ruleId)).map(({ pool }) => pool))),
  ]
  return withKeys(
    all.filter(({ ruleId }) => runs(ruleId)).map(draft => ({ ...toFinding(draft), severity: severityOf(draft) })),
  )
}

function readOptions({ only, ignore = [], enable = [], severities = {} }: ValidateOptions) {
  for (const id of [...(only ?? []), ...ignore, ...enable, ...Object.keys(severities)]) {
    if (FINDING_RULES.some(rule => rule.id === id)) continue
    throw new RolecastError(
      'invalid-option',
      `${quote(id)} is no rule; use an id from \`${FINDING_RULES[0].id}\` to \`${FINDING_RULES.at(-1)!.id}\``,
      { value: id },
    )
  }
  const fixed = new Map(Object.entries(severities))
  for (const severity of fixed.values()) {
    if (SEVERITIES.includes(severity)) continue
    throw new RolecastError(
      'invalid-option',
      `${quote(severity)} is no severity; use one of ${SEVERITIES.join(', ')}`,
      { value: severity },
    )
  }
  return {
    runs: (id: string) =>
      !ignore.includes(id) && (only?.includes(id) ?? (findRule(id)!.enabled || enable.includes(id))),
    severityOf: ({ ruleId, severity }: Draft) => fixed.get(ruleId) ?? severity,
  }
}

function toFinding({
  ruleId,
  severity,
  message,
  pool,
  groups = [],
  subject,
  resources,
  location,
  related = [],
}: Draft): Finding {
  const { slug, fix } = findRule(ruleId)!
  const names = [...new Set(groups)].toSorted()
  return {
    ruleId,
    slug,
    severity,
    message,
    fix,
    pool,
    groups: names,
    resources: [...new Set(resources)].toSorted(),
    location,
    related,
    key: JSON.stringify([ruleId, pool, ...names, ...(subject === undefined ? [] : [subject])]),
  }
}

const TIES: ReadonlySet<string> = new Set(['COG101', 'COG102'])

/** COG190 for every value that some rule needed, but for the trust policies. */
function undecidable(
  pools: readonly PoolView[],
  infrastructure: Infrastructure,
  poolsWithTies: ReadonlySet<string>,
): readonly Draft[] {
  const { attachments, memberships } = infrastructure
  const poolNames = new Map(pools.map(({ id, name }) => [id, name]))
  const ofGroups = pools.flatMap(pool =>
    pool.groups.flatMap(({ name, definition: { id, groupName, precedence, role, location } }) => {
      const base = { pool: pool.name, groups: [name], resources: [id] }
      return [
        ...note(groupName, `The name of the group ${quoted(name)}`, isSeveral, { ...base, subject: 'name', location }),
        ...note(precedence, `The precedence of ${quoted(name)}`, never, { ...base, subject: 'precedence', location }),
        ...note(role, `The role of ${quoted(name)}`, never, { ...base, subject: 'role', location }),
      ]
    }),
  )
  const ofAttachments = attachments.flatMap(({ id, identityPool, roles, mappings, location }) => {
    const name = identityPool.is === 'known' ? identityPool.value : id
    const base = { pool: '', resources: [id] }
    const part = <T>(value: Value<T>, what: string, open: Open, location: Location) =>
      note(value, `In the role attachment of ${quoted(name)}, ${what}`, open, {
        ...base,
        subject: `${name}: ${what}`,
        location,
      })
    return [
      ...(attachments.length > 1 ? part(identityPool, 'the identity pool', isSeveral, location) : []),
      ...part(roles, 'the value of `Roles`', isSeveral, location),
      ...part(mappings, 'the value of `RoleMappings`', isSeveral, location),
      ...(mappings.is === 'known' ? mappings.value : []).flatMap(mapping => [
        // Whose pool it is for, the reader has seen from it.
        ...(mapping.pool === undefined
          ? part(
              mapping.identityProvider,
              `the provider of the mapping ${quoted(mapping.key)}`,
              never,
              mapping.location,
            )
          : []),
        ...part(mapping.type, `the type of the mapping ${quoted(mapping.key)}`, never, mapping.location),
        ...part(
          mapping.ambiguousRoleResolution,
          `the ambiguous role resolution of the mapping ${quoted(mapping.key)}`,
          never,
          mapping.location,
        ),
        ...part(mapping.rules, `the list of rules of the mapping ${quoted(mapping.key)}`, isSeveral, mapping.location),
        ...(mapping.rules.is === 'known' ? mapping.rules.value : []).flatMap((rule, index) => [
          ...part(
            rule.claim,
            `the claim of rule ${index + 1} of the mapping ${quoted(mapping.key)}`,
            isSeveral,
            rule.location,
          ),
          ...part(
            rule.matchType,
            `the match type of rule ${index + 1} of the mapping ${quoted(mapping.key)}`,
            isSeveral,
            rule.location,
          ),
          ...part(
            rule.value,
            `the value of rule ${index + 1} of the mapping ${quoted(mapping.key)}`,
            isSeveral,
            rule.location,
          ),
        ]),
      ]),
    ]
  })
  // Who is in what matters to ties only.
  const relevant = memberships.filter(({ pool }) => poolsWithTies.has(poolNames.get(pool) ?? ''))
  const ofMemberships = relevant.flatMap(({ pool, username, groupName, location }) => [
    ...note(username, 'The user of a membership', isSeveral, {
      pool: poolNames.get(pool)!,
      resources: [],
      subject: 'user',
      location,
    }),
    ...note(groupName, 'The group of a membership', isSeveral, {
      pool: poolNames.get(pool)!,
      resources: [],
      subject: 'group',
      location,
    }),
  ])
  const ofReaders = infrastructure.undecidable.map(({ why, location, pool }) => ({
    ...NOTE,
    pool: pool === undefined ? '' : (poolNames.get(pool) ?? pool),
    resources: [],
    subject: why,
    location,
    message: `${why}.`,
  }))
  return [...ofGroups, ...ofAttachments, ...ofMemberships, ...ofReaders]
}

/** Whether a value that is one of several, all known, leaves its rules undecided. */
type Open = (value: Value<unknown>) => boolean

const isSeveral: Open = value => value.is === 'one-of'
const never: Open = () => false

const NOTE = { ruleId: 'COG190', severity: 'note' } as const

/** One note for a value that is not known, or none. */
function note(
  value: Value<unknown>,
  what: string,
  open: Open,
  base: Omit<Draft, 'ruleId' | 'severity' | 'message'>,
): readonly Draft[] {
  const leaves = value.is === 'one-of' ? value.values : [value]
  const why = leaves.find(leaf => leaf.is === 'unknown')?.why ?? (open(value) ? 'it is one of several' : undefined)
  if (why === undefined) return []
  return [
    {
      ...NOTE,
      ...base,
      location: value.location ?? base.location,
      message: `${what} is not known: ${why}. Rules that need it say nothing of it.`,
    },
  ]
}

/** Sorted, and with keys of their own: where two are the same in all but their place, the second gets `#2`. */
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
    .toSorted(byPlace)
}

/** By file, line and column, then by construct and key. */
export function byPlace(a: Finding, b: Finding): number {
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
