import { z } from 'zod'
import { type Group, MAX_PRECEDENCE } from '../group.js'

/** GroupType as the API gives it; an unset field is a missing key there, and null or `""` in some emulators. */
const groupType = z.object({
  GroupName: z.string().min(1),
  Precedence: z.int().min(0).max(MAX_PRECEDENCE).nullish(),
  RoleArn: z.string().nullish(),
  UserPoolId: z.string().nullish(),
})

const token = z.string().min(1).nullish()

export const getGroupAnswer = z.object({ Group: groupType })

/** What ListGroups and AdminListGroupsForUser answer, and so what `aws cognito-idp list-groups` prints. */
export const listGroupsAnswer = z.object({ Groups: z.array(groupType), NextToken: token })

/** Nothing of a user is read but the name. */
const Users = z.array(z.object({ Username: z.string().min(1) }))

export const listUsersAnswer = z.object({ Users, PaginationToken: token })

export const listUsersInGroupAnswer = z.object({ Users, NextToken: token })

export const describeUserPoolAnswer = z.object({
  UserPool: z.object({ Id: z.string().nullish(), EstimatedNumberOfUsers: z.int().min(0).nullish() }),
})

export function toGroup({ GroupName, Precedence, RoleArn }: z.infer<typeof groupType>): Group {
  return Object.freeze({ groupName: GroupName, precedence: Precedence ?? null, roleArn: RoleArn || null })
}

/** What is wrong with an answer, in a few words, and the value that is. */
export function firstIssue(error: z.ZodError, input: unknown): { readonly note: string; readonly value: unknown } {
  const { path, message } = error.issues[0]!
  const value = path.reduce<unknown>((part, key) => (part as Record<PropertyKey, unknown>)?.[key], input)
  return { note: `${path.join('.') || 'the whole'}: ${message}`, value }
}
