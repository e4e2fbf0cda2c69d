import { listNames, quote } from '../errors.js'
import type { DeclaredPrecedence } from './infrastructure.js'
import { checkPrecedence } from './precedence.js'
import type { GroupView } from './pool-view.js'
import { about, type CheckedPool, defineRule, json, relatedGroup, type RuleDraft } from './rule.js'
import { hasOneRank } from './ties.js'
import { quoteLiteral } from './value.js'
import { groupBy } from '../record.js'

const amplifyDisagrees = defineRule({
  id: 'COG140',
  slug: 'amplify-disagrees',
  title: 'Two files of an Amplify project disagree about its groups',
  severity: 'warning',
  enabled: true,
  what: 'Gen 1 keeps the ranks in `user-pool-group-precedence.json` and deploys the template; the next push may overwrite one with the other. Gen 2 deploys what `defineAuth` says, and writes `amplify_outputs.json` afterwards: if that file differs, it is older, or the groups were changed elsewhere.',
  why: 'Anyone who reads only one of the two files is misled.',
  fix: 'In Gen 1, set the rank in `user-pool-group-precedence.json` and let Amplify write the template again; in Gen 2, deploy, and let `npx ampx generate outputs` write `amplify_outputs.json` again.',
  avoid: json(`
    [
      { "groupName": "admins", "precedence": 2 }
    ]
  `),
  prefer: json(`
    [
      { "groupName": "admins", "precedence": 1 }
    ]
  `),
  see: 'https://docs.amplify.aws/gen1/angular/build-a-backend/auth/user-group-management/',
  check(pool) {
    if (pool.declaredPrecedences.length === 0 || pool.groups.length === 0) return []
    const named = pool.groups.filter(({ isNamed }) => isNamed)
    const allNamed = named.length === pool.groups.length
    const groups = groupBy(named, ({ name }) => name)
    const compared = pool.declaredPrecedences.flatMap((declared): readonly RuleDraft[] => {
      const { groupName, precedence, location } = declared
      const [group] = groups.get(groupName) ?? []
      const draft = { pool: pool.name, groups: [groupName], subject: [sourceOf(declared)], location }
      if (group === undefined) {
        const message = `${sourceOf(declared)} has the group ${quote(groupName)}, and ${definitionOf(declared)} does not define it.`
        return allNamed ? [{ ...draft, resources: [], message }] : []
      }
      if (!hasOneRank(group) || group.ranks[0] === checkPrecedence(precedence).rank) return []
      return [
        {
          ...draft,
          resources: [group.definition.id],
          related: [relatedGroup(group)],
          message: `${sourceOf(declared)} gives ${quote(groupName)} ${rankText(precedence)}, and ${definitionOf(declared)} gives it ${rankText(group.ranks[0])}.`,
        },
      ]
    })
    return [...compared, ...missing(pool, named)]
  },
})

/** Groups that another file does not have: one finding for each file. */
function missing(pool: CheckedPool, groups: readonly GroupView[]): readonly RuleDraft[] {
  return [...groupBy(pool.declaredPrecedences, sourceOf).values()].flatMap(declared => {
    const names = new Set(declared.map(({ groupName }) => groupName))
    const [first, ...others] = groups.filter(({ name }) => !names.has(name))
    if (first === undefined) return []
    const source = sourceOf(declared[0]!)
    const without = listNames([first, ...others].map(({ name }) => name))
    return [
      {
        ...about(pool, [first, ...others]),
        subject: [source],
        message: `${source} does not have ${without}, and ${definitionOf(declared[0]!)} does.`,
      },
    ]
  })
}

function sourceOf({ source = "Amplify's list of groups" }: DeclaredPrecedence): string {
  return source
}

function definitionOf({ definition = 'the template' }: DeclaredPrecedence): string {
  return definition
}

function rankText(precedence: unknown): string {
  return precedence === undefined || precedence === null ? 'no precedence' : `precedence ${quoteLiteral(precedence)}`
}

export const AMPLIFY_RULES = [amplifyDisagrees] as const
