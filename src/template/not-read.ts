/** Why a file that concerns groups or role mappings is not read, and what to validate instead. */
export interface NotReadReason {
  /** The rest of a sentence: "it is a CDK program". */
  readonly why: string
  /** An imperative, lower-case: "validate what `npx cdk synth` writes". */
  readonly next: string
  /** The output of the tool: if that is read, the program need not be. */
  readonly writes?: ToolOutput | undefined
}

/** A folder that a tool writes into the folder of its project. */
export interface ToolOutput {
  readonly folder: string
  /** The name of the file that makes a folder a project of the tool. */
  readonly projectFile: RegExp
}

const CDK_OUTPUT: ToolOutput = { folder: 'cdk.out', projectFile: /^cdk\.json$/ }
const CDKTF_OUTPUT: ToolOutput = { folder: 'cdktf.out', projectFile: /^cdktf\.json$/ }
const SERVERLESS_OUTPUT: ToolOutput = {
  folder: '.serverless',
  projectFile: /^serverless\.(?:ya?ml|json|[cm]?[jt]s)$/,
}

/** Patterns for files that are searched for in addition to templates: programs and scripts that can create groups. */
export const PROGRAMS: readonly string[] = [
  '**/*.{ts,mts,cts,js,mjs,cjs,py,go,cs,fs,java,kt,kts,scala,rb,php,rs}',
  '**/*.{sh,bash,zsh,ps1,psm1,bat,cmd,mk,hcl,jsonnet,libsonnet,cue,j2,jinja,jinja2,tpl,tftpl,tmpl,erb}',
  '**/{Makefile,makefile,GNUmakefile,Justfile,justfile,Taskfile,Jenkinsfile,Rakefile,Dockerfile}',
]

const LIVE =
  'validate the pool itself: `rolecast validate --user-pool-id ID`, or what `aws cognito-idp list-groups` prints'

interface Kind extends NotReadReason {
  /** The names of files of this kind. Default: those of programs and patterns. */
  readonly path?: RegExp
  /** A pattern that files of this kind match. Default: any content. */
  readonly uses?: RegExp
  /** A pattern for what affects groups. */
  readonly decides: RegExp
}

const PROGRAM =
  /\.(?:[cm]?[jt]s|py|go|cs|fs|java|kts?|scala|rb|php|rs|jsonnet|libsonnet|cue|j2|jinja2?|tpl|tftpl|tmpl|erb)$/
const SCRIPT =
  /(?:^|\/)(?:package\.json|[^./]+)$|\.(?:[cm]?[jt]s|py|go|cs|java|kts?|rb|php|rs|sh|bash|zsh|ps1|psm1|bat|cmd|mk|ya?ml|j2|jinja2?|tpl|tftpl|tmpl|erb)$/

const CLOUDFORMATION =
  /\b(?:Cfn)?(?:UserPoolGroup|UserPoolUserToGroupAttachment|IdentityPoolRoleAttachment)\b|\brole_?[mM]appings\b/
const AWS_PROVIDER =
  /\b(?:New)?(?:UserGroup|UserInGroup|IdentityPoolRoleAttachment|UserPoolGroup|UserPoolUserToGroupAttachment)(?:Args)?\b/

/** The first that matches is returned. */
const KINDS: readonly Kind[] = [
  {
    path: /(?:^|\/)serverless\.[cm]?[jt]s$/,
    decides: CLOUDFORMATION,
    why: 'it is a program that returns a Serverless configuration, and programs are not run',
    next: 'validate `.serverless`, which `npx serverless package` writes',
    writes: SERVERLESS_OUTPUT,
  },
  {
    uses: /\bcdkt[fn]\b|com\.hashicorp\.cdktf|HashiCorp\.Cdktf/,
    decides: /\b(?:Data)?(?:aws\.?)?Cognito(?:UserGroup|UserInGroup|IdentityPoolRolesAttachment)\b/i,
    why: 'it is a program of CDK for Terraform, and programs are not run',
    next: 'validate `cdktf.out`, which `npx cdktf synth` writes',
    writes: CDKTF_OUTPUT,
  },
  {
    uses: /\bsst\.aws\.|\bsst\/constructs\b|@serverless-stack\/|\.sst\/platform\b/,
    decides: /\bCognitoIdentityPool\b|\bnew Cognito\(|\b(?:UserGroup|UserInGroup)\b|\battachPermissionsForAuthUsers\b/,
    why: 'it is a program of SST, and programs are not run',
    next: LIVE,
  },
  {
    uses: /@pulumi\/aws|\bpulumi_aws|\bpulumi-aws|\bPulumi\.Aws|com\.pulumi\.aws|\bpulumi\.aws\b/,
    decides: AWS_PROVIDER,
    why: 'it is a Pulumi program, and programs are not run',
    next: 'validate what `pulumi preview --json` or `pulumi stack export` prints',
  },
  {
    uses: /\baws[-_]cdk|\bawscdk\b|\bAmazon\.CDK\b|@aws-cdk\/|\bmonocdk\b|@aws-amplify\/auth-construct/,
    decides:
      /\b(?:New)?(?:Cfn)?(?:UserPoolGroup|UserPoolUserToGroupAttachment|IdentityPoolRoleAttachment)(?:Props)?\b|\brole_?[mM]appings\b|\.(?:addGroup|add_group|AddGroup)\(|\bAmplifyAuth\(|\b[aA]ction["']?\s{0,9}[:=]\s{0,9}(?:jsii\.String\()?["'](?:[cC]reateGroup|[uU]pdateGroup|[sS]etIdentityPoolRoles)(?:Command)?["']/,
    why: 'it is a CDK program, and programs are not run',
    next: 'validate `cdk.out`, which `npx cdk synth` writes',
    writes: CDK_OUTPUT,
  },
  {
    uses: /\balchemy\/aws\b/,
    decides: CLOUDFORMATION,
    why: 'it is a program of Alchemy, and programs are not run',
    next: LIVE,
  },
  {
    path: /(?:^|\/)[\w.-]+\.hcl$/,
    uses: /\bterragrunt\b|^[ \t]*(?:terraform|include|inputs)\b/m,
    decides: /cognito/i,
    why: 'it is a Terragrunt configuration, which is not followed',
    next: 'validate the plan: `terragrunt plan -out=FILE` and `terragrunt show -json FILE`',
  },
  {
    path: /\.ya?ml$/,
    uses: /\bcognitoidp\.aws\.(?:m\.)?(?:upbound|crossplane)\.io\b|\bcognitoidentityprovider\.services\.k8s\.aws\b/,
    decides: /^[ \t]*(?:- )?kind:[ \t]*["']?(?:UserGroup|UserInGroup|Group)\b/m,
    why: 'it is a Kubernetes manifest, which is not read',
    next: LIVE,
  },
  {
    path: SCRIPT,
    decides:
      /\bcognito-(?:idp|identity)[\s\\]+(?:create-group|update-group|delete-group|admin-add-user-to-group|admin-remove-user-from-group|set-identity-pool-roles)\b/,
    why: 'it calls the AWS CLI to create groups, memberships or role mappings, and scripts are not run',
    next: LIVE,
  },
  {
    decides:
      /\b(?:(?:Create|Update)Group(?:Command|Request|Input)|(?<!cognito-\w{1,20}:)SetIdentityPoolRoles(?:Command|Request|Input|Async)?|setIdentityPoolRoles|set_identity_pool_roles)\b|[\w)\]]\.(?:create_group|createGroup|CreateGroup|CreateGroupAsync|update_group|updateGroup)\(/,
    why: 'it calls Cognito to create groups or role mappings, and programs are not run',
    next: LIVE,
  },
  {
    decides:
      /\b(?:AWS::Cognito::|Cognito_)(?:UserPoolGroup|UserPoolUserToGroupAttachment|IdentityPoolRoleAttachment)\b|\btroposphere\.cognito\b/,
    why: 'it is a program or a pattern that generates a CloudFormation template, and is not run',
    next: 'validate the template that it generates',
  },
  {
    decides: /\baws(?:cc)?_cognito_(?:user_group|user_in_group|user_pool_group|identity_pool_roles?_attachment)\b/,
    why: 'it is a program or a pattern that generates a Terraform configuration, and is not run',
    next: 'validate the configuration that it generates, or the plan',
  },
]

const NOT_DEPLOYED =
  /(?:^|\/)(?:tests?|__tests__|specs?|e2e|mocks?|__mocks__|fixtures|__fixtures__|testdata)\/|(?:^|\/)test_[^/]*\.py$|(?:_test\.(?:go|py)|[._-](?:test|spec|mock)s?\.[cm]?[jt]sx?|Tests?\.(?:cs|java|kt)|\.d\.[cm]?ts|\.min\.js|\.map)$/

/**
 * Whether a file is a test, or is used by tests: it creates no permanent groups. Types and bundles create none either.
 */
export function isTest(path: string): boolean {
  return NOT_DEPLOYED.test(path)
}

/**
 * Why a file of an unknown format is not read, although it creates Cognito groups or role mappings: a program, a
 * script, a pattern. Undefined for files that have nothing to do with them, and for tests and what they use. A program
 * that only adds users to groups at run time creates no group and no role, and does not count; a script that does so
 * seeds a pool, and counts.
 *
 * @param path with slashes
 */
export function whyNotRead(path: string, text: string): NotReadReason | undefined {
  if (!/cognito|auth-construct/i.test(text) || isTest(path)) return undefined
  const kind = KINDS.find(
    one => (one.path ?? PROGRAM).test(path) && (one.uses?.test(text) ?? true) && one.decides.test(text),
  )
  return kind && { why: kind.why, next: kind.next, ...(kind.writes && { writes: kind.writes }) }
}
