import { describe, expect, test } from 'vitest'
import { withContentSecurityPolicy } from '../../docs/.vitepress/content-security.js'
import { resolveLink, themedPictures } from '../../docs/.vitepress/markdown.js'

describe('a link', () => {
  test.each([
    ['of a page to a page', 'audit.md', 'validate.md#the-config-file', '/validate.md#the-config-file'],
    ['of a decision to a page', 'decisions/0002-x.md', '../semantics.md', '/semantics.md'],
    ['to another host', 'audit.md', 'https://docs.aws.amazon.com/', 'https://docs.aws.amazon.com/'],
    ['within the page', 'audit.md', '#output', '#output'],
    ['to a page of the top folder', 'audit.md', '../SECURITY.md#what-holds', '/project/security.md#what-holds'],
    ['of a page of the top folder', 'project/readme.md', 'docs/audit.md', '/audit.md'],
    ['to a single example', 'bulk.md', 'examples/bulk.mjs', '/code/bulk-mjs'],
    ['to a folder of examples', 'ci.md', 'examples/ci', '/code/ci'],
    ['to a heading of one', 'ci.md', 'examples/terraform-pre-merge/README.md#x', '/code/terraform-pre-merge#x'],
    ['to a file in one', 'scale.md', 'examples/scale/audit-pool.sh', '/code/scale#audit-poolsh'],
    ['to the list of examples', 'project/readme.md', 'docs/examples/README.md', '/code/'],
    [
      'to a schema, which is a file of the site',
      'verify.md',
      'schemas/verify.schema.json',
      '/schemas/verify.schema.json',
    ],
  ])('%s', (_what, page, href, target) => {
    expect(resolveLink(href, page)).toEqual({ href: target })
  })

  test('to a file that the site does not have is its path', () => {
    expect(resolveLink('src/rules/README.md', 'project/contributing.md')).toEqual({ path: 'src/rules/README.md' })
    expect(resolveLink('../test/vectors/claims.json', 'semantics.md')).toEqual({ path: 'test/vectors/claims.json' })
  })

  test.each(['src/no-such-file.ts', 'docs/schemas/none.schema.json', 'docs/examples/none.mjs', 'package.json'])(
    'to `%s` fails the build, because it goes to nothing',
    href => {
      expect(() => resolveLink(href, 'project/readme.md')).toThrow(href)
    },
  )
})

describe('a picture', () => {
  const picture = (dark: string, light: string) =>
    `<picture><source media="(prefers-color-scheme: dark)" srcset="${dark}"><img alt="The chain" src="${light}"></picture>`

  test('becomes an image for each theme, with the size that it says it has', () => {
    const html = themedPictures(
      picture('docs/diagrams/chain-dark.svg', 'docs/diagrams/chain-light.svg'),
      'project/readme.md',
    )
    expect(html).toMatch(
      /^<span class="picture"><img class="picture-light" alt="The chain" src="\.\.\/diagrams\/chain-light\.svg" width="\d+" height="\d+"><img class="picture-dark" alt="The chain" src="\.\.\/diagrams\/chain-dark\.svg" width="\d+" height="\d+"><\/span>$/,
    )
  })

  test('fails the build without its file, and without its dark half', () => {
    expect(() => themedPictures(picture('./none.svg', './diagrams/chain-light.svg'), 'index.md')).toThrow('./none.svg')
    expect(() =>
      themedPictures('<picture><img alt="" src="./diagrams/chain-light.svg"></picture>', 'index.md'),
    ).toThrow('dark colours')
  })
})

test('the policy of a page allows the inline scripts that it has and no others', () => {
  const policyOf = (html: string) => /content="([^"]+)"/.exec(withContentSecurityPolicy(html))![1]!
  const one = policyOf('<html><head><script>one()</script><script src="/x.js"></script></head></html>')
  expect(one.match(/'sha256-/g)).toHaveLength(2)
  expect(policyOf('<html><head><script>two()</script></head></html>')).not.toBe(one)
  expect(one).not.toMatch(/script-src[^;]*'unsafe-(inline|eval)'/)
})
