export type { Finding } from '../rules/finding.js'
export type { Location } from '../rules/infrastructure.js'
export type { ValidateOptions } from '../rules/validate.js'
export type { FailOn, Severity } from '../severity.js'
export {
  type ConfigRuleEvent,
  type ConfigRuleHandlerOptions,
  createConfigRuleHandler,
  type Evaluation,
  type ListedGroups,
  type PutEvaluationsInput,
} from './config-rule.js'
export type { HandlerOptions } from './handler-options.js'
export { createHookHandler, type HookEvent, type HookHandlerOptions, type HookResponse } from './hook.js'
export type { Fetch } from './hook-payload.js'
