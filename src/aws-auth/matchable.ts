import { goFold } from "./go-yaml/fold.ts";
import { PARTITIONS } from "./principal/partition.ts";

const CALLER = new RegExp(
  `^arn:(?:${PARTITIONS.join("|")}):(?:iam::[0-9]{12}:(?:role/[a-z0-9_+=,.@-]{1,64}|user/[!-~]+|root)|sts::[0-9]{12}:federated-user/[!-~]+)$`,
);

/** Whether an ARN, as written in an entry, can equal the canonical ARN of a caller. A role's path, for one, can't. */
export function isMatchable(arn: string): boolean {
  return CALLER.test(goFold(arn));
}

export function isAccountId(text: string): boolean {
  return /^[0-9]{12}$/.test(text);
}
