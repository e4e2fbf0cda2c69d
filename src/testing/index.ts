export {
  createFakeCognito,
  FAKE_PASSWORD,
  type FakeCognito,
  type FakeCognitoOptions,
  type FakeTokens,
  type FakeUser,
} from './fake-cognito.js'
export { type FakeRequest } from './fake-service.js'
export { type PreTokenHandler, type PreTokenTriggerEvent } from './pre-token-trigger.js'
