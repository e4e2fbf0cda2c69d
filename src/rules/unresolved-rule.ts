import { quote } from '../errors.js'
import { acceptanceOf, identityPoolsOf } from './accepted-clients.js'
import type { IdentityPoolDefinition, Location, RoleMappingDefinition, Value } from './infrastructure.js'
import { defineRule, type RuleDraft, yaml } from './rule.js'

/** The rules on trust report trust policies that cannot be checked. */
export const unresolvedValue = defineRule({
  id: 'COG190',
  slug: 'unresolved-value',
  title: 'A value cannot be determined from the file',
  severity: 'note',
  enabled: true,
  what: 'A parameter without a default, an import or a loop over a variable has a value only once it is deployed. A user pool that no file defines may have more groups in other files.',
  why: 'Rules that need the value are not applied to it. Without this note, a value that was not checked would look like a pass.',
  fix: 'Write a value that can be read from the file, such as a default, or validate something that has the value: a plan, or the live pool after the deployment.',
  avoid: yaml(`
    Parameters:
      Rank: { Type: Number }
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, Precedence: !Ref Rank }
  `),
  prefer: yaml(`
    Parameters:
      Rank: { Type: Number, Default: 1 }
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, Precedence: !Ref Rank }
  `),
  see: 'https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html',
  /** One note for every value that some rule needs. */
  checkAll(infrastructure, pools) {
    const { attachments, memberships } = infrastructure
    const poolNames = new Map(pools.map(({ id, name }) => [id, name]))
    const ofGroups = pools.flatMap(pool =>
      pool.groups.flatMap(({ name, definition: { id, groupName, precedence, role, location } }) => {
        const base = { pool: pool.name, groups: [name], resources: [id] }
        return [
          ...note(groupName, `The name of the group ${quote(name)}`, isSeveral, {
            ...base,
            subject: ['name'],
            location,
          }),
          ...note(precedence, `The precedence of ${quote(name)}`, never, {
            ...base,
            subject: ['precedence'],
            location,
          }),
          ...note(role, `The role of ${quote(name)}`, never, { ...base, subject: ['role'], location }),
        ]
      }),
    )
    const identityPoolOf = identityPoolsOf(infrastructure)
    const ofAttachments = attachments.flatMap(attachment => {
      const { id, identityPool, roles, mappings, location } = attachment
      const definition = identityPoolOf(attachment)
      const name = identityPool.is === 'known' ? identityPool.value : id
      const base = { pool: '', resources: [id] }
      const part = <T>(value: Value<T>, what: string, open: Open, location: Location) =>
        note(value, `In the role attachment of ${quote(name)}, ${what}`, open, {
          ...base,
          subject: [`${name}: ${what}`],
          location,
        })
      /**
       * The provider is not needed if the user pool is known, unless it has to be compared with those of the identity
       * pool.
       */
      const ofProvider = (mapping: RoleMappingDefinition, accepting: IdentityPoolDefinition | undefined) => {
        const what = `the provider of the mapping ${quote(mapping.key)}`
        if (mapping.pool === undefined) return part(mapping.identityProvider, what, never, mapping.location)
        const acceptance = accepting && acceptanceOf(mapping, accepting)
        if (acceptance?.is !== 'open' || acceptance.value === undefined) return []
        const isOwn = acceptance.value === mapping.identityProvider
        return part(
          acceptance.value,
          isOwn ? what : `whether the identity pool accepts the client of the mapping ${quote(mapping.key)}`,
          isSeveral,
          mapping.location,
        )
      }
      return [
        ...(attachments.length > 1 ? part(identityPool, 'the identity pool', isSeveral, location) : []),
        ...part(roles, 'the value of `Roles`', isSeveral, location),
        ...part(mappings, 'the value of `RoleMappings`', isSeveral, location),
        ...(mappings.is === 'known' ? mappings.value : []).flatMap(mapping => [
          ...ofProvider(mapping, definition),
          ...part(mapping.type, `the type of the mapping ${quote(mapping.key)}`, never, mapping.location),
          ...part(
            mapping.ambiguousRoleResolution,
            `the ambiguous role resolution of the mapping ${quote(mapping.key)}`,
            never,
            mapping.location,
          ),
          ...part(mapping.rules, `the list of rules of the mapping ${quote(mapping.key)}`, isSeveral, mapping.location),
          ...(mapping.rules.is === 'known' ? mapping.rules.value : []).flatMap((rule, index) => [
            ...part(
              rule.claim,
              `the claim of rule ${index + 1} of the mapping ${quote(mapping.key)}`,
              isSeveral,
              rule.location,
            ),
            ...part(
              rule.matchType,
              `the match type of rule ${index + 1} of the mapping ${quote(mapping.key)}`,
              isSeveral,
              rule.location,
            ),
            ...part(
              rule.value,
              `the value of rule ${index + 1} of the mapping ${quote(mapping.key)}`,
              isSeveral,
              rule.location,
            ),
          ]),
        ]),
      ]
    })
    // Memberships matter to ties only.
    const tied = new Set(pools.filter(({ ties }) => ties.length > 0).map(({ id }) => id))
    const relevant = memberships.filter(({ pool }) => tied.has(pool))
    const ofMemberships = relevant.flatMap(({ pool, username, groupName, location }) => [
      ...note(username, 'The user of a membership', isSeveral, {
        pool: poolNames.get(pool)!,
        resources: [],
        subject: ['user'],
        location,
      }),
      ...note(groupName, 'The group of a membership', isSeveral, {
        pool: poolNames.get(pool)!,
        resources: [],
        subject: ['group'],
        location,
      }),
    ])
    const isTold = new Set(infrastructure.unresolved.map(({ pool }) => pool))
    const elsewhere = new Set(
      infrastructure.pools.flatMap(({ id, elsewhere }) => (elsewhere && !isTold.has(id) ? id : [])),
    )
    const ofPools = pools.flatMap(({ id, name, groups: [first] }) =>
      first === undefined || !elsewhere.has(id)
        ? []
        : [
            {
              pool: name,
              resources: [],
              subject: ['pool'],
              location: first.definition.location,
              message: `No file that was read defines the user pool ${quote(name)}: groups that other files give it are not seen, and rules that compare groups are not applied to them.`,
              fix: 'Validate the files that define the pool together with this one, or the live pool after the deployment.',
            },
          ],
    )
    const ofReaders = infrastructure.unresolved.map(({ why, location, pool }) => ({
      pool: pool === undefined ? '' : (poolNames.get(pool) ?? pool),
      resources: [],
      subject: [why],
      location,
      message: `${upperFirst(why)}.`,
    }))
    return [...ofGroups, ...ofPools, ...ofAttachments, ...ofMemberships, ...ofReaders]
  },
})

/** Whether a value that is one of several, all known, leaves its rules unresolved. */
type Open = (value: Value<unknown>) => boolean

const isSeveral: Open = value => value.is === 'one-of'
const never: Open = () => false

/** One note for an unknown value, or none. */
function note(
  value: Value<unknown>,
  what: string,
  open: Open,
  base: Omit<RuleDraft, 'severity' | 'message'>,
): readonly RuleDraft[] {
  const leaves = value.is === 'one-of' ? value.values : [value]
  const why = leaves.find(leaf => leaf.is === 'unknown')?.why ?? (open(value) ? 'it is one of several' : undefined)
  if (why === undefined) return []
  return [
    {
      ...base,
      location: value.location ?? base.location,
      message: isPartlyKnown(value)
        ? `${what} may have a value other than the known ones: ${why}. Rules are applied to the known values.`
        : `${what} is unknown: ${why}. Rules that need it are not applied to it.`,
    },
  ]
}

/** Whether some of its possible values are known, and some are not. */
function isPartlyKnown(value: Value<unknown>): boolean {
  return value.is === 'one-of' && ['known', 'unknown'].every(is => value.values.some(leaf => leaf.is === is))
}

function upperFirst(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
