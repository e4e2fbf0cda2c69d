import { onContentUpdated } from 'vitepress'
import { nextTick, onMounted } from 'vue'

/** Scrolls the sidebar, and nothing else, to the entry of the page if it is not in view. */
export function keepActiveEntryInView(): void {
  onMounted(scroll)
  onContentUpdated(() => void nextTick(scroll))
}

function scroll(): void {
  const sidebar = document.querySelector('.VPSidebar')
  const entry = [...document.querySelectorAll('.VPSidebarItem.is-active > .item')].at(-1)
  if (sidebar === null || entry === undefined) return
  const box = sidebar.getBoundingClientRect()
  const { top, bottom } = entry.getBoundingClientRect()
  if (top < box.top || bottom > box.bottom) sidebar.scrollTop += top - box.top - box.height / 2
}
