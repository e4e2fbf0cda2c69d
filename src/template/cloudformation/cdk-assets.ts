import { posix } from 'node:path'
import { field, isRecord } from '../json-text.js'
import type { OpenFile } from '../reading.js'
import type { Address } from './template-addresses.js'

const TEMPLATE = /\.template\.json$/

/** Nested stacks of the CDK have templates of their own names. */
export const NESTED_TEMPLATE = /\.nested\.template\.json$/

/**
 * Finds the templates that the CDK uploads under a different name: the manifest in the folder of a stack's template
 * says which file of the cloud assembly an address stands for. The CDK CLI also writes that into the template, but
 * `app.synth()` does not.
 *
 * @see https://docs.aws.amazon.com/cdk/v2/guide/assets.html
 */
export function createAssetSearch(open: OpenFile) {
  const known = new Map<string, ReadonlyMap<string, string>>()

  /** @param stack the template of the outermost stack */
  return function search({ segments }: Address, stack: string): string | undefined {
    const name = segments.at(-1)
    if (name === undefined || !TEMPLATE.test(stack) || NESTED_TEMPLATE.test(stack)) return undefined
    const manifest = stack.replace(TEMPLATE, '.assets.json')
    const files = known.get(manifest) ?? filesOf(open(manifest) ?? '', posix.dirname(manifest))
    known.set(manifest, files)
    return files.get(name)
  }
}

/** By the name that each file gets when it is uploaded. */
function filesOf(text: string, folder: string): ReadonlyMap<string, string> {
  const assets = Object.values(recordOf(field(parse(text), 'files')))
  return new Map(
    assets.flatMap(asset => {
      const path = field(field(asset, 'source'), 'path')
      if (typeof path !== 'string') return []
      const file = posix.isAbsolute(path) ? posix.normalize(path) : posix.join(folder, path.replaceAll('\\', '/'))
      const keys = Object.values(recordOf(field(asset, 'destinations'))).map(one => field(one, 'objectKey'))
      return keys.flatMap(key => (typeof key === 'string' ? [[posix.basename(key), file] as const] : []))
    }),
  )
}

function recordOf(value: unknown): object {
  return isRecord(value) ? value : {}
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Then it is not known which file it is, and the stack is reported as not followed.
    return undefined
  }
}
