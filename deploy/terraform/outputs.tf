output "role_arn" {
  description = "For worker.roleArn of the chart, and for the trust policies of the roles that the worker assumes."
  value       = aws_iam_role.worker.arn
}
