import * as z from 'zod/mini'
import { RolecastError, quote } from '../../errors.js'
import type { Group } from '../../group.js'
import { firstListedFault } from '../../listed-group.js'
import { listGroupsResponse, someText, toGroup } from '../api/responses.js'
import type { ConnectionOptions } from '../api/connection-options.js'
import { createUserPoolApi, listGroupsOfPool } from '../api/user-pool-api.js'
import { firstIssue, readAs } from '../api/schema.js'

/**
 * All groups of a user pool at one time, as JSON. Bundled with the code, it lets a fleet resolve without a call. `Groups`
 * is as in the response of ListGroups, so `rolecast predict --pool-file` reads a snapshot too.
 */
export interface PoolSnapshot {
  /** The version of the format. */
  readonly version: 1
  /** The user pool. */
  readonly userPoolId: string
  /** Milliseconds since the epoch, when the first page was requested. */
  readonly takenAt: number
  /** All groups of the pool. */
  readonly Groups: readonly { readonly GroupName: string; readonly Precedence?: number; readonly RoleArn?: string }[]
}

const snapshotShape = z.extend(listGroupsResponse, {
  version: z.literal(1),
  userPoolId: someText,
  takenAt: z.number().check(z.minimum(0)),
  NextToken: z.optional(z.undefined()),
})

/** The content of a snapshot. */
interface SnapshotContent {
  readonly userPoolId: string
  readonly takenAt: number
  readonly groups: readonly Group[]
}

/** @throws RolecastError `invalid-input` for anything but a whole snapshot of this version */
export function parseSnapshot(value: unknown): SnapshotContent {
  const invalid = (what: string, cause?: unknown) =>
    new RolecastError('invalid-input', `the snapshot cannot be used (${what}); create it with \`rolecast snapshot\``, {
      value,
      cause,
    })
  const fault = firstListedFault((value as { readonly Groups?: unknown } | null | undefined)?.Groups)
  if (fault !== undefined) throw invalid(fault)
  const parsed = readAs(snapshotShape, value)
  if (!parsed.success) throw invalid(firstIssue(parsed.error, value).note, parsed.error)
  const { userPoolId, takenAt, Groups } = parsed.data
  const groups = new Map<string, Group>()
  for (const group of Groups.map(toGroup)) {
    if (groups.has(group.groupName)) throw invalid(`it has the group ${quote(group.groupName)} twice`)
    groups.set(group.groupName, group)
  }
  return { userPoolId, takenAt, groups: [...groups.values()] }
}

/** The options of `takeSnapshot`. */
export interface SnapshotOptions extends ConnectionOptions {
  /** The user pool, for example `eu-west-1_Ab12Cd34e`. */
  readonly userPoolId: string
  /**
   * Aborts the reading.
   *
   * @default none
   */
  readonly signal?: AbortSignal | undefined
  /**
   * The current time, in milliseconds since the epoch.
   *
   * @default Date.now
   */
  readonly clock?: (() => number) | undefined
}

/**
 * Reads a whole user pool, 60 groups a call.
 *
 * @param options the user pool, and how to reach Cognito
 * @throws RolecastError as a rejection: if a page cannot be read, there is no snapshot
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListGroups.html
 * @example
 * import { writeFile } from 'node:fs/promises'
 * import { takeSnapshot } from 'rolecast/cognito'
 *
 * await writeFile('groups.json', JSON.stringify(await takeSnapshot({ userPoolId: 'eu-west-1_Ab12Cd34e' })))
 */
export async function takeSnapshot({ signal, clock = Date.now, ...options }: SnapshotOptions): Promise<PoolSnapshot> {
  const api = createUserPoolApi({ ...options, clock, onCall: () => {} })
  const takenAt = clock()
  const { byName } = await listGroupsOfPool(api, signal ?? new AbortController().signal)
  const groups = [...byName.values()].flatMap(({ group }) => group ?? [])
  return {
    version: 1,
    userPoolId: options.userPoolId,
    takenAt,
    Groups: groups.map(({ groupName, precedence, roleArn }) => ({
      GroupName: groupName,
      ...(precedence != null && { Precedence: precedence }),
      ...(roleArn != null && { RoleArn: roleArn }),
    })),
  }
}
