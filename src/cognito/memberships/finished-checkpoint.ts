import { quote, RolecastError } from '../../errors.js'
import { ownValue } from '../../record.js'
import type { UserPoolApi } from '../api/user-pool-api.js'
import { readCheckpoint } from './checkpoint.js'
import { type PoolReading, readPool } from './read-pool.js'

/**
 * The pool in a checkpoint whose reading is complete. Takes no lock, changes nothing, and sends no request. The reading is
 * incomplete if a resumed reading would still have something to read.
 *
 * @throws RolecastError `invalid-input` as a rejection: it is not a checkpoint, damaged, or its reading is not complete
 */
export async function readFinishedCheckpoint(path: string): Promise<PoolReading> {
  const content = await readCheckpoint(path)
  try {
    const userPoolId = ownValue(content.read, 'userPoolId')
    const incomplete = new RolecastError(
      'invalid-input',
      `the checkpoint ${quote(path)} is from an audit that did not read the whole pool; resume that audit, and compare its result`,
      { value: path },
    )
    if (typeof userPoolId !== 'string') throw incomplete
    const refuse = () => Promise.reject(incomplete)
    const api: UserPoolApi = {
      userPoolId,
      timeout: 1,
      lastOrder: () => 0,
      freeCalls: () => 0,
      getGroup: refuse,
      listGroups: refuse,
      listUsers: refuse,
      listUsersInGroup: refuse,
      adminListGroupsForUser: refuse,
      describeUserPool: refuse,
    }
    return await readPool({
      api,
      rates: { ListGroups: 1, ListUsers: 1, AdminListGroupsForUser: 1 },
      membershipsPerUser: 1,
      attributes: [],
      now: () => 0,
      checkpoint: {
        ...content,
        age: 0,
        resumed: true,
        append: refuse,
        flush: async () => {},
        remove: refuse,
      },
      signal: new AbortController().signal,
      onEvent: () => {},
      retryDelay: 0,
    })
  } finally {
    await content.close()
  }
}
