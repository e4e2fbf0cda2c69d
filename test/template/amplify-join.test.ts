import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { validateAll } from '../../src/rules/validate.js'
import { mergeInfrastructures, readTemplate } from '../../src/template/index.js'

type Files = Readonly<Record<string, string>>

/** All files of a project, read and put together, in their order and in the reverse. */
async function join(files: Files) {
  const read = await Promise.all(Object.entries(files).map(([path, text]) => readTemplate(text, { path })))
  const merged = mergeInfrastructures(read)
  const reversed = mergeInfrastructures(read.toReversed())
  expect(rulesIn(reversed)).toEqual(rulesIn(merged))
  return merged
}

type Merged = ReturnType<typeof mergeInfrastructures>

function findingsIn(merged: Merged) {
  return validateAll(merged, { today: '2026-11-29' })
}

function rulesIn(merged: Merged): readonly string[] {
  return findingsIn(merged).map(({ ruleId }) => ruleId)
}

const groupsIn = (merged: Merged) => merged.flatMap(({ groups }) => groups).length

const define = (...groups: string[]) =>
  `import { defineAuth } from '@aws-amplify/backend'\nexport const auth = defineAuth({ groups: ${JSON.stringify(groups)} })\n`
const outputs = (...groups: string[]) =>
  JSON.stringify({
    auth: {
      user_pool_id: 'eu-west-1_Ab12Cd34E',
      groups: groups.map((name, precedence) => ({ [name]: { precedence } })),
    },
  })

/** What the CDK synthesises, and Amplify's first generation builds. */
const template = (...groups: readonly (readonly [string, number])[]) =>
  JSON.stringify({
    Resources: Object.fromEntries([
      ['Pool', { Type: 'AWS::Cognito::UserPool' }],
      ...groups.flatMap(([name, Precedence]) => [
        [`${name}Role`, role()],
        [
          `${name}Group`,
          {
            Type: 'AWS::Cognito::UserPoolGroup',
            Properties: {
              UserPoolId: { Ref: 'Pool' },
              GroupName: name,
              Precedence,
              RoleArn: { 'Fn::GetAtt': [`${name}Role`, 'Arn'] },
            },
          },
        ],
      ]),
    ]),
  })

function role(): object {
  const amr = { 'cognito-identity.amazonaws.com:amr': 'authenticated' }
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Statement: {
          Effect: 'Allow',
          Principal: { Federated: 'cognito-identity.amazonaws.com' },
          Action: 'sts:AssumeRoleWithWebIdentity',
          Condition: {
            StringEquals: { 'cognito-identity.amazonaws.com:aud': { Ref: 'IdentityPool' } },
            'ForAnyValue:StringLike': amr,
          },
        },
      },
    },
  }
}

describe('Gen 2: `defineAuth` and `amplify_outputs.json` of a project', () => {
  const RESOURCE = 'amplify/auth/resource.ts'

  test.each([
    ['at the root', RESOURCE, 'amplify_outputs.json'],
    ['in the source', RESOURCE, 'src/amplify_outputs.json'],
    ['of a package', `packages/web/${RESOURCE}`, 'packages/web/amplify_outputs.json'],
    ['by an absolute path', `/home/me/${RESOURCE}`, '/home/me/amplify_outputs.json'],
  ])('are one pool, %s', async (_, resource, written) => {
    const merged = await join({ [resource]: define('A', 'B'), [written]: outputs('A', 'B') })
    expect(merged).toHaveLength(1)
    expect(merged[0]!.paths.toSorted()).toEqual([resource, written].toSorted())
    expect(merged[0]!.pools).toMatchObject([{ userPoolId: 'eu-west-1_Ab12Cd34E' }])
    expect([groupsIn(merged), rulesIn(merged)]).toEqual([2, []])
  })

  test('are compared', async () => {
    const merged = await join({ [RESOURCE]: define('A', 'B', 'C'), 'amplify_outputs.json': outputs('B', 'A', 'D') })
    expect(groupsIn(merged)).toBe(3)
    expect(new Set(rulesIn(merged))).toEqual(new Set(['COG140']))
    expect(findingsIn(merged).map(({ message }) => message)).toEqual([
      '`amplify_outputs.json` does not have `C`, and `defineAuth` does.',
      '`amplify_outputs.json` gives `B` precedence `0`, and `defineAuth` gives it precedence `1`.',
      '`amplify_outputs.json` gives `A` precedence `1`, and `defineAuth` gives it precedence `0`.',
      '`amplify_outputs.json` has the group `D`, and `defineAuth` does not define it.',
    ])
  })

  test('stay apart where another project is nearer, where two are there, and where the list is not known', async () => {
    const written = { 'web/amplify_outputs.json': outputs('A') }
    expect(await join({ [RESOURCE]: define('B'), [`web/${RESOURCE}`]: define('A'), ...written })).toHaveLength(2)
    expect(await join({ [`app/${RESOURCE}`]: define('B'), ...written }), 'elsewhere').toHaveLength(2)
    expect(await join({ [RESOURCE]: define('B'), 'amplify/other.ts': define('B'), ...written }), 'two').toHaveLength(3)
    const unknown = define('A').replace('["A"]', 'groups()')
    const merged = await join({ [`web/${RESOURCE}`]: unknown, ...written })
    expect([merged.length, groupsIn(merged), rulesIn(merged)]).toEqual([2, 1, ['COG190']])
  })

  test('are one where the first is there as JavaScript too', async () => {
    const merged = await join({ [RESOURCE]: define('A', 'B'), 'amplify/auth/resource.js': define('A', 'B') })
    expect([merged.length, groupsIn(merged)]).toEqual([1, 2])
    expect(await join({ 'amplify/auth/resource.js': define('A') }), 'control').toHaveLength(1)
  })

  describe('with the templates that `ampx` has synthesised', () => {
    const SYNTHESISED = '.amplify/artifacts/cdk.out/auth.nested.template.json'
    const CHANGE = `import { defineBackend } from '@aws-amplify/backend'\nbackend.auth.resources.groups.A.cfnUserGroup.precedence = 5\n`

    test('the templates are judged, with what the CDK changes', async () => {
      const files = {
        [RESOURCE]: define('A', 'B'),
        'amplify/backend.ts': CHANGE,
        'amplify_outputs.json': outputs('A', 'B'),
        [SYNTHESISED]: template(['A', 0], ['B', 1]),
      }
      const merged = await join(files)
      expect([merged.length, groupsIn(merged), rulesIn(merged)]).toEqual([1, 2, []])
      const { [SYNTHESISED]: _, ...without } = files
      expect(rulesIn(await join(without)), 'control').toEqual(['COG194'])
    })

    test('the templates of a backend without groups, too', async () => {
      const withoutGroups = JSON.parse(template()) as { Resources: object }
      Object.assign(withoutGroups.Resources, {
        Attachment: {
          Type: 'AWS::Cognito::IdentityPoolRoleAttachment',
          Properties: { IdentityPoolId: { Ref: 'IdentityPool' } },
        },
      })
      const synthesised = { [SYNTHESISED]: JSON.stringify(withoutGroups) }
      const merged = await join({ [RESOURCE]: define(), 'amplify_outputs.json': outputs(), ...synthesised })
      expect(merged).toMatchObject([{ pools: [{ id: 'Pool', userPoolId: 'eu-west-1_Ab12Cd34E' }], groups: [] }])
      expect(merged[0]!.attachments).toHaveLength(1)
      // The groups are not lost to what was synthesised before they were there.
      for (const newer of [define('A'), define('A').replace('["A"]', 'groups()')])
        expect(await join({ [RESOURCE]: newer, ...synthesised })).toHaveLength(2)
      const deployed = { [RESOURCE]: define(), 'amplify_outputs.json': outputs('A') }
      expect(groupsIn(await join(deployed))).toBe(1)
      expect(groupsIn(await join({ ...deployed, ...synthesised }))).toBe(1)
    })

    test('and compared with the file, which may be newer', async () => {
      const merged = await join({ [RESOURCE]: define('B', 'A'), [SYNTHESISED]: template(['A', 0], ['B', 1]) })
      expect(findingsIn(merged).map(({ message }) => message)).toEqual([
        '`defineAuth` gives `B` precedence `0`, and the synthesised template gives it precedence `1`.',
        '`defineAuth` gives `A` precedence `1`, and the synthesised template gives it precedence `0`.',
      ])
    })
  })
})

describe('Gen 1: the list of groups and its template', () => {
  const FOLDER = 'amplify/backend/auth/userPoolGroups'
  const LIST = `${FOLDER}/user-pool-group-precedence.json`
  const BUILT = `${FOLDER}/build/userPoolGroups-cloudformation-template.json`
  const OLD = `${FOLDER}/template.json`
  const list = (...groups: readonly (readonly [string, number])[]) =>
    JSON.stringify(groups.map(([groupName, precedence]) => ({ groupName, precedence })))
  const AB = [
    ['A', 1],
    ['B', 2],
  ] as const

  test('without a template, the list is judged', async () => {
    expect(rulesIn(await join({ [LIST]: list(...AB) }))).toEqual([])
    expect(rulesIn(await join({ [LIST]: list(['A', 1], ['B', 1]) }))).toEqual(['COG101'])
  })

  test.each([
    ['the one in `build`', { [BUILT]: template(...AB) }],
    ['the old one', { [OLD]: template(...AB) }],
    ['both', { [BUILT]: template(...AB), [OLD]: template(...AB) }],
  ])('with a template, the template is judged: %s', async (_, templates) => {
    const merged = await join({ [LIST]: list(...AB), ...templates })
    expect([merged.length, groupsIn(merged), rulesIn(merged)]).toEqual([1, 2, []])
    const differs = await join({ [LIST]: list(['A', 7], ['B', 2]), ...templates })
    expect([differs.length, rulesIn(differs)]).toEqual([1, ['COG140']])
  })

  test('the one in `build` is what is deployed, and the old one is compared with it', async () => {
    const merged = await join({ [BUILT]: template(...AB), [OLD]: template(['A', 3], ['B', 3]) })
    expect(findingsIn(merged).map(({ message }) => message)).toEqual([
      'The template outside `build` gives `A` precedence `3`, and the one in `build` gives it precedence `1`.',
      'The template outside `build` gives `B` precedence `3`, and the one in `build` gives it precedence `2`.',
    ])
  })

  test('which of two is not guessed otherwise', async () => {
    const merged = await join({ [`${FOLDER}/a.json`]: template(...AB), [`${FOLDER}/b.json`]: template(...AB) })
    expect(merged).toHaveLength(2)
  })

  test('an override is in what is built', async () => {
    const override = `export function override(resources) { resources.userPoolGroup.A.precedence = 9 }`
    const files = { [`${FOLDER}/override.ts`]: override, [LIST]: list(...AB) }
    expect(rulesIn(await join(files))).toEqual(['COG194'])
    expect(rulesIn(await join({ ...files, [BUILT]: template(...AB) }))).toEqual([])
  })

  test("of the fixtures, which are a real project's", async () => {
    const file = (name: string) =>
      readFileSync(new URL(`../fixtures/templates/amplify/${name}`, import.meta.url), 'utf8')
    const merged = await join({ [OLD]: file('template.json'), [LIST]: file('user-pool-group-precedence.json') })
    expect([merged.length, groupsIn(merged)]).toEqual([1, 2])
    expect(rulesIn(merged)).not.toContain('COG140')
  })
})
