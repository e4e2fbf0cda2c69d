import { quote } from '../../errors.js'
import type { NotFollowed } from '../../rules/infrastructure.js'
import { field } from '../json-text.js'
import { AWS_TYPES } from './aws-resources.js'
import type { Declaration } from './configuration.js'

export const VALIDATE_PLAN = 'Validate the plan, which has it: `terraform show -json plan.out`'
const VALIDATE_POOL = 'Validate the live pool after the deployment: `rolecast validate --user-pool-id ID`'

const STACK = /^(?:aws|awscc)_cloudformation_stack(?:_set)?$/
const COGNITO = /cognito|user[-_]?pool/i
/** Commands and SDK calls that create groups, memberships or role mappings. */
const COMMAND =
  /(?:create|update)[-_]?group|admin[-_]?add[-_]?user[-_]?to[-_]?group|set[-_]?identity[-_]?pool[-_]?roles/i
const SCRIPT = /(?<![\w-])[\w-]+\.(?:sh|py|js|mjs|cjs|ts|rb|ps1)\b/gi
const MAKES_GROUPS = /UserPoolGroup|UserPoolUserToGroupAttachment|IdentityPoolRoleAttachment/

/**
 * A note on a resource of another type that may create groups, mappings or memberships; undefined if it creates none.
 */
export function notFollowedResource(
  { address, type, body }: Declaration,
  location: NotFollowed['location'],
): NotFollowed | undefined {
  if (type === '' || AWS_TYPES.has(type)) return undefined
  const what = `Resource ${quote(address)}`
  const found = (why: string, next: string) => ({ what, why, next, location })
  if (COGNITO.test(type) && /group|role|member/.test(type))
    return found(`its type ${quote(type)} is not known`, VALIDATE_POOL)
  if (STACK.test(type)) return mayMakeGroups(address, body) ? found(OF_STACK, VALIDATE_TEMPLATE) : undefined
  const program = textOf(field(body, 'provisioner'))
  if ((COGNITO.test(program) && COMMAND.test(program)) || runsScript(program))
    return found('it runs a program that may create groups', VALIDATE_POOL)
  const isInvocation = type === 'aws_lambda_invocation'
  const invoked = isInvocation ? `${address} ${textOf(body)}` : ''
  return COGNITO.test(invoked) && /group/i.test(invoked)
    ? found('it runs a function that may create groups', VALIDATE_POOL)
    : undefined
}

/** Whether it runs a file whose name mentions the subject. */
function runsScript(program: string): boolean {
  const names = program.match(SCRIPT) ?? []
  return names.some(name => COGNITO.test(name) || /groups?/i.test(name))
}

const OF_STACK = 'it is a CloudFormation stack, whose template may have groups'
const VALIDATE_TEMPLATE = 'Validate its template too: `rolecast validate TEMPLATE`'

function mayMakeGroups(address: string, body: Declaration['body']): boolean {
  const written = textOf(field(body, 'template_body'))
  // An inline template shows what it creates.
  if (/\bResources\b/.test(written)) return MAKES_GROUPS.test(written)
  return COGNITO.test(`${address} ${textOf(body)}`)
}

function textOf(value: unknown): string {
  return JSON.stringify(value) ?? ''
}
