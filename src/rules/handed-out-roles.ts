import { quote } from '../errors.js'
import type { Infrastructure, Location, RoleAttachment, RoleReference, Value } from './infrastructure.js'
import { possibilities } from './value.js'

/** A role that an identity pool's attachment hands out. */
export interface HandedOutRole {
  readonly role: Value<RoleReference>
  /** The key of `Roles` that has it; absent for a mapping rule. */
  readonly key?: string
  /** The group, rule or users that it is for, in words for a message. */
  readonly whose: string
  readonly location: Location
}

/** The roles of mapping rules and of `Roles`, whatever the key; every possible value where the file leaves one open. */
export function handedOutRoles({ roles, mappings }: RoleAttachment): readonly HandedOutRole[] {
  const rules = each(mappings).flatMap(mapping => each(mapping.rules))
  return [
    ...rules.map(({ role, value, location }) => ({
      role,
      whose: value.is === 'known' ? `the mapping rule for ${quote(value.value)}` : 'a mapping rule',
      location: role.location ?? location,
    })),
    ...each(roles).map(({ key, role, location }) => ({
      role,
      key,
      whose: WHOSE.get(key) ?? quote(`Roles.${key}`),
      location: role.location ?? location,
    })),
  ]
}

/** Whether the identity pool of an attachment gives credentials to guests; undefined where the files do not say. */
export function guestsOf({
  identityPools,
}: Pick<Infrastructure, 'identityPools'>): (attachment: RoleAttachment) => boolean | undefined {
  const allows = new Map(identityPools.map(({ id, allowsGuests }) => [id, allowsGuests]))
  return ({ identityPool }) => {
    const own = identityPool.is === 'known' ? allows.get(identityPool.value) : undefined
    return own?.is === 'known' ? own.value : undefined
  }
}

const WHOSE: ReadonlyMap<string, string> = new Map([
  ['authenticated', 'signed-in users (`Roles.authenticated`)'],
  ['unauthenticated', 'guests (`Roles.unauthenticated`)'],
])

function each<T>(list: Value<readonly T[]>): readonly T[] {
  return possibilities(list).values.flatMap(some => some ?? [])
}
