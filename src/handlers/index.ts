export type { Finding } from '../rules/finding.js'
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
export { createHookHandler, type HookEvent, type HookHandlerOptions, type HookResponse } from './hook.js'
