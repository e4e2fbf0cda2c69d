/** Three-valued logic: `undefined` is neither certainly true nor certainly false. */
export type Maybe = boolean | undefined

export function and(...parts: readonly Maybe[]): Maybe {
  if (parts.includes(false)) return false
  return parts.includes(undefined) ? undefined : true
}

export function or(...parts: readonly Maybe[]): Maybe {
  if (parts.includes(true)) return true
  return parts.includes(undefined) ? undefined : false
}

export function not(part: Maybe): Maybe {
  return part === undefined ? undefined : !part
}
