import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { kill, pid as ownPid, platform } from 'node:process'
import { promisify } from 'node:util'
import { ownValue } from '../../record.js'
import { oneLine } from '../api/api-error.js'

/** The process that holds a lock, as written in the lock. */
export interface LockHolder {
  /** Of this one lock, so that no two locks have the same text. */
  readonly id: string
  readonly pid: number
  readonly host: string
  /** When the lock was taken, as an ISO 8601 date. */
  readonly since?: string | undefined
  /**
   * Where the pid is counted: two processes with one scope see each other under their pids. Absent where it cannot be
   * known.
   */
  readonly scope?: string | undefined
  /** When the process was started, in a form that is only meaningful within its scope. Absent if it cannot be known. */
  readonly started?: string | undefined
}

/** This process as the holder of a new lock. */
export async function newHolder(now: number): Promise<LockHolder> {
  const [scope, start] = await Promise.all([ownScope(), startOf(ownPid)])
  const since = new Date(now).toISOString()
  return { pid: ownPid, host: hostname(), id: randomUUID(), since, scope, started: start?.started }
}

/** Undefined for a value that is not a holder. */
export function toHolder(found: object): LockHolder | undefined {
  const [pid, host, id] = [ownValue(found, 'pid'), ownValue(found, 'host'), ownValue(found, 'id')]
  if (!Number.isSafeInteger(pid) || (pid as number) <= 0 || typeof host !== 'string') return undefined
  if (typeof id !== 'string' || !/^[0-9a-f-]{36}$/.test(id)) return undefined
  const text = (name: string) => {
    const value = ownValue(found, name)
    return typeof value === 'string' ? value : undefined
  }
  return { pid: pid as number, host, id, since: text('since'), scope: text('scope'), started: text('started') }
}

/**
 * Whether the process of a holder runs. `unknown`: it cannot be seen from here, because it may be on another machine, in
 * another container or of an earlier boot, or its pid may belong to another process now.
 */
export async function stateOf(holder: LockHolder): Promise<'running' | 'ended' | 'unknown'> {
  const scope = await ownScope()
  if (scope === undefined || holder.scope !== scope) return 'unknown'
  if (!exists(holder.pid)) return 'ended'
  const start = await startOf(holder.pid)
  if (start === undefined) return 'unknown'
  if (start.isOver) return 'ended'
  if (holder.started === undefined) return 'unknown'
  return holder.started === start.started ? 'running' : 'ended'
}

/** For a message: `process 7 on host-a since 2026-01-02T03:04:05.000Z`. */
export function describeHolder({ pid, host, since }: LockHolder): string {
  return `process ${pid} on ${oneLine(host)}${since === undefined ? '' : ` since ${oneLine(since)}`}`
}

function exists(pid: number): boolean {
  try {
    kill(pid, 0)
    return true
  } catch (cause) {
    // EPERM: it is of another user.
    return (cause as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

let scopeOfThis: Promise<string | undefined> | undefined

function ownScope(): Promise<string | undefined> {
  return (scopeOfThis ??= platform === 'linux' ? scopeOnLinux() : Promise.resolve(`${platform} ${hostname()}`))
}

/**
 * One boot of one kernel, and in it the namespaces in which a pid and a start time mean the same. Containers with one host
 * name and one folder differ here, and so does the machine after it was started again, which looks like another machine.
 */
async function scopeOnLinux(): Promise<string | undefined> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => undefined)
  const pids = await readlink('/proc/self/ns/pid').catch(() => undefined)
  // Older kernels have none.
  const times = await readlink('/proc/self/ns/time').catch(() => '-')
  return boot === undefined || pids === undefined ? undefined : `${boot.trim()} ${pids} ${times}`
}

interface ProcessStart {
  readonly started: string
  /** Whether it has ended but its parent has not collected its exit status. */
  readonly isOver: boolean
}

/** Undefined where it cannot be known, as on Windows without starting another program for a second. */
async function startOf(pid: number): Promise<ProcessStart | undefined> {
  if (platform === 'win32') return undefined
  return (platform === 'linux' ? startOnLinux(pid) : startByPs(pid)).catch(() => undefined)
}

/** @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
async function startOnLinux(pid: number): Promise<ProcessStart | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
  // The second field is the name of the program in parentheses, with whatever is in that name.
  const [state = '', ...rest] = stat.slice(stat.lastIndexOf(') ') + 2).split(' ')
  const started = rest[STARTTIME - STATE - 1]
  return started === undefined ? undefined : { started, isOver: state === 'Z' || state === 'X' }
}

/** The numbers of these fields. */
const STATE = 3
const STARTTIME = 22

async function startByPs(pid: number): Promise<ProcessStart | undefined> {
  const { stdout } = await promisify(execFile)('/bin/ps', ['-o', 'stat=,lstart=', '-p', `${pid}`], {
    env: { LC_ALL: 'C', TZ: 'UTC' },
    timeout: 5_000,
  })
  const [state = '', ...started] = stdout.trim().split(/\s+/)
  return started.length === 0 ? undefined : { started: started.join(' '), isOver: state.startsWith('Z') }
}
