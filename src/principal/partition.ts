/** The partitions that AWS has. aws-auth entries of any other never match: the authenticator knows no caller from there. */
export const PARTITIONS = [
  "aws",
  "aws-cn",
  "aws-us-gov",
  "aws-iso",
  "aws-iso-b",
  "aws-iso-e",
  "aws-iso-f",
  "aws-eusc",
] as const;

/** Whether this is a partition of AWS, or the cluster's own. */
export function isPartition(name: string | undefined, own?: string): boolean {
  return name !== undefined && (name === own || PARTITIONS.some((partition) => partition === name));
}
