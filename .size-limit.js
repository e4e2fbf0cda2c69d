/** Chunks that are shared with other entries are imported for nothing but their order. */
const logOverride = { 'ignored-bare-import': 'silent' }
const modifyEsbuildConfig = config => ({ ...config, logOverride })

// Minified and gzipped, with all that is imported.
export default [
  { name: 'rolecast: resolveRoles', path: 'dist/index.js', import: '{ resolveRoles }', limit: '2.9 kB', gzip: true, modifyEsbuildConfig },
  { name: 'rolecast: resolveRoles and compilePool', path: 'dist/index.js', import: '{ resolveRoles, compilePool }', limit: '5.1 kB', gzip: true, modifyEsbuildConfig },
  {
    name: 'rolecast/cognito: createRoleResolver, without the SDK',
    path: 'dist/cognito/index.js',
    import: '{ createRoleResolver }',
    ignore: ['node:*', '@aws-sdk/*'],
    modifyEsbuildConfig,
    limit: '39.5 kB',
    gzip: true,
  },
  {
    name: 'rolecast/template in a page: what is loaded first',
    path: 'dist/template/browser.js',
    import: '{ validateTemplate, readTemplate }',
    // What `import()` loads is loaded later, or never: Terraform's evaluator with its parser, and the parser of TypeScript.
    modifyEsbuildConfig: config => ({
      ...config,
      format: 'esm',
      platform: 'browser',
      logOverride,
      plugins: [
        {
          name: 'later',
          setup(build) {
            build.onResolve({ filter: /^/ }, ({ kind, path }) =>
              kind === 'dynamic-import' ? { path, external: true } : undefined,
            )
          },
        },
      ],
    }),
    limit: '90 kB',
    gzip: true,
  },
  { name: 'rolecast/authorizer, with the core', path: 'dist/authorizer/index.js', limit: '11.4 kB', gzip: true, modifyEsbuildConfig },
]
