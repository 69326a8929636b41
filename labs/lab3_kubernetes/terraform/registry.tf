# Where images and models lie.

# TODO 3.7: A cluster as code

resource "aws_s3_bucket" "models" {
  bucket_prefix = "${var.project}-models-"
  # TODO 3.7: A cluster as code
}

# TODO 3.7: A cluster as code
