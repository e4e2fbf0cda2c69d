import type { CalibrationToken, CarriedRoleClaims } from '../../src/claims/calibration.js'
import type { Semantics } from '../../src/claims/decide.js'
import { modelResolve } from './resolve-model.js'

/** The readings of Cognito's rules that tokens can tell apart. */
export const MODEL_READINGS = ['roles-compete', 'tied-groups-agree', 'documented'] as const

export type ModelReading = (typeof MODEL_READINGS)[number]

type Groups = CalibrationToken['groups']

export type ModelTokens = Pick<CalibrationToken, 'idToken' | 'accessToken'>

/** The two tokens of a user in these groups, if Cognito follows the reading. The access token has the groups alone. */
export function modelTokens(groups: Groups, reading: ModelReading): ModelTokens {
  const { claims } = modelResolve(groups, reading)
  const names = claims['cognito:groups'] ?? null
  return {
    idToken: {
      'cognito:groups': names,
      'cognito:roles': claims['cognito:roles'] ?? null,
      'cognito:preferred_role': claims['cognito:preferred_role'] ?? null,
    },
    accessToken: { 'cognito:groups': names, 'cognito:roles': null, 'cognito:preferred_role': null },
  }
}

export interface ModelFit {
  readonly semantics?: Semantics
  readonly contradictedBy: Readonly<Record<ModelReading, readonly string[]>>
}

/**
 * Which reading the tokens show: the only one that no token contradicts; `observed` where the two that differ in Case 13 alone
 * are left; none where all or none are left, or `documented` and another. It shares no code with `src/`.
 */
export function modelFit(tokens: readonly CalibrationToken[]): ModelFit {
  const by = (reading: ModelReading) =>
    tokens.filter(token => !isCarried(modelTokens(token.groups, reading), token)).map(({ id }) => id)
  const contradictedBy = {
    'roles-compete': by('roles-compete'),
    'tied-groups-agree': by('tied-groups-agree'),
    documented: by('documented'),
  }
  const name = NAMES[MODEL_READINGS.filter(reading => contradictedBy[reading].length === 0).join()]
  return { ...(name !== undefined && { semantics: name }), contradictedBy }
}

const NAMES: Readonly<Record<string, Semantics>> = {
  'roles-compete': 'roles-compete',
  'tied-groups-agree': 'tied-groups-agree',
  documented: 'documented',
  'roles-compete,tied-groups-agree': 'observed',
}

export interface ModelVerdict {
  readonly verdict: 'agrees' | 'settles' | 'contradicts'
  /** What is not predicted, or predicted otherwise: the first reading that has it so. */
  readonly reading?: ModelReading
}

/** What one user's tokens say of what is predicted: the answer of the first two readings, where they have one answer. */
export function modelVerdict(token: CalibrationToken): ModelVerdict {
  const reading = MODEL_READINGS.find(one => isCarried(modelTokens(token.groups, one), token))
  const [compete, tied] = [modelTokens(token.groups, 'roles-compete'), modelTokens(token.groups, 'tied-groups-agree')]
  const named = reading === undefined ? {} : { reading }
  if (isCarried(compete, tied))
    return isCarried(compete, token) ? { verdict: 'agrees' } : { verdict: 'contradicts', ...named }
  return { verdict: reading === undefined ? 'contradicts' : 'settles', ...named }
}

function isCarried(forecast: ModelTokens, carried: ModelTokens): boolean {
  return (
    keyOf(forecast.idToken) === keyOf(carried.idToken) && keyOf(forecast.accessToken) === keyOf(carried.accessToken)
  )
}

/** Equal for the same claims in any order. An absent claim is not an empty one, and an entry that comes twice counts twice. */
function keyOf(claims: CarriedRoleClaims): string {
  const sorted = (names: readonly string[] | null) => (names === null ? null : names.toSorted())
  return JSON.stringify([
    sorted(claims['cognito:groups']),
    sorted(claims['cognito:roles']),
    claims['cognito:preferred_role'],
  ])
}
