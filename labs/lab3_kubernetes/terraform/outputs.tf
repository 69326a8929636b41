# What the next steps need.

output "kubeconfig_command" {
  description = "Writes a kubeconfig for the cluster."
  value       = "aws eks update-kubeconfig --region ${var.region} --name ${var.project}"
}

output "registry" {
  description = "Where images are pushed to."
  value       = aws_ecr_repository.ml_api.repository_url
}

output "ci_role" {
  description = "The role that GitHub Actions assume."
  value       = aws_iam_role.ci.arn
}

output "models_bucket" {
  description = "Where models lie."
  value       = aws_s3_bucket.models.bucket
}
