import { quote } from '../errors.js'
import { ownValue } from '../record.js'
import { invalidParameter, notInFake, serviceError } from './service-error.js'

export type Json = Readonly<Record<string, unknown>>

/**
 * The type of an input's member. An unknown member, and a value that Cognito has but that is not among `values`, is
 * rejected by name: nothing is silently ignored except `ignored` members.
 */
export type Member = {
  readonly required?: true
  /** Its value never appears in a message. */
  readonly sensitive?: true
  /** Its name in messages, if it is a different one. */
  readonly field?: string
} & (
  | {
      readonly type: 'string'
      readonly min?: number
      readonly max?: number
      readonly pattern?: RegExp
      readonly values?: readonly string[]
      /** Values that Cognito has and the fake does not. */
      readonly notInFake?: readonly string[]
    }
  | { readonly type: 'integer'; readonly min?: number; readonly max?: number }
  | { readonly type: 'boolean' }
  | { readonly type: 'strings'; readonly values?: readonly string[]; readonly notInFake?: readonly string[] }
  | { readonly type: 'map' }
  | { readonly type: 'structure'; readonly members: Members }
  | { readonly type: 'structures'; readonly members: Members }
  /** It changes neither tokens nor what the fake lists: messages that are not sent, and the like. */
  | { readonly type: 'ignored' }
)

export type Members = Readonly<Record<string, Member>>

type ValueOf<M extends Member> = M extends { readonly type: 'string' }
  ? string
  : M extends { readonly type: 'integer' }
    ? number
    : M extends { readonly type: 'boolean' }
      ? boolean
      : M extends { readonly type: 'strings' }
        ? readonly string[]
        : M extends { readonly type: 'map' }
          ? Readonly<Record<string, string>>
          : M extends { readonly type: 'structure'; readonly members: infer T extends Members }
            ? InputOf<T>
            : M extends { readonly type: 'structures'; readonly members: infer T extends Members }
              ? readonly InputOf<T>[]
              : unknown

type RequiredOf<T extends Members> = {
  [K in keyof T]: T[K] extends { readonly required: true } ? K : never
}[keyof T]

export type InputOf<T extends Members> = { readonly [K in RequiredOf<T>]: ValueOf<T[K]> } & {
  readonly [K in Exclude<keyof T, RequiredOf<T>>]?: ValueOf<T[K]>
}

interface Reading {
  readonly operation: string
  /** In Cognito's words, all of them in one error. */
  readonly violations: string[]
}

/** The input of an operation, checked as Cognito checks it. A null is a member that is left out. */
export function readInput<T extends Members>(operation: string, members: T, json: Json): InputOf<T> {
  const reading: Reading = { operation, violations: [] }
  const input = readMembers(reading, members, json, '')
  const { violations } = reading
  if (violations.length > 0) {
    const errors = violations.length === 1 ? 'error' : 'errors'
    throw invalidParameter(`${violations.length} validation ${errors} detected: ${violations.join('; ')}`)
  }
  return input as InputOf<T>
}

function readMembers(reading: Reading, members: Members, json: Json, path: string): Json {
  for (const name of Object.keys(json)) {
    if (Object.hasOwn(members, name)) continue
    const where = path === '' ? reading.operation : `${path.slice(0, -1)} of ${reading.operation}`
    throw notInFake(`${where} has no member ${quote(name)} in the fake; it has ${Object.keys(members).join(', ')}`)
  }
  const input: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(members)) {
    const value = ownValue(json, name) ?? undefined
    const field = `${path}${member.field ?? `${name[0]!.toLowerCase()}${name.slice(1)}`}`
    if (value !== undefined) input[name] = readValue(reading, member, value, field)
    else if (member.required) reading.violations.push(`Value null at '${field}' ${FAILED} not be null`)
  }
  return input
}

const FAILED = 'failed to satisfy constraint: Member must'

function readValue(reading: Reading, member: Member, value: unknown, field: string): unknown {
  switch (member.type) {
    case 'string':
      checkText(reading, member, textOf(value, field), field)
      return value
    case 'integer':
      if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(field, 'an integer')
      checkNumber(reading, member, value, field)
      return value
    case 'boolean':
      if (typeof value !== 'boolean') throw wrongType(field, 'a boolean')
      return value
    case 'strings':
      return listOf(value, field).map(item => {
        const text = textOf(item, field)
        checkValues(reading, member, text, field)
        return text
      })
    case 'map':
      return Object.fromEntries(Object.entries(objectOf(value, field)).map(([key, one]) => [key, textOf(one, field)]))
    case 'structure':
      return readMembers(reading, member.members, objectOf(value, field), `${field}.`)
    case 'structures':
      return listOf(value, field).map((item, index) =>
        readMembers(reading, member.members, objectOf(item, field), `${field}.${index + 1}.member.`),
      )
    case 'ignored':
      return value
  }
}

function checkText(
  reading: Reading,
  member: Extract<Member, { readonly type: 'string' }>,
  value: string,
  field: string,
): void {
  const { min = 0, max = Infinity, pattern } = member
  const fail = (constraint: string) => {
    const shown = member.sensitive ? 'Value' : `Value '${value}'`
    reading.violations.push(`${shown} at '${field}' ${FAILED} ${constraint}`)
  }
  const { length } = [...value]
  if (length < min) fail(`have length greater than or equal to ${min}`)
  if (length > max) fail(`have length less than or equal to ${max}`)
  if (pattern !== undefined && !pattern.test(value))
    fail(`satisfy regular expression pattern: ${pattern.source.slice(1, -1)}`)
  checkValues(reading, member, value, field)
}

function checkNumber(
  { violations }: Reading,
  { min = -Infinity, max = Infinity }: { readonly min?: number; readonly max?: number },
  value: number,
  field: string,
): void {
  if (value < min)
    violations.push(`Value '${value}' at '${field}' ${FAILED} have value greater than or equal to ${min}`)
  if (value > max) violations.push(`Value '${value}' at '${field}' ${FAILED} have value less than or equal to ${max}`)
}

function checkValues(
  reading: Reading,
  { values, notInFake: missing = [] }: { readonly values?: readonly string[]; readonly notInFake?: readonly string[] },
  value: string,
  field: string,
): void {
  if (values === undefined || values.includes(value)) return
  if (missing.includes(value))
    throw notInFake(
      `${reading.operation} has no ${field} ${quote(value)} in the fake; it has ${values.join(', ') || 'none'}`,
    )
  const all = [...values, ...missing].join(', ')
  reading.violations.push(`Value '${value}' at '${field}' ${FAILED} satisfy enum value set: [${all}]`)
}

function textOf(value: unknown, field: string): string {
  if (typeof value !== 'string') throw wrongType(field, 'a string')
  return value
}

function listOf(value: unknown, field: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrongType(field, 'a list')
  return value
}

function objectOf(value: unknown, field: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(field, 'an object')
  return value as Json
}

function wrongType(field: string, expected: string): Error {
  return serviceError('SerializationException', `The value of '${field}' is not ${expected}`)
}
