import { GROUP_TYPE, UPDATE_GROUP } from './pages.js'
import { defineRule, json, yaml } from './rule.js'

// All of these are drawn from one comparison of a template with a pool: `compareWithPool` makes the drafts.
// The pool of the examples has one group, admins, with precedence 1 and the role Admin.

export const groupOutOfBand = defineRule({
  id: 'COG170',
  slug: 'group-out-of-band',
  title: 'The pool has a group that the template does not define',
  severity: 'warning',
  context: 'A note where the names of some groups of the template are unknown.',
  enabled: true,
  what: 'The group was created by hand or by another stack. It takes part in every tie and every ranking, and no rule has checked it.',
  why: 'The ranks in the template are then not all the ranks of the pool.',
  fix: 'Import the group into the template, or delete it.',
  avoid: yaml(`
    # The pool has the group admins (precedence 1, role Admin).
    Resources:
      Pool: { Type: AWS::Cognito::UserPool }
  `),
  prefer: yaml(`
    Resources:
      Pool: { Type: AWS::Cognito::UserPool }
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Admin }
  `),
  see: GROUP_TYPE,
})

export const precedenceWillChange = defineRule({
  id: 'COG171',
  slug: 'precedence-will-change',
  title: 'The deployment changes the precedence of a group',
  severity: 'warning',
  context: 'A note where the file leaves open which precedence the group will have.',
  enabled: true,
  what: 'The precedence in the template differs from the one in the pool. Members may get a different role from their next token on.',
  why: 'Either someone changed the number by hand, and the deployment reverts it; or the change is intended, and affects users from their next token on.',
  fix: 'Find out with `--memberships` which users it affects, and deploy only if that is intended.',
  avoid: yaml(`
    # The pool has the group admins (precedence 1, role Admin).
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 2, RoleArn: arn:aws:iam::111122223333:role/Admin }
  `),
  prefer: yaml(`
    # The pool has the group admins (precedence 1, role Admin).
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Admin }
  `),
  see: UPDATE_GROUP,
})

export const precedenceWillBeRemoved = defineRule({
  id: 'COG172',
  slug: 'precedence-will-be-removed',
  title: 'The template has no precedence where the pool has one',
  severity: 'warning',
  context: 'An error with Terraform, which then sends 0.',
  enabled: true,
  what: 'Cognito cannot clear a precedence: the effect depends on the tool. Terraform sends 0, and the group ranks first; another tool may leave the number as it is, or recreate the group.',
  why: 'The template says that the group has no rank. In the pool, the group keeps its rank, or gets the highest one.',
  fix: 'In the template, give the group the number that it has in the pool, or recreate the group.',
  avoid: yaml(`
    # The pool has the group admins (precedence 1, role Admin).
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, RoleArn: arn:aws:iam::111122223333:role/Admin }
  `),
  prefer: yaml(`
    # The pool has the group admins (precedence 1, role Admin).
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Admin }
  `),
  see: UPDATE_GROUP,
})

export const groupMissing = defineRule({
  id: 'COG173',
  slug: 'group-missing',
  title: 'The pool does not have a group of the template',
  severity: 'note',
  enabled: true,
  what: 'The deployment creates it.',
  why: 'The group is new, or someone deleted or renamed it by hand. In the second case, it has lost its members.',
  fix: 'Check that the group is intended to be new.',
  avoid: yaml(`
    # The pool has the group admins, and no other.
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Admin }
      Auditors:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: auditors, Precedence: 3 }
  `),
  prefer: yaml(`
    # The pool has the group admins, and no other.
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Admin }
  `),
  see: GROUP_TYPE,
})

export const roleWillChange = defineRule({
  id: 'COG174',
  slug: 'role-will-change',
  title: 'The deployment changes the role of a group',
  severity: 'warning',
  context: 'A note where the file leaves open which role the group will have.',
  enabled: true,
  what: "The template and the pool differ in the group's role, or in whether it has one. A role that the file itself defines has no ARN yet, so rolecast compares only whether the group has a role.",
  why: "Members may get a different role from their next token on. Neither Cognito's console nor the AWS CLI can clear a role.",
  fix: 'Find out with `--memberships` which users it affects, and deploy only if that is intended.',
  avoid: yaml(`
    # The pool has the group admins (precedence 1, role Admin).
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Root }
  `),
  prefer: yaml(`
    # The pool has the group admins (precedence 1, role Admin).
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Admin }
  `),
  see: UPDATE_GROUP,
})

export const membershipUnknownGroup = defineRule({
  id: 'COG175',
  slug: 'membership-unknown-group',
  title: 'The memberships name an unknown group',
  severity: 'note',
  enabled: true,
  what: 'Neither the pool nor the template has the group, so membership in it has no effect.',
  why: 'The memberships file is out of date, or belongs to another pool.',
  fix: 'Export the memberships again.',
  avoid: json(`
    { "username": "alice", "groups": ["no-such-group"] }
  `),
  prefer: json(`
    { "username": "alice", "groups": ["admins"] }
  `),
  see: GROUP_TYPE,
})

export const DEPLOYMENT_RULES = [
  groupOutOfBand,
  precedenceWillChange,
  precedenceWillBeRemoved,
  groupMissing,
  roleWillChange,
  membershipUnknownGroup,
] as const
