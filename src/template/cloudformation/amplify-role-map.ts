import { type Entry, nodeAt, type SourceNode, textAt } from '../yaml-document.js'
import { inlineCode, textIn } from './unknown-types.js'

/**
 * The custom resources by which Amplify Gen 1 sets the role mapping of its identity pool: each calls a function of the
 * template that gives the pool's app clients a mapping of type Token with AuthenticatedRole. Leaves out those whose
 * function is not in the template, or does something else.
 *
 * @see https://github.com/aws-amplify/amplify-cli/blob/dev/packages/amplify-category-auth/src/provider-utils/awscloudformation/auth-stack-builder/user-pool-group-stack-transform.ts
 */
export function roleMapsIn(resources: ReadonlyMap<string, Entry>): ReadonlySet<string> {
  const ids = [...resources].filter(([, { value }]) => textAt(value, 'Type') === 'Custom::LambdaCallout')
  return new Set(ids.filter(([, { value }]) => isRoleMap(nodeAt(value, 'Properties'), resources)).map(([id]) => id))
}

function isRoleMap(properties: SourceNode | undefined, resources: ReadonlyMap<string, Entry>): boolean {
  if (PROPERTIES.some(name => nodeAt(properties, name) === undefined)) return false
  const named = textIn(nodeAt(properties, 'ServiceToken')).split(/[\s.]/)
  const functions = named.flatMap(id => resources.get(id)?.value ?? [])
  return functions.length === 1 && setsTokenMapping(inlineCode(nodeAt(functions[0], 'Properties')))
}

const PROPERTIES = ['AuthRoleArn', 'UnauthRoleArn', 'identityPoolId', 'userPoolId', 'ServiceToken'] as const

function setsTokenMapping(code: string): boolean {
  const hasOnly = (pattern: RegExp, value: string) => {
    const found = [...code.matchAll(pattern)].map(([, text]) => text)
    return found.length > 0 && found.every(one => one === value)
  }
  return (
    /\bsetIdentityPoolRoles\b|\bSetIdentityPoolRolesCommand\b/.test(code) &&
    hasOnly(/\bType['"]?:\s*['"]?([\w.]+)/g, 'Token') &&
    hasOnly(/\bAmbiguousRoleResolution['"]?:\s*['"]?([\w.]+)/g, 'AuthenticatedRole')
  )
}
