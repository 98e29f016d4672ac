# The AWS identity of the worker: one role, which its service account alone gets. The Slack process gets none.
# A test compares each statement with deploy/iam.

data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}

locals {
  # arn:aws:iam::111122223333:oidc-provider/oidc.eks.… → oidc.eks.…
  issuer = var.oidc_provider_arn == null ? "" : split(":oidc-provider/", var.oidc_provider_arn)[1]
}

resource "aws_iam_role" "worker" {
  name                 = var.name
  path                 = var.path
  description          = "The worker of eks-access"
  permissions_boundary = var.permissions_boundary
  assume_role_policy = (
    var.oidc_provider_arn == null
    ? data.aws_iam_policy_document.pod_identity_trust.json
    : data.aws_iam_policy_document.irsa_trust.json
  )
  tags = var.tags

  lifecycle {
    precondition {
      condition     = (var.oidc_provider_arn == null) != (var.pod_identity_cluster == null)
      error_message = "Set oidc_provider_arn for IRSA, or pod_identity_cluster for EKS Pod Identity, and not both."
    }
    precondition {
      condition     = length(var.role_arns) > 0 || var.fleet != null
      error_message = "Set role_arns or fleet: the worker has to become a role of each cluster."
    }
  }
}

data "aws_iam_policy_document" "irsa_trust" {
  statement {
    sid     = "OnlyTheWorkersServiceAccount"
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [coalesce(var.oidc_provider_arn, "none")]
    }
    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:sub"
      values   = ["system:serviceaccount:${var.namespace}:${var.service_account}"]
    }
  }
}

data "aws_iam_policy_document" "pod_identity_trust" {
  statement {
    sid     = "OnlyPodIdentityOfThisAccount"
    actions = ["sts:AssumeRole", "sts:TagSession"]

    principals {
      type        = "Service"
      identifiers = ["pods.eks.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }
}

resource "aws_eks_pod_identity_association" "worker" {
  count = var.pod_identity_cluster == null ? 0 : 1

  cluster_name    = var.pod_identity_cluster
  namespace       = var.namespace
  service_account = var.service_account
  role_arn        = aws_iam_role.worker.arn
  # They go on to the next role, whose trust policy takes our two tags alone.
  disable_session_tags = true
}

resource "aws_iam_role_policy" "roles" {
  count = length(var.role_arns) > 0 ? 1 : 0

  name   = "become-roles"
  role   = aws_iam_role.worker.id
  policy = data.aws_iam_policy_document.roles.json
}

data "aws_iam_policy_document" "roles" {
  statement {
    sid       = "BecomeTheCreators"
    actions   = ["sts:AssumeRole"]
    resources = var.role_arns
  }
  statement {
    sid       = "SayForWhomAndForWhichRequests"
    actions   = ["sts:SetSourceIdentity", "sts:TagSession"]
    resources = var.role_arns
  }
}

resource "aws_iam_role_policy" "fleet" {
  count = var.fleet == null ? 0 : 1

  name   = "become-the-role-of-each-account"
  role   = aws_iam_role.worker.id
  policy = data.aws_iam_policy_document.fleet.json
}

data "aws_iam_policy_document" "fleet" {
  statement {
    sid       = "BecomeTheRoleOfEachAccount"
    actions   = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]
    resources = ["arn:${data.aws_partition.this.partition}:iam::*:role/${try(var.fleet.role_name, "none")}"]

    # The account is open, so the organization is not.
    condition {
      test     = "StringEquals"
      variable = "aws:ResourceOrgID"
      values   = [try(var.fleet.organization_id, "none")]
    }
  }
}

# The audit log outside of Redis. No one can delete or overwrite an object before its time is over, not even the account's root user.
resource "aws_s3_bucket" "audit" {
  count = var.audit_bucket == null ? 0 : 1

  bucket              = var.audit_bucket.name
  object_lock_enabled = true
  tags                = var.tags

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "audit" {
  count = var.audit_bucket == null ? 0 : 1

  bucket = aws_s3_bucket.audit[0].id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_object_lock_configuration" "audit" {
  count = var.audit_bucket == null ? 0 : 1

  bucket = aws_s3_bucket_versioning.audit[0].bucket
  rule {
    default_retention {
      mode = "COMPLIANCE"
      days = var.audit_bucket.lock_days
    }
  }
}

resource "aws_s3_bucket_public_access_block" "audit" {
  count = var.audit_bucket == null ? 0 : 1

  bucket                  = aws_s3_bucket.audit[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_iam_role_policy" "audit" {
  count = var.audit_bucket == null ? 0 : 1

  name   = "store-audit-events"
  role   = aws_iam_role.worker.id
  policy = data.aws_iam_policy_document.audit.json
}

data "aws_iam_policy_document" "audit" {
  statement {
    sid       = "StoreAuditEventsOnce"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:PutObjectRetention"]
    resources = ["arn:${data.aws_partition.this.partition}:s3:::${try(var.audit_bucket.name, "none")}/eks-access/*"]
  }
}

resource "aws_iam_role_policy" "creators" {
  count = var.find_creators ? 1 : 0

  name   = "find-creators"
  role   = aws_iam_role.worker.id
  policy = data.aws_iam_policy_document.creators.json
}

data "aws_iam_policy_document" "creators" {
  statement {
    sid       = "LookForTheCreation"
    actions   = ["cloudtrail:LookupEvents"]
    resources = ["*"]
  }
}
