import { listItems, quote, RolecastError } from '../errors.js'
import type { Infrastructure, PoolDefinition } from '../rules/infrastructure.js'
import { viewPools } from '../rules/pool-view.js'

export interface PoolChoice {
  readonly infrastructure: Infrastructure
  readonly pool: PoolDefinition
  /** The other pools with groups, each with its file. */
  readonly others: readonly string[]
}

/**
 * The pool of a template that is named, or has this id, or else the only one with groups. If there are several, none is
 * guessed.
 *
 * @param option the option that names the pool on the command line
 * @throws RolecastError `invalid-argument`
 */
export function choosePool(
  infrastructures: readonly Infrastructure[],
  {
    userPoolId,
    named,
    option,
  }: {
    readonly userPoolId: string | undefined
    readonly named: string | undefined
    readonly option: string
  },
): PoolChoice {
  const withGroups = infrastructures.flatMap(infrastructure =>
    viewPools(infrastructure)
      .filter(({ id, groups }) => groups.length > 0 || infrastructure.memberships.some(one => one.pool === id))
      .map(pool => ({ infrastructure, pool })),
  )
  const chosen =
    named !== undefined
      ? withGroups.filter(({ pool }) => pool.name === named)
      : withGroups.filter(({ pool }) => pool.userPoolId !== undefined && pool.userPoolId === userPoolId)
  const [only, ...others] = named !== undefined || chosen.length > 0 ? chosen : withGroups
  if (only !== undefined && others.length === 0) {
    const { userPoolId: own, name } = only.pool
    if (own === undefined || userPoolId === undefined || own === userPoolId)
      return { ...only, others: withGroups.filter(one => one !== only).map(poolText) }
    throw new RolecastError(
      'invalid-argument',
      `the pool ${quote(name)} of the template is the user pool ${quote(own)}, not ${quote(userPoolId)}; give the template of the latter`,
      { value: own },
    )
  }
  const names = listItems(withGroups, poolText, 'or')
  throw new RolecastError(
    'invalid-argument',
    withGroups.length === 0
      ? 'no user pool with groups was found; give the template that has them'
      : named !== undefined && chosen.length === 0
        ? `the template has no pool ${quote(named)} with groups; give ${option} with one of ${names}`
        : `the template has several pools with groups; give ${option} with one of ${names}, and fewer files if two have the same name`,
    { value: named },
  )
}

function poolText({ pool, infrastructure }: Omit<PoolChoice, 'others'>): string {
  return `${quote(pool.name)} (${quote(infrastructure.paths[0])})`
}
