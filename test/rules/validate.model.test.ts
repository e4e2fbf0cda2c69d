import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Finding } from '../../src/rules/finding.js'
import type { Group } from '../../src/group.js'
import type { GroupDefinition, Infrastructure, RoleReference, Value } from '../../src/rules/infrastructure.js'
import { fromPool } from '../../src/rules/live-pool.js'
import { resolveRoles } from '../../src/claims/resolve.js'
import { validateInfrastructure } from '../../src/rules/validate.js'
import { findRule, RULES, type TemplateRuleId } from '../../src/rules/catalogue.js'
import { lowered } from '../../src/rules/rule.js'
import { pools } from '../arbitraries.js'
import {
  A,
  at,
  attachment,
  found,
  type Given,
  group,
  known,
  mapping,
  oneOf,
  PROVIDER,
  rolesOf,
  terraform,
  type Trust,
  trusting,
} from './given.js'

const POOL = 'eu-west-1_Ab12Cd34e'
const validate = (groups: readonly Group[]) => validateInfrastructure(fromPool({ userPoolId: POOL, groups }))

const pairsOf = <T>(items: readonly T[]): readonly (readonly [T, T])[] =>
  items.flatMap((a, index) => items.slice(index + 1).map(b => [a, b] as const))
const covering = (findings: readonly Finding[], rules: readonly string[], names: readonly string[]) =>
  findings.filter(({ ruleId, groups }) => rules.includes(ruleId) && names.every(name => groups.includes(name)))
const outcome = (...groups: Group[]) => resolveRoles(groups).outcome

type Validate = typeof validate

/** A law, and its control: the same property must fail for findings that are wrong in just this. */
function law<Drawn>(sentence: string, wrong: Validate, property: (judge: Validate) => fc.IProperty<Drawn>): void {
  test(sentence, () => {
    fc.assert(property(validate), { numRuns: 500 })
  })
  test(`control: ${sentence}`, () => {
    expect(fc.check(property(wrong), { seed: 1, numRuns: 3000, endOnFailure: true }).failed).toBe(true)
  })
}

const without =
  (...rules: string[]): Validate =>
  groups =>
    validate(groups).filter(({ ruleId }) => !rules.includes(ruleId))
const withAll =
  (rule: string): Validate =>
  groups =>
    validate(groups).map(one =>
      one.ruleId === rule ? { ...one, groups: groups.map(({ groupName }) => groupName) } : one,
    )

describe('the rules and the resolver agree', () => {
  law('two groups that resolve to ambiguous are together in a finding of COG101', without('COG101'), judge =>
    fc.property(pools, pool => {
      const findings = judge(pool)
      for (const [a, b] of pairsOf(pool)) {
        if (outcome(a, b) === 'ambiguous')
          expect(covering(findings, ['COG101'], [a.groupName, b.groupName])).toHaveLength(1)
      }
    }),
  )

  law('two groups of a finding of COG101 whose roles differ resolve to ambiguous', withAll('COG101'), judge =>
    fc.property(pools, pool => {
      for (const { groups } of judge(pool).filter(({ ruleId }) => ruleId === 'COG101')) {
        const members = pool.filter(({ groupName }) => groups.includes(groupName))
        expect(members).toHaveLength(groups.length)
        expect(new Set(members.map(({ roleArn }) => roleArn)).size).toBeGreaterThan(1)
        for (const [a, b] of pairsOf(members)) if (a.roleArn !== b.roleArn) expect(outcome(a, b)).toBe('ambiguous')
      }
    }),
  )

  law('two groups that resolve to undetermined are together in a finding of COG102', without('COG102'), judge =>
    fc.property(pools, pool => {
      const findings = judge(pool)
      for (const [a, b] of pairsOf(pool)) {
        if (outcome(a, b) === 'undetermined')
          expect(covering(findings, ['COG102'], [a.groupName, b.groupName])).toHaveLength(1)
      }
    }),
  )

  law(
    'a group with a role and one without, of a finding of COG102, resolve to undetermined',
    withAll('COG102'),
    judge =>
      fc.property(pools, pool => {
        for (const { groups } of judge(pool).filter(({ ruleId }) => ruleId === 'COG102')) {
          const members = pool.filter(({ groupName }) => groups.includes(groupName))
          for (const [a, b] of pairsOf(members))
            if (!a.roleArn !== !b.roleArn) expect(outcome(a, b)).toBe('undetermined')
        }
      }),
  )

  const ranksBefore = (a: Group, b: Group) =>
    a.precedence != null && b.precedence != null && a.precedence < b.precedence && !a.roleArn && Boolean(b.roleArn)

  law(
    'a group without a role and one with a role and a higher number are together in a finding of COG104, and resolve to the role',
    without('COG104'),
    judge =>
      fc.property(pools, pool => {
        const findings = judge(pool)
        for (const [a, b] of pool.flatMap(a => pool.map(b => [a, b] as const)).filter(([a, b]) => ranksBefore(a, b))) {
          expect(covering(findings, ['COG104'], [a.groupName, b.groupName]).map(({ severity }) => severity)).toEqual([
            'note',
          ])
          expect(resolveRoles([a, b]).preferredRole).toBe(b.roleArn)
        }
      }),
  )

  law('every group of a finding of COG104 is one of such a pair', withAll('COG104'), judge =>
    fc.property(pools, pool => {
      for (const { groups } of judge(pool).filter(({ ruleId }) => ruleId === 'COG104')) {
        const members = pool.filter(({ groupName }) => groups.includes(groupName))
        for (const one of members)
          expect(members.some(other => ranksBefore(one, other) || ranksBefore(other, one))).toBe(true)
      }
    }),
  )

  law(
    'a group is in a finding of COG103 exactly when it has a role that is not preferred though it is the only one',
    without('COG103'),
    judge =>
      fc.property(pools, pool => {
        const found = judge(pool)
          .filter(({ ruleId }) => ruleId === 'COG103')
          .flatMap(({ groups }) => groups)
        expect(found.toSorted()).toEqual(
          pool
            .filter(one => one.roleArn && outcome(one) === 'none')
            .map(({ groupName }) => groupName)
            .toSorted(),
        )
      }),
  )

  test('a user is reported to be in a tie exactly when the tie is what decides for the user', () => {
    const members = pools.chain(pool => fc.tuple(fc.constant(pool), fc.array(fc.subarray(pool), { maxLength: 4 })))
    fc.assert(
      fc.property(members, ([groups, users]) => {
        const memberships = users.flatMap((own, index) =>
          own.map(({ groupName }) => ({ username: `u${index}`, groupName })),
        )
        const findings = validateInfrastructure(fromPool({ userPoolId: POOL, groups, memberships }))
        const said = findings
          .filter(({ ruleId }) => ruleId === 'COG161')
          .map(({ message }) => message)
          .join(' ')
        for (const [index, own] of users.entries()) {
          const { outcome } = resolveRoles(own)
          expect(said.includes(`\`u${index}\``)).toBe(outcome === 'ambiguous' || outcome === 'undetermined')
        }
        const raised = findings.filter(({ ruleId }) => ruleId === 'COG161').map(({ groups }) => groups)
        for (const { ruleId, severity, groups } of findings) {
          if (ruleId === 'COG102')
            expect(severity).toBe(raised.some(names => names.join() === groups.join()) ? 'error' : 'warning')
        }
      }),
      { numRuns: 500 },
    )
  })
})

const values = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Value<T>> => {
  const leaves: fc.Arbitrary<Value<T>> = fc.oneof(
    { weight: 4, arbitrary: value.map(value => ({ is: 'known' as const, value })) },
    { weight: 1, arbitrary: fc.constant({ is: 'absent' as const }) },
    { weight: 1, arbitrary: fc.constant({ is: 'unknown' as const, why: 'parameter `P` has no default' }) },
  )
  return fc.oneof(
    { weight: 5, arbitrary: leaves },
    {
      weight: 1,
      arbitrary: fc.array(leaves, { minLength: 2, maxLength: 3 }).map(values => ({ is: 'one-of' as const, values })),
    },
  )
}

const references: fc.Arbitrary<RoleReference> = fc.record({
  kind: fc.constantFrom('arn', 'resource', 'reference'),
  id: fc.constantFrom('R1', 'R2', '__proto__'),
})
const raw = fc.oneof(fc.nat({ max: 2 }), fc.constantFrom<unknown>(null, -1, 1.5, '1', 'x', true, {}))

const definitions: fc.Arbitrary<readonly GroupDefinition[]> = fc
  .array(
    fc.record({
      pool: fc.constantFrom('P', 'Q'),
      groupName: values(fc.constantFrom('a', 'b', 'c', '__proto__', 'x y')),
      precedence: values(raw),
      role: values(references),
      condition: fc.option(fc.constantFrom('X', 'Y'), { nil: undefined }),
      provider: fc.option(fc.constant('terraform' as const), { nil: undefined }),
      created: fc.option(fc.boolean(), { nil: undefined }),
    }),
    { maxLength: 7 },
  )
  .map(some => some.map((one, index) => ({ ...one, id: `id${index}`, location: { path: 'f', line: index } })))

const infrastructures: fc.Arbitrary<Infrastructure> = fc.record({
  format: fc.constant('cloudformation'),
  paths: fc.constant(['f']),
  pools: fc.constant([{ id: 'P', name: 'P' }]),
  groups: definitions,
  roles: fc.array(
    fc.record({
      id: fc.constantFrom('R1', 'R2'),
      trustPolicy: values(fc.jsonValue() as fc.Arbitrary<unknown>),
      location: fc.constant({ path: 'f' }),
    }),
    { maxLength: 2 },
  ),
  identityPools: fc.constant([]),
  notFollowed: fc.constant([]),
  attachments: fc.array(
    fc.record({
      id: fc.constantFrom('A1', 'A2'),
      identityPool: values(fc.constantFrom('I', 'J')),
      roles: values(
        fc.array(
          fc.record({
            key: fc.constantFrom('authenticated', 'x', '__proto__'),
            role: values(references),
            location: fc.constant({ path: 'f' }),
          }),
          { maxLength: 2 },
        ),
      ),
      mappings: values(
        fc.array(
          fc.record({
            key: fc.string(),
            identityProvider: values(fc.string()),
            pool: fc.constantFrom('P', 'Q'),
            type: values(fc.constantFrom('Token', 'Rules')),
            ambiguousRoleResolution: values(fc.constantFrom('Deny', 'AuthenticatedRole')),
            rules: values(
              fc.array(
                fc.record({
                  claim: values(fc.constant('cognito:groups')),
                  matchType: values(fc.constantFrom('Equals', 'Contains', 'constructor')),
                  value: values(fc.constantFrom('a', 'z')),
                  role: values(references),
                  location: fc.constant({ path: 'f' }),
                }),
                { maxLength: 2 },
              ),
            ),
            location: fc.constant({ path: 'f' }),
          }),
          { maxLength: 2 },
        ),
      ),
      location: fc.constant({ path: 'f' }),
    }),
    { maxLength: 2 },
  ),
  memberships: fc.array(
    fc.record({
      pool: fc.constantFrom('P', 'Q', 'Z'),
      username: values(fc.constantFrom('u', '__proto__')),
      groupName: values(fc.constantFrom('a', 'b', 'c')),
      location: fc.constant({ path: 'f' }),
    }),
    { maxLength: 6 },
  ),
  declaredPrecedences: fc.array(
    fc.record({
      pool: fc.constantFrom('P', 'Q'),
      groupName: fc.constantFrom('a', 'z'),
      precedence: raw,
      location: fc.constant({ path: 'f' }),
    }),
    { maxLength: 2 },
  ),
  unresolved: fc.constant([]),
  misspelt: fc.constant([]),
  suppressions: fc.constant([]),
})

/** All but ids and places. */
function said(findings: readonly Finding[]): readonly string[] {
  return findings
    .map(({ ruleId, severity, message, pool, groups, key }) =>
      JSON.stringify([ruleId, severity, message, pool, groups, key]),
    )
    .toSorted()
}

/** A role of guests, in a file that does not say whether the identity pool lets guests in. */
const forGuests = (policy: Trust): Given => ({
  attachments: [attachment([], { roles: rolesOf(undefined, A) })],
  roles: [{ id: 'AdminRole', trustPolicy: known(trusting(policy)), location: at }],
})

/** What holds only for some of the possible values, for the rules whose cases the random infrastructures do not have. */
const UNCERTAIN: readonly (readonly [TemplateRuleId, Given])[] = [
  [
    'COG111',
    {
      groups: [
        group('a', null, A, {
          ...terraform,
          created: false,
          before: { precedence: oneOf<unknown>(known(50), known(0)), role: { is: 'absent' } },
        }),
      ],
    },
  ],
  ['COG120', forGuests({ principal: { Service: 'lambda.amazonaws.com' }, amr: 'unauthenticated' })],
  ['COG121', forGuests({ aud: null, amr: 'unauthenticated' })],
  ['COG122', forGuests({ aud: 'us-east-1:12345678-1234-1234-1234-123456789012', amr: 'unauthenticated' })],
  ['COG123', forGuests({ effect: 'Deny', amr: 'unauthenticated' })],
  ['COG125', forGuests({ amrKey: 'cognito-identity.amazon.com:amr', amr: 'unauthenticated' })],
  [
    'COG136',
    {
      attachments: [
        attachment([
          mapping('Token', 'Deny', {
            identityProvider: oneOf(known(PROVIDER), known(PROVIDER.replace(/:[^:]+$/, ''))),
          }),
        ]),
      ],
    },
  ],
  [
    'COG160',
    {
      userPoolId: 'eu-west-1_Ab12Cd34e',
      groups: [
        group('eu-west-1_Ab12Cd34e_Google', 1, null, { role: oneOf<RoleReference>(known(A), { is: 'absent' }) }),
      ],
    },
  ],
]

describe('for any infrastructure that a reader returns', () => {
  test('the result is a list of findings, each with a unique key, and the same on a second run', () => {
    fc.assert(
      fc.property(infrastructures, infrastructure => {
        const findings = validateInfrastructure(infrastructure)
        expect(new Set(findings.map(({ key }) => key)).size).toBe(findings.length)
        expect(validateInfrastructure(infrastructure)).toEqual(findings)
      }),
      { numRuns: 1000 },
    )
  })

  test('a severity other than that of the rule is one that the texts of the rule name', () => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(infrastructures, infrastructure => {
        for (const { ruleId, severity } of validateInfrastructure(infrastructure, { enable: ['COG105'] })) {
          const rule = findRule(ruleId)!
          if (severity === rule.severity) continue
          if (rule.context === undefined)
            expect([ruleId, rule.lowersUncertain, severity]).toEqual([ruleId, true, lowered(rule.severity)])
          if (rule.lowersUncertain && severity === lowered(rule.severity)) seen.add(ruleId)
        }
      }),
      { numRuns: 1000, seed: 19 },
    )
    for (const [id, given] of UNCERTAIN) {
      expect(found(given, { only: [id] })).toEqual([`${id} ${lowered(findRule(id)!.severity)}`])
      seen.add(id)
    }
    const named = RULES.filter(({ lowersUncertain }) => lowersUncertain).map(({ id }) => id)
    expect([...seen].toSorted()).toEqual(named)
  })

  test('every unknown value of a group is noted exactly once', () => {
    fc.assert(
      fc.property(infrastructures, infrastructure => {
        const isOpen = (value: Value<unknown>) =>
          value.is === 'unknown' || (value.is === 'one-of' && value.values.some(one => one.is === 'unknown'))
        const open = infrastructure.groups
          .flatMap(({ groupName, precedence, role }) => [
            isOpen(groupName) || groupName.is === 'one-of',
            isOpen(precedence),
            isOpen(role),
          ])
          .filter(Boolean)
        const notes = validateInfrastructure(infrastructure, { only: ['COG190'] }).filter(({ message }) =>
          /^The (name of the group|precedence of|role of) .* (is unknown|may have a value other)/.test(message),
        )
        expect(notes).toHaveLength(open.length)
      }),
      { numRuns: 500 },
    )
  })

  test('neither the order of the resources nor their ids and locations change the findings', () => {
    const named = infrastructures.map(given => ({
      ...given,
      groups: given.groups.map((one, index) =>
        one.groupName.is === 'known' ? one : { ...one, groupName: { is: 'known' as const, value: `n${index}` } },
      ),
      attachments: [],
    }))
    fc.assert(
      fc.property(named, fc.boolean(), (given, moves) => {
        const others: Infrastructure = {
          ...given,
          groups: given.groups
            .map(one => ({ ...one, id: `new-${one.id}`, location: moves ? { path: 'g', line: 1 } : one.location }))
            .toReversed(),
          roles: given.roles
            .filter((one, index) => given.roles.findIndex(({ id }) => id === one.id) === index)
            .toReversed(),
          memberships: given.memberships.toReversed(),
          declaredPrecedences: given.declaredPrecedences.toReversed(),
        }
        const roles = given.roles.filter((one, index) => given.roles.findIndex(({ id }) => id === one.id) === index)
        expect(said(validateInfrastructure(others))).toEqual(said(validateInfrastructure({ ...given, roles })))
      }),
      { numRuns: 500 },
    )
  })
})
