import { describe, expect, test } from 'vitest'
import type { IdentityPoolProvider, RoleMappingDefinition, Value } from '../../src/rules/infrastructure.js'
import {
  at,
  type Given,
  nameOfRole,
  rolesOf,
  validate,
  known,
  unknown,
  oneOf,
  group,
  found,
  only,
  PROVIDER,
  mapping,
  accepted,
  accepting,
  attachment,
  rule,
  tie,
  A,
} from './given.js'

describe('role attachments', () => {
  test("a mapping of which the pool is not known may be the pool's Token mapping, and another provider's is not", () => {
    const other = (identityProvider: Value<string>) => {
      const { pool: _, ...unlinked } = mapping('Token', 'Deny', { identityProvider })
      return found({ groups: [group('a', 1, A)], attachments: [attachment([unlinked])] })
    }
    expect(other(known(PROVIDER))).toEqual([])
    expect(other(known('graph.facebook.com'))).toEqual(['COG130 warning'])
    expect(other(unknown)).toEqual(['COG190 note'])
    const linked = attachment([mapping('Token', 'Deny', { identityProvider: unknown })])
    expect(found({ groups: [group('a', 1, A)], attachments: [linked] }), 'a provider whose pool is known').toEqual([])
  })

  test('a provider that names the user pool by its id links the mapping to it', () => {
    const { pool: _, ...unlinked } = mapping('Token', 'Deny')
    expect(only('COG133', { groups: tie, attachments: [attachment([unlinked])] })).toEqual([])
    expect(
      only('COG133', { groups: tie, attachments: [attachment([unlinked])], userPoolId: 'eu-west-1_Ab12Cd34e' }),
    ).toEqual(['COG133 error'])
  })

  test.each([
    ['eu-west-1_Ab12Cd34e:client', 1],
    ['cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34e:a:b', 1],
    ['https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34e:a', 1],
    [PROVIDER, 0],
    ['cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_a:b', 0],
    ['accounts.google.com', 0],
    ['arn:aws:iam::111122223333:saml-provider/cognito-idp', 0],
    ['arn:aws:cognito-idp:eu-west-1:111122223333:userpool/eu-west-1_Ab12Cd34e', 1],
    ['cognito-idp.eu-west-1.amazonaws.com/us-east-1_Ab12Cd34e:1h57kf5cpq17m0eml12', 1],
    ['login.example.app', 0],
  ])('the provider `%s` is wrong %i times', (provider, count) => {
    expect(
      only('COG136', { attachments: [attachment([mapping('Token', 'Deny', { identityProvider: known(provider) })])] }),
    ).toHaveLength(count)
  })

  test('a mapping rule is not called wrong if some groups are unknown', () => {
    const attachments = [attachment([mapping('Rules', 'Deny', { rules: known([rule('admins', 'Equals')]) })])]
    expect(only('COG134', { attachments })).toEqual(['COG134 note'])
    expect(
      only('COG134', { attachments, groups: [group('a'), group('b', null, null, { groupName: unknown })] }),
    ).toEqual(['COG134 note'])
    expect(
      only('COG134', { attachments, groups: [group('a')], unresolved: [{ why: 'a loop', location: at }] }),
    ).toEqual(['COG134 note'])
    expect(only('COG134', { attachments, groups: [group('a')] })).toEqual(['COG134 warning'])
  })

  test('every unknown value of it is noted once, and so is a value with several possibilities that no rule checks one by one', () => {
    expect(found({ attachments: [attachment([], { roles: unknown })] })).toEqual(['COG190 note'])
    expect(found({ attachments: [attachment([], { mappings: unknown })] })).toEqual(['COG190 note'])
    expect(found({ attachments: [attachment([], { mappings: oneOf(known([]), known([])) })] })).toEqual(['COG190 note'])
    expect(found({ attachments: [attachment([mapping('Token', 'Deny', { type: unknown })])] })).toEqual(['COG190 note'])
    expect(
      found({ attachments: [attachment([], { identityPool: unknown })] }),
      'one attachment can be the only one',
    ).toEqual([])
    const twice = [attachment([], { identityPool: unknown }), attachment([], { id: 'Other' })]
    expect(found({ attachments: twice })).toEqual(['COG190 note'])
    expect(
      found({
        groups: tie,
        attachments: [
          attachment([
            mapping('Token', 'Deny', { ambiguousRoleResolution: oneOf(known('Deny'), known('AuthenticatedRole')) }),
          ]),
        ],
      }),
    ).toEqual(['COG101 error', 'COG133 warning'])
  })
})

describe('a role that is given by its name', () => {
  test.each<[string, Given, string]>([
    ['to a group', { groups: [group('admins', 1, nameOfRole('AdminRole'))] }, 'The role of `admins` is'],
    [
      'to a mapping rule',
      {
        attachments: [
          attachment([
            mapping('Rules', 'Deny', { rules: known([{ ...rule('admins'), role: known(nameOfRole('AdminRole')) }]) }),
          ]),
        ],
      },
      'The role of the mapping rule for `admins` is',
    ],
    [
      'to signed-in users',
      { attachments: [attachment([], { roles: rolesOf(nameOfRole('AdminRole')) })] },
      'The role of signed-in users (`Roles.authenticated`) is',
    ],
  ])('%s is found', (_, given, beginning) => {
    expect(validate(given, { only: ['COG153'] }).map(({ message }) => message)).toEqual([
      `${beginning} the name of the role \`AdminRole\`, not its ARN. No user can get it.`,
    ])
  })
})

describe('a value of a mapping', () => {
  test.each<[string, RoleMappingDefinition, string]>([
    ['in lower case', mapping('token', 'Deny'), 'did you mean `Token`?'],
    ['that is nearly one', mapping('Token', 'AuthenticatedRoles'), 'did you mean `AuthenticatedRole`?'],
    ['of a rule', mapping('Rules', 'Deny', { rules: known([rule('admins', 'contains')]) }), 'did you mean `Contains`?'],
    ['that is none', mapping('Groups', 'Deny'), 'the API does not accept it.'],
  ])('%s is found', (_, given, part) => {
    expect(validate({ attachments: [attachment([given])] }, { only: ['COG139'] })).toMatchObject([
      { severity: 'error', message: expect.stringContaining(part) },
    ])
  })
})

describe('a role mapping and the clients that its identity pool accepts', () => {
  const NAME = 'cognito-idp.${AWS::Region}.amazonaws.com/${Pool}'
  const made = (client: string) =>
    mapping('Token', 'Deny', {
      identityProvider: known(`${NAME}:\${${client}}`),
      client,
      written: `${NAME}:\${${client}}`,
    })
  const takes = (client: string) =>
    accepted(known(`\${${client}}`), { name: known(NAME), client, written: `${NAME}:\${${client}}` })
  const parameter = mapping('Token', 'Deny', { identityProvider: unknown, written: `${NAME}:\${ClientId}` })
  const both = (one: RoleMappingDefinition, ...providers: readonly IdentityPoolProvider[]) =>
    found({ attachments: [attachment([one])], identityPools: accepting(...providers) })

  test.each<[string, string[], string[]]>([
    ['the same client of the template', both(made('Web'), takes('Web')), []],
    ['another client of the template', both(made('Web'), takes('Mobile')), ['COG142 error']],
    ['no client', both(made('Web')), ['COG142 error']],
    ['the same literal', both(mapping('Token', 'Deny'), accepted()), []],
    ['another literal', both(mapping('Token', 'Deny'), accepted(known('x'))), ['COG142 error']],
    ['a literal for a client of the template: it may be that one', both(made('Web'), accepted()), []],
    [
      'the same parameter',
      both(parameter, accepted(unknown, { name: known(NAME), written: `${NAME}:\${ClientId}` })),
      [],
    ],
    ['another value that is not known', both(parameter, accepted(unknown, { name: known(NAME) })), ['COG190 note']],
    ['a value that is not known, for a client of the template', both(made('Web'), accepted(unknown)), ['COG190 note']],
    [
      'a name that is malformed, which is a finding of its own',
      both(made('Web'), accepted(known('x'), { name: known(`https://${NAME}`) })),
      ['COG136 error'],
    ],
    [
      'another kind of provider',
      both(mapping('Token', 'Deny', { identityProvider: known('accounts.google.com') })),
      [],
    ],
    ['the client and another one', both(made('Web'), takes('Web'), takes('Mobile')), ['COG143 note']],
    ['another one and a third', both(made('Web'), takes('Mobile'), takes('Tv')), ['COG142 error']],
  ])('%s', (_, findings, expected) => {
    expect(findings).toEqual(expected)
  })

  test('are not compared where the identity pool is another one, or is not in the files', () => {
    const attachments = [attachment([made('Web')])]
    expect(found({ attachments })).toEqual([])
    expect(found({ attachments, identityPools: [{ ...accepting(takes('Mobile'))[0]!, id: 'Other' }] })).toEqual([])
  })

  test('is a note for what is not known of the whole list, once', () => {
    const identityPools = [{ id: 'IdentityPool', allowsGuests: known(false), providers: unknown, location: at }]
    expect(found({ attachments: [attachment([made('Web')])], identityPools })).toEqual(['COG190 note'])
  })

  test('says which role the users get instead', () => {
    const [finding] = validate({
      attachments: [attachment([made('Web')])],
      identityPools: accepting(takes('Mobile')),
    })
    expect(finding!.message).toBe(
      'A role mapping is for the client `Web`, but the identity pool accepts other clients only (`Mobile`). The mapping is never used.',
    )
    expect(finding!.impact).toContain('the authenticated role `AuthenticatedRole`')
  })

  test('of more providers than an identity pool can have are left alone', () => {
    const many = Array.from({ length: 20_000 }, (_, index) => takes(`Client${index}`))
    expect(both(made('Web'), ...many)).toEqual([])
  })
})
