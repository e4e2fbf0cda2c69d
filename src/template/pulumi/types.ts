import type { Location, NotFollowed } from '../../rules/infrastructure.js'
import { quote } from '../../errors.js'
import type { AwsResource } from '../terraform/aws-resources.js'
import { type Term, listOfTerms } from '../terraform/term.js'

const NATIVE_GROUP = 'aws-native:cognito:UserPoolGroup'

/** Pulumi's types, as those of Terraform's AWS provider, on which its classic provider is built. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ['aws:cognito/userGroup:UserGroup', 'aws_cognito_user_group'],
  ['aws:cognito/userPool:UserPool', 'aws_cognito_user_pool'],
  ['aws:cognito/userPoolClient:UserPoolClient', 'aws_cognito_user_pool_client'],
  ['aws:cognito/identityPool:IdentityPool', 'aws_cognito_identity_pool'],
  ['aws:cognito/identityPoolRoleAttachment:IdentityPoolRoleAttachment', 'aws_cognito_identity_pool_roles_attachment'],
  ['aws:cognito/userInGroup:UserInGroup', 'aws_cognito_user_in_group'],
  ['aws:iam/role:Role', 'aws_iam_role'],
  [NATIVE_GROUP, 'aws_cognito_user_group'],
  ['aws-native:cognito:UserPool', 'aws_cognito_user_pool'],
  ['aws-native:cognito:UserPoolClient', 'aws_cognito_user_pool_client'],
  ['aws-native:cognito:IdentityPool', 'aws_cognito_identity_pool'],
  ['aws-native:cognito:IdentityPoolRoleAttachment', 'aws_cognito_identity_pool_roles_attachment'],
  ['aws-native:cognito:UserPoolUserToGroupAttachment', 'aws_cognito_user_in_group'],
  ['aws-native:iam:Role', 'aws_iam_role'],
])

/** Types of Cognito that decide nothing about groups and roles. */
const HARMLESS =
  /^aws(?:-native)?:cognito[:/](?:\w+:)?(?:UserPoolDomain|ResourceServer|UserPoolResourceServer|IdentityProvider|UserPoolIdentityProvider|User|UserPoolUser|RiskConfiguration|UserPoolRiskConfigurationAttachment|UserPoolUICustomization|UserPoolUiCustomizationAttachment|ManagedLoginBranding|ManagedUserPoolClient|LogDeliveryConfiguration|IdentityPoolPrincipalTag|IdentityPoolProviderPrincipalTag)$/

/** `aws:cognito:UserGroup`, the short form that YAML has too, as `aws:cognito/userGroup:UserGroup`. */
export function canonicalType(type: string): string {
  const [, module, name] = /^aws:(\w+):(\w+)$/.exec(type) ?? []
  return module === undefined || name === undefined
    ? type
    : `aws:${module}/${name.charAt(0).toLowerCase()}${name.slice(1)}:${name}`
}

/** Terraform's name for a type that decides about groups and roles; undefined for all others. */
export function awsTypeOf(pulumiType: string): string | undefined {
  return TYPES.get(pulumiType)
}

/** Names that differ in Terraform in more than case. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['roleMappings', 'role_mapping'],
  ['mappingRules', 'mapping_rule'],
  ['assumeRolePolicyDocument', 'assume_role_policy'],
])

export function terraformName(name: string): string {
  return NAMES.get(name) ?? name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}

/** Terraform's name for a property of a resource. */
export function attributeName(pulumiType: string, property: string): string {
  return pulumiType === NATIVE_GROUP && property === 'groupName' ? 'name' : terraformName(property)
}

/** Whether the keys in the property's value are names of properties; those of `roles` are the author's. */
export function isBlock(property: string): boolean {
  return property === 'roleMappings' || property === 'cognitoIdentityProviders'
}

/** Which zeros and removed numbers are sent: the classic provider is built on Terraform's. */
export function providerOf(pulumiType: string): AwsResource['provider'] {
  return pulumiType.startsWith('aws:') ? 'terraform' : undefined
}

/** The mappings of `aws-native:` are CloudFormation's: by key, and with the rules in `rulesConfiguration`. */
export function withClassicMappings(
  pulumiType: string,
  attributes: ReadonlyMap<string, Term>,
): ReadonlyMap<string, Term> {
  const mappings = attributes.get('role_mapping')
  if (!pulumiType.startsWith('aws-native:') || mappings?.is !== 'map') return attributes
  const list = [...mappings.entries].map(([key, mapping]): Term => {
    if (mapping.is !== 'map') return mapping
    const entries = new Map(mapping.entries)
    const rules = entries.get('rules_configuration')
    if (rules?.is === 'map') entries.set('mapping_rule', rules.entries.get('rules') ?? listOfTerms([]))
    else if (rules !== undefined) entries.set('mapping_rule', rules)
    if (!entries.has('identity_provider'))
      entries.set('identity_provider', { is: 'scalar', value: key, text: key, at: mapping.at })
    return { ...mapping, entries }
  })
  return new Map([...attributes, ['role_mapping', { is: 'list', items: list, at: mappings.at }]])
}

const NEXT = 'Validate what it deploys: `rolecast validate --user-pool-id ID`'

/**
 * A note on a resource of an unknown type that may define groups or roles; undefined if nothing suggests that.
 *
 * @param speaks whether its inputs mention Cognito
 */
export function notFollowedType(
  pulumiType: string,
  id: string,
  location: Location,
  speaks: () => boolean,
): NotFollowed | undefined {
  if (TYPES.has(pulumiType) || HARMLESS.test(pulumiType) || PULUMIS_OWN.test(pulumiType)) return undefined
  const isStack = /^aws(?:-native)?:cloudformation[:/](?:stack:)?Stack$/.test(pulumiType)
  const isOfCognito = /cognito|user-?(?:pool|group)/i.test(pulumiType)
  if (!isStack && !isOfCognito && !(MAKING.test(pulumiType) && speaks())) return undefined
  return {
    what: `The resource ${quote(id)}`,
    why: isStack
      ? 'it is a separate CloudFormation stack'
      : `its type ${quote(pulumiType)} is not one whose groups and mappings are known`,
    next: isStack ? 'Validate its template too' : NEXT,
    location,
  }
}

/** Providers, stacks and references to them. */
const PULUMIS_OWN = /^pulumi:/

/** Types that run programs or create their own resources. */
const MAKING = /^(?:command:|pulumi-(?:nodejs|python):dynamic)|:index:/
