import type { Location, MisspeltProperty } from '../rules/infrastructure.js'
import { closest } from '../text.js'

export interface GivenProperty {
  readonly name: string
  readonly location: Location
}

/** What is near to a property of the type and is none. What is near to nothing may be of a newer version of the type. */
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
