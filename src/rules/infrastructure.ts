/**
 * What a template, a plan or a live pool says about groups and roles, as plain data: readers make it, the rules of
 * `validate.ts` check it. A value that cannot be determined from the file is `unknown`, and never guessed.
 */

/** A location in a file. Lines and columns count from 1, columns in UTF-16 code units. */
export interface Location {
  /** The file as it was named; `-` for standard input. A live pool has its user pool id here. */
  readonly path: string
  /** The first line. */
  readonly line?: number | undefined
  /** The first column. */
  readonly column?: number | undefined
  /** The last line. */
  readonly endLine?: number | undefined
  /** The first column after it. */
  readonly endColumn?: number | undefined
  /** The location in the terms of the format: a CDK construct path, a Terraform address, a Pulumi URN, a logical id. */
  readonly construct?: string | undefined
}

/** The value that is chosen for each of some names, such as the parameters of a template. */
export type Choices = readonly (readonly [name: string, chosen: string])[]

/** A value of a file. */
export type Value<T> =
  | {
      readonly is: 'known'
      /** The value. */
      readonly value: T
      readonly location?: Location | undefined
      /**
       * The names whose default this value uses, such as the parameter `Rank`. A deployment may set them to something
       * else.
       */
      readonly assumes?: readonly string[] | undefined
      /** For one of several values: the alternative choices that lead to it. Absent if they are unknown. */
      readonly when?: readonly Choices[] | undefined
    }
  /** Not set, or `AWS::NoValue`, or an explicit null. */
  | { readonly is: 'absent'; readonly location?: Location | undefined }
  /** It cannot be determined from the file. `why` follows "… is unknown:", as in "parameter `Rank` has no default". */
  | { readonly is: 'unknown'; readonly why: string; readonly location?: Location | undefined }
  /** One of several, and the file does not say which (`Fn::If`). At least two, none of them `one-of` itself. */
  | { readonly is: 'one-of'; readonly values: readonly Value<T>[]; readonly location?: Location | undefined }

/**
 * A role, by what names it. Two ARNs that differ are two roles, and so are two resources. A reference stands for an
 * unknown role: equal `id`s are the same role, and different `id`s may or may not be.
 */
export type RoleReference =
  | { readonly kind: 'arn'; readonly id: string }
  /** A role that this infrastructure makes: the `id` of a `RoleDefinition`. */
  | { readonly kind: 'resource'; readonly id: string }
  /** The name of such a role, where its ARN is needed: a mistake that COG153 reports. */
  | { readonly kind: 'name'; readonly id: string }
  /** A parameter without a default, an import, a data source, a variable. */
  | { readonly kind: 'reference'; readonly id: string }

/** A user-pool group. */
export interface GroupDefinition {
  /** Logical id, Terraform address, URN: unique in its infrastructure. */
  readonly id: string
  /** The `id` of the pool it belongs to; groups of different pools are never compared. */
  readonly pool: string
  /** The group's name. */
  readonly groupName: Value<string>
  /** As the file has it, unchecked: a rule reports a string, 1.5 or -1; the reader does not fail. */
  readonly precedence: Value<unknown>
  /** The group's IAM role. */
  readonly role: Value<RoleReference>
  /** The resource as a whole. */
  readonly location: Location
  /** The name of the condition it exists under. Groups under different conditions may or may not exist together. */
  readonly condition?: string | undefined
  /**
   * How the tool sends a precedence of 0, or a removed one, to Cognito. `terraform` does not send a 0 when it creates a
   * group, and sends 0 when the attribute is removed: Terraform's AWS provider, and Pulumi's classic one, which is
   * built on it.
   */
  readonly provider?: 'terraform' | undefined
  /** The values before a plan that changes them. Absent if the plan does not change them. */
  readonly before?:
    | {
        /** The precedence it has now. */
        readonly precedence: Value<unknown>
        /** The role it has now. */
        readonly role: Value<RoleReference>
      }
    | undefined
  /** Whether the group is made by this plan (and not merely changed). Absent where the format does not say. */
  readonly created?: boolean | undefined
}

/** A user pool. */
export interface PoolDefinition {
  /** Unique in its infrastructure. */
  readonly id: string
  /** For messages: the pool's logical id, address, or user pool id. */
  readonly name: string
  /** The user pool ID, where it is known; then federated group names `POOLID_Provider` can be recognised. */
  readonly userPoolId?: string | undefined
  /** True if no file that was read defines the pool. Groups that other files give it are not seen. */
  readonly elsewhere?: true | undefined
}

/** An IAM role. */
export interface RoleDefinition {
  /** Unique in its infrastructure. */
  readonly id: string
  /**
   * A policy document with intrinsic values resolved where they can be; unknown parts are `{ "rolecast:unknown": why
   * }`, with what is known of them: `"rolecast:is"`, in words, where they are something other than an identity pool's
   * ID; `"rolecast:pool"`, the `id` of the identity pool whose ID they are; `"rolecast:starts"`, what the string begins
   * with.
   */
  readonly trustPolicy: Value<unknown>
  /** The resource as a whole. */
  readonly location: Location
}

/** An identity pool that the files make. */
export interface IdentityPoolDefinition {
  /** The value by which `RoleAttachment.identityPool` names it. */
  readonly id: string
  /** The `id` of the resource, if that differs. */
  readonly resource?: string | undefined
  /** Whether it gives credentials to guests, who have not signed in (`AllowUnauthenticatedIdentities`). */
  readonly allowsGuests: Value<boolean>
  /** Which user pools and app clients it accepts tokens of (`CognitoIdentityProviders`). */
  readonly providers: Value<readonly IdentityPoolProvider[]>
  /** The resource as a whole. */
  readonly location: Location
}

/** A user pool and app client whose tokens an identity pool accepts. */
export interface IdentityPoolProvider {
  /**
   * `cognito-idp.REGION.amazonaws.com/POOL`, in the form that `RoleMappingDefinition.identityProvider` has without its
   * client.
   */
  readonly name: Value<string>
  /** The app client. */
  readonly clientId: Value<string>
  /** `NAME:CLIENT` as written. Two that are written the same have the same value, even if it is unknown. */
  readonly written?: string | undefined
  /** The `id` of the user pool that it names, where that is known. */
  readonly pool?: string | undefined
  /** The app client's own `id`, where the files make the client. */
  readonly client?: string | undefined
  /** Its location. */
  readonly location: Location
}

/** An identity pool's role attachment (`AWS::Cognito::IdentityPoolRoleAttachment`). */
export interface RoleAttachment {
  /** Unique in its infrastructure. */
  readonly id: string
  /** What names the identity pool: the same string for the same pool. */
  readonly identityPool: Value<string>
  /** `authenticated`, `unauthenticated`, and any other key that the file has. */
  readonly roles: Value<
    readonly {
      /** The key of the role. */
      readonly key: string
      /** The role. */
      readonly role: Value<RoleReference>
      /** Its location. */
      readonly location: Location
    }[]
  >
  /** How roles are chosen, one entry for each provider. */
  readonly mappings: Value<readonly RoleMappingDefinition[]>
  /** Set after another attachment of the same identity pool, whose roles it repeats: Amplify Gen 1's role map. */
  readonly replacesOther?: boolean | undefined
  /** The resource as a whole. */
  readonly location: Location
}

/** How an identity pool chooses the role of one provider's users. */
export interface RoleMappingDefinition {
  /** The key of the mapping, which in CloudFormation need not be the provider. */
  readonly key: string
  /** `IdentityProvider`, if the format has it in addition to the key; else the key. */
  readonly identityProvider: Value<string>
  /** The provider as written. Two that are written the same have the same value, even if it is unknown. */
  readonly written?: string | undefined
  /** The `id` of the user pool that the provider names, where that is known. */
  readonly pool?: string | undefined
  /** The `id` of the app client that it names, where the files make the client. */
  readonly client?: string | undefined
  /** `Token` or `Rules`. */
  readonly type: Value<string>
  /** `AuthenticatedRole` or `Deny`. */
  readonly ambiguousRoleResolution: Value<string>
  /** The rules, in their order. */
  readonly rules: Value<readonly MappingRuleDefinition[]>
  /** Its location. */
  readonly location: Location
}

/** One rule of a role mapping. */
export interface MappingRuleDefinition {
  /** The claim that the rule reads. */
  readonly claim: Value<string>
  /** How the claim is compared with the value. */
  readonly matchType: Value<string>
  /** The text to compare with. */
  readonly value: Value<string>
  /** The role of users whose token matches. */
  readonly role: Value<RoleReference>
  /** Its location. */
  readonly location: Location
}

/** A user in a group, by `AWS::Cognito::UserPoolUserToGroupAttachment`, `aws_cognito_user_in_group`, or a live pool. */
export interface Membership {
  /** The `id` of the user pool. */
  readonly pool: string
  /** Equal values are the same user. */
  readonly username: Value<string>
  /** Why the username is unknown, if `username` only names it, as `${User}` does: "parameter `User` has no default". */
  readonly unknownUsername?: string | undefined
  /** The group's name. */
  readonly groupName: Value<string>
  /** Its location. */
  readonly location: Location
  /** The name of the condition it exists under, as in `GroupDefinition.condition`. */
  readonly condition?: string | undefined
}

/** A group's rank as another file of the same project has it (Amplify's `user-pool-group-precedence.json`). */
export interface DeclaredPrecedence {
  /** The `id` of the user pool. */
  readonly pool: string
  /**
   * That file, as the beginning of a sentence.
   *
   * @default "Amplify's list of groups"
   */
  readonly source?: string | undefined
  /**
   * What defines the groups.
   *
   * @default 'the template'
   */
  readonly definition?: string | undefined
  /** The group's name. */
  readonly groupName: string
  /** As the file has it, not checked yet. */
  readonly precedence: unknown
  /** Its location. */
  readonly location: Location
}

/**
 * What the reader could not determine, if it is not a value above: a `for_each` over a variable, a `Fn::ForEach`, a
 * macro.
 */
export interface Unresolved {
  /** A sentence without its full stop. */
  readonly why: string
  /** Its location. */
  readonly location: Location
  /** The `id` of the user pool that it is about, where that is known. */
  readonly pool?: string | undefined
}

/**
 * What may define groups, role mappings or memberships and was not looked into: a module from a registry, a nested
 * stack that is not among the files, a resource of an unknown type whose properties mention Cognito's groups.
 */
export interface NotFollowed {
  /** The beginning of a sentence: "Module `auth`", "Nested stack `Auth`". */
  readonly what: string
  /** Follows "because", as in "its source `app.terraform.io/x/auth` is in a registry". */
  readonly why: string
  /** The next step, imperative, without its full stop: "Validate the plan, which has it: `terraform show -json`". */
  readonly next: string
  /** Its location. */
  readonly location: Location
}

/** A property that its resource type does not have, with a name close to one that it has. */
export interface MisspeltProperty {
  /** The `id` of the resource. */
  readonly resource: string
  /** The property as written. */
  readonly property: string
  /** The property that was probably meant. */
  readonly nearest: string
  /** Its location. */
  readonly location: Location
}

/** A value that is not the required ID of a pool or an app client: its ARN, its name, the ID of something else. */
export interface WrongId {
  /** The `id` of the resource that has it. */
  readonly resource: string
  /** The property that has it. */
  readonly property: string
  /** Whose ID the property needs. */
  readonly needs: 'user pool' | 'identity pool' | 'app client'
  /** What it is, ready for a message: "the ARN of the user pool `Pool`". */
  readonly what: string
  /** True if the value is certain, and not only one of several possibilities. */
  readonly certain: boolean
  /** Its location. */
  readonly location: Location
}

/** A string with a placeholder, `${Pool}`, that nothing replaces: `Fn::Sub` is missing. */
export interface MissingSub {
  /** The `id` of the resource that has it. */
  readonly resource: string
  /** The property that has it. */
  readonly property: string
  /** What the property needs. */
  readonly needs: 'provider' | 'role' | WrongId['needs']
  /** The text as written. */
  readonly text: string
  /** True if the value is certain, and not only one of several possibilities. */
  readonly certain: boolean
  /** Its location. */
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
  /** Its location. */
  readonly location: Location
}

/** What a template, a plan or a live pool says about groups and roles, as plain data for the rules. */
export interface Infrastructure {
  /** The format it was read from. */
  readonly format: string
  /** The files it was read from. */
  readonly paths: readonly string[]
  /** The user pools. */
  readonly pools: readonly PoolDefinition[]
  /** The groups of all its pools. */
  readonly groups: readonly GroupDefinition[]
  /** The IAM roles. */
  readonly roles: readonly RoleDefinition[]
  /** The identity pools. */
  readonly identityPools: readonly IdentityPoolDefinition[]
  /** The roles and role mappings of identity pools. */
  readonly attachments: readonly RoleAttachment[]
  /** The users that are put into groups. */
  readonly memberships: readonly Membership[]
  /** Precedences that another file of the project declares. */
  readonly declaredPrecedences: readonly DeclaredPrecedence[]
  /** What could not be determined. */
  readonly unresolved: readonly Unresolved[]
  /** What may define groups or roles and was not looked into. */
  readonly notFollowed: readonly NotFollowed[]
  /**
   * What was not looked into either, although nothing shows that it is about Cognito: a nested stack, a remote module,
   * a macro. It is not a finding. It may still define groups, so a result with such parts never counts as complete.
   */
  readonly unseen?: readonly NotFollowed[] | undefined
  /** Properties whose name is probably misspelt. */
  readonly misspelt: readonly MisspeltProperty[]
  /** Values that are not the ID that is needed. */
  readonly wrongIds?: readonly WrongId[] | undefined
  /** Texts in which `Fn::Sub` is missing. */
  readonly missingSubs?: readonly MissingSub[] | undefined
  /** Comments that suppress findings. */
  readonly suppressions: readonly Suppression[]
}
