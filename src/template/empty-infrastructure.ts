import type { Infrastructure } from '../rules/infrastructure.js'

/** What a file that has nothing says. */
export function emptyInfrastructure(format: string, path: string): Infrastructure {
  return {
    format,
    paths: [path],
    pools: [],
    groups: [],
    roles: [],
    identityPools: [],
    attachments: [],
    memberships: [],
    declaredPrecedences: [],
    unresolved: [],
    notFollowed: [],
    misspelt: [],
    suppressions: [],
  }
}
