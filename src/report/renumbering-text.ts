import picocolors from 'picocolors'
import type { Location } from '../rules/infrastructure.js'
import { locationText } from './findings-report.js'
import { printable } from '../text.js'
import type { TextOptions } from './text-style.js'

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
      `A renumbering of ${printable(pool)} without ties; the first of tied groups gets the better rank, so check which users are in several`,
    ),
    ...changes.flatMap(({ groupName, before, after, location }) => [
      paint.dim(`@@ ${printable(locationText(location))}  ${printable(groupName)}`),
      ...(before === after
        ? [`  precedence ${before}`]
        : [paint.red(`- precedence ${before}`), paint.green(`+ precedence ${after}`)]),
    ]),
  ])
  return blocks.map(lines => `\n${lines.join('\n')}\n`).join('')
}
