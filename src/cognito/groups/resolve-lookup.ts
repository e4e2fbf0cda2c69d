import { type Resolution, type ResolveOptions, resolveRoles } from '../../claims/resolve.js'
import type { Mutable } from '../../record.js'
import type { Lookup } from './group-source.js'

/** A resolution of groups that were read from a source. */
export interface RoleResolution extends Resolution {
  /** Names of groups that do not exist, for example one just deleted. They carry no role and are in no claim. */
  readonly unknownGroups: readonly string[]
  /** Whether an expired group was served. */
  readonly stale: boolean
  /** Milliseconds since the request for the oldest group was sent; 0 for a source without a cache. */
  readonly age: number
}

/**
 * Applies `resolveRoles` to the result of a lookup.
 *
 * @param lookup what a source gives
 * @param options the reading of Cognito's rules
 * @throws RolecastError as `resolveRoles`
 * @example
 * import { createGroupSource, resolveLookup } from 'rolecast/cognito'
 *
 * const source = createGroupSource({ userPoolId: 'eu-west-1_Ab12Cd34e' })
 * const { preferredRole, age } = resolveLookup(await source.lookup(['admins', 'staff']))
 */
export function resolveLookup({ groups, unknownGroups, stale, age }: Lookup, options?: ResolveOptions): RoleResolution {
  const resolution = resolveRoles(groups, options) as Mutable<RoleResolution>
  resolution.unknownGroups = unknownGroups
  resolution.stale = stale
  resolution.age = age
  return resolution
}
