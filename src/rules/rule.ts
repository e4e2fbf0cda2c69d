import { listItems, quote } from '../errors.js'
import { type Finding } from './finding.js'
import { SEVERITIES, type Severity } from '../severity.js'
import type { IdentityPoolUse } from './identity-pool-use.js'
import type {
  DeclaredPrecedence,
  Infrastructure,
  Membership,
  MissingSub,
  RoleAttachment,
  Value,
} from './infrastructure.js'
import type { GroupView, PoolView } from './pool-view.js'
import type { AffectedUsers, Tie } from './ties.js'
import { assumptionsOf, knownOr } from './value.js'

/** One rule: the text of its page, of `rolecast explain` and of SARIF, together with the check that finds it. */
export interface Rule<Id extends string = string> {
  /** Stable: `COG101`. */
  readonly id: Id
  readonly slug: string
  readonly title: string
  /** The severity of a finding, unless `context` or `lowersUncertain` says otherwise. */
  readonly severity: Severity
  /** When the severity differs from `severity`, and why. */
  readonly context?: string
  /** Whether a finding that holds only for some of the possible values has a severity lower by one. */
  readonly lowersUncertain?: true
  /** False: it runs only on request. */
  readonly enabled: boolean
  /** What Cognito, or the tool that deploys to it, does. */
  readonly what: string
  readonly why: string
  /** One sentence. */
  readonly fix: string
  /** A file in which the rule finds something. */
  readonly avoid: Example
  /** The same file without the fault: the rule finds nothing. */
  readonly prefer: Example
  /** The page it follows. */
  readonly see: string
  /** What the rule finds in one user pool. Absent where a function of the family makes the drafts of several rules. */
  readonly check?: (pool: CheckedPool) => readonly RuleDraft[]
  /** What the rule finds in the infrastructure as a whole. */
  readonly checkAll?: (infrastructure: Infrastructure, pools: readonly CheckedPool[]) => readonly RuleDraft[]
}

export interface Example {
  readonly language: 'yaml' | 'json' | 'hcl'
  readonly text: string
}

/** A user pool, and what is drawn from it once for all the rules that need it. */
export interface CheckedPool extends PoolView {
  readonly ties: readonly Tie[]
  readonly affectedUsers: AffectedUsers
  readonly memberships: readonly Membership[]
  readonly declaredPrecedences: readonly DeclaredPrecedence[]
  readonly use: IdentityPoolUse
}

/** What a check returns: a finding without the texts and the key that come from its rule. */
export interface RuleDraft
  extends
    Pick<Finding, 'message' | 'pool' | 'resources' | 'location'>,
    Partial<Pick<Finding, 'severity' | 'groups' | 'related' | 'fix' | 'impact'>> {
  /** The names whose default it assumes, such as `Rank`. A deployment may give another value. */
  readonly assumes?: readonly string[]
  /** What identifies it in the key if no group does: the identity pool of an attachment. */
  readonly subject?: readonly string[]
}

export interface Draft extends RuleDraft {
  readonly rule: Rule
}

/** Keeps the id as a literal type, so that `RuleId` has every id. */
export function defineRule<const Id extends string>(rule: Rule<Id>): Rule<Id> {
  return rule
}

export function yaml(text: string): Example {
  return example('yaml', text)
}

export function json(text: string): Example {
  return example('json', text)
}

export function hcl(text: string): Example {
  return example('hcl', text)
}

/** The text is computed when it is read: only explanations need it. */
function example(language: Example['language'], text: string): Example {
  return {
    language,
    get text() {
      return dedent(text)
    },
  }
}

/** Removes the first line, which is empty, the last one, and the indentation that all lines share. */
function dedent(text: string): string {
  const lines = text.split('\n').slice(1, -1)
  const indent = Math.min(...lines.filter(line => line.trim() !== '').map(line => line.search(/\S/)))
  return lines.map(line => line.slice(indent)).join('\n')
}

export function toFinding(draft: Draft): Finding {
  const { rule, severity = rule.severity, message, pool, groups = [], subject = [] } = draft
  const names = [...new Set(groups)].toSorted()
  return {
    ruleId: rule.id,
    slug: rule.slug,
    severity,
    message: withAssumptions(message, draft.assumes),
    fix: draft.fix ?? rule.fix,
    ...(draft.impact !== undefined && { impact: draft.impact }),
    pool,
    groups: names,
    resources: [...new Set(draft.resources)].toSorted(),
    location: draft.location,
    related: draft.related ?? [],
    key: JSON.stringify([rule.id, pool, ...names, ...subject]),
  }
}

function withAssumptions(message: string, assumes: readonly string[] = []): string {
  if (assumes.length === 0) return message
  return `${message} Checked with the default of ${listItems(assumes, quote)}; a deployment may give another value.`
}

/** One severity lower: for what is true in some possibilities only. */
export function lowered(severity: Severity): Severity {
  return SEVERITIES[Math.max(0, SEVERITIES.indexOf(severity) - 1)]!
}

/** The fields of a draft about groups: the first group's location, and the others' as related locations. */
export function about(
  pool: PoolView,
  groups: readonly GroupView[],
): Pick<RuleDraft, 'pool' | 'resources' | 'location' | 'assumes'> & Required<Pick<RuleDraft, 'groups' | 'related'>> {
  const [first, ...others] = groups
  return {
    pool: pool.name,
    groups: groups.map(({ name }) => name),
    resources: groups.map(({ definition }) => definition.id),
    location: first!.definition.location,
    related: others.map(relatedGroup),
    assumes: assumptionsOf(groups.flatMap(({ definition }) => [definition.precedence, definition.role])),
  }
}

/** The fields of a draft about an identity pool's attachment. */
export function aboutAttachment(
  attachment: RoleAttachment,
): Pick<RuleDraft, 'pool' | 'subject' | 'resources' | 'location'> {
  return {
    pool: '',
    subject: [knownOr(attachment.identityPool, attachment.id)],
    resources: [attachment.id],
    location: attachment.location,
  }
}

/** A draft about a string with placeholders that nothing replaces. */
export function missingSubDraft({ resource, property, text, certain, location }: MissingSub): RuleDraft {
  return {
    pool: '',
    subject: [resource, property],
    resources: [resource],
    location,
    severity: certain ? 'error' : 'warning',
    message: `The ${quote(property)} of ${quote(resource)} has the string ${quote(text)}, whose placeholders are not replaced; did you forget \`!Sub\`?`,
    fix: 'Use `Fn::Sub` (`!Sub` in YAML).',
  }
}

/**
 * The fields of a draft about a value of a group: the value's location, and one severity lower for one of several
 * values.
 */
export function aboutValue(
  pool: PoolView,
  group: GroupView,
  value: Value<unknown>,
  { severity, message }: Pick<Finding, 'severity' | 'message'>,
): RuleDraft {
  const isOpen = value.is === 'one-of'
  return {
    ...about(pool, [group]),
    assumes: assumptionsOf([value]),
    location: value.location ?? group.definition.location,
    severity: isOpen ? lowered(severity) : severity,
    message: isOpen ? `${message} This is one of the values that the file leaves open.` : message,
  }
}

export function relatedGroup({ name, definition }: GroupView): Finding['related'][number] {
  return { message: `group ${quote(name)}`, location: definition.location }
}
