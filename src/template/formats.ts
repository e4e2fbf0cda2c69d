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
    files: 'CloudFormation and SAM templates, YAML or JSON; what the CDK, Amplify and `serverless package` write',
    toldBy: '`Resources` with a type of AWS',
    follows: [],
    cannotSee: [],
  },
  {
    format: 'serverless',
    files: '`serverless.yml`',
    toldBy: '`service` with `provider` or `resources`',
    follows: [],
    cannotSee: [],
  },
  {
    format: 'terraform-plan',
    files: '`terraform show -json`, of a plan or of a state; OpenTofu’s too',
    toldBy: '`format_version`',
    follows: [],
    cannotSee: [],
  },
  {
    format: 'terraform-source',
    files: 'Terraform and OpenTofu source: `.tf`, `.tf.json`',
    toldBy: 'the end of the name, or a `resource` block',
    follows: [],
    cannotSee: [],
  },
  {
    format: 'pulumi-preview',
    files: '`pulumi preview --json`',
    toldBy: '`steps` with URNs',
    follows: [],
    cannotSee: [],
  },
  {
    format: 'amplify',
    files: '`user-pool-group-precedence.json`, `amplify_outputs.json`',
    toldBy: 'a list of `groupName`s; `auth` with a `user_pool_id`',
    follows: [],
    cannotSee: [],
  },
] as const satisfies readonly FormatPage[]

/** What a text can be. */
export type TemplateFormat = (typeof FORMATS)[number]['format']

export const TEMPLATE_FORMATS: readonly TemplateFormat[] = FORMATS.map(({ format }) => format)
