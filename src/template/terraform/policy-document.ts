import type { Scope } from './hcl-values.js'
import { field, listOf } from '../json-text.js'
import { listOfTerms, mapOfTerms, scalar, type Term, unknown } from './term.js'
import { evaluate } from './evaluate.js'

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
    return unknown('its policy document is merged from others')
  const statements = listOf(field(body, 'statement')).map(statement => policyStatement(statement, scope))
  return mapOfTerms([
    ['Version', scalar('2012-10-17')],
    ['Statement', listOfTerms(statements)],
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
    const operator = test.text
    conditions.set(operator, [
      ...(conditions.get(operator) ?? []),
      [variable.text, evaluate(field(condition, 'values'), scope)],
    ])
  }
  return mapOfTerms([
    ['Effect', effect.is === 'absent' ? scalar('Allow') : effect],
    ...(actions.is === 'absent' ? [] : [['Action', actions] as const]),
    ...(notActions.is === 'absent' ? [] : [['NotAction', notActions] as const]),
    ...principals('Principal', field(statement, 'principals'), scope),
    ...principals('NotPrincipal', field(statement, 'not_principals'), scope),
    ...(conditions.size === 0
      ? []
      : [['Condition', mapOfTerms([...conditions].map(([test, tested]) => [test, mapOfTerms(tested)]))] as const]),
  ])
}

function principals(name: string, blocks: unknown, scope: Scope): readonly (readonly [string, Term])[] {
  const listed = listOf(blocks).map(
    block => [evaluate(field(block, 'type'), scope), evaluate(field(block, 'identifiers'), scope)] as const,
  )
  if (listed.length === 0) return []
  if (listed.some(([type]) => type.is === 'scalar' && type.value === '*')) return [[name, scalar('*')]]
  if (listed.some(([type]) => type.is !== 'scalar')) return [[name, unknown('the type of a principal is not known')]]
  return [[name, mapOfTerms(listed.map(([type, identifiers]) => [type.is === 'scalar' ? type.text : '', identifiers]))]]
}
