import { listNames, quote } from '../errors.js'
import {
  acceptanceOf,
  type AcceptedClient,
  clientOfMapping,
  clientOfProvider,
  identityPoolsOf,
  providersOf,
} from './accepted-clients.js'
import { authenticatedRoleOf } from './identity-pool-use.js'
import type { IdentityPoolDefinition, RoleAttachment, RoleMappingDefinition } from './infrastructure.js'
import { CREATE_IDENTITY_POOL } from './pages.js'
import { aboutAttachment, defineRule, type RuleDraft, yaml } from './rule.js'
import { knownOr } from './value.js'
import { groupBy } from '../record.js'
import { compareText } from '../text.js'

/** An identity pool that accepts some clients, with a mapping for the first. */
const acceptingExample = (...clients: readonly string[]) =>
  yaml(`
    Resources:
      Pool: { Type: AWS::Cognito::UserPool }
      Web: { Type: AWS::Cognito::UserPoolClient, Properties: { UserPoolId: !Ref Pool } }
      Mobile: { Type: AWS::Cognito::UserPoolClient, Properties: { UserPoolId: !Ref Pool } }
      IdentityPool:
        Type: AWS::Cognito::IdentityPool
        Properties:
          AllowUnauthenticatedIdentities: false
          CognitoIdentityProviders:${clients.map(client => `\n            - { ProviderName: !GetAtt Pool.ProviderName, ClientId: !Ref ${client} }`).join('')}
      Attachment:
        Type: AWS::Cognito::IdentityPoolRoleAttachment
        Properties:
          IdentityPoolId: !Ref IdentityPool
          Roles: { authenticated: !GetAtt SignedInRole.Arn }
          RoleMappings:
            Web:
              IdentityProvider: !Sub \${Pool.ProviderName}:\${Web}
              Type: Token
              AmbiguousRoleResolution: Deny
  `)

const clientNotAccepted = defineRule({
  id: 'COG142',
  slug: 'client-not-accepted',
  title: 'A role mapping is for a client that the identity pool does not accept',
  severity: 'error',
  enabled: true,
  what: 'An identity pool accepts tokens of the user pools and app clients in `CognitoIdentityProviders`, and no others. A role mapping for another user pool or client is stored, but never used.',
  why: 'SetIdentityPoolRoles does not compare the two lists. The users whose tokens are accepted get the authenticated role, whatever their groups.',
  fix: 'Give the mapping the user pool and the client of a token that the identity pool accepts, or add them to `CognitoIdentityProviders`.',
  avoid: acceptingExample('Mobile'),
  prefer: acceptingExample('Web'),
  see: CREATE_IDENTITY_POOL,
  checkAll(infrastructure) {
    const identityPoolOf = identityPoolsOf(infrastructure)
    return infrastructure.attachments.flatMap(attachment => {
      const identityPool = identityPoolOf(attachment)
      return identityPool === undefined
        ? []
        : rejectedMappings(attachment, identityPool).map(mapping => notAcceptedDraft(attachment, identityPool, mapping))
    })
  },
})

function rejectedMappings(
  { mappings }: RoleAttachment,
  identityPool: IdentityPoolDefinition,
): readonly RoleMappingDefinition[] {
  return knownOr(mappings, []).filter(mapping => acceptanceOf(mapping, identityPool).is === 'rejected')
}

function notAcceptedDraft(
  attachment: RoleAttachment,
  identityPool: IdentityPoolDefinition,
  mapping: RoleMappingDefinition,
): RuleDraft {
  const accepted = (providersOf(identityPool) ?? []).flatMap(provider => clientOfProvider(provider) ?? [])
  const names = [...new Set(accepted.map(one => one.client))].toSorted(compareText)
  const { client } = clientOfMapping(mapping)!
  const others = names.length === 0 ? 'no client of a user pool' : `other clients only (${listNames(names)})`
  return {
    ...aboutAttachment(attachment),
    subject: [knownOr(attachment.identityPool, attachment.id), client],
    location: mapping.identityProvider.location ?? mapping.location,
    related: [{ message: 'the identity pool', location: identityPool.location }],
    message: `A role mapping is for the client ${quote(client)}, but the identity pool accepts ${others}. The mapping is never used.`,
    impact:
      names.length === 0
        ? 'The identity pool rejects tokens of this client.'
        : `Users of accepted clients without a mapping get ${authenticatedRoleOf([attachment])}, whatever their groups; tokens of this client are rejected.`,
  }
}

const clientWithoutMapping = defineRule({
  id: 'COG143',
  slug: 'client-without-mapping',
  title: 'The identity pool accepts a client that has no role mapping, and another client has one',
  severity: 'note',
  enabled: true,
  what: 'A role mapping is for one app client. Users who sign in through another client of the same user pool get the authenticated role, whatever their groups.',
  why: 'The same user gets one role in one app and another role in the other. This may be intended, so it is a note.',
  fix: 'Add a role mapping for the client, or remove the client from `CognitoIdentityProviders`.',
  avoid: acceptingExample('Web', 'Mobile'),
  prefer: acceptingExample('Web'),
  see: CREATE_IDENTITY_POOL,
  checkAll(infrastructure) {
    const attached = groupBy(infrastructure.attachments, ({ id, identityPool }) => knownOr(identityPool, id))
    return infrastructure.identityPools.flatMap(identityPool => {
      const attachments = attached.get(identityPool.id) ?? []
      return clientsWithoutMapping(identityPool, attachments).map(({ client, location }): RuleDraft => ({
        ...aboutAttachment(attachments[0]!),
        subject: [identityPool.id, client],
        location,
        related: attachments.map(one => ({ message: 'the role mappings', location: one.location })),
        message: `The identity pool accepts the client ${quote(client)}, which has no role mapping, and another client of the same user pool has one.`,
        impact: `Users who sign in through it get ${authenticatedRoleOf(attachments)}, whatever their groups.`,
      }))
    })
  },
})

/** Also empty if some mapping may be for any of the clients, or if COG142 reports one that is for none of them. */
function clientsWithoutMapping(identityPool: IdentityPoolDefinition, attachments: readonly RoleAttachment[]) {
  const mappings = attachments.flatMap(({ mappings }): readonly (RoleMappingDefinition | undefined)[] =>
    mappings.is === 'absent' ? [] : mappings.is === 'known' ? mappings.value : [undefined],
  )
  const mapped = mappings.flatMap(mapping => {
    if (mapping === undefined || acceptanceOf(mapping, identityPool).is !== 'accepted') return []
    return clientOfMapping(mapping) ?? []
  })
  if (mapped.length === 0 || mapped.length < mappings.length) return []
  const isMapped = (one: AcceptedClient) => mapped.some(other => one.client === other.client)
  return (providersOf(identityPool) ?? []).flatMap(provider => {
    const accepted = clientOfProvider(provider)
    if (
      accepted === undefined ||
      isMapped(accepted) ||
      !mapped.some(({ pool }) => pool !== undefined && pool === accepted.pool)
    )
      return []
    return [{ client: accepted.client, location: provider.location }]
  })
}

export const IDENTITY_POOL_RULES = [clientNotAccepted, clientWithoutMapping] as const
