import type { GroupDefinition, Infrastructure, Value } from '../../rules/infrastructure.js'
import { emptyInfrastructure } from '../empty-infrastructure.js'
import { plainNode } from '../plain-node.js'
import { nodeAt, readYamlDocument, type SourceDocument, type SourceNode } from '../yaml-document.js'
import { AMPLIFY_POOL, LISTED_POOL, madeRole } from './facts.js'

/**
 * Reads `user-pool-group-precedence.json` of Amplify Gen 1, from which Amplify makes the template of groups when it
 * pushes: every group gets its own role. If the template is there too, `joinAmplify` compares the two.
 *
 * @throws RolecastError `invalid-input`
 * @see https://docs.amplify.aws/gen1/javascript/tools/cli/auth/groups/
 */
export function readAmplifyGroupList(text: string, path: string): Infrastructure {
  const document = readYamlDocument(text, path)
  const { root } = document
  const next = 'name the `user-pool-group-precedence.json` of an Amplify project'
  if (root.kind !== 'list') throw document.invalid(root, 'it is not a list of groups', next)
  const groups = root.items.map((item, index): GroupDefinition => {
    const groupName = nodeAt(item, 'groupName')
    if (groupName?.kind !== 'scalar' || typeof groupName.value !== 'string') {
      throw document.invalid(item, 'a group has no `groupName` that is a string', 'let Amplify write the file again')
    }
    const id = `${LISTED_POOL}/${index}/${groupName.value}`
    return {
      id,
      pool: LISTED_POOL,
      groupName: { is: 'known', value: groupName.value, location: document.locate(groupName) },
      precedence: precedenceOf(document, nodeAt(item, 'precedence')),
      role: madeRole(id),
      location: { ...document.locate(item), construct: groupName.value },
    }
  })
  return { ...emptyInfrastructure('amplify', path), pools: [{ id: LISTED_POOL, name: AMPLIFY_POOL }], groups }
}

/** A precedence as the file has it; null is none. */
export function precedenceOf(document: SourceDocument, node: SourceNode | undefined): Value<unknown> {
  if (node === undefined) return { is: 'absent' }
  const value = plainNode(node)
  const location = document.locate(node)
  return value === null ? { is: 'absent', location } : { is: 'known', value, location }
}
