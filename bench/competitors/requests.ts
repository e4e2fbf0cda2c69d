import { compilePool, type Group } from '../../dist/index.js'
import { type Candidate, compare } from '../measure.js'
import { poolOf } from '../pools.js'
import type { Answers } from './compared.js'
import { casbin, casl, cedar, jsonRules } from './engines.js'

/** The user of a request: a name, and the names of the groups. */
export interface Member {
  readonly username: string
  readonly groups: readonly string[]
}

/** Says whether the role is the one that the user gets, by a policy that was made from the groups before. */
export type May = (member: Member, roleArn: string) => boolean | Promise<boolean>

/** Undefined where it is not installed. */
export type Engine = (groups: readonly Group[], members: readonly Member[]) => Promise<May | undefined>

const ENGINES: Readonly<Record<string, Engine>> = {
  '@cedar-policy/cedar-wasm': cedar,
  'casbin, priority': casbin,
  '@casl/ability': casl,
  'json-rules-engine': jsonRules,
}

/** What does one request take, "does this user get this role", against the engines that people use for such questions? */
export async function benchRequests(small: boolean): Promise<Answers> {
  const groups = poolOf(50)
  const members = membersOf(groups, small ? 200 : 10_000)
  const pool = compilePool(groups)
  const preferred = members.map(member => pool.resolve(member.groups).preferredRole)
  const wanted = preferred.map((role, index) => role ?? pool.roles[index % pool.roles.length]!)
  const candidates: Candidate[] = [
    asked(
      'compilePool, resolve',
      members,
      wanted,
      (member, role) => pool.resolve(member.groups).preferredRole === role,
    ),
  ]
  for (const [name, engine] of Object.entries(ENGINES)) {
    const may = await engine(groups, members)
    if (may === undefined) continue
    // The role that the user gets is granted, and no other one: both are checked.
    for (const [index, member] of members.slice(0, 1_000).entries()) {
      const other = pool.roles[(pool.roles.indexOf(wanted[index]!) + 1) % pool.roles.length]!
      for (const role of [wanted[index]!, other]) {
        const granted = await may(member, role)
        if (granted !== (role === preferred[index]))
          throw new Error(`${name} differs on ${role} for ${member.groups.join()}`)
      }
    }
    candidates.push(asked(name, members, wanted, may))
  }
  const measured = await compare(candidates)
  return {
    [`does this user, in 5 of ${groups.length} groups, get this role`]: measured.map(
      ({ name, nanoseconds, ratio }) => ({
        name,
        value: nanoseconds,
        unit: 'ns',
        ratio,
      }),
    ),
  }
}

/** Continues from sample to sample, so that members differ. */
function asked(name: string, members: readonly Member[], roles: readonly string[], may: May): Candidate {
  let next = 0
  const ask = () => {
    const index = next++ % members.length
    return may(members[index]!, roles[index]!)
  }
  const goOn = async (times: number, first: Promise<boolean>) => {
    let last = await first
    for (let index = 1; index < times; index++) last = await ask()
    return last
  }
  return {
    name,
    run(times) {
      let last = ask()
      if (last instanceof Promise) return goOn(times, last)
      for (let index = 1; index < times; index++) last = ask()
      return last
    },
  }
}

function membersOf(groups: readonly Group[], count: number): readonly Member[] {
  let state = 1
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  return Array.from({ length: count }, (_, index) => {
    const names = new Set<string>()
    while (names.size < 5) names.add(groups[random(groups.length)]!.groupName)
    return { username: `user-${index}`, groups: [...names] }
  })
}
