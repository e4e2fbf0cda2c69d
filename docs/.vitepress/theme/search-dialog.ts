/**
 * Gives the search box the roles that it has for eyes. The default theme's says that it is a button, and puts links into options.
 * Here it is a dialog with a combobox, whose options are the links.
 */
export function correctSearchRoles(): void {
  new MutationObserver(() => {
    const box = document.querySelector('.VPLocalSearchBox')
    if (box !== null) correct(box)
  }).observe(document.body, {
    subtree: true,
    childList: true,
    attributes: true,
    attributeFilter: ['aria-owns', 'aria-selected', 'aria-label', 'class', 'id'],
  })
}

function correct(box: Element): void {
  set(box, { role: 'dialog', 'aria-modal': 'true', 'aria-label': 'Search' })
  set(box, { 'aria-owns': null, 'aria-expanded': null, 'aria-haspopup': null, 'aria-labelledby': null })
  const list = box.querySelector('ul.results')
  const hasResults = list?.getAttribute('role') === 'listbox'
  const input = box.querySelector('input')
  if (input !== null) set(input, { role: 'combobox', 'aria-expanded': String(hasResults), 'aria-haspopup': 'listbox' })
  // Each is a picture of a key.
  for (const key of box.querySelectorAll('kbd[aria-label]')) set(key, { role: 'img' })
  for (const item of list?.querySelectorAll('li') ?? []) {
    const link = item.querySelector('a.result')
    if (link === null) continue
    const isSelected = link.classList.contains('selected')
    // The input names the option that is selected by this id.
    const id = `localsearch-item-${link.getAttribute('data-index')}`
    set(item, { role: 'none', id: null, 'aria-selected': null })
    set(link, { role: 'option', id, 'aria-selected': String(isSelected), 'aria-label': null })
  }
}

/** Changes only what differs: each change is a mutation, which is observed. */
function set(element: Element, attributes: Readonly<Record<string, string | null>>): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (element.getAttribute(name) === value) continue
    if (value === null) element.removeAttribute(name)
    else element.setAttribute(name, value)
  }
}
