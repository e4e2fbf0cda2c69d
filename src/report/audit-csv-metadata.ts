import type { AuditSummary } from '../audit/summary.js'
import { listNames } from '../errors.js'
import { limitsOf } from './audit-limits.js'
import { csvColumns } from './audit-lines.js'
import { jsonText } from './json-text.js'

/**
 * What a CSV file of an audit cannot say itself: where and when the pool was read, the tool, the counts, what was not
 * looked at, and what the columns are. It belongs in the same folder, under the name of the CSV file followed by
 * `-metadata.json`.
 *
 * @param file the name of the CSV file, without its folder
 * @see https://www.w3.org/TR/tabular-data-primer/
 */
export function auditCsvMetadata(
  summary: AuditSummary,
  { file, toolVersion, onlyUsersOf, leftOut = [] }: CsvMetadataOptions,
): string {
  const { reading, changes, findings: found, roles: _roles, groups: _groups, ...counts } = summary
  return `${jsonText({
    '@context': [CSVW, { '@language': 'en' }],
    url: encodeURIComponent(file),
    'dc:title': 'The role that each user of a Cognito user pool gets',
    'dc:creator': `rolecast ${toolVersion}`,
    ...(reading?.endedAt !== undefined && { 'dc:date': reading.endedAt }),
    notes: [
      {
        ...(reading !== undefined && { reading }),
        ...counts,
        findings: found.map(({ concern, severity, count, affectedUsers }) => ({
          concern,
          severity,
          count,
          affectedUsers,
        })),
        changes,
        ...(onlyUsersOf !== undefined && { onlyUsersOf }),
        notLookedAt: [...limitsOf(summary), ...(leftOut.length === 0 ? [] : [`${leftOutText(leftOut)}.`])],
      },
    ],
    dialect: { delimiter: ',', header: true, lineTerminators: ['\r\n'], encoding: 'utf-8', quoteChar: '"' },
    tableSchema: {
      primaryKey: 'username',
      columns: csvColumns({ reading }).map(titles => ({
        name: nameOf(titles),
        titles,
        'dc:description': DESCRIPTIONS[titles] ?? 'A requested attribute of the user.',
        datatype: titles === 'enabled' ? 'boolean' : 'string',
        ...(LISTS.has(titles) && { separator: ' ' }),
      })),
    },
  })}\n`
}

/** A sentence about attributes of users that are not in the CSV. */
export function leftOutText(names: readonly string[]): string {
  return `Attributes of users are not in the CSV: ${listNames(names)}; use --attributes to add columns for them`
}

/** Whether a string is the metadata of this CSV file. */
export function isMetadataOf(file: string, text: string): boolean {
  try {
    const found = JSON.parse(text) as { readonly '@context'?: unknown; readonly url?: unknown } | null
    return [found?.['@context']].flat().includes(CSVW) && found?.url === encodeURIComponent(file)
  } catch {
    return false
  }
}

const CSVW = 'http://www.w3.org/ns/csvw'

export interface CsvMetadataOptions {
  readonly file: string
  readonly toolVersion: string
  /** The findings that the file is limited to. */
  readonly onlyUsersOf?: readonly string[] | undefined
  /** The attributes of users that are not in a column. */
  readonly leftOut?: readonly string[] | undefined
}

/** Letters, digits, the underscore and percent-encoded bytes: what the name of a column may have. */
function nameOf(title: string): string {
  return encodeURIComponent(title).replace(/[-.!~*'()]/g, character => `%${character.charCodeAt(0).toString(16)}`)
}

const LISTS: ReadonlySet<string> = new Set(['groups', 'roles', 'unknownGroups', 'findings'])

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  username: 'The name of the user in the pool.',
  sub: 'The id of the user, which never changes.',
  enabled: 'false for a user who cannot sign in; empty if it is not known.',
  status: 'UserStatus, as Cognito gives it.',
  groups: "The user's groups that exist in the pool.",
  roles: 'The roles in the claim cognito:roles.',
  outcome: 'resolved, none, ambiguous or undetermined.',
  rule: 'The rule that decided.',
  evidence: 'How the outcome is known: observed, documented, inferred, calibrated or unknown.',
  preferredRole: 'The role in the claim cognito:preferred_role.',
  candidateRole: 'The preferred role of an undetermined user, if there is one; never grant it.',
  unknownGroups: "The user's groups that do not exist in the pool.",
  credentials: 'What the identity pool gives: role, denied or undetermined.',
  credentialsRole: 'The role whose credentials the user gets.',
  findings: 'The findings that the user belongs to.',
}
