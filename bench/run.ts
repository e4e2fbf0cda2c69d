import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { benchAudit, benchAuditMemory } from './audit.js'
import { benchAuthorizer } from './authorizer.js'
import { benchCached } from './cached.js'
import { benchFleet } from './fleet.js'
import { machine } from './measure.js'
import { benchPool } from './pool.js'
import { benchResolve } from './resolve.js'
import { benchValidate } from './validate.js'

const { values } = parseArgs({ options: { json: { type: 'string' } } })

console.log(machine())
const results = { ...(await benchResolve()), ...(await benchPool()), ...(await benchCached()), ...(await benchAuthorizer()), ...(await benchAudit()), ...(await benchValidate()) }
for (const [question, measured] of Object.entries(results)) {
  console.log(`\n${question}`)
  for (const { name, nanoseconds, ratio } of measured) {
    console.log(`  ${name.padEnd(30)} ${nanoseconds.toFixed(0).padStart(8)} ns  ${ratio.toFixed(2).padStart(6)}x`)
  }
}
const calls = await benchFleet()
const megabytes = await benchAuditMemory()
console.log('\naudit pool of 1,000,000 lines: peak memory')
for (const [format, peak] of Object.entries(megabytes)) console.log(`  ${format.padEnd(30)} ${peak.toFixed(0).padStart(8)} MB`)
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify({ machine: machine(), results, calls, megabytes }, undefined, 2)}\n`)
