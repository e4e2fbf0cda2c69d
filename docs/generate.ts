/**
 * Writes what the pages of this folder take from the code: `npm run docs:generate`. With `--check`, it writes nothing and
 * exits with 1 if a page is not up to date: `npm run docs:check`.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import * as z from 'zod'
import manifest from '../package.json' with { type: 'json' }
import { configShape } from '../src/cli/config-shape.js'
import { rulesMarkdown } from '../src/report/rule-page.js'
import { errorsMarkdown } from '../src/report/topics.js'
import { RULES, TEMPLATE_RULES } from '../src/rules/catalogue.js'
import { type FormatPage, FORMATS } from '../src/template/formats.js'
import { type EmulatorRecord, emulatorsMarkdown } from './emulator-matrix.js'
import builds, { LEAN_PACKAGES } from '../tsup.config.js'
import { outputSchemas } from './output-schemas.js'

const markOf = (source: string) =>
  `<!-- Generated from ${source} by \`npm run docs:generate\`: do not edit what follows. -->`

const OF_TEMPLATES: ReadonlySet<string> = new Set(TEMPLATE_RULES.map(({ id }) => id))
const pageOf = (id: string) => (OF_TEMPLATES.has(id) ? 'findings.md' : 'validate.md')

/** What is written by hand, and the generated part below the mark. */
async function withGenerated(page: string, source: string, generated: string): Promise<string> {
  const mark = markOf(source)
  const [written, ...rest] = (await readPage(page)).split(mark)
  if (rest.length !== 1) throw new Error(`docs/${page} has to have this line once:\n${mark}`)
  return `${written!.trimEnd()}\n\n${mark}\n\n${generated}\n`
}

/** The page, with the sections of its rules below the mark. */
async function withRules(page: string, heading: string): Promise<string> {
  const link = (id: string) => `[${id}](${pageOf(id) === page ? '' : pageOf(id)}#${id.toLowerCase()})`
  const rules = RULES.filter(({ id }) => pageOf(id) === page)
  return withGenerated(page, 'src/rules', rulesMarkdown(heading, rules, link))
}

/** A table of all formats, and of each what is followed and what is not known from it. */
function formatsMarkdown(): string {
  const rows = FORMATS.map(({ format, files, toldBy }) => `| ${files} | \`${format}\` | ${toldBy} |`)
  const sections = FORMATS.map(({ format, follows, cannotSee }: FormatPage) =>
    [
      `### ${format}`,
      ...(follows.length === 0 ? [] : ['Followed and worked out:', list(follows)]),
      ...(cannotSee.length === 0 ? [] : ['Not known from it, and reported as such:', list(cannotSee)]),
    ].join('\n\n'),
  )
  return [
    '## The formats',
    ['| Files | `--format-in` | Told by |', '|---|---|---|', ...rows].join('\n'),
    ...sections,
  ].join('\n\n')
}

/** The packages whose code is in the built files: every import but those that package.json has users install. */
async function inlinedPackages(): Promise<readonly string[]> {
  const { metafile } = await build({
    entryPoints: builds.flatMap(({ entry }) => Object.values<string>(entry as Record<string, string>)),
    absWorkingDir: pathOf('..'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    outdir: 'dist',
    write: false,
    metafile: true,
    logLevel: 'silent',
    plugins: [LEAN_PACKAGES],
    external: Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }),
  })
  const folders = Object.values(metafile.outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .flatMap(([path]) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? [])
  return [...new Set(folders)].toSorted()
}

/** Their licences ask to come along. */
async function thirdPartyLicenses(): Promise<string> {
  const sections = (await inlinedPackages()).map(async folder => {
    const { name, license } = JSON.parse(await readPage(`../${folder}/package.json`)) as Record<string, string>
    const file = (await readdir(pathOf(`../${folder}`))).find(one => /^licen[cs]e/i.test(one))
    if (file === undefined) throw new Error(`${folder} has no licence file`)
    return `## ${name}\n\n${license}\n\n\`\`\`text\n${(await readPage(`../${folder}/${file}`)).trim()}\n\`\`\``
  })
  return [
    '# Licences of inlined packages',
    'The JavaScript files of rolecast contain parts of these packages, so that importing rolecast loads few files. See ' +
      '[why](decisions/0006-inlined-packages.md). What `dependencies` in package.json lists is installed beside it.',
    ...(await Promise.all(sections)),
    '',
  ]
    .join('\n\n')
    .trimEnd()
    .concat('\n')
}

/** Of the emulators in `test/fixtures/emulators`, by name. */
async function emulators(): Promise<string> {
  const folder = '../test/fixtures/emulators'
  const files = (await readdir(pathOf(folder))).toSorted()
  const records = await Promise.all(
    files.map(async file => JSON.parse(await readPage(`${folder}/${file}`)) as EmulatorRecord),
  )
  return emulatorsMarkdown(records)
}

/** The schema that editors check a config file with. */
const configSchema = { title: 'rolecast.config.json', ...z.toJSONSchema(configShape) }

const list = (items: readonly string[]) => items.map(item => `- ${item}`).join('\n')

const pathOf = (page: string) => fileURLToPath(new URL(page, import.meta.url))
const readPage = (page: string) => readFile(pathOf(page), 'utf8')

const pages: readonly (readonly [string, string])[] = [
  ['findings.md', await withRules('findings.md', 'The rules')],
  ['validate.md', await withRules('validate.md', 'The rules of comparisons and suppressions')],
  ['what-it-reads.md', await withGenerated('what-it-reads.md', 'src/template/formats.ts', formatsMarkdown())],
  ['errors.md', await withGenerated('errors.md', 'src/error-texts.ts', `## The codes\n\n${errorsMarkdown()}`)],
  ['emulators.md', await withGenerated('emulators.md', 'test/fixtures/emulators', await emulators())],
  ['third-party-licenses.md', await thirdPartyLicenses()],
  ['../src/version.ts', (await readPage('../src/version.ts')).replace(/'[^']*'(?=\n$)/, `'${manifest.version}'`)],
  ['schemas/rolecast.config.schema.json', `${JSON.stringify(configSchema, undefined, 2)}\n`],
  ...outputSchemas().map(([file, schema]) => [`schemas/${file}`, `${JSON.stringify(schema, undefined, 2)}\n`] as const),
]

const isCheck = process.argv.includes('--check')
for (const [page, text] of pages) {
  const before = await readPage(page).catch(() => undefined)
  if (before === text) continue
  if (isCheck) {
    console.error(`docs/${page} is not up to date; run \`npm run docs:generate\``)
    process.exitCode = 1
  } else {
    await writeFile(pathOf(page), text)
    console.log(`wrote docs/${page}`)
  }
}
