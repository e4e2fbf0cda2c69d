import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { CreateUserPoolCommand } from '@aws-sdk/client-cognito-identity-provider'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { cleanUp } from '../../src/calibrate/index.js'
import { CREDENTIALS as SDK_CREDENTIALS, startService, type TimedService } from '../calibrate/service.js'
import { CREDENTIALS } from './command.js'
import { type InstalledCommand, installCommand } from './process.js'
import { clientOf } from '../testing/sdk-client.js'

let folder: string
let command: InstalledCommand
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-calibrate-interrupt-'))
  command = await installCommand(folder)
}, 120_000)
afterAll(() => rm(folder, { recursive: true }))

type Started = ReturnType<InstalledCommand['start']>
const children: Started[] = []
afterEach(() => children.splice(0).forEach(child => child.kill('SIGKILL')))

function start(service: TimedService, ledger: string): Started {
  const args = ['calibrate', '--endpoint-url', service.url, '--region', 'eu-west-1', '--ledger', ledger, '--yes']
  const child = command.start(args, { env: CREDENTIALS })
  children.push(child)
  return child
}

async function ended(child: Started) {
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: code as number | null, stdout, stderr }
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s: what was created is deleted and read back as gone, and the exit code is that of the signal',
  { timeout: 120_000 },
  async signal => {
    let child: Started | undefined
    await using service = await startService({
      intercept(operation) {
        // In the middle of a call that gets no response.
        if (operation !== 'CreateUserPoolClient') return undefined
        child!.kill(signal)
        return 'hang'
      },
    })
    const place = await mkdtemp(join(folder, 'place-'))
    child = start(service, join(place, 'run.ledger'))
    const { code, stdout, stderr } = await ended(child)
    expect({ code, stdout }).toEqual({ code: { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal], stdout: '' })
    expect(stderr).toMatch(
      /deleting user-pool (eu-west-1_\w+)\n.*deleted user-pool \1, and confirmed that it is gone\n/,
    )
    expect(stderr).toMatch(/interrupted; run the command again \[aborted\]\n$/)
    expect(service.left().userPools).toEqual([])
    expect(await readdir(place)).toEqual([])
  },
)

test(
  'a second signal ends the deletion: the ledger has what is left, and the last line says how to delete it',
  { timeout: 120_000 },
  async () => {
    let child: Started | undefined
    let isOn = true
    await using service = await startService({
      intercept(operation) {
        if (!isOn || (operation !== 'CreateUserPoolClient' && operation !== 'DeleteUserPool')) return undefined
        child!.kill('SIGINT')
        return 'hang'
      },
    })
    const place = await mkdtemp(join(folder, 'place-'))
    const ledger = join(place, 'run.ledger')
    child = start(service, ledger)
    const { code, stderr } = await ended(child)
    isOn = false
    expect(code).toBe(2)
    const how = `rolecast calibrate --cleanup ${ledger} --endpoint-url ${service.url}\n`
    expect(stderr).toContain(`if this process is killed, delete what it created with: ${how}`)
    expect(stderr.endsWith(`rolecast: interrupted [aborted]\nrolecast: to delete what is left, run: ${how}`)).toBe(true)
    expect(service.left().userPools).toHaveLength(1)
    const options = { endpoint: service.url, credentials: SDK_CREDENTIALS, clock: service.clock }
    expect((await cleanUp(ledger, options)).leftBehind).toEqual([])
    expect(service.left().userPools).toEqual([])
  },
)

test(
  'after one signal, a deletion that is denied is not an end as asked: the exit code is 2, and it is reported how to delete it',
  { timeout: 120_000 },
  async () => {
    let child: Started | undefined
    await using service = await startService({
      intercept(operation) {
        if (operation === 'CreateUserPoolClient') child!.kill('SIGINT')
        return operation === 'DeleteUserPool' ? { error: 'AccessDeniedException', message: 'No' } : undefined
      },
    })
    const place = await mkdtemp(join(folder, 'place-'))
    const ledger = join(place, 'run.ledger')
    child = start(service, ledger)
    const { code, stderr } = await ended(child)
    expect(code).toBe(2)
    expect(stderr).toContain(`to delete what is left, run: rolecast calibrate --cleanup ${ledger} `)
    expect(stderr).toMatch(/rolecast: interrupted; .* clean up with the ledger `.*` \[aborted\]\n$/)
    expect(service.left().userPools).toHaveLength(1)
    expect(await readdir(place)).toEqual(['run.ledger'])
  },
)

test(
  'a clean-up that is interrupted says how to go on, and exits with 2: the ledger is there still',
  { timeout: 120_000 },
  async () => {
    let child: Started | undefined
    let isOn = true
    await using service = await startService({
      intercept(operation) {
        if (!isOn || operation !== 'DeleteUserPool') return undefined
        child!.kill('SIGINT')
        return 'hang'
      },
    })
    const place = await mkdtemp(join(folder, 'place-'))
    const ledger = join(place, 'run.ledger')
    const runId = '0123456789abcdef'
    const head = { ledger: 1, runId, region: 'eu-west-1', endpoint: service.url }
    const name = `rolecast-calibrate-${runId}`
    const { UserPool } = await clientOf(service).send(
      new CreateUserPoolCommand({ PoolName: name, UserPoolTags: { 'rolecast:calibrate': runId } }),
    )
    const created = { created: 'user-pool', name, id: UserPool!.Id! }
    await writeFile(ledger, `${JSON.stringify(head)}\n${JSON.stringify(created)}\n`)
    const args = ['calibrate', '--cleanup', ledger, '--endpoint-url', service.url]
    child = command.start(args, { env: CREDENTIALS })
    children.push(child)
    const { code, stdout, stderr } = await ended(child)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(
      /to delete what is left, run: rolecast calibrate --cleanup .*run\.ledger --endpoint-url .*\n$/,
    )
    // Control: uninterrupted, it ends with 0.
    isOn = false
    expect(await command.run(args, { env: CREDENTIALS })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('and the ledger was removed'),
    })
    expect(await readdir(place)).toEqual([])
  },
)
