import { isUserPoolId } from '../aws-ids.js'
import { chooseSemantics, type SemanticsOptions } from '../claims/choose-semantics.js'
import {
  type DatedGroup,
  judgeToken,
  type TokenFacts,
  type TokenJudgement,
  type TokenVerification,
} from '../claims/judge-token.js'
import { checkGroup } from '../claims/resolve.js'
import { checkEndpoint, type ConnectionOptions } from '../cognito/api/connection-options.js'
import { createUserPoolCalls, checkUserPoolId, malformedPoolId } from '../cognito/api/user-pool-call.js'
import { listNames, quote, quoteNumber, RolecastError } from '../errors.js'
import { invalidOption } from '../record.js'
import { refuseOtherHosts, serviceAt } from './clients.js'
import { decodeToken, readTokenClaims, type TokenClaims } from './verify-decode.js'
import { readGroupsOfPool, readGroupsOfUser } from './verify-groups.js'
import { checkIssuer, checkSignature, fetchKeys, type IssuerOptions, type KeySet, keysUrlOf } from './verify-keys.js'

/** The options of `verifyToken`. */
export interface VerifyTokenOptions
  extends Pick<ConnectionOptions, 'client' | 'region' | 'endpoint' | 'profile' | 'timeout'>, SemanticsOptions {
  /** The user pool that issued the token: a token of another pool is an error. */
  readonly userPoolId: string
  /**
   * All groups of the user pool, read before. Cognito is not called then, and the groups of the user are not compared.
   *
   * @default read from Cognito, with AdminListGroupsForUser, and ListGroups where that does not explain the token
   */
  readonly groups?: Iterable<DatedGroup> | undefined
  /**
   * When reading the `groups` began, in milliseconds since the epoch, such as `takenAt` of a snapshot. Groups that were
   * not read after the token was issued settle nothing, because they may have changed in between.
   *
   * @default not known
   */
  readonly groupsReadAt?: number | undefined
  /**
   * The keys of the user pool, as at `/.well-known/jwks.json` below its issuer: what `JSON.parse` made of it.
   *
   * @default read from the issuer, or from the `endpoint`
   */
  readonly keys?: unknown
  /**
   * Does not check the signature, so anyone could have written the token. It then settles nothing.
   *
   * @default false
   */
  readonly insecure?: boolean | undefined
  /**
   * The app client that the token has to be for.
   *
   * @default any
   */
  readonly clientId?: string | undefined
  /**
   * Aborts the calls.
   *
   * @default none
   */
  readonly signal?: AbortSignal | undefined
  /**
   * Milliseconds since the epoch.
   *
   * @default Date.now
   */
  readonly clock?: (() => number) | undefined
}

/**
 * Compares one real ID or access token with what rolecast forecasts: the groups that it names with those that the user
 * is in now, and its roles with the forecast for the groups that it names.
 *
 * Not for deciding on access: it accepts expired tokens and does not notice revoked ones. The result is about this
 * token only, and does not show a pre token generation trigger that leaves no trace in it.
 *
 * @param token as Cognito issued it. No part of it is in an error. The result has only its group names and role ARNs.
 * @throws RolecastError as a rejection: `invalid-token`, `invalid-signature`, `wrong-user-pool`, `invalid-claim` (another app client),
 * `invalid-input` (keys), `invalid-option`, or the failure of a call
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html
 * @example
 * import { readFile } from 'node:fs/promises'
 * import { verifyToken } from 'rolecast/calibrate'
 *
 * const token = (await readFile('token.txt', 'utf8')).trim()
 * const { verdict } = await verifyToken(token, { userPoolId: 'eu-west-1_Ab12Cd34e' })
 */
export async function verifyToken(token: string, options: VerifyTokenOptions): Promise<TokenVerification> {
  const { userPoolId, clock = Date.now, signal = new AbortController().signal } = options
  checkUserPoolId(userPoolId)
  checkEndpoint(options)
  const isOfCognito = options.endpoint === undefined || serviceAt(options.endpoint) === 'cognito-idp'
  const endpoint = isOfCognito ? undefined : options.endpoint
  // An emulator may have ids of another form.
  if (endpoint === undefined && !isUserPoolId(userPoolId)) throw malformedPoolId(userPoolId)
  const issuerOptions = { userPoolId, endpoint }
  const chosen = chooseSemantics(options)
  if (options.insecure === true && options.keys !== undefined)
    throw invalidOption('`keys` and `insecure` cannot be combined; give one of them', options.insecure)
  const given = options.groups === undefined ? undefined : datedGroups(options.groups)
  checkReadAt(options)
  const unchecked = decodeToken(token)
  checkIssuer(unchecked.issuer, issuerOptions)
  const signature = await signatureOf(unchecked.issuer, issuerOptions, options)
  const claims =
    signature.keySet === undefined ? unchecked : readTokenClaims(await checkSignature(token, signature.keySet))
  checkClient(claims, options.clientId)
  const facts = await factsOf(claims, given, options, signal)
  const judgement = judgeToken({ ...facts, isSignatureChecked: signature.shown.isChecked }, options)
  return {
    ...judgement,
    userPoolId,
    ...(endpoint !== undefined && { endpoint }),
    token: {
      use: claims.tokenUse,
      issuedAt: isoOf(claims.issuedAt),
      expiresAt: isoOf(claims.expiresAt),
      isExpired: claims.expiresAt * 1_000 <= clock(),
    },
    signature: signature.shown,
    ...chosen,
    notLookedAt: notLookedAt(judgement, facts, {
      hasFile: given !== undefined,
      hasClient: given === undefined && options.client !== undefined,
      isChecked: signature.shown.isChecked,
    }),
  }
}

interface Signature {
  /** Undefined: the signature is not to be checked. */
  readonly keySet: KeySet | undefined
  readonly shown: TokenVerification['signature']
}

async function signatureOf(
  issuer: string,
  issuerOptions: IssuerOptions,
  options: VerifyTokenOptions,
): Promise<Signature> {
  const { insecure, keys, signal = new AbortController().signal, timeout } = options
  if (insecure === true) return { keySet: undefined, shown: { isChecked: false } }
  if (keys !== undefined) return { keySet: { keys }, shown: { isChecked: true } }
  const url = keysUrlOf(issuer, issuerOptions)
  return { keySet: { keys: await fetchKeys(url, { signal, timeout }), url }, shown: { isChecked: true, keys: url } }
}

function checkReadAt({ groups, groupsReadAt }: VerifyTokenOptions): void {
  if (groupsReadAt === undefined) return
  if (groups === undefined)
    throw invalidOption(
      '`groupsReadAt` is the time of `groups`, which are not given; give both, or neither',
      groupsReadAt,
    )
  if (Number.isFinite(groupsReadAt)) return
  throw invalidOption(
    `\`groupsReadAt\` is ${quoteNumber(groupsReadAt)}; give milliseconds since the epoch, or leave it out`,
    groupsReadAt,
  )
}

function datedGroups(groups: Iterable<DatedGroup>): ReadonlyMap<string, DatedGroup> {
  const byName = new Map<string, DatedGroup>()
  for (const group of groups) {
    const { groupName } = checkGroup(group)
    if (group.modifiedAt !== undefined && !Number.isFinite(group.modifiedAt))
      throw invalidOption(
        `\`modifiedAt\` of group ${quote(groupName)} is ${quoteNumber(group.modifiedAt)}; give milliseconds since the epoch, or leave it out`,
        group.modifiedAt,
      )
    if (!byName.has(groupName)) byName.set(groupName, group)
  }
  return byName
}

function checkClient({ clientId }: TokenClaims, wanted: string | undefined): void {
  if (wanted === undefined || wanted === clientId) return
  throw new RolecastError(
    'invalid-claim',
    'the token is for another app client than the one that was given; give a token of that client, or leave the client id out',
  )
}

type Facts = Omit<TokenFacts, 'isSignatureChecked'> & { readonly isUserGone: boolean }

async function factsOf(
  { tokenUse, issuedAt, roleClaims, username }: TokenClaims,
  given: ReadonlyMap<string, DatedGroup> | undefined,
  options: VerifyTokenOptions,
  signal: AbortSignal,
): Promise<Facts> {
  const token = { tokenUse, issuedAt, claims: roleClaims }
  if (given !== undefined)
    return { ...token, groups: given, hasWholePool: true, groupsReadAt: options.groupsReadAt, isUserGone: false }
  // They are read now, after the token was issued, whatever the two clocks say.
  const groupsReadAt = Infinity
  const { userPoolId } = options
  const calls = createUserPoolCalls({
    ...options,
    clock: Date.now,
    onCall: () => {},
    onClient: client => refuseOtherHosts(client, 'cognito-idp', options.endpoint),
  })
  const ofUser = await readGroupsOfUser(calls, { userPoolId, username, signal })
  const memberships = ofUser?.map(({ groupName }) => groupName)
  if (ofUser !== undefined && explains(ofUser, roleClaims))
    return { ...token, groups: byName(ofUser), hasWholePool: false, groupsReadAt, memberships, isUserGone: false }
  const groups = byName(await readGroupsOfPool(calls, { userPoolId, signal }))
  return { ...token, groups, hasWholePool: true, groupsReadAt, memberships, isUserGone: ofUser === undefined }
}

function byName(groups: readonly DatedGroup[]): ReadonlyMap<string, DatedGroup> {
  return new Map(groups.map(group => [group.groupName, group]))
}

/** Whether all groups and roles of a token are those of these groups. */
function explains(groups: readonly DatedGroup[], claims: TokenClaims['roleClaims']): boolean {
  const names = new Set(groups.map(({ groupName }) => groupName))
  const roles = new Set(groups.map(({ roleArn }) => roleArn))
  return (
    (claims['cognito:groups'] ?? []).every(name => names.has(name)) &&
    (claims['cognito:roles'] ?? []).every(role => roles.has(role))
  )
}

const isoOf = (seconds: number) => new Date(seconds * 1_000).toISOString()

function notLookedAt(
  { undated, isReadAfterToken }: TokenJudgement,
  { tokenUse, isUserGone }: Facts,
  {
    hasFile,
    hasClient,
    isChecked,
  }: { readonly hasFile: boolean; readonly hasClient: boolean; readonly isChecked: boolean },
): readonly string[] {
  const found = [
    isChecked ? '' : 'The signature was not checked: anyone could have written this token.',
    hasFile ? 'The groups that the user is in now: the groups were given without their members.' : '',
    isUserGone ? 'The groups that the user is in now: the user pool no longer has the user.' : '',
    hasClient ? 'Whether the groups come from Cognito: the given client was trusted to call it.' : '',
    hasFile && !isReadAfterToken
      ? 'Changes to the groups after they were read: the token may have been issued after such a change, because nothing shows that the groups were read later.'
      : '',
    hasFile && isReadAfterToken ? 'Changes to the groups after they were read.' : '',
    undated.length > 0
      ? `Whether ${undated.length === 1 ? 'a group' : 'groups'} of the token changed after it was issued: the last change of ${listNames(undated)} is not known.`
      : '',
    tokenUse === 'access' ? 'The roles: an access token has none. Verify the ID token of the same sign-in too.' : '',
    'Whether a pre token generation trigger ran: only what it leaves in the token was looked for.',
    'Whether the token was revoked.',
  ]
  return found.filter(sentence => sentence !== '')
}
