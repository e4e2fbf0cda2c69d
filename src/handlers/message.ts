/** Cuts a text to at most `limit` characters, without half a character at its end. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text
  return `${text.slice(0, Math.max(0, limit - 1)).replace(/[\uD800-\uDBFF]$/, '')}…`
}

/** As many lines as fit, and the number of lines that do not. */
export function fit(lines: readonly string[], limit: number): string {
  let [fitting, length, index] = [0, -1, 0]
  for (const line of lines) {
    index++
    length += line.length + 1
    if (length > limit) break
    if (length + rest(lines.length - index).length <= limit) fitting = index
  }
  if (fitting > 0) return lines.slice(0, fitting).join('\n') + rest(lines.length - fitting)
  const more = rest(Math.max(0, lines.length - 1))
  return `${cut(lines[0] ?? '', limit - more.length)}${more}`
}

function rest(count: number): string {
  return count === 0 ? '' : `\n… and ${count} more`
}
