/**
 * Text from outside, safe to print: what could move the cursor, hide, or make a name look like another is shown as its
 * code point (a variation selector is left to its emoji); what is written from right to left is isolated, so that it
 * turns only itself around.
 */
export function printable(text: string): string {
  const visible = text.replace(HIDDEN, character => `\\u{${character.codePointAt(0)!.toString(16)}}`)
  return RIGHT_TO_LEFT.test(visible) ? `\u2068${visible}\u2069` : visible
}

const HIDDEN =
  /[\p{C}\p{Zl}\p{Zp}]|(?![\ufe0e\ufe0f])\p{Default_Ignorable_Code_Point}|(?<!\p{Extended_Pictographic})[\ufe0e\ufe0f]/gu

/** The blocks of Unicode that are set aside for scripts from right to left. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u
