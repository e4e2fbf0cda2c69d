import type { readTemplate } from '../../../../src/template/index.js'
import { faulty, type Result } from './fault.js'
import type { filterGroups, MAX_SHOWN, Pasted, PasteOptions, poolsOf, rowsFrom } from './read-pasted.js'

/** The reader of templates, which is loaded when somebody pastes one. */
export interface Reader {
  readonly read: (text: string, options: PasteOptions) => Promise<Result<Pasted>>
  readonly filterGroups: typeof filterGroups
  readonly poolsOf: typeof poolsOf
  readonly rowsFrom: typeof rowsFrom
  readonly MAX_SHOWN: typeof MAX_SHOWN
}

/** From this site and no other; where it cannot be loaded, as without a network, that is said. */
export async function loadReader(): Promise<Result<Reader>> {
  try {
    const [template, pasted]: [{ readonly readTemplate: typeof readTemplate }, typeof import('./read-pasted.js')] =
      await Promise.all([import('rolecast/template'), import('./read-pasted.js')])
    const { filterGroups, MAX_SHOWN, poolsOf, readPasted, rowsFrom } = pasted
    const read: Reader['read'] = (text, options) => readPasted(template.readTemplate, text, options)
    return { is: 'result', result: { read, filterGroups, MAX_SHOWN, poolsOf, rowsFrom } }
  } catch {
    return faulty('The reader of templates could not be loaded; check the connection, reload the page, and try again.')
  }
}
