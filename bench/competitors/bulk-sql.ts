import { compilePool, OUTCOMES } from '../../dist/index.js'
import { POOL } from './memberships.js'

/** More than there are roles, and more than any rank: a number for "there is none". */
const ROLES = 64
const NOBODY = 32_000

const pool = compilePool(POOL)
const code = (outcome: (typeof OUTCOMES)[number]) => OUTCOMES.indexOf(outcome)

/** The groups as one has them: id, precedence, id of the role. */
export const GROUP_ROWS = POOL.map(({ precedence, roleArn }, id) => {
  const role = roleArn ? pool.roleId(roleArn)! : 'null'
  return `(${id}, ${precedence ?? 'null'}, ${role})`
}).join()

/**
 * The groups as two numbers whose minima say which role is best and whether another one is as good, and a third for groups
 * without a role: what resolveMany does, in SQL, and in one pass. Nothing found is clearly faster in DuckDB; lists of ids
 * with lambdas are as fast.
 */
export const RANK_ROWS = POOL.map(({ precedence, roleArn }, id) => {
  const role = roleArn ? pool.roleId(roleArn)! : undefined
  const level = precedence ?? NOBODY
  if (level === NOBODY) return `(${id}, ${NOBODY}, ${NOBODY}, ${NOBODY})`
  return role === undefined
    ? `(${id}, ${NOBODY}, ${NOBODY}, ${level})`
    : `(${id}, ${level * ROLES + role}, ${level * ROLES + ROLES - 1 - role}, ${NOBODY})`
}).join()

/** `divide` is the operator for integers. */
export const rankedSql = (divide: '/' | '//') => `
  select user_id,
    case when up = ${NOBODY} then ${code('none')}
      when up % ${ROLES} + down % ${ROLES} <> ${ROLES - 1} then ${code('ambiguous')}
      when roleless <= up ${divide} ${ROLES} then ${code('undetermined')}
      else ${code('resolved')} end as outcome,
    case when up = ${NOBODY} or up % ${ROLES} + down % ${ROLES} <> ${ROLES - 1} then -1 else up % ${ROLES} end as role_id
  from (
    select user_id, min(up) as up, min(down) as down, min(roleless) as roleless
    from memberships join ranks using (group_id) group by user_id
  )`

/** What one would write from the rules: the lowest precedence of those with a role, and then the roles that stand there. */
export const PLAIN_SQL = `
  with mine as (select user_id, precedence, role_id from memberships join groups using (group_id)),
    best as (
      select user_id,
        min(precedence) filter (where role_id is not null) as level,
        min(precedence) filter (where role_id is null) as roleless
      from mine group by user_id
    ),
    leaders as (
      select user_id, min(role_id) as lesser, max(role_id) as greater
      from mine join best using (user_id) where role_id is not null and precedence = level group by user_id
    )
  select user_id,
    case when lesser is null then ${code('none')}
      when lesser <> greater then ${code('ambiguous')}
      when roleless <= level then ${code('undetermined')}
      else ${code('resolved')} end as outcome,
    case when lesser = greater then lesser else -1 end as role_id
  from best left join leaders using (user_id)`
