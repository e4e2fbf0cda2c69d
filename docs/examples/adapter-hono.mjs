// Hono 4. Run it: node docs/examples/adapter-hono.mjs
import { Hono } from 'hono'
import { bearerToken, denialHeaders } from 'rolecast/authorizer'
import { AUTHORIZATIONS, demoGuard, isMain, print } from './demo-guard.mjs'

export const requireRole = guard => async (c, next) => {
  const token = bearerToken(c.req.header('Authorization'))
  const decision = await guard(token, { event: c.req, signal: c.req.raw.signal })
  if (!decision.allowed) return c.body(null, decision.status, denialHeaders(decision))
  c.set('role', decision.resolution.preferredRole)
  await next()
}

if (isMain(import.meta.url)) {
  const app = new Hono()
  app.use(requireRole(demoGuard()))
  app.get('/', c => c.json({ role: c.get('role') }))
  for (const authorization of AUTHORIZATIONS)
    await print(await app.request('/', authorization === undefined ? {} : { headers: { authorization } }))
}
