import { Converter, ReflectionKind } from 'typedoc'

/**
 * Functions and classes of an entry point are looked up by name. All else stays in the order of the code, in which one explains
 * the next.
 *
 * @param {import('typedoc').Application} app
 */
function sortByName(app) {
  const byName = new Set(['Functions', 'Classes'])
  // After the groups are made.
  app.converter.on(
    Converter.EVENT_RESOLVE_END,
    ({ project }) => {
      for (const module of project.getReflectionsByKind(ReflectionKind.Module))
        for (const group of module.groups ?? [])
          if (byName.has(group.title)) group.children.sort((a, b) => a.name.localeCompare(b.name, 'en'))
    },
    -1000,
  )
}

/** How the API reference becomes pages of the site; what it is made of is in `typedoc.json`. */
export default {
  extends: ['../../typedoc.json'],
  plugin: ['typedoc-plugin-markdown', sortByName],
  out: '../api',
  router: 'module',
  // `index.md` is the entry point `rolecast`.
  entryFileName: 'modules',
  // `npm run typecheck` does it.
  skipErrorChecking: true,
  pageTitleTemplates: {
    index: 'Entry points',
    module: ({ name }) => (name === 'index' ? 'rolecast' : `rolecast/${name}`),
  },
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useCodeBlocks: true,
  interfacePropertiesFormat: 'table',
  typeDeclarationFormat: 'table',
  tableColumnSettings: { hideSources: true, hideInherited: true, hideOverrides: true, hideModifiers: true },
}
