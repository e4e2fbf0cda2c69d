import type { RuleText } from '../claims/rule-texts.js'
import type { SelectionEvidence, SelectionRule } from './select-role.js'

const RBAC = 'https://docs.aws.amazon.com/cognito/latest/developerguide/role-based-access-control.html'
const ROLE_MAPPING = 'https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_RoleMapping.html'
const GET_CREDENTIALS =
  'https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_GetCredentialsForIdentity.html'

/** By the rule that decides whose credentials the identity pool gives. */
export const SELECTION_TEXTS: Readonly<Record<SelectionRule, RuleText>> = {
  'preferred-role': {
    says: 'The mapping takes the role from the token, and the token prefers a role. The user gets that one.',
    quote: 'If the cognito:preferred_role claim is set, use it.',
    page: RBAC,
    known: 'Observed, and AWS says so.',
  },
  'single-role': {
    says: 'The token has one role in cognito:roles and prefers none. The user gets that role.',
    quote:
      'Specifies the action to be taken if either no rules match the claim value for the Rules type, or there is no cognito:preferred_role claim and there are multiple cognito:roles matches for the Token type.',
    page: ROLE_MAPPING,
    known:
      'Documented by AWS. No log of a role assumed in this way is known: give the group a precedence, and the question does not arise.',
  },
  'mapping-rule': {
    says: 'The first rule of the mapping that matches the claims gives its role.',
    quote: 'The first matching rule takes precedence.',
    page: RBAC,
    known: 'Documented by AWS. That Contains matches an element of a list is observed.',
  },
  'uncertain-rule': {
    says: 'A rule of the mapping may match or not, and no rule before it matches for sure: AWS does not say how it compares a list, or the rule is about a claim that this audit does not read.',
    known: 'Unknown. Where all readings end in one role, the user gets that role.',
  },
  'undetermined-preferred-role': {
    says: 'Whether the token prefers a role is not known. Both tokens are followed, the one with the role and the one without.',
    known: 'Unknown. Where both end in one role, the user gets that role.',
  },
  'no-mapping': {
    says: 'The identity pool has no role mapping for these users. They get its authenticated role, and their groups do not count.',
    quote:
      'To use these roles, you must also set Choose role from token for the authenticated role selection for the identity pool.',
    page: RBAC,
    known: 'Observed, and AWS says so.',
  },
  'ambiguous-authenticated': {
    says: 'The mapping arrives at no single role, and its AmbiguousRoleResolution is AuthenticatedRole. The user silently gets the authenticated role.',
    page: ROLE_MAPPING,
    known: 'Documented by AWS.',
  },
  'ambiguous-denied': {
    says: 'The mapping arrives at no single role, and its AmbiguousRoleResolution is Deny. The request for credentials fails.',
    page: ROLE_MAPPING,
    known: 'Documented by AWS; observed for rules of which none matches.',
  },
  'ambiguous-unset': {
    says: 'The mapping arrives at no single role, and has no AmbiguousRoleResolution. It gives the authenticated role, or denies.',
    quote: 'If you specify Token or Rules as the Type, AmbiguousRoleResolution is required.',
    page: ROLE_MAPPING,
    known: 'Unknown: AWS does not say what happens without it.',
  },
  'authenticated-role-missing': {
    says: 'The authenticated role would count, and the identity pool has none. The request for credentials fails.',
    page: GET_CREDENTIALS,
    known: 'Documented by AWS.',
  },
  'custom-role': {
    says: 'The app asks for a role, with CustomRoleArn, and the token has it in cognito:roles. The user gets that role.',
    quote:
      'Use the GetCredentialsForIdentity CustomRoleArn parameter if it is set and it matches a role in the cognito:roles claim.',
    page: RBAC,
    known: 'Documented by AWS, for tokens with several roles. For a token with one role, the same is taken.',
  },
  'custom-role-not-allowed': {
    says: 'The app asks for a role, with CustomRoleArn, and the token does not have it in cognito:roles. The request for credentials fails, also where it is the authenticated role.',
    quote: 'If this parameter doesn’t match a role in cognito:roles, deny access.',
    page: RBAC,
    known: 'Documented by AWS, for tokens with several roles. For a token with one role or none, the same is taken.',
  },
  'custom-role-without-mapping': {
    says: 'The app asks for a role, with CustomRoleArn, and the identity pool has no role mapping for these users. The role may be ignored, rejected or, if it is in cognito:roles, given.',
    known: 'Unknown: no text of AWS says it. Where all readings end in one role, the user gets that role.',
  },
  'custom-role-with-rules': {
    says: 'The app asks for a role, with CustomRoleArn, and the mapping has rules. If the token has the role, the request for credentials fails. If not, it may fail as well, or the matching rule that gives the role comes first.',
    quote:
      'Rules are evaluated in order, and the IAM role for the first matching rule is used, unless CustomRoleArn is specified to override the order.',
    page: RBAC,
    known:
      'That the request fails is observed once, for a role of the token, and AWS says otherwise. The rest is unknown.',
  },
}

/** How the step from the token to the credentials is known, in words. */
export const SELECTION_EVIDENCE: Readonly<Record<SelectionEvidence, string>> = {
  observed: 'observed of real identity pools',
  documented: 'documented by AWS',
  inferred: 'inferred from what is observed and documented',
  unknown: 'unknown: what is known does not settle it',
}
