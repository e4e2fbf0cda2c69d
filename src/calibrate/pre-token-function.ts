import { strToU8, zipSync } from 'fflate'
import type { PreTokenResponse } from '../claims/pre-token.js'

/** The responses of one user: for an event of version 1, and for one of version 2 or 3. */
export interface TriggerResponses {
  readonly one: PreTokenResponse
  readonly two: PreTokenResponse
}

/** The file and the export that Lambda calls. */
export const HANDLER = 'index.handler'

const FILE = 'index.mjs'

/** The first day that a zip file can name, so that the same responses are the same bytes. */
const FIRST_DAY = new Date(1980, 0, 1)

/**
 * The code of the trigger: it looks up its response by the username, and computes nothing. For an unknown user it returns
 * the event unchanged.
 */
export function preTokenSource(responses: Readonly<Record<string, TriggerResponses>>): string {
  return `// Made by "rolecast calibrate --pre-token", which deletes it at the end of its run.
const RESPONSES = ${JSON.stringify(responses, undefined, 2)}

export const handler = async event => {
  if (!Object.hasOwn(RESPONSES, event.userName)) return event
  const { one, two } = RESPONSES[event.userName]
  return { ...event, response: event.version === '1' ? one : two }
}
`
}

/** The code as `Code.ZipFile` of CreateFunction takes it. */
export function zipFunction(source: string): Uint8Array {
  return zipSync({ [FILE]: strToU8(source) }, { mtime: FIRST_DAY })
}
