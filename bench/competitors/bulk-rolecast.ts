import { compilePool, type ResolvedMany } from '../../dist/index.js'
import { createChecksum, membershipsOf, POOL } from './memberships.js'
import { takeTurns } from './turns.js'

await takeTurns(users => {
  const memberships = membershipsOf(users)
  const pool = compilePool(POOL)
  let answer: ResolvedMany
  return {
    run() {
      answer = pool.resolveMany(memberships)
    },
    checksum() {
      const checksum = createChecksum()
      for (let user = 0; user < users; user++) checksum.add(answer.outcomes[user]!, answer.preferredRoleIds[user]!)
      return checksum.value()
    },
  }
})
