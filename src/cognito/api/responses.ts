import * as z from 'zod/mini'
import { MAX_PRECEDENCE } from '../../group.js'

export { creationOf, modificationOf, toGroup } from './group-type.js'

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

export type GroupType = z.infer<typeof groupType>

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
