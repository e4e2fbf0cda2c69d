/** A format that is read, as the page "What it reads, and what it cannot see" has it. */
export interface FormatPage {
  /** For `--format-in`. */
  readonly format: string
  /** What files those are. */
  readonly files: string
  /** How a file is recognised. */
  readonly toldBy: string
  /** What is followed from one file to another, and worked out. */
  readonly follows: readonly string[]
  /** What is not known from it, and is reported as such. */
  readonly cannotSee: readonly string[]
}

export const FORMATS = [
  {
    format: 'cloudformation',
    files:
      'CloudFormation and SAM templates, YAML or JSON; what the CDK, Amplify and `serverless package` write; `aws cloudformation get-template`',
    toldBy: '`Resources` with a type of AWS; `TemplateBody` with `StagesAvailable`',
    follows: [
      '`Fn::ImportValue` to the stack that exports it; `${AWS::StackName}-pool` and `${Auth}-pool` are one name where nothing else fits',
      "What one stack gives another: `Fn::GetStackOutput`, `AWS::SSM::Parameter`, the CDK's exports to another region",
      'Nested stacks and SAM applications whose template is a path, an asset of the CDK, or an address that ends like one file and gives only parameters that it has',
      "The arguments and outputs of nested stacks: a role of the parent is the role of the child's group",
      '`AWS::Include` of a path',
      'Parameters: `AllowedValues` are the possibilities; a default counts, and the finding says that it is one',
      'Mappings, conditions as possibilities, `Fn::ForEach` over what is known',
      'Of a repeated key the last one counts, as for CloudFormation',
    ],
    cannotSee: [
      'Nested stacks and includes that are not among the files: COG194',
      'Custom resources, modules and third-party types that speak of groups or role mappings: COG194',
      'What macros change, and `Fn::ForEach` over what only the deployment knows: COG190',
      'Which export is imported where several files in as near a folder have the name: COG190',
      'Groups that other stacks give to a pool which a parameter or an import names, if those stacks are not among the files',
      'Places in a `TemplateBody` that is a string: the line of the body stands for all of it',
    ],
  },
  {
    format: 'serverless',
    files: '`serverless.yml`, `.yaml` or `.json`',
    toldBy: '`service` with `provider` or `resources`',
    follows: [
      '`${file(…)}` of YAML and JSON, with an address and with defaults; `${self:…}`, also in one another',
      '`${sls:stage}`, `${param:…}`, and the defaults of `${opt:…}` and `${env:…}`, which the finding says are defaults; a default that is a key leaves all keys possible',
      '`${cf:stack.output}` and `${ssm:…}` where a template among the files gives them',
      'All that CloudFormation templates have',
    ],
    cannotSee: [
      'Files of JavaScript, TypeScript and Python, which are not run, and files that are not in reach: COG194',
      'Variables that only the deployment knows: COG190',
      'Resources that Serverless Framework and its plugins make, and `extensions` of them: validate what `serverless package` writes',
    ],
  },
  {
    format: 'terraform-plan',
    files: "`terraform show -json`, of a plan or of a state; OpenTofu's too",
    toldBy: '`format_version`',
    follows: [
      'All modules, from registries too, with what they make of their arguments',
      'A role or pool that is known after apply only is the resource that the configuration refers to, through variables and outputs of modules',
      'Resources of the AWS provider and of the Cloud Control provider (`awscc_…`)',
      'What an update changes of a precedence or a role',
    ],
    cannotSee: [
      'Lines: a finding names the address',
      'Which role each instance of a `for_each` has, where it is known after apply only',
      'What a `null_resource` or a stack of CloudFormation makes when it is applied',
    ],
  },
  {
    format: 'terraform-source',
    files:
      'Terraform and OpenTofu source: `.tf`, `.tf.json`, `.tofu`, `.tofu.json`; `.tfvars` and `.tfvars.json` with it',
    toldBy: 'the end of the name, or a `resource` block',
    follows: [
      'Modules that are called by a local path, with their arguments, `for_each`, `count` and outputs; each root apart',
      '`terraform.tfvars` and `*.auto.tfvars` of a root, then the files of variables that are given',
      'Types of variables with `optional(…)`, locals, `for`, conditions, splats, `dynamic` blocks, and most functions',
      '`override.tf` and `*_override.tf`; a `.tofu` file in place of the `.tf` file of the same name',
      'Trust policies of `jsonencode`, heredocs and `aws_iam_policy_document`',
      'Resources of the AWS provider and of the Cloud Control provider (`awscc_…`)',
    ],
    cannotSee: [
      'Modules of registries and repositories: one that may have groups is reported with its source',
      'Values of `-var` and of `TF_VAR_…`, and `.tfvars` files that are not given: the default of a variable is one possibility',
      'What is read from the account or from files (`data`, `file`, `templatefile`), and the inputs of Terragrunt',
      'Groups that programs make (`local-exec`, stacks of CloudFormation): a resource that may do so is reported',
      'More than 1,000 modules of one root, modules in more than 40 others, and what takes too long to evaluate',
    ],
  },
  {
    format: 'pulumi-preview',
    files: '`pulumi preview --json`',
    toldBy: '`steps` with URNs',
    follows: [
      'All resources of the stack, those of components too',
      'A value that is known after the update only is the resource that its property depends on',
    ],
    cannotSee: ['Lines: a finding names the URN', 'Secrets', 'Resources that are only read (`get`)'],
  },
  {
    format: 'pulumi-stack',
    files: '`pulumi stack export`',
    toldBy: '`deployment` with URNs',
    follows: ['All resources of the stack, those of components too; roles and pools by their ARNs and ids'],
    cannotSee: [
      'Lines: a finding names the URN',
      'Secrets',
      'What was changed outside of Pulumi since the last update',
    ],
  },
  {
    format: 'pulumi-yaml',
    files: '`Pulumi.yaml` and `Main.yaml` with `resources`; the same in JSON',
    toldBy: '`resources` with types such as `aws:cognito:UserGroup`',
    follows: [
      '`variables`, references such as `${pool.id}`, `fn::toJSON`, `fn::join`, `fn::secret`',
      'The defaults of `config`, which are said to be defaults',
    ],
    cannotSee: [
      'What `Pulumi.STACK.yaml` sets',
      'What `fn::invoke` and other functions give',
      'What packages with components make',
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
      'The role, the trust policy and the role mapping that Amplify makes for them',
      'Gen 2: `defineAuth` with `amplify_outputs.json`, and with the templates that `ampx` writes to `.amplify/artifacts/cdk.out`, which take its place',
      'Gen 1: the list of groups with the template of groups; the one in `build` is what is deployed',
      'Gen 1: the role mapping that the custom resource `RoleMapFunctionInput` sets, if its function is the one that Amplify writes',
    ],
    cannotSee: [
      'Groups that a program computes or imports',
      'Which users the functions of the backend put in groups',
      'What the CDK changes of groups, roles and mappings (`cfnUserGroup`, `cfnIdentityPoolRoleAttachment`), unless the synthesised templates are there',
      'The groups of the pool that `referenceAuth` names',
    ],
  },
  {
    format: 'user-pool',
    files: 'what `aws cognito-idp list-groups` and `rolecast snapshot` print, JSON or YAML',
    toldBy: '`Groups` with a `UserPoolId`',
    follows: ['Groups of several pools in one file, each with those of its own pool'],
    cannotSee: [
      'The pages behind a `NextToken`',
      'Whether the list is of a whole pool, or of one user (`admin-list-groups-for-user`)',
      'Trust policies, identity pools and memberships',
      'That a template or a plan is about the same pool: what is there and what will be there are judged apart; `--against-pool-file` compares them',
    ],
  },
] as const satisfies readonly FormatPage[]

/** What a text can be. */
export type TemplateFormat = (typeof FORMATS)[number]['format']

export const TEMPLATE_FORMATS: readonly TemplateFormat[] = FORMATS.map(({ format }) => format)
