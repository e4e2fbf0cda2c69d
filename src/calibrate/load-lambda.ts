import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { RolecastError } from '../errors.js'

const PACKAGE = '@aws-sdk/client-lambda'

/**
 * Loads the SDK's client of Lambda, an optional peer that only `--pre-token` needs: from where rolecast is installed,
 * or from the working directory, because a global installation and npx do not see a project's packages.
 *
 * @throws RolecastError `missing-package`
 */
export async function loadLambda(
  load: () => Promise<object> = () => import('@aws-sdk/client-lambda'),
  folder = resolve(),
): Promise<object> {
  try {
    return exportsOf(await load())
  } catch (cause) {
    const found = resolveIn(folder)
    if (found === undefined) throw missing(cause)
    return importFile(found)
  }
}

function resolveIn(folder: string): string | undefined {
  try {
    return createRequire(join(folder, 'index.js')).resolve(PACKAGE)
  } catch {
    return undefined
  }
}

async function importFile(path: string): Promise<object> {
  try {
    return exportsOf((await import(pathToFileURL(path).href)) as object)
  } catch (cause) {
    throw missing(cause)
  }
}

/** Of a CommonJS package that a bundler has split off, only `default` is there. */
function exportsOf(loaded: object): object {
  const { default: all } = loaded as { readonly default?: object }
  return all ?? loaded
}

function missing(cause: unknown): RolecastError {
  return new RolecastError(
    'missing-package',
    'the probes of the pre token generation trigger need `@aws-sdk/client-lambda`, which could not be loaded; run `npx -p rolecast -p @aws-sdk/client-lambda rolecast calibrate --pre-token`, or install the package in the working directory',
    { value: PACKAGE, cause },
  )
}
