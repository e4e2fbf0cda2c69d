import { readFileSync } from 'node:fs'
import { isRolecastError } from '../../src/errors.js'
import { readTemplate, type TemplateFormat } from '../../src/template/index.js'
import { validateInfrastructure } from '../../src/rules/validate.js'

export interface Cost {
  /** So many findings, or what the error says. */
  readonly gave: number | string
  /** Processor seconds of the reading and judging alone, of all threads. */
  readonly seconds: number
  /** The most memory that the process ever had, in MB. */
  readonly megabytes: number
}

// Run as a program: reads the file that is named, under the path that stands behind it, and says what it cost.
const [, program, file, path, format] = process.argv
if (program?.endsWith('template-reader.ts') && file !== undefined && path !== undefined) {
  const text = readFileSync(file, 'utf8')
  const before = process.cpuUsage()
  const gave = await readTemplate(text, { path, format: format as TemplateFormat | undefined }).then(
    infrastructure => validateInfrastructure(infrastructure).length,
    (error: unknown) => {
      if (isRolecastError(error)) return `${error.code}: ${error.message}`
      throw error
    },
  )
  const { user, system } = process.cpuUsage(before)
  const cost: Cost = { gave, seconds: (user + system) / 1e6, megabytes: process.resourceUsage().maxRSS / 1024 }
  process.stdout.write(JSON.stringify(cost))
}
