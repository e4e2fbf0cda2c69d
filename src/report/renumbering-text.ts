import picocolors from 'picocolors'
import type { Location } from '../rules/infrastructure.js'
import { locationText } from './findings-report.js'
import { printable } from '../text.js'
import type { Paint, TextOptions } from './text-style.js'

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

/** Why there are none for the groups of one pool. */
export interface MissingSuggestion {
  readonly pool: string
  /** One sentence without a full stop for each group that is in the way. */
  readonly reasons: readonly { readonly text: string; readonly location: Location }[]
}

const MAX_REASONS = 5

/** A renumbering as something like a patch, for people to apply: nothing is edited. Or why there is none. */
export function renumberingText(
  suggestions: readonly (RenumberingSuggestion | MissingSuggestion)[],
  { color }: TextOptions,
): string {
  const paint = picocolors.createColors(color)
  const blocks = suggestions.map(suggestion =>
    'reasons' in suggestion ? missingLines(suggestion, paint) : changeLines(suggestion, paint),
  )
  return blocks.map(lines => `\n${lines.join('\n')}\n`).join('')
}

function changeLines({ pool, changes }: RenumberingSuggestion, paint: Paint): readonly string[] {
  return [
    paint.bold(
      `A renumbering of ${printable(pool)} without ties; the first of tied groups gets the better rank, so check which users are in several`,
    ),
    ...changes.flatMap(({ groupName, before, after, location }) => [
      paint.dim(`@@ ${printable(locationText(location))}  ${printable(groupName)}`),
      ...(before === after
        ? [`  precedence ${before}`]
        : [paint.red(`- precedence ${before}`), paint.green(`+ precedence ${after}`)]),
    ]),
  ]
}

function missingLines({ pool, reasons }: MissingSuggestion, paint: Paint): readonly string[] {
  const rest = reasons.length - MAX_REASONS
  return [
    paint.bold(
      `No suggestion for ${printable(pool)}; it needs the name, the precedence and the role of every group of the pool`,
    ),
    ...reasons
      .slice(0, MAX_REASONS)
      .map(({ text, location }) => `  ${paint.dim(printable(locationText(location)))}  ${text}`),
    ...(rest > 0 ? [`  and ${rest} more`] : []),
  ]
}
