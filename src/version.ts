/** The version in package.json, which is not there at run time where the package is bundled. `npm run docs:generate` writes it. */
export const VERSION = '0.1.0'
