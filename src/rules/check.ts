import { ALL_RULES } from './all-rules.js'
import { quote, RolecastError } from '../errors.js'
import { type Finding, SEVERITIES } from './finding.js'
import type { Infrastructure } from './infrastructure.js'
import { FINDING_RULES } from './catalogue.js'
import { type Exemption, exemptionsOf, suppressFindings } from './suppress.js'
import { byPlace, validateInfrastructure, type ValidateOptions } from './validate.js'

export interface CheckOptions extends ValidateOptions {
  /** The day, such as `2026-11-23`: from `exp=` on a suppression no longer counts. */
  readonly today: string
  /** Besides the suppressions in the files. */
  readonly exemptions?: readonly Exemption[] | undefined
  /** What else is found in an infrastructure, such as what a deployment would change. */
  readonly others?: ((infrastructure: Infrastructure) => readonly Finding[]) | undefined
}

/**
 * All there is to find in infrastructures: by the rules of `validateInfrastructure`, by others, and in the suppressions.
 * What is suppressed stays, marked. By place.
 *
 * @throws RolecastError `invalid-option`: a rule or a severity that does not exist
 */
export function checkInfrastructures(
  infrastructures: readonly Infrastructure[],
  options: CheckOptions,
): readonly Finding[] {
  const { today, exemptions = [], others = () => [], ...choice } = options
  const runs = readChoice(choice)
  const ofTemplates = choiceOf(choice, id => OF_TEMPLATES.has(id))
  const severity = new Map(Object.entries(choice.severities ?? {}))
  const withSeverity = (finding: Finding): Finding => ({
    ...finding,
    severity: severity.get(finding.ruleId) ?? finding.severity,
  })
  const parts = infrastructures.map(infrastructure => {
    const more = others(infrastructure)
      .filter(({ ruleId }) => runs(ruleId))
      .map(withSeverity)
    const findings = [...validateInfrastructure(infrastructure, ofTemplates), ...more]
    return { findings, exemptions: exemptionsOf(infrastructure, findings) }
  })
  const all = [...parts.flatMap(part => part.exemptions), ...exemptions]
  return suppressFindings(
    parts.flatMap(({ findings }) => findings),
    all,
    { today, isRule: id => IDS.has(id), runs },
  )
    .map(finding => (OF_TEMPLATES.has(finding.ruleId) ? finding : withSeverity(finding)))
    .toSorted(byPlace)
}

const IDS: ReadonlySet<string> = new Set(ALL_RULES.map(({ id }) => id))
const OF_TEMPLATES: ReadonlySet<string> = new Set(FINDING_RULES.map(({ id }) => id))
const OFF: ReadonlySet<string> = new Set(ALL_RULES.filter(({ enabled }) => !enabled).map(({ id }) => id))

/** Which rules run. `validateInfrastructure` knows only its own, so all are checked here. */
function readChoice({ only, ignore = [], enable = [], severities = {} }: ValidateOptions): (id: string) => boolean {
  for (const id of [...(only ?? []), ...ignore, ...enable, ...Object.keys(severities)]) {
    if (!IDS.has(id))
      throw new RolecastError('invalid-option', `${quote(id)} is no rule; \`rolecast explain\` lists them`, {
        value: id,
      })
  }
  for (const severity of Object.values(severities)) {
    if (SEVERITIES.includes(severity)) continue
    throw new RolecastError(
      'invalid-option',
      `${quote(severity)} is no severity; use one of ${SEVERITIES.join(', ')}`,
      { value: severity },
    )
  }
  return id => !ignore.includes(id) && (only?.includes(id) ?? (!OFF.has(id) || enable.includes(id)))
}

function choiceOf(
  { only, ignore = [], enable = [], severities = {} }: ValidateOptions,
  isOwn: (id: string) => boolean,
): ValidateOptions {
  return {
    only: only?.filter(isOwn),
    ignore: ignore.filter(isOwn),
    enable: enable.filter(isOwn),
    severities: Object.fromEntries(Object.entries(severities).filter(([id]) => isOwn(id))),
  }
}
