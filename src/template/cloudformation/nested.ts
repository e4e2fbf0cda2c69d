import { posix } from 'node:path'
import { listNames, quote } from '../../errors.js'
import { groupBy } from '../../record.js'
import type { NotFollowed } from '../../rules/infrastructure.js'
import { type Evaluated, whyOf } from '../evaluated.js'
import { nodeAt, type Span, textAt } from '../yaml-document.js'
import { type Address, addressOf } from './template-addresses.js'
import { type Resource, SPEAKS_OF_COGNITO, type Stack } from './resources.js'

/** A stack in a stack, and where its template is. */
export interface NestedStack {
  readonly id: string
  readonly resource: Resource
  /** Its template, as a path relative to the current folder. */
  readonly path: string | undefined
  /** Its template, if that is at an address. */
  readonly address: Address | undefined
  /** The reference as written, for messages; undefined if only the deployment knows it. */
  readonly written: string | undefined
  /** Why its template is not known. */
  readonly reason: Reason
}

/** Why a nested stack is not followed: the text for one stack, and for several. */
export interface Reason {
  readonly one: string
  readonly several: string
}

export const NESTED_TYPES: ReadonlyMap<string, string> = new Map([
  ['AWS::CloudFormation::Stack', 'TemplateURL'],
  ['AWS::Serverless::Application', 'Location'],
])

/** The nested stacks of a stack, in their order. */
export function nestedStacks({ source, template, evaluator, resources }: Stack): readonly NestedStack[] {
  const folder = posix.dirname(source.document.path)
  return [...resources].flatMap(([id, resource]) => {
    const property = NESTED_TYPES.get(resource.type)
    if (property === undefined) return []
    const metadata = nodeAt(template.resources.get(id)?.value, 'Metadata')
    const asset = textAt(metadata, 'aws:asset:property') === property ? textAt(metadata, 'aws:asset:path') : undefined
    const node = nodeAt(resource.properties, property)
    const location = node === undefined ? undefined : evaluator.evaluate(node)
    const written = asset ?? (location?.is === 'scalar' ? location.text : undefined)
    const isPath = written !== undefined && !/^[a-z][a-z\d+.-]*:\/\//i.test(written)
    const address = isPath || location === undefined ? undefined : addressOf(location)
    const path = isPath ? resolvePath(folder, written) : undefined
    return [{ id, resource, path, address, written, reason: whyNoTemplate(location, written, address) }]
  })
}

function whyNoTemplate(
  location: Evaluated<Span> | undefined,
  written: string | undefined,
  address: Address | undefined,
): Reason {
  if (written !== undefined && (address?.isOpen !== true || address.segments.length === 0))
    return {
      one: `its template ${quote(written)} is not among the files that are read`,
      several: 'their templates are not among the files that are read',
    }
  if (location?.is === 'map')
    return { one: 'it is an application of a repository', several: 'they are applications of a repository' }
  const name = address?.segments.at(-1)
  if (name !== undefined)
    return {
      one: `no file that is read has the name of its template, ${quote(name)}`,
      several: 'no files that are read have the names of their templates',
    }
  const why = location && whyOf(location)
  return why === undefined
    ? { one: 'it has no template', several: 'they have no templates' }
    : {
        one: `the address of its template is not known: ${why}`,
        several: `the addresses of their templates are not known: ${why}`,
      }
}

function resolvePath(folder: string, written: string): string {
  return posix.isAbsolute(written) ? posix.normalize(written) : posix.join(folder, written.replaceAll('\\', '/'))
}

/** The names of the parameters that are given to it. */
export function argumentNames({ resource }: NestedStack): readonly string[] {
  const given = nodeAt(resource.properties, 'Parameters')
  return given?.kind === 'map' ? [...given.entries.keys()] : []
}

/** A nested stack that is not followed. */
export interface Unfollowed {
  readonly nested: NestedStack
  readonly reason: Reason
}

/**
 * The notes about the nested stacks of one stack that are not followed: one for each reason, those about users first. A
 * stack is `unseen` if neither the file nor its own text is about Cognito.
 */
export function notFollowedStacks(
  all: readonly Unfollowed[],
  fileSpeaks: boolean,
): { readonly notFollowed: readonly NotFollowed[]; readonly unseen: readonly NotFollowed[] } {
  const isRelevant = ({ nested }: Unfollowed) => fileSpeaks || SPEAKS_OF_COGNITO.test(wordsOf(nested))
  return { notFollowed: sayAll(all.filter(isRelevant)), unseen: sayAll(all.filter(one => !isRelevant(one))) }
}

function sayAll(stacks: readonly Unfollowed[]): readonly NotFollowed[] {
  const ordered = [...stacks.filter(isAboutUsers), ...stacks.filter(one => !isAboutUsers(one))]
  return [...groupBy(ordered, ({ reason }) => reason.several).values()].map(sayTogether)
}

function sayTogether(stacks: readonly Unfollowed[]): NotFollowed {
  const { nested, reason } = stacks[0]!
  const isOne = stacks.length === 1
  return {
    what: `Nested stack${isOne ? '' : 's'} ${listNames(stacks.map(one => one.nested.id))}`,
    why: isOne ? reason.one : reason.several,
    next: `Validate ${isOne ? 'its template' : 'their templates'} together with this file, or the live pool after the deployment`,
    location: nested.resource.location,
  }
}

function isAboutUsers({ nested }: Unfollowed): boolean {
  return /cognito|user|auth|identity|group/i.test(wordsOf(nested))
}

/** Its name, and the location of its template. */
function wordsOf({ id, written = '', address }: NestedStack): string {
  return [id, written, ...(address?.segments ?? [])].join(' ')
}
