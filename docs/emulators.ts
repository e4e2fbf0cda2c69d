/**
 * Records how far an emulator is from Cognito, as a file that docs/emulators.md is generated from:
 *
 *   npm run emulators -- --endpoint-url URL --name NAME --version VERSION --url HOMEPAGE --started SENTENCE
 *
 * It is `calibrate` against an endpoint, so the endpoint is left with nothing but what it cannot delete. Then run
 * `npm run docs:generate`.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { calibrate } from '../src/calibrate/index.js'
import { type EmulatorRecord, recordedRows } from './emulator-matrix.js'

const { values } = parseArgs({
  options: {
    'endpoint-url': { type: 'string' },
    name: { type: 'string' },
    version: { type: 'string' },
    url: { type: 'string' },
    started: { type: 'string' },
    region: { type: 'string', default: 'eu-west-1' },
    'access-key-id': { type: 'string', default: 'local' },
    'secret-access-key': { type: 'string', default: 'local' },
  },
})

function needed(name: 'endpoint-url' | 'name' | 'version' | 'url' | 'started'): string {
  const value = values[name]
  if (value !== undefined) return value
  throw new Error(`give --${name}`)
}

const name = needed('name')
if (!/^[\w-]+$/.test(name)) throw new Error('--name is the name of a file too: give letters, digits and hyphens')
const about = { emulator: name, version: needed('version'), url: needed('url') }
const folder = await mkdtemp(join(tmpdir(), 'rolecast-emulators-'))
const { result, leftBehind } = await calibrate({
  endpoint: needed('endpoint-url'),
  region: values.region,
  // Only an emulator takes these: calibrate would make a pool in the account of any others.
  credentials: { accessKeyId: values['access-key-id'], secretAccessKey: values['secret-access-key'] },
  ledger: join(folder, 'ledger'),
  onEvent: event => event.event === 'step' && console.log(event.what),
})
const record: EmulatorRecord = {
  ...about,
  date: result.date.slice(0, 10),
  started: needed('started'),
  rows: recordedRows(result),
}
const path = fileURLToPath(new URL(`../test/fixtures/emulators/${name}.json`, import.meta.url))
await writeFile(path, `${JSON.stringify(record, undefined, 2)}\n`)
for (const { title, name: left } of leftBehind) console.log(`left behind: ${title} ${left}`)
if (leftBehind.length === 0) await rm(folder, { recursive: true })
console.log(`wrote ${path}; now run \`npm run docs:generate\``)
