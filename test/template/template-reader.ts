import { readFileSync } from 'node:fs'
import { parseDocument } from 'yaml'
import { isRolecastError } from '../../src/errors.js'
import { readTemplate, type TemplateFormat } from '../../src/template/index.js'
import { validateInfrastructure } from '../../src/rules/validate.js'

export interface Cost {
  /** So many findings, or what the error says. */
  readonly gave: number | string
  /** Processor time of reading and validating, of all threads, in units: one is what `workUnit` takes in the same process. */
  readonly units: number
  /** The most memory that the process ever had, in MB. */
  readonly megabytes: number
}

/** A YAML library reads 1000 groups: a measure of the machine, and of what else it does at this moment. */
function workUnit(): void {
  const groups = Array.from(
    { length: 1000 },
    (_, index) =>
      `  Group${index}:\n    Type: AWS::Cognito::UserPoolGroup\n    Properties:\n      Precedence: ${index}\n`,
  )
  parseDocument(`Resources:\n${groups.join('')}`)
}

/** Processor seconds of all threads of this process. */
export async function processorTime(work: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

// Run as a program: reads the file that is named, under the path that stands behind it, and says what that cost.
const [, program, file, path, format] = process.argv
if (program?.endsWith('template-reader.ts') && file !== undefined && path !== undefined) {
  const text = readFileSync(file, 'utf8')
  let gave: Cost['gave'] = ''
  const seconds = await processorTime(async () => {
    gave = await readTemplate(text, { path, format: format as TemplateFormat | undefined }).then(
      infrastructure => validateInfrastructure(infrastructure).length,
      (error: unknown) => {
        if (isRolecastError(error)) return `${error.code}: ${error.message}`
        throw error
      },
    )
  })
  const megabytes = process.resourceUsage().maxRSS / 1024
  const cost: Cost = { gave, units: seconds / (await processorTime(workUnit)), megabytes }
  process.stdout.write(JSON.stringify(cost))
}
