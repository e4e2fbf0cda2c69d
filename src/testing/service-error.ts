/** What an operation of the fake throws, and what its response says: the SDK's client throws an error of that name. */
export interface ServiceError extends Error {
  readonly serviceError: true
}

export function serviceError(name: string, message: string): ServiceError {
  return Object.assign(new Error(message), { name, serviceError: true as const })
}

export function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'serviceError' in error
}

/** What Cognito has and the fake does not. Cognito has no such error, so no code under test can take it for one of Cognito's. */
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
