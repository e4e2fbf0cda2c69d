import type { OverrideRule } from './pre-token.js'
import type { RuleText } from './rule-texts.js'

const TRIGGER = 'https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-token-generation.html'

/** By the rule that decides what a pre token generation trigger makes of a claim. */
export const OVERRIDE_TEXTS: Readonly<Record<OverrideRule, RuleText>> = {
  unchanged: {
    says: 'The trigger returns no groupOverrideDetails. The claim stays as the user’s groups determine it.',
    quote:
      'To keep the existing group configuration the same, copy the value of the groupConfiguration object of the request to the groupOverrideDetails object in the response.',
    page: TRIGGER,
    known:
      "Inferred: AWS's own examples that only add a claim leave the key out. Copying the configuration is the safe way.",
  },
  replaced: {
    says: 'groupOverrideDetails gives the claim its value: the groups in both tokens, the roles and the preferred role in the ID token. An empty list gives no claim.',
    quote: 'Your groupOverrideDetails object replaces the cognito:groups claim in access tokens and ID tokens.',
    page: TRIGGER,
    known: 'Documented by AWS. That an empty list gives no claim is inferred.',
  },
  'left-out': {
    says: 'groupOverrideDetails sets other claims but not this one. The forecast treats the claim as absent.',
    quote: 'Your function replaces the groupOverrideDetails object with the object that you provide.',
    page: TRIGGER,
    known:
      'Inferred for a preferred role that is left out when the roles are given. Unknown for everything else that is left out.',
  },
  'empty-details': {
    says: 'groupOverrideDetails is empty or null. No token has groups, and the ID token has no roles.',
    quote: 'If you provide an empty or null object in the response, then Amazon Cognito suppresses the groups.',
    page: TRIGGER,
    known: 'Documented by AWS for the groups. For the roles it is inferred.',
  },
  suppressed: {
    says: 'claimsToSuppress names cognito:groups. The ID token then has none of the three claims. In version 1 of the event the access token keeps its groups.',
    quote: 'To suppress the cognito:preferred_role and cognito:roles claims, add cognito:groups to claimsToSuppress.',
    page: TRIGGER,
    known: 'Documented by AWS.',
  },
  'suppressed-by-name': {
    says: 'claimsToSuppress names cognito:roles or cognito:preferred_role, and not cognito:groups. Whether that removes the claim is undetermined: do not grant access based on it.',
    known: 'Unknown: AWS says to name cognito:groups, and does not document what these names do.',
  },
  added: {
    says: 'claimsToAddOrOverride names one of the three claims. Cognito may ignore the value, use it or fail: the outcome is undetermined, and no forecast shows the value.',
    quote: 'For group-related claims, use groupOverrideDetails instead.',
    page: TRIGGER,
    known: 'Unknown: AWS does not document what happens.',
  },
}
