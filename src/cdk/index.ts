export type { ValidateOptions } from '../rules/validate.js'
export type { Severity } from '../severity.js'
export { RolecastPlugin, type RolecastPluginOptions } from './plugin.js'
