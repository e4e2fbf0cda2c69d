import { describe, expect, it } from 'vitest'
import { createRoleGuard, denialHeaders, type Denied, type DenyReason } from '../../src/authorizer/index.js'

const denied = (reason: DenyReason, status: Denied['status']): Denied => ({ allowed: false, reason, status })

describe('the headers of a denial', () => {
  it.each([
    ['missing-token', 401, { 'WWW-Authenticate': 'Bearer realm="api"' }],
    ['unverified', 401, { 'WWW-Authenticate': 'Bearer realm="api", error="invalid_token"' }],
    [
      'expired',
      401,
      { 'WWW-Authenticate': 'Bearer realm="api", error="invalid_token", error_description="the token is expired"' },
    ],
    [
      'stale-token',
      403,
      {
        'WWW-Authenticate':
          'Bearer realm="api", error="invalid_token", error_description="the token is out of date; get a new one"',
      },
    ],
    ['not-allowed', 403, {}],
    ['no-role', 403, {}],
    ['keys-unavailable', 503, { 'Retry-After': '5' }],
    ['timeout', 503, { 'Retry-After': '5' }],
  ] as const)('for %s (%d) are %j', (reason, status, headers) => {
    expect(denialHeaders(denied(reason, status))).toEqual(headers)
  })

  it('of a reason without a description have none, and never the text of the error', () => {
    const error = 'x", error="insufficient_scope'
    const { 'WWW-Authenticate': challenge } = denialHeaders({ ...denied('bad-signature', 401), error })
    // What RFC 6750 allows in a description.
    expect(challenge).toMatch(
      /^Bearer realm="api", error="invalid_token", error_description="[\x20\x21\x23-\x5B\x5D-\x7E]+"$/,
    )
    expect(challenge).not.toContain('scope')
    expect(denialHeaders(denied('constructor' as DenyReason, 401))).toEqual({
      'WWW-Authenticate': 'Bearer realm="api", error="invalid_token"',
    })
  })

  it('have a challenge in every denial with 401 that a guard makes', async () => {
    const guard = createRoleGuard({
      resolver: { userPoolId: 'any', resolve: () => Promise.reject(new Error('down')) },
      verifier: token => {
        if (token === 'forged') throw new Error('forged')
        return { sub: token }
      },
      groupsOf: 'token',
      onStale: 'deny',
      allow: () => true,
    })
    for (const [token, name] of [
      [undefined, 'WWW-Authenticate'],
      ['forged', 'WWW-Authenticate'],
      ['jane', 'Retry-After'],
    ] as const) {
      const decision = await guard(token)
      expect(decision.allowed).toBe(false)
      if (!decision.allowed) expect(Object.keys(denialHeaders(decision))).toEqual([name])
    }
  })
})
