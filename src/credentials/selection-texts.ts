import type { RuleText } from '../claims/rule-texts.js'
import type { SelectionEvidence, SelectionRule } from './select-role.js'

const RBAC = 'https://docs.aws.amazon.com/cognito/latest/developerguide/role-based-access-control.html'
const ROLE_MAPPING = 'https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_RoleMapping.html'
const GET_CREDENTIALS =
  'https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_GetCredentialsForIdentity.html'

/** By the rule that decides which role's credentials the identity pool gives. */
export const SELECTION_TEXTS: Readonly<Record<SelectionRule, RuleText>> = {
  'preferred-role': {
    says: 'The mapping takes the role from the token, and the token has a preferred role. The user gets that role.',
    quote: 'If the cognito:preferred_role claim is set, use it.',
    page: RBAC,
    known: 'Observed, and documented by AWS.',
  },
  'single-role': {
    says: 'The token has one role in cognito:roles and no preferred role. The user gets the one role.',
    quote:
      'Specifies the action to be taken if either no rules match the claim value for the Rules type, or there is no cognito:preferred_role claim and there are multiple cognito:roles matches for the Token type.',
    page: ROLE_MAPPING,
    known:
      'Documented by AWS. No known log shows a role that was assumed in this way. Give the group a precedence, and the token has a preferred role.',
  },
  'mapping-rule': {
    says: 'The first rule of the mapping that matches the claims gives its role.',
    quote: 'The first matching rule takes precedence.',
    page: RBAC,
    known: 'Documented by AWS. That Contains matches an element of a list is observed.',
  },
  'uncertain-rule': {
    says: 'A rule of the mapping may or may not match, and no rule before it certainly matches. Either AWS does not document how it compares a list, or the rule is about a claim that this audit does not read.',
    known: 'Unknown. If every reading gives the same role, the user gets that role.',
  },
  'undetermined-preferred-role': {
    says: 'It is not known whether the token has a preferred role. Both possibilities are followed: the token with the role, and the token without.',
    known: 'Unknown. If both give the same role, the user gets that role.',
  },
  'no-mapping': {
    says: 'The identity pool has no role mapping for these users. They get its authenticated role, whatever their groups are.',
    quote:
      'To use these roles, you must also set Choose role from token for the authenticated role selection for the identity pool.',
    page: RBAC,
    known: 'Observed, and documented by AWS.',
  },
  'ambiguous-authenticated': {
    says: 'The mapping does not lead to a single role, and its AmbiguousRoleResolution is AuthenticatedRole. The user silently gets the authenticated role.',
    page: ROLE_MAPPING,
    known: 'Documented by AWS.',
  },
  'ambiguous-denied': {
    says: 'The mapping does not lead to a single role, and its AmbiguousRoleResolution is Deny. The request for credentials fails.',
    page: ROLE_MAPPING,
    known: 'Documented by AWS. Observed for a mapping in which no rule matches.',
  },
  'ambiguous-unset': {
    says: 'The mapping does not lead to a single role, and has no AmbiguousRoleResolution. The user gets the authenticated role, or the request for credentials fails.',
    quote: 'If you specify Token or Rules as the Type, AmbiguousRoleResolution is required.',
    page: ROLE_MAPPING,
    known: 'Unknown: AWS does not document what happens without it.',
  },
  'authenticated-role-missing': {
    says: 'The user would get the authenticated role, but the identity pool has none. The request for credentials fails.',
    page: GET_CREDENTIALS,
    known: 'Documented by AWS.',
  },
  'custom-role': {
    says: 'The app asks for a role, with CustomRoleArn, and the token has it in cognito:roles. The user gets that role.',
    quote:
      'Use the GetCredentialsForIdentity CustomRoleArn parameter if it is set and it matches a role in the cognito:roles claim.',
    page: RBAC,
    known: 'Documented by AWS, for tokens with several roles. For a token with one role, rolecast assumes the same.',
  },
  'custom-role-not-allowed': {
    says: 'The app asks for a role, with CustomRoleArn, and the token does not have it in cognito:roles. The request for credentials fails, even if the role is the authenticated role.',
    quote: 'If this parameter doesn’t match a role in cognito:roles, deny access.',
    page: RBAC,
    known:
      'Documented by AWS, for tokens with several roles. For a token with one role or none, rolecast assumes the same.',
  },
  'custom-role-without-mapping': {
    says: 'The app asks for a role, with CustomRoleArn, and the identity pool has no role mapping for these users. The role may be ignored, rejected or, if it is in cognito:roles, given.',
    known: 'Unknown: AWS does not document it. If every reading gives the same role, the user gets that role.',
  },
  'custom-role-with-rules': {
    says: 'The app asks for a role, with CustomRoleArn, and the mapping has rules. If the token has the role, the request for credentials fails. If not, the request may fail too, or a matching rule that gives the role may win over the rules before it.',
    quote:
      'Rules are evaluated in order, and the IAM role for the first matching rule is used, unless CustomRoleArn is specified to override the order.',
    page: RBAC,
    known:
      'That the request fails was observed once, for a role in the token, although AWS documents otherwise. The rest is unknown.',
  },
}

/** How the step from the token to the credentials is known, in words. */
export const SELECTION_EVIDENCE: Readonly<Record<SelectionEvidence, string>> = {
  observed: 'observed of real identity pools',
  documented: 'documented by AWS',
  inferred: 'inferred from what is observed and documented',
  unknown: 'unknown: what AWS documents and what is observed do not settle it',
}
