/** A part of a sentence: what stands in backticks is a name or a value from outside. */
export interface SentencePart {
  readonly text: string
  readonly isCode: boolean
}

/** As in Markdown, as many backticks end a name as begin it. */
const QUOTED = /(?<!`)(`{1,99})(?!`)([^]*?[^`])\1(?!`)/g

/** Takes a sentence of rolecast apart, whose names are quoted by `quote`. Put together, the parts say the same. */
export function sentenceParts(sentence: string): readonly SentencePart[] {
  const parts: SentencePart[] = []
  let end = 0
  for (const match of sentence.matchAll(QUOTED)) {
    if (match.index > end) parts.push({ text: sentence.slice(end, match.index), isCode: false })
    const [whole, fence, inner] = match as unknown as [string, string, string]
    // A name with backticks in it has a space on either side.
    parts.push({ text: fence.length > 1 ? inner.slice(1, -1) : inner, isCode: true })
    end = match.index + whole.length
  }
  if (end < sentence.length) parts.push({ text: sentence.slice(end), isCode: false })
  return parts
}
