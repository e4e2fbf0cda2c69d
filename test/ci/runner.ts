import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { parse } from 'yaml'

/** A composite action, as far as `action.yml` uses it: one that uses more is an error. */
export interface Action {
  readonly inputs: Readonly<Record<string, { readonly default?: string; readonly required?: boolean }>>
  readonly outputs: Readonly<Record<string, { readonly value: string }>>
  readonly runs: { readonly using: string; readonly steps: readonly ActionStep[] }
}

interface ActionStep {
  readonly name: string
  readonly id: string
  readonly shell: string
  readonly 'working-directory': string
  readonly env: Readonly<Record<string, string>>
  readonly run: string
}

export interface Runner {
  /** Holds all folders that a runner has. */
  readonly folder: string
  /** Where the repository is checked out. */
  readonly workspace: string
  /** Where the action's own repository is. */
  readonly actionPath: string
  /** Besides what a runner sets. */
  readonly env: Readonly<Record<string, string>>
}

export interface StepResult {
  readonly code: number | null
  readonly outputs: Readonly<Record<string, string>>
  readonly summary: string
  /** Stdout and stderr. */
  readonly log: string
}

const STEP_KEYS = new Set(['name', 'id', 'shell', 'working-directory', 'env', 'run'])

/**
 * Runs a composite action as the runner of GitHub Actions does. What is not implemented is an error, so that nothing that the
 * action uses is passed over.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax
 */
export async function runAction(
  source: string,
  given: Readonly<Record<string, string>>,
  runner: Runner,
): Promise<StepResult> {
  const action = parse(source) as Action
  if (action.runs.using !== 'composite') throw new Error(`not implemented: using ${action.runs.using}`)
  for (const name of Object.keys(given)) if (!(name in action.inputs)) throw new Error(`unexpected input ${name}`)
  const inputs = Object.fromEntries(
    Object.entries(action.inputs).map(([name, input]) => [name, given[name] ?? input.default ?? '']),
  )
  const steps: Record<string, Readonly<Record<string, string>>> = {}
  const values = (expression: string): string => {
    const [, input] = /^inputs\.([\w-]+)$/.exec(expression) ?? []
    if (input !== undefined) return known(inputs[input], expression)
    const [, step, output] = /^steps\.([\w-]+)\.outputs\.([\w-]+)$/.exec(expression) ?? []
    if (step !== undefined) return known(steps[step], expression)[output!] ?? ''
    throw new Error(`not implemented: the expression ${expression}`)
  }
  let code: number | null = 0
  let summary = ''
  let log = ''
  for (const step of action.runs.steps) {
    const unknown = Object.keys(step).find(key => !STEP_KEYS.has(key))
    if (unknown !== undefined) throw new Error(`not implemented: ${unknown} of a step`)
    if (step.shell !== 'bash') throw new Error(`not implemented: shell ${step.shell}`)
    if (step.run.includes('${{')) throw new Error('an expression in a script: it would be shell')
    const ended = await runStep(step.run, {
      ...runner,
      cwd: resolve(runner.workspace, evaluate(step['working-directory'], values)),
      env: {
        ...runner.env,
        ...Object.fromEntries(Object.entries(step.env).map(([name, value]) => [name, evaluate(value, values)])),
      },
    })
    steps[step.id] = ended.outputs
    summary += ended.summary
    log += ended.log
    code = ended.code
    if (code !== 0) break
  }
  const outputs = Object.fromEntries(
    Object.entries(action.outputs).map(([name, { value }]) => [name, evaluate(value, values)]),
  )
  return { code, outputs, summary, log }
}

function known<T>(value: T | undefined, expression: string): T {
  if (value === undefined) throw new Error(`unknown: ${expression}`)
  return value
}

/** A text with `${{ … }}` in it. */
export function evaluate(template: string, values: (expression: string) => string): string {
  return template.replace(/\$\{\{(.*?)\}\}/gs, (_, expression: string) => values(expression.trim()))
}

/** Runs one script as `shell: bash` does. */
async function runStep(script: string, { folder, workspace, actionPath, cwd, env }: Runner & { cwd: string }) {
  const files = await mkdtemp(join(folder, 'step-'))
  const [output, summary, file] = ['output', 'summary', 'script.sh'].map(name => join(files, name))
  for (const empty of [output!, summary!]) await writeFile(empty, '')
  await writeFile(file!, script)
  const temporary = join(folder, 'runner temp')
  await mkdir(temporary, { recursive: true })
  const child = spawn('bash', ['--noprofile', '--norc', '-e', '-o', 'pipefail', file!], {
    cwd,
    env: {
      PATH: process.env['PATH'],
      HOME: join(folder, 'home'),
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      GITHUB_WORKSPACE: workspace,
      GITHUB_ACTION_PATH: actionPath,
      GITHUB_OUTPUT: output,
      GITHUB_STEP_SUMMARY: summary,
      RUNNER_TEMP: temporary,
      ...env,
    },
  })
  child.stdin.end()
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return {
    code: code as number | null,
    outputs: outputsOf(await readFile(output!, 'utf8')),
    summary: await readFile(summary!, 'utf8'),
    log: stdout + stderr,
  }
}

/** Lines `name=value`. The runner has another form for values of several lines, which the action does not use. */
function outputsOf(file: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    file
      .split('\n')
      .filter(line => line !== '')
      .map(line => {
        const [, name, value] = /^([\w-]+)=(.*)$/.exec(line) ?? []
        if (name === undefined) throw new Error(`not an output: ${line}`)
        return [name, value!]
      }),
  )
}
