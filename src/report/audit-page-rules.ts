import type { Rule, Semantics } from '../claims/decide.js'
import type { Evidence } from '../claims/evidence.js'
import { describeCalibration } from '../claims/explain.js'
import type { SelectionEvidence, SelectionRule } from '../credentials/select-role.js'
import type { AuditSummary } from '../audit/summary.js'
import { html } from './audit-page-html.js'

/** What the reader of a page has of a rule, without the documentation. */
export interface RuleText {
  /** When the rule decides, and what Cognito then does. */
  readonly says: string
  /** AWS's own sentence, from `page`. Left out where there is none. */
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
const ROLE_MAPPING = 'https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_RoleMapping.html'
const GET_CREDENTIALS =
  'https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_GetCredentialsForIdentity.html'

/** By the rule that decides about the ID token. */
export const RULE_TEXTS: Readonly<Record<Rule, RuleText>> = {
  'lowest-precedence': {
    says: 'One group with a role has a lower number than every other group with a role, and no group without a role has that number. Its role is cognito:preferred_role. 0 is the highest rank there is. Groups without a role stand aside, whatever their number is.',
    quote:
      'If a user belongs to two or more groups, the group with the lowest precedence value will have its IAM role applied to the cognito:preferred_role claim in the user’s ID token.',
    page: GROUPS,
    known: 'Observed in real tokens, and AWS says so. That groups without a role stand aside is observed only.',
  },
  'shared-role': {
    says: 'Two or more groups share the lowest number of all groups with a role, and they have the same role. That role is cognito:preferred_role.',
    quote:
      'If two groups with the same Precedence have the same role ARN, that role is used in the cognito:preferred_role claim in tokens for users in each group.',
    page: CREATE_GROUP,
    known: 'A tie of two is observed in a real token, and AWS says so. A tie of three or more is inferred.',
  },
  'conflicting-roles': {
    says: 'Two or more groups share the lowest number of all groups with a role, and their roles differ. There is no cognito:preferred_role, and the group with the next number does not step in.',
    quote: 'If the two groups have different role ARNs, the cognito:preferred_role claim isn’t set in users’ tokens.',
    page: CREATE_GROUP,
    known: 'A tie of two is observed in a real token, and AWS says so. A tie of three or more is inferred.',
  },
  'roleless-contender': {
    says: 'A group without a role has the same number as the first group with one. Either that role is cognito:preferred_role, or there is none. The outcome is undetermined: grant nothing on it. With the semantics tied-groups-agree there is none.',
    known: 'Unknown: AWS does not document this case, and no known token shows it.',
  },
  'no-precedence': {
    says: 'Every group of the user that has a role is without a precedence. The roles are in cognito:roles, and none is preferred, even where there is only one.',
    known:
      'Observed in real tokens. AWS’s page on role-based access control says the opposite for a single role; the tokens contradict it.',
    page: RBAC,
  },
  'no-roles': {
    says: 'The user is in groups, and none of them has a role. Cognito sets cognito:groups alone. Precedence does not matter here.',
    quote: 'The cognito:roles claim is set if there is at least one role.',
    page: RBAC,
    known: 'Observed in a real token. AWS’s sentence agrees.',
  },
  'no-groups': {
    says: 'The user is in no group. Cognito sets none of the three claims.',
    quote:
      'Amazon Cognito adds the group and role authorization claims when the user belongs to one or more user pool groups.',
    page: ID_TOKEN,
    known: 'Observed in a real token. AWS’s sentence agrees.',
  },
}

/** An audit sends no role that an app asks for, so nothing is decided by one. */
type AuditSelectionRule = Exclude<SelectionRule, `custom-role${string}`>

/** By the rule that decides whose credentials the identity pool gives. */
export const SELECTION_TEXTS: Readonly<Record<AuditSelectionRule, RuleText>> = {
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
}

/** How the step from the token to the credentials is known, in words. */
export const SELECTION_EVIDENCE: Readonly<Record<SelectionEvidence, string>> = {
  observed: 'observed of real identity pools',
  documented: 'documented by AWS',
  inferred: 'inferred from what is observed and documented',
  unknown: 'unknown: what is known does not settle it',
}

const EVIDENCE_MEANINGS: Readonly<Record<Evidence, string>> = {
  observed: 'Seen in a real token whose groups are known. It shows what Cognito did on one day, not what AWS promises.',
  documented: 'AWS says so. Its pages contradict one another in places, and real tokens contradict some of them.',
  inferred: 'It follows from the two. Look at one token of your own before access depends on it.',
  calibrated:
    'The tokens of a scratch user pool show it, which was made to find out. They show what Cognito did there on one day.',
  unknown: 'Neither AWS nor any known token says. Grant nothing on it.',
}

const READINGS: Readonly<Record<Semantics, string>> = {
  observed:
    'What real tokens show. A tie between groups with and without a role, which no known token shows, is undetermined.',
  'roles-compete': 'As observed, but in a tie the groups without a role do not count.',
  'tied-groups-agree':
    'As observed, but in a tie a group without a role counts like one with another role: no role is preferred.',
  documented:
    'AWS’s page on role-based access control to the letter, which real tokens contradict for groups without a precedence.',
}

export const RULE_ID = 'rule-'
export const SELECTION_ID = 'credentials-'

/** The section that explanations link to. */
export function rulesHtml({ credentials, semantics, calibration }: AuditSummary): string {
  const evidence = Object.entries(EVIDENCE_MEANINGS).map(
    ([word, meaning]) => `<dt>${word}</dt><dd>${html(meaning)}</dd>`,
  )
  const selection =
    credentials === undefined
      ? ''
      : `<h3>From the token to the credentials</h3>
<p class="lead">The identity pool gives each signed-in user the credentials of one role, or denies the request.</p>
${sectionsOf(SELECTION_TEXTS, SELECTION_ID)}\n`
  return `<p class="lead">Every user’s explanation links to its rule here. A lower precedence ranks higher.</p>
<h3 id="semantics" tabindex="-1">Semantics <code>${semantics}</code></h3>
<p>${html(READINGS[semantics])}${calibration === undefined ? '' : html(` It was ${describeCalibration(calibration)}.`)}</p>
<h3>From the groups to the token</h3>
${sectionsOf(RULE_TEXTS, RULE_ID)}
${selection}<h3 id="evidence" tabindex="-1">How an answer is known</h3>
<dl class="legend">${evidence.join('\n')}</dl>`
}

function sectionsOf(texts: Readonly<Record<string, RuleText>>, prefix: string): string {
  return Object.entries(texts)
    .map(
      ([rule, text]) => `<article class="rule" id="${prefix}${rule}" tabindex="-1"><h4><code>${rule}</code></h4>
<p>${html(text.says)}</p>
${sourceHtml(text)}<p class="muted">${html(text.known)}</p></article>`,
    )
    .join('\n')
}

/** A page is named and not linked to, because a page that is printed or offline has no links. */
function sourceHtml({ quote, page }: RuleText): string {
  if (page === undefined) return ''
  const source = `<cite>${page}</cite>`
  return quote === undefined
    ? `<p class="source">AWS: ${source}</p>\n`
    : `<blockquote><p>${html(quote)}</p>\n${source}</blockquote>\n`
}
