import { ownValue } from '../record.js'
import { asList } from './policy-document.js'
import type { ServiceNames } from './policy-condition.js'

/**
 * Whether IAM certainly accepts this document as the trust policy of a role: AWS's pages name everything in it. It is
 * strict: IAM may accept more than they name, and this returns false for it.
 *
 * Not for the length of the document, which has a quota, nor for whether the accounts in it exist.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html
 */
export function isSurelyAccepted(policy: object, names: ServiceNames): boolean {
  const [id, statements] = [ownValue(policy, 'Id'), ownValue(policy, 'Statement')]
  const sids = asList(statements)
    .map(statement => (isObject(statement) ? ownValue(statement, 'Sid') : undefined))
    .filter(sid => sid !== undefined)
  return (
    hasOnly(policy, ['Version', 'Id', 'Statement']) &&
    (id === undefined || isFilled(id)) &&
    isListOf(statements, statement => isStatement(statement, names)) &&
    new Set(sids).size === sids.length
  )
}

function isStatement(statement: unknown, names: ServiceNames): boolean {
  if (!isObject(statement) || !hasOnly(statement, ['Sid', 'Effect', 'Principal', 'Action', 'Condition'])) return false
  const [sid, effect, principal, condition] = ['Sid', 'Effect', 'Principal', 'Condition'].map(name =>
    ownValue(statement, name),
  )
  return (
    (sid === undefined || (typeof sid === 'string' && /^[A-Za-z0-9]*$/.test(sid))) &&
    (effect === 'Allow' || effect === 'Deny') &&
    isPrincipal(principal, names) &&
    isListOf(ownValue(statement, 'Action'), isAction) &&
    (condition === undefined || isCondition(condition)) &&
    (!namesService(principal, names) || hasControl(condition, effect, names))
  )
}

/**
 * Of trust policies IAM says: "AssumeRole policy may only specify STS AssumeRole actions." A wildcard is not one of
 * them.
 */
const ACTIONS: ReadonlySet<string> = new Set(
  [
    'sts:AssumeRole',
    'sts:AssumeRoleWithSAML',
    'sts:AssumeRoleWithWebIdentity',
    'sts:SetContext',
    'sts:SetSourceIdentity',
    'sts:TagSession',
  ].map(action => action.toLowerCase()),
)

function isAction(action: unknown): boolean {
  return typeof action === 'string' && ACTIONS.has(action.toLowerCase())
}

/** Providers of web identities that need no registration, so that IAM knows them in every account. */
const PROVIDERS: ReadonlySet<string> = new Set(['accounts.google.com', 'graph.facebook.com', 'www.amazon.com'])
const SERVICE = /^(?:apigateway|appsync|cognito-idp|ec2|ecs-tasks|edgelambda|events|lambda|states)\.amazonaws\.com$/
const ACCOUNT = /^(?:\*|\d{12}|arn:aws[a-z-]*:iam::\d{12}:root)$/

/** IAM rejects the ARN of a role or a user that does not exist, and the policy alone does not show that. */
function isPrincipal(principal: unknown, { principals }: ServiceNames): boolean {
  const kinds: ReadonlyMap<string, (value: string) => boolean> = new Map([
    ['AWS', value => ACCOUNT.test(value)],
    ['Federated', value => principals.includes(value) || PROVIDERS.has(value)],
    ['Service', value => SERVICE.test(value)],
  ])
  return isObject(principal) && isFilledRecord(principal, (kind, values) => isListOf(values, isText(kinds.get(kind))))
}

function isText(test: ((value: string) => boolean) | undefined): (value: unknown) => boolean {
  return value => test !== undefined && typeof value === 'string' && test(value)
}

/** The operators of AWS's page, each with the endings and beginnings that the page gives it. */
const OPERATOR =
  /^(?:Null|(?:ForAnyValue:|ForAllValues:)?(?:String(?:Not)?(?:Equals(?:IgnoreCase)?|Like)|Arn(?:Not)?(?:Equals|Like)|(?:Numeric|Date)(?:(?:Not)?Equals|(?:Less|Greater)Than(?:Equals)?)|Bool|BinaryEquals|(?:Not)?IpAddress)(?:IfExists)?)$/

function isCondition(condition: unknown): boolean {
  if (!isObject(condition)) return false
  return Object.entries(condition).every(
    ([operator, keys]) =>
      OPERATOR.test(operator) &&
      isObject(keys) &&
      isFilledRecord(keys, (key, values) => key !== '' && isListOf(values, isConditionValue)),
  )
}

function isConditionValue(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
}

function namesService(principal: unknown, { principals }: ServiceNames): boolean {
  const federated = isObject(principal) ? asList(ownValue(principal, 'Federated')) : []
  return federated.some(value => principals.some(name => name === value))
}

/**
 * "For recognized shared OpenID Connect (OIDC) identity providers (IdPs), IAM requires explicit evaluation of specific
 * claims in role trust policies". For identity pools that claim is `aud`, and a pattern of wildcards alone does not
 * count. A Deny allows nobody, so any condition will do there.
 */
function hasControl(condition: unknown, effect: unknown, { keyPrefixes }: ServiceNames): boolean {
  if (!isObject(condition)) return false
  if (effect === 'Deny') return Object.keys(condition).length > 0
  return ['StringEquals', 'StringEqualsIgnoreCase', 'StringLike'].some(operator => {
    const keys = ownValue(condition, operator)
    return (
      isObject(keys) &&
      Object.entries(keys).some(
        ([key, values]) =>
          keyPrefixes.some(prefix => key.toLowerCase() === `${prefix}:aud`) &&
          asList(values).every(value => typeof value === 'string' && /[^*?]/.test(value)),
      )
    )
  })
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isFilled(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function hasOnly(record: object, names: readonly string[]): boolean {
  return Object.keys(record).every(name => names.includes(name))
}

/** A list with at least one item, or a single item without a list. */
function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) ? value.length > 0 && value.every(isItem) : isItem(value)
}

function isFilledRecord(record: object, isEntry: (key: string, value: unknown) => boolean): boolean {
  const entries = Object.entries(record)
  return entries.length > 0 && entries.every(([key, value]) => isEntry(key, value))
}
