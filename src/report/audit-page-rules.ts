import type { Evidence } from '../claims/evidence.js'
import { describeCalibration } from '../claims/explain.js'
import { RULE_TEXTS, type RuleText, SEMANTICS_TEXTS } from '../claims/rule-texts.js'
import { SELECTION_TEXTS } from '../credentials/selection-texts.js'
import type { AuditSummary } from '../audit/summary.js'
import { html } from './audit-page-html.js'

/** An audit asks for no particular role, as an app may, so these rules never decide. */
export const AUDIT_SELECTION_TEXTS: Readonly<Record<string, RuleText>> = Object.fromEntries(
  Object.entries(SELECTION_TEXTS).filter(([rule]) => !rule.startsWith('custom-role')),
)

const EVIDENCE_MEANINGS: Readonly<Record<Evidence, string>> = {
  observed: 'Seen in a real token whose groups are known. It shows what Cognito did on one day, not what AWS promises.',
  documented: 'AWS says so. Its pages contradict one another in places, and real tokens contradict some of them.',
  inferred:
    'It follows from observed tokens and the documentation. Check one of your own tokens before access depends on it.',
  calibrated:
    'The tokens of a scratch user pool, created to find out, show it. They show what Cognito did there on one day.',
  unknown: 'Neither AWS documentation nor any known token shows it. Do not grant access based on it.',
}

export const RULE_ID = 'rule-'
export const SELECTION_ID = 'credentials-'

/** The section that explanations link to. */
export function rulesHtml({ credentials, semantics, calibration }: AuditSummary): string {
  const evidence = Object.entries(EVIDENCE_MEANINGS).map(
    ([word, meaning]) => `<dt>${word}</dt><dd>${html(meaning)}</dd>`,
  )
  const selection =
    credentials === undefined
      ? ''
      : `<h3>From the token to the credentials</h3>
<p class="lead">The identity pool gives each signed-in user the credentials of one role, or denies the request.</p>
${sectionsOf(AUDIT_SELECTION_TEXTS, SELECTION_ID)}\n`
  return `<p class="lead">Every user’s explanation links to its rule here. A lower precedence ranks higher.</p>
<h3 id="semantics" tabindex="-1">Semantics <code>${semantics}</code></h3>
<p>${html(`${SEMANTICS_TEXTS[semantics].says} ${SEMANTICS_TEXTS[semantics].known}`)}${calibration === undefined ? '' : html(` It was ${describeCalibration(calibration)}.`)}</p>
<h3>From the groups to the token</h3>
${sectionsOf(RULE_TEXTS, RULE_ID)}
${selection}<h3 id="evidence" tabindex="-1">How a result is known</h3>
<dl class="legend">${evidence.join('\n')}</dl>`
}

function sectionsOf(texts: Readonly<Record<string, RuleText>>, prefix: string): string {
  return Object.entries(texts)
    .map(
      ([rule, text]) => `<article class="rule" id="${prefix}${rule}" tabindex="-1"><h4><code>${rule}</code></h4>
<p>${html(text.says)}</p>
${sourceHtml(text)}<p class="muted">${html(text.known)}</p></article>`,
    )
    .join('\n')
}

/** A page is named and not linked to, because a page that is printed or offline has no links. */
function sourceHtml({ quote, page }: RuleText): string {
  if (page === undefined) return ''
  const source = `<cite>${page}</cite>`
  return quote === undefined
    ? `<p class="source">AWS: ${source}</p>\n`
    : `<blockquote><p>${html(quote)}</p>\n${source}</blockquote>\n`
}
