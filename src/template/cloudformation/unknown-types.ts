import { quote } from '../../errors.js'
import type { NotFollowed } from '../../rules/infrastructure.js'
import { type Entry, nodeAt, type SourceDocument, type SourceNode, spanFrom, textAt } from '../yaml-document.js'

/** The most characters of a text that are looked at. */
const MAX_TEXT = 20_000

/** @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Cognito.html */
const COGNITO_TYPES: ReadonlySet<string> = new Set(
  [
    'IdentityPool',
    'IdentityPoolPrincipalTag',
    'IdentityPoolRoleAttachment',
    'LogDeliveryConfiguration',
    'ManagedLoginBranding',
    'Terms',
    'UserPool',
    'UserPoolClient',
    'UserPoolDomain',
    'UserPoolGroup',
    'UserPoolIdentityProvider',
    'UserPoolReplica',
    'UserPoolResourceServer',
    'UserPoolRiskConfigurationAttachment',
    'UserPoolUICustomizationAttachment',
    'UserPoolUser',
    'UserPoolUserToGroupAttachment',
  ].map(name => `AWS::Cognito::${name}`),
)

/** The calls that create what the rules check, as SDKs spell them. */
const CALLS = /(?:create|update)_?group(?!s?_?name)|add_?user_?to_?group|set_?identity_?pool_?roles/i
const COGNITO = /cognito|user_?pool|identity_?pool/i
/** Names of things that have Cognito groups or role mappings. */
const NAMES =
  /user_?pool_?groups?|cognito_?groups?|groups?_?(?:of|in|to)_?(?:cognito|user_?pool)|user_?to_?group|role_?mapping|identity_?pool_?roles?|roles?_?attachment/i

/**
 * The resources of unknown types that mention Cognito's groups or role mappings: custom resources, modules, third-party
 * types. A module that does not mention them is `unseen`: it may have any resource.
 *
 * @param known the resources of such types that are read nonetheless
 */
export function unknownTypes(
  document: SourceDocument,
  resources: ReadonlyMap<string, Entry>,
  known: ReadonlySet<string>,
): { readonly notFollowed: readonly NotFollowed[]; readonly unseen: readonly NotFollowed[] } {
  const unseen: NotFollowed[] = []
  const functions = new Set(
    [...resources].flatMap(([id, { value }]) => {
      const code = inlineCode(nodeAt(value, 'Properties'))
      return CALLS.test(code) && COGNITO.test(code) ? [id] : []
    }),
  )
  const notFollowed = [...resources].flatMap(([id, { key, value }]) => {
    const type = textAt(value, 'Type')
    if (type === undefined || !isUnknown(type) || known.has(id)) return []
    const speaks = speaksOfGroups(id, type, value, functions)
    if (!speaks && !isModule(type)) return []
    const location = {
      ...document.locate(spanFrom(key, value)),
      construct: textAt(nodeAt(value, 'Metadata'), 'aws:cdk:path') ?? id,
    }
    const found = {
      what: `Resource ${quote(id)}`,
      why: `its type ${quote(type)} is not known`,
      next: isCustom(type)
        ? 'Use the resource types of AWS for groups and role mappings, or validate the live pool after the deployment'
        : 'Validate the template with its modules resolved, or the live pool after the deployment',
      location,
    }
    if (speaks) return [found]
    unseen.push(found)
    return []
  })
  return { notFollowed, unseen }
}

function isModule(type: string): boolean {
  return type.endsWith('::MODULE')
}

function isUnknown(type: string): boolean {
  if (type.startsWith('AWS::Cognito::')) return !COGNITO_TYPES.has(type)
  return isCustom(type) || isModule(type) || !/^(?:AWS|Alexa)::/.test(type)
}

function isCustom(type: string): boolean {
  return type.startsWith('Custom::') || type === 'AWS::CloudFormation::CustomResource'
}

function speaksOfGroups(id: string, type: string, value: SourceNode, functions: ReadonlySet<string>): boolean {
  if (type.startsWith('AWS::Cognito::') || NAMES.test(type) || NAMES.test(id)) return true
  const properties = nodeAt(value, 'Properties')
  const text = textIn(properties)
  if (CALLS.test(text) && COGNITO.test(`${id} ${type} ${text}`)) return true
  if (/\bcognito/i.test(type) && /group/i.test(`${id} ${type}`)) return true
  const keys = properties?.kind === 'map' ? [...properties.entries.keys()] : []
  const has = (key: RegExp) => keys.some(one => key.test(one))
  if (has(/^group(?:_?names?|s)?$/i) && has(/^user_?pool/i)) return true
  if (has(/^identity_?pool/i) && has(/role_?arn$/i)) return true
  if (has(/^role_?mappings?$/i) && has(/^identity_?pool/i)) return true
  const token = textIn(nodeAt(properties, 'ServiceToken'))
  return [...functions].some(name => token.split(/[\s.]/).includes(name))
}

/** The code of a function, as far as the template has it. */
export function inlineCode(properties: SourceNode | undefined): string {
  return textIn(nodeAt(nodeAt(properties, 'Code'), 'ZipFile') ?? nodeAt(properties, 'InlineCode'))
}

/** All keys and values in it, joined. */
export function textIn(node: SourceNode | undefined): string {
  const texts: string[] = []
  let length = 0
  const add = (text: string) => {
    length += text.length
    texts.push(text.slice(0, MAX_TEXT))
  }
  const visit = (one: SourceNode) => {
    if (length > MAX_TEXT) return
    if (one.kind === 'scalar') add(one.text)
    else if (one.kind === 'list') one.items.forEach(visit)
    else if (one.kind === 'map')
      for (const [key, entry] of one.entries) {
        add(key)
        visit(entry.value)
      }
  }
  if (node !== undefined) visit(node)
  return texts.join(' ')
}
