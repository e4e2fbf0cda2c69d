import { defineConfig } from 'vitest/config'
import everything from '../vitest.config.js'

/** The tests of the core alone: what Stryker runs for every mutant. */
export default defineConfig({
  test: {
    ...everything.test,
    include: ['test/{errors,text}.test.ts', 'test/claims/{resolve,evidence,calibration,exhaustive,vectors}.test.ts'],
  },
})
