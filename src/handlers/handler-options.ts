import { quote } from '../errors.js'
import { checkNames, invalidOption, type OptionNames } from '../record.js'
import type { Finding } from '../rules/finding.js'
import { validateAll, type ValidateOptions } from '../rules/validate.js'
import { type FailOn, failsOn, SEVERITIES } from '../severity.js'

/** The options that both handlers have. */
export interface HandlerOptions extends ValidateOptions {
  /**
   * The lowest severity that fails: the hook stops the deployment, the user pool is not compliant.
   *
   * @default 'error'
   */
  readonly failOn?: FailOn | undefined
  /**
   * The current time, in milliseconds since the epoch.
   *
   * @default Date.now
   */
  readonly clock?: (() => number) | undefined
}

export const HANDLER_OPTIONS: OptionNames<HandlerOptions> = {
  only: true,
  ignore: true,
  enable: true,
  severities: true,
  failOn: true,
  clock: true,
}

/**
 * Rejects wrong options when the function starts, not with the first event.
 *
 * @throws RolecastError `invalid-option`
 */
export function checkHandlerOptions(options: HandlerOptions, names: Readonly<Record<string, true>>): void {
  checkNames(options, names, 'the options', "give an object, like `{ failOn: 'warning' }`")
  const { failOn = 'error' } = options
  if (failOn !== 'never' && !SEVERITIES.includes(failOn))
    throw invalidOption(
      `unknown \`failOn\` ${quote(failOn)}; use one of ${[...SEVERITIES, 'never'].join(', ')}`,
      failOn,
    )
  validateAll([], { ...rulesOf(options), today: '' })
}

export function rulesOf({ only, ignore, enable, severities }: HandlerOptions): ValidateOptions {
  return { only, ignore, enable, severities }
}

export interface Judged {
  /** What fails, worst first. */
  readonly failing: readonly Finding[]
  /** What does not, worst first. */
  readonly others: readonly Finding[]
  /** Findings that the template itself marks as intended. They never fail. */
  readonly suppressed: readonly Finding[]
}

export function judge(findings: readonly Finding[], failOn: FailOn = 'error'): Judged {
  const open = findings
    .filter(({ suppressed }) => suppressed === undefined)
    .toSorted((a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity))
  return {
    failing: open.filter(({ severity }) => failsOn(severity, failOn)),
    others: open.filter(({ severity }) => !failsOn(severity, failOn)),
    suppressed: findings.filter(({ suppressed }) => suppressed !== undefined),
  }
}
