import * as z from 'zod/mini'
import { listGroupsResponse } from '../cognito/api/responses.js'
import { firstIssue, readAs } from '../cognito/api/schema.js'
import { firstListedFault } from '../listed-group.js'
import type { InvalidFile } from './json-file.js'

/** A snapshot names its user pool once; the output of the AWS CLI names it for each group. */
const poolShape = z.extend(listGroupsResponse, {
  userPoolId: z.optional(z.string()),
  takenAt: z.optional(z.number()),
})

export type Pool = z.infer<typeof poolShape>

export function readPool(content: unknown, invalid: InvalidFile): Pool {
  const fault = firstListedFault((content as { readonly Groups?: unknown } | null)?.Groups)
  if (fault !== undefined) throw invalid(fault)
  const parsed = readAs(poolShape, content)
  if (!parsed.success) throw invalid(firstIssue(parsed.error, content).note, parsed.error)
  return parsed.data
}
