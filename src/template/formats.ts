/** A format that rolecast reads, as the page "What it reads, and what it cannot see" describes it. */
export interface FormatPage {
  /** For `--format-in`. */
  readonly format: string
  /** The files of this format. */
  readonly files: string
  /** How a file is recognised. */
  readonly toldBy: string
  /** What is followed from one file to another, and evaluated. */
  readonly follows: readonly string[]
  /** What cannot be known from it, and is reported as unknown. */
  readonly cannotSee: readonly string[]
}

export const FORMATS = [
  {
    format: 'cloudformation',
    files:
      'CloudFormation and SAM templates, YAML or JSON; the output of the CDK, Amplify, `serverless package` and `aws cloudformation get-template`',
    toldBy: '`Resources` with a type of AWS; `TemplateBody` with `StagesAvailable`',
    follows: [
      '`Fn::ImportValue` to the stack that exports the value; `${AWS::StackName}-pool` and `${Auth}-pool` count as the same name if no other name fits',
      "Values that one stack gives another: `Fn::GetStackOutput`, `AWS::SSM::Parameter`, the CDK's cross-Region exports",
      'Nested stacks and SAM applications whose template is a path, a CDK asset, or an address that ends like the path of exactly one file, or of one that is nearer than the others, if that file has all the parameters that are given',
      "The arguments and outputs of nested stacks: a role of the parent is the role of the child's group",
      '`AWS::Include` of a path',
      'Parameters: all `AllowedValues` are possible; a default is used, and the finding says that it is a default',
      'Mappings, conditions (both branches are possible), `Fn::ForEach` over known values',
      'Repeated keys: the last one counts, as in CloudFormation',
    ],
    cannotSee: [
      'Nested stacks and includes that are not among the files: COG194',
      'Custom resources, modules and third-party types that mention groups or role mappings: COG194',
      'What macros change, and `Fn::ForEach` over values that only the deployment knows: COG190',
      'Which export is imported, if several files in equally near folders have the name: COG190',
      'Groups that other stacks add to a pool that a parameter or an import names, if those stacks are not among the files',
      'Lines in a `TemplateBody` that is a string: every finding has the line of the body',
    ],
  },
  {
    format: 'serverless',
    files: '`serverless.yml`, `.yaml` or `.json`',
    toldBy: '`service` with `provider` or `resources`',
    follows: [
      '`${file(…)}` of YAML and JSON, with an address and with defaults; `${self:…}`; both also nested',
      '`${sls:stage}`, `${param:…}`, and the defaults of `${opt:…}` and `${env:…}`, which the finding calls defaults; if a default is used as a key, all keys are possible',
      '`${cf:stack.output}` and `${ssm:…}`, if a template among the files provides them',
      'Everything that is followed in CloudFormation templates',
    ],
    cannotSee: [
      'JavaScript, TypeScript and Python files, which are not run, and files that are out of reach: COG194',
      'Variables that only the deployment knows: COG190',
      'Resources that Serverless Framework and its plugins create, and `extensions` of them: validate what `serverless package` writes',
    ],
  },
  {
    format: 'terraform-plan',
    files: "`terraform show -json`, of a plan or of a state; OpenTofu's too",
    toldBy: '`format_version`',
    follows: [
      'All modules, also from registries, as they use their arguments',
      'A role or pool that is known only after apply: it is the resource that the configuration refers to, through variables and outputs of modules',
      'Resources of the AWS provider and of the Cloud Control provider (`awscc_…`)',
      'Updates of a precedence or a role',
    ],
    cannotSee: [
      'Lines: a finding has the address',
      'Which role each instance of a `for_each` has, if it is known only after apply',
      'What a `null_resource` or a CloudFormation stack creates when it is applied',
    ],
  },
  {
    format: 'terraform-source',
    files:
      'Terraform and OpenTofu source: `.tf`, `.tf.json`, `.tofu`, `.tofu.json`; `.tfvars` and `.tfvars.json` with it',
    toldBy: 'the end of the name, or a `resource` block',
    follows: [
      'Modules that are called by a local path, with their arguments, `for_each`, `count` and outputs; each root separately',
      '`terraform.tfvars` and `*.auto.tfvars` of a root, then the variable files that are given',
      'Types of variables with `optional(…)`, locals, `for`, conditions, splats, `dynamic` blocks, and most functions',
      '`override.tf` and `*_override.tf`; a `.tofu` file in place of the `.tf` file of the same name',
      'Trust policies of `jsonencode`, heredocs and `aws_iam_policy_document`',
      'Resources of the AWS provider and of the Cloud Control provider (`awscc_…`)',
    ],
    cannotSee: [
      'Modules from registries and repositories: one that may have groups is reported with its source',
      'Values of `-var` and of `TF_VAR_…`, and `.tfvars` files that are not given: the default of a variable is one possible value',
      'Values that are read from the account or from files (`data`, `file`, `templatefile`), and the inputs of Terragrunt',
      'Groups that programs or CloudFormation stacks create (`local-exec`): a resource that may do so is reported',
      'More than 1,000 modules of one root, modules nested more than 40 deep, and expressions that take too long to evaluate',
    ],
  },
  {
    format: 'pulumi-preview',
    files: '`pulumi preview --json`',
    toldBy: '`steps` with URNs',
    follows: [
      'All resources of the stack, including those of components',
      'A value that is known only after the update: it is the resource that its property depends on',
    ],
    cannotSee: ['Lines: a finding has the URN', 'Secrets', 'Resources that are only read (`get`)'],
  },
  {
    format: 'pulumi-stack',
    files: '`pulumi stack export`',
    toldBy: '`deployment` with URNs',
    follows: ['All resources of the stack, including those of components; roles and pools by their ARNs and IDs'],
    cannotSee: ['Lines: a finding has the URN', 'Secrets', 'What was changed outside of Pulumi since the last update'],
  },
  {
    format: 'pulumi-yaml',
    files: '`Pulumi.yaml` and `Main.yaml` with `resources`; the same in JSON',
    toldBy: '`resources` with types such as `aws:cognito:UserGroup`',
    follows: [
      '`variables`, references such as `${pool.id}`, `fn::toJSON`, `fn::join`, `fn::secret`',
      'The defaults of `config`, which the finding calls defaults',
    ],
    cannotSee: [
      'What `Pulumi.STACK.yaml` sets',
      'What `fn::invoke` and other functions return',
      'What packages with components create',
    ],
  },
  {
    format: 'amplify',
    files:
      'Gen 2: `amplify/auth/resource.ts` and other files of the backend that decide about groups, `amplify_outputs.json`; Gen 1: `user-pool-group-precedence.json`, `userPoolGroups/override.ts`',
    toldBy:
      'a program that imports `@aws-amplify/backend`, or is in `amplify/`, and calls `defineAuth`; `auth` with a `user_pool_id`; a list of `groupName`s',
    follows: [
      'Literal `groups` of `defineAuth`, constants of the same file, `as const`, `satisfies`, spreads, string enums and `Object.values` of them',
      'The role, the trust policy and the role mapping that Amplify creates for them',
      'Gen 2: `defineAuth` with `amplify_outputs.json`, and with the templates that `ampx` writes to `.amplify/artifacts/cdk.out`, which replace it',
      'Gen 1: the list of groups with the template of groups; the template in `build` is the one that is deployed',
      'Gen 1: the role mapping that the custom resource `RoleMapFunctionInput` sets, if its function is the one that Amplify writes',
    ],
    cannotSee: [
      'Groups that a program computes or imports',
      'Which users the functions of the backend add to groups',
      'What CDK code changes in groups, roles and mappings (`cfnUserGroup`, `cfnIdentityPoolRoleAttachment`), unless the synthesised templates are there',
      'The groups of the pool that `referenceAuth` names',
    ],
  },
  {
    format: 'user-pool',
    files: 'what `aws cognito-idp list-groups` and `rolecast snapshot` print, JSON or YAML',
    toldBy: '`Groups` with a `UserPoolId`',
    follows: ['Groups of several pools in one file, pool by pool'],
    cannotSee: [
      'The pages after a `NextToken`',
      'A key that an object has twice: the last one counts, as in other readers of JSON',
      'Whether the list is that of a whole pool, or of one user (`admin-list-groups-for-user`)',
      'Trust policies, identity pools and memberships',
      'Whether a template or a plan is about the same pool: the existing groups and the planned ones are checked separately; `--against-pool-file` compares them',
    ],
  },
] as const satisfies readonly (FormatPage & { readonly format: TemplateFormat })[]

/** The formats. */
export type TemplateFormat =
  | 'cloudformation'
  | 'serverless'
  | 'terraform-plan'
  | 'terraform-source'
  | 'pulumi-preview'
  | 'pulumi-stack'
  | 'pulumi-yaml'
  | 'amplify'
  | 'user-pool'

/** All formats that are read. */
export const TEMPLATE_FORMATS: readonly TemplateFormat[] = /* @__PURE__ */ FORMATS.map(({ format }) => format)
