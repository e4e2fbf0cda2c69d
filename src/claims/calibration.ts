import { listNames, quote, RolecastError } from '../errors.js'
import { isGroupName, isPrecedence, MAX_PRECEDENCE } from '../group.js'
import { awsHost } from '../aws-hosts.js'
import { userPoolRegion } from '../aws-ids.js'
import { MAX_GROUPS_PER_USER, MAX_ROLE_ARN_LENGTH } from '../quotas.js'
import { ownValue } from '../record.js'
import { CHECKED, type ChosenSemantics } from './choose-semantics.js'
import type { Semantics } from './decide.js'
import { accessTokenClaims, resolveRoles, type RoleClaims } from './resolve.js'

/** The groups of a user, and the role claims that Cognito put into the user's two tokens. */
export interface CalibrationToken {
  /** `tie-on-two-roles`; no other token of the calibration has it. */
  readonly id: string
  /** The case of docs/semantics.md that the groups make: `11`. */
  readonly row: string
  /** The groups of the user. */
  readonly groups: readonly CalibrationGroup[]
  /** The role claims of the ID token. */
  readonly idToken: CarriedRoleClaims
  /** The role claims of the access token. */
  readonly accessToken: CarriedRoleClaims
  /** A remark for people. No program reads it. */
  readonly note?: string
}

/** A group of the pool; `null` where it has no precedence or no role. */
export interface CalibrationGroup {
  /** The group's name. */
  readonly groupName: string
  /** Its precedence. */
  readonly precedence: number | null
  /** Its role. */
  readonly roleArn: string | null
}

/** The role claims of one token. `null`: the token does not have the claim. */
export interface CarriedRoleClaims {
  /** The group names. */
  readonly 'cognito:groups': readonly string[] | null
  /** The role ARNs. */
  readonly 'cognito:roles': readonly string[] | null
  /** The ARN of the preferred role. */
  readonly 'cognito:preferred_role': string | null
}

/** What a scratch user pool showed: the tokens that Cognito issued to users whose groups are known. */
export interface Calibration {
  /** The version of the format. */
  readonly calibration: 1
  /** ISO 8601, in UTC: when the last token was issued. */
  readonly date: string
  /** The scratch user pool, which no longer exists. */
  readonly userPoolId: string
  /** Present where the tokens came from another endpoint than Cognito's own: `--endpoint-url`. */
  readonly endpoint?: string
  /** One entry for each user of the scratch pool. */
  readonly tokens: readonly CalibrationToken[]
}

/** A calibration that `readCalibration` checked, with the semantics that its tokens show. */
export interface CheckedCalibration extends Calibration {
  /** The reading of Cognito's rules that the tokens show. */
  readonly semantics: Semantics
}

/** Which reading of Cognito's rules some tokens show. */
export interface SemanticsFit {
  /**
   * The reading that the tokens show. `observed`: they show that `documented` is wrong, but not whether `roles-compete` or
   * `tied-groups-agree` is right. Absent: no reading fits them all, or they do not separate `documented` from the others.
   */
  readonly semantics?: Semantics
  /** Each reading, with the ids of the tokens that contradict it. */
  readonly readings: readonly {
    /** The reading. */
    readonly semantics: Semantics
    /** The ids of the tokens that contradict it. */
    readonly contradictedBy: readonly string[]
  }[]
}

const READINGS = ['roles-compete', 'tied-groups-agree', 'documented'] as const

/**
 * Which reading of Cognito's rules the tokens show. Each reading forecasts both tokens of each user; lists are compared
 * without their order, and a claim that is absent is not an empty one.
 *
 * @throws RolecastError `invalid-group` or `invalid-precedence`, where a group of a token could not exist
 * @example
 * import { readFile } from 'node:fs/promises'
 * import { type Calibration, fitSemantics } from 'rolecast'
 *
 * const { tokens }: Calibration = JSON.parse(await readFile('calibration.json', 'utf8'))
 * for (const { semantics, contradictedBy } of fitSemantics(tokens).readings) console.log(semantics, contradictedBy)
 */
export function fitSemantics(tokens: readonly CalibrationToken[]): SemanticsFit {
  const readings = READINGS.map(semantics => ({
    semantics,
    contradictedBy: tokens.filter(token => !isForecast(token, semantics)).map(({ id }) => id),
  }))
  const semantics = onlyFit(readings.filter(({ contradictedBy }) => contradictedBy.length === 0))
  return { ...(semantics !== undefined && { semantics }), readings }
}

function onlyFit(fitting: SemanticsFit['readings']): Semantics | undefined {
  const names = fitting.map(({ semantics }) => semantics)
  if (names.length === 1) return names[0]
  return names.length === 2 && !names.includes('documented') ? 'observed' : undefined
}

function isForecast({ groups, idToken, accessToken }: CalibrationToken, semantics: Semantics): boolean {
  const resolution = resolveRoles(groups, { semantics })
  return isCarried(resolution.claims, idToken) && isCarried(accessTokenClaims(resolution), accessToken)
}

function isCarried(forecast: RoleClaims, carried: CarriedRoleClaims): boolean {
  return (
    isSameList(forecast['cognito:groups'], carried['cognito:groups']) &&
    isSameList(forecast['cognito:roles'], carried['cognito:roles']) &&
    (forecast['cognito:preferred_role'] ?? null) === carried['cognito:preferred_role']
  )
}

/** The same entries in any order. A list with an entry twice matches nothing, because Cognito's claims are sets. */
function isSameList(forecast: readonly string[] = [], carried: readonly string[] | null): boolean {
  if (carried === null) return forecast.length === 0
  const entries = new Set(carried)
  return (
    carried.length > 0 &&
    entries.size === carried.length &&
    entries.size === forecast.length &&
    forecast.every(one => entries.has(one))
  )
}

const MAX_TOKENS = 5000
const MAX_ID_LENGTH = 128
const MAX_NOTE_LENGTH = 2000

/**
 * Reads a calibration, as `rolecast calibrate --json` prints it: give what `JSON.parse` made of the file. Everything is
 * checked, and the reading is computed from the tokens, whatever the file says about it. Pass the result as
 * `calibration` to `resolveRoles`, `createRoleResolver` and all others that take `semantics`.
 *
 * A file does not show whether its tokens are real: accept one only from a source from which you would accept code.
 *
 * @throws RolecastError `invalid-calibration`: malformed, made against an endpoint other than AWS's, or with tokens that fit
 * no reading or do not show which one fits
 * @example
 * import { readFile } from 'node:fs/promises'
 * import { readCalibration, resolveRoles } from 'rolecast'
 *
 * const calibration = readCalibration(JSON.parse(await readFile('calibration.json', 'utf8')))
 * const { preferredRole } = resolveRoles([{ groupName: 'staff', precedence: 0 }], { calibration })
 */
export function readCalibration(value: unknown): CheckedCalibration {
  const record = readRecord(value, '')
  const version = ownValue(record, 'calibration')
  if (version !== 1) throw malformed('calibration', version, 'the number 1, the version of the format')
  const date = readDate(ownValue(record, 'date'))
  const userPoolId = readText(record, 'userPoolId', '', 55)
  const region = userPoolRegion(userPoolId)
  if (region === undefined) throw malformed('userPoolId', userPoolId, 'the id of a user pool')
  const endpoint = readEndpoint(ownValue(record, 'endpoint'), region)
  const tokens = readList(record, 'tokens', '', MAX_TOKENS).map((token, index) => readToken(token, `tokens[${index}]`))
  checkIds(tokens)
  const checked: CheckedCalibration = {
    calibration: 1,
    date,
    userPoolId,
    ...(endpoint !== undefined && { endpoint }),
    tokens,
    semantics: shownBy(tokens),
  }
  const chosen: ChosenSemantics = { semantics: checked.semantics, calibration: { date, userPoolId } }
  // Hidden, so that no copy has it.
  Object.defineProperty(checked, CHECKED, { value: deepFreeze(chosen) })
  return deepFreeze(checked)
}

function shownBy(tokens: readonly CalibrationToken[]): Semantics {
  const { semantics, readings } = fitSemantics(tokens)
  if (semantics !== undefined) return semantics
  if (readings.every(({ contradictedBy }) => contradictedBy.length > 0)) {
    const why = readings.map(
      ({ semantics: reading, contradictedBy }) =>
        `${listNames(contradictedBy)} ${contradictedBy.length === 1 ? 'contradicts' : 'contradict'} ${reading}`,
    )
    throw invalid(
      `no reading of Cognito's rules fits the calibration: ${why.join(', ')}; leave the calibration out, and report what it shows`,
      readings,
    )
  }
  throw invalid(
    'the tokens of the calibration do not show whether Cognito prefers the role of a group without a precedence (Cases 3, 6 and 8); calibrate again with all of the default probes',
    tokens.map(({ id }) => id),
  )
}

function readToken(value: unknown, path: string): CalibrationToken {
  const record = readRecord(value, path)
  const note = ownValue(record, 'note') === undefined ? undefined : readText(record, 'note', path, MAX_NOTE_LENGTH)
  return {
    id: readText(record, 'id', path, MAX_ID_LENGTH),
    row: readText(record, 'row', path, MAX_ID_LENGTH),
    groups: readGroups(record, path),
    idToken: readClaims(ownValue(record, 'idToken'), `${path}.idToken`),
    accessToken: readClaims(ownValue(record, 'accessToken'), `${path}.accessToken`),
    ...(note !== undefined && { note }),
  }
}

function readGroups(token: object, path: string): readonly CalibrationGroup[] {
  const groups = readList(token, 'groups', path, MAX_GROUPS_PER_USER).map((group, index) =>
    readGroup(group, `${path}.groups[${index}]`),
  )
  const names = new Set<string>()
  for (const { groupName } of groups) {
    if (names.has(groupName)) throw malformed(`${path}.groups`, groupName, 'each group once')
    names.add(groupName)
  }
  return groups
}

function readGroup(value: unknown, path: string): CalibrationGroup {
  const record = readRecord(value, path)
  const groupName = ownValue(record, 'groupName')
  if (!isGroupName(groupName)) throw malformed(`${path}.groupName`, groupName, 'the name of a group')
  const precedence = ownValue(record, 'precedence')
  if (precedence !== null && !isPrecedence(precedence)) {
    throw malformed(`${path}.precedence`, precedence, `an integer from 0 to ${MAX_PRECEDENCE}, or null`)
  }
  const roleArn = ownValue(record, 'roleArn')
  if (roleArn !== null && !isShortText(roleArn, MAX_ROLE_ARN_LENGTH)) {
    throw malformed(`${path}.roleArn`, roleArn, 'the ARN of a role, or null')
  }
  return { groupName, precedence, roleArn }
}

function readClaims(value: unknown, path: string): CarriedRoleClaims {
  const record = readRecord(value, path)
  const preferred = ownValue(record, 'cognito:preferred_role')
  if (preferred !== null && !isShortText(preferred, MAX_ROLE_ARN_LENGTH)) {
    throw malformed(`${path}["cognito:preferred_role"]`, preferred, 'the ARN of a role, or null')
  }
  return {
    'cognito:groups': readNames(record, 'cognito:groups', path),
    'cognito:roles': readNames(record, 'cognito:roles', path),
    'cognito:preferred_role': preferred,
  }
}

function readNames(claims: object, claim: string, path: string): readonly string[] | null {
  const value = ownValue(claims, claim)
  if (value === null) return null
  const place = `${path}["${claim}"]`
  if (!Array.isArray(value) || value.length > MAX_GROUPS_PER_USER) {
    throw malformed(place, value, `an array of at most ${MAX_GROUPS_PER_USER} strings, or null`)
  }
  return entriesOf(value).map((one, index) => {
    if (isShortText(one, MAX_ROLE_ARN_LENGTH)) return one
    throw malformed(`${place}[${index}]`, one, `a string of at most ${MAX_ROLE_ARN_LENGTH} characters`)
  })
}

function checkIds(tokens: readonly CalibrationToken[]): void {
  const seen = new Set<string>()
  for (const [index, { id }] of tokens.entries()) {
    if (seen.has(id)) throw malformed(`tokens[${index}].id`, id, 'an id that no other token has')
    seen.add(id)
  }
}

const TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?Z$/

function readDate(value: unknown): string {
  if (typeof value === 'string' && isTime(value)) return value
  throw malformed('date', value, 'a time in ISO 8601 and UTC, such as 2026-11-29T12:00:00Z')
}

function isTime(text: string): boolean {
  const [year = 0, month = 0, day = 0, hour = 24, minute = 60, second = 60] =
    TIME.exec(text)
      ?.slice(1)
      .map(part => Number(part)) ?? []
  return month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month) && hour < 24 && minute < 60 && second < 60
}

function daysOf(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}

/** Only Cognito's own tokens show what Cognito does. AWS's own address is fine, even if it was given as an endpoint. */
function readEndpoint(value: unknown, region: string): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw malformed('endpoint', value, 'the URL of an endpoint')
  const host = /^https:\/\/([^/]+)\/?$/.exec(value)?.[1]
  if (host !== undefined && isOfUserPools(host, region)) return value
  throw invalid(
    `the calibration was made against ${quote(value)}, which is not an endpoint of AWS, so its tokens do not show what Cognito does; make one without an endpoint URL`,
    value,
  )
}

function isOfUserPools(host: string, region: string): boolean {
  const own = awsHost(host)
  return own?.service === 'cognito-idp' && own.region === region
}

function readRecord(value: unknown, path: string): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw malformed(path, value, 'an object')
}

function readList(record: object, key: string, path: string, most: number): readonly unknown[] {
  const value = ownValue(record, key)
  if (Array.isArray(value) && value.length <= most) return entriesOf(value)
  throw malformed(join(path, key), value, `an array of at most ${most} entries`)
}

/** By index: an array can have an iterator of its own, which need not end. */
function entriesOf(array: readonly unknown[]): readonly unknown[] {
  return Array.from({ length: array.length }, (_, index) => array[index])
}

function readText(record: object, key: string, path: string, most: number): string {
  const value = ownValue(record, key)
  if (isShortText(value, most)) return value
  throw malformed(join(path, key), value, `a string of at most ${most} characters`)
}

function isShortText(value: unknown, most: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= most
}

const join = (path: string, key: string) => (path === '' ? key : `${path}.${key}`)

function malformed(path: string, value: unknown, expected: string): RolecastError {
  const place = path === '' ? 'the calibration' : `${quote(path)} of the calibration`
  return invalid(`${place} is ${quote(value)}, not ${expected}; give what \`rolecast calibrate --json\` printed`, value)
}

function invalid(message: string, value: unknown): RolecastError {
  return new RolecastError('invalid-calibration', message, { value })
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  Object.values(value).forEach(deepFreeze)
  return Object.freeze(value)
}
