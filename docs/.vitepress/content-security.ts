import { createHash } from 'node:crypto'

/** The style that the switch of the colours adds while it works, so that nothing fades: VueUse's, word for word. */
const SWITCH_STYLE =
  '*,*::before,*::after{-webkit-transition:none!important;-moz-transition:none!important;-o-transition:none!important;-ms-transition:none!important;transition:none!important}'

/**
 * Adds a content security policy to a page: it loads scripts, styles, images and data of its own site only, and runs no
 * inline script but those that VitePress wrote.
 *
 * The playground reads Terraform with WebAssembly in a worker, whose script is a part of the page's own: `blob:`.
 * Style attributes are allowed, because each token of a code block has one with its colours.
 */
export function withContentSecurityPolicy(html: string): string {
  if (!html.includes('<head>')) throw new Error('a page has no `<head>`, so it would have no content security policy')
  const scripts = [...html.matchAll(/<script(?![^>]*\bsrc=)[^>]*>([^]*?)<\/script>/g)].map(([, text]) => hashOf(text!))
  const policy = [
    "default-src 'none'",
    `script-src 'self' 'wasm-unsafe-eval' ${[...new Set(scripts)].join(' ')}`,
    `style-src 'self' ${hashOf(SWITCH_STYLE)}`,
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  return html.replace('<head>', () => `<head>\n    <meta http-equiv="Content-Security-Policy" content="${policy}">`)
}

const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
