import picocolors from 'picocolors'
import type { Location } from '../rules/infrastructure.js'
import { placeOf } from './findings.js'
import { type TextOptions } from './prediction.js'
import { printable } from './printable.js'

/** New precedences for the groups of one pool. */
export interface RenumberingSuggestion {
  readonly pool: string
  readonly changes: readonly {
    readonly groupName: string
    readonly before: number
    readonly after: number
    readonly location: Location
  }[]
}

/** A renumbering as something like a patch, for people to apply: nothing is edited. */
export function renumberingText(suggestions: readonly RenumberingSuggestion[], { color }: TextOptions): string {
  const paint = picocolors.createColors(color)
  const blocks = suggestions.map(({ pool, changes }) => [
    paint.bold(
      `A renumbering of ${printable(pool)} without ties; of tied groups the first gets the better rank, so look at who is in several`,
    ),
    ...changes.flatMap(({ groupName, before, after, location }) => [
      paint.dim(`@@ ${printable(placeOf(location))}  ${printable(groupName)}`),
      ...(before === after
        ? [`  precedence ${before}`]
        : [paint.red(`- precedence ${before}`), paint.green(`+ precedence ${after}`)]),
    ]),
  ])
  return blocks.map(lines => `\n${lines.join('\n')}\n`).join('')
}
