import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import {
  App,
  aws_cognito as cognito,
  aws_iam as iam,
  CfnStack,
  type IPolicyValidationContext,
  type IPolicyValidationPlugin,
  NestedStack,
  Stack,
  Stage,
  Validations,
} from 'aws-cdk-lib'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RolecastPlugin, type RolecastPluginOptions } from '../../src/cdk/index.js'
import { validateInfrastructure } from '../../src/rules/validate.js'
import { readProject } from '../../src/template/index.js'
import { errorOf } from '../failure-of.js'
import { Identity, resourceOf, rulesOf, synthesise } from './apps.js'

const validated = (build: (app: App) => void, options?: RolecastPluginOptions) =>
  synthesise(build, new RolecastPlugin(options))

function clean(app: App): void {
  const auth = new Identity(app, 'Auth')
  auth.group(auth, 'Admins', 1)
  auth.group(auth, 'Staff', 2)
}

function tie(app: App): void {
  const auth = new Identity(app, 'Auth')
  auth.group(auth, 'Admins', 1)
  auth.group(auth, 'Staff', 1)
}

function importedPool(app: App): void {
  const stack = new Stack(app, 'Imported')
  const userPool = cognito.UserPool.fromUserPoolId(stack, 'Pool', 'eu-west-1_Ab12Cd34e')
  addGroup(stack, { userPool })
}

function addGroup(scope: Stack, props: Pick<cognito.UserPoolGroupProps, 'userPool' | 'role'>): cognito.UserPoolGroup {
  return new cognito.UserPoolGroup(scope, 'Admins', { groupName: 'admins', precedence: 1, ...props })
}

function nest(scope: Stack, templateUrl: string): CfnStack {
  return new CfnStack(scope, 'Nested', { templateUrl })
}

/** It damages the templates whose names match, before the plugins after it read them. */
function damage(name: RegExp, harm: (path: string) => void): IPolicyValidationPlugin {
  return {
    name: 'damage',
    validate: ({ templatePaths }) => {
      for (const path of templatePaths) if (name.test(basename(path))) harm(path)
      return { success: true, violations: [] }
    },
  }
}

describe('what fails a synthesis', () => {
  test('an app without findings passes, and nothing is printed', () => {
    const { passed, text, violations } = validated(clean)
    expect({ passed, text, violations }).toEqual({ passed: true, text: '', violations: [] })
  })

  test('a tie fails it: rule, message, fix, severity, and every group with its template, logical id and construct', () => {
    const { passed, text, violations } = validated(tie)
    expect(passed).toBe(false)
    expect(violations).toHaveLength(1)
    const [violation] = violations
    expect(violation).toMatchObject({ ruleName: 'COG101', severity: 'error' })
    expect(violation!.description).toMatch(
      /^`admins` .* and `staff` .* have precedence 1 and different roles\. .*identity pool/,
    )
    expect(violation!.suggestedFix).toMatch(/^Give each group a different precedence/)
    expect(violation!.ruleMetadata).toEqual({
      rule: 'tie-different-roles',
      severity: 'error',
      acknowledge: 'rolecast::COG101',
      explain: 'npx rolecast explain COG101',
    })
    expect(violation!.violatingConstructs).toMatchObject([
      {
        constructPath: 'Auth/Admins/Resource',
        cloudFormationResource: { templatePath: 'Auth.template.json', logicalId: expect.stringMatching(/^Admins\w+$/) },
      },
      {
        constructPath: 'Auth/Staff/Resource',
        cloudFormationResource: { templatePath: 'Auth.template.json', logicalId: expect.stringMatching(/^Staff\w+$/) },
      },
    ])
    expect(text).toContain("Acknowledge with 'rolecast::COG101'")
    expect(text, 'the line of the program').toMatch(/apps\.ts:\d+/)
  })

  test('a tie of three stacks, one of them nested, is one finding', () => {
    const { passed, violations } = validated(app => {
      const auth = new Identity(app, 'Auth')
      auth.group(auth, 'Admins', 1)
      const ops = new Stack(app, 'Ops')
      auth.group(ops, 'Ops', 1)
      auth.group(new NestedStack(ops, 'Inner'), 'Deep', 1)
    })
    expect(passed).toBe(false)
    expect(violations).toHaveLength(1)
    expect(
      violations[0]!.violatingConstructs.map(({ constructPath, cloudFormationResource }) => [
        constructPath,
        cloudFormationResource?.templatePath,
      ]),
    ).toEqual([
      ['Auth/Admins/Resource', 'Auth.template.json'],
      ['Ops/Inner/Deep/Resource', expect.stringMatching(/^OpsInner\w+\.nested\.template\.json$/)],
      ['Ops/Ops/Resource', 'Ops.template.json'],
    ])
  })

  test('a nested stack in a nested one is read, and once only where all files of the assembly are given', async () => {
    const { outdir, violations } = validated(app => {
      const auth = new Identity(app, 'Auth')
      auth.group(auth, 'Admins', 1)
      auth.group(new NestedStack(new NestedStack(auth, 'Inner'), 'Inmost'), 'Deep', 1)
    })
    expect(violations).toMatchObject([{ ruleName: 'COG101' }])
    expect(violations[0]!.violatingConstructs[1]!.constructPath).toBe('Auth/Inner/Inmost/Deep/Resource')
    const read = (path: string) => readFileSync(join(outdir, path), 'utf8')
    const files = readdirSync(outdir).filter(path => path.endsWith('.template.json'))
    expect(files).toHaveLength(3)
    const { infrastructures } = await readProject(
      files.map(path => ({ path, text: read(path), format: 'cloudformation' })),
      { open: path => (existsSync(join(outdir, path)) ? read(path) : undefined) },
    )
    expect(infrastructures.map(({ groups, notFollowed }) => [groups.length, notFollowed.length])).toEqual([[2, 0]])
  })

  test('the same stacks in two stages are two apps: a tie in one of them is found there, and they are not mixed', () => {
    const { violations } = validated(app => {
      for (const [name, rank] of [
        ['Dev', 1],
        ['Prod', 2],
      ] as const) {
        const stage = new Stage(app, name)
        const auth = new Identity(stage, 'Auth', { stackName: 'auth' })
        auth.group(auth, 'Admins', 1)
        const ops = new Stack(stage, 'Ops', { stackName: 'ops' })
        auth.group(ops, 'Ops', rank)
      }
    })
    expect(violations).toHaveLength(1)
    expect(violations[0]!.violatingConstructs.map(({ constructPath }) => constructPath)).toEqual([
      'Dev/Auth/Admins/Resource',
      'Dev/Ops/Ops/Resource',
    ])
  })

  test('groups of two user pools never meet', () => {
    const { passed } = validated(app => {
      for (const name of ['One', 'Two']) {
        const auth = new Identity(app, name)
        auth.group(auth, 'Admins', 1)
      }
    })
    expect(passed).toBe(true)
  })

  test('a plugin of a stage sees the stacks of the stage, and no others', () => {
    const { passed, violations } = synthesise(app => {
      tie(app)
      const stage = new Stage(app, 'Prod')
      const auth = new Identity(stage, 'Auth')
      auth.group(auth, 'Admins', 1)
      auth.group(auth, 'Staff')
      Validations.of(stage).addPlugins(new RolecastPlugin())
    })
    expect(passed).toBe(true)
    expect(violations.flatMap(one => one.violatingConstructs.map(({ constructPath }) => constructPath))).toEqual(
      expect.arrayContaining(['Prod/Auth/Staff/Resource']),
    )
    expect(rulesOf(violations)).not.toContain('COG101')
  })

  test('a trust policy is checked against the identity pool of another stack', () => {
    const { passed, violations } = validated(app => {
      const auth = new Identity(app, 'Auth')
      const roles = new Stack(app, 'Roles')
      const assumedBy = new iam.ServicePrincipal('lambda.amazonaws.com')
      const { pool: userPool } = auth
      const role = new iam.Role(roles, 'Function', { assumedBy })
      addGroup(roles, { userPool, role })
    })
    expect(passed).toBe(false)
    const trust = violations.filter(({ severity }) => severity === 'error')
    expect(trust.flatMap(one => one.violatingConstructs.map(({ constructPath }) => constructPath))).toContain(
      'Roles/Function/Resource',
    )
  })

  test('a warning is shown and passes; with failOn `warning` it fails; with failOn `never` an error passes', () => {
    const withoutPrecedence = (app: App) => {
      const auth = new Identity(app, 'Auth')
      auth.group(auth, 'Admins')
    }
    const lenient = validated(withoutPrecedence)
    expect(lenient.passed).toBe(true)
    expect(lenient.violations).toMatchObject([{ ruleName: 'COG103', severity: 'warning' }])
    expect(lenient.text).toContain('WARNING `admins` has a role and no precedence.')
    expect(validated(withoutPrecedence, { failOn: 'warning' })).toMatchObject({
      passed: false,
      violations: [{ severity: 'error', ruleMetadata: { severity: 'warning' } }],
    })
    expect(validated(tie, { failOn: 'never' })).toMatchObject({ passed: true, violations: [{ severity: 'warning' }] })
  })

  test('notes alone never fail it, and are shown', () => {
    const { passed, violations, text } = validated(importedPool, { failOn: 'warning' })
    expect(passed).toBe(true)
    expect(violations).toMatchObject([{ ruleName: 'COG190', severity: 'info' }])
    expect(text).toContain('INFO No file that was read defines the user pool `eu-west-1_Ab12Cd34e`')
  })

  test('rules are chosen as in the library', () => {
    expect(validated(tie, { ignore: ['COG101'] }).passed).toBe(true)
    expect(validated(tie, { only: ['COG190'] }).passed).toBe(true)
    expect(validated(tie, { severities: { COG101: 'warning' } }).passed).toBe(true)
    expect(validated(importedPool, { severities: { COG190: 'error' } }).passed).toBe(false)
  })

  test('wrong options fail where they are given', () => {
    const messages = [
      { ignore: ['COG999'] },
      { failOn: 'note' as 'never' },
      { failOn: 'always' as 'never' },
      { faillOn: 'error' } as RolecastPluginOptions,
      { now: NaN },
    ].map(options => {
      const { code, message } = errorOf(() => new RolecastPlugin(options))
      expect(code).toBe('invalid-option')
      return message
    })
    expect(messages).toEqual([
      'unknown rule `COG999`; run `rolecast explain` to list the rules',
      '`failOn` cannot be `note`; a note never fails a synthesis',
      '`failOn` cannot be `always`; use one of error, warning, never',
      'unknown key `faillOn` in the options; did you mean `failOn`?',
      '`now` is `NaN`; give milliseconds since the epoch',
    ])
  })
})

describe('logical ids', () => {
  test('those that the app gives itself are named, also where two stacks have the same one', () => {
    const { violations } = validated(app => {
      const auth = new Identity(app, 'Auth')
      resourceOf(auth.group(auth, 'Admins', 1)).overrideLogicalId('TheGroup')
      const ops = new Stack(app, 'Ops')
      resourceOf(auth.group(ops, 'Ops', 1)).overrideLogicalId('TheGroup')
    })
    expect(
      violations[0]!.violatingConstructs.map(({ constructPath, cloudFormationResource }) => ({
        constructPath,
        ...cloudFormationResource,
      })),
    ).toEqual([
      { constructPath: 'Auth/Admins/Resource', templatePath: 'Auth.template.json', logicalId: 'TheGroup' },
      { constructPath: 'Ops/Ops/Resource', templatePath: 'Ops.template.json', logicalId: 'TheGroup' },
    ])
  })

  test('with construct paths in the metadata of the templates, as the command line of the CDK puts them, they are the same', () => {
    const withPaths = validated(app => {
      app.node.setContext('aws:cdk:enable-path-metadata', true)
      importedPool(app)
    })
    const resources = [withPaths, validated(importedPool)].map(({ violations }) =>
      violations.flatMap(({ violatingConstructs }) => violatingConstructs.map(one => ({ ...one, stackTraces: [] }))),
    )
    expect(resources[0]).toEqual(resources[1])
    expect(resources[0]).toMatchObject([
      { cloudFormationResource: { logicalId: expect.stringMatching(/^Admins\w+$/) } },
    ])
  })
})

describe('acknowledgements', () => {
  test('one at the app covers all of a rule, and its reason is in the report', () => {
    const { passed, violations, suppressed } = validated(app => {
      tie(app)
      Validations.of(app).acknowledge({ id: 'rolecast::COG101', reason: 'No user is in both.' })
    })
    expect({ passed, violations }).toEqual({ passed: true, violations: [] })
    expect(suppressed).toMatchObject([{ acknowledgedId: 'rolecast::COG101', reason: 'No user is in both.' }])
  })

  test('it is not in the templates: whatever reads these still has the finding', async () => {
    const { outdir, passed } = validated(app => {
      tie(app)
      Validations.of(app).acknowledge({ id: 'rolecast::COG101', reason: 'No user is in both.' })
    })
    const files = readdirSync(outdir).filter(path => path.endsWith('.template.json'))
    const { infrastructures } = await readProject(
      files.map(path => ({ path, text: readFileSync(join(outdir, path), 'utf8'), format: 'cloudformation' })),
    )
    const found = infrastructures.flatMap(one => validateInfrastructure(one))
    expect(passed).toBe(true)
    expect(found.map(({ ruleId, suppressed }) => [ruleId, suppressed])).toContainEqual(['COG101', undefined])
  })

  test('one at a stack covers what is in that stack: the rest of a tie stays', () => {
    const { passed, violations } = validated(app => {
      const auth = new Identity(app, 'Auth')
      auth.group(auth, 'Admins', 1)
      const ops = new Stack(app, 'Ops')
      auth.group(ops, 'Ops', 1)
      Validations.of(ops).acknowledge({ id: 'rolecast::COG101', reason: 'No user is in both.' })
    })
    expect(passed).toBe(false)
    expect(violations.flatMap(one => one.violatingConstructs.map(({ constructPath }) => constructPath))).toEqual([
      'Auth/Admins/Resource',
    ])
  })

  test('one of another rule covers nothing', () => {
    const { passed } = validated(app => {
      tie(app)
      Validations.of(app).acknowledge({ id: 'rolecast::COG103', reason: 'Another rule.' })
    })
    expect(passed).toBe(false)
  })

  test('with failOn `warning`, what is left of the warnings still fails it', () => {
    const twoWarnings = (app: App, acknowledged: number) => {
      const auth = new Identity(app, 'Auth')
      for (const group of [auth.group(auth, 'Admins'), auth.group(auth, 'Staff')].slice(0, acknowledged))
        Validations.of(group).acknowledge({ id: 'rolecast::COG103', reason: 'Known.' })
    }
    const passed = [0, 1, 2].map(
      count => validated(app => twoWarnings(app, count), { failOn: 'warning', only: ['COG103'] }).passed,
    )
    expect(passed).toEqual([false, false, true])
  })

  test('a finding about no resource is acknowledged at its stack', () => {
    const suppressNothing = (app: App) => {
      const auth = new Identity(app, 'Auth')
      auth.templateOptions.metadata = { rolecast: { ignore: [{ rules: ['COG101'], reason: 'Not needed.' }] } }
      return auth
    }
    const { violations } = validated(app => void suppressNothing(app))
    expect(violations).toMatchObject([{ ruleName: 'COG193', violatingConstructs: [{ constructPath: 'Auth' }] }])
    const acknowledged = validated(app => {
      Validations.of(suppressNothing(app)).acknowledge({ id: 'rolecast::COG193', reason: 'Soon needed.' })
    })
    expect(acknowledged).toMatchObject({ violations: [], suppressed: [{ reason: 'Soon needed.' }] })
  })

  test("suppressions of rolecast's own in the metadata of a resource count, with their reasons in the report", () => {
    const { passed, violations, metadata } = validated(app => {
      const auth = new Identity(app, 'Auth')
      const admins = auth.group(auth, 'Admins', 1)
      resourceOf(admins).addMetadata('rolecast', { ignore: [{ rules: ['COG101'], reason: 'No user is in both.' }] })
      auth.group(auth, 'Staff', 1)
      auth.group(auth, 'Guests')
    })
    expect(passed).toBe(true)
    expect(rulesOf(violations)).not.toContain('COG101')
    expect(metadata['suppressed']).toMatch(/^COG101 \(Admins\w+, Staff\w+\): No user is in both\.$/)
  })

  test('one that has expired does not count', () => {
    const expires = (now: string) =>
      validated(
        app => {
          const auth = new Identity(app, 'Auth')
          const ignore = [{ rules: ['COG101'], reason: 'Until the move.', expires: '2027-01-01' }]
          resourceOf(auth.group(auth, 'Admins', 1)).addMetadata('rolecast', { ignore })
          auth.group(auth, 'Staff', 1)
        },
        { now: Date.parse(now) },
      ).passed
    expect([expires('2026-12-31'), expires('2027-01-01')]).toEqual([true, false])
  })
})

describe('what cannot be read', () => {
  test.each([
    ['half of it', (path: string) => truncateSync(path, 300)],
    ['nothing at all', (path: string) => rmSync(path)],
  ])('a template of which there is %s fails the synthesis, and the other stacks are checked', (_, harm) => {
    const { passed, violations, text } = synthesise(
      app => {
        tie(app)
        const other = new Identity(app, 'Other')
        other.group(other, 'Admins', 1)
      },
      damage(/^Other\./, harm),
      new RolecastPlugin(),
    )
    expect(passed).toBe(false)
    expect(rulesOf(violations)).toEqual(['COG101', 'unreadable-template'])
    expect(violations.find(({ ruleName }) => ruleName !== 'COG101')).toMatchObject({
      severity: 'error',
      violatingConstructs: [{ constructPath: 'Other' }],
    })
    expect(text).toContain('ERROR A template was not looked at:')
  })

  test('it can be acknowledged, with a reason', () => {
    const { passed, suppressed } = synthesise(
      app => {
        const other = new Identity(app, 'Other')
        other.group(other, 'Admins', 1)
        Validations.of(other).acknowledge({ id: 'rolecast::unreadable-template', reason: 'Made elsewhere.' })
      },
      damage(/^Other\./, path => truncateSync(path, 300)),
      new RolecastPlugin(),
    )
    expect(passed).toBe(true)
    expect(suppressed).toMatchObject([{ reason: 'Made elsewhere.' }])
  })

  test('a nested stack whose template is gone is a finding', () => {
    const { violations } = synthesise(
      app => {
        const auth = new Identity(app, 'Auth')
        auth.group(auth, 'Admins', 1)
        auth.group(new NestedStack(auth, 'Inner'), 'Deep', 1)
      },
      damage(/^Auth\.template/, path => rmSync(join(path, '..', nestedTemplateIn(path)))),
      new RolecastPlugin(),
    )
    expect(violations).toMatchObject([{ ruleName: 'COG194', severity: 'warning' }])
    expect(violations[0]!.violatingConstructs[0]!.constructPath).toMatch(/^Auth\/Inner\.NestedStack\//)
  })

  test('a nested stack is read below the folder of the assembly only', () => {
    const group = '{ Type: AWS::Cognito::UserPoolGroup, Properties: { UserPoolId: a, GroupName: b, Precedence: -7 } }'
    const nests = (place: (outdir: string) => string) => {
      let written = ''
      const { violations } = validated(app => {
        written = place(app.outdir)
        writeFileSync(written, `Resources: { Secret: ${group} }`)
        const auth = new Identity(app, 'Auth')
        auth.group(auth, 'Admins', 1)
        nest(auth, relative(app.outdir, written))
      })
      rmSync(written)
      return violations
    }
    expect(nests(outdir => `${outdir}-secret.json`)).toMatchObject([{ ruleName: 'COG194' }])
    const below = nests(outdir => join(outdir, 'below.json'))
    expect(below.map(({ description }) => description).join(), 'control: below it, it is read').toContain('-7')
  })

  test('before version 2.258 the CDK gives no app: what is found is the same', () => {
    const { outdir, violations } = validated(app => {
      const auth = new Identity(app, 'Auth')
      auth.group(auth, 'Admins', 1)
      auth.group(new NestedStack(auth, 'Inner'), 'Deep', 1)
    })
    const context = { templatePaths: [join(outdir, 'Auth.template.json')] } as unknown as IPolicyValidationContext
    const report = new RolecastPlugin().validate(context)
    expect(report.success).toBe(false)
    expect(report.violations.flatMap(one => one.violatingResources)).toEqual(
      violations.flatMap(one =>
        one.violatingConstructs.map(({ cloudFormationResource }) => ({
          resourceLogicalId: cloudFormationResource?.logicalId,
          templatePath: join(outdir, cloudFormationResource!.templatePath),
          locations: [],
        })),
      ),
    )
  })
})

function nestedTemplateIn(path: string): string {
  return `${basename(path, '.template.json')}Inner26A3306B.nested.template.json`
}

describe('the law', () => {
  test('splitting the groups of a pool over the stacks of an app changes no finding', () => {
    const group = fc.record({ stack: fc.nat(2), precedence: fc.option(fc.nat(2), { nil: undefined }) })
    const findings = (groups: readonly { stack: number; precedence: number | undefined }[], split: boolean) =>
      validated(app => {
        const auth = new Identity(app, 'S0')
        const stacks = [auth, new Stack(app, 'S1'), new Stack(app, 'S2')]
        groups.forEach(({ stack, precedence }, index) => {
          const scope = split ? stacks[stack]! : auth
          resourceOf(auth.group(scope, `Group${index}`, precedence)).overrideLogicalId(`Group${index}`)
          const role = scope.node.findChild(`Group${index}Role`).node.defaultChild as iam.CfnRole
          role.overrideLogicalId(`Role${index}`)
        })
      })
        .violations.map(({ ruleName, severity, description, violatingConstructs }) =>
          JSON.stringify([
            ruleName,
            severity,
            description,
            violatingConstructs.map(one => one.cloudFormationResource?.logicalId).toSorted(),
          ]),
        )
        .toSorted()
    fc.assert(
      fc.property(fc.array(group, { minLength: 2, maxLength: 5 }), groups => {
        expect(findings(groups, true)).toEqual(findings(groups, false))
      }),
      { numRuns: 15 },
    )
  })
})
