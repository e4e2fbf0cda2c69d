import { posix } from 'node:path'
import { quote } from '../../errors.js'
import type { Location, NotFollowed } from '../../rules/infrastructure.js'
import { field } from '../json-text.js'
import type { SourceFile } from '../reading.js'
import type { Declaration } from './configuration.js'
import { entries } from './evaluate.js'
import { locate, outlineHcl } from './hcl-blocks.js'
import { outlineJson } from './json-outline.js'
import { VALIDATE_PLAN } from './unknown-resources.js'

/** A source with this beginning is a folder; all others are fetched. */
export function isLocal(source: string): boolean {
  return /^\.\.?(?:\/|$)/.test(source)
}

/** The folder that a local source names, relative to the folder of the call. */
export function folderOf(folder: string, source: string): string {
  return posix.join(folder, source).replace(/(?<=.)\/$/, '')
}

const LOCAL_SOURCE = /\bsource"?\s{0,100}[=:]\s{0,100}"(\.{1,2}\/[^"\n]{0,1000}|\.\.)"/g

/**
 * The folders that a text may call as modules, found without parsing it: includes comments and other arguments of that
 * name.
 */
export function mayCall(folder: string, text: string): readonly string[] {
  return [...text.matchAll(LOCAL_SOURCE)].map(([, source]) => folderOf(folder, source!))
}

/** The fetched modules that a file calls, found by its outline, without parsing it. */
export function remoteCalls({ path, text }: SourceFile): readonly NotFollowed[] {
  if (!/\bmodule\b/.test(text)) return []
  const lines = text.split('\n')
  const { blocks } = path.endsWith('.json') ? outlineJson(text, path) : outlineHcl(text)
  return blocks.flatMap(block => {
    const [keyword, name] = block.names
    const span = block.attributes.get('source')
    if (keyword !== 'module' || name === undefined || span === undefined) return []
    const written = lines.slice(span.start.line - 1, span.end.line).join('\n')
    const source = /\bsource"?\s*[=:]\s*"([^"\n]*)"/.exec(written)?.[1]
    if (source === undefined || isLocal(source)) return []
    const address = `module.${name}`
    return [unseenModule(address, notAmongFiles(source), locate({ path, construct: address }, block))]
  })
}

export function notAmongFiles(source: string): string {
  return `its source ${quote(source)} is not among the files`
}

/** A module that is not followed, although nothing shows that it creates groups. */
export function unseenModule(address: string, why: string, location: Location): NotFollowed {
  return { what: `Module ${quote(address)}`, why, next: VALIDATE_PLAN, location }
}

/** Matches every text that mentions Cognito. */
export const SPEAKS_OF_COGNITO = /cognito|user[-_]?pool/i

/** Words in the names of sign-in modules that do not appear in those for pods, clusters or another cloud. */
const SIGN_IN = /^(?:auth|authn|authentication|idp|login|signin|identity|identities)$/
const OTHERS =
  /^(?:eks|k8s|kubernetes|pod|workload|managed|github|gitlab|bitbucket|gcp|google|azure|azurerm|azuread|vault|okta|auth0|keycloak|ses|email|oidc|irsa|iam|sso|cluster|runner|rds|redis|basic|configmap)$/

function speaksOfSignIn(text: string): boolean {
  const words = text.toLowerCase().split(/[^a-z0-9]+/)
  return words.some(word => SIGN_IN.test(word)) && !words.some(word => OTHERS.test(word))
}

const CALL_OR_SOURCE = /\b(?:module\s{1,100}"|source"?\s{0,100}[=:]\s{0,100}")([^"\n]{1,300})/g

/** Whether a text may call a module that creates groups, although it does not mention Cognito itself. */
export function mayCallSignIn(text: string): boolean {
  for (const [, name] of text.matchAll(CALL_OR_SOURCE)) if (speaksOfSignIn(name!)) return true
  return false
}

const GROUP_ARGUMENT =
  /^(?:(?:cognito_|user_?pool_|pool_)?user_groups?|(?:cognito|user_?pool|pool)_groups?|cognito_(?:roles?|config)|(?:cognito_)?(?:user|identity)_?pools?(?:_id|_name)?|role_mappings?)$/
const GROUP_OUTPUT = /user_?pool|identity_?pool|user_groups?|cognito_(?:pool|group|user|identity)/i

/**
 * Whether a missing module may create groups, role mappings or memberships: its name or its source mentions Cognito or
 * sign-in, it is given groups or a pool, or a pool comes from its outputs.
 *
 * @param taken the names of the outputs that are used
 */
export function mayHoldGroups(
  { address, body }: Declaration,
  source: string | undefined,
  taken: Iterable<string>,
): boolean {
  // A source that is not a string could be any module.
  if (source === undefined) return true
  const named = `${address} ${source}`
  if (SPEAKS_OF_COGNITO.test(named)) return true
  // Its modules are known, and none is about Cognito.
  if (/^(?:registry\.terraform\.io\/)?terraform-aws-modules\//.test(source)) return false
  if (speaksOfSignIn(address) || speaksOfSignIn(nameOf(source))) return true
  const given = entries(body)
  if (given.some(([name, value]) => GROUP_ARGUMENT.test(name) && value !== null)) return true
  if (
    given.some(([name, value]) => !META.has(name) && /"precedence"|\bprecedence\s*=/.test(JSON.stringify(value) ?? ''))
  )
    return true
  for (const output of taken) if (GROUP_OUTPUT.test(output)) return true
  return false
}

const META: ReadonlySet<string> = new Set(['source', 'version', 'providers', 'depends_on', 'count', 'for_each'])

/** The part of `namespace/name/provider`, of a repository's address or of a path in it that names the module. */
function nameOf(source: string): string {
  const [address, ...path] = source
    .replace(/^[a-z0-9]+::/, '')
    .replace(/^[a-z0-9+]+:\/\//, '')
    .split('?')[0]!
    .split('//')
  const segments = address!.replace(/\.git$/, '').split('/')
  const isRegistry = !source.includes(':') && segments.length >= 3 && segments.length <= 4
  return [isRegistry ? segments.at(-2)! : segments.at(-1)!, ...path].join(' ')
}

const USED = /\bmodule\.([\w-]+)(?:\[[^[\]\n]*\])?\.([\w-]+)/g

/** The outputs of each module that the texts use. */
export function outputsTaken(texts: Iterable<string>): ReadonlyMap<string, ReadonlySet<string>> {
  const taken = new Map<string, Set<string>>()
  for (const text of texts) {
    for (const [, module, output] of text.matchAll(USED)) {
      const outputs = taken.get(module!)
      if (outputs === undefined) taken.set(module!, new Set([output!]))
      else outputs.add(output!)
    }
  }
  return taken
}

/** The source as written; undefined if it is not a string. */
export function writtenSource({ body }: Declaration): string | undefined {
  const source = field(body, 'source')
  return typeof source === 'string' ? source : undefined
}
