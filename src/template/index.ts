import type { Finding } from '../rules/finding.js'
import { validateAll, type ValidateOptions } from '../rules/validate.js'
import { readAtOnce, readTemplate, type ReadTemplateOptions } from './read-template.js'

export { detectFormat } from './detect.js'
export { TEMPLATE_FORMATS, type TemplateFormat } from './formats.js'
export type { Finding } from '../rules/finding.js'
export type { Severity } from '../severity.js'
export type * from '../rules/infrastructure.js'
export type { ValidateOptions } from '../rules/validate.js'
export type { TextSource } from './json-text.js'
export { mergeInfrastructures } from './merge.js'
export { type ProjectFile, type ProjectOptions, readProject } from './project.js'
export { readProjectSync } from './project-sync.js'
export { readTemplate, type ReadTemplateOptions, readTemplateSync } from './read-template.js'
export type { OpenFile, Reading, ReadingFailure, SourceFile } from './reading.js'
export type { HclParser } from './terraform/hcl-parser.js'
export { readTerraformModule } from './terraform/module.js'
export type { TerraformFile, TerraformSourceOptions } from './terraform/source.js'

/** The options of `validateTemplate`. */
export interface ValidateTemplateOptions extends ReadTemplateOptions, ValidateOptions {
  /**
   * Milliseconds since the epoch, for suppressions that expire.
   *
   * @default Date.now()
   */
  readonly now?: number | undefined
}

/**
 * Finds what is wrong with the groups and roles of one template. A finding that a comment suppresses is returned too,
 * with `suppressed`. Faulty suppressions are findings as well.
 *
 * @param text the content of the file
 * @param options what the text is, and which rules run
 * @returns by location, then by rule
 * @throws RolecastError as a rejection, see `readTemplate`; `invalid-option` for a rule that does not exist
 * @example
 * import { readFile } from 'node:fs/promises'
 * import { validateTemplate } from 'rolecast/template'
 *
 * const path = 'template.yaml'
 * for (const { ruleId, message, location } of await validateTemplate(await readFile(path, 'utf8'), { path }))
 *   console.log(`${location.path}:${location.line} ${ruleId} ${message}`)
 */
export async function validateTemplate(
  text: string,
  { format, path, now, ...options }: ValidateTemplateOptions = {},
): Promise<readonly Finding[]> {
  return validateAll([await readTemplate(text, { format, path })], { ...options, today: dayOf(now) })
}

/**
 * The same at once, for callers that cannot wait: CloudFormation, SAM and the CDK's output, Serverless, plans and
 * previews, lists of groups.
 *
 * Not for Terraform source and programs of Amplify, whose parsers are loaded when they are needed; and not for several
 * stacks of one app: `readProjectSync` reads these together.
 *
 * @param text the content of the file
 * @param options what the text is, and which rules run
 * @returns as `validateTemplate`
 * @throws RolecastError as `validateTemplate` does, and `invalid-option` for a text that only `validateTemplate` reads
 * @example
 * import { validateTemplateSync } from 'rolecast/template'
 *
 * const group = { GroupName: 'admins', RoleArn: 'arn:aws:iam::111122223333:role/Admin' }
 * const text = JSON.stringify({ UserPoolId: 'eu-west-1_Ab12Cd34e', Groups: [group] })
 * console.log(validateTemplateSync(text).map(({ ruleId, severity }) => `${ruleId} ${severity}`)) // [ 'COG103 warning' ]
 */
export function validateTemplateSync(
  text: string,
  { format, path, now, ...options }: ValidateTemplateOptions = {},
): readonly Finding[] {
  return validateAll([readAtOnce(text, { format, path }, 'validateTemplate')], { ...options, today: dayOf(now) })
}

function dayOf(now = Date.now()): string {
  return new Date(now).toISOString().slice(0, 10)
}
