import type { Scope } from './hcl-expression.js'
import { field, listOf } from '../json-text.js'
import { scalar, type Term, unknown } from './term.js'
import { evaluate } from './source.js'

const FROM_ELSEWHERE = [
  'dynamic',
  'source_json',
  'override_json',
  'source_policy_documents',
  'override_policy_documents',
]

/** The document that the data source makes, as Terraform does. */
export function policyDocument(body: unknown, scope: Scope): Term {
  if (FROM_ELSEWHERE.some(name => field(body, name) !== undefined))
    return unknown('its policy document is put together from others')
  const statements = listOf(field(body, 'statement')).map(statement => policyStatement(statement, scope))
  return record([
    ['Version', scalar('2012-10-17')],
    ['Statement', { is: 'list', items: statements }],
  ])
}

function policyStatement(statement: unknown, scope: Scope): Term {
  if (field(statement, 'dynamic') !== undefined) return unknown('its policy statement has dynamic blocks')
  const given = (name: string) => evaluate(field(statement, name), scope)
  const [effect, actions, notActions] = [given('effect'), given('actions'), given('not_actions')]
  const conditions = new Map<string, [string, Term][]>()
  for (const condition of listOf(field(statement, 'condition'))) {
    const [test, variable] = [evaluate(field(condition, 'test'), scope), evaluate(field(condition, 'variable'), scope)]
    if (test.is !== 'scalar' || variable.is !== 'scalar')
      return unknown('a condition of its policy statement is not known')
    const operator = String(test.value)
    conditions.set(operator, [
      ...(conditions.get(operator) ?? []),
      [String(variable.value), evaluate(field(condition, 'values'), scope)],
    ])
  }
  return record([
    ['Effect', effect.is === 'null' ? scalar('Allow') : effect],
    ...(actions.is === 'null' ? [] : [['Action', actions] as const]),
    ...(notActions.is === 'null' ? [] : [['NotAction', notActions] as const]),
    ...principals('Principal', field(statement, 'principals'), scope),
    ...principals('NotPrincipal', field(statement, 'not_principals'), scope),
    ...(conditions.size === 0
      ? []
      : [['Condition', record([...conditions].map(([test, tested]) => [test, record(tested)]))] as const]),
  ])
}

function principals(name: string, blocks: unknown, scope: Scope): readonly (readonly [string, Term])[] {
  const listed = listOf(blocks).map(
    block => [evaluate(field(block, 'type'), scope), evaluate(field(block, 'identifiers'), scope)] as const,
  )
  if (listed.length === 0) return []
  if (listed.some(([type]) => type.is === 'scalar' && type.value === '*')) return [[name, scalar('*')]]
  if (listed.some(([type]) => type.is !== 'scalar')) return [[name, unknown('the type of a principal is not known')]]
  return [
    [name, record(listed.map(([type, identifiers]) => [type.is === 'scalar' ? String(type.value) : '', identifiers]))],
  ]
}

export function record(pairs: readonly (readonly [string, Term])[]): Term {
  return { is: 'map', entries: new Map(pairs) }
}
