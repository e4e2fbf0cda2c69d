/** Milliseconds for which a service may not see a role that was just created: IAM needs some time. */
export const MAX_ROLE_WAIT = 60_000

/** Milliseconds between two questions. */
export const PAUSE = 2_000

/** How often is asked, at most, in so many milliseconds. */
export function asks(ms: number): number {
  return ms / PAUSE + 1
}
