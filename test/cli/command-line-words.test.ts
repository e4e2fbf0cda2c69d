import { expect, test } from 'vitest'
import { inCommandLineWords } from '../../src/cli/command-line-words.js'
import { type CallContext, failure } from '../../src/cognito/api/api-error.js'
import type { ErrorCode } from '../../src/errors.js'

const CODES: readonly ErrorCode[] = [
  'no-region',
  'no-credentials',
  'not-authorized',
  'pool-not-found',
  'throttled',
  'timeout',
  'aborted',
  'unreachable',
  'service-error',
  'request-rejected',
  'malformed-response',
]
const userPoolId = 'eu-west-1_Ab12Cd34e'
const CONTEXTS: readonly CallContext[] = [
  { operation: 'GetGroup', userPoolId, groupName: 'admins' },
  { operation: 'ListGroups', userPoolId },
  { operation: 'ListUsers', userPoolId },
  { operation: 'ListUsersInGroup', userPoolId, groupName: 'admins' },
  { operation: 'AdminListGroupsForUser', userPoolId, username: 'alice' },
  { operation: 'DescribeUserPool', userPoolId },
  { operation: 'GetIdentityPoolRoles', identityPoolId: 'eu-west-1:7f0c1ab2' },
]
const messages = CONTEXTS.flatMap(context => CODES.map(code => failure(code, context).message))
/** A name of the library's: an option in backticks, a call, a signal. */
const LIBRARY = /`[a-z]+([A-Z][a-z]+)*`|\w\(\)|signal|prefetch/
const advice = (message: string) => message.slice(message.indexOf('; '))

test('no advice in a message about a call names what only the library has', () => {
  expect(messages.map(inCommandLineWords).filter(message => LIBRARY.test(advice(message)))).toEqual([])
})

test('control: in the words of the library some does', () => {
  expect(messages.filter(message => LIBRARY.test(advice(message))).length).toBeGreaterThan(10)
})
