import { posix } from 'node:path'
import type { Evaluated } from '../evaluated.js'
import type { SourceFile } from '../reading.js'
import { nearest } from './published-names.js'

/** The address of a template, as far as it identifies the file. */
export interface Address {
  /** The end of its path, folders and name; empty if that is not known. */
  readonly segments: readonly string[]
  /** Whether there is an unknown part before them: variables, or marks that packaging replaces. */
  readonly isOpen: boolean
}

export type FoundTemplate<File> = { readonly is: 'found'; readonly file: File } | NoTemplate
export type NoTemplate = { readonly is: 'none' } | { readonly is: 'several'; readonly paths: readonly string[] }

const TEMPLATE = /(?:\.template)?\.(?:ya?ml|json|template)$/
/** The marks that packaging replaces: `%%VERSION%%`, `<PREFIX_TOKEN>`, `${version}`, `@@BUCKET@@`, `__VERSION__`. */
const MARK = /%%|[<>{}@#$]|__[A-Z]/
/** An address with more folders matches no file. */
const MAX_SEGMENTS = 20
/** Names that do not identify a file without a folder. */
const OF_ANY = /^(?:template|main|index|stack|root|master|packaged|cloudformation|cfn)$/

export function addressOf(location: Evaluated<unknown>): Address {
  const all = location.is === 'one-of' ? location.values.map(oneAddress) : [oneAddress(location)]
  const [first, ...others] = all
  const segments = others.reduce((common, { segments }) => commonEnd(common, segments), first!.segments)
  return { segments, isOpen: others.length > 0 || first!.isOpen }
}

function oneAddress(location: Evaluated<unknown>): Address {
  if (location.is === 'scalar') return segmentsOf(location.text.replace(/^[a-z][a-z\d+.-]*:\/\/[^/]*\//i, ''), false)
  const last = location.is === 'symbolic' ? location.parts.at(-1) : undefined
  return typeof last === 'string' ? segmentsOf(last, true) : { segments: [], isOpen: true }
}

function segmentsOf(path: string, isOpen: boolean): Address {
  if (!TEMPLATE.test(path)) return { segments: [], isOpen: true }
  const segments = path.split('/').filter(segment => segment !== '' && segment !== '.')
  if (segments.length > MAX_SEGMENTS) return { segments: [], isOpen: true }
  const marked = segments.findLastIndex(segment => MARK.test(segment))
  return { segments: segments.slice(marked + 1), isOpen: isOpen || marked !== -1 }
}

function commonEnd(a: readonly string[], b: readonly string[]): readonly string[] {
  let length = 0
  while (length < a.length && length < b.length && a.at(-1 - length) === b.at(-1 - length)) length++
  return a.slice(a.length - length)
}

/**
 * Finds the files that addresses stand for. The whole known part of an address is looked for first, and the file of
 * that name in the nearest folder counts. If there is an unknown part before it, packaging may have changed the folders
 * at its beginning and the name at its end: then the file whose path has the rest counts, if it is the only one.
 */
export function createTemplateSearch<File extends SourceFile>(files: readonly File[]) {
  let byName: Map<string, File[]> | undefined

  function named(name: string): readonly File[] {
    if (byName === undefined) {
      byName = new Map()
      for (const file of files) {
        const key = stemOf(posix.basename(file.path))
        const same = byName.get(key)
        if (same === undefined) byName.set(key, [file])
        else same.push(file)
      }
    }
    return byName.get(stemOf(name)) ?? []
  }

  const known = new Map<string, FoundTemplate<File>>()

  /** Cached: the same address is looked up each time a stack is read again. */
  function search(address: Address, from: string): FoundTemplate<File> {
    const key = JSON.stringify([from, address.isOpen, ...address.segments])
    const found = known.get(key) ?? look(address, from)
    known.set(key, found)
    return found
  }

  function look({ segments, isOpen }: Address, from: string): FoundTemplate<File> {
    const name = segments.at(-1)
    if (name === undefined) return { is: 'none' }
    const candidates = named(name).filter(({ path }) => path !== from)
    const whole = endingWith(candidates, segments)
    if (whole.length > 0 || !isOpen) return oneOf(nearest(whole, from))
    for (let length = segments.length; length > 0; length--) {
      const alike = endingWith(candidates, segments.slice(-length), stemOf)
      if (alike.length > 0 && (length > 1 || !OF_ANY.test(stemOf(name)))) return oneOf(alike)
    }
    return { is: 'none' }
  }

  return search
}

function endingWith<File extends SourceFile>(
  files: readonly File[],
  segments: readonly string[],
  formOf: (path: string) => string = path => path,
): readonly File[] {
  const end = formOf(`/${segments.join('/')}`)
  return files.filter(({ path }) => formOf(`/${path}`).endsWith(end))
}

function oneOf<File extends SourceFile>(files: readonly File[]): FoundTemplate<File> {
  const [one, ...others] = files
  if (one === undefined) return { is: 'none' }
  return others.length === 0 ? { is: 'found', file: one } : { is: 'several', paths: files.map(({ path }) => path) }
}

/** Without the parts of the name that packaging may change. */
function stemOf(path: string): string {
  return path.replace(TEMPLATE, '')
}
