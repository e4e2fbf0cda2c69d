import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { benchAuthorizer } from './authorizer.js'
import { benchCached } from './cached.js'
import { benchFleet } from './fleet.js'
import { machine } from './measure.js'
import { benchResolve } from './resolve.js'

const { values } = parseArgs({ options: { json: { type: 'string' } } })

console.log(machine())
const results = { ...(await benchResolve()), ...(await benchCached()), ...(await benchAuthorizer()) }
for (const [question, measured] of Object.entries(results)) {
  console.log(`\n${question}`)
  for (const { name, nanoseconds, ratio } of measured) {
    console.log(`  ${name.padEnd(30)} ${nanoseconds.toFixed(0).padStart(8)} ns  ${ratio.toFixed(2).padStart(6)}x`)
  }
}
const calls = await benchFleet()
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify({ machine: machine(), results, calls }, undefined, 2)}\n`)
