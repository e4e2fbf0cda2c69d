// Middleware for Express and for Hono, which need no authorizer's event. Run it: node docs/examples/authorizer-middleware.mjs
import { bearerToken, createRoleGuard } from 'rolecast/authorizer'
import { createRoleResolver } from 'rolecast/cognito'

const admin = 'arn:aws:iam::111122223333:role/Admin'
const groups = new Map([['admins', { groupName: 'admins', precedence: 1, roleArn: admin }]])

const userPoolId = 'eu-west-1_Ab12Cd34e'

const guard = createRoleGuard({
  resolver: createRoleResolver({ source: name => groups.get(name), userPoolId }),
  verifier: async token => ({
    sub: 'jane',
    iss: `https://cognito-idp.eu-west-1.amazonaws.com/${userPoolId}`,
    token_use: 'access',
    'cognito:groups': token === 'janes.token.x' ? ['admins'] : [],
  }),
  groupsOf: 'token',
  onStale: 'deny',
  allow: ({ resolution }) => resolution.preferredRole === admin,
})

/** app.use(express) */
export async function express(request, response, next) {
  const decision = await guard(bearerToken(request.headers.authorization), { event: request })
  if (!decision.allowed) return response.sendStatus(decision.status)
  response.locals.role = decision.resolution.preferredRole
  return next()
}

/** app.use(hono) */
export async function hono(context, next) {
  const decision = await guard(bearerToken(context.req.header('Authorization')), {
    event: context.req,
    signal: context.req.raw.signal,
  })
  if (!decision.allowed) return context.body(null, decision.status)
  context.set('role', decision.resolution.preferredRole)
  return next()
}

const headers = ['Bearer janes.token.x', undefined, 'Bearer joes.token.x']
const print = (status, role) => console.log(JSON.stringify({ status, role }))

for (const authorization of headers) {
  const response = { locals: {}, sendStatus: print }
  await express({ headers: { authorization } }, response, () => print(200, response.locals.role))
}
for (const authorization of headers) {
  const known = new Map()
  const req = { header: () => authorization, raw: new Request('https://example.com') }
  await hono({ req, body: (_text, status) => print(status), set: (key, value) => known.set(key, value) }, () =>
    print(200, known.get('role')),
  )
}
