import { describe, expect, test } from 'vitest'
import type { Group } from '../../src/group.js'
import { findRule, TEMPLATE_RULES, type TemplateRuleId } from '../../src/rules/catalogue.js'
import { type Finding } from '../../src/rules/finding.js'
import { SEVERITIES } from '../../src/severity.js'
import type { GroupDefinition } from '../../src/rules/infrastructure.js'
import { IDENTITY_POOL_RULES } from '../../src/rules/identity-pool-rules.js'
import { fromPool } from '../../src/rules/live-pool.js'
import { MAPPING_RULES } from '../../src/rules/mapping-rules.js'
import { PRECEDENCE_RULES } from '../../src/rules/precedence-rules.js'
import { TERRAFORM_RULES } from '../../src/rules/terraform-rules.js'
import { TIE_RULES } from '../../src/rules/tie-rules.js'
import { TRUST_RULES } from '../../src/rules/trust-rules.js'
import { validateInfrastructure, type ValidateOptions } from '../../src/rules/validate.js'
import { errorOf } from '../failure-of.js'
import {
  at,
  known,
  unknown,
  oneOf,
  resource,
  arn,
  type Part,
  group,
  type Given,
  validate,
  found,
  PROVIDER,
  mapping,
  accepted,
  accepting,
  attachment,
  deny,
  fallback,
  rule,
  member,
  SERVICE,
  POOL_ID,
  rolesOf,
  trusting,
  withTrust,
  tie,
  terraform,
  before,
  many,
  A,
  B,
} from './given.js'

/** For every rule: what it finds, and the nearest neighbour in which it finds nothing. */
const CASES: Readonly<Record<TemplateRuleId, readonly [triggers: Given, neighbour: Given]>> = {
  COG101: [{ groups: tie }, { groups: [group('admins', 1, A), group('editors', 1, A)] }],
  COG102: [{ groups: [group('admins', 1, A), group('staff', 1)] }, { groups: [group('admins', 1), group('staff', 1)] }],
  COG103: [{ groups: [group('admins', null, A)] }, { groups: [group('admins', 0, A)] }],
  COG104: [
    { groups: [group('staff', 1), group('admins', 2, A)] },
    { groups: [group('staff', 2), group('admins', 1, A)] },
  ],
  COG105: [
    { groups: [group('admins', 2, A), group('users', 1, B)] },
    { groups: [group('admins', 1, A), group('users', 2, B)] },
  ],
  COG106: [
    { groups: [group('admins', 1, A), group('editors', null, B)] },
    { groups: [group('admins', null, A), group('editors', null, B)] },
  ],
  COG110: [{ groups: [group('admins', 0, A, terraform)] }, { groups: [group('admins', 0, A)] }],
  COG111: [
    { groups: [group('admins', null, A, { ...terraform, created: false, before: before(50) })] },
    { groups: [group('admins', null, A, { ...terraform, created: false, before: before(0) })] },
  ],
  COG120: [
    withTrust({ principal: { Service: 'lambda.amazonaws.com' } }),
    withTrust({ principal: { Federated: ['example.com', SERVICE] } }),
  ],
  COG121: [withTrust({ aud: null }), withTrust({ aud: POOL_ID })],
  COG122: [withTrust({ aud: 'us-east-1:12345678-1234-1234-1234-123456789012' }), withTrust({ aud: POOL_ID })],
  COG123: [withTrust({ effect: 'Deny' }), withTrust({ effect: 'Allow' })],
  COG124: [withTrust({ amr: 'unauthenticated' }), withTrust({ amr: 'authenticated' })],
  COG125: [
    withTrust({ amrKey: 'cognito-identity.amazon.com:amr' }),
    withTrust({ amrKey: 'Cognito-Identity.AmazonAWS.com:AMR' }),
  ],
  COG126: [
    { attachments: [attachment([], { roles: rolesOf(A, A) })] },
    { attachments: [attachment([], { roles: rolesOf(A, B) })] },
  ],
  COG130: [
    { groups: [group('admins', 1, A)], attachments: [attachment([])] },
    { groups: [group('admins', 1)], attachments: [attachment([])] },
  ],
  COG131: [
    { attachments: [attachment([mapping('Token', 'AuthenticatedRole')], { roles: known([]) })] },
    { attachments: fallback },
  ],
  COG132: [
    { attachments: [attachment([], { roles: known([{ key: 'Authenticated', role: known(A), location: at }]) })] },
    { attachments: [attachment([], { roles: known([{ key: 'unauthenticated', role: known(A), location: at }]) })] },
  ],
  COG133: [
    { groups: tie, attachments: deny },
    { groups: tie, attachments: fallback },
  ],
  COG134: [
    {
      groups: [group('admins')],
      attachments: [attachment([mapping('Rules', 'Deny', { rules: known([rule('Admins')]) })])],
    },
    {
      groups: [group('admins')],
      attachments: [
        attachment([
          mapping('Rules', 'Deny', { rules: known([rule('admins'), rule('Admins', 'Equals', 'custom:group')]) }),
        ]),
      ],
    },
  ],
  COG135: [
    {
      groups: [group('admin'), group('not-admin')],
      attachments: [attachment([mapping('Rules', 'Deny', { rules: known([rule('admin')]) })])],
    },
    {
      groups: [group('admin'), group('not-admin')],
      attachments: [attachment([mapping('Rules', 'Deny', { rules: known([rule('admin', 'Equals')]) })])],
    },
  ],
  COG136: [
    {
      attachments: [
        attachment([
          mapping('Token', 'Deny', {
            identityProvider: known('cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34e'),
          }),
        ]),
      ],
    },
    {
      attachments: [
        attachment([
          mapping('Token', 'Deny', {
            identityProvider: known('cognito-idp.${AWS::Region}.amazonaws.com/${Pool}:${Client}'),
          }),
        ]),
      ],
    },
  ],
  COG137: [
    { attachments: [attachment([]), attachment([], { id: 'Other' })] },
    { attachments: [attachment([]), attachment([], { id: 'Other', identityPool: known('OtherPool') })] },
  ],
  COG138: [{ attachments: [attachment([mapping('Token')])] }, { attachments: deny }],
  COG139: [{ attachments: [attachment([mapping('token', 'Deny')])] }, { attachments: deny }],
  COG140: [
    {
      groups: [group('admins', 1, A)],
      declaredPrecedences: [{ pool: 'Pool', groupName: 'admins', precedence: 2, location: at }],
    },
    {
      groups: [group('admins', 1, A)],
      declaredPrecedences: [{ pool: 'Pool', groupName: 'admins', precedence: 1, location: at }],
    },
  ],
  COG141: [
    { misspelt: [{ resource: 'Attachment', property: 'RoleMapping', nearest: 'RoleMappings', location: at }] },
    { misspelt: [] },
  ],
  COG142: [
    { attachments: deny, identityPools: accepting(accepted(known('another'))) },
    { attachments: deny, identityPools: accepting(accepted(known('another')), accepted()) },
  ],
  COG143: [
    { attachments: deny, identityPools: accepting(accepted(), accepted(known('another'))) },
    {
      attachments: deny,
      identityPools: accepting(
        accepted(),
        accepted(known('another'), {
          name: known('cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other1234'),
          pool: undefined,
        }),
      ),
    },
  ],
  COG150: [{ groups: [group('admins', 2 ** 31, A)] }, { groups: [group('admins', 2 ** 31 - 1, A)] }],
  COG151: [{ groups: [group('admins', 1.5, A)] }, { groups: [group('admins', 1.0, A)] }],
  COG152: [{ groups: [group('site admins', 1, A)] }, { groups: [group('site,admins', 1, A)] }],
  COG153: [
    { groups: [group('admins', 1, { kind: 'arn', id: 'AdminRole' })] },
    { groups: [group('admins', 1, arn('path/AdminRole'))] },
  ],
  COG154: [
    { groups: [group('admins', 1, A), group('admins', 1, A, { id: 'Second' })] },
    { groups: [group('admins', 1, A), group('Admins', 1, A)] },
  ],
  COG155: [
    { groups: many(10_001, index => group(`g${index}`)) },
    { groups: many(10_000, index => group(`g${index}`)) },
  ],
  COG156: [
    {
      wrongIds: [
        {
          resource: 'Admins',
          property: 'UserPoolId',
          needs: 'user pool',
          what: 'the ARN of the user pool `Pool`',
          certain: true,
          location: at,
        },
      ],
    },
    { wrongIds: [] },
  ],
  COG157: [
    { groups: [group('admins', 1, A), group('Admins', 2, A)] },
    { groups: [group('admins', 1, A), group('Admin', 2, A), group('Admins', 2, A, { pool: 'Other' })] },
  ],
  COG160: [
    { userPoolId: 'eu-west-1_Ab12Cd34e', groups: [group('eu-west-1_Ab12Cd34e_Google', null, A)] },
    { userPoolId: 'eu-west-1_Ab12Cd34e', groups: [group('eu-west-1_Ab12Cd34e_Google')] },
  ],
  COG161: [
    { groups: tie, memberships: [member('alice', 'admins'), member('alice', 'editors')] },
    { groups: tie, memberships: [member('alice', 'admins'), member('bob', 'editors')] },
  ],
  COG190: [
    { groups: [group('admins', 1, A, { precedence: unknown })] },
    { groups: [group('admins', 1, A, { precedence: oneOf(known(1), known(2)) })] },
  ],
  COG194: [
    {
      notFollowed: [
        {
          what: 'Module `auth`',
          why: 'its source is in a registry',
          next: 'Validate the plan: `terraform show -json`',
          location: at,
        },
      ],
    },
    { groups: [group('admins', 1, A)] },
  ],
}

/** The families that decide what an identity pool gives. */
const DECIDING = [
  ...TIE_RULES,
  ...PRECEDENCE_RULES,
  ...TERRAFORM_RULES,
  ...TRUST_RULES,
  ...MAPPING_RULES,
  ...IDENTITY_POOL_RULES,
]

/** The API or a tool rejects it at the deployment, so that no user gets anything by it. */
const REJECTED: ReadonlySet<string> = new Set(['COG132', 'COG138', 'COG139', 'COG141', 'COG150', 'COG151'])

describe('every rule', () => {
  test.each(TEMPLATE_RULES)(
    '$id ($slug) finds its case, and nothing in the nearest neighbour',
    ({ id, slug, fix, severity }) => {
      const [triggers, neighbour] = CASES[id]
      const findings = validate(triggers, { only: [id] })
      expect(findings).toHaveLength(1)
      expect(findings[0]).toMatchObject({
        ruleId: id,
        slug,
        severity,
        // What to do about what is not followed depends on what it is.
        fix: id === 'COG194' ? expect.any(String) : fix,
      })
      expect(found(neighbour, { only: [id] })).toEqual([])
    },
  )

  test('has a message of one to three sentences, names its subject, and has a unique key', () => {
    for (const { id } of TEMPLATE_RULES) {
      for (const { message, key, groups, resources } of validate(CASES[id][0], { only: [id] })) {
        expect(message).toMatch(/^[`A-Z0-9].*\.$/s)
        expect(message.replaceAll(/`[^`]*`/g, '').match(/[.:] |\.$/g)!.length).toBeLessThanOrEqual(4)
        expect(JSON.parse(key)).toEqual(expect.arrayContaining([id, ...groups]))
        expect(groups).toEqual(groups.toSorted())
        expect(resources).toEqual(resources.toSorted())
      }
    }
  })

  test.each(DECIDING)('$id says in one sentence what users then get, unless the deployment fails', ({ id }) => {
    const [{ impact, message }] = validate(CASES[id][0], { only: [id] }) as readonly [Finding]
    if (REJECTED.has(id)) {
      expect(impact).toBeUndefined()
      return
    }
    expect(impact).toMatch(/^[A-Z].*[^.]\.$/)
    expect(impact!.replaceAll(/`[^`]*`/g, '').match(/\.( |$)/g)).toHaveLength(1)
    expect(message).not.toContain(impact)
  })

  test('a pool as it should be has no finding', () => {
    const given: Given = {
      groups: [group('admins', 1, A), group('editors', 2, B), group('staff', 10), group('guests', 20)],
      roles: [A, B].map(({ id }) => ({ id, trustPolicy: known(trusting({})), location: at })),
      attachments: deny,
      memberships: [member('alice', 'admins'), member('alice', 'editors')],
    }
    expect(found(given)).toEqual([])
    expect(validateInfrastructure(fromPool({ userPoolId: 'eu-west-1_Ab12Cd34e', groups: [] }))).toEqual([])
  })
})

describe('hostile names', () => {
  const names = ['__proto__', 'constructor', 'a,b', '<b>', '"', '`', '\u202Eabc', 'a\u0000b', '#2']

  test('are handled like any other names', () => {
    const groups = names.flatMap((name, index) => [group(name, index + 1, A), group(`${name}${name}`, index + 1, B)])
    const findings = validate(
      { groups, memberships: names.flatMap(name => [member(name, name), member(name, `${name}${name}`)]) },
      { only: ['COG101', 'COG161'] },
    )
    expect(
      findings
        .filter(({ ruleId }) => ruleId === 'COG101')
        .map(({ groups }) => groups[0])
        .toSorted(),
    ).toEqual(names.toSorted())
    expect(findings.filter(({ ruleId }) => ruleId === 'COG161')).toHaveLength(names.length)
    expect(new Set(findings.map(({ key }) => key)).size).toBe(findings.length)
  })

  test('of pools and severities are handled the same way', () => {
    expect(
      found({ groups: [group('a', 1, A, { pool: '__proto__' }), group('b', 1, B, { pool: '__proto__' })] }),
    ).toEqual(['COG101 error'])
    expect(
      errorOf(() => validate({}, { severities: JSON.parse('{"__proto__":"note"}') as ValidateOptions['severities'] })),
    ).toMatchObject({ code: 'invalid-option' })
  })
})

describe('options', () => {
  const given: Given = { groups: [...tie, group('x', null, A)] }

  test('name the rules that run', () => {
    expect(found(given)).toEqual(['COG101 error', 'COG103 warning', 'COG106 warning'])
    expect(found(given, { only: ['COG101', 'COG103'], ignore: ['COG103'] })).toEqual(['COG101 error'])
    expect(found(given, { ignore: ['COG101'] })).toEqual(['COG103 warning', 'COG106 warning'])
    expect(found(given, { severities: { COG101: 'note', COG103: 'error' } })).toEqual([
      'COG101 note',
      'COG103 error',
      'COG106 warning',
    ])
  })

  test('turn on a rule that is off by default', () => {
    const [privileged] = CASES.COG105
    expect(found(privileged)).toEqual([])
    expect(found(privileged, { enable: ['COG105'] })).toEqual(['COG105 warning'])
    expect(found(privileged, { enable: ['COG105'], ignore: ['COG105'] })).toEqual([])
  })

  test.each<[ValidateOptions, string]>([
    [{ only: ['COG999'] }, 'unknown rule `COG999`; run `rolecast explain` to list the rules'],
    [{ ignore: ['tie'] }, 'unknown rule `tie`; run `rolecast explain` to list the rules'],
    [{ enable: [''] }, 'unknown rule ``; run `rolecast explain` to list the rules'],
    [{ severities: { cog101: 'error' } }, 'unknown rule `cog101`; run `rolecast explain` to list the rules'],
    [{ severities: { COG101: 'fatal' as 'error' } }, 'unknown severity `fatal`; use one of note, warning, error'],
  ])('%o is rejected', (options, message) => {
    expect(errorOf(() => validate({}, options))).toMatchObject({ code: 'invalid-option', message })
  })
})

describe('a live pool', () => {
  const role = (name: string) => arn(name).id
  const groups: Group[] = [
    { groupName: 'a', precedence: 0, roleArn: role('A') },
    { groupName: 'b', precedence: 0, roleArn: role('B') },
    { groupName: 'c', roleArn: '' },
  ]
  const userPoolId = 'eu-west-1_Ab12Cd34e'
  const identityPools = [
    {
      identityPoolId: POOL_ID,
      roles: {},
      roleMappings: { [PROVIDER]: { Type: 'Token', AmbiguousRoleResolution: 'AuthenticatedRole' } as const },
    },
  ]

  test('is checked by the same rules, with its id as the location', () => {
    const findings = validateInfrastructure(
      fromPool({
        userPoolId,
        groups,
        identityPools,
        memberships: [
          { username: 'alice', groupName: 'a' },
          { username: 'alice', groupName: 'b' },
        ],
        trustPolicies: new Map<string, string | object>([
          [role('A'), encodeURIComponent(JSON.stringify(trusting({ aud: POOL_ID })))],
          [role('B'), trusting({ aud: POOL_ID, action: 'sts:AssumeRole' })],
        ]),
      }),
    )
    expect(findings.map(({ ruleId, severity, groups }) => [ruleId, severity, ...groups]).toSorted()).toEqual([
      ['COG101', 'error', 'a', 'b'],
      ['COG106', 'note', 'c'],
      ['COG120', 'error', 'b'],
      ['COG131', 'error'],
      ['COG161', 'error', 'a', 'b'],
    ])
    expect(findings.every(({ location }) => location.path === userPoolId)).toBe(true)
    expect(findings.find(({ ruleId }) => ruleId === 'COG101')!.message).toBe(
      `\`a\` (\`${role('A')}\`) and \`b\` (\`${role('B')}\`) have precedence 0 and different roles. For a user in two of them with different roles, Cognito sets no \`cognito:preferred_role\` and does not consult the next precedence.`,
    )
  })
})

describe('ten thousand groups', () => {
  const count = 10_000
  test.each<[string, (index: number) => GroupDefinition, number]>([
    ['of one precedence', index => group(`g${index}`, 1, resource(`R${index}`)), 1],
    ['of one precedence, every second without a role', index => group(`g${index}`, 1, index % 2 ? A : null), 1],
    ['of their own, every second without a role', index => group(`g${index}`, index, index % 2 ? A : null), 1],
    [
      'under conditions of their own',
      index => group(`g${index}`, 1, resource(`R${index}`), { condition: `C${index}` }),
      1,
    ],
    ['in pairs', index => group(`g${index}`, index >> 1, resource(`R${index}`)), count / 2],
  ])('%s have as many findings as levels, and not as pairs', (_, of, expected) => {
    const findings = validate({ groups: many(count, of) })
    expect(findings).toHaveLength(expected)
    expect(findings.every(({ message }) => message.length < 1000)).toBe(true)
  })
})

describe('the table of rules', () => {
  test('has stable ids in order, a slug and a title for each, and names only rules that exist', () => {
    const ids = TEMPLATE_RULES.map(({ id }) => id)
    expect(ids).toEqual([...new Set(ids)].toSorted())
    expect(new Set(TEMPLATE_RULES.map(({ slug }) => slug)).size).toBe(ids.length)
    for (const one of TEMPLATE_RULES) {
      expect(one.id).toMatch(/^COG1\d\d$/)
      expect(one.slug).toMatch(/^[a-z]+(-[a-z]+)*$/)
      expect(SEVERITIES).toContain(one.severity)
      for (const text of [one.what, one.why, one.fix]) expect(text).toMatch(/^[A-Z0-9`].*\.$/)
      expect(one.fix.replaceAll(/`[^`]*`/g, '').match(/\.( |$)/g)).toHaveLength(1)
    }
    const links = [...JSON.stringify(TEMPLATE_RULES).matchAll(/COG\d+/g)].map(([link]) => link)
    for (const link of links) expect(ids).toContain(link)
  })

  test('is found by id, in any letter case', () => {
    expect(findRule('cog101')).toBe(TEMPLATE_RULES[0])
    expect(findRule('COG1')).toBeUndefined()
    expect(findRule('__proto__')).toBeUndefined()
  })
})

describe('findings are the same', () => {
  test('in order by location, then by rule', () => {
    const place = (line: number, column = 1): Part => ({ location: { ...at, line, column } })
    const findings = validate({
      groups: [group('c', null, A, place(9)), group('b', 1, B, place(3, 5)), group('a', 1, A, place(3, 2))],
    })
    expect(findings.map(({ ruleId, location }) => [ruleId, location.line, location.column])).toEqual([
      ['COG101', 3, 2],
      ['COG103', 9, 1],
      ['COG106', 9, 1],
    ])
  })

  test('have keys that do not change with lines, ids or order', () => {
    const keys = (findings: readonly Finding[]) => findings.map(({ key }) => key).toSorted()
    const given = [...tie, group('x', null, A)]
    const moved = given
      .map(one => ({ ...one, id: `New${one.id}`, location: { path: 'template.yaml', line: 99 } }))
      .toReversed()
    expect(keys(validate({ groups: moved }))).toEqual(keys(validate({ groups: given })))
    expect(
      validate({ groups: [group('a', null, A), group('a', null, A, { id: 'second' })] }, { only: ['COG103'] }).map(
        ({ key }) => key,
      ),
    ).toEqual(['["COG103","Pool","a"]', '["COG103","Pool","a"]#2'])
  })
})
