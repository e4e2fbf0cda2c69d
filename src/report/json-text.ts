/** JSON in which the characters of a global pattern, which occur inside strings only, are escapes such as `\u2028`. */
export function escapedJson(value: unknown, characters: RegExp, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(
    characters,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/**
 * JSON for programs and for eyes: nothing in it moves the cursor of a terminal, and no `##[` in it is a command in a
 * log of GitHub Actions. What it says is the same.
 */
export function jsonText(value: unknown): string {
  return escapedJson(value, /[\u007f-\u009f\u2028\u2029]|#(?=#\[)/g, 2)
}

/** The same in one line, by any reader's idea of a line end. */
export function jsonLine(value: unknown): string {
  return escapedJson(value, /[\u007f-\u009f\u2028\u2029]|#(?=#\[)/g)
}
