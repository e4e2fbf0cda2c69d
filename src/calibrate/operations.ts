import type { AwsService } from '../aws-hosts.js'

/** The services that a run calls, by the prefix of their permissions. */
export type Service = AwsService

export interface OperationFacts {
  readonly service: Service
  /**
   * The most calls that a run makes in any second, together with all others of this `quota`. AWS's quotas are for an
   * account in a Region, so a run takes a part of each and leaves the rest to your applications.
   */
  readonly quota: keyof typeof RATES
  /** It creates something each time it is sent: if the response is lost, a retry could create a second one. */
  readonly isCreation?: true
  /** Needed in addition to, or instead of, the permission with the operation's name. */
  readonly permissions?: readonly string[]
}

/**
 * Calls a second of a run, by AWS's categories.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
 */
export const RATES = {
  /** 15 for an account, 5 for one pool. */
  UserPoolUpdate: 4,
  UserPoolRead: 4,
  UserPoolClientUpdate: 4,
  UserPoolResourceUpdate: 4,
  /** 50, 25, 25, 50 and 120 for an account. */
  UserCreation: 10,
  UserUpdate: 10,
  UserResourceUpdate: 10,
  UserResourceRead: 10,
  UserAuthentication: 10,
  /** Of other services: their quotas are higher, or not published. */
  other: 4,
} as const

/** Every operation that a run can call. */
export const OPERATIONS = {
  CreateUserPool: {
    service: 'cognito-idp',
    quota: 'UserPoolUpdate',
    isCreation: true,
    permissions: ['cognito-idp:CreateUserPool', 'cognito-idp:TagResource'],
  },
  DescribeUserPool: { service: 'cognito-idp', quota: 'UserPoolRead' },
  ListUserPools: { service: 'cognito-idp', quota: 'UserPoolRead' },
  DeleteUserPool: { service: 'cognito-idp', quota: 'UserPoolUpdate' },
  CreateUserPoolClient: { service: 'cognito-idp', quota: 'UserPoolClientUpdate' },
  CreateGroup: {
    service: 'cognito-idp',
    quota: 'UserPoolResourceUpdate',
    permissions: ['cognito-idp:CreateGroup', 'iam:PassRole'],
  },
  UpdateGroup: {
    service: 'cognito-idp',
    quota: 'UserPoolResourceUpdate',
    permissions: ['cognito-idp:UpdateGroup', 'iam:PassRole'],
  },
  DeleteGroup: { service: 'cognito-idp', quota: 'UserPoolResourceUpdate' },
  AdminCreateUser: { service: 'cognito-idp', quota: 'UserCreation' },
  AdminSetUserPassword: { service: 'cognito-idp', quota: 'UserUpdate' },
  AdminAddUserToGroup: { service: 'cognito-idp', quota: 'UserResourceUpdate' },
  AdminRemoveUserFromGroup: { service: 'cognito-idp', quota: 'UserResourceUpdate' },
  AdminListGroupsForUser: { service: 'cognito-idp', quota: 'UserResourceRead' },
  AdminInitiateAuth: { service: 'cognito-idp', quota: 'UserAuthentication' },
  GetCallerIdentity: { service: 'sts', quota: 'other', permissions: [] },
  CreateIdentityPool: {
    service: 'cognito-identity',
    quota: 'other',
    isCreation: true,
    permissions: ['cognito-identity:CreateIdentityPool', 'cognito-identity:TagResource'],
  },
  DescribeIdentityPool: { service: 'cognito-identity', quota: 'other' },
  ListIdentityPools: { service: 'cognito-identity', quota: 'other' },
  DeleteIdentityPool: { service: 'cognito-identity', quota: 'other' },
  SetIdentityPoolRoles: {
    service: 'cognito-identity',
    quota: 'other',
    permissions: ['cognito-identity:SetIdentityPoolRoles', 'iam:PassRole'],
  },
  GetIdentityPoolRoles: { service: 'cognito-identity', quota: 'other' },
  /** What a signed-in user sends: with a token, and without permissions. */
  GetId: { service: 'cognito-identity', quota: 'other', permissions: [] },
  GetCredentialsForIdentity: { service: 'cognito-identity', quota: 'other', permissions: [] },
  CreateRole: { service: 'iam', quota: 'other', isCreation: true, permissions: ['iam:CreateRole', 'iam:TagRole'] },
  GetRole: { service: 'iam', quota: 'other' },
  DeleteRole: { service: 'iam', quota: 'other' },
  CreateFunction: {
    service: 'lambda',
    quota: 'other',
    isCreation: true,
    permissions: ['lambda:CreateFunction', 'lambda:TagResource', 'iam:PassRole'],
  },
  /** Its response has the tags only for a caller that may list them. */
  GetFunction: { service: 'lambda', quota: 'other', permissions: ['lambda:GetFunction', 'lambda:ListTags'] },
  AddPermission: { service: 'lambda', quota: 'other' },
  DeleteFunction: { service: 'lambda', quota: 'other' },
} as const satisfies Readonly<Record<string, OperationFacts>>

/** An operation of AWS that a run can call. */
export type Operation = keyof typeof OPERATIONS

export function factsOf(operation: Operation): OperationFacts {
  return OPERATIONS[operation]
}

/** What the caller needs to be allowed. */
export function permissionsOf(operation: Operation): readonly string[] {
  const { service, permissions } = factsOf(operation)
  return permissions ?? [`${service}:${operation}`]
}
