import type { CalibrationGroup } from '../claims/calibration.js'
import type { ClaimChanges, GroupOverrideDetails, PreTokenResponse } from '../claims/pre-token.js'
import type { TriggerResponses } from './pre-token-function.js'

/** `LambdaVersion` of a pool's trigger. */
export type TriggerVersion = 'V1_0' | 'V2_0' | 'V3_0'

export interface TriggerPool {
  readonly version: TriggerVersion
  /** `version` of the event that the function gets. */
  readonly event: '1' | '2' | '3'
  /** The Lite tier has only version 1; the others need a higher tier. */
  readonly tier: 'LITE' | 'ESSENTIALS'
}

/** The pools that are made: one for each version of the trigger. */
export const TRIGGER_POOLS: readonly TriggerPool[] = [
  { version: 'V1_0', event: '1', tier: 'LITE' },
  { version: 'V2_0', event: '2', tier: 'ESSENTIALS' },
  { version: 'V3_0', event: '3', tier: 'ESSENTIALS' },
]

/** What the function does to a token, in the words of all versions. */
interface Override {
  /** Undefined: no such key. */
  readonly details?: GroupOverrideDetails | null
  readonly idToken?: ClaimChanges
  /** Versions 2 and 3 only. */
  readonly accessToken?: ClaimChanges
}

/**
 * Three ARNs. No role has to exist: Cognito checks `iam:PassRole` when a group is created, but not whether the role
 * exists.
 */
export interface TriggerRoles {
  readonly alpha: string
  readonly beta: string
  readonly gamma: string
}

export interface PreTokenCase {
  /** Also the name of its user. */
  readonly id: string
  /** What the function returns, as the table shows it. */
  readonly returns: string
  /** `empty`: a response without details. `null`: details that are null. Neither can carry the mark. */
  readonly override: 'empty' | null | ((roles: TriggerRoles) => Override)
  /** Only versions 2 and 3 can do it. */
  readonly newerOnly?: true
}

/** A group name that the pool does not have. */
const OTHER = 'rolecast-other'

/** Every row of docs/pre-token.md, including the cases that it calls unknown. */
export const PRE_TOKEN_CASES: readonly PreTokenCase[] = [
  { id: 'empty-response', returns: 'a response without details', override: 'empty' },
  { id: 'null-response', returns: 'details that are null', override: null },
  { id: 'omitted', returns: 'no groupOverrideDetails', override: () => ({}) },
  { id: 'empty-details', returns: 'groupOverrideDetails: {}', override: () => ({ details: {} }) },
  { id: 'null-details', returns: 'groupOverrideDetails: null', override: () => ({ details: null }) },
  {
    id: 'null-parts',
    returns: 'groupOverrideDetails with three nulls',
    override: () => ({ details: { groupsToOverride: null, iamRolesToOverride: null, preferredRole: null } }),
  },
  {
    id: 'all-given',
    returns: 'groups, roles and a preferred role',
    override: ({ beta, gamma }) => ({
      details: { groupsToOverride: [OTHER], iamRolesToOverride: [beta, gamma], preferredRole: gamma },
    }),
  },
  {
    id: 'preferred-outside',
    returns: 'a preferred role that is not one of the roles',
    override: ({ beta, gamma }) => ({
      details: { groupsToOverride: [OTHER], iamRolesToOverride: [beta], preferredRole: gamma },
    }),
  },
  {
    id: 'groups-only',
    returns: 'only groupsToOverride',
    override: () => ({ details: { groupsToOverride: [OTHER] } }),
  },
  {
    id: 'roles-only',
    returns: 'only iamRolesToOverride',
    override: ({ beta, gamma }) => ({ details: { iamRolesToOverride: [beta, gamma] } }),
  },
  {
    id: 'preferred-only',
    returns: 'only preferredRole',
    override: ({ gamma }) => ({ details: { preferredRole: gamma } }),
  },
  {
    id: 'no-preferred',
    returns: 'groups and roles, no preferredRole',
    override: ({ beta, gamma }) => ({ details: { groupsToOverride: [OTHER], iamRolesToOverride: [beta, gamma] } }),
  },
  {
    id: 'null-preferred',
    returns: 'groups and roles, preferredRole: null',
    override: ({ beta, gamma }) => ({
      details: { groupsToOverride: [OTHER], iamRolesToOverride: [beta, gamma], preferredRole: null },
    }),
  },
  {
    id: 'no-groups',
    returns: 'roles and a preferred role, no groupsToOverride',
    override: ({ beta, gamma }) => ({ details: { iamRolesToOverride: [beta, gamma], preferredRole: gamma } }),
  },
  {
    id: 'empty-groups',
    returns: 'groupsToOverride: [], the rest given',
    override: ({ beta, gamma }) => ({
      details: { groupsToOverride: [], iamRolesToOverride: [beta, gamma], preferredRole: gamma },
    }),
  },
  {
    id: 'empty-roles',
    returns: 'iamRolesToOverride: [], the rest given',
    override: ({ gamma }) => ({
      details: { groupsToOverride: [OTHER], iamRolesToOverride: [], preferredRole: gamma },
    }),
  },
  {
    id: 'twice',
    returns: 'a group and a role that come twice',
    override: ({ beta }) => ({
      details: { groupsToOverride: [OTHER, OTHER], iamRolesToOverride: [beta, beta], preferredRole: beta },
    }),
  },
  {
    id: 'suppress-groups',
    returns: 'claimsToSuppress: cognito:groups',
    override: () => ({ idToken: { claimsToSuppress: ['cognito:groups'] } }),
  },
  {
    id: 'suppress-roles',
    returns: 'claimsToSuppress: cognito:roles',
    override: () => ({ idToken: { claimsToSuppress: ['cognito:roles'] } }),
  },
  {
    id: 'suppress-preferred',
    returns: 'claimsToSuppress: cognito:preferred_role',
    override: () => ({ idToken: { claimsToSuppress: ['cognito:preferred_role'] } }),
  },
  {
    id: 'add-groups',
    returns: 'claimsToAddOrOverride: cognito:groups',
    override: () => ({ idToken: { claimsToAddOrOverride: { 'cognito:groups': OTHER } } }),
  },
  {
    id: 'add-roles',
    returns: 'claimsToAddOrOverride: cognito:roles',
    override: ({ gamma }) => ({ idToken: { claimsToAddOrOverride: { 'cognito:roles': gamma } } }),
  },
  {
    id: 'add-preferred',
    returns: 'claimsToAddOrOverride: cognito:preferred_role',
    override: ({ gamma }) => ({ idToken: { claimsToAddOrOverride: { 'cognito:preferred_role': gamma } } }),
  },
  {
    id: 'suppress-access-groups',
    returns: 'claimsToSuppress of the access token: cognito:groups',
    override: () => ({ accessToken: { claimsToSuppress: ['cognito:groups'] } }),
    newerOnly: true,
  },
  {
    id: 'add-access-role',
    returns: 'claimsToAddOrOverride of the access token: cognito:preferred_role',
    override: ({ gamma }) => ({ accessToken: { claimsToAddOrOverride: { 'cognito:preferred_role': gamma } } }),
    newerOnly: true,
  },
]

/** The claim that shows that the function ran for a token, and that Cognito applied its response. */
export const MARK = 'rolecast_case'

/** The group that every user of these pools is in. Without the trigger, its role is preferred. */
export function triggerGroup({ alpha }: TriggerRoles): CalibrationGroup {
  return { groupName: 'rolecast-first', precedence: 1, roleArn: alpha }
}

/** Whether the pool with this version is probed. */
export function isAsked({ newerOnly }: PreTokenCase, version: TriggerVersion): boolean {
  return newerOnly !== true || version !== 'V1_0'
}

/** The response for an event of this version. */
export function responseOf(one: PreTokenCase, version: TriggerVersion, roles: TriggerRoles): PreTokenResponse {
  const container = version === 'V1_0' ? 'claimsOverrideDetails' : 'claimsAndScopeOverrideDetails'
  if (one.override === 'empty') return {}
  if (one.override === null) return { [container]: null }
  const { details, idToken = {}, accessToken } = one.override(roles)
  const given = details === undefined ? {} : { groupOverrideDetails: details }
  const marked = { ...idToken, claimsToAddOrOverride: { ...idToken.claimsToAddOrOverride, [MARK]: one.id } }
  if (version === 'V1_0') return { [container]: { ...given, ...marked } }
  const other = accessToken === undefined ? {} : { accessTokenGeneration: accessToken }
  return { [container]: { ...given, idTokenGeneration: marked, ...other } }
}

/** Whether the token of this case carries the mark. */
export function isMarked({ override }: PreTokenCase): boolean {
  return typeof override === 'function'
}

/** What the function is given: by user name, for both shapes of an event. */
export function triggerResponses(roles: TriggerRoles): Readonly<Record<string, TriggerResponses>> {
  return Object.fromEntries(
    PRE_TOKEN_CASES.map(one => [one.id, { one: responseOf(one, 'V1_0', roles), two: responseOf(one, 'V2_0', roles) }]),
  )
}
