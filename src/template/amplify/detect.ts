import { isTest } from '../not-read.js'

/** The names of files with programs that Amplify runs. */
const PROGRAM_NAME = /\.[cm]?[jt]sx?$/

const LIBRARY = /@aws-amplify\/(?:backend|cli-extensibility-helper)\b/
const DECIDES =
  /\b(?:defineAuth|referenceAuth|cfnUserGroup|cfnIdentityPoolRoleAttachment|identityPoolRoleMap|roleMappings|CfnUserPoolGroup|UserPoolGroup|CfnIdentityPoolRoleAttachment|CfnUserPoolUserToGroupAttachment|assumeRolePolicy)\b|AWS::Cognito::/

/**
 * Whether a program is of an Amplify backend and decides about groups or roles. It imports one of Amplify's libraries,
 * or is in the folder `amplify` and calls `defineAuth`.
 */
export function isAmplifyBackend(text: string, path: string): boolean {
  if (path !== '-' && (!PROGRAM_NAME.test(path) || isTest(path))) return false
  if (/(?:^|\/)amplify\/backend\/auth\/userPoolGroups\/override\.[jt]s$/.test(path)) return true
  if (!DECIDES.test(text)) return false
  if (LIBRARY.test(text)) return true
  return (
    /(?:^|\/)amplify\//.test(path) &&
    /\b(?:defineAuth|referenceAuth|cfnUserGroup|cfnIdentityPoolRoleAttachment|CfnUserPoolGroup|CfnIdentityPoolRoleAttachment)\b/.test(
      text,
    )
  )
}
