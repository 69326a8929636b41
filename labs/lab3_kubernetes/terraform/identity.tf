# Who may do what, without a single key: GitHub proves who it is by OIDC, a pod by Pod Identity.

resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "ci" {
  name               = "${var.project}-ci"
  assume_role_policy = data.aws_iam_policy_document.ci_trust.json
}

resource "aws_iam_role_policy" "ci" {
  name   = "push"
  role   = aws_iam_role.ci.id
  policy = data.aws_iam_policy_document.ci.json
}

resource "aws_iam_role" "ml_api" {
  name               = "${var.project}-ml-api"
  assume_role_policy = data.aws_iam_policy_document.ml_api_trust.json
}

resource "aws_iam_role_policy" "ml_api" {
  name   = "read-models"
  role   = aws_iam_role.ml_api.id
  policy = data.aws_iam_policy_document.ml_api.json
}

# `ci_trust`: GitHub's provider, for the main branch of the repository and this audience alone.
data "aws_iam_policy_document" "ci_trust" {
  # TODO 3.7: A cluster as code
}

# `ci`: push images to the one repository. Only GetAuthorizationToken knows no resource.
data "aws_iam_policy_document" "ci" {
  # TODO 3.7: A cluster as code
}

# `ml_api_trust`: the service `pods.eks.amazonaws.com`, which also tags the session.
data "aws_iam_policy_document" "ml_api_trust" {
  # TODO 3.7: A cluster as code
}

# `ml_api`: list the bucket of models, and read what is in it.
data "aws_iam_policy_document" "ml_api" {
  # TODO 3.7: A cluster as code
}

# Which pods have that role: those of one service account in one namespace. `overlays/eks` has both.
# TODO 3.7: A cluster as code
