import type { DeclaredPrecedence, GroupDefinition, Infrastructure, Value } from '../rules/infrastructure.js'
import { unknownMark } from './evaluated.js'
import { readYamlDocument, type SourceDocument, type SourceNode, nodeAt } from './yaml-document.js'

/** The file names no pool: an Amplify project has one. */
export const AMPLIFY_POOL = 'amplify'

/**
 * Reads `user-pool-group-precedence.json` of Amplify Gen 1, the ranks as Amplify keeps them. The template beside it, which
 * is what is deployed, is a CloudFormation template.
 *
 * @throws RolecastError `invalid-input`
 * @see https://docs.amplify.aws/gen1/javascript/tools/cli/auth/groups/
 */
export function readAmplifyPrecedence(text: string, path: string): Infrastructure {
  const document = readYamlDocument(text, path)
  const { root } = document
  const next = 'name the `user-pool-group-precedence.json` of an Amplify project'
  if (root.kind !== 'list') throw document.invalid(root, 'it is not a list of groups', next)
  const declaredPrecedences = root.items.map((item): DeclaredPrecedence => {
    const groupName = nodeAt(item, 'groupName')
    if (groupName?.kind !== 'scalar' || typeof groupName.value !== 'string') {
      throw document.invalid(item, 'a group has no `groupName` that is a string', 'let Amplify write the file again')
    }
    const precedence = nodeAt(item, 'precedence')
    return {
      pool: AMPLIFY_POOL,
      groupName: groupName.value,
      precedence: precedence === undefined ? null : plainOf(precedence),
      location: document.locate(item),
    }
  })
  return { ...emptyOf(document), declaredPrecedences }
}

/**
 * Reads the groups in `amplify_outputs.json` of Amplify Gen 2. It does not say their roles; the templates that `ampx` has
 * the CDK synthesise do.
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
  return {
    ...emptyOf(document),
    pools: [{ id: userPoolId, name: userPoolId, userPoolId }],
    groups: (groups?.items ?? []).flatMap(item => {
      if (item.kind !== 'map') throw document.invalid(item, 'a group is not a mapping of its name', next)
      return [...item.entries].map(([groupName, { key, value }]): GroupDefinition => {
        const at = { start: key.start, end: Math.max(key.end, value.end) }
        return {
          id: `${userPoolId}/${groupName}`,
          pool: userPoolId,
          groupName: { is: 'known', value: groupName, location: document.locate(key) },
          precedence: precedenceOf(document, nodeAt(value, 'precedence')),
          role: {
            is: 'unknown',
            why: '`amplify_outputs.json` does not say the roles of groups',
            location: document.locate(at),
          },
          location: { ...document.locate(at), construct: groupName },
        }
      })
    }),
  }
}

function precedenceOf(document: SourceDocument, node: SourceNode | undefined): Value<unknown> {
  if (node === undefined) return { is: 'absent' }
  const value = plainOf(node)
  return value === null
    ? { is: 'absent', location: document.locate(node) }
    : { is: 'known', value, location: document.locate(node) }
}

function plainOf(node: SourceNode): unknown {
  switch (node.kind) {
    case 'scalar':
      return node.value
    case 'list':
      return node.items.map(plainOf)
    case 'map':
      return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plainOf(entry.value)]))
    case 'opaque':
      return unknownMark(node.why)
  }
}

function emptyOf(document: SourceDocument): Infrastructure {
  return {
    format: 'amplify',
    paths: [document.path],
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
