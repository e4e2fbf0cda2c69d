import * as z from 'zod/mini'
import { FAIL_ON } from '../report/findings-report.js'
import { RULES } from '../rules/catalogue.js'
import { SEVERITIES } from '../severity.js'

const described = <T extends z.ZodMiniType>(shape: T, text: string) => shape.check(z.describe(text))

const ruleId = described(z.enum(RULES.map(({ id }) => id)), 'A rule; `rolecast explain` lists them.')
const someText = z.string().check(z.minLength(1))
const path = described(someText, 'A file, or a folder and everything in it, relative to this file.')

const suppression = z.strictObject({
  rules: described(z.array(ruleId).check(z.minLength(1)), 'The rules whose findings are suppressed.'),
  reason: described(someText, 'Why; it is printed in the report.'),
  expires: described(z.optional(z.iso.date()), 'The day on which it stops applying, such as 2027-01-01.'),
  paths: described(z.optional(z.array(path).check(z.minLength(1))), 'Only findings in these files.'),
  pools: described(
    z.optional(z.array(z.string()).check(z.minLength(1))),
    'Only findings about one of these pools, by their names in findings.',
  ),
  groups: described(
    z.optional(z.array(z.string()).check(z.minLength(1))),
    'Only findings about no groups other than these.',
  ),
})

/**
 * Settings of `rolecast validate` for a project. Options of the command line override them. `npm run docs:generate`
 * writes it as a JSON Schema, which editors check a config file with.
 */
export const configShape = z.strictObject({
  $schema: z.optional(z.string()),
  failOn: described(
    z.optional(z.enum(FAIL_ON)),
    'The lowest severity at which a finding fails the run. Default: error.',
  ),
  only: described(z.optional(z.array(ruleId)), 'Run only these rules.'),
  ignore: described(z.optional(z.array(ruleId)), 'Rules not to run.'),
  enable: described(z.optional(z.array(ruleId)), 'Rules to run although they are off by default.'),
  severities: described(
    z.optional(z.record(z.string().check(z.regex(/^COG\d{3}$/)), z.enum(SEVERITIES))),
    "The severity of a rule's findings.",
  ),
  strict: described(
    z.optional(z.boolean()),
    'Also fail for what was not read or not followed, and for values that are unknown. Default: false.',
  ),
  allowSkipped: described(
    z.optional(z.boolean()),
    'Do not fail for files in folders that cannot be read. Default: false.',
  ),
  varFiles: described(z.optional(z.array(path)), "Terraform's variable files; later files override earlier ones."),
  exclude: described(z.optional(z.array(path)), 'Files and folders to leave out when a folder is searched.'),
  baseline: described(z.optional(path), 'A file that `rolecast validate --write-baseline FILE` wrote.'),
  suppressions: described(z.optional(z.array(suppression)), 'Findings that are suppressed, because they are intended.'),
})

export type Config = z.infer<typeof configShape>

/**
 * A finding is identified by its file and its key, which stays the same when lines move. Paths are relative to the
 * baseline.
 */
export const baselineShape = z.strictObject({
  version: z.literal(1),
  findings: z.array(z.strictObject({ path: z.string(), key: z.string() })),
})

export type Baseline = z.infer<typeof baselineShape>
