import { Option } from 'commander'
import { type AuditConcern, CONCERN_NAMES, NEEDS } from '../audit/concerns.js'
import { quote, RolecastError } from '../errors.js'
import { SEVERITIES } from '../severity.js'
import { closest } from '../text.js'
import type { RoleCheckOptions } from './role-checks.js'

/** @param formats those in which users are listed */
export function findingOption(formats: string): Option {
  return new Option(
    '--finding <name>',
    `list only the users in this finding, with --format ${formats}; repeatable`,
  ).argParser(toFindings)
}

export function failOnOption(): Option {
  return new Option(
    '--fail-on <severity>',
    'exit with 1 if there is a finding of this severity or a worse one',
  ).choices(SEVERITIES.toReversed())
}

/** Parses the values of `--finding`. */
function toFindings(text: string, before: readonly AuditConcern[] = []): readonly AuditConcern[] {
  return [...before, toConcern(text)]
}

function toConcern(text: string): AuditConcern {
  const found = CONCERN_NAMES.find(name => name === text)
  if (found !== undefined) return found
  const near = closest(text, CONCERN_NAMES)
  const next = near === undefined ? `use one of ${CONCERN_NAMES.join(', ')}` : `did you mean ${near}?`
  refuse(`unknown finding ${quote(text)}; ${next}`, text)
}

/**
 * Rejects findings that the other options do not look for: they would have no users, which would look like a pass.
 *
 * @throws RolecastError `invalid-argument`
 */
export function checkFindings(
  findings: readonly AuditConcern[],
  {
    checkRoles = false,
    privileges = false,
    rolesFile,
    hasIdentityPool,
  }: Pick<RoleCheckOptions, 'checkRoles' | 'privileges' | 'rolesFile'> & { readonly hasIdentityPool: boolean },
): void {
  const has = {
    'identity-pool': hasIdentityPool,
    'role-checks': checkRoles || rolesFile !== undefined,
    privileges: privileges || rolesFile !== undefined,
  }
  for (const concern of findings) {
    if (concern === 'role-nobody-gets')
      refuse(`finding ${quote(concern)} is about roles without users; leave it out`, concern)
    for (const need of NEEDS[concern] ?? [])
      if (!has[need]) refuse(`finding ${quote(concern)} is not looked for without ${WAYS[need]}; give it too`, concern)
  }
}

const WAYS = {
  'identity-pool': '--identity-pool-id or --identity-pool-file',
  'role-checks': '--check-roles or --roles-file',
  privileges: '--privileges',
}

function refuse(what: string, value: string): never {
  throw new RolecastError('invalid-argument', what, { value })
}
