import { rm, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Plugin, transform } from 'esbuild'
import { rollup } from 'rollup'
import type { Options } from 'tsup'

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
]

export default BUILDS
