import type { Location, MisspeltProperty } from '../rules/infrastructure.js'
import { closest } from '../text.js'

export interface GivenProperty {
  readonly name: string
  readonly location: Location
}

/**
 * Names close to a property of the type that are not properties. Other unknown names may be from a newer version of the
 * type.
 */
export function misspeltProperties(
  resource: string,
  given: Iterable<GivenProperty>,
  known: readonly string[],
): readonly MisspeltProperty[] {
  return [...given].flatMap(({ name, location }) => {
    const nearest = known.includes(name) ? undefined : closest(name, known)
    return nearest === undefined ? [] : [{ resource, property: name, nearest, location }]
  })
}
