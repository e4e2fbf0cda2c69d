import type { GroupRow, PlaygroundState } from './state.js'
import { START, stateFault } from './state.js'

/**
 * The state of the page in the fragment of its address, which a browser does not send to a server:
 * `#play=1.BASE64URL`, where 1 is the version and the rest a JSON array. Fields that are as on the start page are 0.
 */
const PREFIX = '#play='
const VERSION = '1'

/** Longer links are cut by programs that people send them with. */
export const MAX_LINK_LENGTH = 8_000

/** What a fragment says: nothing of the page's, a whole state, or a fault. Never half a state. */
export type LinkReading =
  | { readonly is: 'none' }
  | { readonly is: 'state'; readonly state: PlaygroundState }
  | { readonly is: 'fault'; readonly why: string }

/** The fragment with its `#`. Undefined where it would be longer than `MAX_LINK_LENGTH`. */
export function toFragment({ groups, semantics, identityPool, trust }: PlaygroundState): string | undefined {
  const json = JSON.stringify([
    groups.map(({ name, precedence, roleArn, isMember }) => [name, precedence, roleArn, isMember ? 1 : 0]),
    semantics,
    ...packed(identityPool, START.identityPool, ['mapping', 'ambiguousRoleResolution', 'authenticatedRole', 'rules']),
    ...packed(trust, START.trust, ['identityPoolId', 'policy']),
  ])
  const fragment = `${PREFIX}${VERSION}.${toBase64Url(json)}`
  return fragment.length > MAX_LINK_LENGTH ? undefined : fragment
}

/** Reads a fragment as what it is: text from anybody. */
export function readFragment(fragment: string): LinkReading {
  if (!fragment.startsWith(PREFIX)) return { is: 'none' }
  if (fragment.length > MAX_LINK_LENGTH) return fault(`it is longer than ${MAX_LINK_LENGTH} characters`)
  const [, version, data] = /^(\d{1,4})\.([\w-]*)$/.exec(fragment.slice(PREFIX.length)) ?? []
  if (version === undefined || data === undefined) return fault('it has characters that no link has, or is cut')
  if (version !== VERSION) return fault(`it is of version ${version}, and this page reads version ${VERSION}`)
  const content = parse(data)
  if (!Array.isArray(content) || content.length !== 8 || !Array.isArray(content[0]))
    return fault('it is cut or damaged')
  const [rows, semantics, mapping, ambiguousRoleResolution, authenticatedRole, rules, identityPoolId, policy] =
    content as [readonly unknown[], ...(readonly unknown[])]
  const groups = rows.map(toRow)
  const state: unknown = {
    groups,
    semantics,
    identityPool: unpacked({ mapping, ambiguousRoleResolution, authenticatedRole, rules }, START.identityPool),
    trust: unpacked({ identityPoolId, policy }, START.trust),
  }
  const why = stateFault(state)
  return why === undefined ? { is: 'state', state: state as PlaygroundState } : fault(why)
}

function fault(why: string): LinkReading {
  return { is: 'fault', why }
}

function packed<T extends object>(fields: T, start: T, keys: readonly (keyof T)[]): readonly unknown[] {
  return keys.map(key => (fields[key] === start[key] ? 0 : fields[key]))
}

function unpacked<T extends object>(fields: Readonly<Record<keyof T, unknown>>, start: T): unknown {
  return Object.fromEntries(
    Object.entries<unknown>(fields).map(([key, value]) => [key, value === 0 ? start[key as keyof T] : value]),
  )
}

/** Undefined where it is none; then the state has a fault. */
function toRow(row: unknown): GroupRow | undefined {
  if (!Array.isArray(row) || row.length !== 4) return undefined
  const [name, precedence, roleArn, member] = row as [string, string | null, string, unknown]
  return member === 0 || member === 1 ? { name, precedence, roleArn, isMember: member === 1 } : undefined
}

function toBase64Url(text: string): string {
  const bytes = new TextEncoder().encode(text)
  const binary = Array.from(bytes, byte => String.fromCharCode(byte)).join('')
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

function parse(data: string): unknown {
  try {
    const binary = atob(data.replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = Uint8Array.from(binary, character => character.charCodeAt(0))
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}
