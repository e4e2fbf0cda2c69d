import * as z from 'zod/mini'
import { type Group, MAX_PRECEDENCE } from '../../group.js'

export const someText = z.string().check(z.minLength(1))
export const count = z.int().check(z.minimum(0))
export const precedence = z.int().check(z.minimum(0), z.maximum(MAX_PRECEDENCE))

/** GroupType as the API gives it; an unset field is a missing key there, and null or `""` in some emulators. */
const groupType = z.object({
  GroupName: someText,
  Precedence: z.nullish(precedence),
  RoleArn: z.nullish(z.string()),
  UserPoolId: z.nullish(z.string()),
})

const token = z.nullish(someText)

export const getGroupAnswer = z.object({ Group: groupType })

/** What ListGroups and AdminListGroupsForUser answer, and so what `aws cognito-idp list-groups` prints. */
export const listGroupsAnswer = z.object({ Groups: z.array(groupType), NextToken: token })

/** Nothing of a user is read but the name. */
const Users = z.array(z.object({ Username: someText }))

export const listUsersAnswer = z.object({ Users, PaginationToken: token })

export const listUsersInGroupAnswer = z.object({ Users, NextToken: token })

export const describeUserPoolAnswer = z.object({
  UserPool: z.object({ Id: z.nullish(z.string()), EstimatedNumberOfUsers: z.nullish(count) }),
})

export function toGroup({ GroupName, Precedence, RoleArn }: z.infer<typeof groupType>): Group {
  return Object.freeze({ groupName: GroupName, precedence: Precedence ?? null, roleArn: RoleArn || null })
}
