// What people write, for each TypeScript and each module resolution.
import { CognitoJwtVerifier } from 'aws-jwt-verify'
import { isRolecastError, type Resolution, resolveRoles } from 'rolecast'
import { createRoleAuthorizer, toContext } from 'rolecast/authorizer'
import { type CachedRoleResolver, createRoleResolver } from 'rolecast/cognito'
import { readTemplate } from 'rolecast/template'
import { createFakeCognito, type FakeCognito } from 'rolecast/testing'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const resolver: CachedRoleResolver = createRoleResolver({ userPoolId })

export const resolution: Resolution = resolveRoles([])
export const handler = createRoleAuthorizer({
  kind: 'rest-token',
  verifier: CognitoJwtVerifier.create({ userPoolId, clientId: 'client', tokenUse: 'id' }),
  resolver,
  groupsOf: 'token',
  onStale: 'deny',
  resource: 'stage',
  onFailure: 'throw',
  allow: ({ resolution }) =>
    resolution.preferredRole.endsWith('Admin') && { allow: true, context: toContext(resolution) },
})
export const isOurs: boolean = isRolecastError(new Error('x'))
export const read = (text: string) => readTemplate(text, { format: 'cloudformation' })
export const fake: Promise<FakeCognito> = createFakeCognito({ users: [{ username: 'alice' }] })
