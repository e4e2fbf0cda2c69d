export {
  createFakeCognito,
  FAKE_PASSWORD,
  type FakeCognito,
  type FakeCognitoOptions,
  type FakeTokens,
  type FakeUser,
} from './fake-cognito.js'
export { type FakeRequest } from './fake-service.js'
export type { PublicKey } from './keys.js'
export type { PreTokenHandler, PreTokenTriggerEvent, TriggerSource } from './pre-token-trigger.js'
export type { Tokens } from './tokens.js'
