import { IDENTITY_POOL_ID_PATTERN, identityPoolRegion, isUserPoolId, USER_POOL_ID_PATTERN } from '../aws-ids.js'
import { quote } from '../errors.js'
import type { WrongId } from '../rules/infrastructure.js'

type Needs = WrongId['needs']

/** What a string is, in words, if it is not the ID that is needed; undefined if it may be one. */
export function wrongId(text: string, needs: Needs): Pick<WrongId, 'what' | 'certain'> | undefined {
  if (/\$\{|\{\{/.test(text)) return undefined
  const is = (what: string) => ({ what: `${quote(text)}, ${what}`, certain: true })
  if (text.startsWith('arn:')) return is('an ARN')
  if (/^https?:/.test(text) || text.includes('cognito-idp.')) return is('the name of a provider')
  if (needs === 'user pool' && IDENTITY_POOL_ID_PATTERN.test(text)) return is('the ID of an identity pool')
  if (needs === 'identity pool' && USER_POOL_ID_PATTERN.test(text)) return is('the ID of a user pool')
  const hasForm = needs === 'user pool' ? isUserPoolId(text) : identityPoolRegion(text) !== undefined
  // Not a placeholder such as `<pool>` that a tool fills in.
  if (hasForm || !/^[\w-]{2,}$/.test(text)) return undefined
  return { what: `${quote(text)}, which has another form`, certain: false }
}
