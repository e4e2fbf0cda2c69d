import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { githubSlug } from './slug.js'

const FOLDER = join(import.meta.dirname, '../examples')

/** What `npm install` leaves in a project, and what it locks. */
const NOT_SHOWN = /(^|\/)(node_modules|dist|cdk\.out|\.aws-sam|\.terraform|package-lock\.json)(\/|$)/

const LANGUAGES: Readonly<Record<string, string>> = {
  '.cjs': 'js',
  '.js': 'js',
  '.json': 'json',
  '.jsonc': 'jsonc',
  '.mjs': 'js',
  '.mts': 'ts',
  '.sh': 'sh',
  '.sql': 'sql',
  '.tf': 'hcl',
  '.ts': 'ts',
  '.yaml': 'yaml',
  '.yml': 'yaml',
}

/** An entry of `docs/examples`: a file, or a folder with everything below it. */
interface Example {
  readonly name: string
  /** Paths from the entry; of a file, its own name. */
  readonly files: readonly string[]
  readonly isFolder: boolean
}

function examples(): readonly Example[] {
  return readdirSync(FOLDER)
    .filter(name => !NOT_SHOWN.test(name) && name !== 'README.md')
    .toSorted()
    .map(name => {
      const isFolder = isDirectory(join(FOLDER, name))
      return { name, isFolder, files: isFolder ? filesBelow(join(FOLDER, name)) : [name] }
    })
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map(path => path.replaceAll('\\', '/'))
    .filter(path => !NOT_SHOWN.test(path) && !isDirectory(join(folder, path)))
    .toSorted()
}

/** A page for each entry of `docs/examples`, with the code of all its files, and one that lists these pages. */
export function exampleRoutes(): { params: { example: string }; content: string }[] {
  return [
    { params: { example: 'index' }, content: readFileSync(join(FOLDER, 'README.md'), 'utf8') },
    ...examples().map(example => ({ params: { example: slugOf(example.name) }, content: contentOf(example) })),
  ]
}

/** The links of the examples' part of the sidebar. */
export function exampleItems(): { text: string; link: string }[] {
  return examples().map(({ name, isFolder }) => ({
    text: isFolder ? `${name}/` : name,
    link: `/code/${slugOf(name)}`,
  }))
}

/** The page that shows a path below `docs/examples`; undefined if there is none. */
export function exampleLink(path: string): string | undefined {
  const [name, ...rest] = path.split('/').filter(part => part !== '')
  if (name === undefined || (name === 'README.md' && rest.length === 0)) return '/code/'
  const example = examples().find(one => one.name === name)
  if (example === undefined) return undefined
  const page = `/code/${slugOf(example.name)}`
  const file = rest.join('/')
  if (file === '' || file === 'README.md') return page
  if (example.files.includes(file)) return `${page}#${githubSlug(file)}`
  return example.files.some(one => one.startsWith(`${file}/`)) ? page : undefined
}

/** Where the Markdown of a page of examples is, below `docs/examples`; undefined for other pages. */
export function exampleSource(page: string): string | undefined {
  if (page === 'code/index.md') return 'README.md'
  const example = examples().find(({ name }) => `code/${slugOf(name)}.md` === page)
  return example?.isFolder ? `${example.name}/README.md` : example?.name
}

function contentOf({ name, files, isFolder }: Example): string {
  const path = `docs/examples/${name}`
  if (!isFolder) return `# ${name}\n\n\`${path}\`\n\n${fenceOf(join(FOLDER, name))}\n`
  const readme = files.find(file => file === 'README.md')
  const head = readme === undefined ? `# ${name}/` : readFileSync(join(FOLDER, name, readme), 'utf8').trim()
  const sections = files
    .filter(file => file !== readme)
    .map(file => `## ${file}\n\n${fenceOf(join(FOLDER, name, file))}`)
  return [head, `The files of \`${path}\`:`, ...sections, ''].join('\n\n')
}

function fenceOf(path: string): string {
  const text = readFileSync(path, 'utf8').trimEnd()
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}${languageOf(path)}\n${text}\n${fence}`
}

function languageOf(path: string): string {
  if (basename(path) === 'Jenkinsfile') return 'groovy'
  return LANGUAGES[extname(path)] ?? 'text'
}

const slugOf = (name: string) =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')

const isDirectory = (path: string) => statSync(path).isDirectory()
