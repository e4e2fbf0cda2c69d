import { readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Plugin, transform } from 'esbuild'
import { rollup } from 'rollup'
import type { Options } from 'tsup'
import ts from 'typescript'

const library = {
  index: 'src/index.ts',
  'authorizer/index': 'src/authorizer/index.ts',
  'cognito/index': 'src/cognito/index.ts',
  'template/index': 'src/template/index.ts',
  'calibrate/index': 'src/calibrate/index.ts',
  'testing/index': 'src/testing/index.ts',
  'cdk/index': 'src/cdk/index.ts',
  'handlers/index': 'src/handlers/index.ts',
}
const { 'cognito/index': cognito, ...others } = library
const { 'calibrate/index': calibrate, 'testing/index': testing, ...withoutJose } = library

/** Takes of inlined packages what is needed, where a bundler cannot see it. */
export const LEAN_PACKAGES: Plugin = {
  name: 'lean-packages',
  setup(build) {
    // yaml's build for Node is CommonJS, of which a bundler keeps all. This one reads the same.
    const yaml = fileURLToPath(new URL('node_modules/yaml/browser/dist/index.js', import.meta.url))
    build.onResolve({ filter: /^yaml$/ }, () => ({ path: yaml, sideEffects: false }))
    // Commander runs a command that is a program of its own as a process. There is none.
    build.onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      /[\\/]node_modules[\\/]commander[\\/]/.test(importer) ? { path: 'none', namespace: 'none' } : undefined,
    )
    build.onLoad({ filter: /^/, namespace: 'none' }, () => ({ contents: 'module.exports = {}' }))
  },
}

const packageFile = (path: string) => fileURLToPath(new URL(`node_modules/${path}`, import.meta.url))

/** What only the page of a rule has, and a finding has not. */
const PAGE_TEXTS: ReadonlySet<string> = new Set(['title', 'context', 'what', 'why', 'avoid', 'prefer', 'see'])

/** What of yaml writes, and types that no schema of the reader has. Whatever calls it fails. */
const NOT_USED_OF_YAML =
  /^(?:\.\.?\/)+(?:.*\/)?(?:stringify|schema\/(?:core|json|yaml-1\.1)|(?:core|json|yaml-1\.1)|visit)\b/

/** Makes the reader of templates one for pages: without Node's modules, and without what no page needs. */
export const FOR_BROWSERS: Plugin = {
  name: 'for-browsers',
  setup(build) {
    build.onResolve({ filter: /^node:path$/ }, () => ({
      path: packageFile('path-browserify/index.js'),
      sideEffects: false,
    }))
    build.onResolve({ filter: /\/hcl-thread\.js$/ }, ({ path, resolveDir }) => ({
      path: resolve(resolveDir, path.replace(/\.js$/, '.browser.ts')),
    }))
    build.onLoad({ filter: /[\\/]hcl-program\.browser\.ts$/ }, ({ path }) => ({
      contents: `
        /*! ${HCL_NOTICE} */
        import loader from '@cdktn/hcl2json/wasm/wasm_exec.js'
        import program from '@cdktn/hcl2json/main.wasm.gz'
        export { loader, program }
      `,
      resolveDir: resolve(path, '..'),
    }))
    build.onLoad({ filter: /[\\/]hcl2json[\\/]wasm[\\/]wasm_exec\.js$/ }, async ({ path }) => ({
      contents: await readFile(path),
      loader: 'text',
    }))
    build.onResolve({ filter: NOT_USED_OF_YAML }, ({ importer }) =>
      /[\\/]yaml[\\/]browser[\\/]dist[\\/](?!parse)/.test(importer)
        ? { path: 'none', namespace: 'none', sideEffects: false }
        : undefined,
    )
    build.onLoad({ filter: /[\\/]src[\\/]rules[\\/][^\\/]*-rules?\.ts$/ }, async ({ path }) => ({
      contents: withoutPageTexts(await readFile(path, 'utf8')),
      loader: 'ts',
    }))
  },
}

const HCL_NOTICE =
  'Contains @cdktn/hcl2json, MPL-2.0, whose source is at https://github.com/open-constructs/cdk-terrain; see third-party-licenses.md'

/** The rules of a file without the texts of their pages. */
function withoutPageTexts(text: string): string {
  const source = ts.createSourceFile('rules.ts', text, ts.ScriptTarget.Latest)
  const cuts: { readonly from: number; readonly to: number }[] = []
  const visit = (node: ts.Node) => {
    if (ts.isCallExpression(node) && node.expression.getText(source) === 'defineRule')
      for (const rule of node.arguments)
        if (ts.isObjectLiteralExpression(rule))
          for (const { name, pos, end } of rule.properties)
            // With the comma.
            if (name !== undefined && PAGE_TEXTS.has(name.getText(source))) cuts.push({ from: pos, to: end + 1 })
    ts.forEachChild(node, visit)
  }
  visit(source)
  return cuts.reduceRight((left, { from, to }) => left.slice(0, from) + left.slice(to), text)
}

const common = {
  target: 'node20',
  esbuildPlugins: [LEAN_PACKAGES],
  removeNodeProtocol: false,
  silent: true,
} satisfies Options

/** What CommonJS has in the place of `import.meta`. */
const IMPORT_META: ReadonlyMap<string, string> = new Map([
  ['dirname', '__dirname'],
  ['filename', '__filename'],
  ['url', 'require("node:url").pathToFileURL(__filename).href'],
])

/**
 * What runs in pipelines and on each commit: what only one of these loads is in one file, what other commands load too in another,
 * and what both load with what is always loaded.
 */
const FAST: ReadonlySet<string> = new Set(['commands/predict', 'commands/validate'])
/** What so many commands load is in one file too. */
const MIN_COMMANDS = 8

const isIn = (name: string) => (entry: { readonly loaded: ReadonlySet<string> }) => entry.loaded.has(name)

/**
 * Makes the chunks of ES modules CommonJS, in which Node starts faster, and joins those that are loaded together, for each file
 * costs time: docs/decisions/0006. The names of what is outermost in a file are kept, for stacks: it is no module to esbuild.
 */
function commandLine(): NonNullable<Options['plugins']>[number] {
  const chunks = new Map<string, { readonly entry: string | undefined; readonly imports: readonly string[] }>()
  return {
    name: 'command-line',
    renderChunk(_code, { path, entryPoint, imports = [] }) {
      const imported = imports.flatMap(one => (one.kind === 'import-statement' ? basename(one.path, '.js') : []))
      chunks.set(basename(path, '.js'), { entry: entryPoint, imports: imported })
    },
    async buildEnd() {
      const outDir = resolve(this.options.outDir)
      const fileOf = fileOfChunk()
      const bundle = await rollup({
        input: join(outDir, 'bin.js'),
        external: id => !/^[./]/.test(id),
        plugins: [{ name: 'import-meta', resolveImportMeta: property => IMPORT_META.get(property ?? '') }],
        treeshake: false,
        onwarn(warning) {
          throw new Error(warning.message)
        },
      })
      const { output } = await bundle.generate({
        format: 'cjs',
        dynamicImportInCjs: false,
        interop: 'auto',
        hoistTransitiveImports: false,
        entryFileNames: '[name].js',
        chunkFileNames: '[name].js',
        manualChunks: id => fileOf.get(basename(id, '.js')),
      })
      for (const name of chunks.keys()) await rm(join(outDir, `${name}.js`))
      await writeFile(join(outDir, 'package.json'), '{ "type": "commonjs" }\n')
      for (const file of output) {
        if (file.type !== 'chunk') continue
        const { code } = await transform(file.code, { platform: 'node', target: 'node20', minify: true })
        await writeFile(join(outDir, file.fileName), code, { mode: file.isEntry ? 0o755 : 0o644 })
      }
    },
  }

  /** In which file a chunk is. */
  function fileOfChunk(): ReadonlyMap<string, string> {
    const loadedBy = (name: string): ReadonlySet<string> => {
      const loaded = new Set([name])
      for (const one of loaded)
        for (const imported of chunks.get(one)!.imports) if (chunks.has(imported)) loaded.add(imported)
      return loaded
    }
    const entries = [...chunks].flatMap(([name, { entry }]) => {
      const [, path] = /^src\/cli\/(.*)\.ts$/.exec(entry ?? '') ?? []
      return path === undefined ? [] : [{ path, loaded: loadedBy(name) }]
    })
    const always = entries.filter(({ path }) => path === 'bin' || path === 'main')
    const fast = entries.filter(({ path }) => FAST.has(path))
    const commands = entries.filter(({ path }) => path.startsWith('commands/'))
    if (always.length !== 2 || fast.length !== FAST.size || commands.length < MIN_COMMANDS)
      throw new Error('the command line has other entries than it had')
    return new Map(
      [...chunks.keys()].map(name => {
        if (name === 'bin') return [name, name]
        const its = fast.filter(isIn(name))
        const users = commands.filter(isIn(name)).length
        if (always.some(isIn(name)) || its.length === fast.length) return [name, 'always']
        if (its.length > 0) return [name, `${basename(its[0]!.path)}${users > 1 ? '-shared' : ''}`]
        return [name, users >= MIN_COMMANDS ? 'common' : name]
      }),
    )
  }
}

/** `rolecast/template` for pages. Each `import()` is a file of its own, which a page loads when it needs it. */
export const BROWSER_BUILD: Options = {
  ...common,
  entry: { 'template/browser': 'src/template/index.ts' },
  format: ['esm'],
  platform: 'browser',
  target: 'es2022',
  esbuildPlugins: [FOR_BROWSERS, LEAN_PACKAGES],
  noExternal: [/^@cdktn\/hcl2json\//],
  loader: { '.gz': 'binary' },
  // `path-browserify` asks the process for the folder that a relative path is in; nothing here resolves one.
  define: { process: 'undefined' },
  esbuildOptions(options) {
    options.chunkNames = 'template/browser/[name]-[hash]'
  },
}

const BUILDS: readonly Options[] = [
  { ...common, entry: others, format: ['esm'], dts: { entry: library } },
  { ...common, entry: { 'cognito/index': cognito }, format: ['esm'] },
  { ...common, entry: withoutJose, format: ['cjs'], splitting: true, shims: true, dts: { entry: library } },
  {
    ...common,
    entry: { 'calibrate/index': calibrate, 'testing/index': testing },
    format: ['cjs'],
    splitting: true,
    shims: true,
    target: ['node20', 'es2021'],
  },
  {
    ...common,
    entry: { bin: 'src/cli/bin.ts' },
    outDir: 'dist/cli',
    format: ['esm'],
    outExtension: () => ({ js: '.js' }),
    plugins: [commandLine()],
  },
  BROWSER_BUILD,
]

export default BUILDS
