output "role_arn" {
  description = "For worker.roleArn of the chart, and for the trust policies of the roles that the worker assumes."
  value       = aws_iam_role.worker.arn
}

output "audit_s3" {
  description = "For audit.s3 of eks-access.yml: bucket, account and prefix. The region is the provider's. null: no bucket."
  value = (
    var.audit_bucket == null
    ? null
    : { bucket = var.audit_bucket.name, account = data.aws_caller_identity.this.account_id, prefix = "eks-access/" }
  )
}
