import { partitionOfRegion } from "../arn.ts";
import type { TicketRule } from "../ask/ticket.ts";
import { isIdentityCenterRole, sessionNameIn, withoutRolePath } from "../principal.ts";
import { creatorArnOf, type RunIdentities, runsAs } from "./creator.ts";

/** A right that a level must give; each lease's proof asks the API server about it. */
export interface AccessCheck {
  readonly verb: string;
  /** Plural; `pods/exec` names a subresource. */
  readonly resource: string;
  /** API group; empty for the core group. */
  readonly group: string;
  /** Empty: all namespaces. */
  readonly namespace: string;
  /** Of one object; absent: all of them. */
  readonly name?: string | undefined;
}

/** A right on a path of the API server, such as `/metrics`. Only a role has one. */
export type PathCheck = { readonly verb: string; readonly path: string };

export interface Level {
  readonly name: string;
  /** Groups, access policies, or roles to bind to the person (`policy-text.ts`). */
  readonly groups: readonly string[];
  readonly maxDurationSeconds: number;
  /** What a lease of this level must allow; empty: nothing is tested. */
  readonly verify: readonly AccessCheck[];
}

export interface AccessEntrySettings {
  /** The identity that changes access entries in EKS; with an operator, `creator` is the operator. */
  readonly as: "creator" | "worker";
  /** IAM paths of roles, such as `/team/`: EKS needs them, and aws-auth has roles without them. */
  readonly rolePaths: readonly string[];
}

export interface Cluster extends RunIdentities {
  readonly name: string;
  readonly eksName: string;
  readonly region: string;
  readonly account: string;
  /** The API server's address, `https://…`, if it differs from the one that EKS names. */
  readonly endpoint?: string | undefined;
  /** PEM in base64: the authority of that address's certificate, if it differs from the one that EKS names. */
  readonly certificateAuthority?: string | undefined;
  readonly channel: string;
  readonly approvers: readonly string[];
  readonly levels: readonly Level[];
  /** Of a cluster of the fleet: its tags in EKS, and over them what the file says. */
  readonly labels: Labels;
  /** The first one that matches decides. */
  readonly rules: readonly Rule[];
  /** Why the cluster takes no requests now; null: it takes them. */
  readonly quiet: string | null;
  readonly ticket: TicketRule;
  /** Null: not allowed. */
  readonly breakGlass: BreakGlass | null;
  /** Slack user ids and user groups: these people can revoke any lease of this cluster. */
  readonly onCall: readonly string[];
  readonly drift: "report" | "repair";
  /** Other accounts: their principals can get access too. */
  readonly foreignAccounts: readonly string[];
  readonly createAwsAuth: boolean;
  /** The network that reaches it: only workers of this zone work on it. Absent: those without a zone. */
  readonly zone?: string | undefined;
  /** The tool that owns aws-auth, so that we never add to it; `none`: there is none. Absent: by managedFields. */
  readonly owner?: string | undefined;
  readonly way: Way;
  readonly accessEntries: AccessEntrySettings;
  /** ARNs of roles, with `*` in their names. Their trust policies fix the session name, so it identifies a person. */
  readonly pinnedSessions: readonly string[];
  readonly signIn: SignInSettings;
}

/** Emergency access, without an approval: immediate, announced to the channel, and reviewed afterwards. */
export interface BreakGlass {
  /** Slack user ids, user groups and e-mail domains. */
  readonly who: readonly string[];
  readonly level: string;
  readonly durationSeconds: number;
}

/** One rule of the policy, for one cluster: who can ask for what, and who approves. */
export interface Rule {
  /** Empty: the cluster's own rule, because the file has no policy. */
  readonly name: string;
  /** Slack user ids, user groups and e-mail domains; null: anybody. */
  readonly who: readonly string[] | null;
  /** Names of levels; null: every level of the cluster. */
  readonly levels: readonly string[] | null;
  readonly principals: PrincipalRule;
  /** Shorter than the level's own; null: the level's. */
  readonly maxDurationSeconds: number | null;
  readonly permanent: boolean;
  /** How many different people must approve; null: the level's usual number. */
  readonly approvals: number | null;
  /** Slack user ids and user groups; null: the cluster's own approvers. */
  readonly approvers: readonly string[] | null;
  readonly selfApproval: boolean;
  /** Whether to refuse a lease for a role, which everyone with the role gets; null: only for full control. */
  readonly shared: SharedLeases | null;
  /** Null: at any time. */
  readonly hours: WorkingHours | null;
}

/** `warn`: allowed, and messages name everyone who gets in. */
export type SharedLeases = "refuse" | "warn";

interface PrincipalRule {
  /** Null: every account that the cluster takes. */
  readonly accounts: readonly string[] | null;
  /** ARNs in any case; `*` matches any text, also none and slashes. Null: every ARN of the accounts. */
  readonly arns: readonly string[] | null;
  /** Only for the principal that the requester's Slack account is linked with. `confirmed`: by a link that an administrator confirmed. */
  readonly linkedOnly: boolean | "confirmed";
  /** With `linkedOnly`: who says which principal is a person's, as JSON; absent: links alone. */
  readonly identities?: string;
}

interface SignInSettings {
  /** ARNs of roles with their paths; `*` in the name matches any text. */
  readonly roles: readonly string[];
  /** The external id that these roles' trust policies require. */
  readonly externalId?: string | undefined;
}

export interface WorkingHours {
  /** A name of the IANA time zone database, for example `Europe/Zurich`. */
  readonly zone: string;
  /** 1 is Monday, 7 is Sunday. */
  readonly days: readonly number[];
  /** Minutes after midnight. `to` is the first minute outside, at most 1440; below `from`, it is of the next day. */
  readonly from: number;
  readonly to: number;
  readonly outside: "refuse" | "warn" | "one-more-approval";
}

type ClusterPlace = RunIdentities & Pick<Cluster, "region" | "account" | "eksName">;

export const clusterNameForm = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** A cluster's ARN, as EKS and CloudTrail write it. */
export function clusterArnOf(cluster: ClusterPlace): string {
  const { region, account, eksName } = cluster;
  return `arn:${partitionOf(cluster)}:eks:${region}:${account}:cluster/${eksName}`;
}

/** The cluster that a seal of the worker's memory names. The configuration can give a name to another cluster, with its own memory. */
export function sealedClusterOf(cluster: Cluster): string {
  return `${cluster.name} ${clusterArnOf(cluster)}`;
}

/** The partition of the operator or the creator is the cluster's. Before a discovery, the region names it. */
export function partitionOf(cluster: RunIdentities & Pick<Cluster, "region">): string {
  const { region } = cluster;
  return creatorArnOf(runsAs(cluster))?.split(":")[1] ?? partitionOfRegion(region) ?? "aws";
}

export type Way = "aws-auth" | "access-entry" | "binding";

/** The sources of identities, in EKS's names. */
export const authenticationModes = ["CONFIG_MAP", "API_AND_CONFIG_MAP", "API"] as const;
export type AuthenticationMode = (typeof authenticationModes)[number];

interface WayFacts {
  readonly mode: AuthenticationMode;
  readonly preferred: Way;
  readonly hasEntry: boolean;
  /** Whether aws-auth maps the principal, by us or by others. */
  readonly isMapped: boolean;
  readonly isOwned: boolean;
}

/** An access entry takes precedence; a principal with only an aws-auth entry stays there: a new one would hide it. */
export function wayFor({ mode, preferred, hasEntry, isMapped, isOwned }: WayFacts): Way {
  if (mode === "CONFIG_MAP") return "aws-auth";
  if (mode === "API" || hasEntry) return "access-entry";
  if (isMapped) return "aws-auth";
  return isOwned ? "access-entry" : preferred;
}

/** A part of the fleet with its own workers, because only their network reaches it; null: the clusters without a zone. */
export type Zone = string | null;

type Zoned = Pick<Cluster, "zone">;

export function zoneOf(cluster: Zoned | undefined): Zone {
  return cluster?.zone ?? null;
}

export function zonesOf(clusters: Iterable<Zoned>): readonly Zone[] {
  return [...new Set([...clusters].map(zoneOf))];
}

function anyZoneOf(clusters: Iterable<Zoned>): Zone {
  const [first = null, ...others] = zonesOf(clusters);
  return others.includes(null) ? null : first;
}

/** The zone of a cluster, by its name in the present configuration; null: of any cluster. */
export function zoneByName(
  configuration: () => { readonly clusters: ReadonlyMap<string, Zoned> },
): (cluster: string | null) => Zone {
  return (name) => {
    const { clusters } = configuration();
    return name === null ? anyZoneOf(clusters.values()) : zoneOf(clusters.get(name));
  };
}

export function zoneInWords(zone: Zone): string {
  return zone ?? "none";
}

/** How often a worker reports to each of its zones, in milliseconds. */
export const zoneReportEveryMs = 10_000;
/** After this time without a report a zone has no worker: a message comes within the minute. */
const silentMs = 45_000;

/** Whether no worker serves a zone now. @param seenAt the last report; undefined: never */
export function hasNoWorker(seenAt: Date | undefined, now: Date): boolean {
  return seenAt === undefined || now.getTime() - seenAt.getTime() > silentMs;
}

/** Labels of a cluster, or the values of each label that a selector wants, by their names. */
export type Labels = Readonly<Record<string, string>>;
export type WantedLabels = Readonly<Record<string, readonly string[]>>;

export type ClusterSelector = readonly string[] | WantedLabels;

export function isByName(selector: ClusterSelector): selector is readonly string[] {
  return Array.isArray(selector);
}

export function hasLabels(wanted: WantedLabels, labels: Labels): boolean {
  return Object.entries(wanted).every(
    ([key, values]) => Object.hasOwn(labels, key) && values.includes(labels[key] ?? ""),
  );
}

/** Names of labels and tags for the environment, and their values for production. */
export const environmentName = /^(env|environment|stage|tier)$/i;
export const productionValue = /^(prod|production|prd|live)$/i;

/** Whether it identifies a person: IAM Identity Center sets it, or the trust policy, as the configuration says. */
export function isSessionPinned({ pinnedSessions }: Pick<Cluster, "pinnedSessions">, role: string): boolean {
  return (
    isIdentityCenterRole(role) || pinnedSessions.some((pattern) => matchesArnPattern(withoutRolePath(pattern), role))
  );
}

export type SignInMethod =
  | { readonly type: "role"; readonly roleArn: string; readonly externalId?: string | undefined }
  | { readonly type: "not tested"; readonly why: string };

/** STS needs a role's path: the first matching setting has it. @param principal a role without its path */
export function signInMethod({ signIn, name }: Pick<Cluster, "signIn" | "name">, principal: string): SignInMethod {
  if (principal.includes(":user/")) return notTested("only the IAM user has its keys");
  if (sessionNameIn(principal) !== null) return notTested("only that person can open the session");
  const pattern = signIn.roles.find((each) => matchesArnPattern(withoutRolePath(each), principal));
  if (pattern === undefined) {
    return notTested(
      `the worker can't assume this role: an operator can name it in signIn.roles of ${name} in eks-access.yml`,
    );
  }
  const path = pattern.slice(pattern.indexOf(":role/") + 5, pattern.lastIndexOf("/") + 1);
  const roleArn = principal.replace(":role/", `:role${path}`);
  return { type: "role", roleArn, ...(signIn.externalId && { externalId: signIn.externalId }) };
}

function notTested(why: string): SignInMethod {
  return { type: "not tested", why };
}

/** Whether an ARN matches a pattern with `*` for any text. Ignores case, as the cluster does. */
export function matchesArnPattern(pattern: string, arn: string): boolean {
  const parts = pattern.toLowerCase().split("*");
  const text = arn.toLowerCase();
  const [first = "", ...rest] = parts;
  if (rest.length === 0) return text === first;
  const last = rest.pop() ?? "";
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let from = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, from);
    if (found < 0 || found + part.length > text.length - last.length) return false;
    from = found + part.length;
  }
  return true;
}
