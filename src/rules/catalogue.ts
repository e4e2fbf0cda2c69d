import type { Severity } from './finding.js'

/** One rule of `validateInfrastructure`: the text of its page, of `rolecast explain` and of SARIF. */
export interface FindingRule {
  /** Stable: `COG101`. */
  readonly id: string
  readonly slug: string
  readonly title: string
  /** Where no context says otherwise. */
  readonly severity: Severity
  /** When the severity is another one. */
  readonly context?: string
  /** False: it runs only where it is asked for. */
  readonly enabled: boolean
  /** What Cognito, or the tool that deploys to it, does. */
  readonly what: string
  readonly why: string
  /** One sentence. */
  readonly fix: string
  /** What is found, in the language of a file. */
  readonly example: { readonly language: 'yaml' | 'json' | 'hcl'; readonly text: string }
  /** The page it follows. */
  readonly see: string
}

const GROUP = 'https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_GroupType.html'
const CREATE_GROUP = 'https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateGroup.html'
const ACCESS_CONTROL = 'https://docs.aws.amazon.com/cognito/latest/developerguide/role-based-access-control.html'
const TRUST = 'https://docs.aws.amazon.com/cognito/latest/developerguide/iam-roles.html'
const ROLE_MAPPING = 'https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_RoleMapping.html'
const SET_ROLES = 'https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_SetIdentityPoolRoles.html'
const MAPPING_RULE = 'https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_MappingRule.html'
const TERRAFORM =
  'https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/cognitoidp/user_group.go'
const QUOTAS = 'https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html'

const UNDER_RULES = "A note where the pool's only role mapping is `Rules`, for there the preferred role has no part."

/** Lines of an example. */
function lines(...some: readonly string[]): string {
  return some.join('\n')
}

/** Every rule there is, by id. The one source of what is said about a rule. */
export const FINDING_RULES = [
  {
    id: 'COG101',
    slug: 'tie-different-roles',
    title: 'Groups of equal precedence have different roles',
    severity: 'error',
    context: `${UNDER_RULES} An error in any case where a membership in the file puts a user into the tie ([COG161](#cog161)).`,
    enabled: true,
    what: 'A user who is in two groups that share the lowest precedence number gets no `cognito:preferred_role` when their roles differ, and Cognito does not consult the next precedence.',
    why: 'An identity pool with `Token` then falls back: `Deny` refuses credentials, `AuthenticatedRole` hands out the default role. In either case the user has neither role.',
    fix: 'Give each of the groups a precedence of its own, or all of them one role.',
    example: {
      language: 'yaml',
      text: lines(
        'Admins:',
        '  Type: AWS::Cognito::UserPoolGroup',
        '  Properties: { GroupName: admins, UserPoolId: !Ref Pool, Precedence: 1, RoleArn: !GetAtt AdminRole.Arn }',
        'Editors:',
        '  Type: AWS::Cognito::UserPoolGroup',
        '  Properties: { GroupName: editors, UserPoolId: !Ref Pool, Precedence: 1, RoleArn: !GetAtt EditorRole.Arn }',
      ),
    },
    see: GROUP,
  },
  {
    id: 'COG102',
    slug: 'tie-role-and-none',
    title: 'Of groups of equal precedence, one has a role and another has none',
    severity: 'warning',
    context: `${UNDER_RULES} An error where a membership in the file puts a user into the tie ([COG161](#cog161)).`,
    enabled: true,
    what: 'AWS does not document whether a group without a role takes part in a tie: for a user in both, Cognito prefers the role or nothing.',
    why: 'Tokens captured in September 2026 show that a group without a role stands aside at a lower number. No known token shows the same number.',
    fix: 'Give the two groups different numbers.',
    example: {
      language: 'yaml',
      text: lines(
        'Admins:',
        '  Type: AWS::Cognito::UserPoolGroup',
        '  Properties: { GroupName: admins, UserPoolId: !Ref Pool, Precedence: 1, RoleArn: !GetAtt AdminRole.Arn }',
        'Staff:',
        '  Type: AWS::Cognito::UserPoolGroup',
        '  Properties: { GroupName: staff, UserPoolId: !Ref Pool, Precedence: 1 }',
      ),
    },
    see: GROUP,
  },
  {
    id: 'COG103',
    slug: 'null-precedence-role',
    title: 'A group has a role and no precedence',
    severity: 'warning',
    context:
      "An error where an identity pool with `Token` and `Deny` uses the pool and no numbered group has the role. A note where the pool's only role mapping is `Rules`.",
    enabled: true,
    what: 'The role is in `cognito:roles` and never becomes `cognito:preferred_role`, even for a user who has no other role.',
    why: "AWS's page on role-based access control says that an only role is preferred. Tokens observed in 2024, 2025 and 2026 contradict it: the role is preferred once the same group has a precedence.",
    fix: 'Give the group a precedence that no other group of the pool has.',
    example: {
      language: 'yaml',
      text: lines(
        'Admins:',
        '  Type: AWS::Cognito::UserPoolGroup',
        '  Properties: { GroupName: admins, UserPoolId: !Ref Pool, RoleArn: !GetAtt AdminRole.Arn }',
      ),
    },
    see: ACCESS_CONTROL,
  },
  {
    id: 'COG104',
    slug: 'roleless-outranks-role',
    title: 'A group without a role ranks before a group with one',
    severity: 'note',
    enabled: true,
    what: 'The group without a role stands aside: a user in both gets the role of the other group as `cognito:preferred_role`.',
    why: 'A token observed in September 2026 prefers the role of precedence 9 beside a group of precedence 0 without a role. It is a surprise only where the group without a role was intended to block.',
    fix: 'Nothing, unless the group is intended to block: then remove its members from the groups with a role.',
    example: {
      language: 'yaml',
      text: lines(
        'Staff:',
        '  Type: AWS::Cognito::UserPoolGroup',
        '  Properties: { GroupName: staff, UserPoolId: !Ref Pool, Precedence: 1 }',
        'Admins:',
        '  Type: AWS::Cognito::UserPoolGroup',
        '  Properties: { GroupName: admins, UserPoolId: !Ref Pool, Precedence: 2, RoleArn: !GetAtt AdminRole.Arn }',
      ),
    },
    see: GROUP,
  },
  {
    id: 'COG105',
    slug: 'privileged-name-ranks-below',
    title: 'A group with a privileged name ranks behind one with an ordinary name',
    severity: 'warning',
    enabled: false,
    what: 'The lowest number wins: an administrator who is also in the ordinary group gets the ordinary role.',
    why: "The numbers are easily taken the wrong way round, and AWS's own text had them so until 2018. It goes by names only and may be meant so, so it is off by default.",
    fix: 'Give the privileged group the lower number, unless it is meant so.',
    example: {
      language: 'yaml',
      text: lines(
        'Admins:',
        '  Type: AWS::Cognito::UserPoolGroup',
        '  Properties: { GroupName: admins, UserPoolId: !Ref Pool, Precedence: 10, RoleArn: !GetAtt AdminRole.Arn }',
        'Users:',
        '  Type: AWS::Cognito::UserPoolGroup',
        '  Properties: { GroupName: users, UserPoolId: !Ref Pool, Precedence: 1, RoleArn: !GetAtt UserRole.Arn }',
      ),
    },
    see: GROUP,
  },
  {
    id: 'COG106',
    slug: 'null-among-numbered',
    title: 'A group has no precedence while its siblings have',
    severity: 'warning',
    context:
      "A note where none of these groups has a role, or where the pool's only role mapping is `Rules`. The groups that Cognito makes for identity providers never count.",
    enabled: true,
    what: 'A group without a precedence ranks after every numbered one, and its role is never preferred: tokens observed in September 2026 prefer the numbered group.',
    why: 'Where the other groups have a precedence, one without it is most often an oversight.',
    fix: 'Give the group a precedence too.',
    example: {
      language: 'yaml',
      text: lines(
        'Admins:',
        '  Type: AWS::Cognito::UserPoolGroup',
        '  Properties: { GroupName: admins, UserPoolId: !Ref Pool, Precedence: 1, RoleArn: !GetAtt AdminRole.Arn }',
        'Editors:',
        '  Type: AWS::Cognito::UserPoolGroup',
        '  Properties: { GroupName: editors, UserPoolId: !Ref Pool, RoleArn: !GetAtt EditorRole.Arn }',
      ),
    },
    see: GROUP,
  },
  {
    id: 'COG110',
    slug: 'terraform-zero',
    title: 'Terraform does not send a precedence of 0',
    severity: 'error',
    context: 'A warning where the group exists already, for then it hangs on how it got the 0.',
    enabled: true,
    what: 'Terraform\'s AWS provider, and Pulumi\'s classic one which is built on it, take 0 for "not set" when they make a group. The group gets no precedence, so it ranks last and not first, and its role is never preferred.',
    why: "0 is the highest rank that Cognito has, so what was meant to win always loses. The provider's source was read in versions from 2019 to 2025, and all are alike.",
    fix: 'Start at 1.',
    example: {
      language: 'hcl',
      text: lines(
        'resource "aws_cognito_user_group" "admins" {',
        '  name         = "admins"',
        '  user_pool_id = aws_cognito_user_pool.main.id',
        '  precedence   = 0',
        '  role_arn     = aws_iam_role.admin.arn',
        '}',
      ),
    },
    see: TERRAFORM,
  },
  {
    id: 'COG111',
    slug: 'precedence-removed',
    title: 'A plan removes a precedence, and Terraform sends 0',
    severity: 'error',
    enabled: true,
    what: 'When the attribute is taken away from a group that exists, the provider sends 0. The group then ranks first and not last.',
    why: 'Whoever takes a precedence away means the group to have no rank; it gets the highest there is. Cognito itself cannot clear a precedence.',
    fix: 'Keep a number, or make the group anew to have it without a precedence.',
    example: {
      language: 'hcl',
      text: lines(
        'resource "aws_cognito_user_group" "guests" {',
        '  name         = "guests"',
        '  user_pool_id = aws_cognito_user_pool.main.id',
        '  # precedence = 50   (as it was applied)',
        '  role_arn     = aws_iam_role.guest.arn',
        '}',
      ),
    },
    see: TERRAFORM,
  },
  {
    id: 'COG120',
    slug: 'trust-principal',
    title: "A group's role does not trust the identity pool service",
    severity: 'error',
    enabled: true,
    what: 'The identity pool asks STS for the role with `sts:AssumeRoleWithWebIdentity`, and STS refuses.',
    why: 'The trust policy has to name the service as its federated principal, allow that action, and have conditions that a signed-in user meets. The names of every partition are known: `cognito-identity.amazonaws.com` and those of China and of GovCloud.',
    fix: 'Allow `sts:AssumeRoleWithWebIdentity` to the federated principal `cognito-identity.amazonaws.com`, or to that of your partition.',
    example: {
      language: 'yaml',
      text: lines(
        'AdminRole:',
        '  Type: AWS::IAM::Role',
        '  Properties:',
        '    AssumeRolePolicyDocument:',
        '      Statement: { Effect: Allow, Principal: { Service: lambda.amazonaws.com }, Action: sts:AssumeRole }',
      ),
    },
    see: TRUST,
  },
  {
    id: 'COG121',
    slug: 'trust-no-audience',
    title: "A group's role does not say which identity pool it trusts",
    severity: 'error',
    enabled: true,
    what: 'Without a condition on `cognito-identity.amazonaws.com:aud`, users of any identity pool can assume the role.',
    why: 'Everybody can make an identity pool, in an account of their own.',
    fix: 'Add a `StringEquals` condition on `cognito-identity.amazonaws.com:aud` with the id of the identity pool.',
    example: {
      language: 'yaml',
      text: lines(
        'Statement:',
        '  Effect: Allow',
        '  Principal: { Federated: cognito-identity.amazonaws.com }',
        '  Action: sts:AssumeRoleWithWebIdentity',
        '  Condition:',
        '    ForAnyValue:StringLike: { "cognito-identity.amazonaws.com:amr": authenticated }',
      ),
    },
    see: TRUST,
  },
  {
    id: 'COG122',
    slug: 'trust-placeholder-audience',
    title: "A group's role trusts an identity pool of the documentation",
    severity: 'error',
    enabled: true,
    what: "The audience is one of AWS's examples, or no id of an identity pool at all: the users of your pool do not have it.",
    why: 'A policy that was copied has to be given the id of the pool.',
    fix: 'Put the id of the identity pool there, by a reference where the file makes the pool.',
    example: {
      language: 'yaml',
      text: lines(
        'Condition:',
        '  StringEquals: { "cognito-identity.amazonaws.com:aud": "us-east-1:12345678-1234-1234-1234-123456789012" }',
      ),
    },
    see: TRUST,
  },
  {
    id: 'COG123',
    slug: 'trust-deny',
    title: "A group's role denies the identity pool",
    severity: 'error',
    enabled: true,
    what: 'A `Deny` statement covers the identity pool, and a `Deny` wins over every `Allow`: nobody gets the role.',
    why: 'Nobody who gives a role to a group means it to be refused to the group.',
    fix: 'Make the statement an `Allow`, or narrow the `Deny` so that it leaves signed-in users of the identity pool alone.',
    example: {
      language: 'yaml',
      text: lines(
        'Statement:',
        '  Effect: Deny',
        '  Principal: { Federated: cognito-identity.amazonaws.com }',
        '  Action: sts:AssumeRoleWithWebIdentity',
        '  Condition:',
        '    StringEquals: { "cognito-identity.amazonaws.com:aud": !Ref IdentityPool }',
      ),
    },
    see: TRUST,
  },
  {
    id: 'COG124',
    slug: 'trust-unauthenticated',
    title: "A group's role trusts guests",
    severity: 'error',
    context: 'A warning where the policy does not name `unauthenticated` and has no condition that keeps guests out.',
    enabled: true,
    what: 'Guests of the identity pool, who have not signed in, can assume the role.',
    why: "A group's role is for its members. With `unauthenticated` alone, the members are even the ones who cannot have it.",
    fix: 'Ask for `authenticated` in a `ForAnyValue:StringLike` condition on `cognito-identity.amazonaws.com:amr`.',
    example: {
      language: 'yaml',
      text: lines(
        'Condition:',
        '  StringEquals: { "cognito-identity.amazonaws.com:aud": !Ref IdentityPool }',
        '  ForAnyValue:StringLike: { "cognito-identity.amazonaws.com:amr": unauthenticated }',
      ),
    },
    see: TRUST,
  },
  {
    id: 'COG130',
    slug: 'mapping-missing',
    title: 'Groups have roles, and the identity pool does not ask for them',
    severity: 'warning',
    context: 'A note where the pool has a `Rules` mapping, for that may be meant so.',
    enabled: true,
    what: 'Without a `Token` mapping for the pool, the identity pool gives every user the authenticated role, or what rules say.',
    why: 'The roles of the groups are then in the token and nowhere else.',
    fix: 'Add a role mapping of type `Token` for the user pool, or take the roles away from the groups.',
    example: {
      language: 'yaml',
      text: lines(
        'Attachment:',
        '  Type: AWS::Cognito::IdentityPoolRoleAttachment',
        '  Properties:',
        '    IdentityPoolId: !Ref IdentityPool',
        '    Roles: { authenticated: !GetAtt AuthenticatedRole.Arn }',
      ),
    },
    see: ROLE_MAPPING,
  },
  {
    id: 'COG131',
    slug: 'fallback-role-missing',
    title: 'The fallback is the authenticated role, and there is none',
    severity: 'error',
    enabled: true,
    what: 'With `AmbiguousRoleResolution: AuthenticatedRole`, a user for whom no role is found gets `Roles.authenticated`. There is none, so there are no credentials.',
    why: 'It shows only for users without a group that decides, so tests rarely find it.',
    fix: 'Set `authenticated` in `Roles`, or say `Deny`.',
    example: {
      language: 'yaml',
      text: lines(
        'Roles: { unauthenticated: !GetAtt GuestRole.Arn }',
        'RoleMappings:',
        '  Pool: { IdentityProvider: !Ref Provider, Type: Token, AmbiguousRoleResolution: AuthenticatedRole }',
      ),
    },
    see: SET_ROLES,
  },
  {
    id: 'COG132',
    slug: 'roles-unknown-key',
    title: 'An identity pool has a role of a kind that does not exist',
    severity: 'error',
    enabled: true,
    what: 'The keys of `Roles` are `authenticated` and `unauthenticated`, in lower case. The API refuses others.',
    why: 'The deployment fails, after other resources are made.',
    fix: 'Use `authenticated` or `unauthenticated`.',
    example: { language: 'yaml', text: 'Roles: { Authenticated: !GetAtt AuthenticatedRole.Arn }' },
    see: SET_ROLES,
  },
  {
    id: 'COG133',
    slug: 'deny-with-tie',
    title: 'The identity pool denies whoever is in a tie',
    severity: 'error',
    context: 'A warning where it is not certain that there is a tie.',
    enabled: true,
    what: 'With `AmbiguousRoleResolution: Deny`, a user without a preferred role gets no credentials, and a tie of groups leaves users without one.',
    why: 'A second membership, which was meant to give more, takes everything.',
    fix: 'Resolve the tie, or fall back to the authenticated role.',
    example: {
      language: 'yaml',
      text: lines(
        'RoleMappings:',
        '  Pool: { IdentityProvider: !Ref Provider, Type: Token, AmbiguousRoleResolution: Deny }',
        '# and two groups of the pool with Precedence: 1 and different roles',
      ),
    },
    see: ROLE_MAPPING,
  },
  {
    id: 'COG134',
    slug: 'rule-names-unknown-group',
    title: 'A mapping rule names a group that is nowhere defined',
    severity: 'warning',
    context: 'A note where not all groups of the pool are known, or where there are none at all.',
    enabled: true,
    what: 'A rule on `cognito:groups` never matches a group that does not exist, and users fall through to the next rule.',
    why: 'Group names have a case, and nothing checks them against the rules.',
    fix: 'Correct the value, or define the group.',
    example: {
      language: 'yaml',
      text: lines(
        'Rules:',
        '  - { Claim: cognito:groups, MatchType: Contains, Value: Admins, RoleARN: !GetAtt AdminRole.Arn }',
        '# and the group is called admins',
      ),
    },
    see: MAPPING_RULE,
  },
  {
    id: 'COG135',
    slug: 'rule-contains-substring',
    title: "A rule's value is part of another group's name",
    severity: 'warning',
    enabled: true,
    what: 'Whether `Contains` compares whole group names or parts of them, AWS does not say: the members of the other group may get the role too.',
    why: 'A rule for `admin` may match `not-admin`.',
    fix: 'Rename one of the groups so that neither name is part of the other.',
    example: {
      language: 'yaml',
      text: lines(
        'Rules:',
        '  - { Claim: cognito:groups, MatchType: Contains, Value: admin, RoleARN: !GetAtt AdminRole.Arn }',
        '# and there is a group called not-admin',
      ),
    },
    see: MAPPING_RULE,
  },
  {
    id: 'COG136',
    slug: 'provider-format',
    title: 'The provider of a role mapping is not written as the API takes it',
    severity: 'error',
    enabled: true,
    what: 'A user pool is named `cognito-idp.REGION.amazonaws.com/POOL:CLIENT`. A mapping under another name is refused, or is never used.',
    why: 'The `Logins` of a request have no client id, so it is often forgotten in mappings, which have one.',
    fix: 'Write the host, the user pool id, a colon and the client id.',
    example: {
      language: 'yaml',
      text: 'IdentityProvider: !Sub cognito-idp.${AWS::Region}.amazonaws.com/${Pool}   # no client id',
    },
    see: ROLE_MAPPING,
  },
  {
    id: 'COG137',
    slug: 'two-attachments',
    title: 'Two role attachments for one identity pool',
    severity: 'error',
    enabled: true,
    what: 'An identity pool has one set of roles and mappings: each attachment replaces what the other has set, and the last one wins.',
    why: 'Which is the last is up to the deployment, and may change from one to the next.',
    fix: 'Merge them into one.',
    example: {
      language: 'yaml',
      text: lines(
        'First: { Type: AWS::Cognito::IdentityPoolRoleAttachment, Properties: { IdentityPoolId: !Ref IdentityPool, Roles: { authenticated: !GetAtt A.Arn } } }',
        'Second: { Type: AWS::Cognito::IdentityPoolRoleAttachment, Properties: { IdentityPoolId: !Ref IdentityPool, Roles: { unauthenticated: !GetAtt B.Arn } } }',
      ),
    },
    see: SET_ROLES,
  },
  {
    id: 'COG140',
    slug: 'amplify-disagrees',
    title: "Amplify's list of groups and its template disagree",
    severity: 'warning',
    enabled: true,
    what: 'Amplify keeps the ranks in `user-pool-group-precedence.json` and deploys the template; the next push may write the one over the other.',
    why: 'Whoever reads one of the two files is misled.',
    fix: 'Set the rank in `user-pool-group-precedence.json` and let Amplify write the template anew.',
    example: { language: 'json', text: '[{ "groupName": "admins", "precedence": 2 }]' },
    see: 'https://docs.amplify.aws/gen1/angular/build-a-backend/auth/user-group-management/',
  },
  {
    id: 'COG150',
    slug: 'precedence-out-of-range',
    title: 'A precedence is out of range',
    severity: 'error',
    enabled: true,
    what: 'Cognito takes 0 to 2147483647 and refuses the rest.',
    why: 'The deployment fails.',
    fix: 'Use a number from 0 to 2147483647, or leave it out.',
    example: { language: 'yaml', text: 'Precedence: -1' },
    see: CREATE_GROUP,
  },
  {
    id: 'COG151',
    slug: 'precedence-not-integer',
    title: 'A precedence is not an integer',
    severity: 'error',
    context:
      'A note where it is the text of an integer, which the tools convert; none in Terraform, which does so by its specification.',
    enabled: true,
    what: 'Cognito takes integers only.',
    why: 'The deployment fails, or the tool makes another number of it.',
    fix: 'Write a plain integer.',
    example: { language: 'yaml', text: 'Precedence: 1.5' },
    see: CREATE_GROUP,
  },
  {
    id: 'COG152',
    slug: 'group-name-invalid',
    title: 'Cognito cannot have a group of this name',
    severity: 'error',
    enabled: true,
    what: 'A name has 1 to 128 letters, marks, symbols, numbers or punctuation, and no white space.',
    why: 'The deployment fails.',
    fix: 'Take a name without white space of at most 128 characters.',
    example: { language: 'yaml', text: 'GroupName: Site Admins' },
    see: CREATE_GROUP,
  },
  {
    id: 'COG153',
    slug: 'role-arn-invalid',
    title: "A group's role is not the ARN of an IAM role",
    severity: 'error',
    enabled: true,
    what: 'Cognito takes `arn:PARTITION:iam::ACCOUNT:role/NAME`, 20 to 2048 characters.',
    why: "A role's name or id in its place fails, and so does the ARN of a user or a policy, at the deployment or when the identity pool asks for the role.",
    fix: 'Give the ARN of the role, by a reference where the file makes the role.',
    example: { language: 'yaml', text: 'RoleArn: AdminRole' },
    see: CREATE_GROUP,
  },
  {
    id: 'COG154',
    slug: 'duplicate-group-name',
    title: 'Two groups of one pool have the same name',
    severity: 'error',
    context: 'A warning where the two stand under conditions and may never exist together.',
    enabled: true,
    what: 'Cognito refuses the second (`GroupExistsException`).',
    why: "The deployment fails, or one definition silently takes over the other's group.",
    fix: 'Keep one of them, or rename the other.',
    example: {
      language: 'yaml',
      text: lines(
        'First: { Type: AWS::Cognito::UserPoolGroup, Properties: { GroupName: admins, UserPoolId: !Ref Pool } }',
        'Second: { Type: AWS::Cognito::UserPoolGroup, Properties: { GroupName: admins, UserPoolId: !Ref Pool } }',
      ),
    },
    see: CREATE_GROUP,
  },
  {
    id: 'COG155',
    slug: 'too-many-groups',
    title: 'More groups than Cognito allows',
    severity: 'error',
    enabled: true,
    what: 'A user pool has at most 10,000 groups and a user is in at most 100; AWS adjusts neither.',
    why: 'The deployment fails at the limit.',
    fix: 'Have fewer groups, or carry the rest in an attribute.',
    example: {
      language: 'hcl',
      text: lines(
        'resource "aws_cognito_user_group" "tenant" {',
        '  count        = 10001',
        '  name         = "tenant-${count.index}"',
        '  user_pool_id = aws_cognito_user_pool.main.id',
        '}',
      ),
    },
    see: QUOTAS,
  },
  {
    id: 'COG160',
    slug: 'federated-group-has-role',
    title: 'The group of an identity provider has a role',
    severity: 'warning',
    enabled: true,
    what: 'Cognito puts every user who signs in through a provider into the group `POOLID_Provider`. With a role on it, every one of them has the role in `cognito:roles`.',
    why: 'Whoever the provider lets in gets it, and nobody adds or removes members by hand.',
    fix: 'Take the role away from it, and give it to a group whose members you choose.',
    example: {
      language: 'yaml',
      text: lines('GroupName: eu-west-1_Ab12Cd34e_Google', 'RoleArn: !GetAtt EditorRole.Arn'),
    },
    see: 'https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-user-groups.html',
  },
  {
    id: 'COG161',
    slug: 'user-in-tie',
    title: 'A user is in a tie',
    severity: 'error',
    enabled: true,
    what: 'A membership puts a user into two groups of a tie, and no group of theirs with a role ranks before it: the tie is not a possibility but what this user gets.',
    why: 'It makes [COG101](#cog101) and [COG102](#cog102) errors.',
    fix: 'Resolve the tie, or take the user out of one of the groups.',
    example: {
      language: 'yaml',
      text: lines(
        'AliceIsAdmin: { Type: AWS::Cognito::UserPoolUserToGroupAttachment, Properties: { GroupName: admins, Username: alice, UserPoolId: !Ref Pool } }',
        'AliceIsEditor: { Type: AWS::Cognito::UserPoolUserToGroupAttachment, Properties: { GroupName: editors, Username: alice, UserPoolId: !Ref Pool } }',
        '# and both groups have Precedence: 1 and different roles',
      ),
    },
    see: GROUP,
  },
  {
    id: 'COG190',
    slug: 'undecidable',
    title: 'A value that the file cannot tell',
    severity: 'note',
    enabled: true,
    what: 'A parameter without a default, an import, a loop over a variable: the value is there on deployment and not before.',
    why: 'Rules that need it say nothing about it. It is named so that silence is not taken for a clean bill.',
    fix: 'Give a default, validate the plan instead of the source, or validate the live pool after the deployment.',
    example: {
      language: 'yaml',
      text: lines('Parameters: { Rank: { Type: Number } }', '# and', 'Precedence: !Ref Rank'),
    },
    see: 'https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html',
  },
] as const satisfies readonly FindingRule[]

export type RuleId = (typeof FINDING_RULES)[number]['id']

const BY_ID: ReadonlyMap<string, FindingRule> = new Map(FINDING_RULES.map(rule => [rule.id, rule]))

/** The rule of this id, such as `COG101`, in any case of letters. Undefined where there is none. */
export function findRule(id: string): FindingRule | undefined {
  return BY_ID.get(id.toUpperCase())
}
