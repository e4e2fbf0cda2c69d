import type { Finding } from './finding.js'
import { guestsOf, handedOutRoles } from './handed-out-roles.js'
import type { Infrastructure, RoleReference, Value } from './infrastructure.js'
import { assumptionsOf, possibilities } from './value.js'

/** How much the rules looked at. */
export interface Coverage {
  readonly pools: number
  readonly groups: number
  /** Role attachments of identity pools. */
  readonly attachments: number
  /** Roles that groups, mapping rules and `Roles` hand out, and whose trust policy the files have. */
  readonly rolesChecked: number
  /** Such roles that no file defines, or that are unknown. */
  readonly rolesNotChecked: number
}

/** Counts what was checked. Findings report what is wrong. */
export function coverageOf(infrastructures: readonly Infrastructure[]): Coverage {
  const sum = (count: (infrastructure: Infrastructure) => number) =>
    infrastructures.reduce((total, infrastructure) => total + count(infrastructure), 0)
  return {
    pools: sum(({ pools }) => pools.length),
    groups: sum(({ groups }) => groups.length),
    attachments: sum(({ attachments }) => attachments.length),
    rolesChecked: sum(infrastructure => countRoles(infrastructure, true)),
    rolesNotChecked: sum(infrastructure => countRoles(infrastructure, false)),
  }
}

/** In a few words, for output that has no room for a report: `user pools: 1, groups: 2, …`. */
export function describeCoverage({ pools, groups, attachments, rolesChecked, rolesNotChecked }: Coverage): {
  readonly checked: string
  /** Absent if nothing is left out. */
  readonly notChecked?: string
} {
  return {
    checked: `user pools: ${pools}, groups: ${groups}, role attachments: ${attachments}, trust policies: ${rolesChecked}`,
    ...(rolesNotChecked > 0 && { notChecked: `roles without a trust policy in the templates: ${rolesNotChecked}` }),
  }
}

/** A finding that the template itself suppresses, with the reason: `COG101 (Admins, Staff): No user is in both.` */
export function suppressionText({ ruleId, resources, suppressed }: Finding): string {
  return `${ruleId} (${resources.join(', ')}): ${suppressed?.reason ?? ''}`
}

/** The names of parameters and other variables whose default was used: a deployment may give another value. */
export function assumedDefaults(infrastructures: readonly Infrastructure[]): readonly string[] {
  const values = infrastructures.flatMap(({ groups, attachments, memberships, identityPools, roles }) => [
    ...groups.flatMap(({ groupName, precedence, role }) => [groupName, precedence, role]),
    ...memberships.flatMap(({ username, groupName }) => [username, groupName]),
    ...roles.map(({ trustPolicy }) => trustPolicy),
    ...identityPools.flatMap(({ allowsGuests, providers }) => [
      allowsGuests,
      providers,
      ...itemsOf(providers).flatMap(({ name, clientId }) => [name, clientId]),
    ]),
    ...attachments.flatMap(({ identityPool, roles: byKey, mappings }) => [
      identityPool,
      byKey,
      ...itemsOf(byKey).map(({ role }) => role),
      mappings,
      ...itemsOf(mappings).flatMap(({ identityProvider, type, ambiguousRoleResolution, rules }) => [
        identityProvider,
        type,
        ambiguousRoleResolution,
        rules,
        ...itemsOf(rules).flatMap(({ claim, matchType, value, role }) => [claim, matchType, value, role]),
      ]),
    ]),
  ])
  return assumptionsOf(values)
}

function itemsOf<T>(value: Value<readonly T[]>): readonly T[] {
  return possibilities(value).values.flatMap(items => items ?? [])
}

/** Counts each role once, and not the role of guests if the identity pool does not let guests in. */
function countRoles(infrastructure: Infrastructure, checked: boolean): number {
  const { groups, attachments, roles } = infrastructure
  const letsGuestsIn = guestsOf(infrastructure)
  const handedOut = attachments.flatMap(attachment =>
    handedOutRoles(attachment).filter(({ key }) => key !== 'unauthenticated' || letsGuestsIn(attachment) !== false),
  )
  const defined = new Set(roles.flatMap(({ id, trustPolicy }) => (trustPolicy.is === 'known' ? [id] : [])))
  const values = [...groups.map(({ role }) => role), ...handedOut.map(({ role }) => role)]
  const isChecked = ({ kind, id }: RoleReference) => kind !== 'reference' && defined.has(id)
  const known = values.flatMap(value => possibilities(value).values.flatMap(role => role ?? []))
  const distinct = new Map(known.map(role => [JSON.stringify([role.kind === 'arn', role.id]), role]))
  const counted = [...distinct.values()].filter(role => isChecked(role) === checked).length
  return checked ? counted : counted + values.filter(({ is }) => is === 'unknown').length
}
