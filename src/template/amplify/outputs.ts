import type { GroupDefinition, Infrastructure } from '../../rules/infrastructure.js'
import { emptyInfrastructure } from '../empty-infrastructure.js'
import { nodeAt, readYamlDocument } from '../yaml-document.js'
import { factsOf, madeRole } from './facts.js'
import { precedenceOf } from './group-list.js'

/**
 * Reads the groups in `amplify_outputs.json` of Amplify Gen 2, which `ampx` writes after a deployment. The file has no
 * roles: Amplify makes one for every group in it, and a pool that `referenceAuth` uses has no groups in it.
 *
 * @throws RolecastError `invalid-input`
 * @see https://docs.amplify.aws/react/reference/amplify_outputs/
 */
export function readAmplifyOutputs(text: string, path: string): Infrastructure {
  const document = readYamlDocument(text, path)
  const auth = nodeAt(document.root, 'auth')
  const poolId = nodeAt(auth, 'user_pool_id')
  const next = 'name the `amplify_outputs.json` of an Amplify Gen 2 project'
  if (poolId?.kind !== 'scalar' || typeof poolId.value !== 'string') {
    throw document.invalid(auth ?? document.root, 'it has no `user_pool_id` in `auth`', next)
  }
  const userPoolId = poolId.value
  const groups = nodeAt(auth, 'groups')
  if (groups !== undefined && groups.kind !== 'list') throw document.invalid(groups, '`groups` is not a list', next)
  const definitions = (groups?.items ?? []).flatMap(item => {
    if (item.kind !== 'map') throw document.invalid(item, 'a group is not a mapping of its name', next)
    return [...item.entries].map(([groupName, { key, value }]): GroupDefinition => {
      const at = { start: key.start, end: Math.max(key.end, value.end) }
      const id = `${userPoolId}/${groupName}`
      return {
        id,
        pool: userPoolId,
        groupName: { is: 'known', value: groupName, location: document.locate(key) },
        precedence: precedenceOf(document, nodeAt(value, 'precedence')),
        role: madeRole(id),
        location: { ...document.locate(at), construct: groupName },
      }
    })
  })
  const isMadeByAmplify = definitions.length > 0
  return {
    ...emptyInfrastructure('amplify', path),
    pools: [{ id: userPoolId, name: userPoolId, userPoolId }],
    groups: definitions,
    ...(isMadeByAmplify && factsOf(userPoolId, definitions, document.locate(auth!))),
  }
}
