import type { MapOwner } from "../../access/lease/drift.ts";
import type { Holding } from "../../access/lease/lease-record.ts";
import type { Replacement } from "../../access/migration.ts";
import type { AuthenticationMode } from "../../access/policy/cluster.ts";
import type { ScopedPolicy } from "../../access/policy/policy-text.ts";
import { withoutRolePath } from "../../access/principal.ts";
import { type AccessEntry, reservedName } from "../../access-entry/index.ts";
import { type AwsAuthDocument, type Entry, goFold, MASTERS, sameGroups } from "../../aws-auth/index.ts";
import { named } from "../link.ts";
import type { RoleTimes } from "../remade-roles.ts";

/** What an entry of each type gives; a node role's other rights in aws-auth would be lost. */
const groupsOfType: Readonly<Record<NodeType, readonly string[]>> = {
  EC2_LINUX: ["system:bootstrappers", "system:nodes"],
  EC2_WINDOWS: ["system:bootstrappers", "system:nodes", "eks:kube-proxy-windows"],
  FARGATE_LINUX: ["system:bootstrappers", "system:nodes", "system:node-proxier"],
  HYBRID_LINUX: ["system:bootstrappers", "system:nodes"],
};

/** The access policy with the rights of system:masters, for EKS's own authorizer. */
export const CLUSTER_ADMIN = "AmazonEKSClusterAdminPolicy";

/** Whether one of the policies has the rights of system:masters in the whole cluster. */
export function isAdminBy(policies: readonly ScopedPolicy[]): boolean {
  return policies.some(({ name, namespaces }) => name === CLUSTER_ADMIN && namespaces === null);
}

export interface PresentEntry extends Omit<AccessEntry, "arn" | "tags">, Partial<Pick<AccessEntry, "tags">> {
  /** Our migration's tag: `begun` can be incomplete after a crash. Null: it is not ours. */
  readonly migrated: "begun" | "whole" | null;
  /** Whether it has a lease or a rescue of ours. Its end may delete the entry. */
  readonly isLeased: boolean;
}

/** Its principal is with its path, if that is known. */
export interface WantedEntry extends Pick<AccessEntry, "principalArn" | "username" | "groups"> {
  /** Whether it needs AmazonEKSClusterAdminPolicy, for the whole cluster. */
  readonly isAdmin: boolean;
}

export interface ManagedNodes {
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
  readonly presentEntries: readonly PresentEntry[];
  /** Null: unknown. */
  readonly creatorArn: string | null;
  /** The tool that owns the document: our migration never writes there. */
  readonly owner?: MapOwner | null | undefined;
  readonly holdings: ReadonlyMap<string, Holding>;
  /** The roles of nodes that EKS manages; null: unknown. */
  readonly managedNodes: readonly ManagedNodes[] | null;
  /** ARNs of roles with their paths, which aws-auth does not have. */
  readonly givenArns: readonly string[];
  /** What earlier repairs deleted and did not make again, of the given principals. */
  readonly unmade?: readonly UnmadeEntry[];
  /** What IAM says about roles: those with an item and an entry, or of a repair for which no person named one. */
  readonly roles?: RoleTimes | null;
}

export interface UnmadeEntry {
  /** The id of the earlier repair. */
  readonly by: string;
  readonly replacement: Replacement;
  readonly isTooOld: boolean;
}

/** A role's ARN in the authenticator's form; other ARNs stay. Equal keys are the same principal. */
export function principalKey(arn: string): string {
  return goFold(withoutRolePath(arn));
}

export function isAsWanted(entry: PresentEntry, wanted: WantedEntry): boolean {
  return (
    entry.type === "STANDARD" &&
    entry.username === wanted.username &&
    sameGroups(entry.groups, wanted.groups) &&
    isAdminBy(entry.policies) === wanted.isAdmin &&
    entry.policies.length === (wanted.isAdmin ? 1 : 0)
  );
}

/** One step. The next one waits for its proof. */
export type MigrationStep =
  | { readonly type: "switch-mode" }
  | { readonly type: "give-entry"; readonly wanted: WantedEntry }
  /** The document without the items that have their access entry. */
  | {
      readonly type: "remove-from-aws-auth";
      /** As written in aws-auth. */
      readonly arns: readonly string[];
      readonly after: Readonly<Record<string, string>>;
    };

/** The types of access entries that nodes use (EKS User Guide, "Create access entries"). */
export type NodeType = "EC2_LINUX" | "EC2_WINDOWS" | "FARGATE_LINUX" | "HYBRID_LINUX";

/** The command that makes the access entry of nodes, in code style. @param arn of their role */
export function entryForNodes(clusterArn: string, type: NodeType, arn: string): string {
  const [, , , region, , , name] = clusterArn.split(/[:/]/);
  const into = `--region ${region} --cluster-name ${name}`;
  return named(`aws eks create-access-entry ${into} --type ${type} --principal-arn ${arn}`);
}

/** The type of these nodes' access entry, by EKS's own lines in aws-auth for each kind. */
export function nodeTypeOf({ username, groups }: Pick<Entry, "username" | "groups">): NodeType {
  if (groups.includes("eks:kube-proxy-windows")) return "EC2_WINDOWS";
  if (groups.includes("system:node-proxier")) return "FARGATE_LINUX";
  return username.includes("{{SessionName") ? "HYBRID_LINUX" : "EC2_LINUX";
}

/** Groups that the nodes have by aws-auth, and would lose with an access entry of this type; without one, or of another: of their own. */
export function lostByNodes(nodes: Pick<Entry, "username" | "groups">, type?: string): readonly string[] {
  const { groups } = nodes;
  const given = new Map(Object.entries(groupsOfType)).get(type ?? "") ?? groupsOfType[nodeTypeOf(nodes)];
  return [...new Set(groups)].filter((group) => !given.includes(group) && group !== authenticatedGroup);
}

export type NamesReading =
  | (Pick<WantedEntry, "username" | "groups" | "isAdmin"> & {
      readonly type: "names";
      /** Groups that the entry lacks, each with its replacement: sentences. */
      readonly instead: readonly string[];
    })
  | Stays;

/** Why an item of aws-auth can't move, and what would let it. */
export interface Stays {
  readonly type: "stays";
  readonly code: string;
  readonly why: string;
  readonly remedy: string;
}

/** Every identity that signs in is in it. */
export const authenticatedGroup = "system:authenticated";

type Names = { readonly username: string; readonly groups: readonly string[] };

/**
 * The username and groups of an item of aws-auth, in the form of an access entry with the same result. EKS fills in only the
 * session's name; parts that are equal for each session of this principal are written out.
 * @param account of the principal
 */
export function readNames({ username, groups }: Names, kind: "role" | "user", account: string): NamesReading {
  const fill = (text: string) => {
    const filled = text.replaceAll("{{AccountID}}", account);
    // An IAM user has no session: the authenticator writes nothing for its name.
    return kind === "role" ? filled : filled.replace(/\{\{SessionName(?:Raw)?\}\}/g, "");
  };
  const name = fill(username);
  const refusal = refuseUsername(name);
  if (refusal) return refusal;
  const all = [...new Set(groups.map(fill))];
  const isAdmin = all.includes(MASTERS);
  const kept = all.filter((group) => group !== "" && !reservedName.test(group));
  const others = all.filter((group) => reservedName.test(group) && group !== MASTERS && group !== authenticatedGroup);
  const templated = kept.find((group) => group.includes("{{"));
  if (templated) return refuseTemplate("template-in-group", templated);
  const [first] = others;
  if (first !== undefined && !isAdmin) return refuseReserved("group-reserved", first);
  const replaced = isAdmin ? [MASTERS, ...others] : [];
  const instead = replaced.map((group) => `AmazonEKSClusterAdminPolicy replaces ${group}.`);
  return { type: "names", username: name, groups: kept, isAdmin, instead };
}

function refuseUsername(username: string): Stays | null {
  if (username === "") return stays("username-empty", "It has no username.", "Add one in aws-auth.");
  if (reservedName.test(username)) return refuseReserved("username-reserved", username);
  const rest = username.replace(/\{\{SessionName(?:Raw)?\}\}/g, "");
  const template = /\{\{[^}]*\}?\}?/.exec(rest)?.[0];
  if (template !== undefined) return refuseTemplate("template", template);
  const at = username.search(/\{\{SessionName/);
  if (at < 0 || username.slice(0, at).includes(":")) return null;
  const remedy = "Write for example admin:{{SessionName}}.";
  return stays("template-session", "EKS needs a colon before a session name.", remedy);
}

function refuseTemplate(code: string, name: string): Stays {
  return stays(code, `Access entries don't support ${name}.`, anotherName);
}

function refuseReserved(code: string, name: string): Stays {
  return stays(code, `EKS reserves the name ${name}.`, anotherName);
}

const anotherName = "Use another name in aws-auth and RBAC.";

export function stays(code: string, why: string, remedy: string): Stays {
  return { type: "stays", code, why, remedy };
}
