import { parentPort, workerData } from 'node:worker_threads'
import { compilePool } from '../../dist/index.js'

const pool = compilePool(workerData)

/** The memberships are shared, and the answer changes hands: nothing is copied. */
parentPort.on('message', memberships => {
  const { outcomes, preferredRoleIds } = pool.resolveMany(memberships)
  parentPort.postMessage({ outcomes, preferredRoleIds }, [outcomes.buffer, preferredRoleIds.buffer])
})
