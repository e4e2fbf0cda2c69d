import { describe, expect, test } from 'vitest'
import { at, unknown, group, validate, found, tie, member } from './given.js'

describe('what cannot be determined', () => {
  test('is noted once for every value', () => {
    const nothing = group('x', null, null, { groupName: unknown, precedence: unknown, role: unknown })
    const findings = validate({
      groups: [nothing],
      unresolved: [{ why: 'the loop over `names` is not known', location: at, pool: 'Pool' }],
    })
    expect(findings.map(({ ruleId, severity, groups }) => [ruleId, severity, ...groups])).toEqual([
      ['COG190', 'note'],
      ['COG190', 'note', 'xGroup'],
      ['COG190', 'note', 'xGroup'],
      ['COG190', 'note', 'xGroup'],
    ])
    expect(findings.map(({ message }) => message)).toContain(
      'The precedence of `xGroup` is unknown: parameter `Rank` has no default. Rules that need it are not applied to it.',
    )
    expect(findings.map(({ message }) => message)).toContain('The loop over `names` is not known.')
  })

  test('unknown memberships are noted only if they matter to a tie', () => {
    const memberships = [{ ...member('alice', 'admins'), username: unknown }]
    expect(found({ groups: tie, memberships })).toEqual(['COG101 error', 'COG190 note'])
    expect(found({ groups: tie.slice(1), memberships })).toEqual([])
  })
})
