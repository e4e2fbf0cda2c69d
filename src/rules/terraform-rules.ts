import { quote } from '../errors.js'
import { BY_RULES, neverPreferredImpact, NO_ROLES_IMPACT } from './identity-pool-use.js'
import type { GroupView } from './pool-view.js'
import { about, type CheckedPool, defineRule, hcl, json, type RuleDraft } from './rule.js'
import { hasRole, mayHaveRole } from './ties.js'

const USER_GROUP =
  'https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/cognitoidp/user_group.go'

const terraformZero = defineRule({
  id: 'COG110',
  slug: 'terraform-zero',
  title: 'Terraform does not send a precedence of 0',
  severity: 'error',
  context:
    'A warning where the group exists already, because the effect then depends on how it got the 0. A note where the group has no role.',
  lowersUncertain: true,
  enabled: true,
  what: 'Terraform\'s AWS provider, and Pulumi\'s classic provider which is built on it, take 0 for "not set" when they create a group. The group gets no precedence, so it ranks last and not first, and its role is never preferred.',
  why: "0 is the highest rank in Cognito, so the group that is intended to win always loses. The provider's source was read in versions from 2019 to 2025, and they all do the same.",
  fix: 'Start at 1.',
  avoid: hcl(`
    resource "aws_cognito_user_group" "admins" {
      name         = "admins"
      user_pool_id = aws_cognito_user_pool.main.id
      precedence   = 0
      role_arn     = "arn:aws:iam::111122223333:role/Admin"
    }
  `),
  prefer: hcl(`
    resource "aws_cognito_user_group" "admins" {
      name         = "admins"
      user_pool_id = aws_cognito_user_pool.main.id
      precedence   = 1
      role_arn     = "arn:aws:iam::111122223333:role/Admin"
    }
  `),
  see: USER_GROUP,
  check(pool) {
    return pool.groups
      .filter(({ terraform }) => terraform?.effect === 'zero-not-sent')
      .map((group): RuleDraft => {
        const name = quote(group.name)
        const draft = aboutPrecedence(
          pool,
          group,
          group.terraform!.certain
            ? `${name} has precedence 0, which Terraform does not send when it creates a group. The group has no precedence in Cognito, ${mayHaveRole(group) ? 'ranks last and not first, and its role is never preferred' : 'and ranks last and not first'}.`
            : `${name} has precedence 0, which Terraform sends when it changes a group and not when it creates one. If it created the group with the 0, the group has no precedence in Cognito, and ranks last and not first.`,
        )
        return hasRole(group) === false
          ? { ...draft, severity: 'note', impact: NO_ROLES_IMPACT }
          : { ...draft, impact: neverPreferredImpact(pool.use) }
      })
  },
})

const precedenceRemoved = defineRule({
  id: 'COG111',
  slug: 'precedence-removed',
  title: 'A plan removes a precedence, and Terraform sends 0',
  severity: 'error',
  context: 'A note where the group has no role, because Cognito then passes it over for the groups that have one.',
  lowersUncertain: true,
  enabled: true,
  what: 'When the attribute is removed from a group that exists, the provider sends 0. The group then ranks first and not last.',
  why: 'A precedence is removed to leave the group without a rank; instead, the group gets the highest rank. Cognito itself cannot clear a precedence.',
  fix: 'Keep a number, or delete the group and recreate it without one.',
  avoid: json(`
    {
      "format_version": "1.2",
      "planned_values": {
        "root_module": {
          "resources": [
            {
              "address": "aws_cognito_user_group.guests",
              "mode": "managed",
              "type": "aws_cognito_user_group",
              "name": "guests",
              "values": { "name": "guests", "precedence": null, "user_pool_id": "eu-west-1_Ab12Cd34e" }
            }
          ]
        }
      },
      "resource_changes": [
        {
          "address": "aws_cognito_user_group.guests",
          "change": {
            "actions": ["update"],
            "before": { "name": "guests", "precedence": 50, "user_pool_id": "eu-west-1_Ab12Cd34e" },
            "after": { "name": "guests", "precedence": null, "user_pool_id": "eu-west-1_Ab12Cd34e" }
          }
        }
      ]
    }
  `),
  prefer: json(`
    {
      "format_version": "1.2",
      "planned_values": {
        "root_module": {
          "resources": [
            {
              "address": "aws_cognito_user_group.guests",
              "mode": "managed",
              "type": "aws_cognito_user_group",
              "name": "guests",
              "values": { "name": "guests", "precedence": 99, "user_pool_id": "eu-west-1_Ab12Cd34e" }
            }
          ]
        }
      },
      "resource_changes": [
        {
          "address": "aws_cognito_user_group.guests",
          "change": {
            "actions": ["update"],
            "before": { "name": "guests", "precedence": 50, "user_pool_id": "eu-west-1_Ab12Cd34e" },
            "after": { "name": "guests", "precedence": 99, "user_pool_id": "eu-west-1_Ab12Cd34e" }
          }
        }
      ]
    }
  `),
  see: USER_GROUP,
  check(pool) {
    return pool.groups
      .filter(({ terraform }) => terraform?.effect === 'zero-sent')
      .map(group => {
        const cause = `The precedence of ${quote(group.name)} is removed, and Terraform sends 0 for it.`
        const draft = aboutPrecedence(
          pool,
          group,
          group.terraform!.certain
            ? `${cause} The group ranks first of all, not last.`
            : `${cause} The group may rank first of all, not last.`,
        )
        const gives = `An identity pool with Token ${group.terraform!.certain ? 'gives' : 'may give'} members of the group its role before any other.`
        return hasRole(group) === false
          ? { ...draft, severity: 'note', impact: NO_ROLES_IMPACT }
          : { ...draft, impact: pool.use.rulesOnly ? BY_RULES : gives }
      })
  },
})

function aboutPrecedence(pool: CheckedPool, group: GroupView, message: string): RuleDraft {
  const { definition, terraform } = group
  return {
    ...about(pool, [group]),
    location: definition.precedence.location ?? definition.location,
    severity: terraform!.certain ? 'error' : 'warning',
    message,
  }
}

export const TERRAFORM_RULES = [terraformZero, precedenceRemoved] as const
