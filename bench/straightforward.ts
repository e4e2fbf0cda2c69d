import type { Group, RoleClaims } from '../dist/index.js'

/** A simple program for groups with different names. It is wrong where Cognito is unusual; here it is only a yardstick. */
export function straightforward(groups: readonly Group[]): RoleClaims {
  const withRole = groups
    .filter(group => group.roleArn)
    .toSorted((a, b) => (a.precedence ?? Infinity) - (b.precedence ?? Infinity) || 0)
  const best = withRole.filter(group => group.precedence != null && group.precedence === withRole[0]!.precedence)
  const roles = [...new Set(withRole.map(group => group.roleArn!))]
  const bestRoles = [...new Set(best.map(group => group.roleArn!))]
  return {
    ...(groups.length > 0 && { 'cognito:groups': groups.map(group => group.groupName) }),
    ...(roles.length > 0 && { 'cognito:roles': roles }),
    ...(bestRoles.length === 1 && { 'cognito:preferred_role': bestRoles[0]! }),
  }
}
