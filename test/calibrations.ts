import type { Calibration, CalibrationGroup, CalibrationToken, CarriedRoleClaims } from '../src/claims/calibration.js'
import type { RoleClaims } from '../src/claims/resolve.js'
import type { Group } from '../src/group.js'
import { modelResolve } from './models/resolve-model.js'

export const A = 'arn:aws:iam::111122223333:role/Alpha'
export const B = 'arn:aws:iam::111122223333:role/Beta'
export const USER_POOL_ID = 'us-east-1_Ab12Cd34e'
export const DATE = '2026-11-29T12:34:56.789Z'

export type Truth = 'roles-compete' | 'tied-groups-agree' | 'documented'
export const TRUTHS: readonly Truth[] = ['roles-compete', 'tied-groups-agree', 'documented']

export function group(groupName: string, precedence: number | null, roleArn: string | null): CalibrationGroup {
  return { groupName, precedence, roleArn }
}

export function carried(claims: RoleClaims): CarriedRoleClaims {
  return {
    'cognito:groups': claims['cognito:groups'] ?? null,
    'cognito:roles': claims['cognito:roles'] ?? null,
    'cognito:preferred_role': claims['cognito:preferred_role'] ?? null,
  }
}

/** What a Cognito issues that follows this reading, by the model. */
export function issued(id: string, groups: readonly Group[], truth: Truth): CalibrationToken {
  const { claims } = modelResolve(groups, truth)
  const { 'cognito:groups': names } = claims
  return {
    id,
    row: '1',
    groups: groups.map(({ groupName, precedence, roleArn }) => group(groupName, precedence ?? null, roleArn || null)),
    idToken: carried(claims),
    accessToken: carried(names === undefined ? {} : { 'cognito:groups': names }),
  }
}

export const ROWS = {
  numbered: [group('a', 0, A)],
  'no-precedence': [group('a', null, A)],
  'role-and-none': [group('a', 5, A), group('b', 5, null)],
  'one-role-twice-and-none': [group('a', 5, A), group('b', 5, A), group('c', 5, null)],
  'tie-on-two-roles': [group('a', 5, A), group('b', 5, B)],
} as const satisfies Record<string, readonly CalibrationGroup[]>

export type Row = keyof typeof ROWS

export function calibrationOf(truth: Truth, rows = Object.keys(ROWS) as readonly Row[]): Calibration {
  return {
    calibration: 1,
    date: DATE,
    userPoolId: USER_POOL_ID,
    tokens: rows.map(row => issued(row, ROWS[row], truth)),
  }
}
