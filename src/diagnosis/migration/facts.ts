import type { Holding } from "../../access/lease/lease-record.ts";
import type { MapOwner } from "../../access/lease/map-owner.ts";
import { type AwsAuthDocument, type Entry, goFold } from "../../aws-auth/index.ts";
import type { AuthenticationMode } from "../cluster-links.ts";

/** What an entry of each type gives; a node role's other rights in aws-auth would be lost. */
const groupsOfType: Readonly<Record<NodeType, readonly string[]>> = {
  EC2_LINUX: ["system:bootstrappers", "system:nodes"],
  EC2_WINDOWS: ["system:bootstrappers", "system:nodes", "eks:kube-proxy-windows"],
  FARGATE_LINUX: ["system:bootstrappers", "system:nodes", "system:node-proxier"],
  HYBRID_LINUX: ["system:bootstrappers", "system:nodes"],
};

/** The access policy with the rights of system:masters, for EKS's own authorizer. */
export const CLUSTER_ADMIN = "AmazonEKSClusterAdminPolicy";

export interface PresentPolicy {
  readonly name: string;
  /** Null: in the whole cluster. */
  readonly namespaces: readonly string[] | null;
}

export interface PresentEntry {
  /** With its path, unlike in aws-auth. */
  readonly principalArn: string;
  /** `STANDARD`, or how nodes of a kind sign in: `EC2_LINUX`, `FARGATE_LINUX`. */
  readonly type: string;
  /** As EKS stores it, with its templates. */
  readonly username: string;
  readonly groups: readonly string[];
  readonly policies: readonly PresentPolicy[];
  /** Our migration's tag: `begun` can be incomplete after a crash. Null: it is not ours. */
  readonly migrated: "begun" | "whole" | null;
  /** Whether it has a lease or a rescue of ours. Its end may delete the entry. */
  readonly isLeased: boolean;
  readonly tags?: Readonly<Record<string, string>>;
  /** When EKS made it. */
  readonly createdAt?: string;
}

export interface WantedEntry {
  /** With its path, if known. */
  readonly principalArn: string;
  readonly username: string;
  readonly groups: readonly string[];
  /** Whether it needs AmazonEKSClusterAdminPolicy, for the whole cluster. */
  readonly isAdmin: boolean;
}

/** A role of nodes that EKS manages, and their names. */
export interface ManagedNodes {
  /** With its path. */
  readonly roleArn: string;
  /** For people: `the managed node group workers`. */
  readonly name: string;
  readonly type: NodeType;
}

export interface MigrationFacts {
  readonly cluster: string;
  readonly clusterArn: string;
  readonly account: string;
  readonly partition: string;
  readonly mode: AuthenticationMode;
  readonly document: AwsAuthDocument;
  /** Empty where the mode has none. */
  readonly standing: readonly PresentEntry[];
  /** Null: unknown. */
  readonly creatorArn: string | null;
  /** The tool that owns the document: our migration never writes there. */
  readonly owner?: MapOwner | null | undefined;
  /** Our part of the document, by lower-case ARN. */
  readonly holdings: ReadonlyMap<string, Holding>;
  /** The roles of nodes that EKS manages; null: unknown. */
  readonly managedNodes: readonly ManagedNodes[] | null;
  /** ARNs of roles with their paths, which aws-auth does not have. */
  readonly givenArns: readonly string[];
}

/** A role's ARN in the authenticator's form; other ARNs stay. Equal keys are the same principal. */
export function principalKey(arn: string): string {
  return goFold(arn.replace(/:role\/.*\//, ":role/"));
}

export function isAsWanted(entry: PresentEntry, wanted: WantedEntry): boolean {
  const isAdmin = entry.policies.some(({ name, namespaces }) => name === CLUSTER_ADMIN && namespaces === null);
  return (
    entry.type === "STANDARD" &&
    entry.username === wanted.username &&
    sameSet(entry.groups, wanted.groups) &&
    isAdmin === wanted.isAdmin &&
    entry.policies.length === (wanted.isAdmin ? 1 : 0)
  );
}

function sameSet(some: readonly string[], others: readonly string[]): boolean {
  const set = new Set(some);
  return set.size === new Set(others).size && others.every((each) => set.has(each));
}

/** One step. The next one waits for its proof. */
export type MigrationStep =
  | { readonly type: "switch-mode" }
  | { readonly type: "give-entry"; readonly wanted: WantedEntry; readonly instead: readonly string[] }
  /** The document without the items that have their access entry. */
  | {
      readonly type: "take-out";
      /** As written in aws-auth. */
      readonly arns: readonly string[];
      readonly after: Readonly<Record<string, string>>;
      readonly diff: string;
    };

/** The types of access entries that nodes use (EKS User Guide, "Create access entries"). */
export type NodeType = "EC2_LINUX" | "EC2_WINDOWS" | "FARGATE_LINUX" | "HYBRID_LINUX";

/** The type of these nodes' access entry, by what EKS itself writes into aws-auth for each kind. */
export function nodeTypeOf({ username, groups }: Pick<Entry, "username" | "groups">): NodeType {
  if (groups.includes("eks:kube-proxy-windows")) return "EC2_WINDOWS";
  if (groups.includes("system:node-proxier")) return "FARGATE_LINUX";
  return username.includes("{{SessionName") ? "HYBRID_LINUX" : "EC2_LINUX";
}

/** Groups that the nodes have by aws-auth, and would lose with an access entry of their type. */
export function lostByNodes({ username, groups }: Pick<Entry, "username" | "groups">): readonly string[] {
  const given = groupsOfType[nodeTypeOf({ username, groups })];
  return [...new Set(groups)].filter((group) => !given.includes(group) && group !== "system:authenticated");
}
