/** A role's ARN as the authenticator compares it: without its path. A user keeps its own. */
export function withoutRolePath(arn: string): string {
  return arn.replace(/:role\/.*\//, ":role/");
}

/**
 * The ARN by which a cluster's entries name a principal; null: none does. The name of a role is its own in the whole account,
 * whatever its path, so there is no doubt which one is meant (IAM User Guide, "IAM identifiers").
 *
 * @param arns as the entries have them
 * @param principalArn a role without its path
 */
export function entryArnIn(arns: readonly string[], principalArn: string): string | null {
  const wanted = principalArn.toLowerCase();
  return arns.find((arn) => withoutRolePath(arn).toLowerCase() === wanted) ?? null;
}
