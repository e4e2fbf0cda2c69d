import type { Reference, TemplateSymbol } from '../evaluated.js'
import type { AwsResource } from './aws-resources.js'
import { fromJsonValue } from './hcl-values.js'
import { ABSENT, listOfTerms, referenceText, type Term } from './term.js'

/**
 * A type of the Cloud Control provider: the equivalent type of the AWS provider, and the names that differ.
 *
 * @see https://registry.terraform.io/providers/hashicorp/awscc/latest/docs
 */
interface AwsccType {
  readonly type: string
  readonly names: ReadonlyMap<string, string>
  /** Attributes that the provider computes and that are never written. */
  readonly computed: readonly string[]
}

function awsccType(type: string, names: Readonly<Record<string, string>>, computed: readonly string[] = []): AwsccType {
  return { type, names: new Map(Object.entries(names)), computed }
}

const TYPES: ReadonlyMap<string, AwsccType> = new Map([
  ['awscc_cognito_user_pool_group', awsccType('aws_cognito_user_group', { group_name: 'name' })],
  [
    'awscc_cognito_user_pool',
    awsccType('aws_cognito_user_pool', { user_pool_id: 'id', user_pool_name: 'name', provider_name: 'endpoint' }),
  ],
  [
    'awscc_iam_role',
    awsccType('aws_iam_role', {
      assume_role_policy_document: 'assume_role_policy',
      role_name: 'name',
      role_id: 'unique_id',
    }),
  ],
  ['awscc_cognito_user_pool_client', awsccType('aws_cognito_user_pool_client', { client_id: 'id' })],
  [
    'awscc_cognito_identity_pool',
    awsccType(
      'aws_cognito_identity_pool',
      {
        identity_pool_id: 'id',
        identity_pool_tags: 'tags',
        open_id_connect_provider_ar_ns: 'openid_connect_provider_arns',
        saml_provider_ar_ns: 'saml_provider_arns',
      },
      ['name', 'cognito_events', 'cognito_streams', 'push_sync'],
    ),
  ],
  [
    'awscc_cognito_identity_pool_role_attachment',
    awsccType('aws_cognito_identity_pool_roles_attachment', { role_mappings: 'role_mapping' }, [
      'identity_pool_role_attachment_id',
    ]),
  ],
  ['awscc_cognito_user_pool_user_to_group_attachment', awsccType('aws_cognito_user_in_group', {})],
])

export const AWSCC_TYPES: ReadonlySet<string> = new Set(
  [...TYPES.keys()].filter(type => type !== 'awscc_cognito_user_pool_client'),
)

/** The resources in the AWS provider's terms, including their references. */
export function fromAwscc(resources: readonly AwsResource[]): readonly AwsResource[] {
  if (!resources.some(({ type }) => TYPES.has(type))) return resources
  return resources.map(resource => {
    const awscc = TYPES.get(resource.type)
    const { attributes, before } = resource
    return {
      ...resource,
      type: awscc?.type ?? resource.type,
      attributes: translateAttributes(attributes, awscc),
      ...(before !== undefined && { before: translateAttributes(before, awscc) }),
    }
  })
}

function translateAttributes(attributes: ReadonlyMap<string, Term>, awscc: AwsccType | undefined) {
  const translated = new Map<string, Term>()
  for (const [given, term] of attributes) {
    if (awscc?.computed.includes(given) === true) continue
    const name = awscc?.names.get(given) ?? given
    // An id is available under two names.
    if (name !== given && translated.has(name) && term.is === 'absent') continue
    const value = translateTerm(term)
    translated.set(name, given === 'role_mappings' ? toBlocks(value) : given === 'roles' ? fromText(value) : value)
  }
  return translated
}

function translateTerm(term: Term): Term {
  switch (term.is) {
    case 'list':
      return { ...term, items: term.items.map(translateTerm) }
    case 'map':
      return { ...term, entries: new Map([...term.entries].map(([key, value]) => [key, translateTerm(value)])) }
    case 'one-of':
      return { ...term, values: term.values.map(translateTerm) }
    case 'symbolic':
      return { ...term, parts: term.parts.map(part => (typeof part === 'string' ? part : translateSymbol(part))) }
    case 'unknown':
      return { ...term, refers: term.refers?.map(translateReference) }
    default:
      return term
  }
}

function translateSymbol(symbol: TemplateSymbol): TemplateSymbol {
  const { to, refers } = symbol
  const translated = to && translateReference(to)
  return {
    ...symbol,
    ...(translated !== undefined && translated !== to && { to: translated, text: referenceText(translated) }),
    ...(refers !== undefined && { refers: refers.map(translateReference) }),
  }
}

function translateReference(to: Reference): Reference {
  const awscc = TYPES.get(to.type)
  return awscc === undefined
    ? to
    : { ...to, type: awscc.type, attribute: awscc.names.get(to.attribute) ?? to.attribute }
}

/** A map by provider becomes blocks that name the provider. */
function toBlocks(term: Term): Term {
  if (term.is !== 'map') return term
  const blocks = [...term.entries].map(([key, mapping]): Term => {
    if (mapping.is !== 'map') return mapping
    const { entries } = mapping
    const own = entries.get('identity_provider') ?? ABSENT
    const rules = entries.get('rules_configuration') ?? ABSENT
    return {
      ...mapping,
      entries: new Map([
        ...[...entries].filter(([name]) => name !== 'rules_configuration'),
        ['identity_provider', own.is === 'absent' ? fromJsonValue(key) : own],
        ['mapping_rule', rules.is === 'map' ? (rules.entries.get('rules') ?? ABSENT) : rules],
      ]),
    }
  })
  return { ...listOfTerms(blocks), at: term.at }
}

/** Earlier versions of the provider take JSON. */
function fromText(term: Term): Term {
  if (term.is !== 'scalar') return term
  try {
    return { ...fromJsonValue(JSON.parse(term.text)), at: term.at }
  } catch {
    return term
  }
}
