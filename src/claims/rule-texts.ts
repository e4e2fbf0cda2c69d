import type { Group } from '../group.js'
import type { Rule, Semantics } from './decide.js'

/** The text of a rule, complete for readers without the documentation. */
export interface RuleText {
  /** When the rule decides, and what Cognito then does. */
  readonly says: string
  /** AWS's own sentence, from `page`. Absent if there is none. */
  readonly quote?: string
  readonly page?: string
  /** How it is known. */
  readonly known: string
}

const RBAC = 'https://docs.aws.amazon.com/cognito/latest/developerguide/role-based-access-control.html'
const ID_TOKEN =
  'https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html'
const GROUPS = 'https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-user-groups.html'
const CREATE_GROUP = 'https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateGroup.html'

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

/** A rule of the ID token: its text, and an example user. */
export interface TokenRuleText extends RuleText {
  /** What to do to get another result. Absent if there is nothing to fix. */
  readonly fix?: string
  /** Groups of a user for whom the rule decides. */
  readonly example: readonly Group[]
}

/** By the rule that decides about the ID token. */
export const RULE_TEXTS: Readonly<Record<Rule, TokenRuleText>> = {
  'lowest-precedence': {
    says: 'One group with a role has a lower number than every other group with a role, and no group without a role has that number. Its role is cognito:preferred_role. 0 is the highest rank. All groups without a role are ignored, even those with a lower number.',
    quote:
      'If a user belongs to two or more groups, the group with the lowest precedence value will have its IAM role applied to the cognito:preferred_role claim in the user’s ID token.',
    page: GROUPS,
    known:
      'Observed in real tokens, and documented by AWS. That Cognito ignores groups without a role is observed, but not documented. If a group without a role has that number and a reading that you chose ignores it, it is unknown whether Cognito ignores it too.',
    fix: 'If the wrong role wins, give its group a higher number, or remove the user from the group. A group without a role and with a lower number does not help.',
    example: [
      { groupName: 'editors', precedence: 10, roleArn: role('Beta') },
      { groupName: 'admins', precedence: 1, roleArn: role('Alpha') },
      { groupName: 'vip', precedence: 0 },
    ],
  },
  'shared-role': {
    says: 'Two or more groups share the lowest number of all groups with a role, and they have the same role. That role is cognito:preferred_role.',
    quote:
      'If two groups with the same Precedence have the same role ARN, that role is used in the cognito:preferred_role claim in tokens for users in each group.',
    page: CREATE_GROUP,
    known:
      'A tie of two is observed in a real token, and documented by AWS. A tie of three or more is inferred. If a group without a role has the same number and a reading that you chose ignores it, it is unknown whether Cognito ignores it too.',
    example: [
      { groupName: 'a', precedence: 5, roleArn: role('Alpha') },
      { groupName: 'b', precedence: 5, roleArn: role('Alpha') },
      { groupName: 'c', precedence: 9, roleArn: role('Gamma') },
    ],
  },
  'conflicting-roles': {
    says: 'Two or more groups share the lowest number of all groups with a role, and their roles differ. There is no cognito:preferred_role, and Cognito does not consult the group with the next number.',
    quote: 'If the two groups have different role ARNs, the cognito:preferred_role claim isn’t set in users’ tokens.',
    page: CREATE_GROUP,
    known: 'A tie of two is observed in a real token, and documented by AWS. A tie of three or more is inferred.',
    fix: 'Give the groups different numbers. Until then the identity pool takes its fallback for these users: the authenticated role, or a denial.',
    example: [
      { groupName: 'a', precedence: 5, roleArn: role('Alpha') },
      { groupName: 'b', precedence: 5, roleArn: role('Beta') },
      { groupName: 'c', precedence: 9, roleArn: role('Gamma') },
    ],
  },
  'roleless-contender': {
    says: 'A group without a role has the lowest number that a group with a role has. Either the role at that number is cognito:preferred_role, or the claim is absent. The outcome is undetermined: do not grant access based on it. With the semantics tied-groups-agree the claim is absent.',
    known: 'Unknown: AWS does not document this case, and no known token shows it.',
    fix: 'Give the group without a role any other number, lower or higher. Or run `rolecast calibrate`, which settles the case with tokens of a scratch user pool, and give its output as the calibration.',
    example: [
      { groupName: 'b', precedence: 5, roleArn: role('Beta') },
      { groupName: 'vip', precedence: 5 },
    ],
  },
  'no-precedence': {
    says: 'None of the user’s groups with a role has a precedence. The roles are in cognito:roles, and none is preferred, even if there is only one.',
    known:
      'Observed in real tokens. AWS’s page on role-based access control says the opposite for a single role; the tokens contradict it. If a group without a role has a number, this is inferred.',
    page: RBAC,
    fix: 'Give every group with a role a precedence. You cannot remove a precedence later.',
    example: [{ groupName: 'staff', roleArn: role('Alpha') }],
  },
  'no-roles': {
    says: 'The user is in groups, and none of them has a role. Cognito sets only cognito:groups. Precedence does not matter here.',
    quote: 'The cognito:roles claim is set if there is at least one role.',
    page: RBAC,
    known: 'Observed in a real token, and AWS’s documentation agrees.',
    fix: 'If you expect a role, give one of the groups a role.',
    example: [{ groupName: 'newsletter', precedence: 3 }, { groupName: 'beta-testers' }],
  },
  'no-groups': {
    says: 'The user is in no group. Cognito sets none of the three claims.',
    quote:
      'Amazon Cognito adds the group and role authorization claims when the user belongs to one or more user pool groups.',
    page: ID_TOKEN,
    known: 'Observed in a real token, and AWS’s documentation agrees.',
    fix: 'If you expect a role, add the user to a group with a role. Tokens that were issued before do not change.',
    example: [],
  },
}

/** What each reading of the rules says, and when to choose it. */
export const SEMANTICS_TEXTS: Readonly<Record<Semantics, RuleText & { readonly when: string }>> = {
  observed: {
    says: 'What real tokens show. No known token shows a tie between groups with and without a role, so such a tie is undetermined.',
    when: 'It is the default. Keep it whenever access depends on the result.',
    known: 'It fits all 21 tokens with known groups.',
  },
  'roles-compete': {
    says: 'As observed, but in a tie the groups without a role are ignored.',
    when: 'Choose it only after you saw in your own account that the role is preferred in such a tie.',
    known: 'It fits all 21 tokens with known groups, and none of them shows such a tie.',
  },
  'tied-groups-agree': {
    says: 'As observed, but in a tie a group without a role counts like one with another role: no role is preferred.',
    when: 'Choose it only after you saw in your own account that no role is preferred in such a tie.',
    known: 'It fits all 21 tokens with known groups, and none of them shows such a tie.',
  },
  documented: {
    says: 'AWS’s page on role-based access control taken literally: as roles-compete, but groups without a precedence take part, with the lowest rank of all.',
    quote: 'If there is only one allowed role, cognito:preferred_role is set to that role.',
    page: RBAC,
    when: 'Choose it to compare with an emulator or a tool that follows that page. Do not grant access based on it.',
    known: 'Real tokens contradict it for groups without a precedence.',
  },
}
