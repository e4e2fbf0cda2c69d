// NestJS 11 on Express. Run it: node docs/examples/adapter-nestjs.mjs
import { STATUS_CODES } from 'node:http'
import { Controller, Get, HttpException, Req } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { bearerToken, denialHeaders } from 'rolecast/authorizer'
import { demoGuard, isMain, tryEach } from './demo-guard.mjs'

export const roleGuard = guard => ({
  async canActivate(context) {
    const request = context.switchToHttp().getRequest()
    const response = context.switchToHttp().getResponse()
    const gone = new AbortController()
    response.once('close', () => gone.abort()) // a client that left needs no decision
    const decision = await guard(bearerToken(request.headers.authorization), { event: request, signal: gone.signal })
    if (!decision.allowed) {
      response.set(denialHeaders(decision))
      throw new HttpException(STATUS_CODES[decision.status], decision.status)
    }
    request.role = decision.resolution.preferredRole
    return true
  },
})

if (isMain(import.meta.url)) {
  // What the decorators of a TypeScript file do: @Controller() class Pets { @Get() list(@Req() request) { … } }
  class Pets {
    list(request) {
      return { role: request.role }
    }
  }
  Controller()(Pets)
  Get()(Pets.prototype, 'list', Object.getOwnPropertyDescriptor(Pets.prototype, 'list'))
  Req()(Pets.prototype, 'list', 0)
  const app = await NestFactory.create({ module: Pets, controllers: [Pets] }, { logger: false })
  app.useGlobalGuards(roleGuard(demoGuard()))
  await app.listen(0, '127.0.0.1')
  await tryEach(await app.getUrl())
  await app.close()
}
