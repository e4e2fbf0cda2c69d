import type { Infrastructure, Unresolved } from '../../rules/infrastructure.js'
import { readResources } from './resources.js'
import { readYamlDocument, type SourceNode, nodeAt } from '../yaml-document.js'

/**
 * Reads the CloudFormation resources in a `serverless.yml`: `resources`, or a list of several. Whatever has a Serverless
 * variable such as `${self:custom.stage}` is unknown; what `serverless package` writes, a CloudFormation template, knows it.
 *
 * Not for the resources that Serverless Framework makes up itself, nor for `serverless.ts` and `serverless.js`.
 *
 * @throws RolecastError `invalid-input`: no YAML or JSON, or one without `service`
 * @see https://www.serverless.com/framework/docs/providers/aws/guide/resources
 */
export function readServerless(text: string, path: string): Infrastructure {
  const document = readYamlDocument(text, path)
  const { root } = document
  if (nodeAt(root, 'service') === undefined)
    throw document.invalid(root, 'it has no `service`', 'name a serverless.yml')

  const resources = nodeAt(root, 'resources')
  const parts = resources?.kind === 'list' ? resources.items : resources === undefined ? [] : [resources]
  const note = (why: string, node: SourceNode): Unresolved => ({ why, location: document.locate(node) })
  const notes = parts.flatMap(part => {
    if (part.kind === 'scalar' && part.value === null) return []
    if (part.kind !== 'map') return [note('the resources that another file has are not read', part)]
    const extensions = nodeAt(part, 'extensions')
    return extensions === undefined
      ? []
      : [note('`extensions` of what Serverless Framework makes are not read', extensions)]
  })
  return readResources(document, 'serverless', parts, notes)
}
