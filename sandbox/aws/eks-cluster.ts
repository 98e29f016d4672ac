/** The types of an entry. All but STANDARD are for nodes (EKS API reference, CreateAccessEntry). */
export const entryTypes = [
  "STANDARD",
  "EC2_LINUX",
  "EC2_WINDOWS",
  "FARGATE_LINUX",
  "HYBRID_LINUX",
  "EC2",
  "HYPERPOD_LINUX",
] as const;

export type EntryType = (typeof entryTypes)[number];

export interface AssociatedPolicy {
  /** `arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy`. */
  policyArn: string;
  /** Names with wildcards; null: the whole cluster. */
  namespaces: readonly string[] | null;
  associatedAt: Date;
  modifiedAt: Date;
}

export interface AccessEntry {
  /** With a role's path, as in IAM. */
  principalArn: string;
  /** AROA… or AIDA…: a principal that was created again under the same ARN does not get in. Undefined: no principal. */
  principalId: string | undefined;
  entryArn: string;
  username: string;
  groups: readonly string[];
  type: EntryType;
  policies: readonly AssociatedPolicy[];
  tags: Readonly<Record<string, string>>;
  createdAt: Date;
  modifiedAt: Date;
  clientRequestToken?: string;
}

export interface SandboxAccessEntry {
  principalArn: string;
  type?: EntryType;
  username: string;
  groups: readonly string[];
  /** ARNs of access policies, for the whole cluster. */
  policies: readonly string[];
}

export interface Principal {
  kind: "role" | "user";
  account: string;
  name: string;
}

/** Undefined for anything but a role or a user: the sessions of STS, an account, a group. */
export function readPrincipal(arn: string): Principal | undefined {
  const [, account = "", kind, path = ""] =
    /^arn:aws[\w-]*:iam::(\d{12}):(role|user)\/((?:[\x21-\x7e]+\/)?[\w+=,.@-]{1,64})$/.exec(arn) ?? [];
  if (kind !== "role" && kind !== "user") return undefined;
  return { kind, account, name: path.slice(path.lastIndexOf("/") + 1) };
}

export function newEntry(
  clusterArn: string,
  asked: Pick<AccessEntry, "principalArn" | "principalId" | "type"> & Partial<AccessEntry>,
  at: Date,
): AccessEntry {
  const { username = defaultUsername(asked.principalArn, asked.type), groups = nodeGroups[asked.type] ?? [] } = asked;
  const entryArn = `${entryArnsOf(clusterArn, asked.principalArn)}/${crypto.randomUUID()}`;
  const { policies = [], tags = {} } = asked;
  return { createdAt: at, modifiedAt: at, ...asked, entryArn, username, groups, policies, tags };
}

/** The beginning of an entry's ARN, by its principal; EKS adds an id. */
export function entryArnsOf(clusterArn: string, principalArn: string): string {
  const { kind, account, name } = readPrincipal(principalArn) ?? { kind: "role", account: "", name: "" };
  return `${clusterArn.replace(":cluster/", ":access-entry/")}/${kind}/${account}/${name}`;
}

/** EKS User Guide, "Create access entries": the table of usernames. */
function defaultUsername(principalArn: string, type: EntryType): string {
  if (type === "FARGATE_LINUX" || type === "HYBRID_LINUX") return "system:node:{{SessionName}}";
  if (type !== "STANDARD") return "system:node:{{EC2PrivateDNSName}}";
  const { kind, account, name } = readPrincipal(principalArn) ?? { kind: "user" };
  const [, partition] = principalArn.split(":");
  return kind === "user" ? principalArn : `arn:${partition}:sts::${account}:assumed-role/${name}/{{SessionName}}`;
}

const nodeGroups: Readonly<Partial<Record<EntryType, readonly string[]>>> = {
  EC2_LINUX: ["system:nodes"],
  EC2_WINDOWS: ["system:nodes", "eks:kube-proxy-windows"],
  FARGATE_LINUX: ["system:nodes", "system:node-proxier"],
  HYBRID_LINUX: ["system:nodes"],
  EC2: ["system:nodes"],
  HYPERPOD_LINUX: ["system:nodes"],
};

/** The shape AccessEntry of the EKS API reference. */
export function entryObject(clusterName: string, entry: AccessEntry): object {
  const { principalArn, groups, entryArn, createdAt, modifiedAt, tags, username, type } = entry;
  return {
    clusterName,
    principalArn,
    kubernetesGroups: groups,
    accessEntryArn: entryArn,
    createdAt: createdAt.getTime() / 1000,
    modifiedAt: modifiedAt.getTime() / 1000,
    tags,
    username,
    type,
  };
}

/** The shape AssociatedAccessPolicy of the EKS API reference. */
export function policyObject({ policyArn, namespaces, associatedAt, modifiedAt }: AssociatedPolicy): object {
  return {
    policyArn,
    accessScope: { type: namespaces === null ? "cluster" : "namespace", namespaces: namespaces ?? [] },
    associatedAt: associatedAt.getTime() / 1000,
    modifiedAt: modifiedAt.getTime() / 1000,
  };
}

export type AuthenticationMode = "CONFIG_MAP" | "API_AND_CONFIG_MAP" | "API";

export interface EksCluster {
  name: string;
  region: string;
  /** The IAM role or user that created it. DescribeCluster does not show it. */
  creatorArn: string;
  endpoint: string;
  /** Base64 of a PEM certificate. */
  certificateAuthority: string;
  authenticationMode: AuthenticationMode;
  /** Whether EKS gave the creator an administrator's entry. */
  bootstrapClusterCreatorAdminPermissions: boolean;
  /** The roles of managed node groups and Fargate profiles, which EKS lets in. */
  nodeRoles: readonly NodeRole[];
  isPrivate: boolean;
  /** As the API of EKS lists them. */
  accessEntries: readonly AccessEntry[];
  /** The entries in force, which follow the API after a delay. */
  entryHistory: readonly EntriesFrom[];
  tags: Readonly<Record<string, string>>;
  updates: readonly ClusterUpdate[];
  createdAt: Date;
  status: "CREATING" | "ACTIVE" | "UPDATING" | "DELETING" | "FAILED";
  arn: string;
}

export interface ClusterUpdate {
  id: string;
  mode: AuthenticationMode;
  createdAt: Date;
  endsAt: number;
  clientRequestToken?: string;
}

export interface NodeRole {
  arn: string;
  type: Extract<EntryType, "EC2_LINUX" | "EC2_WINDOWS" | "FARGATE_LINUX">;
}

/** The entries that are in force from a time on, in milliseconds since the epoch. */
export type EntriesFrom = { from: number; entries: readonly AccessEntry[] };

/** One management event as CloudTrail keeps it. `record` is the JSON of the member CloudTrailEvent. */
export interface CloudTrailEvent {
  id: string;
  name: string;
  source: string;
  region: string;
  at: Date;
  readOnly: boolean;
  resources: readonly { type: string; name: string }[];
  record: Readonly<Record<string, unknown>>;
}
