import { quote, RolecastError } from '../../errors.js'

/**
 * Loads a package of the SDK with the first call: importing it costs more than a call does. Of a CommonJS package that a bundler
 * has split off, only `default` is there.
 *
 * @param load imports it, in a form that bundlers find
 * @throws RolecastError `missing-package`
 */
export async function loadSdk<T extends object>(packageName: string, load: () => Promise<T>): Promise<T> {
  try {
    const loaded: T & { readonly default?: T } = await load()
    return loaded.default ?? loaded
  } catch (cause) {
    throw new RolecastError(
      'missing-package',
      `${quote(packageName)} could not be loaded; install it where the program runs, or bundle it: see docs/bundling.md of rolecast`,
      { value: packageName, cause },
    )
  }
}
