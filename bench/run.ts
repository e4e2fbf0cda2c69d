import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { benchAudit } from './audit.js'
import { benchAuthorizer, MAX_SHARE } from './authorizer.js'
import { benchBundles } from './bundles.js'
import { benchCompetitors, competitorVersions } from './competitors/index.js'
import { benchFirstRequest } from './first-request.js'
import { benchFleet } from './fleet.js'
import { benchImport, MAX_IMPORT } from './import.js'
import { machine, type WholeProcess } from './measure.js'
import { benchMonorepo } from './monorepo.js'
import { benchPool } from './pool.js'
import { benchResolve } from './resolve.js'
import { benchValidate } from './validate.js'

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    competitors: { type: 'boolean' },
    guard: { type: 'boolean' },
    'cold-start': { type: 'boolean' },
    small: { type: 'boolean', default: false },
  },
})

console.log(machine())
if (values.guard) await guard()
const measured = values.guard
  ? {}
  : values.competitors
    ? await benchOthers()
    : values['cold-start']
      ? await benchColdStart()
      : await benchOurselves()
if (values.json !== undefined)
  await writeFile(values.json, `${JSON.stringify({ machine: machine(), ...measured }, undefined, 2)}\n`)

/** The bounds that CI holds. */
async function guard() {
  await guardResolving()
  await guardImport()
}

/** What importing adds to a process that does nothing. The best of three, for a busy machine. */
async function guardImport() {
  for (let tries = 1; tries <= 3; tries++) {
    const ofCognito = (await benchImport()).find(({ name }) => name === 'import rolecast/cognito')!
    console.log(`import rolecast/cognito: ${(100 * (ofCognito.ratio - 1)).toFixed(0)} % of an empty process`)
    if (ofCognito.ratio - 1 <= MAX_IMPORT) return
  }
  console.error(`more than ${100 * MAX_IMPORT} %: every cold start pays for it`)
  process.exitCode = 1
}

/** What resolving adds to a request that verifies its token. The best of three, for a busy machine. */
async function guardResolving() {
  for (let tries = 1; ; tries++) {
    const measured = Object.entries(await benchAuthorizer())
    for (const [question, rows] of measured) {
      for (const { name, ratio } of rows.slice(1)) {
        console.log(`${question}: ${name} takes ${(100 * ratio).toFixed(1)} % of verifying it`)
      }
    }
    const [, ofTen] = measured.find(([question]) => question.includes(' 10 groups'))!
    if (ofTen.find(({ name }) => name === 'resolveRoles')!.ratio <= MAX_SHARE) return
    if (tries === 3) break
  }
  console.error(`more than ${100 * MAX_SHARE} %: a resolution is not to be noticed beside verifying a token`)
  process.exitCode = 1
}

async function benchOthers() {
  const versions = await competitorVersions()
  for (const [name, version] of Object.entries(versions)) console.log(`${name} ${version}`)
  return { versions, competitors: await benchCompetitors({ small: values.small }) }
}

/** What a new process costs: whole processes, the least of some runs. */
async function benchColdStart() {
  const imports = await benchImport()
  print('importing', imports, ({ milliseconds }) => `  +${(milliseconds - imports[0]!.milliseconds).toFixed(1)} ms`)
  const firstRequests = await benchFirstRequest()
  for (const [question, rows] of Object.entries(firstRequests)) print(question, rows, () => '')
  const bundles = await benchBundles()
  const kilobytes = (bytes: number) => (bytes / 1_000).toFixed(0).padStart(5)
  print(
    'an authorizer up to its first answer',
    bundles,
    ({ minified, gzip }) => `  ${kilobytes(minified)} kB, gzip ${kilobytes(gzip)} kB`,
  )
  return { imports, firstRequests, bundles }

  function print<T extends WholeProcess>(question: string, rows: readonly T[], more: (row: T) => string): void {
    console.log(`\n${question}: CPU of the whole process, the least of 11 runs`)
    for (const row of rows) {
      const { name, milliseconds, ratio } = row
      console.log(
        `  ${name.padEnd(30)} ${milliseconds.toFixed(1).padStart(8)} ms  ${ratio.toFixed(2).padStart(6)}x${more(row)}`,
      )
    }
  }
}

async function benchOurselves() {
  const results = {
    ...(await benchResolve()),
    ...(await benchPool()),
    ...(await benchAuthorizer()),
    ...(await benchValidate()),
    ...(await benchMonorepo()),
  }
  for (const [question, rows] of Object.entries(results)) {
    console.log(`\n${question}`)
    for (const { name, nanoseconds, ratio } of rows) {
      console.log(`  ${name.padEnd(30)} ${nanoseconds.toFixed(0).padStart(8)} ns  ${ratio.toFixed(2).padStart(6)}x`)
    }
  }
  const calls = await benchFleet()
  const coldStart = await benchColdStart()
  const audits = await benchAudit()
  for (const [question, rows] of Object.entries(audits)) {
    console.log(`\n${question}`)
    for (const { name, seconds, ratio, megabytes } of rows) {
      console.log(
        `  ${name.padEnd(30)} ${seconds.toFixed(2).padStart(8)} s   ${ratio.toFixed(2).padStart(6)}x of JSON.parse  ${String(megabytes).padStart(5)} MB`,
      )
    }
  }
  return { results, calls, coldStart, audits }
}
