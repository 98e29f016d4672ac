import { partitionOfRegion } from "../../aws-auth/index.ts";
import type { TicketRule } from "../request/ticket.ts";
import { type Creator, creatorArnOf } from "./creator.ts";

/** One thing that a level must allow, asked of the API server after each lease. */
export interface AccessCheck {
  readonly verb: string;
  readonly resource: string;
  /** API group; empty for the core group. */
  readonly group: string;
  /** Empty: all namespaces. */
  readonly namespace: string;
}

export interface Level {
  readonly name: string;
  /** Groups and access policies (`policy-text.ts`), or roles that are bound to the person (`role-text.ts`). */
  readonly groups: readonly string[];
  readonly maxDurationSeconds: number;
  /** What a lease of this level must be able to do; empty: nothing is tested. */
  readonly verify: readonly AccessCheck[];
}

export interface AccessEntrySettings {
  /** The identity that makes and changes them in EKS. */
  readonly as: "creator" | "worker";
  /** Paths that roles have in IAM, `/team/`: aws-auth has roles without them, and EKS takes them with. */
  readonly rolePaths: readonly string[];
}

export interface Cluster {
  readonly name: string;
  readonly eksName: string;
  readonly region: string;
  readonly account: string;
  readonly creator: Creator;
  /** Where the worker reaches the API server, `https://…`, where that is another place than EKS names. */
  readonly endpoint?: string | undefined;
  /** PEM in base64: who signs the certificate there, where that is another authority than EKS names. */
  readonly certificateAuthority?: string | undefined;
  /** The Slack channel in which approvers are asked. */
  readonly channel: string;
  /** Slack user ids and user groups (`S…`). */
  readonly approvers: readonly string[];
  readonly levels: readonly Level[];
  /** The first one that fits decides. */
  readonly rules: readonly Rule[];
  /** Why the cluster takes no requests now; null: it does. */
  readonly quiet: string | null;
  readonly ticket: TicketRule;
  /** Null: not allowed. */
  readonly breakGlass: BreakGlass | null;
  /** Slack user ids and user groups of people on call: they may revoke any lease of this cluster. */
  readonly onCall: readonly string[];
  /** What is done where another person took a lease's part out of aws-auth before its end. */
  readonly drift: "report" | "repair";
  /** Other accounts with principals that can get access. */
  readonly foreignAccounts: readonly string[];
  readonly createAwsAuth: boolean;
  /** How new leases are made where the cluster reads both. */
  readonly way: Way;
  readonly accessEntries: AccessEntrySettings;
  /** ARNs of roles, with `*` in their names, whose trust policies fix the name of a session: it says who a person is. */
  readonly pinnedSessions: readonly string[];
  /** As which principals the worker signs in, to prove their leases. */
  readonly signIn: SignInSettings;
}

/** Access without an approval, for an emergency: given at once, announced loudly, and reviewed afterwards. */
export interface BreakGlass {
  /** Slack user ids, user groups and e-mail domains. */
  readonly who: readonly string[];
  readonly level: string;
  readonly durationSeconds: number;
}

/** One rule of the policy, for one cluster: who can ask for what, and who approves. */
export interface Rule {
  /** What people call it; empty: the cluster's own, where the file has no policy. */
  readonly name: string;
  /** Slack user ids, user groups and e-mail domains; null: anybody. */
  readonly who: readonly string[] | null;
  /** Names of levels; null: every level of the cluster. */
  readonly levels: readonly string[] | null;
  readonly principals: PrincipalRule;
  /** Shorter than the level's own; null: the level's. */
  readonly maxDurationSeconds: number | null;
  /** Whether a lease can be permanent. */
  readonly permanent: boolean;
  /** How many different people have to approve; null: as many as the level asks for by itself. */
  readonly approvals: number | null;
  /** Slack user ids and user groups; null: the cluster's own approvers. */
  readonly approvers: readonly string[] | null;
  /** Whether an approver may approve a request of their own. */
  readonly selfApproval: boolean;
  /** Whether a lease for a role, which everyone with the role gets, is refused; null: it is for full control. */
  readonly shared: SharedLeases | null;
  /** Null: at any time. */
  readonly hours: WorkingHours | null;
}

/** `warn`: it is possible, and messages say who gets in. */
export type SharedLeases = "refuse" | "warn";

export interface PrincipalRule {
  /** Null: those that the cluster takes. */
  readonly accounts: readonly string[] | null;
  /** ARNs in any case; `*` matches any text, also none and slashes. Null: every ARN of the accounts. */
  readonly arns: readonly string[] | null;
  /** Only for the principal that one's own Slack account is linked to. */
  readonly linkedOnly: boolean;
}

/** As which principals the worker may sign in to a cluster, to prove a lease. */
export interface SignInSettings {
  /** ARNs of roles with their paths; `*` in the name matches any text. */
  readonly roles: readonly string[];
  /** What the trust policies of these roles ask for. */
  readonly externalId?: string | undefined;
}

export interface WorkingHours {
  /** A name of the IANA time zone database, for example `Europe/Zurich`. */
  readonly zone: string;
  /** ISO 8601: 1 is Monday, 7 is Sunday. */
  readonly days: readonly number[];
  /** Minutes after midnight; `to` is the first minute that is outside, at most 1440. */
  readonly from: number;
  readonly to: number;
  readonly outside: "refuse" | "warn" | "one-more-approval";
}

/** A cluster's ARN, as EKS and CloudTrail write it. */
export function clusterArnOf(cluster: Cluster): string {
  const { region, account, eksName } = cluster;
  return `arn:${partitionOf(cluster)}:eks:${region}:${account}:cluster/${eksName}`;
}

/** The creator's partition is the cluster's. Before a discovery the region says which. */
export function partitionOf({ creator, region }: Cluster): string {
  return creatorArnOf(creator)?.split(":")[1] ?? partitionOfRegion(region) ?? "aws";
}

export type Way = "aws-auth" | "access-entry" | "binding";

export interface WayFacts {
  readonly mode: "CONFIG_MAP" | "API_AND_CONFIG_MAP" | "API";
  /** What the configuration wants where both would do. */
  readonly preferred: Way;
  readonly hasEntry: boolean;
  /** Whether aws-auth maps the principal, by us or by others. */
  readonly isMapped: boolean;
}

/**
 * How a principal gets access. Where a cluster reads both, an access entry takes precedence: a principal that has one gets
 * access by it. One with only an item in aws-auth stays there, because a new entry would hide the item.
 */
export function wayFor({ mode, preferred, hasEntry, isMapped }: WayFacts): Way {
  if (mode === "CONFIG_MAP") return "aws-auth";
  if (mode === "API" || hasEntry) return "access-entry";
  return isMapped ? "aws-auth" : preferred;
}
