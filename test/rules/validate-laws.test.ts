import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Finding } from '../../src/rules/finding.js'
import { resolveRoles } from '../../src/claims/resolve.js'
import { createHclParser } from '../../src/template/terraform/hcl-parser.js'
import { readTemplate } from '../../src/template/index.js'
import { readTerraformSource } from '../../src/template/terraform/source.js'
import { validateInfrastructure } from '../../src/rules/validate.js'
import {
  cloudFormationJson,
  cloudFormationYaml,
  type Drawn,
  type DrawnGroup,
  drawnPools,
  PLAIN,
  pulumiPreview,
  type Renderer,
  saidOf,
  type Style,
  styles,
  terraformPlan,
  terraformSource,
} from '../template/rendered-pools.js'

const few = drawnPools(fc.nat({ max: 2 }))
/** Terraform's provider does not send 0. */
const fewFromOne = drawnPools(fc.integer({ min: 1, max: 3 }))

const RENDERERS: readonly (readonly [string, Renderer, number])[] = [
  ['CloudFormation, YAML', cloudFormationYaml, 60],
  ['CloudFormation, JSON', cloudFormationJson, 60],
  ['a Terraform plan', terraformPlan, 60],
  ['a Pulumi preview', pulumiPreview, 60],
  ['Terraform source', terraformSource, 8],
]

/** On a busy machine the default limit is too short for a test. */
const parse = createHclParser({ timeLimit: 60_000 })

/** From the text to what is found. */
async function findingsOf(render: Renderer, drawn: Drawn, style = PLAIN): Promise<readonly Finding[]> {
  const { text, path } = render(drawn, style)
  return validateInfrastructure(
    await (render === terraformSource ? readTerraformSource(text, path, { parse }) : readTemplate(text, { path })),
  )
}

async function said(render: Renderer, drawn: Drawn, style = PLAIN): Promise<readonly string[]> {
  return saidOf(await findingsOf(render, drawn, style), render(drawn, style).ids)
}

/** The same property must fail for what is wrong in just this. */
async function expectFailure(property: fc.IAsyncProperty<unknown>): Promise<void> {
  expect((await fc.check(property, { seed: 1, numRuns: 200, endOnFailure: true })).failed).toBe(true)
}

const edited = (drawn: Drawn, edit: (group: DrawnGroup, index: number) => DrawnGroup): Drawn => ({
  ...drawn,
  groups: drawn.groups.map(edit),
})

describe('changes without meaning do not change the findings', () => {
  const property = (render: Renderer, change: (drawn: Drawn, style: Style) => Drawn) =>
    fc.asyncProperty(few, styles, async (drawn, style) => {
      expect(await said(render, change(drawn, style), style)).toEqual(await said(render, drawn))
    })

  test.each(RENDERERS)(
    '%s: names of resources, their order, the order of keys, comments and layout change no finding',
    async (_, render, numRuns) => {
      await fc.assert(
        property(render, drawn => drawn),
        { numRuns },
      )
    },
  )

  test('control: another precedence, or another role, does', async () => {
    await expectFailure(
      property(cloudFormationYaml, drawn =>
        edited(drawn, (group, index) => (index === 0 ? { ...group, precedence: 1 } : group)),
      ),
    )
    await expectFailure(
      property(terraformPlan, drawn => edited(drawn, (group, index) => (index === 0 ? { ...group, role: 1 } : group))),
    )
  })

  test('control: the renderings differ', async () => {
    const style = {
      ...PLAIN,
      order: 7,
      rename: 7,
      indent: 3,
      flowFrom: 2,
      quotes: true,
      comments: true,
      shortForms: false,
    }
    for (const [name, render] of RENDERERS) {
      const [drawn] = fc.sample(few, { seed: 3, numRuns: 1 })
      expect(render(drawn!, style).text, name).not.toBe(render(drawn!, PLAIN).text)
    }
  })
})

describe('every reported tie is real, and every real tie is reported', () => {
  const roleArn = (role: number) => `arn:aws:iam::111122223333:role/${role}`
  const property = (render: Renderer, spoil: (findings: readonly Finding[], drawn: Drawn) => readonly Finding[]) =>
    fc.asyncProperty(fewFromOne, async drawn => {
      const { ids } = render(drawn, PLAIN)
      const ties = spoil(await findingsOf(render, drawn), drawn).filter(({ ruleId }) => ruleId === 'COG101')
      for (const pool of [0, 1]) {
        const own = drawn.groups.filter(group => group.pool === pool)
        const ofPool = ties.filter(
          tie => ids.get(tie.pool) === `(pool ${pool})` || ids.get(`\${${tie.pool}}`) === `(pool ${pool})`,
        )
        for (const [index, a] of own.entries())
          for (const b of own.slice(index + 1)) {
            const { outcome } = resolveRoles(
              [a, b].map(({ name, precedence, role }) => ({
                groupName: name,
                precedence,
                roleArn: role === null ? null : roleArn(role),
              })),
            )
            const together = ofPool.filter(({ groups }) => groups.includes(a.name) && groups.includes(b.name))
            if (a.role !== b.role || together.length === 0)
              expect(together).toHaveLength(outcome === 'ambiguous' ? 1 : 0)
          }
      }
    })

  test.each(RENDERERS)(
    '%s: two groups of two roles stand in one COG101 exactly when a user in both resolves to ambiguous',
    async (_, render, numRuns) => {
      await fc.assert(
        property(render, findings => findings),
        { numRuns },
      )
    },
  )

  test('control: a missing tie, and a tie with an extra group, are noticed', async () => {
    await expectFailure(property(cloudFormationJson, () => []))
    await expectFailure(
      property(cloudFormationJson, (findings, { groups }) =>
        findings.map(finding => ({ ...finding, groups: groups.map(({ name }) => name) })),
      ),
    )
  })
})

describe('the same pool has the same findings in every format', () => {
  const property = (render: Renderer, change: (drawn: Drawn) => Drawn) =>
    fc.asyncProperty(fewFromOne, async drawn => {
      expect(await said(render, change(drawn))).toEqual(await said(cloudFormationYaml, drawn))
    })

  test.each(RENDERERS.slice(1))('%s: what CloudFormation in YAML has', async (_, render, numRuns) => {
    await fc.assert(
      property(render, drawn => drawn),
      { numRuns },
    )
  })

  test('control: a missing group is noticed, and so is a 0, which Terraform does not send', async () => {
    await expectFailure(property(pulumiPreview, drawn => ({ ...drawn, members: [], groups: drawn.groups.slice(1) })))
    const zero: Drawn = {
      groups: [{ name: 'a', precedence: 0, role: 0, pool: 0 }],
      trusts: [true, true, true],
      mapping: null,
      members: [],
    }
    expect((await findingsOf(terraformPlan, zero)).map(({ ruleId }) => ruleId)).toEqual(['COG110'])
    expect(await findingsOf(cloudFormationYaml, zero)).toEqual([])
  })
})

describe('pools are checked separately', () => {
  const another = fc.record({ precedence: fc.option(fc.nat({ max: 2 })), hasRole: fc.boolean() })
  /** The group has a role of its own: one role has one trust policy, whoever has it. */
  const property = (pool: 0 | 1) =>
    fc.asyncProperty(few, another, async (drawn, { precedence, hasRole }) => {
      const free: Drawn = {
        ...edited(drawn, group => (group.role === 2 ? { ...group, role: 1 } : group)),
        trusts: [...drawn.trusts.slice(0, 2), true],
      }
      const more: Drawn = {
        ...free,
        groups: [...free.groups, { name: 'another group', precedence, role: hasRole ? 2 : null, pool }],
      }
      const ofFirst = async (one: Drawn) =>
        (await said(cloudFormationYaml, one)).filter(finding => (JSON.parse(finding) as unknown[])[3] === '(pool 0)')
      expect(await ofFirst(more)).toEqual(await ofFirst(free))
    })

  test('another group in one changes nothing in the other', async () => {
    await fc.assert(property(1), { numRuns: 100 })
  })

  test('control: in the pool itself it does', async () => {
    await expectFailure(property(0))
  })
})
