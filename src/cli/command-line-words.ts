/** Advice of the library that names its own options, and the same in the words of the command line. */
const WORDS: readonly (readonly [library: string, commandLine: string])[] = [
  ['; give `region`', '; give --region'],
  ['sign in again, or give a `client`', 'sign in again, or give --profile'],
  ['try again, or raise `timeout`', 'try again later'],
  ['or raise `maxCheckpointAge`', 'or raise --max-checkpoint-age'],
  ['set `takeOver` if it has ended already', 'add --take-over if it has ended already'],
  ['try again later, lower `requestsPerSecond`, or warm the cache with prefetch()', 'try again later'],
  ['try again later, or lower `requestsPerSecond`', 'try again later'],
  ['; compare two audits of one pool, or give `anyPool`', '; compare two audits of one pool, or give --any-pool'],
  ['call again with a signal that is not aborted', 'run the command again'],
  ['; give it as `endpoint`', '; give it as --endpoint-url'],
  ['; leave `region` out, or', '; leave --region out, or'],
  ['; leave `endpoint` out, or', '; leave --endpoint-url out, or'],
  [' in `attributes` is not the name', ' in --attributes is not the name'],
  [' (and cognito-idp:ListGroups for prefetch)', ''],
]

/** A message of the library for a reader who has the options of the command line. */
export function inCommandLineWords(message: string): string {
  return WORDS.reduce((text, [library, commandLine]) => text.replaceAll(library, commandLine), message)
}
