import { quote, RolecastError } from '../errors.js'
import { isUserPoolId, REGION_PATTERN } from '../aws-ids.js'
import { invalidOption } from '../record.js'

/**
 * The key of a user pool's app client in `RoleMappings`: `cognito-idp.REGION.amazonaws.com/POOLID:CLIENTID`. Not the key
 * of `Logins`, which has no client id.
 *
 * @throws RolecastError `invalid-user-pool-id`, `no-region` (an emulator's pool), `invalid-option` (the client id, or a
 * partition whose names are not public)
 * @see https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_SetIdentityPoolRoles.html
 * @example
 * import { providerKey } from 'rolecast'
 *
 * const key = providerKey('eu-west-1_Ab12Cd34e', '1example23456789')
 * console.log(key) // cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34e:1example23456789
 */
export function providerKey(userPoolId: string, clientId: string): string {
  if (!isUserPoolId(userPoolId)) {
    throw new RolecastError(
      'invalid-user-pool-id',
      `${quote(userPoolId)} is not a user pool ID; give one such as \`eu-west-1_Ab12Cd34e\``,
      {
        value: userPoolId,
      },
    )
  }
  if (typeof clientId !== 'string' || !/^[\w+]{1,128}$/.test(clientId)) {
    throw invalidOption(
      `${quote(clientId)} is not an app client ID; give the ID that the user pool shows for the app`,
      clientId,
    )
  }
  const region = userPoolId.slice(0, userPoolId.lastIndexOf('_'))
  if (!REGION_PATTERN.test(region)) {
    const message = `the user pool ID ${quote(userPoolId)} does not begin with a Region; look the key up in \`RoleMappings\``
    throw new RolecastError('no-region', message, { value: userPoolId })
  }
  if (/^(us-iso|eu-iso|eusc-)/.test(region)) {
    throw invalidOption(
      `the form of a provider key in ${quote(region)} is unknown; look the key up in \`RoleMappings\``,
      userPoolId,
    )
  }
  return `cognito-idp.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}/${userPoolId}:${clientId}`
}
