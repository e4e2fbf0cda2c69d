import { writeSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { openCheckpoint } from '../../../src/cognito/memberships/checkpoint.js'

/** What a record has besides its number: every fifth is longer than many pages of memory. */
export const padding = (n: number) => 'ü'.repeat(n % 5 === 4 ? 100_000 + n : n % 90)

// Run as a program: appends until it is killed, and says which records are acknowledged.
const [, program, path, limit = 'Infinity'] = process.argv
if (program?.endsWith('checkpoint-writer.ts') && path !== undefined) {
  try {
    const checkpoint = await openCheckpoint(path, {
      read: { userPoolId: 'eu-west-1_a' },
      now: Date.now,
      maxAge: Infinity,
    })
    let n = 0
    const records = checkpoint.records()[Symbol.asyncIterator]()
    while (!(await records.next()).done) n++
    writeSync(1, `open ${n}\n`)
    for (; n < Number(limit); n++) {
      await checkpoint.append({ n, pad: padding(n) })
      writeSync(1, `${n}\n`)
      // Lets a signal in, and stands for the call that a page takes.
      await setImmediate()
    }
    await checkpoint.close()
  } catch (error) {
    writeSync(1, `failed ${(error as Error).message}\n`)
    process.exitCode = 2
  }
}
