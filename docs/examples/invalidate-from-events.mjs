// A change in the pool, seen before the cache expires. Run it: node docs/examples/invalidate-from-events.mjs
import { readFile } from 'node:fs/promises'
import { applyInvalidation, createRoleResolver, invalidationFrom } from 'rolecast/cognito'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const role = name => `arn:aws:iam::111122223333:role/${name}`

// In a Lambda function: nothing but the pool and the shared cache. Here: a pool and a store in memory.
const pool = new Map([
  ['admins', { Precedence: 0, RoleArn: role('Admin') }],
  ['editors', { Precedence: 5, RoleArn: role('Editor') }],
])
const client = {
  async send({ input: { GroupName } }) {
    if (pool.has(GroupName)) return { Group: { GroupName, UserPoolId: userPoolId, ...pool.get(GroupName) } }
    throw Object.assign(new Error('Group not found.'), { name: 'ResourceNotFoundException' })
  },
}
const kept = new Map()
const store = {
  get: async key => kept.get(key),
  set: async (key, value) => void kept.set(key, value),
  delete: async key => kept.delete(key),
}
const acquire = async (key, owner) => !kept.has(key) && kept.set(key, owner) !== undefined

const HOUR = 60 * 60 * 1000
const createProcess = () => createRoleResolver({ userPoolId, client, ttl: HOUR, sharedCache: { store, acquire } })

const resolver = createProcess()

export const handler = async event => {
  const invalidation = invalidationFrom(event, { userPoolId })
  for (const { messageId, error } of invalidation.failed) console.error(messageId, error.message)
  return applyInvalidation(invalidation, { groups: resolver.source })
}

// What another process has in its own first level is not reached.
const other = createProcess()
const event = async name => JSON.parse(await readFile(new URL(`events/${name}.json`, import.meta.url), 'utf8'))

async function show(when, response) {
  const { preferredRole = null } = await resolver.resolve(['admins', 'editors'])
  const elsewhere = await other.resolve(['admins', 'editors'])
  const started = await createProcess().resolve(['admins', 'editors'])
  const roles = { here: preferredRole, elsewhere: elsewhere.preferredRole, started: started.preferredRole }
  console.log(JSON.stringify({ when, ...roles, ...response }))
}

await show('at first')
pool.set('admins', { Precedence: 0, RoleArn: role('Auditor') })
await show('admins has another role')
await show('its event came', await handler(await event('eventbridge-update-group')))
pool.delete('editors')
await show('editors is deleted; one message of the batch is broken', await handler(await event('sqs-batch')))
pool.set('editors', { Precedence: 0, RoleArn: role('Auditor') })
await show('a log file with its creation came', await handler(await event('cloudtrail-log-file')))
