import type { Suppression } from '../../rules/infrastructure.js'
import { type HclBlock, type HclComment, type HclOutline, locate } from './hcl-blocks.js'
import { parseIgnoreComment } from '../ignore-comment.js'

/**
 * The target of a comment between two blocks that is above neither: no resource has this id, so the comment is reported
 * as unused.
 */
const ABOUT_NOTHING = ''

/**
 * Comments above a block and in it are about it; those above everything are about the file.
 *
 * @param idsOf the ids of all resources that a block makes, in each module that has the file
 */
export function readSuppressions(
  { path, outline }: { readonly path: string; readonly outline: HclOutline },
  idsOf: (address: string) => readonly string[],
): readonly Suppression[] {
  const [firstBlock] = outline.blocks
  return [...aboutBlocks(outline)].flatMap(([comment, block]) => {
    const ignore = parseIgnoreComment(comment.text)
    if (ignore === undefined) return []
    const address = block?.names.slice(block.names[0] === 'resource' ? 1 : 0).join('.')
    const suppression = { ...ignore, location: locate({ path, construct: address }, comment) }
    if (address === undefined) {
      const isOnTop = firstBlock === undefined || comment.start.line < firstBlock.start.line
      return [isOnTop ? suppression : { ...suppression, target: ABOUT_NOTHING }]
    }
    // Every instance of a `for_each` has its own id.
    const targets = idsOf(address)
    return (targets.length === 0 ? [address] : targets).map(target => ({ ...suppression, target }))
  })
}
/** The block that each comment is in, or that begins right below it and the comments after it. */
function aboutBlocks({ blocks, comments }: HclOutline): ReadonlyMap<HclComment, HclBlock | undefined> {
  const atLine = new Map(blocks.map(block => [block.start.line, block]))
  const about = new Map<HclComment, HclBlock | undefined>()
  // Both come in their order.
  let last = blocks.length - 1
  for (const comment of comments.toReversed()) {
    while (last >= 0 && blocks[last]!.start.line > comment.start.line) last--
    const before = blocks[last]
    const around = before !== undefined && comment.end.line <= before.end.line ? before : undefined
    const block = around ?? atLine.get(comment.end.line + 1)
    about.set(comment, block)
    // The comment above this one is about the same.
    if (block !== undefined && around === undefined) atLine.set(comment.start.line, block)
  }
  return new Map([...about].toReversed())
}
