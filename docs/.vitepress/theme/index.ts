import { defineAsyncComponent, h, onMounted } from 'vue'
import type { Theme } from 'vitepress'
import DefaultTheme from 'vitepress/theme'
import { keepScrollBoxesReachable } from './scroll-boxes.js'
import { correctSearchRoles } from './search-dialog.js'
import { keepActiveEntryInView } from './sidebar-scroll.js'
// A stylesheet has nothing to assign.
// oxlint-disable-next-line import/no-unassigned-import
import './style.css'

const notFound = () =>
  h('main', { class: 'vp-doc not-found' }, [
    h('h1', 'Page not found'),
    h('p', [h('a', { href: '/' }, 'Go to the first page'), ', or search for what you need.']),
  ])

export default {
  extends: DefaultTheme,
  Layout: () => h(DefaultTheme.Layout, null, { 'not-found': notFound }),
  enhanceApp({ app }) {
    app.component(
      'Playground',
      defineAsyncComponent({
        loader: () => import('./playground/Playground.vue'),
        delay: 0,
        loadingComponent: () => h('p', { 'data-loading': '' }, 'The playground is loading.'),
        errorComponent: () => h('p', 'The playground could not be loaded. Check the connection, and reload the page.'),
      }),
    )
  },
  setup() {
    keepScrollBoxesReachable()
    keepActiveEntryInView()
    onMounted(correctSearchRoles)
  },
} satisfies Theme
