/**
 * The patterns of AWS's IDs, each defined once. They are patterns, not checks that something exists. Marked as pure, so
 * that a bundler leaves out those that are not used.
 */

const REGION = '[a-z]{2,}(?:-[a-z]+)+-\\d+'
const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'

export const REGION_PATTERN = /* @__PURE__ */ new RegExp(`^${REGION}$`)

export const UUID_PATTERN = /* @__PURE__ */ new RegExp(`^${UUID}$`)

/** `eu-west-1_Ab12Cd34e`, and nothing else. An emulator's may begin with another word: see `isUserPoolId`. */
export const USER_POOL_ID_PATTERN = /* @__PURE__ */ new RegExp(`^${REGION}_[0-9a-zA-Z]+$`)

/** Matches a user pool ID at the beginning of a string. */
export const USER_POOL_ID_PREFIX = /* @__PURE__ */ new RegExp(`^${REGION}_\\w+`)

/** `POOLID_Provider`: the name that Cognito gives the group of an identity provider. */
const FEDERATED_GROUP_PATTERN = /* @__PURE__ */ new RegExp(`^${REGION}_[0-9A-Za-z]+_`)

/** `eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6`. */
export const IDENTITY_POOL_ID_PATTERN = /* @__PURE__ */ new RegExp(`^${REGION}:${UUID}$`)

/** Every identity pool id in a text. */
export const IDENTITY_POOL_IDS_IN_TEXT = /* @__PURE__ */ new RegExp(`(?<![\\w-])${REGION}:${UUID}(?![\\w-])`, 'g')

/** Whether the API accepts it as a user pool ID: the Region may be any word, as in emulators. */
export function isUserPoolId(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 55 && /^[\w-]+_[0-9a-zA-Z]+$/.test(value)
}

/** The same for emulators whose whole ID may be any word. Not `any`, which means that the pool does not matter. */
export function isEmulatedPoolId(value: unknown): value is string {
  return typeof value === 'string' && !/^any$/i.test(value) && /^[\w-]{1,55}$/.test(value)
}

/**
 * The user pool that issued a token, by its `iss`: `https://cognito-idp.REGION.amazonaws.com/POOL`, or with any other host.
 * Undefined for an issuer of another form.
 */
export function poolOfIssuer(iss: unknown): string | undefined {
  return typeof iss === 'string' ? /^https?:\/\/[^/?#@\\\s]+\/([^/?#@\\\s]+)$/.exec(iss)?.[1] : undefined
}

/** The Region of an identity pool ID. Undefined if it is not one. */
export function identityPoolRegion(value: unknown): string | undefined {
  const [, region] = typeof value === 'string' && value.length <= 55 ? (/^([\w-]+):[0-9a-f-]+$/.exec(value) ?? []) : []
  return region
}

/** The Region of a user pool ID. Undefined if it is not one; an emulator's ID may have no Region. */
export function userPoolRegion(value: unknown): string | undefined {
  return typeof value === 'string' && USER_POOL_ID_PATTERN.test(value) ? value.slice(0, value.indexOf('_')) : undefined
}

/** The ARN of an IAM role, in any partition. */
export const ROLE_ARN_PATTERN = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/

/**
 * Whether this is the group of an identity provider. With an unknown pool, the name decides: it begins with a user pool id.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-user-groups.html
 */
export function isFederatedGroup(groupName: string, userPoolId: string | undefined): boolean {
  return userPoolId === undefined ? FEDERATED_GROUP_PATTERN.test(groupName) : groupName.startsWith(`${userPoolId}_`)
}
