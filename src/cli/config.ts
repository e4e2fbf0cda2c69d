import { access } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as z from 'zod'
import { RULES } from '../rules/catalogue.js'
import { RolecastError, quote } from '../errors.js'
import { SEVERITIES } from '../severity.js'
import { FAIL_ON } from '../report/findings-report.js'
import type { ScopedSuppression } from '../rules/suppression-rules.js'
import { readJsonFile } from './json-file.js'
import { isNamedBy } from './find-files.js'
import { firstIssue, readAs } from '../cognito/api/schema.js'

/** The config file where --config is not given. */
export const CONFIG_FILE = 'rolecast.config.json'

const ruleId = z.enum(RULES.map(({ id }) => id)).describe('A rule; `rolecast explain` lists them.')
const path = z.string().min(1).describe('A file, or a folder and everything in it, relative to this file.')

/** Settings of `rolecast validate` for a project. Options of the command line come before them. */
const configShape = z.strictObject({
  $schema: z.string().optional(),
  failOn: z.enum(FAIL_ON).optional().describe('The severity from which on a finding fails the run. Default: error.'),
  only: z.array(ruleId).optional().describe('Run only these rules.'),
  ignore: z.array(ruleId).optional().describe('Rules not to run.'),
  enable: z.array(ruleId).optional().describe('Rules to run although they are off by default.'),
  severities: z
    .record(z.string().regex(/^COG\d{3}$/), z.enum(SEVERITIES))
    .optional()
    .describe('The severity of what a rule finds.'),
  strict: z
    .boolean()
    .optional()
    .describe('Also fail for what was not read or not followed, and for values that are unknown. Default: false.'),
  allowSkipped: z
    .boolean()
    .optional()
    .describe('Do not fail for files in folders that cannot be read. Default: false.'),
  varFiles: z.array(path).optional().describe("Terraform's files of variables; those of a later one win."),
  exclude: z.array(path).optional().describe('Files and folders to leave out when a folder is searched.'),
  baseline: path.optional().describe('A file that `rolecast validate --write-baseline FILE` wrote.'),
  suppressions: z
    .array(
      z.strictObject({
        rules: z.array(ruleId).min(1).describe('The rules whose findings are suppressed.'),
        reason: z.string().min(1).describe('Why; it is printed in the report.'),
        expires: z.iso.date().optional().describe('The day on which it stops applying, such as 2027-01-01.'),
        paths: z.array(path).min(1).optional().describe('Only findings in these files.'),
        pools: z
          .array(z.string())
          .min(1)
          .optional()
          .describe('Only findings about one of these pools, by the name that findings have.'),
        groups: z.array(z.string()).min(1).optional().describe('Only findings about no groups other than these.'),
      }),
    )
    .optional()
    .describe('Findings that are suppressed, because they are intended.'),
})

export type Config = z.infer<typeof configShape>

/** The schema that editors check a config file with. */
export function configSchema(): unknown {
  return { title: 'rolecast.config.json', ...z.toJSONSchema(configShape) }
}

export interface ReadConfig extends Omit<Config, 'suppressions' | 'varFiles'> {
  readonly exclude: string[]
  readonly varFiles: string[]
  readonly suppressions: readonly ScopedSuppression[]
}

/**
 * The config that was named, or `rolecast.config.json` where the command runs, if it is there. Paths in it are relative to it.
 *
 * @param named false: none at all
 * @throws RolecastError `invalid-input`
 */
export async function readConfig(named: string | boolean | undefined): Promise<ReadConfig> {
  const file = typeof named === 'string' ? named : CONFIG_FILE
  const isThere =
    named !== false &&
    (typeof named === 'string' ||
      (await access(file).then(
        () => true,
        () => false,
      )))
  if (!isThere) return { exclude: [], varFiles: [], suppressions: [] }
  const invalid = (what: string, cause?: unknown) =>
    new RolecastError(
      'invalid-input',
      `the config ${quote(file)} cannot be used: ${what}; its schema is docs/rolecast.config.schema.json in the package`,
      {
        value: file,
        cause,
      },
    )
  const content = await readJsonFile(file, invalid)
  const parsed = readAs(configShape, content)
  if (!parsed.success) throw invalid(firstIssue(parsed.error, content).note, parsed.error)
  const config = parsed.data
  const beside = (path: string) => join(dirname(file), path)
  return {
    ...config,
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
