import { MAX_PRECEDENCE } from '../group.js'
import { MAX_ROLE_ARN_LENGTH } from '../quotas.js'
import { operation, type Operation, POOL_ID, poolOf, seconds, USERNAME } from './service-state.js'
import {
  addGroup,
  addMember,
  groupOf,
  groupsOfPool,
  groupsOfUser,
  pageOf,
  type PoolGroup,
  type UserPool,
  userOf,
} from './user-pool.js'
import { userType } from './user-operations.js'

const GROUP_NAME = {
  type: 'string',
  required: true,
  min: 1,
  max: 128,
  pattern: /^[\p{L}\p{M}\p{S}\p{N}\p{P}]+$/u,
} as const

const SETTINGS = {
  Description: { type: 'string', max: 2048 },
  RoleArn: {
    type: 'string',
    min: 20,
    max: MAX_ROLE_ARN_LENGTH,
    pattern: /^arn:[\w+=/,.@-]+:[\w+=/,.@-]+:([\w+=/,.@-]*)?:[0-9]+:[\w+=/,.@-]+(:[\w+=/,.@-]+)?(:[\w+=/,.@-]+)?$/,
  },
  Precedence: { type: 'integer', min: 0, max: MAX_PRECEDENCE },
} as const

/** For the three lists of groups and members. Zero is rejected, although the API model allows it. */
const PAGE = {
  Limit: { type: 'integer', min: 1, max: 60, field: 'maxResults' },
  NextToken: { type: 'string', min: 1 },
} as const

export const GROUP_OPERATIONS = {
  CreateGroup: operation(
    { UserPoolId: POOL_ID, GroupName: GROUP_NAME, ...SETTINGS },
    ({ UserPoolId, GroupName, Description, RoleArn, Precedence }, service) => {
      const pool = poolOf(service, UserPoolId)
      const group = addGroup(pool, {
        groupName: GroupName,
        createdAt: service.now(),
        ...(Description !== undefined && { description: Description }),
        ...(RoleArn !== undefined && { roleArn: RoleArn }),
        ...(Precedence !== undefined && { precedence: Precedence }),
      })
      return { Group: groupType(pool, group) }
    },
  ),

  /** A field that is left out, null, or an empty description keeps its value; if none is left, so does the date. */
  UpdateGroup: operation(
    { UserPoolId: POOL_ID, GroupName: GROUP_NAME, ...SETTINGS },
    ({ UserPoolId, GroupName, Description, RoleArn, Precedence }, service) => {
      const pool = poolOf(service, UserPoolId)
      const group = groupOf(pool, GroupName)
      if (Description) group.description = Description
      if (RoleArn !== undefined) group.roleArn = RoleArn
      if (Precedence !== undefined) group.precedence = Precedence
      if (Description || RoleArn !== undefined || Precedence !== undefined) group.modifiedAt = service.now()
      return { Group: groupType(pool, group) }
    },
  ),

  GetGroup: operation({ UserPoolId: POOL_ID, GroupName: GROUP_NAME }, ({ UserPoolId, GroupName }, service) => {
    const pool = poolOf(service, UserPoolId)
    return { Group: groupType(pool, groupOf(pool, GroupName)) }
  }),

  DeleteGroup: operation({ UserPoolId: POOL_ID, GroupName: GROUP_NAME }, ({ UserPoolId, GroupName }, service) => {
    const pool = poolOf(service, UserPoolId)
    pool.groups.delete(groupOf(pool, GroupName).groupName)
    return {}
  }),

  ListGroups: operation({ UserPoolId: POOL_ID, ...PAGE }, ({ UserPoolId, Limit, NextToken }, service) => {
    const pool = poolOf(service, UserPoolId)
    const { items, next } = pageOf(
      pool,
      'ListGroups',
      { limit: Limit, token: NextToken },
      () => groupsOfPool(pool).map(nameOf),
      name => pool.groups.get(name),
    )
    return { Groups: items.map(group => groupType(pool, group)), NextToken: next }
  }),

  AdminListGroupsForUser: operation(
    { UserPoolId: POOL_ID, Username: USERNAME, ...PAGE },
    ({ UserPoolId, Username, Limit, NextToken }, service) => {
      const pool = poolOf(service, UserPoolId)
      const user = userOf(pool, Username)
      const { items, next } = pageOf(
        pool,
        `AdminListGroupsForUser ${user.username}`,
        { limit: Limit, token: NextToken },
        () => groupsOfUser(pool, user).map(nameOf),
        name => {
          const group = pool.groups.get(name)
          return group?.members.has(user.username) ? group : undefined
        },
      )
      return { Groups: items.map(group => groupType(pool, group)), NextToken: next }
    },
  ),

  ListUsersInGroup: operation(
    { UserPoolId: POOL_ID, GroupName: GROUP_NAME, ...PAGE },
    ({ UserPoolId, GroupName, Limit, NextToken }, service) => {
      const pool = poolOf(service, UserPoolId)
      const group = groupOf(pool, GroupName)
      const { items, next } = pageOf(
        pool,
        `ListUsersInGroup ${group.groupName}`,
        { limit: Limit, token: NextToken },
        () => [...group.members],
        name => (group.members.has(name) ? pool.users.get(name) : undefined),
      )
      return { Users: items.map(user => userType(user)), NextToken: next }
    },
  ),

  AdminAddUserToGroup: operation(
    { UserPoolId: POOL_ID, Username: USERNAME, GroupName: GROUP_NAME },
    ({ UserPoolId, Username, GroupName }, service) => {
      const pool = poolOf(service, UserPoolId)
      const user = userOf(pool, Username)
      addMember(pool, groupOf(pool, GroupName), user)
      return {}
    },
  ),

  /** A group that does not exist has no members, so there is nothing to do. */
  AdminRemoveUserFromGroup: operation(
    { UserPoolId: POOL_ID, Username: USERNAME, GroupName: GROUP_NAME },
    ({ UserPoolId, Username, GroupName }, service) => {
      const pool = poolOf(service, UserPoolId)
      const { username } = userOf(pool, Username)
      pool.groups.get(GroupName)?.members.delete(username)
      return {}
    },
  ),
} satisfies Record<string, Operation>

const nameOf = ({ groupName }: PoolGroup) => groupName

/** A value that is not set is an absent key. */
function groupType({ id }: UserPool, group: PoolGroup): object {
  return {
    GroupName: group.groupName,
    UserPoolId: id,
    Description: group.description,
    RoleArn: group.roleArn,
    Precedence: group.precedence,
    LastModifiedDate: seconds(group.modifiedAt),
    CreationDate: seconds(group.createdAt),
  }
}
