/** The pages that several rules follow. */
export const GROUP_TYPE =
  'https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_GroupType.html'
export const CREATE_GROUP =
  'https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateGroup.html'
export const UPDATE_GROUP =
  'https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UpdateGroup.html'
export const USER_GROUPS =
  'https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-user-groups.html'
export const ACCESS_CONTROL = 'https://docs.aws.amazon.com/cognito/latest/developerguide/role-based-access-control.html'
export const IAM_ROLES = 'https://docs.aws.amazon.com/cognito/latest/developerguide/iam-roles.html'
export const QUOTAS = 'https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html'
export const ROLE_MAPPING = 'https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_RoleMapping.html'
export const SET_ROLES = 'https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_SetIdentityPoolRoles.html'
export const MAPPING_RULE = 'https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_MappingRule.html'
export const CONDITION_KEYS =
  'https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html'

export const CREATE_IDENTITY_POOL =
  'https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_CreateIdentityPool.html'
