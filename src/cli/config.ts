import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { RolecastError } from '../errors.js'
import type { ScopedSuppression } from '../rules/suppression-rules.js'
import type { Config } from './config-shape.js'
import { isNamedBy } from './find-files.js'
import { inputName } from './input-file.js'
import { readJsonFile } from './json-file.js'

/** The config file if --config is not given. */
export const CONFIG_FILE = 'rolecast.config.json'

export interface ReadConfig extends Omit<Config, 'suppressions' | 'varFiles'> {
  /** The path as it was given. */
  readonly file?: string | undefined
  readonly exclude: string[]
  readonly varFiles: string[]
  readonly suppressions: readonly ScopedSuppression[]
}

/**
 * The named config, or `rolecast.config.json` in the current folder, if it exists. Paths in it are relative to the
 * config file.
 *
 * @param named false: no config at all
 * @throws RolecastError `invalid-input`
 */
export async function readConfig(named: string | boolean | undefined, stdin: Readable): Promise<ReadConfig> {
  const file = typeof named === 'string' ? named : CONFIG_FILE
  const isThere = named !== false && (typeof named === 'string' || existsSync(file))
  if (!isThere) return { exclude: [], varFiles: [], suppressions: [] }
  const invalid = (what: string, cause?: unknown) =>
    new RolecastError(
      'invalid-input',
      `the config ${inputName(file)} cannot be used: ${what}; its schema is docs/schemas/rolecast.config.schema.json in the package`,
      {
        value: file,
        cause,
      },
    )
  const content = await readJsonFile(file, stdin, invalid)
  // Most runs have no config, and zod takes as long to load as all rules.
  const { configShape } = await import('./config-shape.js')
  const { firstIssue, readAs } = await import('../cognito/api/schema.js')
  const parsed = readAs(configShape, content)
  if (!parsed.success) throw invalid(firstIssue(parsed.error, content, configShape).note, parsed.error)
  const config = parsed.data
  const beside = (path: string) => join(dirname(file), path)
  return {
    ...config,
    file: inputName(file),
    exclude: (config.exclude ?? []).map(beside),
    varFiles: (config.varFiles ?? []).map(beside),
    ...(config.baseline !== undefined && { baseline: beside(config.baseline) }),
    suppressions: (config.suppressions ?? []).map(({ rules, reason, expires, paths, pools, groups }) => ({
      rules,
      reason,
      expires,
      location: { path: file, construct: reason },
      covers: ({ location, pool, groups: found }) =>
        (paths === undefined || paths.some(one => isNamedBy(location.path, beside(one)))) &&
        (pools === undefined || pools.includes(pool)) &&
        (groups === undefined || (found.length > 0 && found.every(name => groups.includes(name)))),
    })),
  }
}
