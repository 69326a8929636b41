# What everything else stands on: versions, the place of the state, the account and its tags.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # The state of Terraform: in a bucket, encrypted, and locked while someone applies. Bucket and region are said by
  # `terraform init -backend-config=state.tfbackend`, since a backend knows no variables.
  # TODO 3.7: A cluster as code
}

# Each resource of this configuration carries these tags: whose it is, and what made it.
provider "aws" {
  region = var.region

  # TODO 3.7: A cluster as code
}
