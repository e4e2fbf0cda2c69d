import * as z from 'zod/mini'
import { type Group, MAX_PRECEDENCE } from '../../group.js'

export const someText = z.string().check(z.minLength(1))
export const count = z.int().check(z.minimum(0))
export const precedence = z.int().check(z.minimum(0), z.maximum(MAX_PRECEDENCE))

/** GroupType as in the API: an unset field is a missing key. Some emulators have null or `""` instead. */
const groupType = z.object({
  GroupName: someText,
  Precedence: z.nullish(precedence),
  RoleArn: z.nullish(z.string()),
  UserPoolId: z.nullish(z.string()),
  CreationDate: z.optional(z.unknown()),
  LastModifiedDate: z.optional(z.unknown()),
})

const token = z.nullish(someText)

export const getGroupResponse = z.object({ Group: groupType })

/** The response of ListGroups and of AdminListGroupsForUser, which `aws cognito-idp list-groups` prints. */
export const listGroupsResponse = z.object({ Groups: z.array(groupType), NextToken: token })

/** A text without half a character (a lone surrogate), which UTF-8 cannot hold. */
export const wholeText = z.string().check(z.refine(text => text.isWellFormed(), 'half a character (a lone surrogate)'))

/** UserType as in the API: some emulators leave out all but the username. */
const userType = z.object({
  Username: someText,
  Attributes: z.nullish(z.array(z.object({ Name: z.string(), Value: z.nullish(wholeText) }))),
  Enabled: z.nullish(z.boolean()),
  UserStatus: z.nullish(wholeText),
})

export const listUsersResponse = z.object({ Users: z.array(userType), PaginationToken: token })

/** Only the username is read. */
export const listUsersInGroupResponse = z.object({ Users: z.array(z.object({ Username: someText })), NextToken: token })

export const describeUserPoolResponse = z.object({
  UserPool: z.object({
    Id: z.nullish(z.string()),
    Name: z.nullish(wholeText),
    Arn: z.nullish(z.string()),
    EstimatedNumberOfUsers: z.nullish(count),
  }),
})

export type UserType = z.infer<typeof userType>

/** When a group was created, in milliseconds since the epoch. Undefined where the response does not say it. */
export function creationOf({ CreationDate: date }: z.infer<typeof groupType>): number | undefined {
  return date instanceof Date && Number.isFinite(date.getTime()) ? date.getTime() : undefined
}

const ISO_DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d/

/**
 * When a group was last changed, in milliseconds since the epoch. Undefined where it is not said. The SDK has a date, and what
 * the AWS CLI prints has a text or a number of seconds.
 */
export function modificationOf({ LastModifiedDate: date }: z.infer<typeof groupType>): number | undefined {
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

export function toGroup({ GroupName, Precedence, RoleArn }: z.infer<typeof groupType>): Group {
  return Object.freeze({ groupName: GroupName, precedence: Precedence ?? null, roleArn: RoleArn || null })
}
