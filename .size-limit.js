// Minified and gzipped, with all that is imported.
export default [
  { name: 'rolecast: resolveRoles', path: 'dist/index.js', import: '{ resolveRoles }', limit: '2.8 kB', gzip: true },
  { name: 'rolecast: resolveRoles and compilePool', path: 'dist/index.js', import: '{ resolveRoles, compilePool }', limit: '5.1 kB', gzip: true },
  {
    name: 'rolecast/cognito: createRoleResolver, without the SDK',
    path: 'dist/cognito/index.js',
    import: '{ createRoleResolver }',
    ignore: ['node:*', '@aws-sdk/*'],
    // Chunks that are shared with other entries are imported for nothing but their order.
    modifyEsbuildConfig: config => ({ ...config, logOverride: { 'ignored-bare-import': 'silent' } }),
    limit: '39.5 kB',
    gzip: true,
  },
  { name: 'rolecast/authorizer, with the core', path: 'dist/authorizer/index.js', limit: '11.4 kB', gzip: true },
]
