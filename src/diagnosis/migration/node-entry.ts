import type { Entry } from "../../aws-auth/index.ts";

/** The types of access entries that nodes sign in by (EKS User Guide, "Create access entries"). */
export type NodeType = "EC2_LINUX" | "EC2_WINDOWS" | "FARGATE_LINUX" | "HYBRID_LINUX";

/** What an entry of each type gives; whatever else aws-auth gives a node's role would be lost. */
const groupsOfType: Readonly<Record<NodeType, readonly string[]>> = {
  EC2_LINUX: ["system:bootstrappers", "system:nodes"],
  EC2_WINDOWS: ["system:bootstrappers", "system:nodes", "eks:kube-proxy-windows"],
  FARGATE_LINUX: ["system:bootstrappers", "system:nodes", "system:node-proxier"],
  HYBRID_LINUX: ["system:bootstrappers", "system:nodes"],
};

/** Of which type the access entry of these nodes is, by what EKS itself writes into aws-auth for each kind. */
export function nodeTypeOf({ username, groups }: Pick<Entry, "username" | "groups">): NodeType {
  if (groups.includes("eks:kube-proxy-windows")) return "EC2_WINDOWS";
  if (groups.includes("system:node-proxier")) return "FARGATE_LINUX";
  return username.includes("{{SessionName") ? "HYBRID_LINUX" : "EC2_LINUX";
}

/** Groups that the nodes have by aws-auth, and would not have by an access entry of their type. */
export function lostByNodes({ username, groups }: Pick<Entry, "username" | "groups">): readonly string[] {
  const given = groupsOfType[nodeTypeOf({ username, groups })];
  return [...new Set(groups)].filter((group) => !given.includes(group) && group !== "system:authenticated");
}
