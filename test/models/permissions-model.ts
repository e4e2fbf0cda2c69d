/** A statement of a policy of a role, as a test makes it. */
export interface PlainStatement {
  readonly Effect: 'Allow' | 'Deny'
  readonly Action?: string | readonly string[]
  readonly NotAction?: string | readonly string[]
  readonly Resource?: string | readonly string[]
  readonly NotResource?: string | readonly string[]
  readonly Condition?: object
}

/** An action on a resource; `*` is the resource of actions that have none. */
export interface PlainRequest {
  readonly action: string
  readonly resource: string
}

/** What is not known of a request: whether the conditions are met, by effect, and what the policy variables stand for. */
export interface World {
  readonly met: { readonly Allow: boolean; readonly Deny: boolean }
  readonly variable: string
}

/** Whether one request is allowed in one world: a Deny that applies, then an Allow that applies. */
export function isAllowed(
  statements: readonly PlainStatement[],
  boundary: readonly PlainStatement[] | undefined,
  request: PlainRequest,
  world: World,
): boolean {
  const allowedBy = (some: readonly PlainStatement[]) => {
    const applying = some.filter(statement => applies(statement, request, world))
    return applying.some(({ Effect }) => Effect === 'Allow') && !applying.some(({ Effect }) => Effect === 'Deny')
  }
  return allowedBy(statements) && (boundary === undefined || allowedBy(boundary))
}

function applies(statement: PlainStatement, { action, resource }: PlainRequest, { met, variable }: World): boolean {
  const { Action, NotAction, Resource, NotResource, Condition, Effect } = statement
  const some = (patterns: string | readonly string[] | undefined, value: string, flags: string) =>
    [patterns ?? []].flat().some(pattern => toRegExp(pattern, variable, flags).test(value))
  const isAction = Action === undefined ? !some(NotAction, action, 'i') : some(Action, action, 'i')
  const isResource = Resource === undefined ? !some(NotResource, resource, '') : some(Resource, resource, '')
  return isAction && isResource && (Condition === undefined || met[Effect])
}

function toRegExp(pattern: string, variable: string, flags: string): RegExp {
  const source = pattern
    .replaceAll(/\$\{[^}]*\}/g, () => variable)
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, flags)
}
