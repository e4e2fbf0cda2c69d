import { readFile } from 'node:fs/promises'
import { firstIssue, listGroupsAnswer, toGroup } from '../cognito/group-type.js'
import { RolecastError } from '../errors.js'
import type { Group } from '../group.js'

/**
 * The groups in a file that `aws cognito-idp list-groups` printed, by name.
 *
 * UTF-8, or UTF-16 with a byte order mark, which is what PowerShell writes. A file that holds only some of the pool's
 * pages is refused: a missing group changes the answer.
 *
 * @throws RolecastError `invalid-input`
 */
export async function readPoolFile(path: string): Promise<ReadonlyMap<string, Group>> {
  const bytes = await readFile(path).catch(cause => {
    throw invalid(path, `it cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'error'})`, cause)
  })
  const content = parseJson(path, bytes)
  const parsed = listGroupsAnswer.safeParse(content)
  if (!parsed.success) throw invalid(path, firstIssue(parsed.error, content).note, parsed.error)
  const { Groups, NextToken } = parsed.data
  if (NextToken) throw invalid(path, 'it holds only some pages of the pool (`NextToken` is set); list the groups without --max-items and --no-paginate')
  const groups = new Map<string, Group>()
  for (const group of Groups.map(toGroup)) {
    if (groups.has(group.groupName)) throw invalid(path, `it has the group \`${group.groupName}\` twice`)
    groups.set(group.groupName, group)
  }
  return groups
}

function parseJson(path: string, bytes: Buffer): unknown {
  try {
    return JSON.parse(decode(bytes))
  } catch (cause) {
    throw invalid(path, `it is not JSON (${(cause as Error).message})`, cause)
  }
}

function decode(bytes: Buffer): string {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8'
  return new TextDecoder(encoding, { fatal: true }).decode(bytes)
}

function invalid(path: string, what: string, cause?: unknown): RolecastError {
  return new RolecastError('invalid-input', `the pool file \`${path}\` cannot be used: ${what}; make it with \`aws cognito-idp list-groups --user-pool-id ID > FILE\``, {
    value: path,
    cause,
  })
}
