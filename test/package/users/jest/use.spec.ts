import { isRolecastError, resolveRoles } from 'rolecast'
import { createRoleGuard } from 'rolecast/authorizer'
import { createRoleResolver } from 'rolecast/cognito'
import { readTemplate } from 'rolecast/template'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const admin = 'arn:aws:iam::111122223333:role/Admin'
const client = {
  send: async () => ({ Groups: [{ GroupName: 'admins', Precedence: 1, RoleArn: admin }] }),
}

test('roles are resolved', () => {
  expect(resolveRoles([{ groupName: 'admins', precedence: 1, roleArn: admin }]).preferredRole).toBe(admin)
})

test('a guard decides by groups that a client of the SDK reads', async () => {
  const resolver = createRoleResolver({ userPoolId, client })
  await resolver.warm()
  const guard = createRoleGuard({
    resolver,
    verifier: async () => ({
      sub: 'jane',
      iss: `https://cognito-idp.eu-west-1.amazonaws.com/${userPoolId}`,
      token_use: 'access',
      'cognito:groups': ['admins'],
    }),
    groupsOf: 'token',
    onStale: 'deny',
    allow: ({ resolution }) => resolution.preferredRole === admin,
  })
  expect(await guard('token')).toMatchObject({ allowed: true })
})

test('an error is known', () => {
  let thrown: unknown
  try {
    createRoleResolver({ userPoolId: '' })
  } catch (error) {
    thrown = error
  }
  expect(isRolecastError(thrown)).toBe(true)
})

test('a template is read', async () => {
  const { groups } = await readTemplate(
    'resource "aws_cognito_user_group" "g" {\n  name = "a"\n  user_pool_id = "p"\n}\n',
    {
      format: 'terraform-source',
      path: 'main.tf',
    },
  )
  expect(groups).toHaveLength(1)
})
