# Where images and models lie.

# solution 3.7
resource "aws_ecr_repository" "ml_api" {
  name                 = "${var.project}/ml-api"
  image_tag_mutability = "IMMUTABLE"
  force_delete         = true

  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecr_lifecycle_policy" "ml_api" {
  repository = aws_ecr_repository.ml_api.name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "Keep twenty images: a rollback needs one, a bill counts all."
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 20 }
      action       = { type = "expire" }
    }]
  })
}
# end solution

resource "aws_s3_bucket" "models" {
  bucket_prefix = "${var.project}-models-"
  # solution 3.7
  force_destroy = true
  # end solution
}

# solution 3.7
resource "aws_s3_bucket_public_access_block" "models" {
  bucket                  = aws_s3_bucket.models.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "models" {
  bucket = aws_s3_bucket.models.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "aws:kms"
    }
  }
}

resource "aws_s3_bucket_versioning" "models" {
  bucket = aws_s3_bucket.models.id
  versioning_configuration {
    status = "Enabled"
  }
}
# end solution
