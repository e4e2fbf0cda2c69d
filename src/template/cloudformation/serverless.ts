import { quote } from '../../errors.js'
import type { Infrastructure, NotFollowed, Unresolved } from '../../rules/infrastructure.js'
import type { OpenFile } from '../reading.js'
import { type Entry, nodeAt, readYamlDocument, type SourceNode, type Span } from '../yaml-document.js'
import { readOne, SPEAKS_OF_COGNITO, type StackSource } from './resources.js'
import { textIn } from './unknown-types.js'
import { createVariableResolver, type VariableResolver } from './serverless-variables.js'

/**
 * Reads the CloudFormation resources in a `serverless.yml`: `resources`, or a list of several. Variables of the file
 * itself are resolved; values from other files are not, see `readStacks`.
 *
 * Does not read the resources that Serverless Framework generates, nor `serverless.ts` and `serverless.js`.
 *
 * @throws RolecastError `invalid-input`: neither YAML nor JSON, or without `service`
 * @see https://www.serverless.com/framework/docs/providers/aws/guide/resources
 */
export function readServerless(text: string, path: string): Infrastructure {
  return readOne(readServerlessSource(text, path), SPEAKS_OF_COGNITO.test(text))
}

/** The names of files that are likely to have groups. */
const MAY_HAVE_GROUPS = /cognito|user.?pool|identity.?pool|auth/i

/** The same, with the files that it includes. */
export function readServerlessSource(text: string, path: string, open: OpenFile = () => undefined): StackSource {
  const document = readYamlDocument(text, path)
  const { root } = document
  if (nodeAt(root, 'service') === undefined)
    throw document.invalid(root, 'it has no `service`', 'name a serverless.yml')

  const texts = [text]
  const resolver = createVariableResolver(document, file => {
    const included = open(file)
    if (included !== undefined) texts.push(included)
    return included
  })
  const written = nodeAt(root, 'resources')
  const resources = written && resolver.resolve(written)
  const notFollowed: NotFollowed[] = []
  const unresolved: Unresolved[] = []
  const parts = (resources?.kind === 'list' ? resources.items : resources === undefined ? [] : [resources]).flatMap(
    part => {
      if (part.kind === 'scalar' && part.value === null) return []
      if (part.kind !== 'map') {
        notFollowed.push(unreadInclude(part, resolver, document.locate))
        return []
      }
      const extensions = nodeAt(part, 'extensions')
      if (extensions !== undefined && SPEAKS_OF_COGNITO.test(textIn(extensions))) {
        const why = '`extensions` of generated resources are not read'
        unresolved.push({ why, location: document.locate(extensions) })
      }
      return [withoutUnread(part, resolver, document.locate, notFollowed)]
    },
  )
  const speaks = texts.some(one => SPEAKS_OF_COGNITO.test(one))
  const mayHaveGroups = ({ what }: NotFollowed) => speaks || MAY_HAVE_GROUPS.test(what)
  return {
    format: 'serverless',
    document,
    included: resolver.included,
    parts,
    unresolved,
    notFollowed: notFollowed.filter(mayHaveGroups),
    unseen: notFollowed.filter(one => !mayHaveGroups(one)),
  }
}

type Locate = (span: Span) => Unresolved['location']

/** Without the sections and resources from files that are not read. */
function withoutUnread(
  part: Extract<SourceNode, { kind: 'map' }>,
  resolver: VariableResolver,
  locate: Locate,
  notFollowed: NotFollowed[],
): SourceNode {
  const keep = (entries: ReadonlyMap<string, Entry>, follow: (entry: Entry, name: string) => Entry) =>
    new Map(
      [...entries].flatMap(([name, entry]): readonly [string, Entry][] => {
        const { value } = entry
        if (value.kind !== 'scalar' || !value.text.includes('${')) return [[name, follow(entry, name)]]
        notFollowed.push(unreadInclude(value, resolver, locate))
        return []
      }),
    )
  const entries = keep(part.entries, (entry, name) => {
    const { value } = entry
    if (name !== 'Resources' || value.kind !== 'map') return entry
    return { ...entry, value: { ...value, entries: keep(value.entries, resource => resource) } }
  })
  return { ...part, entries }
}

function unreadInclude(node: SourceNode, resolver: VariableResolver, locate: Locate): NotFollowed {
  const text = node.kind === 'scalar' ? node.text : 'resources'
  const unread = resolver.unread(text.slice(2, -1))
  return {
    what: `Include ${quote(text)}`,
    why: unread === undefined ? 'its value is known only at deployment' : unread.why,
    next: 'Validate what `serverless package` writes: `.serverless/cloudformation-template-update-stack.json`',
    location: locate(node),
  }
}
