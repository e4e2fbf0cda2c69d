import { quote } from '../errors.js'
import { checkPrecedence } from './precedence.js'
import { defineRule, json, relatedGroup, type RuleDraft } from './rule.js'
import { hasOneRank } from './ties.js'
import { quoteLiteral } from './value.js'
import { groupBy } from '../record.js'

const amplifyDisagrees = defineRule({
  id: 'COG140',
  slug: 'amplify-disagrees',
  title: "Amplify's list of groups and its template disagree",
  severity: 'warning',
  enabled: true,
  what: 'Amplify keeps the ranks in `user-pool-group-precedence.json` and deploys the template; the next push may overwrite one with the other.',
  why: 'A reader of only one of the two files is misled.',
  fix: 'Set the rank in `user-pool-group-precedence.json` and let Amplify write the template again.',
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
    const groups = groupBy(
      pool.groups.filter(({ isNamed }) => isNamed),
      ({ name }) => name,
    )
    const allNamed = pool.groups.every(({ isNamed }) => isNamed)
    return pool.declaredPrecedences.flatMap(({ groupName, precedence, location }): readonly RuleDraft[] => {
      const [group] = groups.get(groupName) ?? []
      const draft = { pool: pool.name, groups: [groupName], location }
      if (group === undefined) {
        if (pool.groups.length === 0 || !allNamed) return []
        const message = `Amplify's list of groups has ${quote(groupName)}, and the template does not define it.`
        return [{ ...draft, resources: [], message }]
      }
      if (!hasOneRank(group) || group.ranks[0] === checkPrecedence(precedence).rank) return []
      return [
        {
          ...draft,
          resources: [group.definition.id],
          related: [relatedGroup(group)],
          message: `Amplify's list of groups gives ${quote(groupName)} ${rankText(precedence)}, and the template gives it ${rankText(group.ranks[0])}.`,
        },
      ]
    })
  },
})

function rankText(precedence: unknown): string {
  return precedence === undefined || precedence === null ? 'no precedence' : `precedence ${quoteLiteral(precedence)}`
}

export const AMPLIFY_RULES = [amplifyDisagrees] as const
