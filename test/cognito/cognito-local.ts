import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Emulator {
  /** The address to give as an endpoint. It accepts any credentials. */
  readonly url: string
  close(): Promise<void>
}

export interface EmulatorOptions {
  /** Whether each username has to be an email address, as in its default configuration. Default true. */
  readonly hasEmailUsernames?: boolean
}

/**
 * Starts cognito-local in this process: on loopback, a port of the system's choice, and a temporary data folder.
 *
 * Its own `createDefaultServer` keeps its data below the working directory; so its parts are put together here.
 */
export async function startEmulator({ hasEmailUsernames = true }: EmulatorOptions = {}): Promise<Emulator> {
  const load = loader()
  const { createServer } = load('./server/server.js')
  const { Router } = load('./server/Router.js')
  const { DefaultConfig } = load('./server/config.js')
  const { DateClock } = load('./services/clock.js')
  const { CognitoServiceFactoryImpl } = load('./services/cognitoService.js')
  const { StormDBDataStoreFactory } = load('./services/dataStore/stormDb.js')
  const { UserPoolServiceFactoryImpl } = load('./services/userPoolService.js')
  const { TriggersService } = load('./services/triggers/index.js')
  const { JwtTokenGenerator } = load('./services/tokenGenerator.js')
  const { otp } = load('./services/otp.js')
  const logger = load('pino')({ level: 'silent' })

  const folder = join(tmpdir(), `rolecast-emulator-${randomUUID()}`)
  await mkdir(folder, { mode: 0o700 })
  const clock = new DateClock()
  const stores = new StormDBDataStoreFactory(folder)
  const cognito = await new CognitoServiceFactoryImpl(
    folder,
    stores,
    new UserPoolServiceFactoryImpl(clock, stores),
  ).create({ logger }, { ...DefaultConfig.UserPoolDefaults, ...(!hasEmailUsernames && { UsernameAttributes: [] }) })
  const noLambda = { enabled: () => false }
  const triggers = new TriggersService(clock, cognito, noLambda, undefined)
  const services = {
    clock,
    cognito,
    config: DefaultConfig,
    messages: { deliver: async () => {} },
    otp,
    tokenGenerator: new JwtTokenGenerator(clock, triggers, DefaultConfig.TokenConfig),
    triggers,
  }
  const options = { hostname: '127.0.0.1', port: 0, https: false, development: false }
  const server: Server = await createServer(Router(services), logger, options, services).start()
  const { port } = server.address() as AddressInfo

  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** `require` as cognito-local's own files have it; what it gives is not typed. */
function loader(): (id: string) => any {
  return createRequire(createRequire(import.meta.url).resolve('cognito-local'))
}
