import { stripVTControlCharacters } from 'node:util'
import * as fc from 'fast-check'
import stringWidth from 'string-width'
import { describe, expect, test } from 'vitest'
import type { Group } from '../../src/group.js'
import { selectRoleFor } from '../../src/credentials/select-role.js'
import { predictionText } from '../../src/report/prediction-text.js'
import { resolveRoles } from '../../src/claims/resolve.js'
import { groupNames, pools, semantics } from '../arbitraries.js'
import type { RoleMapping } from '../../src/credentials/role-mapping.js'
import { printable } from '../../src/text.js'
import type { CredentialsPrediction } from '../../src/report/credentials-text.js'
import { type Semantics, SEMANTICS } from '../../src/claims/decide.js'

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

interface Rendering {
  readonly color?: boolean
  readonly semantics?: Semantics
  readonly unknownGroups?: readonly string[]
  readonly credentials?: CredentialsPrediction
}

function render(
  groups: readonly Group[],
  { color = false, semantics, unknownGroups = [], credentials }: Rendering = {},
): string {
  return predictionText(
    { resolution: resolveRoles(groups, { semantics }), groups, unknownGroups, credentials },
    { color },
  )
}

/** The lines of one block, without its heading. */
function block(text: string, heading: string): readonly string[] {
  const found = text.split('\n\n').find(lines => lines.startsWith(`${heading}\n`))
  if (found === undefined) throw new Error(`no block '${heading}' in:\n${text}`)
  return found.replace(/\n$/, '').split('\n').slice(1)
}

const ladderOf = (groups: readonly Group[], rendering?: Rendering) =>
  block(render(groups, rendering), 'Groups, highest rank first')
const namesIn = (ladder: readonly string[]) => ladder.map(row => row.slice(2).trimStart().split(/ +/)[1])

/** What moves the cursor, ends a line, or is half a character. */
const RAW = /(?!\n)[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u
const COLORS = [1, 2, 22, 31, 32, 33, 39].map(code => `\x1B[${code}m`)
const ISOLATED = /\u2068([^\u2068\u2069]*)\u2069/g

describe('the whole text', () => {
  const groups = [
    { groupName: 'readers', precedence: 20, roleArn: role('Reader') },
    { groupName: 'contractors', roleArn: role('Contractor') },
    { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
    { groupName: 'plain' },
  ]

  test('a prediction as people see it', () => {
    expect(render(groups, { unknownGroups: ['ghost', 'idp_Google'] })).toBe(`Groups, highest rank first
>    0  admins       arn:aws:iam::111122223333:role/Admin
    20  readers      arn:aws:iam::111122223333:role/Reader
  none  contractors  arn:aws:iam::111122223333:role/Contractor
  none  plain        (no role)

ID token
  cognito:groups          readers
                          contractors
                          admins
                          plain
  cognito:roles           arn:aws:iam::111122223333:role/Admin
                          arn:aws:iam::111122223333:role/Reader
                          arn:aws:iam::111122223333:role/Contractor
  cognito:preferred_role  arn:aws:iam::111122223333:role/Admin

Why
  \`admins\` ranks first among the groups with a role, so its role is preferred.
  lowest-precedence: observed in real tokens whose groups are known; see \`rolecast explain lowest-precedence\`

Not in the user pool (no role, and in no claim)
  ghost
  idp_Google
`)
  })

  test('a user in no group', () => {
    expect(render([])).toBe(`Groups, highest rank first
  (none)

ID token
  cognito:groups          (absent)
  cognito:roles           (absent)
  cognito:preferred_role  (absent)

Why
  The user is in no group, so Cognito sets none of the three claims.
  no-groups: observed in real tokens whose groups are known; see \`rolecast explain no-groups\`
`)
  })

  test('without unknown groups nothing is reported about them', () => {
    expect(render(groups)).not.toContain('Not in the user pool')
  })

  test('an undetermined resolution names the role it may be, and does not grant it', () => {
    const text = render([
      { groupName: 'vip', precedence: 20 },
      { groupName: 'readers', precedence: 20, roleArn: role('Reader') },
    ])
    expect(block(text, 'ID token').at(-1)).toBe(
      `  cognito:preferred_role  (undetermined: absent, or ${role('Reader')})`,
    )
    expect(text).toContain('do not grant access based on it')
  })
})

describe('the ladder', () => {
  test('zero ranks first, no precedence last, and equals keep their order', () => {
    const ladder = ladderOf([
      { groupName: 'none-1' },
      { groupName: 'ten', precedence: 10 },
      { groupName: 'nine-1', precedence: 9 },
      { groupName: 'last', precedence: 2 ** 31 - 1 },
      { groupName: 'zero', precedence: 0 },
      { groupName: 'none-2', precedence: null },
      { groupName: 'nine-2', precedence: 9 },
    ])
    expect(namesIn(ladder)).toEqual(['zero', 'nine-1', 'nine-2', 'ten', 'last', 'none-1', 'none-2'])
    expect(ladder[0]).toMatch(/^ {11}0 {2}zero/)
    expect(ladder[4]).toMatch(/^ {2}2147483647 {2}last/)
  })

  test('the groups given are not put into another order themselves', () => {
    const groups = Object.freeze([
      { groupName: 'b', precedence: 2 },
      { groupName: 'a', precedence: 1 },
    ])
    expect(namesIn(ladderOf(groups))).toEqual(['a', 'b'])
    expect(groups.map(group => group.groupName)).toEqual(['b', 'a'])
  })

  const vip = { groupName: 'vip', precedence: 1 }
  const low = { groupName: 'low', precedence: 20, roleArn: role('Low') }
  const rival = { groupName: 'rival', precedence: 20 }
  const one = { groupName: 'one', precedence: 7, roleArn: role('One') }
  const two = { groupName: 'two', precedence: 7, roleArn: role('Two') }
  const alike = { groupName: 'alike', precedence: 7, roleArn: role('One') }
  const bare = { groupName: 'bare', roleArn: role('Bare') }

  test.each<[string, Group[], Semantics, string[]]>([
    ['the winner has an arrow', [low, one], 'observed', ['> one', '  low']],
    ['all who tie on one role have an arrow', [low, one, alike], 'observed', ['> one', '> alike', '  low']],
    ['a tie on two roles has exclamation marks', [low, one, two], 'observed', ['! one', '! two', '  low']],
    ['what is undetermined has question marks', [low, rival, bare], 'observed', ['? low', '? rival', '  bare']],
    ['a group that stands aside has no mark', [low, vip], 'observed', ['  vip', '> low']],
    ['a rival that stands aside has no mark', [low, rival], 'roles-compete', ['> low', '  rival']],
    ['a role without a precedence has a dash', [bare, { groupName: 'plain' }], 'observed', ['- bare', '  plain']],
    [
      'the same role has an arrow where it is preferred',
      [bare, { groupName: 'plain' }],
      'documented',
      ['> bare', '  plain'],
    ],
    ['groups without a role have no mark', [vip, { groupName: 'plain' }], 'observed', ['  vip', '  plain']],
  ])('%s', (_what, groups, semantics, expected) => {
    const ladder = ladderOf(groups, { semantics })
    expect(ladder.map((row, index) => `${row.slice(0, 2)}${namesIn(ladder)[index]}`)).toEqual(expected)
  })

  test('names of every width keep the roles in one column', () => {
    const wide = ['plain', '管理者', '🙂', '👩🏽', 'cafe\u0301', 'ｗｉｄｅ', '한글', 'ไทย', 'שלום']
    const ladder = ladderOf(wide.map((groupName, precedence) => ({ groupName, precedence, roleArn: 'R' })))
    expect(ladder).toEqual([
      '> 0  plain     R',
      '  1  管理者    R',
      '  2  🙂        R',
      '  3  👩🏽        R',
      '  4  cafe\u0301      R',
      '  5  ｗｉｄｅ  R',
      '  6  한글      R',
      '  7  ไทย       R',
      '  8  \u2068שלום\u2069      R',
    ])
  })

  test('escaped names keep the roles in one column too', () => {
    const ladder = ladderOf([
      { groupName: 'a\x1Bb', precedence: 0 },
      { groupName: 'c', precedence: 1 },
    ])
    expect(ladder).toEqual([String.raw`  0  a\u{1b}b  (no role)`, '  1  c         (no role)'])
  })
})

describe('printable', () => {
  test.each([
    ['an escape sequence', '\x1B[31mred\x1B[0m', String.raw`\u{1b}[31mred\u{1b}[0m`],
    ['a one-byte escape', 'a\u009B31m', String.raw`a\u{9b}31m`],
    ['a terminal title', '\x1B]0;title\x07', String.raw`\u{1b}]0;title\u{7}`],
    ['line ends and tabs', 'a\r\nb\tc\u0085d\u2028e\u2029f', String.raw`a\u{d}\u{a}b\u{9}c\u{85}d\u{2028}e\u{2029}f`],
    ['backspace, delete and null', 'a\b\x7F\0', String.raw`a\u{8}\u{7f}\u{0}`],
    ['bidirectional overrides', '\u202Eadmin\u202C', String.raw`\u{202e}admin\u{202c}`],
    ['bidirectional isolates', '\u2066a\u2067b\u2068c\u2069', String.raw`\u{2066}a\u{2067}b\u{2068}c\u{2069}`],
    ['direction marks', 'a\u200Eb\u200Fc\u061C', String.raw`a\u{200e}b\u{200f}c\u{61c}`],
    [
      'zero width characters',
      'ad\u200Bmi\u200Cn\u200Ds\u2060\uFEFF',
      String.raw`ad\u{200b}mi\u{200c}n\u{200d}s\u{2060}\u{feff}`,
    ],
    ['a soft hyphen', 'ad\u00ADmin', String.raw`ad\u{ad}min`],
    ['tag characters', 'a\u{E0041}', String.raw`a\u{e0041}`],
    ['private use', '\uE000\u{10FFFD}', String.raw`\u{e000}\u{10fffd}`],
    ['half a surrogate pair', 'a\uD83D', String.raw`a\u{d83d}`],
    ['a character that is none', '\uFFFF', String.raw`\u{ffff}`],
  ])('%s is shown as code points', (_what, text, shown) => {
    expect(printable(text)).toBe(shown)
  })

  test.each([
    '',
    'admins',
    '__proto__',
    'a,b',
    'a b',
    String.raw`C:\u{1b}`,
    '管理者',
    '👩🏽',
    'cafe\u0301',
    'ไทย',
    'हिन्दी',
    '🇨🇭',
    '{}<>&"\'`',
  ])('%j is left as it is', text => {
    expect(printable(text)).toBe(text)
  })

  test.each(['שלום', 'مدير', 'ܐܒܓ', 'ދިވެހި', 'ߒߞߏ', 'a-אב-1'])(
    '%s is isolated, for it is written from right to left',
    text => {
      expect(printable(text)).toBe(`\u2068${text}\u2069`)
    },
  )

  test.each([
    ['Adlam', '\u{1E900}\u{1E901}'],
    ['Hanifi Rohingya', '\u{10D00}\u{10D01}'],
    ['Samaritan', '\u0800\u0801'],
    ['Mandaic', '\u0840\u0841'],
  ])('%s is isolated as well', (_script, text) => {
    expect(printable(text)).toBe(`\u2068${text}\u2069`)
  })

  test('an isolate cannot be left from within', () => {
    expect(printable('\u2069אב')).toBe(String.raw`${'\u2068'}\u{2069}אב${'\u2069'}`)
  })

  // Letters and marks to Cognito, so a group can have them in its name.
  test.each([
    ['a Hangul filler', '\u3164'],
    ['a half-width Hangul filler', '\uFFA0'],
    ['a Hangul choseong filler', '\u115F'],
    ['a combining grapheme joiner', '\u034F'],
    ['a variation selector after a letter', '\u{E0100}'],
  ])('a name with %s does not look like the name without', (_what, invisible) => {
    expect(printable(`admins${invisible}`)).toBe(String.raw`admins\u{${invisible.codePointAt(0)!.toString(16)}}`)
  })

  test.each(['\u3164', '\u034F', '\u{E0100}'])('an emoji does not hide what comes after it (%j)', invisible => {
    expect(printable(`🙂${invisible}`)).toBe(String.raw`🙂\u{${invisible.codePointAt(0)!.toString(16)}}`)
    expect(printable('❤\uFE0F')).toBe('❤\uFE0F')
  })

  test('for any input, no raw control character is left, and plain text is unchanged', () => {
    fc.assert(
      fc.property(anyNames, text => {
        expect(printable(text).replace(ISOLATED, '$1')).not.toMatch(/\p{C}|\p{Zl}|\p{Zp}/u)
      }),
    )
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), text => {
        expect(printable(text)).toBe(text)
      }),
    )
  })
})

describe('names from outside in the text', () => {
  const nasty = '\x1B[2J\u202E\n> 0  admins'

  test('they are escaped everywhere', () => {
    const groups = [
      { groupName: nasty, precedence: 0, roleArn: `role\x1B[31m\u009B` },
      { groupName: 'vip', precedence: 0 },
    ]
    for (const semantics of SEMANTICS) {
      const text = render(groups, { semantics, unknownGroups: [nasty] })
      expect(text).not.toMatch(RAW)
      expect(text).not.toContain('\u202E')
      expect(text.split('\n').filter(line => line.startsWith('> 0  admins'))).toEqual([])
    }
    // The guard sees what it looks for.
    expect(nasty).toMatch(RAW)
    expect('\n').not.toMatch(RAW)
  })

  test('a name from right to left is isolated in the ladder, in the claims and among the unknown', () => {
    const text = render([{ groupName: 'מנהל', precedence: 0, roleArn: 'R' }], { unknownGroups: ['رمز'] })
    expect(block(text, 'Groups, highest rank first')).toEqual(['> 0  \u2068מנהל\u2069  R'])
    expect(block(text, 'ID token')[0]).toBe('  cognito:groups          \u2068מנהל\u2069')
    expect(block(text, 'Not in the user pool (no role, and in no claim)')).toEqual(['  \u2068رمز\u2069'])
  })

  test('a name from right to left does not turn the sentence around it', () => {
    const [reason] = block(render([{ groupName: 'מנהל', precedence: 0, roleArn: 'R' }]), 'Why')
    expect(reason).toMatch(/\u2068[^a-z]*מנהל[^a-z]*\u2069/)
    expect(reason?.replace(ISOLATED, '')).toContain('ranks first among the groups with a role')
  })
})

describe('colour', () => {
  const winner = { groupName: 'a', precedence: 0, roleArn: 'A' }
  const loser = { groupName: 'b', precedence: 1, roleArn: 'B' }
  const rows = (groups: readonly Group[]) =>
    render(groups, { color: true })
      .split('\n')
      .filter(line => /^[ >!?-] +(\d|none)/.test(stripVTControlCharacters(line)))

  test.each<[string, string, Group[], number]>([
    ['a role that is preferred', 'green', [winner, loser], 32],
    ['a tie on two roles', 'red', [winner, { ...loser, precedence: 0 }], 31],
    [
      'what is undetermined',
      'yellow',
      [
        { groupName: 'a', precedence: 0 },
        { ...loser, precedence: 0 },
      ],
      33,
    ],
  ])('%s is %s', (_what, _colour, groups, code) => {
    expect(rows(groups)[0]).toMatch(new RegExp(`^\\x1B\\[${code}m[>!?] 0  a.*\\x1B\\[39m$`))
  })

  test('a group without a precedence is dim, and one that decides nothing is plain', () => {
    expect(rows([{ groupName: 'a', roleArn: 'A' }])).toEqual(['\x1B[2m- none  a  A\x1B[22m'])
    expect(rows([winner, loser])[1]).toBe('  1  b  B')
  })

  test('unknown groups are pointed out in yellow', () => {
    expect(render([], { color: true, unknownGroups: ['ghost'] })).toContain(
      '\x1B[33mNot in the user pool (no role, and in no claim)\x1B[39m\n  ghost\n',
    )
  })

  test('without colour there is no code, and with it the text is the same', () => {
    fc.assert(
      fc.property(pools, semantics, fc.array(groupNames, { maxLength: 3 }), (groups, semantics, unknownGroups) => {
        const plain = render(groups, { semantics, unknownGroups })
        const coloured = render(groups, { semantics, unknownGroups, color: true })
        expect(plain).not.toContain('\x1B')
        expect(coloured).toContain('\x1B[1m')
        expect(stripVTControlCharacters(coloured)).toBe(plain)
      }),
    )
  })
})

/** Any string but the empty one: control characters, halves of characters, overrides. */
const anyNames = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
  fc.string({
    unit: fc.constantFrom(...'\x1B[31m\n\r\t\b\0\x7F\u0085\u009B\u200B\u202E\u2028\u2068\u2069\uFEFF\uD83D\uDE42אa>0 '),
    minLength: 1,
    maxLength: 12,
  }),
)

describe('the credentials', () => {
  interface Asked {
    readonly mapping?: RoleMapping
    readonly authenticated?: string
    readonly customRoleArn?: string
    readonly name?: string
  }

  function credentialsOf(
    groups: readonly Group[],
    { mapping, authenticated, customRoleArn, name = 'x' }: Asked,
  ): CredentialsPrediction {
    const selection = selectRoleFor(resolveRoles(groups), mapping, { customRoleArn, roles: { authenticated } })
    return {
      selection,
      mapping,
      customRoleArn,
      identityPoolId: name,
      userPoolId: name,
      clientId: name,
      onlyMapping: false,
      mappedClients: mapping ? [name] : [],
    }
  }
  const textOf = (groups: readonly Group[], asked: Asked, color = false) =>
    render(groups, { credentials: credentialsOf(groups, asked), color })

  const token: RoleMapping = { Type: 'Token', AmbiguousRoleResolution: 'Deny' }
  const [admins, alone] = [[{ groupName: 'a', precedence: 0, roleArn: 'A' }], [{ groupName: 'b', roleArn: 'B' }]]
  const contended = [...admins, ...alone, { groupName: 'c', precedence: 0 }]

  test('stand after the claims and before the unknown groups, and only where an identity pool is asked', () => {
    const text = render(admins, { credentials: credentialsOf(admins, { mapping: token }), unknownGroups: ['ghost'] })
    const headings = ['Groups', 'ID token', 'Why', 'Credentials', 'Why these', 'Not in']
    expect(text.split('\n\n').map((lines, index) => lines.startsWith(headings[index]!))).toEqual(
      headings.map(() => true),
    )
    expect(render(admins)).not.toContain('redentials')
  })

  test('a role is told from a role that the app asks for', () => {
    expect(block(textOf(admins, { mapping: token, customRoleArn: 'A' }), 'Credentials from identity pool x')).toEqual([
      '  user pool     x',
      '  app client    x',
      '  role mapping  Token, AmbiguousRoleResolution Deny',
      '  asked for     A',
      '  role          A',
    ])
  })

  test('roles of every width keep the pages in one column', () => {
    const mapping: RoleMapping = {
      Type: 'Rules',
      RulesConfiguration: {
        Rules: ['管理者', 'é'].map(RoleARN => ({ Claim: 'x', MatchType: 'Equals', Value: 'y', RoleARN })),
      },
    }
    expect(block(textOf(admins, { mapping, authenticated: 'S' }), 'Credentials from identity pool x').slice(3)).toEqual(
      [
        '  role          (undetermined: one of these)',
        '                ? 管理者    by mapping-rule 0',
        '                ? é         by mapping-rule 1',
        '                ? S         by ambiguous-authenticated',
        '                ? (denied)  by ambiguous-denied',
      ],
    )
  })

  test.each<[string, readonly Group[], number, string]>([
    ['a role', admins, 32, 'A'],
    ['a role that is not preferred', alone, 32, 'B'],
    ['a denial', [], 31, '(none: the request is denied)'],
    ['what is undetermined', contended, 33, '(undetermined: one of these)'],
  ])('%s has its colour', (_what, groups, code, said) => {
    expect(textOf(groups, { mapping: token }, true)).toContain(`  role          \x1B[${code}m${said}\x1B[39m\n`)
  })

  const rules: RoleMapping = { Type: 'Rules', AmbiguousRoleResolution: 'Deny', RulesConfiguration: { Rules: [] } }
  const SEEN_ONCE =
    'The app asks for a role that the token has in cognito:roles, and the mapping has rules: Cognito rejected such a request ' +
    "(InvalidParameterException, seen once), and AWS's guide says otherwise."
  const NOT_KNOWN =
    'The app asks for a role that the token does not have in cognito:roles, and the mapping has rules: what the identity pool does then is not known.'

  test.each<[string, Asked, string, string]>([
    [
      'a lone role',
      { mapping: token },
      'single-role: documented by AWS',
      'The token has one role and prefers none. AWS documents that the user gets this role; no log of a role assumed in this way is known.',
    ],
    [
      'a role of the token that the app asks for with rules',
      { mapping: rules, customRoleArn: 'B' },
      'custom-role-with-rules: observed of real identity pools',
      SEEN_ONCE,
    ],
    [
      'another role that the app asks for with rules',
      { mapping: { ...rules, AmbiguousRoleResolution: 'AuthenticatedRole' }, authenticated: 'S', customRoleArn: 'X' },
      'custom-role-with-rules: unknown: what AWS documents and what is observed do not settle it',
      `${NOT_KNOWN} Do not grant access based on it.`,
    ],
    [
      'another role where all readings are a denial',
      { mapping: rules, customRoleArn: 'X' },
      'custom-role-with-rules: inferred from what is observed and documented',
      `${NOT_KNOWN} Here all readings give the same result.`,
    ],
  ])('%s: the reason says how it is known', (_what, asked, evidence, reason) => {
    expect(block(textOf(alone, asked), 'Why these credentials')).toEqual([
      `  ${reason}`,
      expect.stringMatching(new RegExp(`^ {2}${evidence}; see`)),
    ])
  })

  const anyMapping = fc.option(
    fc.record({
      Type: fc.constantFrom('Token', 'Rules'),
      AmbiguousRoleResolution: fc.constantFrom('Deny', 'AuthenticatedRole', undefined),
      RulesConfiguration: fc.record({
        Rules: fc.array(
          fc.record({
            Claim: fc.oneof(fc.constant('cognito:groups'), anyNames),
            MatchType: fc.constantFrom('Contains', 'NotEqual'),
            Value: anyNames,
            RoleARN: anyNames,
          }),
          { maxLength: 3 },
        ),
      }),
    }),
    { nil: undefined },
  )

  test('whatever names come, no control character but the line end is in the text, and colour changes nothing else', () => {
    const asked = fc.record({
      mapping: anyMapping,
      authenticated: fc.option(anyNames, { nil: undefined }),
      customRoleArn: fc.option(anyNames, { nil: undefined }),
      name: anyNames,
    })
    fc.assert(
      fc.property(pools, asked, (groups, given) => {
        const plain = textOf(groups, given as Asked)
        expect(plain).not.toMatch(RAW)
        expect(plain.replace(ISOLATED, '')).not.toMatch(/[\u200B-\u200F\u202A-\u202E\u2066-\u2069\uFEFF]/)
        expect(stripVTControlCharacters(textOf(groups, given as Asked, true))).toBe(plain)
      }),
    )
  })
})

describe('for any groups', () => {
  const anyGroups = fc.uniqueArray(
    fc.record({
      groupName: anyNames,
      precedence: fc.option(fc.nat({ max: 3 })),
      roleArn: fc.option(fc.oneof(anyNames, fc.constantFrom('R', 'S'))),
    }),
    { maxLength: 6, selector: group => group.groupName },
  )

  test('no control character but the line end is in the text', () => {
    fc.assert(
      fc.property(anyGroups, semantics, fc.array(anyNames), (groups, semantics, unknownGroups) => {
        const text = render(groups, { semantics, unknownGroups })
        expect(text).not.toMatch(RAW)
        expect(text.replace(ISOLATED, '')).not.toMatch(/[\u200B-\u200F\u202A-\u202E\u2066-\u2069\uFEFF]/)
      }),
    )
  })

  test('with colour the only escapes are colours', () => {
    fc.assert(
      fc.property(anyGroups, semantics, (groups, semantics) => {
        const coloured = render(groups, { semantics, color: true })
        expect(COLORS.reduce((rest, code) => rest.replaceAll(code, ''), coloured)).not.toMatch(RAW)
      }),
    )
  })

  test('no name makes a line of its own', () => {
    fc.assert(
      fc.property(anyGroups, semantics, fc.array(anyNames), (groups, semantics, unknownGroups) => {
        const roles = [...new Set(groups.map(group => group.roleArn))]
        const tame = groups.map((group, index) => ({
          ...group,
          groupName: `g${index}`,
          roleArn: group.roleArn && `r${roles.indexOf(group.roleArn)}`,
        }))
        const lines = render(groups, { semantics, unknownGroups }).split('\n').length
        expect(lines).toBe(render(tame, { semantics, unknownGroups: unknownGroups.map(() => 'u') }).split('\n').length)
      }),
    )
  })

  test('every name is in the ladder, in the claim, and every unknown one at the end', () => {
    fc.assert(
      fc.property(anyGroups, semantics, fc.array(anyNames, { minLength: 1 }), (groups, semantics, unknownGroups) => {
        const text = render(groups, { semantics, unknownGroups })
        const ladder = block(text, 'Groups, highest rank first')
        const claim = block(text, 'ID token')
          .slice(0, Math.max(1, groups.length))
          .map(line => line.slice(26))
        expect(claim).toEqual(groups.length === 0 ? ['(absent)'] : groups.map(group => printable(group.groupName)))
        expect(groups.filter(group => !ladder.some(row => row.includes(`  ${printable(group.groupName)}  `)))).toEqual(
          [],
        )
        expect(block(text, 'Not in the user pool (no role, and in no claim)')).toEqual(
          unknownGroups.map(name => `  ${printable(name)}`),
        )
      }),
    )
  })

  test('the ladder is in order, marks the determining groups alone, and keeps its columns', () => {
    fc.assert(
      fc.property(pools, semantics, (groups, semantics) => {
        fc.pre(groups.length > 0)
        const { determiningGroups, outcome } = resolveRoles(groups, { semantics })
        const ladder = ladderOf(groups, { semantics })
        const rows = ladder.map(row => {
          const [, mark, precedence, name] = /^(.) +(none|\d+) {2}(\S+) /.exec(row)!
          return {
            mark,
            rank: precedence === 'none' ? Infinity : Number(precedence),
            name,
            width: stringWidth(row.slice(0, row.lastIndexOf('  '))),
          }
        })
        expect(rows.map(row => row.rank)).toEqual(
          groups.map(group => group.precedence ?? Infinity).toSorted((a, b) => (a < b ? -1 : Number(a > b))),
        )
        expect(rows.map(row => row.name).toSorted()).toEqual(groups.map(group => printable(group.groupName)).toSorted())
        const marked = rows.filter(row => row.mark !== ' ')
        expect(marked.map(row => row.name).toSorted()).toEqual(determiningGroups.map(printable).toSorted())
        expect(
          marked.every(row => row.mark === { resolved: '>', none: '-', ambiguous: '!', undetermined: '?' }[outcome]),
        ).toBe(true)
        expect(new Set(rows.map(row => row.width)).size).toBe(1)
      }),
    )
  })
})
