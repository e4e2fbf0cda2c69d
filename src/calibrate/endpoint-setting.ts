import { env } from 'node:process'
import { quote, RolecastError } from '../errors.js'
import type { Service } from './operations.js'

/** The suffixes of the variables in which the SDK looks for a service's endpoint. */
const SUFFIXES: Readonly<Record<Service, string>> = {
  'cognito-idp': 'COGNITO_IDENTITY_PROVIDER',
  'cognito-identity': 'COGNITO_IDENTITY',
  iam: 'IAM',
  lambda: 'LAMBDA',
  sts: 'STS',
}

/** The setting from which the SDK takes another endpoint for a service, in the SDK's order. */
function settingOf(service: Service): string {
  const variable = [`AWS_ENDPOINT_URL_${SUFFIXES[service]}`, 'AWS_ENDPOINT_URL'].find(name => env[name])
  return variable ?? 'the `endpoint_url` of the profile, or of its `services` section,'
}

/** The error if the AWS configuration names an endpoint other than AWS's for a service. */
export function foreignEndpoint(service: Service, address: string): RolecastError {
  return new RolecastError(
    'invalid-option',
    `${settingOf(service)} sends the calls of ${service} to ${quote(address)}, which is not AWS's address of that service; give it as \`endpoint\`, or remove the setting`,
    { value: address },
  )
}
