import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** What a child process does: its data is ready. */
export interface Job {
  run(): unknown
  /** The checksum of the last run's result. */
  checksum(): number | Promise<number>
}

/** In a child process: prepares, and then runs when it is told to. */
export async function takeTurns(prepare: (users: number) => Job | Promise<Job>): Promise<void> {
  const job = await prepare(Number(process.argv[2]))
  process.on('message', async (order: Order) => {
    const start = process.hrtime.bigint()
    const checksum = order === 'checksum' ? await job.checksum() : void (await job.run())
    const milliseconds = Number(process.hrtime.bigint() - start) / 1e6
    process.send!({ checksum, milliseconds, megabytes: process.resourceUsage().maxRSS / 1024 } satisfies Turn)
  })
  process.send!('ready')
}

type Order = 'run' | 'checksum'

interface Turn {
  readonly milliseconds: number
  /** The peak memory of the process. */
  readonly megabytes: number
  readonly checksum: number | undefined
}

export interface Turns {
  /** Milliseconds, by round. */
  readonly times: readonly number[]
  /** The peak memory of the process, from its start to the end of the first round. */
  readonly megabytes: number
  readonly checksum: number
}

/** Starts a process for each of these files in this folder and lets them take turns, round after round. */
export async function inTurns(files: readonly string[], users: number, rounds: number): Promise<readonly Turns[]> {
  const children = []
  try {
    for (const file of files) {
      const child = fork(fileURLToPath(new URL(file, import.meta.url)), [String(users)], {
        execArgv: ['--import', 'tsx'],
      })
      children.push(child)
      await answerOf(child)
    }
    const times: number[][] = files.map(() => [])
    const megabytes: number[] = []
    for (let round = 0; round < rounds; round++) {
      for (const [index, child] of children.entries()) {
        const turn = await tell(child, 'run')
        times[index]!.push(turn.milliseconds)
        megabytes[index] ??= turn.megabytes
      }
    }
    const turns: Turns[] = []
    for (const [index, child] of children.entries()) {
      const { checksum } = await tell(child, 'checksum')
      turns.push({ times: times[index]!, megabytes: megabytes[index]!, checksum: checksum! })
    }
    return turns
  } finally {
    for (const child of children) child.kill()
  }
}

type Child = ReturnType<typeof fork>

async function tell(child: Child, order: Order): Promise<Turn> {
  child.send(order)
  return (await answerOf(child)) as Turn
}

async function answerOf(child: Child): Promise<unknown> {
  const gone = new AbortController()
  const [answer] = await Promise.race([
    once(child, 'message', { signal: gone.signal }),
    once(child, 'exit', { signal: gone.signal }).then(([code]) => {
      throw new Error(`${child.spawnargs.join(' ')} ended with ${code}`)
    }),
  ]).finally(() => gone.abort())
  return answer
}
