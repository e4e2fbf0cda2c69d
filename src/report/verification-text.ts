import picocolors from 'picocolors'
import { describeCalibration, explain, ruleToExplain } from '../claims/explain.js'
import type {
  Doubt,
  DoubtKind,
  TokenVerdict,
  TokenVerification,
  TriggerSign,
  TriggerSignKind,
} from '../claims/judge-token.js'
import { distinct, printable } from '../text.js'
import { claimLines, ladder } from './prediction-text.js'
import type { Paint, TextOptions } from './text-style.js'
import { indented, MAX_SHOWN } from './text-table.js'
import { figure } from './figure.js'

/**
 * What a token shows, as text for people: the verdict first, then what it rests on, what was not looked at, and what to
 * do next. Not for programs: its form may change.
 */
export function verificationText(found: TokenVerification, { color }: TextOptions): string {
  const paint = picocolors.createColors(color)
  const blocks = [
    [paint.bold(HEADLINE_COLOR[found.verdict](paint)(headlineOf(found)))],
    [paint.bold('Token'), ...tokenLines(found).map(indented)],
    ...(found.token.use === 'id' ? forecastBlocks(found, paint) : []),
    [paint.bold("The token's roles against the forecast"), ...roleLines(found).map(indented)],
    [paint.bold("The token's groups against the user's groups now"), ...membershipLines(found).map(indented)],
    block('Signs of a pre token generation trigger', found.triggerSigns.flatMap(signLines), paint),
    block('Not conclusive, because', found.doubts.flatMap(doubtLines), paint),
    block('Not looked at', found.notLookedAt.map(printable), paint),
    block('Next', nextLines(found), paint),
  ]
  return blocks
    .filter(lines => lines.length > 0)
    .map(lines => `${lines.join('\n')}\n`)
    .join('\n')
}

const HEADLINES: Readonly<Record<TokenVerdict, string>> = {
  match: 'Match: the token carries what is forecast for its groups.',
  mismatch: 'Mismatch: the token does not carry what is forecast for its groups.',
  settles: 'Settled: the forecast is undetermined, and the token shows which reading is followed.',
  inconclusive: 'Inconclusive: what was read does not say whether the forecast is right.',
}

/** An access token has groups and no roles, so it shows less. */
function headlineOf({ verdict, token }: TokenVerification): string {
  return verdict === 'match' && token.use === 'access'
    ? 'Match: the groups are those that the user is in now. An access token carries no role, so none was compared.'
    : HEADLINES[verdict]
}

const HEADLINE_COLOR: Readonly<Record<TokenVerdict, (paint: Paint) => (text: string) => string>> = {
  match: paint => paint.green,
  mismatch: paint => paint.red,
  settles: paint => paint.green,
  inconclusive: paint => paint.yellow,
}

function block(title: string, lines: readonly string[], paint: Paint): readonly string[] {
  return lines.length === 0 ? [] : [paint.bold(title), ...lines.map(indented)]
}

function tokenLines({ token, userPoolId, endpoint, signature, semantics, calibration }: TokenVerification) {
  const { use, issuedAt, expiresAt, isExpired } = token
  const of = endpoint === undefined ? '' : ` at ${printable(endpoint)}, which is not Cognito's own endpoint`
  return [
    `${use === 'id' ? 'ID' : 'access'} token of user pool ${printable(userPoolId)}${of}`,
    `issued ${issuedAt}, ${isExpired ? 'expired' : 'expires'} ${expiresAt}`,
    `signature ${signatureText(signature)}`,
    calibration === undefined
      ? `semantics ${semantics}`
      : `semantics ${semantics}, ${describeCalibration(calibration)}`,
  ]
}

function signatureText(signature: TokenVerification['signature']): string {
  if (!signature.isChecked) return 'NOT checked'
  return signature.keys === undefined
    ? 'checked with the keys that were given'
    : `checked with the keys at ${printable(signature.keys)}`
}

function forecastBlocks({ forecast, groups }: TokenVerification, paint: Paint): readonly (readonly string[])[] {
  const { reason, evidence } = explain(forecast)
  return [
    [paint.bold('Groups that the token names, highest rank first'), ...ladder({ resolution: forecast, groups }, paint)],
    [paint.bold('Forecast for these groups'), ...claimLines(forecast.claims, forecast, paint)],
    [
      paint.bold('Why'),
      `  ${reason}`,
      paint.dim(`  ${forecast.rule}: ${evidence}; see \`rolecast explain ${ruleToExplain(forecast)}\``),
    ],
  ]
}

function roleLines({ roles, forecast }: TokenVerification): readonly string[] {
  const { status, missing, unexpected, carriedPreferredRole: carried } = roles
  const lines = [
    ...listed(missing, 'forecast in cognito:roles, and not in the token'),
    ...listed(unexpected, 'in cognito:roles of the token, and not forecast'),
  ]
  const { preferredRole: preferred, candidateRole: candidate } = forecast
  const expected = candidate === undefined ? roleText(preferred) : `${roleText(candidate)} or none`
  if (roles.preferredRole !== 'same' && roles.preferredRole !== 'not-carried')
    lines.push(`cognito:preferred_role: forecast ${expected}; in the token ${roleText(carried)}`)
  if (lines.length > 0) return lines
  return [status === 'not-carried' ? 'not compared: an access token has none' : 'the same']
}

function roleText(role: string | undefined): string {
  return role === undefined ? 'none' : printable(role)
}

function membershipLines({ memberships: { status, missing, unexpected } }: TokenVerification): readonly string[] {
  if (status === 'not-compared') return ['not compared']
  if (status === 'same') return ['the same']
  return [
    ...listed(missing, 'the user is in it now, and the token does not name it'),
    ...listed(unexpected, 'the token names it, and the user is not in it now'),
  ]
}

function listed(values: readonly string[], what: string): readonly string[] {
  const lines = values.slice(0, MAX_SHOWN).map(value => `${printable(value)}: ${what}`)
  const more = values.length - lines.length
  return more > 0 ? [...lines, `and ${figure(more)} more: ${what}`] : lines
}

const SIGNS: Readonly<Record<TriggerSignKind, string>> = {
  'roles-without-groups': 'a role in a token that names no group',
  'preferred-outside-roles': 'the preferred role, which is not one of the roles of the token',
  'roles-in-access-token': 'a role in an access token, which Cognito never puts there',
  'empty-claim': 'a claim with nothing in it, which Cognito leaves out',
  'repeated-entry': 'listed more than once, which Cognito does not do',
  'impossible-group': 'a group with a name that Cognito does not accept',
  'foreign-role': 'a role in the token that no group of the user pool has',
  'roles-suppressed': "a role of the token's groups, while the token has no roles at all",
  'groups-suppressed': 'a group of the user, while the token names none at all',
}

function signLines({ sign, values }: TriggerSign): readonly string[] {
  return listed(values, SIGNS[sign])
}

const DOUBTS: Readonly<Record<DoubtKind, string>> = {
  'group-changed':
    'its last change is after the token was issued, or within a second before, so the token may show an earlier state',
  'group-gone': 'the user pool does not have it: it was deleted since, or a trigger put it into the token',
  'memberships-differ':
    "the token's groups are not those that the user is in now: they changed since, or a trigger changed them",
  'nothing-compared': 'an access token has no roles, and the groups of the user were not read',
  'changes-unknown':
    'it is not known whether it changed before the token was issued, and a token settles nothing unless its groups are unchanged since',
  'signature-unchecked': 'a token whose signature was not checked settles nothing',
}

function doubtLines({ doubt, groups }: Doubt): readonly string[] {
  return groups.length === 0 ? [DOUBTS[doubt]] : listed(groups, DOUBTS[doubt])
}

const NEXT: Readonly<Record<DoubtKind, string>> = {
  'group-changed': 'sign in again, and verify the new ID token',
  'group-gone':
    'sign in again, and verify the new ID token: if it names the group too, a pre token generation trigger puts it there',
  'memberships-differ':
    'sign in again, and verify the new ID token: if its groups differ too, a pre token generation trigger changes them',
  'nothing-compared':
    'verify the ID token of the same sign-in; or give --user-pool-id in place of --pool-file, as long as the user exists',
  'changes-unknown':
    'give --user-pool-id in place of --pool-file, so that the groups and their last changes are read now',
  'signature-unchecked': 'leave out --insecure',
}

/** What to do about the doubts, each step once, without a full stop. */
export function nextSteps(doubts: readonly Doubt[]): readonly string[] {
  return distinct(doubts.map(({ doubt }) => NEXT[doubt]))
}

function upperFirst(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`
}

function nextLines(found: TokenVerification): readonly string[] {
  const { verdict, settles, endpoint } = found
  if (verdict === 'match') return []
  if (verdict === 'inconclusive') return nextSteps(found.doubts).map(step => `${upperFirst(step)}.`)
  if (settles === undefined) return mismatchLines(found)
  if (endpoint !== undefined)
    return [
      `Case ${settles.row} is ${settles.semantics} at this endpoint. That says nothing about Cognito: do not choose semantics by it.`,
    ]
  return [
    `Case ${settles.row} (\`rolecast explain roleless-contender\`) is ${settles.semantics} in this user pool: use --semantics ${settles.semantics}.`,
    'One token is one case. `rolecast calibrate --help` says how to check all cases on a scratch pool first.',
  ]
}

function mismatchLines(found: TokenVerification): readonly string[] {
  return [...olderLines(found), ...causeLines(found), ...calibrationLines(found)]
}

/** The first cause to rule out. */
function olderLines({ isReadAfterToken }: TokenVerification): readonly string[] {
  return isReadAfterToken
    ? []
    : [
        'The groups that were given may be older than the token, and a change since then may explain it: read them again, or give --user-pool-id in place of --pool-file.',
      ]
}

/** A token that fits another reading contradicts the calibration, if Cognito issued it and no trigger changed it. */
function calibrationLines(found: TokenVerification): readonly string[] {
  const { calibration, fits, triggerSigns, signature, endpoint, undated, isReadAfterToken } = found
  if (calibration === undefined || endpoint !== undefined) return []
  const which = `the --calibration file (${describeCalibration(calibration)})`
  if (!signature.isChecked)
    return [`Without a check of its signature, the token does not contradict ${which}: leave out --insecure.`]
  const unless = undated.length === 0 && isReadAfterToken ? '' : ', unless its groups changed since'
  return fits.length > 0 && triggerSigns.length === 0
    ? [
        `The token contradicts ${which}${unless}: do not use the file for this user pool, and run \`rolecast calibrate\` again.`,
      ]
    : [`Until you know why, do not use ${which} for this user pool: its forecast differs from what this token carries.`]
}

function causeLines({ fits, triggerSigns, token, endpoint }: TokenVerification): readonly string[] {
  if (triggerSigns.length > 0)
    return [
      'If the user pool has a pre token generation trigger, forecast what it does to the claims with `applyGroupOverride`. `rolecast explain` lists the rules of the trigger.',
    ]
  if (fits.length > 0)
    return [
      `The token fits ${fits.join(' and ')}: see ${fits.map(one => `\`rolecast explain ${one}\``).join(' and ')}.`,
    ]
  if (token.use !== 'id') return []
  return endpoint === undefined
    ? [
        'The token fits no reading of the rules. A pre token generation trigger can change a token without leaving a sign. If the user pool has none, please report it, with the output of --json.',
      ]
    : ['The token fits no reading of the rules: this is what the endpoint does, and not what Cognito does.']
}
