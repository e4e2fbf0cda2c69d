import { isUserPoolId } from '../aws-ids.js'
import { isRolecastError, quote, RolecastError } from '../errors.js'
import { checkRecord, invalidOption, type OptionNames } from '../record.js'
import { sentencesOf } from '../rules/finding.js'
import { validateTemplateSync } from '../template/index.js'
import { field } from '../template/json-text.js'
import { escapeHidden } from '../text.js'
import { checkHandlerOptions, HANDLER_OPTIONS, type HandlerOptions, judge, rulesOf } from './handler-options.js'
import { cut } from './message.js'

/** What AWS Config invokes a custom Lambda rule with, as far as it is read. */
export interface ConfigRuleEvent {
  /** JSON: a change of a resource, or a scheduled notification. */
  readonly invokingEvent: string
  /** Passed back to PutEvaluations. */
  readonly resultToken: string
  /** Whether the resource is no longer in the rule's scope. */
  readonly eventLeftScope?: boolean | undefined
}

/** What ListGroups gives, all pages together; `takeSnapshot` of `rolecast/cognito` makes it. */
export interface ListedGroups {
  /** The groups. */
  readonly Groups?:
    | readonly {
        /** The group's name. */
        readonly GroupName?: string | undefined
        /** Its precedence; absent if it has none. */
        readonly Precedence?: number | undefined
        /** Its role; absent if it has none. */
        readonly RoleArn?: string | undefined
      }[]
    | undefined
  /** Rejected if it is there: pages are missing. */
  readonly NextToken?: string | undefined
  /** The user pool that was read. Rejected if it is not the one that was asked for. */
  readonly userPoolId?: string | undefined
}

/** One evaluation of PutEvaluations. */
export interface Evaluation {
  /** The type of the resource: `AWS::Cognito::UserPool`. */
  readonly ComplianceResourceType: string
  /** The user pool ID. */
  readonly ComplianceResourceId: string
  /** The result. */
  readonly ComplianceType: 'COMPLIANT' | 'NON_COMPLIANT' | 'NOT_APPLICABLE'
  /** What was found. */
  readonly Annotation: string
  /** When AWS Config captured the change, or sent the scheduled notification. */
  readonly OrderingTimestamp: Date
}

/** The input of PutEvaluations. */
export interface PutEvaluationsInput {
  /** The results. */
  readonly Evaluations: Evaluation[]
  /** The token of the event. */
  readonly ResultToken: string
  /** Whether AWS Config only checks the input. */
  readonly TestMode: boolean
}

/** The options of `createConfigRuleHandler`. */
export interface ConfigRuleHandlerOptions extends HandlerOptions {
  /** Reads all groups of a user pool: `userPoolId => takeSnapshot({ userPoolId })` does. */
  readonly listGroups: (userPoolId: string) => Promise<ListedGroups>
  /** Sends the result: `input => config.send(new PutEvaluationsCommand(input))` does. */
  readonly putEvaluations: (
    input: PutEvaluationsInput,
  ) => Promise<{ readonly FailedEvaluations?: readonly unknown[] | undefined } | undefined>
  /**
   * The user pools of a scheduled run. Without it, only changes are evaluated.
   *
   * @default none
   */
  readonly userPoolIds?: readonly string[] | (() => Promise<readonly string[]>) | undefined
}

const OPTIONS: OptionNames<ConfigRuleHandlerOptions> = {
  ...HANDLER_OPTIONS,
  listGroups: true,
  putEvaluations: true,
  userPoolIds: true,
}

const USER_POOL = 'AWS::Cognito::UserPool'
const GROUP = 'AWS::Cognito::UserPoolGroup'

/** The most evaluations in a call of PutEvaluations, and the most characters of an annotation. */
const MAX_EVALUATIONS = 100
const MAX_ANNOTATION = 256

/**
 * The handler of a custom Lambda rule of AWS Config: a user pool is compliant if its groups have no finding that fails.
 * It runs when a group or a user pool changes, and on a schedule for the pools in `userPoolIds`. It always evaluates
 * the pool with all its groups, as Cognito has them at that time, because a tie involves several groups.
 *
 * A pool that could not be read gets no evaluation, and the function fails: AWS Config then says that the rule has an
 * error.
 *
 * Not for trust policies and identity pools: it looks at groups, precedence and the form of role ARNs.
 *
 * @throws RolecastError `invalid-option`
 * @see https://docs.aws.amazon.com/config/latest/developerguide/evaluate-config_develop-rules_lambda-functions.html
 * @example
 * import { ConfigServiceClient, PutEvaluationsCommand } from '@aws-sdk/client-config-service'
 * import { takeSnapshot } from 'rolecast/cognito'
 * import { createConfigRuleHandler } from 'rolecast/handlers'
 *
 * const config = new ConfigServiceClient()
 * export const handler = createConfigRuleHandler({
 *   listGroups: userPoolId => takeSnapshot({ userPoolId }),
 *   putEvaluations: input => config.send(new PutEvaluationsCommand(input)),
 * })
 */
export function createConfigRuleHandler(
  options: ConfigRuleHandlerOptions,
): (event: ConfigRuleEvent) => Promise<readonly Evaluation[]> {
  checkRecord(options, 'the options', 'give `{ listGroups, putEvaluations }`')
  checkHandlerOptions(options, OPTIONS)
  const { listGroups, putEvaluations, userPoolIds, clock = Date.now } = options
  for (const [name, value] of Object.entries({ listGroups, putEvaluations }))
    if (typeof value !== 'function')
      throw invalidOption(`${quote(name)} must be a function, not ${quote(value)}; give one that calls AWS`, value)
  if (userPoolIds !== undefined && typeof userPoolIds !== 'function') checkIds(userPoolIds)

  return async function handle(event) {
    const invocation = readEvent(event)
    const { orderedAt, item } = invocation
    const pools = item === undefined ? await scheduledPools() : item.pools
    const results: Evaluation[] = pools.length > 0 || item === undefined ? [] : [notApplicable(item, orderedAt)]
    const failures: RolecastError[] = []
    for (const userPoolId of pools) {
      try {
        results.push(evaluate(userPoolId, await list(userPoolId), orderedAt))
      } catch (error) {
        if (!isRolecastError(error)) throw error
        failures.push(error)
      }
    }
    await put(results, invocation)
    const [failure, ...others] = failures
    if (failure === undefined) return results
    const what =
      others.length === 0
        ? 'a user pool was not evaluated'
        : `${failures.length} user pools were not evaluated, the first because of this error`
    throw new RolecastError(failure.code, `${what}: ${failure.message}`, { cause: failure })
  }

  async function scheduledPools(): Promise<readonly string[]> {
    const ids = typeof userPoolIds === 'function' ? checkIds(await userPoolIds()) : userPoolIds
    if (ids === undefined || ids.length === 0)
      throw invalidOption(
        'a scheduled run has no user pools; give `userPoolIds`, or let changes alone trigger the rule',
        ids,
      )
    return ids
  }

  async function list(userPoolId: string): Promise<ListedGroups> {
    if (!isUserPoolId(userPoolId)) {
      const what = `${quote(userPoolId)} is not a user pool ID`
      throw new RolecastError('invalid-user-pool-id', `${what}; use an ID like \`eu-west-1_Ab12Cd34e\``, {
        value: userPoolId,
      })
    }
    try {
      return await listGroups(userPoolId)
    } catch (cause) {
      if (isRolecastError(cause)) throw cause
      const what = `the groups of ${quote(userPoolId)} cannot be read: ${(cause as Error)?.message ?? quote(cause)}`
      throw new RolecastError('unexpected', `${what}; look at \`listGroups\``, { cause })
    }
  }

  /** @throws RolecastError `invalid-input`: what was listed is from another pool, incomplete, or not a list of groups */
  function evaluate(userPoolId: string, listed: ListedGroups, orderedAt: Date): Evaluation {
    const invalid = (what: string, next: string) =>
      new RolecastError('invalid-input', `what \`listGroups\` returned for ${quote(userPoolId)} ${what}; ${next}`)
    const { Groups: groups, NextToken: token, userPoolId: other } = listed ?? {}
    if (!Array.isArray(groups))
      throw invalid('is not a list of groups', 'return what ListGroups or `takeSnapshot` returns')
    if (token !== undefined && token !== null)
      throw invalid('has a `NextToken`, so that groups are missing', 'read all pages')
    if (other !== undefined && other !== userPoolId)
      throw invalid('is from another user pool', 'read the user pool that was asked for')
    const text = JSON.stringify({ userPoolId, Groups: groups })
    const today = clock()
    const rules = rulesOf(options)
    const { failing, others } = judge(
      validateTemplateSync(text, { format: 'user-pool', path: userPoolId, now: today, ...rules }),
      options.failOn,
    )
    const [first] = [...failing, ...others]
    const count = failing.length + others.length
    return {
      ComplianceResourceType: USER_POOL,
      ComplianceResourceId: userPoolId,
      ComplianceType: failing.length > 0 ? 'NON_COMPLIANT' : 'COMPLIANT',
      Annotation: annotation(
        first === undefined
          ? `No findings. Groups: ${groups.length}. Trust policies and identity pools are not looked at.`
          : `${count === 1 ? '' : `${count} findings, the first: `}${first.severity} ${first.ruleId}: ${sentencesOf(first)}`,
      ),
      OrderingTimestamp: orderedAt,
    }
  }

  async function put(results: readonly Evaluation[], { resultToken }: Invocation): Promise<void> {
    for (let start = 0; start < results.length; start += MAX_EVALUATIONS) {
      const response = await putEvaluations({
        Evaluations: results.slice(start, start + MAX_EVALUATIONS),
        ResultToken: resultToken,
        // The token that a test run of a rule has.
        TestMode: resultToken === 'TESTMODE',
      })
      const rejected = response?.FailedEvaluations?.length ?? 0
      if (rejected === 0) continue
      const what = `AWS Config rejected ${rejected} of ${results.length} evaluations`
      throw new RolecastError('request-rejected', `${what}; look at the log of \`putEvaluations\``, { value: response })
    }
  }
}

/** @throws RolecastError `invalid-option` */
function checkIds(ids: unknown): readonly string[] {
  if (Array.isArray(ids) && ids.every(id => typeof id === 'string')) return ids
  const next = "give an array of user pool IDs, such as `['eu-west-1_Ab12Cd34e']`, or a function that resolves to one"
  throw invalidOption(`\`userPoolIds\` must be an array of strings, not ${quote(ids)}; ${next}`, ids)
}

interface Invocation {
  readonly resultToken: string
  readonly orderedAt: Date
  /** What changed; undefined for a scheduled run. */
  readonly item: Item | undefined
}

interface Item {
  readonly type: string
  readonly id: string
  /** The user pools whose evaluation it changes: none, or one. */
  readonly pools: readonly string[]
  /** Why there are none. */
  readonly why: string
}

function invalidEvent(what: string): RolecastError {
  return new RolecastError('invalid-event', `${what}; give the function to a custom Lambda rule of AWS Config`)
}

/** @throws RolecastError `invalid-event` */
function readEvent(event: ConfigRuleEvent): Invocation {
  if (typeof event?.invokingEvent !== 'string' || typeof event.resultToken !== 'string')
    throw invalidEvent('the event has no `invokingEvent` and `resultToken`')
  const invoking = parse(event.invokingEvent)
  if (invoking === undefined) throw invalidEvent('the `invokingEvent` is not JSON')
  const type = field(invoking, 'messageType')
  const { resultToken } = event
  if (type === 'ScheduledNotification')
    return { resultToken, orderedAt: timeOf(field(invoking, 'notificationCreationTime')), item: undefined }
  const isWhole = type === 'ConfigurationItemChangeNotification'
  if (!isWhole && type !== 'OversizedConfigurationItemChangeNotification')
    throw invalidEvent(`unknown message type ${quote(type)}`)
  const changed = field(invoking, isWhole ? 'configurationItem' : 'configurationItemSummary')
  const [resourceType, id] = [field(changed, 'resourceType'), field(changed, 'resourceId')]
  if (typeof resourceType !== 'string' || typeof id !== 'string') throw invalidEvent('the event names no resource')
  const orderedAt = timeOf(field(changed, 'configurationItemCaptureTime'))
  const item = { type: resourceType, id, ...poolsOf(resourceType, id, changed, invoking) }
  if (event.eventLeftScope === true)
    return { resultToken, orderedAt, item: { ...item, pools: [], why: 'It is no longer in the scope of the rule.' } }
  return { resultToken, orderedAt, item }
}

function none(why: string): Pick<Item, 'pools' | 'why'> {
  return { pools: [], why }
}

function poolsOf(type: string, id: string, changed: unknown, invoking: unknown): Pick<Item, 'pools' | 'why'> {
  const status = field(changed, 'configurationItemStatus')
  const isDeleted = typeof status === 'string' && status.startsWith('ResourceDeleted')
  if (type === USER_POOL) return isDeleted ? none('The user pool is deleted.') : { pools: [id], why: '' }
  if (type !== GROUP) return none('The rule evaluates user pools, by themselves and by their groups.')
  // For a deleted group, the configuration before the deletion.
  const change = field(field(field(invoking, 'configurationItemDiff'), 'changedProperties'), 'Configuration')
  const pool = [field(changed, 'configuration'), field(change, 'previousValue')].map(one => field(one, 'UserPoolId'))
  const known = pool.find(one => typeof one === 'string')
  if (known !== undefined) return { pools: [known as string], why: '' }
  return none('The event does not say the user pool of the group: a scheduled run evaluates it.')
}

function notApplicable({ type, id, why }: Item, orderedAt: Date): Evaluation {
  return {
    ComplianceResourceType: type,
    ComplianceResourceId: id,
    ComplianceType: 'NOT_APPLICABLE',
    Annotation: annotation(why),
    OrderingTimestamp: orderedAt,
  }
}

/** @throws RolecastError `invalid-event` */
function timeOf(value: unknown): Date {
  const time = new Date(typeof value === 'string' ? value : NaN)
  if (!Number.isNaN(time.getTime())) return time
  throw new RolecastError(
    'invalid-event',
    `the event has ${quote(value)} in place of a time; let AWS Config invoke the function`,
  )
}

function annotation(text: string): string {
  return cut(escapeHidden(text), MAX_ANNOTATION)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
