/**
 * One process of a fleet. Started by fork with the address of the built package, it says `ready`, and then does each job
 * it is sent: reads groups through a source of its own, and sends back what it got.
 */
import { createClient, createKeyv } from '@keyv/redis'

const { createGroupSource } = await import(process.argv[2])
// Loaded before the start, so that all of them start at once.
await import('@aws-sdk/client-cognito-identity-provider')

async function connect(url) {
  const client = createClient({ url })
  // Without a listener a lost connection would end the process.
  client.on('error', () => {})
  await client.connect()
  const acquire = async (key, owner, ttl) => (await client.set(key, owner, { PX: ttl, NX: true })) === 'OK'
  return { client, store: createKeyv(client), acquire }
}

async function run({ names, together, source: sourceOptions, redis, sharedCache }) {
  const { client, store, acquire } = redis === undefined ? {} : await connect(redis)
  process.send('prepared')
  await new Promise(resolve => process.once('message', resolve))
  const shared = store && { sharedCache: { store, ...(sharedCache.atomic && { acquire }), ...sharedCache.options } }
  const source = createGroupSource({ ...sourceOptions, ...shared })
  const groups = []
  try {
    for (let from = 0; from < names.length; from += together) {
      groups.push(...(await source.lookup(names.slice(from, from + together))).groups)
    }
    return { groups, stats: source.stats() }
  } catch (error) {
    return { error: `${error.code}: ${error.message}`, groups, stats: source.stats() }
  } finally {
    client?.destroy()
  }
}

process.on('message', async message => {
  if (message.job !== undefined) process.send({ done: await run(message.job) })
})
process.on('disconnect', () => process.exit())
process.send('ready')
