import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))
const sources = {
  rolecast: 'index',
  'rolecast/cognito': 'cognito/index',
  'rolecast/authorizer': 'authorizer/index',
  'rolecast/cdk': 'cdk/index',
  'rolecast/handlers': 'handlers/index',
}
const targets = Object.fromEntries(
  Object.entries(sources).map(([name, path]) => [name, pathToFileURL(join(root, 'src', `${path}.ts`)).href]),
)
// The sources, not the build: what is tested is what is written.
const hook = `const targets = ${JSON.stringify(targets)}; export const resolve = (name, context, next) => next(targets[name] ?? name, context)`
const register = `import { register } from 'node:module'; register('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(hook))})`

/** Runs an example of `docs/examples` in a process of its own. */
export async function outputOfExample(name: string): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const args = [
    '--import',
    'tsx',
    '--import',
    `data:text/javascript,${encodeURIComponent(register)}`,
    join(root, 'docs/examples', name),
  ]
  return promisify(execFile)(process.execPath, args, { cwd: root })
}

/** What an example prints, a line of JSON each. */
export async function runExample(name: string): Promise<readonly unknown[]> {
  return linesOf((await outputOfExample(name)).stdout)
}

export function linesOf(text: string): readonly unknown[] {
  return text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as unknown)
}
