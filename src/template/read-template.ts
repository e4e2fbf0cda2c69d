import { RolecastError, quote } from '../errors.js'
import type { Infrastructure } from '../rules/infrastructure.js'
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

/** How to read a text. */
export interface ReadTemplateOptions {
  /**
   * The format of the text.
   *
   * @default detected from the content; for HCL, from the end of the path
   */
  readonly format?: TemplateFormat | undefined
  /**
   * The path of the text, for locations and messages.
   *
   * @default '-'
   */
  readonly path?: string | undefined
}

/**
 * Reads a template, a plan or a preview of any format as data for `validateInfrastructure`.
 *
 * Not for what has several files, such as a Terraform module or an Amplify backend: `readProject` reads these.
 *
 * @throws RolecastError as a rejection: `invalid-input` for a text of no known format, or a malformed one, with its line where
 *   it is known; `invalid-option` for a format that does not exist
 * @example
 * import { readTemplate } from 'rolecast/template'
 *
 * const text = '{ "UserPoolId": "eu-west-1_Ab12Cd34e", "Groups": [{ "GroupName": "admins", "Precedence": 0 }] }'
 * const { format, groups } = await readTemplate(text)
 * console.log(format, groups.length) // user-pool 1
 */
export async function readTemplate(text: string, options: ReadTemplateOptions = {}): Promise<Infrastructure> {
  const { path = '-' } = options
  return readerOf(text, path, options.format).read(text, path)
}

/**
 * The same at once, for callers that cannot wait, such as a synthesis of the CDK.
 *
 * Not for Terraform source and programs of Amplify: their parsers are loaded when they are needed.
 *
 * @throws RolecastError as `readTemplate` does, and `invalid-option` for a text that only `readTemplate` reads
 * @example
 * import { readTemplateSync } from 'rolecast/template'
 *
 * const text = '{ "UserPoolId": "eu-west-1_Ab12Cd34e", "Groups": [{ "GroupName": "admins", "Precedence": 0 }] }'
 * console.log(readTemplateSync(text).groups.length) // 1
 */
export function readTemplateSync(text: string, options: ReadTemplateOptions = {}): Infrastructure {
  return readAtOnce(text, options, 'readTemplate')
}

/** @param instead the asynchronous function for what cannot be read at once */
export function readAtOnce(
  text: string,
  { format, path = '-' }: ReadTemplateOptions,
  instead: 'readTemplate' | 'readProject' | 'validateTemplate',
): Infrastructure {
  const reader = readerOf(text, path, format)
  if (reader.atOnce) return reader.read(text, path)
  const what = `${quote(path)} is of the format ${quote(reader.format)}, which cannot be read synchronously`
  throw new RolecastError('invalid-option', `${what}; use ${quote(instead)}`, { value: path })
}

type Read<Result> = (text: string, path: string) => Result

type Reader =
  | { readonly atOnce: true; readonly read: Read<Infrastructure> }
  /** Its parser is loaded when it is needed. */
  | { readonly atOnce: false; readonly read: Read<Promise<Infrastructure>> }

function readerOf(
  text: string,
  path: string,
  format: TemplateFormat | undefined,
): Reader & { readonly format: TemplateFormat } {
  const known = format ?? detectFormat(text, path)
  if (known === undefined) {
    const next = 'say which with the format, or check that it is a template'
    throw new RolecastError('invalid-input', `${quote(path)} is not in a known format; ${next}`, { value: path })
  }
  const reader = READERS.get(known)
  if (reader === undefined) {
    throw new RolecastError(
      'invalid-option',
      `unknown format ${quote(known)}; use one of ${[...READERS.keys()].join(', ')}`,
      { value: known },
    )
  }
  return { ...reader(text), format: known }
}

const atOnce = (read: Read<Infrastructure>) => (): Reader => ({ atOnce: true, read })
const later = (read: Read<Promise<Infrastructure>>) => (): Reader => ({ atOnce: false, read })

const READERS: ReadonlyMap<string, (text: string) => Reader> = new Map<TemplateFormat, (text: string) => Reader>([
  ['cloudformation', atOnce(readCloudFormation)],
  ['serverless', atOnce(readServerless)],
  ['terraform-plan', atOnce(readTerraformPlan)],
  [
    'terraform-source',
    later(async (text, path) => (await import('./terraform/source.js')).readTerraformSource(text, path)),
  ],
  ['pulumi-preview', atOnce(readPulumiPreview)],
  ['pulumi-stack', atOnce(readPulumiStack)],
  ['pulumi-yaml', atOnce(readPulumiProgram)],
  ['amplify', readerOfAmplify],
  ['user-pool', atOnce(readListedGroups)],
])

/** A list is Gen 1's, a mapping Gen 2's outputs, and all else a program. */
function readerOfAmplify(text: string): Reader {
  if (/^\s*\[/.test(text)) return { atOnce: true, read: readAmplifyGroupList }
  return /^\s*\{/.test(text) ? { atOnce: true, read: readAmplifyOutputs } : { atOnce: false, read: readAmplifyProgram }
}

async function readAmplifyProgram(text: string, path: string): Promise<Infrastructure> {
  return (await import('./amplify/backend.js')).readAmplifyBackend(text, path)
}
