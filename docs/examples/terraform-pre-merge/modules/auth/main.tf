variable "groups" {
  description = "The precedence of each group."
  type        = map(number)
}

resource "aws_cognito_user_pool" "users" {
  name = "users"
}

resource "aws_cognito_user_pool_client" "web" {
  name                = "web"
  user_pool_id        = aws_cognito_user_pool.users.id
  explicit_auth_flows = ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
}

resource "aws_cognito_identity_pool" "users" {
  identity_pool_name               = "users"
  allow_unauthenticated_identities = false

  cognito_identity_providers {
    client_id     = aws_cognito_user_pool_client.web.id
    provider_name = aws_cognito_user_pool.users.endpoint
  }
}

resource "aws_cognito_identity_pool_roles_attachment" "users" {
  identity_pool_id = aws_cognito_identity_pool.users.id
  roles            = { authenticated = aws_iam_role.group["readers"].arn }

  role_mapping {
    identity_provider         = "${aws_cognito_user_pool.users.endpoint}:${aws_cognito_user_pool_client.web.id}"
    type                      = "Token"
    ambiguous_role_resolution = "Deny"
  }
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = ["cognito-identity.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "cognito-identity.amazonaws.com:aud"
      values   = [aws_cognito_identity_pool.users.id]
    }

    condition {
      test     = "ForAnyValue:StringLike"
      variable = "cognito-identity.amazonaws.com:amr"
      values   = ["authenticated"]
    }
  }
}

resource "aws_iam_role" "group" {
  for_each           = var.groups
  name               = "users-${each.key}"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_cognito_user_group" "group" {
  for_each     = var.groups
  name         = each.key
  user_pool_id = aws_cognito_user_pool.users.id
  precedence   = each.value
  role_arn     = aws_iam_role.group[each.key].arn
}

output "user_pool_id" {
  value = aws_cognito_user_pool.users.id
}
