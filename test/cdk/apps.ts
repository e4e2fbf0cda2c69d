import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import {
  App,
  aws_cognito as cognito,
  aws_iam as iam,
  type IPolicyValidationPlugin,
  Stack,
  Validations,
} from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { afterAll, vi } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'rolecast-cdk-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A violation in the CDK's own report. */
export interface Violation {
  readonly ruleName: string
  readonly description: string
  readonly suggestedFix?: string
  readonly severity: string
  readonly ruleMetadata?: Readonly<Record<string, string>>
  readonly violatingConstructs: readonly {
    readonly constructPath: string
    readonly cloudFormationResource?: { readonly templatePath: string; readonly logicalId: string }
    readonly stackTraces?: readonly string[]
  }[]
}

export interface Suppressed extends Violation {
  readonly acknowledgedId: string
  readonly reason: string
}

export interface Synthesis {
  readonly outdir: string
  readonly passed: boolean
  /** What it threw, or printed. */
  readonly text: string
  readonly violations: readonly Violation[]
  readonly suppressed: readonly Suppressed[]
  readonly metadata: Readonly<Record<string, string>>
}

/** Synthesises a real app, which has the plugins, and reads the report that the CDK makes of it. */
export function synthesise(build: (app: App) => void, ...plugins: readonly IPolicyValidationPlugin[]): Synthesis {
  const outdir = mkdtempSync(join(folder, 'out-'))
  const app = new App({ outdir, analyticsReporting: false, builtinCloudFormationValidation: false })
  Validations.of(app).addPlugins(...plugins)
  build(app)
  const print = vi.spyOn(console, 'error').mockImplementation(() => {})
  let thrown: string | undefined
  try {
    app.synth()
  } catch (error) {
    thrown = (error as Error).message
  }
  const text = stripVTControlCharacters([thrown, ...print.mock.calls.flat()].join('\n'))
  print.mockRestore()
  const { pluginReports } = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8')) as {
    pluginReports: readonly {
      violations: readonly Violation[]
      suppressedViolations?: readonly Suppressed[]
      metadata?: Readonly<Record<string, string>>
    }[]
  }
  return {
    outdir,
    passed: thrown === undefined,
    text,
    violations: pluginReports.flatMap(({ violations }) => violations),
    suppressed: pluginReports.flatMap(({ suppressedViolations = [] }) => suppressedViolations),
    metadata: Object.assign({}, ...pluginReports.map(({ metadata }) => metadata)) as Readonly<Record<string, string>>,
  }
}

export function rulesOf(violations: readonly Violation[]): readonly string[] {
  return violations.map(({ ruleName }) => ruleName).toSorted()
}

/** A user pool, an identity pool that accepts it, and roles that trust the identity pool. */
export class Identity extends Stack {
  readonly pool = new cognito.UserPool(this, 'Pool')
  readonly identities = new cognito.CfnIdentityPool(this, 'Identities', { allowUnauthenticatedIdentities: false })

  group(scope: Construct, id: string, precedence?: number): cognito.UserPoolGroup {
    const { pool: userPool } = this
    return new cognito.UserPoolGroup(scope, id, {
      userPool,
      groupName: id.toLowerCase(),
      role: this.role(scope, `${id}Role`),
      ...(precedence !== undefined && { precedence }),
    })
  }

  role(scope: Construct, id: string): iam.Role {
    const conditions = {
      StringEquals: { 'cognito-identity.amazonaws.com:aud': this.identities.ref },
      'ForAnyValue:StringLike': { 'cognito-identity.amazonaws.com:amr': 'authenticated' },
    }
    return new iam.Role(scope, id, {
      assumedBy: new iam.WebIdentityPrincipal('cognito-identity.amazonaws.com', conditions),
    })
  }
}

export function resourceOf(group: cognito.UserPoolGroup): cognito.CfnUserPoolGroup {
  return group.node.defaultChild as cognito.CfnUserPoolGroup
}
