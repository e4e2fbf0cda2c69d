import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import manifest from '../../package.json' with { type: 'json' }
import workflowSchema from '../fixtures/schemas/github-workflow.json' with { type: 'json' }

// The projects themselves run from the packed package: test/package/examples.mjs.
const examples = fileURLToPath(new URL('../../docs/examples', import.meta.url))
const projects = readdirSync(examples).filter(name => existsSync(join(examples, name, 'package.json')))
const read = (path: string) => readFileSync(join(examples, path), 'utf8')
const workflows = projects.flatMap(name => {
  const folder = join(name, '.github/workflows')
  return existsSync(join(examples, folder)) ? readdirSync(join(examples, folder)).map(file => join(folder, file)) : []
})

interface Workflow {
  readonly permissions: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, Job>>
}

interface Job {
  readonly permissions?: Readonly<Record<string, string>>
  readonly steps: readonly { readonly uses?: string; readonly with?: Record<string, unknown>; readonly run?: string }[]
}

/** What a workflow does that hands a secret, or a shell, to others. */
function risksOf({ permissions, jobs }: Workflow): readonly string[] {
  const granted = [permissions, ...Object.values(jobs).map(job => job.permissions ?? {})]
  const steps = Object.values(jobs).flatMap(job => job.steps)
  return [
    ...granted.flatMap(one =>
      Object.entries(one).flatMap(([scope, access]) =>
        access === 'write' && scope !== 'id-token' ? [`may write ${scope}`] : [],
      ),
    ),
    ...steps.flatMap(step => (step.run?.includes('${{') ? ['has an expression in a script: it would be shell'] : [])),
    ...steps.flatMap(step =>
      step.uses?.startsWith('actions/checkout@') && step.with?.['persist-credentials'] !== false
        ? ['leaves the token in the checkout']
        : [],
    ),
  ]
}

describe('the workflows of the example projects', () => {
  const isValid = new Ajv({ strict: false, validateFormats: false }).compile(workflowSchema)

  test('are two', () => {
    expect(workflows).toHaveLength(2)
  })

  test.each(workflows)('%s fits the schema and takes no risk', path => {
    const workflow = parse(read(path)) as Workflow
    expect([isValid(workflow), isValid.errors]).toEqual([true, null])
    expect(risksOf(workflow)).toEqual([])
  })

  test('control: a workflow without a runner does not fit, and each risk is noticed', () => {
    const steps = [{ uses: 'actions/checkout@v5' }, { run: 'echo ${{ github.head_ref }}' }]
    const workflow = { on: 'push', permissions: { contents: 'write' }, jobs: { one: { steps } } }
    expect(isValid(workflow)).toBe(false)
    expect(risksOf(workflow)).toHaveLength(3)
  })
})

describe('the pages of the example projects', () => {
  test.each(projects)('%s has every file that its table names', name => {
    const files = [...read(join(name, 'README.md')).matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell]) =>
      [...cell!.matchAll(/`([^`]+)`/g)].map(([, file]) => file!),
    )
    expect(files.length).toBeGreaterThan(2)
    expect(files.filter(file => !existsSync(join(examples, name, file)))).toEqual([])
  })

  test.each(projects)('%s takes this version of the package', name => {
    const { dependencies = {}, devDependencies = {} } = JSON.parse(read(join(name, 'package.json')))
    expect({ ...dependencies, ...devDependencies }.rolecast).toBe(`^${manifest.version}`)
  })

  test('the list of projects names each of them', () => {
    const listed = [...read('README.md').matchAll(/^\| \[([\w-]+)\]\(([\w-]+)\) +\|/gm)].map(([, name, path]) => [
      name,
      path,
    ])
    expect(listed.toSorted()).toEqual(projects.map(name => [name, name]).toSorted())
  })
})
