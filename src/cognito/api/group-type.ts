import type { Group } from '../../group.js'
import type { GroupType } from './responses.js'

/** When a group was created, in milliseconds since the epoch. Undefined if the response does not have it. */
export function creationOf({ CreationDate: date }: GroupType): number | undefined {
  return date instanceof Date && Number.isFinite(date.getTime()) ? date.getTime() : undefined
}

const ISO_DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d/

/**
 * When a group was last changed, in milliseconds since the epoch. Undefined if the response does not have it. The SDK
 * has a date, and what the AWS CLI prints has a string or a number of seconds.
 */
export function modificationOf({ LastModifiedDate: date }: GroupType): number | undefined {
  const time =
    date instanceof Date
      ? date.getTime()
      : typeof date === 'number'
        ? date * 1_000
        : typeof date === 'string' && ISO_DATE.test(date)
          ? Date.parse(date)
          : NaN
  return Number.isFinite(time) ? time : undefined
}

export function toGroup({ GroupName, Precedence, RoleArn }: GroupType): Group {
  return Object.freeze({ groupName: GroupName, precedence: Precedence ?? null, roleArn: RoleArn || null })
}
