import type { Infrastructure, PoolDefinition } from '../rules/infrastructure.js'

/** The pools of several files, each once: a pool that some file defines is not `elsewhere`. */
export function distinctPools(parts: readonly Infrastructure[]): readonly PoolDefinition[] {
  const pools = new Map<string, PoolDefinition>()
  for (const pool of parts.flatMap(part => part.pools)) {
    const known = pools.get(pool.id)
    if (known === undefined || known.elsewhere || !pool.elsewhere) pools.set(pool.id, pool)
  }
  return [...pools.values()]
}
