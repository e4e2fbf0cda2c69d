// middy 6, around a function behind an HTTP API or a function URL. Run it: node docs/examples/adapter-middy.mjs
import middy from '@middy/core'
import { bearerToken, denialHeaders } from 'rolecast/authorizer'
import { AUTHORIZATIONS, demoGuard, isMain } from './demo-guard.mjs'

export const requireRole = guard => ({
  async before({ event, context }) {
    const header = Object.entries(event.headers ?? {}).find(([name]) => name.toLowerCase() === 'authorization')
    // `timeoutEarly` of middy begins with the handler, and this is before it.
    const signal = AbortSignal.timeout(Math.max(0, context.getRemainingTimeInMillis() - 500))
    const decision = await guard(bearerToken(header?.[1]), { event, signal })
    if (!decision.allowed) return { statusCode: decision.status, headers: denialHeaders(decision) }
    context.role = decision.resolution.preferredRole
  },
})

if (isMain(import.meta.url)) {
  const handler = middy()
    .use(requireRole(demoGuard()))
    .handler(async (_event, context) => ({ statusCode: 200, body: JSON.stringify({ role: context.role }) }))
  for (const authorization of AUTHORIZATIONS)
    console.log(JSON.stringify(await handler({ headers: { authorization } }, { getRemainingTimeInMillis: () => 3000 })))
}
