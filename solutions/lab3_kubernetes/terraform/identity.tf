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
  # solution 3.7
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.github.arn]
    }
    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:aud"
      values   = ["sts.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "token.actions.githubusercontent.com:sub"
      values   = ["repo:${var.github_repository}:ref:refs/heads/main"]
    }
  }
  # end solution
}

# `ci`: push images to the one repository. Only GetAuthorizationToken knows no resource.
data "aws_iam_policy_document" "ci" {
  # solution 3.7
  statement {
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }
  statement {
    actions = [
      "ecr:BatchCheckLayerAvailability",
      "ecr:BatchGetImage",
      "ecr:CompleteLayerUpload",
      "ecr:InitiateLayerUpload",
      "ecr:PutImage",
      "ecr:UploadLayerPart",
    ]
    resources = [aws_ecr_repository.ml_api.arn]
  }
  # end solution
}

# `ml_api_trust`: the service `pods.eks.amazonaws.com`, which also tags the session.
data "aws_iam_policy_document" "ml_api_trust" {
  # solution 3.7
  statement {
    actions = ["sts:AssumeRole", "sts:TagSession"]
    principals {
      type        = "Service"
      identifiers = ["pods.eks.amazonaws.com"]
    }
  }
  # end solution
}

# `ml_api`: list the bucket of models, and read what is in it.
data "aws_iam_policy_document" "ml_api" {
  # solution 3.7
  statement {
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.models.arn]
  }
  statement {
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.models.arn}/*"]
  }
  # end solution
}

# Which pods have that role: those of one service account in one namespace. `overlays/eks` has both.
# solution 3.7
resource "aws_eks_pod_identity_association" "ml_api" {
  cluster_name    = aws_eks_cluster.main.name
  namespace       = "ml-api"
  service_account = "ml-api"
  role_arn        = aws_iam_role.ml_api.arn
}
# end solution
