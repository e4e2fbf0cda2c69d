import { isRolecastError, listItems, quote, RolecastError } from '../errors.js'
import { invalidOption, type OptionNames } from '../record.js'
import { assumedDefaults, coverageOf, describeCoverage, suppressionText } from '../rules/coverage.js'
import { type Finding, sentencesOf } from '../rules/finding.js'
import type { Infrastructure } from '../rules/infrastructure.js'
import { validateAll } from '../rules/validate.js'
import { readTemplateSource } from '../template/cloudformation/resources.js'
import { readProjectSync } from '../template/project-sync.js'
import { unseenIn } from '../template/unseen.js'
import { escapeHidden } from '../text.js'
import { checkHandlerOptions, HANDLER_OPTIONS, type HandlerOptions, judge, rulesOf } from './handler-options.js'
import { type Fetch, readHookTemplate } from './hook-payload.js'
import { cut, fit } from './message.js'

/** What CloudFormation invokes a Lambda Hook with, as far as it is read. */
export interface HookEvent {
  /** Passed back in the response. */
  readonly clientRequestToken: string
  /** `CREATE_PRE_PROVISION`, `UPDATE_PRE_PROVISION`, `DELETE_PRE_PROVISION`. */
  readonly actionInvocationPoint: string
  /** The ARN of the stack. */
  readonly stackId?: string | null | undefined
  /** What is deployed. */
  readonly requestData: {
    /** `STACK`, `CHANGE_SET`, or the type of a resource. */
    readonly targetName: string
    /** The type of a resource. */
    readonly targetType?: string | null | undefined
    /** The logical ID of a resource. */
    readonly targetLogicalId?: string | null | undefined
    /** A stack or a change set: the address of a file with the template. */
    readonly payload?: string | null | undefined
    /** A resource. */
    readonly targetModel?:
      | {
          /** The properties of the resource. */
          readonly resourceProperties?: Readonly<Record<string, unknown>> | null | undefined
        }
      | null
      | undefined
  }
}

/** What a Lambda Hook returns. */
export interface HookResponse {
  /** Whether the deployment may proceed. */
  readonly hookStatus: 'SUCCESS' | 'FAILED'
  /** `NonCompliant`: there is a finding that fails. `InternalFailure`: it could not be looked at. */
  readonly errorCode?: 'NonCompliant' | 'InternalFailure'
  /** What was found, for people. */
  readonly message: string
  /** The token of the event. */
  readonly clientRequestToken: string
}

/** The options of `createHookHandler`. */
export interface HookHandlerOptions extends HandlerOptions {
  /**
   * How long the template of a stack may take to arrive, in milliseconds. CloudFormation waits 30 seconds for the function.
   *
   * @default 10_000
   */
  readonly timeout?: number | undefined
  /**
   * Downloads the template of a stack, which CloudFormation leaves in Amazon S3: for a proxy of your own.
   *
   * @default the global `fetch`
   */
  readonly fetch?: Fetch | undefined
}

const OPTIONS: OptionNames<HookHandlerOptions> = { ...HANDLER_OPTIONS, timeout: true, fetch: true }

/** AWS cuts a message there, and for the Cloud Control API at 1024 characters. */
const MAX_MESSAGE = 4096
const MAX_CLOUD_CONTROL_MESSAGE = 1024
/** Limits the reason of a suppression, so that a long one does not push other lines out of the message. */
const MAX_SUPPRESSION = 300

/** The resource types that can be checked alone. */
const LOOKED_AT: ReadonlySet<string> = new Set([
  'AWS::Cognito::IdentityPoolRoleAttachment',
  'AWS::Cognito::UserPoolGroup',
  'AWS::Cognito::UserPoolUserToGroupAttachment',
])

/**
 * The handler of a CloudFormation Lambda Hook: it stops the deployment of a stack, a change set or a resource whose
 * groups and roles have a finding. Target stacks or change sets: a problem of several resources together, such as a
 * tie, does not show in one of them.
 *
 * What cannot be read is an `InternalFailure`, and never a success. A deletion is not checked. What the template itself
 * suppresses does not fail; the message lists it with its reason.
 *
 * Not for the values that a deployment gives to parameters: CloudFormation does not send them, so their defaults count,
 * and the message names the parameters.
 *
 * @throws RolecastError `invalid-option`
 * @see https://docs.aws.amazon.com/cloudformation-cli/latest/hooks-userguide/lambda-hooks-create-lambda-function.html
 * @example
 * import { createHookHandler } from 'rolecast/handlers'
 *
 * export const handler = createHookHandler()
 */
export function createHookHandler(options: HookHandlerOptions = {}): (event: HookEvent) => Promise<HookResponse> {
  checkHandlerOptions(options, OPTIONS)
  const { timeout = 10_000, fetch: download = fetch, clock = Date.now } = options
  if (!Number.isFinite(timeout) || timeout <= 0)
    throw invalidOption(`\`timeout\` must be a positive number, not ${quote(timeout)}; give milliseconds`, timeout)
  if (typeof download !== 'function')
    throw invalidOption(
      `\`fetch\` must be a function, not ${quote(download)}; leave it out for the global one`,
      download,
    )

  return async function handle(event) {
    const { clientRequestToken = '', actionInvocationPoint, requestData } = event ?? {}
    const isCloudControl = !event?.stackId
    const respond = (
      hookStatus: HookResponse['hookStatus'],
      lines: readonly string[],
      errorCode?: HookResponse['errorCode'],
    ): HookResponse => ({
      hookStatus,
      ...(errorCode !== undefined && { errorCode }),
      message: fit(lines.map(escapeHidden), isCloudControl ? MAX_CLOUD_CONTROL_MESSAGE : MAX_MESSAGE),
      clientRequestToken,
    })
    try {
      if (typeof requestData?.targetName !== 'string' || typeof actionInvocationPoint !== 'string') {
        const what = 'the event is not one of a CloudFormation Lambda Hook'
        throw new RolecastError('invalid-event', `${what}; give the function to a Lambda Hook`, { value: event })
      }
      if (actionInvocationPoint.startsWith('DELETE'))
        return respond('SUCCESS', ['rolecast did not look at it: deletions are not checked.'])
      const { targetName, targetLogicalId, payload, targetModel } = requestData
      const isWhole = targetName === 'STACK' || targetName === 'CHANGE_SET'
      if (!isWhole && !targetName.includes('::')) {
        const what = `the event is about ${quote(targetName)}, which is not a stack, a change set or a resource type`
        throw new RolecastError('invalid-event', `${what}; let the hook target stacks`, { value: targetName })
      }
      if (!isWhole && !LOOKED_AT.has(targetName))
        return respond('SUCCESS', [`rolecast did not look at it: ${quote(targetName)} alone does not define groups.`])
      const text = isWhole
        ? await readHookTemplate(payload, { download, timeout })
        : templateOf(targetName, targetLogicalId ?? 'Resource', targetModel?.resourceProperties)
      const infrastructures = read(text)
      const today = new Date(clock()).toISOString().slice(0, 10)
      const { failing, others, suppressed } = judge(
        validateAll(infrastructures, { ...rulesOf(options), today }),
        options.failOn,
      )
      const seen = [
        ...(isWhole ? [] : [ALONE]),
        lookedAt(infrastructures),
        ...(suppressed.length > 0 ? [`The template itself suppresses findings: ${suppressed.length}.`] : []),
        ...unseenIn(infrastructures).map(({ why }) => `Not looked at: ${why}. It may create groups.`),
        ...defaultsLine(assumedDefaults(infrastructures)),
      ]
      const hidden = suppressed.map(finding =>
        cut(escapeHidden(`suppressed ${suppressionText(finding)}`), MAX_SUPPRESSION),
      )
      const lines = [...failing, ...others].map(lineOf)
      return failing.length > 0
        ? respond('FAILED', [...lines, ...seen, ...hidden], 'NonCompliant')
        : respond('SUCCESS', [...seen, ...hidden, ...lines])
    } catch (error) {
      if (!isRolecastError(error)) throw error
      return respond('FAILED', [`rolecast could not look at it: ${error.message}`], 'InternalFailure')
    }
  }
}

const ALONE = 'A single resource: it is not compared with other groups of its user pool. Target stacks for that.'

function templateOf(type: string, id: string, properties: unknown): string {
  if (typeof properties !== 'object' || properties === null) {
    const what = `the event has no properties of ${quote(type)}`
    throw new RolecastError('invalid-event', `${what}; let the hook target stacks`, { value: properties })
  }
  return JSON.stringify({ Resources: { [id]: { Type: type, Properties: properties } } })
}

/** @throws RolecastError `invalid-input`: the template cannot be read */
function read(text: string): readonly Infrastructure[] {
  // Files without Cognito resources are not read further, so a file that is not a template has to be rejected here.
  readTemplateSource(text, 'template')
  const { infrastructures, failures } = readProjectSync([{ path: 'template', text, format: 'cloudformation' }])
  for (const { error } of failures) throw error
  return infrastructures
}

function lineOf(finding: Finding): string {
  const { severity, ruleId, slug, resources } = finding
  const where = resources.length === 0 ? '' : ` in ${resources.join(', ')}`
  return `${severity} ${ruleId} ${slug}${where}: ${sentencesOf(finding)}`
}

function lookedAt(infrastructures: readonly Infrastructure[]): string {
  const { checked, notChecked } = describeCoverage(coverageOf(infrastructures))
  const more = notChecked === undefined ? '' : ` Not checked: ${notChecked}.`
  return `rolecast looked at ${checked}.${more}`
}

function defaultsLine(parameters: readonly string[]): readonly string[] {
  if (parameters.length === 0) return []
  const names = listItems(parameters, quote)
  return [`Looked at with default values, which the deployment may override: parameters ${names}.`]
}
