import type {
  IdentityPoolDefinition,
  IdentityPoolProvider,
  Infrastructure,
  RoleAttachment,
  RoleMappingDefinition,
  Value,
} from './infrastructure.js'
import { knownOr } from './value.js'

/** Whether an identity pool accepts the tokens that a role mapping is for. */
export type Acceptance =
  | { readonly is: 'accepted' | 'rejected' }
  /** `value` is the unknown one; absent if both values are known and cannot be compared. */
  | { readonly is: 'open'; readonly value?: Value<unknown> | undefined }

const OPEN: Acceptance = { is: 'open' }

/**
 * Finds the definition of an attachment's identity pool, if the files have it. Skips a pool whose list of providers has
 * a misspelt property name: COG141 reports that.
 */
export function identityPoolsOf({
  identityPools,
  misspelt,
}: Pick<Infrastructure, 'identityPools' | 'misspelt'>): (
  attachment: RoleAttachment,
) => IdentityPoolDefinition | undefined {
  const hidden = new Set(misspelt.flatMap(({ resource, nearest }) => (PROVIDERS.has(nearest) ? [resource] : [])))
  const readable = identityPools.filter(
    ({ id, resource = id, providers }) => providers.is !== 'absent' || !hidden.has(resource),
  )
  const byId = new Map(readable.map(one => [one.id, one]))
  return ({ identityPool }) => (identityPool.is === 'known' ? byId.get(identityPool.value) : undefined)
}

const PROVIDERS: ReadonlySet<string> = new Set(['CognitoIdentityProviders', 'cognito_identity_providers'])

/** Undefined if the list is unknown. */
export function providersOf({ providers }: IdentityPoolDefinition): readonly IdentityPoolProvider[] | undefined {
  return providers.is === 'absent' ? [] : knownOr(providers, undefined)
}

/** Whether the tokens that a mapping is for are among those that its identity pool accepts. */
export function acceptanceOf(mapping: RoleMappingDefinition, identityPool: IdentityPoolDefinition): Acceptance {
  const providers = providersOf(identityPool)
  if (providers === undefined) return { is: 'open', value: identityPool.providers }
  if (providers.length > MAX_PROVIDERS) return OPEN
  if (mapping.written !== undefined && providers.some(({ written }) => written === mapping.written))
    return { is: 'accepted' }
  const client = clientOfMapping(mapping)
  if (client === undefined)
    return mapping.identityProvider.is === 'known' ? OPEN : { is: 'open', value: mapping.identityProvider }
  const results = providers.map((provider): Acceptance => {
    const other = clientOfProvider(provider)
    if (other === undefined) return { is: 'open', value: unknownOf(provider) }
    return { is: compare(client, other) }
  })
  return results.find(({ is }) => is === 'accepted') ?? results.find(({ is }) => is === 'open') ?? { is: 'rejected' }
}

/** An identity pool has 50 at most; mappings are compared with each. */
const MAX_PROVIDERS = 200

/** The part of it that is unknown; undefined for a malformed name, which COG136 reports. */
function unknownOf({ name, clientId }: IdentityPoolProvider): Value<unknown> | undefined {
  return [clientId, name].find(({ is }) => is !== 'known')
}

/** An app client and its user pool, each by the `id` of the resource or by the text that is written. */
export interface AcceptedClient {
  readonly client: string
  readonly isResource: boolean
  readonly pool: string | undefined
}

/** A name may contain `${Pool}` and `${Client}`: each stands for a resource. */
const WORD = '([^/:\\s{}]+|\\$\\{[^}]*\\})'
const ISSUER = `cognito-idp\\.(?:[\\w-]+|\\$\\{[^}]*\\})\\.amazonaws\\.[a-z.]+/${WORD}`
const PROVIDER = new RegExp(`^${ISSUER}:${WORD}$`)
const PROVIDER_NAME = new RegExp(`^${ISSUER}$`)

/** The client of a mapping; undefined for a provider of another kind, or one that is malformed or not known. */
export function clientOfMapping(mapping: RoleMappingDefinition): AcceptedClient | undefined {
  const { identityProvider, client, pool } = mapping
  if (identityProvider.is !== 'known') return client === undefined ? undefined : { client, isResource: true, pool }
  const [, poolText, text] = PROVIDER.exec(identityProvider.value) ?? []
  if (text === undefined) return undefined
  return { client: client ?? text, isResource: client !== undefined, pool: pool ?? poolText }
}

/** The client that an identity pool accepts; undefined where it is not known, or its user pool's name is malformed. */
export function clientOfProvider({ name, clientId, client, pool }: IdentityPoolProvider): AcceptedClient | undefined {
  const [, poolText] = PROVIDER_NAME.exec(knownOr(name, '')) ?? []
  if (name.is === 'known' && poolText === undefined) return undefined
  const text = knownOr(clientId, undefined)
  if (client === undefined && (text === undefined || name.is !== 'known')) return undefined
  return { client: client ?? text!, isResource: client !== undefined, pool: pool ?? poolText }
}

/** A client belongs to one user pool, so clients that are equal have the same pool. */
function compare(a: AcceptedClient, b: AcceptedClient): Acceptance['is'] {
  if (a.isResource !== b.isResource) return 'open'
  if (a.client === b.client) return 'accepted'
  // A string with a placeholder is not a client's ID yet.
  return a.isResource || ![a.client, b.client].some(text => text.includes('${')) ? 'rejected' : 'open'
}
