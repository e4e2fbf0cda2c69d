import { RolecastError, quote } from '../errors.js'
import type { Infrastructure } from '../rules/infrastructure.js'
import { readAmplifyBackend } from './amplify/backend.js'
import { readAmplifyGroupList } from './amplify/group-list.js'
import { readAmplifyOutputs } from './amplify/outputs.js'
import { readCloudFormation } from './cloudformation/resources.js'
import { readServerless } from './cloudformation/serverless.js'
import { detectFormat } from './detect.js'
import type { TemplateFormat } from './formats.js'
import { readListedGroups } from './list-groups.js'
import { readPulumiProgram } from './pulumi/program.js'
import { readPulumiPreview, readPulumiStack } from './pulumi/states.js'
import { readTerraformPlan } from './terraform/plan.js'
import { readTerraformSource } from './terraform/source.js'

export interface ReadTemplateOptions {
  /** Default: told by the content, and for HCL by the end of the path. */
  readonly format?: TemplateFormat | undefined
  /** For locations and messages. Default `-`. */
  readonly path?: string | undefined
}

/**
 * Reads a template, a plan or a preview of any format as data for `validateInfrastructure`.
 *
 * Not for what has several files, such as a Terraform module or an Amplify backend: `readProject` reads these.
 *
 * @throws RolecastError as a rejection: `invalid-input` for a text of no known format, or a malformed one, with its line where
 *   it is known; `invalid-option` for a format that does not exist
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
  ['pulumi-stack', readPulumiStack],
  ['pulumi-yaml', readPulumiProgram],
  ['amplify', readAmplify],
  ['user-pool', readListedGroups],
])

/** A list is Gen 1's, a mapping Gen 2's outputs, and all else a program. */
function readAmplify(text: string, path: string): Infrastructure | Promise<Infrastructure> {
  if (/^\s*\[/.test(text)) return readAmplifyGroupList(text, path)
  return /^\s*\{/.test(text) ? readAmplifyOutputs(text, path) : readAmplifyBackend(text, path)
}
