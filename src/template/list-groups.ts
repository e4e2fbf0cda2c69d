import { quote } from '../errors.js'
import type {
  GroupDefinition,
  Infrastructure,
  MisspeltProperty,
  NotFollowed,
  PoolDefinition,
  Value,
} from '../rules/infrastructure.js'
import { plainNode } from './plain-node.js'
import { misspeltKey } from '../listed-group.js'
import { emptyInfrastructure } from './empty-infrastructure.js'
import { nodeAt, readYamlDocument, type SourceDocument, type SourceNode, textAt } from './yaml-document.js'

const NEXT = 'make it with `aws cognito-idp list-groups --user-pool-id ID` or `rolecast snapshot`'

/**
 * Reads the groups of live user pools as `aws cognito-idp list-groups` prints them, and `rolecast snapshot`. A file may
 * have groups of several pools. A group that does not name its pool is in the snapshot's pool, or in a pool that
 * nothing names.
 *
 * A list with a `NextToken` is incomplete, which is reported.
 *
 * @throws RolecastError `invalid-input`, with the line and the column
 * @see https://docs.aws.amazon.com/cli/latest/reference/cognito-idp/list-groups.html
 */
export function readListedGroups(text: string, path: string): Infrastructure {
  const document = readYamlDocument(text, path)
  const { root } = document
  const list = nodeAt(root, 'Groups')
  if (list?.kind !== 'list') throw document.invalid(list ?? root, 'it has no list `Groups`', NEXT)
  const snapshotOf = textAt(root, 'userPoolId')
  const pools = new Map<string, PoolDefinition>()
  if (snapshotOf !== undefined) pools.set(snapshotOf, poolOf(snapshotOf))
  const groups = list.items.map((item, index): GroupDefinition => {
    const groupName = nodeAt(item, 'GroupName')
    if (groupName?.kind !== 'scalar' || groupName.text === '')
      throw document.invalid(item, 'a group has no `GroupName`', NEXT)
    const userPoolId = textAt(item, 'UserPoolId') || snapshotOf
    const pool = userPoolId === undefined ? { id: path, name: path } : poolOf(userPoolId)
    pools.set(pool.id, pool)
    return {
      id: `${pool.id}/${index}/${groupName.text}`,
      pool: pool.id,
      groupName: { is: 'known', value: groupName.text, location: document.locate(groupName) },
      precedence: valueOf(document, nodeAt(item, 'Precedence'), plainNode),
      role: roleOf(document, nodeAt(item, 'RoleArn')),
      location: { ...document.locate(item), construct: groupName.text },
    }
  })
  return {
    ...emptyInfrastructure('user-pool', path),
    pools: [...pools.values()],
    groups,
    misspelt: list.items.flatMap((item, index) => misspeltIn(document, item, index)),
    notFollowed: restOf(document),
  }
}

/** A key close to one that decides a role: its value does not count. */
function misspeltIn(document: SourceDocument, item: SourceNode, index: number): readonly MisspeltProperty[] {
  if (item.kind !== 'map') return []
  const resource = textAt(item, 'GroupName') || `group ${index + 1}`
  return [...item.entries].flatMap(([property, { key }]) => {
    const nearest = misspeltKey(property)
    return nearest === undefined ? [] : [{ resource, property, nearest, location: document.locate(key) }]
  })
}

function poolOf(userPoolId: string): PoolDefinition {
  return { id: userPoolId, name: userPoolId, userPoolId }
}

/** Null counts as absent: emulators print it. */
function valueOf<T>(document: SourceDocument, node: SourceNode | undefined, read: (node: SourceNode) => T): Value<T> {
  if (node === undefined) return { is: 'absent' }
  const location = document.locate(node)
  return node.kind === 'scalar' && node.value === null
    ? { is: 'absent', location }
    : { is: 'known', value: read(node), location }
}

/** A role of "" means none: two emulators print it. */
function roleOf(document: SourceDocument, node: SourceNode | undefined): GroupDefinition['role'] {
  if (node === undefined) return { is: 'absent' }
  const location = document.locate(node)
  if (node.kind !== 'scalar') return { is: 'unknown', why: 'it is not a string', location }
  return node.text === '' || node.value === null
    ? { is: 'absent', location }
    : { is: 'known', value: { kind: 'arn', id: node.text }, location }
}

function restOf(document: SourceDocument): readonly NotFollowed[] {
  const token = nodeAt(document.root, 'NextToken')
  if (token === undefined || (token.kind === 'scalar' && (token.value === null || token.text === ''))) return []
  return [
    {
      what: 'The rest of the groups',
      why: `${quote(document.path)} has only some pages of the user pool (\`NextToken\` is set)`,
      next: 'List the groups without --max-items and --no-paginate',
      location: document.locate(token),
    },
  ]
}
