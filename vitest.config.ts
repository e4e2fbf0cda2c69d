import { defineConfig } from 'vitest/config'
import { SeedReporter } from './test/seed-reporter.js'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    // The first hook that needs the package builds it, for import and for require.
    hookTimeout: 120_000,
    // No test looks for credentials on the network.
    env: { AWS_EC2_METADATA_DISABLED: 'true', AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    reporters: [
      'default',
      ...(process.env['CI'] ? [['json', { outputFile: 'reports/tests.json' }] satisfies [string, object]] : []),
      new SeedReporter(),
    ],
  },
})
