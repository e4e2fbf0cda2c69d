// A CDK app with a tie over two stacks, and what its synthesis says: `node docs/examples/cdk-app.mjs`.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App, aws_cognito as cognito, aws_iam as iam, Stack, Validations } from 'aws-cdk-lib'
import { RolecastPlugin } from 'rolecast/cdk'

const app = new App({ outdir: mkdtempSync(join(tmpdir(), 'cdk-app-')) })
Validations.of(app).addPlugins(new RolecastPlugin())

const auth = new Stack(app, 'Auth')
const userPool = new cognito.UserPool(auth, 'UserPool')
const identityPool = new cognito.CfnIdentityPool(auth, 'IdentityPool', { allowUnauthenticatedIdentities: false })

/** A group with a role of its own, in a stack. */
function addGroup(stack, groupName, precedence) {
  const trust = new iam.WebIdentityPrincipal('cognito-identity.amazonaws.com', {
    StringEquals: { 'cognito-identity.amazonaws.com:aud': identityPool.ref },
    'ForAnyValue:StringLike': { 'cognito-identity.amazonaws.com:amr': 'authenticated' },
  })
  const role = new iam.Role(stack, `${groupName}-role`, { assumedBy: trust })
  return new cognito.UserPoolGroup(stack, groupName, { userPool, groupName, precedence, role })
}

addGroup(auth, 'admins', 1)
const billing = new Stack(app, 'Billing')
addGroup(billing, 'accountants', 1)

app.synth()
