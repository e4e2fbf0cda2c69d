// Express 5. Run it: node docs/examples/adapter-express.mjs
import express from 'express'
import { bearerToken, denialHeaders } from 'rolecast/authorizer'
import { demoGuard, isMain, tryEach } from './demo-guard.mjs'

export const requireRole = guard => async (request, response, next) => {
  const gone = new AbortController()
  response.once('close', () => gone.abort()) // a client that left needs no decision
  const decision = await guard(bearerToken(request.headers.authorization), { event: request, signal: gone.signal })
  if (!decision.allowed) return response.set(denialHeaders(decision)).sendStatus(decision.status)
  response.locals.role = decision.resolution.preferredRole
  next()
}

if (isMain(import.meta.url)) {
  const app = express()
  app.use(requireRole(demoGuard()))
  app.get('/', (_request, response) => response.json({ role: response.locals.role }))
  const server = app.listen(0, '127.0.0.1')
  server.once('listening', async () => {
    await tryEach(`http://127.0.0.1:${server.address().port}/`)
    server.close()
  })
}
