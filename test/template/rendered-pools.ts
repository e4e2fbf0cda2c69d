import * as fc from 'fast-check'
import type { Finding } from '../../src/rules/finding.js'
import { groupNames } from '../arbitraries.js'

/** Groups of two user pools, what stands around them, and nothing of any format. */
export interface Drawn {
  readonly groups: readonly DrawnGroup[]
  /** Of each role: whether its trust policy names the identity pool. */
  readonly trusts: readonly boolean[]
  /** How the identity pool maps the first user pool. */
  readonly mapping: Mapping | null
  readonly members: readonly { readonly user: string; readonly group: number }[]
}

export interface DrawnGroup {
  readonly name: string
  readonly precedence: number | null
  readonly role: number | null
  readonly pool: 0 | 1
}

interface Mapping {
  readonly type: 'Token' | 'Rules'
  readonly resolution: 'Deny' | 'AuthenticatedRole'
}

const ROLES = 3
const MAX_GROUPS = 7

/** Any legal name but one with marks that a format takes for more than text, or that HCL normalises. */
const names = groupNames.filter(name => !/[$%#]\{|\{\{/.test(name) && name === name.normalize('NFC'))

/** Every name once, so that none is COG154. */
export function drawnPools(precedences: fc.Arbitrary<number>): fc.Arbitrary<Drawn> {
  const group = fc.record({
    precedence: fc.option(precedences, { freq: 4 }),
    role: fc.option(fc.nat({ max: ROLES - 1 }), { freq: 4 }),
    pool: fc.constantFrom<0 | 1>(0, 0, 0, 1),
  })
  return fc
    .record({
      groups: fc
        .tuple(
          fc.array(group, { maxLength: MAX_GROUPS }),
          fc.uniqueArray(names, { minLength: MAX_GROUPS, maxLength: MAX_GROUPS }),
        )
        .map(([groups, some]) => groups.map((one, index) => ({ ...one, name: some[index]! }))),
      trusts: fc.array(fc.boolean(), { minLength: ROLES, maxLength: ROLES }),
      mapping: fc.option(
        fc.record<Mapping>({
          type: fc.constantFrom('Token', 'Token', 'Rules'),
          resolution: fc.constantFrom('Deny', 'AuthenticatedRole'),
        }),
      ),
      members: fc.array(
        fc.record({ user: fc.constantFrom('ann', 'bob', '__proto__'), group: fc.nat({ max: MAX_GROUPS - 1 }) }),
        { maxLength: 4 },
      ),
    })
    .map(({ members, ...drawn }) => ({ ...drawn, members: members.filter(({ group }) => group < drawn.groups.length) }))
}

/** Everything that a person or a formatter may change and that means nothing. */
export interface Style {
  /** Other numbers give other names for resources. */
  readonly rename: number
  /** Other numbers give another order of resources and of keys. */
  readonly order: number
  readonly indent: number
  /** From this depth on YAML stands in braces and brackets. */
  readonly flowFrom: number
  readonly shortForms: boolean
  readonly comments: boolean
  /** Whether every text of YAML stands in quotes, and numbers as well. */
  readonly quotes: boolean
}

export const PLAIN: Style = {
  rename: 0,
  order: 0,
  indent: 2,
  flowFrom: 9,
  shortForms: true,
  comments: false,
  quotes: false,
}

export const styles: fc.Arbitrary<Style> = fc.record({
  rename: fc.nat({ max: 1000 }),
  order: fc.nat({ max: 1000 }),
  indent: fc.integer({ min: 1, max: 5 }),
  flowFrom: fc.integer({ min: 1, max: 9 }),
  shortForms: fc.boolean(),
  comments: fc.boolean(),
  quotes: fc.boolean(),
})

export interface Rendered {
  readonly text: string
  readonly path: string
  /** The ids of its resources, and what they are in every rendering. */
  readonly ids: ReadonlyMap<string, string>
}

export type Renderer = (drawn: Drawn, style: Style) => Rendered

type Kind = 'pool' | 'client' | 'role' | 'group' | 'identity' | 'attachment' | 'member'

function hash(text: string, seed: number): number {
  let value = seed
  for (const character of text) value = Math.imul(value ^ character.codePointAt(0)!, 0x01000193) >>> 0
  return value >>> 7
}

/** The pools keep their order, in which the message about a role that groups of both have names the groups. */
function nameOf(kind: Kind, index: number, { rename }: Style): string {
  return `${'abcdefghijklmnop'[hash(kind === 'pool' ? kind : `${kind}${index}`, rename) % 16]}K${kind}${index}Z`
}

function reorder<T>(items: readonly T[], keyOf: (item: T) => string, { order }: Style): readonly T[] {
  return order === 0 ? items : items.toSorted((a, b) => hash(keyOf(a), order) - hash(keyOf(b), order))
}

/** Every resource, by kind and number. */
function resourcesOf(drawn: Drawn): readonly (readonly [Kind, number])[] {
  const some = (kind: Kind, count: number) => Array.from({ length: count }, (_, index) => [kind, index] as const)
  return [
    ...some('pool', 2),
    ...some('client', 1),
    ...some('role', ROLES),
    ...some('group', drawn.groups.length),
    ...some('identity', 1),
    ...some('attachment', drawn.mapping === null ? 0 : 1),
    ...some('member', drawn.members.length),
  ]
}

function trustPolicy(isNamed: boolean): object {
  const amr = { 'ForAnyValue:StringLike': { 'cognito-identity.amazonaws.com:amr': 'authenticated' } }
  const aud = {
    StringEquals: { 'cognito-identity.amazonaws.com:aud': 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6' },
  }
  const allow = {
    Effect: 'Allow',
    Principal: { Federated: 'cognito-identity.amazonaws.com' },
    Action: 'sts:AssumeRoleWithWebIdentity',
  }
  return { Version: '2012-10-17', Statement: [{ ...allow, Condition: { ...amr, ...(isNamed && aud) } }] }
}

const CLOUDFORMATION_TYPES: Readonly<Record<Kind, string>> = {
  pool: 'AWS::Cognito::UserPool',
  client: 'AWS::Cognito::UserPoolClient',
  role: 'AWS::IAM::Role',
  group: 'AWS::Cognito::UserPoolGroup',
  identity: 'AWS::Cognito::IdentityPool',
  attachment: 'AWS::Cognito::IdentityPoolRoleAttachment',
  member: 'AWS::Cognito::UserPoolUserToGroupAttachment',
}

function cloudFormation(
  drawn: Drawn,
  style: Style,
): { readonly template: object; readonly ids: ReadonlyMap<string, string> } {
  const name = (kind: Kind, index: number) => nameOf(kind, index, style)
  const ref = (kind: Kind, index: number) => ({ Ref: name(kind, index) })
  const arn = (role: number) => ({ 'Fn::GetAtt': [name('role', role), 'Arn'] })
  const provider = {
    'Fn::Sub': `cognito-idp.\${AWS::Region}.amazonaws.com/\${${name('pool', 0)}}:\${${name('client', 0)}}`,
  }
  const properties = (kind: Kind, index: number): object => {
    const group = drawn.groups[kind === 'member' ? drawn.members[index]!.group : index]
    switch (kind) {
      case 'pool':
        return { UserPoolName: `pool ${index}` }
      case 'client':
        return { UserPoolId: ref('pool', 0) }
      case 'role':
        return { AssumeRolePolicyDocument: trustPolicy(drawn.trusts[index]!) }
      case 'group':
        return {
          GroupName: group!.name,
          UserPoolId: ref('pool', group!.pool),
          ...(group!.precedence !== null && { Precedence: group!.precedence }),
          ...(group!.role !== null && { RoleArn: arn(group!.role) }),
        }
      case 'identity':
        return {
          AllowUnauthenticatedIdentities: false,
          CognitoIdentityProviders: [
            { ProviderName: { 'Fn::GetAtt': [name('pool', 0), 'ProviderName'] }, ClientId: ref('client', 0) },
          ],
        }
      case 'attachment':
        return {
          IdentityPoolId: ref('identity', 0),
          Roles: { authenticated: arn(0) },
          RoleMappings: {
            app: {
              IdentityProvider: provider,
              Type: drawn.mapping!.type,
              AmbiguousRoleResolution: drawn.mapping!.resolution,
            },
          },
        }
      case 'member':
        return { UserPoolId: ref('pool', group!.pool), Username: drawn.members[index]!.user, GroupName: group!.name }
    }
  }
  const resources = reorder(resourcesOf(drawn), ([kind, index]) => `${kind}${index}`, style)
  const ids = resources.flatMap(([kind, index]) => {
    const id = name(kind, index)
    return [
      [`\${${id}}`, `(${kind} ${index})`],
      [id, `(${kind} ${index})`],
    ] as const
  })
  return {
    template: {
      AWSTemplateFormatVersion: '2010-09-09',
      Resources: Object.fromEntries(
        resources.map(([kind, index]) => [
          name(kind, index),
          { Type: CLOUDFORMATION_TYPES[kind], Properties: properties(kind, index) },
        ]),
      ),
    },
    ids: new Map(ids),
  }
}

export const cloudFormationYaml: Renderer = (drawn, style) => {
  const { template, ids } = cloudFormation(drawn, style)
  return { text: `${toBlock(template, style, 0).trimStart()}\n`, path: 'template.yaml', ids }
}

export const cloudFormationJson: Renderer = (drawn, style) => {
  const { template, ids } = cloudFormation(drawn, style)
  return { text: toJson(template, style), path: 'template.json', ids }
}

function entriesOf(value: object, style: Style): readonly (readonly [string, unknown])[] {
  return reorder(Object.entries(value), ([key]) => key, style)
}

function reordered(value: unknown, style: Style): unknown {
  if (Array.isArray(value)) return value.map(item => reordered(item, style))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(entriesOf(value, style).map(([key, item]) => [key, reordered(item, style)]))
}

function toJson(value: unknown, style: Style): string {
  return JSON.stringify(reordered(value, style), undefined, style.flowFrom > 4 ? style.indent : 0)
}

function toBlock(value: unknown, style: Style, depth: number): string {
  if (typeof value !== 'object' || value === null || depth >= style.flowFrom || shortForm(value, style) !== undefined)
    return ` ${toFlow(value, style)}`
  const margin = `\n${' '.repeat(depth * style.indent)}`
  if (Array.isArray(value)) return value.map(item => `${margin}- ${toFlow(item, style)}`).join('')
  return entriesOf(value, style)
    .map(([key, item]) => {
      const comment = style.comments && hash(key, depth) % 3 === 0 ? `${margin}# ${key}: a comment` : ''
      return `${comment}${margin}${toFlow(key, style)}:${toBlock(item, style, depth + 1)}`
    })
    .join('')
}

function toFlow(value: unknown, style: Style): string {
  if (typeof value === 'string')
    return !style.quotes && /^(?!true|false|null)[a-z][\w:]*\w$/i.test(value) ? value : JSON.stringify(value)
  if (typeof value !== 'object' || value === null)
    return style.quotes && typeof value === 'number' ? `'${value}'` : String(value)
  if (Array.isArray(value)) return `[${value.map(item => toFlow(item, style)).join(', ')}]`
  return (
    shortForm(value, style) ??
    `{ ${entriesOf(value, style)
      .map(([key, item]) => `${toFlow(key, style)}: ${toFlow(item, style)}`)
      .join(', ')} }`
  )
}

function shortForm(value: object, style: Style): string | undefined {
  const [[name, operand] = []] = Object.entries(value)
  if (!style.shortForms || name === undefined || !/^(Ref|Fn::.*)$/.test(name)) return undefined
  return `!${name.replace('Fn::', '')} ${name === 'Fn::GetAtt' ? (operand as string[]).join('.') : toFlow(operand, style)}`
}

const TERRAFORM_TYPES: Readonly<Record<Kind, string>> = {
  pool: 'aws_cognito_user_pool',
  client: 'aws_cognito_user_pool_client',
  role: 'aws_iam_role',
  group: 'aws_cognito_user_group',
  identity: 'aws_cognito_identity_pool',
  attachment: 'aws_cognito_identity_pool_roles_attachment',
  member: 'aws_cognito_user_in_group',
}

/** What another resource gives, before it is there. */
interface Given {
  readonly of: readonly { readonly kind: Kind; readonly index: number; readonly attribute: string }[]
}

const given = (kind: Kind, index: number, attribute: string): Given => ({ of: [{ kind, index, attribute }] })
const isGiven = (value: unknown): value is Given => typeof value === 'object' && value !== null && 'of' in value

/** Under Terraform's names; a list has blocks. */
function attributesOf(drawn: Drawn, kind: Kind, index: number): Readonly<Record<string, unknown>> {
  const group = drawn.groups[kind === 'member' ? drawn.members[index]!.group : index]
  switch (kind) {
    case 'pool':
      return { name: `pool ${index}` }
    case 'client':
      return { name: 'client', user_pool_id: given('pool', 0, 'id') }
    case 'role':
      return { assume_role_policy: JSON.stringify(trustPolicy(drawn.trusts[index]!)) }
    case 'group':
      return {
        name: group!.name,
        user_pool_id: given('pool', group!.pool, 'id'),
        ...(group!.precedence !== null && { precedence: group!.precedence }),
        ...(group!.role !== null && { role_arn: given('role', group!.role, 'arn') }),
      }
    case 'identity':
      return {
        identity_pool_name: 'identities',
        cognito_identity_providers: [
          { client_id: given('client', 0, 'id'), provider_name: given('pool', 0, 'endpoint') },
        ],
      }
    case 'attachment': {
      const provider = { of: [...given('pool', 0, 'endpoint').of, ...given('client', 0, 'id').of] }
      return {
        identity_pool_id: given('identity', 0, 'id'),
        roles: { authenticated: given('role', 0, 'arn') },
        role_mapping: [
          {
            identity_provider: provider,
            type: drawn.mapping!.type,
            ambiguous_role_resolution: drawn.mapping!.resolution,
          },
        ],
      }
    }
    case 'member':
      return {
        user_pool_id: given('pool', group!.pool, 'id'),
        username: drawn.members[index]!.user,
        group_name: group!.name,
      }
  }
}

function terraform(drawn: Drawn, style: Style) {
  const address = (kind: Kind, index: number) => `${TERRAFORM_TYPES[kind]}.${nameOf(kind, index, style)}`
  const resources = reorder(resourcesOf(drawn), ([kind, index]) => `${kind}${index}`, style)
  const ids = new Map(resources.map(([kind, index]) => [address(kind, index), `(${kind} ${index})`]))
  return { address, resources, ids }
}

export const terraformPlan: Renderer = (drawn, style) => {
  const { address, resources, ids } = terraform(drawn, style)
  const without = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(without)
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(
            Object.entries(value)
              .filter(([, item]) => !isGiven(item))
              .map(([key, item]) => [key, without(item)]),
          )
        : value
  const unknown = (value: unknown): unknown =>
    isGiven(value)
      ? true
      : Array.isArray(value)
        ? value.map(unknown)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .filter(([, item]) => typeof item === 'object')
                .map(([key, item]) => [key, unknown(item)]),
            )
          : undefined
  const references = (value: Given) => ({
    references: value.of.flatMap(({ kind, index, attribute }) => [
      `${address(kind, index)}.${attribute}`,
      address(kind, index),
    ]),
  })
  const expressions = (value: object): object =>
    Object.fromEntries(
      Object.entries(value).map(([key, item]: [string, unknown]) => [
        key,
        isGiven(item)
          ? references(item)
          : Array.isArray(item)
            ? item.map(block => expressions(block as object))
            : typeof item === 'object' && item !== null
              ? references(Object.values(item)[0] as Given)
              : { constant_value: item },
      ]),
    )
  const each = (of: (attributes: object) => object) =>
    resources.map(([kind, index]) => ({
      address: address(kind, index),
      mode: 'managed',
      type: TERRAFORM_TYPES[kind],
      name: nameOf(kind, index, style),
      ...of(attributesOf(drawn, kind, index)),
    }))
  const plan = {
    format_version: '1.2',
    terraform_version: '1.9.0',
    planned_values: { root_module: { resources: each(attributes => ({ values: without(attributes) })) } },
    resource_changes: each(attributes => ({
      change: {
        actions: ['create'],
        before: null,
        after: without(attributes),
        after_unknown: { id: true, ...(unknown(attributes) as object) },
      },
    })),
    configuration: { root_module: { resources: each(attributes => ({ expressions: expressions(attributes) })) } },
  }
  return { text: toJson(plan, style), path: 'plan.json', ids }
}

export const terraformSource: Renderer = (drawn, style) => {
  const { address, resources, ids } = terraform(drawn, style)
  const margin = ' '.repeat(style.indent)
  const expression = (value: unknown): string =>
    isGiven(value)
      ? value.of.length === 1
        ? pathOf(value)
        : `"${value.of.map(one => `\${${pathOf({ of: [one] })}}`).join(':')}"`
      : typeof value === 'object' && value !== null
        ? `{ ${entriesOf(value, style)
            .map(([key, item]) => `${key} = ${expression(item)}`)
            .join(', ')} }`
        : JSON.stringify(value)
  const pathOf = ({ of: [one] }: Given) => `${address(one!.kind, one!.index)}.${one!.attribute}`
  const body = (attributes: object, inset: string): string =>
    entriesOf(attributes, style)
      .map(([key, value]) =>
        Array.isArray(value)
          ? value.map(block => `${inset}${key} {\n${body(block as object, inset + margin)}${inset}}\n`).join('')
          : `${style.comments ? `${inset}// a comment\n` : ''}${inset}${key} = ${expression(value)}\n`,
      )
      .join('')
  const text = resources.map(
    ([kind, index]) =>
      `${style.comments ? '# a comment\n' : ''}resource "${TERRAFORM_TYPES[kind]}" "${nameOf(kind, index, style)}" {\n${body(attributesOf(drawn, kind, index), margin)}}\n`,
  )
  return { text: text.join('\n'), path: 'main.tf', ids }
}

const PULUMI_TYPES: Readonly<Record<Kind, string>> = {
  pool: 'aws:cognito/userPool:UserPool',
  client: 'aws:cognito/userPoolClient:UserPoolClient',
  role: 'aws:iam/role:Role',
  group: 'aws:cognito/userGroup:UserGroup',
  identity: 'aws:cognito/identityPool:IdentityPool',
  attachment: 'aws:cognito/identityPoolRoleAttachment:IdentityPoolRoleAttachment',
  member: 'aws:cognito/userInGroup:UserInGroup',
}
const PULUMI_UNKNOWN = '04da6b54-80e4-46f7-96ec-b56ff0331ba9'

export const pulumiPreview: Renderer = (drawn, style) => {
  const urn = (kind: Kind, index: number) =>
    `urn:pulumi:dev::shop::${PULUMI_TYPES[kind]}::${nameOf(kind, index, style)}`
  const named = (name: string) =>
    name === 'role_mapping' ? 'roleMappings' : name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
  const inputs = (value: unknown, isBlock: boolean): unknown =>
    isGiven(value)
      ? PULUMI_UNKNOWN
      : Array.isArray(value)
        ? value.map(item => inputs(item, true))
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value).map(([key, item]) => [isBlock ? named(key) : key, inputs(item, key !== 'roles')]),
            )
          : value
  const dependencies = (value: unknown): readonly string[] =>
    isGiven(value)
      ? value.of.map(({ kind, index }) => urn(kind, index))
      : typeof value === 'object' && value !== null
        ? Object.values(value).flatMap(dependencies)
        : []
  const resources = reorder(resourcesOf(drawn), ([kind, index]) => `${kind}${index}`, style)
  const steps = resources.map(([kind, index]) => {
    const attributes = attributesOf(drawn, kind, index)
    return {
      op: 'create',
      urn: urn(kind, index),
      newState: {
        urn: urn(kind, index),
        custom: true,
        type: PULUMI_TYPES[kind],
        inputs: inputs(attributes, true),
        propertyDependencies: Object.fromEntries(
          Object.entries(attributes).map(([key, value]) => [named(key), dependencies(value)]),
        ),
      },
    }
  })
  const ids = new Map(resources.map(([kind, index]) => [urn(kind, index), `(${kind} ${index})`]))
  return {
    text: toJson({ config: {}, steps, changeSummary: { create: steps.length } }, style),
    path: 'preview.json',
    ids,
  }
}

/** All that findings say but for places, with the same words for the same resources. */
export function saidOf(findings: readonly Finding[], ids: ReadonlyMap<string, string>): readonly string[] {
  const canonical = (text: string) => [...ids].reduce((replaced, [id, name]) => replaced.replaceAll(id, name), text)
  return findings
    .map(({ ruleId, severity, message, pool, groups, resources, key }) =>
      JSON.stringify([
        ruleId,
        severity,
        canonical(message),
        canonical(pool),
        groups,
        resources.map(canonical).toSorted(),
        canonical(key),
      ]),
    )
    .toSorted()
}
