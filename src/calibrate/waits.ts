/** Milliseconds for which a service may not see a role that was just created: IAM needs some time. */
export const MAX_ROLE_WAIT = 60_000

/** Milliseconds between two requests. */
export const PAUSE = 2_000

/** The most requests in this many milliseconds. */
export function asks(ms: number): number {
  return ms / PAUSE + 1
}
