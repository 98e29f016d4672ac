import { parseDocument } from "../../src/aws-auth/parse.ts";
import type { WhyFacts } from "../../src/diagnosis/facts.ts";
import { aCluster } from "./a-cluster.ts";
import { at, hours } from "./times.ts";

export const developers = "arn:aws:iam::111122223333:role/developers";

/** One entry of mapRoles as people write them. */
export function roleEntry(arn: string, groups: readonly string[] = ["readers"], username = "developer"): string {
  return `- rolearn: ${arn}\n  username: ${username}\n  groups: [${groups.join(", ")}]\n`;
}

/** The engineer asks about the role `developers`, which is in mapRoles of `staging` and can list pods. */
export function whyFacts(
  change: Partial<Omit<WhyFacts, "document">> & { data?: Readonly<Record<string, string>> | null } = {},
): WhyFacts {
  const { data = { mapRoles: roleEntry(developers) }, ...rest } = change;
  return {
    cluster: aCluster(),
    given: developers,
    user: "U0ENGINEER",
    creatorArn: "arn:aws:iam::111122223333:role/cluster-creator",
    mode: "CONFIG_MAP",
    accessEntry: { type: "none" },
    document: data === null ? null : parseDocument(data),
    rolesInEntries: null,
    boundGroups: new Set(["readers", "eks-access:viewers"]),
    pods: { allowed: true, reason: "" },
    requests: [],
    now: at(hours(10)),
    ...rest,
  };
}
