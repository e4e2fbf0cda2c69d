import { once } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import { Worker } from 'node:worker_threads'
import type { Memberships, ResolvedMany } from '../../dist/index.js'
import { type Answers, compared } from './compared.js'
import { membershipsOf, POOL } from './memberships.js'

/** How much sooner are two worker threads done than one, on the same SharedArrayBuffers? */
export async function benchThreads(small: boolean): Promise<Answers> {
  const users = small ? 20_000 : 10_000_000
  const memberships = membershipsOf(users)
  const threads = [1, 2].map(
    () => new Worker(new URL('thread.mjs', import.meta.url), { workerData: POOL, execArgv: [] }),
  )
  try {
    const times: Record<'one thread' | 'two threads', number[]> = { 'one thread': [], 'two threads': [] }
    for (let round = 0; round < (small ? 3 : 11); round++) {
      const one = await timed([memberships], threads)
      const two = await timed(halvesOf(memberships), threads)
      times['one thread'].push(one.milliseconds)
      times['two threads'].push(two.milliseconds)
      if (!isDeepStrictEqual(together(two.answers), one.answers[0])) throw new Error('two threads and one differ')
    }
    return { [`${users} users on worker threads`]: compared('ms', times) }
  } finally {
    await Promise.all(threads.map(thread => thread.terminate()))
  }
}

/** The offsets of each half point into the group ids of all. */
function halvesOf({ offsets, groupIds }: Memberships): readonly Memberships[] {
  const middle = offsets.length >>> 1
  return [
    { offsets: offsets.subarray(0, middle + 1), groupIds },
    { offsets: offsets.subarray(middle), groupIds },
  ]
}

async function timed(parts: readonly Memberships[], threads: readonly Worker[]) {
  const start = process.hrtime.bigint()
  const answers = await Promise.all(
    parts.map(async (part, index): Promise<ResolvedMany> => {
      const answer = once(threads[index]!, 'message')
      threads[index]!.postMessage(part, [])
      return (await answer)[0]
    }),
  )
  return { answers, milliseconds: Number(process.hrtime.bigint() - start) / 1e6 }
}

function together(answers: readonly ResolvedMany[]): ResolvedMany {
  const users = answers.reduce((sum, { outcomes }) => sum + outcomes.length, 0)
  const all = { outcomes: new Uint8Array(users), preferredRoleIds: new Int32Array(users) }
  let at = 0
  for (const { outcomes, preferredRoleIds } of answers) {
    all.outcomes.set(outcomes, at)
    all.preferredRoleIds.set(preferredRoleIds, at)
    at += outcomes.length
  }
  return all
}
