import { execFile } from 'node:child_process'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** One way to do the job; it does it `times` times and returns something that depends on the work. */
export interface Candidate {
  readonly name: string
  readonly run: (times: number) => unknown
}

export interface Measured {
  readonly name: string
  /** The median over the rounds. */
  readonly nanoseconds: number
  /** The median over the rounds of this time divided by the first candidate's in the same round. */
  readonly ratio: number
}

const ROUNDS = 41
const MILLISECONDS_PER_SAMPLE = 8

/**
 * Times the candidates in turn, round after round, and compares each with the first of the same round: when the machine
 * slows down it slows all of them. Medians, because a shared machine has outliers in one direction.
 */
export async function compare(candidates: readonly Candidate[]): Promise<readonly Measured[]> {
  const times: number[] = []
  for (const candidate of candidates) times.push(await calibrate(candidate))
  return inTurns(candidates, ROUNDS, (candidate, index) => sample(candidate, times[index]!))
}

/** The same for work that takes long enough once, with a time for each of its items; it runs once before, to warm up. */
export async function compareOnce(
  candidates: readonly Candidate[],
  rounds: number,
  things = 1,
): Promise<readonly Measured[]> {
  for (const candidate of candidates) await sample(candidate, 1)
  return inTurns(candidates, rounds, async candidate => (await sample(candidate, 1)) / things)
}

async function inTurns(
  candidates: readonly Candidate[],
  rounds: number,
  take: (candidate: Candidate, index: number) => Promise<number>,
): Promise<readonly Measured[]> {
  const samples: number[][] = candidates.map(() => [])
  for (let round = 0; round < rounds; round++) {
    for (const [index, candidate] of candidates.entries()) samples[index]!.push(await take(candidate, index))
  }
  return candidates.map(({ name }, index) => ({
    name,
    nanoseconds: median(samples[index]!),
    ratio: median(samples[index]!.map((value, round) => value / samples[0]![round]!)),
  }))
}

/** How often to run for a sample of the right length; also warms it up. */
async function calibrate(candidate: Candidate): Promise<number> {
  let times = 16
  for (;;) {
    const milliseconds = ((await sample(candidate, times)) * times) / 1e6
    if (milliseconds >= MILLISECONDS_PER_SAMPLE) return times
    times = milliseconds < 1 ? times * 4 : Math.ceil((times * MILLISECONDS_PER_SAMPLE * 1.2) / milliseconds)
  }
}

/** The result of the work, so that no optimiser can remove it. */
export const sink: { value: unknown } = { value: undefined }

async function sample({ run }: Candidate, times: number): Promise<number> {
  const start = process.hrtime.bigint()
  const result = run(times)
  sink.value = result instanceof Promise ? await result : result
  return Number(process.hrtime.bigint() - start) / times
}

/** Processor time of a process from its start to its end, user and system. */
export interface WholeProcess {
  readonly name: string
  readonly milliseconds: number
  /** Of the first one's. */
  readonly ratio: number
}

const TELL = fileURLToPath(new URL('tell-cpu.cjs', import.meta.url))

/** The least of some rounds, in each of which the processes take turns: other work of the machine only adds to it. */
export async function leastCpu(
  processes: readonly { readonly name: string; readonly args: readonly string[]; readonly env?: NodeJS.ProcessEnv }[],
  { rounds = 11, cwd }: { readonly rounds?: number; readonly cwd?: string } = {},
): Promise<readonly WholeProcess[]> {
  const least = processes.map(() => Infinity)
  for (let round = 0; round < rounds; round++) {
    for (const [index, { args, env }] of processes.entries()) {
      const { stderr } = await promisify(execFile)(process.execPath, ['--require', TELL, ...args], {
        ...(cwd !== undefined && { cwd }),
        // What the environment asks Node to load, such as more certificates, would be in each of the times.
        env: env ?? { PATH: process.env['PATH'] },
      })
      least[index] = Math.min(least[index]!, Number(stderr.slice(stderr.lastIndexOf('\n') + 1)) / 1_000)
    }
  }
  return processes.map(({ name }, index) => ({
    name,
    milliseconds: least[index]!,
    ratio: least[index]! / least[0]!,
  }))
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}

export function machine(): string {
  return `${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}, ${process.platform} ${process.arch}`
}
