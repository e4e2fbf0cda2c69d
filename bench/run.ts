import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { benchAudit } from './audit.js'
import { benchAuditOnline } from './audit-online.js'
import { benchAuthorizer, MAX_SHARE } from './authorizer.js'
import { benchBundles } from './bundles.js'
import { benchCompetitors, competitorVersions } from './competitors/index.js'
import { benchFirstRequest } from './first-request.js'
import { benchFleet } from './fleet.js'
import { benchImport, MAX_IMPORT } from './import.js'
import { machine, type Measured, type WholeProcess } from './measure.js'
import { benchMonorepo } from './monorepo.js'
import { benchPool } from './pool.js'
import { benchResolve } from './resolve.js'
import { benchSql } from './sql.js'
import { benchStartup, MAX_STARTUP } from './startup.js'
import { benchValidate } from './validate.js'

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    competitors: { type: 'boolean' },
    guard: { type: 'boolean' },
    'cold-start': { type: 'boolean' },
    audit: { type: 'boolean' },
    'audit-online': { type: 'boolean' },
    sql: { type: 'boolean' },
    startup: { type: 'boolean' },
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
      : values.audit
        ? await benchAudits()
        : values['audit-online']
          ? await benchOnline()
          : values.sql
            ? await benchQuery()
            : values.startup
              ? await benchCommands()
              : await benchOurselves()
if (values.json !== undefined)
  await writeFile(values.json, `${JSON.stringify({ machine: machine(), ...measured }, undefined, 2)}\n`)

/** The bounds that CI holds. */
async function guard() {
  await guardResolving()
  await guardImport()
  await guardStartup()
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

/** What a command takes compared with a process that does nothing. The best of three, for a busy machine. */
async function guardStartup() {
  for (let tries = 1; tries <= 3; tries++) {
    const commands = (await benchStartup()).slice(1)
    for (const { name, ratio } of commands) console.log(`rolecast ${name}: ${ratio.toFixed(2)}x an empty process`)
    if (commands.every(({ name, ratio }) => ratio <= MAX_STARTUP[name]!)) return
  }
  const bounds = Object.entries(MAX_STARTUP).map(([name, ratio]) => `${name} ${ratio}x`)
  console.error(`more than ${bounds.join(', ')}: a command loads what it does not need`)
  process.exitCode = 1
}

/** What a command takes compared with a process that does nothing. */
async function benchCommands() {
  const startup = await benchStartup()
  console.log('\na command, from its start to its end: CPU of the whole process, the least of 21 runs')
  for (const { name, milliseconds, ratio } of startup)
    console.log(`  ${name.padEnd(30)} ${milliseconds.toFixed(1).padStart(8)} ms  ${ratio.toFixed(2).padStart(6)}x`)
  return { startup }
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
  console.error(`more than ${100 * MAX_SHARE} %: a resolution must be negligible compared with verifying a token`)
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
    'an authorizer up to its first response',
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

/** What an audit over the network takes: by the clock, because nearly all of it is waiting. */
async function benchOnline() {
  const online = await benchAuditOnline()
  console.log("\nan audit at 100 ms a call and Cognito's own quotas, a group a user: npm run bench -- --audit-online")
  for (const { name, seconds, calls, ratio } of online) {
    console.log(
      `  ${name.padEnd(30)} ${seconds.toFixed(1).padStart(8)} s  ${ratio.toFixed(2).padStart(6)}x of ${calls} calls over the quota`,
    )
  }
  return { online }
}

/** What audits of files take: whole processes, the least of some runs. */
async function benchAudits() {
  const audits = await benchAudit()
  for (const [question, rows] of Object.entries(audits)) {
    console.log(`\n${question}: CPU of the whole process, the least of 5 runs`)
    for (const { name, milliseconds, ratio, megabytes } of rows) {
      console.log(
        `  ${name.padEnd(30)} ${(milliseconds / 1_000).toFixed(2).padStart(8)} s   ${ratio.toFixed(2).padStart(6)}x  ${String(megabytes).padStart(5)} MB`,
      )
    }
  }
  return { audits }
}

/** The query of `rolecast sql`, compared with `resolveMany`. */
async function benchQuery() {
  const results = await benchSql()
  printResults(results)
  return { results }
}

function printResults(results: Readonly<Record<string, readonly Measured[]>>): void {
  for (const [question, rows] of Object.entries(results)) {
    console.log(`\n${question}`)
    for (const { name, nanoseconds, ratio } of rows) {
      console.log(`  ${name.padEnd(30)} ${nanoseconds.toFixed(0).padStart(8)} ns  ${ratio.toFixed(2).padStart(6)}x`)
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
  printResults(results)
  const calls = await benchFleet()
  const coldStart = await benchColdStart()
  return { results, calls, coldStart, ...(await benchAudits()), ...(await benchOnline()) }
}
