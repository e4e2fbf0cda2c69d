import { describe, expect, test } from 'vitest'
import type { Group } from '../../src/group.js'
import { RULES } from '../../src/rules/catalogue.js'
import { compareWithPool } from '../../src/rules/compare-with-pool.js'
import { DEPLOYMENT_RULES } from '../../src/rules/deployment-rules.js'
import { fromPool } from '../../src/rules/live-pool.js'
import type { Example } from '../../src/rules/rule.js'
import { mergeInfrastructures, readTemplate, validateTemplate } from '../../src/template/index.js'
import type { TemplateFormat } from '../../src/template/index.js'
import { validateAll } from '../../src/rules/validate.js'

const FORMATS: Readonly<Record<Example['language'], TemplateFormat | undefined>> = {
  yaml: 'cloudformation',
  hcl: 'terraform-source',
  json: undefined,
}
const today = '2026-11-28'

/** The ids of the rules that find something in a file, each once. Rules that are off by default run too. */
type Run = (example: Example) => Promise<readonly string[]>

const ids = (findings: readonly { readonly ruleId: string; readonly suppressed?: unknown }[]) =>
  [...new Set(findings.filter(({ suppressed }) => suppressed === undefined).map(({ ruleId }) => ruleId))].toSorted()

/** The pool that an example's groups are in and that it leaves out, since every example has the same. */
function withPool({ language, text }: Example): string {
  if (language === 'hcl' && text.includes('aws_cognito_user_pool.main'))
    return `${text}\nresource "aws_cognito_user_pool" "main" {\n  name = "main"\n}\n`
  if (language === 'yaml' && text.includes('!Ref Pool') && !/^ {2}Pool:/m.test(text))
    return text.replace(/^Resources:$/m, '$&\n  Pool: { Type: AWS::Cognito::UserPool }')
  return text
}

const alone: Run = async example => {
  const { language } = example
  return ids(
    await validateTemplate(withPool(example), {
      format: FORMATS[language],
      enable: ['COG105'],
      now: Date.parse(today),
    }),
  )
}

/** The pool that deployments are compared with in the examples. */
const LIVE: readonly Group[] = [{ groupName: 'admins', precedence: 1, roleArn: 'arn:aws:iam::111122223333:role/Admin' }]

const againstPool: Run = async ({ text }) => {
  const infrastructure = await readTemplate(text, { format: 'cloudformation' })
  const poolId = (infrastructure.groups[0]?.pool ?? infrastructure.pools[0]?.id)!
  return ids(compareWithPool(infrastructure, poolId, { groups: LIVE }).findings())
}

/** The example is a line of a memberships file. */
const memberships: Run = async ({ text }) => {
  const comparison = compareWithPool(fromPool({ userPoolId: 'pool', groups: LIVE }), 'pool', { groups: LIVE })
  comparison.add(JSON.parse(text) as { readonly username: string; readonly groups: readonly string[] })
  return ids(comparison.findings())
}

/** The example is Amplify's list of groups, beside this template. */
const besideTemplate: Run = async ({ text }) => {
  const template = `Resources:
  admins: { Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1 } }`
  const read = [
    await readTemplate(template, { format: 'cloudformation', path: 'template.yaml' }),
    await readTemplate(text, { path: 'user-pool-group-precedence.json' }),
  ]
  return ids(validateAll(mergeInfrastructures(read), { today }))
}

const RUNS: ReadonlyMap<string, Run> = new Map([
  ...DEPLOYMENT_RULES.map(({ id }) => [id, againstPool] as const),
  ['COG175', memberships],
  ['COG140', besideTemplate],
])

/** What else is found in what a rule says to avoid, and why it cannot be left out. */
const ALSO: ReadonlyMap<string, readonly string[]> = new Map([
  // It is the tie that the identity pool denies.
  ['COG133', ['COG101']],
  // It is the tie that the user is in.
  ['COG161', ['COG101']],
  // A suppression that does not count leaves what it is about.
  ['COG191', ['COG103']],
  ['COG192', ['COG103']],
])

/** They name a pool by its ID, which no file defines. */
const POOL_ELSEWHERE: ReadonlySet<string> = new Set(['COG111', 'COG160'])

describe('the examples of each rule', () => {
  test.each(RULES)('$id: what to avoid is found, by this rule alone; what to prefer is not', async rule => {
    const run = RUNS.get(rule.id) ?? alone
    const elsewhere = POOL_ELSEWHERE.has(rule.id) ? ['COG190'] : []
    expect(await run(rule.avoid)).toEqual([rule.id, ...(ALSO.get(rule.id) ?? []), ...elsewhere].toSorted())
    expect(await run(rule.prefer)).toEqual(elsewhere)
  })
})
