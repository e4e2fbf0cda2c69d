import { quote } from '../errors.js'
import type { Finding } from './finding.js'
import type { Suppression } from './infrastructure.js'
import { ACCESS_CONTROL } from './pages.js'
import { defineRule, type Rule, toFinding, yaml } from './rule.js'

// What is wrong with suppressions themselves. These findings cannot be suppressed; `ignore` turns the rules off.

const suppressionMalformed = defineRule({
  id: 'COG191',
  slug: 'suppression-malformed',
  title: 'An incomplete suppression has no effect',
  severity: 'warning',
  enabled: true,
  what: 'A suppression names rules that exist, gives a reason, and has a date such as 2027-01-01 if it expires.',
  why: 'An incomplete suppression does not count: its author believes that the finding is dealt with, but it is not.',
  fix: 'Write `rolecast:ignore COG101 exp=2027-01-01 reason`, or remove it.',
  avoid: yaml(`
    Resources:
      # rolecast:ignore COG103
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, RoleArn: arn:aws:iam::111122223333:role/Admin }
  `),
  prefer: yaml(`
    Resources:
      # rolecast:ignore COG103 the role is read from cognito:roles
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, RoleArn: arn:aws:iam::111122223333:role/Admin }
  `),
  see: ACCESS_CONTROL,
})

const suppressionExpired = defineRule({
  id: 'COG192',
  slug: 'suppression-expired',
  title: 'A suppression has expired',
  severity: 'warning',
  enabled: true,
  what: 'From the date in `exp=` on, a suppression no longer counts, and its findings are reported again.',
  why: 'The suppression was intended for a limited time, and that time is over.',
  fix: 'Fix the finding or extend the expiry date.',
  avoid: yaml(`
    Resources:
      # rolecast:ignore COG103 exp=2020-01-01 until the groups are numbered
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, RoleArn: arn:aws:iam::111122223333:role/Admin }
  `),
  prefer: yaml(`
    Resources:
      # rolecast:ignore COG103 exp=2099-01-01 until the groups are numbered
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, RoleArn: arn:aws:iam::111122223333:role/Admin }
  `),
  see: ACCESS_CONTROL,
})

const suppressionUnused = defineRule({
  id: 'COG193',
  slug: 'suppression-unused',
  title: 'A suppression is not needed',
  severity: 'note',
  enabled: true,
  what: 'The rules that the suppression names found nothing there.',
  why: 'The suppression would hide a finding that appears later.',
  fix: 'Remove the suppression.',
  avoid: yaml(`
    Resources:
      # rolecast:ignore COG103 the role is read from cognito:roles
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Admin }
  `),
  prefer: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties:
          { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Admin }
  `),
  see: ACCESS_CONTROL,
})

export const SUPPRESSION_RULES = [suppressionMalformed, suppressionExpired, suppressionUnused] as const

/** A suppression, and the findings that it is about. */
export interface ScopedSuppression extends Pick<Suppression, 'rules' | 'reason' | 'expires' | 'location'> {
  /** Whether it is about this finding. Its rules are checked separately. */
  readonly covers: (finding: Finding) => boolean
  /** The only findings it can cover. Default: all. */
  readonly among?: readonly Finding[] | undefined
}

export interface SuppressionContext {
  /** `2026-11-23`. */
  readonly today: string
  /** Which rules exist, by id. */
  readonly isRule: (id: string) => boolean
}

/** COG191 or COG192, if the suppression does not count. */
export function checkSuppression(suppression: ScopedSuppression, context: SuppressionContext): Finding | undefined {
  const fault = faultOf(suppression, context)
  if (fault !== undefined)
    return findingOf(suppressionMalformed, suppression, `The suppression ${fault}, so it has no effect.`)
  const { expires, reason } = suppression
  if (expires === undefined || expires > context.today) return undefined
  const message = `The suppression of ${ruleNames(suppression)} expired on ${expires}: ${reason}`
  return findingOf(suppressionExpired, suppression, message)
}

/** COG193. */
export function unusedSuppression(suppression: ScopedSuppression): Finding {
  const message = `${ruleNames(suppression)} found nothing here, so the suppression is not needed.`
  return findingOf(suppressionUnused, suppression, message)
}

function ruleNames({ rules }: ScopedSuppression): string {
  return rules.map(id => id.toUpperCase()).join(', ')
}

function faultOf({ rules, reason, expires }: ScopedSuppression, { isRule }: SuppressionContext): string | undefined {
  if (rules.length === 0) return 'names no rule'
  const unknown = rules.find(id => !isRule(id.toUpperCase()))
  if (unknown !== undefined) return `names the unknown rule ${quote(unknown)}`
  if (expires !== undefined && !isDay(expires))
    return `expires on ${quote(expires)}, which is not a date such as 2027-01-01`
  return reason.trim() === '' ? 'gives no reason' : undefined
}

/** Whether this is a date, as `2027-01-31`: such strings sort by date. */
export function isDay(text: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)?.map(Number) ?? []
  if (year === undefined || month === undefined || day === undefined || month < 1 || month > 12 || day < 1) return false
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  return day <= (month === 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31)
}

function findingOf(rule: Rule, { rules, reason, location }: ScopedSuppression, message: string): Finding {
  return toFinding({ rule, message, pool: '', subject: [rules.join(','), reason], resources: [], location })
}
