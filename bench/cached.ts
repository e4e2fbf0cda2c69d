import { createRoleResolver } from '../dist/cognito/index.js'
import { compare, type Measured } from './measure.js'
import { nextOf, poolOf, randomUsers, usersOf } from './pools.js'

/** What does a resolution of ten kept groups cost, against ten `Map.get`s? */
export async function benchCached(): Promise<Readonly<Record<string, readonly Measured[]>>> {
  const pool = poolOf(500)
  const table = new Map(pool.map(group => [group.groupName, group]))
  const client = {
    async send({ input }: { input: object }) {
      const { groupName, precedence, roleArn } = table.get((input as { GroupName: string }).GroupName)!
      return {
        Group: {
          GroupName: groupName,
          ...(precedence != null && { Precedence: precedence }),
          ...(roleArn != null && { RoleArn: roleArn }),
        },
      }
    },
  }
  const resolver = createRoleResolver({
    userPoolId: 'eu-west-1_Bench',
    client,
    requestsPerSecond: Infinity,
    concurrency: 100,
    ttl: Infinity,
  })
  const users = usersOf(pool, 10).map(groups => groups.map(group => group.groupName))
  const strangers = randomUsers(pool, 10)
  // Names as a token brings them: equal to the pool's, but other strings, parsed anew for each request.
  const tokens = users.map(names => JSON.stringify(names))
  for (const names of users) await resolver.resolve(names)
  await resolver.source.lookup(table.keys())
  for (const names of strangers.slice(0, 100)) await resolver.resolve(names)

  const settled = Promise.resolve(users)

  const tenGets = (names: readonly string[]) => {
    let last
    for (const name of names) last = table.get(name)
    return last
  }
  return {
    'ten kept names, the same arrays': await compare([
      { name: '10 Map.get', run: each(users, tenGets) },
      { name: 'resolveCached', run: each(users, names => resolver.resolveCached(names)) },
      {
        name: 'await resolve',
        run: async times => {
          let last
          for (let index = 0; index < times; index++) last = await resolver.resolve(users[index % users.length]!)
          return last
        },
      },
      { name: 'of this, one Date.now()', run: each(users, () => Date.now()) },
      {
        name: 'of this, one await',
        run: async times => {
          let last
          for (let index = 0; index < times; index++) last = await settled
          return last
        },
      },
    ]),
    'ten kept names, never asked for together': await compare([
      { name: '10 Map.get', run: each(strangers, tenGets) },
      { name: 'resolveCached', run: each(strangers, names => resolver.resolveCached(names)) },
    ]),
    'ten kept names, parsed from JSON each time': await compare([
      { name: 'JSON.parse and 10 Map.get', run: each(tokens, token => tenGets(JSON.parse(token) as string[])) },
      {
        name: 'JSON.parse and resolveCached',
        run: each(tokens, token => resolver.resolveCached(JSON.parse(token) as string[])),
      },
    ]),
  }
}

/** Goes on from sample to sample. */
function each<I, O>(inputs: readonly I[], work: (input: I) => O) {
  const next = nextOf(inputs)
  return (times: number) => {
    let last: O | undefined
    for (let index = 0; index < times; index++) last = work(next())
    return last
  }
}
