import { isPartition } from "./partition.ts";
import { type Rejection, rejectPrincipal } from "./rejection.ts";

export { canonicalCaller } from "./canonical.ts";

export type PrincipalKind = "role" | "user";

/** An IAM role or user that can stand in aws-auth. */
export interface Principal {
  /** As it is to be written into the document. */
  arn: string;
  kind: PrincipalKind;
  partition: string;
  /** Twelve digits. */
  account: string;
  /** The last part, without the path that a user may have. */
  name: string;
}

export type PrincipalReading = { type: "principal"; principal: Principal } | ({ type: "invalid" } & Rejection);

const PRINCIPAL =
  /^arn:([a-z][a-z0-9-]*):iam::([0-9]{12}):(?:(role)\/|(user)\/(?:[!-)+->@-~]+\/)?)([A-Za-z0-9_+=,.@-]{1,64})$/;

/**
 * Reads an ARN that somebody asks access for, strictly: what this takes, the authenticator will match. For what is
 * nearly right (a role's path, an assumed role, a role of IAM Identity Center) it offers the ARN to write instead.
 * `partition` is one more to take: the cluster's own, where AWS has added one since.
 */
export function readPrincipal(text: string, partition?: string): PrincipalReading {
  const match = PRINCIPAL.exec(text);
  if (match === null || !isPartition(match[1], partition))
    return { type: "invalid", ...rejectPrincipal(text, partition) };
  const [arn, of = "", account = "", role, , name = ""] = match;
  return { type: "principal", principal: { arn, kind: role ? "role" : "user", partition: of, account, name } };
}
