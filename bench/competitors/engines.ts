import { setFlagsFromString } from 'node:v8'
import type { Group } from '../../dist/index.js'
import { load } from './load.js'
import type { Engine, Member } from './requests.js'

/** A group that decides: it has a precedence and a role. No two of the pool here have one number, so the others do not compete. */
interface Ranked {
  readonly groupName: string
  readonly precedence: number
  readonly roleArn: string
}

function rankedOf(groups: readonly Group[]): readonly Ranked[] {
  return groups
    .flatMap(({ groupName, precedence, roleArn }) =>
      precedence == null || !roleArn ? [] : [{ groupName, precedence, roleArn }],
    )
    .toSorted((a, b) => a.precedence - b.precedence)
}

interface Uid {
  readonly type: string
  readonly id: string
}

interface Cedar {
  preparsePolicySet(id: string, policies: { readonly staticPolicies: string }): { readonly type: string }
  statefulIsAuthorized(call: {
    readonly principal: Uid
    readonly action: Uid
    readonly resource: Uid
    readonly context: object
    readonly preparsedPolicySetId: string
    readonly entities: readonly { readonly uid: Uid; readonly attrs: object; readonly parents: readonly Uid[] }[]
  }): { readonly type: string; readonly response: { readonly decision: string } }
}

/** A policy for each group: its role, unless a group of another role ranks as high. Parsed once. */
export const cedar: Engine = async groups => {
  const library = await load<Cedar>('@cedar-policy/cedar-wasm/nodejs')
  if (library === undefined) return undefined
  // With the call inlined, V8 of Node 20 sometimes stops with "unreachable code" when it has to deoptimize around it.
  setFlagsFromString('--no-turbo-inline-js-wasm-calls')
  const ranked = rankedOf(groups)
  const uid = (type: string, id: string) => `${type}::${JSON.stringify(id)}`
  const policies = ranked.map(({ groupName, precedence, roleArn }) => {
    const rivals = ranked.filter(rival => rival.precedence <= precedence && rival.roleArn !== roleArn)
    const names = rivals.map(rival => uid('Group', rival.groupName)).join()
    const unless = names && `unless { principal in [${names}] }`
    return `permit (principal in ${uid('Group', groupName)}, action == Action::"assume", resource == ${uid('Role', roleArn)}) ${unless};`
  })
  const parsed = library.preparsePolicySet('pool', { staticPolicies: policies.join('\n') })
  if (parsed.type !== 'success') throw new Error('Cedar cannot read the policies')
  return ({ username, groups }, roleArn) => {
    const principal = { type: 'User', id: username }
    const answer = library.statefulIsAuthorized({
      principal,
      action: { type: 'Action', id: 'assume' },
      resource: { type: 'Role', id: roleArn },
      context: {},
      preparsedPolicySetId: 'pool',
      entities: [{ uid: principal, attrs: {}, parents: groups.map(id => ({ type: 'Group', id })) }],
    })
    if (answer.type !== 'success') throw new Error('Cedar did not answer')
    return answer.response.decision === 'allow'
  }
}

interface Casbin {
  newModelFromString(text: string): object
  newEnforcer(model: object, adapter: object): Promise<{ enforceSync(...request: readonly string[]): boolean }>
  readonly StringAdapter: new (policy: string) => object
}

/** The first policy that fits decides: that of the best group, which allows its role, or the next one, which denies any other. */
export const casbin: Engine = async (groups, members) => {
  const library = await load<Casbin>('casbin')
  if (library === undefined) return undefined
  const model = library.newModelFromString(`
[request_definition]
r = sub, obj, act
[policy_definition]
p = priority, sub, obj, act, eft
[role_definition]
g = _, _
[policy_effect]
e = priority(p.eft) || deny
[matchers]
m = g(r.sub, p.sub) && (r.obj == p.obj || p.obj == '*') && r.act == p.act
`)
  const policies = rankedOf(groups).flatMap(({ groupName, roleArn }, rank) => [
    `p, ${2 * rank + 1}, ${groupName}, ${roleArn}, assume, allow`,
    `p, ${2 * rank + 2}, ${groupName}, *, assume, deny`,
  ])
  const links = members.flatMap(({ username, groups }) => groups.map(group => `g, ${username}, ${group}`))
  const enforcer = await library.newEnforcer(model, new library.StringAdapter([...policies, ...links].join('\n')))
  return ({ username }, roleArn) => enforcer.enforceSync(username, roleArn, 'assume')
}

interface CaslRule {
  readonly action: string
  readonly subject: string
  readonly inverted?: boolean
  readonly conditions?: object
}

interface Casl {
  createMongoAbility(rules: readonly CaslRule[]): { can(action: string, subject: object): boolean }
  subject(type: string, object: object): object
}

/** An ability for each request, from the groups of its user: the last rule that fits decides, so the best group comes last. */
export const casl: Engine = async groups => {
  const library = await load<Casl>('@casl/ability')
  if (library === undefined) return undefined
  const none: CaslRule = { action: 'assume', subject: 'Role', inverted: true }
  const granting = (roleArn: string): CaslRule => ({ action: 'assume', subject: 'Role', conditions: { roleArn } })
  const table = new Map(
    rankedOf(groups).map(({ groupName, precedence, roleArn }) => {
      return [groupName, { precedence, rules: [none, granting(roleArn)] }] as const
    }),
  )
  const abilityOf = (member: Member) => {
    const ranked = member.groups.flatMap(name => table.get(name) ?? []).toSorted((a, b) => b.precedence - a.precedence)
    return library.createMongoAbility(ranked.flatMap(({ rules }) => rules))
  }
  return (member, roleArn) => abilityOf(member).can('assume', library.subject('Role', { roleArn }))
}

interface JsonRules {
  readonly Engine: new (rules: readonly object[]) => {
    run(facts: object): Promise<{ readonly events: readonly { readonly params?: { readonly roleArn: string } }[] }>
    stop(): unknown
  }
}

/** A rule for each group, the best first; the first that fits stops those that rank lower, but not those of the same rank. */
export const jsonRules: Engine = async groups => {
  const library = await load<JsonRules>('json-rules-engine')
  if (library === undefined) return undefined
  const ranked = rankedOf(groups)
  const highest = ranked.at(-1)!.precedence
  const engine = new library.Engine(
    ranked.map(({ groupName, precedence, roleArn }) => ({
      conditions: { all: [{ fact: 'groups', operator: 'contains', value: groupName }] },
      event: { type: 'role', params: { roleArn } },
      priority: highest - precedence + 1,
      onSuccess: () => engine.stop(),
    })),
  )
  return async (member, roleArn) => {
    const { events } = await engine.run({ groups: member.groups })
    return events.length > 0 && events.every(({ params }) => params?.roleArn === roleArn)
  }
}
