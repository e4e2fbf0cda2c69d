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
import builds, { BROWSER_BUILD } from '../tsup.config.js'
import { diagramFiles } from './diagrams.js'
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
  const results = await Promise.all(
    [builds.filter(({ platform }) => platform !== 'browser'), [BROWSER_BUILD]].map(some =>
      build({
        entryPoints: some.flatMap(({ entry }) => Object.values<string>(entry as Record<string, string>)),
        absWorkingDir: pathOf('..'),
        bundle: true,
        platform: some[0]!.platform ?? 'node',
        format: 'esm',
        outdir: 'dist',
        write: false,
        metafile: true,
        logLevel: 'silent',
        plugins: some[0]!.esbuildPlugins ?? [],
        loader: some[0]!.loader ?? {},
        // A page finds no package.
        external:
          some[0] === BROWSER_BUILD ? [] : Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }),
      }),
    ),
  )
  const folders = results
    .flatMap(({ metafile }) => Object.values(metafile.outputs))
    .flatMap(({ inputs }) => Object.entries(inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .flatMap(([path]) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? [])
  return [...new Set(folders)].toSorted()
}

interface Manifest {
  readonly name: string
  readonly license: string
  readonly repository: { readonly url: string }
}

/** The Mozilla Public License asks to say where the source is. */
function sourceOf(license: string, { url }: Manifest['repository'] = { url: '' }): string {
  return license.startsWith('MPL') ? `. Its source is at ${url.replace(/^git:/, 'https:')}.` : ''
}

/** No package has it beside its WebAssembly. */
const GO_LICENSE = `Copyright (c) 2009 The Go Authors. All rights reserved.

Redistribution and use in source and binary forms, with or without
modification, are permitted provided that the following conditions are
met:

   * Redistributions of source code must retain the above copyright
notice, this list of conditions and the following disclaimer.
   * Redistributions in binary form must reproduce the above
copyright notice, this list of conditions and the following disclaimer
in the documentation and/or other materials provided with the
distribution.
   * Neither the name of Google Inc. nor the names of its
contributors may be used to endorse or promote products derived from
this software without specific prior written permission.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS
"AS IS" AND ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT
LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR
A PARTICULAR PURPOSE ARE DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT
OWNER OR CONTRIBUTORS BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL,
SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT
LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE,
DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY
THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT
(INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE
OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.`

/** Their licences ask to come along. */
async function thirdPartyLicenses(): Promise<string> {
  const sections = (await inlinedPackages()).map(async folder => {
    const { name, license, repository } = JSON.parse(await readPage(`../${folder}/package.json`)) as Manifest
    const file = (await readdir(pathOf(`../${folder}`))).find(one => /^licen[cs]e/i.test(one))
    if (file === undefined) throw new Error(`${folder} has no licence file`)
    const text = (await readPage(`../${folder}/${file}`)).trim()
    return `## ${name}\n\n${license}${sourceOf(license, repository)}\n\n\`\`\`text\n${text}\n\`\`\``
  })
  return [
    '# Licences of inlined packages',
    'The JavaScript files of rolecast contain parts of these packages, so that importing rolecast loads few files. See ' +
      '[why](decisions/0006-inlined-packages.md). The packages in `dependencies` of package.json are installed with rolecast.',
    ...(await Promise.all(sections)),
    `## Go\n\nBSD-3-Clause. \`@cdktn/hcl2json\` contains its runtime.\n\n\`\`\`text\n${GO_LICENSE}\n\`\`\``,
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
  ...diagramFiles(),
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
