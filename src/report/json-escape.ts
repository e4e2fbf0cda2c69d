/** JSON in which the characters of a global pattern, which occur inside strings only, are escapes such as `\u2028`. */
export function escapedJson(value: unknown, characters: RegExp, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(
    characters,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
