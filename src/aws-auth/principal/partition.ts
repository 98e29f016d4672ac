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

/** By how their regions' names begin (partitions.json of the AWS SDKs); the longer beginnings first. */
const regionsOfPartitions: readonly (readonly [RegExp, (typeof PARTITIONS)[number]])[] = [
  [/^cn-/, "aws-cn"],
  [/^us-gov-/, "aws-us-gov"],
  [/^us-iso-/, "aws-iso"],
  [/^us-isob-/, "aws-iso-b"],
  [/^eu-isoe-/, "aws-iso-e"],
  [/^us-isof-/, "aws-iso-f"],
  [/^eusc-/, "aws-eusc"],
  [/^(?:af|ap|ca|eu|il|me|mx|sa|us)-[a-z]+-\d+$/, "aws"],
];

/** The partition that a region is of; null for a region of which this program does not know it. */
export function partitionOfRegion(region: string): string | null {
  return regionsOfPartitions.find(([form]) => form.test(region))?.[1] ?? null;
}
