/**
 * AWS's numbers, each once.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
 */

/** Groups of a user pool; not adjustable. */
export const MAX_GROUPS_PER_POOL = 10_000

/** Groups of a user; not adjustable. */
export const MAX_GROUPS_PER_USER = 100

/**
 * Characters of a role ARN in a group.
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateGroup.html
 */
export const MAX_ROLE_ARN_LENGTH = 2048

/**
 * Requests a second. GetGroup and ListGroups share the first, which is for one pool; the others are for an account in a
 * Region.
 */
export const REQUESTS_PER_SECOND = {
  GetGroup: 5,
  ListUsers: 30,
  AdminListGroupsForUser: 50,
  DescribeUserPool: 5,
} as const
