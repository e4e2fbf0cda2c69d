terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

provider "aws" {
  region = "eu-west-1"
}

module "auth" {
  source = "./modules/auth"

  # The lowest number wins, and each group has a number of its own. Terraform's provider sends no 0.
  groups = {
    admins  = 1
    editors = 10
    readers = 20
  }
}
