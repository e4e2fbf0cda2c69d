/** Says which role the authorizer found. It sees no token and makes no decision of its own. */
export async function handler({ requestContext }) {
  return { statusCode: 200, body: JSON.stringify({ role: requestContext.authorizer.role }) }
}
