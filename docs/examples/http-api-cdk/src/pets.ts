import type { APIGatewayProxyHandlerV2 } from 'aws-lambda'

/** Runs for requests that the authorizer allowed only. */
export const handler: APIGatewayProxyHandlerV2 = async ({ routeKey }) => ({ statusCode: 200, body: routeKey })
