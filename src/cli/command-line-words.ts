/** Phrases of the library that name its own options, and the same phrases with the options of the command line. */
export const WORDS: readonly (readonly [library: string, commandLine: string])[] = [
  ['give `region`', 'give --region'],
  ['sign in again, or give a `client`', 'sign in again, or give --profile'],
  ['try again, or raise `timeout`', 'try again later'],
  ['or raise `maxCheckpointAge`', 'or raise --max-checkpoint-age'],
  ['set `takeOver` if it has ended already', 'add --take-over if it has ended already'],
  ['try again later, lower `requestsPerSecond`, or warm the cache with prefetch()', 'try again later'],
  ['try again later, or lower `requestsPerSecond`', 'try again later'],
  ['compare two audits of one pool, or give `anyPool`', 'compare two audits of one pool, or give --any-pool'],
  ['call again with a signal that is not aborted', 'run the command again'],
  ['give it as `endpoint`', 'give it as --endpoint-url'],
  ['give its address as `endpoint`', 'give its address as --endpoint-url'],
  ['check `endpoint`, the AWS_ENDPOINT_URL*', 'check --endpoint-url, the AWS_ENDPOINT_URL*'],
  [' in `attributes` is not the name', ' in --attributes is not the name'],
  [
    'install it where the program runs, or bundle it: see docs/bundling.md of rolecast',
    'install rolecast again, with its dependencies',
  ],
  [' (and cognito-idp:ListGroups for prefetch)', ''],
]

/** Options that a message begins with, as in "`region` is `x`; give …". */
export const OPTIONS: Readonly<Record<string, string>> = {
  region: '--region',
  profile: '--profile',
  endpoint: '--endpoint-url',
  membershipsPerUser: '--memberships-per-user',
  maxCheckpointAge: '--max-checkpoint-age',
  requestsPerSecond: '--requests-per-second ListGroups',
  ListUsers: '--requests-per-second ListUsers',
  AdminListGroupsForUser: '--requests-per-second AdminListGroupsForUser',
}

/** Skips quoted values: "`region` is not a group" is about a group of that name. */
const LEADING_OPTION = /^`([A-Za-z]+)` is (?=`|the string |not shown|an object|an array|a function)/

/** A message of the library for a reader who has the options of the command line. */
export function inCommandLineWords(message: string): string {
  const said = message.replace(LEADING_OPTION, (whole, name: string) =>
    Object.hasOwn(OPTIONS, name) ? `${OPTIONS[name]} is ` : whole,
  )
  return WORDS.reduce((text, [library, commandLine]) => text.replaceAll(library, commandLine), said)
}
