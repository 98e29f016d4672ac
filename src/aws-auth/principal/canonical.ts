import { isPartition } from "./partition.ts";

/**
 * What the authenticator compares with the entries (before it lowers the case): for `assumed-role/R/S` the ARN of
 * the role, without its path; for anything else that can be a caller the ARN itself; null for what can't be one.
 * Source: pkg/arn of kubernetes-sigs/aws-iam-authenticator.
 */
export function canonicalCaller(stsArn: string): string | null {
  const [prefix, partition, service, , account, ...rest] = stsArn.split(":");
  const resource = rest.join(":");
  if (prefix !== "arn" || account === undefined || rest.length === 0 || !isPartition(partition)) return null;
  const kind = resource.split("/", 1)[0];
  if (service === "iam") return kind === "role" || kind === "user" || kind === "root" ? stsArn : null;
  if (service !== "sts") return null;
  if (kind === "federated-user") return stsArn;
  return kind === "assumed-role" ? fromAssumedRole(stsArn) : null;
}

/** `arn:…:iam::…:role/R` from `arn:…:sts::…:assumed-role/R/S`, or null where no role is named. */
export function fromAssumedRole(stsArn: string): string | null {
  const [, partition, , , account, ...rest] = stsArn.split(":");
  const parts = rest.join(":").split("/");
  if (parts.length < 3) return null;
  return `arn:${partition}:iam::${account}:role/${parts.slice(1, -1).join("/")}`;
}
