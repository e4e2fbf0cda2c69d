/**
 * What each request keeps in memory after it is done. Started with --expose-gc, the address of the built package and a
 * scenario, it prints the bytes per request, and how many of the users' claims, or of Cognito's responses, are still
 * reachable.
 */
const [, , packageUrl, scenario] = process.argv
const { createRoleAuthorizer, createRoleGuard } = await import(new URL('dist/authorizer/index.js', packageUrl))
const { createGroupSource, getIdentityPoolRoles } = await import(new URL('dist/cognito/index.js', packageUrl))

const WARM_UP = 5_000
/** What is kept is kept in each round; what the heap grows by for other reasons is not. */
const ROUNDS = 3
const REQUESTS_PER_ROUND = 10_000
const role = 'arn:aws:iam::111122223333:role/Admin'
const userPoolId = 'eu-west-1_Ab12Cd34e'
const resolution = {
  outcome: 'resolved',
  rule: 'lowest-precedence',
  evidence: 'observed',
  groups: ['admins'],
  roles: [role],
  preferredRole: role,
  determiningGroups: ['admins'],
  claims: { 'cognito:groups': ['admins'], 'cognito:roles': [role], 'cognito:preferred_role': role },
  unknownGroups: [],
  stale: false,
  age: 0,
}

const watched = []
/** Remembers some of what should be let go. */
function watch(value) {
  if (watched.length < 1_000) watched.push(new WeakRef(value))
  return value
}

let requests = 0
function claimsOf() {
  return watch({
    sub: `user-${requests++}`,
    iss: `https://cognito-idp.eu-west-1.amazonaws.com/${userPoolId}`,
    token_use: 'id',
    iat: 1_700_000_000,
    ...resolution.claims,
  })
}

/** A client that answers at once. */
const client = {
  send: async ({ input: { GroupName, IdentityPoolId } }) =>
    watch(
      IdentityPoolId === undefined
        ? { Group: { GroupName, UserPoolId: userPoolId, RoleArn: role, Precedence: 1 } }
        : { IdentityPoolId, Roles: { authenticated: role } },
    ),
}

const options = {
  resolver: { userPoolId, resolve: async () => resolution },
  verifier: async () => claimsOf(),
  groupsOf: 'token',
  onStale: 'deny',
  allow: async () => true,
}
const allowed = decision => {
  if (!decision.allowed) throw new Error(`denied: ${decision.reason}`)
}
const longLived = new AbortController().signal

const SCENARIOS = {
  'without a signal'() {
    const guard = createRoleGuard(options)
    return async () => allowed(await guard('token'))
  },
  'with a signal for each request'() {
    const guard = createRoleGuard(options)
    return async () => allowed(await guard('token', { signal: new AbortController().signal }))
  },
  'with a signal that lives on'() {
    const guard = createRoleGuard(options)
    return async () => allowed(await guard('token', { signal: longLived }))
  },
  'denied, with a signal that lives on'() {
    const guard = createRoleGuard({ ...options, allow: () => false })
    return () => guard('token', { signal: longLived })
  },
  'of an authorizer'() {
    const handler = createRoleAuthorizer({ ...options, kind: 'rest-token', resource: 'method', onFailure: 'deny' })
    const methodArn = 'arn:aws:execute-api:eu-west-1:111122223333:a1b2c3/prod/GET/pets'
    const context = { getRemainingTimeInMillis: () => 30_000 }
    return async () => {
      const { policyDocument } = await handler({ type: 'TOKEN', authorizationToken: 'token', methodArn }, context)
      if (policyDocument.Statement[0].Effect !== 'Allow') throw new Error('denied')
    }
  },
  'of a source of groups'() {
    // No limit: what was sent within the last second is remembered for the rate.
    const source = createGroupSource({ userPoolId, client, requestsPerSecond: Infinity, ttl: 0 })
    return async () => {
      const { groups } = await source.lookup(['admins'], { signal: longLived })
      if (groups.length !== 1) throw new Error('not found')
    }
  },
  'of the roles of an identity pool'() {
    const identityPoolId = 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6'
    return () => getIdentityPoolRoles({ identityPoolId, client, signal: longLived })
  },
  /** As the guard was: a listener that stays on a signal made of another. */
  'control: a listener that stays'() {
    return async () => {
      const claims = claimsOf()
      const signal = AbortSignal.any([longLived])
      const gone = new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(claims))
      })
      await Promise.race([Promise.resolve(claims), gone])
    }
  },
}

/** What was freed in a turn is finalized in the next ones. */
async function bytesInUse() {
  for (let turn = 0; turn < 5; turn++) {
    globalThis.gc()
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  return process.memoryUsage().heapUsed
}

const request = SCENARIOS[scenario]()
for (let index = 0; index < WARM_UP; index++) await request()
let bytesPerRequest = Infinity
watched.length = 0
for (let round = 0; round < ROUNDS; round++) {
  const before = await bytesInUse()
  for (let index = 0; index < REQUESTS_PER_ROUND; index++) await request()
  const after = await bytesInUse()
  bytesPerRequest = Math.min(bytesPerRequest, (after - before) / REQUESTS_PER_ROUND)
}
const reachable = watched.filter(ref => ref.deref() !== undefined).length
console.log(JSON.stringify({ bytesPerRequest, watched: watched.length, reachable }))
