/** What an operation of the fake throws, and what its response contains: the SDK's client throws an error with that name. */
export interface ServiceError extends Error {
  readonly serviceError: true
}

export function serviceError(name: string, message: string): ServiceError {
  return Object.assign(new Error(message), { name, serviceError: true as const })
}

export function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'serviceError' in error
}

/**
 * The error for features that the fake lacks. Cognito has no such error, so code under test cannot mistake it for one
 * of Cognito's.
 */
export function notInFake(message: string): ServiceError {
  return serviceError('NotInFakeCognitoException', `rolecast/testing: ${message}`)
}

export function invalidParameter(message: string): ServiceError {
  return serviceError('InvalidParameterException', message)
}

export function notAuthorized(message: string): ServiceError {
  return serviceError('NotAuthorizedException', message)
}

export function notFound(message: string): ServiceError {
  return serviceError('ResourceNotFoundException', message)
}

export function noUser(): ServiceError {
  return serviceError('UserNotFoundException', 'User does not exist.')
}
