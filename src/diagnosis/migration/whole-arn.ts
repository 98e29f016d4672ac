import { readPrincipal } from "../../aws-auth/index.ts";
import { type MigrationFacts, principalKey } from "./facts.ts";

/** The ARN that an access entry is for: a role's with its path. */
export type WholeArnReading =
  | {
      readonly type: "arn";
      readonly arn: string;
      readonly kind: "role" | "user";
      readonly account: string;
      /** What is not certain about it: sentences. */
      readonly notes: readonly string[];
    }
  | { readonly type: "refused"; readonly code: string; readonly why: string; readonly mend: string };

/**
 * aws-auth has roles without their paths, and an access entry needs them. Nobody is asked for a path: IAM has each role's
 * name once in an account, and EKS takes the ARN of no role that there is not. So an ARN without a path that is missing
 * is refused by EKS, and never stands for somebody else.
 */
export function readWholeArn(
  arn: string,
  { told, partition }: Pick<MigrationFacts, "told" | "partition">,
): WholeArnReading {
  const given = told.find((each) => principalKey(each) === principalKey(arn));
  const reading = readPrincipal(given?.replace(/:role\/.*\//, ":role/") ?? arn, partition);
  if (reading.type === "invalid") return refuseKind(arn, reading.code);
  const { kind, account, name, partition: of } = reading.principal;
  if (of !== partition) {
    const why = `It is of the partition ${of}, and the cluster of ${partition}: nobody can sign in across partitions.`;
    return { type: "refused", code: "foreign-partition", why, mend: "Remove it." };
  }
  if (kind === "role" && name.startsWith("AWSServiceRoleFor")) {
    const why = "It is a service-linked role, and EKS takes none in an access entry.";
    return { type: "refused", code: "service-linked-role", why, mend: "Let the service use a role of your own." };
  }
  if (given === undefined && kind === "role" && name.startsWith("AWSReservedSSO_")) {
    const whole = `arn:${of}:iam::${account}:role/aws-reserved/sso.amazonaws.com/…/${name}`;
    const why = "A role of IAM Identity Center always has a path, which aws-auth does not know.";
    const mend = `Tell its whole ARN, as IAM shows it, with --arn ${whole}.`;
    return { type: "refused", code: "path-unknown", why, mend };
  }
  const notes =
    kind === "role" && given === undefined
      ? ["If the role has a path, EKS refuses this ARN and nothing changes: tell the whole one with --arn."]
      : [];
  return { type: "arn", arn: given ?? reading.principal.arn, kind, account, notes };
}

function refuseKind(arn: string, code: string): WholeArnReading {
  if (code === "arn-root" || code === "arn-service") {
    const why = "An access entry is for an IAM role or an IAM user, and this is neither.";
    return { type: "refused", code, why, mend: "Map a role instead." };
  }
  const why = `${arn} is not written as IAM writes it, and EKS takes no other spelling.`;
  return { type: "refused", code, why, mend: "Tell the right ARN with --arn, or correct it in aws-auth first." };
}
