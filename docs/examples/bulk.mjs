// Every user of a pool at once: names to columns, columns to names. Run it: node docs/examples/bulk.mjs
import { compilePool, NO_ROLE, OUTCOMES } from 'rolecast'

const role = name => `arn:aws:iam::111122223333:role/${name}`
const pool = compilePool([
  { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
  { groupName: 'editors', precedence: 1, roleArn: role('Editor') },
  { groupName: 'staff', precedence: 1, roleArn: role('Staff') },
  { groupName: 'trial', precedence: 1 },
])

// From a file: createInterface({ input: createReadStream('members.ndjson') }) of node:readline and node:fs
const lines = [
  '{"username":"ann","groups":["editors","admins"]}',
  '{"username":"bob","groups":["editors","staff"]}',
  '{"username":"cem","groups":["trial","editors"]}',
  '{"username":"dee","groups":["left-long-ago"]}',
]

const usernames = []
const offsets = [0]
const groupIds = []
for await (const line of lines) {
  const { username, groups } = JSON.parse(line)
  // A name that the pool does not have is in no token: it has no id, and is left out.
  for (const name of groups) {
    const id = pool.groupId(name)
    if (id !== undefined) groupIds.push(id)
  }
  usernames.push(username)
  offsets.push(groupIds.length)
}

// A pool has at most 10,000 groups: 16 bits are enough for an id.
const { outcomes, preferredRoleIds } = pool.resolveMany({
  offsets: Uint32Array.from(offsets),
  groupIds: Uint16Array.from(groupIds),
})

for (const [user, username] of usernames.entries()) {
  const outcome = OUTCOMES[outcomes[user]]
  const roleId = preferredRoleIds[user]
  // Where the outcome is undetermined, the id is that of a candidate: to be shown to a person, never to be granted.
  const key = outcome === 'undetermined' ? 'candidateRole' : 'preferredRole'
  console.log(JSON.stringify({ username, outcome, ...(roleId !== NO_ROLE && { [key]: pool.roles[roleId] }) }))
}
