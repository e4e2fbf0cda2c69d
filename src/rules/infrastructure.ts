/**
 * What a template, a plan or a live pool says about groups and roles, as plain data: readers make it, the rules of
 * `validate.ts` check it. A value that cannot be determined from the file is `unknown`, and never guessed.
 */

/** Where something stands. Lines and columns count from 1, columns in UTF-16 code units. */
export interface Location {
  /** The file as it was named; `-` for standard input. A live pool has its user pool id here. */
  readonly path: string
  readonly line?: number | undefined
  readonly column?: number | undefined
  readonly endLine?: number | undefined
  /** The first column after it. */
  readonly endColumn?: number | undefined
  /** The place in words of its format: a CDK construct path, a Terraform address, a Pulumi URN, a logical id. */
  readonly construct?: string | undefined
}

/** Which of its values each of some names has, such as a parameter of a template. */
export type Choices = readonly (readonly [name: string, chosen: string])[]

/** A value of a file. */
export type Value<T> =
  | {
      readonly is: 'known'
      readonly value: T
      readonly location?: Location | undefined
      /** The names of what has its default here, and may be given otherwise when deployed: `Rank`. */
      readonly assumes?: readonly string[] | undefined
      /** One of several: the choices that lead to it, any of them. Absent: they are not known. */
      readonly when?: readonly Choices[] | undefined
    }
  /** Not set, or `AWS::NoValue`, or an explicit null. */
  | { readonly is: 'absent'; readonly location?: Location | undefined }
  /** It cannot be determined from the file. `why` follows "… is unknown:", as in "parameter `Rank` has no default". */
  | { readonly is: 'unknown'; readonly why: string; readonly location?: Location | undefined }
  /** One of several, and the file does not say which (`Fn::If`). At least two, none of them `one-of` itself. */
  | { readonly is: 'one-of'; readonly values: readonly Value<T>[]; readonly location?: Location | undefined }

/**
 * A role by what names it. Two ARNs, or two resources, that differ are two roles. A reference is whatever it stands for:
 * the same `id` is the same role, another `id` may be the same or another.
 */
export type RoleReference =
  | { readonly kind: 'arn'; readonly id: string }
  /** A role that this infrastructure makes: the `id` of a `RoleDefinition`. */
  | { readonly kind: 'resource'; readonly id: string }
  /** The name of such a role, where its ARN is needed: a mistake that COG153 reports. */
  | { readonly kind: 'name'; readonly id: string }
  /** A parameter without a default, an import, a data source, a variable. */
  | { readonly kind: 'reference'; readonly id: string }

export interface GroupDefinition {
  /** Logical id, Terraform address, URN: unique in its infrastructure. */
  readonly id: string
  /** The `id` of the pool it belongs to; groups of different pools never meet. */
  readonly pool: string
  readonly groupName: Value<string>
  /** As the file has it, not checked yet: a string, 1.5 or -1 are a finding, not a reader's failure. */
  readonly precedence: Value<unknown>
  readonly role: Value<RoleReference>
  /** The resource as a whole. */
  readonly location: Location
  /** The name of the condition it exists under. Groups under different conditions may or may not exist together. */
  readonly condition?: string | undefined
  /**
   * What happens to a precedence of 0, or to a removed one, on the way to Cognito: `terraform` sends no 0 when it creates a group,
   * and 0 when the attribute is removed. Terraform's AWS provider, and Pulumi's classic one which is built on it.
   */
  readonly provider?: 'terraform' | undefined
  /** What a plan says it has now and will not have: only where the plan changes it. */
  readonly before?: { readonly precedence: Value<unknown>; readonly role: Value<RoleReference> } | undefined
  /** Whether the group is made by this plan (and not merely changed). Absent where the format does not say. */
  readonly created?: boolean | undefined
}

export interface PoolDefinition {
  readonly id: string
  /** For messages: the pool's logical id, address, or user pool id. */
  readonly name: string
  /** The user pool ID, where it is known; then federated group names `POOLID_Provider` can be recognised. */
  readonly userPoolId?: string | undefined
  /** No file that was read defines it: what other files give it is not seen. */
  readonly elsewhere?: true | undefined
}

export interface RoleDefinition {
  readonly id: string
  /**
   * A policy document with intrinsic values resolved where they can be; unknown parts are `{ "rolecast:unknown": why }`, with
   * what is known of them: `"rolecast:is"`, in words, where they are something other than an identity pool's ID;
   * `"rolecast:pool"`, the `id` of the identity pool whose ID they are; `"rolecast:starts"`, what a text begins with.
   */
  readonly trustPolicy: Value<unknown>
  readonly location: Location
}

/** An identity pool that the files make. */
export interface IdentityPoolDefinition {
  /** What `RoleAttachment.identityPool` has for it. */
  readonly id: string
  /** The `id` of the resource, where that is another one. */
  readonly resource?: string | undefined
  /** Whether it gives credentials to guests, who have not signed in (`AllowUnauthenticatedIdentities`). */
  readonly allowsGuests: Value<boolean>
  /** Which user pools and app clients it accepts tokens of (`CognitoIdentityProviders`). */
  readonly providers: Value<readonly IdentityPoolProvider[]>
  readonly location: Location
}

export interface IdentityPoolProvider {
  /** `cognito-idp.REGION.amazonaws.com/POOL`, in the form that `RoleMappingDefinition.identityProvider` has without its client. */
  readonly name: Value<string>
  readonly clientId: Value<string>
  /** `NAME:CLIENT` as they are written: what is written alike has the same value, even where that is unknown. */
  readonly written?: string | undefined
  /** The `id` of the user pool that it names, where that is known. */
  readonly pool?: string | undefined
  /** The app client's own `id`, where the files make the client. */
  readonly client?: string | undefined
  readonly location: Location
}

/** An identity pool's role attachment (`AWS::Cognito::IdentityPoolRoleAttachment`). */
export interface RoleAttachment {
  readonly id: string
  /** What names the identity pool: the same string for the same one. */
  readonly identityPool: Value<string>
  /** `authenticated`, `unauthenticated`, and whatever else stands there. */
  readonly roles: Value<
    readonly { readonly key: string; readonly role: Value<RoleReference>; readonly location: Location }[]
  >
  readonly mappings: Value<readonly RoleMappingDefinition[]>
  /** Made to be set after another one of the same identity pool, whose roles it repeats: Amplify Gen 1's role map. */
  readonly replacesOther?: boolean | undefined
  readonly location: Location
}

export interface RoleMappingDefinition {
  /** The key of the mapping, which in CloudFormation need not be the provider. */
  readonly key: string
  /** `IdentityProvider`, where the format has it apart from the key; else the key. */
  readonly identityProvider: Value<string>
  /** The provider as it is written: what is written alike has the same value, even where that is unknown. */
  readonly written?: string | undefined
  /** The `id` of the user pool that the provider names, where that is known. */
  readonly pool?: string | undefined
  /** The `id` of the app client that it names, where the files make the client. */
  readonly client?: string | undefined
  readonly type: Value<string>
  readonly ambiguousRoleResolution: Value<string>
  readonly rules: Value<readonly MappingRuleDefinition[]>
  readonly location: Location
}

export interface MappingRuleDefinition {
  readonly claim: Value<string>
  readonly matchType: Value<string>
  readonly value: Value<string>
  readonly role: Value<RoleReference>
  readonly location: Location
}

/** A user in a group, by `AWS::Cognito::UserPoolUserToGroupAttachment`, `aws_cognito_user_in_group`, or a live pool. */
export interface Membership {
  readonly pool: string
  /** Equal ones are of the same user. */
  readonly username: Value<string>
  /** Why the username itself is not known, where `username` is what names it, `${User}`: "parameter `User` has no default". */
  readonly unknownUsername?: string | undefined
  readonly groupName: Value<string>
  readonly location: Location
  /** What it exists under, as `GroupDefinition.condition`. */
  readonly condition?: string | undefined
}

/** A group's rank as another file of the same project has it (Amplify's `user-pool-group-precedence.json`). */
export interface DeclaredPrecedence {
  readonly pool: string
  /** That file, as a sentence begins. Default: "Amplify's list of groups". */
  readonly source?: string | undefined
  /** What defines the groups. Default: "the template". */
  readonly definition?: string | undefined
  readonly groupName: string
  readonly precedence: unknown
  readonly location: Location
}

/** What the reader could not determine and no value above shows: a `for_each` over a variable, a `Fn::ForEach`, a macro. */
export interface Unresolved {
  /** A sentence without its full stop. */
  readonly why: string
  readonly location: Location
  readonly pool?: string | undefined
}

/**
 * What may define groups, role mappings or memberships and was not looked into: a module from a registry, a nested stack that
 * is not among the files, a resource of an unknown type that speaks of Cognito's groups.
 */
export interface NotFollowed {
  /** As a sentence begins: "Module `auth`", "Nested stack `Auth`". */
  readonly what: string
  /** Follows "because", as in "its source `app.terraform.io/x/auth` is in a registry". */
  readonly why: string
  /** The next step, imperative, without its full stop: "Validate the plan, which has it: `terraform show -json`". */
  readonly next: string
  readonly location: Location
}

/** A property that its resource type does not have, and whose name is nearly that of one it has. */
export interface MisspeltProperty {
  /** The `id` of the resource. */
  readonly resource: string
  readonly property: string
  readonly nearest: string
  readonly location: Location
}

/** What stands where the id of a pool or an app client is needed, and is another thing: its ARN, its name, another's id. */
export interface WrongId {
  /** The `id` of the resource that has it. */
  readonly resource: string
  readonly property: string
  readonly needs: 'user pool' | 'identity pool' | 'app client'
  /** What it is, ready for a message: "the ARN of the user pool `Pool`". */
  readonly what: string
  /** Whether it stands there for sure, and not in one of several possibilities only. */
  readonly certain: boolean
  readonly location: Location
}

/** A text with the name of a value in it, `${Pool}`, which nothing replaces: `Fn::Sub` is missing. */
export interface MissingSub {
  /** The `id` of the resource that has it. */
  readonly resource: string
  readonly property: string
  readonly needs: 'provider' | 'role' | WrongId['needs']
  readonly text: string
  /** Whether it stands there for sure, and not in one of several possibilities only. */
  readonly certain: boolean
  readonly location: Location
}

/** `# rolecast:ignore COG101 exp=2027-01-01 reason`, or the same in a resource's Metadata. */
export interface Suppression {
  /** The rule ids as written; `[]` is malformed. */
  readonly rules: readonly string[]
  /** As written; empty is malformed. */
  readonly reason: string
  /** As written after `exp=`. */
  readonly expires?: string | undefined
  /** The resource it is about (`id` of a group, role or attachment); absent: the whole file. */
  readonly target?: string | undefined
  readonly location: Location
}

export interface Infrastructure {
  readonly format: string
  /** The files it was read from. */
  readonly paths: readonly string[]
  readonly pools: readonly PoolDefinition[]
  readonly groups: readonly GroupDefinition[]
  readonly roles: readonly RoleDefinition[]
  readonly identityPools: readonly IdentityPoolDefinition[]
  readonly attachments: readonly RoleAttachment[]
  readonly memberships: readonly Membership[]
  readonly declaredPrecedences: readonly DeclaredPrecedence[]
  readonly unresolved: readonly Unresolved[]
  readonly notFollowed: readonly NotFollowed[]
  /**
   * What was not looked into either, where nothing says that it is about Cognito: a nested stack, a remote module, a macro. It is
   * no finding. It may make groups all the same, so that nothing counts as complete with it.
   */
  readonly unseen?: readonly NotFollowed[] | undefined
  readonly misspelt: readonly MisspeltProperty[]
  readonly wrongIds?: readonly WrongId[] | undefined
  readonly missingSubs?: readonly MissingSub[] | undefined
  readonly suppressions: readonly Suppression[]
}
