import { USER_POOL_ID_PATTERN } from '../../aws-ids.js'
import { listNames, quote } from '../../errors.js'
import type {
  GroupDefinition,
  Infrastructure,
  Location,
  NotFollowed,
  PoolDefinition,
  RoleAttachment,
  RoleDefinition,
  Suppression,
  Unresolved,
  Value,
} from '../../rules/infrastructure.js'
import { toValue } from '../evaluated.js'
import { AMPLIFY_POOL, factsOf, madeRole } from './facts.js'
import { emptyInfrastructure } from '../empty-infrastructure.js'
import { parseIgnoreComment } from '../ignore-comment.js'
import { createEvaluator, type Evaluator, type Literal, nameOf, scopeOf, textOfLiteral } from './literals.js'
import { childOf, childrenOf, nodesOf, parseProgram, type SourceProgram, type SyntaxNode } from './program.js'

/**
 * Reads a file of an Amplify backend in TypeScript or JavaScript: the groups that `defineAuth` makes, each with its own
 * role and ranked by its position in the list, and the identity pool that hands out those roles. The file is not run.
 *
 * What the text of the file does not show is unknown. CDK code that may change groups or roles is not followed; a
 * note reports it.
 *
 * @throws RolecastError as a rejection: `invalid-input`, with the line and the column
 * @see https://docs.amplify.aws/react/build-a-backend/auth/concepts/user-groups/
 */
export async function readAmplifyBackend(text: string, path: string): Promise<Infrastructure> {
  const program = await parseProgram(text, path)
  const calls = [...nodesOf(program.root)].filter(node => node.type === 'CallExpression')
  const imported = importedNames(program.root)
  const isCallOf = (name: string) => (call: SyntaxNode) => {
    const callee = childOf(call, 'callee')
    const local = nameOf(callee)
    return local === undefined ? nameOf(childOf(callee, 'property')) === name : (imported.get(local) ?? local) === name
  }
  const definitions = calls.filter(isCallOf('defineAuth'))
  const evaluator = createEvaluator(scopeOf(program.root))
  const parts = definitions.map((call, index) =>
    readDefinition(call, index === 0 ? AMPLIFY_POOL : `${AMPLIFY_POOL}#${index + 1}`, program, evaluator),
  )
  const groups = parts.flatMap(part => part.groups)
  return {
    ...emptyInfrastructure('amplify', path),
    pools: parts.map(({ pool }) => pool),
    groups,
    roles: parts.flatMap(({ roles }) => roles),
    attachments: parts.flatMap(({ attachments }) => attachments),
    unresolved: parts.flatMap(({ unresolved }) => unresolved),
    notFollowed: [
      ...calls.filter(isCallOf('referenceAuth')).map(call => notMadeHere(call, program, evaluator)),
      ...changesIn(program),
    ],
    suppressions: suppressionsIn(program, groups),
  }
}

/** The local names of imports, with their original names. */
function importedNames(root: SyntaxNode): ReadonlyMap<string, string> {
  const specifiers = childrenOf(root, 'body').flatMap(statement => childrenOf(statement, 'specifiers'))
  return new Map(
    specifiers.flatMap(specifier => {
      const [local, imported] = [nameOf(childOf(specifier, 'local')), nameOf(childOf(specifier, 'imported'))]
      return local === undefined || imported === undefined ? [] : [[local, imported] as const]
    }),
  )
}

interface Definition {
  readonly pool: PoolDefinition
  readonly groups: readonly GroupDefinition[]
  readonly roles: readonly RoleDefinition[]
  readonly attachments: readonly RoleAttachment[]
  readonly unresolved: readonly Unresolved[]
}

function readDefinition(call: SyntaxNode, pool: string, program: SourceProgram, evaluator: Evaluator): Definition {
  const location: Location = { ...program.locate(call), construct: 'defineAuth' }
  const [options] = childrenOf(call, 'arguments')
  const list: Literal =
    options === undefined
      ? { is: 'unknown', why: 'it has no options', at: call }
      : evaluator.property(options, 'groups')
  const unresolved = (why: string, at: SyntaxNode): readonly Unresolved[] => [
    { why: `The groups of \`defineAuth\` are not known: ${why}`, location: program.locate(at), pool },
  ]
  const items = list.is === 'list' ? list.items : []
  const groups = items.map((item, index) => toGroup(item, index, pool, program))
  return {
    pool: { id: pool, name: pool },
    groups,
    ...factsOf(pool, groups, location),
    unresolved:
      list.is === 'unknown'
        ? unresolved(list.why, list.at)
        : list.is === 'list' || list.is === 'absent'
          ? []
          : unresolved('`groups` is not a list', list.at),
  }
}

function toGroup(item: Literal, index: number, pool: string, program: SourceProgram): GroupDefinition {
  const location = program.locate(item.at)
  const groupName = toValue(item, program.locate, (present, at): Value<string> =>
    present.is === 'scalar' && typeof present.value === 'string'
      ? { is: 'known', value: present.value, location: at }
      : { is: 'unknown', why: 'it is not a string', location: at },
  )
  const construct = groupName.is === 'known' ? groupName.value : `groups[${index}]`
  // Of two groups of one name, each is a group of its own.
  const id = `${pool}/${index}/${construct}`
  return {
    id,
    pool,
    groupName,
    precedence: { is: 'known', value: index, location },
    role: madeRole(id),
    location: { ...location, construct },
  }
}

const validatePool = (userPoolId: string) => `\`rolecast validate --user-pool-id ${userPoolId}\``
const LIVE = `validate the live pool: ${validatePool('ID')}`
const SYNTHESISED = `Validate \`.amplify/artifacts/cdk.out\`, which \`npx ampx sandbox --once\` writes, or ${LIVE}`

function notMadeHere(call: SyntaxNode, program: SourceProgram, { property }: Evaluator): NotFollowed {
  const [options] = childrenOf(call, 'arguments')
  const id = options === undefined ? undefined : property(options, 'userPoolId')
  const isKnown = id?.is === 'scalar' && USER_POOL_ID_PATTERN.test(id.text)
  return {
    what: 'The user pool of `referenceAuth`',
    why: 'its groups and its role mapping are defined elsewhere',
    next: `Validate the live pool: ${validatePool(isKnown ? id.text : 'ID')}`,
    location: { ...program.locate(call), construct: 'referenceAuth' },
  }
}

/** The names of the CDK and Amplify that affect groups, roles and mappings. */
const DECISIVE: ReadonlySet<string> = new Set([
  'cfnUserGroup',
  'cfnIdentityPoolRoleAttachment',
  'identityPoolRoleMap',
  'roleMappings',
  'assumeRolePolicy',
  'CfnUserPoolGroup',
  'UserPoolGroup',
  'CfnIdentityPoolRoleAttachment',
  'CfnUserPoolUserToGroupAttachment',
  'AWS::Cognito::UserPoolGroup',
  'AWS::Cognito::IdentityPoolRoleAttachment',
  'AWS::Cognito::UserPoolUserToGroupAttachment',
])

/** One note for everything that the file does, at its first location. An import alone does nothing. */
function changesIn(program: SourceProgram): readonly NotFollowed[] {
  const statements = childrenOf(program.root, 'body').filter(statement => statement?.type !== 'ImportDeclaration')
  const found = statements
    .flatMap(statement => (statement === undefined ? [] : [...nodesOf(statement)]))
    .flatMap(node => {
      const name = nameOf(node) ?? textOfLiteral(node) ?? ''
      return DECISIVE.has(name) ? [{ name, node }] : []
    })
  const [first] = found
  if (first === undefined) return changesOfOverride(program)
  const names = listNames([...new Set(found.map(({ name }) => name))])
  return [
    {
      what: `What ${quote(program.path)} does with ${names}`,
      why: 'it takes part when the backend is synthesised',
      next: isGen1(program.path) ? BUILT : SYNTHESISED,
      location: program.locate(first.node),
    },
  ]
}

const BUILT = `Run \`amplify build\` and validate \`amplify/backend/auth/userPoolGroups/build\`, or ${LIVE}`

const isGen1 = (path: string) => /(?:^|\/)amplify\/backend\/\w+\//.test(path)

/** Gen 1's override of the groups' template, if it does anything but give roles other policies. */
function changesOfOverride(program: SourceProgram): readonly NotFollowed[] {
  if (!/(?:^|\/)userPoolGroups\/override\.[jt]s$/.test(program.path)) return []
  const names = new Set([...nodesOf(program.root)].map(node => nameOf(node) ?? textOfLiteral(node) ?? ''))
  const isOfPolicies =
    names.has('userPoolGroupRole') &&
    !['userPoolGroup', 'roleMapCustomResource', 'roleMapLambdaFunction'].some(name => names.has(name)) &&
    ![...names].some(name => /assume/i.test(name))
  if (isOfPolicies) return []
  const statement = [...nodesOf(program.root)].find(node => STATEMENTS.has(node.type))
  if (statement === undefined) return []
  return [
    {
      what: `What ${quote(program.path)} changes`,
      why: 'it takes part when the backend is built',
      next: BUILT,
      location: program.locate(statement),
    },
  ]
}

/** Nodes that have an effect; a declaration has none. */
const STATEMENTS: ReadonlySet<string> = new Set([
  'ExpressionStatement',
  'VariableDeclaration',
  'IfStatement',
  'ForStatement',
  'ForOfStatement',
  'ForInStatement',
  'WhileStatement',
  'ReturnStatement',
])

/**
 * A comment is about the group on its line, or else on the line below; above the first statement it is about the file.
 */
function suppressionsIn(program: SourceProgram, groups: readonly GroupDefinition[]): readonly Suppression[] {
  const byLine = new Map(groups.map(({ id, location }) => [location.line, id]))
  const begin = Math.min(...childrenOf(program.root, 'body').map(statement => statement?.start ?? Infinity))
  return program.comments.flatMap(comment => {
    const parsed = parseIgnoreComment(comment.text)
    if (parsed === undefined) return []
    const location = program.locate(comment)
    const target =
      comment.start < begin
        ? undefined
        : (byLine.get(location.line) ?? byLine.get(location.endLine + 1) ?? '(no group)')
    return [{ ...parsed, ...(target !== undefined && { target }), location }]
  })
}
