# Nobody looks at a bill before it comes. This looks each day.

locals {
  budget_name = "${var.project}-monthly"
}

# TODO 3.7: A cluster as code
