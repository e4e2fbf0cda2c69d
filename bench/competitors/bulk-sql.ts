import { compilePool, OUTCOMES } from '../../dist/index.js'
import { POOL } from './memberships.js'

const pool = compilePool(POOL)
const code = (outcome: (typeof OUTCOMES)[number]) => OUTCOMES.indexOf(outcome)

/** The groups as a database has them: id, precedence, id of the role. */
export const GROUP_ROWS = POOL.map(({ precedence, roleArn }, id) => {
  const role = roleArn ? pool.roleId(roleArn)! : 'null'
  return `(${id}, ${precedence ?? 'null'}, ${role})`
}).join()

/** The rules: the lowest precedence of the groups with a role, then the roles with that precedence, including no role. */
export const SQL = `
  with mine as (select user_id, precedence, role_id from memberships join groups using (group_id)),
    best as (
      select user_id, min(precedence) filter (where role_id is not null) as level from mine group by user_id
    ),
    leaders as (
      select user_id, min(role_id) as lesser, max(role_id) as greater, count(*) - count(role_id) as tied_without_role
      from mine join best using (user_id) where precedence = level group by user_id
    )
  select user_id,
    case when lesser is null then ${code('none')}
      when lesser <> greater then ${code('ambiguous')}
      when tied_without_role > 0 then ${code('undetermined')}
      else ${code('resolved')} end as outcome,
    case when lesser = greater then lesser else -1 end as role_id
  from best left join leaders using (user_id)`
