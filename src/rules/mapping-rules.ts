import { REGION_PATTERN, USER_POOL_ID_PATTERN, USER_POOL_ID_PREFIX } from '../aws-ids.js'
import { listNames, quote } from '../errors.js'
import { authenticatedRoleOf } from './identity-pool-use.js'
import type { Infrastructure, MappingRuleDefinition, RoleAttachment, RoleMappingDefinition } from './infrastructure.js'
import { MAPPING_RULE, ROLE_MAPPING, SET_ROLES } from './pages.js'
import { type GroupView } from './pool-view.js'
import {
  aboutAttachment,
  type CheckedPool,
  defineRule,
  lowered,
  missingSubDraft,
  relatedGroup,
  type RuleDraft,
  yaml,
} from './rule.js'
import { mayHaveRole } from './ties.js'
import { knownOr, possibilities } from './value.js'
import { groupBy } from '../record.js'
import { closest } from '../text.js'

const mappingMissing = defineRule({
  id: 'COG130',
  slug: 'mapping-missing',
  title: 'Groups have roles, but the identity pool does not use them',
  severity: 'warning',
  context: 'A note where the pool has a `Rules` mapping, because that may be intended.',
  enabled: true,
  what: 'Without a `Token` mapping for the user pool, the identity pool gives every user the authenticated role, or the role that rules choose.',
  why: 'The roles of the groups are then in the token, and the identity pool never uses them.',
  fix: 'Add a role mapping of type `Token` for the user pool, or remove the roles from the groups.',
  avoid: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Admin }
      Attachment:
        Type: AWS::Cognito::IdentityPoolRoleAttachment
        Properties:
          IdentityPoolId: !Ref IdentityPool
          Roles: { authenticated: !GetAtt SignedInRole.Arn }
  `),
  prefer: yaml(`
    Resources:
      Pool: { Type: AWS::Cognito::UserPool }
      Client: { Type: AWS::Cognito::UserPoolClient, Properties: { UserPoolId: !Ref Pool } }
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Admin }
      Attachment:
        Type: AWS::Cognito::IdentityPoolRoleAttachment
        Properties:
          IdentityPoolId: !Ref IdentityPool
          Roles: { authenticated: !GetAtt SignedInRole.Arn }
          RoleMappings:
            Pool:
              IdentityProvider: !Sub cognito-idp.\${AWS::Region}.amazonaws.com/\${Pool}:\${Client}
              Type: Token
              AmbiguousRoleResolution: Deny
  `),
  see: ROLE_MAPPING,
  checkAll({ attachments }, pools) {
    const [first, ...others] = attachments
    if (first === undefined || attachments.some(({ mappings }) => !possibilities(mappings).complete)) return []
    return pools.flatMap((pool): readonly RuleDraft[] => {
      const withRole = pool.groups.filter(mayHaveRole)
      const own = new Set(pool.mappings.map(({ mapping }) => mapping))
      const mayAsk = (mapping: RoleMappingDefinition) =>
        knownOr(mapping.type, 'Token') === 'Token' && (own.has(mapping) || mayBeUserPool(mapping))
      const isAsked = attachments.some(({ mappings }) =>
        possibilities(mappings).values.some(some => some?.some(mayAsk)),
      )
      if (withRole.length === 0 || isAsked) return []
      const byRules = pool.mappings.length > 0
      const names = namesOf(withRole)
      const cause = `Groups have roles (${listNames(names)}), but no identity pool has a Token mapping for their user pool.`
      return [
        {
          pool: pool.name,
          groups: names,
          resources: [...attachments.map(({ id }) => id), ...withRole.map(({ definition }) => definition.id)],
          location: first.location,
          related: others.map(({ location }) => ({ message: 'this attachment has none either', location })),
          severity: byRules ? 'note' : 'warning',
          message: `${cause} The roles of the groups are never used.`,
          impact: byRules
            ? 'The users get the roles that the rules choose, whatever the roles of their groups.'
            : `The users get ${authenticatedRoleOf(attachments)}, whatever their groups.`,
        },
      ]
    })
  },
})

/** Whether a mapping that is not linked to a user pool may be for one. */
function mayBeUserPool({ pool, identityProvider }: RoleMappingDefinition): boolean {
  if (pool !== undefined) return false
  const { values, complete } = possibilities(identityProvider)
  return !complete || values.some(provider => provider === undefined || /cognito-idp|\$\{/.test(provider))
}

function namesOf(groups: readonly GroupView[]): readonly string[] {
  return groups.map(({ name }) => name)
}

const fallbackRoleMissing = defineRule({
  id: 'COG131',
  slug: 'fallback-role-missing',
  title: 'A mapping falls back to the authenticated role, but there is none',
  severity: 'error',
  lowersUncertain: true,
  enabled: true,
  what: 'With `AmbiguousRoleResolution: AuthenticatedRole`, a user for whom no role is found gets `Roles.authenticated`. If that is not set, the user gets no credentials.',
  why: 'Only users for whom no role is found are affected, so tests rarely find it.',
  fix: 'Set `authenticated` in `Roles`, or use `Deny`.',
  avoid: yaml(`
    Resources:
      Pool: { Type: AWS::Cognito::UserPool }
      Client: { Type: AWS::Cognito::UserPoolClient, Properties: { UserPoolId: !Ref Pool } }
      Attachment:
        Type: AWS::Cognito::IdentityPoolRoleAttachment
        Properties:
          IdentityPoolId: !Ref IdentityPool
          Roles: { unauthenticated: !GetAtt GuestRole.Arn }
          RoleMappings:
            Pool:
              IdentityProvider: !Sub cognito-idp.\${AWS::Region}.amazonaws.com/\${Pool}:\${Client}
              Type: Token
              AmbiguousRoleResolution: AuthenticatedRole
  `),
  prefer: yaml(`
    Resources:
      Pool: { Type: AWS::Cognito::UserPool }
      Client: { Type: AWS::Cognito::UserPoolClient, Properties: { UserPoolId: !Ref Pool } }
      Attachment:
        Type: AWS::Cognito::IdentityPoolRoleAttachment
        Properties:
          IdentityPoolId: !Ref IdentityPool
          Roles: { authenticated: !GetAtt SignedInRole.Arn, unauthenticated: !GetAtt GuestRole.Arn }
          RoleMappings:
            Pool:
              IdentityProvider: !Sub cognito-idp.\${AWS::Region}.amazonaws.com/\${Pool}:\${Client}
              Type: Token
              AmbiguousRoleResolution: AuthenticatedRole
  `),
  see: SET_ROLES,
  checkAll({ attachments }) {
    return attachments.flatMap((attachment): readonly RuleDraft[] => {
      const given = rolesOf(attachment)
      if (given === undefined || given.some(({ key, role }) => key === 'authenticated' && role.is !== 'absent'))
        return []
      const fallingBack = knownOr(attachment.mappings, []).filter(({ ambiguousRoleResolution }) =>
        possibilities(ambiguousRoleResolution).values.includes('AuthenticatedRole'),
      )
      if (fallingBack.length === 0) return []
      const certain = fallingBack.some(({ ambiguousRoleResolution }) => ambiguousRoleResolution.is === 'known')
      return [
        {
          ...aboutAttachment(attachment),
          location: fallingBack[0]!.location,
          severity: certain ? 'error' : 'warning',
          message: certain
            ? 'A mapping falls back to the authenticated role (AmbiguousRoleResolution), but `Roles` has no `authenticated`.'
            : 'A mapping may fall back to the authenticated role (AmbiguousRoleResolution), but `Roles` has no `authenticated`.',
          impact: certain
            ? 'A user without another role gets no credentials.'
            : 'A user without another role may get no credentials.',
        },
      ]
    })
  },
})

/** Undefined where some of them are unknown. */
function rolesOf({ roles }: RoleAttachment) {
  return roles.is === 'known' || roles.is === 'absent' ? knownOr(roles, []) : undefined
}

const rolesUnknownKey = defineRule({
  id: 'COG132',
  slug: 'roles-unknown-key',
  title: '`Roles` has a key other than `authenticated` and `unauthenticated`',
  severity: 'error',
  enabled: true,
  what: 'The keys of `Roles` are `authenticated` and `unauthenticated`, in lower case. The API rejects others.',
  why: 'The deployment fails, after other resources are created.',
  fix: 'Use `authenticated` or `unauthenticated`.',
  avoid: yaml(`
    Resources:
      Attachment:
        Type: AWS::Cognito::IdentityPoolRoleAttachment
        Properties:
          IdentityPoolId: !Ref IdentityPool
          Roles: { Authenticated: !GetAtt SignedInRole.Arn }
  `),
  prefer: yaml(`
    Resources:
      Attachment:
        Type: AWS::Cognito::IdentityPoolRoleAttachment
        Properties:
          IdentityPoolId: !Ref IdentityPool
          Roles: { authenticated: !GetAtt SignedInRole.Arn }
  `),
  see: SET_ROLES,
  checkAll({ attachments }) {
    return attachments.flatMap(attachment => {
      const wrong = (rolesOf(attachment) ?? []).filter(
        ({ key }) => key !== 'authenticated' && key !== 'unauthenticated',
      )
      if (wrong.length === 0) return []
      const keys = listNames(wrong.map(({ key }) => key).toSorted())
      return [
        {
          ...aboutAttachment(attachment),
          location: wrong[0]!.location,
          message: `\`Roles\` has ${keys}; an identity pool accepts \`authenticated\` and \`unauthenticated\` only.`,
        },
      ]
    })
  },
})

const denyWithTie = defineRule({
  id: 'COG133',
  slug: 'deny-with-tie',
  title: 'The identity pool denies users in a tie',
  severity: 'error',
  lowersUncertain: true,
  enabled: true,
  what: 'With `AmbiguousRoleResolution: Deny`, a user without a preferred role gets no credentials, and a tie of groups leaves users without one.',
  why: 'A second membership, intended to give a user more access, takes all access away.',
  fix: 'Resolve the tie, or fall back to the authenticated role.',
  avoid: yaml(`
    Resources:
      Pool: { Type: AWS::Cognito::UserPool }
      Client: { Type: AWS::Cognito::UserPoolClient, Properties: { UserPoolId: !Ref Pool } }
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Admin }
      Editors:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: editors, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Editor }
      Attachment:
        Type: AWS::Cognito::IdentityPoolRoleAttachment
        Properties:
          IdentityPoolId: !Ref IdentityPool
          Roles: { authenticated: !GetAtt SignedInRole.Arn }
          RoleMappings:
            Pool:
              IdentityProvider: !Sub cognito-idp.\${AWS::Region}.amazonaws.com/\${Pool}:\${Client}
              Type: Token
              AmbiguousRoleResolution: Deny
  `),
  prefer: yaml(`
    Resources:
      Pool: { Type: AWS::Cognito::UserPool }
      Client: { Type: AWS::Cognito::UserPoolClient, Properties: { UserPoolId: !Ref Pool } }
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Admin }
      Editors:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: editors, Precedence: 2, RoleArn: arn:aws:iam::111122223333:role/Editor }
      Attachment:
        Type: AWS::Cognito::IdentityPoolRoleAttachment
        Properties:
          IdentityPoolId: !Ref IdentityPool
          Roles: { authenticated: !GetAtt SignedInRole.Arn }
          RoleMappings:
            Pool:
              IdentityProvider: !Sub cognito-idp.\${AWS::Region}.amazonaws.com/\${Pool}:\${Client}
              Type: Token
              AmbiguousRoleResolution: Deny
  `),
  see: ROLE_MAPPING,
  check(pool) {
    const { ties } = pool
    const denying = pool.mappings.filter(
      ({ mapping }) =>
        possibilities(mapping.type).values.includes('Token') &&
        possibilities(mapping.ambiguousRoleResolution).values.includes('Deny'),
    )
    if (denying.length === 0 || ties.length === 0) return []
    const groups = [...new Set(ties.flatMap(tie => tie.groups))]
    const isKnown = denying.some(
      ({ mapping }) => mapping.type.is === 'known' && mapping.ambiguousRoleResolution.is === 'known',
    )
    const certain = isKnown && ties.some(tie => tie.certain)
    const deniesForSure = isKnown && ties.some(tie => tie.certain && tie.kind === 'different-roles')
    const { mapping } = denying[0]!
    const names = listNames(namesOf(groups))
    const cause = isKnown
      ? `Groups of the pool tie (${names}), and the identity pool denies users without a preferred role (Token, Deny).`
      : `Groups of the pool tie (${names}), and the identity pool may deny users without a preferred role (Token, Deny).`
    return [
      {
        pool: pool.name,
        groups: namesOf(groups),
        resources: [
          ...denying.map(({ attachment }) => attachment.id),
          ...groups.map(({ definition }) => definition.id),
        ],
        location: mapping.ambiguousRoleResolution.location ?? mapping.location,
        related: groups.map(relatedGroup),
        severity: certain ? 'error' : lowered('error'),
        message: cause,
        impact: deniesForSure
          ? 'Users in two of them get no credentials.'
          : 'Users in two of them may get no credentials.',
      },
    ]
  },
})

const ruleNamesUnknownGroup = defineRule({
  id: 'COG134',
  slug: 'rule-names-unknown-group',
  title: 'A mapping rule names a group that is not defined',
  severity: 'warning',
  context: 'A note where some groups of the pool are unknown, or where the pool has no groups.',
  enabled: true,
  what: 'A rule on `cognito:groups` never matches a group that does not exist, and users fall through to the next rule.',
  why: 'Nothing checks the names in mapping rules against the groups of the user pool.',
  fix: 'Correct the value, or define the group.',
  avoid: yaml(`
    Resources:
      Pool: { Type: AWS::Cognito::UserPool }
      Client: { Type: AWS::Cognito::UserPoolClient, Properties: { UserPoolId: !Ref Pool } }
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1 }
      Attachment:
        Type: AWS::Cognito::IdentityPoolRoleAttachment
        Properties:
          IdentityPoolId: !Ref IdentityPool
          Roles: { authenticated: !GetAtt SignedInRole.Arn }
          RoleMappings:
            Pool:
              IdentityProvider: !Sub cognito-idp.\${AWS::Region}.amazonaws.com/\${Pool}:\${Client}
              Type: Rules
              AmbiguousRoleResolution: Deny
              RulesConfiguration:
                Rules:
                  - { Claim: cognito:groups, MatchType: Contains, Value: Admins, RoleARN: !GetAtt AdminRole.Arn }
  `),
  prefer: yaml(`
    Resources:
      Pool: { Type: AWS::Cognito::UserPool }
      Client: { Type: AWS::Cognito::UserPoolClient, Properties: { UserPoolId: !Ref Pool } }
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1 }
      Attachment:
        Type: AWS::Cognito::IdentityPoolRoleAttachment
        Properties:
          IdentityPoolId: !Ref IdentityPool
          Roles: { authenticated: !GetAtt SignedInRole.Arn }
          RoleMappings:
            Pool:
              IdentityProvider: !Sub cognito-idp.\${AWS::Region}.amazonaws.com/\${Pool}:\${Client}
              Type: Rules
              AmbiguousRoleResolution: Deny
              RulesConfiguration:
                Rules:
                  - { Claim: cognito:groups, MatchType: Contains, Value: admins, RoleARN: !GetAtt AdminRole.Arn }
  `),
  see: MAPPING_RULE,
  checkAll(infrastructure, pools) {
    return rulesOnGroups(infrastructure, pools).flatMap(
      ({ rule, matchType, value, names, allKnown, about }): readonly RuleDraft[] => {
        const matches = MATCHES.get(matchType)
        if (matches === undefined || names.some(name => matches(name, value))) return []
        const effect = matchType === 'NotEqual' ? 'The rule excludes no user.' : 'The rule never matches.'
        return [
          {
            ...about,
            groups: [value],
            location: rule.value.location ?? rule.location,
            severity: allKnown ? 'warning' : 'note',
            message: allKnown
              ? `A mapping rule (${matchType}) names the group ${quote(value)}, but the user pool has no matching group. ${effect}`
              : `A mapping rule (${matchType}) names the group ${quote(value)}, which is not among the known groups. The rule may never match.`,
            impact:
              'A user whom no rule matches gets what `AmbiguousRoleResolution` says: no credentials (Deny), or the authenticated role (AuthenticatedRole).',
          },
        ]
      },
    )
  },
})

const ruleContainsSubstring = defineRule({
  id: 'COG135',
  slug: 'rule-contains-substring',
  title: "A rule's value is part of another group's name",
  severity: 'warning',
  enabled: true,
  what: 'AWS does not document whether `Contains` compares whole group names or parts of them: the members of the other group may get the role too.',
  why: 'A rule for `admin` may match `not-admin`.',
  fix: 'Rename one of the groups so that neither name is part of the other.',
  avoid: yaml(`
    Resources:
      Pool: { Type: AWS::Cognito::UserPool }
      Client: { Type: AWS::Cognito::UserPoolClient, Properties: { UserPoolId: !Ref Pool } }
      Admin:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admin, Precedence: 1 }
      NotAdmin:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: not-admin, Precedence: 2 }
      Attachment:
        Type: AWS::Cognito::IdentityPoolRoleAttachment
        Properties:
          IdentityPoolId: !Ref IdentityPool
          Roles: { authenticated: !GetAtt SignedInRole.Arn }
          RoleMappings:
            Pool:
              IdentityProvider: !Sub cognito-idp.\${AWS::Region}.amazonaws.com/\${Pool}:\${Client}
              Type: Rules
              AmbiguousRoleResolution: Deny
              RulesConfiguration:
                Rules:
                  - { Claim: cognito:groups, MatchType: Contains, Value: admin, RoleARN: !GetAtt AdminRole.Arn }
  `),
  prefer: yaml(`
    Resources:
      Pool: { Type: AWS::Cognito::UserPool }
      Client: { Type: AWS::Cognito::UserPoolClient, Properties: { UserPoolId: !Ref Pool } }
      Admin:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admin, Precedence: 1 }
      Guests:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: guests, Precedence: 2 }
      Attachment:
        Type: AWS::Cognito::IdentityPoolRoleAttachment
        Properties:
          IdentityPoolId: !Ref IdentityPool
          Roles: { authenticated: !GetAtt SignedInRole.Arn }
          RoleMappings:
            Pool:
              IdentityProvider: !Sub cognito-idp.\${AWS::Region}.amazonaws.com/\${Pool}:\${Client}
              Type: Rules
              AmbiguousRoleResolution: Deny
              RulesConfiguration:
                Rules:
                  - { Claim: cognito:groups, MatchType: Contains, Value: admin, RoleARN: !GetAtt AdminRole.Arn }
  `),
  see: MAPPING_RULE,
  checkAll(infrastructure, pools) {
    return rulesOnGroups(infrastructure, pools).flatMap(({ rule, matchType, value, names, about }) => {
      const others = names.filter(name => name !== value && name.includes(value))
      if (matchType !== 'Contains' || others.length === 0) return []
      return [
        {
          ...about,
          groups: [value, ...others],
          location: rule.value.location ?? rule.location,
          message: `A mapping rule (Contains) for ${quote(value)} may also match members of ${listNames(others)}. AWS does not document whether it compares whole group names or parts of them.`,
          impact: `Members of ${listNames(others)} may get the role of this rule.`,
        },
      ]
    })
  },
})

const MATCHES: ReadonlyMap<string, (name: string, value: string) => boolean> = new Map([
  ['Equals', (name, value) => name === value],
  ['NotEqual', (name, value) => name === value],
  ['StartsWith', (name, value) => name.startsWith(value)],
  ['Contains', (name, value) => name.includes(value)],
])

interface RuleOnGroups {
  readonly rule: MappingRuleDefinition
  readonly matchType: string
  readonly value: string
  /** The possible names of groups in the user pools that the mapping may be for, sorted. */
  readonly names: readonly string[]
  /** Whether these are all the groups. */
  readonly allKnown: boolean
  readonly about: Pick<RuleDraft, 'pool' | 'resources'>
}

/** The mapping rules on `cognito:groups` that are known, with the groups they are about. */
function rulesOnGroups(
  { attachments, unresolved }: Infrastructure,
  pools: readonly CheckedPool[],
): readonly RuleOnGroups[] {
  return attachments.flatMap(attachment =>
    knownOr(attachment.mappings, []).flatMap(mapping => {
      const own = pools.filter(pool => pool.mappings.some(linked => linked.mapping === mapping))
      const candidates = own.length > 0 ? own : mayBeUserPool(mapping) ? pools : []
      if (candidates.length === 0) return []
      const groups = candidates.flatMap(pool => pool.groups)
      const named = groups.filter(({ isNamed }) => isNamed)
      // A default counts as a name, although a deployment may replace it.
      const possible = groups.flatMap(({ definition }) => possibilities(definition.groupName).values)
      const names = [...new Set(possible.filter(name => name !== undefined))].toSorted()
      return knownOr(mapping.rules, []).flatMap((rule): readonly RuleOnGroups[] => {
        const { claim, matchType, value } = rule
        if (knownOr(claim, '') !== 'cognito:groups' || matchType.is !== 'known' || value.is !== 'known') return []
        return [
          {
            rule,
            matchType: matchType.value,
            value: value.value,
            names,
            allKnown: groups.length > 0 && named.length === groups.length && unresolved.length === 0,
            about: { pool: own[0]?.name ?? '', resources: [attachment.id] },
          },
        ]
      })
    }),
  )
}

const providerFormat = defineRule({
  id: 'COG136',
  slug: 'provider-format',
  title: 'A provider name does not have the format that the API requires',
  severity: 'error',
  lowersUncertain: true,
  enabled: true,
  what: 'In a role mapping, a user pool is named `cognito-idp.REGION.amazonaws.com/POOL:CLIENT`; in `CognitoIdentityProviders`, the same without the colon and the client. A mapping under another name is rejected, or is never used.',
  why: 'The `Logins` of a request have no client ID, so it is often left out of mappings, which need one.',
  fix: 'Write the host, the user pool ID, a colon and the client ID.',
  avoid: yaml(`
    Resources:
      Pool: { Type: AWS::Cognito::UserPool }
      Client: { Type: AWS::Cognito::UserPoolClient, Properties: { UserPoolId: !Ref Pool } }
      Attachment:
        Type: AWS::Cognito::IdentityPoolRoleAttachment
        Properties:
          IdentityPoolId: !Ref IdentityPool
          Roles: { authenticated: !GetAtt SignedInRole.Arn }
          RoleMappings:
            Pool:
              IdentityProvider: !Sub cognito-idp.\${AWS::Region}.amazonaws.com/\${Pool}
              Type: Token
              AmbiguousRoleResolution: Deny
  `),
  prefer: yaml(`
    Resources:
      Pool: { Type: AWS::Cognito::UserPool }
      Client: { Type: AWS::Cognito::UserPoolClient, Properties: { UserPoolId: !Ref Pool } }
      Attachment:
        Type: AWS::Cognito::IdentityPoolRoleAttachment
        Properties:
          IdentityPoolId: !Ref IdentityPool
          Roles: { authenticated: !GetAtt SignedInRole.Arn }
          RoleMappings:
            Pool:
              IdentityProvider: !Sub cognito-idp.\${AWS::Region}.amazonaws.com/\${Pool}:\${Client}
              Type: Token
              AmbiguousRoleResolution: Deny
  `),
  see: ROLE_MAPPING,
  checkAll({ attachments, identityPools, pools, missingSubs = [] }) {
    const texts = missingSubs.filter(({ needs }) => needs === 'provider')
    const isReplaced = (text: string) => !texts.some(one => one.text === text)
    const poolIds = new Set(pools.map(({ id }) => id))
    const ofMappings = attachments.flatMap(attachment =>
      knownOr(attachment.mappings, []).flatMap(({ identityProvider, location }) =>
        possibilities(identityProvider)
          .values.filter(provider => provider !== undefined)
          .filter(provider => isReplaced(provider) && isWrongProvider(provider, poolIds))
          .map((provider): RuleDraft => ({
            ...aboutAttachment(attachment),
            location: identityProvider.location ?? location,
            severity: identityProvider.is === 'known' ? 'error' : 'warning',
            message: `The role mapping is for ${quote(provider)}, but a user pool is written \`cognito-idp.REGION.amazonaws.com/POOL:CLIENT\`. The mapping is used for no user.`,
            impact: `Its users get ${authenticatedRoleOf([attachment])}, unless the API rejects the mapping.`,
          })),
      ),
    )
    const ofIdentityPools = identityPools.flatMap(({ id, providers }) =>
      knownOr(providers, []).flatMap(({ name, location }) =>
        possibilities(name)
          .values.filter(one => one !== undefined)
          .filter(one => isReplaced(one) && isWrongProvider(`${one}:client`, poolIds))
          .map((one): RuleDraft => ({
            pool: '',
            subject: [id, one],
            resources: [],
            location: name.location ?? location,
            severity: name.is === 'known' ? 'error' : 'warning',
            message: `The identity pool ${quote(id)} accepts tokens of ${quote(one)}, but a user pool is written \`cognito-idp.REGION.amazonaws.com/POOL\` there.`,
            impact: 'The identity pool rejects the tokens of the user pool, unless the API rejects the provider.',
          })),
      ),
    )
    return [...ofMappings, ...ofIdentityPools, ...texts.map(missingSubDraft)]
  },
})

const COGNITO_PROVIDER = /^cognito-idp\.([\w-]+)\.amazonaws\.[a-z.]+\/([^/:\s]+):[^/:\s]+$/

/** A placeholder that is not closed ends with the string. Without that, each of many would be searched to the end. */
const PLACEHOLDER = /\$\{[^}]*(?:\}|$)/g

/** A pool's id, or that and a client's, without the host. */
const RESOURCES_ONLY = /^\$\{([^}]*)\}(?::(?:\w+|\$\{[^}]*\}))?$/

/** A placeholder such as `${Client}` counts as one word. */
function isWrongProvider(provider: string, poolIds: ReadonlySet<string>): boolean {
  const filled = provider.replaceAll(PLACEHOLDER, 'filled')
  const [, resource] = RESOURCES_ONLY.exec(provider) ?? []
  if (resource !== undefined && poolIds.has(resource)) return true
  // An ARN names an IAM provider, unless it is the user pool's own ARN, which is not a provider's name.
  if (filled.startsWith('arn:')) return filled.includes(':cognito-idp:')
  if (!filled.includes('cognito-idp') && !USER_POOL_ID_PREFIX.test(filled)) return false
  const [, region, pool] = COGNITO_PROVIDER.exec(filled) ?? []
  if (region === undefined) return true
  // The host of one region, the pool of another.
  return USER_POOL_ID_PATTERN.test(pool!) && REGION_PATTERN.test(region) && !pool!.startsWith(`${region}_`)
}

const twoAttachments = defineRule({
  id: 'COG137',
  slug: 'two-attachments',
  title: 'Two role attachments for one identity pool',
  severity: 'error',
  enabled: true,
  what: 'An identity pool has one set of roles and mappings: each attachment replaces what the other has set, and the last one wins.',
  why: 'Which attachment is the last depends on the deployment, and may change from one deployment to the next.',
  fix: 'Merge the attachments into one.',
  avoid: yaml(`
    Resources:
      First:
        Type: AWS::Cognito::IdentityPoolRoleAttachment
        Properties:
          IdentityPoolId: !Ref IdentityPool
          Roles: { authenticated: !GetAtt SignedInRole.Arn }
      Second:
        Type: AWS::Cognito::IdentityPoolRoleAttachment
        Properties:
          IdentityPoolId: !Ref IdentityPool
          Roles: { unauthenticated: !GetAtt GuestRole.Arn }
  `),
  prefer: yaml(`
    Resources:
      Attachment:
        Type: AWS::Cognito::IdentityPoolRoleAttachment
        Properties:
          IdentityPoolId: !Ref IdentityPool
          Roles: { authenticated: !GetAtt SignedInRole.Arn, unauthenticated: !GetAtt GuestRole.Arn }
  `),
  see: SET_ROLES,
  checkAll({ attachments }) {
    const named = attachments.filter(one => one.identityPool.is === 'known' && one.replacesOther !== true)
    const known = groupBy(named, ({ identityPool }) => knownOr(identityPool, ''))
    return [...known]
      .filter(([, some]) => some.length > 1)
      .map(([name, [first, ...others]]) => ({
        ...aboutAttachment(first!),
        resources: [first!, ...others].map(({ id }) => id),
        related: others.map(({ location }) => ({ message: 'the other attachment', location })),
        message: `${others.length + 1} role attachments set the roles of the identity pool ${quote(name)}. Each replaces what the other has set, and the last one wins.`,
        impact: 'Users get the roles and mappings of the attachment that was deployed last, and none of the others.',
      }))
  },
})

const DENY = '\n              AmbiguousRoleResolution: Deny'

/** What an example of a mapping needs around it. */
const mappingExample = (type: string, rest = '') =>
  yaml(`
    Resources:
      Pool: { Type: AWS::Cognito::UserPool }
      Client: { Type: AWS::Cognito::UserPoolClient, Properties: { UserPoolId: !Ref Pool } }
      Attachment:
        Type: AWS::Cognito::IdentityPoolRoleAttachment
        Properties:
          IdentityPoolId: !Ref IdentityPool
          Roles: { authenticated: !GetAtt SignedInRole.Arn }
          RoleMappings:
            Pool:
              IdentityProvider: !Sub cognito-idp.\${AWS::Region}.amazonaws.com/\${Pool}:\${Client}
              Type: ${type}${rest}
  `)

const ambiguousResolutionMissing = defineRule({
  id: 'COG138',
  slug: 'ambiguous-resolution-missing',
  title: 'A role mapping has no `AmbiguousRoleResolution`',
  severity: 'error',
  lowersUncertain: true,
  enabled: true,
  what: 'A mapping of type `Token` or `Rules` needs `AmbiguousRoleResolution`. The API rejects one without it.',
  why: 'The deployment fails, after other resources are created.',
  fix: 'Set `AmbiguousRoleResolution` to `Deny` or to `AuthenticatedRole`.',
  avoid: mappingExample('Token'),
  prefer: mappingExample('Token', DENY),
  see: ROLE_MAPPING,
  checkAll({ attachments }) {
    return attachments.flatMap(attachment =>
      knownOr(attachment.mappings, [])
        .filter(({ ambiguousRoleResolution }) => possibilities(ambiguousRoleResolution).values.includes(undefined))
        .map(({ key, ambiguousRoleResolution, location }): RuleDraft => ({
          ...aboutAttachment(attachment),
          location,
          severity: ambiguousRoleResolution.is === 'absent' ? 'error' : 'warning',
          message: `The role mapping ${quote(key)} has no \`AmbiguousRoleResolution\`, which the API requires.`,
        })),
    )
  },
})

/** The values that the API accepts, in this letter case. */
const VALUES = {
  Type: ['Token', 'Rules'],
  AmbiguousRoleResolution: ['Deny', 'AuthenticatedRole'],
  MatchType: ['Equals', 'Contains', 'StartsWith', 'NotEqual'],
} as const

const mappingValue = defineRule({
  id: 'COG139',
  slug: 'mapping-value',
  title: 'A role mapping has a value that the API does not accept',
  severity: 'error',
  lowersUncertain: true,
  enabled: true,
  what: 'The type is `Token` or `Rules`, the ambiguous role resolution `Deny` or `AuthenticatedRole`, and a match type `Equals`, `Contains`, `StartsWith` or `NotEqual`. The API rejects other values, including these in other letter case.',
  why: 'The deployment fails, after other resources are created.',
  fix: 'Use one of the values that the API accepts.',
  avoid: mappingExample('token', DENY),
  prefer: mappingExample('Token', DENY),
  see: ROLE_MAPPING,
  checkAll({ attachments }) {
    return attachments.flatMap(attachment =>
      knownOr(attachment.mappings, []).flatMap(mapping => {
        const given = [
          { name: 'Type' as const, value: mapping.type, location: mapping.location },
          {
            name: 'AmbiguousRoleResolution' as const,
            value: mapping.ambiguousRoleResolution,
            location: mapping.location,
          },
          ...knownOr(mapping.rules, []).map(({ matchType, location }) => ({
            name: 'MatchType' as const,
            value: matchType,
            location,
          })),
        ]
        return given.flatMap(({ name, value, location }) =>
          possibilities(value)
            .values.filter(one => one !== undefined && !(VALUES[name] as readonly string[]).includes(one))
            .map((one): RuleDraft => {
              const nearest = closest(one!, VALUES[name])
              const ending = nearest === undefined ? '.' : `; did you mean ${quote(nearest)}? The deployment fails.`
              return {
                ...aboutAttachment(attachment),
                location: value.location ?? location,
                severity: value.is === 'known' ? 'error' : 'warning',
                message: `The ${quote(name)} of the role mapping ${quote(mapping.key)} is ${quote(one)}, and the API does not accept it${ending}`,
              }
            }),
        )
      }),
    )
  },
})

const misspeltProperty = defineRule({
  id: 'COG141',
  slug: 'misspelt-property',
  title: 'A resource has a property that its type does not have',
  severity: 'error',
  enabled: true,
  what: 'A tool that knows the type rejects the property; a tool that does not ignores it.',
  why: 'If the property is ignored, a mapping or a role is missing, and nothing reports it.',
  fix: 'Correct the name of the property.',
  avoid: yaml(`
    Resources:
      Attachment:
        Type: AWS::Cognito::IdentityPoolRoleAttachment
        Properties:
          IdentityPoolId: !Ref IdentityPool
          Roles: { authenticated: !GetAtt SignedInRole.Arn }
          RoleMapping: {}
  `),
  prefer: yaml(`
    Resources:
      Attachment:
        Type: AWS::Cognito::IdentityPoolRoleAttachment
        Properties:
          IdentityPoolId: !Ref IdentityPool
          Roles: { authenticated: !GetAtt SignedInRole.Arn }
          RoleMappings: {}
  `),
  see: 'https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Cognito.html',
  checkAll({ misspelt }) {
    return misspelt.map(({ resource, property, nearest, location }): RuleDraft => ({
      pool: '',
      subject: [resource, property],
      resources: [resource],
      location,
      message: `${quote(resource)} has the property ${quote(property)}, which its type does not have; did you mean ${quote(nearest)}? Its value is not read.`,
    }))
  },
})

export const MAPPING_RULES = [
  mappingMissing,
  fallbackRoleMissing,
  rolesUnknownKey,
  denyWithTie,
  ruleNamesUnknownGroup,
  ruleContainsSubstring,
  providerFormat,
  twoAttachments,
  ambiguousResolutionMissing,
  mappingValue,
  misspeltProperty,
] as const
