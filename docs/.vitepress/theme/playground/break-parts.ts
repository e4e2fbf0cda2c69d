/** The parts of a name or an ARN between which a line may break: after each `:`, `/` and `_`. Put together, they are the text. */
export function breakParts(text: string): readonly string[] {
  return text.split(/(?<=[:/_])(?![:/_])/)
}
