import type { CalibrationGroup, CalibrationToken, CarriedRoleClaims } from '../claims/calibration.js'
import { ownValue } from '../record.js'
import * as z from 'zod/mini'
import { someText } from '../cognito/api/responses.js'
import { isRolecastError, quote, RolecastError } from '../errors.js'
import { maskAccounts } from './call-failure.js'
import {
  type DelayResult,
  judgeRow,
  type NotMeasured,
  type OrderResult,
  type RowReading,
  type RowResult,
  type RowUser,
} from './result.js'
import {
  createScratchGroup,
  createScratchUser,
  deleteScratchGroup,
  type Payload,
  payloadOf,
  refresh,
  type ScratchPool,
  type ScratchUser,
  setMembership,
  signIn,
  whyNot,
} from './scratch-pool.js'
import { anything } from './resources.js'
import type { Session } from './session.js'
import {
  GROUP_NAMES,
  type GroupName,
  groupOf,
  manyGroups,
  ORDER_MEMBERS,
  PLACEHOLDER_ACCOUNT,
  type RolePlace,
  roleArn,
  type Row,
  ROWS,
  togglesBetween,
} from './user-pool-rows.js'

/** What all probes of the user pool work on. */
export interface UserPoolProbe {
  readonly session: Session
  readonly pool: ScratchPool
  readonly place: RolePlace
  /** Called with the payload of each ID token that came. */
  readonly onToken: (idToken: Payload) => void
}

/** How often a user signs in, at most, until the token has the memberships that were set up. */
export const MAX_SIGN_INS = 6

/** Milliseconds between two sign-ins of one user. */
const SIGN_IN_PAUSE = 1_000

/** After this many rows in a row without the service, the rest are not tried. */
const MAX_FAILURES = 3

const NOT_LOOKED_AT = `not looked at, because the service failed or was not reached in ${MAX_FAILURES} cases in a row`

/** Not if the service rejects something that one row needs. */
function isOutage(error: unknown): boolean {
  return isRolecastError(error) && error.retryable
}

export interface RowsFound {
  readonly rows: readonly RowResult[]
  /** The tokens of the rows whose claims have the documented types. */
  readonly tokens: readonly CalibrationToken[]
  /** Whether a claim had an undocumented type. */
  readonly hasMalformed: boolean
}

/** Creates the groups, then sets up each row's memberships and reads its tokens. */
export async function probeRows(probe: UserPoolProbe): Promise<RowsFound> {
  const { session, pool, place } = probe
  session.tell({ event: 'step', what: `${GROUP_NAMES.length} groups and a user` })
  for (const name of GROUP_NAMES) await createScratchGroup(session, pool, groupOf(name, place))
  const user = await createScratchUser(session, pool, 'rows')
  const memberships = createMemberships(probe, user)
  const readings: RowReading[] = []
  let failures = 0
  for (const row of ROWS) {
    const whose = userOf(row)
    if (failures >= MAX_FAILURES) {
      readings.push({ outcome: 'none', token: whose, why: NOT_LOOKED_AT })
      continue
    }
    session.tell({ event: 'step', what: `case ${row.row}: ${row.about}` })
    try {
      await memberships.make(row.members)
      readings.push(await readRow(probe, user, whose, row))
      failures = 0
    } catch (error) {
      readings.push({ outcome: 'none', token: whose, why: whyNot(session, error) })
      failures = isOutage(error) ? failures + 1 : 0
    }
  }
  return found(readings, [...ROWS])
}

function found(readings: readonly RowReading[], rows: readonly Pick<Row, 'about' | 'evidence'>[]): RowsFound {
  return {
    rows: readings.map((reading, index) => judgeRow(rows[index]!, reading)),
    tokens: readings.flatMap(reading => (reading.outcome === 'read' ? [reading.token] : [])),
    hasMalformed: readings.some(({ outcome }) => outcome === 'malformed'),
  }
}

const PUBLIC: RolePlace = { partition: 'aws', account: PLACEHOLDER_ACCOUNT }

/** The row as it is stored and printed. */
function userOf({ id, row, members }: Pick<Row, 'id' | 'row' | 'members'>): RowUser {
  return { id, row, groups: members.map(name => groupOf(name, PUBLIC)) }
}

interface Memberships {
  /** Makes the user leave and join groups. After a failure, it starts over. */
  make(members: readonly GroupName[]): Promise<void>
}

function createMemberships({ session, pool }: UserPoolProbe, user: ScratchUser): Memberships {
  let current: ReadonlySet<GroupName> | undefined = new Set()
  return {
    async make(members) {
      const toggles =
        current === undefined
          ? GROUP_NAMES.map(group => ({ group, joins: members.includes(group) }))
          : togglesBetween(current, members)
      current = undefined
      for (const { group, joins } of toggles) await setMembership(session, pool, user, group, joins)
      current = new Set(members)
    },
  }
}

/**
 * Signs in until the token has the memberships that were set up, because a token may still show the earlier ones. A
 * result that rolecast does not predict has to come twice.
 */
async function readRow(
  probe: UserPoolProbe,
  user: ScratchUser,
  whose: RowUser,
  about: Pick<Row, 'about' | 'evidence'>,
): Promise<RowReading> {
  const { session } = probe
  let before: string | undefined
  let last: RowReading | undefined
  for (let count = 0; count < MAX_SIGN_INS; count++) {
    if (count > 0) await session.sleep(SIGN_IN_PAUSE)
    const reading = await readTokens(probe, user, whose)
    last = reading
    if (reading.outcome === 'none') {
      before = undefined
      continue
    }
    if (judgeRow(about, reading).verdict === 'agrees') return reading
    const claims = JSON.stringify(reading)
    if (claims === before) return reading
    before = claims
  }
  const why = last?.outcome === 'none' ? last.why : 'no two in a row gave the same claims'
  return { outcome: 'none', token: whose, why: `in ${MAX_SIGN_INS} sign-ins, ${why}` }
}

async function readTokens(probe: UserPoolProbe, user: ScratchUser, whose: RowUser): Promise<RowReading> {
  const { session, pool } = probe
  const tokens = await signIn(session, pool, user)
  const idToken = payloadOf(tokens.idToken)
  probe.onToken(idToken)
  const accessToken = payloadOf(tokens.accessToken)
  const names = whose.groups.map(({ groupName }) => groupName)
  for (const payload of [idToken, accessToken]) {
    const carried = ownValue(payload, 'cognito:groups')
    if (!isSameSet(carried, names)) {
      const why = `\`cognito:groups\` was ${shown(carried)}, not the ${names.length} groups that the user is in`
      return { outcome: 'none', token: whose, why }
    }
  }
  const id = carriedBy(idToken, probe.place)
  if ('why' in id) return { outcome: 'malformed', token: whose, why: id.why }
  const access = carriedBy(accessToken, probe.place)
  if ('why' in access) return { outcome: 'malformed', token: whose, why: `${access.why}, in the access token` }
  return { outcome: 'read', token: { ...whose, idToken: id, accessToken: access } }
}

function shown(value: unknown): string {
  if (value === undefined) return 'absent'
  return Array.isArray(value) ? `a list of ${value.length}` : shownValue(value)
}

/** Masked first, because quoting may cut the text within an ID. */
function shownValue(value: unknown): string {
  return maskAccounts(quote(typeof value === 'string' ? maskAccounts(value) : value))
}

/** Whether a claim is a list of these names in any order, or is absent if there are none. Names may come twice. */
function isSameSet(carried: unknown, names: readonly string[]): boolean {
  if (carried === undefined || carried === null) return names.length === 0
  if (!Array.isArray(carried)) return false
  const entries = new Set<unknown>(carried)
  return entries.size === names.length && names.every(name => entries.has(name))
}

const CLAIMS = ['cognito:groups', 'cognito:roles'] as const

/** The role claims of a token, without the account in the ARNs. */
function carriedBy(payload: Payload, place: RolePlace): CarriedRoleClaims | { readonly why: string } {
  const lists: Partial<Record<(typeof CLAIMS)[number], readonly string[] | null>> = {}
  for (const claim of CLAIMS) {
    const value = ownValue(payload, claim)
    if (value !== undefined && !isTexts(value))
      return { why: `${quote(claim)} is ${shownValue(value)}, not a list of strings` }
    lists[claim] = value === undefined ? null : value.map(one => publicArn(one, place))
  }
  const preferred = ownValue(payload, 'cognito:preferred_role')
  if (preferred !== undefined && (typeof preferred !== 'string' || preferred === ''))
    return { why: `\`cognito:preferred_role\` is ${shownValue(preferred)}, not a string` }
  return {
    'cognito:groups': lists['cognito:groups'] ?? null,
    'cognito:roles': lists['cognito:roles'] ?? null,
    'cognito:preferred_role': preferred === undefined ? null : publicArn(preferred, place),
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(one => typeof one === 'string' && one !== '')
}

/** A made-up role of the run as it is printed; of other ARNs, only the account is masked. */
function publicArn(arn: string, { partition, account }: RolePlace): string {
  const own = `arn:${partition}:iam::${account}:role/`
  if (arn.startsWith(own)) return `arn:aws:iam::${PLACEHOLDER_ACCOUNT}:role/${maskAccounts(arn.slice(own.length))}`
  return maskAccounts(arn)
}

/** A user in as many groups as a user can be in. */
export async function probeMany(probe: UserPoolProbe): Promise<RowsFound> {
  const { session, pool, place } = probe
  const groups = manyGroups(place)
  const about = { about: `${groups.length} groups, each with a role and a number` }
  const whose: RowUser = { id: 'many-groups', row: '9', groups: manyGroups(PUBLIC) }
  session.tell({ event: 'step', what: about.about })
  let reading: RowReading
  try {
    const user = await createScratchUser(session, pool, 'many')
    for (const group of groups) await createScratchGroup(session, pool, group)
    for (const { groupName } of groups) await setMembership(session, pool, user, groupName, true)
    reading = await readRow(probe, user, whose, about)
  } catch (error) {
    reading = { outcome: 'none', token: whose, why: whyNot(session, error) }
  }
  return found([reading], [about])
}

/** How often the first user signs in, one after the other, for the order of the claims. */
export const ORDER_SIGN_INS = 3

const listGroupsResponse = z.object({ Groups: z.array(z.object({ GroupName: someText })) })

/** In what order the claims of two users list the groups that they joined in opposite orders. */
export async function probeOrder(probe: UserPoolProbe): Promise<OrderResult> {
  const { session } = probe
  session.tell({ event: 'step', what: 'the order of the claims' })
  try {
    const user = await joined(probe, 'order', ORDER_MEMBERS)
    const reverse = await joined(probe, 'order-reverse', ORDER_MEMBERS.toReversed())
    const tokens: OrderedClaims[] = []
    for (let count = 0; count < ORDER_SIGN_INS; count++) tokens.push(await orderedClaims(probe, user))
    const other = await orderedClaims(probe, reverse)
    const { Groups } = await session.call(
      'AdminListGroupsForUser',
      { UserPoolId: probe.pool.userPoolId, Username: user.username, Limit: 60 },
      listGroupsResponse,
    )
    const listed = Groups.map(({ GroupName }) => GroupName)
    const [first, ...later] = tokens as [OrderedClaims, ...OrderedClaims[]]
    return {
      outcome: 'read',
      ...first,
      listed,
      isListed: isSameOrder(first.groups, listed),
      isStable: later.every(one => isSameClaims(one, first)),
      isSameForReverse: isSameClaims(other, first),
    }
  } catch (error) {
    return notMeasured(session, error)
  }
}

async function joined(probe: UserPoolProbe, username: string, members: readonly GroupName[]): Promise<ScratchUser> {
  const { session, pool } = probe
  const user = await createScratchUser(session, pool, username)
  for (const group of members) await setMembership(session, pool, user, group, true)
  return user
}

interface OrderedClaims {
  readonly groups: readonly string[]
  readonly roles: readonly string[]
}

/** The claims of a token that has all the groups. */
async function orderedClaims(probe: UserPoolProbe, user: ScratchUser): Promise<OrderedClaims> {
  const whose = userOf({ id: 'order', row: '9', members: ORDER_MEMBERS })
  let last: RowReading | undefined
  for (let count = 0; count < MAX_SIGN_INS; count++) {
    if (count > 0) await probe.session.sleep(SIGN_IN_PAUSE)
    last = await readTokens(probe, user, whose)
    if (last.outcome !== 'read') continue
    const { idToken } = last.token
    return { groups: idToken['cognito:groups'] ?? [], roles: idToken['cognito:roles'] ?? [] }
  }
  throw notShown(last)
}

function notShown(last: RowReading | undefined): RolecastError {
  const why = last !== undefined && 'why' in last ? last.why : 'no token was read'
  return new RolecastError('malformed-response', `in ${MAX_SIGN_INS} sign-ins, ${why}`)
}

function notMeasured(session: Session, error: unknown): NotMeasured {
  return { outcome: 'not-measured', why: whyNot(session, error) }
}

function isSameOrder(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, index) => one === b[index])
}

function isSameClaims(a: OrderedClaims, b: OrderedClaims): boolean {
  return isSameOrder(a.groups, b.groups) && isSameOrder(a.roles, b.roles)
}

/** Seconds after which the probe gives up on a change that no refreshed token shows. */
export const MAX_DELAY = 30

/** Milliseconds between two refreshes. */
export const REFRESH_PAUSE = 500

const STAYS = 'delay-stays'
const JOINS = 'delay-joins'

/** The groups whose changes are timed: the rows need theirs as they are. */
export function delayGroups(place: RolePlace): readonly CalibrationGroup[] {
  return [
    { groupName: STAYS, precedence: 30, roleArn: roleArn('beta', place) },
    { groupName: JOINS, precedence: 40, roleArn: roleArn('alpha', place) },
  ]
}

interface Change extends Pick<DelayResult, 'change' | 'about'> {
  readonly make: (probe: UserPoolProbe, user: ScratchUser) => Promise<unknown>
  /** Whether the claims before the change allow it to be seen. */
  readonly isVisible: (claims: OrderedClaims) => boolean
  readonly isShown: (claims: OrderedClaims) => boolean
}

const ALPHA = roleArn('alpha', PUBLIC)
const GAMMA = roleArn('gamma', PUBLIC)

export const CHANGES: readonly Change[] = [
  {
    change: 'AdminAddUserToGroup',
    about: 'a user joins a group',
    make: ({ session, pool }, user) => setMembership(session, pool, user, JOINS, true),
    isVisible: ({ groups }) => !groups.includes(JOINS),
    isShown: ({ groups }) => groups.includes(JOINS),
  },
  {
    change: 'UpdateGroup',
    about: 'a group gets another role',
    make: ({ session, pool, place }) =>
      session.call(
        'UpdateGroup',
        { UserPoolId: pool.userPoolId, GroupName: JOINS, RoleArn: roleArn('gamma', place) },
        anything,
      ),
    isVisible: ({ roles }) => roles.includes(ALPHA) && !roles.includes(GAMMA),
    isShown: ({ roles }) => roles.includes(GAMMA),
  },
  {
    change: 'AdminRemoveUserFromGroup',
    about: 'a user leaves a group',
    make: ({ session, pool }, user) => setMembership(session, pool, user, JOINS, false),
    isVisible: ({ groups }) => groups.includes(JOINS),
    isShown: ({ groups }) => !groups.includes(JOINS),
  },
  {
    change: 'DeleteGroup',
    about: 'a group is deleted',
    make: ({ session, pool }) => deleteScratchGroup(session, pool, STAYS),
    isVisible: ({ groups }) => groups.includes(STAYS),
    isShown: ({ groups }) => !groups.includes(STAYS),
  },
]

/** How long each change takes until a token that is refreshed shows it. The refresh token is older than the changes. */
export async function probeDelays(probe: UserPoolProbe): Promise<readonly DelayResult[]> {
  probe.session.tell({ event: 'step', what: 'how long a change takes until a refreshed token shows it' })
  const results: DelayResult[] = []
  let start: DelayStart | NotMeasured
  try {
    start = await startDelays(probe)
  } catch (error) {
    start = notMeasured(probe.session, error)
  }
  for (const { change, about, ...how } of CHANGES) {
    const delay = 'outcome' in start ? start : await timeChange(probe, start, how)
    results.push({ change, about, delay })
  }
  return results
}

interface DelayStart {
  readonly user: ScratchUser
  readonly refreshToken: string
  /** The claims of the last token. */
  claims: OrderedClaims
}

async function startDelays(probe: UserPoolProbe): Promise<DelayStart> {
  const { session, pool, place } = probe
  for (const group of delayGroups(place)) await createScratchGroup(session, pool, group)
  const user = await createScratchUser(session, pool, 'delays')
  await setMembership(session, pool, user, STAYS, true)
  for (let count = 0; count < MAX_SIGN_INS; count++) {
    if (count > 0) await session.sleep(SIGN_IN_PAUSE)
    const tokens = await signIn(session, pool, user)
    const claims = claimsOf(payloadOf(tokens.idToken), place)
    if (claims.groups.includes(STAYS) && tokens.refreshToken !== undefined)
      return { user, claims, refreshToken: tokens.refreshToken }
  }
  throw new RolecastError(
    'malformed-response',
    `in ${MAX_SIGN_INS} sign-ins, no token had the user's group, or none came with a refresh token; run the calibration again`,
  )
}

function claimsOf(idToken: Payload, place: RolePlace): OrderedClaims {
  const carried = carriedBy(idToken, place)
  if ('why' in carried) throw new RolecastError('malformed-response', carried.why)
  return { groups: carried['cognito:groups'] ?? [], roles: carried['cognito:roles'] ?? [] }
}

async function timeChange(
  probe: UserPoolProbe,
  start: DelayStart,
  { make, isVisible, isShown }: Pick<Change, 'make' | 'isVisible' | 'isShown'>,
): Promise<DelayResult['delay']> {
  const { session, pool, place } = probe
  try {
    if (!isVisible(start.claims))
      return { outcome: 'not-measured', why: 'the tokens from before the change do not allow it to be seen' }
    await make(probe, start.user)
    const changedAt = session.now()
    for (;;) {
      const { idToken } = await refresh(session, pool, start.refreshToken)
      const seconds = Math.round((session.now() - changedAt) / 100) / 10
      const payload = payloadOf(idToken)
      probe.onToken(payload)
      start.claims = claimsOf(payload, place)
      if (isShown(start.claims)) return { outcome: 'shown', seconds }
      if (seconds >= MAX_DELAY) return { outcome: 'not-within', seconds: MAX_DELAY }
      await session.sleep(REFRESH_PAUSE)
    }
  } catch (error) {
    return notMeasured(session, error)
  }
}
