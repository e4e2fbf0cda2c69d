import type { Writable } from 'node:stream'
import { Presets, SingleBar } from 'cli-progress'
import type { ReadProgress } from '../cognito/memberships/read-pool.js'

/** A bar that shows how far the reading of a pool is; nothing where the stream is not a terminal. */
export function createProgress(stream: Writable) {
  if ((stream as Partial<NodeJS.WriteStream>).isTTY !== true) return { update() {}, stop() {} }
  const bar = new SingleBar(
    {
      stream: stream as NodeJS.WriteStream,
      format: '{bar} {value}/{total} calls | {users} users | {rate} calls/s | {eta_formatted} left',
      etaBuffer: 200,
      hideCursor: true,
      clearOnComplete: true,
    },
    Presets.shades_classic,
  )
  let began: { readonly at: number; readonly pages: number } | undefined
  return {
    update({ pages, left, users }: ReadProgress) {
      const now = performance.now()
      if (began === undefined) {
        began = { at: now, pages }
        bar.start(pages + left, pages, { users, rate: '0' })
      }
      const seconds = (now - began.at) / 1000
      bar.setTotal(pages + left)
      bar.update(pages, { users, rate: seconds > 0 ? ((pages - began.pages) / seconds).toFixed(1) : '0' })
    },
    stop() {
      if (began !== undefined) bar.stop()
    },
  }
}
