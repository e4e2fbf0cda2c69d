import * as fc from 'fast-check'
import type { Group } from '../src/group.js'
import { type Semantics, SEMANTICS } from '../src/claims/decide.js'

/** A group as far as a rule can tell it from another: indices into a dictionary's levels and ARNs. */
export interface AbstractGroup {
  readonly level: number | null
  readonly role: number | null
}

export interface Dictionary {
  /** Distinct. */
  readonly names: readonly string[]
  /** Strictly increasing. */
  readonly levels: readonly number[]
  /** Distinct. */
  readonly arns: readonly string[]
}

/** The ways to say that a group has no precedence, and no role. */
export interface Spelling {
  readonly noPrecedence: 'absent' | 'undefined' | 'null'
  readonly noRole: 'absent' | 'undefined' | 'null' | 'empty'
}

export const LEVELS = 3
const ROLES = 3
const MOST_GROUPS = 7

const NASTY_NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'a,b',
  ',',
  '`',
  '0',
  '1',
  'é',
  'e\u0301',
  'ADMIN',
  'admin',
  '管理者',
  'Ωmega',
  '🙂',
  '👩🏽',
  '€',
  'eu-west-1_Example_Google',
  'x'.repeat(128),
  '🙂'.repeat(128),
] as const

const legalCharacters = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 1 })
  .filter(character => /^[\p{L}\p{M}\p{S}\p{N}\p{P}]+$/u.test(character))

/** Any name that Cognito accepts: letters, marks, symbols, numbers and punctuation. */
export const groupNames: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...NASTY_NAMES),
  fc.string({ unit: legalCharacters, minLength: 1, maxLength: 12 }),
  fc.string({ unit: fc.constantFrom(...'abcXYZ019_-.,:/=+@ßñあ🙂'), minLength: 1, maxLength: 12 }),
)

/** Any number that Cognito accepts, the ends and the low ones often. */
export const precedenceNumbers: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(0, 1, 2, 2 ** 31 - 2, 2 ** 31 - 1),
  fc.nat({ max: 20 }),
  fc.nat({ max: 2 ** 31 - 1 }),
)

/** Two that differ in case alone are two. */
const roleArns: fc.Arbitrary<string> = fc.constantFrom(
  'arn:aws:iam::111122223333:role/Alpha',
  'arn:aws:iam::111122223333:role/alpha',
  'arn:aws:iam::111122223333:role/path/Beta',
  'arn:aws:iam::444455556666:role/Alpha',
  'arn:aws-us-gov:iam::111122223333:role/Gamma',
)

export const semantics: fc.Arbitrary<Semantics> = fc.constantFrom(...SEMANTICS)

/** Few levels and few roles, so that ties, conflicts and repeats are common. */
export const abstractPools: fc.Arbitrary<readonly AbstractGroup[]> = fc.array(
  fc.record({
    level: fc.option(fc.nat({ max: LEVELS - 1 }), { freq: 3 }),
    role: fc.option(fc.nat({ max: ROLES - 1 }), { freq: 3 }),
  }),
  { maxLength: MOST_GROUPS },
)

/** One level more than the abstract pools use: a rank below all of theirs. */
export const dictionaries: fc.Arbitrary<Dictionary> = fc.record({
  names: fc.uniqueArray(groupNames, { minLength: MOST_GROUPS, maxLength: MOST_GROUPS }),
  levels: fc
    .uniqueArray(precedenceNumbers, { minLength: LEVELS + 1, maxLength: LEVELS + 1 })
    .map(some => some.toSorted((a, b) => a - b)),
  arns: fc.uniqueArray(roleArns, { minLength: ROLES, maxLength: ROLES }),
})

export const spellings: fc.Arbitrary<readonly Spelling[]> = fc.array(
  fc.record({
    noPrecedence: fc.constantFrom('absent' as const, 'undefined' as const, 'null' as const),
    noRole: fc.constantFrom('absent' as const, 'undefined' as const, 'null' as const, 'empty' as const),
  }),
  { minLength: MOST_GROUPS, maxLength: MOST_GROUPS },
)

export function concrete(
  abstract: readonly AbstractGroup[],
  dictionary: Dictionary,
  spelled: readonly Spelling[] = [],
): Group[] {
  return abstract.map(({ level, role }, index) => ({
    groupName: dictionary.names[index]!,
    ...precedenceField(level === null ? null : dictionary.levels[level]!, spelled[index]),
    ...roleField(role === null ? null : dictionary.arns[role]!, spelled[index]),
  }))
}

function precedenceField(precedence: number | null, spelling?: Spelling): Partial<Group> {
  if (precedence !== null) return { precedence }
  if (spelling?.noPrecedence === 'null') return { precedence: null }
  return spelling?.noPrecedence === 'undefined' ? { precedence: undefined } : {}
}

function roleField(roleArn: string | null, spelling?: Spelling): Partial<Group> {
  if (roleArn !== null) return { roleArn }
  if (spelling?.noRole === 'empty') return { roleArn: '' }
  if (spelling?.noRole === 'null') return { roleArn: null }
  return spelling?.noRole === 'undefined' ? { roleArn: undefined } : {}
}

/** The groups of one user: every name once. */
export const pools: fc.Arbitrary<Group[]> = fc
  .tuple(abstractPools, dictionaries, spellings)
  .map(([abstract, dictionary, spelled]) => concrete(abstract, dictionary, spelled))

/** Groups some of which have the name of an earlier one, and often another precedence and role. */
export const poolsWithDuplicates: fc.Arbitrary<Group[]> = pools.chain(pool =>
  fc
    .array(fc.nat({ max: 3 }), { minLength: pool.length, maxLength: pool.length })
    .map(owners =>
      pool.map((group, index) => ({ ...group, groupName: pool[Math.min(index, owners[index]!)]!.groupName })),
    ),
)

/** A pool, and the same groups in another order. */
export const shuffledPools: fc.Arbitrary<readonly [Group[], Group[]]> = pools.chain(pool =>
  fc
    .shuffledSubarray(pool, { minLength: pool.length, maxLength: pool.length })
    .map(shuffled => [pool, shuffled] as const),
)
