import { ROLE_ARN_PATTERN } from '../aws-ids.js'
import { listNames, quote } from '../errors.js'
import { isGroupName } from '../group.js'
import { MAX_GROUPS_PER_POOL, MAX_GROUPS_PER_USER, MAX_ROLE_ARN_LENGTH } from '../quotas.js'
import { handedOutRoles } from './handed-out-roles.js'
import type { RoleReference } from './infrastructure.js'
import { CREATE_GROUP, QUOTAS, USER_GROUPS } from './pages.js'
import { isFederated } from './pool-view.js'
import { about, aboutAttachment, aboutValue, defineRule, hcl, missingSubDraft, type RuleDraft, yaml } from './rule.js'
import { hasRole, mayHaveRole, membershipsByUser } from './ties.js'
import { assumptionsOf, knownOr, possibilities, quoteLiteral } from './value.js'
import { groupBy } from '../record.js'

const groupNameInvalid = defineRule({
  id: 'COG152',
  slug: 'group-name-invalid',
  title: 'A group has a name that Cognito does not accept',
  severity: 'error',
  lowersUncertain: true,
  enabled: true,
  what: 'A name has 1 to 128 letters, marks, symbols, numbers or punctuation, and no white space.',
  why: 'The deployment fails.',
  fix: 'Choose a name without white space of at most 128 characters.',
  avoid: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: Site Admins }
  `),
  prefer: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: site-admins }
  `),
  see: CREATE_GROUP,
  check(pool) {
    return pool.groups.flatMap(group =>
      possibilities(group.definition.groupName)
        .values.filter(name => name !== undefined && !isGroupName(name))
        .map(name =>
          aboutValue(pool, group, group.definition.groupName, {
            severity: 'error',
            message: `${quoteLiteral(name)} is not a valid group name. Cognito rejects it: a name has 1 to 128 characters and no white space.`,
          }),
        ),
    )
  },
})

const roleArnInvalid = defineRule({
  id: 'COG153',
  slug: 'role-arn-invalid',
  title: 'A role is not the ARN of an IAM role',
  severity: 'error',
  lowersUncertain: true,
  enabled: true,
  what: 'Cognito accepts `arn:PARTITION:iam::ACCOUNT:role/NAME`, 20 to 2048 characters.',
  why: "With a role's name or ID, or with the ARN of a user or a policy, the deployment fails, or the identity pool's request for the role does.",
  fix: 'Use the ARN of the role; if the file defines the role, refer to its ARN, as in `!GetAtt AdminRole.Arn`.',
  avoid: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: AdminRole }
  `),
  prefer: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: !GetAtt AdminRole.Arn }
  `),
  see: CREATE_GROUP,
  check(pool) {
    return pool.groups.flatMap(group =>
      possibilities(group.definition.role)
        .values.filter(isWrongArn)
        .map(role =>
          aboutValue(pool, group, group.definition.role, {
            severity: 'error',
            message: `The role of ${quote(group.name)} is ${wrongArn(role)}. No user can get it.`,
          }),
        ),
    )
  },
  checkAll({ attachments, missingSubs = [] }) {
    const wrong = attachments.flatMap(attachment =>
      handedOutRoles(attachment).flatMap(({ role, whose, location }) =>
        possibilities(role)
          .values.filter(isWrongArn)
          .map((one): RuleDraft => ({
            ...aboutAttachment(attachment),
            location,
            severity: role.is === 'known' ? 'error' : 'warning',
            message: `The role of ${whose} is ${wrongArn(one)}. No user can get it.`,
          })),
      ),
    )
    return [...wrong, ...missingSubs.filter(({ needs }) => needs === 'role').map(missingSubDraft)]
  },
})

function wrongArn({ kind, id }: RoleReference): string {
  return kind === 'name'
    ? `the name of the role ${quote(id)}, not its ARN`
    : `${quoteLiteral(id)}, which is not the ARN of an IAM role`
}

/** A string with placeholders is not checked. */
function isWrongArn(role: RoleReference | undefined): role is RoleReference {
  if (role?.kind === 'name') return true
  if (role === undefined || role.kind !== 'arn' || role.id === '' || role.id.includes('${')) return false
  return !ROLE_ARN_PATTERN.test(role.id) || role.id.length > MAX_ROLE_ARN_LENGTH
}

const duplicateGroupName = defineRule({
  id: 'COG154',
  slug: 'duplicate-group-name',
  title: 'Two groups of one pool have the same name',
  severity: 'error',
  context: 'A warning where both groups have conditions, and may never exist together.',
  enabled: true,
  what: 'Cognito rejects the second (`GroupExistsException`).',
  why: "The deployment fails, or one definition silently takes over the other's group.",
  fix: 'Keep one of them, or rename the other.',
  avoid: yaml(`
    Resources:
      First:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins }
      Second:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins }
  `),
  prefer: yaml(`
    Resources:
      First:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins }
      Second:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: editors }
  `),
  see: CREATE_GROUP,
  check(pool) {
    const repeated = groupBy(
      pool.groups.filter(group => group.isRepeated),
      ({ name }) => name,
    )
    return [...repeated].map(([name, groups]): RuleDraft => {
      const conditions = groups.map(({ definition }) => definition.condition)
      const certain = new Set(conditions).size < conditions.length
      return {
        ...about(pool, groups),
        assumes: assumptionsOf(groups.map(({ definition }) => definition.groupName)),
        groups: [name],
        severity: certain ? 'error' : 'warning',
        message: certain
          ? `${groups.length} groups of the pool are called ${quote(name)}. Cognito rejects the second.`
          : `${groups.length} groups of the pool are called ${quote(name)}. Cognito rejects the second if their conditions let them exist together.`,
      }
    })
  },
})

const tooManyGroups = defineRule({
  id: 'COG155',
  slug: 'too-many-groups',
  title: 'More groups than Cognito allows',
  severity: 'error',
  enabled: true,
  what: 'A user pool has at most 10,000 groups and a user is in at most 100; AWS raises neither limit.',
  why: 'The deployment fails at the limit.',
  fix: 'Define fewer groups, or put the rest into an attribute.',
  avoid: hcl(`
    resource "aws_cognito_user_group" "tenant" {
      count        = 10001
      name         = "tenant-\${count.index}"
      user_pool_id = aws_cognito_user_pool.main.id
    }
  `),
  prefer: hcl(`
    resource "aws_cognito_user_group" "plan" {
      for_each     = toset(["free", "team", "enterprise"])
      name         = each.key
      user_pool_id = aws_cognito_user_pool.main.id
    }
  `),
  see: QUOTAS,
  check(pool) {
    const drafts: RuleDraft[] = []
    if (pool.groups.length > MAX_GROUPS_PER_POOL) {
      drafts.push({
        ...about(pool, pool.groups.slice(0, 1)),
        groups: [],
        message: `The pool has ${pool.groups.length} groups; Cognito allows ${MAX_GROUPS_PER_POOL}, and AWS does not raise that.`,
      })
    }
    for (const [username, theirs] of membershipsByUser(pool.memberships)) {
      const count = new Set(theirs.map(({ groupName }) => knownOr(groupName, ''))).size
      if (count <= MAX_GROUPS_PER_USER) continue
      drafts.push({
        pool: pool.name,
        subject: [username],
        resources: [],
        location: theirs[0]!.location,
        message: `${quote(username)} is in ${count} groups; Cognito allows ${MAX_GROUPS_PER_USER}, and AWS does not raise that.`,
      })
    }
    return drafts
  },
})

const federatedGroupHasRole = defineRule({
  id: 'COG160',
  slug: 'federated-group-has-role',
  title: 'The group of an identity provider has a role',
  severity: 'warning',
  lowersUncertain: true,
  enabled: true,
  what: 'Cognito puts every user who signs in through a provider into the group `POOLID_Provider`. If the group has a role, each of these users has it in `cognito:roles`.',
  why: 'Every user that the provider signs in gets the role, although nobody added the user to the group.',
  fix: 'Remove the role, and give it to a group whose members you choose.',
  avoid: hcl(`
    resource "aws_cognito_user_group" "google" {
      name         = "eu-west-1_Ab12Cd34e_Google"
      user_pool_id = "eu-west-1_Ab12Cd34e"
      precedence   = 10
      role_arn     = "arn:aws:iam::111122223333:role/Editor"
    }
  `),
  prefer: hcl(`
    resource "aws_cognito_user_group" "editors" {
      name         = "editors"
      user_pool_id = "eu-west-1_Ab12Cd34e"
      precedence   = 10
      role_arn     = "arn:aws:iam::111122223333:role/Editor"
    }
  `),
  see: USER_GROUPS,
  check(pool) {
    return pool.groups
      .filter(group => isFederated(pool, group) && mayHaveRole(group))
      .map((group): RuleDraft => {
        const certain = hasRole(group) === true
        const name = quote(group.name)
        return {
          ...about(pool, [group]),
          severity: certain ? 'warning' : 'note',
          message: certain
            ? `Cognito puts every user of an identity provider into ${name}, which has a role. Each of them has it in \`cognito:roles\`.`
            : `Cognito puts every user of an identity provider into ${name}, which may have a role. Each of them then has it in \`cognito:roles\`.`,
        }
      })
  },
})

const poolIdInvalid = defineRule({
  id: 'COG156',
  slug: 'pool-id-invalid',
  title: 'A value is not the ID of a pool or an app client, where one is needed',
  severity: 'error',
  context: 'A warning where it is one of several possible values, or where only the form of the string shows it.',
  enabled: true,
  what: "The API takes a user pool's ID (`eu-west-1_Ab12Cd34e`) or an identity pool's ID (`eu-west-1:` and a UUID), and rejects an ARN, a name, an endpoint, or the ID of another kind of pool. The API does accept the name of an app client in place of the client's ID, but no token ever has that name.",
  why: 'The deployment fails, or a role mapping is never used. The two kinds of pool are easily mixed up, and both have ARNs that other services take.',
  fix: 'In CloudFormation, use `!Ref` of the pool or the client; in Terraform, use its `.id`.',
  avoid: yaml(`
    Resources:
      Pool: { Type: AWS::Cognito::UserPool }
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !GetAtt Pool.Arn, GroupName: admins, Precedence: 1 }
  `),
  prefer: yaml(`
    Resources:
      Pool: { Type: AWS::Cognito::UserPool }
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1 }
  `),
  see: CREATE_GROUP,
  checkAll({ wrongIds = [], missingSubs = [] }) {
    const texts = missingSubs.filter(({ needs }) => needs !== 'role' && needs !== 'provider')
    const others = wrongIds.map(({ resource, property, needs, what, certain, location }): RuleDraft => {
      const needed = NEEDED[needs]
      return {
        pool: '',
        subject: [resource, property],
        resources: [resource],
        location,
        severity: certain ? 'error' : 'warning',
        message:
          needs === 'app client'
            ? `The ${quote(property)} of ${quote(resource)} names ${what} as the client, but the ID of ${needed} is needed. No token has it.`
            : `The ${quote(property)} of ${quote(resource)} is ${what}, but the ID of ${needed} is needed.`,
      }
    })
    return [...others, ...texts.map(missingSubDraft)]
  },
})

const NEEDED = {
  'user pool': 'a user pool',
  'identity pool': 'an identity pool',
  'app client': 'an app client',
} as const

const namesDifferInCase = defineRule({
  id: 'COG157',
  slug: 'names-differ-in-case',
  title: 'The names of two groups differ only in letter case',
  severity: 'note',
  enabled: true,
  what: 'AWS documents that the name of a group is unique in its user pool, but not whether letter case counts. In a report of July 2024 (aws-amplify/amplify-backend#1781), a deployment that renamed a group from upper case to mixed case failed with "A group with the name already exists".',
  why: 'Either Cognito rejects the second group, or there are two groups that are easily taken for one: `cognito:groups` has the names as they are written, so mapping rules and code that compare them match only one of the two.',
  fix: 'Keep only one of the groups, or give them names that differ in more than letter case.',
  avoid: yaml(`
    Resources:
      First:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins }
      Second:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: Admins }
  `),
  prefer: yaml(`
    Resources:
      First:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins }
      Second:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: editors }
  `),
  see: 'https://github.com/aws-amplify/amplify-backend/issues/1781',
  check(pool) {
    const named = pool.groups.filter(({ isNamed }) => isNamed)
    return [...groupBy(named, ({ name }) => name.toLowerCase()).values()].flatMap((groups): readonly RuleDraft[] => {
      const names = [...new Set(groups.map(({ name }) => name))].toSorted()
      if (names.length < 2) return []
      return [
        {
          ...about(pool, groups),
          message: `The names ${listNames(names)} differ only in letter case. AWS does not document whether Cognito accepts both.`,
        },
      ]
    })
  },
})

export const GROUP_RULES = [
  groupNameInvalid,
  roleArnInvalid,
  duplicateGroupName,
  tooManyGroups,
  poolIdInvalid,
  namesDifferInCase,
  federatedGroupHasRole,
] as const
