import type { Suppression } from '../rules/infrastructure.js'

/**
 * Parses a comment such as `# rolecast:ignore COG101,COG102 exp=2027-01-01 they never share a user`: rule ids separated
 * by commas, then optionally `exp=` and a date, then the reason. `undefined`: the comment is about something else.
 */
export function parseIgnoreComment(comment: string): Pick<Suppression, 'rules' | 'reason' | 'expires'> | undefined {
  const match = /\brolecast:ignore\b[ \t]*((?!exp=)[^\s,]+(?:,[ \t]*[^\s,]+)*)?[ \t]*(?:exp=(\S*))?(.*)/.exec(comment)
  if (match === null) return undefined
  const [, rules = '', expires, reason = ''] = match
  return { rules: rules.split(/,[ \t]*/).filter(rule => rule !== ''), reason: reason.trim(), expires }
}
