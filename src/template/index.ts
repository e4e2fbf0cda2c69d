import { RolecastError, quote } from '../errors.js'
import type { Finding } from '../rules/finding.js'
import type { Infrastructure } from '../rules/infrastructure.js'
import { validateAll, type ValidateOptions } from '../rules/validate.js'
import { readAmplifyOutputs, readAmplifyPrecedence } from './amplify.js'
import { readCloudFormation } from './cloudformation/resources.js'
import { detectFormat } from './detect.js'
import type { TemplateFormat } from './formats.js'
import { mergeInfrastructures } from './merge.js'
import { readPulumiPreview } from './terraform/pulumi.js'
import { readServerless } from './cloudformation/serverless.js'
import { readTerraformPlan } from './terraform/plan.js'
import { readTerraformModule, readTerraformSource, type TerraformFile } from './terraform/source.js'

export { detectFormat } from './detect.js'
export { TEMPLATE_FORMATS, type TemplateFormat } from './formats.js'
export type { Finding, Severity } from '../rules/finding.js'
export type * from '../rules/infrastructure.js'
export type { ValidateOptions } from '../rules/validate.js'
export { mergeInfrastructures, readTerraformModule, type TerraformFile }

export interface ReadTemplateOptions {
  /** Default: told by the content, and for HCL by the end of the path. */
  readonly format?: TemplateFormat | undefined
  /** For locations and messages. Default `-`. */
  readonly path?: string | undefined
}

/**
 * Reads a template, a plan or a preview of any format as data for `validateInfrastructure`.
 *
 * Not for what has several files: a Terraform module (`readTerraformModule`), an Amplify backend (`mergeInfrastructures`).
 *
 * @throws RolecastError as a rejection: `invalid-input` for a text of no known format, or a malformed one, with its line where
 *   it is known; `invalid-option` for a format that does not exist; `missing-package` for HCL without `@cdktf/hcl2json`
 */
export async function readTemplate(
  text: string,
  { format, path = '-' }: ReadTemplateOptions = {},
): Promise<Infrastructure> {
  const known = format ?? detectFormat(text, path)
  if (known === undefined) {
    const next = 'say which with the format, or check that it is a template'
    throw new RolecastError('invalid-input', `${quote(path)} is not in a known format; ${next}`, { value: path })
  }
  const read = READERS.get(known)
  if (read === undefined) {
    throw new RolecastError(
      'invalid-option',
      `unknown format ${quote(known)}; use one of ${[...READERS.keys()].join(', ')}`,
      { value: known },
    )
  }
  return read(text, path)
}

const READERS: ReadonlyMap<string, (text: string, path: string) => Infrastructure | Promise<Infrastructure>> = new Map<
  TemplateFormat,
  (text: string, path: string) => Infrastructure | Promise<Infrastructure>
>([
  ['cloudformation', readCloudFormation],
  ['serverless', readServerless],
  ['terraform-plan', readTerraformPlan],
  ['terraform-source', readTerraformSource],
  ['pulumi-preview', readPulumiPreview],
  ['amplify', (text, path) => (/^\s*\[/.test(text) ? readAmplifyPrecedence : readAmplifyOutputs)(text, path)],
])

export interface ValidateTemplateOptions extends ReadTemplateOptions, ValidateOptions {
  /** Milliseconds since the epoch, for suppressions that expire. Default: the clock's. */
  readonly now?: number | undefined
}

/**
 * Finds what is wrong with the groups and roles of one template. A finding that a comment suppresses is found too, and has
 * `suppressed`; what is wrong with such comments is found as well.
 *
 * @returns by location, then by rule
 * @throws RolecastError as a rejection, see `readTemplate`; `invalid-option` for a rule that does not exist
 */
export async function validateTemplate(
  text: string,
  { format, path, now = Date.now(), ...options }: ValidateTemplateOptions = {},
): Promise<readonly Finding[]> {
  const infrastructure = await readTemplate(text, { format, path })
  return validateAll([infrastructure], { ...options, today: new Date(now).toISOString().slice(0, 10) })
}
