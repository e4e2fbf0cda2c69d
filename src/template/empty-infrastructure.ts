import type { Infrastructure } from '../rules/infrastructure.js'

/** The result for a file without any resources. */
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
