import { isRolecastError, quote } from '../errors.js'
import { checkRecord, invalidOption, ownValue } from '../record.js'
import { compareText } from '../text.js'
import { isLike } from './policy-condition.js'
import { AS_RETURNED, asList, readDocument } from './policy-document.js'
import { type Maybe, and, or } from './three-valued.js'

/** The policies of a role, and how much they allow. */
export interface RolePrivileges {
  /** Names of attached policies, sorted. */
  readonly attached: readonly string[]
  /** Names of inline policies, sorted. */
  readonly inline: readonly string[]
  /**
   * True: `AdministratorAccess` is attached, or a policy allows every action on every resource, and nothing in the
   * policies takes any of that away. False: some action on some resource is certainly not allowed. Undefined: it could
   * not be evaluated, and `notRead` says why.
   */
  readonly administrator: boolean | undefined
  /** What was not read or not evaluated: a sentence each. */
  readonly notRead: readonly string[]
}

export interface Policy {
  readonly name: string
  /** A document as an object, as JSON, or percent-encoded as IAM gives it; undefined: it was not read. */
  readonly document?: unknown
  /** Why it was not read, in words that begin with a name or in lower case. */
  readonly why?: string | undefined
}

export interface RolePolicies {
  readonly attached: readonly (Policy & { readonly arn: string })[]
  readonly inline: readonly Policy[]
  /** The ARN of the policy that bounds what the others allow. */
  readonly permissionsBoundary?: string | undefined
  /** What else was not read: a sentence each. */
  readonly notRead?: readonly string[] | undefined
}

/** Whose role it is. */
export interface RoleOwner {
  readonly partition: string
  readonly account: string
}

/**
 * Judges whether the policies of a role allow every action on every resource.
 *
 * Not for a role that can give itself more, for example with `iam:PutRolePolicy` or `iam:PassRole`: such a role is not
 * an administrator here. Not for what is outside the role: service control policies, session policies, and policies of
 * resources.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
 */
export function judgePrivileges(policies: RolePolicies, owner: RoleOwner): RolePrivileges {
  const { attached, inline, notRead = [] } = policies
  const { allows, denies, unread } = readPolicies(policies)
  const left = [...notRead, ...unread]
  const isWhole = attached.some(isAdministratorAccess) || allows.some(coversAll)
  const open = requestsOf(owner).map(request => allows.filter(statement => covers(statement, request) !== false))
  const isPossible = isWhole || open.every(statements => statements.length > 0)
  const doubts = [
    ...left,
    ...(isPossible && !isWhole ? doubtsOf(open.flat()) : []),
    ...(isPossible ? reductionsOf(policies, denies) : []),
  ]
  const sentences = isWhole && doubts.length > 0 ? [WHOLE, ...doubts] : doubts
  return {
    attached: attached.map(({ name }) => name).toSorted(compareText),
    inline: inline.map(({ name }) => name).toSorted(compareText),
    administrator: doubts.length > 0 ? undefined : isWhole,
    notRead: [...new Set(sentences)],
  }
}

const WHOLE =
  'A policy allows every action on every resource, but other statements or a permissions boundary may take some of that away.'

interface PermissionStatement {
  /** The name of its policy. */
  readonly policy: string
  readonly effect: 'Allow' | 'Deny'
  readonly actions: readonly unknown[]
  readonly isNotAction: boolean
  readonly resources: readonly unknown[]
  readonly isNotResource: boolean
  readonly hasCondition: boolean
  /** Elements that a policy of a role does not have, such as `Principal`. */
  readonly hasOtherElements: boolean
}

/** An action on a resource. */
interface ActionRequest {
  readonly action: string
  readonly resource: string
}

/** AWS's own policy, whose document is known by its name. */
export function isAdministratorAccess({ arn }: { readonly arn: string }): boolean {
  return /^arn:aws[a-z-]*:iam::aws:policy\/AdministratorAccess$/.test(arn)
}

interface ReadPolicies {
  readonly allows: readonly PermissionStatement[]
  readonly denies: readonly PermissionStatement[]
  /** A sentence for each policy that was not read or cannot be read. */
  readonly unread: readonly string[]
}

function readPolicies({ attached, inline }: RolePolicies): ReadPolicies {
  const statements: PermissionStatement[] = []
  const unread: string[] = []
  for (const policy of [...attached.filter(one => !isAdministratorAccess(one)), ...inline]) {
    const { name, document, why = 'it is not known' } = policy
    if (document === undefined) {
      unread.push(`The policy ${quote(name)} was not read: ${why}.`)
      continue
    }
    try {
      const read = readDocument(document, 'the document')
      if (read.hasRepeatedKeys) throw invalidOption('it has a key twice; write each key once', name)
      statements.push(...read.statements.map((one, index) => readStatement(one, name, `statement ${index}`)))
    } catch (error) {
      if (!isRolecastError(error)) throw error
      unread.push(`The policy ${quote(name)} cannot be evaluated: ${error.message}.`)
    }
  }
  const having = (effect: 'Allow' | 'Deny') => statements.filter(statement => statement.effect === effect)
  return { allows: having('Allow'), denies: having('Deny'), unread }
}

const ELEMENTS: ReadonlySet<string> = new Set([
  'Sid',
  'Effect',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
])

function readStatement(value: unknown, policy: string, where: string): PermissionStatement {
  const statement = checkRecord(value, where, AS_RETURNED)
  const effect = ownValue(statement, 'Effect')
  if (effect !== 'Allow' && effect !== 'Deny')
    throw invalidOption(`${where} has the effect ${quote(effect)}; use \`Allow\` or \`Deny\``, value)
  const [actions, isNotAction] = readNames(statement, 'Action', where)
  const [resources, isNotResource] = readNames(statement, 'Resource', where)
  const condition = ownValue(statement, 'Condition')
  return {
    policy,
    effect,
    actions,
    isNotAction,
    resources,
    isNotResource,
    hasCondition:
      condition !== undefined &&
      Object.keys(checkRecord(condition, `\`Condition\` in ${where}`, AS_RETURNED)).length > 0,
    hasOtherElements: Object.keys(statement).some(element => !ELEMENTS.has(element)),
  }
}

function readNames(
  statement: object,
  element: 'Action' | 'Resource',
  where: string,
): readonly [names: readonly unknown[], isNot: boolean] {
  const [given, opposite] = [ownValue(statement, element), ownValue(statement, `Not${element}`)]
  if ((given === undefined) === (opposite === undefined))
    throw invalidOption(
      `${where} needs either ${quote(element)} or ${quote(`Not${element}`)}; ${AS_RETURNED}`,
      statement,
    )
  return [asList(given ?? opposite), given === undefined]
}

/** Whether it certainly allows every action on every resource. */
function coversAll(statement: PermissionStatement): boolean {
  const { actions, isNotAction, resources, isNotResource } = statement
  return (
    isJudged(statement) &&
    !isNotAction &&
    !isNotResource &&
    actions.some(action => typeof action === 'string' && /^\*+(?::\*+)?$/.test(action)) &&
    resources.some(resource => typeof resource === 'string' && /^\*+$/.test(resource))
  )
}

function isJudged({ hasCondition, hasOtherElements }: PermissionStatement): boolean {
  return !hasCondition && !hasOtherElements
}

/** Whether it covers a request, whatever the context: false only if it certainly does not. */
function covers(statement: PermissionStatement, { action, resource }: ActionRequest): Maybe {
  const { actions, isNotAction, resources, isNotResource } = statement
  return and(
    isNotAction ? undefined : or(...actions.map(pattern => matches(pattern, action, { ignoreCase: true }))),
    isNotResource ? undefined : or(...resources.map(pattern => matches(pattern, resource, { ignoreCase: false }))),
    isJudged(statement) || undefined,
  )
}

/** Actions are case-insensitive; ARNs are not. A policy variable may be anything. */
function matches(pattern: unknown, value: string, { ignoreCase }: { readonly ignoreCase: boolean }): Maybe {
  if (typeof pattern !== 'string' || pattern.includes('${')) return undefined
  return ignoreCase ? isLike(value.toLowerCase(), pattern.toLowerCase()) : isLike(value, pattern)
}

/**
 * Actions that real services have, on resources that may exist. If one of them is certainly not allowed, not everything
 * is allowed; if all of them may be allowed, that proves nothing.
 */
function requestsOf({ partition, account }: RoleOwner): readonly ActionRequest[] {
  const everywhere = [
    { action: 'iam:CreateUser', resource: `arn:${partition}:iam::${account}:user/rolecast` },
    { action: 's3:PutObject', resource: `arn:${partition}:s3:::rolecast/rolecast` },
  ]
  const region = REGIONS.get(partition)
  if (region === undefined) return everywhere
  return [
    ...everywhere,
    { action: 'kms:Decrypt', resource: `arn:${partition}:kms:${region}:${account}:key/rolecast` },
    { action: 'ec2:TerminateInstances', resource: `arn:${partition}:ec2:${region}:${account}:instance/i-0c0ffee` },
    { action: 'lambda:InvokeFunction', resource: `arn:${partition}:lambda:${region}:${account}:function:rolecast` },
    { action: 'dynamodb:DeleteTable', resource: `arn:${partition}:dynamodb:${region}:${account}:table/rolecast` },
  ]
}

/** A Region of each partition. */
const REGIONS: ReadonlyMap<string, string> = /* @__PURE__ */ new Map([
  ['aws', 'us-east-1'],
  ['aws-cn', 'cn-north-1'],
  ['aws-us-gov', 'us-gov-west-1'],
  ['aws-iso', 'us-iso-east-1'],
  ['aws-iso-b', 'us-isob-east-1'],
  ['aws-iso-e', 'eu-isoe-west-1'],
  ['aws-iso-f', 'us-isof-south-1'],
  ['aws-eusc', 'eusc-de-east-1'],
])

/** Why it is unknown whether these statements allow everything. */
function doubtsOf(statements: readonly PermissionStatement[]): readonly string[] {
  const found = new Set(statements.flatMap(statement => openParts(statement).map(what => sentence(statement, what))))
  if (found.size > 0) return [...found]
  return ['No statement alone allows every action on every resource, and whether they do so together is not evaluated.']
}

function openParts(statement: PermissionStatement): readonly string[] {
  const { isNotAction, isNotResource, hasCondition, hasOtherElements, actions, resources } = statement
  const parts: readonly (readonly [boolean, string])[] = [
    [isNotAction, '`NotAction`'],
    [isNotResource, '`NotResource`'],
    [hasCondition, '`Condition`'],
    [hasOtherElements, 'an element that a policy of a role does not have'],
    [[...actions, ...resources].some(name => typeof name !== 'string' || name.includes('${')), 'a policy variable'],
  ]
  return parts.filter(([isThere]) => isThere).map(([, what]) => what)
}

function sentence({ policy }: PermissionStatement, what: string): string {
  return `The policy ${quote(policy)} may allow everything by a statement with ${what}, which is not evaluated.`
}

/** What may take away some of what is allowed. */
function reductionsOf(
  { permissionsBoundary }: RolePolicies,
  denies: readonly PermissionStatement[],
): readonly string[] {
  const denying = [...new Set(denies.map(({ policy }) => policy))]
  return [
    ...denying.map(
      policy => `The policy ${quote(policy)} denies something; how much that takes away is not evaluated.`,
    ),
    ...(permissionsBoundary === undefined
      ? []
      : [
          `The permissions boundary ${quote(permissionsBoundary)} limits the role; how much it takes away is not evaluated.`,
        ]),
  ]
}
