import { readFile } from 'node:fs/promises'
import { benchBulk } from './bulk.js'
import type { Answers } from './compared.js'
import { benchImports } from './imports.js'
import { load } from './load.js'
import { benchRequests } from './requests.js'
import { benchThreads } from './threads.js'

const COMPETITORS = [
  '@duckdb/node-api',
  'better-sqlite3',
  '@cedar-policy/cedar-wasm/nodejs',
  'casbin',
  '@casl/ability',
  'json-rules-engine',
]

/** The versions of the competitors that are installed. */
export async function competitorVersions(): Promise<Readonly<Record<string, string>>> {
  const versions: Record<string, string> = {}
  for (const name of COMPETITORS) {
    if ((await load(name)) === undefined) continue
    const packageName = name.replace('/nodejs', '')
    const text = await readFile(new URL(`../node_modules/${packageName}/package.json`, import.meta.url), 'utf8')
    versions[packageName] = (JSON.parse(text) as { readonly version: string }).version
  }
  return versions
}

/**
 * What would people use instead? Prints and returns the measurements by question. Every result is compared with rolecast's.
 * For a competitor that is not installed it prints how to install it, and continues without it.
 */
export async function benchCompetitors({ small }: { readonly small: boolean }): Promise<Answers> {
  const installed = await Promise.all(COMPETITORS.map(async name => (await load(name)) !== undefined))
  const missing = COMPETITORS.filter((_, index) => !installed[index])
  if (missing.length > 0) console.log(`\nleft out, for want of \`npm install --prefix bench\`: ${missing.join(', ')}`)
  const all: Record<string, Answers[string]> = {}
  for (const bench of [benchBulk, benchThreads, benchRequests, benchImports]) {
    for (const [question, rows] of Object.entries(await bench(small))) {
      all[question] = rows
      console.log(`\n${question}`)
      for (const { name, value, unit, ratio } of rows) {
        console.log(
          `  ${name.padEnd(30)} ${value.toFixed(unit === 'ns' ? 0 : 1).padStart(10)} ${unit}  ${ratio.toFixed(2).padStart(8)}x`,
        )
      }
    }
  }
  return all
}
