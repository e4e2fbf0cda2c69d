import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const cache = join(root, 'node_modules/.cache')

/** The text of the fences of a language in a page. */
export async function fencesOf(page: string, language: string): Promise<readonly string[]> {
  const text = await readFile(join(root, 'docs', page), 'utf8')
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, name, code]) =>
    name === language ? [code!] : [],
  )
}

export interface PageRun {
  /** What comes in place of packages, by their name: the text of a module. */
  readonly modules?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  /** Files in the folder where it runs. */
  readonly files?: readonly string[]
  /** Ends each fence. */
  readonly after: string
}

/** Runs the fences as modules of one process, one after the other, with rolecast as it is in `src`. What they print as JSON lines. */
export async function runFences(codes: readonly string[], run: PageRun): Promise<readonly unknown[]> {
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'page-'))
  try {
    const paths = codes.map((_, index) => join(folder, `fence-${index}.mjs`))
    await Promise.all(codes.map((code, index) => writeFile(paths[index]!, `${code}\n${run.after}\n`)))
    for (const file of run.files ?? []) {
      await mkdir(join(folder, file, '..'), { recursive: true })
      await writeFile(join(folder, file), '')
    }
    const targets = {
      ...Object.fromEntries(
        ['authorizer', 'cdk', 'cognito', 'handlers', 'template'].map(room => [
          `rolecast/${room}`,
          pathToFileURL(join(root, `src/${room}/index.ts`)).href,
        ]),
      ),
      ...Object.fromEntries(
        Object.entries(run.modules ?? {}).map(([name, text]) => [
          name,
          `data:text/javascript,${encodeURIComponent(text)}`,
        ]),
      ),
    }
    const hook = `const targets = ${JSON.stringify(targets)}; export const resolve = (name, context, next) => next(targets[name] ?? name, context)`
    const register = `import { register } from 'node:module'; register('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(hook))})`
    const driver = `for (const path of ${JSON.stringify(paths.map(path => pathToFileURL(path).href))}) await import(path)`
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        '--import',
        'tsx',
        '--import',
        `data:text/javascript,${encodeURIComponent(register)}`,
        '--input-type=module',
        '-e',
        driver,
      ],
      { cwd: folder, env: { ...process.env, TMPDIR: folder, ...run.env } },
    )
    return stdout
      .split('\n')
      .filter(line => line.startsWith('{'))
      .map(line => JSON.parse(line) as unknown)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
