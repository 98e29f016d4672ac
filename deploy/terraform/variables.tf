variable "oidc_provider_arn" {
  description = "For IRSA: the IAM OIDC provider of the cluster in which the worker runs. Set this or pod_identity_cluster."
  type        = string
  default     = null

  validation {
    condition     = var.oidc_provider_arn == null || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/.+$", var.oidc_provider_arn))
    error_message = "Use the ARN of an IAM OIDC provider: arn:aws:iam::…:oidc-provider/oidc.eks.…"
  }
}

variable "pod_identity_cluster" {
  description = "For EKS Pod Identity: the name of the cluster in which the worker runs. Set this or oidc_provider_arn."
  type        = string
  default     = null
}

variable "role_arns" {
  description = "The roles that the worker assumes: each cluster's creator or operator, or the first role on the way to it."
  type        = list(string)
  default     = []

  validation {
    # A wildcard reaches every role that trusts the account.
    condition     = alltrue([for arn in var.role_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[^*?]+$", arn))])
    error_message = "Name each role with its whole ARN, without * or ?. For one role in each account use fleet."
  }
}

variable "fleet" {
  description = "One role of the same name in each account of your organization, as deploy/cloudformation makes it."
  type = object({
    organization_id = string
    role_name       = optional(string, "eks-access-operator")
  })
  default = null

  validation {
    condition     = var.fleet == null || can(regex("^o-[a-z0-9]{10,32}$", var.fleet.organization_id))
    error_message = "organization_id is the id of AWS Organizations: o-…"
  }
  validation {
    condition     = var.fleet == null || can(regex("^[A-Za-z0-9+=,.@_/-]+$", var.fleet.role_name))
    error_message = "role_name is one name, without * or ?."
  }
}

variable "audit_bucket" {
  description = "A new bucket for the audit log, whose objects S3 locks for so many days. It has to be set: null only if the log goes elsewhere."
  type = object({
    name      = string
    lock_days = optional(number, 400)
  })

  validation {
    condition     = var.audit_bucket == null || can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.audit_bucket.name))
    error_message = "name is the name of an S3 bucket."
  }
  validation {
    condition     = var.audit_bucket == null || try(var.audit_bucket.lock_days >= 1, false)
    error_message = "lock_days is 1 or more."
  }
}

variable "find_creators" {
  description = "Whether the worker can look for CreateCluster in CloudTrail: for creator: discover, and /eks-access creator."
  type        = bool
  default     = true
}

variable "name" {
  description = "The name of the worker's role."
  type        = string
  default     = "eks-access-worker"
}

variable "path" {
  description = "The IAM path of the worker's role."
  type        = string
  default     = "/"
}

variable "permissions_boundary" {
  description = "The ARN of a permissions boundary."
  type        = string
  default     = null
}

variable "namespace" {
  description = "The namespace in which the worker runs."
  type        = string
  default     = "eks-access"
}

variable "service_account" {
  description = "The worker's service account. The chart and the manifests name it so."
  type        = string
  default     = "eks-access-worker"
}

variable "tags" {
  description = "Tags of the role."
  type        = map(string)
  default     = {}
}
