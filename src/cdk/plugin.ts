import { basename } from 'node:path'
import type {
  IPolicyValidationContext,
  IPolicyValidationPlugin,
  PolicyValidationPluginReport,
  PolicyViolatingResource,
  PolicyViolation,
} from 'aws-cdk-lib'
import { quote } from '../errors.js'
import { checkNames, invalidOption, type OptionNames } from '../record.js'
import { RULES } from '../rules/catalogue.js'
import { coverageOf, describeCoverage, suppressionText } from '../rules/coverage.js'
import type { Finding } from '../rules/finding.js'
import { validateAll, type ValidateOptions } from '../rules/validate.js'
import { failsOn, type Severity } from '../severity.js'
import type { ReadingFailure } from '../template/reading.js'
import { type UnseenPart, unseenIn } from '../template/unseen.js'
import { escapeHidden, upperFirst } from '../text.js'
import { VERSION } from '../version.js'
import { appOf, type Assembly, type Place, readAssembly } from './assembly.js'

/** The options of `RolecastPlugin`. */
export interface RolecastPluginOptions extends ValidateOptions {
  /**
   * The lowest severity that fails the synthesis. A note never does.
   *
   * @default 'error'
   */
  readonly failOn?: 'error' | 'warning' | 'never' | undefined
  /**
   * Milliseconds since the epoch, for suppressions that expire.
   *
   * @default Date.now()
   */
  readonly now?: number | undefined
}

const FAIL_ON = ['error', 'warning', 'never'] as const

const OPTIONS: OptionNames<RolecastPluginOptions> = {
  only: true,
  ignore: true,
  enable: true,
  severities: true,
  failOn: true,
  now: true,
}

/** The rule for templates that cannot be read. It has no number, because only this plugin reports them as findings. */
const UNREADABLE = 'unreadable-template'
/**
 * The rule for parts that are not followed and may have nothing to do with Cognito: a nested stack of another template,
 * a macro.
 */
const READ_IN_PART = 'read-in-part'

/**
 * Validates the Cognito groups and roles of a CDK app when it is synthesised, those of all its stacks together: a tie
 * across two stacks is found, and the synthesis fails.
 *
 * Not for what only a deployment knows: that is a note, which never fails the synthesis. It sees the stacks of the App
 * or the Stage to which it is added, and no others.
 *
 * @see https://docs.aws.amazon.com/cdk/v2/guide/policy-validation-synthesis.html
 * @example
 * import { App, Validations } from 'aws-cdk-lib'
 * import { RolecastPlugin } from 'rolecast/cdk'
 *
 * const app = new App()
 * Validations.of(app).addPlugins(new RolecastPlugin())
 */
export class RolecastPlugin implements IPolicyValidationPlugin {
  /** The plugin's name in the CDK's reports. */
  readonly name = 'rolecast'
  /** The version of rolecast. */
  readonly version = VERSION
  /** The ids of all rules that it can report, for acknowledgments. */
  readonly ruleIds: string[]
  readonly #options: RolecastPluginOptions

  /** @throws RolecastError `invalid-option`: an unknown rule or severity */
  constructor(options: RolecastPluginOptions = {}) {
    checkNames(options, OPTIONS, 'the options', "give an object, like `{ failOn: 'warning' }`")
    const { failOn = 'error', now = Date.now() } = options
    if (!FAIL_ON.includes(failOn)) {
      const next = (failOn as string) === 'note' ? 'a note never fails a synthesis' : `use one of ${FAIL_ON.join(', ')}`
      throw invalidOption(`\`failOn\` cannot be ${quote(failOn)}; ${next}`, failOn)
    }
    if (Number.isNaN(new Date(now).getTime()))
      throw invalidOption(`\`now\` is ${quote(now)}; give milliseconds since the epoch`, now)
    // Rejects wrong options in the constructor, not only when the app is synthesised.
    validateAll([], { ...choiceOf(options), today: '' })
    this.#options = options
    this.ruleIds = [...RULES.map(({ id }) => id), UNREADABLE, READ_IN_PART]
  }

  /** Called by the CDK when it has synthesised the app. */
  validate(context: IPolicyValidationContext): PolicyValidationPluginReport {
    const { failOn = 'error', now = Date.now() } = this.#options
    const assembly = readAssembly(context)
    const { infrastructures, failures } = assembly.reading
    const today = new Date(now).toISOString().slice(0, 10)
    const findings = validateAll(infrastructures, { ...choiceOf(this.#options), today })
    const stackOf = createStackLookup(context)
    const severityOf = (severity: Severity) => reportedSeverity(severity, failOn)
    const violations = [
      ...failures.map(failure => unreadable(failure, assembly, severityOf('error'), stackOf)),
      ...unseenIn(infrastructures).map(part => readInPart(part, assembly, stackOf)),
      ...findings
        .filter(({ suppressed }) => suppressed === undefined)
        .map(finding => violationOf(finding, assembly, severityOf(finding.severity), stackOf)),
    ]
    return {
      // The CDK counts by severity too, once something is acknowledged.
      success: violations.every(({ severity }) => severity !== 'error'),
      violations,
      metadata: {
        ...describeCoverage(coverageOf(infrastructures)),
        ...suppressedText(findings),
      },
      pluginVersion: VERSION,
    }
  }
}

function choiceOf({ only, ignore, enable, severities }: RolecastPluginOptions): ValidateOptions {
  return { only, ignore, enable, severities }
}

/** The severity in the CDK's words: `error` for exactly the findings that fail the synthesis. */
function reportedSeverity(severity: Severity, failOn: 'error' | 'warning' | 'never'): 'error' | 'warning' | 'info' {
  if (severity === 'note') return 'info'
  return failsOn(severity, failOn) ? 'error' : 'warning'
}

type StackLookup = (templatePath: string) => string | undefined

function violationOf(finding: Finding, assembly: Assembly, severity: string, stackOf: StackLookup): PolicyViolation {
  const { ruleId, slug, message, impact, fix } = finding
  return {
    ruleName: ruleId,
    description: escapeHidden(impact === undefined ? message : `${message} ${impact}`),
    fix: escapeHidden(fix),
    severity,
    ruleMetadata: {
      rule: slug,
      severity: finding.severity,
      acknowledge: acknowledgeId(ruleId),
      explain: `npx rolecast explain ${ruleId}`,
    },
    violatingResources: assembly.placesOf(finding).map(place => violatingResource(place, stackOf)),
  }
}

function unreadable(
  { paths, error }: ReadingFailure,
  assembly: Assembly,
  severity: string,
  stackOf: StackLookup,
): PolicyViolation {
  return {
    ruleName: UNREADABLE,
    description: `A template was not looked at: ${error.message}`,
    fix: 'Until it is readable, its groups and roles count as not checked.',
    severity,
    ruleMetadata: { rule: UNREADABLE, severity: 'error', acknowledge: acknowledgeId(UNREADABLE) },
    violatingResources: paths.map(path => violatingResource({ templatePath: assembly.pathOf(path) }, stackOf)),
  }
}

function readInPart({ path, why, next }: UnseenPart, assembly: Assembly, stackOf: StackLookup): PolicyViolation {
  return {
    ruleName: READ_IN_PART,
    description: escapeHidden(`${upperFirst(why)}. Groups and role mappings there are not checked.`),
    fix: escapeHidden(`${upperFirst(next)}.`),
    severity: 'info',
    ruleMetadata: { rule: READ_IN_PART, severity: 'note', acknowledge: acknowledgeId(READ_IN_PART) },
    violatingResources: [violatingResource({ templatePath: assembly.pathOf(path) }, stackOf)],
  }
}

/** What `Validations.of(construct).acknowledge({ id, reason })` takes. */
function acknowledgeId(rule: string): string {
  return `rolecast::${rule}`
}

function violatingResource({ templatePath, logicalId }: Place, stackOf: StackLookup): PolicyViolatingResource {
  if (logicalId !== undefined) return { resourceLogicalId: logicalId, templatePath, locations: [] }
  // An acknowledgement only finds violations that name a construct.
  const constructPath = stackOf(templatePath)
  return { templatePath, locations: [], ...(constructPath !== undefined && { constructPath }) }
}

/** The construct path of the stack whose template it is, nested ones included. */
function createStackLookup(context: IPolicyValidationContext): StackLookup {
  let paths: Map<string, string> | undefined
  return templatePath => {
    paths ??= new Map(
      (appOf(context)?.node.findAll() ?? []).flatMap(construct => {
        const file = 'templateFile' in construct ? construct.templateFile : undefined
        return typeof file === 'string' ? [[file, construct.node.path] as const] : []
      }),
    )
    return paths.get(basename(templatePath))
  }
}

/** What comments and metadata of rolecast suppress, with the reasons. */
function suppressedText(findings: readonly Finding[]): Readonly<Record<string, string>> {
  const texts = findings.filter(({ suppressed }) => suppressed !== undefined).map(suppressionText)
  return texts.length === 0 ? {} : { suppressed: escapeHidden(texts.join('; ')) }
}
