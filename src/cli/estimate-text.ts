import type { ReadCost, ReadEstimate } from '../cognito/memberships/estimate.js'

/** What reading a pool costs, for people: calls, and minutes at the rates. */
export function estimateText({
  strategy,
  users,
  groups,
  membershipsPerUser,
  rates,
  perGroup,
  perUser,
}: ReadEstimate): string {
  const size = `${users === undefined ? 'an unknown number of users' : `${count(users)} users (Cognito's estimate)`}, ${count(groups)} groups`
  const line = (name: string, cost: ReadCost, taken: boolean) =>
    `${taken ? '>' : ' '} ${name}  ${count(cost.totalCalls).padStart(width)} calls  ${minutes(cost.seconds)}\n`
  const width = Math.max(...[perGroup, perUser].map(cost => count(cost.totalCalls).length))
  return [
    `To read the pool: ${size}\n`,
    line('per group', perGroup, strategy === 'per-group'),
    line('per user ', perUser, strategy === 'per-user'),
    `  at ${rates.ListUsers}/s ListUsers with ListUsersInGroup, ${rates.AdminListGroupsForUser}/s AdminListGroupsForUser, ${rates.ListGroups}/s ListGroups`,
    `, if a user is in ${membershipsPerUser} groups (--memberships-per-user)\n`,
  ].join('')
}

function count(value: number): string {
  return value.toLocaleString('en-GB')
}

function minutes(seconds: number): string {
  return seconds < 60 ? 'under a minute' : seconds < 120 ? '1 minute' : `${count(Math.floor(seconds / 60))} minutes`
}
