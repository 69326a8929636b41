# What may differ from one account to another.

variable "region" {
  description = "AWS region in which everything stands."
  type        = string
  default     = "eu-central-1"
}

variable "project" {
  description = "Name of the project: a prefix of names, and a tag."
  type        = string
  default     = "mlops-lab"
}

variable "owner" {
  description = "Who answers for the cost: a tag."
  type        = string
}

variable "github_repository" {
  description = "Repository whose main branch may push images, as `owner/name`."
  type        = string
}

variable "alarm_email" {
  description = "Address that hears of the cost."
  type        = string
}

variable "node_type" {
  description = "EC2 instance type of the nodes."
  type        = string
  default     = "t3.large"
}

# `api_cidrs`: the networks from which the API of the cluster can be reached, without a default.
# `monthly_budget_usd`: the cost of a month, in US dollars, at which the alarm goes off.
# solution 3.7
variable "api_cidrs" {
  description = "Networks from which the API of the cluster can be reached, such as that of your office."
  type        = list(string)

  validation {
    condition     = !contains(var.api_cidrs, "0.0.0.0/0")
    error_message = "0.0.0.0/0 is the whole world."
  }
}

variable "monthly_budget_usd" {
  description = "Cost of a month in US dollars at which the alarm goes off."
  type        = number
  default     = 50
}
# end solution
