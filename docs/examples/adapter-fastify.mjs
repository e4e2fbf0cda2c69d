// Fastify 5. Run it: node docs/examples/adapter-fastify.mjs
import fastify from 'fastify'
import { bearerToken, denialHeaders } from 'rolecast/authorizer'
import { demoGuard, isMain, tryEach } from './demo-guard.mjs'

export const requireRole = guard => async (request, reply) => {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort()) // not `request.signal`, which also aborts once the body is read
  const decision = await guard(bearerToken(request.headers.authorization), { event: request, signal: gone.signal })
  if (!decision.allowed) return reply.code(decision.status).headers(denialHeaders(decision)).send()
  request.role = decision.resolution.preferredRole
}

if (isMain(import.meta.url)) {
  const app = fastify()
  app.decorateRequest('role', null)
  app.addHook('onRequest', requireRole(demoGuard()))
  app.get('/', async request => ({ role: request.role }))
  await tryEach(await app.listen({ port: 0, host: '127.0.0.1' }))
  await app.close()
}
