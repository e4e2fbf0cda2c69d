import { onContentUpdated } from 'vitepress'
import { onMounted, onUnmounted } from 'vue'

const BOXES = '.scroll-box, .vp-doc pre'

/** Makes each table and code block that scrolls reachable by keyboard, and leaves out those that fit. */
export function keepScrollBoxesReachable(): void {
  let observer: ResizeObserver | undefined
  const observe = () => {
    observer?.disconnect()
    for (const box of document.querySelectorAll<HTMLElement>(BOXES)) {
      update(box)
      observer?.observe(box)
    }
  }
  onMounted(() => {
    observer = new ResizeObserver(entries => {
      for (const { target } of entries) update(target as HTMLElement)
    })
    observe()
  })
  onContentUpdated(observe)
  onUnmounted(() => observer?.disconnect())
}

function update(box: HTMLElement): void {
  if (box.scrollWidth > box.clientWidth) box.tabIndex = 0
  else box.removeAttribute('tabindex')
}
